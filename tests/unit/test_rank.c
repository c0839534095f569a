/* The order of nodes held against the plain definition: each pick is what asking every node would give. */
#include "scheduler/lanes.h"
#include "scheduler/model.h"
#include "scheduler/place_node.h"
#include "scheduler/rows.h"
#include "scheduler/trouble.h"
#include "tests/sim/sim.h"

#define SERVICES 6

/* By looking at every node. */
static struct core_node *scan(struct core *c, const struct place_req *req)
{
    struct core_node *n, *next, *best = NULL;
    struct place_score top = {0};

    HASH_ITER (hh, c->nodes, n, next) {
        struct place_score x;

        if ((req->pin && n != req->pin) || !place_fits(c, n, req))
            continue;
        x = place_score_of(c, n, req);
        if (best && !place_better(&x, &top))
            continue;
        best = n;
        top = x;
    }
    return best;
}

static struct core_node *pick(struct core *c, const struct place_req *req)
{
    struct core_node *want = scan(c, req), *got = place_pick(c, req, NULL);

    if (got != want)
        fail_msg("%s: picked %s, the best is %s", req->service->name, got ? got->name : "none",
                 want ? want->name : "none");
    return got;
}

/* ---- random clusters --------------------------------------------------------------------------------- */

static void zone(struct sim *s, const char *name)
{
    static const char *const zones[] = {"a", "b", "B", ""};
    struct record_node_policy p = {.cordon = sim_chance(s, 15)};

    spec_pairs_add(&p.labels, "zone", zones[sim_random(s) % 4]);
    sim_put(s, key_node_policy(SIM_CLUSTER, name), record_node_policy_text(&p));
    record_node_policy_release(&p);
}

static void node(struct sim *s, int k, bool alike)
{
    static const char *const disks[] = {"ssd", "hdd"};
    struct sim_node_opts o = {
        .cpus = 4, .memory_mib = 8000, .label = "disk", .value = disks[sim_random(s) % 2]};
    char name[16];

    if (!alike) {
        o.cpus = 1 << sim_random(s) % 5;
        o.memory_mib = (int64_t)(500 + sim_random(s) % 20000);
    }
    if (sim_chance(s, 20))
        o.not_ready = "no";
    if (sim_chance(s, 6))
        o.avoid = "busy";
    snprintf(name, sizeof name, "k%d", k);
    sim_node_put(s, name, k, o);
    zone(s, name);
}

static struct spec_service *spec(struct sim *s, const char *name)
{
    static const int64_t cpus[] = {0, 10000000, 100000000, 700000000}, memory[] = {0, 16, 100, 333};
    struct spec_service *w = sim_spec(name, (int)(sim_random(s) % 30), "good");

    w->limits = (struct spec_resources){cpus[sim_random(s) % 4], memory[sim_random(s) % 4] * SIM_MIB};
    if (sim_chance(s, 3)) {
        struct spec_constraint *k = orc_vec_add(&w->constraints);

        *k = (struct spec_constraint){orc_strdup("node.labels.disk"), sim_chance(s, 2), orc_strdup("SSD")};
    }
    if (sim_chance(s, 4)) {
        struct spec_port *p = orc_vec_add(&w->ports);

        *p = (struct spec_port){
            .host_ip = orc_strdup(""), .host = (uint16_t)(8000 + sim_random(s) % 2), .container = 80};
    }
    if (sim_chance(s, 3))
        w->strategy = SPEC_BINPACK;
    if (sim_chance(s, 3))
        orc_strv_add(&w->spread_over, "node.labels.zone");
    if (sim_chance(s, 5))
        orc_strv_add(&w->spread_over, "node.labels.disk");
    if (sim_chance(s, 4))
        w->max_per_node = 1 + (int)(sim_random(s) % 3);
    return w;
}

static void change(struct sim *s, int nodes, bool alike)
{
    int k = 1 + (int)(sim_random(s) % (uint64_t)nodes);
    char name[16], service[16];

    snprintf(name, sizeof name, "k%d", k);
    snprintf(service, sizeof service, "s%d", (int)(sim_random(s) % SERVICES));
    switch (sim_random(s) % 6) {
    case 0:
        sim_policy(s, name, sim_chance(s, 2), sim_chance(s, 4));
        break;
    case 1:
        sim_alive(s, name, sim_chance(s, 2));
        break;
    case 2:
        node(s, k, alike);
        break;
    case 3:
        sim_del(s, key_node(SIM_CLUSTER, name)); /* and forgotten, when it holds no task */
        sim_del(s, key_node_policy(SIM_CLUSTER, name));
        sim_alive(s, name, false);
        break;
    default:
        sim_scale(s, "shop", service, (int)(sim_random(s) % 40));
    }
}

static struct sim *cluster_of(uint64_t seed, int nodes, bool alike)
{
    struct sim *s = sim_new();
    char name[16];

    s->random = seed;
    for (int k = 1; k <= nodes; k++) {
        node(s, k, alike);
        snprintf(name, sizeof name, "k%d", k);
        sim_alive(s, name, true);
    }
    for (int i = 0; i < SERVICES; i++) {
        snprintf(name, sizeof name, "s%d", i);
        sim_apply(s, "shop", 1, spec(s, name));
    }
    return s;
}

static struct sim *cluster(uint64_t seed, int *ret_nodes, bool *ret_alike)
{
    *ret_nodes = (int)(seed % 4 ? 1 + seed * 7 % 20 : 150 + seed * 13 % 90);
    *ret_alike = seed % 3 == 0;
    return cluster_of(seed, *ret_nodes, *ret_alike);
}

/* ---- one step's picks -------------------------------------------------------------------------------- */

static struct core_task *some_task(struct sim *s, struct core_service *svc)
{
    struct core_task *t = core_tasks_from(svc, 0);

    for (uint64_t i = sim_random(s) % 30; t && i; i--)
        t = core_task_after(t);
    return t;
}

/* On some nodes the service has failed too often. */
static void trouble(struct sim *s, struct core_service *svc)
{
    struct core_node *n, *next;

    svc->trouble.n = 0;
    HASH_ITER (hh, s->core->nodes, n, next)
        if (sim_chance(s, 3))
            *orc_vec_add(&svc->trouble) = (struct core_trouble){.node = orc_hash64_str(0, n->name),
                                                                .hash = "content",
                                                                .failures = TROUBLE_MAX,
                                                                .at = s->core->now};
}

static void one_pick(struct sim *s, struct core_service *svc, const struct spec_service *w, int i)
{
    struct place_req req = {.service = svc, .spec = w, .hash = "content"};
    struct core_task *t = some_task(s, svc);
    struct core_node *n;

    if (sim_chance(s, 10))
        trouble(s, svc);
    if (t && sim_chance(s, 8))
        place_spread_count(s->core, t, sim_chance(s, 2));
    if (t && sim_chance(s, 8))
        req.without = t;
    else if (t && sim_chance(s, 16))
        req.pin = t->node;
    if (t && sim_chance(s, 3))
        req.own = t;
    n = pick(s->core, &req);
    if (!n || req.without || sim_chance(s, 10))
        return;
    place_take(s->core, n, &req, 100 + i, 1000000 + (int64_t)s->core->spread_stamp);
}

static void picks_for(struct sim *s, int service, int count, size_t expected)
{
    struct core_service *svc;
    const struct core_revision *rev;
    struct core_task *t;
    char name[16];

    snprintf(name, sizeof name, "s%d", service);
    svc = core_service_find(s->core, "shop", name);
    rev = svc ? core_service_revision(svc, 1) : NULL;
    assert_non_null(rev);
    place_spread_begin(s->core);
    place_expect(s->core, expected);
    place_count_held(s->core, svc, false);
    core_each_task (t, svc)
        place_spread_count(s->core, t, true);
    for (int i = 0; i < count; i++)
        one_pick(s, svc, rev->rec.spec, i);
}

static void picks(struct sim *s)
{
    for (int i = 0; i < SERVICES; i++)
        picks_for(s, i, (int)(sim_random(s) % 160), 0);
    place_give_back(s->core);
}

/* One pick for each service, over and over: only the blocks that may have the best are looked at. */
static void single_picks(struct sim *s)
{
    for (int i = 0; i < 8 * SERVICES; i++) {
        char name[16];
        struct place_req req = {.hash = "content"};
        struct core_node *n;
        struct core_task *t;

        snprintf(name, sizeof name, "s%d", i % SERVICES);
        req.service = core_service_find(s->core, "shop", name);
        req.spec = core_service_revision(req.service, 1)->rec.spec;
        place_spread_begin(s->core);
        place_expect(s->core, sim_random(s) % 3);
        place_count_held(s->core, req.service, false);
        core_each_task (t, req.service)
            place_spread_count(s->core, t, true);
        n = pick(s->core, &req);
        if (n && !sim_chance(s, 4))
            place_take(s->core, n, &req, 300 + i, 2000000 + i);
    }
    place_give_back(s->core);
}

/* ---- lanes ------------------------------------------------------------------------------------------- */

static void expect_least(const struct core_lanes *of, const struct core_lanes *least, size_t at)
{
    for (int i = 0; i < CORE_LANES; i++) {
        assert_true(least->cpus[at] <= of->cpus[i] && least->per_cpus[at] <= of->per_cpus[i]);
        assert_true(least->memory[at] <= of->memory[i] && least->per_memory[at] <= of->per_memory[i]);
        assert_true(least->tasks[at] <= of->tasks[i]);
    }
}

/* Every node has one lane, says what its row says, and stands among nodes of about its size. */
static void expect_lanes(struct sim *s)
{
    struct core *c = s->core;
    size_t lanes = 0;

    lanes_find_least(c);
    for (size_t b = 0; b < c->blocks.n; b++) {
        lanes += c->blocks.at[b].n;
        expect_least(&c->lanes.at[b], &c->lanes_least.at[b / CORE_LANES], b % CORE_LANES);
    }
    assert_int_equal(c->lanes_top.n, (c->lanes_least.n + CORE_LANES - 1) / CORE_LANES);
    for (size_t i = 0; i < c->lanes_least.n; i++)
        expect_least(&c->lanes_least.at[i], &c->lanes_top.at[i / CORE_LANES], i % CORE_LANES);
    assert_int_equal(lanes, c->rows.n);
    for (size_t row = 0; row < c->rows.n; row++) {
        uint32_t lane = c->row_nodes.at[row]->lane;
        const struct core_block *b = &c->blocks.at[lane / CORE_LANES];
        const struct core_row *r = &c->rows.at[row];

        assert_int_equal(b->rows[lane % CORE_LANES], row);
        assert_true(b->hash[lane % CORE_LANES] == r->hash);
        assert_true(b->hash_min <= r->hash && r->hash <= b->hash_max);
        for (int i = 0; i < CORE_LANES; i++) {
            const struct core_row *other;

            if (b->rows[i] == UINT32_MAX)
                continue;
            other = &c->rows.at[b->rows[i]];
            assert_true(other->room.cpus_nano <= r->room.cpus_nano / 4 * 5 + 8);
            assert_true(other->room.memory <= r->room.memory / 4 * 5 + 8);
        }
    }
}

static int load_of(const struct core_row *r)
{
    int64_t cpus = 100 * r->used.cpus_nano / r->room.cpus_nano,
            memory = 100 * r->used.memory / r->room.memory;

    return (int)(cpus > memory ? cpus : memory);
}

/* After many changes the nodes of a block are alike in what is in use, too: of one size the emptier come
 * first. */
static void test_rank__blocks_are_brought_in_order(void **state)
{
    struct sim *s = cluster_of(7, 200, false);
    struct core *c = s->core;
    int out_of_order = 0;

    picks(s);
    rows_refresh(c);
    lanes_find_least(c);
    for (size_t b = 0; b + 1 < c->blocks.n; b++) {
        const struct core_block *x = &c->blocks.at[b], *y = x + 1;

        assert_true(x->n == CORE_LANES || x->shape != y->shape);
        if (x->shape == y->shape)
            out_of_order +=
                load_of(&c->rows.at[x->rows[CORE_LANES - 1]]) > load_of(&c->rows.at[y->rows[0]]) + 1;
    }
    assert_int_equal(out_of_order, 0);
    expect_lanes(s);
    sim_free(s);
}

static void test_rank__each_pick_is_the_best_of_all_nodes(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        bool alike;
        int nodes;
        struct sim *s = cluster(seed, &nodes, &alike);

        for (int round = 0; round < 5; round++) {
            picks(s);
            single_picks(s);
            expect_lanes(s);
            for (uint64_t i = sim_random(s) % 8; i; i--)
                change(s, nodes, alike);
            sim_decide(s);
            s->now += 4000;
        }
        sim_free(s);
    }
}

/* So many are asked for that some blocks show how good the best are: in the others no better one is missed,
 * and more are taken than were asked for. */
static void test_rank__of_many_picks_each_is_the_best(void **state)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct sim *s = cluster_of(seed, 500, seed % 2);

        for (int i = 0; i < SERVICES; i++)
            picks_for(s, i, 260, 130 + 20 * (size_t)i);
        place_give_back(s->core);
        sim_free(s);
    }
}

/* Of many equal nodes each gets one before any gets two, although only the best few are kept in order. */
static void test_rank__more_replicas_than_are_kept_in_order_still_spread(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("web", 200, "good");

    for (int k = 1; k <= 200; k++)
        sim_node(s, 4, 4000);
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    for (int k = 1; k <= 200; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        assert_int_equal(sim_count(s, (struct sim_want){.node = name}), 1);
    }
    sim_free(s);
}

static void test_rank__one_step_tries_more_nodes_than_are_kept(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("web", 0, "good");
    struct place_req req = {0};

    for (int k = 1; k <= 250; k++)
        sim_node(s, 4, 4000);
    sim_apply(s, "shop", 1, w);
    req.service = core_service_find(s->core, "shop", "web");
    req.spec = core_service_revision(req.service, 1)->rec.spec;
    place_spread_begin(s->core);
    for (int i = 0; i < 600; i++)
        place_take(s->core, pick(s->core, &req), &req, i, 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank__blocks_are_brought_in_order),
        cmocka_unit_test(test_rank__each_pick_is_the_best_of_all_nodes),
        cmocka_unit_test(test_rank__of_many_picks_each_is_the_best),
        cmocka_unit_test(test_rank__more_replicas_than_are_kept_in_order_still_spread),
        cmocka_unit_test(test_rank__one_step_tries_more_nodes_than_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
