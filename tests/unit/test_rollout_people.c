/* People pause, resume and abort rollouts, and say how it goes on after a canary. */
#include "tests/sim/rolling.h"

static int of(struct sim *s, int64_t revision)
{
    return sim_count(s, (struct sim_want){.revision = revision, .available = true});
}

/* Version 2 on its way, `n` slots of it there, and then paused. */
static struct sim *paused_with(struct want w, int n)
{
    struct sim *s;

    w.delay_ms = 10000;
    s = deployed(4, w);
    update(s, 2, w);
    for (int i = 0; i < 600 && of(s, 2) < n; i++)
        sim_pass(s, 1000);
    sim_order(s, "web", INTENT_PAUSE, 2);
    sim_pass(s, 1000);
    assert_rollout(s, "shop", "web", "paused", 2, "paused by ann@desk");
    assert_int_equal(of(s, 2), n);
    return s;
}

/* ---- pause and resume -------------------------------------------------------------------------------- */

static void test_people__a_pause_holds_and_a_resume_goes_on_from_there(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++) {
        struct want w = {.replicas = 5, .order = (enum spec_order)order};
        struct sim *s = paused_with(w, 2);
        orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

        sim_new_leader(s);
        sim_pass(s, 1000000);
        after = sim_map(s, "web");
        assert_string_equal(before, after);
        assert_rollout(s, "shop", "web", "paused", 2, "paused by ann@desk");
        sim_order(s, "web", INTENT_PAUSE, 2); /* once more is the same */
        sim_pass(s, 1000);
        sim_order(s, "web", INTENT_RESUME, 2);
        sim_pass(s, 1000);
        assert_rollout(s, "shop", "web", "updating", 2, "resumed by ann@desk");
        sim_pass(s, 60000);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        assert_int_equal(of(s, 2), 5);
        sim_free(s);
    }
}

/* What is in the middle of a change comes to its end, and no further one begins. */
static void test_people__a_pause_at_any_moment_keeps_the_promise(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int p = 1; p <= 3; p++)
            for (int at = 0; at < 14; at++) {
                struct want w = {.replicas = 5, .parallelism = p, .order = (enum spec_order)order};
                struct sim *s = deployed(3, w);
                struct seen x;
                int least = order == SPEC_START_FIRST ? 5 : 5 - p, new, old;

                update(s, 2, w);
                for (int i = 0; i < at; i++) {
                    free(sim_step(s));
                    sim_act(s);
                }
                sim_order(s, "web", INTENT_PAUSE, 2);
                x = watch(s, 100000);
                assert_in_range(x.least_available, least, 5);
                new = of(s, 2);
                old = of(s, 1);
                assert_int_equal(new + old, 5);
                sim_pass(s, 100000);
                assert_int_equal(of(s, 2), new);
                sim_order(s, "web", INTENT_RESUME, 2);
                x = watch(s, 100000);
                assert_in_range(x.least_available, least, 5);
                assert_rollout(s, "shop", "web", "complete", 2, NULL);
                sim_free(s);
            }
}

/* Behaviours 54, 55. */
static void test_people__a_paused_one_replaces_lost_tasks_at_the_old_version(void **state)
{
    struct want w = {.replicas = 4};
    struct sim *s = paused_with(w, 2);

    for (int slot = 0; slot < 4; slot += 3) { /* a new one, an old one */
        char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

        assert_true(sim_task_in(s, "web", slot, id, node));
        sim_alive(s, node, false);
        sim_pass(s, 10000);
        assert_rollout(s, "shop", "web", "paused", 2, "paused by ann@desk");
        assert_int_equal(of(s, 1), 3);
        assert_int_equal(of(s, 2), 1);
    }
    sim_order(s, "web", INTENT_RESUME, 2);
    sim_pass(s, 200000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* Behaviour 57: what comes is of the old version, what goes is not what has proven itself. */
static void test_people__a_paused_one_is_scaled_at_the_old_version(void **state)
{
    for (int to = 0; to <= 8; to++) {
        struct want w = {.replicas = 5};
        struct sim *s = paused_with(w, 2);
        struct seen x;

        sim_scale(s, "shop", "web", to);
        x = watch(s, 30000);
        assert_int_equal(x.least_available, to < 5 ? to : 5);
        assert_int_equal(of(s, 1), to >= 5 ? to - 2 : to < 3 ? to : 3);
        assert_int_equal(of(s, 2), to >= 5 ? 2 : to < 3 ? 0 : to - 3);
        if (to)
            assert_rollout(s, "shop", "web", "paused", 2, "paused by ann@desk");
        sim_order(s, "web", INTENT_RESUME, 2);
        sim_pass(s, 300000);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        assert_int_equal(of(s, 2), to);
        sim_free(s);
    }
}

/* One that failed, too: the new version's replica that crashes and comes back is not what is kept. */
static void test_people__one_paused_by_a_failure_keeps_the_old_when_scaled_down(void **state)
{
    struct want w = {.replicas = 3, .image = "crash", .no_health = true};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "paused", 2, "crashed");
    assert_int_equal(of(s, 2), 1); /* it runs again */
    sim_scale(s, "shop", "web", 1);
    sim_pass(s, 30000);
    assert_int_equal(of(s, 1), 1);
    assert_int_equal(of(s, 2), 0);
    sim_free(s);
}

/* A drained node is left even so, within the policy and at the old version. */
static void test_people__a_paused_one_leaves_a_drained_node(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int k = 1; k <= 4; k++) {
            struct want w = {.replicas = 4, .order = (enum spec_order)order};
            struct sim *s = paused_with(w, 2);
            char node[16];
            struct seen x;

            snprintf(node, sizeof node, "k%d", k);
            sim_policy(s, node, true, true);
            x = watch(s, 100000);
            assert_int_equal(x.least_available, order == SPEC_START_FIRST ? 4 : 3);
            assert_int_equal(sim_count(s, (struct sim_want){.node = node}), 0);
            assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 4);
            assert_rollout(s, "shop", "web", "paused", 2, "paused by ann@desk");
            sim_free(s);
        }
}

/* A resume forgives what has failed; what fails after it counts again. */
static void test_people__a_resume_tries_what_has_failed_again(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++) {
        struct want w = {.replicas = 3, .image = "missing", .order = (enum spec_order)order};
        struct sim *s = deployed(3, w);

        update(s, 2, w);
        sim_pass(s, 30000);
        assert_rollout(s, "shop", "web", "paused", 2, "no such image");
        sim_order(s, "web", INTENT_RESUME, 2);
        sim_pass(s, 30000);
        assert_rollout(s, "shop", "web", "paused", 2, "no such image");
        spoil(s, "good");
        sim_order(s, "web", INTENT_RESUME, 2);
        sim_pass(s, 30000);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        sim_free(s);
    }
}

static void test_people__a_rollback_that_failed_is_resumed(void **state)
{
    struct want w = {.replicas = 3, .parallelism = 3, .action = SPEC_ON_FAILURE_ROLLBACK};
    struct sim *s = deployed(3, w);

    spoil(s, "missing");
    w.image = "sick";
    update(s, 2, w);
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "web", "failed", 1, "the rollback to revision 1 failed, too");
    spoil(s, "good");
    sim_order(s, "web", INTENT_RESUME, 2);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "rolled-back", 1, "; resumed by ann@desk");
    assert_rollout(s, "shop", "web", "rolled-back", 1, "revision 2 failed: "); /* the cause stays said */
    assert_int_equal(of(s, 1), 3);
    sim_free(s);
}

/* ---- abort ------------------------------------------------------------------------------------------- */

/* Behaviours 48, 53. */
static void test_people__an_abort_goes_back_and_leaves_alone_what_is_there(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int paused = 0; paused < 2; paused++) {
            struct want w = {.replicas = 5, .order = (enum spec_order)order};
            struct sim *s = paused_with(w, 2);
            int64_t made = sim_attempts(s, "web");
            struct seen x;

            if (!paused) {
                sim_order(s, "web", INTENT_RESUME, 2);
                sim_decide(s);
            }
            sim_order(s, "web", INTENT_ABORT, 2);
            x = watch(s, 100000);
            assert_int_equal(x.least_available, order == SPEC_START_FIRST ? 5 : 4);
            assert_rollout(s, "shop", "web", "rolled-back", 1, "revision 2 was aborted by ann@desk");
            assert_int_equal(of(s, 1), 5);
            assert_in_range(sim_attempts(s, "web") - made, 2, paused ? 2 : 3);
            sim_order(s, "web", INTENT_ABORT, 2); /* once more is nothing */
            assert_false(sim_rollout(s, "shop", "web")->state != ROLLOUT_ROLLED_BACK);
            sim_free(s);
        }
}

static void test_people__an_abort_without_anything_to_go_back_to_changes_nothing(void **state)
{
    struct sim *s = sim_of(2);

    sim_apply(s, "shop", 1, spec((struct want){.replicas = 2, .image = "stuck"}));
    sim_settle(s);
    sim_order(s, "web", INTENT_ABORT, 1);
    sim_settle(s);
    assert_int_equal(sim_rollout(s, "shop", "web")->state, ROLLOUT_UPDATING);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1}), 2);
    sim_free(s);
}

/* What is restarted or scaled is at the last complete revision already. */
static void test_people__an_abort_of_a_restart_changes_nothing(void **state)
{
    struct want w = {.replicas = 3, .delay_ms = 10000};
    struct sim *s = deployed(3, w);

    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 5000);
    sim_order(s, "web", INTENT_ABORT, 1);
    sim_pass(s, 1000);
    assert_int_equal(sim_rollout(s, "shop", "web")->state, ROLLOUT_UPDATING);
    sim_order(s, "web", INTENT_PAUSE, 1); /* a pause stops it */
    sim_pass(s, 100000);
    assert_rollout(s, "shop", "web", "paused", 1, "paused by ann@desk");
    assert_in_range(sim_rollout(s, "shop", "web")->updated, 1, 2);
    sim_order(s, "web", INTENT_RESUME, 1);
    sim_pass(s, 100000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* ---- canaries ---------------------------------------------------------------------------------------- */

static struct sim *canaried(struct want w)
{
    struct sim *s = deployed(4, w);

    update(s, 2, w);
    sim_pass(s, 200000);
    assert_rollout(s, "shop", "web", "canary", 2, "`orc rollout resume shop/web` goes on");
    return s;
}

static void test_canary__so_many_are_updated_and_then_it_waits(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int p = 1; p <= 3; p++)
            for (int n = 1; n <= 5; n++) {
                struct want w = {
                    .replicas = 5, .parallelism = p, .canary = n, .order = (enum spec_order)order};
                struct sim *s = deployed(4, w);
                int64_t made = sim_attempts(s, "web");
                int most = 0;

                update(s, 2, w);
                for (int i = 0; i < 100; i++) {
                    int new;

                    sim_decide(s); /* also while what was stopped still stops */
                    new = sim_count(s, (struct sim_want){.revision = 2});
                    most = new > most ? new : most;
                    if (sim_act(s) == 0 && core_next(s->core))
                        s->now = core_next(s->core);
                }
                assert_int_equal(most, n);
                assert_int_equal(sim_attempts(s, "web") - made, n); /* nobody else was disturbed */
                assert_rollout(s, "shop", "web", "canary", 2, "of 5 replicas run revision 2");
                assert_int_equal(of(s, 2), n);
                assert_int_equal(of(s, 1), 5 - n);
                assert_int_equal(sim_rollout(s, "shop", "web")->complete, 1); /* routes are the old ones */
                sim_new_leader(s);
                sim_pass(s, 1000000);
                assert_int_equal(of(s, 2), n);
                sim_order(s, "web", INTENT_RESUME, 2);
                sim_pass(s, 100000);
                assert_rollout(s, "shop", "web", "complete", 2, NULL);
                assert_int_equal(of(s, 2), 5);
                sim_free(s);
            }
}

static void test_canary__an_abort_leaves_nothing_of_it(void **state)
{
    struct sim *s = canaried((struct want){.replicas = 5, .canary = 2});
    struct seen x;

    sim_order(s, "web", INTENT_ABORT, 2);
    x = watch(s, 30000);
    assert_int_equal(x.least_available, 4);
    assert_rollout(s, "shop", "web", "rolled-back", 1, "revision 2 was aborted by ann@desk");
    assert_int_equal(of(s, 1), 5);
    sim_free(s);
}

/* A canary that fails within its monitor window fails the rollout; one that fails later is mended as such. */
static void test_canary__one_that_fails_is_judged_and_later_mended(void **state)
{
    struct want w = {.replicas = 4, .canary = 1, .image = "sick", .action = SPEC_ON_FAILURE_ROLLBACK};
    struct sim *s = deployed(4, w);

    update(s, 2, w);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "rolled-back", 1, "is unhealthy: HTTP 503");
    sim_free(s);
    w.image = NULL;
    s = canaried(w);
    for (int slot = 0; slot < 4; slot++) {
        const struct record_task *t;
        char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
        orc_auto_free char *key = NULL;

        assert_true(sim_task_in(s, "web", slot, id, node));
        key = key_task(SIM_CLUSTER, node, id);
        t = sim_task_of(sim_find(s, key));
        if (t->revision == 2) {
            sim_sicken(s, "web", slot);
            break;
        }
    }
    sim_pass(s, 30000);
    assert_int_equal(of(s, 2), 1);
    assert_int_equal(of(s, 1), 3);
    assert_int_equal(sim_rollout(s, "shop", "web")->state, ROLLOUT_CANARY);
    sim_free(s);
}

/* Behaviours 54, 57: lost, drained, more or fewer of them, the number of canaries stays. */
static void test_canary__their_number_is_kept_when_nodes_go(void **state)
{
    for (int how = 0; how < 2; how++)
        for (int k = 1; k <= 4; k++) {
            struct sim *s = canaried((struct want){.replicas = 4, .canary = 2});
            char node[16];

            snprintf(node, sizeof node, "k%d", k);
            if (how)
                sim_policy(s, node, true, true);
            else
                sim_alive(s, node, false);
            sim_pass(s, 60000);
            assert_int_equal(of(s, 2), 2);
            assert_int_equal(of(s, 1), 2);
            assert_int_equal(sim_rollout(s, "shop", "web")->state, ROLLOUT_CANARY);
            sim_free(s);
        }
}

static void test_canary__scaling_keeps_the_canaries_and_one_of_the_old(void **state)
{
    for (int to = 0; to <= 8; to++) {
        struct sim *s = canaried((struct want){.replicas = 5, .canary = 2});
        int new = to > 2 ? 2 : to ? to - 1 : 0;
        struct seen x;

        sim_scale(s, "shop", "web", to);
        x = watch(s, 30000);
        assert_int_equal(x.least_available, to < 5 ? to : 5);
        assert_int_equal(of(s, 2), new);
        assert_int_equal(of(s, 1), to - new);
        assert_int_equal(sim_rollout(s, "shop", "web")->state, ROLLOUT_CANARY);
        sim_order(s, "web", INTENT_RESUME, 2);
        sim_pass(s, 100000);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        assert_int_equal(of(s, 2), to);
        sim_free(s);
    }
}

/* Behaviours 41, 58: nothing is tried out where nothing is new. */
static void test_canary__only_another_container_has_one(void **state)
{
    struct want w = {.replicas = 3, .canary = 1};
    struct sim *s = deployed(3, w); /* the first deployment has none */
    struct spec_service *x;

    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    x = spec(w);
    x->drain_timeout_ms = 1000;
    sim_apply(s, "shop", 2, x);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    update(s, 3, w);
    sim_pass(s, 60000);
    sim_order(s, "web", INTENT_RESUME, 3);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 3, NULL);
    sim_point(s, "shop", "web", 2); /* nor has going back */
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    assert_int_equal(of(s, 2), 3);
    update(s, 4, w); /* what people said of another one does not count */
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "canary", 4, "1 of 3 replicas run revision 4");
    sim_free(s);
}

/* Behaviour 52: a new spec has canaries of its own; those of the one before are no longer wanted. */
static void test_canary__a_new_spec_has_its_own(void **state)
{
    struct want w = {.replicas = 4, .canary = 1};
    struct sim *s = canaried(w);

    update(s, 3, w);
    sim_pass(s, 100000);
    assert_rollout(s, "shop", "web", "canary", 3, "1 of 4 replicas run revision 3");
    sim_order(s, "web", INTENT_RESUME, 2); /* late, of the one before */
    sim_pass(s, 100000);
    assert_int_equal(of(s, 3), 1);
    sim_order(s, "web", INTENT_RESUME, 3);
    sim_pass(s, 100000);
    assert_rollout(s, "shop", "web", "complete", 3, NULL);
    sim_free(s);
}

/* A pause before, and a resume after it, does not stand for the one that the canary waits for. */
static void test_canary__a_resume_after_a_pause_does_not_promote_it(void **state)
{
    struct want w = {.replicas = 4, .canary = 2, .delay_ms = 20000};
    struct sim *s = deployed(4, w);

    update(s, 2, w);
    sim_pass(s, 2000);
    sim_order(s, "web", INTENT_PAUSE, 2);
    sim_pass(s, 2000);
    sim_order(s, "web", INTENT_RESUME, 2);
    sim_pass(s, 100000);
    assert_rollout(s, "shop", "web", "canary", 2, "2 of 4 replicas run revision 2");
    sim_order(s, "web", INTENT_PAUSE, 2);
    sim_pass(s, 2000);
    assert_rollout(s, "shop", "web", "paused", 2, "paused by ann@desk");
    sim_order(s, "web", INTENT_RESUME, 2);
    sim_pass(s, 10000);
    assert_rollout(s, "shop", "web", "canary", 2, "2 of 4 replicas run revision 2");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people__a_pause_holds_and_a_resume_goes_on_from_there),
        cmocka_unit_test(test_people__a_pause_at_any_moment_keeps_the_promise),
        cmocka_unit_test(test_people__a_paused_one_replaces_lost_tasks_at_the_old_version),
        cmocka_unit_test(test_people__a_paused_one_is_scaled_at_the_old_version),
        cmocka_unit_test(test_people__one_paused_by_a_failure_keeps_the_old_when_scaled_down),
        cmocka_unit_test(test_people__a_paused_one_leaves_a_drained_node),
        cmocka_unit_test(test_people__a_resume_tries_what_has_failed_again),
        cmocka_unit_test(test_people__a_rollback_that_failed_is_resumed),
        cmocka_unit_test(test_people__an_abort_goes_back_and_leaves_alone_what_is_there),
        cmocka_unit_test(test_people__an_abort_without_anything_to_go_back_to_changes_nothing),
        cmocka_unit_test(test_people__an_abort_of_a_restart_changes_nothing),
        cmocka_unit_test(test_canary__so_many_are_updated_and_then_it_waits),
        cmocka_unit_test(test_canary__an_abort_leaves_nothing_of_it),
        cmocka_unit_test(test_canary__one_that_fails_is_judged_and_later_mended),
        cmocka_unit_test(test_canary__their_number_is_kept_when_nodes_go),
        cmocka_unit_test(test_canary__scaling_keeps_the_canaries_and_one_of_the_old),
        cmocka_unit_test(test_canary__only_another_container_has_one),
        cmocka_unit_test(test_canary__a_new_spec_has_its_own),
        cmocka_unit_test(test_canary__a_resume_after_a_pause_does_not_promote_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
