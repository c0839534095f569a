/* lanes.h - the nodes' rows in brief, side by side in blocks, to pass over most nodes quickly: a whole block
 * by the best that any of its nodes could be, the nodes of the others sixteen at once.
 *
 * The nodes of a block are alike in size, so that what a request adds to their load is, too; and in what is
 * in use: when that has changed for half of all nodes, they are brought in order anew. Blocks that have
 * changed are judged anew before the next look at all of them. Private to rank_build.c: what passes here is
 * asked exactly there. It must not know of spread, constraints, or anything else that makes a node worse.
 */
#ifndef SCHEDULER_LANES_H
#define SCHEDULER_LANES_H

#include "scheduler/model.h"

/* A node's row came; it goes; it has another number. */
void lanes_add(struct core *c, struct core_node *n);
void lanes_drop(struct core *c, struct core_node *n);
void lanes_renumber(struct core *c, const struct core_node *n);
/* Its row has changed: in any way, or only in what is in use. */
void lanes_update(struct core *c, struct core_node *n);
void lanes_use(struct core *c, const struct core_node *n);
void lanes_release(struct core *c);

/* Four at once: the vector extension of gcc and clang. */
typedef float lanes_floats __attribute__((vector_size(16), aligned(4), may_alias));
typedef int lanes_ints __attribute__((vector_size(16)));
#define LANES_FLOATS(x) (*(const lanes_floats *)(x))

/* What a lane must not exceed to be looked at more closely, where the service has as many slots on its node
 * as on the best so far. */
struct lanes_bar {
    lanes_floats cpus, memory;                                 /* asked for */
    lanes_floats cpus_above, memory_above, cpus_at, memory_at; /* a load above, or at least at, the limit's */
    lanes_floats tasks;
};

struct lanes_bar lanes_bar_of(const struct rank *k);
/* A bit for each lane, the first the lowest. */
static inline unsigned lanes_bits(lanes_ints x)
{
    union {
        lanes_ints of;
        uint64_t half[2];
    } any = {x};

    any.half[0] |= any.half[1];
    return (unsigned)(any.half[0] | any.half[0] >> 32);
}

/* Which of the lanes may be better than the limit; and which of those surely are no better but for their tie.
 */
static inline unsigned lanes_better(const struct core_lanes *l, const struct lanes_bar *b, unsigned *ret_ties)
{
    lanes_ints bit = {1, 2, 4, 8}, better = {0}, ties = {0};

    for (int i = 0; i < CORE_LANES; i += 4, bit <<= 4) {
        lanes_floats cpus = LANES_FLOATS(l->cpus + i) + b->cpus * LANES_FLOATS(l->per_cpus + i),
                     memory = LANES_FLOATS(l->memory + i) + b->memory * LANES_FLOATS(l->per_memory + i);
        lanes_ints at = (cpus > b->cpus_at) | (memory > b->memory_at);
        lanes_ints worse = (cpus > b->cpus_above) | (memory > b->memory_above) |
                           (at & (LANES_FLOATS(l->tasks + i) > b->tasks));

        better |= bit & ~worse;
        ties |= bit & at & (LANES_FLOATS(l->tasks + i) >= b->tasks);
    }
    *ret_ties = lanes_bits(ties);
    return lanes_bits(better);
}

/* Of each block the least of its lanes: c->lanes_least, as many blocks to one of these as a block has lanes;
 * and of each of these: c->lanes_top. */
void lanes_find_least(struct core *c);

#endif
