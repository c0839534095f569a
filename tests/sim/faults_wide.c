/* faults_wide.c - what goes wrong in the wide world alone: servers that are started anew, and things that
 * come together at the worst moment. */
#include "tests/sim/check.h"

static struct sim_node *any_node(void)
{
    return &cluster.nodes[sim_below((uint64_t)cluster.n_nodes)];
}

static struct sim_nginx *any_gateway(void)
{
    return cluster.n_gateways ? &cluster.gateways[sim_below((uint64_t)cluster.n_gateways)] : NULL;
}

/* ---- a server is started anew: its containers have ended, its disk and its name are the same */

void fault_node_up(struct sim_node *n)
{
    if (!n->off)
        return;
    n->off = false;
    sim_say("%s: the server is up, for the %dth time", n->name, n->boots + 1);
    engine_set(n, true);
    fault_start(n->proc);
    cluster.fault_at = world.now;
}

static void up(void *arg)
{
    if (!world.over)
        fault_node_up(arg);
}

static void reboot(void)
{
    struct sim_node *n = any_node();

    if (n->off)
        return;
    sim_say("%s: the server loses its power", n->name);
    process_crash(n->proc);
    engine_set(n, false);
    n->off = true;
    n->boots++;
    sim_once(500 + sim_below(sim_chance(2) ? 4000 : 20000), up, n);
}

/* ---- records of a server are collected, and it comes back at this moment */

static void forget(void *arg)
{
    if (!world.over && !world.calm && !cluster.frozen)
        people_forget_node(arg);
}

static void back_when_forgotten(void)
{
    struct sim_node *n = any_node();

    for (int i = 0; i < cluster.n_schedulers; i++)
        cluster.schedulers[i]->link.slow = 300;
    process_cut(n->proc, true);
    sim_once(5000 + sim_below(3000), forget, n);
    sim_once(6000 + sim_below(8000), fault_mend, n->proc);
}

/* ---- a gateway that is given up, with its NGINX alive, and comes back */

static void retire(void *arg)
{
    struct sim_nginx *n = arg;
    orc_auto_free char *key = key_gateway(SIM_CLUSTER, n->id);

    if (world.over || world.calm || cluster.frozen || n->proc->up)
        return;
    sim_say("%s is given up", n->id);
    store_delete(key);
}

static void give_up_gateway(void)
{
    struct sim_nginx *n = any_gateway();

    if (!n || !n->proc->up)
        return;
    process_crash(n->proc);
    sim_once(5000, retire, n);
}

static void back_in_withdrawal(void)
{
    struct sim_nginx *n = any_gateway();

    fault_lose_withdrawal();
    if (!n || n->proc->up)
        return;
    n->proc->link.slow = sim_below(4000); /* it is there, and late */
    sim_once(sim_below(100), fault_start, n->proc);
}

/* ---- a container ends and runs again while its nodelet can't say so, and is to go when it can */

static void restart_service(void *arg)
{
    struct sim_service *s = arg;

    if (!world.over && !world.calm && !cluster.frozen && s->wanted)
        people_restart(s);
}

static void crash_and_go(void)
{
    struct sim_container *c = fault_container();

    if (!c || c->state != SIM_RUNNING)
        return;
    process_cut(c->node->proc, true);
    engine_crash(c, 1);
    for (int i = 0; i < cluster.n_services; i++)
        if (strncmp(c->task, SIM_APP ".", 5) == 0 &&
            strncmp(c->task + 5, cluster.services[i].name, strlen(cluster.services[i].name)) == 0)
            sim_once(500 + sim_below(1500), restart_service, &cluster.services[i]);
    sim_once(1500 + sim_below(2500), fault_mend, c->node->proc);
}

/* Somebody's `docker rm -f`: what is missing is made anew. */
static void delete_container(void)
{
    struct sim_container *c = fault_container();

    if (c && c->node->engine_up)
        engine_delete(c);
}

static void die_withdrawing(void *arg)
{
    struct sim_kv *kv, *next;
    struct sim_node *n = NULL;

    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_endpoint *e = sim_text_endpoint(kv->text);

        if (e && e->state == ENDPOINT_DRAINING)
            n = &cluster.nodes[node_number(e->node)];
    }
    if (world.over || world.calm || !n || !n->proc->up)
        return;
    process_crash(n->proc);
    n->engine_slow = sim_below(400); /* it learns of its containers one by one */
    sim_once(sim_below(50), fault_start, n->proc);
}

/* Nodelets die while their tasks wait for a gateway, and are back before it agrees. */
static void die_in_withdrawal(void)
{
    struct sim_nginx *g = any_gateway();

    if (g)
        g->proc->link.slow = sim_below(3000);
    restart_service(&cluster.services[sim_below((uint64_t)cluster.n_services)]);
    for (int i = 0; i < 4; i++)
        sim_once(200 + sim_below(4000), die_withdrawing, NULL);
}

void fault_wide(void)
{
    static void (*const faults[])(void) = {
        reboot, reboot, back_when_forgotten, give_up_gateway, back_in_withdrawal, crash_and_go,
    };
    static void (*const hands[])(void) = {delete_container, delete_container, die_in_withdrawal};

    if (world.seed >= SIM_HANDS && sim_chance(2))
        hands[sim_below(ORC_ARRAY_SIZE(hands))]();
    else
        faults[sim_below(ORC_ARRAY_SIZE(faults))]();
}
