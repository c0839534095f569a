/* prober.h - makes one probe: HTTP, TCP, or a program in the container.
 *
 * Knows how to ask; what an answer means for the task is probe.h's. Time-outs are the caller's: it cancels.
 * Each probe ends exactly once in its callback, never inside of prober_start(), unless it is cancelled: then
 * there is no callback.
 */
#ifndef NODELET_PROBER_H
#define NODELET_PROBER_H

#include "lib/http.h"
#include "nodelet/docker_container.h"
#include "nodelet/probe.h"

struct prober;

struct prober_env {
    uv_loop_t *loop;
    struct orc_http *http;
    struct docker *docker;
};

/* `text`: the answer in a few words, the same for the same answer: "HTTP 503", "exit code 1". */
typedef void prober_cb(enum probe_result result, const char *text, void *arg);

/* `address`: numeric; `container`: for exec. `spec` is borrowed until the end. */
struct prober *prober_start(const struct prober_env *env, const struct spec_health *spec, const char *address,
                            const char *container, prober_cb *cb, void *arg);
void prober_cancel(struct prober *p);

#endif
