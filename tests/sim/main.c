/* main.c - thousands of histories of a whole cluster, each one seed.
 *
 *   sim [--known FILE] [--seeds N] [--from K] [--failures N] [--jobs N]
 *
 * Half of the seeds are of the narrow world, from K, and half of the wide one, from K + SIM_WIDE and K +
 * SIM_HANDS in turn: see wide.c.
 * `--jobs`: so many processes share the seeds; each ends at so many failures. ORC_SIM_SEED=K replays one and
 * prints its trace; ORC_SIM_SEEDS, ORC_SIM_FROM, ORC_SIM_FAILURES and ORC_SIM_JOBS are the options' values
 * where they are not given.
 */
#include "tests/sim/cluster.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS 1000
#define JOBS_MAX 256
#define SETTLE_MS 900000 /* everything must be in order so long after the last fault */
#define REST_MS 20000
#define TOLD_MS 2000     /* so long after a drain's deadline the tasks were told to stop */
#define STOPPED_MS 40000 /* withdrawal, with its time-out, and the grace period */

struct cluster cluster;

/* ---- a cluster */

static void make_node(int i)
{
    struct sim_node *n = &cluster.nodes[i];

    n->k = i + 1;
    snprintf(n->name, sizeof n->name, "k%d", n->k);
    n->capacity =
        (struct spec_resources){INT64_C(4000000000), (INT64_C(1) << 20) * (cluster.wide ? 2000 : 1000)};
    n->engine_up = true;
    n->zone = i % 3 == 0;
    n->proc = process_new(SIM_NODELET, n->name);
    n->proc->node = n;
}

static void make_gateway(int i)
{
    struct sim_nginx *n = &cluster.gateways[i];
    char name[32];

    snprintf(n->id, sizeof n->id, "g%d", i + 1);
    snprintf(name, sizeof name, "gateway-%s", n->id);
    n->proc = process_new(SIM_GATEWAY, name);
    n->proc->nginx = n;
    sim_disk_put(n->proc, "state/instance", "0123456789abcdef0123456789abcdef");
}

static void make_service(int i)
{
    struct sim_service *s = &cluster.services[i];

    snprintf(s->name, sizeof s->name, "s%d", i);
    s->parallelism = 1 + (int)sim_below(2);
    s->order = sim_chance(2) ? SPEC_START_FIRST : SPEC_STOP_FIRST;
    s->volume = sim_chance(8);
    s->port = !s->volume && i == 0 && sim_chance(4); /* two data on one server, one port: that stays so */
    s->routed = i == 0 || sim_chance(2);
    s->per_node = !s->volume && sim_chance(6) ? 1 + (int)sim_below(2) : 0;
    s->zones = sim_chance(6);
    s->packed = sim_chance(6);
    s->drain_ms = sim_chance(2) ? 30000 : 1000 + sim_below(5000);
    s->grace_ms = 1000 + 1000 * sim_below(5);
    if (cluster.wide)
        wide_service(s, i);
    wide_later(s, i);
    people_apply(s, s->job ? "finished" : "good");
}

/* Just as much room as all can ever want, and one replica more. */
static void make_narrow(void)
{
    int most = SIM_REPLICAS_MAX * cluster.n_services;

    for (int i = 0; i < cluster.n_services; i++) {
        const struct sim_service *s = &cluster.services[i];

        if (s->volume || s->port || s->per_node ||
            s->global) /* what can't go everywhere needs room where it can */
            return;
    }
    for (int i = 0; i < cluster.n_nodes; i++)
        cluster.nodes[i].capacity.memory = SIM_NEED_MEMORY * (most / cluster.n_nodes + 2);
}

static void start_one(void *arg)
{
    struct sim_proc *p = arg;

    if (!p->up && !world.over)
        process_start(p);
}

static void make_cluster(void)
{
    char name[32];

    memset(&cluster, 0, sizeof cluster);
    cluster.page = 5 + sim_below(100);
    cluster.n_nodes = 1 + (int)sim_below(4);
    cluster.n_schedulers = 1 + (int)sim_below(3);
    cluster.n_gateways = (int)sim_below(3);
    cluster.n_services = 1 + (int)sim_below(3);
    cluster.may_replace = sim_chance(5);
    cluster.may_delete = sim_chance(5);
    cluster.wide = world.seed >= SIM_WIDE;
    if (cluster.wide)
        cluster.n_services += (int)sim_below(3);
    wide_begin();
    people_init();
    for (int i = 0; i < cluster.n_nodes; i++)
        make_node(i);
    for (int i = 0; i < cluster.n_gateways; i++)
        make_gateway(i);
    for (int i = 0; i < cluster.n_schedulers; i++) {
        snprintf(name, sizeof name, "scheduler-%d", i + 1);
        cluster.schedulers[i] = process_new(SIM_SCHEDULER, name);
    }
    for (size_t i = 0; i < world.n_procs; i++)
        sim_once(sim_below(500), start_one, world.procs[i]);
    for (int i = 0; i < cluster.n_services; i++)
        make_service(i);
    if (sim_chance(2))
        make_narrow();
}

/* ---- a history */

static void run_for(uint64_t ms)
{
    uint64_t until = world.now + ms;

    while (world_step(until))
        if (cluster.later && !world.over)
            check_passing();
}

static void ask(void)
{
    if (cluster.n_gateways)
        nginx_request(&cluster.gateways[sim_below((uint64_t)cluster.n_gateways)]);
}

/* So often something happens, of people and of faults; some histories are quiet, some are wild. */
static void live(void)
{
    unsigned events = 40 + (unsigned)sim_below(120), people = 4 + (unsigned)sim_below(20),
             faults = sim_chance(6) ? 0 : 2 + (unsigned)sim_below(20);

    run_for(sim_below(8000));
    for (unsigned i = 0; i < events; i++) {
        ask();
        if (sim_chance(people))
            people_act();
        if (sim_chance(faults))
            fault_any();
        run_for(sim_below(sim_chance(12) ? 12000 : 600));
    }
}

/* In order, and nobody writes any more. */
static bool is_at_rest(void)
{
    uint64_t writes = check_writes();

    run_for(3000);
    return check_writes() == writes && check_is_settled();
}

static void settle(void)
{
    uint64_t until = world.now + SETTLE_MS;

    while (world.now < until && !is_at_rest())
        ;
    check_settled();
}

/* A server is drained up to its deadline, and is one like the others again. */
static void empty_one(void)
{
    uint64_t ms;
    struct sim_node *n = wide_drain(&ms);

    if (!n)
        return;
    run_for(ms + TOLD_MS);
    check_emptied(n, false);
    run_for(STOPPED_MS);
    check_emptied(n, true);
    people_policy(n, false, false);
    settle();
}

static void come_to_rest(void)
{
    uint64_t writes;

    fault_end_all();
    if (cluster.replaced) /* what runs of another time is cleaned away before anything is rolled out */
        run_for(70000);
    for (int i = 0; i < cluster.n_services; i++)
        people_settle(&cluster.services[i]);
    run_for(SIM_REQUEST_MS);
    settle();
    empty_one();
    writes = check_writes();
    run_for(REST_MS);
    check_settled();
    if (check_writes() != writes)
        sim_broken("writes-at-rest", "%llu writes in a cluster in which all is in order",
                   (unsigned long long)(check_writes() - writes));
}

static void end(void)
{
    world.over = true;
    process_crash_all();
    run_for(200000); /* what was sent arrives */
    process_release_all();
    for (int i = 0; i < cluster.n_nodes; i++)
        engine_release(&cluster.nodes[i]);
    for (int i = 0; i < cluster.n_gateways; i++)
        nginx_release(&cluster.gateways[i]);
    backup_release(&cluster.backup);
    check_end();
    store_end();
}

/* True when nothing was broken. */
static bool run_seed(uint64_t seed, bool trace)
{
    world_begin(seed, trace);
    store_begin();
    stream_begin();
    check_begin();
    if (setjmp(world.broken))
        return false;
    make_cluster();
    live();
    come_to_rest();
    end();
    return true;
}

static uint64_t number(const char *text, uint64_t otherwise)
{
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static int replay(uint64_t seed)
{
    bool well = run_seed(seed, true);

    if (!well)
        printf("seed %llu: %s: %s\n", (unsigned long long)seed, sim_broken_name, sim_broken_text);
    else
        printf("seed %llu: nothing is broken\n", (unsigned long long)seed);
    return well ? 0 : 1;
}

static bool run_quietly(uint64_t seed)
{
    if (run_seed(seed, false))
        return true;
    printf("seed %llu: %s: %s\n  replay it: ORC_SIM_SEED=%llu\n", (unsigned long long)seed, sim_broken_name,
           sim_broken_text, (unsigned long long)seed);
    return false;
}

/* The seeds that found something once: "SEED what". How many were run; what breaks is counted. */
static uint64_t run_known(const char *path, uint64_t *failed)
{
    FILE *f = path ? fopen(path, "re") : NULL;
    char line[512];
    uint64_t n = 0;

    if (path && !f) {
        fprintf(stderr, "sim: %s can't be opened\n", path);
        exit(2);
    }
    while (f && fgets(line, sizeof line, f)) {
        uint64_t seed = strtoull(line, NULL, 10);

        n += seed != 0;
        *failed += seed && !run_quietly(seed);
    }
    if (f)
        fclose(f);
    return n;
}

static const char usage[] =
    "usage: sim [--known FILE] [--seeds N] [--from K] [--failures N] [--jobs N]\n"
    "Runs so many seeds, from that one on, after those of the file; ends at so many that break something.\n"
    "ORC_SIM_SEED=K sim: one seed, with its trace.\n";

/* Every word is an option with its value, or a question. */
static void check_words(int argc, char **argv)
{
    static const char *const names[] = {"--known", "--seeds", "--from", "--failures", "--jobs"};

    for (int i = 1; i < argc; i += 2) {
        bool known = false;

        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        for (size_t k = 0; k < ORC_ARRAY_SIZE(names); k++)
            known = known || strcmp(argv[i], names[k]) == 0;
        if (known && i + 1 < argc)
            continue;
        fprintf(stderr, known ? "sim: %s needs a value\n" : "sim: \"%s\" is not known\n", argv[i]);
        fputs(usage, stderr);
        exit(2);
    }
}

/* The value of an option, or of the environment. */
static const char *option(int argc, char **argv, const char *name, const char *env)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return env ? getenv(env) : NULL;
}

struct range {
    uint64_t from, n, step, failures;
};

/* Turn and turn about of the narrow world and of the wide one, with and without hands; a range of wide seeds
 * is of that alone. */
static uint64_t seed_of(const struct range *r, uint64_t i)
{
    if (r->from >= SIM_WIDE)
        return r->from + i;
    return r->from + i / 2 + (i % 2 ? (i % 4 == 3 ? SIM_HANDS : SIM_WIDE) : 0);
}

static uint64_t run_range(struct range r, uint64_t first)
{
    uint64_t failed = 0;

    for (uint64_t i = first; i < r.n && failed < r.failures; i += r.step)
        failed += !run_quietly(seed_of(&r, i));
    return failed;
}

/* Side by side: a run has the whole process to itself. Who has had enough failures ends the others, too. */
static uint64_t run_shared(struct range r, unsigned jobs)
{
    pid_t children[JOBS_MAX];
    uint64_t failed = 0;
    int status;

    fflush(stdout);
    r.step = jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX;
    for (unsigned i = 0; i < jobs; i++) {
        children[i] = fork();
        if (children[i] == 0)
            exit(run_range(r, i) ? 1 : 0);
    }
    while (wait(&status) > 0) {
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        for (unsigned i = 0; i < jobs && failed == 1; i++)
            kill(children[i], SIGTERM);
    }
    return failed;
}

int main(int argc, char **argv)
{
    uint64_t one = number(getenv("ORC_SIM_SEED"), 0), failed = 0, known;
    uint64_t seeds = number(option(argc, argv, "--seeds", "ORC_SIM_SEEDS"), SEEDS);
    uint64_t jobs = number(option(argc, argv, "--jobs", "ORC_SIM_JOBS"), 1);
    struct range r = {.from = number(option(argc, argv, "--from", "ORC_SIM_FROM"), 1),
                      .n = seeds,
                      .step = 1,
                      .failures = number(option(argc, argv, "--failures", "ORC_SIM_FAILURES"), 1)};

    check_words(argc, argv);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (one)
        return replay(one);
    known = run_known(option(argc, argv, "--known", NULL), &failed);
    if (failed < r.failures)
        failed += jobs > 1 ? run_shared(r, (unsigned)jobs) : run_range(r, 0);
    if (!failed)
        printf("sim: %llu seeds, nothing is broken\n", (unsigned long long)(seeds + known));
    return failed ? 1 : 0;
}
