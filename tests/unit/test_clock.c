#include "lib/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void test_clock__wall_time_is_written_as_rfc_3339(void **state)
{
    char buf[ORC_TIME_MAX];

    assert_string_equal(orc_format_time(0, buf), "1970-01-01T00:00:00.000Z");
    assert_string_equal(orc_format_time(INT64_C(1769860800000), buf), "2026-01-31T12:00:00.000Z");
    assert_string_equal(orc_format_time(INT64_C(951782400999), buf), "2000-02-29T00:00:00.999Z");
    assert_string_equal(orc_format_time(-1, buf), "1969-12-31T23:59:59.999Z");
}

static void test_clock__absurd_times_stay_inside_the_buffer(void **state)
{
    char buf[ORC_TIME_MAX];

    assert_int_equal(strlen(orc_format_time(INT64_MAX, buf)), 24);
    assert_memory_equal(buf, "9999-12-31T23:59:59", 19);
    assert_int_equal(strlen(orc_format_time(INT64_MIN, buf)), 24);
    assert_memory_equal(buf, "0000-01-01T00:00:00", 19);
}

static void test_clock__the_monotonic_clock_does_not_go_back(void **state)
{
    uint64_t last = orc_clock_ms();

    for (int i = 0; i < 10000; i++) {
        uint64_t now = orc_clock_ms();

        assert_true(now >= last);
        last = now;
    }
    assert_true(orc_wall_ms() > INT64_C(1700000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock__wall_time_is_written_as_rfc_3339),
        cmocka_unit_test(test_clock__absurd_times_stay_inside_the_buffer),
        cmocka_unit_test(test_clock__the_monotonic_clock_does_not_go_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
