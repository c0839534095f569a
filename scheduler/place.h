/* place.h - which node: filters that explain themselves in numbers, then scores, ties by a stable hash.
 *
 * Filters: the node's heartbeat, readiness and policy, the service's constraints, its volumes, CPU and memory
 * against capacity less reserve, the service's replicas there, host ports, a free address. Room of a task
 * counts until it is reported stopped. What this step has taken already counts.
 *
 * Scores, the first that differs decides: no trouble there (trouble.h), no condition that makes others
 * preferable (stolen CPU time, memory pressure), fewest slots of this service where
 * the first preference's label has the same value, then where the second's has, too, and so on; fewest on the
 * node (behaviour 20), least share of CPU or memory in use afterwards, fewest tasks, hash of service and
 * node. With binpack after the preferences: a node in use (unless the cluster is crowded, demand.h), the
 * densest (place_density()), most tasks, hash.
 */
#ifndef SCHEDULER_PLACE_H
#define SCHEDULER_PLACE_H

#include "scheduler/model.h"

struct place_req {
    struct core_service *service;
    const struct spec_service *spec;
    const char *hash;                    /* of the container that spec makes */
    const struct core_node *pin;         /* only this node, or NULL */
    const struct core_task *without;     /* as if this task were gone already, or NULL */
    const struct core_task *own;         /* a task of the slot that this is for, or NULL: it has none */
    const struct place_volumes *volumes; /* where its data is (place_volume.h), or NULL: place_pick() looks */
};

/* Begins counting how a service is spread; then place_spread_count() for the task that holds each slot. A
 * task that is about to be replaced or stopped is taken out again, so that it does not keep its own successor
 * away. Valid until the next begin. */
void place_spread_begin(struct core *c);
/* These slots count, too; borrowed until the next begin. */
void place_spread_kept(struct core *c, const struct core_kept *k);
/* About so many picks will follow. Not needed, but fewer nodes are looked at. Valid as long. */
void place_expect(struct core *c, size_t picks);
/* Puts a task in, or takes it out; true: it was not so before. */
bool place_spread_count(struct core *c, struct core_task *t, bool counts);
int place_spread(const struct core *c, const struct core_node *n);
void place_free(struct core *c); /* what counting needed */

/* Counts the slots that have a container on each node, for max_replicas_per_node; after place_spread_begin(),
 * and valid as long. `job`: each run has slots of its own. */
void place_count_held(struct core *c, const struct core_service *s, bool job);

/* The best node, or NULL and in *ret_why (may be NULL; freed by the caller) why none: "0 of 3 nodes fit: k1:
 * 140 MiB memory short; k2: cordoned; ...". */
struct core_node *place_pick(struct core *c, const struct place_req *req, char **ret_why);

/* Which of two nodes is rather to lose a slot of the service: above 0: a. */
int place_fuller(struct core *c, const struct spec_service *spec, struct core_node *a, struct core_node *b);

/* Takes room, ports and an address on a node picked before, for the rest of this step. The address is chosen
 * by a hash of the task's id, so that a freed one is rarely the next one used; in host byte order. In the
 * server's own network it is the server's; 0: it has none. */
uint32_t place_take(struct core *c, struct core_node *n, const struct place_req *req, int slot,
                    int64_t attempt);
/* Ports of that task are free again; NULL: those taken in this step. */
void place_drop_ports(struct core_node *n, const struct core_task *t);
/* The step's end: what it has taken comes through the feed, or not at all. */
void place_give_back(struct core *c);

/* What a constraint's or a preference's key stands for on this node, "" for nothing; labels of the policy go
 * before the node's own. */
const char *place_attribute(const struct core_node *n, const char *key);

/* Whether the service's constraints hold on a node; otherwise *ret_why (may be NULL) is a clause, freed by
 * the caller: "node.labels.disk is \"hdd\", not \"ssd\"". */
bool place_allowed(const struct core_node *n, const struct spec_service *spec, char **ret_why);

#endif
