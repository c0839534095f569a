#include "nodelet/docker.h"

#include "lib/buf.h"
#include "lib/http.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define MAX_BODY (4 * 1024 * 1024)
#define MAX_LINE (256 * 1024)

struct docker_call {
    struct docker *d;
    LIST_ENTRY(docker_call) link;
    struct orc_http_call *http;
    struct orc_buf line;
    bool stream, discard, overlong;
    void (*on_line)(const json_t *line, void *arg);
    docker_cb *cb;
    void *arg;
};

struct docker {
    struct orc_http *http;
    char *socket;
    int minor; /* of the API version spoken */
    char *engine;
    LIST_HEAD(, docker_call) calls;
};

struct docker *docker_new(uv_loop_t *loop, const char *socket_path)
{
    struct docker *d = orc_new(struct docker);

    d->http = orc_http_new(loop);
    d->socket = orc_strdup(socket_path ? socket_path : DOCKER_SOCKET);
    d->minor = DOCKER_API_MINOR;
    d->engine = orc_strdup("");
    LIST_INIT(&d->calls);
    return d;
}

struct docker *docker_free(struct docker *d)
{
    if (!d)
        return NULL;
    orc_http_free(d->http); /* ends the calls */
    free(d->socket);
    free(d->engine);
    free(d);
    return NULL;
}

const char *docker_engine(const struct docker *d)
{
    return d->engine;
}

static void take_line(struct docker_call *call, const char *text, size_t n)
{
    json_t *line;

    while (n && (text[n - 1] == '\r' || text[n - 1] == '\n'))
        n--;
    if (!n)
        return;
    line = orc_json_parse(text, n, NULL);
    if (line && call->on_line)
        call->on_line(line, call->arg);
    json_decref(line);
}

/* One JSON document per line, cut anywhere on its way; a line past the cap is dropped whole. */
static void on_data(struct orc_http_call *http, const char *data, size_t n, void *arg)
{
    struct docker_call *call = arg;

    while (!call->discard && n) {
        const char *end = memchr(data, '\n', n);
        size_t part = end ? (size_t)(end - data) : n;

        if (orc_buf_add(&call->line, data, part) < 0)
            call->overlong = true;
        if (!end)
            return;
        if (!call->overlong)
            take_line(call, orc_buf_str(&call->line), call->line.len);
        orc_buf_clear(&call->line);
        call->overlong = false;
        data += part + 1;
        n -= part + 1;
    }
}

static enum docker_kind kind_of(int status)
{
    if (status == 304 || (status >= 200 && status < 300))
        return DOCKER_OK;
    if (status == 404)
        return DOCKER_NOT_FOUND;
    if (status == 409)
        return DOCKER_CONFLICT;
    return status >= 400 && status < 500 ? DOCKER_REFUSED : DOCKER_TROUBLE;
}

/* The engine's own words: {"message": "..."}. */
static char *message_of(const struct orc_http_res *res)
{
    orc_auto_json json_t *j = orc_json_parse(res->body, res->body_len, NULL);
    char *message = NULL;

    if (j && json_is_object(j))
        (void)orc_json_str_opt(j, "message", 700, &message, NULL);
    return message ? message : orc_strndup(res->body, res->body_len < 200 ? res->body_len : 200);
}

static const char *advice(int error)
{
    switch (error) {
    case -ENOENT:
    case -ECONNREFUSED:
        return "; is it running, and is this its socket (--docker)?";
    case -EACCES:
    case -EPERM:
        return "; nodelet must be root, or in the group that owns the socket";
    default:
        return "";
    }
}

static char *text_of(const struct docker_call *call, const struct orc_http_res *res, enum docker_kind kind)
{
    orc_auto_free char *message = NULL;

    if (kind == DOCKER_OK)
        return orc_strdup("");
    if (kind == DOCKER_DOWN)
        return orc_printf("the Docker Engine does not answer (%s)%s", res->error_text, advice(res->error));
    message = message_of(res);
    return orc_printf("the Docker Engine answered %d: %s", res->status, message);
}

static void on_done(const struct orc_http_res *res, void *arg)
{
    struct docker_call *call = arg;
    enum docker_kind kind = res->error ? DOCKER_DOWN : kind_of(res->status);
    orc_auto_free char *text = text_of(call, res, kind);
    orc_auto_json json_t *json = NULL;
    struct docker_res out = {.kind = kind, .status = res->status, .text = text};

    if (call->stream && !call->overlong && call->line.len)
        take_line(call, orc_buf_str(&call->line), call->line.len); /* a last line without its end */
    if (kind == DOCKER_OK && !call->stream && res->body_len)
        json = orc_json_parse(res->body, res->body_len, NULL);
    out.json = json;
    LIST_REMOVE(call, link);
    call->cb(&out, call->arg);
    orc_buf_release(&call->line);
    free(call);
}

struct docker_call *docker_request(struct docker *d, const struct docker_req *req)
{
    struct docker_call *call = orc_new(struct docker_call);
    orc_auto_free char *body = req->body ? orc_json_text(req->body) : NULL;
    orc_auto_free char *url =
        req->unversioned ? orc_printf("http://docker%s", req->path)
                         : orc_printf("http://docker/v%d.%d%s", DOCKER_API_MAJOR, d->minor, req->path);
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct orc_http_req http = {
        .method = req->method         ? req->method
                  : req->post || body ? "POST"
                                      : "GET",
        .url = url,
        .unix_socket = d->socket,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .headers = body ? headers : NULL,
        .timeout_ms = req->timeout_ms == UINT64_MAX ? 0
                      : req->timeout_ms             ? req->timeout_ms
                                                    : DOCKER_CALL_MS,
        .max_body = req->max_body ? req->max_body : MAX_BODY,
        .on_data = req->on_line || req->discard ? on_data : NULL,
        .on_done = on_done,
        .arg = call,
    };

    call->d = d;
    call->line = (struct orc_buf)ORC_BUF_INIT(MAX_LINE);
    call->stream = http.on_data != NULL;
    call->discard = req->discard;
    call->on_line = req->on_line;
    call->cb = req->cb;
    call->arg = req->arg;
    LIST_INSERT_HEAD(&d->calls, call, link);
    call->http = orc_http_start(d->http, &http);
    return call;
}

void docker_cancel(struct docker_call *call)
{
    orc_http_cancel(call->http);
}

struct negotiation {
    struct docker *d;
    docker_cb *cb;
    void *arg;
};

/* "1.41" to 41; -1 when it is no version of major 1. */
static int minor_of(const json_t *version, const char *key)
{
    const char *s = json_string_value(json_object_get(version, key));
    int major = 0, minor = -1;

    if (!s || sscanf(s, "%3d.%4d", &major, &minor) != 2 || major != DOCKER_API_MAJOR)
        return -1;
    return minor;
}

static bool agree(struct docker *d, const json_t *version, char **ret_text)
{
    int newest = minor_of(version, "ApiVersion"), oldest = minor_of(version, "MinAPIVersion");
    const char *engine = json_string_value(json_object_get(version, "Version"));
    int minor = newest < DOCKER_API_MINOR ? newest : DOCKER_API_MINOR;

    if (newest < DOCKER_API_OLDEST) {
        *ret_text = orc_printf("the Docker Engine at %s speaks API 1.%d at most; orc needs 1.%d or newer",
                               d->socket, newest, DOCKER_API_OLDEST);
        return false;
    }
    d->minor = oldest > minor ? oldest : minor;
    free(d->engine);
    d->engine = orc_printf("%.40s (API %d.%d)", engine ? engine : "?", DOCKER_API_MAJOR, d->minor);
    return true;
}

static void on_version(const struct docker_res *res, void *arg)
{
    struct negotiation *n = arg;
    struct docker_res out = *res;
    orc_auto_free char *text = NULL;

    if (res->kind == DOCKER_OK && !json_is_object(res->json)) {
        out.kind = DOCKER_TROUBLE;
        out.text = "the answer to GET /version is not JSON: is this socket a Docker Engine's?";
    } else if (res->kind == DOCKER_OK && !agree(n->d, res->json, &text)) {
        out.kind = DOCKER_REFUSED;
        out.text = text;
    }
    n->cb(&out, n->arg);
    free(n);
}

struct docker_call *docker_negotiate(struct docker *d, docker_cb *cb, void *arg)
{
    struct negotiation *n = orc_new(struct negotiation);
    struct docker_req req = {
        .path = "/version", .unversioned = true, .timeout_ms = 5000, .cb = on_version, .arg = n};

    *n = (struct negotiation){.d = d, .cb = cb, .arg = arg};
    return docker_request(d, &req);
}
