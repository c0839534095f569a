/* client.h - asking netplug, the privileged part, over its unix socket.
 *
 * For nodelet (and tests). Knows the loop, the socket and the wire format, which it hides behind the structs
 * of netplug/types.h; it must not know netlink. One connection, opened by the first call and again by the
 * next call after it broke; calls may overlap and are answered in any order.
 *
 * Invariants: every call ends exactly once, in its callback, on the loop, never inside the function that
 * began it: with an answer, a refusal by netplug, a broken connection, a time-out, or -ECANCELED from
 * netplug_client_free(). Callbacks may begin further calls (not after -ECANCELED),
 * but must not free the client. Whoever uses it ignores SIGPIPE (orc_signals_init()).
 *
 * Every callback gets `error`: 0, or negative with `text`, a full sentence, and `res` NULL.
 *   -EINVAL      netplug refused the request: the text quotes the token and says what is accepted
 *   -EACCES      this user may not use netplug (--allow-uid)
 *   -EOPNOTSUPP  a mode or an operation that this netplug doesn't have, named
 *   -ENODEV      the interface does not exist
 *   -EEXIST      in the way: orc0 has another port, the interface another master
 *   -ESTALE      confirm: nothing waits for this token, it was put back already
 *   -EIO         the kernel refused; everything done by this call was undone
 *   -ECONNREFUSED, -ENOENT  netplug is not running there; -ECONNRESET it went away; -ETIMEDOUT no answer in
 * time
 */
#ifndef NETPLUG_CLIENT_H
#define NETPLUG_CLIENT_H

#include "netplug/types.h"

#include <uv.h>

struct netplug_client;

/* socket_path NULL: NETPLUG_SOCKET. Does not connect yet. */
struct netplug_client *netplug_client_new(uv_loop_t *loop, const char *socket_path);

/* Ends open calls with -ECANCELED, returns NULL. NULL is allowed. The loop must run on for its handles to
 * close. */
struct netplug_client *netplug_client_free(struct netplug_client *client);

typedef void (*netplug_bridge_fn)(int error, const char *text, const struct netplug_bridge_res *res,
                                  void *arg);
typedef void (*netplug_probe_fn)(int error, const char *text, const struct netplug_probe_res *res, void *arg);
typedef void (*netplug_links_fn)(int error, const char *text, const struct netplug_links_res *res, void *arg);
typedef void (*netplug_done_fn)(int error, const char *text, void *arg);

/* Makes orc0 as asked; idempotent. When the result says must_confirm, netplug puts everything back after
 * confirm_within_ms unless netplug_confirm() arrives: confirm once etcd answers through the changed network.
 * A second call meanwhile changes nothing and hands out the same token again (so a restarted nodelet can
 * confirm). */
void netplug_bridge(struct netplug_client *client, const struct netplug_bridge_req *req, netplug_bridge_fn fn,
                    void *arg);

/* The taking-over stays. Confirming what was confirmed already is a success. */
void netplug_confirm(struct netplug_client *client, const char *token, netplug_done_fn fn, void *arg);

/* Puts everything back as it was before the first netplug_bridge(); a success when there is nothing to put
 * back. net.ipv4.ip_forward stays on, since the engine's other networks rely on it too. */
void netplug_unbridge(struct netplug_client *client, netplug_done_fn fn, void *arg);

/* Don't-fragment echoes of the full MTU to every peer at once. Takes about timeout_ms when all is well or a
 * peer is dead, up to about 20 times that for a peer whose path MTU has to be searched for. */
void netplug_probe(struct netplug_client *client, const struct netplug_probe_req *req, netplug_probe_fn fn,
                   void *arg);

void netplug_links(struct netplug_client *client, netplug_links_fn fn, void *arg);

#endif
