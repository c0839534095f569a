/* Where tasks go: filters, explanations, spread. */
#include "specs/check.h"
#include "tests/sim/sim.h"

static struct sim *cluster(int nodes, double cpus, int64_t memory_mib)
{
    struct sim *s = sim_new();

    for (int i = 0; i < nodes; i++)
        sim_node(s, cpus, memory_mib);
    return s;
}

static struct spec_service *needs(const char *name, int replicas, double cpus, int64_t memory_mib)
{
    struct spec_service *w = sim_spec(name, replicas, "good");

    w->limits = (struct spec_resources){(int64_t)(cpus * 1e9), memory_mib * SIM_MIB};
    return w;
}

static void assert_waits(struct sim *s, const char *service, size_t slots, const char *why)
{
    const struct record_rollout *r = sim_rollout(s, "shop", service);

    assert_non_null(r);
    assert_int_equal(r->pending.n, slots);
    if (slots && !strstr(r->pending.at[0].reason, why))
        fail_msg("waits because \"%s\", without \"%s\"", r->pending.at[0].reason, why);
}

static int on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.node = node});
}

/* Behaviour 15. */
static void test_place__what_does_not_fit_waits_with_the_missing_amount(void **state)
{
    struct sim *s = cluster(3, 4, 1000);

    sim_apply(s, "shop", 1, needs("web", 4, 0.1, 600));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 3);
    assert_waits(
        s, "web", 1,
        "0 of 3 nodes fit: k1 memory: needs 600 MiB, 400 MiB free, 200 MiB short; k2 memory: needs 600 MiB, "
        "400 MiB free, 200 MiB short");
    sim_free(s);
}

/* Behaviour 15. */
static void test_place__cpu_shortage_is_told_in_cpus(void **state)
{
    struct sim *s = cluster(1, 1, 1000);

    sim_apply(s, "shop", 1, needs("web", 2, 0.75, 10));
    sim_settle(s);
    assert_waits(s, "web", 1, "0 of 1 node fits: k1 CPU: needs 0.75, 0.25 free, 0.5 short");
    sim_free(s);
}

static struct spec_service *with_pids(const char *name, int replicas, int pids)
{
    struct spec_service *w = needs(name, replicas, 0.1, 64);

    w->pids_limit = pids;
    return w;
}

static struct sim *cluster_of_pids(int nodes, int pids)
{
    struct sim *s = cluster(nodes, 4, 1000);
    char name[16];

    for (int k = 1; k <= nodes; k++) {
        snprintf(name, sizeof name, "k%d", k);
        sim_node_put(s, name, k, (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .pids = pids});
    }
    return s;
}

/* Behaviour 15. Of processes as of memory: an exact fit fits, what is missing is told, room of what stops
 * counts until it has. */
static void test_place__processes_are_counted_against_what_a_node_takes(void **state)
{
    struct sim *s = cluster_of_pids(2, 1000);

    sim_apply(s, "shop", 1, with_pids("a", 2, 600));
    sim_apply(s, "shop", 1, needs("any", 4, 0.1, 64)); /* without a limit they take none */
    sim_settle(s);
    sim_apply(s, "shop", 1, with_pids("b", 3, 400));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "any", .available = true}), 4);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "b", .node = "k1", .available = true}), 1);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "b", .node = "k2", .available = true}), 1);
    assert_waits(s, "b", 1,
                 "0 of 2 nodes fit: k1 pids: needs 400, 0 free, 400 short; k2 pids: needs 400, 0 free, "
                 "400 short");
    sim_scale(s, "shop", "a", 1);
    sim_decide(s);
    assert_waits(s, "b", 1, "400 short");
    sim_settle(s);
    assert_waits(s, "b", 0, "");
    sim_free(s);
}

/* What is replaced in place is not counted against its own successor. */
static void test_place__a_node_full_of_processes_is_updated_in_place(void **state)
{
    struct sim *s = cluster_of_pids(1, 1000);
    struct spec_service *w = with_pids("a", 2, 500);

    sim_apply(s, "shop", 1, with_pids("a", 2, 500));
    sim_settle(s);
    orc_set_str(&w->image, "good2");
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "a", .revision = 2, .available = true}), 2);
    sim_free(s);
}

static void test_place__a_node_that_does_not_say_takes_any_number_of_processes(void **state)
{
    struct sim *s = cluster_of_pids(1, 0);

    sim_apply(s, "shop", 1, with_pids("a", 5, SPEC_PIDS_MAX));
    sim_settle(s);
    assert_waits(s, "a", 0, "");
    sim_node_put(s, "k1", 1, (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .pids = 32768});
    sim_scale(s, "shop", "a", 6);
    sim_settle(s);
    assert_waits(s, "a", 1, "k1 pids: needs 4194304, 0 free, ");
    assert_int_equal(on(s, "k1"), 5); /* nothing that runs is moved */
    sim_free(s);
}

/* Many at once, none beyond. */
static void test_place__one_step_gives_out_no_process_twice(void **state)
{
    struct sim *s = cluster_of_pids(3, 1000);

    sim_apply(s, "shop", 1, with_pids("a", 20, 150));
    sim_apply(s, "shop", 1, with_pids("b", 20, 90));
    sim_settle(s);
    for (int k = 1; k <= 3; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        assert_true(150 * sim_count(s, (struct sim_want){.service = "a", .node = name}) +
                        90 * sim_count(s, (struct sim_want){.service = "b", .node = name}) <=
                    1000);
    }
    assert_int_equal(sim_count(s, (struct sim_want){.service = "a"}), 18);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "b"}), 3);
    sim_free(s);
}

/* Behaviour 16. */
static void test_place__an_exact_fit_fits(void **state)
{
    struct sim *s = cluster(1, 1, 1000);

    sim_apply(s, "shop", 1, needs("web", 2, 0.5, 500));
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 2);
    assert_waits(s, "web", 0, "");
    sim_free(s);
}

/* Behaviour 17. */
static void test_place__a_request_above_every_machine_blocks_nobody(void **state)
{
    struct sim *s = cluster(2, 1, 1000);

    sim_apply(s, "shop", 1, needs("giant", 1, 64, 100));
    sim_apply(s, "shop", 1, needs("web", 4, 0.1, 100));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 4);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "giant"}), 0);
    assert_waits(s, "giant", 1, "k1 CPU: needs 64, 1 free, 63 short");
    sim_free(s);
}

/* Behaviours 18, 19. */
static void test_place__freed_room_is_used_once_it_is_reported_free(void **state)
{
    struct sim *s = cluster(1, 4, 1000);

    sim_apply(s, "shop", 1, needs("a", 1, 0.1, 800));
    sim_settle(s);
    sim_apply(s, "shop", 1, needs("b", 1, 0.1, 800));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "b"}), 0);
    sim_scale(s, "shop", "a", 0);
    sim_decide(s); /* told to stop; still running: its room counts */
    assert_int_equal(sim_count(s, (struct sim_want){.service = "b"}), 0);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "b", .available = true}), 1);
    sim_free(s);
}

/* Behaviour 20. */
static void test_place__eighteen_on_five_spread_4_4_4_3_3(void **state)
{
    struct sim *s = cluster(5, 8, 8000);
    int three = 0, four = 0;

    sim_apply(s, "shop", 1, needs("web", 18, 0.1, 64));
    sim_settle(s);
    for (int i = 1; i <= 5; i++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", i);
        three += on(s, name) == 3;
        four += on(s, name) == 4;
    }
    assert_int_equal(three, 2);
    assert_int_equal(four, 3);
    sim_free(s);
}

static void test_place__many_small_services_balance_over_nodes(void **state)
{
    struct sim *s = cluster(3, 8, 8000);

    for (int i = 0; i < 9; i++) {
        char name[16];

        snprintf(name, sizeof name, "s%d", i);
        sim_apply(s, "shop", 1, needs(name, 1, 0.1, 64));
    }
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 3);
    assert_int_equal(on(s, "k2"), 3);
    assert_int_equal(on(s, "k3"), 3);
    sim_free(s);
}

/* Behaviour 21. */
static void test_place__spread_gives_way_to_capacity(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 8, 150);
    sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, needs("web", 6, 0.1, 100));
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 1);
    assert_int_equal(on(s, "k2"), 5);
    sim_free(s);
}

/* Behaviour 22. */
static void test_place__without_a_ready_node_all_wait_and_a_joining_one_gets_them(void **state)
{
    struct sim *s = sim_new();

    sim_apply(s, "shop", 1, needs("web", 3, 0.1, 64));
    sim_settle(s);
    assert_waits(s, "web", 3, "the cluster has no node");
    sim_node(s, 4, 1000);
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 3);
    sim_free(s);
}

/* Behaviour 22. */
static void test_place__a_node_with_a_bad_condition_is_told_with_its_reason(void **state)
{
    struct sim *s = cluster(1, 4, 1000);

    sim_node_put(
        s, "k1", 1,
        (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .not_ready = "1500 bytes do not pass to k3"});
    sim_apply(s, "shop", 1, needs("web", 1, 0.1, 64));
    sim_settle(s);
    assert_waits(s, "web", 1, "k1: not ready: 1500 bytes do not pass to k3");
    sim_node_put(s, "k1", 1, (struct sim_node_opts){.cpus = 4, .memory_mib = 1000});
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 1);
    sim_free(s);
}

static void constrain(struct spec_service *w, const char *key, bool equal, const char *value)
{
    struct spec_constraint *k = orc_vec_add(&w->constraints);

    k->key = orc_strdup(key);
    k->equal = equal;
    k->value = orc_strdup(value);
}

/* Behaviours 24, 25. */
static void test_place__all_constraints_hold_and_case_does_not_matter(void **state)
{
    struct sim *s = cluster(3, 4, 1000);
    struct spec_service *w = needs("web", 3, 0.1, 64);

    sim_node_put(s, "k1", 1,
                 (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .label = "disk", .value = "SSD"});
    sim_node_put(s, "k2", 2,
                 (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .label = "disk", .value = "ssd"});
    constrain(w, "node.labels.disk", true, "ssd");
    constrain(w, "node.hostname", false, "K2");
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 3);
    sim_free(s);
}

static void test_place__a_constraint_that_nobody_meets_is_told_per_node(void **state)
{
    struct sim *s = cluster(2, 4, 1000);
    struct spec_service *w = needs("web", 1, 0.1, 64);

    sim_node_put(s, "k1", 1,
                 (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .label = "disk", .value = "hdd"});
    constrain(w, "node.labels.disk", true, "ssd");
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_waits(s, "web", 1,
                 "k1: node.labels.disk is \"hdd\", not \"ssd\"; k2: node.labels.disk is \"\", not \"ssd\"");
    sim_free(s);
}

static void platform(struct sim *s, int k, const char *os, const char *arch)
{
    struct record_node n = {.capacity = {INT64_C(4000000000), 1000 * SIM_MIB}};
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    n.subnet = orc_printf("10.210.%d.0/24", k);
    n.os = orc_strdup(os);
    n.arch = orc_strdup(arch);
    sim_put(s, key_node(SIM_CLUSTER, name), record_node_text(&n));
    record_node_release(&n);
}

/* Behaviour 32. */
static void test_place__the_wrong_architecture_excludes_in_both_spellings(void **state)
{
    struct sim *s = cluster(3, 4, 1000);
    struct spec_service *a = needs("a", 2, 0.1, 64), *b = needs("b", 2, 0.1, 64);

    platform(s, 1, "linux", "amd64");
    platform(s, 2, "linux", "arm64");
    platform(s, 3, "windows", "amd64");
    constrain(a, "node.platform.arch", true, "x86_64");
    constrain(a, "node.platform.os", true, "linux");
    constrain(b, "node.platform.arch", false, "AMD64");
    sim_apply(s, "shop", 1, a);
    sim_apply(s, "shop", 1, b);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "a", .node = "k1"}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "b", .node = "k2"}), 2);
    sim_free(s);
}

static void test_place__a_node_is_known_by_its_id_too(void **state)
{
    struct sim *s = cluster(2, 4, 1000);
    struct spec_service *w = needs("web", 1, 0.1, 64), *x = needs("x", 1, 0.1, 64);

    constrain(w, "node.id", true, "k2");
    constrain(x, "node.platform.arch", true, "aarch64");
    sim_apply(s, "shop", 1, w);
    sim_apply(s, "shop", 1, x);
    sim_settle(s);
    assert_int_equal(on(s, "k2"), 1);
    assert_waits(s, "x", 1, "k1: node.platform.arch is \"\", not \"aarch64\"");
    sim_free(s);
}

/* Behaviour 26. */
static void test_place__a_label_change_that_breaks_a_constraint_evicts(void **state)
{
    struct sim *s = cluster(2, 4, 1000);
    struct spec_service *w = needs("web", 2, 0.1, 64);

    sim_node_put(s, "k1", 1,
                 (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .label = "disk", .value = "ssd"});
    constrain(w, "node.labels.disk", true, "ssd");
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k1"), 2);
    sim_node_put(s, "k2", 2,
                 (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .label = "disk", .value = "ssd"});
    sim_node_put(s, "k1", 1,
                 (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .label = "disk", .value = "hdd"});
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k1"), 0);
    assert_int_equal(on(s, "k2"), 2);
    sim_free(s);
}

static void publish(struct spec_service *w, const char *ip, uint16_t host, bool udp)
{
    struct spec_port *p = orc_vec_add(&w->ports);

    *p = (struct spec_port){.host_ip = orc_strdup(ip), .host = host, .container = 80, .udp = udp};
}

/* Behaviour 27. */
static void test_place__one_host_port_per_node_and_the_surplus_waits(void **state)
{
    struct sim *s = cluster(2, 4, 1000);
    struct spec_service *w = needs("web", 3, 0.1, 64);

    publish(w, "", 8080, false);
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 1);
    assert_int_equal(on(s, "k2"), 1);
    assert_waits(s, "web", 1, "k1 host port: 8080/tcp is taken by shop.web.");
    sim_free(s);
}

/* Behaviour 28. */
static void test_place__every_address_conflicts_with_any_other_protocol_and_address_do_not(void **state)
{
    struct sim *s = cluster(1, 4, 1000);
    struct spec_service *w[4];
    static const char *const names[] = {"a", "b", "c", "d"};

    for (int i = 0; i < 4; i++)
        w[i] = needs(names[i], 1, 0.1, 64);
    publish(w[0], "10.0.0.11", 53, false);
    publish(w[1], "127.0.0.1", 53, false);
    publish(w[2], "10.0.0.11", 53, true);
    publish(w[3], "0.0.0.0", 53, false);
    for (int i = 0; i < 4; i++)
        sim_apply(s, "shop", 1, w[i]);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 3);
    assert_waits(s, "d", 1, "k1 host port: 53/tcp is taken by shop.");
    sim_free(s);
}

/* Behaviour 28, the other way round: what takes every address takes it from each one that comes later. The
 * node's own address, which is meant where none is named, is one of them. */
static void test_place__who_has_every_address_has_each(void **state)
{
    static const char *const later[] = {"0.0.0.0", "10.0.0.11", "127.0.0.1", ""};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(later); i++) {
        struct sim *s = cluster(1, 4, 1000);
        struct spec_service *all = needs("all", 1, 0.1, 64), *w = needs("w", 1, 0.1, 64),
                            *udp = needs("udp", 1, 0.1, 64), *other = needs("other", 1, 0.1, 64);

        publish(all, "0.0.0.0", 53, false);
        publish(w, later[i], 53, false);
        publish(udp, later[i], 53, true);
        publish(other, later[i], 54, false);
        sim_apply(s, "shop", 1, all);
        sim_settle(s);
        sim_apply(s, "shop", 1, w);
        sim_apply(s, "shop", 1, udp);
        sim_apply(s, "shop", 1, other);
        sim_settle(s);
        assert_waits(s, "w", 1, "k1 host port: 53/tcp is taken by shop.all.0.");
        assert_waits(s, "udp", 0, "");
        assert_waits(s, "other", 0, "");
        sim_free(s);
    }
}

/* Behaviour 28. Of several that stand in the way the first by name is told, in whatever order they came. */
static void test_place__of_several_that_have_a_port_the_first_is_told(void **state)
{
    for (int turn = 0; turn < 2; turn++) {
        struct sim *s = cluster(1, 4, 1000);
        struct spec_service *w[2] = {needs("a", 1, 0.1, 64), needs("b", 1, 0.1, 64)},
                            *all = needs("all", 1, 0.1, 64);

        publish(w[0], "127.0.0.1", 53, false);
        publish(w[1], "10.0.0.11", 53, false);
        for (int i = 0; i < 2; i++) {
            sim_apply(s, "shop", 1, w[i ^ turn]);
            sim_settle(s);
        }
        publish(all, "0.0.0.0", 53, false);
        sim_apply(s, "shop", 1, all);
        sim_settle(s);
        assert_waits(s, "all", 1, "k1 host port: 53/tcp is taken by shop.a.0.");
        sim_free(s);
    }
}

/* Behaviour 24. A value is a value: no pattern, no expression, no part of one. */
static void test_place__a_constraints_value_is_literal(void **state)
{
    static const char *const values[] = {"s*", "ss.", "s?d", "[s]sd", "ss", "ssdx", "^ssd$", ".*"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(values); i++)
        for (int equal = 0; equal < 2; equal++) {
            struct sim *s = cluster(1, 4, 1000);
            struct spec_service *w = needs("web", 1, 0.1, 64);

            sim_node_put(
                s, "k1", 1,
                (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .label = "disk", .value = "ssd"});
            constrain(w, "node.labels.disk", equal, values[i]);
            sim_apply(s, "shop", 1, w);
            sim_settle(s);
            if (on(s, "k1") != !equal)
                fail_msg("disk is ssd, and %s \"%s\" takes %d", equal ? "==" : "!=", values[i], on(s, "k1"));
            sim_free(s);
        }
}

static struct spec_service *at_most(const char *name, int replicas, int per_node)
{
    struct spec_service *w = needs(name, replicas, 0.1, 64);

    w->max_per_node = per_node;
    return w;
}

/* Behaviour 29. */
static void test_place__no_more_replicas_on_a_node_than_allowed_and_the_surplus_waits(void **state)
{
    struct sim *s = cluster(2, 4, 1000);

    sim_apply(s, "shop", 1, at_most("web", 5, 2));
    sim_apply(s, "shop", 1, needs("other", 4, 0.1, 64)); /* others don't count */
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k1"}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k2"}), 2);
    assert_waits(s, "web", 1,
                 "0 of 2 nodes fit: k1 max_replicas_per_node: 2 replicas are there, at most 2; k2 max");
    sim_node(s, 4, 1000);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k3"}), 1);
    assert_waits(s, "web", 0, "");
    sim_free(s);
}

static void version(struct spec_service *w, const char *value)
{
    spec_pairs_add(&w->labels, "version", value);
}

/* Behaviour 29: a slot's own task does not keep its successor away, neither before nor after it. */
static void test_place__a_full_cluster_is_updated_in_place_in_both_orders(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int surplus = 0; surplus <= 1; surplus++) {
            struct sim *s = cluster(3, 4, 1000);
            struct spec_service *w = at_most("web", 3 + surplus, 1);

            sim_apply(s, "shop", 1, at_most("web", 3 + surplus, 1));
            sim_pass(s, 20000);
            w->update.order = (enum spec_order)order;
            w->update.parallelism = 1 + surplus; /* one waits for a place */
            version(w, "2");
            sim_apply(s, "shop", 2, w);
            sim_decide(s);
            assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), order == SPEC_STOP_FIRST);
            sim_pass(s, 120000);
            assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 3);
            for (int k = 1; k <= 3; k++) {
                char name[16];

                snprintf(name, sizeof name, "k%d", k);
                assert_int_equal(on(s, name), 1);
            }
            sim_free(s);
        }
}

/* Behaviour 29. */
static void test_place__successors_of_one_step_count_as_the_slots_they_are_for(void **state)
{
    struct sim *s = cluster(1, 4, 1000);
    struct spec_service *w = at_most("web", 2, 2);

    sim_apply(s, "shop", 1, at_most("web", 2, 2));
    sim_pass(s, 20000);
    w->update.order = SPEC_START_FIRST;
    w->update.parallelism = 2;
    version(w, "2");
    sim_apply(s, "shop", 2, w);
    free(sim_step(s));
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
    sim_free(s);
}

/* Behaviours 29, 58. */
static void test_place__a_lower_limit_moves_nothing_that_runs(void **state)
{
    struct sim *s = cluster(1, 4, 1000);
    int64_t attempts;

    sim_apply(s, "shop", 1, at_most("web", 3, 0));
    sim_pass(s, 20000);
    attempts = sim_attempts(s, "web");
    sim_apply(s, "shop", 2, at_most("web", 3, 2));
    sim_pass(s, 20000);
    assert_int_equal(on(s, "k1"), 3);
    assert_int_equal(sim_attempts(s, "web"), attempts);
    sim_free(s);
}

/* Behaviour 31. */
static void test_place__a_cordoned_node_gets_nothing_new_and_keeps_what_it_has(void **state)
{
    struct sim *s = cluster(2, 4, 1000);

    sim_apply(s, "shop", 1, needs("web", 2, 0.1, 64));
    sim_settle(s);
    sim_policy(s, "k1", true, false);
    sim_scale(s, "shop", "web", 6);
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 1);
    assert_int_equal(on(s, "k2"), 5);
    sim_policy(s, "k2", true, false);
    sim_scale(s, "shop", "web", 7);
    sim_settle(s);
    assert_waits(s, "web", 1, "0 of 2 nodes fit: k1: cordoned; k2: cordoned");
    sim_free(s);
}

static void test_place__a_policy_that_cannot_be_read_keeps_new_tasks_away(void **state)
{
    struct sim *s = cluster(2, 4, 1000);

    sim_put(s, key_node_policy(SIM_CLUSTER, "k1"), orc_strdup("{\"cordon\":"));
    sim_apply(s, "shop", 1, needs("web", 4, 0.1, 64));
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 0);
    assert_int_equal(on(s, "k2"), 4);
    sim_free(s);
}

static void test_place__the_reserve_of_a_node_is_never_given_away(void **state)
{
    struct sim *s = sim_new();
    struct record_node n = {.capacity = {INT64_C(4000000000), 1000 * SIM_MIB}, .reserve = {0, 300 * SIM_MIB}};

    n.subnet = orc_strdup("10.210.1.0/24");
    sim_put(s, key_node(SIM_CLUSTER, "k1"), record_node_text(&n));
    record_node_release(&n);
    sim_alive(s, "k1", true);
    sim_apply(s, "shop", 1, needs("web", 8, 0.1, 100));
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 7);
    sim_free(s);
}

static void test_place__a_full_subnet_keeps_further_tasks_away(void **state)
{
    struct sim *s = cluster(1, 1000, 1000000);

    sim_apply(s, "shop", 1, needs("web", 254, 0.1, 1));
    sim_settle(s);
    assert_int_equal(on(s, "k1"), 253); /* never .0, .1, .255 */
    assert_waits(s, "web", 1, "k1 address: none is free in its subnet");
    sim_free(s);
}

/* Stolen CPU time or memory pressure: preferred, not demanded; what runs there stays. */
static void test_place__a_node_under_pressure_is_taken_last(void **state)
{
    struct sim *s = cluster(3, 4, 1000);

    sim_apply(s, "shop", 1, needs("old", 3, 0.1, 100));
    sim_settle(s);
    sim_node_put(
        s, "k2", 2,
        (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .avoid = "14 % of its CPU time is stolen"});
    sim_apply(s, "shop", 1, needs("web", 4, 0.1, 100));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k2"}), 0);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "old", .node = "k2"}), 1);
    sim_apply(s, "shop", 1, needs("big", 3, 0.1, 600));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "big", .node = "k2"}), 1);
    sim_free(s);
}

/* Behaviours 24, 25: Swarm's words: every node is a worker unless a label says otherwise; the engine's own
 * labels. */
static void test_place__roles_and_engine_labels(void **state)
{
    struct sim *s = cluster(2, 4, 1000);
    struct spec_service *w = needs("web", 2, 0.1, 64), *m = needs("m", 2, 0.1, 64),
                        *e = needs("e", 2, 0.1, 64);
    struct record_node n = {.capacity = {INT64_C(4000000000), 1000 * SIM_MIB}};

    n.address = orc_strdup("10.0.0.12");
    n.subnet = orc_strdup("10.210.2.0/24");
    spec_pairs_add(&n.labels, "role", "Manager");
    spec_pairs_add(&n.engine_labels, "storage", "nvme");
    sim_put(s, key_node(SIM_CLUSTER, "k2"), record_node_text(&n));
    record_node_release(&n);
    constrain(w, "node.role", true, "worker");
    constrain(m, "node.role", true, "manager");
    constrain(e, "engine.labels.storage", true, "NVMe");
    sim_apply(s, "shop", 1, w);
    sim_apply(s, "shop", 1, m);
    sim_apply(s, "shop", 1, e);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k1"}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "m", .node = "k2"}), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "e", .node = "k2"}), 2);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place__what_does_not_fit_waits_with_the_missing_amount),
        cmocka_unit_test(test_place__cpu_shortage_is_told_in_cpus),
        cmocka_unit_test(test_place__an_exact_fit_fits),
        cmocka_unit_test(test_place__processes_are_counted_against_what_a_node_takes),
        cmocka_unit_test(test_place__a_node_full_of_processes_is_updated_in_place),
        cmocka_unit_test(test_place__a_node_that_does_not_say_takes_any_number_of_processes),
        cmocka_unit_test(test_place__one_step_gives_out_no_process_twice),
        cmocka_unit_test(test_place__a_node_under_pressure_is_taken_last),
        cmocka_unit_test(test_place__roles_and_engine_labels),
        cmocka_unit_test(test_place__a_request_above_every_machine_blocks_nobody),
        cmocka_unit_test(test_place__freed_room_is_used_once_it_is_reported_free),
        cmocka_unit_test(test_place__eighteen_on_five_spread_4_4_4_3_3),
        cmocka_unit_test(test_place__many_small_services_balance_over_nodes),
        cmocka_unit_test(test_place__spread_gives_way_to_capacity),
        cmocka_unit_test(test_place__without_a_ready_node_all_wait_and_a_joining_one_gets_them),
        cmocka_unit_test(test_place__a_node_with_a_bad_condition_is_told_with_its_reason),
        cmocka_unit_test(test_place__all_constraints_hold_and_case_does_not_matter),
        cmocka_unit_test(test_place__a_constraint_that_nobody_meets_is_told_per_node),
        cmocka_unit_test(test_place__the_wrong_architecture_excludes_in_both_spellings),
        cmocka_unit_test(test_place__a_node_is_known_by_its_id_too),
        cmocka_unit_test(test_place__a_label_change_that_breaks_a_constraint_evicts),
        cmocka_unit_test(test_place__one_host_port_per_node_and_the_surplus_waits),
        cmocka_unit_test(test_place__every_address_conflicts_with_any_other_protocol_and_address_do_not),
        cmocka_unit_test(test_place__who_has_every_address_has_each),
        cmocka_unit_test(test_place__of_several_that_have_a_port_the_first_is_told),
        cmocka_unit_test(test_place__a_constraints_value_is_literal),
        cmocka_unit_test(test_place__no_more_replicas_on_a_node_than_allowed_and_the_surplus_waits),
        cmocka_unit_test(test_place__a_full_cluster_is_updated_in_place_in_both_orders),
        cmocka_unit_test(test_place__successors_of_one_step_count_as_the_slots_they_are_for),
        cmocka_unit_test(test_place__a_lower_limit_moves_nothing_that_runs),
        cmocka_unit_test(test_place__a_cordoned_node_gets_nothing_new_and_keeps_what_it_has),
        cmocka_unit_test(test_place__a_policy_that_cannot_be_read_keeps_new_tasks_away),
        cmocka_unit_test(test_place__the_reserve_of_a_node_is_never_given_away),
        cmocka_unit_test(test_place__a_full_subnet_keeps_further_tasks_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
