/* wide.c - the wide world: everything else that orc can do for people, and what they do with it.
 *
 * Seeds from SIM_WIDE on are of it; the others stay the runs that they were.
 */
#include "tests/sim/cluster.h"

#define JOB_AT_ONCE 2

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

void wide_spec(const struct sim_service *s, struct spec_service *w)
{
    w->global = s->global;
    if (s->global)
        w->replicas = SPEC_REPLICAS_DEFAULT;
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
    cluster.forced_at = world.now;
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
