/* vitals.h - looks at this server every ten seconds and tells of strain (strain.h); and asks its engine,
 * whenever that comes up, where it keeps its data and which labels it was started with.
 */
#ifndef NODELET_VITALS_H
#define NODELET_VITALS_H

#include "nodelet/docker.h"
#include "specs/spec.h"

struct vitals;

struct vitals_opts {
    uv_loop_t *loop;
    struct docker *docker;
    /* A condition of this server: node_condition(), node_avoid(). */
    void (*on_condition)(const char *type, bool ok, bool avoid, const char *reason, void *arg);
    void (*on_labels)(const struct spec_pairs *labels, void *arg); /* the engine's; borrowed */
    void *arg;
};

struct vitals *vitals_new(const struct vitals_opts *opts);
struct vitals *vitals_free(struct vitals *v); /* before its docker; NULL allowed; returns NULL */
void vitals_engine(struct vitals *v, bool up);

#endif
