/* demand.h - what all services ask for, against what the nodes have: who is placed first, and how densely.
 *
 * Sums of the records alone, kept up to date with the changes, so that two schedulers that know the same
 * decide the same. It must not know where anything runs.
 */
#ifndef SCHEDULER_DEMAND_H
#define SCHEDULER_DEMAND_H

#include "scheduler/model.h"

/* Its record may have changed, or it goes (then it has none). */
void demand_node(struct core *c, struct core_node *n);
/* What its app wants of it, or its revision, may have changed. */
void demand_service(struct core *c, struct core_service *s);
void demand_drop_service(struct core *c, struct core_service *s); /* it goes */

/* More than DEMAND_CROWDED per cent of what there is is asked for: leaving nodes empty would leave replicas
 * out. */
#define DEMAND_CROWDED 85
bool demand_crowded(const struct core *c);

/* Puts services that are decided in one step into order: what one replica asks for of the whole, CPU and
 * memory together, the larger first (they find room before the smaller fill it up); then by name. */
void demand_sort(const struct core *c, struct core_service **s, size_t n);

#endif
