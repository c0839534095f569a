/* docker.h - requests to one Docker Engine over its unix socket.
 *
 * Knows the Engine API's envelope: version negotiation, error documents, streams of JSON lines. It must not
 * know what a container of orc looks like (container_config.h) nor decide anything. What is asked of the
 * engine is in docker_container.h, docker_image.h, docker_network.h and docker_events.h.
 *
 * Every call ends exactly once, in its callback, on the loop, never inside the starting function;
 * docker_cancel() and docker_free() end it with DOCKER_DOWN before they return. Results are valid during the
 * callback only. Callbacks may start and cancel calls, but not free the client.
 */
#ifndef NODELET_DOCKER_H
#define NODELET_DOCKER_H

#include "lib/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define DOCKER_SOCKET "/var/run/docker.sock"
#define DOCKER_API_MAJOR 1
#define DOCKER_API_MINOR 41 /* the newest API version that orc speaks; older servers are met at theirs */
#define DOCKER_API_OLDEST 25
#define DOCKER_CALL_MS 30000

struct docker;
struct docker_call;

enum docker_kind {
    DOCKER_OK,        /* 2xx, or 304: it was so already */
    DOCKER_NOT_FOUND, /* 404 */
    DOCKER_CONFLICT,  /* 409 */
    DOCKER_REFUSED,   /* other 4xx: asking again will not help */
    DOCKER_TROUBLE,   /* 5xx, or an answer that isn't the engine's */
    DOCKER_DOWN,      /* no answer: not running, broken connection, time-out, cancelled */
};

struct docker_res {
    enum docker_kind kind;
    int status;         /* HTTP; 0 without an answer */
    const char *text;   /* a sentence when kind is not DOCKER_OK, quoting the engine */
    const json_t *json; /* of a DOCKER_OK answer that was JSON, else NULL */
};
typedef void docker_cb(const struct docker_res *res, void *arg);

struct docker_req {
    const char *method; /* NULL: GET, or POST with a body */
    const char *path;   /* "/containers/json?all=1", below the version */
    const json_t *body; /* not kept */
    bool post;          /* POST without a body */
    bool unversioned;
    uint64_t timeout_ms; /* 0: DOCKER_CALL_MS; UINT64_MAX: none */
    size_t max_body;     /* 0: 4 MiB */
    /* A stream of JSON documents, one per line; each is handed over whole. NULL: collected. */
    void (*on_line)(const json_t *line, void *arg);
    bool discard; /* a stream whose bytes nobody wants */
    docker_cb *cb;
    void *arg;
};

struct docker *docker_new(uv_loop_t *loop, const char *socket_path); /* NULL: DOCKER_SOCKET; copied */
struct docker *docker_free(struct docker *d);                        /* NULL allowed; returns NULL */

struct docker_call *docker_request(struct docker *d, const struct docker_req *req);
void docker_cancel(struct docker_call *call);

/* Asks GET /version and from then on speaks min(ours, the engine's), but not below what the engine accepts.
 * DOCKER_REFUSED with a sentence when there is no common version. Also the way to find out whether the engine
 * is up. */
struct docker_call *docker_negotiate(struct docker *d, docker_cb *cb, void *arg);

const char *docker_engine(const struct docker *d); /* "20.10.24 (API 1.41)"; "" before negotiation */

#endif
