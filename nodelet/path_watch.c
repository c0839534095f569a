#include "nodelet/path_watch.h"

#include "nodelet/paths.h"

#include "lib/log.h"
#include "lib/units.h"
#include "state/key.h"
#include "state/timer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#define ECHO_MS 300   /* for one echo: both ends are in one private network */
#define SETTLE_MS 50  /* several nodes that join at once are probed at once */
#define RETRY_MS 2000 /* netplug could not be asked */
#define HISTORY 3     /* so many mismatches in a row before a path that was well is called wrong */

struct peer {
    char node[KEY_NAME_MAX + 1];
    char address[INET_ADDRSTRLEN];
    int subnet, mtu;
    bool known; /* probed since it appeared or changed */
    bool reachable, full;
    int path_mtu, strikes;
    UT_hash_handle hh;
};

struct path_watch {
    struct netplug_client *netplug;
    struct timer *timer;
    path_watch_fn *fn;
    void *arg;
    char *node, *address;
    int subnet, mtu;
    struct peer *peers;
    struct orc_strv asked; /* nodes of the probe under way */
    bool probing, again, told, ok;
    char *reason;
};

static void probe(void *arg);

struct path_watch *path_watch_new(uv_loop_t *loop, struct netplug_client *netplug, const char *node,
                                  path_watch_fn *fn, void *arg)
{
    struct path_watch *w = orc_new(struct path_watch);

    w->netplug = netplug;
    w->node = orc_strdup(node);
    w->fn = fn;
    w->arg = arg;
    w->timer = timer_new(loop, probe, w);
    return w;
}

static void tell(struct path_watch *w, const char *reason)
{
    bool ok = !reason;

    if (w->told && w->ok == ok && orc_streq(w->reason, reason))
        return;
    w->told = true;
    w->ok = ok;
    orc_set_str(&w->reason, reason);
    w->fn(ok, reason ? reason : "", w->arg);
}

static void judge(struct path_watch *w)
{
    struct path_self self = {.node = w->node, .address = w->address, .subnet = w->subnet, .mtu = w->mtu};
    struct path *paths = orc_calloc(HASH_COUNT(w->peers) + 1, sizeof *paths);
    orc_auto_free char *reason = NULL;
    struct peer *p, *next;
    size_t n = 0;

    HASH_ITER (hh, w->peers, p, next)
        if (p->known)
            paths[n++] = (struct path){.node = p->node,
                                       .address = p->address,
                                       .subnet = p->subnet,
                                       .mtu = p->mtu,
                                       .reachable = p->reachable,
                                       .full = p->full,
                                       .path_mtu = p->path_mtu};
    reason = paths_blame(&self, paths, n);
    for (size_t i = 0; i < n && !reason; i++)
        if (path_mismatch(&self, &paths[i])) {
            orc_auto_free char *text = path_text(&self, &paths[i]);

            orc_warn("the path to another node is too small: %s", text);
        }
    tell(w, reason);
    free(paths);
}

/* A path that was well stays so until it failed several times: one lost round is no mismatch. */
static void take(struct peer *p, const struct netplug_peer *res)
{
    bool full = res->path == NETPLUG_PATH_OK;

    p->reachable = res->path != NETPLUG_PATH_UNREACHABLE;
    p->strikes = full || !p->reachable ? 0 : p->strikes + 1;
    if (p->known && p->full && !full && p->strikes < HISTORY)
        return;
    p->full = full;
    p->path_mtu = res->path_mtu;
    p->known = true;
}

static void on_probed(int error, const char *text, const struct netplug_probe_res *res, void *arg)
{
    struct path_watch *w = arg;
    bool striking = false;

    w->probing = false;
    if (error == -ECANCELED)
        return;
    if (error) {
        orc_auto_free char *reason = orc_printf("the paths to the other nodes can't be probed: %s", text);

        if (!w->told) /* later ones leave what was known */
            tell(w, reason);
        w->told = w->ok;
        timer_start(w->timer, RETRY_MS);
        return;
    }
    for (size_t i = 0; i < res->peers.n && i < w->asked.n; i++) {
        struct peer *p;

        HASH_FIND_STR(w->peers, w->asked.at[i], p);
        if (p && strcmp(p->address, res->peers.at[i].address) == 0)
            take(p, &res->peers.at[i]);
        striking |= p && p->strikes > 0 && p->strikes < HISTORY;
    }
    judge(w);
    timer_start(w->timer, w->again ? SETTLE_MS : striking ? RETRY_MS : PATH_WATCH_MS);
    w->again = false;
}

static void probe(void *arg)
{
    struct path_watch *w = arg;
    struct orc_strv addresses = {0};
    struct peer *p, *next;
    struct netplug_probe_req req = {.peers = &addresses, .mtu = w->mtu, .timeout_ms = ECHO_MS};

    if (!w->mtu)
        return;
    if (w->probing) {
        w->again = true;
        return;
    }
    orc_strv_release(&w->asked);
    HASH_ITER (hh, w->peers, p, next)
        if (addresses.n < NETPLUG_MAX_PEERS) {
            orc_strv_add(&addresses, p->address);
            orc_strv_add(&w->asked, p->node);
        }
    if (addresses.n == 0) {
        tell(w, NULL);
    } else {
        w->probing = true;
        netplug_probe(w->netplug, &req, on_probed, w);
    }
    orc_strv_release(&addresses);
}

/* A number that grows with the subnet; -1: there is none. */
static int subnet_of(const char *subnet)
{
    unsigned a, b, c;

    if (!subnet || sscanf(subnet, "%3u.%3u.%3u.0/24", &a, &b, &c) != 3 || a > 255 || b > 255 || c > 255)
        return -1;
    return (int)((a << 16) | (b << 8) | c);
}

void path_watch_self(struct path_watch *w, const char *address, const char *subnet, int mtu)
{
    orc_set_str(&w->address, address);
    w->subnet = subnet_of(subnet);
    w->mtu = mtu;
    timer_start(w->timer, 0);
}

void path_watch_peer(struct path_watch *w, const char *node, const struct record_node *peer)
{
    struct in_addr in;
    struct peer *p;
    int mtu = peer ? peer->mtu : 0, subnet = peer ? subnet_of(peer->subnet) : -1;

    HASH_FIND_STR(w->peers, node, p);
    if (!peer || !peer->address || inet_pton(AF_INET, peer->address, &in) != 1 || !mtu) {
        if (p) {
            HASH_DEL(w->peers, p);
            free(p);
        }
        return;
    }
    if (p && strcmp(p->address, peer->address) == 0 && p->mtu == mtu && p->subnet == subnet)
        return;
    if (!p) {
        p = orc_new(struct peer);
        snprintf(p->node, sizeof p->node, "%s", node);
        HASH_ADD_STR(w->peers, node, p);
    }
    snprintf(p->address, sizeof p->address, "%s", peer->address);
    p->mtu = mtu;
    p->subnet = subnet;
    p->known = false;
    p->strikes = 0;
    timer_start(w->timer, SETTLE_MS);
}

struct path_watch *path_watch_free(struct path_watch *w)
{
    struct peer *p, *next;

    if (!w)
        return NULL;
    HASH_ITER (hh, w->peers, p, next) {
        HASH_DEL(w->peers, p);
        free(p);
    }
    timer_free(w->timer);
    orc_strv_release(&w->asked);
    free(w->node);
    free(w->address);
    free(w->reason);
    free(w);
    return NULL;
}
