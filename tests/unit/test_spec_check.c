/* Single values: names, images, hosts, paths, signals, command lines. */
#include "specs/check.h"
#include "specs/utf8.h"
#include "specs/words.h"
#include "tests/unit/spec_test.h"

typedef int check_fn(const char *s, struct orc_err *err);

static void accepts(check_fn *check, const char *const *values)
{
    for (; *values; values++) {
        struct orc_err err = ORC_ERR_INIT;

        if (check(*values, &err) != 0)
            fail_msg("\"%s\" was refused: %s", *values, err.msg);
    }
}

/* ... each with a sentence that quotes the value. */
static void refuses(check_fn *check, const char *const *values)
{
    for (; *values; values++) {
        struct orc_err err = ORC_ERR_INIT;

        if (check(*values, &err) != -EINVAL)
            fail_msg("\"%s\" was accepted", *values);
        if (strlen(*values) < 30 && !strchr(*values, '\n') && !strstr(err.msg, *values))
            fail_msg("\"%s\" is not in: %s", *values, err.msg);
    }
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Behaviour 12. */
static void test_spec_image__a_registrys_port_is_no_tag(void **state)
{
    static const char *const good[] = {"nginx",
                                       "nginx:1.25",
                                       "library/nginx",
                                       "localhost/nginx",
                                       "localhost_x/nginx", /* no registry, but a part of a name */
                                       "localhost:5000/nginx",
                                       "localhost:5000/shop/orders:v1",
                                       "registry.example.com:5000/a/b/c:v_1.2-3",
                                       "Registry.Example.COM/a",
                                       "10.0.0.1:5000/a",
                                       "a.b/c",
                                       "a__b/c-d/e.f---g",
                                       "nginx:latest@sha256:" HEX64,
                                       "nginx@sha256:" HEX64,
                                       "nginx@sha512:" HEX64 HEX64,
                                       "nginx:1",
                                       "a:_x",
                                       NULL};

    accepts(spec_check_image, good);
}

static void test_spec_image__digest_length_case_and_shape_are_checked(void **state)
{
    static const char *const bad[] = {
        "",
        "Nginx",
        "nginx:",
        "nginx:-x",
        "nginx:a b",
        "nginx@",
        "nginx@sha256:abc",
        "nginx@sha256:" HEX64 "0",
        "nginx@md5:" HEX64,
        "nginx@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "/nginx",
        "nginx/",
        "a//b",
        "localhost:/a",
        "localhost:0/a",
        "localhost:65536/a",
        "localhost:005000/a",
        "localhost:5000/",
        ":5000/a",
        ".a/b",
        "a..b/c",
        "a___b",
        "a._b",
        "-a",
        "a-",
        "a b",
        "nginx\n",
        "https://example.com/a",
        HEX64,
        NULL};
    /* "localhost:5000" alone is a name with a tag, as the Engine reads it. */
    static const char *const tag_after_all[] = {"localhost:5000", NULL};

    refuses(spec_check_image, bad);
    accepts(spec_check_image, tag_after_all);
}

static void test_spec_name__becomes_a_dns_name(void **state)
{
    static const char *const good[] = {"a", "web", "web-1", "1a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                       NULL};
    static const char *const bad[] = {"",         "Web", "web_1", "-a",
                                      "a-",       "a.b", "a/b",   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                      "\xc3\xa6", NULL};
    struct orc_err err = ORC_ERR_INIT;

    for (size_t i = 0; good[i]; i++)
        assert_int_equal(spec_check_name("service name", good[i], &err), 0);
    for (size_t i = 0; bad[i]; i++)
        assert_int_equal(spec_check_name("service name", bad[i], &err), -EINVAL);
    assert_int_equal(spec_check_name("service name", "x", NULL), 0);
    assert_int_equal(spec_check_name("service name", "", NULL), -EINVAL);
}

/* Behaviour 97: nothing of a configuration's syntax gets through. */
static void test_spec_host__is_a_host_name(void **state)
{
    static const char *const good[] = {"",      "example.com", "*.example.com", "a",
                                       "a-b.c", "EXAMPLE.com", "10.0.0.1",      NULL};
    static const char *const bad[] = {"*",   "*.",  "a..b", ".a",   "a.",   "-a.b",   "a-.b",
                                      "a b", "a;b", "a{b",  "a\"b", "a$b",  "a\nb",   "a.*.b",
                                      "~a",  "a_b", "a/b",  "a:80", "*a.b", A64 ".b", NULL};

    accepts(spec_check_host, good);
    refuses(spec_check_host, bad);
}

static void test_spec_route_path__is_made_of_plain_segments(void **state)
{
    static const char *const good[] = {"/", "/a", "/orders/", "/a/b/c.d-e_f~g", "/..a", "/a..", "/...", NULL};
    static const char *const bad[] = {"",    "a",      "a/",   "//",   "/a//b", "/a/../b", "/..",
                                      "/.",  "/a/./b", "/a b", "/a;b", "/a{",   "/a\"",    "/a'",
                                      "/$a", "/a\nb",  "/a?b", "/%2e", "/a\\b", NULL};

    accepts(spec_check_route_path, good);
    refuses(spec_check_route_path, bad);
}

static void test_spec_health_path__fits_a_request_line(void **state)
{
    static const char *const good[] = {"/", "/health", "/a?b=c&d=%20", "/x;y", NULL};
    static const char *const bad[] = {"",     "health",    "/a b",      "/a\r\nX: y",
                                      "/a#b", "/\xc3\xa6", "http://a/", NULL};

    accepts(spec_check_health_path, good);
    refuses(spec_check_health_path, bad);
}

static void test_spec_abs_path__is_absolute(void **state)
{
    static const char *const good[] = {"/", "/a", "/a b", "/var/lib/\xc3\xa6", "/a..b", NULL};
    static const char *const bad[] = {"",    "a",    "./a",  "../a",  "/a/../b",
                                      "/..", "/a:b", "/a,b", "/a\nb", NULL};

    accepts(spec_check_abs_path, good);
    refuses(spec_check_abs_path, bad);
}

static void test_spec_keys__are_single_words(void **state)
{
    static const char *const env_bad[] = {"", "A=B", "A B", "A\nB", NULL};
    static const char *const label_bad[] = {"", "a b", "orc.task", "a=b", NULL};
    static const char *const key_bad[] = {
        "", "node.roles", "node.labels.", "engine.labels.", "node.labels.a b", NULL};
    static const char *const key_good[] = {"node.hostname",
                                           "node.id",
                                           "node.platform.os",
                                           "node.platform.arch",
                                           "node.labels.disk",
                                           "node.labels.a.b/c",
                                           "node.role",
                                           "engine.labels.operatingsystem",
                                           NULL};
    static const char *const volume_bad[] = {"", "a/b", ".a", "-a", "a b", "a:b", A64 "a", NULL};
    static const char *const volume_good[] = {"a", "data", "Data_1.x-y", NULL};

    refuses(spec_check_env_key, env_bad);
    refuses(spec_check_label_key, label_bad);
    refuses(spec_check_constraint_key, key_bad);
    accepts(spec_check_constraint_key, key_good);
    refuses(spec_check_volume, volume_bad);
    accepts(spec_check_volume, volume_good);
}

static void test_spec_signal__has_one_spelling(void **state)
{
    static const char *const pairs[][2] = {{"TERM", "SIGTERM"},       {"sigterm", "SIGTERM"},
                                           {"15", "SIGTERM"},         {"SIGQUIT", "SIGQUIT"},
                                           {"9", "SIGKILL"},          {"winch", "SIGWINCH"},
                                           {"RTMIN+3", "SIGRTMIN+3"}, {"SIGRTMAX-14", "SIGRTMAX-14"}};
    static const char *const bad[] = {"",         "SIG",     "SIGFOO", "0",        "99",    "-1", "1x",
                                      "RTMIN+16", "RTMAX+1", "RTMIN+", "RTMIN+03", "TERM ", NULL};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(pairs); i++) {
        orc_auto_free char *name = NULL;

        assert_int_equal(spec_signal(pairs[i][0], &name, NULL), 0);
        assert_string_equal(name, pairs[i][1]);
    }
    for (size_t i = 0; bad[i]; i++)
        assert_int_equal(spec_signal(bad[i], NULL, NULL), -EINVAL);
    assert_int_equal(spec_check_signal("SIGTERM", NULL), 0);
    assert_int_equal(spec_check_signal("TERM", NULL), -EINVAL);
}

static void splits(const char *line, const char *joined)
{
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *all = orc_strdup("");

    if (spec_split_words(line, &words, &err) != 0)
        fail_msg("%s: %s", line, err.msg);
    for (size_t i = 0; i < words.n; i++) {
        char *more = orc_printf("%s[%s]", all, words.at[i]);

        free(all);
        all = more;
    }
    assert_string_equal(all, joined);
    orc_strv_release(&words);
}

static void test_spec_words__split_as_a_shell_would(void **state)
{
    splits("", "");
    splits("  ", "");
    splits("a b  c\td\ne", "[a][b][c][d][e]");
    splits("a 'b c' \"d e\"", "[a][b c][d e]");
    splits("a''b \"\" ''", "[ab][][]");
    splits("--x='a b'", "[--x=a b]");
    splits("a\\ b \\\\ \\\"", "[a b][\\][\"]");
    splits("'a\\b' \"a\\b\" \"a\\\"b\\\\\"", "[a\\b][a\\b][a\"b\\]");
    splits("a \\\n  b", "[a][b]");
    splits("a\\\nb \"c\\\nd\"", "[ab][cd]");
    splits("a|b;c>d $X *", "[a|b;c>d][$X][*]");
}

static void test_spec_words__an_open_quote_is_refused(void **state)
{
    static const char *const bad[] = {"'a", "a \"b c", "a\\", NULL};

    for (size_t i = 0; bad[i]; i++) {
        struct orc_strv words = {0};
        struct orc_err err = ORC_ERR_INIT;

        assert_int_equal(spec_split_words(bad[i], &words, &err), -EINVAL);
        assert_true(*err.msg);
        orc_strv_release(&words);
    }
}

static void test_spec_quote__cuts_at_a_characters_border(void **state)
{
    char long_one[200];

    memset(long_one, 'a', sizeof long_one);
    memcpy(long_one + 59, "\xc3\xa6", 2);
    long_one[199] = '\0';
    assert_int_equal(strlen(spec_quote(long_one).text), 59 + 3);
    memset(long_one, 0x01, 199);
    assert_true(strlen(spec_quote(long_one).text) < sizeof(struct spec_quoted));
    assert_string_equal(spec_quote("a\nb\x1b\x7f").text, "a\\nb\\x1b\\x7f");
    memset(long_one, 0x80, 199); /* nothing but continuation bytes */
    assert_string_equal(spec_quote(long_one).text, "...");
}

static void test_spec_utf8__finds_the_first_fault(void **state)
{
    static const struct {
        const char *text;
        int line, column;
    } bad[] = {{"a\n\xc3(", 2, 1},
               {"\xc0\xaf", 1, 1},
               {"ab\xed\xa0\x80", 1, 3},
               {"\xf4\x90\x80\x80", 1, 1},
               {"\xe0\x80\xaf", 1, 1},
               {"\xc3\xa6\xff", 1, 2},
               {"a\x1b", 1, 2},
               {"\xc2\x80", 1, 1},
               {"\xf0\x80\x80\x80", 1, 1},
               {"\xe2\x82", 1, 1}};
    struct spec_utf8_fault fault;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        assert_int_equal(spec_utf8_check(bad[i].text, strlen(bad[i].text), &fault), -EINVAL);
        assert_int_equal(fault.line, bad[i].line);
        assert_int_equal(fault.column, bad[i].column);
    }
    assert_int_equal(spec_utf8_check("a\tb\r\n\xc3\xa6\xe2\x82\xac\xf0\x9f\x98\x80\xc2\x85", 16, &fault), 0);
    assert_int_equal(spec_utf8_check("a\0b", 3, &fault), -EINVAL);
    assert_int_equal(fault.column, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_image__a_registrys_port_is_no_tag),
        cmocka_unit_test(test_spec_image__digest_length_case_and_shape_are_checked),
        cmocka_unit_test(test_spec_name__becomes_a_dns_name),
        cmocka_unit_test(test_spec_host__is_a_host_name),
        cmocka_unit_test(test_spec_route_path__is_made_of_plain_segments),
        cmocka_unit_test(test_spec_health_path__fits_a_request_line),
        cmocka_unit_test(test_spec_abs_path__is_absolute),
        cmocka_unit_test(test_spec_keys__are_single_words),
        cmocka_unit_test(test_spec_signal__has_one_spelling),
        cmocka_unit_test(test_spec_words__split_as_a_shell_would),
        cmocka_unit_test(test_spec_words__an_open_quote_is_refused),
        cmocka_unit_test(test_spec_quote__cuts_at_a_characters_border),
        cmocka_unit_test(test_spec_utf8__finds_the_first_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
