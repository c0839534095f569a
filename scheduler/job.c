#include "scheduler/job.h"

#include "scheduler/global.h"
#include "scheduler/job_run.h"
#include "scheduler/rollout.h"
#include "scheduler/schedule.h"

#define RUNS_AT_ONCE_MAX 16

struct job { /* within one step */
    struct recon *x;
    const struct spec_service *spec; /* of the target */
    struct job_run runs[RUNS_AT_ONCE_MAX];
    size_t n;
};

static struct rollout_run *newest_run(const struct record_rollout *r)
{
    return r->runs.n ? &r->runs.at[r->runs.n - 1] : NULL;
}

bool job_is(const struct recon *x)
{
    const struct core_revision *rev = core_service_revision(x->s, x->next.target);

    return rev ? rev->rec.spec->job : x->next.runs.n > 0;
}

void job_removed(struct record_rollout *r)
{
    if (r->runs.n)
        r->runs.at[r->runs.n - 1].state = RUN_STOPPED;
}

void job_forget(struct record_rollout *r)
{
    struct rollout_run *run;

    orc_vec_each (run, &r->runs)
        rollout_run_release(run);
    r->runs.n = 0;
}

/* ---- beginning and ending ---------------------------------------------------------------------------- */

static void end_run(struct recon *x, struct rollout_run *run, enum run_state state, const char *why)
{
    run->state = state;
    run->ended = x->c->wall;
    free(orc_take(run->done));
    if (why)
        rollout_say(&run->reason, "%s", why);
    plan_event(x->p, "run", x->s->name, "run %lld %s%s%s", (long long)run->n, run_state_name(state),
               why ? ": " : "", why ? why : "");
}

static void stop_runs(struct recon *x, const char *why)
{
    struct rollout_run *run;

    orc_vec_each (run, &x->next.runs)
        if (run->state == RUN_RUNNING)
            end_run(x, run, RUN_STOPPED, why);
}

static void begin_run(struct recon *x, int64_t scheduled, const char *why)
{
    const struct rollout_run *last = newest_run(&x->next);
    int64_t n = last ? last->n + 1 : 1;
    struct rollout_run *run = orc_vec_add(&x->next.runs);

    run->n = n;
    run->revision = x->next.target;
    run->epoch = x->next.restart_epoch;
    run->scheduled = scheduled;
    run->started = x->c->wall;
    run->exit_code = -1;
    plan_event(x->p, "run", x->s->name, "run %lld begins: %s", (long long)n, why);
}

/* Whether the run is what is asked for; one that was stopped is not. */
static bool is_for_target(const struct recon *x, const struct rollout_run *run)
{
    return run && run->state != RUN_STOPPED && run->revision == x->next.target &&
           run->epoch >= x->next.restart_epoch;
}

/* What a new revision or a restart asks for. */
static void begin_if_asked(struct recon *x)
{
    const struct rollout_run *last = newest_run(&x->next);
    orc_auto_free char *why = NULL, *dep = NULL;

    if (is_for_target(x, last))
        return;
    if (last && last->revision == x->next.target)
        why = orc_strdup("it was asked for");
    else
        why = orc_printf("revision %lld", (long long)x->next.target);
    stop_runs(x, why);
    dep = recon_dependency(x);
    if (dep) {
        rollout_tell(&x->next, ROLLOUT_SAYS_WAITING, "%s", dep);
        x->s->waits_dependency = x->s->app->waiters = true;
        return;
    }
    rollout_hush(&x->next);
    begin_run(x, 0, why);
}

/* ---- on a schedule ----------------------------------------------------------------------------------- */

static size_t count_running(const struct record_rollout *r)
{
    const struct rollout_run *run;
    size_t n = 0;

    orc_vec_each (run, &r->runs)
        n += run->state == RUN_RUNNING;
    return n;
}

static void begin_scheduled(struct recon *x, const struct spec_schedule *spec, int64_t at)
{
    size_t running = count_running(&x->next);
    long long n = running ? (long long)newest_run(&x->next)->n : 0;

    if (spec->concurrency == SPEC_RUNS_REPLACE)
        stop_runs(x, "the next one was due");
    else if (running && (spec->concurrency == SPEC_RUNS_FORBID || running >= RUNS_AT_ONCE_MAX)) {
        plan_event(x->p, "run", x->s->name, "a run was due and is skipped: run %lld has not ended", n);
        return;
    }
    begin_run(x, at, "it is due");
}

/* By hand: beside what runs, or in its place, or after it. */
static void begin_by_hand(struct recon *x, const struct spec_schedule *spec)
{
    if (!x->s->rollout_fed.present || x->next.restart_epoch <= x->s->rollout.restart_epoch ||
        count_running(&x->next) >= RUNS_AT_ONCE_MAX)
        return;
    if (spec->concurrency == SPEC_RUNS_REPLACE)
        stop_runs(x, "it was asked for");
    begin_run(x, 0, "it was asked for");
}

/* What is due while something that it depends on is not there waits, as long as it may begin late. */
static bool waits_for_others(struct recon *x, int64_t dealt_with)
{
    orc_auto_free char *dep = recon_needs(x);

    if (!dep)
        return false;
    rollout_tell(&x->next, ROLLOUT_SAYS_WAITING, "a run is due and waits: %s", dep);
    x->s->waits_dependency = x->s->app->waiters = true;
    x->next.scheduled = dealt_with;
    return true;
}

/* A run ends as the revision it began with; one of which nothing could run yet (its image can't be had, there
 * is no room) would hold up the revision that was applied for just that: it is run in its place. */
static void take_the_place(struct recon *x)
{
    struct rollout_run *run;
    int64_t place = 0;

    orc_vec_each (run, &x->next.runs)
        if (run->state == RUN_RUNNING && run->revision != x->next.target && !job_run_has_begun(x->s, run)) {
            orc_auto_free char *why =
                orc_printf("revision %lld came before anything of it ran", (long long)x->next.target);

            end_run(x, run, RUN_STOPPED, why);
            place = run->n;
        }
    if (place) {
        orc_auto_free char *why = orc_printf("in place of run %lld", (long long)place);

        begin_run(x, 0, why); /* the time is dealt with */
    }
}

static void begin_if_due(struct recon *x, const struct spec_schedule *spec)
{
    int64_t at, dealt_with = x->next.scheduled;

    x->s->waits_dependency = false;
    take_the_place(x);
    begin_by_hand(x, spec);
    switch (schedule_ask(x, spec, &at)) {
    case SCHEDULE_DUE:
        if (!waits_for_others(x, dealt_with))
            begin_scheduled(x, spec, at);
        break;
    case SCHEDULE_NO_ZONE:
        rollout_tell(&x->next, ROLLOUT_SAYS_UNREADABLE, "the scheduler's server has no time zone \"%s\"",
                     spec->time_zone);
        break;
    default:
        break;
    }
}

/* ---- tasks that are over ----------------------------------------------------------------------------- */

static struct job_run *run_of(struct job *j, const struct core_task *t)
{
    for (size_t i = 0; i < j->n; i++)
        if (job_task_is_of(t, j->runs[i].run))
            return &j->runs[i];
    return NULL;
}

/* Ended, and needed by no run: the slot is completed or the run is over. A global job counts its nodes by
 * them while it runs. */
static bool is_over(const struct job_run *run, const struct core_task *t)
{
    if (!run || run->run->state != RUN_RUNNING)
        return true;
    return run->rev && !run->rev->rec.spec->global && ranges_has(&run->done, t->slot);
}

static int by_age(const void *a, const void *b)
{
    const struct core_task *x = *(struct core_task *const *)a, *y = *(struct core_task *const *)b;

    if (x->attempt != y->attempt)
        return x->attempt > y->attempt ? -1 : 1;
    return strcmp(x->node->name, y->node->name);
}

/* The newest few stay for a while, so that their logs can be read. */
static void let_go(struct job *j, struct core_task **at, size_t n)
{
    struct recon *x = j->x;

    if (n)
        qsort(at, n, sizeof *at, by_age);
    for (size_t i = 0; i < n; i++) {
        uint64_t until = core_task_more(at[i])->failed_at + JOB_TASKS_KEPT_MS;

        if (i < JOB_TASKS_KEPT && x->c->now < until)
            core_wake(x->c, x->s, until);
        else if (x->touched < PLAN_TASKS_MAX / 2) /* the next tasks need room in the transaction, too */
            recon_remove(x, at[i], TASK_STOP_ENDED, "it has ended");
    }
}

static const char *why_stop(const struct job *j, const struct core_task *t)
{
    const struct rollout_run *run;

    orc_vec_each (run, &j->x->next.runs)
        if (job_task_is_of(t, run))
            return run->reason ? run->reason : "its run is over";
    return "its run is over";
}

static void settle_tasks(struct job *j)
{
    ORC_VEC(struct core_task *) ended = {0};
    struct core_task *t;

    core_each_task (t, j->x->s) {
        const struct job_run *run = core_task_runs(t) ? run_of(j, t) : NULL;
        enum job_class k = core_task_runs(t) ? job_classify(j->x, t) : JOB_GONE;

        if ((k == JOB_WELL || k == JOB_BAD) && is_over(run, t))
            orc_vec_push(&ended, t);
        else if ((k == JOB_ACTIVE || k == JOB_LOST) && (!run || run->run->state != RUN_RUNNING))
            recon_remove(j->x, t, TASK_STOP_ENDED, why_stop(j, t));
    }
    let_go(j, ended.at, ended.n);
    orc_vec_release(&ended);
}

/* ---- the whole --------------------------------------------------------------------------------------- */

/* Why a run may neither have tasks yet nor be over: what came before it is not. NULL: it may; freed by the
 * caller. */
static char *why_wait(const struct job *j, const struct job_run *run)
{
    const struct job_run *before;
    struct core_task *t;

    if (j->spec && j->spec->schedule.concurrency == SPEC_RUNS_ALLOW)
        return NULL;
    for (before = j->runs; before < run; before++)
        if (before->run->state == RUN_RUNNING)
            return orc_printf("run %lld must end first", (long long)before->run->n);
    core_each_task (t, j->x->s) {
        enum job_class k = t->fed.present ? job_classify(j->x, t) : JOB_GONE;

        if ((k == JOB_ACTIVE || k == JOB_STOPPING) && !job_task_is_of(t, run->run))
            return orc_printf("%s on %s must stop first", CORE_TASK_ID(t), t->node->name);
    }
    return NULL;
}

static void look_at_runs(struct job *j)
{
    struct rollout_run *run;

    orc_vec_each (run, &j->x->next.runs) {
        orc_auto_free char *why = NULL;
        struct job_run *r;

        if (run->state != RUN_RUNNING || j->n == RUNS_AT_ONCE_MAX)
            continue;
        r = &j->runs[j->n++];
        job_run_look(r, j->x, run);
        r->waits = why_wait(j, r);
        if (!r->waits && job_run_is_over(r, &why))
            end_run(j->x, run, why ? RUN_FAILED : RUN_SUCCEEDED, why);
    }
}

static void go_on(struct job *j)
{
    j->x->next.replicas = 0;
    job_run_count_spread(j->x);
    for (size_t i = 0; i < j->n; i++) {
        struct job_run *run = &j->runs[i];

        if (run->run->state != RUN_RUNNING)
            continue;
        if (run->waits) {
            rollout_tell(&j->x->next, ROLLOUT_SAYS_WAITING, "run %lld waits: %s", (long long)run->run->n,
                         run->waits);
            continue;
        }
        rollout_hush(&j->x->next);
        if (!run->run->wanted)
            rollout_tell(&j->x->next, ROLLOUT_SAYS_WAITING, "run %lld waits: no server takes it",
                         (long long)run->run->n);
        job_run_go_on(run, i == 0);
        j->x->next.replicas += job_run_at_once(run);
    }
}

/* Results beyond those to be kept are forgotten, the oldest first. */
static void forget_results(struct job *j)
{
    struct record_rollout *r = &j->x->next;
    size_t ended = 0, kept = 0, keep = j->spec ? (size_t)j->spec->run.keep : SPEC_KEEP_MAX;
    struct rollout_run *run;

    orc_vec_each (run, &r->runs)
        ended += run->state != RUN_RUNNING;
    orc_vec_each (run, &r->runs) {
        if (run->state != RUN_RUNNING && ended > keep) {
            ended--;
            rollout_run_release(run);
            continue;
        }
        r->runs.at[kept++] = *run;
    }
    r->runs.n = kept;
}

/* It is in force; how its runs end is told by them, and the last failure by the reason. */
static void conclude_scheduled(struct job *j)
{
    struct record_rollout *r = &j->x->next;
    const struct rollout_run *run, *last = NULL;

    if (!r->next_run)
        return; /* its zone is not known, which is said */
    orc_vec_each (run, &r->runs)
        last = run->state == RUN_SUCCEEDED || run->state == RUN_FAILED ? run : last;
    rollout_set_state(j->x->c, r, ROLLOUT_COMPLETE);
    r->complete = r->target;
    if (j->x->s->waits_dependency)
        return; /* which is said */
    if (last && last->state == RUN_FAILED)
        rollout_tell(r, ROLLOUT_SAYS_FAILED, "run %lld failed: %s", (long long)last->n, last->reason);
    else if (!r->reason || !count_running(r))
        rollout_hush(r);
}

static void conclude(struct job *j)
{
    struct record_rollout *r = &j->x->next;
    const struct rollout_run *last = newest_run(r);
    struct core_task *t;

    r->available = r->failures = 0;
    core_each_task (t, j->x->s)
        r->available += core_task_available(t);
    r->updated = r->available;
    if (j->spec && j->spec->schedule.cron) {
        conclude_scheduled(j);
        return;
    }
    if (!is_for_target(j->x, last))
        return; /* it has not begun */
    if (last->state == RUN_SUCCEEDED) {
        rollout_set_state(j->x->c, r, ROLLOUT_COMPLETE);
        r->complete = r->target;
        rollout_hush(r);
    } else if (last->state == RUN_FAILED) {
        rollout_set_state(j->x->c, r, ROLLOUT_FAILED);
        rollout_tell(r, ROLLOUT_SAYS_FAILED, "run %lld failed: %s", (long long)last->n, last->reason);
    }
}

void job_keep(struct recon *x)
{
    const struct core_revision *rev = core_service_revision(x->s, x->next.target);
    struct job j = {.x = x, .spec = rev ? rev->rec.spec : NULL};

    x->v = (struct slots){.core = x->c, .service = x->s, .rollout = &x->next, .target = rev};
    x->target = rev;
    global_list(x->c, x->s, rev && rev->rec.spec->global);
    if (rev && rev->rec.spec->schedule.cron)
        begin_if_due(x, &rev->rec.spec->schedule);
    else if (rev)
        begin_if_asked(x);
    look_at_runs(&j);
    settle_tasks(&j);
    go_on(&j);
    forget_results(&j);
    for (size_t i = 0; i < j.n; i++)
        job_run_release(&j.runs[i]);
    conclude(&j);
}
