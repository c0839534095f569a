/* http.h - an HTTP/1.1 client on a libuv loop (libcurl's multi interface), over TCP, TLS and unix sockets.
 *
 * It must not know what it carries. Life cycle: one orc_http per loop; any number of calls in flight; each
 * call ends exactly once, in its on_done, whatever happens: an answer, a failure, a time-out, or
 * orc_http_cancel(), which calls on_done before it returns. After on_done the call is gone. on_done and
 * on_data run on the loop, never inside orc_http_start(). They may start and cancel other calls; on_data may
 * cancel its own. Redirects are not followed; proxies from the environment are not used. A request with a
 * body is sent at most once: when a reused connection closes without an answer the call ends with
 * -ECONNRESET, and whether the server acted on it is unknown.
 */
#ifndef LIB_HTTP_H
#define LIB_HTTP_H

#include "lib/err.h"

#include <stdint.h>
#include <uv.h>

struct orc_http;
struct orc_http_call;

struct orc_http_tls { /* files in PEM; all NULL: the system's store, no client certificate */
    const char *cacert, *cert, *key;
};

struct orc_http_res {
    int error; /* 0: an answer came whole; -ECANCELED, -ETIMEDOUT, -ECONNREFUSED, -EMSGSIZE, -EIO ... */
    const char *error_text; /* a clause for people, "" when error is 0: "10.0.0.5:2379: connection refused" */
    int status;             /* 0 when no status line arrived */
    const char *body;       /* NUL-terminated, "" when streamed; valid during on_done only */
    size_t body_len;
};

struct orc_http_req {
    const char *method;      /* NULL: GET, or POST with a body */
    const char *url;         /* absolute; with unix_socket the host part only fills the Host header */
    const char *unix_socket; /* NULL: TCP */
    const char *body;        /* copied */
    size_t body_len;
    const char *const *headers;     /* NULL-terminated "Name: value" lines, copied; may be NULL */
    const struct orc_http_tls *tls; /* copied; for https URLs */
    uint64_t timeout_ms;            /* the whole call; 0: none (a stream) */
    uint64_t connect_timeout_ms;    /* 0: 3000 */
    /* > 0: a stream whose TCP peer falls silent ends with -ETIMEDOUT after about so long (keep-alive probes
     * and TCP_USER_TIMEOUT; see tcp(7)). The server need not send anything. */
    uint64_t dead_peer_ms;
    size_t max_body; /* bytes collected for on_done; 0: 1 MiB; more ends the call with -EMSGSIZE */
    /* Streamed: called per piece as it arrives, only for 2xx answers (others are collected); NULL: collect.
     */
    void (*on_data)(struct orc_http_call *call, const char *data, size_t n, void *arg);
    void (*on_done)(const struct orc_http_res *res, void *arg); /* required */
    void *arg;
};

struct orc_http *orc_http_new(uv_loop_t *loop);
/* Cancels what is in flight, then frees; returns NULL. Its handles end when the loop has run on once more. */
struct orc_http *orc_http_free(struct orc_http *http);

/* Starts a call; everything in req is copied. A malformed request also ends in on_done. Never NULL. */
struct orc_http_call *orc_http_start(struct orc_http *http, const struct orc_http_req *req);
void orc_http_cancel(struct orc_http_call *call);

/* Percent-encodes one path segment or query value (RFC 3986 unreserved characters stay); freed by the caller.
 */
char *orc_http_escape(const char *s);

#endif
