/* Jobs from run to run: new revisions, restarts, other modes, one on each node, and those who wait for them
 * (scheduler/job, scheduler/reconcile_heal). */
#include "tests/unit/job_cluster.h"

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

/* A slot that was completed on a server that is no more is nobody else's. */
static void test_global_job__a_joining_node_has_a_slot_of_its_own(void **state)
{
    struct sim *s = applied(3, global_job("good"));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    assert_true(sim_task_in(s, "web", 2, id, node));
    ends(s, 2, 0);
    sim_del(s, key_task(SIM_CLUSTER, node, id));
    sim_del(s, key_status(SIM_CLUSTER, node, id));
    sim_del(s, key_alive(SIM_CLUSTER, node));
    sim_del(s, key_node(SIM_CLUSTER, node));
    sim_node(s, 8, 8000);
    sim_settle(s);
    assert_run(s, 1, "running 1/4 0");
    assert_true(sim_task_in(s, "web", 3, id, node));
    assert_string_equal(node, "k4");
    for (int slot = 0; slot < 4; slot++)
        if (slot != 2)
            ends(s, slot, 0);
    assert_run(s, 1, "succeeded 4/4 0");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(test_global_job__a_joining_node_has_a_slot_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
