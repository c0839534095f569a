/* Zone files, held against the C library's reading of them (lib/zone). */
#include "lib/zone.h"

#include "lib/file.h"
#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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
        cmocka_unit_test(test_zones__each_is_asked_for_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
