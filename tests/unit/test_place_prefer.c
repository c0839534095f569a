/* Where tasks rather go: spread over labels, packing, away from where they failed. */
#include "lib/buf.h"
#include "tests/sim/sim.h"

struct place {
    const char *region, *zone; /* NULL: no such label */
    int64_t memory_mib;
};

static void add_label(struct record_node *n, const char *key, const char *value)
{
    if (value)
        spec_pairs_add(&n->labels, key, value);
}

static void put(struct sim *s, int k, struct place at)
{
    struct record_node n = {.capacity = {INT64_C(8000000000), at.memory_mib * SIM_MIB}};
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    n.subnet = orc_printf("10.210.%d.0/24", k);
    add_label(&n, "region", at.region);
    add_label(&n, "zone", at.zone);
    sim_put(s, key_node(SIM_CLUSTER, name), record_node_text(&n));
    record_node_release(&n);
}

static struct sim *cluster(const struct place *at, int nodes)
{
    struct sim *s = sim_new();

    for (int k = 1; k <= nodes; k++) {
        sim_node(s, 8, 8000);
        put(s, k, at[k - 1]);
    }
    return s;
}

static int on(struct sim *s, const char *service, int k)
{
    char node[16];

    snprintf(node, sizeof node, "k%d", k);
    return sim_count(s, (struct sim_want){.service = service, .node = node});
}

/* "3,3,6": slots per node, in order. */
static void assert_on(struct sim *s, const char *service, int nodes, const char *want)
{
    struct orc_buf b = ORC_BUF_INIT(400);

    for (int k = 1; k <= nodes; k++)
        orc_buf_printf(&b, "%s%d", k > 1 ? "," : "", on(s, service, k));
    assert_string_equal(orc_buf_str(&b), want);
    orc_buf_release(&b);
}

static struct spec_service *spread(const char *name, int replicas, const char *first, const char *second)
{
    struct spec_service *w = sim_spec(name, replicas, "good");

    orc_strv_add(&w->spread_over, first);
    if (second)
        orc_strv_add(&w->spread_over, second);
    return w;
}

/* ---- preferences --------------------------------------------------------------------------------------- */

static const struct place zones[] = {{NULL, "a", 8000}, {NULL, "a", 8000}, {NULL, "b", 8000}};

static void test_prefer__a_zone_with_one_node_gets_as_much_as_one_with_two(void **state)
{
    struct sim *s = cluster(zones, 3);

    sim_apply(s, "shop", 1, spread("web", 12, "node.labels.zone", NULL));
    sim_apply(s, "shop", 1, sim_spec("plain", 12, "good"));
    sim_settle(s);
    assert_on(s, "web", 3, "3,3,6");
    assert_on(s, "plain", 3, "4,4,4");
    sim_free(s);
}

static void test_prefer__the_second_level_is_spread_within_the_first(void **state)
{
    static const struct place at[] = {{"n", "1", 8000}, {"n", "1", 8000}, {"n", "2", 8000},
                                      {"s", "1", 8000}, {"s", "2", 8000}, {"s", "3", 8000}};
    struct sim *s = cluster(at, 6);

    sim_apply(s, "shop", 1, spread("web", 24, "node.labels.region", "node.labels.zone"));
    sim_settle(s);
    assert_on(s, "web", 6, "3,3,6,4,4,4");
    sim_free(s);
}

static void test_prefer__nodes_without_the_label_are_one_group_and_case_does_not_matter(void **state)
{
    static const struct place at[] = {
        {NULL, NULL, 8000}, {NULL, NULL, 8000}, {NULL, "A", 8000}, {NULL, "a", 8000}};
    struct sim *s = cluster(at, 4);

    sim_apply(s, "shop", 1, spread("web", 8, "node.labels.zone", NULL));
    sim_settle(s);
    assert_on(s, "web", 4, "2,2,2,2");
    sim_policy(s, "k2", true, false);
    sim_apply(s, "shop", 1, spread("api", 8, "node.labels.zone", NULL));
    sim_settle(s);
    assert_on(s, "api", 4, "4,0,2,2");
    sim_free(s);
}

/* Labels that changed more often than a list of changes is long, while nobody was placed by them. */
static void test_prefer__labels_count_as_they_are_however_often_they_changed(void **state)
{
    for (int times = 0; times < 12; times++) {
        struct sim *s = cluster(zones, 3);

        sim_apply(s, "shop", 1, spread("web", 2, "node.labels.zone", NULL));
        sim_settle(s);
        assert_int_equal(on(s, "web", 3), 1);
        sim_scale(s, "shop", "web", 0);
        sim_settle(s);
        for (int i = 0; i < times; i++)
            put(s, 1 + i % 3, (struct place){NULL, i % 2 ? "a" : "c", 8000});
        put(s, 1, (struct place){NULL, "b", 8000}); /* in the end the first is alone */
        put(s, 2, (struct place){NULL, "a", 8000});
        put(s, 3, (struct place){NULL, "a", 8000});
        sim_scale(s, "shop", "web", 4);
        sim_settle(s);
        assert_on(s, "web", 3, "2,1,1");
        sim_free(s);
    }
}

/* Behaviour 21. */
static void test_prefer__a_preference_gives_way_to_capacity(void **state)
{
    static const struct place at[] = {{NULL, "a", 8000}, {NULL, "b", 130}};
    struct sim *s = cluster(at, 2);

    sim_apply(s, "shop", 1, spread("web", 6, "node.labels.zone", NULL));
    sim_settle(s);
    assert_on(s, "web", 2, "4,2");
    sim_free(s);
}

/* Behaviour 37. */
static void test_prefer__scaling_down_and_restarts_keep_the_balance_over_zones(void **state)
{
    struct sim *s = cluster(zones, 3);

    sim_apply(s, "shop", 1, spread("web", 12, "node.labels.zone", NULL));
    sim_pass(s, 20000);
    sim_scale(s, "shop", "web", 4);
    sim_pass(s, 20000);
    assert_on(s, "web", 3, "1,1,2");
    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 120000);
    assert_on(s, "web", 3, "1,1,2");
    sim_scale(s, "shop", "web", 8);
    sim_pass(s, 20000);
    assert_on(s, "web", 3, "2,2,4");
    sim_free(s);
}

/* Behaviour 58. */
static void test_prefer__another_preference_moves_nothing_that_runs(void **state)
{
    struct sim *s = cluster(zones, 3);
    int64_t attempts;

    sim_apply(s, "shop", 1, sim_spec("web", 6, "good"));
    sim_pass(s, 20000);
    attempts = sim_attempts(s, "web");
    sim_apply(s, "shop", 2, spread("web", 6, "node.labels.zone", NULL));
    sim_pass(s, 20000);
    assert_int_equal(sim_attempts(s, "web"), attempts);
    assert_on(s, "web", 3, "2,2,2");
    sim_scale(s, "shop", "web", 8); /* but what is new goes where it shall */
    sim_pass(s, 20000);
    assert_on(s, "web", 3, "2,2,4");
    sim_free(s);
}

/* ---- packing ------------------------------------------------------------------------------------------- */

static struct spec_service *packed(const char *name, int replicas, int64_t memory_mib)
{
    struct spec_service *w = sim_spec(name, replicas, "good");

    w->strategy = SPEC_BINPACK;
    w->limits = (struct spec_resources){.memory = memory_mib * SIM_MIB};
    return w;
}

static const struct place three[] = {{NULL, NULL, 1000}, {NULL, NULL, 1000}, {NULL, NULL, 1000}};

static void test_pack__a_node_is_filled_before_the_next_is_begun(void **state)
{
    struct sim *s = cluster(three, 3);
    int full = 0;

    sim_apply(s, "shop", 1, packed("web", 7, 200));
    sim_settle(s);
    for (int k = 1; k <= 3; k++)
        full += on(s, "web", k) == 5 || on(s, "web", k) == 0;
    assert_int_equal(full, 2);
    sim_free(s);
}

static void test_pack__the_most_used_node_that_fits_is_taken(void **state)
{
    struct sim *s = cluster(three, 3);
    struct spec_service *a = packed("a", 1, 900), *b = packed("b", 1, 500);

    *orc_vec_add(&a->constraints) = (struct spec_constraint){orc_strdup("node.id"), true, orc_strdup("k1")};
    *orc_vec_add(&b->constraints) = (struct spec_constraint){orc_strdup("node.id"), true, orc_strdup("k3")};
    sim_apply(s, "shop", 1, a);
    sim_apply(s, "shop", 1, b);
    sim_settle(s);
    sim_apply(s, "shop", 1, packed("web", 1, 200)); /* 100 MiB short on k1 */
    sim_settle(s);
    assert_on(s, "web", 3, "0,0,1");
    sim_apply(s, "shop", 1, packed("small", 1, 100));
    sim_settle(s);
    assert_on(s, "small", 3, "1,0,0");
    sim_free(s);
}

static void test_pack__preferences_come_before_packing(void **state)
{
    static const struct place at[] = {
        {NULL, "a", 1000}, {NULL, "a", 1000}, {NULL, "b", 1000}, {NULL, "b", 1000}};
    struct sim *s = cluster(at, 4);
    struct spec_service *w = packed("web", 6, 100);

    orc_strv_add(&w->spread_over, "node.labels.zone");
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_int_equal(on(s, "web", 1) + on(s, "web", 2), 3);
    assert_int_equal(on(s, "web", 1) * on(s, "web", 2), 0);
    assert_int_equal(on(s, "web", 3) * on(s, "web", 4), 0);
    sim_free(s);
}

static void test_pack__scaling_down_empties_a_node(void **state)
{
    struct sim *s = cluster(three, 3);
    int used = 0;

    sim_apply(s, "shop", 1, packed("web", 7, 200));
    sim_pass(s, 20000);
    sim_scale(s, "shop", "web", 5);
    sim_pass(s, 20000);
    for (int k = 1; k <= 3; k++)
        used += on(s, "web", k) > 0;
    assert_int_equal(used, 1);
    sim_free(s);
}

/* What is not reserved does not make a node look full. */
static void test_spread__memory_alone_is_balanced_by_memory(void **state)
{
    static const struct place at[] = {{NULL, NULL, 1000}, {NULL, NULL, 8000}};
    struct sim *s = cluster(at, 2);
    struct spec_service *w = sim_spec("web", 1, "good");

    for (int i = 0; i < 4; i++) {
        char name[16];

        snprintf(name, sizeof name, "s%d", i);
        w = i ? sim_spec(name, 1, "good") : w;
        w->limits = (struct spec_resources){.memory = 300 * SIM_MIB};
        sim_apply(s, "shop", 1, w);
        sim_settle(s);
    }
    assert_int_equal(sim_count(s, (struct sim_want){.node = "k2"}), 4);
    sim_free(s);
}

/* ---- trouble ------------------------------------------------------------------------------------------- */

/* k1 is the emptier one: what is placed without trouble goes there. */
static struct sim *one_preferred(const char *image)
{
    static const struct place at[] = {{NULL, NULL, 8000}, {NULL, NULL, 500}};
    struct sim *s = cluster(at, 2);

    sim_apply(s, "shop", 1, sim_spec("web", 1, image));
    sim_pass(s, 20000);
    return s;
}

/* Fails after having run well for more than a minute, so that it is replaced at once; `times` times. */
static void fail_well(struct sim *s, int times)
{
    for (int i = 0; i < times; i++) {
        sim_pass(s, 70000);
        sim_sicken(s, "web", 0);
        sim_pass(s, 20000);
    }
}

/* Behaviour 23. */
static void test_trouble__after_five_failures_on_a_node_others_are_preferred(void **state)
{
    struct sim *s = one_preferred("good");

    fail_well(s, 4);
    assert_on(s, "web", 2, "1,0");
    fail_well(s, 1);
    assert_on(s, "web", 2, "0,1");
    fail_well(s, 1); /* not at home where it has just failed five times */
    assert_on(s, "web", 2, "0,1");
    sim_free(s);
}

/* Behaviour 23. */
static void test_trouble__crashes_count_one_by_one_and_another_service_does_not_care(void **state)
{
    struct sim *s = one_preferred("good");

    for (int i = 1; i <= 5; i++) {
        sim_crash(s, "web", 0);
        sim_pass(s, 1000);
    }
    assert_on(s, "web", 2, "1,0"); /* what runs is not moved */
    sim_apply(s, "shop", 1, sim_spec("api", 1, "good"));
    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 20000);
    assert_on(s, "web", 2, "0,1");
    assert_on(s, "api", 2, "1,0");
    sim_free(s);
}

/* Behaviour 23. */
static void test_trouble__another_version_is_tried_there(void **state)
{
    struct sim *s = one_preferred("good");
    struct spec_service *w = sim_spec("web", 1, "good");

    fail_well(s, 5);
    assert_on(s, "web", 2, "0,1");
    spec_pairs_add(&w->labels, "version", "2");
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 20000);
    assert_on(s, "web", 2, "1,0");
    sim_free(s);
}

/* Behaviour 23. */
static void test_trouble__it_is_forgotten_after_an_hour(void **state)
{
    struct sim *s = one_preferred("good");

    fail_well(s, 5);
    sim_pass(s, 3500000);
    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 20000);
    assert_on(s, "web", 2, "0,1");
    sim_pass(s, 100000);
    sim_restart(s, "shop", "web", 2);
    sim_pass(s, 20000);
    assert_on(s, "web", 2, "1,0");
    sim_free(s);
}

/* Behaviour 23: preferred, not demanded. */
static void test_trouble__a_node_with_trouble_is_better_than_none(void **state)
{
    struct sim *s = one_preferred("good");

    sim_policy(s, "k2", true, false);
    fail_well(s, 6);
    assert_on(s, "web", 2, "1,0");
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefer__a_zone_with_one_node_gets_as_much_as_one_with_two),
        cmocka_unit_test(test_prefer__the_second_level_is_spread_within_the_first),
        cmocka_unit_test(test_prefer__nodes_without_the_label_are_one_group_and_case_does_not_matter),
        cmocka_unit_test(test_prefer__labels_count_as_they_are_however_often_they_changed),
        cmocka_unit_test(test_prefer__a_preference_gives_way_to_capacity),
        cmocka_unit_test(test_prefer__scaling_down_and_restarts_keep_the_balance_over_zones),
        cmocka_unit_test(test_prefer__another_preference_moves_nothing_that_runs),
        cmocka_unit_test(test_pack__a_node_is_filled_before_the_next_is_begun),
        cmocka_unit_test(test_pack__the_most_used_node_that_fits_is_taken),
        cmocka_unit_test(test_pack__preferences_come_before_packing),
        cmocka_unit_test(test_pack__scaling_down_empties_a_node),
        cmocka_unit_test(test_trouble__after_five_failures_on_a_node_others_are_preferred),
        cmocka_unit_test(test_trouble__crashes_count_one_by_one_and_another_service_does_not_care),
        cmocka_unit_test(test_trouble__another_version_is_tried_there),
        cmocka_unit_test(test_trouble__it_is_forgotten_after_an_hour),
        cmocka_unit_test(test_trouble__a_node_with_trouble_is_better_than_none),
        cmocka_unit_test(test_spread__memory_alone_is_balanced_by_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
