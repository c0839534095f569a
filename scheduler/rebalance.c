#include "scheduler/rebalance.h"

#include "scheduler/place_count.h"
#include "scheduler/place_filter.h"
#include "scheduler/place_node.h"
#include "scheduler/place_volume.h"

struct cell {          /* nodes that are alike in all that the service is spread over */
    struct slot *from; /* of the fullest, the one with the highest number; NULL: none may leave */
    int most;
    struct core_node *to; /* the emptiest that takes one, or NULL */
    struct place_score score;
    int least; /* on it; on the emptiest that has no room: `full` */
    int full;
};

struct cells {
    struct core *c;
    const struct slots *v;
    struct place_req req;
    bool packed;                /* the nodes themselves are not spread over */
    ORC_VEC(struct cell) at;    /* in the order of slots, then of nodes */
    ORC_VEC(uint32_t) of_group; /* their place there, from 1; 0: none yet */
};

bool rebalance_may(const struct spec_service *spec)
{
    return !spec->global && !spec->job && !place_mounts_volumes(spec) && !spec->weights.n;
}

static bool may_leave(const struct slot *s)
{
    return s->open && s->head && !s->old && !s->leaving && !s->unreadable && !s->busy && !s->wait &&
           s->compliant && s->class == CLASS_AVAILABLE;
}

/* ---- spread ------------------------------------------------------------------------------------------ */

static uint32_t innermost(const struct cells *x, const struct core_node *n)
{
    size_t levels = x->req.spec->spread_over.n;

    return levels ? count_group_of(x->c, n->row, levels - 1) : 0;
}

static struct cell *cell_of(struct cells *x, const struct core_node *n)
{
    uint32_t g = innermost(x, n);

    while (x->of_group.n <= g)
        orc_vec_push(&x->of_group, 0);
    if (!x->of_group.at[g]) {
        orc_vec_push(&x->at, ((struct cell){.full = INT32_MAX}));
        x->of_group.at[g] = (uint32_t)x->at.n;
    }
    return &x->at.at[x->of_group.at[g] - 1];
}

static void add_source(struct cells *x, struct slot *s)
{
    struct cell *cell = cell_of(x, s->head->node);
    int here = place_spread(x->c, s->head->node);

    if (cell->from && here < cell->most) /* slots come by number */
        return;
    cell->from = s;
    cell->most = here;
}

static void add_target(struct cells *x, struct core_node *n)
{
    struct cell *cell;
    struct place_score score;
    int here = place_spread(x->c, n);

    if (!place_open(x->c, n) || !place_allowed(n, x->req.spec, NULL))
        return;
    cell = cell_of(x, n);
    if (!place_fits(x->c, n, &x->req)) {
        cell->full = here < cell->full ? here : cell->full;
        return;
    }
    score = place_score_of(x->c, n, &x->req);
    if (score.trouble || (cell->to && !place_better(&score, &cell->score)))
        return;
    cell->to = n;
    cell->score = score;
    cell->least = here;
}

/* The fullest and the emptiest of the cells that are alike in all levels before one. */
struct pair {
    struct cell *from, *to;
};

static uint32_t group_before(const struct cells *x, const struct core_node *n, size_t level)
{
    return level ? count_group_of(x->c, n->row, level - 1) : 0;
}

static int slots_at(const struct cells *x, const struct core_node *n, size_t level, int on_node)
{
    return level < x->req.spec->spread_over.n ? count_group(x->c, n->row, level) : on_node;
}

static int most_at(const struct cells *x, const struct cell *from, size_t level)
{
    return slots_at(x, from->from->head->node, level, from->most);
}

static int least_at(const struct cells *x, const struct cell *to, size_t level)
{
    return slots_at(x, to->to, level, to->least);
}

static int gain_of(const struct cells *x, const struct pair *p, size_t level)
{
    return p->from && p->to ? most_at(x, p->from, level) - least_at(x, p->to, level) : 0;
}

static void offer(const struct cells *x, struct pair *p, struct cell *cell, size_t level)
{
    int by = cell->to && p->to ? least_at(x, cell, level) - least_at(x, p->to, level) : 0;

    /* In the levels after this one, too: or it would have to be moved again within the fuller. */
    if (cell->from &&
        (!p->from || place_fuller(x->c, x->req.spec, cell->from->head->node, p->from->from->head->node) > 0))
        p->from = cell;
    if (cell->to && (!p->to || by < 0 || (by == 0 && place_better(&cell->score, &p->to->score))))
        p->to = cell;
}

static char *spread_why(const struct cells *x, const struct cell *from, const struct cell *to, size_t level)
{
    const struct core_node *a = from->from->head->node, *b = to->to;
    const char *key = level < x->req.spec->spread_over.n ? x->req.spec->spread_over.at[level] : NULL;

    if (!key)
        return orc_printf("%s has %d of its replicas, %s has %d", a->name, from->most, b->name, to->least);
    return orc_printf("%s \"%s\" has %d of its replicas, \"%s\" has %d", key, place_attribute(a, key),
                      count_group(x->c, a->row, level), place_attribute(b, key),
                      count_group(x->c, b->row, level));
}

/* Of those that differ in that level, and in none before it. */
static bool choose_at(struct cells *x, size_t level, struct pair *ret)
{
    ORC_VEC(struct pair) pairs = {0}; /* by the group before that level */
    struct cell *cell;
    struct pair *p;

    orc_vec_each (cell, &x->at) {
        const struct core_node *n = cell->from ? cell->from->head->node : cell->to;
        uint32_t g = n ? group_before(x, n, level) : 0;

        while (pairs.n <= g)
            orc_vec_add(&pairs);
        offer(x, &pairs.at[g], cell, level);
    }
    orc_vec_each (p, &pairs) {
        int by = gain_of(x, p, level) - gain_of(x, ret, level);

        if (gain_of(x, p, level) >= REBALANCE_GAIN &&
            (by > 0 || (by == 0 && place_better(&p->to->score, &ret->to->score))))
            *ret = *p;
    }
    orc_vec_release(&pairs);
    return ret->to != NULL;
}

/* The nodes themselves are the last level. */
static bool choose_pair(struct cells *x, struct rebalance_move *ret)
{
    size_t levels = x->req.spec->spread_over.n + !x->packed;

    for (size_t i = 0; i < levels; i++) {
        struct pair p = {0};

        if (!choose_at(x, i, &p))
            continue;
        *ret = (struct rebalance_move){p.from->from, p.to->to, spread_why(x, p.from, p.to, i)};
        return true;
    }
    return false;
}

static bool any_blocked(const struct cells *x)
{
    const struct cell *cell;
    int most = 0, full = INT32_MAX;

    orc_vec_each (cell, &x->at) {
        most = cell->from && cell->most > most ? cell->most : most;
        full = cell->full < full ? cell->full : full;
    }
    return full <= most - REBALANCE_GAIN;
}

static bool choose_spread(struct cells *x, struct rebalance_move *ret, bool *ret_blocked)
{
    struct core_node *n, *next;
    struct slot *s;
    bool found;

    count_groups(x->c, x->req.spec);
    orc_vec_each (s, &x->v->at)
        if (may_leave(s))
            add_source(x, s);
    HASH_ITER (hh, x->c->nodes, n, next)
        add_target(x, n);
    found = choose_pair(x, ret);
    *ret_blocked = !found && (x->packed || any_blocked(x));
    orc_vec_release(&x->at);
    orc_vec_release(&x->of_group);
    return found;
}

/* ---- packing ----------------------------------------------------------------------------------------- */

static int replicas_to_leave(const struct cells *x, const struct core_node *n, struct slot **ret_last)
{
    struct slot *s;
    int k = 0;

    orc_vec_each (s, &x->v->at)
        if (may_leave(s) && s->head->node == n) {
            k++;
            *ret_last = s;
        }
    return k;
}

static int64_t times(int64_t spare, int64_t need)
{
    return need > 0 ? spare / need + 1 : SPEC_REPLICAS_MAX; /* `spare` is what is left after one */
}

/* How many replicas more a node takes. */
static int64_t takes(const struct cells *x, const struct core_node *n)
{
    struct spec_resources need = spec_service_reserved(x->req.spec);
    struct spec_resources over = place_shortfall(n, &x->req);
    int64_t cpu = times(-over.cpus_nano, need.cpus_nano), memory = times(-over.memory, need.memory);
    int64_t least = cpu < memory ? cpu : memory, limit = spec_service_max_per_node(x->req.spec);

    if (spec_service_pids(x->req.spec) && n->rec.pids) {
        int64_t pids = times(-place_pids_short(n, &x->req), spec_service_pids(x->req.spec));

        least = pids < least ? pids : least;
    }
    for (size_t i = 0; i < x->req.spec->ports.n; i++)
        if (x->req.spec->ports.at[i].host)
            return 1;
    if (limit && limit - count_replicas(x->c, n, &x->req) < least)
        least = limit - count_replicas(x->c, n, &x->req);
    return least;
}

/* Its successor runs elsewhere, or soon will; or is made in this very step. */
static bool is_about_to_go(const struct cells *x, const struct core_task *t)
{
    const struct core_task *o;
    const struct slot *s;

    orc_vec_each (s, &x->v->at)
        if (s->head == t && s->busy && !s->old && s->class == CLASS_AVAILABLE)
            return true;
    for (o = core_slot_tasks(t->service, t->slot); o; o = o->slot_next)
        if (o->attempt > t->attempt && o->node != t->node)
            return true;
    return false;
}

/* In use for longer than a job or a move takes: who follows these around moves for ever. */
static bool is_in_use(const struct cells *x, const struct core_node *n)
{
    const struct core_task *t;

    for (t = n->tasks; t; t = t->node_next)
        if (core_task_runs(t) && !core_task_of_job(t) && !is_about_to_go(x, t))
            return true;
    return false;
}

/* Where what leaves a node may go: the best of those that run something; *ret_room: how many all take. */
static struct core_node *best_in_use(struct cells *x, struct core_node *but, int64_t *ret_room)
{
    struct core_node *n, *next, *best = NULL;
    struct place_score top = {0};

    *ret_room = 0;
    HASH_ITER (hh, x->c->nodes, n, next) {
        struct place_score score;

        if (n == but || !is_in_use(x, n) || !place_fits(x->c, n, &x->req) ||
            innermost(x, n) != innermost(x, but))
            continue;
        score = place_score_of(x->c, n, &x->req);
        if (score.trouble)
            continue;
        *ret_room += takes(x, n);
        if (best && !place_better(&score, &top))
            continue;
        best = n;
        top = score;
    }
    return best;
}

static bool choose_packed(struct cells *x, struct rebalance_move *ret)
{
    struct core_node *n, *next, *best = NULL;
    int fewest = INT32_MAX;

    HASH_ITER (hh, x->c->nodes, n, next) {
        struct slot *last = NULL;
        int use = n->n_tasks, k = use && use <= fewest ? replicas_to_leave(x, n, &last) : 0;
        struct core_node *to;
        int64_t room;

        if (!k || k != use || (best && k == fewest && strcmp(n->name, best->name) > 0))
            continue;
        to = best_in_use(x, n, &room);
        if (room < k)
            continue;
        fewest = k;
        best = n;
        free(ret->why);
        *ret =
            (struct rebalance_move){last, to,
                                    orc_printf("%d of its replicas alone keep%s %s in use, and fit elsewhere",
                                               k, k == 1 ? "s" : "", n->name)};
    }
    return best;
}

bool rebalance_choose(struct core *c, const struct slots *v, struct rebalance_move *ret, bool *ret_blocked)
{
    const struct core_revision *rev = v->target;
    struct cells x = {.c = c, .v = v, .packed = rev->rec.spec->strategy == SPEC_BINPACK};
    bool blocked = false, found;

    *ret = (struct rebalance_move){0};
    x.req = (struct place_req){.service = v->service, .spec = rev->rec.spec, .hash = rev->rec.container_hash};
    found = choose_spread(&x, ret, &blocked) || (x.packed && choose_packed(&x, ret));
    if (ret_blocked)
        *ret_blocked = blocked;
    return found;
}
