#include "scheduler/rank_heap.h"

/* ---- the best on top --------------------------------------------------------------------------------- */

static void set_at(struct rank *k, size_t i, struct rank_entry e)
{
    k->heap.at[i] = e;
    k->at.at[e.row] = (uint32_t)i;
}

/* The better child of one that has any. */
static size_t better_child(const struct rank *k, size_t i)
{
    size_t left = 2 * i + 1;

    return left + (left + 1 < k->heap.n && rank_before(&k->heap.at[left + 1], &k->heap.at[left]));
}

/* Up from `i`, no higher than `top`. */
static void sift_up(struct rank *k, size_t top, size_t i, struct rank_entry e)
{
    for (; i > top && rank_before(&e, &k->heap.at[(i - 1) / 2]); i = (i - 1) / 2)
        set_at(k, i, k->heap.at[(i - 1) / 2]);
    set_at(k, i, e);
}

/* Into the gap at `gap`, no higher than `top`: down to the end, where most belong, and up from there, which
 * takes half the comparisons of stopping on the way down. */
static void sift(struct rank *k, size_t top, size_t gap, struct rank_entry e)
{
    size_t child;

    for (; 2 * gap + 1 < k->heap.n; gap = child) {
        child = better_child(k, gap);
        set_at(k, gap, k->heap.at[child]);
    }
    sift_up(k, top, gap, e);
}

void rank_heap_order(struct rank *k)
{
    for (size_t i = 0; i < k->heap.n; i++)
        k->at.at[k->heap.at[i].row] = (uint32_t)i;
    for (size_t i = k->heap.n / 2; i-- > 0;)
        sift(k, i, i, k->heap.at[i]);
}

void rank_heap_add(struct rank *k, struct rank_entry e)
{
    orc_vec_push(&k->heap, e);
    sift_up(k, 0, k->heap.n - 1, e);
}

void rank_heap_change(struct rank *k, size_t i, struct rank_entry e)
{
    sift(k, 0, i, e);
}

void rank_heap_remove(struct rank *k, size_t i)
{
    struct rank_entry last = k->heap.at[--k->heap.n];

    k->at.at[k->heap.at[i].row] = RANK_NOT_IN;
    if (i < k->heap.n)
        sift(k, 0, i, last);
}

void rank_heap_clear(struct rank *k)
{
    for (size_t i = 0; i < k->heap.n; i++)
        k->at.at[k->heap.at[i].row] = RANK_NOT_IN;
    k->heap.n = 0;
}

/* ---- of many the best -------------------------------------------------------------------------------- */

/* Hoare's selection: the n smallest come first. */
static void select_first(struct rank_entry *e, size_t count, size_t n)
{
    size_t lo = 0, hi = count - 1;

    while (lo < hi) {
        struct rank_entry pivot = e[lo + (hi - lo) / 2];
        size_t i = lo, j = hi;

        for (;; i++, j--) {
            struct rank_entry x;

            while (rank_before(&e[i], &pivot))
                i++;
            while (rank_before(&pivot, &e[j]))
                j--;
            if (i >= j)
                break;
            x = e[i];
            e[i] = e[j];
            e[j] = x;
        }
        if (n <= j + 1)
            hi = j;
        else
            lo = j + 1;
    }
}

void rank_heap_shrink(struct rank *k)
{
    select_first(k->heap.at, k->heap.n, k->keep + 1);
    k->limit = k->heap.at[0];
    for (size_t i = 1; i <= k->keep; i++)
        if (rank_before(&k->limit, &k->heap.at[i])) {
            struct rank_entry x = k->limit;

            k->limit = k->heap.at[i];
            k->heap.at[i] = x;
        }
    k->heap.at[0] = k->heap.at[k->keep];
    k->heap.n = k->keep;
}
