/* specs/: every limit at both of its ends - the last value that is accepted and the first that is not - and
 * of each character that may stand somewhere whether it does.
 */
#include "lib/buf.h"
#include "specs/check.h"
#include "tests/unit/spec_test.h"

typedef int check_fn(const char *s, struct orc_err *err);

static char *times(char c, size_t n, const char *prefix)
{
    size_t at = strlen(prefix);
    char *s = orc_calloc(1, at + n + 1);

    memcpy(s, prefix, at);
    memset(s + at, c, n);
    return s;
}

/* `prefix` and a number of letters: accepted from `least` to `most` bytes in all. */
static void assert_length(check_fn *check, const char *prefix, size_t least, size_t most)
{
    const size_t lengths[] = {least, most, least ? least - 1 : 0, most + 1};

    for (size_t i = 0; i < 4; i++) {
        orc_auto_free char *s = NULL;
        struct orc_err err = ORC_ERR_INIT;
        bool ok = lengths[i] >= least && lengths[i] <= most;

        if (lengths[i] < strlen(prefix))
            continue;
        s = times('a', lengths[i] - strlen(prefix), prefix);
        if ((check(s, &err) == 0) != ok)
            fail_msg("%zu bytes are %s, of %zu to %zu", lengths[i], ok ? "refused" : "accepted", least, most);
        assert_int_equal(err.msg[0] == '\0', ok);
    }
}

static void test_limits__lengths(void **state)
{
    assert_length(spec_check_volume, "", 1, 64);
    assert_length(spec_check_env_key, "", 1, 256);
    assert_length(spec_check_label_key, "", 1, 256);
    assert_length(spec_check_constraint_value, "", 1, 256);
    assert_length(spec_check_constraint_key, "node.labels.", 13, 12 + 128);
    assert_length(spec_check_constraint_key, "engine.labels.", 15, 14 + 128);
    assert_length(spec_check_spread_key, "node.labels.", 13, 12 + 128);
    assert_length(spec_check_route_path, "/", 1, 512);
    assert_length(spec_check_health_path, "/", 1, 2048);
    assert_length(spec_check_abs_path, "/", 1, 4095);
    assert_length(spec_check_image, "", 1, 255);
    assert_length(spec_check_image, "nginx:", 7, 6 + 128);
    assert_length(spec_check_image, "a.b/", 5, 255);
    assert_length(spec_check_text, "", 0, SPEC_TEXT_MAX);
    assert_length(spec_check_host, "", 0, 63);
}

/* A host: 63 bytes between two dots, 253 in all, the asterisk included. */
static void test_limits__a_host_is_253_bytes_of_parts_of_63(void **state)
{
    orc_auto_free char *part = times('a', 63, "");

    for (size_t rest = 59; rest <= 64; rest++)
        for (int star = 0; star < 2; star++) {
            orc_auto_free char *last = times('b', rest, "");
            orc_auto_free char *host = orc_printf("%s%s.%s.%s.%s", star ? "*." : "", part, part, part, last);
            bool ok = rest <= 63 && strlen(host) <= 253;

            assert_int_equal(spec_check_host(host, NULL) == 0, ok);
        }
}

/* ---- characters */

/* Which bytes are accepted in the place of "%c", as text; control characters and what is not ASCII as "?"
 * once each. */
static char *accepted(check_fn *check, const char *before, const char *after)
{
    struct orc_buf b = ORC_BUF_INIT(4096);

    for (int c = 1; c < 256; c++) {
        orc_auto_free char *s = orc_printf("%s%c%s", before, c, after);

        if (check(s, NULL) == 0)
            orc_buf_printf(&b, "%c", c > 0x20 && c < 0x7f ? c : c == ' ' ? '_' : '?');
    }
    return orc_buf_take(&b);
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static void assert_accepted(check_fn *check, const char *before, const char *after, const char *want)
{
    orc_auto_free char *have = accepted(check, before, after);

    if (strcmp(have, want) != 0)
        fail_msg("\"%s%%c%s\" accepts %s, not %s", before, after, have, want);
}

static void test_limits__each_character_in_each_place(void **state)
{
    static const struct {
        check_fn *check;
        const char *before, *after, *want;
    } cases[] = {
        {spec_check_volume, "", "a", DIGIT UPPER LOWER},
        {spec_check_volume, "a", "", "-." DIGIT UPPER "_" LOWER},
        {spec_check_host, "", "", DIGIT UPPER LOWER},
        {spec_check_host, "a", "a", "-." DIGIT UPPER LOWER},
        {spec_check_route_path, "/", "", "-" DIGIT UPPER "_" LOWER "~"},
        {spec_check_route_path, "/a", "", "-./" DIGIT UPPER "_" LOWER "~"},
        {spec_check_image, "", "a", DIGIT LOWER},
        {spec_check_image, "a", "a", "-./" DIGIT ":_" LOWER},
        {spec_check_image, "a:", "", DIGIT UPPER "_" LOWER},
        {spec_check_image, "a:b", "", "-." DIGIT UPPER "_" LOWER},
        {spec_check_image, "a.b:1", "/c", DIGIT},
        {spec_check_image, "", "a.b/c", DIGIT UPPER LOWER},
        {spec_check_constraint_key, "node.labels.", "", "-./" DIGIT UPPER "_" LOWER},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        assert_accepted(cases[i].check, cases[i].before, cases[i].after, cases[i].want);
}

/* What a key and a value may not have in them: the rest of the bytes is theirs, UTF-8's too. */
static void test_limits__keys_and_values_have_neither_blanks_nor_control_characters(void **state)
{
    static const struct {
        check_fn *check;
        bool equals, hash, colon;
        const char *before;
    } cases[] = {{spec_check_env_key, false, true, true, "A"},
                 {spec_check_label_key, false, true, true, "a"},
                 {spec_check_constraint_value, true, true, true, "a"},
                 {spec_check_health_path, true, false, true, "/"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        for (int c = 1; c < 128; c++) {
            orc_auto_free char *s = orc_printf("%s%cz", cases[i].before, c);
            bool ok = c > 0x20 && c != 0x7f && (c != '=' || cases[i].equals) && (c != '#' || cases[i].hash);

            if ((cases[i].check(s, NULL) == 0) != ok)
                fail_msg("case %zu, byte %d", i, c);
        }
    assert_int_equal(spec_check_env_key("\xc3\xa4", NULL), 0);
    assert_int_equal(spec_check_health_path("/\xc3\xa4", NULL), -EINVAL);
}

/* The Engine's separators, control characters, and the way out are no path's. */
static void test_limits__a_path_is_absolute_and_stays_where_it_is(void **state)
{
    static const char *const good[] = {"/",    "/a",     "/a/",  "/a b", "/..a",
                                       "/a..", "/a/...", "/a/.", "/=#",  "/\xc3\xa4"};
    static const char *const bad[] = {"",        "a",    "./a",  "/..",   "/../a",  "/a/..",
                                      "/a/../b", "/a:b", "/a,b", "/a\nb", "/a\x7f", "/a/b/c/.."};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++)
        assert_int_equal(spec_check_abs_path(good[i], NULL), 0);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        assert_int_equal(spec_check_abs_path(bad[i], NULL), -EINVAL);
}

/* ---- parts of an image's name */

#define HEX62 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"

static void test_limits__of_an_image(void **state)
{
    static const char *const good[] = {"a.b:1/c", "a.b:65535/c", "a_b",        "a__b",          "a-b",
                                       "a---b",   "a.b",         "a/b.c/d__e", "LOCALHOST.x/a", "localhost/a",
                                       HEX62 "e", HEX62 "efa",   HEX62 "eg",   "x/" HEX62,      "10.0.0.1/a"};
    static const char *const bad[] = {
        "a.b:0/c",  "a.b:65536/c", "a.b:123456/c", "a.b:/c", "a___b",  "a..b",   "a._b",
        "a-_b",     "a-",          "-a",           "a_",     "a.",     "a//b",   "/a",
        "a/",       "a..b/c",      ".a.b/c",       "a.b./c", "-a.b/c", "a.b-/c", "Localhost/a",
        HEX62 "ef", "a.b:1x/c",    "a@",           "a:",     "a:b:c"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++)
        if (spec_check_image(good[i], NULL) != 0)
            fail_msg("\"%s\" is refused", good[i]);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        if (spec_check_image(bad[i], NULL) != -EINVAL)
            fail_msg("\"%s\" is accepted", bad[i]);
}

static void test_limits__of_a_digest(void **state)
{
    for (size_t n = 62; n <= 66; n++)
        for (int both = 0; both < 2; both++) {
            orc_auto_free char *hex = times('f', both ? 2 * n : n, "");
            orc_auto_free char *image = orc_printf("a@sha%d:%s", both ? 512 : 256, hex);

            assert_int_equal(spec_check_image(image, NULL) == 0, n == 64);
        }
}

/* ---- signals */

/* With or without SIG, in any case; the real-time ones that the Engine knows. */
static void test_limits__signals(void **state)
{
    static const struct {
        const char *written, *name; /* NULL: refused */
    } cases[] = {
        {"TERM", "SIGTERM"},
        {"term", "SIGTERM"},
        {"SIGTERM", "SIGTERM"},
        {"sIgTeRm", "SIGTERM"},
        {"15", "SIGTERM"},
        {"9", "SIGKILL"},
        {"1", "SIGHUP"},
        {"31", "SIGSYS"},
        {"SIGSYS", "SIGSYS"},
        {"SYS", "SIGSYS"},
        {"SISYS", NULL},
        {"SIXTERM", NULL},
        {"SIGSIGTERM", NULL},
        {"SIG", NULL},
        {"", NULL},
        {"0", NULL},
        {"32", NULL},
        {"015", NULL},
        {"1x", NULL},
        {"-1", NULL},
        {"RTMIN", "SIGRTMIN"},
        {"sigrtmin+1", "SIGRTMIN+1"},
        {"RTMIN+15", "SIGRTMIN+15"},
        {"RTMIN+16", NULL},
        {"RTMIN+0", NULL},
        {"RTMIN-1", NULL},
        {"RTMIN+", NULL},
        {"RTMIN+x", NULL},
        {"RTMIN+01", NULL},
        {"RTMIN++3", NULL},
        {"RTMIN+ 3", NULL},
        {"RTMIN+1x", NULL},
        {"RTMAX", "SIGRTMAX"},
        {"RTMAX-1", "SIGRTMAX-1"},
        {"RTMAX-14", "SIGRTMAX-14"},
        {"RTMAX-15", NULL},
        {"RTMAX+1", NULL},
        {"RTMAX-0", NULL},
        {"RTMI", NULL},
        {"TERMX", NULL},
        {"TER", NULL},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        char *untouched = (char *)"untouched", *name = untouched;
        int r = spec_signal(cases[i].written, &name, NULL);

        assert_int_equal(r, cases[i].name ? 0 : -EINVAL);
        assert_int_equal(spec_signal(cases[i].written, NULL, NULL), r);
        if (r < 0) {
            assert_ptr_equal(name, untouched);
            continue;
        }
        assert_string_equal(name, cases[i].name);
        assert_int_equal(spec_check_signal(name, NULL), 0);
        assert_int_equal(spec_check_signal(cases[i].written, NULL),
                         strcmp(cases[i].written, name) == 0 ? 0 : -EINVAL);
        free(name);
    }
}

/* ---- what is quoted */

/* 60 bytes of it, and whether that was all. */
static void test_limits__of_what_is_quoted(void **state)
{
    for (size_t n = 58; n <= 63; n++) {
        orc_auto_free char *s = times('x', n, ""), *want = times('x', n > 60 ? 60 : n, "");
        struct spec_quoted q = spec_quote(s);

        assert_int_equal(strncmp(q.text, want, strlen(want)), 0);
        assert_string_equal(q.text + strlen(want), n > 60 ? "..." : "");
    }
}

/* Sixty control characters are longer than what they stand for, and still fit. */
static void test_limits__what_is_quoted_is_printable_however_much_of_it_is_not(void **state)
{
    for (int c = 1; c < 0x20; c++) {
        orc_auto_free char *s = times((char)c, 100, "");
        struct spec_quoted q = spec_quote(s);

        assert_in_range(strlen(q.text), 60, sizeof q.text - 1);
        for (const char *p = q.text; *p; p++)
            assert_in_range(*p, 0x20, 0x7e);
    }
}

/* ---- numbers in a file */

static bool is_accepted(const char *yaml)
{
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;
    int r = spec_parse(yaml, strlen(yaml), "shop", &app, &problems);

    spec_problems_release(&problems);
    spec_app_free(app);
    return r == 0;
}

/* "%s" is the value: what is good, and what is not any more. */
static void assert_ends(const char *line, const char *const *good, const char *const *bad)
{
    for (int is_bad = 0; is_bad < 2; is_bad++)
        for (const char *const *v = is_bad ? bad : good; *v; v++) {
            const char *at = strstr(line, "%s");
            orc_auto_free char *yaml = orc_printf("services:\n  web:\n    image: nginx\n%.*s%s%s",
                                                  (int)(at - line), line, *v, at + 2);

            if (is_accepted(yaml) == is_bad)
                fail_msg("%s in %s is %s", *v, line, is_bad ? "accepted" : "refused");
        }
}
#define ENDS(line, good, bad)                                                                                \
    assert_ends(line, (const char *const[]){good, NULL}, (const char *const[]){bad, NULL})
#define THESE(...) __VA_ARGS__

static void test_limits__of_numbers(void **state)
{
    ENDS("    deploy: {replicas: %s}\n", THESE("0", "1", "10000"), THESE("-1", "10001", "1.5", "a"));
    ENDS("    deploy: {placement: {max_replicas_per_node: %s}}\n", THESE("0", "1", "10000"),
         THESE("-1", "10001"));
    ENDS("    deploy: {resources: {limits: {pids: %s}}}\n", THESE("1", "4194304"),
         THESE("0", "-1", "4194305"));
    ENDS("    deploy: {resources: {limits: {cpus: \"%s\"}}}\n", THESE("0", "0.01", "10000"),
         THESE("0.009", "10001", "-1"));
    ENDS("    deploy: {resources: {limits: {memory: %s}}}\n", THESE("0", "6m", "6291456", "1024t"),
         THESE("5m", "6291455", "1025t"));
    ENDS("    deploy: {resources: {reservations: {memory: %s}}}\n", THESE("0", "1", "1024t"),
         THESE("-1", "1025t"));
    ENDS("    healthcheck: {test: curl x, retries: %s}\n", THESE("1", "1000"), THESE("0", "1001", "-1"));
    ENDS("    healthcheck: {test: curl x, interval: %s}\n", THESE("1ms", "8760h"), THESE("0s", "8761h"));
    ENDS("    healthcheck: {test: curl x, timeout: %s}\n", THESE("1ms", "8760h"), THESE("0s", "8761h"));
    ENDS("    stop_grace_period: %s\n", THESE("0s", "8760h"), THESE("8761h", "-1s"));
    ENDS("    deploy: {mode: replicated-job}\n    x-orc: {job: {keep: %s}}\n", THESE("1", "100"),
         THESE("0", "101"));
    ENDS("    deploy: {mode: replicated-job}\n    x-orc: {job: {max_concurrent: %s}}\n",
         THESE("0", "1", "10000"), THESE("-1", "10001"));
    ENDS("    deploy: {mode: replicated-job, restart_policy: {max_attempts: %s}}\n", THESE("0", "1000000"),
         THESE("-1", "1000001"));
    ENDS("    restart: on-failure:%s\n", THESE("1", "1000000"),
         THESE("0", "01", "-1", "1000001", "x", "\"\"", "1.5"));
}

/* A reservation may reach its limit, of each for itself. */
static void test_limits__of_what_is_reserved(void **state)
{
    ENDS("    deploy: {resources: {limits: {cpus: \"1\"}, reservations: {cpus: \"%s\"}}}\n",
         THESE("0.5", "1"), THESE("1.001", "2"));
    ENDS("    deploy: {resources: {limits: {memory: 64m}, reservations: {memory: %s}}}\n", THESE("1m", "64m"),
         THESE("67108865", "65m"));
    ENDS("    deploy: {resources: {limits: {memory: 64m}, reservations: {cpus: \"%s\"}}}\n",
         THESE("1", "100"), THESE("10001"));
}

/* ---- ports */

static void test_limits__of_ports(void **state)
{
    ENDS("    ports: [\"%s\"]\n",
         THESE("1", "65535", "1-1000", "8080:80", "127.0.0.1:8080:80", "127.0.0.1::80", "8000-8005:9000-9005",
               "80/tcp", "80/udp", "0.0.0.0:1:65535"),
         THESE("0", "65536", "1-1001", "2-1", "80:", ":80", "::80", "[::1]:80:80", "1.2.3:80:80",
               "1.2.3.256:80:80", "8000-8005:9000-9004", "8000-8005:9000", "80/sctp", "80/", "80/TCP", "a",
               "-1", "1-", "-", "80-80-80", "0:80", "65536:80"));
    ENDS("    ports: [{target: %s}]\n", THESE("1", "65535"), THESE("0", "65536", "-1"));
    ENDS("    ports: [{target: 80, published: %s}]\n", THESE("1", "65535"), THESE("65536", "-1"));
    ENDS("    ports: [{target: 80, host_ip: \"%s\"}]\n", THESE("", "0.0.0.0", "127.0.0.1"),
         THESE("localhost", "1.2.3", "::1", "1.2.3.4.5"));
    ENDS("    ports: [{target: 80, protocol: %s}]\n", THESE("tcp", "udp"), THESE("sctp", "TCP", "\"\""));
}

/* A thousand in all, whichever way they are given. */
static void test_limits__of_how_many_ports(void **state)
{
    ENDS("    ports: [\"1-600\", \"%s\"]\n", THESE("1001-1400", "7000"), THESE("1001-1401", "1001-2000"));
    ENDS("    ports: [\"%s\", \"7000\"]\n", THESE("1-999"), THESE("1-1000"));
}

/* One port of the server leads to one port: of one address, or of all of them. */
static void test_limits__two_rows_for_one_port_of_the_server(void **state)
{
    ENDS("    ports: [\"8080:80\", \"%s\"]\n",
         THESE("8081:80", "8080:80", "8080:81/udp", "127.0.0.1:8080:81", "81"),
         THESE("8080:81", "0.0.0.0:8080:81"));
    ENDS("    ports: [\"127.0.0.1:8080:80\", \"%s\"]\n",
         THESE("127.0.0.2:8080:81", "127.0.0.1:8080:80", "8080:81"),
         THESE("127.0.0.1:8080:81", "0.0.0.0:8080:81"));
    ENDS("    ports: [\"0.0.0.0:8080:80\", \"81:81\", \"82:82\", \"%s\"]\n", THESE("8082:81"),
         THESE("127.0.0.5:8080:81", "8080:81"));
}

/* ---- mounts */

static void assert_mount(const char *written, const char *source, const char *target, bool read_only)
{
    orc_auto_free char *yaml = orc_printf(
        "services:\n  web:\n    image: nginx\n    volumes: [\"%s\"]\nvolumes: {data: {}}\n", written);
    struct spec_app *app = parse_ok(yaml);
    const struct spec_mount *m = &web_of(app)->mounts.at[0];

    assert_string_equal(m->source, source);
    assert_string_equal(m->target, target);
    assert_int_equal(m->read_only, read_only);
    assert_int_equal(m->kind, *source == '/' ? SPEC_MOUNT_BIND : SPEC_MOUNT_VOLUME);
    spec_app_free(app);
}

/* One way to write a path, also that of the server's root. */
static void test_limits__a_mount_has_one_way_to_be_written(void **state)
{
    assert_mount("data:/d", "data", "/d", false);
    assert_mount("data:/d:ro", "data", "/d", true);
    assert_mount("data:/d:rw", "data", "/d", false);
    assert_mount("/:/d", "/", "/d", false);
    assert_mount("///:/d", "/", "/d", false);
    assert_mount("/a/:/d/", "/a", "/d", false);
    assert_mount("//a///b//://d//e//:ro", "/a/b", "/d/e", true);
    assert_mount("/a:/b", "/a", "/b", false);
}

static void test_limits__of_mounts(void **state)
{
    ENDS("    volumes: [\"%s\"]\nvolumes: {data: {}}\n", THESE("data:/d", "/srv:/d"),
         THESE("/d", "data", "data:", ":/d", "data:d", "data:/", "data:///", "data:/d:", "data:/d:x",
               "data:/d:ro:ro", "data::ro", "other:/d", "./a:/d", "../a:/d", "~/a:/d", ".:/d", "a/b:/d",
               "/a/../b:/d", "data:/../d", ""));
    assert_problem(WEB("    volumes: [\"/d\"]\n"), "4:15: ", "write NAME:/d and");
    assert_problem(WEB("    volumes: [\"data\"]\n"), "4:15: ", "write NAME:/path and");
}

/* At one path of the container there is one. */
static void test_limits__two_mounts_at_one_path(void **state)
{
    ENDS("    volumes: [\"/a:/d\", \"%s\"]\n", THESE("/a:/e", "/b:/d/e", "/b:/dd"),
         THESE("/a:/d", "/b:/d", "/b:/d/", "/b://d:ro"));
}

/* ---- constraints */

static const char *constraint(const struct spec_app *app, char ret[200])
{
    const struct spec_constraint *c = &web_of(app)->constraints.at[0];

    snprintf(ret, 200, "%s|%s|%s", c->key, c->equal ? "==" : "!=", c->value);
    return ret;
}

/* Spaces around either side don't count, however many; the first operator counts. */
static void test_limits__spaces_around_a_constraint(void **state)
{
    static const char *const keys[] = {"node.hostname", " node.hostname", "node.hostname ",
                                       "   node.hostname   "};
    static const char *const values[] = {"k", " k", "k ", "   k   ", "a=b", "kk"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(keys); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(values); k++)
            for (int equal = 0; equal < 2; equal++) {
                orc_auto_free char *yaml =
                    orc_printf(WEB("    deploy: {placement: {constraints: [\"%s%s%s\"]}}\n"), keys[i],
                               equal ? "==" : "!=", values[k]);
                struct spec_app *app = parse_ok(yaml);
                char want[200], bare[50] = "";
                char have[200];

                sscanf(values[k], " %49s", bare);
                snprintf(want, sizeof want, "node.hostname|%s|%s", equal ? "==" : "!=", bare);
                assert_string_equal(constraint(app, have), want);
                spec_app_free(app);
            }
}

static void test_limits__a_constraint_has_two_sides(void **state)
{
    ENDS("    deploy: {placement: {constraints: [\"%s\"]}}\n", THESE("node.id==x", "node.role != manager"),
         THESE("", "==", "node.id==", "node.id== ", "==x", " ==x", "node.id", "node.id=x", "node.id<x",
               "node.id == a b", "node.id!x"));
    ENDS("    deploy: {placement: {constraints: [%s]}}\n", THESE("node.id==x"),
         THESE("7", "[a]", "{a: b}", "null"));
}

/* ---- the name that is advised */

static void test_limits__a_name_that_would_do_is_advised(void **state)
{
    static const struct {
        const char *name, *advice;
    } cases[] = {
        {"My_Service", "my-service"}, {"a__b", "a-b"},  {"_a", "\"a\""}, {"a_", "\"a\""},
        {"A.B.C", "a-b-c"},           {"a - b", "a-b"}, {"Z9", "z9"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf("services:\n  \"%s\":\n    image: nginx\n", cases[i].name);

        assert_problem(yaml, "2:3: ", cases[i].advice);
    }
}

/* What hides behind a limit elsewhere. */
static void test_limits__of_single_letters(void **state)
{
    assert_int_equal(spec_check_host("*.a", NULL), 0);
    assert_int_equal(spec_check_host("*.", NULL), -EINVAL);
    assert_int_equal(spec_check_host("*", NULL), -EINVAL);
    assert_int_equal(spec_check_host("*a", NULL), -EINVAL);
    assert_int_equal(spec_check_host("a.*.b", NULL), -EINVAL);
    assert_int_equal(spec_check_host("a.", NULL), -EINVAL);
    assert_int_equal(spec_check_host(".a", NULL), -EINVAL);
    assert_int_equal(spec_check_abs_path("/a.", NULL), 0);
    assert_int_equal(spec_check_abs_path("/.a", NULL), 0);
    assert_int_equal(spec_check_abs_path("/a./b", NULL), 0);
    assert_int_equal(spec_check_route_path("/a.", NULL), 0);
    assert_int_equal(spec_check_route_path("/.a", NULL), 0);
    assert_int_equal(spec_check_route_path("/...", NULL), 0);
    assert_int_equal(spec_check_route_path("/..", NULL), -EINVAL);
    assert_int_equal(spec_check_route_path("/./a", NULL), -EINVAL);
    assert_int_equal(spec_check_ipv4("", NULL), 0);
    assert_int_equal(spec_check_ipv4("256.0.0.1", NULL), -EINVAL);
}

/* A version's answer to trouble: each word, and each number of how many at once. */
static void test_limits__of_an_update(void **state)
{
    ENDS("    deploy: {update_config: {parallelism: %s}}\n", THESE("0", "1", "10000", "1%", "100%"),
         THESE("-1", "10001", "0%", "101%", "%", "1.5", "5 %"));
    ENDS("    deploy: {update_config: {order: %s}}\n", THESE("stop-first", "start-first"),
         THESE("first", "\"\"", "7"));
    ENDS("    deploy: {update_config: {failure_action: %s}}\n", THESE("pause", "continue", "rollback"),
         THESE("stop", "\"\""));
    ENDS("    deploy: {update_config: {max_failure_ratio: %s}}\n", THESE("0", "0.5", "1"),
         THESE("1.000000001", "-0.1", "1.1", "x"));
    ENDS("    deploy: {update_config: {monitor: %s}}\n", THESE("0s", "8760h"), THESE("8761h", "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits__lengths),
        cmocka_unit_test(test_limits__a_host_is_253_bytes_of_parts_of_63),
        cmocka_unit_test(test_limits__each_character_in_each_place),
        cmocka_unit_test(test_limits__keys_and_values_have_neither_blanks_nor_control_characters),
        cmocka_unit_test(test_limits__a_path_is_absolute_and_stays_where_it_is),
        cmocka_unit_test(test_limits__of_an_image),
        cmocka_unit_test(test_limits__of_a_digest),
        cmocka_unit_test(test_limits__signals),
        cmocka_unit_test(test_limits__of_what_is_quoted),
        cmocka_unit_test(test_limits__what_is_quoted_is_printable_however_much_of_it_is_not),
        cmocka_unit_test(test_limits__of_numbers),
        cmocka_unit_test(test_limits__of_what_is_reserved),
        cmocka_unit_test(test_limits__of_ports),
        cmocka_unit_test(test_limits__of_how_many_ports),
        cmocka_unit_test(test_limits__two_rows_for_one_port_of_the_server),
        cmocka_unit_test(test_limits__a_mount_has_one_way_to_be_written),
        cmocka_unit_test(test_limits__of_mounts),
        cmocka_unit_test(test_limits__two_mounts_at_one_path),
        cmocka_unit_test(test_limits__spaces_around_a_constraint),
        cmocka_unit_test(test_limits__a_constraint_has_two_sides),
        cmocka_unit_test(test_limits__a_name_that_would_do_is_advised),
        cmocka_unit_test(test_limits__of_single_letters),
        cmocka_unit_test(test_limits__of_an_update),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
