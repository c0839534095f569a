/* place_node.h - one node in the eyes of one request: whether it fits, and how well; private to placing.
 *
 * The plain definition: place_pick() answers as if it asked this of every node. rank.c is how it avoids that.
 */
#ifndef SCHEDULER_PLACE_NODE_H
#define SCHEDULER_PLACE_NODE_H

#include "scheduler/place.h"

struct place_score { /* the first that differs decides, less is better */
    bool trouble;
    bool avoid;                 /* a condition of the node makes others preferable */
    int weight;                 /* x-orc.placement.weights that hold there, below zero: more is better */
    int group[SPEC_SPREAD_MAX]; /* slots where the preferences' labels have the node's values */
    int spread; /* slots on the node; packing: 1 on an empty node, unless the cluster is crowded */
    int load;   /* per cent of CPU or memory, whichever is more in use afterwards; packing: place_density(),
                   below   zero */
    int tasks;  /* packing: below zero */
    uint64_t tie;
};

bool place_fits(const struct core *c, const struct core_node *n, const struct place_req *req);
struct place_score place_score_of(struct core *c, struct core_node *n, const struct place_req *req);
bool place_better(const struct place_score *a, const struct place_score *b);

/* The sum of the service's weights that hold on a node. */
int place_weight(const struct core_node *n, const struct spec_service *spec);

/* Its heartbeat, readiness and policy let new work in. */
bool place_open(const struct core *c, const struct core_node *n);
/* Parts of the above for rank.c: what does not depend on the request, and what it can't keep in a row. */
bool place_ports_free(const struct core_node *n, const struct place_req *req);
bool place_pids_free(const struct core_node *n, const struct place_req *req);
/* How well a request goes with what is left on a node, and how full that is: up to PLACE_DENSITY_MAX. */
#define PLACE_DENSITY_MAX 1400
int place_density(struct spec_resources used, struct spec_resources need, struct spec_resources room);
/* Of nodes that are equal otherwise the next one on the ring of hashes is the best, from `ring` on: the tie
 * is the smaller the better. So of many nodes that lie close together there one bound is known (lanes.h).
 * Services begin at their own place, and all that are packed at the same: they fill the same nodes. */
static inline uint64_t place_ring(const struct spec_service *spec, uint64_t service_hash)
{
    return spec->strategy == SPEC_BINPACK ? 0 : service_hash;
}
static inline uint64_t place_tie(uint64_t ring, uint64_t node_hash)
{
    return node_hash - ring;
}

#endif
