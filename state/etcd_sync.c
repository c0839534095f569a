#include "state/etcd_sync.h"

#include <string.h>

struct waiting {
    bool done;
    int r;
    struct etcd_answer *ret;
    struct orc_err *err;
};

void etcd_answer_release(struct etcd_answer *a)
{
    for (size_t i = 0; i < a->kvs.n; i++) {
        free((char *)a->kvs.at[i].key);
        free((char *)a->kvs.at[i].value);
    }
    orc_vec_release(&a->kvs);
    memset(a, 0, sizeof *a);
}

static void copy_kv(struct etcd_answer *a, const struct etcd_kv *kv)
{
    struct etcd_kv copy = *kv;
    char *value = orc_calloc(1, kv->value_len + 1);

    memcpy(value, kv->value, kv->value_len);
    copy.key = orc_strdup(kv->key);
    copy.value = value;
    orc_vec_push(&a->kvs, copy);
}

static void on_result(const struct etcd_result *res, void *arg)
{
    struct waiting *w = arg;

    w->done = true;
    w->ret->maybe = res->maybe;
    if (res->error) {
        w->r = orc_fail(w->err, res->error, "%s", res->error_text);
        return;
    }
    w->ret->revision = res->revision;
    w->ret->cluster_id = res->cluster_id;
    w->ret->succeeded = res->succeeded;
    w->ret->lease = res->lease;
    w->ret->ttl_s = res->ttl_s;
    for (size_t i = 0; i < res->n_kvs; i++)
        copy_kv(w->ret, &res->kvs[i]);
}

static struct waiting begin(struct etcd_answer *ret, struct orc_err *err)
{
    memset(ret, 0, sizeof *ret);
    return (struct waiting){.ret = ret, .err = err};
}

static int wait_for(struct waiting *w, uv_loop_t *loop)
{
    while (!w->done)
        uv_run(loop, UV_RUN_ONCE);
    return w->r;
}

int etcd_sync_get(struct etcd *e, uv_loop_t *loop, const char *key, struct etcd_answer *ret,
                  struct orc_err *err)
{
    struct waiting w = begin(ret, err);

    etcd_get(e, key, on_result, &w);
    return wait_for(&w, loop);
}

int etcd_sync_range(struct etcd *e, uv_loop_t *loop, const char *prefix, int64_t revision,
                    struct etcd_answer *ret, struct orc_err *err)
{
    struct waiting w = begin(ret, err);

    etcd_range(e, prefix, revision, on_result, &w);
    return wait_for(&w, loop);
}

struct scanning {
    struct waiting w;
    void (*on_kv)(const struct etcd_kv *kv, void *arg);
    void *arg;
    int64_t revision;
};

static void on_page(const struct etcd_result *res, void *arg)
{
    struct scanning *s = arg;

    s->revision = res->revision;
    for (size_t i = 0; i < res->n_kvs; i++)
        s->on_kv(&res->kvs[i], s->arg);
}

static void on_last_page(const struct etcd_result *res, void *arg)
{
    struct scanning *s = arg;

    s->w.done = true;
    if (res->error)
        s->w.r = orc_fail(s->w.err, res->error, "%s", res->error_text);
    else
        on_page(res, s);
}

int etcd_sync_scan(struct etcd *e, uv_loop_t *loop, const char *prefix, int64_t revision,
                   void (*on_kv)(const struct etcd_kv *kv, void *arg), void *arg, int64_t *ret_revision,
                   struct orc_err *err)
{
    struct scanning s = {.w = {.err = err}, .on_kv = on_kv, .arg = arg};
    int r;

    etcd_scan(e, prefix, revision, on_page, on_last_page, &s);
    r = wait_for(&s.w, loop);
    if (r == 0)
        *ret_revision = s.revision;
    return r;
}

int etcd_sync_put(struct etcd *e, uv_loop_t *loop, const char *key, const char *value, int64_t lease,
                  struct etcd_answer *ret, struct orc_err *err)
{
    struct waiting w = begin(ret, err);

    etcd_put(e, key, value, lease, on_result, &w);
    return wait_for(&w, loop);
}

int etcd_sync_delete(struct etcd *e, uv_loop_t *loop, const char *key, struct etcd_answer *ret,
                     struct orc_err *err)
{
    struct waiting w = begin(ret, err);

    etcd_delete(e, key, on_result, &w);
    return wait_for(&w, loop);
}

int etcd_sync_txn(struct etcd *e, uv_loop_t *loop, struct etcd_txn *t, struct etcd_answer *ret,
                  struct orc_err *err)
{
    struct waiting w = begin(ret, err);
    int r;

    etcd_txn_commit(e, t, on_result, &w);
    r = wait_for(&w, loop);
    return r == 0 && !ret->succeeded ? ETCD_CONFLICT : r;
}

int etcd_sync_lease_grant(struct etcd *e, uv_loop_t *loop, int64_t ttl_s, struct etcd_answer *ret,
                          struct orc_err *err)
{
    struct waiting w = begin(ret, err);

    etcd_lease_grant(e, ttl_s, on_result, &w);
    return wait_for(&w, loop);
}

int etcd_sync_lease_revoke(struct etcd *e, uv_loop_t *loop, int64_t lease, struct etcd_answer *ret,
                           struct orc_err *err)
{
    struct waiting w = begin(ret, err);

    etcd_lease_revoke(e, lease, on_result, &w);
    return wait_for(&w, loop);
}
