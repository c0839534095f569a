/* The model of a service: its JSON form, its hashes, its order. */
#include "specs/check.h"
#include "specs/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Scenario builders ----------------------------------------------------------------------------------- */

static struct spec_service *web(void)
{
    struct spec_service *s = spec_service_new("web");

    s->image = orc_strdup("nginx:1.25");
    return s;
}

static void add_port(struct spec_service *s, const char *ip, uint16_t host, uint16_t container, bool udp)
{
    struct spec_port *p = orc_vec_add(&s->ports);

    *p = (struct spec_port){.host_ip = orc_strdup(ip), .host = host, .container = container, .udp = udp};
}

static void add_mount(struct spec_service *s, enum spec_mount_kind kind, const char *source,
                      const char *target)
{
    struct spec_mount *m = orc_vec_add(&s->mounts);

    *m = (struct spec_mount){.kind = kind, .source = orc_strdup(source), .target = orc_strdup(target)};
}

static void add_constraint(struct spec_service *s, const char *key, bool equal, const char *value)
{
    struct spec_constraint *c = orc_vec_add(&s->constraints);

    *c = (struct spec_constraint){.key = orc_strdup(key), .equal = equal, .value = orc_strdup(value)};
}

static void add_route(struct spec_service *s, const char *host, const char *path, uint16_t port)
{
    struct spec_gateway *g = orc_vec_add(&s->gateway);

    *g = (struct spec_gateway){.host = orc_strdup(host), .path = orc_strdup(path), .port = port};
}

static struct spec_service *add_sidecar(struct spec_service *s, const char *name)
{
    struct spec_service *side = orc_vec_add(&s->sidecars);

    spec_service_init(side);
    side->name = orc_strdup(name);
    side->image = orc_strdup("envoy:1");
    return side;
}

static void add_depend(struct spec_service *s, const char *name, enum spec_depends condition)
{
    struct spec_depend *d = orc_vec_add(&s->depends_on);

    *d = (struct spec_depend){.service = orc_strdup(name), .condition = condition};
}

/* Every field away from its default. */
static struct spec_service *everything(void)
{
    struct spec_service *s = web();

    orc_strv_add(&s->command, "serve");
    s->command_set = true;
    s->entrypoint_set = true;
    spec_pairs_add(&s->environment, "A", "1");
    spec_pairs_add(&s->environment, "B", "line\nline \xc3\xa6");
    spec_pairs_add(&s->environment, "C", NULL);
    spec_pairs_add(&s->labels, "com.example.team", "shop");
    s->stop_signal = orc_strdup("SIGQUIT");
    s->stop_grace_period_ms = 1234;
    s->restart = SPEC_RESTART_ON_FAILURE;
    s->restart_max = 5;
    add_depend(s, "db", SPEC_DEPENDS_HEALTHY);
    s->health.kind = SPEC_HEALTH_HTTP;
    s->health.path = orc_strdup("/health");
    s->health.port = 8080;
    s->health.interval_ms = 5000;
    s->health.start_period_ms = 7000;
    s->health.retries = 9;
    s->network = SPEC_NETWORK_HOST;
    add_port(s, "127.0.0.1", 8080, 8080, false);
    add_port(s, "0.0.0.0", 53, 53, true);
    add_sidecar(s, "proxy")->stop_grace_period_ms = 0;
    add_mount(s, SPEC_MOUNT_VOLUME, "data", "/data");
    add_mount(s, SPEC_MOUNT_BIND, "/srv/x", "/x");
    add_constraint(s, "node.labels.disk", true, "ssd");
    add_constraint(s, "node.hostname", false, "k2");
    add_route(s, "", "/orders/", 8080);
    s->gateway.at[0].strip_prefix = true;
    orc_strv_add(&s->spread_over, "node.labels.zone");
    orc_strv_add(&s->spread_over, "node.hostname");
    s->strategy = SPEC_BINPACK;
    s->survive_node_loss = true;
    s->max_per_node = 2;
    s->replicas = 3;
    s->limits = (struct spec_resources){.cpus_nano = 500000000, .memory = 64 << 20};
    s->reservations.memory = 32 << 20;
    s->pids_limit = 200;
    s->update = (struct spec_update){.parallelism = 0,
                                     .delay_ms = 10,
                                     .monitor_ms = 20,
                                     .order = SPEC_START_FIRST,
                                     .failure_action = SPEC_ON_FAILURE_ROLLBACK};
    s->rollback = (struct spec_update){.parallelism = 1, .parallelism_percent = 25, .max_failure_nano = 1};
    s->rollback_set = true;
    s->progress_deadline_ms = 0;
    s->canary = 1;
    s->drain_timeout_ms = 5;
    s->disconnect_ms = 6;
    s->rebalance_auto = true;
    s->rebalance_after_ms = 6;
    s->fence_ms = 7;
    spec_service_sort(s);
    return s;
}

static struct spec_service *from_text(const char *text, struct orc_err *err)
{
    orc_auto_json json_t *j = orc_json_parse(text, strlen(text), err);

    assert_non_null(j);
    return spec_service_from_json(j, err);
}

/* to JSON and back is the same service, by text and by both hashes. */
static void assert_round_trip(const struct spec_service *s)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *text = spec_service_text(s), *again = NULL;
    orc_auto(spec_service_free_p) struct spec_service *back = from_text(text, &err);
    char w1[SPEC_HASH_MAX], c1[SPEC_HASH_MAX], w2[SPEC_HASH_MAX], c2[SPEC_HASH_MAX];

    if (!back)
        fail_msg("%s: %s", text, err.msg);
    again = spec_service_text(back);
    assert_string_equal(text, again);
    spec_service_hash(s, w1, c1);
    spec_service_hash(back, w2, c2);
    assert_string_equal(w1, w2);
    assert_string_equal(c1, c2);
}

static void assert_refused(const char *text, const char *part)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto(spec_service_free_p) struct spec_service *s = from_text(text, &err);

    assert_null(s);
    if (!strstr(err.msg, part))
        fail_msg("%s\n  said: %s\n  expected in it: %s", text, err.msg, part);
}

/* The JSON form --------------------------------------------------------------------------------------- */

static void test_spec_json__members_at_their_default_are_left_out(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = web();
    orc_auto_free char *text = spec_service_text(s);

    assert_string_equal(text, "{\"name\":\"web\",\"image\":\"nginx:1.25\"}");
    assert_round_trip(s);
}

static void test_spec_json__a_service_that_says_everything_survives(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = everything();
    orc_auto_free char *text = spec_service_text(s);

    assert_round_trip(s);
    assert_non_null(strstr(text, "\"entrypoint\":[]"));
    assert_non_null(strstr(text, "\"C\":null"));
    assert_non_null(strstr(text, "\"update\":{\"parallelism\":0,\"delay_ms\":10,\"monitor_ms\":20,"
                                 "\"order\":\"start-first\",\"failure_action\":\"rollback\"}"));
    assert_non_null(
        strstr(text, "\"rollback\":{\"parallelism_percent\":25,\"monitor_ms\":0,\"max_failure_nano\":1}"));
}

static void test_spec_json__a_version_of_the_future_is_refused_by_member(void **state)
{
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"gpus\":1}", "\"gpus\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"health\":{\"kind\":\"none\",\"x\":1}}", "\"health\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"update\":{\"order\":\"sideways\"}}", "\"sideways\"");
}

static void test_spec_json__what_was_written_by_hand_is_checked(void **state)
{
    assert_refused("[]", "expected a JSON object");
    assert_refused("{\"image\":\"a\"}", "\"name\"");
    assert_refused("{\"name\":\"web\"}", "\"image\"");
    assert_refused("{\"name\":\"../web\",\"image\":\"a\"}", "\"../web\"");
    assert_refused("{\"name\":\"web\",\"image\":\"A B\"}", "\"A B\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"replicas\":-1}", "\"replicas\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"replicas\":\"3\"}", "\"replicas\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"command\":\"x\"}", "\"command\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"environment\":{\"A\":1}}", "\"A\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"stop_signal\":\"SIGFOO\"}", "\"SIGFOO\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"health\":{\"kind\":\"http\",\"port\":80}}",
                   "\"path\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"health\":{\"kind\":\"tcp\"}}", "\"port\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"health\":{\"kind\":\"exec\"}}", "\"exec\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"health\":{\"retries\":0}}", "\"retries\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"update\":{\"parallelism_percent\":101}}",
                   "\"parallelism_percent\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"update\":{\"max_failure_nano\":1000000001}}",
                   "\"max_failure_nano\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"rollback\":{\"failure_action\":\"rollback\"}}",
                   "is not rolled back");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"ports\":[{\"host_ip\":\"\",\"host\":80}]}",
                   "container");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"ports\":[{\"host_ip\":\"\",\"container\":65536}]}",
                   "container");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"mounts\":[{\"source\":\"../x\",\"target\":\"/x\"}]}",
                   "../x");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"mounts\":[{\"source\":\"x\",\"target\":\"x\"}]}",
                   "absolute");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"mounts\":[{\"kind\":\"bind\",\"source\":\"/a/../b\","
                   "\"target\":\"/x\"}]}",
                   "/a/../b");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"gateway\":[{\"host\":\"\",\"path\":\"/\"}]}", "port");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"sidecars\":[{\"name\":\"b\"}]}", "\"image\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"sidecars\":[{\"name\":\"web\",\"image\":\"a\"}]}",
                   "is its main service");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"sidecars\":[{\"name\":\"b\",\"image\":\"a\","
                   "\"sidecars\":[{\"name\":\"c\",\"image\":\"a\"}]}]}",
                   "\"sidecars\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"sidecars\":[{\"name\":\"b\",\"image\":\"a\","
                   "\"restart\":\"no\"}]}",
                   "\"restart\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"network\":\"none\",\"sidecars\":[{\"name\":\"b\","
                   "\"image\":\"a\",\"health\":{\"kind\":\"tcp\",\"port\":1}}]}",
                   "no network for it");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"network\":\"none\",\"health\":{\"kind\":\"tcp\","
                   "\"port\":1}}",
                   "\"network\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"network\":\"host\",\"ports\":[{\"host_ip\":\"\","
                   "\"host\":80,\"container\":81}]}",
                   "\"ports\"");
}

/* Behaviour 97: what could break an NGINX configuration doesn't get in by the store either. */
static void test_spec_json__a_hostile_route_written_by_hand_is_refused(void **state)
{
    assert_refused(
        "{\"name\":\"web\",\"image\":\"a\",\"gateway\":[{\"host\":\"a;b\",\"path\":\"/\",\"port\":1}]}",
        "\"a;b\"");
    assert_refused(
        "{\"name\":\"web\",\"image\":\"a\",\"gateway\":[{\"host\":\"\",\"path\":\"/{x}\",\"port\":1}]}",
        "\"/{x}\"");
}

static void test_spec_json__a_failed_reading_leaves_no_service(void **state)
{
    /* Half-filled lists of every kind are freed; the sanitizers watch. */
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"environment\":{\"A\":\"1\",\"B\":2},"
                   "\"labels\":{\"x\":\"y\"}}",
                   "\"B\"");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"constraints\":[{\"key\":\"node.hostname\","
                   "\"value\":\"k1\"},{\"key\":\"node.hostname\"}]}",
                   "\"constraints\"[1]");
    assert_refused("{\"name\":\"web\",\"image\":\"a\",\"depends_on\":[{\"service\":\"db\"},7]}",
                   "\"depends_on\"[1]");
}

/* Hashes ---------------------------------------------------------------------------------------------- */

#define CHANGE(name, statement)                                                                              \
    static void change_##name(struct spec_service *s)                                                        \
    {                                                                                                        \
        statement;                                                                                           \
    }

CHANGE(name, orc_set_str(&s->name, "other"))
CHANGE(image, orc_set_str(&s->image, "nginx:1.26"))
CHANGE(command, orc_strv_add(&s->command, "x"))
CHANGE(command_empty, s->command_set = true)
CHANGE(entrypoint, orc_strv_add(&s->entrypoint, "x"))
CHANGE(entrypoint_empty, s->entrypoint_set = true)
CHANGE(environment, spec_pairs_add(&s->environment, "K", "v"))
CHANGE(environment_null, spec_pairs_add(&s->environment, "K", NULL))
CHANGE(labels, spec_pairs_add(&s->labels, "k", "v"))
CHANGE(stop_signal, s->stop_signal = orc_strdup("SIGINT"))
CHANGE(stop_grace, s->stop_grace_period_ms = 1)
CHANGE(restart, s->restart = SPEC_RESTART_NO)
CHANGE(restart_max, s->restart_max = 1)
CHANGE(depends_on, add_depend(s, "db", SPEC_DEPENDS_STARTED))
CHANGE(health_tcp, (s->health.kind = SPEC_HEALTH_TCP, s->health.port = 1))
CHANGE(health_exec, (s->health.kind = SPEC_HEALTH_EXEC, orc_strv_add(&s->health.exec, "true")))
CHANGE(health_interval, s->health.interval_ms = 1)
CHANGE(health_timeout, s->health.timeout_ms = 1)
CHANGE(health_start_period, s->health.start_period_ms = 1)
CHANGE(health_start_interval, s->health.start_interval_ms = 1)
CHANGE(health_retries, s->health.retries = 1)
CHANGE(network, s->network = SPEC_NETWORK_NONE)
CHANGE(sidecars, add_sidecar(s, "proxy"))
CHANGE(ports, add_port(s, "", 0, 80, false))
CHANGE(mounts, add_mount(s, SPEC_MOUNT_VOLUME, "data", "/data"))
CHANGE(constraints, add_constraint(s, "node.hostname", true, "k1"))
CHANGE(spread_over, orc_strv_add(&s->spread_over, "node.labels.zone"))
CHANGE(strategy, s->strategy = SPEC_BINPACK)
CHANGE(survive_node_loss, s->survive_node_loss = true)
CHANGE(max_per_node, s->max_per_node = 1)
CHANGE(global, s->global = true)
CHANGE(job, (s->job = true, s->restart = SPEC_RESTART_NO))
CHANGE(max_concurrent, s->run.max_concurrent = 2)
CHANGE(retries, s->run.retries = SPEC_RETRIES_ANY)
CHANGE(retry_delay, s->run.delay_ms = 1)
CHANGE(keep, s->run.keep = 1)
CHANGE(schedule, (change_job(s), s->schedule.cron = orc_strdup("@daily")))
CHANGE(time_zone, s->schedule.time_zone = orc_strdup("Europe/Oslo"))
CHANGE(concurrency, s->schedule.concurrency = SPEC_RUNS_ALLOW)
CHANGE(deadline, s->schedule.deadline_ms = 1000)
CHANGE(gateway, add_route(s, "", "/", 80))
CHANGE(replicas, s->replicas = 2)
CHANGE(replicas_zero, s->replicas = 0)
CHANGE(limit_cpus, s->limits.cpus_nano = 1)
CHANGE(limit_memory, s->limits.memory = 1)
CHANGE(reserve_cpus, s->reservations.cpus_nano = 1)
CHANGE(reserve_memory, s->reservations.memory = 1)
CHANGE(pids, s->pids_limit = 1)
CHANGE(parallelism, s->update.parallelism = 2)
CHANGE(delay, s->update.delay_ms = 1)
CHANGE(monitor, s->update.monitor_ms = 1)
CHANGE(order, s->update.order = SPEC_START_FIRST)
CHANGE(failure_action, s->update.failure_action = SPEC_ON_FAILURE_CONTINUE)
CHANGE(percent, s->update.parallelism_percent = 25)
CHANGE(ratio, s->update.max_failure_nano = 1)
CHANGE(rollback, s->rollback.order = SPEC_START_FIRST)
CHANGE(rollback_set, s->rollback_set = true)
CHANGE(canary, s->canary = 1)
CHANGE(progress_deadline, s->progress_deadline_ms = 1)
CHANGE(drain, s->drain_timeout_ms = 1)
CHANGE(disconnect, s->disconnect_ms = 1)
CHANGE(rebalance, s->rebalance_auto = true)
CHANGE(rebalance_after, s->rebalance_after_ms = 1)
CHANGE(fence, s->fence_ms = 1)

static const struct {
    const char *name;
    void (*apply)(struct spec_service *s);
    bool new_container;
} changes[] = {
    {"name", change_name, true},
    {"image", change_image, true},
    {"command", change_command, true},
    {"command: []", change_command_empty, true},
    {"entrypoint", change_entrypoint, true},
    {"entrypoint: []", change_entrypoint_empty, true},
    {"environment", change_environment, true},
    {"environment without value", change_environment_null, true},
    {"labels", change_labels, true},
    {"stop_signal", change_stop_signal, true},
    {"stop_grace_period", change_stop_grace, true},
    {"restart", change_restart, true},
    {"restart_max", change_restart_max, true},
    {"depends_on", change_depends_on, false},
    {"health tcp", change_health_tcp, true},
    {"health exec", change_health_exec, true},
    {"health interval", change_health_interval, true},
    {"health timeout", change_health_timeout, true},
    {"health start_period", change_health_start_period, true},
    {"health start_interval", change_health_start_interval, true},
    {"health retries", change_health_retries, true},
    {"network_mode", change_network, true},
    {"network_mode: service", change_sidecars, true},
    {"ports", change_ports, true},
    {"mounts", change_mounts, true},
    {"constraints", change_constraints, false},
    {"preferences", change_spread_over, false},
    {"strategy", change_strategy, false},
    {"survive_node_loss", change_survive_node_loss, false},
    {"max_replicas_per_node", change_max_per_node, false},
    {"mode: global", change_global, false},
    {"mode: replicated-job", change_job, true},
    {"job max_concurrent", change_max_concurrent, false},
    {"job retries", change_retries, false},
    {"job delay", change_retry_delay, false},
    {"job keep", change_keep, false},
    {"schedule", change_schedule, true}, /* of a job */
    {"time_zone", change_time_zone, false},
    {"concurrency", change_concurrency, false},
    {"starting_deadline", change_deadline, false},
    {"gateway", change_gateway, true},
    {"replicas", change_replicas, false},
    {"replicas: 0", change_replicas_zero, false},
    {"limits.cpus", change_limit_cpus, true},
    {"limits.memory", change_limit_memory, true},
    {"reservations.cpus", change_reserve_cpus, true},
    {"reservations.memory", change_reserve_memory, true},
    {"limits.pids", change_pids, true},
    {"update parallelism", change_parallelism, false},
    {"update delay", change_delay, false},
    {"update monitor", change_monitor, false},
    {"update order", change_order, false},
    {"update failure_action", change_failure_action, false},
    {"update parallelism in per cent", change_percent, false},
    {"update max_failure_ratio", change_ratio, false},
    {"rollback order", change_rollback, false},
    {"rollback as by default", change_rollback_set, false},
    {"canary", change_canary, false},
    {"progress_deadline", change_progress_deadline, false},
    {"drain timeout", change_drain, false},
    {"disconnect", change_disconnect, false},
    {"rebalance", change_rebalance, false},
    {"rebalance after", change_rebalance_after, false},
    {"fence", change_fence, true},
};

/* Behaviours 41, 58: a change that needs no new container doesn't look as if it did. */
static void test_spec_hash__each_field_changes_whole_and_only_some_change_container(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *plain = web();
    char whole[SPEC_HASH_MAX], container[SPEC_HASH_MAX];

    spec_service_hash(plain, whole, container);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(changes); i++) {
        orc_auto(spec_service_free_p) struct spec_service *s = web();
        char w[SPEC_HASH_MAX], c[SPEC_HASH_MAX];

        changes[i].apply(s);
        spec_service_hash(s, w, c);
        if (strcmp(w, whole) == 0)
            fail_msg("%s: the whole hash did not change", changes[i].name);
        if ((strcmp(c, container) != 0) != changes[i].new_container)
            fail_msg("%s: the container hash is wrong", changes[i].name);
        assert_round_trip(s);
    }
}

/* Behaviour 14. */
static void test_spec_hash__order_alone_is_no_difference(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *a = web(), *b = web();
    orc_auto_free char *ta = NULL, *tb = NULL;

    for (int i = 0; i < 6; i++) {
        struct spec_service *s = i < 3 ? a : b;
        int k = i < 3 ? i : 5 - i;
        orc_auto_free char *name = orc_printf("n%d", k), *path = orc_printf("/n%d", k);

        spec_pairs_add(&s->environment, name, "v");
        spec_pairs_add(&s->labels, name, "v");
        add_port(s, "", (uint16_t)(8000 + k), 80, false);
        add_mount(s, SPEC_MOUNT_VOLUME, name, path);
        add_constraint(s, "node.labels.x", false, name);
        add_route(s, "", path, 80);
        add_depend(s, name, SPEC_DEPENDS_STARTED);
    }
    spec_service_sort(a);
    spec_service_sort(b);
    ta = spec_service_text(a);
    tb = spec_service_text(b);
    assert_string_equal(ta, tb);
}

static void test_spec_hash__order_of_arguments_is_a_difference(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *a = web(), *b = web();
    char wa[SPEC_HASH_MAX], wb[SPEC_HASH_MAX], c[SPEC_HASH_MAX];

    orc_strv_add(&a->command, "x");
    orc_strv_add(&a->command, "y");
    orc_strv_add(&b->command, "y");
    orc_strv_add(&b->command, "x");
    spec_service_hash(a, wa, c);
    spec_service_hash(b, wb, c);
    assert_string_not_equal(wa, wb);
}

static void test_spec_sort__what_is_there_twice_is_there_once(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = web();

    add_port(s, "", 1, 80, false);
    add_port(s, "", 1, 80, true);
    add_port(s, "", 1, 80, false);
    spec_service_sort(s);
    assert_int_equal(s->ports.n, 2);
}

/* The model ------------------------------------------------------------------------------------------- */

static void test_spec__reserved_is_the_reservation_else_the_limit(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = web();
    struct spec_resources r = spec_service_reserved(s);

    assert_int_equal(r.cpus_nano, 0);
    assert_int_equal(r.memory, 0);
    s->limits = (struct spec_resources){.cpus_nano = 5, .memory = 100};
    s->reservations.memory = 60;
    r = spec_service_reserved(s);
    assert_int_equal(r.cpus_nano, 5);
    assert_int_equal(r.memory, 60);
}

static void test_spec_app__services_are_found_by_name(void **state)
{
    static const char *const names[] = {"m", "a", "z", "c", "b"};
    orc_auto(spec_app_free_p) struct spec_app *a = spec_app_new("shop");

    for (size_t i = 0; i < ORC_ARRAY_SIZE(names); i++)
        spec_app_add(a, spec_service_new(names[i]));
    for (size_t i = 0; i < ORC_ARRAY_SIZE(names); i++)
        assert_string_equal(spec_app_service(a, names[i])->name, names[i]);
    for (size_t i = 1; i < a->services.n; i++)
        assert_true(strcmp(a->services.at[i - 1]->name, a->services.at[i]->name) < 0);
    assert_null(spec_app_service(a, "d"));
    assert_null(spec_app_service(a, "zz"));
    assert_null(spec_app_service(a, ""));
    assert_null(spec_app_free(NULL));
    assert_null(spec_service_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_json__members_at_their_default_are_left_out),
        cmocka_unit_test(test_spec_json__a_service_that_says_everything_survives),
        cmocka_unit_test(test_spec_json__a_version_of_the_future_is_refused_by_member),
        cmocka_unit_test(test_spec_json__what_was_written_by_hand_is_checked),
        cmocka_unit_test(test_spec_json__a_hostile_route_written_by_hand_is_refused),
        cmocka_unit_test(test_spec_json__a_failed_reading_leaves_no_service),
        cmocka_unit_test(test_spec_hash__each_field_changes_whole_and_only_some_change_container),
        cmocka_unit_test(test_spec_hash__order_alone_is_no_difference),
        cmocka_unit_test(test_spec_hash__order_of_arguments_is_a_difference),
        cmocka_unit_test(test_spec_sort__what_is_there_twice_is_there_once),
        cmocka_unit_test(test_spec__reserved_is_the_reservation_else_the_limit),
        cmocka_unit_test(test_spec_app__services_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
