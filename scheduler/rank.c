#include "scheduler/rank.h"

#include "scheduler/rank_build.h"
#include "scheduler/rank_entry.h"
#include "scheduler/rows.h"

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

int rank_spread(const struct core *c, const struct core_node *n)
{
    return rank_spread_of(c, &c->rows.at[n->row]);
}

/* ---- the best ------------------------------------------------------------------------------------------ */

/* The next so many, when these have been taken. */
static void keep_more(struct rank *k)
{
    if (k->keep == RANK_KEEP_ONE)
        k->keep = RANK_KEEP_FIRST;
    else if (!k->levels)
        k->keep = 2 * k->keep < RANK_KEEP_MAX ? 2 * k->keep : RANK_KEEP_MAX;
}

static size_t keep_for(const struct rank *k, size_t expected)
{
    if (k->levels)
        return RANK_KEEP_FIRST;
    if (expected <= 1)
        return RANK_KEEP_ONE;
    if (expected <= RANK_KEEP_FIRST)
        return RANK_KEEP_FIRST;
    return expected < RANK_KEEP_MAX ? expected : RANK_KEEP_MAX;
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
    k->ring = place_ring(req->spec, req->service->hash);
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
    rank_build(c, req);
}

/* What is placed makes a node's whole groups worse, and only it was sorted anew: the top is looked at again
 * until it is what it was taken for. */
static void freshen_top(struct core *c, const struct place_req *req)
{
    struct rank *k = &c->rank;
    struct rank_entry e;

    while (k->heap.n) {
        uint32_t row = k->heap.at[0].row;

        if (!rank_entry_of(c, row, req, &e) || !rank_before(&e, &k->limit))
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
        rank_build(c, req);
    }
    if (!k->heap.n)
        return NULL;
    *rank_last(c, req->service) = k->heap.at[0].row;
    return c->row_nodes.at[k->heap.at[0].row];
}

/* All that is in the heap goes before all that is not. */
struct core_node *rank_best_of(struct core *c, const struct place_req *req,
                               bool (*may)(const struct core *, const struct place_req *,
                                           const struct core_node *))
{
    const struct rank_entry *e, *best = NULL;

    if (c->rank.levels || c->rank.keep == RANK_KEEP_ONE) { /* all as they are now; and more than the best */
        keep_more(&c->rank);
        rank_build(c, req);
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
    if (!rank_entry_of(c, n->row, &req, &e) || !rank_before(&e, &k->limit)) {
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
