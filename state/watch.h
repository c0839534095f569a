/* watch.h - one watch stream of etcd: several ranges over one HTTP request, from a revision on.
 *
 * Hides that the gateway may lose watches of one request, that it splits and joins messages, that a cancelled
 * watch is HTTP 200, and that errors stand in a 200 stream. It ends at the first trouble; going on is its
 * owner's (view.h). It must not know orc's keys.
 *
 * Order: within one range, events come by revision, and one revision's events of a range come together in one
 * on_events. Across ranges etcd promises nothing: a range that lags (after a reconnect, or when the reader
 * was slow) delivers old revisions after another's newer ones.
 */
#ifndef STATE_WATCH_H
#define STATE_WATCH_H

#include "state/etcd.h"

struct watch;

struct watch_range {
    char *from, *to; /* keys >= from and < to; NULL `to`: that key alone */
    int64_t start_revision;
};

struct watch_event {
    bool deleted;
    struct etcd_kv kv; /* deleted, and unwanted keys: without a value (NULL) */
};

struct watch_opts {
    const struct watch_range *ranges; /* copied into the request */
    size_t n_ranges;
    uint64_t dead_peer_ms; /* see http.h */
    /* All ranges are being watched; the header of the last answer, which may be a lagging member's. */
    void (*on_created)(uint64_t cluster_id, int64_t revision, void *arg);
    bool (*wanted)(const char *key, void *arg); /* may be NULL: all */
    /* One range's events: whole revisions, in order. */
    void (*on_events)(size_t range, const struct watch_event *events, size_t n, uint64_t cluster_id,
                      void *arg);
    /* Last call, unless freed first. error: negative; -ESTALE: start_revision is compacted. */
    void (*on_end)(int error, const char *text, void *arg);
    void *arg;
};

/* At the endpoint in use, or at the next ones if that can't be reached (on_end is called then; watch again).
 */
struct watch *watch_new(struct etcd *e, const struct watch_opts *opts);
/* No callback follows. May be called from each of them. NULL allowed; returns NULL. */
struct watch *watch_free(struct watch *w);
size_t watch_endpoint(const struct watch *w); /* index, see etcd_internal.h */

#endif
