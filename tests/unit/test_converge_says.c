/* nodelet/converge: what is said of a task at each moment - its state for each thing the engine has and each
 * thing that is under way, its reason, and from when the next try counts.
 */
#include "tests/unit/converge_story.h"

#include <stdio.h>
#include <string.h>

/* ---- states */

static const enum converge_container containers[] = {CONTAINER_NONE, CONTAINER_CREATED, CONTAINER_RUNNING,
                                                     CONTAINER_EXITED};
static const enum converge_op ops[] = {CONVERGE_NOTHING,  CONVERGE_PULL, CONVERGE_CREATE, CONVERGE_START,
                                       CONVERGE_WITHDRAW, CONVERGE_STOP, CONVERGE_KILL,   CONVERGE_REMOVE};

/* What shall run: by what the engine has, whatever is under way; before that by how far it came. */
static void test_says__of_what_shall_run(void **state)
{
    static const enum task_state by_container[] = {TASK_ASSIGNED, TASK_STARTING, TASK_RUNNING, TASK_STARTING};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(containers); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(ops); k++)
            for (int facts = 0; facts < 8; facts++) {
                struct converge c;
                enum task_state want = by_container[i];

                converge_init(&c);
                c.desired = TASK_RUN;
                c.container = containers[i];
                c.op = ops[k];
                c.image_absent = facts & 1;
                c.tries = facts & 2 ? 1 : 0;
                c.restarts = facts & 4 ? 1 : 0;
                if (containers[i] == CONTAINER_NONE && c.image_absent)
                    want = TASK_PULLING;
                else if (containers[i] == CONTAINER_NONE &&
                         (ops[k] == CONVERGE_CREATE || c.tries || c.restarts))
                    want = TASK_CREATING;
                assert_int_equal(converge_state(&c), want);
                c.end = CONVERGE_FINISHED;
                assert_int_equal(converge_state(&c), TASK_STOPPED);
                c.end = CONVERGE_FAILED;
                assert_int_equal(converge_state(&c), TASK_FAILED);
                converge_release(&c);
            }
}

/* What was told to go: stopping only once its withdrawal has begun, and gone only when nothing is left. */
static void test_says__of_what_was_told_to_go(void **state)
{
    for (int remove = 0; remove < 2; remove++)
        for (size_t i = 0; i < ORC_ARRAY_SIZE(containers); i++)
            for (size_t k = 0; k < ORC_ARRAY_SIZE(ops); k++)
                for (int withdrawn = 0; withdrawn < 2; withdrawn++) {
                    bool leaves = withdrawn || ops[k] == CONVERGE_WITHDRAW || ops[k] == CONVERGE_STOP ||
                                  ops[k] == CONVERGE_KILL;
                    enum task_state want =
                        remove && containers[i] == CONTAINER_NONE ? TASK_REMOVED : TASK_STOPPED;
                    struct converge c;

                    converge_init(&c);
                    c.desired = remove ? TASK_REMOVE : TASK_DRAIN;
                    c.container = containers[i];
                    c.op = ops[k];
                    c.withdrawn = withdrawn;
                    if (ops[k] == CONVERGE_CREATE)
                        want = TASK_CREATING;
                    else if (ops[k] == CONVERGE_START)
                        want = TASK_STARTING;
                    else if (containers[i] == CONTAINER_RUNNING)
                        want = leaves ? TASK_STOPPING : TASK_RUNNING;
                    assert_int_equal(converge_state(&c), want);
                    assert_int_equal(converge_stopping(&c), leaves);
                    converge_release(&c);
                }
}

/* Who must look first says nothing of an end that was not told before: of what shall run, and of what has not
 * ended, what is known is told. */
static void test_says__what_must_be_looked_at_first(void **state)
{
    static const enum task_state told[] = {TASK_ASSIGNED, TASK_RUNNING, TASK_STOPPING,
                                           TASK_STOPPED,  TASK_FAILED,  TASK_REMOVED};

    for (enum task_desired desired = TASK_RUN; desired <= TASK_REMOVE; desired++)
        for (size_t i = 0; i < ORC_ARRAY_SIZE(containers); i++)
            for (size_t k = 0; k < ORC_ARRAY_SIZE(told); k++)
                for (int looked = 0; looked < 2; looked++) {
                    enum task_state is, want;
                    struct converge c;

                    converge_init(&c);
                    c.desired = desired;
                    c.container = containers[i];
                    is = want = converge_state(&c);
                    if (looked && desired != TASK_RUN && is >= TASK_STOPPED)
                        want = told[k] >= TASK_STOPPED ? told[k] : TASK_STOPPING;
                    assert_int_equal(converge_told(&c, looked, told[k]), want);
                    converge_release(&c);
                }
}

/* ---- tries */

/* What failed is tried again after a second, then two, four ... a minute; whatever then succeeds ends the
 * count, and the next failure waits a second again. */
static void test_tries__count_from_the_last_success(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    for (int round = 0; round < 2; round++) {
        uint64_t delay = 1000;

        for (int i = 0; i < 8; i++) {
            does(s, round ? CONVERGE_START : CONVERGE_CREATE, CONVERGE_TRANSIENT);
            assert_int_equal(waits(s), delay);
            assert_non_null(strstr(s->c.reason, "why it failed; next try in "));
            s->now += delay;
            delay = delay * 2 > CONVERGE_ERROR_MAX_MS ? CONVERGE_ERROR_MAX_MS : delay * 2;
        }
        does(s, round ? CONVERGE_START : CONVERGE_CREATE, CONVERGE_DONE);
        assert_int_equal(s->c.tries, 0);
    }
    state_is(s, TASK_RUNNING);
    assert_null(s->c.reason);
}

/* ---- reasons */

/* Stopped by its fence it says so; stopped as it was told to, or without a fence, it does not. */
static void test_reason__of_a_stop(void **state)
{
    for (int fence = 0; fence < 2; fence++)
        for (int remove = 0; remove < 2; remove++) {
            struct story *s = *state;

            converge_release(&s->c);
            converge_init(&s->c);
            s->spec->fence_ms = fence ? 5000 : 0;
            s->store = true;
            s->away_since = 0;
            runs(s);
            if (remove) {
                want(s, TASK_REMOVE);
                does(s, CONVERGE_WITHDRAW, CONVERGE_DONE);
                does(s, CONVERGE_STOP, CONVERGE_DONE);
                assert_null(s->c.reason);
                continue;
            }
            s->store = false;
            s->away_since = s->now;
            s->now += 5000;
            if (!fence) {
                nothing(s);
                continue;
            }
            does(s, CONVERGE_STOP, CONVERGE_DONE);
            assert_non_null(strstr(s->c.reason, "x-orc.fence"));
        }
}

/* The image that was absent is not absent any more, and the complaint is forgotten. */
static void test_reason__of_an_image_goes_with_it(void **state)
{
    struct story *s = *state;

    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_IMAGE_ABSENT);
    state_is(s, TASK_PULLING);
    does(s, CONVERGE_PULL, CONVERGE_TRANSIENT);
    state_is(s, TASK_PULLING);
    assert_non_null(strstr(s->c.reason, "why it failed"));
    s->now += waits(s);
    does(s, CONVERGE_PULL, CONVERGE_DONE);
    assert_null(s->c.reason);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    state_is(s, TASK_STARTING);
}

/* What is refused has failed, whichever step it was. */
static void test_reason__of_what_is_refused(void **state)
{
    static const enum converge_op at[] = {CONVERGE_CREATE, CONVERGE_START};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(at); i++) {
        struct story *s = *state;
        char want_text[64];

        converge_release(&s->c);
        converge_init(&s->c);
        want(s, TASK_RUN);
        if (at[i] == CONVERGE_START)
            does(s, CONVERGE_CREATE, CONVERGE_DONE);
        does(s, at[i], CONVERGE_REFUSED);
        state_is(s, TASK_FAILED);
        snprintf(want_text, sizeof want_text, "%s: why it failed", converge_op_name(at[i]));
        assert_string_equal(s->c.reason, want_text);
        nothing(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_says__of_what_shall_run),
        T(test_says__of_what_was_told_to_go),
        T(test_says__what_must_be_looked_at_first),
        T(test_tries__count_from_the_last_success),
        T(test_reason__of_a_stop),
        T(test_reason__of_an_image_goes_with_it),
        T(test_reason__of_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
