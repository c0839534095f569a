/* docker_events.h - what happens to containers with our label, as the engine tells it (GET /events).
 *
 * An event is a hint that something is to be looked at, not the truth: after each (re)connection, and from
 * then on every DOCKER_RESYNC_MS, the owner is asked to list everything anew. When the engine goes away the
 * stream ends; it is tried again with a back-off of 50 ms to 2 s until the engine answers /version.
 */
#ifndef NODELET_DOCKER_EVENTS_H
#define NODELET_DOCKER_EVENTS_H

#include "nodelet/docker.h"

#define DOCKER_RESYNC_MS (5 * 60 * 1000)

struct docker_events;

struct docker_events_opts {
    const char *label; /* "orc.cluster=<id>"; copied */
    /* action: "die", "destroy", "oom", "start", "kill"; task, sidecar: the labels' values, "" when absent;
     * code: the exit code of "die", the signal of "kill", else -1 */
    void (*on_event)(const char *action, const char *task, const char *sidecar, int code, void *arg);
    void (*on_resync)(void *arg);                           /* list everything now: the stream is up */
    void (*on_engine)(bool up, const char *why, void *arg); /* changes; `why` is a sentence when down */
    void *arg;
};

struct docker_events *docker_events_new(uv_loop_t *loop, struct docker *d,
                                        const struct docker_events_opts *opts);
struct docker_events *docker_events_free(struct docker_events *ev); /* NULL allowed; returns NULL */
bool docker_events_up(const struct docker_events *ev);

#endif
