#include "gateway/services.h"

#include <stdio.h>
#include <uthash.h>

#define RETRY_MS 500
#define RETRY_MAX_MS 5000

struct service {
    char name[2 * SPEC_NAME_MAX + 2]; /* "app/service" */
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct gw_services *all;
    int64_t want, have; /* revisions; 0: none */
    struct spec_service *spec;
    struct etcd_call *call;
    bool unconfirmed;
    UT_hash_handle hh;
};

struct gw_services {
    struct gw_services_opts o;
    struct service *services;
    uv_timer_t retry;
    uint64_t retry_ms;
};

static void fetch(struct service *s);

static bool is_pending(const struct service *s)
{
    return s->want != s->have;
}

static void settle(struct service *s, struct spec_service *spec)
{
    spec_service_free(s->spec);
    s->spec = spec;
    s->have = s->want;
    s->all->o.on_change(s->all->o.arg);
}

/* The revision is there and unusable, or is not there: the routes stay as they were. */
static void unusable(struct service *s, const char *why)
{
    orc_auto_free char *sentence =
        orc_printf("revision %lld of service %s can't be used, its routes stay as they were: %s",
                   (long long)s->want, s->name, why);

    s->all->o.on_trouble(sentence, s->all->o.arg);
    settle(s, orc_take(s->spec));
}

static void on_retry(uv_timer_t *timer)
{
    struct gw_services *all = timer->data;
    struct service *s, *next;

    HASH_ITER (hh, all->services, s, next)
        if (is_pending(s) && !s->call)
            fetch(s);
}

static void retry_later(struct gw_services *all)
{
    if (uv_is_active((uv_handle_t *)&all->retry))
        return;
    uv_timer_start(&all->retry, on_retry, all->retry_ms, 0);
    all->retry_ms = all->retry_ms * 2 < RETRY_MAX_MS ? all->retry_ms * 2 : RETRY_MAX_MS;
}

static void on_revision(const struct etcd_result *res, void *arg)
{
    struct service *s = arg;
    struct record_revision rev = {0};
    struct orc_err err = ORC_ERR_INIT;

    s->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error) {
        retry_later(s->all);
        return;
    }
    s->all->retry_ms = RETRY_MS;
    if (res->n_kvs == 0) {
        unusable(s, "it is not in the store");
    } else if (record_revision_parse(res->kvs[0].value, res->kvs[0].value_len, &rev, &err) < 0) {
        unusable(s, err.msg);
    } else {
        settle(s, orc_take(rev.spec));
        record_revision_release(&rev);
    }
}

static void fetch(struct service *s)
{
    orc_auto_free char *key = key_revision(s->all->o.cluster, s->app, s->service, s->want);

    s->call = etcd_get(s->all->o.etcd, key, on_revision, s);
}

static struct service *find(const struct gw_services *all, const char *app, const char *service)
{
    char name[sizeof((struct service *)0)->name];
    struct service *s;

    snprintf(name, sizeof name, "%s/%s", app, service);
    HASH_FIND_STR(all->services, name, s);
    return s;
}

static struct service *add(struct gw_services *all, const char *app, const char *service)
{
    struct service *s = orc_new(struct service);

    snprintf(s->name, sizeof s->name, "%s/%s", app, service);
    snprintf(s->app, sizeof s->app, "%s", app);
    snprintf(s->service, sizeof s->service, "%s", service);
    s->all = all;
    HASH_ADD_STR(all->services, name, s);
    return s;
}

static void drop(struct service *s)
{
    if (s->call)
        etcd_cancel(s->call);
    HASH_DEL(s->all->services, s);
    spec_service_free(s->spec);
    free(s);
}

/* 0: it has no routes. One that is being removed loses them at once; its requests in flight finish. */
static int64_t revision_in_force(const struct record_rollout *r)
{
    if (r->state == ROLLOUT_REMOVING)
        return 0;
    return r->complete > 0 ? r->complete : r->target;
}

void gw_services_put(struct gw_services *all, const char *app, const char *service,
                     const struct record_rollout *rollout)
{
    struct service *s = find(all, app, service);
    int64_t want = revision_in_force(rollout);

    if (rollout->state ==
        ROLLOUT_REMOVING) { /* its record stays until its addresses have rested; its routes don't */
        gw_services_delete(all, app, service);
        return;
    }
    if (!s)
        s = add(all, app, service);
    s->unconfirmed = false;
    if (s->want == want)
        return;
    s->want = want;
    if (s->call)
        etcd_cancel(s->call);
    if (want == 0)
        settle(s, NULL);
    else if (is_pending(s))
        fetch(s);
}

void gw_services_delete(struct gw_services *all, const char *app, const char *service)
{
    struct service *s = find(all, app, service);

    if (!s)
        return;
    drop(s);
    all->o.on_change(all->o.arg);
}

void gw_services_snapshot(struct gw_services *all)
{
    struct service *s, *next;

    HASH_ITER (hh, all->services, s, next)
        s->unconfirmed = true;
}

void gw_services_sweep(struct gw_services *all, void (*gone)(const char *app, const char *service, void *arg),
                       void *arg)
{
    struct service *s, *next;

    HASH_ITER (hh, all->services, s, next) {
        if (!s->unconfirmed)
            continue;
        gone(s->app, s->service, arg);
        drop(s);
        all->o.on_change(all->o.arg);
    }
}

bool gw_services_pending(const struct gw_services *all)
{
    struct service *s, *next;

    HASH_ITER (hh, all->services, s, next)
        if (is_pending(s))
            return true;
    return false;
}

void gw_services_routes(const struct gw_services *all, struct gw_routes *ret, struct orc_strv *ret_problems)
{
    struct service *s, *next;
    struct orc_err err = ORC_ERR_INIT;

    HASH_ITER (hh, all->services, s, next)
        for (size_t i = 0; s->spec && i < s->spec->gateway.n; i++)
            if (gw_routes_add(ret, s->app, s->service, &s->spec->gateway.at[i], &err) < 0)
                orc_strv_add(ret_problems, err.msg);
}

struct gw_services *gw_services_new(const struct gw_services_opts *opts)
{
    struct gw_services *all = orc_new(struct gw_services);

    all->o = *opts;
    all->retry_ms = RETRY_MS;
    all->retry.data = all;
    uv_timer_init(opts->loop, &all->retry);
    return all;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct gw_services *gw_services_free(struct gw_services *all)
{
    struct service *s, *next;

    if (!all)
        return NULL;
    HASH_ITER (hh, all->services, s, next)
        drop(s);
    uv_close((uv_handle_t *)&all->retry, on_closed);
    return NULL;
}
