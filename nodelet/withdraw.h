/* withdraw.h - withdrawal before TERM: when may the stop signal be sent? (docs/task-model.md)
 *
 * Pure: told of the draining endpoint's revision and shown what the gateways report, it answers whether
 * nothing is sent to the container any more. It must not know the store's client or the clock.
 *
 * Steps: IDLE → PUTTING (the endpoint is to be written as draining; repeated until etcd took it) → WAITING
 * (for the gateways that were registered at that revision, or for the time-out) → DONE. An endpoint that
 * vanished meanwhile, because the node's lease ended, is PUTTING again: a gateway that reads everything anew
 * would know nothing of the withdrawal. The time-out runs on.
 */
#ifndef NODELET_WITHDRAW_H
#define NODELET_WITHDRAW_H

#include "state/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

/* The gateways as the view shows them, keyed by id. */
struct withdraw_gateway {
    char id[KEY_NAME_MAX + 1];
    bool registered;                    /* gateways/<id> exists */
    int64_t deleted;                    /* else the revision at which it was seen to vanish; 0: never seen */
    bool alive;                         /* gateway-alive/<id> exists */
    struct record_gateway_alive report; /* the last one; zeroed while not alive */
    UT_hash_handle hh;
};

/* Its heartbeat, written at `revision`; takes over what `report` owns. One that serves what its store did not
 * hold yet speaks of another store, before a restore from a backup: it agrees to nothing. */
void withdraw_heard(struct withdraw_gateway *g, struct record_gateway_alive report, int64_t revision);

enum withdraw_step { WITHDRAW_IDLE, WITHDRAW_PUTTING, WITHDRAW_WAITING, WITHDRAW_DONE };

struct withdraw {
    enum withdraw_step step;
    uint64_t timeout_ms, since; /* since: when WAITING first began */
    bool begun;                 /* it did */
    int64_t revision;           /* R: of the draining endpoint */
    struct orc_strv gateways;   /* those that must agree */
    char *waiting_for;          /* for people, while WAITING: "gateway k1: 2 requests in flight" */
    bool timed_out;
};

void withdraw_release(struct withdraw *w); /* back to IDLE */

/* A container that was never ready has nothing to wait for: DONE at once. */
void withdraw_begin(struct withdraw *w, bool ever_ready, uint64_t timeout_ms);

/* The transaction that wrote `draining` held at `revision`; `gateways` were registered then. */
void withdraw_written(struct withdraw *w, int64_t revision, const struct orc_strv *gateways, uint64_t now);

/* The endpoint may have vanished: an agreement to it is worth nothing any more. */
void withdraw_again(struct withdraw *w);

/* Judges again, with the gateways as the view shows them and the task's id. The view may be behind the
 * transaction: a gateway it has not shown yet holds the withdrawal, one it showed to vanish after R does not.
 * Returns true when DONE. */
bool withdraw_judge(struct withdraw *w, const char *task, const struct withdraw_gateway *table, uint64_t now);

/* When to judge again if nothing changes; UINT64_MAX before WAITING and when DONE. */
uint64_t withdraw_deadline(const struct withdraw *w);

#endif
