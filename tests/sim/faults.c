/* faults.c - what goes wrong, and that it ends. */
#include "tests/sim/cluster.h"

#include <stdio.h>

static struct sim_proc *any_proc(void)
{
    return world.procs[sim_below(world.n_procs)];
}

/* ---- processes */

static void crash_or_start(void)
{
    struct sim_proc *p = any_proc();

    if (p->up)
        process_crash(p);
    else
        process_start(p);
}

void fault_start(void *arg)
{
    struct sim_proc *p = arg;

    if (!p->up && !world.over)
        process_start(p);
}

static void crash_for_a_moment(void)
{
    struct sim_proc *p = any_proc();

    if (!p->up)
        return;
    process_crash(p);
    sim_once(sim_below(3000), fault_start, p);
}

static void pause_any(void)
{
    struct sim_proc *p = any_proc();

    if (p->up)
        process_pause(p, 100 + sim_below(sim_chance(3) ? 30000 : 4000));
}

static void wall_jump(void)
{
    struct sim_proc *p = any_proc();

    p->wall_offset = (int64_t)sim_below(200000000) - 100000000;
    sim_say("the wall clock of %s jumps by %lld s", p->name, (long long)p->wall_offset / 1000);
}

/* ---- the network */

static void cut_any(void)
{
    struct sim_proc *p = any_proc();

    process_cut(p, !p->link.cut);
}

void fault_mend(void *arg)
{
    struct sim_proc *p = arg;

    process_cut(p, false);
    p->link.refused = false;
    cluster.fault_at = world.now;
}

static void cut_for_a_moment(void)
{
    struct sim_proc *p = any_proc();

    process_cut(p, true);
    sim_once(sim_below(12000), fault_mend, p);
}

static void refuse_for_a_moment(void)
{
    struct sim_proc *p = any_proc();

    sim_say("%s is refused by etcd", p->name);
    p->link.refused = true;
    sim_once(sim_below(8000), fault_mend, p);
}

static void spoil_link(void)
{
    struct sim_proc *p = any_proc();

    p->link.flaky = sim_chance(2) ? 0 : 2 + (unsigned)sim_below(10);
    p->link.slow = sim_chance(2) ? 0 : sim_below(sim_chance(4) ? 2000 : 200);
    sim_say("%s: %s%llu ms slower", p->name, p->link.flaky ? "answers get lost, " : "",
            (unsigned long long)p->link.slow);
}

/* ---- the store */

static void member_fault(void)
{
    size_t i = sim_below(SIM_ETCD_MEMBERS);
    struct sim_member *m = &cluster.members[i];

    switch (sim_below(3)) {
    case 0:
        m->down = !m->down;
        if (m->down)
            stream_reset(i);
        break;
    case 1:
        m->stalled = !m->stalled;
        break;
    default:
        m->lag = m->lag ? 0 : sim_below(3000);
    }
    sim_say("etcd member %zu: %s%s, watches up to %llu ms late", i, m->down ? "down" : "up",
            m->stalled ? ", says nothing" : "", (unsigned long long)m->lag);
}

static void end_outage(void *arg)
{
    for (size_t i = 0; i < SIM_ETCD_MEMBERS; i++)
        cluster.members[i].down = cluster.members[i].stalled = false;
    if (sim_chance(3)) { /* all leases at once, as far as they have not been renewed */
        struct sim_lease *l, *next;

        HASH_ITER (hh, store.leases, l, next)
            store_expire(l);
    } else {
        store_renew_all();
    }
    sim_say("etcd is back");
    cluster.fault_at = world.now;
}

static void outage(void)
{
    bool down = sim_chance(2);

    sim_say("etcd is %s", down ? "down" : "without a leader: nothing is answered");
    for (size_t i = 0; i < SIM_ETCD_MEMBERS; i++) {
        cluster.members[i].down = down;
        cluster.members[i].stalled = !down;
        stream_reset(i);
    }
    store_renew_all(); /* who has no leader expires nothing */
    for (struct sim_lease *l = store.leases; l; l = l->hh.next)
        sim_event_in(&l->expiry, 100000);
    sim_once(sim_below(15000), end_outage, NULL);
}

static void expire_any(void)
{
    size_t n = HASH_COUNT(store.leases);
    struct sim_lease *l = store.leases;

    for (uint64_t i = n ? sim_below(n) : 0; l && i; i--)
        l = l->hh.next;
    if (l)
        store_expire(l);
}

static void compact(void)
{
    sim_say("etcd is compacted");
    store_compact(store.revision - (int64_t)sim_below(5));
}

static void recover(void *arg)
{
    if (cluster.frozen && !world.over)
        people_recover();
}

/* Else there is nothing to know: it was wiped before, and nobody has recovered since. */
static bool holds_cluster(void)
{
    orc_auto_free char *key = key_config(SIM_CLUSTER);

    return store_find(key) != NULL;
}

/* Another store in the place of ours: who knew ours must notice. */
static void replace_store(void)
{
    bool wipe = sim_chance(4), ours = holds_cluster();

    if (!wipe && (!cluster.backup.revision || world.now < cluster.backup_at + 10000))
        return;
    for (size_t i = 0; i < world.n_procs; i++) {
        struct sim_proc *p = world.procs[i];

        if (ours && (p->known > p->knew || (p->known && people_recovered_since(p->knew_at)))) {
            p->knew = p->known;
            p->knew_at = world.now;
        }
        p->known = p->seen = 0;
    }
    if (wipe)
        store_wipe();
    else
        store_restore(&cluster.backup, sim_chance(3));
    sim_say("etcd is %s", wipe ? "wiped" : "restored from an older backup");
    cluster.frozen = cluster.replaced = true;
    backup_release(&cluster.backup);
    people_look();
    check_replaced();
    sim_once(5000 + sim_below(30000), recover, NULL);
}

static void save_store(void)
{
    store_save(&cluster.backup);
    cluster.backup_at = world.now;
}

/* Somebody deletes the record of a task: its container is left alone. */
static void delete_record(void)
{
    struct sim_kv *kv, *next, *some = NULL;
    uint64_t i = 0;

    HASH_ITER (hh, store.kvs, kv, next)
        if (kv->name->key.kind == KEY_TASK && sim_below(++i) == 0)
            some = kv;
    if (!some || !sim_chance(3))
        return;
    sim_say("somebody deletes %s", some->name->at);
    store_delete(some->name->at);
}

/* ---- containers and engines */

struct sim_container *fault_container(void)
{
    struct sim_node *n = &cluster.nodes[sim_below((uint64_t)cluster.n_nodes)];
    struct sim_container *c = n->containers;

    for (uint64_t i = sim_below(4); c && c->next && i; i--)
        c = c->next;
    return c;
}

static void break_container(void)
{
    struct sim_container *c = fault_container();

    if (!c || c->state != SIM_RUNNING)
        return;
    if (sim_chance(2)) {
        engine_crash(c, sim_chance(2) ? 1 : 0);
        return;
    }
    c->sick_now = !c->sick_now;
    sim_say("container %s is %s", c->task, c->sick_now ? "sick" : "well again");
}

static void engine_back(void *arg)
{
    struct sim_node *n = arg;

    if (n->off)
        return;
    sim_say("%s: the engine is up", n->name);
    engine_set(n, true);
}

static void engine_fault(void)
{
    struct sim_node *n = &cluster.nodes[sim_below((uint64_t)cluster.n_nodes)];

    if (sim_chance(2)) {
        n->engine_fails = n->engine_fails ? 0 : 2 + (unsigned)sim_below(5);
        n->engine_slow = sim_chance(2) ? 0 : sim_below(5000);
        sim_say("%s: the engine %s, up to %llu ms slower", n->name, n->engine_fails ? "fails" : "works",
                (unsigned long long)n->engine_slow);
    } else if (n->engine_up) {
        sim_say("%s: the engine ends", n->name);
        engine_set(n, false);
        sim_once(sim_below(8000), engine_back, n);
    }
}

static void nginx_fault(void)
{
    struct sim_nginx *n =
        cluster.n_gateways ? &cluster.gateways[sim_below((uint64_t)cluster.n_gateways)] : NULL;

    if (!n)
        return;
    if (sim_chance(3)) {
        sim_say("%s: NGINX crashes", n->id);
        nginx_crash(n);
    } else if (n->proc->up) { /* the gateway dies, its NGINX routes on */
        process_crash(n->proc);
    }
}

/* ---- at the worst moment: what comes together by chance once in thousands of runs */

/* The lease ends in the middle of a withdrawal, and a gateway reads everything anew. */
void fault_lose_withdrawal(void)
{
    struct sim_kv *kv, *next;
    struct sim_lease *l = NULL;

    HASH_ITER (hh, store.kvs, kv, next) {
        const struct record_endpoint *e = sim_text_endpoint(kv->text);

        if (e && e->state == ENDPOINT_DRAINING)
            HASH_FIND(hh, store.leases, &kv->lease, sizeof kv->lease, l);
    }
    if (!l)
        return;
    store_expire(l);
    for (int i = 0; i < cluster.n_gateways; i++)
        if (sim_chance(2) && cluster.gateways[i].proc->up) {
            process_crash(cluster.gateways[i].proc);
            sim_once(sim_below(50), fault_start, cluster.gateways[i].proc);
        }
}

/* A container ends and runs again while its nodelet can't say so. */
static void crash_unseen(void)
{
    struct sim_container *c = fault_container();

    if (!c || c->state != SIM_RUNNING)
        return;
    process_cut(c->node->proc, true);
    engine_crash(c, 1);
    sim_once(1500 + sim_below(2500), fault_mend, c->node->proc);
}

static void cordon(void *arg)
{
    if (!world.over && !world.calm && !cluster.frozen)
        people_policy(arg, true, false);
}

/* What is decided is written late, and people do something meanwhile. */
static void late_decision(void)
{
    struct sim_service *s = &cluster.services[sim_below((uint64_t)cluster.n_services)];

    if (!s->wanted || cluster.frozen)
        return;
    for (int i = 0; i < cluster.n_schedulers; i++)
        cluster.schedulers[i]->link.slow = 300;
    people_restart(s);
    for (int i = 0; i < cluster.n_nodes; i++)
        if (sim_chance(2))
            sim_once(sim_below(1500), cordon, &cluster.nodes[i]);
}

/* Those whose consequences outlast the run's other promises come only in some runs. */
static bool is_allowed(void (*fault)(void))
{
    return (fault != replace_store || cluster.may_replace) && (fault != delete_record || cluster.may_delete);
}

void fault_any(void)
{
    static void (*const faults[])(void) = {
        crash_or_start,
        crash_for_a_moment,
        crash_for_a_moment,
        pause_any,
        wall_jump,
        cut_any,
        cut_for_a_moment,
        refuse_for_a_moment,
        spoil_link,
        member_fault,
        outage,
        expire_any,
        compact,
        break_container,
        break_container,
        break_container,
        engine_fault,
        nginx_fault,
        save_store,
        replace_store,
        delete_record,
        fault_lose_withdrawal,
        fault_lose_withdrawal,
        crash_unseen,
        late_decision,
    };

    size_t i = cluster.wide && sim_chance(3) ? SIZE_MAX : sim_below(ORC_ARRAY_SIZE(faults));

    if (i == SIZE_MAX)
        fault_wide();
    else if (is_allowed(faults[i]))
        faults[i]();
    cluster.fault_at = world.now;
}

/* ---- the end of all faults */

static void mend_proc(struct sim_proc *p)
{
    process_cut(p, false);
    p->link = (struct sim_link){0};
    if (p->resume_at)
        world_resume(p);
    if (!p->up)
        process_start(p);
}

static void mend_node(struct sim_node *n)
{
    fault_node_up(n);
    n->engine_fails = 0;
    n->engine_slow = 0;
    if (!n->engine_up)
        engine_back(n);
    for (struct sim_container *c = n->containers; c; c = c->next)
        c->sick_now = false;
    people_policy(n, false, false);
}

/* People look at what the servers report as orphans, again and again. */
static void clean(void *arg)
{
    if (world.over)
        return;
    engine_clean();
    sim_once(20000, clean, NULL);
}

void fault_end_all(void)
{
    sim_say("all faults end");
    world.calm = true;
    if (cluster.frozen)
        people_recover();
    for (size_t i = 0; i < SIM_ETCD_MEMBERS; i++)
        cluster.members[i] = (struct sim_member){0};
    store_renew_all();
    for (size_t i = 0; i < world.n_procs; i++)
        mend_proc(world.procs[i]);
    for (int i = 0; i < cluster.n_nodes; i++)
        mend_node(&cluster.nodes[i]);
    sim_once(20000, clean, NULL);
}
