/* server.h - netplug's unix socket: who may ask, lines in, lines out.
 *
 * Checks the caller by its credentials (SO_PEERCRED, unix(7)): root and the allowed users. Knows framing,
 * limits and the table of operations; what they do is takeover.h's and probe.h's. A caller that sends garbage
 * is told so and cut off; one that does not read its answers is cut off as well.
 */
#ifndef NETPLUG_SERVER_H
#define NETPLUG_SERVER_H

#include "lib/err.h"
#include "lib/mem.h"
#include "netplug/takeover.h"

#include <sys/types.h>
#include <uv.h>

struct server;

struct server_opts {
    const char *socket_path;
    const uid_t *uids; /* allowed beside root; copied */
    size_t n_uids;
    struct takeover *takeover; /* borrowed; must outlive the server */
};

/* Listens. A socket file left behind by a killed netplug is replaced; one that answers is -EADDRINUSE. */
int server_new(uv_loop_t *loop, const struct server_opts *opts, struct server **ret, struct orc_err *err);

/* Ends every connection and probe and removes the socket file; the loop must run on for handles to close. */
struct server *server_free(struct server *server);

#endif
