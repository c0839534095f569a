/* model.h - what the core has been fed, indexed so that a decision costs what the change costs.
 *
 * Private to scheduler/'s pure files. Records are held as fed; beside them stand sums kept up to date (room
 * used on a node, a service's tasks), what this core observed with its own clock (never stored: a new leader
 * observes anew), and what one step has tentatively decided.
 */
#ifndef SCHEDULER_MODEL_H
#define SCHEDULER_MODEL_H

#include "scheduler/core.h"
#include "scheduler/kept.h"
#include "scheduler/plan.h"
#include "scheduler/share.h"
#include "state/record.h"

#include <uthash.h>
#include <utlist.h>

struct core_node;
struct core_service;
struct core_allow;

/* What placing looks at of a node, for all nodes side by side, one cache line each; kept by rows.c. */
struct core_row {
    uint64_t hash;                    /* of its name */
    struct spec_resources used, room; /* with what this step has taken; capacity less reserve */
    float per_cpus, per_memory;       /* 100 / room; 0: none */
    uint64_t spread_stamp;
    int32_t spread : 24; /* while the stamp is the core's: slots held here of the service being decided */
    uint32_t avoid : 1;  /* a condition of the node makes others preferable */
    uint32_t closed : 1; /* nothing may be placed here now */
    int32_t tasks;
};

/* The same in brief, to pass over most nodes quickly: rounded, in per cent of the room, so many nodes at
 * once; kept by lanes.c. */
#define CORE_LANES 16
struct core_lanes { /* in use, and what one unit more adds; infinite: not usable */
    float cpus[CORE_LANES], per_cpus[CORE_LANES], memory[CORE_LANES], per_memory[CORE_LANES];
    float tasks[CORE_LANES];
};
struct core_lanes_vec {
    struct core_lanes *at;
    size_t n, cap;
};
struct core_block {              /* whose lanes these are */
    uint64_t hash[CORE_LANES];   /* as the row's */
    uint64_t hash_min, hash_max; /* all of them lie within */
    uint32_t rows[CORE_LANES];   /* UINT32_MAX: none */
    uint32_t shape;              /* nodes of about this size */
    uint32_t n : 31;             /* lanes in use */
    uint32_t stale : 1;          /* its least is to be found anew */
};

/* The best nodes for one service in one step; kept by rank.c. */
struct rank_entry {
    uint64_t first;    /* slots in the node's groups, the widest in the highest bits */
    uint64_t key, tie; /* spread, load, tasks; as packing has them */
    uint32_t row;
};
struct rank {
    uint64_t spread_stamp; /* valid while it is the core's; 0: not */
    struct core_service *service;
    const struct spec_service *spec;
    struct spec_resources need;
    uint64_t ring; /* where on the ring of hashes it begins, see place_tie() */
    bool constrained, ports, pids, packs;
    int most;                /* slots that a node may hold; 0: any number */
    int levels;              /* of groups */
    size_t keep;             /* so many of the best; more each time they are not enough */
    struct rank_entry limit; /* what is not better was left out */
    ORC_VEC(struct rank_entry) heap;
    ORC_VEC(uint32_t) at; /* where a row is in the heap */
    uint32_t last;        /* the row that was the best of all, mostly for another service */
};

/* Of many services or nodes: wider than one of them. */
struct core_sum {
    __int128 cpus_nano, memory;
};

/* One key of the store as fed. */
struct core_fed {
    bool present, unreadable;
    int64_t create, mod;
};

struct core_volume { /* by its name as records have it: the nodes that say they have it */
    char *name;
    ORC_VEC(struct core_node *) nodes;
    UT_hash_handle hh;
};

struct core_mount { /* this step has placed there a task of what mounts volumes */
    const struct core_service *service;
    const struct spec_service *spec;
    struct core_node *node;
};

struct core_group { /* nodes that are alike in the first labels of a list */
    uint64_t id;
    uint32_t index;
    UT_hash_handle hh;
};

struct core_group_count {
    uint64_t stamp; /* valid while it is the core's */
    int slots;      /* of the service being decided */
};

/* All nodes by the labels that services are spread over: which group each row is in, at each level. */
struct core_grouping {
    struct orc_strv over;
    uint64_t until; /* of the changes of labels, taken in */
    struct core_group *groups;
    ORC_VEC(uint32_t) of; /* row * over.n + level */
    ORC_VEC(struct core_group_count) counts;
};

struct core_port {                /* a host port in use on a node */
    struct spec_port port;        /* host_ip is borrowed from the task's record */
    const struct core_task *task; /* NULL: taken by this step */
    char id[KEY_TASK_MAX + 1];    /* whose, for messages */
};

/* The same in brief, of a task or its status. */
struct core_seen {
    uint64_t mod : 62, present : 1, unreadable : 1;
};

/* What few tasks have: those that fail, leave, or were in trouble. */
struct core_task_more {
    struct share_text *stop_reason;           /* of the record */
    enum task_stop stop_kind;                 /* likewise */
    struct share_text *address;               /* of the record, where it is no IPv4 address */
    int restarts;                             /* of the record */
    struct share_text *status_reason, *probe; /* of the status */
    int crashes, exit_code;                   /* of the status; exit_code -1: none */
    bool oom;
    int crashes_base; /* crashes before this core looked */
    int crashes_seen; /* counted as trouble */
    uint64_t run_ms;  /* longest time it was available without a break, less the present one */
    uint64_t failed_at, leaving_at, removed_at; /* as the times below */
    struct core_task *removed_prev, *removed_next;
};

#define CORE_TIME_BITS 41 /* of ms: for 69 years */

/* One task, with what this core keeps of its record and status. There may be a million: members that most
 * tasks leave at their default are in `more`, those that many have in common are shared. */
struct core_task {
    struct core_node *node;
    struct core_service *service;
    struct share_make *make;     /* of the last readable record; NULL: none yet */
    struct core_task *slot_next; /* of the same slot, by attempt */
    struct core_task *node_prev, *node_next;
    struct core_task_more *more; /* NULL: all at their defaults; read with core_task_more() */
    struct share_text *reason;   /* why it was made; NULL */
    struct core_seen fed, status_fed;
    int64_t attempt;
    int64_t at;            /* wall ms: made */
    uint64_t spread_stamp; /* of the decision in which it counts for the spread */
    uint32_t address;      /* host byte order, when more->address is NULL; 0: none */
    uint32_t touched;      /* its place in the list of those touched, from 1; 0: it is not */
    /* Times: observed, monotonic ms; 0: not (yet). Record and status: as last readable. */
    uint64_t since : CORE_TIME_BITS; /* it was seen first, or, when it has begun, its creation began */
    uint64_t slot : 14, begun : 1, desired : 2, state : 4, health : 2;
    uint64_t available_at : CORE_TIME_BITS;
    uint64_t boot : 16;   /* of the status: hash of its server's start; 0: unknown */
    uint64_t counted : 1; /* its room is in the node's sums */
    uint64_t address_counted : 1;
    uint64_t fails : 1; /* counted as trouble */
    uint64_t collectable : 1;
    uint64_t planned : 1; /* its collection is, in a plan that has not come back */
};

/* Addresses held, by last byte; of two tasks with one address each holds it. */
struct core_octets {
    uint8_t bits[32];
    uint16_t n; /* of those that may be given out */
    bool again; /* some are held more than once */
};

/* What this step has placed on a node; given back at its end. */
struct core_taken {
    struct core_node *node;
    const struct spec_service *spec;
    uint8_t octet;
};

#define CORE_LINE 64 /* of the cache */

struct core_node { /* what placing reads and writes goes first: two lines of the cache */
    _Alignas(CORE_LINE) struct core_fed alive_fed;
    struct core_fed policy_fed;
    struct share_text *shared; /* its name */
    uint32_t row;
    uint32_t subnet; /* x.y.k.0 in host byte order; 0: none */
    struct core_octets octets;
    int n_tasks;
    struct spec_resources used; /* by tasks that are not stopped, and by those this step places */
    uint32_t lane;              /* its place in the blocks of lanes */
    bool lost;                  /* acted upon: its tasks are replaced elsewhere */
    bool open;                  /* place_open() */
    bool stale;                 /* in the list of those whose tasks have changed */
    bool was_alive;             /* this core has seen it alive */
    bool missing;               /* in the list of those not alive */
    bool on_hold;               /* silent, and nothing is moved as too many are */
    uint16_t boot;              /* of `alive`, as of a status */
    bool restate;               /* what it is called may have changed */
    bool forced;                /* its drain is over its deadline: nothing is left there, whatever it costs */
    bool leaving;               /* in the list of those drained with a deadline */
    bool rests;                 /* let go, and its share of the addresses is not given back yet */
    int64_t pids;               /* as `used` */
    struct core_fed fed;
    struct record_node_policy policy;
    const char *name; /* in `shared` */
    ORC_VEC(struct core_port) ports;
    ORC_VEC(uint8_t) octets_again; /* held once more: octets.again */
    struct core_task *tasks;
    struct record_node rec;
    struct record_node_state state; /* as written */
    struct core_fed state_fed;
    struct orc_strv volumes;       /* of the last readable record; the index has the same */
    struct spec_resources offered; /* capacity less reserve, as counted in the core's sum */
    uint64_t gone_at;              /* when its heartbeat was seen missing; 0: alive, or not looked at yet */
    struct core_node *missing_prev, *missing_next; /* those not alive */
    struct core_node *restate_prev, *restate_next;
    struct core_node *leaving_prev, *leaving_next;
    uint64_t drain_at; /* when its drain was seen to begin; 0: it is not drained, or not looked at yet */
    uint64_t held_stamp;
    int held; /* of the service being decided: slots with a container here, or with one to come */
    UT_hash_handle hh;
};

struct core_trouble { /* failures of one content of a service on one node */
    char name[KEY_NAME_MAX + 1];
    uint64_t node; /* hash of its name */
    bool told;
    char hash[SPEC_HASH_MAX];
    int failures;
    uint64_t at; /* of the last */
};

struct core_revision {
    int64_t n;
    struct core_fed fed;
    struct record_revision rec;
    UT_hash_handle hh;
};

struct core_app {
    char *name;
    struct core_fed fed;
    struct record_app rec;
    struct core_service *services;
    bool waiters; /* some service may wait for another */
    UT_hash_handle hh;
};

struct core_service {
    char *name;                   /* "<app>/<service>" */
    struct share_service *shared; /* likewise */
    uint64_t hash;                /* of it */
    struct core_app *app;
    const char *service;
    size_t wanted_at; /* where its app's record has it, if it does */
    struct core_fed rollout_fed, intent_fed;
    struct record_rollout rollout;
    struct record_intent intent;
    struct core_revision *revisions;
    struct core_revision *came_last;     /* of those: mostly it is the one that is asked for; NULL */
    ORC_VEC(struct core_task *) by_slot; /* the first task of each slot, NULL where there is none */
    int n_tasks;
    ORC_VEC(struct share_make *) makes; /* what its tasks are made from; those no longer used go in time */
    struct spec_resources asked;        /* by one replica, as counted in the core's sum ... */
    int asked_replicas;                 /* ... so often */
    bool dirty, waits_room, waits_dependency;
    struct core_kept *kept; /* its slots that are well; NULL: not known */
    uint64_t wake;          /* monotonic ms; 0: none */
    bool timed;
    const struct spec_service *allow_spec; /* whose constraints these are; NULL: none of those it has now */
    struct core_allow *allow;              /* where they let it go; NULL */
    /* Observed. */
    uint64_t said_at;  /* when its record was last planned */
    uint64_t tell_at;  /* up to when its share of events is used (reconcile_tell.c) */
    int untold;        /* tasks made and stopped beyond that */
    uint64_t batch_at; /* not before: the delay between two batches of an update */
    bool batch_open;   /* a batch is under way, or may have been under an earlier leader */
    bool batch_begun;  /* one was decided, and nothing of it has been seen yet */
    ORC_VEC(struct core_trouble) trouble;
    uint64_t progress_at; /* the rollout began, went on, or had a replica more; 0: not looked at yet */
    uint64_t backoff_at;  /* not before: after an update's new task failed with failure_action continue */
    struct core_service *app_prev, *app_next, *dirty_prev, *dirty_next, *timed_prev, *timed_next;
    struct core_service *room_prev, *room_next;
    bool global; /* in the list of those with one replica per node */
    struct core_service *global_prev, *global_next;
    bool rebalances;     /* in the list of those that do it by themselves */
    uint64_t settled_at; /* complete without a break since then, as observed; 0: it is not */
    struct core_service *auto_prev, *auto_next;
    UT_hash_handle hh;
};

struct core_subnet {
    int64_t k, mod;
    char *node; /* that owns the k-th /24; NULL: can't be read */
    UT_hash_handle hh;
};

struct core_gateway {
    char *id;
    struct core_fed fed, alive_fed;
    uint64_t gone_at, blind_at; /* since when it gives no sign of life; has not said what it serves */
    bool planned;
    struct core_gateway *prev, *next; /* registered and not alive */
    bool listed;
    UT_hash_handle hh;
};

struct core {
    struct record_config config; /* of the store, or the defaults */
    struct core_node *nodes;
    struct core_app *apps;
    struct core_service *services;
    struct core_gateway *gateways;
    struct core_subnet *subnets;
    struct core_volume *volumes;
    ORC_VEC(struct core_mount) mounts;
    struct core_node *got_node;              /* by the last core_node_get(): changes come in bursts; NULL */
    struct core_service *got_service;        /* likewise */
    ORC_VEC(struct core_task *) task_blocks; /* where tasks live */
    struct core_task *task_spare;            /* free ones, through slot_next */
    struct core_service *dirty, *timed, *waiting_room, *globals, *autos;
    uint64_t nodes_settled_at; /* since when the nodes that take work are the same */
    struct core_node *missing, *restate, *leaving;
    ORC_VEC(struct core_task *) touched; /* NULL: freed since */
    struct core_task *removed;           /* container gone, address at rest, in order of removed_at */
    struct core_task *orphans; /* (through removed_next) status without a task, or task of no node */
    struct core_gateway *absent_gateways;
    uint64_t tell_at;               /* likewise for all services together */
    struct core_sum asked, offered; /* by all services, of all nodes (demand.h) */
    bool crowded;                   /* so much is asked for that room counts more than empty nodes */
    struct core_zones zones;
    bool schedules_held;   /* core_hold_schedules() */
    uint64_t nodes_at;     /* when lost nodes must be judged again; 0: never */
    bool nodes_changed;    /* lost nodes must be judged */
    bool frees_room;       /* something fed may have made room */
    bool occupied;         /* a node that ran nothing got a task: packed ones may go there */
    bool opened;           /* a node takes new work now, or no more; or another kind of work */
    bool baseline;         /* nothing stepped yet since core_lead(): what is fed was there before */
    char *hold;            /* a sentence while too many nodes were lost at once */
    size_t made;           /* tasks in this step's plan */
    size_t expected;       /* places that will be picked for the service being decided, about */
    uint64_t spread_stamp; /* of scratch: one per decision about a service */
    const struct core_kept *spread_kept;       /* what counts besides in that decision; NULL */
    ORC_VEC(struct core_grouping *) groupings; /* one for each list of labels in use lately */
    struct core_grouping *grouping;            /* of the service being decided */
    const struct orc_strv *spread_over;        /* the list it is for; borrowed */
    uint64_t groups_for, group_stamp;          /* the spread they are counted for; of the counts */
    ORC_VEC(struct core_row) rows;
    struct core_lanes_vec lanes;       /* of rows, in an order of their own ... */
    ORC_VEC(struct core_block) blocks; /* ... which is here, beside them */
    struct core_lanes_vec lanes_least; /* a block in each lane */
    struct core_lanes_vec lanes_top;   /* sixteen blocks in each lane */
    ORC_VEC(uint32_t) stale_blocks;    /* whose least is to be found anew */
    size_t lanes_used;                 /* how often something changed since blocks were brought in order */
    ORC_VEC(struct core_node *) row_nodes; /* beside rows */
    ORC_VEC(struct core_node *) stale;     /* whose rows are to be written anew */
    ORC_VEC(struct core_taken) taken;
    ORC_VEC(uint32_t) labels;  /* rows whose labels changed, in order */
    uint64_t labels_from;      /* how many before these */
    struct core_allow *allows; /* where lists of constraints in use let go */
    struct rank rank;
    uint64_t now;
    int64_t wall;
};

/* Finding; the `_get` forms create. */
struct core_node *core_node_get(struct core *c, const char *name);
struct core_node *core_node_find(const struct core *c, const char *name);
struct core_app *core_app_get(struct core *c, const char *name);
struct core_service *core_service_get(struct core *c, const char *app, const char *service);
struct core_service *core_service_find(const struct core *c, const char *app, const char *service);
const struct core_revision *core_service_revision(const struct core_service *s,
                                                  int64_t n); /* readable, or NULL */
/* What its app asks for, or NULL. */
/* Whether it ends by itself, by its own revision. */
bool core_task_of_job(const struct core_task *t);
const struct record_app_service *core_service_wanted(const struct core_service *s);

void core_dirty(struct core *c, struct core_service *s);
void core_dirty_node(struct core *c, struct core_node *n); /* all services with tasks there */
void core_dirty_all(struct core *c);
void core_touch(struct core *c, struct core_task *t);
void core_restate(struct core *c, struct core_node *n); /* what it is called is judged anew */
/* Wakes the service at `when` (monotonic ms) or earlier. */
void core_wake(struct core *c, struct core_service *s, uint64_t when);
void core_wait_room(struct core *c, struct core_service *s, bool waits);

/* Tasks of a service, by slot and attempt. */
struct core_task *core_tasks_from(const struct core_service *s,
                                  int slot); /* the first of that or a later slot */
struct core_task *core_task_after(const struct core_task *t);
#define core_each_task(t, s) for ((t) = core_tasks_from((s), 0); (t); (t) = core_task_after(t))
struct core_task *core_slot_tasks(const struct core_service *s, int slot); /* the first of just that slot */

/* task.c: making and freeing, for feed_task.c; a new one is in its node's and its service's lists. */
struct core_task *core_task_find(const struct core_service *s, int slot, int64_t attempt,
                                 const struct core_node *n);
struct core_task *core_task_new(struct core *c, struct core_service *s, int slot, int64_t attempt,
                                struct core_node *n);
void core_task_free(struct core *c, struct core_task *t);
void core_task_release_all(struct core *c);                      /* of those freed */
struct core_task_more *core_task_need_more(struct core_task *t); /* to write to */
void core_task_tidy(struct core_task *t);                        /* frees `more` when all are defaults */
extern const struct core_task_more core_task_nothing_more;       /* the defaults */

/* A task's id in `ret`, which is returned. */
const char *core_task_id(const struct core_task *t, char ret[KEY_TASK_MAX + 1]);
#define CORE_TASK_ID(t) core_task_id((t), (char[KEY_TASK_MAX + 1]){0}) /* for the rest of the block */
/* As a plan says it; borrows from the task. */
struct plan_task core_task_plan(const struct core_task *t);
/* What tasks with such a record have in common; counted for the caller. */
struct share_make *core_service_make(struct core_service *s, const struct record_task *r);

/* A key of this object, for guards. */
struct key core_key_task(const struct core_task *t, enum key_kind kind);
struct key core_key_node(const struct core_node *n, enum key_kind kind);
struct key core_key_service(const struct core_service *s, enum key_kind kind);

/* Stamps what was fed since the last step with the time of this one. */
void core_observe(struct core *c);

#include "scheduler/facts.h"

#endif
