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

/* Marks every global service dirty: some node may take one now, or none any more. */
void global_dirty(struct core *c);
/* Whether the service is among those. */
void global_list(struct core *c, struct core_service *s, bool is_global);

#endif
