/* Complaints as people read them, against the golden files in tests/golden/cli. Run from the repository's
 * root. ORC_GOLDEN_UPDATE=1 writes the files anew, to be read before they are committed. */
#include "cli/problem.h"

#include "tests/unit/load_files.h"
#include "tests/unit/golden.h"

#include <locale.h>

/* All notices and problems of a story, as they are printed. */
static char *shown(const struct load_story *s, size_t width)
{
    struct spec_problems problems = {0};
    orc_auto(spec_app_free_p) struct spec_app *app = NULL;
    struct orc_buf b = ORC_BUF_INIT(16 * SPEC_FILE_MAX);

    story_load(s, &app, &problems);
    for (size_t i = 0; i < problems.notices.n; i++) {
        orc_auto_free char *text = problem_text(&problems.notices.at[i], "notice: ", width);

        orc_buf_puts(&b, text);
    }
    for (size_t i = 0; i < problems.n; i++) {
        orc_auto_free char *text = problem_text(&problems.at[i], "", width);

        orc_buf_puts(&b, text);
    }
    spec_problems_release(&problems);
    return orc_buf_take(&b);
}

static void test_cli_problem__a_file_full_of_mistakes(void **state)
{
    orc_auto_free char *yaml = golden_read("tests/golden/specs/mistakes.yaml"), *text = NULL;
    const struct load_story s = {.files = {{"mistakes.yaml", yaml}}};

    text = shown(&s, 80);
    golden_assert("tests/golden/cli/mistakes-80.txt", text);
}

static void test_cli_problem__several_files(void **state)
{
    const struct load_story s = {
        .files = {{"shop/compose.yaml",
                   "name: shop\ninclude: [db/compose.yaml]\nservices:\n  web:\n"
                   "    extends: {service: bas, file: common/base.yaml}\n    image: nginx:${TAG}\n"
                   "    env_file: [web.env, missing.env]\n"},
                  {"-live.yaml", "services:\n  web:\n    ports: {80: 80}\n    enviroment: [A=1]\n"},
                  {"shop/db/compose.yaml", "services: {db: {image: \"Postgres:${PG:?which version}\"}}\n"},
                  {"shop/common/base.yaml", "services: {base: {restart: always}}\n"},
                  {"shop/web.env", "A=1\nB='open\n"}},
    };
    orc_auto_free char *text = shown(&s, 160);

    golden_assert("tests/golden/cli/problems-160.txt", text);
}

static char *show_one(const char *line, int column, int length, size_t width)
{
    struct spec_source source = {
        .name = (char *)"f.yaml", .text = (char *)(uintptr_t)line, .n = strlen(line)};
    const struct spec_place at = {&source, 1, column, length};
    struct spec_problems problems = {0};
    char *text;

    spec_problems_add(&problems, &at, "text");
    text = problem_text(&problems.at[0], "", width);
    spec_problems_release(&problems);
    return text;
}

static void test_cli_problem__the_caret_stands_under_the_token(void **state)
{
#define TEN "0123456789"
#define BLANKS "          "
    static const struct {
        const char *line;
        int column, length;
        const char *shown; /* behind the first line */
    } cases[] = {
        {"a: bcd # x\nnext", 4, 3, "    a: bcd # x\n       ^^^\n"},
        {"a: bcd", 4, 0, "    a: bcd\n       ^\n"},
        {"a: bcd", 7, 1, "    a: bcd\n          ^\n"},         /* behind the end */
        {"a: bcd", 4, 1000000, "    a: bcd\n       ^^^\n"},    /* to the end of the line */
        {"\ta:\tbcd", 5, 3, "    \ta:\tbcd\n    \t  \t^^^\n"}, /* tabs stay tabs */
        {"a: b\tcd", 4, 4, "    a: b\tcd\n       ^\n"},        /* within the token they end it */
        {"\xe4\xb8\x96\xe7\x95\x8c: x", 4, 1,
         "    \xe4\xb8\x96\xe7\x95\x8c: x\n         ^\n"}, /* two columns each */
        {"x: \xe4\xb8\x96\xe7\x95\x8c", 4, 2, "    x: \xe4\xb8\x96\xe7\x95\x8c\n       ^^^^\n"},
        {"e\xcc\x81: x", 5, 1, "    e\xcc\x81: x\n       ^\n"},       /* an accent takes no column */
        {"a\x1b[31m: x\x07", 8, 1, "    a [31m: x \n           ^\n"}, /* steers no terminal */
        {"\xe2\x80\xae"
         "a: x",
         5, 1, "    ?a: x\n        ^\n"}, /* nor turns its writing round */
        {"a: \xff x", 4, 1, "    a: ? x\n       ^\n"},
        {"a: x\r\nb", 4, 1, "    a: x\n       ^\n"},
        /* a line too long for 60 columns: cut before and behind, around the token */
        {TEN TEN TEN TEN TEN TEN TEN, 1, 3, "    " TEN TEN TEN TEN TEN "012...\n    ^^^\n"},
        {TEN TEN TEN TEN TEN TEN "abc", 61, 3,
         "    ..." TEN TEN TEN TEN TEN "abc\n       " BLANKS BLANKS BLANKS BLANKS BLANKS "^^^\n"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *text = show_one(cases[i].line, cases[i].column, cases[i].length, 60);

        print_message("%zu\n", i);
        assert_string_equal(strchr(text, '\n') + 1, cases[i].shown);
    }
}

static void test_cli_problem__a_line_of_a_megabyte_is_shown_in_part(void **state)
{
    orc_auto_free char *line = orc_calloc(SPEC_FILE_MAX, 1), *text = NULL;

    memset(line, 'x', SPEC_FILE_MAX - 1);
    memcpy(line + 500000, "token", 5);
    text = show_one(line, 500001, 5, 80);
    assert_non_null(strstr(text, "f.yaml:1:500001: text\n    ...xxxx"));
    assert_non_null(strstr(text, "xxxtokenxxx"));
    assert_non_null(strstr(text, "xxx...\n"));
    assert_true(strlen(text) < 200);
}

static void test_cli_problem__what_has_no_place_has_no_line(void **state)
{
    struct spec_source source = {.name = (char *)"no\x1b.yaml"};
    const struct spec_place whole = {.source = &source};
    struct spec_problems problems = {0};
    orc_auto_free char *text = NULL;
    orc_auto_json json_t *j = NULL;

    spec_problems_add(&problems, &whole, "there is no such file");
    text = problem_text(&problems.at[0], "", 80);
    assert_string_equal(text, "no .yaml: there is no such file\n");
    spec_problems_release(&problems);
    problems = (struct spec_problems){0};
    spec_problems_add(&problems, &whole, "\"a\u202eb\xc2\x85\" is not known"); /* quoted from the file */
    free(text);
    text = problem_text(&problems.at[0], "", 80);
    assert_string_equal(text, "no .yaml: \"a?b \" is not known\n");
    j = problem_list_to_json(problems.at, problems.n, "error");
    assert_string_equal(json_string_value(json_object_get(json_array_get(j, 0), "severity")), "error");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(j, 0), "line")), 0);
    assert_null(problem_list_to_json(NULL, 0, "notice"));
    spec_problems_release(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cli_problem__a_file_full_of_mistakes),
        cmocka_unit_test(test_cli_problem__several_files),
        cmocka_unit_test(test_cli_problem__the_caret_stands_under_the_token),
        cmocka_unit_test(test_cli_problem__a_line_of_a_megabyte_is_shown_in_part),
        cmocka_unit_test(test_cli_problem__what_has_no_place_has_no_line),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
