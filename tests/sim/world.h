/* world.h - the simulated world: a virtual clock, chance, and the processes whose code runs in it.
 *
 * One seed is one exact run: nothing here asks the machine for time, randomness or order. What happens is a
 * queue of events; each belongs to a process (its timers, the answers it gets) or to nobody (the store, an
 * engine). While an event of a process runs, that process is `world.current`, so that the functions which
 * stand in for the machine (time.c, disk.c, say.c, client.c, engine.c, nginx.c) know whose clock, disk and
 * network is asked for. The processes' code is orc's own, from its shells down.
 *
 * There is one world at a time: the code under test calls functions that have no argument for it.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "lib/mem.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>
#include <uv.h>

#define SIM_CLUSTER "default"
#define SIM_ETCD_MEMBERS 3

struct sim_proc;

struct sim_event {
    uint64_t at, seq;
    struct sim_proc *proc; /* NULL: the world's own */
    void (*fire)(void *arg);
    void *arg;
    size_t place; /* in the queue, from 1; 0: not queued */
    bool held;    /* until its process, which is stopped, goes on */
};

enum sim_kind { SIM_SCHEDULER, SIM_NODELET, SIM_GATEWAY };

/* How a process reaches the store's members. */
struct sim_link {
    bool cut;           /* nothing passes, nothing says so */
    uint64_t cut_since; /* while cut */
    bool refused;       /* connections are refused at once */
    unsigned flaky;     /* one answer in so many is lost with its connection; 0: none */
    uint64_t slow;      /* ms more than usual, at most */
};

struct sim_file {
    char *path, *text;
    UT_hash_handle hh;
};

struct sim_proc {
    enum sim_kind kind;
    char name[32];
    bool up;
    bool dying;         /* its memory is being given back after a crash: what it still does has no effect */
    uint64_t resume_at; /* stopped until then; 0: it runs */
    uint64_t started_at;
    int64_t wall_offset; /* of its wall clock */
    struct sim_link link;
    struct sim_file *disk;   /* survives it */
    void *self;              /* struct shell, nodelet or gateway; NULL: not up */
    int64_t seen;            /* the store's revision up to which its views were told, at most */
    int64_t known;           /* the last revision of which it was told a change, by this store */
    int64_t knew;            /* the same of the store before it was wiped or restored; 0: it never knew it */
    uint64_t knew_at;        /* when that was replaced */
    struct sim_node *node;   /* of a nodelet */
    struct sim_nginx *nginx; /* of a gateway */
};

struct world {
    uint64_t seed, random;
    uint64_t now, seq;
    struct sim_event **queue;
    size_t n_queue, cap_queue;
    struct sim_proc *current;
    uint64_t events; /* fired */
    bool trace;
    bool calm; /* all faults have ended */
    bool over; /* what still happens is not judged any more */
    jmp_buf broken;
    struct sim_proc **procs;
    size_t n_procs;
};
extern struct world world;

/* Empties it; what an aborted run left is forgotten. */
void world_begin(uint64_t seed, bool trace);

/* ---- chance */
uint64_t sim_random(void);
/* 0 .. n-1 */
uint64_t sim_below(uint64_t n);
/* true once in so many; 0: never */
bool sim_chance(unsigned one_in);

/* ---- what happens */
void sim_event_init(struct sim_event *e, struct sim_proc *proc, void (*fire)(void *arg), void *arg);
/* In `ms`; an event that is queued already is moved. */
void sim_event_in(struct sim_event *e, uint64_t ms);
void sim_event_cancel(struct sim_event *e);
static inline bool sim_event_queued(const struct sim_event *e)
{
    return e->place != 0;
}
/* Once, in a piece of memory of its own. */
void sim_once(uint64_t ms, void (*fire)(void *arg), void *arg);
/* The next event; false: none before `until`, which it is now. */
bool world_step(uint64_t until);
/* A process that is stopped goes on now. */
void world_resume(struct sim_proc *p);

/* Runs as this process; returns who was current. */
struct sim_proc *sim_become(struct sim_proc *p);

/* ---- telling (say.c) */
/* A line of the trace; costs nothing unless the seed is replayed. */
void sim_say(const char *fmt, ...) ORC_PRINTF(1, 2);
/* An invariant does not hold: says so, with the seed, and ends this run. */
_Noreturn void sim_broken(const char *invariant, const char *fmt, ...) ORC_PRINTF(2, 3);
extern char sim_broken_text[1024], sim_broken_name[64];

/* ---- disk.c */
void sim_disk_clear(struct sim_proc *p);
void sim_disk_put(struct sim_proc *p, const char *path, const char *text);

#endif
