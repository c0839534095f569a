#include "lib/options.h"

#include "lib/file.h"
#include "lib/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct {
    bool verbose, quiet;
    char *etcd, *config;
    struct orc_strv labels, words;
    int64_t port;
    uint64_t grace;
} o;

static const struct orc_option table[] = {
    {"etcd", 'e', ORC_OPT_STR, &o.etcd, "URL[,URL...]", "where etcd is", "ORC_TEST_ETCD", 0, 0},
    {"label", 'l', ORC_OPT_STRV, &o.labels, "K=V", "a label of this node", "ORC_TEST_LABEL", 0, 0},
    {"port", 'p', ORC_OPT_INT, &o.port, "PORT", "where to listen", NULL, 1, 65535},
    {"grace", 0, ORC_OPT_MS, &o.grace, "DURATION", "how long to wait before going on with what must be", NULL,
     0, 0},
    {"verbose", 'v', ORC_OPT_BOOL, &o.verbose, NULL, "say more", NULL, 0, 0},
    {"quiet", 'q', ORC_OPT_BOOL, &o.quiet, NULL, "say less", NULL, 0, 0},
    {"config", 0, ORC_OPT_STR, &o.config, "FILE", "read options from a file", "ORC_TEST_CONFIG", 0, 0},
    {0},
};

static char path[] = "/tmp/orc-test-options-XXXXXX";

static int setup_file(void **state)
{
    return close(mkstemp(path));
}

static int remove_file(void **state)
{
    return unlink(path);
}

static int reset(void **state)
{
    free(o.etcd);
    free(o.config);
    orc_strv_release(&o.labels);
    orc_strv_release(&o.words);
    memset(&o, 0, sizeof o);
    o.port = 80;
    o.grace = 3000;
    unsetenv("ORC_TEST_ETCD");
    unsetenv("ORC_TEST_LABEL");
    unsetenv("ORC_TEST_CONFIG");
    return 0;
}

/* Parses the words of a line; words end at blanks. */
static int parse(const char *line, struct orc_err *err)
{
    orc_auto_free char *copy = orc_strdup(line);
    char *argv[32] = {(char *)"test"}, *save = NULL;
    int argc = 1;

    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return orc_options_parse(table, argc, argv, &o.words, err);
}

static void parses(const char *line)
{
    struct orc_err err = ORC_ERR_INIT;

    if (parse(line, &err) != 0)
        fail_msg("\"%s\" was refused: %s", line, err.msg);
}

static void refused(const char *line, const char *why)
{
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(parse(line, &err), -EINVAL);
    assert_string_equal(err.msg, why);
    assert_int_equal(o.port, 80);
    assert_null(o.etcd);
    assert_int_equal(o.words.n + o.labels.n, 0);
}

static void config(const char *text)
{
    assert_int_equal(orc_file_write(path, text, strlen(text), 0600, NULL), 0);
}

static void parses_with_config(const char *text, const char *more)
{
    orc_auto_free char *line = orc_printf("--config %s %s", path, more);

    config(text);
    parses(line);
}

/* `why` without the path in front */
static void config_refused(const char *text, const char *why)
{
    orc_auto_free char *line = orc_printf("--config %s", path), *whole = orc_printf("%s:%s", path, why);

    config(text);
    refused(line, whole);
}

static void test_options__values_follow_or_are_attached(void **state)
{
    parses("--etcd http://a --port=8080 --label a=b --label=c=d --grace 1m30s --verbose one two");
    assert_string_equal(o.etcd, "http://a");
    assert_int_equal(o.port, 8080);
    assert_int_equal(o.labels.n, 2);
    assert_string_equal(o.labels.at[1], "c=d");
    assert_int_equal(o.grace, 90000);
    assert_true(o.verbose);
    assert_false(o.quiet);
    assert_int_equal(o.words.n, 2);
    assert_string_equal(o.words.at[1], "two");
}

static void test_options__letters_are_short_forms(void **state)
{
    parses("-vq -p 81 -ehttp://b -l x=1 -lx=2 -");
    assert_true(o.verbose && o.quiet);
    assert_int_equal(o.port, 81);
    assert_string_equal(o.etcd, "http://b");
    assert_int_equal(o.labels.n, 2);
    assert_string_equal(o.words.at[0], "-");
}

static void test_options__two_dashes_end_options(void **state)
{
    parses("-v -- --etcd -x");
    assert_int_equal(o.words.n, 2);
    assert_string_equal(o.words.at[0], "--etcd");
    assert_null(o.etcd);
}

static void test_options__defaults_stay_when_nothing_is_given(void **state)
{
    parses("");
    assert_int_equal(o.port, 80);
    assert_int_equal(o.grace, 3000);
    assert_null(o.etcd);
}

static void test_options__the_last_of_several_values_counts(void **state)
{
    parses("--port 1 --port 2 --verbose --verbose=false");
    assert_int_equal(o.port, 2);
    assert_false(o.verbose);
}

static void test_options__unknown_names_are_refused_with_the_nearest(void **state)
{
    refused("--etdc x", "unknown option --etdc; did you mean --etcd?");
    refused("--hlep", "unknown option --hlep; did you mean --help?");
    refused("--labels=x", "unknown option --labels; did you mean --label?");
    refused("--something", "unknown option --something; --help lists the known ones");
    refused("-vx", "unknown option -x in \"-vx\"; --help lists the known ones");
    refused("--=x", "unknown option --; --help lists the known ones");
}

static void test_options__bad_values_change_nothing(void **state)
{
    refused("--etcd http://a --label a=b w --port 0", "--port: \"0\" is not a whole number in 1..65535");
    refused("-p x", "-p: \"x\" is not a whole number in 1..65535");
    refused("--verbose=maybe", "--verbose: \"maybe\" is neither true nor false");
    refused("--grace 5",
            "--grace: \"5\" is not a duration; write numbers with units us, ms, s, m or h, such as "
            "\"1m30s\"");
    refused("--port", "option --port needs a value: --port PORT");
}

static void test_options__words_are_refused_where_none_are_taken(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    char *argv[] = {(char *)"test", (char *)"word"};

    assert_int_equal(orc_options_parse(table, 2, argv, NULL, &err), -EINVAL);
    assert_string_equal(err.msg, "unexpected argument \"word\"; only options are accepted, see --help");
}

static void test_options__help_is_asked_for(void **state)
{
    assert_int_equal(parse("--port 1 --help", NULL), ORC_OPTIONS_HELP);
    assert_int_equal(parse("-vh", NULL), ORC_OPTIONS_HELP);
    assert_int_equal(o.port, 80);
}

static void test_options__the_version_is_asked_for(void **state)
{
    orc_auto_free char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    assert_int_equal(parse("--port 1 --version", NULL), ORC_OPTIONS_VERSION);
    assert_int_equal(o.port, 80);
    refused("--versoin", "unknown option --versoin; did you mean --version?");
    orc_options_version(out, "test");
    fclose(out);
    assert_memory_equal(text, "test ", 5);
    assert_memory_equal(text + 5, orc_version(), strlen(orc_version()));
    assert_string_equal(text + 5 + strlen(orc_version()), "\n");
}

static void test_options__the_environment_is_used_last(void **state)
{
    setenv("ORC_TEST_ETCD", "http://env", 1);
    setenv("ORC_TEST_LABEL", "e=1", 1);
    parses("");
    assert_string_equal(o.etcd, "http://env");
    assert_string_equal(o.labels.at[0], "e=1");
    parses("--etcd http://line --label l=1");
    assert_string_equal(o.etcd, "http://line");
    assert_int_equal(o.labels.n, 1);
    parses_with_config("etcd: http://file\n", "");
    assert_string_equal(o.etcd, "http://file");
    setenv("ORC_TEST_ETCD", "", 1);
    reset(NULL);
    parses("");
    assert_null(o.etcd);
}

static void test_options__a_file_gives_what_the_command_line_did_not(void **state)
{
    parses_with_config(
        "# comment\netcd: http://file\nport: 7\nlabel: [a=1, b=2]\nverbose: true\ngrace: \"5s\"\n", "");
    assert_string_equal(o.etcd, "http://file");
    assert_int_equal(o.port, 7);
    assert_int_equal(o.labels.n, 2);
    assert_true(o.verbose);
    assert_int_equal(o.grace, 5000);
    parses_with_config("etcd: http://file\nlabel:\n- a=1\n- b=2\n",
                       "--label c=3 --etcd http://line --verbose=false");
    assert_string_equal(o.etcd, "http://line");
    assert_int_equal(o.labels.n, 1);
    assert_string_equal(o.labels.at[0], "c=3");
    assert_false(o.verbose);
}

static void test_options__the_file_may_be_named_by_the_environment(void **state)
{
    setenv("ORC_TEST_CONFIG", path, 1);
    config("port: 9\n");
    parses("");
    assert_int_equal(o.port, 9);
}

static void test_options__an_empty_file_says_nothing(void **state)
{
    parses_with_config("", "");
    parses_with_config("# only a comment\n", "");
    parses_with_config("---\n", "");
    assert_int_equal(o.port, 80);
}

static void test_options__errors_of_the_file_have_their_line(void **state)
{
    config_refused("port: 1\netdc: x\n", "2: unknown option etdc; did you mean etcd?");
    config_refused("port: 0\n", "1: port: \"0\" is not a whole number in 1..65535");
    config_refused("port: 1\nport: 2\n", "2: \"port\" is there for the second time; write it once");
    config_refused("port: [1, 2]\n", "1: \"port\" takes one value, not a list");
    config_refused("etcd:\n", "1: \"etcd\" has no value; expected one such as URL[,URL...]");
    config_refused("etcd: {a: b}\n", "1: \"etcd\" has no value; expected one such as URL[,URL...]");
    config_refused("label: [a, [b]]\n", "1: \"label\" has no value; expected one such as K=V");
    config_refused("- a\n", "1: expected lines of the form \"option: value\"");
    config_refused("just text\n", "1: expected lines of the form \"option: value\"");
    config_refused("[a]: b\n", "1: expected the name of an option");
    config_refused("config: b\n", "1: \"config\" can't be set in a configuration file");
    config_refused("etcd: \"a\\0b\"\n", "1: \"etcd\" contains a NUL byte");
    config_refused("port: 1\n---\nport: 2\n", "2: expected one YAML document, found a second one");
    config_refused("etcd: &x a\nlabel: *x\n", "2: \"label\" has no value; expected one such as K=V");
}

static void test_options__a_broken_file_is_refused_where_it_breaks(void **state)
{
    orc_auto_free char *line = orc_printf("--config %s", path), *want = orc_printf("%s:2:", path);
    struct orc_err err = ORC_ERR_INIT;

    config("port: 1\n\tetcd: x\n");
    assert_int_equal(parse(line, &err), -EINVAL);
    assert_memory_equal(err.msg, want, strlen(want));
    assert_int_equal(o.port, 80);
    assert_int_equal(parse("--config /nonexistent", &err), -ENOENT);
    assert_non_null(strstr(err.msg, "/nonexistent"));
}

static void test_options__the_help_shows_the_table(void **state)
{
    orc_auto_free char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    orc_options_help(out, "test [options]", "Does a test.", table);
    fclose(out);
    assert_string_equal(
        text, "Usage: test [options]\n"
              "\n"
              "Does a test.\n"
              "\n"
              "Options:\n"
              "  -e, --etcd URL[,URL...]   where etcd is (default: $ORC_TEST_ETCD)\n"
              "  -l, --label K=V           a label of this node (default: $ORC_TEST_LABEL); may be repeated\n"
              "  -p, --port PORT           where to listen (default: 80)\n"
              "      --grace DURATION      how long to wait before going on with what must be "
              "(default: 3s)\n"
              "  -v, --verbose             say more\n"
              "  -q, --quiet               say less\n"
              "      --config FILE         read options from a file (default: $ORC_TEST_CONFIG)\n"
              "  -h, --help                this text\n"
              "      --version             which orc this is\n");
}

static void test_options__the_nearest_word_is_near(void **state)
{
    static const char *const words[] = {"apply", "status", "scale", "rm", "rollback", "restart", NULL};
    char big[200];

    assert_string_equal(orc_nearest("aply", words), "apply");
    assert_string_equal(orc_nearest("statsu", words), "status");
    assert_string_equal(orc_nearest("scael", words), "scale");
    assert_string_equal(orc_nearest("mr", words), "rm");
    assert_null(orc_nearest("deploy", words + 1));
    assert_null(orc_nearest("", words));
    assert_null(orc_nearest("xx", words));
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_null(orc_nearest(big, words));
}

#define options_test(f) cmocka_unit_test_setup_teardown(f, reset, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        options_test(test_options__values_follow_or_are_attached),
        options_test(test_options__letters_are_short_forms),
        options_test(test_options__two_dashes_end_options),
        options_test(test_options__defaults_stay_when_nothing_is_given),
        options_test(test_options__the_last_of_several_values_counts),
        options_test(test_options__unknown_names_are_refused_with_the_nearest),
        options_test(test_options__bad_values_change_nothing),
        options_test(test_options__words_are_refused_where_none_are_taken),
        options_test(test_options__help_is_asked_for),
        options_test(test_options__the_version_is_asked_for),
        options_test(test_options__the_environment_is_used_last),
        options_test(test_options__a_file_gives_what_the_command_line_did_not),
        options_test(test_options__the_file_may_be_named_by_the_environment),
        options_test(test_options__an_empty_file_says_nothing),
        options_test(test_options__errors_of_the_file_have_their_line),
        options_test(test_options__a_broken_file_is_refused_where_it_breaks),
        options_test(test_options__the_help_shows_the_table),
        options_test(test_options__the_nearest_word_is_near),
    };

    return cmocka_run_group_tests(tests, setup_file, remove_file);
}
