/* A service stays spread evenly over its nodes whatever is replaced, and comes back to it when it can. */
#include "tests/sim/sim.h"

struct setup {
    int nodes, replicas, parallelism;
    enum spec_order order;
    uint64_t seed;
};

static void label(struct spec_service *w, int64_t n)
{
    struct spec_pair *p = orc_vec_add(&w->labels);

    p->key = orc_strdup("version");
    p->value = orc_printf("%lld", (long long)n);
}

static void apply(struct sim *s, const struct setup *u, int64_t revision)
{
    struct spec_service *w = sim_spec("web", u->replicas, "good");

    w->update.parallelism = u->parallelism;
    w->update.order = u->order;
    label(w, revision);
    sim_apply(s, "shop", revision, w);
}

/* Nodes of different sizes, with other work on some of them. */
static struct sim *deployed(const struct setup *u)
{
    struct sim *s = sim_new();

    s->random = u->seed * 104729;
    for (int i = 0; i < u->nodes; i++)
        sim_node(s, 4 + (double)(sim_random(s) % 5), 4000 + (int64_t)(sim_random(s) % 4) * 1000);
    sim_apply(s, "shop", 1, sim_spec("other", (int)(sim_random(s) % 4), "good"));
    sim_pass(s, 20000);
    apply(s, u, 1);
    sim_pass(s, 20000);
    return s;
}

static int on(struct sim *s, int k)
{
    char node[16];

    snprintf(node, sizeof node, "k%d", k);
    return sim_count(s, (struct sim_want){.service = "web", .node = node});
}

static void assert_even(struct sim *s, const struct setup *u, const char *after)
{
    orc_auto_free char *map = sim_map(s, "web");
    int least = 1000, most = 0;

    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), u->replicas);
    for (int k = 1; k <= u->nodes; k++) {
        int n = on(s, k);

        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    if (most - least > 1)
        fail_msg("after %s: %s (%d nodes, %d replicas, parallelism %d, order %d, seed %llu)", after, map,
                 u->nodes, u->replicas, u->parallelism, u->order, (unsigned long long)u->seed);
}

/* Nodes do what they do one by one, in an order of chance, and in the end all of it. */
static void roll(struct sim *s)
{
    s->slow = 3;
    for (int i = 0; i < 25; i++)
        sim_pass(s, 1000);
    s->slow = 0;
    sim_pass(s, 60000);
}

static void each_setup(void (*fn)(struct setup *))
{
    for (int i = 0; i < 60; i++) {
        struct setup u = {.nodes = 2 + i % 4,
                          .replicas = 1 + i % 9,
                          .parallelism = i % 3, /* 0: all at once */
                          .order = i / 12 % 2 ? SPEC_START_FIRST : SPEC_STOP_FIRST,
                          .seed = (uint64_t)i + 1};

        fn(&u);
    }
}

static void update_again_and_again(struct setup *u)
{
    struct sim *s = deployed(u);

    assert_even(s, u, "the first deployment");
    for (int64_t n = 1; n <= 3; n++) {
        sim_restart(s, "shop", "web", n);
        roll(s);
        assert_rollout(s, "shop", "web", "complete", n, NULL);
        assert_even(s, u, "a rolling restart");
        apply(s, u, n + 1);
        roll(s);
        assert_rollout(s, "shop", "web", "complete", n + 1, NULL);
        assert_even(s, u, "a rolling update");
    }
    sim_free(s);
}

/* Behaviour 20. */
static void test_spread__any_number_of_rolling_updates_keeps_it_even(void **state)
{
    each_setup(update_again_and_again);
}

static void scale_after_updates(struct setup *u)
{
    struct sim *s = deployed(u);

    for (int n = 1; u->replicas > 1; n++) {
        sim_restart(s, "shop", "web", n);
        roll(s);
        u->replicas -= 1 + (int)(sim_random(s) % 2);
        sim_scale(s, "shop", "web", u->replicas);
        roll(s);
        assert_even(s, u, "scaling down");
    }
    u->replicas += 3;
    sim_scale(s, "shop", "web", u->replicas);
    roll(s);
    assert_even(s, u, "scaling up");
    sim_free(s);
}

/* Behaviours 20, 37. */
static void test_spread__scaling_after_rolling_updates_keeps_the_balance(void **state)
{
    each_setup(scale_after_updates);
}

static void fail_some(struct setup *u)
{
    struct sim *s = deployed(u);

    for (int i = 0; i < 4; i++) {
        int slot = (int)(sim_random(s) % (uint64_t)u->replicas);

        if (sim_chance(s, 2))
            sim_sicken(s, "web", slot);
        else
            sim_turn(s, "web", slot, TASK_FAILED, TASK_UNKNOWN, NULL);
        roll(s);
        sim_pass(s, 600000);
        assert_even(s, u, "a failed replica");
    }
    sim_free(s);
}

/* Behaviour 20. */
static void test_spread__replacing_what_failed_keeps_it_even(void **state)
{
    each_setup(fail_some);
}

static void lose_a_node(struct setup *u)
{
    struct sim *s;

    if (u->nodes < 3)
        return;
    s = deployed(u);
    sim_alive(s, "k2", false);
    sim_pass(s, 60000);
    assert_int_equal(on(s, 2), 0);
    sim_alive(s, "k2", true);
    sim_pass(s, 60000); /* nothing is moved for the sake of balance alone */
    sim_restart(s, "shop", "web", 1);
    roll(s);
    assert_even(s, u, "the restart after a node came back");
    sim_free(s);
}

/* Behaviour 20. */
static void test_spread__a_rolling_restart_uses_a_node_that_came_back(void **state)
{
    each_setup(lose_a_node);
}

/* The shop: three replicas over three nodes beside others, restarted one by one, start-first. Behaviour 20.
 */
static void test_spread__three_on_three_stay_one_each_through_a_restart(void **state)
{
    struct sim *s = sim_new();
    struct setup u = {.nodes = 3, .replicas = 3, .parallelism = 1, .order = SPEC_START_FIRST};

    for (int i = 0; i < 3; i++)
        sim_node(s, 2, 2000);
    sim_apply(s, "shop", 1, sim_spec("auth", 2, "good"));
    sim_apply(s, "shop", 1, sim_spec("inventory", 2, "good"));
    apply(s, &u, 1);
    sim_pass(s, 20000);
    for (int n = 1; n <= 10; n++) {
        sim_restart(s, "shop", "web", n);
        sim_pass(s, 60000);
        for (int k = 1; k <= 3; k++)
            assert_int_equal(on(s, k), 1);
    }
    sim_free(s);
}

/* Behaviour 21. */
static void test_spread__a_start_first_successor_without_room_beside_it_goes_elsewhere(void **state)
{
    struct setup u = {.nodes = 2, .replicas = 2, .parallelism = 1, .order = SPEC_START_FIRST};
    struct sim *s = sim_new();

    sim_node(s, 8, 64);      /* room for one */
    sim_node(s, 8, 64 * 10); /* and for many */
    apply(s, &u, 1);
    sim_pass(s, 20000);
    assert_int_equal(on(s, 1), 1);
    for (int n = 1; n <= 3; n++) {
        sim_restart(s, "shop", "web", n);
        sim_pass(s, 60000);
        assert_rollout(s, "shop", "web", "complete", 1, NULL);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 2);
    }
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread__any_number_of_rolling_updates_keeps_it_even),
        cmocka_unit_test(test_spread__scaling_after_rolling_updates_keeps_the_balance),
        cmocka_unit_test(test_spread__replacing_what_failed_keeps_it_even),
        cmocka_unit_test(test_spread__a_rolling_restart_uses_a_node_that_came_back),
        cmocka_unit_test(test_spread__three_on_three_stay_one_each_through_a_restart),
        cmocka_unit_test(test_spread__a_start_first_successor_without_room_beside_it_goes_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
