/* reconcile_roll.c - what is not of the target is replaced, within the update policy. */
#include "scheduler/place.h"
#include "scheduler/reconcile_ops.h"
#include "scheduler/rollout.h"

/* Stop-first: the successor is made when this one has stopped; so there must be a place for it then. A
 * drained node is left in any case. */
static void roll_stop_first(struct recon *x, struct slot *s, const char *why)
{
    struct place_req req = {.service = x->s,
                            .spec = x->target->rec.spec,
                            .hash = x->target->rec.container_hash,
                            .without = s->head,
                            .own = s->last,
                            .pin = recon_pin(x->target, s)};
    bool serves = s->class == CLASS_AVAILABLE, drained = s->head->node->policy.drain;
    char *refused = NULL;

    if (serves && x->available - 1 < x->next.replicas - x->missing) {
        if (!x->busy) /* otherwise it comes to its turn */
            recon_wait(s, orc_printf("%s, but only %d of %d are available and at most %d may be missing", why,
                                     x->available, x->next.replicas, x->missing));
        return;
    }
    if (!drained && !place_pick(x->c, &req, &refused)) {
        recon_wait(s, orc_printf("%s, but no place for it: %s", why, refused));
        free(refused);
        core_wait_room(x->c, x->s, true);
        return;
    }
    if (!recon_remove(x, s->head, why))
        return;
    x->available -= serves;
    recon_wait(s,
               orc_printf("%s on %s must stop first: %s", CORE_TASK_ID(s->head), s->head->node->name, why));
    recon_set_busy(x, s);
}

static void roll_start_first(struct recon *x, struct slot *s, const char *why)
{
    if (recon_create(x, s, x->target, why)) {
        recon_set_busy(x, s);
        return;
    }
    if (x->touched + 2 > PLAN_TASKS_MAX)
        return;
    rollout_say(&x->next.reason, "start-first has no room, so slot %d is stopped first: %s", s->n,
                s->wait ? s->wait : "");
    roll_stop_first(x, s, why);
}

static void roll_slot(struct recon *x, struct slot *s)
{
    orc_auto_free char *why = slots_misfit(&x->v, s->head);
    bool start_first = rollout_policy(x->s, &x->next)->order == SPEC_START_FIRST &&
                       s->class == CLASS_AVAILABLE && !slots_has_volume(x->target->rec.spec);

    /* The next batch is only as large as the healthy part of the last (behaviour 45). */
    if (!why || x->busy - s->busy + x->failing >= x->parallelism)
        return;
    if (start_first)
        roll_start_first(x, s, why);
    else
        roll_stop_first(x, s, why);
}

static bool to_roll(const struct slot *s)
{
    return s->open && s->head && !s->old && !s->compliant && !s->wait &&
           (s->class == CLASS_AVAILABLE || s->class == CLASS_STARTING || s->class == CLASS_DONE ||
            s->class == CLASS_OVER);
}

/* The delay of an update passes between the end of one batch and the beginning of the next. */
static bool batch_ready(struct recon *x)
{
    uint64_t delay = rollout_policy(x->s, &x->next)->delay_ms;

    if (!delay)
        return true;
    if (x->busy)
        return false;
    if (x->s->batch_open) {
        x->s->batch_open = false;
        x->s->batch_at = x->c->now + delay;
    }
    core_wake(x->c, x->s, x->s->batch_at);
    return x->c->now >= x->s->batch_at;
}

void recon_roll(struct recon *x)
{
    int before = x->busy;
    bool any = false;
    struct slot *s;

    if (!x->target || !rollout_moves(&x->next) || x->c->hold)
        return;
    orc_vec_each (s, &x->v.at)
        any = any || to_roll(s);
    if (!any || !batch_ready(x))
        return;
    core_wake(x->c, x->s, x->s->backoff_at);
    if (x->c->now < x->s->backoff_at)
        return;
    orc_vec_each (s, &x->v.at) /* what does not serve costs nothing */
        if (to_roll(s) && s->class != CLASS_AVAILABLE)
            roll_slot(x, s);
    orc_vec_each (s, &x->v.at)
        if (to_roll(s) && s->class == CLASS_AVAILABLE)
            roll_slot(x, s);
    x->s->batch_open = x->s->batch_open || x->busy > before;
}
