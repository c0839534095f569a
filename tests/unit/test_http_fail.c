#include "tests/unit/http_fixture.h"

static void test_http_fail__a_silent_server_ends_in_a_time_out(void **state)
{
    struct seen s = {0};
    char want[100];

    serve(answer_later, NULL);
    call(&s, (struct orc_http_req){.timeout_ms = 1000});
    assert_int_equal(s.error, -ETIMEDOUT);
    assert_int_equal(s.status, 0);
    snprintf(want, sizeof want, "127.0.0.1:%d: no complete answer within 1s", t.port);
    assert_string_equal(s.text, want);
    seen_release(&s);
}

static void test_http_fail__a_stream_that_stops_ends_in_a_time_out(void **state)
{
    struct seen s = {0};

    serve(answer_text, (char *)"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    call(&s, (struct orc_http_req){.timeout_ms = 1000, .on_data = on_data});
    assert_int_equal(s.error, -ETIMEDOUT);
    assert_int_equal(s.status, 200);
    assert_string_equal(orc_buf_str(&s.streamed), "abc");
    seen_release(&s);
}

/* A listener whose queue is full answers no connection. */
static void test_http_fail__a_connection_that_is_not_answered_ends_in_a_time_out(void **state)
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

static void test_http_fail__a_refused_connection_says_so(void **state)
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

static void test_http_fail__a_body_over_the_cap_ends_the_call(void **state)
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

static void test_http_fail__endless_headers_end_the_call(void **state)
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

static void test_http_fail__a_stream_may_be_cancelled_from_its_own_data(void **state)
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

static void test_http_fail__a_whole_stream_may_be_cancelled_from_its_last_data(void **state)
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

static void test_http_fail__one_call_may_cancel_another_when_it_ends(void **state)
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

static void test_http_fail__a_call_may_be_cancelled_before_it_connects(void **state)
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

static void test_http_fail__a_cancel_from_its_own_end_changes_nothing(void **state)
{
    struct seen s = {.after = cancel_self_again};

    serve(answer_hello, NULL);
    call(&s, (struct orc_http_req){0});
    assert_int_equal(s.done, 1);
    assert_int_equal(s.error, 0);
    seen_release(&s);
}

static void test_http_fail__closing_cancels_what_is_in_flight(void **state)
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

static void test_http_fail__the_client_may_be_closed_from_a_callback(void **state)
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

/* Behaviour 93. */
static void test_http_fail__a_peer_that_closes_half_way_is_an_error(void **state)
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

static void test_http_fail__a_reset_connection_is_told_apart(void **state)
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

static void test_http_fail__what_is_not_http_is_an_error(void **state)
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

static void test_http_fail__a_request_with_a_body_is_never_sent_twice(void **state)
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

static void test_http_fail__malformed_requests_end_in_their_callback(void **state)
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

static void test_http_fail__a_malformed_request_may_be_cancelled_before_it_is_reported(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        http_test(test_http_fail__a_silent_server_ends_in_a_time_out),
        http_test(test_http_fail__a_stream_that_stops_ends_in_a_time_out),
        http_test(test_http_fail__a_connection_that_is_not_answered_ends_in_a_time_out),
        http_test(test_http_fail__a_refused_connection_says_so),
        http_test(test_http_fail__a_body_over_the_cap_ends_the_call),
        http_test(test_http_fail__endless_headers_end_the_call),
        http_test(test_http_fail__a_stream_may_be_cancelled_from_its_own_data),
        http_test(test_http_fail__a_whole_stream_may_be_cancelled_from_its_last_data),
        http_test(test_http_fail__one_call_may_cancel_another_when_it_ends),
        http_test(test_http_fail__a_call_may_be_cancelled_before_it_connects),
        http_test(test_http_fail__a_cancel_from_its_own_end_changes_nothing),
        http_test(test_http_fail__closing_cancels_what_is_in_flight),
        http_test(test_http_fail__the_client_may_be_closed_from_a_callback),
        http_test(test_http_fail__a_peer_that_closes_half_way_is_an_error),
        http_test(test_http_fail__a_reset_connection_is_told_apart),
        http_test(test_http_fail__what_is_not_http_is_an_error),
        http_test(test_http_fail__a_request_with_a_body_is_never_sent_twice),
        http_test(test_http_fail__malformed_requests_end_in_their_callback),
        http_test(test_http_fail__a_malformed_request_may_be_cancelled_before_it_is_reported),
    };

    alarm(120); /* a call that never ends fails the program */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
