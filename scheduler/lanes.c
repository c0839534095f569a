#include "scheduler/lanes.h"

#include <float.h>
#include <math.h>

#define NO_LANE UINT32_MAX

/* ---- blocks ------------------------------------------------------------------------------------------ */

/* No node: never better than anything. What it adds is finite, or nothing asked for would not add nothing. */
static void clear(struct core_lanes *l, uint32_t i)
{
    l->cpus[i] = l->memory[i] = l->tasks[i] = INFINITY;
    l->per_cpus[i] = l->per_memory[i] = FLT_MAX;
}

/* Exponent and the first two bits of the fraction: sizes up to a quarter apart. */
static uint32_t size_class(int64_t size)
{
    union {
        float of;
        uint32_t bits;
    } x = {.of = (float)size};

    return x.bits >> 21;
}

static uint32_t shape_of(const struct core_row *r)
{
    return size_class(r->room.cpus_nano) << 11 | size_class(r->room.memory);
}

static void add_clear(struct core_lanes_vec *to)
{
    struct core_lanes *l = orc_vec_add(to);

    for (uint32_t i = 0; i < CORE_LANES; i++)
        clear(l, i);
}

static void add_block(struct core *c)
{
    struct core_block *b = orc_vec_add(&c->blocks);

    b->hash_min = UINT64_MAX;
    for (uint32_t i = 0; i < CORE_LANES; i++)
        b->rows[i] = UINT32_MAX;
    add_clear(&c->lanes);
    if (c->blocks.n > c->lanes_least.n * CORE_LANES)
        add_clear(&c->lanes_least);
    if (c->lanes_least.n > c->lanes_top.n * CORE_LANES)
        add_clear(&c->lanes_top);
}

/* One with nodes of that shape and a lane that is free, or with no node at all. */
static uint32_t find_block(struct core *c, uint32_t shape)
{
    uint32_t empty = (uint32_t)c->blocks.n;

    for (uint32_t i = 0; i < c->blocks.n; i++) {
        const struct core_block *b = &c->blocks.at[i];

        if (b->shape == shape && b->n && b->n < CORE_LANES)
            return i;
        if (!b->n)
            empty = i;
    }
    if (empty == c->blocks.n)
        add_block(c);
    c->blocks.at[empty].shape = shape;
    return empty;
}

static void touch(struct core *c, uint32_t block)
{
    if (c->blocks.at[block].stale)
        return;
    c->blocks.at[block].stale = true;
    orc_vec_push(&c->stale_blocks, block);
}

static void fill(struct core *c, const struct core_node *n)
{
    const struct core_row *r = &c->rows.at[n->row];

    c->lanes.at[n->lane / CORE_LANES].per_cpus[n->lane % CORE_LANES] = r->per_cpus;
    c->lanes.at[n->lane / CORE_LANES].per_memory[n->lane % CORE_LANES] = r->per_memory;
    lanes_use(c, n);
}

/* Into a block in which a lane is free. */
static void enter(struct core *c, struct core_node *n, uint32_t block)
{
    const struct core_row *r = &c->rows.at[n->row];
    struct core_block *b = &c->blocks.at[block];
    uint32_t i = 0;

    while (b->rows[i] != UINT32_MAX)
        i++;
    n->lane = block * CORE_LANES + i;
    b->rows[i] = n->row;
    b->hash[i] = r->hash;
    b->hash_min = r->hash < b->hash_min ? r->hash : b->hash_min;
    b->hash_max = r->hash > b->hash_max ? r->hash : b->hash_max;
    b->n++;
    fill(c, n);
}

void lanes_drop(struct core *c, struct core_node *n)
{
    uint32_t block = n->lane / CORE_LANES, i = n->lane % CORE_LANES;

    c->blocks.at[block].rows[i] = UINT32_MAX;
    c->blocks.at[block].n--;
    clear(&c->lanes.at[block], i);
    touch(c, block);
    n->lane = NO_LANE;
}

void lanes_add(struct core *c, struct core_node *n)
{
    n->lane = NO_LANE;
    lanes_update(c, n);
}

void lanes_renumber(struct core *c, const struct core_node *n)
{
    c->blocks.at[n->lane / CORE_LANES].rows[n->lane % CORE_LANES] = n->row;
}

void lanes_use(struct core *c, const struct core_node *n)
{
    const struct core_row *r = &c->rows.at[n->row];
    struct core_lanes *l = &c->lanes.at[n->lane / CORE_LANES];
    uint32_t i = n->lane % CORE_LANES;

    l->cpus[i] = r->closed ? INFINITY : (float)r->used.cpus_nano * r->per_cpus;
    l->memory[i] = r->closed ? INFINITY : (float)r->used.memory * r->per_memory;
    l->tasks[i] = (float)r->tasks;
    c->lanes_used++;
    touch(c, n->lane / CORE_LANES);
}

void lanes_update(struct core *c, struct core_node *n)
{
    const struct core_row *r = &c->rows.at[n->row];

    if (n->lane != NO_LANE && c->blocks.at[n->lane / CORE_LANES].shape != shape_of(r))
        lanes_drop(c, n);
    if (n->lane == NO_LANE)
        enter(c, n, find_block(c, shape_of(r)));
    else
        fill(c, n);
}

void lanes_release(struct core *c)
{
    orc_vec_release(&c->lanes);
    orc_vec_release(&c->lanes_least);
    orc_vec_release(&c->lanes_top);
    orc_vec_release(&c->blocks);
    orc_vec_release(&c->stale_blocks);
}

/* ---- in order ------------------------------------------------------------------------------------------ */

/* Where nodes of a block are alike in what is in use, too, the block is no better than they are. */
struct in_order {
    uint32_t shape, load, tasks, row; /* load: whole per cent, as places are compared */
    uint64_t hash;
};

#define BY(what)                                                                                             \
    if (x->what != y->what)                                                                                  \
    return x->what < y->what ? -1 : 1

static int by_use(const void *a, const void *b)
{
    const struct in_order *x = a, *y = b;

    BY(shape);
    BY(load);
    BY(tasks);
    BY(hash);
    BY(row);
    return 0;
}

static struct in_order place_of(const struct core *c, uint32_t row)
{
    const struct core_row *r = &c->rows.at[row];
    float cpus = (float)r->used.cpus_nano * r->per_cpus, memory = (float)r->used.memory * r->per_memory;

    return (struct in_order){.shape = shape_of(r),
                             .load = (uint32_t)(cpus > memory ? cpus : memory),
                             .tasks = (uint32_t)r->tasks,
                             .row = row,
                             .hash = r->hash};
}

static void append(struct core *c, const struct in_order *x)
{
    const struct core_block *last = c->blocks.n ? &c->blocks.at[c->blocks.n - 1] : NULL;

    if (!last || last->shape != x->shape || last->n == CORE_LANES) {
        add_block(c);
        c->blocks.at[c->blocks.n - 1].shape = x->shape;
    }
    enter(c, c->row_nodes.at[x->row], (uint32_t)c->blocks.n - 1);
}

#define ORDER_FROM 128 /* for fewer it is not worth it */
static void bring_in_order(struct core *c)
{
    ORC_VEC(struct in_order) rows = {0};
    const struct core_block *b;
    const struct in_order *x;

    if (c->lanes_used < c->rows.n / 2 || c->rows.n < ORDER_FROM)
        return;
    orc_vec_reserve(&rows, c->rows.n);
    orc_vec_each (b, &c->blocks) /* mostly in order still, which is sorted sooner */
        for (int i = 0; i < CORE_LANES; i++)
            if (b->rows[i] != UINT32_MAX)
                orc_vec_push(&rows, place_of(c, b->rows[i]));
    qsort(rows.at, rows.n, sizeof *rows.at, by_use);
    c->blocks.n = c->lanes.n = c->lanes_least.n = c->lanes_top.n = c->stale_blocks.n = 0;
    orc_vec_each (x, &rows)
        append(c, x);
    c->lanes_used = 0;
    orc_vec_release(&rows);
}

/* ---- the least of each block ------------------------------------------------------------------------- */

static float least(const float x[CORE_LANES])
{
    float ret = x[0];

    for (int i = 1; i < CORE_LANES; i++)
        ret = x[i] < ret ? x[i] : ret;
    return ret;
}

/* Into the lane of that number. */
static void set_least(const struct core_lanes *l, struct core_lanes_vec *to, uint32_t lane)
{
    struct core_lanes *x = &to->at[lane / CORE_LANES];
    uint32_t i = lane % CORE_LANES;

    x->cpus[i] = least(l->cpus);
    x->per_cpus[i] = least(l->per_cpus);
    x->memory[i] = least(l->memory);
    x->per_memory[i] = least(l->per_memory);
    x->tasks[i] = least(l->tasks);
}

void lanes_find_least(struct core *c)
{
    const uint32_t *block;

    bring_in_order(c);
    orc_vec_each (block, &c->stale_blocks) {
        c->blocks.at[*block].stale = false;
        set_least(&c->lanes.at[*block], &c->lanes_least, *block);
    }
    orc_vec_each (block, &c->stale_blocks)
        set_least(&c->lanes_least.at[*block / CORE_LANES], &c->lanes_top, *block / CORE_LANES);
    c->stale_blocks.n = 0;
}

/* ---- passing over most ------------------------------------------------------------------------------- */

/* Ten times what rounding can make: five steps of 2^-24 of a load of 100. More would let many through: nodes
 * that were filled evenly have just begun a whole per cent. */
#define SLACK 0.0003f

/* A load that is not asked for is 0, and no load is less. */
static float at_of(int64_t need, float load)
{
    if (load == 0)
        return -1;
    return need ? load + SLACK : INFINITY;
}

struct lanes_bar lanes_bar_of(const struct rank *k)
{
    bool any = k->packs || k->limit.first; /* others may be better at any load */
    float load = (float)(k->limit.key >> 32 & 0xff);
    lanes_floats none = {0};

    return (struct lanes_bar){
        .cpus = none + (float)k->need.cpus_nano,
        .memory = none + (float)k->need.memory,
        .cpus_above = none + (any || !k->need.cpus_nano ? INFINITY : load + 1 + SLACK),
        .memory_above = none + (any || !k->need.memory ? INFINITY : load + 1 + SLACK),
        .cpus_at = none + (any ? INFINITY : at_of(k->need.cpus_nano, load)),
        .memory_at = none + (any ? INFINITY : at_of(k->need.memory, load)),
        .tasks = none + (float)(k->limit.key & UINT32_MAX),
    };
}
