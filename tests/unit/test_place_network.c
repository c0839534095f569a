/* scheduler/place: services in the network of their server, without any, and with sidecars. */
#include "tests/sim/sim.h"

static struct spec_service *of(const char *name, int replicas, enum spec_network network)
{
    struct spec_service *w = sim_spec(name, replicas, "good");

    w->network = network;
    if (network == SPEC_NETWORK_NONE)
        w->health.kind = SPEC_HEALTH_NONE; /* nobody could ask */
    if (network == SPEC_NETWORK_HOST)
        *orc_vec_add(&w->ports) =
            (struct spec_port){.host_ip = orc_strdup("0.0.0.0"), .host = 9100, .container = 9100};
    return w;
}

/* Of the task in the slot; "" when it has none. */
static const char *address_of(struct sim *s, const char *service, int slot)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *key = NULL;
    const struct record_task *t;

    assert_true(sim_task_in(s, service, slot, id, node));
    key = key_task(SIM_CLUSTER, node, id);
    t = sim_task_of(sim_find(s, key));
    return t->address ? t->address : "";
}

static void test_network__a_task_has_the_address_that_its_network_gives_it(void **state)
{
    static const struct {
        enum spec_network network;
        const char *begins;
    } cases[] = {{SPEC_NETWORK_BRIDGE, "10.210."}, {SPEC_NETWORK_HOST, "10.0.0.1"}, {SPEC_NETWORK_NONE, ""}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct sim *s = sim_of(3);
        const char *address;

        sim_apply(s, "shop", 1, of("web", 1, cases[i].network));
        sim_settle(s);
        assert_int_equal(sim_available(s, "web"), 1);
        address = address_of(s, "web", 0);
        assert_int_equal(strncmp(address, cases[i].begins, strlen(cases[i].begins)), 0);
        assert_int_equal(!*address, cases[i].network == SPEC_NETWORK_NONE);
        sim_free(s);
    }
}

/* Behaviour 27. */
static void test_network__two_in_one_servers_network_do_not_take_one_port(void **state)
{
    struct sim *s = sim_of(3);

    sim_apply(s, "shop", 1, of("web", 4, SPEC_NETWORK_HOST));
    sim_settle(s);
    assert_int_equal(sim_available(s, "web"), 3);
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->pending.at[0].reason, "9100/tcp is taken by"));
    sim_free(s);
}

/* It has its server's address, as its predecessor had: nothing rests before the next one has it. */
static void test_network__an_update_in_the_servers_network_is_in_place(void **state)
{
    struct sim *s = sim_of(2);
    struct spec_service *w = of("web", 2, SPEC_NETWORK_HOST);

    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    w = of("web", 2, SPEC_NETWORK_HOST);
    orc_set_str(&w->image, "better");
    w->update.order = SPEC_START_FIRST;
    sim_apply(s, "shop", 2, w);
    sim_settle(s);
    sim_pass(s, 200000);
    assert_int_equal(sim_available(s, "web"), 2);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* ---- sidecars: what is placed is the sum ------------------------------------------------------------------
 */

static struct spec_service *add_sidecar(struct spec_service *w, const char *name)
{
    struct spec_service *x = orc_vec_add(&w->sidecars);

    spec_service_init(x);
    x->name = orc_strdup(name);
    x->image = orc_strdup("proxy");
    return x;
}

/* 64 MiB and 0.1 CPU of its own, and so much for its sidecar. */
static struct spec_service *pair(int replicas, int64_t mib, int64_t cpus_milli)
{
    struct spec_service *w = sim_spec("web", replicas, "good");

    add_sidecar(w, "side")->limits =
        (struct spec_resources){.cpus_nano = cpus_milli * 1000000, .memory = mib * SIM_MIB};
    return w;
}

static struct sim *one_node(void)
{
    struct sim *s = sim_new();

    sim_node(s, 4, 1000);
    sim_settle(s);
    return s;
}

static void test_sidecar__a_replica_fits_where_all_of_it_does(void **state)
{
    static const struct {
        int64_t mib, cpus_milli;
        int fit;
        const char *why; /* of the first that doesn't */
    } cases[] = {
        {0, 0, 15, "needs 64 MiB with its sidecars, 40 MiB free, 24 MiB short"},
        {436, 0, 2, NULL}, /* to the last byte */
        {437, 0, 1, "needs 501 MiB with its sidecars, 499 MiB free, 2 MiB short"},
        {936, 0, 1, "needs 1000 MiB with its sidecars, 0 B free, 1000 MiB short"},
        {937, 0, 0, "needs 1001 MiB with its sidecars, 1000 MiB free, 1 MiB short"},
        {1, 3900, 1, "needs 4 with its sidecars, 0 free, 4 short"},
        {1, 3901, 0, "with its sidecars"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct sim *s = one_node();
        const struct record_rollout *r;

        sim_apply(s, "shop", 1,
                  pair(cases[i].why ? cases[i].fit + 1 : cases[i].fit, cases[i].mib, cases[i].cpus_milli));
        sim_settle(s);
        assert_int_equal(sim_available(s, "web"), cases[i].fit);
        r = sim_rollout(s, "shop", "web");
        assert_int_equal(r->pending.n, cases[i].why != NULL);
        if (cases[i].why && !strstr(r->pending.at[0].reason, cases[i].why))
            fail_msg("\"%s\" is not in \"%s\"", cases[i].why, r->pending.at[0].reason);
        sim_free(s);
    }
}

static void test_sidecar__its_processes_count(void **state)
{
    struct sim *s = one_node();
    struct spec_service *w = pair(3, 1, 1);
    struct sim_node_opts o = {.cpus = 4, .memory_mib = 1000, .pids = 100};

    w->pids_limit = 30;
    w->sidecars.at[0].pids_limit = 20;
    sim_node_put(s, "k1", 1, o);
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_int_equal(sim_available(s, "web"), 2);
    assert_non_null(
        strstr(sim_rollout(s, "shop", "web")->pending.at[0].reason, "needs 50 with its sidecars"));
    sim_free(s);
}

/* Behaviour 96: data that only the sidecar mounts keep the replica on its server as its own do. */
static void test_sidecar__its_volume_keeps_the_replica_there(void **state)
{
    struct sim *s = sim_of(3);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], again[KEY_NAME_MAX + 1];

    for (int64_t n = 1; n <= 2; n++) {
        struct spec_service *w = pair(1, 1, 1);

        w->sidecars.at[0].labels = (struct spec_pairs){0};
        if (n == 2)
            orc_set_str(&w->sidecars.at[0].image, "proxy:2");
        *orc_vec_add(&w->sidecars.at[0].mounts) = (struct spec_mount){
            .kind = SPEC_MOUNT_VOLUME, .source = orc_strdup("data"), .target = orc_strdup("/data")};
        sim_apply(s, "shop", n, w);
        sim_settle(s);
        sim_pass(s, 60000);
        assert_rollout(s, "shop", "web", "complete", n, NULL);
        assert_true(sim_task_in(s, "web", 0, id, n == 1 ? node : again));
    }
    assert_string_equal(node, again);
    sim_policy(s, node, true, true);
    sim_settle(s);
    assert_true(sim_task_in(s, "web", 0, id, again)); /* drained, and not moved away from its data */
    assert_string_equal(node, again);
    sim_free(s);
}

/* Behaviours 41, 58: another sidecar is other containers, and the update goes as the main service says. */
static void test_sidecar__an_update_of_it_rolls_the_replicas(void **state)
{
    struct sim *s = sim_of(3);
    struct spec_service *w = pair(3, 32, 50);

    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    w = pair(3, 32, 50);
    orc_set_str(&w->sidecars.at[0].image, "proxy:2");
    w->update.order = SPEC_START_FIRST;
    sim_apply(s, "shop", 2, w);
    for (int i = 0; i < 200 && sim_decide(s); i++) {
        sim_act(s);
        assert_true(sim_available(s, "web") >= 3);
    }
    sim_settle(s);
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 3);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network__a_task_has_the_address_that_its_network_gives_it),
        cmocka_unit_test(test_network__two_in_one_servers_network_do_not_take_one_port),
        cmocka_unit_test(test_network__an_update_in_the_servers_network_is_in_place),
        cmocka_unit_test(test_sidecar__a_replica_fits_where_all_of_it_does),
        cmocka_unit_test(test_sidecar__its_processes_count),
        cmocka_unit_test(test_sidecar__its_volume_keeps_the_replica_there),
        cmocka_unit_test(test_sidecar__an_update_of_it_rolls_the_replicas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
