/* A service as a table for codec.h: its JSON form, its hashes, its end; and what no table can say. */
#include "lib/cron.h"
#include "lib/hash.h"
#include "lib/zone.h"
#include "specs/check.h"
#include "specs/check_container.h"
#include "specs/codec.h"
#include "specs/container_json.h"
#include "specs/container_rules.h"
#include "specs/order.h"
#include "specs/spec.h"

#include <string.h>

/* codec.c reads and writes enums as ints. */
_Static_assert(sizeof(enum spec_restart) == sizeof(int), "enums must have int's size");
_Static_assert(SPEC_HASH_MAX == ORC_SHA256_HEX, "a hash is SHA-256 in hex");

static const char *const health_kinds[] = {"none", "http", "tcp", "exec", NULL};
static const char *const networks[] = {"bridge", "none", "host", NULL};
static const char *const mount_kinds[] = {"volume", "bind", NULL};
static const char *const orders[] = {"stop-first", "start-first", NULL};
static const char *const failure_actions[] = {"pause", "continue", "rollback", NULL};
static const char *const conditions[] = {"started", "healthy", "completed", NULL};
static const char *const concurrencies[] = {"forbid", "allow", "replace", NULL};
static const char *const strategies[] = {"spread", "binpack", NULL};
static const char *const pull_policies[] = {"missing", "always", "never", NULL};
static const char *const restarts[] = {"always", "no", "on-failure", "unless-stopped", NULL};

#define STRICT .strict = true
#define DURATION(T, m, least) CODEC_ROW_INT64(T, m, least, SPEC_DURATION_MAX_MS)
#define SPEC_ENUM(T, m, table) CODEC_ROW(T, m, CODEC_ENUM, .names = (table))

/* Order ----------------------------------------------------------------------------------------------- */

/* Below, `a ?: b` is the first comparison that isn't 0. */
static int port_cmp(const void *x, const void *y)
{
    const struct spec_port *a = x, *b = y;

    return spec_num_cmp(a->container, b->container) ?: spec_num_cmp(a->udp, b->udp) ?: spec_num_cmp(a->host, b->host)
               ?: spec_str_cmp(a->host_ip, b->host_ip);
}

static int mount_cmp(const void *x, const void *y)
{
    const struct spec_mount *a = x, *b = y;

    return spec_str_cmp(a->target, b->target) ?: spec_str_cmp(a->source, b->source)
               ?: spec_num_cmp((int64_t)a->kind, (int64_t)b->kind) ?: spec_num_cmp(a->read_only, b->read_only)
               ?: spec_str_cmp(a->propagation, b->propagation) ?: spec_num_cmp(a->nocopy, b->nocopy)
               ?: spec_str_cmp(a->name, b->name) ?: spec_num_cmp(a->external, b->external)
               ?: spec_pairs_cmp(&a->driver_opts, &b->driver_opts) ?: spec_pairs_cmp(&a->labels, &b->labels);
}

static int constraint_cmp(const void *x, const void *y)
{
    const struct spec_constraint *a = x, *b = y;

    return spec_str_cmp(a->key, b->key) ?: spec_num_cmp(b->equal, a->equal) ?: spec_str_cmp(a->value, b->value);
}

static int weight_cmp(const void *x, const void *y)
{
    const struct spec_weight *a = x, *b = y;

    return spec_str_cmp(a->key, b->key) ?: spec_num_cmp(b->equal, a->equal) ?: spec_str_cmp(a->value, b->value)
               ?: spec_num_cmp(a->weight, b->weight);
}

static int depend_cmp(const void *x, const void *y)
{
    const struct spec_depend *a = x, *b = y;

    return spec_str_cmp(a->service, b->service) ?: spec_num_cmp((int64_t)a->condition, (int64_t)b->condition);
}

static int gateway_cmp(const void *x, const void *y)
{
    const struct spec_gateway *a = x, *b = y;

    return spec_str_cmp(a->host, b->host) ?: spec_str_cmp(a->path, b->path) ?: spec_num_cmp(a->port, b->port)
               ?: spec_num_cmp(a->strip_prefix, b->strip_prefix);
}

/* Rows ------------------------------------------------------------------------------------------------ */

static int check_service_name(const char *s, struct orc_err *err)
{
    return spec_check_name("service name", s, err);
}

static const struct codec_field health_rows[] = {
    SPEC_ENUM(spec_health, kind, health_kinds),   CODEC_ROW_STR(spec_health, path, 0, spec_check_health_path),
    CODEC_ROW_U16(spec_health, port, 1),          CODEC_ROW_STRV(spec_health, exec, 0, NULL),
    DURATION(spec_health, interval_ms, 1),        DURATION(spec_health, timeout_ms, 1),
    DURATION(spec_health, start_period_ms, 0),    DURATION(spec_health, start_interval_ms, 0),
    CODEC_ROW_INT(spec_health, retries, 1, 1000),
};
static const struct codec health_codec = CODEC_OF(spec_health, health_rows, STRICT);

static const struct codec_field port_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_port, host_ip, 0, spec_check_ipv4),
    CODEC_ROW_U16(spec_port, host, 0),
    CODEC_ROW_U16(spec_port, container, 1),
    CODEC_ROW_BOOL(spec_port, udp),
};
static const struct codec port_codec = CODEC_OF(spec_port, port_rows, STRICT, .cmp = port_cmp);

static const struct codec_field mount_rows[] = {
    SPEC_ENUM(spec_mount, kind, mount_kinds),
    CODEC_ROW_STR_REQUIRED(spec_mount, source, 0, NULL),
    CODEC_ROW_STR_REQUIRED(spec_mount, target, 0, spec_check_abs_path),
    CODEC_ROW_BOOL(spec_mount, read_only),
    CODEC_ROW_STR(spec_mount, propagation, 0, spec_check_propagation),
    CODEC_ROW_BOOL(spec_mount, nocopy),
    CODEC_ROW_STR(spec_mount, name, 0, spec_check_volume_name),
    CODEC_ROW_BOOL(spec_mount, external),
    CODEC_ROW(spec_mount, driver_opts, CODEC_PAIRS, .check = spec_check_text, .check_key = spec_check_option),
    CODEC_ROW(spec_mount, labels, CODEC_PAIRS, .check = spec_check_text, .check_key = spec_check_label_key),
};
static const struct codec mount_codec = CODEC_OF(spec_mount, mount_rows, STRICT, .cmp = mount_cmp);

static int config_cmp(const void *x, const void *y)
{
    const struct spec_config *a = x, *b = y;

    return spec_str_cmp(a->target, b->target) ?: spec_str_cmp(a->source, b->source);
}

static const struct codec_field config_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_config, source, 0, spec_check_volume),
    CODEC_ROW_STR_REQUIRED(spec_config, target, 0, spec_check_abs_path),
    CODEC_ROW_STR_REQUIRED(spec_config, content, 0, spec_check_text),
    CODEC_ROW_INT(spec_config, uid, 0, SPEC_ID_MAX),
    CODEC_ROW_INT(spec_config, gid, 0, SPEC_ID_MAX),
    CODEC_ROW_INT(spec_config, mode, 0, SPEC_MODE_MAX),
};
static void config_init(void *obj)
{
    ((struct spec_config *)obj)->mode = SPEC_CONFIG_MODE;
}
static const struct codec config_codec =
    CODEC_OF(spec_config, config_rows, STRICT, .cmp = config_cmp, .init = config_init);

static const struct codec_field constraint_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_constraint, key, 0, spec_check_constraint_key),
    CODEC_ROW_BOOL(spec_constraint, equal),
    CODEC_ROW_STR_REQUIRED(spec_constraint, value, 0, spec_check_constraint_value),
};
static const struct codec constraint_codec =
    CODEC_OF(spec_constraint, constraint_rows, STRICT, .cmp = constraint_cmp);

static const struct codec_field weight_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_weight, key, 0, spec_check_constraint_key),
    CODEC_ROW_BOOL(spec_weight, equal),
    CODEC_ROW_STR_REQUIRED(spec_weight, value, 0, spec_check_constraint_value),
    CODEC_ROW_INT(spec_weight, weight, -SPEC_WEIGHT_MAX, SPEC_WEIGHT_MAX),
};
static const struct codec weight_codec = CODEC_OF(spec_weight, weight_rows, STRICT, .cmp = weight_cmp);

static const struct codec_field depend_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_depend, service, 0, check_service_name),
    SPEC_ENUM(spec_depend, condition, conditions),
};
static const struct codec depend_codec = CODEC_OF(spec_depend, depend_rows, STRICT, .cmp = depend_cmp);

static const struct codec_field gateway_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_gateway, host, 0, spec_check_host),
    CODEC_ROW_STR_REQUIRED(spec_gateway, path, 0, spec_check_route_path),
    CODEC_ROW_U16(spec_gateway, port, 1),
    CODEC_ROW_BOOL(spec_gateway, strip_prefix),
};
static const struct codec gateway_codec = CODEC_OF(spec_gateway, gateway_rows, STRICT, .cmp = gateway_cmp);

static const struct codec_field resources_rows[] = {
    CODEC_ROW_INT64(spec_resources, cpus_nano, 0, SPEC_CPUS_MAX *INT64_C(1000000000)),
    CODEC_ROW_INT64(spec_resources, memory, 0, SPEC_MEMORY_MAX),
};
static const struct codec resources_codec = CODEC_OF(spec_resources, resources_rows, STRICT);

static const struct codec_field update_rows[] = {
    CODEC_ROW_INT(spec_update, parallelism, 0, SPEC_REPLICAS_MAX),
    CODEC_ROW_INT(spec_update, parallelism_percent, 0, 100),
    DURATION(spec_update, delay_ms, 0),
    DURATION(spec_update, monitor_ms, 0),
    CODEC_ROW_INT64(spec_update, max_failure_nano, 0, 1000000000),
    SPEC_ENUM(spec_update, order, orders),
    SPEC_ENUM(spec_update, failure_action, failure_actions),
};
static const struct codec update_codec = CODEC_OF(spec_update, update_rows, STRICT);

static const struct codec_field run_rows[] = {
    CODEC_ROW_INT(spec_run, max_concurrent, 0, SPEC_REPLICAS_MAX),
    CODEC_ROW_INT(spec_run, retries, SPEC_RETRIES_ANY, SPEC_RETRIES_MAX),
    DURATION(spec_run, delay_ms, 0),
    CODEC_ROW_INT(spec_run, keep, 1, SPEC_KEEP_MAX),
};
static const struct codec run_codec = CODEC_OF(spec_run, run_rows, STRICT);

static int check_cron(const char *s, struct orc_err *err)
{
    struct orc_cron c;

    return orc_cron_parse(s, &c, err);
}

static const struct codec_field schedule_rows[] = {
    CODEC_ROW_STR(spec_schedule, cron, ORC_CRON_TEXT_MAX, check_cron),
    CODEC_ROW_STR(spec_schedule, time_zone, ORC_ZONE_NAME_MAX, orc_zone_check_name),
    SPEC_ENUM(spec_schedule, concurrency, concurrencies),
    CODEC_ROW_INT64(spec_schedule, deadline_ms, 1000, SPEC_STARTING_DEADLINE_MAX_MS),
};
static const struct codec schedule_codec = CODEC_OF(spec_schedule, schedule_rows, STRICT);

static void service_init(void *obj)
{
    spec_service_init(obj);
}

static int service_cmp(const void *x, const void *y)
{
    return strcmp(((const struct spec_service *)x)->name, ((const struct spec_service *)y)->name);
}

static const struct codec service_codec;

/* MARKED rows: a change of them needs a new container. */
#define ROW(m, k, ...) CODEC_ROW(spec_service, m, k, __VA_ARGS__)
#define MARKED(m, k, ...) CODEC_ROW(spec_service, m, k, .marked = true, __VA_ARGS__)
#define MAP .nulls = true, .check = spec_check_text

static const struct codec_field service_rows[] = {
    MARKED(name, CODEC_STR, .required = true, .check = check_service_name),
    MARKED(image, CODEC_STR, .required = true, .check = spec_check_image),
    MARKED(command, CODEC_STRV, .flag = offsetof(struct spec_service, command_set)),
    MARKED(entrypoint, CODEC_STRV, .flag = offsetof(struct spec_service, entrypoint_set)),
    MARKED(environment, CODEC_PAIRS, MAP, .check_key = spec_check_env_key),
    MARKED(labels, CODEC_PAIRS, MAP, .check_key = spec_check_label_key),
    MARKED(stop_signal, CODEC_STR, .check = spec_check_signal),
    MARKED(stop_grace_period_ms, CODEC_INT64, .max = SPEC_DURATION_MAX_MS),
    MARKED(restart, CODEC_ENUM, .names = restarts),
    MARKED(restart_max, CODEC_INT, .max = SPEC_RETRIES_MAX),
    MARKED(job, CODEC_BOOL, .max = 1),
    ROW(run, CODEC_STRUCT, .sub = &run_codec),
    ROW(schedule, CODEC_STRUCT, .sub = &schedule_codec),
    ROW(depends_on, CODEC_LIST, .sub = &depend_codec),
    MARKED(health, CODEC_STRUCT, .sub = &health_codec),
    MARKED(live_apart, CODEC_BOOL, .max = 1),
    MARKED(live, CODEC_STRUCT, .sub = &health_codec),
    MARKED(network, CODEC_ENUM, .names = networks),
    MARKED(ports, CODEC_LIST, .sub = &port_codec),
    MARKED(sidecars, CODEC_LIST, .sub = &service_codec, .max = SPEC_SIDECARS_MAX),
    MARKED(mounts, CODEC_LIST, .sub = &mount_codec),
    MARKED(configs, CODEC_LIST, .sub = &config_codec),
    ROW(constraints, CODEC_LIST, .sub = &constraint_codec),
    ROW(weights, CODEC_LIST, .sub = &weight_codec, .max = SPEC_WEIGHTS_MAX),
    ROW(spread_over, CODEC_STRV, .check = spec_check_spread_key),
    ROW(strategy, CODEC_ENUM, .names = strategies),
    ROW(survive_node_loss, CODEC_BOOL, .max = 1),
    ROW(global, CODEC_BOOL, .max = 1),
    ROW(max_per_node, CODEC_INT, .max = SPEC_REPLICAS_MAX),
    MARKED(gateway, CODEC_LIST, .sub = &gateway_codec),
    ROW(replicas, CODEC_INT, .max = SPEC_REPLICAS_MAX),
    MARKED(limits, CODEC_STRUCT, .sub = &resources_codec),
    MARKED(reservations, CODEC_STRUCT, .sub = &resources_codec),
    MARKED(pids_limit, CODEC_INT, .max = SPEC_PIDS_MAX),
    MARKED(platform, CODEC_STR, .check = spec_check_platform),
    ROW(pull_policy, CODEC_ENUM, .names = pull_policies),
    ROW(deploy_labels, CODEC_PAIRS, .check = spec_check_text, .check_key = spec_check_label_key),
    MARKED(container, CODEC_STRUCT, .sub = &spec_container_codec),
    ROW(update, CODEC_STRUCT, .sub = &update_codec),
    ROW(rollback, CODEC_STRUCT, .sub = &update_codec),
    ROW(rollback_set, CODEC_BOOL, .max = 1),
    ROW(canary, CODEC_INT, .max = SPEC_REPLICAS_MAX),
    ROW(progress_deadline_ms, CODEC_INT64, .max = SPEC_DURATION_MAX_MS),
    ROW(drain_timeout_ms, CODEC_INT64, .max = SPEC_DURATION_MAX_MS),
    ROW(disconnect_ms, CODEC_INT64, .max = SPEC_DURATION_MAX_MS),
    ROW(rebalance_auto, CODEC_BOOL, .max = 1),
    ROW(rebalance_after_ms, CODEC_INT64, .max = SPEC_DURATION_MAX_MS),
    MARKED(fence_ms, CODEC_INT64, .max = SPEC_DURATION_MAX_MS),
};
static const struct codec service_codec =
    CODEC_OF(spec_service, service_rows, STRICT, .init = service_init, .cmp = service_cmp);

struct spec_service *spec_service_free(struct spec_service *s)
{
    if (s)
        codec_release(&service_codec, s);
    free(s);
    return NULL;
}

void spec_service_sort(struct spec_service *s)
{
    codec_sort(&service_codec, s);
}

static char *text_of(const struct spec_service *s, bool container_only)
{
    orc_auto(spec_service_free_p) struct spec_service *def = spec_service_new(NULL);

    return codec_text_changed(&service_codec, s, def, container_only);
}

char *spec_service_text(const struct spec_service *s)
{
    return text_of(s, false);
}

/* What a job can't have, as its containers end: parse_mode.c says it to people. */
static int check_job(const struct spec_service *s, struct orc_err *err)
{
    if (!s->job && s->schedule.cron)
        return orc_fail(err, -EINVAL, "\"schedule\": only a job has one");
    if (!s->job)
        return 0;
    if (s->restart != SPEC_RESTART_NO)
        return orc_fail(err, -EINVAL, "\"restart\": of a job it is \"no\"");
    if (s->gateway.n || s->health.kind != SPEC_HEALTH_NONE)
        return orc_fail(err, -EINVAL, "\"job\": it has neither \"gateway\" nor \"health\"");
    return 0;
}

/* What doesn't go with its network: parse_network.c says it to people. */
static int check_network(const struct spec_service *s, struct orc_err *err)
{
    if (s->network == SPEC_NETWORK_NONE && (s->ports.n || s->gateway.n || spec_service_is_probed(s)))
        return orc_fail(err, -EINVAL,
                        "\"network\": with none there are no \"ports\", no \"gateway\" and no check over it");
    for (size_t i = 0; s->network == SPEC_NETWORK_HOST && i < s->ports.n; i++)
        if (s->ports.at[i].host != s->ports.at[i].container)
            return orc_fail(err, -EINVAL, "\"ports\": in the server's network a port is mapped to no other");
    return 0;
}

/* What only a service can have, a container of one can't: parse_sidecar.c says it to people. */
static int check_sidecar(const struct spec_service *main, const struct spec_service *s, struct orc_err *err)
{
    bool serves = s->sidecars.n || s->ports.n || s->gateway.n || s->depends_on.n;
    const struct spec_container *c = &s->container;
    bool runs_on = s->restart == SPEC_RESTART_ALWAYS || s->restart == SPEC_RESTART_UNLESS_STOPPED;

    if (c->hostname || c->domainname || c->uts || c->dns.n || c->dns_search.n || c->dns_opt.n ||
        c->extra_hosts.n)
        return orc_fail(err, -EINVAL, "\"%s\": names, name servers and hosts are its main service's",
                        s->name);
    if (serves || s->network != SPEC_NETWORK_BRIDGE || s->job || s->schedule.cron)
        return orc_fail(
            err, -EINVAL,
            "\"%s\" has neither \"sidecars\", \"network\", \"ports\", \"gateway\", \"depends_on\", "
            "\"job\" nor \"schedule\" of its own",
            s->name);
    if (!runs_on)
        return orc_fail(err, -EINVAL, "\"%s\": \"restart\" is \"always\" or \"unless-stopped\"", s->name);
    if (main->network == SPEC_NETWORK_NONE && spec_service_is_probed(s))
        return orc_fail(err, -EINVAL, "\"%s\": \"health\": there is no network for it", s->name);
    return strcmp(s->name, main->name) == 0 ? orc_fail(err, -EINVAL, "\"%s\" is its main service", s->name)
                                            : 0;
}

static int check_health(const char *member, const struct spec_health *h, struct orc_err *err)
{
    if (h->kind == SPEC_HEALTH_HTTP && !h->path)
        return orc_fail(err, -EINVAL, "\"%s\": an http check needs a \"path\"", member);
    if (spec_health_is_remote(h) && h->port == 0)
        return orc_fail(err, -EINVAL, "\"%s\": a check over the network needs a \"port\" in 1..65535",
                        member);
    if (h->kind == SPEC_HEALTH_EXEC && h->exec.n == 0)
        return orc_fail(err, -EINVAL, "\"%s\": an exec check needs \"exec\", a command", member);
    return 0;
}

/* What doesn't go together in a container: the parser says it to people. */
static int check_container(const struct spec_service *s, bool sidecar, struct orc_err *err)
{
    size_t i = 0;
    const struct spec_rule *rule = spec_rule_broken(s, sidecar, &i);

    return rule ? orc_fail(err, -EINVAL, "\"container\": \"%s\": %s", rule->key, rule->why) : 0;
}

/* What only a volume has, and what one that nobody makes has not: parse_volumes.c says it to people. */
static int check_mount(const struct spec_mount *m, struct orc_err *err)
{
    bool made = m->driver_opts.n || m->labels.n;

    if (m->kind == SPEC_MOUNT_BIND ? m->name || m->external || made : m->external && (!m->name || made))
        return orc_fail(err, -EINVAL,
                        "\"%s\": only a volume has a \"name\", and one that is \"external\" has nothing else",
                        m->source);
    return m->kind == SPEC_MOUNT_BIND ? spec_check_abs_path(m->source, err)
                                      : spec_check_volume(m->source, err);
}

/* What takes two members to see. */
static int check_whole(const struct spec_service *s, bool sidecar, struct orc_err *err)
{
    int r;

    if (check_health("health", &s->health, err) < 0 || check_health("live", &s->live, err) < 0)
        return -EINVAL;
    if (s->live_apart ? s->health.kind == SPEC_HEALTH_NONE : s->live.kind != SPEC_HEALTH_NONE)
        return orc_fail(err, -EINVAL, "\"live_apart\": there is \"live\" only beside \"health\"");
    for (size_t i = 0; i < s->mounts.n; i++) {
        r = check_mount(&s->mounts.at[i], err);
        if (r < 0) {
            orc_wrap(err, "\"mounts\"");
            return r;
        }
    }
    if (s->rollback.failure_action == SPEC_ON_FAILURE_ROLLBACK)
        return orc_fail(err, -EINVAL, "\"rollback\": a rollback that fails is not rolled back");
    if (s->spread_over.n > SPEC_SPREAD_MAX)
        return orc_fail(err, -EINVAL, "\"spread_over\" has more than %d elements", SPEC_SPREAD_MAX);
    if (s->global && (s->replicas != SPEC_REPLICAS_DEFAULT || s->max_per_node || s->spread_over.n))
        return orc_fail(err, -EINVAL,
                        "\"global\": it has no \"replicas\", \"max_per_node\" and \"spread_over\"");
    for (size_t i = 0; i < s->gateway.n; i++)
        if (s->gateway.at[i].port == 0)
            return orc_fail(err, -EINVAL, "\"gateway\": a route needs a \"port\" in 1..65535");
    for (size_t i = 0; i < s->ports.n; i++)
        if (s->ports.at[i].container == 0)
            return orc_fail(err, -EINVAL, "\"ports\": a port needs a \"container\" in 1..65535");
    r = check_network(s, err);
    if (r == 0)
        r = check_container(s, sidecar, err);
    for (size_t i = 0; r == 0 && i < s->sidecars.n; i++) {
        r = check_sidecar(s, &s->sidecars.at[i], err);
        if (r == 0)
            r = check_whole(&s->sidecars.at[i], true, err);
        if (r < 0)
            orc_wrap(err, "\"sidecars\"");
    }
    return r < 0 ? r : check_job(s, err);
}

struct spec_service *spec_service_from_json(const json_t *j, struct orc_err *err)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec_service_new(NULL);

    if (codec_decode_into(&service_codec, j, s, err) < 0 || check_whole(s, false, err) < 0)
        return NULL;
    return orc_take(s);
}

static void hash(const struct spec_service *s, bool container_only, char ret[SPEC_HASH_MAX])
{
    orc_auto_free char *text = text_of(s, container_only);

    orc_sha256_hex(text, strlen(text), ret);
}

void spec_service_hash(const struct spec_service *s, char ret_whole[SPEC_HASH_MAX],
                       char ret_container[SPEC_HASH_MAX])
{
    hash(s, false, ret_whole);
    hash(s, true, ret_container);
}
