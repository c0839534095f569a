/* commit.h - a plan into the store: guarded transactions, several in flight, each looked at once.
 *
 * Small neighbours of one app ride in one transaction of etcd's: what costs is the request, not its size.
 * It must not know why the plan is as it is. Every transaction compares the leader's key, so that a deposed
 * leader writes nothing (behaviour 89); a refused or doubtful one is reported to be decided anew.
 * One that follows another is sent when that is committed, and reported as not committed when that is not.
 */
#ifndef SCHEDULER_COMMIT_H
#define SCHEDULER_COMMIT_H

#include "scheduler/echo.h"
#include "scheduler/plan.h"
#include "state/election.h"
#include "state/etcd.h"

struct commit;

struct commit_result {
    int64_t revision;       /* highest of what was committed; 0: nothing was */
    int refused;            /* a guard did not hold: the world has moved on */
    int failed;             /* the store did not answer, or not well */
    const char *error_text; /* of the first that failed; "" */
};

struct commit_opts {
    const char *cluster; /* copied */
    /* Each transaction's fate, before on_done; `committed` false: decide anew. */
    void (*on_txn)(const struct plan_txn *txn, size_t index, bool committed, void *arg);
    void (*on_done)(const struct commit_result *res,
                    void *arg); /* exactly once per start; inside it when nothing was sent */
    void *arg;
    struct echo *echo; /* learns what is written; the caller's, not NULL */
};

struct commit *commit_new(struct etcd *e, const struct commit_opts *opts);
/* What is in flight is cancelled and reported as not committed; on_done is called. Before its etcd; returns
 * NULL. */
struct commit *commit_free(struct commit *c);

bool commit_busy(const struct commit *c);
/* Takes the plan (left empty), which must not be empty. Not while busy. `el` must lead; it is asked again for
 * each transaction that is sent. */
void commit_start(struct commit *c, struct plan *p, const struct election *el);
/* The plan under way, for its events; valid until on_done has returned. */
const struct plan *commit_plan(const struct commit *c);
/* No leader any more: what has not been sent is not. */
void commit_stop(struct commit *c);

#endif
