/* path_watch.h - probes the path to every other node with don't-fragment packets of the full size: when this
 * node joins, when another one appears or changes, and every PATH_WATCH_MS.
 *
 * netplug sends the packets; paths.h judges. The condition is told when it is first known and when it
 * changes. A node without others is well.
 */
#ifndef NODELET_PATH_WATCH_H
#define NODELET_PATH_WATCH_H

#include "netplug/client.h"
#include "state/record.h"

#define PATH_WATCH_MS 60000

struct path_watch;

typedef void path_watch_fn(bool ok, const char *reason, void *arg);

struct path_watch *path_watch_new(uv_loop_t *loop, struct netplug_client *netplug, const char *node,
                                  path_watch_fn *fn, void *arg);
/* After netplug_client_free(), which ends the probe under way. NULL allowed; returns NULL. */
struct path_watch *path_watch_free(struct path_watch *w);

/* Our own end, with its subnet ("10.210.1.0/24"); begins when it is known. */
void path_watch_self(struct path_watch *w, const char *address, const char *subnet, int mtu);
void path_watch_peer(struct path_watch *w, const char *node, const struct record_node *peer); /* NULL: gone */

#endif
