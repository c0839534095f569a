#include "tests/fakes/http_server.h"

#include "lib/buf.h"
#include "lib/mem.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#define FAKE_MAX_REQUEST (64 * 1024 * 1024)

union fake_stream {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct fake_conn {
    union fake_stream s;
    struct fake_server *server;
    LIST_ENTRY(fake_conn) link;
    struct orc_buf in;
    unsigned requests;
    bool closing;
    void (*on_close)(struct fake_conn *conn, void *arg);
    void *on_close_arg;
};

struct fake_server {
    union fake_stream s;
    uv_loop_t *loop;
    bool is_unix;
    LIST_HEAD(, fake_conn) conns;
    unsigned accepted, open, refs;
    fake_handler *handler;
    void *arg;
};

struct fake_write {
    uv_write_t req;
    char data[];
};

static void fake_die(const char *what, int r)
{
    fprintf(stderr, "fake server: %s: %s\n", what, uv_strerror(r));
    abort();
}

static void fake_unref(struct fake_server *server)
{
    if (--server->refs == 0)
        free(server);
}

static void fake_conn_closed(uv_handle_t *handle)
{
    struct fake_conn *conn = handle->data;

    orc_buf_release(&conn->in);
    fake_unref(conn->server);
    free(conn);
}

static void fake_conn_drop(struct fake_conn *conn)
{
    if (uv_is_closing(&conn->s.handle))
        return;
    conn->closing = true;
    LIST_REMOVE(conn, link);
    conn->server->open--;
    if (conn->on_close)
        conn->on_close(conn, conn->on_close_arg);
    uv_close(&conn->s.handle, fake_conn_closed);
}

/* The length of the body from the head, 0 without the header. */
static size_t fake_body_length(const char *headers)
{
    struct fake_request req = {.headers = headers};
    char value[32];

    return fake_header(&req, "Content-Length", value, sizeof value) ? strtoul(value, NULL, 10) : 0;
}

/* Hands the first whole request in the buffer over; false when there is none yet. */
static bool fake_take_request(struct fake_conn *conn)
{
    char *head = conn->in.data, *end = head ? strstr(head, "\r\n\r\n") : NULL, *line, *space, *body;
    struct fake_request req = {.nth = conn->requests};
    size_t head_len, whole;

    if (!end)
        return false;
    head_len = (size_t)(end - head) + 4;
    line = strstr(head, "\r\n");
    whole = head_len + fake_body_length(line + 2);
    if (conn->in.len < whole)
        return false;
    head = orc_strndup(head, head_len - 2);
    body = orc_calloc(1, whole - head_len + 1);
    memcpy(body, conn->in.data + head_len, whole - head_len);
    orc_buf_shift(&conn->in, whole);
    line = strstr(head, "\r\n");
    *line = '\0';
    req.headers = line + 2;
    req.method = head;
    space = strchr(head, ' ');
    if (space) {
        *space = '\0';
        req.target = space + 1;
        *strchrnul(space + 1, ' ') = '\0';
    }
    req.body = body;
    req.body_len = whole - head_len;
    conn->requests++;
    conn->server->handler(conn, &req, conn->server->arg);
    free(head);
    free(body);
    return !conn->closing;
}

static void fake_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    *buf = uv_buf_init(orc_calloc(1, suggested), (unsigned)suggested);
}

static void fake_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct fake_conn *conn = stream->data;

    if (n > 0 && orc_buf_add(&conn->in, buf->base, (size_t)n) < 0)
        n = -1;
    free(buf->base);
    if (n < 0) {
        fake_conn_drop(conn);
        return;
    }
    while (n > 0 && fake_take_request(conn))
        ;
}

static void fake_stream_init(uv_loop_t *loop, bool is_unix, union fake_stream *s)
{
    if (is_unix)
        uv_pipe_init(loop, &s->pipe, 0);
    else
        uv_tcp_init(loop, &s->tcp);
}

static void fake_accept(uv_stream_t *stream, int status)
{
    struct fake_server *server = stream->data;
    struct fake_conn *conn;

    if (status < 0)
        return;
    conn = orc_new(struct fake_conn);
    conn->server = server;
    conn->in.max = FAKE_MAX_REQUEST;
    fake_stream_init(server->loop, server->is_unix, &conn->s);
    conn->s.handle.data = conn;
    server->refs++;
    server->accepted++;
    server->open++;
    LIST_INSERT_HEAD(&server->conns, conn, link);
    if (uv_accept(stream, &conn->s.stream) < 0)
        fake_conn_drop(conn);
    else
        uv_read_start(&conn->s.stream, fake_alloc, fake_read);
}

static struct fake_server *fake_server_new(uv_loop_t *loop, bool is_unix, fake_handler *handler, void *arg)
{
    struct fake_server *server = orc_new(struct fake_server);

    server->loop = loop;
    server->is_unix = is_unix;
    server->refs = 1;
    server->handler = handler;
    server->arg = arg;
    fake_stream_init(loop, is_unix, &server->s);
    server->s.handle.data = server;
    return server;
}

struct fake_server *fake_server_tcp(uv_loop_t *loop, int *ret_port, fake_handler *handler, void *arg)
{
    struct fake_server *server = fake_server_new(loop, false, handler, arg);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int r, n = sizeof addr;

    r = uv_tcp_bind(&server->s.tcp, (struct sockaddr *)&addr, 0);
    if (r == 0)
        r = uv_listen(&server->s.stream, 256, fake_accept);
    if (r == 0)
        r = uv_tcp_getsockname(&server->s.tcp, (struct sockaddr *)&addr, &n);
    if (r < 0)
        fake_die("127.0.0.1", r);
    *ret_port = ntohs(addr.sin_port);
    return server;
}

struct fake_server *fake_server_unix(uv_loop_t *loop, const char *path, fake_handler *handler, void *arg)
{
    struct fake_server *server = fake_server_new(loop, true, handler, arg);
    int r;

    unlink(path);
    r = uv_pipe_bind(&server->s.pipe, path);
    if (r == 0)
        r = uv_listen(&server->s.stream, 256, fake_accept);
    if (r < 0)
        fake_die(path, r);
    return server;
}

void fake_server_close_all(struct fake_server *server)
{
    while (!LIST_EMPTY(&server->conns))
        fake_conn_drop(LIST_FIRST(&server->conns));
}

static void fake_server_closed(uv_handle_t *handle)
{
    fake_unref(handle->data);
}

void fake_server_free(struct fake_server *server)
{
    if (!server)
        return;
    fake_server_close_all(server);
    uv_close(&server->s.handle, fake_server_closed);
}

unsigned fake_server_accepted(const struct fake_server *server)
{
    return server->accepted;
}

unsigned fake_server_open(const struct fake_server *server)
{
    return server->open;
}

static void fake_written(uv_write_t *req, int status)
{
    struct fake_conn *conn = req->handle->data;

    free(req); /* the first member of struct fake_write */
    if (conn->closing && !uv_stream_get_write_queue_size(&conn->s.stream))
        fake_conn_drop(conn);
}

void fake_send(struct fake_conn *conn, const char *data, size_t n)
{
    struct fake_write *w;
    uv_buf_t buf;

    if (conn->closing)
        return;
    w = orc_calloc(1, sizeof *w + n);
    memcpy(w->data, data, n);
    buf = uv_buf_init(w->data, (unsigned)n);
    if (uv_write(&w->req, &conn->s.stream, &buf, 1, fake_written) < 0)
        free(w);
}

void fake_puts(struct fake_conn *conn, const char *s)
{
    fake_send(conn, s, strlen(s));
}

void fake_reply(struct fake_conn *conn, int status, const char *type, const char *body)
{
    orc_auto_free char *text =
        orc_printf("HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status,
                   type ? type : "text/plain", strlen(body), body);

    fake_puts(conn, text);
}

void fake_chunks_begin(struct fake_conn *conn, int status, const char *type)
{
    orc_auto_free char *text =
        orc_printf("HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", status,
                   type ? type : "text/plain");

    fake_puts(conn, text);
}

void fake_chunk(struct fake_conn *conn, const char *data, size_t n)
{
    char size[32];

    snprintf(size, sizeof size, "%zx\r\n", n);
    fake_puts(conn, size);
    fake_send(conn, data, n);
    fake_puts(conn, "\r\n");
}

void fake_chunks_end(struct fake_conn *conn)
{
    fake_puts(conn, "0\r\n\r\n");
}

void fake_close(struct fake_conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    if (!uv_stream_get_write_queue_size(&conn->s.stream))
        fake_conn_drop(conn);
}

void fake_on_close(struct fake_conn *conn, void (*fn)(struct fake_conn *conn, void *arg), void *arg)
{
    conn->on_close = fn;
    conn->on_close_arg = arg;
}

const char *fake_header(const struct fake_request *req, const char *name, char *buf, size_t size)
{
    size_t n = strlen(name);

    for (const char *line = req->headers; *line;
         line = strstr(line, "\r\n") ? strstr(line, "\r\n") + 2 : "") {
        if (*line == '\r')
            break;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " ");
            snprintf(buf, size, "%.*s", (int)strcspn(line, "\r"), line);
            return buf;
        }
    }
    return NULL;
}
