/* Zone files, held against the C library's reading of them (lib/zone). */
#include "lib/zone.h"

#include "lib/cron.h"
#include "lib/file.h"
#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static long libc_offset(int64_t utc)
{
    time_t t = (time_t)utc;
    struct tm tm;

    localtime_r(&t, &tm);
    return tm.tm_gmtoff;
}

/* Rules of the north, of the south, without daylight saving, with half hours, with changes of half an hour,
 * at midnight, by an hour less in winter (Dublin), around Ramadan (Casablanca), before and after 1970 and
 * 2037. */
static void test_zone__is_what_the_c_library_says(void **state)
{
    static const char *const names[] = {"UTC",
                                        "Europe/Berlin",
                                        "Europe/Dublin",
                                        "America/New_York",
                                        "America/Santiago",
                                        "Asia/Kolkata",
                                        "Asia/Kathmandu",
                                        "Australia/Lord_Howe",
                                        "Pacific/Apia",
                                        "Africa/Casablanca",
                                        "Asia/Gaza",
                                        "Pacific/Auckland",
                                        "America/Sao_Paulo",
                                        "Asia/Tehran",
                                        "Antarctica/Troll",
                                        "America/Havana",
                                        "Europe/Istanbul",
                                        "Etc/GMT+12",
                                        "Asia/Tokyo",
                                        "America/Nuuk"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(names); i++) {
        struct orc_err err = ORC_ERR_INIT;
        struct orc_zone *z = orc_zone_load(ORC_ZONE_DIR, names[i], &err);

        if (!z)
            fail_msg("%s", err.msg);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t t = -2000000000; t < 5000000000; t += 6 * 3600 + 1)
            if (orc_zone_offset(z, t) != libc_offset(t))
                fail_msg("%s at %lld: %d, and %ld for the C library", names[i], (long long)t,
                         orc_zone_offset(z, t), libc_offset(t));
        orc_zone_free(z);
    }
    unsetenv("TZ");
    tzset();
}

static void test_zone__to_the_second_of_a_change(void **state)
{
    struct orc_zone *z = orc_zone_load(ORC_ZONE_DIR, "Europe/Berlin", NULL);

    assert_non_null(z);
    assert_int_equal(orc_zone_offset(z, 1774746000 - 1), 3600); /* 2026-03-29 01:00 UTC */
    assert_int_equal(orc_zone_offset(z, 1774746000), 7200);
    assert_int_equal(orc_zone_offset(z, 1792890000 - 1), 7200); /* 2026-10-25 01:00 UTC */
    assert_int_equal(orc_zone_offset(z, 1792890000), 3600);
    orc_zone_free(z);
}

static void test_zone__a_name_is_no_path(void **state)
{
    static const char *const bad[] = {"",        "/etc/passwd",    "..",  "../x",     "a/../b",
                                      "Europe/", "Europe//Berlin", "a b", "\xc3\xa4", "a.b"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct orc_err err = ORC_ERR_INIT;

        assert_int_equal(orc_zone_check_name(bad[i], &err), -22);
        assert_null(orc_zone_load(ORC_ZONE_DIR, bad[i], &err));
    }
    assert_int_equal(orc_zone_check_name("America/Argentina/Buenos_Aires", NULL), 0);
    assert_int_equal(orc_zone_check_name("Etc/GMT+1", NULL), 0);
}

static void test_zone__what_is_not_there_is_said(void **state)
{
    struct orc_err err = ORC_ERR_INIT;

    assert_null(orc_zone_load(ORC_ZONE_DIR, "Europe/Atlantis", &err));
    assert_non_null(strstr(err.msg, "there is no time zone \"Europe/Atlantis\""));
    assert_null(orc_zone_load(ORC_ZONE_DIR, "tzdata-zi", &err));
}

/* Hostile files: cut anywhere, or with any byte changed, they are refused or read, and never do harm. */
static void test_zone__cut_and_bent_files_do_no_harm(void **state)
{
    orc_auto_free char *data = NULL;
    char dir[] = "/tmp/zone-XXXXXX";
    size_t n;

    assert_int_equal(orc_file_read(ORC_ZONE_DIR "/Europe/Berlin", 1 << 20, &data, &n, NULL), 0);
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < n; i += 1 + n / 400) {
        orc_auto_free char *path = orc_printf("%s/x", dir);
        struct orc_zone *z;
        char was = data[i];

        data[i] = (char)(was ^ (1 << (i % 8)));
        assert_int_equal(orc_file_write(path, data, i % 2 ? n : i, 0600, NULL), 0);
        data[i] = was;
        z = orc_zone_load(dir, "x", NULL);
        for (int64_t t = -2000000000; z && t < 5000000000; t += 100000000)
            assert_in_range(orc_zone_offset(z, t) + 170 * 3600, 0, 340 * 3600);
        orc_zone_free(z);
        unlink(path);
    }
    rmdir(dir);
}

/* ---- files of our own, as RFC 9636 has them -------------------------------------------------------------
 */

struct made { /* two types and up to two changes between them */
    char version;
    int64_t changes[2];
    size_t n;
    int32_t offsets[2];
    const char *rule;
    uint32_t extra; /* of the first block's counts of characters, that are not there */
};

static size_t put(unsigned char *to, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(v >> 8 * (bytes - 1 - i));
    return (size_t)bytes;
}

static size_t put_header(unsigned char *to, char version, size_t times, uint32_t chars)
{
    size_t n = 20;

    memset(to, 0, 20);
    memcpy(to, "TZif", 4);
    to[4] = (unsigned char)version;
    for (int i = 0; i < 3; i++)
        n += put(to + n, 0, 4);
    n += put(to + n, times, 4);
    n += put(to + n, 2, 4);
    return n + put(to + n, chars, 4);
}

static size_t put_types(unsigned char *to, const struct made *m)
{
    size_t n = 0;

    for (int i = 0; i < 2; i++) {
        n += put(to + n, (uint32_t)m->offsets[i], 4);
        n += put(to + n, 0, 2);
    }
    return n + put(to + n, UINT64_C(0x41414100), 4); /* "AAA" */
}

/* Loads it; NULL: refused. */
static struct orc_zone *make(const struct made *m)
{
    char dir[] = "/tmp/zone-XXXXXX";
    unsigned char b[400];
    size_t n = put_header(b, m->version, 0, 4 + m->extra);
    orc_auto_free char *path = NULL;
    struct orc_zone *z;

    n += put_types(b + n, m);
    n += put_header(b + n, m->version, m->n, 4);
    for (size_t i = 0; i < m->n; i++)
        n += put(b + n, (uint64_t)m->changes[i], 8);
    for (size_t i = 0; i < m->n; i++)
        n += put(b + n, (i + 1) % 2, 1);
    n += put_types(b + n, m);
    n += (size_t)snprintf((char *)b + n, sizeof b - n, "\n%s\n", m->rule);
    assert_non_null(mkdtemp(dir));
    path = orc_printf("%s/x", dir);
    assert_int_equal(orc_file_write(path, b, n, 0600, NULL), 0);
    z = orc_zone_load(dir, "x", NULL);
    unlink(path);
    rmdir(dir);
    return z;
}

static void test_zone__what_no_file_may_have_is_refused(void **state)
{
    const struct made good = {
        .version = '2', .changes = {100, 200}, .n = 2, .offsets = {3600, 7200}, .rule = "AAA-1"};
    struct made bad[8];
    struct orc_zone *z = make(&good);

    assert_non_null(z);
    assert_int_equal(orc_zone_offset(z, 99), 3600);
    assert_int_equal(orc_zone_offset(z, 100), 7200);
    assert_int_equal(orc_zone_offset(z, 200), 3600);
    orc_zone_free(z);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        bad[i] = good;
    bad[0].version = 0; /* times of 32 bits alone */
    bad[1].changes[1] = 100;
    bad[2].changes[1] = 99;
    bad[3].offsets[1] = 26 * 3600;
    bad[4].offsets[0] = -26 * 3600;
    bad[5].extra = 1000000;
    bad[6].rule = "AAA-1BBB,M13.1.0,M4.1.0";
    bad[7].rule = "AAA-1BBB,M3.1.0";
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        if ((z = make(&bad[i])))
            fail_msg("%zu was accepted", i);
}

static void assert_rule(const char *rule, int64_t days, int seconds, int32_t offset)
{
    const struct made m = {.version = '2', .offsets = {0, 0}, .rule = rule};
    struct orc_zone *z = make(&m);

    assert_non_null(z);
    if (orc_zone_offset(z, days * 86400 + seconds) != offset)
        fail_msg("%s: %d at day %lld and %d s", rule, orc_zone_offset(z, days * 86400 + seconds),
                 (long long)days, seconds);
    orc_zone_free(z);
}

/* Jn leaves out 29 February: J59 is always 28 February and J60 1 March. n counts it, from 0. */
static void test_zone__days_of_the_year_in_leap_years(void **state)
{
    for (int year = 2027; year <= 2028; year++) {
        int64_t march = orc_days_of(year, 3, 1), february = orc_days_of(year, 2, 28);

        assert_rule("AAA0BBB,J60/0,J300/0", march - 1, 86399, 0);
        assert_rule("AAA0BBB,J60/0,J300/0", march, 0, 3600);
        assert_rule("AAA0BBB,J59/0,J300/0", february - 1, 86399, 0);
        assert_rule("AAA0BBB,J59/0,J300/0", february, 0, 3600);
        assert_rule("AAA0BBB,58/0,299/0", february, 0, 3600);
        assert_rule("AAA0BBB,59/0,299/0", february + 1, 0, 3600); /* 29 February, or 1 March */
    }
}

/* A rule's year is that of the clock on the wall there. */
static void test_zone__a_year_begins_where_it_is_new(void **state)
{
    assert_rule("AAA-13BBB,J1/0,J2/0", orc_days_of(2027, 12, 31), 10 * 3600, 13 * 3600);
    assert_rule("AAA-13BBB,J1/0,J2/0", orc_days_of(2027, 12, 31), 12 * 3600, 14 * 3600);
    assert_rule("AAA11BBB,J365/0,J364/0", orc_days_of(2028, 1, 1), 3 * 3600, -10 * 3600);
}

static void test_zones__each_is_asked_for_by_name(void **state)
{
    struct orc_zones *z = orc_zones_new(ORC_ZONE_DIR);
    int32_t offset = 7;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(orc_zones_offset(z, "Asia/Tokyo", 0, &offset), 0);
        assert_int_equal(offset, 9 * 3600);
        assert_true(orc_zones_offset(z, "Asia/Atlantis", 0, &offset) < 0);
        assert_int_equal(offset, 9 * 3600);
        assert_int_equal(orc_zones_offset(z, "UTC", 0, &offset), 0);
        assert_int_equal(offset, 0);
    }
    orc_zones_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone__is_what_the_c_library_says),
        cmocka_unit_test(test_zone__to_the_second_of_a_change),
        cmocka_unit_test(test_zone__a_name_is_no_path),
        cmocka_unit_test(test_zone__what_is_not_there_is_said),
        cmocka_unit_test(test_zone__cut_and_bent_files_do_no_harm),
        cmocka_unit_test(test_zone__what_no_file_may_have_is_refused),
        cmocka_unit_test(test_zone__days_of_the_year_in_leap_years),
        cmocka_unit_test(test_zone__a_year_begins_where_it_is_new),
        cmocka_unit_test(test_zones__each_is_asked_for_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
