/* loop_until.h - runs a loop until a condition holds: tests wait for conditions, not for seconds. */
#ifndef TESTS_INTEGRATION_LOOP_UNTIL_H
#define TESTS_INTEGRATION_LOOP_UNTIL_H

#include "lib/clock.h"
#include "lib/scope.h"
#include "state/timer.h"

#include <stdbool.h>
#include <uv.h>

#define LOOP_PATIENCE_MS 60000

struct loop_tick {
    struct timer *timer;
};

ORC_UNUSED static void loop_on_tick(void *arg)
{
    struct loop_tick *tick = arg;

    timer_start(tick->timer, 5);
}

/* False when it did not hold within `ms`. */
ORC_UNUSED static bool loop_until_ms(uv_loop_t *loop, bool (*holds)(void *arg), void *arg, uint64_t ms)
{
    uint64_t end = orc_clock_ms() + ms;
    struct loop_tick tick = {0};
    bool ok;

    tick.timer = timer_new(loop, loop_on_tick, &tick);
    timer_start(tick.timer, 5);
    while (!(ok = holds(arg)) && orc_clock_ms() < end)
        uv_run(loop, UV_RUN_ONCE);
    timer_free(tick.timer);
    return ok;
}

ORC_UNUSED static bool loop_until(uv_loop_t *loop, bool (*holds)(void *arg), void *arg)
{
    return loop_until_ms(loop, holds, arg, LOOP_PATIENCE_MS);
}

ORC_UNUSED static bool loop_never(void *arg)
{
    return false;
}

/* Lets the loop run for a while: for showing that something does NOT happen. */
ORC_UNUSED static void loop_for(uv_loop_t *loop, uint64_t ms)
{
    loop_until_ms(loop, loop_never, NULL, ms);
}

/* Closes a loop whose handles were all freed; true when nothing was left open. */
ORC_UNUSED static bool loop_close(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop) == 0;
}

#endif
