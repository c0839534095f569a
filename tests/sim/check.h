/* check.h - what the checks remember of the simulated world: every task that ever was in the store, who had
 * an address when, how many were available at which revision. For check*.c alone. */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "tests/sim/cluster.h"

struct told { /* a task, from its creation to the end of the run */
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], service[SPEC_NAME_MAX + 1], address[16];
    int slot;
    int64_t create, revision, run; /* run: of a job */
    bool exited_well;              /* its container ended with 0, unasked */
    int ends;                      /* of its containers, sidecars' included; or their starts were refused */
    enum task_desired desired;     /* the furthest */
    bool gone;                     /* its record is not in the store any more */
    bool orphan;                   /* ... and its container was there still */
    uint64_t left_at;              /* told to stop; 0: not */
    int64_t left_revision;         /* of that write */
    bool was_ready;                /* its endpoint was written in this run of its container */
    uint64_t ready_since;
    uint64_t draining_at; /* its endpoint was put as draining; 0: not */
    int64_t draining_revision;
    uint64_t healthy_since; /* as the store says; 0: it is not */
    int64_t healthy_revision;
    bool fell_ill;             /* after it had been healthy */
    uint64_t endpoint_gone_at; /* its endpoint is not in the store; 0: it is, or never was */
    unsigned agree;            /* gateways, by number, that were registered then and still are */
    uint64_t again_at;         /* it was put as draining again, after its lease had ended; 0: not */
    unsigned agreed;           /* `agree` before that */
    UT_hash_handle hh;
};

struct holder { /* who had an address last */
    char address[16];
    const struct told *task;
    bool exists; /* its container does */
    uint64_t gone_at;
    UT_hash_handle hh;
};

struct registration { /* of a gateway, as it wrote it last */
    int64_t revision;
    uint64_t started_at; /* its process, then; 0: it never did */
};

struct drained {                 /* a server, as people said */
    uint64_t since, deadline_ms; /* 0: not, none */
    bool removed;
    uint64_t ended_at; /* 0: it is drained, or never was */
    uint64_t until;    /* it was forced, and what was decided then may come so late */
};

struct reach {                               /* how a server reaches etcd, and its engine */
    uint64_t well_at, trouble_at, mended_at; /* last well; since when not, perhaps; 0: well for long */
    uint64_t able_at;                        /* it is cut off, and could stop something, since then */
    int64_t cut_revision;                    /* what it knew when it was cut off; 0: it is not */
};

struct available { /* of a service, from a revision on */
    int64_t revision;
    int tasks, slots;
};

struct updated { /* slots of a service that are of its target */
    int64_t target;
    int slots;
};

struct check {
    struct told *tasks;
    struct holder *holders;
    ORC_VEC(struct available) history[SIM_SERVICES];
    uint64_t node_alive_since[SIM_NODES]; /* 0: no heartbeat */
    struct updated updated[SIM_SERVICES];
    struct registration gateways[SIM_GATEWAYS];
    struct drained drained[SIM_NODES];
    struct reach reach[SIM_NODES];
    int64_t unmet_since[SIM_SERVICES]; /* what others wait for is not so from that revision on; 0: it is */
    uint64_t writes;
    bool cleaned; /* people deleted orphans */
};
extern struct check check;

struct told *told_find(const char *id);
struct sim_service *service_named(const char *name);
int node_number(const char *name); /* -1: no such server */
int gateway_number(const char *id);

struct seen { /* a task of the store now */
    const struct sim_name *name;
    const struct record_task *task;
    const struct record_status *status; /* NULL: none */
    bool alive;                         /* its server is, and was not started anew since */
};
struct seens {
    struct seen *at;
    size_t n, cap;
};

/* check_wide.c: what people were promised besides */
void check_rollout(const struct sim_change *c, const struct sim_txn *t);
void check_job_task(const struct sim_change *c, const struct record_task *r); /* one is made */
void check_updated(const struct seens *v);
void check_first(const struct sim_change *c, const struct record_task *r, const struct sim_txn *t);
void check_needs(const struct seens *v, int64_t revision);

/* check_node.c: drains with a deadline, fences */
void check_policy(const struct sim_change *c);
void check_node_state(const struct sim_change *c);
bool check_is_forced(int node);                      /* it is emptied at any price, or was a moment ago */
bool check_is_fenced(const struct sim_container *c); /* its server may stop it unasked */

/* check_update.c: the update policy */
void check_update(const struct sim_txn *t, int64_t revision);
void available_clear(void);

#endif
