/* rollout_end.c - how far a rollout is: counted, said, and whether it has arrived. */
#include "lib/units.h"
#include "scheduler/rollout.h"

#define STOPPING_NAMED 3 /* tasks named in a sentence; the rest is counted */

/* ---- the slots --------------------------------------------------------------------------------------- */

static bool slot_fine(const struct slot *s)
{
    return s->head && !s->old && s->compliant && (s->class == CLASS_AVAILABLE || s->class == CLASS_DONE);
}

/* Arrived is arrived; but a new version in place of another, or one whose health nobody can ask, is watched
 * for the monitor window first. */
static bool watched(const struct slots *v, const struct record_rollout *r, const struct slot *s)
{
    bool update = r->complete && r->complete != r->target && r->state != ROLLOUT_HEALING;
    uint64_t until;

    if (s->class == CLASS_DONE || (rollout_has_health(v) && !update))
        return true;
    until = s->head->available_at + rollout_monitor_ms(v);
    if (v->core->now >= until)
        return true;
    core_wake(v->core, v->service, until);
    return false;
}

struct tally {
    int open, available, updated;
    int proven;         /* slots that have arrived at the target, and have been watched */
    bool fine, watched; /* every slot has arrived; has been watched, too */
    bool works;         /* every slot has an available task, of whatever version */
    bool stable;        /* ... and for so long that it has not failed "again" if it fails */
};

static struct tally tally(const struct slots *v, const struct record_rollout *r)
{
    int well = (int)v->well;
    struct tally n = {.open = well,
                      .available = well,
                      .updated = well,
                      .proven = well,
                      .fine = true,
                      .watched = true,
                      .works = true,
                      .stable = true};
    const struct slot *s;

    orc_vec_each (s, &v->at) {
        if (!s->open || (s->unreadable && !s->head))
            continue;
        n.open++;
        n.available += s->old || (s->head && s->class == CLASS_AVAILABLE);
        n.updated += s->head && s->class == CLASS_AVAILABLE && slots_same_container(v, s->head);
        if (s->head && s->class == CLASS_AVAILABLE && core_task_run_ms(v->core, s->head) < ROLLOUT_STABLE_MS)
            n.stable = false;
        if (!s->old && (!s->head || (s->class != CLASS_AVAILABLE && s->class != CLASS_DONE)))
            n.works = false;
        if (!slot_fine(s))
            n.fine = false;
        else if (watched(v, r, s))
            n.proven++;
        else
            n.watched = false;
    }
    n.works = n.works && n.open == r->replicas;
    n.fine = n.fine && n.open == r->replicas && v->target;
    return n;
}

/* The sentence of a service that is being repaired: its first slot that is not fine. */
static void say_healing(const struct slots *v, struct record_rollout *r)
{
    const struct slot *s;
    char n[ORC_UNIT_MAX];

    if (v->core->hold) {
        rollout_tell(r, ROLLOUT_SAYS_HELD, "%s", v->core->hold);
        return;
    }
    if (!v->target) {
        rollout_tell(r, ROLLOUT_SAYS_UNREADABLE, "revision %lld of %s can't be read", (long long)r->target,
                     v->service->name);
        return;
    }
    orc_vec_each (s, &v->at) {
        const struct core_task *moves = s->old ? s->old : s->head;
        orc_auto_free char *why = NULL;

        if (!s->open || (slot_fine(s) && !s->unreadable))
            continue;
        if (moves && slots_moves(v, moves)) {
            rollout_tell(r, ROLLOUT_SAYS_REBALANCED,
                         "rebalanced, %d of its replicas so far: slot %d leaves %s", r->rebalance_moved, s->n,
                         moves->node->name);
            return;
        }
        if (s->head && !s->wait)
            why = s->compliant ? rollout_failure(v, s->head) : slots_misfit(v, s->head, NULL);
        rollout_tell_text(r, ROLLOUT_SAYS_MISSING,
                          orc_concat("slot ", orc_format_int(s->n, n), ": ",
                                     s->wait ? s->wait
                                     : why   ? why
                                             : "no task"));
        return;
    }
    rollout_tell(r, ROLLOUT_SAYS_MISSING, "%zu of %d slots are there", slots_count_open(v), r->replicas);
}

static void arrive(const struct slots *v, struct record_rollout *r)
{
    r->complete = r->target;
    r->from = 0;
    r->failed = 0;
    if (r->target != r->wanted) { /* the reason stays: it says what went wrong with what is wanted */
        rollout_set_state(v->core, r, ROLLOUT_ROLLED_BACK);
        return;
    }
    rollout_set_state(v->core, r, ROLLOUT_COMPLETE);
    rollout_hush(r);
}

/* The sentence while everything is there and something surplus is, too. What a rollback says stays. */
static void say_stopping(const struct slots *v, struct record_rollout *r)
{
    struct orc_buf b = ORC_BUF_INIT(ROLLOUT_REASON_MAX);
    size_t n = v->stopping.n;

    if (r->state != ROLLOUT_UPDATING)
        return;
    for (size_t i = 0; i < n && i < STOPPING_NAMED; i++)
        orc_buf_printf(&b, "%s%s on %s", i ? ", " : "", CORE_TASK_ID(v->stopping.at[i]),
                       v->stopping.at[i]->node->name);
    if (n > STOPPING_NAMED)
        orc_buf_printf(&b, " and %zu more", n - STOPPING_NAMED);
    rollout_tell(r, ROLLOUT_SAYS_STOPPING, "%zu task%s still stop%s: %s", n, n == 1 ? "" : "s",
                 n == 1 ? "s" : "", orc_buf_str(&b));
    orc_buf_release(&b);
}

/* ... and while what is there must only prove itself. */
static void say_watching(const struct slots *v, struct record_rollout *r)
{
    char duration[ORC_UNIT_MAX];

    if (r->state == ROLLOUT_UPDATING)
        rollout_tell(r, ROLLOUT_SAYS_WATCHED,
                     "all replicas are there; it is complete when each has run for %s",
                     orc_format_duration(rollout_monitor_ms(v), duration));
}

/* What was said of the end does not hold when something is missing again; nor may what a scheduler said that
 * did not write what about. */
static void unsay_end(struct record_rollout *r)
{
    if (r->state == ROLLOUT_UPDATING &&
        (r->reason_kind == ROLLOUT_SAYS_STOPPING || r->reason_kind == ROLLOUT_SAYS_WATCHED ||
         r->reason_kind == ROLLOUT_SAYS_NOTHING))
        rollout_hush(r);
}

/* ---- degraded ---------------------------------------------------------------------------------------- */

/* A task has failed again soon after it had been replaced for that. */
static void note_repeated(const struct slots *v, struct record_rollout *r)
{
    const struct slot *s;

    orc_vec_each (s, &v->at) {
        orc_auto_free char *why = NULL;

        if (!s->repeats)
            continue;
        why = rollout_failure(v, s->head);
        rollout_say(&r->degraded, "%s on %s: %s", CORE_TASK_ID(s->head), s->head->node->name, why);
        if (!r->degraded_since)
            r->degraded_since = v->core->wall;
        return;
    }
}

/* Failures are forgotten, and a service is whole again, when every replica has run well for a minute. */
static void settle_failures(const struct slots *v, struct record_rollout *r, const struct tally *n)
{
    const struct core_task *t;
    const struct slot *s;

    note_repeated(v, r);
    if (!r->failures && !r->degraded)
        return;
    if ((rollout_moves(r) ? n->fine : n->works) && n->stable) {
        r->failures = 0;
        r->degraded_since = 0;
        free(orc_take(r->degraded));
        return;
    }
    orc_vec_each (s, &v->at)
        if (s->open && s->head && s->class == CLASS_AVAILABLE && s->head->available_at)
            core_wake(v->core, v->service, s->head->available_at + ROLLOUT_STABLE_MS);
    if (v->kept)
        core_each_task (t, v->service)
            if (kept_is_well(v->kept, t->slot) && t->available_at)
                core_wake(v->core, v->service, t->available_at + ROLLOUT_STABLE_MS);
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static void say_canary(const struct slots *v, struct record_rollout *r)
{
    rollout_tell(
        r, ROLLOUT_SAYS_CANARY,
        "%d of %d replicas run revision %lld: `orc rollout resume %s` goes on, `orc rollout abort %s` "
        "goes back",
        r->updated, r->replicas, (long long)r->target, v->service->name, v->service->name);
}

/* One that is under way, or stands still. */
static void approach(const struct slots *v, struct record_rollout *r, const struct tally *n)
{
    int limit = rollout_canary(v->service, r);
    bool reached = n->fine ? n->watched : n->proven >= limit;

    if (!n->fine && !reached) {
        unsay_end(r);
    } else if (v->stopping.n) {
        say_stopping(v, r);
    } else if (!reached) {
        say_watching(v, r);
    } else if (limit == ROLLOUT_NO_LIMIT) {
        arrive(v, r);
    } else if (r->state == ROLLOUT_UPDATING) {
        rollout_set_state(v->core, r, ROLLOUT_CANARY);
        say_canary(v, r);
    }
}

void rollout_conclude(const struct slots *v, struct record_rollout *r)
{
    struct tally n = tally(v, r);

    r->available = n.available;
    r->updated = n.updated;
    settle_failures(v, r, &n);
    switch (r->state) {
    case ROLLOUT_COMPLETE:
        if (n.fine) {
            rollout_hush(r);
            break;
        }
        rollout_set_state(v->core, r, ROLLOUT_HEALING);
        say_healing(v, r);
        break;
    case ROLLOUT_HEALING:
        if (n.fine && n.watched)
            arrive(v, r);
        else
            say_healing(v, r);
        break;
    case ROLLOUT_CANARY:
        say_canary(v, r);
        break;
    case ROLLOUT_ROLLED_BACK:
        break;
    default:
        approach(v, r, &n);
    }
}
