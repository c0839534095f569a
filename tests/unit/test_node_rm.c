/* `orc node rm` (scheduler/nodes, scheduler/collect): its tasks move, its records are cleared. */
#include "tests/sim/sim.h"

static void rm(struct sim *s, const char *node)
{
    struct record_node_policy p = {.cordon = true, .drain = true, .drain_deadline_ms = 1, .removed = 5};

    sim_put(s, key_node_policy(SIM_CLUSTER, node), record_node_policy_text(&p));
}

/* ... and each node owns its subnet. */
static struct sim *running(int nodes, struct spec_service *w)
{
    struct sim *s = sim_running(nodes, w);

    for (int i = 1; i <= nodes; i++)
        sim_put(s, key_subnet(SIM_CLUSTER, i), orc_printf("{\"node\":\"k%d\"}", i));
    return s;
}

static int on(struct sim *s, const char *node)
{
    return sim_count(s, (struct sim_want){.node = node});
}

/* How many keys have the node in their name or value, its policy aside. */
static int traces(struct sim *s, const char *node)
{
    orc_auto_free char *quoted = orc_printf("\"%s\"", node);
    struct sim_kv *kv, *next;
    int n = 0;

    HASH_ITER (hh, s->kvs, kv, next)
        n += kv->parsed.kind != KEY_NODE_POLICY &&
             (strcmp(kv->parsed.node, node) == 0 || strstr(kv->value->text, quoted));
    return n;
}

/* Behaviour 87. Its /24 rests: gateways may route to an address there until they have seen that it is gone.
 */
static void test_rm__a_silent_node_loses_its_tasks_at_once_and_then_its_records(void **state)
{
    struct sim *s = running(3, sim_spec("web", 6, "good"));

    sim_alive(s, "k2", false);
    sim_settle(s);
    rm(s, "k2");
    sim_pass(s, 10); /* no grace: somebody who knows has said so */
    assert_int_equal(sim_available(s, "web"), 6);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 3);
    assert_int_equal(traces(s, "k2"), 1);
    assert_int_equal(sim_keys(s, KEY_NODE), 2);
    sim_pass(s, 59000);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 3);
    sim_pass(s, 1000);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 2);
    assert_int_equal(traces(s, "k2"), 0);
    sim_pass(s, 100000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_int_equal(traces(s, "k2"), 0);
    sim_free(s);
}

static void test_rm__one_that_was_down_for_long_loses_its_records(void **state)
{
    struct sim *s = running(3, sim_spec("web", 6, "good"));

    sim_alive(s, "k2", false);
    sim_pass(s, 100000);
    assert_true(traces(s, "k2") > 2);
    rm(s, "k2");
    sim_pass(s, 10);
    assert_int_equal(traces(s, "k2"), 0);
    sim_free(s);
}

/* Its nodelet stops them; only when its heartbeat is gone, too, are its records. */
static void test_rm__a_living_node_is_emptied_and_forgotten_when_it_is_silent(void **state)
{
    struct sim *s = running(3, sim_spec("web", 6, "good"));

    rm(s, "k2");
    sim_pass(s, 1000);
    assert_int_equal(on(s, "k2"), 0);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
    assert_int_equal(sim_available(s, "web"), 6);
    assert_int_equal(sim_keys(s, KEY_NODE), 3);
    sim_pass(s, 100000); /* addresses rest */
    sim_alive(s, "k2", false);
    sim_pass(s, 10);
    assert_int_equal(sim_keys(s, KEY_NODE), 2);
    sim_pass(s, 60000);
    assert_int_equal(traces(s, "k2"), 0);
    sim_free(s);
}

/* What comes back before its /24 has rested finds it again. */
static void test_rm__on_return_within_the_rest_it_has_its_addresses(void **state)
{
    struct sim *s = running(3, sim_spec("web", 6, "good"));

    sim_alive(s, "k2", false);
    rm(s, "k2");
    sim_pass(s, 30000);
    sim_alive(s, "k2", true);
    sim_pass(s, 100000);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 3);
    sim_alive(s, "k2", false);
    sim_pass(s, 50000);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 3);
    sim_pass(s, 11000);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 2);
    sim_free(s);
}

static void test_rm__on_return_it_registers_and_gets_nothing_until_it_is_let_in(void **state)
{
    struct sim *s = running(3, sim_spec("web", 6, "good"));
    orc_auto_free char *told = NULL;

    sim_alive(s, "k2", false);
    rm(s, "k2");
    sim_pass(s, 100000);
    sim_events_clear(s);
    sim_alive(s, "k2", true);
    sim_node_put(s, "k2", 2, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000});
    sim_pass(s, 1000);
    told = sim_events(s, "node");
    assert_non_null(strstr(told, "k2 removed: `orc node rm`: but it gives signs of life"));
    sim_scale(s, "shop", "web", 9);
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 9);
    assert_int_equal(on(s, "k2"), 0);
    sim_policy(s, "k2", false, false);
    sim_scale(s, "shop", "web", 12);
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 12);
    assert_int_equal(on(s, "k2"), 3);
    sim_free(s);
}

static void test_rm__let_in_again_in_the_middle_it_keeps_what_was_not_told_to_go(void **state)
{
    struct sim *s = running(3, sim_spec("web", 6, "good"));

    rm(s, "k2");
    sim_policy(s, "k2", false, false);
    sim_pass(s, 10000);
    assert_int_equal(on(s, "k2"), 2);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 3);
    sim_free(s);
}

static bool has_op(const struct plan *p, enum plan_kind kind)
{
    for (size_t k = 0; k < p->txns.n; k++)
        for (size_t o = 0; o < p->txns.at[k].ops.n; o++)
            if (p->txns.at[k].ops.at[o].kind == kind)
                return true;
    return false;
}

/* Steps until such an operation is planned, which is not committed yet. */
static void step_until(struct sim *s, enum plan_kind kind, struct plan *p)
{
    for (int i = 0; i < 20; i++) {
        core_step(s->core, s->now, 0, p);
        if (has_op(p, kind))
            return;
        for (size_t k = 0; k < p->txns.n; k++)
            sim_commit(s, &p->txns.at[k]);
        plan_release(p);
        s->now++;
    }
    fail_msg("it is never planned");
}

static void commit_late(struct sim *s, struct plan *p)
{
    for (size_t k = 0; k < p->txns.n; k++)
        if (!sim_commit(s, &p->txns.at[k]))
            core_retry(s->core, &p->txns.at[k]);
    plan_release(p);
}

static void test_rm__one_that_returns_between_decision_and_commit_keeps_its_records(void **state)
{
    struct sim *s = running(3, sim_spec("web", 3, "good"));
    struct plan p = {0};

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    rm(s, "k2");
    step_until(s, PLAN_NODE_FORGET, &p);
    sim_alive(s, "k2", true);
    commit_late(s, &p);
    assert_int_equal(sim_keys(s, KEY_NODE), 3);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 3);
    sim_alive(s, "k2", false);
    sim_pass(s, 61000);
    assert_int_equal(traces(s, "k2"), 0);
    sim_free(s);
}

/* Who lets it in again at that moment has taken the removal back: neither its records go nor its tasks'. */
static void test_rm__one_that_is_let_in_between_decision_and_commit_keeps_its_records(void **state)
{
    static const enum plan_kind kinds[] = {PLAN_COLLECT, PLAN_NODE_FORGET};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        struct sim *s = running(3, sim_spec("web", 3, "good"));
        struct plan p = {0};
        int had;

        sim_alive(s, "k2", false);
        sim_pass(s, 1000);
        rm(s, "k2");
        step_until(s, kinds[i], &p);
        had = traces(s, "k2");
        sim_policy(s, "k2", false, false);
        commit_late(s, &p);
        assert_int_equal(traces(s, "k2"), had);
        sim_free(s);
    }
}

/* What waits since too many are silent goes on when those that are gone for good are let go. */
static void test_rm__it_ends_a_hold(void **state)
{
    struct sim *s = running(5, sim_spec("web", 10, "good"));

    for (int k = 1; k <= 3; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        sim_alive(s, node, false);
    }
    sim_pass(s, 60000);
    assert_int_equal(sim_available(s, "web"), 4);
    rm(s, "k1");
    rm(s, "k2");
    sim_pass(s, 1000);
    assert_int_equal(on(s, "k1") + on(s, "k2"), 0);
    assert_int_equal(sim_available(s, "web"), 8);
    sim_pass(s, 20000); /* the third alone is not too many */
    assert_int_equal(sim_available(s, "web"), 10);
    sim_free(s);
}

/* Who says so gives its data up. */
static void test_rm__a_volume_does_not_hold_its_replica_any_longer(void **state)
{
    struct spec_service *w = sim_spec("web", 3, "good");
    struct sim *s;

    orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                  .source = orc_strdup("data"),
                                                  .target = orc_strdup("/data")}));
    s = running(3, w);
    sim_alive(s, "k2", false);
    sim_pass(s, 100000);
    assert_int_equal(sim_available(s, "web"), 2);
    rm(s, "k2");
    sim_pass(s, 1000);
    assert_int_equal(sim_available(s, "web"), 3);
    assert_int_equal(traces(s, "k2"), 0);
    sim_free(s);
}

static void test_rm__another_leader_finishes_it(void **state)
{
    for (int at = 0; at < 6; at++) {
        struct sim *s = running(3, sim_spec("web", 6, "good"));

        sim_alive(s, "k2", false);
        sim_settle(s);
        rm(s, "k2");
        for (int i = 0; i < at; i++) {
            free(sim_step(s));
            s->now++;
        }
        sim_new_leader(s);
        sim_pass(s, 100);
        assert_int_equal(sim_keys(s, KEY_NODE), 2);
        sim_pass(s, 60000);
        assert_int_equal(traces(s, "k2"), 0);
        assert_int_equal(sim_available(s, "web"), 6);
        sim_free(s);
    }
}

static void test_rm__of_many_at_once_keeps_within_what_etcd_takes(void **state)
{
    struct sim *s = running(60, sim_spec("web", 40, "good"));

    for (int k = 1; k <= 40; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        sim_alive(s, node, false);
        rm(s, node);
    }
    sim_pass(s, 100);
    assert_int_equal(sim_keys(s, KEY_NODE), 20);
    sim_pass(s, 60000);
    assert_int_equal(sim_keys(s, KEY_SUBNET), 20);
    assert_int_equal(sim_available(s, "web"), 40);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rm__a_silent_node_loses_its_tasks_at_once_and_then_its_records),
        cmocka_unit_test(test_rm__one_that_was_down_for_long_loses_its_records),
        cmocka_unit_test(test_rm__a_living_node_is_emptied_and_forgotten_when_it_is_silent),
        cmocka_unit_test(test_rm__on_return_within_the_rest_it_has_its_addresses),
        cmocka_unit_test(test_rm__on_return_it_registers_and_gets_nothing_until_it_is_let_in),
        cmocka_unit_test(test_rm__let_in_again_in_the_middle_it_keeps_what_was_not_told_to_go),
        cmocka_unit_test(test_rm__one_that_returns_between_decision_and_commit_keeps_its_records),
        cmocka_unit_test(test_rm__one_that_is_let_in_between_decision_and_commit_keeps_its_records),
        cmocka_unit_test(test_rm__it_ends_a_hold),
        cmocka_unit_test(test_rm__a_volume_does_not_hold_its_replica_any_longer),
        cmocka_unit_test(test_rm__another_leader_finishes_it),
        cmocka_unit_test(test_rm__of_many_at_once_keeps_within_what_etcd_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
