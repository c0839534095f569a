/* netplug/link_want: what a request comes to on machines of every kind, and which are refused.
 */
#include "tests/unit/netplug_machine.h"

static struct link_want resolved(struct machine *m, const struct netplug_bridge_req *req)
{
    struct orc_err err = ORC_ERR_INIT;
    struct link_want want = {0};

    if (link_want_resolve(req, &m->set, &m->taken, &want, &err) != 0)
        fail_msg("refused: %s", err.msg);
    return want;
}

/* ---- the MTU ---- */

struct default_route {
    const char *dev, *to;
    uint32_t metric;
    int table;
};

static int portless_mtu(const struct default_route *routes, size_t n, int64_t wanted)
{
    const struct netplug_bridge_req req = {.address = "10.210.3.1/16", .mtu = wanted};
    struct machine m = machine();
    int mtu;

    m.set.routes.n = 0;
    add_link(&m.set, "wan0", "", 1280);
    for (size_t i = 0; i < n; i++) {
        add_route(&m.set, routes[i].dev, routes[i].to, NULL);
        m.set.routes.at[i].metric = routes[i].metric;
        m.set.routes.at[i].table = routes[i].table;
    }
    mtu = resolved(&m, &req).mtu;
    machine_release(&m);
    return mtu;
}

/* eth0 has 1500 bytes, eth1 1450, wan0 1280; orc0 is not a way out. */
static void test_netplug_want__without_a_port_the_mtu_is_that_of_the_best_way_out(void **state)
{
    static const struct {
        struct default_route routes[2];
        int want;
    } cases[] = {
        {{{"eth1", "0.0.0.0/0", 0, RT_TABLE_MAIN}}, 1450},
        {{{"wan0", "0.0.0.0/0", 100, RT_TABLE_MAIN}, {"eth1", "0.0.0.0/0", 200, RT_TABLE_MAIN}}, 1280},
        {{{"eth1", "0.0.0.0/0", 50, RT_TABLE_MAIN}, {"wan0", "0.0.0.0/0", 100, RT_TABLE_MAIN}}, 1450},
        {{{"eth1", "0.0.0.0/0", 7, RT_TABLE_MAIN}, {"wan0", "0.0.0.0/0", 7, RT_TABLE_MAIN}}, 1450},
        {{{"wan0", "0.0.0.0/0", 0, 100}, {"eth1", "0.0.0.0/0", 9, RT_TABLE_MAIN}}, 1450},
        {{{"wan0", "::/0", 0, RT_TABLE_MAIN}, {"eth1", "0.0.0.0/0", 9, RT_TABLE_MAIN}}, 1450},
        {{{"wan0", "0.0.0.0/1", 0, RT_TABLE_MAIN}, {"eth1", "0.0.0.0/0", 9, RT_TABLE_MAIN}}, 1450},
        {{{"orc0", "0.0.0.0/0", 0, RT_TABLE_MAIN}, {"wan0", "0.0.0.0/0", 9, RT_TABLE_MAIN}}, 1280},
        {{{"nowhere", "0.0.0.0/0", 0, RT_TABLE_MAIN}}, 1500},
        {{{"wan0", "::/0", 0, RT_TABLE_MAIN}}, 1500},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        assert_int_equal(portless_mtu(cases[i].routes, cases[i].routes[1].dev ? 2 : 1, 0), cases[i].want);
    assert_int_equal(portless_mtu(NULL, 0, 0), 1500);
}

/* Nothing lies under a bridge without a port: what is asked for is what it gets. */
static void test_netplug_want__without_a_port_any_mtu_can_be_asked_for(void **state)
{
    static const struct default_route small = {"wan0", "0.0.0.0/0", 0, RT_TABLE_MAIN};

    assert_int_equal(portless_mtu(&small, 1, 9000), 9000);
    assert_int_equal(portless_mtu(&small, 1, 65535), 65535);
    assert_int_equal(portless_mtu(&small, 1, 576), 576);
}

/* Of a VLAN link that is there its own MTU counts, else its interface's. */
static void test_netplug_want__the_mtu_is_that_of_what_becomes_the_port(void **state)
{
    struct machine m = machine();

    assert_int_equal(resolved(&m, &vlan).mtu, 1450);
    assert_int_equal(resolved(&m, &eth1).mtu, 1450);
    operators_vlan(&m, 1400);
    assert_int_equal(resolved(&m, &vlan).mtu, 1400);
    machine_release(&m);
}

/* ---- requests ---- */

static void test_netplug_want__vlan_ids_end_at_both_ends(void **state)
{
    static const int good[] = {1, 2, 4093, 4094}, bad[] = {-4094, -1, 4095, 4096, 65536};
    struct machine m = machine();

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++) {
        const struct netplug_bridge_req req = {
            .interface = "eth1", .vlan = good[i], .address = "10.210.3.1/16"};
        struct link_want want = resolved(&m, &req);
        char port[LINK_NAME_MAX];

        snprintf(port, sizeof port, "eth1.%d", good[i]);
        assert_string_equal(want.port, port);
        assert_string_equal(want.interface, "eth1");
        assert_int_equal(want.vlan, good[i]);
    }
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        const struct netplug_bridge_req req = {
            .interface = "eth1", .vlan = bad[i], .address = "10.210.3.1/16"};

        expect_refusal(&m, &req, -EINVAL, "1..4094 are possible");
    }
    machine_release(&m);
}

/* "enp0s31f6.100" is 13 bytes; with a longer name the VLAN link's name would not be one. */
static void test_netplug_want__a_vlan_links_name_must_fit_too(void **state)
{
    const struct netplug_bridge_req fits = {
        .interface = "elevenbytes", .vlan = 100, .address = "10.210.3.1/16"};
    const struct netplug_bridge_req not = {
        .interface = "elevenbytes", .vlan = 1000, .address = "10.210.3.1/16"};
    struct machine m = machine();

    add_link(&m.set, "elevenbytes", "", 1500);
    assert_string_equal(resolved(&m, &fits).port, "elevenbytes.100");
    expect_refusal(&m, &not, -EINVAL, "is not an interface name");
    machine_release(&m);
}

/* A link of the right name must be the right link. */
static void test_netplug_want__a_vlan_link_of_another_kind_parent_or_id_is_refused(void **state)
{
    static const struct {
        const char *kind;
        int parent, id;
    } bad[] = {{"dummy", 3, 100}, {"vlan", 2, 100}, {"vlan", 3, 101}, {"", 0, 0}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct machine m = machine();
        struct link *l = add_link(&m.set, "eth1.100", bad[i].kind, 1450);

        l->parent = bad[i].parent;
        l->vlan = bad[i].id;
        expect_refusal(&m, &vlan, -EEXIST, "but not as VLAN 100 on eth1");
        machine_release(&m);
    }
}

static void test_netplug_want__a_bridge_or_anothers_port_is_refused_as_a_port(void **state)
{
    const struct netplug_bridge_req br5 = {.interface = "br5", .address = "10.210.3.1/16"};
    struct machine m = machine();

    add_link(&m.set, "br5", "bridge", 1500);
    expect_refusal(&m, &br5, -EINVAL, "br5 is itself a bridge");
    link_find(&m.set, "eth1")->master = 77; /* of another network namespace: not in the picture */
    expect_refusal(&m, &eth1, -EEXIST, "already a port of another link");
    link_find(&m.set, "eth1")->master = 0;
    link_find(&m.set, "eth1")->ethernet = false;
    expect_refusal(&m, &eth1, -EINVAL, "not an Ethernet interface");
    link_find(&m.set, "eth1")->ethernet = true;
    link_find(&m.set, "eth1")->loopback = true;
    expect_refusal(&m, &eth1, -EINVAL, "not an Ethernet interface");
    machine_release(&m);
}

/* A strange route of another interface, or one that stays where it is, is in nobody's way. */
static void test_netplug_want__only_a_strange_route_that_would_move_is_in_the_way(void **state)
{
    struct machine m = machine();

    m.set.routes.at[0].strange = true; /* eth0's */
    resolved(&m, &eth1);
    m.set.routes.at[0].strange = false;
    m.set.routes.at[2].strange = true;
    m.set.routes.at[2].protocol = RTPROT_KERNEL;
    resolved(&m, &eth1);
    m.set.routes.at[2].protocol = RTPROT_STATIC;
    expect_refusal(&m, &eth1, -EOPNOTSUPP, "172.31.0.0/24 over eth1 has several next hops");
    machine_release(&m);
}

/* Two networks overlap when the shorter prefix of the two covers both. The port's own and orc0's don't count:
 * they become one. */
static void test_netplug_want__overlap_is_judged_by_the_shorter_prefix(void **state)
{
    static const struct {
        const char *dev, *theirs;
        bool overlaps;
    } cases[] = {
        {"eth0", "10.210.3.77/24", true},    {"eth0", "10.210.200.1/16", true},
        {"eth0", "10.1.0.1/8", true},        {"eth0", "10.211.0.1/16", false},
        {"eth0", "10.211.0.1/15", true},     {"eth0", "10.209.255.1/24", false},
        {"eth0", "10.210.255.255/32", true}, {"eth0", "10.211.0.0/32", false},
        {"eth0", "1.2.3.4/0", false},        {"eth0", "0ad2:0301::1/16", false},
        {"eth1", "10.210.200.1/16", false},  {"orc0", "10.210.9.1/16", false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct machine m = machine();

        add_link(&m.set, "orc0", "bridge", 1450);
        add_addr(link_find(&m.set, cases[i].dev), cases[i].theirs);
        if (cases[i].overlaps)
            expect_refusal(&m, &eth1, -EEXIST, "overlaps");
        else
            resolved(&m, &eth1);
        machine_release(&m);
    }
}

/* To the last bit of the address. */
static void test_netplug_want__overlap_of_small_networks(void **state)
{
    static const struct {
        const char *own, *theirs;
        bool overlaps;
    } cases[] = {
        {"10.0.9.17/28", "10.0.9.30/28", true},  {"10.0.9.17/28", "10.0.9.33/28", false},
        {"10.0.9.17/28", "10.0.9.14/28", false}, {"10.0.9.17/28", "10.0.9.14/27", true},
        {"10.0.9.17/30", "10.0.9.18/30", true},  {"10.0.9.17/30", "10.0.9.21/30", false},
        {"10.0.9.17/20", "10.0.15.9/24", true},  {"10.0.9.17/20", "10.0.16.9/24", false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        const struct netplug_bridge_req req = {.address = cases[i].own};
        struct machine m = machine();

        drop_link(&m.set, "eth1");
        add_addr(link_find(&m.set, "eth0"), cases[i].theirs);
        if (cases[i].overlaps)
            expect_refusal(&m, &req, -EEXIST, "overlaps");
        else
            resolved(&m, &req);
        machine_release(&m);
    }
}

/* A former own address of a network whose end is within a byte. */
static void test_netplug_want__a_former_address_of_a_network_that_ends_within_a_byte(void **state)
{
    const struct netplug_bridge_req small = {.address = "10.210.17.1/20"};
    struct machine m = machine();

    apply(&m, &small, -1);
    add_addr(link_find(&m.set, "orc0"), "10.210.31.1/20");
    add_addr(link_find(&m.set, "orc0"), "10.210.32.1/20");
    expect_plan(&m, &small, "remove 10.210.31.1/20 from orc0\n");
    machine_release(&m);
}

/* The bridge is there and the VLAN link is not. */
static void test_netplug_want__a_vlan_link_is_made_beside_a_bridge_that_is_there(void **state)
{
    struct machine m = machine();
    orc_auto_free char *before = NULL;

    apply(&m, &portless, -1);
    before = picture(&m.set);
    apply(&m, &vlan, -1);
    assert_false(m.taken.joined_first);
    assert_true(m.taken.vlan_made);
    expect_plan(&m, &vlan, "");
    back(&m, false);
    expect_picture_but_mtu(&m, before);
    machine_release(&m);
}

/* "a" is a name too. */
static void test_netplug_want__an_interface_of_one_letter(void **state)
{
    const struct netplug_bridge_req a = {.interface = "a", .address = "10.210.3.1/16"};
    struct machine m = machine();
    orc_auto_free char *before = NULL;

    add_addr(add_link(&m.set, "a", "", 1450), "10.7.0.1/24");
    before = picture(&m.set);
    apply(&m, &a, -1);
    assert_true(has(&m, "orc0", "10.7.0.1/24"));
    expect_plan(&m, &a, "");
    back(&m, true);
    expect_picture(&m.set, before);
    machine_release(&m);
}

/* Every number of a plan is 0 or 1 where it is of a switch, and was the other before. */
static void test_netplug_want__a_switch_is_off_before_it_is_on(void **state)
{
    const struct netplug_bridge_req *const reqs[] = {&eth1, &vlan, &portless};

    for (size_t i = 0; i < 3; i++) {
        struct machine m = machine();
        struct link_plan plan;
        const struct link_op *op;

        link_find(&m.set, "eth1")->up = false;
        plan = request(&m, reqs[i]);
        orc_vec_each (op, &plan.ops)
            if (op->kind == LINK_UP || op->kind == LINK_FORWARD) {
                assert_int_equal(op->to, 1);
                assert_int_equal(op->was, 0);
            }
        link_plan_release(&plan);
        machine_release(&m);
    }
}

static void test_netplug_want__an_empty_interface_is_none(void **state)
{
    const struct netplug_bridge_req none = {.interface = "", .address = "10.210.3.1/16"};
    const struct netplug_bridge_req only_vlan = {.interface = "", .vlan = 7, .address = "10.210.3.1/16"};
    struct machine m = machine();

    assert_string_equal(resolved(&m, &none).port, "");
    assert_string_equal(resolved(&m, &none).interface, "");
    expect_refusal(&m, &only_vlan, -EINVAL, "VLAN 7 needs an interface");
    machine_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_want__without_a_port_the_mtu_is_that_of_the_best_way_out),
        cmocka_unit_test(test_netplug_want__without_a_port_any_mtu_can_be_asked_for),
        cmocka_unit_test(test_netplug_want__the_mtu_is_that_of_what_becomes_the_port),
        cmocka_unit_test(test_netplug_want__vlan_ids_end_at_both_ends),
        cmocka_unit_test(test_netplug_want__a_vlan_links_name_must_fit_too),
        cmocka_unit_test(test_netplug_want__a_vlan_link_of_another_kind_parent_or_id_is_refused),
        cmocka_unit_test(test_netplug_want__a_bridge_or_anothers_port_is_refused_as_a_port),
        cmocka_unit_test(test_netplug_want__only_a_strange_route_that_would_move_is_in_the_way),
        cmocka_unit_test(test_netplug_want__overlap_is_judged_by_the_shorter_prefix),
        cmocka_unit_test(test_netplug_want__overlap_of_small_networks),
        cmocka_unit_test(test_netplug_want__a_former_address_of_a_network_that_ends_within_a_byte),
        cmocka_unit_test(test_netplug_want__a_vlan_link_is_made_beside_a_bridge_that_is_there),
        cmocka_unit_test(test_netplug_want__an_interface_of_one_letter),
        cmocka_unit_test(test_netplug_want__a_switch_is_off_before_it_is_on),
        cmocka_unit_test(test_netplug_want__an_empty_interface_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
