/* netplug_machine.h - a model of a machine's links: built by hand, changed by the steps of a plan as the
 * kernel changes it, looked at as text. For the tests of what netplug plans.
 */
#ifndef TESTS_UNIT_NETPLUG_MACHINE_H
#define TESTS_UNIT_NETPLUG_MACHINE_H

#include "netplug/link_plan.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NETPLUG_FN ORC_UNUSED static

/* ---- scenario builders ---- */

NETPLUG_FN struct link *add_link(struct link_set *set, const char *name, const char *kind, int mtu)
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

NETPLUG_FN struct link_addr addr(const char *text)
{
    struct link_addr a = {0};

    assert_int_equal(link_addr_parse(text, &a, NULL), 0);
    return a;
}

NETPLUG_FN void add_addr(struct link *l, const char *text)
{
    assert_int_equal(link_addr_parse(text, orc_vec_add(&l->addrs), NULL), 0);
}

NETPLUG_FN void add_route(struct link_set *set, const char *dev, const char *to, const char *via)
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
NETPLUG_FN struct link_set server(void)
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

ORC_UNUSED static const struct netplug_bridge_req eth1 = {.interface = "eth1", .address = "10.210.3.1/16"};
ORC_UNUSED static const struct netplug_bridge_req portless = {.address = "10.210.3.1/16"};
ORC_UNUSED static const struct netplug_bridge_req vlan = {
    .interface = "eth1", .vlan = 100, .address = "10.210.3.1/16"};

NETPLUG_FN char *text_of(const struct link_plan *plan)
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

NETPLUG_FN void drop_link(struct link_set *set, const char *name)
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

NETPLUG_FN void create_link(struct link_set *set, const struct link_op *op)
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

NETPLUG_FN void del_addr(struct link *l, const struct link_addr *a)
{
    struct link_addr *have = link_addr_find(l, a);

    assert_non_null(have);
    memmove(have, have + 1, (size_t)(l->addrs.at + l->addrs.n - (have + 1)) * sizeof *have);
    l->addrs.n--;
}

NETPLUG_FN void del_route(struct link_set *set, const struct link_op *op)
{
    struct link_route *r = link_route_find(set, op->dev, &op->route);

    assert_non_null(r);
    memmove(r, r + 1, (size_t)(set->routes.at + set->routes.n - (r + 1)) * sizeof *r);
    set->routes.n--;
}

NETPLUG_FN void do_op(struct link_set *set, const struct link_op *op, bool *forward)
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
NETPLUG_FN int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

NETPLUG_FN char *picture(const struct link_set *set)
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

NETPLUG_FN void expect_picture(const struct link_set *set, const char *want)
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

NETPLUG_FN struct link_plan request(struct machine *m, const struct netplug_bridge_req *req)
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

NETPLUG_FN int apply(struct machine *m, const struct netplug_bridge_req *req, int steps)
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

NETPLUG_FN void back(struct machine *m, bool all)
{
    struct link_plan plan = {0};
    const struct link_op *op;

    link_plan_back(&m->set, &m->taken, all, &plan);
    orc_vec_each (op, &plan.ops)
        do_op(&m->set, op, &m->forward);
    link_plan_release(&plan);
}

NETPLUG_FN struct machine machine(void)
{
    return (struct machine){.set = server()};
}

/* The operator's own, with the MAC of eth1. */
NETPLUG_FN struct link *operators_bridge(struct machine *m)
{
    struct link *bridge = add_link(&m->set, "orc0", "bridge", 1450);

    memcpy(bridge->mac, link_find(&m->set, "eth1")->mac, LINK_MAC_LEN);
    return bridge;
}

/* The one that `vlan` asks for. */
NETPLUG_FN struct link *operators_vlan(struct machine *m, int mtu)
{
    struct link *l = add_link(&m->set, "eth1.100", "vlan", mtu);

    l->parent = link_find(&m->set, "eth1")->index;
    l->vlan = 100;
    return l;
}

NETPLUG_FN void machine_release(struct machine *m)
{
    link_set_release(&m->set);
    link_taken_release(&m->taken);
}

NETPLUG_FN bool has(struct machine *m, const char *dev, const char *text)
{
    struct link_addr a = addr(text);
    const struct link *l = link_find(&m->set, dev);

    return l && link_addr_find(l, &a);
}

NETPLUG_FN bool takes_over(struct machine *m, const struct netplug_bridge_req *req)
{
    struct link_plan plan = request(m, req);
    bool is = plan.takes_over;

    link_plan_release(&plan);
    return is;
}

/* As it was, but for the MTU of orc0, which is what it last was. */
NETPLUG_FN void expect_picture_but_mtu(struct machine *m, const char *want)
{
    link_find(&m->set, "orc0")->mtu = 1500;
    expect_picture(&m->set, want);
}

NETPLUG_FN void expect_plan(struct machine *m, const struct netplug_bridge_req *req, const char *want)
{
    struct link_plan plan = request(m, req);
    orc_auto_free char *got = text_of(&plan);

    assert_string_equal(got, want);
    link_plan_release(&plan);
}

NETPLUG_FN void expect_refusal(struct machine *m, const struct netplug_bridge_req *req, int code,
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

#endif
