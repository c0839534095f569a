#include "scheduler/reconcile.h"

#include "scheduler/global.h"
#include "scheduler/job.h"
#include "scheduler/place.h"
#include "scheduler/reconcile_ops.h"
#include "scheduler/rollout.h"
#include "scheduler/trouble.h"

#include <stdio.h>

/* How often counters and texts of a record are written when nothing else of it changes. */
#define SAY_COUNTERS_MS 300
#define SAY_TEXTS_MS 2000
#define PENDING_TEXTS_MAX 32 /* more slots that wait refer to these */

/* ---- opening and closing slots ----------------------------------------------------------------------- */

/* While it is not settled that the target is any good, what is proven stays longest: slots of the target go
 * first, but for so many as the canary may have beside one of the old. */
static bool new_goes_first(const struct recon *x)
{
    int keep = x->next.replicas > 1 ? x->next.replicas - 1 : 0;

    return x->old && x->limit != ROLLOUT_NO_LIMIT && x->at_target > (x->limit < keep ? x->limit : keep);
}

/* Who goes first when there are too many: no task, lost, not available, the version that is to go, the
 * fullest node, the highest number (behaviours 37, 39). */
static int close_rank(const struct recon *x, const struct slot *s)
{
    bool is_new;

    if (s->unreadable)
        return 9; /* never */
    if (!s->head)
        return 0;
    if (s->old)
        return new_goes_first(x) ? 7 : 6;
    switch (s->class) {
    case CLASS_LOST:
        return 1;
    case CLASS_FAILED:
    case CLASS_OVER:
        return 2;
    case CLASS_UNKNOWN:
        return 3;
    case CLASS_UNHEALTHY:
        return 4;
    case CLASS_STARTING:
        return 5;
    default:
        is_new = x->limit == ROLLOUT_NO_LIMIT ? s->compliant : slots_same_content(&x->v, s->head);
        return is_new == new_goes_first(x) ? 6 : 7;
    }
}

static int fuller(const struct recon *x, const struct slot *a, const struct slot *b)
{
    if (!a->head || !b->head)
        return 0;
    if (x->target)
        return place_fuller(x->c, x->target->rec.spec, a->head->node, b->head->node);
    return place_spread(x->c, a->head->node) - place_spread(x->c, b->head->node);
}

bool recon_closes_before(const struct recon *x, const struct slot *a, const struct slot *b)
{
    int ra = close_rank(x, a), rb = close_rank(x, b), by;

    if (ra != rb)
        return ra < rb;
    by = fuller(x, a, b);
    return by ? by > 0 : a->n > b->n;
}

bool recon_close(struct recon *x, struct slot *s, enum task_stop kind, const char *why)
{
    if (recon_is_full(x))
        return false;
    if (s->head && !recon_remove(x, s->head, kind, why))
        return false;
    if (s->old && !recon_remove(x, s->old, kind, why))
        return false;
    for (size_t i = 0; i < x->v.spare.n; i++)
        if (x->v.spare.at[i]->slot == s->n)
            recon_remove(x, x->v.spare.at[i], kind, why); /* or else in the next step */
    x->at_target -= s->head && slots_same_content(&x->v, s->head);
    s->head = s->old = NULL;
    s->open = false;
    return true;
}

static void close_surplus(struct recon *x)
{
    orc_auto_free char *why = NULL;
    size_t open = slots_count_open(&x->v);
    struct slot *u;

    orc_vec_each (u, &x->v.at) /* what can't be read is no reason to stop something else */
        open -= u->open && u->unreadable && !u->head;
    if (open > (size_t)x->next.replicas)
        why = orc_printf("scaled down to %d", x->next.replicas);
    for (; open > (size_t)x->next.replicas; open--) {
        struct slot *s, *first = NULL;

        orc_vec_each (s, &x->v.at)
            if (s->open && (!first || recon_closes_before(x, s, first)))
                first = s;
        if (!first || first->unreadable || !recon_close(x, first, TASK_STOP_SURPLUS, why))
            return;
    }
}

static void open_at(struct slots *v, int n, size_t at)
{
    if (at)
        v->at.at[at - 1].open = true;
    else
        slots_add(v, n);
}

/* The lowest numbers that are not open (behaviours 35, 36). */
void recon_open(struct recon *x, size_t count)
{
    size_t known = x->v.at.n, i = 0;

    for (int n = 0; count && n < SPEC_REPLICAS_MAX; n++) {
        while (i < known && x->v.at.at[i].n < n) /* by number, those known before */
            i++;
        if (i < known && x->v.at.at[i].n == n && x->v.at.at[i].open)
            continue;
        open_at(&x->v, n, i < known && x->v.at.at[i].n == n ? i + 1 : 0);
        count--;
    }
    if (known && x->v.at.n > known && x->v.at.at[known].n < x->v.at.at[known - 1].n)
        slots_sort(&x->v);
}

static void open_missing(struct recon *x)
{
    size_t open = slots_count_open(&x->v), want = (size_t)x->next.replicas;
    struct slot *s;

    orc_vec_each (s, &x->v.at) /* what can't be read beyond the wanted numbers is none of ours, it seems */
        open -= s->open && s->unreadable && !s->head && s->n >= x->next.replicas;
    if (open < want && x->v.target)
        recon_open(x, want - open);
}

/* ---- what the record says ---------------------------------------------------------------------------- */

static int64_t pending_since(const struct record_rollout *r, int slot)
{
    for (size_t i = 0; i < r->pending.n; i++)
        if (r->pending.at[i].slot == slot)
            return r->pending.at[i].since;
    return 0;
}

static void list_pending(struct recon *x)
{
    const struct record_rollout *before = &x->s->rollout;
    struct rollout_pending *p;
    struct slot *s;

    orc_vec_each (p, &x->next.pending)
        free(p->reason);
    x->next.pending.n = 0;
    orc_vec_each (s, &x->v.at) {
        if (!s->open || !s->wait)
            continue;
        p = orc_vec_add(&x->next.pending);
        p->slot = s->n;
        p->since = pending_since(before, s->n);
        if (!p->since)
            p->since = x->c->wall;
        if (x->next.pending.n <= PENDING_TEXTS_MAX)
            p->reason = rollout_cut(orc_strdup(s->wait));
        else
            rollout_say(&p->reason, "as slot %d", x->next.pending.at[PENDING_TEXTS_MAX - 1].slot);
    }
}

/* What is completed is let go in the same transaction. */
static bool runs_differ(const struct record_rollout *a, const struct record_rollout *b)
{
    if (a->runs.n != b->runs.n || a->scheduled != b->scheduled || a->next_run != b->next_run)
        return true;
    for (size_t i = 0; i < a->runs.n; i++) {
        const struct rollout_run *r = &a->runs.at[i], *s = &b->runs.at[i];

        if (r->n != s->n || r->state != s->state || r->wanted != s->wanted || r->failures != s->failures ||
            r->completed != s->completed)
            return true;
    }
    return false;
}

/* Whether the records differ in what others decide from. */
static bool differs(const struct record_rollout *a, const struct record_rollout *b)
{
    if (a->state != b->state || a->generation != b->generation || a->wanted != b->wanted ||
        a->target != b->target || a->complete != b->complete || a->restart_epoch != b->restart_epoch ||
        a->attempts != b->attempts || a->replicas != b->replicas || a->failures != b->failures ||
        a->from != b->from || a->failed != b->failed || a->intent_epoch != b->intent_epoch ||
        a->promoted != b->promoted || a->forgiven != b->forgiven || !a->degraded != !b->degraded ||
        a->pending.n != b->pending.n)
        return true;
    for (size_t i = 0; i < a->pending.n; i++)
        if (a->pending.at[i].slot != b->pending.at[i].slot)
            return true;
    return runs_differ(a, b) || recon_moves_differ(a, b);
}

static bool texts_differ(const struct record_rollout *a, const struct record_rollout *b)
{
    for (size_t i = 0; i < a->pending.n; i++)
        if (!orc_streq(a->pending.at[i].reason, b->pending.at[i].reason))
            return true;
    if (a->trouble.n != b->trouble.n)
        return true;
    for (size_t i = 0; i < a->trouble.n; i++)
        if (!orc_streq(a->trouble.at[i].node, b->trouble.at[i].node) ||
            a->trouble.at[i].failures != b->trouble.at[i].failures)
            return true;
    return !orc_streq(a->reason, b->reason) || a->reason_kind != b->reason_kind ||
           !orc_streq(a->degraded, b->degraded);
}

/* Whether the record is to be written now; otherwise wakes the service when it is. */
static bool must_say(struct recon *x)
{
    const struct record_rollout *before = &x->s->rollout;
    uint64_t ms = SAY_COUNTERS_MS;

    if (!x->s->rollout_fed.present || differs(before, &x->next))
        return true;
    if (before->available == x->next.available && before->updated == x->next.updated) {
        if (!texts_differ(before, &x->next))
            return false;
        ms = SAY_TEXTS_MS;
    }
    if (!x->s->said_at || x->c->now >= x->s->said_at + ms)
        return true;
    core_wake(x->c, x->s, x->s->said_at + ms);
    return false;
}

static int by_node(const void *a, const void *b)
{
    return strcmp(((const struct rollout_trouble *)a)->node, ((const struct rollout_trouble *)b)->node);
}

/* Nodes that are avoided for now (behaviour 23): people and other programs read it here. */
static void list_trouble(struct recon *x)
{
    const struct core_trouble *t;
    struct rollout_trouble *r;

    orc_vec_each (r, &x->next.trouble)
        free(r->node);
    x->next.trouble.n = 0;
    orc_vec_each (t, &x->s->trouble) {
        if (!x->target || !trouble_counts(x->c, t, x->target->rec.container_hash) ||
            x->next.trouble.n == ROLLOUT_TROUBLE_MAX)
            continue;
        orc_vec_push(&x->next.trouble, ((struct rollout_trouble){orc_strdup(t->name), t->failures}));
        core_wake(x->c, x->s, t->at + TROUBLE_FORGET_MS);
    }
    if (x->next.trouble.n)
        qsort(x->next.trouble.at, x->next.trouble.n, sizeof *x->next.trouble.at, by_node);
}

static void say(struct recon *x)
{
    list_pending(x);
    list_trouble(x);
    if (!must_say(x))
        return;
    plan_rollout_take(x->t, &x->next);
    x->said = true;
    x->s->said_at = x->c->now;
}

/* ---- a service that is no longer wanted -------------------------------------------------------------- */

static void say_removing(struct recon *x)
{
    struct rollout_pending *p;

    if (!x->s->rollout_fed.present || x->s->rollout.state == ROLLOUT_REMOVING)
        return;
    orc_vec_each (p, &x->next.pending)
        free(p->reason);
    x->next.pending.n = 0;
    rollout_hush(&x->next);
    x->next.state = ROLLOUT_REMOVING;
    x->next.since = x->c->wall;
    x->next.replicas = x->next.available = x->next.updated = x->next.failures = 0;
    x->next.complete = x->next.from = x->next.failed = 0;
    x->next.promoted = false;
    x->next.degraded_since = 0;
    free(orc_take(x->next.degraded));
    job_removed(&x->next);
    plan_rollout_put(x->t, &x->next);
}

static void remove_service(struct recon *x)
{
    orc_auto_free char *why = orc_printf("%s was removed", x->s->name);
    struct core_task *t;

    x->s->waits_dependency = false;
    if (!x->s->n_tasks) {
        if (x->s->rollout_fed.present)
            plan_rollout_delete(x->t);
        return;
    }
    say_removing(x);
    core_each_task (t, x->s)
        if (core_task_known(t) && t->desired != TASK_REMOVE)
            if (!recon_remove(x, t, TASK_STOP_REMOVED, why))
                return;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static void build(struct recon *x)
{
    slots_look(&x->v, x->c, x->s, &x->next);
    recon_versions(x);
}

static void settle_slots(struct recon *x)
{
    if (x->target && x->target->rec.spec->global) {
        global_settle(x);
        return;
    }
    close_surplus(x);
    open_missing(x);
    place_expect(x->c, slots_count_empty(&x->v));
}

/* Each slot that is wanted has an available task as it should be, and there is none besides: change() would
 * find nothing. Most services are like that whenever they are looked at. */
static bool is_well(const struct recon *x)
{
    const struct slot *s;

    if (x->next.rebalance_left || x->next.moving.n || x->s->rebalances)
        return false;
    if (!x->target || x->target->rec.spec->global || x->v.beside || x->v.drop.n ||
        x->v.well + x->v.at.n != (size_t)x->next.replicas)
        return false;
    orc_vec_each (s, &x->v.at)
        if (!s->open || !s->head || s->old || s->unreadable || !s->compliant || s->class != CLASS_AVAILABLE)
            return false;
    return true;
}

static void change(struct recon *x)
{
    recon_count_spread(x);
    recon_drop(x);
    recon_settle_moves(x);
    recon_force(x);
    recon_versions(x);
    settle_slots(x);
    recon_count(x);
    recon_heal(x);
    recon_roll(x);
    recon_move(x);
}

static void keep_slots(struct recon *x)
{
    build(x);
    if (!x->target && x->next.state == ROLLOUT_UPDATING)
        rollout_tell(&x->next, ROLLOUT_SAYS_UNREADABLE, "revision %lld of %s can't be read",
                     (long long)x->next.target, x->s->name);
    if (rollout_judge(&x->v, &x->next)) {
        slots_release(&x->v);
        build(x);
    }
    x->epoch = x->next.restart_epoch;
    global_list(x->c, x->s, x->target && x->target->rec.spec->global);
    recon_list_auto(x->c, x->s, x->target && x->target->rec.spec->rebalance_auto);
    if (!is_well(x))
        change(x);
    rollout_conclude(&x->v, &x->next);
    say(x);
    slots_keep(&x->v);
}

static void keep_service(struct recon *x, const struct record_app_service *wanted)
{
    rollout_take_in(x->c, x->s, wanted, &x->next);
    if (job_is(x)) {
        job_keep(x);
        say(x);
        return;
    }
    job_forget(&x->next);
    keep_slots(x);
}

void reconcile_service(struct core *c, struct core_service *s, struct plan *p)
{
    const struct record_app_service *wanted = core_service_wanted(s);
    struct recon x = {.c = c, .s = s, .p = p};

    core_wait_room(c, s, false);
    if (s->app->fed.unreadable || s->rollout_fed.unreadable)
        return; /* whoever feeds us has said so; nothing is concluded */
    recon_tell_trouble(c, s, p);
    x.t = plan_begin(p, s->app->name, s->service);
    x.first = p->txns.n - 1;
    record_rollout_copy(&s->rollout, &x.next);
    if (wanted)
        keep_service(&x, wanted);
    else
        remove_service(&x);
    recon_guard(&x);
    recon_tell(&x);
    plan_end(p);
    slots_release(&x.v);
    share_make_drop(x.make);
    share_text_drop(x.first_reason);
    free(x.refused);
    if (!x.said)
        record_rollout_release(&x.next);
}
