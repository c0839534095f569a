/* scheduler/collect: records that nobody needs any more go, at their time and not before, once, in an order
 * of their own; and what somebody may still need stays. */
#include "scheduler/collect.h"
#include "tests/sim/sim.h"

#define HOLD_MS 60000   /* config.address_hold_ms */
#define RETIRE_MS 60000 /* config.gateway_retire_ms */
#define AT_ONCE 25      /* collected in one transaction */

static struct sim *with_web(int nodes, int replicas)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    sim_pass(s, 10000);
    return s;
}

static int records(struct sim *s)
{
    return sim_keys(s, KEY_TASK) + sim_keys(s, KEY_STATUS);
}

/* One step that is not committed; its text is freed by the caller. */
static char *decided(struct sim *s, struct plan *ret)
{
    core_step(s->core, s->now, (int64_t)s->now, ret);
    return plan_text(ret);
}

static bool has(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

/* ---- tasks ------------------------------------------------------------------------------------------------
 */

static void test_collect__a_removed_task_rests_exactly_as_long_as_its_address(void **state)
{
    struct sim *s = with_web(1, 2);

    sim_scale(s, "shop", "web", 1);
    sim_settle(s); /* told, stopped and removed in this moment */
    assert_int_equal(records(s), 4);
    sim_pass(s, HOLD_MS - 1);
    assert_int_equal(records(s), 4);
    sim_pass(s, 1);
    assert_int_equal(records(s), 2);
    sim_free(s);
}

/* Each by its own time, though they wait in one list. */
static void test_collect__one_after_the_other(void **state)
{
    struct sim *s = with_web(1, 4);

    for (int left = 3; left >= 0; left--) {
        sim_scale(s, "shop", "web", left);
        sim_pass(s, 1000);
    }
    assert_int_equal(records(s), 8);
    for (int gone = 1; gone <= 4; gone++) {
        sim_pass(s, gone == 1 ? HOLD_MS - 4000 : 1000);
        assert_int_equal(records(s), 8 - 2 * gone);
    }
    sim_free(s);
}

static void test_collect__a_task_that_is_not_reported_removed_stays(void **state)
{
    struct sim *s = with_web(2, 2);

    s->deaf = "k2";
    sim_rm(s, "shop");
    sim_pass(s, 10 * HOLD_MS);
    assert_int_equal(records(s), 2);
    assert_int_equal(sim_keys(s, KEY_ROLLOUT), 1); /* nor is the service forgotten */
    s->deaf = NULL;
    sim_pass(s, HOLD_MS);
    assert_int_equal(records(s) + sim_keys(s, KEY_ROLLOUT), 0);
    sim_free(s);
}

static void test_collect__what_cant_be_read_stays(void **state)
{
    struct sim *s = with_web(1, 2);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    assert_true(sim_task_in(s, "web", 1, id, node));
    sim_scale(s, "shop", "web", 1);
    sim_settle(s);
    sim_put(s, key_task(SIM_CLUSTER, node, id), orc_strdup("{"));
    sim_pass(s, 10 * HOLD_MS);
    assert_int_equal(records(s), 4);
    sim_free(s);
}

/* A status whose task is gone belongs to nobody: at once, but for one that belongs to a task. */
static void test_collect__a_status_without_a_task_goes_at_once(void **state)
{
    struct sim *s = with_web(1, 1);
    struct record_status st = {.state = TASK_RUNNING, .exit_code = -1};

    sim_status(s, "k1", "shop.web.0.1", &st);
    sim_status(s, "k1", "gone.api.3.9", &st);
    sim_status(s, "k9", "gone.api.4.9", &st); /* of a node that nobody knows */
    assert_int_equal(records(s), 5);
    sim_settle(s);
    assert_int_equal(records(s), 2);
    sim_free(s);
}

/* ---- what a slot's data hangs on --------------------------------------------------------------------------
 */

static struct spec_service *stateful(int replicas)
{
    struct spec_service *w = sim_spec("db", replicas, "good");

    orc_vec_push(&w->mounts,
                 ((struct spec_mount){.source = orc_strdup("data"), .target = orc_strdup("/data")}));
    return w;
}

/* Scaled to none and back after a day it is where its data is; when the slot has a newer task, or the service
 * is wanted no more, the old one goes. */
static void test_collect__the_last_task_of_a_slot_with_a_volume_is_remembered(void **state)
{
    struct sim *s = sim_of(3);
    char id[KEY_TASK_MAX + 1], first[KEY_NAME_MAX + 1], node[KEY_NAME_MAX + 1];

    sim_apply(s, "shop", 1, stateful(1));
    sim_pass(s, 10000);
    assert_true(sim_task_in(s, "db", 0, id, first));
    sim_scale(s, "shop", "db", 0);
    sim_pass(s, 24 * 3600000);
    assert_int_equal(records(s), 2);
    sim_scale(s, "shop", "db", 1);
    sim_pass(s, 2 * HOLD_MS);
    assert_true(sim_task_in(s, "db", 0, id, node));
    assert_string_equal(node, first);
    assert_int_equal(records(s), 2);
    sim_scale(s, "shop", "db", 0);
    sim_pass(s, 2 * HOLD_MS);
    assert_int_equal(records(s), 2);
    sim_rm(s, "shop");
    sim_pass(s, 1000);
    assert_int_equal(records(s), 0);
    sim_free(s);
}

static void test_collect__data_on_a_node_that_is_no_more_is_not_remembered(void **state)
{
    struct sim *s = sim_of(2);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    sim_apply(s, "shop", 1, stateful(1));
    sim_pass(s, 10000);
    assert_true(sim_task_in(s, "db", 0, id, node));
    sim_scale(s, "shop", "db", 0);
    sim_pass(s, 2 * HOLD_MS);
    assert_int_equal(records(s), 2);
    sim_alive(s, node, false);
    sim_del(s, key_node(SIM_CLUSTER, node));
    sim_pass(s, 10000);
    assert_int_equal(records(s), 0);
    sim_free(s);
}

/* ---- nodes that report no more ----------------------------------------------------------------------------
 */

/* Without record and heartbeat: replaced first, then forgotten without a rest, as no address there is used.
 */
static void test_collect__tasks_of_a_node_without_record_go_when_they_are_replaced(void **state)
{
    struct sim *s = with_web(3, 3);
    orc_auto_free char *map = NULL;

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_int_equal(records(s), 8); /* it may come back */
    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    sim_pass(s, 1000);
    assert_int_equal(records(s), 6);
    map = sim_map(s, "web");
    assert_null(strstr(map, "k2"));
    sim_free(s);
}

static void test_collect__nor_what_cant_be_read_there(void **state)
{
    struct sim *s = with_web(3, 3);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    assert_true(sim_task_in(s, "web", 0, id, node));
    sim_alive(s, node, false);
    sim_pass(s, 10000); /* replaced, and told to go */
    sim_put(s, key_task(SIM_CLUSTER, node, id), orc_strdup("{"));
    sim_del(s, key_node(SIM_CLUSTER, node));
    sim_pass(s, 10 * HOLD_MS);
    assert_int_equal(sim_keys(s, KEY_TASK), 4);
    sim_free(s);
}

static void registers_before_that_is_committed(bool falls_silent)
{
    struct sim *s = with_web(3, 3);
    struct plan p = {0};
    orc_auto_free char *text = NULL;
    int refused = 0;

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    text = decided(s, &p);
    assert_true(has(text, "collect shop.web."));
    sim_alive(s, "k2", true);
    sim_node_put(s, "k2", 2, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000});
    sim_alive(s, "k2", !falls_silent);
    for (size_t i = 0; i < p.txns.n; i++)
        if (!p.txns.at[i].app[0] && p.txns.at[i].ops.at[0].kind == PLAN_COLLECT) {
            assert_false(sim_commit(s, &p.txns.at[i]));
            refused++;
        }
    assert_true(refused > 0);
    plan_release(&p);
    sim_free(s);
}

static void test_collect__not_while_it_may_be_registering(void **state)
{
    registers_before_that_is_committed(false);
    registers_before_that_is_committed(true); /* its containers are there (the simulation's seed 1015527) */
}

/* ---- committing -------------------------------------------------------------------------------------------
 */

static void test_collect__what_is_planned_is_not_planned_again_until_it_is_refused(void **state)
{
    struct sim *s = with_web(1, 2);
    struct plan first = {0}, second = {0}, third = {0};
    orc_auto_free char *a = NULL, *b = NULL, *c = NULL;

    sim_scale(s, "shop", "web", 1);
    sim_settle(s);
    s->now += HOLD_MS;
    sim_status(s, "k1", "gone.api.3.9", &(struct record_status){.state = TASK_RUNNING, .exit_code = -1});
    a = decided(s, &first);
    assert_true(has(a, "collect shop.web.1.") && has(a, "collect gone.api.3.9"));
    b = decided(s, &second);
    assert_string_equal(b, "");
    for (size_t i = 0; i < first.txns.n; i++)
        core_retry(s->core, &first.txns.at[i]);
    c = decided(s, &third);
    assert_true(has(c, "collect shop.web.1.") && has(c, "collect gone.api.3.9"));
    plan_release(&first);
    plan_release(&second);
    plan_release(&third);
    sim_free(s);
}

/* Of a node that was given up for good, likewise. */
static void test_collect__a_refused_one_of_a_lost_node_is_planned_again(void **state)
{
    struct sim *s = with_web(3, 3);
    struct plan first = {0}, second = {0};
    orc_auto_free char *a = NULL, *b = NULL;

    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    a = decided(s, &first);
    assert_true(has(a, "collect shop.web."));
    for (size_t i = 0; i < first.txns.n; i++)
        core_retry(s->core, &first.txns.at[i]);
    b = decided(s, &second);
    assert_true(has(b, "collect shop.web."));
    plan_release(&first);
    plan_release(&second);
    sim_free(s);
}

/* More than one transaction holds; sim_commit() holds each against etcd's limits. */
static void test_collect__many_at_once(void **state)
{
    struct sim *s = sim_of(3);

    sim_apply(s, "shop", 1, sim_spec("web", 150, "good"));
    sim_pass(s, 10000);
    sim_rm(s, "shop");
    sim_pass(s, HOLD_MS - 1);
    assert_int_equal(records(s), 300);
    sim_pass(s, 1);
    assert_int_equal(records(s), 0);
    assert_int_equal(sim_keys(s, KEY_ROLLOUT), 0);
    sim_free(s);
}

/* By node, service, slot and attempt, whatever the order in which they were fed or had gone. */
static void test_collect__the_plan_does_not_depend_on_the_order(void **state)
{
    orc_auto_free char *before = NULL;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim *s = sim_of(3);
        struct plan p = {0};
        char *text;

        for (int i = 0; i < 3; i++) {
            orc_auto_free char *name = orc_printf("s%d", i);

            sim_apply(s, "shop", 1, sim_spec(name, 4, "good"));
        }
        sim_pass(s, 10000);
        sim_rm(s, "shop");
        sim_settle(s);
        s->random = seed;
        sim_new_leader(s);
        sim_settle(s);
        s->now += HOLD_MS;
        text = decided(s, &p);
        assert_true(has(text, "collect shop.s0.0."));
        if (before)
            assert_string_equal(text, before);
        free(before);
        before = text;
        plan_release(&p);
        sim_free(s);
    }
}

/* ---- gateways ---------------------------------------------------------------------------------------------
 */

static void gateway(struct sim *s, const char *id, bool alive)
{
    if (alive)
        sim_put(s, key_gateway_alive(SIM_CLUSTER, id), orc_strdup("{\"served\":7}"));
    else
        sim_del(s, key_gateway_alive(SIM_CLUSTER, id));
}

static void test_collect__a_gateway_without_a_sign_of_life_is_retired_after_its_time(void **state)
{
    struct sim *s = sim_running(1, sim_spec("web", 1, "good"));

    sim_put(s, key_gateway(SIM_CLUSTER, "g1"), orc_strdup("{\"node\":\"k1\"}"));
    gateway(s, "g1", true);
    sim_put(s, key_gateway(SIM_CLUSTER, "g2"), orc_strdup("{\"node\":\"k2\"}"));
    sim_pass(s, 59000);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 2);
    sim_pass(s, 2000);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 1);
    gateway(s, "g1", false);
    sim_pass(s, 30000);
    gateway(s, "g1", true);
    sim_pass(s, 100000);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 1);
    sim_free(s);
}

/* g1 has been away long enough: its retirement is decided, and not yet written. */
static struct sim *retiring(struct plan *p)
{
    struct sim *s = sim_running(1, sim_spec("web", 1, "good"));

    sim_put(s, key_gateway(SIM_CLUSTER, "g1"), orc_strdup("{\"node\":\"k1\"}"));
    sim_settle(s);
    s->now += 60000;
    core_step(s->core, s->now, 0, p);
    assert_int_equal(p->txns.n, 1);
    return s;
}

static void test_collect__a_retirement_that_is_refused_is_planned_again(void **state)
{
    struct plan first = {0}, second = {0}, third = {0};
    struct sim *s = retiring(&first);
    orc_auto_free char *b = decided(s, &second), *c = NULL;

    assert_string_equal(b, "");
    core_retry(s->core, &first.txns.at[0]);
    c = decided(s, &third);
    assert_true(has(c, "retire gateway g1"));
    plan_release(&first);
    plan_release(&second);
    plan_release(&third);
    sim_free(s);
}

static void test_collect__a_gateway_that_returns_in_the_last_moment_stays(void **state)
{
    struct plan p = {0};
    struct sim *s = retiring(&p);

    gateway(s, "g1", true);
    assert_false(sim_commit(s, &p.txns.at[0]));
    core_retry(s->core, &p.txns.at[0]);
    plan_release(&p);
    sim_pass(s, 100000);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 1);
    sim_free(s);
}

/* What it was retired for was said by another of that name. */
static void test_collect__a_gateway_that_registers_anew_in_the_last_moment_stays(void **state)
{
    struct plan p = {0};
    struct sim *s = retiring(&p);

    sim_put(s, key_gateway(SIM_CLUSTER, "g1"), orc_strdup("{\"node\":\"k2\"}"));
    assert_false(sim_commit(s, &p.txns.at[0]));
    plan_release(&p);
    sim_free(s);
}

/* The wait begins when this leader sees it missing; each has its own, and the core wakes for the next. */
static void test_collect__gateways_are_retired_each_at_its_time(void **state)
{
    struct sim *s = sim_new();

    for (int i = 0; i < 2; i++) {
        orc_auto_free char *id = orc_printf("g%d", i);

        sim_put(s, key_gateway(SIM_CLUSTER, id), orc_strdup("{\"node\":\"k1\"}"));
        gateway(s, id, true);
    }
    sim_settle(s);
    assert_int_equal(core_next(s->core), 0);
    gateway(s, "g1", false);
    sim_settle(s);
    assert_int_equal(core_next(s->core), s->now + RETIRE_MS);
    sim_pass(s, 10000);
    gateway(s, "g0", false);
    sim_pass(s, RETIRE_MS - 10000 - 1);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 2);
    sim_pass(s, 1);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 1);
    assert_events(s, "gateway", "g1 retired: it gave no sign of life for 60 s\n");
    assert_int_equal(core_next(s->core), s->now + 10000);
    sim_pass(s, 10000);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 0);
    assert_int_equal(core_next(s->core), 0);
    sim_free(s);
}

/* ---- gateways that have not said what they serve ----------------------------------------------------------
 */

/* A task is gone just now, and nothing but gateways can keep its address from being given again. */
static struct sim *resting(void)
{
    struct sim *s = with_web(1, 2);

    gateway(s, "g1", true);
    sim_put(s, key_gateway(SIM_CLUSTER, "g1"), orc_strdup("{\"node\":\"k1\"}"));
    sim_scale(s, "shop", "web", 1);
    sim_settle(s);
    return s;
}

/* It registers anew, and its heartbeat is the empty one of the same transaction. */
static void test_collect__an_address_rests_until_a_gateway_that_registered_serves(void **state)
{
    struct sim *s = resting();

    sim_pass(s, 3 * HOLD_MS);
    assert_int_equal(records(s), 4);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 1);
    gateway(s, "g1", true);
    sim_settle(s);
    assert_int_equal(records(s), 2);
    sim_free(s);
}

/* NGINX may route on while its orc-gateway is away, by what it had then: until that is given up. */
static void test_collect__an_address_rests_while_a_gateway_is_away(void **state)
{
    struct sim *s = resting();

    gateway(s, "g1", true);
    sim_pass(s, HOLD_MS - 1000);
    gateway(s, "g1", false);
    sim_pass(s, RETIRE_MS - 1);
    assert_int_equal(records(s), 4);
    sim_pass(s, 1);
    assert_int_equal(records(s), 2);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 0);
    sim_free(s);
}

static void test_collect__not_before_its_own_time_when_the_gateway_is_back(void **state)
{
    struct sim *s = resting();

    sim_pass(s, HOLD_MS / 2);
    gateway(s, "g1", true);
    sim_pass(s, HOLD_MS / 2 - 1);
    assert_int_equal(records(s), 4);
    sim_pass(s, 1);
    assert_int_equal(records(s), 2);
    sim_free(s);
}

/* Who lives and serves nothing for so long can't route; addresses are not held for ever. */
static void test_collect__a_gateway_that_never_serves_is_not_waited_for_longer(void **state)
{
    struct sim *s = resting();

    assert_int_equal(core_next(s->core), s->now + COLLECT_BLIND_MS);
    sim_pass(s, COLLECT_BLIND_MS - 1);
    assert_int_equal(records(s), 4);
    sim_pass(s, 1);
    assert_int_equal(records(s), 2);
    sim_scale(s, "shop", "web", 2); /* nor for those that go later */
    sim_settle(s);
    sim_scale(s, "shop", "web", 1);
    sim_settle(s);
    assert_int_equal(records(s), 4);
    sim_pass(s, HOLD_MS);
    assert_int_equal(records(s), 2);
    sim_free(s);
}

/* Each must have said so, and the last of them counts. */
static void test_collect__the_last_of_several_gateways_is_waited_for(void **state)
{
    struct sim *s = resting();

    gateway(s, "g2", true);
    sim_put(s, key_gateway(SIM_CLUSTER, "g2"), orc_strdup("{\"node\":\"k2\"}"));
    sim_pass(s, 2 * HOLD_MS);
    gateway(s, "g2", true);
    sim_settle(s);
    assert_int_equal(records(s), 4);
    gateway(s, "g1", true);
    sim_settle(s);
    assert_int_equal(records(s), 2);
    sim_free(s);
}

/* A new leader has seen nothing yet. */
static void test_collect__under_a_new_leader_times_begin_anew(void **state)
{
    struct sim *s = with_web(1, 2);

    sim_put(s, key_gateway(SIM_CLUSTER, "g1"), orc_strdup("{\"node\":\"k1\"}"));
    sim_scale(s, "shop", "web", 1);
    sim_pass(s, HOLD_MS - 1000);
    sim_new_leader(s);
    sim_pass(s, HOLD_MS - 1);
    assert_int_equal(records(s), 4);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 1);
    sim_pass(s, 1);
    assert_int_equal(records(s), 2);
    assert_int_equal(sim_keys(s, KEY_GATEWAY), 0);
    sim_free(s);
}

/* It registers in one transaction with its first heartbeat, which says nothing of what it serves. */
static void test_collect__a_heartbeat_written_with_the_registration_says_nothing(void **state)
{
    for (int later = 0; later < 2; later++) {
        struct sim *s = with_web(1, 2);
        orc_auto_free char *registered = key_gateway(SIM_CLUSTER, "g1"),
                           *alive = key_gateway_alive(SIM_CLUSTER, "g1");

        s->revision++;
        sim_put_at(s, registered, "{\"node\":\"k1\"}");
        s->revision += later;
        sim_put_at(s, alive, "{\"served\":0}");
        sim_scale(s, "shop", "web", 1);
        sim_pass(s, 2 * HOLD_MS);
        assert_int_equal(records(s), later ? 2 : 4);
        sim_free(s);
    }
}

/* Who served, and registers anew, is waited for anew. */
static void test_collect__each_registration_is_waited_for_from_its_own_time(void **state)
{
    struct sim *s = resting();

    sim_pass(s, 1000);
    gateway(s, "g1", true);
    sim_pass(s, HOLD_MS);
    assert_int_equal(records(s), 2);
    sim_put(s, key_gateway(SIM_CLUSTER, "g1"), orc_strdup("{\"node\":\"k1\"}"));
    sim_scale(s, "shop", "web", 2);
    sim_settle(s);
    sim_scale(s, "shop", "web", 1);
    sim_pass(s, COLLECT_BLIND_MS - 1);
    assert_int_equal(records(s), 4);
    sim_pass(s, 1);
    assert_int_equal(records(s), 2);
    sim_free(s);
}

/* ---- in which order ---------------------------------------------------------------------------------------
 */

/* By node, then by service, slot and attempt; so many in a transaction. */
static void test_collect__by_place_and_so_many_at_a_time(void **state)
{
    static const int counts[] = {1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE, 2 * AT_ONCE + 1};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(counts); i++) {
        struct record_status st = {.state = TASK_REMOVED, .exit_code = -1};
        struct sim *s = sim_of(2);
        const struct plan_op *op;
        struct plan p = {0};
        char last[300] = "";
        int n = 0;

        sim_settle(s);
        for (int k = 0; k < counts[i]; k++) { /* of no task: collected at once */
            orc_auto_free char *id = orc_printf("%s.%d.%d",
                                                k % 3 == 0   ? "shop.web"
                                                : k % 3 == 1 ? "shop.db"
                                                             : "blog.api",
                                                k * 7 % 5, 100 + k);

            sim_status(s, k % 2 ? "k2" : "k1", id, &st);
        }
        free(decided(s, &p));
        assert_int_equal(p.txns.n, (counts[i] + AT_ONCE - 1) / AT_ONCE);
        for (size_t t = 0; t < p.txns.n; t++)
            orc_vec_each (op, &p.txns.at[t].ops) {
                char at[300];

                snprintf(at, sizeof at, "%s %s/%s %05d %09d", op->task.node->s, op->task.service->app,
                         op->task.service->service, op->task.slot, (int)op->task.attempt);
                assert_true(strcmp(last, at) < 0);
                memcpy(last, at, sizeof last);
                n++;
            }
        assert_int_equal(n, counts[i]);
        plan_release(&p);
        sim_free(s);
    }
}

/* A newer task of the slot takes the memory over once it is there; one that is only spoken of does not. */
static void test_collect__only_a_newer_task_takes_the_memory_of_a_slot_over(void **state)
{
    for (int there = 0; there < 2; there++) {
        struct record_status st = {.state = TASK_REMOVED, .exit_code = -1};
        char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
        struct sim *s = sim_of(3);
        orc_auto_free char *first = NULL;

        sim_apply(s, "shop", 1, stateful(1));
        sim_pass(s, 10000);
        assert_true(sim_task_in(s, "db", 0, id, node));
        first = key_task(SIM_CLUSTER, node, id);
        sim_scale(s, "shop", "db", 0);
        sim_settle(s);
        if (there) {
            sim_scale(s, "shop", "db", 1);
            sim_settle(s);
        } else {
            sim_status(s, "k2", "shop.db.0.999", &st);
        }
        sim_pass(s, 2 * HOLD_MS);
        assert_int_equal(sim_find(s, first) == NULL, there);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect__a_removed_task_rests_exactly_as_long_as_its_address),
        cmocka_unit_test(test_collect__one_after_the_other),
        cmocka_unit_test(test_collect__a_task_that_is_not_reported_removed_stays),
        cmocka_unit_test(test_collect__what_cant_be_read_stays),
        cmocka_unit_test(test_collect__a_status_without_a_task_goes_at_once),
        cmocka_unit_test(test_collect__the_last_task_of_a_slot_with_a_volume_is_remembered),
        cmocka_unit_test(test_collect__data_on_a_node_that_is_no_more_is_not_remembered),
        cmocka_unit_test(test_collect__tasks_of_a_node_without_record_go_when_they_are_replaced),
        cmocka_unit_test(test_collect__nor_what_cant_be_read_there),
        cmocka_unit_test(test_collect__not_while_it_may_be_registering),
        cmocka_unit_test(test_collect__what_is_planned_is_not_planned_again_until_it_is_refused),
        cmocka_unit_test(test_collect__a_refused_one_of_a_lost_node_is_planned_again),
        cmocka_unit_test(test_collect__many_at_once),
        cmocka_unit_test(test_collect__the_plan_does_not_depend_on_the_order),
        cmocka_unit_test(test_collect__a_gateway_without_a_sign_of_life_is_retired_after_its_time),
        cmocka_unit_test(test_collect__a_retirement_that_is_refused_is_planned_again),
        cmocka_unit_test(test_collect__a_gateway_that_returns_in_the_last_moment_stays),
        cmocka_unit_test(test_collect__a_gateway_that_registers_anew_in_the_last_moment_stays),
        cmocka_unit_test(test_collect__gateways_are_retired_each_at_its_time),
        cmocka_unit_test(test_collect__an_address_rests_until_a_gateway_that_registered_serves),
        cmocka_unit_test(test_collect__an_address_rests_while_a_gateway_is_away),
        cmocka_unit_test(test_collect__not_before_its_own_time_when_the_gateway_is_back),
        cmocka_unit_test(test_collect__a_gateway_that_never_serves_is_not_waited_for_longer),
        cmocka_unit_test(test_collect__the_last_of_several_gateways_is_waited_for),
        cmocka_unit_test(test_collect__under_a_new_leader_times_begin_anew),
        cmocka_unit_test(test_collect__a_heartbeat_written_with_the_registration_says_nothing),
        cmocka_unit_test(test_collect__each_registration_is_waited_for_from_its_own_time),
        cmocka_unit_test(test_collect__by_place_and_so_many_at_a_time),
        cmocka_unit_test(test_collect__only_a_newer_task_takes_the_memory_of_a_slot_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
