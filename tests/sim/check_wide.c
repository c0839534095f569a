/* check_wide.c - the wide world: what people's orders, canaries, jobs and moves promise, whatever happens. */
#include "tests/sim/check.h"

#include "state/ranges.h"

#define CLOCK_AHEAD_MS INT64_C(90000000) /* 25 h: so far ahead a clock was wrong, and is forgotten */

/* ---- jobs */

void check_ended(struct sim_container *c, int exit_code)
{
    struct told *t = told_find(c->task);

    if (t)
        t->ends++;
    if (t && !check_is_orphan(c) && !*c->sidecar)
        t->exited_well = t->exited_well || (exit_code == 0 && !c->term_at);
}

void check_not_started(struct sim_container *c)
{
    struct told *t = told_find(c->task);

    if (t)
        t->ends++;
}

static const struct rollout_run *find_run(const struct record_rollout *r, int64_t n)
{
    for (size_t i = 0; r && i < r->runs.n; i++)
        if (r->runs.at[i].n == n)
            return &r->runs.at[i];
    return NULL;
}

/* A slot that is counted has had a container that ended well, by itself. */
static void check_counted(const struct sim_service *s, const struct rollout_run *run)
{
    struct ranges done = {0};
    const struct told *t, *next;

    if (ranges_parse(run->done, &done, NULL) < 0 ||
        (run->state == RUN_RUNNING && !s->global && done.n != run->completed))
        sim_broken("job-count", "run %lld of %s counts %d slots: %s", (long long)run->n, s->name,
                   run->completed, run->done);
    HASH_ITER (hh, check.tasks, t, next)
        if (t->run == run->n && t->exited_well && strcmp(t->service, s->name) == 0 &&
            ranges_has(&done, t->slot)) {
            done.bits[t->slot / 64] &= ~(UINT64_C(1) << (t->slot % 64));
            done.n--;
        }
    if (done.n)
        sim_broken("job-count", "run %lld of %s counts %s, and %d of these never ended well",
                   (long long)run->n, s->name, run->done, done.n);
}

/* Results stand: a run ends once, and what it has counted stays counted. */
static void check_runs(const struct sim_service *s, const struct record_rollout *was,
                       const struct record_rollout *now)
{
    int64_t last = was->runs.n ? was->runs.at[was->runs.n - 1].n : 0;

    for (size_t i = 0; i < now->runs.n; i++) {
        const struct rollout_run *run = &now->runs.at[i], *old = find_run(was, run->n);

        if (!old && run->n <= last)
            sim_broken("job-count", "run %lld of %s comes after run %lld", (long long)run->n, s->name,
                       (long long)last);
        if (old && old->state != RUN_RUNNING && now->state != ROLLOUT_REMOVING &&
            (run->state != old->state || run->completed != old->completed))
            sim_broken("job-count", "run %lld of %s had ended as %s with %d, and is %s with %d",
                       (long long)run->n, s->name, run_state_name(old->state), old->completed,
                       run_state_name(run->state), run->completed);
        if (old && run->completed < old->completed && !s->global)
            sim_broken("job-count", "run %lld of %s had counted %d, and counts %d", (long long)run->n,
                       s->name, old->completed, run->completed);
        if (!old || run->completed != old->completed)
            check_counted(s, run);
    }
}

/* Each time of a schedule has one run. */
static void check_schedule(const struct sim_service *s, const struct record_rollout *was,
                           const struct record_rollout *now, const struct sim_txn *t)
{
    int64_t wall = INT64_C(1800000000000) + (int64_t)world.now + (t->by ? t->by->wall_offset : 0);
    for (size_t i = 0; i < now->runs.n; i++) {
        const struct rollout_run *run = &now->runs.at[i];
        for (size_t k = 0; k < i; k++)
            if (run->scheduled && run->scheduled == now->runs.at[k].scheduled)
                sim_broken("scheduled-twice", "runs %lld and %lld of %s are of one time",
                           (long long)now->runs.at[k].n, (long long)run->n, s->name);
    }
    if (now->scheduled && now->scheduled < was->scheduled && was->scheduled < wall + CLOCK_AHEAD_MS)
        sim_broken("scheduled-twice", "%s had dealt with the times up to %lld, and now with those up to %lld",
                   s->name, (long long)was->scheduled, (long long)now->scheduled);
}

/* Two runs work at once only where they may. */
static void check_alone(const struct sim_service *s, const struct record_task *r)
{
    struct sim_kv *kv, *next;

    if (s->concurrency == SPEC_RUNS_ALLOW)
        return;
    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_task *t = sim_text_task(kv->text);
        const struct sim_kv *status = t ? kv->name->status->now : NULL;
        const struct record_status *st = status ? sim_text_status(status->text) : NULL;

        if (t && t->desired == TASK_RUN && strcmp(t->service, s->name) == 0 &&
            t->restart_epoch != r->restart_epoch && !(st && st->state >= TASK_STOPPED))
            sim_broken("one-run", "a task of %s is made for run %lld, and %s of run %lld still runs", s->name,
                       (long long)r->restart_epoch, kv->name->key.task, (long long)t->restart_epoch);
    }
}

/* Nobody works again at what is counted, nor for a run that has ended. */
void check_job_task(const struct sim_change *c, const struct record_task *r)
{
    const struct sim_service *s = service_named(r->service);
    orc_auto_free char *key = key_rollout(SIM_CLUSTER, SIM_APP, r->service);
    const struct sim_kv *kv = store_find(key);
    const struct rollout_run *run = find_run(kv ? sim_text_rollout(kv->text) : NULL, r->restart_epoch);
    struct ranges done = {0};

    if (!s || !s->job || cluster.replaced)
        return;
    if (!run || run->state != RUN_RUNNING)
        sim_broken("job-again", "%s is made for run %lld, which is not under way", c->name->key.task,
                   (long long)r->restart_epoch);
    if (ranges_parse(run->done, &done, NULL) == 0 && ranges_has(&done, r->slot))
        sim_broken("job-again", "%s is made, and its slot is counted: %s", c->name->key.task, run->done);
    check_alone(s, r);
}

/* ---- people */

/* What stands still stays so until people say otherwise, or nothing is missing any more. */
static void check_stands(const struct sim_change *c, const struct record_rollout *was,
                         const struct record_rollout *now)
{
    bool asked = now->intent_epoch != was->intent_epoch || now->wanted != was->wanted ||
                 now->restart_epoch != was->restart_epoch;

    if (was->state == ROLLOUT_PAUSED && now->state != ROLLOUT_PAUSED && now->state != ROLLOUT_COMPLETE &&
        now->state != ROLLOUT_ROLLED_BACK && now->state != ROLLOUT_REMOVING && !asked)
        sim_broken("paused-stays", "%s was paused and is %s, and nobody said so", c->name->at,
                   rollout_state_name(now->state));
    if (was->state == ROLLOUT_CANARY && now->state == ROLLOUT_UPDATING && now->target == was->target &&
        !now->promoted && !asked && now->replicas == was->replicas)
        sim_broken("canary-waits", "%s went on without people", c->name->at);
}

/* Numbers that are never used again, and orders that are taken in once. */
static void check_counters(const struct sim_change *c, const struct record_rollout *was,
                           const struct record_rollout *now)
{
    if (now->attempts < was->attempts || now->intent_epoch < was->intent_epoch ||
        now->rebalance_epoch < was->rebalance_epoch)
        sim_broken("counters", "of %s attempts, orders or moves went back: %s", c->name->at, c->text->at);
}

void check_rollout(const struct sim_change *c, const struct sim_txn *t)
{
    const struct sim_service *s = service_named(c->name->key.service);
    const struct record_rollout *now = sim_text_rollout(c->text), *was = sim_text_rollout(c->before);
    static const struct record_rollout none = {0};

    if (!s || !now || !t || cluster.replaced)
        return;
    if (was) {
        check_counters(c, was, now);
        check_stands(c, was, now);
    }
    if (s->job) {
        check_runs(s, was ? was : &none, now);
        check_schedule(s, was ? was : &none, now, t);
    }
}

/* How many slots may be of what is rolled to; -1: any number. */
static int may_be_updated(const struct sim_service *s, const struct record_rollout *r)
{
    if (!r || s->job || !r->complete || r->complete == r->target)
        return -1;
    if (r->state == ROLLOUT_PAUSED)
        return 0;
    if (s->canary && !r->promoted && r->target > r->complete && r->target > r->from &&
        r->state <= ROLLOUT_CANARY && !(s->settled && r->target >= s->settled))
        return s->canary;
    return -1;
}

static int count_slots(const struct seens *v, const char *service, int64_t revision)
{
    bool slots[64] = {false};
    const struct seen *s;
    int n = 0;

    orc_vec_each (s, v)
        if (s->task->desired == TASK_RUN && s->task->revision == revision &&
            strcmp(s->task->service, service) == 0) {
            n += !slots[s->task->slot & 63];
            slots[s->task->slot & 63] = true;
        }
    return n;
}

/* While people have not said that it goes on, no more than the canaries become of the target; and while it is
 * paused nothing does (behaviour 55). */
void check_updated(const struct seens *v)
{
    for (int i = 0; i < cluster.n_services; i++) {
        const struct sim_service *s = &cluster.services[i];
        orc_auto_free char *key = key_rollout(SIM_CLUSTER, SIM_APP, s->name);
        const struct sim_kv *kv = store_find(key);
        const struct record_rollout *r = kv ? sim_text_rollout(kv->text) : NULL;
        struct updated *was = &check.updated[i], now = {r ? r->target : 0, 0};
        int may = may_be_updated(s, r);

        if (r)
            now.slots = count_slots(v, s->name, r->target);
        if (may >= 0 && !cluster.replaced && was->target == now.target && now.slots > was->slots &&
            now.slots > may)
            sim_broken("people-decide", "%s is %s and got %d replicas of revision %lld; %d may be", s->name,
                       rollout_state_name(r->state), now.slots, (long long)now.target, may);
        *was = now;
    }
}

/* ---- depends_on */

static bool has_started(const struct seen *s)
{
    return s->task->desired == TASK_RUN && s->status &&
           (s->status->state == TASK_RUNNING || s->status->state == TASK_STOPPED);
}

static bool is_healthy(const struct seen *s)
{
    return has_started(s) && s->status->state == TASK_RUNNING && s->status->health == TASK_HEALTHY &&
           s->alive;
}

static int count_such(const struct seens *v, const char *service, bool (*is_such)(const struct seen *s))
{
    const struct seen *s;
    int n = 0;

    orc_vec_each (s, v)
        n += strcmp(s->task->service, service) == 0 && is_such(s);
    return n;
}

/* As the store says: people change it first, and know of it then. */
static bool is_wanted(const struct sim_service *s)
{
    orc_auto_free char *key = key_app(SIM_CLUSTER, SIM_APP);
    const struct sim_kv *kv = store_find(key);
    const struct record_app *a = kv ? sim_text_app(kv->text) : NULL;
    bool wanted = false;

    for (size_t i = 0; a && i < a->services.n; i++)
        wanted = wanted || strcmp(a->services.at[i].name, s->name) == 0;
    return wanted;
}

/* What others wait for: all replicas of what was never complete, one of what was; a job's end. Where nothing
 * is wanted nothing is waited for. */
static bool is_there(const struct seens *v, const struct sim_service *s, enum spec_depends how)
{
    orc_auto_free char *key = key_rollout(SIM_CLUSTER, SIM_APP, s->name);
    const struct sim_kv *kv = store_find(key);
    const struct record_rollout *r = kv ? sim_text_rollout(kv->text) : NULL;

    if (r && r->state == ROLLOUT_REMOVING) /* it speaks of before */
        r = NULL;
    if (!is_wanted(s) || (r && r->replicas == 0))
        return true;
    if (how == SPEC_DEPENDS_COMPLETED)
        return r && r->state == ROLLOUT_COMPLETE && r->wanted == s->target && s->epoch <= r->restart_epoch;
    return count_such(v, s->name, how == SPEC_DEPENDS_HEALTHY ? is_healthy : has_started) >=
           (r && !r->complete ? r->replicas : 1);
}

void check_needs(const struct seens *v, int64_t revision)
{
    for (int i = 0; i < cluster.n_services; i++) {
        const struct sim_service *s = &cluster.services[i];

        if (!s->needs || is_there(v, &cluster.services[s->needs - 1], s->needs_how))
            check.unmet_since[i] = 0;
        else if (!check.unmet_since[i])
            check.unmet_since[i] = revision;
    }
}

/* For who decided by what stood at `seen`: nothing of the service was to run. What was told to go since was.
 */
static bool is_first(const char *service, int64_t revision, int64_t seen)
{
    orc_auto_free char *key = key_rollout(SIM_CLUSTER, SIM_APP, service);
    const struct sim_kv *rollout = store_find(key);
    const struct record_rollout *r = rollout ? sim_text_rollout(rollout->text) : NULL;
    struct sim_kv *kv, *next;

    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_task *t = sim_text_task(kv->text);

        if (t && kv->create < revision && strcmp(t->service, service) == 0 &&
            (t->desired == TASK_RUN || kv->mod > seen))
            return false;
    }
    return r && !r->complete;
}

/* The first deployment begins when what it depends on is there, as far as its decider was told. (A job asks
 * when a run begins, and not for each of its tasks.) */
void check_first(const struct sim_change *c, const struct record_task *r, const struct sim_txn *t)
{
    const struct sim_service *s = service_named(r->service);
    int64_t unmet = s && s->needs && !s->job ? check.unmet_since[s - cluster.services] : 0;

    if (unmet && t && !cluster.replaced && unmet <= t->seen && is_first(s->name, store.revision, t->seen))
        sim_broken("starts-after", "%s is made at %lld, and since %lld %s is not as %s needs it",
                   c->name->key.task, (long long)store.revision, (long long)unmet,
                   cluster.services[s->needs - 1].name, s->name);
}
