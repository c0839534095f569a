/* What codec_text() writes is, byte for byte, what jansson makes of a tree of the same members. */
#include "tests/sim/codec_tree.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A struct of every kind --------------------------------------------------------------------------------- */

enum colour { RED, GREEN, BLUE };
static const char *const colours[] = {"red", "green", "dark \"blue\"", NULL};

struct box { /* reads and writes itself */
    int64_t held;
};
struct leaf {
    char *note;
    int n;
};
struct branch {
    struct leaf leaf;
    char *note;
};
struct thing {
    char *str;
    char fixed[9];
    bool flag;
    int number;
    int64_t wide;
    uint64_t wide_u;
    uint16_t port;
    enum colour colour;
    struct orc_strv words;
    bool words_set;
    struct spec_pairs map, nulls;
    struct leaf leaf;
    struct branch branch;
    struct {
        struct leaf *at;
        size_t n, cap;
    } leaves;
    struct box *box;
    struct {
        struct branch *at;
        size_t n, cap;
    } branches;
};

static char *box_text(const void *p)
{
    return orc_printf("{\"held\":%lld}", (long long)((const struct box *)p)->held);
}

static void *box_from_json(const json_t *j, struct orc_err *err)
{
    struct box *b = orc_calloc(1, sizeof *b);

    if (orc_json_int(j, "held", INT64_MIN, INT64_MAX, &b->held, err) == 0)
        return b;
    free(b);
    return NULL;
}

static const struct codec_owned box_owned = {box_text, box_from_json, free};

static void leaf_init(void *obj)
{
    ((struct leaf *)obj)->n = 7;
}

static const struct codec_field leaf_rows[] = {
    CODEC_ROW_STR(leaf, note, 8, NULL),
    CODEC_ROW_INT(leaf, n, INT_MIN, INT_MAX),
};
static const struct codec leaf_codec = CODEC_OF(leaf, leaf_rows, .init = leaf_init);
static const struct codec_field branch_rows[] = {
    CODEC_ROW_STRUCT(branch, leaf, &leaf_codec),
    CODEC_ROW_STR(branch, note, 0, NULL),
};
static const struct codec branch_codec = CODEC_OF(branch, branch_rows);
static const struct codec_field thing_rows[] = {
    CODEC_ROW(thing, str, CODEC_STR, .max = 8, .marked = true),
    CODEC_ROW_FIXED(thing, fixed),
    CODEC_ROW_BOOL(thing, flag),
    CODEC_ROW_INT(thing, number, INT_MIN, INT_MAX),
    CODEC_ROW_INT64(thing, wide, INT64_MIN, INT64_MAX),
    CODEC_ROW_INT64(thing, wide_u, 0, INT64_MAX),
    CODEC_ROW_U16(thing, port, 0),
    CODEC_ROW_ENUM(thing, colour, colours),
    CODEC_ROW(thing, words, CODEC_STRV, .flag = offsetof(struct thing, words_set)),
    CODEC_ROW_PAIRS(thing, map, 0),
    CODEC_ROW(thing, nulls, CODEC_PAIRS, .nulls = true),
    CODEC_ROW_STRUCT(thing, leaf, &leaf_codec),
    CODEC_ROW(thing, branch, CODEC_STRUCT, .sub = &branch_codec, .marked = true),
    CODEC_ROW_LIST(thing, leaves, &leaf_codec, 0),
    CODEC_ROW(thing, box, CODEC_OWNED, .owned = &box_owned),
    CODEC_ROW_LIST(thing, branches, &branch_codec, 0),
};
static const struct codec thing_codec = CODEC_OF(thing, thing_rows);

static void release(struct thing *t)
{
    codec_release(&thing_codec, t);
}
#define auto_thing orc_auto(release)

/* The text, which is jansson's. */
static char *written(const struct thing *t)
{
    orc_auto_json json_t *tree = codec_tree(&thing_codec, t);
    orc_auto_free char *want = orc_json_text(tree);
    char *text = codec_text(&thing_codec, t);

    assert_string_equal(text, want);
    return text;
}

static void assert_written(const struct thing *t)
{
    free(written(t));
}

/* What it holds is read back; maps by their keys, so that only what was read is written the same again. */
static void assert_read_back(const struct thing *t)
{
    orc_auto_free char *text = written(t), *again = NULL, *third = NULL;
    orc_auto_json json_t *j = orc_json_parse(text, strlen(text), NULL), *k = NULL;
    struct orc_err err = ORC_ERR_INIT;
    auto_thing struct thing back = {0}, copy = {0};

    assert_non_null(j);
    if (codec_decode(&thing_codec, j, &back, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    again = written(&back);
    k = orc_json_parse(again, strlen(again), NULL);
    assert_true(json_equal(j, k));
    codec_copy(&thing_codec, &back, &copy);
    third = written(&copy);
    assert_string_equal(again, third);
}

/* Text ------------------------------------------------------------------------------------------------- */

static const char *const nasty[] = {"",
                                    "plain",
                                    " ",
                                    "\"",
                                    "\\",
                                    "a\"b\\c",
                                    "/",
                                    "\x01\x02\x1f",
                                    "\b\f\n\r\t\v",
                                    "\x7f",
                                    "\xc2\x80",
                                    "\xc3\xa4",
                                    "\xe2\x80\xa8",
                                    "\xef\xbf\xbf",
                                    "\xf0\x9f\x98\x80",
                                    "\xff",
                                    "a\xc3",
                                    "\x80\"",
                                    "\xc0\x80",
                                    "\xed\xa0\x80",
                                    "\xf4\x90\x80\x80"};

static void test_codec_write__any_text_stands_anywhere(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(nasty); i++) {
        auto_thing struct thing t = {0};

        assert_written(&t);
        t.str = orc_strdup(nasty[i]);
        memcpy(t.fixed, nasty[i], strlen(nasty[i]) + 1);
        orc_strv_add(&t.words, nasty[i]);
        orc_strv_add(&t.words, "between");
        orc_strv_add(&t.words, nasty[i]);
        spec_pairs_add(&t.map, nasty[i], nasty[i]);
        spec_pairs_add(&t.map, "between", nasty[i]);
        t.leaf.note = orc_strdup(nasty[i]);
        *orc_vec_add(&t.leaves) = (struct leaf){orc_strdup(nasty[i]), 1};
        assert_read_back(&t);
    }
}

/* By hand, so that it doesn't rest on jansson's word alone. */
static void test_codec_write__text_is_escaped_cut_and_replaced(void **state)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"a/b", "a/b"},
        {"\"\\", "\\\"\\\\"},
        {"\b\f\n\r\t", "\\b\\f\\n\\r\\t"},
        {"\x01\x1f\x7f", "\\u0001\\u001F\x7f"},
        {"12345678", "12345678"},
        {"123456789", "12345678"},
        {"1234567\xc3\xa4", "1234567"},
        {"123456\xc3\xa4", "123456\xc3\xa4"},
        {"12345\xf0\x9f\x98\x80", "12345"},
        {"1234\xf0\x9f\x98\x80", "1234\xf0\x9f\x98\x80"},
        {"123456\xe2\x80\xa8z", "123456"},
        {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80", ""},
        {"1\xff\"", "1?\\\""},
        {"\xc3\xa4\xff", "???"},
        {"12345678\xff", "12345678"},
        {"\"\"\"\"\"\"\"\"\"", "\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\""},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct leaf leaf = {.note = orc_strdup(cases[i].text)};
        orc_auto_free char *text = codec_text(&leaf_codec, &leaf);
        orc_auto_free char *want = orc_printf("{\"note\":\"%s\",\"n\":0}", cases[i].written);

        assert_string_equal(text, want);
        codec_release(&leaf_codec, &leaf);
    }
}

/* A row without a width has the widest; neither elements of lists nor values of maps are cut. */
static void test_codec_write__long_text_is_cut_where_its_row_says_so(void **state)
{
    auto_thing struct thing t = {.branch.note = orc_calloc(1, SPEC_TEXT_MAX + 3)};
    orc_auto_free char *text = NULL;

    memset(t.branch.note, 'x', SPEC_TEXT_MAX - 1);
    strcpy(t.branch.note + SPEC_TEXT_MAX - 1, "\xc3\xa4");
    assert_read_back(&t);
    orc_strv_add(&t.words, t.branch.note);
    spec_pairs_add(&t.map, "long", t.branch.note);
    text = written(&t);
    assert_in_range(strlen(text), 3 * SPEC_TEXT_MAX, 3 * SPEC_TEXT_MAX + 1000);
}

/* Numbers, words, what is empty -------------------------------------------------------------------------- */

static void test_codec_write__numbers_are_written_to_their_ends(void **state)
{
    static const int64_t values[] = {0,
                                     1,
                                     -1,
                                     9,
                                     10,
                                     -10,
                                     99,
                                     100,
                                     65535,
                                     INT_MAX,
                                     INT_MIN,
                                     INT64_MAX,
                                     INT64_MIN,
                                     INT64_MAX - 1,
                                     1000000000000000000,
                                     -1000000000000000000};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(values); i++) {
        struct thing t = {.number = (int)values[i],
                          .wide = values[i],
                          .wide_u = (uint64_t)(values[i] & INT64_MAX),
                          .port = (uint16_t)values[i],
                          .flag = i % 2,
                          .colour = (enum colour)(i % 3)};

        assert_read_back(&t);
    }
}

static void test_codec_write__all_members_in_their_order(void **state)
{
    auto_thing struct thing t = {.str = orc_strdup("s"),
                                 .fixed = "f",
                                 .flag = true,
                                 .number = -5,
                                 .wide = INT64_MIN,
                                 .wide_u = INT64_MAX,
                                 .port = 65535,
                                 .colour = BLUE};
    orc_auto_free char *full = NULL, *empty = NULL;
    struct thing nothing = {0};

    orc_strv_add(&t.words, "w");
    spec_pairs_add(&t.map, "k", "v");
    spec_pairs_add(&t.nulls, "k", NULL);
    *orc_vec_add(&t.leaves) = (struct leaf){0};
    *orc_vec_add(&t.leaves) = (struct leaf){.n = 2};
    *orc_vec_add(&t.branches) = (struct branch){0};
    t.box = orc_calloc(1, sizeof *t.box);
    t.box->held = 3;
    full = written(&t);
    assert_string_equal(
        full,
        "{\"str\":\"s\",\"fixed\":\"f\",\"flag\":true,\"number\":-5,\"wide\":-9223372036854775808,"
        "\"wide_u\":9223372036854775807,\"port\":65535,\"colour\":\"dark \\\"blue\\\"\",\"words\":[\"w\"],"
        "\"map\":{\"k\":\"v\"},\"nulls\":{\"k\":null},\"leaf\":{\"n\":0},\"branch\":{\"leaf\":{\"n\":0}},"
        "\"leaves\":[{\"n\":0},{\"n\":2}],\"box\":{\"held\":3},\"branches\":[{\"leaf\":{\"n\":0}}]}");
    empty = written(&nothing);
    assert_string_equal(
        empty,
        "{\"fixed\":\"\",\"flag\":false,\"number\":0,\"wide\":0,\"wide_u\":0,\"port\":0,\"colour\":\"red\","
        "\"words\":[],\"map\":{},\"nulls\":{},\"leaf\":{\"n\":0},\"branch\":{\"leaf\":{\"n\":0}},"
        "\"leaves\":[],\"branches\":[]}");
}

static void test_codec_write__a_struct_of_nothing_is_an_empty_object(void **state)
{
    static const struct codec_field rows[] = {CODEC_ROW_STR(leaf, note, 8, NULL)};
    static const struct codec c = CODEC_OF(leaf, rows);
    struct leaf leaf = {0};
    orc_auto_free char *text = codec_text(&c, &leaf);

    assert_string_equal(text, "{}");
}

/* Maps ------------------------------------------------------------------------------------------------- */

static void test_codec_write__of_a_key_that_comes_twice_the_last_value_stands_first(void **state)
{
    auto_thing struct thing t = {0};
    orc_auto_free char *text = NULL;

    spec_pairs_add(&t.map, "b", "1");
    spec_pairs_add(&t.map, "a", "2");
    spec_pairs_add(&t.map, "b", "3");
    spec_pairs_add(&t.map, "c", NULL);
    spec_pairs_add(&t.map, "a", "\xff");
    spec_pairs_add(&t.map, "bad \xff", "left out");
    spec_pairs_add(&t.nulls, "\"", "was there");
    spec_pairs_add(&t.nulls, "", "");
    spec_pairs_add(&t.nulls, "\"", NULL);
    text = written(&t);
    assert_non_null(
        strstr(text, "\"map\":{\"b\":\"3\",\"a\":\"?\",\"c\":\"\"},\"nulls\":{\"\\\"\":null,\"\":\"\"}"));
    assert_read_back(&t);
}

/* Any ---------------------------------------------------------------------------------------------------- */

static uint64_t rolled; /* xorshift64 (Marsaglia 2003) */

static unsigned roll(unsigned n)
{
    rolled ^= rolled << 13;
    rolled ^= rolled >> 7;
    rolled ^= rolled << 17;
    return (unsigned)(rolled >> 33) % n;
}

static int64_t any_int(void)
{
    int64_t bits = (int64_t)((uint64_t)roll(1u << 31) << 33 ^ (uint64_t)roll(1u << 31) << 2);

    return bits >> roll(64);
}

static char *any_text(void)
{
    struct orc_buf b = ORC_BUF_INIT(1000);

    for (unsigned n = roll(2) ? roll(3) : roll(12); n; n--)
        orc_buf_puts(&b, nasty[roll(2) ? roll(ORC_ARRAY_SIZE(nasty)) : 1]);
    return orc_buf_take(&b);
}

static char *any_text_or_none(void)
{
    return roll(4) ? any_text() : NULL;
}

static struct leaf any_leaf(void)
{
    return (struct leaf){any_text_or_none(), (int)any_int()};
}

static void any_pairs(struct spec_pairs *p)
{
    for (unsigned n = roll(6); n; n--) {
        orc_auto_free char *key = any_text(), *value = any_text_or_none();

        key[strlen(key) > 256 ? 256 : strlen(key)] = '\0'; /* a longer one is refused */
        spec_pairs_add(p, key, value);
    }
}

static struct thing any_thing(void)
{
    struct thing t = {.str = any_text_or_none(),
                      .flag = roll(2),
                      .number = (int)any_int(),
                      .wide = any_int(),
                      .wide_u = (uint64_t)any_int() >> 1,
                      .port = (uint16_t)any_int(),
                      .colour = (enum colour)roll(3),
                      .leaf = any_leaf(),
                      .branch = {any_leaf(), any_text_or_none()}};
    orc_auto_free char *fixed = any_text();

    strncpy(t.fixed, fixed, sizeof t.fixed - 1);
    for (unsigned n = roll(4); n; n--)
        orc_vec_push(&t.words, any_text());
    any_pairs(&t.map);
    any_pairs(&t.nulls);
    for (unsigned n = roll(4); n; n--)
        orc_vec_push(&t.leaves, any_leaf());
    for (unsigned n = roll(4); n; n--)
        orc_vec_push(&t.branches, ((struct branch){any_leaf(), any_text_or_none()}));
    if (roll(2)) {
        t.box = orc_calloc(1, sizeof *t.box);
        t.box->held = any_int();
    }
    return t;
}

static void test_codec_write__anything_is_written_as_jansson_does_and_read_back(void **state)
{
    for (unsigned seed = 1; seed <= 3000; seed++) {
        auto_thing struct thing t = {0};

        rolled = seed * UINT64_C(0xd1342543de82ef95);
        t = any_thing();
        assert_read_back(&t);
    }
}

/* What differs from a default ------------------------------------------------------------------------------
 */

static void assert_changed(const struct thing *t, const struct thing *def, bool marked_only, const char *want)
{
    orc_auto_free char *text = codec_text_changed(&thing_codec, t, def, marked_only);

    assert_string_equal(text, want);
}

static void test_codec_write__what_equals_the_default_is_left_out(void **state)
{
    auto_thing struct thing t = {.number = 1}, def = {.number = 1, .port = 5, .colour = GREEN};
    struct thing zero = {0};

    def.str = orc_strdup("default");
    def.branch.leaf.note = orc_strdup("default");
    assert_changed(&zero, NULL, false, "{}");
    assert_changed(&def, &def, false, "{}");
    /* A text that is gone can't be told from the default. */
    assert_changed(&t, &def, false, "{\"port\":0,\"colour\":\"red\"}");
    t.branch.leaf.n = 3;
    t.str = orc_strdup("");
    t.words_set = true;
    assert_changed(
        &t, &def, false,
        "{\"str\":\"\",\"port\":0,\"colour\":\"red\",\"words\":[],\"branch\":{\"leaf\":{\"n\":3}}}");
    assert_changed(&t, NULL, false,
                   "{\"str\":\"\",\"number\":1,\"words\":[],\"branch\":{\"leaf\":{\"n\":3}}}");
    assert_changed(&t, &def, true, "{\"str\":\"\",\"branch\":{\"leaf\":{\"n\":3}}}");
}

/* Their default is what their own codec fills in, not zero; an element is never left out. */
static void test_codec_write__elements_differ_from_what_their_codec_fills_in(void **state)
{
    auto_thing struct thing t = {0};

    *orc_vec_add(&t.leaves) = (struct leaf){.n = 7};
    *orc_vec_add(&t.leaves) = (struct leaf){.n = 0};
    *orc_vec_add(&t.leaves) = (struct leaf){.note = orc_strdup("other"), .n = 7};
    *orc_vec_add(&t.branches) = (struct branch){0};
    assert_changed(&t, NULL, false, "{\"leaves\":[{},{\"n\":0},{\"note\":\"other\"}],\"branches\":[{}]}");
}

/* From the default and what differs the whole is had again; except for a text that is NULL. */
static void test_codec_write__the_default_and_what_differs_make_the_whole(void **state)
{
    struct leaf def = {.n = 4};

    for (unsigned seed = 1; seed <= 1000; seed++) {
        struct leaf leaf, back = def;
        orc_auto_free char *changed = NULL, *whole = NULL, *again = NULL;
        orc_auto_json json_t *j = NULL;

        rolled = seed * UINT64_C(0xd1342543de82ef95);
        leaf = any_leaf();
        leaf.n = roll(2) ? leaf.n : def.n;
        changed = codec_text_changed(&leaf_codec, &leaf, &def, false);
        j = orc_json_parse(changed, strlen(changed), NULL);
        assert_int_equal(json_object_size(j), (leaf.note != NULL) + (leaf.n != def.n));
        assert_int_equal(codec_decode_into(&leaf_codec, j, &back, NULL), 0);
        whole = codec_text(&leaf_codec, &leaf);
        again = codec_text(&leaf_codec, &back);
        assert_string_equal(whole, again);
        codec_release(&leaf_codec, &leaf);
        codec_release(&leaf_codec, &back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_write__any_text_stands_anywhere),
        cmocka_unit_test(test_codec_write__text_is_escaped_cut_and_replaced),
        cmocka_unit_test(test_codec_write__long_text_is_cut_where_its_row_says_so),
        cmocka_unit_test(test_codec_write__numbers_are_written_to_their_ends),
        cmocka_unit_test(test_codec_write__all_members_in_their_order),
        cmocka_unit_test(test_codec_write__a_struct_of_nothing_is_an_empty_object),
        cmocka_unit_test(test_codec_write__of_a_key_that_comes_twice_the_last_value_stands_first),
        cmocka_unit_test(test_codec_write__anything_is_written_as_jansson_does_and_read_back),
        cmocka_unit_test(test_codec_write__what_equals_the_default_is_left_out),
        cmocka_unit_test(test_codec_write__elements_differ_from_what_their_codec_fills_in),
        cmocka_unit_test(test_codec_write__the_default_and_what_differs_make_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
