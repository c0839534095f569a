/* scheduler/demand: what all services ask for, against what the nodes have. */
#include "scheduler/demand.h"
#include "tests/sim/sim.h"

/* 0.1 CPU and 64 MiB for each replica, as sim_spec() has it; and nodes on which memory is never scarce. */
static struct sim *with_nodes(int n, double cpus)
{
    struct sim *s = sim_new();

    for (int i = 0; i < n; i++)
        sim_node(s, cpus, 1 << 20);
    return s;
}

static void apply(struct sim *s, const char *name, int replicas)
{
    sim_apply(s, "shop", 1, sim_spec(name, replicas, "good"));
    sim_settle(s);
}

static void assert_asked(struct sim *s, int replicas)
{
    assert_int_equal((int64_t)s->core->asked.cpus_nano, INT64_C(100000000) * replicas);
    assert_int_equal((int64_t)s->core->asked.memory, 64 * SIM_MIB * replicas);
}

/* ---- who counts -----------------------------------------------------------------------------------------
 */

static void test_demand__counts_what_is_wanted_and_not_what_runs(void **state)
{
    struct sim *s = with_nodes(1, 0.5);

    apply(s, "web", 4);
    assert_asked(s, 4);
    apply(s, "more", 7); /* one of them finds room */
    assert_asked(s, 11);
    sim_scale(s, "shop", "more", 0);
    sim_settle(s);
    assert_asked(s, 4);
    sim_rm(s, "shop");
    sim_pass(s, 120000);
    assert_asked(s, 0);
    sim_free(s);
}

static void test_demand__without_a_number_it_is_one_and_a_scale_goes_before(void **state)
{
    struct sim *s = with_nodes(2, 4);

    apply(s, "web", SPEC_REPLICAS_DEFAULT);
    assert_asked(s, 1);
    sim_scale(s, "shop", "web", 3);
    sim_settle(s);
    assert_asked(s, 3);
    sim_scale(s, "shop", "web", SPEC_REPLICAS_DEFAULT);
    sim_settle(s);
    assert_asked(s, 1);
    sim_free(s);
}

static void test_demand__a_global_service_asks_for_one_on_each_node(void **state)
{
    struct sim *s = with_nodes(3, 4);
    struct spec_service *w = sim_spec("agent", SPEC_REPLICAS_DEFAULT, "good");

    w->global = true;
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    sim_pass(s, 1000);
    assert_asked(s, 3);
    sim_free(s);
}

static struct spec_service *job(int completions, int at_once)
{
    struct spec_service *w = sim_spec("batch", completions, "good");

    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    w->run.max_concurrent = at_once;
    return w;
}

static void end_one(struct sim *s)
{
    struct record_status st = {0};
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    for (int slot = 0; slot < 16; slot++) {
        if (!sim_task_in(s, "batch", slot, id, node))
            continue;
        assert_true(sim_status_copy(s, node, id, &st));
        if (st.state == TASK_RUNNING) {
            st.state = TASK_STOPPED;
            st.exit_code = 0;
            sim_status(s, node, id, &st);
            record_status_release(&st);
            break;
        }
        record_status_release(&st);
    }
    sim_settle(s);
    sim_pass(s, 1000);
}

/* Known to the scheduler as what runs at once; what has ended needs no room. */
static void test_demand__a_job_asks_for_what_runs_at_once_and_for_nothing_when_it_has_ended(void **state)
{
    struct sim *s = with_nodes(2, 4);

    sim_apply(s, "shop", 1, job(3, 2));
    sim_settle(s);
    sim_pass(s, 1000);
    assert_asked(s, 2);
    end_one(s);
    assert_asked(s, 2);
    end_one(s);
    assert_asked(s, 1);
    end_one(s);
    assert_rollout(s, "shop", "batch", "complete", 1, NULL);
    assert_asked(s, 0);
    sim_free(s);
}

static void test_demand__a_revision_that_cant_be_read_asks_for_nothing(void **state)
{
    struct sim *s = with_nodes(1, 4);

    apply(s, "web", 2);
    sim_put(s, key_revision(SIM_CLUSTER, "shop", "web", 1), orc_strdup("{"));
    sim_settle(s);
    assert_asked(s, 0);
    sim_free(s);
}

/* It is forgotten in the moment in which nothing is left of it, which is before the next step. */
static void test_demand__a_service_that_is_forgotten_asks_for_nothing(void **state)
{
    struct sim *s = with_nodes(1, 4);

    s->refuse = true; /* so that it has neither tasks nor a rollout */
    sim_apply(s, "shop", 1, sim_spec("web", 2, "good"));
    sim_decide(s);
    assert_asked(s, 2);
    sim_del(s, key_revision(SIM_CLUSTER, "shop", "web", 1));
    sim_rm(s, "shop");
    assert_asked(s, 0);
    sim_free(s);
}

/* ---- against what there is ------------------------------------------------------------------------------
 */

/* More than 85 per cent: 17 of 20 tenths is not yet. */
static void test_demand__crowded_from_one_above_the_bound(void **state)
{
    static const struct {
        int replicas;
        bool crowded;
    } rows[] = {{0, false}, {1, false}, {16, false}, {17, false}, {18, true}, {20, true}, {40, true}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct sim *s = with_nodes(2, 1);

        apply(s, "web", rows[i].replicas);
        if (demand_crowded(s->core) != rows[i].crowded)
            fail_msg("%d replicas of a tenth on 2 CPUs: crowded is %d", rows[i].replicas, !rows[i].crowded);
        sim_free(s);
    }
}

static void test_demand__one_scarce_resource_is_enough(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 100, 1024);
    apply(s, "web", 13); /* 832 of 1024 MiB, 1.3 of 100 CPUs */
    assert_false(demand_crowded(s->core));
    sim_scale(s, "shop", "web", 14);
    sim_settle(s);
    assert_true(demand_crowded(s->core));
    sim_free(s);
}

static void test_demand__a_reserve_is_not_offered_and_a_node_counts_as_long_as_it_is_registered(void **state)
{
    struct sim *s = with_nodes(2, 1);
    struct record_node n = {.capacity = {1000000000, INT64_C(1) << 40}, .reserve = {200000000, 0}};

    assert_true(s->core->offered.cpus_nano == 2000000000);
    n.subnet = orc_strdup("10.210.2.0/24");
    sim_put(s, key_node(SIM_CLUSTER, "k2"), record_node_text(&n));
    record_node_release(&n);
    assert_true(s->core->offered.cpus_nano == 1800000000);
    sim_alive(s, "k2", false); /* it may be back in a moment */
    sim_pass(s, 60000);
    assert_true(s->core->offered.cpus_nano == 1800000000);
    sim_put(s, key_node(SIM_CLUSTER, "k2"), orc_strdup("{"));
    assert_true(s->core->offered.cpus_nano == 1000000000);
    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    assert_true(s->core->offered.cpus_nano == 1000000000);
    sim_del(s, key_node(SIM_CLUSTER, "k1"));
    assert_true(s->core->offered.cpus_nano == 0 && s->core->offered.memory == 0);
    sim_free(s);
}

/* ---- order ----------------------------------------------------------------------------------------------
 */

static void add(struct sim *s, const char *name, double cpus, int64_t mib)
{
    struct spec_service *w = sim_spec(name, 1, "good");

    w->limits = (struct spec_resources){(int64_t)(cpus * 1e9), mib * SIM_MIB};
    sim_apply(s, "shop", 1, w);
}

/* In every order in which they may be given. */
static void permute(struct sim *s, struct core_service **at, size_t n, size_t fixed, const char *want)
{
    struct core_service *sorted[4];
    char have[64] = "";

    if (fixed == n) {
        memcpy(sorted, at, n * sizeof *at);
        demand_sort(s->core, sorted, n);
        for (size_t i = 0; i < n; i++)
            strcat(strcat(have, i ? " " : ""), sorted[i]->service);
        assert_string_equal(have, want);
        return;
    }
    for (size_t i = fixed; i < n; i++) {
        struct core_service *x = at[fixed];

        at[fixed] = at[i];
        at[i] = x;
        permute(s, at, n, fixed + 1, want);
        at[i] = at[fixed];
        at[fixed] = x;
    }
}

/* Of 8 CPUs and 8 GiB: shares of both count together, and equal ones go by name. */
static void test_demand__the_larger_share_goes_first_whatever_the_order_of_feeding(void **state)
{
    struct core_service *all[4];
    struct sim *s = sim_new();

    sim_node(s, 8, 8192);
    add(s, "even-a", 1, 1024);
    add(s, "even-b", 2, 0);
    add(s, "large", 1, 3072);
    add(s, "small", 0.5, 512);
    sim_settle(s);
    all[0] = core_service_find(s->core, "shop", "even-a");
    all[1] = core_service_find(s->core, "shop", "even-b");
    all[2] = core_service_find(s->core, "shop", "large");
    all[3] = core_service_find(s->core, "shop", "small");
    permute(s, all, 4, 0, "large even-a even-b small");
    sim_free(s);
}

/* ---- sums -----------------------------------------------------------------------------------------------
 */

/* A core that is fed with the store as it is, from scratch, has the same sums. */
static void assert_as_from_scratch(struct sim *s)
{
    struct core_sum asked = s->core->asked, offered = s->core->offered;

    sim_new_leader(s);
    sim_settle(s);
    assert_true(asked.cpus_nano == s->core->asked.cpus_nano && asked.memory == s->core->asked.memory);
    assert_true(offered.cpus_nano == s->core->offered.cpus_nano && offered.memory == s->core->offered.memory);
}

static void change_something(struct sim *s, int64_t *revision)
{
    char name[8], node[8];
    bool is_job = sim_chance(s, 3);
    struct spec_service *w;

    snprintf(name, sizeof name, "s%d", (int)(sim_random(s) % 4));
    snprintf(node, sizeof node, "k%d", 1 + (int)(sim_random(s) % 3));
    switch (sim_random(s) % 5) {
    case 0:
        w = sim_spec(name, (int)(sim_random(s) % 6), sim_chance(s, 2) ? "exit0" : "good");
        if (sim_chance(s, 4)) {
            w->global = true;
            w->replicas = SPEC_REPLICAS_DEFAULT;
        }
        if (is_job) {
            w->job = true;
            w->restart = SPEC_RESTART_NO;
            w->health.kind = SPEC_HEALTH_NONE;
        }
        w->limits.cpus_nano = (int64_t)(sim_random(s) % 10) * 50000000;
        sim_apply(s, "shop", ++*revision, w);
        break;
    case 1:
        sim_node_put(s, node, node[1] - '0',
                     (struct sim_node_opts){.cpus = (double)(sim_random(s) % 8), .memory_mib = 4096});
        break;
    case 2:
        sim_alive(s, node, sim_chance(s, 2));
        break;
    case 3:
        sim_policy(s, node, sim_chance(s, 2), false);
        break;
    default:
        sim_pass(s, sim_random(s) % 5000);
    }
    sim_settle(s);
}

static void test_demand__property_sums_follow_every_change(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim *s = with_nodes(3, 4);
        int64_t revision = 0;

        s->random = seed;
        for (int i = 0; i < 40; i++)
            change_something(s, &revision);
        for (int i = 1; i <= 3; i++) {
            char node[8];

            snprintf(node, sizeof node, "k%d", i);
            sim_alive(s, node, true);
        }
        sim_pass(s, 700000);
        assert_as_from_scratch(s);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demand__counts_what_is_wanted_and_not_what_runs),
        cmocka_unit_test(test_demand__without_a_number_it_is_one_and_a_scale_goes_before),
        cmocka_unit_test(test_demand__a_global_service_asks_for_one_on_each_node),
        cmocka_unit_test(test_demand__a_job_asks_for_what_runs_at_once_and_for_nothing_when_it_has_ended),
        cmocka_unit_test(test_demand__a_revision_that_cant_be_read_asks_for_nothing),
        cmocka_unit_test(test_demand__a_service_that_is_forgotten_asks_for_nothing),
        cmocka_unit_test(test_demand__crowded_from_one_above_the_bound),
        cmocka_unit_test(test_demand__one_scarce_resource_is_enough),
        cmocka_unit_test(test_demand__a_reserve_is_not_offered_and_a_node_counts_as_long_as_it_is_registered),
        cmocka_unit_test(test_demand__the_larger_share_goes_first_whatever_the_order_of_feeding),
        cmocka_unit_test(test_demand__property_sums_follow_every_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
