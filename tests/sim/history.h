/* history.h - one random history of a cluster under sim.h: what people have asked for, what was seen, and the
 * tasks as the store has them at some moment. Included by one test program each.
 */
#ifndef TESTS_SIM_HISTORY_H
#define TESTS_SIM_HISTORY_H

#include "tests/sim/sim.h"

#define SERVICES 4
#define NODES 5
#define JOB_AT_ONCE 2
#define JOB_KEEP 3
#define MINUTE 60000

struct service {
    char name[16];
    int64_t revision, good, epoch; /* highest; the last good one */
    bool wanted;
    int parallelism, replicas;
    enum spec_order order;
    bool volume, port;
    int per_node; /* 0: any number */
    int canary;
    bool zones, packed, job, global; /* global: replicas is the number of nodes */
    uint64_t disconnect_ms;          /* its replicas on a silent node may come back */
    bool rebalances;                 /* by itself */
    bool scheduled;                  /* a job, every minute */
    enum spec_concurrency concurrency;
    enum rollout_state state; /* after the step before */
};

struct seen { /* a task as it was */
    char key[256];
    int64_t create;
    enum task_desired desired;
    uint64_t left_at; /* told to go */
};

struct tick { /* a run that was due then */
    int service;
    int64_t n, started, scheduled;
};

struct run {
    uint64_t aside; /* chance of its own, so that what it decides moves no other fault */
    struct sim *s;
    struct service services[SERVICES];
    int n_services, n_nodes, memory_mib;
    int boots[NODES + 1];                  /* starts of each server */
    bool data[NODES + 1], told[NODES + 1]; /* the volume is there; its node has said so */
    bool trace, calm;                      /* calm: all faults have ended */
    uint64_t seed;
    ORC_VEC(struct seen) history;
    ORC_VEC(struct tick) ticks;
};

SIM_FN uint64_t aside(struct run *r, uint64_t one_of)
{
    r->aside++;
    return orc_hash64(r->seed, &r->aside, sizeof r->aside) % one_of;
}

/* ---- reading the store */

struct live { /* as the store said at some moment */
    struct sim_value *task, *status;
    const struct record_task *rec;
    const struct record_status *st; /* NULL: none */
    char node[KEY_NAME_MAX + 1], id[KEY_TASK_MAX + 1];
    int64_t create;
    bool alive, stale; /* stale: its server was started anew since it said so */
};

struct lives {
    struct live *at;
    size_t n, cap;
};

SIM_FN struct lives read_tasks(struct sim *s)
{
    struct lives v = {0};
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct sim_kv *alive;
        struct live *l;

        if (!sim_task_of(kv))
            continue;
        l = orc_vec_add(&v);
        l->task = sim_value_hold(kv->value);
        l->rec = sim_task_of(kv);
        l->st = sim_status_of(s, kv);
        if (l->st)
            l->status = sim_value_hold(sim_status_value(s, kv));
        l->create = kv->create;
        memcpy(l->node, kv->parsed.node, sizeof l->node);
        memcpy(l->id, kv->parsed.task, sizeof l->id);
        alive = sim_find(s, kv->alive_key);
        l->alive = alive != NULL;
        l->stale = alive && l->st && l->st->boot[0] && !strstr(alive->value->text, l->st->boot);
    }
    return v;
}

SIM_FN void free_tasks(struct lives *v)
{
    struct live *l;

    orc_vec_each (l, v) {
        sim_value_drop(l->task);
        sim_value_drop(l->status);
    }
    orc_vec_release(v);
}

SIM_FN bool holds(const struct live *l)
{
    return !(l->st && l->st->state >= TASK_STOPPED);
}

SIM_FN bool is_available(const struct live *l)
{
    return l->rec->desired == TASK_RUN && l->st && l->st->state == TASK_RUNNING &&
           l->st->health == TASK_HEALTHY && l->alive && !l->stale;
}

/* Slots of a service with an available task. */
SIM_FN int slots_available(const struct lives *v, const char *service)
{
    bool slot[64] = {false};
    const struct live *l;
    int n = 0;

    orc_vec_each (l, v)
        if (strcmp(l->rec->service, service) == 0 && is_available(l))
            slot[l->rec->slot] = true;
    for (int i = 0; i < 64; i++)
        n += slot[i];
    return n;
}

#endif
