/* reconcile_ops.h - the steps of reconcile.c that make and stop tasks; private to it.
 *
 * `struct recon` is the work on one service within one step: the record as it will be, the slots, and how
 * much may still be changed.
 */
#ifndef SCHEDULER_RECONCILE_OPS_H
#define SCHEDULER_RECONCILE_OPS_H

#include "scheduler/place.h"
#include "scheduler/slots.h"

struct recon {
    struct core *c;
    struct core_service *s;
    struct plan *p;
    struct plan_txn *t; /* that puts the record; those after it in the plan follow it */
    size_t first;       /* its place there */
    struct record_rollout next;
    bool said; /* it is the plan's, and no longer changed */
    struct slots v;
    const struct core_revision *target, *old; /* old: the last complete one; NULL: none, or unreadable */
    int limit;                                /* slots that may be of the target (rollout.h) */
    int at_target;                            /* slots that are, or are to be by what this step does */
    int empty;                                /* slots that are to be filled; counted before rolling */
    int parallelism;                          /* slots that may change at once */
    int missing;                              /* slots that may be without an available task for that */
    int busy;                                 /* slots that do */
    int failing;   /* slots that don't, because their task of the target has failed */
    int available; /* slots that serve, less those this step stops */
    int touched;   /* tasks in `t` */
    bool between;  /* in the delay between two batches: slots only say why they can't be replaced */
    int64_t epoch; /* restart_epoch of the tasks that are made */
    const struct core_revision *made_from;
    struct share_make *make;                /* from it; NULL */
    struct share_text *first_reason;        /* of tasks that replace none; NULL: none was made */
    char *refused;                          /* why no node fits a task that may go anywhere; NULL: some may */
    const struct core_revision *refused_of; /* ... of this revision */
};

/* Whether the transaction has no room for two tasks more. */
bool recon_is_full(const struct recon *x);
/* Of two slots, whether `a` is rather to be closed. */
bool recon_closes_before(const struct recon *x, const struct slot *a, const struct slot *b);
/* Tells all that is in the slot to go. False: the transaction is full. */
bool recon_close(struct recon *x, struct slot *s, enum task_stop kind, const char *why);
/* Opens so many slots more. Pointers to slots end with it. */
void recon_open(struct recon *x, size_t count);
/* Sets target, old, limit and at_target from the slots. */
void recon_versions(struct recon *x);
/* What the slot is to be filled with, or its broken task replaced by; NULL: unreadable. */
const struct core_revision *recon_version(const struct recon *x, const struct slot *s);
/* Tells a task to go. False: the transaction is full, try in the next step. */
bool recon_remove(struct recon *x, struct core_task *t, enum task_stop kind, const char *why);
/* Makes a task of `rev` for the slot, beside or after those it has; `kind`, `why` (may be NULL): why the one
 * before it goes. False: no room, and the slot says so, or no more this step. Where the transaction is full,
 * one for an empty slot goes into another that follows (docs/decisions/0113-transactions-that-follow.md). */
bool recon_create(struct recon *x, struct slot *s, const struct core_revision *rev, enum task_stop kind,
                  const char *why);
/* The only node that a slot may be on, of a global service or with a named volume; NULL: any. */
const struct core_node *recon_pin(const struct core_revision *rev, const struct slot *s);
/* What the slot asks of a node for a task of `rev`. */
struct place_req recon_request(const struct recon *x, const struct slot *s, const struct core_revision *rev);
/* Whether its successor will have a place once the slot's head has stopped; otherwise the slot says so:
 * `why`, `but`, and what each node refuses. */
bool recon_has_place(struct recon *x, struct slot *s, const struct core_revision *rev, const char *why,
                     const char *but);
/* That the slot waits until t, told to for this reason, has stopped. */
void recon_wait_for_stop(struct slot *s, const struct core_task *t, const char *why);
void recon_wait(struct slot *s, char *why); /* why it waits; takes the text */
/* A task that has failed is replaced or dropped: it counts against the rollout. */
void recon_count_failed(struct recon *x, const struct core_task *t);
/* Whether the slot may change beside those that do; that it does. */
bool recon_may_change(const struct recon *x, const struct slot *s);
void recon_set_busy(struct recon *x, struct slot *s);
void recon_count_spread(struct recon *x);
/* Stops tasks that hold nothing any more: replaced, lost, failed successors. */
void recon_drop(struct recon *x);
/* Counts what is under way and what serves. */
void recon_count(struct recon *x);
/* Why the first of what the target depends on is not there now; NULL: all is. Freed by the caller. */
char *recon_needs(const struct recon *x);
/* What the first deployment waits for; NULL: nothing. Freed by the caller. */
char *recon_dependency(const struct recon *x);
/* Likewise an update of what runs: jobs that it wants completed (a migration of data, say). */
char *recon_update_dependency(struct recon *x);
/* Fills empty slots and replaces what is broken: reconcile_heal.c. */
void recon_heal(struct recon *x);
/* Stops what is left on a node whose drain is over its deadline, whatever the update policy promises
 * (behaviour 85). */
void recon_force(struct recon *x);
/* Replaces what is not of the target, within the update policy: reconcile_roll.c. */
void recon_roll(struct recon *x);
/* The delay of an update passes between the end of one batch and the beginning of the next. */
bool recon_batch_ready(struct recon *x);
/* A task of `rev` on that node, where it fits, as the successor of the slot's head. False: no more this step.
 */
bool recon_create_on(struct recon *x, struct slot *s, const struct core_revision *rev, struct core_node *n,
                     const char *why);
/* reconcile_move.c: replicas that are being moved to better places arrive, or are given up; further ones
 * begin to. */
void recon_settle_moves(struct recon *x);
void recon_move(struct recon *x);
bool recon_moves_differ(const struct record_rollout *a, const struct record_rollout *b);
void recon_list_auto(struct core *c, struct core_service *s, bool is_auto);
/* Services that are rebalanced by themselves look again; came_or_went: and their time of quiet begins anew.
 */
void recon_nodes_changed(struct core *c, bool came_or_went);
/* Events for what the transaction does; before the service's, what was found out: reconcile_tell.c. */
void recon_tell(struct recon *x);
void recon_tell_trouble(struct core *c, struct core_service *s, struct plan *p);
/* Adds the guards of everything the transaction was decided from. */
void recon_guard(struct recon *x);

#endif
