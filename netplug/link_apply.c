#include "netplug/link_apply.h"

#include "netplug/kind.h"
#include "netplug/sysctl.h"

#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>

static int index_of(const char *name, int *ret, struct orc_err *err)
{
    unsigned i = name[0] ? if_nametoindex(name) : 0;

    if (name[0] && i == 0)
        return orc_fail(err, -ENODEV, "There is no interface \"%s\".", name);
    *ret = (int)i;
    return 0;
}

static int create(struct netlink *nl, const struct link_op *op, struct orc_err *err)
{
    const struct link_kind *kind = kind_find(op->spec.kind);
    struct netlink_req req;
    struct nlattr *info, *data;
    int parent = 0, r;

    if (!kind)
        return orc_fail(err, -EOPNOTSUPP, "This netplug can't make links of kind \"%s\".", op->spec.kind);
    if ((r = kind->verify(&op->spec, err)) < 0 || (r = index_of(op->spec.parent, &parent, err)) < 0)
        return r;
    netlink_begin(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(req.nlh, IFLA_IFNAME, op->dev);
    kind->fill(req.nlh, &op->spec, parent);
    info = mnl_attr_nest_start(req.nlh, IFLA_LINKINFO);
    mnl_attr_put_strz(req.nlh, IFLA_INFO_KIND, kind->name);
    data = mnl_attr_nest_start(req.nlh, IFLA_INFO_DATA);
    kind->fill_data(req.nlh, &op->spec);
    mnl_attr_nest_end(req.nlh, data);
    mnl_attr_nest_end(req.nlh, info);
    r = netlink_talk(nl, &req, err);
    if (r == -EOPNOTSUPP)
        return orc_fail(err, r, "This kernel has no links of kind \"%s\" (module %s missing?).", kind->name,
                        strcmp(kind->name, "vlan") == 0 ? "8021q" : kind->name);
    return r;
}

/* Begins a change of an existing link. */
static int change(struct netlink_req *req, uint16_t type, const char *dev, struct ifinfomsg **ret,
                  struct orc_err *err)
{
    int index = 0, r = index_of(dev, &index, err);

    if (r < 0)
        return r;
    *ret = netlink_begin(req, type, 0, sizeof **ret);
    (*ret)->ifi_index = index;
    return 0;
}

static int change_link(struct netlink *nl, const struct link_op *op, struct orc_err *err)
{
    struct netlink_req req;
    struct ifinfomsg *ifi;
    int master = 0, r = change(&req, RTM_SETLINK, op->dev, &ifi, err);

    if (r < 0 || (op->kind == LINK_MASTER && (r = index_of(op->master, &master, err)) < 0))
        return r;
    if (op->kind == LINK_MTU)
        mnl_attr_put_u32(req.nlh, IFLA_MTU, (uint32_t)op->to);
    if (op->kind == LINK_MAC)
        mnl_attr_put(req.nlh, IFLA_ADDRESS, LINK_MAC_LEN, op->mac);
    if (op->kind == LINK_MASTER)
        mnl_attr_put_u32(req.nlh, IFLA_MASTER, (uint32_t)master);
    if (op->kind == LINK_UP) {
        ifi->ifi_change = IFF_UP;
        ifi->ifi_flags = op->to ? IFF_UP : 0;
    }
    return netlink_talk(nl, &req, err);
}

static int delete_link(struct netlink *nl, const struct link_op *op, struct orc_err *err)
{
    struct netlink_req req;
    struct ifinfomsg *ifi;
    int r = change(&req, RTM_DELLINK, op->dev, &ifi, NULL);

    return r < 0 ? 0 : netlink_talk(nl, &req, err); /* no such link: done already */
}

static void put_ip(struct nlmsghdr *nlh, uint16_t type, const struct link_ip *ip)
{
    if (ip->family)
        mnl_attr_put(nlh, type, ip->family == AF_INET ? 4 : 16, ip->at);
}

/* A label belongs to its interface's name: "eth1:0" is given back to eth1 and dropped on orc0. */
static bool label_fits(const char *label, const char *dev)
{
    size_t n = strlen(dev);

    return strncmp(label, dev, n) == 0 && (label[n] == ':' || label[n] == '\0');
}

static int change_addr(struct netlink *nl, const struct link_op *op, struct orc_err *err)
{
    const struct link_addr *a = &op->addr;
    bool new = op->kind == LINK_ADDR_ADD;
    struct netlink_req req;
    struct ifaddrmsg *ifa;
    uint32_t flags = (a->no_route ? IFA_F_NOPREFIXROUTE : 0) | (a->ip.family == AF_INET6 ? IFA_F_NODAD : 0);
    int index = 0, r = index_of(op->dev, &index, err);

    if (r < 0)
        return r;
    ifa = netlink_begin(&req, new ? RTM_NEWADDR : RTM_DELADDR, new ? NLM_F_CREATE | NLM_F_EXCL : 0,
                        sizeof *ifa);
    ifa->ifa_family = (uint8_t)a->ip.family;
    ifa->ifa_prefixlen = (uint8_t)a->prefix;
    ifa->ifa_scope = (uint8_t)a->scope;
    ifa->ifa_index = (uint32_t)index;
    put_ip(req.nlh, IFA_LOCAL, &a->ip);
    put_ip(req.nlh, IFA_ADDRESS, a->peer.family ? &a->peer : &a->ip);
    if (new) {
        put_ip(req.nlh, IFA_BROADCAST, &a->broadcast);
        mnl_attr_put_u32(req.nlh, IFA_FLAGS, flags);
        if (a->label[0] && label_fits(a->label, op->dev))
            mnl_attr_put_strz(req.nlh, IFA_LABEL, a->label);
    }
    r = netlink_talk(nl, &req, err);
    return r == (new ? -EEXIST : -EADDRNOTAVAIL) ? 0 : r;
}

static int change_route(struct netlink *nl, const struct link_op *op, struct orc_err *err)
{
    const struct link_route *v = &op->route;
    bool new = op->kind == LINK_ROUTE_ADD;
    struct netlink_req req;
    struct rtmsg *rtm;
    int index = 0, r = index_of(op->dev, &index, err);

    if (r < 0)
        return r;
    rtm = netlink_begin(&req, new ? RTM_NEWROUTE : RTM_DELROUTE, new ? NLM_F_CREATE | NLM_F_EXCL : 0,
                        sizeof *rtm);
    rtm->rtm_family = (uint8_t)v->to.family;
    rtm->rtm_dst_len = (uint8_t)v->prefix;
    rtm->rtm_tos = (uint8_t)v->tos;
    rtm->rtm_table = v->table < 256 ? (uint8_t)v->table : RT_TABLE_UNSPEC;
    rtm->rtm_protocol = (uint8_t)v->protocol;
    rtm->rtm_scope = (uint8_t)v->scope;
    rtm->rtm_type = (uint8_t)v->type;
    rtm->rtm_flags = v->onlink ? RTNH_F_ONLINK : 0;
    mnl_attr_put_u32(req.nlh, RTA_TABLE, (uint32_t)v->table);
    mnl_attr_put_u32(req.nlh, RTA_OIF, (uint32_t)index);
    if (v->metric)
        mnl_attr_put_u32(req.nlh, RTA_PRIORITY, v->metric);
    if (v->prefix)
        put_ip(req.nlh, RTA_DST, &v->to);
    put_ip(req.nlh, RTA_GATEWAY, &v->via);
    put_ip(req.nlh, RTA_PREFSRC, &v->from);
    if (new && v->metrics_len)
        mnl_attr_put(req.nlh, RTA_METRICS | NLA_F_NESTED, v->metrics_len, v->metrics);
    r = netlink_talk(nl, &req, err);
    return r == (new ? -EEXIST : -ESRCH) ? 0 : r;
}

static int dispatch(struct netlink *nl, const struct link_op *op, struct orc_err *err)
{
    switch (op->kind) {
    case LINK_CREATE:
        return create(nl, op, err);
    case LINK_DELETE:
        return delete_link(nl, op, err);
    case LINK_MTU:
    case LINK_MAC:
    case LINK_UP:
    case LINK_MASTER:
        return change_link(nl, op, err);
    case LINK_ADDR_ADD:
    case LINK_ADDR_DEL:
        return change_addr(nl, op, err);
    case LINK_ROUTE_ADD:
    case LINK_ROUTE_DEL:
        return change_route(nl, op, err);
    case LINK_FORWARD:
        return sysctl_write(SYSCTL_FORWARD, op->to ? "1" : "0", err);
    }
    return orc_fail(err, -EINVAL, "unknown step %d", (int)op->kind);
}

int link_apply_op(struct netlink *nl, const struct link_op *op, struct orc_err *err)
{
    int r = dispatch(nl, op, err);

    if (r < 0) {
        orc_auto_free char *text = link_op_text(op);

        orc_wrap(err, "%s", text);
    }
    return r;
}

static void undo(struct netlink *nl, const struct link_plan *plan, size_t done, struct orc_err *err)
{
    struct orc_err e = ORC_ERR_INIT;
    struct link_op inverse;

    for (size_t i = done; i-- > 0;)
        if (link_op_inverse(&plan->ops.at[i], &inverse) && link_apply_op(nl, &inverse, &e) < 0 && err)
            orc_fail(err, -EIO, "%s; and it could not be undone: %s", err->msg, e.msg);
}

int link_apply(struct netlink *nl, const struct link_plan *plan, struct orc_err *err)
{
    for (size_t i = 0; i < plan->ops.n; i++) {
        int r = link_apply_op(nl, &plan->ops.at[i], err);

        if (r < 0) {
            undo(nl, plan, i, err);
            return r;
        }
    }
    return 0;
}

int link_apply_all(struct netlink *nl, const struct link_plan *plan, struct orc_err *err)
{
    int first = 0;

    for (size_t i = 0; i < plan->ops.n; i++) {
        int r = link_apply_op(nl, &plan->ops.at[i], first ? NULL : err);

        if (r < 0 && !first)
            first = r;
    }
    return first;
}
