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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges__text_and_back),
        cmocka_unit_test(test_ranges__nothing_is_the_empty_set),
        cmocka_unit_test(test_ranges__what_is_no_such_text_is_refused),
        cmocka_unit_test(test_ranges__a_number_is_added_once),
        cmocka_unit_test(test_ranges__any_set_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
