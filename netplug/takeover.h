/* takeover.h - makes orc0 as asked, and takes it back: the operations `bridge`, `confirm` and `unbridge`.
 *
 * Commit-confirmed: a taking-over is written to the state file with its deadline before the kernel is
 * touched; unless it is confirmed, it is put back: by the timer, at an orderly stop, or at the next start. A
 * putting-back that fails is tried again every few seconds. Knows netlink (through link_*.h) and the state
 * file; nothing of sockets or JSON requests. One per process and state folder, which it locks.
 */
#ifndef NETPLUG_TAKEOVER_H
#define NETPLUG_TAKEOVER_H

#include "lib/err.h"
#include "netplug/types.h"

#include <uv.h>

struct takeover;

/* Reads the state and puts back at once what was not confirmed in time. -EBUSY when another netplug has the
 * state folder. Logs what it does by itself, here and later. */
int takeover_new(uv_loop_t *loop, const char *state_dir, struct takeover **ret, struct orc_err *err);

/* Puts an unconfirmed taking-over back (nobody would be there to do it in time), then closes; the loop must
 * run on for the timer to close. Returns NULL. */
struct takeover *takeover_free(struct takeover *t);

/* Results and errors as in netplug/client.h. */
int takeover_bridge(struct takeover *t, const struct netplug_bridge_req *req, struct netplug_bridge_res *ret,
                    struct orc_err *err);
int takeover_confirm(struct takeover *t, const char *token, struct orc_err *err);
int takeover_unbridge(struct takeover *t, struct orc_err *err);
int takeover_links(struct takeover *t, struct netplug_links_res *ret, struct orc_err *err);

#endif
