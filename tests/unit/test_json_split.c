/* test_json_split.c - JSON documents out of a stream that is cut anywhere. */
#include "state/json_split.h"

#include "lib/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Feeds the text in pieces of `piece` bytes; the documents joined by '|', or NULL and *ret_r on failure. */
static char *split(const char *text, size_t n, size_t piece, size_t max, int *ret_r)
{
    struct orc_buf out = ORC_BUF_INIT(100000);
    struct json_split s;
    int r = 0;

    json_split_init(&s, max);
    for (size_t at = 0; at < n && r >= 0; at += piece) {
        const char *data = text + at;
        size_t left = n - at < piece ? n - at : piece;

        while (left && r >= 0) {
            size_t used = 0;

            r = json_split_feed(&s, data, left, &used);
            data += used;
            left -= used;
            if (r > 0) {
                orc_buf_printf(&out, "%s|", orc_buf_str(&s.buf));
                json_split_next(&s);
            }
        }
    }
    json_split_release(&s);
    if (ret_r)
        *ret_r = r;
    if (r < 0)
        orc_buf_release(&out);
    return r < 0 ? NULL : orc_buf_take(&out);
}

/* Behaviour 91: however a stream is cut, the same documents come out. */
static void test_json_split__every_way_of_cutting_gives_the_same_documents(void **state)
{
    static const char text[] =
        "{\"a\":1}\n{\"b\":\"}{\\\"\"}{\"c\":{\"d\":[{},{}]}}\r\n\n {\"e\":\"\\\\\"}\n{}";
    static const char expected[] =
        "{\"a\":1}|{\"b\":\"}{\\\"\"}|{\"c\":{\"d\":[{},{}]}}|{\"e\":\"\\\\\"}|{}|";

    for (size_t piece = 1; piece < sizeof text; piece++) {
        orc_auto_free char *got = split(text, sizeof text - 1, piece, 1000, NULL);

        assert_non_null(got);
        assert_string_equal(got, expected);
    }
}

static void test_json_split__a_document_larger_than_allowed_is_refused(void **state)
{
    int r;
    orc_auto_free char *fits = split("{\"a\":\"123\"}", 11, 3, 11, &r);

    assert_non_null(fits);
    assert_null(split("{\"a\":\"1234\"}", 12, 3, 11, &r));
    assert_int_equal(r, -EMSGSIZE);
}

static void test_json_split__text_between_documents_is_refused(void **state)
{
    int r;

    assert_null(split("{}x{}", 5, 5, 100, &r));
    assert_int_equal(r, -EINVAL);
    assert_null(split("}", 1, 1, 100, &r));
    assert_int_equal(r, -EINVAL);
    assert_null(split("\0{}", 3, 3, 100, &r));
    assert_int_equal(r, -EINVAL);
}

static void test_json_split__an_incomplete_document_is_kept_back(void **state)
{
    orc_auto_free char *got = split("{\"a\":1}{\"b\":", 12, 5, 100, NULL);

    assert_string_equal(got, "{\"a\":1}|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_split__every_way_of_cutting_gives_the_same_documents),
        cmocka_unit_test(test_json_split__a_document_larger_than_allowed_is_refused),
        cmocka_unit_test(test_json_split__text_between_documents_is_refused),
        cmocka_unit_test(test_json_split__an_incomplete_document_is_kept_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
