/* packing.h - generated clusters and how well they are filled: by orc's core, by plain heuristics, and by
 * search.
 *
 * For tests/bench/packing.c (the table) and tests/unit/test_packing.c (which holds orc to it). Everything is
 * a function of the case's number: no clock, no chance. The worth of a packing is the share of the cluster's
 * CPU and of its memory that was given to replicas, averaged; so of two packings of one case the better has
 * left less out.
 */
#ifndef TESTS_BENCH_PACKING_H
#define TESTS_BENCH_PACKING_H

#include "lib/hash.h"
#include "scheduler/core.h"
#include "scheduler/plan_write.h"

#include <stdio.h>

#define PACK_CLUSTERS 36
#define PACK_LOADS 3
#define PACK_NODES_MAX 16
#define PACK_ITEMS_MAX 4000
#define PACK_SERVICES_MAX 600
#define PACK_GIB (INT64_C(1) << 30)
#define PACK_FN ORC_UNUSED static

struct pack_size {
    int64_t cpu, memory; /* billionths, bytes */
};

struct pack_service {
    struct pack_size need;
    int replicas;
};

struct pack_case {
    int number, nodes, services, items;
    double load;
    bool small; /* few large replicas: exact answers are within reach */
    struct pack_size node[PACK_NODES_MAX], total;
    struct pack_service service[PACK_SERVICES_MAX];
};

struct pack_result {
    double worth; /* 0..1 */
    int placed;   /* replicas */
    int opened;   /* nodes in use */
    bool exact;   /* no packing is worth more */
};

/* ---- the cases ------------------------------------------------------------------------------------------
 */

PACK_FN uint64_t pack_draw(uint64_t *state, uint64_t one_of)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return orc_hash64(7, state, sizeof *state) % one_of;
}

/* What providers rent out: cores, GB. */
PACK_FN struct pack_size pack_shape(uint64_t i)
{
    static const struct {
        int cores, gib;
    } shapes[] = {{2, 4},    {2, 8},    {4, 8},    {4, 16},   {8, 16},  {8, 32},
                  {8, 64},   {16, 32},  {16, 64},  {16, 128}, {32, 64}, {32, 128},
                  {32, 256}, {48, 192}, {64, 256}, {96, 384}, {96, 512}};

    i %= sizeof shapes / sizeof *shapes;
    return (struct pack_size){shapes[i].cores * INT64_C(1000000000), shapes[i].gib * PACK_GIB};
}

PACK_FN void pack_add_node(struct pack_case *k, struct pack_size s)
{
    k->node[k->nodes++] = s;
    k->total.cpu += s.cpu;
    k->total.memory += s.memory;
}

/* A third are of one shape, a third of two, a third of any. */
PACK_FN void pack_nodes(struct pack_case *k, uint64_t *random)
{
    int n = k->small ? 3 + (int)pack_draw(random, 2) : 3 + (int)pack_draw(random, PACK_NODES_MAX - 2);
    uint64_t one = pack_draw(random, 17), two = pack_draw(random, 17);

    for (int i = 0; i < n; i++)
        pack_add_node(k, pack_shape(k->number % 3 == 0   ? one
                                    : k->number % 3 == 1 ? (pack_draw(random, 2) ? one : two)
                                                         : pack_draw(random, 17)));
}

PACK_FN double pack_worth(const struct pack_case *k, struct pack_size s)
{
    return ((double)s.cpu / (double)k->total.cpu + (double)s.memory / (double)k->total.memory) / 2;
}

PACK_FN bool pack_fits_somewhere(const struct pack_case *k, struct pack_size s)
{
    for (int i = 0; i < k->nodes; i++)
        if (s.cpu <= k->node[i].cpu && s.memory <= k->node[i].memory)
            return true;
    return false;
}

/* From a tenth of a core to a third of a server (small cases: from a sixth to a half of one); 0.5 to 16 GiB a
 * core. */
PACK_FN struct pack_size pack_need(const struct pack_case *k, uint64_t *random)
{
    struct pack_size like = k->node[pack_draw(random, (uint64_t)k->nodes)], s;
    uint64_t parts = k->small ? 2 + pack_draw(random, 5) : 3 + pack_draw(random, 30);
    double per_core = (double)PACK_GIB * (double)(UINT64_C(1) << pack_draw(random, 6)) / 2;

    s.cpu = like.cpu / (int64_t)parts / 50000000 * 50000000;
    if (s.cpu < 100000000)
        s.cpu = 100000000;
    s.memory = (int64_t)((double)s.cpu / 1e9 * per_core) / (16 << 20) * (16 << 20);
    if (s.memory > like.memory / 2)
        s.memory = like.memory / (int64_t)(2 + pack_draw(random, 8));
    if (s.memory < (64 << 20))
        s.memory = 64 << 20;
    return s;
}

/* Services until what they ask for, of the scarcer of the two, is `load` of what there is. */
PACK_FN void pack_services(struct pack_case *k, uint64_t *random)
{
    struct pack_size sum = {0};

    while (k->services < PACK_SERVICES_MAX && k->items < PACK_ITEMS_MAX) {
        struct pack_service s = {pack_need(k, random), 1 + (int)pack_draw(random, k->small ? 3 : 8)};

        if (!pack_fits_somewhere(k, s.need))
            continue;
        for (int i = 0; i < s.replicas; i++) {
            sum.cpu += s.need.cpu;
            sum.memory += s.need.memory;
            if ((double)sum.cpu > k->load * (double)k->total.cpu ||
                (double)sum.memory > k->load * (double)k->total.memory) {
                s.replicas = i;
                break;
            }
        }
        if (!s.replicas)
            return;
        k->service[k->services++] = s;
        k->items += s.replicas;
    }
}

PACK_FN void pack_case(int number, double load, struct pack_case *ret)
{
    uint64_t random = orc_hash64(0, &number, sizeof number);

    *ret = (struct pack_case){.number = number, .load = load, .small = number % 4 == 3};
    pack_nodes(ret, &random);
    pack_services(ret, &random);
}

/* ---- plain heuristics -----------------------------------------------------------------------------------
 */

struct pack_fill { /* what is free, and what was placed */
    struct pack_size left[PACK_NODES_MAX];
    struct pack_result result;
};

PACK_FN struct pack_fill pack_empty(const struct pack_case *k)
{
    struct pack_fill f = {0};

    memcpy(f.left, k->node, sizeof f.left);
    return f;
}

PACK_FN bool pack_fits(struct pack_size left, struct pack_size need)
{
    return need.cpu <= left.cpu && need.memory <= left.memory;
}

PACK_FN void pack_put(const struct pack_case *k, struct pack_fill *f, int node, struct pack_size need)
{
    f->left[node].cpu -= need.cpu;
    f->left[node].memory -= need.memory;
    f->result.worth += pack_worth(k, need);
    f->result.placed++;
}

PACK_FN struct pack_result pack_done(const struct pack_case *k, struct pack_fill *f)
{
    for (int i = 0; i < k->nodes; i++)
        f->result.opened += f->left[i].cpu < k->node[i].cpu || f->left[i].memory < k->node[i].memory;
    return f->result;
}

/* Shares of a node in use when `left` is free there. */
PACK_FN double pack_used(struct pack_size node, struct pack_size left)
{
    return 2 - (double)left.cpu / (double)node.cpu - (double)left.memory / (double)node.memory;
}

enum pack_rule { PACK_FIRST, PACK_FULLEST, PACK_EMPTIEST };

PACK_FN int pack_choose(const struct pack_case *k, const struct pack_fill *f, struct pack_size need,
                        enum pack_rule rule)
{
    double best = 0;
    int at = -1;

    for (int i = 0; i < k->nodes; i++) {
        double used = pack_used(k->node[i], f->left[i]);

        if (!pack_fits(f->left[i], need))
            continue;
        if (at >= 0 && (rule == PACK_FIRST || (rule == PACK_FULLEST ? used <= best : used >= best)))
            continue;
        best = used;
        at = i;
    }
    return at;
}

/* The larger share of the whole cluster that one replica asks for. */
PACK_FN double pack_dominant(const struct pack_case *k, struct pack_size s)
{
    double cpu = (double)s.cpu / (double)k->total.cpu, memory = (double)s.memory / (double)k->total.memory;

    return cpu > memory ? cpu : memory;
}

PACK_FN void pack_order(const struct pack_case *k, bool decreasing, int ret[PACK_SERVICES_MAX])
{
    for (int i = 0; i < k->services; i++) {
        int at = i;

        while (decreasing && at > 0 &&
               pack_dominant(k, k->service[ret[at - 1]].need) < pack_dominant(k, k->service[i].need)) {
            ret[at] = ret[at - 1];
            at--;
        }
        ret[at] = i;
    }
}

/* First-fit, best-fit-decreasing, least-allocated: one rule, in the order of arrival or the larger first. */
PACK_FN struct pack_result pack_heuristic(const struct pack_case *k, enum pack_rule rule, bool decreasing)
{
    struct pack_fill f = pack_empty(k);
    int order[PACK_SERVICES_MAX];

    pack_order(k, decreasing, order);
    for (int i = 0; i < k->services; i++)
        for (int r = 0; r < k->service[order[i]].replicas; r++) {
            struct pack_size need = k->service[order[i]].need;
            int node = pack_choose(k, &f, need, rule);

            if (node >= 0)
                pack_put(k, &f, node, need);
        }
    return pack_done(k, &f);
}

/* ---- branch and bound -----------------------------------------------------------------------------------
 */

struct pack_search {
    const struct pack_case *k;
    int order[PACK_SERVICES_MAX];
    double rest[PACK_SERVICES_MAX + 1]; /* worth of all from here on */
    struct pack_fill now;
    struct pack_result best;
    long budget;
};

PACK_FN double pack_bound(const struct pack_search *s, int at, int replica)
{
    const struct pack_service *v = at < s->k->services ? &s->k->service[s->order[at]] : NULL;
    double rest = v ? s->rest[at] - replica * pack_worth(s->k, v->need) : 0, room = 0;

    for (int i = 0; i < s->k->nodes; i++)
        room += pack_worth(s->k, s->now.left[i]);
    return s->now.result.worth + (rest < room ? rest : room);
}

/* Nodes that are equally large and equally free are one. */
PACK_FN bool pack_same_before(const struct pack_search *s, int node)
{
    for (int i = 0; i < node; i++)
        if (memcmp(&s->now.left[i], &s->now.left[node], sizeof s->now.left[i]) == 0)
            return true;
    return false;
}

PACK_FN void pack_branch(struct pack_search *s, int at, int replica, int from)
{
    const struct pack_service *v;

    if (s->now.result.worth > s->best.worth) {
        struct pack_fill f = s->now;

        s->best = pack_done(s->k, &f);
    }
    if (at == s->k->services || s->budget-- <= 0 || pack_bound(s, at, replica) <= s->best.worth + 1e-12)
        return;
    v = &s->k->service[s->order[at]];
    for (int i = from; replica < v->replicas && i < s->k->nodes; i++) {
        struct pack_fill before = s->now;

        if (!pack_fits(s->now.left[i], v->need) || (i > from && pack_same_before(s, i)))
            continue;
        pack_put(s->k, &s->now, i, v->need);
        pack_branch(s, at, replica + 1, i); /* replicas are alike: their nodes go up */
        s->now = before;
    }
    pack_branch(s, at + 1, 0, 0); /* the rest of them nowhere */
}

/* The best there is, when it is found within the budget (then exact). */
PACK_FN struct pack_result pack_exact(const struct pack_case *k, long budget)
{
    struct pack_search s = {.k = k, .now = pack_empty(k), .budget = budget};

    pack_order(k, true, s.order);
    for (int i = k->services - 1; i >= 0; i--)
        s.rest[i] =
            s.rest[i + 1] + k->service[s.order[i]].replicas * pack_worth(k, k->service[s.order[i]].need);
    s.best = pack_heuristic(k, PACK_FULLEST, true);
    pack_branch(&s, 0, 0, 0);
    s.best.exact = s.budget > 0;
    return s.best;
}

/* ---- orc --------------------------------------------------------------------------------------------------
 */

struct pack_orc {
    struct core *core;
    const struct pack_case *k;
    int64_t revision;
    struct pack_fill fill;
};

PACK_FN void pack_feed(struct pack_orc *o, const struct key *k, void *record)
{
    o->revision++;
    core_feed_put(o->core, k, record, o->revision, o->revision);
}

PACK_FN void pack_feed_node(struct pack_orc *o, int i)
{
    struct key k = {.kind = KEY_NODE}, alive = {.kind = KEY_ALIVE};
    struct record_node n = {.capacity = {o->k->node[i].cpu, o->k->node[i].memory}};

    snprintf(k.node, sizeof k.node, "n%02d", i);
    snprintf(alive.node, sizeof alive.node, "n%02d", i);
    n.address = orc_printf("10.0.0.%d", i + 1);
    n.subnet = orc_printf("10.210.%d.0/24", i + 1);
    pack_feed(o, &k, &n);
    pack_feed(o, &alive, NULL);
    record_node_release(&n);
}

PACK_FN void pack_feed_services(struct pack_orc *o, enum spec_strategy strategy)
{
    struct key app = {.kind = KEY_APP, .app = "app"};
    struct record_app a = {.generation = 1};

    for (int i = 0; i < o->k->services; i++) {
        struct key k = {.kind = KEY_REVISION, .app = "app", .n = 1};
        struct record_revision r = {0};
        struct record_app_service *x = orc_vec_add(&a.services);

        snprintf(k.service, sizeof k.service, "s%03d", i);
        r.spec = spec_service_new(k.service);
        r.spec->image = orc_strdup("image");
        r.spec->replicas = o->k->service[i].replicas;
        r.spec->limits = (struct spec_resources){o->k->service[i].need.cpu, o->k->service[i].need.memory};
        r.spec->strategy = strategy;
        spec_service_hash(r.spec, r.hash, r.container_hash);
        *x = (struct record_app_service){orc_strdup(k.service), 1, SPEC_REPLICAS_DEFAULT};
        pack_feed(o, &k, &r);
        record_revision_release(&r);
    }
    pack_feed(o, &app, &a);
    record_app_release(&a);
}

PACK_FN void pack_store_put(const char *key, const char *value, void *arg)
{
    struct pack_orc *o = arg;
    struct orc_err ignored = ORC_ERR_INIT;
    struct record_task t = {0};
    struct key k;

    key_parse("pack", key, &k);
    if (k.kind == KEY_TASK && record_task_parse(value, strlen(value), &t, &ignored) == 0) {
        pack_put(o->k, &o->fill, atoi(k.node + 1),
                 (struct pack_size){t.resources.cpus_nano, t.resources.memory});
        record_task_release(&t);
    }
    o->revision++;
    core_feed_value(o->core, &k, value, strlen(value), o->revision, o->revision, &ignored);
}

PACK_FN void pack_store_compare(const char *key, int64_t revision, void *arg)
{
}

PACK_FN void pack_store_del(const char *key, void *arg)
{
}

/* What the scheduler's core makes of it, all asked for at once of an empty cluster. */
PACK_FN struct pack_result pack_orc(const struct pack_case *k, enum spec_strategy strategy)
{
    struct pack_orc o = {.core = core_new(), .k = k, .fill = pack_empty(k)};
    struct plan_sink sink = {.if_create = pack_store_compare,
                             .if_mod = pack_store_compare,
                             .put = pack_store_put,
                             .del = pack_store_del,
                             .arg = &o};
    uint64_t now = 1000;
    bool any = true;

    for (int i = 0; i < k->nodes; i++)
        pack_feed_node(&o, i);
    pack_feed_services(&o, strategy);
    core_lead(o.core);
    while (any) {
        struct plan p = {0};
        struct plan_txn *t;

        core_step(o.core, now += 20, 1, &p);
        any = !plan_empty(&p);
        orc_vec_each (t, &p.txns)
            plan_write(t, "pack", &sink);
        plan_release(&p);
    }
    core_free(o.core);
    return pack_done(k, &o.fill);
}

#endif
