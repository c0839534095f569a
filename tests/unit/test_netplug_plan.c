/* netplug/link_plan: from what is and what is wanted to the list of changes, as text; and as a whole, carried
 * out on a model of the machine, interrupted anywhere, undone and put back. */
#include "netplug/link_plan.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- scenario builders ---- */

static struct link *add_link(struct link_set *set, const char *name, const char *kind, int mtu)
{
    struct link *l = orc_vec_add(&set->links);

    snprintf(l->name, sizeof l->name, "%s", name);
    snprintf(l->kind, sizeof l->kind, "%s", kind);
    l->index = (int)set->links.n;
    l->mtu = mtu;
    l->ethernet = l->up = l->running = l->has_mac = true;
    memcpy(l->mac, (uint8_t[]){0x52, 0x54, 0, 0, 0, (uint8_t)l->index}, LINK_MAC_LEN);
    return l;
}

static void add_addr(struct link *l, const char *text)
{
    assert_int_equal(link_addr_parse(text, orc_vec_add(&l->addrs), NULL), 0);
}

static void add_route(struct link_set *set, const char *dev, const char *to, const char *via)
{
    struct link_route *r = orc_vec_add(&set->routes);
    struct link_addr a = {0};

    assert_int_equal(link_addr_parse(to, &a, NULL), 0);
    r->to = a.ip;
    r->prefix = a.prefix;
    if (via)
        assert_int_equal(link_ip_parse(via, &r->via, NULL), 0);
    r->table = RT_TABLE_MAIN;
    r->protocol = RTPROT_STATIC;
    r->type = RTN_UNICAST;
    snprintf(r->dev, sizeof r->dev, "%s", dev);
}

/* A server as a provider delivers it. */
static struct link_set server(void)
{
    struct link_set set = {0};
    struct link *l = add_link(&set, "lo", "", 65536);

    l->ethernet = l->has_mac = false;
    l->loopback = true;
    add_addr(l, "127.0.0.1/8");
    add_addr(add_link(&set, "eth0", "", 1500), "203.0.113.7/24");
    add_route(&set, "eth0", "0.0.0.0/0", "203.0.113.1");
    add_addr(add_link(&set, "eth1", "", 1450), "10.0.0.1/24");
    add_addr(link_find(&set, "eth1"), "10.0.0.51/24");
    add_route(&set, "eth1", "172.30.0.0/16", "10.0.0.254");
    add_route(&set, "eth1", "172.31.0.0/24", NULL);
    return set;
}

static const struct netplug_bridge_req eth1 = {.interface = "eth1", .address = "10.210.3.1/16"};
static const struct netplug_bridge_req portless = {.address = "10.210.3.1/16"};
static const struct netplug_bridge_req vlan = {.interface = "eth1", .vlan = 100, .address = "10.210.3.1/16"};

static char *text_of(const struct link_plan *plan)
{
    const struct link_op *op;
    char *all = orc_strdup("");

    orc_vec_each (op, &plan->ops) {
        orc_auto_free char *t = link_op_text(op);
        char *old = all;

        all = orc_printf("%s%s\n", old, t);
        free(old);
    }
    return all;
}

/* ---- a model of the kernel: what the steps do to a picture ---- */

static int next_index = 100;

static void drop_link(struct link_set *set, const char *name)
{
    struct link *l = link_find(set, name), *other;

    if (!l)
        return;
    orc_vec_each (other, &set->links)
        if (other->master == l->index)
            other->master = 0;
    for (size_t i = 0; i < set->routes.n;)
        if (strcmp(set->routes.at[i].dev, name) == 0)
            set->routes.at[i] = set->routes.at[--set->routes.n];
        else
            i++;
    orc_vec_release(&l->addrs);
    memmove(l, l + 1, (size_t)(set->links.at + set->links.n - (l + 1)) * sizeof *l);
    set->links.n--;
}

static void create_link(struct link_set *set, const struct link_op *op)
{
    const struct link *parent = link_find(set, op->spec.parent);
    int parent_index = parent ? parent->index : 0, mtu = parent ? parent->mtu : 1500;
    uint8_t mac[LINK_MAC_LEN];
    struct link *l;

    assert_null(link_find(set, op->dev));
    memcpy(mac, parent ? parent->mac : op->spec.mac, LINK_MAC_LEN);
    l = add_link(set, op->dev, op->spec.kind, mtu);
    l->index = next_index++;
    l->parent = parent_index;
    l->vlan = op->spec.vlan;
    l->up = false;
    memcpy(l->mac, mac, LINK_MAC_LEN);
}

static void del_addr(struct link *l, const struct link_addr *a)
{
    struct link_addr *have = link_addr_find(l, a);

    assert_non_null(have);
    memmove(have, have + 1, (size_t)(l->addrs.at + l->addrs.n - (have + 1)) * sizeof *have);
    l->addrs.n--;
}

static void del_route(struct link_set *set, const struct link_op *op)
{
    struct link_route *r = link_route_find(set, op->dev, &op->route);

    assert_non_null(r);
    memmove(r, r + 1, (size_t)(set->routes.at + set->routes.n - (r + 1)) * sizeof *r);
    set->routes.n--;
}

static void do_op(struct link_set *set, const struct link_op *op, bool *forward)
{
    struct link *l = link_find(set, op->dev);
    const struct link *master;

    if (op->kind != LINK_CREATE && op->kind != LINK_FORWARD)
        assert_non_null(l);
    switch (op->kind) {
    case LINK_CREATE:
        create_link(set, op);
        break;
    case LINK_DELETE:
        drop_link(set, op->dev);
        break;
    case LINK_MTU:
        l->mtu = op->to;
        break;
    case LINK_MAC:
        memcpy(l->mac, op->mac, LINK_MAC_LEN);
        break;
    case LINK_UP:
        l->up = op->to;
        break;
    case LINK_MASTER:
        master = link_find(set, op->master);
        assert_true(master || !op->master[0]);
        l->master = master ? master->index : 0;
        break;
    case LINK_ADDR_ADD:
        assert_null(link_addr_find(l, &op->addr));
        orc_vec_push(&l->addrs, op->addr);
        break;
    case LINK_ADDR_DEL:
        del_addr(l, &op->addr);
        break;
    case LINK_ROUTE_ADD:
        assert_null(link_route_find(set, op->dev, &op->route));
        orc_vec_push(&set->routes, op->route);
        break;
    case LINK_ROUTE_DEL:
        del_route(set, op);
        break;
    case LINK_FORWARD:
        *forward = op->to;
        break;
    }
}

/* The whole picture as text, in an order of its own. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *picture(const struct link_set *set)
{
    struct orc_strv lines = {0};
    const struct link *l;
    const struct link_route *r;
    char *all = orc_strdup("");

    orc_vec_each (l, &set->links) {
        const struct link *m = link_at_index(set, l->master);
        char mac[LINK_TEXT_MAX], t[LINK_TEXT_MAX];
        orc_auto_free char *line =
            orc_printf("%s %s mtu %d %s master %s %s", l->name, l->kind, l->mtu, l->up ? "up" : "down",
                       m ? m->name : "-", link_mac_text(l->mac, mac));
        const struct link_addr *a;

        orc_vec_each (a, &l->addrs) {
            char *old = line;

            line = orc_printf("%s %s", old, link_addr_text(a, t));
            free(old);
        }
        orc_strv_add(&lines, line);
    }
    orc_vec_each (r, &set->routes) {
        char t[LINK_TEXT_MAX];
        orc_auto_free char *line = orc_printf("route %s dev %s", link_route_text(r, t), r->dev);

        orc_strv_add(&lines, line);
    }
    qsort(lines.at, lines.n, sizeof *lines.at, by_text);
    for (size_t i = 0; i < lines.n; i++) {
        char *old = all;

        all = orc_printf("%s%s\n", old, lines.at[i]);
        free(old);
    }
    orc_strv_release(&lines);
    return all;
}

static void expect_picture(const struct link_set *set, const char *want)
{
    orc_auto_free char *got = picture(set);

    assert_string_equal(got, want);
}

/* One request on the model, ended after `steps` steps as by a crash (-1: never). Returns the number of its
 * steps. */
struct machine {
    struct link_set set;
    struct link_taken taken;
    bool forward;
};

static struct link_plan request(struct machine *m, const struct netplug_bridge_req *req)
{
    struct orc_err err = ORC_ERR_INIT;
    struct link_want want = {0};
    struct link_plan plan = {0};

    if (link_want_resolve(req, &m->set, &m->taken, &want, &err) < 0)
        fail_msg("refused: %s", err.msg);
    link_take(&m->taken, &m->set, &want);
    link_plan_bridge(&m->set, &want, &m->taken, m->forward, &plan);
    return plan;
}

static int apply(struct machine *m, const struct netplug_bridge_req *req, int steps)
{
    struct link_plan plan = request(m, req);
    int n = (int)plan.ops.n;

    for (int i = 0; i < n && (steps < 0 || i < steps); i++)
        do_op(&m->set, &plan.ops.at[i], &m->forward);
    if (steps < 0 || steps >= n)
        m->taken.moved = true;
    link_plan_release(&plan);
    return n;
}

static void back(struct machine *m, bool all)
{
    struct link_plan plan = {0};
    const struct link_op *op;

    link_plan_back(&m->set, &m->taken, all, &plan);
    orc_vec_each (op, &plan.ops)
        do_op(&m->set, op, &m->forward);
    link_plan_release(&plan);
}

static struct machine machine(void)
{
    return (struct machine){.set = server()};
}

static void machine_release(struct machine *m)
{
    link_set_release(&m->set);
    link_taken_release(&m->taken);
}

/* ---- plans as text ---- */

static void expect_plan(struct machine *m, const struct netplug_bridge_req *req, const char *want)
{
    struct link_plan plan = request(m, req);
    orc_auto_free char *got = text_of(&plan);

    assert_string_equal(got, want);
    link_plan_release(&plan);
}

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
    struct link_plan plan;

    expect_plan(&m, &portless,
                "create bridge orc0 with 02:6f:0a:d2:03:01\n"
                "set orc0 mtu 1500\n"
                "set orc0 up\n"
                "add 10.210.3.1/16 to orc0\n"
                "set net.ipv4.ip_forward 1\n");
    plan = request(&m, &portless);
    assert_false(plan.takes_over);
    link_plan_release(&plan);
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
    assert_false(plan.takes_over);
    link_plan_release(&plan);
    machine_release(&m);
}

static void test_netplug_plan__what_an_operator_changes_on_orc0_stays(void **state)
{
    struct machine m = machine();
    struct link_addr old = {0};

    apply(&m, &eth1, -1);
    link_addr_parse("10.0.0.51/24", &old, NULL);
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
    struct link *bridge = add_link(&m.set, "orc0", "bridge", 1450);
    struct link *port = link_find(&m.set, "eth1");

    memcpy(bridge->mac, port->mac, LINK_MAC_LEN);
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
    link_find(&m.set, "orc0")->mtu = 1500; /* the MTU is what it last was */
    expect_picture(&m.set, before);
    machine_release(&m);
}

static void test_netplug_plan__a_port_torn_out_comes_back_with_what_is_left(void **state)
{
    struct machine m = machine();
    struct link_addr gone = {0};
    orc_auto_free char *want = NULL;

    apply(&m, &eth1, -1);
    want = picture(&m.set);
    link_addr_parse("10.0.0.1/24", &gone, NULL);
    del_addr(link_find(&m.set, "orc0"), &gone);
    add_addr(link_find(&m.set, "eth1"), "10.0.0.1/24");
    link_find(&m.set, "eth1")->master = 0;
    apply(&m, &eth1, -1);
    assert_non_null(link_addr_find(link_find(&m.set, "orc0"), &gone));
    assert_int_equal(m.taken.addrs.n, 2);
    assert_int_equal(m.taken.routes.n, 2);
    machine_release(&m);
}

/* ---- refusals ---- */

static void expect_refusal(struct machine *m, const struct netplug_bridge_req *req, int code,
                           const char *text)
{
    struct orc_err err = ORC_ERR_INIT;
    struct link_want want;

    memset(&want, 0x5a, sizeof want);
    assert_int_equal(link_want_resolve(req, &m->set, &m->taken, &want, &err), code);
    if (!strstr(err.msg, text))
        fail_msg("expected \"%s\" in \"%s\"", text, err.msg);
    assert_int_equal(want.mtu, 0x5a5a5a5a); /* untouched */
}

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
