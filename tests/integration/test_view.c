/* test_view.c - views, the guard and watches against a real etcd that is killed, frozen, wiped and restored.
 */
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

static void mirror_set(struct mirror *m, const char *key, const char *value)
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
static void check_pairs(struct mirror *m)
{
    m->half |= !orc_streq(mirror_get(m, "/v/a/x"), mirror_get(m, "/v/b/x"));
}

static void on_put(const struct etcd_kv *kv, void *arg)
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

static void on_delete(const char *key, int64_t revision, void *arg)
{
    struct mirror *m = arg;

    m->deletes++;
    mirror_set(m, key, NULL);
}

static void on_batch(int64_t revision, void *arg)
{
    struct mirror *m = arg;

    m->batches++;
    m->batch = revision;
    check_pairs(m);
    if (m->free_on_batch)
        m->view = view_free(m->view);
}

static void on_state(enum view_state state, const char *why, void *arg)
{
    struct mirror *m = arg;

    if (m->states < ORC_ARRAY_SIZE(m->seen))
        m->seen[m->states++] = state;
    snprintf(m->why, sizeof m->why, "%s", why);
}

static const char *const usual[] = {"/v/a/", "/v/b/", NULL};

static struct etcd *client_of(size_t n, const char *const *urls)
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

static struct etcd *client(const char *url)
{
    return client_of(1, &url);
}

/* opts: prefixes, guard, config_key, separate; the rest is filled in. */
static void on_forget(void *arg)
{
    ((struct mirror *)arg)->forgets++;
}

static void mirror_open(struct mirror *m, struct view_opts opts)
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

static void mirror_close(struct mirror *m)
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

static bool is_live(void *arg)
{
    return view_state(((struct mirror *)arg)->view) == VIEW_LIVE;
}

static bool is_stale(void *arg)
{
    return view_state(((struct mirror *)arg)->view) == VIEW_STALE;
}

static bool is_frozen(void *arg)
{
    return view_state(((struct mirror *)arg)->view) == VIEW_FROZEN;
}

static bool has_waited(void *arg)
{
    return ((struct mirror *)arg)->waited > 0;
}

static void on_waited(int error, void *arg)
{
    struct mirror *m = arg;

    m->waited++;
    m->wait_error = error;
}

/* Runs the loop until the view has delivered everything up to the revision. */
static void reach(struct mirror *m, int64_t revision)
{
    m->waited = 0;
    view_wait(m->view, revision, on_waited, m);
    assert_true(loop_until(&loop, has_waited, m));
    assert_int_equal(m->wait_error, 0);
}

static int64_t put(const char *key, const char *value)
{
    struct etcd_answer a;

    assert_int_equal(etcd_sync_put(e, &loop, key, value, 0, &a, &err), 0);
    return a.revision;
}

static int64_t del(const char *key)
{
    struct etcd_answer a;

    assert_int_equal(etcd_sync_delete(e, &loop, key, &a, &err), 0);
    return a.revision;
}

/* One transaction over both prefixes. */
static int64_t put_pair(const char *value)
{
    struct etcd_txn *t = etcd_txn_new();
    struct etcd_answer a;

    etcd_txn_put(t, "/v/a/x", value, 0);
    etcd_txn_put(t, "/v/b/x", value, 0);
    assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), 0);
    return a.revision;
}

static void put_config(const char *key, const char *id, int64_t recovered)
{
    struct record_config c;
    orc_auto_free char *text = NULL;

    record_config_default(&c, id);
    c.recovered = recovered;
    text = record_config_text(&c);
    record_config_release(&c);
    put(key, text);
}

static int open_store(void **state)
{
    uv_loop_init(&loop);
    etcd_server_start(&server);
    e = client(server.url);
    return 0;
}

static int close_store(void **state)
{
    e = etcd_free(e);
    etcd_server_stop(&server);
    return loop_close(&loop) ? 0 : -1;
}

/* Seeing everything ----------------------------------------------------------------------------------- */

static void test_view__what_is_there_and_what_comes_is_delivered_once(void **state)
{
    struct mirror m = {0};
    int64_t revision;

    put("/v/a/1", "one");
    put("/v/c/foreign", "no");
    revision = put("/v/b/2", "two");
    mirror_open(&m, (struct view_opts){0});
    assert_int_equal(view_state(m.view), VIEW_SYNCING);
    assert_true(loop_until(&loop, is_live, &m));
    assert_int_equal(m.puts, 2);
    assert_int_equal(m.batches, 1);
    assert_true(m.batch >= revision);
    put("/v/a/1", "uno");
    reach(&m, del("/v/b/2"));
    assert_string_equal(mirror_get(&m, "/v/a/1"), "uno");
    assert_null(mirror_get(&m, "/v/b/2"));
    assert_int_equal(m.puts, 3);
    assert_int_equal(m.deletes, 1);
    assert_false(m.backwards);
    mirror_close(&m);
}

static void test_view__keys_between_the_prefixes_are_not_delivered_but_count_as_reached(void **state)
{
    static const char *const apart[] = {"/v/a/", "/v/z/", NULL};
    struct mirror m = {0};

    put("/v/m/1", "x");
    mirror_open(&m, (struct view_opts){.prefixes = apart});
    assert_true(loop_until(&loop, is_live, &m));
    reach(&m, put("/v/m/2", "y"));
    assert_int_equal(m.puts, 0);
    assert_int_equal(m.batches, 1);
    mirror_close(&m);
}

static void test_view__a_transaction_over_two_prefixes_is_never_seen_by_half(void **state)
{
    struct mirror m = {0};
    int64_t revision = 0;

    put_pair("0");
    mirror_open(&m, (struct view_opts){0});
    for (int i = 0; i < 300; i++) { /* from before the watch is there on: it has to catch up */
        orc_auto_free char *value = orc_printf("%d", i);

        revision = put_pair(value);
        if (i == 150) { /* and again after a reconnect in the middle */
            etcd_server_kill(&server);
            etcd_server_again(&server);
        }
    }
    assert_true(loop_until(&loop, is_live, &m));
    reach(&m, revision);
    assert_false(m.half);
    assert_false(m.backwards);
    assert_string_equal(mirror_get(&m, "/v/a/x"), "299");
    mirror_close(&m);
}

/* Behaviour 91: lines of many times the 16 KB in which etcd's answers come, and many small ones in one piece.
 */
static void test_view__events_split_over_or_joined_in_chunks_are_read_right(void **state)
{
    struct mirror m = {0};
    char *value = orc_calloc(1, 200001);
    int64_t revision = 0;

    for (size_t i = 0; i < 200000; i++)
        value[i] = "{}[]\"\\,:x"[i % 9];
    mirror_open(&m, (struct view_opts){0});
    assert_true(loop_until(&loop, is_live, &m));
    for (int i = 0; i < 10; i++) {
        orc_auto_free char *key = orc_printf("/v/a/large%d", i), *small = orc_printf("/v/b/small%d", i);

        put(key, value);
        for (int k = 0; k < 20; k++)
            revision = put(small, "{\"a\":\"}\"}");
    }
    reach(&m, revision);
    assert_int_equal(m.puts, 210);
    assert_string_equal(mirror_get(&m, "/v/a/large9"), value);
    free(value);
    mirror_close(&m);
}

static void test_view__with_separate_watches_each_prefix_is_seen_and_waiting_ends(void **state)
{
    struct mirror m = {0};

    put("/v/a/1", "one");
    mirror_open(&m, (struct view_opts){.separate = true});
    assert_true(loop_until(&loop, is_live, &m));
    reach(&m, put("/v/b/2", "two"));
    assert_string_equal(mirror_get(&m, "/v/b/2"), "two");
    assert_int_equal(m.puts, 2);
    reach(&m, put("/elsewhere", "x"));
    assert_int_equal(m.puts, 2);
    mirror_close(&m);
}

static void on_all_created(uint64_t cluster_id, int64_t revision, void *arg)
{
    *(bool *)arg = true;
}

static void on_no_events(size_t range, const struct watch_event *events, size_t n, uint64_t cluster_id,
                         void *arg)
{
}

static void on_no_end(int error, const char *text, void *arg)
{
    fail_msg("%s", text);
}

static bool is_set(void *arg)
{
    return *(bool *)arg;
}

/* Of the watches of one request the gateway may lose the later ones; it did in one of eight requests. */
static void test_watch__all_of_many_ranges_begin_every_time(void **state)
{
    struct watch_range ranges[8];
    struct watch_opts opts = {.ranges = ranges,
                              .n_ranges = ORC_ARRAY_SIZE(ranges),
                              .on_created = on_all_created,
                              .on_events = on_no_events,
                              .on_end = on_no_end};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(ranges); i++)
        ranges[i] = (struct watch_range){.from = orc_printf("/v/some/longer/prefix/%zu/", i),
                                         .to = orc_printf("/v/some/longer/prefix/%zu0", i),
                                         .start_revision = 2};
    for (int i = 0; i < 100; i++) {
        bool created = false;
        struct watch *w;

        opts.arg = &created;
        w = watch_new(e, &opts);
        assert_true(loop_until_ms(&loop, is_set, &created, 20000));
        watch_free(w);
    }
    for (size_t i = 0; i < ORC_ARRAY_SIZE(ranges); i++) {
        free(ranges[i].from);
        free(ranges[i].to);
    }
}

static void test_view__waiting_for_a_revision_outside_the_ranges_ends(void **state)
{
    struct mirror m = {0};

    mirror_open(&m, (struct view_opts){0});
    reach(&m, put("/elsewhere", "x"));
    mirror_close(&m);
}

static void test_view__waiting_ends_with_ecanceled_when_the_view_is_freed(void **state)
{
    struct mirror m = {0};

    mirror_open(&m, (struct view_opts){0});
    view_wait(m.view, 1000000, on_waited, &m);
    mirror_close(&m);
    assert_int_equal(m.waited, 1);
    assert_int_equal(m.wait_error, -ECANCELED);
}

static bool is_freed(void *arg)
{
    return !((struct mirror *)arg)->view;
}

static void test_view__may_be_freed_from_its_own_callbacks(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct mirror m = {0};

        for (int k = 0; i == 0 && k < 700; k++) { /* two pages: freed while the second is wanted */
            orc_auto_free char *key = orc_printf("/v/a/%03d", k);

            put(key, "x");
        }
        m.free_on_put = i == 0;
        m.free_on_batch = i == 1;
        mirror_open(&m, (struct view_opts){0});
        if (i == 2) { /* from an event */
            assert_true(loop_until(&loop, is_live, &m));
            m.free_on_put = true;
            put("/v/b/last", "y");
        }
        assert_true(loop_until(&loop, is_freed, &m));
        mirror_close(&m);
    }
}

/* Coming back ----------------------------------------------------------------------------------------- */

/* Behaviour 90. */
static void test_view__a_watch_resumes_after_an_etcd_restart_with_no_gap_or_repeat(void **state)
{
    struct mirror m = {0};

    put("/v/a/1", "one");
    mirror_open(&m, (struct view_opts){0});
    assert_true(loop_until(&loop, is_live, &m));
    etcd_server_kill(&server);
    assert_true(loop_until(&loop, is_stale, &m));
    assert_non_null(strstr(m.why, server.url));
    assert_string_equal(mirror_get(&m, "/v/a/1"), "one");
    etcd_server_again(&server);
    put("/v/a/2", "two"); /* perhaps before the view is back */
    assert_true(loop_until(&loop, is_live, &m));
    reach(&m, put("/v/a/3", "three"));
    assert_int_equal(m.puts, 3);
    assert_int_equal(m.deletes, 0);
    mirror_close(&m);
}

static bool has_new(void *arg)
{
    return mirror_get(arg, "/v/b/new");
}

/* Behaviour 90: what was deleted while nobody watched is told, what did not change is not repeated. */
static void test_view__compaction_leads_to_a_new_range_that_tells_only_differences(void **state)
{
    struct mirror m = {0};

    put("/v/a/same", "1");
    put("/v/a/gone", "1");
    put("/v/a/changed", "1");
    mirror_open(&m, (struct view_opts){0});
    assert_true(loop_until(&loop, is_live, &m));
    assert_int_equal(m.puts, 3);
    etcd_server_kill(&server);
    assert_true(loop_until(&loop, is_stale, &m));
    etcd_server_spawn(&server, NULL);
    etcd_server_wait(&server); /* the loop does not run: the view can't resume yet */
    assert_true(etcd_ctl(&server, "put /v/a/changed 2"));
    assert_true(etcd_ctl(&server, "del /v/a/gone"));
    assert_true(etcd_ctl(&server, "put /v/b/new 1"));
    assert_true(etcd_ctl(&server, "compact 7"));
    assert_true(loop_until(&loop, has_new, &m));
    assert_true(loop_until(&loop, is_live, &m));
    reach(&m, put("/v/b/last", "1"));
    assert_int_equal(m.puts, 6);
    assert_int_equal(m.deletes, 1);
    assert_null(mirror_get(&m, "/v/a/gone"));
    assert_string_equal(mirror_get(&m, "/v/a/changed"), "2");
    mirror_close(&m);
}

/* What was missed may be more than one message may hold: etcd sends up to 1000 revisions in one. The keys are
 * between the prefixes, so that the message's size alone counts. */
static void test_view__missed_events_larger_than_a_message_may_be_lead_to_a_new_range(void **state)
{
    struct mirror m = {0};
    orc_auto_free char *command =
        orc_printf("for i in $(seq 60); do head -c 1000000 /dev/zero | tr '\\0' x | ETCDCTL_API=3 etcdctl "
                   "--endpoints=%s put /v/aa/large >/dev/null || exit 1; done",
                   server.url);

    put("/v/a/gone", "1");
    mirror_open(&m, (struct view_opts){0});
    assert_true(loop_until(&loop, is_live, &m));
    etcd_server_kill(&server);
    assert_true(loop_until(&loop, is_stale, &m));
    etcd_server_spawn(&server, NULL);
    etcd_server_wait(&server); /* the loop does not run: the view can't resume yet */
    assert_int_equal(system(command), 0);
    assert_true(etcd_ctl(&server, "del /v/a/gone"));
    assert_true(etcd_ctl(&server, "put /v/b/new 1"));
    assert_true(loop_until(&loop, has_new, &m));
    assert_true(loop_until(&loop, is_live, &m));
    assert_null(mirror_get(&m, "/v/a/gone"));
    reach(&m, put("/v/b/last", "1"));
    mirror_close(&m);
}

/* A frozen etcd keeps the stream open: only asking it shows. */
static void test_view__a_frozen_etcd_is_noticed_by_asking_it(void **state)
{
    struct mirror m = {0};

    mirror_open(&m, (struct view_opts){0});
    assert_true(loop_until(&loop, is_live, &m));
    etcd_server_freeze(&server);
    assert_true(loop_until(&loop, is_stale, &m));
    etcd_server_thaw(&server);
    assert_true(loop_until(&loop, is_live, &m));
    reach(&m, put("/v/a/after", "x"));
    mirror_close(&m);
}

static void test_view__one_of_three_members_dies_and_nothing_is_missed(void **state)
{
    struct etcd_server three[3];
    struct mirror m = {0};
    struct etcd *before = e;
    const char *urls[3];

    etcd_servers_start(three, 3, NULL);
    for (size_t i = 0; i < 3; i++)
        urls[i] = three[i].url;
    m.e = client_of(3, urls);
    e = client_of(3, urls);
    put_pair("0");
    mirror_open(&m, (struct view_opts){.guard = &m.guard});
    assert_true(loop_until(&loop, is_live, &m));
    etcd_server_kill(&three[0]); /* the one that the view watches at */
    for (int i = 1; i <= 20; i++) {
        orc_auto_free char *value = orc_printf("%d", i);
        struct etcd_txn *t;
        struct etcd_answer a = {0};
        int r;

        do { /* while a leader is elected, writes may end doubtful; these may be repeated */
            t = etcd_txn_new();
            etcd_txn_put(t, "/v/a/x", value, 0);
            etcd_txn_put(t, "/v/b/x", value, 0);
            r = etcd_sync_txn(e, &loop, t, &a, &err);
        } while (r < 0);
        reach(&m, a.revision);
        assert_string_equal(mirror_get(&m, "/v/a/x"), value);
    }
    assert_false(m.half);
    assert_false(m.guard.frozen);
    mirror_close(&m);
    etcd_free(e);
    e = before;
    for (size_t i = 0; i < 3; i++)
        etcd_server_stop(&three[i]);
}

static void on_lease(int64_t id, void *arg)
{
    if (!id)
        ++*(unsigned *)arg;
}

static bool has_frozen_value(void *arg)
{
    return orc_streq(mirror_get(arg, "/v/a/x"), "frozen");
}

/* A member that hangs breaks no connection. The lease's keep-alive goes to another one before its TTL is
 * over, and its failing makes the view doubt the stream that it has at the frozen member. */
static void test_view__one_of_three_members_hangs_and_lease_and_watch_move_on(void **state)
{
    struct etcd_server three[3];
    struct mirror m = {0};
    struct etcd *before = e;
    struct lease *lease;
    unsigned lost = 0;
    const char *urls[3];

    etcd_servers_start(three, 3, NULL);
    for (size_t i = 0; i < 3; i++)
        urls[i] = three[i].url;
    m.e = client_of(3, urls);
    e = client_of(2, urls + 1);
    put_pair("before");
    lease = lease_new(&loop, m.e, &(struct lease_opts){.ttl_s = 9, .on_lease = on_lease, .arg = &lost});
    mirror_open(&m, (struct view_opts){.guard = &m.guard});
    assert_true(loop_until(&loop, is_live, &m));
    etcd_server_freeze(&three[0]); /* the one that both use */
    for (int r = -1; r < 0;) {     /* it may have been the leader */
        struct etcd_txn *t = etcd_txn_new();
        struct etcd_answer a = {0};

        etcd_txn_put(t, "/v/a/x", "frozen", 0);
        etcd_txn_put(t, "/v/b/x", "frozen", 0);
        r = etcd_sync_txn(e, &loop, t, &a, &err);
    }
    assert_true(loop_until(&loop, has_frozen_value, &m));
    loop_for(&loop, 12000); /* longer than the TTL */
    assert_int_equal(lost, 0);
    assert_true(lease_id(lease) != 0);
    assert_true(is_live(&m));
    assert_false(m.half);
    etcd_server_thaw(&three[0]);
    lease_free(lease);
    mirror_close(&m);
    etcd_free(e);
    e = before;
    for (size_t i = 0; i < 3; i++)
        etcd_server_stop(&three[i]);
}

static void test_view__without_a_quorum_it_is_stale_and_keeps_what_it_has(void **state)
{
    struct etcd_server three[3];
    struct mirror m = {0};
    struct etcd *before = e;
    const char *urls[3];

    etcd_servers_start(three, 3, NULL);
    for (size_t i = 0; i < 3; i++)
        urls[i] = three[i].url;
    m.e = client_of(3, urls);
    e = client_of(3, urls);
    put_pair("kept");
    mirror_open(&m, (struct view_opts){.guard = &m.guard});
    assert_true(loop_until(&loop, is_live, &m));
    etcd_server_kill(&three[1]);
    etcd_server_kill(&three[2]);
    assert_true(loop_until(&loop, is_stale, &m));
    assert_string_equal(mirror_get(&m, "/v/a/x"), "kept");
    etcd_server_again(&three[1]);
    assert_true(loop_until(&loop, is_live, &m));
    assert_int_equal(m.deletes, 0);
    assert_int_equal(m.puts, 2);
    mirror_close(&m);
    etcd_free(e);
    e = before;
    for (size_t i = 0; i < 3; i++)
        etcd_server_stop(&three[i]);
}

/* Not our store ("What absence means") ----------------------------------------------------------------- */

#define CONFIG "/v/config"

static void open_guarded(struct mirror *m)
{
    put_config(CONFIG, "aaaa", 0);
    put_pair("kept");
    mirror_open(m, (struct view_opts){.guard = &m->guard, .config_key = CONFIG});
    assert_true(loop_until(&loop, is_live, m));
    assert_string_equal(m->guard.orc_cluster_id, "aaaa");
}

static void assert_kept(const struct mirror *m)
{
    assert_int_equal(m->deletes, 0);
    assert_string_equal(mirror_get(m, "/v/a/x"), "kept");
    assert_true(m->why[0]);
}

static void test_view__a_wiped_etcd_freezes_it_and_deletes_nothing(void **state)
{
    struct mirror m = {0};

    open_guarded(&m);
    etcd_server_kill(&server);
    etcd_server_wipe(&server);
    etcd_server_again(&server);
    assert_true(loop_until(&loop, is_frozen, &m));
    assert_kept(&m);
    put_pair("new store");
    loop_for(&loop, 1500);
    assert_true(is_frozen(&m));
    assert_kept(&m);
    mirror_close(&m);
}

static void test_view__a_wiped_etcd_that_has_caught_up_in_revisions_freezes_it_too(void **state)
{
    struct mirror m = {0};

    open_guarded(&m);
    etcd_server_kill(&server);
    etcd_server_wipe(&server);
    etcd_server_again(&server);
    for (int i = 0; i < 20; i++) /* the loop runs inside, but the view meets no config */
        put_pair("new store");
    assert_true(loop_until(&loop, is_frozen, &m));
    assert_kept(&m);
    put_config(CONFIG, "bbbb", 0);
    loop_for(&loop, 1500);
    assert_true(is_frozen(&m));
    assert_kept(&m);
    mirror_close(&m);
}

static void test_view__an_etcd_restored_from_an_older_backup_freezes_it_until_recover(void **state)
{
    struct mirror m = {0};

    put_pair("old");
    put_config(CONFIG, "aaaa", 0);
    etcd_server_backup(&server);
    open_guarded(&m);
    put("/v/a/later", "x");
    reach(&m, put("/v/a/later", "y"));
    etcd_server_kill(&server);
    etcd_server_restore(&server);
    etcd_server_again(&server);
    assert_true(loop_until(&loop, is_frozen, &m));
    assert_kept(&m);
    view_wait(m.view, m.guard.revision + 1000, on_waited, &m); /* of the store that is no more */
    m.waited = 0;
    put_config(CONFIG, "aaaa", 1000); /* what `orc recover` does */
    assert_true(loop_until(&loop, is_live, &m));
    assert_int_equal(m.guard.recovered, 1000);
    assert_string_equal(mirror_get(&m, "/v/a/x"), "old");
    assert_null(mirror_get(&m, "/v/a/later"));
    assert_int_equal(m.forgets, 1);
    assert_int_equal(m.waited, 1);
    assert_int_equal(m.wait_error, -ESTALE);
    reach(&m, put_pair("after"));
    assert_string_equal(mirror_get(&m, "/v/b/x"), "after");
    mirror_close(&m);
}

/* The store as it was at the backup, and then changed by somebody until the view's own revision is passed. */
static void go_back_and_on(void)
{
    etcd_server_kill(&server);
    etcd_server_restore(&server);
    etcd_server_again(&server);
    for (int i = 0; i < 10; i++)
        assert_true(etcd_ctl(&server, "put /elsewhere new"));
}

static void keep_answer(const struct etcd_result *res, void *arg)
{
    *(int *)arg = res->error ? res->error : 1;
}

static bool is_answered(void *arg)
{
    return *(int *)arg != 0;
}

static void test_view__answers_to_anybody_tell_what_the_store_has_reached(void **state)
{
    static const char *const few[] = {"/v/a/", NULL};
    struct mirror m = {0};
    int answered = 0;

    put_config(CONFIG, "aaaa", 0);
    etcd_server_backup(&server);
    put_pair("kept");
    mirror_open(
        &m, (struct view_opts){.prefixes = few, .guard = &m.guard, .config_key = CONFIG, .separate = true});
    assert_true(loop_until(&loop, is_live, &m));
    for (int i = 0; i < 30; i++)
        put("/elsewhere", "old");
    etcd_lease_grant(m.e, 60, keep_answer, &answered); /* the view itself saw nothing of these */
    assert_true(loop_until(&loop, is_answered, &answered));
    assert_true(m.guard.revision >= view_revision(m.view) + 30);
    go_back_and_on();
    assert_true(loop_until(&loop, is_frozen, &m));
    assert_string_equal(mirror_get(&m, "/v/a/x"), "kept");
    mirror_close(&m);
}

static void test_view__nothing_is_written_to_a_store_that_went_back(void **state)
{
    struct mirror m = {0};
    struct etcd_answer a;
    int r;

    put_config(CONFIG, "aaaa", 0);
    etcd_server_backup(&server);
    open_guarded(&m);
    etcd_server_kill(&server);
    assert_true(loop_until(&loop, is_stale, &m));
    etcd_server_restore(&server);
    etcd_server_again(&server);
    r = etcd_sync_put(m.e, &loop, "/v/a/mine", "x", 0, &a, &err);
    assert_int_equal(r, -EPERM);
    assert_non_null(strstr(err.msg, "older backup"));
    assert_int_equal(etcd_sync_get(e, &loop, "/v/a/mine", &a, &err), 0);
    assert_int_equal(a.kvs.n, 0);
    etcd_answer_release(&a);
    assert_true(loop_until(&loop, is_frozen, &m));
    put_config(CONFIG, "aaaa", 1000);
    assert_true(loop_until(&loop, is_live, &m));
    assert_int_equal(etcd_sync_put(m.e, &loop, "/v/a/mine", "x", 0, &a, &err), 0);
    mirror_close(&m);
}

static void test_view__another_etcd_at_the_address_freezes_it_and_ours_back_thaws_it(void **state)
{
    struct etcd_server other = {0};
    struct mirror m = {0};
    int64_t revision;

    open_guarded(&m);
    etcd_server_kill(&server);
    etcd_server_prepare(&other, 0);
    strcpy(other.url, server.url); /* same address, other cluster */
    snprintf(other.cluster, sizeof other.cluster, "m0=%s", other.peer_url);
    etcd_server_again(&other);
    assert_true(loop_until(&loop, is_frozen, &m));
    assert_non_null(strstr(m.why, "another etcd"));
    assert_kept(&m);
    etcd_server_stop(&other);
    etcd_server_again(&server);
    assert_true(loop_until(&loop, is_live, &m));
    revision = put("/v/a/again", "x");
    reach(&m, revision);
    assert_int_equal(m.deletes, 0);
    mirror_close(&m);
}

static void test_view__deleting_the_config_freezes_it_and_putting_it_back_thaws_it(void **state)
{
    struct mirror m = {0};

    open_guarded(&m);
    del(CONFIG);
    put_pair("unseen");
    assert_true(loop_until(&loop, is_frozen, &m));
    assert_kept(&m);
    put_config(CONFIG, "aaaa", 0);
    assert_true(loop_until(&loop, is_live, &m));
    reach(&m, put("/v/a/after", "x"));
    assert_string_equal(mirror_get(&m, "/v/a/x"), "unseen");
    mirror_close(&m);
}

static void test_view__garbage_in_the_config_stops_nothing(void **state)
{
    struct mirror m = {0};

    open_guarded(&m);
    put(CONFIG, "{\"cluster_id\": 7");
    reach(&m, put("/v/a/after", "x"));
    assert_true(is_live(&m));
    mirror_close(&m);
}

static void test_view__a_guard_from_disk_freezes_a_fresh_process_before_anything_is_delivered(void **state)
{
    struct mirror m = {.guard = {.orc_cluster_id = "zzzz", .revision = 1}};

    put_config(CONFIG, "aaaa", 0);
    put_pair("x");
    mirror_open(&m, (struct view_opts){.guard = &m.guard, .config_key = CONFIG, .separate = true});
    assert_true(loop_until(&loop, is_frozen, &m));
    assert_int_equal(m.puts, 0);
    assert_int_equal(m.batches, 0);
    put_config(CONFIG, "aaaa", 5);
    assert_true(loop_until(&loop, is_live, &m));
    assert_int_equal(m.puts, 2);
    assert_string_equal(m.guard.orc_cluster_id, "aaaa");
    mirror_close(&m);
}

static void test_view__without_a_config_a_cluster_that_was_never_there_is_no_reason_to_freeze(void **state)
{
    struct mirror m = {0};

    mirror_open(&m, (struct view_opts){.guard = &m.guard, .config_key = CONFIG});
    assert_true(loop_until(&loop, is_live, &m));
    put_config(CONFIG, "aaaa", 0);
    reach(&m, put("/v/a/1", "x"));
    assert_string_equal(m.guard.orc_cluster_id, "aaaa");
    mirror_close(&m);
}

static void test_view__without_a_guard_a_wiped_store_is_simply_the_new_truth(void **state)
{
    struct mirror m = {0};

    put_pair("old");
    put("/v/a/old", "x");
    mirror_open(&m, (struct view_opts){0});
    assert_true(loop_until(&loop, is_live, &m));
    etcd_server_kill(&server);
    assert_true(loop_until(&loop, is_stale, &m));
    etcd_server_wipe(&server);
    etcd_server_again(&server);
    put_pair("new");
    assert_true(loop_until(&loop, is_live, &m));
    reach(&m, put("/v/b/1", "x"));
    assert_string_equal(mirror_get(&m, "/v/a/x"), "new");
    assert_null(mirror_get(&m, "/v/a/old"));
    mirror_close(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_view__what_is_there_and_what_comes_is_delivered_once),
        TEST(test_view__keys_between_the_prefixes_are_not_delivered_but_count_as_reached),
        TEST(test_view__a_transaction_over_two_prefixes_is_never_seen_by_half),
        TEST(test_view__events_split_over_or_joined_in_chunks_are_read_right),
        TEST(test_view__with_separate_watches_each_prefix_is_seen_and_waiting_ends),
        TEST(test_watch__all_of_many_ranges_begin_every_time),
        TEST(test_view__waiting_for_a_revision_outside_the_ranges_ends),
        TEST(test_view__waiting_ends_with_ecanceled_when_the_view_is_freed),
        TEST(test_view__may_be_freed_from_its_own_callbacks),
        TEST(test_view__a_watch_resumes_after_an_etcd_restart_with_no_gap_or_repeat),
        TEST(test_view__compaction_leads_to_a_new_range_that_tells_only_differences),
        TEST(test_view__missed_events_larger_than_a_message_may_be_lead_to_a_new_range),
        TEST(test_view__a_frozen_etcd_is_noticed_by_asking_it),
        TEST(test_view__one_of_three_members_dies_and_nothing_is_missed),
        TEST(test_view__one_of_three_members_hangs_and_lease_and_watch_move_on),
        TEST(test_view__without_a_quorum_it_is_stale_and_keeps_what_it_has),
        TEST(test_view__a_wiped_etcd_freezes_it_and_deletes_nothing),
        TEST(test_view__a_wiped_etcd_that_has_caught_up_in_revisions_freezes_it_too),
        TEST(test_view__an_etcd_restored_from_an_older_backup_freezes_it_until_recover),
        TEST(test_view__answers_to_anybody_tell_what_the_store_has_reached),
        TEST(test_view__nothing_is_written_to_a_store_that_went_back),
        TEST(test_view__another_etcd_at_the_address_freezes_it_and_ours_back_thaws_it),
        TEST(test_view__deleting_the_config_freezes_it_and_putting_it_back_thaws_it),
        TEST(test_view__garbage_in_the_config_stops_nothing),
        TEST(test_view__a_guard_from_disk_freezes_a_fresh_process_before_anything_is_delivered),
        TEST(test_view__without_a_config_a_cluster_that_was_never_there_is_no_reason_to_freeze),
        TEST(test_view__without_a_guard_a_wiped_store_is_simply_the_new_truth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
