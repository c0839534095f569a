/* rebalance.h - which replica is rather elsewhere: one move at a time, each nearer to placing from scratch.
 *
 * Spread: of the first preference in which two nodes differ, or of the nodes themselves where they differ in
 * none, the one to leave has at least REBALANCE_GAIN replicas more than the one to go to. Fewer would only
 * exchange the two. The sum of squares falls with each move, at that level and with no level before it
 * touched; so it ends, and a service that is spread over nodes alone gets there with as few moves as there
 * are: the sum of what is too much (always from the fullest to the emptiest). Load is no reason to move.
 * Packing: a node that runs nothing but replicas of this service is left when all of them fit on others that
 * run something; the node with the fewest first. What that gains is a whole server.
 *
 * Nodes where this content was in trouble get nothing. Pure; it decides where, not when: reconcile_move.c.
 */
#ifndef SCHEDULER_REBALANCE_H
#define SCHEDULER_REBALANCE_H

#include "scheduler/slots.h"

#define REBALANCE_GAIN 2

struct rebalance_move {
    struct slot *slot; /* in the slots given */
    struct core_node *to;
    char *why; /* "k1 has 3 of its replicas, k4 has 0"; freed by the caller */
};

/* The best move after place_spread_begin() and counting, or false: it is balanced, or nothing fits.
 * *ret_blocked (may be NULL): where room is made, it may not be so any more. */
bool rebalance_choose(struct core *c, const struct slots *v, struct rebalance_move *ret, bool *ret_blocked);

/* Whether replicas of a service may be moved at all: not those that stay with their data, nor one per node,
 * nor where people weigh the nodes: then more of them on one is no fault. */
bool rebalance_may(const struct spec_service *spec);

#endif
