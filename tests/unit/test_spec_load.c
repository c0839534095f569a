/* From files to an app: variables, several files, profiles, environments. */
#include "tests/unit/load_files.h"

/* {"name":"web","image":"IMAGE" and what follows } as it is stored. */
#define STORED(name, image, rest) "{\"name\":\"" name "\",\"image\":\"" image "\"" rest "}\n"

static void test_load__variables_come_from_outside_then_from_dotenv(void **state)
{
    const struct load_story s = {
        .files = {{"d/c.yaml",
                   "services:\n  web:\n    image: ${IMAGE}:${TAG}\n    labels: {a: '${A}', b: $B}\n"},
                  {"d/.env", "IMAGE=nginx\nTAG=${V}.1\nA=file\nV=2\nB=1.50\n"},
                  {".env", "IMAGE=wrong\n"}},
        .variables = {"A=outside", "V=3"},
    };

    assert_told(&s, "shop\n" STORED("web", "nginx:3.1", ",\"labels\":{\"a\":\"outside\",\"b\":\"1.50\"}"));
}

/* Python's virtual environments are often called so. */
static void test_load__a_folder_called_dotenv_is_none(void **state)
{
    const struct load_story s = {
        .files = {{"d/c.yaml",
                   "include: [i/x.yaml]\nservices: {web: {image: a, env_file: {path: e, required: "
                   "false}}}\n"},
                  {"d/.env", NULL},
                  {"d/i/x.yaml", "services: {db: {image: b}}\n"},
                  {"d/i/.env", NULL},
                  {"d/e", NULL}}};
    const struct load_story needed = {
        .files = {{"c.yaml", "services: {web: {image: a, env_file: e}}\n"}, {"e", NULL}}};

    assert_told(&s, "shop\n" STORED("db", "b", "") STORED("web", "a", ""));
    assert_told(&needed, "c.yaml:1:38: e: it is a folder\n");
}

/* Standard input is called "stdin" in what is said; a file may be called so, too. */
static void test_load__standard_input_is_no_file_of_that_name(void **state)
{
    const struct load_story s = {
        .files = {{"-", "include: [stdin]\nservices: {web: {image: a}}\n"},
                  {"stdin", "services: {db: {image: b, extends: web}, web: {image: a}}\n"}}};
    const struct load_story twice = {.files = {{"-", "services: {web: {image: a}}\n"}, {"--", ""}}};

    assert_told(&s, "shop\n" STORED("db", "b", "") STORED("web", "a", ""));
    assert_told(&twice, "shop\n" STORED("web", "a", ""));
}

static void test_load__an_env_file_takes_the_place_of_dotenv(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml", "services: {web: {image: '${I}${J:-}'}}\n"},
                  {".env", "J=wrong\n"},
                  {"other.env", "I=nginx\n"}},
        .env_file = "other.env",
    };
    const struct load_story missing = {.files = {{"c.yaml", "services: {web: {image: a}}\n"}},
                                       .env_file = "d/no.env"};

    assert_told(&s, "shop\n" STORED("web", "nginx", ""));
    assert_told(&missing, "d/no.env:0:0: there is no such file\n");
}

static void test_load__what_is_not_set_is_said_at_its_place(void **state)
{
    const struct load_story s = {
        .files =
            {{"c.yaml",
              "services:\n  web:\n    image: 'nginx${TAG}'\n    command: |\n      echo $$\n      exec $X\n"
              "    labels: {a: \"\\\"$TAG\"}\n"}},
    };

    assert_told(
        &s,
        "shop\n" STORED(
            "web", "nginx",
            ",\"command\":[\"echo\",\"$\",\"exec\"],\"labels\":{\"a\":\"\\\"\"}") "c.yaml:3:18: notice: "
                                                                                  "variable \"TAG\" is not "
                                                                                  "set, so nothing is put in "
                                                                                  "its place; set it in the "
                                                                                  "environment or in .env, "
                                                                                  "or write "
                                                                                  "\"${TAG:-default}\", or "
                                                                                  "\"$$\" for a dollar sign\n"
                                                                                  "c.yaml:6:12: notice: "
                                                                                  "variable \"X\" is not "
                                                                                  "set, so nothing is put in "
                                                                                  "its place; set it in the "
                                                                                  "environment or in .env, "
                                                                                  "or write "
                                                                                  "\"${X:-default}\", or "
                                                                                  "\"$$\" for a dollar sign\n"
                                                                                  "c.yaml:7:20: notice: "
                                                                                  "variable \"TAG\" is not "
                                                                                  "set, so nothing is put in "
                                                                                  "its place; set it in the "
                                                                                  "environment or in .env, "
                                                                                  "or write "
                                                                                  "\"${TAG:-default}\", or "
                                                                                  "\"$$\" for a dollar "
                                                                                  "sign\n");
}

/* A value made of variables is a string that is read as what is wanted. */
static void test_load__filled_values_are_numbers_where_numbers_are_wanted(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml",
                   "services:\n  web:\n    image: nginx:${TAG}\n    command: ${NONE-}\n"
                   "    ports: ['${PORT}:80']\n    stop_grace_period: ${GRACE}s\n"
                   "    deploy: {replicas: \"${N}\", resources: {limits: {memory: '${M}M', pids: $N}}}\n"
                   "    x-orc: {gateway: {port: $PORT, strip_prefix: '${T}', path: /a/}}\n"}},
        .variables = {"TAG=1", "N=3", "M=64", "PORT=8080", "GRACE=5", "T=true"},
    };

    assert_told(&s, "shop\n" STORED(
                        "web", "nginx:1",
                        ",\"command\":[],\"stop_grace_period_ms\":5000,"
                        "\"ports\":[{\"host_ip\":\"\",\"host\":8080,\"container\":80}],"
                        "\"gateway\":[{\"host\":\"\",\"path\":\"/a/\",\"port\":8080,\"strip_prefix\":true}],"
                        "\"replicas\":3,\"limits\":{\"memory\":67108864},\"pids_limit\":3"));
}

static void test_load__a_wrong_variable_is_the_only_complaint_about_its_value(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml",
                   "services:\n  web:\n    image: ${A:?say which}\n    deploy: {replicas: '${B?}'}\n"
                   "    healthcheck: {test: x, disable: '${C?}'}\n    imagee: 1\n    labels: {a: 'x${}'}\n"}},
    };

    assert_told(
        &s, "c.yaml:3:12: variable \"A\" must be set: say which\n"
            "c.yaml:4:25: variable \"B\" must be set\n"
            "c.yaml:5:38: variable \"C\" must be set\n"
            "c.yaml:6:5: unknown key \"imagee\" in service \"web\"; did you mean \"image\"?\n"
            "c.yaml:7:19: \"${}\" names no variable; a name is made of letters, digits and \"_\" and begins "
            "with no digit; write \"$$\" for a dollar sign\n");
}

static void test_load__the_name_may_be_a_variable_and_is_one(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml",
                   "name: ${STAGE:-dev}-shop\nservices: {web: {image: 'a/${COMPOSE_PROJECT_NAME}'}}\n"}},
        .variables = {"STAGE=live", "COMPOSE_PROJECT_NAME=other"},
    };
    const struct load_story usual = {
        .files = {{"c.yaml", "services: {web: {image: '${COMPOSE_PROJECT_NAME}'}}\n"}},
        .name = "folder",
    };

    assert_told(&s, "live-shop\n" STORED("web", "a/live-shop", ""));
    assert_told(&usual, "folder\n" STORED("web", "folder", ""));
}

static void test_load__keys_hold_no_variables(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml", "services: {web: {image: a, environment: {$A: $A}, labels: {&k $A: *k}}}\n"}},
        .variables = {"A=x"},
    };

    assert_told(&s, "shop\n" STORED("web", "a", ",\"environment\":{\"$A\":\"x\"},\"labels\":{\"$A\":\"x\"}"));
}

static void test_load__variables_have_an_end(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto_free char *large = orc_calloc(100001, 1), *text = NULL, *told = NULL;
    struct load_story s = {.files = {{"c.yaml", NULL}}};

    memset(large, 'A', 100000);
    large[1] = '=';
    s.variables[0] = large;
    orc_buf_puts(&b, "services: {web: {image: a}}\nx-a: [");
    for (int i = 0; i < 1000; i++)
        orc_buf_puts(&b, "$A,");
    orc_buf_puts(&b, "a]\nx-b: $A$A\n");
    text = orc_buf_take(&b);
    s.files[0].text = text;
    told = story_told(&s);
    assert_string_equal(told,
                        "c.yaml:2:130: variables make more than 4 MiB of text up to here; write less\n");
}

static char *many(const char *one, int n)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);

    orc_buf_puts(&b, "services: {web: {image: a}}\nx-a: [");
    for (int i = 0; i < n; i++)
        orc_buf_puts(&b, one);
    orc_buf_puts(&b, "a]\n");
    return orc_buf_take(&b);
}

/* Each place is looked for in the text, but only of those that are said. */
static void test_load__very_many_unset_variables_take_no_time(void **state)
{
    orc_auto_free char *unset = many("$A,", 99000), *wrong = many("'${A',", 99000);
    const struct load_story notices = {.files = {{"c.yaml", unset}}},
                            problems = {.files = {{"c.yaml", wrong}}};
    orc_auto_free char *noticed = story_told(&notices), *refused = story_told(&problems);
    size_t lines = 0;

    for (const char *c = noticed; (c = strstr(c, "notice: ")); c++)
        lines++;
    assert_int_equal(lines, SPEC_PROBLEMS_MAX);
    lines = 0;
    for (const char *c = refused; (c = strstr(c, "closing")); c++)
        lines++;
    assert_int_equal(lines, SPEC_PROBLEMS_MAX);
}

static void test_load__all_files_together_hold_so_many_values_at_most(void **state)
{
    orc_auto_free char *text = many("a,", 99000), *told = NULL;
    const struct load_story s = {
        .files = {{"a.yaml", text}, {"-b.yaml", text}, {"-c.yaml", text}, {"-d.yaml", text}}};
    const struct load_story two = {.files = {{"a.yaml", text}, {"-b.yaml", text}}};

    assert_told(&s, "d.yaml:1:1: there are more than 300000 values in all files up to here; write less\n");
    told = story_told(&two);
    assert_non_null(strstr(told, "there are more than 100000 values in these files together"));
}

/* The same file for many services is read once, and parsed for each: the end comes before time does. */
static void test_load__files_of_variables_give_so_many_at_most(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX), e = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto_free char *yaml = NULL, *vars = NULL, *told = NULL;
    struct load_story s = {.files = {{"c.yaml", NULL}, {"e.env", NULL}}};

    for (int i = 0; i < 9000; i++)
        orc_buf_printf(&e, "V%d=${V%d:-x}\n", i, i - 1);
    orc_buf_puts(&b, "services:\n");
    for (int i = 0; i < 1000; i++)
        orc_buf_printf(&b, "  s%d: {image: a, env_file: e.env}\n", i);
    s.files[0].text = yaml = orc_buf_take(&b);
    s.files[1].text = vars = orc_buf_take(&e);
    told = story_told(&s);
    assert_non_null(
        strstr(told, "c.yaml:13:29: env_file gives the services more than 100000 values up to here"));
}

/* Several files --------------------------------------------------------------------------------------- */

static void test_load__a_file_goes_over_another(void **state)
{
    orc_auto_free char *text = NULL;
    const struct load_story s = {
        .files = {{"d/a.yaml", "name: one\nservices: {web: {image: 'nginx:1', env_file: a.env}}\n"},
                  {"-e/b.yaml",
                   "name: two\nservices:\n  web: {image: 'nginx:2', labels: {x: y}}\n  db: {image: pg}"},
                  {"d/a.env", "A=1\n"}},
        .ret_text = &text,
    };

    assert_told(&s, "two\n" STORED("db", "pg", "")
                        STORED("web", "nginx:2", ",\"environment\":{\"A\":\"1\"},\"labels\":{\"x\":\"y\"}"));
    assert_string_equal(text,
                        "# ---- d/a.yaml\nname: one\nservices: {web: {image: 'nginx:1', env_file: a.env}}\n"
                        "# ---- e/b.yaml\nname: two\nservices:\n  web: {image: 'nginx:2', labels: {x: y}}\n"
                        "  db: {image: pg}\n");
}

static void test_load__the_text_of_one_file_is_as_it_was_written(void **state)
{
    orc_auto_free char *text = NULL;
    const struct load_story s = {.files = {{"a.yaml", "services: {web: {image: 'nginx:${T:-1}'}} # x"}},
                                 .ret_text = &text};

    assert_told(&s, "shop\n" STORED("web", "nginx:1", ""));
    assert_string_equal(text, "services: {web: {image: 'nginx:${T:-1}'}} # x");
}

static void test_load__complaints_point_into_the_file_they_are_about(void **state)
{
    const struct load_story s = {
        .files = {{"a.yaml", "services:\n  web: {image: Nginx}\n  db: {ports: ['x']}\n"},
                  {"-b.yaml", "services:\n  db: {image: pg, labls: 1}\n"}},
    };
    const struct load_story broken = {
        .files = {{"a.yaml", "services: [\n"}, {"-b.yaml", "\tx: 1\n"}, {"-c.yaml", ""}},
    };

    assert_told(&s, "a.yaml:2:16: image \"Nginx\" is not valid: a name is in lower case\n"
                    "a.yaml:3:16: port \"x\": \"x\" is no port; a port is a number in 1..65535, a range is "
                    "written 8000-8005\n"
                    "b.yaml:2:19: unknown key \"labls\" in service \"db\"; did you mean \"labels\"?\n");
    assert_told(&broken,
                "a.yaml:2:1: this is not YAML: did not find expected node content, while parsing a flow "
                "node that began in line 2\n"
                "b.yaml:1:1: a tab in the indentation; YAML indents with spaces only\n"
                "c.yaml:1:1: the file is empty; it needs at least \"services:\" with one service in it\n");
}

static void test_load__a_missing_file_is_said_by_its_name(void **state)
{
    const struct load_story s = {.files = {{"a.yaml", "services: {web: {image: a, env_file: e/x.env}}\n"}}};
    const char *name = "no.yaml";
    struct spec_load l = {
        .files = {.at = (char **)(uintptr_t)&name, .n = 1}, .read = story_read, .arg = (void *)(uintptr_t)&s};
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;

    assert_told(&s, "a.yaml:1:38: e/x.env: there is no such file\n");
    assert_int_equal(spec_load(&l, &app, &problems), -EINVAL);
    assert_int_equal(problems.n, 1);
    assert_string_equal(problems.at[0].file, "no.yaml");
    assert_string_equal(problems.at[0].text, "there is no such file");
    assert_int_equal(problems.at[0].line, 0);
    spec_problems_release(&problems);
}

/* Environments ---------------------------------------------------------------------------------------- */

static void test_load__env_file_in_every_form(void **state)
{
    static const struct {
        const char *env_file, *environment; /* as stored */
    } cases[] = {
        {"a.env", "\"A\":\"1\",\"B\":\"a\""},
        {"./a.env", "\"A\":\"1\",\"B\":\"a\""},
        {"[a.env, e/b.env]", "\"A\":\"1\",\"B\":\"b\",\"C\":\"a\""},
        {"[e/b.env, a.env]", "\"A\":\"1\",\"B\":\"a\",\"C\":\"\""},
        {"[{path: a.env}]", "\"A\":\"1\",\"B\":\"a\""},
        {"{path: a.env, required: true}", "\"A\":\"1\",\"B\":\"a\""},
        {"[{path: no.env, required: false}, a.env]", "\"A\":\"1\",\"B\":\"a\""},
        {"{path: e/b.env, format: raw}", "\"B\":\"b\",\"C\":\"${B:-}\""},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml =
            orc_printf("services: {web: {image: a, env_file: %s}}\n", cases[i].env_file);
        orc_auto_free char *expected =
            orc_printf("shop\n" STORED("web", "a", ",\"environment\":{%s}"), cases[i].environment);
        const struct load_story s = {
            .files = {{"d/c.yaml", yaml}, {"d/a.env", "A=1\nB=a\n"}, {"d/e/b.env", "C=${B:-}\nB=b\n"}}};

        if (strstr(cases[i].env_file, "a.env, e/b.env"))
            assert_non_null(strstr(expected, "\"C\":\"a\""));
        assert_told(&s, expected);
    }
}

static void test_load__environment_wins_over_env_file(void **state)
{
    const struct load_story map = {
        .files = {{"c.yaml",
                   "services: {web: {image: a, env_file: a.env, environment: {B: mine, D: , OUT: }}}\n"},
                  {"a.env", "A=1\nB=theirs\nD=left\n"}},
        .variables = {"OUT=side"},
    };
    const struct load_story list = {
        .files = {{"c.yaml", "services: {web: {image: a, env_file: a.env, environment: [B=mine, OUT]}}\n"},
                  {"a.env", "A=1\nB=theirs\n"}},
        .variables = {"OUT=side"},
    };

    assert_told(
        &map,
        "shop\n" STORED(
            "web", "a",
            ",\"environment\":{\"A\":\"1\",\"B\":\"mine\",\"OUT\":\"side\"}") "c.yaml:1:68: notice: variable "
                                                                              "\"D\" has no value here and "
                                                                              "is not set outside either, so "
                                                                              "it is left "
                                                                              "out; set it in the "
                                                                              "environment or in .env\n");
    assert_told(
        &list, "shop\n" STORED("web", "a", ",\"environment\":{\"A\":\"1\",\"B\":\"mine\",\"OUT\":\"side\"}"));
}

static void test_load__names_without_values_are_taken_from_outside(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml", "services: {web: {image: a, env_file: [a.env], environment: [IN, NOT]}}\n"},
                  {"a.env", "OUT\nNEITHER\n"},
                  {".env", "IN=dotenv\n"}},
        .variables = {"OUT=side"},
    };

    assert_told(
        &s,
        "shop\n" STORED(
            "web", "a",
            ",\"environment\":{\"IN\":\"dotenv\",\"OUT\":\"side\"}") "c.yaml:1:65: notice: variable \"NOT\" "
                                                                     "has no value here and is not set "
                                                                     "outside either, so it is "
                                                                     "left out; set it in the environment or "
                                                                     "in .env\n"
                                                                     "a.env:2:1: notice: variable "
                                                                     "\"NEITHER\" has no value here and is "
                                                                     "not set outside either, so it is "
                                                                     "left out\n");
}

static void test_load__what_is_outside_must_be_text(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml", "services: {web: {image: 'a:$A', env_file: a.env, environment: [A]}}\n"},
                  {"a.env", "A\nB=$A\n"}},
        .variables = {"A=\xff"},
    };

    assert_told(&s, "c.yaml:1:28: variable \"A\" holds byte 0xff, which is not UTF-8\n"
                    "c.yaml:1:64: variable \"A\" holds byte 0xff, which is not UTF-8\n"
                    "a.env:1:1: variable \"A\" holds byte 0xff, which is not UTF-8\n"
                    "a.env:2:3: variable \"A\" holds byte 0xff, which is not UTF-8\n");
}

static void test_load__what_is_wrong_with_an_env_file(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml",
                   "services:\n  a: {image: a, env_file: }\n  b: {image: a, env_file: {required: no}}\n"
                   "  c: {image: a, env_file: [{path: x, format: toml}]}\n"
                   "  d: {image: a, env_file: {pat: x}}\n  e: {image: a, env_file: [[x]]}\n"
                   "  f: {image: a, env_file: a.env}\n"},
                  {"a.env", "A=1\nB C\n"}},
    };

    assert_told(
        &s, "c.yaml:2:27: env_file must name a file: \"PATH\", or {path: PATH}\n"
            "c.yaml:3:38: required must be true or false\n"
            "c.yaml:4:46: the one format that can be named is \"raw\"; leave it out for Compose's own\n"
            "c.yaml:5:28: unknown key \"pat\" in env_file; did you mean \"path\"?\n"
            "c.yaml:6:28: env_file must name a file: \"PATH\", or {path: PATH}\n"
            "a.env:2:1: this is no variable; a line is NAME=value, or a comment that begins with \"#\"\n");
}

/* Labels of files are those of the service, which wins over them (compose-go, types/project.go,
 * WithServicesLabelsResolved). */
static void test_load__label_file_in_every_form(void **state)
{
    static const struct {
        const char *keys, *labels; /* as stored */
    } cases[] = {
        {"label_file: a.label", "\"com.a\":\"1\",\"com.b\":\"a\""},
        {"label_file: [a.label, e/b.label]", "\"com.a\":\"1\",\"com.b\":\"b\",\"com.c\":\"$x\""},
        {"label_file: [e/b.label, a.label]", "\"com.a\":\"1\",\"com.b\":\"a\",\"com.c\":\"$x\""},
        {"labels: {com.b: mine, com.d: }, label_file: a.label",
         "\"com.a\":\"1\",\"com.b\":\"mine\",\"com.d\":\"\""},
        {"labels: [com.b, OUT], label_file: a.label", "\"OUT\":\"\",\"com.a\":\"1\",\"com.b\":\"\""},
        {"labels: , label_file: a.label", "\"com.a\":\"1\",\"com.b\":\"a\""},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf("services: {web: {image: a, %s}}\n", cases[i].keys);
        orc_auto_free char *expected =
            orc_printf("shop\n" STORED("web", "a", ",\"labels\":{%s}"), cases[i].labels);
        const struct load_story s = {.files = {{"d/c.yaml", yaml},
                                               {"d/a.label", "com.a=1\ncom.b=a\n"},
                                               {"d/e/b.label", "com.c='$x'\ncom.b=b\n"}},
                                     .variables = {"OUT=side"}};

        assert_told(&s, expected);
    }
}

static void test_load__what_is_wrong_with_a_label_file(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml",
                   "services:\n  a: {image: a, label_file: }\n  b: {image: a, label_file: {path: a.label}}\n"
                   "  c: {image: a, label_file: no.label}\n  d: {image: a, label_file: a.label}\n"},
                  {"a.label", "orc.task=1\nx y\n"}},
    };

    assert_told(
        &s,
        "c.yaml:2:29: label_file must name a file: \"PATH\", or a list of them\n"
        "c.yaml:3:29: label_file must name a file: \"PATH\", or a list of them\n"
        "c.yaml:4:29: no.label: there is no such file\n"
        "a.label:1:1: label \"orc.task\" can't be used: labels that begin with \"orc.\" are orc's own; use "
        "a prefix of yours, such as \"com.example.\"\n"
        "a.label:2:1: this is no variable; a line is NAME=value, or a comment that begins with \"#\"\n");
}

/* What the loader has done is done for a sidecar as well. */
static void test_load__a_sidecar_may_have_files_and_profiles(void **state)
{
    const struct load_story s = {
        .files =
            {{"c.yaml",
              "services:\n  web: {image: a}\n  side: {network_mode: 'service:web', env_file: a.env, "
              "label_file: a.label, profiles: [p], extends: base}\n  base: {image: b, profiles: [never]}\n"},
             {"a.env", "A=1\n"},
             {"a.label", "com.a=1\n"}},
        .profile = "p",
    };

    assert_told(&s,
                "shop\n{\"name\":\"web\",\"image\":\"a\",\"sidecars\":[{\"name\":\"side\",\"image\":\"b\","
                "\"environment\":{\"A\":\"1\"},\"labels\":{\"com.a\":\"1\"}}]}\n");
}

/* Profiles -------------------------------------------------------------------------------------------- */

/* Of a value that stands for many it is said once, and its place looked for once: these would take minutes.
 */
static void test_load__a_value_with_aliases_is_complained_of_once(void **state)
{
    static const struct {
        const char *value, *said;
    } cases[] = {{"[&a '${A:?}', ", "c.yaml:100002:11: variable \"A\" must be set\n"},
                 {"{&a '${A:?}': [", "c.yaml:100002:11: variable \"A\" must be set\n"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
        orc_auto_free char *yaml = NULL;
        struct load_story s = {.files = {{"c.yaml", NULL}}};

        orc_buf_puts(&b, "services: {web: {image: a}}\n");
        for (int k = 0; k < 100000; k++)
            orc_buf_puts(&b, "# c\n");
        orc_buf_printf(&b, "x-a: %s", cases[i].value);
        for (int k = 0; k < 40000; k++)
            orc_buf_puts(&b, "*a, ");
        orc_buf_puts(&b, i ? "]}\n" : "]\n");
        yaml = orc_buf_take(&b);
        s.files[0].text = yaml;
        assert_told(&s, cases[i].said);
    }
}

#define PROFILED                                                                                             \
    "services:\n  web: {image: a}\n  debug: {image: b, profiles: [debug, all]}\n  test: {image: c, "         \
    "profiles: "                                                                                             \
    "[test]}\n"

static void test_load__services_in_profiles_are_there_when_asked_for(void **state)
{
    const struct load_story none = {.files = {{"c.yaml", PROFILED}}},
                            one = {.files = {{"c.yaml", PROFILED}}, .profile = "all"},
                            all = {.files = {{"c.yaml", PROFILED}}, .profile = "*"},
                            variable = {.files = {{"c.yaml", PROFILED}},
                                        .variables = {"COMPOSE_PROFILES=x, test"}},
                            both = {
                                .files = {{"c.yaml", PROFILED}}, /* as in Compose the option counts alone */
                                .profile = "all",
                                .variables = {"COMPOSE_PROFILES=test"}};

    assert_told(&none, "shop\n" STORED("web", "a", ""));
    assert_told(&one, "shop\n" STORED("debug", "b", "") STORED("web", "a", ""));
    assert_told(&all, "shop\n" STORED("debug", "b", "") STORED("test", "c", "") STORED("web", "a", ""));
    assert_told(&both, "shop\n" STORED("debug", "b", "") STORED("web", "a", ""));
    assert_told(&variable, "shop\n" STORED("test", "c", "") STORED("web", "a", ""));
}

static void test_load__who_depends_on_what_is_left_out(void **state)
{
    const struct load_story s = {
        .files = {{"c.yaml", PROFILED "  x: {image: a, depends_on: [debug]}\n"
                                      "  y: {image: a, depends_on: {test: {condition: service_started}}}\n"
                                      "  z: {image: a, network_mode: 'service:test'}\n"}},
    };
    const struct load_story optional = {
        .files = {{"c.yaml",
                   PROFILED "  y: {image: a, depends_on: {web: , test: {required: false, condition: "
                            "service_started}}}\n"}},
    };
    const struct load_story all = {.files = {{"c.yaml", "services: {web: {image: a, profiles: [p]}}\n"}}};

    assert_told(
        &s, "c.yaml:5:30: service \"debug\" is only there with one of its profiles; give --profile debug (or "
            "COMPOSE_PROFILES), or write \"required: false\" for a dependency that may be missing\n"
            "c.yaml:6:30: service \"test\" is only there with one of its profiles; give --profile test (or "
            "COMPOSE_PROFILES), or write \"required: false\" for a dependency that may be missing\n"
            "c.yaml:7:31: service \"test\" is only there with one of its profiles; give --profile test (or "
            "COMPOSE_PROFILES), or write \"required: false\" for a dependency that may be missing\n");
    assert_told(&optional,
                "shop\n" STORED("web", "a", "") STORED("y", "a", ",\"depends_on\":[{\"service\":\"web\"}]"));
    assert_told(&all, "c.yaml:1:12: every service here is in a profile, and none of them was asked for; give "
                      "--profile NAME (or COMPOSE_PROFILES)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load__variables_come_from_outside_then_from_dotenv),
        cmocka_unit_test(test_load__a_folder_called_dotenv_is_none),
        cmocka_unit_test(test_load__standard_input_is_no_file_of_that_name),
        cmocka_unit_test(test_load__an_env_file_takes_the_place_of_dotenv),
        cmocka_unit_test(test_load__what_is_not_set_is_said_at_its_place),
        cmocka_unit_test(test_load__filled_values_are_numbers_where_numbers_are_wanted),
        cmocka_unit_test(test_load__a_wrong_variable_is_the_only_complaint_about_its_value),
        cmocka_unit_test(test_load__the_name_may_be_a_variable_and_is_one),
        cmocka_unit_test(test_load__keys_hold_no_variables),
        cmocka_unit_test(test_load__variables_have_an_end),
        cmocka_unit_test(test_load__very_many_unset_variables_take_no_time),
        cmocka_unit_test(test_load__all_files_together_hold_so_many_values_at_most),
        cmocka_unit_test(test_load__files_of_variables_give_so_many_at_most),
        cmocka_unit_test(test_load__a_file_goes_over_another),
        cmocka_unit_test(test_load__the_text_of_one_file_is_as_it_was_written),
        cmocka_unit_test(test_load__complaints_point_into_the_file_they_are_about),
        cmocka_unit_test(test_load__a_missing_file_is_said_by_its_name),
        cmocka_unit_test(test_load__env_file_in_every_form),
        cmocka_unit_test(test_load__environment_wins_over_env_file),
        cmocka_unit_test(test_load__names_without_values_are_taken_from_outside),
        cmocka_unit_test(test_load__what_is_outside_must_be_text),
        cmocka_unit_test(test_load__what_is_wrong_with_an_env_file),
        cmocka_unit_test(test_load__label_file_in_every_form),
        cmocka_unit_test(test_load__what_is_wrong_with_a_label_file),
        cmocka_unit_test(test_load__a_sidecar_may_have_files_and_profiles),
        cmocka_unit_test(test_load__a_value_with_aliases_is_complained_of_once),
        cmocka_unit_test(test_load__services_in_profiles_are_there_when_asked_for),
        cmocka_unit_test(test_load__who_depends_on_what_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
