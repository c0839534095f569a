/* volumes.h - which named volumes the engine of this server has: for the record of this node, and for those
 * that nobody makes.
 *
 * Asks GET /volumes when the engine comes up, shortly after a container was started (its creation makes what
 * it mounts), and whenever containers are listed anew. What record_volume() does not tell of is left out; of
 * more than RECORD_VOLUMES_MAX the last by name are, and rather those of no app. Tells only what changed.
 */
#ifndef NODELET_VOLUMES_H
#define NODELET_VOLUMES_H

#include "nodelet/docker.h"
#include "specs/spec.h"

struct volumes;

struct volumes_opts {
    uv_loop_t *loop;
    struct docker *docker;
    void (*on_volumes)(const struct orc_strv *names, void *arg); /* "shop.data", "/pgdata"; borrowed */
    void *arg;
};

struct volumes *volumes_new(const struct volumes_opts *opts);
struct volumes *volumes_free(struct volumes *v); /* before its docker; NULL allowed; returns NULL */
void volumes_engine(struct volumes *v, bool up);
void volumes_look(struct volumes *v); /* soon: what comes together is looked at once */

/* Asks for the external volumes that a container of the spec mounts; NULL: it mounts none, and cb is not
 * called. */
struct docker_call *volumes_ask(struct docker *d, const struct spec_service *spec, docker_cb *cb, void *arg);

/* The parts that are pure. From the engine's answer, sorted, those of apps first, each once; `ret` must be
 * empty. True: some had to be left out as there are too many. */
bool volumes_from_list(const json_t *answer, struct orc_strv *ret);
/* The first of the external volumes that is not among the engine's, borrowed from the spec; NULL: none is
 * missing. */
const char *volumes_missing(const json_t *answer, const struct spec_service *spec);

#endif
