#include "cli/prune.h"

static bool is_sibling(const struct cluster_entry *e, const struct key *k)
{
    return e->key.kind == KEY_REVISION && orc_streq(e->key.app, k->app) &&
           orc_streq(e->key.service, k->service);
}

static bool run_needs(const struct record_rollout *r, int64_t n)
{
    for (size_t i = 0; i < r->runs.n; i++)
        if (r->runs.at[i].state == RUN_RUNNING && r->runs.at[i].revision == n)
            return true;
    return false;
}

static bool rollout_needs(const struct cluster *c, const struct key *k)
{
    const struct cluster_entry *e = cluster_find(c, key_rollout(c->name, k->app, k->service));

    return e &&
           (e->as.rollout.wanted == k->n || e->as.rollout.target == k->n || e->as.rollout.complete == k->n ||
            run_needs(&e->as.rollout, k->n) || e->as.rollout.from == k->n);
}

static bool task_needs(const struct cluster *c, const struct key *k)
{
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_TASK && !e->problem && e->as.task.revision == k->n &&
            orc_streq(e->as.task.app, k->app) && orc_streq(e->as.task.service, k->service))
            return true;
    return false;
}

static bool in_use(const struct cluster *c, const struct key *k)
{
    const struct record_app_service *s = cluster_wanted(c, k->app, k->service);

    return (s && s->revision == k->n) || rollout_needs(c, k) || task_needs(c, k);
}

/* How many revisions of the same service are newer. c is sorted, so they follow. */
static size_t newer(const struct cluster_entry *e)
{
    size_t n = 0;

    for (const struct cluster_entry *f = e->hh.next; f && is_sibling(f, &e->key); f = f->hh.next)
        n++;
    return n;
}

/* Unreadable records may be the very ones that need a revision. */
static bool all_readable(const struct cluster *c)
{
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next)
        if (e->problem && e->key.kind != KEY_REVISION)
            return false;
    return true;
}

void prune_choose(struct cluster *c, const char *app, size_t most, struct orc_strv *ret)
{
    size_t n = 0;

    if (!all_readable(c))
        return;
    cluster_sort(c);
    for (const struct cluster_entry *e = c->entries; e && n < most; e = e->hh.next)
        if (e->key.kind == KEY_REVISION && !e->problem && orc_streq(e->key.app, app) &&
            newer(e) >= PRUNE_KEEP && !in_use(c, &e->key)) {
            orc_strv_add(ret, e->name);
            n++;
        }
}
