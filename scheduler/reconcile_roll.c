/* reconcile_roll.c - what is not of the target is replaced, within the update policy. */
#include "scheduler/place.h"
#include "scheduler/reconcile_ops.h"
#include "scheduler/rollout.h"

/* Stop-first: the successor is made when this one has stopped; so there must be a place for it then. */
static void roll_stop_first(struct recon *x, struct slot *s, const struct core_revision *rev,
                            enum task_stop kind, const char *why)
{
    bool serves = s->class == CLASS_AVAILABLE;

    if (serves && x->available - 1 < x->next.replicas - x->missing) {
        if (!x->busy) /* otherwise it comes to its turn */
            recon_wait(s, orc_printf("%s, but only %d of %d are available and at most %d may be missing", why,
                                     x->available, x->next.replicas, x->missing));
        return;
    }
    if (!recon_has_place(x, s, rev, why, ", but no place for it"))
        return;
    if (x->between) {
        recon_set_busy(x, s);
        return;
    }
    if (!recon_remove(x, s->head, kind, why))
        return;
    x->available -= serves;
    x->at_target += rev == x->target && !slots_same_content(&x->v, s->head);
    recon_wait_for_stop(s, s->head, why);
    recon_set_busy(x, s);
}

static void roll_start_first(struct recon *x, struct slot *s, const struct core_revision *rev,
                             enum task_stop kind, const char *why)
{
    if (recon_create(x, s, rev, kind, why)) {
        recon_set_busy(x, s);
        return;
    }
    if (recon_is_full(x))
        return;
    rollout_tell(&x->next, ROLLOUT_SAYS_ROOM, "start-first has no room, so slot %d is stopped first: %s",
                 s->n, s->wait ? s->wait : "");
    roll_stop_first(x, s, rev, kind, why);
}

/* What the slot's task is to be replaced by; NULL: it stays. Where no more may be of the target, or nothing
 * is updated now, only a drained node is left. */
static const struct core_revision *successor(const struct recon *x, const struct slot *s)
{
    if (rollout_moves(&x->next) && (slots_same_content(&x->v, s->head) || x->at_target + x->empty < x->limit))
        return x->target;
    return s->head->node->policy.drain ? recon_version(x, s) : NULL;
}

static void roll_slot(struct recon *x, struct slot *s)
{
    const struct core_revision *rev = successor(x, s);
    enum task_stop kind = TASK_STOP_DRAINED;
    orc_auto_free char *why = NULL;
    bool start_first;

    /* The next batch is only as large as the healthy part of the last (behaviour 45). */
    if (!rev || x->busy - s->busy + (rollout_moves(&x->next) ? x->failing : 0) >= x->parallelism)
        return;
    why = rev == x->target ? slots_misfit(&x->v, s->head, &kind)
                           : orc_concat("node ", s->head->node->name, " is drained");
    start_first = rollout_policy(x->s, &x->next)->order == SPEC_START_FIRST && s->class == CLASS_AVAILABLE &&
                  !slots_has_volume(rev->rec.spec);
    if (start_first)
        roll_start_first(x, s, rev, kind, why);
    else
        roll_stop_first(x, s, rev, kind, why);
}

static bool to_roll(const struct slot *s)
{
    return s->open && s->head && !s->old && !s->compliant && !s->wait &&
           (s->class == CLASS_AVAILABLE || s->class == CLASS_STARTING || s->class == CLASS_DONE ||
            s->class == CLASS_OVER);
}

bool recon_batch_ready(struct recon *x)
{
    uint64_t delay = rollout_policy(x->s, &x->next)->delay_ms;

    if (!delay)
        return true;
    if (x->busy)
        return false;
    if (x->s->batch_open || x->s->batch_begun) {
        x->s->batch_open = x->s->batch_begun = false;
        x->s->batch_at = x->c->now + delay;
    }
    core_wake(x->c, x->s, x->s->batch_at);
    return x->c->now >= x->s->batch_at;
}

/* ---- a drain whose deadline is over ------------------------------------------------------------------ */

static bool forced_off(const struct core_task *t)
{
    return t && t->node->forced;
}

/* False: no more in this step. */
static bool force(struct recon *x, struct core_task *t)
{
    orc_auto_free char *why = orc_printf("node %s is drained and its deadline is over", t->node->name);

    if (!recon_remove(x, t, TASK_STOP_DRAINED, why))
        return false;
    plan_event(x->p, "task", CORE_TASK_ID(t), "stopped: %s", why);
    return true;
}

static void force_slot(struct recon *x, struct slot *s)
{
    if (forced_off(s->old) && force(x, s->old))
        s->old = NULL;
    if (!forced_off(s->head) || !force(x, s->head))
        return;
    s->head = orc_take(s->old);
    s->compliant = false;
    if (s->head)
        s->class = slots_classify(&x->v, s->head);
}

void recon_force(struct recon *x)
{
    struct slot *s;

    if (x->c->hold)
        return;
    orc_vec_each (s, &x->v.at)
        if (s->open)
            force_slot(x, s);
    for (size_t i = 0; i < x->v.spare.n; i++) /* kept beside those, as their node did not answer */
        orc_vec_each (s, &x->v.at)
            if (s->n == x->v.spare.at[i]->slot && forced_off(x->v.spare.at[i]))
                force(x, x->v.spare.at[i]);
}

static void wait_all(struct recon *x, const char *why)
{
    struct slot *s;

    orc_vec_each (s, &x->v.at)
        if (to_roll(s))
            recon_wait(s, orc_strdup(why));
}

/* ---- what is not of the target ----------------------------------------------------------------------- */

static void roll_slots(struct recon *x)
{
    struct slot *s;

    orc_vec_each (s, &x->v.at) /* what does not serve costs nothing */
        if (to_roll(s) && s->class != CLASS_AVAILABLE)
            roll_slot(x, s);
    orc_vec_each (s, &x->v.at)
        if (to_roll(s) && s->class == CLASS_AVAILABLE)
            roll_slot(x, s);
}

/* What can't be replaced says so in the delay, too: it is no news when the delay is over, nor to a new
 * leader, which waits for a whole one. */
static void say_between(struct recon *x)
{
    struct slot *s;

    if (x->busy)
        return;
    x->between = true;
    roll_slots(x);
    x->between = false;
    x->busy = 0;
    orc_vec_each (s, &x->v.at)
        s->busy = false;
}

void recon_roll(struct recon *x)
{
    orc_auto_free char *dep = NULL;
    int before = x->busy;
    bool any = false, ready;
    struct slot *s;

    if (!x->target || x->c->hold)
        return;
    orc_vec_each (s, &x->v.at) {
        any = any || (to_roll(s) && successor(x, s));
        x->empty += s->open && !s->head;
    }
    dep = any ? recon_update_dependency(x) : NULL;
    if (dep) {
        wait_all(x, dep);
        return;
    }
    if (!any)
        return;
    ready = recon_batch_ready(x);
    core_wake(x->c, x->s, x->s->backoff_at);
    if (x->c->now < x->s->backoff_at)
        return;
    if (!ready) {
        say_between(x);
        return;
    }
    roll_slots(x);
    x->s->batch_begun = x->s->batch_begun || x->busy > before;
}
