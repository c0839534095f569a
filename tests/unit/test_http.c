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

static void seen_release(struct seen *s)
{
    orc_buf_release(&s->body);
    orc_buf_release(&s->streamed);
    memset(s, 0, sizeof *s);
}

static void on_done(const struct orc_http_res *res, void *arg)
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

static void on_data(struct orc_http_call *call, const char *data, size_t n, void *arg)
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
static void start(struct seen *s, struct orc_http_req req)
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

static void wait_done(struct seen *s)
{
    while (!s->done)
        uv_run(&t.loop, UV_RUN_ONCE);
}

static void call(struct seen *s, struct orc_http_req req)
{
    start(s, req);
    wait_done(s);
}

static void remember(struct fake_conn *conn, const struct fake_request *req)
{
    char expect[32];

    t.conn = conn;
    t.requests++;
    snprintf(t.last, sizeof t.last, "%s %s\n%s", req->method, req->target, req->body);
    t.has_type = fake_header(req, "content-type", t.last_type, sizeof t.last_type) != NULL;
    t.has_expect = fake_header(req, "Expect", expect, sizeof expect) != NULL;
}

static void answer_hello(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
    fake_reply(conn, 200, NULL, "hello");
}

static void answer_later(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
}

static void answer_text(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
    fake_puts(conn, arg);
}

static void answer_text_and_close(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
    fake_puts(conn, arg);
    fake_close(conn);
}

static void serve(fake_handler *handler, void *arg)
{
    t.server = fake_server_tcp(&t.loop, &t.port, handler, arg);
}

static void wait_requests(unsigned n)
{
    while (t.requests < n)
        uv_run(&t.loop, UV_RUN_ONCE);
}

static void on_tick(uv_timer_t *timer)
{
}

static int setup(void **state)
{
    memset(&t, 0, sizeof t);
    uv_loop_init(&t.loop);
    uv_timer_init(&t.loop, &t.tick);
    uv_timer_start(&t.tick, on_tick, 5, 5);
    t.http = orc_http_new(&t.loop);
    return 0;
}

/* Also proves that nothing keeps the loop alive and no handle is left open. */
static int teardown(void **state)
{
    t.http = orc_http_free(t.http);
    fake_server_free(t.server);
    uv_close((uv_handle_t *)&t.tick, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&t.loop);
}

static void test_http__a_whole_answer_arrives(void **state)
{
    struct seen s = {0};

    serve(answer_hello, NULL);
    call(&s, (struct orc_http_req){0});
    assert_int_equal(s.error, 0);
    assert_string_equal(s.text, "");
    assert_int_equal(s.status, 200);
    assert_string_equal(orc_buf_str(&s.body), "hello");
    assert_string_equal(t.last, "GET /x\n");
    seen_release(&s);
}

static void test_http__a_body_is_sent_with_the_type_given(void **state)
{
    static const char *const headers[] = {"Content-Type: application/json", "X-A: b", NULL};
    struct seen s = {0};

    serve(answer_hello, NULL);
    call(&s, (struct orc_http_req){.body = "{\"a\":1}", .body_len = 7, .headers = headers});
    assert_string_equal(t.last, "POST /x\n{\"a\":1}");
    assert_string_equal(t.last_type, "application/json");
    assert_false(t.has_expect);
    seen_release(&s);
    call(&s, (struct orc_http_req){.method = "PUT", .body = "abc", .body_len = 2});
    assert_string_equal(t.last, "PUT /x\nab");
    assert_false(t.has_type);
    seen_release(&s);
}

static void test_http__methods_without_a_body_are_sent_as_named(void **state)
{
    static const char *const methods[] = {"POST", "DELETE", "GET", "PUT"};
    struct seen s = {0};

    serve(answer_hello, NULL);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(methods); i++) {
        orc_auto_free char *want = orc_printf("%s /x\n", methods[i]);

        call(&s, (struct orc_http_req){.method = methods[i]});
        assert_int_equal(s.error, 0);
        assert_string_equal(t.last, want);
        seen_release(&s);
    }
    assert_int_equal(fake_server_accepted(t.server), 1);
}

static void test_http__head_has_no_body(void **state)
{
    struct seen s = {0};

    serve(answer_text, (char *)"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    call(&s, (struct orc_http_req){.method = "HEAD"});
    assert_int_equal(s.error, 0);
    assert_int_equal(s.status, 200);
    assert_string_equal(t.last, "HEAD /x\n");
    seen_release(&s);
}

static void answer_length(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    char text[32];

    snprintf(text, sizeof text, "%zu", req->body_len);
    fake_reply(conn, 200, NULL, text);
}

static void test_http__a_large_body_is_sent_whole(void **state)
{
    size_t n = 8 * 1024 * 1024;
    orc_auto_free char *body = orc_calloc(1, n);
    struct seen s = {0};

    serve(answer_length, NULL);
    call(&s, (struct orc_http_req){.body = body, .body_len = n});
    assert_int_equal(s.error, 0);
    assert_string_equal(orc_buf_str(&s.body), "8388608");
    seen_release(&s);
}

static void test_http__connections_are_reused(void **state)
{
    struct seen s = {0};

    serve(answer_hello, NULL);
    for (int i = 0; i < 20; i++) {
        call(&s, (struct orc_http_req){.body = i % 2 ? "x" : NULL, .body_len = 1});
        assert_int_equal(s.error, 0);
        seen_release(&s);
    }
    assert_int_equal(fake_server_accepted(t.server), 1);
}

static void test_http__a_stream_arrives_piece_by_piece_while_it_is_open(void **state)
{
    struct seen s = {0};

    serve(answer_later, NULL);
    start(&s, (struct orc_http_req){.on_data = on_data});
    wait_requests(1);
    fake_chunks_begin(t.conn, 200, NULL);
    for (int i = 1; i <= 3; i++) {
        fake_chunk(t.conn, "line\n", 5);
        while (s.pieces < i)
            uv_run(&t.loop, UV_RUN_ONCE);
        assert_int_equal(s.streamed.len, (size_t)i * 5);
        assert_int_equal(s.done, 0);
    }
    fake_chunks_end(t.conn);
    wait_done(&s);
    assert_int_equal(s.error, 0);
    assert_int_equal(s.status, 200);
    assert_string_equal(orc_buf_str(&s.streamed), "line\nline\nline\n");
    assert_string_equal(orc_buf_str(&s.body), "");
    seen_release(&s);
}

static void test_http__a_long_stream_has_no_cap(void **state)
{
    orc_auto_free char *chunk = orc_calloc(1, 65536);
    struct seen s = {0};

    serve(answer_later, NULL);
    start(&s, (struct orc_http_req){.on_data = on_data, .max_body = 10});
    wait_requests(1);
    fake_chunks_begin(t.conn, 200, NULL);
    for (int i = 0; i < 64; i++)
        fake_chunk(t.conn, chunk, 65536);
    fake_chunks_end(t.conn);
    wait_done(&s);
    assert_int_equal(s.error, 0);
    assert_int_equal(s.streamed.len, 64 * 65536);
    seen_release(&s);
}

static void test_http__an_error_answer_to_a_stream_is_collected(void **state)
{
    struct seen s = {0};

    serve(answer_text, (char *)"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno such x");
    call(&s, (struct orc_http_req){.on_data = on_data});
    assert_int_equal(s.error, 0);
    assert_int_equal(s.status, 404);
    assert_int_equal(s.pieces, 0);
    assert_string_equal(orc_buf_str(&s.body), "no such x");
    seen_release(&s);
}

static void test_http__an_answer_split_into_bytes_is_read_right(void **state)
{
    static const char text[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    struct seen s = {0};

    serve(answer_later, NULL);
    start(&s, (struct orc_http_req){0});
    wait_requests(1);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        fake_send(t.conn, text + i, 1);
        for (int turn = 0; turn < 3; turn++)
            uv_run(&t.loop, UV_RUN_NOWAIT);
    }
    wait_done(&s);
    assert_int_equal(s.error, 0);
    assert_string_equal(orc_buf_str(&s.body), "abcde");
    seen_release(&s);
}

static void test_http__a_silent_server_ends_in_a_time_out(void **state)
{
    struct seen s = {0};
    char want[100];

    serve(answer_later, NULL);
    call(&s, (struct orc_http_req){.timeout_ms = 50});
    assert_int_equal(s.error, -ETIMEDOUT);
    assert_int_equal(s.status, 0);
    snprintf(want, sizeof want, "127.0.0.1:%d: no complete answer within 50ms", t.port);
    assert_string_equal(s.text, want);
    seen_release(&s);
}

static void test_http__a_stream_that_stops_ends_in_a_time_out(void **state)
{
    struct seen s = {0};

    serve(answer_text, (char *)"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    call(&s, (struct orc_http_req){.timeout_ms = 50, .on_data = on_data});
    assert_int_equal(s.error, -ETIMEDOUT);
    assert_int_equal(s.status, 200);
    assert_string_equal(orc_buf_str(&s.streamed), "abc");
    seen_release(&s);
}

/* A listener whose queue is full answers no connection. */
static void test_http__a_connection_that_is_not_answered_ends_in_a_time_out(void **state)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0), filler[4];
    struct seen s = {0};
    char want[100];

    bind(listener, (struct sockaddr *)&addr, n);
    listen(listener, 0);
    getsockname(listener, (struct sockaddr *)&addr, &n);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(filler); i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(filler[i], (struct sockaddr *)&addr, n);
    }
    t.port = ntohs(addr.sin_port);
    call(&s, (struct orc_http_req){.connect_timeout_ms = 60});
    assert_int_equal(s.error, -ETIMEDOUT);
    snprintf(want, sizeof want, "127.0.0.1:%d: no connection within 60ms", t.port);
    assert_string_equal(s.text, want);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(filler); i++)
        close(filler[i]);
    close(listener);
    seen_release(&s);
}

static int closed_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    bind(fd, (struct sockaddr *)&addr, n);
    getsockname(fd, (struct sockaddr *)&addr, &n);
    close(fd);
    return ntohs(addr.sin_port);
}

static void test_http__a_refused_connection_says_so(void **state)
{
    struct seen s = {0};
    char want[100];

    t.port = closed_port();
    call(&s, (struct orc_http_req){0});
    assert_int_equal(s.error, -ECONNREFUSED);
    snprintf(want, sizeof want, "127.0.0.1:%d: connection refused", t.port);
    assert_string_equal(s.text, want);
    seen_release(&s);
}

static void test_http__a_body_over_the_cap_ends_the_call(void **state)
{
    struct seen s = {0};

    serve(answer_hello, NULL);
    call(&s, (struct orc_http_req){.max_body = 5});
    assert_int_equal(s.error, 0);
    seen_release(&s);
    call(&s, (struct orc_http_req){.max_body = 4});
    assert_int_equal(s.error, -EMSGSIZE);
    assert_non_null(strstr(s.text, "larger than 4 bytes"));
    assert_string_equal(orc_buf_str(&s.body), "");
    seen_release(&s);
}

static void answer_endless_headers(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    fake_puts(conn, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 40000; i++)
        fake_puts(conn, "X-More: 0123456789\r\n");
}

static void test_http__endless_headers_end_the_call(void **state)
{
    struct seen s = {0};

    serve(answer_endless_headers, NULL);
    call(&s, (struct orc_http_req){0});
    assert_int_equal(s.error, -EMSGSIZE);
    assert_non_null(strstr(s.text, "headers"));
    seen_release(&s);
}

static void cancel_it(struct seen *s)
{
    orc_http_cancel(s->call);
    assert_int_equal(s->done, 1); /* before the cancel returned */
}

static void test_http__a_stream_may_be_cancelled_from_its_own_data(void **state)
{
    struct seen s = {.on_piece = cancel_it};

    serve(answer_later, NULL);
    start(&s, (struct orc_http_req){.on_data = on_data});
    wait_requests(1);
    fake_chunks_begin(t.conn, 200, NULL);
    fake_chunk(t.conn, "a", 1);
    wait_done(&s);
    assert_int_equal(s.error, -ECANCELED);
    assert_int_equal(s.pieces, 1);
    while (fake_server_open(t.server)) /* the connection is given up at once */
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_int_equal(s.done, 1);
    seen_release(&s);
}

static void test_http__a_whole_stream_may_be_cancelled_from_its_last_data(void **state)
{
    struct seen s = {.on_piece = cancel_it};

    serve(answer_hello, NULL);
    call(&s, (struct orc_http_req){.on_data = on_data});
    assert_int_equal(s.error, -ECANCELED);
    assert_int_equal(s.done, 1);
    seen_release(&s);
}

static struct seen *victim;

static void cancel_victim(struct seen *s)
{
    orc_http_cancel(victim->call);
    assert_int_equal(victim->done, 1);
}

static void test_http__one_call_may_cancel_another_when_it_ends(void **state)
{
    struct seen a = {.after = cancel_victim}, b = {0};

    serve(answer_later, NULL);
    victim = &b;
    start(&b, (struct orc_http_req){.on_data = on_data});
    wait_requests(1);
    fake_chunks_begin(t.conn, 200, NULL);
    start(&a, (struct orc_http_req){0});
    wait_requests(2);
    fake_reply(t.conn, 200, NULL, "x");
    wait_done(&a);
    assert_int_equal(a.error, 0);
    assert_int_equal(b.error, -ECANCELED);
    assert_int_equal(b.done, 1);
    seen_release(&a);
    seen_release(&b);
}

static void test_http__a_call_may_be_cancelled_before_it_connects(void **state)
{
    struct seen s = {0};

    serve(answer_hello, NULL);
    start(&s, (struct orc_http_req){0});
    orc_http_cancel(s.call);
    assert_int_equal(s.done, 1);
    assert_int_equal(s.error, -ECANCELED);
    assert_non_null(strstr(s.text, "cancelled"));
    uv_run(&t.loop, UV_RUN_NOWAIT);
    assert_int_equal(s.done, 1);
    assert_int_equal(fake_server_accepted(t.server), 0);
    seen_release(&s);
}

static void cancel_self_again(struct seen *s)
{
    orc_http_cancel(s->call);
}

static void test_http__a_cancel_from_its_own_end_changes_nothing(void **state)
{
    struct seen s = {.after = cancel_self_again};

    serve(answer_hello, NULL);
    call(&s, (struct orc_http_req){0});
    assert_int_equal(s.done, 1);
    assert_int_equal(s.error, 0);
    seen_release(&s);
}

static struct seen next;

static void start_next(struct seen *s)
{
    if (!next.call)
        start(&next, (struct orc_http_req){0});
}

static void test_http__calls_may_be_started_from_callbacks(void **state)
{
    struct seen s = {.on_piece = start_next, .after = start_next};

    memset(&next, 0, sizeof next);
    serve(answer_hello, NULL);
    call(&s, (struct orc_http_req){.on_data = on_data});
    wait_done(&next);
    assert_int_equal(next.error, 0);
    seen_release(&next);
    seen_release(&s);
    s.after = start_next;
    call(&s, (struct orc_http_req){0});
    wait_done(&next);
    assert_string_equal(orc_buf_str(&next.body), "hello");
    seen_release(&next);
    seen_release(&s);
}

static void test_http__closing_cancels_what_is_in_flight(void **state)
{
    struct seen s[5] = {{0}};

    serve(answer_later, NULL);
    for (size_t i = 0; i < 5; i++)
        start(&s[i], (struct orc_http_req){.on_data = i % 2 ? on_data : NULL});
    wait_requests(3);
    t.http = orc_http_free(t.http);
    assert_null(t.http);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(s[i].done, 1);
        assert_int_equal(s[i].error, -ECANCELED);
        seen_release(&s[i]);
    }
}

static void close_client(struct seen *s)
{
    t.http = orc_http_free(t.http);
}

static void test_http__the_client_may_be_closed_from_a_callback(void **state)
{
    struct seen s = {.after = close_client}, other = {0};

    serve(answer_hello, NULL);
    start(&s, (struct orc_http_req){0});
    start(&other, (struct orc_http_req){0});
    wait_done(&s);
    assert_int_equal(other.done, 1);
    seen_release(&s);
    seen_release(&other);
    t.http = orc_http_new(&t.loop);
    s.on_piece = close_client;
    call(&s, (struct orc_http_req){.on_data = on_data});
    assert_int_equal(s.error, -ECANCELED);
    seen_release(&s);
}

static void test_http__unix_sockets_are_spoken_to(void **state)
{
    char path[] = "/tmp/orc-test-http-XXXXXX";
    orc_auto_free char *sock = NULL;
    struct seen s = {0};

    assert_non_null(mkdtemp(path));
    sock = orc_printf("%s/s", path);
    t.server = fake_server_unix(&t.loop, sock, answer_hello, NULL);
    for (int i = 0; i < 3; i++) {
        call(&s, (struct orc_http_req){
                     .url = "http://docker/v1.41/info", .unix_socket = sock, .dead_peer_ms = 1000});
        assert_int_equal(s.error, 0);
        assert_string_equal(t.last, "GET /v1.41/info\n");
        seen_release(&s);
    }
    assert_int_equal(fake_server_accepted(t.server), 1);
    unlink(sock);
    call(&s, (struct orc_http_req){.url = "http://docker/other", .unix_socket = "/nonexistent/sock"});
    assert_int_equal(s.error, -ENOENT);
    assert_string_equal(s.text, "/nonexistent/sock: no such file or directory");
    seen_release(&s);
    rmdir(path);
}

static void test_http__a_hundred_calls_run_at_once(void **state)
{
    struct seen s[100] = {{0}};

    serve(answer_hello, NULL);
    for (size_t i = 0; i < 100; i++)
        start(&s[i], (struct orc_http_req){.body = "x", .body_len = 1});
    for (size_t i = 0; i < 100; i++) {
        wait_done(&s[i]);
        assert_int_equal(s[i].done, 1);
        assert_int_equal(s[i].error, 0);
        assert_string_equal(orc_buf_str(&s[i].body), "hello");
        seen_release(&s[i]);
    }
    assert_int_equal(t.requests, 100);
    assert_true(fake_server_open(t.server) <= 100);
}

/* Behaviour 93 */
static void test_http__a_peer_that_closes_half_way_is_an_error(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 2",
        "",
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(texts); i++)
        for (int streamed = 0; streamed < 2; streamed++) {
            struct seen s = {0};

            fake_server_free(t.server);
            serve(answer_text_and_close, (char *)texts[i]);
            call(&s, (struct orc_http_req){.on_data = streamed ? on_data : NULL});
            if (!s.error)
                fail_msg("\"%s\" was taken for a whole answer", texts[i]);
            assert_true(s.text[0]);
            seen_release(&s);
        }
}

static void test_http__a_reset_connection_is_told_apart(void **state)
{
    struct linger now = {.l_onoff = 1};
    struct seen s = {0};
    uv_os_fd_t fd;

    serve(answer_later, NULL);
    start(&s, (struct orc_http_req){.on_data = on_data});
    wait_requests(1);
    fake_chunks_begin(t.conn, 200, NULL);
    fake_chunk(t.conn, "a", 1);
    while (!s.pieces)
        uv_run(&t.loop, UV_RUN_ONCE);
    uv_fileno(&t.conn->s.handle, &fd);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fake_close(t.conn);
    wait_done(&s);
    assert_int_equal(s.error, -ECONNRESET);
    assert_non_null(strstr(s.text, "connection reset by peer"));
    assert_int_equal(s.status, 200);
    seen_release(&s);
}

static void test_http__what_is_not_http_is_an_error(void **state)
{
    struct seen s = {0};

    serve(answer_text_and_close, (char *)"SSH-2.0-OpenSSH_9.2\r\n\r\nxxxx");
    call(&s, (struct orc_http_req){0});
    assert_int_equal(s.error, -EPROTO);
    assert_string_equal(orc_buf_str(&s.body), "");
    seen_release(&s);
}

/* The first request of a connection is answered, the second is read and the connection closed. */
static void answer_first_only(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    remember(conn, req);
    if (req->nth == 0)
        fake_reply(conn, 200, NULL, "hello");
    else
        fake_close(conn);
}

static void test_http__a_request_with_a_body_is_never_sent_twice(void **state)
{
    struct seen s = {0};

    serve(answer_first_only, NULL);
    call(&s, (struct orc_http_req){0});
    seen_release(&s);
    call(&s, (struct orc_http_req){.body = "once", .body_len = 4});
    assert_int_equal(s.error, -ECONNRESET);
    assert_non_null(strstr(s.text, "closed without an answer"));
    assert_int_equal(t.requests, 2);
    seen_release(&s);
}

static void test_http__a_connection_closed_while_idle_is_not_used(void **state)
{
    struct seen s = {0};

    serve(answer_hello, NULL);
    for (int i = 0; i < 5; i++) {
        call(&s, (struct orc_http_req){.body = "x", .body_len = 1});
        assert_int_equal(s.error, 0);
        seen_release(&s);
        fake_server_close_all(t.server);
        uv_run(&t.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(fake_server_accepted(t.server), 5);
}

static void test_http__malformed_requests_end_in_their_callback(void **state)
{
    static const char *const folded[] = {"X-A: b\r\nX-Evil: c", NULL}, *const bare[] = {"no colon", NULL};
    struct orc_http_req bad[] = {
        {.url = ""},
        {.url = "no url"},
        {.url = "http://"},
        {.url = "http://127.0.0.1:99999/"},
        {.url = "file:///etc/passwd"},
        {.url = "gopher://127.0.0.1/"},
        {.url = "http://user:pw@127.0.0.1/"},
        {.url = "http://127.0.0.1/a\nb"},
        {.method = "GET / HTTP/1.1\r\nX:"},
        {.method = ""},
        {.method = "get"},
        {.headers = folded},
        {.headers = bare},
    };

    serve(answer_hello, NULL);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct seen s = {0};

        call(&s, bad[i]);
        if (s.error != -EINVAL)
            fail_msg("request %zu ended with %d: %s", i, s.error, s.text);
        assert_int_equal(s.done, 1);
        seen_release(&s);
    }
    assert_int_equal(t.requests, 0);
}

static void test_http__a_malformed_request_may_be_cancelled_before_it_is_reported(void **state)
{
    struct seen s = {0};

    start(&s, (struct orc_http_req){.method = "get"});
    orc_http_cancel(s.call);
    assert_int_equal(s.done, 1);
    assert_int_equal(s.error, -ECANCELED);
    for (int turn = 0; turn < 3; turn++)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_int_equal(s.done, 1);
    seen_release(&s);
}

static void test_http__proxies_of_the_environment_are_not_used(void **state)
{
    struct seen s = {0};

    serve(answer_hello, NULL);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    call(&s, (struct orc_http_req){0});
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(s.error, 0);
    seen_release(&s);
}

static void test_http__redirects_are_not_followed(void **state)
{
    struct seen s = {0};

    serve(answer_text, (char *)"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
    call(&s, (struct orc_http_req){0});
    assert_int_equal(s.status, 302);
    assert_int_equal(t.requests, 1);
    seen_release(&s);
}

/* How many of the process's sockets have this TCP_USER_TIMEOUT. */
static int sockets_with_user_timeout(int want)
{
    int found = 0;

    for (int fd = 3; fd < 256; fd++) {
        int ms = 0, alive = 0;
        socklen_t n = sizeof ms, m = sizeof alive;

        if (getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &n) == 0 && ms == want &&
            getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &m) == 0 && alive)
            found++;
    }
    return found;
}

/* Behaviour 93; that such a peer is noticed is seen where a link can be cut, in the lab. */
static void test_http__a_stream_watches_for_a_silent_peer_also_on_a_reused_connection(void **state)
{
    struct seen s = {0};

    serve(answer_hello, NULL);
    call(&s, (struct orc_http_req){0});
    assert_int_equal(sockets_with_user_timeout(4321), 0);
    seen_release(&s);
    call(&s, (struct orc_http_req){.dead_peer_ms = 4321, .on_data = on_data});
    assert_int_equal(s.error, 0);
    assert_int_equal(sockets_with_user_timeout(4321), 1);
    assert_int_equal(fake_server_accepted(t.server), 1);
    seen_release(&s);
}

static void test_http__segments_are_percent_encoded(void **state)
{
    orc_auto_free char *a = orc_http_escape("aZ09-._~"), *b = orc_http_escape("a/b c?d=e&f%\xc3\xa9\x01");
    orc_auto_free char *empty = orc_http_escape("");

    assert_string_equal(a, "aZ09-._~");
    assert_string_equal(b, "a%2Fb%20c%3Fd%3De%26f%25%C3%A9%01");
    assert_string_equal(empty, "");
}

#define http_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        http_test(test_http__a_whole_answer_arrives),
        http_test(test_http__a_body_is_sent_with_the_type_given),
        http_test(test_http__methods_without_a_body_are_sent_as_named),
        http_test(test_http__head_has_no_body),
        http_test(test_http__a_large_body_is_sent_whole),
        http_test(test_http__connections_are_reused),
        http_test(test_http__a_stream_arrives_piece_by_piece_while_it_is_open),
        http_test(test_http__a_long_stream_has_no_cap),
        http_test(test_http__an_error_answer_to_a_stream_is_collected),
        http_test(test_http__an_answer_split_into_bytes_is_read_right),
        http_test(test_http__a_silent_server_ends_in_a_time_out),
        http_test(test_http__a_stream_that_stops_ends_in_a_time_out),
        http_test(test_http__a_connection_that_is_not_answered_ends_in_a_time_out),
        http_test(test_http__a_refused_connection_says_so),
        http_test(test_http__a_body_over_the_cap_ends_the_call),
        http_test(test_http__endless_headers_end_the_call),
        http_test(test_http__a_stream_may_be_cancelled_from_its_own_data),
        http_test(test_http__a_whole_stream_may_be_cancelled_from_its_last_data),
        http_test(test_http__one_call_may_cancel_another_when_it_ends),
        http_test(test_http__a_call_may_be_cancelled_before_it_connects),
        http_test(test_http__a_cancel_from_its_own_end_changes_nothing),
        http_test(test_http__calls_may_be_started_from_callbacks),
        http_test(test_http__closing_cancels_what_is_in_flight),
        http_test(test_http__the_client_may_be_closed_from_a_callback),
        http_test(test_http__unix_sockets_are_spoken_to),
        http_test(test_http__a_hundred_calls_run_at_once),
        http_test(test_http__a_peer_that_closes_half_way_is_an_error),
        http_test(test_http__a_reset_connection_is_told_apart),
        http_test(test_http__what_is_not_http_is_an_error),
        http_test(test_http__a_request_with_a_body_is_never_sent_twice),
        http_test(test_http__a_connection_closed_while_idle_is_not_used),
        http_test(test_http__malformed_requests_end_in_their_callback),
        http_test(test_http__a_malformed_request_may_be_cancelled_before_it_is_reported),
        http_test(test_http__proxies_of_the_environment_are_not_used),
        http_test(test_http__redirects_are_not_followed),
        http_test(test_http__a_stream_watches_for_a_silent_peer_also_on_a_reused_connection),
        http_test(test_http__segments_are_percent_encoded),
    };

    alarm(60); /* a call that never ends fails the program */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
