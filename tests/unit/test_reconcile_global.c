/* One replica on each node that takes one (scheduler/global). */
#include "tests/sim/sim.h"

static struct spec_service *global_spec(const char *image)
{
    struct spec_service *w = sim_spec("web", SPEC_REPLICAS_DEFAULT, image);

    w->global = true;
    return w;
}

static struct sim *running(int nodes)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, global_spec("good"));
    sim_pass(s, 120000);
    return s;
}

static int on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.service = "web", .node = node});
}

static int running_on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.service = "web", .node = node, .available = true});
}

static void assert_replicas(struct sim *s, int n)
{
    assert_int_equal(sim_rollout(s, "shop", "web")->replicas, n);
    assert_int_equal(sim_available(s, "web"), n);
}

static void label(struct sim *s, int k, const char *value)
{
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    sim_node_put(s, name, k,
                 (struct sim_node_opts){.cpus = 8, .memory_mib = 8000, .label = "disk", .value = value});
}

static void constrain(struct spec_service *w, const char *key, bool equal, const char *value)
{
    *orc_vec_add(&w->constraints) =
        (struct spec_constraint){.key = orc_strdup(key), .equal = equal, .value = orc_strdup(value)};
}

/* Behaviour 30. */
static void test_global__one_on_each_node(void **state)
{
    struct sim *s = running(5);

    for (int k = 1; k <= 5; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        assert_int_equal(running_on(s, name), 1);
    }
    assert_replicas(s, 5);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviour 30. */
static void test_global__a_node_that_joins_gets_one_and_moves_nobody(void **state)
{
    struct sim *s = running(3);
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    sim_node(s, 8, 8000);
    sim_pass(s, 10000);
    assert_int_equal(running_on(s, "k4"), 1);
    assert_replicas(s, 4);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    after = sim_map(s, "web");
    assert_memory_equal(before, after, strlen(before));
    sim_free(s);
}

/* Behaviour 30: a failure on a node that joins does not pause what is complete. */
static void test_global__a_node_that_joins_is_no_update(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, global_spec("exit1"));
    sim_pass(s, 1000);
    assert_rollout(s, "shop", "web", "paused", 1, "revision 1 failed");
    sim_free(s);

    s = running(2);
    sim_node(s, 8, 8000);
    sim_decide(s);
    sim_act(s);
    sim_turn(s, "web", 2, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_decide(s);
    assert_rollout(s, "shop", "web", "healing", 1, "slot 2");
    sim_pass(s, 120000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_replicas(s, 3);
    sim_free(s);
}

/* Behaviours 30, 76: a drained node loses its replica, and nobody else gets it. */
static void test_global__a_drained_node_loses_it(void **state)
{
    struct sim *s = running(4);

    sim_policy(s, "k2", false, true);
    sim_policy(s, "k4", false, true);
    sim_decide(s); /* at once, as with scaling down */
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 2);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k2"), 0);
    assert_replicas(s, 2);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_policy(s, "k2", false, false);
    sim_pass(s, 10000);
    assert_int_equal(running_on(s, "k2"), 1);
    assert_replicas(s, 3);
    sim_free(s);
}

/* Behaviours 30, 31. */
static void test_global__a_cordoned_node_keeps_what_it_has_and_gets_nothing_new(void **state)
{
    struct sim *s = running(2);

    sim_policy(s, "k1", true, false);
    sim_node(s, 8, 8000);
    sim_policy(s, "k3", true, false);
    sim_pass(s, 10000);
    assert_int_equal(running_on(s, "k1"), 1);
    assert_int_equal(on(s, "k3"), 0);
    assert_replicas(s, 2);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_policy(s, "k3", false, false);
    sim_pass(s, 10000);
    assert_int_equal(running_on(s, "k3"), 1);
    assert_replicas(s, 3);
    sim_free(s);
}

/* Behaviours 30, 31, 59: what a cordoned node has is not updated, and that is said. */
static void test_global__an_update_waits_for_a_cordoned_node_and_says_so(void **state)
{
    struct sim *s = running(3);
    struct spec_service *w = global_spec("good");

    sim_policy(s, "k2", true, false);
    spec_pairs_add(&w->environment, "V", "2");
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .node = "k2", .available = true}), 1);
    assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, 1);
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->pending.at[0].reason, "k2: cordoned"));
    sim_policy(s, "k2", false, false);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 3);
    sim_free(s);
}

/* Behaviours 30, 75, 78. */
static void test_global__a_lost_node_counts_no_more_and_gets_one_anew_on_return(void **state)
{
    struct sim *s = running(5);

    sim_alive(s, "k2", false);
    sim_pass(s, 2900);
    assert_int_equal(on(s, "k2"), 1);
    assert_int_equal(sim_rollout(s, "shop", "web")->replicas, 5);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k2"), 0);
    assert_replicas(s, 4);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_alive(s, "k2", true);
    sim_decide(s); /* the old one still runs there */
    assert_int_equal(on(s, "k2"), 0);
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->pending.at[0].reason, "must stop first"));
    sim_pass(s, 10000);
    assert_int_equal(running_on(s, "k2"), 1);
    assert_replicas(s, 5);
    sim_free(s);
}

/* Behaviours 30, 79: with an allowance what is on a lost node goes on when it is back in time. */
static void test_global__with_a_disconnect_allowance_it_goes_on(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = global_spec("good");
    orc_auto_free char *before = NULL, *after = NULL;

    w->disconnect_ms = 60000;
    for (int i = 0; i < 5; i++)
        sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 60000);
    before = sim_map(s, "web");
    sim_alive(s, "k2", false);
    sim_pass(s, 50000);
    assert_int_equal(on(s, "k2"), 1);
    assert_int_equal(sim_rollout(s, "shop", "web")->replicas, 5);
    assert_rollout(s, "shop", "web", "healing", 1, "k2: lost");
    sim_alive(s, "k2", true);
    sim_pass(s, 10000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_alive(s, "k2", false);
    sim_pass(s, 59000);
    assert_int_equal(on(s, "k2"), 1);
    sim_pass(s, 2000);
    assert_int_equal(on(s, "k2"), 0);
    assert_replicas(s, 4);
    sim_free(s);
}

/* Behaviour 30: with more than half of the nodes gone at once nothing moves. */
static void test_global__nothing_is_given_up_when_too_many_are_lost(void **state)
{
    struct sim *s = running(3);
    int64_t made = sim_attempts(s, "web");

    sim_alive(s, "k2", false);
    sim_alive(s, "k3", false);
    sim_pass(s, 60000);
    assert_int_equal(on(s, "k2") + on(s, "k3"), 2);
    assert_int_equal(sim_rollout(s, "shop", "web")->replicas, 3);
    sim_alive(s, "k2", true);
    sim_alive(s, "k3", true);
    sim_pass(s, 60000);
    assert_replicas(s, 3);
    assert_int_equal(sim_attempts(s, "web"), made);
    sim_free(s);
}

/* Behaviours 30, 34, 87. */
static void test_global__a_removed_node_leaves_no_slot_behind(void **state)
{
    struct sim *s = running(3);

    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    sim_alive(s, "k2", false);
    sim_pass(s, 120000);
    assert_int_equal(on(s, "k2"), 0);
    assert_replicas(s, 2);
    assert_int_equal(sim_keys(s, KEY_TASK), 2);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviours 25, 26, 30, 32. */
static void test_global__constraints_say_which_nodes(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = global_spec("good");

    for (int i = 0; i < 4; i++)
        sim_node(s, 8, 8000);
    label(s, 1, "ssd");
    label(s, 2, "hdd");
    label(s, 3, "ssd");
    constrain(w, "node.labels.disk", true, "ssd");
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 60000);
    assert_int_equal(running_on(s, "k1") + running_on(s, "k3"), 2);
    assert_replicas(s, 2);
    label(s, 1, "hdd"); /* evicts */
    label(s, 2, "ssd"); /* and invites */
    sim_pass(s, 60000);
    assert_int_equal(running_on(s, "k2") + running_on(s, "k3"), 2);
    assert_int_equal(on(s, "k1"), 0);
    assert_replicas(s, 2);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviours 15, 30: a full node is waited for, and the reason has its numbers; freed room is used (18). */
static void test_global__a_full_node_is_pending_with_its_reason(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *big = sim_spec("big", 1, "good");

    sim_node(s, 8, 1000);
    big->limits.memory = 960 * SIM_MIB;
    sim_apply(s, "shop", 1, big);
    sim_settle(s);
    sim_node(s, 8, 1000);
    sim_apply(s, "shop", 1, global_spec("good"));
    sim_pass(s, 60000);
    assert_int_equal(running_on(s, "k2"), 1);
    assert_int_equal(sim_rollout(s, "shop", "web")->replicas, 2);
    assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, 1);
    assert_string_equal(sim_rollout(s, "shop", "web")->pending.at[0].reason,
                        "k1 memory: needs 64 MiB, 40 MiB free, 24 MiB short");
    sim_scale(s, "shop", "big", 0);
    sim_pass(s, 60000);
    assert_replicas(s, 2);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviour 30: a node that is not ready gets none and holds nothing up. */
static void test_global__a_node_that_is_not_ready_is_not_waited_for(void **state)
{
    struct sim *s = running(2);

    sim_node(s, 8, 8000);
    sim_node_put(s, "k3", 3, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000, .not_ready = "mtu"});
    sim_node_put(s, "k1", 1, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000, .not_ready = "mtu"});
    sim_pass(s, 60000);
    assert_replicas(s, 2);
    assert_int_equal(on(s, "k1"), 1);
    sim_node_put(s, "k3", 3, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000});
    sim_pass(s, 60000);
    assert_replicas(s, 3);
    sim_free(s);
}

static int least_available(struct sim *s, uint64_t ms)
{
    int least = sim_available(s, "web");

    for (uint64_t end = s->now + ms; s->now < end; s->now += 100) {
        sim_decide(s);
        least = sim_available(s, "web") < least ? sim_available(s, "web") : least;
        sim_act(s);
    }
    return least;
}

/* Behaviours 30, 44, 46: the update policy holds, and each successor is on its predecessor's node. */
static void test_global__an_update_goes_node_by_node(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++) {
        struct sim *s = running(4);
        struct spec_service *w = global_spec("good");
        orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

        w->update.order = (enum spec_order)order;
        spec_pairs_add(&w->environment, "V", "2");
        sim_apply(s, "shop", 2, w);
        assert_int_equal(least_available(s, 60000), order == SPEC_STOP_FIRST ? 3 : 4);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        after = sim_map(s, "web");
        for (char *p = before; (p = strstr(p, ".1")); p++)
            p[1] = '2';
        assert_string_equal(after, before);
        sim_free(s);
    }
}

/* Behaviours 30, 58: from a number to one on each, and back, without a new container where one may stay. */
static void test_global__a_change_of_mode_keeps_what_may_stay(void **state)
{
    struct sim *s = sim_new();

    for (int i = 0; i < 3; i++)
        sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, sim_spec("web", 7, "good"));
    sim_pass(s, 60000);
    sim_apply(s, "shop", 2, global_spec("good"));
    sim_pass(s, 60000);
    assert_replicas(s, 3);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 3);
    assert_int_equal(on(s, "k1") * on(s, "k2") * on(s, "k3"), 1);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_apply(s, "shop", 3, sim_spec("web", 4, "good"));
    sim_pass(s, 60000);
    assert_replicas(s, 4);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 3);
    assert_rollout(s, "shop", "web", "complete", 3, NULL);
    sim_free(s);
}

/* Behaviour 30: what `orc scale` once said of it as a replicated service does not count. */
static void test_global__an_earlier_scale_does_not_count(void **state)
{
    struct sim *s = running(3);

    sim_scale(s, "shop", "web", 1);
    sim_pass(s, 10000);
    assert_replicas(s, 3);
    sim_free(s);
}

/* Behaviours 30, 40. */
static void test_global__removing_it_leaves_nothing(void **state)
{
    struct sim *s = running(3);

    sim_rm(s, "shop");
    sim_pass(s, 120000);
    assert_int_equal(sim_keys(s, KEY_TASK) + sim_keys(s, KEY_ROLLOUT), 0);
    sim_node(s, 8, 8000);
    sim_pass(s, 10000);
    assert_int_equal(sim_keys(s, KEY_TASK), 0);
    sim_free(s);
}

/* Behaviours 22, 30. */
static void test_global__without_a_node_it_waits_for_the_first(void **state)
{
    struct sim *s = sim_new();

    sim_apply(s, "shop", 1, global_spec("good"));
    sim_pass(s, 10000);
    assert_replicas(s, 0);
    sim_node(s, 8, 8000);
    sim_pass(s, 10000);
    assert_replicas(s, 1);
    sim_free(s);
}

/* More nodes than one transaction makes tasks. */
static void test_global__a_hundred_nodes(void **state)
{
    struct sim *s = running(100);

    assert_replicas(s, 100);
    for (int k = 1; k <= 60; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        sim_policy(s, name, false, true);
    }
    sim_pass(s, 10000);
    assert_replicas(s, 40);
    for (int k = 1; k <= 60; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        assert_int_equal(on(s, name), 0);
        sim_policy(s, name, false, false);
    }
    sim_pass(s, 10000);
    assert_replicas(s, 100);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* What can't be read may be the replica: no second one is made beside it. */
static void test_global__an_unreadable_task_counts_as_its_nodes(void **state)
{
    struct sim *s = running(3);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    int64_t made = sim_attempts(s, "web");

    assert_true(sim_task_in(s, "web", 1, id, node));
    sim_put(s, key_task(SIM_CLUSTER, node, id), orc_strdup("{"));
    sim_new_leader(s);
    sim_node(s, 8, 8000);
    sim_pass(s, 60000);
    assert_int_equal(running_on(s, "k4"), 1);
    assert_int_equal(sim_attempts(s, "web"), made + 1);
    sim_free(s);
}

static void behave(struct sim *s)
{
    char name[16];
    int k = 1 + (int)(sim_random(s) % 6);

    snprintf(name, sizeof name, "k%d", k);
    switch (sim_random(s) % 6) {
    case 0:
        sim_policy(s, name, sim_chance(s, 2), sim_chance(s, 2));
        break;
    case 1:
        label(s, k, sim_chance(s, 2) ? "ssd" : "hdd");
        break;
    case 2:
        sim_alive(s, name, !sim_node_is_alive(s, name));
        break;
    case 3:
        sim_new_leader(s);
        break;
    default:
        sim_pass(s, 1000 + sim_random(s) % 9000);
    }
}

static void check_at_most_one_per_node(struct sim *s)
{
    for (int k = 1; k <= 6; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        assert_true(on(s, name) <= 1);
    }
}

/* Property, behaviour 30: whatever happens, never two that shall run on one node (stop-first); and in the end
 * one on each node that takes one, and none elsewhere. */
static void test_global__at_most_one_per_node_and_in_the_end_exactly_one(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sim *s = sim_new();
        struct spec_service *w = global_spec("good");

        s->random = seed;
        for (int i = 0; i < 6; i++)
            sim_node(s, 8, 8000);
        constrain(w, "node.labels.disk", false, "hdd");
        sim_apply(s, "shop", 1, w);
        for (int i = 0; i < 60; i++) {
            behave(s);
            free(sim_step(s));
            check_at_most_one_per_node(s);
        }
        for (int k = 1; k <= 6; k++) {
            char name[16];

            snprintf(name, sizeof name, "k%d", k);
            sim_policy(s, name, false, k == 1);
            label(s, k, k == 2 ? "hdd" : "ssd");
            if (!sim_node_is_alive(s, name))
                sim_alive(s, name, true);
        }
        sim_pass(s, 600000);
        check_at_most_one_per_node(s);
        assert_int_equal(on(s, "k1") + on(s, "k2"), 0);
        assert_replicas(s, 4);
        assert_rollout(s, "shop", "web", "complete", 1, NULL);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_global__one_on_each_node),
        cmocka_unit_test(test_global__a_node_that_joins_gets_one_and_moves_nobody),
        cmocka_unit_test(test_global__a_node_that_joins_is_no_update),
        cmocka_unit_test(test_global__a_drained_node_loses_it),
        cmocka_unit_test(test_global__a_cordoned_node_keeps_what_it_has_and_gets_nothing_new),
        cmocka_unit_test(test_global__an_update_waits_for_a_cordoned_node_and_says_so),
        cmocka_unit_test(test_global__a_lost_node_counts_no_more_and_gets_one_anew_on_return),
        cmocka_unit_test(test_global__with_a_disconnect_allowance_it_goes_on),
        cmocka_unit_test(test_global__nothing_is_given_up_when_too_many_are_lost),
        cmocka_unit_test(test_global__a_removed_node_leaves_no_slot_behind),
        cmocka_unit_test(test_global__constraints_say_which_nodes),
        cmocka_unit_test(test_global__a_full_node_is_pending_with_its_reason),
        cmocka_unit_test(test_global__a_node_that_is_not_ready_is_not_waited_for),
        cmocka_unit_test(test_global__an_update_goes_node_by_node),
        cmocka_unit_test(test_global__a_change_of_mode_keeps_what_may_stay),
        cmocka_unit_test(test_global__an_earlier_scale_does_not_count),
        cmocka_unit_test(test_global__removing_it_leaves_nothing),
        cmocka_unit_test(test_global__without_a_node_it_waits_for_the_first),
        cmocka_unit_test(test_global__a_hundred_nodes),
        cmocka_unit_test(test_global__an_unreadable_task_counts_as_its_nodes),
        cmocka_unit_test(test_global__at_most_one_per_node_and_in_the_end_exactly_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
