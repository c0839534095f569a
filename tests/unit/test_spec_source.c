/* Texts and the places in them. */
#include "specs/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct spec_source source_of(const char *text)
{
    return (struct spec_source){.text = (char *)(uintptr_t)text, .n = strlen(text)};
}

static void test_source__lines_end_where_yaml_ends_them(void **state)
{
    static const char *const ends[] = {"\n", "\r", "\r\n", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(ends); i++) {
        orc_auto_free char *text =
            orc_concat("\xef\xbb\xbf", "one", ends[i], "two", ends[i], ends[i], "four");
        struct spec_source s = source_of(text);

        assert_string_equal(spec_source_at(&s, 4, 1), "four");
        assert_int_equal(*spec_source_at(&s, 1, 1), 'o');
        assert_int_equal(*spec_source_at(&s, 2, 3), 'o');
        assert_string_equal(spec_source_at(&s, 4, 5), "");
        assert_null(spec_source_at(&s, 4, 6));
        assert_null(spec_source_at(&s, 5, 1));
        assert_null(spec_source_at(&s, 3, 2));
        assert_null(spec_source_at(&s, 0, 1));
    }
}

static void test_source__columns_are_characters(void **state)
{
    struct spec_source s = source_of("\xc3\xa9\xe4\xb8\x96\xff!");

    assert_string_equal(spec_source_at(&s, 1, 2), "\xe4\xb8\x96\xff!");
    assert_string_equal(spec_source_at(&s, 1, 4), "!");
}

static void assert_excerpt(const char *text, int line, int column, int length, const char *excerpt,
                           int before, int shown)
{
    struct spec_source s = source_of(text);
    const struct spec_place at = {&s, line, column, length};
    orc_auto_free char *got = NULL;
    int got_before = -1, got_length = -1;

    assert_true(spec_source_excerpt(&at, &got, &got_before, &got_length));
    assert_string_equal(got, excerpt);
    assert_int_equal(got_before, before);
    assert_int_equal(got_length, shown);
}

static void test_source__an_excerpt_is_the_line(void **state)
{
    assert_excerpt("a\nb: cd # e\r\nf", 2, 4, 2, "b: cd # e", 3, 2);
    assert_excerpt("a\nb: cd", 2, 4, 100, "b: cd", 3, 2);
    assert_excerpt("a\n\nb", 2, 1, 0, "", 0, 1);
    assert_excerpt("", 1, 1, 1, "", 0, 1);
}

static void test_source__of_a_long_line_it_is_what_is_near(void **state)
{
    orc_auto_free char *line = orc_calloc(2001, 1), *got = NULL;
    struct spec_source s;
    struct spec_place at = {&s, 1, 1001, 10};
    int before, length;

    memset(line, 'x', 2000);
    memset(line + 1000, 'T', 10);
    s = source_of(line);
    assert_true(spec_source_excerpt(&at, &got, &before, &length));
    assert_int_equal(strlen(got), 2 * SPEC_EXCERPT_MAX);
    assert_int_equal(before, SPEC_EXCERPT_MAX);
    assert_int_equal(length, 10);
    assert_int_equal(got[before], 'T');
}

static void test_source__what_is_nowhere_has_no_excerpt(void **state)
{
    struct spec_source s = source_of("a\n");
    const struct spec_place places[] = {{NULL, 1, 1, 1}, {&s, 0, 0, 0}, {&s, 9, 1, 1}, {&s, 1, 0, 1}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(places); i++) {
        char *text = (char *)"untouched";
        int before = 7, length = 7;

        assert_false(spec_source_excerpt(&places[i], &text, &before, &length));
        assert_string_equal(text, "untouched");
        assert_int_equal(before + length, 14);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source__lines_end_where_yaml_ends_them),
        cmocka_unit_test(test_source__columns_are_characters),
        cmocka_unit_test(test_source__an_excerpt_is_the_line),
        cmocka_unit_test(test_source__of_a_long_line_it_is_what_is_near),
        cmocka_unit_test(test_source__what_is_nowhere_has_no_excerpt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
