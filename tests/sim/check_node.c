/* check_node.c - what drains with a deadline and x-orc.fence promise of a server. */
#include "tests/sim/check.h"

#define FORCED_MS 10000 /* what was decided while it was forced is written so late */
#define MISSED_MS 10000 /* an uncordon and another drain within that may look like one drain */
#define MENDED_MS 15000 /* so long after the last trouble etcd is surely reached again */
#define BEAT_MS 1400    /* a heartbeat is kept alive so often, a third of its lease */
#define SPARE_MS 4000

/* ---- drains */

static bool is_past(const struct drained *d)
{
    return d->removed || (d->deadline_ms && world.now >= d->since + d->deadline_ms);
}

bool check_is_forced(int node)
{
    const struct drained *d = &check.drained[node];

    return is_past(d) || world.now < d->until;
}

static void drain_ends(struct drained *d)
{
    if (is_past(d))
        d->until = world.now + FORCED_MS;
    d->removed = false;
    if (!d->ended_at)
        d->ended_at = world.now;
}

/* A deadline counts from the drain's beginning, for whoever leads; a shorter one holds from then on. */
void check_policy(const struct sim_change *c)
{
    int i = node_number(c->name->key.node);
    struct drained *d = i >= 0 ? &check.drained[i] : NULL;
    struct record_node_policy p = {0};

    if (!d || !c->text || record_node_policy_parse(c->text->at, c->text->n, &p, NULL) < 0 || !p.drain) {
        if (d)
            drain_ends(d);
    } else {
        if (d->ended_at && world.now >= d->ended_at + MISSED_MS)
            *d = (struct drained){.until = d->until};
        if (!d->since)
            d->since = world.now;
        if (p.drain_deadline_ms && (!d->deadline_ms || p.drain_deadline_ms < d->deadline_ms))
            d->deadline_ms = p.drain_deadline_ms;
        d->removed = d->removed || p.removed;
        d->ended_at = 0;
    }
    record_node_policy_release(&p);
}

static bool says_forced(const struct sim_text *t)
{
    struct record_node_state s = {0};
    bool forced = t && record_node_state_parse(t->at, t->n, &s, NULL) == 0 && s.forced;

    record_node_state_release(&s);
    return forced;
}

/* Nobody says that a deadline is over which is not (behaviour 86). */
void check_node_state(const struct sim_change *c)
{
    int i = node_number(c->name->key.node);
    const struct drained *d = i >= 0 ? &check.drained[i] : NULL;

    if (d && !cluster.replaced && says_forced(c->text) && !says_forced(c->before) && !check_is_forced(i))
        sim_broken("deadline-early", "%s is called over its deadline of %llu ms, drained for %llu ms",
                   c->name->key.node, (unsigned long long)d->deadline_ms,
                   (unsigned long long)(d->since ? world.now - d->since : 0));
}

/* When a deadline is over, everything on the server that had not ended was told to stop; and a little later
 * it has. */
void check_emptied(const struct sim_node *n, bool stopped)
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_task *t = sim_text_task(kv->text);
        const struct sim_kv *status = t ? kv->name->status->now : NULL;
        const struct record_status *st = status ? sim_text_status(status->text) : NULL;

        if (t && t->desired == TASK_RUN && !(st && st->state >= TASK_STOPPED) &&
            strcmp(kv->name->key.node, n->name) == 0)
            sim_broken("deadline-late", "the deadline of %s is over, and %s shall still run there", n->name,
                       kv->name->key.task);
    }
    for (const struct sim_container *c = n->containers; stopped && c; c = c->next)
        if (c->state == SIM_RUNNING && !check_is_orphan(c))
            sim_broken("deadline-late", "the deadline of %s is over, and %s still runs there", n->name,
                       c->task);
}

/* ---- fences */

static bool reaches_etcd(const struct sim_proc *p)
{
    bool well = p->up && !p->resume_at && !p->link.cut && !p->link.refused && !p->link.flaky &&
                !p->link.slow && !cluster.frozen; /* one that freezes is without its store */

    for (int i = 0; i < SIM_ETCD_MEMBERS; i++)
        well = well && !cluster.members[i].down && !cluster.members[i].stalled && !cluster.members[i].lag;
    return well;
}

/* Since when it may have been without etcd or its heartbeat, at the earliest; troubles that follow one
 * another are one. */
static void note_trouble(struct reach *r, const struct sim_proc *p, bool beats)
{
    if (!beats || !reaches_etcd(p)) {
        if (!r->trouble_at)
            r->trouble_at = r->well_at > p->started_at ? r->well_at : p->started_at;
        r->mended_at = 0;
    } else {
        r->well_at = world.now;
        if (!r->mended_at)
            r->mended_at = world.now;
        if (world.now > r->mended_at + MENDED_MS)
            r->trouble_at = 0;
    }
}

bool check_is_fenced(const struct sim_container *c)
{
    const struct told *t = told_find(c->task);
    const struct sim_service *s = t ? service_named(t->service) : NULL;
    int i = node_number(c->node->name);

    return s && s->fence_ms && check.reach[i].trouble_at &&
           world.now + BEAT_MS >= check.reach[i].trouble_at + s->fence_ms;
}

/* What is fenced does not outlive its time on a server that is cut off and can stop it. */
static void check_fence(const struct sim_node *n, const struct reach *r)
{
    for (const struct sim_container *c = n->containers; c; c = c->next) {
        const struct told *t = told_find(c->task);
        const struct sim_service *s = t ? service_named(t->service) : NULL;

        if (s && s->fence_ms && c->state == SIM_RUNNING && !check_is_orphan(c) &&
            t->create < r->cut_revision && world.now > r->able_at + s->fence_ms + s->grace_ms + SPARE_MS)
            sim_broken("fence", "%s runs, and %s is without etcd for %llu ms; its fence is %llu ms", c->task,
                       n->name, (unsigned long long)(world.now - r->able_at),
                       (unsigned long long)s->fence_ms);
    }
}

/* Looked at with everything that happens. A nodelet that was started without etcd knows of no fence. */
void check_passing(void)
{
    for (int i = 0; i < cluster.n_nodes; i++) {
        const struct sim_node *n = &cluster.nodes[i];
        const struct sim_proc *p = n->proc;
        struct reach *r = &check.reach[i];
        bool able = p->up && !p->resume_at && n->engine_up && !n->engine_fails && !n->engine_slow;

        note_trouble(r, p, check.node_alive_since[i] != 0);
        if (!p->link.cut || p->started_at >= p->link.cut_since)
            r->cut_revision = 0;
        else if (!r->cut_revision)
            r->cut_revision = p->known;
        if (!r->cut_revision || !able)
            r->able_at = world.now;
        else if (!cluster.replaced)
            check_fence(n, r);
    }
}
