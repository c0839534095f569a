#include "nodelet/docker_network.h"

#include "lib/mem.h"

#include <stdio.h>
#include <string.h>

#define MAX_ROUNDS 6 /* inspect, remove, create, and the races with somebody who does the same */

struct ensure {
    struct docker *d;
    json_t *config; /* keeps what is wanted */
    char *name, *bridge, *subnet, *ip_range, *gateway, *cluster_id;
    struct docker_network_want want;
    int rounds;
    docker_cb *cb;
    void *arg;
};

json_t *docker_network_config(const struct docker_network_want *want)
{
    char mtu[16];
    json_t *ipam = json_pack("{s:s,s:[{s:s,s:s,s:s}]}", "Driver", "default", "Config", "Subnet", want->subnet,
                             "IPRange", want->ip_range, "Gateway", want->gateway);

    snprintf(mtu, sizeof mtu, "%d", want->mtu);
    return json_pack("{s:s,s:s,s:b,s:o,s:{s:s,s:s},s:{s:s}}", "Name", want->name, "Driver", "bridge",
                     "CheckDuplicate", 1, "IPAM", ipam, "Options", "com.docker.network.bridge.name",
                     want->bridge, "com.docker.network.driver.mtu", mtu, "Labels", "orc.cluster",
                     want->cluster_id);
}

static const char *string_at(const json_t *obj, const char *key)
{
    const char *s = json_string_value(json_object_get(obj, key));

    return s ? s : "";
}

static char *differs(const char *what, const char *is, const char *want)
{
    return strcmp(is, want) == 0 ? NULL : orc_printf("its %s is \"%s\", wanted is \"%s\"", what, is, want);
}

char *docker_network_difference(const struct docker_network_want *want, const json_t *inspected)
{
    const json_t *options = json_object_get(inspected, "Options");
    const json_t *ipam = json_array_get(json_object_get(json_object_get(inspected, "IPAM"), "Config"), 0);
    char mtu[16], *d = differs("driver", string_at(inspected, "Driver"), "bridge");

    snprintf(mtu, sizeof mtu, "%d", want->mtu);
    if (!d)
        d = differs("bridge", string_at(options, "com.docker.network.bridge.name"), want->bridge);
    if (!d)
        d = differs("MTU", string_at(options, "com.docker.network.driver.mtu"), mtu);
    if (!d)
        d = differs("subnet", string_at(ipam, "Subnet"), want->subnet);
    if (!d)
        d = differs("address range", string_at(ipam, "IPRange"), want->ip_range);
    if (!d)
        d = differs("gateway", string_at(ipam, "Gateway"), want->gateway);
    return d;
}

static void finish(struct ensure *e, const struct docker_res *res)
{
    e->cb(res, e->arg);
    json_decref(e->config);
    free(e->name);
    free(e->bridge);
    free(e->subnet);
    free(e->ip_range);
    free(e->gateway);
    free(e->cluster_id);
    free(e);
}

static void fail(struct ensure *e, enum docker_kind kind, const char *text)
{
    struct docker_res res = {.kind = kind, .text = text};

    finish(e, &res);
}

static void look(struct ensure *e);

/* Created, or somebody was faster: look again in both cases. */
static void on_created(const struct docker_res *res, void *arg)
{
    struct ensure *e = arg;

    if (res->kind == DOCKER_OK)
        finish(e, res);
    else if (res->kind == DOCKER_CONFLICT)
        look(e);
    else
        finish(e, res);
}

static void create(struct ensure *e)
{
    struct docker_req req = {.path = "/networks/create", .body = e->config, .cb = on_created, .arg = e};

    docker_request(e->d, &req);
}

static void on_removed(const struct docker_res *res, void *arg)
{
    struct ensure *e = arg;

    if (res->kind == DOCKER_OK || res->kind == DOCKER_NOT_FOUND)
        create(e);
    else
        finish(e, res);
}

static void remove_it(struct ensure *e)
{
    orc_auto_free char *path = orc_printf("/networks/%s", e->name);
    struct docker_req req = {.method = "DELETE", .path = path, .cb = on_removed, .arg = e};

    docker_request(e->d, &req);
}

static void judge(struct ensure *e, const struct docker_res *res)
{
    orc_auto_free char *difference = docker_network_difference(&e->want, res->json);
    const json_t *users = json_object_get(res->json, "Containers");
    orc_auto_free char *text = NULL;

    if (!difference) {
        finish(e, res);
        return;
    }
    if (json_object_size(users) == 0) {
        remove_it(e);
        return;
    }
    text = orc_printf("Docker's network \"%s\" can't be used: %s; %zu containers use it, so it is left as it "
                      "is. Stop them, remove it with `docker network rm %s`, and nodelet makes it anew",
                      e->name, difference, json_object_size(users), e->name);
    fail(e, DOCKER_REFUSED, text);
}

static void on_inspected(const struct docker_res *res, void *arg)
{
    struct ensure *e = arg;

    if (res->kind == DOCKER_NOT_FOUND)
        create(e);
    else if (res->kind != DOCKER_OK)
        finish(e, res);
    else
        judge(e, res);
}

static void look(struct ensure *e)
{
    orc_auto_free char *path = orc_printf("/networks/%s", e->name);
    struct docker_req req = {.path = path, .cb = on_inspected, .arg = e};

    if (++e->rounds > MAX_ROUNDS) {
        fail(e, DOCKER_TROUBLE, "Docker's network \"orc\" is being made and removed by somebody else");
        return;
    }
    docker_request(e->d, &req);
}

void docker_network_ensure(struct docker *d, const struct docker_network_want *want, docker_cb *cb, void *arg)
{
    struct ensure *e = orc_new(struct ensure);

    e->d = d;
    e->name = orc_strdup(want->name);
    e->bridge = orc_strdup(want->bridge);
    e->subnet = orc_strdup(want->subnet);
    e->ip_range = orc_strdup(want->ip_range);
    e->gateway = orc_strdup(want->gateway);
    e->cluster_id = orc_strdup(want->cluster_id);
    e->want = (struct docker_network_want){.name = e->name,
                                           .bridge = e->bridge,
                                           .subnet = e->subnet,
                                           .ip_range = e->ip_range,
                                           .gateway = e->gateway,
                                           .mtu = want->mtu,
                                           .cluster_id = e->cluster_id};
    e->config = docker_network_config(&e->want);
    e->cb = cb;
    e->arg = arg;
    look(e);
}
