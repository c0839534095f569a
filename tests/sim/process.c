/* process.c - orc's daemons in the simulated world: started, crashed, stopped for a while, cut off. What runs
 * is shell_new(), nodelet_new() and gateway_new(), with only the machine below them replaced. */
#include "tests/sim/cluster.h"

#include "gateway/gateway.h"
#include "nodelet/network.h"
#include "nodelet/nodelet.h"
#include "nodelet/prober.h"
#include "scheduler/shell.h"

#include <stdio.h>

static uv_loop_t loop; /* never run: what would be on it is the world's */

struct sim_proc *process_new(enum sim_kind kind, const char *name)
{
    struct sim_proc *p = orc_new(struct sim_proc);

    p->kind = kind;
    snprintf(p->name, sizeof p->name, "%s", name);
    world.procs = orc_realloc(world.procs, world.n_procs + 1, sizeof(struct sim_proc *));
    world.procs[world.n_procs++] = p;
    return p;
}

/* ---- starting */

static struct orc_strv etcd = {0};
static struct orc_strv listen_on = {0};
static struct spec_pairs zone_a = {0}, zone_b = {0};

static void make_arguments(void)
{
    if (etcd.n)
        return;
    orc_strv_add(&etcd, "http://etcd");
    orc_strv_add(&listen_on, "10.0.0.1:80");
    spec_pairs_add(&zone_a, "zone", "a");
    spec_pairs_add(&zone_b, "zone", "b");
}

static void *start_scheduler(struct sim_proc *p, struct orc_err *err)
{
    struct shell_opts o = {
        .etcd = &etcd, .cluster = SIM_CLUSTER, .id = p->name, .host = p->name, .guard = "guard"};

    return shell_new(&loop, &o, err);
}

static void *start_nodelet(struct sim_proc *p, struct orc_err *err)
{
    struct nodelet_opts o = {.loop = &loop,
                             .etcd = &etcd,
                             .cluster = SIM_CLUSTER,
                             .name = p->node->name,
                             .state_dir = "state",
                             .labels = p->node->zone ? &zone_a : &zone_b};

    return nodelet_new(&o, err);
}

static void on_gateway_end(int status, void *arg)
{
}

static void *start_gateway(struct sim_proc *p, struct orc_err *err)
{
    struct gateway_opts o = {.etcd = &etcd,
                             .cluster = SIM_CLUSTER,
                             .id = p->nginx->id,
                             .state_dir = "state",
                             .conf = {.dir = "/run/nginx", .listen = &listen_on, .lua_digest = "0"}};

    return gateway_new(&loop, &o, on_gateway_end, p, err);
}

void process_start(struct sim_proc *p)
{
    struct orc_err err = ORC_ERR_INIT;
    struct sim_proc *was;

    if (p->node && p->node->off)
        return;
    was = sim_become(p);
    make_arguments();
    sim_say("starts");
    p->resume_at = 0;
    p->seen = p->known = p->knew = 0;
    p->knew_at = 0;
    p->started_at = world.now;
    p->self = p->kind == SIM_SCHEDULER ? start_scheduler(p, &err)
              : p->kind == SIM_NODELET ? start_nodelet(p, &err)
                                       : start_gateway(p, &err);
    if (!p->self)
        sim_broken("start", "%s does not start: %s", p->name, err.msg);
    p->up = true;
    sim_become(was);
}

/* ---- ending: without any notice; its memory is given back, and what it sent is on its way */

void process_crash(struct sim_proc *p)
{
    struct sim_proc *was;

    if (!p->up)
        return;
    was = sim_become(p);
    sim_say("crashes");
    p->dying = true;
    if (p->kind == SIM_SCHEDULER)
        shell_free(p->self);
    else if (p->kind == SIM_NODELET)
        nodelet_free(p->self);
    else
        gateway_free(p->self);
    p->self = NULL;
    p->up = p->dying = false;
    p->resume_at = 0;
    sim_become(was);
}

void process_pause(struct sim_proc *p, uint64_t ms)
{
    sim_say("%s is stopped for %llu ms", p->name, (unsigned long long)ms);
    p->resume_at = world.now + ms;
}

void process_cut(struct sim_proc *p, bool cut)
{
    if (p->link.cut == cut)
        return;
    sim_say("%s %s etcd", p->name, cut ? "is cut off from" : "reaches");
    p->link.cut = cut;
    p->link.cut_since = world.now;
    if (cut)
        stream_cut(p);
}

void process_crash_all(void)
{
    for (size_t i = 0; i < world.n_procs; i++)
        process_crash(world.procs[i]);
}

void process_release_all(void)
{
    for (size_t i = 0; i < world.n_procs; i++) {
        sim_disk_clear(world.procs[i]);
        free(world.procs[i]);
    }
    free(world.procs);
    world.procs = NULL;
    world.n_procs = 0;
}

/* ---- nodelet/network.h: the network is made a little after the engine is there */

struct network {
    struct network_opts o;
    struct sim_event event;
    bool begun;
};

static void on_network(void *arg)
{
    struct network *n = arg;
    orc_auto_free char *address = orc_printf("10.0.0.%d", 10 + world.current->node->k);

    n->o.on_address(address, 1500, n->o.arg);
    n->o.on_condition("network", true, "", n->o.arg);
    n->o.on_condition("mtu", true, "", n->o.arg);
    n->o.on_ready(true, n->o.arg);
}

struct network *network_new(const struct network_opts *opts)
{
    struct network *n = orc_new(struct network);

    n->o = *opts;
    sim_event_init(&n->event, world.current, on_network, n);
    return n;
}

struct network *network_free(struct network *n)
{
    if (n)
        sim_event_cancel(&n->event);
    free(n);
    return NULL;
}

void network_begin(struct network *n, const struct record_config *config, int k)
{
    n->begun = true;
    sim_event_in(&n->event, sim_below(100));
}

void network_engine(struct network *n, bool up)
{
    if (n->begun && up)
        sim_event_in(&n->event, sim_below(100));
}

void network_doubt(struct network *n)
{
}

void network_peer(struct network *n, const char *node, const struct record_node *peer)
{
}

/* ---- nodelet/prober.h: what answers at the address now */

struct prober {
    struct sim_event event;
    char address[16];
    prober_cb *cb;
    void *arg;
};

static void on_probe(void *arg)
{
    struct prober p = *(struct prober *)arg;
    const struct sim_container *c = engine_by_address(p.address);

    free(arg);
    if (!c)
        p.cb(PROBE_FAILED, "connection refused", p.arg);
    else if (engine_is_healthy(c))
        p.cb(PROBE_OK, "HTTP 200", p.arg);
    else
        p.cb(PROBE_FAILED, "HTTP 503", p.arg);
}

struct prober *prober_start(const struct prober_env *env, const struct spec_health *spec, const char *address,
                            const char *container, prober_cb *cb, void *arg)
{
    struct prober *p = orc_new(struct prober);

    strncpy(p->address, address, sizeof p->address - 1);
    p->cb = cb;
    p->arg = arg;
    sim_event_init(&p->event, world.current, on_probe, p);
    sim_event_in(&p->event, 1 + sim_below(5));
    return p;
}

void prober_cancel(struct prober *p)
{
    sim_event_cancel(&p->event);
    free(p);
}
