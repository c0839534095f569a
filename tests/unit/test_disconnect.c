/* x-orc.disconnect: replicas on a node that is cut off may come back in place of their successors. */
#include "tests/sim/sim.h"

#define AWAY_MS 600000

static struct spec_service *spec(int replicas, uint64_t disconnect_ms)
{
    struct spec_service *w = sim_spec("web", replicas, "good");

    w->disconnect_ms = disconnect_ms;
    return w;
}

static int on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.service = "web", .node = node});
}

static int tasks(struct sim *s)
{
    return sim_count(s, (struct sim_want){.service = "web"});
}

static int leaving(struct sim *s)
{
    return sim_count(s, (struct sim_want){.service = "web", .leaving = true});
}

/* Behaviours 78, 79. */
static void test_disconnect__back_in_time_the_originals_resume_and_the_replacements_stop(void **state)
{
    struct sim *s = sim_running(3, spec(6, AWAY_MS));
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 6); /* replaced after the grace, as ever */
    assert_int_equal(on(s, "k2"), 2);             /* and nobody has told the originals to go */
    assert_int_equal(leaving(s), 0);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_pass(s, AWAY_MS - 20000);
    sim_alive(s, "k2", true);
    free(sim_step(s));
    assert_int_equal(leaving(s), 2); /* at once, and once */
    assert_int_equal(tasks(s), 6);
    sim_pass(s, 10000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_int_equal(leaving(s), 0);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_disconnect__when_the_allowance_is_over_the_originals_are_told_to_go(void **state)
{
    struct sim *s = sim_running(3, spec(6, AWAY_MS));
    orc_auto_free char *before = NULL, *after = NULL;

    sim_alive(s, "k2", false);
    sim_pass(s, AWAY_MS - 1000);
    assert_int_equal(on(s, "k2"), 2);
    sim_pass(s, 2000);
    assert_int_equal(on(s, "k2"), 0);
    assert_int_equal(leaving(s), 2);
    before = sim_map(s, "web");
    sim_alive(s, "k2", true);
    sim_pass(s, 10000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_int_equal(leaving(s), 0);
    assert_int_equal(sim_available(s, "web"), 6);
    sim_free(s);
}

static void test_disconnect__without_it_nothing_is_different(void **state)
{
    struct sim *s = sim_running(3, spec(6, 0));

    sim_alive(s, "k2", false);
    sim_pass(s, 3100);
    assert_int_equal(on(s, "k2"), 0);
    sim_free(s);
}

/* Who was to replace a replica that serves, and is lost before it does, is no original: nobody waits for it,
 * and it is none of the canaries (the simulation's seed 1334144). */
static void test_disconnect__a_lost_successor_is_not_awaited(void **state)
{
    struct sim *s = sim_running(3, spec(4, AWAY_MS));
    struct spec_service *w = spec(4, AWAY_MS);
    const char *canary = NULL;

    w->update.order = SPEC_START_FIRST;
    w->canary = 1;
    orc_set_str(&w->image, "other");
    sim_apply(s, "shop", 2, w);
    free(sim_step(s)); /* it is made, and does not run yet */
    for (int i = 0; i < 3; i++)
        if (sim_count(s, (struct sim_want){.node = (const char *[]){"k1", "k2", "k3"}[i], .revision = 2}))
            canary = (const char *[]){"k1", "k2", "k3"}[i];
    assert_non_null(canary);
    sim_alive(s, canary, false);
    s->now += 4000;
    for (int i = 0; i < 20; i++, s->now += 1000) {
        free(sim_step(s));
        assert_true(sim_count(s, (struct sim_want){.revision = 2}) <= 1);
        sim_act(s);
    }
    assert_int_equal(sim_count(s, (struct sim_want){.node = canary}), 0);
    assert_int_equal(sim_available(s, "web"), 4);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 1);
    sim_free(s);
}

/* At any moment of its replacement's life: never both kept, never none. */
static void test_disconnect__a_return_at_any_moment(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int at = 0; at < 10; at++)
            for (int slow = 0; slow < 2; slow++) {
                struct spec_service *w = spec(4, AWAY_MS);
                struct sim *s;

                w->update.order = (enum spec_order)order;
                s = sim_running(3, w);
                sim_alive(s, "k2", false);
                s->now += slow ? 3100 : 3000;
                for (int i = 0; i < at; i++) {
                    free(sim_step(s));
                    if (!slow || i % 2)
                        sim_act(s);
                }
                sim_alive(s, "k2", true);
                sim_pass(s, 60000);
                assert_int_equal(sim_available(s, "web"), 4);
                assert_int_equal(tasks(s), 4);
                assert_int_equal(leaving(s), 0);
                assert_rollout(s, "shop", "web", "complete", 1, NULL);
                sim_free(s);
            }
}

static void test_disconnect__a_singleton_resumes_too(void **state)
{
    struct sim *s = sim_running(2, spec(1, AWAY_MS));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], now_id[KEY_TASK_MAX + 1];

    sim_node(s, 8, 8000);
    assert_true(sim_task_in(s, "web", 0, id, node));
    sim_alive(s, node, false);
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 1);
    assert_int_equal(tasks(s), 2);
    sim_alive(s, node, true);
    sim_pass(s, 10000);
    assert_int_equal(tasks(s), 1);
    assert_true(sim_task_in(s, "web", 0, now_id, node));
    assert_string_equal(id, now_id);
    sim_free(s);
}

/* Data can't move: there is no replacement to stop, and nothing was told to go. */
static void test_disconnect__a_volume_waits_for_its_node(void **state)
{
    struct spec_service *w = spec(3, AWAY_MS);
    struct sim *s;

    orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                  .source = orc_strdup("data"),
                                                  .target = orc_strdup("/data")}));
    s = sim_running(3, w);
    sim_alive(s, "k2", false);
    sim_pass(s, 2 * AWAY_MS);
    assert_int_equal(on(s, "k2"), 1);
    assert_int_equal(tasks(s), 3);
    sim_alive(s, "k2", true);
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 3);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* What comes back must be what is wanted. */
static void test_disconnect__another_version_meanwhile_ends_the_wait(void **state)
{
    struct sim *s = sim_running(3, spec(3, AWAY_MS));
    struct spec_service *w = spec(3, AWAY_MS);

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k2"), 1);
    w->stop_grace_period_ms = 5000;
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 60000);
    assert_int_equal(on(s, "k2"), 0);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_alive(s, "k2", true);
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 3);
    assert_int_equal(tasks(s), 3);
    sim_free(s);
}

static void test_disconnect__so_do_a_restart_a_drain_and_a_constraint(void **state)
{
    for (int what = 0; what < 3; what++) {
        struct sim *s = sim_running(3, spec(3, AWAY_MS));

        sim_alive(s, "k2", false);
        sim_pass(s, 10000);
        if (what == 0) {
            sim_restart(s, "shop", "web", 1);
        } else if (what == 1) {
            sim_drain(s, "k2", 0);
        } else {
            struct spec_service *w = spec(3, AWAY_MS);

            orc_vec_push(&w->constraints,
                         ((struct spec_constraint){orc_strdup("node.hostname"), false, orc_strdup("k2")}));
            sim_apply(s, "shop", 2, w);
        }
        sim_pass(s, 60000);
        assert_int_equal(on(s, "k2"), 0);
        sim_alive(s, "k2", true);
        sim_pass(s, 60000);
        assert_int_equal(on(s, "k2"), 0);
        assert_int_equal(sim_available(s, "web"), 3);
        sim_free(s);
    }
}

static void test_disconnect__a_replica_that_ended_there_is_not_awaited(void **state)
{
    struct sim *s = sim_running(3, spec(3, AWAY_MS));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    assert_true(sim_task_in(s, "web", 1, id, node));
    sim_turn(s, "web", 1, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_alive(s, node, false);
    sim_pass(s, 10000);
    assert_int_equal(on(s, node), 0);
    sim_free(s);
}

/* A server that lost power, not only the network: its containers ended, and what was begun goes on. */
static void test_disconnect__after_a_reboot_the_replacement_stays(void **state)
{
    struct sim *s = sim_running(3, spec(3, AWAY_MS));
    struct record_status st = {0};
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], later[KEY_TASK_MAX + 1];

    assert_true(sim_task_in(s, "web", 1, id, node));
    assert_true(sim_status_copy(s, node, id, &st));
    record_boot("boot-1", st.boot);
    sim_status(s, node, id, &st);
    sim_alive(s, node, false);
    sim_pass(s, 10000);
    sim_boot(s, node, 2);
    sim_pass(s, 1000);
    assert_int_equal(tasks(s), 4); /* until the node has looked */
    record_boot("boot-2", st.boot);
    st.state = TASK_STARTING;
    st.health = TASK_UNKNOWN;
    sim_status(s, node, id, &st);
    record_status_release(&st);
    sim_pass(s, 10000);
    assert_int_equal(tasks(s), 3);
    assert_int_equal(on(s, node), 0);
    assert_true(sim_task_in(s, "web", 1, later, node));
    assert_string_not_equal(id, later);
    sim_free(s);
}

static void test_disconnect__scaling_down_takes_those_that_wait_first(void **state)
{
    struct sim *s = sim_running(3, spec(3, AWAY_MS));

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_int_equal(tasks(s), 4);
    sim_scale(s, "shop", "web", 0);
    sim_pass(s, 10000);
    assert_int_equal(tasks(s), 0);
    sim_free(s);
}

static void test_disconnect__two_nodes_one_after_the_other(void **state)
{
    struct sim *s = sim_running(4, spec(1, AWAY_MS));
    char id[KEY_TASK_MAX + 1], first[KEY_NAME_MAX + 1], second[KEY_NAME_MAX + 1], last[KEY_TASK_MAX + 1];

    assert_true(sim_task_in(s, "web", 0, id, first));
    sim_alive(s, first, false);
    sim_pass(s, 10000);
    for (int k = 1; k <= 4; k++) {
        snprintf(second, sizeof second, "k%d", k);
        if (strcmp(second, first) != 0 && on(s, second))
            break;
    }
    sim_alive(s, second, false);
    sim_pass(s, 10000);
    assert_int_equal(tasks(s), 3);
    assert_int_equal(sim_available(s, "web"), 1);
    sim_alive(s, second, true);
    sim_pass(s, 10000);
    assert_int_equal(tasks(s), 2); /* the second again, and the first is still awaited */
    sim_alive(s, first, true);
    sim_pass(s, 10000);
    assert_int_equal(tasks(s), 1);
    assert_true(sim_task_in(s, "web", 0, last, second));
    assert_string_equal(id, last);
    sim_free(s);
}

static void test_disconnect__another_leader_waits_anew_and_moves_nothing(void **state)
{
    struct sim *s = sim_running(3, spec(6, AWAY_MS));
    int64_t made;

    sim_alive(s, "k2", false);
    sim_pass(s, AWAY_MS - 10000);
    made = sim_attempts(s, "web");
    sim_new_leader(s);
    sim_pass(s, AWAY_MS - 10000);
    assert_int_equal(on(s, "k2"), 2);
    assert_int_equal(sim_attempts(s, "web"), made);
    sim_pass(s, 20000);
    assert_int_equal(on(s, "k2"), 0);
    sim_free(s);
}

static void test_disconnect__a_node_that_was_removed_is_not_awaited(void **state)
{
    struct sim *s = sim_running(3, spec(3, AWAY_MS));

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    sim_pass(s, 10000);
    assert_int_equal(tasks(s), 3);
    assert_int_equal(on(s, "k2"), 0);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disconnect__back_in_time_the_originals_resume_and_the_replacements_stop),
        cmocka_unit_test(test_disconnect__when_the_allowance_is_over_the_originals_are_told_to_go),
        cmocka_unit_test(test_disconnect__without_it_nothing_is_different),
        cmocka_unit_test(test_disconnect__a_lost_successor_is_not_awaited),
        cmocka_unit_test(test_disconnect__a_return_at_any_moment),
        cmocka_unit_test(test_disconnect__a_singleton_resumes_too),
        cmocka_unit_test(test_disconnect__a_volume_waits_for_its_node),
        cmocka_unit_test(test_disconnect__another_version_meanwhile_ends_the_wait),
        cmocka_unit_test(test_disconnect__so_do_a_restart_a_drain_and_a_constraint),
        cmocka_unit_test(test_disconnect__a_replica_that_ended_there_is_not_awaited),
        cmocka_unit_test(test_disconnect__after_a_reboot_the_replacement_stays),
        cmocka_unit_test(test_disconnect__scaling_down_takes_those_that_wait_first),
        cmocka_unit_test(test_disconnect__two_nodes_one_after_the_other),
        cmocka_unit_test(test_disconnect__another_leader_waits_anew_and_moves_nothing),
        cmocka_unit_test(test_disconnect__a_node_that_was_removed_is_not_awaited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
