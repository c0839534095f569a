#include "state/timer.h"

#include "lib/mem.h"

struct timer {
    uv_timer_t uv; /* data: the timer, or NULL once freed */
    void (*fire)(void *arg);
    void *arg;
};

struct timer *timer_new(uv_loop_t *loop, void (*fire)(void *arg), void *arg)
{
    struct timer *t = orc_new(struct timer);

    uv_timer_init(loop, &t->uv);
    t->uv.data = t;
    t->fire = fire;
    t->arg = arg;
    return t;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle); /* uv is the first member */
}

struct timer *timer_free(struct timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->uv, on_closed);
    return NULL;
}

static void on_fire(uv_timer_t *uv)
{
    struct timer *t = uv->data;

    t->fire(t->arg);
}

void timer_start(struct timer *t, uint64_t ms)
{
    uv_update_time(t->uv.loop); /* after long work the loop's idea of now is old */
    uv_timer_start(&t->uv, on_fire, ms, 0);
}

void timer_stop(struct timer *t)
{
    uv_timer_stop(&t->uv);
}

bool timer_is_running(const struct timer *t)
{
    return uv_is_active((const uv_handle_t *)&t->uv);
}

uv_loop_t *timer_loop(const struct timer *t)
{
    return t->uv.loop;
}
