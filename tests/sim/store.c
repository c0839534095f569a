#include "tests/sim/store.h"

#include <stdio.h>

struct store store;

/* ---- names */

static struct sim_name *name_of(const char *key)
{
    struct sim_name *n = NULL;

    HASH_FIND_STR(store.names, key, n);
    if (n)
        return n;
    n = orc_new(struct sim_name);
    n->at = orc_strdup(key);
    HASH_ADD_KEYPTR(hh, store.names, n->at, strlen(n->at), n);
    if (key_parse(SIM_CLUSTER, key, &n->key) == KEY_TASK) {
        orc_auto_free char *status = key_status(SIM_CLUSTER, n->key.node, n->key.task);
        orc_auto_free char *alive = key_alive(SIM_CLUSTER, n->key.node);

        n->status = name_of(status);
        n->alive = name_of(alive);
    }
    return n;
}

static struct sim_kv *find(const char *key)
{
    struct sim_name *n = NULL;

    HASH_FIND_STR(store.names, key, n);
    return n ? n->now : NULL;
}

static void add_kv(struct sim_kv *kv)
{
    kv->name->now = kv;
    HASH_ADD_KEYPTR(hh, store.kvs, kv->name->at, strlen(kv->name->at), kv);
}

const struct sim_kv *store_find(const char *key)
{
    return find(key);
}

/* ---- changes: a revision is begun, some keys change, it is ended */

static struct sim_change *change(const struct sim_name *name, const struct sim_kv *kv)
{
    struct sim_change *c = orc_vec_add(&store.history);

    c->revision = store.revision;
    c->name = name;
    if (!kv)
        return c;
    c->before = sim_text_hold(kv->text);
    c->before_create = kv->create;
    c->before_mod = kv->mod;
    c->before_version = kv->version;
    c->before_lease = kv->lease;
    return c;
}

static void put(const char *key, const char *value, int64_t lease)
{
    struct sim_kv *kv = find(key);
    struct sim_name *name = kv ? kv->name : name_of(key);
    struct sim_change *c = change(name, kv);

    if (!kv) {
        kv = orc_new(struct sim_kv);
        kv->name = name;
        kv->create = store.revision;
        add_kv(kv);
    }
    sim_text_drop(kv->text);
    kv->text = sim_text_new(name->key.kind, value, strlen(value));
    kv->mod = store.revision;
    kv->version++;
    kv->lease = lease;
    c->text = sim_text_hold(kv->text);
    c->create = kv->create;
    c->version = kv->version;
    c->lease = lease;
}

static void drop_kv(struct sim_kv *kv)
{
    HASH_DEL(store.kvs, kv);
    kv->name->now = NULL;
    sim_text_drop(kv->text);
    free(kv);
}

static void delete (const char *key)
{
    struct sim_kv *kv = find(key);

    if (!kv)
        return;
    change(kv->name, kv);
    drop_kv(kv);
}

static size_t begin(void)
{
    store.revision++;
    return store.history.n;
}

/* Nothing changed: no revision was used. */
static void end(size_t from, const struct sim_txn *t)
{
    if (store.history.n == from) {
        store.revision--;
        return;
    }
    stream_changed();
    check_revision(store.history.at + from, store.history.n - from, t);
}

/* ---- reading */

static void header(struct sim_answer *ret)
{
    ret->revision = store.revision;
    ret->cluster_id = store.cluster_id;
}

static void read_kv(const struct sim_kv *kv, struct sim_answer *ret)
{
    struct sim_read *r = orc_vec_add(&ret->reads);

    *r = (struct sim_read){kv->name, sim_text_hold(kv->text), kv->create, kv->mod, kv->version, kv->lease};
}

void store_get(const char *key, struct sim_answer *ret)
{
    const struct sim_kv *kv = find(key);

    header(ret);
    if (kv)
        read_kv(kv, ret);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sim_read *)a)->name->at, ((const struct sim_read *)b)->name->at);
}

/* Takes one change back in what was read. */
static void undo(const struct sim_change *c, struct sim_answer *ret)
{
    struct sim_read *r,
        now = {c->name, c->before, c->before_create, c->before_mod, c->before_version, c->before_lease};

    orc_vec_each (r, &ret->reads)
        if (r->name == c->name)
            break;
    if (r == ret->reads.at + ret->reads.n)
        r = NULL;
    if (r) {
        sim_text_drop(r->text);
        *r = ret->reads.at[--ret->reads.n];
    }
    if (c->before) {
        sim_text_hold(c->before);
        orc_vec_push(&ret->reads, now);
    }
}

static void sort_and_cut(const char *from, size_t limit, struct sim_answer *ret)
{
    size_t first = 0, n;

    if (ret->reads.n > 1)
        qsort(ret->reads.at, ret->reads.n, sizeof *ret->reads.at, by_name);
    while (from && first < ret->reads.n && strcmp(ret->reads.at[first].name->at, from) < 0)
        sim_text_drop(ret->reads.at[first++].text);
    n = ret->reads.n - first;
    ret->more = n > limit;
    for (size_t i = limit; i < n; i++)
        sim_text_drop(ret->reads.at[first + i].text);
    n = n < limit ? n : limit;
    if (first && n)
        memmove(ret->reads.at, ret->reads.at + first, n * sizeof *ret->reads.at);
    ret->reads.n = n;
}

void store_scan(const char *prefix, const char *from, size_t limit, int64_t revision, struct sim_answer *ret)
{
    struct sim_kv *kv, *next;
    size_t n = strlen(prefix);

    header(ret);
    if (revision && revision < store.compacted) {
        ret->error = -ESTALE;
        return;
    }
    if (revision > store.revision) {
        ret->error = -EAGAIN;
        return;
    }
    HASH_ITER (hh, store.kvs, kv, next)
        if (strncmp(kv->name->at, prefix, n) == 0)
            read_kv(kv, ret);
    for (size_t i = store.history.n; revision && i > 0 && store.history.at[i - 1].revision > revision; i--)
        if (strncmp(store.history.at[i - 1].name->at, prefix, n) == 0)
            undo(&store.history.at[i - 1], ret);
    sort_and_cut(from, limit, ret);
}

/* ---- transactions */

static bool holds(const struct sim_compare *c)
{
    const struct sim_kv *kv = find(c->key);

    switch (c->kind) {
    case SIM_CREATE:
        return (kv ? kv->create : 0) == c->revision;
    case SIM_MOD:
        return (kv ? kv->mod : 0) == c->revision;
    case SIM_EXISTS:
        return kv != NULL;
    case SIM_VALUE:
        break;
    }
    return kv && strcmp(kv->text->at, c->value) == 0;
}

static bool leases_live(const struct sim_txn *t)
{
    const struct sim_op *op;
    struct sim_lease *l = NULL;

    orc_vec_each (op, &t->then) {
        if (op->kind != SIM_PUT || !op->lease)
            continue;
        HASH_FIND(hh, store.leases, &op->lease, sizeof op->lease, l);
        if (!l)
            return false;
    }
    return true;
}

static void apply(const struct sim_op *op, struct sim_answer *ret)
{
    switch (op->kind) {
    case SIM_PUT:
        put(op->key, op->value, op->lease);
        break;
    case SIM_DELETE:
        delete (op->key);
        break;
    case SIM_GET:
        store_get(op->key, ret);
        break;
    case SIM_GET_PREFIX:
        store_scan(op->key, NULL, SIZE_MAX, 0, ret);
        break;
    }
}

void store_txn(const struct sim_txn *t, struct sim_answer *ret)
{
    const struct sim_compare *c;
    const struct sim_op *op;
    size_t from;

    ret->succeeded = true;
    orc_vec_each (c, &t->compares) {
        if (ret->succeeded && !holds(c) && t->by)
            sim_say("store: a transaction of %s is refused: %s is not as at %lld", t->by->name, c->key,
                    (long long)c->revision);
        ret->succeeded = ret->succeeded && holds(c);
    }
    if (ret->succeeded && !leases_live(t)) {
        header(ret);
        ret->error = -ENOENT; /* "requested lease not found" */
        return;
    }
    from = begin();
    if (ret->succeeded)
        orc_vec_each (op, &t->then)
            apply(op, ret);
    else
        orc_vec_each (op, &t->otherwise)
            apply(op, ret);
    end(from, t);
    header(ret);
}

void sim_txn_release(struct sim_txn *t)
{
    struct sim_compare *c;
    struct sim_op *op;

    orc_vec_each (c, &t->compares) {
        free(c->key);
        free(c->value);
    }
    orc_vec_each (op, &t->then) {
        free(op->key);
        free(op->value);
    }
    orc_vec_each (op, &t->otherwise)
        free(op->key);
    orc_vec_release(&t->compares);
    orc_vec_release(&t->then);
    orc_vec_release(&t->otherwise);
}

void sim_answer_release(struct sim_answer *a)
{
    struct sim_read *r;

    orc_vec_each (r, &a->reads)
        sim_text_drop(r->text);
    orc_vec_release(&a->reads);
}

void store_put(const char *key, const char *value)
{
    size_t from = begin();

    put(key, value, 0);
    end(from, NULL);
}

void store_delete(const char *key)
{
    size_t from = begin();

    delete (key);
    end(from, NULL);
}

/* ---- leases */

static struct sim_lease *lease_of(int64_t id)
{
    struct sim_lease *l = NULL;

    HASH_FIND(hh, store.leases, &id, sizeof id, l);
    return l;
}

void store_expire(struct sim_lease *l)
{
    struct sim_kv *kv, *next;
    size_t from = begin();

    HASH_ITER (hh, store.kvs, kv, next)
        if (kv->lease == l->id)
            delete (kv->name->at);
    sim_say("store: lease %llx ends", (long long)l->id);
    sim_event_cancel(&l->expiry);
    HASH_DEL(store.leases, l);
    free(l);
    end(from, NULL);
}

static void on_expiry(void *arg)
{
    store_expire(arg);
}

static void renew(struct sim_lease *l)
{
    sim_event_in(&l->expiry, (uint64_t)l->ttl_s * 1000 + sim_below(store.late + 1));
}

static struct sim_lease *add_lease(int64_t id, int64_t ttl_s)
{
    struct sim_lease *l = orc_new(struct sim_lease);

    l->id = id;
    l->ttl_s = ttl_s;
    sim_event_init(&l->expiry, NULL, on_expiry, l);
    HASH_ADD(hh, store.leases, id, sizeof l->id, l);
    renew(l);
    return l;
}

void store_grant(int64_t ttl_s, struct sim_answer *ret)
{
    struct sim_lease *l = add_lease(++store.next_lease, ttl_s);

    header(ret);
    ret->lease = l->id;
    ret->ttl_s = ttl_s;
}

void store_keepalive(int64_t lease, struct sim_answer *ret)
{
    struct sim_lease *l = lease_of(lease);

    header(ret);
    ret->lease = lease;
    ret->ttl_s = l ? l->ttl_s : 0;
    if (l)
        renew(l);
}

void store_revoke(int64_t lease, struct sim_answer *ret)
{
    struct sim_lease *l = lease_of(lease);

    if (l)
        store_expire(l);
    else
        ret->error = -ENOENT;
    header(ret);
}

void store_renew_all(void)
{
    struct sim_lease *l, *next;

    HASH_ITER (hh, store.leases, l, next)
        renew(l);
}

/* ---- history */

static void drop_change(struct sim_change *c)
{
    sim_text_drop(c->text);
    sim_text_drop(c->before);
}

void store_compact(int64_t revision)
{
    size_t n = 0;

    if (revision <= store.compacted)
        return;
    while (n < store.history.n && store.history.at[n].revision < revision)
        drop_change(&store.history.at[n++]);
    memmove(store.history.at, store.history.at + n, (store.history.n - n) * sizeof *store.history.at);
    store.history.n -= n;
    store.compacted = revision;
}

/* ---- another store in its place */

static void clear(void)
{
    struct sim_kv *kv, *kv_next;
    struct sim_lease *l, *l_next;
    struct sim_change *c;

    HASH_ITER (hh, store.kvs, kv, kv_next)
        drop_kv(kv);
    HASH_ITER (hh, store.leases, l, l_next) {
        sim_event_cancel(&l->expiry);
        HASH_DEL(store.leases, l);
        free(l);
    }
    orc_vec_each (c, &store.history)
        drop_change(c);
    store.history.n = 0;
}

void store_save(struct backup *b)
{
    struct sim_answer a = {0};

    backup_release(b);
    store_scan("", NULL, SIZE_MAX, 0, &a);
    b->revision = a.revision;
    b->cluster_id = store.cluster_id;
    memcpy(&b->reads, &a.reads, sizeof b->reads);
}

void backup_release(struct backup *b)
{
    struct sim_answer a = {0};

    memcpy(&a.reads, &b->reads, sizeof a.reads);
    sim_answer_release(&a);
    memset(b, 0, sizeof *b);
}

/* Leases are part of a backup; they begin anew. */
void store_restore(const struct backup *b, bool new_id)
{
    const struct sim_read *r;

    clear();
    store.revision = b->revision;
    store.compacted = b->revision;
    if (new_id)
        store.cluster_id += 1000;
    orc_vec_each (r, &b->reads) {
        struct sim_kv *kv = orc_new(struct sim_kv);

        *kv = (struct sim_kv){.name = name_of(r->name->at),
                              .text = sim_text_hold(r->text),
                              .create = r->create,
                              .mod = r->mod,
                              .version = r->version,
                              .lease = r->lease};
        add_kv(kv);
        if (r->lease && !lease_of(r->lease))
            add_lease(r->lease, 4);
    }
    store.times_replaced++;
    stream_reset_all();
}

void store_wipe(void)
{
    clear();
    store.revision = 1;
    store.compacted = 1;
    store.cluster_id += 1000;
    store.times_replaced++;
    stream_reset_all();
}

void store_begin(void)
{
    memset(&store, 0, sizeof store);
    store.revision = 1;
    store.cluster_id = 7;
    store.next_lease = 0x700;
}

void store_end(void)
{
    struct sim_name *n, *next;

    clear();
    orc_vec_release(&store.history);
    HASH_ITER (hh, store.names, n, next) {
        HASH_DEL(store.names, n);
        free(n->at);
        free(n);
    }
}
