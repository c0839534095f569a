/* check_update.c - the update policy: how many stay available, and how many may own a slot. */
#include "tests/sim/check.h"

#include <limits.h>

static bool is_available(const struct seen *s)
{
    return s->task->desired == TASK_RUN && s->status && s->status->state == TASK_RUNNING &&
           s->status->health == TASK_HEALTHY && s->alive;
}

/* Its server gives signs of life, and was not started anew since it was seen. */
static bool lives(const struct sim_kv *kv, const struct record_status *status)
{
    const struct record_alive *a = kv ? sim_text_alive(kv->text) : NULL;

    return a && !(status && record_status_is_stale(status->boot, a->boot_id));
}

static void read_tasks(struct seens *ret)
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_task *t = sim_text_task(kv->text);
        const struct sim_kv *status;
        struct seen *s;

        if (!t)
            continue;
        s = orc_vec_add(ret);
        s->name = kv->name;
        s->task = t;
        status = kv->name->status->now;
        s->status = status ? sim_text_status(status->text) : NULL;
        s->alive = lives(kv->name->alive->now, s->status);
    }
}

static struct available count(const struct seens *v, const char *service)
{
    struct available a = {0};
    bool slots[64] = {false};
    const struct seen *s;

    orc_vec_each (s, v)
        if (strcmp(s->task->service, service) == 0 && is_available(s)) {
            a.tasks++;
            a.slots += !slots[s->task->slot & 63];
            slots[s->task->slot & 63] = true;
        }
    return a;
}

static struct available last(int i)
{
    struct available none = {0};

    return check.history[i].n ? check.history[i].at[check.history[i].n - 1] : none;
}

/* A server is emptied at any price, or was a moment ago. */
static bool is_forced(void)
{
    bool forced = false;

    for (int i = 0; i < cluster.n_nodes; i++)
        forced = forced || check_is_forced(i);
    return forced;
}

static bool moved_on(int i, int64_t seen)
{
    const struct available *h;

    orc_vec_each (h, &check.history[i])
        if (h->revision > seen)
            return true;
    return false;
}

/* The scheduler's own transaction takes no more than the policy allows. What failed or became well between
 * its decision and the commit it could not know of: no guard can cover every status (behaviours 35, 46, 54).
 */
static void judge(int i, struct available was, struct available now, const struct sim_txn *t)
{
    const struct sim_service *s = &cluster.services[i];
    int promised = s->global ? 0 : s->replicas - s->parallelism; /* as many as servers have one */

    if (!s->wanted || s->job || is_forced() || cluster.replaced || now.slots >= was.slots ||
        now.slots >= promised || moved_on(i, t->seen))
        return;
    sim_broken("availability",
               "%s has %d of %d available replicas by its own update, had %d, and may change "
               "%d at once",
               s->name, now.slots, s->replicas, was.slots, s->parallelism);
}

static void check_availability(const struct seens *v, const struct sim_txn *t, int64_t revision)
{
    for (int i = 0; i < cluster.n_services; i++) {
        struct available was = last(i), now = count(v, cluster.services[i].name);

        if (t && t->by && t->by->kind == SIM_SCHEDULER)
            judge(i, was, now, t);
        now.revision = revision;
        if (now.tasks != was.tasks || now.slots != was.slots)
            orc_vec_push(&check.history[i], now);
    }
}

/* A slot has one owner, and one more only while a start-first successor becomes ready (behaviours 33, 52). */
/* One, and its successor that becomes ready, here or where it is moved to. Those of servers that are away may
 * come back, each. */
static int may_own(const struct sim_service *s)
{
    bool two = s->order == SPEC_START_FIRST || s->rebalances || s->rebalance_epoch;

    return s->disconnect_ms ? INT_MAX : 1 + (two && !s->volume);
}

/* Of a job, in the same run. */
static bool is_same_slot(const struct record_task *a, const struct record_task *b,
                         const struct sim_service *s)
{
    return a->slot == b->slot && strcmp(a->service, b->service) == 0 &&
           (!s || !s->job || a->restart_epoch == b->restart_epoch);
}

static void check_owners(const struct seens *v)
{
    for (size_t i = 0; i < v->n && !cluster.replaced; i++) {
        const struct seen *a = &v->at[i];
        const struct sim_service *x = service_named(a->task->service);
        int n = a->task->desired == TASK_RUN;

        for (size_t k = 0; k < i; k++)
            n += n && v->at[k].task->desired == TASK_RUN && is_same_slot(a->task, v->at[k].task, x);
        if (x && n > may_own(x))
            sim_broken("one-owner", "slot %d of %s has %d tasks that shall run", a->task->slot,
                       a->task->service, n);
    }
}

void check_update(const struct sim_txn *t, int64_t revision)
{
    struct seens v = {0};

    read_tasks(&v);
    check_availability(&v, t, revision);
    check_owners(&v);
    if (cluster.wide)
        check_updated(&v);
    if (cluster.later)
        check_needs(&v, revision);
    orc_vec_release(&v);
}

void available_clear(void)
{
    for (int i = 0; i < SIM_SERVICES; i++)
        orc_vec_release(&check.history[i]);
}
