/* Services whose containers end: one run of a job (scheduler/job, scheduler/job_run). */
#include "tests/unit/job_cluster.h"

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

/* Where fewest of its tasks run, though another node is emptier: what has ended does not count, nor what is
 * left of a task that nobody asks for any more. */
static void test_job__the_next_task_goes_where_fewest_run(void **state)
{
    struct spec_service *w = job_spec("good", 6), *other = sim_spec("other", 1, "good");
    char id[KEY_TASK_MAX + 1], loaded[KEY_NAME_MAX + 1], node[KEY_NAME_MAX + 1];
    struct sim *s = sim_of(2);

    other->limits.memory = 4000 * SIM_MIB;
    sim_apply(s, "shop", 1, other);
    sim_pass(s, 60000);
    assert_true(sim_task_in(s, "other", 0, id, loaded));
    w->run.max_concurrent = 2;
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    for (int slot = 1; slot < 4; slot++) {
        assert_true(sim_task_in(s, "web", slot, id, node));
        assert_string_equal(node, loaded);
        if (slot == 2)
            sim_status(s, loaded, "shop.web.9.99",
                       &(struct record_status){.state = TASK_RUNNING, .exit_code = -1});
        ends(s, slot, 0);
    }
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
        cmocka_unit_test(test_job__property_all_complete_and_never_too_many_at_once),
        cmocka_unit_test(test_job__the_next_task_goes_where_fewest_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
