#include "lib/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void duration_is(const char *s, uint64_t want)
{
    struct orc_err err = ORC_ERR_INIT;
    uint64_t ms = 77;

    if (orc_parse_duration_ms(s, &ms, &err) < 0)
        fail_msg("\"%s\" was refused: %s", s, err.msg);
    if (ms != want)
        fail_msg("\"%s\" gave %llu", s, (unsigned long long)ms);
}

static void duration_refused(const char *s, int code)
{
    struct orc_err err = ORC_ERR_INIT;
    uint64_t ms = 77;

    if (orc_parse_duration_ms(s, &ms, &err) != code)
        fail_msg("\"%s\" was not refused with %d", s, code);
    assert_int_equal(ms, 77);
    assert_non_null(strstr(err.msg, s));
}

static void test_units__durations_are_read_as_compose_writes_them(void **state)
{
    duration_is("0", 0);
    duration_is("0s", 0);
    duration_is("1h30m", 5400000);
    duration_is("2.5s", 2500);
    duration_is("300ms", 300);
    duration_is("1m30s", 90000);
    duration_is("1h1m1s1ms", 3661001);
    duration_is(".5m", 30000);
    duration_is("1.000000000000000000000s", 1000);
}

static void test_units__a_part_of_a_millisecond_counts_as_one(void **state)
{
    duration_is("10us", 1);
    duration_is("1000us", 1);
    duration_is("1001us", 2);
    duration_is("0.000000000000000001us", 1);
    duration_is("500us500us", 1);
    duration_is("1.0001ms", 2);
}

static void test_units__a_duration_without_unit_or_with_junk_is_refused(void **state)
{
    static const char *const bad[] = {"5",    "",    "s",   "-1s",  "+1s", "1 s",  "1s ",   " 1s",  "1d",
                                      "1.5.", "..s", "1s5", "1e3s", "1S",  "0x5s", "1s-1s", "1s,2s"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        duration_refused(bad[i], -EINVAL);
    duration_refused("0.1234567890123456789s", -EINVAL);
}

static void test_units__a_duration_past_the_arithmetic_is_refused(void **state)
{
    duration_refused("2562048h", -ERANGE);
    duration_refused("2000000h2000000h", -ERANGE);
    duration_refused("9223372036854775807h", -ERANGE);
    duration_refused("9223372036854775808us", -EINVAL);
    duration_is("9223372036s", UINT64_C(9223372036000));
}

static void size_is(const char *s, int64_t want)
{
    struct orc_err err = ORC_ERR_INIT;
    int64_t n = 77;

    if (orc_parse_size(s, &n, &err) < 0)
        fail_msg("\"%s\" was refused: %s", s, err.msg);
    if (n != want)
        fail_msg("\"%s\" gave %lld", s, (long long)n);
}

static void size_refused(const char *s)
{
    struct orc_err err = ORC_ERR_INIT;
    int64_t n = 77;

    if (orc_parse_size(s, &n, &err) >= 0)
        fail_msg("\"%s\" was accepted", s);
    assert_int_equal(n, 77);
    assert_non_null(strstr(err.msg, s));
}

/* Behaviour 9. */
static void test_units__sizes_are_powers_of_1024(void **state)
{
    size_is("0", 0);
    size_is("812", 812);
    size_is("812b", 812);
    size_is("32k", 32768);
    size_is("32K", 32768);
    size_is("64mb", 64 << 20);
    size_is("512M", 512 << 20);
    size_is("64MiB", 64 << 20);
    size_is("1.5g", INT64_C(3) << 29);
    size_is("2t", INT64_C(2) << 40);
    size_is("1p", INT64_C(1) << 50);
    size_is("0.3k", 307);
    size_is("8191P", INT64_C(8191) << 50);
}

/* Behaviour 9. */
static void test_units__negative_size_and_junk_units_are_refused(void **state)
{
    static const char *const bad[] = {"-1",
                                      "-1m",
                                      "",
                                      "m",
                                      "12q",
                                      "1mm",
                                      "1 m",
                                      "1m ",
                                      "1bb",
                                      "1i",
                                      "1ki",
                                      "1bi",
                                      "0x10",
                                      "1e3",
                                      "1..5m",
                                      "8192P",
                                      "9223372036854775808"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        size_refused(bad[i]);
}

static void test_units__cpus_are_decimal_numbers(void **state)
{
    static const char *const bad[] = {"", "-1", "1.0000000001", "1c", "a", ".", "1e1", "9223372037", " 1"};
    int64_t nano = 0;

    assert_int_equal(orc_parse_cpus("0.50", &nano, NULL), 0);
    assert_int_equal(nano, 500000000);
    assert_int_equal(orc_parse_cpus("2", &nano, NULL), 0);
    assert_int_equal(nano, 2 * ORC_NANO_CPU);
    assert_int_equal(orc_parse_cpus(".000000001", &nano, NULL), 0);
    assert_int_equal(nano, 1);
    assert_int_equal(orc_parse_cpus("1.00000000000000000000", &nano, NULL), 0);
    assert_int_equal(nano, ORC_NANO_CPU);
    nano = 77;
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct orc_err err = ORC_ERR_INIT;

        if (orc_parse_cpus(bad[i], &nano, &err) >= 0)
            fail_msg("\"%s\" was accepted", bad[i]);
        assert_int_equal(nano, 77);
        assert_true(err.msg[0]);
    }
}

static void test_units__whole_numbers_keep_their_range(void **state)
{
    static const char *const bad[] = {"",   "-", "+1", "1.0", " 1", "1 ", "11", "-6", "99999999999999999999",
                                      "--1"};
    struct orc_err err = ORC_ERR_INIT;
    int64_t n = 0;

    assert_int_equal(orc_parse_int("-5", -5, 10, &n, NULL), 0);
    assert_int_equal(n, -5);
    assert_int_equal(orc_parse_int("10", -5, 10, &n, NULL), 0);
    assert_int_equal(n, 10);
    assert_int_equal(orc_parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &n, NULL), 0);
    assert_true(n == INT64_MIN);
    assert_int_equal(orc_parse_int("9223372036854775807", INT64_MIN, INT64_MAX, &n, NULL), 0);
    assert_true(n == INT64_MAX);
    n = 77;
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        if (orc_parse_int(bad[i], -5, 10, &n, &err) != -EINVAL || n != 77)
            fail_msg("\"%s\" was accepted", bad[i]);
    orc_parse_int("11", -5, 10, &n, &err);
    assert_string_equal(err.msg, "\"11\" is not a whole number in -5..10");
}

static void test_units__a_written_duration_parses_back(void **state)
{
    static const uint64_t some[] = {0,     1,     300,   999,     1000,    1500,    59999,
                                    60000, 90000, 90500, 3600000, 3661001, 86400000};
    char buf[ORC_UNIT_MAX];

    assert_string_equal(orc_format_duration(0, buf), "0s");
    assert_string_equal(orc_format_duration(500, buf), "500ms");
    assert_string_equal(orc_format_duration(1500, buf), "1.5s");
    assert_string_equal(orc_format_duration(90000, buf), "1m30s");
    assert_string_equal(orc_format_duration(3600000, buf), "1h");
    for (size_t i = 0; i < ORC_ARRAY_SIZE(some); i++)
        duration_is(orc_format_duration(some[i], buf), some[i]);
    for (uint64_t ms = 1; ms < UINT64_C(9000000000000); ms = ms * 3 + 1)
        duration_is(orc_format_duration(ms, buf), ms);
    orc_format_duration(UINT64_MAX, buf);
    assert_true(strlen(buf) < ORC_UNIT_MAX);
}

/* Go, time/time.go: Duration.String() */
static void test_units__formats_durations_as_go_does(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {{0, "0s"},           {20, "20ms"},        {999, "999ms"},       {1000, "1s"},
                 {1500, "1.5s"},      {60000, "1m0s"},     {60500, "1m0.5s"},    {90000, "1m30s"},
                 {3600000, "1h0m0s"}, {3601000, "1h0m1s"}, {5400000, "1h30m0s"}, {3600050, "1h0m0.05s"}};
    char buf[ORC_UNIT_MAX];

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        assert_string_equal(orc_format_go_duration(cases[i].ms, buf), cases[i].text);
        duration_is(buf, cases[i].ms);
    }
}

static void test_units__written_cpus_parse_back(void **state)
{
    char buf[ORC_UNIT_MAX];
    int64_t nano;

    assert_string_equal(orc_format_cpus(500000000, buf), "0.5");
    assert_string_equal(orc_format_cpus(2000000000, buf), "2");
    assert_string_equal(orc_format_cpus(10000000000, buf), "10");
    assert_string_equal(orc_format_cpus(0, buf), "0");
    assert_string_equal(orc_format_cpus(-250000000, buf), "-0.25");
    for (int64_t n = 1; n < INT64_MAX / 8; n = n * 7 + 3) {
        assert_int_equal(orc_parse_cpus(orc_format_cpus(n, buf), &nano, NULL), 0);
        assert_true(nano == n);
    }
}

static void test_units__sizes_for_people_have_three_figures(void **state)
{
    char buf[ORC_UNIT_MAX];

    assert_string_equal(orc_format_size(0, buf), "0 B");
    assert_string_equal(orc_format_size(812, buf), "812 B");
    assert_string_equal(orc_format_size(1024, buf), "1 KiB");
    assert_string_equal(orc_format_size(372 << 20, buf), "372 MiB");
    assert_string_equal(orc_format_size(INT64_C(3) << 29, buf), "1.5 GiB");
    assert_string_equal(orc_format_size((1 << 20) - 1, buf), "1 MiB");
    assert_string_equal(orc_format_size(1023 << 20, buf), "1023 MiB");
    assert_string_equal(orc_format_size(-(140 << 20), buf), "-140 MiB");
    assert_string_equal(orc_format_size(INT64_MAX, buf), "8 EiB");
    assert_string_equal(orc_format_size(INT64_MIN, buf), "-8 EiB");
}

static void test_units__whole_numbers_are_written_plainly(void **state)
{
    const int64_t some[] = {0, 7, 10, -1, -120, 1234567890123, INT64_MAX, INT64_MIN};
    char buf[ORC_UNIT_MAX], want[ORC_UNIT_MAX], few[] = "xxxx";

    for (size_t i = 0; i < ORC_ARRAY_SIZE(some); i++) {
        snprintf(want, sizeof want, "%lld", (long long)some[i]);
        assert_string_equal(orc_format_int(some[i], buf), want);
    }
    assert_ptr_equal(orc_put_digits(few, few + 3, 12345), few + 3);
    assert_memory_equal(few, "123x", 4);
    assert_ptr_equal(orc_put_digits(few, few + 3, 9), few + 1);
}

static void test_units__ages_have_one_unit(void **state)
{
    char buf[ORC_UNIT_MAX];

    assert_string_equal(orc_format_age(0, buf), "0s");
    assert_string_equal(orc_format_age(5999, buf), "5s");
    assert_string_equal(orc_format_age(59999, buf), "59s");
    assert_string_equal(orc_format_age(180000, buf), "3m");
    assert_string_equal(orc_format_age(7200000, buf), "2h");
    assert_string_equal(orc_format_age(4 * 86400000, buf), "4d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units__durations_are_read_as_compose_writes_them),
        cmocka_unit_test(test_units__formats_durations_as_go_does),
        cmocka_unit_test(test_units__a_part_of_a_millisecond_counts_as_one),
        cmocka_unit_test(test_units__a_duration_without_unit_or_with_junk_is_refused),
        cmocka_unit_test(test_units__a_duration_past_the_arithmetic_is_refused),
        cmocka_unit_test(test_units__sizes_are_powers_of_1024),
        cmocka_unit_test(test_units__negative_size_and_junk_units_are_refused),
        cmocka_unit_test(test_units__cpus_are_decimal_numbers),
        cmocka_unit_test(test_units__whole_numbers_keep_their_range),
        cmocka_unit_test(test_units__a_written_duration_parses_back),
        cmocka_unit_test(test_units__written_cpus_parse_back),
        cmocka_unit_test(test_units__sizes_for_people_have_three_figures),
        cmocka_unit_test(test_units__whole_numbers_are_written_plainly),
        cmocka_unit_test(test_units__ages_have_one_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
