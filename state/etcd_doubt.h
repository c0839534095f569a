/* etcd_doubt.h - the client's side of the guard: may this request leave, and is that answer our store's?
 *
 * Pure: told of sends, answers and failures, it says what to do; etcd.c does it. Reasons to doubt that an
 * endpoint still is our store are counted; a write leaves only when an answer that the guard judged well was
 * asked for after the last of them.
 */
#ifndef STATE_ETCD_DOUBT_H
#define STATE_ETCD_DOUBT_H

#include "state/guard.h"

struct etcd_doubt {
    struct guard *guard; /* NULL: none, all is believed; its owner's */
    uint64_t doubts;     /* reasons so far */
    uint64_t cleared;    /* how many of them were there when the last good answer was asked for */
};

enum etcd_leave {
    ETCD_SEND,
    ETCD_HOLD, /* the guard is frozen: nothing is written */
    ETCD_ASK,  /* first ask, linearizably, what store this is */
};
enum etcd_leave etcd_doubt_leave(const struct etcd_doubt *d, bool write);

/* The guard's revision when something is sent: result.asked_at. */
int64_t etcd_doubt_asked_at(const struct etcd_doubt *d);

/* An answer's header; `doubts`: the count when it was asked for; `lease`: it may be a lagging member's.
 * Returns false, with one reason more to doubt, when it looks like another store's: ask what it is. */
bool etcd_doubt_learn(struct etcd_doubt *d, uint64_t cluster_id, int64_t revision, int64_t asked_at,
                      uint64_t doubts, bool lease);

#endif
