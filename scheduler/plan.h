/* plan.h - what the scheduler has decided: operations in transactions, each operation with a text form.
 *
 * What `orc plan` prints is what the scheduler executes: both read this list. A plan knows neither etcd nor
 * how it came about. Operations of one transaction happen together or not at all; a transaction stays far
 * below the store's 128 compares and 128 operations. The leader's own guard is added by whoever commits.
 */
#ifndef SCHEDULER_PLAN_H
#define SCHEDULER_PLAN_H

#include "lib/buf.h"
#include "scheduler/share.h"
#include "state/record.h"

/* Tasks that one transaction may create or change: three compares each, and three more, stay below 128. */
#define PLAN_TASKS_MAX 40

enum plan_kind {
    PLAN_TASK_CREATE,    /* puts tasks/<node>/<task>, which must be absent */
    PLAN_TASK_DESIRED,   /* puts the same record with `desired` moved forward and a stop_reason */
    PLAN_COLLECT,        /* deletes a task's record and its status, whichever is there */
    PLAN_ROLLOUT_PUT,    /* puts rollouts/<app>/<service> */
    PLAN_ROLLOUT_DELETE, /* deletes it: the service is gone and so are its tasks */
    PLAN_GATEWAY_RETIRE, /* deletes gateways/<id> */
    PLAN_NODE_STATE,     /* puts node-state/<node> */
    PLAN_NODE_FORGET     /* deletes it, its nodes/<node>, or its subnets/<k> */
};

/* A task, as far as a plan must say it. Refers to what is shared with the model. */
struct plan_task {
    struct share_service *service;
    struct share_text *node;
    struct share_make *make;                 /* NULL for COLLECT */
    struct share_text *reason, *stop_reason; /* NULL: none */
    struct share_text *odd_address;          /* NULL, or what stands for an address that is none */
    int64_t attempt, at;
    int64_t mod, status_mod; /* DESIRED, COLLECT: mod revisions of its two keys; 0: there is none */
    int slot, restarts;
    uint32_t address; /* host byte order */
    enum task_desired desired;
    enum task_stop stop_kind;
};

void plan_task_ref(const struct plan_task *t); /* counts what it refers to once more */
void plan_task_drop(const struct plan_task *t);

struct plan_other { /* what all but tasks need; owned */
    struct key key;
    struct record_rollout rollout; /* ROLLOUT_PUT */
    struct record_node_state node; /* NODE_STATE */
};

struct plan_op {
    enum plan_kind kind;
    struct plan_task task;    /* TASK_CREATE, TASK_DESIRED, COLLECT */
    struct plan_other *other; /* of all others */
};

struct plan_guard {
    struct key key;
    bool create;      /* compares the create revision, otherwise the mod revision */
    int64_t revision; /* 0: the key is absent */
};

#define PLAN_ANY (-1)
struct plan_node_guard { /* that a node is what it was */
    struct share_text *node;
    int64_t alive;  /* create revision of its heartbeat; 0: it has none; PLAN_ANY */
    int64_t policy; /* mod revision; 0: it has none; PLAN_ANY */
};

struct plan_txn {
    bool follows; /* sent only when the last one before that does not follow has been committed; else decided
                     anew */
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1]; /* whom it concerns; "" for collections */
    ORC_VEC(struct plan_op) ops;
    ORC_VEC(struct plan_guard) guards; /* of what is not in an operation itself */
    ORC_VEC(struct plan_node_guard) nodes;
};

#define PLAN_NO_TXN SIZE_MAX
struct plan_event {   /* what people shall know, with the reason; told only when its transaction was committed
                       */
    size_t txn;       /* or PLAN_NO_TXN */
    const char *type; /* a literal */
    char *object, *message;
};

struct plan {
    ORC_VEC(struct plan_txn) txns;
    ORC_VEC(struct plan_event) events;
};

void plan_release(struct plan *p); /* leaves an empty plan */
/* Of one that was committed and is kept for what it did: gives back what only committing needs, the guards,
 * and the room for more operations. */
void plan_trim(struct plan *p);
bool plan_empty(const struct plan *p);

/* A new transaction; the pointer is valid until the next one is begun. `app` and `service` are copied. */
struct plan_txn *plan_begin(struct plan *p, const char *app, const char *service);
/* One that follows the service's transaction begun last. */
struct plan_txn *plan_follow(struct plan *p, const char *app, const char *service);
/* Drops the transaction begun last if it has no operation. */
void plan_end(struct plan *p);

/* Operations on tasks: what it refers to is counted once more. Each compares what it must: CREATE that the
 * key is absent, DESIRED `mod`, COLLECT both mod revisions. */
void plan_task(struct plan_txn *t, enum plan_kind kind, const struct plan_task *task);
/* Its id in `ret`, which is returned; its record, which borrows from the task and from `address`. */
const char *plan_task_id(const struct plan_task *t, char ret[KEY_TASK_MAX + 1]);
struct record_task plan_task_record(const struct plan_task *t, char address[16]);

/* Other operations. Records are copied; _take: the plan owns what *r refers to from now on, which may be read
 * until the plan is released. */
void plan_rollout_put(struct plan_txn *t, const struct record_rollout *r);
void plan_rollout_take(struct plan_txn *t, const struct record_rollout *r);
void plan_rollout_delete(struct plan_txn *t);
void plan_gateway_retire(struct plan_txn *t, const char *id);
void plan_node_state(struct plan_txn *t, const char *node, const struct record_node_state *r);
/* Deletes a key of a node that is no more: of kind NODE_STATE, NODE or SUBNET. */
void plan_node_forget(struct plan_txn *t, const struct key *key);

/* A guard that is there already is not added twice. `key` needs kind and names only. */
void plan_guard(struct plan_txn *t, const struct key *key, bool create, int64_t revision);
void plan_guard_node(struct plan_txn *t, struct share_text *node, int64_t alive, int64_t policy);

/* An event that belongs to the transaction begun last; to that one. */
void plan_event(struct plan *p, const char *type, const char *object, const char *fmt, ...) ORC_PRINTF(4, 5);
void plan_event_of(struct plan *p, const struct plan_txn *t, const char *type, const char *object,
                   const char *fmt, ...) ORC_PRINTF(5, 6);
/* Likewise, of a text that is made already; takes it. */
void plan_event_text(struct plan *p, const struct plan_txn *t, const char *type, const char *object,
                     char *message);
/* One that needs none: told in any case. Before a transaction is begun, or after it has ended. */
void plan_notice(struct plan *p, const char *type, const char *object, const char *fmt, ...) ORC_PRINTF(4, 5);

/* One line without its end: "create shop.web.0.1 on k1 at 10.210.1.7: first deployment"; freed by the caller.
 */
char *plan_op_text(const struct plan_txn *t, const struct plan_op *op);
/* All operations, a line each, in order; freed by the caller. */
char *plan_text(const struct plan *p);

#endif
