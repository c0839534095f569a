#include "gateway/register.h"

#include "state/lease.h"

#include "lib/clock.h"

#include <stdio.h>

#define RETRY_MS 100
#define RETRY_MAX_MS 2000

struct gw_register {
    struct gw_register_opts o;
    struct lease *lease;
    uv_timer_t retry;
    uint64_t retry_ms;
    struct etcd_call *call;
    bool registered, paused, retiring;
    bool have, wrote; /* a report; a heartbeat on the present lease */
    struct record_gateway_alive now, written, writing;
    int64_t draining;
    void (*retired)(void *arg);
    void *retired_arg;
};

static void step(struct gw_register *r);

/* ---- reports */

static void copy(struct record_gateway_alive *dst, const struct record_gateway_alive *src)
{
    record_gateway_alive_release(dst);
    dst->served = src->served;
    for (size_t i = 0; i < src->inflight.n; i++) {
        struct gateway_inflight *f = orc_vec_add(&dst->inflight);
        f->task = orc_strdup(src->inflight.at[i].task);
        f->requests = src->inflight.at[i].requests;
    }
}

static bool names(const struct record_gateway_alive *a, const char *task)
{
    for (size_t i = 0; i < a->inflight.n; i++)
        if (strcmp(a->inflight.at[i].task, task) == 0)
            return true;
    return false;
}

/* Only who is listed counts, not with how many requests. */
static bool same_tasks(const struct record_gateway_alive *a, const struct record_gateway_alive *b)
{
    if (a->inflight.n != b->inflight.n)
        return false;
    for (size_t i = 0; i < a->inflight.n; i++)
        if (!names(b, a->inflight.at[i].task))
            return false;
    return true;
}

bool gw_register_matters(const struct record_gateway_alive *was, const struct record_gateway_alive *now,
                         int64_t draining)
{
    if (!was)
        return true;
    if (now->served > was->served && was->served < draining)
        return true;
    return now->served >= was->served && !same_tasks(was, now);
}

/* ---- writing */

static void on_retry(uv_timer_t *timer)
{
    step(timer->data);
}

static void failed(struct gw_register *r, const char *why)
{
    uv_timer_start(&r->retry, on_retry, r->retry_ms, 0);
    r->retry_ms = r->retry_ms * 2 < RETRY_MAX_MS ? r->retry_ms * 2 : RETRY_MAX_MS;
    r->o.on_trouble(why, r->o.arg);
}

static void succeeded(struct gw_register *r)
{
    r->retry_ms = RETRY_MS;
    r->o.on_trouble("", r->o.arg);
}

static void on_registered(const struct etcd_result *res, void *arg)
{
    struct gw_register *r = arg;

    r->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error) {
        failed(r, res->error_text);
        return;
    }
    r->registered = true;
    succeeded(r);
    r->o.on_registered(res->revision, r->o.arg);
    step(r);
}

static void write_registration(struct gw_register *r)
{
    orc_auto_free char *key = key_gateway(r->o.cluster, r->o.id);
    orc_auto_free char *value = NULL;
    char host[256] = "";
    struct record_gateway rec = {.node = host, .listen = *r->o.listen, .at = orc_wall_ms()};

    if (gethostname(host, sizeof host - 1) < 0)
        snprintf(host, sizeof host, "%s", r->o.id);
    value = record_gateway_text(&rec);
    r->call = etcd_put(r->o.etcd, key, value, 0, on_registered, r);
}

static void on_alive(const struct etcd_result *res, void *arg)
{
    struct gw_register *r = arg;

    r->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error) {
        failed(r, res->error_text);
    } else if (!res->succeeded) {
        gw_register_vanished(r);
    } else {
        r->wrote = true;
        copy(&r->written, &r->writing);
        succeeded(r);
        step(r);
    }
}

static void write_alive(struct gw_register *r, int64_t lease)
{
    orc_auto_free char *gateway = key_gateway(r->o.cluster, r->o.id);
    orc_auto_free char *alive = key_gateway_alive(r->o.cluster, r->o.id);
    orc_auto_free char *value = record_gateway_alive_text(&r->now);
    struct etcd_txn *t = etcd_txn_new();

    copy(&r->writing, &r->now);
    etcd_txn_if_exists(t, gateway);
    etcd_txn_put(t, alive, value, lease);
    r->call = etcd_txn_commit(r->o.etcd, t, on_alive, r);
}

static void on_deleted(const struct etcd_result *res, void *arg)
{
    struct gw_register *r = arg;

    r->call = NULL;
    if (r->retired)
        r->retired(r->retired_arg);
    r->retired = NULL;
}

static void write_retirement(struct gw_register *r)
{
    orc_auto_free char *gateway = key_gateway(r->o.cluster, r->o.id);
    orc_auto_free char *alive = key_gateway_alive(r->o.cluster, r->o.id);
    struct etcd_txn *t = etcd_txn_new();

    etcd_txn_delete(t, gateway);
    etcd_txn_delete(t, alive);
    r->call = etcd_txn_commit(r->o.etcd, t, on_deleted, r);
}

/* Level-triggered: the one write that is due. */
static void step(struct gw_register *r)
{
    int64_t lease = r->lease ? lease_id(r->lease) : 0;

    if (r->call || r->paused)
        return;
    uv_timer_stop(&r->retry);
    if (r->retiring)
        write_retirement(r);
    else if (!r->registered)
        write_registration(r);
    else if (r->have && lease != 0 &&
             gw_register_matters(r->wrote ? &r->written : NULL, &r->now, r->draining))
        write_alive(r, lease);
}

static void on_lease(int64_t id, void *arg)
{
    struct gw_register *r = arg;

    r->wrote = false;
    if (id != 0)
        step(r);
}

/* ---- for the owner */

void gw_register_vanished(struct gw_register *r)
{
    if (!r->registered || r->retiring)
        return;
    r->registered = r->wrote = r->have = false;
    if (r->call)
        etcd_cancel(r->call);
    r->o.on_retired(r->o.arg);
    step(r);
}

void gw_register_again(struct gw_register *r)
{
    if (!r->registered || r->retiring)
        return;
    r->registered = false;
    if (r->call)
        etcd_cancel(r->call);
    step(r);
}

void gw_register_report(struct gw_register *r, const struct record_gateway_alive *alive, int64_t draining)
{
    if (!r->registered)
        return;
    copy(&r->now, alive);
    r->draining = draining;
    r->have = true;
    if (!uv_is_active((uv_handle_t *)&r->retry))
        step(r);
}

void gw_register_pause(struct gw_register *r, bool paused)
{
    r->paused = paused;
    if (!paused)
        step(r);
}

void gw_register_retire(struct gw_register *r, void (*done)(void *arg), void *arg)
{
    r->retiring = true;
    r->retired = done;
    r->retired_arg = arg;
    if (r->call)
        etcd_cancel(r->call);
    if (r->paused || !r->registered) {
        r->retired = NULL;
        done(arg);
        return;
    }
    step(r);
}

struct gw_register *gw_register_new(const struct gw_register_opts *opts)
{
    struct gw_register *r = orc_new(struct gw_register);
    struct lease_opts lease = {.ttl_s = opts->ttl_s, .on_lease = on_lease, .arg = r};

    r->o = *opts;
    r->retry_ms = RETRY_MS;
    r->retry.data = r;
    uv_timer_init(opts->loop, &r->retry);
    r->lease = lease_new(opts->loop, opts->etcd, &lease);
    step(r);
    return r;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct gw_register *gw_register_free(struct gw_register *r)
{
    if (!r)
        return NULL;
    if (r->call)
        etcd_cancel(r->call);
    r->lease = lease_free(r->lease);
    record_gateway_alive_release(&r->now);
    record_gateway_alive_release(&r->written);
    record_gateway_alive_release(&r->writing);
    uv_close((uv_handle_t *)&r->retry, on_closed);
    return NULL;
}
