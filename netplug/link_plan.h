/* link_plan.h - from what is and what is wanted to the list of changes. Pure: no kernel, no clock, no
 * logging.
 *
 * Level-triggered: the plan is made from the picture of now, so a half-made state is completed and a second
 * plan after an applied one is empty. Every step has a text form and can be undone (link_op_inverse()), so
 * that a failing step leaves nothing behind. The record of what was taken over (struct link_taken) is what
 * putting back is planned from.
 */
#ifndef NETPLUG_LINK_PLAN_H
#define NETPLUG_LINK_PLAN_H

#include "netplug/link.h"
#include "netplug/types.h"

enum link_op_kind {
    LINK_CREATE,
    LINK_DELETE,
    LINK_MTU,
    LINK_MAC,
    LINK_UP,
    LINK_MASTER,
    LINK_ADDR_ADD,
    LINK_ADDR_DEL,
    LINK_ROUTE_ADD,
    LINK_ROUTE_DEL,
    LINK_FORWARD, /* net.ipv4.ip_forward; dev is "" */
};

/* What a new link is: one of netplug/kind.h's. */
struct link_spec {
    char kind[LINK_NAME_MAX];
    char parent[LINK_NAME_MAX];
    int vlan;
    uint8_t mac[LINK_MAC_LEN];
};

struct link_op {
    enum link_op_kind kind;
    char dev[LINK_NAME_MAX];
    struct link_spec spec; /* LINK_CREATE */
    int to, was;           /* LINK_MTU bytes, LINK_UP and LINK_FORWARD 0 or 1; was -1: unknown, not undone */
    uint8_t mac[LINK_MAC_LEN], mac_was[LINK_MAC_LEN];
    char master[LINK_NAME_MAX], master_was[LINK_NAME_MAX]; /* "" none */
    struct link_addr addr;
    struct link_route route;
};

struct link_plan {
    ORC_VEC(struct link_op) ops;
    bool takes_over; /* the interface's own connectivity is touched: must be confirmed */
};

/* A checked request. */
struct link_want {
    char interface[LINK_NAME_MAX]; /* "" none */
    char port[LINK_NAME_MAX];      /* what becomes orc0's port: interface, or "eth1.100"; "" none */
    int vlan;
    int mtu;
    struct link_addr own; /* the node's x.y.k.1 */
};

/* What was there before; kept on disk. Zeroed: nothing is taken over. */
struct link_taken {
    bool active;
    bool bridge_made, vlan_made; /* by us, so ours to delete */
    bool bridge_first;           /* the bridge was there, without a port, before the port was taken */
    bool joined_first;           /* the port was in the bridge before we came, so it stays there */
    bool port_up, interface_up;  /* administratively, before */
    bool moved;                  /* the moving of addrs and routes once came to its end */
    char interface[LINK_NAME_MAX], port[LINK_NAME_MAX];
    int vlan;
    struct link_addr own;
    ORC_VEC(struct link_addr) addrs;
    ORC_VEC(struct link_route) routes;
};

void link_plan_release(struct link_plan *plan);
void link_taken_release(struct link_taken *taken);
void link_taken_copy(struct link_taken *dst, const struct link_taken *src); /* dst must be empty */

/* Checks a request against the machine; computes the MTU. -EINVAL, -ENODEV, -EEXIST or -EOPNOTSUPP with a
 * sentence that says what to do. taken: what an earlier request took over. */
int link_want_resolve(const struct netplug_bridge_req *req, const struct link_set *now,
                      const struct link_taken *taken, struct link_want *ret, struct orc_err *err);

/* Brings the record up to date before the plan is applied. */
void link_take(struct link_taken *taken, const struct link_set *now, const struct link_want *want);

/* forward: net.ipv4.ip_forward now. taken as left by link_take(). *ret must be empty. */
void link_plan_bridge(const struct link_set *now, const struct link_want *want,
                      const struct link_taken *taken, bool forward, struct link_plan *ret);

/* As it was before. all false: only before the port was taken, leaving a bridge that had been there without
 * one. */
void link_plan_back(const struct link_set *now, const struct link_taken *taken, bool all,
                    struct link_plan *ret);

/* "set eth1 master orc0"; freed by the caller. */
char *link_op_text(const struct link_op *op);

/* The step that undoes op; false when there is none (a deleted link, an unknown former value). */
bool link_op_inverse(const struct link_op *op, struct link_op *ret);

#endif
