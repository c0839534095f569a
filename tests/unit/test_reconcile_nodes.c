/* Nodes that fall silent and return; health that fails (scheduler/reconcile). */
#include "tests/sim/sim.h"

static struct sim *running(int nodes, int replicas, enum spec_order order)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("web", replicas, "good");

    for (int i = 0; i < nodes; i++)
        sim_node(s, 8, 8000);
    w->update.order = order;
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 120000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    return s;
}

static int on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.node = node});
}

static int64_t attempts(struct sim *s)
{
    return sim_attempts(s, "web");
}

/* ---- lost nodes */

/* Behaviour 75. */
static void test_nodes__a_node_is_given_up_after_its_grace_and_not_before(void **state)
{
    struct sim *s = running(3, 6, SPEC_STOP_FIRST);
    int64_t made = attempts(s);

    sim_alive(s, "k2", false);
    sim_pass(s, 2900);
    assert_int_equal(on(s, "k2"), 2);
    assert_int_equal(attempts(s), made);
    assert_rollout(s, "shop", "web", "healing", 1, "node k2 does not answer");
    sim_pass(s, 200);
    assert_int_equal(on(s, "k2"), 0);
    assert_int_equal(sim_available(s, "web"), 6);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviours 75, 76. */
static void test_nodes__a_short_hiccup_replaces_nothing(void **state)
{
    struct sim *s = running(3, 6, SPEC_STOP_FIRST);
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    for (int i = 0; i < 5; i++) {
        sim_alive(s, "k2", false);
        sim_pass(s, 2000);
        sim_alive(s, "k2", true);
        sim_pass(s, 2000);
    }
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviour 77. */
static void test_nodes__two_of_ten_lost_two_replaced_eight_untouched(void **state)
{
    struct sim *s = running(10, 10, SPEC_STOP_FIRST);
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;
    int64_t made = attempts(s);
    int same = 0;

    sim_alive(s, "k3", false);
    sim_alive(s, "k7", false);
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 10);
    assert_int_equal(attempts(s), made + 2);
    after = sim_map(s, "web");
    for (const char *a = before, *b = after; *a; a += *a == ' ', b += *b == ' ') {
        size_t n = strcspn(a, " "), m = strcspn(b, " ");

        same += n == m && strncmp(a, b, n) == 0;
        a += n;
        b += m;
    }
    assert_int_equal(same, 8);
    sim_free(s);
}

/* Behaviour 78. */
static void test_nodes__on_return_the_surplus_is_stopped_once(void **state)
{
    struct sim *s = running(3, 6, SPEC_STOP_FIRST);
    orc_auto_free char *before = NULL, *after = NULL;

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_int_equal(sim_count(s, (struct sim_want){.node = "k2", .leaving = true}), 2);
    before = sim_map(s, "web");
    sim_alive(s, "k2", true);
    sim_pass(s, 10000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
    assert_int_equal(sim_available(s, "web"), 6);
    sim_free(s);
}

/* Behaviour 19. */
static void test_nodes__room_on_a_lost_node_is_not_free_when_it_returns(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("web", 3, "good"), *other = sim_spec("other", 1, "good");

    for (int i = 0; i < 3; i++)
        sim_node(s, 8, 1000);
    w->limits.memory = other->limits.memory = 500 * SIM_MIB;
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    sim_alive(s, "k2", true);
    sim_decide(s);
    sim_policy(s, "k1", true, false);
    sim_policy(s, "k3", true, false);
    other->replicas = 2;
    sim_apply(s, "shop", 1, other);
    sim_decide(s);
    assert_int_equal(on(s, "k2"), 1); /* the other half is the returned task's until it has stopped */
    sim_settle(s);
    assert_int_equal(on(s, "k2"), 2);
    sim_free(s);
}

static void test_nodes__more_than_half_lost_at_once_moves_nothing_and_says_so(void **state)
{
    struct sim *s = running(5, 10, SPEC_STOP_FIRST);
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL, *later = NULL;

    sim_alive(s, "k1", false);
    sim_pass(s, 1000);
    sim_alive(s, "k2", false);
    sim_pass(s, 1000);
    sim_alive(s, "k3", false);
    sim_pass(s, 60000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_rollout(s, "shop", "web", "healing", 1, "more than half of the nodes were lost at once (3 of 5)");
    sim_alive(s, "k3", true); /* two of five are not too many */
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 10);
    assert_int_equal(on(s, "k1") + on(s, "k2"), 0);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    later = sim_map(s, "web");
    assert_string_not_equal(before, later);
    sim_free(s);
}

static void test_nodes__all_back_after_an_outage_all_is_as_it_was(void **state)
{
    struct sim *s = running(4, 8, SPEC_STOP_FIRST);
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    for (int i = 1; i <= 4; i++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", i);
        sim_alive(s, node, false);
    }
    sim_pass(s, 30000);
    for (int i = 1; i <= 4; i++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", i);
        sim_alive(s, node, true);
        sim_pass(s, 100);
    }
    sim_pass(s, 10000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_nodes__one_after_the_other_may_go_until_one_is_left(void **state)
{
    struct sim *s = running(3, 6, SPEC_STOP_FIRST);

    sim_alive(s, "k1", false);
    sim_pass(s, 10000);
    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k3"), 6);
    assert_int_equal(sim_available(s, "web"), 6);
    sim_free(s);
}

static void test_nodes__a_new_leader_waits_its_own_grace(void **state)
{
    struct sim *s = running(3, 6, SPEC_STOP_FIRST);

    sim_alive(s, "k2", false);
    sim_pass(s, 2500);
    sim_new_leader(s);
    sim_pass(s, 2500);
    assert_int_equal(on(s, "k2"), 2);
    sim_pass(s, 1000);
    assert_int_equal(on(s, "k2"), 0);
    assert_int_equal(sim_available(s, "web"), 6);
    sim_free(s);
}

static void test_nodes__nodes_dead_for_long_do_not_hold_a_new_leader_back(void **state)
{
    struct sim *s = running(5, 5, SPEC_STOP_FIRST);

    for (int i = 1; i <= 3; i++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", i);
        sim_alive(s, node, false);
        sim_pass(s, 10000);
    }
    assert_int_equal(sim_available(s, "web"), 5);
    sim_new_leader(s);
    sim_pass(s, 1000);
    sim_alive(s, "k4", false);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k5"), 5);
    sim_free(s);
}

/* The fewest that were available at any moment. */
static int least_available(struct sim *s, uint64_t ms)
{
    uint64_t end = s->now + ms;
    int least = 1000;

    for (; s->now < end; s->now += 100) {
        int n;

        free(sim_step(s));
        sim_act(s);
        n = sim_count(s, (struct sim_want){.service = "web", .available = true});
        least = n < least ? n : least;
    }
    return least;
}

/* Behaviour 54. Beside what the node took away no more is missing than the update policy allows. */
static void test_nodes__a_node_lost_in_the_middle_of_a_rollout_is_repaired(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int at = 0; at < 8; at++) {
            struct sim *s = running(3, 4, (enum spec_order)order);
            struct spec_service *w = sim_spec("web", 4, "good");
            int taken, least;

            w->update.order = (enum spec_order)order;
            w->stop_grace_period_ms = 5000; /* another container */
            sim_apply(s, "shop", 2, w);
            for (int i = 0; i < at; i++) {
                free(sim_step(s));
                sim_act(s);
            }
            taken = sim_count(s, (struct sim_want){.node = "k2", .available = true});
            sim_alive(s, "k2", false);
            least = least_available(s, 120000);
            if (least < 4 - taken - (order == SPEC_STOP_FIRST))
                fail_msg("%d available after %d steps, where k2 took %d", least, at, taken);
            assert_rollout(s, "shop", "web", "complete", 2, NULL);
            assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 4);
            sim_alive(s, "k2", true);
            sim_pass(s, 120000);
            assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 4);
            assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
            sim_free(s);
        }
}

/* ---- health */

/* Behaviour 64. */
static void test_health__a_sick_task_is_replaced_and_the_count_rises_by_one(void **state)
{
    struct sim *s = running(3, 3, SPEC_STOP_FIRST);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *key = NULL, *reason = NULL;
    const struct record_task *t;

    assert_true(sim_task_in(s, "web", 1, id, node));
    reason = orc_printf("replaces %s: unhealthy: HTTP 503 after 2 ms", id);
    sim_sicken(s, "web", 1);
    sim_settle(s);
    assert_int_equal(sim_available(s, "web"), 3);
    assert_true(sim_task_in(s, "web", 1, id, node));
    key = key_task(SIM_CLUSTER, node, id);
    t = sim_task_of(sim_find(s, key));
    assert_int_equal(t->restarts, 1);
    assert_string_equal(t->reason, reason);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_health__all_sick_at_once_are_restarted_parallelism_at_a_time(void **state)
{
    struct sim *s = running(3, 3, SPEC_STOP_FIRST);
    int most = 0;

    for (int i = 0; i < 3; i++)
        sim_sicken(s, "web", i);
    for (int i = 0; i < 30; i++) {
        int leaving;

        free(sim_step(s));
        leaving = sim_count(s, (struct sim_want){.leaving = true});
        most = leaving > most ? leaving : most;
        sim_act(s);
    }
    assert_int_equal(most, 1);
    assert_int_equal(sim_available(s, "web"), 3);
    sim_free(s);
}

static void test_health__a_sick_one_is_restarted_while_the_others_serve(void **state)
{
    struct sim *s = running(3, 3, SPEC_STOP_FIRST);

    sim_sicken(s, "web", 0);
    for (int i = 0; i < 10; i++) {
        free(sim_step(s));
        assert_in_range(sim_available(s, "web"), 2, 3);
        sim_act(s);
    }
    assert_int_equal(sim_available(s, "web"), 3);
    sim_free(s);
}

static void test_health__one_that_cannot_be_placed_elsewhere_is_not_stopped(void **state)
{
    struct sim *s = running(1, 1, SPEC_STOP_FIRST);

    sim_policy(s, "k1", true, false);
    sim_sicken(s, "web", 0);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k1"), 1);
    assert_rollout(s, "shop", "web", "healing", 1,
                   "and no place to restart it: 0 of 1 node fits: k1: cordoned");
    sim_policy(s, "k1", false, false);
    sim_pass(s, 1000);
    assert_int_equal(sim_available(s, "web"), 1);
    sim_free(s);
}

/* Behaviour 70: the same for what the scheduler replaces */
static void test_health__repeated_failures_back_off_doubling_and_say_so(void **state)
{
    struct sim *s = running(1, 1, SPEC_STOP_FIRST);
    struct sim_image *i, *next;
    uint64_t last = 0, pause[8] = {0};
    int64_t seen = attempts(s);
    int n = 0;

    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "sick");
    sim_sicken(s, "web", 0);
    for (int k = 0; k < 2000 && n < 8; k++) {
        sim_pass(s, 1000);
        if (attempts(s) == seen)
            continue;
        seen = attempts(s);
        if (last)
            pause[n++] = (s->now - last + 500) / 1000;
        last = s->now;
    }
    assert_in_range(pause[0], 9, 11); /* we look once a second */
    assert_in_range(pause[1], 20, 21);
    assert_in_range(pause[2], 40, 41);
    assert_in_range(pause[5], 300, 301); /* the cap */
    assert_in_range(pause[7], 300, 301);
    assert_rollout(s, "shop", "web", "healing", 1, "unhealthy: HTTP 503; failed 10 times in a row");
    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "good");
    sim_pass(s, 310000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_pass(s, 61000); /* and what ran well is forgiven */
    sim_sicken(s, "web", 0);
    sim_settle(s);
    assert_int_equal(sim_available(s, "web"), 1);
    sim_free(s);
}

static void
test_health__one_slot_that_fails_for_ever_does_not_keep_the_others_from_being_restarted(void **state)
{
    struct sim *s = running(3, 3, SPEC_STOP_FIRST);
    struct sim_image *i, *next;

    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "sick");
    sim_sicken(s, "web", 0);
    sim_pass(s, 15000);
    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "good");
    sim_sicken(s, "web", 1);
    sim_settle(s);
    assert_int_equal(sim_available(s, "web"), 2);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes__a_node_is_given_up_after_its_grace_and_not_before),
        cmocka_unit_test(test_nodes__a_short_hiccup_replaces_nothing),
        cmocka_unit_test(test_nodes__two_of_ten_lost_two_replaced_eight_untouched),
        cmocka_unit_test(test_nodes__on_return_the_surplus_is_stopped_once),
        cmocka_unit_test(test_nodes__room_on_a_lost_node_is_not_free_when_it_returns),
        cmocka_unit_test(test_nodes__more_than_half_lost_at_once_moves_nothing_and_says_so),
        cmocka_unit_test(test_nodes__all_back_after_an_outage_all_is_as_it_was),
        cmocka_unit_test(test_nodes__one_after_the_other_may_go_until_one_is_left),
        cmocka_unit_test(test_nodes__a_new_leader_waits_its_own_grace),
        cmocka_unit_test(test_nodes__nodes_dead_for_long_do_not_hold_a_new_leader_back),
        cmocka_unit_test(test_nodes__a_node_lost_in_the_middle_of_a_rollout_is_repaired),
        cmocka_unit_test(test_health__a_sick_task_is_replaced_and_the_count_rises_by_one),
        cmocka_unit_test(test_health__all_sick_at_once_are_restarted_parallelism_at_a_time),
        cmocka_unit_test(test_health__a_sick_one_is_restarted_while_the_others_serve),
        cmocka_unit_test(test_health__one_that_cannot_be_placed_elsewhere_is_not_stopped),
        cmocka_unit_test(test_health__repeated_failures_back_off_doubling_and_say_so),
        cmocka_unit_test(
            test_health__one_slot_that_fails_for_ever_does_not_keep_the_others_from_being_restarted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
