#include "nodelet/revisions.h"

#include "state/timer.h"

#include <inttypes.h>
#include <uthash.h>

#define RETRY_MIN_MS 200
#define RETRY_MAX_MS 10000

struct revision {
    struct revisions *rs;
    char *key;
    unsigned refs;
    struct etcd_call *call;
    struct timer *retry;
    uint64_t backoff;
    struct record_revision rec; /* spec NULL until it arrived */
    char *why;
    UT_hash_handle hh;
};

struct revisions {
    uv_loop_t *loop;
    struct etcd *e;
    char *cluster;
    struct revision *all;
    void (*on_ready)(void *arg);
    void *arg;
};

struct revisions *revisions_new(uv_loop_t *loop, struct etcd *e, const char *cluster,
                                void (*on_ready)(void *arg), void *arg)
{
    struct revisions *rs = orc_new(struct revisions);

    *rs = (struct revisions){
        .loop = loop, .e = e, .cluster = orc_strdup(cluster), .on_ready = on_ready, .arg = arg};
    return rs;
}

struct revisions *revisions_free(struct revisions *rs)
{
    if (!rs)
        return NULL;
    free(rs->cluster);
    free(rs);
    return NULL;
}

static char *problem_of(struct revision *r, const struct etcd_result *res)
{
    struct orc_err err = ORC_ERR_INIT;

    if (res->error)
        return orc_printf("what to run could not be read: %s", res->error_text);
    if (res->n_kvs == 0)
        return orc_printf("what to run is not in the store: %s is missing", r->key);
    if (record_revision_parse(res->kvs[0].value, res->kvs[0].value_len, &r->rec, &err) < 0)
        return orc_printf("what to run can't be read: %s: %s", r->key, err.msg);
    return NULL;
}

static void on_revision(const struct etcd_result *res, void *arg)
{
    struct revision *r = arg;

    r->call = NULL;
    if (res->error == -ECANCELED)
        return;
    free(r->why);
    r->why = problem_of(r, res);
    if (r->why) {
        timer_start(r->retry, r->backoff);
        r->backoff = r->backoff * 2 < RETRY_MAX_MS ? r->backoff * 2 : RETRY_MAX_MS;
    } else {
        /* The text as applied is for people; nodelet has no use for it. */
        free(r->rec.yaml);
        r->rec.yaml = NULL;
    }
    r->rs->on_ready(r->rs->arg);
}

static void ask(void *arg)
{
    struct revision *r = arg;

    if (!r->call)
        r->call = etcd_get(r->rs->e, r->key, on_revision, r);
}

struct revision *revision_ref(struct revisions *rs, const char *app, const char *service, int64_t n)
{
    orc_auto_free char *key = key_revision(rs->cluster, app, service, n);
    struct revision *r = NULL;

    HASH_FIND_STR(rs->all, key, r);
    if (!r) {
        r = orc_new(struct revision);
        r->rs = rs;
        r->key = orc_take(key);
        r->backoff = RETRY_MIN_MS;
        r->retry = timer_new(rs->loop, ask, r);
        HASH_ADD_KEYPTR(hh, rs->all, r->key, strlen(r->key), r);
        ask(r);
    }
    r->refs++;
    return r;
}

struct revision *revision_unref(struct revision *r)
{
    if (!r || --r->refs)
        return NULL;
    HASH_DEL(r->rs->all, r);
    if (r->call)
        etcd_cancel(r->call);
    timer_free(r->retry);
    record_revision_release(&r->rec);
    free(r->why);
    free(r->key);
    free(r);
    return NULL;
}

const struct spec_service *revision_spec(const struct revision *r, const char **ret_why)
{
    if (ret_why)
        *ret_why = r->why;
    return r->rec.spec;
}
