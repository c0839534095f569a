#include "nodelet/registration.h"

#include "lib/log.h"
#include "state/lease.h"
#include "state/timer.h"

#include <inttypes.h>
#include <string.h>

#define RETRY_MIN_MS 200
#define RETRY_HELD_MS 1000 /* a name held by another: until its lease is gone */

struct registration {
    struct registration_opts opts;
    struct lease *lease;
    int64_t ttl_s;
    char *alive_key, *alive_text;
    char *address;           /* in the record of this name */
    struct etcd_call *claim; /* of alive */
    int64_t create_revision; /* 0: not registered */
    struct timer *retry;
    uint64_t backoff;
    struct orc_log_once held, failing;

    char **owner; /* by k; NULL: free */
    int n, k;     /* k: ours, -1 */
    bool synced;
    struct etcd_call *subnet;
    int asked;
};

struct registration *registration_new(const struct registration_opts *opts);
static void claim(struct registration *r);
static void claim_subnet(struct registration *r);

int registration_choose(const char *const *owner, int n, int remembered)
{
    if (remembered >= 0 && remembered < n && !owner[remembered])
        return remembered;
    for (int k = 1; k < n; k++)
        if (!owner[k])
            return k;
    return n > 0 && !owner[0] ? 0 : -1;
}

static void again(struct registration *r, uint64_t ms)
{
    uint64_t longest = (uint64_t)r->ttl_s * 1000 / 3;

    timer_start(r->retry, ms < longest ? ms : longest);
}

static void failed(struct registration *r, const char *text)
{
    orc_log_begin(&r->failing, ORC_LOG_WARN, "this node can't be registered: %s", text);
    r->backoff = r->backoff ? r->backoff * 2 : RETRY_MIN_MS;
    if (r->backoff > 5000)
        r->backoff = 5000;
    again(r, r->backoff);
}

static void save_state(struct registration *r)
{
    (void)statedir_save(r->opts.state, NULL); /* if it fails: nodelet.c says so, and tries again */
}

/* ---- alive --------------------------------------------------------------------------------------------- */

static void registered(struct registration *r, int64_t create_revision)
{
    r->backoff = 0;
    r->create_revision = create_revision;
    orc_log_end(&r->held, "node %s is registered", r->opts.node);
    orc_log_end(&r->failing, "node %s is registered", r->opts.node);
    r->opts.on_alive(lease_id(r->lease), create_revision, r->opts.arg);
    claim_subnet(r);
}

/* Said once the view has shown who that is. */
static void held_by_another(struct registration *r, const struct record_alive *holder)
{
    if (r->synced)
        orc_log_begin(
            &r->held, ORC_LOG_ERROR,
            "the name \"%s\" is held by another nodelet (at %s, instance %.8s, machine %.32s, boot %.36s); "
            "this one is instance %.8s. Give one of them another --name; until then this node does nothing",
            r->opts.node, r->address ? r->address : "an unknown address", holder->instance,
            holder->machine_id ? holder->machine_id : "unknown",
            holder->boot_id ? holder->boot_id : "unknown", r->opts.state->instance);
    r->opts.on_held(r->opts.arg);
    again(r, RETRY_HELD_MS);
}

static void on_taken_over(const struct etcd_result *res, void *arg);

static void take_over(struct registration *r, const struct etcd_kv *kv)
{
    struct etcd_txn *t = etcd_txn_new();

    etcd_txn_if_mod_revision(t, r->alive_key, kv->mod_revision);
    etcd_txn_put(t, r->alive_key, r->alive_text, lease_id(r->lease));
    r->create_revision = kv->create_revision; /* kept by the put */
    r->claim = etcd_txn_commit(r->opts.etcd, t, on_taken_over, r);
}

bool registration_differs(const struct etcd_kv *kv, const char *text)
{
    return !kv->lease || strcmp(kv->value, text) != 0;
}

enum registration_holder registration_judge(const struct etcd_kv *kv, const char *instance, const char *text,
                                            int64_t lease, struct record_alive *ret, struct orc_err *err)
{
    if (!kv->lease)
        return HOLDER_OUTDATED;
    if (record_alive_parse(kv->value, kv->value_len, ret, err) < 0)
        return HOLDER_UNREADABLE;
    if (!orc_streq(ret->instance, instance))
        return HOLDER_ANOTHER;
    return kv->lease == lease && !registration_differs(kv, text) ? HOLDER_US : HOLDER_OUTDATED;
}

/* It is there already: ours from an earlier life or lease, or somebody else's. */
static void judge_holder(struct registration *r, const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_alive holder = {0};

    switch (
        registration_judge(kv, r->opts.state->instance, r->alive_text, lease_id(r->lease), &holder, &err)) {
    case HOLDER_UNREADABLE:
        orc_wrap(&err, "%s is not understood; delete it if no nodelet of that name runs", kv->key);
        failed(r, err.msg);
        break;
    case HOLDER_ANOTHER:
        held_by_another(r, &holder);
        break;
    case HOLDER_US:
        registered(r, kv->create_revision);
        break;
    case HOLDER_OUTDATED:
        take_over(r, kv);
        break;
    }
    record_alive_release(&holder);
}

static bool answered(struct registration *r, const struct etcd_result *res)
{
    r->claim = NULL;
    if (res->error == -ECANCELED)
        return false;
    if (res->error)
        failed(r, res->error_text);
    return res->error == 0;
}

static void on_taken_over(const struct etcd_result *res, void *arg)
{
    struct registration *r = arg;
    int64_t create_revision = r->create_revision;

    r->create_revision = 0;
    if (!answered(r, res))
        return;
    if (res->succeeded)
        registered(r, create_revision);
    else
        claim(r);
}

static void on_claimed(const struct etcd_result *res, void *arg)
{
    struct registration *r = arg;

    if (!answered(r, res))
        return;
    if (res->succeeded)
        registered(r, res->revision);
    else if (res->n_kvs)
        judge_holder(r, &res->kvs[0]);
    else
        claim(r);
}

static void claim(struct registration *r)
{
    struct etcd_txn *t;

    if (r->claim || !r->lease || !lease_id(r->lease))
        return;
    t = etcd_txn_new();
    etcd_txn_if_create_revision(t, r->alive_key, 0);
    etcd_txn_put(t, r->alive_key, r->alive_text, lease_id(r->lease));
    etcd_txn_else_get(t, r->alive_key);
    r->claim = etcd_txn_commit(r->opts.etcd, t, on_claimed, r);
}

static void lose(struct registration *r)
{
    bool had = r->create_revision != 0;

    if (r->claim)
        etcd_cancel(r->claim);
    r->claim = NULL;
    r->create_revision = 0;
    if (had)
        r->opts.on_alive(0, 0, r->opts.arg);
}

static void on_lease(int64_t id, void *arg)
{
    struct registration *r = arg;

    lose(r);
    if (!id) {
        orc_warn("the lease of this node is lost (%s): containers keep running, a new one is asked for",
                 lease_reason(r->lease));
        return;
    }
    r->opts.state->lease = id;
    save_state(r);
    claim(r);
}

static void on_retry(void *arg)
{
    struct registration *r = arg;

    if (!r->create_revision)
        claim(r);
    else
        claim_subnet(r);
}

void registration_doubt(struct registration *r)
{
    lose(r);
    claim(r);
}

void registration_alive_gone(struct registration *r)
{
    if (r->create_revision)
        registration_doubt(r);
    else if (r->held.hash) /* another held it and is gone */
        claim(r);
}

void registration_alive_seen(struct registration *r, const struct etcd_kv *kv)
{
    if (!registration_differs(kv, r->alive_text) || !r->create_revision || r->claim)
        return;
    orc_warn("%s was written by somebody else, or restored: it is written anew", kv->key);
    registration_doubt(r);
}

/* ---- subnet -------------------------------------------------------------------------------------------- */

static void subnet_is(struct registration *r, int k)
{
    if (r->k == k)
        return;
    r->k = k;
    r->opts.state->subnet = k;
    save_state(r);
    r->opts.on_subnet(k, "", r->opts.arg);
}

static void own(struct registration *r, int k, const char *node)
{
    if (k >= 0 && k < r->n)
        orc_set_str(&r->owner[k], node);
}

static void on_subnet(const struct etcd_result *res, void *arg)
{
    struct registration *r = arg;
    struct record_subnet rec = {0};

    r->subnet = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error) {
        failed(r, res->error_text);
        return;
    }
    if (res->succeeded) {
        orc_auto_free char *key = key_subnet(r->opts.cluster, r->asked);

        own(r, r->asked, r->opts.node);
        r->opts.on_written(key, r->opts.arg);
        subnet_is(r, r->asked);
        return;
    }
    /* Another was faster, or we lost our alive meanwhile (then on_alive comes again). */
    if (res->n_kvs && record_subnet_parse(res->kvs[0].value, res->kvs[0].value_len, &rec, NULL) == 0) {
        own(r, r->asked, rec.node);
        record_subnet_release(&rec);
    } else if (res->n_kvs) {
        own(r, r->asked, SUBNET_UNREADABLE);
    }
    again(r, res->n_kvs ? 0 : RETRY_MIN_MS);
}

static int owned(const struct registration *r)
{
    for (int k = 0; k < r->n; k++)
        if (orc_streq(r->owner[k], r->opts.node))
            return k;
    return -1;
}

static void claim_subnet(struct registration *r)
{
    struct record_subnet rec = {.node = (char *)r->opts.node};
    orc_auto_free char *key = NULL, *text = NULL;
    struct etcd_txn *t;
    int k = owned(r);

    if (!r->synced || !r->create_revision || r->subnet || r->opts.shown_only)
        return;
    if (k >= 0) {
        subnet_is(r, k);
        return;
    }
    k = registration_choose((const char *const *)r->owner, r->n, r->opts.state->subnet);
    if (k < 0) {
        r->opts.on_subnet(
            -1, "no /24 of the cluster's addresses is free; `orc node rm` gives those of gone nodes back",
            r->opts.arg);
        return;
    }
    key = key_subnet(r->opts.cluster, k);
    text = record_subnet_text(&rec);
    t = etcd_txn_new();
    etcd_txn_if_create_revision(t, key, 0);
    etcd_txn_if_create_revision(t, r->alive_key, r->create_revision);
    etcd_txn_put(t, key, text, 0);
    etcd_txn_else_get(t, key);
    r->asked = k;
    r->subnet = etcd_txn_commit(r->opts.etcd, t, on_subnet, r);
}

void registration_subnet(struct registration *r, int k, const char *node)
{
    if (orc_streq(node, SUBNET_UNREADABLE) && k == r->opts.state->subnet)
        node = r->opts.node; /* our containers have its addresses, whatever stands there now */
    own(r, k, node);
    if (k == r->k && !orc_streq(node, r->opts.node))
        r->k = -1;
    if (r->k < 0 && !node)
        claim_subnet(r); /* one has become free */
}

void registration_address(struct registration *r, const char *address)
{
    orc_set_str(&r->address, address);
}

void registration_synced(struct registration *r)
{
    r->synced = true;
    claim_subnet(r);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

struct registration *registration_new(const struct registration_opts *opts)
{
    struct registration *r = orc_new(struct registration);
    struct record_alive alive = {.machine_id = (char *)opts->machine_id,
                                 .boot_id = (char *)opts->boot_id,
                                 .instance = opts->state->instance};

    r->opts = *opts;
    r->alive_key = key_alive(opts->cluster, opts->node);
    r->alive_text = record_alive_text(&alive);
    r->retry = timer_new(opts->loop, on_retry, r);
    r->k = -1;
    return r;
}

void registration_begin(struct registration *r, const char *cluster_id, int64_t ttl_s, int subnets)
{
    struct statedir *state = r->opts.state;
    bool same = orc_streq(state->cluster_id, cluster_id);
    struct lease_opts opts = {
        .ttl_s = ttl_s, .resume = same ? state->lease : 0, .on_lease = on_lease, .arg = r};

    if (r->lease)
        return;
    r->ttl_s = ttl_s;
    r->n = subnets;
    r->owner = orc_calloc((size_t)subnets, sizeof *r->owner);
    if (!same) {
        state->lease = 0;
        state->subnet = -1;
        orc_set_str(&state->cluster_id, cluster_id);
        save_state(r);
    }
    r->lease = lease_new(r->opts.loop, r->opts.etcd, &opts);
}

uint64_t registration_heard_at(const struct registration *r)
{
    return lease_heard_at(r->lease);
}

struct registration *registration_free(struct registration *r)
{
    if (!r)
        return NULL;
    if (r->claim)
        etcd_cancel(r->claim);
    if (r->subnet)
        etcd_cancel(r->subnet);
    if (r->lease)
        lease_free(r->lease);
    timer_free(r->retry);
    for (int k = 0; k < r->n; k++)
        free(r->owner[k]);
    free(r->owner);
    free(r->address);
    free(r->alive_key);
    free(r->alive_text);
    free(r);
    return NULL;
}
