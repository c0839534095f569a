/* spec.h - what a user asks for: the model of one Compose file, its JSON form and its hashes.
 *
 * The model is normalised: equivalent spellings give equal structs (512M = 536870912; environment as a list
 * or a map; short and long ports). It must not know YAML (parse.h), etcd, Docker or nodes. Everything is
 * owned by the struct it hangs on and freed by its _release/_free. Lists that are sets in Compose (ports,
 * mounts, constraints, depends_on, environment, labels) are sorted, so that order alone is no difference
 * (behaviour 14).
 */
#ifndef SPECS_SPEC_H
#define SPECS_SPEC_H

#include "lib/json.h"
#include "lib/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define SPEC_NAME_MAX 40 /* bytes of an app's or service's name: [a-z0-9]([a-z0-9-]*[a-z0-9])? */
#define SPEC_REPLICAS_MAX 10000
#define SPEC_SERVICES_MAX 1000
#define SPEC_SPREAD_MAX 4          /* preferences of a service */
#define SPEC_KEEP_MAX 100          /* results of runs kept */
#define SPEC_SIDECARS_MAX 8        /* of a service */
#define SPEC_REPLICAS_DEFAULT (-1) /* the file does not say: 1, or what `orc scale` said last */

struct spec_pair { /* environment, labels; sorted by key */
    char *key;
    char *value; /* NULL: an environment variable named without a value */
};
struct spec_pairs {
    struct spec_pair *at;
    size_t n, cap;
};

enum spec_health_kind { SPEC_HEALTH_NONE, SPEC_HEALTH_HTTP, SPEC_HEALTH_TCP, SPEC_HEALTH_EXEC };

struct spec_health {
    enum spec_health_kind kind;
    char *path;                 /* http: "/health" */
    uint16_t port;              /* http, tcp */
    struct orc_strv exec;       /* exec: argv; CMD-SHELL becomes {"/bin/sh", "-c", line} */
    uint64_t interval_ms;       /* default 10 s (the articles' shape; Compose says 30 s) */
    uint64_t timeout_ms;        /* default 1 s for http and tcp, 30 s for exec (Compose) */
    uint64_t start_period_ms;   /* default 0: failures in it don't count (behaviour 62) */
    uint64_t start_interval_ms; /* default 0: nodelet's own quick schedule while starting */
    int retries;                /* default 3: so many failures in a row make it unhealthy */
};

struct spec_port {
    char *host_ip; /* "": the node's private address; "0.0.0.0": every address */
    uint16_t host; /* 0: not published, or any free port chosen by the engine */
    uint16_t container;
    bool udp;
};

/* network_mode: the cluster's network, where each replica has an address; none; or the server's own. */
enum spec_network { SPEC_NETWORK_BRIDGE, SPEC_NETWORK_NONE, SPEC_NETWORK_HOST };

enum spec_mount_kind { SPEC_MOUNT_VOLUME, SPEC_MOUNT_BIND };

struct spec_mount {
    enum spec_mount_kind kind;
    char *source; /* the volume's name as in the file ("data"), or an absolute host path */
    char *target; /* absolute */
    bool read_only;
    char *propagation;             /* bind: "rslave" ... (mount_namespaces(7)); NULL: the engine's */
    bool nocopy;                   /* volume: what the image has at the target is not copied into a new one */
    char *name;                    /* volume: what the engine calls it; NULL: as spec_mount_volume() says */
    bool external;                 /* volume: it has a name, and nobody makes it */
    struct spec_pairs driver_opts; /* volume: what a server makes it with, the first time ... */
    struct spec_pairs labels;      /* ... and calls it for people */
};

/* ---- what of a service is the engine's to do in each of its containers ---------------------------------
 * Names are Compose's. Zero, NULL and empty everywhere: the engine's own default. */
struct spec_ulimit { /* getrlimit(2) */
    char *name;
    int64_t soft, hard; /* -1: none */
};
struct spec_tmpfs { /* tmpfs(5) */
    char *target;
    int64_t size;  /* bytes */
    int mode;      /* permission bits */
    char *options; /* "exec,uid=1000": what else differs from the engine's noexec,nosuid,nodev,rw */
};
struct spec_device {
    char *source, *target;
    char *permissions; /* of "rwm", in this order */
};
struct spec_host { /* a line of /etc/hosts */
    char *name;
    char *address; /* IPv4, IPv6, or "host-gateway": that of the server */
};
struct spec_security {
    bool no_new_privileges, seccomp_unconfined, systempaths_unconfined;
    char *seccomp; /* a profile, JSON on one line */
    char *apparmor;
    struct orc_strv label; /* SELinux's: "type:svirt_t", "disable"; a set */
};
struct spec_logging {
    char *driver;
    struct spec_pairs options;
};

struct spec_container {
    char *user, *working_dir;  /* "1000:1000"; absolute */
    struct orc_strv group_add; /* a set */
    bool init, tty, stdin_open;
    char *hostname, *domainname;     /* NULL: service and slot */
    struct orc_strv dns, dns_search; /* in this order */
    struct orc_strv dns_opt;         /* of resolv.conf(5); a set */
    ORC_VEC(struct spec_host) extra_hosts;
    bool read_only; /* the image's files */
    ORC_VEC(struct spec_tmpfs) tmpfs;
    int64_t shm_size;      /* bytes */
    int64_t memswap_limit; /* bytes of memory and swap together; -1: any swap */
    int cpu_shares;        /* relative weight; 1024 is usual */
    char *cpuset;          /* "0-3,7" */
    int oom_score_adj;     /* proc(5) */
    ORC_VEC(struct spec_ulimit) ulimits;
    struct spec_pairs sysctls, annotations;
    bool privileged;
    struct orc_strv cap_add, cap_drop; /* capabilities(7) without "CAP_", or "ALL"; sets */
    struct spec_security security;
    ORC_VEC(struct spec_device) devices;
    struct orc_strv device_cgroup_rules; /* "c 1:3 mr"; a set */
    char *ipc, *pid, *uts, *userns, *cgroup;
    char *runtime;
    struct spec_logging logging;
};

#define SPEC_CONFIG_MODE 0444 /* where the file says nothing else */
struct spec_config {          /* a text that is a file in the container */
    char *source;             /* its name in the Compose file */
    char *target;             /* absolute */
    char *content;            /* UTF-8 */
    int uid, gid, mode;
};

struct spec_resources {
    int64_t cpus_nano; /* 0: unlimited / nothing */
    int64_t memory;    /* bytes, 0 likewise */
};

enum spec_order { SPEC_STOP_FIRST, SPEC_START_FIRST };
enum spec_failure_action { SPEC_ON_FAILURE_PAUSE, SPEC_ON_FAILURE_CONTINUE, SPEC_ON_FAILURE_ROLLBACK };

struct spec_update {          /* Compose's update_config and rollback_config */
    int parallelism;          /* default 1; 0: all at once (Compose) */
    int parallelism_percent;  /* of the replicas, 1..100, in place of parallelism; 0: parallelism counts */
    uint64_t delay_ms;        /* between two batches; default 0 */
    uint64_t monitor_ms;      /* a failure so long after a step fails the rollout; default 5 s */
    int64_t max_failure_nano; /* the part of the replicas that may fail, in billionths; default 0: the first
                                 failure counts */
    enum spec_order order;    /* default stop-first (Compose) */
    enum spec_failure_action failure_action; /* default pause */
};

struct spec_constraint { /* "node.labels.disk == ssd", "node.hostname != k2"; compared without case */
    char *key;
    bool equal;
    char *value;
};

struct spec_weight { /* x-orc.placement.weights: as a constraint, and what a node where it holds is worth */
    char *key;
    bool equal;
    char *value;
    int weight; /* -SPEC_WEIGHT_MAX..SPEC_WEIGHT_MAX, not 0 */
};
#define SPEC_WEIGHT_MAX 1000
#define SPEC_WEIGHTS_MAX 32 /* of a service */

enum spec_strategy { SPEC_SPREAD, SPEC_BINPACK }; /* x-orc.placement.strategy */

enum spec_depends { SPEC_DEPENDS_STARTED, SPEC_DEPENDS_HEALTHY, SPEC_DEPENDS_COMPLETED };

struct spec_depend {
    char *service; /* of the same app */
    enum spec_depends condition;
};

enum spec_restart {
    SPEC_RESTART_ALWAYS,
    SPEC_RESTART_NO,
    SPEC_RESTART_ON_FAILURE,
    SPEC_RESTART_UNLESS_STOPPED
};

enum spec_pull { SPEC_PULL_MISSING, SPEC_PULL_ALWAYS, SPEC_PULL_NEVER }; /* before a container is made */

struct spec_gateway {  /* x-orc.gateway: a route from NGINX to this service */
    char *host;        /* "": any host name */
    char *path;        /* a prefix: "/", "/orders/" */
    uint16_t port;     /* the container's port */
    bool strip_prefix; /* "/orders/7" arrives as "/7" */
};

#define SPEC_RETRIES_ANY (-1) /* it is tried until it succeeds */

enum spec_concurrency { SPEC_RUNS_FORBID, SPEC_RUNS_ALLOW, SPEC_RUNS_REPLACE };

struct spec_schedule {                 /* x-orc.schedule: when a job runs; without one, once per revision */
    char *cron;                        /* five fields (lib/cron.h); NULL: none */
    char *time_zone;                   /* "Europe/Oslo"; NULL: UTC */
    enum spec_concurrency concurrency; /* when a run is due and another still runs; default forbid */
    uint64_t deadline_ms;              /* a run that could not begin in time is begun so much later at most;
                                          default 1 h */
};

struct spec_run {       /* of a job: what a run of it is like */
    int max_concurrent; /* x-orc.job.max_concurrent: tasks at once; 0: all of them */
    int retries;        /* how often a slot is tried again after a failure; default 3, or SPEC_RETRIES_ANY */
    uint64_t delay_ms;  /* before it is tried again; default 0: 10 s, doubling to 5 min */
    int keep;           /* x-orc.job.keep: results kept; default 10 */
};

struct spec_service {
    char *name;
    char *image;
    struct orc_strv command;          /* empty: the image's */
    struct orc_strv entrypoint;       /* empty: the image's */
    bool command_set, entrypoint_set; /* tells `[]` from absent */
    struct spec_pairs environment, labels;
    char *stop_signal;             /* NULL: the image's, else SIGTERM */
    uint64_t stop_grace_period_ms; /* TERM to KILL; default 10 s */
    enum spec_restart restart;     /* default always: orc keeps services running */
    int restart_max;               /* on-failure:N; 0: no limit */
    struct {
        struct spec_depend *at;
        size_t n, cap;
    } depends_on;
    struct spec_health health; /* only while it is healthy it gets requests; and, unless live_apart, when it
                                  is unhealthy it is restarted */
    bool live_apart;           /* x-orc.health.readiness: only `live`, if it has a kind, has it restarted */
    struct spec_health live;
    enum spec_network network;
    struct {
        struct spec_port *at;
        size_t n, cap;
    } ports; /* with SPEC_NETWORK_HOST: those of the server that it listens on, host and container the same */
    struct {
        struct spec_service *at; /* by name: containers beside each replica's own, in its network; of them
                                    counts what makes a container and its check, the rest is at its default */
        size_t n, cap;
    } sidecars;
    struct {
        struct spec_mount *at;
        size_t n, cap;
    } mounts;
    struct {
        struct spec_config *at;
        size_t n, cap;
    } configs;
    struct {
        struct spec_constraint *at;
        size_t n, cap;
    } constraints;
    struct {
        struct spec_weight *at;
        size_t n, cap;
    } weights;
    struct {
        struct spec_gateway *at;
        size_t n, cap;
    } gateway;
    struct orc_strv spread_over; /* preferences: what of the nodes, widest first; SPEC_SPREAD_MAX at most */
    enum spec_strategy strategy;
    bool survive_node_loss; /* x-orc.placement: refused at apply when the loss of one server leaves a replica
                               without a place */
    bool global;            /* deploy.mode: one on each server that takes it, and no number of replicas */
    int max_per_node;       /* replicas on one server; 0: any number */
    int replicas;           /* or SPEC_REPLICAS_DEFAULT */
    bool job;               /* deploy.mode: its containers end; `restart` is SPEC_RESTART_NO then */
    struct spec_run run;
    struct spec_schedule schedule;
    struct spec_resources limits, reservations;
    int pids_limit; /* processes and threads at once; 0: no limit */
    struct spec_container container;
    char *
        platform; /* "linux/arm64": what image is pulled; its constraints are beside it; NULL: the server's */
    enum spec_pull pull_policy;
    struct spec_pairs deploy_labels; /* the service's own; no container has them */
    struct spec_update update;
    struct spec_update rollback; /* while going back to an earlier revision, if rollback_set */
    bool rollback_set;           /* else it goes as update says */
    int canary; /* x-orc: an update waits for people once so many replicas are of it; 0: it does not */
    uint64_t progress_deadline_ms; /* x-orc: without a replica more so long, a rollout fails; default 10 min
                                      (Kubernetes, Nomad); 0: none */
    uint64_t drain_timeout_ms;     /* x-orc.drain.timeout; default 30 s */
    uint64_t disconnect_ms; /* x-orc.disconnect: so long a lost node's replicas may come back; 0: never */
    bool rebalance_auto;    /* x-orc.rebalance: auto; default: only `orc rebalance` moves what runs */
    uint64_t rebalance_after_ms; /* ... when nodes and service have been as they are for so long; 5 min */
    uint64_t fence_ms; /* x-orc.fence: after so long without etcd its server stops a replica; 0: never */
};

struct spec_app {
    char *name;
    struct {
        struct spec_service **at; /* sorted by name */
        size_t n, cap;
    } services;
    struct orc_strv volumes; /* declared named volumes, sorted */
};

/* A service with every default filled in; `image` is still to be set (a service without one can't be read
 * back from its JSON). */
struct spec_service *spec_service_new(const char *name);
void spec_service_init(struct spec_service *s); /* zeroed before: every default, without a name */
/* Puts the lists that are sets into their one order, and drops a port, mount, constraint, dependency or route
 * that is there twice. parse.h and spec_service_from_json() have done it; who builds a service by hand calls
 * it before hashing. */
void spec_service_sort(struct spec_service *s);
struct spec_app *spec_app_new(const char *name);
/* Takes the service over and keeps the services sorted by name. */
void spec_app_add(struct spec_app *a, struct spec_service *s);
/* Appends what is said of security as options of the engine ("seccomp=unconfined"); but for systempaths,
 * which is none of its API's. */
void spec_security_options(const struct spec_security *s, struct orc_strv *ret);
/* Appends copies; does not sort. */
void spec_pairs_add(struct spec_pairs *p, const char *key, const char *value);
void spec_pairs_release(struct spec_pairs *p);                  /* leaves an empty list */
struct spec_service *spec_service_free(struct spec_service *s); /* NULL allowed; returns NULL */
struct spec_app *spec_app_free(struct spec_app *a);
ORC_DEFINE_CLEANUP(struct spec_service, spec_service_free)
ORC_DEFINE_CLEANUP(struct spec_app, spec_app_free)
const struct spec_service *spec_app_service(const struct spec_app *a, const char *name); /* or NULL */
struct spec_service *spec_app_take(struct spec_app *a, const char *name); /* the caller's now; or NULL */

/* What is reserved for one replica: reservations, and limits where it reserves nothing (per resource). Here
 * and below a replica is all of its containers: with the sidecars'. */
struct spec_resources spec_service_reserved(const struct spec_service *s);
/* Processes and threads that a replica may have at once; 0: no limit. */
int spec_service_pids(const struct spec_service *s);
/* The i-th that it mounts; NULL: there are no more. */
const struct spec_mount *spec_service_mount(const struct spec_service *s, size_t i);
/* What the engine of a server calls a volume that the app's services mount: its name, or "orc.shop.data".
 * Freed by the caller. */
#define SPEC_VOLUME_PREFIX "orc."
char *spec_mount_volume(const char *app, const struct spec_mount *m);
/* From the stop signal to the last container's end, at most: sidecars stop after the main container. */
uint64_t spec_service_stop_ms(const struct spec_service *s);
/* A check that goes over the network, so that there must be one. */
bool spec_health_is_remote(const struct spec_health *h);
/* One of its own checks is: the sidecars' are theirs. */
bool spec_service_is_probed(const struct spec_service *s);
/* After so long a failing health check has said so, counted from the start; 0: none has one. */
uint64_t spec_service_check_ms(const struct spec_service *s);
/* The sidecar of that name, or NULL. */
const struct spec_service *spec_service_sidecar(const struct spec_service *s, const char *name);

/* How many there are to be: what `orc scale` said (SPEC_REPLICAS_DEFAULT: nothing), else the file's number,
 * else 1. Of those with one per server, and of jobs, the scheduler counts them. */
int spec_service_replicas(const struct spec_service *s, int scaled);

/* The most replicas that one server may hold; 0: any number. */
int spec_service_max_per_node(const struct spec_service *s);

/* What counts for going back from this revision: rollback, or update where rollback is not set. */
const struct spec_update *spec_service_rollback(const struct spec_service *s);

/* How many of so many replicas may change at once, and how many may be missing meanwhile; 1 at least. A
 * percentage is rounded as in Kubernetes (Deployment, rollingUpdate): up where the new one comes first
 * (maxSurge), down where the old one goes first, and for what may be missing in any case (maxUnavailable). */
int spec_update_at_once(const struct spec_update *u, int replicas);
int spec_update_missing(const struct spec_update *u, int replicas);
/* How many may fail before the update has failed: max_failure_ratio of them, rounded down. */
int spec_update_may_fail(const struct spec_update *u, int replicas);

/* The normalised JSON form, canonical: equal services give equal text. Members that hold their default are
 * left out. The text is freed by the caller. `from_json` reads what was written (also by older versions:
 * unknown members are refused by name). */
char *spec_service_text(const struct spec_service *s);
struct spec_service *spec_service_from_json(const json_t *j, struct orc_err *err); /* NULL on failure */

/* SHA-256, hex. `whole` changes with anything; `container` only with what needs a new container: not with
 * replicas, update, rollback, canary, progress_deadline, constraints, depends_on, drain (behaviours 41, 58);
 * with the routes, which endpoints are named by (decision 2).
 */
#define SPEC_HASH_MAX 65
void spec_service_hash(const struct spec_service *s, char ret_whole[SPEC_HASH_MAX],
                       char ret_container[SPEC_HASH_MAX]);

/* 0 or -EINVAL with a sentence that says what would be accepted. `what`: "service name", "app name" ... */
int spec_check_name(const char *what, const char *name, struct orc_err *err);
/* One like it that could be used: "My_Service" -> "my-service"; "" when there is none. */
void spec_suggest_name(const char *name, char ret[SPEC_NAME_MAX + 1]);

#endif
