/* probe.h - measures which packets get through to other nodes: ICMP echoes (RFC 792) with the don't-fragment
 * bit, all peers at once, on the loop.
 *
 * Owns the raw socket and the timing; path_search.h decides on sizes, icmp.h knows the bytes. An answer
 * counts only if it comes from the peer, brings our secret back, has the full size and did not arrive in
 * fragments: then packets of that size pass both ways. Needs CAP_NET_RAW.
 */
#ifndef NETPLUG_PROBE_H
#define NETPLUG_PROBE_H

#include "lib/err.h"
#include "netplug/types.h"

#include <uv.h>

struct probe;

/* Called exactly once, on the loop, unless cancelled; res is valid during the call. */
typedef void (*probe_fn)(const struct netplug_probe_res *res, void *arg);

/* 0 and *ret, which lives until fn has been called; or negative with a sentence and no call: -EINVAL for a
 * bad address or figure, -EPERM without the privilege. */
int probe_start(uv_loop_t *loop, const struct netplug_probe_req *req, probe_fn fn, void *arg,
                struct probe **ret, struct orc_err *err);

/* Ends it without a call; the handles close on the loop. */
void probe_cancel(struct probe *probe);

#endif
