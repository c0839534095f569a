/* check_update.c - the update policy: how many stay available, and how many may own a slot. */
#include "tests/sim/check.h"

struct seen { /* a task of the store now */
    const struct sim_name *name;
    const struct record_task *task;
    const struct record_status *status; /* NULL: none */
    bool alive;
};

static bool is_available(const struct seen *s)
{
    return s->task->desired == TASK_RUN && s->status && s->status->state == TASK_RUNNING &&
           s->status->health == TASK_HEALTHY && s->alive;
}

struct seens {
    struct seen *at;
    size_t n, cap;
};

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
        s->alive = kv->name->alive->now != NULL;
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
    int promised = s->replicas - s->parallelism;

    if (!s->wanted || cluster.replaced || now.slots >= was.slots || now.slots >= promised ||
        moved_on(i, t->seen))
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
static void check_owners(const struct seens *v)
{
    for (size_t i = 0; i < v->n && !cluster.replaced; i++) {
        const struct seen *a = &v->at[i];
        const struct sim_service *x = service_named(a->task->service);
        int n = a->task->desired == TASK_RUN;

        for (size_t k = 0; k < i; k++)
            n += n && v->at[k].task->desired == TASK_RUN && v->at[k].task->slot == a->task->slot &&
                 strcmp(v->at[k].task->service, a->task->service) == 0;
        if (x && n > (x->order == SPEC_START_FIRST && !x->volume ? 2 : 1))
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
    orc_vec_release(&v);
}

void available_clear(void)
{
    for (int i = 0; i < SIM_SERVICES; i++)
        orc_vec_release(&check.history[i]);
}
