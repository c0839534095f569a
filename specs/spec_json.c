/* The JSON form of a service and its hashes: tables for record.h, and what no table can say. */
#include "lib/hash.h"
#include "specs/check.h"
#include "specs/record.h"
#include "specs/spec.h"

#include <string.h>

/* record.c reads and writes enums as ints. */
_Static_assert(sizeof(enum spec_restart) == sizeof(int), "enums must have int's size");
_Static_assert(SPEC_HASH_MAX == ORC_SHA256_HEX, "a hash is SHA-256 in hex");

static const char *const health_kinds[] = {"none", "http", "tcp", "exec", NULL};
static const char *const mount_kinds[] = {"volume", "bind", NULL};
static const char *const orders[] = {"stop-first", "start-first", NULL};
static const char *const failure_actions[] = {"pause", "continue", "rollback", NULL};
static const char *const conditions[] = {"started", "healthy", NULL};
static const char *const restarts[] = {"always", "no", "on-failure", "unless-stopped", NULL};

#define RECORD_OF(type, table)                                                                               \
    {                                                                                                        \
        .fields = (table), .n = ORC_ARRAY_SIZE(table), .size = sizeof(type)                                  \
    }
#define AT(type, member) .offset = offsetof(type, member)
#define DURATION .kind = RECORD_INT64, .max = (int64_t)SPEC_DURATION_MAX_MS
#define PORT(least) .kind = RECORD_U16, .min = (least), .max = 65535

static int check_service_name(const char *s, struct orc_err *err)
{
    return spec_check_name("service name", s, err);
}

static const struct record_field health_fields[] = {
    {"kind", .kind = RECORD_ENUM, AT(struct spec_health, kind), .names = health_kinds},
    {"path", .kind = RECORD_STR, AT(struct spec_health, path), .check = spec_check_health_path},
    {"port", PORT(1), AT(struct spec_health, port)},
    {"exec", .kind = RECORD_STRV, AT(struct spec_health, exec)},
    {"interval_ms", DURATION, .min = 1, AT(struct spec_health, interval_ms)},
    {"timeout_ms", DURATION, .min = 1, AT(struct spec_health, timeout_ms)},
    {"start_period_ms", DURATION, AT(struct spec_health, start_period_ms)},
    {"start_interval_ms", DURATION, AT(struct spec_health, start_interval_ms)},
    {"retries", .kind = RECORD_INT, .min = 1, .max = 1000, AT(struct spec_health, retries)},
};
static const struct record health_record = RECORD_OF(struct spec_health, health_fields);

static const struct record_field port_fields[] = {
    {"host_ip", .kind = RECORD_STR, AT(struct spec_port, host_ip), .required = true,
     .check = spec_check_ipv4},
    {"host", PORT(0), AT(struct spec_port, host)},
    {"container", PORT(1), AT(struct spec_port, container)},
    {"udp", .kind = RECORD_BOOL, AT(struct spec_port, udp)},
};
static const struct record port_record = RECORD_OF(struct spec_port, port_fields);

static const struct record_field mount_fields[] = {
    {"kind", .kind = RECORD_ENUM, AT(struct spec_mount, kind), .names = mount_kinds},
    {"source", .kind = RECORD_STR, AT(struct spec_mount, source), .required = true},
    {"target", .kind = RECORD_STR, AT(struct spec_mount, target), .required = true,
     .check = spec_check_abs_path},
    {"read_only", .kind = RECORD_BOOL, AT(struct spec_mount, read_only)},
};
static const struct record mount_record = RECORD_OF(struct spec_mount, mount_fields);

static const struct record_field constraint_fields[] = {
    {"key", .kind = RECORD_STR, AT(struct spec_constraint, key), .required = true,
     .check = spec_check_constraint_key},
    {"equal", .kind = RECORD_BOOL, AT(struct spec_constraint, equal)},
    {"value", .kind = RECORD_STR, AT(struct spec_constraint, value), .required = true,
     .check = spec_check_constraint_value},
};
static const struct record constraint_record = RECORD_OF(struct spec_constraint, constraint_fields);

static const struct record_field depend_fields[] = {
    {"service", .kind = RECORD_STR, AT(struct spec_depend, service), .required = true,
     .check = check_service_name},
    {"condition", .kind = RECORD_ENUM, AT(struct spec_depend, condition), .names = conditions},
};
static const struct record depend_record = RECORD_OF(struct spec_depend, depend_fields);

static const struct record_field gateway_fields[] = {
    {"host", .kind = RECORD_STR, AT(struct spec_gateway, host), .required = true, .check = spec_check_host},
    {"path", .kind = RECORD_STR, AT(struct spec_gateway, path), .required = true,
     .check = spec_check_route_path},
    {"port", PORT(1), AT(struct spec_gateway, port)},
    {"strip_prefix", .kind = RECORD_BOOL, AT(struct spec_gateway, strip_prefix)},
};
static const struct record gateway_record = RECORD_OF(struct spec_gateway, gateway_fields);

static const struct record_field resources_fields[] = {
    {"cpus_nano", .kind = RECORD_INT64, .max = SPEC_CPUS_MAX * INT64_C(1000000000),
     AT(struct spec_resources, cpus_nano)},
    {"memory", .kind = RECORD_INT64, .max = SPEC_MEMORY_MAX, AT(struct spec_resources, memory)},
};
static const struct record resources_record = RECORD_OF(struct spec_resources, resources_fields);

static const struct record_field update_fields[] = {
    {"parallelism", .kind = RECORD_INT, .max = SPEC_REPLICAS_MAX, AT(struct spec_update, parallelism)},
    {"delay_ms", DURATION, AT(struct spec_update, delay_ms)},
    {"monitor_ms", DURATION, AT(struct spec_update, monitor_ms)},
    {"order", .kind = RECORD_ENUM, AT(struct spec_update, order), .names = orders},
    {"failure_action", .kind = RECORD_ENUM, AT(struct spec_update, failure_action), .names = failure_actions},
};
static const struct record update_record = RECORD_OF(struct spec_update, update_fields);

#define SERVICE(member) .offset = offsetof(struct spec_service, member)
#define CONTAINER .marked = true /* a change of it needs a new container */

static const struct record_field service_fields[] = {
    {"name", .kind = RECORD_STR, SERVICE(name), CONTAINER, .required = true, .check = check_service_name},
    {"image", .kind = RECORD_STR, SERVICE(image), CONTAINER, .required = true, .check = spec_check_image},
    {"command", .kind = RECORD_STRV, SERVICE(command), CONTAINER,
     .flag = offsetof(struct spec_service, command_set)},
    {"entrypoint", .kind = RECORD_STRV, SERVICE(entrypoint), CONTAINER,
     .flag = offsetof(struct spec_service, entrypoint_set)},
    {"environment", .kind = RECORD_PAIRS, SERVICE(environment), CONTAINER, .check = spec_check_text,
     .check_key = spec_check_env_key},
    {"labels", .kind = RECORD_PAIRS, SERVICE(labels), CONTAINER, .check = spec_check_text,
     .check_key = spec_check_label_key},
    {"stop_signal", .kind = RECORD_STR, SERVICE(stop_signal), CONTAINER, .check = spec_check_signal},
    {"stop_grace_period_ms", DURATION, SERVICE(stop_grace_period_ms), CONTAINER},
    {"restart", .kind = RECORD_ENUM, SERVICE(restart), CONTAINER, .names = restarts},
    {"restart_max", .kind = RECORD_INT, .max = 1000000, SERVICE(restart_max), CONTAINER},
    {"depends_on", .kind = RECORD_LIST, SERVICE(depends_on), .sub = &depend_record},
    {"health", .kind = RECORD_STRUCT, SERVICE(health), CONTAINER, .sub = &health_record},
    {"ports", .kind = RECORD_LIST, SERVICE(ports), CONTAINER, .sub = &port_record},
    {"mounts", .kind = RECORD_LIST, SERVICE(mounts), CONTAINER, .sub = &mount_record},
    {"constraints", .kind = RECORD_LIST, SERVICE(constraints), .sub = &constraint_record},
    {"gateway", .kind = RECORD_LIST, SERVICE(gateway), .sub = &gateway_record},
    {"replicas", .kind = RECORD_INT, .max = SPEC_REPLICAS_MAX, SERVICE(replicas)},
    {"limits", .kind = RECORD_STRUCT, SERVICE(limits), CONTAINER, .sub = &resources_record},
    {"reservations", .kind = RECORD_STRUCT, SERVICE(reservations), CONTAINER, .sub = &resources_record},
    {"update", .kind = RECORD_STRUCT, SERVICE(update), .sub = &update_record},
    {"drain_timeout_ms", DURATION, SERVICE(drain_timeout_ms)},
};
static const struct record service_record = RECORD_OF(struct spec_service, service_fields);

static json_t *encode(const struct spec_service *s, bool container_only)
{
    orc_auto(spec_service_free_p) struct spec_service *def = spec_service_new(NULL);

    return record_encode(&service_record, s, def, container_only);
}

json_t *spec_service_to_json(const struct spec_service *s)
{
    return encode(s, false);
}

/* What takes two members to see. */
static int check_whole(const struct spec_service *s, struct orc_err *err)
{
    const struct spec_health *h = &s->health;
    int r;

    if (h->kind == SPEC_HEALTH_HTTP && !h->path)
        return orc_fail(err, -EINVAL, "\"health\": an http check needs a \"path\"");
    if ((h->kind == SPEC_HEALTH_HTTP || h->kind == SPEC_HEALTH_TCP) && h->port == 0)
        return orc_fail(err, -EINVAL, "\"health\": a check over the network needs a \"port\" in 1..65535");
    if (h->kind == SPEC_HEALTH_EXEC && h->exec.n == 0)
        return orc_fail(err, -EINVAL, "\"health\": an exec check needs \"exec\", a command");
    for (size_t i = 0; i < s->mounts.n; i++) {
        const struct spec_mount *m = &s->mounts.at[i];

        r = m->kind == SPEC_MOUNT_BIND ? spec_check_abs_path(m->source, err)
                                       : spec_check_volume(m->source, err);
        if (r < 0) {
            orc_wrap(err, "\"mounts\"");
            return r;
        }
    }
    for (size_t i = 0; i < s->gateway.n; i++)
        if (s->gateway.at[i].port == 0)
            return orc_fail(err, -EINVAL, "\"gateway\": a route needs a \"port\" in 1..65535");
    for (size_t i = 0; i < s->ports.n; i++)
        if (s->ports.at[i].container == 0)
            return orc_fail(err, -EINVAL, "\"ports\": a port needs a \"container\" in 1..65535");
    return 0;
}

struct spec_service *spec_service_from_json(const json_t *j, struct orc_err *err)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec_service_new(NULL);

    if (record_decode(&service_record, j, s, err) < 0 || check_whole(s, err) < 0)
        return NULL;
    spec_service_sort(s);
    return orc_take(s);
}

static void hash(const struct spec_service *s, bool container_only, char ret[SPEC_HASH_MAX])
{
    orc_auto_json json_t *j = encode(s, container_only);
    orc_auto_free char *text = orc_json_text(j);

    orc_sha256_hex(text, strlen(text), ret);
}

void spec_service_hash(const struct spec_service *s, char ret_whole[SPEC_HASH_MAX],
                       char ret_container[SPEC_HASH_MAX])
{
    hash(s, false, ret_whole);
    hash(s, true, ret_container);
}
