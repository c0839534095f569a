/* converge_story.h - one task's life as a test tells it: what is wanted, what the engine did, what is next.
 * Included by one test program each.
 */
#ifndef TESTS_UNIT_CONVERGE_STORY_H
#define TESTS_UNIT_CONVERGE_STORY_H

#include "lib/mem.h"
#include "nodelet/converge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW 1000000

struct story {
    struct converge c;
    struct spec_service *spec;
    uint64_t now, away_since;
    bool engine, store, behind;
    bool stop, remake; /* what hangs on its task's main container (sidecar.h) */
};

ORC_UNUSED static int begin(void **state)
{
    struct story *s = orc_new(struct story);

    converge_init(&s->c);
    s->spec = spec_service_new("web");
    s->now = NOW;
    s->engine = s->store = true;
    *state = s;
    return 0;
}

ORC_UNUSED static int end(void **state)
{
    struct story *s = *state;

    converge_release(&s->c);
    spec_service_free(s->spec);
    free(s);
    return 0;
}

ORC_UNUSED static enum converge_op next(struct story *s, uint64_t *ret_wake)
{
    struct converge_world w = {.engine = s->engine,
                               .store = s->store,
                               .behind = s->behind,
                               .away_since = s->away_since,
                               .now = s->now,
                               .stop = s->stop,
                               .remake = s->remake};
    uint64_t wake = 0;
    enum converge_op op = converge_next(&s->c, &w, &wake);

    if (ret_wake)
        *ret_wake = wake;
    return op;
}

ORC_UNUSED static void want(struct story *s, enum task_desired desired)
{
    converge_want(&s->c, desired, s->spec);
}

ORC_UNUSED static void does(struct story *s, enum converge_op op, enum converge_outcome outcome)
{
    assert_string_equal(converge_op_name(next(s, NULL)), converge_op_name(op));
    converge_begin(&s->c, op);
    assert_int_equal(next(s, NULL), CONVERGE_NOTHING); /* one at a time */
    converge_end(&s->c, outcome, "why it failed", s->now);
}

ORC_UNUSED static void nothing(struct story *s)
{
    assert_string_equal(converge_op_name(next(s, NULL)), "nothing");
}

ORC_UNUSED static void runs(struct story *s)
{
    want(s, TASK_RUN);
    does(s, CONVERGE_CREATE, CONVERGE_DONE);
    does(s, CONVERGE_START, CONVERGE_DONE);
}

ORC_UNUSED static void sees(struct story *s, enum converge_container c, int exit_code)
{
    struct converge_seen seen = {.container = c, .exit_code = exit_code};

    converge_see(&s->c, &seen, s->now);
}

ORC_UNUSED static void state_is(struct story *s, enum task_state state)
{
    assert_string_equal(task_state_name(converge_state(&s->c)), task_state_name(state));
}

ORC_UNUSED static uint64_t waits(struct story *s)
{
    uint64_t wake;

    assert_int_equal(next(s, &wake), CONVERGE_NOTHING);
    assert_true(wake != CONVERGE_NEVER && wake > s->now);
    return wake - s->now;
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
