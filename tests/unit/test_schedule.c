/* Jobs on a schedule (scheduler/schedule, scheduler/job). The virtual wall clock is the monotonic one and
 * `ahead`. */
#include "lib/cron.h"
#include "scheduler/schedule.h"
#include "tests/sim/sim.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

static int64_t ahead; /* of the wall clock, ms */

static struct spec_service *job_spec(const char *image, const char *cron)
{
    struct spec_service *w = sim_spec("web", 1, image);

    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    w->schedule.cron = orc_strdup(cron);
    return w;
}

static void decide(struct sim *s)
{
    for (int i = 0; i < 100; i++) {
        struct plan p = {0};
        bool empty;

        core_step(s->core, s->now, (int64_t)s->now + ahead, &p);
        for (size_t k = 0; k < p.txns.n; k++)
            if (!sim_commit(s, &p.txns.at[k]))
                core_retry(s->core, &p.txns.at[k]);
        empty = plan_empty(&p);
        plan_release(&p);
        if (empty && sim_act(s) == 0)
            return;
    }
    fail_msg("it never comes to rest");
}

/* Lets time pass in steps of what the core asks for. */
static void pass(struct sim *s, int64_t ms)
{
    uint64_t end = s->now + (uint64_t)ms;

    decide(s);
    while (s->now < end) {
        uint64_t next = core_next(s->core);

        s->now = next && next > s->now && next < end ? next : end;
        decide(s);
    }
}

/* Wall time is 2026-01-01 00:00 UTC and `minutes`. */
static struct sim *at(int64_t minutes, struct spec_service *w)
{
    struct sim *s = sim_new();

    ahead = orc_days_of(2026, 1, 1) * 24 * HOUR + minutes * MINUTE - (int64_t)s->now;
    sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, w);
    decide(s);
    return s;
}

static const struct record_rollout *rollout(struct sim *s)
{
    return sim_rollout(s, "shop", "web");
}

static int64_t last_run(struct sim *s)
{
    const struct record_rollout *r = rollout(s);

    return r->runs.n ? r->runs.at[r->runs.n - 1].n : 0;
}

static enum run_state state_of(struct sim *s, size_t back)
{
    return rollout(s)->runs.at[rollout(s)->runs.n - 1 - back].state;
}

/* The one container that runs exits with 0. */
static void ends_well(struct sim *s)
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_status *is = sim_task_of(kv) ? sim_status_of(s, kv) : NULL;
        struct record_status st = {0};

        if (!is || is->state != TASK_RUNNING)
            continue;
        assert_true(sim_status_copy(s, kv->parsed.node, kv->parsed.task, &st));
        st.state = TASK_STOPPED;
        st.health = TASK_UNKNOWN;
        st.exit_code = 0;
        sim_status(s, kv->parsed.node, kv->parsed.task, &st);
        record_status_release(&st);
        return;
    }
    fail_msg("nothing runs");
}

static void test_schedule__it_runs_when_it_is_due(void **state)
{
    struct sim *s = at(3, job_spec("exit0", "*/10 * * * *"));

    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_int_equal(last_run(s), 0);
    pass(s, 7 * MINUTE - 1);
    assert_int_equal(last_run(s), 0);
    pass(s, 1);
    assert_int_equal(last_run(s), 1);
    assert_int_equal(state_of(s, 0), RUN_SUCCEEDED);
    assert_int_equal(rollout(s)->runs.at[0].scheduled, orc_days_of(2026, 1, 1) * 24 * HOUR + 10 * MINUTE);
    assert_int_equal(rollout(s)->next_run, orc_days_of(2026, 1, 1) * 24 * HOUR + 20 * MINUTE);
    pass(s, 60 * MINUTE);
    assert_int_equal(last_run(s), 7);
    sim_free(s);
}

/* Behaviour 43. */
static void test_schedule__results_are_bounded(void **state)
{
    struct spec_service *w = job_spec("exit0", "* * * * *");
    struct sim *s;

    w->run.keep = 4;
    s = at(0, w);
    pass(s, 3 * HOUR);
    assert_int_equal(last_run(s), 180);
    assert_int_equal(rollout(s)->runs.n, 4);
    assert_true(sim_keys(s, KEY_TASK) < 20);
    sim_free(s);
}

static void test_schedule__a_failure_is_told_and_the_next_one_runs(void **state)
{
    struct spec_service *w = job_spec("exit1", "0 * * * *");
    struct sim *s;

    w->run.retries = 0;
    s = at(0, w);
    pass(s, HOUR);
    assert_int_equal(state_of(s, 0), RUN_FAILED);
    assert_rollout(s, "shop", "web", "complete", 1, "run 1 failed: shop.web.0.");
    pass(s, HOUR);
    assert_int_equal(last_run(s), 2);
    sim_free(s);
}

static void test_schedule__concurrency(void **state)
{
    for (int k = SPEC_RUNS_FORBID; k <= SPEC_RUNS_REPLACE; k++) {
        struct spec_service *w = job_spec("good", "*/10 * * * *"); /* never ends */
        struct sim *s;

        w->schedule.concurrency = (enum spec_concurrency)k;
        s = at(0, w);
        pass(s, 35 * MINUTE);
        assert_int_equal(last_run(s), k == SPEC_RUNS_FORBID ? 1 : 3);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}),
                         k == SPEC_RUNS_ALLOW ? 3 : 1);
        assert_int_equal(state_of(s, 0), RUN_RUNNING);
        if (k == SPEC_RUNS_REPLACE)
            assert_int_equal(state_of(s, 1), RUN_STOPPED);
        assert_int_equal(rollout(s)->scheduled, orc_days_of(2026, 1, 1) * 24 * HOUR + 30 * MINUTE);
        sim_free(s);
    }
}

/* Two runs go on in one step: each task is of its own. */
static void test_schedule__runs_that_waited_together_have_tasks_of_their_own(void **state)
{
    struct spec_service *w = job_spec("good", "*/10 * * * *");
    struct sim *s;
    struct sim_kv *kv, *next;
    int of[4] = {0};

    w->schedule.concurrency = SPEC_RUNS_ALLOW;
    w->replicas = 2;
    s = at(0, w);
    sim_policy(s, "k1", true, false);
    pass(s, 35 * MINUTE);
    assert_int_equal(last_run(s), 3);
    assert_int_equal(sim_keys(s, KEY_TASK), 0);
    sim_policy(s, "k1", false, false);
    decide(s);
    HASH_ITER (hh, s->kvs, kv, next)
        if (sim_task_of(kv))
            of[sim_task_of(kv)->restart_epoch]++;
    assert_int_equal(of[1], 2);
    assert_int_equal(of[2], 2);
    assert_int_equal(of[3], 2);
    sim_free(s);
}

/* Nor do two runs in one step have room of one on a node twice. Behaviour 29. */
static void test_schedule__runs_side_by_side_count_together_on_a_node(void **state)
{
    struct spec_service *w = job_spec("good", "*/10 * * * *");
    struct sim *s;

    w->schedule.concurrency = SPEC_RUNS_ALLOW;
    w->replicas = 2;
    w->max_per_node = 1;
    s = at(0, w);
    sim_node(s, 8, 8000);
    sim_node(s, 8, 8000);
    for (int cordoned = 1; cordoned >= 0; cordoned--) {
        sim_policy(s, "k1", cordoned, false);
        sim_policy(s, "k2", cordoned, false);
        sim_policy(s, "k3", cordoned, false);
        pass(s, cordoned ? 25 * MINUTE : 1000);
    }
    assert_int_equal(last_run(s), 2);
    for (int k = 1; k <= 3; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        assert_int_equal(sim_count(s, (struct sim_want){.node = name}), 1);
    }
    sim_free(s);
}

static void test_schedule__by_hand_in_between(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "0 3 * * *"));

    sim_restart(s, "shop", "web", 1);
    pass(s, MINUTE);
    assert_int_equal(last_run(s), 1);
    assert_int_equal(state_of(s, 0), RUN_SUCCEEDED);
    assert_int_equal(rollout(s)->runs.at[0].scheduled, 0);
    assert_int_equal(rollout(s)->runs.at[0].epoch, 1);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    pass(s, 4 * HOUR);
    assert_int_equal(last_run(s), 2);
    sim_free(s);
}

/* A run by hand waits for the one that runs, where only one may. */
static void test_schedule__by_hand_after_what_runs(void **state)
{
    struct sim *s = at(0, job_spec("good", "*/10 * * * *"));

    pass(s, 11 * MINUTE);
    sim_restart(s, "shop", "web", 1);
    pass(s, MINUTE);
    assert_int_equal(last_run(s), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 1);
    sim_turn(s, "web", 0, TASK_STOPPED, TASK_UNKNOWN, NULL);
    sim_free(s);
}

/* Those that were asked for meanwhile come one after the other, also in the step in which the first ends. */
static void test_schedule__by_hand_twice_while_one_runs(void **state)
{
    struct sim *s = at(0, job_spec("good", "*/10 * * * *"));

    pass(s, 11 * MINUTE);
    sim_restart(s, "shop", "web", 1);
    pass(s, 1000);
    sim_restart(s, "shop", "web", 2);
    pass(s, 1000);
    assert_int_equal(last_run(s), 3);
    for (int ended = 0; ended < 3; ended++) {
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 1);
        assert_int_equal(state_of(s, (size_t)(2 - ended)), RUN_RUNNING);
        ends_well(s);
        pass(s, 1000);
    }
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 0);
    sim_free(s);
}

/* A new revision begins nothing by itself; what runs ends as it began. */
static void test_schedule__a_new_revision_counts_from_the_next_time(void **state)
{
    struct sim *s = at(0, job_spec("good", "*/10 * * * *"));
    struct spec_service *w = job_spec("exit0", "*/10 * * * *");

    pass(s, 12 * MINUTE);
    assert_int_equal(last_run(s), 1);
    w->schedule.concurrency = SPEC_RUNS_REPLACE;
    sim_apply(s, "shop", 2, w);
    pass(s, 2 * MINUTE);
    assert_int_equal(last_run(s), 1);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 1);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    pass(s, 10 * MINUTE);
    assert_int_equal(last_run(s), 2);
    assert_int_equal(rollout(s)->runs.at[1].revision, 2);
    sim_free(s);
}

/* What can't start (docs/decisions/0116) would hold up for ever what was applied to mend it. */
static void test_schedule__a_revision_takes_the_place_of_a_run_that_has_not_begun(void **state)
{
    const char *const why[] = {"missing", "stuck", "pull", "no room"};

    for (size_t i = 0; i < sizeof why / sizeof *why; i++) {
        struct spec_service *w = job_spec(i == 3 ? "exit0" : why[i], "*/10 * * * *");
        struct sim *s;

        w->run.retries = SPEC_RETRIES_ANY;
        if (i == 3)
            w->limits.memory = 900000 * SIM_MIB;
        s = at(0, w);
        pass(s, 35 * MINUTE);
        assert_int_equal(last_run(s), 1);
        sim_apply(s, "shop", 2, job_spec("exit0", "*/10 * * * *"));
        pass(s, MINUTE);
        assert_int_equal(last_run(s), 2);
        assert_int_equal(state_of(s, 1), RUN_STOPPED);
        assert_string_equal(rollout(s)->runs.at[0].reason, "revision 2 came before anything of it ran");
        assert_int_equal(rollout(s)->runs.at[1].revision, 2);
        assert_int_equal(rollout(s)->runs.at[1].scheduled, 0); /* that time is dealt with */
        assert_int_equal(state_of(s, 0), RUN_SUCCEEDED);
        sim_free(s);
    }
}

/* Of several one: each would do the same. */
static void test_schedule__runs_side_by_side_that_have_not_begun_have_one_successor(void **state)
{
    struct spec_service *w = job_spec("pull", "*/10 * * * *");
    struct sim *s;

    w->schedule.concurrency = SPEC_RUNS_ALLOW;
    s = at(0, w);
    pass(s, 35 * MINUTE);
    assert_int_equal(last_run(s), 3);
    sim_apply(s, "shop", 2, job_spec("exit0", "*/10 * * * *"));
    pass(s, MINUTE);
    assert_int_equal(last_run(s), 4);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rollout(s)->runs.at[i].state, RUN_STOPPED);
    sim_free(s);
}

/* It may run there. */
static void test_schedule__a_run_on_a_server_that_does_not_answer_may_have_begun(void **state)
{
    struct sim *s = at(0, job_spec("pull", "*/10 * * * *"));

    pass(s, 12 * MINUTE);
    sim_alive(s, "k1", false);
    sim_apply(s, "shop", 2, job_spec("exit0", "*/10 * * * *"));
    decide(s);
    assert_int_equal(last_run(s), 1);
    sim_alive(s, "k1", true);
    decide(s);
    assert_int_equal(last_run(s), 2);
    sim_free(s);
}

/* What failed once has run, whatever its next try does. */
static void test_schedule__a_run_that_failed_once_has_begun(void **state)
{
    struct spec_service *w = job_spec("exit1", "*/10 * * * *");
    struct sim *s;

    w->run.retries = SPEC_RETRIES_ANY;
    w->run.delay_ms = HOUR;
    s = at(0, w);
    pass(s, 12 * MINUTE);
    sim_apply(s, "shop", 2, job_spec("exit0", "*/10 * * * *"));
    decide(s);
    assert_int_equal(last_run(s), 1);
    assert_int_equal(state_of(s, 0), RUN_RUNNING);
    sim_free(s);
}

/* 04:00 was before the revision that names it, and within its starting deadline. */
static void test_schedule__what_was_before_a_revision_is_none_of_its(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "0 3 * * *"));

    pass(s, 4 * HOUR + 30 * MINUTE);
    assert_int_equal(last_run(s), 1);
    sim_apply(s, "shop", 2, job_spec("exit0", "0 4 * * *"));
    pass(s, 23 * HOUR + 30 * MINUTE - 1);
    assert_int_equal(last_run(s), 1);
    pass(s, 1);
    assert_int_equal(last_run(s), 2);
    sim_free(s);
}

static struct spec_service *after_db(const char *cron)
{
    struct spec_service *w = job_spec("exit0", cron);

    orc_vec_push(&w->depends_on, ((struct spec_depend){orc_strdup("db"), SPEC_DEPENDS_HEALTHY}));
    return w;
}

/* A run needs what it depends on at its time, not only the first one. */
static void test_schedule__what_is_due_waits_for_what_it_depends_on(void **state)
{
    struct sim *s = at(0, after_db("*/10 * * * *"));

    sim_apply(s, "shop", 1, sim_spec("db", 1, "good"));
    pass(s, 11 * MINUTE);
    assert_int_equal(last_run(s), 1);
    sim_sicken(s, "db", 0);
    s->slow = 1000000; /* and its successor does not come up */
    pass(s, 10 * MINUTE);
    assert_int_equal(last_run(s), 1);
    assert_rollout(s, "shop", "web", "complete", 1,
                   "a run is due and waits: shop/db must be healthy first (0 of 1");
    pass(s, 10 * MINUTE);
    assert_int_equal(last_run(s), 1);
    s->slow = 0;
    decide(s);
    assert_int_equal(last_run(s), 2); /* of those that waited the last, and at once */
    assert_int_equal(rollout(s)->runs.at[1].scheduled, orc_days_of(2026, 1, 1) * 24 * HOUR + 30 * MINUTE);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    pass(s, 10 * MINUTE);
    assert_int_equal(last_run(s), 3);
    sim_free(s);
}

static void test_schedule__what_waited_too_long_is_not_run(void **state)
{
    struct spec_service *w = after_db("0 3 * * *");
    struct sim *s;

    w->schedule.deadline_ms = 10 * MINUTE;
    s = at(0, w);
    sim_apply(s, "shop", 1, sim_spec("db", 1, "sick"));
    pass(s, 3 * HOUR + MINUTE);
    assert_rollout(s, "shop", "web", "complete", 1, "a run is due and waits: shop/db must be healthy first");
    pass(s, 10 * MINUTE);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_apply(s, "shop", 2, sim_spec("db", 1, "good"));
    pass(s, 20 * HOUR);
    assert_int_equal(last_run(s), 0);
    pass(s, 4 * HOUR);
    assert_int_equal(last_run(s), 1);
    sim_free(s);
}

/* Who asks for a run by hand means now. */
static void test_schedule__by_hand_nothing_is_waited_for(void **state)
{
    struct sim *s = at(0, after_db("0 3 * * *"));

    sim_apply(s, "shop", 1, sim_spec("db", 1, "sick"));
    sim_restart(s, "shop", "web", 1);
    pass(s, MINUTE);
    assert_int_equal(last_run(s), 1);
    assert_int_equal(state_of(s, 0), RUN_SUCCEEDED);
    sim_free(s);
}

/* What was due before there was this version is none of its. */
static void test_schedule__a_new_revision_has_no_past(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "0 12 * * *"));

    pass(s, 150 * MINUTE);
    sim_apply(s, "shop", 2, job_spec("exit0", "0 2 * * *")); /* at half past two */
    pass(s, HOUR);
    assert_int_equal(last_run(s), 0);
    pass(s, 23 * HOUR);
    assert_int_equal(last_run(s), 1);
    sim_free(s);
}

/* To the millisecond, and before that now and then, as the clock may be set. */
static void test_schedule__it_is_woken_when_it_is_due(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "*/10 * * * *"));

    assert_int_equal(core_next(s->core), s->now + SCHEDULE_LOOK_MS);
    pass(s, 10 * MINUTE - 5000);
    assert_int_equal(core_next(s->core), s->now + 5000);
    sim_free(s);
}

/* Sixteen at once, however many are due or asked for. */
static void test_schedule__there_is_a_limit_to_what_runs_side_by_side(void **state)
{
    struct spec_service *w = job_spec("good", "* * * * *");
    struct sim *s;

    w->schedule.concurrency = SPEC_RUNS_ALLOW;
    s = at(0, w);
    pass(s, 16 * MINUTE);
    assert_int_equal(rollout(s)->runs.n, 16);
    pass(s, 4 * MINUTE);
    assert_int_equal(rollout(s)->runs.n, 16);
    sim_restart(s, "shop", "web", 1);
    pass(s, 1000);
    assert_int_equal(rollout(s)->runs.n, 16);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 16);
    sim_free(s);
}

/* ---- clocks that jump, schedulers that were away */

static void test_schedule__of_those_missed_one_is_run(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "*/5 * * * *"));

    pass(s, 6 * MINUTE);
    assert_int_equal(last_run(s), 1);
    s->now += 50 * MINUTE; /* nobody led */
    sim_new_leader(s);
    pass(s, 1);
    assert_int_equal(last_run(s), 2);
    assert_int_equal(rollout(s)->runs.at[1].scheduled, orc_days_of(2026, 1, 1) * 24 * HOUR + 55 * MINUTE);
    sim_free(s);
}

static void test_schedule__too_late_is_not_run(void **state)
{
    struct spec_service *w = job_spec("exit0", "0 3 * * *");
    struct sim *s;

    w->schedule.deadline_ms = 10 * MINUTE;
    s = at(0, w);
    s->now += 3 * HOUR + 11 * MINUTE;
    sim_new_leader(s);
    pass(s, HOUR);
    assert_int_equal(last_run(s), 0);
    s->now += 23 * HOUR - 2 * MINUTE; /* 03:09 of the next day */
    pass(s, 1);
    assert_int_equal(last_run(s), 1);
    sim_free(s);
}

static void test_schedule__a_clock_set_back_runs_nothing_twice(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "*/5 * * * *"));

    pass(s, 31 * MINUTE);
    assert_int_equal(last_run(s), 6);
    ahead -= 20 * MINUTE;
    pass(s, 19 * MINUTE + 50000); /* up to 00:30 again */
    assert_int_equal(last_run(s), 6);
    sim_new_leader(s);
    pass(s, 5 * MINUTE);
    assert_int_equal(last_run(s), 7);
    sim_free(s);
}

static void test_schedule__a_clock_set_ahead_runs_one_at_once(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "0 * * * *"));

    pass(s, MINUTE);
    ahead += 5 * HOUR + 10 * MINUTE; /* 05:11 */
    pass(s, SCHEDULE_LOOK_MS);
    assert_int_equal(last_run(s), 1);
    assert_int_equal(rollout(s)->runs.at[0].scheduled, orc_days_of(2026, 1, 1) * 24 * HOUR + 5 * HOUR);
    pass(s, 40 * MINUTE);
    assert_int_equal(last_run(s), 1);
    sim_free(s);
}

/* Also where the results of the runs that were are not kept, and for a new revision. */
static void test_schedule__what_is_dealt_with_outlives_the_results(void **state)
{
    for (int revision = 1; revision <= 2; revision++) {
        struct spec_service *w = job_spec("exit0", "*/5 * * * *");
        struct sim *s;

        w->run.keep = 1;
        s = at(0, w);
        pass(s, 31 * MINUTE);
        assert_int_equal(last_run(s), 6);
        ahead -= 20 * MINUTE;
        if (revision == 2) {
            w = job_spec("exit0", "*/5 * * * *");
            w->run.keep = 1;
            sim_apply(s, "shop", 2, w);
        }
        pass(s, 19 * MINUTE + 50000); /* up to 00:30 again */
        assert_int_equal(last_run(s), 6);
        pass(s, 5 * MINUTE);
        assert_int_equal(last_run(s), 7);
        sim_free(s);
    }
}

/* A clock that was years ahead does not silence the schedule for years. */
static void test_schedule__a_clock_that_was_far_ahead_is_forgotten(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "*/5 * * * *"));

    ahead += 4 * 365 * 24 * HOUR;
    pass(s, MINUTE);
    ahead -= 4 * 365 * 24 * HOUR;
    pass(s, 30 * MINUTE);
    assert_true(last_run(s) >= 6);
    sim_free(s);
}

/* Two leaders, one of them more than a day ahead, by turns (the simulation's seed 1115795). */
static void test_schedule__clocks_that_take_turns_run_no_time_twice(void **state)
{
    struct sim *s = at(1, job_spec("exit0", "0 * * * *"));
    const struct record_rollout *r;

    for (int turn = 0; turn < 3; turn++) {
        ahead += 26 * HOUR;
        pass(s, 2 * MINUTE);
        ahead -= 26 * HOUR;
        pass(s, 20 * MINUTE);
    }
    r = rollout(s);
    assert_true(r->runs.n >= 2);
    for (size_t i = 0; i < r->runs.n; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(r->runs.at[i].scheduled != r->runs.at[k].scheduled);
    sim_free(s);
}

/* ---- zones */

static int32_t table_of(const char *zone, int64_t utc)
{
    if (strcmp(zone, "Test/East") == 0)
        return 2 * 3600;
    return utc < orc_days_of(2026, 1, 2) * 86400
               ? 0
               : 3600; /* Test/Spring: an hour ahead from the second day on */
}

static int zones(void *arg, const char *zone, int64_t utc, int32_t *ret)
{
    if (strncmp(zone, "Test/", 5) != 0)
        return -1;
    *ret = table_of(zone, utc);
    return 0;
}

static struct sim *in_zone(const char *zone, const char *cron)
{
    struct spec_service *w = job_spec("exit0", cron);
    struct sim *s = sim_new();

    ahead = orc_days_of(2026, 1, 1) * 24 * HOUR - (int64_t)s->now;
    w->schedule.time_zone = orc_strdup(zone);
    core_set_zones(s->core, (struct core_zones){zones, NULL});
    sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, w);
    decide(s);
    return s;
}

/* Three o'clock there comes after so many ms. */
static void expect_first_run(const char *zone, uint64_t ms)
{
    struct sim *s = in_zone(zone, "0 3 * * *");

    pass(s, ms - 1);
    assert_int_equal(last_run(s), 0);
    pass(s, 1);
    assert_int_equal(last_run(s), 1);
    sim_free(s);
}

static void test_schedule__in_a_time_zone(void **state)
{
    expect_first_run("Test/East", HOUR);
}

/* 00:30 of the second day is skipped: it runs at the change, and the next day at its time. */
static void test_schedule__when_clocks_change(void **state)
{
    struct sim *s = in_zone("Test/Spring", "30 0 * * *");

    pass(s, HOUR);
    assert_int_equal(last_run(s), 1);
    pass(s, 23 * HOUR - 1);
    assert_int_equal(last_run(s), 1);
    pass(s, 1);
    assert_int_equal(last_run(s), 2);
    pass(s, 23 * HOUR + 30 * MINUTE);
    assert_int_equal(last_run(s), 3);
    sim_free(s);
}

static void test_schedule__an_unknown_zone_is_said(void **state)
{
    struct sim *s = in_zone("Mars/Base", "* * * * *");

    pass(s, HOUR);
    assert_int_equal(last_run(s), 0);
    assert_rollout(s, "shop", "web", "updating", 1, "no time zone \"Mars/Base\"");
    sim_free(s);
}

/* UTC needs no table. */
static void test_schedule__utc_by_name_is_always_known(void **state)
{
    expect_first_run("UTC", 3 * HOUR);
}

/* Once it is known, what was due meanwhile, within its deadline, is none of its. */
static void test_schedule__a_zone_that_comes_to_be_known_counts_from_then(void **state)
{
    struct spec_service *w = job_spec("exit0", "0 * * * *");
    struct sim *s;

    w->schedule.time_zone = orc_strdup("Test/East");
    s = at(0, w); /* this server has no zones at all */
    pass(s, HOUR + 10 * MINUTE);
    assert_rollout(s, "shop", "web", "updating", 1, "no time zone \"Test/East\"");
    sim_new_leader(s);
    core_set_zones(s->core, (struct core_zones){zones, NULL});
    pass(s, 50 * MINUTE - 1);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_int_equal(last_run(s), 0);
    pass(s, 1);
    assert_int_equal(last_run(s), 1);
    sim_free(s);
}

/* ---- at rest */

static void test_schedule__between_runs_nothing_is_written(void **state)
{
    struct sim *s = at(0, job_spec("exit0", "0 3 * * *"));
    size_t txns = s->txns;

    pass(s, 2 * HOUR);
    sim_new_leader(s);
    pass(s, 30 * MINUTE);
    assert_int_equal(s->txns, txns);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule__it_runs_when_it_is_due),
        cmocka_unit_test(test_schedule__results_are_bounded),
        cmocka_unit_test(test_schedule__a_failure_is_told_and_the_next_one_runs),
        cmocka_unit_test(test_schedule__concurrency),
        cmocka_unit_test(test_schedule__runs_that_waited_together_have_tasks_of_their_own),
        cmocka_unit_test(test_schedule__runs_side_by_side_count_together_on_a_node),
        cmocka_unit_test(test_schedule__by_hand_in_between),
        cmocka_unit_test(test_schedule__by_hand_after_what_runs),
        cmocka_unit_test(test_schedule__by_hand_twice_while_one_runs),
        cmocka_unit_test(test_schedule__a_new_revision_counts_from_the_next_time),
        cmocka_unit_test(test_schedule__a_run_that_failed_once_has_begun),
        cmocka_unit_test(test_schedule__a_run_on_a_server_that_does_not_answer_may_have_begun),
        cmocka_unit_test(test_schedule__runs_side_by_side_that_have_not_begun_have_one_successor),
        cmocka_unit_test(test_schedule__a_revision_takes_the_place_of_a_run_that_has_not_begun),
        cmocka_unit_test(test_schedule__what_was_before_a_revision_is_none_of_its),
        cmocka_unit_test(test_schedule__what_is_due_waits_for_what_it_depends_on),
        cmocka_unit_test(test_schedule__what_waited_too_long_is_not_run),
        cmocka_unit_test(test_schedule__by_hand_nothing_is_waited_for),
        cmocka_unit_test(test_schedule__a_new_revision_has_no_past),
        cmocka_unit_test(test_schedule__it_is_woken_when_it_is_due),
        cmocka_unit_test(test_schedule__there_is_a_limit_to_what_runs_side_by_side),
        cmocka_unit_test(test_schedule__of_those_missed_one_is_run),
        cmocka_unit_test(test_schedule__too_late_is_not_run),
        cmocka_unit_test(test_schedule__a_clock_set_back_runs_nothing_twice),
        cmocka_unit_test(test_schedule__a_clock_set_ahead_runs_one_at_once),
        cmocka_unit_test(test_schedule__a_clock_that_was_far_ahead_is_forgotten),
        cmocka_unit_test(test_schedule__clocks_that_take_turns_run_no_time_twice),
        cmocka_unit_test(test_schedule__in_a_time_zone),
        cmocka_unit_test(test_schedule__when_clocks_change),
        cmocka_unit_test(test_schedule__an_unknown_zone_is_said),
        cmocka_unit_test(test_schedule__between_runs_nothing_is_written),
        cmocka_unit_test(test_schedule__what_is_dealt_with_outlives_the_results),
        cmocka_unit_test(test_schedule__utc_by_name_is_always_known),
        cmocka_unit_test(test_schedule__a_zone_that_comes_to_be_known_counts_from_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
