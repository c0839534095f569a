#include "scheduler/trouble.h"

#include "lib/hash.h"

#include <stdio.h>

bool trouble_counts(const struct core *c, const struct core_trouble *x, const char *container_hash)
{
    return container_hash && x->failures >= TROUBLE_MAX && c->now - x->at < TROUBLE_FORGET_MS &&
           strcmp(x->hash, container_hash) == 0;
}

bool trouble_on(const struct core *c, const struct core_service *s, const char *container_hash,
                const struct core_node *n)
{
    uint64_t node = s->trouble.n ? orc_hash64_str(0, n->name) : 0;
    const struct core_trouble *x;

    orc_vec_each (x, &s->trouble)
        if (x->node == node && trouble_counts(c, x, container_hash))
            return true;
    return false;
}

static void drop_old(const struct core *c, struct core_service *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->trouble.n; i++)
        if (c->now - s->trouble.at[i].at < TROUBLE_FORGET_MS)
            s->trouble.at[kept++] = s->trouble.at[i];
    s->trouble.n = kept;
}

static void add(struct core *c, const struct core_task *t, int failures)
{
    uint64_t node = orc_hash64_str(0, t->node->name);
    struct core_service *s = t->service;
    struct core_trouble *x;

    drop_old(c, s);
    orc_vec_each (x, &s->trouble)
        if (x->node == node && strcmp(x->hash, t->make->container_hash) == 0)
            break;
    if (x == s->trouble.at + s->trouble.n) {
        x = orc_vec_add(&s->trouble);
        x->node = node;
        snprintf(x->name, sizeof x->name, "%s", t->node->name);
        snprintf(x->hash, sizeof x->hash, "%s", t->make->container_hash);
    }
    x->failures = failures < TROUBLE_MAX ? x->failures + failures : TROUBLE_MAX;
    x->at = c->now;
}

/* Failing now: its next attempt is the scheduler's. */
static bool fails(const struct core_task *t)
{
    return t->desired == TASK_RUN &&
           (t->state == TASK_FAILED || (t->state == TASK_RUNNING && t->health == TASK_UNHEALTHY));
}

void trouble_observe(struct core *c, struct core_task *t)
{
    const struct core_task_more *more = core_task_more(t);
    int failures = 0;

    if (!core_task_known(t) || !core_task_reported(t))
        return;
    if (!c->baseline) /* otherwise they were before this core looked */
        failures = more->crashes > more->crashes_seen ? more->crashes - more->crashes_seen : 0;
    if (more->crashes != more->crashes_seen)
        t->more->crashes_seen = t->more->crashes;
    failures += fails(t) && !t->fails;
    t->fails = fails(t);
    if (failures)
        add(c, t, failures);
}

void trouble_forget(struct core_service *s)
{
    s->trouble.n = 0;
}
