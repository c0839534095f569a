/* rich_cluster.h - random histories of random clusters in which everything that a spec can say is said by
 * some service: for properties that must hold whatever is asked for. Included by one test program each.
 *
 * One seed is one exact history. People and faults act between two steps, never within one: what a step
 * decides is decided on the store as it is, so that what must hold can be held against the store alone.
 */
#ifndef TESTS_UNIT_RICH_CLUSTER_H
#define TESTS_UNIT_RICH_CLUSTER_H

#include "tests/sim/history.h"

#include <stdlib.h>

#define RICH_NODES 6
#define RICH_SERVICES 6

struct rich_service {
    char name[16];
    int64_t revision, epoch; /* the highest so far */
    bool wanted, global, job;
    struct spec_update update; /* of all its revisions, and of going back */
    uint64_t disconnect_ms;
};

struct rich {
    struct sim *s;
    uint64_t seed;
    int n_nodes, n_services;
    int boots[RICH_NODES + 1]; /* starts of each server */
    struct rich_service services[RICH_SERVICES];
    bool wide;   /* everything fits beside everything, wherever it is */
    bool gentle; /* what runs well goes on doing so */
    bool calm;   /* all faults have ended, and what is applied from now on works */
};

SIM_FN int rich_below(struct rich *r, int n)
{
    return (int)(sim_random(r->s) % (uint64_t)n);
}

SIM_FN const char *rich_one_of(struct rich *r, const char *const *at, size_t n)
{
    return at[sim_random(r->s) % n];
}
#define rich_any(r, ...)                                                                                     \
    rich_one_of((r), (const char *const[]){__VA_ARGS__},                                                     \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- what services ask for */

SIM_FN void rich_where(struct rich *r, struct spec_service *w)
{
    if (sim_chance(r->s, 4))
        orc_vec_push(&w->constraints,
                     ((struct spec_constraint){orc_strdup("node.labels.disk"), sim_chance(r->s, 2),
                                               orc_strdup(rich_any(r, "ssd", "HDD"))}));
    if (sim_chance(r->s, 6))
        orc_vec_push(&w->constraints, ((struct spec_constraint){orc_strdup("node.hostname"), false,
                                                                orc_strdup(rich_any(r, "k1", "K2", "k3"))}));
    if (sim_chance(r->s, 6))
        orc_vec_push(&w->constraints, ((struct spec_constraint){orc_strdup("node.platform.arch"), true,
                                                                orc_strdup("x86_64")}));
    if (w->global) /* which chooses nothing */
        return;
    if (sim_chance(r->s, 3))
        orc_strv_add(&w->spread_over, "node.labels.zone");
    if (sim_chance(r->s, 4))
        orc_strv_add(&w->spread_over, "node.labels.disk");
    if (sim_chance(r->s, 4))
        w->strategy = SPEC_BINPACK;
    if (sim_chance(r->s, 4))
        w->max_per_node = 1 + rich_below(r, 3);
}

SIM_FN void rich_takes(struct rich *r, struct spec_service *w)
{
    w->limits = (struct spec_resources){(1 + rich_below(r, 10)) * INT64_C(100000000),
                                        (20 + rich_below(r, 200)) * SIM_MIB};
    if (sim_chance(r->s, 3))
        w->reservations.memory = w->limits.memory / 2;
    if (sim_chance(r->s, 5))
        w->limits.cpus_nano = 0;
    if (sim_chance(r->s, 3))
        w->pids_limit = 100 * (1 + rich_below(r, 4));
    for (int i = rich_below(r, 4) - 1; i > 0; i--)
        orc_vec_push(&w->ports,
                     ((struct spec_port){.host_ip = orc_strdup(rich_any(r, "", "0.0.0.0", "127.0.0.1")),
                                         .host = (uint16_t)(8079 + i),
                                         .container = (uint16_t)(80 + i),
                                         .udp = sim_chance(r->s, 3)}));
    if (sim_chance(r->s, 4))
        orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                      .source = orc_strdup(rich_any(r, "data", "cache")),
                                                      .target = orc_strdup("/data"),
                                                      .read_only = sim_chance(r->s, 3)}));
    if (sim_chance(r->s, 6))
        orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_BIND,
                                                      .source = orc_strdup("/srv"),
                                                      .target = orc_strdup("/srv"),
                                                      .read_only = true}));
}

SIM_FN void rich_no_check(struct spec_service *w)
{
    w->health.kind = SPEC_HEALTH_NONE;
    w->health.port = 0;
    free(orc_take(w->health.path));
}

/* In the server's own network a port is the container's and the server's; in none there are no ports, and
 * nobody could ask for its health. */
SIM_FN void rich_network(struct rich *r, struct spec_service *w)
{
    static const enum spec_network any[] = {SPEC_NETWORK_HOST, SPEC_NETWORK_NONE, SPEC_NETWORK_HOST};
    struct spec_port *p;

    w->network = any[rich_below(r, 3)];
    if (w->network == SPEC_NETWORK_NONE) {
        orc_vec_each (p, &w->ports)
            free(p->host_ip);
        orc_vec_release(&w->ports);
        rich_no_check(w);
    }
    orc_vec_each (p, &w->ports)
        p->container = p->host;
}

/* Containers beside each replica's own, which is all that they add to it. */
SIM_FN void rich_sidecars(struct rich *r, struct spec_service *w)
{
    static const char *const names[] = {"log", "proxy"};

    for (int i = rich_below(r, 3); i > 0; i--) {
        struct spec_service *one = spec_service_new(names[i - 1]);

        one->image = orc_strdup("beside");
        one->limits =
            (struct spec_resources){rich_below(r, 4) * INT64_C(100000000), rich_below(r, 60) * SIM_MIB};
        if (w->pids_limit)
            one->pids_limit = 20 * (1 + rich_below(r, 4));
        if (sim_chance(r->s, 5))
            orc_vec_push(&one->mounts,
                         ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                              .source = orc_strdup(rich_any(r, "data", "cache")),
                                              .target = orc_strdup("/data"),
                                              .read_only = sim_chance(r->s, 3)}));
        orc_vec_push(&w->sidecars, *one);
        free(one);
    }
}

/* How a revision runs, once it does. */
SIM_FN void rich_lives(struct rich *r, struct spec_service *w, const struct rich_service *x)
{
    w->update = x->update;
    if (sim_chance(r->s, 3)) {
        w->rollback = x->update;
        w->rollback_set = true;
        w->rollback.failure_action = SPEC_ON_FAILURE_PAUSE;
        w->rollback.delay_ms = 1000;
    }
    w->disconnect_ms = x->disconnect_ms;
    w->rebalance_auto = sim_chance(r->s, 4);
    w->rebalance_after_ms = 20000;
    w->canary = sim_chance(r->s, 4) ? 1 + rich_below(r, 2) : 0;
    w->progress_deadline_ms = sim_chance(r->s, 3) ? 20000 : 600000;
    w->drain_timeout_ms = 1000 * (uint64_t)rich_below(r, 40);
    w->fence_ms = sim_chance(r->s, 6) ? 6000 : 0;
    w->survive_node_loss = sim_chance(r->s, 6);
    if (sim_chance(r->s, 4)) {
        rich_no_check(w);
    }
    if (sim_chance(r->s, 5))
        w->restart = SPEC_RESTART_ON_FAILURE;
}

SIM_FN void rich_as_job(struct rich *r, struct spec_service *w)
{
    w->job = true;
    w->restart = SPEC_RESTART_NO;
    rich_no_check(w);
    w->canary = 0;
    w->disconnect_ms = 0;
    w->rebalance_auto = false;
    orc_set_str(&w->image, r->calm ? "exit0" : rich_any(r, "exit0", "exit0", "exit1", "good"));
    w->run = (struct spec_run){rich_below(r, 3), rich_below(r, 4) - 1, 1000, 3};
    if (sim_chance(r->s, 2)) {
        w->schedule.cron = orc_strdup("* * * * *");
        w->schedule.concurrency = (enum spec_concurrency)rich_below(r, 3);
        w->schedule.deadline_ms = 30000;
    }
}

/* It waits for services that come before it, so never in a circle. */
SIM_FN void rich_depends(struct rich *r, struct spec_service *w, int i)
{
    if (i == 0 || !sim_chance(r->s, 4))
        return;
    orc_vec_push(&w->depends_on,
                 ((struct spec_depend){orc_printf("s%d", rich_below(r, i)),
                                       (enum spec_depends)rich_below(r, SPEC_DEPENDS_COMPLETED + 1)}));
}

/* That what it asks for could be in a file. */
SIM_FN void rich_assert_readable(const struct spec_service *w)
{
    orc_auto_free char *text = spec_service_text(w);
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_json json_t *j = orc_json_parse(text, strlen(text), &err);
    struct spec_service *again = spec_service_from_json(j, &err);

    if (!again)
        fail_msg("%s", err.msg);
    spec_service_free(again);
}

SIM_FN struct spec_service *rich_spec(struct rich *r, int i)
{
    struct rich_service *x = &r->services[i];
    struct spec_service *w =
        sim_spec(x->name, rich_below(r, 9),
                 rich_any(r, "good", "good", "good", "sick", "missing", "crash", "stuck", "pull"));

    if (r->calm)
        orc_set_str(&w->image, "good");
    w->global = x->global;
    if (!r->wide) {
        rich_where(r, w);
        rich_takes(r, w);
    }
    rich_lives(r, w, x);
    rich_depends(r, w, i);
    if (x->job)
        rich_as_job(r, w);
    if (!r->wide && sim_chance(r->s, 4))
        rich_network(r, w);
    if (!r->wide && !x->job && sim_chance(r->s, 4))
        rich_sidecars(r, w);
    if (w->global)
        w->replicas = SPEC_REPLICAS_DEFAULT;
    spec_pairs_add(&w->labels, "version", sim_chance(r->s, 2) ? "1" : "2");
    spec_service_sort(w);
    rich_assert_readable(w);
    return w;
}

SIM_FN void rich_apply(struct rich *r, int i)
{
    r->services[i].wanted = true;
    sim_apply(r->s, "shop", ++r->services[i].revision, rich_spec(r, i));
}

/* ---- nodes */

SIM_FN const char *rich_node_name(int k, char ret[16])
{
    snprintf(ret, 16, "k%d", k);
    return ret;
}

/* Its address, subnet and name stay; all else may be another each time. */
SIM_FN void rich_node_put(struct rich *r, int k)
{
    struct record_node n = {
        .capacity = {INT64_C(1000000000) << rich_below(r, 4), (200 + rich_below(r, 2000)) * SIM_MIB},
        .reserve = {rich_below(r, 2) * INT64_C(200000000), rich_below(r, 2) * 64 * SIM_MIB},
        .pids = sim_chance(r->s, 2) ? 500 + rich_below(r, 1000) : 0};
    char name[16];

    if (r->wide)
        n = (struct record_node){.capacity = {INT64_C(64000000000), 64000 * SIM_MIB}};
    n.address = orc_printf("10.0.0.%d", 10 + k);
    n.subnet = orc_printf("10.210.%d.0/24", k);
    n.os = orc_strdup("linux");
    n.arch = orc_strdup(k % 4 ? "amd64" : "arm64");
    spec_pairs_add(&n.labels, "disk", sim_chance(r->s, 5) ? "hdd" : k % 2 ? "ssd" : "HDD");
    spec_pairs_add(&n.labels, "zone", k % 3 ? "a" : "b");
    if (sim_chance(r->s, 8))
        orc_vec_push(&n.conditions, ((struct record_condition){orc_strdup("mtu"), false, false,
                                                               orc_strdup("1400 bytes"), 1}));
    if (sim_chance(r->s, 6))
        orc_vec_push(&n.conditions, ((struct record_condition){orc_strdup("steal"), true, true,
                                                               orc_strdup("14 % is stolen"), 1}));
    if (k == 1)
        orc_strv_add(&n.volumes, "shop.data");
    sim_put(r->s, key_node(SIM_CLUSTER, rich_node_name(k, name)), record_node_text(&n));
    record_node_release(&n);
}

/* ---- servers that are started anew */

SIM_FN void rich_boot_id(const struct rich *r, int k, char ret[RECORD_BOOT_MAX])
{
    snprintf(ret, RECORD_BOOT_MAX, "%08u", (1 + (unsigned)r->boots[k]) % 100000000);
}

SIM_FN void rich_be_alive(struct rich *r, int k)
{
    char boot[RECORD_BOOT_MAX], name[16];

    rich_boot_id(r, k, boot);
    sim_put(r->s, key_alive(SIM_CLUSTER, rich_node_name(k, name)),
            orc_printf("{\"machine_id\":\"m\",\"boot_id\":\"%s\",\"instance\":\"i\"}", boot));
}

/* What it finds of one of its containers, said as of this start: it runs on, or was ended with the server. */
SIM_FN void rich_look_at(struct rich *r, const struct live *l)
{
    struct record_status st = {0};

    if (sim_status_copy(r->s, l->node, l->id, &st)) {
        rich_boot_id(r, atoi(l->node + 1), st.boot);
        if (l->stale && !r->gentle && st.state == TASK_RUNNING && sim_chance(r->s, 3)) {
            st.state = TASK_STARTING;
            st.health = TASK_UNKNOWN;
        }
        sim_status(r->s, l->node, l->id, &st);
    }
    record_status_release(&st);
}

/* Every node that is there says again what it has, if that is of another start; `all`: else each with a
 * chance. */
SIM_FN void rich_look(struct rich *r, bool all)
{
    struct lives v = read_tasks(r->s);
    const struct live *l;

    orc_vec_each (l, &v)
        if (l->alive && (all || sim_chance(r->s, 2)) && (l->stale || (l->st && !l->st->boot[0])))
            rich_look_at(r, l);
    free_tasks(&v);
}

/* ---- people and faults */

SIM_FN void rich_break_a_task(struct rich *r)
{
    struct lives v = read_tasks(r->s);
    struct live *l = v.n ? &v.at[sim_random(r->s) % v.n] : NULL;
    struct record_status st = {0};

    if (l && is_available(l) && sim_status_copy(r->s, l->node, l->id, &st)) {
        static const enum task_state to[] = {TASK_RUNNING, TASK_FAILED, TASK_STARTING};
        int what = rich_below(r, 3);

        st.state = to[what];
        st.health = what ? TASK_UNKNOWN : TASK_UNHEALTHY;
        st.restarts += what == 2;
        if (!what)
            orc_set_str(&st.probe, "HTTP 503");
        sim_status(r->s, l->node, l->id, &st);
    }
    record_status_release(&st);
    free_tasks(&v);
}

SIM_FN void rich_remove(struct rich *r, int i)
{
    struct record_app a = sim_app(r->s, "shop");
    size_t at = 0;

    while (at < a.services.n && strcmp(a.services.at[at].name, r->services[i].name) != 0)
        at++;
    if (at < a.services.n) {
        free(a.services.at[at].name);
        memmove(&a.services.at[at], &a.services.at[at + 1], (a.services.n - at - 1) * sizeof *a.services.at);
        a.services.n--;
        sim_app_put(r->s, "shop", &a);
        r->services[i].wanted = false;
    } else {
        record_app_release(&a);
    }
}

SIM_FN void rich_person(struct rich *r)
{
    int i = rich_below(r, r->n_services);
    struct rich_service *x = &r->services[i];

    switch (rich_below(r, 9)) {
    case 0:
    case 1:
        rich_apply(r, i);
        break;
    case 2:
    case 3:
        if (x->wanted && !x->global)
            sim_scale(r->s, "shop", x->name, rich_below(r, 10));
        break;
    case 4:
        sim_restart(r->s, "shop", x->name, ++x->epoch);
        break;
    case 5:
        if (x->wanted)
            sim_point(r->s, "shop", x->name, 1 + rich_below(r, (int)x->revision));
        break;
    case 6:
        sim_order(r->s, x->name, (enum intent_action)(1 + rich_below(r, 3)), x->revision);
        break;
    case 7:
        sim_rebalance(r->s, "shop", x->name, rich_below(r, 3));
        break;
    default:
        if (sim_chance(r->s, 3))
            rich_remove(r, i);
    }
}

SIM_FN void rich_fault(struct rich *r)
{
    int k = 1 + rich_below(r, r->n_nodes);
    char name[16];

    rich_node_name(k, name);
    switch (rich_below(r, 9)) {
    case 0:
        if (sim_node_is_alive(r->s, name))
            sim_alive(r->s, name, false);
        else
            rich_be_alive(r, k);
        break;
    case 1:
        sim_policy(r->s, name, sim_chance(r->s, 3), sim_chance(r->s, 4));
        break;
    case 2:
        if (sim_chance(r->s, 3))
            sim_drain(r->s, name, 1 + sim_random(r->s) % 20000);
        break;
    case 3:
        rich_node_put(r, k);
        break;
    case 4:
        sim_new_leader(r->s);
        break;
    case 5:
        if (r->gentle) /* what it says then is of another moment than what it does */
            break;
        r->boots[k]++;
        rich_be_alive(r, k);
        break;
    default:
        if (!r->gentle)
            rich_break_a_task(r);
    }
}

/* Nodes do some of what they are to do, people and faults something else, and time passes. */
SIM_FN void rich_between(struct rich *r)
{
    if (sim_chance(r->s, 2)) {
        sim_act(r->s);
        rich_look(r, false);
    }
    if (sim_chance(r->s, 3))
        rich_person(r);
    if (sim_chance(r->s, 3))
        rich_fault(r);
    if (sim_chance(r->s, 2))
        r->s->now += sim_random(r->s) % (sim_chance(r->s, 8) ? 70000 : 2000);
}

/* ---- a cluster */

SIM_FN void rich_service_is(struct rich *r, int i)
{
    struct rich_service *x = &r->services[i];

    snprintf(x->name, sizeof x->name, "s%d", i);
    x->global = sim_chance(r->s, 6);
    x->job = sim_chance(r->s, 6);
    x->disconnect_ms = sim_chance(r->s, 4) ? 60000 : 0;
    x->update = (struct spec_update){.parallelism = rich_below(r, 4),
                                     .parallelism_percent = sim_chance(r->s, 4) ? 1 + rich_below(r, 100) : 0,
                                     .delay_ms = sim_chance(r->s, 4) ? 2000 : 0,
                                     .monitor_ms = 5000,
                                     .max_failure_nano = sim_chance(r->s, 4) ? 300000000 : 0,
                                     .order = (enum spec_order)rich_below(r, 2),
                                     .failure_action = (enum spec_failure_action)rich_below(r, 3)};
}

/* `wide`: no request is turned away by anything but the health of nodes. */
SIM_FN void rich_begin(struct rich *r, uint64_t seed, bool wide)
{
    *r = (struct rich){.s = sim_new(), .seed = seed, .wide = wide};
    r->s->random = seed * 7919;
    r->s->slow = 2;
    r->n_nodes = wide ? RICH_NODES : 1 + rich_below(r, RICH_NODES);
    r->n_services = 1 + rich_below(r, RICH_SERVICES);
    for (int k = 1; k <= r->n_nodes; k++) {
        rich_node_put(r, k);
        rich_be_alive(r, k);
    }
    for (int i = 0; i < r->n_services; i++) {
        rich_service_is(r, i);
        rich_apply(r, i);
    }
}

/* All nodes answer and take what fits, everybody wants something that works, and time passes. */
SIM_FN void rich_calm_down(struct rich *r)
{
    char name[16];

    r->calm = true;
    r->s->slow = 0;
    for (int k = 1; k <= r->n_nodes; k++) {
        rich_be_alive(r, k);
        sim_policy(r->s, rich_node_name(k, name), false, false);
    }
    rich_look(r, true);
    for (int i = 0; i < r->n_services; i++)
        rich_apply(r, i);
    sim_pass(r->s, 1200000);
    for (int i = 0; i < r->n_services; i++) /* past their canaries */
        sim_order(r->s, r->services[i].name, INTENT_RESUME, r->services[i].revision);
    sim_pass(r->s, 1200000);
}

SIM_FN void rich_end(struct rich *r)
{
    sim_free(r->s);
}

SIM_FN const struct rich_service *rich_service(const struct rich *r, const char *name)
{
    for (int i = 0; i < r->n_services; i++)
        if (strcmp(r->services[i].name, name) == 0)
            return &r->services[i];
    return NULL;
}

/* ---- what the store says, for those who check */

/* What is called as at some moment before it; NULL: it was not there. */
SIM_FN const struct live *rich_task(const struct lives *v, const struct live *like)
{
    const struct live *l;

    orc_vec_each (l, v)
        if (strcmp(l->id, like->id) == 0 && strcmp(l->node, like->node) == 0)
            return l;
    return NULL;
}

SIM_FN struct record_node rich_node(struct rich *r, const char *name)
{
    orc_auto_free char *key = key_node(SIM_CLUSTER, name);
    struct sim_kv *kv = sim_find(r->s, key);
    struct record_node n = {0};

    assert_non_null(kv);
    assert_int_equal(record_node_parse(kv->value->text, strlen(kv->value->text), &n, NULL), 0);
    return n;
}

SIM_FN struct record_node_policy rich_policy(struct rich *r, const char *name)
{
    orc_auto_free char *key = key_node_policy(SIM_CLUSTER, name);
    struct sim_kv *kv = sim_find(r->s, key);
    struct record_node_policy p = {0};

    if (kv)
        assert_int_equal(record_node_policy_parse(kv->value->text, strlen(kv->value->text), &p, NULL), 0);
    return p;
}

/* The revision that a task is of; released by the caller. */
SIM_FN struct record_revision rich_revision(struct rich *r, const struct live *l)
{
    orc_auto_free char *key = key_revision(SIM_CLUSTER, "shop", l->rec->service, l->rec->revision);
    struct sim_kv *kv = sim_find(r->s, key);
    struct record_revision x = {0};

    assert_non_null(kv);
    assert_int_equal(record_revision_parse(kv->value->text, strlen(kv->value->text), &x, NULL), 0);
    return x;
}

#endif
