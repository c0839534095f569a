/* view_mirror.h - a view of a real etcd, and a mirror of it that notices what is told twice, out of order or
 * not at all. Included by one test program each.
 */
#ifndef TESTS_INTEGRATION_VIEW_MIRROR_H
#define TESTS_INTEGRATION_VIEW_MIRROR_H

#include "state/etcd_sync.h"
#include "state/lease.h"
#include "state/record.h"
#include "state/view.h"
#include "state/watch.h"
#include "tests/integration/etcd_server.h"
#include "tests/integration/loop_until.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uthash.h>

static struct etcd_server server;
static uv_loop_t loop;
static struct etcd *e; /* the writer's client */
static struct orc_err err;

/* An owner of a view: a mirror of the store, and counts of what was told. */
struct mirror_entry {
    UT_hash_handle hh;
    char *key, *value;
};
struct mirror {
    struct etcd *e;
    struct view *view;
    struct guard guard;
    struct mirror_entry *entries;
    unsigned puts, deletes, batches, states;
    int64_t last_revision; /* of a put or a delete */
    int64_t batch;
    bool backwards, half, freed_by_callback;
    bool free_on_put, free_on_batch;
    enum view_state seen[64];
    char why[256];
    unsigned forgets;
    int waited; /* calls of a view_wait's done; error in wait_error */
    int wait_error;
};

static const char *mirror_get(const struct mirror *m, const char *key)
{
    struct mirror_entry *x;

    HASH_FIND_STR(m->entries, key, x);
    return x ? x->value : NULL;
}

ORC_UNUSED static void mirror_set(struct mirror *m, const char *key, const char *value)
{
    struct mirror_entry *x;

    HASH_FIND_STR(m->entries, key, x);
    if (x) {
        HASH_DEL(m->entries, x);
        free(x->key);
        free(x->value);
        free(x);
    }
    if (!value)
        return;
    x = orc_new(struct mirror_entry);
    x->key = orc_strdup(key);
    x->value = orc_strdup(value);
    HASH_ADD_KEYPTR(hh, m->entries, x->key, strlen(x->key), x);
}

/* Texts of transactions come in pairs: a/x and b/x always hold the same value once a batch is complete. */
ORC_UNUSED static void check_pairs(struct mirror *m)
{
    m->half |= !orc_streq(mirror_get(m, "/v/a/x"), mirror_get(m, "/v/b/x"));
}

ORC_UNUSED static void on_put(const struct etcd_kv *kv, void *arg)
{
    struct mirror *m = arg;

    m->puts++;
    m->backwards |= kv->mod_revision < m->last_revision && m->batches > 0 && m->view;
    m->last_revision = kv->mod_revision;
    mirror_set(m, kv->key, kv->value);
    if (m->free_on_put && m->view) {
        m->freed_by_callback = true;
        m->view = view_free(m->view);
    }
}

ORC_UNUSED static void on_delete(const char *key, int64_t revision, void *arg)
{
    struct mirror *m = arg;

    m->deletes++;
    mirror_set(m, key, NULL);
}

ORC_UNUSED static void on_batch(int64_t revision, void *arg)
{
    struct mirror *m = arg;

    m->batches++;
    m->batch = revision;
    check_pairs(m);
    if (m->free_on_batch)
        m->view = view_free(m->view);
}

ORC_UNUSED static void on_state(enum view_state state, const char *why, void *arg)
{
    struct mirror *m = arg;

    if (m->states < ORC_ARRAY_SIZE(m->seen))
        m->seen[m->states++] = state;
    snprintf(m->why, sizeof m->why, "%s", why);
}

static const char *const usual[] = {"/v/a/", "/v/b/", NULL};

ORC_UNUSED static struct etcd *client_of(size_t n, const char *const *urls)
{
    struct orc_strv endpoints = {0};
    struct etcd_opts opts = {.endpoints = &endpoints, .timeout_ms = 3000};
    struct etcd *made;

    for (size_t i = 0; i < n; i++)
        orc_strv_add(&endpoints, urls[i]);
    made = etcd_new(&loop, &opts, &err);
    assert_non_null(made);
    orc_strv_release(&endpoints);
    return made;
}

ORC_UNUSED static struct etcd *client(const char *url)
{
    return client_of(1, &url);
}

/* opts: prefixes, guard, config_key, separate; the rest is filled in. */
ORC_UNUSED static void on_forget(void *arg)
{
    ((struct mirror *)arg)->forgets++;
}

ORC_UNUSED static void mirror_open(struct mirror *m, struct view_opts opts)
{
    memset(m->seen, 0, sizeof m->seen);
    if (!m->e)
        m->e = client(server.url);
    opts.prefixes = opts.prefixes ? opts.prefixes : usual;
    opts.on_put = on_put;
    opts.on_delete = on_delete;
    opts.on_batch = on_batch;
    opts.on_state = on_state;
    opts.on_forget = on_forget;
    opts.arg = m;
    m->view = view_new(&loop, m->e, &opts);
}

ORC_UNUSED static void mirror_close(struct mirror *m)
{
    struct mirror_entry *x, *next;

    m->view = view_free(m->view);
    HASH_ITER (hh, m->entries, x, next) {
        HASH_DEL(m->entries, x);
        free(x->key);
        free(x->value);
        free(x);
    }
    m->e = etcd_free(m->e);
}

ORC_UNUSED static bool is_live(void *arg)
{
    return view_state(((struct mirror *)arg)->view) == VIEW_LIVE;
}

ORC_UNUSED static bool is_stale(void *arg)
{
    return view_state(((struct mirror *)arg)->view) == VIEW_STALE;
}

ORC_UNUSED static bool is_frozen(void *arg)
{
    return view_state(((struct mirror *)arg)->view) == VIEW_FROZEN;
}

ORC_UNUSED static bool has_waited(void *arg)
{
    return ((struct mirror *)arg)->waited > 0;
}

ORC_UNUSED static void on_waited(int error, void *arg)
{
    struct mirror *m = arg;

    m->waited++;
    m->wait_error = error;
}

/* Runs the loop until the view has delivered everything up to the revision. */
ORC_UNUSED static void reach(struct mirror *m, int64_t revision)
{
    m->waited = 0;
    view_wait(m->view, revision, on_waited, m);
    assert_true(loop_until(&loop, has_waited, m));
    assert_int_equal(m->wait_error, 0);
}

ORC_UNUSED static int64_t put(const char *key, const char *value)
{
    struct etcd_answer a;

    assert_int_equal(etcd_sync_put(e, &loop, key, value, 0, &a, &err), 0);
    return a.revision;
}

ORC_UNUSED static int64_t del(const char *key)
{
    struct etcd_answer a;

    assert_int_equal(etcd_sync_delete(e, &loop, key, &a, &err), 0);
    return a.revision;
}

/* One transaction over both prefixes. */
ORC_UNUSED static int64_t put_pair(const char *value)
{
    struct etcd_txn *t = etcd_txn_new();
    struct etcd_answer a;

    etcd_txn_put(t, "/v/a/x", value, 0);
    etcd_txn_put(t, "/v/b/x", value, 0);
    assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), 0);
    return a.revision;
}

ORC_UNUSED static void put_config(const char *key, const char *id, int64_t recovered)
{
    struct record_config c;
    orc_auto_free char *text = NULL;

    record_config_default(&c, id);
    c.recovered = recovered;
    text = record_config_text(&c);
    record_config_release(&c);
    put(key, text);
}

ORC_UNUSED static int open_store(void **state)
{
    uv_loop_init(&loop);
    etcd_server_start(&server);
    e = client(server.url);
    return 0;
}

ORC_UNUSED static int close_store(void **state)
{
    e = etcd_free(e);
    etcd_server_stop(&server);
    return loop_close(&loop) ? 0 : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)

#endif
