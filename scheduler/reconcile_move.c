/* reconcile_move.c - replicas that are moved to better places: asked for by `orc rebalance`, or by themselves
 * where the service's x-orc.rebalance is auto. docs/decisions/0127-rebalance.md tells why it is as it is.
 *
 * Where to is rebalance.h's. Here: only while everything else is done, within the update policy, the new task
 * first; and what is under way stands in the record, so that another leader goes on with it.
 */
#include "scheduler/place.h"
#include "scheduler/rebalance.h"
#include "scheduler/reconcile_ops.h"
#include "scheduler/rollout.h"

/* ---- which services look by themselves --------------------------------------------------------------- */

void recon_list_auto(struct core *c, struct core_service *s, bool is_auto)
{
    if (s->rebalances == is_auto)
        return;
    s->rebalances = is_auto;
    if (is_auto)
        DL_APPEND2(c->autos, s, auto_prev, auto_next);
    else
        DL_DELETE2(c->autos, s, auto_prev, auto_next);
}

void recon_nodes_changed(struct core *c, bool came_or_went)
{
    struct core_service *s;

    if (came_or_went)
        c->nodes_settled_at = c->now;
    for (s = c->autos; s; s = s->auto_next)
        core_dirty(c, s);
}

bool recon_moves_differ(const struct record_rollout *a, const struct record_rollout *b)
{
    if (a->rebalance_epoch != b->rebalance_epoch || a->rebalance_left != b->rebalance_left ||
        a->rebalance_moved != b->rebalance_moved || a->moving.n != b->moving.n ||
        !orc_streq(a->rebalance_end, b->rebalance_end))
        return true;
    for (size_t i = 0; i < a->moving.n; i++)
        if (a->moving.at[i].slot != b->moving.at[i].slot ||
            a->moving.at[i].attempt != b->moving.at[i].attempt)
            return true;
    return false;
}

/* ---- what is under way ------------------------------------------------------------------------------- */

static struct slot *find_slot(struct recon *x, int n)
{
    struct slot *s;

    orc_vec_each (s, &x->v.at)
        if (s->n == n)
            return s;
    return NULL;
}

/* What did not get there is no reason to try again at once: whoever asked is told. */
static void give_up(struct recon *x, const struct core_task *t, const char *why)
{
    if (x->next.rebalance_end)
        return;
    x->next.rebalance_left = 0;
    rollout_say(&x->next.rebalance_end, "%s on %s %s", CORE_TASK_ID(t), t->node->name, why);
    plan_event(x->p, "rollout", x->s->name, "the rebalance ends after %d replica%s: %s",
               x->next.rebalance_moved, x->next.rebalance_moved == 1 ? "" : "s", x->next.rebalance_end);
}

/* The successor has had all the time that a start may take: the one that serves stays. */
static void take_back(struct recon *x, struct slot *s)
{
    if (!recon_remove(x, s->head, TASK_STOP_LATE, "it did not become available in time"))
        return;
    give_up(x, s->head, "did not become available in time");
    place_spread_count(x->c, s->old, true);
    s->head = orc_take(s->old);
    s->class = slots_classify(&x->v, s->head);
}

/* Whether the move is still under way. */
static bool still_moves(struct recon *x, struct slot *s, int64_t attempt)
{
    if (!s || !s->head)
        return false;
    if (s->old && s->old->attempt == attempt && s->class == CLASS_STARTING &&
        x->c->now >= slots_deadline(&x->v, s->head))
        take_back(x, s);
    if (s->old)
        return s->old->attempt == attempt;
    if (s->head->attempt == attempt && s->failed) {
        orc_auto_free char *why = rollout_failure(&x->v, s->failed);

        give_up(x, s->failed, why);
    }
    return false;
}

void recon_settle_moves(struct recon *x)
{
    struct record_rollout *r = &x->next;
    size_t kept = 0, n = r->moving.n;

    for (size_t i = 0; i < n; i++)
        if (still_moves(x, find_slot(x, r->moving.at[i].slot), r->moving.at[i].attempt))
            r->moving.at[kept++] = r->moving.at[i];
    r->moving.n = kept;
    for (size_t i = 0; i < x->v.at.n && kept < n; i++) { /* those that stay after all are as they should be */
        struct slot *s = &x->v.at.at[i];

        if (s->head && !s->old)
            s->compliant = slots_compliant(&x->v, s->head);
    }
}

/* ---- further ones ------------------------------------------------------------------------------------ */

/* Nothing else is to be done: every replica is there and as it should be, or moves. */
static bool is_settled(const struct recon *x)
{
    enum rollout_state st = x->next.state;
    const struct slot *s;
    int open = (int)x->v.well;

    if (st != ROLLOUT_COMPLETE && !(st == ROLLOUT_HEALING && x->next.moving.n))
        return false;
    orc_vec_each (s, &x->v.at) {
        if (s->open && s->old && slots_moves(&x->v, s->old)) {
            open++;
            continue;
        }
        if (s->unreadable || s->failed || s->leaving)
            return false;
        if (s->open && !(s->head && !s->old && s->compliant && s->class == CLASS_AVAILABLE))
            return false;
        open += s->open;
    }
    return open == x->next.replicas;
}

static int move_cmp(const void *a, const void *b)
{
    return ((const struct rollout_move *)a)->slot - ((const struct rollout_move *)b)->slot;
}

/* A single replica that is to be stopped first is so because there may not be two of it. */
static bool one_at_a_time(const struct recon *x)
{
    return x->next.replicas == 1 && rollout_policy(x->s, &x->next)->order == SPEC_STOP_FIRST;
}

static bool start_first(struct recon *x, const struct rebalance_move *m, const char *why)
{
    struct core_task *old = m->slot->head;

    if (!recon_create_on(x, m->slot, x->target, m->to, why))
        return false;
    orc_vec_push(&x->next.moving, ((struct rollout_move){old->slot, old->attempt}));
    qsort(x->next.moving.at, x->next.moving.n, sizeof *x->next.moving.at, move_cmp);
    m->slot->compliant = false;
    return true;
}

static bool stop_first(struct recon *x, const struct rebalance_move *m, const char *why)
{
    struct core_task *old = m->slot->head;

    if (x->available - 1 < x->next.replicas - x->missing || !recon_remove(x, old, TASK_STOP_MOVED, why))
        return false;
    x->available--;
    recon_wait_for_stop(m->slot, old, why);
    return true;
}

/* False: no more in this step. */
static bool begin_move(struct recon *x, const struct rebalance_move *m)
{
    orc_auto_free char *why = orc_printf("rebalance: %s", m->why);
    bool begun = one_at_a_time(x) ? stop_first(x, m, why) : start_first(x, m, why);

    if (!begun)
        return false;
    x->next.rebalance_left--;
    x->next.rebalance_moved++;
    recon_set_busy(x, m->slot);
    return true;
}

static void finish(struct recon *x)
{
    x->next.rebalance_left = 0;
    plan_event(x->p, "rollout", x->s->name, "rebalanced: %d of %d replicas moved", x->next.rebalance_moved,
               x->next.replicas);
}

static void move_some(struct recon *x)
{
    struct rebalance_move m;
    int before = x->busy;
    bool more = true;

    if (!recon_batch_ready(x))
        return;
    while (more && x->next.rebalance_left > 0 && x->busy < x->parallelism) {
        if (!rebalance_choose(x->c, &x->v, &m, NULL)) {
            if (!x->next.moving.n && x->busy == before)
                finish(x);
            break;
        }
        more = begin_move(x, &m);
        free(m.why);
        if (!x->next.rebalance_left)
            finish(x);
    }
    x->s->batch_begun = x->s->batch_begun || x->busy > before;
}

/* By itself: when nodes and service have been as they are for a while. */
static void consider(struct recon *x)
{
    uint64_t since = x->s->settled_at > x->c->nodes_settled_at ? x->s->settled_at : x->c->nodes_settled_at;
    uint64_t at = since + x->target->rec.spec->rebalance_after_ms;
    struct rebalance_move m;
    bool blocked;

    if (x->c->now < at) {
        core_wake(x->c, x->s, at);
        return;
    }
    if (!rebalance_choose(x->c, &x->v, &m, &blocked)) {
        if (blocked)
            core_wait_room(x->c, x->s, true);
        return;
    }
    x->next.rebalance_left = SPEC_REPLICAS_MAX;
    x->next.rebalance_moved = 0;
    free(orc_take(x->next.rebalance_end));
    plan_event(x->p, "rollout", x->s->name, "is rebalanced by itself: %s", m.why);
    free(m.why);
}

void recon_move(struct recon *x)
{
    const struct spec_service *spec = x->target ? x->target->rec.spec : NULL;
    bool settled = spec && !x->c->hold && x->next.target == x->next.wanted && is_settled(x);

    if (!settled) {
        x->s->settled_at = 0;
        return;
    }
    if (!x->s->settled_at)
        x->s->settled_at = x->c->now;
    if (!rebalance_may(spec)) {
        x->next.rebalance_left = 0;
        return;
    }
    if (!x->next.rebalance_left && !x->next.moving.n && spec->rebalance_auto)
        consider(x);
    if (x->next.rebalance_left)
        move_some(x);
}
