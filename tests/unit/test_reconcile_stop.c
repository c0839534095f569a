/* What was asked for is reached only when what is surplus has stopped, too; and what is waited for is said.
 */
#include "tests/sim/sim.h"

static struct sim *running(int nodes, int replicas, enum spec_order order)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("web", replicas, "good");

    for (int i = 0; i < nodes; i++)
        sim_node(s, 8, 8000);
    w->update.order = order;
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    return s;
}

static void update(struct sim *s, int replicas, enum spec_order order)
{
    struct spec_service *w = sim_spec("web", replicas, "good");
    struct spec_pair *label = orc_vec_add(&w->labels);

    label->key = orc_strdup("version");
    label->value = orc_strdup("2");
    w->update.order = order;
    sim_apply(s, "shop", 2, w);
}

static bool is_complete(struct sim *s)
{
    return sim_rollout(s, "shop", "web")->state == ROLLOUT_COMPLETE;
}

static int leaving(struct sim *s)
{
    return sim_count(s, (struct sim_want){.service = "web", .leaving = true});
}

/* A step and an act at a time: whoever looks in between never sees it complete while something stops. How
 * often it was only that which was waited for. */
static int watch(struct sim *s, uint64_t ms)
{
    uint64_t end = s->now + ms;
    int waited = 0;

    while (s->now < end) {
        orc_auto_free char *text = sim_step(s);
        const struct record_rollout *r = sim_rollout(s, "shop", "web");

        if (is_complete(s))
            assert_int_equal(leaving(s), 0);
        waited += r->reason && strstr(r->reason, " still stop") != NULL;
        if (sim_act(s) == 0 && !text[0]) {
            uint64_t next = core_next(s->core);

            s->now = next && next < end ? next : end;
        }
    }
    return waited;
}

static void scale_down(struct sim *s)
{
    sim_scale(s, "shop", "web", 1);
}

static void scale_to_zero(struct sim *s)
{
    sim_scale(s, "shop", "web", 0);
}

static void update_start_first(struct sim *s)
{
    update(s, 3, SPEC_START_FIRST);
}

static void update_stop_first(struct sim *s)
{
    update(s, 3, SPEC_STOP_FIRST);
}

static void update_to_fewer(struct sim *s)
{
    update(s, 1, SPEC_STOP_FIRST);
}

static void restart(struct sim *s)
{
    sim_restart(s, "shop", "web", 1);
}

static const struct {
    void (*ask)(struct sim *);
    enum spec_order order;
    int replicas;
    bool said; /* a stop is all that is waited for, from the beginning */
} changes[] = {
    {scale_down, SPEC_STOP_FIRST, 1, true},
    {scale_to_zero, SPEC_STOP_FIRST, 0, true},
    {update_start_first, SPEC_START_FIRST, 3, false},
    {update_stop_first, SPEC_STOP_FIRST, 3, false},
    {update_to_fewer, SPEC_STOP_FIRST, 1, false},
    {restart, SPEC_STOP_FIRST, 3, false},
    {restart, SPEC_START_FIRST, 3, false},
};

static void test_stop__complete_is_never_said_while_something_surplus_still_stops(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(changes); i++) {
        struct sim *s = running(3, 3, changes[i].order);
        int waited;

        changes[i].ask(s);
        waited = watch(s, 60000);
        if (changes[i].said)
            assert_int_not_equal(waited, 0);
        assert_true(is_complete(s));
        assert_null(sim_rollout(s, "shop", "web")->reason);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}),
                         changes[i].replicas);
        sim_free(s);
    }
}

static void test_stop__what_is_waited_for_is_said_by_name(void **state)
{
    struct sim *s = running(1, 6, SPEC_STOP_FIRST);
    const char *reason;

    sim_scale(s, "shop", "web", 5);
    sim_decide(s);
    assert_rollout(s, "shop", "web", "updating", 1, "1 task still stops: shop.web.5.");
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->reason, " on k1"));
    sim_scale(s, "shop", "web", 0);
    s->now += 10000; /* texts are told now and then */
    sim_decide(s);
    assert_rollout(s, "shop", "web", "updating", 1, "6 tasks still stop: shop.web.0.");
    reason = sim_rollout(s, "shop", "web")->reason;
    assert_non_null(strstr(reason, " on k1 and 3 more"));
    sim_settle(s);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* What is said of the end does not outlive it. */
static void test_stop__the_monitor_window_is_said_and_unsaid(void **state)
{
    struct sim *s = running(3, 3, SPEC_START_FIRST);

    update(s, 3, SPEC_START_FIRST);
    sim_pass(s, 3000);
    assert_rollout(s, "shop", "web", "updating", 2,
                   "all replicas are there; it is complete when each has run for 5s");
    sim_alive(s, "k2", false);
    s->now += 1000;
    sim_decide(s);
    s->now += 2000; /* texts are told now and then */
    sim_decide(s);
    assert_rollout(s, "shop", "web", "updating", 2, NULL);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

static void test_stop__a_surplus_whose_node_is_lost_is_not_waited_for(void **state)
{
    struct sim *s = running(3, 3, SPEC_STOP_FIRST);

    sim_scale(s, "shop", "web", 0);
    sim_decide(s);
    sim_alive(s, "k2", false); /* before it could say so */
    sim_pass(s, 2900);
    assert_rollout(s, "shop", "web", "updating", 1, "1 task still stops: shop.web.");
    sim_pass(s, 200);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Behaviour 56. */
static void test_stop__a_surplus_that_will_not_stop_is_waited_for_up_to_its_time_outs(void **state)
{
    struct sim *s = running(3, 3, SPEC_STOP_FIRST);

    sim_scale(s, "shop", "web", 2);
    sim_decide(s); /* and no node ever acts again */
    for (int i = 0; i < 69; i++) {
        s->now += 1000;
        sim_decide(s);
        assert_false(is_complete(s));
    }
    s->now += 2000;
    sim_decide(s);
    assert_true(is_complete(s));
    sim_free(s);
}

static void test_stop__a_new_leader_waits_for_the_same(void **state)
{
    struct sim *s = running(3, 3, SPEC_START_FIRST);

    sim_scale(s, "shop", "web", 1);
    sim_decide(s);
    sim_new_leader(s);
    sim_decide(s);
    assert_rollout(s, "shop", "web", "updating", 1, "2 tasks still stop");
    sim_settle(s);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* What a rollback says of its cause stays, and it has not arrived before the failed version is gone. */
static void test_stop__a_rollback_keeps_its_reason_while_tasks_stop(void **state)
{
    struct sim *s = running(3, 3, SPEC_START_FIRST);
    struct spec_service *w = sim_spec("web", 3, "missing");

    w->update.order = SPEC_START_FIRST;
    w->update.failure_action = SPEC_ON_FAILURE_ROLLBACK;
    sim_apply(s, "shop", 2, w);
    for (int i = 0; i < 60; i++) {
        orc_auto_free char *text = sim_step(s);
        enum rollout_state is;

        is = sim_rollout(s, "shop", "web")->state;
        if (is == ROLLOUT_ROLLED_BACK)
            assert_int_equal(leaving(s), 0);
        if (is == ROLLOUT_ROLLING_BACK || is == ROLLOUT_ROLLED_BACK)
            assert_rollout(s, "shop", "web", rollout_state_name(is), 1, "no such image");
        if (sim_act(s) == 0)
            s->now += 1000;
    }
    assert_rollout(s, "shop", "web", "rolled-back", 1, "no such image");
    sim_free(s);
}

/* Behaviour 40. */
static void test_stop__a_service_removed_in_the_middle_of_a_rollout_leaves_nothing(void **state)
{
    static const enum spec_order orders[] = {SPEC_STOP_FIRST, SPEC_START_FIRST};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(orders); i++)
        for (int steps = 1; steps < 12; steps++) { /* at each moment of it */
            struct sim *s = running(3, 3, orders[i]);

            update(s, 3, orders[i]);
            for (int k = 0; k < steps; k++) {
                orc_auto_free char *text = sim_step(s);

                if (k % 2)
                    sim_act(s);
            }
            sim_rm(s, "shop");
            sim_decide(s);
            assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 0);
            sim_pass(s, 200000);
            assert_int_equal(sim_keys(s, KEY_TASK), 0);
            assert_int_equal(sim_keys(s, KEY_STATUS), 0);
            assert_int_equal(sim_keys(s, KEY_ROLLOUT), 0);
            sim_free(s);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop__complete_is_never_said_while_something_surplus_still_stops),
        cmocka_unit_test(test_stop__what_is_waited_for_is_said_by_name),
        cmocka_unit_test(test_stop__the_monitor_window_is_said_and_unsaid),
        cmocka_unit_test(test_stop__a_surplus_whose_node_is_lost_is_not_waited_for),
        cmocka_unit_test(test_stop__a_surplus_that_will_not_stop_is_waited_for_up_to_its_time_outs),
        cmocka_unit_test(test_stop__a_new_leader_waits_for_the_same),
        cmocka_unit_test(test_stop__a_rollback_keeps_its_reason_while_tasks_stop),
        cmocka_unit_test(test_stop__a_service_removed_in_the_middle_of_a_rollout_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
