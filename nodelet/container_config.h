/* container_config.h - a task and its spec as the body of POST /containers/create.
 *
 * Pure. Knows the Engine API's names (v1.41, "ContainerCreate" in Docker's reference) and orc's labels; it
 * must not know sockets or the store. Everything orc decides is said explicitly, so that engines with other
 * defaults behave the same.
 */
#ifndef NODELET_CONTAINER_CONFIG_H
#define NODELET_CONTAINER_CONFIG_H

#include "state/record.h"

#define CONTAINER_NAME_PREFIX "orc-"
#define CONTAINER_NETWORK "orc" /* the Docker network on orc0 */

struct container_context {
    const char *cluster_id, *node;
    const char *address; /* the node's private address: where ports are published by default */
    const char *configs; /* the folder with its configs (configs.h) */
    const char *join; /* of a sidecar: the main container's id, whose network is its own; NULL: it is none */
};

/* The body; freed with json_decref(). */
json_t *container_config(const struct container_context *ctx, const char *task_id,
                         const struct record_task *task, const struct spec_service *spec);

/* "orc-shop.web.0.3", freed by the caller. */
char *container_name(const char *task_id);

#endif
