/* test_yaml_write.c - documents as YAML: how they look, and that what is read back is what was written. */
#include "specs/yaml_write.h"

#include "lib/json.h"
#include "specs/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static char *written(const json_t *j)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    yaml_write(j, f);
    fclose(f);
    return text;
}

static void writes(const char *json, const char *yaml)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_json json_t *j = orc_json_parse(json, strlen(json), &err);
    orc_auto_free char *text = NULL;

    if (!j)
        fail_msg("%s: %s", json, err.msg);
    text = written(j);
    assert_string_equal(text, yaml);
}

static void test_yaml__objects_and_lists_in_their_order(void **state)
{
    writes("{\"b\":1,\"a\":{\"d\":true,\"c\":null},\"list\":[1,-2.5,\"x\",[],{}],\"none\":[]}", "b: 1\n"
                                                                                                "a:\n"
                                                                                                "  d: true\n"
                                                                                                "  c: null\n"
                                                                                                "list:\n"
                                                                                                "- 1\n"
                                                                                                "- -2.5\n"
                                                                                                "- x\n"
                                                                                                "- []\n"
                                                                                                "- {}\n"
                                                                                                "none: []\n");
    writes("[]", "[]\n");
    writes("[0.1,0.000000001,0.3]", "- 0.1\n- 1e-9\n- 0.3\n");
    writes("[{\"a\":1,\"b\":[\"c\"]}]", "- a: 1\n  b:\n  - c\n");
}

static void test_yaml__a_long_text_stays_on_its_line(void **state)
{
    orc_auto_free char *word = orc_strdup("0123456789 abcdefgh "), *text = orc_strdup("");
    orc_auto_json json_t *j = NULL;
    orc_auto_free char *yaml = NULL;

    for (int i = 0; i < 20; i++) {
        char *longer = orc_printf("%s%s", text, word);

        free(text);
        text = longer;
    }
    j = json_pack("{s:s}", "a", text);
    yaml = written(j);
    assert_ptr_equal(strchr(yaml, '\n'), yaml + strlen(yaml) - 1);
}

/* Strings that must come back as strings, by YAML 1.2 and by what YAML 1.1 makes of them. */
static void test_yaml__strings_are_quoted_where_they_would_be_something_else(void **state)
{
    static const char *const quoted[] = {"",
                                         "~",
                                         "null",
                                         "true",
                                         "False",
                                         "yes",
                                         "No",
                                         "on",
                                         "OFF",
                                         "y",
                                         "N",
                                         "1",
                                         "-1",
                                         "+1",
                                         "1.5",
                                         "1e3",
                                         ".5",
                                         ".inf",
                                         "-.INF",
                                         ".nan",
                                         "0x1f",
                                         "0o17",
                                         "017",
                                         "1_000",
                                         "1:20",
                                         "2026-01-31",
                                         "0b101",
                                         "10.210.1.7",
                                         "<<",
                                         "=",
                                         "2001-12-14 21:59:43.10 -5"};
    static const char *const plain[] = {"shop/web", "nginx:1.25",     "yes please", "10.210.1.0/24",  "k1",
                                        "a1",       "4 of 5 healthy", "v1.2",       "1 replica waits"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(quoted); i++) {
        orc_auto_json json_t *j = json_pack("[s]", quoted[i]);
        orc_auto_free char *text = written(j), *want = orc_printf("- \"%s\"\n", quoted[i]);

        assert_string_equal(text, want);
    }
    for (size_t i = 0; i < ORC_ARRAY_SIZE(plain); i++) {
        orc_auto_json json_t *j = json_pack("[s]", plain[i]);
        orc_auto_free char *text = written(j), *want = orc_printf("- %s\n", plain[i]);

        assert_string_equal(text, want);
    }
}

/* The document that was written, read back: its strings are the same, and strings. */
static void test_yaml__what_is_awkward_comes_back(void **state)
{
    static const char *const texts[] = {"two\nlines",
                                        "ends\n",
                                        "\n",
                                        " leading",
                                        "trailing ",
                                        "a: b",
                                        "a #b",
                                        "- x",
                                        "\"quoted\"",
                                        "it's",
                                        "tab\there",
                                        "\x01\x1b[2J",
                                        "{a}",
                                        "[a]",
                                        "&a",
                                        "*a",
                                        "!a",
                                        "|",
                                        "> x",
                                        "%x",
                                        "@x",
                                        "`x`",
                                        "? x",
                                        "\xc3\xa9\xe2\x82\xac",
                                        "  two\n\n  b",
                                        "---",
                                        "...",
                                        "a\n---\nb",
                                        "\xf0\x9f\x98\x80",
                                        "x\n ",
                                        "\\",
                                        "key: |\n x",
                                        "a,b",
                                        "1\n"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(texts); i++) {
        orc_auto_json json_t *j = json_pack("{s:s, s:[s]}", texts[i], "x", "list", texts[i]);
        orc_auto_free char *text = written(j);
        const struct spec_source source = {.text = text, .n = strlen(text)};
        orc_auto(spec_doc_free_p) struct spec_doc *doc = NULL;
        struct spec_problems problems = {0};
        const struct spec_node *list;

        if (spec_doc_parse(&source, &doc, &problems) < 0 || problems.n)
            fail_msg("%s\n%s", text, problems.n ? problems.at[0].text : "");
        assert_string_equal(doc->root->entries.at[0].key->text, texts[i]);
        list = doc->root->entries.at[1].value;
        assert_string_equal(list->entries.at[0].value->text, texts[i]);
        assert_int_equal(spec_node_scalar(list->entries.at[0].value), SPEC_SCALAR_STRING);
        spec_problems_release(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml__objects_and_lists_in_their_order),
        cmocka_unit_test(test_yaml__a_long_text_stays_on_its_line),
        cmocka_unit_test(test_yaml__strings_are_quoted_where_they_would_be_something_else),
        cmocka_unit_test(test_yaml__what_is_awkward_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
