/* hollow.h - what bench-hollow and bench-leader share: a store, hollow nodes in it, a scheduler or a bare
 * writer that gives them work, and somebody who looks on.
 *
 * One process but for the observer, which has its own, so that its clock is not held up by ours.
 */
#ifndef TESTS_BENCH_HOLLOW_H
#define TESTS_BENCH_HOLLOW_H

#include "state/etcd.h"
#include "state/etcd_sync.h"
#include "state/record.h"
#include "state/view.h"

#define HOLLOW_CLUSTER "bench"
#define HOLLOW_ID "0123456789abcdef0123456789abcdef"
#define HOLLOW_NODE_TTL_S 15      /* as for so many nodes: 4 s would be 750 keep-alives a second */
#define HOLLOW_PATIENCE_MS 600000 /* nothing here takes so long */

/* ---- hollow_process.c: programs --------------------------------------------------------------------------
 */

/* Ends the program with a sentence; nothing stays behind. */
_Noreturn void hollow_die(const char *fmt, ...) ORC_PRINTF(1, 2);
/* One etcd at a time, empty, its data below $TMPDIR; returns its URL. */
const char *hollow_etcd_start(void);
void hollow_etcd_stop(void);
pid_t hollow_etcd_pid(void);
const char *hollow_etcd_dir(void); /* a folder that goes with it, whatever ends the program */
pid_t hollow_scheduler_start(const char *program, const char *url);
pid_t hollow_stop(pid_t pid); /* SIGTERM, and waits; returns 0 */
/* Seconds of all its threads on a processor, to a hundredth (utime and stime of proc(5)); of its first thread
 * alone, to the nanosecond (schedstat). */
double hollow_cpu_of(pid_t pid);
double hollow_exact_cpu_of(pid_t pid);
double hollow_private_mib(pid_t pid);

struct etcd *hollow_connect(uv_loop_t *loop, const char *url);
/* Runs the loop until it holds; dies with `what` when it does not come to be. */
void hollow_until(uv_loop_t *loop, bool (*holds)(void *arg), void *arg, const char *what);
void hollow_until_led(struct etcd *e, uv_loop_t *loop);
void hollow_for(uv_loop_t *loop, uint64_t ms);

/* ---- hollow_shape.c: apps of equal services, as people write them ------------------------------------- */

struct hollow_shape {
    int apps, services, replicas; /* services of an app; replicas of a service in the end */
};
/* The index of a service among all, from its app's and its own name ("a3", "s7"); -1: not one of ours. */
int hollow_service_index(const struct hollow_shape *s, const char *app, const char *service);
/* config and all revisions; waits until they are written. */
void hollow_write_specs(struct etcd *e, uv_loop_t *loop, const struct hollow_shape *s);
/* The text of an app's record; replicas: of each of its services. Freed by the caller. */
char *hollow_app_text(const struct hollow_shape *s, int64_t generation, const int *replicas);

/* ---- hollow_nodes.c: 1,000 nodelets without engines ---------------------------------------------------- */

struct hollow_nodes;
/* Registers n nodes, each with a lease of its own, and waits until all are there. */
struct hollow_nodes *hollow_nodes_new(uv_loop_t *loop, struct etcd *e, int n);
struct hollow_nodes *hollow_nodes_free(struct hollow_nodes *h); /* returns NULL */
long hollow_nodes_assigned(const struct hollow_nodes *h);       /* tasks ever seen */
long hollow_nodes_answered(const struct hollow_nodes *h);       /* statuses written */
long hollow_nodes_owed(const struct hollow_nodes *h);           /* answers not yet written */
/* From now on tasks are only counted; false: those are answered, too. */
void hollow_nodes_hush(struct hollow_nodes *h, bool hushed);

/* ---- hollow_observer.c: when did who see what ---------------------------------------------------------- */

struct hollow_seen {
    long tasks;                  /* made */
    double seconds;              /* from the first app's key to the last task's */
    double p50, p90, p99, worst; /* ms from the app's key to the task's, each as it arrived */
};
/* A process that watches apps/ and tasks/ until it has seen so many tasks. */
struct hollow_observer;
struct hollow_observer *hollow_observer_new(const char *url, const struct hollow_shape *s, long tasks);
/* Waits for its report, and frees it. */
struct hollow_seen hollow_observer_end(struct hollow_observer *o);

/* ---- hollow_bare.c: the scheduler's transactions, sent by somebody who decides nothing ------------------
 */

struct hollow_history;
/* What was committed since `revision` by who writes tasks/ and rollouts/, up to the last task made. */
struct hollow_history *hollow_history_read(uv_loop_t *loop, struct etcd *e, int64_t revision, long tasks);
struct hollow_history *hollow_history_free(struct hollow_history *h); /* returns NULL */
long hollow_history_count(const struct hollow_history *h);
/* Sends them again to another store with the same nodes, so many in flight, with as many compares: a process
 * of its own, as the scheduler is one. Its end is waited for by the caller. */
pid_t hollow_history_send(const struct hollow_history *h, const char *url, int in_flight);

#endif
