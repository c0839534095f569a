/* Properties over many random files: spelling and order are no difference, JSON loses nothing, cut and bent
 * files never do harm. A failing case prints its seed. */
#include "lib/buf.h"
#include "specs/compose.h"
#include "specs/diff.h"
#include "tests/unit/spec_test.h"

#define CASES 400

struct dice {
    uint64_t x;
};

static unsigned roll(struct dice *d, unsigned sides)
{
    /* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled") */
    d->x ^= d->x >> 12;
    d->x ^= d->x << 25;
    d->x ^= d->x >> 27;
    return (unsigned)((d->x * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % sides;
}

static void shuffle(struct dice *d, int *order, int n)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int k = (int)roll(d, (unsigned)i + 1), t = order[i];

        order[i] = order[k];
        order[k] = t;
    }
}

/* A key of a service in ways that mean the same. */
static const char *const features[][3] = {
    {"environment: {A: '1', B: x y, C: ''}", "environment: [C=, 'B=x y', A=1]",
     "environment:\n      B: \"x y\"\n      C: \"\"\n      A: 1"},
    {"labels: {a: b, c: ''}", "labels: [c, a=b]", "labels: {c: , a: b}"},
    {"command: [a, b c, $$d]", "command: a 'b c' $$d", "command: \"a b\\\\ c \\\"$$d\\\"\""},
    {"entrypoint: []", "entrypoint: ''", "entrypoint: ' '"},
    {"restart: no", "restart: \"no\"", "restart: 'no'"},
    {"stop_signal: SIGINT", "stop_signal: int", "stop_signal: 2"},
    {"stop_grace_period: 90s", "stop_grace_period: 1m30s", "stop_grace_period: 1.5m"},
    {"ports: ['80:81', '90:91/udp', '1000:1000', '1001:1001']",
     "ports: ['1000-1001:1000-1001', '90:91/udp', '80:81/tcp']",
     "ports: [{target: 91, published: 90, protocol: udp, mode: ingress}, {target: 1001, published: '1001'}, "
     "{published: "
     "1000, target: 1000}, '80:81']"},
    {"volumes: ['d:/d', '/x:/y:ro']", "volumes: ['/x/:/y:ro', 'd:/d:rw']",
     "volumes: [{type: bind, target: //y/, source: /x, read_only: true}, {type: volume, source: d, target: "
     "/d}]"},
    {"depends_on: [zero, one]", "depends_on: {one: , zero: }", "links: [one, 'zero:zero']"},
    {"healthcheck: {test: [CMD-SHELL, a b], interval: 60s}", "healthcheck: {interval: 1m, test: a b}",
     "healthcheck:\n      test:\n        - CMD-SHELL\n        - a b\n      interval: 1m0s"},
    {"deploy: {replicas: 3, resources: {limits: {memory: 64m, cpus: '0.50'}}, update_config: {order: "
     "start-first}, placement: {max_replicas_per_node: 2, preferences: [{spread: node.labels.b}, {spread: "
     "node.hostname}]}}",
     "deploy: {update_config: {order: start-first}, resources: {limits: {cpus: 0.5, memory: 67108864}}, "
     "placement: {preferences: [{spread: 'node.labels.b'}, {spread: node.hostname}], max_replicas_per_node: "
     "'2'}, "
     "replicas: '3'}",
     "deploy: {update_config: {order: start-first, delay: 0s, monitor: 5000ms}, replicas: 3, resources: "
     "{limits: {cpus: .5, memory: 65536kb}},\n      placement: {preferences: [spread: node.labels.b, spread: "
     "node.hostname], "
     "max_replicas_per_node: 2}}"},
    {"x-orc: {gateway: [{port: 80, path: /a}, {port: 81, host: a.b}], drain: {timeout: 5s}, placement: "
     "{strategy: binpack, weights: {node.labels.disk == ssd: 50, node.hostname != k1: -3}}}",
     "x-orc: {placement: {weights: {'node.hostname!=k1': '-3', 'node.labels.disk==ssd': 50, 'node.hostname "
     "== k2': "
     "0}, strategy: 'binpack'}, drain: {timeout: 5000ms}, gateway: [{host: A.b, port: 81, "
     "path: /}, {path: /a, port: 80}]}",
     "x-orc: {gateway: [{strip_prefix: false, port: '80', path: /a}, {port: 81, host: a.b}], drain: "
     "{timeout: 5s}, placement: {strategy: \"binpack\", weights: {\"node.labels.disk  ==  ssd\": 50, "
     "node.hostname != k1: -3}}}"},
    {"cap_add: [NET_ADMIN, SYS_TIME]", "cap_add: [sys_time, CAP_NET_ADMIN]",
     "cap_add: [cap_sys_time, SYS_TIME, net_admin]"},
    {"tmpfs: [/run, '/tmp:size=64m,mode=0755,exec,uid=5']",
     "tmpfs: ['/tmp/:mode=755,uid=5,exec,size=65536k', /run]",
     "tmpfs: ['/tmp:rw,nodev,size=67108864,exec,mode=755,uid=5', '/run:noexec']"},
    {"extra_hosts: {b: '::1', db: [10.0.0.5, 10.0.0.6]}",
     "extra_hosts: ['db:10.0.0.6', 'b:::1', 'db:10.0.0.5']",
     "extra_hosts: ['b=[::1]', db=10.0.0.5, db=10.0.0.6]"},
    {"sysctls: {net.core.somaxconn: 5, kernel.sem: '1 2 3 4'}",
     "sysctls: [kernel.sem=1 2 3 4, net.core.somaxconn=5]",
     "sysctls: {kernel.sem: 1 2 3 4, net.core.somaxconn: '5'}"},
    {"ulimits: {nofile: 10, core: -1}", "ulimits: {core: {hard: -1, soft: -1}, nofile: '10'}",
     "ulimits: {nofile: {soft: 10, hard: 10}, core: -1}"},
    {"devices: ['/dev/fuse', '/dev/a:/dev/b:rm']", "devices: ['/dev/a:/dev/b:mr', '/dev/fuse:/dev/fuse:rwm']",
     "devices: [{source: /dev/fuse}, {source: /dev/a, target: /dev/b, permissions: mr}]"},
    {"security_opt: [no-new-privileges, label=disable, apparmor=x]",
     "security_opt: ['apparmor:x', 'label:disable', 'no-new-privileges:true']",
     "security_opt: [label=disable, 'no-new-privileges=true', apparmor=x]"},
    {"networks: [default, n]", "networks: {n: , default: }", "networks: [n]"},
};
enum { FEATURES = ORC_ARRAY_SIZE(features) };

/* A file with the features of `mask`, each in some spelling, in some order. `plain`: first spelling, fixed
 * order. */
static char *write_file(struct dice *d, unsigned mask, bool plain)
{
    static const char *const others[] = {"  zero: {image: a}\n", "  one: {image: a}\n"};
    struct orc_buf b = ORC_BUF_INIT(65536);
    bool first = plain || roll(d, 2);
    int order[FEATURES];

    shuffle(d, order, FEATURES);
    orc_buf_puts(&b, first ? "volumes: {d: {name: d1, labels: {a: b, c: }}, e: }\nnetworks: {n: }\n" : "");
    orc_buf_puts(&b, "services:\n");
    orc_buf_puts(&b, others[plain ? 0 : roll(d, 2)]);
    orc_buf_puts(&b, "  web:\n    image: nginx\n");
    for (int i = 0; i < FEATURES; i++) {
        int f = plain ? i : order[i];

        if (mask & (1u << f))
            orc_buf_printf(&b, "    %s\n", features[f][plain ? 0 : roll(d, 3)]);
    }
    orc_buf_puts(&b, strstr(orc_buf_str(&b), others[0]) ? others[1] : others[0]);
    orc_buf_puts(&b, first ? ""
                           : "networks: {n: {driver: bridge}}\nvolumes: {e: {}, d: {labels: [c, a=b], "
                             "driver: local, name: 'd1', external: false}}\n");
    return orc_buf_take(&b);
}

/* Behaviours 13, 14. */
static void test_spec_property__spelling_and_order_are_no_difference(void **state)
{
    for (unsigned seed = 1; seed <= CASES; seed++) {
        struct dice d = {.x = seed * UINT64_C(0x9e3779b97f4a7c15)};
        unsigned mask = roll(&d, 1u << FEATURES);
        orc_auto_free char *plain = write_file(&d, mask, true), *varied = write_file(&d, mask, false);

        assert_same(plain, varied);
    }
}

static void test_spec_property__json_loses_nothing(void **state)
{
    for (unsigned seed = 1; seed <= CASES; seed++) {
        struct dice d = {.x = seed * UINT64_C(0xd1342543de82ef95)};
        orc_auto_free char *yaml = write_file(&d, roll(&d, 1u << FEATURES), false);
        orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);
        struct orc_err err = ORC_ERR_INIT;
        orc_auto_free char *text = spec_service_text(web_of(app)), *again = NULL;
        orc_auto_json json_t *reread = orc_json_parse(text, strlen(text), &err);
        orc_auto(spec_service_free_p) struct spec_service *back = spec_service_from_json(reread, &err);
        char w1[SPEC_HASH_MAX], c1[SPEC_HASH_MAX], w2[SPEC_HASH_MAX], c2[SPEC_HASH_MAX];

        if (!back)
            fail_msg("seed %u: %s\n%s", seed, err.msg, yaml);
        again = spec_service_text(back);
        assert_string_equal(text, again);
        spec_service_hash(web_of(app), w1, c1);
        spec_service_hash(back, w2, c2);
        assert_string_equal(w1, w2);
        assert_string_equal(c1, c2);
    }
}

/* What `orc config` prints is a file that means the same. */
static void test_spec_property__as_a_file_again_it_is_the_same(void **state)
{
    for (unsigned seed = 1; seed <= CASES; seed++) {
        struct dice d = {.x = seed * UINT64_C(0xbf58476d1ce4e5b9)};
        orc_auto_free char *yaml = write_file(&d, roll(&d, 1u << FEATURES), false);
        orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);
        orc_auto_json json_t *j = spec_app_to_compose(app, roll(&d, 2) ? COMPOSE_PROGRAMS : COMPOSE_PEOPLE);
        orc_auto_free char *again = orc_json_text(j);

        assert_same(yaml, again);
    }
}

/* Behaviours 14, 41, 58: no difference between spellings; otherwise one is told, and it replaces containers
 * exactly where the container's hash changes. */
static void test_spec_property__a_diff_tells_what_the_hashes_tell(void **state)
{
    for (unsigned seed = 1; seed <= CASES; seed++) {
        struct dice d = {.x = seed * UINT64_C(0x94d049bb133111eb)};
        unsigned mask = roll(&d, 1u << FEATURES),
                 other = roll(&d, 3) ? mask ^ 1u << roll(&d, FEATURES) : mask;
        orc_auto_free char *x = write_file(&d, mask, false), *y = write_file(&d, other, false);
        orc_auto(spec_app_free_p) struct spec_app *a = parse_ok(x), *b = parse_ok(y);
        char w1[SPEC_HASH_MAX], c1[SPEC_HASH_MAX], w2[SPEC_HASH_MAX], c2[SPEC_HASH_MAX];
        struct spec_changes changes = {0};
        bool replaces = false;

        spec_diff(web_of(a), web_of(b), &changes);
        spec_service_hash(web_of(a), w1, c1);
        spec_service_hash(web_of(b), w2, c2);
        for (size_t i = 0; i < changes.n; i++)
            replaces |= changes.at[i].effect == SPEC_REPLACES;
        if ((changes.n > 0) != (strcmp(w1, w2) != 0) || replaces != (strcmp(c1, c2) != 0))
            fail_msg("seed %u:\n%s---\n%s", seed, x, y);
        spec_changes_release(&changes);
    }
}

/* Two different sets of keys never look the same. */
static void test_spec_property__every_feature_changes_the_hash(void **state)
{
    struct dice d = {.x = 1};
    char hashes[FEATURES + 1][SPEC_HASH_MAX], c[SPEC_HASH_MAX];

    for (int i = 0; i <= FEATURES; i++) {
        orc_auto_free char *yaml = write_file(&d, i < FEATURES ? 1u << i : 0, true);
        orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);

        spec_service_hash(web_of(app), hashes[i], c);
        for (int k = 0; k < i; k++)
            if (strcmp(hashes[k], hashes[i]) == 0 && strncmp(features[k][0], "networks", 8) != 0)
                fail_msg("%s and %s", features[k][0], i < FEATURES ? features[i][0] : "nothing");
    }
}

/* Whatever is cut out or overwritten: an app or complaints with places inside the file, never both or
 * neither. */
static void test_spec_property__bent_files_do_no_harm(void **state)
{
    static const char bits[] = "{}[]:,-&*!|>'\"%@`#?<\n\t $~\\\x01\xff"
                               "0a";

    for (unsigned seed = 1; seed <= 4 * CASES; seed++) {
        struct dice d = {.x = seed * UINT64_C(0x94d049bb133111eb)};
        orc_auto_free char *yaml = write_file(&d, roll(&d, 1u << FEATURES), false);
        size_t n = strlen(yaml);
        struct spec_problems problems = {0};
        struct spec_app *app = NULL;
        int r;

        for (unsigned k = roll(&d, 4) + 1; k > 0; k--)
            yaml[roll(&d, (unsigned)n)] = bits[roll(&d, sizeof bits - 1)];
        if (roll(&d, 4) == 0)
            n = roll(&d, (unsigned)n);
        r = spec_parse(yaml, n, "shop", &app, &problems);
        if ((r == 0) != (app != NULL) || (r == 0) != (problems.n == 0))
            fail_msg("seed %u", seed);
        for (size_t i = 0; i < problems.n; i++)
            assert_true(problems.at[i].line >= 1 && problems.at[i].column >= 1 && *problems.at[i].text);
        spec_app_free(app);
        spec_problems_release(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_property__spelling_and_order_are_no_difference),
        cmocka_unit_test(test_spec_property__json_loses_nothing),
        cmocka_unit_test(test_spec_property__as_a_file_again_it_is_the_same),
        cmocka_unit_test(test_spec_property__a_diff_tells_what_the_hashes_tell),
        cmocka_unit_test(test_spec_property__every_feature_changes_the_hash),
        cmocka_unit_test(test_spec_property__bent_files_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
