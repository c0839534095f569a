/* Which number and node a slot keeps, and what it says while it waits (scheduler/slots, global,
 * reconcile_heal). */
#include "tests/sim/sim.h"

static const struct rollout_pending *pending(struct sim *s, int slot)
{
    const struct record_rollout *r = sim_rollout(s, "shop", "web");

    for (size_t i = 0; i < r->pending.n; i++)
        if (r->pending.at[i].slot == slot)
            return &r->pending.at[i];
    return NULL;
}

static void assert_waits(struct sim *s, int slot, const char *why)
{
    const struct rollout_pending *p = pending(s, slot);

    assert_non_null(p);
    assert_string_equal(p->reason, why);
}

/* ---- numbers ----------------------------------------------------------------------------------------------
 */

/* Slot 0 is closed as it is sick; what is left is slot 1, also when all its tasks are forgotten. */
static void test_slots__a_number_outlives_its_tasks(void **state)
{
    struct sim *s = sim_running(1, sim_spec("web", 2, "good"));
    orc_auto_free char *one = NULL, *again = NULL;
    int64_t since;

    sim_sicken(s, "web", 0);
    sim_scale(s, "shop", "web", 1);
    sim_pass(s, 120000);
    one = sim_map(s, "web");
    assert_string_equal(one, "1@k1.1");
    sim_drain(s, "k1", 1);
    sim_pass(s, 10000);
    assert_non_null(pending(s, 1));
    since = pending(s, 1)->since;
    sim_pass(s, 120000);
    assert_int_equal(sim_keys(s, KEY_TASK), 0);
    assert_non_null(pending(s, 1));
    assert_int_equal(pending(s, 1)->since, since);
    sim_policy(s, "k1", false, false);
    sim_pass(s, 10000);
    again = sim_map(s, "web");
    assert_string_equal(again, "1@k1.1");
    sim_free(s);
}

/* Of three, one on each node, some are lost or replaced in one moment: each comes back where it was. */
static void test_slots__of_a_global_service_a_slot_stays_with_its_node(void **state)
{
    for (int sick = 1; sick < 8; sick++) {
        struct spec_service *w = sim_spec("web", SPEC_REPLICAS_DEFAULT, "good");
        orc_auto_free char *before = NULL, *after = NULL;
        struct sim *s;

        w->global = true;
        w->update.parallelism = 0;
        s = sim_running(3, w);
        before = sim_map(s, "web");
        for (int slot = 0; slot < 3; slot++)
            if (sick >> slot & 1)
                sim_sicken(s, "web", slot);
        sim_pass(s, 120000);
        after = sim_map(s, "web");
        assert_string_equal(after, before);
        assert_rollout(s, "shop", "web", "complete", 1, NULL);
        sim_free(s);
    }
}

/* ---- what it says -----------------------------------------------------------------------------------------
 */

static void test_slots__on_a_silent_node_it_says_so_before_anything_is_done(void **state)
{
    struct sim *s = sim_running(3, sim_spec("web", 3, "good"));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *why = NULL;

    assert_true(sim_task_in(s, "web", 1, id, node));
    why = orc_printf("node %s does not answer", node);
    sim_alive(s, node, false);
    sim_settle(s);
    assert_waits(s, 1, why);
    assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, 1);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
    sim_pass(s, 10000);
    assert_null(pending(s, 1));
    sim_free(s);
}

static void test_slots__while_too_many_are_silent_each_says_that(void **state)
{
    struct sim *s = sim_running(3, sim_spec("web", 3, "good"));
    static const char hold[] =
        "more than half of the nodes were lost at once (2 of 3): nothing is moved until some are back";
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    sim_alive(s, "k1", false);
    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    for (int slot = 0; slot < 3; slot++) {
        assert_true(sim_task_in(s, "web", slot, id, node));
        if (strcmp(node, "k3") == 0)
            assert_null(pending(s, slot));
        else
            assert_waits(s, slot, hold);
    }
    sim_free(s);
}

/* What can't be read may hold the slot: nothing is made in it. While another task serves there is nothing to
 * wait for. */
static void test_slots__a_task_that_cant_be_read_is_waited_for_where_nothing_serves(void **state)
{
    static const char why[] = "the record of one of its tasks can't be read";
    struct sim *s = sim_running(2, sim_spec("web", 2, "good"));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    sim_put(s, key_task(SIM_CLUSTER, "k2", "shop.web.0.900"), orc_strdup("{")); /* beside what serves */
    sim_settle(s);
    assert_null(pending(s, 0));
    assert_true(sim_task_in(s, "web", 1, id, node));
    sim_put(s, key_task(SIM_CLUSTER, node, id), orc_strdup("{"));
    sim_settle(s);
    assert_waits(s, 1, why);
    assert_true(sim_task_in(s, "web", 0, id, node));
    sim_turn(s, "web", 0, TASK_STARTING, TASK_UNKNOWN, NULL);
    sim_decide(s);
    assert_waits(s, 0, why);
    sim_free(s);
}

/* ---- crashes of a new version
 * ------------------------------------------------------------------------------ */

/* Before the first good probe it may crash twice, as what it needs may come later; after that, or where
 * nobody asks, not once. */
static void test_slots__how_many_crashes_fail_an_update(void **state)
{
    static const struct {
        bool health, was_available;
        int crashes;
        bool fails;
    } rows[] = {{true, true, 1, true},    {true, false, 1, false}, {true, false, 2, false},
                {true, false, 3, true},   {false, true, 1, true},  {false, false, 1, true},
                {false, false, 0, false}, {true, true, 0, false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct spec_service *w = sim_spec("web", 2, rows[i].was_available ? "good" : "stuck");
        struct sim *s = sim_running(2, sim_spec("web", 2, "good"));
        const struct record_rollout *r;
        int slot = -1;

        spec_pairs_add(&w->labels, "version", "2");
        w->update.monitor_ms = 60000;
        w->update.failure_action = SPEC_ON_FAILURE_PAUSE;
        if (!rows[i].health)
            w->health.kind = SPEC_HEALTH_NONE;
        sim_apply(s, "shop", 2, w);
        sim_pass(s, 1000);
        for (int k = 0; k < 2; k++) {
            orc_auto_free char *map = sim_map(s, "web"), *of = orc_printf("%d@", k);
            const char *at = strstr(map, of);

            if (at && strncmp(strchr(at, '.'), ".2", 2) == 0 && slot < 0)
                slot = k;
        }
        assert_in_range(slot, 0, 1);
        for (int k = 0; k < rows[i].crashes; k++)
            sim_crash(s, "web", slot);
        sim_settle(s);
        r = sim_rollout(s, "shop", "web");
        if ((r->state == ROLLOUT_PAUSED) != rows[i].fails)
            fail_msg("row %zu: %s%s%s", i, rollout_state_name(r->state), r->reason ? ": " : "",
                     r->reason ? r->reason : "");
        if (rows[i].fails)
            assert_non_null(strstr(r->reason, " crashed: exit code "));
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots__a_number_outlives_its_tasks),
        cmocka_unit_test(test_slots__of_a_global_service_a_slot_stays_with_its_node),
        cmocka_unit_test(test_slots__on_a_silent_node_it_says_so_before_anything_is_done),
        cmocka_unit_test(test_slots__while_too_many_are_silent_each_says_that),
        cmocka_unit_test(test_slots__a_task_that_cant_be_read_is_waited_for_where_nothing_serves),
        cmocka_unit_test(test_slots__how_many_crashes_fail_an_update),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
