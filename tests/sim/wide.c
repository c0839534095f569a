/* wide.c - the wide world: everything else that orc can do for people, and what they do with it.
 *
 * Seeds from SIM_WIDE on are of it; the others stay the runs that they were.
 */
#include "tests/sim/cluster.h"

#define JOB_AT_ONCE 2

/* ---- what came to this world later has chances of its own, and half of the seeds: the others stay the runs
 * that they were */

static uint64_t later_below(uint64_t n)
{
    uint64_t was = world.random, got;

    world.random = cluster.later_random;
    got = sim_below(n);
    cluster.later_random = world.random;
    world.random = was;
    return got;
}

void wide_begin(void)
{
    cluster.later_random = world.seed * UINT64_C(0x9e6c63d0876a9a47);
    cluster.later = cluster.wide && later_below(2) == 0;
}

/* Below the gateway's time-out: it is answered, and meanwhile NGINX goes on with the table that it has. */
uint64_t wide_control_late(void)
{
    return cluster.later && later_below(30) == 0 ? later_below(1500) : 0;
}

/* It waits for one that was applied before; what must run once is fenced. */
void wide_later(struct sim_service *s, int i)
{
    const struct sim_service *on;

    if (!cluster.later)
        return;
    s->needs = i > 0 && later_below(2) ? 1 + (int)later_below((uint64_t)i) : 0;
    on = s->needs ? &cluster.services[s->needs - 1] : NULL;
    if (on && on->scheduled) /* its end is the hour's */
        s->needs = 0;
    else if (on)
        s->needs_how = on->job          ? SPEC_DEPENDS_COMPLETED
                       : later_below(2) ? SPEC_DEPENDS_HEALTHY
                                        : SPEC_DEPENDS_STARTED;
    if (!s->job && later_below(3) == 0)
        s->fence_ms = 2000 + later_below(6000);
}

/* ---- what there is */

static void make_job(struct sim_service *s)
{
    s->job = true;
    s->volume = s->port = s->routed = false;
    s->per_node = 0;
    s->order = SPEC_STOP_FIRST;
    s->scheduled = sim_chance(2);
    s->concurrency = (enum spec_concurrency)sim_below(3);
}

/* Of each kind some: the first is always a plain one, the last is often a job. */
void wide_service(struct sim_service *s, int i)
{
    bool last = i == cluster.n_services - 1;

    if (i > 0 && sim_chance(last ? 2 : 5))
        make_job(s);
    s->sidecar =
        (world.seed / 3 + (uint64_t)i) % 3 == 0; /* not by the dice: without it runs stay what they were */
    s->global = i > 0 && !s->volume && !s->port && sim_chance(4);
    if (s->global) {
        s->per_node = 0;
        s->zones = false;
    }
    if (s->job)
        return;
    s->canary = !s->global && sim_chance(3) ? 1 + (int)sim_below(2) : 0;
    s->disconnect_ms = !s->volume && !s->global && sim_chance(3) ? 5000 + sim_below(40000) : 0;
    s->rebalances = !s->global && sim_chance(3);
}

static void job_spec(const struct sim_service *s, struct spec_service *w)
{
    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->run = (struct spec_run){.max_concurrent = sim_chance(2) ? 0 : JOB_AT_ONCE,
                               .retries = s->settled || sim_chance(2) ? SPEC_RETRIES_ANY : 1,
                               .delay_ms = 1000,
                               .keep = 3};
    if (!s->scheduled || s->settled)
        return;
    w->schedule.cron = orc_strdup("* * * * *");
    w->schedule.concurrency = s->concurrency;
    w->schedule.deadline_ms = 3600000;
}

/* A part of what the replica needs is its. */
static void add_sidecar(const struct sim_service *s, struct spec_service *w)
{
    struct spec_service *x = orc_vec_add(&w->sidecars);

    spec_service_init(x);
    x->name = orc_strdup("side");
    x->image = orc_strdup(s->job ? "good" : w->image); /* one that ends is no sidecar */
    x->limits = (struct spec_resources){w->limits.cpus_nano / 2, w->limits.memory / 2};
    w->limits = x->limits;
    x->stop_grace_period_ms = w->stop_grace_period_ms;
}

void wide_spec(const struct sim_service *s, struct spec_service *w)
{
    if (s->sidecar)
        add_sidecar(s, w);
    w->global = s->global;
    if (s->global)
        w->replicas = SPEC_REPLICAS_DEFAULT;
    if (s->needs)
        orc_vec_push(&w->depends_on,
                     ((struct spec_depend){orc_strdup(cluster.services[s->needs - 1].name), s->needs_how}));
    w->fence_ms = s->fence_ms;
    if (s->job) {
        job_spec(s, w);
        return;
    }
    w->canary = s->settled ? 0 : s->canary;
    w->disconnect_ms = s->disconnect_ms;
    w->rebalance_auto = s->rebalances && !s->settled;
    w->rebalance_after_ms = 10000 + sim_below(20000);
    w->progress_deadline_ms = s->settled ? 0 : sim_chance(4) ? 20000 : 600000;
    w->update.max_failure_nano = sim_chance(4) ? 300000000 : 0;
}

/* ---- what people do */

/* Mostly about what is wanted now; sometimes they come too late. */
static void order(struct sim_service *s)
{
    int64_t revision = s->revision > 1 && sim_chance(6) ? s->revision - 1 : s->target;

    people_order(s, (enum intent_action)(INTENT_PAUSE + sim_below(3)), revision);
}

static void any_job_image(struct sim_service *s)
{
    static const char *const images[] = {"finished", "finished", "finished", "crashing",
                                         "missing",  "broken",   "good"}; /* that one never ends */

    people_apply(s, images[sim_below(ORC_ARRAY_SIZE(images))]);
}

/* At any price: by a deadline, or for good. */
static void force(struct sim_node *n)
{
    orc_auto_free char *alive = key_alive(SIM_CLUSTER, n->name);
    struct record_node_policy p = {.cordon = true, .drain = true, .drain_deadline_ms = 1};

    if (!store_find(alive) || sim_chance(6)) /* --force */
        p.removed = (int64_t)world.now + INT64_C(1800000000000);
    else
        p.drain_deadline_ms = 1 + sim_below(20000);
    sim_say("people: orc node %s %s, deadline %llu ms", p.removed ? "rm" : "drain", n->name,
            (unsigned long long)p.drain_deadline_ms);
    people_put_policy(n, &p);
}

bool wide_act(struct sim_service *s, struct sim_node *n)
{
    if (sim_chance(12)) {
        force(n);
        return true;
    }
    if (sim_chance(2) || !s->wanted)
        return false;
    if (s->job && sim_chance(2))
        any_job_image(s);
    else if (s->job)
        people_restart(s); /* `orc run` */
    else if (sim_chance(3))
        people_rebalance(s, (int)sim_below(3));
    else
        order(s);
    return true;
}

/* In the end, when nothing else happens: what can't go elsewhere is there still when the deadline comes. */
struct sim_node *wide_drain(uint64_t *ret_ms)
{
    struct record_node_policy p = {.cordon = true, .drain = true};
    struct sim_node *n;

    if (!cluster.later || later_below(3) != 0)
        return NULL;
    n = &cluster.nodes[later_below((uint64_t)cluster.n_nodes)];
    *ret_ms = p.drain_deadline_ms = 1000 + later_below(20000);
    sim_say("people: orc node drain %s, deadline %llu ms", n->name, (unsigned long long)*ret_ms);
    people_put_policy(n, &p);
    return n;
}
