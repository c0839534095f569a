/* scheduler.c - how fast the scheduler's core decides, in memory: no store, no JSON, one core.
 *
 *   bench-scheduler NODES SERVICES TASKS [fill | cordon | scale | fail | drain | lose]
 *
 * Nodes of mixed shapes; services of equal numbers of replicas that reserve CPU and memory, are spread, and
 * one in ten of which has a constraint. All is asked for at once of an empty cluster, and each plan is fed
 * back as the store and obedient nodes would: tasks, rollouts, statuses. Then one thing is changed at a time.
 *
 * Prints one JSON object. Times are of the processor, not of the clock on the wall. `placements_per_s` is of
 * the time within core_step() and of releasing its plan, `placements_fed_per_s` with that of feeding records,
 * which JSON is read into before; `change_us` is one core_step() after one change: medians. With the name of
 * a change only that is measured, and with `fill` nothing: for a profile (`valgrind --tool=callgrind
 * --toggle-collect=measured_step` counts just the steps after the changes).
 */
#include "lib/hash.h"
#include "lib/json.h"
#include "scheduler/core.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#define MIB (INT64_C(1024) * 1024)
#define SERVICES_PER_APP 10
#define STEP_MS 20
#define ROUNDS 15

struct bench {
    struct core *core;
    int nodes, services, tasks;
    int64_t revision;
    uint64_t now, random;
    double step_s, feed_s;
    long created, steps, most_per_step; /* most: tasks made in one step */
    struct key one;                     /* the task created last */
};

/* ---- measuring --------------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (f && fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * 4;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static uint64_t chance(struct bench *b, uint64_t one_of)
{
    b->random += UINT64_C(0x9e3779b97f4a7c15);
    return orc_hash64(0, &b->random, sizeof b->random) % one_of;
}

/* ---- what people and servers write ------------------------------------------------------------------- */

static void put(struct bench *b, const struct key *k, void *record)
{
    b->revision++;
    core_feed_put(b->core, k, record, b->revision, b->revision);
}

static void label(struct spec_pairs *p, const char *key, const char *value)
{
    struct spec_pair *x = orc_vec_add(p);

    x->key = orc_strdup(key);
    x->value = orc_strdup(value);
}

static struct key node_key(enum key_kind kind, int i)
{
    struct key k = {.kind = kind};

    snprintf(k.node, sizeof k.node, "n%05d", i);
    return k;
}

static void add_node(struct bench *b, int i)
{
    static const struct {
        int cores, gib;
    } shapes[] = {{4, 16}, {8, 32}, {8, 64}, {16, 64}, {16, 128}, {32, 128}, {32, 256}};
    size_t shape = chance(b, sizeof shapes / sizeof *shapes);
    struct key k = node_key(KEY_NODE, i), alive = node_key(KEY_ALIVE, i);
    struct record_node n = {.capacity = {shapes[shape].cores * INT64_C(1000000000),
                                         shapes[shape].gib * 1024 * MIB - (int64_t)chance(b, 512) * MIB},
                            .reserve = {INT64_C(200000000), 512 * MIB}};

    n.address = orc_printf("10.255.%d.%d", i / 250, 1 + i % 250);
    n.subnet = orc_printf("10.%d.%d.0/24", i / 250, i % 250);
    n.os = orc_strdup("linux");
    n.arch = orc_strdup("amd64");
    label(&n.labels, "disk", chance(b, 2) ? "ssd" : "hdd");
    label(&n.labels, "zone", chance(b, 2) ? "a" : "b");
    put(b, &k, &n);
    put(b, &alive, NULL);
    record_node_release(&n);
}

static struct key service_key(enum key_kind kind, int i)
{
    struct key k = {.kind = kind, .n = kind == KEY_REVISION};

    snprintf(k.app, sizeof k.app, "app%d", i / SERVICES_PER_APP);
    if (kind != KEY_APP)
        snprintf(k.service, sizeof k.service, "s%d", i % SERVICES_PER_APP);
    return k;
}

/* Services' sizes go from a tenth of a core and 64 MiB up; together about half of what the nodes have. */
static struct spec_service *service_spec(struct bench *b, int i)
{
    struct key k = service_key(KEY_REVISION, i);
    struct spec_service *s = spec_service_new(k.service);

    s->image = orc_strdup("registry.example/app:1");
    s->replicas = b->tasks / b->services;
    s->limits = (struct spec_resources){(int64_t)(1 + chance(b, 16)) * 10000000,
                                        (int64_t)(1 + chance(b, 16)) * 64 * MIB};
    s->health.kind = SPEC_HEALTH_HTTP;
    s->health.path = orc_strdup("/health");
    s->health.port = 8080;
    if (i % 10 == 9) {
        struct spec_constraint *c = orc_vec_add(&s->constraints);

        *c = (struct spec_constraint){orc_strdup("node.labels.disk"), true, orc_strdup("ssd")};
    }
    return s;
}

static void add_revision(struct bench *b, int i)
{
    struct key k = service_key(KEY_REVISION, i);
    struct record_revision r = {.spec = service_spec(b, i), .by = orc_strdup("bench")};

    spec_service_hash(r.spec, r.hash, r.container_hash);
    put(b, &k, &r);
    record_revision_release(&r);
}

/* The app of service i; `replicas` of that service: overridden, or the default. */
static void put_app(struct bench *b, int i, int replicas)
{
    struct key k = service_key(KEY_APP, i);
    struct record_app a = {.generation = b->revision};
    int first = i - i % SERVICES_PER_APP;

    for (int s = first; s < first + SERVICES_PER_APP && s < b->services; s++) {
        struct record_app_service *x = orc_vec_add(&a.services);
        struct key name = service_key(KEY_ROLLOUT, s);

        x->name = orc_strdup(name.service);
        x->revision = 1;
        x->replicas = s == i ? replicas : SPEC_REPLICAS_DEFAULT;
    }
    put(b, &k, &a);
    record_app_release(&a);
}

/* ---- the store and obedient nodes -------------------------------------------------------------------- */

static void put_status(struct bench *b, const struct key *task, enum task_state state)
{
    static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct key k = *task;
    struct record_status st = {.state = state, .exit_code = -1, .since = 1};

    k.kind = KEY_STATUS;
    st.health = state == TASK_RUNNING ? TASK_HEALTHY : TASK_UNKNOWN;
    st.container = (char *)id;
    put(b, &k, &st);
}

static struct key task_key(const struct plan_task *t)
{
    struct key k = {.kind = KEY_TASK};

    snprintf(k.app, sizeof k.app, "%s", t->service->app);
    snprintf(k.service, sizeof k.service, "%s", t->service->service);
    snprintf(k.node, sizeof k.node, "%s", t->node->s);
    plan_task_id(t, k.task);
    return k;
}

static void feed_task(struct bench *b, const struct key *k, const struct plan_op *op)
{
    bool run = op->task.desired == TASK_RUN;
    struct key status = *k;
    struct record_task r;
    char address[16];

    status.kind = KEY_STATUS;
    if (op->kind == PLAN_COLLECT) {
        core_feed_delete(b->core, k);
        core_feed_delete(b->core, &status);
        return;
    }
    r = plan_task_record(&op->task, address);
    put(b, k, &r);
    put_status(b, k, run ? TASK_RUNNING : TASK_REMOVED);
    if (run)
        b->one = *k;
}

static void feed_op(struct bench *b, const struct key *k, struct plan_op *op)
{
    if (!op->other)
        feed_task(b, k, op);
    else if (op->kind == PLAN_ROLLOUT_PUT)
        put(b, &op->other->key, &op->other->rollout);
    else if (op->kind == PLAN_NODE_STATE)
        put(b, &op->other->key, &op->other->node);
    else
        core_feed_delete(b->core, &op->other->key);
}

static void feed_txn(struct bench *b, struct plan_txn *t)
{
    ORC_VEC(struct key) keys = {0};
    struct plan_op *op;
    double begin;

    orc_vec_each (op, &t->ops)
        orc_vec_push(&keys, op->other ? op->other->key : task_key(&op->task));
    begin = seconds();
    for (size_t i = 0; i < t->ops.n; i++)
        feed_op(b, &keys.at[i], &t->ops.at[i]);
    b->feed_s += seconds() - begin;
    orc_vec_release(&keys);
}

static long count_created(const struct plan *p)
{
    const struct plan_txn *t;
    const struct plan_op *op;
    long n = 0;

    orc_vec_each (t, &p->txns)
        orc_vec_each (op, &t->ops)
            n += op->kind == PLAN_TASK_CREATE;
    return n;
}

/* One step, fed back; false: it was empty. Adds to the times. */
static bool step(struct bench *b)
{
    struct plan p = {0};
    struct plan_txn *t;
    double begin = seconds();
    bool any;
    long n;

    b->now += STEP_MS;
    core_step(b->core, b->now, (int64_t)b->now, &p);
    b->step_s += seconds() - begin;
    b->steps++;
    any = !plan_empty(&p);
    n = count_created(&p);
    b->created += n;
    if (n > b->most_per_step)
        b->most_per_step = n;
    orc_vec_each (t, &p.txns)
        feed_txn(b, t);
    begin = seconds();
    plan_release(&p);
    b->step_s += seconds() - begin;
    return any;
}

static void settle(struct bench *b)
{
    uint64_t next;

    while (step(b) || ((next = core_next(b->core)) && next < b->now + 2000))
        ;
}

/* ---- one change -------------------------------------------------------------------------------------- */

static void cordon(struct bench *b, int round)
{
    struct key k = node_key(KEY_NODE_POLICY, (int)chance(b, (uint64_t)b->nodes));
    struct record_node_policy p = {.cordon = round % 2 == 0};

    put(b, &k, &p);
    record_node_policy_release(&p);
}

static void put_drain(struct bench *b, int node, bool drain)
{
    struct key k = node_key(KEY_NODE_POLICY, node % b->nodes);
    struct record_node_policy p = {.drain = drain};

    put(b, &k, &p);
    record_node_policy_release(&p);
}

/* Another node each round. Who comes back is empty, and would be the best for everybody, so up to an eighth
 * of the nodes stay away. */
static int away_at_most(const struct bench *b)
{
    return b->nodes < 8 ? 1 : b->nodes / 8;
}

static void drain(struct bench *b, int round)
{
    if (round >= away_at_most(b))
        put_drain(b, round - away_at_most(b), false);
    settle(b);
    put_drain(b, round, true);
}

static struct key heartbeat_to_lose(const struct bench *b, int round)
{
    return node_key(KEY_ALIVE, (b->nodes / 2 + round) % b->nodes); /* not those that were drained */
}

/* Its heartbeat is gone, and the grace over. */
static void lose(struct bench *b, int round)
{
    struct key k = heartbeat_to_lose(b, round), before = heartbeat_to_lose(b, round - away_at_most(b));

    if (round >= away_at_most(b))
        put(b, &before, NULL);
    settle(b);
    core_feed_delete(b->core, &k);
    step(b);
    b->now += 4000;
}

static void scale(struct bench *b, int round)
{
    put_app(b, 0, b->tasks / b->services + 1 + round);
}

static void fail(struct bench *b, int round)
{
    put_status(b, &b->one, TASK_FAILED);
}

__attribute__((noinline)) static double measured_step(struct bench *b)
{
    b->step_s = 0;
    step(b);
    return b->step_s * 1e6;
}

static double median_us(struct bench *b, void (*change)(struct bench *, int))
{
    double us[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        settle(b);
        b->now += 70000; /* what failed before is forgotten */
        settle(b);
        change(b, i);
        us[i] = measured_step(b);
    }
    qsort(us, ROUNDS, sizeof *us, by_value);
    return us[ROUNDS / 2];
}

static double rest_us(struct bench *b)
{
    settle(b);
    return measured_step(b);
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static void ask(struct bench *b)
{
    for (int i = 0; i < b->nodes; i++)
        add_node(b, i);
    for (int i = 0; i < b->services; i++)
        add_revision(b, i);
    step(b);
    for (int i = 0; i < b->services; i += SERVICES_PER_APP)
        put_app(b, i, SPEC_REPLICAS_DEFAULT);
    b->step_s = b->feed_s = 0;
    b->steps = 0;
}

static json_t *measure(struct bench *b)
{
    long before = resident_kib(), placed, steps, per_step, kib;
    double step_s, feed_s;

    ask(b);
    settle(b);
    placed = b->created;
    step_s = b->step_s;
    feed_s = b->feed_s;
    steps = b->steps;
    per_step = b->most_per_step;
    malloc_trim(0);
    kib = resident_kib() - before;
    double rest = rest_us(b), cordoned = median_us(b, cordon), scaled = median_us(b, scale),
           failed = median_us(b, fail), drained = median_us(b, drain), lost = median_us(b, lose);

    return json_pack("{s:i s:i s:i s:I s:I s:I s:f s:f s:I s:I s:f s:f s:{s:f s:f s:f s:f s:f s:f}}", "nodes",
                     b->nodes, "services", b->services, "tasks", b->tasks, "placed", (json_int_t)placed,
                     "steps", (json_int_t)steps, "most_per_step", (json_int_t)per_step, "step_s", step_s,
                     "feed_s", feed_s, "placements_per_s", (json_int_t)((double)placed / step_s),
                     "placements_fed_per_s", (json_int_t)((double)placed / (step_s + feed_s)), "resident_mib",
                     (double)kib / 1024, "bytes_per_task", (double)kib * 1024 / b->tasks, "change_us",
                     "nothing", rest, "node_cordoned", cordoned, "node_drained", drained, "node_lost", lost,
                     "service_scaled_by_one", scaled, "task_failed", failed);
}

static int number(const char *text, int max)
{
    int n = atoi(text);

    if (n >= 1 && n <= max)
        return n;
    fprintf(stderr, "bench-scheduler: \"%s\" is not a number from 1 to %d\n", text, max);
    exit(2);
}

static const struct {
    const char *name;
    void (*change)(struct bench *, int); /* NULL: none */
} changes[] = {{"fill", NULL}, {"cordon", cordon}, {"scale", scale},
               {"fail", fail}, {"drain", drain},   {"lose", lose}};

static void print(struct bench *b)
{
    json_t *j = measure(b);
    orc_auto_free char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(4));

    puts(text);
    json_decref(j);
}

/* False: there is no such change. */
static bool measure_one(struct bench *b, const char *name)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(changes); i++) {
        if (strcmp(name, changes[i].name) != 0)
            continue;
        ask(b);
        settle(b);
        if (changes[i].change)
            printf("%s: %.1f us\n", name, median_us(b, changes[i].change));
        return true;
    }
    fprintf(stderr, "bench-scheduler: \"%s\" is no change: fill, cordon, scale, fail, drain, lose\n", name);
    return false;
}

int main(int argc, char **argv)
{
    struct bench b = {.now = 1000};
    bool done = true;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: bench-scheduler NODES SERVICES TASKS [CHANGE]\n");
        return 2;
    }
    b.nodes = number(argv[1], 60000);
    b.services = number(argv[2], 100000);
    b.tasks = number(argv[3], 10000000);
    b.core = core_new();
    core_lead(b.core);
    if (argc == 5)
        done = measure_one(&b, argv[4]);
    else
        print(&b);
    core_free(b.core);
    return done ? 0 : 2;
}
