/* check_run.c - what must never happen to a container, whatever anybody believes: looked at in the engines
 * and at NGINX, where it really happens. */
#include "tests/sim/check.h"

#include <stdio.h>

#define CALM_MS 5000

/* ---- starting */

bool check_is_orphan(const struct sim_container *c)
{
    const struct told *t = told_find(c->task);

    return !t || t->gone || strcmp(t->node, c->node->name) != 0 || t->revision != c->revision;
}

static struct holder *holder_of(const char *address)
{
    struct holder *h = NULL;

    HASH_FIND_STR(check.holders, address, h);
    if (h)
        return h;
    h = orc_new(struct holder);
    snprintf(h->address, sizeof h->address, "%s", address);
    HASH_ADD_STR(check.holders, address, h);
    return h;
}

/* Behaviour 19: what really runs on a server, stopping ones included, fits on it. */
static void check_capacity(const struct sim_container *c)
{
    struct spec_resources sum = c->needs;

    for (const struct sim_container *o = c->node->containers; o; o = o->next)
        if (o != c && o->state == SIM_RUNNING && !check_is_orphan(o)) {
            sum.cpus_nano += o->needs.cpus_nano;
            sum.memory += o->needs.memory;
        }
    if (sum.cpus_nano > c->node->capacity.cpus_nano || sum.memory > c->node->capacity.memory)
        sim_broken("capacity", "%s runs on %s, which has no room for it", c->task, c->node->name);
}

/* One container per address, and none before the last one's requests can't come any more. */
static void check_address(const struct sim_container *c, const struct told *t)
{
    struct holder *h = holder_of(c->address);

    if (h->task && h->task->orphan) /* nobody knows that its address is taken */
        h->task = NULL;
    if (h->task && h->task != t && h->exists)
        sim_broken("one-per-address", "%s and %s both have %s", c->task, h->task->id, c->address);
    if (h->task && h->task != t && world.now < h->gone_at + SIM_ADDRESS_HOLD_MS)
        sim_broken("address-at-once", "%s gets %s, which %s had %llu ms ago", c->task, c->address,
                   h->task->id, (unsigned long long)(world.now - h->gone_at));
    h->task = t;
    h->exists = true;
}

static void check_port(const struct sim_container *c)
{
    for (const struct sim_container *o = c->node->containers; o; o = o->next)
        if (o != c && !check_is_orphan(o) && c->host_port && o->state == SIM_RUNNING &&
            o->host_port == c->host_port)
            sim_broken("one-per-port", "%s and %s both have port %d of %s", c->task, o->task, c->host_port,
                       c->node->name);
}

/* A stop-first successor starts when its predecessor has stopped: unless that one's server was away
 * meanwhile, or its time for stopping is long over (behaviour 56). One that was made while the other should
 * run is none: it is where a replica is moved to. */
static void check_alone(const struct sim_container *c, const struct told *t)
{
    const struct sim_service *s = service_named(t->service);

    for (int i = 0; s && s->order == SPEC_STOP_FIRST && i < cluster.n_nodes; i++)
        for (const struct sim_container *o = cluster.nodes[i].containers; o; o = o->next) {
            const struct told *other = told_find(o->task);

            if (o == c || o->state != SIM_RUNNING || check_is_orphan(o) || !other || other->slot != t->slot ||
                (s->job && other->run != t->run) || strcmp(other->service, t->service) != 0 ||
                t->create < other->left_revision || !check.node_alive_since[i] || !other->left_at ||
                check.node_alive_since[i] >= other->left_at ||
                world.now > other->left_at + s->drain_ms + s->grace_ms + 30000)
                continue;
            sim_broken("slot-alone", "%s starts and %s of the same slot still runs", c->task, o->task);
        }
}

void check_started(struct sim_container *c)
{
    struct told *t = told_find(c->task);

    if (!t)
        sim_broken("unknown-task", "the container %s starts and was never asked for", c->task);
    if (c->node->proc->dying || cluster.replaced)
        return;
    check_capacity(c);
    if (*c->sidecar)
        return;
    t->was_ready = false;
    check_address(c, t);
    check_port(c);
    if (c->starts == 0)
        check_alone(c, t);
}

/* ---- stopping */

/* May requests still come from this gateway's NGINX, and did somebody have to wait for that? Not beyond the
 * drain time-out; not for who registered after the endpoint was withdrawn, or has been forgotten. */
static bool must_wait_for(const struct sim_container *c, const struct told *t, int gateway)
{
    const struct sim_nginx *n = &cluster.gateways[gateway];
    const struct sim_service *s = service_named(t->service);
    unsigned agree = t->agree;

    if (!nginx_may_pick(n, t->id) && !nginx_in_flight(n, t->id))
        return false;
    if (!t->draining_at)
        return t->was_ready;
    if (t->again_at && c->stop_asked_at <= t->again_at) /* it was asked for before: nobody could know */
        agree = t->agreed;
    return (agree & (1u << gateway)) && world.now < t->draining_at + (s ? s->drain_ms : 30000);
}

/* Whoever reads the endpoints at this moment would send it requests. */
static bool is_offered(const struct told *t)
{
    orc_auto_free char *key = key_endpoint(SIM_CLUSTER, SIM_APP, t->service, t->id);
    const struct sim_kv *kv = store_find(key);
    const struct record_endpoint *e = kv ? sim_text_endpoint(kv->text) : NULL;

    return e && e->state == ENDPOINT_READY && strcmp(e->node, t->node) == 0;
}

static void check_withdrawn(const struct sim_container *c, const struct told *t)
{
    if (!cluster.replaced && is_offered(t))
        sim_broken("withdrawn-first", "%s is stopped, and its endpoint is ready", t->id);
    for (int i = 0; i < cluster.n_gateways && !cluster.replaced; i++)
        if (must_wait_for(c, t, i))
            sim_broken("withdrawn-first", "%s is stopped and %s %s", t->id, cluster.gateways[i].id,
                       nginx_may_pick(&cluster.gateways[i], t->id) ? "may still choose it"
                                                                   : "has requests in flight to it");
}

/* In the network that is its task's, a sidecar runs for as long as the main container does, and to its end,
 * but for a fence. */
static void check_sidecar_signalled(const struct sim_container *c)
{
    if (engine_is_joined(c))
        sim_broken("sidecar-first", "the sidecar %s is stopped, and the container whose network it has runs",
                   c->name);
}

void check_signalled(struct sim_container *c, struct sim_proc *by)
{
    const struct told *t = told_find(c->task);

    if (!c->term_at)
        c->fenced = t && check_is_fenced(c);
    if (c->fenced)
        return;
    if (*c->sidecar) {
        check_sidecar_signalled(c);
        return;
    }
    if (!t || t->desired == TASK_RUN)
        sim_broken("stopped-unasked", "%s is stopped, and shall run", c->task);
    if (!c->term_at)
        check_withdrawn(c, t);
}

static void gives_its_address_back(const struct sim_container *c, const struct told *t)
{
    struct holder *h = holder_of(c->address);

    if (h->task != t || *c->sidecar)
        return;
    h->exists = false;
    h->gone_at = world.now;
}

void check_deleted(struct sim_container *c)
{
    struct told *t = told_find(c->task);

    if (!t)
        return;
    t->ends++;
    gives_its_address_back(c, t);
}

void check_removed(struct sim_container *c, struct sim_proc *by)
{
    const struct told *t = told_find(c->task);

    if (*c->sidecar && !engine_main(c)) /* what it was made for is gone */
        return;
    if (!t || t->desired != TASK_REMOVE)
        sim_broken("removed-unasked", "the container %s is deleted, and nobody said so", c->task);
    gives_its_address_back(c, t);
}

/* ---- gateways */

/* A gateway registers before it lets NGINX choose somebody: who is not known to be there is not waited for.
 * So it never lets NGINX choose who was withdrawn before it registered; but whom NGINX chooses already stays
 * until it has read. */
void check_table(const struct sim_nginx *n)
{
    const struct registration *r = &check.gateways[gateway_number(n->id)];
    bool has_read = strtoll(n->text + strlen("orc1 "), NULL, 10) >= r->revision;
    const struct sim_peer *p;

    orc_vec_each (p, &n->peers) {
        const struct told *t = p->there && p->state == 'r' ? told_find(p->task) : NULL;

        if (!t || cluster.replaced)
            continue;
        if (r->started_at != n->proc->started_at && !p->still)
            sim_broken("registered-first", "%s lets NGINX choose %s, and has not registered", n->id, t->id);
        if (t->draining_at && t->draining_revision < r->revision && (has_read || !p->still))
            sim_broken("registered-first", "%s lets NGINX choose %s, withdrawn before it registered", n->id,
                       t->id);
    }
}

/* ---- requests */

/* A gateway that is dead for so long that it was retired has an NGINX that nobody can reach: it routes by its
 * old table, beyond the time for which addresses rest. */
static bool is_registered(int gateway)
{
    orc_auto_free char *key = key_gateway(SIM_CLUSTER, cluster.gateways[gateway].id);

    return store_find(key) != NULL;
}

/* Nothing has gone wrong for a while, and this gateway and the store are well. */
static bool is_calm(const struct sim_proc *p)
{
    bool well = p->up && !p->resume_at && !p->link.cut && !p->link.refused && !p->link.flaky &&
                !p->link.slow && world.now > cluster.fault_at + CALM_MS &&
                world.now > p->started_at + CALM_MS;

    for (int i = 0; i < SIM_ETCD_MEMBERS; i++)
        well = well && !cluster.members[i].down && !cluster.members[i].stalled && !cluster.members[i].lag;
    return well;
}

static bool has_ready(const char *service)
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_endpoint *e = sim_text_endpoint(kv->text);

        const struct told *t = told_find(kv->name->key.task);

        if (e && e->state == ENDPOINT_READY && strcmp(kv->name->key.service, service) == 0 && t &&
            world.now > t->ready_since + CALM_MS)
            return true;
    }
    return false;
}

/* An endpoint that is not there any more is chosen only where there is no other. */
static void check_suspect(const struct sim_nginx *n, const struct told *t)
{
    if (t && t->endpoint_gone_at && world.now > t->endpoint_gone_at + CALM_MS && is_calm(n->proc) &&
        has_ready(t->service))
        sim_broken("suspect-chosen",
                   "%s chooses %s, whose endpoint is gone for %llu ms, and there are others", n->id, t->id,
                   (unsigned long long)(world.now - t->endpoint_gone_at));
}

void check_request(const struct sim_nginx *n, const char *task, const char *address)
{
    const struct sim_container *c = engine_by_address(address);
    const struct told *t = told_find(task);
    int gateway = gateway_number(n->id);

    if (c && strcmp(c->task, task) == 0)
        cluster.answered++;
    if (!cluster.replaced)
        check_suspect(n, t);
    if (!c || cluster.replaced || (t && t->orphan) || !is_registered(gateway))
        return;
    if (strcmp(c->task, task) != 0)
        sim_broken("request-to-another", "%s sends a request for %s to %s, where %s is now", n->id, task,
                   address, c->task);
    if (c->term_at && !c->fenced && t && must_wait_for(c, t, gateway))
        sim_broken("request-to-stopping", "%s sends a request to %s, which was told to end", n->id, task);
}
