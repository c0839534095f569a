/* test_converge.c - the next operation for one container, from what is wanted and what was seen: starts,
 * crashes, earlier lives. Told as short stories: each step says what happened, and `next` what nodelet would
 * do. */
#include "tests/unit/converge_story.h"

/* ---- starting ------------------------------------------------------------------------------------------ */

static void test_converge__new_task_is_created_and_started(void **state)
{
    struct story *s = *state;

    nothing(s); /* no record seen: nothing */
    want(s, TASK_RUN);
    state_is(s, TASK_ASSIGNED);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    state_is(s, TASK_STARTING);
    does(s, CONVERGE_START, CONVERGE_DONE);
    state_is(s, TASK_RUNNING);
    nothing(s);
    assert_null(s->c.reason);
}

static void test_converge__what_to_run_unknown_waits(void **state)
{
    struct story *s = *state;

    converge_want(&s->c, TASK_RUN, NULL);
    nothing(s);
    state_is(s, TASK_ASSIGNED);
    runs(s);
}

static void test_converge__absent_image_is_pulled_then_created(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_IMAGE_ABSENT);
    state_is(s, TASK_PULLING);
    does(s, CONVERGE_PULL, CONVERGE_DONE);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
}

/* Behaviour 73. */
static void test_converge__pull_failure_is_tried_again_with_back_off(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_IMAGE_ABSENT);
    does(s, CONVERGE_PULL, CONVERGE_TRANSIENT);
    assert_int_equal(waits(s), 1000);
    assert_string_equal(s->c.reason, "pull: why it failed; next try in 1s");
    s->now += 1000;
    does(s, CONVERGE_PULL, CONVERGE_TRANSIENT);
    assert_int_equal(waits(s), 2000);
    for (int i = 0; i < 20; i++) {
        s->now += waits(s);
        does(s, CONVERGE_PULL, CONVERGE_TRANSIENT);
    }
    assert_int_equal(waits(s), CONVERGE_ERROR_MAX_MS);
    state_is(s, TASK_PULLING);
    assert_int_equal(s->c.restarts, 0);
}

/* Behaviour 73. */
static void test_converge__missing_image_fails_the_task(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_IMAGE_ABSENT);
    does(s, CONVERGE_PULL, CONVERGE_REFUSED);
    state_is(s, TASK_FAILED);
    nothing(s);
    assert_string_equal(s->c.reason, "pull: why it failed");
    want(s, TASK_REMOVE);
    nothing(s);
    state_is(s, TASK_REMOVED);
}

static void test_converge__pull_policy_always_asks_before_each_container(void **state)
{
    struct story *s = *state;

    s->spec->pull_policy = SPEC_PULL_ALWAYS;
    want(s, TASK_RUN);
    state_is(s, TASK_PULLING);
    does(s, CONVERGE_PULL, CONVERGE_TRANSIENT);
    assert_int_equal(waits(s), 1000);
    s->now += 1000;
    does(s, CONVERGE_PULL, CONVERGE_DONE);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    does(s, CONVERGE_START, CONVERGE_DONE);
    sees(s, CONTAINER_EXITED, 1); /* the same container again: nothing to ask for */
    s->now += waits(s);
    does(s, CONVERGE_START, CONVERGE_DONE);
    sees(s, CONTAINER_NONE, 0);
    s->now += waits(s);
    does(s, CONVERGE_PULL, CONVERGE_DONE);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
}

static void test_converge__pull_policy_never_fails_without_the_image(void **state)
{
    struct story *s = *state;

    s->spec->pull_policy = SPEC_PULL_NEVER;
    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_IMAGE_ABSENT);
    state_is(s, TASK_FAILED);
    nothing(s);
    assert_non_null(strstr(s->c.reason, "the image is not on this server, and pull_policy \"never\""));
}

/* Of another platform than asked for, for one. */
static void test_converge__an_image_that_is_absent_after_its_pull_is_waited_for(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_IMAGE_ABSENT);
    does(s, CONVERGE_PULL, CONVERGE_DONE);
    does(s, CONVERGE_CREATE, CONVERGE_IMAGE_ABSENT);
    state_is(s, TASK_PULLING);
    assert_int_equal(waits(s), 1000);
    s->now += 1000;
    does(s, CONVERGE_PULL, CONVERGE_DONE);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
}

static void test_converge__program_that_cannot_run_counts_as_a_crash(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    does(s, CONVERGE_START, CONVERGE_CRASHED);
    assert_int_equal(s->c.restarts, 1);
    assert_int_equal(waits(s), 1000);
    s->now += 1000;
    does(s, CONVERGE_START, CONVERGE_DONE);
    state_is(s, TASK_RUNNING);
    assert_string_equal(s->c.reason, "last run: why it failed");
}

/* ---- crashes ------------------------------------------------------------------------------------------- */

/* Behaviour 70: doubling from 1 s to 5 minutes. */
static void test_converge__crash_back_off_doubles_to_a_cap(void **state)
{
    static const uint64_t delays[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
    struct story *s = *state;

    runs(s);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(delays); i++) {
        sees(s, CONTAINER_EXITED, 3);
        assert_int_equal(waits(s), delays[i] * 1000);
        assert_int_equal(s->c.restarts, i + 1);
        state_is(s, TASK_STARTING);
        s->now += waits(s);
        does(s, CONVERGE_START, CONVERGE_DONE);
        s->now += 1000;
    }
}

/* Behaviour 70: a long good run makes earlier crashes forgotten; the count stays. */
static void test_converge__long_run_resets_the_back_off(void **state)
{
    struct story *s = *state;

    runs(s);
    for (int i = 0; i < 5; i++) {
        sees(s, CONTAINER_EXITED, 1);
        s->now += waits(s);
        does(s, CONVERGE_START, CONVERGE_DONE);
    }
    s->now += CONVERGE_GOOD_RUN_MS - 1;
    sees(s, CONTAINER_EXITED, 1);
    assert_int_equal(waits(s), 32000);
    s->now += 32000;
    does(s, CONVERGE_START, CONVERGE_DONE);
    s->now += CONVERGE_GOOD_RUN_MS;
    sees(s, CONTAINER_EXITED, 1);
    assert_int_equal(waits(s), 1000);
    assert_int_equal(s->c.restarts, 7);
}

static void test_converge__exit_seen_twice_counts_once(void **state)
{
    struct story *s = *state;

    runs(s);
    sees(s, CONTAINER_EXITED, 1);
    sees(s, CONTAINER_EXITED, 1);
    sees(s, CONTAINER_EXITED, 1);
    assert_int_equal(s->c.restarts, 1);
    assert_int_equal(s->c.exit_code, 1);
}

/* Behaviour 72. */
static void test_converge__oom_is_called_oom(void **state)
{
    struct story *s = *state;
    struct converge_seen seen = {.container = CONTAINER_EXITED, .exit_code = 137, .oom = true};

    runs(s);
    assert_true(converge_see(&s->c, &seen, s->now));
    assert_true(s->c.oom);
    assert_non_null(strstr(s->c.reason, "OOM"));
    assert_non_null(strstr(s->c.reason, "memory"));
}

/* Behaviour 68, by a table: policy, limit, exit code, what the task becomes. */
static void test_converge__restart_policy_decides_by_exit_code(void **state)
{
    static const struct {
        enum spec_restart policy;
        int max, exit_code;
        enum task_state then;
    } rows[] = {
        {SPEC_RESTART_ALWAYS, 0, 0, TASK_STARTING},
        {SPEC_RESTART_ALWAYS, 0, 1, TASK_STARTING},
        {SPEC_RESTART_UNLESS_STOPPED, 0, 0, TASK_STARTING},
        {SPEC_RESTART_UNLESS_STOPPED, 0, 9, TASK_STARTING},
        {SPEC_RESTART_ON_FAILURE, 0, 0, TASK_STOPPED},
        {SPEC_RESTART_ON_FAILURE, 0, 1, TASK_STARTING},
        {SPEC_RESTART_ON_FAILURE, 1, 1, TASK_STARTING},
        {SPEC_RESTART_NO, 0, 0, TASK_STOPPED},
        {SPEC_RESTART_NO, 0, 1, TASK_FAILED},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct story *s;
        void *inner = NULL;

        begin(&inner);
        s = inner;
        s->spec->restart = rows[i].policy;
        s->spec->restart_max = rows[i].max;
        runs(s);
        sees(s, CONTAINER_EXITED, rows[i].exit_code);
        state_is(s, rows[i].then);
        if (rows[i].then == TASK_STARTING)
            waits(s);
        else
            nothing(s);
        end(&inner);
    }
}

static void test_converge__on_failure_gives_up_after_its_limit(void **state)
{
    struct story *s = *state;

    s->spec->restart = SPEC_RESTART_ON_FAILURE;
    s->spec->restart_max = 2;
    runs(s);
    for (int i = 0; i < 2; i++) {
        sees(s, CONTAINER_EXITED, 1);
        s->now += waits(s);
        does(s, CONVERGE_START, CONVERGE_DONE);
    }
    sees(s, CONTAINER_EXITED, 1);
    state_is(s, TASK_FAILED);
    nothing(s);
    assert_string_equal(s->c.reason, "exited with code 1; given up after 2 restarts");
}

/* Behaviour 42: deleted behind our back. */
static void test_converge__deleted_container_is_made_again(void **state)
{
    struct story *s = *state;

    runs(s);
    sees(s, CONTAINER_NONE, 0);
    assert_int_equal(s->c.restarts, 1);
    s->now += waits(s);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    does(s, CONVERGE_START, CONVERGE_DONE);
    state_is(s, TASK_RUNNING);
}

/* `docker rm -f` is seen as an exit and then as a deletion: one restart. */
static void test_converge__killed_and_deleted_counts_once(void **state)
{
    struct story *s = *state;

    runs(s);
    sees(s, CONTAINER_EXITED, 137);
    sees(s, CONTAINER_NONE, 0);
    assert_int_equal(s->c.restarts, 1);
    assert_int_equal(waits(s), 1000);
    s->now += 1000;
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
}

/* Behaviour 83: it went down with its engine; one start, at once, and no back-off is spent on it. */
static void test_converge__engine_restart_starts_it_once(void **state)
{
    struct story *s = *state;
    struct converge_seen seen = {.container = CONTAINER_EXITED, .exit_code = 137, .engine_restarted = true};

    runs(s);
    s->engine = false;
    nothing(s);
    converge_see(&s->c, &seen, s->now);
    nothing(s);
    s->engine = true;
    does(s, CONVERGE_START, CONVERGE_DONE);
    nothing(s);
    assert_int_equal(s->c.crashes, 0);
}

static void stopped_by_somebody(struct story *s)
{
    struct converge_seen seen = {.container = CONTAINER_EXITED, .exit_code = 143, .stopped = true};

    converge_see(&s->c, &seen, s->now);
}

/* An engine that ends stops its containers first: nothing is started in it meanwhile. */
static void test_converge__what_somebody_stopped_is_started_again_after_a_while(void **state)
{
    struct story *s = *state;

    runs(s);
    stopped_by_somebody(s);
    assert_string_equal(s->c.reason, "stopped by somebody else (exit code 143); next start in 10s");
    assert_int_equal(s->c.restarts, 1);
    assert_int_equal(s->c.crashes, 0);
    assert_int_equal(waits(s), CONVERGE_STOPPED_MS);
    s->now += CONVERGE_STOPPED_MS;
    does(s, CONVERGE_START, CONVERGE_DONE);
}

/* Behaviour 83. */
static void test_converge__what_an_ending_engine_stopped_is_started_at_once_when_it_is_back(void **state)
{
    struct story *s = *state;

    runs(s);
    stopped_by_somebody(s);
    s->engine = false;
    nothing(s);
    s->engine = true;
    converge_engine_back(&s->c);
    does(s, CONVERGE_START, CONVERGE_DONE);
    assert_int_equal(s->c.restarts, 1);
}

static void test_converge__the_back_off_of_a_crash_outlasts_the_engine(void **state)
{
    struct story *s = *state;

    runs(s);
    sees(s, CONTAINER_EXITED, 1);
    converge_engine_back(&s->c);
    assert_int_equal(waits(s), 1000);
}

/* `docker rm -f` sends a signal, too. */
static void test_converge__what_was_stopped_and_deleted_is_made_again_soon(void **state)
{
    struct story *s = *state;

    runs(s);
    stopped_by_somebody(s);
    sees(s, CONTAINER_NONE, 0);
    assert_int_equal(s->c.restarts, 1);
    assert_int_equal(waits(s), 1000);
    s->now += 1000;
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
}

/* ---- an earlier life ----------------------------------------------------------------------------------- */

/* Behaviour 82. */
static void test_converge__running_container_is_adopted(void **state)
{
    struct story *s = *state;
    struct record_status old = {
        .state = TASK_RUNNING, .restarts = 2, .container = (char *)"c1", .exit_code = 7};

    converge_resume(&s->c, &old);
    want(s, TASK_RUN);
    sees(s, CONTAINER_RUNNING, 0);
    nothing(s);
    state_is(s, TASK_RUNNING);
    assert_int_equal(s->c.restarts, 2);
    assert_int_equal(s->c.exit_code, 7);
}

static void test_converge__died_while_nodelet_was_away_is_restarted(void **state)
{
    struct story *s = *state;
    struct record_status old = {
        .state = TASK_RUNNING, .restarts = 2, .container = (char *)"c1", .exit_code = -1};

    converge_resume(&s->c, &old);
    want(s, TASK_RUN);
    sees(s, CONTAINER_EXITED, 5);
    assert_int_equal(s->c.restarts, 3);
    assert_int_equal(waits(s), 1000);
}

/* Restarts are of ends, however often a nodelet is started anew while the next try waits. */
static void test_converge__an_end_that_was_counted_counts_once(void **state)
{
    static const struct record_status olds[] = {
        {.state = TASK_STARTING, .restarts = 2, .container = (char *)"c1", .exit_code = 5},
        {.state = TASK_CREATING, .restarts = 2, .exit_code = 5}, /* by a nodelet that had not looked yet */
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(olds); i++) {
        struct converge_seen ended = {CONTAINER_EXITED, .exit_code = 5};
        void *inner = NULL;
        struct story *s;

        begin(&inner);
        s = inner;
        converge_resume(&s->c, &olds[i]);
        want(s, TASK_RUN);
        assert_false(converge_see(&s->c, &ended, s->now));
        assert_int_equal(s->c.restarts, 2);
        does(s, CONVERGE_START, CONVERGE_DONE);
        sees(s, CONTAINER_RUNNING, 0);
        sees(s, CONTAINER_EXITED, 5);
        assert_int_equal(s->c.restarts, 3);
        end(&inner);
    }
}

static void test_converge__an_end_that_nobody_saw_counts(void **state)
{
    struct story *s = *state;
    struct record_status old = {.state = TASK_STARTING, .container = (char *)"c1", .exit_code = -1};

    converge_resume(&s->c, &old);
    want(s, TASK_RUN);
    sees(s, CONTAINER_EXITED, 5);
    assert_int_equal(s->c.restarts, 1);
}

static void test_converge__what_ended_for_good_stays_ended(void **state)
{
    static const enum task_state ends[] = {TASK_FAILED, TASK_STOPPED};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(ends); i++) {
        struct record_status old = {
            .state = ends[i], .container = (char *)"c1", .exit_code = 0, .reason = (char *)"why"};
        void *inner = NULL;
        struct story *s;

        begin(&inner);
        s = inner;
        converge_resume(&s->c, &old);
        want(s, TASK_RUN);
        assert_false(converge_see(&s->c, &(struct converge_seen){.container = CONTAINER_EXITED}, s->now));
        nothing(s);
        state_is(s, ends[i]);
        assert_int_equal(s->c.restarts, 0);
        assert_string_equal(s->c.reason, "why");
        end(&inner);
    }
}

static void test_converge__container_deleted_while_nodelet_was_away_is_made_again(void **state)
{
    struct story *s = *state;
    struct record_status old = {.state = TASK_RUNNING, .container = (char *)"c1", .exit_code = -1};

    converge_resume(&s->c, &old);
    want(s, TASK_RUN);
    sees(s, CONTAINER_NONE, 0);
    assert_int_equal(s->c.restarts, 1);
    s->now += waits(s);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
}

/* Asking is free of effects: a hundred questions, one answer. */
static void test_converge__asking_changes_nothing(void **state)
{
    struct story *s = *state;
    struct converge before;

    runs(s);
    sees(s, CONTAINER_EXITED, 1);
    before = s->c;
    for (int i = 0; i < 100; i++)
        next(s, NULL);
    assert_memory_equal(&before, &s->c, sizeof before);
}

/* Whatever happens in whatever order, a container that was not told to stop is never withdrawn, stopped,
 * killed or removed, and one that was told so is never started. */
static void test_converge__random_stories_keep_the_promises(void **state)
{
    for (unsigned seed = 1; seed <= 3000; seed++) {
        unsigned r = seed;
        void *inner = NULL;
        struct story *s;

        begin(&inner);
        s = inner;
        want(s, TASK_RUN);
        for (int i = 0; i < 60; i++) {
            enum converge_op op;
            struct converge_seen seen;

            r = r * 1103515245u + 12345u;
            s->now += (r >> 8) % 3000;
            s->engine = (r >> 4) % 8 != 0;
            s->store = (r >> 12) % 4 != 0;
            if ((r >> 16) % 40 == 0)
                want(s, TASK_REMOVE);
            op = next(s, NULL);
            if (s->c.desired == TASK_RUN)
                assert_true(op != CONVERGE_WITHDRAW && op != CONVERGE_STOP && op != CONVERGE_KILL &&
                            op != CONVERGE_REMOVE);
            else
                assert_true(op != CONVERGE_START && op != CONVERGE_CREATE && op != CONVERGE_PULL);
            if (op == CONVERGE_STOP)
                assert_true(s->c.withdrawn);
            if (op != CONVERGE_NOTHING) {
                converge_begin(&s->c, op);
                converge_end(&s->c, (r >> 20) % 3 == 0 ? CONVERGE_TRANSIENT : CONVERGE_DONE, "x", s->now);
            } else if (s->c.container != CONTAINER_NONE && (r >> 22) % 3 == 0) {
                seen = (struct converge_seen){.container =
                                                  (r >> 24) % 5 == 0 ? CONTAINER_NONE : CONTAINER_EXITED,
                                              .exit_code = (int)((r >> 26) % 3)};
                if (s->c.container == CONTAINER_RUNNING)
                    converge_see(&s->c, &seen, s->now);
            }
        }
        want(s, TASK_REMOVE);
        s->engine = s->store = true;
        for (int i = 0; i < 50 && converge_state(&s->c) != TASK_REMOVED; i++) {
            enum converge_op op = next(s, NULL);

            if (op == CONVERGE_NOTHING) {
                s->now += CONVERGE_ERROR_MAX_MS;
                continue;
            }
            converge_begin(&s->c, op);
            converge_end(&s->c, CONVERGE_DONE, "", s->now);
        }
        state_is(s, TASK_REMOVED);
        end(&inner);
    }
}

/* The engine answered the start with an error and may have done it all the same. */
static void test_converge__what_must_be_looked_at_is_not_called_stopped(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    does(s, CONVERGE_START, CONVERGE_TRANSIENT);
    assert_int_equal(converge_told(&s->c, true, TASK_STARTING), TASK_STARTING);
    want(s, TASK_REMOVE);
    assert_int_equal(converge_state(&s->c), TASK_STOPPED);
    assert_int_equal(converge_told(&s->c, true, TASK_STARTING), TASK_STOPPING);
    assert_int_equal(converge_told(&s->c, false, TASK_STOPPING), TASK_STOPPED);
    assert_int_equal(converge_told(&s->c, true, TASK_STOPPED),
                     TASK_STOPPED); /* said before, and known then */
    does(s, CONVERGE_REMOVE, CONVERGE_TRANSIENT);
    assert_int_equal(converge_told(&s->c, true, TASK_STOPPED), TASK_STOPPED);
}

/* A store restored from an older backup asks for what had been told to go. */
static void test_converge__what_was_wanted_can_be_void(void **state)
{
    struct story *s = *state;

    runs(s);
    want(s, TASK_REMOVE);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
    converge_anew(&s->c);
    want(s, TASK_RUN);
    nothing(s);
    assert_int_equal(converge_state(&s->c), TASK_RUNNING);
    want(s, TASK_REMOVE);
    does(s, CONVERGE_WITHDRAW, CONVERGE_DONE); /* again: who knows who chooses it now */
    does(s, CONVERGE_STOP, CONVERGE_DONE);
}

/* People read what ended it; the status keeps the exit code, -1 where there was none. */
static void test_converge__how_it_ended_is_said(void **state)
{
    static const struct {
        struct converge_seen seen;
        const char *says;
        int exit_code;
    } all[] = {
        {{CONTAINER_EXITED, .exit_code = 3}, "exited with code 3", 3},
        {{CONTAINER_EXITED, .exit_code = 137, .oom = true},
         "killed for using more memory than its limit",
         137},
        {{CONTAINER_EXITED, .exit_code = 137, .oom = true, .stopped = true},
         "more memory than its limit",
         137},
        {{CONTAINER_EXITED, .exit_code = 143, .stopped = true},
         "stopped by somebody else (exit code 143)",
         143},
        {{CONTAINER_EXITED, .exit_code = 255, .engine_restarted = true},
         "went down with the engine (exit code 255)",
         255},
        {{CONTAINER_NONE, .exit_code = 9}, "its container was deleted by somebody else", -1},
    };

    end(state);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(all); i++) {
        struct story *s;

        begin(state);
        s = *state;
        runs(s);
        assert_true(converge_see(&s->c, &all[i].seen, s->now));
        assert_int_equal(s->c.exit_code, all[i].exit_code);
        if (!s->c.reason || !strstr(s->c.reason, all[i].says))
            fail_msg("it says \"%s\", without \"%s\"", s->c.reason ? s->c.reason : "", all[i].says);
        assert_false(converge_see(&s->c, &all[i].seen, s->now)); /* known */
        end(state);
    }
    begin(state);
}

/* Its start seemed to fail, and it runs: from when it is seen, and so long a run makes crashes forgotten. */
static void test_converge__a_start_that_was_believed_to_fail_counts_from_when_it_is_seen(void **state)
{
    struct story *s = *state;
    struct converge_seen running = {.container = CONTAINER_RUNNING};

    runs(s);
    for (int i = 0; i < 4; i++) {
        sees(s, CONTAINER_EXITED, 1);
        s->now += waits(s);
        does(s, CONVERGE_START, i < 3 ? CONVERGE_DONE : CONVERGE_TRANSIENT);
    }
    assert_false(converge_see(&s->c, &running, s->now));
    state_is(s, TASK_RUNNING);
    s->now += CONVERGE_GOOD_RUN_MS;
    sees(s, CONTAINER_EXITED, 1);
    assert_int_equal(waits(s), CONVERGE_BACKOFF_MIN_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_converge__how_it_ended_is_said),
        T(test_converge__a_start_that_was_believed_to_fail_counts_from_when_it_is_seen),
        T(test_converge__new_task_is_created_and_started),
        T(test_converge__what_to_run_unknown_waits),
        T(test_converge__absent_image_is_pulled_then_created),
        T(test_converge__pull_failure_is_tried_again_with_back_off),
        T(test_converge__missing_image_fails_the_task),
        T(test_converge__pull_policy_always_asks_before_each_container),
        T(test_converge__pull_policy_never_fails_without_the_image),
        T(test_converge__an_image_that_is_absent_after_its_pull_is_waited_for),
        T(test_converge__program_that_cannot_run_counts_as_a_crash),
        T(test_converge__crash_back_off_doubles_to_a_cap),
        T(test_converge__long_run_resets_the_back_off),
        T(test_converge__exit_seen_twice_counts_once),
        T(test_converge__oom_is_called_oom),
        T(test_converge__restart_policy_decides_by_exit_code),
        T(test_converge__on_failure_gives_up_after_its_limit),
        T(test_converge__deleted_container_is_made_again),
        T(test_converge__killed_and_deleted_counts_once),
        T(test_converge__engine_restart_starts_it_once),
        T(test_converge__what_somebody_stopped_is_started_again_after_a_while),
        T(test_converge__what_an_ending_engine_stopped_is_started_at_once_when_it_is_back),
        T(test_converge__the_back_off_of_a_crash_outlasts_the_engine),
        T(test_converge__what_was_stopped_and_deleted_is_made_again_soon),
        T(test_converge__running_container_is_adopted),
        T(test_converge__died_while_nodelet_was_away_is_restarted),
        T(test_converge__an_end_that_was_counted_counts_once),
        T(test_converge__an_end_that_nobody_saw_counts),
        T(test_converge__what_ended_for_good_stays_ended),
        T(test_converge__container_deleted_while_nodelet_was_away_is_made_again),
        T(test_converge__asking_changes_nothing),
        T(test_converge__random_stories_keep_the_promises),
        T(test_converge__what_must_be_looked_at_is_not_called_stopped),
        T(test_converge__what_was_wanted_can_be_void),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
