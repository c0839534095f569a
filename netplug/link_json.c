/* Addresses and routes in the state file. What is read back is checked as if a stranger had written it. */
#include "netplug/link.h"

#include "lib/json.h"

#include <linux/rtnetlink.h>
#include <stdio.h>

static void set_ip(json_t *j, const char *key, const struct link_ip *ip)
{
    char text[LINK_TEXT_MAX];

    if (ip->family)
        json_object_set_new(j, key, json_string(link_ip_text(ip, text)));
}

static int get_ip(const json_t *j, const char *key, struct link_ip *ret, struct orc_err *err)
{
    orc_auto_free char *text = NULL;
    int r = orc_json_str_opt(j, key, 64, &text, err);

    return r < 0 || !text ? r : link_ip_parse(text, ret, err);
}

static int get_int(const json_t *j, const char *key, int64_t max, int *ret, struct orc_err *err)
{
    int64_t v = *ret;
    int r = orc_json_int_opt(j, key, 0, max, &v, err);

    if (r == 0)
        *ret = (int)v;
    return r;
}

json_t *link_addr_json(const struct link_addr *a)
{
    char text[LINK_TEXT_MAX];
    json_t *j = json_pack("{ss si}", "address", link_addr_text(a, text), "scope", a->scope);

    set_ip(j, "peer", &a->peer);
    set_ip(j, "broadcast", &a->broadcast);
    if (a->no_route)
        json_object_set_new(j, "no_route", json_true());
    if (a->label[0])
        json_object_set_new(j, "label", json_string(a->label));
    return j;
}

int link_addr_from_json(const json_t *j, struct link_addr *ret, struct orc_err *err)
{
    orc_auto_free char *text = NULL, *label = NULL;
    struct link_addr a = {0};
    int r = orc_json_str(j, "address", 64, &text, err);

    if (r < 0 || (r = link_addr_parse(text, &a, err)) < 0 ||
        (r = get_int(j, "scope", 255, &a.scope, err)) < 0 || (r = get_ip(j, "peer", &a.peer, err)) < 0 ||
        (r = get_ip(j, "broadcast", &a.broadcast, err)) < 0 ||
        (r = orc_json_bool_opt(j, "no_route", &a.no_route, err)) < 0 ||
        (r = orc_json_str_opt(j, "label", LINK_NAME_MAX - 1, &label, err)) < 0)
        return r;
    if (label)
        snprintf(a.label, sizeof a.label, "%s", label);
    *ret = a;
    return 0;
}

json_t *link_route_json(const struct link_route *r)
{
    struct link_addr to = {.ip = r->to, .prefix = r->prefix};
    char text[LINK_TEXT_MAX], hex[2 * LINK_METRICS_MAX + 1] = "";
    json_t *j = json_pack("{ss si si si si si sI}", "to", link_addr_text(&to, text), "table", r->table,
                          "protocol", r->protocol, "scope", r->scope, "type", r->type, "tos", r->tos,
                          "metric", (json_int_t)r->metric);

    set_ip(j, "via", &r->via);
    set_ip(j, "from", &r->from);
    if (r->onlink)
        json_object_set_new(j, "onlink", json_true());
    for (size_t i = 0; i < r->metrics_len; i++)
        snprintf(hex + 2 * i, 3, "%02x", r->metrics[i]);
    if (r->metrics_len)
        json_object_set_new(j, "metrics", json_string(hex));
    return j;
}

static int get_metrics(const json_t *j, struct link_route *ret, struct orc_err *err)
{
    orc_auto_free char *hex = NULL;
    unsigned byte;
    int r = orc_json_str_opt(j, "metrics", 2 * LINK_METRICS_MAX, &hex, err);

    for (const char *p = hex; r == 0 && p && *p; p += 2) {
        if (strspn(p, "0123456789abcdef") < 2 || sscanf(p, "%2x", &byte) != 1)
            return orc_fail(err, -EINVAL, "\"metrics\": expected pairs of hex digits.");
        ret->metrics[ret->metrics_len++] = (uint8_t)byte;
    }
    return r;
}

int link_route_from_json(const json_t *j, struct link_route *ret, struct orc_err *err)
{
    orc_auto_free char *text = NULL;
    struct link_route v = {.type = RTN_UNICAST, .table = RT_TABLE_MAIN};
    struct link_addr to = {0};
    int64_t metric = 0;
    int r = orc_json_str(j, "to", 64, &text, err);

    if (r < 0 || (r = link_addr_parse(text, &to, err)) < 0 ||
        (r = get_int(j, "table", INT32_MAX, &v.table, err)) < 0 ||
        (r = get_int(j, "protocol", 255, &v.protocol, err)) < 0 ||
        (r = get_int(j, "scope", 255, &v.scope, err)) < 0 ||
        (r = get_int(j, "type", 255, &v.type, err)) < 0 || (r = get_int(j, "tos", 255, &v.tos, err)) < 0 ||
        (r = orc_json_int_opt(j, "metric", 0, UINT32_MAX, &metric, err)) < 0 ||
        (r = get_ip(j, "via", &v.via, err)) < 0 || (r = get_ip(j, "from", &v.from, err)) < 0 ||
        (r = orc_json_bool_opt(j, "onlink", &v.onlink, err)) < 0 || (r = get_metrics(j, &v, err)) < 0)
        return r;
    v.to = to.ip;
    v.prefix = to.prefix;
    v.metric = (uint32_t)metric;
    *ret = v;
    return 0;
}
