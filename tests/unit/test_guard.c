/* "What absence means": when the store is not the one we knew, everything freezes until `orc recover`. */
#include "state/guard.h"

#include "lib/file.h"
#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

/* A guard that has seen etcd 7, cluster "aa", revision 100, recovered at 5. */
static struct guard known(void)
{
    struct guard g = {0};

    assert_int_equal(guard_config(&g, "aa", 5, 7, 100, g.revision), GUARD_SAME_STORE);
    return g;
}

static void test_guard__a_fresh_one_learns_the_store_it_meets(void **state)
{
    struct guard g = known();

    assert_false(g.frozen);
    assert_string_equal(g.orc_cluster_id, "aa");
    assert_int_equal(g.etcd_cluster_id, 7);
    assert_int_equal(g.revision, 100);
    assert_int_equal(g.recovered, 5);
}

static void test_guard__learns_nothing_before_there_is_a_cluster(void **state)
{
    struct guard g = {0};

    assert_true(guard_header(&g, 7, 100, g.revision));
    assert_int_equal(guard_config(&g, NULL, 0, 7, 100, g.revision), GUARD_SAME_STORE);
    assert_int_equal(guard_config(&g, NULL, 0, 8, 1, g.revision),
                     GUARD_SAME_STORE); /* reinstalled before `orc init` */
    assert_int_equal(guard_config(&g, "aa", 0, 8, 2, g.revision), GUARD_SAME_STORE);
    assert_false(g.frozen);
}

static void test_guard__follows_the_revision_upwards(void **state)
{
    struct guard g = known();

    assert_true(guard_header(&g, 7, 101, g.revision));
    assert_true(guard_header(&g, 7, 101, g.revision));
    assert_true(guard_stream(&g, 7, 200));
    assert_int_equal(g.revision, 200);
    assert_false(guard_header(&g, 7, 199, g.revision));
}

static void test_guard__a_lagging_members_stream_is_no_reason_to_freeze(void **state)
{
    struct guard g = known();

    assert_true(guard_stream(&g, 7, 90));
    assert_int_equal(g.revision, 100);
    assert_false(guard_stream(&g, 8, 200));
    assert_true(g.frozen);
}

static void test_guard__an_answer_that_was_overtaken_is_no_reason_to_freeze(void **state)
{
    struct guard g = known();
    int64_t asked_at = g.revision;

    assert_true(guard_stream(&g, 7, 110)); /* learnt while the answer was on its way */
    assert_true(guard_header(&g, 7, 105, asked_at));
    assert_int_equal(guard_config(&g, "aa", 5, 7, 105, asked_at), GUARD_SAME_STORE);
    assert_int_equal(g.revision, 110);
    assert_false(guard_header(&g, 7, 99, asked_at));
}

static void test_guard__an_answer_from_before_a_recover_is_no_reason_to_freeze(void **state)
{
    struct guard g = known();
    int64_t asked_at = g.revision;

    assert_int_equal(guard_config(&g, "aa", 9, 7, 50, asked_at), GUARD_NEW_STORE);
    assert_true(guard_header(&g, 7, 51, asked_at));
}

static void test_guard__each_sign_of_another_store_freezes_it_with_a_sentence(void **state)
{
    static const struct {
        const char *id;
        uint64_t etcd;
        int64_t revision;
        const char *says;
    } cases[] = {
        {"aa", 8, 200, "another etcd"},
        {"aa", 7, 99, "revision 99, but 100"},
        {"bb", 7, 200, "\"bb\", not \"aa\""},
        {NULL, 7, 200, "config is gone"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct guard g = known();

        assert_int_equal(guard_config(&g, cases[i].id, 5, cases[i].etcd, cases[i].revision, g.revision),
                         GUARD_FROZEN);
        assert_true(g.frozen);
        assert_non_null(strstr(g.reason, cases[i].says));
        assert_non_null(strstr(g.reason, "orc recover"));
        assert_int_equal(g.revision, 100); /* what was known stays known */
        assert_int_equal(g.etcd_cluster_id, 7);
    }
}

static void test_guard__while_frozen_no_header_thaws_it(void **state)
{
    struct guard g = known();

    assert_false(guard_header(&g, 8, 200, g.revision));
    assert_false(guard_header(&g, 7, 200, g.revision));
    assert_false(guard_stream(&g, 7, 200));
    assert_true(g.frozen);
}

static void test_guard__the_known_store_back_thaws_it(void **state)
{
    struct guard g = known();

    assert_int_equal(guard_config(&g, "aa", 5, 8, 3, g.revision), GUARD_FROZEN);
    assert_int_equal(guard_config(&g, "aa", 5, 7, 150, g.revision), GUARD_SAME_STORE);
    assert_false(g.frozen);
    assert_string_equal(g.reason, "");
    assert_int_equal(g.revision, 150);
}

static void test_guard__recover_takes_the_new_store_and_only_a_later_stamp_does(void **state)
{
    struct guard g = known();

    assert_int_equal(guard_config(&g, "aa", 5, 8, 3, g.revision), GUARD_FROZEN);
    assert_int_equal(guard_config(&g, "aa", 4, 8, 3, g.revision), GUARD_FROZEN);
    assert_int_equal(guard_config(&g, "bb", 6, 8, 3, g.revision), GUARD_NEW_STORE);
    assert_false(g.frozen);
    assert_string_equal(g.orc_cluster_id, "bb");
    assert_int_equal(g.etcd_cluster_id, 8);
    assert_int_equal(g.revision, 3);
    assert_int_equal(g.recovered, 6);
    assert_true(guard_header(&g, 8, 4, g.revision));
}

/* It may have been restored while we were away, and have passed the revision that we had seen. */
static void test_guard__a_recover_of_what_looks_like_the_same_store_has_it_read_anew(void **state)
{
    struct guard g = known();

    assert_int_equal(guard_config(&g, "aa", 9, 7, 101, g.revision), GUARD_NEW_STORE);
    assert_int_equal(guard_config(&g, "aa", 9, 8, 200, g.revision), GUARD_FROZEN); /* the stamp was used up */
}

/* On disk --------------------------------------------------------------------------------------------- */

static char dir[] = "/tmp/orc-guard-XXXXXX", path[64], aside[80];

static int make_dir(void **state)
{
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/guard", dir);
    snprintf(aside, sizeof aside, "%s/guard.corrupt", dir);
    return 0;
}

static int remove_dir(void **state)
{
    unlink(path);
    unlink(aside);
    return rmdir(dir);
}

static void test_guard__is_kept_on_disk_with_all_64_bits(void **state)
{
    struct guard g = known(), back;
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *text = NULL;

    g.etcd_cluster_id = UINT64_C(15118495548433857066); /* beyond int64 */
    g.revision = INT64_MAX;
    text = guard_text(&g);
    assert_int_equal(orc_file_write(path, text, strlen(text), 0600, &err), 0);
    assert_int_equal(guard_load(&back, path, &err), 0);
    assert_true(back.etcd_cluster_id == g.etcd_cluster_id);
    assert_true(back.revision == g.revision);
    assert_int_equal(back.recovered, 5);
    assert_string_equal(back.orc_cluster_id, "aa");
    assert_false(back.frozen);
}

static void test_guard__a_missing_file_is_a_fresh_guard(void **state)
{
    struct guard g;
    struct orc_err err = ORC_ERR_INIT;

    memset(&g, 7, sizeof g);
    assert_int_equal(guard_load(&g, path, &err), 0);
    assert_int_equal(g.revision, 0);
    assert_string_equal(g.orc_cluster_id, "");
}

static void test_guard__a_corrupt_file_is_reported_set_aside_and_a_fresh_guard_results(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"etcd_cluster_id\":\"7\"}",
        "{\"etcd_cluster_id\":\"7\",\"orc_cluster_id\":\"a\",\"revision\":-1,\"recovered\":0}",
        "{\"etcd_cluster_id\":\"7\",\"orc_cluster_id\":5,\"revision\":1,\"recovered\":0}"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct orc_err err = ORC_ERR_INIT;
        struct guard g;
        struct stat st;

        assert_int_equal(orc_file_write(path, bad[i], strlen(bad[i]), 0600, &err), 0);
        assert_int_equal(guard_load(&g, path, &err), GUARD_CORRUPT);
        assert_non_null(strstr(err.msg, path));
        assert_int_equal(g.revision, 0);
        assert_int_equal(stat(aside, &st), 0);
        assert_int_equal(stat(path, &st), -1);
    }
}

static void test_guard__a_file_of_any_size_is_read_safely(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    char *large = orc_calloc(1, 100000);
    struct guard g;

    memset(large, '{', 100000);
    assert_int_equal(orc_file_write(path, large, 100000, 0600, &err), 0);
    free(large);
    assert_int_equal(guard_load(&g, path, &err), GUARD_CORRUPT);
}

#define ON_DISK(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard__a_fresh_one_learns_the_store_it_meets),
        cmocka_unit_test(test_guard__learns_nothing_before_there_is_a_cluster),
        cmocka_unit_test(test_guard__follows_the_revision_upwards),
        cmocka_unit_test(test_guard__a_lagging_members_stream_is_no_reason_to_freeze),
        cmocka_unit_test(test_guard__an_answer_that_was_overtaken_is_no_reason_to_freeze),
        cmocka_unit_test(test_guard__an_answer_from_before_a_recover_is_no_reason_to_freeze),
        cmocka_unit_test(test_guard__each_sign_of_another_store_freezes_it_with_a_sentence),
        cmocka_unit_test(test_guard__while_frozen_no_header_thaws_it),
        cmocka_unit_test(test_guard__the_known_store_back_thaws_it),
        cmocka_unit_test(test_guard__recover_takes_the_new_store_and_only_a_later_stamp_does),
        cmocka_unit_test(test_guard__a_recover_of_what_looks_like_the_same_store_has_it_read_anew),
        ON_DISK(test_guard__is_kept_on_disk_with_all_64_bits),
        ON_DISK(test_guard__a_missing_file_is_a_fresh_guard),
        ON_DISK(test_guard__a_corrupt_file_is_reported_set_aside_and_a_fresh_guard_results),
        ON_DISK(test_guard__a_file_of_any_size_is_read_safely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
