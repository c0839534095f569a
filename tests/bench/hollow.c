/* hollow.c - the scheduler on a real etcd, with nodes that have no engines.
 *
 *   bench-hollow ORC-SCHEDULER NODES TASKS TASKS_PER_SECOND [arriving | answered | alone [ROUNDS]]
 *
 * The real orc-scheduler, a real etcd with its data below $TMPDIR, NODES nodelets that answer each task with
 * "running, healthy" at once (hollow_nodes.c), on loopback. In turn, each on an etcd of its own:
 *
 *   arriving  services of 30 replicas, one in an app, grow in steps of five: one app's key every so many ms.
 * What a put of such a key takes stands beside it: the delay is at least twice that. Then the same cluster
 * left alone: etcd's revision, the scheduler's processor time
 *   answered  thirty services asked for by one app's key; and the same transactions from a bare client, while
 * the same nodes answer both
 *   alone     the same with nodes that don't answer
 *
 * Prints one JSON object, of the latter two with each round: seconds, processor time of each process.
 */
#include "tests/bench/hollow.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "tests/integration/loop_until.h"

#include <stdio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_TASKS 5
#define STEP_REPLICAS 30
#define STEP_SERVICES 1 /* of an app */
#define APPLY_SERVICES 30
#define REST_MS 20000
#define ROUNDS 5
#define ROUNDS_MAX 99
#define IN_FLIGHT 16 /* of the bare client: as scheduler/commit.c */

struct bench {
    uv_loop_t loop;
    const char *url;
    struct etcd *e;
    struct hollow_nodes *nodes;
    pid_t scheduler;
    const char *program;
    int n_nodes, n_tasks, rate, rounds;
};

/* ---- a store with nodes, and a scheduler ----------------------------------------------------------------
 */

static void begin(struct bench *b, const struct hollow_shape *s)
{
    uv_loop_init(&b->loop);
    b->url = hollow_etcd_start();
    b->e = hollow_connect(&b->loop, b->url);
    hollow_write_specs(b->e, &b->loop, s);
    b->nodes = hollow_nodes_new(&b->loop, b->e, b->n_nodes);
}

static void start(struct bench *b)
{
    b->scheduler = hollow_scheduler_start(b->program, b->url);
    hollow_until_led(b->e, &b->loop);
    hollow_for(&b->loop, 300);
}

static void end(struct bench *b)
{
    b->scheduler = hollow_stop(b->scheduler);
    b->nodes = hollow_nodes_free(b->nodes);
    b->e = etcd_free(b->e);
    if (!loop_close(&b->loop))
        hollow_die("something is still open");
    hollow_etcd_stop();
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static json_t *seen_json(const struct hollow_seen *s)
{
    return json_pack("{s:I s:f s:{s:f s:f s:f s:f}}", "tasks", (json_int_t)s->tasks, "seconds", s->seconds,
                     "delay_ms", "p50", s->p50, "p90", s->p90, "p99", s->p99, "max", s->worst);
}

/* ---- at rest ------------------------------------------------------------------------------------------- */

static bool all_answered(void *arg)
{
    return hollow_nodes_owed(arg) == 0;
}

static int64_t revision_of(struct bench *b)
{
    orc_auto_free char *key = key_config(HOLLOW_CLUSTER);
    struct etcd_answer a = {0};
    struct orc_err err = ORC_ERR_INIT;
    int64_t r;

    if (etcd_sync_get(b->e, &b->loop, key, &a, &err) < 0)
        hollow_die("%s", err.msg);
    r = a.revision;
    etcd_answer_release(&a);
    return r;
}

static json_t *measure_rest(struct bench *b)
{
    int64_t revision;
    double cpu;

    hollow_until(&b->loop, all_answered, b->nodes, "the nodes do not come to rest");
    hollow_for(&b->loop, 5000); /* monitors end, records are concluded */
    revision = revision_of(b);
    cpu = hollow_exact_cpu_of(b->scheduler);
    hollow_for(&b->loop, REST_MS);
    cpu = hollow_exact_cpu_of(b->scheduler) - cpu;
    return json_pack("{s:f s:I s:f s:f}", "seconds", REST_MS / 1000.0, "writes",
                     (json_int_t)(revision_of(b) - revision), "scheduler_cpu_percent", cpu * 100000 / REST_MS,
                     "scheduler_private_mib", hollow_private_mib(b->scheduler));
}

/* ---- arriving ------------------------------------------------------------------------------------------ */

struct arrival {
    struct bench *b;
    const struct hollow_shape *shape;
    int *replicas; /* of each service */
    int steps, done, flying, answered;
    double *put_ms; /* how long each took */
    uint64_t begun;
    uv_timer_t timer;
};

struct put {
    struct arrival *a;
    uint64_t sent;
};

static void on_grown(const struct etcd_result *res, void *arg)
{
    struct put *p = arg;
    struct arrival *a = p->a;

    if (res->error)
        hollow_die("an app's key could not be written: %s", res->error_text);
    a->flying--;
    a->put_ms[a->answered++] = (double)(uv_hrtime() - p->sent) / 1e6;
    free(p);
}

/* Apps in turn, then their next services, then the next five replicas. */
static void grow(struct arrival *a)
{
    int app = a->done % a->shape->apps, service = a->done / a->shape->apps % a->shape->services;
    orc_auto_free char *name = orc_printf("a%d", app), *key = key_app(HOLLOW_CLUSTER, name), *text = NULL;
    int *of = &a->replicas[app * a->shape->services];
    struct put *p = orc_new(struct put);

    of[service] += STEP_TASKS;
    a->done++;
    a->flying++;
    text = hollow_app_text(a->shape, a->done, of);
    *p = (struct put){a, uv_hrtime()};
    etcd_put(a->b->e, key, text, 0, on_grown, p);
}

static void on_due(uv_timer_t *timer)
{
    struct arrival *a = timer->data;
    uint64_t due = (orc_clock_ms() - a->begun) * (uint64_t)a->b->rate / STEP_TASKS / 1000;

    while (a->done < a->steps && (uint64_t)a->done < due)
        grow(a);
}

static bool all_assigned(void *arg)
{
    struct arrival *a = arg;

    return hollow_nodes_assigned(a->b->nodes) >= (long)a->steps * STEP_TASKS && !a->flying;
}

static json_t *measure_arriving(struct bench *b, json_t **ret_rest)
{
    struct hollow_shape shape = {.services = STEP_SERVICES, .replicas = STEP_REPLICAS};
    struct arrival a = {.b = b, .shape = &shape};
    struct hollow_observer *o;
    struct hollow_seen seen;
    double cpu, etcd_cpu;
    json_t *j;

    shape.apps = b->n_tasks / STEP_REPLICAS / STEP_SERVICES;
    a.steps = shape.apps * shape.services * STEP_REPLICAS / STEP_TASKS;
    a.replicas = orc_calloc((size_t)(shape.apps * shape.services), sizeof *a.replicas);
    a.put_ms = orc_calloc((size_t)a.steps, sizeof *a.put_ms);
    begin(b, &shape);
    start(b);
    o = hollow_observer_new(b->url, &shape, (long)a.steps * STEP_TASKS);
    cpu = hollow_cpu_of(b->scheduler);
    etcd_cpu = hollow_cpu_of(hollow_etcd_pid());
    a.begun = orc_clock_ms();
    uv_timer_init(&b->loop, &a.timer);
    a.timer.data = &a;
    uv_timer_start(&a.timer, on_due, 1, 1);
    hollow_until(&b->loop, all_assigned, &a, "not all tasks were assigned");
    uv_close((uv_handle_t *)&a.timer, NULL);
    seen = hollow_observer_end(o);
    j = seen_json(&seen);
    qsort(a.put_ms, (size_t)a.answered, sizeof *a.put_ms, by_value);
    json_object_set_new(j, "put_ms", json_real(a.put_ms[a.answered / 2]));
    json_object_set_new(j, "scheduler_cpu_s", json_real(hollow_cpu_of(b->scheduler) - cpu));
    json_object_set_new(j, "etcd_cpu_s", json_real(hollow_cpu_of(hollow_etcd_pid()) - etcd_cpu));
    *ret_rest = measure_rest(b);
    end(b);
    free(a.replicas);
    free(a.put_ms);
    return j;
}

/* ---- one apply ----------------------------------------------------------------------------------------- */

static void apply(struct bench *b, const struct hollow_shape *s)
{
    orc_auto_free char *key = key_app(HOLLOW_CLUSTER, "a0"), *text = NULL;
    orc_auto_free int *replicas = orc_calloc((size_t)s->services, sizeof *replicas);
    struct etcd_answer a = {0};

    for (int i = 0; i < s->services; i++)
        replicas[i] = s->replicas;
    text = hollow_app_text(s, 1, replicas);
    if (etcd_sync_put(b->e, &b->loop, key, text, 0, &a, NULL) < 0)
        hollow_die("the app's key could not be written");
    etcd_answer_release(&a);
}

static bool all_there(void *arg)
{
    const struct bench *b = arg;

    return hollow_nodes_assigned(b->nodes) >= b->n_tasks;
}

/* One way to have all assigned: how long it took, and what of the two cores each process had meanwhile. */
struct applied {
    double seconds, client_s, etcd_s, nodes_s;
    long answered; /* statuses written by the end */
};

static void add_cpu(struct applied *r, pid_t client, double sign)
{
    r->client_s += client ? sign * hollow_cpu_of(client) : 0;
    r->etcd_s += sign * hollow_cpu_of(hollow_etcd_pid());
    r->nodes_s += sign * hollow_cpu_of(getpid());
}

/* Until the last task is there. */
static void finish(struct bench *b, struct applied *r, struct hollow_observer *o, pid_t client)
{
    struct hollow_seen seen;

    hollow_until(&b->loop, all_there, b, "not all tasks were assigned");
    r->answered = hollow_nodes_answered(b->nodes);
    add_cpu(r, client, 1);
    seen = hollow_observer_end(o);
    r->seconds = seen.seconds;
}

static struct applied apply_with_scheduler(struct bench *b, const struct hollow_shape *s, bool hushed,
                                           struct hollow_history **ret)
{
    struct hollow_observer *o;
    struct applied r = {0};
    int64_t revision;

    begin(b, s);
    hollow_nodes_hush(b->nodes, hushed);
    start(b);
    o = hollow_observer_new(b->url, s, b->n_tasks);
    revision = revision_of(b);
    add_cpu(&r, b->scheduler, -1);
    apply(b, s);
    finish(b, &r, o, b->scheduler);
    *ret = hollow_history_read(&b->loop, b->e, revision, b->n_tasks);
    end(b);
    return r;
}

static struct applied apply_bare(struct bench *b, const struct hollow_shape *s, bool hushed,
                                 const struct hollow_history *h)
{
    struct hollow_observer *o;
    struct applied r = {0};
    pid_t client;

    begin(b, s);
    hollow_nodes_hush(b->nodes, hushed);
    o = hollow_observer_new(b->url, s, b->n_tasks);
    add_cpu(&r, 0, -1);
    apply(b, s);
    client = hollow_history_send(h, b->url, IN_FLIGHT);
    finish(b, &r, o, client);
    waitpid(client, NULL, 0);
    end(b);
    return r;
}

static json_t *applied_json(const struct applied *r)
{
    return json_pack("{s:f s:f s:f s:f s:I}", "seconds", r->seconds, "client_cpu_s", r->client_s,
                     "etcd_cpu_s", r->etcd_s, "nodes_cpu_s", r->nodes_s, "answered", (json_int_t)r->answered);
}

static double cpu_of_round(const struct applied *r)
{
    return r->client_s + r->etcd_s + r->nodes_s;
}

static double median(double *at, int n)
{
    qsort(at, (size_t)n, sizeof *at, by_value);
    return at[n / 2];
}

/* Medians of rounds, taken in turn; ratios are of the two of one round. */
static json_t *measure_apply(struct bench *b, bool hushed)
{
    struct hollow_shape s = {.apps = 1, .services = APPLY_SERVICES, .replicas = b->n_tasks / APPLY_SERVICES};
    double ours[ROUNDS_MAX], bare[ROUNDS_MAX], ratio[ROUNDS_MAX], cpu[ROUNDS_MAX];
    json_t *rounds = json_array();
    long sent = 0;

    for (int i = 0; i < b->rounds; i++) {
        struct hollow_history *h = NULL;
        struct applied o = apply_with_scheduler(b, &s, hushed, &h), p = apply_bare(b, &s, hushed, h);

        ours[i] = o.seconds;
        bare[i] = p.seconds;
        ratio[i] = o.seconds / p.seconds;
        cpu[i] = cpu_of_round(&o) / cpu_of_round(&p);
        sent = hollow_history_count(h);
        hollow_history_free(h);
        json_array_append_new(rounds,
                              json_pack("{s:o s:o}", "orc", applied_json(&o), "bare", applied_json(&p)));
    }
    return json_pack("{s:f s:f s:f s:f s:I s:o}", "seconds", median(ours, b->rounds), "bare_seconds",
                     median(bare, b->rounds), "ratio", median(ratio, b->rounds), "cpu_ratio",
                     median(cpu, b->rounds), "transactions", (json_int_t)sent, "rounds", rounds);
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static const char *disk_name(void)
{
    const char *dir = getenv("TMPDIR");
    struct statfs fs;

    return statfs(dir ? dir : "/tmp", &fs) == 0 && fs.f_type == 0x01021994 ? "tmpfs" : "disk";
}

static int number(const char *text, int min, int max)
{
    int n = atoi(text);

    if (n >= min && n <= max)
        return n;
    hollow_die("\"%s\" is not a number from %d to %d", text, min, max);
}

static bool wants(int argc, char **argv, const char *what)
{
    return argc < 6 || strcmp(argv[5], what) == 0;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    orc_auto_free char *text = NULL;
    json_t *j = json_object(), *rest = NULL;

    if (argc < 5 || argc > 7)
        hollow_die("usage: bench-hollow ORC-SCHEDULER NODES TASKS TASKS_PER_SECOND [arriving | answered | "
                   "alone [ROUNDS]]");
    orc_log_init("bench-hollow", ORC_LOG_WARN, false);
    b.program = argv[1];
    b.n_nodes = number(argv[2], 1, 10000);
    b.n_tasks = number(argv[3], 300, 100000);
    b.n_tasks -= b.n_tasks % (STEP_REPLICAS * STEP_SERVICES);
    b.rate = number(argv[4], 1, 100000);
    b.rounds = argc == 7 ? number(argv[6], 1, ROUNDS_MAX) : ROUNDS;
    json_object_set_new(j, "nodes", json_integer(b.n_nodes));
    json_object_set_new(j, "tasks", json_integer(b.n_tasks));
    json_object_set_new(j, "etcd_data", json_string(disk_name()));
    if (wants(argc, argv, "arriving")) {
        json_object_set_new(j, "arriving", measure_arriving(&b, &rest));
        json_object_set_new(j, "rest", rest);
    }
    if (wants(argc, argv, "answered"))
        json_object_set_new(j, "apply_answered", measure_apply(&b, false));
    if (wants(argc, argv, "alone"))
        json_object_set_new(j, "apply_alone", measure_apply(&b, true));
    text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(4));
    puts(text);
    json_decref(j);
    return 0;
}
