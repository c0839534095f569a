/* explain.h - where one slot of a service may go and where not: every node held against every filter.
 *
 * Pure: asks the core's model with the very filters that placing asks, for `orc why` and `orc status`. What
 * the last step had taken for its plan no longer counts then, so it is not for the core of a leader between
 * deciding and committing. It must not know of the store or of terminals.
 */
#ifndef SCHEDULER_EXPLAIN_H
#define SCHEDULER_EXPLAIN_H

#include "scheduler/core.h"
#include "scheduler/place_filter.h"

struct explain_node {
    char *name;
    int replicas; /* of the service that hold a slot there, the one in question left out */
    int failures; /* of this version there, by the record: other nodes are preferred; 0: not so */
    ORC_VEC(struct place_refusal) refusals; /* by every filter that refuses; empty: it fits */
};

struct explain {
    int slot;
    int64_t revision;  /* that a task of it would be of */
    bool waits;        /* the scheduler's record says so ... */
    int waiting;       /* ... of so many slots of the service */
    char *reason;      /* why, in the scheduler's words at that time; NULL */
    int64_t since;     /* wall ms */
    char *task, *node; /* what holds the slot now, which counts as gone; NULL: nothing does */
    char *pin;         /* its volume is there, other nodes are not asked; NULL */
    struct spec_resources needs;
    int fitting;                        /* nodes that would take it */
    ORC_VEC(struct explain_node) nodes; /* by name */
    char *change;                       /* the smallest that would make one fit, a clause; NULL: one does */
};

/* After a core_step(). slot: -1 for the first that waits, or else the lowest. 0; -ENOENT and a sentence: no
 * such service, or what it is to run can't be read. */
int explain_slot(struct core *c, const char *app, const char *service, int slot, struct explain *ret,
                 struct orc_err *err);
void explain_release(struct explain *e);

#endif
