/* lease.h - a lease that is kept alive, noticed when lost, and granted anew.
 *
 * A keep-alive goes out every TTL/3; one without an answer after TTL/3 goes to another connection or
 * endpoint; reconnects back off by no more than TTL/3. When etcd says the lease is gone (HTTP 200 without
 * TTL), or the TTL has passed on our own monotonic clock without any answer, on_lease(0) is called; then a
 * new one is granted and on_lease(id) is called again. The owner writes its leased keys in on_lease(id).
 *
 * A lease that seemed lost only because nobody answered is tried again first: when it still lives (etcd was
 * away, and gave all leases new time on its return), on_lease() is called with the same id and its keys may
 * still be there. Our own clock counts from when the last answered keep-alive was sent, so that we never
 * think a lease alive that etcd has ended (apart from clocks that run at different speeds). A process that
 * was held up for so long (long work, SIGSTOP) asks etcd before it calls the lease lost; lease_is_valid()
 * says false from the very moment on.
 */
#ifndef STATE_LEASE_H
#define STATE_LEASE_H

#include "state/etcd.h"

struct lease;

struct lease_opts {
    int64_t ttl_s;
    int64_t resume; /* a lease id of an earlier life to continue if it still lives; 0: none */
    void (*on_lease)(int64_t id, void *arg); /* id, or 0: lost; why is lease_reason() */
    void *arg;
};

struct lease *lease_new(uv_loop_t *loop, struct etcd *e, const struct lease_opts *opts);
/* Stops; the lease itself is left to expire unless lease_revoke() was called and has ended. Returns NULL. */
struct lease *lease_free(struct lease *l); /* also from on_lease(); before its struct etcd */
int64_t lease_id(const struct lease *l);   /* 0 while there is none */
/* Whether etcd can't have ended it yet, by the clock and not by what was told. */
bool lease_is_valid(const struct lease *l);
/* When the last request about it that etcd answered, whatever it said, was sent; monotonic ms, 0: none. */
uint64_t lease_heard_at(const struct lease *l);
const char *lease_reason(const struct lease *l); /* why there is none: "no answer from ... for 4s"; "" */
/* Gives the lease back at once (a clean stop); done(arg) is called when etcd answered or after 2 s, never
 * inside this function. on_lease() is not called any more; what is left is lease_free(). */
void lease_revoke(struct lease *l, void (*done)(void *arg), void *arg);

#endif
