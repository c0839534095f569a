/* test_converge_stop.c - when a container is stopped, and when it is not: removals, what absence means,
 * fences. */
#include "tests/unit/converge_story.h"

/* ---- stopping ------------------------------------------------------------------------------------------ */

static void test_converge__remove_withdraws_stops_and_deletes(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_REMOVE);
    state_is(s, TASK_RUNNING);
    assert_int_equal(next(s, NULL), CONVERGE_WITHDRAW);
    converge_begin(&s->c, CONVERGE_WITHDRAW);
    state_is(s, TASK_STOPPING);
    converge_end(&s->c, CONVERGE_DONE, "", s->now);
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    state_is(s, TASK_STOPPED);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
    state_is(s, TASK_REMOVED);
    nothing(s);
}

static void test_converge__drain_keeps_the_stopped_container(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_DRAIN);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    state_is(s, TASK_STOPPED);
    nothing(s);
    want(s, TASK_REMOVE);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
    state_is(s, TASK_REMOVED);
}

/* Behaviour 71: nothing that was told to stop starts again, whatever is written later. */
static void test_converge__desired_never_moves_back(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_REMOVE);
    want(s, TASK_RUN);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    want(s, TASK_DRAIN);
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
}

static void test_converge__crash_while_withdrawing_is_no_crash(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_REMOVE);
    converge_begin(&s->c, CONVERGE_WITHDRAW);
    sees(s, CONTAINER_EXITED, 1);
    assert_int_equal(s->c.restarts, 0);
    converge_end(&s->c, CONVERGE_DONE, "", s->now);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
}

static void test_converge__engine_that_cannot_stop_is_asked_to_kill(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_REMOVE);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    does(s, CONVERGE_STOP, CONVERGE_TRANSIENT);
    s->now += waits(s);
    does(s, CONVERGE_STOP, CONVERGE_TRANSIENT);
    s->now += waits(s);
    does(s, CONVERGE_KILL, CONVERGE_TRANSIENT);
    s->now += waits(s);
    does(s, CONVERGE_KILL, CONVERGE_DONE);
    assert_false(s->c.stop_failed);
    does(s, CONVERGE_REMOVE, CONVERGE_TRANSIENT);
    s->now += waits(s);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
    state_is(s, TASK_REMOVED);
}

/* Behaviour 74: an engine that went away in the middle of a stop has not failed to stop it. */
static void test_converge__stop_cut_short_by_the_engine_keeps_its_grace_period(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_REMOVE);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    does(s, CONVERGE_STOP, CONVERGE_TRANSIENT);
    s->now += waits(s);
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
}

static void test_converge__removal_during_creation_deletes_what_was_made(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    converge_begin(&s->c, CONVERGE_CREATE);
    want(s, TASK_REMOVE);
    state_is(s, TASK_CREATING);
    converge_end(&s->c, CONVERGE_DONE, "", s->now);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
    state_is(s, TASK_REMOVED);
}

static void test_converge__removal_does_not_wait_for_the_back_off_of_a_crash(void **state)
{
    struct story *s = *state;

    runs(s);
    sees(s, CONTAINER_EXITED, 1);
    waits(s);
    want(s, TASK_REMOVE);
    does(s, CONVERGE_REMOVE, CONVERGE_TRANSIENT);
    assert_int_equal(waits(s), 1000); /* its own back-off begins anew */
}

/* Errors of starting are no errors of stopping: the back-off begins anew, and only once. */
static void test_converge__the_back_off_of_a_start_is_not_that_of_a_removal(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    for (int i = 0; i < 4; i++) {
        does(s, CONVERGE_START, CONVERGE_TRANSIENT);
        s->now += waits(s);
    }
    want(s, TASK_REMOVE);
    does(s, CONVERGE_REMOVE, CONVERGE_TRANSIENT);
    assert_int_equal(waits(s), converge_backoff_ms(1, CONVERGE_ERROR_MAX_MS));
    s->now += waits(s);
    does(s, CONVERGE_REMOVE, CONVERGE_TRANSIENT);
    assert_int_equal(waits(s), converge_backoff_ms(2, CONVERGE_ERROR_MAX_MS));
    want(s, TASK_REMOVE); /* said again */
    assert_int_equal(waits(s), converge_backoff_ms(2, CONVERGE_ERROR_MAX_MS));
}

static void test_converge__a_stop_that_waits_goes_on_waiting_when_it_becomes_a_removal(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_DRAIN);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    does(s, CONVERGE_STOP, CONVERGE_TRANSIENT);
    want(s, TASK_REMOVE);
    assert_int_equal(waits(s), converge_backoff_ms(1, CONVERGE_ERROR_MAX_MS));
}

static void test_converge__removal_before_anything_was_made_is_removed(void **state)
{
    struct story *s = *state;

    want(s, TASK_REMOVE);
    nothing(s);
    state_is(s, TASK_REMOVED);
}

static void test_converge__container_gone_during_stop_is_removed(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_REMOVE);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    does(s, CONVERGE_STOP, CONVERGE_GONE);
    state_is(s, TASK_REMOVED);
    nothing(s);
}

/* ---- what absence means -------------------------------------------------------------------------------- */

/* Behaviour 80. */
static void test_converge__no_planned_stop_begins_without_the_store(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_REMOVE);
    s->store = false;
    nothing(s);
    state_is(s, TASK_RUNNING);
    s->store = true;
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    s->store = false; /* begun: it goes on */
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
}

/* Behaviour 80: crash restarts go on. */
static void test_converge__crash_restarts_go_on_without_the_store(void **state)
{
    struct story *s = *state;

    runs(s);
    s->store = false;
    sees(s, CONTAINER_EXITED, 1);
    s->now += waits(s);
    does(s, CONVERGE_START, CONVERGE_DONE);
}

static void test_converge__vanished_record_stops_nothing_and_starts_nothing(void **state)
{
    struct story *s = *state;

    runs(s);
    converge_orphan(&s->c);
    nothing(s);
    sees(s, CONTAINER_EXITED, 1);
    s->now += 10 * CONVERGE_BACKOFF_MAX_MS;
    nothing(s);
}

static void test_converge__engine_down_decides_nothing(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    s->engine = false;
    nothing(s);
    s->engine = true;
    runs(s);
}

/* ---- fenced: x-orc.fence ------------------------------------------------------------------------------- */

static void away(struct story *s)
{
    s->store = false;
    s->away_since = s->now;
}

static void back(struct story *s)
{
    s->store = true;
    s->away_since = 0;
}

static void fenced_runs(struct story *s)
{
    s->spec->fence_ms = 6000;
    runs(s);
}

static void test_converge__without_a_fence_nothing_stops_while_etcd_is_away(void **state)
{
    struct story *s = *state;
    uint64_t wake;

    runs(s);
    away(s);
    s->now += 1000000;
    assert_int_equal(next(s, &wake), CONVERGE_NOTHING);
    assert_true(wake == CONVERGE_NEVER);
    state_is(s, TASK_RUNNING);
}

static void test_converge__a_fenced_one_is_stopped_after_its_time_and_not_before(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    nothing(s);
    away(s);
    assert_int_equal(waits(s), 6000);
    s->now += 5999;
    assert_int_equal(waits(s), 1);
    s->now += 1;
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    state_is(s, TASK_STARTING);
    assert_non_null(strstr(s->c.reason, "x-orc.fence"));
    s->now += 1000000;
    nothing(s);
    back(s);
    does(s, CONVERGE_START, CONVERGE_DONE);
    state_is(s, TASK_RUNNING);
    assert_int_equal(s->c.restarts, 0); /* no fault of its own */
}

/* Found by the simulator (seed 1624181): another had its place when etcd was back, and it was started all the
 * same, as that had not been read yet. */
static void test_converge__what_a_fence_stopped_starts_when_it_is_known_to_be_wanted(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    away(s);
    s->now += 6000;
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    s->away_since = 0; /* our heartbeat is there again, the view is not */
    nothing(s);
    s->store = s->behind = true;
    nothing(s);
    s->behind = false;
    does(s, CONVERGE_START, CONVERGE_DONE);
    s->behind = true; /* it says nothing of what runs */
    nothing(s);
    sees(s, CONTAINER_EXITED, 1);
    nothing(s);
    s->behind = false;
    s->now += waits(s);
    does(s, CONVERGE_START, CONVERGE_DONE);
}

static void test_converge__an_outage_shorter_than_the_fence_stops_nothing(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    for (int i = 0; i < 5; i++) {
        away(s);
        s->now += 5000;
        nothing(s);
        back(s);
        s->now += 10;
        nothing(s);
    }
    state_is(s, TASK_RUNNING);
}

static void test_converge__what_a_fence_stopped_is_no_crash_however_it_is_seen(void **state)
{
    for (int at = 0; at < 3; at++) {
        struct story *s = *state;

        converge_release(&s->c);
        back(s);
        fenced_runs(s);
        away(s);
        s->now += 6000;
        converge_begin(&s->c, CONVERGE_STOP);
        if (at == 0)
            sees(s, CONTAINER_EXITED, 143);
        converge_end(&s->c, at == 1 ? CONVERGE_TRANSIENT : CONVERGE_DONE, "engine away", s->now);
        if (at)
            sees(s, CONTAINER_EXITED, 143);
        assert_int_equal(s->c.restarts, 0);
        assert_int_equal(s->c.end, CONVERGE_ALIVE);
        back(s);
        s->now += 60000;
        does(s, CONVERGE_START, CONVERGE_DONE);
        sees(s, CONTAINER_RUNNING, 0);
        sees(s, CONTAINER_EXITED, 1); /* this one is */
        assert_int_equal(s->c.restarts, 1);
    }
}

/* A job's container, which nothing else starts again: what the fence ended has neither succeeded nor failed,
 * whatever its exit code, and goes on as the same try. */
static void test_converge__a_jobs_stop_by_the_fence_is_not_its_end(void **state)
{
    for (int exit_code = 0; exit_code < 2; exit_code++) {
        struct story *s = *state;

        converge_release(&s->c);
        back(s);
        s->spec->job = true;
        s->spec->restart = SPEC_RESTART_NO;
        fenced_runs(s);
        away(s);
        s->now += 6000;
        converge_begin(&s->c, CONVERGE_STOP);
        sees(s, CONTAINER_EXITED, exit_code);
        converge_end(&s->c, CONVERGE_DONE, "", s->now);
        state_is(s, TASK_STARTING);
        nothing(s);
        back(s);
        does(s, CONVERGE_START, CONVERGE_DONE);
        assert_int_equal(s->c.restarts, 0);
        sees(s, CONTAINER_RUNNING, 0);
        sees(s, CONTAINER_EXITED, exit_code); /* this is */
        state_is(s, exit_code ? TASK_FAILED : TASK_STOPPED);
        nothing(s);
    }
}

/* The engine did not say that it stopped it, and it was seen running. Within the grace period it may end by
 * that stop all the same; after that it ends by itself. */
static void test_converge__what_ends_after_a_fence_that_could_not_stop_it_has_ended(void **state)
{
    for (int k = 0; k < 4; k++) {
        int exit_code = k % 2;
        bool late = k / 2;
        struct story *s = *state;

        converge_release(&s->c);
        back(s);
        s->spec->job = true;
        s->spec->restart = SPEC_RESTART_NO;
        s->spec->stop_grace_period_ms = 30000;
        fenced_runs(s);
        away(s);
        s->now += 6000;
        converge_begin(&s->c, CONVERGE_STOP);
        sees(s, CONTAINER_RUNNING, 0); /* not yet: it is being stopped */
        converge_end(&s->c, CONVERGE_TRANSIENT, "HTTP 500", s->now);
        back(s);
        s->now += late ? 31000 : 30999;
        sees(s, CONTAINER_RUNNING, 0);
        sees(s, CONTAINER_EXITED, exit_code);
        state_is(s, !late ? TASK_STARTING : exit_code ? TASK_FAILED : TASK_STOPPED);
        if (late)
            nothing(s);
        else
            does(s, CONVERGE_START, CONVERGE_DONE);
        assert_int_equal(s->c.restarts, 0);
    }
}

/* A fence's stop failed twice and would have killed next; then etcd was back, and long after that it is
 * drained: with the stop signal and its grace. */
static void test_converge__a_fences_failures_are_none_of_a_later_stop(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    away(s);
    s->now += 6000;
    does(s, CONVERGE_STOP, CONVERGE_TRANSIENT);
    s->now += waits(s);
    does(s, CONVERGE_STOP, CONVERGE_TRANSIENT);
    back(s);
    s->now += 86400000;
    sees(s, CONTAINER_RUNNING, 0);
    want(s, TASK_DRAIN);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    nothing(s);
}

/* In back-off when the fence passed, or stopped by it: its place may have been given to another. */
static void test_converge__what_has_a_fence_and_does_not_run_waits_for_the_view(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    sees(s, CONTAINER_EXITED, 1);
    s->now += 3600000;
    s->behind = true;
    nothing(s);
    s->behind = false;
    does(s, CONVERGE_START, CONVERGE_DONE);
    s->behind = true;
    nothing(s); /* what runs goes on */
}

static void test_converge__one_that_has_ended_before_its_fence_stays_so(void **state)
{
    struct story *s = *state;

    s->spec->job = true;
    s->spec->restart = SPEC_RESTART_NO;
    fenced_runs(s);
    away(s);
    s->now += 5000;
    sees(s, CONTAINER_EXITED, 0);
    s->now += 5000;
    nothing(s);
    back(s);
    s->now += 60000;
    nothing(s);
    state_is(s, TASK_STOPPED);
}

static void test_converge__a_stop_by_the_fence_that_fails_is_tried_again_and_then_kills(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    away(s);
    s->now += 6000;
    does(s, CONVERGE_STOP, CONVERGE_TRANSIENT);
    s->now += waits(s);
    does(s, CONVERGE_STOP, CONVERGE_TRANSIENT);
    s->now += waits(s);
    does(s, CONVERGE_KILL, CONVERGE_DONE);
    nothing(s);
}

static void test_converge__nothing_fenced_starts_while_etcd_is_away_too_long(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    away(s);
    sees(s, CONTAINER_EXITED, 1);
    s->now += waits(s);
    does(s, CONVERGE_START, CONVERGE_DONE); /* a crash within the time is mended as ever */
    s->now = s->away_since + 6000;
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    nothing(s);
}

static void test_converge__told_to_go_when_etcd_is_back_it_does_not_start_again(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    away(s);
    s->now += 6000;
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    back(s);
    want(s, TASK_REMOVE);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
    state_is(s, TASK_REMOVED);
}

/* Told to go while etcd was there or before, withdrawn or not: it does not run for longer than one that
 * stays. */
static void test_converge__one_that_was_told_to_go_is_fenced_as_well(void **state)
{
    for (int withdrawn = 0; withdrawn < 2; withdrawn++) {
        struct story *s = *state;

        converge_release(&s->c);
        back(s);
        fenced_runs(s);
        want(s, TASK_REMOVE);
        if (withdrawn) {
            converge_begin(&s->c, CONVERGE_WITHDRAW);
            away(s);
            s->now += 6000;
            nothing(s); /* whoever waits for its withdrawal ends that */
            converge_end(&s->c, CONVERGE_DONE, "", s->now);
        } else {
            away(s);
            assert_int_equal(waits(s), 6000);
            s->now += 6000;
        }
        does(s, CONVERGE_STOP, CONVERGE_DONE);
        state_is(s, TASK_STOPPED);
        back(s);
        does(s, CONVERGE_REMOVE, CONVERGE_DONE);
        state_is(s, TASK_REMOVED);
    }
}

/* The time in which it was kept stopped is no good run. */
static void test_converge__a_stop_by_the_fence_does_not_end_a_row_of_crashes(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    for (int i = 0; i < 3; i++) {
        sees(s, CONTAINER_EXITED, 1);
        s->now += waits(s);
        does(s, CONVERGE_START, CONVERGE_DONE);
    }
    away(s);
    s->now += 6000;
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    s->now += 2 * CONVERGE_GOOD_RUN_MS;
    back(s);
    does(s, CONVERGE_START, CONVERGE_CRASHED);
    assert_int_equal(waits(s), converge_backoff_ms(4, CONVERGE_BACKOFF_MAX_MS));
}

/* ---- a sidecar, which must not run in a network that is over ------------------------------------------- */

static void test_converge__what_is_made_for_another_was_not_deleted_by_somebody(void **state)
{
    struct story *s = *state;

    runs(s);
    s->stop = s->remake = true;
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    does(s, CONVERGE_REMOVE, CONVERGE_DONE);
    s->stop = s->remake = false;
    sees(s, CONTAINER_NONE, 0);
    assert_int_equal(s->c.restarts, 0);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    sees(s, CONTAINER_NONE, 0); /* and this was */
    assert_int_equal(s->c.restarts, 1);
}

static void test_converge__a_stop_without_a_fence_blames_none(void **state)
{
    struct story *s = *state;

    runs(s);
    s->stop = true;
    does(s, CONVERGE_STOP, CONVERGE_DONE);
    assert_null(s->c.reason);
}

static void test_converge__an_orphan_is_not_fenced(void **state)
{
    struct story *s = *state;

    fenced_runs(s);
    converge_orphan(&s->c);
    away(s);
    s->now += 60000;
    nothing(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_converge__remove_withdraws_stops_and_deletes),
        T(test_converge__drain_keeps_the_stopped_container),
        T(test_converge__desired_never_moves_back),
        T(test_converge__crash_while_withdrawing_is_no_crash),
        T(test_converge__engine_that_cannot_stop_is_asked_to_kill),
        T(test_converge__stop_cut_short_by_the_engine_keeps_its_grace_period),
        T(test_converge__removal_during_creation_deletes_what_was_made),
        T(test_converge__removal_does_not_wait_for_the_back_off_of_a_crash),
        T(test_converge__removal_before_anything_was_made_is_removed),
        T(test_converge__container_gone_during_stop_is_removed),
        T(test_converge__no_planned_stop_begins_without_the_store),
        T(test_converge__crash_restarts_go_on_without_the_store),
        T(test_converge__vanished_record_stops_nothing_and_starts_nothing),
        T(test_converge__engine_down_decides_nothing),
        T(test_converge__without_a_fence_nothing_stops_while_etcd_is_away),
        T(test_converge__a_fenced_one_is_stopped_after_its_time_and_not_before),
        T(test_converge__what_a_fence_stopped_starts_when_it_is_known_to_be_wanted),
        T(test_converge__an_outage_shorter_than_the_fence_stops_nothing),
        T(test_converge__what_a_fence_stopped_is_no_crash_however_it_is_seen),
        T(test_converge__a_jobs_stop_by_the_fence_is_not_its_end),
        T(test_converge__one_that_has_ended_before_its_fence_stays_so),
        T(test_converge__what_ends_after_a_fence_that_could_not_stop_it_has_ended),
        T(test_converge__a_fences_failures_are_none_of_a_later_stop),
        T(test_converge__what_has_a_fence_and_does_not_run_waits_for_the_view),
        T(test_converge__a_stop_by_the_fence_that_fails_is_tried_again_and_then_kills),
        T(test_converge__nothing_fenced_starts_while_etcd_is_away_too_long),
        T(test_converge__told_to_go_when_etcd_is_back_it_does_not_start_again),
        T(test_converge__one_that_was_told_to_go_is_fenced_as_well),
        T(test_converge__an_orphan_is_not_fenced),
        T(test_converge__the_back_off_of_a_start_is_not_that_of_a_removal),
        T(test_converge__a_stop_that_waits_goes_on_waiting_when_it_becomes_a_removal),
        T(test_converge__a_stop_by_the_fence_does_not_end_a_row_of_crashes),
        T(test_converge__what_is_made_for_another_was_not_deleted_by_somebody),
        T(test_converge__a_stop_without_a_fence_blames_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
