/* global.h - a service of mode "global": which nodes take one replica, and which slot is which node's.
 *
 * A node takes one when the service's constraints hold there and it is neither drained, nor given up as lost,
 * nor removed (behaviour 30). One that is cordoned or not ready keeps what it has and gets nothing new: it
 * counts only while it holds one. A node that is full counts, and its slot waits with the reason.
 */
#ifndef SCHEDULER_GLOBAL_H
#define SCHEDULER_GLOBAL_H

#include "scheduler/reconcile_ops.h"

/* Sets the wanted number of replicas, closes the slots of nodes that take none any more, opens those of nodes
 * that have none yet, and gives each slot its node. After recon_count_spread(); x->target is global. */
void global_settle(struct recon *x);

/* Likewise for whoever counts nodes by other slots (job_run.c). */
struct global_nodes { /* by name */
    struct core_node **at;
    size_t n, cap;
};
/* Why a node that holds one shall hold none, and what that is about; NULL: it keeps it, *ret_kind is left
 * alone. Freed by the caller. */
char *global_why_leave(const struct recon *x, const struct spec_service *spec, const struct core_node *n,
                       enum task_stop *ret_kind);
/* Whether a node that holds none takes one. */
bool global_takes(const struct recon *x, const struct spec_service *spec, const struct core_node *n);
/* Appends those that take one and hold none, as far as the spread is counted (place.h) and tasks can be read.
 */
void global_vacant(const struct recon *x, const struct spec_service *spec, struct global_nodes *ret);

/* Marks every global service dirty: some node may take one now, or none any more. */
void global_dirty(struct core *c);
/* Whether the service is among those. */
void global_list(struct core *c, struct core_service *s, bool is_global);

#endif
