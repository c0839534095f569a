/* time.c - stands in for the clocks, for orc's timers and for those of libuv: all run on the world's clock.
 */
#include "tests/sim/world.h"

#include "lib/clock.h"
#include "state/timer.h"

#include <stdio.h>
#include <time.h>

#define WALL_BASE INT64_C(1800000000000) /* 2027-01-15T08:00:00Z */

/* ---- lib/clock.h */

uint64_t orc_clock_ms(void)
{
    return world.now;
}

int64_t orc_wall_ms(void)
{
    return WALL_BASE + (int64_t)world.now + (world.current ? world.current->wall_offset : 0);
}

const char *orc_format_time(int64_t wall_ms, char buf[ORC_TIME_MAX])
{
    snprintf(buf, ORC_TIME_MAX, "%lld", (long long)wall_ms);
    return buf;
}

/* ---- state/timer.h */

struct timer {
    struct sim_event event;
    uv_loop_t *loop;
};

struct timer *timer_new(uv_loop_t *loop, void (*fire)(void *arg), void *arg)
{
    struct timer *t = orc_new(struct timer);

    sim_event_init(&t->event, world.current, fire, arg);
    t->loop = loop;
    return t;
}

struct timer *timer_free(struct timer *t)
{
    if (t)
        sim_event_cancel(&t->event);
    free(t);
    return NULL;
}

void timer_start(struct timer *t, uint64_t ms)
{
    sim_event_in(&t->event, ms);
}

void timer_stop(struct timer *t)
{
    sim_event_cancel(&t->event);
}

bool timer_is_running(const struct timer *t)
{
    return sim_event_queued(&t->event);
}

uv_loop_t *timer_loop(const struct timer *t)
{
    return t->loop;
}

/* ---- libuv's: a handle holds its event in the field that libuv keeps for itself */

struct handle {
    struct sim_event event, closing;
    uv_timer_t *timer;
    uv_timer_cb cb;
    uv_close_cb close_cb;
    bool is_closing;
};

static struct handle *handle_of(const void *h)
{
    return ((const uv_handle_t *)h)->u.reserved[0];
}

static void fire_handle(void *arg)
{
    struct handle *h = arg;

    if (h->timer->repeat)
        sim_event_in(&h->event, h->timer->repeat);
    h->cb(h->timer);
}

int uv_timer_init(uv_loop_t *loop, uv_timer_t *timer)
{
    struct handle *h = orc_new(struct handle);

    h->timer = timer;
    sim_event_init(&h->event, world.current, fire_handle, h);
    timer->loop = loop;
    timer->u.reserved[0] = h;
    return 0;
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t timeout, uint64_t repeat)
{
    struct handle *h = handle_of(timer);

    h->cb = cb;
    timer->repeat = repeat;
    sim_event_in(&h->event, timeout);
    return 0;
}

int uv_timer_stop(uv_timer_t *timer)
{
    sim_event_cancel(&handle_of(timer)->event);
    return 0;
}

uint64_t uv_timer_get_due_in(const uv_timer_t *timer)
{
    const struct handle *h = handle_of(timer);

    return sim_event_queued(&h->event) && h->event.at > world.now ? h->event.at - world.now : 0;
}

int uv_is_active(const uv_handle_t *handle)
{
    return sim_event_queued(&handle_of(handle)->event);
}

int uv_is_closing(const uv_handle_t *handle)
{
    return handle_of(handle)->is_closing;
}

static void fire_close(void *arg)
{
    struct handle *h = arg;
    uv_close_cb cb = h->close_cb;
    uv_handle_t *handle = (uv_handle_t *)h->timer;

    free(h);
    if (cb)
        cb(handle);
}

/* Comes true even for a process that has crashed: its memory is given back. */
void uv_close(uv_handle_t *handle, uv_close_cb cb)
{
    struct handle *h = handle_of(handle);

    sim_event_cancel(&h->event);
    h->is_closing = true;
    h->close_cb = cb;
    sim_event_init(&h->closing, NULL, fire_close, h);
    sim_event_in(&h->closing, 0);
}
