#include "cli/refuse.h"

#include "cli/brain.h"
#include "scheduler/residency.h"

static bool is_changed(const struct delta_step *s)
{
    return s->spec && (s->kind == DELTA_NEW || s->kind == DELTA_CHANGED || s->kind == DELTA_RESCALED);
}

static bool any_constraint(const struct delta *d)
{
    const struct delta_step *s;

    orc_vec_each (s, &d->steps)
        if (is_changed(s) && s->spec->constraints.n)
            return true;
    return false;
}

static char *refuse_residency(const struct cluster *c, const char *app, const struct delta *d)
{
    const struct delta_step *s;
    char *sentence = NULL;
    struct core *core;

    if (!any_constraint(d))
        return NULL;
    core = brain_new(c, 0);
    orc_vec_each (s, &d->steps) {
        orc_auto_free char *why = is_changed(s) && !sentence ? residency_refusal(core, s->spec) : NULL;

        if (why)
            sentence = orc_printf("%s/%s could run nowhere: %s", app, s->service, why);
    }
    core_free(core);
    return sentence;
}

/* Behaviour 100. The gateway would let one of the two have it, and leave the other without a word to its
 * users. */
static char *refuse_route(const char *name, const struct spec_gateway *g, const char *other,
                          const struct spec_service *has)
{
    for (size_t i = 0; i < has->gateway.n; i++)
        if (strcmp(has->gateway.at[i].host, g->host) == 0 && strcmp(has->gateway.at[i].path, g->path) == 0)
            return orc_printf("%s routes %s%s%s with the path \"%s\", which is %s's: give it another path or "
                              "host, or take the route from %s first",
                              name, *g->host ? "\"" : "any host", g->host, *g->host ? "\"" : "", g->path,
                              other, other);
    return NULL;
}

/* Is it in the file that is applied, or goes with it? */
static bool is_replaced(const char *app, const struct delta *d, const struct key *k, const char *service)
{
    const struct delta_step *s;

    orc_vec_each (s, &d->steps)
        if (orc_streq(k->app, app) && orc_streq(s->service, service))
            return s->kind != DELTA_LEFT;
    return false;
}

static char *refuse_routes_of(const struct cluster *c, const char *app, const struct delta *d,
                              const struct spec_service *spec)
{
    orc_auto_free char *name = orc_printf("%s/%s", app, spec->name);
    const struct record_app_service *s;
    char *sentence = NULL;

    for (const struct cluster_entry *e = c->entries; e && !sentence; e = e->hh.next) {
        if (e->key.kind != KEY_APP || e->problem)
            continue;
        orc_vec_each (s, &e->as.app.services) {
            orc_auto_free char *other = orc_printf("%s/%s", e->key.app, s->name);
            const struct spec_service *has = cluster_spec(c, e->key.app, s->name, s->revision);

            if (!has || is_replaced(app, d, &e->key, s->name))
                continue;
            for (size_t i = 0; i < spec->gateway.n && !sentence; i++)
                sentence = refuse_route(name, &spec->gateway.at[i], other, has);
        }
    }
    return sentence;
}

static char *refuse_routes(const struct cluster *c, const char *app, const struct delta *d)
{
    const struct delta_step *s;
    char *sentence = NULL;

    orc_vec_each (s, &d->steps)
        if (is_changed(s) && !sentence)
            sentence = refuse_routes_of(c, app, d, s->spec);
    return sentence;
}

char *refuse_change(const struct cluster *c, const char *app, const struct delta *d)
{
    char *sentence = refuse_residency(c, app, d);

    return sentence ? sentence : refuse_routes(c, app, d);
}

static bool is_privileged(const struct spec_service *s)
{
    bool any = s->container.privileged;

    for (size_t i = 0; i < s->sidecars.n; i++)
        any = any || s->sidecars.at[i].container.privileged;
    return any;
}

char *refuse_privileged(const struct cluster *c, const char *app, const struct delta *d)
{
    const struct cluster_entry *config = cluster_find(c, key_config(c->name));
    const struct delta_step *s;

    if (config && config->as.config.allow_privileged)
        return NULL;
    orc_vec_each (s, &d->steps)
        if (is_changed(s) && is_privileged(s->spec))
            return orc_printf(
                "%s/%s asks for a privileged container, which can do anything to its server; this "
                "cluster does not allow it: give \"cap_add\" and \"devices\" instead, or allow it "
                "with `orc init --allow-privileged`",
                app, s->service);
    return NULL;
}

bool refuse_asks_for_survival(const struct delta *d)
{
    const struct delta_step *s;

    orc_vec_each (s, &d->steps)
        if (is_changed(s) && s->spec->survive_node_loss)
            return true;
    return false;
}
