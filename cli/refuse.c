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

char *refuse_residency(const struct cluster *c, const char *app, const struct delta *d)
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
