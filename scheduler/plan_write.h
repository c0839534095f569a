/* plan_write.h - a planned transaction as compares, puts and deletions of keys: what the store is told.
 *
 * Knows the layout of keys and the records' text, not how they travel: the scheduler's shell gives a sink
 * that fills an etcd transaction, the simulator one that fills its own store.
 */
#ifndef SCHEDULER_PLAN_WRITE_H
#define SCHEDULER_PLAN_WRITE_H

#include "scheduler/plan.h"

struct plan_sink { /* strings are valid during the call only */
    void (*if_create)(const char *key, int64_t revision, void *arg); /* 0: the key is absent */
    void (*if_mod)(const char *key, int64_t revision, void *arg);
    void (*put)(const char *key, const char *value, void *arg);
    void (*del)(const char *key, void *arg);
    void *arg;
    /* A task's record was put: besides put(), which came before; may be NULL. */
    void (*wrote)(const char *key, const char *value, const struct plan_task *task, void *arg);
};

void plan_write(const struct plan_txn *t, const char *cluster, const struct plan_sink *sink);

#endif
