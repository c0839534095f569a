/* register.h - this gateway's presence in the store: gateways/<id> and its heartbeat gateway-alive/<id>.
 *
 * gateways/<id> is written before the first range, so that a nodelet that withdraws an endpoint after our
 * range waits for us. gateway-alive/<id> is written on a lease: at the start, when a draining endpoint is
 * served as such, when the last request to one ends, and when the lease is new; not while only ready
 * endpoints come and go. Each of these writes requires that gateways/<id> is as we wrote it: a gateway that
 * the scheduler retired registers anew, and its owner reads everything anew, before it says again what it
 * serves.
 *
 * Who was retired meanwhile has an NGINX that may choose addresses which are somebody else's by now, and
 * nobody waits for what it says. It reads and serves first, and registers then: registered means that
 * requests go where they should.
 *
 * While another gateway of this id lives, ours is not registered: a nodelet that waits for the id would take
 * the one's acknowledgement for both. So a registration is written together with a first heartbeat.
 */
#ifndef GATEWAY_REGISTER_H
#define GATEWAY_REGISTER_H

#include "state/etcd.h"
#include "state/record.h"

struct gw_register;
struct gw_register_opts {
    uv_loop_t *loop;
    struct etcd *etcd;             /* borrowed */
    const char *cluster, *id;      /* borrowed */
    const char *instance;          /* borrowed; differs from every other gateway's */
    const struct orc_strv *listen; /* borrowed; for people */
    int64_t ttl_s;
    void (*on_registered)(int64_t revision, void *arg); /* also after having been retired: then range anew */
    void (*on_retired)(void *arg);
    /* No registration is there: may one be written? Asked again by gw_register_go(). */
    bool (*may_register)(void *arg);
    void (*on_trouble)(const char *why,
                       void *arg); /* a write failed and is tried again; "" when one succeeded */
    void *arg;
};

struct gw_register *gw_register_new(const struct gw_register_opts *opts);
struct gw_register *gw_register_free(struct gw_register *r); /* before the etcd client; returns NULL */

/* may_register() would say yes now. */
void gw_register_go(struct gw_register *r);
/* gateways/<id> was seen deleted. */
void gw_register_vanished(struct gw_register *r);
/* gateways/<id> was seen to hold what we never wrote: written anew. */
void gw_register_again(struct gw_register *r);
/* What the heartbeat shall say now; copied. Written when it matters to a nodelet: see above. `draining` is
 * gw_table_draining_revision(). */
void gw_register_report(struct gw_register *r, const struct record_gateway_alive *alive, int64_t draining);
/* While the store is not the one we knew, nothing is written. */
void gw_register_pause(struct gw_register *r, bool paused);
/* The store is not the one we knew: what was to be said of that is not said of this. */
void gw_register_forget(struct gw_register *r);
/* Takes the registration back, with NGINX ended before: nobody shall wait for this gateway any more. */
void gw_register_retire(struct gw_register *r, void (*done)(void *arg), void *arg);

/* Pure: must a heartbeat that says `now` be written when the store has `was` (NULL: nothing)? */
bool gw_register_matters(const struct record_gateway_alive *was, const struct record_gateway_alive *now,
                         int64_t draining);

#endif
