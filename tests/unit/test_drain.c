/* Drained nodes (scheduler/reconcile, scheduler/nodes): within the update policy, until the deadline. */
#include "tests/sim/sim.h"

static struct spec_service *spec(int replicas, enum spec_order order, int parallelism)
{
    struct spec_service *w = sim_spec("web", replicas, "good");

    w->update.order = order;
    w->update.parallelism = parallelism;
    return w;
}

static int on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.node = node});
}

static int leaving(struct sim *s)
{
    return sim_count(s, (struct sim_want){.service = "web", .leaving = true});
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* ---- limits */

struct extremes {
    int least, most, leaving; /* available; at once told to stop and not stopped */
};

/* As many rounds of deciding and obeying as it takes. */
static struct extremes play(struct sim *s, int rounds)
{
    struct extremes e = {.least = 1000};

    for (int i = 0; i < rounds; i++) {
        int have;

        free(sim_step(s));
        have = sim_available(s, "web");
        e.least = have < e.least ? have : e.least;
        e.most = most(e.most, have);
        e.leaving = most(e.leaving, leaving(s));
        sim_act(s);
    }
    return e;
}

/* Behaviours 76, 85, 86: both orders, any parallelism. */
static void test_drain__within_the_update_policy(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int parallelism = 1; parallelism <= 3; parallelism++) {
            struct sim *s = sim_running(3, spec(9, (enum spec_order)order, parallelism));
            struct extremes e;

            sim_drain(s, "k2", 0);
            e = play(s, 60);
            assert_int_equal(e.least, order == SPEC_STOP_FIRST ? 9 - parallelism : 9);
            assert_in_range(e.leaving, 1, parallelism);
            assert_int_equal(on(s, "k2"), 0);
            assert_int_equal(sim_available(s, "web"), 9);
            sim_pass(s, 10000);
            assert_rollout(s, "shop", "web", "complete", 1, NULL);
            sim_free(s);
        }
}

static void test_drain__the_delay_between_batches_is_kept(void **state)
{
    struct spec_service *w = spec(6, SPEC_STOP_FIRST, 1);
    struct sim *s;

    w->update.delay_ms = 20000;
    s = sim_running(3, w);
    sim_drain(s, "k2", 0);
    sim_pass(s, 15000);
    assert_int_equal(on(s, "k2"), 1);
    sim_pass(s, 15000);
    assert_int_equal(on(s, "k2"), 0);
    sim_free(s);
}

/* Several services at once: each by its own limits. */
static void test_drain__each_service_by_its_own_limits(void **state)
{
    struct sim *s = sim_running(2, spec(4, SPEC_STOP_FIRST, 1));
    struct spec_service *api = sim_spec("api", 4, "good");

    api->update.parallelism = 2;
    sim_apply(s, "shop", 1, api);
    sim_pass(s, 120000);
    sim_drain(s, "k2", 0);
    free(sim_step(s));
    assert_int_equal(leaving(s), 1);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "api", .leaving = true}), 2);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k2"), 0);
    sim_free(s);
}

static void test_drain__what_has_no_other_place_stays_and_says_so(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++) {
        struct sim *s = sim_running(1, spec(2, (enum spec_order)order, 1));

        sim_drain(s, "k1", 0);
        sim_pass(s, 100000);
        assert_int_equal(sim_available(s, "web"), 2);
        assert_rollout(s, "shop", "web", "healing", 1, "k1: drained");
        sim_node(s, 8, 8000);
        sim_pass(s, 10000);
        assert_int_equal(on(s, "k1"), 0);
        assert_int_equal(sim_available(s, "web"), 2);
        assert_rollout(s, "shop", "web", "complete", 1, NULL);
        sim_free(s);
    }
}

static void test_drain__data_stay_and_so_does_what_uses_them(void **state)
{
    struct spec_service *w = spec(2, SPEC_STOP_FIRST, 1);
    struct sim *s;

    orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                  .source = orc_strdup("data"),
                                                  .target = orc_strdup("/data")}));
    s = sim_running(2, w);
    sim_drain(s, "k2", 30000);
    sim_pass(s, 29000);
    assert_int_equal(on(s, "k2"), 1);
    sim_pass(s, 2000);
    assert_int_equal(on(s, "k2"), 0);
    assert_int_equal(sim_available(s, "web"), 1);
    sim_policy(s, "k2", false, false);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k2"), 1);
    assert_int_equal(sim_available(s, "web"), 2);
    sim_free(s);
}

/* Behaviour 55: at the version that serves, not at the one that failed. */
static void test_drain__a_paused_rollout_moves_what_is_on_the_node_and_nothing_else(void **state)
{
    struct sim *s = sim_running(3, spec(6, SPEC_STOP_FIRST, 1));
    struct spec_service *bad = spec(6, SPEC_STOP_FIRST, 1);

    orc_set_str(&bad->image, "missing");
    sim_apply(s, "shop", 2, bad);
    sim_pass(s, 120000);
    assert_int_equal(sim_available(s, "web"), 6);
    sim_drain(s, "k2", 0);
    assert_int_equal(play(s, 60).least, 5);
    assert_int_equal(on(s, "k2"), 0);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .revision = 1, .available = true}), 6);
    assert_string_equal(rollout_state_name(sim_rollout(s, "shop", "web")->state), "paused");
    sim_free(s);
}

/* ---- the end, and a change of mind */

static void test_drain__uncordoned_in_the_middle_it_stops_where_it_is(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int at = 0; at < 12; at++) {
            struct sim *s = sim_running(3, spec(9, (enum spec_order)order, 1));
            int left;

            sim_drain(s, "k2", 60000);
            play(s, at);
            left = on(s, "k2") - (order == SPEC_START_FIRST);
            sim_policy(s, "k2", false, false);
            sim_pass(s, 200000);
            assert_in_range(on(s, "k2"), left < 0 ? 0 : left, 9);
            assert_int_equal(sim_available(s, "web"), 9);
            assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 9);
            assert_rollout(s, "shop", "web", "complete", 1, NULL);
            sim_free(s);
        }
}

/* ---- the deadline */

/* Nothing else has room, and one replica must serve: a drain alone would wait for ever. */
static struct sim *stuck(void)
{
    struct spec_service *w = spec(4, SPEC_STOP_FIRST, 1);
    struct sim *s = sim_new();

    sim_node(s, 8, 1000);
    sim_node(s, 8, 1000);
    w->limits.memory = 400 * SIM_MIB;
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 120000);
    assert_int_equal(on(s, "k2"), 2);
    sim_events_clear(s);
    return s;
}

/* Behaviour 85. */
static void test_drain__after_its_deadline_the_rest_is_forced(void **state)
{
    struct sim *s = stuck();
    orc_auto_free char *told = NULL, *of_tasks = NULL;

    sim_drain(s, "k2", 60000);
    sim_pass(s, 59000);
    assert_int_equal(sim_available(s, "web"), 4);
    sim_pass(s, 2000);
    assert_int_equal(on(s, "k2"), 0);
    assert_int_equal(sim_available(s, "web"), 2);
    told = sim_events(s, "node");
    assert_non_null(strstr(told, "k2 the deadline of its drain is over: what is left there is stopped\n"));
    assert_non_null(strstr(told, "k2 drained: "));
    of_tasks = sim_events(s, "task");
    assert_non_null(strstr(of_tasks, "stopped: node k2 is drained and its deadline is over"));
    sim_node(s, 8, 1000);
    sim_pass(s, 1000);
    assert_int_equal(sim_available(s, "web"), 4);
    sim_free(s);
}

/* The record says why its slots wait with the decision itself, not with the next one. */
static void test_drain__what_is_forced_says_why_its_slot_waits_at_once(void **state)
{
    struct sim *s = stuck();
    orc_auto_free char *plan = NULL;

    sim_drain(s, "k2", 60000);
    sim_settle(s);
    s->now += 60000;
    plan = sim_step(s);
    assert_non_null(strstr(plan, "on k2 must stop first: node k2 is drained and its deadline is over"));
    assert_null(strstr(plan, "must stop first: told to"));
    sim_free(s);
}

/* "ends a drain at any time: what was not yet told to stop stays" (docs/operating.md). */
static void test_drain__taken_back_while_it_is_decided_forces_nothing(void **state)
{
    struct sim *s = stuck();
    struct plan p = {0};
    int refused = 0;

    sim_drain(s, "k2", 60000);
    sim_settle(s);
    s->now += 60000;
    core_step(s->core, s->now, 0, &p);
    sim_policy(s, "k2", true, false);
    for (size_t i = 0; i < p.txns.n; i++)
        refused += p.txns.at[i].app[0] && !sim_commit(s, &p.txns.at[i]);
    plan_release(&p);
    assert_true(refused > 0);
    assert_int_equal(on(s, "k2"), 2);
    sim_free(s);
}

static void test_drain__another_leader_counts_anew_and_takes_nothing_back(void **state)
{
    struct sim *s = stuck();

    sim_drain(s, "k2", 60000);
    sim_pass(s, 50000);
    sim_new_leader(s);
    sim_pass(s, 50000);
    assert_int_equal(on(s, "k2"), 2);
    sim_pass(s, 11000);
    assert_int_equal(on(s, "k2"), 0);
    sim_new_leader(s);
    sim_events_clear(s);
    sim_pass(s, 1000);
    assert_events(s, "node", "");
    sim_free(s);
}

static void test_drain__a_leader_that_comes_after_the_deadline_goes_on_forcing(void **state)
{
    struct sim *s = stuck();
    struct plan p = {0};

    sim_drain(s, "k2", 60000);
    sim_settle(s);
    s->now += 60000;
    core_step(s->core, s->now, 0, &p); /* of its plan only the word about the node is written */
    for (size_t i = 0; i < p.txns.n; i++)
        if (!p.txns.at[i].app[0])
            assert_true(sim_commit(s, &p.txns.at[i]));
    plan_release(&p);
    assert_int_equal(on(s, "k2"), 2);
    sim_new_leader(s);
    sim_pass(s, 1000);
    assert_int_equal(on(s, "k2"), 0);
    sim_free(s);
}

static void test_drain__a_deadline_given_later_counts_from_the_beginning(void **state)
{
    struct sim *s = stuck();

    sim_drain(s, "k2", 600000);
    sim_pass(s, 50000);
    sim_drain(s, "k2", 20000);
    sim_pass(s, 1000);
    assert_int_equal(on(s, "k2"), 0);
    sim_free(s);
}

static void test_drain__uncordon_forgets_the_deadline(void **state)
{
    struct sim *s = stuck();

    sim_drain(s, "k2", 60000);
    sim_pass(s, 50000);
    sim_policy(s, "k2", false, false);
    sim_pass(s, 1000);
    sim_drain(s, "k2", 60000);
    sim_pass(s, 50000);
    assert_int_equal(on(s, "k2"), 2);
    sim_free(s);
}

static bool said_forced(struct sim *s, const char *node)
{
    orc_auto_free char *key = key_node_state(SIM_CLUSTER, node);

    return strstr(sim_find(s, key)->value->text, "\"forced\":true") != NULL;
}

/* Whoever leads: what was taken back is over. */
static void test_drain__a_deadline_taken_back_forces_nothing_more(void **state)
{
    for (int another = 0; another < 2; another++) {
        struct sim *s = stuck();

        sim_drain(s, "k2", 60000);
        sim_pass(s, 61000);
        assert_int_equal(on(s, "k2"), 0);
        assert_true(said_forced(s, "k2"));
        sim_drain(s, "k2", 0);
        if (another)
            sim_new_leader(s);
        sim_settle(s);
        assert_false(said_forced(s, "k2"));
        sim_free(s);
    }
}

static void test_drain__a_start_first_successor_under_way_is_not_lost_to_the_deadline(void **state)
{
    struct sim *s = sim_running(2, spec(2, SPEC_START_FIRST, 1));
    struct sim_image *i, *next;

    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "pull");
    sim_drain(s, "k2", 5000);
    sim_pass(s, 4000);
    assert_int_equal(on(s, "k1"), 2);
    assert_int_equal(on(s, "k2"), 1);
    sim_pass(s, 2000);
    assert_int_equal(on(s, "k2"), 0);
    assert_int_equal(on(s, "k1"), 2);
    sim_free(s);
}

/* Too many are silent: nothing is moved, not even this. */
static void test_drain__a_deadline_waits_while_too_many_nodes_are_silent(void **state)
{
    struct sim *s = sim_running(5, spec(5, SPEC_STOP_FIRST, 1));

    for (int k = 1; k <= 3; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        sim_alive(s, node, false);
    }
    sim_pass(s, 4000);
    sim_drain(s, "k4", 10000);
    sim_pass(s, 60000);
    assert_int_equal(on(s, "k4"), 1);
    sim_alive(s, "k1", true);
    sim_alive(s, "k2", true);
    sim_pass(s, 1000);
    assert_int_equal(on(s, "k4"), 0);
    sim_free(s);
}

/* Whatever each task is doing when the deadline comes: the node is left, in one piece of work. */
static void test_drain__the_deadline_at_any_moment_of_anything(void **state)
{
    static const char *const images[] = {"good", "sick", "missing", "stuck", "pull", "crash", "exit1"};

    for (size_t k = 0; k < ORC_ARRAY_SIZE(images); k++)
        for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
            for (int at = 0; at < 8; at++) {
                struct sim *s = sim_running(3, spec(6, (enum spec_order)order, 2));
                struct spec_service *w = spec(6, (enum spec_order)order, 2);

                orc_set_str(&w->image, images[k]);
                sim_apply(s, "shop", 2, w);
                play(s, at);
                sim_drain(s, "k2", 1000);
                play(s, at % 3);
                sim_pass(s, 2000);
                assert_int_equal(on(s, "k2"), 0);
                sim_pass(s, 700000);
                assert_int_equal(on(s, "k2"), 0);
                assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
                sim_free(s);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drain__within_the_update_policy),
        cmocka_unit_test(test_drain__the_delay_between_batches_is_kept),
        cmocka_unit_test(test_drain__each_service_by_its_own_limits),
        cmocka_unit_test(test_drain__what_has_no_other_place_stays_and_says_so),
        cmocka_unit_test(test_drain__data_stay_and_so_does_what_uses_them),
        cmocka_unit_test(test_drain__a_paused_rollout_moves_what_is_on_the_node_and_nothing_else),
        cmocka_unit_test(test_drain__uncordoned_in_the_middle_it_stops_where_it_is),
        cmocka_unit_test(test_drain__after_its_deadline_the_rest_is_forced),
        cmocka_unit_test(test_drain__taken_back_while_it_is_decided_forces_nothing),
        cmocka_unit_test(test_drain__another_leader_counts_anew_and_takes_nothing_back),
        cmocka_unit_test(test_drain__what_is_forced_says_why_its_slot_waits_at_once),
        cmocka_unit_test(test_drain__a_leader_that_comes_after_the_deadline_goes_on_forcing),
        cmocka_unit_test(test_drain__a_deadline_given_later_counts_from_the_beginning),
        cmocka_unit_test(test_drain__uncordon_forgets_the_deadline),
        cmocka_unit_test(test_drain__a_deadline_taken_back_forces_nothing_more),
        cmocka_unit_test(test_drain__a_start_first_successor_under_way_is_not_lost_to_the_deadline),
        cmocka_unit_test(test_drain__a_deadline_waits_while_too_many_nodes_are_silent),
        cmocka_unit_test(test_drain__the_deadline_at_any_moment_of_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
