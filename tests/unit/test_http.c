#include "tests/unit/http_fixture.h"

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
        http_test(test_http__calls_may_be_started_from_callbacks),
        http_test(test_http__unix_sockets_are_spoken_to),
        http_test(test_http__a_hundred_calls_run_at_once),
        http_test(test_http__a_connection_closed_while_idle_is_not_used),
        http_test(test_http__proxies_of_the_environment_are_not_used),
        http_test(test_http__redirects_are_not_followed),
        http_test(test_http__a_stream_watches_for_a_silent_peer_also_on_a_reused_connection),
        http_test(test_http__segments_are_percent_encoded),
    };

    alarm(120); /* a call that never ends fails the program */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
