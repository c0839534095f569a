#include "scheduler/rank.h"

#include "scheduler/allow.h"
#include "scheduler/lanes.h"
#include "scheduler/place_filter.h"
#include "scheduler/place_count.h"
#include "scheduler/place_node.h"
#include "scheduler/rank_heap.h"
#include "scheduler/rows.h"

/* The best so many are kept: as many as will be asked for, and twice as many whenever that was too few. */
#define KEEP_ONE 1 /* only one will be: whatever is no better is passed over */
#define KEEP_FIRST 8
#define KEEP_MAX 2048

/* ---- life cycle -------------------------------------------------------------------------------------- */

void rank_forget(struct core *c)
{
    c->rank.spread_stamp = 0;
}

void rank_clear(struct core *c)
{
    rank_forget(c);
    rank_heap_clear(&c->rank);
}

void rank_release(struct core *c)
{
    orc_vec_release(&c->rank.heap);
    orc_vec_release(&c->rank.at);
}

/* ---- how many slots a node holds --------------------------------------------------------------------- */

static inline int spread_of(const struct core *c, const struct core_row *r)
{
    int n = r->spread_stamp == c->spread_stamp ? r->spread : 0;

    return c->spread_kept ? n + kept_on(c->spread_kept, (uint32_t)(r - c->rows.at)) : n;
}

int rank_spread(const struct core *c, const struct core_node *n)
{
    return spread_of(c, &c->rows.at[n->row]);
}

/* ---- one row ----------------------------------------------------------------------------------------- */

/* Whole per cent; 0 for what is not asked for, as place_node.h has it. `per`: 100 / room, rounded: at most
 * one off, and then corrected. used <= room < 2^51. */
static inline int load_of(int64_t used, int64_t need, int64_t room, float per_room)
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

static inline bool row_fits(const struct core_row *r, struct spec_resources need)
{
    return !r->closed && !(need.cpus_nano && r->used.cpus_nano + need.cpus_nano > r->room.cpus_nano) &&
           !(need.memory && r->used.memory + need.memory > r->room.memory);
}

/* As place_score_of() has it for packing, the better the smaller. */
static bool packing_key(const struct core *c, const struct core_row *r, struct spec_resources need,
                        uint64_t *ret)
{
    if (!row_fits(r, need))
        return false;
    *ret = (uint64_t)(!c->crowded && !r->tasks) << 44 |
           (uint64_t)(PLACE_DENSITY_MAX - place_density(r->used, need, r->room)) << 32 |
           (uint64_t)(UINT32_MAX - (uint32_t)r->tasks);
    return true;
}

/* Without the spread. False: it does not fit, as far as a row knows. */
static inline bool key_of(const struct core_row *r, struct spec_resources need, uint64_t *ret)
{
    int cpus, memory;

    if (!row_fits(r, need))
        return false;
    cpus = load_of(r->used.cpus_nano, need.cpus_nano, r->room.cpus_nano, r->per_cpus);
    memory = load_of(r->used.memory, need.memory, r->room.memory, r->per_memory);
    *ret = (uint64_t)(cpus > memory ? cpus : memory) << 32 | (uint64_t)r->tasks;
    return true;
}

#define GROUP_BITS 15 /* a count of slots, SPEC_REPLICAS_MAX at most */
static uint64_t groups_of(const struct core *c, size_t row)
{
    uint64_t x = 0;

    for (int i = 0; i < c->rank.levels; i++)
        x |= (uint64_t)count_group(c, (uint32_t)row, (size_t)i) << (SPEC_SPREAD_MAX - 1 - i) * GROUP_BITS;
    return x;
}

static bool is_full(const struct core *c, size_t row)
{
    const struct core_node *n = c->row_nodes.at[row];

    return n->held_stamp == c->spread_stamp && n->held >= c->rank.most;
}

/* The spread is looked up last: it lies where no cache guesses, and only makes an entry worse. */
static inline bool entry_of(const struct core *c, size_t row, const struct place_req *req,
                            struct rank_entry *ret)
{
    const struct core_row *r = &c->rows.at[row];
    const struct rank *k = &c->rank;

    ret->first = (uint64_t)r->avoid << 63 | (k->levels ? groups_of(c, row) : 0);
    if (ret->first > k->limit.first || (k->constrained && !allow_row(req->service, row)) ||
        !(k->packs ? packing_key(c, r, k->need, &ret->key) : key_of(r, k->need, &ret->key)))
        return false;
    ret->tie = place_tie(k->hash, r->hash);
    if (!rank_before(ret, &k->limit))
        return false;
    if (!k->packs)
        ret->key += (uint64_t)spread_of(c, r) << 40;
    if (k->most && is_full(c, row))
        return false;
    if ((k->ports && !place_ports_free(c->row_nodes.at[row], req)) ||
        (k->pids && !place_pids_free(c->row_nodes.at[row], req)))
        return false;
    ret->row = (uint32_t)row;
    return true;
}

/* ---- building ---------------------------------------------------------------------------------------- */

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

    if (row >= c->rows.n || !entry_of(c, row, req, e) || !rank_before(e, &k->limit))
        return false;
    if (k->keep == KEEP_ONE) {
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
        k->heap.n += entry_of(c, k->heap.at[i].row, req, &k->heap.at[k->heap.n]);
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

        if (row < c->rows.n && spread_of(c, &c->rows.at[row]) <= at_most)
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
    return with_slots(c, b, better, limit) | with_slots(c, b, ~better & ((1u << CORE_LANES) - 1), limit - 1);
}

static void consider_block(struct core *c, const struct place_req *req, size_t block, struct lanes_bar *bar)
{
    const struct core_lanes *l = &c->lanes.at[block];
    const struct core_block *b = &c->blocks.at[block];
    unsigned ties, better = lanes_better(l, bar, &ties);
    bool lower = false;

    for (unsigned x = better & ties; x; x &= x - 1) {
        unsigned i = (unsigned)__builtin_ctz(x);

        better &= ~((unsigned)(place_tie(c->rank.hash, b->hash[i]) >= c->rank.limit.tie) << i);
    }
    for (unsigned x = better; x; x &= x - 1)
        __builtin_prefetch(&c->rows.at[b->rows[__builtin_ctz(x)]]);
    if (has_spread(&c->rank))
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

static unsigned better_blocks(const struct core *c, size_t i, const struct lanes_bar *bar)
{
    return has_spread(&c->rank) ? (1u << CORE_LANES) - 1 : lanes_better(&c->lanes_least.at[i], bar, NULL);
}

/* For few only those blocks in which one may be better. */
static void consider_all(struct core *c, const struct place_req *req)
{
    struct lanes_bar bar = lanes_bar_of(&c->rank);

    if (c->rank.keep > KEEP_FIRST) {
        consider_many(c, req);
        return;
    }
    lanes_find_least(c);
    for (size_t i = 0; i < c->lanes_least.n; i++)
        for (unsigned x = better_blocks(c, i, &bar); x; x &= x - 1)
            if (i * CORE_LANES + (size_t)__builtin_ctz(x) < c->blocks.n)
                consider_block(c, req, i * CORE_LANES + (size_t)__builtin_ctz(x), &bar);
}

static void build(struct core *c, const struct place_req *req)
{
    struct rank *k = &c->rank;
    size_t last = k->heap.n;

    rank_heap_clear(k);
    k->limit = (struct rank_entry){.first = UINT64_MAX, .key = UINT64_MAX, .tie = UINT64_MAX};
    orc_vec_reserve(&k->heap, 2 * k->keep);
    if (k->keep == KEEP_ONE)
        consider(c, req, k->last);
    else if (k->keep == KEEP_FIRST) /* or else most of those have been taken */
        limit_by_last(c, req, last);
    consider_all(c, req);
    if (k->keep == KEEP_ONE && k->heap.n)
        k->limit = just_after(k->heap.at[0]);
    rank_heap_order(k);
}

/* The next so many, when these have been taken. */
static void keep_more(struct rank *k)
{
    if (k->keep == KEEP_ONE)
        k->keep = KEEP_FIRST;
    else if (!k->levels)
        k->keep = 2 * k->keep < KEEP_MAX ? 2 * k->keep : KEEP_MAX;
}

static size_t keep_for(const struct rank *k, size_t expected)
{
    if (k->levels)
        return KEEP_FIRST;
    if (expected <= 1)
        return KEEP_ONE;
    if (expected <= KEEP_FIRST)
        return KEEP_FIRST;
    return expected < KEEP_MAX ? expected : KEEP_MAX;
}

static void begin(struct core *c, const struct place_req *req)
{
    struct rank *k = &c->rank;

    rows_refresh(c);
    while (k->at.n < c->rows.n)
        orc_vec_push(&k->at, RANK_NOT_IN);
    k->spread_stamp = c->spread_stamp;
    k->service = req->service;
    k->spec = req->spec;
    k->need = spec_service_reserved(req->spec);
    k->hash = req->service->hash;
    k->constrained = req->spec->constraints.n;
    k->ports = req->spec->ports.n;
    k->pids = spec_service_pids(req->spec);
    k->packs = req->spec->strategy == SPEC_BINPACK;
    k->most = spec_service_max_per_node(req->spec);
    k->levels = (int)req->spec->spread_over.n;
    count_groups(c, req->spec);
    k->keep = keep_for(k, c->expected);
    if (k->constrained)
        allow_begin(c, req->service, req->spec);
    build(c, req);
}

/* What is placed makes a node's whole groups worse, and only it was sorted anew: the top is looked at again
 * until it is what it was taken for. */
static void freshen_top(struct core *c, const struct place_req *req)
{
    struct rank *k = &c->rank;
    struct rank_entry e;

    while (k->heap.n) {
        uint32_t row = k->heap.at[0].row;

        if (!entry_of(c, row, req, &e) || !rank_before(&e, &k->limit))
            rank_heap_remove(k, 0);
        else if (e.first == k->heap.at[0].first && e.key == k->heap.at[0].key)
            return;
        else
            rank_heap_change(k, 0, e);
    }
}

struct core_node *rank_best(struct core *c, const struct place_req *req)
{
    struct rank *k = &c->rank;

    if (k->spread_stamp != c->spread_stamp || k->service != req->service || k->spec != req->spec)
        begin(c, req);
    if (k->levels)
        freshen_top(c, req);
    if (k->limit.first != UINT64_MAX && (!k->heap.n || !rank_before(&k->heap.at[0], &k->limit))) {
        keep_more(k);
        build(c, req);
    }
    if (!k->heap.n)
        return NULL;
    k->last = k->heap.at[0].row;
    return c->row_nodes.at[k->last];
}

/* All that is in the heap goes before all that is not. */
struct core_node *rank_best_of(struct core *c, const struct place_req *req,
                               bool (*may)(const struct core *, const struct place_req *,
                                           const struct core_node *))
{
    const struct rank_entry *e, *best = NULL;

    if (c->rank.levels || c->rank.keep == KEEP_ONE) { /* all as they are now; and more than the best */
        keep_more(&c->rank);
        build(c, req);
    }
    orc_vec_each (e, &c->rank.heap)
        if ((!best || rank_before(e, best)) && may(c, req, c->row_nodes.at[e->row]))
            best = e;
    return best ? c->row_nodes.at[best->row] : NULL;
}

/* ---- following --------------------------------------------------------------------------------------- */

static void follow(struct core *c, struct core_node *n)
{
    struct rank *k = &c->rank;
    struct place_req req = {.service = k->service, .spec = k->spec};
    struct rank_entry e;
    uint32_t at;

    if (k->spread_stamp != c->spread_stamp)
        return;
    at = k->at.at[n->row];
    if (!entry_of(c, n->row, &req, &e) || !rank_before(&e, &k->limit)) {
        if (at != RANK_NOT_IN)
            rank_heap_remove(k, at);
        return;
    }
    if (at == RANK_NOT_IN)
        rank_heap_add(k, e);
    else
        rank_heap_change(k, at, e);
}

static void count_slots(struct core *c, const struct core_node *n, int slots)
{
    struct core_row *r = &c->rows.at[n->row];

    if (r->spread_stamp != c->spread_stamp) {
        r->spread_stamp = c->spread_stamp;
        r->spread = 0;
    }
    r->spread += slots;
}

void rank_spread_add(struct core *c, struct core_node *n, int slots)
{
    count_slots(c, n, slots);
    if (slots < 0 && c->rank.levels) /* others of its groups have become better */
        c->rank.spread_stamp = 0;
    follow(c, n);
}

/* Nodes lie where no cache guesses: of the next one also its name, of those after it what placing needs. */
#define AHEAD 3
ORC_PREFETCHES void prefetch_best(const struct core *c)
{
    const struct rank *k = &c->rank;

    for (size_t i = 0; i < AHEAD && i < k->heap.n; i++) {
        uint32_t row = k->heap.at[i].row;

        core_prefetch_node(c->row_nodes.at[row]);
        __builtin_prefetch(&c->rows.at[row]);
    }
    if (k->heap.n)
        __builtin_prefetch(c->row_nodes.at[k->heap.at[0].row]->shared);
}

void rank_taken(struct core *c, struct core_node *n)
{
    rows_take(c, n);
    count_slots(c, n, 1);
    follow(c, n);
    prefetch_best(c);
}
