/* etcd.c - endpoints, and the life of a call: sent, failed over, ended once. */
#include "state/etcd_internal.h"

#include <string.h>

#define DEFAULT_TIMEOUT_MS 5000
#define CONNECT_TIMEOUT_MS 2000
#define ENDPOINTS_MAX 100
#define ERRORS_MAX 900 /* bytes of all clauses together */

/* Endpoints ------------------------------------------------------------------------------------------- */

static int bad_endpoint(struct orc_err *err, const char *text, const char *why)
{
    return orc_fail(err, -EINVAL,
                    "etcd endpoint \"%.200s\" is not valid: %s; give http://HOST:PORT, https://HOST:PORT or "
                    "unix:/PATH",
                    text, why);
}

static int parse_unix(const char *text, struct etcd_endpoint *ret, struct orc_err *err)
{
    const char *path = text + strlen("unix:");

    if (strncmp(path, "//", 2) == 0) /* unix:///run/etcd.sock */
        path += 2;
    if (*path != '/')
        return bad_endpoint(err, text, "the socket's path must be absolute");
    if (strlen(path) > 107) /* unix(7): sun_path */
        return bad_endpoint(err, text, "a socket's path has at most 107 bytes");
    ret->unix_socket = orc_strdup(path);
    ret->url = orc_strdup("http://etcd");
    return 0;
}

static int parse_endpoint(const char *text, struct etcd_endpoint *ret, struct orc_err *err)
{
    const char *scheme = strstr(text, "://"), *host = scheme ? scheme + 3 : text;
    size_t n = strcspn(host, "/");

    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text, ret, err);
    if (scheme && strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return bad_endpoint(err, text, "its scheme is neither http nor https nor unix");
    if (n == 0 || n > 300 || strcspn(host, " \t\r\n?#@\"\\") < n)
        return bad_endpoint(err, text, "it has no proper host name or address");
    if (host[n] && host[n + 1])
        return bad_endpoint(err, text, "it has a path");
    ret->url =
        scheme ? orc_strndup(text, (size_t)(host - text) + n) : orc_printf("http://%.*s", (int)n, host);
    return 0;
}

static int add_endpoint(struct etcd *e, const char *text, struct orc_err *err)
{
    struct etcd_endpoint parsed = {0};
    int r = parse_endpoint(text, &parsed, err);

    if (r < 0)
        return r;
    parsed.name = orc_strdup(parsed.unix_socket ? text : parsed.url);
    orc_vec_push(&e->endpoints, parsed);
    return 0;
}

static int add_endpoints(struct etcd *e, const struct orc_strv *texts, struct orc_err *err)
{
    int r = 0;

    if (texts->n < 1 || texts->n > ENDPOINTS_MAX)
        return orc_fail(err, -EINVAL,
                        "%zu etcd endpoints are given; give 1 to %d, such as http://10.0.0.5:2379", texts->n,
                        ENDPOINTS_MAX);
    for (size_t i = 0; i < texts->n && r == 0; i++)
        r = add_endpoint(e, texts->at[i], err);
    return r;
}

struct etcd *etcd_new(uv_loop_t *loop, const struct etcd_opts *opts, struct orc_err *err)
{
    struct etcd *e = orc_new(struct etcd);

    LIST_INIT(&e->calls);
    LIST_INIT(&e->listeners);
    if (add_endpoints(e, opts->endpoints, err) < 0)
        return etcd_free(e);
    e->loop = loop;
    e->timeout_ms = opts->timeout_ms ? opts->timeout_ms : DEFAULT_TIMEOUT_MS;
    e->tls.cacert = e->cacert = orc_strdup(opts->tls.cacert);
    e->tls.cert = e->cert = orc_strdup(opts->tls.cert);
    e->tls.key = e->key = orc_strdup(opts->tls.key);
    e->http = orc_http_new(loop);
    return e;
}

struct etcd *etcd_free(struct etcd *e)
{
    if (!e)
        return NULL;
    while (!LIST_EMPTY(&e->calls))
        etcd_cancel(LIST_FIRST(&e->calls));
    orc_http_free(e->http);
    for (size_t i = 0; i < e->endpoints.n; i++) {
        free(e->endpoints.at[i].name);
        free(e->endpoints.at[i].url);
        free(e->endpoints.at[i].unix_socket);
    }
    orc_vec_release(&e->endpoints);
    free(e->cacert);
    free(e->cert);
    free(e->key);
    free(e);
    return NULL;
}

const char *etcd_endpoint(const struct etcd *e)
{
    return e->endpoints.at[e->current].name;
}

void etcd_address(struct etcd *e, size_t endpoint, const char *path, struct orc_http_req *req, char **ret_url)
{
    const struct etcd_endpoint *at = &e->endpoints.at[endpoint];

    *ret_url = orc_printf("%s%s", at->url, path);
    req->url = *ret_url;
    req->unix_socket = at->unix_socket;
    req->tls = &e->tls;
}

void etcd_listen(struct etcd *e, struct etcd_listener *l)
{
    LIST_INSERT_HEAD(&e->listeners, l, link);
}

void etcd_unlisten(struct etcd_listener *l)
{
    LIST_REMOVE(l, link);
}

void etcd_trouble(struct etcd *e, size_t endpoint)
{
    struct etcd_listener *l, *next;

    e->doubt.doubts++;
    if (e->current == endpoint)
        e->current = (endpoint + 1) % e->endpoints.n;
    for (l = LIST_FIRST(&e->listeners); l; l = next) {
        next = LIST_NEXT(l, link);
        l->on_trouble(endpoint, l->arg);
    }
}

/* The guard ------------------------------------------------------------------------------------------- */

void etcd_guard(struct etcd *e, struct guard *g)
{
    e->doubt.guard = g;
    e->doubt.doubts++;
}

static void tell_doubt(struct etcd *e)
{
    struct etcd_listener *l, *next;

    for (l = LIST_FIRST(&e->listeners); l; l = next) {
        next = LIST_NEXT(l, link);
        if (l->on_doubt)
            l->on_doubt(l->arg);
    }
}

/* What the header of an answer tells; that of a keep-alive stands in the first message of a stream. False
 * when there is none: etcd puts one into every answer. */
static bool learn(struct etcd_call *call, const json_t *answer)
{
    struct etcd *e = call->e;
    const json_t *result = json_object_get(answer, "result");
    uint64_t cluster_id;
    int64_t revision;

    wire_header(result ? result : answer, &cluster_id, &revision);
    if (!cluster_id)
        return false;
    if (!etcd_doubt_learn(&e->doubt, cluster_id, revision, call->result.asked_at, call->doubts, call->lease))
        tell_doubt(e);
    return true;
}

/* Errors ---------------------------------------------------------------------------------------------- */

/* google.rpc.Code as etcd uses it. */
static int errno_of(int64_t code, const char *text)
{
    switch (code) {
    case 3: /* INVALID_ARGUMENT */
        return -EINVAL;
    case 4: /* DEADLINE_EXCEEDED */
        return -ETIMEDOUT;
    case 5: /* NOT_FOUND */
        return -ENOENT;
    case 7:  /* PERMISSION_DENIED */
    case 16: /* UNAUTHENTICATED */
        return -EACCES;
    case 8: /* RESOURCE_EXHAUSTED */
        return strstr(text, "space") ? -ENOSPC : -EAGAIN;
    case 11: /* OUT_OF_RANGE */
        return strstr(text, "compacted") ? -ESTALE : -EAGAIN;
    case 14: /* UNAVAILABLE */
        return -EAGAIN;
    default:
        return -EIO;
    }
}

bool etcd_error_of(const json_t *answer, int *ret_error, const char **ret_text)
{
    const json_t *error = json_object_get(answer, "error"), *from = json_is_object(error) ? error : answer;
    const char *text = json_string_value(json_object_get(from, "message"));
    int64_t code = wire_int(from, json_is_object(error) ? "grpc_code" : "code");

    if (!error)
        return false;
    if (!text)
        text = json_string_value(error);
    *ret_text = text ? text : "an error without a message";
    *ret_error = errno_of(code, *ret_text);
    return true;
}

/* Was the request certainly not acted on? Of transport errors only those that come before sending. */
static bool surely_unsent(const struct orc_http_res *res, const char *etcd_text)
{
    switch (res->error) {
    case 0:
        return (res->status >= 400 && res->status < 500) || strstr(etcd_text, "no leader") ||
               strstr(etcd_text, "too many requests");
    case -ECONNREFUSED:
    case -ENOENT: /* a unix socket that isn't there */
    case -EACCES:
    case -EINVAL:
    case -EPROTO: /* the TLS handshake */
        return true;
    default:
        return false;
    }
}

static void add_error(struct etcd_call *call, const char *clause)
{
    if (!call->clauses) {
        call->n_clauses = call->e->endpoints.n;
        call->clauses = orc_calloc(call->n_clauses, sizeof *call->clauses);
    }
    orc_set_str(&call->clauses[call->endpoint], clause);
}

/* In the endpoints' order, wherever the call began: the same trouble is the same sentence, which a log then
 * says once. */
static void join_errors(struct etcd_call *call)
{
    for (size_t i = 0; i < call->n_clauses; i++)
        if (call->clauses[i])
            orc_buf_printf(&call->errors, "%setcd %.100s: %.300s", call->errors.len ? "; " : "",
                           call->e->endpoints.at[i].name, call->clauses[i]);
}

/* Calls ----------------------------------------------------------------------------------------------- */

static void attempt(struct etcd_call *call);

static void free_call(struct etcd_call *call)
{
    if (call->extra_free)
        call->extra_free(call->extra);
    timer_free(call->ender);
    wire_kvs_release(&call->kvs);
    orc_buf_release(&call->body);
    orc_buf_release(&call->errors);
    for (size_t i = 0; i < call->n_clauses; i++)
        free(call->clauses[i]);
    free(call->clauses);
    free(call);
}

/* The one place where a call ends. */
static void finish(struct etcd_call *call)
{
    LIST_REMOVE(call, link);
    if (!call->errors.len)
        join_errors(call);
    call->result.error_text = call->result.error ? orc_buf_str(&call->errors) : "";
    call->result.kvs = call->kvs.at;
    call->result.n_kvs = call->result.error ? 0 : call->kvs.n;
    call->cb(&call->result, call->arg);
    if (!call->busy)
        free_call(call);
}

void etcd_cancel(struct etcd_call *call)
{
    call->cancelled = true;
    if (call->http)
        orc_http_cancel(call->http);
    call->result.error = -ECANCELED;
    call->result.maybe = call->write && call->tries > 0 && !call->judging;
    orc_buf_clear(&call->errors);
    orc_buf_puts(&call->errors, "cancelled");
    finish(call);
}

/* Tries elsewhere, or ends the call. */
static void failed(struct etcd_call *call, int error, bool unsent, const char *clause)
{
    struct etcd *e = call->e;
    /* an idle connection that etcd closed meanwhile is worth one more try where there is no other endpoint */
    size_t tries_max = e->endpoints.n + (error == -ECONNRESET ? 1 : 0);
    bool again = !call->once && !call->pinned && call->tries < tries_max && (unsent || !call->write);

    add_error(call, clause);
    call->result.error = error;
    call->result.maybe = call->write && !unsent;
    if (!again) {
        finish(call);
        return;
    }
    call->endpoint = (call->endpoint + 1) % e->endpoints.n;
    attempt(call);
}

static void answered(struct etcd_call *call, const struct wire_doc *answer)
{
    struct orc_err err = ORC_ERR_INIT;
    int r;

    if (!learn(call, answer->json)) {
        etcd_trouble(call->e, call->endpoint);
        failed(call, -EPROTO, call->judging, "an answer without etcd's header; is this etcd?");
        return;
    }
    if (call->judging) {
        call->tries--;
        attempt(call);
        return;
    }
    wire_header(answer->json, &call->result.cluster_id, &call->result.revision);
    call->busy = true;
    r = call->on_answer ? call->on_answer(call, answer, &err) : 0;
    call->busy = false;
    if (r == ETCD_ENDED) {
        free_call(call);
    } else if (r < 0) {
        failed(call, r, false, err.msg);
    } else if (r == ETCD_AGAIN) {
        call->tries = 0;
        attempt(call);
    } else {
        call->result.error = 0;
        finish(call);
    }
}

static void refused(struct etcd_call *call, const struct orc_http_res *res, const json_t *answer,
                    const char *parse_error)
{
    orc_auto_free char *clause = NULL;
    const char *text = parse_error;
    int error = -EPROTO;
    bool unsent;

    if (answer && !etcd_error_of(answer, &error, &text))
        text = "no error document; is this etcd?";
    unsent = call->judging || surely_unsent(res, text);
    if (error == -ENOSPC)
        clause = orc_printf("%s (HTTP %d); the store is full: compact and defragment it, then run "
                            "`etcdctl alarm disarm`",
                            text, res->status);
    else
        clause = orc_printf("HTTP %d: %s", res->status, text);
    if (res->status >= 500) {
        etcd_trouble(call->e, call->endpoint);
        failed(call, error, unsent, clause);
        return;
    }
    call->once = true; /* another endpoint would say the same */
    failed(call, error, unsent, clause);
}

/* The clause without the peer's name in front: the endpoint's name is there already. */
static const char *bare(const char *clause)
{
    const char *colon = strstr(clause, ": ");

    return colon ? colon + 2 : clause;
}

static void on_http_done(const struct orc_http_res *res, void *arg)
{
    struct etcd_call *call = arg;
    struct orc_err err = ORC_ERR_INIT;
    struct wire_doc answer;

    call->http = NULL;
    if (call->cancelled)
        return;
    if (res->error == -EMSGSIZE && call->on_too_large && call->on_too_large(call)) {
        attempt(call);
        return;
    }
    if (res->error) {
        orc_auto_free char *clause = orc_strdup(bare(res->error_text));

        etcd_trouble(call->e, call->endpoint);
        failed(call, res->error, call->judging || surely_unsent(res, ""), clause);
        return;
    }
    wire_doc_parse(&answer, res->body, res->body_len, &err);
    if (res->status == 200 && answer.json && !json_object_get(answer.json, "error"))
        answered(call, &answer);
    else
        refused(call, res, answer.json, err.msg);
    wire_doc_release(&answer);
}

/* Reads get a share of the time-out per endpoint, so that a frozen one leaves time for another. */
static uint64_t attempt_ms(const struct etcd_call *call)
{
    size_t n = call->e->endpoints.n < 3 ? call->e->endpoints.n : 3;

    return call->write || call->once || call->pinned ? call->timeout_ms : call->timeout_ms / n;
}

static void on_ender(void *arg)
{
    finish(arg);
}

static void end_later(struct etcd_call *call)
{
    call->ender = timer_new(call->e->loop, on_ender, call);
    timer_start(call->ender, 0);
}

static void hold_back(struct etcd_call *call)
{
    call->result.error = -EPERM;
    call->result.maybe = false;
    orc_buf_puts(&call->errors, call->e->doubt.guard->reason);
    end_later(call);
}

static void attempt(struct etcd_call *call)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    /* Linearizable, of no key of ours: for its header. */
    static const char question[] = "{\"key\":\"AA==\",\"count_only\":true}";
    struct etcd *e = call->e;
    orc_auto_free char *url = NULL;
    struct orc_http_req req = {.body = orc_buf_str(&call->body),
                               .body_len = call->body.len,
                               .headers = headers,
                               .timeout_ms = attempt_ms(call),
                               .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                               .max_body = WIRE_ANSWER_MAX,
                               .on_done = on_http_done,
                               .arg = call};

    enum etcd_leave leave = etcd_doubt_leave(&e->doubt, call->write);

    if (leave == ETCD_HOLD) {
        hold_back(call);
        return;
    }
    call->judging = leave == ETCD_ASK;
    if (call->judging) {
        req.body = question;
        req.body_len = sizeof question - 1;
    }
    call->tries++;
    call->doubts = e->doubt.doubts;
    call->result.asked_at = etcd_doubt_asked_at(&e->doubt);
    etcd_address(e, call->endpoint, call->judging ? "/v3/kv/range" : call->path, &req, &url);
    call->http = orc_http_start(e->http, &req);
}

static void reject(struct etcd_call *call, const struct etcd_request *req)
{
    call->result.error = req->reject;
    orc_buf_puts(&call->errors, req->reject_text);
    end_later(call);
}

struct etcd_call *etcd_call_start(struct etcd *e, const struct etcd_request *req)
{
    struct etcd_call *call = orc_new(struct etcd_call);

    call->e = e;
    call->path = req->path;
    call->body = *req->body;
    call->write = req->write;
    call->lease = req->lease;
    call->once = req->once;
    call->pinned = req->pinned;
    call->endpoint = req->pinned ? req->endpoint : e->current;
    call->timeout_ms = req->timeout_ms ? req->timeout_ms : e->timeout_ms;
    call->on_answer = req->on_answer;
    call->on_too_large = req->on_too_large;
    call->extra = req->extra;
    call->extra_free = req->extra_free;
    call->cb = req->cb;
    call->arg = req->arg;
    orc_buf_init(&call->errors, ERRORS_MAX);
    LIST_INSERT_HEAD(&e->calls, call, link);
    if (req->reject)
        reject(call, req);
    else
        attempt(call);
    return call;
}
