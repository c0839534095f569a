#include "scheduler/core.h"

#include "scheduler/collect.h"
#include "scheduler/demand.h"
#include "scheduler/global.h"
#include "scheduler/model.h"
#include "scheduler/nodes.h"
#include "scheduler/place.h"
#include "scheduler/reconcile.h"
#include "scheduler/reconcile_ops.h"
#include "scheduler/trouble.h"

#include <stdio.h>

/* ---- a step ------------------------------------------------------------------------------------------ */

static void wake_due(struct core *c)
{
    struct core_service *s, *next;

    for (s = c->timed; s && ((next = s->timed_next), true); s = next) {
        if (s->wake > c->now)
            continue;
        core_dirty(c, s);
    }
    if (c->frees_room)
        for (s = c->waiting_room; s; s = s->room_next)
            core_dirty(c, s);
    c->frees_room = false;
    if (c->opened)
        global_dirty(c);
    if (c->opened || c->occupied)
        recon_nodes_changed(c, c->opened);
    c->occupied = false;
    c->opened = false;
}

/* Those that wait for a dependency are looked at whenever a service of their app is. */
static void wake_dependants(struct core *c)
{
    struct core_service *s, *o;

    for (s = c->dirty; s; s = s->dirty_next) {
        bool any = false;

        if (!s->app->waiters)
            continue;
        for (o = s->app->services; o; o = o->app_next) {
            any = any || o->waits_dependency;
            if (o->waits_dependency)
                core_dirty(c, o);
        }
        s->app->waiters = any;
    }
}

/* A plan that makes so many tasks takes no further service in: what is decided first is sent first, and
 * memory does not follow what is asked for. docs/decisions/0130-how-large-a-plan-may-be.md */
#define STEP_TASKS_MAX 16384

static void reconcile_dirty(struct core *c, struct plan *p)
{
    ORC_VEC(struct core_service *) work = {0};
    struct core_service *s;

    while ((s = c->dirty)) {
        DL_DELETE2(c->dirty, s, dirty_prev, dirty_next);
        s->dirty = false;
        if (s->timed)
            DL_DELETE2(c->timed, s, timed_prev, timed_next);
        s->timed = false;
        s->wake = 0;
        demand_service(c, s);
        orc_vec_push(&work, s);
    }
    c->crowded = demand_crowded(c);
    demand_sort(c, work.at, work.n); /* so that the order of feeding does not matter */
    for (size_t i = 0; i < work.n; i++)
        if (c->made < STEP_TASKS_MAX)
            reconcile_service(c, work.at[i], p);
        else
            core_dirty(c, work.at[i]);
    orc_vec_release(&work);
}

void core_step(struct core *c, uint64_t now_ms, int64_t wall_ms, struct plan *ret)
{
    c->now = now_ms;
    c->wall = wall_ms;
    c->made = 0;
    core_observe(c);
    nodes_judge(c);
    wake_due(c);
    wake_dependants(c);
    reconcile_dirty(c, ret);
    place_give_back(c);
    collect_plan(c, ret);
    nodes_say(c, ret);
}

uint64_t core_next(const struct core *c)
{
    const struct core_service *s;
    uint64_t next = c->nodes_at, other = collect_next(c);

    if (other && (!next || other < next))
        next = other;
    for (s = c->timed; s; s = s->timed_next)
        if (!next || s->wake < next)
            next = s->wake;
    return next;
}

/* What was to begin has not begun, or will be seen to have. */
static void retry_service(struct core *c, struct core_service *s)
{
    s->batch_begun = false;
    core_dirty(c, s);
}

void core_retry(struct core *c, const struct plan_txn *txn)
{
    struct core_service *s, *next;

    if (txn && txn->app[0]) {
        s = core_service_find(c, txn->app, txn->service);
        if (s)
            retry_service(c, s);
        return;
    }
    collect_retry(c);
    nodes_retry(c, txn);
    if (!txn)
        HASH_ITER (hh, c->services, s, next)
            retry_service(c, s);
}

/* ---- leading begins ---------------------------------------------------------------------------------- */

static void forget_times(struct core *c, struct core_task *t)
{
    if (core_task_more(t)->removed_at)
        DL_DELETE2(c->removed, t, more->removed_prev, more->removed_next);
    t->since = t->available_at = 0;
    t->begun = false;
    if (t->more)
        t->more->failed_at = t->more->leaving_at = t->more->removed_at = 0;
    t->fails = t->planned = false;
    core_touch(c, t);
}

void core_lead(struct core *c)
{
    struct core_service *s, *s_next;
    struct core_task *t;
    struct core_gateway *g;

    HASH_ITER (hh, c->services, s, s_next) {
        core_each_task (t, s)
            forget_times(c, t);
        s->settled_at = s->said_at = s->batch_at = s->backoff_at = s->progress_at = 0;
        trouble_forget(s);
        s->batch_open = s->rollout_fed.present && s->rollout.state == ROLLOUT_UPDATING;
        s->batch_begun = false;
        core_dirty(c, s);
    }
    nodes_lead(c);
    c->opened = true;
    for (g = c->gateways; g; g = g->hh.next) {
        g->gone_at = g->blind_at = 0;
        g->planned = false;
    }
    c->baseline = true;
}
