#include "netplug/client.h"

#include "lib/buf.h"
#include "lib/clock.h"
#include "netplug/protocol.h"

#define CALL_MS 10000 /* bridge and the like take milliseconds; more means that netplug hangs */
/* Of a probe with time-out t: two full rounds and a small one, each t and the spacing of count echoes; then
 * at most 16 sizes of a search, each at most t and two echoes. */
#define PROBE_ROUNDS 20
#define PROBE_EXTRA_MS 5000
#define PROBE_DEFAULT_MS 1000

struct call {
    struct call *next;
    uint64_t id, deadline_ms;
    json_t *req; /* until it is sent */
    void (*end)(struct call *call, int error, const char *text, const json_t *result);
    union {
        netplug_bridge_fn bridge;
        netplug_probe_fn probe;
        netplug_links_fn links;
        netplug_done_fn done;
    } fn;
    void *arg;
};

/* The connection is a handle of its own, so that a broken one may still be closing while the next is opened.
 */
struct wire {
    struct netplug_client *client; /* NULL once it is given up */
    uv_pipe_t pipe;
    uv_connect_t connecting;
    struct orc_buf in;
    bool ready;
    char piece[16384];
};

struct netplug_client {
    uv_loop_t *loop;
    char *path;
    uv_timer_t timer;
    struct wire *conn;  /* NULL: none */
    struct call *calls; /* in the order of their beginning */
    bool closing;
    uint64_t last_id;
};

/* --- ends of calls --- */

static void call_end(struct call *call, int error, const char *text, const json_t *result)
{
    call->end(call, error, text, result);
    json_decref(call->req);
    free(call);
}

/* Calls that begin meanwhile, from callbacks, are not among those ended. */
static void end_all(struct netplug_client *c, int error, const char *text)
{
    struct call *list = orc_take(c->calls);

    while (list) {
        struct call *call = list;

        list = call->next;
        call_end(call, error, text, NULL);
    }
}

static void end_bridge(struct call *call, int error, const char *text, const json_t *result)
{
    struct netplug_bridge_res res = {0};
    struct orc_err err = ORC_ERR_INIT;

    if (error == 0 && (error = protocol_read_bridge_res(result, &res, &err)) < 0) {
        orc_wrap(&err, "netplug's answer");
        text = err.msg;
    }
    call->fn.bridge(error, text, error ? NULL : &res, call->arg);
    netplug_bridge_res_clear(&res);
}

static void end_probe(struct call *call, int error, const char *text, const json_t *result)
{
    struct netplug_probe_res res = {0};
    struct orc_err err = ORC_ERR_INIT;

    if (error == 0 && (error = protocol_read_probe_res(result, &res, &err)) < 0) {
        orc_wrap(&err, "netplug's answer");
        text = err.msg;
    }
    call->fn.probe(error, text, error ? NULL : &res, call->arg);
    netplug_probe_res_clear(&res);
}

static void end_links(struct call *call, int error, const char *text, const json_t *result)
{
    struct netplug_links_res res = {0};
    struct orc_err err = ORC_ERR_INIT;

    if (error == 0 && (error = protocol_read_links_res(result, &res, &err)) < 0) {
        orc_wrap(&err, "netplug's answer");
        text = err.msg;
    }
    call->fn.links(error, text, error ? NULL : &res, call->arg);
    netplug_links_res_clear(&res);
}

static void end_done(struct call *call, int error, const char *text, const json_t *result)
{
    call->fn.done(error, text, call->arg);
}

/* --- the connection --- */

static void on_conn_closed(uv_handle_t *handle)
{
    struct wire *k = handle->data;

    orc_buf_release(&k->in);
    free(k);
}

static void drop(struct netplug_client *c)
{
    struct wire *k = orc_take(c->conn);

    if (!k)
        return;
    k->client = NULL;
    uv_close((uv_handle_t *)&k->pipe, on_conn_closed);
}

static void schedule(struct netplug_client *c);

static void broken(struct netplug_client *c, int error, const char *what)
{
    orc_auto_free char *text = orc_printf("netplug at %s: %s", c->path, what);

    drop(c);
    end_all(c, error, text);
    schedule(c);
}

struct request {
    uv_write_t req;
    char *text;
};

/* A failed write shows as a failed read as well, which ends the calls. */
static void on_written(uv_write_t *req, int status)
{
    struct request *w = (struct request *)req;

    free(w->text);
    free(w);
}

static void send_calls(struct netplug_client *c)
{
    for (struct call *call = c->calls; call; call = call->next) {
        orc_auto_free char *text = call->req ? orc_json_text(call->req) : NULL;
        struct request *w;
        uv_buf_t buf;

        if (!text)
            continue;
        json_decref(orc_take(call->req));
        w = orc_new(struct request);
        w->text = orc_printf("%s\n", text);
        buf = uv_buf_init(w->text, (unsigned)strlen(w->text));
        if (uv_write(&w->req, (uv_stream_t *)&c->conn->pipe, &buf, 1, on_written) < 0) {
            free(w->text);
            free(w);
        }
    }
}

static void on_answer(struct netplug_client *c, const char *line, size_t n)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_json json_t *j = orc_json_parse(line, n, &err);
    const json_t *result = NULL;
    uint64_t id = 0;
    int r = j && json_is_object(j) ? protocol_read_id(j, &id, &err) : -EBADMSG;

    if (r == 0)
        r = protocol_read_answer(j, &result, &err);
    if (r < 0 && id == 0) { /* not JSON, or about the connection */
        broken(c, r, err.msg[0] ? err.msg : "an answer that is not a JSON object");
        return;
    }
    for (struct call **p = &c->calls; *p; p = &(*p)->next) {
        struct call *call = *p;

        if (call->id != id)
            continue;
        *p = call->next;
        call_end(call, r, r < 0 ? err.msg : "", result);
        schedule(c);
        return;
    }
}

static void take_answers(struct wire *k)
{
    char *end;

    while (k->client && k->in.len && (end = memchr(k->in.data, '\n', k->in.len))) {
        orc_auto_free char *line = orc_strndup(k->in.data, (size_t)(end - k->in.data));

        orc_buf_shift(&k->in, (size_t)(end - k->in.data) + 1);
        on_answer(k->client, line, strlen(line));
    }
}

static void on_alloc(uv_handle_t *handle, size_t want, uv_buf_t *buf)
{
    struct wire *k = handle->data;

    *buf = uv_buf_init(k->piece, sizeof k->piece);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct wire *k = stream->data;

    if (!k->client || n == 0)
        return;
    if (n < 0)
        broken(k->client, -ECONNRESET, "it closed the connection");
    else if (orc_buf_add(&k->in, buf->base, (size_t)n) < 0)
        broken(k->client, -EMSGSIZE, "its answer is too long");
    else
        take_answers(k);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct wire *k = req->data;
    orc_auto_free char *what = NULL;

    if (!k->client)
        return;
    if (status < 0) {
        what = orc_printf("%s; is it running?", uv_strerror(status));
        broken(k->client, status, what);
        return;
    }
    k->ready = true;
    uv_read_start((uv_stream_t *)&k->pipe, on_alloc, on_read);
    send_calls(k->client);
}

static void connect_now(struct netplug_client *c)
{
    struct wire *k = orc_new(struct wire);

    k->client = c;
    orc_buf_init(&k->in, PROTOCOL_MAX_ANSWER);
    uv_pipe_init(c->loop, &k->pipe, 0);
    k->pipe.data = k->connecting.data = k;
    c->conn = k;
    uv_pipe_connect(&k->connecting, &k->pipe, c->path, on_connected);
}

/* --- calls --- */

static void on_timer(uv_timer_t *timer)
{
    struct netplug_client *c = timer->data;
    orc_auto_free char *text = orc_printf("netplug at %s: no answer in time", c->path);
    uint64_t now = orc_clock_ms();

    for (struct call **p = &c->calls; *p;) {
        struct call *call = *p;

        if (call->deadline_ms > now) {
            p = &call->next;
            continue;
        }
        *p = call->next;
        call_end(call, -ETIMEDOUT, text, NULL);
        p = &c->calls; /* the callback may have changed the list */
    }
    schedule(c);
}

/* Sets the timer to the first deadline; an idle client does not keep the loop alive. */
static void schedule(struct netplug_client *c)
{
    uint64_t first = UINT64_MAX, now = orc_clock_ms();

    for (struct call *call = c->calls; call; call = call->next)
        if (call->deadline_ms < first)
            first = call->deadline_ms;
    if (first == UINT64_MAX) {
        uv_timer_stop(&c->timer);
    } else {
        uv_update_time(c->loop);
        uv_timer_start(&c->timer, on_timer, first > now ? first - now : 0, 0);
    }
    if (c->conn) {
        if (c->calls)
            uv_ref((uv_handle_t *)&c->conn->pipe);
        else
            uv_unref((uv_handle_t *)&c->conn->pipe);
    }
}

/* req is taken over. */
static struct call *begin(struct netplug_client *c, json_t *req, uint64_t ms, void *arg)
{
    struct call *call = orc_new(struct call), **p = &c->calls;

    call->id = ++c->last_id;
    call->deadline_ms = orc_clock_ms() + ms;
    call->req = req;
    call->arg = arg;
    json_object_set_new(req, "id", json_integer((json_int_t)call->id));
    while (*p)
        p = &(*p)->next;
    *p = call;
    if (c->closing)
        return call; /* ended in on_closed() */
    if (!c->conn)
        connect_now(c);
    else if (c->conn->ready)
        send_calls(c);
    schedule(c);
    return call;
}

void netplug_bridge(struct netplug_client *c, const struct netplug_bridge_req *req, netplug_bridge_fn fn,
                    void *arg)
{
    struct call *call = begin(c, protocol_bridge_req(req), CALL_MS, arg);

    call->end = end_bridge;
    call->fn.bridge = fn;
}

void netplug_confirm(struct netplug_client *c, const char *token, netplug_done_fn fn, void *arg)
{
    struct call *call = begin(c, protocol_confirm_req(token), CALL_MS, arg);

    call->end = end_done;
    call->fn.done = fn;
}

void netplug_unbridge(struct netplug_client *c, netplug_done_fn fn, void *arg)
{
    struct call *call = begin(c, json_pack("{ss}", "op", "unbridge"), CALL_MS, arg);

    call->end = end_done;
    call->fn.done = fn;
}

void netplug_probe(struct netplug_client *c, const struct netplug_probe_req *req, netplug_probe_fn fn,
                   void *arg)
{
    uint64_t each = req->timeout_ms > 0 ? (uint64_t)req->timeout_ms : PROBE_DEFAULT_MS;
    struct call *call = begin(c, protocol_probe_req(req), each * PROBE_ROUNDS + PROBE_EXTRA_MS, arg);

    call->end = end_probe;
    call->fn.probe = fn;
}

void netplug_links(struct netplug_client *c, netplug_links_fn fn, void *arg)
{
    struct call *call = begin(c, json_pack("{ss}", "op", "links"), CALL_MS, arg);

    call->end = end_links;
    call->fn.links = fn;
}

/* --- life --- */

struct netplug_client *netplug_client_new(uv_loop_t *loop, const char *socket_path)
{
    struct netplug_client *c = orc_new(struct netplug_client);

    c->loop = loop;
    c->path = orc_strdup(socket_path ? socket_path : NETPLUG_SOCKET);
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    return c;
}

static void on_closed(uv_handle_t *handle)
{
    struct netplug_client *c = handle->data;

    while (c->calls)
        end_all(c, -ECANCELED, "cancelled");
    free(c->path);
    free(c);
}

struct netplug_client *netplug_client_free(struct netplug_client *c)
{
    if (!c)
        return NULL;
    c->closing = true;
    drop(c);
    end_all(c, -ECANCELED, "cancelled");
    uv_close((uv_handle_t *)&c->timer, on_closed);
    return NULL;
}
