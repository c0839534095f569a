/* test_view_guard.c - views of a store that is wiped, restored, replaced or recovered: when they freeze, and
 * when they believe it. */
#include "tests/integration/view_mirror.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
