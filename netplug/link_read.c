#include "netplug/link_read.h"

#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <stdio.h>

#define READ_TRIES 10 /* each only when the kernel's tables changed meanwhile */

static void put_ip(struct link_ip *ip, int family, const struct nlattr *attr)
{
    size_t n = family == AF_INET ? 4 : 16;

    if (!attr || mnl_attr_get_payload_len(attr) < n)
        return;
    ip->family = family;
    memcpy(ip->at, mnl_attr_get_payload(attr), n);
}

static void put_name(char dst[LINK_NAME_MAX], const struct nlattr *attr)
{
    if (attr)
        snprintf(dst, LINK_NAME_MAX, "%.*s", (int)mnl_attr_get_payload_len(attr),
                 (const char *)mnl_attr_get_payload(attr));
}

/* Collects the attributes a message has into a table; index 0 is unused by the kernel. */
struct attrs {
    const struct nlattr **at;
    unsigned max;
};

static int collect(const struct nlattr *attr, void *arg)
{
    struct attrs *t = arg;
    unsigned type = mnl_attr_get_type(attr);

    if (type <= t->max)
        t->at[type] = attr;
    return MNL_CB_OK;
}

static uint32_t get_u32(const struct nlattr *attr)
{
    return attr && mnl_attr_get_payload_len(attr) >= 4 ? mnl_attr_get_u32(attr) : 0;
}

static void read_vlan(struct link *l, const struct nlattr *info)
{
    const struct nlattr *at[IFLA_VLAN_MAX + 1] = {0};
    struct attrs t = {at, IFLA_VLAN_MAX};

    mnl_attr_parse_nested(info, collect, &t);
    if (at[IFLA_VLAN_ID] && mnl_attr_get_payload_len(at[IFLA_VLAN_ID]) >= 2)
        l->vlan = mnl_attr_get_u16(at[IFLA_VLAN_ID]);
}

static void read_kind(struct link *l, const struct nlattr *linkinfo)
{
    const struct nlattr *at[IFLA_INFO_MAX + 1] = {0};
    struct attrs t = {at, IFLA_INFO_MAX};

    mnl_attr_parse_nested(linkinfo, collect, &t);
    put_name(l->kind, at[IFLA_INFO_KIND]);
    if (at[IFLA_INFO_DATA] && strcmp(l->kind, "vlan") == 0)
        read_vlan(l, at[IFLA_INFO_DATA]);
}

static int on_link(const struct nlmsghdr *nlh, void *arg)
{
    const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *at[IFLA_MAX + 1] = {0};
    struct attrs t = {at, IFLA_MAX};
    struct link_set *set = arg;
    struct link *l;

    if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof *ifi)
        return 0;
    if (set->links.n >= LINK_MAX_LINKS)
        return -E2BIG;
    mnl_attr_parse(nlh, sizeof *ifi, collect, &t);
    l = orc_vec_add(&set->links);
    l->index = ifi->ifi_index;
    l->ethernet = ifi->ifi_type == ARPHRD_ETHER;
    l->loopback = ifi->ifi_flags & IFF_LOOPBACK;
    l->up = ifi->ifi_flags & IFF_UP;
    l->running = ifi->ifi_flags & IFF_RUNNING;
    put_name(l->name, at[IFLA_IFNAME]);
    l->mtu = (int)get_u32(at[IFLA_MTU]);
    l->master = (int)get_u32(at[IFLA_MASTER]);
    if (!at[IFLA_LINK_NETNSID]) /* else the parent's index is another namespace's */
        l->parent = (int)get_u32(at[IFLA_LINK]);
    l->has_mac = at[IFLA_ADDRESS] && mnl_attr_get_payload_len(at[IFLA_ADDRESS]) == LINK_MAC_LEN;
    if (l->has_mac)
        memcpy(l->mac, mnl_attr_get_payload(at[IFLA_ADDRESS]), LINK_MAC_LEN);
    if (at[IFLA_LINKINFO])
        read_kind(l, at[IFLA_LINKINFO]);
    return 0;
}

/* IFA_LOCAL is the address; IFA_ADDRESS the same or, on a point-to-point link, the peer's. */
static int on_addr(const struct nlmsghdr *nlh, void *arg)
{
    const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *at[IFA_MAX + 1] = {0};
    struct attrs t = {at, IFA_MAX};
    struct link_set *set = arg;
    struct link_addr a = {0};
    uint32_t flags;
    struct link *l;

    if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof *ifa)
        return 0;
    l = link_at_index(set, (int)ifa->ifa_index);
    if (!l || (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
        return 0;
    if (l->addrs.n >= LINK_MAX_ADDRS)
        return -E2BIG;
    mnl_attr_parse(nlh, sizeof *ifa, collect, &t);
    put_ip(&a.ip, ifa->ifa_family, at[IFA_LOCAL] ? at[IFA_LOCAL] : at[IFA_ADDRESS]);
    put_ip(&a.peer, ifa->ifa_family, at[IFA_ADDRESS]);
    if (link_ip_eq(&a.peer, &a.ip))
        a.peer = (struct link_ip){0};
    put_ip(&a.broadcast, ifa->ifa_family, at[IFA_BROADCAST]);
    put_name(a.label, at[IFA_LABEL]);
    flags = at[IFA_FLAGS] ? get_u32(at[IFA_FLAGS]) : ifa->ifa_flags;
    a.no_route = flags & IFA_F_NOPREFIXROUTE;
    a.temporary = ifa->ifa_family == AF_INET6 && (flags & IFA_F_TEMPORARY);
    a.prefix = ifa->ifa_prefixlen;
    a.scope = ifa->ifa_scope;
    orc_vec_push(&l->addrs, a);
    return 0;
}

static bool is_strange(const struct nlattr *const *at)
{
    return at[RTA_MULTIPATH] || at[RTA_VIA] || at[RTA_ENCAP] || at[RTA_NH_ID] || at[RTA_NEWDST];
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
    const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *at[RTA_MAX + 1] = {0};
    struct attrs t = {at, RTA_MAX};
    struct link_set *set = arg;
    struct link_route r = {0};
    const struct link *l;

    if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof *rtm)
        return 0;
    if ((rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) || (rtm->rtm_flags & RTM_F_CLONED))
        return 0;
    mnl_attr_parse(nlh, sizeof *rtm, collect, &t);
    r.table = (int)(at[RTA_TABLE] ? get_u32(at[RTA_TABLE]) : rtm->rtm_table);
    l = link_at_index(set, (int)get_u32(at[RTA_OIF]));
    if (r.table == RT_TABLE_LOCAL || !l)
        return 0;
    if (set->routes.n >= LINK_MAX_ROUTES)
        return -E2BIG;
    snprintf(r.dev, sizeof r.dev, "%s", l->name);
    r.to.family = rtm->rtm_family;
    put_ip(&r.to, rtm->rtm_family, at[RTA_DST]);
    put_ip(&r.via, rtm->rtm_family, at[RTA_GATEWAY]);
    put_ip(&r.from, rtm->rtm_family, at[RTA_PREFSRC]);
    r.prefix = rtm->rtm_dst_len;
    r.protocol = rtm->rtm_protocol;
    r.scope = rtm->rtm_scope;
    r.type = rtm->rtm_type;
    r.tos = rtm->rtm_tos;
    r.metric = get_u32(at[RTA_PRIORITY]);
    r.onlink = rtm->rtm_flags & RTNH_F_ONLINK;
    r.strange = is_strange(at) || rtm->rtm_src_len || r.table < 0;
    if (at[RTA_METRICS] && mnl_attr_get_payload_len(at[RTA_METRICS]) <= LINK_METRICS_MAX) {
        r.metrics_len = mnl_attr_get_payload_len(at[RTA_METRICS]);
        memcpy(r.metrics, mnl_attr_get_payload(at[RTA_METRICS]), r.metrics_len);
    }
    orc_vec_push(&set->routes, r);
    return 0;
}

/* A route with several next hops has no RTA_OIF of its own: note it at each interface it uses, so that taking
 * one of these over is refused. */
static int on_multipath(const struct nlmsghdr *nlh, void *arg)
{
    const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *at[RTA_MAX + 1] = {0};
    struct attrs t = {at, RTA_MAX};
    struct link_set *set = arg;
    const struct rtnexthop *hop;
    size_t left;

    if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof *rtm)
        return 0;
    mnl_attr_parse(nlh, sizeof *rtm, collect, &t);
    if (!at[RTA_MULTIPATH])
        return on_route(nlh, arg);
    hop = mnl_attr_get_payload(at[RTA_MULTIPATH]);
    left = mnl_attr_get_payload_len(at[RTA_MULTIPATH]);
    while (left >= sizeof *hop && hop->rtnh_len >= sizeof *hop && hop->rtnh_len <= left) {
        const struct link *l = link_at_index(set, hop->rtnh_ifindex);
        size_t step = NLMSG_ALIGN(hop->rtnh_len);

        if (l) {
            struct link_route *r = orc_vec_add(&set->routes);

            snprintf(r->dev, sizeof r->dev, "%s", l->name);
            r->to.family = rtm->rtm_family;
            put_ip(&r->to, rtm->rtm_family, at[RTA_DST]);
            r->prefix = rtm->rtm_dst_len;
            r->protocol = rtm->rtm_protocol;
            r->table = RT_TABLE_MAIN;
            r->strange = true;
        }
        left -= step < left ? step : left;
        hop = (const void *)((const char *)hop + step);
    }
    return set->routes.n > LINK_MAX_ROUTES ? -E2BIG : 0;
}

static int read_once(struct netlink *nl, struct link_set *set, struct orc_err *err)
{
    struct netlink_req req;
    struct rtgenmsg *gen;
    int again = 0, r;

    gen = netlink_begin(&req, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
    gen->rtgen_family = AF_UNSPEC;
    if ((r = netlink_dump(nl, &req, on_link, set, err)) < 0) {
        orc_wrap(err, "read the interfaces");
        return r;
    }
    again |= r;
    netlink_begin(&req, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
    if ((r = netlink_dump(nl, &req, on_addr, set, err)) < 0) {
        orc_wrap(err, "read the addresses");
        return r;
    }
    again |= r;
    netlink_begin(&req, RTM_GETROUTE, 0, sizeof(struct rtmsg));
    if ((r = netlink_dump(nl, &req, on_multipath, set, err)) < 0) {
        orc_wrap(err, "read the routes");
        return r;
    }
    return again | r;
}

int link_read(struct netlink *nl, struct link_set *ret, struct orc_err *err)
{
    int r = NETLINK_AGAIN;

    *ret = (struct link_set){0};
    for (int i = 0; i < READ_TRIES && r == NETLINK_AGAIN; i++) {
        link_set_release(ret);
        r = read_once(nl, ret, err);
    }
    if (r == NETLINK_AGAIN)
        r = orc_fail(err, -EAGAIN, "The interfaces keep changing while they are read; try again.");
    if (r < 0)
        link_set_release(ret);
    return r;
}
