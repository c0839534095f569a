/* view.h - a live, gap-free view of some key ranges: range (in pages, at one revision R), then watch from
 * R+1; on compaction, a cancelled watch or a broken stream: resume from the last revision, or range again and
 * work out what vanished. One HTTP stream for all ranges of a view.
 *
 * The view keeps key names and mod revisions, not values: those belong to the owner. Order of calls: any
 * number of on_put/on_delete, then on_batch(revision): all changes up to that revision have been delivered
 * (never half a transaction; not called when nothing of these prefixes changed; a relist always ends with
 * one). After a relist, keys that did not change are not delivered again.
 *
 * Wholeness. A view has one watch over the smallest range that covers all its prefixes, and drops what lies
 * between: only within one range does etcd promise order, and only so is a transaction that touches two
 * prefixes never seen by half. That costs traffic: with `separate` each prefix is watched by itself; order
 * and wholeness then hold within a prefix only, and the revision of on_batch() and view_revision() is the one
 * that all of them have reached for certain. For daemons on every server (their own tasks), not for the
 * scheduler.
 *
 * A frozen etcd leaves a watch open for ever. So the view asks its endpoint something every 10 s in which
 * nothing came, and at once when any call through the same struct etcd failed there (a lease's keep-alive);
 * unanswered for 2 s, it moves to another endpoint.
 *
 * The guard (guard.h) is asked before anything is delivered; when it objects, the view is FROZEN: nothing
 * is delivered, not even deletions, until the guard is satisfied again.
 */
#ifndef STATE_VIEW_H
#define STATE_VIEW_H

#include "state/etcd.h"
#include "state/guard.h"

enum view_state {
    VIEW_SYNCING, /* no snapshot yet */
    VIEW_LIVE,    /* the stream is up; what was delivered is current */
    VIEW_STALE,   /* etcd can't be reached; what was delivered is the last known */
    VIEW_FROZEN   /* etcd answers, but is not the store we knew */
};

struct view_opts {
    const char *const *prefixes; /* NULL-terminated, absolute, not overlapping; copied */
    void (*on_put)(const struct etcd_kv *kv, void *arg);
    void (*on_delete)(const char *key, int64_t revision, void *arg);
    void (*on_batch)(int64_t revision, void *arg);
    /* May be NULL. The store is another one, or an older state of ours, and that is accepted: every key that
     * is there will be put again, and what had been learnt of revisions is void. */
    void (*on_forget)(void *arg);
    /* May be NULL. `why` is "" when LIVE. */
    void (*on_state)(enum view_state state, const char *why, void *arg);
    struct guard *guard; /* may be NULL: believe everything. Written by the view: save it now and then */
    const char
        *config_key; /* with a guard: the cluster's config, read before anything is delivered and watched
                      * (whether it is in the prefixes or not); NULL: only etcd's headers are judged */
    bool separate;
    void *arg;
};

struct view;
struct view *view_new(uv_loop_t *loop, struct etcd *e, const struct view_opts *opts);
/* Frees it, before its struct etcd; also from its callbacks, which are not called again. Returns NULL. */
struct view *view_free(struct view *v);
enum view_state view_state(const struct view *v);
int64_t view_revision(const struct view *v); /* as of the last on_batch; 0 before the first */

/* The owner has just written this key, which lies between the prefixes: should it be gone when everything is
 * read again, on_delete() tells, also if on_put() never came. */
void view_expect(struct view *v, const char *key);

/* Calls done once the view has delivered everything up to `revision`; before view_wait() returns when it has.
 * Exactly once; with error -ECANCELED when the view is freed first, with -ESTALE when the store is an older
 * one now and does not have that revision. A revision that touched nothing between the prefixes (or, with
 * `separate`, not each of them) does not come by itself: the view then reads its ranges anew after a second
 * in which nothing came, which is right but not for every day. */
void view_wait(struct view *v, int64_t revision, void (*done)(int error, void *arg), void *arg);

#endif
