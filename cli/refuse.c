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

bool refuse_asks_for_survival(const struct delta *d)
{
    const struct delta_step *s;

    orc_vec_each (s, &d->steps)
        if (is_changed(s) && s->spec->survive_node_loss)
            return true;
    return false;
}
