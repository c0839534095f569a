/* place_filter.h - why a task may not go to a node: one filter after the other, each explained in numbers.
 *
 * Pure. The same functions refuse a place, tell why a slot waits, and answer `orc why`. It must not know of
 * scores, nor of how nodes are searched.
 */
#ifndef SCHEDULER_PLACE_FILTER_H
#define SCHEDULER_PLACE_FILTER_H

#include "lib/units.h"
#include "scheduler/place.h"

enum place_filter { /* in the order in which they are asked */
                    FILTER_NONE,
                    FILTER_ALIVE,
                    FILTER_READY,
                    FILTER_POLICY,
                    FILTER_CONSTRAINT,
                    FILTER_VOLUME,
                    FILTER_REPLICAS,
                    FILTER_CPU,
                    FILTER_MEMORY,
                    FILTER_PIDS,
                    FILTER_PORT,
                    FILTER_ADDRESS,
                    FILTERS
};
const char *place_filter_name(enum place_filter f); /* "memory", "host port" ... */

/* An amount of what the filter counts: "0.5", "512 MiB", "300". */
const char *place_filter_amount(enum place_filter f, int64_t n, char buf[ORC_UNIT_MAX]);

struct place_refusal {
    enum place_filter filter;
    bool counted; /* the next three mean something: billionths of a CPU, bytes, processes, replicas */
    int64_t needed, available, missing;
    char *text; /* "needs 512 MiB, 372 MiB free, 140 MiB short"; "cordoned"; owned */
};
void place_refusal_release(struct place_refusal *r);

/* The first filter that refuses, or FILTER_NONE. */
enum place_filter place_refused(const struct core *c, const struct core_node *n, const struct place_req *req);
/* Whether that one does. */
bool place_refuses(const struct core *c, const struct core_node *n, const struct place_req *req,
                   enum place_filter f);
/* Why it does; released by the caller. */
void place_explain(const struct core *c, const struct core_node *n, const struct place_req *req,
                   enum place_filter f, struct place_refusal *ret);

/* Why no node takes it: "0 of 3 nodes fit: k1 memory: needs 512 MiB, 372 MiB free, 140 MiB short; k2:
 * cordoned"; of many nodes how many each filter refuses, and which is nearest. Freed by the caller. */
char *place_explain_all(struct core *c, const struct place_req *req);

/* So many tasks more (fewer, when negative) that take so much each are on the node. */
void place_use(struct core_node *n, struct spec_resources r, int64_t pids, int tasks);
/* In use on a node, with what this step has taken and without req->without; capacity less reserve. */
struct spec_resources place_used(const struct core_node *n, const struct place_req *req);
struct spec_resources place_room(const struct core_node *n);
/* What is missing of each resource; negative: room to spare; 0 of what is not reserved. */
struct spec_resources place_shortfall(const struct core_node *n, const struct place_req *req);
/* Likewise of processes; 0 also on a node that does not say how many it takes: it takes any number. */
int64_t place_pids_short(const struct core_node *n, const struct place_req *req);
bool place_address_free(const struct core_node *n, int octet);
bool place_any_address_free(const struct core_node *n);
/* A task holds the address that ends so, in the model; it no longer does. */
void place_hold_address(struct core_node *n, int octet);
void place_give_address(struct core_node *n, int octet);

#define PLACE_ADDRESS_FIRST 2 /* .0 the network, .1 the node itself, .255 by custom a broadcast */
#define PLACE_ADDRESS_LAST 254

#endif
