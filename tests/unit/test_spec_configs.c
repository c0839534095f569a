/* configs: where their text comes from, what of it is stored, what is wrong with them. */
#include "specs/check.h"
#include "specs/diff.h"
#include "tests/unit/load_files.h"

#define WEB_WITH(configs) "services:\n  web: {image: a, configs: " configs "}\n"
#define STORED(configs) "shop\n{\"name\":\"web\",\"image\":\"a\",\"configs\":[" configs "]}\n"

/* Filled in where the file has the text itself, as they are where they come from elsewhere. */
static void test_configs__from_the_file_another_file_and_a_variable(void **state)
{
    const struct load_story s = {
        .files = {{"d/c.yaml", WEB_WITH("[own, {source: far, target: /etc//far/, uid: '101', gid: 7, mode: "
                                        "0440}, set]") "configs:\n  own: {content: 'a ${V} $$'}\n  far: "
                                                       "{file: e/f.txt}\n  set: {environment: V}\n"},
                  {"d/e/f.txt", "b ${V} $$\n"}},
        .variables = {"V=x$y"},
    };

    assert_told(&s,
                STORED("{\"source\":\"far\",\"target\":\"/etc/far\",\"content\":\"b ${V} $$\\n\",\"uid\":101,"
                       "\"gid\":7,\"mode\":288},"
                       "{\"source\":\"own\",\"target\":\"/own\",\"content\":\"a x$y $\"},"
                       "{\"source\":\"set\",\"target\":\"/set\",\"content\":\"x$y\"}"));
}

/* Paths start from the file that has them, and a file over another takes the place of what is below. */
static void test_configs__over_one_another_and_included(void **state)
{
    const struct load_story over = {
        .files = {{"d/c.yaml", WEB_WITH("[x]") "configs: {x: {file: a.txt}}\n"},
                  {"-d/o.yaml",
                   "configs: {x: {file: b.txt}}\nservices: {web: {configs: [{source: x, mode: 0400}]}}\n"},
                  {"d/a.txt", "a"},
                  {"d/b.txt", "b"}},
    };
    const struct load_story included = {
        .files = {{"c.yaml", "include: [d/i.yaml]\n" WEB_WITH("[x]")},
                  {"d/i.yaml", "configs: {x: {file: a.txt}}\n"},
                  {"d/a.txt", "a"}},
    };

    assert_told(&over, STORED("{\"source\":\"x\",\"target\":\"/x\",\"content\":\"b\",\"mode\":256}"));
    assert_told(&included, STORED("{\"source\":\"x\",\"target\":\"/x\",\"content\":\"a\"}"));
}

static void test_configs__what_is_wrong_with_them(void **state)
{
    static const struct {
        const char *service, *configs, *said;
    } cases[] = {
        {"[x]", "{x: {file: no.txt}}", "c.yaml:3:21: no.txt: there is no such file\n"},
        {"[x]", "{x: {file: bad.txt}}",
         "c.yaml:3:21: byte 2 of this config is no UTF-8 text, which is all that orc stores; put it into an "
         "image "
         "or a volume\n"},
        {"[x]", "{x: {environment: NONE}}",
         "c.yaml:3:28: variable \"NONE\" is not set; set it in the environment or in .env\n"},
        {"[x]", "{x: {environment: '${NONE:?say it}'}}",
         "c.yaml:3:29: variable \"NONE\" must be set: say it\n"},
        {"[x]", "{x: {content: a, file: f.txt}}",
         "c.yaml:3:27: a config has one of file, environment and content; remove the others\n"},
        {"[x]", "{x: }", "c.yaml:3:11: config \"x\" has nothing in it; give its content or file\n"},
        {"[x]", "{x: {external: true}}", "c.yaml:3:15: \"external\" in configs is not accepted: orc keeps a"},
        {"[y]", "{x: {content: a}}",
         "c.yaml:2:29: config \"y\" is not declared; add \"y: {file: ...}\" below the top-level "
         "\"configs:\"\n"},
        {"[{target: /a}]", "{x: {content: a}}",
         "c.yaml:2:29: this config has no \"source\"; give the name of one that is declared\n"},
        {"[{source: x, target: a}]", "{x: {content: a}}", "c.yaml:2:49: target: "},
        {"[{source: x, mode: 440}]", "{x: {content: a}}",
         "c.yaml:2:47: mode 440 may be meant in octal or not"},
        {"[x, {source: z, target: /x}]", "{x: {content: a}, z: {content: b}}",
         "c.yaml:2:28: two configs are \"/x\" in the container, \"x\" and \"z\"\n"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf("services:\n  web: {image: a, configs: %s}\nconfigs: %s\n",
                                              cases[i].service, cases[i].configs);
        const struct load_story s = {.files = {{"c.yaml", yaml}, {"f.txt", "f"}, {"bad.txt", "a\xff"}}};
        orc_auto_free char *said = story_result(&s, false);

        if (strncmp(said, cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("%s\n%s", cases[i].configs, said);
    }
}

static void test_configs__one_that_is_too_long(void **state)
{
    orc_auto_free char *big = orc_calloc(SPEC_TEXT_MAX + 2, 1), *said = NULL;
    struct load_story s = {
        .files = {{"c.yaml", WEB_WITH("[x]") "configs: {x: {file: big.txt}}\n"}, {"big.txt", big}}};

    memset(big, 'x', SPEC_TEXT_MAX);
    said = story_result(&s, false);
    assert_int_equal(strncmp(said, "shop\n", 5), 0);
    big[SPEC_TEXT_MAX] = 'x';
    free(said);
    said = story_result(&s, false);
    assert_string_equal(said,
                        "c.yaml:3:21: this config has 131072 bytes; orc stores 131071 at most, so put it "
                        "into an image or a volume\n");
}

/* Behaviour 13: another content is a change of the service, and replaces its containers. */
static void test_configs__another_content_is_a_change(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *a = parse_ok(WEB_WITH("[x]") "configs: {x: {content: old}}\n");
    orc_auto(spec_app_free_p) struct spec_app *b = parse_ok(WEB_WITH("[x]") "configs: {x: {content: new}}\n");
    char w[2][SPEC_HASH_MAX], c[2][SPEC_HASH_MAX];
    struct spec_changes changes = {0};

    spec_service_hash(web_of(a), w[0], c[0]);
    spec_service_hash(web_of(b), w[1], c[1]);
    assert_string_not_equal(c[0], c[1]);
    spec_diff(web_of(a), web_of(b), &changes);
    assert_int_equal(changes.n, 1);
    assert_string_equal(changes.at[0].path, "configs./x.content");
    assert_string_equal(changes.at[0].before, "3 bytes, sha256 cba06b5736fa");
    assert_int_equal(changes.at[0].effect, SPEC_REPLACES);
    spec_changes_release(&changes);
}

/* Each service has its own copy; what is short in the file must not be long in memory. */
static void test_configs__many_copies_of_a_large_one_are_refused(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto_free char *yaml = NULL, *said = NULL;
    struct load_story s = {.files = {{"c.yaml", NULL}, {"big.txt", NULL}}};
    orc_auto_free char *big = orc_calloc(100001, 1);

    memset(big, 'x', 100000);
    orc_buf_puts(&b, "configs: {x: {file: big.txt}}\nservices:\n");
    for (int i = 0; i < 200; i++)
        orc_buf_printf(&b, "  s%03d: {image: a, configs: [x]}\n", i);
    yaml = orc_buf_take(&b);
    s.files[0].text = yaml;
    s.files[1].text = big;
    said = story_result(&s, false);
    assert_string_equal(said, "c.yaml:170:3: the services up to here name more than 16 MiB of configs and "
                              "options of volumes; each has its own copy of what it names, so name less\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configs__from_the_file_another_file_and_a_variable),
        cmocka_unit_test(test_configs__over_one_another_and_included),
        cmocka_unit_test(test_configs__what_is_wrong_with_them),
        cmocka_unit_test(test_configs__one_that_is_too_long),
        cmocka_unit_test(test_configs__another_content_is_a_change),
        cmocka_unit_test(test_configs__many_copies_of_a_large_one_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
