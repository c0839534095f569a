/* survive.h - does everything still find a place after any one node is lost (N-1)?
 *
 * Pure: takes each node out of the core's model in turn, and places what runs there on the others with the
 * very rules of placing, in the very order; then puts it back. Placement alone is looked at, not time. As
 * with explain.h, not for a leader between deciding and committing.
 *
 * A replica with a volume has nowhere to go by any reserve: it is counted as tied, and not as left out. One
 * of a service that runs one on each node needs no other place.
 */
#ifndef SCHEDULER_SURVIVE_H
#define SCHEDULER_SURVIVE_H

#include "scheduler/core.h"

/* In larger clusters only so many nodes are taken out: those on which most is in use. */
#define SURVIVE_NODES_MAX 200

struct survive_service { /* of which something would be left without a place */
    char *name;          /* "shop/orders" */
    bool demanded;       /* x-orc.placement.survive_node_loss */
    int left;
    char *why; /* the scheduler's sentence */
};
struct survive_node {
    char *name;
    int moved; /* replicas that would have to go elsewhere */
    int left, tied;
    ORC_VEC(struct survive_service) services; /* by name */
};
struct survive {
    int nodes;                          /* alive */
    ORC_VEC(struct survive_node) tried; /* by name */
};

/* After a core_step(). */
void survive_any_node(struct core *c, struct survive *ret);
void survive_release(struct survive *v);

/* The loss that leaves most without a place, or else moves most; NULL: no node holds anything. */
const struct survive_node *survive_worst(const struct survive *v);

/* One line for people, freed by the caller: "any one node can be lost: ...", "without k2 3 replicas would
 * have no place: ..."; NULL: there is nothing to say of fewer than two nodes, or of none in use. */
char *survive_text(const struct survive *v);

/* What a service with survive_node_loss lacks: "without k2 2 replicas of shop/web would have no place: ...",
 * or NULL. `app` NULL: of any. Freed by the caller. */
char *survive_refusal(const struct survive *v, const char *app);

#endif
