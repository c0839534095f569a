/* Services whose containers end, run by run (scheduler/job, scheduler/job_run). */
#include "scheduler/job.h"
#include "tests/sim/sim.h"

static struct spec_service *job_spec(const char *image, int completions)
{
    struct spec_service *w = sim_spec("web", completions, image);

    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    w->run.delay_ms = 1000;
    return w;
}

static struct sim *applied(int nodes, struct spec_service *w)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    return s;
}

static const struct record_rollout *rollout(struct sim *s)
{
    return sim_rollout(s, "shop", "web");
}

static const struct rollout_run *run_at(struct sim *s, size_t back)
{
    const struct record_rollout *r = rollout(s);

    assert_true(r->runs.n > back);
    return &r->runs.at[r->runs.n - 1 - back];
}

/* "state completed/wanted failures" of the newest run. */
static void assert_run(struct sim *s, int64_t n, const char *text)
{
    const struct rollout_run *run = run_at(s, 0);
    orc_auto_free char *is =
        orc_printf("%s %d/%d %d", run_state_name(run->state), run->completed, run->wanted, run->failures);

    assert_int_equal(run->n, n);
    assert_string_equal(is, text);
    assert_int_equal(run->ended == 0, run->state == RUN_RUNNING);
}

static int running(struct sim *s)
{
    return sim_count(s, (struct sim_want){.service = "web", .available = true});
}

/* The container of the slot's newest running task exits. */
static void ends(struct sim *s, int slot, int exit_code)
{
    char id[KEY_TASK_MAX + 1] = "", node[KEY_NAME_MAX + 1];
    struct record_status st = {0};
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);
        const struct record_status *is = t ? sim_status_of(s, kv) : NULL;

        if (!is || t->slot != slot || t->desired != TASK_RUN || is->state != TASK_RUNNING)
            continue;
        snprintf(id, sizeof id, "%s", kv->parsed.task);
        snprintf(node, sizeof node, "%s", kv->parsed.node);
    }
    assert_true(id[0]);
    assert_true(sim_status_copy(s, node, id, &st));
    st.state = exit_code ? TASK_FAILED : TASK_STOPPED;
    st.health = TASK_UNKNOWN;
    st.exit_code = exit_code;
    sim_status(s, node, id, &st);
    record_status_release(&st);
    sim_settle(s);
}

/* ---- success */

static void test_job__each_slot_completes_once(void **state)
{
    struct sim *s = applied(3, job_spec("exit0", 5));

    sim_pass(s, 1000);
    assert_run(s, 1, "succeeded 5/5 0");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_int_equal(rollout(s)->complete, 1);
    assert_int_equal(rollout(s)->replicas, 0);
    assert_int_equal(sim_attempts(s, "web") - 5, sim_find(s, "/orc/default/apps/shop")->mod);
    sim_pass(s, 600000);
    assert_run(s, 1, "succeeded 5/5 0");
    sim_free(s);
}

static void test_job__it_runs_until_it_ends(void **state)
{
    struct sim *s = applied(3, job_spec("good", 2));

    sim_pass(s, 600000);
    assert_run(s, 1, "running 0/2 0");
    assert_rollout(s, "shop", "web", "updating", 1, NULL);
    assert_int_equal(rollout(s)->replicas, 2);
    assert_int_equal(running(s), 2);
    ends(s, 1, 0);
    assert_run(s, 1, "running 1/2 0");
    assert_string_equal(run_at(s, 0)->done, "1");
    assert_int_equal(rollout(s)->replicas, 1);
    ends(s, 0, 0);
    assert_run(s, 1, "succeeded 2/2 0");
    assert_null(run_at(s, 0)->done);
    sim_free(s);
}

static void test_job__no_more_than_max_concurrent_at_once(void **state)
{
    struct spec_service *w = job_spec("good", 7);
    struct sim *s;

    w->run.max_concurrent = 3;
    s = applied(3, w);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(running(s), 7 - i < 3 ? 7 - i : 3);
        assert_int_equal(rollout(s)->replicas, 7 - i < 3 ? 7 - i : 3);
        ends(s, i, 0);
    }
    assert_run(s, 1, "succeeded 7/7 0");
    sim_free(s);
}

static void test_job__more_completions_than_a_transaction_has_room_for(void **state)
{
    struct sim *s = applied(20, job_spec("exit0", 1000));

    sim_pass(s, 300000);
    assert_run(s, 1, "succeeded 1000/1000 0");
    sim_pass(s, 200000); /* what has ended is collected, but for the newest few */
    assert_int_equal(sim_keys(s, KEY_TASK), JOB_TASKS_KEPT);
    sim_pass(s, JOB_TASKS_KEPT_MS + 200000);
    assert_int_equal(sim_keys(s, KEY_TASK), 0);
    assert_run(s, 1, "succeeded 1000/1000 0");
    sim_free(s);
}

static void test_job__none_wanted_is_done_at_once(void **state)
{
    struct sim *s = applied(1, job_spec("good", 0));

    assert_run(s, 1, "succeeded 0/0 0");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* ---- failure */

/* Behaviours 68, 69. */
static void test_job__a_failure_is_tried_again(void **state)
{
    struct sim *s = applied(2, job_spec("good", 2));

    ends(s, 0, 3);
    assert_run(s, 1, "running 0/2 0");
    assert_int_equal(rollout(s)->pending.n, 1);
    assert_non_null(strstr(rollout(s)->pending.at[0].reason, "failed: exit code 3; tried again 1 s after"));
    sim_pass(s, 999);
    assert_int_equal(running(s), 1);
    sim_pass(s, 1);
    assert_int_equal(running(s), 2);
    assert_run(s, 1, "running 0/2 1");
    assert_int_equal(run_at(s, 0)->exit_code, 3);
    ends(s, 0, 0);
    ends(s, 1, 0);
    assert_run(s, 1, "succeeded 2/2 1");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviours 67, 69: so many tries, and then the run has failed; what runs of it is stopped. */
static void test_job__too_many_failures_fail_the_run(void **state)
{
    struct spec_service *w = job_spec("good", 3);
    struct sim *s;

    w->run.retries = 2;
    s = applied(2, w);
    for (int i = 0; i < 3; i++) {
        assert_run(s, 1, i == 0 ? "running 0/3 0" : i == 1 ? "running 0/3 1" : "running 0/3 2");
        ends(s, 1, 1);
        sim_pass(s, 1000);
    }
    assert_run(s, 1, "failed 0/3 3");
    assert_int_equal(running(s), 0);
    assert_rollout(s, "shop", "web", "failed", 1, "run 1 failed: shop.web.1.");
    assert_non_null(strstr(rollout(s)->reason, "failed: exit code 1; tried 3 times"));
    assert_int_equal(rollout(s)->complete, 0);
    assert_int_equal(rollout(s)->pending.n, 0);
    sim_pass(s, 600000);
    assert_run(s, 1, "failed 0/3 3");
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
    sim_free(s);
}

static void test_job__without_tries_the_first_failure_is_the_end(void **state)
{
    struct spec_service *w = job_spec("exit1", 1);
    struct sim *s;

    w->run.retries = 0;
    s = applied(1, w);
    assert_run(s, 1, "failed 0/1 1");
    assert_non_null(strstr(rollout(s)->reason, "exit code 1; tried 1 time"));
    sim_free(s);
}

static void test_job__tried_for_ever_with_a_delay_that_doubles(void **state)
{
    struct spec_service *w = job_spec("exit1", 1);
    struct sim *s;

    w->run.retries = SPEC_RETRIES_ANY;
    w->run.delay_ms = 0;
    s = applied(1, w);
    sim_pass(s, 10000 + 20000 + 40000 + 80000 + 160000 + 300000 + 299000);
    assert_run(s, 1, "running 0/1 6");
    sim_pass(s, 1000);
    assert_run(s, 1, "running 0/1 7");
    sim_free(s);
}

/* Behaviour 73. */
static void test_job__a_missing_image_is_a_failure(void **state)
{
    struct spec_service *w = job_spec("missing", 1);
    struct sim *s;

    w->run.retries = 1;
    s = applied(1, w);
    sim_pass(s, 1000);
    assert_run(s, 1, "failed 0/1 2");
    assert_non_null(strstr(run_at(s, 0)->reason, "no such image: missing"));
    assert_int_equal(run_at(s, 0)->exit_code, -1);
    sim_free(s);
}

/* Behaviour 42. */
static void test_job__a_container_deleted_behind_our_back_is_tried_again(void **state)
{
    struct sim *s = applied(1, job_spec("good", 1));

    sim_turn(s, "web", 0, TASK_REMOVED, TASK_UNKNOWN, NULL);
    sim_pass(s, 1000);
    assert_int_equal(running(s), 1);
    assert_run(s, 1, "running 0/1 1");
    sim_free(s);
}

static void test_job__what_was_told_to_stop_has_not_succeeded(void **state)
{
    struct sim *s = applied(2, job_spec("good", 1));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    assert_true(sim_task_in(s, "web", 0, id, node));
    sim_policy(s, node, false, true);
    sim_pass(s, 1000);
    assert_int_equal(sim_count(s, (struct sim_want){.node = node}), 0);
    assert_int_equal(running(s), 1);
    assert_run(s, 1, "running 0/1 0");
    sim_free(s);
}

/* ---- nodes */

/* Behaviour 76: a lost node is no failure of the job. */
static void test_job__a_lost_node_is_no_failure(void **state)
{
    struct spec_service *w = job_spec("good", 3);
    struct sim *s;
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    w->run.retries = 0;
    s = applied(3, w);
    assert_true(sim_task_in(s, "web", 1, id, node));
    sim_alive(s, node, false);
    sim_pass(s, 2900);
    assert_int_equal(running(s), 2);
    sim_pass(s, 1000);
    assert_int_equal(running(s), 3);
    assert_run(s, 1, "running 0/3 0");
    sim_alive(s, node, true);
    sim_pass(s, 1000);
    assert_int_equal(running(s), 3);
    for (int i = 0; i < 3; i++)
        ends(s, i, 0);
    assert_run(s, 1, "succeeded 3/3 0");
    sim_free(s);
}

/* Behaviour 78: a try that is back with its node stops before there is another, also when that one is lost.
 */
static void test_job__an_earlier_try_must_have_stopped(void **state)
{
    struct sim *s = applied(4, job_spec("good", 1));
    char id[KEY_TASK_MAX + 1], first[KEY_NAME_MAX + 1], second[KEY_NAME_MAX + 1];

    assert_true(sim_task_in(s, "web", 0, id, first));
    sim_alive(s, first, false);
    sim_pass(s, 10000);
    assert_true(sim_task_in(s, "web", 0, id, second));
    sim_alive(s, second, false);
    for (int k = 1; k <= 4; k++) { /* nowhere else to go */
        orc_auto_free char *node = orc_printf("k%d", k);

        sim_policy(s, node, strcmp(node, first) != 0, false);
    }
    sim_pass(s, 2999);
    sim_alive(s, first, true);
    s->now += 10;
    sim_decide(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = first}), 0);
    sim_pass(s, 1000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = first, .available = true}), 1);
    sim_free(s);
}

/* What still stops counts as running. */
static void test_job__room_for_another_is_when_one_has_stopped(void **state)
{
    struct spec_service *w = job_spec("good", 3);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct sim *s;

    w->run.max_concurrent = 1;
    s = applied(3, w);
    assert_true(sim_task_in(s, "web", 0, id, node));
    sim_policy(s, node, false, true);
    sim_decide(s);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 1);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 0);
    sim_settle(s);
    assert_int_equal(running(s), 1);
    sim_free(s);
}

/* What has succeeded has, wherever its node is now. */
static void test_job__a_success_outlives_its_node(void **state)
{
    struct sim *s = applied(3, job_spec("good", 3));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    int64_t made;

    assert_true(sim_task_in(s, "web", 1, id, node));
    ends(s, 1, 0);
    made = sim_attempts(s, "web");
    sim_alive(s, node, false);
    sim_pass(s, 10000);
    assert_run(s, 1, "running 1/3 0");
    assert_int_equal(sim_attempts(s, "web"), made);
    sim_free(s);
}

/* Behaviours 15, 18. */
static void test_job__without_room_it_waits_with_the_reason(void **state)
{
    struct spec_service *w = job_spec("good", 1);
    struct sim *s;

    w->limits.memory = 9000 * SIM_MIB;
    s = applied(1, w);
    assert_run(s, 1, "running 0/1 0");
    assert_non_null(strstr(rollout(s)->pending.at[0].reason, "short"));
    sim_node(s, 8, 16000);
    sim_pass(s, 1000);
    assert_int_equal(running(s), 1);
    sim_free(s);
}

static void test_job__a_new_leader_goes_on_where_the_old_one_was(void **state)
{
    struct spec_service *w = job_spec("good", 4);
    struct sim *s;

    w->run.max_concurrent = 2;
    s = applied(2, w);
    ends(s, 0, 0);
    ends(s, 1, 7);
    sim_pass(s, 1000);
    sim_new_leader(s);
    sim_pass(s, 1000);
    assert_run(s, 1, "running 1/4 0");
    assert_int_equal(running(s), 2);
    ends(s, 3, 0);
    ends(s, 2, 0);
    ends(s, 1, 0);
    assert_run(s, 1, "succeeded 4/4 1");
    sim_new_leader(s);
    sim_pass(s, 100000);
    assert_run(s, 1, "succeeded 4/4 1");
    sim_free(s);
}

/* ---- runs */

static void bump(struct sim *s, int64_t n, struct spec_service *w)
{
    orc_auto_free char *value = orc_printf("%lld", (long long)n);

    spec_pairs_add(&w->environment, "V", value);
    sim_apply(s, "shop", n, w);
    sim_settle(s);
}

/* Behaviour 52. */
static void test_job__a_new_revision_begins_a_new_run(void **state)
{
    struct sim *s = applied(2, job_spec("good", 2));

    bump(s, 2, job_spec("good", 2));
    sim_pass(s, 1000);
    assert_int_equal(run_at(s, 1)->state, RUN_STOPPED);
    assert_string_equal(run_at(s, 1)->reason, "revision 2");
    assert_run(s, 2, "running 0/2 0");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1}), 0);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 2);
    sim_free(s);
}

/* One run at a time: the next waits until the last task of the one before has stopped. */
static void test_job__two_runs_never_overlap(void **state)
{
    struct sim *s = applied(2, job_spec("good", 2));

    sim_restart(s, "shop", "web", 1);
    sim_decide(s);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 0);
    assert_non_null(strstr(rollout(s)->reason, "must stop first"));
    sim_pass(s, 1000);
    assert_int_equal(running(s), 2);
    assert_run(s, 2, "running 0/2 0");
    assert_null(rollout(s)->reason);
    sim_free(s);
}

static void test_job__a_restart_begins_a_new_run_of_what_has_ended(void **state)
{
    struct sim *s = applied(2, job_spec("exit0", 2));

    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 1000);
    assert_run(s, 2, "succeeded 2/2 0");
    assert_int_equal(run_at(s, 0)->epoch, 1);
    assert_int_equal(rollout(s)->restart_epoch, 1);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviours 13, 43. */
static void test_job__as_many_results_are_kept_as_are_asked_for(void **state)
{
    struct spec_service *w = job_spec("exit0", 1);
    struct sim *s;

    w->run.keep = 3;
    s = applied(1, w);
    for (int i = 1; i <= 10; i++) {
        sim_restart(s, "shop", "web", i);
        sim_pass(s, 1000);
    }
    assert_int_equal(rollout(s)->runs.n, 3);
    assert_run(s, 11, "succeeded 1/1 0");
    assert_int_equal(run_at(s, 2)->n, 9);
    sim_pass(s, 200000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), JOB_TASKS_KEPT);
    sim_free(s);
}

/* ---- changes of mode, removal */

static void test_job__from_a_service_to_a_job_and_back(void **state)
{
    struct sim *s = sim_of(2);

    sim_apply(s, "shop", 1, sim_spec("web", 2, "good"));
    sim_pass(s, 60000);
    sim_apply(s, "shop", 2, job_spec("good", 3));
    sim_decide(s);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 2);
    sim_pass(s, 10000);
    assert_run(s, 1, "running 0/3 0");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 3);
    ends(s, 0, 0);
    sim_apply(s, "shop", 3, sim_spec("web", 2, "good"));
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 3, NULL);
    assert_int_equal(rollout(s)->runs.n, 0);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 3, .available = true}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 2);
    sim_free(s);
}

/* The container is another one, so what ended as a job does not count as a replica that has ended well. */
static void test_job__an_ended_task_holds_no_slot_of_a_service(void **state)
{
    struct sim *s = applied(2, job_spec("exit0", 1));
    struct spec_service *w = sim_spec("web", 1, "good");

    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 1);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* Behaviour 40. */
static void test_job__removing_it_leaves_nothing(void **state)
{
    struct sim *s = applied(2, job_spec("good", 2));

    ends(s, 0, 0);
    sim_rm(s, "shop");
    sim_pass(s, 200000);
    assert_int_equal(sim_keys(s, KEY_TASK) + sim_keys(s, KEY_ROLLOUT), 0);
    sim_free(s);
}

static void test_job__removed_and_back_at_once_runs_again(void **state)
{
    struct sim *s = applied(2, job_spec("exit0", 2));

    sim_pass(s, 1000);
    sim_rm(s, "shop");
    sim_decide(s);
    sim_apply(s, "shop", 1, job_spec("exit0", 2));
    sim_pass(s, 10000);
    assert_run(s, 2, "succeeded 2/2 0");
    sim_free(s);
}

/* An override that `orc scale` once set counts for replicas, not for completions. */
static void test_job__an_earlier_scale_does_not_count(void **state)
{
    struct sim *s = applied(2, job_spec("exit0", 2));

    sim_scale(s, "shop", "web", 9);
    sim_pass(s, 1000);
    assert_run(s, 1, "succeeded 2/2 0");
    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 1000);
    assert_run(s, 2, "succeeded 2/2 0");
    sim_free(s);
}

static void test_job__a_revision_that_cant_be_read_stops_nothing(void **state)
{
    struct sim *s = applied(2, job_spec("good", 2));
    int64_t made = sim_attempts(s, "web");

    sim_put(s, key_revision(SIM_CLUSTER, "shop", "web", 1), orc_strdup("{"));
    sim_pass(s, 100000);
    sim_new_leader(s);
    sim_pass(s, 100000);
    assert_int_equal(running(s), 2);
    assert_int_equal(sim_attempts(s, "web"), made);
    assert_run(s, 1, "running 0/2 0");
    sim_free(s);
}

/* ---- global jobs */

static struct spec_service *global_job(const char *image)
{
    struct spec_service *w = job_spec(image, SPEC_REPLICAS_DEFAULT);

    w->global = true;
    return w;
}

/* Behaviour 30. */
static void test_global_job__once_on_each_node(void **state)
{
    struct sim *s = sim_of(4);

    sim_policy(s, "k4", true, false);
    sim_apply(s, "shop", 1, global_job("good"));
    sim_settle(s);
    assert_run(s, 1, "running 0/3 0");
    for (int i = 0; i < 3; i++)
        ends(s, i, 0);
    assert_run(s, 1, "succeeded 3/3 0");
    sim_policy(s, "k4", false, false); /* the next run has it */
    sim_pass(s, 1000);
    assert_run(s, 1, "succeeded 3/3 0");
    sim_restart(s, "shop", "web", 1);
    sim_settle(s);
    assert_run(s, 2, "running 0/4 0");
    sim_free(s);
}

/* Behaviour 30: who joins while it runs takes part, who goes does not hold it up. */
static void test_global_job__follows_joins_and_leaves_while_it_runs(void **state)
{
    struct sim *s = applied(3, global_job("good"));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    ends(s, 0, 0);
    sim_node(s, 8, 8000);
    sim_settle(s);
    assert_run(s, 1, "running 1/4 0");
    assert_int_equal(sim_count(s, (struct sim_want){.node = "k4", .available = true}), 1);
    assert_true(sim_task_in(s, "web", 1, id, node));
    sim_policy(s, node, false, true);
    sim_pass(s, 1000);
    assert_run(s, 1, "running 1/3 0");
    assert_int_equal(sim_count(s, (struct sim_want){.node = node, .available = true}), 0);
    assert_true(sim_task_in(s, "web", 2, id, node));
    sim_alive(s, node, false);
    sim_pass(s, 10000);
    assert_run(s, 1, "running 1/2 0");
    ends(s, 3, 0);
    assert_run(s, 1, "succeeded 2/2 0");
    sim_free(s);
}

static void test_global_job__a_failure_is_tried_again_on_its_node(void **state)
{
    struct sim *s = applied(2, global_job("good"));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], again[KEY_NAME_MAX + 1];

    assert_true(sim_task_in(s, "web", 1, id, node));
    ends(s, 1, 1);
    sim_pass(s, 1000);
    assert_true(sim_task_in(s, "web", 1, id, again));
    assert_string_equal(node, again);
    assert_run(s, 1, "running 0/2 1");
    ends(s, 0, 0);
    ends(s, 1, 0);
    assert_run(s, 1, "succeeded 2/2 1");
    sim_free(s);
}

/* Behaviour 22. */
static void test_global_job__without_a_node_it_waits_for_one(void **state)
{
    struct sim *s = sim_of(1);

    sim_policy(s, "k1", false, true);
    sim_apply(s, "shop", 1, global_job("exit0"));
    sim_pass(s, 1000);
    assert_run(s, 1, "running 0/0 0");
    assert_rollout(s, "shop", "web", "updating", 1, "no server takes it");
    sim_node(s, 8, 8000);
    sim_pass(s, 1000);
    assert_run(s, 1, "succeeded 1/1 0");
    sim_free(s);
}

static void test_global_job__max_concurrent_holds(void **state)
{
    struct spec_service *w = global_job("good");
    struct sim *s;

    w->run.max_concurrent = 2;
    s = applied(5, w);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(running(s), 5 - i < 2 ? 5 - i : 2);
        ends(s, i, 0);
    }
    assert_run(s, 1, "succeeded 5/5 0");
    sim_free(s);
}

/* ---- services that wait for a job */

static struct spec_service *after_migration(int64_t n)
{
    struct spec_service *w = sim_spec("api", 2, "good");
    orc_auto_free char *value = orc_printf("%lld", (long long)n);

    spec_pairs_add(&w->environment, "V", value);
    *orc_vec_add(&w->depends_on) = (struct spec_depend){orc_strdup("web"), SPEC_DEPENDS_COMPLETED};
    return w;
}

static int api(struct sim *s, int64_t revision)
{
    return sim_count(s, (struct sim_want){.service = "api", .revision = revision, .available = true});
}

static void test_depends__the_first_deployment_waits_until_the_job_has_completed(void **state)
{
    struct sim *s = sim_of(2);

    sim_apply(s, "shop", 1, after_migration(1));
    sim_apply(s, "shop", 1, job_spec("good", 1));
    sim_pass(s, 10000);
    assert_int_equal(api(s, 1), 0);
    assert_string_equal(sim_rollout(s, "shop", "api")->pending.at[0].reason, "shop/web must complete first");
    ends(s, 0, 0);
    sim_pass(s, 10000);
    assert_int_equal(api(s, 1), 2);
    assert_rollout(s, "shop", "api", "complete", 1, NULL);
    sim_free(s);
}

/* A migration and what needs it are applied together: the old version serves until it is through. */
static void test_depends__an_update_waits_for_the_jobs_new_run(void **state)
{
    struct sim *s = sim_of(2);
    struct spec_service *w = job_spec("good", 1);

    w->run.retries = 0;
    sim_apply(s, "shop", 1, job_spec("exit0", 1));
    sim_apply(s, "shop", 1, after_migration(1));
    sim_pass(s, 60000);
    sim_apply(s, "shop", 2, after_migration(2));
    bump(s, 2, w);
    sim_pass(s, 10000);
    assert_int_equal(api(s, 1), 2);
    assert_string_equal(sim_rollout(s, "shop", "api")->pending.at[0].reason, "shop/web must complete first");
    ends(s, 0, 1);
    sim_pass(s, 10000);
    assert_int_equal(api(s, 1), 2);
    assert_string_equal(sim_rollout(s, "shop", "api")->pending.at[0].reason,
                        "shop/web must complete first, and has failed");
    bump(s, 3, job_spec("exit0", 1));
    sim_pass(s, 60000);
    assert_int_equal(api(s, 2), 2);
    assert_rollout(s, "shop", "api", "complete", 2, NULL);
    sim_free(s);
}

/* ... and what is lost meanwhile is replaced. */
static void test_depends__a_job_that_runs_again_stops_no_repair(void **state)
{
    struct sim *s = sim_of(3);

    sim_apply(s, "shop", 1, job_spec("exit0", 1));
    sim_apply(s, "shop", 1, after_migration(1));
    sim_pass(s, 60000);
    bump(s, 2, job_spec("good", 1));
    sim_turn(s, "api", 0, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_pass(s, 10000);
    assert_int_equal(api(s, 1), 2);
    sim_free(s);
}

/* ---- a property */

static void act(struct sim *s, int *epoch)
{
    char node[16];

    snprintf(node, sizeof node, "k%d", 1 + (int)(sim_random(s) % 4));
    switch (sim_random(s) % 9) {
    case 0:
        sim_alive(s, node, !sim_node_is_alive(s, node));
        break;
    case 1:
        sim_policy(s, node, sim_chance(s, 3), sim_chance(s, 3));
        break;
    case 2:
        sim_new_leader(s);
        break;
    case 3:
        if (sim_chance(s, 6))
            sim_restart(s, "shop", "web", ++*epoch);
        break;
    case 4:
        s->refuse = !s->refuse;
        break;
    default:
        s->now += sim_random(s) % 2000;
    }
}

struct tally {
    int held;                         /* containers that run, or may */
    int done[8];                      /* by slot: tasks of the newest run that ended well, all told */
    char seen[512][KEY_TASK_MAX + 1]; /* their ids */
    int n_seen;
};

static void tally_task(struct tally *y, struct sim *s, const struct sim_kv *kv, int64_t n)
{
    const struct record_task *t = sim_task_of(kv);
    const struct record_status *st = sim_status_of(s, kv);

    y->held += !(st && st->state >= TASK_STOPPED) && sim_find(s, kv->alive_key) && t->desired == TASK_RUN;
    if (!st || st->state != TASK_STOPPED || st->exit_code != 0 || t->desired != TASK_RUN ||
        t->restart_epoch != n)
        return;
    for (int i = 0; i < y->n_seen; i++)
        if (strcmp(y->seen[i], kv->parsed.task) == 0)
            return;
    assert_true(y->n_seen < 512);
    snprintf(y->seen[y->n_seen++], KEY_TASK_MAX + 1, "%s", kv->parsed.task);
    y->done[t->slot]++;
}

/* Containers end with a chance of 1 in 3, one in four of them badly. */
static void containers_end(struct sim *s)
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);
        struct record_status st = {0};

        if (!t || !sim_find(s, kv->alive_key) || !sim_chance(s, 3) ||
            !sim_status_copy(s, kv->parsed.node, kv->parsed.task, &st))
            continue;
        if (st.state == TASK_RUNNING && t->desired == TASK_RUN) {
            st.exit_code = sim_chance(s, 4);
            st.state = st.exit_code ? TASK_FAILED : TASK_STOPPED;
            st.health = TASK_UNKNOWN;
            sim_status(s, kv->parsed.node, kv->parsed.task, &st);
        }
        record_status_release(&st);
    }
}

static void run_seed(uint64_t seed, bool faults)
{
    struct spec_service *w = job_spec("good", 8);
    struct tally y = {0};
    struct sim *s = sim_of(4);
    int epoch = 0;

    s->random = seed;
    w->run.max_concurrent = 3;
    w->run.retries = SPEC_RETRIES_ANY;
    sim_apply(s, "shop", 1, w);
    for (int i = 0; i < 200; i++) {
        struct sim_kv *kv, *next;
        orc_auto_free char *text = NULL;

        HASH_ITER (hh, s->kvs, kv, next)
            if (sim_task_of(kv))
                tally_task(&y, s, kv, 1);
        y.held = 0;
        text = sim_step(s);
        HASH_ITER (hh, s->kvs, kv, next)
            if (sim_task_of(kv))
                tally_task(&y, s, kv, 1);
        if (y.held > 3)
            fail_msg("seed %llu: %d tasks at once", (unsigned long long)seed, y.held);
        sim_act(s);
        containers_end(s);
        if (faults)
            act(s, &epoch);
        else
            s->now += 500;
    }
    s->refuse = false;
    for (int k = 1; k <= 4; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        if (!sim_node_is_alive(s, node))
            sim_alive(s, node, true);
        sim_policy(s, node, false, false);
    }
    for (int i = 0; i < 400 && !(rollout(s) && rollout(s)->state == ROLLOUT_COMPLETE); i++) {
        sim_pass(s, 1000);
        containers_end(s);
    }
    assert_int_equal(run_at(s, 0)->state, RUN_SUCCEEDED);
    assert_int_equal(run_at(s, 0)->completed, 8);
    for (int i = 0; i < 8 && !faults; i++)
        if (y.done[i] != 1)
            fail_msg("seed %llu: slot %d completed %d times", (unsigned long long)seed, i, y.done[i]);
    sim_free(s);
}

/* Property: each slot completes exactly once where nothing interferes, and in any case in the end; never
 * more than max_concurrent at once. */
static void test_job__property_all_complete_and_never_too_many_at_once(void **state)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        run_seed(seed, false);
        run_seed(seed, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_job__each_slot_completes_once),
        cmocka_unit_test(test_job__it_runs_until_it_ends),
        cmocka_unit_test(test_job__no_more_than_max_concurrent_at_once),
        cmocka_unit_test(test_job__more_completions_than_a_transaction_has_room_for),
        cmocka_unit_test(test_job__none_wanted_is_done_at_once),
        cmocka_unit_test(test_job__a_failure_is_tried_again),
        cmocka_unit_test(test_job__too_many_failures_fail_the_run),
        cmocka_unit_test(test_job__without_tries_the_first_failure_is_the_end),
        cmocka_unit_test(test_job__tried_for_ever_with_a_delay_that_doubles),
        cmocka_unit_test(test_job__a_missing_image_is_a_failure),
        cmocka_unit_test(test_job__a_container_deleted_behind_our_back_is_tried_again),
        cmocka_unit_test(test_job__what_was_told_to_stop_has_not_succeeded),
        cmocka_unit_test(test_job__a_lost_node_is_no_failure),
        cmocka_unit_test(test_job__an_earlier_try_must_have_stopped),
        cmocka_unit_test(test_job__room_for_another_is_when_one_has_stopped),
        cmocka_unit_test(test_job__a_success_outlives_its_node),
        cmocka_unit_test(test_job__without_room_it_waits_with_the_reason),
        cmocka_unit_test(test_job__a_new_leader_goes_on_where_the_old_one_was),
        cmocka_unit_test(test_job__a_new_revision_begins_a_new_run),
        cmocka_unit_test(test_job__two_runs_never_overlap),
        cmocka_unit_test(test_job__a_restart_begins_a_new_run_of_what_has_ended),
        cmocka_unit_test(test_job__as_many_results_are_kept_as_are_asked_for),
        cmocka_unit_test(test_job__from_a_service_to_a_job_and_back),
        cmocka_unit_test(test_job__an_ended_task_holds_no_slot_of_a_service),
        cmocka_unit_test(test_job__removing_it_leaves_nothing),
        cmocka_unit_test(test_job__removed_and_back_at_once_runs_again),
        cmocka_unit_test(test_job__an_earlier_scale_does_not_count),
        cmocka_unit_test(test_job__a_revision_that_cant_be_read_stops_nothing),
        cmocka_unit_test(test_global_job__once_on_each_node),
        cmocka_unit_test(test_global_job__follows_joins_and_leaves_while_it_runs),
        cmocka_unit_test(test_global_job__a_failure_is_tried_again_on_its_node),
        cmocka_unit_test(test_global_job__without_a_node_it_waits_for_one),
        cmocka_unit_test(test_global_job__max_concurrent_holds),
        cmocka_unit_test(test_depends__the_first_deployment_waits_until_the_job_has_completed),
        cmocka_unit_test(test_depends__an_update_waits_for_the_jobs_new_run),
        cmocka_unit_test(test_depends__a_job_that_runs_again_stops_no_repair),
        cmocka_unit_test(test_job__property_all_complete_and_never_too_many_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
