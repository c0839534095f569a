/* place_count.h - what a service has where: slots per node and, for preferences, per value of a label
 * (place_group.c).
 *
 * Private to placing and rebalance.c. Everything here is counted for the decision about one service that
 * place_spread_begin() has begun, and void with the next one. It must not know of room or scores.
 */
#ifndef SCHEDULER_PLACE_COUNT_H
#define SCHEDULER_PLACE_COUNT_H

#include "scheduler/place.h"

/* One slot more that has a container on the node, or is to have one. */
void count_held(const struct core *c, struct core_node *n);
/* Whether the slot that a place is looked for has a container there. */
bool count_slot_is_there(const struct core_node *n, const struct place_req *req);
/* Slots with a container there, but for the one that this is for. */
int count_replicas(const struct core *c, const struct core_node *n, const struct place_req *req);

/* Counts the slots per value of each label that `spec` is spread over, unless that is done already. */
void count_groups(struct core *c, const struct spec_service *spec);
/* So many slots more (or fewer) on a node; nothing where groups are not counted. */
void count_in_groups(struct core *c, struct core_node *n, int slots);
/* Slots in the group of a node's row at that level (0: the first preference), after count_groups(). */
int count_group(const struct core *c, uint32_t row, size_t level);
/* Which group that is: two rows of one group at a level are of one at those before it, too. */
uint32_t count_group_of(const struct core *c, uint32_t row, size_t level);

#endif
