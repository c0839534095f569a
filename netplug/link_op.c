/* Steps of a plan: their text and their inverse. */
#include "netplug/link_plan.h"

static const enum link_op_kind inverses[] = {
    [LINK_CREATE] = LINK_DELETE,
    [LINK_DELETE] = LINK_CREATE,
    [LINK_MTU] = LINK_MTU,
    [LINK_MAC] = LINK_MAC,
    [LINK_UP] = LINK_UP,
    [LINK_MASTER] = LINK_MASTER,
    [LINK_ADDR_ADD] = LINK_ADDR_DEL,
    [LINK_ADDR_DEL] = LINK_ADDR_ADD,
    [LINK_ROUTE_ADD] = LINK_ROUTE_DEL,
    [LINK_ROUTE_DEL] = LINK_ROUTE_ADD,
    [LINK_FORWARD] = LINK_FORWARD,
};

void link_plan_release(struct link_plan *plan)
{
    orc_vec_release(&plan->ops);
}

static char *create_text(const struct link_op *op)
{
    char mac[LINK_TEXT_MAX];

    if (op->spec.parent[0])
        return orc_printf("create %s %s on %s id %d", op->spec.kind, op->dev, op->spec.parent, op->spec.vlan);
    return orc_printf("create %s %s with %s", op->spec.kind, op->dev, link_mac_text(op->spec.mac, mac));
}

char *link_op_text(const struct link_op *op)
{
    char t[LINK_TEXT_MAX];

    switch (op->kind) {
    case LINK_CREATE:
        return create_text(op);
    case LINK_DELETE:
        return orc_printf("delete %s", op->dev);
    case LINK_MTU:
        return orc_printf("set %s mtu %d", op->dev, op->to);
    case LINK_MAC:
        return orc_printf("set %s address %s", op->dev, link_mac_text(op->mac, t));
    case LINK_UP:
        return orc_printf("set %s %s", op->dev, op->to ? "up" : "down");
    case LINK_MASTER:
        return op->master[0] ? orc_printf("set %s master %s", op->dev, op->master)
                             : orc_printf("release %s from %s", op->dev, op->master_was);
    case LINK_ADDR_ADD:
        return orc_printf("add %s to %s", link_addr_text(&op->addr, t), op->dev);
    case LINK_ADDR_DEL:
        return orc_printf("remove %s from %s", link_addr_text(&op->addr, t), op->dev);
    case LINK_ROUTE_ADD:
        return orc_printf("add route %s to %s", link_route_text(&op->route, t), op->dev);
    case LINK_ROUTE_DEL:
        return orc_printf("remove route %s from %s", link_route_text(&op->route, t), op->dev);
    case LINK_FORWARD:
        return orc_printf("set net.ipv4.ip_forward %d", op->to);
    }
    return orc_strdup("?");
}

bool link_op_inverse(const struct link_op *op, struct link_op *ret)
{
    struct link_op inv = *op;

    if (op->kind == LINK_DELETE || op->was < 0)
        return false;
    inv.kind = inverses[op->kind];
    inv.to = op->was;
    inv.was = op->to;
    memcpy(inv.mac, op->mac_was, LINK_MAC_LEN);
    memcpy(inv.mac_was, op->mac, LINK_MAC_LEN);
    memcpy(inv.master, op->master_was, LINK_NAME_MAX);
    memcpy(inv.master_was, op->master, LINK_NAME_MAX);
    *ret = inv;
    return true;
}
