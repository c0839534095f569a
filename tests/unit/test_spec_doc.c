/* YAML itself: places, duplicates, anchors, bounds. */
#include "specs/doc.h"
#include "lib/buf.h"
#include "tests/unit/spec_test.h"

static struct spec_doc *doc_ok(const char *text)
{
    static struct spec_source source;
    struct spec_problems problems = {0};
    struct spec_doc *doc = NULL;

    source = (struct spec_source){.text = (char *)(uintptr_t)text, .n = strlen(text)};
    if (spec_doc_parse(&source, &doc, &problems) != 0 || problems.n) {
        char *all = problems_text(&problems);

        print_error("%s\n%s", text, all);
        free(all);
        spec_problems_release(&problems);
        fail();
    }
    return doc;
}

static const struct spec_node *at(const struct spec_node *map, const char *key)
{
    for (size_t i = 0; i < map->entries.n; i++)
        if (strcmp(map->entries.at[i].key->text, key) == 0)
            return map->entries.at[i].value;
    fail_msg("no key %s", key);
    return NULL;
}

static void test_spec_doc__every_node_knows_its_place(void **state)
{
    orc_auto(spec_doc_free_p) struct spec_doc *d = doc_ok("a: 1\nb:\n  - x\n  - {c: \xc3\xa6, d: y}\n");
    const struct spec_node *list = at(d->root, "b"), *map = list->entries.at[1].value;

    assert_int_equal(list->line, 3);
    assert_int_equal(list->column, 3);
    assert_int_equal(map->line, 4);
    assert_int_equal(map->column, 5);
    assert_int_equal(at(map, "d")->column, 15); /* characters, not bytes */
}

static void test_spec_doc__scalars_follow_the_core_schema(void **state)
{
    static const struct {
        const char *text;
        enum spec_scalar is;
    } cases[] = {
        {"x", SPEC_SCALAR_STRING},       {"no", SPEC_SCALAR_STRING},     {"on", SPEC_SCALAR_STRING},
        {"true", SPEC_SCALAR_BOOL},      {"FALSE", SPEC_SCALAR_BOOL},    {"tRUE", SPEC_SCALAR_STRING},
        {"~", SPEC_SCALAR_NULL},         {"null", SPEC_SCALAR_NULL},     {"", SPEC_SCALAR_NULL},
        {"1", SPEC_SCALAR_INT},          {"-12", SPEC_SCALAR_INT},       {"0o17", SPEC_SCALAR_INT},
        {"0xfF", SPEC_SCALAR_INT},       {"0x", SPEC_SCALAR_STRING},     {"0b1", SPEC_SCALAR_STRING},
        {"1.5", SPEC_SCALAR_FLOAT},      {".5", SPEC_SCALAR_FLOAT},      {"1.", SPEC_SCALAR_FLOAT},
        {"1e3", SPEC_SCALAR_FLOAT},      {"1e", SPEC_SCALAR_STRING},     {".inf", SPEC_SCALAR_FLOAT},
        {"-.INF", SPEC_SCALAR_FLOAT},    {".nan", SPEC_SCALAR_FLOAT},    {".", SPEC_SCALAR_STRING},
        {"22:22", SPEC_SCALAR_STRING},   {"1_000", SPEC_SCALAR_STRING},  {"\"1\"", SPEC_SCALAR_STRING},
        {"!!str 1", SPEC_SCALAR_STRING}, {"'true'", SPEC_SCALAR_STRING}, {"- 1", SPEC_SCALAR_INT},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *text = orc_printf("a:\n  %s\n", cases[i].text);
        orc_auto(spec_doc_free_p) struct spec_doc *d = doc_ok(text);
        const struct spec_node *v = at(d->root, "a");

        if (v->kind == SPEC_NODE_LIST)
            v = v->entries.at[0].value;
        if (spec_node_scalar(v) != cases[i].is)
            fail_msg("%s", cases[i].text);
    }
}

static void test_spec_doc__merge_keys_fill_in_what_is_not_written(void **state)
{
    orc_auto(spec_doc_free_p) struct spec_doc *d = doc_ok("a: &a {x: 1, y: 1}\n"
                                                          "b: &b {y: 2, z: 2}\n"
                                                          "c:\n  z: 3\n  <<: [*a, *b]\n"
                                                          "d:\n  <<: *a\n  <<: *b\n  x: 4\n"
                                                          "e: {'<<': 5}\n");

    assert_string_equal(at(at(d->root, "c"), "x")->text, "1");
    assert_string_equal(at(at(d->root, "c"), "y")->text, "1");
    assert_string_equal(at(at(d->root, "c"), "z")->text, "3");
    assert_int_equal(at(d->root, "c")->entries.n, 3);
    assert_string_equal(at(at(d->root, "d"), "x")->text, "4");
    assert_string_equal(at(at(d->root, "d"), "y")->text, "1");
    assert_string_equal(at(at(d->root, "e"), "<<")->text, "5"); /* in quotes it is a key like any other */
}

static void test_spec_doc__an_anchor_may_be_given_again(void **state)
{
    orc_auto(spec_doc_free_p) struct spec_doc *d = doc_ok("[&a 1, *a, &a 2, *a]");

    assert_string_equal(d->root->entries.at[1].value->text, "1");
    assert_string_equal(d->root->entries.at[3].value->text, "2");
}

static void test_spec_doc__a_byte_order_mark_is_skipped(void **state)
{
    orc_auto(spec_doc_free_p) struct spec_doc *d = doc_ok("\xef\xbb\xbf"
                                                          "a: 1\r\nb: 2\r\n");

    assert_string_equal(at(d->root, "b")->text, "2");
    assert_int_equal(d->root->column, 1);
}

/* Refusals -------------------------------------------------------------------------------------------- */

/* Behaviour 1. */
static void test_spec_doc__the_top_level_is_a_mapping(void **state)
{
    assert_problem("", "1:1: ", "the file is empty");
    assert_problem("# nothing\n", "1:1: ", "the file is empty");
    assert_problem("---\n", "2:1: ", "must be a mapping, but this is nothing");
    assert_problem("hello", "1:1: ", "must be a mapping, but this is a string");
    assert_problem("- a\n", "1:1: ", "must be a mapping, but this is a list");
    assert_problem("42", "1:1: ", "must be a mapping, but this is a number");
}

/* Behaviour 2. */
static void test_spec_doc__a_key_that_is_no_string_is_refused_with_its_path(void **state)
{
    assert_problem(WEB("    environment:\n      1: x\n"),
                   "5:7: ", "key 1 in services.web.environment is a number");
    assert_problem("1: x\n", "1:1: ", "key 1 in the top level is a number");
    assert_problem(WEB("    labels: {true: x}\n"), "4:14: ",
                   "services.web.labels is a boolean; keys must be strings: "
                   "write \"true\"");
    assert_problem(WEB("    ? [a]\n    : x\n"), "4:7: ", "a key in services.web is a list");
    assert_problem(WEB("    ? {a: b}\n    : x\n"), "4:7: ", "a key in services.web is a mapping");
    assert_problem("services:\n  ~: {image: a}\n", "2:3: ", "a key in services is nothing");
    assert_problem(WEB("    ports: [{target: 1, 2.5: x}]\n"), "4:25: ", "key 2.5 in services.web.ports");
}

/* Behaviour 5. */
static void test_spec_doc__a_duplicate_key_is_refused_with_both_lines(void **state)
{
    assert_problem(WEB("    image: b\n"),
                   "4:5: ", "key \"image\" is here twice; it was first given in line 3");
    assert_problem("services: {}\nname: a\nservices: {}\n", "3:1: ", "first given in line 1");
    assert_problem(WEB("    environment: {A: 1, B: 2, 'A': 3}\n"), "4:31: ", "\"A\" is here twice");
}

/* Behaviour 8. */
static void test_spec_doc__a_tab_in_the_indentation_is_located(void **state)
{
    assert_problem("services:\n\tweb:\n\t\timage: a\n", "2:1: ", "a tab in the indentation");
    assert_problem("services:\n  web:\n  \timage: a\n", "3:3: ", "a tab in the indentation");
}

static void test_spec_doc__broken_syntax_is_located(void **state)
{
    assert_problem("a: [1, 2\n", "2:1: ", "this is not YAML");
    assert_problem("a: 'x\n", "2:1: ", "began in line 1");
    assert_problem("a: b: c\n", "1:5: ", "this is not YAML");
    assert_problem("a: \"\\q\"\n", "1:", "this is not YAML");
    assert_problem("a: *b\n", "1:4: ", "alias \"*b\" names no anchor");
    assert_problem("a: &a [*a]\n", "1:8: ", "stands inside the value it names");
    assert_problem("a: &a {<<: *a}\n", "1:12: ", "stands inside the value it names");
    assert_problem("services: {}\n<<: 5\n", "2:1: ", "\"<<\" merges a mapping");
    assert_problem("services: {}\n<<: [{a: b}, c]\n", "2:1: ", "\"<<\" merges a mapping");
    assert_problem("services: {}\n---\na: b\n", "2:1: ", "a second document");
    assert_problem("%YAML 3.0\n---\na: b\n", "1:", "this is not YAML");
    assert_problem("x-a: !restart []\nservices: {}\n", "1:6: ", "tag \"!restart\" is not supported");
    assert_problem("x-a: !!binary aGk=\nservices: {}\n", "1:6: ", "tag \"tag:yaml.org,2002:binary\"");
    assert_problem("x-a: !!seq x\nservices: {}\n", "1:6: ", "tag");
    assert_problem("x-a: \"a\\0b\"\nservices: {}\n", "1:6: ", "NUL");
}

static void test_spec_doc__text_that_is_not_utf8_is_located(void **state)
{
    orc_auto_free char *nul = parse_refused_n("a: b\n\0", 6, "shop");
    orc_auto_free char *utf16 = parse_refused_n("\xff\xfe"
                                                "a\0:\0",
                                                6, "shop");

    assert_string_equal(nul, "2:1: byte 0x00 is a control character, which YAML does not allow\n");
    assert_string_equal(utf16, "1:1: byte 0xff is not UTF-8; save the file as UTF-8 text\n");
    assert_problem("a: \xe9t\xe9\n", "1:4: ", "byte 0xe9 is not UTF-8");
    assert_problem("a: \x1b[31m\n", "1:4: ", "control character");
}

/* Bounds ---------------------------------------------------------------------------------------------- */

static char *repeat(const char *head, const char *s, size_t n, const char *tail)
{
    struct orc_buf b = ORC_BUF_INIT(8 * SPEC_FILE_MAX);

    orc_buf_puts(&b, head);
    for (size_t i = 0; i < n; i++)
        orc_buf_puts(&b, s);
    orc_buf_puts(&b, tail);
    return orc_buf_take(&b);
}

/* Behaviour 7: each level has ten times the values of the one before; a hundred million in all. */
static void test_spec_doc__an_alias_bomb_is_refused(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(4096);
    orc_auto_free char *text = NULL;

    orc_buf_puts(&b, "x-a0: &a0 lol\n");
    for (int i = 1; i <= 8; i++) {
        orc_buf_printf(&b, "x-a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            orc_buf_printf(&b, "%s*a%d", j ? ", " : "", i - 1);
        orc_buf_puts(&b, "]\n");
    }
    text = orc_buf_take(&b);
    assert_problem(text, "6:", "more than 100000 values");
}

/* Few values, but each of them long. */
static void test_spec_doc__a_bomb_of_long_texts_is_refused(void **state)
{
    orc_auto_free char *line = repeat("x-a: &a ", "aaaaaaaaaaaaaaaa", 6400, "\nx-b: [");
    orc_auto_free char *text = repeat(line, "*a,", 100, "]\n");

    assert_problem(text, "2:", "more than 4 MiB of text");
}

static void test_spec_doc__a_bomb_of_merges_is_refused(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(65536);
    orc_auto_free char *text = NULL;

    orc_buf_puts(&b, "x-a0: &a0 {k0: v}\n");
    for (int i = 1; i < 20; i++)
        orc_buf_printf(&b, "x-a%d: &a%d {k%d: {<<: [*a%d, *a%d, *a%d]}, <<: [*a%d, *a%d]}\n", i, i, i, i - 1,
                       i - 1, i - 1, i - 1, i - 1);
    text = orc_buf_take(&b);
    assert_problem(text, "", "more than 100000 values");
}

static void test_spec_doc__depth_is_bounded(void **state)
{
    orc_auto_free char *brackets = repeat("x-a: ", "[", 5000, "\n");
    orc_auto_free char *dashes = repeat("x-a:\n  ", "- ", 5000, "a\n");
    orc_auto_free char *fine = repeat("x-a: ", "[", 60, ""), *closed = repeat(fine, "]", 60, "\nx-b: 1\n");
    orc_auto_free char *by_alias =
        orc_printf("x-a: &a [[[[[[[[[[1]]]]]]]]]]\nx-b: %s*a%s\n", fine + 5, strchr(closed, ']'));

    spec_doc_free(doc_ok(closed));
    assert_problem(brackets, "1:", "nested more than 64 deep");
    assert_problem(dashes, "2:", "nested more than 64 deep");
    assert_problem(by_alias, "2:", "nested more than 64 deep");
}

static void test_spec_doc__size_is_bounded(void **state)
{
    orc_auto_free char *many = repeat("x-a: [", "1,", 100001, "]\n");
    orc_auto_free char *large = repeat("", "# a comment of thirty-two bytes\n", SPEC_FILE_MAX / 32 + 1, "");

    assert_problem(many, "1:", "more than 100000 values");
    assert_problem(large, "1:1: ", "more than 1048576 bytes");
}

static void test_spec_doc__a_hundred_problems_are_enough(void **state)
{
    orc_auto_free char *text = repeat(WEB(""), "    wrong: 1\n", 500, "");
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;

    assert_int_equal(spec_parse(text, strlen(text), "shop", &app, &problems), -EINVAL);
    assert_int_equal(problems.n, SPEC_PROBLEMS_MAX);
    spec_problems_release(&problems);
}

static void test_spec_doc__problems_are_printable_and_in_file_order(void **state)
{
    orc_auto_free char *text = parse_refused("zzz: 1\nservices:\n  \"\\e[31m\\n\": {image: 5}\naaa: 2\n");
    int last = 0;

    for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line;) {
        assert_true(atoi(line) >= last);
        last = atoi(line);
        for (const char *c = line; *c; c++)
            assert_true((unsigned char)*c >= 0x20);
    }
    assert_int_equal(last, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_doc__every_node_knows_its_place),
        cmocka_unit_test(test_spec_doc__scalars_follow_the_core_schema),
        cmocka_unit_test(test_spec_doc__merge_keys_fill_in_what_is_not_written),
        cmocka_unit_test(test_spec_doc__an_anchor_may_be_given_again),
        cmocka_unit_test(test_spec_doc__a_byte_order_mark_is_skipped),
        cmocka_unit_test(test_spec_doc__the_top_level_is_a_mapping),
        cmocka_unit_test(test_spec_doc__a_key_that_is_no_string_is_refused_with_its_path),
        cmocka_unit_test(test_spec_doc__a_duplicate_key_is_refused_with_both_lines),
        cmocka_unit_test(test_spec_doc__a_tab_in_the_indentation_is_located),
        cmocka_unit_test(test_spec_doc__broken_syntax_is_located),
        cmocka_unit_test(test_spec_doc__text_that_is_not_utf8_is_located),
        cmocka_unit_test(test_spec_doc__an_alias_bomb_is_refused),
        cmocka_unit_test(test_spec_doc__a_bomb_of_long_texts_is_refused),
        cmocka_unit_test(test_spec_doc__a_bomb_of_merges_is_refused),
        cmocka_unit_test(test_spec_doc__depth_is_bounded),
        cmocka_unit_test(test_spec_doc__size_is_bounded),
        cmocka_unit_test(test_spec_doc__a_hundred_problems_are_enough),
        cmocka_unit_test(test_spec_doc__problems_are_printable_and_in_file_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
