/* cluster.h - what is in the simulated world: the store's members, servers with their engines and containers,
 * gateways with their NGINX, schedulers, services that people want. What is here is the truth; what orc
 * believes of it is inside its processes and in the store. */
#ifndef TESTS_SIM_CLUSTER_H
#define TESTS_SIM_CLUSTER_H

#include "nodelet/docker.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

#define SIM_NODES 6
#define SIM_SERVICES 6
#define SIM_WIDE 1000000  /* seeds from here on are of the wide world */
#define SIM_HANDS 2000000 /* ... and from here on people delete containers behind orc's back, too */
#define SIM_GATEWAYS 2
#define SIM_APP "shop"
#define SIM_ADDRESS_HOLD_MS 60000
#define SIM_MONITOR_MS 2000
#define SIM_NEED_MEMORY (INT64_C(64) << 20) /* of each replica */
#define SIM_REPLICAS_MAX 5
#define SIM_REQUEST_MS 15000 /* the longest request */

/* ---- the store's members */

struct sim_member {
    bool down;    /* connections to it break, new ones are refused */
    bool stalled; /* it is stopped, or cut off from the others: it says nothing */
    uint64_t lag; /* ms by which its watches are late, at most */
};

/* ---- servers */

enum sim_temper {                   /* what a container is like: by its image, up to a "-" */
                  SIM_GOOD,         /* healthy a little after its start */
                  SIM_SICK,         /* runs, never healthy */
                  SIM_CRASHING,     /* ends with 1 some time after each start */
                  SIM_ONCE_CRASHED, /* ends with 1 after its first start */
                  SIM_STUBBORN,     /* good, and won't end before it is killed */
                  SIM_FINISHED,     /* ends with 0 */
                  SIM_BROKEN,       /* the program can't be started */
                  SIM_TEMPERS
};

enum sim_state { SIM_CREATED, SIM_RUNNING, SIM_EXITED };

struct sim_container {
    struct sim_container *next;
    struct sim_node *node;
    char *id, *name, *task, *cluster_id, *hash;
    char *sidecar,
        *joins; /* of a sidecar: its name, the container whose network it is made for; "": it is none */
    int joined; /* ... and which start of that it has joined */
    unsigned long run; /* the engine's count of starts */
    char address[16];
    int host_port; /* 0: none */
    int64_t revision;
    struct spec_resources needs;
    enum sim_temper temper;
    enum sim_state state;
    int starts, exit_code;
    uint64_t started_at, healthy_at, ended_at;
    bool sick_now;          /* a fault: its checks fail, until it is started again or mended */
    uint64_t term_at;       /* the stop signal was sent in this run; 0: not */
    uint64_t stop_asked_at; /* ... by a request of then */
    bool fenced;            /* ... by its server itself, which was without etcd */
    struct sim_event end;   /* of this run */
    struct sim_stop *stops;
};

struct sim_node {
    char name[16];
    int k;
    struct spec_resources capacity;
    bool engine_up;
    unsigned engine_fails; /* one call in so many fails; 0: none */
    uint64_t engine_slow;  /* ms more, at most */
    struct sim_container *containers;
    unsigned long runs;      /* its engine's */
    struct orc_strv volumes; /* by their engine's names; they stay */
    struct sim_proc *proc;
    struct docker *docker; /* of the nodelet that runs; NULL */
    bool zone;
    int boots; /* how often it was started anew */
    bool off;  /* it is being started anew */
};

/* ---- gateways' NGINX, which outlives orc-gateway */

struct sim_peer {
    char task[KEY_TASK_MAX + 1], address[16];
    char state; /* 'r', 'd', 's' */
    bool there;
    bool was, still; /* in the table before; and chosen in both */
    int in_flight;
};

struct sim_member_of {
    char backend[17];
    unsigned slot;
};

struct sim_nginx {
    char id[16];
    struct sim_proc *proc;
    bool up;
    char *text; /* NULL: none yet */
    int64_t version;
    char hash[65];
    ORC_VEC(struct sim_peer) peers; /* by slot */
    ORC_VEC(struct sim_member_of) members;
    struct gw_nginx *control; /* of the gateway that runs; NULL */
};

/* ---- what people want */

struct sim_service {
    char name[16];
    bool wanted;
    int64_t revision, target, epoch; /* the highest; the one asked for; of restarts */
    int replicas, parallelism;
    enum spec_order order;
    bool volume, port, routed, zones, packed;
    int per_node;
    uint64_t drain_ms, grace_ms;
    int64_t good; /* the last revision whose image works */
    /* of the wide world */
    bool global, job, scheduled, rebalances, sidecar;
    enum spec_concurrency concurrency;
    int canary;
    uint64_t disconnect_ms, fence_ms;
    int needs; /* it starts after services[needs - 1]; 0: at once */
    enum spec_depends needs_how;
    int64_t settled; /* the revision that people applied in the end: it waits for nobody; 0: not yet */
    struct {
        enum intent_action action;
        int64_t epoch, revision;
    } asked;
    int64_t rebalance_epoch;
    int rebalance_max;
};

struct cluster {
    struct sim_member members[SIM_ETCD_MEMBERS];
    size_t page; /* keys that one answer to a range may hold */
    struct sim_node nodes[SIM_NODES];
    int n_nodes;
    struct sim_nginx gateways[SIM_GATEWAYS];
    int n_gateways;
    struct sim_service services[SIM_SERVICES];
    int n_services;
    struct sim_proc *schedulers[3];
    int n_schedulers;
    char cluster_id[65];
    int64_t recovered;
    struct backup backup;
    uint64_t backup_at, fault_at; /* fault_at: of the last fault, or of its end */
    bool wide;                    /* people do everything that orc can do, and servers are started anew */
    bool later;                   /* ... also what came to that world later: see wide.c */
    uint64_t later_random;
    bool may_replace, may_delete; /* of the faults of this run */
    bool frozen;                  /* wiped or restored, and nobody has said `orc recover` yet */
    bool replaced; /* it was at some time: what is promised within one store is not across two */
    unsigned long requests, answered; /* of clients, through NGINX */
};
extern struct cluster cluster;

/* ---- client.c, stream.c */
struct etcd;
struct sim_proc *client_proc(struct etcd *e);
void stream_begin(void);
void stream_cut(struct sim_proc *p); /* its link was cut */
void stream_reset(size_t member);    /* its connections break */

/* ---- engine.c */
struct sim_container *engine_by_address(const char *address);             /* running; NULL: none */
struct sim_container *engine_by_task(const char *node, const char *task); /* existing; NULL: none */
/* Any of them, also a sidecar; `running`: that runs. */
struct sim_container *engine_any_of(const char *node, const char *task, bool running);
struct sim_container *engine_main(const struct sim_container *c); /* of a sidecar; NULL: it is gone */
/* A sidecar runs in the network that its main container has now. */
bool engine_is_joined(const struct sim_container *c);
void engine_set(struct sim_node *n, bool up);
void engine_crash(struct sim_container *c, int exit_code); /* it ends by itself */
void engine_release(struct sim_node *n);
void engine_delete(struct sim_container *c); /* by hand: `docker rm -f` */
void engine_clean(void);                     /* people delete the containers that orc calls orphans */
bool engine_is_healthy(const struct sim_container *c);

/* ---- nginx.c */
void nginx_crash(struct sim_nginx *n);
void nginx_release(struct sim_nginx *n);
/* Whether it would send a request of some backend to this task now. */
bool nginx_may_pick(const struct sim_nginx *n, const char *task);
int nginx_in_flight(const struct sim_nginx *n, const char *task);
/* A client asks for a service through some gateway. */
void nginx_request(struct sim_nginx *n);

/* ---- process.c */
struct sim_proc *process_new(enum sim_kind kind, const char *name);
void process_start(struct sim_proc *p);
void process_crash(struct sim_proc *p);
void process_pause(struct sim_proc *p, uint64_t ms);
void process_cut(struct sim_proc *p, bool cut);
void process_crash_all(void);
void process_release_all(void); /* when nothing is under way any more */

/* ---- people.c */
void people_init(void); /* `orc init` */
void people_recover(void);
/* Does the store hold the word that all may be believed that it says, given after that moment? */
bool people_recovered_since(uint64_t at);
void people_apply(struct sim_service *s, const char *image);
void people_scale(struct sim_service *s, int replicas);
void people_rollback(struct sim_service *s);
void people_restart(struct sim_service *s);
void people_order(struct sim_service *s, enum intent_action action, int64_t revision);
void people_rebalance(struct sim_service *s, int max);
void people_remove(struct sim_service *s);
void people_put_policy(struct sim_node *n, const struct record_node_policy *p);
void people_policy(struct sim_node *n, bool cordon, bool drain);
void people_forget_node(struct sim_node *n); /* `orc node rm` of a server that is away */
void people_look(void);                      /* the store was replaced: what it asks for now */
void people_act(void);
void people_settle(struct sim_service *s); /* the last apply: of what works, and waits for nobody */

/* ---- wide.c: what people want and do in the wide world */
void wide_service(struct sim_service *s, int i); /* what it is besides */
void wide_spec(const struct sim_service *s, struct spec_service *w);
bool wide_act(struct sim_service *s, struct sim_node *n); /* false: something plain is done */
void wide_begin(void);
uint64_t wide_control_late(void); /* ms that NGINX is busy before it looks at its control socket */
void wide_later(struct sim_service *s, int i); /* what it waits for, and its fence */
struct sim_node *
wide_drain(uint64_t *ret_ms); /* people drain a server with a deadline; NULL: not in this run */

/* ---- faults.c */
void fault_any(void);
void fault_wide(void);                       /* faults_wide.c: what goes wrong in the wide world alone */
void fault_node_up(struct sim_node *n);      /* one that is being started anew is there again */
void fault_mend(void *arg);                  /* a process reaches etcd again */
void fault_start(void *arg);                 /* ... is up again, if it is down */
void fault_lose_withdrawal(void);            /* a lease ends in the middle of a withdrawal */
struct sim_container *fault_container(void); /* any; NULL: none */
void fault_end_all(void);

/* ---- check.c, check_task.c, check_rest.c: what must never happen; each ends the run by sim_broken() */
void check_begin(void);
void check_end(void);
void check_started(struct sim_container *c); /* a container is about to run */
void check_signalled(struct sim_container *c,
                     struct sim_proc *by);                /* ... is sent the stop signal, or killed */
void check_ended(struct sim_container *c, int exit_code); /* it ended by itself, or was made to */
void check_deleted(struct sim_container *c);              /* by somebody's hand */
void check_not_started(struct sim_container *c);          /* its program can't be run */
void check_removed(struct sim_container *c, struct sim_proc *by);
void check_table(const struct sim_nginx *n); /* it has got another table */
void check_request(const struct sim_nginx *n, const char *task, const char *address);
bool check_is_orphan(const struct sim_container *c);        /* its record is not in the store any more */
void check_passing(void);                                   /* something has happened, or time has passed */
void check_emptied(const struct sim_node *n, bool stopped); /* the deadline of its drain is over */
void check_settled(void); /* after the faults have ended and enough time passed */
bool check_is_settled(void);
void check_replaced(void);   /* the store was */
void check_cleaned(void);    /* people deleted orphans */
uint64_t check_writes(void); /* transactions of daemons so far */

#endif
