/* residency.h - constraints that no node can ever satisfy, with the values that there are.
 *
 * Pure. Whether a node is up, ready or full does not matter here: only what it is called and labelled.
 */
#ifndef SCHEDULER_RESIDENCY_H
#define SCHEDULER_RESIDENCY_H

#include "scheduler/core.h"

/* NULL when some registered node satisfies every constraint, or none is registered; otherwise why not, a
 * clause, freed by the caller: "no node satisfies node.labels.country == NO: it is \"DE\" on k1 and 2 more,
 * \"\" on k4". */
char *residency_refusal(struct core *c, const struct spec_service *spec);
/* The same of what an app wants of a service; NULL also where that can't be read. */
char *residency_of(struct core *c, const char *app, const char *service);

#endif
