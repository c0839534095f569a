#include "scheduler/rows.h"

#include "lib/hash.h"
#include "scheduler/lanes.h"
#include "scheduler/place_filter.h"
#include "scheduler/place_node.h"
#include "scheduler/rank.h"

/* ---- what stands in a row ---------------------------------------------------------------------------- */

/* The list begins anew before it is longer than looking at every node. */
static void list_labels(struct core *c, uint32_t row)
{
    if (c->labels.n > c->rows.n) {
        c->labels_from += c->labels.n;
        c->labels.n = 0;
    }
    orc_vec_push(&c->labels, row);
}

void rows_labels(struct core *c, struct core_node *n)
{
    rank_forget(c);
    list_labels(c, n->row);
}

/* What changes with each task. */
static void set_use(struct core *c, const struct core_node *n)
{
    struct core_row *r = &c->rows.at[n->row];

    r->used = n->used;
    r->tasks = n->n_tasks;
    r->closed = !n->open || !place_any_address_free(n);
}

void rows_take(struct core *c, const struct core_node *n)
{
    set_use(c, n);
    lanes_use(c, n);
}

void rows_use(struct core *c, struct core_node *n)
{
    rank_forget(c);
    if (n->stale)
        return;
    n->stale = true;
    orc_vec_push(&c->stale, n);
}

#define AHEAD 8
void rows_refresh(struct core *c)
{
    for (size_t i = 0; i < c->stale.n; i++) {
        if (i + AHEAD < c->stale.n)
            core_prefetch_node(c->stale.at[i + AHEAD]);
        c->stale.at[i]->stale = false;
        rows_take(c, c->stale.at[i]);
    }
    c->stale.n = 0;
}

static float per(int64_t capacity)
{
    return capacity > 0 ? 100.0f / (float)capacity : 0;
}

static void set_row(struct core *c, struct core_node *n)
{
    struct core_row *r = &c->rows.at[n->row];

    rank_forget(c);
    n->open = place_open(c, n);
    r->room = place_room(n);
    r->per_cpus = per(r->room.cpus_nano);
    r->per_memory = per(r->room.memory);
    r->avoid = record_node_avoid(&n->rec) != NULL;
    set_use(c, n);
}

/* ---- nodes come and go ------------------------------------------------------------------------------- */

void rows_update(struct core *c, struct core_node *n)
{
    set_row(c, n);
    lanes_update(c, n);
}

void rows_add(struct core *c, struct core_node *n)
{
    n->row = (uint32_t)c->rows.n;
    orc_vec_add(&c->rows)->hash = orc_hash64_str(0, n->name);
    orc_vec_push(&c->row_nodes, n);
    set_row(c, n);
    lanes_add(c, n);
    rows_labels(c, n);
}

/* What is kept by row is of another node now. */
static void forget_kept(const struct core_node *n)
{
    const struct core_task *t;

    for (t = n->tasks; t; t = t->node_next)
        t->service->kept = kept_free(t->service->kept);
}

void rows_drop(struct core *c, struct core_node *n)
{
    size_t last = c->rows.n - 1;

    rows_refresh(c);
    lanes_drop(c, n);
    rank_clear(c);
    c->rows.at[n->row] = c->rows.at[last];
    c->row_nodes.at[n->row] = c->row_nodes.at[last];
    forget_kept(c->row_nodes.at[n->row]);
    if (n->row != last) {
        c->row_nodes.at[n->row]->row = n->row;
        lanes_renumber(c, c->row_nodes.at[n->row]);
    }
    c->rows.n = c->row_nodes.n = last;
    list_labels(c, n->row);
}

void rows_release(struct core *c)
{
    orc_vec_release(&c->rows);
    lanes_release(c);
    orc_vec_release(&c->row_nodes);
    orc_vec_release(&c->stale);
    orc_vec_release(&c->taken);
    orc_vec_release(&c->labels);
}
