/* Failed health checks: what works is kept, what does not is tried again, and everybody is told. */
#include "tests/sim/rolling.h"

static void ids(struct sim *s, int n, char ret[][KEY_TASK_MAX + 1])
{
    char node[KEY_NAME_MAX + 1];

    for (int i = 0; i < n; i++)
        assert_true(sim_task_in(s, "web", i, ret[i], node));
}

/* However many fail at once, and whatever the policy is: none that works is touched, no more than the policy
 * allows are restarted at once, and in the end all are there. */
static void test_health__however_many_fail_at_once_none_that_works_is_stopped(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int p = 1; p <= 3; p++)
            for (int k = 1; k <= 6; k++) {
                struct want w = {.replicas = 6, .parallelism = p, .order = (enum spec_order)order};
                struct sim *s = deployed(3, w);
                char before[6][KEY_TASK_MAX + 1], after[6][KEY_TASK_MAX + 1];
                uint64_t end = s->now + 60000;

                ids(s, 6, before);
                for (int i = 0; i < k; i++)
                    sim_sicken(s, "web", i);
                while (s->now < end) {
                    orc_auto_free char *text = sim_step(s);
                    int leaving = sim_count(s, (struct sim_want){.leaving = true});
                    int made = 0;

                    for (int i = 0; i < 6; i++) {
                        char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

                        made += sim_task_in(s, "web", i, id, node) && strcmp(id, before[i]) != 0;
                    }
                    assert_in_range(sim_count(s, (struct sim_want){.available = true}), 6 - k, 6);
                    assert_in_range(leaving + made -
                                        (sim_count(s, (struct sim_want){.available = true}) - (6 - k)),
                                    0, p);
                    if (sim_act(s) == 0 && !text[0])
                        s->now = core_next(s->core) ? core_next(s->core) : end;
                }
                ids(s, 6, after);
                for (int i = 0; i < 6; i++)
                    assert_int_equal(strcmp(before[i], after[i]) != 0, i < k);
                assert_rollout(s, "shop", "web", "complete", 1, NULL);
                assert_null(sim_rollout(s, "shop", "web")->degraded);
                sim_free(s);
            }
}

/* Slot 1 fails whenever it has become healthy; the others work. */
static void keep_failing(struct sim *s, uint64_t ms)
{
    uint64_t end = s->now + ms;

    while (s->now < end) {
        char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
        struct record_status st = {0};
        bool healthy;
        uint64_t next;

        sim_settle(s);
        healthy = sim_task_in(s, "web", 1, id, node) && sim_status_copy(s, node, id, &st) &&
                  st.health == TASK_HEALTHY;
        record_status_release(&st);
        if (healthy) {
            sim_sicken(s, "web", 1);
            continue;
        }
        next = core_next(s->core);
        s->now = next && next < end ? next : end;
    }
}

/* x-orc.health.readiness: it gets no requests, and is left alone for however long. */
static void test_health__what_is_not_ready_is_not_restarted(void **state)
{
    struct want w = {.replicas = 3};
    struct sim *s = deployed(3, w);
    char before[3][KEY_TASK_MAX + 1], after[3][KEY_TASK_MAX + 1];

    ids(s, 3, before);
    sim_turn(s, "web", 1, TASK_RUNNING, TASK_UNREADY, "HTTP 503");
    keep_failing(s, 3600000);
    ids(s, 3, after);
    for (int i = 0; i < 3; i++)
        assert_string_equal(before[i], after[i]);
    sim_turn(s, "web", 1, TASK_RUNNING, TASK_HEALTHY, NULL);
    sim_settle(s);
    assert_null(sim_rollout(s, "shop", "web")->degraded);
    sim_sicken(s, "web", 1); /* ... until it is no longer alive */
    sim_settle(s);
    ids(s, 3, after);
    assert_string_not_equal(before[1], after[1]);
    sim_free(s);
}

static void test_degraded__a_replica_that_fails_again_marks_the_service(void **state)
{
    struct want w = {.replicas = 3};
    struct sim *s = deployed(3, w);
    char before[3][KEY_TASK_MAX + 1], after[3][KEY_TASK_MAX + 1];
    const struct record_rollout *r;
    int64_t since, made;

    ids(s, 3, before);
    sim_sicken(s, "web", 1);
    sim_settle(s);
    assert_null(sim_rollout(s, "shop", "web")->degraded); /* once is mended, and nothing more */
    sim_events_clear(s);
    keep_failing(s, 20000);
    r = sim_rollout(s, "shop", "web");
    assert_non_null(strstr(r->degraded, "shop.web.1."));
    assert_non_null(strstr(r->degraded, ": unhealthy: HTTP 503 after 2 ms"));
    since = r->degraded_since;
    assert_true(since > 0);
    made = sim_attempts(s, "web");
    sim_new_leader(s);
    keep_failing(s, 3600000);
    r = sim_rollout(s, "shop", "web");
    assert_int_equal(r->degraded_since, since);
    assert_int_equal(r->state, ROLLOUT_HEALING);
    assert_in_range(sim_attempts(s, "web") - made, 10, 20); /* 10 s, 20, 40 ... at most one in five minutes */
    ids(s, 3, after);
    assert_string_equal(before[0], after[0]);
    assert_string_equal(before[2], after[2]);
    sim_free(s);
}

static void test_degraded__it_recovers_by_itself_and_says_so(void **state)
{
    struct want w = {.replicas = 3};
    struct sim *s = deployed(3, w);
    orc_auto_free char *events = NULL;

    keep_failing(s, 100000);
    assert_non_null(sim_rollout(s, "shop", "web")->degraded);
    sim_pass(s, 300000); /* the next one works */
    assert_null(sim_rollout(s, "shop", "web")->degraded);
    assert_int_equal(sim_rollout(s, "shop", "web")->degraded_since, 0);
    assert_int_equal(sim_rollout(s, "shop", "web")->failures, 0);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    events = sim_events(s, "rollout");
    assert_non_null(strstr(events, "degraded: shop.web.1."));
    assert_non_null(strstr(events, "recovered: every replica works again, after "));
    sim_free(s);
}

/* It stays marked until every replica has run well for a minute, not just for a moment. */
static void test_degraded__a_good_moment_is_no_recovery(void **state)
{
    struct want w = {.replicas = 2};
    struct sim *s = deployed(2, w);

    keep_failing(s, 60000);
    for (int i = 0; i < 120; i++) {
        sim_pass(s, 1000);
        if (sim_count(s, (struct sim_want){.available = true}) == 2)
            break;
    }
    sim_pass(s, 55000);
    assert_non_null(sim_rollout(s, "shop", "web")->degraded);
    sim_pass(s, 10000);
    assert_null(sim_rollout(s, "shop", "web")->degraded);
    sim_free(s);
}

/* All fail, and all fail again: tried with growing pauses for hours, no more at once than the policy allows.
 */
static void test_degraded__all_of_them_are_tried_until_they_work(void **state)
{
    for (int p = 1; p <= 4; p++) {
        struct want w = {.replicas = 4, .parallelism = p};
        struct sim *s = deployed(2, w);
        int64_t made = sim_attempts(s, "web");
        uint64_t end = s->now + 3600000;

        spoil(s, "sick");
        for (int i = 0; i < 4; i++)
            sim_sicken(s, "web", i);
        while (s->now < end) {
            orc_auto_free char *text = sim_step(s);

            assert_in_range(sim_count(s, (struct sim_want){.leaving = true}), 0, p);
            if (sim_act(s) == 0 && !text[0])
                s->now = core_next(s->core) ? core_next(s->core) : end;
        }
        assert_non_null(strstr(sim_rollout(s, "shop", "web")->degraded, "unhealthy: HTTP 503"));
        assert_in_range(sim_attempts(s, "web") - made, 10, 80);
        spoil(s, "good");
        sim_pass(s, 900000);
        assert_null(sim_rollout(s, "shop", "web")->degraded);
        assert_rollout(s, "shop", "web", "complete", 1, NULL);
        sim_free(s);
    }
}

/* A first deployment that does not work is degraded, too; and where nothing is updated any more, whatever
 * version works counts. */
static void test_degraded__in_any_state(void **state)
{
    struct want w = {.replicas = 2, .image = "missing"};
    struct sim *s = sim_of(2);

    sim_apply(s, "shop", 1, spec(w));
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "paused", 1, "no such image");
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->degraded, "failed: no such image: missing"));
    sim_free(s);

    w.image = NULL;
    s = deployed(2, w);
    w.delay_ms = 600000;
    update(s, 2, w);
    sim_pass(s, 2000);
    sim_order(s, "web", INTENT_PAUSE, 2);
    keep_failing(s, 100000);
    assert_rollout(s, "shop", "web", "paused", 2, "paused by ann@desk");
    assert_non_null(sim_rollout(s, "shop", "web")->degraded);
    sim_pass(s, 400000);
    assert_rollout(s, "shop", "web", "paused", 2, "paused by ann@desk");
    assert_null(sim_rollout(s, "shop", "web")->degraded);
    sim_free(s);
}

/* What is removed has nothing left of it. */
static void test_degraded__a_removed_service_is_not(void **state)
{
    struct want w = {.replicas = 2};
    struct sim *s = deployed(2, w);

    keep_failing(s, 60000);
    assert_non_null(sim_rollout(s, "shop", "web")->degraded);
    sim_rm(s, "shop");
    sim_decide(s);
    assert_null(sim_rollout(s, "shop", "web")->degraded);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health__what_is_not_ready_is_not_restarted),
        cmocka_unit_test(test_health__however_many_fail_at_once_none_that_works_is_stopped),
        cmocka_unit_test(test_degraded__a_replica_that_fails_again_marks_the_service),
        cmocka_unit_test(test_degraded__it_recovers_by_itself_and_says_so),
        cmocka_unit_test(test_degraded__a_good_moment_is_no_recovery),
        cmocka_unit_test(test_degraded__all_of_them_are_tried_until_they_work),
        cmocka_unit_test(test_degraded__in_any_state),
        cmocka_unit_test(test_degraded__a_removed_service_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
