/* headroom.h - what is left for more replicas.
 *
 * Pure. Counted as placing counts: capacity less reserve, less what is reserved by tasks, on the nodes that
 * take new ones.
 */
#ifndef SCHEDULER_HEADROOM_H
#define SCHEDULER_HEADROOM_H

#include "scheduler/core.h"

struct headroom {
    int nodes;                        /* that take new replicas */
    struct spec_resources free, room; /* of all of them: what is left of what there is */
    char *most;                       /* the node with the largest part of its room left; NULL: none */
    struct spec_resources free_there;
};

/* After a core_step(). Of several that have most it is the first by name. */
void headroom_find(const struct core *c, struct headroom *ret);
void headroom_release(struct headroom *h);

/* One line for people, freed by the caller: "room left on 3 nodes: 4.5 of 6 CPUs, 11 GiB of 12 GiB of memory;
 * k2 has most, 2 CPUs and 4 GiB". */
char *headroom_text(const struct headroom *h);

#endif
