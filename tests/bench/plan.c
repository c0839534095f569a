/* plan.c - how long `orc plan` of a large service file takes, from the command to its end, and how much
 * memory it has at most; beside a program that reads the same keys and does nothing with them.
 *
 *   bench-plan ORC ORC-SCHEDULER NODES SERVICES TASKS ROUNDS
 *
 * A real etcd on loopback with NODES hollow nodes; what runs there was applied by the real orc, and placed by
 * the real orc-scheduler. The file is service_file.h's, of SERVICES services. In turn, each on an etcd of its
 * own:
 *
 *   first   the file for the first time, one replica a service, beside TASKS live tasks of another app
 *   triple  the same with three replicas a service
 *   update  the file again with other images, one live task a service
 *
 * Prints one JSON object; medians of the rounds taken in turn, the memory is the most of any.
 */
#include "tests/bench/hollow.h"
#include "tests/bench/service_file.h"

#include "cli/preview.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/units.h"
#include "tests/integration/loop_until.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS_MAX 100
#define OTHERS_REPLICAS 10 /* of each of the services that are there already */
#define REST_MS 2000       /* monitors end, records are concluded, before anything is measured */
#define OUTPUT_MOST (64 * 1024 * 1024)

struct scene {
    const char *name;
    struct service_file there, asked; /* applied before; whose plan is measured */
};

struct bench {
    uv_loop_t loop;
    const char *orc, *scheduler, *url;
    struct etcd *e;
    struct hollow_nodes *nodes;
    int n_nodes, rounds;
};

/* ---- programs ------------------------------------------------------------------------------------------ */

static char *path_of(const char *name)
{
    return orc_printf("%s/%s", hollow_etcd_dir(), name);
}

/* Its stdout goes into that file. */
static pid_t start(const char *out, char *const *argv)
{
    pid_t pid = fork();
    int fd;

    if (pid < 0)
        hollow_die("no process can be made");
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(127);
    execv(argv[0], argv);
    _exit(127);
}

struct running {
    pid_t pid;
    int status;
};

static bool has_ended(void *arg)
{
    struct running *r = arg;

    return waitpid(r->pid, &r->status, WNOHANG) == r->pid;
}

/* While the nodes go on. */
static void run(struct bench *b, const char *out, const char *const *argv)
{
    struct running r = {.pid = start(out, (char *const *)argv)};

    hollow_until(&b->loop, has_ended, &r, "a command does not end");
    if (r.status)
        hollow_die("`%s %s ...` failed: 0x%x", argv[0], argv[1], (unsigned)r.status);
}

/* ---- measuring one, in a small process of its own: what a process has at most counts from its fork on ----
 */

struct ended {
    double seconds, cpu_s;
    long peak_kib;
};

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* `bench-plan --measure OUT PROGRAM ARGS...` */
static int measure_here(const char *out, char *const *argv)
{
    uint64_t begun = uv_hrtime();
    pid_t pid = start(out, argv);
    struct rusage usage;
    int status = 0;

    if (wait4(pid, &status, 0, &usage) != pid || status)
        hollow_die("`%s %s ...` failed: 0x%x", argv[0], argv[1], (unsigned)status);
    printf("%.6f %.6f %ld\n", (double)(uv_hrtime() - begun) / 1e9,
           seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), usage.ru_maxrss);
    return 0;
}

/* argv: [0] to [2] are filled in here. */
static struct ended measure(struct bench *b, const char *out, const char **argv)
{
    orc_auto_free char *report = path_of("report");
    struct ended x = {0};
    FILE *f;

    argv[0] = "/proc/self/exe";
    argv[1] = "--measure";
    argv[2] = out;
    run(b, report, argv);
    f = fopen(report, "re");
    if (!f || fscanf(f, "%lf %lf %ld", &x.seconds, &x.cpu_s, &x.peak_kib) != 3)
        hollow_die("%s can't be read", report);
    fclose(f);
    return x;
}

/* ---- a cluster in which something runs ----------------------------------------------------------------- */

static char *write_file(const char *name, const struct service_file *f)
{
    orc_auto_free char *text = service_file_text(f);
    struct orc_err err = ORC_ERR_INIT;
    char *path = path_of(name);

    if (orc_file_write(path, text, strlen(text), 0600, &err) < 0)
        hollow_die("%s", err.msg);
    return path;
}

static bool all_answered(void *arg)
{
    return hollow_nodes_owed(arg) == 0;
}

static void begin(struct bench *b, const struct service_file *there)
{
    orc_auto_free char *path = NULL;
    pid_t scheduler;

    uv_loop_init(&b->loop);
    b->url = hollow_etcd_start();
    b->e = hollow_connect(&b->loop, b->url);
    hollow_write_specs(b->e, &b->loop, &(struct hollow_shape){0});
    b->nodes = hollow_nodes_new(&b->loop, b->e, b->n_nodes);
    scheduler = hollow_scheduler_start(b->scheduler, b->url);
    hollow_until_led(b->e, &b->loop);
    path = write_file("there.yaml", there);
    setenv("TAG", "1", 1);
    run(b, "/dev/null",
        (const char *[]){b->orc, "apply", path, "--etcd", b->url, "--cluster", HOLLOW_CLUSTER, NULL});
    hollow_until(&b->loop, all_answered, b->nodes, "the nodes do not come to rest");
    hollow_for(&b->loop, REST_MS);
    hollow_stop(scheduler);
}

static void end(struct bench *b)
{
    b->nodes = hollow_nodes_free(b->nodes);
    b->e = etcd_free(b->e);
    if (!loop_close(&b->loop))
        hollow_die("something is still open");
    hollow_etcd_stop();
}

/* ---- a plan -------------------------------------------------------------------------------------------- */

static long count_created(const char *output)
{
    orc_auto_free char *text = NULL;
    struct orc_err err = ORC_ERR_INIT;
    long created = 0;

    if (orc_file_read(output, OUTPUT_MOST, &text, NULL, &err) < 0)
        hollow_die("%s", err.msg);
    for (const char *p = text; (p = strstr(p, " create ")); p++)
        created++;
    return created;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *at, int n)
{
    qsort(at, (size_t)n, sizeof *at, by_value);
    return at[n / 2];
}

static json_t *measure_plan(struct bench *b, const struct scene *s)
{
    double ours[ROUNDS_MAX], cpu[ROUNDS_MAX], floor[ROUNDS_MAX], ratio[ROUNDS_MAX];
    orc_auto_free char *path = write_file("asked.yaml", &s->asked), *output = path_of("output");
    long creates = (long)s->asked.services * s->asked.replicas, peak = 0;

    setenv("TAG", "2", 1);
    for (int i = 0; i < b->rounds; i++) {
        struct ended f = measure(
            b, "/dev/null", (const char *[]){NULL, NULL, NULL, "/proc/self/exe", "--floor", b->url, NULL});
        struct ended x = measure(b, output,
                                 (const char *[]){NULL, NULL, NULL, b->orc, "plan", path, "--etcd", b->url,
                                                  "--cluster", HOLLOW_CLUSTER, NULL});

        if (count_created(output) != creates)
            hollow_die("%s: the plan does not create %ld tasks", s->name, creates);
        ours[i] = x.seconds;
        cpu[i] = x.cpu_s;
        floor[i] = f.seconds;
        ratio[i] = x.seconds / f.seconds;
        peak = x.peak_kib > peak ? x.peak_kib : peak;
    }
    return json_pack("{s:s s:i s:i s:I s:f s:f s:f s:f s:I}", "scene", s->name, "services", s->asked.services,
                     "live", s->there.services * s->there.replicas, "creates", (json_int_t)creates, "seconds",
                     median(ours, b->rounds), "cpu_s", median(cpu, b->rounds), "floor_s",
                     median(floor, b->rounds), "ratio", median(ratio, b->rounds), "peak_kib",
                     (json_int_t)peak);
}

static json_t *measure_scenes(struct bench *b, int services, int tasks)
{
    const struct service_file others = {"others", tasks / OTHERS_REPLICAS, OTHERS_REPLICAS},
                              once = {"bench", services, 1}, triple = {"bench", services, 3};
    const struct scene scenes[] = {
        {"first", others, once}, {"triple", others, triple}, {"update", once, once}};
    json_t *all = json_array();

    for (size_t i = 0; i < ORC_ARRAY_SIZE(scenes); i++) {
        begin(b, &scenes[i].there);
        json_array_append_new(all, measure_plan(b, &scenes[i]));
        end(b);
    }
    return all;
}

/* ---- the floor: the same keys, read and forgotten ------------------------------------------------------ */

static void forget(const struct etcd_kv *kv, void *arg)
{
    /* it was read */
}

static int read_all(const char *url)
{
    uv_loop_t loop;
    struct etcd *e;
    int64_t revision = 0;

    uv_loop_init(&loop);
    e = hollow_connect(&loop, url);
    for (const enum key_kind *k = preview_kinds; *k != KEY_UNKNOWN; k++) {
        orc_auto_free char *prefix = key_range(HOLLOW_CLUSTER, *k);
        struct orc_err err = ORC_ERR_INIT;

        if (etcd_sync_scan(e, &loop, prefix, revision, forget, NULL, &revision, &err) < 0)
            hollow_die("%s", err.msg);
    }
    etcd_free(e);
    return loop_close(&loop) ? 0 : 1;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static int number(const char *text, int min, int max)
{
    int64_t n = 0;

    if (orc_parse_int(text, min, max, &n, NULL) < 0)
        hollow_die("\"%s\" is not a number from %d to %d", text, min, max);
    return (int)n;
}

int main(int argc, char **argv)
{
    orc_auto_free char *text = NULL;
    struct bench b = {0};
    json_t *all;

    orc_log_init("bench-plan", ORC_LOG_WARN, false);
    if (argc == 3 && strcmp(argv[1], "--floor") == 0)
        return read_all(argv[2]);
    if (argc > 4 && strcmp(argv[1], "--measure") == 0)
        return measure_here(argv[2], argv + 3);
    if (argc != 7)
        hollow_die("usage: bench-plan ORC ORC-SCHEDULER NODES SERVICES TASKS ROUNDS");
    b.orc = argv[1];
    b.scheduler = argv[2];
    b.n_nodes = number(argv[3], 2, 10000);
    b.rounds = number(argv[6], 1, ROUNDS_MAX);
    setenv("PORT", "8080", 1);
    all = measure_scenes(&b, number(argv[4], 2, SPEC_SERVICES_MAX), number(argv[5], OTHERS_REPLICAS, 100000));
    all = json_pack("{s:i s:i s:o}", "nodes", b.n_nodes, "rounds", b.rounds, "scenes", all);
    text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(4));
    puts(text);
    json_decref(all);
    return 0;
}
