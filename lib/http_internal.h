/* http_internal.h - what http.c (calls) and http_loop.c (libcurl's multi handle on the loop) share.
 *
 * Invariant: no callback of a user runs inside libcurl. What libcurl delivers is kept in the call, the call
 * is put on `ready`, and http_run_ready() works the queue off once libcurl has returned. So users may start,
 * cancel and free whatever they like from their callbacks.
 */
#ifndef LIB_HTTP_INTERNAL_H
#define LIB_HTTP_INTERNAL_H

#include "lib/buf.h"
#include "lib/http.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/queue.h>

TAILQ_HEAD(http_calls, orc_http_call);

struct orc_http {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timeout;      /* libcurl's */
    uv_timer_t kick;         /* calls that ended before they began */
    struct http_calls calls; /* all */
    struct http_calls ready; /* those with data to hand over, or ended */
    unsigned refs;           /* owner, open handles, http_run_ready() */
    bool closed;             /* orc_http_free() was called */
};

struct orc_http_call {
    struct orc_http *http;
    TAILQ_ENTRY(orc_http_call) in_calls, in_ready;
    CURL *easy;
    bool in_multi, is_ready, ended;
    char *peer; /* "10.0.0.5:2379" or the socket's path, for messages */
    char *request_body;
    size_t request_len, request_sent;
    struct curl_slist *headers;
    uint64_t timeout_ms, connect_timeout_ms, dead_peer_ms;
    size_t header_bytes;
    bool tls_nameless;      /* over TLS, without a client certificate */
    bool head_whole;        /* the empty line after the headers has come */
    struct orc_buf body;    /* collected for on_done */
    struct orc_buf pending; /* streamed, not yet handed over */
    void (*on_data)(struct orc_http_call *call, const char *data, size_t n, void *arg);
    void (*on_done)(const struct orc_http_res *res, void *arg);
    void *arg;
    int status, error;
    char *error_text;
    char curl_text[CURL_ERROR_SIZE];
};

/* http.c: the outcome of a call by libcurl's result; does not yet tell the user. */
void http_call_ended(struct orc_http_call *call, CURLcode code);
/* http.c: hands data over and ends calls until nothing is ready. */
void http_run_ready(struct orc_http *http);
void http_make_ready(struct orc_http_call *call);

/* http_loop.c */
void http_loop_init(struct orc_http *http, uv_loop_t *loop);
void http_loop_close(struct orc_http *http);
void http_unref(struct orc_http *http);
void http_kick(struct orc_http *http); /* has http_run_ready() called from the loop */

#endif
