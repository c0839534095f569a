/* Rebalancing by itself, what alone begins it and from which difference on; and more moves than one
 * transaction has room for (scheduler/rebalance, scheduler/reconcile_move). */
#include "scheduler/rebalance.h"
#include "tests/sim/sim.h"

#define AFTER_MS 300000 /* x-orc.rebalance's own time of quiet */

static struct spec_service *spec(int replicas, bool is_auto)
{
    struct spec_service *w = sim_spec("web", replicas, "good");

    w->update.parallelism = 0; /* all at once */
    w->rebalance_auto = is_auto;
    return w;
}

static int on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.service = "web", .node = node});
}

/* 75 on each of two nodes, then 50 on each of three: two transactions. */
static void test_rebalance__more_moves_than_a_transaction_has_room_for(void **state)
{
    struct sim *s = sim_running(2, spec(150, false));

    sim_node(s, 8, 8000);
    sim_pass(s, 1000);
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k1"), 50);
    assert_int_equal(on(s, "k2"), 50);
    assert_int_equal(on(s, "k3"), 50);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_moved, 50);
    assert_int_equal(sim_rollout(s, "shop", "web")->moving.n, 0);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* A limit holds across transactions, too. */
static void test_rebalance__a_limit_beyond_one_transaction_holds(void **state)
{
    struct sim *s = sim_running(2, spec(150, false));

    sim_node(s, 8, 8000);
    sim_pass(s, 1000);
    sim_rebalance(s, "shop", "web", 45);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k3"), 45);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_moved, 45);
    sim_free(s);
}

/* Nothing else happens in the cluster, for an hour before and after. */
static void test_rebalance__a_server_that_joins_is_enough_to_begin(void **state)
{
    struct sim *s = sim_running(2, spec(6, true));
    uint64_t joined;

    sim_pass(s, 3600000);
    joined = s->now;
    sim_node(s, 8, 8000);
    sim_pass(s, AFTER_MS - 1);
    assert_int_equal(on(s, "k3"), 0);
    sim_pass(s, 1);
    assert_int_equal(s->now, joined + AFTER_MS);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k3"), 2);
    sim_pass(s, 3600000);
    assert_int_equal(on(s, "k3"), 2);
    sim_free(s);
}

static void test_rebalance__a_server_that_takes_work_again_is_enough_to_begin(void **state)
{
    struct sim *s = sim_of(3);

    sim_policy(s, "k3", true, false);
    sim_apply(s, "shop", 1, spec(6, true));
    sim_pass(s, 3600000);
    assert_int_equal(on(s, "k3"), 0);
    sim_policy(s, "k3", false, false);
    sim_pass(s, AFTER_MS + 10000);
    assert_int_equal(on(s, "k3"), 2);
    sim_free(s);
}

/* One more on the one than on the other is balanced: the move would only exchange the two. */
static void test_rebalance__from_which_difference_on(void **state)
{
    static const struct {
        int replicas, there; /* on the server that joins, in the end */
    } rows[] = {{1, 0}, {2, 1}, {3, 1}, {4, 2}, {5, 2}, {9, 4}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++)
        for (int is_auto = 0; is_auto < 2; is_auto++) {
            struct sim *s = sim_running(1, spec(rows[i].replicas, is_auto));

            sim_node(s, 8, 8000);
            sim_pass(s, 1000);
            if (!is_auto)
                sim_rebalance(s, "shop", "web", 0);
            sim_pass(s, AFTER_MS + 10000);
            if (on(s, "k2") != rows[i].there)
                fail_msg("%d replicas%s: %d moved, not %d", rows[i].replicas, is_auto ? ", by itself" : "",
                         on(s, "k2"), rows[i].there);
            sim_free(s);
        }
}

/* The other server is full of something else, which goes later: the least difference that is worth a move
 * waits for its room. */
static void test_rebalance__room_is_waited_for_from_the_same_difference_on(void **state)
{
    for (int replicas = 1; replicas <= 2; replicas++) {
        struct sim *s = sim_running(1, spec(replicas, true));
        struct spec_service *other = sim_spec("other", 1, "good");

        sim_node(s, 8, 8000);
        other->limits.memory = 7990 * SIM_MIB;
        *orc_vec_add(&other->constraints) =
            (struct spec_constraint){orc_strdup("node.hostname"), true, orc_strdup("k2")};
        sim_apply(s, "other", 1, other);
        sim_pass(s, 3600000);
        assert_int_equal(on(s, "k2"), 0);
        sim_rm(s, "other");
        sim_pass(s, AFTER_MS + 60000);
        assert_int_equal(on(s, "k2"), replicas - 1);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebalance__more_moves_than_a_transaction_has_room_for),
        cmocka_unit_test(test_rebalance__a_limit_beyond_one_transaction_holds),
        cmocka_unit_test(test_rebalance__a_server_that_joins_is_enough_to_begin),
        cmocka_unit_test(test_rebalance__a_server_that_takes_work_again_is_enough_to_begin),
        cmocka_unit_test(test_rebalance__from_which_difference_on),
        cmocka_unit_test(test_rebalance__room_is_waited_for_from_the_same_difference_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
