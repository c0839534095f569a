/* hollow_process.c - the programs around a benchmark: etcd, orc-scheduler, and our own untimely end. */
#include "tests/bench/hollow.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif
#include "tests/integration/etcd_server.h"
#include "tests/integration/loop_until.h"

static struct etcd_server server;
static pid_t owner; /* of the server: not the observer */

static void stop_server(void)
{
    if (getpid() == owner)
        etcd_server_stop(&server);
}

void hollow_die(const char *fmt, ...)
{
    orc_auto_free char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = orc_vprintf(fmt, ap);
    va_end(ap);
    fprintf(stderr, "bench: %s\n", text);
    exit(1);
}

const char *hollow_etcd_start(void)
{
    if (!owner)
        atexit(stop_server); /* whatever ends the program: no folder stays */
    owner = getpid();
    etcd_server_start(&server);
    return server.url;
}

void hollow_etcd_stop(void)
{
    etcd_server_stop(&server);
}

pid_t hollow_etcd_pid(void)
{
    return server.pid;
}

const char *hollow_etcd_dir(void)
{
    return server.dir;
}

pid_t hollow_scheduler_start(const char *program, const char *url)
{
    pid_t pid = fork();

    if (pid < 0)
        hollow_die("no process can be made");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(program, "orc-scheduler", "--etcd", url, "--cluster", HOLLOW_CLUSTER, "--log-level", "error",
              (char *)NULL);
        _exit(127);
    }
    return pid;
}

pid_t hollow_stop(pid_t pid)
{
    if (pid > 0) {
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
    }
    return 0;
}

struct etcd *hollow_connect(uv_loop_t *loop, const char *url)
{
    struct orc_strv urls = {0};
    struct etcd_opts o = {.endpoints = &urls, .timeout_ms = 60000};
    struct etcd *e;

    orc_strv_add(&urls, url);
    e = etcd_new(loop, &o, NULL);
    orc_strv_release(&urls);
    return e;
}

void hollow_until(uv_loop_t *loop, bool (*holds)(void *arg), void *arg, const char *what)
{
    if (!loop_until_ms(loop, holds, arg, HOLLOW_PATIENCE_MS))
        hollow_die("%s", what);
}

void hollow_for(uv_loop_t *loop, uint64_t ms)
{
    loop_for(loop, ms);
}

/* Seconds of all its threads on a processor, to a hundredth: utime and stime of proc(5). */
double hollow_cpu_of(pid_t pid)
{
    orc_auto_free char *path = orc_printf("/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    unsigned long user = 0, kernel = 0;

    if (!f ||
        fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
        hollow_die("%s can't be read; did the program end?", path);
    fclose(f);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* The same of a program with one thread, to the nanosecond: the first number of schedstat. */
double hollow_exact_cpu_of(pid_t pid)
{
    orc_auto_free char *path = orc_printf("/proc/%d/schedstat", (int)pid);
    FILE *f = fopen(path, "re");
    long long ns = 0;

    if (!f || fscanf(f, "%lld", &ns) != 1)
        hollow_die("%s can't be read; did the program end?", path);
    fclose(f);
    return (double)ns / 1e9;
}

double hollow_private_mib(pid_t pid)
{
    orc_auto_free char *path = orc_printf("/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "re");
    char line[200];
    long kb = 0, n;

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Private_Clean: %ld", &n) == 1 || sscanf(line, "Private_Dirty: %ld", &n) == 1)
            kb += n;
    if (f)
        fclose(f);
    return (double)kb / 1024;
}

struct leader {
    struct etcd *e;
    uv_loop_t *loop;
};

static bool leader_is_there(void *arg)
{
    const struct leader *l = arg;
    orc_auto_free char *key = key_leader(HOLLOW_CLUSTER);
    struct etcd_answer a = {0};
    bool is = etcd_sync_get(l->e, l->loop, key, &a, NULL) == 0 && a.kvs.n;

    etcd_answer_release(&a);
    return is;
}

void hollow_until_led(struct etcd *e, uv_loop_t *loop)
{
    struct leader l = {e, loop};

    hollow_until(loop, leader_is_there, &l, "no scheduler leads");
}
