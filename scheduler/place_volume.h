/* place_volume.h - where the data is: the nodes to which named volumes tie a request.
 *
 * Nodes say which volumes their engines have; a task that is there or on its way makes one, too, before its
 * node says so. A slot that had a task with its volume is pinned to that node (recon_pin()), whatever is said
 * of others. Any other slot goes where the volume is and no other slot of its service has it; when each has
 * its own, or there is none yet, a new one is made anywhere. What only reads a volume goes where it is,
 * however many do. A service with one task on each node has its own on each.
 *
 * A volume that a file gives a name is one for all that give the same, of any app. One that is external is
 * for all replicas of a service together; where nodes do not say who has it, a replica goes anywhere, and
 * nodelet says what is missing there.
 */
#ifndef SCHEDULER_PLACE_VOLUME_H
#define SCHEDULER_PLACE_VOLUME_H

#include "scheduler/place.h"

struct place_volume {
    const char *name;                  /* as in the spec; borrowed from it */
    ORC_VEC(struct core_node *) nodes; /* that the request may go to, by name; at least one */
};
struct place_volumes { /* each that ties the request; empty: none does */
    struct place_volume *at;
    size_t n, cap;
};

void place_volumes_of(struct core *c, const struct place_req *req, struct place_volumes *ret);
void place_volumes_release(struct place_volumes *v);

/* The first that is not on the node; NULL: all are, or `v` is NULL. */
const struct place_volume *place_volumes_refuse(const struct place_volumes *v, const struct core_node *n);
char *place_volumes_text(const struct place_volume *v); /* "data is on k2, k3"; freed by the caller */

bool place_mounts_volumes(const struct spec_service *spec); /* named ones, also to read only */

/* What the node says now, taken over from the list (left empty); NULL: nothing. */
void place_volumes_learn(struct core *c, struct core_node *n, struct orc_strv *now);
/* This step has placed a task of the request there. */
void place_volumes_taken(struct core *c, struct core_node *n, const struct place_req *req);

#endif
