/* record.c - what all records share, and the records of the cluster itself: config, leader, event. */
#include "state/record_codec.h"

#include "lib/units.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define TTL_MIN 2 /* seconds; etcd refuses shorter leases than its election time-out allows */
#define TTL_MAX 3600
#define DAY_MS INT64_C(86400000)

/* Shared ---------------------------------------------------------------------------------------------- */

int record_check_app(const char *s, struct orc_err *err)
{
    return spec_check_name("app name", s, err);
}

int record_check_service(const char *s, struct orc_err *err)
{
    return spec_check_name("service name", s, err);
}

int record_check_task(const char *s, struct orc_err *err)
{
    struct key k;
    int slot;
    int64_t attempt;

    if (key_task_id_parse(s, &k, &slot, &attempt) < 0)
        return orc_fail(err, -EINVAL, "\"%.64s\" is not a task's id, such as shop.orders.2.17", s);
    return 0;
}

int record_check_address(const char *s, struct orc_err *err)
{
    struct in_addr addr;

    if (inet_pton(AF_INET, s, &addr) != 1)
        return orc_fail(err, -EINVAL, "\"%.64s\" is not an IPv4 address, such as 10.210.1.5", s);
    return 0;
}

int record_parse_cidr(const char *s, uint32_t *ret_net, int *ret_prefix, struct orc_err *err)
{
    const char *slash = strchr(s, '/');
    char host[INET_ADDRSTRLEN] = "";
    struct in_addr addr;
    int64_t prefix = 0;
    uint32_t net;

    if (slash && (size_t)(slash - s) < sizeof host)
        memcpy(host, s, (size_t)(slash - s));
    if (!slash || inet_pton(AF_INET, host, &addr) != 1 || orc_parse_int(slash + 1, 1, 32, &prefix, NULL) < 0)
        return orc_fail(err, -EINVAL, "\"%.64s\" is not an IPv4 network, such as 10.210.0.0/16", s);
    net = ntohl(addr.s_addr);
    if (prefix < 32 && (net & (UINT32_MAX >> prefix)) != 0)
        return orc_fail(err, -EINVAL, "network \"%.64s\" has bits set beyond its prefix of %d", s,
                        (int)prefix);
    *ret_net = net;
    *ret_prefix = (int)prefix;
    return 0;
}

int record_check_subnet(const char *s, struct orc_err *err)
{
    uint32_t net;
    int prefix;

    return record_parse_cidr(s, &net, &prefix, err);
}

int record_parse_with(const struct codec *c, const char *value, size_t n, void *ret, struct orc_err *err)
{
    orc_auto_json json_t *j = orc_json_parse(value, n, err);

    return j ? codec_decode(c, j, ret, err) : -EINVAL;
}

json_t *record_json_of(char *text)
{
    orc_auto_free char *owned = text;

    return orc_json_parse(owned, strlen(owned), NULL);
}

static const struct codec_field resources_rows[] = {
    CODEC_ROW_INT64(spec_resources, cpus_nano, 0, INT64_MAX),
    CODEC_ROW_INT64(spec_resources, memory, 0, INT64_MAX),
};
const struct codec record_resources_codec = CODEC_OF(spec_resources, resources_rows);

static int check_host_ip(const char *s, struct orc_err *err)
{
    return *s ? record_check_address(s, err) : 0;
}

static void port_init(void *obj)
{
    ((struct spec_port *)obj)->host_ip = orc_strdup("");
}

static const struct codec_field port_rows[] = {
    CODEC_ROW_STR(spec_port, host_ip, INET_ADDRSTRLEN, check_host_ip),
    CODEC_ROW_U16(spec_port, host, 0),
    CODEC_ROW_U16(spec_port, container, 0),
    CODEC_ROW_BOOL(spec_port, udp),
};
const struct codec record_port_codec = CODEC_OF(spec_port, port_rows, .init = port_init);

/* config ---------------------------------------------------------------------------------------------- */

static const char *const modes[] = {"bridge", "vxlan", "routed", NULL};

static int check_mode(const char *s, struct orc_err *err)
{
    int v;

    if (codec_enum_from_name(modes, s, &v) < 0)
        return orc_fail(err, -EINVAL, "network mode \"%.32s\" is not known; use bridge, vxlan or routed", s);
    return 0;
}

static int check_cidr(const char *s, struct orc_err *err)
{
    uint32_t net;
    int prefix, r = record_parse_cidr(s, &net, &prefix, err);

    if (r < 0)
        return r;
    if (prefix < 8 || prefix > 23)
        return orc_fail(
            err, -EINVAL,
            "network \"%.32s\" can't be the cluster's: each node takes a /24 of it, so its prefix "
            "must be in 8..23, as in 10.210.0.0/16",
            s);
    return 0;
}

static int check_cluster_id(const char *s, struct orc_err *err)
{
    size_t n = strlen(s);

    if (n < 1 || strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz-") != n)
        return orc_fail(err, -EINVAL, "\"%.64s\" is not a cluster id; expected hex digits", s);
    return 0;
}

static void config_numbers(void *obj)
{
    struct record_config *c = obj;

    c->node_ttl_s = 4;
    c->gateway_ttl_s = 4;
    c->lost_grace_ms = 3000;
    c->address_hold_ms = 60000;
    c->gateway_retire_ms = 60000;
}

static void config_init(void *obj)
{
    struct record_config *c = obj;

    config_numbers(c);
    c->cidr = orc_strdup("10.210.0.0/16");
    c->mode = orc_strdup("bridge");
}

static const struct codec_field config_rows[] = {
    CODEC_ROW_STR_REQUIRED(record_config, cluster_id, 64, check_cluster_id),
    CODEC_ROW_STR(record_config, cidr, 32, check_cidr),
    CODEC_ROW_STR(record_config, mode, 16, check_mode),
    CODEC_ROW_INT(record_config, mtu, 0, 65535),
    CODEC_ROW_INT64(record_config, node_ttl_s, TTL_MIN, TTL_MAX),
    CODEC_ROW_INT64(record_config, gateway_ttl_s, TTL_MIN, TTL_MAX),
    CODEC_ROW_INT64(record_config, lost_grace_ms, 0, DAY_MS),
    CODEC_ROW_INT64(record_config, address_hold_ms, 0, DAY_MS),
    CODEC_ROW_INT64(record_config, gateway_retire_ms, 0, DAY_MS),
    CODEC_ROW_BOOL(record_config, allow_privileged),
    CODEC_ROW_INT64(record_config, recovered, 0, RECORD_WALL_MAX),
};
static const struct codec config_codec = CODEC_OF(record_config, config_rows, .init = config_init);
RECORD_DEFINE(config, config_codec)

void record_config_default(struct record_config *c, const char *cluster_id)
{
    memset(c, 0, sizeof *c);
    config_init(c);
    c->cluster_id = orc_strdup(cluster_id);
}

int record_config_cidr(const struct record_config *c, uint32_t *ret_net, int *ret_prefix, struct orc_err *err)
{
    int r = check_cidr(c->cidr, err);

    return r < 0 ? r : record_parse_cidr(c->cidr, ret_net, ret_prefix, err);
}

/* leader, event --------------------------------------------------------------------------------------- */

static const struct codec_field leader_rows[] = {
    CODEC_ROW_STR_REQUIRED(record_leader, id, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_leader, host, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_leader, version, RECORD_NAME_MAX, NULL),
    CODEC_ROW_INT64(record_leader, at, 0, RECORD_WALL_MAX),
};
static const struct codec leader_codec = CODEC_OF(record_leader, leader_rows);
RECORD_DEFINE(leader, leader_codec)

static const struct codec_field event_rows[] = {
    CODEC_ROW_INT64(record_event, at, 0, RECORD_WALL_MAX),
    CODEC_ROW_STR_REQUIRED(record_event, type, 64, NULL),
    CODEC_ROW_STR(record_event, object, RECORD_NAME_MAX, NULL),
    CODEC_ROW_STR(record_event, message, RECORD_REASON_MAX, NULL),
    CODEC_ROW_STR(record_event, by, RECORD_NAME_MAX, NULL),
};
static const struct codec event_codec = CODEC_OF(record_event, event_rows);
RECORD_DEFINE(event, event_codec)
