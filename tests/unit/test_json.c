#include "lib/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static json_t *parse(const char *text)
{
    struct orc_err err = ORC_ERR_INIT;
    json_t *j = orc_json_parse(text, strlen(text), &err);

    if (!j)
        fail_msg("%s: %s", text, err.msg);
    return j;
}

static void refused(const char *text, size_t n)
{
    struct orc_err err = ORC_ERR_INIT;

    assert_null(orc_json_parse(text, n, &err));
    assert_true(err.msg[0]);
}

static void test_json__garbage_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "{}x",
                                      "{} {}",
                                      "{\"a\":1,\"a\":2}",
                                      "\"\xff\"",
                                      "{\"a\":}",
                                      "[1,]",
                                      "nul",
                                      "\"\\u0000\"",
                                      "\"\xc0\x80\"",
                                      "'a'",
                                      "99999999999999999999",
                                      "\"\\ud800\""};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        refused(bad[i], strlen(bad[i]));
    refused("{}\0{}", 5);
    assert_null(orc_json_parse("{", 1, NULL));
}

static void test_json__nesting_ends_at_64(void **state)
{
    char text[4096];
    struct orc_err err = ORC_ERR_INIT;
    json_t *j;

    for (int depth = 64; depth <= 65; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        j = orc_json_parse(text, 2 * (size_t)depth, &err);
        assert_int_equal(j != NULL, depth == 64);
        json_decref(j);
    }
    assert_non_null(strstr(err.msg, "64"));
    memset(text, '[', sizeof text);
    refused(text, sizeof text);
    j = parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\"");
    json_decref(j);
}

static void test_json__text_keeps_insertion_order(void **state)
{
    orc_auto_json json_t *j = parse("{ \"z\": 1, \"a\": [true, null, 2.5], \"m\": \"\\u00e9\" }");
    orc_auto_free char *text = orc_json_text(j);

    assert_string_equal(text, "{\"z\":1,\"a\":[true,null,2.5],\"m\":\"\xc3\xa9\"}");
}

static void test_json__strings_are_copied_and_capped(void **state)
{
    orc_auto_json json_t *j = parse("{\"name\":\"web\",\"n\":1,\"none\":null}");
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *s = NULL;

    assert_int_equal(orc_json_str(j, "name", 3, &s, &err), 0);
    assert_string_equal(s, "web");
    assert_int_equal(orc_json_str(j, "name", 2, &s, &err), -EINVAL);
    assert_string_equal(err.msg, "\"name\": expected at most 2 bytes, got 3");
    assert_int_equal(orc_json_str(j, "n", 9, &s, &err), -EINVAL);
    assert_string_equal(err.msg, "\"n\": expected a string, got an integer");
    assert_int_equal(orc_json_str(j, "other", 9, &s, &err), -EINVAL);
    assert_string_equal(err.msg, "\"other\" is missing; expected a string");
    assert_int_equal(orc_json_str(j, "none", 9, &s, &err), -EINVAL);
    assert_int_equal(orc_json_str_opt(j, "none", 9, &s, &err), 0);
    assert_int_equal(orc_json_str_opt(j, "other", 9, &s, &err), 0);
    assert_int_equal(orc_json_str_opt(j, "n", 9, &s, &err), -EINVAL);
    assert_string_equal(s, "web");
}

static void test_json__integers_are_checked_against_their_range(void **state)
{
    orc_auto_json json_t *j = parse("{\"slot\":\"x\",\"n\":10000,\"ok\":9999,\"f\":1.0,\"none\":null}");
    struct orc_err err = ORC_ERR_INIT;
    int64_t n = 77;

    assert_int_equal(orc_json_int(j, "slot", 0, 9999, &n, &err), -EINVAL);
    assert_string_equal(err.msg, "\"slot\": expected an integer in 0..9999, got a string");
    assert_int_equal(orc_json_int(j, "n", 0, 9999, &n, &err), -EINVAL);
    assert_string_equal(err.msg, "\"n\": expected an integer in 0..9999, got 10000");
    assert_int_equal(orc_json_int(j, "f", 0, 9999, &n, &err), -EINVAL);
    assert_int_equal(orc_json_int(j, "none", 0, 9999, &n, &err), -EINVAL);
    assert_int_equal(orc_json_int_opt(j, "none", 0, 9999, &n, &err), 0);
    assert_int_equal(orc_json_int_opt(j, "absent", 0, 9999, &n, &err), 0);
    assert_int_equal(n, 77);
    assert_int_equal(orc_json_int(j, "ok", 0, 9999, &n, &err), 0);
    assert_int_equal(n, 9999);
}

static void test_json__members_of_another_type_are_refused(void **state)
{
    orc_auto_json json_t *j = parse("{\"b\":true,\"o\":{\"x\":1},\"a\":[1],\"n\":null}");
    struct orc_err err = ORC_ERR_INIT;
    json_t *got = j;
    bool b = false;

    assert_int_equal(orc_json_bool_opt(j, "b", &b, &err), 0);
    assert_true(b);
    assert_int_equal(orc_json_bool_opt(j, "a", &b, &err), -EINVAL);
    assert_string_equal(err.msg, "\"a\": expected true or false, got a list");
    assert_int_equal(orc_json_obj_opt(j, "a", &got, &err), -EINVAL);
    assert_ptr_equal(got, j);
    assert_int_equal(orc_json_obj_opt(j, "o", &got, &err), 0);
    assert_ptr_equal(got, json_object_get(j, "o"));
    assert_int_equal(orc_json_arr_opt(j, "n", &got, &err), 0);
    assert_null(got);
    assert_int_equal(orc_json_arr_opt(j, "a", &got, &err), 0);
    assert_int_equal(json_array_size(got), 1);
}

static void test_json__what_is_no_object_has_no_members(void **state)
{
    orc_auto_json json_t *j = parse("[1]");
    struct orc_err err = ORC_ERR_INIT;
    char *s = NULL;

    assert_int_equal(orc_json_str_opt(j, "name", 9, &s, &err), -EINVAL);
    assert_string_equal(err.msg, "expected an object with \"name\", got a list");
    assert_int_equal(orc_json_str(NULL, "name", 9, &s, &err), -EINVAL);
    assert_null(s);
}

static void test_json__a_list_of_strings_is_taken_whole_or_not_at_all(void **state)
{
    orc_auto_json json_t *j = parse("{\"good\":[\"a\",\"b\"],\"bad\":[\"c\",3],\"long\":[\"dddd\"]}");
    struct orc_err err = ORC_ERR_INIT;
    struct orc_strv v = {0};

    assert_int_equal(orc_json_strv_opt(j, "good", 3, &v, &err), 0);
    assert_int_equal(orc_json_strv_opt(j, "bad", 3, &v, &err), -EINVAL);
    assert_string_equal(err.msg, "\"bad\"[1]: expected a string, got an integer");
    assert_int_equal(orc_json_strv_opt(j, "long", 3, &v, &err), -EINVAL);
    assert_int_equal(orc_json_strv_opt(j, "absent", 3, &v, &err), 0);
    assert_int_equal(v.n, 2);
    assert_string_equal(v.at[1], "b");
    orc_strv_release(&v);
}

static void test_json__a_garbled_string_keeps_its_place(void **state)
{
    orc_auto_json json_t *j = json_object();

    orc_json_set_str(j, "a", "ok \xc3\xa9");
    orc_json_set_str(j, "b", "bad \xff\xfe.");
    orc_json_set_str(j, "c", NULL);
    assert_string_equal(json_string_value(json_object_get(j, "a")), "ok \xc3\xa9");
    assert_string_equal(json_string_value(json_object_get(j, "b")), "bad ??.");
    assert_null(json_object_get(j, "c"));
}

static void assert_written(const char *s)
{
    struct orc_buf b = ORC_BUF_INIT(100);
    orc_auto_json json_t *j = orc_json_str_new(s);
    orc_auto_free char *want = orc_json_text(j);

    orc_buf_puts(&b, "[1,");
    orc_json_write_str(s, &b);
    assert_memory_equal(orc_buf_str(&b), "[1,", 3);
    assert_string_equal(orc_buf_str(&b) + 3, want);
    orc_buf_release(&b);
}

/* Each byte alone, at the front, in the middle and at the end: control characters, quotes, DEL, no UTF-8. */
static void test_json__a_string_is_written_as_jansson_writes_it(void **state)
{
    static const char *const texts[] = {"",
                                        "plain",
                                        "a/b",
                                        "\"\\",
                                        "\xe2\x80\xa8",
                                        "\xc3\xa9\"",
                                        "\"\xff",
                                        "\xc0\x80",
                                        "\xed\xa0\x80",
                                        "\xf0\x9f\x98\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xc3"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(texts); i++)
        assert_written(texts[i]);
    for (int byte = 1; byte < 256; byte++) {
        char at[4][4] = {{(char)byte}, {(char)byte, 'b'}, {'a', (char)byte, 'b'}, {'a', (char)byte}};

        for (size_t i = 0; i < 4; i++)
            assert_written(at[i]);
    }
}

/* Behaviour 92: etcd's gateway writes int64 as strings. */
static void test_json__int64_is_read_as_number_or_text(void **state)
{
    orc_auto_json json_t *j =
        parse("[\"9223372036854775807\",9223372036854775807,-5,\"-5\",\"x\",\"1.0\",2.5,null]");
    int64_t n = 0;

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(orc_json_int64_any(json_array_get(j, i), &n), 0);
        assert_true(n == (i < 2 ? INT64_MAX : -5));
    }
    for (size_t i = 4; i < 9; i++)
        assert_int_equal(orc_json_int64_any(json_array_get(j, i), &n), -EINVAL);
    assert_int_equal(n, -5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__garbage_is_refused),
        cmocka_unit_test(test_json__nesting_ends_at_64),
        cmocka_unit_test(test_json__text_keeps_insertion_order),
        cmocka_unit_test(test_json__strings_are_copied_and_capped),
        cmocka_unit_test(test_json__integers_are_checked_against_their_range),
        cmocka_unit_test(test_json__members_of_another_type_are_refused),
        cmocka_unit_test(test_json__what_is_no_object_has_no_members),
        cmocka_unit_test(test_json__a_list_of_strings_is_taken_whole_or_not_at_all),
        cmocka_unit_test(test_json__a_garbled_string_keeps_its_place),
        cmocka_unit_test(test_json__a_string_is_written_as_jansson_writes_it),
        cmocka_unit_test(test_json__int64_is_read_as_number_or_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
