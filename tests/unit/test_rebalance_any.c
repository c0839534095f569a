/* Rebalancing in clusters of any shape: it comes to its end, with the fewest moves, and that is where it
 * stays. */
#include "tests/unit/rebalance_cluster.h"

static int surplus(struct sim *s, int replicas)
{
    int n = s->nodes, low = replicas / n, more = replicas % n, sum = 0;
    ORC_VEC(int) c = {0};

    for (int k = 1; k <= n; k++)
        orc_vec_push(&c, on(s, k));
    for (int i = 0; i < n; i++) /* the fullest first: those may keep one more */
        for (int k = i + 1; k < n; k++)
            if (c.at[k] > c.at[i]) {
                int x = c.at[i];

                c.at[i] = c.at[k];
                c.at[k] = x;
            }
    for (int i = 0; i < n; i++) {
        int want = low + (i < more);

        sum += c.at[i] > want ? c.at[i] - want : 0;
    }
    orc_vec_release(&c);
    return sum;
}

static void assert_spread(struct sim *s, uint64_t seed)
{
    int least = 1000, most = 0;

    for (int k = 1; k <= s->nodes; k++) {
        least = on(s, k) < least ? on(s, k) : least;
        most = on(s, k) > most ? on(s, k) : most;
    }
    if (most - least > 1)
        fail_msg("seed %llu: %d on one and %d on another", (unsigned long long)seed, most, least);
}

/* Any number of nodes, of which some are away while it is deployed or scaled. */
static struct sim *lopsided(uint64_t seed, struct setup *u)
{
    struct sim *s = sim_new();

    s->random = seed * 7919;
    *u = (struct setup){.nodes = 2 + (int)(sim_random(s) % 6),
                        .replicas = 1 + (int)(sim_random(s) % 14),
                        .parallelism = 1 + (int)(sim_random(s) % 3),
                        .order = sim_chance(s, 2) ? SPEC_START_FIRST : SPEC_STOP_FIRST,
                        .zones = seed % 3 == 1,
                        .packed = seed % 7 == 2,
                        .memory_mib = 64};
    for (int i = 0; i < u->nodes; i++)
        join_in(s, i % 3 ? "b" : "a");
    for (int k = 2; k <= u->nodes; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        if (sim_chance(s, 2))
            sim_policy(s, node, true, false);
    }
    sim_apply(s, "shop", 1, spec(u, "good"));
    sim_pass(s, 70000);
    for (int k = 2; k <= u->nodes; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        sim_policy(s, node, false, false);
    }
    sim_scale(s, "shop", "web", u->replicas = 1 + (int)(sim_random(s) % 14));
    sim_pass(s, 70000);
    return s;
}

static int at_node(const char *map, int k)
{
    orc_auto_free char *name = orc_printf("@k%d.", k);
    int n = 0;

    for (const char *p = map; (p = strstr(p, name)); p++)
        n++;
    return n;
}

/* What a packed service is promised: servers are left whole, none that had nothing is begun, and nothing else
 * moves. */
static void assert_packed(const char *before, const char *after, int nodes, int n, uint64_t seed)
{
    int left = 0;

    for (int k = 1; k <= nodes; k++) {
        int was = at_node(before, k), is = at_node(after, k);

        if (is < was && is)
            fail_msg("seed %llu: k%d is left, but not whole: %s to %s", (unsigned long long)seed, k, before,
                     after);
        if (is > was && !was)
            fail_msg("seed %llu: k%d is begun: %s to %s", (unsigned long long)seed, k, before, after);
        left += is ? 0 : was;
    }
    if (n != left)
        fail_msg("seed %llu: %d moves where %d are enough: %s to %s", (unsigned long long)seed, n, left,
                 before, after);
}

static void any_cluster(uint64_t seed)
{
    struct setup u;
    struct sim *s = lopsided(seed, &u);
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL, *again = NULL;
    int fewest = surplus(s, u.replicas), n;
    struct watch w;

    sim_rebalance(s, "shop", "web", 0);
    s->slow = 2;
    w = pass(s, 40000);
    s->slow = 0;
    sim_pass(s, 60000);
    after = sim_map(s, "web");
    n = moved(before, after);
    if (w.least_available < (u.order == SPEC_STOP_FIRST && u.replicas == 1 ? 0 : u.replicas))
        fail_msg("seed %llu: %d of %d available", (unsigned long long)seed, w.least_available, u.replicas);
    assert_in_range(w.most_doubled, 0, u.parallelism);
    if (sim_rollout(s, "shop", "web")->rebalance_moved != n)
        fail_msg("seed %llu: %d moves from %s to %s", (unsigned long long)seed,
                 sim_rollout(s, "shop", "web")->rebalance_moved, before, after);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    if (!u.zones && !u.packed) {
        assert_spread(s, seed);
        if (n != fewest)
            fail_msg("seed %llu: %d moves where %d are enough: %s to %s", (unsigned long long)seed, n, fewest,
                     before, after);
    }
    if (u.packed && !u.zones)
        assert_packed(before, after, u.nodes, n, seed);
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    again = sim_map(s, "web");
    if (strcmp(after, again) != 0)
        fail_msg("seed %llu: what was rebalanced is not balanced: %s to %s", (unsigned long long)seed, after,
                 again);
    sim_free(s);
}

static void test_rebalance__any_cluster_gets_there_with_the_fewest_moves_and_stays(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++)
        any_cluster(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebalance__any_cluster_gets_there_with_the_fewest_moves_and_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
