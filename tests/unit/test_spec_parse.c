/* What is accepted, and what it means: each spelling against the normal form. */
#include "lib/buf.h"
#include "tests/unit/spec_test.h"

/* The file -------------------------------------------------------------------------------------------- */

static void test_spec_parse__the_smallest_file_has_every_default(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok("services: {web: {image: nginx}}");
    const struct spec_service *s = web_of(app);

    assert_string_equal(app->name, "shop"); /* the name given by the caller */
    assert_int_equal(app->services.n, 1);
    assert_int_equal(s->replicas, SPEC_REPLICAS_DEFAULT);
    assert_int_equal(s->restart, SPEC_RESTART_ALWAYS);
    assert_int_equal(s->stop_grace_period_ms, 10000);
    assert_int_equal(s->drain_timeout_ms, 30000);
    assert_int_equal(s->update.parallelism, 1);
    assert_int_equal(s->update.monitor_ms, 5000);
    assert_int_equal(s->health.kind, SPEC_HEALTH_NONE);
    assert_null(s->stop_signal);
    assert_false(s->command_set);
}

static void test_spec_parse__the_files_own_name_wins(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok("name: other\nservices: {web: {image: nginx}}");

    assert_string_equal(app->name, "other");
}

static void test_spec_parse__version_and_extension_fields_are_ignored(void **state)
{
    assert_same(WEB(""),
                "version: 3.8\nx-any: [1, {a: $B}]\n" WEB("    x-note: ${HOME}\n"
                                                          "    healthcheck: {disable: true, x-y: 1}\n"
                                                          "    deploy: {x-z: {}}\n"));
    assert_same(WEB(""),
                WEB("    x-note: 1\n") "  x-not-a-service: 5\nnetworks: {x-a: 1}\nvolumes: {x-b: }\n");
    assert_same(WEB(""), "version: '2'\n" WEB(""));
}

static void test_spec_parse__anchors_and_merges_are_resolved(void **state)
{
    assert_same("services:\n"
                "  a: {image: nginx, restart: 'no', environment: {A: '1'}}\n"
                "  b: {image: httpd, restart: 'no', environment: {A: '1', B: '2'}}\n",
                "x-base: &base\n  image: nginx\n  restart: no\n  environment: &env {A: '1'}\n"
                "services:\n"
                "  a: *base\n"
                "  b: {<<: *base, image: httpd, environment: {<<: *env, B: '2'}}\n");
}

static void test_spec_parse__networks_are_accepted_and_separate_nothing(void **state)
{
    assert_same(WEB(""), WEB("    networks: [front, default]\n") "networks: {front: }\n");
    assert_same(WEB(""),
                WEB("    networks: {front: , back: {}}\n") "networks: {front: {driver: bridge}, back: {}}\n");
}

static void test_spec_parse__declared_volumes_are_sorted(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app =
        parse_ok(WEB("") "volumes: {b: , a: {}, c: {driver: local}}\n");

    assert_int_equal(app->volumes.n, 3);
    assert_string_equal(app->volumes.at[0], "a");
    assert_string_equal(app->volumes.at[2], "c");
}

/* Order and spelling ---------------------------------------------------------------------------------- */

/* Behaviour 14. */
static void test_spec_parse__order_alone_is_no_change(void **state)
{
    assert_same(
        "services:\n"
        "  a: {image: nginx, ports: ['80:80', '53:53/udp'], environment: [A=1, B=2], labels: {x: y, u: v}}\n"
        "  b: {image: nginx, depends_on: [a, c], volumes: ['d:/d', '/e:/e'],\n"
        "      deploy: {placement: {constraints: [node.hostname==a, node.labels.x!=y]}},\n"
        "      x-orc: {gateway: [{port: 1, path: /a}, {port: 1, path: /b}]}}\n"
        "  c: {image: nginx}\n"
        "volumes: {d: , f: }\n",
        "volumes: {f: , d: }\n"
        "services:\n"
        "  c: {image: nginx}\n"
        "  b: {x-orc: {gateway: [{path: /b, port: 1}, {path: /a, port: 1}]}, image: nginx,\n"
        "      deploy: {placement: {constraints: [node.labels.x!=y, node.hostname==a]}},\n"
        "      volumes: ['/e:/e', 'd:/d'], depends_on: [c, a]}\n"
        "  a: {labels: {u: v, x: y}, environment: {B: 2, A: 1}, image: nginx, ports: ['53:53/udp', "
        "'80:80']}\n");
}

static void test_spec_parse__short_and_long_forms_are_the_same(void **state)
{
    assert_same(WEB("    environment: [A=1, B=, 'C=a=b', D=true]\n"),
                WEB("    environment: {A: 1, B: '', C: a=b, D: true}\n"));
    assert_same(WEB("    labels: [a=b, c]\n"), WEB("    labels: {a: b, c: }\n"));
    assert_same(WEB("    ports: ['127.0.0.1:53:5353/udp', '8080:80', 9000]\n"),
                WEB("    ports:\n"
                    "      - {target: 5353, published: '53', host_ip: 127.0.0.1, protocol: udp, mode: host}\n"
                    "      - {target: 80, published: 8080}\n"
                    "      - {target: 9000}\n"));
    assert_same(
        WEB("    volumes: ['data:/d', '/srv/x:/x:ro']\n") "volumes: {data: }\n",
        WEB("    volumes:\n"
            "      - {type: volume, source: data, target: /d/}\n"
            "      - {type: bind, source: /srv//x/, target: /x, read_only: true}\n") "volumes: {data: }\n");
    assert_same(WEB("    depends_on: [b]\n") "  b: {image: nginx}\n",
                WEB("    depends_on: {b: {condition: service_started}}\n") "  b: {image: nginx}\n");
    assert_same(WEB("    x-orc: {gateway: {port: 80, path: /a}}\n"),
                WEB("    x-orc: {gateway: [{port: 80, path: /a}]}\n"));
    assert_same(WEB("    command: serve --name 'a b'\n"), WEB("    command: [serve, --name, a b]\n"));
}

static void test_spec_parse__units_have_one_value(void **state)
{
    assert_same(WEB("    stop_grace_period: 1m30s\n"), WEB("    stop_grace_period: 90s\n"));
    assert_same(WEB("    deploy: {resources: {limits: {memory: 512M, cpus: '0.50'}}}\n"),
                WEB("    deploy: {resources: {limits: {memory: 536870912, cpus: 0.5}}}\n"));
    /* Behaviour 9. */
    assert_same(WEB("    deploy: {resources: {reservations: {memory: 32k}}}\n"),
                WEB("    deploy: {resources: {reservations: {memory: 32768}}}\n"));
    assert_same(WEB("    deploy: {resources: {limits: {memory: 1.5g}}}\n"),
                WEB("    deploy: {resources: {limits: {memory: 1536m}}}\n"));
    assert_same(WEB("    stop_signal: quit\n"), WEB("    stop_signal: SIGQUIT\n"));
    assert_same(WEB("    restart: 'always'\n"), WEB(""));
    assert_same(WEB("    deploy: {replicas: '3'}\n"), WEB("    deploy: {replicas: 3}\n"));
    assert_same(
        WEB("    x-orc: {gateway: {port: 1, host: Shop.EXAMPLE.com}}\n"),
        WEB("    x-orc: {gateway: {port: 1, host: shop.example.com, path: /, strip_prefix: false}}\n"));
}

/* Single keys ----------------------------------------------------------------------------------------- */

static void test_spec_parse__an_empty_command_is_not_an_absent_one(void **state)
{
    assert_web(WEB("    command: []\n"), "\"command\":[]");
    assert_web(WEB("    command: ''\n"), "\"command\":[]");
    assert_web(WEB("    command:\n"), "");
    assert_web(WEB("    entrypoint: []\n"), "\"entrypoint\":[]");
    assert_web(WEB("    entrypoint: null\n"), "");
    assert_web(WEB("    command: [sleep, 10, true]\n"), "\"command\":[\"sleep\",\"10\",\"true\"]");
    assert_web(WEB("    command: >\n      serve\n      --port 80\n"),
               "\"command\":[\"serve\",\"--port\",\"80\"]");
}

/* The text of a value is what stands there. */
static void test_spec_parse__values_are_taken_as_written(void **state)
{
    assert_web(WEB("    environment: {A: 1.50, B: 0o17, C: True, D: no, E: 1e3, F: 'x y'}\n"),
               "\"environment\":{\"A\":\"1.50\",\"B\":\"0o17\",\"C\":\"True\",\"D\":\"no\",\"E\":\"1e3\","
               "\"F\":\"x y\"}");
    assert_web(WEB("    environment:\n      A: |\n        one\n        two\n"),
               "\"environment\":{\"A\":\"one\\ntwo\\n\"}");
    assert_web(WEB("    labels: {a: 2024-01-01}\n"), "\"labels\":{\"a\":\"2024-01-01\"}");
}

static void test_spec_parse__two_dollar_signs_are_one(void **state)
{
    assert_web(WEB("    environment: [A=$$, 'B=$$$$x', 'C=a$${D}']\n"),
               "\"environment\":{\"A\":\"$\",\"B\":\"$$x\",\"C\":\"a${D}\"}");
    assert_web(WEB("    command: [echo, $$HOME]\n"), "\"command\":[\"echo\",\"$HOME\"]");
}

static void test_spec_parse__restart_policies(void **state)
{
    assert_web(WEB("    restart: no\n"), "\"restart\":\"no\"");
    assert_web(WEB("    restart: \"no\"\n"), "\"restart\":\"no\"");
    assert_web(WEB("    restart: unless-stopped\n"), "\"restart\":\"unless-stopped\"");
    assert_web(WEB("    restart: on-failure\n"), "\"restart\":\"on-failure\"");
    assert_web(WEB("    restart: on-failure:5\n"), "\"restart\":\"on-failure\",\"restart_max\":5");
}

/* Behaviour 10. */
static void test_spec_parse__port_ranges_expand_pairwise(void **state)
{
    assert_web(WEB("    ports: ['3000-3002:4000-4002']\n"),
               "\"ports\":[{\"host_ip\":\"\",\"host\":3000,\"container\":4000},"
               "{\"host_ip\":\"\",\"host\":3001,\"container\":4001},{\"host_ip\":\"\",\"host\":3002,"
               "\"container\":4002}]");
    assert_web(WEB("    ports: ['80-81']\n"),
               "\"ports\":[{\"host_ip\":\"\",\"container\":80},{\"host_ip\":\"\",\"container\":81}]");
    assert_web(WEB("    ports: ['127.0.0.1::80/udp']\n"),
               "\"ports\":[{\"host_ip\":\"127.0.0.1\",\"container\":80,\"udp\":true}]");
    assert_web(WEB("    ports: ['0.0.0.0:80:80', '0.0.0.0:80:80']\n"),
               "\"ports\":[{\"host_ip\":\"0.0.0.0\",\"host\":80,\"container\":80}]");
    assert_web(WEB("    ports: ['80:80', '80:81/udp', '127.0.0.1:90:80', '127.0.0.2:90:81']\n"),
               "\"ports\":[{\"host_ip\":\"\",\"host\":80,\"container\":80},"
               "{\"host_ip\":\"127.0.0.1\",\"host\":90,\"container\":80},"
               "{\"host_ip\":\"127.0.0.2\",\"host\":90,\"container\":81},"
               "{\"host_ip\":\"\",\"host\":80,\"container\":81,\"udp\":true}]");
}

static void test_spec_parse__update_config(void **state)
{
    assert_web(WEB("    deploy: {update_config: {parallelism: 0, delay: 10s, order: start-first,\n"
                   "      failure_action: rollback, monitor: 0s}}\n"),
               "\"update\":{\"parallelism\":0,\"delay_ms\":10000,\"monitor_ms\":0,\"order\":\"start-first\","
               "\"failure_action\":\"rollback\"}");
    assert_web(WEB("    deploy: {update_config: {parallelism: 1, failure_action: pause}}\n"), "");
    assert_web(WEB("    deploy: {update_config: {failure_action: continue}}\n"),
               "\"update\":{\"failure_action\":\"continue\"}");
    assert_web(WEB("    deploy: {update_config: {parallelism: 25%, max_failure_ratio: 0.3}}\n"),
               "\"update\":{\"parallelism_percent\":25,\"max_failure_nano\":300000000}");
    assert_web(WEB("    deploy: {update_config: {parallelism: '100%', max_failure_ratio: 1}}\n"),
               "\"update\":{\"parallelism_percent\":100,\"max_failure_nano\":1000000000}");
    assert_web(WEB("    deploy: {update_config: {max_failure_ratio: 0}}\n"), "");
}

static void test_spec_parse__rollback_config(void **state)
{
    assert_web(
        WEB("    deploy: {rollback_config: {parallelism: 0, order: start-first, delay: 1s, monitor: 2s,\n"
            "      max_failure_ratio: 0.5, failure_action: continue}}\n"),
        "\"rollback\":{\"parallelism\":0,\"delay_ms\":1000,\"monitor_ms\":2000,"
        "\"max_failure_nano\":500000000,\"order\":\"start-first\",\"failure_action\":\"continue\"},"
        "\"rollback_set\":true");
    assert_web(WEB("    deploy: {update_config: {parallelism: 3}, rollback_config: {}}\n"),
               "\"update\":{\"parallelism\":3},\"rollback_set\":true");
}

static void test_spec_parse__progress_deadline_and_canary(void **state)
{
    assert_web(WEB("    x-orc: {progress_deadline: 90s}\n"), "\"progress_deadline_ms\":90000");
    assert_web(WEB("    x-orc: {progress_deadline: 10m}\n"), "");
    assert_web(WEB("    x-orc: {progress_deadline: 0s}\n"), "\"progress_deadline_ms\":0");
    assert_web(WEB("    x-orc: {canary: 2}\n"), "\"canary\":2");
    assert_web(WEB("    x-orc: {canary: 0}\n"), "");
}

static void test_spec_parse__constraints_compare_with_or_without_spaces(void **state)
{
    assert_web(
        WEB("    deploy: {placement: {constraints: ['node.labels.disk==ssd', 'node.hostname  !=  k2']}}\n"),
        "\"constraints\":[{\"key\":\"node.hostname\",\"value\":\"k2\"},"
        "{\"key\":\"node.labels.disk\",\"equal\":true,\"value\":\"ssd\"}]");
}

static void test_spec_parse__at_most_so_many_replicas_per_node(void **state)
{
    assert_web(WEB("    deploy: {placement: {max_replicas_per_node: 2}}\n"), "\"max_per_node\":2");
    assert_web(WEB("    deploy: {placement: {max_replicas_per_node: 0}}\n"), "");
}

static void test_spec_parse__modes(void **state)
{
    assert_web(WEB("    deploy: {mode: replicated, replicas: 2}\n"), "\"replicas\":2");
    assert_web(WEB("    deploy: {mode: global}\n"), "\"global\":true");
}

/* Also in test_cron: what a schedule may be. */
static void test_spec_parse__schedules(void **state)
{
    assert_web(WEB("    deploy: {mode: replicated-job}\n    x-orc: {schedule: '*/5 * * * *'}\n"),
               "\"restart\":\"no\",\"job\":true,\"schedule\":{\"cron\":\"*/5 * * * *\"}");
    assert_web(WEB("    deploy: {mode: replicated-job}\n    x-orc: {schedule: {cron: '@daily', time_zone: "
                   "Europe/Oslo, "
                   "concurrency: replace, starting_deadline: 10m, keep: 3}}\n"),
               "\"restart\":\"no\",\"job\":true,\"run\":{\"keep\":3},\"schedule\":{\"cron\":\"@daily\","
               "\"time_zone\":\"Europe/Oslo\",\"concurrency\":\"replace\",\"deadline_ms\":600000}");
}

#define JOB "\"restart\":\"no\",\"job\":true"

static void test_spec_parse__schedules_at_their_edges(void **state)
{
    static const struct {
        const char *yaml, *run, *schedule;
    } cases[] = {
        {"starting_deadline: 1s", "", ",\"deadline_ms\":1000"},
        {"starting_deadline: 168h", "", ",\"deadline_ms\":604800000"},
        {"keep: 1", "\"run\":{\"keep\":1},", ""},
        {"keep: 100", "\"run\":{\"keep\":100},", ""},
        {"concurrency: allow", "", ",\"concurrency\":\"allow\""},
        {"concurrency: forbid", "", ""},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf(
            WEB("    deploy: {mode: replicated-job}\n    x-orc: {schedule: {cron: '@daily', %s}}\n"),
            cases[i].yaml);
        orc_auto_free char *json =
            orc_printf(JOB ",%s\"schedule\":{\"cron\":\"@daily\"%s}", cases[i].run, cases[i].schedule);

        assert_web(yaml, json);
    }
}

/* Behaviours 68, 69: how often a job is tried again, in every way that there is to say it. */
static void test_spec_parse__jobs(void **state)
{
    assert_web(WEB("    deploy: {mode: replicated-job}\n"), JOB);
    assert_web(WEB("    deploy: {mode: global-job}\n"), JOB ",\"global\":true");
    assert_web(
        WEB("    deploy: {mode: replicated-job, replicas: 7}\n    x-orc: {job: {max_concurrent: 2, keep: "
            "3}}\n"),
        JOB ",\"run\":{\"max_concurrent\":2,\"keep\":3},\"replicas\":7");
    assert_web(WEB("    restart: 'no'\n    deploy: {mode: replicated-job}\n"),
               JOB ",\"run\":{\"retries\":0}");
    assert_web(WEB("    restart: on-failure\n    deploy: {mode: replicated-job}\n"),
               JOB ",\"run\":{\"retries\":-1}");
    assert_web(WEB("    restart: on-failure:5\n    deploy: {mode: replicated-job}\n"),
               JOB ",\"run\":{\"retries\":5}");
    assert_web(WEB("    restart: on-failure:3\n    deploy: {mode: replicated-job}\n"), JOB);
    assert_web(WEB("    deploy: {mode: replicated-job, restart_policy: {condition: none}}\n"),
               JOB ",\"run\":{\"retries\":0}");
    assert_web(WEB("    deploy: {mode: replicated-job, restart_policy: {max_attempts: 2, delay: 5s}}\n"),
               JOB ",\"run\":{\"retries\":2,\"delay_ms\":5000}");
    assert_web(WEB("    deploy: {mode: replicated-job, restart_policy: {max_attempts: 0}}\n"),
               JOB ",\"run\":{\"retries\":-1}");
    assert_web(WEB("    deploy: {mode: replicated-job, restart_policy: {}}\n"), JOB);
}

static void test_spec_parse__preferences_keep_their_order(void **state)
{
    assert_web(WEB("    deploy: {placement: {preferences: [{spread: node.labels.zone}, {spread: "
                   "node.hostname}]}}\n"),
               "\"spread_over\":[\"node.labels.zone\",\"node.hostname\"]");
    assert_web(WEB("    deploy: {placement: {preferences: []}}\n"), "");
}

static void test_spec_parse__strategy(void **state)
{
    assert_web(WEB("    x-orc: {placement: {strategy: binpack}}\n"), "\"strategy\":\"binpack\"");
    assert_web(WEB("    x-orc: {placement: {strategy: spread}}\n"), "");
    assert_web(WEB("    x-orc: {placement: {survive_node_loss: true}}\n"), "\"survive_node_loss\":true");
    assert_web(WEB("    x-orc: {placement: {survive_node_loss: false}}\n"), "");
}

static void test_spec_parse__zero_replicas_are_zero(void **state)
{
    assert_web(WEB("    deploy: {replicas: 0}\n"), "\"replicas\":0");
}

/* Health ---------------------------------------------------------------------------------------------- */

static void test_spec_health__the_forms_of_a_test(void **state)
{
    assert_web(WEB("    healthcheck: {test: curl -f http://localhost/}\n"),
               "\"health\":{\"kind\":\"exec\",\"exec\":[\"/bin/sh\",\"-c\",\"curl -f http://localhost/\"],"
               "\"timeout_ms\":30000}");
    assert_same(WEB("    healthcheck: {test: a b}\n"), WEB("    healthcheck: {test: [CMD-SHELL, a b]}\n"));
    assert_web(
        WEB("    healthcheck: {test: [CMD, a, b], interval: 5s, timeout: 2s, retries: 4, start_period: 1m,\n"
            "      start_interval: 500ms}\n"),
        "\"health\":{\"kind\":\"exec\",\"exec\":[\"a\",\"b\"],\"interval_ms\":5000,\"timeout_ms\":2000,"
        "\"start_period_ms\":60000,\"start_interval_ms\":500,\"retries\":4}");
}

static void test_spec_health__a_disabled_check_leaves_nothing(void **state)
{
    assert_web(WEB("    healthcheck: {test: [NONE]}\n"), "");
    assert_web(WEB("    healthcheck: {disable: true}\n"), "");
    assert_web(WEB("    healthcheck: {disable: true, test: [CMD, a], interval: 5s}\n"), "");
}

static void test_spec_health__orcs_own_probes(void **state)
{
    assert_web(WEB("    x-orc: {health: {http: {path: '/health?full=1', port: 8080}}}\n"),
               "\"health\":{\"kind\":\"http\",\"path\":\"/health?full=1\",\"port\":8080}");
    assert_web(WEB("    x-orc: {health: {http: {port: 8080}}}\n"),
               "\"health\":{\"kind\":\"http\",\"path\":\"/\",\"port\":8080}");
    assert_web(WEB("    x-orc: {health: {tcp: {port: 5432}, interval: 1s, timeout: 3s}}\n"),
               "\"health\":{\"kind\":\"tcp\",\"port\":5432,\"interval_ms\":1000,\"timeout_ms\":3000}");
    assert_web(WEB("    x-orc: {health: {exec: [a, b]}}\n"),
               "\"health\":{\"kind\":\"exec\",\"exec\":[\"a\",\"b\"],\"timeout_ms\":30000}");
    assert_same(WEB("    x-orc: {health: {exec: a b}}\n"), WEB("    x-orc: {health: {exec: [a, b]}}\n"));
}

/* The probe is x-orc's; its times are x-orc's, else healthcheck's, else the default of the probe's kind. */
static void test_spec_health__orcs_probe_inherits_the_times(void **state)
{
    assert_web(
        WEB("    healthcheck: {test: [CMD, a], interval: 5s, timeout: 2s, retries: 4, start_period: 1m}\n"
            "    x-orc: {health: {http: {path: /h, port: 80}, interval: 1s, retries: 2}}\n"),
        "\"health\":{\"kind\":\"http\",\"path\":\"/h\",\"port\":80,\"interval_ms\":1000,\"timeout_ms\":2000,"
        "\"start_period_ms\":60000,\"retries\":2}");
    assert_same(WEB("    healthcheck: {interval: 5s}\n    x-orc: {health: {tcp: {port: 80}}}\n"),
                WEB("    x-orc: {health: {tcp: {port: 80}}}\n    healthcheck: {interval: 5s}\n"));
    assert_web(WEB("    healthcheck: {disable: true}\n    x-orc: {health: {tcp: {port: 80}}}\n"),
               "\"health\":{\"kind\":\"tcp\",\"port\":80}");
}

/* A check of its own for each; beside a readiness, Compose's healthcheck is the liveness. */
static void test_spec_health__readiness_and_liveness_apart(void **state)
{
    assert_web(WEB("    x-orc: {health: {readiness: {http: {path: /ready, port: 80}, interval: 1s},\n"
                   "      liveness: {tcp: {port: 81}, retries: 5, start_period: 1m}}}\n"),
               "\"health\":{\"kind\":\"http\",\"path\":\"/ready\",\"port\":80,\"interval_ms\":1000},"
               "\"live_apart\":true,"
               "\"live\":{\"kind\":\"tcp\",\"port\":81,\"start_period_ms\":60000,\"retries\":5}");
    assert_web(WEB("    x-orc: {health: {readiness: {tcp: {port: 80}}}}\n"),
               "\"health\":{\"kind\":\"tcp\",\"port\":80},\"live_apart\":true");
    assert_web(WEB("    healthcheck: {test: [CMD, a], interval: 5s}\n"
                   "    x-orc: {health: {readiness: {tcp: {port: 80}}}}\n"),
               "\"health\":{\"kind\":\"tcp\",\"port\":80},\"live_apart\":true,"
               "\"live\":{\"kind\":\"exec\",\"exec\":[\"a\"],\"interval_ms\":5000,\"timeout_ms\":30000}");
    assert_web(WEB("    healthcheck: {disable: true, test: a}\n"
                   "    x-orc: {health: {readiness: {exec: [b]}}}\n"),
               "\"health\":{\"kind\":\"exec\",\"exec\":[\"b\"],\"timeout_ms\":30000},\"live_apart\":true");
    assert_same(WEB("    x-orc: {health: {liveness: {tcp: {port: 80}, interval: 3s}}}\n"),
                WEB("    x-orc: {health: {tcp: {port: 80}, interval: 3s}}\n"));
}

static void test_spec_orc__gateway_and_drain(void **state)
{
    assert_web(WEB("    x-orc:\n      drain: {timeout: 5s}\n      gateway:\n"
                   "        - {port: 8080, host: '*.example.com', path: /a/, strip_prefix: true}\n"
                   "        - {port: 8080}\n"),
               "\"gateway\":[{\"host\":\"\",\"path\":\"/\",\"port\":8080},"
               "{\"host\":\"*.example.com\",\"path\":\"/a/\",\"port\":8080,\"strip_prefix\":true}],"
               "\"drain_timeout_ms\":5000");
}

static void test_spec_orc__how_long_a_node_may_be_away(void **state)
{
    assert_web(WEB("    x-orc: {disconnect: 10m, fence: 6s}\n"),
               "\"disconnect_ms\":600000,\"fence_ms\":6000");
    assert_same(WEB("    x-orc: {disconnect: 0s, fence: 0s}\n"), WEB("    x-orc: {}\n"));
}

static void test_spec_orc__rebalance_in_short_and_in_full(void **state)
{
    assert_web(WEB("    x-orc: {rebalance: auto}\n"), "\"rebalance_auto\":true");
    assert_same(WEB("    x-orc: {rebalance: auto}\n"),
                WEB("    x-orc: {rebalance: {mode: auto, after: 5m}}\n"));
    assert_same(WEB("    x-orc: {rebalance: manual}\n"), WEB("    x-orc: {}\n"));
    assert_web(WEB("    x-orc: {rebalance: {mode: auto, after: 90s}}\n"),
               "\"rebalance_auto\":true,\"rebalance_after_ms\":90000");
}

/* Behaviour 6, the other side: long chains and diamonds are no circles. */
static void test_spec_parse__dependencies_without_a_circle_are_accepted(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto(spec_app_free_p) struct spec_app *app = NULL;

    orc_buf_puts(&b, "services:\n");
    for (int i = 0; i < SPEC_SERVICES_MAX; i++) {
        orc_buf_printf(&b, "  s%d:\n    image: a\n    depends_on: [", i);
        for (int k = 1; k <= 3 && i + k < SPEC_SERVICES_MAX; k++)
            orc_buf_printf(&b, "%ss%d", k > 1 ? ", " : "", i + k);
        orc_buf_puts(&b, "]\n");
    }
    app = parse_ok(orc_buf_str(&b));
    assert_int_equal(app->services.n, SPEC_SERVICES_MAX);
    orc_buf_release(&b);
}

static void test_spec_parse__waiting_for_health_needs_a_check_that_is_there(void **state)
{
    assert_same(WEB("    depends_on: {b: {condition: service_healthy}}\n") "  b: {image: a, healthcheck: "
                                                                           "{test: x}}\n",
                "services:\n  b: {image: a, healthcheck: {test: x}}\n"
                "  web: {image: nginx, depends_on: {b: {condition: service_healthy}}}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_parse__the_smallest_file_has_every_default),
        cmocka_unit_test(test_spec_parse__the_files_own_name_wins),
        cmocka_unit_test(test_spec_parse__version_and_extension_fields_are_ignored),
        cmocka_unit_test(test_spec_parse__anchors_and_merges_are_resolved),
        cmocka_unit_test(test_spec_parse__networks_are_accepted_and_separate_nothing),
        cmocka_unit_test(test_spec_parse__declared_volumes_are_sorted),
        cmocka_unit_test(test_spec_parse__order_alone_is_no_change),
        cmocka_unit_test(test_spec_parse__short_and_long_forms_are_the_same),
        cmocka_unit_test(test_spec_parse__units_have_one_value),
        cmocka_unit_test(test_spec_parse__an_empty_command_is_not_an_absent_one),
        cmocka_unit_test(test_spec_parse__values_are_taken_as_written),
        cmocka_unit_test(test_spec_parse__two_dollar_signs_are_one),
        cmocka_unit_test(test_spec_parse__restart_policies),
        cmocka_unit_test(test_spec_parse__port_ranges_expand_pairwise),
        cmocka_unit_test(test_spec_parse__update_config),
        cmocka_unit_test(test_spec_parse__rollback_config),
        cmocka_unit_test(test_spec_parse__progress_deadline_and_canary),
        cmocka_unit_test(test_spec_parse__constraints_compare_with_or_without_spaces),
        cmocka_unit_test(test_spec_parse__at_most_so_many_replicas_per_node),
        cmocka_unit_test(test_spec_parse__modes),
        cmocka_unit_test(test_spec_parse__jobs),
        cmocka_unit_test(test_spec_parse__schedules),
        cmocka_unit_test(test_spec_parse__schedules_at_their_edges),
        cmocka_unit_test(test_spec_parse__preferences_keep_their_order),
        cmocka_unit_test(test_spec_parse__strategy),
        cmocka_unit_test(test_spec_parse__zero_replicas_are_zero),
        cmocka_unit_test(test_spec_health__the_forms_of_a_test),
        cmocka_unit_test(test_spec_health__a_disabled_check_leaves_nothing),
        cmocka_unit_test(test_spec_health__orcs_own_probes),
        cmocka_unit_test(test_spec_health__readiness_and_liveness_apart),
        cmocka_unit_test(test_spec_health__orcs_probe_inherits_the_times),
        cmocka_unit_test(test_spec_orc__gateway_and_drain),
        cmocka_unit_test(test_spec_orc__how_long_a_node_may_be_away),
        cmocka_unit_test(test_spec_orc__rebalance_in_short_and_in_full),
        cmocka_unit_test(test_spec_parse__dependencies_without_a_circle_are_accepted),
        cmocka_unit_test(test_spec_parse__waiting_for_health_needs_a_check_that_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
