/* A request checked against the machine, and the record of what it takes over. */
#include "netplug/link_plan.h"

#include "netplug/kind.h"
#include "netplug/mtu.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

void link_taken_release(struct link_taken *taken)
{
    orc_vec_release(&taken->addrs);
    orc_vec_release(&taken->routes);
    *taken = (struct link_taken){0};
}

void link_taken_copy(struct link_taken *dst, const struct link_taken *src)
{
    const struct link_addr *a;
    const struct link_route *r;

    *dst = *src;
    memset(&dst->addrs, 0, sizeof dst->addrs);
    memset(&dst->routes, 0, sizeof dst->routes);
    orc_vec_each (a, &src->addrs)
        orc_vec_push(&dst->addrs, *a);
    orc_vec_each (r, &src->routes)
        orc_vec_push(&dst->routes, *r);
}

static int name_port(struct link_want *w, const char *interface, int vlan, struct orc_err *err)
{
    char port[2 * LINK_NAME_MAX];
    int r = link_name_check(interface, err);

    if (r < 0)
        return r;
    if (strcmp(interface, NETPLUG_BRIDGE) == 0)
        return orc_fail(err, -EINVAL, "%s is orc's own bridge; name the interface of the private network.",
                        interface);
    snprintf(w->interface, sizeof w->interface, "%s", interface);
    if (vlan == 0) {
        snprintf(w->port, sizeof w->port, "%s", interface);
        return 0;
    }
    if (vlan < 1 || vlan > 4094) /* IEEE 802.1Q: 0 and 4095 are reserved */
        return orc_fail(err, -EINVAL, "VLAN id %d is out of range: 1..4094 are possible, 0 for none.", vlan);
    snprintf(port, sizeof port, "%s.%d", interface, vlan);
    if ((r = link_name_check(port, err)) < 0)
        return r;
    snprintf(w->port, sizeof w->port, "%.15s", port);
    w->vlan = vlan;
    return 0;
}

static int check_vlan_link(const struct link_want *w, const struct link *port, const struct link *parent,
                           struct orc_err *err)
{
    if (strcmp(port->kind, "vlan") != 0 || port->parent != parent->index || port->vlan != w->vlan)
        return orc_fail(err, -EEXIST, "%s is there already, but not as VLAN %d on %s; rename or remove it.",
                        w->port, w->vlan, w->interface);
    return 0;
}

static int check_port_routes(const struct link_want *w, const struct link_set *now, struct orc_err *err)
{
    const struct link_route *r;
    char text[LINK_TEXT_MAX];

    orc_vec_each (r, &now->routes) {
        if (strcmp(r->dev, w->port) == 0 && r->strange && link_route_moves(r))
            return orc_fail(
                err, -EOPNOTSUPP,
                "The route %s over %s has several next hops or an encapsulation, which orc can't move "
                "onto %s; replace it by plain routes or remove it.",
                link_route_text(r, text), w->port, NETPLUG_BRIDGE);
    }
    return 0;
}

static int check_port(const struct link_want *w, const struct link_set *now, struct orc_err *err)
{
    const struct link *parent = link_find(now, w->interface), *port = link_find(now, w->port), *master;
    int r;

    if (!parent)
        return orc_fail(err, -ENODEV, "There is no interface \"%s\"; `netplug check` lists them.",
                        w->interface);
    if (!parent->ethernet || parent->loopback)
        return orc_fail(err, -EINVAL, "%s is not an Ethernet interface, so it can't be a port of a bridge.",
                        w->interface);
    if (w->vlan && port && (r = check_vlan_link(w, port, parent, err)) < 0)
        return r;
    if (port && strcmp(port->kind, "bridge") == 0)
        return orc_fail(err, -EINVAL,
                        "%s is itself a bridge, which can't be a port of another; name its port.", w->port);
    master = port ? link_at_index(now, port->master) : NULL;
    if (port && port->master && (!master || strcmp(master->name, NETPLUG_BRIDGE) != 0))
        return orc_fail(err, -EEXIST,
                        "%s is already a port of %s; release it first (ip link set %s nomaster).", w->port,
                        master ? master->name : "another link", w->port);
    return check_port_routes(w, now, err);
}

static uint32_t ip4(const struct link_ip *ip)
{
    uint32_t v;

    memcpy(&v, ip->at, 4);
    return ntohl(v);
}

/* The cluster's network must not also be reached over another interface: packets would go there. */
static int check_overlap(const struct link_want *w, const struct link_set *now, struct orc_err *err)
{
    char a_text[LINK_TEXT_MAX], own_text[LINK_TEXT_MAX];
    const struct link_addr *a;
    const struct link *l;

    orc_vec_each (l, &now->links) {
        if (strcmp(l->name, NETPLUG_BRIDGE) == 0 || strcmp(l->name, w->port) == 0)
            continue;
        orc_vec_each (a, &l->addrs) {
            int prefix = a->prefix < w->own.prefix ? a->prefix : w->own.prefix;

            if (a->ip.family != AF_INET || prefix == 0 || (ip4(&a->ip) ^ ip4(&w->own.ip)) >> (32 - prefix))
                continue;
            return orc_fail(
                err, -EEXIST,
                "The network of %s overlaps %s on %s; choose another cluster CIDR (orc init --cidr) or "
                "remove that address.",
                link_addr_text(&w->own, own_text), link_addr_text(a, a_text), l->name);
        }
    }
    return 0;
}

/* Traffic of a bridge without a port leaves by the default route: its interface's MTU is the sensible one. */
static int default_route_mtu(const struct link_set *now)
{
    const struct link_route *r, *best = NULL;
    const struct link *l;

    orc_vec_each (r, &now->routes) {
        if (r->to.family == AF_INET && r->prefix == 0 && r->table == RT_TABLE_MAIN &&
            strcmp(r->dev, NETPLUG_BRIDGE) != 0 && (!best || r->metric < best->metric))
            best = r;
    }
    l = best ? link_find(now, best->dev) : NULL;
    return l ? l->mtu : MTU_DEFAULT;
}

static int resolve_mtu(const struct netplug_bridge_req *req, const struct link_set *now, struct link_want *w,
                       struct orc_err *err)
{
    const struct link *under = link_find(now, w->port);
    int overhead = 0, r = mtu_overhead(req->mode, &overhead, err);

    if (r < 0)
        return r;
    if (!w->port[0])
        return mtu_resolve("the bridge", req->mtu ? MTU_MAX : default_route_mtu(now), overhead, req->mtu,
                           &w->mtu, err);
    if (!under)
        under = link_find(now, w->interface); /* the kernel gives a new VLAN link its parent's MTU */
    return mtu_resolve(under->name, under->mtu, overhead, req->mtu, &w->mtu, err);
}

static int check_bridge(const struct link_want *w, const struct link_set *now, const struct link_taken *taken,
                        struct orc_err *err)
{
    const struct link *bridge = link_find(now, NETPLUG_BRIDGE);

    if (bridge && strcmp(bridge->kind, "bridge") != 0)
        return orc_fail(err, -EEXIST,
                        "An interface %s is there already and is not a bridge; rename or remove it.",
                        NETPLUG_BRIDGE);
    if (taken->port[0] && strcmp(taken->port, w->port) != 0)
        return orc_fail(err, -EEXIST, "%s has %s as its port; put that back first (netplug unbridge).",
                        NETPLUG_BRIDGE, taken->port);
    return 0;
}

int link_want_resolve(const struct netplug_bridge_req *req, const struct link_set *now,
                      const struct link_taken *taken, struct link_want *ret, struct orc_err *err)
{
    struct link_want w = {0};
    int overhead, r = mtu_overhead(req->mode, &overhead, err);

    if (r < 0 || (req->mtu != 0 && (r = mtu_check(req->mtu, err)) < 0))
        return r;
    if (!req->address)
        return orc_fail(err, -EINVAL, "An address for %s is needed, like \"10.210.1.1/16\".", NETPLUG_BRIDGE);
    if ((r = link_host_addr_parse(req->address, &w.own, err)) < 0)
        return r;
    if (req->interface && req->interface[0]) {
        if ((r = name_port(&w, req->interface, req->vlan, err)) < 0 || (r = check_port(&w, now, err)) < 0)
            return r;
    } else if (req->vlan) {
        return orc_fail(err, -EINVAL, "VLAN %d needs an interface to sit on, like \"eth1\".", req->vlan);
    }
    if ((r = check_bridge(&w, now, taken, err)) < 0 || (r = check_overlap(&w, now, err)) < 0 ||
        (r = resolve_mtu(req, now, &w, err)) < 0)
        return r;
    *ret = w;
    return 0;
}

static void add_addr(struct link_taken *taken, const struct link_addr *a)
{
    const struct link_addr *have;

    orc_vec_each (have, &taken->addrs)
        if (link_addr_eq(have, a))
            return;
    orc_vec_push(&taken->addrs, *a);
}

static void add_route(struct link_taken *taken, const struct link_route *r)
{
    const struct link_route *have;

    orc_vec_each (have, &taken->routes)
        if (link_route_eq(have, r))
            return;
    orc_vec_push(&taken->routes, *r);
}

/* Whatever the port holds of its own now; nothing is forgotten by noting it twice. */
static void note_port(struct link_taken *taken, const struct link_set *now, const struct link *port)
{
    const struct link_addr *a;
    const struct link_route *r;

    orc_vec_each (a, &port->addrs)
        if (link_addr_moves(a))
            add_addr(taken, a);
    orc_vec_each (r, &now->routes)
        if (strcmp(r->dev, port->name) == 0 && link_route_moves(r))
            add_route(taken, r);
}

static void take_port(struct link_taken *taken, const struct link_set *now, const struct link_want *want)
{
    const struct link *port = link_find(now, want->port), *interface = link_find(now, want->interface);
    const struct link *bridge = link_find(now, NETPLUG_BRIDGE);

    taken->joined_first = bridge && port && port->master == bridge->index;
    memcpy(taken->interface, want->interface, LINK_NAME_MAX);
    memcpy(taken->port, want->port, LINK_NAME_MAX);
    taken->vlan = want->vlan;
    taken->vlan_made = !port;
    taken->port_up = port && port->up;
    taken->interface_up = interface->up;
    taken->moved = false;
}

/* The port was torn out of the bridge by somebody: of the record remains what the machine still has, so that
 * an address given up meanwhile does not come back. All of it, if nothing was put onto the port instead. */
static void forget_gone(struct link_taken *taken, const struct link_set *now, const struct link *bridge,
                        const struct link *port)
{
    struct link_taken left = {0};
    const struct link_addr *a;
    const struct link_route *r;

    note_port(&left, now, port);
    if (left.addrs.n == 0) {
        link_taken_release(&left);
        return;
    }
    orc_vec_each (a, &taken->addrs)
        if (bridge && link_addr_find(bridge, a))
            add_addr(&left, a);
    orc_vec_each (r, &taken->routes)
        if (link_route_find(now, NETPLUG_BRIDGE, r))
            add_route(&left, r);
    orc_vec_release(&taken->addrs);
    orc_vec_release(&taken->routes);
    memcpy(&taken->addrs, &left.addrs, sizeof left.addrs);
    memcpy(&taken->routes, &left.routes, sizeof left.routes);
}

void link_take(struct link_taken *taken, const struct link_set *now, const struct link_want *want)
{
    const struct link *bridge = link_find(now, NETPLUG_BRIDGE), *port = link_find(now, want->port);
    bool joined = bridge && port && port->master == bridge->index;

    if (!bridge) {
        taken->bridge_made = true;
        taken->moved = false;
    }
    if (want->port[0] && !taken->port[0]) {
        taken->bridge_first = taken->active && bridge;
        take_port(taken, now, want);
    }
    if (port && !joined) {
        if (taken->moved)
            forget_gone(taken, now, bridge, port);
        taken->moved = false;
    }
    if (port)
        note_port(taken, now, port);
    taken->own = want->own;
    taken->active = true;
}
