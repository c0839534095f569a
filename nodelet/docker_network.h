/* docker_network.h - Docker's network `orc` on the bridge orc0, which netplug made.
 *
 * Ensures that it is there as wanted; one that differs is made anew when nothing uses it, and otherwise a
 * sentence says what differs. Idempotent.
 */
#ifndef NODELET_DOCKER_NETWORK_H
#define NODELET_DOCKER_NETWORK_H

#include "nodelet/docker.h"

struct docker_network_want {
    const char *name, *bridge; /* "orc", "orc0" */
    const char *subnet;        /* the cluster's CIDR: "10.210.0.0/16" */
    const char *ip_range;      /* the node's: "10.210.1.0/24" */
    const char *gateway;       /* "10.210.1.1" */
    int mtu;
    const char *cluster_id; /* its label orc.cluster */
};

/* The body of POST /networks/create; freed with json_decref(). Pure. */
json_t *docker_network_config(const struct docker_network_want *want);

/* What of an inspected network differs from what is wanted, as a clause, or NULL; freed by the caller. Pure.
 */
char *docker_network_difference(const struct docker_network_want *want, const json_t *inspected);

/* DOCKER_OK: it is as wanted. Everything of `want` is copied. */
void docker_network_ensure(struct docker *d, const struct docker_network_want *want, docker_cb *cb,
                           void *arg);

#endif
