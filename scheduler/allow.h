/* allow.h - which nodes a service's constraints let it go to, for each list of constraints once, however many
 * services have it.
 *
 * Held against a node when its labels change, not when something is placed. It must not know of room, scores,
 * or whether a node takes work at all.
 */
#ifndef SCHEDULER_ALLOW_H
#define SCHEDULER_ALLOW_H

#include "scheduler/place.h"

struct core_allow {
    char *id; /* the list; owned */
    unsigned refs;
    uint64_t until;        /* of the changes of labels, taken in */
    ORC_VEC(uint64_t) may; /* bits, by row */
    uint32_t last;         /* a row that was the best of these; any number */
    UT_hash_handle hh;
};

/* Holds the constraints of one of the service's specs against all nodes, as far as that is not done already.
 */
void allow_begin(struct core *c, struct core_service *s, const struct spec_service *spec);
/* After that, until labels change: whether they hold on a row's node. */
static inline bool allow_row(const struct core_service *s, size_t row)
{
    return s->allow->may.at[row / 64] >> (row % 64) & 1;
}

/* place_allowed(), from what is remembered where something is. */
bool allow_node(const struct core *c, const struct core_service *s, const struct spec_service *spec,
                const struct core_node *n);

/* The service no longer refers to what is remembered. */
void allow_drop(struct core *c, struct core_service *s);

#endif
