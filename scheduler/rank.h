/* rank.h - the nodes in the order in which a service would take them, without asking each for every replica.
 *
 * What decides stands side by side for all nodes (rows.h). The first pick for a service in a step runs
 * through these rows once and keeps the best few in a heap (rank_heap.h); each further pick takes the top,
 * and a node on which something was placed moves down. When the heap no longer knows the best, the rows are
 * run through again. Where few are asked for, whole blocks of rows are passed over (lanes.h). The order is
 * that of place_node.h, exactly.
 */
#ifndef SCHEDULER_RANK_H
#define SCHEDULER_RANK_H

#include "scheduler/place.h"

/* What stands in rows has changed, so the order begins anew; also which row is whose. For rows.c. */
void rank_forget(struct core *c);
void rank_clear(struct core *c);
void rank_release(struct core *c);

/* Changes how many slots of the service being decided a node holds; how many it does. */
void rank_spread_add(struct core *c, struct core_node *n, int slots);
int rank_spread(const struct core *c, const struct core_node *n);
/* This step has placed a slot of the service being decided on the node: its row, how many slots it holds, and
 * its place in the order follow at once. */
void rank_taken(struct core *c, struct core_node *n);

/* The best node of all for a request without `pin` and `without`; NULL: none fits. */
struct core_node *rank_best(struct core *c, const struct place_req *req);
/* After rank_best() for the same request: the best of those that `may` lets pass; NULL: there is none among
 * the best few, and whether among the others is not known. */
struct core_node *rank_best_of(struct core *c, const struct place_req *req,
                               bool (*may)(const struct core *, const struct place_req *,
                                           const struct core_node *));

#endif
