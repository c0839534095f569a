#include "gateway/register.h"

#include "state/lease.h"

#include "lib/clock.h"

#include <stdio.h>

#define RETRY_MS 100
#define RETRY_MAX_MS 2000
#define LEASE_MS 1000 /* without a lease for so long: said */

struct gw_register {
    struct gw_register_opts o;
    struct lease *lease;
    uv_timer_t retry;
    uint64_t retry_ms;
    struct etcd_call *call;
    bool registered, paused, retiring;
    bool waits;           /* for the owner to serve what the store holds */
    int64_t registration; /* its mod revision */
    bool have, wrote;     /* a report; a heartbeat on the present lease */
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

/* The next one from *i on that has requests in flight; NULL: there is none. */
static const char *next_in_flight(const struct record_gateway_alive *a, size_t *i)
{
    while (*i < a->inflight.n && a->inflight.at[*i].requests == 0)
        ++*i;
    return *i < a->inflight.n ? a->inflight.at[(*i)++].task : NULL;
}

/* Only who is listed counts, not with how many requests; but none at all are a suspect's, for whom nobody
 * waits before it is draining, and then that is news. Both are in the table's order. */
static bool same_tasks(const struct record_gateway_alive *a, const struct record_gateway_alive *b)
{
    size_t i = 0, j = 0;
    const char *one, *other;

    do {
        one = next_in_flight(a, &i);
        other = next_in_flight(b, &j);
    } while (one && other && strcmp(one, other) == 0);
    return !one && !other;
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

static void on_retry(uv_timer_t *timer);

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

static void on_retry(uv_timer_t *timer)
{
    struct gw_register *r = timer->data;

    if (!r->registered && !r->call && !lease_id(r->lease))
        failed(r, lease_reason(r->lease));
    else
        step(r);
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
    if (!res->succeeded) { /* somebody wrote meanwhile: look again */
        step(r);
        return;
    }
    r->registered = true;
    r->registration = res->revision;
    succeeded(r);
    r->o.on_registered(res->revision, r->o.arg);
    step(r);
}

/* seen: the registration's mod revision, 0: none is there. */
static void write_registration(struct gw_register *r, int64_t seen)
{
    orc_auto_free char *key = key_gateway(r->o.cluster, r->o.id);
    orc_auto_free char *alive_key = key_gateway_alive(r->o.cluster, r->o.id);
    orc_auto_free char *value = NULL, *alive = NULL;
    char host[256] = "";
    struct record_gateway rec = {.node = host,
                                 .instance = (char *)(uintptr_t)r->o.instance,
                                 .listen = *r->o.listen,
                                 .at = orc_wall_ms()};
    struct record_gateway_alive nothing = {0};
    struct etcd_txn *t = etcd_txn_new();

    if (gethostname(host, sizeof host - 1) < 0)
        snprintf(host, sizeof host, "%s", r->o.id);
    value = record_gateway_text(&rec);
    alive = record_gateway_alive_text(&nothing);
    etcd_txn_if_mod_revision(t, key, seen);
    etcd_txn_put(t, key, value, 0);
    etcd_txn_put(t, alive_key, alive, lease_id(r->lease));
    r->call = etcd_txn_commit(r->o.etcd, t, on_registered, r);
}

/* Does another gateway that lives hold the id? Then that is said, and tried again. What was written by hand
 * holds nothing. */
static bool is_held(struct gw_register *r, const struct etcd_kv *registration, const struct etcd_kv *alive)
{
    struct record_gateway rec = {0};
    bool held = false;

    if (registration && alive && alive->lease != 0 && alive->lease != lease_id(r->lease) &&
        record_gateway_parse(registration->value, registration->value_len, &rec, NULL) == 0)
        held = rec.instance && strcmp(rec.instance, r->o.instance) != 0;
    if (held) {
        orc_auto_free char *why =
            orc_printf("the id \"%s\" is held by another orc-gateway (on %.64s, instance %.8s); this one is "
                       "instance %.8s. "
                       "Give one of them another --id; until then this one's NGINX keeps what it has",
                       r->o.id, rec.node ? rec.node : "an unknown host", rec.instance, r->o.instance);
        failed(r, why);
    }
    record_gateway_release(&rec);
    return held;
}

static void on_looked(const struct etcd_result *res, void *arg)
{
    struct gw_register *r = arg;
    orc_auto_free char *key = key_gateway(r->o.cluster, r->o.id);
    const struct etcd_kv *registration = NULL, *alive = NULL;

    r->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error) {
        failed(r, res->error_text);
        return;
    }
    for (size_t i = 0; i < res->n_kvs; i++)
        *(strcmp(res->kvs[i].key, key) == 0 ? &registration : &alive) = &res->kvs[i];
    if (!lease_id(r->lease) || r->paused)
        step(r);
    else if (!registration && !r->o.may_register(r->o.arg))
        r->waits = true;
    else if (!is_held(r, registration, alive))
        write_registration(r, registration ? registration->mod_revision : 0);
}

static void look(struct gw_register *r)
{
    orc_auto_free char *registration = key_gateway(r->o.cluster, r->o.id);
    orc_auto_free char *alive = key_gateway_alive(r->o.cluster, r->o.id);
    struct etcd_txn *t = etcd_txn_new();

    etcd_txn_get(t, registration);
    etcd_txn_get(t, alive);
    r->call = etcd_txn_commit(r->o.etcd, t, on_looked, r);
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
    etcd_txn_if_mod_revision(t, gateway, r->registration);
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

    etcd_txn_if_mod_revision(t, gateway, r->registration);
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
    r->waits = false;
    if (r->retiring)
        write_retirement(r);
    else if (!r->registered && lease == 0)
        uv_timer_start(&r->retry, on_retry, LEASE_MS, 0);
    else if (!r->registered)
        look(r);
    else if (r->have && lease != 0 &&
             gw_register_matters(r->wrote ? &r->written : NULL, &r->now, r->draining))
        write_alive(r, lease);
}

/* What is on its way hangs on the lease of before: its answer may come after that has ended. */
static void on_lease(int64_t id, void *arg)
{
    struct gw_register *r = arg;

    if (r->call && !r->retiring)
        etcd_cancel(r->call);
    r->wrote = false;
    if (id != 0)
        step(r);
}

/* ---- for the owner */

void gw_register_go(struct gw_register *r)
{
    if (r->waits)
        step(r);
}

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

void gw_register_forget(struct gw_register *r)
{
    if (r->call && r->registered && !r->retiring)
        etcd_cancel(r->call);
    r->wrote = r->have = false;
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
