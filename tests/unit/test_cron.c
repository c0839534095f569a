/* When a schedule is due: tables, and every minute asked as an oracle (lib/cron). */
#include "lib/cron.h"

#include "lib/mem.h"
#include "lib/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct orc_cron cron(const char *text)
{
    struct orc_cron c;
    struct orc_err err = ORC_ERR_INIT;

    if (orc_cron_parse(text, &c, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return c;
}

/* "2026-03-29 02:30" -> minutes since 1970 on the same clock, and back. */
static int64_t civil(const char *text)
{
    int y, mo, d, h, m;

    assert_int_equal(sscanf(text, "%d-%d-%d %d:%d", &y, &mo, &d, &h, &m), 5);
    return orc_days_of(y, mo, d) * 1440 + h * 60 + m;
}

static const char *text_of(int64_t minute)
{
    static char text[64];
    int64_t days = minute / 1440 - (minute % 1440 < 0), of_day = minute - days * 1440, year;
    int month, day;

    orc_days_to(days, &year, &month, &day);
    snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d", (int)year, month, day, (int)(of_day / 60),
             (int)(of_day % 60));
    return text;
}

static void test_cron__dates_are_counted_both_ways(void **state)
{
    int64_t before = orc_days_of(1599, 12, 31);

    for (int64_t days = before; days < before + 300000; days++) {
        int64_t year;
        int month, day;

        orc_days_to(days, &year, &month, &day);
        assert_int_equal(orc_days_of(year, month, day), days);
    }
    assert_int_equal(orc_days_of(1970, 1, 1), 0);
    assert_int_equal(orc_days_of(2000, 3, 1) - orc_days_of(2000, 2, 28), 2);
    assert_int_equal(orc_days_of(2100, 3, 1) - orc_days_of(2100, 2, 28), 1);
}

static void test_cron__the_next_time(void **state)
{
    static const struct {
        const char *schedule, *after, *next;
    } cases[] = {
        {"* * * * *", "2026-11-21 11:59", "2026-11-21 12:00"},
        {"*/5 * * * *", "2026-11-21 11:59", "2026-11-21 12:00"},
        {"*/5 * * * *", "2026-11-21 12:00", "2026-11-21 12:05"},
        {"7-59/20 * * * *", "2026-01-01 00:07", "2026-01-01 00:27"},
        {"0 3 * * *", "2026-02-28 03:00", "2026-03-01 03:00"},
        {"0 3 * * *", "2028-02-28 03:00", "2028-02-29 03:00"}, /* a leap year */
        {"0 0 29 2 *", "2026-01-01 00:00", "2028-02-29 00:00"},
        {"0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"}, /* 2100 is none */
        {"0 0 31 * *", "2026-01-31 00:00", "2026-03-31 00:00"}, /* months of 31 days */
        {"0 0 30 * *", "2026-01-30 00:00", "2026-03-30 00:00"},
        {"59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59"},
        {"0 12 * * mon-fri", "2026-11-20 12:00", "2026-11-23 12:00"}, /* from a Friday to a Monday */
        {"0 12 * * 1-5", "2026-11-20 12:00", "2026-11-23 12:00"},
        {"0 12 * * 0", "2026-11-21 00:00", "2026-11-22 12:00"},
        {"0 12 * * 7", "2026-11-21 00:00", "2026-11-22 12:00"},
        {"0 12 * * SUN", "2026-11-21 00:00", "2026-11-22 12:00"},
        {"0 12 * * fri-sun", "2026-11-22 12:00", "2026-11-27 12:00"},
        {"0 0 1 jan,JUL *", "2026-01-01 00:00", "2026-07-01 00:00"},
        {"0 0 1 mar-may *", "2026-05-01 00:00", "2027-03-01 00:00"},
        {"0 0 13 * fri", "2026-11-13 00:00", "2026-11-20 00:00"}, /* either day field */
        {"0 0 13 * fri", "2026-12-11 00:00", "2026-12-13 00:00"},
        {"0 0 */2 * fri", "2026-11-13 00:00", "2026-11-27 00:00"}, /* begins with a star: both */
        {"0 0 13 * *", "2026-11-13 00:00", "2026-12-13 00:00"},
        {"0 0 29 2 */1", "2026-01-01 00:00", "2028-02-29 00:00"},
        {"  1,2   3\t4 5   *  ", "2026-05-04 03:01", "2026-05-04 03:02"},
        {"@hourly", "2026-11-21 11:59", "2026-11-21 12:00"},
        {"@daily", "2026-11-21 11:59", "2026-11-22 00:00"},
        {"@midnight", "2026-11-21 11:59", "2026-11-22 00:00"},
        {"@weekly", "2026-11-21 11:59", "2026-11-22 00:00"},
        {"@monthly", "2026-11-21 11:59", "2026-12-01 00:00"},
        {"@yearly", "2026-11-21 11:59", "2027-01-01 00:00"},
        {"@annually", "2026-11-21 11:59", "2027-01-01 00:00"},
        {"0 0 1 1 *", "1969-12-31 23:58", "1970-01-01 00:00"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct orc_cron c = cron(cases[i].schedule);
        const char *is = text_of(orc_cron_next_civil(&c, civil(cases[i].after)));

        if (strcmp(is, cases[i].next) != 0)
            fail_msg("%s after %s: %s, not %s", cases[i].schedule, cases[i].after, is, cases[i].next);
    }
}

static void test_cron__what_is_no_schedule_is_refused(void **state)
{
    static const char *const bad[][2] = {
        {"", "five fields"},           {"* * * *", "five fields"},   {"* * * * * *", "five fields"},
        {"60 * * * *", "minute"},      {"* 24 * * *", "hour"},       {"* * 0 * *", "day of the month"},
        {"* * 32 * *", "\"32\""},      {"* * * 0 *", "month"},       {"* * * 13 *", "month"},
        {"* * * * 8", "week"},         {"-1 * * * *", "minute"},     {"a * * * *", "\"a\" is no minute"},
        {"* * * foo *", "\"foo\""},    {"* * * janu *", "\"janu\""}, {"1, * * * *", "\"1,\""},
        {",1 * * * *", "\",1\""},      {"5-1 * * * *", "\"5-1\""},   {"1-2-3 * * * *", "minute"},
        {"*/0 * * * *", "\"*/0\""},    {"*/ * * * *", "\"*/\""},     {"5/10 * * * *", "steps of a range"},
        {"*5 * * * *", "\"*5\""},      {"1.5 * * * *", "minute"},    {"0 0 30 2 *", "no year has"},
        {"0 0 31 2,4,6 *", "no year"}, {"@reboot", "five fields"},   {"@Hourly", "five fields"},
        {"0 0 * * sat-mon", "week"},   {"001 * * * *", "minute"},    {"999999999999 * * * *", "minute"},
    };
    char longest[ORC_CRON_TEXT_MAX + 2];
    struct orc_cron c = {.minutes = 7};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct orc_err err = ORC_ERR_INIT;

        if (orc_cron_parse(bad[i][0], &c, &err) == 0 || !strstr(err.msg, bad[i][1]))
            fail_msg("\"%s\": %s", bad[i][0], err.msg);
    }
    memset(longest, '*', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_true(orc_cron_parse(longest, &c, NULL) < 0);
    assert_int_equal(c.minutes, 7);
}

/* ---- random schedules, and every minute asked */

static uint64_t x = 88172645463325252u;

static unsigned roll(unsigned sides)
{
    x ^= x << 13; /* xorshift64 (Marsaglia, 2003) */
    x ^= x >> 7;
    x ^= x << 17;
    return (unsigned)(x >> 33) % sides;
}

static int field(char *to, size_t n, int min, int max)
{
    int a = min + (int)roll((unsigned)(max - min + 1)), b = a + (int)roll((unsigned)(max - a + 1));

    switch (roll(6)) {
    case 0:
        return snprintf(to, n, "%d", a);
    case 1:
        return snprintf(to, n, "%d-%d", a, b);
    case 2:
        return snprintf(to, n, "*/%d", 1 + (int)roll(20));
    case 3:
        return snprintf(to, n, "%d,%d", a, b);
    default:
        return snprintf(to, n, "*");
    }
}

static void any_schedule(char to[200])
{
    static const int range[5][2] = {{0, 59}, {0, 23}, {1, 28}, {1, 12}, {0, 7}};
    int at = 0;

    for (int i = 0; i < 5; i++) {
        at += field(to + at, (size_t)(200 - at), range[i][0], range[i][1]);
        to[at++] = i < 4 ? ' ' : '\0';
    }
}

/* Property: next(t) > t, it matches, and nothing between does. */
static void test_cron__the_next_is_the_first_that_matches(void **state)
{
    for (int i = 0; i < 300; i++) {
        char text[200];
        struct orc_cron c;
        int64_t t = civil("2027-12-20 00:00") + (int64_t)roll(200000), next, end = t + 60 * 1440;

        any_schedule(text);
        c = cron(text);
        while (t < end) {
            next = orc_cron_next_civil(&c, t);
            assert_true(next > t);
            assert_true(orc_cron_matches(&c, next));
            for (int64_t m = t + 1; m < next && m < end; m++)
                if (orc_cron_matches(&c, m))
                    fail_msg("%s: %s is left out", text, text_of(m));
            t = next;
        }
    }
}

/* ---- with a zone */

static int32_t offset_of(void *arg, int64_t utc)
{
    return orc_zone_offset(arg, utc);
}

static struct orc_zone *berlin(struct orc_cron_zone *ret)
{
    struct orc_zone *z = orc_zone_load(ORC_ZONE_DIR, "Europe/Berlin", NULL);

    assert_non_null(z);
    *ret = (struct orc_cron_zone){offset_of, z};
    return z;
}

/* All moments (UTC) at which a schedule is due within a day. */
static char *due(const char *schedule, const struct orc_cron_zone *z, const char *from)
{
    struct orc_cron c = cron(schedule);
    int64_t t = civil(from) * 60 - 1, end = t + 12 * 3600;
    char *all = orc_strdup("");

    while ((t = orc_cron_next(&c, z, t)) < end) {
        char *longer = orc_printf("%s%s%.5s", all, *all ? " " : "", text_of(t / 60) + 11);

        assert_int_equal(t % 60, 0);
        free(all);
        all = longer;
    }
    return all;
}

/* On 2026-03-29 at 01:00 UTC clocks in Berlin go from 02:00 to 03:00, on 2026-10-25 at 01:00 UTC from 03:00
 * back to 02:00. All below in UTC. */
static void test_cron__daylight_saving(void **state)
{
    static const struct {
        const char *schedule, *from, *due;
    } cases[] = {
        {"30 1 * * *", "2026-03-28 22:00", "00:30"},         /* before the change */
        {"30 2 * * *", "2026-03-28 22:00", "01:00"},         /* skipped: at the change */
        {"0,30 2 * * *", "2026-03-28 22:00", "01:00"},       /* both skipped: once */
        {"0 3 * * *", "2026-03-28 22:00", "01:00"},          /* the change itself */
        {"30 2,3 * * *", "2026-03-28 22:00", "01:00 01:30"}, /* */
        {"30 * * * *", "2026-03-28 23:00",
         "23:30 00:30 01:30 02:30 03:30 04:30 05:30 06:30 07:30 08:30 09:30 10:30"},
        {"30 2 * * *", "2026-10-24 22:00", "00:30"},        /* doubled: the first */
        {"0 3 * * *", "2026-10-24 22:00", "02:00"},         /* after it */
        {"0 2-3 * * *", "2026-10-24 22:00", "00:00 02:00"}, /* */
        {"15 * * * *", "2026-10-24 23:00",
         "23:15 00:15 01:15 02:15 03:15 04:15 05:15 06:15 07:15 08:15 09:15 10:15"},
        {"0 */2 * * *", "2026-10-24 22:00",
         "22:00 00:00 01:00 03:00 05:00 07:00 09:00"}, /* 2 o'clock is twice */
        {"30 2 * * *", "2026-06-01 22:00", "00:30"},   /* no change at all */
    };
    struct orc_cron_zone z;
    struct orc_zone *zone = berlin(&z);

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *is = due(cases[i].schedule, &z, cases[i].from);

        if (strcmp(is, cases[i].due) != 0)
            fail_msg("%s from %s: %s, not %s", cases[i].schedule, cases[i].from, is, cases[i].due);
    }
    orc_zone_free(zone);
}

/* Property, in zones of all kinds: next(t) > t; asking from any moment before it gives the same; a schedule
 * that goes by the ticking clock is due exactly when the civil minute matches. */
static void test_cron__in_any_zone(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin", "America/New_York",  "Australia/Lord_Howe", "Pacific/Auckland",
        "Asia/Kolkata",  "Africa/Casablanca", "America/Havana",      "UTC"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(names); i++) {
        struct orc_zone *zone = orc_zone_load(ORC_ZONE_DIR, names[i], NULL);
        struct orc_cron_zone z = {offset_of, zone};

        for (int k = 0; k < 60; k++) {
            char text[200];
            struct orc_cron c;
            int64_t t = civil("2026-01-01 00:00") * 60 + (int64_t)roll(366 * 86400), next;

            any_schedule(text);
            c = cron(text);
            next = orc_cron_next(&c, &z, t);
            assert_true(next > t);
            assert_int_equal(
                orc_cron_next(&c, &z, t + (int64_t)(roll(1000) * (uint64_t)(next - t - 1) / 1000)), next);
            assert_int_equal(orc_cron_next(&c, &z, next - 1), next);
            for (int64_t m = t - t % 60 + 60; c.any_hour && m <= next && m < t + 20 * 86400; m += 60)
                if (orc_cron_matches(&c, (m + orc_zone_offset(zone, m)) / 60) != (m == next))
                    fail_msg("%s in %s at %s UTC", text, names[i], text_of(m / 60));
        }
        orc_zone_free(zone);
    }
}

/* Asked of every minute: a time that is named is due at the first moment at which the clock has reached it.
 * So one that is skipped is due at the change, and one that is doubled only once. */
static int64_t next_by_asking(const struct orc_cron *c, struct orc_zone *zone, int64_t t, int64_t end)
{
    int64_t top = INT64_MIN, m = t - t % 60 - 2 * 86400;

    for (; m < end; m += 60) {
        int64_t now = (m + orc_zone_offset(zone, m)) / 60;

        for (int64_t named = top + 1; m > t && named <= now; named++)
            if (orc_cron_matches(c, named))
                return m;
        top = now > top ? now : top;
    }
    return 0;
}

static void ask_around(struct orc_zone *zone, const char *name, int64_t change)
{
    struct orc_cron_zone z = {offset_of, zone};

    for (int k = 0; k < 400; k++) {
        char text[200];
        struct orc_cron c;
        int64_t t = change - 5 * 3600 + (int64_t)roll(8 * 3600), want;

        snprintf(text, sizeof text, "%d,%d %d-%d * * *", (int)roll(60), (int)roll(60), (int)roll(4),
                 4 + (int)roll(20));
        c = cron(text);
        want = next_by_asking(&c, zone, t, t + 2 * 86400);
        if (want && orc_cron_next(&c, &z, t) != want)
            fail_msg("%s in %s from %s UTC: not %s", text, name, text_of(t / 60), text_of(want / 60));
    }
}

static void test_cron__what_is_named_is_due_when_the_clock_first_reaches_it(void **state)
{
    static const char *const names[] = {"Europe/Berlin",    "Australia/Lord_Howe", "Africa/Casablanca",
                                        "America/Santiago", "America/Havana",      "America/Nuuk"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(names); i++) {
        struct orc_zone *zone = orc_zone_load(ORC_ZONE_DIR, names[i], NULL);
        int64_t t = civil("2026-01-01 00:00") * 60, end = civil("2027-01-01 00:00") * 60;
        int changes = 0;

        for (; t < end; t += 1800)
            if (orc_zone_offset(zone, t) != orc_zone_offset(zone, t - 1800)) {
                ask_around(zone, names[i], t);
                changes++;
            }
        assert_int_equal(changes, 2);
        orc_zone_free(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cron__dates_are_counted_both_ways),
        cmocka_unit_test(test_cron__the_next_time),
        cmocka_unit_test(test_cron__what_is_no_schedule_is_refused),
        cmocka_unit_test(test_cron__the_next_is_the_first_that_matches),
        cmocka_unit_test(test_cron__daylight_saving),
        cmocka_unit_test(test_cron__in_any_zone),
        cmocka_unit_test(test_cron__what_is_named_is_due_when_the_clock_first_reaches_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
