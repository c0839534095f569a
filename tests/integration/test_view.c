/* test_view.c - views and watches against a real etcd that is killed, frozen and cut off. */
#include "tests/integration/view_mirror.h"

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

/* Something comes twice a second: what is waited for is on its way, and nothing is read anew, which would end
 * the waiting with -ESTALE as the store does not have that revision yet. */
static void test_view__waiting_reads_nothing_anew_while_something_comes(void **state)
{
    struct mirror m = {0};
    int64_t now;

    mirror_open(&m, (struct view_opts){0});
    now = put("/v/a/k", "0");
    reach(&m, now);
    m.waited = 0;
    view_wait(m.view, now + 5, on_waited, &m);
    for (int i = 1; i <= 5; i++) {
        loop_for(&loop, 500);
        assert_int_equal(m.waited, 0);
        put("/v/a/k", "n");
    }
    assert_true(loop_until(&loop, has_waited, &m));
    assert_int_equal(m.wait_error, 0);
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

/* Found by the simulator (seed 1600648): a record that was written and deleted while nobody watched was
 * believed to be there. */
static void test_view__what_the_owner_wrote_and_never_saw_is_told_gone(void **state)
{
    struct mirror m = {0};

    put("/v/a/same", "1");
    mirror_open(&m, (struct view_opts){0});
    assert_true(loop_until(&loop, is_live, &m));
    etcd_server_kill(&server);
    assert_true(loop_until(&loop, is_stale, &m));
    etcd_server_spawn(&server, NULL);
    etcd_server_wait(&server);
    assert_true(etcd_ctl(&server, "put /v/a/ours 1"));
    view_expect(m.view, "/v/a/ours");
    view_expect(m.view, "/v/b/new"); /* this one stays */
    assert_true(etcd_ctl(&server, "del /v/a/ours"));
    assert_true(etcd_ctl(&server, "put /v/b/new 1"));
    assert_true(etcd_ctl(&server, "compact 5"));
    assert_true(loop_until(&loop, has_new, &m));
    assert_true(loop_until(&loop, is_live, &m));
    assert_int_equal(m.deletes, 1);
    assert_int_equal(m.puts, 2);
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
        TEST(test_view__waiting_reads_nothing_anew_while_something_comes),
        TEST(test_view__waiting_ends_with_ecanceled_when_the_view_is_freed),
        TEST(test_view__may_be_freed_from_its_own_callbacks),
        TEST(test_view__a_watch_resumes_after_an_etcd_restart_with_no_gap_or_repeat),
        TEST(test_view__compaction_leads_to_a_new_range_that_tells_only_differences),
        TEST(test_view__what_the_owner_wrote_and_never_saw_is_told_gone),
        TEST(test_view__missed_events_larger_than_a_message_may_be_lead_to_a_new_range),
        TEST(test_view__a_frozen_etcd_is_noticed_by_asking_it),
        TEST(test_view__one_of_three_members_dies_and_nothing_is_missed),
        TEST(test_view__one_of_three_members_hangs_and_lease_and_watch_move_on),
        TEST(test_view__without_a_quorum_it_is_stale_and_keeps_what_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
