/* scheduler/place_filter, place_constraint: each filter at its bounds, asked as placing and `orc why` ask it.
 */
#include "scheduler/place_filter.h"
#include "tests/sim/sim.h"

#define NODE_CPUS 4
#define NODE_MIB 1000

/* One node k1 at 10.0.0.11. */
static struct sim *one_node(void)
{
    struct sim *s = sim_new();

    sim_node(s, NODE_CPUS, NODE_MIB);
    sim_settle(s);
    return s;
}

static struct core_node *node(struct sim *s)
{
    return core_node_find(s->core, "k1");
}

/* What refuses a task of `w`, which is taken; "none": it fits. */
static const char *refused(struct sim *s, struct spec_service *w)
{
    struct core_service *x = core_service_get(s->core, "ask", w->name);
    struct place_req req = {.service = x, .spec = w, .hash = "h"};
    const char *by;

    place_spread_begin(s->core);
    by = place_filter_name(place_refused(s->core, node(s), &req));
    spec_service_free(w);
    return by;
}

static struct spec_service *needs(double cpus, int64_t memory)
{
    struct spec_service *w = sim_spec("web", 1, "good");

    w->limits = (struct spec_resources){(int64_t)(cpus * 1e9), memory};
    return w;
}

/* ---- room -------------------------------------------------------------------------------------------------
 */

static void test_filter__room_to_the_last_byte_and_billionth(void **state)
{
    static const struct {
        int64_t cpus_nano, memory;
        const char *by;
    } rows[] = {
        {INT64_C(4000000000), 1000 * SIM_MIB, "none"},
        {INT64_C(4000000001), 1000 * SIM_MIB, "CPU"},
        {INT64_C(4000000000), 1000 * SIM_MIB + 1, "memory"},
        {INT64_C(4000000001), 1000 * SIM_MIB + 1, "CPU"}, /* the first that is asked */
        {0, 1000 * SIM_MIB, "none"},
        {INT64_C(4000000000), 0, "none"},
        {0, 0, "none"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct sim *s = one_node();
        struct spec_service *w = needs(0, rows[i].memory);

        w->limits.cpus_nano = rows[i].cpus_nano;
        assert_string_equal(refused(s, w), rows[i].by);
        sim_free(s);
    }
}

/* What is not reserved needs no room, also on a node that is more than full. */
static void test_filter__what_reserves_nothing_goes_to_a_node_that_has_shrunk(void **state)
{
    struct sim *s = one_node();
    struct spec_service *w = needs(2, 500 * SIM_MIB);

    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    sim_node_put(s, "k1", 1, (struct sim_node_opts){.cpus = 1, .memory_mib = 100});
    assert_string_equal(refused(s, needs(0, 0)), "none");
    assert_string_equal(refused(s, needs(0.001, 0)), "CPU");
    assert_string_equal(refused(s, needs(0, 1)), "memory");
    sim_free(s);
}

static void test_filter__room_is_told_in_numbers_and_never_below_zero(void **state)
{
    struct sim *s = one_node();
    struct spec_service *w = needs(0, 300 * SIM_MIB);
    struct place_req req = {.service = core_service_get(s->core, "ask", "web"), .spec = w, .hash = "h"};
    struct place_refusal r;

    sim_apply(s, "shop", 1, needs(0, 800 * SIM_MIB));
    sim_settle(s);
    place_spread_begin(s->core);
    place_explain(s->core, node(s), &req, FILTER_MEMORY, &r);
    assert_true(r.counted && r.needed == 300 * SIM_MIB && r.available == 200 * SIM_MIB &&
                r.missing == 100 * SIM_MIB);
    assert_string_equal(r.text, "needs 300 MiB, 200 MiB free, 100 MiB short");
    place_refusal_release(&r);
    sim_node_put(s, "k1", 1, (struct sim_node_opts){.cpus = 4, .memory_mib = 700});
    place_explain(s->core, node(s), &req, FILTER_MEMORY, &r);
    assert_true(r.available == 0 && r.missing == 400 * SIM_MIB);
    place_refusal_release(&r);
    spec_service_free(w);
    sim_free(s);
}

/* ---- ports ------------------------------------------------------------------------------------------------
 */

static struct spec_service *with_port(const char *name, const char *ip, int host, bool udp)
{
    struct spec_service *w = sim_spec(name, 1, "good");

    *orc_vec_add(&w->ports) =
        (struct spec_port){.host_ip = orc_strdup(ip), .host = (uint16_t)host, .container = 80, .udp = udp};
    return w;
}

/* No address is the node's private one, 0.0.0.0 is every one. */
static void test_filter__which_ports_clash(void **state)
{
    static const struct {
        const char *ip;
        int host;
        bool udp;
        const char *other_ip;
        int other_host;
        bool other_udp, clash;
    } rows[] = {
        {"", 8080, false, "", 8080, false, true},
        {"", 8080, false, "", 8081, false, false},
        {"", 8080, false, "", 8080, true, false},
        {"", 53, true, "", 53, true, true},
        {"", 8080, false, "0.0.0.0", 8080, false, true},
        {"127.0.0.1", 8080, false, "0.0.0.0", 8080, false, true},
        {"0.0.0.0", 8080, false, "0.0.0.0", 8080, false, true},
        {"0.0.0.0", 8080, false, "0.0.0.0", 8080, true, false},
        {"127.0.0.1", 8080, false, "127.0.0.1", 8080, false, true},
        {"127.0.0.1", 8080, false, "127.0.0.2", 8080, false, false},
        {"127.0.0.1", 8080, false, "", 8080, false, false},
        {"10.0.0.11", 8080, false, "", 8080, false, true},
        {"10.0.0.12", 8080, false, "", 8080, false, false},
        {"", 0, false, "", 0, false, false}, /* any that is free */
        {"", 8080, false, "", 0, false, false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++)
        for (int swap = 0; swap < 2; swap++) {
            struct sim *s = one_node();
            struct spec_service *a = with_port("one", rows[i].ip, rows[i].host, rows[i].udp);
            struct spec_service *b =
                with_port("two", rows[i].other_ip, rows[i].other_host, rows[i].other_udp);
            const char *by;

            sim_apply(s, "shop", 1, swap ? b : a);
            sim_settle(s);
            by = refused(s, swap ? a : b);
            if (strcmp(by, rows[i].clash ? "host port" : "none") != 0)
                fail_msg("row %zu%s: %s", i, swap ? ", the other way round" : "", by);
            sim_free(s);
        }
}

static void test_filter__the_task_that_makes_room_holds_no_port(void **state)
{
    struct sim *s = one_node();
    struct spec_service *w = with_port("one", "", 8080, false), *other = with_port("two", "", 81, false);
    struct place_req req = {.spec = w, .hash = "h"};

    sim_apply(s, "shop", 1, with_port("one", "", 8080, false));
    sim_apply(s, "shop", 1, other);
    sim_settle(s);
    req.service = core_service_find(s->core, "shop", "one");
    place_spread_begin(s->core);
    assert_int_equal(place_refused(s->core, node(s), &req), FILTER_PORT);
    req.without = core_slot_tasks(req.service, 0);
    assert_int_equal(place_refused(s->core, node(s), &req), FILTER_NONE);
    req.without = core_slot_tasks(core_service_find(s->core, "shop", "two"), 0);
    assert_int_equal(place_refused(s->core, node(s), &req), FILTER_PORT);
    spec_service_free(w);
    sim_free(s);
}

/* ---- the node ---------------------------------------------------------------------------------------------
 */

static void test_filter__what_keeps_everything_off_a_node(void **state)
{
    struct sim *s = one_node();

    assert_string_equal(refused(s, needs(1, 0)), "none");
    sim_policy(s, "k1", true, false);
    assert_string_equal(refused(s, needs(1, 0)), "cordon");
    sim_policy(s, "k1", false, true);
    assert_string_equal(refused(s, needs(1, 0)), "cordon");
    sim_put(s, key_node_policy(SIM_CLUSTER, "k1"), orc_strdup("{"));
    assert_string_equal(refused(s, needs(1, 0)), "cordon");
    sim_policy(s, "k1", false, false);
    sim_node_put(s, "k1", 1, (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .not_ready = "MTU"});
    assert_string_equal(refused(s, needs(1, 0)), "ready");
    sim_put(s, key_node(SIM_CLUSTER, "k1"), orc_strdup("{"));
    assert_string_equal(refused(s, needs(1, 0)), "ready");
    sim_del(s, key_node(SIM_CLUSTER, "k1"));
    assert_string_equal(refused(s, needs(1, 0)), "ready");
    sim_node_put(s, "k1", 1, (struct sim_node_opts){.cpus = 4, .memory_mib = 1000});
    assert_string_equal(refused(s, needs(1, 0)), "none");
    sim_alive(s, "k1", false); /* at once, before it is given up */
    assert_string_equal(refused(s, needs(1, 0)), "alive");
    sim_free(s);
}

/* 253 addresses, of which those that rest count. */
static void test_filter__addresses(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = needs(0, 0);

    sim_node(s, NODE_CPUS, NODE_MIB);
    w->replicas = PLACE_ADDRESS_LAST - PLACE_ADDRESS_FIRST;
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_string_equal(refused(s, needs(0, 0)), "none");
    sim_scale(s, "shop", "web", PLACE_ADDRESS_LAST - PLACE_ADDRESS_FIRST + 1);
    sim_settle(s);
    assert_string_equal(refused(s, needs(0, 0)), "address");
    sim_scale(s, "shop", "web", 100);
    sim_settle(s);
    assert_string_equal(refused(s, needs(0, 0)), "address");
    sim_pass(s, 60000);
    assert_string_equal(refused(s, needs(0, 0)), "none");
    sim_free(s);
}

/* ---- constraints ------------------------------------------------------------------------------------------
 */

static void describe(struct sim *s)
{
    struct record_node n = {.capacity = {4000000000, 1000 * SIM_MIB}};

    n.address = orc_strdup("10.0.0.11");
    n.subnet = orc_strdup("10.210.1.0/24");
    n.os = orc_strdup("linux");
    n.arch = orc_strdup("x86_64");
    spec_pairs_add(&n.labels, "Disk", "SSD");
    spec_pairs_add(&n.labels, "zone", "a");
    spec_pairs_add(&n.labels, "empty", "");
    spec_pairs_add(&n.engine_labels, "gpu", "2");
    sim_put(s, key_node(SIM_CLUSTER, "k1"), record_node_text(&n));
    record_node_release(&n);
}

/* Without regard to case, as Swarm has it; what a node does not have is "". */
static void test_filter__constraints(void **state)
{
    static const struct {
        const char *key, *is;
        bool holds;
    } rows[] = {
        {"node.labels.disk", "ssd", true},
        {"node.labels.DISK", "Ssd", true},
        {"node.labels.disk", "ssd2", false},
        {"node.labels.dis", "ssd", false},
        {"node.labels.zone", "b", false},
        {"node.labels.empty", "", true},
        {"node.labels.none", "", true},
        {"node.labels.none", "x", false},
        {"node.labels.gpu", "2", false},
        {"engine.labels.gpu", "2", true},
        {"engine.labels.disk", "ssd", false},
        {"node.hostname", "K1", true},
        {"node.id", "k1", true},
        {"node.id", "k2", false},
        {"node.role", "worker", true},
        {"node.role", "manager", false},
        {"node.platform.os", "Linux", true},
        {"node.platform.os", "windows", false},
        {"node.platform.arch", "amd64", true},
        {"node.platform.arch", "X86_64", true},
        {"node.platform.arch", "arm64", false},
        {"node.labels.disk", "amd64", false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++)
        for (int equal = 0; equal < 2; equal++) {
            struct sim *s = one_node();
            struct spec_service *w = needs(1, 0);
            bool holds = rows[i].holds == equal;
            const char *by;

            describe(s);
            *orc_vec_add(&w->constraints) =
                (struct spec_constraint){orc_strdup(rows[i].key), equal, orc_strdup(rows[i].is)};
            by = refused(s, w);
            if (strcmp(by, holds ? "none" : "constraint") != 0)
                fail_msg("%s %s %s: %s", rows[i].key, equal ? "==" : "!=", rows[i].is, by);
            sim_free(s);
        }
}

/* The operator's word on a node goes before the node's own; a label gives a role, too. */
static void test_filter__labels_of_the_policy_go_first(void **state)
{
    struct sim *s = one_node();
    struct record_node_policy p = {0};

    describe(s);
    spec_pairs_add(&p.labels, "disk", "nvme");
    spec_pairs_add(&p.labels, "role", "manager");
    sim_put(s, key_node_policy(SIM_CLUSTER, "k1"), record_node_policy_text(&p));
    record_node_policy_release(&p);
    assert_string_equal(place_attribute(node(s), "node.labels.disk"), "nvme");
    assert_string_equal(place_attribute(node(s), "node.labels.zone"), "a");
    assert_string_equal(place_attribute(node(s), "node.role"), "manager");
    assert_string_equal(place_attribute(node(s), "node.labels"), "");
    assert_string_equal(place_attribute(node(s), "what"), "");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter__room_to_the_last_byte_and_billionth),
        cmocka_unit_test(test_filter__what_reserves_nothing_goes_to_a_node_that_has_shrunk),
        cmocka_unit_test(test_filter__room_is_told_in_numbers_and_never_below_zero),
        cmocka_unit_test(test_filter__which_ports_clash),
        cmocka_unit_test(test_filter__the_task_that_makes_room_holds_no_port),
        cmocka_unit_test(test_filter__what_keeps_everything_off_a_node),
        cmocka_unit_test(test_filter__addresses),
        cmocka_unit_test(test_filter__constraints),
        cmocka_unit_test(test_filter__labels_of_the_policy_go_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
