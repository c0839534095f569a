/* What is different between two files, key by key: each change with what it means. */
#include "lib/buf.h"
#include "specs/diff.h"
#include "tests/unit/spec_test.h"

#define LINE_MAX_BYTES 4096

/* "path: before -> after (effect)\n" of each change; freed by the caller. */
static char *changes_text(const struct spec_changes *c)
{
    struct orc_buf b = ORC_BUF_INIT(16 * LINE_MAX_BYTES);

    for (size_t i = 0; i < c->n; i++)
        orc_buf_printf(&b, "%s: %s -> %s (%s)\n", c->at[i].path, c->at[i].before ? c->at[i].before : "none",
                       c->at[i].after ? c->at[i].after : "none", spec_effect_name(c->at[i].effect));
    return orc_buf_take(&b);
}

/* The changes are these, and replace containers exactly when the containers' hash says so. */
static void assert_diff(const char *before, const char *after, const char *wanted)
{
    orc_auto(spec_app_free_p) struct spec_app *a = parse_ok(before), *b = parse_ok(after);
    char whole[2][SPEC_HASH_MAX], container[2][SPEC_HASH_MAX];
    orc_auto_free char *text = NULL;
    struct spec_changes c = {0};

    spec_diff(web_of(a), web_of(b), &c);
    text = changes_text(&c);
    assert_string_equal(text, wanted);
    spec_service_hash(web_of(a), whole[0], container[0]);
    spec_service_hash(web_of(b), whole[1], container[1]);
    assert_int_equal(strcmp(whole[0], whole[1]) != 0, c.n > 0);
    assert_int_equal(strcmp(container[0], container[1]) != 0, strstr(text, "(replaces") != NULL);
    spec_changes_release(&c);
}

static const struct {
    const char *before, *after, *wanted;
} cases[] = {
    {WEB(""), "services:\n  web:\n    image: nginx:2\n", "image: nginx -> nginx:2 (replaces containers)\n"},
    {WEB("    command: a b\n"), WEB("    command: b a\n"),
     "command: [\"a\",\"b\"] -> [\"b\",\"a\"] (replaces containers)\n"},
    {WEB(""), WEB("    command: []\n"), "command: none -> [] (replaces containers)\n"},
    {WEB("    environment: {A: 1, B: 2, C: 3}\n"), WEB("    environment: [C=3, B=x, D=4]\n"),
     "environment.A: 1 -> none (replaces containers)\n"
     "environment.B: 2 -> x (replaces containers)\n"
     "environment.D: none -> 4 (replaces containers)\n"},
    {WEB("    labels: {a: ''}\n"), WEB(""), "labels.a:  -> none (replaces containers)\n"},
    {WEB("    deploy: {resources: {limits: {memory: 512M}}}\n"),
     WEB("    deploy: {resources: {limits: {memory: 536870912, cpus: 0.5}}}\n"),
     "deploy.resources.limits.cpus: none -> 0.5 (replaces containers)\n"},
    {WEB("    deploy: {resources: {limits: {memory: 512M, pids: 9}}}\n"),
     WEB("    deploy: {resources: {limits: {memory: 513000k}}}\n"),
     "deploy.resources.limits.memory: 512M -> 513000K (replaces containers)\n"
     "deploy.resources.limits.pids: 9 -> none (replaces containers)\n"},
    {WEB("    deploy: {replicas: 2}\n"), WEB("    deploy: {replicas: 3}\n"),
     "deploy.replicas: 2 -> 3 (in place)\n"},
    {WEB(""), WEB("    deploy: {mode: global}\n"), "deploy.mode: none -> global (in place)\n"},
    {WEB("    restart: 'no'\n"), WEB("    deploy: {mode: replicated-job}\n"),
     "restart: no -> none (replaces containers)\n"
     "deploy.mode: none -> replicated-job (replaces containers)\n"
     "deploy.restart_policy.condition: none -> on-failure (in place)\n"
     "deploy.restart_policy.max_attempts: none -> 3 (in place)\n"},
    {WEB(""), WEB("    deploy: {update_config: {order: start-first, parallelism: 25%}}\n"),
     "deploy.update_config.parallelism: none -> 25% (in place)\n"
     "deploy.update_config.monitor: none -> 5s (in place)\n"
     "deploy.update_config.order: none -> start-first (in place)\n"
     "deploy.update_config.failure_action: none -> pause (in place)\n"},
    {WEB("    deploy: {placement: {constraints: [node.labels.a == b, node.hostname != k1]}}\n"),
     WEB("    deploy: {placement: {constraints: [node.hostname != k1, node.labels.a == c]}}\n"),
     "deploy.placement.constraints: node.labels.a == b -> none (in place)\n"
     "deploy.placement.constraints: none -> node.labels.a == c (in place)\n"},
    {WEB("    ports: ['80:80', '81:81']\n"), WEB("    ports: ['81:81', '82:80']\n"),
     "ports: 80:80 -> none (replaces containers)\n"
     "ports: none -> 82:80 (replaces containers)\n"},
    {WEB("    ports: ['127.0.0.1::53/udp', '9']\n"), WEB(""),
     "ports: 9 -> none (replaces containers)\n"
     "ports: 127.0.0.1::53/udp -> none (replaces containers)\n"},
    {WEB("    volumes: ['/a:/x', '/b:/y']\n"), WEB("    volumes: ['/c:/y:ro', '/a:/x']\n"),
     "volumes./y.source: /b -> /c (replaces containers)\n"
     "volumes./y.read_only: none -> true (replaces containers)\n"},
    {WEB("    network_mode: none\n"), WEB("    network_mode: host\n"),
     "network_mode: none -> host (replaces containers)\n"},
    {WEB("    healthcheck: {test: [CMD, a]}\n"),
     WEB("    healthcheck: {test: [CMD, a]}\n    x-orc: {health: {readiness: {tcp: {port: 80}}}}\n"),
     "healthcheck.test: [\"CMD\",\"a\"] -> none (replaces containers)\n"
     "healthcheck.interval: 10s -> none (replaces containers)\n"
     "healthcheck.timeout: 30s -> none (replaces containers)\n"
     "healthcheck.retries: 3 -> none (replaces containers)\n"
     "x-orc.health.readiness.tcp.port: none -> 80 (replaces containers)\n"
     "x-orc.health.readiness.interval: none -> 10s (replaces containers)\n"
     "x-orc.health.readiness.timeout: none -> 1s (replaces containers)\n"
     "x-orc.health.readiness.retries: none -> 3 (replaces containers)\n"
     "x-orc.health.liveness.exec: none -> [\"a\"] (replaces containers)\n"
     "x-orc.health.liveness.interval: none -> 10s (replaces containers)\n"
     "x-orc.health.liveness.timeout: none -> 30s (replaces containers)\n"
     "x-orc.health.liveness.retries: none -> 3 (replaces containers)\n"},
    {WEB("    healthcheck: {test: a}\n"), WEB("    healthcheck: {test: [CMD, a], interval: 9s}\n"),
     "healthcheck.test: [\"CMD-SHELL\",\"a\"] -> [\"CMD\",\"a\"] (replaces containers)\n"
     "healthcheck.interval: 10s -> 9s (replaces containers)\n"},
    {WEB("    x-orc: {gateway: {port: 80}, drain: {timeout: 5s}, fence: 1m}\n"),
     WEB("    x-orc: {gateway: {port: 80, path: /a/}, drain: {timeout: 30s}}\n"),
     "x-orc.gateway: {\"path\":\"/\",\"port\":80} -> none (replaces containers)\n"
     "x-orc.gateway: none -> {\"path\":\"/a/\",\"port\":80} (replaces containers)\n"
     "x-orc.fence: 1m -> none (replaces containers)\n"
     "x-orc.drain.timeout: 5s -> none (in place)\n"},
    {WEB("") "  b: {image: i, network_mode: 'service:web'}\n  c: {image: i, network_mode: 'service:web'}\n",
     WEB("") "  b: {image: j, network_mode: 'service:web'}\n  d: {image: i, network_mode: 'service:web'}\n",
     "sidecar b: image: i -> j (replaces containers)\n"
     "sidecar c: image: i -> none (replaces containers)\n"
     "sidecar c: network_mode: service:web -> none (replaces containers)\n"
     "sidecar c: restart: always -> none (replaces containers)\n"
     "sidecar d: image: none -> i (replaces containers)\n"
     "sidecar d: network_mode: none -> service:web (replaces containers)\n"
     "sidecar d: restart: none -> always (replaces containers)\n"},
};

static void test_diff__each_change_is_told_with_what_it_means(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        assert_diff(cases[i].before, cases[i].after, cases[i].wanted);
}

static void test_diff__a_new_service_is_all_change(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(WEB("    environment: {A: $$1}\n"));
    orc_auto_free char *text = NULL;
    struct spec_changes c = {0};

    spec_diff(NULL, web_of(app), &c);
    text = changes_text(&c);
    assert_string_equal(text, "image: none -> nginx (replaces containers)\n"
                              "environment.A: none -> $1 (replaces containers)\n"
                              "restart: none -> always (replaces containers)\n");
    spec_changes_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diff__each_change_is_told_with_what_it_means),
        cmocka_unit_test(test_diff__a_new_service_is_all_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
