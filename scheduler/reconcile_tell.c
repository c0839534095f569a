/* reconcile_tell.c - what was decided about a service, as events for people:
 * docs/decisions/0108-explaining.md.
 *
 * One event for all tasks of a transaction that are made, or told to go, for one reason; and within bounds:
 * so many at once, then one in so many seconds, per service and in all. What is not told apart is counted in
 * the next one; every task's record has its own reason in any case.
 */
#include "lib/units.h"
#include "scheduler/reconcile_ops.h"
#include "scheduler/trouble.h"

#include <stdio.h>

#define NAMED_MAX 3   /* tasks named in an event; more are counted */
#define REASONS_MAX 4 /* events for one kind of decision in one transaction */

/* So many events at once, then one each `every_ms` (the generic cell rate algorithm). */
struct rate {
    uint64_t burst, every_ms;
};
static const struct rate service_rate = {8, 3000}, core_rate = {400, 50};

static bool may_tell(uint64_t *at, struct rate rate, uint64_t now)
{
    if (*at < now)
        *at = now;
    if (*at - now > rate.burst * rate.every_ms - rate.every_ms)
        return false;
    *at += rate.every_ms;
    return true;
}

static bool take_turn(struct recon *x)
{
    return may_tell(&x->s->tell_at, service_rate, x->c->now) &&
           may_tell(&x->c->tell_at, core_rate, x->c->now);
}

/* ---- tasks ------------------------------------------------------------------------------------------- */

static const struct share_text *reason_of(const struct plan_op *op)
{
    return op->kind == PLAN_TASK_CREATE ? op->task.reason : op->task.stop_reason;
}

/* Why, without whom it replaces: what tasks of one decision have in common. */
static const char *why_of(const struct plan_op *op)
{
    static const char replaces[] = "replaces ";
    const char *why = share_text_str(reason_of(op)), *colon;

    if (why && strncmp(why, replaces, sizeof replaces - 1) == 0 && (colon = strstr(why, ": ")))
        return colon + 2;
    return why ? why : "";
}

static bool is_of(const struct plan_op *op, enum plan_kind kind, const char *why)
{
    return op->kind == kind && (!why || strcmp(why_of(op), why) == 0);
}

static bool alike(const struct plan_op *a, const struct plan_op *b)
{
    return a->kind == b->kind && (reason_of(a) == reason_of(b) || strcmp(why_of(a), why_of(b)) == 0);
}

/* Whether one before `end` has its kind and reason. */
static bool reason_before(const struct plan_txn *t, const struct plan_op *op, const struct plan_op *end)
{
    for (const struct plan_op *o = t->ops.at; o < end; o++)
        if (alike(o, op))
            return true;
    return false;
}

/* The tasks that an event is about: those of `first`'s kind and reason, or with `why` NULL all of the kind
 * with reasons that were not told before. */
static bool is_meant(const struct plan_txn *t, const struct plan_op *op, const struct plan_op *first,
                     const char *why)
{
    return op >= first && is_of(op, first->kind, why) && (why || !reason_before(t, op, first));
}

static int count_meant(const struct plan_txn *t, const struct plan_op *first, const char *why)
{
    const struct plan_op *op;
    int n = 0;

    orc_vec_each (op, &t->ops)
        n += is_meant(t, op, first, why);
    return n;
}

/* "shop.web.0.1 on k1, shop.web.1.2 on k2 and 7 more" */
static char *names(const struct plan_txn *t, const struct plan_op *first, const char *why, int count)
{
    char *ret = NULL, *before, id[KEY_TASK_MAX + 1], more[ORC_UNIT_MAX];
    const struct plan_op *op;
    int named = 0;

    orc_vec_each (op, &t->ops) {
        if (!is_meant(t, op, first, why) || named == NAMED_MAX)
            continue;
        before = ret;
        ret =
            orc_concat(before, named++ ? ", " : NULL, plan_task_id(&op->task, id), " on ", op->task.node->s);
        free(before);
    }
    if (count > named) {
        before = ret;
        ret = orc_concat(before, " and ", orc_format_int(count - named, more), " more");
        free(before);
    }
    return ret;
}

static void tell(struct recon *x, const struct plan_txn *t, const struct plan_op *first, const char *why)
{
    const char *verb = first->kind == PLAN_TASK_CREATE ? "made" : "told to go";
    int count = count_meant(t, first, why);
    orc_auto_free char *who = NULL, *untold = NULL;
    char id[KEY_TASK_MAX + 1], n[ORC_UNIT_MAX];

    if (!take_turn(x)) {
        x->s->untold += count;
        return;
    }
    who = names(t, first, why, count);
    if (x->s->untold)
        untold = orc_concat(" (", orc_format_int(x->s->untold, n), " more since the last event)");
    x->s->untold = 0;
    plan_event_text(x->p, t, "task", count == 1 ? plan_task_id(&first->task, id) : x->s->name,
                    orc_concat(verb, ": ", who, ": ", why ? why : "for several reasons", untold));
}

static void tell_kind(struct recon *x, const struct plan_txn *t, enum plan_kind kind)
{
    const struct plan_op *op;
    int reasons = 0;

    orc_vec_each (op, &t->ops) {
        if (op->kind != kind || reason_before(t, op, op))
            continue;
        if (++reasons == REASONS_MAX) {
            tell(x, t, op, NULL); /* and all others */
            return;
        }
        tell(x, t, op, why_of(op));
    }
}

/* ---- the service ------------------------------------------------------------------------------------- */

static void tell_rollout(struct recon *x)
{
    const struct record_rollout *r = &x->next, *before = &x->s->rollout;
    bool fresh = !x->s->rollout_fed.present,
         moved = fresh || before->state != r->state || before->target != r->target;
    orc_auto_free char *scaled = NULL;
    char target[ORC_UNIT_MAX];

    if (!fresh && before->replicas != r->replicas && r->state != ROLLOUT_REMOVING)
        scaled = orc_printf("%d replicas instead of %d", r->replicas, before->replicas);
    if (!moved && !scaled)
        return;
    plan_event_text(x->p, x->t, "rollout", x->s->name,
                    orc_concat("revision ", orc_format_int(r->target, target), ": ",
                               rollout_state_name(r->state), scaled ? ": " : NULL, scaled,
                               r->reason ? ": " : NULL, r->reason));
}

static void tell_degraded(struct recon *x)
{
    const char *before = x->s->rollout.degraded, *now = x->next.degraded;
    char age[ORC_UNIT_MAX];

    if (now && !before)
        plan_event(x->p, "rollout", x->s->name,
                   "degraded: %s; what works is kept, and it is tried again with growing pauses", now);
    else if (before && !now && x->next.state != ROLLOUT_REMOVING)
        plan_event(x->p, "rollout", x->s->name, "recovered: every replica works again, after %s",
                   orc_format_age((uint64_t)(x->c->wall - x->s->rollout.degraded_since), age));
}

/* That slots wait for room is told when the first begins to. */
static void tell_waiting(struct recon *x)
{
    size_t waiting = 0;
    const struct slot *s;

    orc_vec_each (s, &x->v.at)
        waiting += s->open && s->wait;
    if (!x->refused || x->s->rollout.pending.n || !waiting || !take_turn(x))
        return;
    plan_event_of(x->p, x->t, "rollout", x->s->name, "%zu replica%s wait%s: %s", waiting,
                  waiting == 1 ? "" : "s", waiting == 1 ? "s" : "", x->refused);
}

void recon_tell(struct recon *x)
{
    const struct plan_op *op;
    bool rollout = false;

    orc_vec_each (op, &x->t->ops) {
        rollout = rollout || op->kind == PLAN_ROLLOUT_PUT;
        if (op->kind == PLAN_ROLLOUT_DELETE)
            plan_event_of(x->p, x->t, "rollout", x->s->name, "removed: nothing of it is left");
    }
    if (rollout) {
        tell_rollout(x);
        tell_degraded(x);
        tell_waiting(x);
    }
    tell_kind(x, x->t, PLAN_TASK_DESIRED);
    for (size_t i = x->first; i < x->p->txns.n; i++)
        tell_kind(x, &x->p->txns.at[i], PLAN_TASK_CREATE);
}

/* Once for each node, when it begins to be avoided (behaviour 23). */
void recon_tell_trouble(struct core *c, struct core_service *s, struct plan *p)
{
    struct core_trouble *t;

    orc_vec_each (t, &s->trouble) {
        if (t->told || !trouble_counts(c, t, t->hash))
            continue;
        t->told = true;
        plan_notice(
            p, "rollout", s->name,
            "failed %d times on %s: other nodes are preferred until it has not failed there for %u minutes",
            t->failures, t->name, TROUBLE_FORGET_MS / 60000);
    }
}
