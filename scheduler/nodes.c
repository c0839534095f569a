#include "scheduler/nodes.h"

#include "scheduler/rows.h"
#include "state/node_state.h"

#define SAID_MAX 24 /* nodes in one transaction: at most five operations and compares each */

/* ---- lost nodes -------------------------------------------------------------------------------------- */

static bool has_work(const struct core_node *n)
{
    const struct core_task *t;

    for (t = n->tasks; t; t = t->node_next)
        if (t->fed.present && (t->fed.unreadable || t->desired == TASK_RUN))
            return true;
    return false;
}

/* A node whose silence counts: one that this leader has seen alive, or that still holds work. One that was
 * dead long before, and whose tasks have been replaced, does not; nor does one that was let go. */
static bool counts_as_lost(const struct core_node *n)
{
    return !n->lost && !n->policy.removed && (n->fed.present || n->tasks) && (n->was_alive || has_work(n));
}

/* After too many were lost at once they don't come back in one moment: who is still silent then gets this
 * many graces more. */
#define RETURN_GRACES 3

static void set_hold(struct core *c, size_t silent, size_t of)
{
    orc_auto_free char *text = NULL;
    struct core_node *n;

    if (silent)
        text = orc_printf("more than half of the nodes were lost at once (%zu of %zu): nothing is moved "
                          "until some are back",
                          silent, of);
    if (orc_streq(text, c->hold))
        return;
    if (!text)
        for (n = c->missing; n; n = n->missing_next)
            n->gone_at = c->now + (RETURN_GRACES - 1) * c->config.lost_grace_ms;
    free(c->hold);
    c->hold = orc_take(text);
    core_dirty_all(c);
}

static void give_up(struct core *c, struct core_node *n)
{
    n->lost = true;
    rows_update(c, n);
    n->was_alive = false;
    c->frees_room = c->opened = true;
    core_restate(c, n);
    core_dirty_node(c, n);
}

static void set_held(struct core *c, struct core_node *n)
{
    bool held = c->hold && counts_as_lost(n);

    if (held != n->on_hold)
        core_restate(c, n);
    n->on_hold = held;
}

static void wake_at(struct core *c, uint64_t at)
{
    if (!c->nodes_at || at < c->nodes_at)
        c->nodes_at = at;
}

/* Drains with a deadline; one that was over under another leader stays so. */
static void judge_drains(struct core *c)
{
    struct core_node *n;

    for (n = c->leaving; n; n = n->leaving_next) {
        uint64_t end;

        if (!n->drain_at)
            n->drain_at = c->now;
        end = n->drain_at + n->policy.drain_deadline_ms;
        if (n->forced)
            continue;
        if (c->now < end) {
            wake_at(c, end);
            continue;
        }
        n->forced = true;
        core_restate(c, n);
        core_dirty_node(c, n);
    }
}

/* Until then gateways may know endpoints of the node's tasks: by its heartbeat they were there. */
static uint64_t rests_until(const struct core *c, const struct core_node *n)
{
    return n->gone_at + c->config.address_hold_ms;
}

static void judge_rest(struct core *c, struct core_node *n)
{
    if (!n->rests)
        return;
    if (c->now < rests_until(c, n)) {
        wake_at(c, rests_until(c, n));
        return;
    }
    n->rests = false;
    core_restate(c, n);
}

/* docs/task-model.md, "Absence and return". */
static void judge(struct core *c)
{
    size_t silent = 0, alive = 0, missing = 0;
    bool due = c->hold != NULL;
    struct core_node *n;

    c->nodes_changed = false;
    c->nodes_at = 0;
    for (n = c->missing; n; n = n->missing_next) {
        missing++;
        if (!n->gone_at)
            n->gone_at = c->now;
        if (!counts_as_lost(n))
            continue;
        silent++;
        due = due || c->now >= n->gone_at + c->config.lost_grace_ms;
    }
    alive = HASH_COUNT(c->nodes) - missing;
    set_hold(c, due && 2 * silent > alive + silent ? silent : 0, alive + silent);
    for (n = c->missing; n; n = n->missing_next) {
        uint64_t at = n->gone_at + c->config.lost_grace_ms;

        set_held(c, n);
        judge_rest(c, n);
        if (n->lost || n->on_hold)
            continue;
        if (c->now >= at || n->policy.removed)
            give_up(c, n);
        else
            wake_at(c, at);
    }
    judge_drains(c);
}

void nodes_judge(struct core *c)
{
    if (c->nodes_changed || (c->nodes_at && c->now >= c->nodes_at))
        judge(c);
}

static bool said(const struct core_node *n)
{
    return n->state_fed.present && !n->state_fed.unreadable;
}

void nodes_lead(struct core *c)
{
    struct core_node *n, *next;

    HASH_ITER (hh, c->nodes, n, next)
        core_restate(c, n);
    for (n = c->leaving; n; n = n->leaving_next) {
        n->drain_at = 0;
        n->forced = said(n) && n->state.forced;
    }
    for (n = c->missing; n; n = n->missing_next) {
        n->gone_at = 0;
        n->lost = said(n) && (n->state.state == NODE_DOWN || n->policy.removed);
        if (said(n) && n->state.held && !c->hold) /* judged in the first step */
            c->hold = orc_strdup("");
        rows_update(c, n);
    }
    c->nodes_changed = true;
}

/* ---- saying ------------------------------------------------------------------------------------------ */

static enum node_state state_of(const struct core_node *n, char **ret_why)
{
    struct node_facts f = {.record = n->fed.present && !n->fed.unreadable ? &n->rec : NULL,
                           .unreadable = n->fed.unreadable,
                           .policy = n->policy_fed.present && !n->policy_fed.unreadable ? &n->policy : NULL,
                           .alive = core_node_alive(n),
                           .given_up = n->lost,
                           .held = n->on_hold,
                           .tasks = n->n_tasks};

    return node_state_judge(&f, ret_why);
}

static void guard(struct plan_txn *t, const struct core_node *n)
{
    struct key k = core_key_node(n, KEY_NODE_STATE);

    plan_guard(t, &k, false, n->state_fed.present ? n->state_fed.mod : 0);
}

static bool any_said_held(const struct core *c)
{
    const struct core_node *n;

    for (n = c->nodes; n; n = n->hh.next)
        if (said(n) && n->state.held)
            return true;
    return false;
}

/* The moment at which the first of those held is said to be, and the one at which none is any more. */
static void tell_hold(const struct core *c, struct plan *p, const struct core_node *n, bool *told)
{
    bool before = said(n) && n->state.held;

    if (*told || before == n->on_hold || (n->on_hold && any_said_held(c)) || (before && c->hold))
        return;
    *told = true;
    plan_event(p, "node", "cluster", "%s", c->hold ? c->hold : "enough nodes are back: work is moved again");
}

static void say(const struct core *c, struct plan *p, struct plan_txn *t, const struct core_node *n,
                bool *told)
{
    struct record_node_state r = {.held = n->on_hold, .forced = n->forced, .since = c->wall};
    bool same;

    r.state = state_of(n, &r.reason);
    same = said(n) && n->state.state == r.state;
    if (same && n->state.held == r.held && n->state.forced == r.forced) {
        free(r.reason);
        return;
    }
    if (same)
        r.since = n->state.since;
    plan_node_state(t, n->name, &r);
    guard(t, n);
    if (!same)
        plan_event(p, "node", n->name, "%s%s%s", node_state_name(r.state), r.reason ? ": " : "",
                   r.reason ? r.reason : "");
    if (n->forced && !(said(n) && n->state.forced))
        plan_event(p, "node", n->name, "the deadline of its drain is over: what is left there is stopped");
    tell_hold(c, p, n, told);
    free(r.reason);
}

/* Let go by `orc node rm`, and nothing hangs on it any more (behaviour 87). */
static bool is_over(const struct core_node *n)
{
    return n->policy.removed && !core_node_alive(n) && !n->tasks;
}

/* It has told of itself, or holds tasks; one that is about to register is waited for. */
static bool exists(const struct core_node *n)
{
    return (n->fed.present && !is_over(n)) || (n->tasks && !core_node_alive(n));
}

static void forget_key(struct plan_txn *t, const struct key *k, int64_t mod)
{
    plan_node_forget(t, k);
    plan_guard(t, k, false, mod);
}

/* Its share of the addresses is given back when nothing holds one of them, and all have rested. */
static void forget_subnets(struct core *c, struct plan_txn *t, struct core_node *n)
{
    bool rested = c->now >= rests_until(c, n);
    struct core_subnet *s, *next;

    HASH_ITER (hh, c->subnets, s, next) {
        if (!orc_streq(s->node, n->name))
            continue;
        if (rested)
            forget_key(t, &(struct key){.kind = KEY_SUBNET, .n = s->k}, s->mod);
        else
            n->rests = true;
    }
    if (n->rests)
        wake_at(c, rests_until(c, n));
}

static void forget(struct core *c, struct plan_txn *t, struct core_node *n)
{
    struct key state = core_key_node(n, KEY_NODE_STATE), node = core_key_node(n, KEY_NODE);

    if (n->state_fed.present)
        forget_key(t, &state, n->state_fed.mod);
    if (!is_over(n))
        return;
    if (n->fed.present)
        forget_key(t, &node, n->fed.mod);
    forget_subnets(c, t, n);
    if (t->ops.n) /* it must not have come back meanwhile, nor been let in again */
        plan_guard_node(t, n->shared, 0, n->policy_fed.mod);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct core_node *const *)a)->name, (*(struct core_node *const *)b)->name);
}

void nodes_say(struct core *c, struct plan *p)
{
    ORC_VEC(struct core_node *) work = {0};
    struct core_node *n;
    bool told = false;

    while ((n = c->restate)) {
        DL_DELETE2(c->restate, n, restate_prev, restate_next);
        n->restate = false;
        orc_vec_push(&work, n);
    }
    if (work.n)
        qsort(work.at, work.n, sizeof *work.at, by_name);
    for (size_t i = 0; i < work.n;) {
        struct plan_txn *t = plan_begin(p, "", "");

        for (size_t k = 0; k < SAID_MAX && i < work.n; k++) {
            n = work.at[i++];
            if (exists(n)) {
                say(c, p, t, n, &told);
            } else if (!core_node_alive(n)) {
                forget(c, t, n);
            }
        }
        plan_end(p);
    }
    orc_vec_release(&work);
}

void nodes_retry(struct core *c, const struct plan_txn *t)
{
    struct core_node *n, *next;
    const struct plan_op *op;

    if (!t) {
        HASH_ITER (hh, c->nodes, n, next)
            core_restate(c, n);
        return;
    }
    orc_vec_each (op, &t->ops)
        if ((op->kind == PLAN_NODE_STATE || op->kind == PLAN_NODE_FORGET) &&
            (n = core_node_find(c, op->other->key.node)))
            core_restate(c, n);
}
