/* What happens in the middle of something else: scaling within a failed rollout, failures within an update,
 * nodes lost by halves. */
#include "tests/sim/sim.h"

struct want {
    int replicas, parallelism;
    enum spec_order order;
    enum spec_failure_action action;
    const char *image;
};

static struct spec_service *spec(struct want w, int64_t revision)
{
    struct spec_service *x = sim_spec("web", w.replicas, w.image ? w.image : "good");
    struct spec_pair *p = orc_vec_add(&x->labels);

    p->key = orc_strdup("version");
    p->value = orc_printf("%lld", (long long)revision);
    x->update.parallelism = w.parallelism ? w.parallelism : 1;
    x->update.order = w.order;
    x->update.failure_action = w.action;
    return x;
}

static void apply(struct sim *s, struct want w, int64_t revision)
{
    sim_apply(s, "shop", revision, spec(w, revision));
}

static struct sim *deployed(int nodes, struct want w)
{
    struct sim *s = sim_of(nodes);

    w.image = NULL;
    apply(s, w, 1);
    sim_pass(s, 120000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    return s;
}

static int available(struct sim *s, int64_t revision)
{
    return sim_count(s, (struct sim_want){.service = "web", .revision = revision, .available = true});
}

static int running(struct sim *s)
{
    return sim_count(s, (struct sim_want){.service = "web"});
}

static enum rollout_state state_of(struct sim *s)
{
    return sim_rollout(s, "shop", "web")->state;
}

static void steps(struct sim *s, int n)
{
    for (int i = 0; i < n; i++) {
        orc_auto_free char *text = sim_step(s);

        sim_act(s);
    }
}

/* ---- scaled meanwhile */

/* At each moment of a rollout that fails and goes back: the old version, as many as were asked for last.
 * Behaviours 48, 57. */
static void test_mixed__a_rollback_of_what_was_scaled_meanwhile_ends_at_that_number(void **state)
{
    static const int to[] = {1, 2, 5, 0};

    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (size_t i = 0; i < ORC_ARRAY_SIZE(to); i++)
            for (int when = 1; when < 16; when++) {
                struct want w = {.replicas = 3,
                                 .image = "sick",
                                 .action = SPEC_ON_FAILURE_ROLLBACK,
                                 .order = (enum spec_order)order};
                struct sim *s = deployed(3, w);

                apply(s, w, 2);
                steps(s, when);
                sim_scale(s, "shop", "web", to[i]);
                sim_pass(s, 300000);
                if (to[i]) /* of none nothing fails any more, if it was in time */
                    assert_rollout(s, "shop", "web", "rolled-back", 1, "revision 2 failed: shop.web.");
                assert_int_equal(available(s, 1), to[i]);
                assert_int_equal(running(s), to[i]);
                assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
                sim_free(s);
            }
}

/* Behaviour 48. */
static void test_mixed__a_rollback_returns_to_the_number_of_the_old_spec(void **state)
{
    static const int numbers[][2] = {{3, 5}, {4, 1}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(numbers); i++) {
        struct want w = {.replicas = numbers[i][0], .action = SPEC_ON_FAILURE_ROLLBACK};
        struct sim *s = deployed(3, w);

        w.replicas = numbers[i][1];
        w.image = "sick";
        apply(s, w, 2);
        sim_pass(s, 300000);
        assert_rollout(s, "shop", "web", "rolled-back", 1, "revision 2 failed");
        assert_int_equal(available(s, 1), numbers[i][0]);
        assert_int_equal(running(s), numbers[i][0]);
        w.image = NULL;
        apply(s, w, 3);
        sim_pass(s, 300000);
        assert_rollout(s, "shop", "web", "complete", 3, NULL);
        assert_int_equal(running(s), numbers[i][1]);
        sim_free(s);
    }
}

/* Behaviours 47, 55. */
static void test_mixed__a_paused_rollout_is_scaled_at_the_old_version(void **state)
{
    struct want w = {.replicas = 3, .image = "missing"};
    struct sim *s = deployed(3, w);

    apply(s, w, 2);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "paused", 2, "no such image");
    sim_scale(s, "shop", "web", 6);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "paused", 2, "no such image");
    assert_int_equal(available(s, 1), 6);
    sim_scale(s, "shop", "web", 2);
    sim_pass(s, 60000);
    assert_int_equal(available(s, 1), 2);
    assert_int_equal(running(s), 2);
    sim_free(s);
}

static void test_mixed__a_service_that_was_rolled_back_is_scaled_at_the_old_version(void **state)
{
    struct want w = {.replicas = 3, .image = "sick", .action = SPEC_ON_FAILURE_ROLLBACK};
    struct sim *s = deployed(3, w);

    apply(s, w, 2);
    sim_pass(s, 300000);
    for (int to = 5; to >= 1; to -= 2) {
        sim_scale(s, "shop", "web", to);
        sim_pass(s, 60000);
        assert_rollout(s, "shop", "web", "rolled-back", 1, "revision 2 failed");
        assert_int_equal(available(s, 1), to);
        assert_int_equal(running(s), to);
    }
    sim_free(s);
}

/* A slot with two tasks, the old one and its successor, both on nodes that don't answer: closed is closed.
 * Behaviour 35. */
static void test_mixed__scaling_down_stops_all_that_a_slot_has(void **state)
{
    struct want w = {.replicas = 3, .parallelism = 3, .order = SPEC_START_FIRST};
    struct sim *s = deployed(2, w);
    orc_auto_free char *text = NULL;

    apply(s, w, 2);
    sim_decide(s);
    assert_int_equal(running(s), 6);
    sim_alive(s, "k1", false);
    sim_alive(s, "k2", false);
    sim_scale(s, "shop", "web", 0);
    text = sim_step(s);
    assert_int_equal(running(s), 0);
    sim_free(s);
}

/* ---- removed meanwhile */

/* Behaviours 40, 52. */
static void test_mixed__a_service_removed_and_applied_again_in_a_rollout_runs_the_last_spec(void **state)
{
    for (int when = 1; when < 12; when++) {
        struct want w = {.replicas = 3, .order = when % 2 ? SPEC_START_FIRST : SPEC_STOP_FIRST};
        struct sim *s = deployed(3, w);

        apply(s, w, 2);
        steps(s, when);
        sim_rm(s, "shop");
        steps(s, 1 + when % 3); /* and before all of it is gone */
        w.replicas = 2;
        apply(s, w, 3);
        sim_pass(s, 300000);
        assert_rollout(s, "shop", "web", "complete", 3, NULL);
        assert_int_equal(available(s, 3), 2);
        assert_int_equal(running(s), 2);
        assert_int_equal(sim_keys(s, KEY_TASK), 2);
        sim_free(s);
    }
}

/* ---- failures within the update policy */

/* However many fail at once, at most `parallelism` of what is unavailable is restarted at a time; what serves
 * is not touched. Behaviours 44, 64. */
static void test_mixed__restarts_after_failed_checks_respect_parallelism(void **state)
{
    for (int p = 1; p <= 4; p++)
        for (int sick = 1; sick <= 6; sick++) {
            struct want w = {
                .replicas = 6, .parallelism = p, .order = p % 2 ? SPEC_STOP_FIRST : SPEC_START_FIRST};
            struct sim *s = deployed(3, w);
            int most = 0;

            for (int i = 0; i < sick; i++)
                sim_sicken(s, "web", i);
            for (int i = 0; i < 60; i++) {
                orc_auto_free char *text = sim_step(s);
                int unready = running(s) - available(s, 0), leaving;

                leaving = sim_count(s, (struct sim_want){.service = "web", .leaving = true});
                most = leaving > most ? leaving : most;
                assert_true(available(s, 0) >= 6 - sick);
                assert_true(unready <= sick);
                sim_act(s);
            }
            assert_int_equal(most, sick < p ? sick : p);
            assert_int_equal(available(s, 1), 6);
            sim_pass(s, 60000);
            assert_rollout(s, "shop", "web", "complete", 1, NULL);
            sim_free(s);
        }
}

/* One turns sick while another is being updated: together they stay within what the policy allows.
 * Behaviours 44, 46. */
static void test_mixed__a_failure_within_an_update_counts_with_it(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int when = 0; when < 10; when++) {
            struct want w = {.replicas = 4, .order = (enum spec_order)order};
            struct sim *s = deployed(4, w);
            int least = 4;

            apply(s, w, 2);
            steps(s, when);
            if (available(s, 0) < 4 || !available(s, 1)) { /* in a batch; the last slot is updated last */
                sim_free(s);
                continue;
            }
            sim_sicken(s, "web", 3);
            for (int i = 0; i < 80; i++) {
                orc_auto_free char *text = sim_step(s);
                int n = available(s, 0);

                least = n < least ? n : least;
                sim_act(s);
            }
            assert_true(least >= 3);
            sim_pass(s, 120000);
            assert_rollout(s, "shop", "web", "complete", 2, NULL);
            assert_int_equal(available(s, 2), 4);
            sim_free(s);
        }
}

/* Behaviour 42. */
static void test_mixed__a_container_deleted_behind_our_back_is_replaced(void **state)
{
    struct sim *s = deployed(3, (struct want){.replicas = 3});
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], after[KEY_TASK_MAX + 1];

    assert_true(sim_task_in(s, "web", 1, id, node));
    sim_turn(s, "web", 1, TASK_REMOVED, TASK_UNKNOWN, NULL);
    sim_pass(s, 5000);
    assert_true(sim_task_in(s, "web", 1, after, node));
    assert_string_not_equal(id, after);
    assert_int_equal(available(s, 1), 3);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* ---- half of the nodes */

static void silence(struct sim *s, int n, bool alive)
{
    for (int k = 1; k <= n; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        sim_alive(s, node, alive);
    }
}

/* Exactly half is not more than half: what was there is replaced; one more, and nothing is moved. */
static void test_mixed__half_of_the_nodes_lost_is_replaced_and_more_than_half_is_not(void **state)
{
    for (int nodes = 2; nodes <= 7; nodes++)
        for (int lost = 1; lost <= nodes; lost++) {
            struct sim *s = deployed(nodes, (struct want){.replicas = 2 * nodes});
            orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

            silence(s, lost, false);
            sim_pass(s, 60000);
            after = sim_map(s, "web");
            if (2 * lost <= nodes) {
                assert_int_equal(available(s, 1), 2 * nodes);
                assert_rollout(s, "shop", "web", "complete", 1, NULL);
            } else {
                assert_string_equal(before, after);
                assert_rollout(s, "shop", "web", "healing", 1,
                               "more than half of the nodes were lost at once");
            }
            silence(s, lost, true);
            sim_pass(s, 60000);
            assert_int_equal(running(s), 2 * nodes);
            assert_int_equal(available(s, 1), 2 * nodes);
            assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
            assert_rollout(s, "shop", "web", "complete", 1, NULL);
            sim_free(s);
        }
}

/* An update stands still while so many are lost, and ends right when they are back. Behaviour 54. */
static void test_mixed__a_rollout_stands_still_while_most_nodes_are_lost(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int when = 1; when < 10; when++) {
            struct want w = {.replicas = 6, .order = (enum spec_order)order};
            struct sim *s = deployed(3, w);
            int most;

            apply(s, w, 2);
            steps(s, when);
            silence(s, 2, false);
            sim_pass(s, 10000);
            most = running(s);
            sim_pass(s, 20000);
            assert_int_equal(running(s), most);
            assert_int_not_equal(state_of(s), ROLLOUT_COMPLETE);
            silence(s, 2, true);
            sim_pass(s, 300000);
            assert_rollout(s, "shop", "web", "complete", 2, NULL);
            assert_int_equal(available(s, 2), 6);
            assert_int_equal(running(s), 6);
            sim_free(s);
        }
}

/* Revision 2 fits a third node alone, and its canary is there. */
static void canary_on_a_third(struct sim *s, struct want w)
{
    struct spec_service *big = spec(w, 2);

    sim_node(s, 8, 9000);
    big->limits.memory = 8500 * SIM_MIB;
    big->canary = 1;
    sim_apply(s, "shop", 2, big);
    sim_pass(s, 120000);
    assert_int_equal(state_of(s), ROLLOUT_CANARY);
}

/* While only the canary is new: that it finds no place says nothing of those that are of the old version. */
static void test_mixed__a_canary_that_fits_nowhere_keeps_no_other_waiting(void **state)
{
    struct want w = {.replicas = 2};
    char id[KEY_TASK_MAX + 1], its[KEY_NAME_MAX + 1];
    struct sim *s = deployed(2, w);

    canary_on_a_third(s, w);
    assert_true(sim_task_in(s, "web", 0, id, its));
    assert_string_equal(its, "k3");
    sim_alive(s, "k3", false);
    sim_pass(s, 20000);
    assert_int_equal(available(s, 2), 0);
    sim_turn(s, "web", 1, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_pass(s, 20000);
    assert_int_equal(available(s, 1), 1);
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->pending.at[0].reason, "memory: needs 8.3"));
    sim_free(s);
}

/* Nor has it left its node by that: the other versions' replicas are spread beside it. */
static void test_mixed__a_canary_that_fits_nowhere_still_counts_where_it_is(void **state)
{
    struct want w = {.replicas = 2};
    struct spec_service *other = sim_spec("other", 2, "good");
    char id[KEY_TASK_MAX + 1], its[KEY_NAME_MAX + 1];
    struct sim *s = sim_of(2);

    other->limits.memory = 5000 * SIM_MIB;
    sim_apply(s, "shop", 1, other);
    sim_pass(s, 60000);
    apply(s, w, 1);
    sim_pass(s, 120000);
    canary_on_a_third(s, w);
    sim_node_put(s, "k3", 3, (struct sim_node_opts){.cpus = 8, .memory_mib = 5000}); /* less than it was */
    sim_turn(s, "web", 0, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_turn(s, "web", 1, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_pass(s, 60000);
    assert_int_equal(available(s, 2), 0);
    assert_int_equal(available(s, 1), 1);
    assert_true(sim_task_in(s, "web", 1, id, its));
    assert_string_not_equal(its, "k3");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed__a_rollback_of_what_was_scaled_meanwhile_ends_at_that_number),
        cmocka_unit_test(test_mixed__a_rollback_returns_to_the_number_of_the_old_spec),
        cmocka_unit_test(test_mixed__a_paused_rollout_is_scaled_at_the_old_version),
        cmocka_unit_test(test_mixed__a_service_that_was_rolled_back_is_scaled_at_the_old_version),
        cmocka_unit_test(test_mixed__scaling_down_stops_all_that_a_slot_has),
        cmocka_unit_test(test_mixed__a_service_removed_and_applied_again_in_a_rollout_runs_the_last_spec),
        cmocka_unit_test(test_mixed__restarts_after_failed_checks_respect_parallelism),
        cmocka_unit_test(test_mixed__a_failure_within_an_update_counts_with_it),
        cmocka_unit_test(test_mixed__a_container_deleted_behind_our_back_is_replaced),
        cmocka_unit_test(test_mixed__half_of_the_nodes_lost_is_replaced_and_more_than_half_is_not),
        cmocka_unit_test(test_mixed__a_rollout_stands_still_while_most_nodes_are_lost),
        cmocka_unit_test(test_mixed__a_canary_that_fits_nowhere_keeps_no_other_waiting),
        cmocka_unit_test(test_mixed__a_canary_that_fits_nowhere_still_counts_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
