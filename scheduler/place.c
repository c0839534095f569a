#include "scheduler/place.h"

#include "lib/hash.h"
#include "scheduler/place_count.h"
#include "scheduler/place_filter.h"
#include "scheduler/place_node.h"
#include "scheduler/place_volume.h"
#include "scheduler/rank.h"
#include "scheduler/rows.h"
#include "scheduler/trouble.h"

#include <arpa/inet.h>
#include <stdio.h>

/* ---- spread ------------------------------------------------------------------------------------------ */

void place_spread_begin(struct core *c)
{
    c->spread_stamp++;
    c->spread_kept = NULL;
    c->expected = 0;
}

void place_spread_kept(struct core *c, const struct core_kept *k)
{
    c->spread_kept = k;
}

void place_expect(struct core *c, size_t picks)
{
    c->expected = picks;
}

static void spread_add(struct core *c, struct core_node *n, int slots)
{
    count_in_groups(c, n, slots);
    rank_spread_add(c, n, slots);
}

bool place_spread_count(struct core *c, struct core_task *t, bool counts)
{
    bool counted = t->spread_stamp == c->spread_stamp;

    if (counted == counts)
        return false;
    t->spread_stamp = counts ? c->spread_stamp : 0;
    spread_add(c, t->node, counts ? 1 : -1);
    return true;
}

int place_spread(const struct core *c, const struct core_node *n)
{
    return rank_spread(c, n);
}

/* ---- scores ------------------------------------------------------------------------------------------ */

static int per_mille(int64_t short_by, int64_t capacity)
{
    if (capacity <= 0)
        return 0;
    return (int)((__int128)(capacity + short_by) * 1000 / capacity);
}

struct shares { /* per mille of CPU and memory in use afterwards; 0 of what is not reserved */
    int cpu, memory;
};

static struct shares shares_of(const struct core_node *n, const struct place_req *req)
{
    struct spec_resources need = spec_service_reserved(req->spec), s = place_shortfall(n, req);
    struct shares x = {0};

    if (need.cpus_nano)
        x.cpu = per_mille(s.cpus_nano, place_room(n).cpus_nano);
    if (need.memory)
        x.memory = per_mille(s.memory, place_room(n).memory);
    return x;
}

/* In 4096ths. */
static int64_t share_left(int64_t used, int64_t room)
{
    if (room <= 0 || used >= room)
        return 0;
    return used <= 0 ? 4096 : (int64_t)((__int128)(room - used) * 4096 / room);
}

/* The angle between what is asked for and what is left, both as shares of the node: a request that takes of
 * each resource what there is more of leaves room that others can use (vector packing by cosine similarity:
 * Panigrahy and others, "Heuristics for Vector Bin Packing", 2011). Squared, in 1024ths; and up to 307 for a
 * full node. */
int place_density(struct spec_resources used, struct spec_resources need, struct spec_resources room)
{
    int64_t cpus = need.cpus_nano ? share_left(used.cpus_nano, room.cpus_nano) : 0;
    int64_t memory = need.memory ? share_left(used.memory, room.memory) : 0;
    int64_t full = need.cpus_nano && need.memory ? 8192 - cpus - memory : 2 * (4096 - cpus - memory);
    double a = room.cpus_nano > 0 ? (double)need.cpus_nano / (double)room.cpus_nano : 0;
    double b = room.memory > 0 ? (double)need.memory / (double)room.memory : 0, most = a > b ? a : b;
    int64_t x = most > 0 ? (int64_t)(a / most * 4096) : 0, y = most > 0 ? (int64_t)(b / most * 4096) : 0;
    int64_t dot = x * cpus + y * memory, left = cpus * cpus + memory * memory, asked = x * x + y * y;
    int64_t angle = left && asked ? dot * dot / ((asked >> 10) * left + 1) : 0;

    return (int)(angle + full * 3 / 80);
}

static void score_packing(const struct core *c, const struct core_node *n, const struct place_req *req,
                          struct place_score *x)
{
    x->spread = !c->crowded && !x->tasks;
    x->load = -place_density(place_used(n, req), spec_service_reserved(req->spec), place_room(n));
    x->tasks = -x->tasks;
}

struct place_score place_score_of(struct core *c, struct core_node *n, const struct place_req *req)
{
    struct shares use = shares_of(n, req);
    struct place_score x = {.tasks = n->n_tasks,
                            .trouble = trouble_on(c, req->service, req->hash, n),
                            .avoid = record_node_avoid(&n->rec),
                            .weight = -place_weight(n, req->spec)};

    count_groups(c, req->spec);
    for (size_t i = 0; i < req->spec->spread_over.n; i++)
        x.group[i] = count_group(c, n->row, i);
    if (req->spec->strategy == SPEC_BINPACK) {
        score_packing(c, n, req, &x);
    } else {
        x.spread = place_spread(c, n);
        /* Equal to the eye is equal: otherwise a few bytes of difference would outweigh the number of tasks.
         */
        x.load = (use.cpu > use.memory ? use.cpu : use.memory) / 10;
    }
    x.tie =
        place_tie(place_ring(req->spec, orc_hash64_str(0, req->service->name)), orc_hash64_str(0, n->name));
    return x;
}

bool place_better(const struct place_score *a, const struct place_score *b)
{
    if (a->trouble != b->trouble)
        return b->trouble;
    if (a->avoid != b->avoid)
        return b->avoid;
    if (a->weight != b->weight)
        return a->weight < b->weight;
    for (size_t i = 0; i < SPEC_SPREAD_MAX; i++)
        if (a->group[i] != b->group[i])
            return a->group[i] < b->group[i];
    if (a->spread != b->spread)
        return a->spread < b->spread;
    if (a->load != b->load)
        return a->load < b->load;
    if (a->tasks != b->tasks)
        return a->tasks < b->tasks;
    return a->tie < b->tie;
}

int place_fuller(struct core *c, const struct spec_service *spec, struct core_node *a, struct core_node *b)
{
    int by = place_weight(b, spec) - place_weight(a, spec);

    if (by)
        return by;
    count_groups(c, spec);
    for (size_t i = 0; i < spec->spread_over.n && by == 0; i++)
        by = count_group(c, a->row, i) - count_group(c, b->row, i);
    if (by == 0 && spec->strategy == SPEC_BINPACK)
        return b->n_tasks - a->n_tasks;
    return by ? by : place_spread(c, a) - place_spread(c, b);
}

static void consider(struct core *c, struct core_node *n, const struct place_req *req,
                     struct core_node **best, struct place_score *top)
{
    struct place_score x;

    if (!place_fits(c, n, req))
        return;
    x = place_score_of(c, n, req);
    if (*best && !place_better(&x, top))
        return;
    *best = n;
    *top = x;
}

static struct core_node *pick_of_all(struct core *c, const struct place_req *req)
{
    struct core_node *n, *next, *best = NULL;
    struct place_score top = {0};

    HASH_ITER (hh, c->nodes, n, next)
        consider(c, n, req, &best, &top);
    return best;
}

static bool no_trouble(const struct core *c, const struct place_req *req, const struct core_node *n)
{
    return !trouble_on(c, req->service, req->hash, n);
}

/* Trouble puts some nodes behind all others and leaves the rest in order. */
static struct core_node *best_ranked(struct core *c, const struct place_req *req)
{
    struct core_node *best = rank_best(c, req);

    if (!best || no_trouble(c, req, best))
        return best;
    best = rank_best_of(c, req, no_trouble);
    return best ? best : pick_of_all(c, req);
}

/* Whether the request sees a node otherwise than all of its service do: without a task that is there, or with
 * a container of the slot there. */
static bool is_special(const struct core *c, const struct place_req *req, const struct core_node *n)
{
    return (req->without && req->without->node == n) ||
           (spec_service_max_per_node(req->spec) && count_slot_is_there(n, req));
}

static bool not_special(const struct core *c, const struct place_req *req, const struct core_node *n)
{
    return !is_special(c, req, n) && no_trouble(c, req, n);
}

static void try_special(struct core *c, const struct place_req *req, struct core_node *n,
                        struct core_node **best)
{
    struct place_score here, there;

    if (!is_special(c, req, n) || n == *best || !place_fits(c, n, req))
        return;
    if (*best) {
        here = place_score_of(c, n, req);
        there = place_score_of(c, *best, req);
    }
    if (!*best || place_better(&here, &there))
        *best = n;
}

/* The best in the order that holds for all, then the few nodes that are another to this request. */
static struct core_node *pick_ranked(struct core *c, const struct place_req *req)
{
    struct place_req plain = {.service = req->service, .spec = req->spec, .hash = req->hash};
    struct core_node *best = best_ranked(c, &plain);
    const struct core_task *t;

    if (!req->without && !(req->own && spec_service_max_per_node(req->spec)))
        return best;
    if (best && is_special(c, req, best) && req->spec->strategy == SPEC_BINPACK) {
        /* Without its task it may be worse than it looks. */
        best = rank_best_of(c, req, not_special);
        if (!best)
            return pick_of_all(c, req);
    }
    if (req->without)
        try_special(c, req, req->without->node, &best);
    for (t = req->own ? core_slot_tasks(req->service, req->own->slot) : NULL; t; t = t->slot_next)
        try_special(c, req, t->node, &best);
    return best;
}

/* Data is on few nodes, and no ranking knows of it. */
static struct core_node *pick_of_these(struct core *c, const struct place_req *req,
                                       const struct place_volume *where)
{
    struct core_node *best = NULL, *const * n;
    struct place_score top = {0};

    orc_vec_each (n, &where->nodes)
        consider(c, *n, req, &best, &top);
    return best;
}

struct core_node *place_pick(struct core *c, const struct place_req *req, char **ret_why)
{
    struct place_volumes volumes = {0};
    struct place_req with = *req;
    struct core_node *best;

    place_volumes_of(c, req, &volumes);
    with.volumes = &volumes;
    if (req->pin)
        best = place_fits(c, req->pin, &with) ? core_node_find(c, req->pin->name) : NULL;
    else if (volumes.n)
        best = pick_of_these(c, &with, &volumes.at[0]);
    else if (req->spec->weights.n) /* nor of these */
        best = pick_of_all(c, &with);
    else
        best = pick_ranked(c, req);
    if (!best && ret_why)
        *ret_why = place_explain_all(c, &with);
    place_volumes_release(&volumes);
    return best;
}

/* ---- taking ------------------------------------------------------------------------------------------ */

static void take_ports(struct core_node *n, const struct place_req *req, int slot, int64_t attempt)
{
    for (size_t i = 0; i < req->spec->ports.n; i++) {
        struct core_port *p;

        if (!req->spec->ports.at[i].host)
            continue;
        p = orc_vec_add(&n->ports);
        p->port = req->spec->ports.at[i];
        key_task_id(req->service->app->name, req->service->service, slot, attempt, p->id);
    }
}

/* Where its ports are; 0: nowhere. An address of the node's is held in any case: they are many, and it is one
 * rule less. */
static uint32_t address_of(const struct core_node *n, const struct spec_service *spec, int octet)
{
    struct in_addr in;

    if (spec->network == SPEC_NETWORK_BRIDGE)
        return n->subnet | (uint32_t)octet;
    if (spec->network == SPEC_NETWORK_HOST && n->rec.address && inet_pton(AF_INET, n->rec.address, &in) == 1)
        return ntohl(in.s_addr);
    return 0;
}

uint32_t place_take(struct core *c, struct core_node *n, const struct place_req *req, int slot,
                    int64_t attempt)
{
    struct spec_resources need = spec_service_reserved(req->spec);
    int range = PLACE_ADDRESS_LAST - PLACE_ADDRESS_FIRST + 1;
    int64_t of[] = {slot, attempt};
    int octet = PLACE_ADDRESS_FIRST + (int)(orc_hash64(req->service->hash, of, sizeof of) % (uint64_t)range);

    for (int i = 0; i < range && !place_address_free(n, octet); i++)
        octet = octet == PLACE_ADDRESS_LAST ? PLACE_ADDRESS_FIRST : octet + 1;
    place_hold_address(n, octet);
    place_use(n, need, spec_service_pids(req->spec), 1);
    take_ports(n, req, slot, attempt);
    orc_vec_push(&c->taken, ((struct core_taken){n, req->spec, (uint8_t)octet}));
    if (spec_service_max_per_node(req->spec) && !count_slot_is_there(n, req))
        count_held(c, n);
    place_volumes_taken(c, n, req);
    count_in_groups(c, n, 1);
    rank_taken(c, n);
    return address_of(n, req->spec, octet);
}

void place_drop_ports(struct core_node *n, const struct core_task *t)
{
    size_t kept = 0;

    for (size_t i = 0; i < n->ports.n; i++)
        if (n->ports.at[i].task != t)
            n->ports.at[kept++] = n->ports.at[i];
    n->ports.n = kept;
}

#define AHEAD 8
void place_give_back(struct core *c)
{
    for (size_t i = 0; i < c->taken.n; i++) {
        const struct core_taken *x = &c->taken.at[i];

        if (i + AHEAD < c->taken.n)
            core_prefetch_node(x[AHEAD].node);
        place_give_address(x->node, x->octet);
        place_use(x->node, spec_service_reserved(x->spec), spec_service_pids(x->spec), -1);
        if (x->spec->ports.n)
            place_drop_ports(x->node, NULL);
        rows_use(c, x->node);
    }
    c->taken.n = c->mounts.n = 0;
}
