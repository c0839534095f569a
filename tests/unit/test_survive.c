/* N-1: does everything still find a place after any one node is lost? Held against losing it for real. */
#include "scheduler/survive.h"
#include "tests/sim/sim.h"

static struct spec_service *needs(const char *name, int replicas, double cpus, int64_t memory_mib)
{
    struct spec_service *w = sim_spec(name, replicas, "good");

    w->limits = (struct spec_resources){(int64_t)(cpus * 1e9), memory_mib * SIM_MIB};
    return w;
}

static struct sim *cluster(int nodes, int64_t memory_mib)
{
    struct sim *s = sim_new();

    for (int i = 0; i < nodes; i++)
        sim_node(s, 8, memory_mib);
    return s;
}

static void assert_says(struct sim *s, const char *want)
{
    struct survive v;
    orc_auto_free char *got = NULL;

    survive_any_node(s->core, &v);
    got = survive_text(&v);
    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
    survive_release(&v);
}

static void test_survive__with_room_to_spare_any_node_can_go(void **state)
{
    struct sim *s = cluster(3, 1000);

    sim_apply(s, "shop", 1, needs("web", 6, 0.1, 200));
    sim_settle(s);
    assert_says(
        s, "any one node can be lost: every replica would find a place; without k1 the most would move: 2");
    sim_free(s);
}

/* Three nodes of 1000 MiB with 800 in use each: 200 free on each of two, and 400 asked for a replica. */
static void test_survive__what_would_be_left_out_is_told_in_numbers(void **state)
{
    struct sim *s = cluster(3, 1000);

    sim_apply(s, "shop", 1, needs("web", 6, 0.1, 400));
    sim_settle(s);
    assert_says(s, "without k1 2 replicas would have no place: 2 of shop/web (0 of 3 nodes fit: k1: lost; k2 "
                   "memory: needs "
                   "400 MiB, 200 MiB free, 200 MiB short; k3 memory: needs 400 MiB, 200 MiB free, 200 MiB "
                   "short); without "
                   "2 other nodes some, too");
    sim_free(s);
}

static void test_survive__of_one_node_or_none_there_is_nothing_to_say(void **state)
{
    struct sim *s = cluster(1, 1000);

    sim_apply(s, "shop", 1, needs("web", 2, 0.1, 100));
    sim_settle(s);
    assert_says(s, NULL);
    sim_node(s, 8, 1000);
    sim_settle(s);
    sim_rm(s, "shop");
    sim_pass(s, 200000);
    assert_says(s, NULL);
    sim_free(s);
}

/* What is tied to a volume, and what runs once on each node, has no other place: neither is counted as left
 * out. */
static void test_survive__volumes_and_global_services_are_apart(void **state)
{
    struct sim *s = cluster(2, 1000);
    struct spec_service *db = needs("db", 1, 0.1, 100), *agent = needs("agent", 1, 0.1, 100);

    *orc_vec_add(&db->mounts) = (struct spec_mount){
        .kind = SPEC_MOUNT_VOLUME, .source = orc_strdup("data"), .target = orc_strdup("/data")};
    agent->global = true;
    agent->replicas = SPEC_REPLICAS_DEFAULT;
    sim_apply(s, "shop", 1, db);
    sim_apply(s, "shop", 1, agent);
    sim_apply(s, "shop", 1, needs("web", 2, 0.1, 100));
    sim_settle(s);
    assert_says(s, "any one node can be lost: every replica would find a place, but for the 1 tied to a "
                   "volume; without k1 the "
                   "most would move: 1");
    sim_free(s);
}

/* A job's tasks that have ended stay where they were, and need no other place; those that run do. */
static void test_survive__a_jobs_ended_tasks_are_not_moved(void **state)
{
    static const char *const images[] = {"exit0", "good"};
    struct sim *s = cluster(2, 1000);

    for (int i = 0; i < 2; i++) {
        struct spec_service *w = sim_spec(i ? "runs" : "ended", 6, images[i]);

        w->job = true;
        w->restart = SPEC_RESTART_NO;
        w->health.kind = SPEC_HEALTH_NONE;
        w->limits.memory = 150 * SIM_MIB;
        if (i)
            w->replicas = 2;
        sim_apply(s, "shop", 1, w);
        sim_settle(s);
    }
    assert_true(sim_count(s, (struct sim_want){.service = "ended"}) > 1); /* their records are kept */
    assert_says(
        s, "any one node can be lost: every replica would find a place; without k1 the most would move: 1");
    sim_free(s);
}

static void test_survive__a_demand_that_does_not_hold_is_refused_in_numbers(void **state)
{
    struct sim *s = cluster(2, 1000);
    struct spec_service *w = needs("web", 3, 0.1, 400);
    struct survive v;
    char *why;

    w->survive_node_loss = true;
    sim_apply(s, "shop", 1, w);
    sim_apply(s, "other", 1, needs("big", 1, 0.1, 500));
    sim_settle(s);
    survive_any_node(s->core, &v);
    why = survive_refusal(&v, "shop");
    assert_non_null(strstr(
        why, "shop/web is to survive the loss of any one node (x-orc.placement.survive_node_loss), but "
             "without k"));
    assert_non_null(strstr(why, " of its replicas would have no place: 0 of 2 nodes fit: "));
    free(why);
    assert_null(survive_refusal(&v, "other"));
    assert_null(survive_refusal(&v, "sho"));
    survive_release(&v);
    sim_scale(s, "shop", "web", 1);
    sim_pass(s, 200000);
    survive_any_node(s->core, &v);
    assert_null(survive_refusal(&v, "shop"));
    survive_release(&v);
    sim_free(s);
}

static void test_survive__asking_changes_nothing(void **state)
{
    struct sim *s = cluster(3, 1000);
    struct survive v;
    orc_auto_free char *text = NULL;

    sim_apply(s, "shop", 1, needs("web", 6, 0.1, 400));
    sim_settle(s);
    survive_any_node(s->core, &v);
    survive_release(&v);
    text = sim_step(s);
    assert_string_equal(text, "");
    sim_free(s);
}

/* ---- against losing it -----------------------------------------------------------------------------------
 */

#define SERVICES 6

static void random_node(struct sim *s, int i)
{
    struct sim_node_opts o = {.cpus = (double)(2 + sim_random(s) % 6),
                              .memory_mib = 500 + (int64_t)(sim_random(s) % 1500),
                              .label = "zone",
                              .value = sim_chance(s, 2) ? "a" : "b"};
    char name[8];

    sim_node(s, o.cpus, o.memory_mib);
    snprintf(name, sizeof name, "k%d", i);
    sim_node_put(s, name, i, o);
}

static struct spec_service *random_service(struct sim *s, const char *name)
{
    struct spec_service *w = needs(name, 1 + (int)(sim_random(s) % 4), 0.2 * (double)(1 + sim_random(s) % 5),
                                   50 + (int64_t)(sim_random(s) % 300));

    if (sim_chance(s, 3))
        w->strategy = SPEC_BINPACK;
    if (sim_chance(s, 4))
        w->max_per_node = 1 + (int)(sim_random(s) % 2);
    if (sim_chance(s, 4))
        orc_strv_add(&w->spread_over, "node.labels.zone");
    if (sim_chance(s, 3))
        *orc_vec_add(&w->constraints) =
            (struct spec_constraint){orc_strdup("node.labels.zone"), sim_chance(s, 2), orc_strdup("a")};
    if (sim_chance(s, 5)) {
        *orc_vec_add(&w->ports) = (struct spec_port){.host = 8080, .container = 80};
        w->replicas = 1;
    }
    return w;
}

static void random_cluster(struct sim *s)
{
    int nodes = 3 + (int)(sim_random(s) % 4);

    for (int i = 1; i <= nodes; i++)
        random_node(s, i);
    for (int i = 0; i < SERVICES; i++) {
        orc_auto_free char *name = orc_printf("s%d", i);

        sim_apply(s, "shop", 1, random_service(s, name));
    }
    sim_pass(s, 120000);
}

static int waiting(struct sim *s, int service)
{
    orc_auto_free char *name = orc_printf("s%d", service);

    return (int)sim_rollout(s, "shop", name)->pending.n;
}

static int all_waiting(struct sim *s)
{
    int n = 0;

    for (int i = 0; i < SERVICES; i++)
        n += waiting(s, i);
    return n;
}

static int left_of(const struct survive_node *n, int service)
{
    orc_auto_free char *name = orc_printf("shop/s%d", service);
    const struct survive_service *x;

    orc_vec_each (x, &n->services)
        if (strcmp(x->name, name) == 0)
            return x->left;
    return 0;
}

static int tasks_on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.node = node});
}

/* Takes n's node away. */
static void assert_foretold(struct sim *s, const struct survive_node *n)
{
    int left = 0;

    assert_int_equal(n->moved, tasks_on(s, n->name));
    sim_alive(s, n->name, false);
    sim_pass(s, 120000);
    for (int i = 0; i < SERVICES; i++) {
        if (waiting(s, i) != left_of(n, i))
            fail_msg("seed %llu: without %s %d of s%d were foretold to wait, %d do",
                     (unsigned long long)s->random, n->name, left_of(n, i), i, waiting(s, i));
        left += left_of(n, i);
    }
    assert_int_equal(n->left, left);
}

/* Property: what survive foretells of a node, service by service, is what happens when it is lost. */
static void test_survive__foretells_what_a_loss_leaves_out(void **state)
{
    int left_out = 0, fine = 0;

    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct sim *s = sim_new();
        const struct survive_node *n;
        struct survive v;

        s->random = seed * 1000003;
        random_cluster(s);
        survive_any_node(s->core, &v);
        n = sim_chance(s, 2) ? survive_worst(&v) : &v.tried.at[sim_random(s) % v.tried.n];
        if (n && all_waiting(s) == 0) {
            left_out += n->left > 0;
            fine += n->left == 0;
            assert_foretold(s, n);
        }
        survive_release(&v);
        sim_free(s);
    }
    assert_in_range(left_out, 20, 400); /* both were tried */
    assert_in_range(fine, 20, 400);
}

/* ---- in words, by hand ------------------------------------------------------------------------------------
 */

/* So many services of one replica each that only k1 has room for. */
static struct sim *tight(int services)
{
    struct sim *s = sim_new();

    sim_node(s, 8, 4000);
    for (int i = 0; i < services; i++) {
        orc_auto_free char *name = orc_printf("s%d", i);

        sim_apply(s, "shop", 1, needs(name, 1, 0.1, 500));
    }
    sim_settle(s);
    sim_node(s, 8, 100);
    sim_settle(s);
    return s;
}

static void test_survive__three_services_are_named_and_more_are_counted(void **state)
{
    static const char *const ends[] = {"; and of 1 more", "; and of 2 more"};
    struct survive v;

    for (int services = 1; services <= 5; services++) {
        struct sim *s = tight(services);
        orc_auto_free char *text = NULL, *begins = NULL;
        int named = 0;

        survive_any_node(s->core, &v);
        text = survive_text(&v);
        begins = orc_printf("without k1 %d replica%s would have no place: 1 of shop/s0 (", services,
                            services == 1 ? "" : "s");
        assert_memory_equal(text, begins, strlen(begins));
        for (const char *at = text; (at = strstr(at, "1 of shop/s")); at++)
            named++;
        assert_int_equal(named, services < 3 ? services : 3);
        if (services > 3)
            assert_string_equal(text + strlen(text) - strlen(ends[0]), ends[services - 4]);
        else
            assert_null(strstr(text, " more"));
        assert_null(strstr(text, "other node"));
        survive_release(&v);
        sim_free(s);
    }
}

/* Of two that are as bad the first by name; of two that leave nothing out the one that moves more. */
static void test_survive__the_worst_is_the_same_each_time(void **state)
{
    static const struct {
        int left[3], moved[3];
        int worst; /* -1: none */
    } rows[] = {{{0, 0, 0}, {0, 0, 0}, -1}, {{0, 0, 0}, {1, 2, 2}, 1}, {{1, 0, 0}, {1, 9, 9}, 0},
                {{2, 2, 1}, {2, 2, 9}, 0},  {{1, 1, 1}, {1, 3, 2}, 1}, {{0, 0, 3}, {9, 9, 3}, 2}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct survive v = {.nodes = 3};

        for (int k = 0; k < 3; k++)
            *orc_vec_add(&v.tried) = (struct survive_node){
                .name = orc_printf("k%d", k + 1), .left = rows[i].left[k], .moved = rows[i].moved[k]};
        if (rows[i].worst < 0)
            assert_null(survive_worst(&v));
        else
            assert_ptr_equal(survive_worst(&v), &v.tried.at[rows[i].worst]);
        survive_release(&v);
    }
}

/* Services of which something is left out, and nodes, are told by name whatever the order of size or address.
 */
static void test_survive__what_it_lists_is_by_name(void **state)
{
    struct sim *s = tight(0);
    struct survive v;

    for (int i = 0; i < 12; i++) {
        orc_auto_free char *name = orc_printf("s%02d", (i * 5) % 12);

        sim_apply(s, "shop", 1, needs(name, 1, 0.1, 200 + (i * 7) % 12));
    }
    sim_pass(s, 10000);
    survive_any_node(s->core, &v);
    assert_int_equal(v.nodes, 2);
    assert_string_equal(v.tried.at[0].name, "k1");
    assert_string_equal(v.tried.at[1].name, "k2");
    assert_int_equal(v.tried.at[0].services.n, 12);
    for (size_t i = 1; i < 12; i++)
        assert_true(strcmp(v.tried.at[0].services.at[i - 1].name, v.tried.at[0].services.at[i].name) < 0);
    survive_release(&v);
    sim_free(s);
}

/* ---- the words, of what was found ---- */

static struct survive_service left_out(const char *name, int left, bool demanded)
{
    return (struct survive_service){
        .name = (char *)name, .demanded = demanded, .left = left, .why = (char *)"no room"};
}

/* Most left out, or else most moved; the first of equals; one that nothing is lost with is no loss. */
static void test_survive__which_loss_is_the_worst(void **state)
{
    static const struct {
        int moved[3], left[3], tied[3];
        int worst; /* -1: none */
    } cases[] = {
        {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, -1}, {{1, 2, 1}, {0, 0, 0}, {0, 0, 0}, 1},
        {{9, 1, 1}, {0, 1, 0}, {0, 0, 0}, 1},  {{3, 3, 3}, {0, 0, 0}, {0, 0, 0}, 0},
        {{1, 5, 9}, {2, 2, 1}, {0, 0, 0}, 1},  {{0, 0, 0}, {0, 0, 0}, {0, 0, 4}, 2},
        {{0, 0, 1}, {0, 0, 0}, {0, 7, 0}, 2},  {{0, 0, 0}, {0, 0, 3}, {0, 1, 0}, 2},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct survive_node n[3];
        struct survive v = {.nodes = 3, .tried = {n, 3, 3}};
        const struct survive_node *worst;

        for (int k = 0; k < 3; k++)
            n[k] = (struct survive_node){.name = (char *)"k",
                                         .moved = cases[i].moved[k],
                                         .left = cases[i].left[k],
                                         .tied = cases[i].tied[k]};
        worst = survive_worst(&v);
        assert_ptr_equal(worst, cases[i].worst < 0 ? NULL : &n[cases[i].worst]);
    }
}

/* One, two, three services are named; of more, how many; and of other nodes, how many. */
static void test_survive__what_is_left_out_is_counted_in_words(void **state)
{
    for (size_t services = 1; services <= 5; services++)
        for (int others = 0; others <= 2; others++) {
            struct survive_service s[5];
            struct survive_node n[4] = {
                {.name = (char *)"k1", .left = (int)services, .services = {s, services, 5}}};
            struct survive v = {.nodes = 4, .tried = {n, 4, 4}};
            orc_auto_free char *text = NULL, *more = NULL;

            for (size_t i = 0; i < 5; i++)
                s[i] = left_out("shop/web", 1, false);
            for (int k = 1; k < 4; k++)
                n[k] = (struct survive_node){.name = (char *)"kx", .moved = 1, .left = k <= others};
            n[0].moved = 2;
            text = survive_text(&v);
            assert_non_null(strstr(text, services == 1 ? "without k1 1 replica would" : "replicas would"));
            more = orc_printf("; and of %zu more", services - 3);
            assert_int_equal(strstr(text, "; and of ") != NULL, services > 3);
            assert_true(services <= 3 || strstr(text, more));
            assert_int_equal(strstr(text, "; without 1 other node some, too") != NULL, others == 1);
            assert_int_equal(strstr(text, "; without 2 other nodes some, too") != NULL, others == 2);
        }
}

/* What was demanded, of an app whole by its name, and of several what is worst. */
static void test_survive__whose_demand_is_refused(void **state)
{
    static const struct {
        const char *app, *says; /* NULL: of any; nothing */
    } cases[] = {{NULL, "shop/db is to survive"},
                 {"shop", "shop/db is to survive"},
                 {"shop2", "shop2/api is to survive"},
                 {"sho", NULL},
                 {"blog", NULL},
                 {"shop/", NULL}};
    struct survive_service on_k1[] = {left_out("blog/web", 9, false), left_out("shop/api", 2, true)},
                           on_k2[] = {left_out("shop/db", 3, true), left_out("shop2/api", 1, true)};
    struct survive_node n[] = {{.name = (char *)"k1", .left = 11, .services = {on_k1, 2, 2}},
                               {.name = (char *)"k2", .left = 4, .services = {on_k2, 2, 2}}};
    struct survive v = {.nodes = 2, .tried = {n, 2, 2}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *text = survive_refusal(&v, cases[i].app);

        assert_int_equal(text != NULL, cases[i].says != NULL);
        if (!text)
            continue;
        assert_int_equal(strncmp(text, cases[i].says, strlen(cases[i].says)), 0);
        assert_non_null(strstr(text, "without k2 "));
        assert_non_null(strstr(text, "no room"));
    }
}

/* That not all were tried, and what is tied, is said with it. */
static void test_survive__what_was_not_tried_is_said(void **state)
{
    for (int nodes = 2; nodes <= 3; nodes++)
        for (int tied = 0; tied < 2; tied++) {
            struct survive_node n[] = {{.name = (char *)"k1", .moved = 4, .tied = tied},
                                       {.name = (char *)"k2", .moved = 2, .tied = tied}};
            struct survive v = {.nodes = nodes, .tried = {n, 2, 2}};
            orc_auto_free char *text = survive_text(&v);

            assert_non_null(strstr(text, "without k1 the most would move: 4"));
            assert_int_equal(strstr(text, "(the 2 most used of 3 were tried)") != NULL, nodes == 3);
            assert_int_equal(strstr(text, "but for the 2 tied to a volume") != NULL, tied);
        }
}

/* ---- which nodes are looked at ---- */

/* Of more than are looked at those on which most is in use; of nodes that are silent or without a record
 * none. */
static void test_survive__the_most_used_are_looked_at(void **state)
{
    struct sim *s = cluster(SURVIVE_NODES_MAX + 5, 1000);
    const struct survive_node *n;
    struct survive v;
    int holding = 0;

    sim_apply(s, "shop", 1, needs("web", 20, 0.1, 600)); /* one on a node */
    sim_settle(s);
    sim_del(s, key_node(SIM_CLUSTER, "k200"));
    sim_alive(s, "k201", false);
    sim_settle(s);
    survive_any_node(s->core, &v);
    assert_int_equal(v.nodes, SURVIVE_NODES_MAX + 3);
    assert_int_equal(v.tried.n, SURVIVE_NODES_MAX);
    orc_vec_each (n, &v.tried) {
        holding += n->moved;
        assert_true(n == v.tried.at || strcmp(n[-1].name, n->name) < 0);
        assert_string_not_equal(n->name, "k200");
        assert_string_not_equal(n->name, "k201");
    }
    assert_in_range(holding, 18, 20); /* all that are used, less what those two may hold */
    survive_release(&v);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_survive__with_room_to_spare_any_node_can_go),
        cmocka_unit_test(test_survive__what_would_be_left_out_is_told_in_numbers),
        cmocka_unit_test(test_survive__of_one_node_or_none_there_is_nothing_to_say),
        cmocka_unit_test(test_survive__volumes_and_global_services_are_apart),
        cmocka_unit_test(test_survive__a_jobs_ended_tasks_are_not_moved),
        cmocka_unit_test(test_survive__a_demand_that_does_not_hold_is_refused_in_numbers),
        cmocka_unit_test(test_survive__asking_changes_nothing),
        cmocka_unit_test(test_survive__foretells_what_a_loss_leaves_out),
        cmocka_unit_test(test_survive__three_services_are_named_and_more_are_counted),
        cmocka_unit_test(test_survive__the_worst_is_the_same_each_time),
        cmocka_unit_test(test_survive__what_it_lists_is_by_name),
        cmocka_unit_test(test_survive__which_loss_is_the_worst),
        cmocka_unit_test(test_survive__what_is_left_out_is_counted_in_words),
        cmocka_unit_test(test_survive__whose_demand_is_refused),
        cmocka_unit_test(test_survive__what_was_not_tried_is_said),
        cmocka_unit_test(test_survive__the_most_used_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
