/* extends and include: files that lead to one another. */
#include "tests/unit/load_files.h"

#define STORED(name, image, rest) "{\"name\":\"" name "\",\"image\":\"" image "\"" rest "}\n"

static void test_extends__takes_what_it_does_not_say_itself(void **state)
{
    static const char *const forms[] = {"base", "{service: base}", "{service: base, file: c.yaml}",
                                        "{service: base, file: ../d/c.yaml}"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(forms); i++) {
        orc_auto_free char *yaml =
            orc_printf("services:\n  base: {image: a, command: [x], labels: {a: 1, b: 2}}\n"
                       "  web: {extends: %s, command: [y], labels: [b=3]}\n",
                       forms[i]);
        const struct load_story s = {.files = {{"d/c.yaml", yaml}}};

        assert_told(&s,
                    "shop\n" STORED("base", "a", ",\"command\":[\"x\"],\"labels\":{\"a\":\"1\",\"b\":\"2\"}")
                        STORED("web", "a", ",\"command\":[\"y\"],\"labels\":{\"a\":\"1\",\"b\":\"3\"}"));
    }
}

/* Chains through folders; each file's paths start from its own folder, so that the same words are another
 * file, and its variables are filled in. */
static void test_extends__paths_are_those_of_the_file_that_has_them(void **state)
{
    const struct load_story s = {
        .files = {{"d/c.yaml",
                   "services: {web: {extends: {service: mid, file: e/mid.yaml}, env_file: a.env}}\n"},
                  {"d/e/mid.yaml",
                   "services: {mid: {extends: {service: base, file: ../f/base.yaml}, env_file: "
                   "[a.env, b.env]}}\ninclude: not followed\n"},
                  {"d/f/base.yaml",
                   "services: {base: {image: 'x/${I}', extends: own}, own: {labels: {l: '1'}}}\n"},
                  {"d/a.env", "A=d\n"},
                  {"d/e/a.env", "A=e\nE=e\n"},
                  {"d/e/b.env", "B=e\n"},
                  {"d/.env", "I=image\n"}},
    };

    assert_told(&s, "shop\n" STORED(
                        "web", "x/image",
                        ",\"environment\":{\"A\":\"d\",\"B\":\"e\",\"E\":\"e\"},\"labels\":{\"l\":\"1\"}"));
}

static void test_extends__what_is_wrong_with_it(void **state)
{
    static const struct {
        const char *service, *said;
    } cases[] = {
        {"web: {image: a, extends: bas}",
         "c.yaml:3:28: there is no service \"bas\" in c.yaml to extend; did you mean "
         "\"base\"?\n"},
        {"web: {image: a, extends: {service: x, file: o.yaml}}",
         "c.yaml:3:38: there is no service \"x\" in o.yaml to extend\n"},
        /* it may have an image there, so nothing is said of that */
        {"web: {extends: {service: x, file: o.yaml}}",
         "c.yaml:3:28: there is no service \"x\" in o.yaml to extend\n"},
        {"web: {image: a, extends: {service: x, file: no.yaml}}",
         "c.yaml:3:47: no.yaml: there is no such file\n"},
        {"web: {image: a, extends: [base]}",
         "c.yaml:3:28: extends must be the name of a service, or {service: NAME, file: FILE}\n"},
        {"web: {image: a, extends: {file: o.yaml}}",
         "c.yaml:3:28: extends must be the name of a service, or {service: NAME, file: FILE}\n"},
        {"web: {image: a, extends: {service: base, fil: x}}",
         "c.yaml:3:44: unknown key \"fil\" in extends; did you mean \"file\"?\n"},
        {"web: {image: a, extends: web}",
         "c.yaml:3:28: extends goes round in a circle: \"web\" of c.yaml -> \"web\" of c.yaml\n"},
        {"web: {image: a, extends: two}\n  two: {image: b, extends: {service: y, file: o.yaml}}",
         "o.yaml:1:45: extends goes round in a circle: \"web\" of c.yaml -> \"two\" of c.yaml -> \"y\" of "
         "o.yaml -> "
         "\"web\" of c.yaml\n"},
        {"web: {image: a, extends: {service: b, file: broken.yaml}}",
         "broken.yaml:2:1: this is not YAML: did not find expected node content, while parsing a flow node "
         "that "
         "began in line 2\n"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf("services:\n  base: {image: b}\n  %s\n", cases[i].service);
        const struct load_story s = {
            .files = {{"c.yaml", yaml},
                      {"o.yaml", "services: {y: {image: a, extends: {service: web, file: ./c.yaml}}}\n"},
                      {"broken.yaml", "["}},
        };

        print_message("%s\n", cases[i].service);
        assert_told(&s, cases[i].said);
    }
}

static void test_extends__a_path_starts_from_the_files_folder(void **state)
{
    static const struct {
        const char *file, *path, *asked;
    } cases[] = {
        {"c.yaml", "x.yaml", "x.yaml"},
        {"c.yaml", "./d/.//x.yaml", "d/x.yaml"},
        {"d/c.yaml", "x.yaml", "d/x.yaml"},
        {"d/c.yaml", "../x.yaml", "x.yaml"},
        {"d/e/c.yaml", "../../x.yaml", "x.yaml"},
        {"d/c.yaml", "../../x.yaml", "../x.yaml"},
        {"../c.yaml", "../x.yaml", "../../x.yaml"},
        {"d/c.yaml", "/x.yaml", "/x.yaml"},
        {"/d/c.yaml", "../../../x.yaml", "/x.yaml"},
        {"/c.yaml", "x.yaml", "/x.yaml"},
        {"c.yaml", "-", "./-"}, /* not standard input */
        {"d/c.yaml", "..", "."},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml =
            orc_printf("services: {web: {image: a, extends: {file: '%s', service: x}}}", cases[i].path);
        orc_auto_free char *said =
            orc_printf("%s:1:44: %s: there is no such file\n", cases[i].file, cases[i].asked);
        const struct load_story s = {.files = {{cases[i].file, yaml}}};

        assert_told(&s, said);
    }
}

/* The same whatever the order in the file. */
static void test_extends__a_chain_has_an_end(void **state)
{
    for (int up = 0; up <= 1; up++) {
        struct orc_buf b = ORC_BUF_INIT(10000);
        orc_auto_free char *yaml = NULL, *told = NULL;
        struct load_story s = {.files = {{"c.yaml", NULL}}};

        orc_buf_puts(&b, "services:\n");
        for (int i = 0; i < 12; i++) {
            int n = up ? i : 11 - i;

            orc_buf_printf(&b, n ? "  s%d: {extends: s%d}\n" : "  s0: {image: a}\n", n, n - 1);
        }
        yaml = orc_buf_take(&b);
        s.files[0].text = yaml;
        told = story_told(&s);
        assert_non_null(strstr(told, "more than 10 deep here\n"));
        assert_null(strstr(told, "s9"));
    }
}

static void test_extends__reset_and_override_reach_the_base(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml", "services:\n  base: {image: a, ports: [80], labels: {a: b}, command: x}\n"
                             "  web: {extends: base, ports: !reset [], labels: !override {c: d}}\n"}},
        .profile = "x",
    };

    assert_told(&s,
                "shop\n" STORED("base", "a",
                                ",\"command\":[\"x\"],\"labels\":{\"a\":\"b\"},\"ports\":[{\"host_ip\":\"\","
                                "\"container\":80}]")
                    STORED("web", "a", ",\"command\":[\"x\"],\"labels\":{\"c\":\"d\"}"));
}

/* Include --------------------------------------------------------------------------------------------- */

static void test_include__in_every_form(void **state)
{
    static const struct {
        const char *include, *image;
    } cases[] = {
        {"i/one.yaml", "one-i"},
        {"[i/one.yaml]", "one-i"},
        {"{path: i/one.yaml}", "one-i"},
        {"[{path: [i/one.yaml, i/two.yaml]}]", "two-i"},
        {"[{path: i/one.yaml, project_directory: .}]", "one-d"},
        {"[{path: i/one.yaml, env_file: [x.env]}]", "one-x"},
        {"[{path: i/one.yaml, env_file: [i/.env, x.env]}]", "one-x"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf("include: %s\nservices: {web: {image: a}}\n", cases[i].include);
        orc_auto_free char *expected =
            orc_printf("shop\n" STORED("db", "%s", "") STORED("web", "a", ""), cases[i].image);
        const struct load_story s = {
            .files = {{"d/c.yaml", yaml},
                      {"d/i/one.yaml", "name: other\nservices: {db: {image: 'one-${F}'}}\n"},
                      {"d/i/two.yaml", "services: {db: {image: 'two-${F}'}}\n"},
                      {"d/i/.env", "F=i\n"},
                      {"d/x.env", "F=x\n"},
                      {"d/.env", "F=d\n"}},
        };

        /* The including file's own variables go first: without them those of the included one count. */
        if (strcmp(cases[i].image, "one-d") != 0) {
            struct load_story alone = s;

            alone.files[5].path = "d/none";
            assert_told(&alone, expected);
        } else {
            assert_told(&s, expected);
        }
    }
}

static void test_include__brings_all_sections_and_its_own_paths(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml", "include: [i/one.yaml]\nservices: {web: {image: a, depends_on: [db]}}\n"},
                  {"i/one.yaml",
                   "services:\n  db: {image: b, env_file: e.env, volumes: ['data:/d'], extends: "
                   "{service: x, file: x.yaml}}\nvolumes: {data: }\nx-y: 1\nversion: '3'\n"},
                  {"i/e.env", "A=1\n"},
                  {"i/x.yaml", "services: {x: {command: c}}\n"}},
    };

    assert_told(&s, "shop\n" STORED("db", "b",
                                    ",\"command\":[\"c\"],\"environment\":{\"A\":\"1\"},\"mounts\":[{"
                                    "\"source\":\"data\",\"target\":\"/d\"}]")
                        STORED("web", "a", ",\"depends_on\":[{\"service\":\"db\"}]"));
}

static void test_include__a_file_over_it_may_change_what_was_included(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml", "include: [one.yaml]\n"},
                  {"-o.yaml", "services: {db: {labels: {a: b}}}\n"},
                  {"one.yaml", "services: {db: {image: a}}\n"}},
    };

    assert_told(&s, "shop\n" STORED("db", "a", ",\"labels\":{\"a\":\"b\"}"));
}

static void test_include__what_is_there_twice_must_be_the_same(void **state)
{
    const struct load_story same = {
        .files = {{"c.yaml", "include: [one.yaml, two.yaml]\nservices: {web: {image: a}}\n"},
                  {"one.yaml", "include: [base.yaml]\nservices: {web: {image: a}}\n"},
                  {"two.yaml", "include: base.yaml\n"},
                  {"base.yaml", "services: {db: {image: b}}\nvolumes: {v: }\n"}},
    };
    const struct load_story other = {
        .files = {{"c.yaml", "include: [one.yaml]\nservices:\n  web: {image: a}\n"},
                  {"one.yaml", "services:\n\n  web: {image: b}\n"}},
    };

    assert_told(&same, "shop\n" STORED("db", "b", "") STORED("web", "a", ""));
    assert_told(&other,
                "c.yaml:3:3: service \"web\" is included from one.yaml:3, too, and is another there; rename "
                "one, or change the included one by a file of its own: include: [{path: [one.yaml, "
                "CHANGES]}]\n");
}

static void test_include__what_is_wrong_with_it(void **state)
{
    static const struct {
        const char *include, *said;
    } cases[] = {
        {"[[[a]]]", "c.yaml:1:12: this must be a file's path, or a list of them\n"},
        {"[{path: []}]", "c.yaml:1:18: this list is empty; name a file in it\n"},
        {"[{env_file: a}]",
         "c.yaml:1:11: this include has no \"path\"; give the file that is to be included\n"},
        {"[{path: a, pat: b}]", "c.yaml:1:21: unknown key \"pat\" in include; did you mean \"path\"?\n"},
        {"[{path: ok.yaml, zzz: b, x-zzz: b}]",
         "c.yaml:1:27: unknown key \"zzz\" in include; known are: path, project_directory, env_file\n"},
        {"[https://example.com/ok.yaml]", "c.yaml:1:11: https://example.com/ok.yaml: orc fetches no files; "
                                          "get it, and name it where it is then\n"},
        {"[no.yaml]", "c.yaml:1:11: no.yaml: there is no such file\n"},
        {"[{path: ok.yaml, env_file: no.env}]", "c.yaml:1:18: no.env: there is no such file\n"},
        {"[./c.yaml]", "c.yaml:1:11: include goes round in a circle: c.yaml -> c.yaml\n"},
        {"[one.yaml]",
         "two.yaml:1:10: include goes round in a circle: c.yaml -> one.yaml -> two.yaml -> c.yaml\n"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf("include: %s\nservices: {web: {image: a}}\n", cases[i].include);
        const struct load_story s = {
            .files = {{"c.yaml", yaml},
                      {"one.yaml", "include: two.yaml\n"},
                      {"two.yaml", "include: c.yaml\n"},
                      {"ok.yaml", "services: {ok: {image: a}}\n"}},
        };

        print_message("%s\n", cases[i].include);
        assert_told(&s, cases[i].said);
    }
}

/* Ten files, each of which includes the next a hundred times. */
static void test_include__many_ways_to_one_file_are_gone_once(void **state)
{
    struct load_story s = {0};
    char *names[11], *texts[11];

    for (int i = 0; i < 11; i++) {
        struct orc_buf b = ORC_BUF_INIT(100000);

        for (int k = 0; k < 100; k++)
            orc_buf_printf(&b, "%s%d.yaml", k ? ", " : "include: [", i + 1);
        orc_buf_printf(&b, "]\nservices: {s%d: {image: a}}\n", i);
        names[i] = orc_printf("%d.yaml", i);
        texts[i] = i < 10 ? orc_buf_take(&b) : orc_strdup("services: {last: {image: z}}\n");
        orc_buf_release(&b);
        s.files[i] = (struct load_text){names[i], texts[i]};
    }
    {
        orc_auto_free char *told = story_told(&s);

        assert_non_null(strstr(told, "\"last\""));
        assert_non_null(strstr(told, "\"s9\""));
    }
    for (int i = 0; i < 11; i++) {
        free(names[i]);
        free(texts[i]);
    }
}

static int read_next(void *arg, const char *path, bool named, size_t max, char **ret, size_t *ret_n,
                     struct orc_err *err)
{
    int *n = arg;

    if (strstr(path, ".env"))
        return orc_fail(err, -ENOENT, "none");
    *ret = orc_printf("include: [next%d.yaml, other%d.yaml]\nservices: {web: {image: a}}\n", *n, *n);
    *ret_n = strlen(*ret);
    ++*n;
    return 0;
}

static void test_include__there_is_an_end_to_depth_and_files(void **state)
{
    const char *name = "c.yaml";
    int n = 0;
    struct spec_load l = {.files = {.at = (char **)(uintptr_t)&name, .n = 1},
                          .default_name = "x",
                          .read = read_next,
                          .arg = &n};
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;
    orc_auto_free char *said = NULL;

    assert_int_equal(spec_load(&l, &app, &problems), -EINVAL);
    said = problems_text(&problems);
    assert_non_null(strstr(said, "more than 10 deep here"));
    assert_non_null(strstr(said, "more than 100 files or 4 MiB"));
    assert_int_equal(n, SPEC_LOAD_FILES_MAX);
    spec_problems_release(&problems);
}

/* A list of a hundred names in each of a hundred includes would else be ten thousand files to read. */
static void test_include__files_of_variables_are_bounded_as_often_as_they_are_named(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto_free char *yaml = NULL, *longer = NULL, *said = NULL, *big = orc_calloc(100001, 1);
    struct load_story s = {
        .files = {{"c.yaml", NULL}, {"one.yaml", "services: {db: {image: b}}\n"}, {"e.env", big}}};

    memset(big, '#', 100000);
    orc_buf_puts(&b, "x-e: &e [");
    for (int i = 0; i < 50; i++)
        orc_buf_puts(&b, i ? ", e.env" : "e.env");
    orc_buf_puts(&b, "]\ninclude:\n- {path: one.yaml, env_file: *e}\n");
    yaml = orc_buf_take(&b);
    s.files[0].text = yaml;
    said = story_result(&s, false);
    assert_int_equal(strncmp(said, "shop\n", 5), 0);
    longer = orc_concat(yaml, "- {path: one.yaml, env_file: *e}\n");
    s.files[0].text = longer;
    free(said);
    said = story_result(&s, false);
    assert_string_equal(
        said, "c.yaml:4:10: e.env: files of variables, each as often as it is named, have more than "
              "8 MiB up to here; write less\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extends__takes_what_it_does_not_say_itself),
        cmocka_unit_test(test_extends__paths_are_those_of_the_file_that_has_them),
        cmocka_unit_test(test_extends__what_is_wrong_with_it),
        cmocka_unit_test(test_extends__a_path_starts_from_the_files_folder),
        cmocka_unit_test(test_extends__a_chain_has_an_end),
        cmocka_unit_test(test_extends__reset_and_override_reach_the_base),
        cmocka_unit_test(test_include__in_every_form),
        cmocka_unit_test(test_include__brings_all_sections_and_its_own_paths),
        cmocka_unit_test(test_include__a_file_over_it_may_change_what_was_included),
        cmocka_unit_test(test_include__what_is_there_twice_must_be_the_same),
        cmocka_unit_test(test_include__what_is_wrong_with_it),
        cmocka_unit_test(test_include__many_ways_to_one_file_are_gone_once),
        cmocka_unit_test(test_include__there_is_an_end_to_depth_and_files),
        cmocka_unit_test(test_include__files_of_variables_are_bounded_as_often_as_they_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
