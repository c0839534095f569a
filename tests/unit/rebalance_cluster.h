/* rebalance_cluster.h - clusters that run one service, "web" of the app "shop", and get more servers.
 * Included by one test program each, with everything of sim.h.
 */
#ifndef TESTS_UNIT_REBALANCE_CLUSTER_H
#define TESTS_UNIT_REBALANCE_CLUSTER_H

#include "tests/sim/sim.h"

#include <stdlib.h>

#define AFTER_MS 300000 /* x-orc.rebalance's own time of quiet */

struct setup { /* of the service "web" */
    int nodes, replicas, parallelism;
    enum spec_order order;
    bool is_auto, volume, global, packed, zones, port;
    int per_node;
    int64_t memory_mib;
    uint64_t delay_ms;
    const char *only; /* constraint on node.labels.zone */
};

SIM_FN struct spec_service *spec(const struct setup *u, const char *image)
{
    struct spec_service *w = sim_spec("web", u->replicas, image);

    w->update.parallelism = u->parallelism ? u->parallelism : 1;
    w->update.order = u->order;
    w->update.delay_ms = u->delay_ms;
    w->rebalance_auto = u->is_auto;
    w->strategy = u->packed ? SPEC_BINPACK : SPEC_SPREAD;
    w->max_per_node = u->per_node;
    if (u->memory_mib)
        w->limits.memory = u->memory_mib * SIM_MIB;
    if (u->global) {
        w->global = true;
        w->replicas = SPEC_REPLICAS_DEFAULT;
    }
    if (u->zones)
        orc_strv_add(&w->spread_over, "node.labels.zone");
    if (u->only)
        orc_vec_push(&w->constraints,
                     ((struct spec_constraint){orc_strdup("node.labels.zone"), true, orc_strdup(u->only)}));
    if (u->volume)
        orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                      .source = orc_strdup("data"),
                                                      .target = orc_strdup("/data")}));
    if (u->port)
        orc_vec_push(&w->ports,
                     ((struct spec_port){.host_ip = orc_strdup(""), .host = 8080, .container = 80}));
    return w;
}

SIM_FN void join_in(struct sim *s, const char *zone)
{
    char name[16];
    int k = sim_node(s, 8, 1000);

    snprintf(name, sizeof name, "k%d", k);
    sim_node_put(s, name, k, (struct sim_node_opts){8, 1000, .label = "zone", .value = zone});
}

SIM_FN struct sim *deployed(const struct setup *u)
{
    struct sim *s = sim_new();

    for (int i = 0; i < u->nodes; i++)
        join_in(s, i % 2 ? "b" : "a");
    sim_apply(s, "shop", 1, spec(u, "good"));
    sim_pass(s, 70000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    return s;
}

SIM_FN int on(struct sim *s, int k)
{
    char node[16];

    snprintf(node, sizeof node, "k%d", k);
    return sim_count(s, (struct sim_want){.service = "web", .node = node});
}

/* "3 1 0": replicas on k1, k2, k3. */
SIM_FN char *counts(struct sim *s)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 12);

    for (int k = 1; k <= s->nodes; k++)
        orc_buf_printf(&b, "%s%d", b.len ? " " : "", on(s, k));
    return orc_buf_take(&b);
}

SIM_FN void assert_counts(struct sim *s, const char *want)
{
    orc_auto_free char *is = counts(s);

    assert_string_equal(is, want);
}

/* Slots whose replica is on another node than before. */
SIM_FN int moved(const char *before, const char *after)
{
    int n = 0;

    while (*before && *after) {
        size_t a = strcspn(before, " "), b = strcspn(after, " ");

        n += a != b || strncmp(before, after, a) != 0;
        before += a + (before[a] == ' ');
        after += b + (after[b] == ' ');
    }
    return n;
}

/* Slots that have two tasks which shall run. */
SIM_FN int doubled(struct sim *s)
{
    struct sim_kv *kv, *next;
    int seen[64] = {0}, n = 0;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);

        if (t && t->desired == TASK_RUN && strcmp(t->service, "web") == 0)
            n += ++seen[t->slot] == 2;
    }
    return n;
}

struct watch {
    int least_available, most_doubled;
};

/* Lets time pass, step by step, nodes slow; what was seen on the way. */
SIM_FN struct watch pass(struct sim *s, uint64_t ms)
{
    struct watch w = {.least_available = 1000};
    uint64_t end = s->now + ms;

    while (s->now < end) {
        int have, two;

        free(sim_step(s));
        sim_act(s);
        have = sim_available(s, "web");
        two = doubled(s);
        w.least_available = have < w.least_available ? have : w.least_available;
        w.most_doubled = two > w.most_doubled ? two : w.most_doubled;
        s->now += 100;
    }
    return w;
}

#endif
