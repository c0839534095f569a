/* rank_entry.h - one node's row, as it stands in the order for the service being decided: what place_node.h
 * has of it in a few words that are compared as one. Inlined into the loops of rank_build.c; private to
 * rank.c and that. It must not know which rows are looked at.
 */
#ifndef SCHEDULER_RANK_ENTRY_H
#define SCHEDULER_RANK_ENTRY_H

#include "scheduler/allow.h"
#include "scheduler/place_count.h"
#include "scheduler/place_filter.h"
#include "scheduler/place_node.h"
#include "scheduler/rank_heap.h"

/* How many slots the row's node holds. */
static inline int rank_spread_of(const struct core *c, const struct core_row *r)
{
    int n = r->spread_stamp == c->spread_stamp ? r->spread : 0;

    return c->spread_kept ? n + kept_on(c->spread_kept, (uint32_t)(r - c->rows.at)) : n;
}

/* Whole per cent; 0 for what is not asked for, as place_node.h has it. `per`: 100 / room, rounded: at most
 * one off, and then corrected. used <= room < 2^51. */
static inline int rank_load_of(int64_t used, int64_t need, int64_t room, float per_room)
{
    int64_t x = used + need, load;

    if (room <= 0 || !need)
        return 0;
    load = (int64_t)((float)x * per_room);
    if (load * room > 100 * x)
        load--;
    else if ((load + 1) * room <= 100 * x)
        load++;
    return (int)load;
}

static inline bool rank_row_fits(const struct core_row *r, struct spec_resources need)
{
    return !r->closed && !(need.cpus_nano && r->used.cpus_nano + need.cpus_nano > r->room.cpus_nano) &&
           !(need.memory && r->used.memory + need.memory > r->room.memory);
}

/* As place_score_of() has it for packing, the better the smaller. */
static inline bool rank_packing_key(const struct core *c, const struct core_row *r,
                                    struct spec_resources need, uint64_t *ret)
{
    if (!rank_row_fits(r, need))
        return false;
    *ret = (uint64_t)(!c->crowded && !r->tasks) << 44 |
           (uint64_t)(PLACE_DENSITY_MAX - place_density(r->used, need, r->room)) << 32 |
           (uint64_t)(UINT32_MAX - (uint32_t)r->tasks);
    return true;
}

/* Without the spread. False: it does not fit, as far as a row knows. */
static inline bool rank_key_of(const struct core_row *r, struct spec_resources need, uint64_t *ret)
{
    int cpus, memory;

    if (!rank_row_fits(r, need))
        return false;
    cpus = rank_load_of(r->used.cpus_nano, need.cpus_nano, r->room.cpus_nano, r->per_cpus);
    memory = rank_load_of(r->used.memory, need.memory, r->room.memory, r->per_memory);
    *ret = (uint64_t)(cpus > memory ? cpus : memory) << 32 | (uint64_t)r->tasks;
    return true;
}

#define RANK_GROUP_BITS 15 /* a count of slots, SPEC_REPLICAS_MAX at most */
static inline uint64_t rank_groups_of(const struct core *c, size_t row)
{
    uint64_t x = 0;

    for (int i = 0; i < c->rank.levels; i++)
        x |= (uint64_t)count_group(c, (uint32_t)row, (size_t)i)
             << (SPEC_SPREAD_MAX - 1 - i) * RANK_GROUP_BITS;
    return x;
}

static inline bool rank_is_full(const struct core *c, size_t row)
{
    const struct core_node *n = c->row_nodes.at[row];

    return n->held_stamp == c->spread_stamp && n->held >= c->rank.most;
}

/* The spread is looked up last: it lies where no cache guesses, and only makes an entry worse. */
static inline bool rank_entry_of(const struct core *c, size_t row, const struct place_req *req,
                                 struct rank_entry *ret)
{
    const struct core_row *r = &c->rows.at[row];
    const struct rank *k = &c->rank;

    ret->first = (uint64_t)r->avoid << 63 | (k->levels ? rank_groups_of(c, row) : 0);
    if (ret->first > k->limit.first || (k->constrained && !allow_row(req->service, row)) ||
        !(k->packs ? rank_packing_key(c, r, k->need, &ret->key) : rank_key_of(r, k->need, &ret->key)))
        return false;
    ret->tie = place_tie(k->ring, r->hash);
    if (!rank_before(ret, &k->limit))
        return false;
    if (!k->packs)
        ret->key += (uint64_t)rank_spread_of(c, r) << 40;
    if (k->most && rank_is_full(c, row))
        return false;
    if ((k->ports && !place_ports_free(c->row_nodes.at[row], req)) ||
        (k->pids && !place_pids_free(c->row_nodes.at[row], req)))
        return false;
    ret->row = (uint32_t)row;
    return true;
}

#endif
