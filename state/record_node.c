/* record_node.c - servers and gateways: what they are, that they live, what is wanted of them. */
#include "state/record_codec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define CONDITIONS_MAX 100
#define INFLIGHT_MAX 16384                         /* the endpoints of a gateway: GW_SLOTS */
#define VOLUME_MAX 128                             /* bytes of app, dot and name, or of slash and name */
#define ANONYMOUS 64                               /* hex digits (moby, stringid.GenerateRandomID) */
#define DRAIN_DEADLINE_MAX_MS INT64_C(31536000000) /* a year */

_Static_assert(SPEC_VOLUME_NAME_MAX < VOLUME_MAX, "a name must fit behind a slash");

/* "shop.data": an app's name has no dot; the volume's may. */
static bool is_of_app(const char *s)
{
    const char *dot = strchr(s, '.');
    orc_auto_free char *app = dot ? orc_strndup(s, (size_t)(dot - s)) : NULL;

    return dot && spec_check_name("app name", app, NULL) == 0 && spec_check_volume(dot + 1, NULL) == 0;
}

static bool is_named(const char *s)
{
    bool anonymous = strlen(s) == ANONYMOUS && strspn(s, "0123456789abcdef") == ANONYMOUS;

    return !anonymous && spec_check_volume_name(s, NULL) == 0;
}

char *record_volume(const char *name)
{
    const size_t prefix = strlen(SPEC_VOLUME_PREFIX);

    if (strncmp(name, SPEC_VOLUME_PREFIX, prefix) == 0 && is_of_app(name + prefix))
        return orc_strdup(name + prefix);
    return is_named(name) ? orc_concat("/", name) : NULL;
}

int record_check_volume(const char *s, struct orc_err *err)
{
    if (*s == '/' ? is_named(s + 1) : is_of_app(s))
        return 0;
    return orc_fail(err, -EINVAL,
                    "\"%s\" is no volume; an app's is written like \"shop.data\", another like \"/pgdata\"",
                    spec_quote(s).text);
}

static int condition_cmp(const void *a, const void *b)
{
    return strcmp(((const struct record_condition *)a)->type, ((const struct record_condition *)b)->type);
}

static const struct codec_field condition_rows[] = {
    CODEC_ROW_STR_REQUIRED(record_condition, type, 64, NULL),
    CODEC_ROW_BOOL(record_condition, ok),
    CODEC_ROW_BOOL(record_condition, avoid),
    CODEC_ROW_STR(record_condition, reason, RECORD_REASON_MAX, NULL),
    CODEC_ROW_INT64(record_condition, since, 0, RECORD_WALL_MAX),
};
static const struct codec condition_codec = CODEC_OF(record_condition, condition_rows, .cmp = condition_cmp);

static const struct codec_field node_rows[] = {
    CODEC_ROW_STR(record_node, address, INET_ADDRSTRLEN, record_check_address),
    CODEC_ROW_STR(record_node, subnet, 32, record_check_subnet),
    CODEC_ROW_STRUCT(record_node, capacity, &record_resources_codec),
    CODEC_ROW_STRUCT(record_node, reserve, &record_resources_codec),
    CODEC_ROW_INT(record_node, pids, 0, SPEC_PIDS_MAX),
    CODEC_ROW_PAIRS(record_node, labels, RECORD_LABEL_MAX),
    CODEC_ROW_PAIRS(record_node, engine_labels, RECORD_LABEL_MAX),
    CODEC_ROW_STR(record_node, os, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_node, arch, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_node, kernel, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_node, virt, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_node, engine, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_node, version, RECORD_NAME_MAX, NULL),
    CODEC_ROW_INT(record_node, mtu, 0, 65535),
    CODEC_ROW_STRV(record_node, volumes, VOLUME_MAX, record_check_volume),
    CODEC_ROW_LIST(record_node, conditions, &condition_codec, CONDITIONS_MAX),
};
static const struct codec node_codec = CODEC_OF(record_node, node_rows);
RECORD_DEFINE(node, node_codec)

const struct record_condition *record_node_avoid(const struct record_node *n)
{
    for (size_t i = 0; i < n->conditions.n; i++)
        if (n->conditions.at[i].ok && n->conditions.at[i].avoid)
            return &n->conditions.at[i];
    return NULL;
}

bool record_node_ready(const struct record_node *n, const char **ret_reason)
{
    const char *reason = n->subnet ? NULL : "no subnet is claimed for this node yet";
    const char *paths = NULL; /* are probed over the network: what is wrong with that comes first */

    for (size_t i = 0; i < n->conditions.n && !reason; i++) {
        const struct record_condition *c = &n->conditions.at[i];
        const char *why = c->reason ? c->reason : c->type;

        if (!c->ok && orc_streq(c->type, "mtu"))
            paths = why;
        else if (!c->ok)
            reason = why;
    }
    if (!reason)
        reason = paths;
    if (reason && ret_reason)
        *ret_reason = reason;
    return !reason;
}

static const struct codec_field node_policy_rows[] = {
    CODEC_ROW_BOOL(record_node_policy, cordon),
    CODEC_ROW_BOOL(record_node_policy, drain),
    CODEC_ROW_INT64(record_node_policy, removed, 0, RECORD_WALL_MAX),
    CODEC_ROW_INT64(record_node_policy, drain_deadline_ms, 0, DRAIN_DEADLINE_MAX_MS),
    CODEC_ROW_PAIRS(record_node_policy, labels, RECORD_LABEL_MAX),
};
static const struct codec node_policy_codec = CODEC_OF(record_node_policy, node_policy_rows);
RECORD_DEFINE(node_policy, node_policy_codec)

static const char *const node_states[] = {
    [NODE_READY] = "ready",     [NODE_NOT_READY] = "not ready", [NODE_UNKNOWN] = "unknown",
    [NODE_DOWN] = "down",       [NODE_CORDONED] = "cordoned",   [NODE_DRAINING] = "draining",
    [NODE_DRAINED] = "drained", [NODE_REMOVED] = "removed",     [NODE_REMOVED + 1] = NULL};

const char *node_state_name(enum node_state s)
{
    return node_states[s];
}

static const struct codec_field node_state_rows[] = {
    CODEC_ROW_ENUM(record_node_state, state, node_states),
    CODEC_ROW_STR(record_node_state, reason, RECORD_REASON_MAX, NULL),
    CODEC_ROW_INT64(record_node_state, since, 0, RECORD_WALL_MAX),
    CODEC_ROW_BOOL(record_node_state, held),
    CODEC_ROW_BOOL(record_node_state, forced),
};
static const struct codec node_state_codec = CODEC_OF(record_node_state, node_state_rows);
RECORD_DEFINE(node_state, node_state_codec)

static const struct codec_field alive_rows[] = {
    CODEC_ROW_STR(record_alive, machine_id, 128, NULL),
    CODEC_ROW_STR(record_alive, boot_id, 128, NULL),
    CODEC_ROW_STR_REQUIRED(record_alive, instance, 128, NULL),
};
static const struct codec alive_codec = CODEC_OF(record_alive, alive_rows);
RECORD_DEFINE(alive, alive_codec)

static const struct codec_field subnet_rows[] = {
    CODEC_ROW_STR_REQUIRED(record_subnet, node, KEY_NAME_MAX, key_check_node_name),
};
static const struct codec subnet_codec = CODEC_OF(record_subnet, subnet_rows);
RECORD_DEFINE(subnet, subnet_codec)

/* gateways -------------------------------------------------------------------------------------------- */

static const struct codec_field gateway_rows[] = {
    CODEC_ROW_STR(record_gateway, node, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_gateway, instance, 64, NULL),
    CODEC_ROW_STRV(record_gateway, listen, 256, NULL),
    CODEC_ROW_INT64(record_gateway, at, 0, RECORD_WALL_MAX),
};
static const struct codec gateway_codec = CODEC_OF(record_gateway, gateway_rows);
RECORD_DEFINE(gateway, gateway_codec)

static int inflight_cmp(const void *a, const void *b)
{
    return strcmp(((const struct gateway_inflight *)a)->task, ((const struct gateway_inflight *)b)->task);
}

static const struct codec_field inflight_rows[] = {
    CODEC_ROW_STR_REQUIRED(gateway_inflight, task, KEY_TASK_MAX, record_check_task),
    CODEC_ROW_INT64(gateway_inflight, requests, 0, INT64_MAX),
};
static const struct codec inflight_codec = CODEC_OF(gateway_inflight, inflight_rows, .cmp = inflight_cmp);

static const struct codec_field gateway_alive_rows[] = {
    CODEC_ROW_INT64(record_gateway_alive, served, 0, INT64_MAX),
    CODEC_ROW_LIST(record_gateway_alive, inflight, &inflight_codec, INFLIGHT_MAX),
};
static const struct codec gateway_alive_codec = CODEC_OF(record_gateway_alive, gateway_alive_rows);
RECORD_DEFINE(gateway_alive, gateway_alive_codec)
