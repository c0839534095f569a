#include "netplug/link.h"

#include "lib/units.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>

void link_set_release(struct link_set *set)
{
    struct link *l;

    orc_vec_each (l, &set->links)
        orc_vec_release(&l->addrs);
    orc_vec_release(&set->links);
    orc_vec_release(&set->routes);
}

struct link *link_find(const struct link_set *set, const char *name)
{
    struct link *l;

    orc_vec_each (l, &set->links)
        if (strcmp(l->name, name) == 0)
            return l;
    return NULL;
}

struct link *link_at_index(const struct link_set *set, int index)
{
    struct link *l;

    if (index)
        orc_vec_each (l, &set->links)
            if (l->index == index)
                return l;
    return NULL;
}

int link_name_check(const char *name, struct orc_err *err)
{
    size_t n = strlen(name);
    bool ok = n > 0 && n < LINK_NAME_MAX && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;

    for (const char *p = name; ok && *p; p++)
        ok = *p > ' ' && *p < 127 && !strchr("/:\"'\\", *p);
    if (!ok)
        return orc_fail(
            err, -EINVAL,
            "\"%.32s\" is not an interface name: 1 to 15 characters without blank, slash, colon or "
            "quote are expected, like \"eth1\".",
            name);
    return 0;
}

static size_t ip_len(const struct link_ip *ip)
{
    return ip->family == AF_INET ? 4 : ip->family == AF_INET6 ? 16 : 0;
}

bool link_ip_eq(const struct link_ip *a, const struct link_ip *b)
{
    return a->family == b->family && memcmp(a->at, b->at, ip_len(a)) == 0;
}

bool link_addr_eq(const struct link_addr *a, const struct link_addr *b)
{
    return a->prefix == b->prefix && link_ip_eq(&a->ip, &b->ip) && link_ip_eq(&a->peer, &b->peer);
}

/* The kernel's identity of a route plus what changes where packets go; not its metrics blob. */
bool link_route_eq(const struct link_route *a, const struct link_route *b)
{
    return a->prefix == b->prefix && a->table == b->table && a->metric == b->metric && a->tos == b->tos &&
           a->type == b->type && link_ip_eq(&a->to, &b->to) && link_ip_eq(&a->via, &b->via) &&
           link_ip_eq(&a->from, &b->from);
}

struct link_addr *link_addr_find(const struct link *l, const struct link_addr *a)
{
    struct link_addr *p;

    orc_vec_each (p, &l->addrs)
        if (link_addr_eq(p, a))
            return p;
    return NULL;
}

struct link_route *link_route_find(const struct link_set *set, const char *dev, const struct link_route *r)
{
    struct link_route *p;

    orc_vec_each (p, &set->routes)
        if (strcmp(p->dev, dev) == 0 && link_route_eq(p, r))
            return p;
    return NULL;
}

bool link_addr_moves(const struct link_addr *a)
{
    return a->scope != RT_SCOPE_LINK && a->scope != RT_SCOPE_HOST && !a->temporary;
}

bool link_route_moves(const struct link_route *r)
{
    if (r->to.family == AF_INET6 && r->to.at[0] == 0xff)
        return false; /* ff00::/8, made with every interface */
    return r->protocol != RTPROT_KERNEL && r->protocol != RTPROT_RA && r->protocol != RTPROT_REDIRECT;
}

const char *link_ip_text(const struct link_ip *ip, char buf[LINK_TEXT_MAX])
{
    if (!inet_ntop(ip->family, ip->at, buf, LINK_TEXT_MAX))
        buf[0] = '\0';
    return buf;
}

const char *link_addr_text(const struct link_addr *a, char buf[LINK_TEXT_MAX])
{
    char ip[LINK_TEXT_MAX];

    snprintf(buf, LINK_TEXT_MAX, "%.64s/%d", link_ip_text(&a->ip, ip), a->prefix);
    return buf;
}

const char *link_route_text(const struct link_route *r, char buf[LINK_TEXT_MAX])
{
    char ip[LINK_TEXT_MAX];
    int n = snprintf(buf, LINK_TEXT_MAX, "%.64s/%d", link_ip_text(&r->to, ip), r->prefix);

    if (r->via.family)
        n += snprintf(buf + n, (size_t)(LINK_TEXT_MAX - n), " via %.64s", link_ip_text(&r->via, ip));
    if (r->from.family)
        n += snprintf(buf + n, (size_t)(LINK_TEXT_MAX - n), " src %.64s", link_ip_text(&r->from, ip));
    if (r->metric)
        n += snprintf(buf + n, (size_t)(LINK_TEXT_MAX - n), " metric %u", r->metric);
    if (r->table != RT_TABLE_MAIN)
        snprintf(buf + n, (size_t)(LINK_TEXT_MAX - n), " table %d", r->table);
    return buf;
}

const char *link_mac_text(const uint8_t m[LINK_MAC_LEN], char buf[LINK_TEXT_MAX])
{
    snprintf(buf, LINK_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    return buf;
}

int link_ip_parse(const char *text, struct link_ip *ret, struct orc_err *err)
{
    struct link_ip ip = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

    if (inet_pton(ip.family, text, ip.at) != 1)
        return orc_fail(err, -EINVAL, "\"%.64s\" is not a numeric IP address, like \"10.0.0.2\".", text);
    *ret = ip;
    return 0;
}

int link_addr_parse(const char *text, struct link_addr *ret, struct orc_err *err)
{
    orc_auto_free char *ip = NULL;
    const char *slash = strchr(text, '/');
    struct link_addr a = {0};
    int64_t prefix;

    if (slash)
        ip = orc_strndup(text, (size_t)(slash - text));
    if (!slash || link_ip_parse(ip, &a.ip, NULL) < 0 ||
        orc_parse_int(slash + 1, 0, a.ip.family == AF_INET ? 32 : 128, &prefix, NULL) < 0)
        return orc_fail(err, -EINVAL,
                        "\"%.64s\" is not an address with a prefix length, like \"10.210.3.1/16\".", text);
    a.prefix = (int)prefix;
    *ret = a;
    return 0;
}

int link_host_addr_parse(const char *text, struct link_addr *ret, struct orc_err *err)
{
    struct link_addr a = {0};
    uint32_t ip, host;
    int r = link_addr_parse(text, &a, err);

    if (r < 0)
        return r;
    if (a.ip.family != AF_INET || a.prefix < 8 || a.prefix > 30)
        return orc_fail(err, -EINVAL,
                        "\"%.64s\": an IPv4 address with a prefix length from 8 to 30 is expected.", text);
    memcpy(&ip, a.ip.at, 4);
    ip = ntohl(ip);
    host = ip & (UINT32_MAX >> a.prefix);
    if (host == 0 || host == UINT32_MAX >> a.prefix)
        return orc_fail(err, -EINVAL, "\"%.64s\" is the %s address of its network, not a host's.", text,
                        host ? "broadcast" : "network");
    if (ip >> 24 == 0 || ip >> 24 == 127 || ip >> 28 >= 14)
        return orc_fail(err, -EINVAL, "\"%.64s\" is not an address a host can be reached at.", text);
    *ret = a;
    return 0;
}
