/* netplug/link_want: a request against machines of every kind, and what the record of what was taken over
 * keeps, forgets and gives back; by example and, for what somebody else does meanwhile, in every combination.
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

static bool takes_over(struct machine *m, const struct netplug_bridge_req *req)
{
    struct link_plan plan = request(m, req);
    bool is = plan.takes_over;

    link_plan_release(&plan);
    return is;
}

static struct link_addr addr(const char *text)
{
    struct link_addr a = {0};

    assert_int_equal(link_addr_parse(text, &a, NULL), 0);
    return a;
}

static bool has(struct machine *m, const char *dev, const char *text)
{
    struct link_addr a = addr(text);
    const struct link *l = link_find(&m->set, dev);

    return l && link_addr_find(l, &a);
}

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

/* A VLAN link may have been given an address of its own, and that one is seen. */
static void test_netplug_taken__a_vlan_link_that_is_there_gives_its_own_mac(void **state)
{
    struct machine m = machine();
    struct link *l = add_link(&m.set, "eth1.100", "vlan", 1450);

    l->parent = link_find(&m.set, "eth1")->index;
    l->vlan = 100;
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
    struct link *bridge = add_link(&m.set, "orc0", "bridge", 1450);
    orc_auto_free char *after = NULL;

    link_find(&m.set, "eth1")->master = bridge->index;
    memcpy(bridge->mac, link_find(&m.set, "eth1")->mac, LINK_MAC_LEN);
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
    struct link *bridge = add_link(&m.set, "orc0", "bridge", 1450);

    memcpy(bridge->mac, link_find(&m.set, "eth1")->mac, LINK_MAC_LEN);
    add_addr(bridge, "192.168.7.1/24");
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
        struct link *l = add_link(&m.set, "eth1.100", "vlan", 1450);
        orc_auto_free char *before = NULL;

        l->parent = link_find(&m.set, "eth1")->index;
        l->vlan = 100;
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

/* Somebody took the port out of the bridge and dressed it anew: an address that is neither on it nor on the
 * bridge any more was given up, and does not come back. Each combination of where the two addresses are. */
static void test_netplug_taken__what_was_given_up_meanwhile_does_not_come_back(void **state)
{
    static const char *const at[] = {"10.0.0.1/24", "10.0.0.51/24"};

    for (int places = 0; places < 9; places++) { /* of each: 0 on the bridge, 1 on the port, 2 nowhere */
        struct machine m = machine();
        const int where[] = {places % 3, places / 3};

        apply(&m, &eth1, -1);
        link_find(&m.set, "eth1")->master = 0;
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

        apply(&m, &eth1, -1);
        link_find(&m.set, "eth1")->master = 0;
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

    apply(&m, &eth1, -1);
    link_find(&m.set, "eth1")->master = 0;
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
static void test_netplug_taken__without_a_port_the_mtu_is_that_of_the_best_way_out(void **state)
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
static void test_netplug_taken__without_a_port_any_mtu_can_be_asked_for(void **state)
{
    static const struct default_route small = {"wan0", "0.0.0.0/0", 0, RT_TABLE_MAIN};

    assert_int_equal(portless_mtu(&small, 1, 9000), 9000);
    assert_int_equal(portless_mtu(&small, 1, 65535), 65535);
    assert_int_equal(portless_mtu(&small, 1, 576), 576);
}

/* Of a VLAN link that is there its own MTU counts, else its interface's. */
static void test_netplug_taken__the_mtu_is_that_of_what_becomes_the_port(void **state)
{
    struct machine m = machine();
    struct link *l;

    assert_int_equal(resolved(&m, &vlan).mtu, 1450);
    assert_int_equal(resolved(&m, &eth1).mtu, 1450);
    l = add_link(&m.set, "eth1.100", "vlan", 1400);
    l->parent = link_find(&m.set, "eth1")->index;
    l->vlan = 100;
    assert_int_equal(resolved(&m, &vlan).mtu, 1400);
    machine_release(&m);
}

/* ---- requests ---- */

static void test_netplug_taken__vlan_ids_end_at_both_ends(void **state)
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
static void test_netplug_taken__a_vlan_links_name_must_fit_too(void **state)
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
static void test_netplug_taken__a_vlan_link_of_another_kind_parent_or_id_is_refused(void **state)
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

static void test_netplug_taken__a_bridge_or_anothers_port_is_refused_as_a_port(void **state)
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
static void test_netplug_taken__only_a_strange_route_that_would_move_is_in_the_way(void **state)
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
static void test_netplug_taken__overlap_is_judged_by_the_shorter_prefix(void **state)
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
static void test_netplug_taken__overlap_of_small_networks(void **state)
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
static void test_netplug_taken__a_former_address_of_a_network_that_ends_within_a_byte(void **state)
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
static void test_netplug_taken__a_vlan_link_is_made_beside_a_bridge_that_is_there(void **state)
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
    link_find(&m.set, "orc0")->mtu = 1500; /* the MTU is what it last was */
    expect_picture(&m.set, before);
    machine_release(&m);
}

/* "a" is a name too. */
static void test_netplug_taken__an_interface_of_one_letter(void **state)
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
static void test_netplug_taken__a_switch_is_off_before_it_is_on(void **state)
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

static void test_netplug_taken__an_empty_interface_is_none(void **state)
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
        cmocka_unit_test(test_netplug_taken__whatever_touches_the_ports_way_has_to_be_confirmed),
        cmocka_unit_test(test_netplug_taken__a_link_local_address_of_the_port_needs_no_confirming),
        cmocka_unit_test(test_netplug_taken__a_bridge_that_was_there_gets_the_ports_mac),
        cmocka_unit_test(test_netplug_taken__a_vlan_link_that_is_there_gives_its_own_mac),
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
        cmocka_unit_test(test_netplug_taken__without_a_port_the_mtu_is_that_of_the_best_way_out),
        cmocka_unit_test(test_netplug_taken__without_a_port_any_mtu_can_be_asked_for),
        cmocka_unit_test(test_netplug_taken__the_mtu_is_that_of_what_becomes_the_port),
        cmocka_unit_test(test_netplug_taken__vlan_ids_end_at_both_ends),
        cmocka_unit_test(test_netplug_taken__a_vlan_links_name_must_fit_too),
        cmocka_unit_test(test_netplug_taken__a_vlan_link_of_another_kind_parent_or_id_is_refused),
        cmocka_unit_test(test_netplug_taken__a_bridge_or_anothers_port_is_refused_as_a_port),
        cmocka_unit_test(test_netplug_taken__only_a_strange_route_that_would_move_is_in_the_way),
        cmocka_unit_test(test_netplug_taken__overlap_is_judged_by_the_shorter_prefix),
        cmocka_unit_test(test_netplug_taken__overlap_of_small_networks),
        cmocka_unit_test(test_netplug_taken__a_former_address_of_a_network_that_ends_within_a_byte),
        cmocka_unit_test(test_netplug_taken__a_vlan_link_is_made_beside_a_bridge_that_is_there),
        cmocka_unit_test(test_netplug_taken__an_interface_of_one_letter),
        cmocka_unit_test(test_netplug_taken__a_switch_is_off_before_it_is_on),
        cmocka_unit_test(test_netplug_taken__an_empty_interface_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
