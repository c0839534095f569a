/* A set of small numbers as text (state/ranges). */
#include "state/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_ranges__text_and_back(void **state)
{
    static const char *const good[] = {"0",     "7",         "0-1",    "0-16,18",
                                       "1,3,5", "9998-9999", "0-9999", "2-3,5-7,9"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++) {
        struct ranges r = {0};
        struct orc_err err = ORC_ERR_INIT;
        orc_auto_free char *text = NULL;

        assert_int_equal(ranges_parse(good[i], &r, &err), 0);
        text = ranges_text(&r);
        assert_string_equal(text, good[i]);
    }
}

static void test_ranges__nothing_is_the_empty_set(void **state)
{
    struct ranges r = {.n = 7};
    orc_auto_free char *text = NULL;

    assert_int_equal(ranges_parse(NULL, &r, NULL), 0);
    assert_int_equal(r.n, 0);
    text = ranges_text(&r);
    assert_null(text);
}

/* One set has one text, so what is no such text is refused, and the output is untouched. */
static void test_ranges__what_is_no_such_text_is_refused(void **state)
{
    static const char *const bad[] = {"",      " 1",
                                      "1,",    ",1",
                                      "1,,2",  "a",
                                      "1-",    "-1",
                                      "1-2-3", "2,1",
                                      "1,1",   "0-1,2",
                                      "3-2",   "5-5,6",
                                      "10000", "0-10000",
                                      "01",    "1, 2",
                                      "1;2",   "1-2 ",
                                      "0x1",   "999999999999999999999",
                                      "1,0-5", "+1",
                                      "0-3,3"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct ranges r = {.n = 7};
        struct orc_err err = ORC_ERR_INIT;

        if (ranges_parse(bad[i], &r, &err) == 0)
            fail_msg("\"%s\" is accepted", bad[i]);
        assert_int_equal(r.n, 7);
        assert_non_null(strstr(err.msg, "ascending ranges"));
    }
}

static void test_ranges__a_number_is_added_once(void **state)
{
    struct ranges r = {0};

    assert_true(ranges_add(&r, 5));
    assert_false(ranges_add(&r, 5));
    assert_false(ranges_add(&r, -1));
    assert_false(ranges_add(&r, SPEC_REPLICAS_MAX));
    assert_true(ranges_has(&r, 5));
    assert_false(ranges_has(&r, 4));
    assert_false(ranges_has(&r, -1));
    assert_false(ranges_has(&r, SPEC_REPLICAS_MAX));
    assert_int_equal(r.n, 1);
}

/* Property: any set survives, and the longest text fits. */
static void test_ranges__any_set_survives(void **state)
{
    uint64_t x = 88172645463325252u;

    for (int round = 0; round < 200; round++) {
        struct ranges a = {0}, b = {0};
        orc_auto_free char *text = NULL;
        unsigned one_in = 1 + (unsigned)round % 7;

        for (int k = 0; k < SPEC_REPLICAS_MAX; k++) {
            x ^= x << 13; /* xorshift64 (Marsaglia, 2003) */
            x ^= x >> 7;
            x ^= x << 17;
            if (round == 0 ? k % 2 : x % one_in == 0)
                ranges_add(&a, k);
        }
        text = ranges_text(&a);
        assert_true(strlen(text) < RANGES_TEXT_MAX);
        assert_int_equal(ranges_parse(text, &b, NULL), 0);
        assert_memory_equal(&a, &b, sizeof a);
    }
}

/* Whoever only checks a text gets the same answer as who reads it. */
static void test_ranges__a_check_is_a_reading_without_its_result(void **state)
{
    static const char *const texts[] = {"0",     "0-16,18", "9999", "",   "1-0",  "0,0", "0,1",
                                        "10000", "a",       "0-",   "-1", "0, 2", "3,1"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(texts); i++) {
        struct orc_err a = ORC_ERR_INIT, b = ORC_ERR_INIT;
        struct ranges r = {0};
        int read = ranges_parse(texts[i], &r, &a), check = ranges_check(texts[i], &b);

        assert_int_equal(read, check);
        assert_string_equal(a.msg, b.msg);
        assert_int_equal(check == 0, r.n > 0);
    }
}

/* Each end of a range, and the last number there is. */
static void test_ranges__ends(void **state)
{
    static const int ends[][2] = {{0, 0},    {0, 1},    {0, 63},   {0, 64},     {63, 64},
                                  {64, 128}, {1, 9998}, {0, 9999}, {9999, 9999}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(ends); i++) {
        int from = ends[i][0], to = ends[i][1];
        orc_auto_free char *text = from == to ? orc_printf("%d", from) : orc_printf("%d-%d", from, to),
                           *back = NULL;
        struct ranges r = {0};

        assert_int_equal(ranges_parse(text, &r, NULL), 0);
        assert_int_equal(r.n, to - from + 1);
        assert_int_equal(ranges_has(&r, from - 1), 0);
        assert_true(ranges_has(&r, from) && ranges_has(&r, to));
        assert_int_equal(ranges_has(&r, to + 1), 0);
        back = ranges_text(&r);
        assert_string_equal(back, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges__text_and_back),
        cmocka_unit_test(test_ranges__nothing_is_the_empty_set),
        cmocka_unit_test(test_ranges__what_is_no_such_text_is_refused),
        cmocka_unit_test(test_ranges__a_number_is_added_once),
        cmocka_unit_test(test_ranges__any_set_survives),
        cmocka_unit_test(test_ranges__a_check_is_a_reading_without_its_result),
        cmocka_unit_test(test_ranges__ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
