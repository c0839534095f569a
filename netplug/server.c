#include "netplug/server.h"

#include "lib/buf.h"
#include "lib/file.h"
#include "lib/log.h"
#include "netplug/probe.h"
#include "netplug/protocol.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MAX_CONNECTIONS 64
#define MAX_PROBES 4         /* under way per connection */
#define MAX_UNREAD (2 << 20) /* bytes of answers a caller has not read */
#define BACKLOG 16

struct conn {
    struct conn *next, *prev;
    struct server *server;
    uv_pipe_t pipe;
    struct orc_buf in;
    char piece[16384];
    struct asked *asked; /* probes under way */
    int n_asked;
    bool closing; /* takes no more requests; closed once its answers are written */
};

/* A probe that will be answered. */
struct asked {
    struct asked *next;
    struct conn *conn;
    struct probe *probe;
    uint64_t id;
};

struct server {
    uv_pipe_t pipe;
    char *path;
    uid_t *uids;
    size_t n_uids;
    struct takeover *takeover;
    struct conn *conns;
    int n_conns;
};

/* --- writing --- */

struct answer {
    uv_write_t req;
    char *text;
};

static void conn_close(struct conn *c);

static void on_written(uv_write_t *req, int status)
{
    struct answer *a = (struct answer *)req;
    struct conn *c = req->data;

    free(a->text);
    free(a);
    if (status < 0 || (c->closing && c->pipe.write_queue_size == 0))
        conn_close(c);
}

/* Takes j over. */
static void say(struct conn *c, json_t *j)
{
    struct answer *a = orc_new(struct answer);
    orc_auto_free char *text = orc_json_text(j);
    uv_buf_t buf;

    json_decref(j);
    a->text = orc_printf("%s\n", text);
    a->req.data = c;
    buf = uv_buf_init(a->text, (unsigned)strlen(a->text));
    if (uv_write(&a->req, (uv_stream_t *)&c->pipe, &buf, 1, on_written) < 0) {
        free(a->text);
        free(a);
        conn_close(c);
    }
}

/* --- operations --- */

static void refuse(struct conn *c, uint64_t id, int error, const struct orc_err *err)
{
    say(c, protocol_refusal(id, error, err->msg));
}

static void log_steps(const struct netplug_bridge_res *res)
{
    for (size_t i = 0; i < res->steps.n; i++)
        orc_info("%s", res->steps.at[i]);
    if (res->changed && res->must_confirm)
        orc_info("waiting %llu ms for a confirmation", (unsigned long long)res->confirm_left_ms);
}

static int op_bridge(struct conn *c, uint64_t id, const json_t *j, struct orc_err *err)
{
    struct netplug_bridge_req req = {0};
    struct netplug_bridge_res res = {0};
    int r = protocol_read_bridge_req(j, &req, err);

    if (r < 0 || (r = takeover_bridge(c->server->takeover, &req, &res, err)) < 0)
        return r;
    log_steps(&res);
    say(c, protocol_answer(id, protocol_bridge_res(&res)));
    netplug_bridge_res_clear(&res);
    return 0;
}

static int op_confirm(struct conn *c, uint64_t id, const json_t *j, struct orc_err *err)
{
    const char *token = NULL;
    int r = protocol_read_confirm_req(j, &token, err);

    if (r < 0 || (r = takeover_confirm(c->server->takeover, token, err)) < 0)
        return r;
    orc_info("confirmed: what was taken over stays");
    say(c, protocol_answer(id, NULL));
    return 0;
}

static int op_unbridge(struct conn *c, uint64_t id, const json_t *j, struct orc_err *err)
{
    int r = takeover_unbridge(c->server->takeover, err);

    if (r < 0)
        return r;
    orc_info("everything was put back as it was");
    say(c, protocol_answer(id, NULL));
    return 0;
}

static int op_links(struct conn *c, uint64_t id, const json_t *j, struct orc_err *err)
{
    struct netplug_links_res res = {0};
    int r = takeover_links(c->server->takeover, &res, err);

    if (r == 0)
        say(c, protocol_answer(id, protocol_links_res(&res)));
    netplug_links_res_clear(&res);
    return r;
}

static void forget(struct asked *a)
{
    for (struct asked **p = &a->conn->asked; *p; p = &(*p)->next) {
        if (*p != a)
            continue;
        *p = a->next;
        a->conn->n_asked--;
        free(a);
        return;
    }
}

static void on_probed(const struct netplug_probe_res *res, void *arg)
{
    struct asked *a = arg;

    say(a->conn, protocol_answer(a->id, protocol_probe_res(res)));
    forget(a);
}

static int op_probe(struct conn *c, uint64_t id, const json_t *j, struct orc_err *err)
{
    struct netplug_probe_req req = {0};
    struct orc_strv peers = {0};
    struct asked *a;
    int r;

    if (c->n_asked >= MAX_PROBES)
        return orc_fail(err, -EBUSY, "%d probes are under way on this connection; wait for one to end.",
                        MAX_PROBES);
    a = orc_new(struct asked);
    a->conn = c;
    a->id = id;
    r = protocol_read_probe_req(j, &req, &peers, err);
    if (r == 0)
        r = probe_start(c->pipe.loop, &req, on_probed, a, &a->probe, err);
    orc_strv_release(&peers);
    if (r < 0) {
        free(a);
        return r;
    }
    a->next = c->asked;
    c->asked = a;
    c->n_asked++;
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct conn *c, uint64_t id, const json_t *j, struct orc_err *err);
} ops[] = {
    {"bridge", op_bridge}, {"confirm", op_confirm}, {"unbridge", op_unbridge},
    {"probe", op_probe},   {"links", op_links},
};

static int dispatch(struct conn *c, uint64_t id, const json_t *j, struct orc_err *err)
{
    orc_auto_free char *op = NULL;
    int r = orc_json_str(j, "op", 64, &op, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ORC_ARRAY_SIZE(ops); i++)
        if (strcmp(ops[i].name, op) == 0)
            return ops[i].run(c, id, j, err);
    return orc_fail(err, -EOPNOTSUPP,
                    "There is no operation \"%s\"; bridge, confirm, unbridge, probe and links are there.",
                    op);
}

/* --- reading --- */

static void hang_up(struct conn *c, int error, const struct orc_err *err)
{
    c->closing = true;
    uv_read_stop((uv_stream_t *)&c->pipe);
    refuse(c, 0, error, err);
}

static void on_line(struct conn *c, const char *line, size_t n)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_json json_t *j = orc_json_parse(line, n, &err);
    uint64_t id = 0;
    int r;

    if (!j || !json_is_object(j)) {
        orc_wrap(&err, "A request is one JSON object on one line");
        hang_up(c, -EINVAL, &err);
        return;
    }
    if ((r = protocol_read_id(j, &id, &err)) < 0 || (r = dispatch(c, id, j, &err)) < 0) {
        orc_debug("refused: %s", err.msg);
        refuse(c, id, r, &err);
    }
}

static void take_lines(struct conn *c)
{
    char *end;

    while (!c->closing && c->in.len && (end = memchr(c->in.data, '\n', c->in.len))) {
        size_t n = (size_t)(end - c->in.data);

        if (c->pipe.write_queue_size > MAX_UNREAD) { /* telling it would only add to what it does not read */
            orc_warn("a caller does not read its answers and is cut off");
            conn_close(c);
            return;
        }
        on_line(c, c->in.data, n);
        if (uv_is_closing((uv_handle_t *)&c->pipe))
            return;
        orc_buf_shift(&c->in, n + 1);
    }
}

static void on_alloc(uv_handle_t *handle, size_t want, uv_buf_t *buf)
{
    struct conn *c = handle->data;

    *buf = uv_buf_init(c->piece, sizeof c->piece);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct orc_err err = ORC_ERR_INIT;
    struct conn *c = stream->data;

    if (n < 0) {
        conn_close(c);
        return;
    }
    /* One piece may hold the end of one line and more: take lines out before the limit is applied. */
    for (ssize_t done = 0; done < n && !c->closing && !uv_is_closing((uv_handle_t *)stream);) {
        const char *end = memchr(buf->base + done, '\n', (size_t)(n - done));
        size_t part = end ? (size_t)(end + 1 - (buf->base + done)) : (size_t)(n - done);

        if (orc_buf_add(&c->in, buf->base + done, part) < 0) {
            orc_fail(&err, -EMSGSIZE, "A request is longer than %d bytes.", PROTOCOL_MAX_REQUEST);
            hang_up(c, -EMSGSIZE, &err);
            return;
        }
        done += (ssize_t)part;
        take_lines(c);
    }
}

/* --- connections --- */

static void on_conn_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    orc_buf_release(&c->in);
    free(c);
}

static void conn_close(struct conn *c)
{
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    c->closing = true;
    while (c->asked) {
        probe_cancel(c->asked->probe);
        forget(c->asked);
    }
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        c->server->conns = c->next;
    c->server->n_conns--;
    uv_close((uv_handle_t *)&c->pipe, on_conn_closed);
}

static struct conn *conn_new(struct server *s)
{
    struct conn *c = orc_new(struct conn);

    c->server = s;
    orc_buf_init(&c->in, PROTOCOL_MAX_REQUEST);
    uv_pipe_init(s->pipe.loop, &c->pipe, 0);
    c->pipe.data = c;
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    s->n_conns++;
    return c;
}

static int check_caller(const struct server *s, uv_os_fd_t fd, struct orc_err *err)
{
    struct ucred who;
    socklen_t n = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
        return orc_fail_errno(err, errno, "ask who calls");
    if (who.uid == 0)
        return 0;
    for (size_t i = 0; i < s->n_uids; i++)
        if (s->uids[i] == who.uid)
            return 0;
    return orc_fail(err, -EACCES, "User %u may not use netplug; root may, and users named with --allow-uid.",
                    who.uid);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct server *s = stream->data;
    struct orc_err err = ORC_ERR_INIT;
    struct conn *c;
    uv_os_fd_t fd;
    int r;

    if (status < 0)
        return;
    c = conn_new(s);
    if (uv_accept(stream, (uv_stream_t *)&c->pipe) < 0 || uv_fileno((uv_handle_t *)&c->pipe, &fd) < 0) {
        conn_close(c);
        return;
    }
    r = check_caller(s, fd, &err);
    if (r == 0 && s->n_conns > MAX_CONNECTIONS)
        r = orc_fail(&err, -EBUSY, "netplug has %d connections already, which is its limit.",
                     MAX_CONNECTIONS);
    if (r < 0) {
        orc_warn("a caller was refused: %s", err.msg);
        hang_up(c, r, &err);
        return;
    }
    uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
}

/* --- life --- */

/* A socket file of a netplug that was killed refuses connections; it stands in the way of bind(2). */
static int clear_path(const char *path, struct orc_err *err)
{
    orc_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct stat st;

    if (strlen(path) >= sizeof un.sun_path)
        return orc_fail(err, -ENAMETOOLONG, "Socket path \"%s\" is longer than %zu bytes.", path,
                        sizeof un.sun_path - 1);
    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return orc_fail(err, -EEXIST,
                        "%s is there and is not a socket; remove it or choose another --socket.", path);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&un, sizeof un) == 0)
        return orc_fail(err, -EADDRINUSE, "A netplug answers at %s already.", path);
    if (unlink(path) < 0)
        return orc_fail_errno(err, errno, "remove the old socket %s", path);
    return 0;
}

static int make_folder(const char *path, struct orc_err *err)
{
    const char *slash = strrchr(path, '/');
    orc_auto_free char *folder = slash > path ? orc_strndup(path, (size_t)(slash - path)) : NULL;

    return folder ? orc_file_mkdirs(folder, err) : 0;
}

/* Everybody may connect; who is answered is decided by credentials, not by the file's mode. */
static int start(struct server *s, struct orc_err *err)
{
    int r = uv_pipe_bind(&s->pipe, s->path);

    if (r == 0)
        r = chmod(s->path, 0666) < 0 ? -errno : 0;
    if (r == 0)
        r = uv_listen((uv_stream_t *)&s->pipe, BACKLOG, on_connection);
    return r < 0 ? orc_fail(err, r, "Listen at %s: %s.", s->path, uv_strerror(r)) : 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct server *s = handle->data;

    free(s->path);
    free(s->uids);
    free(s);
}

int server_new(uv_loop_t *loop, const struct server_opts *opts, struct server **ret, struct orc_err *err)
{
    struct server *s;
    int r;

    if ((r = make_folder(opts->socket_path, err)) < 0 || (r = clear_path(opts->socket_path, err)) < 0)
        return r;
    s = orc_new(struct server);
    s->path = orc_strdup(opts->socket_path);
    s->uids = orc_calloc(opts->n_uids, sizeof *s->uids);
    if (opts->n_uids)
        memcpy(s->uids, opts->uids, opts->n_uids * sizeof *s->uids);
    s->n_uids = opts->n_uids;
    s->takeover = opts->takeover;
    uv_pipe_init(loop, &s->pipe, 0);
    s->pipe.data = s;
    r = start(s, err);
    if (r < 0) {
        uv_close((uv_handle_t *)&s->pipe, on_closed);
        return r;
    }
    *ret = s;
    return 0;
}

struct server *server_free(struct server *s)
{
    if (!s)
        return NULL;
    while (s->conns)
        conn_close(s->conns);
    uv_close((uv_handle_t *)&s->pipe, on_closed);
    return NULL;
}
