/* kept.h - which slots of a service are well, and on which nodes: kept from step to step, so that a change
 * costs what it touches and not what the service has.
 *
 * A slot is well when it has one task and nothing besides, available and as the target wants it (slots.c says
 * so). Whoever changes what that hangs on (a task's record or status, its node's heartbeat, policy, labels)
 * marks the slot with kept_mark(); whoever changes a revision, or which node a row is, frees all that is
 * kept. It must not know what a slot is decided to do.
 */
#ifndef SCHEDULER_KEPT_H
#define SCHEDULER_KEPT_H

#include "lib/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct core_kept {
    int64_t target, restart_epoch; /* that the slots are of */
    size_t well;                   /* so many are */
    ORC_VEC(uint32_t) slots; /* by number: 1 + its node's row where it is well, and whether it is marked */
    ORC_VEC(int) marked;     /* numbers of those to be looked at: in order after kept_begin() */
    ORC_VEC(uint32_t) on;    /* a hash table of rows: 1 + row, and above that how many are there */
    size_t rows;             /* in the table, with those that have none any more */
};

#define KEPT_ROW_BITS 18 /* the rest of 32 holds SPEC_REPLICAS_MAX */
#define KEPT_ROW_MASK ((UINT32_C(1) << KEPT_ROW_BITS) - 1)
#define KEPT_ROWS_MAX ((UINT32_C(1) << KEPT_ROW_BITS) - 2)

/* Nothing is known of any slot yet. */
struct core_kept *kept_new(int64_t target, int64_t restart_epoch);
struct core_kept *kept_free(struct core_kept *k); /* NULL allowed; returns NULL */

/* The slot is to be looked at again; `k` NULL: nothing is kept of the service. */
void kept_mark(struct core_kept *k, int slot);
/* Those marked are about to be looked at: they do not count as well, and are in order. */
void kept_begin(struct core_kept *k);
/* They have been: none is marked any more. Then kept_set() or kept_mark() for each. */
void kept_end(struct core_kept *k);
/* A slot that was looked at is well, on that row's node. */
void kept_set(struct core_kept *k, int slot, uint32_t row);

bool kept_is_well(const struct core_kept *k, int slot);

/* Where in the table a row is, or would be; `id`: 1 + row. */
static inline size_t kept_place(const struct core_kept *k, uint32_t id)
{
    size_t i = id * UINT32_C(2654435769) >> 8 & (k->on.n - 1); /* Fibonacci hashing */

    while (k->on.at[i] && (k->on.at[i] & KEPT_ROW_MASK) != id)
        i = (i + 1) & (k->on.n - 1);
    return i;
}

/* Slots that are well there; inline, as a pick asks it of many nodes. */
static inline int kept_on(const struct core_kept *k, uint32_t row)
{
    return k->on.n ? (int)(k->on.at[kept_place(k, row + 1)] >> KEPT_ROW_BITS) : 0;
}

#endif
