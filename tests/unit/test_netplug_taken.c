/* netplug/link_plan: what the record of what was taken over keeps, forgets and gives back; by example and,
 * for what somebody else does meanwhile, in every combination.
 */
#include "tests/unit/netplug_machine.h"

static bool remembers(const struct machine *m, const char *text)
{
    struct link_addr a = addr(text);
    const struct link_addr *t;

    orc_vec_each (t, &m->taken.addrs)
        if (link_addr_eq(t, &a))
            return true;
    return false;
}

static void expect_back(struct machine *m, bool all, const char *want)
{
    struct link_plan plan = {0};
    orc_auto_free char *got = NULL;

    link_plan_back(&m->set, &m->taken, all, &plan);
    got = text_of(&plan);
    assert_string_equal(got, want);
    link_plan_release(&plan);
}

/* ---- what has to be confirmed ---- */

/* Joining cuts the port off, and so does taking its addresses; nothing else does. */
static void test_netplug_taken__whatever_touches_the_ports_way_has_to_be_confirmed(void **state)
{
    struct machine m = machine();
    struct link *port;

    assert_true(takes_over(&m, &eth1));
    apply(&m, &eth1, -1);
    assert_false(takes_over(&m, &eth1));
    add_addr(link_find(&m.set, "eth1"), "10.0.0.99/24"); /* joined, and dressed by a DHCP client */
    assert_true(takes_over(&m, &eth1));
    apply(&m, &eth1, -1);
    port = link_find(&m.set, "eth1");
    port->master = 0; /* bare, and out of the bridge */
    assert_int_equal(port->addrs.n, 0);
    assert_true(takes_over(&m, &eth1));
    machine_release(&m);
}

static void test_netplug_taken__a_link_local_address_of_the_port_needs_no_confirming(void **state)
{
    struct machine m = machine();
    struct link *port;

    apply(&m, &eth1, -1);
    port = link_find(&m.set, "eth1");
    add_addr(port, "fe80::1/64");
    port->addrs.at[0].scope = RT_SCOPE_LINK;
    assert_false(takes_over(&m, &eth1));
    expect_plan(&m, &eth1, "");
    machine_release(&m);
}

/* ---- the bridge ---- */

/* The provider keeps seeing the address it knows. */
static void test_netplug_taken__a_bridge_that_was_there_gets_the_ports_mac(void **state)
{
    struct machine m = machine();
    const struct link *port = link_find(&m.set, "eth1");
    uint8_t mac[LINK_MAC_LEN];

    memcpy(mac, port->mac, LINK_MAC_LEN);
    apply(&m, &portless, -1);
    assert_memory_not_equal(link_find(&m.set, "orc0")->mac, mac, LINK_MAC_LEN);
    apply(&m, &eth1, -1);
    assert_memory_equal(link_find(&m.set, "orc0")->mac, mac, LINK_MAC_LEN);
    back(&m, false);
    assert_memory_not_equal(link_find(&m.set, "orc0")->mac, mac, LINK_MAC_LEN);
    machine_release(&m);
}

static void test_netplug_taken__a_port_that_is_down_is_put_up_and_down_again(void **state)
{
    struct machine m = machine();
    orc_auto_free char *before = NULL;

    link_find(&m.set, "eth1")->up = false;
    before = picture(&m.set);
    apply(&m, &eth1, -1);
    assert_true(link_find(&m.set, "eth1")->up);
    back(&m, true);
    expect_picture(&m.set, before);
    machine_release(&m);
}

/* Somebody put the bridge down, set another MTU or another address. */
static void test_netplug_taken__what_somebody_did_to_the_bridge_is_put_right_alone(void **state)
{
    struct machine m = machine();

    apply(&m, &eth1, -1);
    link_find(&m.set, "orc0")->up = false;
    expect_plan(&m, &eth1, "set orc0 up\n");
    link_find(&m.set, "orc0")->up = true;
    link_find(&m.set, "orc0")->mtu = 900;
    expect_plan(&m, &eth1, "set orc0 mtu 1450\n");
    link_find(&m.set, "orc0")->mtu = 1450;
    link_find(&m.set, "orc0")->mac[5] = 77;
    expect_plan(&m, &eth1, "set orc0 address 52:54:00:00:00:03\n");
    link_find(&m.set, "orc0")->mac[5] = 3;
    link_find(&m.set, "eth1")->up = false;
    expect_plan(&m, &eth1, "set eth1 up\n");
    link_find(&m.set, "eth1")->up = true;
    m.forward = false;
    expect_plan(&m, &eth1, "set net.ipv4.ip_forward 1\n");
    m.forward = true;
    expect_plan(&m, &eth1, "");
    machine_release(&m);
}

/* Of the addresses on orc0 only a former own one goes: of the same network, of the same length. */
static void test_netplug_taken__only_a_former_own_address_leaves_the_bridge(void **state)
{
    static const struct {
        const char *address;
        bool leaves;
    } cases[] = {
        {"10.210.8.1/16", true},   {"10.210.255.254/16", true}, {"10.211.3.1/16", false},
        {"10.209.3.1/16", false},  {"10.210.8.1/24", false},    {"10.210.8.1/15", false},
        {"192.168.0.1/16", false}, {"fd00::1/16", false},       {"0ad2:0801::/16", false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct machine m = machine();
        orc_auto_free char *want = NULL;

        apply(&m, &eth1, -1);
        add_addr(link_find(&m.set, "orc0"), cases[i].address);
        want = cases[i].leaves ? orc_printf("remove %s from orc0\n", cases[i].address) : orc_strdup("");
        expect_plan(&m, &eth1, want);
        machine_release(&m);
    }
}

/* An address of the cluster's network that the port had before us is the operator's, also on orc0. */
static void test_netplug_taken__the_ports_own_address_of_the_network_stays(void **state)
{
    struct machine m = machine();

    add_addr(link_find(&m.set, "eth1"), "10.210.77.7/16");
    apply(&m, &eth1, -1);
    assert_true(has(&m, "orc0", "10.210.77.7/16"));
    expect_plan(&m, &eth1, "");
    machine_release(&m);
}

/* ---- putting back ---- */

/* The operator's own bridge, with its port in it: what was moved onto it stays, since the port stays too. */
static void test_netplug_taken__of_the_operators_bridge_with_its_port_nothing_is_undressed(void **state)
{
    struct machine m = machine();
    orc_auto_free char *after = NULL;

    link_find(&m.set, "eth1")->master = operators_bridge(&m)->index;
    apply(&m, &eth1, -1);
    assert_true(m.taken.joined_first);
    assert_false(m.taken.bridge_made);
    assert_true(has(&m, "orc0", "10.0.0.1/24"));
    expect_back(&m, true, "remove 10.210.3.1/16 from orc0\n");
    back(&m, true);
    after = picture(&m.set);
    assert_true(has(&m, "orc0", "10.0.0.1/24"));
    back(&m, true);
    expect_picture(&m.set, after);
    machine_release(&m);
}

/* The operator's bridge, without a port: it gets ours, and afterwards is what it was. */
static void test_netplug_taken__the_operators_empty_bridge_outlives_us(void **state)
{
    struct machine m = machine();
    orc_auto_free char *before = NULL;

    add_addr(operators_bridge(&m), "192.168.7.1/24");
    before = picture(&m.set);
    {
        struct link_plan plan = request(&m, &eth1);
        orc_auto_free char *text = text_of(&plan);

        assert_non_null(
            strstr(text, "set eth1 master orc0\nset orc0 mtu 1450\n")); /* the port may have pulled it down */
        link_plan_release(&plan);
    }
    apply(&m, &eth1, -1);
    assert_false(m.taken.joined_first);
    assert_false(m.taken.bridge_made);
    assert_true(has(&m, "orc0", "10.0.0.1/24"));
    back(&m, true);
    expect_picture(&m.set, before);
    machine_release(&m);
}

/* Also when the port alone is given back: nothing of it was ours before. */
static void test_netplug_taken__the_operators_bridge_keeps_what_was_there_before_the_port(void **state)
{
    for (int claimed = 0; claimed < 2; claimed++) {
        struct machine m = machine();
        orc_auto_free char *before = NULL;

        add_addr(operators_bridge(&m), "192.168.7.1/24");
        if (claimed)
            apply(&m, &portless, -1);
        before = picture(&m.set);
        apply(&m, &eth1, -1);
        back(&m, false);
        if (claimed)
            expect_picture_but_mtu(&m, before);
        else
            expect_picture(&m.set, before);
        assert_int_equal(has(&m, "orc0", "10.210.3.1/16"), claimed);
        machine_release(&m);
    }
}

/* Ours goes with the rest when all is given back, and with its port when it was made anew for that. */
static void test_netplug_taken__our_bridge_outlives_its_port_only_where_it_was_there_before(void **state)
{
    for (int deleted = 0; deleted < 2; deleted++) {
        struct machine m = machine();
        orc_auto_free char *before = picture(&m.set);

        apply(&m, &portless, -1);
        if (deleted)
            drop_link(&m.set, "orc0");
        apply(&m, &eth1, -1);
        back(&m, !deleted);
        expect_picture(&m.set, before);
        machine_release(&m);
    }
}

/* Once, and not when somebody has put it down already. */
static void test_netplug_taken__a_port_is_put_down_once(void **state)
{
    for (int down = 0; down < 2; down++) {
        struct machine m = machine();
        struct link_plan plan = {0};
        const struct link_op *op;
        int times = 0;

        link_find(&m.set, "eth1")->up = false;
        apply(&m, &eth1, -1);
        link_find(&m.set, "eth1")->up = !down;
        link_plan_back(&m.set, &m.taken, true, &plan);
        orc_vec_each (op, &plan.ops)
            times += op->kind == LINK_UP && op->to == 0;
        assert_int_equal(times, !down);
        link_plan_release(&plan);
        machine_release(&m);
    }
}

static void test_netplug_taken__a_machine_of_which_nothing_was_taken_is_left_alone(void **state)
{
    struct machine m = machine();

    add_link(&m.set, "orc0", "bridge", 1500);
    expect_back(&m, true, "");
    expect_back(&m, false, "");
    machine_release(&m);
}

/* Behind our back: the interface, the port or the bridge was removed before the putting back. */
static void test_netplug_taken__links_that_are_gone_are_not_spoken_of(void **state)
{
    static const struct {
        const struct netplug_bridge_req *req;
        const char *gone[3];
        const char *want;
    } cases[] = {
        {&eth1,
         {"eth1"},
         "remove route 172.30.0.0/16 via 10.0.0.254 from orc0\n"
         "remove route 172.31.0.0/24 from orc0\n"
         "remove 10.0.0.51/24 from orc0\n"
         "remove 10.0.0.1/24 from orc0\n"
         "delete orc0\n"},
        {&eth1,
         {"orc0"},
         "add 10.0.0.1/24 to eth1\n"
         "add 10.0.0.51/24 to eth1\n"
         "add route 172.31.0.0/24 to eth1\n"
         "add route 172.30.0.0/16 via 10.0.0.254 to eth1\n"},
        {&eth1, {"orc0", "eth1"}, ""},
        {&vlan, {"eth1"}, "release eth1.100 from orc0\ndelete eth1.100\ndelete orc0\n"},
        {&vlan, {"eth1.100"}, "set eth1 down\ndelete orc0\n"},
        {&vlan, {"eth1.100", "eth1"}, "delete orc0\n"},
        {&vlan, {"orc0"}, "delete eth1.100\nset eth1 down\n"},
        {&vlan, {"orc0", "eth1.100"}, "set eth1 down\n"},
        {&portless, {"orc0"}, ""},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct machine m = machine();

        link_find(&m.set, "eth1")->up = cases[i].req != &vlan;
        apply(&m, cases[i].req, -1);
        for (size_t k = 0; k < 3 && cases[i].gone[k]; k++)
            drop_link(&m.set, cases[i].gone[k]);
        expect_back(&m, true, cases[i].want);
        machine_release(&m);
    }
}

/* The interface under a VLAN link: down again only if we put it up, and nobody put it down before. */
static void test_netplug_taken__an_interface_goes_down_only_where_it_was(void **state)
{
    for (int was = 0; was < 2; was++)
        for (int now = 0; now < 2; now++) {
            struct machine m = machine();

            link_find(&m.set, "eth1")->up = was;
            apply(&m, &vlan, -1);
            assert_true(link_find(&m.set, "eth1")->up);
            link_find(&m.set, "eth1")->up = now;
            expect_back(&m, true,
                        !was && now
                            ? "release eth1.100 from orc0\ndelete eth1.100\nset eth1 down\ndelete orc0\n"
                            : "release eth1.100 from orc0\ndelete eth1.100\ndelete orc0\n");
            machine_release(&m);
        }
}

/* A VLAN link that the operator had made stays, as it was. */
static void test_netplug_taken__the_operators_vlan_link_stays(void **state)
{
    for (int up = 0; up < 2; up++) {
        struct machine m = machine();
        struct link *l = operators_vlan(&m, 1450);
        orc_auto_free char *before = NULL;

        l->up = up;
        add_addr(l, "10.9.9.1/24");
        before = picture(&m.set);
        apply(&m, &vlan, -1);
        assert_false(m.taken.vlan_made);
        assert_true(has(&m, "orc0", "10.9.9.1/24"));
        back(&m, true);
        expect_picture(&m.set, before);
        machine_release(&m);
    }
}

/* Every step of putting back can be undone, but for a deletion: numbers and MACs change places. */
static void test_netplug_taken__the_steps_back_have_inverses_too(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        const struct netplug_bridge_req *const reqs[] = {&eth1, &vlan, &portless};
        struct machine m = machine();
        struct link_plan plan = {0};
        struct link_op inverse, again;

        link_find(&m.set, "eth1")->up = false;
        apply(&m, reqs[i], -1);
        link_plan_back(&m.set, &m.taken, true, &plan);
        for (size_t k = 0; k < plan.ops.n; k++) {
            struct link_op *op = &plan.ops.at[k];
            orc_auto_free char *before = picture(&m.set);

            if (op->kind == LINK_DELETE) {
                assert_false(link_op_inverse(op, &inverse));
                continue;
            }
            do_op(&m.set, op, &m.forward);
            assert_true(link_op_inverse(op, &inverse));
            assert_true(link_op_inverse(&inverse, &again));
            assert_memory_equal(&again, op, sizeof again);
            assert_in_range(inverse.to, 0, 1);
            do_op(&m.set, &inverse, &m.forward);
            if (op->kind != LINK_ADDR_DEL) /* put back, it is the last of the interface's */
                expect_picture(&m.set, before);
        }
        link_plan_release(&plan);
        machine_release(&m);
    }
}

/* ---- a port torn out ---- */

/* It had joined, and somebody took it out of the bridge. */
static void tear_out(struct machine *m)
{
    apply(m, &eth1, -1);
    link_find(&m->set, "eth1")->master = 0;
}

/* Somebody took the port out of the bridge and dressed it anew: an address that is neither on it nor on the
 * bridge any more was given up, and does not come back. Each combination of where the two addresses are. */
static void test_netplug_taken__what_was_given_up_meanwhile_does_not_come_back(void **state)
{
    static const char *const at[] = {"10.0.0.1/24", "10.0.0.51/24"};

    for (int places = 0; places < 9; places++) { /* of each: 0 on the bridge, 1 on the port, 2 nowhere */
        struct machine m = machine();
        const int where[] = {places % 3, places / 3};

        tear_out(&m);
        add_addr(link_find(&m.set, "eth1"), "10.0.0.88/24");
        for (int i = 0; i < 2; i++) {
            struct link_addr a = addr(at[i]);

            if (where[i])
                del_addr(link_find(&m.set, "orc0"), &a);
            if (where[i] == 1)
                add_addr(link_find(&m.set, "eth1"), at[i]);
        }
        apply(&m, &eth1, -1);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(remembers(&m, at[i]), where[i] != 2);
            assert_int_equal(has(&m, "orc0", at[i]), where[i] != 2);
        }
        assert_true(remembers(&m, "10.0.0.88/24"));
        expect_plan(&m, &eth1, "");
        back(&m, true);
        for (int i = 0; i < 2; i++)
            assert_int_equal(has(&m, "eth1", at[i]), where[i] != 2);
        machine_release(&m);
    }
}

/* So with routes. */
static void test_netplug_taken__a_route_given_up_meanwhile_does_not_come_back(void **state)
{
    for (int gone = 0; gone < 4; gone++) {
        struct machine m = machine();
        size_t kept = 0;

        tear_out(&m);
        add_addr(link_find(&m.set, "eth1"), "10.0.0.88/24");
        for (size_t i = 0; i < m.set.routes.n; i++) {
            struct link_route *r = &m.set.routes.at[i];

            if (strcmp(r->dev, "orc0") == 0 && (gone >> kept++ & 1))
                snprintf(r->dev, sizeof r->dev, "eth9");
        }
        assert_int_equal(kept, 2);
        apply(&m, &eth1, -1);
        assert_int_equal(m.taken.routes.n, 2 - __builtin_popcount((unsigned)gone));
        machine_release(&m);
    }
}

/* Torn out bare: as by a crash within us, so all that is on record is still to be put somewhere. */
static void test_netplug_taken__a_port_torn_out_bare_loses_nothing(void **state)
{
    struct machine m = machine();

    tear_out(&m);
    for (size_t i = 0; i < 2; i++) {
        struct link_addr a = addr(i ? "10.0.0.51/24" : "10.0.0.1/24");

        del_addr(link_find(&m.set, "orc0"), &a);
    }
    apply(&m, &eth1, -1);
    assert_int_equal(m.taken.addrs.n, 2);
    assert_true(has(&m, "orc0", "10.0.0.1/24"));
    assert_true(has(&m, "orc0", "10.0.0.51/24"));
    machine_release(&m);
}

/* The bridge is gone with all that was on it: of the record everything is put onto the new one. */
static void test_netplug_taken__a_bridge_that_was_deleted_is_made_again_with_all_it_had(void **state)
{
    struct machine m = machine();
    orc_auto_free char *whole = NULL;

    apply(&m, &eth1, -1);
    whole = picture(&m.set);
    drop_link(&m.set, "orc0");
    apply(&m, &eth1, -1);
    expect_picture(&m.set, whole);
    machine_release(&m);
}

/* ... also beside what the port was given instead, and of that only what somebody gave it. */
static void test_netplug_taken__what_the_port_got_meanwhile_comes_with_it(void **state)
{
    struct machine m = machine();

    tear_out(&m);
    drop_link(&m.set, "orc0");
    add_addr(link_find(&m.set, "eth1"), "10.0.0.88/24");
    apply(&m, &eth1, -1);
    assert_true(has(&m, "orc0", "10.0.0.1/24"));
    assert_true(has(&m, "orc0", "10.0.0.51/24"));
    assert_true(has(&m, "orc0", "10.0.0.88/24"));
    add_addr(link_find(&m.set, "eth1"), "10.0.0.99/24");
    add_route(&m.set, "eth1", "10.0.0.0/24", NULL);
    m.set.routes.at[m.set.routes.n - 1].protocol = RTPROT_KERNEL;
    expect_plan(&m, &eth1, "remove 10.0.0.99/24 from eth1\nadd 10.0.0.99/24 to orc0\n");
    machine_release(&m);
}

static void test_netplug_taken__asked_twice_nothing_is_noted_twice(void **state)
{
    struct machine m = machine();
    struct link_plan plan = request(&m, &eth1), again = request(&m, &eth1);

    assert_int_equal(m.taken.addrs.n, 2);
    assert_int_equal(m.taken.routes.n, 2);
    link_plan_release(&plan);
    link_plan_release(&again);
    machine_release(&m);
}

/* A copy is a second record: changing either leaves the other. */
static void test_netplug_taken__a_copy_is_whole_and_of_its_own(void **state)
{
    struct machine m = machine();
    struct link_taken copy = {0};

    apply(&m, &vlan, 3);
    add_addr(link_find(&m.set, "eth1.100"), "10.9.9.1/24");
    apply(&m, &vlan, -1);
    add_route(&m.set, "eth1.100", "172.29.0.0/16", NULL);
    apply(&m, &vlan, -1);
    link_taken_copy(&copy, &m.taken);
    assert_int_equal(copy.addrs.n, m.taken.addrs.n);
    assert_int_equal(copy.routes.n, m.taken.routes.n);
    assert_true(copy.addrs.n > 0 && copy.routes.n > 0);
    assert_ptr_not_equal(copy.addrs.at, m.taken.addrs.at);
    assert_ptr_not_equal(copy.routes.at, m.taken.routes.at);
    assert_memory_equal(copy.addrs.at, m.taken.addrs.at, copy.addrs.n * sizeof *copy.addrs.at);
    assert_memory_equal(copy.routes.at, m.taken.routes.at, copy.routes.n * sizeof *copy.routes.at);
    assert_true(copy.active && copy.bridge_made && copy.vlan_made && copy.moved);
    assert_string_equal(copy.port, "eth1.100");
    assert_string_equal(copy.interface, "eth1");
    assert_int_equal(copy.vlan, 100);
    assert_true(link_addr_eq(&copy.own, &m.taken.own));
    link_taken_release(&copy);
    assert_false(copy.active);
    assert_int_equal(copy.addrs.n, 0);
    machine_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_taken__whatever_touches_the_ports_way_has_to_be_confirmed),
        cmocka_unit_test(test_netplug_taken__a_link_local_address_of_the_port_needs_no_confirming),
        cmocka_unit_test(test_netplug_taken__a_bridge_that_was_there_gets_the_ports_mac),
        cmocka_unit_test(test_netplug_taken__a_port_that_is_down_is_put_up_and_down_again),
        cmocka_unit_test(test_netplug_taken__what_somebody_did_to_the_bridge_is_put_right_alone),
        cmocka_unit_test(test_netplug_taken__only_a_former_own_address_leaves_the_bridge),
        cmocka_unit_test(test_netplug_taken__the_ports_own_address_of_the_network_stays),
        cmocka_unit_test(test_netplug_taken__of_the_operators_bridge_with_its_port_nothing_is_undressed),
        cmocka_unit_test(test_netplug_taken__the_operators_empty_bridge_outlives_us),
        cmocka_unit_test(test_netplug_taken__a_machine_of_which_nothing_was_taken_is_left_alone),
        cmocka_unit_test(test_netplug_taken__links_that_are_gone_are_not_spoken_of),
        cmocka_unit_test(test_netplug_taken__an_interface_goes_down_only_where_it_was),
        cmocka_unit_test(test_netplug_taken__the_operators_vlan_link_stays),
        cmocka_unit_test(test_netplug_taken__the_steps_back_have_inverses_too),
        cmocka_unit_test(test_netplug_taken__what_was_given_up_meanwhile_does_not_come_back),
        cmocka_unit_test(test_netplug_taken__a_route_given_up_meanwhile_does_not_come_back),
        cmocka_unit_test(test_netplug_taken__a_port_torn_out_bare_loses_nothing),
        cmocka_unit_test(test_netplug_taken__a_bridge_that_was_deleted_is_made_again_with_all_it_had),
        cmocka_unit_test(test_netplug_taken__asked_twice_nothing_is_noted_twice),
        cmocka_unit_test(test_netplug_taken__a_copy_is_whole_and_of_its_own),
        cmocka_unit_test(test_netplug_taken__the_operators_bridge_keeps_what_was_there_before_the_port),
        cmocka_unit_test(test_netplug_taken__our_bridge_outlives_its_port_only_where_it_was_there_before),
        cmocka_unit_test(test_netplug_taken__a_port_is_put_down_once),
        cmocka_unit_test(test_netplug_taken__what_the_port_got_meanwhile_comes_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
