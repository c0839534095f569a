/* netplug/link_plan: from what is and what is wanted to the list of changes, as text; and as a whole, carried
 * out on a model of the machine, interrupted anywhere, undone and put back. */
#include "tests/unit/netplug_machine.h"

/* ---- plans as text ---- */

static void test_netplug_plan__taking_over_moves_addresses_and_routes(void **state)
{
    struct machine m = machine();

    expect_plan(&m, &eth1,
                "create bridge orc0 with 52:54:00:00:00:03\n"
                "set eth1 master orc0\n"
                "set orc0 mtu 1450\n"
                "set orc0 up\n"
                "remove route 172.30.0.0/16 via 10.0.0.254 from eth1\n"
                "remove route 172.31.0.0/24 from eth1\n"
                "remove 10.0.0.51/24 from eth1\n"
                "remove 10.0.0.1/24 from eth1\n"
                "add 10.0.0.1/24 to orc0\n"
                "add 10.0.0.51/24 to orc0\n"
                "add route 172.31.0.0/24 to orc0\n"
                "add route 172.30.0.0/16 via 10.0.0.254 to orc0\n"
                "add 10.210.3.1/16 to orc0\n"
                "set net.ipv4.ip_forward 1\n");
    machine_release(&m);
}

static void test_netplug_plan__a_bridge_without_a_port_touches_no_interface(void **state)
{
    struct machine m = machine();

    expect_plan(&m, &portless,
                "create bridge orc0 with 02:6f:0a:d2:03:01\n"
                "set orc0 mtu 1500\n"
                "set orc0 up\n"
                "add 10.210.3.1/16 to orc0\n"
                "set net.ipv4.ip_forward 1\n");
    assert_false(takes_over(&m, &portless));
    machine_release(&m);
}

static void test_netplug_plan__a_vlan_link_leaves_its_interface_alone(void **state)
{
    struct machine m = machine();

    link_find(&m.set, "eth1")->up = false;
    expect_plan(&m, &vlan,
                "set eth1 up\n"
                "create vlan eth1.100 on eth1 id 100\n"
                "set eth1.100 up\n"
                "create bridge orc0 with 52:54:00:00:00:03\n"
                "set eth1.100 master orc0\n"
                "set orc0 mtu 1450\n"
                "set orc0 up\n"
                "add 10.210.3.1/16 to orc0\n"
                "set net.ipv4.ip_forward 1\n");
    machine_release(&m);
}

static void test_netplug_plan__a_new_subnet_replaces_the_nodes_own_address(void **state)
{
    const struct netplug_bridge_req other = {.interface = "eth1", .address = "10.210.8.1/16"};
    struct machine m = machine();

    apply(&m, &eth1, -1);
    expect_plan(&m, &other, "remove 10.210.3.1/16 from orc0\nadd 10.210.8.1/16 to orc0\n");
    machine_release(&m);
}

/* Behaviour 94. */
static void test_netplug_plan__mtu_alone_is_changed_without_taking_over(void **state)
{
    const struct netplug_bridge_req less = {.interface = "eth1", .address = "10.210.3.1/16", .mtu = 1400};
    struct machine m = machine();
    struct link_plan plan;

    apply(&m, &eth1, -1);
    expect_plan(&m, &less, "set orc0 mtu 1400\n");
    plan = request(&m, &less);
    assert_int_equal(plan.ops.at[0].was, 1450); /* so that it can be undone */
    link_plan_release(&plan);
    assert_false(takes_over(&m, &less));
    machine_release(&m);
}

static void test_netplug_plan__what_an_operator_changes_on_orc0_stays(void **state)
{
    struct machine m = machine();
    struct link_addr old = addr("10.0.0.51/24");

    apply(&m, &eth1, -1);
    del_addr(link_find(&m.set, "orc0"), &old);
    add_addr(link_find(&m.set, "orc0"), "10.0.0.77/24");
    expect_plan(&m, &eth1, "");
    machine_release(&m);
}

static void test_netplug_plan__an_address_that_comes_back_to_the_port_is_moved_again(void **state)
{
    struct machine m = machine();

    apply(&m, &eth1, -1);
    add_addr(link_find(&m.set, "eth1"), "10.0.0.99/24"); /* as a DHCP client does */
    expect_plan(&m, &eth1, "remove 10.0.0.99/24 from eth1\nadd 10.0.0.99/24 to orc0\n");
    machine_release(&m);
}

static void test_netplug_plan__what_the_kernel_makes_by_itself_is_not_moved(void **state)
{
    struct machine m = machine();
    struct link *l = link_find(&m.set, "eth1");
    struct link_plan plan;
    orc_auto_free char *text = NULL;

    add_addr(l, "fe80::1/64");
    l->addrs.at[l->addrs.n - 1].scope = RT_SCOPE_LINK;
    add_addr(l, "fd00::dead/64");
    l->addrs.at[l->addrs.n - 1].temporary = true;
    add_route(&m.set, "eth1", "10.0.0.0/24", NULL);
    m.set.routes.at[m.set.routes.n - 1].protocol = RTPROT_KERNEL;
    add_route(&m.set, "eth1", "::/0", "fe80::2");
    m.set.routes.at[m.set.routes.n - 1].protocol = RTPROT_RA;
    plan = request(&m, &eth1);
    text = text_of(&plan);
    assert_null(strstr(text, "fe80"));
    assert_null(strstr(text, "dead"));
    assert_null(strstr(text, "10.0.0.0/24"));
    link_plan_release(&plan);
    machine_release(&m);
}

static void test_netplug_plan__a_bridge_the_operator_made_is_adopted_and_left(void **state)
{
    struct machine m = machine();
    orc_auto_free char *before = NULL;
    struct link *bridge = operators_bridge(&m), *port = link_find(&m.set, "eth1");

    port->master = bridge->index;
    orc_vec_release(&port->addrs);
    m.set.routes.n = 1;
    m.forward = true;
    add_addr(bridge, "10.0.0.1/24");
    before = picture(&m.set);
    expect_plan(&m, &eth1, "add 10.210.3.1/16 to orc0\n");
    apply(&m, &eth1, -1);
    back(&m, true);
    expect_picture(&m.set, before);
    machine_release(&m);
}

/* It is the provider's port whose address must be seen; without one there is no reason to change anything. */
static void test_netplug_plan__without_a_ports_mac_a_bridge_keeps_its_own(void **state)
{
    struct machine m = machine(), other = machine();

    link_find(&m.set, "eth1")->has_mac = false;
    apply(&m, &eth1, -1);
    assert_memory_equal(link_find(&m.set, "orc0")->mac, ((uint8_t[]){2, 0x6f, 10, 210, 3, 1}), LINK_MAC_LEN);
    operators_bridge(&other);
    expect_plan(&other, &portless,
                "set orc0 mtu 1500\n"
                "add 10.210.3.1/16 to orc0\n"
                "set net.ipv4.ip_forward 1\n");
    machine_release(&m);
    machine_release(&other);
}

/* A VLAN link may have been given an address of its own, and that one is seen. */
static void test_netplug_plan__a_vlan_link_that_is_there_gives_its_own_mac(void **state)
{
    struct machine m = machine();
    struct link *l = operators_vlan(&m, 1450);

    memcpy(l->mac, (uint8_t[]){2, 1, 2, 3, 4, 5}, LINK_MAC_LEN);
    expect_plan(&m, &vlan,
                "create bridge orc0 with 02:01:02:03:04:05\n"
                "set eth1.100 master orc0\n"
                "set orc0 mtu 1450\n"
                "set orc0 up\n"
                "add 10.210.3.1/16 to orc0\n"
                "set net.ipv4.ip_forward 1\n");
    machine_release(&m);
}

/* ---- properties ---- */

static const struct netplug_bridge_req *const kinds[] = {&eth1, &portless, &vlan};

static void test_netplug_plan__a_second_request_is_empty(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        struct machine m = machine();

        assert_true(apply(&m, kinds[i], -1) > 0);
        expect_plan(&m, kinds[i], "");
        machine_release(&m);
    }
}

/* Ended anywhere, the next request completes it, to the same machine. */
static void test_netplug_plan__a_half_made_state_is_completed_from_anywhere(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        struct machine whole = machine();
        int n = apply(&whole, kinds[i], -1);
        orc_auto_free char *want = picture(&whole.set);

        for (int first = 0; first <= n; first++)
            for (int second = 0; second <= n; second++) {
                struct machine m = machine();

                apply(&m, kinds[i], first);
                apply(&m, kinds[i], second);
                apply(&m, kinds[i], -1);
                expect_picture(&m.set, want);
                expect_plan(&m, kinds[i], "");
                machine_release(&m);
            }
        machine_release(&whole);
    }
}

static void test_netplug_plan__putting_back_restores_everything_from_anywhere(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        struct machine whole = machine();
        orc_auto_free char *before = picture(&whole.set);
        int n = apply(&whole, kinds[i], -1);

        for (int steps = 0; steps <= n; steps++)
            for (int all = 0; all < 2; all++) {
                struct machine m = machine();

                apply(&m, kinds[i], steps);
                back(&m, all);
                expect_picture(&m.set, before);
                back(&m, all); /* again: nothing is left to do */
                expect_picture(&m.set, before);
                machine_release(&m);
            }
        machine_release(&whole);
    }
}

/* Putting back that was itself interrupted. */
static void test_netplug_plan__putting_back_can_be_interrupted(void **state)
{
    struct machine m = machine();
    orc_auto_free char *before = picture(&m.set);

    for (size_t steps = 0; steps < 20; steps++) {
        struct link_plan plan = {0};

        apply(&m, &eth1, -1);
        link_plan_back(&m.set, &m.taken, true, &plan);
        for (size_t i = 0; i < plan.ops.n && i < steps; i++)
            do_op(&m.set, &plan.ops.at[i], &m.forward);
        link_plan_release(&plan);
        back(&m, true);
        expect_picture(&m.set, before);
        link_taken_release(&m.taken);
    }
    machine_release(&m);
}

/* What link_apply() does when step k is refused. */
static void test_netplug_plan__inverses_undo_every_prefix(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++)
        for (size_t k = 0;; k++) {
            struct machine m = machine();
            orc_auto_free char *before = picture(&m.set);
            struct link_plan plan = request(&m, kinds[i]);
            size_t n = plan.ops.n;
            struct link_op inverse;

            for (size_t s = 0; s < n && s < k; s++)
                do_op(&m.set, &plan.ops.at[s], &m.forward);
            for (size_t s = k < n ? k : n; s-- > 0;)
                if (link_op_inverse(&plan.ops.at[s], &inverse))
                    do_op(&m.set, &inverse, &m.forward);
            expect_picture(&m.set, before);
            assert_false(m.forward);
            link_plan_release(&plan);
            machine_release(&m);
            if (k > n)
                break;
        }
}

static void test_netplug_plan__an_unconfirmed_port_leaves_the_bridge_there_was(void **state)
{
    struct machine m = machine();
    orc_auto_free char *before = NULL;

    apply(&m, &portless, -1);
    before = picture(&m.set);
    apply(&m, &(struct netplug_bridge_req){.interface = "eth1", .address = "10.210.3.1/16"}, -1);
    back(&m, false);
    expect_picture_but_mtu(&m, before);
    machine_release(&m);
}

static void test_netplug_plan__a_port_torn_out_comes_back_with_what_is_left(void **state)
{
    struct machine m = machine();
    struct link_addr gone = addr("10.0.0.1/24");
    orc_auto_free char *want = NULL;

    apply(&m, &eth1, -1);
    want = picture(&m.set);
    del_addr(link_find(&m.set, "orc0"), &gone);
    add_addr(link_find(&m.set, "eth1"), "10.0.0.1/24");
    link_find(&m.set, "eth1")->master = 0;
    apply(&m, &eth1, -1);
    assert_true(has(&m, "orc0", "10.0.0.1/24"));
    assert_int_equal(m.taken.addrs.n, 2);
    assert_int_equal(m.taken.routes.n, 2);
    machine_release(&m);
}

/* ---- refusals ---- */

static void test_netplug_plan__bad_requests_are_refused_with_the_token(void **state)
{
    static const struct {
        struct netplug_bridge_req req;
        int code;
        const char *text;
    } cases[] = {
        {{.interface = "eth7", .address = "10.210.3.1/16"}, -ENODEV, "no interface \"eth7\""},
        {{.interface = "et h1", .address = "10.210.3.1/16"}, -EINVAL, "\"et h1\" is not an interface name"},
        {{.interface = "../../etc", .address = "10.210.3.1/16"}, -EINVAL, "is not an interface name"},
        {{.interface = "averyveryverylongname", .address = "10.210.3.1/16"},
         -EINVAL,
         "is not an interface name"},
        {{.interface = "orc0", .address = "10.210.3.1/16"}, -EINVAL, "orc0 is orc's own bridge"},
        {{.interface = "lo", .address = "10.210.3.1/16"}, -EINVAL, "lo is not an Ethernet interface"},
        {{.interface = "eth1", .vlan = 4095, .address = "10.210.3.1/16"}, -EINVAL, "VLAN id 4095"},
        {{.interface = "eth1", .vlan = -1, .address = "10.210.3.1/16"}, -EINVAL, "VLAN id -1"},
        {{.vlan = 7, .address = "10.210.3.1/16"}, -EINVAL, "VLAN 7 needs an interface"},
        {{.interface = "eth1"}, -EINVAL, "An address for orc0 is needed"},
        {{.interface = "eth1", .address = "10.210.3.1"},
         -EINVAL,
         "\"10.210.3.1\" is not an address with a prefix"},
        {{.interface = "eth1", .address = "10.210.0.0/16"}, -EINVAL, "network address"},
        {{.interface = "eth1", .address = "10.210.255.255/16"}, -EINVAL, "broadcast address"},
        {{.interface = "eth1", .address = "fd00::1/64"}, -EINVAL, "an IPv4 address"},
        {{.interface = "eth1", .address = "224.0.0.5/16"},
         -EINVAL,
         "not an address a host can be reached at"},
        {{.interface = "eth1", .address = "10.210.3.1/16", .mtu = 65536}, -EINVAL, "MTU 65536"},
        {{.interface = "eth1", .address = "10.210.3.1/16", .mtu = -1}, -EINVAL, "MTU -1"},
        {{.interface = "eth1", .address = "10.210.3.1/16", .mtu = 1500}, -EINVAL, "eth1 has MTU 1450"},
        {{.interface = "eth1", .address = "203.0.0.1/8"}, -EEXIST, "overlaps 203.0.113.7/24 on eth0"},
        {{.mode = "routed", .interface = "eth1", .address = "10.210.3.1/16"}, -EOPNOTSUPP, "\"routed\""},
    };
    struct machine m = machine();

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        expect_refusal(&m, &cases[i].req, cases[i].code, cases[i].text);
    machine_release(&m);
}

static void test_netplug_plan__what_is_in_the_way_is_said(void **state)
{
    const struct netplug_bridge_req eth0 = {.interface = "eth0", .address = "10.210.3.1/16"};
    struct machine m = machine();

    link_find(&m.set, "eth1")->master = add_link(&m.set, "br5", "bridge", 1500)->index;
    expect_refusal(&m, &eth1, -EEXIST, "eth1 is already a port of br5");
    link_find(&m.set, "eth1")->master = 0;
    add_link(&m.set, "orc0", "dummy", 1500);
    expect_refusal(&m, &eth1, -EEXIST, "orc0 is there already and is not a bridge");
    drop_link(&m.set, "orc0");
    add_link(&m.set, "eth1.100", "vlan", 1450)->vlan = 7;
    expect_refusal(&m, &vlan, -EEXIST, "not as VLAN 100 on eth1");
    m.set.routes.at[1].strange = true;
    expect_refusal(&m, &eth1, -EOPNOTSUPP, "172.30.0.0/16 via 10.0.0.254 over eth1 has several next hops");
    m.set.routes.at[1].strange = false;
    apply(&m, &eth1, -1);
    expect_refusal(&m, &eth0, -EEXIST, "orc0 has eth1 as its port");
    expect_refusal(&m, &portless, -EEXIST, "orc0 has eth1 as its port");
    machine_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_plan__taking_over_moves_addresses_and_routes),
        cmocka_unit_test(test_netplug_plan__a_bridge_without_a_port_touches_no_interface),
        cmocka_unit_test(test_netplug_plan__a_vlan_link_leaves_its_interface_alone),
        cmocka_unit_test(test_netplug_plan__a_new_subnet_replaces_the_nodes_own_address),
        cmocka_unit_test(test_netplug_plan__mtu_alone_is_changed_without_taking_over),
        cmocka_unit_test(test_netplug_plan__what_an_operator_changes_on_orc0_stays),
        cmocka_unit_test(test_netplug_plan__an_address_that_comes_back_to_the_port_is_moved_again),
        cmocka_unit_test(test_netplug_plan__what_the_kernel_makes_by_itself_is_not_moved),
        cmocka_unit_test(test_netplug_plan__a_bridge_the_operator_made_is_adopted_and_left),
        cmocka_unit_test(test_netplug_plan__a_second_request_is_empty),
        cmocka_unit_test(test_netplug_plan__a_half_made_state_is_completed_from_anywhere),
        cmocka_unit_test(test_netplug_plan__putting_back_restores_everything_from_anywhere),
        cmocka_unit_test(test_netplug_plan__putting_back_can_be_interrupted),
        cmocka_unit_test(test_netplug_plan__inverses_undo_every_prefix),
        cmocka_unit_test(test_netplug_plan__an_unconfirmed_port_leaves_the_bridge_there_was),
        cmocka_unit_test(test_netplug_plan__a_port_torn_out_comes_back_with_what_is_left),
        cmocka_unit_test(test_netplug_plan__bad_requests_are_refused_with_the_token),
        cmocka_unit_test(test_netplug_plan__what_is_in_the_way_is_said),
        cmocka_unit_test(test_netplug_plan__without_a_ports_mac_a_bridge_keeps_its_own),
        cmocka_unit_test(test_netplug_plan__a_vlan_link_that_is_there_gives_its_own_mac),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
