#include "gateway/push.h"

#include "gateway/control.h"

#include "lib/clock.h"

#define POLL_FAST_MS 10
#define POLL_SLOW_MS 100 /* requests that last longer than POLL_FAST_FOR_MS are not worth more */
#define POLL_FAST_FOR_MS 3000
#define POLL_GONE_MS 2000 /* nobody waits for these: it only frees their slots */
#define RETRY_MS 100

struct gw_push {
    struct gw_push_opts o;
    uv_timer_t timer;
    struct orc_http_call *call;
    char *text; /* on its way */
    bool up, closed;
    uint64_t waiting_since; /* draining requests are in flight since */
};

static void step(struct gw_push *p);

static void on_timer(uv_timer_t *timer)
{
    step(timer->data);
}

static uint64_t poll_delay(struct gw_push *p)
{
    uint64_t now = orc_clock_ms();

    if (!gw_table_has_draining_requests(p->o.table)) {
        p->waiting_since = 0;
        return gw_table_has_gone(p->o.table) ? POLL_GONE_MS : 0;
    }
    if (p->waiting_since == 0)
        p->waiting_since = now;
    return now - p->waiting_since < POLL_FAST_FOR_MS ? POLL_FAST_MS : POLL_SLOW_MS;
}

static void no_answer(struct gw_push *p, const struct orc_http_res *res, const char *why)
{
    orc_auto_free char *sentence =
        res->error ? orc_printf("NGINX's control socket: %s", res->error_text)
                   : orc_printf("NGINX's control socket answered %d: %s", res->status, why);

    uv_timer_start(&p->timer, on_timer, RETRY_MS, 0);
    p->o.on_no_answer(sentence, p->o.arg);
}

static void on_done(const struct orc_http_res *res, void *arg)
{
    struct gw_push *p = arg;
    orc_auto_free char *text = orc_take(p->text);
    struct orc_err err = ORC_ERR_INIT;
    bool ok = res->error == 0 && res->status == 200;
    uint64_t delay;

    p->call = NULL;
    if (text)
        gw_table_pushed(p->o.table, ok);
    if (p->closed || res->error == -ECANCELED)
        return;
    if (ok && text)
        p->o.on_text(text, p->o.arg);
    if (!ok || gw_table_in_flight(p->o.table, res->body, &err) < 0) {
        no_answer(p, res, ok ? err.msg : res->body);
        return;
    }
    delay = poll_delay(p);
    if (delay > 0)
        uv_timer_start(&p->timer, on_timer, delay, 0);
    p->o.on_news(p->o.arg);
    gw_push_kick(p);
}

/* Asks or pushes, whichever is due. */
static void step(struct gw_push *p)
{
    if (p->call || !p->up || p->closed)
        return;
    uv_timer_stop(&p->timer);
    if (gw_table_dirty(p->o.table)) {
        p->text = gw_table_text(p->o.table);
        if (!p->text) {
            p->o.on_no_answer("the endpoint table is larger than NGINX takes; it keeps the last one",
                              p->o.arg);
            return;
        }
    }
    p->call = gw_control_ask(p->o.http, p->o.dir, p->text ? "/table" : "/in-flight", p->text, on_done, p);
}

void gw_push_kick(struct gw_push *p)
{
    bool dirty = gw_table_dirty(p->o.table);

    if (dirty || (gw_table_has_draining_requests(p->o.table) && !uv_is_active((uv_handle_t *)&p->timer)))
        step(p);
    else if (gw_table_has_gone(p->o.table) && !uv_is_active((uv_handle_t *)&p->timer))
        uv_timer_start(&p->timer, on_timer, POLL_GONE_MS, 0);
}

void gw_push_set_up(struct gw_push *p, bool up)
{
    p->up = up;
    if (up) {
        gw_push_kick(p);
        return;
    }
    uv_timer_stop(&p->timer);
    if (p->call)
        orc_http_cancel(p->call);
}

struct gw_push *gw_push_new(const struct gw_push_opts *opts)
{
    struct gw_push *p = orc_new(struct gw_push);

    p->o = *opts;
    p->timer.data = p;
    uv_timer_init(opts->loop, &p->timer);
    return p;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct gw_push *gw_push_free(struct gw_push *p)
{
    if (!p)
        return NULL;
    p->closed = true;
    if (p->call)
        orc_http_cancel(p->call);
    uv_close((uv_handle_t *)&p->timer, on_closed);
    return NULL;
}
