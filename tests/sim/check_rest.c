/* check_rest.c - what must come true once the faults have ended: all that is wanted is there, and nothing
 * else. */
#include "tests/sim/check.h"

#include <stdio.h>

static char why[512]; /* it is not settled */

#define not_yet(...) (snprintf(why, sizeof why, __VA_ARGS__), false)

static bool is_of(const struct record_task *t, const struct sim_service *s)
{
    return t && t->desired == TASK_RUN && strcmp(t->service, s->name) == 0;
}

static bool has_sidecar(const struct sim_container *main)
{
    for (const struct sim_container *c = main->node->containers; c; c = c->next)
        if (*c->sidecar && strcmp(c->joins, main->id) == 0 && engine_is_joined(c))
            return true;
    return false;
}

static bool is_well(const struct sim_service *s, const struct sim_kv *kv)
{
    const struct record_task *t = sim_text_task(kv->text);
    const struct sim_container *c = engine_by_task(kv->name->key.node, kv->name->key.task);

    if (t->revision != s->target)
        return not_yet("%s is of revision %lld, wanted is %lld", kv->name->key.task, (long long)t->revision,
                       (long long)s->target);
    if (c && c->revision != t->revision)
        return not_yet("%s runs the container of revision %lld", kv->name->key.task, (long long)c->revision);
    if (!c || !engine_is_healthy(c))
        return not_yet("%s %s", kv->name->key.task, c ? "is not healthy" : "has no container");
    return !s->sidecar || has_sidecar(c) || not_yet("%s has no sidecar in its network", c->task);
}

/* Each slot once; which numbers they have is the scheduler's. */
static bool slots_are_filled(const struct sim_service *s)
{
    struct sim_kv *kv, *next;
    bool slots[64] = {false};
    int n = 0;

    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_task *t = sim_text_task(kv->text);

        if (!is_of(t, s))
            continue;
        if (!is_well(s, kv))
            return false;
        if (slots[t->slot & 63])
            return not_yet("slot %d of %s has two tasks", t->slot, s->name);
        slots[t->slot & 63] = true;
        n++;
    }
    return n == s->replicas || not_yet("%s has %d of %d replicas", s->name, n, s->replicas);
}

/* The run that the last apply began has ended well, and nothing of it or of another goes on. */
static bool job_is_complete(const struct sim_service *s, const struct record_rollout *r)
{
    const struct rollout_run *last = r && r->runs.n ? &r->runs.at[r->runs.n - 1] : NULL;

    if (!last || last->revision != s->target || r->state != ROLLOUT_COMPLETE)
        return not_yet("the job %s is %s, its last run %lld is of revision %lld", s->name,
                       r ? rollout_state_name(r->state) : "not there", last ? (long long)last->n : 0,
                       last ? (long long)last->revision : 0);
    if (last->state != RUN_SUCCEEDED || last->completed != last->wanted ||
        (last->wanted != s->replicas && !s->global)) /* of the servers that were there then */
        return not_yet("run %lld of %s is %s: %d of %d, wanted are %d", (long long)last->n, s->name,
                       run_state_name(last->state), last->completed, last->wanted, s->replicas);
    for (size_t i = 0; i + 1 < r->runs.n; i++)
        if (r->runs.at[i].state == RUN_RUNNING)
            return not_yet("run %lld of %s goes on", (long long)r->runs.at[i].n, s->name);
    for (int i = 0; i < cluster.n_nodes; i++)
        for (const struct sim_container *c = cluster.nodes[i].containers; c; c = c->next)
            if (c->state == SIM_RUNNING && told_find(c->task) &&
                strcmp(told_find(c->task)->service, s->name) == 0)
                return not_yet("%s still runs", c->task);
    return true;
}

static bool service_is_complete(const struct sim_service *s)
{
    orc_auto_free char *key = key_rollout(SIM_CLUSTER, SIM_APP, s->name);
    const struct sim_kv *kv = store_find(key);
    const struct record_rollout *r = kv ? sim_text_rollout(kv->text) : NULL;

    if (s->job)
        return job_is_complete(s, r);
    if (!slots_are_filled(s)) {
        size_t n = strlen(why);

        snprintf(why + n, sizeof why - n, " (%s: %s)", r ? rollout_state_name(r->state) : "no rollout",
                 r && r->reason ? r->reason : "");
        return false;
    }
    if (r && r->degraded_since) /* it is said once more when that is over */
        return not_yet("%s is still called degraded", s->name);
    if (!r || r->state != ROLLOUT_COMPLETE)
        return not_yet("the rollout of %s is %s: %s", s->name, r ? rollout_state_name(r->state) : "not there",
                       r && r->reason ? r->reason : "");
    return true;
}

/* The last record of a slot says where its data is. */
static bool remembers(const struct record_task *task)
{
    const struct sim_service *s = service_named(task->service);
    struct sim_kv *kv, *next;

    if (!s || !s->volume)
        return false;
    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_task *t = sim_text_task(kv->text);

        if (t && t->attempt > task->attempt && t->slot == task->slot &&
            strcmp(t->service, task->service) == 0)
            return false;
    }
    return true;
}

static bool nothing_is_surplus(void)
{
    struct sim_kv *kv, *next;

    for (int i = 0; i < cluster.n_nodes; i++)
        for (const struct sim_container *c = cluster.nodes[i].containers; c; c = c->next) {
            orc_auto_free char *key = key_task(SIM_CLUSTER, c->node->name, c->task);
            const struct sim_kv *task = store_find(key);
            const struct record_task *t = task ? sim_text_task(task->text) : NULL;

            if (!t || t->desired != TASK_RUN)
                return not_yet("the container %s is still there", c->task);
        }
    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_task *t = sim_text_task(kv->text);

        if (t && t->desired != TASK_RUN && !remembers(t))
            return not_yet("the record of %s is still there", kv->name->key.task);
    }
    return true;
}

/* A nodelet that was started anew knows nothing of the endpoint that an orphan's run had. */
static bool was_orphan(const char *task)
{
    const struct told *t = told_find(task);

    return t && t->orphan;
}

/* NGINX chooses all that are healthy, and nothing else. */
static bool gateway_is_right(const struct sim_nginx *n)
{
    const struct sim_member_of *m;
    struct sim_kv *kv, *next;

    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_task *t = sim_text_task(kv->text);

        if (t && t->desired == TASK_RUN && service_named(t->service)->routed &&
            !nginx_may_pick(n, kv->name->key.task))
            return not_yet("%s does not choose %s", n->id, kv->name->key.task);
    }
    orc_vec_each (m, &n->members) {
        const struct sim_peer *p = &n->peers.at[m->slot];
        const struct sim_container *c = engine_by_address(p->address);

        if (nginx_may_pick(n, p->task) && !was_orphan(p->task) && (!c || strcmp(c->task, p->task) != 0))
            return not_yet("%s chooses %s, which is not there", n->id, p->task);
    }
    return true;
}

static bool settled(void)
{
    for (int i = 0; i < cluster.n_services; i++)
        if (!service_is_complete(&cluster.services[i]))
            return false;
    if (!nothing_is_surplus())
        return false;
    for (int i = 0; i < cluster.n_gateways; i++)
        if (!gateway_is_right(&cluster.gateways[i]))
            return false;
    return true;
}

bool check_is_settled(void)
{
    return settled();
}

void check_settled(void)
{
    if (!settled())
        sim_broken("liveness", "%s", why);
}
