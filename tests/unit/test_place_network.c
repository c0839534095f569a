/* scheduler/place: services in the network of their server, and without any. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network__a_task_has_the_address_that_its_network_gives_it),
        cmocka_unit_test(test_network__two_in_one_servers_network_do_not_take_one_port),
        cmocka_unit_test(test_network__an_update_in_the_servers_network_is_in_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
