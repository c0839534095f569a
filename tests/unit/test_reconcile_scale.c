/* How many, which slots, and what is left in peace. */
#include "tests/sim/sim.h"

static struct sim *running(int nodes, int replicas)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), replicas);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    return s;
}

static void assert_slots(struct sim *s, const char *want)
{
    orc_auto_free char *map = sim_map(s, "web");
    struct orc_buf slots = ORC_BUF_INIT(1000);

    for (char *p = map; *p;) {
        orc_buf_printf(&slots, "%s%d", slots.len ? " " : "", atoi(p));
        p += strcspn(p, " ");
        p += *p == ' ';
    }
    assert_string_equal(orc_buf_str(&slots), want);
    orc_buf_release(&slots);
}

/* Behaviour 35. */
static void test_scale__the_count_is_exact_and_slots_count_from_zero(void **state)
{
    struct sim *s = running(3, 5);

    assert_slots(s, "0 1 2 3 4");
    sim_scale(s, "shop", "web", 7);
    sim_settle(s);
    assert_slots(s, "0 1 2 3 4 5 6");
    sim_free(s);
}

/* Behaviour 36. */
static void test_scale__only_missing_slots_are_filled(void **state)
{
    struct sim *s = running(3, 4);
    orc_auto_free char *text = NULL;
    char *others;

    sim_turn(s, "web", 2, TASK_FAILED, TASK_UNKNOWN, NULL);
    text = sim_step(s);
    others = strstr(text, "create shop.web.2.");
    assert_non_null(others);
    assert_null(strstr(others + 1, "create "));
    others = strstr(text, "remove shop.web.2.");
    assert_non_null(others);
    assert_null(strstr(others + 1, "remove "));
    assert_true(others >= text && strstr(text, "remove ") == others);
    sim_settle(s);
    assert_slots(s, "0 1 2 3");
    sim_free(s);
}

/* Behaviour 37. */
static void test_scale__down_takes_unplaced_and_not_running_first(void **state)
{
    struct sim *s = sim_of(1);
    struct spec_service *w = sim_spec("web", 5, "good");

    w->limits.memory = 2500 * SIM_MIB; /* three fit */
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 3);
    sim_scale(s, "shop", "web", 3);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 3);
    sim_turn(s, "web", 0, TASK_STARTING, TASK_UNKNOWN, NULL);
    sim_scale(s, "shop", "web", 2);
    sim_settle(s);
    assert_slots(s, "1 2");
    sim_scale(s, "shop", "web", 3); /* the gap is filled again */
    sim_settle(s);
    assert_slots(s, "0 1 2");
    sim_free(s);
}

/* Behaviour 37. */
static void test_scale__down_keeps_the_balance_over_nodes(void **state)
{
    struct sim *s = running(3, 9);

    sim_scale(s, "shop", "web", 3);
    sim_settle(s);
    for (int i = 1; i <= 3; i++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", i);
        assert_int_equal(sim_count(s, (struct sim_want){.node = node}), 1);
    }
    sim_free(s);
}

/* Behaviour 38. */
static void test_scale__zero_stops_all_and_keeps_the_service(void **state)
{
    struct sim *s = running(3, 4);

    sim_scale(s, "shop", "web", 0);
    sim_settle(s);
    assert_slots(s, "");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_scale(s, "shop", "web", 2);
    sim_settle(s);
    assert_slots(s, "0 1");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviour 39. */
static void test_scale__down_counts_lost_ones_first(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("web", 6, "good");
    int64_t made;

    for (int i = 0; i < 3; i++)
        sim_node(s, 8, 1000);
    w->limits.memory = 400 * SIM_MIB; /* two a node: the lost ones find no room */
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 4);
    assert_int_equal(sim_count(s, (struct sim_want){.node = "k2"}), 2); /* they wait for a place */
    made = sim_attempts(s, "web");
    sim_scale(s, "shop", "web", 4);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 4);
    assert_int_equal(sim_count(s, (struct sim_want){.node = "k2"}), 0);
    assert_int_equal(sim_attempts(s, "web"), made); /* the four are those that were there */
    sim_free(s);
}

/* Behaviour 40. */
static void test_scale__a_removed_service_leaves_nothing(void **state)
{
    struct sim *s = running(3, 4);

    sim_rm(s, "shop");
    sim_settle(s);
    assert_slots(s, "");
    assert_rollout(s, "shop", "web", "removing", 1, NULL);
    sim_pass(s, 70000);
    assert_int_equal(sim_keys(s, KEY_TASK), 0);
    assert_int_equal(sim_keys(s, KEY_STATUS), 0);
    assert_int_equal(sim_keys(s, KEY_ROLLOUT), 0);
    sim_free(s);
}

static void test_scale__a_service_removed_and_wanted_again_starts_anew(void **state)
{
    struct sim *s = running(3, 2);

    sim_rm(s, "shop");
    sim_decide(s);
    sim_apply(s, "shop", 1, sim_spec("web", 2, "good"));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 2);
    assert_slots(s, "0 1");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_scale__a_large_service_is_made_in_several_transactions(void **state)
{
    struct sim *s = sim_new();

    for (int i = 0; i < 100; i++)
        sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, sim_spec("web", 300, "good"));
    sim_pass(s, 10000);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 300);
    sim_scale(s, "shop", "web", 1);
    sim_pass(s, 10000);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 1);
    sim_free(s);
}

/* Behaviours 41, 58. */
static void test_scale__a_change_that_needs_no_new_container_restarts_none(void **state)
{
    struct sim *s = running(3, 3);
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;
    struct spec_service *w = sim_spec("web", 3, "good");

    w->update.parallelism = 2;
    w->drain_timeout_ms = 1000;
    sim_apply(s, "shop", 2, w);
    sim_settle(s);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* Behaviour 43. */
static void test_scale__finished_tasks_are_collected_when_their_address_has_rested(void **state)
{
    struct sim *s = running(1, 2);

    sim_sicken(s, "web", 0);
    sim_settle(s);
    assert_int_equal(sim_keys(s, KEY_TASK), 3);
    sim_pass(s, 59000);
    assert_int_equal(sim_keys(s, KEY_TASK), 3);
    sim_pass(s, 2000);
    assert_int_equal(sim_keys(s, KEY_TASK), 2);
    assert_int_equal(sim_keys(s, KEY_STATUS), 2);
    sim_free(s);
}

static void test_scale__an_address_rests_before_it_is_used_again(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 1000, 1000000);
    sim_apply(s, "shop", 1, sim_spec("web", 253, "good")); /* every address there is */
    sim_pass(s, 10000);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 253);
    sim_sicken(s, "web", 7);
    sim_pass(s, 30000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}),
                     253); /* no place for another: it stays */
    sim_scale(s, "shop", "web", 252);
    sim_pass(s, 10000);
    sim_scale(s, "shop", "web", 253);
    sim_pass(s, 40000);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 252);
    sim_pass(s, 20000);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 253);
    sim_free(s);
}

/* Behaviour 68. */
static void test_scale__what_ended_well_stays_ended_by_its_policy(void **state)
{
    struct sim *s = sim_of(1);
    struct spec_service *w = sim_spec("web", 2, "exit0");

    w->restart = SPEC_RESTART_ON_FAILURE;
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 600000);
    assert_int_equal(sim_keys(s, KEY_TASK), 2);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviour 68. */
static void test_scale__what_ended_badly_and_may_not_restart_stays_and_is_told(void **state)
{
    struct sim *s = sim_of(1);
    struct spec_service *w = sim_spec("web", 1, "exit1");

    w->restart = SPEC_RESTART_NO;
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 600000);
    assert_int_equal(sim_keys(s, KEY_TASK), 1);
    assert_rollout(s, "shop", "web", "paused", 1, " on k1 failed: exit code 1");
    sim_free(s);
}

/* Behaviour 33. */
static void test_scale__a_plan_refused_at_commit_is_decided_again(void **state)
{
    struct sim *s = sim_of(2);

    sim_apply(s, "shop", 1, sim_spec("web", 2, "good"));
    s->refuse = true;
    sim_decide(s);
    assert_int_equal(sim_keys(s, KEY_TASK), 0);
    s->refuse = false;
    sim_settle(s);
    assert_slots(s, "0 1");
    sim_free(s);
}

/* Behaviour 34. */
static void test_scale__a_task_of_a_node_that_was_removed_is_cleaned_up(void **state)
{
    struct sim *s = running(2, 4);

    sim_alive(s, "k2", false);
    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    sim_pass(s, 10000);
    assert_int_equal(sim_count(s, (struct sim_want){.node = "k1", .available = true}), 4);
    assert_int_equal(sim_keys(s, KEY_TASK), 4);
    assert_int_equal(sim_keys(s, KEY_STATUS), 4);
    sim_free(s);
}

static void test_scale__a_status_without_a_task_is_collected(void **state)
{
    struct sim *s = running(1, 1);
    struct record_status st = {.state = TASK_REMOVED, .exit_code = -1};

    sim_status(s, "k1", "shop.web.0.77", &st);
    sim_settle(s);
    assert_int_equal(sim_keys(s, KEY_STATUS), 1);
    sim_free(s);
}

static void test_scale__attempts_are_never_used_twice(void **state)
{
    struct sim *s = running(1, 1);
    int64_t first = sim_attempts(s, "web"), second;

    sim_turn(s, "web", 0, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_settle(s);
    sim_new_leader(s);
    sim_turn(s, "web", 0, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_pass(s, 20000);
    second = sim_attempts(s, "web");
    assert_int_equal(second, first + 2);
    sim_rm(s, "shop");
    sim_pass(s, 100000);
    assert_int_equal(sim_keys(s, KEY_ROLLOUT), 0);
    sim_apply(s, "shop", 1, sim_spec("web", 1, "good")); /* nobody remembers the first */
    sim_settle(s);
    assert_true(sim_attempts(s, "web") > second);
    sim_free(s);
}

static struct spec_service *with_volume(const char *name, int replicas)
{
    struct spec_service *w = sim_spec(name, replicas, "good");
    struct spec_mount *m = orc_vec_add(&w->mounts);

    *m = (struct spec_mount){
        .kind = SPEC_MOUNT_VOLUME, .source = orc_strdup("data"), .target = orc_strdup("/data")};
    return w;
}

/* Behaviour 96. */
static void test_scale__a_slot_with_a_volume_stays_on_its_node(void **state)
{
    struct sim *s = sim_of(3);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], again[KEY_NAME_MAX + 1];

    sim_apply(s, "shop", 1, with_volume("web", 1));
    sim_settle(s);
    assert_true(sim_task_in(s, "web", 0, id, node));
    sim_scale(s, "shop", "web", 0);
    sim_pass(s, 300000); /* long after everything else about it was collected */
    sim_apply(s, "shop", 1, sim_spec("other", 4, "good"));
    sim_pass(s, 1000);
    sim_scale(s, "shop", "web", 1);
    sim_settle(s);
    assert_true(sim_task_in(s, "web", 0, id, again));
    assert_string_equal(node, again);
    sim_alive(s, node, false);
    sim_pass(s, 60000);
    assert_true(sim_task_in(s, "web", 0, id, again)); /* not moved: its data is there */
    assert_string_equal(node, again);
    assert_rollout(s, "shop", "web", "healing", 1, "its volume is on");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale__the_count_is_exact_and_slots_count_from_zero),
        cmocka_unit_test(test_scale__only_missing_slots_are_filled),
        cmocka_unit_test(test_scale__down_takes_unplaced_and_not_running_first),
        cmocka_unit_test(test_scale__down_keeps_the_balance_over_nodes),
        cmocka_unit_test(test_scale__zero_stops_all_and_keeps_the_service),
        cmocka_unit_test(test_scale__down_counts_lost_ones_first),
        cmocka_unit_test(test_scale__a_removed_service_leaves_nothing),
        cmocka_unit_test(test_scale__a_service_removed_and_wanted_again_starts_anew),
        cmocka_unit_test(test_scale__a_large_service_is_made_in_several_transactions),
        cmocka_unit_test(test_scale__a_change_that_needs_no_new_container_restarts_none),
        cmocka_unit_test(test_scale__finished_tasks_are_collected_when_their_address_has_rested),
        cmocka_unit_test(test_scale__an_address_rests_before_it_is_used_again),
        cmocka_unit_test(test_scale__what_ended_well_stays_ended_by_its_policy),
        cmocka_unit_test(test_scale__what_ended_badly_and_may_not_restart_stays_and_is_told),
        cmocka_unit_test(test_scale__a_plan_refused_at_commit_is_decided_again),
        cmocka_unit_test(test_scale__a_task_of_a_node_that_was_removed_is_cleaned_up),
        cmocka_unit_test(test_scale__a_status_without_a_task_is_collected),
        cmocka_unit_test(test_scale__attempts_are_never_used_twice),
        cmocka_unit_test(test_scale__a_slot_with_a_volume_stays_on_its_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
