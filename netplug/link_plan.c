#include "netplug/link_plan.h"

#include "netplug/mtu.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

static struct link_op *add(struct link_plan *plan, enum link_op_kind kind, const char *dev)
{
    struct link_op *op = orc_vec_add(&plan->ops);

    op->kind = kind;
    snprintf(op->dev, sizeof op->dev, "%s", dev);
    return op;
}

static void set_number(struct link_plan *plan, enum link_op_kind kind, const char *dev, int to, int was)
{
    struct link_op *op = add(plan, kind, dev);

    op->to = to;
    op->was = was;
}

static void set_master(struct link_plan *plan, const char *dev, const char *master, const char *was)
{
    struct link_op *op = add(plan, LINK_MASTER, dev);

    snprintf(op->master, sizeof op->master, "%s", master);
    snprintf(op->master_was, sizeof op->master_was, "%s", was);
}

static void set_mac(struct link_plan *plan, const struct link *l, const uint8_t mac[LINK_MAC_LEN])
{
    struct link_op *op;

    if (l->has_mac && memcmp(l->mac, mac, LINK_MAC_LEN) == 0)
        return;
    op = add(plan, LINK_MAC, l->name);
    memcpy(op->mac, mac, LINK_MAC_LEN);
    memcpy(op->mac_was, l->mac, LINK_MAC_LEN);
}

static void addr_op(struct link_plan *plan, enum link_op_kind kind, const char *dev,
                    const struct link_addr *a)
{
    add(plan, kind, dev)->addr = *a;
}

static void route_op(struct link_plan *plan, enum link_op_kind kind, const char *dev,
                     const struct link_route *r)
{
    struct link_op *op = add(plan, kind, dev);

    op->route = *r;
    snprintf(op->route.dev, sizeof op->route.dev, "%s", dev);
}

/* A locally administered address (IEEE 802, second bit) made of the node's own IP, so that it survives the
 * bridge being made anew. */
static void own_mac(const struct link_addr *own, uint8_t mac[LINK_MAC_LEN])
{
    mac[0] = 0x02;
    mac[1] = 0x6f;
    memcpy(mac + 2, own->ip.at, 4);
}

static void plan_port(const struct link_set *now, const struct link_want *want, struct link_plan *plan)
{
    const struct link *interface = link_find(now, want->interface), *port = link_find(now, want->port);

    if (want->vlan && !interface->up)
        set_number(plan, LINK_UP, want->interface, 1, 0);
    if (!port) {
        struct link_op *op = add(plan, LINK_CREATE, want->port);

        snprintf(op->spec.kind, sizeof op->spec.kind, "vlan");
        memcpy(op->spec.parent, want->interface, LINK_NAME_MAX);
        op->spec.vlan = want->vlan;
    }
    if (!port || !port->up)
        set_number(plan, LINK_UP, want->port, 1, 0);
}

/* The bridge has the port's MAC address, set explicitly: the provider keeps seeing the one it knows, and the
 * kernel doesn't change it with the containers that come and go. */
static void plan_the_bridge(const struct link_set *now, const struct link_want *want, struct link_plan *plan)
{
    const struct link *bridge = link_find(now, NETPLUG_BRIDGE), *port = link_find(now, want->port);
    uint8_t mac[LINK_MAC_LEN];

    if (!port)
        port = link_find(now, want->interface); /* a new VLAN link has its parent's */
    own_mac(&want->own, mac);
    if (port && port->has_mac)
        memcpy(mac, port->mac, LINK_MAC_LEN);
    if (!bridge) {
        struct link_op *op = add(plan, LINK_CREATE, NETPLUG_BRIDGE);

        snprintf(op->spec.kind, sizeof op->spec.kind, "bridge");
        memcpy(op->spec.mac, mac, LINK_MAC_LEN);
    } else if (port) {
        set_mac(plan, bridge, mac);
    }
}

static bool is_joined(const struct link_set *now, const char *port)
{
    const struct link *bridge = link_find(now, NETPLUG_BRIDGE), *l = link_find(now, port);

    return bridge && l && l->master == bridge->index;
}

static void plan_join(const struct link_set *now, const struct link_want *want, struct link_plan *plan)
{
    const struct link *bridge = link_find(now, NETPLUG_BRIDGE);
    bool join = want->port[0] && !is_joined(now, want->port);

    if (join) {
        set_master(plan, want->port, NETPLUG_BRIDGE, "");
        plan->takes_over = true;
    }
    /* A new port may pull the bridge's MTU down: bridge(8); one that was set stays. */
    if (!bridge || join || bridge->mtu != want->mtu)
        set_number(plan, LINK_MTU, NETPLUG_BRIDGE, want->mtu, bridge ? bridge->mtu : -1);
    if (!bridge || !bridge->up)
        set_number(plan, LINK_UP, NETPLUG_BRIDGE, 1, 0);
}

/* Off the port: routes first, since they go with the addresses; secondary addresses before their primary,
 * which would take them along (ip-address(8), promote_secondaries). */
static void plan_strip(const struct link_set *now, const struct link *port, struct link_plan *plan)
{
    const struct link_route *r;

    orc_vec_each (r, &now->routes) {
        if (strcmp(r->dev, port->name) == 0 && link_route_moves(r))
            route_op(plan, LINK_ROUTE_DEL, port->name, r);
    }
    for (size_t i = port->addrs.n; i-- > 0;) {
        if (!link_addr_moves(&port->addrs.at[i]))
            continue;
        addr_op(plan, LINK_ADDR_DEL, port->name, &port->addrs.at[i]);
        plan->takes_over = true;
    }
}

static bool has_addr(const struct link *l, const struct link_addr *a)
{
    return l && link_addr_find(l, a);
}

/* Adds what `dev` lacks: addresses, then routes within the link, then those through a gateway. */
static void plan_dress(const struct link_set *now, const char *dev, const struct link_taken *taken,
                       struct link_plan *plan)
{
    const struct link *l = link_find(now, dev);
    const struct link_addr *a;
    const struct link_route *r;

    orc_vec_each (a, &taken->addrs)
        if (!has_addr(l, a))
            addr_op(plan, LINK_ADDR_ADD, dev, a);
    for (int gateways = 0; gateways < 2; gateways++) {
        orc_vec_each (r, &taken->routes) {
            if ((r->via.family != 0) == gateways && !link_route_find(now, dev, r))
                route_op(plan, LINK_ROUTE_ADD, dev, r);
        }
    }
}

/* Another address of the cluster's network on orc0 is one of ours from an earlier claim. */
static bool is_former_own(const struct link_addr *a, const struct link_want *want,
                          const struct link_taken *taken)
{
    const struct link_addr *t;
    uint32_t x, y;

    orc_vec_each (t, &taken->addrs)
        if (link_addr_eq(t, a))
            return false;
    if (a->ip.family != AF_INET || a->prefix != want->own.prefix || link_addr_eq(a, &want->own))
        return false;
    memcpy(&x, a->ip.at, 4);
    memcpy(&y, want->own.ip.at, 4);
    return (ntohl(x) ^ ntohl(y)) >> (32 - a->prefix) == 0;
}

static void plan_own(const struct link_set *now, const struct link_want *want, const struct link_taken *taken,
                     struct link_plan *plan)
{
    const struct link *bridge = link_find(now, NETPLUG_BRIDGE);
    const struct link_addr *a;

    if (bridge)
        orc_vec_each (a, &bridge->addrs)
            if (is_former_own(a, want, taken))
                addr_op(plan, LINK_ADDR_DEL, NETPLUG_BRIDGE, a);
    if (!has_addr(bridge, &want->own))
        addr_op(plan, LINK_ADDR_ADD, NETPLUG_BRIDGE, &want->own);
}

/* Of a completed moving only what has come back to the port is moved again, so that an operator may change
 * addresses and routes of orc0. */
static void plan_move(const struct link_set *now, const struct link_want *want,
                      const struct link_taken *taken, struct link_plan *plan)
{
    const struct link *port = link_find(now, want->port);
    const struct link_addr *a;
    const struct link_route *r;
    struct link_taken rest = {0};

    if (port)
        plan_strip(now, port, plan);
    if (!taken->moved) {
        plan_dress(now, NETPLUG_BRIDGE, taken, plan);
        return;
    }
    if (port) {
        orc_vec_each (a, &port->addrs)
            if (link_addr_moves(a))
                orc_vec_push(&rest.addrs, *a);
        orc_vec_each (r, &now->routes)
            if (strcmp(r->dev, port->name) == 0 && link_route_moves(r))
                orc_vec_push(&rest.routes, *r);
    }
    plan_dress(now, NETPLUG_BRIDGE, &rest, plan);
    link_taken_release(&rest);
}

void link_plan_bridge(const struct link_set *now, const struct link_want *want,
                      const struct link_taken *taken, bool forward, struct link_plan *ret)
{
    if (want->port[0])
        plan_port(now, want, ret);
    plan_the_bridge(now, want, ret);
    plan_join(now, want, ret);
    plan_move(now, want, taken, ret);
    plan_own(now, want, taken, ret);
    if (!forward)
        set_number(ret, LINK_FORWARD, "", 1, 0);
}

static void plan_undress(const struct link_set *now, const struct link *bridge,
                         const struct link_taken *taken, struct link_plan *plan)
{
    const struct link_route *r;

    orc_vec_each (r, &taken->routes)
        if (link_route_find(now, bridge->name, r))
            route_op(plan, LINK_ROUTE_DEL, bridge->name, r);
    for (size_t i = taken->addrs.n; i-- > 0;)
        if (has_addr(bridge, &taken->addrs.at[i]))
            addr_op(plan, LINK_ADDR_DEL, bridge->name, &taken->addrs.at[i]);
}

static void plan_port_back(const struct link_set *now, const struct link_taken *taken, struct link_plan *plan)
{
    const struct link *port = link_find(now, taken->port), *interface = link_find(now, taken->interface);

    if (port && taken->joined_first)
        return;
    if (port && is_joined(now, taken->port))
        set_master(plan, taken->port, "", NETPLUG_BRIDGE);
    if (port && taken->vlan_made) {
        add(plan, LINK_DELETE, taken->port);
    } else if (port) {
        plan_dress(now, taken->port, taken, plan);
        if (!taken->port_up && port->up)
            set_number(plan, LINK_UP, taken->port, 0, 1);
    }
    if (taken->vlan && interface && interface->up && !taken->interface_up)
        set_number(plan, LINK_UP, taken->interface, 0, 1);
}

void link_plan_back(const struct link_set *now, const struct link_taken *taken, bool all,
                    struct link_plan *ret)
{
    const struct link *bridge = link_find(now, NETPLUG_BRIDGE);
    bool keep = !all && taken->bridge_first;
    uint8_t mac[LINK_MAC_LEN];

    if (!taken->active)
        return;
    if (bridge && !taken->joined_first)
        plan_undress(now, bridge, taken, ret);
    if (taken->port[0])
        plan_port_back(now, taken, ret);
    if (!bridge)
        return;
    own_mac(&taken->own, mac);
    if (keep && taken->bridge_made)
        set_mac(ret, bridge, mac);
    else if (!keep && taken->bridge_made)
        add(ret, LINK_DELETE, NETPLUG_BRIDGE);
    else if (!keep && has_addr(bridge, &taken->own))
        addr_op(ret, LINK_ADDR_DEL, NETPLUG_BRIDGE, &taken->own);
}
