#include "cli/refuse.h"

#include "cli/brain.h"
#include "scheduler/residency.h"

#define TOLD_MAX (ORC_ERR_MAX - 200) /* what is said behind it is to be read as well */

static bool is_changed(const struct delta_step *s)
{
    return s->spec && (s->kind == DELTA_NEW || s->kind == DELTA_CHANGED || s->kind == DELTA_RESCALED);
}

char *refuse_both(char *one, char *other)
{
    static const char more[] = "; and there is more";
    char *both;

    if (!one || !other)
        return one ? one : other;
    if (strstr(one, more))
        both = orc_strdup(one);
    else if (strlen(one) + strlen(other) <= TOLD_MAX)
        both = orc_concat(one, "; and ", other);
    else
        both = orc_concat(one, more);
    free(one);
    free(other);
    return both;
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
        orc_auto_free char *why = is_changed(s) ? residency_refusal(core, s->spec) : NULL;

        if (why)
            sentence = refuse_both(sentence, orc_printf("%s/%s could run nowhere: %s", app, s->service, why));
    }
    core_free(core);
    return sentence;
}

/* Is it in the file that is applied, or goes with it? */
static bool is_replaced(const struct delta *d, const char *service)
{
    const struct delta_step *s;

    orc_vec_each (s, &d->steps)
        if (orc_streq(s->service, service))
            return s->kind != DELTA_LEFT;
    return false;
}

static bool has_route(const struct spec_service *s, const struct spec_gateway *g)
{
    for (size_t i = 0; i < s->gateway.n; i++)
        if (strcmp(s->gateway.at[i].host, g->host) == 0 && strcmp(s->gateway.at[i].path, g->path) == 0)
            return true;
    return false;
}

static char *refuse_route(const char *app, const char *service, const struct spec_gateway *g,
                          const char *other, const char *name)
{
    return orc_printf("%s/%s routes %s%s%s with the path \"%s\", which is %s/%s's: give it another "
                      "path or host, or take the route from %s/%s first",
                      app, service, *g->host ? "\"" : "any host", g->host, *g->host ? "\"" : "", g->path,
                      other, name, other, name);
}

/* `has` is the service `name` of the app `other`. */
static char *refuse_routes_of(const char *app, const struct delta *d, const char *other, const char *name,
                              const struct spec_service *has, struct orc_strv *ret_routes)
{
    const struct delta_step *s;
    char *sentence = NULL;

    if (orc_streq(app, other) && is_replaced(d, name))
        return NULL;
    orc_vec_each (s, &d->steps)
        for (size_t i = 0; is_changed(s) && i < s->spec->gateway.n; i++) {
            const struct spec_gateway *g = &s->spec->gateway.at[i];
            orc_auto_free char *mark = orc_printf("%s %s|%s", s->service, g->host, g->path);

            if (!has_route(has, g))
                continue;
            sentence = refuse_both(sentence, refuse_route(app, s->service, g, other, name));
            orc_strv_add(ret_routes, mark);
        }
    return sentence;
}

/* Behaviour 100. The gateway would let one of the two have it, and leave the other without a word to its
 * users. */
static char *refuse_routes(const struct cluster *c, const char *app, const struct delta *d,
                           struct orc_strv *ret_routes)
{
    const struct record_app_service *s;
    char *sentence = NULL;

    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next) {
        if (e->key.kind != KEY_APP || e->problem)
            continue;
        orc_vec_each (s, &e->as.app.services) {
            const struct spec_service *has = cluster_spec(c, e->key.app, s->name, s->revision);

            if (has && has->gateway.n)
                sentence =
                    refuse_both(sentence, refuse_routes_of(app, d, e->key.app, s->name, has, ret_routes));
        }
    }
    return sentence;
}

char *refuse_change(const struct cluster *c, const char *app, const struct delta *d,
                    struct orc_strv *ret_routes)
{
    return refuse_both(refuse_residency(c, app, d), refuse_routes(c, app, d, ret_routes));
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
    char *sentence = NULL;

    if (config && config->as.config.allow_privileged)
        return NULL;
    orc_vec_each (s, &d->steps)
        if (is_changed(s) && is_privileged(s->spec))
            sentence = refuse_both(
                sentence,
                orc_printf("%s/%s asks for a privileged container, which can do anything to its server; this "
                           "cluster does not allow it: give \"cap_add\" and \"devices\" instead, or allow it "
                           "with `orc init --allow-privileged`",
                           app, s->service));
    return sentence;
}

bool refuse_asks_for_survival(const struct delta *d)
{
    const struct delta_step *s;

    orc_vec_each (s, &d->steps)
        if (is_changed(s) && s->spec->survive_node_loss)
            return true;
    return false;
}
