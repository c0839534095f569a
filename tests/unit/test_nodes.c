/* What the scheduler writes and tells of nodes (scheduler/nodes): each change once, whoever leads. */
#include "tests/sim/sim.h"

static struct sim *running(int nodes, int replicas)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    sim_pass(s, 70000);
    sim_events_clear(s);
    return s;
}

static void assert_node(struct sim *s, const char *node, const char *state)
{
    orc_auto_free char *key = key_node_state(SIM_CLUSTER, node);
    struct sim_kv *kv = sim_find(s, key);
    struct record_node_state r = {0};

    assert_non_null(kv);
    assert_int_equal(record_node_state_parse(kv->value->text, strlen(kv->value->text), &r, NULL), 0);
    assert_string_equal(node_state_name(r.state), state);
    record_node_state_release(&r);
}

/* Behaviours 75, 76. */
static void test_nodes__unknown_after_the_lease_down_after_the_grace_ready_on_return(void **state)
{
    struct sim *s = running(3, 6);

    sim_alive(s, "k2", false);
    sim_settle(s);
    assert_node(s, "k2", "unknown");
    assert_events(s, "node",
                  "k2 unknown: no heartbeat: the server, its nodelet or its way to etcd is down\n");
    sim_pass(s, 2900);
    assert_node(s, "k2", "unknown");
    sim_pass(s, 200);
    assert_node(s, "k2", "down");
    sim_alive(s, "k2", true);
    sim_settle(s);
    assert_node(s, "k2", "ready");
    assert_events(s, "node",
                  "k2 unknown: no heartbeat: the server, its nodelet or its way to etcd is down\n"
                  "k2 down: no heartbeat for longer than the grace: its tasks are replaced elsewhere\n"
                  "k2 ready\n");
    sim_free(s);
}

static void test_nodes__each_change_is_told_once_whoever_leads(void **state)
{
    struct sim *s = running(3, 6);

    for (int i = 0; i < 3; i++) {
        sim_new_leader(s);
        sim_settle(s);
    }
    assert_events(s, "node", "");
    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    sim_events_clear(s);
    for (int i = 0; i < 3; i++) {
        sim_new_leader(s);
        sim_pass(s, 10000);
    }
    assert_events(s, "node", "");
    assert_node(s, "k2", "down");
    sim_free(s);
}

static void test_nodes__a_refused_word_is_said_again(void **state)
{
    struct sim *s = running(2, 2);

    s->refuse = true;
    sim_policy(s, "k1", true, false);
    free(sim_step(s));
    free(sim_step(s));
    assert_events(s, "node", "");
    s->refuse = false;
    sim_settle(s);
    assert_node(s, "k1", "cordoned");
    assert_events(s, "node", "k1 cordoned: keeps its tasks, gets no new ones\n");
    sim_free(s);
}

static void test_nodes__conditions_and_their_end_are_told(void **state)
{
    struct sim *s = running(2, 2);

    sim_node_put(s, "k1", 1,
                 (struct sim_node_opts){8, 8000, .not_ready = "the path to k2 carries 1400 bytes"});
    sim_settle(s);
    assert_node(s, "k1", "not ready");
    sim_node_put(s, "k1", 1,
                 (struct sim_node_opts){8, 8000, .not_ready = "the path to k2 carries 1300 bytes"});
    sim_settle(s);
    sim_node_put(s, "k1", 1, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000});
    sim_settle(s);
    assert_events(s, "node", "k1 not ready: the path to k2 carries 1400 bytes\nk1 ready\n");
    sim_free(s);
}

/* Behaviour 86. */
static void test_nodes__drained_is_said_when_the_node_says_stopped(void **state)
{
    struct sim *s = running(3, 6);

    sim_policy(s, "k2", true, true);
    sim_settle(s);
    assert_node(s, "k2", "drained");
    sim_policy(s, "k2", false, false);
    sim_settle(s);
    assert_node(s, "k2", "ready");
    assert_events(s, "node",
                  "k2 draining: `orc node drain`: its tasks move elsewhere\n"
                  "k2 drained: `orc node drain`: nothing runs there any more\n"
                  "k2 ready\n");
    sim_free(s);
}

static void test_nodes__too_many_lost_is_told_once_and_so_is_its_end(void **state)
{
    struct sim *s = running(5, 10);
    orc_auto_free char *text = NULL;

    sim_alive(s, "k1", false);
    sim_alive(s, "k2", false);
    sim_alive(s, "k3", false);
    sim_pass(s, 4000);
    sim_events_clear(s);
    sim_new_leader(s); /* knows it from the records: nothing is moved, from its first moment on */
    sim_pass(s, 60000);
    assert_events(s, "node", "");
    assert_rollout(s, "shop", "web", "healing", 1, "more than half of the nodes were lost at once (3 of 5)");
    sim_alive(s, "k3", true);
    sim_settle(s);
    text = sim_events(s, "node");
    assert_non_null(strstr(text, "cluster enough nodes are back: work is moved again\n"));
    assert_non_null(strstr(text, "k3 ready\n"));
    assert_null(strstr(text, "cluster more than"));
    sim_events_clear(s);
    sim_pass(s, 60000);
    assert_node(s, "k1", "down");
    free(text);
    text = sim_events(s, "node");
    assert_null(strstr(text, "cluster"));
    sim_free(s);
}

static void test_nodes__the_beginning_of_a_hold_is_one_event(void **state)
{
    struct sim *s = running(5, 10);
    orc_auto_free char *text = NULL;
    const char *first;

    sim_alive(s, "k1", false);
    sim_alive(s, "k2", false);
    sim_alive(s, "k3", false);
    sim_pass(s, 4000);
    sim_alive(s, "k4", false);
    sim_pass(s, 4000);
    text = sim_events(s, "node");
    first = strstr(text, "cluster more than half of the nodes were lost at once (3 of 5)");
    assert_non_null(first);
    assert_null(strstr(first + 1, "cluster"));
    sim_free(s);
}

/* Behaviour 87: what nobody needs is forgotten. */
static void test_nodes__a_node_without_any_record_is_forgotten(void **state)
{
    struct sim *s = running(3, 3);

    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    sim_alive(s, "k2", false);
    sim_settle(s);
    assert_node(s, "k2", "removed");
    sim_pass(s, 100000);
    assert_int_equal(sim_keys(s, KEY_NODE_STATE), 2);
    sim_free(s);
}

/* The next plan in which records are collected; what comes before it is committed. */
static void plan_of_collection(struct sim *s, struct plan *ret)
{
    for (int i = 0; i < 100; i++) {
        orc_auto_free char *text = NULL;

        s->now += 500;
        core_step(s->core, s->now, (int64_t)s->now, ret);
        text = plan_text(ret);
        if (strstr(text, "collect "))
            return;
        for (size_t k = 0; k < ret->txns.n; k++)
            if (!sim_commit(s, &ret->txns.at[k]))
                core_retry(s->core, &ret->txns.at[k]);
        plan_release(ret);
    }
    fail_msg("nothing was collected");
}

/* It was removed, and registers again just when its tasks' records are collected: then it reports on them. */
static void test_nodes__what_runs_on_a_server_that_comes_back_is_not_collected(void **state)
{
    struct sim *s = running(3, 3);
    struct plan p = {0};
    int collects = 0;

    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    sim_alive(s, "k2", false);
    plan_of_collection(s, &p);
    sim_alive(s, "k2", true);
    for (size_t i = 0; i < p.txns.n; i++)
        if (p.txns.at[i].ops.at[0].kind == PLAN_COLLECT) {
            assert_false(sim_commit(s, &p.txns.at[i]));
            collects++;
        }
    assert_int_equal(collects, 1);
    plan_release(&p);
    sim_free(s);
}

static void test_nodes__a_registration_is_told_once_it_is_whole(void **state)
{
    struct sim *s = running(1, 1);

    sim_alive(s, "k2", true);
    sim_settle(s);
    assert_events(s, "node", "");
    sim_node_put(s, "k2", 2, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000});
    sim_settle(s);
    assert_events(s, "node", "k2 ready\n");
    sim_free(s);
}

static void test_nodes__a_thousand_are_said_in_transactions_that_etcd_takes(void **state)
{
    struct sim *s = sim_new();

    for (int k = 1; k <= 250; k++) {
        char name[16];

        snprintf(name, sizeof name, "n%d", k);
        sim_node_put(s, name, k, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000});
        sim_alive(s, name, true);
    }
    sim_settle(s);
    assert_int_equal(sim_keys(s, KEY_NODE_STATE), 250);
    sim_free(s);
}

/* ---- the same scheduler leads again ---- */

/* What was seen before it lost the lead counts no more: who is silent gets a whole grace. */
static void test_nodes__who_leads_again_counts_a_silence_from_then(void **state)
{
    struct sim *s = running(3, 6);

    sim_alive(s, "k2", false);
    sim_pass(s, 2900);
    core_lead(s->core);
    sim_pass(s, 2900);
    assert_node(s, "k2", "unknown");
    sim_pass(s, 100);
    assert_node(s, "k2", "down");
    sim_free(s);
}

/* A drain's deadline counts from then too; one that was over stays so. */
static void test_nodes__who_leads_again_counts_a_drain_from_then(void **state)
{
    for (int over = 0; over < 2; over++) {
        struct sim *s = running(1, 2);

        sim_drain(s, "k1", 10000);
        sim_pass(s, over ? 10000 : 9000);
        sim_events_clear(s);
        core_lead(s->core);
        sim_pass(s, 9000);
        assert_int_equal(sim_available(s, "web"), over ? 0 : 2);
        assert_events(s, "node", "");
        sim_pass(s, 1000);
        assert_int_equal(sim_available(s, "web"), 0);
        sim_free(s);
    }
}

/* That its drain is over its deadline is told once, however often the node is looked at again. */
static void test_nodes__the_end_of_a_drain_is_told_once(void **state)
{
    struct sim *s = running(2, 4);
    orc_auto_free char *told = NULL;
    int times = 0;

    s->deaf = "k1";
    sim_drain(s, "k1", 5000);
    sim_pass(s, 5000);
    for (int i = 0; i < 5; i++) {
        sim_alive(s, "k2", false);
        sim_pass(s, 100);
        sim_alive(s, "k2", true);
        sim_policy(s, "k2", i % 2, false);
        core_retry(s->core, NULL);
        sim_pass(s, 1000);
    }
    told = sim_events(s, "node");
    for (const char *at = told; (at = strstr(at, "the deadline of its drain is over")); at++)
        times++;
    assert_int_equal(times, 1);
    sim_free(s);
}

/* ---- when it wants to look again ---- */

/* Of several that fell silent one after the other each is given up at its own time, in any order of names. */
static void test_nodes__each_silence_has_its_own_end(void **state)
{
    static const int orders[][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};

    for (size_t o = 0; o < ORC_ARRAY_SIZE(orders); o++) {
        struct sim *s = running(8, 8);

        for (int i = 0; i < 3; i++) {
            orc_auto_free char *name = orc_printf("k%d", orders[o][i]);

            sim_alive(s, name, false);
            sim_pass(s, 700);
        }
        for (int i = 0; i < 3; i++) {
            orc_auto_free char *name = orc_printf("k%d", orders[o][i]);

            sim_pass(s, i ? 699 : 3000 - 2100 - 1);
            assert_node(s, name, "unknown");
            sim_pass(s, 1);
            assert_node(s, name, "down");
        }
        sim_free(s);
    }
}

/* Nothing changed, so nothing is looked at: a step between two times decides nothing of nodes. */
static void test_nodes__a_step_too_early_decides_nothing(void **state)
{
    struct sim *s = running(3, 3);

    sim_alive(s, "k2", false);
    sim_settle(s);
    for (int i = 1; i < 30; i++) {
        orc_auto_free char *text = NULL;

        s->now += 100;
        text = sim_step(s);
        assert_string_equal(text, "");
    }
    assert_true(core_next(s->core) == s->now + 100);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes__unknown_after_the_lease_down_after_the_grace_ready_on_return),
        cmocka_unit_test(test_nodes__each_change_is_told_once_whoever_leads),
        cmocka_unit_test(test_nodes__a_refused_word_is_said_again),
        cmocka_unit_test(test_nodes__conditions_and_their_end_are_told),
        cmocka_unit_test(test_nodes__drained_is_said_when_the_node_says_stopped),
        cmocka_unit_test(test_nodes__too_many_lost_is_told_once_and_so_is_its_end),
        cmocka_unit_test(test_nodes__the_beginning_of_a_hold_is_one_event),
        cmocka_unit_test(test_nodes__a_node_without_any_record_is_forgotten),
        cmocka_unit_test(test_nodes__what_runs_on_a_server_that_comes_back_is_not_collected),
        cmocka_unit_test(test_nodes__a_registration_is_told_once_it_is_whole),
        cmocka_unit_test(test_nodes__a_thousand_are_said_in_transactions_that_etcd_takes),
        cmocka_unit_test(test_nodes__who_leads_again_counts_a_silence_from_then),
        cmocka_unit_test(test_nodes__who_leads_again_counts_a_drain_from_then),
        cmocka_unit_test(test_nodes__the_end_of_a_drain_is_told_once),
        cmocka_unit_test(test_nodes__each_silence_has_its_own_end),
        cmocka_unit_test(test_nodes__a_step_too_early_decides_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
