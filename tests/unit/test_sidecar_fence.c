/* nodelet/sidecar: tasks of several containers that are fenced, drained, or of which one may still run. */
#include "tests/unit/sidecar_pod.h"

/* They share one grace period (the simulation's seed 1720946), also those of a task that goes. */
static void test_sidecar__a_fence_stops_all_at_once(void **state_)
{
    static const enum task_desired desired[] = {TASK_RUN, TASK_DRAIN, TASK_REMOVE};

    for (size_t k = 0; k < 3; k++) {
        struct pod *p = pod_new();

        p->spec[0]->fence_ms = 5000;
        settle(p);
        p->desired = desired[k];
        p->store = false;
        p->away_since = p->now;
        p->now += 4999;
        want(p);
        for (int i = 0; i < N; i++)
            assert_int_equal(next(p, i), CONVERGE_NOTHING);
        p->now++;
        for (int i = N - 1; i >= 0; i--)
            assert_int_equal(next(p, i), CONVERGE_STOP);
        pod_free(p);
    }
}

/* etcd answers again while they are being stopped: none starts beside a main container that ends. */
static void test_sidecar__fenced_they_start_after_the_main_one(void **state_)
{
    struct pod *p = pod_new();

    p->spec[0]->fence_ms = 5000;
    settle(p);
    p->away_since = p->now;
    p->now += 5000;
    want(p);
    converge_begin(&p->c[0], CONVERGE_STOP);
    assert_true(step(p, 1));
    p->away_since = 0;
    want(p);
    assert_int_equal(next(p, 1), CONVERGE_NOTHING);
    assert_int_equal(next(p, 2), CONVERGE_STOP); /* what runs is started anew with it */
    converge_end(&p->c[0], CONVERGE_DONE, "", p->now);
    assert_int_equal(next(p, 1), CONVERGE_NOTHING);
    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_equal(health(p), TASK_HEALTHY);
    for (int i = 0; i < N; i++)
        assert_int_equal(p->c[i].restarts, 0);
    pod_free(p);
}

/* Told to go and fenced meanwhile; etcd answers again while the main container is being stopped. */
static void test_sidecar__none_starts_beside_one_that_is_being_stopped(void **state_)
{
    struct pod *p = pod_new();

    p->spec[0]->fence_ms = 5000;
    settle(p);
    p->desired = TASK_DRAIN;
    p->away_since = p->now;
    p->now += 5000;
    want(p);
    converge_begin(&p->c[0], CONVERGE_STOP);
    assert_true(step(p, 1));
    p->away_since = 0;
    want(p);
    assert_int_equal(next(p, 1), CONVERGE_NOTHING);
    assert_int_equal(next(p, 2), CONVERGE_NOTHING); /* as at any planned stop: after it */
    converge_end(&p->c[0], CONVERGE_DONE, "", p->now);
    settle(p);
    assert_int_equal(state(p), TASK_STOPPED);
    pod_free(p);
}

/* While it is not known what the main container is, a fence holds all the same. */
static void test_sidecar__a_fence_asks_nothing_of_the_main_one(void **state_)
{
    struct pod *p = pod_new();

    p->spec[0]->fence_ms = 5000;
    settle(p);
    p->unseen[0] = true;
    p->away_since = p->now;
    p->now += 5000;
    want(p);
    assert_int_equal(next(p, 0), CONVERGE_NOTHING);
    assert_int_equal(next(p, 1), CONVERGE_STOP);
    pod_free(p);
}

/* The engine did not stop the main container, and etcd was back before the next try (the simulation's seed
 * 2315657). */
static void test_sidecar__a_fence_that_failed_ends_with_the_absence(void **state_)
{
    struct pod *p = pod_new();

    p->spec[0]->fence_ms = 5000;
    settle(p);
    p->away_since = p->now;
    p->now += 5000;
    want(p);
    converge_begin(&p->c[0], CONVERGE_STOP);
    assert_true(step(p, 1));
    converge_end(&p->c[0], CONVERGE_TRANSIENT, "HTTP 500", p->now);
    p->unseen[0] = true;
    p->away_since = 0;
    want(p);
    for (int i = 0; i < N; i++)
        assert_int_equal(next(p, i), CONVERGE_NOTHING); /* it is not known what runs */
    converge_see(&p->c[0], &(struct converge_seen){.container = CONTAINER_RUNNING}, p->now);
    look(p, 0);
    assert_int_equal(next(p, 2), CONVERGE_NOTHING);
    assert_int_equal(next(p, 1), CONVERGE_START);
    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_equal(p->c[0].restarts + p->c[1].restarts, 0);
    pod_free(p);
}

/* All are made, and the main container, which is not started twice, runs. */
static struct pod *runs_without_its_sidecars(void)
{
    struct pod *p = pod_new();

    p->spec[0]->restart = SPEC_RESTART_NO;
    for (int i = 0; i < N; i++)
        assert_true(step(p, i));
    assert_true(step(p, 0));
    look(p, 0);
    return p;
}

/* The engine said no to its start, and it runs all the same (the simulation's seed 1450568). */
static void test_sidecar__one_that_may_run_keeps_the_task_from_having_stopped(void **state_)
{
    struct converge_seen done = {.container = CONTAINER_EXITED};
    struct pod *p = runs_without_its_sidecars();

    want(p);
    converge_begin(&p->c[1], CONVERGE_START);
    converge_end(&p->c[1], CONVERGE_TRANSIENT, "the Docker Engine answered 500", p->now);
    p->unseen[1] = true;
    converge_see(&p->c[0], &done, p->now);
    want(p);
    assert_int_equal(state(p), TASK_STOPPING);
    p->unseen[1] = false; /* it did not start */
    assert_int_equal(state(p), TASK_STOPPED);
    pod_free(p);
}

/* While what became of its stop is not known, of whichever container, it is not called stopped. */
static void test_sidecar__one_that_must_be_looked_at_keeps_the_task_from_having_stopped(void **state_)
{
    for (int unknown = 0; unknown < N; unknown++) {
        struct pod *p = running();

        p->desired = TASK_DRAIN;
        settle(p);
        assert_int_equal(state(p), TASK_STOPPED);
        p->unseen[unknown] = true;
        assert_int_equal(state(p), TASK_STOPPING);
        assert_int_equal(state_after(p, TASK_STOPPED), TASK_STOPPED);
        pod_free(p);
    }
}

/* What is there is looked at every few minutes: what was told as stopped stays so (seed 1326719). */
static void test_sidecar__a_later_look_takes_no_stop_back(void **state_)
{
    struct converge_seen done = {.container = CONTAINER_EXITED};
    struct pod *p = runs_without_its_sidecars();

    converge_see(&p->c[0], &done, p->now);
    want(p);
    assert_int_equal(state(p), TASK_STOPPED);
    for (int desired = TASK_RUN; desired <= TASK_DRAIN; desired++) {
        p->desired = (enum task_desired)desired;
        p->unseen[1] = p->unseen[2] = true;
        want(p);
        assert_int_equal(state_after(p, TASK_STOPPED), TASK_STOPPED);
    }
    pod_free(p);
}

static void test_sidecar__drained_they_are_kept(void **state_)
{
    struct pod *p = running();

    p->desired = TASK_DRAIN;
    settle(p);
    assert_int_equal(state(p), TASK_STOPPED);
    for (int i = 0; i < N; i++)
        assert_int_equal(p->c[i].container, CONTAINER_EXITED);
    pod_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sidecar__a_fence_stops_all_at_once),
        cmocka_unit_test(test_sidecar__fenced_they_start_after_the_main_one),
        cmocka_unit_test(test_sidecar__none_starts_beside_one_that_is_being_stopped),
        cmocka_unit_test(test_sidecar__a_fence_asks_nothing_of_the_main_one),
        cmocka_unit_test(test_sidecar__a_fence_that_failed_ends_with_the_absence),
        cmocka_unit_test(test_sidecar__one_that_may_run_keeps_the_task_from_having_stopped),
        cmocka_unit_test(test_sidecar__one_that_must_be_looked_at_keeps_the_task_from_having_stopped),
        cmocka_unit_test(test_sidecar__a_later_look_takes_no_stop_back),
        cmocka_unit_test(test_sidecar__drained_they_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
