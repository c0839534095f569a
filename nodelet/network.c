#include "nodelet/network.h"

#include "nodelet/container_config.h"
#include "nodelet/docker_network.h"
#include "nodelet/path_watch.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "netplug/client.h"
#include "state/timer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 10000
#define CONFIRM_AGAIN_MS 500

struct network {
    struct network_opts opts;
    struct netplug_client *netplug;
    struct path_watch *paths;
    struct timer *retry, *confirm_again;
    uint64_t backoff;
    char *etcd_probe_key;
    struct etcd_call *etcd_probe;
    char *token; /* of a taking-over that waits to be confirmed, or NULL */

    bool begun;
    int k;
    char *cidr, *mode, *cluster_id;
    char gateway[INET_ADDRSTRLEN], bridge_address[INET_ADDRSTRLEN + 4], range[INET_ADDRSTRLEN + 4];
    int wanted_mtu;

    bool calling;       /* netplug or the engine is at it */
    bool bridged, made; /* orc0 is there; Docker's network is */
    bool engine;
    int mtu;
    char *address;
};

static void step(struct network *n);

static void blocked(struct network *n, const char *reason)
{
    n->opts.on_condition("network", false, reason, n->opts.arg);
    n->backoff = !n->backoff ? RETRY_MIN_MS : n->backoff * 2 < RETRY_MAX_MS ? n->backoff * 2 : RETRY_MAX_MS;
    timer_start(n->retry, n->backoff);
}

/* ---- the taking-over stays only if etcd is still reached through it ------------------------------------ */

static void ask_etcd(void *arg);

static void on_confirmed(int error, const char *text, void *arg)
{
    struct network *n = arg;

    if (error == -ECANCELED)
        return;
    if (error == 0) {
        orc_info("the interface stays in bridge " NETPLUG_BRIDGE ": etcd answers through it");
        free(n->token);
        n->token = NULL;
    } else if (error == -ESTALE) { /* put back already: ask for the bridge again */
        free(n->token);
        n->token = NULL;
        n->bridged = n->made = false;
        n->opts.on_ready(false, n->opts.arg);
        blocked(n, "the interface was put back because the change was not confirmed in time");
    } else {
        orc_warn("netplug could not be told to keep the network: %s", text);
        timer_start(n->confirm_again, CONFIRM_AGAIN_MS);
    }
}

static void on_etcd(const struct etcd_result *res, void *arg)
{
    struct network *n = arg;

    n->etcd_probe = NULL;
    if (res->error == -ECANCELED || !n->token)
        return;
    if (res->error)
        timer_start(n->confirm_again, CONFIRM_AGAIN_MS);
    else
        netplug_confirm(n->netplug, n->token, on_confirmed, n);
}

static void ask_etcd(void *arg)
{
    struct network *n = arg;

    if (!n->etcd_probe)
        n->etcd_probe = etcd_get(n->opts.etcd, n->etcd_probe_key, on_etcd, n);
}

/* ---- bridge -------------------------------------------------------------------------------------------- */

static void take_address(struct network *n, const char *address)
{
    n->opts.on_address(address, n->mtu, n->opts.arg);
    if (!orc_streq(n->address, address))
        orc_info("this node's private address is %s, the MTU of " NETPLUG_BRIDGE " is %d", address, n->mtu);
    orc_set_str(&n->address, address);
    path_watch_self(n->paths, n->address, n->range, n->mtu);
}

/* The first IPv4 address of orc0 that is not the one we gave it: the provider's. */
static void find_address(struct network *n, const struct orc_strv *addresses)
{
    char plain[INET_ADDRSTRLEN];
    struct in_addr in;

    if (n->opts.address) {
        take_address(n, n->opts.address);
        return;
    }
    for (size_t i = 0; i < addresses->n; i++) {
        snprintf(plain, sizeof plain, "%.*s", (int)strcspn(addresses->at[i], "/"), addresses->at[i]);
        if (inet_pton(AF_INET, plain, &in) == 1 && strcmp(plain, n->gateway) != 0) {
            take_address(n, plain);
            return;
        }
    }
    take_address(n, n->gateway); /* a bridge without a port: this machine alone */
}

static void on_bridge(int error, const char *text, const struct netplug_bridge_res *res, void *arg)
{
    struct network *n = arg;
    orc_auto_free char *reason = NULL;

    n->calling = false;
    if (error == -ECANCELED)
        return;
    if (error) {
        reason = orc_printf("the bridge " NETPLUG_BRIDGE " can't be made: %s", text);
        blocked(n, reason);
        return;
    }
    for (size_t i = 0; i < res->steps.n; i++)
        orc_info("netplug: %s", res->steps.at[i]);
    n->bridged = true;
    n->mtu = res->mtu;
    n->backoff = 0;
    find_address(n, &res->addresses);
    if (res->must_confirm) {
        orc_set_str(&n->token, res->token);
        ask_etcd(n);
    }
    step(n);
}

static void make_bridge(struct network *n)
{
    struct netplug_bridge_req req = {.mode = n->mode,
                                     .interface = n->opts.interface,
                                     .vlan = n->opts.vlan,
                                     .address = n->bridge_address,
                                     .mtu = n->wanted_mtu};

    n->calling = true;
    netplug_bridge(n->netplug, &req, on_bridge, n);
}

/* ---- Docker's network ---------------------------------------------------------------------------------- */

static void on_network(const struct docker_res *res, void *arg)
{
    struct network *n = arg;

    n->calling = false;
    if (res->kind != DOCKER_OK) {
        blocked(n, res->text);
        return;
    }
    n->made = true;
    n->backoff = 0;
    n->opts.on_condition("network", true, "", n->opts.arg);
    n->opts.on_ready(true, n->opts.arg);
}

static void make_network(struct network *n)
{
    struct docker_network_want want = {.name = CONTAINER_NETWORK,
                                       .bridge = NETPLUG_BRIDGE,
                                       .subnet = n->cidr,
                                       .ip_range = n->range,
                                       .gateway = n->gateway,
                                       .mtu = n->mtu,
                                       .cluster_id = n->cluster_id};

    n->calling = true;
    docker_network_ensure(n->opts.docker, &want, on_network, n);
}

static void step(struct network *n)
{
    if (!n->begun || n->calling)
        return;
    if (!n->bridged)
        make_bridge(n);
    else if (!n->made && n->engine)
        make_network(n);
}

static void on_retry(void *arg)
{
    step(arg);
}

/* ---- fed ----------------------------------------------------------------------------------------------- */

void network_begin(struct network *n, const struct record_config *config, int k)
{
    struct orc_err err = ORC_ERR_INIT;
    struct in_addr in;
    uint32_t net;
    int prefix;

    if (n->begun && n->k == k)
        return;
    if (record_config_cidr(config, &net, &prefix, &err) < 0) {
        blocked(n, err.msg);
        return;
    }
    orc_set_str(&n->cidr, config->cidr);
    orc_set_str(&n->mode, config->mode);
    orc_set_str(&n->cluster_id, config->cluster_id);
    n->wanted_mtu = config->mtu;
    n->k = k;
    in.s_addr = htonl(net + ((uint32_t)k << 8) + 1);
    inet_ntop(AF_INET, &in, n->gateway, sizeof n->gateway);
    snprintf(n->bridge_address, sizeof n->bridge_address, "%s/%d", n->gateway, prefix);
    in.s_addr = htonl(net + ((uint32_t)k << 8));
    inet_ntop(AF_INET, &in, n->range, sizeof n->range);
    strcat(n->range, "/24");
    n->begun = true;
    n->bridged = n->made = false;
    step(n);
}

void network_engine(struct network *n, bool up)
{
    n->engine = up;
    if (!up)
        return;
    n->made = false; /* looked at again: it may be another engine now */
    step(n);
}

void network_doubt(struct network *n)
{
    if (!n->made)
        return;
    n->made = false;
    timer_start(n->retry, RETRY_MIN_MS);
}

void network_peer(struct network *n, const char *node, const struct record_node *peer)
{
    path_watch_peer(n->paths, node, peer);
}

static void on_paths(bool ok, const char *reason, void *arg)
{
    struct network *n = arg;

    n->opts.on_condition("mtu", ok, reason, n->opts.arg);
}

struct network *network_new(const struct network_opts *opts)
{
    struct network *n = orc_new(struct network);

    n->opts = *opts;
    n->etcd_probe_key = orc_strdup(opts->etcd_probe_key);
    n->netplug = netplug_client_new(opts->loop, opts->netplug);
    n->paths = path_watch_new(opts->loop, n->netplug, opts->node, on_paths, n);
    n->retry = timer_new(opts->loop, on_retry, n);
    n->confirm_again = timer_new(opts->loop, ask_etcd, n);
    return n;
}

struct network *network_free(struct network *n)
{
    if (!n)
        return NULL;
    if (n->etcd_probe)
        etcd_cancel(n->etcd_probe);
    timer_free(n->retry);
    timer_free(n->confirm_again);
    netplug_client_free(n->netplug);
    path_watch_free(n->paths);
    free(n->token);
    free(n->etcd_probe_key);
    free(n->cidr);
    free(n->mode);
    free(n->cluster_id);
    free(n->address);
    free(n);
    return NULL;
}
