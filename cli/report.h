/* report.h - is it up, and if not, why not: a cluster's records turned into what `orc status` says.
 *
 * Pure: reads a struct cluster and the wall time, returns a report; it does no I/O and knows no terminal.
 * Strings of a report are owned by it. Lists are sorted by name.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/cluster.h"
#include "cli/runs.h"
#include "scheduler/explain.h"
#include "scheduler/survive.h"

struct report_task {
    char *id, *node;
    int slot;
    int64_t revision;
    const char *desired, *state, *health; /* names, static */
    int restarts; /* crashes of this container, and restarts of its slot for failed checks */
    bool running, healthy;
    char *address;
    char *image;           /* of its revision; NULL: that can't be read */
    struct orc_strv ports; /* published: report_port() */
    char *container;       /* the engine's id; NULL: none yet */
    char *probe;           /* the last probe's answer; NULL */
    int exit_code;         /* of the last exit; -1: none */
    bool oom;              /* the last exit was the OOM killer's */
    char *made;            /* why it was made; NULL */
    char *reason;          /* what is to be said of it; NULL */
    const char *stop_kind; /* of one that shall stop: task_stop_name(); else NULL */
    int64_t since;         /* wall ms of its state and health */
    uint64_t age_ms;
};

struct report_pending { /* a slot that waits */
    int slot;
    char *reason; /* the scheduler's sentence */
    uint64_t age_ms;
    struct explain explain; /* after report_explain() */
};

struct report_service {
    char *name; /* "shop/orders" */
    int desired, running, healthy;
    int64_t revision;        /* wanted */
    char *image;             /* of it; NULL */
    const char *rollout;     /* the state's name; "waiting" before the scheduler has seen it */
    const char *reason_kind; /* rollout_topic_name() of its reason; NULL: it says nothing */
    int64_t target, from;    /* the revision it moves to, and the one that it leaves; 0: none */
    int64_t complete;        /* the last one that was reached whole; 0: none */
    int updated;             /* replicas that are available at target */
    char *degraded;          /* a replica fails again and again: which, and its probe's last answer; NULL */
    uint64_t degraded_ms;    /* for so long */
    bool ok;                 /* complete, as many healthy as desired, and not degraded */
    struct orc_strv why;     /* sentences; when ok only what is worth knowing */
    uint64_t age_ms;         /* since the rollout's state changed */
    struct {
        struct report_task *at; /* by slot, then attempt; removed ones are left out */
        size_t n, cap;
    } tasks;
    ORC_VEC(struct report_pending) pending;
    bool job;
    struct runs runs; /* of a job */
    int64_t next_run; /* wall ms: of a job with a schedule; 0: none */
};

struct report_node {
    char *name, *address;
    bool ready, alive;
    const char *state;                 /* node_state_name() */
    char *why;                         /* NULL when ready */
    uint64_t age_ms;                   /* since the scheduler saw this state; 0: it has not said so yet */
    bool held;                         /* silent, and nothing is moved as too many are */
    bool trouble;                      /* somebody should look after it */
    struct spec_resources total, used; /* capacity less reserve; reserved by tasks that are not stopped */
    int tasks;
    char *kernel, *virt, *engine, *version;
    struct spec_pairs labels;
    struct orc_strv volumes; /* "shop.data" */
    int mtu;
};

struct report_gateway {
    char *id;
    bool alive;
    struct orc_strv listen;
    int64_t served;
};

struct report {
    struct {
        struct report_service *at;
        size_t n, cap;
    } services;
    struct {
        struct report_node *at;
        size_t n, cap;
    } nodes;
    struct {
        struct report_gateway *at;
        size_t n, cap;
    } gateways;
    char *leader;             /* "orc-scheduler on ctl"; NULL: nobody leads */
    struct survive survive;   /* after report_explain() */
    struct orc_strv problems; /* of the cluster as a whole: nobody leads, unreadable keys, ... */
    bool ok;                  /* every service ok, no problem */
};

/* Sorts c. `only`: NULL for all, else "app" or "app/service". */
void report_build(struct cluster *c, const char *only, int64_t wall_ms, struct report *ret);
void report_release(struct report *r);

/* Adds what only the scheduler's core can tell (brain.h): which node refuses a slot that waits, and by how
 * much, for at most REPORT_EXPLAINED slots of a service; and what the loss of any one node would do. */
#define REPORT_EXPLAINED 8
void report_explain(struct core *core, struct report *r);

/* Drops the tasks on other nodes: after report_build(), whose counts stay those of the services. */
void report_keep_node(struct report *r, const char *node);

/* "10.0.0.11:8080 to 80/tcp", "8080 to 80/tcp": a published port; freed by the caller. */
char *report_port(const struct spec_port *p);

/* "running, unhealthy"; "pulling": an unknown health is not spoken of. Freed by the caller. */
char *report_condition(const struct report_task *t);
/* Whether it is wrong, not only not there yet: it shall run, and has failed, or its checks fail. */
bool report_in_trouble(const struct report_task *t);

/* The document of `orc status -o json`; its shape is a contract (docs/status-json.md). And its parts; a task
 * alone names its service, too. */
json_t *report_to_json(const struct report *r);
json_t *report_service_to_json(const struct report_service *s);
json_t *report_task_to_json(const struct report_service *s, const struct report_task *t);
json_t *report_node_to_json(const struct report_node *n);
json_t *report_resources_to_json(const struct spec_resources *r);

#endif
