/* test_etcd.c - the client against a real etcd: requests, the gateway's traps. */
#include "tests/integration/etcd_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* It waits for a minute: etcd answers nothing while it brings 80 MB to a slow disk. */
static int open_client(void **state)
{
    uv_loop_init(&loop);
    e = client(60000, 1, server.url);
    return e ? 0 : -1;
}

static int64_t put(const char *key, const char *value)
{
    struct etcd_answer a;

    assert_int_equal(etcd_sync_put(e, &loop, key, value, 0, &a, &err), 0);
    return a.revision;
}

/* Requests -------------------------------------------------------------------------------------------- */

static void test_etcd__what_was_put_is_read_back(void **state)
{
    struct etcd_answer a;
    int64_t revision = put("/t/get", "{\"a\":1}");

    assert_int_equal(etcd_sync_get(e, &loop, "/t/get", &a, &err), 0);
    assert_int_equal(a.kvs.n, 1);
    assert_string_equal(a.kvs.at[0].key, "/t/get");
    assert_string_equal(a.kvs.at[0].value, "{\"a\":1}");
    assert_int_equal(a.kvs.at[0].value_len, 7);
    assert_int_equal(a.kvs.at[0].mod_revision, revision);
    assert_true(a.cluster_id != 0);
    etcd_answer_release(&a);
}

static void test_etcd__zero_values_that_etcd_leaves_out_are_zero(void **state)
{
    struct etcd_answer a;

    put("/t/zero", "");
    assert_int_equal(etcd_sync_get(e, &loop, "/t/zero", &a, &err), 0);
    assert_string_equal(a.kvs.at[0].value, "");
    assert_int_equal(a.kvs.at[0].lease, 0);
    etcd_answer_release(&a);
    assert_int_equal(etcd_sync_get(e, &loop, "/t/not-there", &a, &err), 0);
    assert_int_equal(a.kvs.n, 0);
    assert_true(a.revision > 0);
    etcd_answer_release(&a);
}

/* Etcd's cluster id is a uint64 beyond int64, leases are int64 beyond a double (behaviour 92). */
static void test_etcd__64_bit_ids_survive(void **state)
{
    struct etcd_answer a, b;

    assert_int_equal(etcd_sync_lease_grant(e, &loop, 60, &a, &err), 0);
    assert_true(a.lease > (INT64_C(1) << 53));
    assert_int_equal(a.ttl_s, 60);
    assert_int_equal(etcd_sync_put(e, &loop, "/t/leased", "x", a.lease, &b, &err), 0);
    assert_int_equal(etcd_sync_get(e, &loop, "/t/leased", &b, &err), 0);
    assert_true(b.kvs.at[0].lease == a.lease);
    etcd_answer_release(&b);
    assert_int_equal(etcd_sync_lease_revoke(e, &loop, a.lease, &b, &err), 0);
    assert_int_equal(etcd_sync_get(e, &loop, "/t/leased", &b, &err), 0);
    assert_int_equal(b.kvs.n, 0);
}

static void test_etcd__values_with_any_bytes_and_of_many_kilobytes_come_back_whole(void **state)
{
    struct etcd_answer a;
    char *value = orc_calloc(1, 300001);

    for (size_t i = 0; i < 300000; i++)
        value[i] = (char)(i % 255 + 1);
    put("/t/large", value);
    assert_int_equal(etcd_sync_get(e, &loop, "/t/large", &a, &err), 0);
    assert_int_equal(a.kvs.at[0].value_len, 300000);
    assert_memory_equal(a.kvs.at[0].value, value, 300001);
    etcd_answer_release(&a);
    free(value);
}

static void test_etcd__a_large_range_is_read_in_pages_at_one_revision(void **state)
{
    struct etcd_answer a;
    int64_t before;

    for (int batch = 0; batch < 13; batch++) {
        struct etcd_txn *t = etcd_txn_new();

        for (int i = 0; i < 100; i++) {
            orc_auto_free char *key = orc_printf("/t/pages/%04d", batch * 100 + i);
            etcd_txn_put(t, key, "v", 0);
        }
        assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), 0);
    }
    before = a.revision;
    put("/t/pages/0000", "later");
    assert_int_equal(etcd_sync_range(e, &loop, "/t/pages/", before, &a, &err), 0);
    assert_int_equal(a.kvs.n, 1300);
    assert_int_equal(a.revision, before);
    assert_string_equal(a.kvs.at[0].value, "v");
    for (size_t i = 1; i < a.kvs.n; i++)
        assert_true(strcmp(a.kvs.at[i - 1].key, a.kvs.at[i].key) < 0);
    etcd_answer_release(&a);
}

struct counted {
    int n;
    size_t longest;
};

static void count_kv(const struct etcd_kv *kv, void *arg)
{
    struct counted *c = arg;
    orc_auto_free char *expected = orc_printf("/t/mixed/%04d", c->n++);

    assert_string_equal(kv->key, expected);
    c->longest = kv->value_len > c->longest ? kv->value_len : c->longest;
}

/* Small values and large ones: pages of many keys and of few, and none is left out or comes twice. */
static void test_etcd__pages_follow_the_size_of_the_values(void **state)
{
    orc_auto_free char *large = orc_calloc(1, 200001);
    struct counted c = {0};
    int64_t revision = 0;

    memset(large, 'x', 200000);
    for (int i = 0; i < 700; i++) {
        orc_auto_free char *key = orc_printf("/t/mixed/%04d", i);

        put(key, i % 100 < 5 ? large : "v");
    }
    assert_int_equal(etcd_sync_scan(e, &loop, "/t/mixed/", 0, count_kv, &c, &revision, NULL), 0);
    assert_int_equal(c.n, 700);
    assert_int_equal(c.longest, 200000);
    assert_true(revision > 0);
    assert_true(etcd_ctl(&server, "del --prefix /t/mixed/"));
}

/* 80 values of 1 MB: a page would be larger than any answer we take. */
static void test_etcd__pages_that_are_too_large_are_asked_for_again_in_smaller_ones(void **state)
{
    struct etcd_answer a;
    char *value = orc_calloc(1, 1000001);

    memset(value, 'x', 1000000);
    for (int i = 0; i < 80; i++) {
        orc_auto_free char *key = orc_printf("/t/huge/%02d", i);

        put(key, value);
    }
    free(value);
    assert_int_equal(etcd_sync_range(e, &loop, "/t/huge/", 0, &a, &err), 0);
    assert_int_equal(a.kvs.n, 80);
    assert_int_equal(a.kvs.at[79].value_len, 1000000);
    etcd_answer_release(&a);
    assert_true(etcd_ctl(&server, "del --prefix /t/huge/"));
}

/* A put past our client, as anybody could send it. */
static void post_by_hand(const char *body)
{
    char command[512];

    snprintf(command, sizeof command,
             "bash -c 'exec 3<>/dev/tcp/127.0.0.1/%s; printf \"POST /v3/kv/put HTTP/1.0\\r\\nContent-Length: "
             "%zu\\r\\n\\r\\n\" >&3; printf %%s \"$0\" >&3; cat <&3 >/dev/null' '%s'",
             strrchr(server.url, ':') + 1, strlen(body), body);
    assert_int_equal(system(command), 0);
}

static void test_etcd__a_key_with_a_nul_inside_neither_hides_others_nor_passes_for_one(void **state)
{
    struct etcd_answer a;
    bool seen = false;

    for (int batch = 0; batch < 6; batch++) {
        struct etcd_txn *t = etcd_txn_new();

        for (int i = 0; i < 100; i++) {
            orc_auto_free char *key = orc_printf("/t/nul/k%c%02d", 33 + batch, i);
            etcd_txn_put(t, key, "v", 0);
        }
        assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), 0);
    }
    post_by_hand("{\"key\":\"L3QvbnVsL2sAeA==\",\"value\":\"dg==\"}"); /* "/t/nul/k\0x" */
    assert_int_equal(etcd_sync_range(e, &loop, "/t/nul/", 0, &a, &err), 0);
    assert_int_equal(a.kvs.n, 601);
    for (size_t i = 0; i < a.kvs.n; i++)
        seen |= strcmp(a.kvs.at[i].key, "/t/nul/k?x") == 0;
    assert_true(seen);
    etcd_answer_release(&a);
}

/* Transactions ---------------------------------------------------------------------------------------- */

/* Behaviour 88. */
static void test_txn__of_two_writers_with_one_base_revision_one_wins(void **state)
{
    struct etcd_answer a;
    int64_t base = put("/t/app", "1");

    for (int writer = 0; writer < 2; writer++) {
        struct etcd_txn *t = etcd_txn_new();

        etcd_txn_if_mod_revision(t, "/t/app", base);
        etcd_txn_put(t, "/t/app", writer ? "second" : "first", 0);
        etcd_txn_else_get(t, "/t/app");
        assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), writer ? ETCD_CONFLICT : 0);
        if (writer)
            assert_string_equal(a.kvs.at[0].value, "first");
        etcd_answer_release(&a);
    }
}

static void test_txn__every_compare_holds_and_fails_as_it_says(void **state)
{
    struct etcd_answer a;
    int64_t revision = put("/t/cmp", "v");

    for (int i = 0; i < 8; i++) {
        struct etcd_txn *t = etcd_txn_new();
        bool holds = i < 4;

        if (i % 4 == 0)
            etcd_txn_if_mod_revision(t, "/t/cmp", revision + !holds);
        if (i % 4 == 1)
            etcd_txn_if_create_revision(t, holds ? "/t/absent" : "/t/cmp", 0);
        if (i % 4 == 2)
            etcd_txn_if_exists(t, holds ? "/t/cmp" : "/t/absent");
        if (i % 4 == 3)
            etcd_txn_if_value(t, "/t/cmp", holds ? "v" : "w");
        etcd_txn_get(t, "/t/cmp");
        assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), holds ? 0 : ETCD_CONFLICT);
        assert_int_equal(a.kvs.n, holds ? 1 : 0);
        etcd_answer_release(&a);
    }
}

static void test_txn__gets_come_in_order_and_deletes_delete(void **state)
{
    struct etcd_txn *t = etcd_txn_new();
    struct etcd_answer a;

    put("/t/o/b", "b");
    put("/t/o/a", "a");
    put("/t/z", "z");
    etcd_txn_get(t, "/t/z");
    etcd_txn_get_prefix(t, "/t/o/");
    etcd_txn_delete(t, "/t/z");
    assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), 0);
    assert_int_equal(a.kvs.n, 3);
    assert_string_equal(a.kvs.at[0].key, "/t/z");
    assert_string_equal(a.kvs.at[1].key, "/t/o/a");
    assert_string_equal(a.kvs.at[2].key, "/t/o/b");
    etcd_answer_release(&a);
    assert_int_equal(etcd_sync_get(e, &loop, "/t/z", &a, &err), 0);
    assert_int_equal(a.kvs.n, 0);
}

static void test_txn__128_compares_and_128_operations_fit_and_one_more_is_refused_unsent(void **state)
{
    struct etcd_answer a;

    for (int extra = 0; extra < 2; extra++) {
        struct etcd_txn *t = etcd_txn_new();

        for (int i = 0; i < 128 + extra; i++) {
            orc_auto_free char *key = orc_printf("/t/many/%d-%03d", extra, i);

            etcd_txn_if_create_revision(t, key, 0);
            if (i < 128)
                etcd_txn_put(t, key, "v", 0);
        }
        assert_int_equal(etcd_txn_n_compares(t), 128 + extra);
        assert_int_equal(etcd_txn_n_ops(t), 128);
        assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), extra ? -E2BIG : 0);
        assert_false(a.maybe);
    }
}

static void test_txn__one_as_large_as_allowed_is_taken_by_etcd(void **state)
{
    struct etcd_txn *t = etcd_txn_new();
    struct etcd_answer a;
    orc_auto_free char *value = orc_calloc(1, 9901);

    memset(value, 'y', 9900);
    for (int i = 0; i < 100; i++) {
        orc_auto_free char *key = orc_printf("/t/big/%03d", i);

        etcd_txn_put(t, key, value, 0);
    }
    assert_true(etcd_txn_bytes(t) > 990000 && etcd_txn_bytes(t) <= ETCD_TXN_BYTES_MAX);
    assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), 0);
}

/* Errors ---------------------------------------------------------------------------------------------- */

static void test_etcd__a_compacted_revision_is_named_so(void **state)
{
    struct etcd_answer a;
    char args[64];
    int64_t old = put("/t/c", "1"), revision = put("/t/c", "2");

    snprintf(args, sizeof args, "compact %lld", (long long)revision);
    assert_true(etcd_ctl(&server, args));
    assert_int_equal(etcd_sync_range(e, &loop, "/t/c", old, &a, &err), -ESTALE);
    assert_non_null(strstr(err.msg, "compacted"));
    assert_non_null(strstr(err.msg, server.url));
}

static void test_etcd__what_etcd_refuses_is_said_with_its_own_words(void **state)
{
    struct etcd_txn *t = etcd_txn_new();
    struct etcd_answer a;

    etcd_txn_put(t, "/t/twice", "a", 0);
    etcd_txn_put(t, "/t/twice", "b", 0);
    assert_int_equal(etcd_sync_txn(e, &loop, t, &a, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "duplicate key"));
    assert_false(a.maybe);
    assert_int_equal(etcd_sync_lease_revoke(e, &loop, 12345, &a, &err), -ENOENT);
}

/* Behaviour 92: the gateway says HTTP 200 to a keep-alive of a lease that is gone. */
static void on_copy_lease(const struct etcd_result *res, void *arg)
{
    struct etcd_answer *a = arg;

    assert_int_equal(res->error, 0);
    a->lease = res->lease;
    a->ttl_s = res->ttl_s;
    a->succeeded = true;
}

static bool answered(void *arg)
{
    return ((struct etcd_answer *)arg)->succeeded;
}

static void test_etcd__a_keep_alive_of_a_lease_that_is_gone_has_no_ttl(void **state)
{
    struct etcd_answer a = {0}, b;

    assert_int_equal(etcd_sync_lease_grant(e, &loop, 30, &b, &err), 0);
    etcd_lease_keepalive_once(e, b.lease, 2000, on_copy_lease, &a);
    assert_true(loop_until(&loop, answered, &a));
    assert_true(a.lease == b.lease && a.ttl_s == 30);
    assert_int_equal(etcd_sync_lease_revoke(e, &loop, b.lease, &b, &err), 0);
    a = (struct etcd_answer){0};
    etcd_lease_keepalive_once(e, 4242, 2000, on_copy_lease, &a);
    assert_true(loop_until(&loop, answered, &a));
    assert_int_equal(a.lease, 4242);
    assert_int_equal(a.ttl_s, 0);
}

/* Behaviour 93: a full store is reported, with what to do. */
static void test_etcd__a_full_store_is_said_to_be_full(void **state)
{
    static const char *const small[] = {"--quota-backend-bytes", "2000000", NULL};
    struct etcd_server full;
    struct etcd *before = e;
    struct etcd_answer a;
    orc_auto_free char *value = orc_calloc(1, 500001);
    int r = 0;

    memset(value, 'z', 500000);
    etcd_servers_start(&full, 1, small);
    e = client(0, 1, full.url);
    for (int i = 0; i < 40 && r == 0; i++)
        r = etcd_sync_put(e, &loop, "/t/full", value, 0, &a, &err);
    assert_int_equal(r, -ENOSPC);
    assert_false(a.maybe);
    assert_non_null(strstr(err.msg, "the store is full"));
    assert_int_equal(etcd_sync_get(e, &loop, "/t/full", &a, &err), 0);
    etcd_answer_release(&a);
    etcd_free(e);
    e = before;
    etcd_server_stop(&full);
}

/* Ending ---------------------------------------------------------------------------------------------- */

static void on_count_cancelled(const struct etcd_result *res, void *arg)
{
    assert_int_equal(res->error, -ECANCELED);
    ++*(int *)arg;
}

static void test_etcd__cancelled_calls_end_once_before_the_cancel_returns(void **state)
{
    int n = 0;
    struct etcd_call *call = etcd_get(e, "/t/x", on_count_cancelled, &n);

    assert_int_equal(n, 0);
    etcd_cancel(call);
    assert_int_equal(n, 1);
    etcd_get(e, "/t/x", on_count_cancelled, &n);
    etcd_put(e, "/t/x", "y", 0, on_count_cancelled, &n);
    e = etcd_free(e);
    assert_int_equal(n, 3);
}

static void on_free_client(const struct etcd_result *res, void *arg)
{
    if (res->error == 0)
        e = etcd_free(e);
}

static bool freed(void *arg)
{
    return !e;
}

static void test_etcd__the_client_may_be_freed_from_its_own_callback(void **state)
{
    etcd_get(e, "/t/x", on_free_client, NULL);
    etcd_get(e, "/t/x", on_free_client, NULL);
    assert_true(loop_until(&loop, freed, NULL));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_client, close_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_etcd__what_was_put_is_read_back),
        TEST(test_etcd__zero_values_that_etcd_leaves_out_are_zero),
        TEST(test_etcd__64_bit_ids_survive),
        TEST(test_etcd__values_with_any_bytes_and_of_many_kilobytes_come_back_whole),
        TEST(test_etcd__a_large_range_is_read_in_pages_at_one_revision),
        TEST(test_etcd__pages_follow_the_size_of_the_values),
        TEST(test_etcd__pages_that_are_too_large_are_asked_for_again_in_smaller_ones),
        TEST(test_etcd__a_key_with_a_nul_inside_neither_hides_others_nor_passes_for_one),
        TEST(test_txn__of_two_writers_with_one_base_revision_one_wins),
        TEST(test_txn__every_compare_holds_and_fails_as_it_says),
        TEST(test_txn__gets_come_in_order_and_deletes_delete),
        TEST(test_txn__128_compares_and_128_operations_fit_and_one_more_is_refused_unsent),
        TEST(test_txn__one_as_large_as_allowed_is_taken_by_etcd),
        TEST(test_etcd__a_compacted_revision_is_named_so),
        TEST(test_etcd__what_etcd_refuses_is_said_with_its_own_words),
        TEST(test_etcd__a_keep_alive_of_a_lease_that_is_gone_has_no_ttl),
        TEST(test_etcd__a_full_store_is_said_to_be_full),
        TEST(test_etcd__cancelled_calls_end_once_before_the_cancel_returns),
        TEST(test_etcd__the_client_may_be_freed_from_its_own_callback),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
