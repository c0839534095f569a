#include "state/election.h"

#include "state/timer.h"
#include "state/view.h"

#include <string.h>

#define RETRY_MS 300

struct election {
    struct etcd *e;
    struct election_opts opts;
    char *key, *value, *holder; /* holder: the value of who leads, NULL */
    struct lease *lease;
    struct view *view;
    struct etcd_call *call;
    struct timer *retry;
    int64_t leading; /* our key's create revision; 0: not leader */
    bool present;    /* the view holds the key */
    bool resigned;
};

static void campaign(struct election *el);

static void lead(struct election *el, int64_t create_revision)
{
    if (el->leading == create_revision)
        return;
    el->leading = create_revision;
    el->opts.on_change(true, el->opts.arg);
}

static void step_down(struct election *el)
{
    if (!el->leading)
        return;
    el->leading = 0;
    if (!el->resigned)
        el->opts.on_change(false, el->opts.arg);
}

/* Campaigning ----------------------------------------------------------------------------------------- */

static void on_cleared(const struct etcd_result *res, void *arg)
{
    struct election *el = arg;

    if (!el->call)
        return;
    el->call = NULL;
    if (res->error)
        timer_start(el->retry, RETRY_MS);
    else
        campaign(el);
}

/* A leader's key hangs on its lease. One without, written by hand, is nobody's and would stay for ever. */
static void clear(struct election *el, const struct etcd_kv *kv)
{
    struct etcd_txn *t = etcd_txn_new();

    etcd_txn_if_mod_revision(t, el->key, kv->mod_revision);
    etcd_txn_delete(t, el->key);
    el->call = etcd_txn_commit(el->e, t, on_cleared, el);
}

static void on_campaigned(const struct etcd_result *res, void *arg)
{
    struct election *el = arg;

    if (!el->call)
        return;
    el->call = NULL;
    if (res->error) /* also when it may have been applied: the next try finds our lease on the key */
        timer_start(el->retry, RETRY_MS);
    else if (res->succeeded)
        lead(el, res->revision);
    else if (res->n_kvs && res->kvs[0].lease == lease_id(el->lease) && res->kvs[0].lease)
        lead(el, res->kvs[0].create_revision);
    else if (res->n_kvs && !res->kvs[0].lease)
        clear(el, &res->kvs[0]);
    else if (!el->present && view_revision(el->view) > res->revision)
        campaign(el); /* the view knows already that the holder's key has gone, and won't say so again */
    else if (res->n_kvs)
        orc_set_str(&el->holder, res->kvs[0].value);
}

static void campaign(struct election *el)
{
    int64_t id = lease_id(el->lease);
    struct etcd_txn *t;

    if (!id || el->leading || el->call || el->resigned)
        return;
    t = etcd_txn_new();
    etcd_txn_if_create_revision(t, el->key, 0);
    etcd_txn_put(t, el->key, el->value, id);
    etcd_txn_else_get(t, el->key);
    el->call = etcd_txn_commit(el->e, t, on_campaigned, el);
}

static void on_retry(void *arg)
{
    campaign(arg);
}

/* What is on its way hangs on the lease of before: its answer may come after that has ended. */
static void on_lease(int64_t id, void *arg)
{
    struct election *el = arg;
    struct etcd_call *call = el->call;

    el->call = NULL;
    if (call)
        etcd_cancel(call);
    if (id)
        campaign(el);
    else
        step_down(el);
}

/* The key, as the view sees it; it may lag behind what our own transactions told. */

static void on_put(const struct etcd_kv *kv, void *arg)
{
    struct election *el = arg;

    if (strcmp(kv->key, el->key) != 0)
        return;
    el->present = kv->lease != 0;
    orc_set_str(&el->holder, kv->value);
    if (el->leading && kv->lease != lease_id(el->lease) &&
        (kv->create_revision > el->leading || (!kv->lease && kv->mod_revision > el->leading)))
        step_down(el);
}

static void on_delete(const char *key, int64_t revision, void *arg)
{
    struct election *el = arg;

    if (strcmp(key, el->key) != 0)
        return;
    el->present = false;
    orc_set_str(&el->holder, NULL);
    if (el->leading && revision > el->leading)
        step_down(el);
}

static void on_batch(int64_t revision, void *arg)
{
    struct election *el = arg;

    if (!el->present)
        campaign(el);
}

struct election *election_new(uv_loop_t *loop, struct etcd *e, const struct election_opts *opts)
{
    struct election *el = orc_new(struct election);
    struct lease_opts lease = {.ttl_s = opts->ttl_s, .on_lease = on_lease, .arg = el};
    const char *prefixes[] = {opts->key, NULL};
    struct view_opts view = {
        .prefixes = prefixes, .on_put = on_put, .on_delete = on_delete, .on_batch = on_batch, .arg = el};

    el->e = e;
    el->opts = *opts;
    el->key = orc_strdup(opts->key);
    el->value = orc_strdup(opts->value);
    el->retry = timer_new(loop, on_retry, el);
    el->lease = lease_new(loop, e, &lease);
    el->view = view_new(loop, e, &view);
    return el;
}

static void stop(struct election *el)
{
    struct etcd_call *call = el->call;

    el->call = NULL;
    if (call)
        etcd_cancel(call);
    el->view = view_free(el->view);
    el->retry = timer_free(el->retry);
}

struct election *election_free(struct election *el)
{
    if (!el)
        return NULL;
    stop(el);
    lease_free(el->lease);
    free(el->key);
    free(el->value);
    free(el->holder);
    free(el);
    return NULL;
}

void election_resign(struct election *el, void (*done)(void *arg), void *arg)
{
    el->resigned = true;
    stop(el);
    step_down(el);
    lease_revoke(el->lease, done, arg);
}

bool election_is_leader(const struct election *el)
{
    return el->leading != 0 && lease_is_valid(el->lease);
}

const char *election_reason(const struct election *el)
{
    if (el->leading)
        return "";
    if (!lease_id(el->lease))
        return lease_reason(el->lease);
    return el->holder ? el->holder : "nobody leads yet";
}

void election_guard(const struct election *el, struct etcd_txn *t)
{
    /* Revision 0 would mean "absent", and hold exactly when nobody leads. */
    etcd_txn_if_create_revision(t, el->key, el->leading ? el->leading : INT64_MAX);
}
