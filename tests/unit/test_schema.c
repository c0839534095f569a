/* The schema for editors: every row says what its value may be, and what it says is whole. Whether that is
 * what orc accepts is tests/integration/cli_schema's, with a validator that is not ours. */
#include "specs/parse_service.h"
#include "specs/schema.h"
#include "tests/unit/spec_test.h"

static size_t rows_seen;

static void check_table(const struct spec_keys *keys);

static void check_row(const struct spec_keys *keys, const struct spec_key *k)
{
    unsigned items, form = spec_key_form(k, &items), all = form | items | k->values;

    rows_seen++;
    if (!k->read) {
        assert_non_null(k->refusal);
        return;
    }
    if (!form || !k->doc)
        fail_msg("nothing says what \"%s\" of %s may be, or does", k->name, keys->what);
    assert_int_equal(!!(all & SPEC_IS_MAP), !!k->sub);
    assert_int_equal(!!(form & SPEC_IS_WORD), !!k->words);
    assert_int_equal(!!(form & SPEC_IS_NAMES), !!k->values);
    assert_int_equal(!!((form | k->values) & SPEC_IS_LIST), !!items);
    if (all & SPEC_IS_INT && k->read != spec_key_port)
        assert_true(k->min < k->max);
    if (k->sub)
        check_table(k->sub);
}

static void check_table(const struct spec_keys *keys)
{
    for (; keys; keys = keys->more)
        for (size_t i = 0; i < keys->n; i++)
            check_row(keys, &keys->keys[i]);
}

static void test_schema__each_row_says_what_it_may_be(void **state)
{
    check_table(&spec_file_keys);
    assert_true(rows_seen > 250);
}

/* The value at a path of names. */
static json_t *find(json_t *schema, const char *path)
{
    orc_auto_free char *copy = orc_strdup(path);
    char *rest = copy, *name;

    while ((name = strsep(&rest, "/"))) {
        schema = json_object_get(schema, name);
        if (!schema)
            fail_msg("there is no \"%s\" of %s", name, path);
    }
    return schema;
}

#define SERVICE "properties/services/additionalProperties/properties/"

static void test_schema__forms(void **state)
{
    static const struct {
        const char *path, *json;
    } rows[] = {
        {SERVICE "image/type", "\"string\""},
        {SERVICE "user/type", "[\"string\",\"number\",\"boolean\"]"},
        {SERVICE "init/type", "[\"boolean\",\"string\"]"},
        {SERVICE "stop_grace_period/pattern",
         "\"^(([0-9]+(\\\\.[0-9]*)?|\\\\.[0-9]+)(us|ms|s|m|h))+$|^0$|\\\\$\""},
        {SERVICE "cpu_shares/minimum", "2"},
        {SERVICE "memswap_limit/anyOf", "[{\"type\":[\"string\",\"number\"],\"minimum\":0,\"pattern\":\"^([0-"
                                        "9]+(\\\\.[0-9]*)?|\\\\.[0-9]+)([bB]|["
                                        "kmgtpKMGTP]([iI]?[bB])?)?$|\\\\$\"},{\"enum\":[-1,\"-1\"]}]"},
        {SERVICE "cap_add/items", "{\"type\":\"string\"}"},
        {SERVICE "x-orc/properties/placement/properties/strategy/anyOf",
         "[{\"enum\":[\"spread\",\"binpack\"]},{\"type\":\"string\",\"pattern\":\"\\\\$\"}]"},
        {SERVICE "gpus/not", "{}"},
        {SERVICE "deploy/properties/x-orc/not", "{}"},
        {SERVICE "deploy/patternProperties", "{\"^x-\":{}}"},
        {SERVICE "deploy/additionalProperties", "false"},
    };
    orc_auto_json json_t *schema = spec_schema();

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        orc_auto_free char *text = json_dumps(find(schema, rows[i].path), JSON_COMPACT | JSON_ENCODE_ANY);

        assert_string_equal(text, rows[i].json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema__each_row_says_what_it_may_be),
        cmocka_unit_test(test_schema__forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
