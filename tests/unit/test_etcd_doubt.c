/* When a write may leave, and which answers clear a doubt. */
#include "state/etcd_doubt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct guard known(void)
{
    return (struct guard){.etcd_cluster_id = 7, .orc_cluster_id = "c", .revision = 100};
}

static void test_doubt__without_a_guard_all_is_sent_and_believed(void **state)
{
    struct etcd_doubt d = {.doubts = 3};

    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_SEND);
    assert_int_equal(etcd_doubt_asked_at(&d), 0);
    assert_true(etcd_doubt_learn(&d, 8, 1, 0, 0, false));
}

static void test_doubt__a_guard_that_never_saw_a_cluster_protects_nothing(void **state)
{
    struct guard g = {0};
    struct etcd_doubt d = {.guard = &g, .doubts = 1};

    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_SEND);
}

static void test_doubt__a_frozen_guard_holds_writes_and_lets_reads_go(void **state)
{
    struct guard g = known();
    struct etcd_doubt d = {.guard = &g};

    g.frozen = true;
    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_HOLD);
    assert_int_equal(etcd_doubt_leave(&d, false), ETCD_SEND);
}

static void test_doubt__the_first_write_after_a_doubt_asks(void **state)
{
    struct guard g = known();
    struct etcd_doubt d = {.guard = &g, .doubts = 1};

    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_ASK);
    assert_int_equal(etcd_doubt_leave(&d, false), ETCD_SEND);
    assert_true(etcd_doubt_learn(&d, 7, 101, 100, d.doubts, false));
    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_SEND);
    assert_int_equal(etcd_doubt_asked_at(&d), 101);
}

static void test_doubt__an_answer_asked_for_before_the_doubt_does_not_clear_it(void **state)
{
    struct guard g = known();
    struct etcd_doubt d = {.guard = &g, .doubts = 2};

    assert_true(etcd_doubt_learn(&d, 7, 101, 100, 1, false));
    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_ASK);
}

/* It may come from a member that lags. */
static void test_doubt__a_lease_clears_nothing_and_a_low_revision_raises_a_doubt(void **state)
{
    struct guard g = known();
    struct etcd_doubt d = {.guard = &g, .doubts = 1};

    assert_true(etcd_doubt_learn(&d, 7, 101, 100, 1, true));
    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_ASK);
    assert_true(etcd_doubt_learn(&d, 7, 102, 101, 1, false));
    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_SEND);
    assert_false(etcd_doubt_learn(&d, 7, 50, 102, 1, true));
    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_ASK);
    assert_false(g.frozen);
}

static void test_doubt__an_older_store_freezes_and_is_told(void **state)
{
    struct guard g = known();
    struct etcd_doubt d = {.guard = &g};

    assert_false(etcd_doubt_learn(&d, 7, 50, 100, 0, false));
    assert_true(g.frozen);
    assert_int_equal(etcd_doubt_leave(&d, true), ETCD_HOLD);
    assert_true(etcd_doubt_learn(&d, 7, 50, 100, 1, false)); /* frozen: only guard_config() ends it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubt__without_a_guard_all_is_sent_and_believed),
        cmocka_unit_test(test_doubt__a_guard_that_never_saw_a_cluster_protects_nothing),
        cmocka_unit_test(test_doubt__a_frozen_guard_holds_writes_and_lets_reads_go),
        cmocka_unit_test(test_doubt__the_first_write_after_a_doubt_asks),
        cmocka_unit_test(test_doubt__an_answer_asked_for_before_the_doubt_does_not_clear_it),
        cmocka_unit_test(test_doubt__a_lease_clears_nothing_and_a_low_revision_raises_a_doubt),
        cmocka_unit_test(test_doubt__an_older_store_freezes_and_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
