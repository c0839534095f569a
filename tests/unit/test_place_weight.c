/* x-orc.placement.weights: servers that are preferred, not demanded. */
#include "lib/buf.h"
#include "tests/sim/sim.h"

/* k1 and k2 have ssd, k3 and k4 hdd; each has room for four of the replicas below. */
static struct sim *cluster(void)
{
    struct sim *s = sim_new();

    for (int k = 1; k <= 4; k++) {
        struct record_node n = {.capacity = {INT64_C(8000000000), 1000 * SIM_MIB}};
        char name[16];

        sim_node(s, 8, 1000);
        snprintf(name, sizeof name, "k%d", k);
        n.subnet = orc_printf("10.210.%d.0/24", k);
        spec_pairs_add(&n.labels, "disk", k <= 2 ? "ssd" : "hdd");
        sim_put(s, key_node(SIM_CLUSTER, name), record_node_text(&n));
        record_node_release(&n);
    }
    return s;
}

static void weigh(struct spec_service *w, const char *key, bool equal, const char *value, int weight)
{
    *orc_vec_add(&w->weights) = (struct spec_weight){orc_strdup(key), equal, orc_strdup(value), weight};
}

static struct spec_service *web(int replicas)
{
    struct spec_service *w = sim_spec("web", replicas, "good");

    w->limits = (struct spec_resources){INT64_C(100000000), 250 * SIM_MIB};
    return w;
}

static struct spec_service *rather_ssd(int replicas)
{
    struct spec_service *w = web(replicas);

    weigh(w, "node.labels.disk", true, "ssd", 50);
    return w;
}

static void assert_on(struct sim *s, const char *want)
{
    struct orc_buf b = ORC_BUF_INIT(400);

    for (int k = 1; k <= 4; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        orc_buf_printf(&b, "%s%d", k > 1 ? "," : "",
                       sim_count(s, (struct sim_want){.service = "web", .node = node, .available = true}));
    }
    assert_string_equal(orc_buf_str(&b), want);
    orc_buf_release(&b);
}

static void test_weight__where_it_holds_is_taken_first_and_spread_over(void **state)
{
    struct sim *s = cluster();

    sim_apply(s, "shop", 1, rather_ssd(4));
    sim_settle(s);
    assert_on(s, "2,2,0,0");
    sim_free(s);
}

/* It is no demand. */
static void test_weight__what_has_no_room_there_goes_elsewhere(void **state)
{
    struct sim *s = cluster();

    sim_apply(s, "shop", 1, rather_ssd(12));
    sim_settle(s);
    assert_on(s, "4,4,2,2");
    sim_free(s);
}

static void test_weight__they_add_up_and_may_be_below_zero(void **state)
{
    struct sim *s = cluster();
    struct spec_service *w = rather_ssd(5);

    weigh(w, "node.hostname", true, "k1", -50); /* as k3 and k4 */
    weigh(w, "node.hostname", false, "K3", 10); /* all but k3 */
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_on(s, "1,4,0,0"); /* 10, 60, 0, 10: k1 or k4 for the fifth */
    sim_free(s);
}

static void test_weight__constraints_and_limits_go_before(void **state)
{
    struct sim *s = cluster();
    struct spec_service *w = rather_ssd(4);

    w->max_per_node = 1;
    *orc_vec_add(&w->constraints) =
        (struct spec_constraint){orc_strdup("node.hostname"), false, orc_strdup("k2")};
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_on(s, "1,0,1,1");
    sim_free(s);
}

static void test_weight__scaled_down_the_lighter_node_is_left_first(void **state)
{
    struct sim *s = cluster();

    sim_apply(s, "shop", 1, rather_ssd(10));
    sim_settle(s);
    assert_on(s, "4,4,1,1");
    sim_apply(s, "shop", 2, rather_ssd(8));
    sim_settle(s);
    assert_on(s, "4,4,0,0");
    sim_apply(s, "shop", 3, rather_ssd(6));
    sim_settle(s);
    assert_on(s, "3,3,0,0");
    sim_free(s);
}

/* A weight that came, as any preference, moves nothing that runs; nor does a rebalance, which would undo it.
 */
static void test_weight__moves_nothing(void **state)
{
    struct sim *s = cluster();
    struct spec_service *w;

    sim_apply(s, "shop", 1, web(4));
    sim_settle(s);
    assert_on(s, "1,1,1,1");
    w = rather_ssd(4);
    w->rebalance_auto = true;
    w->rebalance_after_ms = 1000;
    sim_apply(s, "shop", 2, w);
    sim_settle(s);
    sim_pass(s, 60000);
    sim_settle(s);
    assert_on(s, "1,1,1,1");
    sim_free(s);
}

static void test_weight__a_rebalance_does_not_undo_it(void **state)
{
    struct sim *s = cluster();
    struct spec_service *w = rather_ssd(4);

    w->rebalance_auto = true;
    w->rebalance_after_ms = 1000;
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    sim_pass(s, 60000);
    sim_settle(s);
    assert_on(s, "2,2,0,0");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weight__where_it_holds_is_taken_first_and_spread_over),
        cmocka_unit_test(test_weight__what_has_no_room_there_goes_elsewhere),
        cmocka_unit_test(test_weight__they_add_up_and_may_be_below_zero),
        cmocka_unit_test(test_weight__constraints_and_limits_go_before),
        cmocka_unit_test(test_weight__scaled_down_the_lighter_node_is_left_first),
        cmocka_unit_test(test_weight__moves_nothing),
        cmocka_unit_test(test_weight__a_rebalance_does_not_undo_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
