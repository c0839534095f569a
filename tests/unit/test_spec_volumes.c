/* volumes of the top level: names of the engine's, external ones, labels; what a service stores of them. */
#include "specs/diff.h"
#include "tests/unit/spec_test.h"

#define MOUNTED "    volumes: ['v:/c']\n"
#define STORED(members) "\"mounts\":[{\"source\":\"v\",\"target\":\"/c\"" members "}]"

static void test_spec_volumes__what_is_stored(void **state)
{
    static const struct {
        const char *volume, *json;
    } cases[] = {
        {"", STORED("")},
        {"{}", STORED("")},
        {"{name: pgdata}", STORED(",\"name\":\"pgdata\"")},
        {"{name: 42}", STORED(",\"name\":\"42\"")},
        {"{name: orc.blog.data}", STORED(",\"name\":\"orc.blog.data\"")},
        {"{name: orc.shop.v}", STORED("")}, /* as it is called anyway */
        {"{external: false}", STORED("")},
        {"{external: false, name: pgdata}", STORED(",\"name\":\"pgdata\"")},
        {"{external: true, name: pgdata}", STORED(",\"name\":\"pgdata\",\"external\":true")},
        {"{external: true, name: orc.shop.v}", STORED(",\"name\":\"orc.shop.v\",\"external\":true")},
        {"{external: {name: pgdata}}", STORED(",\"name\":\"pgdata\",\"external\":true")},
        {"{labels: {b: 2, a: }}", STORED(",\"labels\":{\"a\":\"\",\"b\":\"2\"}")},
        {"{labels: [b=2, a]}", STORED(",\"labels\":{\"a\":\"\",\"b\":\"2\"}")},
        {"{labels: }", STORED("")},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf(WEB(MOUNTED) "volumes: {v: %s}\n", cases[i].volume);

        assert_web(yaml, cases[i].json);
    }
}

/* Without another name an external one is called as in the file. */
static void test_spec_volumes__an_external_one_is_called_as_in_the_file(void **state)
{
    assert_web(
        WEB("    volumes: ['pgdata:/c']\n") "volumes: {pgdata: {external: true}}\n",
        "\"mounts\":[{\"source\":\"pgdata\",\"target\":\"/c\",\"name\":\"pgdata\",\"external\":true}]");
}

static void test_spec_volumes__what_is_refused(void **state)
{
    static const struct refusal cases[] = {
        {WEB("") "volumes: {v: {name: v}}\n", "4:21: ", "names are 2 to 120 letters"}, /* the Engine's rule */
        {WEB("") "volumes: {v: {name: a/b}}\n",
         "4:21: ", "name: the engine can't call a volume \"a/b\": names are"},
        {WEB("") "volumes: {v: {name: ''}}\n", "4:21: ", "name"},
        {WEB("") "volumes: {v: {name: [a]}}\n", "4:21: ", "list"},
        {WEB("") "volumes: {v: {name: -ab}}\n", "4:21: ", "begin with a letter or digit"},
        {WEB("") "volumes: {v: {external: maybe}}\n", "4:25: ", "external"},
        {WEB("") "volumes: {v: {external: true}}\n", "4:11: ", "the engine can't call a volume \"v\""},
        {WEB("") "volumes: {v: {external: {nmae: ab}}}\n", "4:26: ", "did you mean \"name\"?"},
        {WEB("") "volumes: {ab: {external: true, driver: local}}\n", "4:40: ", "volume \"ab\" is external"},
        {WEB("") "volumes: {ab: {labels: {a: b}, external: true}}\n", "4:24: ", "volume \"ab\" is external"},
        {WEB("") "volumes: {ab: {external: true, driver_opts: {o: x}}}\n", "4:45: ", "this means nothing"},
        {WEB("") "volumes: {v: {labels: {orc.a: b}}}\n", "4:24: ", "orc."},
        {WEB("") "volumes: {v: {labels: a}}\n", "4:23: ", "labels must be a mapping"},
    };

    ASSERT_REFUSALS(cases);
}

static struct spec_service *from_json(const char *mount, struct orc_err *err)
{
    orc_auto_free char *text =
        orc_printf("{\"name\":\"web\",\"image\":\"nginx\",\"mounts\":[{\"target\":\"/c\",%s}]}", mount);
    orc_auto_json json_t *j = orc_json_parse(text, strlen(text), err);

    assert_non_null(j);
    return spec_service_from_json(j, err);
}

/* What the parser refuses the reader of what is stored does, too. */
static void test_spec_volumes__what_is_stored_is_checked(void **state)
{
    static const char *const good[] = {
        "\"source\":\"v\",\"name\":\"ab\"",
        "\"source\":\"v\",\"name\":\"ab\",\"labels\":{\"a\":\"b\"}",
        "\"source\":\"v\",\"name\":\"ab\",\"external\":true",
    };
    static const char *const bad[] = {
        "\"source\":\"v\",\"name\":\"a/b\"",
        "\"source\":\"v\",\"external\":true",
        "\"source\":\"v\",\"name\":\"ab\",\"external\":true,\"labels\":{\"a\":\"b\"}",
        "\"source\":\"v\",\"name\":\"ab\",\"external\":true,\"driver_opts\":{\"a\":\"b\"}",
        "\"source\":\"v\",\"labels\":{\"orc.a\":\"b\"}",
        "\"kind\":\"bind\",\"source\":\"/v\",\"name\":\"ab\"",
        "\"kind\":\"bind\",\"source\":\"/v\",\"labels\":{\"a\":\"b\"}",
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++) {
        struct orc_err err = ORC_ERR_INIT;
        orc_auto(spec_service_free_p) struct spec_service *s = from_json(good[i], &err);

        if (!s)
            fail_msg("%s: %s", good[i], err.msg);
    }
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct orc_err err = ORC_ERR_INIT;
        orc_auto(spec_service_free_p) struct spec_service *s = from_json(bad[i], &err);

        if (s)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(err.msg, "mounts"));
    }
}

static void test_spec_volumes__what_the_engine_calls_them(void **state)
{
    char source[] = "data", name[] = "pgdata";
    const struct spec_mount plain = {.source = source}, named = {.source = source, .name = name};
    orc_auto_free char *own = spec_mount_volume("shop", &plain), *given = spec_mount_volume("shop", &named);

    assert_string_equal(own, "orc.shop.data");
    assert_string_equal(given, "pgdata");
}

static void assert_diff(const char *before, const char *after, const char *path, const char *was,
                        const char *is)
{
    orc_auto_free char *x = orc_printf(WEB(MOUNTED) "volumes: {v: %s}\n", before),
                       *y = orc_printf(WEB(MOUNTED) "volumes: {v: %s}\n", after);
    orc_auto(spec_app_free_p) struct spec_app *a = parse_ok(x), *b = parse_ok(y);
    struct spec_changes changes = {0};

    spec_diff(web_of(a), web_of(b), &changes);
    assert_int_equal(changes.n, 1);
    assert_string_equal(changes.at[0].path, path);
    assert_true(was ? strcmp(changes.at[0].before, was) == 0 : !changes.at[0].before);
    assert_true(is ? strcmp(changes.at[0].after, is) == 0 : !changes.at[0].after);
    assert_int_equal(changes.at[0].effect, SPEC_REPLACES);
    spec_changes_release(&changes);
}

static void test_spec_volumes__a_change_of_one_is_told(void **state)
{
    assert_diff("", "{name: ab}", "volumes./c.name", NULL, "ab");
    assert_diff("{name: ab}", "{name: cd}", "volumes./c.name", "ab", "cd");
    assert_diff("{name: ab}", "{name: ab, external: true}", "volumes./c.external", NULL, "true");
    assert_diff("{labels: {a: b}}", "", "volumes./c.labels.a", "b", NULL);
    assert_diff("", "{driver_opts: {type: nfs}}", "volumes./c.driver_opts.type", NULL, "nfs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_volumes__what_is_stored),
        cmocka_unit_test(test_spec_volumes__an_external_one_is_called_as_in_the_file),
        cmocka_unit_test(test_spec_volumes__what_is_refused),
        cmocka_unit_test(test_spec_volumes__what_is_stored_is_checked),
        cmocka_unit_test(test_spec_volumes__what_the_engine_calls_them),
        cmocka_unit_test(test_spec_volumes__a_change_of_one_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
