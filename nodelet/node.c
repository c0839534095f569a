#include "nodelet/node.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/version.h"
#include "state/timer.h"

#include <stdio.h>
#include <string.h>

#define SETTLE_MS 20 /* what changes together is written together */
#define RETRY_MS 500

struct node {
    struct node_opts opts;
    char *key, *alive_key;
    int64_t alive_rev, revision;
    bool live;
    bool volumes_known;
    struct record_node rec; /* host's strings are borrowed; see release */
    struct timer *timer;
    struct etcd_call *call;
    char *sent, *written;
    struct orc_log_once failing;
};

static void write_now(void *arg);

static void changed(struct node *n)
{
    timer_start(n->timer, SETTLE_MS);
}

static struct record_condition *condition_of(struct node *n, const char *type)
{
    struct record_condition *c;
    size_t at = 0;

    for (; at < n->rec.conditions.n && strcmp(n->rec.conditions.at[at].type, type) < 0; at++)
        ;
    if (at < n->rec.conditions.n && strcmp(n->rec.conditions.at[at].type, type) == 0)
        return &n->rec.conditions.at[at];
    orc_vec_add(&n->rec.conditions);
    c = &n->rec.conditions.at[at];
    memmove(c + 1, c, (n->rec.conditions.n - 1 - at) * sizeof *c);
    *c = (struct record_condition){.type = orc_strdup(type), .since = orc_wall_ms()};
    return c;
}

static void say(struct node *n, const struct record_condition *c, bool was_known)
{
    if (!c->ok)
        orc_warn("condition %s: %s", c->type, c->reason);
    else if (was_known)
        orc_info("condition %s: %s", c->type, c->reason ? c->reason : "well again");
    if (was_known && n->opts.events)
        event_add(n->opts.events, "node", n->opts.name, "%s: %s", c->type,
                  c->reason ? c->reason : "well again");
}

static void set_condition(struct node *n, const char *type, bool ok, bool avoid, const char *reason)
{
    size_t before = n->rec.conditions.n;
    struct record_condition *c = condition_of(n, type);
    bool was_known = n->rec.conditions.n == before;
    const char *text = *reason ? reason : NULL;

    if (was_known && c->ok == ok && c->avoid == avoid && orc_streq(c->reason, text))
        return;
    if (c->ok != ok || c->avoid != avoid)
        c->since = orc_wall_ms();
    c->ok = ok;
    c->avoid = avoid;
    orc_set_str(&c->reason, text);
    say(n, c, was_known);
    changed(n);
}

void node_condition(struct node *n, const char *type, bool ok, const char *reason)
{
    set_condition(n, type, ok, false, reason);
}

void node_avoid(struct node *n, const char *type, bool avoid, const char *reason)
{
    set_condition(n, type, true, avoid, reason);
}

static void add_pairs(struct spec_pairs *to, const struct spec_pairs *from)
{
    for (size_t i = 0; i < from->n; i++)
        spec_pairs_add(to, from->at[i].key, from->at[i].value);
}

void node_engine_labels(struct node *n, const struct spec_pairs *labels)
{
    spec_pairs_release(&n->rec.engine_labels);
    add_pairs(&n->rec.engine_labels, labels);
    changed(n);
}

void node_volumes(struct node *n, const struct orc_strv *names)
{
    orc_strv_release(&n->rec.volumes);
    orc_strv_copy(&n->rec.volumes, names);
    n->volumes_known = true;
    changed(n);
}

/* While nodelet was away nothing became of its volumes, as far as anybody knows. */
static void adopt_volumes(struct node *n, const struct etcd_kv *kv)
{
    struct record_node said = {0};

    if (n->volumes_known || record_node_parse(kv->value, kv->value_len, &said, NULL) < 0)
        return;
    orc_strv_release(&n->rec.volumes);
    orc_strv_copy(&n->rec.volumes, &said.volumes);
    record_node_release(&said);
}

/* What nobody has looked at yet: not ok, but no news either. */
static void not_yet(struct node *n, const char *type, const char *reason)
{
    orc_set_str(&condition_of(n, type)->reason, reason);
}

void node_subnet(struct node *n, const char *subnet)
{
    orc_set_str(&n->rec.subnet, subnet);
    changed(n);
}

void node_address(struct node *n, const char *address, int mtu)
{
    orc_set_str(&n->rec.address, address);
    n->rec.mtu = mtu;
    changed(n);
}

void node_engine(struct node *n, const char *version)
{
    orc_set_str(&n->rec.engine, version);
    changed(n);
}

void node_alive(struct node *n, int64_t create_revision)
{
    n->alive_rev = create_revision;
    changed(n);
}

void node_store(struct node *n, bool live)
{
    n->live = live;
    changed(n);
}

void node_seen(struct node *n, const struct etcd_kv *kv)
{
    if (kv)
        adopt_volumes(n, kv);
    if (n->call || (kv && (kv->mod_revision <= n->revision || orc_streq(kv->value, n->written))))
        return;
    free(n->written);
    n->written = NULL;
    changed(n);
}

void node_forget(struct node *n)
{
    free(n->written);
    n->written = NULL;
    n->revision = 0;
    changed(n);
}

static void on_written(const struct etcd_result *res, void *arg)
{
    struct node *n = arg;

    n->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error) {
        orc_log_begin(&n->failing, ORC_LOG_WARN, "the record of this node can't be written: %s",
                      res->error_text);
        timer_start(n->timer, RETRY_MS);
    } else if (!res->succeeded) {
        n->opts.on_alive_doubt(n->opts.arg);
        timer_start(n->timer, RETRY_MS);
    } else {
        orc_log_end(&n->failing, "the record of this node is written");
        free(n->written);
        n->written = orc_take(n->sent);
        n->revision = res->revision;
        n->opts.on_written(n->key, n->opts.arg);
        changed(n);
    }
    free(n->sent);
    n->sent = NULL;
}

static void write_now(void *arg)
{
    struct node *n = arg;
    orc_auto_free char *text = NULL;
    struct etcd_txn *t;

    if (n->call || !n->live || !n->alive_rev)
        return;
    text = record_node_text(&n->rec);
    if (orc_streq(text, n->written))
        return;
    t = etcd_txn_new();
    etcd_txn_if_create_revision(t, n->alive_key, n->alive_rev);
    etcd_txn_put(t, n->key, text, 0);
    n->sent = orc_take(text);
    n->call = etcd_txn_commit(n->opts.etcd, t, on_written, n);
}

struct node *node_new(const struct node_opts *opts)
{
    struct node *n = orc_new(struct node);
    const struct host *h = opts->host;

    n->opts = *opts;
    n->key = key_node(opts->cluster, opts->name);
    n->alive_key = key_alive(opts->cluster, opts->name);
    n->timer = timer_new(opts->loop, write_now, n);
    n->rec = (struct record_node){
        .capacity = {.cpus_nano = h->cpus_nano, .memory = h->memory},
        .reserve = opts->reserve,
        .pids = h->pids > opts->reserve_pids ? h->pids - opts->reserve_pids
                : h->pids                    ? 1
                                             : 0,
        .os = orc_strdup(h->os),
        .arch = orc_strdup(h->arch),
        .kernel = orc_strdup(h->kernel),
        .virt = orc_strdup(h->virt),
        .version = orc_strdup(orc_version()),
    };
    add_pairs(&n->rec.labels, opts->labels);
    node_condition(n, "virtualisation", !h->refused, h->refused ? h->refused : "");
    if (h->refused) /* the rest is not even tried */
        return n;
    not_yet(n, "engine", "the Docker Engine has not answered yet");
    not_yet(n, "network", "the network of this node is not made yet");
    not_yet(n, "mtu", "the paths to the other nodes are not probed yet");
    return n;
}

struct node *node_free(struct node *n)
{
    if (!n)
        return NULL;
    if (n->call)
        etcd_cancel(n->call);
    timer_free(n->timer);
    record_node_release(&n->rec);
    free(n->key);
    free(n->alive_key);
    free(n->sent);
    free(n->written);
    free(n);
    return NULL;
}
