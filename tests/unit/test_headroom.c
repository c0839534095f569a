/* What is left for more replicas, counted as placing counts. */
#include "scheduler/headroom.h"
#include "lib/units.h"
#include "tests/sim/sim.h"

static void assert_says(struct sim *s, const char *want)
{
    struct headroom h;
    orc_auto_free char *got = NULL;

    headroom_find(s->core, &h);
    got = headroom_text(&h);
    assert_string_equal(got, want);
    headroom_release(&h);
}

static struct sim *cluster(int nodes)
{
    struct sim *s = sim_new();

    for (int i = 0; i < nodes; i++)
        sim_node(s, 4, 1024);
    return s;
}

static struct spec_service *web(int replicas)
{
    struct spec_service *w = sim_spec("web", replicas, "good");

    w->limits = (struct spec_resources){1500000000, 256 * SIM_MIB};
    return w;
}

static void test_headroom__is_what_tasks_do_not_reserve(void **state)
{
    struct sim *s = cluster(3);

    sim_settle(s);
    assert_says(
        s, "room left on 3 nodes: 12 of 12 CPUs, 3 GiB of 3 GiB of memory; k1 has most, 4 CPUs and 1 GiB");
    sim_apply(s, "shop", 1, web(4));
    sim_settle(s);
    assert_says(
        s, "room left on 3 nodes: 6 of 12 CPUs, 2 GiB of 3 GiB of memory; k2 has most, 2.5 CPUs and 768 MiB");
    sim_apply(s, "shop", 2, web(1));
    sim_settle(s);
    assert_says(
        s,
        "room left on 3 nodes: 10.5 of 12 CPUs, 2.8 GiB of 3 GiB of memory; k2 has most, 4 CPUs and 1 GiB");
    sim_free(s);
}

static void test_headroom__one_cpu_is_one(void **state)
{
    struct headroom h = {.nodes = 1, .most = orc_strdup("k1"), .free_there.cpus_nano = ORC_NANO_CPU};
    orc_auto_free char *got = headroom_text(&h);

    assert_non_null(strstr(got, "k1 has most, 1 CPU and "));
    headroom_release(&h);
}

/* What is left where nothing new goes is no room. */
static void test_headroom__is_on_nodes_that_take_new_replicas(void **state)
{
    struct sim *s = cluster(2);

    sim_settle(s);
    sim_policy(s, "k1", true, false);
    sim_settle(s);
    assert_says(s,
                "room left on 1 node: 4 of 4 CPUs, 1 GiB of 1 GiB of memory; k2 has most, 4 CPUs and 1 GiB");
    sim_policy(s, "k2", false, true);
    sim_settle(s);
    assert_says(s, "no room left: no node takes new replicas");
    sim_policy(s, "k1", false, false);
    sim_settle(s);
    assert_says(s,
                "room left on 1 node: 4 of 4 CPUs, 1 GiB of 1 GiB of memory; k1 has most, 4 CPUs and 1 GiB");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headroom__is_what_tasks_do_not_reserve),
        cmocka_unit_test(test_headroom__one_cpu_is_one),
        cmocka_unit_test(test_headroom__is_on_nodes_that_take_new_replicas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
