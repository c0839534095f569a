/* http_fixture.h - one client, one scripted server and one loop, for the tests of the HTTP client. */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include "tests/fakes/http_server.c"

#include "lib/http.h"

#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* One call as a test sees it. */
struct seen {
    int done, error, status, pieces;
    struct orc_buf body, streamed;
    char text[300];
    bool starting; /* inside orc_http_start() */
    struct orc_http_call *call;
    void (*on_piece)(struct seen *s);
    void (*after)(struct seen *s);
};

static struct {
    uv_loop_t loop;
    uv_timer_t tick; /* uv_run() sleeps on when what was waited for came from a timer */
    struct orc_http *http;
    struct fake_server *server;
    int port;
    struct fake_conn *conn; /* of the last request */
    unsigned requests;
    char last[4096]; /* "METHOD target\nbody" */
    char last_type[64];
    bool has_type, has_expect;
} t;

static inline void seen_release(struct seen *s)
{
    orc_buf_release(&s->body);
    orc_buf_release(&s->streamed);
    memset(s, 0, sizeof *s);
}

static inline void on_done(const struct orc_http_res *res, void *arg)
{
    struct seen *s = arg;

    assert_false(s->starting);
    s->done++;
    s->error = res->error;
    s->status = res->status;
    snprintf(s->text, sizeof s->text, "%s", res->error_text);
    assert_int_equal(res->body[res->body_len], 0);
    s->body.max = s->streamed.max = SIZE_MAX / 2;
    orc_buf_add(&s->body, res->body, res->body_len);
    if (s->after)
        s->after(s);
}

static inline void on_data(struct orc_http_call *call, const char *data, size_t n, void *arg)
{
    struct seen *s = arg;

    assert_ptr_equal(call, s->call);
    assert_true(n > 0);
    assert_int_equal(s->done, 0);
    s->pieces++;
    s->streamed.max = SIZE_MAX / 2;
    orc_buf_add(&s->streamed, data, n);
    if (s->on_piece)
        s->on_piece(s);
}

/* Starts a call to the fake, or where req->url says. */
static inline void start(struct seen *s, struct orc_http_req req)
{
    orc_auto_free char *url = orc_printf("http://127.0.0.1:%d/x", t.port);

    if (!req.url)
        req.url = url;
    req.on_done = on_done;
    req.arg = s;
    s->starting = true;
    s->call = orc_http_start(t.http, &req);
    s->starting = false;
    assert_non_null(s->call);
}

static inline void wait_done(struct seen *s)
{
    while (!s->done)
        uv_run(&t.loop, UV_RUN_ONCE);
}

static inline void call(struct seen *s, struct orc_http_req req)
{
    start(s, req);
    wait_done(s);
}

static inline void remember(struct fake_conn *conn, const struct fake_request *req)
{
    char expect[32];

    t.conn = conn;
    t.requests++;
    snprintf(t.last, sizeof t.last, "%s %s\n%s", req->method, req->target, req->body);
    t.has_type = fake_header(req, "content-type", t.last_type, sizeof t.last_type) != NULL;
    t.has_expect = fake_header(req, "Expect", expect, sizeof expect) != NULL;
}

static inline void answer_hello(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
    fake_reply(conn, 200, NULL, "hello");
}

static inline void answer_later(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
}

static inline void answer_text(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
    fake_puts(conn, arg);
}

static inline void answer_text_and_close(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
    fake_puts(conn, arg);
    fake_close(conn);
}

static inline void serve(fake_handler *handler, void *arg)
{
    t.server = fake_server_tcp(&t.loop, &t.port, handler, arg);
}

static inline void wait_requests(unsigned n)
{
    while (t.requests < n)
        uv_run(&t.loop, UV_RUN_ONCE);
}

static inline void on_tick(uv_timer_t *timer)
{
}

static inline int setup(void **state)
{
    memset(&t, 0, sizeof t);
    uv_loop_init(&t.loop);
    uv_timer_init(&t.loop, &t.tick);
    uv_timer_start(&t.tick, on_tick, 5, 5);
    t.http = orc_http_new(&t.loop);
    return 0;
}

/* Also proves that nothing keeps the loop alive and no handle is left open. */
static inline int teardown(void **state)
{
    t.http = orc_http_free(t.http);
    fake_server_free(t.server);
    uv_close((uv_handle_t *)&t.tick, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&t.loop);
}

#define http_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
