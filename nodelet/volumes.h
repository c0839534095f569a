/* volumes.h - which named volumes of apps the engine of this server has, for the record of this node.
 *
 * Asks GET /volumes when the engine comes up, shortly after a container was started (its creation makes what
 * it mounts), and whenever containers are listed anew. What is not named like orc's own (container_volume())
 * is left out; of more than RECORD_VOLUMES_MAX the last by name are. Tells only what changed.
 */
#ifndef NODELET_VOLUMES_H
#define NODELET_VOLUMES_H

#include "nodelet/docker.h"

struct volumes;

struct volumes_opts {
    uv_loop_t *loop;
    struct docker *docker;
    void (*on_volumes)(const struct orc_strv *names, void *arg); /* "shop.data", sorted; borrowed */
    void *arg;
};

struct volumes *volumes_new(const struct volumes_opts *opts);
struct volumes *volumes_free(struct volumes *v); /* before its docker; NULL allowed; returns NULL */
void volumes_engine(struct volumes *v, bool up);
void volumes_look(struct volumes *v); /* soon: what comes together is looked at once */

/* The part that is pure: from the engine's answer, sorted, each once; `ret` must be empty. True: some had to
 * be left out as there are too many. */
bool volumes_from_list(const json_t *answer, struct orc_strv *ret);

#endif
