#include "cli/order.h"

enum wait_goal order_goal(enum intent_action a)
{
    return a == INTENT_PAUSE ? WAIT_PAUSED : a == INTENT_ABORT ? WAIT_BACK : WAIT_COMPLETE;
}

bool order_needs_people(const char *state)
{
    return orc_streq(state, rollout_state_name(ROLLOUT_PAUSED)) ||
           orc_streq(state, rollout_state_name(ROLLOUT_ROLLED_BACK)) ||
           orc_streq(state, rollout_state_name(ROLLOUT_FAILED));
}

static bool under_way(enum rollout_state s)
{
    return s == ROLLOUT_UPDATING || s == ROLLOUT_CANARY || s == ROLLOUT_ROLLING_BACK || s == ROLLOUT_PAUSED;
}

/* Back is the last revision that was complete, unless that is where it is going anyway. */
static char *nothing_to_go_back_to(const struct record_rollout *r, const char *name)
{
    if (r->target != r->wanted || (r->complete && r->complete != r->target))
        return NULL;
    if (!r->complete)
        return orc_printf(
            "no revision of %s was ever complete, so there is none to go back to: apply a mended "
            "file, or remove it with `orc rm %s`",
            name, name);
    return orc_printf(
        "%s is at revision %lld, the last that was complete, and is being scaled or restarted: there "
        "is nothing to go back to; `orc rollout pause %s` stops it",
        name, (long long)r->target, name);
}

char *order_refusal(const struct cluster *c, const char *app, const char *service, enum intent_action a)
{
    const struct cluster_entry *e = cluster_find(c, key_rollout(c->name, app, service)),
                               *wanted = cluster_find(c, key_app(c->name, app));
    const struct record_app_service *w = cluster_wanted(c, app, service);
    const struct spec_service *spec = w ? cluster_spec(c, app, service, w->revision) : NULL;
    orc_auto_free char *name = orc_printf("%s/%s", app, service);
    const struct record_rollout *r;

    if (spec && spec->job)
        return orc_printf(
            "%s is a job: its runs are not paused and don't go back; apply another revision, or "
            "remove it with `orc rm %s`",
            name, name);
    if (!e || !wanted || e->as.rollout.generation < wanted->as.app.generation)
        return NULL;
    r = &e->as.rollout;
    if (a == INTENT_RESUME)
        return r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_FAILED || r->state == ROLLOUT_CANARY
                   ? NULL
                   : orc_printf("the rollout of %s is not paused, it is %s: there is nothing to resume", name,
                                rollout_state_name(r->state));
    if (!under_way(r->state))
        return orc_printf("%s has no rollout under way, it is %s: there is nothing to %s%s", name,
                          rollout_state_name(r->state), intent_action_name(a),
                          a == INTENT_ABORT ? "; `orc rollback` goes back to an earlier revision" : "");
    return a == INTENT_ABORT ? nothing_to_go_back_to(r, name) : NULL;
}
