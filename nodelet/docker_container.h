/* docker_container.h - the engine's calls for containers. Each is idempotent as far as the API lets it be: to
 * stop what is stopped or remove what is gone is a success.
 *
 * References are an id or a name ("orc-shop.web.0.3"), never text from outside.
 */
#ifndef NODELET_DOCKER_CONTAINER_H
#define NODELET_DOCKER_CONTAINER_H

#include "nodelet/docker.h"

#define DOCKER_ID_MAX 64

/* A container as inspect or list shows it. Strings are borrowed from the answer. */
struct docker_container {
    const char *id, *task, *cluster; /* task, cluster: labels; "" when absent */
    const char *hash, *sidecar;
    bool running, created; /* created: never started. Neither: it exited */
    bool removing;
    int exit_code;                      /* inspect only */
    bool oom;                           /* inspect only */
    const char *started, *network_mode; /* inspect only: RFC 3339 in UTC; "container:<id>" ... */
};
/* 0, or -EINVAL when the answer is not what the API says. */
int docker_container_from_inspect(const json_t *j, struct docker_container *ret);
int docker_container_from_list(const json_t *j, struct docker_container *ret);

/* DOCKER_NOT_FOUND: no such image. DOCKER_CONFLICT: the name is taken. res->json has "Id".
 * `platform`: "linux/arm64"; NULL: whatever the image is of. */
struct docker_call *docker_container_create(struct docker *d, const char *name, const char *platform,
                                            const json_t *config, docker_cb *cb, void *arg);
struct docker_call *docker_container_start(struct docker *d, const char *ref, docker_cb *cb, void *arg);
/* The container's stop signal, then KILL after grace_ms (rounded up to seconds). */
struct docker_call *docker_container_stop(struct docker *d, const char *ref, uint64_t grace_ms, docker_cb *cb,
                                          void *arg);
struct docker_call *docker_container_kill(struct docker *d, const char *ref, docker_cb *cb, void *arg);
/* With its anonymous volumes; also when it runs if `force`. Gone already: DOCKER_OK. */
struct docker_call *docker_container_remove(struct docker *d, const char *ref, bool force, docker_cb *cb,
                                            void *arg);
struct docker_call *docker_container_inspect(struct docker *d, const char *ref, docker_cb *cb, void *arg);
/* All containers, also stopped ones, with this label ("orc.cluster=..."): res->json is a list. */
struct docker_call *docker_container_list(struct docker *d, const char *label, docker_cb *cb, void *arg);

/* Runs argv in the container. The callback gets DOCKER_OK with *ret_exit in `exit_code`. */
struct docker_exec;
typedef void docker_exec_cb(enum docker_kind kind, const char *text, int exit_code, void *arg);
struct docker_exec *docker_exec_start(struct docker *d, const char *ref, const struct orc_strv *argv,
                                      docker_exec_cb *cb, void *arg);
/* No callback any more. The program, which the API can't end, is killed if this process may do so. */
void docker_exec_cancel(struct docker_exec *x);

#endif
