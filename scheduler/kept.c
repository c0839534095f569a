#include "scheduler/kept.h"

#include "specs/spec.h"

#include <stdlib.h>

#define MARKED (UINT32_C(1) << 31)
#define ROWS_FIRST 16 /* a power of two */

_Static_assert(SPEC_REPLICAS_MAX < 1 << (32 - KEPT_ROW_BITS),
               "as many slots as may be on one node are counted");

struct core_kept *kept_new(int64_t target, int64_t restart_epoch)
{
    struct core_kept *k = orc_new(struct core_kept);

    k->target = target;
    k->restart_epoch = restart_epoch;
    return k;
}

struct core_kept *kept_free(struct core_kept *k)
{
    if (!k)
        return NULL;
    orc_vec_release(&k->slots);
    orc_vec_release(&k->marked);
    orc_vec_release(&k->on);
    free(k);
    return NULL;
}

/* ---- how many on which row --------------------------------------------------------------------------- */

/* Half full at most, and without rows that have none any more. */
static void rehash(struct core_kept *k)
{
    struct core_kept old = *k;
    size_t used = 0, size = ROWS_FIRST;
    const uint32_t *x;

    orc_vec_each (x, &old.on)
        used += *x >> KEPT_ROW_BITS != 0;
    while (size < 2 * (used + 1))
        size *= 2;
    k->on.at = orc_calloc(size, sizeof *k->on.at);
    k->on.n = k->on.cap = size;
    k->rows = used;
    orc_vec_each (x, &old.on)
        if (*x >> KEPT_ROW_BITS)
            k->on.at[kept_place(k, *x & KEPT_ROW_MASK)] = *x;
    orc_vec_release(&old.on);
}

static void add(struct core_kept *k, uint32_t id)
{
    size_t i;

    if (4 * (k->rows + 1) > 3 * k->on.n)
        rehash(k);
    i = kept_place(k, id);
    if (!k->on.at[i]) {
        k->on.at[i] = id;
        k->rows++;
    }
    k->on.at[i] += UINT32_C(1) << KEPT_ROW_BITS;
}

/* ---- slots ------------------------------------------------------------------------------------------- */

void kept_mark(struct core_kept *k, int slot)
{
    if (!k)
        return;
    while (k->slots.n <= (size_t)slot)
        orc_vec_push(&k->slots, 0);
    if (k->slots.at[slot] & MARKED)
        return;
    k->slots.at[slot] |= MARKED;
    orc_vec_push(&k->marked, slot);
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void kept_begin(struct core_kept *k)
{
    const int *n;

    if (k->marked.n)
        qsort(k->marked.at, k->marked.n, sizeof *k->marked.at, by_number);
    orc_vec_each (n, &k->marked) {
        uint32_t id = k->slots.at[*n] & KEPT_ROW_MASK;

        k->slots.at[*n] = MARKED;
        if (!id)
            continue;
        k->on.at[kept_place(k, id)] -= UINT32_C(1) << KEPT_ROW_BITS;
        k->well--;
    }
}

void kept_end(struct core_kept *k)
{
    const int *n;

    orc_vec_each (n, &k->marked)
        k->slots.at[*n] = 0;
    k->marked.n = 0;
}

void kept_set(struct core_kept *k, int slot, uint32_t row)
{
    if (row > KEPT_ROWS_MAX) {
        kept_mark(k, slot);
        return;
    }
    while (k->slots.n <= (size_t)slot)
        orc_vec_push(&k->slots, 0);
    k->slots.at[slot] = row + 1;
    add(k, row + 1);
    k->well++;
}

bool kept_is_well(const struct core_kept *k, int slot)
{
    return (size_t)slot < k->slots.n && k->slots.at[slot] & KEPT_ROW_MASK;
}
