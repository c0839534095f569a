/* test_cli_text.c - text for terminals: cleaned, measured, cut, wrapped; tables that fit. */
#include "cli/out.h"
#include "cli/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <locale.h>

static void test_text__control_characters_become_blanks(void **state)
{
    orc_auto_free char *s = text_safe("a\033[2Jb\tc\nd\x7f"
                                      "e");

    assert_string_equal(s, "a [2Jb c d e");
}

static void test_text__a_c1_control_in_utf8_becomes_a_blank(void **state)
{
    orc_auto_free char *s = text_safe("a\xc2\x9b"
                                      "b");

    assert_string_equal(s, "a b");
}

static void test_text__bytes_that_are_not_utf8_become_question_marks(void **state)
{
    orc_auto_free char *s = text_safe("gr\xfc\xdf ok \xc3");

    assert_string_equal(s, "gr?? ok ?");
}

/* Or a value could be read as another one. */
static void test_text__marks_that_turn_the_writing_become_question_marks(void **state)
{
    orc_auto_free char *s = text_safe("a\u202eb\u2066c\u200fd\u2028e\u061cf\xc2\x85g");

    assert_string_equal(s, "a?b?c?d?e?f g");
}

static void test_text__of_long_texts_there_is_where_they_differ(void **state)
{
#define LONG "0123456789012345678901234567890123456789"
    static const struct {
        const char *s, *other, *text;
    } cases[] = {
        {"short", LONG, "short"},
        {LONG, NULL, "01234567890123456..."},
        {LONG "x", LONG "y", "...0123456789x"},
        {LONG "x" LONG, LONG "y", "...0123456789x012..."},
        {LONG, LONG "y", "...0123456789"},
        {"a" LONG, "b" LONG, "a0123456789012345..."},
        {LONG "\u4e16\u754c\u4e16\u754cx", LONG "\u4e16\u754c\u4e16\u754cy", "...\u4e16\u754c\u4e16\u754cx"},
        {LONG "\033[31m", LONG "\033[32m", "...3456789 [31m"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *text = text_difference(cases[i].s, cases[i].other, 20);

        assert_string_equal(text, cases[i].text);
    }
}

static void test_text__letters_of_other_languages_stay(void **state)
{
    orc_auto_free char *s = text_safe("Grüße, 世界");

    assert_string_equal(s, "Grüße, 世界");
}

static void test_text__width_counts_columns(void **state)
{
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("Grüße"), 5);
    assert_int_equal(text_width("世界"), 4);
}

static void assert_cut(const char *s, size_t width, const char *expected)
{
    orc_auto_free char *cut = text_cut(s, width);

    assert_string_equal(cut, expected);
}

static void test_text__what_fits_is_not_cut(void **state)
{
    assert_cut("abcdef", 6, "abcdef");
    assert_cut("abcdef", 0, "abcdef");
}

static void test_text__what_does_not_fit_ends_in_dots(void **state)
{
    assert_cut("abcdefg", 6, "abc...");
    assert_cut("abcdefg", 3, "...");
    assert_cut("abcdefg", 1, ".");
    assert_cut("世界世界", 6, "世...");
}

static void assert_wrap(const char *s, size_t width, const char *expected)
{
    orc_auto_free char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    text_wrap(f, "  - ", s, width);
    fclose(f);
    assert_string_equal(text, expected);
}

static void test_text__a_paragraph_is_broken_at_blanks_and_indented(void **state)
{
    assert_wrap("one two three four five six seven", 24, "  - one two three four\n    five six seven\n");
}

static void test_text__without_a_width_a_paragraph_is_one_line(void **state)
{
    assert_wrap("one two three four five six seven", 0, "  - one two three four five six seven\n");
}

static void test_text__a_word_longer_than_the_line_stays_whole(void **state)
{
    assert_wrap("see shop.inventory.0.12345678901234567890 there", 24,
                "  - see\n    shop.inventory.0.12345678901234567890\n    there\n");
}

static void test_text__a_tiny_width_still_gives_readable_lines(void **state)
{
    assert_wrap("one two three four five six", 3, "  - one two three four\n    five six\n");
}

static void test_text__an_empty_paragraph_is_an_empty_line(void **state)
{
    assert_wrap("", 20, "  - \n");
}

/* ---- tables
 * --------------------------------------------------------------------------------------------------- */

static const struct out_column columns[] = {
    {"NAME", OUT_KEEP}, {"AGE", OUT_OPTIONAL}, {"STATE", OUT_KEEP}, {"WHY", OUT_NOTE}, {0}};

static char *table(size_t width, const char *const *cells)
{
    struct out o = {.width = width};
    struct out_table *t = out_table_new(&o, columns);
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    for (; *cells; cells++)
        out_cell(t, "%s", *cells);
    out_table_print(t, f);
    fclose(f);
    return text;
}

static void test_table__what_fits_has_its_notes_in_a_column(void **state)
{
    orc_auto_free char *text = table(
        80, (const char *const[]){"web", "3s", "updating", "too little memory", "api", "", "ok", "", NULL});

    assert_string_equal(text, "NAME AGE STATE    WHY\n"
                              "web  3s  updating too little memory\n"
                              "api  -   ok       \n");
}

static void test_table__notes_move_below_where_they_do_not_fit(void **state)
{
    orc_auto_free char *text = table(
        25, (const char *const[]){"web", "3s", "updating", "too little memory", "api", "", "ok", "", NULL});

    assert_string_equal(text, "NAME AGE STATE\n"
                              "web  3s  updating\n"
                              "api  -   ok\n"
                              "  - web: too little\n"
                              "    memory\n");
}

static void test_table__then_optional_columns_are_left_out(void **state)
{
    orc_auto_free char *text =
        table(14, (const char *const[]){"web", "3s", "updating", "x", "api", "", "ok", "", NULL});

    assert_string_equal(text, "NAME STATE\n"
                              "web  updating\n"
                              "api  ok\n"
                              "  - web: x\n");
}

static void test_table__names_are_never_cut(void **state)
{
    orc_auto_free char *text = table(5, (const char *const[]){"a-long-name", "3s", "updating", "", NULL});

    assert_string_equal(text, "NAME        STATE\n"
                              "a-long-name updating\n");
}

static void test_table__without_rows_there_are_headings(void **state)
{
    orc_auto_free char *text = table(80, (const char *const[]){NULL});

    assert_string_equal(text, "NAME AGE STATE\n");
}

static void test_table__a_hostile_cell_steers_no_terminal(void **state)
{
    orc_auto_free char *text = table(80, (const char *const[]){"web", "\033[2J", "ok\nfake row", "", NULL});

    assert_null(strchr(text, '\033'));
    assert_string_equal(text, "NAME AGE  STATE\nweb   [2J ok fake row\n");
}

static void test_table__colour_is_there_only_when_asked_for(void **state)
{
    struct out plain = {0}, colourful = {.color = true};

    assert_string_equal(out_begin(&plain, OUT_BAD), "");
    assert_string_equal(out_end(&plain, OUT_BAD), "");
    assert_string_equal(out_begin(&colourful, OUT_BAD), "\033[31m");
    assert_string_equal(out_end(&colourful, OUT_PLAIN), "");
}

static void test_out__columns_of_the_environment_win(void **state)
{
    struct out o = {0};

    setenv("COLUMNS", "123", 1);
    setenv("LINES", "45", 1);
    out_measure(&o);
    assert_int_equal(o.width, 123);
    assert_int_equal(o.height, 45);
    setenv("COLUMNS", "wide", 1);
    unsetenv("LINES");
    out_measure(&o);
    assert_int_equal(o.width, 0);
    assert_int_equal(o.height, 0);
    unsetenv("COLUMNS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__control_characters_become_blanks),
        cmocka_unit_test(test_text__a_c1_control_in_utf8_becomes_a_blank),
        cmocka_unit_test(test_text__bytes_that_are_not_utf8_become_question_marks),
        cmocka_unit_test(test_text__marks_that_turn_the_writing_become_question_marks),
        cmocka_unit_test(test_text__of_long_texts_there_is_where_they_differ),
        cmocka_unit_test(test_text__letters_of_other_languages_stay),
        cmocka_unit_test(test_text__width_counts_columns),
        cmocka_unit_test(test_text__what_fits_is_not_cut),
        cmocka_unit_test(test_text__what_does_not_fit_ends_in_dots),
        cmocka_unit_test(test_text__a_paragraph_is_broken_at_blanks_and_indented),
        cmocka_unit_test(test_text__without_a_width_a_paragraph_is_one_line),
        cmocka_unit_test(test_text__a_word_longer_than_the_line_stays_whole),
        cmocka_unit_test(test_text__a_tiny_width_still_gives_readable_lines),
        cmocka_unit_test(test_text__an_empty_paragraph_is_an_empty_line),
        cmocka_unit_test(test_table__what_fits_has_its_notes_in_a_column),
        cmocka_unit_test(test_table__notes_move_below_where_they_do_not_fit),
        cmocka_unit_test(test_table__then_optional_columns_are_left_out),
        cmocka_unit_test(test_table__names_are_never_cut),
        cmocka_unit_test(test_table__without_rows_there_are_headings),
        cmocka_unit_test(test_table__a_hostile_cell_steers_no_terminal),
        cmocka_unit_test(test_table__colour_is_there_only_when_asked_for),
        cmocka_unit_test(test_out__columns_of_the_environment_win),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
