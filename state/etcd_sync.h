/* etcd_sync.h - waiting for one etcd call by running the loop. For the CLI and for tests: daemons never wait.
 *
 * Each function starts the call and runs the loop until it ended; other handles of the loop go on meanwhile.
 */
#ifndef STATE_ETCD_SYNC_H
#define STATE_ETCD_SYNC_H

#include "state/etcd.h"

/* An answer that outlives its callback: the strings are owned. */
struct etcd_answer {
    int64_t revision;
    uint64_t cluster_id;
    bool succeeded;
    bool maybe; /* also set when the function failed: the write may have been applied */
    struct {
        struct etcd_kv *at;
        size_t n, cap;
    } kvs;
    int64_t lease, ttl_s;
};
void etcd_answer_release(struct etcd_answer *a);

/* 0 and *ret (released by the caller), or negative with etcd's sentence; *ret is then empty but for `maybe`.
 */
int etcd_sync_get(struct etcd *e, uv_loop_t *loop, const char *key, struct etcd_answer *ret,
                  struct orc_err *err);
int etcd_sync_range(struct etcd *e, uv_loop_t *loop, const char *prefix, int64_t revision,
                    struct etcd_answer *ret, struct orc_err *err);
/* The same without keeping more than a page: on_kv for each key, in order; valid during the call. When it
 * fails, some may have come. */
int etcd_sync_scan(struct etcd *e, uv_loop_t *loop, const char *prefix, int64_t revision,
                   void (*on_kv)(const struct etcd_kv *kv, void *arg), void *arg, int64_t *ret_revision,
                   struct orc_err *err);
int etcd_sync_put(struct etcd *e, uv_loop_t *loop, const char *key, const char *value, int64_t lease,
                  struct etcd_answer *ret, struct orc_err *err);
int etcd_sync_delete(struct etcd *e, uv_loop_t *loop, const char *key, struct etcd_answer *ret,
                     struct orc_err *err);
/* Consumes t. ETCD_CONFLICT: the compares did not hold; *ret is filled (with the else branch's gets). */
#define ETCD_CONFLICT 1
int etcd_sync_txn(struct etcd *e, uv_loop_t *loop, struct etcd_txn *t, struct etcd_answer *ret,
                  struct orc_err *err);
int etcd_sync_lease_grant(struct etcd *e, uv_loop_t *loop, int64_t ttl_s, struct etcd_answer *ret,
                          struct orc_err *err);
int etcd_sync_lease_revoke(struct etcd *e, uv_loop_t *loop, int64_t lease, struct etcd_answer *ret,
                           struct orc_err *err);

#endif
