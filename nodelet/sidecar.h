/* sidecar.h - a task of several containers: how its sidecars hang on its main one, and what it is as a whole.
 *
 * Pure, as converge.h, which decides for each container: it is told here what it may do and must. It must not
 * know the engine, the store or a clock.
 *
 * A sidecar joins the network namespace of one start of the main container (Docker's NetworkMode
 * "container:<id>", API 1.41). When that run ends the namespace is worth nothing, also while the sidecar runs
 * on in it. So a sidecar runs when, and only when, the main container does, and in the namespace of that very
 * start; and one that was made for another container is made anew.
 *
 * Order: all are created, the main container first, then it is started, then they are; a planned stop ends it
 * first, a fence (x-orc.fence) asks all at once.
 */
#ifndef NODELET_SIDECAR_H
#define NODELET_SIDECAR_H

#include "nodelet/converge.h"

struct sidecar_part { /* one container; of a task the first is the main one. Everything is borrowed */
    const struct converge *c;
    const char *name; /* the sidecar's; NULL: the main container */
    bool known;   /* what the engine has of it was seen, and nothing happened since that must be looked at */
    bool checked; /* this run's health is being judged */
    enum task_health health;
    const char *probe;             /* the last answer, or NULL */
    const char *id;                /* the container's, while there is one */
    const char *started;           /* when, in the engine's words; "": not known */
    const char *made_for, *joined; /* of a sidecar: the main container's id and `started`; "": not known */
};

/* Sets what the i-th may do and must now. */
void sidecar_world(const struct sidecar_part *p, size_t n, size_t i, struct converge_world *w);
/* What is asked of a sidecar now: it goes when the main container has stopped, as the same stop, and when
 * that has ended for good. `spec`: its own, or NULL. */
void sidecar_want(struct converge *side, const struct sidecar_part *main, const struct spec_service *spec);
/* What a sidecar that was found running, or was started, has joined: the main container's present start if it
 * began after that, else one that is over. Both known; "": the main container does not run. */
const char *sidecar_found(const struct sidecar_part *main, const char *started);

/* ---- as a whole ---- */

/* As converge_told(): not called stopped before all are. */
enum task_state sidecar_state(const struct sidecar_part *p, size_t n, enum task_state told);
/* As the one that is worst: unhealthy (also one that can't be had at all), unready, unknown, healthy. */
enum task_health sidecar_health(const struct sidecar_part *p, size_t n);
/* False while the health of some was not looked at yet, so that nothing is to be said of it. */
bool sidecar_judged(const struct sidecar_part *p, size_t n);
int sidecar_restarts(const struct sidecar_part *p, size_t n);
/* The one to be told about: the first that is not well and says why, else the main one. */
const struct sidecar_part *sidecar_cause(const struct sidecar_part *p, size_t n);

#endif
