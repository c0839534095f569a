/* record.h - the values in the store: one struct per kind of key, to JSON and back.
 *
 * Every `record_x_from_json` checks types, ranges and lengths (values are hostile: anybody can `etcdctl put`)
 * and ignores members it does not know, so that an older process reads a newer one's records. Durations in
 * ms, sizes in bytes, times as wall milliseconds for display only. Strings are owned by the record; _release
 * frees them and leaves a zeroed record.
 */
#ifndef STATE_RECORD_H
#define STATE_RECORD_H

#include "specs/check.h"
#include "specs/spec.h"
#include "state/key.h"

#define RECORD_REASON_MAX 2048 /* bytes of a sentence */

/* ---- config: written by `orc init` and `orc recover`
 * -------------------------------------------------------- */
struct record_config {
    char *cluster_id;           /* 32 random hex digits */
    char *cidr;                 /* "10.210.0.0/16" */
    char *mode;                 /* "bridge" */
    int mtu;                    /* 0: the underlay's */
    int64_t node_ttl_s;         /* lease of a node's heartbeat; default 4 */
    int64_t gateway_ttl_s;      /* default 4 */
    uint64_t lost_grace_ms;     /* lease gone to tasks replaced; default 3000 */
    uint64_t address_hold_ms;   /* an address rests so long after its task was removed; default 60000 */
    uint64_t gateway_retire_ms; /* a gateway without a heartbeat is forgotten; default 60000 */
    bool allow_privileged;      /* specs may ask for privileged containers */
    int64_t recovered;          /* wall ms of the last `orc recover`; 0 */
};

/* ---- revisions/<app>/<service>/<n>: immutable
 * ---------------------------------------------------------------- */
struct record_revision {
    struct spec_service *spec;
    char hash[SPEC_HASH_MAX], container_hash[SPEC_HASH_MAX];
    char *yaml; /* the file as applied, for people; may be NULL */
    char *by;
    int64_t at;
};

/* ---- apps/<app>: the one commit point
 * ------------------------------------------------------------------------ */
struct record_app_service {
    char *name;
    int64_t revision;
    int replicas; /* override by `orc scale`; SPEC_REPLICAS_DEFAULT: the revision's own */
};
struct record_app {
    int64_t generation; /* from 1, one more with each change */
    struct {
        struct record_app_service *at; /* sorted by name */
        size_t n, cap;
    } services;
};

/* ---- intents/<app>/<service>
 * --------------------------------------------------------------------------------- */
enum intent_action {
    INTENT_NONE,
    INTENT_PAUSE,
    INTENT_RESUME, /* also of what paused itself, and past a canary */
    INTENT_ABORT   /* back to the last complete revision */
};
const char *intent_action_name(enum intent_action a); /* "none", "pause" ... */
struct intent_rollout {                               /* what people want of a rollout that is under way */
    enum intent_action action;
    int64_t epoch;    /* one more with each command: so each is acted upon once, whoever leads */
    int64_t revision; /* the app's that it is about: of another one it says nothing */
    char *by;
    int64_t at; /* wall ms */
};
struct record_intent {
    int64_t restart_epoch; /* `orc restart` adds one: tasks of an older epoch are replaced, rolling */
    struct intent_rollout rollout;
    int64_t rebalance_epoch; /* `orc rebalance` adds one: replicas are moved, as few as can be ... */
    int rebalance_max;       /* ... and no more than so many; 0: any number */
};

/* ---- rollouts/<app>/<service>: what the scheduler is doing with a service, and why
 * ------------------------------ */
enum rollout_state {
    ROLLOUT_UPDATING,     /* moving to `target` (also the first deployment, scaling, a restart) */
    ROLLOUT_CANARY,       /* x-orc.canary: so many replicas are of `target`; people must say how it goes on */
    ROLLOUT_COMPLETE,     /* every slot has an available task of `target`, and what was surplus has stopped */
    ROLLOUT_HEALING,      /* target reached before; a task failed or was lost and is being replaced */
    ROLLOUT_PAUSED,       /* by people or by failure_action: `reason` says; what runs keeps running */
    ROLLOUT_ROLLING_BACK, /* aborted, or failure_action rollback: `target` is the old revision again */
    ROLLOUT_ROLLED_BACK,  /* ... and it got there; the app still asks for `wanted` */
    ROLLOUT_FAILED,       /* the rollback failed too (behaviour 49) */
    ROLLOUT_REMOVING      /* the app no longer has this service; ends with the record's deletion */
};
const char *rollout_state_name(enum rollout_state s); /* "updating", "rolling-back" ... */

/* What `reason` is about, for those who decide by it or count it: sentences are for people. */
enum rollout_topic {
    ROLLOUT_SAYS_NOTHING,    /* or it was written by a scheduler that did not write this yet */
    ROLLOUT_SAYS_FAILED,     /* the revision, its rollback or a job's run has failed */
    ROLLOUT_SAYS_FAILURES,   /* some replicas have, as many as may */
    ROLLOUT_SAYS_PEOPLE,     /* somebody has paused, resumed or aborted it */
    ROLLOUT_SAYS_CANARY,     /* people must say how it goes on */
    ROLLOUT_SAYS_MISSING,    /* a replica is not there or not as it should be */
    ROLLOUT_SAYS_WATCHED,    /* all are there, and must run for a while */
    ROLLOUT_SAYS_STOPPING,   /* all are there, and something surplus still stops */
    ROLLOUT_SAYS_ROOM,       /* start-first had no room */
    ROLLOUT_SAYS_REBALANCED, /* replicas are being moved */
    ROLLOUT_SAYS_HELD,       /* too many nodes are lost at once */
    ROLLOUT_SAYS_WAITING,    /* for another service, another run, or a server that takes it */
    ROLLOUT_SAYS_UNREADABLE  /* what it needs can't be read: a revision, a time zone */
};
const char *rollout_topic_name(enum rollout_topic t); /* "none", "failed" ... */

struct rollout_pending { /* a slot that waits, and why: "k1: 140 MiB memory short; k2: cordoned" */
    int slot;
    char *reason;
    int64_t since; /* wall ms */
};
#define ROLLOUT_TROUBLE_MAX 64
struct rollout_trouble { /* a node on which the target has failed so often that others are preferred */
    char *node;
    int failures;
};
/* A run of a job: as many tasks as it takes until each slot has succeeded, or one has failed too often. */
enum run_state {
    RUN_RUNNING,
    RUN_SUCCEEDED, /* each slot has exited with 0 */
    RUN_FAILED,    /* a slot has failed more often than it is tried again */
    RUN_STOPPED    /* something else took its place */
};
const char *run_state_name(enum run_state s);
struct rollout_run {
    int64_t n; /* from 1; never used again while the record lives. Its tasks have it as their restart_epoch */
    enum run_state state;
    int64_t revision, epoch; /* what it runs; the intent's restart_epoch when it began */
    int64_t scheduled;       /* wall ms: the time of the schedule; 0: by a revision or by hand */
    int64_t started, ended;  /* wall ms; ended 0: not yet */
    int wanted, completed;   /* slots */
    char *done;    /* while it runs: the slots that are completed, "0-16,18" (ranges.h); NULL: none */
    int failures;  /* tries that failed */
    int exit_code; /* of the last that failed; -1: none, or it never ran */
    char *reason;  /* why the last one failed, or what stopped the run; NULL */
};
void rollout_run_copy(const struct rollout_run *r, struct rollout_run *ret); /* into an empty one */
void rollout_run_release(struct rollout_run *r);
#define ROLLOUT_RUNS_MAX (SPEC_KEEP_MAX + 20) /* results, and those under way */

struct rollout_move { /* a replica that is being moved: its successor elsewhere is not available yet */
    int slot;
    int64_t attempt; /* of the task that goes then */
};
struct record_rollout {
    enum rollout_state state;
    int64_t generation;    /* of the app key this record has taken in: `orc apply` waits for its own */
    int64_t wanted;        /* the app's revision */
    int64_t target;        /* the revision being rolled to; differs from wanted after an automatic rollback */
    int64_t complete;      /* the last revision that was reached whole; 0: none. Gateways route by it */
    int64_t from;          /* the revision that is being left for `target`; 0: none. Above it: going back */
    int64_t restart_epoch; /* the intent's epoch being rolled to */
    int64_t intent_epoch;  /* the last of intent_rollout's that was taken in */
    bool promoted;         /* people have said that it shall go on past its canary */
    int64_t attempts;      /* highest attempt ever used; only grows */
    int64_t forgiven;      /* tasks up to this attempt fail no rollout any more: it was resumed since */
    int replicas;          /* wanted number of slots */
    int available, updated; /* slots with an available task; slots with an available task of target */
    int failures;           /* failed replacements in a row, for back-off; 0 after a success */
    int failed;             /* tasks of target that failed in this rollout and were replaced */
    int64_t since;          /* wall ms of the last change of state */
    char *reason;           /* a sentence; NULL when there is nothing to say */
    enum rollout_topic reason_kind;
    char *degraded; /* a replica fails again and again: which, and its probe's last answer; NULL: none */
    int64_t degraded_since; /* wall ms; 0 */
    struct {
        struct rollout_pending *at; /* by slot */
        size_t n, cap;
    } pending;
    struct {
        struct rollout_trouble *at; /* by node */
        size_t n, cap;
    } trouble;
    int64_t scheduled; /* of a job with a schedule, wall ms: up to then its times are dealt with */
    int64_t next_run;  /* ... and the next one; 0: none */
    /* Of a job: `replicas` is how many tasks shall run now, `complete` the last revision that succeeded. */
    struct {
        struct rollout_run *at; /* by number */
        size_t n, cap;
    } runs;
    int64_t rebalance_epoch; /* the intent's epoch taken in */
    int rebalance_left;      /* replicas that may still begin to move; 0: none shall */
    int rebalance_moved;     /* that began to, since it was asked for or began by itself */
    char *rebalance_end;     /* why the last one ended before its time; NULL: it did not */
    struct {
        struct rollout_move *at; /* by slot */
        size_t n, cap;
    } moving;
};

/* ---- tasks/<node>/<task>
 * --------------------------------------------------------------------------------------- */
enum task_desired {
    TASK_RUN,
    TASK_DRAIN,
    TASK_REMOVE
}; /* moves only forward. drain: withdraw and stop, keep the
      container; remove: withdraw, stop, delete it */
const char *task_desired_name(enum task_desired d);

/* What `stop_reason` is about, for those who decide by it or count it: sentences are for people. */
enum task_stop {
    TASK_STOP_NONE,      /* it shall run; or it was told to stop by a scheduler that did not write this yet */
    TASK_STOP_FAILED,    /* it ended, and its node does not try it again */
    TASK_STOP_UNHEALTHY, /* its checks fail */
    TASK_STOP_LATE,      /* moved, it did not become available in time */
    TASK_STOP_LOST,      /* its node is lost, or was removed */
    TASK_STOP_DRAINED,   /* its node is drained */
    TASK_STOP_MISFIT,    /* its node fits no longer */
    TASK_STOP_UPDATED,   /* another revision takes its place: an update or a rollback */
    TASK_STOP_RESTARTED, /* people asked for that */
    TASK_STOP_MOVED,     /* rebalanced */
    TASK_STOP_SURPLUS,   /* there are too many, or another one holds its slot */
    TASK_STOP_ENDED,     /* of a job whose run is over, or it itself has ended */
    TASK_STOP_REMOVED    /* the service was removed */
};
const char *task_stop_name(enum task_stop k); /* "none", "failed" ... */

struct record_task {
    char *app, *service;
    int slot;
    int64_t attempt, revision, restart_epoch;
    char container_hash[SPEC_HASH_MAX];
    enum task_desired desired;
    char *address;                   /* "10.210.1.5" */
    struct spec_resources resources; /* reserved: what placement counted */
    int pids;                        /* likewise, processes and threads at once; 0: no limit */
    struct {
        struct spec_port *at; /* published host ports */
        size_t n, cap;
    } ports;
    int restarts; /* how often this slot was restarted for failed health checks before this task */
    char *reason; /* why it was made: "first deployment", "update to revision 4", "replaces shop.web.0.3: ..."
                   */
    char *stop_reason; /* why desired is not run; NULL */
    enum task_stop stop_kind;
    int64_t at; /* wall ms */
};

#define RECORD_BOOT_MAX 9

/* ---- status/<node>/<task>: what nodelet saw
 * ---------------------------------------------------------------------- */
enum task_state {
    TASK_ASSIGNED,
    TASK_PULLING,
    TASK_CREATING,
    TASK_STARTING,
    TASK_RUNNING,
    TASK_STOPPING,
    TASK_STOPPED, /* not running, as it was told or by exiting 0 with no restart to come */
    TASK_FAILED,  /* not running and will not be tried again here: `reason` */
    TASK_REMOVED  /* the container is gone: the scheduler may collect both records */
};
const char *task_state_name(enum task_state s);
enum task_health {
    TASK_UNKNOWN,
    TASK_HEALTHY,   /* without a check: once it runs */
    TASK_UNHEALTHY, /* to be restarted */
    TASK_UNREADY    /* gets no requests, and is left alone (x-orc.health.readiness) */
};
const char *task_health_name(enum task_health h);

struct record_status {
    enum task_state state;
    enum task_health health;
    int restarts;               /* crash restarts by nodelet within this task */
    char *reason;               /* "pulling: registry 10.0.0.9: connection refused; next try in 8s"; NULL */
    char *probe;                /* the last probe's answer: "HTTP 503 after 2 ms"; NULL */
    char *container;            /* the engine's id, 64 hex digits; NULL */
    int exit_code;              /* of the last exit; -1: none yet */
    bool oom;                   /* the last exit was the OOM killer's */
    int64_t since;              /* wall ms: this state and health */
    char boot[RECORD_BOOT_MAX]; /* of the server, when this was seen: record_boot(); "" unknown */
};
/* What a status said of a container before its server was started anew says nothing of it now. Told by the
 * server's boot id, not by the age of its heartbeat: when etcd was away, every node registers anew, and what
 * was said of its containers still holds. */
bool record_status_is_stale(const char *boot, const char *boot_id); /* of the status; of `alive`, or NULL */
void record_boot(const char *boot_id, char ret[RECORD_BOOT_MAX]);   /* what a status keeps of a boot id */

/* ---- nodes/<node>
 * -------------------------------------------------------------------------------------------------- */
struct record_condition { /* what keeps work off a node, by name: "mtu", "engine", "virtualisation", "network"
                           */
    char *type;
    bool ok;
    bool avoid;   /* ok, and other nodes are preferred while it lasts */
    char *reason; /* a sentence when not ok */
    int64_t since;
};
#define RECORD_VOLUMES_MAX SPEC_LIST_MAX /* more are not told of */
struct record_node {
    char *address; /* private, numeric */
    char *subnet;  /* "10.210.1.0/24"; NULL until claimed */
    struct spec_resources capacity, reserve;
    int pids; /* processes and threads that tasks may have at once, less those reserved; 0: not known */
    struct spec_pairs labels, engine_labels; /* nodelet's; what the engine was started with */
    char *os, *arch;                         /* "linux", "amd64" */
    char *kernel;                            /* uname -r */
    char *virt;              /* "kvm", "none", "qemu", "container" ...: systemd-detect-virt's words */
    char *engine;            /* "20.10.24 (API 1.41)" */
    char *version;           /* orc's */
    int mtu;                 /* of orc0 */
    struct orc_strv volumes; /* named volumes that its engine has, as record_volume() tells of them; sorted */
    struct {
        struct record_condition *at; /* by type */
        size_t n, cap;
    } conditions;
};
/* The first condition that makes others preferable, or NULL. */
const struct record_condition *record_node_avoid(const struct record_node *n);
/* How a node tells of what its engine calls `name`: of an app's own volume as "<app>.<volume>", of any other
 * that has a name as "/<name>"; freed by the caller. NULL: nobody named it (the engine did, by 64 hex
 * digits), or no spec could. */
char *record_volume(const char *name);
/* Whether it is one of these: 0, or -EINVAL with a sentence. */
int record_check_volume(const char *s, struct orc_err *err);
/* True when every condition is ok and a subnet is claimed; *ret_reason (may be NULL) is the first reason,
 * borrowed. */
bool record_node_ready(const struct record_node *n, const char **ret_reason);

/* ---- node-policy/<node>: written by the CLI
 * -------------------------------------------------------------------------- */
struct record_node_policy {
    bool cordon, drain;
    int64_t removed;            /* wall ms of `orc node rm`; 0: it takes part */
    uint64_t drain_deadline_ms; /* after so long a drain stops the rest whatever it costs; 0: never */
    struct spec_pairs labels;   /* override or add */
};

/* ---- node-state/<node>: written by the scheduler, at each change of state; node_state.h judges it
 * -------------------------------------------------------------------------- */
enum node_state {
    NODE_READY,
    NODE_NOT_READY, /* alive, and a condition keeps work off it */
    NODE_UNKNOWN,   /* no heartbeat: its tasks are left as they are */
    NODE_DOWN,      /* no heartbeat for longer than the grace: its tasks are replaced elsewhere */
    NODE_CORDONED,  /* gets nothing new */
    NODE_DRAINING,  /* its tasks move elsewhere */
    NODE_DRAINED,   /* ... and have: all are reported stopped */
    NODE_REMOVED    /* by `orc node rm`; its tasks are replaced elsewhere */
};
const char *node_state_name(enum node_state s); /* "ready", "not ready" ... */
struct record_node_state {
    enum node_state state;
    char *reason;  /* of the change; NULL */
    int64_t since; /* wall ms */
    bool held;     /* silent, and nothing is moved as too many are */
    bool forced;   /* the deadline of its drain is over */
};

/* ---- alive/<node>: leased
 * ------------------------------------------------------------------------------------------- */
struct record_alive {
    char *machine_id, *boot_id;
    char *instance; /* random, kept in nodelet's state folder: tells two holders of one name apart */
};

struct record_subnet {
    char *node;
};

/* ---- endpoints/<app>/<service>/<task>: leased
 * ------------------------------------------------------------------------- */
enum endpoint_state { ENDPOINT_READY, ENDPOINT_DRAINING };
const char *endpoint_state_name(enum endpoint_state s);
struct endpoint_port { /* named by the route it serves: host then path, "/orders/" or "shop.example/orders/"
                        */
    char *name;
    uint16_t port;
};
struct record_endpoint {
    char *node, *address;
    enum endpoint_state state;
    struct {
        struct endpoint_port *at; /* by name */
        size_t n, cap;
    } ports;
};
char *endpoint_port_name(const struct spec_gateway *g); /* freed by the caller */

/* ---- gateways/<id>, gateway-alive/<id> (leased)
 * ---------------------------------------------------------------------- */
struct record_gateway {
    char *node; /* host name, for people */
    char *
        instance; /* drawn by the gateway once, kept in its state folder: of two with one id one is refused */
    struct orc_strv listen;
    int64_t at;
};
struct gateway_inflight {
    char *task;
    int64_t requests; /* 0: its endpoint vanished without being withdrawn, and it may still be chosen */
};
struct record_gateway_alive {
    int64_t served; /* the revision of endpoints that every NGINX worker of this gateway picks from */
    struct {
        struct gateway_inflight *at; /* who is never chosen and has no request in flight is left out, and
                                      * who is ready */
        size_t n, cap;
    } inflight;
};

struct record_leader {
    char *id, *host;
    char *version; /* orc's */
    int64_t at;
};

struct record_event {
    int64_t at;
    char *type;    /* "task", "node", "rollout", "gateway", "scheduler", "store" */
    char *object;  /* "shop/orders", "shop.orders.2.17", "k2" */
    char *message; /* a sentence */
    char *by;      /* process and host: "nodelet k2" */
};

/* For each record X: json_t *record_X_to_json(const struct record_X *); int record_X_from_json(const json_t
 * *, struct record_X *ret, struct orc_err *) with ret untouched on failure; void record_X_release(struct
 * record_X *); void record_X_copy(const struct record_X *, struct record_X *ret) into an empty one; and the
 * two in one step from an etcd value: int record_X_parse(const char *value, size_t n, struct record_X *ret,
 * struct orc_err *); char *record_X_text(const struct record_X *), freed by the caller. */
#define RECORD_DECLARE(x)                                                                                    \
    json_t *record_##x##_to_json(const struct record_##x *r);                                                \
    int record_##x##_from_json(const json_t *j, struct record_##x *ret, struct orc_err *err);                \
    void record_##x##_release(struct record_##x *r);                                                         \
    void record_##x##_copy(const struct record_##x *r, struct record_##x *ret);                              \
    int record_##x##_parse(const char *value, size_t n, struct record_##x *ret, struct orc_err *err);        \
    char *record_##x##_text(const struct record_##x *r);

RECORD_DECLARE(config)
RECORD_DECLARE(revision)
RECORD_DECLARE(app)
RECORD_DECLARE(intent)
RECORD_DECLARE(rollout)
RECORD_DECLARE(task)
RECORD_DECLARE(status)
RECORD_DECLARE(node)
RECORD_DECLARE(node_policy)
RECORD_DECLARE(node_state)
RECORD_DECLARE(alive)
RECORD_DECLARE(subnet)
RECORD_DECLARE(endpoint)
RECORD_DECLARE(gateway)
RECORD_DECLARE(gateway_alive)
RECORD_DECLARE(leader)
RECORD_DECLARE(event)

/* A config with every default and the given id (copied). */
void record_config_default(struct record_config *c, const char *cluster_id);

/* Addresses of a cluster: pure arithmetic, host byte order. */
int record_config_cidr(const struct record_config *c, uint32_t *ret_net, int *ret_prefix,
                       struct orc_err *err);

#endif
