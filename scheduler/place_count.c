#include "scheduler/place_count.h"

#include "lib/hash.h"

#include <ctype.h>

/* ---- slots with a container, per node ------------------------------------------------------------------ */

void count_held(const struct core *c, struct core_node *n)
{
    if (n->held_stamp != c->spread_stamp) {
        n->held_stamp = c->spread_stamp;
        n->held = 0;
    }
    n->held++;
}

/* The first task of the slot that has a container on the node; NULL: none. */
static const struct core_task *first_there(const struct core_service *s, int slot, const struct core_node *n)
{
    const struct core_task *t = core_slot_tasks(s, slot);

    while (t && !(core_task_holds(t) && t->node == n))
        t = t->slot_next;
    return t;
}

void place_count_held(struct core *c, const struct core_service *s)
{
    const struct core_task *t;

    core_each_task (t, s)
        if (first_there(s, t->slot, t->node) == t)
            count_held(c, t->node);
}

bool count_slot_is_there(const struct core_node *n, const struct place_req *req)
{
    return req->own && first_there(req->service, req->own->slot, n);
}

int count_replicas(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    int held = n->held_stamp == c->spread_stamp ? n->held : 0;

    return held > 0 && count_slot_is_there(n, req) ? held - 1 : held;
}

/* ---- slots per value of a label ------------------------------------------------------------------------ */

static void drop_groups(struct core *c)
{
    struct core_group *g, *next;

    HASH_ITER (hh, c->groups, g, next) {
        HASH_DEL(c->groups, g);
        free(g);
    }
}

void place_free(struct core *c)
{
    drop_groups(c);
}

static struct core_group *group_get(struct core *c, uint64_t id)
{
    struct core_group *g = NULL;

    HASH_FIND(hh, c->groups, &id, sizeof id, g);
    if (g)
        return g;
    g = orc_new(struct core_group);
    g->id = id;
    HASH_ADD(hh, c->groups, id, sizeof g->id, g);
    return g;
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

/* A node's groups: by its first value, by its first and second, and so on. Nodes without the label are alike
 * (their value is ""). */
static struct core_group **groups_of(struct core *c, struct core_node *n)
{
    uint64_t id = 0;

    if (n->group_stamp == c->group_stamp)
        return n->groups;
    n->group_stamp = c->group_stamp;
    for (size_t i = 0; i < c->spread_over->n; i++) {
        id = hash_value(id + 1, place_attribute(n, c->spread_over->at[i]));
        n->groups[i] = group_get(c, id);
    }
    return n->groups;
}

static bool counted(const struct core *c)
{
    return c->spread_over && c->groups_for == c->spread_stamp;
}

void count_in_groups(struct core *c, struct core_node *n, int slots)
{
    if (!counted(c))
        return;
    for (size_t i = 0; i < c->spread_over->n; i++)
        groups_of(c, n)[i]->slots += slots;
}

void count_groups(struct core *c, const struct spec_service *spec)
{
    struct core_node *n, *next;

    if (!spec->spread_over.n || (counted(c) && c->spread_over == &spec->spread_over))
        return;
    drop_groups(c);
    c->spread_over = &spec->spread_over;
    c->groups_for = c->spread_stamp;
    c->group_stamp++;
    HASH_ITER (hh, c->nodes, n, next)
        if (place_spread(c, n))
            count_in_groups(c, n, place_spread(c, n));
}

int count_group(struct core *c, struct core_node *n, size_t level)
{
    return groups_of(c, n)[level]->slots;
}
