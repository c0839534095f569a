/* network.h - this node's network: the bridge orc0 (asked of netplug), Docker's network on it, and whether
 * packets of the full size pass to every other node.
 *
 * Tries until it works, with a back-off; what keeps it from working is a condition. It must not know netlink
 * (netplug's) nor how the node is registered.
 */
#ifndef NODELET_NETWORK_H
#define NODELET_NETWORK_H

#include "nodelet/docker.h"
#include "state/etcd.h"
#include "state/record.h"

struct network;

struct network_opts {
    uv_loop_t *loop;
    struct docker *docker;
    struct etcd *etcd;          /* to see that etcd still answers before a taking-over is confirmed */
    const char *etcd_probe_key; /* any key; copied */
    const char *netplug;        /* socket path, NULL: the default; these are borrowed for the life */
    const char *interface;      /* NULL: a bridge without a port */
    int vlan;
    const char *address; /* NULL: the interface's */
    const char *node;
    /* `ok` false with a sentence. type: "network", "mtu". */
    void (*on_condition)(const char *type, bool ok, const char *reason, void *arg);
    /* The node's private address and orc0's MTU, when they are known or change. */
    void (*on_address)(const char *address, int mtu, void *arg);
    void (*on_ready)(bool ready, void *arg); /* Docker's network is there */
    void *arg;
};

struct network *network_new(const struct network_opts *opts);
struct network *network_free(struct network *n); /* NULL allowed; returns NULL */

/* The cluster's addresses and this node's share are known: begins, or begins again with another share. */
void network_begin(struct network *n, const struct record_config *config, int k);
void network_engine(struct network *n, bool up);
void network_doubt(struct network *n); /* the engine says its network is missing */

/* The other nodes, from the view; NULL: gone. */
void network_peer(struct network *n, const char *node, const struct record_node *peer);

#endif
