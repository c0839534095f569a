/* netplug/server and netplug/client on one loop, over a real unix socket. Needs no privilege: what would
 * change the kernel's network is in tests/integration. */
#include "netplug/client.h"
#include "netplug/protocol.h"
#include "netplug/server.h"
#include "netplug/takeover.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

struct fixture {
    uv_loop_t loop;
    char dir[64], socket[96];
    struct takeover *takeover;
    struct server *server;
};

static void start_server(struct fixture *f)
{
    struct server_opts opts = {.socket_path = f->socket, .takeover = f->takeover};
    uid_t me = getuid();
    struct orc_err err = ORC_ERR_INIT;

    opts.uids = &me;
    opts.n_uids = 1;
    if (server_new(&f->loop, &opts, &f->server, &err) < 0)
        fail_msg("%s", err.msg);
}

static int setup(void **state)
{
    struct fixture *f = orc_new(struct fixture);
    struct orc_err err = ORC_ERR_INIT;

    signal(SIGPIPE, SIG_IGN);
    strcpy(f->dir, "/tmp/netplug-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->socket, sizeof f->socket, "%s/s", f->dir);
    uv_loop_init(&f->loop);
    if (takeover_new(&f->loop, f->dir, &f->takeover, &err) < 0)
        fail_msg("%s", err.msg);
    start_server(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    orc_auto_free char *lock = orc_printf("%s/lock", f->dir);

    server_free(f->server);
    takeover_free(f->takeover);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    unlink(lock);
    assert_int_equal(rmdir(f->dir), 0); /* the socket file is gone as well */
    free(f);
    return 0;
}

/* ---- a caller that writes bytes ---- */

static int dial(const struct fixture *f)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(un.sun_path, sizeof un.sun_path, "%s", f->socket);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
    return fd;
}

static void write_all(struct fixture *f, int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n);

        if (put < 0 && errno == EAGAIN) {
            uv_run(&f->loop, UV_RUN_ONCE);
            continue;
        }
        if (put < 0)
            return; /* cut off */
        data += put;
        n -= (size_t)put;
    }
}

/* Runs the loop until a line came, and returns it; NULL when the connection was closed. */
static char *read_line(struct fixture *f, int fd)
{
    char line[65536];
    size_t n = 0;

    for (;;) {
        ssize_t got = read(fd, line + n, 1);

        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return NULL;
        if (got < 0) {
            uv_run(&f->loop, UV_RUN_NOWAIT);
            continue;
        }
        if (line[n] == '\n' || n == sizeof line - 1) {
            line[n] = '\0';
            return orc_strdup(line);
        }
        n++;
    }
}

static char *exchange(struct fixture *f, int fd, const char *request)
{
    write_all(f, fd, request, strlen(request));
    return read_line(f, fd);
}

static void test_netplug_server__answers_carry_the_id(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    orc_auto_free char *a = exchange(f, fd, "{\"id\":7,\"op\":\"links\"}\n");

    assert_non_null(strstr(a, "\"id\":7,\"ok\":true"));
    assert_non_null(strstr(a, "\"name\":\"lo\""));
    close(fd);
}

static void test_netplug_server__unknown_operations_are_refused_by_name(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    orc_auto_free char *a = exchange(f, fd, "{\"id\":1,\"op\":\"format\"}\n");
    orc_auto_free char *b = exchange(f, fd, "{\"id\":2}\n");
    orc_auto_free char *c = exchange(f, fd, "{\"id\":3,\"op\":\"links\"}\n"); /* it goes on */

    assert_non_null(strstr(a, "\"error\":\"EOPNOTSUPP\""));
    assert_non_null(strstr(a, "no operation \\\"format\\\"; bridge, confirm"));
    assert_non_null(strstr(b, "\"error\":\"EINVAL\""));
    assert_non_null(strstr(c, "\"ok\":true"));
    close(fd);
}

static void expect_cut_off(struct fixture *f, const char *bytes, size_t n, const char *says)
{
    int fd = dial(f);
    orc_auto_free char *answer = NULL;

    write_all(f, fd, bytes, n);
    answer = read_line(f, fd);
    if (!answer || !strstr(answer, says))
        fail_msg("expected \"%s\" in %s", says, answer ? answer : "(nothing)");
    assert_null(strstr(answer, "\"id\""));
    assert_null(read_line(f, fd));
    close(fd);
}

static void test_netplug_server__garbage_is_told_and_cut_off(void **state)
{
    struct fixture *f = *state;

    expect_cut_off(f, "hello\n", 6, "one JSON object on one line");
    expect_cut_off(f, "[1]\n", 4, "one JSON object on one line");
    expect_cut_off(f, "\n", 1, "one JSON object on one line");
    expect_cut_off(f, "{\"id\":1,\"op\":\"l\0inks\"}\n", 23, "one JSON object on one line");
    expect_cut_off(f, "{\"id\":1,\"id\":2,\"op\":\"links\"}\n", 29, "one JSON object on one line");
}

static void test_netplug_server__a_request_over_the_limit_is_cut_off(void **state)
{
    struct fixture *f = *state;
    size_t n = PROTOCOL_MAX_REQUEST + 10;
    orc_auto_free char *long_line = orc_calloc(1, n);

    memset(long_line, ' ', n);
    expect_cut_off(f, long_line, n, "longer than 65536 bytes");
}

static void test_netplug_server__a_request_of_the_limit_is_read(void **state)
{
    struct fixture *f = *state;
    orc_auto_free char *line = orc_calloc(1, PROTOCOL_MAX_REQUEST + 1);
    const char *request = "{\"id\":9,\"op\":\"links\"}";
    orc_auto_free char *answer = NULL;
    int fd = dial(f);

    memset(line, ' ', PROTOCOL_MAX_REQUEST);
    memcpy(line, request, strlen(request));
    line[PROTOCOL_MAX_REQUEST - 1] = '\n';
    write_all(f, fd, line, PROTOCOL_MAX_REQUEST);
    answer = read_line(f, fd);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "\"id\":9,\"ok\":true"));
    close(fd);
}

static void test_netplug_server__pieces_and_joined_lines_are_read_right(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    const char *two = "{\"id\":1,\"op\":\"x\"}\n{\"id\":2,\"op\":\"y\"}\n{\"id\":3,";
    orc_auto_free char *a = NULL, *b = NULL, *c = NULL;

    for (const char *p = two; *p; p++) {
        write_all(f, fd, p, 1);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    a = read_line(f, fd);
    b = read_line(f, fd);
    c = exchange(f, fd, "\"op\":\"z\"}\n");
    assert_non_null(strstr(a, "\"id\":1"));
    assert_non_null(strstr(b, "\"id\":2"));
    assert_non_null(strstr(c, "\"id\":3"));
    close(fd);
}

static void test_netplug_server__a_caller_that_never_reads_is_cut_off(void **state)
{
    struct fixture *f = *state;
    const char *request = "{\"id\":1,\"op\":\"links\"}\n";
    int fd = dial(f);

    for (int i = 0; i < 200000; i++) {
        if (write(fd, request, strlen(request)) < 0 && errno != EAGAIN)
            break;
        uv_run(&f->loop, UV_RUN_NOWAIT);
        if (i == 199999)
            fail_msg("it was never cut off");
    }
    close(fd);
}

static void test_netplug_server__a_second_one_at_the_same_place_is_refused(void **state)
{
    struct fixture *f = *state;
    struct server_opts opts = {.socket_path = f->socket, .takeover = f->takeover};
    struct server *other = NULL;
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(server_new(&f->loop, &opts, &other, &err), -EADDRINUSE);
    assert_non_null(strstr(err.msg, "answers at"));
    assert_null(other);
}

static void test_netplug_server__a_killed_ones_socket_file_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int left = socket(AF_UNIX, SOCK_STREAM, 0), fd;
    orc_auto_free char *answer = NULL;

    f->server = server_free(f->server);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", f->socket);
    assert_int_equal(bind(left, (struct sockaddr *)&un, sizeof un), 0);
    close(left);
    start_server(f);
    fd = dial(f);
    answer = exchange(f, fd, "{\"id\":1,\"op\":\"links\"}\n");
    assert_non_null(answer);
    close(fd);
}

static void test_netplug_server__bad_requests_change_nothing_and_say_why(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    orc_auto_free char *a = exchange(
        f, fd, "{\"id\":1,\"op\":\"bridge\",\"interface\":\"no-such-if\",\"address\":\"10.210.1.1/16\"}\n");
    orc_auto_free char *b =
        exchange(f, fd, "{\"id\":2,\"op\":\"bridge\",\"mode\":\"vxlan\",\"address\":\"10.210.1.1/16\"}\n");
    orc_auto_free char *c =
        exchange(f, fd, "{\"id\":3,\"op\":\"probe\",\"peers\":[{\"address\":\"host\"}],\"mtu\":1500}\n");
    orc_auto_free char *d = exchange(f, fd, "{\"id\":4,\"op\":\"probe\",\"peers\":[],\"mtu\":65536}\n");
    orc_auto_free char *e = exchange(f, fd, "{\"id\":5,\"op\":\"confirm\"}\n");
    orc_auto_free char *g = exchange(f, fd, "{\"id\":6,\"op\":\"unbridge\"}\n");
    orc_auto_free char *h = exchange(
        f, fd, "{\"id\":7,\"op\":\"probe\",\"peers\":[{\"address\":\"255.255.255.255\"}],\"mtu\":1500}\n");

    assert_non_null(strstr(a, "\"error\":\"ENODEV\""));
    assert_non_null(strstr(b, "\"error\":\"EOPNOTSUPP\""));
    assert_non_null(strstr(c, "\\\"host\\\" is not a numeric IPv4 address"));
    assert_non_null(strstr(d, "MTU 65536 is out of range"));
    assert_non_null(strstr(e, "\\\"token\\\" is missing"));
    assert_non_null(strstr(g, "\"ok\":true"));
    assert_non_null(strstr(h, "not the address of one machine"));
    close(fd);
}

/* ---- the client ---- */

struct seen {
    struct netplug_client *client;
    int links, bridges, done, error;
    char text[512];
    int order[8];
    int again; /* further calls to begin from the callback */
};

static void on_links(int error, const char *text, const struct netplug_links_res *res, void *arg)
{
    struct seen *s = arg;

    s->links++;
    s->error = error;
    snprintf(s->text, sizeof s->text, "%s", text);
    assert_true((error == 0) == (res != NULL));
    if (res)
        assert_true(res->links.n > 0);
    if (s->again > 0) {
        s->again--;
        netplug_links(s->client, on_links, s);
    }
}

static void on_bridge(int error, const char *text, const struct netplug_bridge_res *res, void *arg)
{
    struct seen *s = arg;

    s->bridges++;
    s->error = error;
    snprintf(s->text, sizeof s->text, "%s", text);
    assert_null(res);
}

static void on_done(int error, const char *text, void *arg)
{
    struct seen *s = arg;

    s->done++;
    s->error = error;
    snprintf(s->text, sizeof s->text, "%s", text);
}

static void run_until(struct fixture *f, const int *counter, int want)
{
    while (*counter < want)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(*counter, want);
}

static void test_netplug_client__calls_overlap_and_end_once(void **state)
{
    struct fixture *f = *state;
    struct seen s = {.client = netplug_client_new(&f->loop, f->socket)};
    const struct netplug_bridge_req bad = {.interface = "no-such-if", .address = "10.210.1.1/16"};

    for (int i = 0; i < 5; i++)
        netplug_links(s.client, on_links, &s);
    assert_int_equal(s.links, 0); /* never inside the call */
    run_until(f, &s.links, 5);
    assert_int_equal(s.error, 0);
    netplug_bridge(s.client, &bad, on_bridge, &s);
    run_until(f, &s.bridges, 1);
    assert_int_equal(s.error, -ENODEV);
    assert_non_null(strstr(s.text, "no interface \"no-such-if\""));
    netplug_unbridge(s.client, on_done, &s);
    run_until(f, &s.done, 1);
    assert_int_equal(s.error, 0);
    netplug_confirm(s.client, "unknown", on_done, &s);
    run_until(f, &s.done, 2);
    assert_int_equal(s.error, -ESTALE);
    netplug_client_free(s.client);
}

static void test_netplug_client__callbacks_may_begin_calls(void **state)
{
    struct fixture *f = *state;
    struct seen s = {.client = netplug_client_new(&f->loop, f->socket), .again = 3};

    netplug_links(s.client, on_links, &s);
    run_until(f, &s.links, 4);
    netplug_client_free(s.client);
}

static void test_netplug_client__freeing_cancels_what_is_open(void **state)
{
    struct fixture *f = *state;
    struct seen s = {.client = netplug_client_new(&f->loop, f->socket)};

    netplug_links(s.client, on_links, &s);
    netplug_links(s.client, on_links, &s);
    assert_null(netplug_client_free(s.client));
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(s.links, 2);
    assert_int_equal(s.error, -ECANCELED);
    assert_null(netplug_client_free(NULL));
}

static void test_netplug_client__nobody_there_is_an_error_each_time(void **state)
{
    struct fixture *f = *state;
    orc_auto_free char *nowhere = orc_printf("%s/nowhere", f->dir);
    struct seen s = {.client = netplug_client_new(&f->loop, nowhere), .again = 2};

    netplug_links(s.client, on_links, &s);
    run_until(f, &s.links, 3);
    assert_int_equal(s.error, -ENOENT);
    assert_non_null(strstr(s.text, nowhere));
    assert_non_null(strstr(s.text, "is it running?"));
    netplug_client_free(s.client);
}

static void test_netplug_client__a_restarted_server_is_found_again(void **state)
{
    struct fixture *f = *state;
    struct seen s = {.client = netplug_client_new(&f->loop, f->socket)};

    netplug_links(s.client, on_links, &s);
    run_until(f, &s.links, 1);
    f->server = server_free(f->server);
    netplug_links(s.client, on_links, &s); /* on the connection that is being closed */
    run_until(f, &s.links, 2);
    assert_int_equal(s.error, -ECONNRESET);
    start_server(f);
    netplug_links(s.client, on_links, &s);
    run_until(f, &s.links, 3);
    assert_int_equal(s.error, 0);
    netplug_client_free(s.client);
}

/* ---- a netplug that misbehaves ---- */

static int fake_listen(struct fixture *f)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    f->server = server_free(f->server);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", f->socket);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void expect_end(struct fixture *f, int listener, const char *answer, int error, const char *says)
{
    struct seen s = {.client = netplug_client_new(&f->loop, f->socket)};
    orc_auto_free char *request = NULL;
    int fd = -1;

    netplug_links(s.client, on_links, &s);
    while ((fd = accept(listener, NULL, NULL)) < 0)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    while (!request) {
        char buf[256];
        ssize_t n;

        uv_run(&f->loop, UV_RUN_NOWAIT);
        n = recv(fd, buf, sizeof buf - 1, MSG_DONTWAIT);
        if (n > 0)
            request = orc_strndup(buf, (size_t)n);
    }
    assert_string_equal(request, "{\"op\":\"links\",\"id\":1}\n");
    assert_int_equal(write(fd, answer, strlen(answer)), strlen(answer));
    shutdown(fd, SHUT_WR);
    run_until(f, &s.links, 1);
    if (s.error != error || !strstr(s.text, says))
        fail_msg("%s gave %d: %s", answer, s.error, s.text);
    netplug_client_free(s.client);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    close(fd);
}

static void test_netplug_client__whatever_netplug_says_ends_the_call(void **state)
{
    struct fixture *f = *state;
    int listener = fake_listen(f);

    expect_end(f, listener, "", -ECONNRESET, "closed the connection");
    expect_end(f, listener, "nonsense\n", -EBADMSG, "netplug at");
    expect_end(f, listener, "[]\n", -EBADMSG, "not a JSON object");
    expect_end(f, listener, "{\"id\":77,\"ok\":true}\n", -ECONNRESET, "closed the connection");
    expect_end(f, listener, "{\"id\":1,\"ok\":true,\"result\":{\"links\":[{}]}}\n", -EINVAL, "\"name\"");
    expect_end(f, listener, "{\"ok\":false,\"error\":\"EACCES\",\"message\":\"User 7 may not.\"}\n", -EACCES,
               "User 7 may not.");
    expect_end(f, listener, "{\"id\":1,\"ok\":false,\"error\":\"EBUSY\",\"message\":\"Later.\"}\n", -EBUSY,
               "Later.");
    close(listener);
    unlink(f->socket);
}

static void test_netplug_client__an_endless_answer_is_not_collected(void **state)
{
    struct fixture *f = *state;
    int listener = fake_listen(f), fd;
    struct seen s = {.client = netplug_client_new(&f->loop, f->socket)};
    orc_auto_free char *blanks = orc_calloc(1, 65536);

    memset(blanks, ' ', 65536);
    netplug_links(s.client, on_links, &s);
    while ((fd = accept(listener, NULL, NULL)) < 0)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    while (s.links == 0) {
        send(fd, blanks, 65536, MSG_DONTWAIT);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(s.error, -EMSGSIZE);
    netplug_client_free(s.client);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    close(fd);
    close(listener);
    unlink(f->socket);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_netplug_server__answers_carry_the_id),
        TEST(test_netplug_server__unknown_operations_are_refused_by_name),
        TEST(test_netplug_server__garbage_is_told_and_cut_off),
        TEST(test_netplug_server__a_request_over_the_limit_is_cut_off),
        TEST(test_netplug_server__a_request_of_the_limit_is_read),
        TEST(test_netplug_server__pieces_and_joined_lines_are_read_right),
        TEST(test_netplug_server__a_caller_that_never_reads_is_cut_off),
        TEST(test_netplug_server__a_second_one_at_the_same_place_is_refused),
        TEST(test_netplug_server__a_killed_ones_socket_file_is_replaced),
        TEST(test_netplug_server__bad_requests_change_nothing_and_say_why),
        TEST(test_netplug_client__calls_overlap_and_end_once),
        TEST(test_netplug_client__callbacks_may_begin_calls),
        TEST(test_netplug_client__freeing_cancels_what_is_open),
        TEST(test_netplug_client__nobody_there_is_an_error_each_time),
        TEST(test_netplug_client__a_restarted_server_is_found_again),
        TEST(test_netplug_client__whatever_netplug_says_ends_the_call),
        TEST(test_netplug_client__an_endless_answer_is_not_collected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
