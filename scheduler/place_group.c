/* place_group.c - slots per value of a label, for preferences.
 *
 * Which group a node is in is worked out when its labels change, not when something is placed; for each list
 * of labels once, however many services are spread over it.
 */
#include "scheduler/place_count.h"

#include "lib/hash.h"

#include <ctype.h>

#define GROUPINGS_MAX 32 /* lists of labels remembered */

static void free_groups(struct core_grouping *g)
{
    struct core_group *x, *next;

    HASH_ITER (hh, g->groups, x, next) {
        HASH_DEL(g->groups, x);
        free(x);
    }
    g->counts.n = 0;
    g->of.n = 0;
}

static void free_grouping(struct core_grouping *g)
{
    free_groups(g);
    orc_strv_release(&g->over);
    orc_vec_release(&g->of);
    orc_vec_release(&g->counts);
    free(g);
}

void place_free(struct core *c)
{
    for (size_t i = 0; i < c->groupings.n; i++)
        free_grouping(c->groupings.at[i]);
    orc_vec_release(&c->groupings);
}

static bool same_list(const struct orc_strv *a, const struct orc_strv *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (strcmp(a->at[i], b->at[i]) != 0)
            return false;
    return a->n == b->n;
}

static struct core_grouping *grouping_get(struct core *c, const struct orc_strv *over)
{
    struct core_grouping *g;

    for (size_t i = 0; i < c->groupings.n; i++)
        if (same_list(&c->groupings.at[i]->over, over))
            return c->groupings.at[i];
    if (c->groupings.n == GROUPINGS_MAX) {
        free_grouping(c->groupings.at[0]);
        memmove(c->groupings.at, c->groupings.at + 1, --c->groupings.n * sizeof *c->groupings.at);
    }
    g = orc_new(struct core_grouping);
    orc_strv_copy(&g->over, over);
    orc_vec_push(&c->groupings, g);
    return g;
}

/* ---- which group a node is in -------------------------------------------------------------------------- */

static uint32_t group_index(struct core_grouping *g, uint64_t id)
{
    struct core_group *x = NULL;

    HASH_FIND(hh, g->groups, &id, sizeof id, x);
    if (x)
        return x->index;
    x = orc_new(struct core_group);
    x->id = id;
    x->index = (uint32_t)g->counts.n;
    orc_vec_add(&g->counts);
    HASH_ADD(hh, g->groups, id, sizeof x->id, x);
    return x->index;
}

/* Values differ as they do in constraints: without case. */
static uint64_t hash_value(uint64_t seed, const char *value)
{
    char low[512];
    size_t n = 0;

    for (; value[n] && n < sizeof low; n++)
        low[n] = (char)tolower((unsigned char)value[n]);
    return orc_hash64(seed, low, n);
}

/* By its first value, by its first and second, and so on. Nodes without the label are alike (their value is
 * ""). */
static void group_row(const struct core *c, struct core_grouping *g, size_t row)
{
    uint64_t id = 0;

    for (size_t i = 0; row < c->rows.n && i < g->over.n; i++) {
        id = hash_value(id + 1, place_attribute(c->row_nodes.at[row], g->over.at[i]));
        g->of.at[row * g->over.n + i] = group_index(g, id);
    }
}

/* Groups that no node is in any more go when there are many of them. */
static void take_in_labels(const struct core *c, struct core_grouping *g)
{
    uint64_t end = c->labels_from + c->labels.n;
    bool anew = !g->of.n || g->until < c->labels_from || g->counts.n > 4 * c->rows.n * g->over.n + 64;

    if (anew)
        free_groups(g);
    while (g->of.n < c->rows.n * g->over.n)
        orc_vec_push(&g->of, 0);
    for (size_t i = 0; anew && i < c->rows.n; i++)
        group_row(c, g, i);
    for (uint64_t i = g->until; !anew && i < end; i++)
        group_row(c, g, c->labels.at[i - c->labels_from]);
    g->until = end;
}

/* ---- counting ------------------------------------------------------------------------------------------ */

static bool counted(const struct core *c)
{
    return c->spread_over && c->groups_for == c->spread_stamp;
}

uint32_t count_group_of(const struct core *c, uint32_t row, size_t level)
{
    return c->grouping->of.at[row * c->grouping->over.n + level];
}

static struct core_group_count *count_of(const struct core *c, uint32_t row, size_t level)
{
    return &c->grouping->counts.at[count_group_of(c, row, level)];
}

void count_in_groups(struct core *c, struct core_node *n, int slots)
{
    for (size_t i = 0; counted(c) && i < c->grouping->over.n; i++) {
        struct core_group_count *x = count_of(c, n->row, i);

        if (x->stamp != c->group_stamp)
            *x = (struct core_group_count){.stamp = c->group_stamp};
        x->slots += slots;
    }
}

void count_groups(struct core *c, const struct spec_service *spec)
{
    if (!spec->spread_over.n || (counted(c) && c->spread_over == &spec->spread_over))
        return;
    c->grouping = grouping_get(c, &spec->spread_over);
    take_in_labels(c, c->grouping);
    c->spread_over = &spec->spread_over;
    c->groups_for = c->spread_stamp;
    c->group_stamp++;
    for (size_t i = 0; i < c->rows.n; i++)
        if (c->rows.at[i].spread_stamp == c->spread_stamp && c->rows.at[i].spread)
            count_in_groups(c, c->row_nodes.at[i], c->rows.at[i].spread);
}

int count_group(const struct core *c, uint32_t row, size_t level)
{
    const struct core_group_count *x = count_of(c, row, level);

    return x->stamp == c->group_stamp ? x->slots : 0;
}
