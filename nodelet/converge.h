/* converge.h - what to do next with one container so that it becomes what its task asks for.
 *
 * Pure: it is told what is wanted, what was seen and how its operations ended, and answers with the next
 * operation. It must not know the engine, the store, a clock (now comes in, monotonic milliseconds) or who
 * carries its answers out. It owns the restart policy (behaviours 68, 70) and the back-off.
 *
 * Invariants: level-triggered: converge_next() depends on the state alone and changes nothing. At most one
 * operation is under way. A running container is stopped only for an explicit drain or remove, after its
 * withdrawal, and such a stop begins only while the store answers. The one exception was asked for by the
 * service: x-orc.fence stops it after so long without etcd, and it starts again when etcd answers. What ended
 * for good (`end`) never starts again.
 *
 * Life: converge_init(), converge_resume() with the status of an earlier life if there is one; then
 * converge_want(), converge_see(), and rounds of converge_next() → converge_begin() → converge_end().
 */
#ifndef NODELET_CONVERGE_H
#define NODELET_CONVERGE_H

#include "state/record.h"

#include <stdbool.h>
#include <stdint.h>

#define CONVERGE_BACKOFF_MIN_MS 1000
#define CONVERGE_BACKOFF_MAX_MS (5 * 60 * 1000) /* of crashes */
#define CONVERGE_ERROR_MAX_MS (60 * 1000)       /* of pulls and engine calls that may work later */
#define CONVERGE_STOPPED_MS (10 * 1000)         /* after a stop by somebody else, perhaps the engine's end */
#define CONVERGE_GOOD_RUN_MS (10 * 60 * 1000)   /* a run so long makes earlier crashes forgotten */
#define CONVERGE_NEVER UINT64_MAX

enum converge_container {
    CONTAINER_NONE,
    CONTAINER_CREATED, /* never started */
    CONTAINER_RUNNING,
    CONTAINER_EXITED,
};

enum converge_op {
    CONVERGE_NOTHING,
    CONVERGE_PULL,
    CONVERGE_CREATE,
    CONVERGE_START,
    CONVERGE_WITHDRAW, /* take it out of the gateways; ends when nothing is sent to it any more */
    CONVERGE_STOP,     /* the stop signal, and KILL after the grace period */
    CONVERGE_KILL,     /* the engine did not manage to stop it */
    CONVERGE_REMOVE,
};
const char *converge_op_name(enum converge_op op); /* "pull" ... */

enum converge_outcome {
    CONVERGE_DONE,
    CONVERGE_IMAGE_ABSENT, /* create: the engine doesn't have the image */
    CONVERGE_TRANSIENT,    /* may work later: engine or registry trouble */
    CONVERGE_REFUSED,      /* will never work: no such image, a configuration the engine refuses */
    CONVERGE_CRASHED,      /* start: the program can't be run; counts as a crash */
    CONVERGE_GONE,         /* the container does not exist any more */
};

enum converge_end {
    CONVERGE_ALIVE,
    CONVERGE_FINISHED, /* exited 0 and is not to be restarted */
    CONVERGE_FAILED,   /* and will not be tried again here */
};

struct converge_seen {
    enum converge_container container;
    int exit_code;         /* of CONTAINER_EXITED */
    bool oom;              /* it was the OOM killer's */
    bool engine_restarted; /* it went down with its engine: no fault of its own, restarted at once */
    bool stopped; /* somebody had the engine send it a signal to end; an engine that ends does that, too */
};

struct converge_world {
    bool engine;         /* the engine answers and its containers have been seen */
    bool store;          /* the view is live: planned stops may begin */
    bool behind;         /* but what was written while etcd was away is not all seen: a fence still holds */
    uint64_t away_since; /* since when nothing came of etcd, or our heartbeat is lost; 0: all is well */
    uint64_t now;
    /* Of a task with sidecars (sidecar.h): what must wait, and that it must not run, or be, as it is. */
    bool hold_create, hold_start, stop, remake;
};

struct converge {
    bool wanted;     /* a readable record was seen; false: an orphan, left alone */
    bool spec_known; /* what to run is known, so that it can be created */
    enum task_desired desired;
    enum spec_restart restart;
    int restart_max;
    uint64_t fence_ms; /* 0: never */
    uint64_t grace_ms; /* after the stop signal */
    bool job;          /* it ends by itself, and nobody calls it */
    enum spec_pull pull;

    enum converge_container container;
    bool counted;  /* if it has ended, that is in `restarts` already: an earlier nodelet saw it */
    bool was_made; /* a container existed: one that is absent was deleted behind our back (behaviour 42) */
    int exit_code; /* of the last exit; -1: none yet */
    bool oom;

    enum converge_op op; /* under way; CONVERGE_NOTHING: none */
    bool image_absent;
    bool pulled;    /* since the last container was made */
    bool withdrawn; /* the withdrawal ended: the stop signal may be sent */
    bool stop_failed;
    bool fenced;  /* its stop, though it shall run, has begun; until the next start, or signal_until */
    bool patient; /* retry_at waits because somebody stopped it */

    int restarts;          /* within this task, as in its status */
    int crashes, tries;    /* in a row, for the back-off: crashes; engine or registry errors */
    uint64_t retry_at;     /* 0: at once */
    uint64_t signal_until; /* it may end by its stop until then, also by one that failed */
    uint64_t running_since;
    enum converge_end end;
    char *reason;   /* a clause for people, or NULL */
    char *last_run; /* how the last run ended, or NULL */
};

void converge_init(struct converge *c);
void converge_release(struct converge *c);

/* The status an earlier nodelet wrote: restarts, the last exit, an end for good. Before anything else. */
void converge_resume(struct converge *c, const struct record_status *old);

/* What the task's record says; `spec` may be NULL while it isn't known. Never moves backwards. */
void converge_want(struct converge *c, enum task_desired desired, const struct spec_service *spec);
/* What was wanted is void, because the store was restored from an older backup: the next converge_want() may
 * be a step back. */
void converge_anew(struct converge *c);
/* The record vanished: nothing is done from now on, nothing is stopped. */
void converge_orphan(struct converge *c);

/* What the engine says about the container. Returns true when a run ended by this (a crash or an exit). */
bool converge_see(struct converge *c, const struct converge_seen *seen, uint64_t now);

/* The engine is back from an absence: what it stopped before it ended need not wait any longer. */
void converge_engine_back(struct converge *c);

/* What to do now. *ret_wake: when to ask again if nothing happens, CONVERGE_NEVER: then not at all. */
enum converge_op converge_next(const struct converge *c, const struct converge_world *w, uint64_t *ret_wake);

/* When the container must not run any more as etcd was away for too long, whether it was told to go or not;
 * a withdrawal is not waited for then. CONVERGE_NEVER: it may. */
uint64_t converge_fence_at(const struct converge *c, const struct converge_world *w);
/* It has a fence, its stop was begun unasked, and it has not started since. */
bool converge_is_fenced(const struct converge *c);

/* Before its container can be made, its image is to be asked for. */
bool converge_must_pull(const struct converge *c);

void converge_begin(struct converge *c, enum converge_op op);
/* `text` is a sentence or clause for everything but CONVERGE_DONE; copied. */
void converge_end(struct converge *c, enum converge_outcome outcome, const char *text, uint64_t now);

/* As believed. */
enum task_state converge_state(const struct converge *c);
/* As written to the status: while the container is still to be `looked` at, because an operation's fate is
 * unknown, it is not called stopped, with which room, ports and address are given away. `told`: what the
 * status says now. */
enum task_state converge_told(const struct converge *c, bool looked, enum task_state told);
/* True once the stop of a running container has begun: its exit is no crash. */
bool converge_stopping(const struct converge *c);

/* min(1 s * 2^(n-1), max); n from 1. */
uint64_t converge_backoff_ms(int n, uint64_t max);

#endif
