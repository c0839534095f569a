/* task.h - one task of this node as agent.c, ops.c, checks.c and publish.c share it.
 *
 * Only agent.c decides when a task is looked at (task_step()); the others do one thing each: feed.c takes in
 * what the view shows, ops.c carries out the engine's operations, checks.c probes, publish.c writes status
 * and endpoint, orphans.c keeps what belongs to no task, parts.c knows the sidecars. None of them calls
 * task_step() from inside a step: results come through callbacks of the loop.
 */
#ifndef NODELET_TASK_H
#define NODELET_TASK_H

#include "nodelet/agent.h"
#include "nodelet/container_config.h"
#include "nodelet/converge.h"
#include "nodelet/docker_container.h"
#include "nodelet/docker_events.h"
#include "nodelet/docker_image.h"
#include "nodelet/probe.h"
#include "nodelet/prober.h"
#include "nodelet/revisions.h"
#include "nodelet/sidecar.h"
#include "nodelet/withdraw.h"
#include "lib/log.h"
#include "state/timer.h"

#include <sys/queue.h>
#include <uthash.h>

/* What is known of the endpoint in the store, and what it shall be. */
enum endpoint_known { EP_UNKNOWN, EP_NONE, EP_READY, EP_DRAINING };

struct publication {
    struct etcd_call *call;
    struct record_status shown;  /* what was seen last, and its text; NULL: nothing yet */
    char *text, *reason, *probe; /* the last two of several containers */
    char *sent, *written;        /* the status's text in flight, and as the store has it; NULL: none */
    bool sent_with_ep;           /* that write carries the endpoint, too: */
    enum endpoint_known sent_ep; /* ... this, */
    int64_t sent_alive;          /* ... on the lease of this `alive` */
    enum endpoint_known have;
    bool may_stand;   /* an endpoint of this task may stand as ready, also one of an earlier run */
    int64_t revision; /* of the last write that held */
    uint64_t differs; /* since when there is something to write; 0: there is nothing */
    uint64_t retry_at, backoff;
    enum task_state last_state;
    enum task_health last_health;
    int64_t since; /* wall ms of the last change of these two */
};

#define TASK_ID_MAX (KEY_TASK_MAX + 1 + SPEC_NAME_MAX)
#define TASK_TIME_MAX 40
#define PARTS_MAX (1 + SPEC_SIDECARS_MAX)

struct task {
    char id[TASK_ID_MAX + 1]; /* of a sidecar "shop.web.0.3.proxy" */
    struct agent *a;
    UT_hash_handle hh;

    bool has_record;
    struct record_task rec;
    int64_t create_rev, mod_rev;
    struct revision *revision;
    struct record_status *old; /* as an earlier nodelet left it, or NULL */
    char *old_text;
    bool begun, has_status;

    /* parts.c */
    ORC_VEC(struct task *) parts; /* its sidecars, in the spec's order */
    bool parts_seen;              /* some are there, and which there are to be is not known yet */
    struct task *main;            /* of a sidecar; NULL: it is none. Record, revision and status are main's */
    char sidecar[SPEC_NAME_MAX + 1];
    char started[TASK_TIME_MAX + 1]; /* its container, in the engine's words; "": not looked at */
    char joined[TASK_TIME_MAX + 1], made_for[DOCKER_ID_MAX + 1]; /* as in struct sidecar_part */
    bool joining; /* its start has not been looked at yet: when it was tells what it joined */

    struct converge c;
    char container[DOCKER_ID_MAX + 1];
    bool after_engine;  /* went out of sight with the engine */
    uint64_t signalled; /* when somebody else had the engine send it a signal to end; 0: never */

    /* ops.c */
    struct ops_lane *lane, *queue; /* where it has a place; where it waits for one */
    TAILQ_ENTRY(task) in_queue;
    struct docker_call *call;
    uint64_t seq; /* of the agent's counter, at the last begin or end of an operation */
    bool look, looking;
    uint64_t look_seq;

    /* checks.c */
    bool checked; /* this run has its checks set up */
    bool adopting;
    struct check {
        struct task *task;
        struct probe probe;
        struct prober *prober;
        char *text; /* the last answer */
    } ready, live;
    bool live_apart; /* as in the spec of this run */
    bool ever_ready; /* its endpoint was or may have been `ready` in this run */

    struct withdraw w;
    struct publication pub;
    uint64_t wake;
};

/* Engine operations of a kind, so many at a time; the others wait in order. */
struct ops_lane {
    unsigned in_flight, max;
    TAILQ_HEAD(, task) queue;
};

struct agent {
    struct agent_opts opts;
    char *cluster, *node, *cluster_id, *address;
    struct orc_http *probe_http;
    struct docker_images *images;
    struct docker_events *events;
    struct docker_call *list;
    struct revisions *revisions;
    struct timer *timer, *list_again;
    struct endpoints *endpoints;
    uint64_t timer_at;

    struct task *tasks;
    struct withdraw_gateway *gateways;
    struct orphan *unclaimed; /* containers with our label and no task record: task id to container */
    uint64_t seq, list_seq;
    bool ours; /* the node's name, and so its tasks */
    bool engine_up, engine_known, engine_was_down, network, batched, want_list;
    enum view_state view;
    uint64_t away_since; /* of etcd, or of our heartbeat; 0: both are there */
    bool behind;         /* they are there again, and the view may be behind */
    int64_t lease, alive_rev;

    struct ops_lane busy, waiting; /* create, start, remove; stop, kill */
    bool closing;
    char *orphans; /* as last reported */
    struct orc_log_once garbage, writes;
};

/* agent.c */
void task_step(struct task *t);
void task_wake_at(struct task *t, uint64_t at); /* from within a step */
void task_later(struct task *t, uint64_t at);   /* from elsewhere */
void task_event(struct task *t, const char *fmt, ...) ORC_PRINTF(2, 3);
/* The engine was asked: judges what it said. */
void task_saw(struct task *t, const struct converge_seen *seen);
/* What an earlier nodelet wrote, and its text; `old` is taken. */
void task_set_old(struct task *t, struct record_status *old, const char *text);
void task_free(struct task *t);
struct task *agent_find(const struct agent *a, const char *id); /* NULL: unknown */
struct task *agent_task(struct agent *a, const char *id);       /* made when it is unknown */

/* parts.c. The record; and what to run, NULL while unknown; of a sidecar its own part of it. */
const struct record_task *task_rec(const struct task *t);
char *task_configs(const struct task *t); /* the folder with its configs; freed by the caller */
const struct spec_service *task_spec(const struct task *t);
void parts_make(struct task *t);                              /* the sidecars, once the spec is known */
struct task *parts_find(struct task *t, const char *sidecar); /* NULL: none of that name */
size_t parts_of(const struct task *t,
                struct sidecar_part ret[PARTS_MAX]); /* all containers, the main one first */
void parts_world(const struct task *t, struct converge_world *w);
void parts_want(struct task *t);           /* what is asked of the sidecars now */
void parts_orphan(struct task *t);         /* the record is gone */
void parts_claim(struct task *t);          /* ... and there again: the main container's, too */
bool parts_are_gone(const struct task *t); /* no sidecar is left, and nothing is under way */

/* feed.c: agent_put(), agent_delete() */
void feed_clear(struct agent *a);

/* orphans.c */
void orphans_add(struct agent *a, const char *task);
bool orphans_claim(struct agent *a, const char *task); /* true: it was one, and is none any more */
void orphans_clear(struct agent *a);
void orphans_report(struct agent *a);

/* ops.c */
void ops_init(struct agent *a);
void ops_step(struct task *t, uint64_t now);
void ops_look(struct task *t);   /* inspects, as soon as no operation is under way */
void ops_cancel(struct task *t); /* before the task is freed */

/* checks.c: sets up, begins, ends and times out probes */
void checks_step(struct task *t, uint64_t now);
void checks_cancel(struct task *t);
void checks_release(struct task *t);
/* What both checks say; and the last answer of the one to be told about, borrowed, or NULL. */
enum task_health checks_health(const struct task *t);
const char *checks_text(const struct task *t);

/* endpoints.c: looks now and then whether the endpoints stand in the store as they were written */
struct endpoints *endpoints_new(struct agent *a);
struct endpoints *endpoints_free(struct endpoints *e); /* NULL allowed; returns NULL */

/* publish.c */
void publish_step(struct task *t, uint64_t now);
void publish_status_seen(struct task *t, const struct etcd_kv *kv); /* NULL: deleted */
void publish_cancel(struct task *t);
/* What an earlier nodelet wrote, and its text. */
void publish_resume(struct task *t, const struct record_status *old, const char *text);
void publish_anew(struct task *t); /* the store's status and endpoint are not those that were written */
bool publish_idle(const struct task *t);
/* A write of the endpoint held, and our `alive` is of this revision now: what hangs on another lease has
 * vanished since, or will, or stands after all. */
void publish_took(struct publication *p, int64_t alive);
/* A gateway may choose this task: its endpoint stands, or may stand, as ready. */
bool publish_may_be_chosen(const struct task *t);

#endif
