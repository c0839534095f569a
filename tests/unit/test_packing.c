/* How well clusters are filled, on a part of the benchmark's clusters (tests/bench/packing.h); and the order
 * that makes it so: larger requests first. */
#include "scheduler/demand.h"
#include "scheduler/place_node.h"
#include "tests/bench/packing.h"
#include "tests/sim/sim.h"

#define TRIED 12
#define BUDGET 200000 /* of the search: exact for the small ones */

static struct pack_case k;

static double best_known(void)
{
    double best = pack_exact(&k, BUDGET).worth;

    for (enum pack_rule rule = PACK_FIRST; rule <= PACK_EMPTIEST; rule++)
        for (int decreasing = 0; decreasing < 2; decreasing++) {
            double worth = pack_heuristic(&k, rule, decreasing).worth;

            if (worth > best)
                best = worth;
        }
    return best;
}

/* 12 clusters at each load: in the mean within 2 % of the best known packing, and never more than a tenth
 * off. */
static void assert_close_to_best(double load, double mean, double least)
{
    double sum = 0;

    for (int i = 0; i < TRIED; i++) {
        double best, got;

        pack_case(i, load, &k);
        got = pack_orc(&k, SPEC_BINPACK).worth;
        best = best_known();
        if (got < least * best - 1e-9)
            fail_msg("cluster %d at %.2f: %.4f of the cluster is used, %.4f could be", i, load, got, best);
        sum += got < best ? got / best : 1;
    }
    if (sum / TRIED < mean - 1e-9)
        fail_msg("at %.2f the mean is %.4f of the best known", load, sum / TRIED);
}

static void test_packing__binpack_is_within_two_per_cent_of_the_best_known(void **state)
{
    assert_close_to_best(0.7, 1, 1);
    assert_close_to_best(0.95, 0.98, 0.9);
    assert_close_to_best(1.2, 0.98, 0.9);
}

/* Where there is room enough, about as few servers are in use as with best-fit-decreasing. */
static void test_packing__binpack_leaves_servers_empty(void **state)
{
    int ours = 0, theirs = 0;

    for (int i = 0; i < PACK_CLUSTERS; i++) {
        pack_case(i, 0.7, &k);
        ours += pack_orc(&k, SPEC_BINPACK).opened;
        theirs += pack_heuristic(&k, PACK_FULLEST, true).opened;
    }
    assert_in_range(ours, 1, theirs + theirs / 50);
}

/* The yardstick itself: nobody is better than what is called exact, and nobody puts in more than there is. */
static void test_packing__nothing_beats_the_exact_answer(void **state)
{
    int exact = 0;

    for (int i = 3; i < PACK_CLUSTERS; i += 4) {
        struct pack_result best;

        pack_case(i, 1.2, &k);
        assert_true(k.small);
        best = pack_exact(&k, 20000000);
        exact += best.exact;
        assert_true(best.worth <= 1 + 1e-9);
        assert_true(pack_orc(&k, SPEC_BINPACK).worth <= best.worth + 1e-9);
        assert_true(pack_orc(&k, SPEC_SPREAD).worth <= best.worth + 1e-9);
        assert_true(pack_heuristic(&k, PACK_FULLEST, true).worth <= best.worth + 1e-9);
    }
    assert_in_range(exact, 6, 9);
}

/* ---- what makes it so ------------------------------------------------------------------------------------
 */

static struct spec_resources units(double cpus, double gib)
{
    return (struct spec_resources){(int64_t)(cpus * 1e9), (int64_t)(gib * (double)PACK_GIB)};
}

static void test_packing__a_request_goes_where_its_shape_is_left(void **state)
{
    struct spec_resources room = units(8, 32), cpu_heavy = units(2, 1), memory_heavy = units(0.5, 8);
    struct spec_resources cpu_left = units(2, 24), memory_left = units(6, 8); /* in use */

    assert_true(place_density(cpu_left, cpu_heavy, room) > place_density(memory_left, cpu_heavy, room));
    assert_true(place_density(memory_left, memory_heavy, room) > place_density(cpu_left, memory_heavy, room));
}

static void test_packing__of_equal_shapes_the_fuller_node_is_denser(void **state)
{
    struct spec_resources room = units(8, 32), need = units(1, 4);

    for (int i = 0; i < 7; i++)
        assert_true(place_density(units(i + 1, 4 * (i + 1)), need, room) >
                    place_density(units(i, 4 * i), need, room));
}

static void test_packing__density_keeps_its_range(void **state)
{
    uint64_t random = 1;

    for (int i = 0; i < 200000; i++) {
        struct spec_resources room = {
            (int64_t)pack_draw(&random, UINT64_C(1) << (1 + pack_draw(&random, 50))),
            (int64_t)pack_draw(&random, UINT64_C(1) << (1 + pack_draw(&random, 50)))};
        struct spec_resources used = {(int64_t)pack_draw(&random, (uint64_t)room.cpus_nano + 2),
                                      (int64_t)pack_draw(&random, (uint64_t)room.memory + 2)};
        struct spec_resources need = {(int64_t)pack_draw(&random, (uint64_t)room.cpus_nano + 2),
                                      (int64_t)pack_draw(&random, (uint64_t)room.memory + 2)};

        assert_in_range(place_density(used, need, room), 0, PLACE_DENSITY_MAX - 1);
    }
    assert_in_range(place_density(units(1, 1), units(1, 1), units(0, 0)), 0, PLACE_DENSITY_MAX - 1);
    assert_in_range(place_density(units(-1, -1), units(0, 0), units(1, 1)), 0, PLACE_DENSITY_MAX - 1);
}

/* ---- larger requests first --------------------------------------------------------------------------------
 */

static struct spec_service *needs(const char *name, int replicas, double cpus, int64_t memory_mib)
{
    struct spec_service *w = sim_spec(name, replicas, "good");

    w->limits = (struct spec_resources){(int64_t)(cpus * 1e9), memory_mib * SIM_MIB};
    return w;
}

/* Both wait in one step; by name the small one would come first and take the room of the large. */
static void test_packing__larger_requests_are_placed_first(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 4, 1000);
    sim_node(s, 4, 1000);
    sim_apply(s, "shop", 1, needs("a-small", 4, 0.1, 300));
    sim_apply(s, "shop", 1, needs("z-large", 2, 0.1, 700));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "z-large", .available = true}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "a-small", .available = true}), 2);
    sim_free(s);
}

/* Behaviour 17: what fits nowhere comes first and takes nothing; smaller ones are not kept waiting for it. */
static void test_packing__what_fits_nowhere_starves_nobody(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 4, 1000);
    sim_apply(s, "shop", 1, needs("giant", 3, 0.1, 5000));
    sim_apply(s, "shop", 1, needs("web", 3, 0.1, 300));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 3);
    sim_free(s);
}

/* What runs is not moved for something larger that comes later. */
static void test_packing__a_larger_one_that_comes_later_moves_nobody(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 4, 1000);
    sim_apply(s, "shop", 1, needs("small", 3, 0.1, 300));
    sim_settle(s);
    sim_apply(s, "shop", 1, needs("large", 1, 0.1, 700));
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "small", .available = true}), 3);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "large"}), 0);
    sim_free(s);
}

/* By the share of the whole cluster, of both resources: 2 of 8 CPUs are more than 100 of 1,000 MiB. */
static void test_packing__size_is_a_share_of_the_cluster(void **state)
{
    struct sim *s = sim_new();
    struct core_service *all[3];
    struct plan p = {0};

    sim_node(s, 8, 1000);
    sim_apply(s, "shop", 1, needs("memory", 1, 0.1, 100));
    sim_apply(s, "shop", 1, needs("cpu", 1, 2, 10));
    sim_apply(s, "shop", 1, needs("both", 1, 2, 100));
    core_step(s->core, s->now, 1, &p);
    plan_release(&p);
    all[0] = core_service_find(s->core, "shop", "memory");
    all[1] = core_service_find(s->core, "shop", "cpu");
    all[2] = core_service_find(s->core, "shop", "both");
    demand_sort(s->core, all, 3);
    assert_string_equal(all[0]->service, "both");
    assert_string_equal(all[1]->service, "cpu");
    assert_string_equal(all[2]->service, "memory");
    sim_free(s);
}

/* The sums are those of the records, however they came: as fed to a new leader at once. */
static void test_packing__sums_follow_every_change(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim *s = sim_new();
        struct core_sum asked, offered;

        s->random = seed;
        for (int i = 0; i < 60; i++) {
            orc_auto_free char *name = orc_printf("s%d", (int)(sim_random(s) % 5));
            orc_auto_free char *node = orc_printf("k%d", 1 + (int)(sim_random(s) % 4));

            switch (sim_random(s) % 6) {
            case 0:
                sim_node_put(
                    s, node, atoi(node + 1),
                    (struct sim_node_opts){.cpus = (double)(1 + sim_random(s) % 8), .memory_mib = 2000});
                sim_alive(s, node, true);
                break;
            case 1:
                sim_del(s, key_node(SIM_CLUSTER, node));
                break;
            case 2:
                sim_rm(s, "shop");
                break;
            default:
                sim_apply(s, "shop", 1 + i,
                          needs(name, (int)(sim_random(s) % 9), 0.1, 1 + (int64_t)(sim_random(s) % 200)));
            }
            sim_settle(s);
        }
        asked = s->core->asked;
        offered = s->core->offered;
        sim_new_leader(s);
        sim_settle(s);
        assert_true(asked.cpus_nano == s->core->asked.cpus_nano && asked.memory == s->core->asked.memory);
        assert_true(offered.cpus_nano == s->core->offered.cpus_nano &&
                    offered.memory == s->core->offered.memory);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packing__binpack_is_within_two_per_cent_of_the_best_known),
        cmocka_unit_test(test_packing__binpack_leaves_servers_empty),
        cmocka_unit_test(test_packing__nothing_beats_the_exact_answer),
        cmocka_unit_test(test_packing__a_request_goes_where_its_shape_is_left),
        cmocka_unit_test(test_packing__of_equal_shapes_the_fuller_node_is_denser),
        cmocka_unit_test(test_packing__density_keeps_its_range),
        cmocka_unit_test(test_packing__larger_requests_are_placed_first),
        cmocka_unit_test(test_packing__what_fits_nowhere_starves_nobody),
        cmocka_unit_test(test_packing__a_larger_one_that_comes_later_moves_nobody),
        cmocka_unit_test(test_packing__size_is_a_share_of_the_cluster),
        cmocka_unit_test(test_packing__sums_follow_every_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
