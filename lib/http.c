#include "lib/http_internal.h"

#include "lib/mem.h"
#include "lib/units.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CONNECT_MS 3000
#define DEFAULT_MAX_BODY (1024 * 1024)
#define MAX_HEADER_BYTES (256 * 1024) /* of one answer, trailers included: libcurl itself sets no limit */

struct orc_http *orc_http_new(uv_loop_t *loop)
{
    static bool ready;
    struct orc_http *http = orc_new(struct orc_http);

    /* Once and for good: a later clean-up and new start would need files that a sandbox may refuse. */
    if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    ready = true;
    TAILQ_INIT(&http->calls);
    TAILQ_INIT(&http->ready);
    http_loop_init(http, loop);
    return http;
}

struct orc_http *orc_http_free(struct orc_http *http)
{
    struct orc_http_call *call;

    if (!http || http->closed)
        return NULL;
    http->closed = true;
    while ((call = TAILQ_FIRST(&http->calls)))
        orc_http_cancel(call);
    http_loop_close(http);
    http_unref(http);
    return NULL;
}

void http_make_ready(struct orc_http_call *call)
{
    if (call->is_ready)
        return;
    call->is_ready = true;
    TAILQ_INSERT_TAIL(&call->http->ready, call, in_ready);
}

static void unready(struct orc_http_call *call)
{
    if (!call->is_ready)
        return;
    call->is_ready = false;
    TAILQ_REMOVE(&call->http->ready, call, in_ready);
}

static void leave_curl(struct orc_http_call *call)
{
    if (call->in_multi)
        curl_multi_remove_handle(call->http->multi, call->easy);
    call->in_multi = false;
}

static void free_call(struct orc_http_call *call)
{
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    orc_buf_release(&call->body);
    orc_buf_release(&call->pending);
    free(call->request_body);
    free(call->error_text);
    free(call->peer);
    free(call);
}

/* The one place where a call ends for its user. */
static void finish(struct orc_http_call *call)
{
    struct orc_http_res res = {.error = call->error, .error_text = "", .status = call->status, .body = ""};

    leave_curl(call);
    unready(call);
    TAILQ_REMOVE(&call->http->calls, call, in_calls);
    call->http = NULL; /* from here on a cancel has no effect */
    if (call->error) {
        res.error_text = call->error_text;
    } else {
        res.body = orc_buf_str(&call->body);
        res.body_len = call->body.len;
    }
    call->on_done(&res, call->arg);
    free_call(call);
}

void orc_http_cancel(struct orc_http_call *call)
{
    if (!call->http)
        return;
    call->error = -ECANCELED;
    free(call->error_text);
    call->error_text = orc_printf("%s: cancelled", call->peer);
    finish(call);
}

/* Hands over what has arrived. The call may be gone afterwards. */
static void deliver(struct orc_http_call *call)
{
    struct orc_buf data = call->pending;

    orc_buf_init(&call->pending, SIZE_MAX / 2);
    if (!call->ended)
        unready(call);
    call->on_data(call, data.data, data.len, call->arg);
    orc_buf_release(&data);
}

void http_run_ready(struct orc_http *http)
{
    struct orc_http_call *call;

    http->refs++;
    while (!http->closed && (call = TAILQ_FIRST(&http->ready))) {
        if (call->pending.len)
            deliver(call);
        else if (call->ended)
            finish(call);
        else
            unready(call);
    }
    http_unref(http);
}

static int call_fail(struct orc_http_call *call, int error, const char *fmt, ...) ORC_PRINTF(3, 4);
static int call_fail(struct orc_http_call *call, int error, const char *fmt, ...)
{
    orc_auto_free char *clause = NULL;
    va_list ap;

    if (call->error) /* the first reason is the true one */
        return call->error;
    va_start(ap, fmt);
    clause = orc_vprintf(fmt, ap);
    va_end(ap);
    call->error = error;
    call->error_text = orc_printf("%s: %s", call->peer, clause);
    return error;
}

/* strerror() with a small letter, as the rest of a clause. */
static void fail_errnum(struct orc_http_call *call, int errnum)
{
    orc_auto_free char *text = orc_strdup(strerror(errnum));

    text[0] = (char)tolower((unsigned char)text[0]);
    call_fail(call, -errnum, "%s", text);
}

static void fail_timed_out(struct orc_http_call *call, bool sent)
{
    uint64_t connect = call->connect_timeout_ms, ms = call->timeout_ms;
    char text[ORC_UNIT_MAX];

    if (sent) {
        call_fail(call, -ETIMEDOUT, "no complete answer within %s", orc_format_duration(ms, text));
        return;
    }
    if (ms && ms < connect)
        connect = ms;
    call_fail(call, -ETIMEDOUT, "no connection within %s", orc_format_duration(connect, text));
}

/* What libcurl says of a failure that none of our own sentences covers. */
static const char *curl_reason(struct orc_http_call *call, CURLcode code)
{
    return call->curl_text[0] ? call->curl_text : curl_easy_strerror(code);
}

/* A server that misses a client's certificate says so after the client's part of the handshake, and closes
 * (RFC 8446, 4.4.2.4): for the client a connection that breaks. */
static void hint_at_certificate(struct orc_http_call *call)
{
    orc_auto_free char *text = orc_take(call->error_text);

    call->error_text =
        orc_printf("%s (TLS: no client certificate was given; does the server want one?)", text);
}

static void fail_curl(struct orc_http_call *call, CURLcode code)
{
    long errnum = 0, sent = 0;

    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &errnum);
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        fail_timed_out(call, sent);
        break;
    case CURLE_COULDNT_CONNECT:
        fail_errnum(call, errnum > 0 ? (int)errnum : ECONNREFUSED);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        call_fail(call, -EHOSTUNREACH, "the host name can't be resolved");
        break;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        if (errnum == ETIMEDOUT)
            call_fail(call, -ETIMEDOUT, "the peer fell silent");
        else if (errnum > 0)
            fail_errnum(call, (int)errnum);
        else
            call_fail(call, -EIO, "%s", curl_reason(call, code));
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND: /* see send_body() */
        call_fail(call, -ECONNRESET, "the connection was closed without an answer");
        break;
    case CURLE_PARTIAL_FILE:
        call_fail(call, -EIO, "the connection was closed in the middle of the answer");
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
        if (sent) {
            call_fail(call, -EPROTO, "the answer is not HTTP/1");
            break;
        }
        /* fall through */
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:
        call_fail(call, -EINVAL, "the URL is not accepted: %s", curl_reason(call, code));
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        call_fail(call, -EPROTO, "TLS: %s", curl_reason(call, code));
        break;
    default:
        call_fail(call, -EIO, "%s", curl_reason(call, code));
    }
    if (call->tls_nameless &&
        (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING))
        hint_at_certificate(call);
}

void http_call_ended(struct orc_http_call *call, CURLcode code)
{
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    call->status = (int)status;
    if (code != CURLE_OK)
        fail_curl(call, code);
    else if (!call->head_whole)
        call_fail(call, -EIO, "the connection was closed in the middle of the answer");
    leave_curl(call);
    call->ended = true;
    http_make_ready(call);
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct orc_http_call *call = arg;

    /* libcurl takes a head that the peer cut off for a whole answer */
    if ((n == 2 && memcmp(data, "\r\n", 2) == 0) || (n == 1 && *data == '\n'))
        call->head_whole = true;
    else if (n >= 5 && memcmp(data, "HTTP/", 5) == 0)
        call->head_whole = false;
    call->header_bytes += size * n;
    if (call->header_bytes > MAX_HEADER_BYTES) {
        call_fail(call, -EMSGSIZE, "the answer has more than %d bytes of headers", MAX_HEADER_BYTES);
        return CURL_WRITEFUNC_ERROR;
    }
    return size * n;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct orc_http_call *call = arg;
    long status = 0;

    n *= size;
    if (call->on_data)
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status <= 299) {
        if (orc_buf_add(&call->pending, data, n) < 0)
            return CURL_WRITEFUNC_ERROR;
        http_make_ready(call);
    } else if (orc_buf_add(&call->body, data, n) < 0) {
        call_fail(call, -EMSGSIZE, "the answer is larger than %zu bytes", call->body.max);
        return CURL_WRITEFUNC_ERROR;
    }
    return n;
}

/* The body is read piecewise and can't be rewound, on purpose: libcurl would otherwise silently send a
 * request again when a reused connection closes without an answer, although the server may have acted on the
 * first. */
static size_t send_body(char *to, size_t size, size_t n, void *arg)
{
    struct orc_http_call *call = arg;
    size_t left = call->request_len - call->request_sent;

    n *= size;
    if (n > left)
        n = left;
    if (n)
        memcpy(to, call->request_body + call->request_sent, n);
    call->request_sent += n;
    return n;
}

static long to_long_ms(uint64_t ms)
{
    return ms > INT_MAX ? INT_MAX : (long)ms;
}

/* "host:port" of a URL for messages; the URL itself when it isn't one. */
static char *peer_name(const struct orc_http_req *req)
{
    CURLU *u = req->unix_socket ? NULL : curl_url();
    char *host = NULL, *port = NULL, *name;

    if (req->unix_socket)
        return orc_strdup(req->unix_socket);
    if (u && req->url && curl_url_set(u, CURLUPART_URL, req->url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
        name = orc_printf("%s:%s", host, port);
    else
        name = orc_printf("\"%.200s\"", req->url ? req->url : "");
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return name;
}

static int set_headers(struct orc_http_call *call, const struct orc_http_req *req)
{
    bool typed = false;

    for (const char *const *h = req->headers; h && *h; h++) {
        if (strpbrk(*h, "\r\n") || !strchr(*h, ':'))
            return call_fail(call, -EINVAL, "the header line \"%.100s\" is not of the form \"Name: value\"",
                             *h);
        typed |= strncasecmp(*h, "Content-Type:", 13) == 0;
        call->headers = curl_slist_append(call->headers, *h);
    }
    call->headers = curl_slist_append(call->headers, "Expect:"); /* no waiting for "100 Continue" */
    if (!typed)
        call->headers = curl_slist_append(call->headers, "Content-Type:"); /* not libcurl's form default */
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return 0;
}

static int set_method(struct orc_http_call *call, const struct orc_http_req *req)
{
    const char *method = req->method ? req->method : req->body ? "POST" : "GET";

    if (!*method || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != strlen(method))
        return call_fail(call, -EINVAL, "\"%.20s\" is not an HTTP method", method);
    if (req->body || strcmp(method, "POST") == 0) {
        curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->request_len);
        curl_easy_setopt(call->easy, CURLOPT_READFUNCTION, send_body);
        curl_easy_setopt(call->easy, CURLOPT_READDATA, call);
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
    return 0;
}

/* libcurl does not name the file that it can't read. */
static int set_tls(struct orc_http_call *call, const struct orc_http_tls *tls)
{
    const char *const files[] = {tls->cacert, tls->cert, tls->key};
    static const CURLoption options[] = {CURLOPT_CAINFO, CURLOPT_SSLCERT, CURLOPT_SSLKEY};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(files); i++) {
        if (!files[i])
            continue;
        if (access(files[i], R_OK) < 0)
            return call_fail(call, -errno, "TLS: the file %s can't be read: %s", files[i], strerror(errno));
        curl_easy_setopt(call->easy, options[i], files[i]);
    }
    return 0;
}

static void set_basics(struct orc_http_call *call, const struct orc_http_req *req)
{
    CURL *easy = call->easy;

    call->tls_nameless =
        req->url && strncasecmp(req->url, "https:", 6) == 0 && (!req->tls || !req->tls->cert);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    curl_easy_setopt(easy, CURLOPT_URL, req->url ? req->url : "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "orc");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, to_long_ms(call->timeout_ms));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, to_long_ms(call->connect_timeout_ms));
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    if (req->unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
}

static struct orc_http_call *new_call(struct orc_http *http, const struct orc_http_req *req)
{
    struct orc_http_call *call = orc_new(struct orc_http_call);

    call->http = http;
    call->on_data = req->on_data;
    call->on_done = req->on_done;
    call->arg = req->arg;
    call->timeout_ms = req->timeout_ms;
    call->connect_timeout_ms = req->connect_timeout_ms ? req->connect_timeout_ms : DEFAULT_CONNECT_MS;
    call->dead_peer_ms = req->dead_peer_ms;
    call->peer = peer_name(req);
    orc_buf_init(&call->body, req->max_body ? req->max_body : DEFAULT_MAX_BODY);
    orc_buf_init(&call->pending, SIZE_MAX / 2);
    if (req->body) {
        call->request_len = req->body_len;
        call->request_body = orc_calloc(1, req->body_len);
        memcpy(call->request_body, req->body, req->body_len);
    }
    call->easy = curl_easy_init();
    if (!call->easy)
        abort(); /* out of memory */
    TAILQ_INSERT_TAIL(&http->calls, call, in_calls);
    return call;
}

static int begin(struct orc_http_call *call, const struct orc_http_req *req)
{
    CURLMcode code;

    if (call->http->closed)
        return call_fail(call, -ECANCELED, "the client is being closed");
    set_basics(call, req);
    if (set_method(call, req) < 0 || set_headers(call, req) < 0 || (req->tls && set_tls(call, req->tls) < 0))
        return call->error;
    code = curl_multi_add_handle(call->http->multi, call->easy);
    if (code != CURLM_OK)
        return call_fail(call, -EIO, "the call can't begin: %s", curl_multi_strerror(code));
    call->in_multi = true;
    return 0;
}

struct orc_http_call *orc_http_start(struct orc_http *http, const struct orc_http_req *req)
{
    struct orc_http_call *call = new_call(http, req);

    if (begin(call, req) < 0) {
        call->ended = true;
        http_make_ready(call);
        if (!http->closed)
            http_kick(http);
    }
    return call;
}

char *orc_http_escape(const char *s)
{
    struct orc_buf out = ORC_BUF_INIT(SIZE_MAX / 2);

    for (const unsigned char *p = (const unsigned char *)s; *p; p++)
        if ((*p < 0x80 && isalnum(*p)) || strchr("-._~", *p))
            orc_buf_add(&out, p, 1);
        else
            orc_buf_printf(&out, "%%%02X", *p);
    return orc_buf_take(&out);
}
