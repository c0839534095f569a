/* scheduler/rebalance: which replica is moved where, asked of it directly: what may leave, from the fullest
 * to the emptiest in the order of what it is spread over, and what packing moves.
 */
#include "scheduler/place.h"
#include "scheduler/rebalance.h"
#include "tests/sim/sim.h"

#define NEEDS_MIB 100 /* a replica */

/* ---- a cluster as a table of its nodes: k1, k2 ... */

struct row {
    int web;                   /* replicas of shop/web there: slots are counted from k1's on */
    int64_t other_mib;         /* of something else there; 0: none */
    const char *region, *zone; /* its labels, or NULL */
    double cpus;               /* 0: 8 */
    int pids;                  /* 0: it does not say */
    bool closed;               /* cordoned */
    bool avoid;                /* a condition makes others preferable */
};

struct scene {
    struct sim *s;
    const struct row *rows;
    int nodes, replicas;
    struct record_rollout r;
    struct slots v;
};

static struct spec_service *web(void)
{
    struct spec_service *w = sim_spec("web", 1, "good");

    w->limits = (struct spec_resources){INT64_C(1000000), NEEDS_MIB * SIM_MIB};
    return w;
}

static struct spec_service *packed(void)
{
    struct spec_service *w = web();

    w->strategy = SPEC_BINPACK;
    return w;
}

static struct spec_service *spread(const char *outer, const char *inner)
{
    struct spec_service *w = web();

    orc_strv_add(&w->spread_over, outer);
    if (inner)
        orc_strv_add(&w->spread_over, inner);
    return w;
}

static void add_node(struct scene *x, int i)
{
    const struct row *row = &x->rows[i];
    orc_auto_free char *name = orc_printf("k%d", i + 1), *state = key_node_state(SIM_CLUSTER, name);

    sim_node_put(x->s, name, i + 1,
                 (struct sim_node_opts){.cpus = row->cpus > 0 ? row->cpus : 8,
                                        .memory_mib = 1000,
                                        .pids = row->pids,
                                        .avoid = row->avoid ? "steal 30 %" : NULL});
    sim_alive(x->s, name, true);
    sim_put_at(x->s, state, "{\"state\":\"ready\"}");
}

static void cordon(struct scene *x, int i, bool closed)
{
    struct record_node_policy p = {.cordon = closed};
    orc_auto_free char *name = orc_printf("k%d", i + 1);

    if (x->rows[i].region)
        spec_pairs_add(&p.labels, "region", x->rows[i].region);
    if (x->rows[i].zone)
        spec_pairs_add(&p.labels, "zone", x->rows[i].zone);
    sim_put(x->s, key_node_policy(SIM_CLUSTER, name), record_node_policy_text(&p));
    spec_pairs_release(&p.labels);
}

/* That many on this node: it is the only one that takes any. */
static void lay(struct scene *x, int i)
{
    if (!x->rows[i].web)
        return;
    for (int k = 0; k < x->nodes; k++)
        cordon(x, k, k != i);
    x->replicas += x->rows[i].web;
    sim_scale(x->s, "shop", "web", x->replicas);
    sim_pass(x->s, 20000);
}

static void lay_other(struct scene *x, int i)
{
    orc_auto_free char *name = orc_printf("other%d", i + 1);
    struct spec_service *w = sim_spec(name, 1, "good");

    w->limits = (struct spec_resources){1, x->rows[i].other_mib * SIM_MIB};
    *orc_vec_add(&w->constraints) =
        (struct spec_constraint){orc_strdup("node.hostname"), true, orc_printf("k%d", i + 1)};
    sim_apply(x->s, name, 1, w);
}

static void look(struct scene *x)
{
    const struct record_rollout *r = sim_rollout(x->s, "shop", "web");
    orc_auto_free char *text = record_rollout_text(r);

    record_rollout_release(&x->r);
    assert_int_equal(record_rollout_parse(text, strlen(text), &x->r, NULL), 0);
    slots_release(&x->v);
    x->v = (struct slots){0};
    slots_build(&x->v, x->s->core, core_service_find(x->s->core, "shop", "web"), &x->r);
}

/* Takes w. `backwards`: the last node is there first. */
static struct scene scene_in_order(const struct row *rows, int nodes, struct spec_service *w, bool backwards)
{
    struct scene x = {.s = sim_new(), .rows = rows, .nodes = nodes};

    for (int i = 0; i < nodes; i++)
        add_node(&x, backwards ? nodes - 1 - i : i);
    x.s->nodes = nodes;
    for (int i = 0; i < nodes; i++)
        cordon(&x, i, true);
    sim_apply(x.s, "shop", 1, w);
    for (int i = 0; i < nodes; i++)
        lay(&x, i);
    for (int i = 0; i < nodes; i++)
        cordon(&x, i, false);
    for (int i = 0; i < nodes; i++)
        if (rows[i].other_mib)
            lay_other(&x, i);
    sim_pass(x.s, 120000);
    for (int i = 0; i < nodes; i++)
        cordon(&x, i, rows[i].closed);
    sim_decide(x.s);
    look(&x);
    return x;
}

static struct scene scene(const struct row *rows, int nodes, struct spec_service *w)
{
    return scene_in_order(rows, nodes, w, false);
}

static void scene_end(struct scene *x)
{
    slots_release(&x->v);
    record_rollout_release(&x->r);
    sim_free(x->s);
}

static bool choose(struct scene *x, struct rebalance_move *ret, bool *ret_blocked)
{
    struct core *c = x->s->core;
    struct slot *s;

    place_spread_begin(c);
    place_count_held(c, x->v.service, false);
    orc_vec_each (s, &x->v.at)
        if (s->head)
            place_spread_count(c, s->head, true);
    return rebalance_choose(c, &x->v, ret, ret_blocked);
}

/* "2 to k4: k1 has 3 of its replicas, k4 has 0": the slot's number, whereto and why; "": nothing moves. */
static char *chosen(struct scene *x, bool *ret_blocked)
{
    struct rebalance_move m;
    char *text;

    if (!choose(x, &m, ret_blocked))
        return orc_strdup("");
    text = orc_printf("%d to %s: %s", m.slot->n, m.to->name, m.why);
    free(m.why);
    return text;
}

static void expect(struct scene *x, const char *want)
{
    orc_auto_free char *got = chosen(x, NULL);

    assert_string_equal(got, want);
}

/* ... and, where nothing moves, whether room that is made could change that. */
static void expect_of(const struct row *rows, int nodes, struct spec_service *w, const char *want,
                      bool blocked)
{
    struct scene x = scene(rows, nodes, w);
    bool is;
    orc_auto_free char *got = chosen(&x, &is);

    assert_string_equal(got, want);
    if (!want[0])
        assert_int_equal(is, blocked);
    scene_end(&x);
}

#define EXPECT(w, want, blocked, ...)                                                                        \
    expect_of((struct row[]){__VA_ARGS__}, (int)(sizeof((struct row[]){__VA_ARGS__}) / sizeof(struct row)),  \
              w, want, blocked)

/* ---- what may leave */

static void test_choose__what_may_be_moved_at_all(void **state)
{
    struct spec_service *w = web();

    assert_true(rebalance_may(w));
    w->global = true;
    assert_false(rebalance_may(w));
    w->global = false;
    w->job = true;
    assert_false(rebalance_may(w));
    w->job = false;
    orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                  .source = orc_strdup("data"),
                                                  .target = orc_strdup("/data")}));
    assert_false(rebalance_may(w));
    spec_service_free(w);
}

static void be_closed(struct slot *s)
{
    s->open = false;
}

static void be_empty(struct slot *s)
{
    s->head = NULL;
}

static void be_replaced(struct slot *s)
{
    s->old = s->head;
}

static void stop_one(struct slot *s)
{
    s->leaving = s->head;
}

static void be_unreadable(struct slot *s)
{
    s->unreadable = true;
}

static void be_busy(struct slot *s)
{
    s->busy = true;
}

static void wait_for_something(struct slot *s)
{
    s->wait = orc_strdup("its turn comes");
}

static void differ(struct slot *s)
{
    s->compliant = false;
}

static void start(struct slot *s)
{
    s->class = CLASS_STARTING;
}

/* Each reason alone keeps a replica where it is, and then another one goes. */
static void test_choose__only_what_serves_and_has_nothing_else_to_do_leaves(void **state)
{
    static void (*const reasons[])(struct slot *) = {be_closed,          be_empty,      be_replaced,
                                                     stop_one,           be_unreadable, be_busy,
                                                     wait_for_something, differ,        start};
    static const struct row rows[] = {{.web = 4}, {0}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(reasons); i++) {
        struct scene x = scene(rows, 2, web());
        struct rebalance_move m;

        expect(&x, "3 to k2: k1 has 4 of its replicas, k2 has 0");
        reasons[i](&x.v.at.at[3]);
        assert_true(choose(&x, &m, NULL));
        assert_int_equal(m.slot->n, 2);
        free(m.why);
        for (int k = 0; k < 3; k++)
            reasons[i](&x.v.at.at[k]);
        expect(&x, "");
        scene_end(&x);
    }
}

/* ---- from where, to where */

static void test_choose__from_the_fullest_the_one_with_the_highest_number(void **state)
{
    EXPECT(web(), "7 to k3: k2 has 5 of its replicas, k3 has 0", false, {.web = 3}, {.web = 5}, {0});
    EXPECT(web(), "4 to k3: k1 has 5 of its replicas, k3 has 0", false, {.web = 5}, {.web = 3}, {0});
    EXPECT(web(), "5 to k3: k2 has 3 of its replicas, k3 has 0", false, {.web = 3}, {.web = 3}, {0});
    EXPECT(web(), "7 to k2: k3 has 4 of its replicas, k2 has 1", false, {.web = 3}, {.web = 1}, {.web = 4});
}

/* Of those that have equally few the one that is emptiest of all. */
static void test_choose__to_the_emptiest(void **state)
{
    EXPECT(web(), "3 to k3: k1 has 4 of its replicas, k3 has 0", false, {.web = 4}, {.other_mib = 500}, {0});
    EXPECT(web(), "3 to k2: k1 has 4 of its replicas, k2 has 0", false, {.web = 4}, {0}, {.other_mib = 500});
    EXPECT(web(), "3 to k3: k1 has 4 of its replicas, k3 has 0", false, {.web = 4}, {.web = 1},
           {.other_mib = 700});
}

static void test_choose__one_more_than_another_is_balanced(void **state)
{
    EXPECT(web(), "", false, {.web = 1}, {0});
    EXPECT(web(), "1 to k2: k1 has 2 of its replicas, k2 has 0", false, {.web = 2}, {0});
    EXPECT(web(), "", false, {.web = 3}, {.web = 2}, {.web = 2});
    EXPECT(web(), "", false, {.web = 5});
}

/* ---- what keeps it from that */

/* Where room would help, it is waited for; where the difference is not worth a move, or it is not for lack of
 * room that a node takes nothing, it is not. */
static void test_choose__room_is_waited_for_where_it_is_all_that_is_missing(void **state)
{
    EXPECT(web(), "", true, {.web = 2}, {.other_mib = 950});
    EXPECT(web(), "", false, {.web = 1}, {.other_mib = 950});
    EXPECT(web(), "", true, {.web = 4}, {.web = 2, .other_mib = 750});
    EXPECT(web(), "", false, {.web = 4}, {.web = 3, .other_mib = 650});
    EXPECT(web(), "", false, {.web = 4}, {.closed = true});
    EXPECT(web(), "", false, {.web = 4}, {.other_mib = 950, .closed = true});
    EXPECT(web(), "3 to k3: k1 has 4 of its replicas, k3 has 0", false, {.web = 4}, {.other_mib = 950}, {0});
}

static void test_choose__a_node_that_is_not_allowed_is_not_waited_for(void **state)
{
    for (int here = 0; here < 2; here++) {
        struct spec_service *w = web();

        *orc_vec_add(&w->constraints) =
            (struct spec_constraint){orc_strdup("node.labels.zone"), true, orc_strdup("a")};
        EXPECT(w, "", here, {.web = 4, .zone = "a"}, {.other_mib = 950, .zone = here ? "a" : "b"});
    }
}

/* Nor does it go where its container crashed too often, when there is nowhere else. */
static void test_choose__where_it_was_in_trouble_nothing_goes(void **state)
{
    for (int is_packed = 0; is_packed < 2; is_packed++)
        for (int crashes = 4; crashes <= 5; crashes++) {
            const struct row rows[] = {{.web = is_packed ? 2 : 4, .closed = true},
                                       {.web = 1, .other_mib = 100}};
            struct scene x = scene(rows, 2, is_packed ? packed() : web());

            for (int i = 0; i < crashes; i++)
                sim_crash(x.s, "web", rows[0].web);
            sim_decide(x.s);
            look(&x);
            if (crashes == 5)
                expect(&x, "");
            else
                expect(&x, is_packed ? "1 to k2: 2 of its replicas alone keep k1 in use, and fit elsewhere"
                                     : "3 to k2: k1 has 4 of its replicas, k2 has 1");
            scene_end(&x);
        }
}

/* ---- levels */

static void test_choose__groups_come_before_nodes(void **state)
{
    const struct row a2 = {.web = 2, .zone = "a"}, a4 = {.web = 4, .zone = "a"}, b0 = {.zone = "b"},
                     b4 = {.web = 4, .zone = "b"}, b1 = {.web = 1, .zone = "b"}, c6 = {.web = 6, .zone = "c"},
                     d0 = {.zone = "d"}, a0 = {.zone = "a"};

    EXPECT(spread("node.labels.zone", NULL),
           "3 to k3: node.labels.zone \"a\" has 4 of its replicas, \"b\" has 0", false, a2, a2, b0);
    EXPECT(spread("node.labels.zone", NULL),
           "10 to k4: node.labels.zone \"c\" has 6 of its replicas, \"d\" has 0", false, a4, b1, c6, d0);
    EXPECT(spread("node.labels.zone", NULL),
           "5 to k1: node.labels.zone \"c\" has 6 of its replicas, \"d\" has 0", false, d0, c6, b1, a4);
    EXPECT(spread("node.labels.zone", NULL), "", false, a2, a2, b4);
    EXPECT(spread("node.labels.zone", NULL), "3 to k2: k1 has 4 of its replicas, k2 has 0", false, a4, a0,
           b4);
}

static void test_choose__the_outer_level_comes_before_the_inner_one(void **state)
{
    const struct row na2 = {.web = 2, .region = "n", .zone = "a"}, nb0 = {.region = "n", .zone = "b"},
                     nb4 = {.web = 4, .region = "n", .zone = "b"},
                     sc2 = {.web = 2, .region = "s", .zone = "c"}, sc0 = {.region = "s", .zone = "c"},
                     sc1 = {.web = 1, .region = "s", .zone = "c"};

    EXPECT(spread("node.labels.region", "node.labels.zone"), "", false, na2, na2, nb4);
    EXPECT(spread("node.labels.region", "node.labels.zone"),
           "1 to k2: node.labels.zone \"a\" has 2 of its replicas, \"b\" has 0", false, na2, nb0, sc2);
    EXPECT(spread("node.labels.region", "node.labels.zone"),
           "1 to k3: node.labels.region \"n\" has 2 of its replicas, \"s\" has 0", false, na2, nb0, sc0);
    EXPECT(spread("node.labels.region", "node.labels.zone"),
           "5 to k3: node.labels.region \"n\" has 6 of its replicas, \"s\" has 1", false, na2, nb4, sc1);
}

/* Among groups that have equally few the best node decides, but never against the numbers. */
static void test_choose__to_the_emptiest_group_then_to_the_best_node(void **state)
{
    const struct row a4 = {.web = 4, .zone = "a"}, b0 = {.zone = "b"}, b1 = {.web = 1, .zone = "b"},
                     avoided = {.zone = "b", .avoid = true}, c0 = {.zone = "c"}, c1 = {.web = 1, .zone = "c"};

    EXPECT(spread("node.labels.zone", NULL),
           "3 to k2: node.labels.zone \"a\" has 4 of its replicas, \"b\" has 0", false, a4, avoided, c1);
    EXPECT(spread("node.labels.zone", NULL),
           "3 to k3: node.labels.zone \"a\" has 4 of its replicas, \"c\" has 0", false, a4, avoided, c0);
    EXPECT(spread("node.labels.zone", NULL),
           "3 to k2: node.labels.zone \"a\" has 4 of its replicas, \"b\" has 1", false, a4, b0, b1);
    EXPECT(spread("node.labels.zone", NULL),
           "4 to k2: node.labels.zone \"a\" has 5 of its replicas, \"b\" has 1", false,
           {.web = 5, .zone = "a"}, {.web = 1, .zone = "b", .avoid = true}, {.web = 2, .zone = "c"});
}

/* Each outer group by itself, also with nodes that take nothing; of several that need it the best. */
static void test_choose__within_outer_groups(void **state)
{
    const struct row na2 = {.web = 2, .region = "n", .zone = "a"},
                     sc2 = {.web = 2, .region = "s", .zone = "c"},
                     sc4 = {.web = 4, .region = "s", .zone = "c"}, nb0 = {.region = "n", .zone = "b"},
                     sd0 = {.region = "s", .zone = "d"};

    EXPECT(spread("node.labels.region", "node.labels.zone"),
           "3 to k4: node.labels.zone \"c\" has 2 of its replicas, \"d\" has 0", false, na2,
           {.region = "n", .zone = "b", .avoid = true}, sc2, sd0);
    EXPECT(spread("node.labels.region", "node.labels.zone"),
           "1 to k2: node.labels.zone \"a\" has 2 of its replicas, \"b\" has 0", false, na2, nb0, sc2,
           {.region = "s", .zone = "d", .avoid = true});
    EXPECT(spread("node.labels.region", "node.labels.zone"),
           "7 to k3: node.labels.zone \"a\" has 4 of its replicas, \"b\" has 0", false, sc4,
           {.web = 4, .region = "n", .zone = "a", .closed = true}, nb0);
}

static void test_choose__by_a_leader_that_has_placed_nothing_yet(void **state)
{
    static const struct row rows[] = {{.web = 2, .zone = "a"}, {.web = 2, .zone = "a"}, {.zone = "b"}};
    struct scene x = scene(rows, 3, spread("node.labels.zone", NULL));

    sim_new_leader(x.s);
    sim_decide(x.s);
    look(&x);
    expect(&x, "3 to k3: node.labels.zone \"a\" has 4 of its replicas, \"b\" has 0");
    scene_end(&x);
}

/* ---- packing */

static void test_choose__packing_empties_the_node_that_has_fewest(void **state)
{
    EXPECT(packed(), "1 to k2: 2 of its replicas alone keep k1 in use, and fit elsewhere", false, {.web = 2},
           {.other_mib = 100});
    EXPECT(packed(), "0 to k2: 1 of its replicas alone keeps k1 in use, and fit elsewhere", false, {.web = 1},
           {.other_mib = 100});
    EXPECT(packed(), "2 to k3: 1 of its replicas alone keeps k2 in use, and fit elsewhere", false,
           {.web = 2, .avoid = true}, {.web = 1}, {.other_mib = 500});
    EXPECT(packed(), "0 to k3: 1 of its replicas alone keeps k1 in use, and fit elsewhere", false, {.web = 1},
           {.web = 2, .avoid = true}, {.other_mib = 500});
}

/* A move that was decided in this step empties k2: what is on k1 does not go there (two replicas followed one
 * another round the nodes for ever). */
static void test_choose__packing_goes_to_no_node_that_is_being_left(void **state)
{
    static const struct row rows[] = {{.web = 2}, {.web = 1}};
    struct scene x = scene(rows, 2, packed());
    struct slot *s;

    expect(&x, "2 to k1: 1 of its replicas alone keeps k2 in use, and fit elsewhere");
    orc_vec_each (s, &x.v.at)
        s->busy = s->n == 2;
    expect(&x, "");
    scene_end(&x);
}

/* Of nodes that have equally many, the first by name, whichever came first. */
static void test_choose__packing_goes_by_name_among_equals(void **state)
{
    static const struct row rows[] = {{.web = 1}, {.web = 1}, {.web = 1}, {.other_mib = 500}};

    for (int backwards = 0; backwards < 2; backwards++) {
        struct scene x = scene_in_order(rows, 4, packed(), backwards);
        struct rebalance_move m;

        assert_true(choose(&x, &m, NULL));
        assert_int_equal(m.slot->n, 0);
        free(m.why);
        scene_end(&x);
    }
}

/* What else is there, or may not leave, keeps the node in use all the same. */
static void test_choose__packing_moves_nothing_that_frees_no_node(void **state)
{
    static const struct row rows[] = {{.web = 2}, {.other_mib = 100}};
    struct scene x = scene(rows, 2, packed());

    expect(&x, "1 to k2: 2 of its replicas alone keep k1 in use, and fit elsewhere");
    x.v.at.at[0].busy = true;
    expect(&x, "");
    scene_end(&x);
    EXPECT(packed(), "", true, {.web = 1, .other_mib = 50}, {.other_mib = 100});
    EXPECT(packed(), "", true, {.web = 2}, {0});
}

/* ... of those that run something: one that others are preferable to is the last. */
static void test_choose__packing_goes_to_the_best_that_takes_one(void **state)
{
    EXPECT(packed(), "0 to k3: 1 of its replicas alone keeps k1 in use, and fit elsewhere", false, {.web = 1},
           {.other_mib = 300, .avoid = true}, {.other_mib = 300});
    EXPECT(packed(), "0 to k2: 1 of its replicas alone keeps k1 in use, and fit elsewhere", false, {.web = 1},
           {.other_mib = 300}, {.other_mib = 300, .avoid = true});
    EXPECT(packed(), "0 to k2: 1 of its replicas alone keeps k1 in use, and fit elsewhere", false, {.web = 1},
           {.other_mib = 300, .avoid = true}, {.other_mib = 950});
    EXPECT(packed(), "0 to k2: 1 of its replicas alone keeps k1 in use, and fit elsewhere", false, {.web = 1},
           {.other_mib = 300, .avoid = true}, {0});
}

/* All that a node would be left by must find a place, on one or on several. */
static void test_choose__packing_needs_room_for_all_of_them(void **state)
{
    EXPECT(packed(), "", true, {.web = 1}, {.other_mib = 950});
    EXPECT(packed(), "0 to k2: 1 of its replicas alone keeps k1 in use, and fit elsewhere", false, {.web = 1},
           {.other_mib = 900});
    EXPECT(packed(), "", true, {.web = 2}, {.other_mib = 850});
    EXPECT(packed(), "1 to k2: 2 of its replicas alone keep k1 in use, and fit elsewhere", false, {.web = 2},
           {.other_mib = 850}, {.other_mib = 840, .avoid = true});
    EXPECT(packed(), "", true, {.web = 3}, {.other_mib = 850}, {.other_mib = 840, .avoid = true});
}

static void test_choose__packing_counts_what_is_scarcest(void **state)
{
    for (int enough = 0; enough < 2; enough++) {
        const char *want = enough ? "1 to k2: 2 of its replicas alone keep k1 in use, and fit elsewhere" : "";
        struct spec_service *cpus = packed(), *per_node = packed(), *pids = packed(), *both = packed();

        cpus->limits.cpus_nano = INT64_C(2000000000);
        EXPECT(cpus, want, !enough, {.web = 2}, {.web = 1, .other_mib = 10, .cpus = enough ? 6.1 : 5.9});
        per_node->max_per_node = enough ? 4 : 3;
        EXPECT(per_node, want, !enough, {.web = 2}, {.web = 2, .other_mib = 10});
        both->max_per_node = enough ? 5 : 4; /* and memory for three */
        EXPECT(both, enough ? "2 to k2: 3 of its replicas alone keep k1 in use, and fit elsewhere" : "",
               !enough, {.web = 3}, {.web = 2, .other_mib = 450});
        pids->pids_limit = 100;
        EXPECT(pids, want, !enough, {.web = 2, .pids = 1000},
               {.web = 2, .other_mib = 10, .pids = enough ? 400 : 399});
    }
}

/* A node that does not say how many processes it has room for, and a port that is no host's, limit nothing.
 */
static void test_choose__packing_is_not_limited_by_what_is_not_scarce(void **state)
{
    const char *want = "1 to k2: 2 of its replicas alone keep k1 in use, and fit elsewhere";
    struct spec_service *pids = packed(), *port = packed();

    pids->pids_limit = 100;
    EXPECT(pids, want, false, {.web = 2}, {.other_mib = 10});
    orc_vec_push(&port->ports, ((struct spec_port){.host_ip = orc_strdup(""), .container = 80}));
    EXPECT(port, want, false, {.web = 2}, {.other_mib = 10});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose__what_may_be_moved_at_all),
        cmocka_unit_test(test_choose__only_what_serves_and_has_nothing_else_to_do_leaves),
        cmocka_unit_test(test_choose__from_the_fullest_the_one_with_the_highest_number),
        cmocka_unit_test(test_choose__to_the_emptiest),
        cmocka_unit_test(test_choose__one_more_than_another_is_balanced),
        cmocka_unit_test(test_choose__room_is_waited_for_where_it_is_all_that_is_missing),
        cmocka_unit_test(test_choose__a_node_that_is_not_allowed_is_not_waited_for),
        cmocka_unit_test(test_choose__where_it_was_in_trouble_nothing_goes),
        cmocka_unit_test(test_choose__groups_come_before_nodes),
        cmocka_unit_test(test_choose__the_outer_level_comes_before_the_inner_one),
        cmocka_unit_test(test_choose__to_the_emptiest_group_then_to_the_best_node),
        cmocka_unit_test(test_choose__within_outer_groups),
        cmocka_unit_test(test_choose__by_a_leader_that_has_placed_nothing_yet),
        cmocka_unit_test(test_choose__packing_empties_the_node_that_has_fewest),
        cmocka_unit_test(test_choose__packing_goes_by_name_among_equals),
        cmocka_unit_test(test_choose__packing_goes_to_no_node_that_is_being_left),
        cmocka_unit_test(test_choose__packing_moves_nothing_that_frees_no_node),
        cmocka_unit_test(test_choose__packing_goes_to_the_best_that_takes_one),
        cmocka_unit_test(test_choose__packing_needs_room_for_all_of_them),
        cmocka_unit_test(test_choose__packing_counts_what_is_scarcest),
        cmocka_unit_test(test_choose__packing_is_not_limited_by_what_is_not_scarce),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
