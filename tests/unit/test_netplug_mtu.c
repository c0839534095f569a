/* netplug/mtu: which MTU orc0 gets. */
#include "netplug/mtu.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Behaviour 94. */
static void test_netplug_mtu__range_is_checked(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    static const int64_t good[] = {68, 576, 1280, 1400, 1500, 9000, 65535};
    static const int64_t bad[] = {INT64_MIN, -1500, -1, 0, 67, 65536, INT64_MAX};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++)
        assert_int_equal(mtu_check(good[i], &err), 0);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        assert_int_equal(mtu_check(bad[i], &err), -EINVAL);
    mtu_check(65536, &err);
    assert_string_equal(err.msg, "MTU 65536 is out of range: 68..65535 bytes are possible.");
}

static void test_netplug_mtu__zero_takes_what_the_underlay_leaves(void **state)
{
    int mtu = -7;

    assert_int_equal(mtu_resolve("eth1", 1500, 0, 0, &mtu, NULL), 0);
    assert_int_equal(mtu, 1500);
    assert_int_equal(mtu_resolve("eth1", 1400, 0, 0, &mtu, NULL), 0);
    assert_int_equal(mtu, 1400);
    assert_int_equal(mtu_resolve("eth1", 1500, 50, 0, &mtu, NULL), 0);
    assert_int_equal(mtu, 1450);
    assert_int_equal(mtu_resolve("lo", 65536, 0, 0, &mtu, NULL), 0);
    assert_int_equal(mtu, 65535);
}

static void test_netplug_mtu__less_than_the_underlay_is_allowed(void **state)
{
    int mtu = -7;

    assert_int_equal(mtu_resolve("eth1", 9000, 0, 1450, &mtu, NULL), 0);
    assert_int_equal(mtu, 1450);
    assert_int_equal(mtu_resolve("eth1", 9000, 0, 9000, &mtu, NULL), 0);
    assert_int_equal(mtu, 9000);
}

static void test_netplug_mtu__more_than_fits_is_refused_with_both_figures(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    int mtu = -7;

    assert_int_equal(mtu_resolve("eth1", 1450, 0, 1500, &mtu, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "MTU 1500 does not fit: eth1 has MTU 1450, which leaves 1450"));
    assert_int_equal(mtu, -7);
    assert_int_equal(mtu_resolve("eth1", 60, 0, 0, &mtu, &err), -EINVAL);
    assert_int_equal(mtu, -7);
}

static void test_netplug_mtu__modes_of_later_are_refused_by_name(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    int overhead = -7;

    assert_int_equal(mtu_overhead("vxlan", &overhead, &err), -EOPNOTSUPP);
    assert_non_null(strstr(err.msg, "\"vxlan\" is not in this netplug yet"));
    assert_int_equal(mtu_overhead("routed", &overhead, &err), -EOPNOTSUPP);
    assert_int_equal(mtu_overhead("magic", &overhead, &err), -EINVAL);
    assert_int_equal(overhead, -7);
    assert_int_equal(mtu_overhead(NULL, &overhead, &err), 0);
    assert_int_equal(overhead, 0);
    assert_int_equal(mtu_overhead("bridge", &overhead, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_mtu__range_is_checked),
        cmocka_unit_test(test_netplug_mtu__zero_takes_what_the_underlay_leaves),
        cmocka_unit_test(test_netplug_mtu__less_than_the_underlay_is_allowed),
        cmocka_unit_test(test_netplug_mtu__more_than_fits_is_refused_with_both_figures),
        cmocka_unit_test(test_netplug_mtu__modes_of_later_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
