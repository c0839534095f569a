#include "scheduler/rank_build.h"

#include "scheduler/lanes.h"
#include "scheduler/rank_entry.h"

/* Not ranked before the one, and before all that are not ranked before it. */
static struct rank_entry just_after(struct rank_entry one)
{
    if (++one.tie == 0)
        one.key++;
    return one;
}

/* True: the limit is another one. Inlined, or a fill would spend a fiftieth on calling it. */
static inline __attribute__((always_inline)) bool consider(struct core *c, const struct place_req *req,
                                                           size_t row)
{
    struct rank *k = &c->rank;
    struct rank_entry *e = &k->heap.at[k->heap.n];

    if (row >= c->rows.n || !rank_entry_of(c, row, req, e) || !rank_before(e, &k->limit))
        return false;
    if (k->keep == RANK_KEEP_ONE) {
        k->limit = k->heap.at[0] = *e;
        k->heap.n = 1;
        return true;
    }
    if (++k->heap.n < 2 * k->keep)
        return false;
    rank_heap_shrink(k);
    return true;
}

/* What was good before, mostly for another service, is good for this one, too: a limit to begin with. `n`: so
 * many are in the heap's memory. */
static void limit_by_last(struct core *c, const struct place_req *req, size_t n)
{
    struct rank *k = &c->rank;

    for (size_t i = 0; i < n && k->heap.n < 2 * k->keep; i++)
        k->heap.n += rank_entry_of(c, k->heap.at[i].row, req, &k->heap.at[k->heap.n]);
    if (k->heap.n > k->keep)
        rank_heap_shrink(k);
    k->heap.n = 0;
}

/* The limit's node holds some slots already: of those with fewer any may be better. */
static inline bool has_spread(const struct rank *k)
{
    return !k->packs && k->limit.key >> 40;
}

static unsigned with_slots(const struct core *c, const struct core_block *b, unsigned lanes, int at_most)
{
    unsigned ret = 0;

    for (unsigned x = lanes; x; x &= x - 1) {
        uint32_t row = b->rows[__builtin_ctz(x)];

        if (row < c->rows.n && rank_spread_of(c, &c->rows.at[row]) <= at_most)
            ret |= x & -x;
    }
    return ret;
}

static unsigned allowed(const struct core *c, const struct core_block *b, unsigned lanes)
{
    unsigned ret = 0;

    for (unsigned x = lanes; x; x &= x - 1) {
        uint32_t row = b->rows[__builtin_ctz(x)];

        if (row < c->rows.n && allow_row(c->rank.service, row))
            ret |= x & -x;
    }
    return ret;
}

/* Of lanes that are better or not but for the spread those that are with it. */
static unsigned better_with_spread(const struct core *c, const struct core_block *b, unsigned better)
{
    int limit = (int)(c->rank.limit.key >> 40);

    if (c->rank.limit.first) /* even one with more slots may be better */
        return better;
    better = with_slots(c, b, better, limit);
    return limit ? better | with_slots(c, b, ~better & ((1u << CORE_LANES) - 1), limit - 1) : better;
}

static void consider_block(struct core *c, const struct place_req *req, size_t block, struct lanes_bar *bar)
{
    const struct core_lanes *l = &c->lanes.at[block];
    const struct core_block *b = &c->blocks.at[block];
    unsigned ties, better = lanes_better(l, bar, &ties);
    bool lower = false;

    for (unsigned x = better & ties; x; x &= x - 1) {
        unsigned i = (unsigned)__builtin_ctz(x);

        better &= ~((unsigned)(place_tie(c->rank.ring, b->hash[i]) >= c->rank.limit.tie) << i);
    }
    if (c->rank.constrained)
        better = allowed(c, b, better);
    for (unsigned x = better; x; x &= x - 1)
        __builtin_prefetch(&c->rows.at[b->rows[__builtin_ctz(x)]]);
    if (has_spread(&c->rank) || (c->rank.keep == RANK_KEEP_ONE && !c->rank.packs))
        better = better_with_spread(c, b, better);
    for (unsigned x = better; x; x &= x - 1)
        lower |= consider(c, req, b->rows[__builtin_ctz(x)]);
    if (lower)
        *bar = lanes_bar_of(&c->rank);
}

/* One block in eight shows how good the best are: their share of those that will be asked for, and a quarter
 * more, is what others must be better than. Or else all that come before the best are found were kept. */
#define SAMPLE 8
#define SAMPLE_FROM 128 /* for fewer its own share says little */
static void consider_sample(struct core *c, const struct place_req *req)
{
    struct lanes_bar bar = lanes_bar_of(&c->rank);
    struct rank *k = &c->rank;
    size_t keep = k->keep;

    k->keep = keep / SAMPLE + keep / SAMPLE / 4;
    for (size_t i = 0; i < c->blocks.n; i += SAMPLE)
        consider_block(c, req, i, &bar);
    if (k->heap.n > k->keep)
        rank_heap_shrink(k);
    k->keep = keep;
}

/* Where many are asked for: most blocks have one. */
static void consider_many(struct core *c, const struct place_req *req)
{
    bool sample = c->rank.keep >= SAMPLE_FROM && c->rows.n > 2 * c->rank.keep;
    struct lanes_bar bar;

    if (sample)
        consider_sample(c, req);
    bar = lanes_bar_of(&c->rank);
    for (size_t i = 0; i < c->blocks.n; i++)
        if (!sample || i % SAMPLE)
            consider_block(c, req, i, &bar);
}

/* What the tie of none of its nodes is below. */
static uint64_t least_tie(const struct core_block *b, uint64_t ring)
{
    bool within = b->hash_min < ring && ring <= b->hash_max;

    return within ? 0 : place_tie(ring, b->hash_min);
}

static unsigned better_of(const struct core *c, const struct core_lanes *least, const struct lanes_bar *bar,
                          unsigned *ret_ties)
{
    *ret_ties = 0;
    return has_spread(&c->rank) ? (1u << CORE_LANES) - 1 : lanes_better(least, bar, ret_ties);
}

/* Sixteen blocks, from `first` on: those in which one may be better. */
static void consider_few(struct core *c, const struct place_req *req, size_t first, struct lanes_bar *bar)
{
    unsigned ties, better = better_of(c, &c->lanes_least.at[first / CORE_LANES], bar, &ties);

    for (; better; better &= better - 1) {
        unsigned i = (unsigned)__builtin_ctz(better);

        if (first + i < c->blocks.n &&
            !(ties >> i & 1 && least_tie(&c->blocks.at[first + i], c->rank.ring) >= c->rank.limit.tie))
            consider_block(c, req, first + i, bar);
    }
}

/* For few only those blocks in which one may be better. */
static void consider_all(struct core *c, const struct place_req *req)
{
    struct lanes_bar bar = lanes_bar_of(&c->rank);

    if (c->rank.keep > RANK_KEEP_FIRST) {
        consider_many(c, req);
        return;
    }
    lanes_find_least(c);
    for (size_t i = 0; i < c->lanes_top.n; i++) {
        unsigned ties, better = better_of(c, &c->lanes_top.at[i], &bar, &ties);

        for (; better; better &= better - 1) {
            size_t at = i * CORE_LANES + (size_t)__builtin_ctz(better);

            if (at < c->lanes_least.n)
                consider_few(c, req, at * CORE_LANES, &bar);
        }
    }
}

uint32_t *rank_last(struct core *c, struct core_service *s)
{
    return c->rank.constrained ? &s->allow->last : &c->rank.last;
}

/* The row, and its block: its nodes are about as good as that one was. Nodes that are alike were mostly given
 * the same; where all of a block have slots of the service already, the next ones are as good, too. */
#define LIKE_BLOCKS 16
static void consider_like(struct core *c, const struct place_req *req, uint32_t row)
{
    struct lanes_bar bar;
    size_t block;

    if (row >= c->rows.n)
        return;
    consider(c, req, row);
    bar = lanes_bar_of(&c->rank);
    block = c->row_nodes.at[row]->lane / CORE_LANES;
    for (size_t i = block; i < c->blocks.n && i < block + LIKE_BLOCKS && (i == block || has_spread(&c->rank));
         i++)
        consider_block(c, req, i, &bar);
}

void rank_build(struct core *c, const struct place_req *req)
{
    struct rank *k = &c->rank;
    size_t last = k->heap.n;

    rank_heap_clear(k);
    k->limit = (struct rank_entry){.first = UINT64_MAX, .key = UINT64_MAX, .tie = UINT64_MAX};
    orc_vec_reserve(&k->heap, 2 * k->keep);
    if (k->keep == RANK_KEEP_ONE)
        consider_like(c, req, *rank_last(c, req->service));
    else if (k->keep == RANK_KEEP_FIRST) /* or else most of those have been taken */
        limit_by_last(c, req, last);
    consider_all(c, req);
    if (k->keep == RANK_KEEP_ONE && k->heap.n)
        k->limit = just_after(k->heap.at[0]);
    rank_heap_order(k);
}
