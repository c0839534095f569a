/* table.h - the endpoints a gateway sends requests to: what etcd says, remembered through what etcd forgets.
 *
 * Pure: changes go in, a text for NGINX comes out; no I/O, and time is an argument (monotonic ms). It must
 * not know routes, NGINX or etcd's protocol.
 *
 * An endpoint is
 *   ready      NGINX may choose it;
 *   draining   never chosen; requests in flight to it are reported until there are none, also when it
 *              vanishes before (its lease ended);
 *   suspect    it vanished without anybody having said so: its lease expired. Chosen only while its backend
 *              has no ready one;
 *   gone       never chosen; remembered until NGINX has no request in flight to it, because until then its
 * slot (the column of NGINX's counters) must not go to another endpoint.
 *
 * An endpoint that vanishes while its node's `alive` key still stands on the same lease was taken away by its
 * nodelet, on purpose: it is gone. Every other vanishing makes it suspect. A suspect is forgotten when
 * its address goes to another endpoint, when its service is removed, GW_SUSPECT_RETURN_MS after its node came
 * back without it (less than `address_hold`, 60 s, after which its address may be somebody else's), or after
 * GW_SUSPECT_MS.
 *
 * Life of a batch: any number of changes, then gw_table_commit(). Nothing is decided before.
 */
#ifndef GATEWAY_TABLE_H
#define GATEWAY_TABLE_H

#include "gateway/route.h"

#include "state/record.h"

#define GW_SLOTS 16384 /* endpoints at a time, gone ones included; as in lua/orc_shm.lua */
#define GW_PORTS_MAX 32
#define GW_SUSPECT_MS (600 * 1000)
#define GW_SUSPECT_RETURN_MS (30 * 1000)
#define GW_TABLE_TEXT_MAX (8u << 20) /* NGINX's client_max_body_size of the control socket */

enum gw_endpoint_state { GW_READY, GW_DRAINING, GW_SUSPECT, GW_GONE };

struct gw_table;
struct gw_table *gw_table_new(void);
struct gw_table *gw_table_free(struct gw_table *t); /* returns NULL */

/* endpoints/<app>/<service>/<task>, written at mod_revision on a lease. -EINVAL when it is not fit for NGINX
 * (what was known of it then vanishes), -ENOSPC when there are GW_SLOTS endpoints already. */
int gw_table_put(struct gw_table *t, const struct key *key, const struct record_endpoint *e,
                 int64_t mod_revision, int64_t lease, struct orc_err *err);
void gw_table_delete(struct gw_table *t, const char *task);
/* alive/<node>; lease 0: the key is absent. */
void gw_table_node(struct gw_table *t, const char *node, int64_t lease);
/* The service is no more: its suspects are forgotten. */
void gw_table_service_gone(struct gw_table *t, const char *app, const char *service);

/* A complete snapshot follows: what it does not put has vanished by its commit, of endpoints and of nodes. */
void gw_table_snapshot(struct gw_table *t);
/* While it is held, nobody begins to be chosen: of a gateway that is not registered no nodelet waits for an
 * answer. Who is put as ready and was not ready before is taken for draining, and who
 * vanished is gone, not suspect: nobody knows since when, and its address may be somebody else's. After
 * gw_table_hold(t, false) a snapshot must follow. */
void gw_table_hold(struct gw_table *t, bool held);
/* The store is another one, or an older state of it: revisions begin anew, nothing is served yet. */
void gw_table_forget(struct gw_table *t);
/* Ends a batch: everything up to `revision` was fed. */
void gw_table_commit(struct gw_table *t, int64_t revision, uint64_t now);
/* Forgets suspects whose time is over. To be called only while the store answers, at gw_table_deadline(): 0:
 * never. */
void gw_table_expire(struct gw_table *t, uint64_t now);
uint64_t gw_table_deadline(const struct gw_table *t);

/* The revision of the last commit. */
int64_t gw_table_revision(const struct gw_table *t);

/* ---- NGINX's side */

/* Does NGINX's table differ from this one in whom it chooses? */
bool gw_table_dirty(const struct gw_table *t);
/* Takes the table that a running NGINX holds (or that was kept on disk), into an empty table: ready endpoints
 * stay in use, and vanish by the first snapshot that lacks them. -EINVAL: nothing was taken. */
int gw_table_adopt(struct gw_table *t, const char *text, struct orc_err *err);
/* What was taken is not of a running NGINX, and older than what it may have said: nobody is more than suspect
 * until the first snapshot. */
void gw_table_doubt(struct gw_table *t);
/* The text to push (freed by the caller; its form: lua/orc_table.lua). NULL when it would be too large.
 * Remembers what it said; gw_table_pushed() tells whether that reached NGINX. */
char *gw_table_text(struct gw_table *t);
void gw_table_pushed(struct gw_table *t, bool ok);
/* NGINX was started anew: its table is empty and it has no request in flight. */
void gw_table_nginx_lost(struct gw_table *t);

/* What NGINX answered on requests in flight: "orc1 VERSION\n", then "SLOT N\n" lines. Frees the slots of gone
 * endpoints without requests. -EINVAL when it can't be read. */
int gw_table_in_flight(struct gw_table *t, const char *answer, struct orc_err *err);
/* Has a draining endpoint requests in flight, or a gone one a slot not yet free? */
bool gw_table_has_draining_requests(const struct gw_table *t);
bool gw_table_has_gone(const struct gw_table *t);

/* What gateway-alive/<id> shall say: `served` is the revision that NGINX chooses from, and those listed are
 * not done with at it: requests are in flight, or it is suspect. Released by the caller. */
void gw_table_report(const struct gw_table *t, struct record_gateway_alive *ret);
/* The highest revision of a draining endpoint's write that is served: a heartbeat that is older keeps a
 * nodelet waiting. */
int64_t gw_table_draining_revision(const struct gw_table *t);
/* The highest revision NGINX is known to choose from; 0: none yet. */
int64_t gw_table_served(const struct gw_table *t);

/* For messages: how many are ready, draining and suspect. */
struct gw_table_counts {
    size_t ready, draining, suspect, gone;
};
struct gw_table_counts gw_table_counts(const struct gw_table *t);

#endif
