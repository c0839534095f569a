/* etcd.h - an etcd v3 client over its JSON gateway (etcd 3.4+: POST /v3/kv/..., values in base64).
 *
 * Responsible for: requests and their traps (zero values left out, int64 as strings, base64, errors inside
 * HTTP 200, a keep-alive of a dead lease that is HTTP 200 without TTL), several endpoints with failover,
 * paging of large ranges. It must not know orc's keys or records. Watching is watch.h, managed leases are
 * lease.h.
 *
 * Errors worth telling apart: -ESTALE the revision asked for is compacted; -ENOSPC the store is full (its
 * quota or its disk; nothing was written); -ENOENT no such lease; -EINVAL etcd refuses the request; -E2BIG a
 * transaction beyond the limits below (nothing was sent); -EPERM the guard is frozen (likewise).
 *
 * Endpoints: "http://10.0.0.5:2379", "https://...", "unix:/run/etcd.sock"; "10.0.0.5:2379" means http.
 *
 * Every call ends exactly once, in its callback, never inside the starting function; etcd_cancel() calls it
 * with error -ECANCELED before returning. Results are valid only during the callback. A read that fails is
 * tried on the other endpoints within its time-out. A write is tried elsewhere only when it surely was not
 * sent; otherwise it ends with error and `maybe` set: it may have been applied, look before doing it again.
 */
#ifndef STATE_ETCD_H
#define STATE_ETCD_H

#include "lib/err.h"
#include "lib/http.h"
#include "lib/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define ETCD_TXN_OPS_MAX 128       /* etcd's --max-txn-ops: compares and operations are counted separately */
#define ETCD_TXN_BYTES_MAX 1000000 /* keys and values; etcd's --max-request-bytes is 1.5 MiB */
#define ETCD_VALUE_MAX 1048576

struct etcd;
struct etcd_call;

struct etcd_opts {
    const struct orc_strv *endpoints; /* at least one; copied */
    struct orc_http_tls tls;          /* copied */
    uint64_t timeout_ms;              /* per request; 0: 5000 */
};

struct etcd_kv {
    const char *key;
    const char *value; /* NUL-terminated behind value_len bytes */
    size_t value_len;
    int64_t create_revision, mod_revision, version, lease;
};

struct etcd_result {
    int error;                 /* 0 or negative errno */
    const char *error_text;    /* "etcd http://10.0.0.5:2379: connection refused"; "" when error is 0 */
    bool maybe;                /* a failed write whose fate is unknown */
    int64_t revision;          /* of the answer's header */
    uint64_t cluster_id;       /* of the answer's header: etcd's own cluster id */
    int64_t asked_at;          /* the guard's revision when it was sent; 0 without a guard */
    bool succeeded;            /* transactions: the compares held */
    const struct etcd_kv *kvs; /* ranges, and the gets of the branch taken, in order */
    size_t n_kvs;
    int64_t lease, ttl_s; /* lease calls; ttl_s <= 0: the lease is gone */
};
typedef void etcd_cb(const struct etcd_result *res, void *arg);

/* NULL and a sentence when an endpoint is malformed. */
struct etcd *etcd_new(uv_loop_t *loop, const struct etcd_opts *opts, struct orc_err *err);
struct etcd *etcd_free(struct etcd *e); /* cancels all calls; returns NULL */
void etcd_cancel(struct etcd_call *call);
/* The endpoint in use, for messages; owned by e. */
const char *etcd_endpoint(const struct etcd *e);

/* From now on the guard (guard.h; NULL: none) learns from the header of every answer, so that it knows what
 * the store has reached although its owner watches little of it. While it is frozen, writes end with -EPERM
 * and its reason, unsent; after an endpoint failed, the first write waits for a read that the guard judges:
 * a store that was wiped or restored meanwhile is noticed before anything is written to it. Leases are
 * granted and kept all the same. It is the owner's, and must live as long as e. Set by view_new(). */
struct guard;
void etcd_guard(struct etcd *e, struct guard *g);

/* One key. */
struct etcd_call *etcd_get(struct etcd *e, const char *key, etcd_cb *cb, void *arg);
/* All keys with the prefix, at one revision (0: now), read in pages, given in one result sorted by key. */
struct etcd_call *etcd_range(struct etcd *e, const char *prefix, int64_t revision, etcd_cb *cb, void *arg);
/* The same page by page, for ranges that may be large: on_page for each but the last (it may cancel), whose
 * keys come with the end, in cb. The time-out holds for each page. */
struct etcd_call *etcd_scan(struct etcd *e, const char *prefix, int64_t revision, etcd_cb *on_page,
                            etcd_cb *cb, void *arg);
struct etcd_call *etcd_put(struct etcd *e, const char *key, const char *value, int64_t lease, etcd_cb *cb,
                           void *arg);
struct etcd_call *etcd_delete(struct etcd *e, const char *key, etcd_cb *cb, void *arg);

/* Transactions. The builder copies what it is given. */
struct etcd_txn;
struct etcd_txn *etcd_txn_new(void);
struct etcd_txn *etcd_txn_free(struct etcd_txn *t);
void etcd_txn_if_create_revision(struct etcd_txn *t, const char *key,
                                 int64_t revision);                                   /* 0: key is absent */
void etcd_txn_if_mod_revision(struct etcd_txn *t, const char *key, int64_t revision); /* 0: key is absent */
void etcd_txn_if_exists(struct etcd_txn *t, const char *key);
void etcd_txn_if_value(struct etcd_txn *t, const char *key, const char *value);
void etcd_txn_put(struct etcd_txn *t, const char *key, const char *value, int64_t lease);
void etcd_txn_delete(struct etcd_txn *t, const char *key);
void etcd_txn_get(struct etcd_txn *t, const char *key);
void etcd_txn_get_prefix(struct etcd_txn *t, const char *prefix);
void etcd_txn_else_get(struct etcd_txn *t, const char *key); /* when a compare did not hold */
size_t etcd_txn_n_compares(const struct etcd_txn *t);
size_t etcd_txn_n_ops(const struct etcd_txn *t);
size_t etcd_txn_bytes(const struct etcd_txn *t);
/* Consumes t. */
struct etcd_call *etcd_txn_commit(struct etcd *e, struct etcd_txn *t, etcd_cb *cb, void *arg);

/* Single lease requests; lease.h keeps one alive. */
struct etcd_call *etcd_lease_grant(struct etcd *e, int64_t ttl_s, etcd_cb *cb, void *arg);
struct etcd_call *etcd_lease_keepalive_once(struct etcd *e, int64_t lease, uint64_t timeout_ms, etcd_cb *cb,
                                            void *arg);
struct etcd_call *etcd_lease_revoke(struct etcd *e, int64_t lease, etcd_cb *cb, void *arg);

#endif
