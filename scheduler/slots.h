/* slots.h - one service as its slots: which task holds each, in what state it is, what must still stop.
 *
 * Pure reading: it decides nothing. A slot is open when it has a task that shall run, or when the service's
 * record says that it waits for one. Compliance is against the revision being rolled to.
 */
#ifndef SCHEDULER_SLOTS_H
#define SCHEDULER_SLOTS_H

#include "scheduler/model.h"

enum task_class {
    CLASS_AVAILABLE,
    CLASS_STARTING,
    CLASS_UNKNOWN,   /* its node does not answer, or has been started anew and not looked yet */
    CLASS_UNHEALTHY, /* runs, and its checks fail */
    CLASS_FAILED,    /* does not run and its node will not try again: to be replaced */
    CLASS_DONE,      /* ended well, and by its restart policy stays ended */
    CLASS_OVER,      /* ended badly, and by its restart policy stays ended */
    CLASS_LOST       /* its node is given up */
};

struct slot {
    int n;
    bool open;
    bool was_pending;          /* in the record's list */
    bool unreadable;           /* a task of it can't be read: nothing is done here */
    struct core_task *head;    /* the task that holds it, or is to hold it; desired run; NULL: none */
    struct core_task *old;     /* an available one that head shall replace (start-first), or NULL */
    struct core_task *failed;  /* a successor of head that failed, or NULL: to be dropped, and judged */
    struct core_task *leaving; /* told to stop, and not yet stopped: nothing may start before; NULL: none */
    struct core_task *last;    /* the newest attempt of all */
    enum task_class class;     /* of head */
    struct core_node *node;    /* of a global service: the only one for it (global.h), or NULL */
    bool compliant;            /* head needs no replacement */
    bool well;                 /* as fed: available, compliant, and there is nothing besides */
    bool repeats;              /* head has failed again, soon after its predecessor */
    bool again;                /* ... and is replaced now: counted */
    bool busy;                 /* a change is under way in it */
    char *wait;                /* why it waits, owned; NULL */
    char *told;                /* why `leaving` was told to stop in this step, owned; NULL: before */
};

struct slots {
    struct core *core;
    struct core_service *service;
    const struct record_rollout *rollout; /* the target and epoch that count; borrowed */
    const struct core_revision *target;   /* readable, or NULL: then every task counts as compliant */
    const struct core_revision *beside;   /* while not all may be of the target: what others are; or NULL */
    const struct share_make *like;    /* what tasks of its content are made from, or NULL: compare hashes */
    ORC_VEC(struct slot) at;          /* by number; closed ones that still have a task included */
    size_t well;                      /* so many more are well, and not in `at` ... */
    const struct core_kept *kept;     /* ... but here; NULL: all are in `at` */
    ORC_VEC(struct core_task *) drop; /* tasks that shall run and hold nothing any more */
    ORC_VEC(struct core_task *)
    spare; /* beside what holds their slot, on nodes that don't answer, or may come back in time: kept */
    ORC_VEC(struct core_task *) stopping; /* told to stop, in this step too, and waited for; by slot */
    ORC_VEC(struct core_task *) run;      /* scratch */
};

/* How long a task told to stop may take beyond its own drain time-out and grace before its slot no longer
 * waits for it (behaviour 56). */
#define SLOTS_STOP_MARGIN_MS 30000

/* How long a server that was started anew may take to say what became of its containers (its engine may
 * start them slowly, or not at all). */
#define SLOTS_LOOK_MS 60000

void slots_build(struct slots *v, struct core *c, struct core_service *s, const struct record_rollout *r);
/* Likewise, but where nothing is rolled out, and as many slots are open as are asked for, only what is not
 * well.
 */
void slots_look(struct slots *v, struct core *c, struct core_service *s, const struct record_rollout *r);
/* What was found well, by the record as it is now, needs no looking at until something marks it. */
void slots_keep(const struct slots *v);
void slots_release(struct slots *v);
/* Adds a slot, open and without tasks, at the end. Pointers into `at` end with it. */
struct slot *slots_add(struct slots *v, int n);
void slots_sort(struct slots *v); /* by number, after adding */
size_t slots_count_open(const struct slots *v);
size_t slots_count_empty(const struct slots *v); /* open, and without a task */

/* A task that this step tells to stop: it is waited for like those told before, by its slot, too, unless its
 * node is given up. `at` is sorted. */
void slots_stop(struct slots *v, struct core_task *t, const char *why);

/* Told to stop, and waited for: it is not reported stopped, and its time is not over. */
bool slots_still_stopping(const struct slots *v, const struct core_task *t);
enum task_class slots_classify(const struct slots *v, const struct core_task *t);
/* NULL when the task is as it should be; otherwise why it must be replaced, freed by the caller, and what
 * that is about (ret_kind may be NULL). */
char *slots_misfit(const struct slots *v, const struct core_task *t, enum task_stop *ret_kind);
/* Whether it is of the target's content, also if it is to be restarted. */
static inline bool slots_same_content(const struct slots *v, const struct core_task *t)
{
    return !v->target || t->make == v->like ||
           strcmp(t->make->container_hash, v->target->rec.container_hash) == 0;
}
bool slots_compliant(const struct slots *v, const struct core_task *t); /* without the sentence */
/* Whether the task is being moved: its successor, where it is rather to be, is not available yet. */
bool slots_moves(const struct slots *v, const struct core_task *t);
/* Whether another container is needed: other content or another restart epoch, wherever it runs. */
static inline bool slots_same_container(const struct slots *v, const struct core_task *t)
{
    return !v->target || (slots_same_content(v, t) && t->make->restart_epoch >= v->rollout->restart_epoch);
}
/* When a task that has not become available is judged to have failed; monotonic ms. */
uint64_t slots_deadline(const struct slots *v, const struct core_task *t);
bool slots_has_volume(const struct spec_service *spec); /* a named volume it may write to */
/* One that is its slot's alone: to the server where it was last. An external one may be on others as well. */
bool slots_is_tied(const struct spec_service *spec);
/* Whether a task beside the one that holds its slot is kept as its node may come back: x-orc.disconnect. */
bool slots_awaited(const struct slots *v, const struct core_task *t);

#endif
