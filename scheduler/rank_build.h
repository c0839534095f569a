/* rank_build.h - which of all nodes' rows come into the order's heap. Private to rank.c, which decides how
 * many are kept and takes them.
 */
#ifndef SCHEDULER_RANK_BUILD_H
#define SCHEDULER_RANK_BUILD_H

#include "scheduler/place.h"

/* The best so many are kept: as many as will be asked for, and twice as many whenever that was too few. */
#define RANK_KEEP_ONE 1 /* only one will be: whatever is no better is passed over */
#define RANK_KEEP_FIRST 8
#define RANK_KEEP_MAX 2048

/* Runs through the rows anew: the heap holds the c->rank.keep best for the service that c->rank is begun for,
 * and its limit is what those are better than. */
void rank_build(struct core *c, const struct place_req *req);
/* Where the next such order begins to look: the row that was the best before, under the same constraints. */
uint32_t *rank_last(struct core *c, struct core_service *s);

#endif
