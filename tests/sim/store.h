/* store.h - the simulated etcd: keys with revisions, guarded transactions, leases, history, compaction.
 *
 * It knows nothing of orc but the names of keys, which it takes apart once for whoever looks. It answers at
 * once; that requests and answers take time, get lost or overtake one another is client.c's and stream.c's.
 * Semantics are etcd 3.4's: a transaction is one revision, an expired lease deletes its keys in one, a read
 * at a compacted revision fails.
 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H

#include "state/key.h"
#include "state/record.h"
#include "tests/sim/world.h"

struct sim_text { /* a value: never changed, shared by whoever still looks at it */
    int holders;
    size_t n;
    bool parsed;
    const char *at;
    /* What a task, status, rollout, endpoint says, read once when asked for (store_task() ...). */
    enum key_kind kind;
    bool readable;
    union {
        struct record_task task;
        struct record_status status;
        struct record_rollout rollout;
        struct record_endpoint endpoint;
        struct record_app app;
        struct record_alive alive;
    } as;
};
struct sim_text *sim_text_new(enum key_kind kind, const char *text, size_t n);
struct sim_text *sim_text_hold(struct sim_text *t);
void sim_text_drop(struct sim_text *t); /* NULL allowed */
/* What it says; NULL: it is of another kind, or can't be read. */
const struct record_task *sim_text_task(struct sim_text *t);
const struct record_status *sim_text_status(struct sim_text *t);
const struct record_rollout *sim_text_rollout(struct sim_text *t);
const struct record_endpoint *sim_text_endpoint(struct sim_text *t);
const struct record_app *sim_text_app(struct sim_text *t);
const struct record_alive *sim_text_alive(struct sim_text *t);

struct sim_name { /* a key's name; lives as long as the world */
    char *at;
    struct key key;
    struct sim_kv *now;                    /* NULL: it is not there */
    const struct sim_name *status, *alive; /* a task's: the keys that say what became of it */
    UT_hash_handle hh;
};

struct sim_kv {
    struct sim_name *name;
    struct sim_text *text;
    int64_t create, mod, version, lease;
    UT_hash_handle hh;
};

struct sim_change { /* one key in one revision; text NULL: deleted */
    int64_t revision;
    const struct sim_name *name;
    struct sim_text *text, *before; /* before NULL: it was not there */
    int64_t create, version, lease;
    int64_t before_create, before_mod, before_version, before_lease;
};

struct sim_lease {
    int64_t id, ttl_s;
    struct sim_event expiry;
    UT_hash_handle hh;
};

enum sim_compare_kind { SIM_CREATE, SIM_MOD, SIM_EXISTS, SIM_VALUE };
struct sim_compare {
    char *key;
    enum sim_compare_kind kind;
    int64_t revision;
    char *value;
};
enum sim_op_kind { SIM_PUT, SIM_DELETE, SIM_GET, SIM_GET_PREFIX };
struct sim_op {
    enum sim_op_kind kind;
    char *key, *value;
    int64_t lease;
};
struct sim_txn {
    ORC_VEC(struct sim_compare) compares;
    ORC_VEC(struct sim_op) then, otherwise;
    bool writes;
    struct sim_proc *by; /* NULL: a person */
    int64_t seen;        /* what its sender had been told when it was sent */
};
void sim_txn_release(struct sim_txn *t);

struct sim_read { /* a key as it was when it was read */
    const struct sim_name *name;
    struct sim_text *text;
    int64_t create, mod, version, lease;
};
struct sim_answer {
    int error; /* -ESTALE: compacted; -ENOENT: no such lease */
    bool succeeded, more;
    int64_t revision, lease, ttl_s;
    uint64_t cluster_id;
    ORC_VEC(struct sim_read) reads;
};
void sim_answer_release(struct sim_answer *a);

struct store {
    struct sim_kv *kvs;
    struct sim_name *names;
    struct sim_lease *leases;
    int64_t revision, compacted, next_lease;
    uint64_t cluster_id;
    ORC_VEC(struct sim_change) history; /* not older than `compacted` */
    uint64_t late;                      /* ms that a lease lives longer than promised, at most */
    uint64_t times_replaced;            /* wiped or restored */
};
extern struct store store;

void store_begin(void);
void store_end(void);

const struct sim_kv *store_find(const char *key);
void store_get(const char *key, struct sim_answer *ret);
/* Keys with the prefix from `from` on (NULL: the first), at most so many, as of `revision` (0: now). */
void store_scan(const char *prefix, const char *from, size_t limit, int64_t revision, struct sim_answer *ret);
void store_txn(const struct sim_txn *t, struct sim_answer *ret);
void store_grant(int64_t ttl_s, struct sim_answer *ret);
void store_keepalive(int64_t lease, struct sim_answer *ret);
void store_revoke(int64_t lease, struct sim_answer *ret);

/* What people and faults do. */
void store_put(const char *key, const char *value);
void store_delete(const char *key);
void store_compact(int64_t revision);
void store_expire(struct sim_lease *l); /* now */
void store_renew_all(void);             /* as a new leader of etcd does */

/* A copy of everything, to be put back once. */
struct backup {
    ORC_VEC(struct sim_read) reads;
    int64_t revision;
    uint64_t cluster_id;
};
void store_save(struct backup *b);
void store_restore(const struct backup *b, bool new_id);
void store_wipe(void);
void backup_release(struct backup *b);

/* Told of each revision, after it holds (stream.c, check.c). */
void stream_changed(void);
void check_revision(const struct sim_change *changes, size_t n, const struct sim_txn *t);
void stream_reset_all(void);

#endif
