/* etcd_internal.h - what etcd.c (endpoints, calls), etcd_kv.c (the single requests), txn.c and watch.c share.
 */
#ifndef STATE_ETCD_INTERNAL_H
#define STATE_ETCD_INTERNAL_H

#include "lib/buf.h"
#include "lib/json.h"
#include "state/etcd.h"
#include "state/etcd_doubt.h"
#include "state/timer.h"
#include "state/wire.h"

#include <sys/queue.h>

struct etcd_endpoint {
    char *name; /* as given, for messages */
    char *url;  /* "http://host:port" without a slash at its end */
    char *unix_socket;
};

/* Told when an endpoint failed to answer somebody: whoever has a stream there has reason to doubt it; and
 * when somebody's answer looked like another store's: ask what it is. Not the place to start or end calls. */
struct etcd_listener {
    void (*on_trouble)(size_t endpoint, void *arg);
    void (*on_doubt)(void *arg);
    void *arg;
    LIST_ENTRY(etcd_listener) link;
};

struct etcd {
    uv_loop_t *loop;
    struct orc_http *http;
    struct {
        struct etcd_endpoint *at;
        size_t n, cap;
    } endpoints;
    size_t current; /* the endpoint in use */
    char *cacert, *cert, *key;
    struct orc_http_tls tls;
    uint64_t timeout_ms;
    struct etcd_doubt doubt;
    LIST_HEAD(, etcd_call) calls;
    LIST_HEAD(, etcd_listener) listeners;
};

/* Takes an answer in: 0 when the call is complete; ETCD_AGAIN when call->body holds the next request; or
 * negative with a sentence. */
#define ETCD_AGAIN 1
#define ETCD_ENDED 2 /* the call was cancelled meanwhile: its callback has run */
typedef int etcd_on_answer(struct etcd_call *call, const struct wire_doc *answer, struct orc_err *err);

struct etcd_request {
    const char *path;     /* "/v3/kv/range" */
    struct orc_buf *body; /* taken */
    bool write;           /* tried elsewhere only when it surely was not sent */
    bool lease;           /* its answer may be a lagging member's */
    bool once;            /* not tried elsewhere at all */
    bool pinned;          /* at `endpoint` only */
    size_t endpoint;
    uint64_t timeout_ms; /* 0: the client's */
    int reject;          /* negative: ends with this error and `reject_text`, nothing is sent */
    const char *reject_text;
    etcd_on_answer *on_answer; /* may be NULL: the header is all there is to know */
    /* The answer was too large: puts a smaller request into call->body and returns true; may be NULL. */
    bool (*on_too_large)(struct etcd_call *call);
    void *extra; /* the request's own; owned by the call */
    void (*extra_free)(void *extra);
    etcd_cb *cb;
    void *arg;
};
struct etcd_call *etcd_call_start(struct etcd *e, const struct etcd_request *req);

struct etcd_call {
    struct etcd *e;
    LIST_ENTRY(etcd_call) link;
    const char *path;
    struct orc_buf body;
    bool write, lease, once, pinned, cancelled;
    bool judging;    /* asks which store this is; the write itself comes next */
    uint64_t doubts; /* struct etcd's, when it was sent */
    bool busy;       /* its on_answer is on the stack: a cancel leaves the memory to it */
    size_t endpoint, tries;
    uint64_t timeout_ms;
    struct orc_http_call *http;
    struct timer *ender; /* ends a rejected call from the loop */
    etcd_on_answer *on_answer;
    bool (*on_too_large)(struct etcd_call *call);
    void *extra;
    void (*extra_free)(void *extra);
    struct etcd_result result;
    struct wire_kvs kvs;
    char **clauses; /* by endpoint: what it failed with last; NULL: none did */
    size_t n_clauses;
    struct orc_buf errors; /* the call's own reason, or at its end the clauses */
    etcd_cb *cb;
    void *arg;
};

/* Fills url and unix_socket of an HTTP request to one endpoint; *ret_url is freed by the caller. */
void etcd_address(struct etcd *e, size_t endpoint, const char *path, struct orc_http_req *req,
                  char **ret_url);
/* The endpoint failed: others are used from now on, and listeners are told. */
void etcd_trouble(struct etcd *e, size_t endpoint);
void etcd_listen(struct etcd *e, struct etcd_listener *l);
void etcd_unlisten(struct etcd_listener *l);

/* What etcd says in an error document ({"error":..., "code":...}; streams nest it): the errno and the
 * sentence, borrowed from `answer`. False when it is none. */
bool etcd_error_of(const json_t *answer, int *ret_error, const char **ret_text);

/* A linearizable get of one key at one endpoint, for judging that endpoint. */
struct etcd_call *etcd_get_at(struct etcd *e, size_t endpoint, const char *key, uint64_t timeout_ms,
                              etcd_cb *cb, void *arg);

#endif
