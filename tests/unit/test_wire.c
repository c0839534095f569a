/* state/base64 and state/wire: what etcd's gateway writes, taken apart. */
#include "state/base64.h"
#include "state/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LONG "a value that is long enough to be left where it stands"

/* ---- base64 -------------------------------------------------------------------------------------------- */

static char *encoded(const void *data, size_t n)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);

    assert_int_equal(base64_encode(&b, data, n), 0);
    return orc_buf_take(&b);
}

/* RFC 4648, section 10. */
static void test_base64__the_vectors_of_its_rfc(void **state)
{
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const text[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(plain); i++) {
        orc_auto_free char *made = encoded(plain[i], strlen(plain[i])), *back = NULL;
        size_t n;

        assert_string_equal(made, text[i]);
        assert_int_equal(base64_decode(made, strlen(made), &back, &n), 0);
        assert_int_equal(n, strlen(plain[i]));
        assert_string_equal(back, plain[i]);
    }
}

static void test_base64__any_bytes_come_back(void **state)
{
    unsigned char bytes[300];
    unsigned seed = 7;

    for (size_t n = 0; n < sizeof bytes; n++) {
        orc_auto_free char *made = NULL, *back = NULL;
        size_t back_n;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)rand_r(&seed);
        made = encoded(bytes, n);
        assert_int_equal(base64_decode(made, strlen(made), &back, &back_n), 0);
        assert_int_equal(back_n, n);
        assert_memory_equal(back, bytes, n);
        assert_int_equal(back[n], '\0');
    }
}

static bool is_base64(const char *text, size_t n)
{
    orc_auto_free char *back = NULL;
    size_t back_n;

    return base64_decode(text, n, &back, &back_n) == 0;
}

static void test_base64__every_other_character_is_refused_at_every_place(void **state)
{
    for (int at = 0; at < 8; at++)
        for (int c = 0; c < 256; c++) {
            char text[] = "QUJDREVG";
            bool digit = c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c);

            text[at] = (char)c;
            assert_int_equal(is_base64(text, 8), digit || (c == '=' && at == 7));
        }
    for (size_t n = 0; n < 8; n++)
        assert_int_equal(is_base64("QUJDREVG", n), n % 4 == 0);
    assert_true(is_base64("QUJDRA==", 8));
    assert_false(is_base64("QUJDR===", 8));
    assert_false(is_base64("QUJD====", 8));
    assert_false(is_base64("QU==QUJD", 8));
    assert_false(is_base64("QUJDR=A=", 8));
}

/* ---- documents ----------------------------------------------------------------------------------------- */

/* The value of the document's "kv". */
static char *value_in(const char *text)
{
    struct orc_err err = ORC_ERR_INIT;
    struct etcd_kv kv = {0};
    struct wire_doc d;

    if (wire_doc_parse(&d, text, strlen(text), &err) == 0) {
        wire_kv_value(&d, json_object_get(d.json, "kv"), &kv);
        assert_int_equal(kv.value ? strlen(kv.value) : 0, kv.value_len);
    } else {
        assert_null(d.json);
        assert_true(*err.msg);
    }
    wire_doc_release(&d);
    return (char *)kv.value;
}

static void check_value(const char *text, const char *expected)
{
    orc_auto_free char *got = value_in(text);

    if (expected && got)
        assert_string_equal(got, expected);
    assert_int_equal(!expected, !got);
}

static void test_wire__values_are_what_they_were(void **state)
{
    orc_auto_free char *value = encoded(LONG, strlen(LONG));
    const struct {
        const char *format; /* "@": the value in base64 */
        const char *expected;
    } t[] = {
        {"{\"kv\":{\"key\":\"QQ==\",\"value\":\"@\"}}", LONG},
        {"{\"kv\":{\"value\":\"@\",\"key\":\"QQ==\"}}", LONG},
        {"{\"kv\" : { \"value\" : \"@\" } }", LONG}, /* spaces: read as JSON */
        {"{\"kv\":{\"value\":\"QQ==\"},\"x\":\"@\"}", "A"},
        {"{\"kv\":{\"value\":\"\"},\"x\":\"@\"}", ""},
        {"{\"kv\":{\"key\":\"@\"}}", ""}, /* none: an empty one is left out */
        {"{\"prev\":{\"value\":\"@\"},\"kv\":{\"value\":\"QQ==\"}}", "A"},
        {"{\"text\":\"\\\"value\\\":\\\"@\",\"kv\":{\"value\":\"QQ==\"}}", "A"},
        {"{\"kv\":{\"value\":\"Qk\\u0046C@\"}}", "BAB" LONG}, /* an escape: read as JSON */
        {"{\"kv\":{\"value\":\"@=\"}}", NULL},
        {"{\"kv\":{\"value\":\"!@\"}}", NULL},
        {"{\"kv\":{\"value\":\"QQ!=@\"}}", NULL},
        {"{\"kv\":{\"value\":\"@\"}", NULL}, /* cut off */
        {"{\"kv\":{\"value\":\"@", NULL},
        {"{\"kv\":{\"value\":\"@\"x}}", NULL},
        {"{\"kv\":{\"value\":\"@\",\"value\":\"QQ==\"}}", NULL}, /* twice */
        {"{\"kv\":{\"value\":0},\"x\":\"@\"}", NULL},            /* numbers of values that there aren't */
        {"{\"kv\":{\"value\":-1},\"x\":{\"value\":\"@\"}}", NULL},
        {"{\"kv\":{\"value\":1},\"x\":{\"value\":\"@\"}}", NULL},
        {"{\"kv\":{\"value\":4294967296},\"x\":{\"value\":\"@\"}}", NULL},
        {"{\"kv\":{\"value\":true},\"x\":{\"value\":\"@\"}}", NULL},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(t); i++) {
        size_t before = strcspn(t[i].format, "@");
        orc_auto_free char *text =
            orc_printf("%.*s%s%s", (int)before, t[i].format, value, t[i].format + before + 1);

        check_value(text, t[i].expected);
    }
}

/* A page of keys, with values of all lengths around that from which they stay where they stand. */
static void test_wire__each_key_has_its_own_value(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);
    struct orc_err err = ORC_ERR_INIT;
    struct wire_kvs kvs = {0};
    struct wire_doc d;
    char key[16], value[64] = "";

    orc_buf_puts(&b, "{\"kvs\":[");
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof key, "k%d", i);
        orc_buf_puts(&b, i ? ",{" : "{");
        wire_add_str(&b, "key", key);
        wire_add_int(&b, "mod_revision", 100 + i);
        memset(value, 'a' + i % 26, (size_t)(i * 7 % 60));
        value[i * 7 % 60] = '\0';
        wire_add_str(&b, "value", value);
        orc_buf_puts(&b, "}");
    }
    orc_buf_puts(&b, "]}");
    assert_int_equal(wire_doc_parse(&d, orc_buf_str(&b), b.len, &err), 0);
    assert_true(d.values.n > 10 && d.values.n < 50);
    assert_int_equal(wire_kvs_add(&d, d.json, &kvs, &err), 0);
    assert_int_equal(kvs.n, 60);
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_string_equal(kvs.at[i].key, key);
        assert_int_equal(kvs.at[i].mod_revision, 100 + i);
        assert_int_equal(kvs.at[i].value_len, i * 7 % 60);
        assert_int_equal(strspn(kvs.at[i].value, (char[]){(char)('a' + i % 26), 0}), i * 7 % 60);
    }
    wire_kvs_release(&kvs);
    wire_doc_release(&d);
    orc_buf_release(&b);
}

static void test_wire__a_page_with_a_broken_value_is_refused(void **state)
{
    static const char text[] =
        "{\"kvs\":[{\"key\":\"QQ==\",\"value\":\"QQ==\"},{\"key\":\"Qg==\",\"value\":7}]}";
    struct orc_err err = ORC_ERR_INIT;
    struct wire_kvs kvs = {0};
    struct wire_doc d;

    assert_int_equal(wire_doc_parse(&d, text, sizeof text - 1, &err), 0);
    assert_int_equal(wire_kvs_add(&d, d.json, &kvs, &err), -EPROTO);
    assert_string_equal(err.msg, "the answer's key 1 is not as etcd writes keys");
    wire_kvs_release(&kvs);
    wire_doc_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64__the_vectors_of_its_rfc),
        cmocka_unit_test(test_base64__any_bytes_come_back),
        cmocka_unit_test(test_base64__every_other_character_is_refused_at_every_place),
        cmocka_unit_test(test_wire__values_are_what_they_were),
        cmocka_unit_test(test_wire__each_key_has_its_own_value),
        cmocka_unit_test(test_wire__a_page_with_a_broken_value_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
