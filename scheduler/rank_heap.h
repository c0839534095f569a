/* rank_heap.h - the best few of many entries: a heap with the best on top, and where in it each row is.
 *
 * Private to rank.c. What is not better than the limit was left out; all that is in the heap is better. It
 * must not know what makes an entry good.
 */
#ifndef SCHEDULER_RANK_HEAP_H
#define SCHEDULER_RANK_HEAP_H

#include "scheduler/model.h"

#define RANK_NOT_IN UINT32_MAX /* in rank.at */

/* Key and tie as one number: which child of the heap is better can't be guessed, so no branch asks. */
static inline bool rank_before(const struct rank_entry *a, const struct rank_entry *b)
{
    if (a->first != b->first)
        return a->first < b->first;
    return ((unsigned __int128)a->key << 64 | a->tie) < ((unsigned __int128)b->key << 64 | b->tie);
}

/* Of all that have been put side by side the best `keep` stay; the next one is the limit from now on. There
 * are more than that. */
void rank_heap_shrink(struct rank *k);
/* Makes a heap of what has been put side by side. */
void rank_heap_order(struct rank *k);
void rank_heap_clear(struct rank *k);

void rank_heap_add(struct rank *k, struct rank_entry e);
/* The one at `i` becomes another one, of the same row. */
void rank_heap_change(struct rank *k, size_t i, struct rank_entry e);
void rank_heap_remove(struct rank *k, size_t i);

#endif
