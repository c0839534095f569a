/* types.h - what netplug is asked and what it answers, as plain C structs.
 *
 * Shared by the client (nodelet) and the daemon; knows nothing of JSON, sockets or netlink. Strings in
 * requests are borrowed for the duration of the call; strings in results are owned by the result and valid
 * until the function that was handed it returns.
 */
#ifndef NETPLUG_TYPES_H
#define NETPLUG_TYPES_H

#include "lib/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define NETPLUG_SOCKET "/run/orc/netplug.sock"   /* default of --socket */
#define NETPLUG_STATE_DIR "/var/lib/orc/netplug" /* default of --state-dir */
#define NETPLUG_BRIDGE "orc0"                    /* the bridge every container of the node hangs on */
#define NETPLUG_CONFIRM_MS 30000                 /* default time to confirm a taking-over */
#define NETPLUG_MAX_PEERS 1000                   /* of one probe request */
#define NETPLUG_MAX_COUNT 20                     /* echo requests per peer and size */
#define NETPLUG_MAX_TIMEOUT_MS 10000             /* for one echo */

/* What orc0 shall be. The zero value of every member is its default. */
struct netplug_bridge_req {
    const char *mode;           /* NULL: "bridge"; "vxlan" and "routed" are refused by name for now */
    const char *interface;      /* "eth1"; NULL or "": a bridge without a port, for a one-server cluster */
    int vlan;                   /* 802.1Q id 1..4094 on top of interface; 0: none */
    const char *address;        /* "10.210.3.1/16", held by orc0 beside the interface's own addresses */
    int mtu;                    /* 68..65535 bytes; 0: the underlay's (without a port: the default route's) */
    uint64_t confirm_within_ms; /* 1000..600000; 0: NETPLUG_CONFIRM_MS */
};

struct netplug_bridge_res {
    int mtu;                  /* of orc0, in bytes: what the Docker network's MTU must be */
    bool changed;             /* false: everything was as wanted already */
    bool must_confirm;        /* an interface was taken over and is put back unless netplug_confirm() comes */
    char *token;              /* for netplug_confirm(); "" when there is nothing to confirm */
    uint64_t confirm_left_ms; /* until it is put back; 0 when there is nothing to confirm */
    struct orc_strv addresses; /* all of orc0's, as CIDR, in the kernel's order, link-local ones left out */
    struct orc_strv steps;     /* what was done, one line of text each, in order; for the log */
};

struct netplug_probe_req {
    const struct orc_strv *peers; /* numeric IPv4 addresses, at most NETPLUG_MAX_PEERS */
    const char *source;           /* numeric IPv4 address to send from; NULL: the kernel's choice per route */
    int mtu;                      /* the size that should pass, IP header included; 68..65535 */
    int timeout_ms;               /* for one echo; 0: 1000; at most NETPLUG_MAX_TIMEOUT_MS */
    int count; /* echo requests of the full size per peer; 0: 3; at most NETPLUG_MAX_COUNT */
};

enum netplug_path {
    NETPLUG_PATH_OK,          /* packets of the full MTU pass both ways */
    NETPLUG_PATH_MTU,         /* reachable, but only packets up to path_mtu pass: an MTU mismatch */
    NETPLUG_PATH_UNREACHABLE, /* small packets fail as well */
};
const char *netplug_path_name(enum netplug_path path);                /* "ok", "mtu", "unreachable" */
int netplug_path_from_name(const char *name, enum netplug_path *ret); /* 0 or -EINVAL */

struct netplug_peer {
    char *address;
    enum netplug_path path;
    int path_mtu;   /* largest packet that passed, in bytes, IP header included; 0 when unreachable */
    int64_t rtt_us; /* smallest round trip of a full-size packet (of a small one if those fail); -1: none */
    int sent, received; /* full-size echo requests and their answers */
    char *reason;       /* a clause for people when path is not OK, with both figures; else "" */
};

struct netplug_probe_res {
    ORC_VEC(struct netplug_peer) peers; /* in the order of the request */
};

struct netplug_link {
    char *name, *kind, *mac, *master; /* kind "" for hardware; mac and master "" when there is none */
    int index, mtu;
    bool up;                   /* administratively */
    bool running;              /* has carrier */
    struct orc_strv addresses; /* CIDR, link-local ones included */
};

struct netplug_links_res {
    ORC_VEC(struct netplug_link) links;
};

/* Free what a result owns and zero it. */
void netplug_bridge_res_clear(struct netplug_bridge_res *res);
void netplug_probe_res_clear(struct netplug_probe_res *res);
void netplug_links_res_clear(struct netplug_links_res *res);

#endif
