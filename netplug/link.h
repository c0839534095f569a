/* link.h - a picture of the machine's interfaces, their addresses and routes.
 *
 * A value: copied, compared, written as JSON, built by hand in tests. Knows nothing of netlink (link_read.h
 * fills it) and nothing of what orc wants (link_plan.h does).
 */
#ifndef NETPLUG_LINK_H
#define NETPLUG_LINK_H

#include "lib/err.h"
#include "lib/mem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define LINK_NAME_MAX 16 /* IFNAMSIZ, with the NUL */
#define LINK_MAC_LEN 6   /* Ethernet only */
#define LINK_MAX_LINKS                                                                                       \
    4096 /* more interfaces, addresses or routes than this are an error, not a slow machine */
#define LINK_MAX_ADDRS 4096
#define LINK_MAX_ROUTES 65536
#define LINK_METRICS_MAX 128

struct link_ip {
    int family;     /* AF_INET, AF_INET6; 0: none */
    uint8_t at[16]; /* network byte order; IPv4 uses the first four */
};

struct link_addr {
    struct link_ip ip;
    struct link_ip peer;      /* of a point-to-point address; family 0: none */
    struct link_ip broadcast; /* family 0: none */
    int prefix;
    int scope;      /* RT_SCOPE_* of rtnetlink(7) */
    bool no_route;  /* IFA_F_NOPREFIXROUTE: the kernel makes no route for the prefix */
    bool temporary; /* IPv6 privacy address (RFC 8981): made anew by the kernel, so never moved */
    char label[LINK_NAME_MAX];
};

struct link_route {
    struct link_ip to, via, from; /* family 0 of `to`: never; of via, from: none */
    int prefix;
    int table, protocol, scope, type, tos; /* as in rtnetlink(7) */
    uint32_t metric;
    bool onlink;
    char dev[LINK_NAME_MAX];
    bool strange; /* several next hops, encapsulation, a next-hop object: can't be moved */
    uint8_t metrics[LINK_METRICS_MAX]; /* RTA_METRICS as the kernel wrote it */
    size_t metrics_len;
};

struct link {
    char name[LINK_NAME_MAX];
    char kind[LINK_NAME_MAX]; /* "bridge", "vlan", "veth"; "" for hardware */
    int index, mtu;
    int master; /* index, 0: none */
    int parent; /* index of the link this one sits on, 0: none */
    int vlan;   /* kind "vlan": its id */
    bool ethernet, loopback, up, running;
    bool has_mac;
    uint8_t mac[LINK_MAC_LEN];
    ORC_VEC(struct link_addr) addrs;
};

struct link_set {
    ORC_VEC(struct link) links;
    ORC_VEC(struct link_route) routes; /* all tables but `local` */
};

void link_set_release(struct link_set *set);
struct link *link_find(const struct link_set *set, const char *name);
struct link *link_at_index(const struct link_set *set, int index);

/* A name the kernel takes (dev_valid_name: 1..15 bytes, no slash, colon or blank, not "." or ".."), in
 * addition no quote or control character. 0 or -EINVAL. */
int link_name_check(const char *name, struct orc_err *err);

bool link_ip_eq(const struct link_ip *a, const struct link_ip *b);
bool link_addr_eq(const struct link_addr *a, const struct link_addr *b); /* same address, prefix and peer */
bool link_route_eq(const struct link_route *a, const struct link_route *b); /* all but the interface */
struct link_addr *link_addr_find(const struct link *l, const struct link_addr *a);
struct link_route *link_route_find(const struct link_set *set, const char *dev, const struct link_route *r);

/* Does orc move it with its interface? Not what the kernel makes anew by itself: link-local addresses, IPv6
 * privacy addresses, connected routes, routes from router advertisements. */
bool link_addr_moves(const struct link_addr *a);
bool link_route_moves(const struct link_route *r);

#define LINK_TEXT_MAX 256
/* "10.0.0.1", "10.0.0.1/24", "10.0.0.0/8 via 10.0.0.254 metric 100"; buf is returned. */
const char *link_ip_text(const struct link_ip *ip, char buf[LINK_TEXT_MAX]);
const char *link_addr_text(const struct link_addr *a, char buf[LINK_TEXT_MAX]);
const char *link_route_text(const struct link_route *r, char buf[LINK_TEXT_MAX]);
const char *link_mac_text(const uint8_t mac[LINK_MAC_LEN], char buf[LINK_TEXT_MAX]);

/* "10.0.0.1", "fd00::1". 0 or -EINVAL. */
int link_ip_parse(const char *text, struct link_ip *ret, struct orc_err *err);
/* "10.210.3.1/16": an IPv4 or IPv6 address with its prefix length. 0 or -EINVAL with a sentence. */
int link_addr_parse(const char *text, struct link_addr *ret, struct orc_err *err);
/* The same, and an IPv4 address a host can have: not network or broadcast address, loopback or multicast. */
int link_host_addr_parse(const char *text, struct link_addr *ret, struct orc_err *err);

/* For the state file. A new reference; 0 or -EINVAL. */
json_t *link_addr_json(const struct link_addr *a);
json_t *link_route_json(const struct link_route *r);
int link_addr_from_json(const json_t *j, struct link_addr *ret, struct orc_err *err);
int link_route_from_json(const json_t *j, struct link_route *ret, struct orc_err *err);

#endif
