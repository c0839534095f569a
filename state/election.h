/* election.h - one leader among those who campaign, by a leased key with the lowest create revision.
 *
 * A campaigner writes the leader key when it is absent (create-only) and watches it otherwise. A key without
 * a lease is nobody's (somebody wrote it by hand): it is deleted. Being told `leader` is never enough to
 * write: every write compares election_guard() = the key's create revision, so that a deposed leader writes
 * nothing (behaviour 89).
 */
#ifndef STATE_ELECTION_H
#define STATE_ELECTION_H

#include "state/etcd.h"
#include "state/lease.h"

struct election;
struct election_opts {
    const char *key;   /* absolute; copied */
    const char *value; /* JSON of record_leader; copied */
    int64_t ttl_s;     /* at least 2 */
    void (*on_change)(bool leader, void *arg);
    void *arg;
};
struct election *election_new(uv_loop_t *loop, struct etcd *e, const struct election_opts *opts);
/* Not from on_change(); before its struct etcd. The key is left to expire unless election_resign() ended. */
struct election *election_free(struct election *el); /* returns NULL */
/* Why there is no leadership: the lease's reason, or who leads ("led by ..."): a clause, "" while leader. */
const char *election_reason(const struct election *el);
/* Steps down at once so that another can take over; done is called once, when etcd has answered or after 2 s.
 * on_change() is not called any more; what is left is election_free(). */
void election_resign(struct election *el, void (*done)(void *arg), void *arg);
/* By the clock: false as soon as another may lead, also before on_change() could be called. */
bool election_is_leader(const struct election *el);
/* Adds the compare "I still lead" to a transaction; only while leader. */
void election_guard(const struct election *el, struct etcd_txn *t);

#endif
