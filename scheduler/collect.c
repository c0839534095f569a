#include "scheduler/collect.h"

#include "scheduler/slots.h"

#define COLLECT_OPS_MAX 25 /* up to two deletions each, and two compares of it and three of its node */

/* A service with a named volume remembers where each slot's data is by the last task it had. */
static bool remembers(const struct core_task *t)
{
    const struct core_service *s = t->service;
    const struct record_app_service *wanted = core_service_wanted(s);
    const struct core_revision *rev = wanted ? core_service_revision(s, wanted->revision) : NULL;
    const struct core_task *o;

    if (!rev || !slots_is_tied(rev->rec.spec) || (!t->node->fed.present && !t->node->alive_fed.present))
        return false;
    for (o = t->slot_next; o; o = o->slot_next)
        if (o->fed.present && o->attempt > t->attempt)
            return false;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct core_task *x = *(struct core_task *const *)a, *y = *(struct core_task *const *)b;
    int by = x->node == y->node ? 0 : strcmp(x->node->name, y->node->name);

    if (by == 0 && x->service != y->service)
        by = strcmp(x->service->name, y->service->name);
    if (by || x->slot != y->slot)
        return by ? by : x->slot - y->slot;
    return (x->attempt > y->attempt) - (x->attempt < y->attempt);
}

static void plan_one(struct plan_txn *txn, struct core_task *t)
{
    struct plan_task task = core_task_plan(t);

    plan_task(txn, PLAN_COLLECT, &task);
    t->planned = true;
}

/* A node that was let go, or has neither record nor heartbeat: nobody will ever report on its tasks. Those
 * that shall run are replaced first. */
static bool nobody_reports(const struct core_node *n)
{
    return n->lost && (!n->fed.present || n->policy.removed);
}

/* It may be registering at this moment, or let in again; or have done so already, and be silent anew. */
static void guard_gone(struct plan_txn *txn, const struct core_node *n)
{
    struct key node = {.kind = KEY_NODE};

    plan_guard_node(txn, n->shared, 0, n->policy_fed.present ? n->policy_fed.mod : 0);
    if (n->fed.present)
        return;
    strncpy(node.node, n->name, sizeof node.node - 1);
    plan_guard(txn, &node, false, 0);
}

static void plan_tasks(struct plan *p, struct core_task **at, size_t count)
{
    if (count)
        qsort(at, count, sizeof *at, by_place);
    for (size_t i = 0; i < count;) {
        struct plan_txn *txn = plan_begin(p, "", "");

        for (size_t k = 0; k < COLLECT_OPS_MAX && i < count; k++) {
            const struct core_node *n = at[i]->node;

            if (nobody_reports(n))
                guard_gone(txn, n);
            plan_one(txn, at[i++]);
        }
    }
}

/* Its NGINX routes by a table of it knows when: no heartbeat, or none since it registered, which it writes
 * together with an empty one. */
static bool is_blind(const struct core_gateway *g)
{
    return g->fed.present && (!g->alive_fed.present || g->alive_fed.mod <= g->fed.mod);
}

static uint64_t blind_until(const struct core *c)
{
    const struct core_gateway *g;
    uint64_t until = 0;

    for (g = c->gateways; g; g = g->hh.next)
        if (is_blind(g) && g->blind_at && g->blind_at + COLLECT_BLIND_MS > until)
            until = g->blind_at + COLLECT_BLIND_MS;
    return until;
}

static void look_at_gateways(struct core *c)
{
    struct core_gateway *g;

    for (g = c->gateways; g; g = g->hh.next)
        if (!is_blind(g))
            g->blind_at = 0;
        else if (!g->blind_at)
            g->blind_at = c->now;
}

static void plan_gateways(struct core *c, struct plan *p)
{
    struct core_gateway *g;

    for (g = c->absent_gateways; g; g = g->next) {
        struct key key = {.kind = KEY_GATEWAY}, alive = {.kind = KEY_GATEWAY_ALIVE};
        struct plan_txn *txn;

        if (!g->gone_at)
            g->gone_at = c->now;
        if (g->planned || c->now < g->gone_at + c->config.gateway_retire_ms)
            continue;
        txn = plan_begin(p, "", "");
        strncpy(key.node, g->id, sizeof key.node - 1);
        strncpy(alive.node, g->id, sizeof alive.node - 1);
        plan_gateway_retire(txn, g->id);
        plan_guard(txn, &key, false, g->fed.mod);
        plan_guard(txn, &alive, false, 0);
        plan_event(p, "gateway", g->id, "retired: it gave no sign of life for %llu s",
                   (unsigned long long)c->config.gateway_retire_ms / 1000);
        g->planned = true;
    }
}

void collect_plan(struct core *c, struct plan *p)
{
    ORC_VEC(struct core_task *) due = {0};
    struct core_node *n;
    struct core_task *t;
    uint64_t blind;

    look_at_gateways(c);
    blind = blind_until(c);
    for (t = c->removed; t; t = t->more->removed_next) {
        if (c->now < t->more->removed_at + c->config.address_hold_ms || c->now < blind)
            break;
        if (!t->planned && !t->fed.unreadable && !remembers(t))
            orc_vec_push(&due, t);
    }
    for (t = c->orphans; t; t = t->more->removed_next)
        if (!t->planned)
            orc_vec_push(&due, t);
    for (n = c->missing; n; n = n->missing_next)
        if (nobody_reports(n))
            for (t = n->tasks; t; t = t->node_next)
                if (!t->planned && core_task_known(t) && t->desired != TASK_RUN &&
                    !core_task_more(t)->removed_at)
                    orc_vec_push(&due, t);
    plan_tasks(p, due.at, due.n);
    orc_vec_release(&due);
    plan_gateways(c, p);
}

uint64_t collect_next(const struct core *c)
{
    uint64_t next = 0, blind = blind_until(c);
    const struct core_gateway *g;
    const struct core_task *t;

    for (t = c->removed; t; t = t->more->removed_next) {
        next = t->more->removed_at + c->config.address_hold_ms;
        next = next > blind ? next : blind;
        if (next > c->now)
            break;
        next = 0; /* planned, or remembered */
    }
    for (g = c->absent_gateways; g; g = g->next) {
        uint64_t at = g->gone_at + c->config.gateway_retire_ms;

        if (!g->planned && g->gone_at && (!next || at < next))
            next = at;
    }
    return next;
}

void collect_retry(struct core *c)
{
    struct core_gateway *g;
    struct core_node *n;
    struct core_task *t;

    for (t = c->removed; t; t = t->more->removed_next)
        t->planned = false;
    for (t = c->orphans; t; t = t->more->removed_next)
        t->planned = false;
    for (n = c->missing; n; n = n->missing_next)
        for (t = n->tasks; t; t = t->node_next)
            t->planned = false;
    for (g = c->absent_gateways; g; g = g->next)
        g->planned = false;
}
