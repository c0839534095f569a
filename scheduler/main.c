/* main.c - orc-scheduler: options, sandbox, signals; the rest is shell.h. */
#include "lib/daemon.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/metrics.h"
#include "lib/proc.h"
#include "lib/sandbox.h"
#include "lib/units.h"
#include "lib/zone.h"
#include "scheduler/replay.h"
#include "scheduler/shell.h"
#include "state/store_args.h"

#include <stdio.h>
#include <unistd.h>

struct main {
    uv_loop_t loop;
    struct shell *shell;
    struct orc_metrics *metrics;
    struct store_args store;
    struct orc_daemon_args args;
    char *state_dir, *record, *record_max, *replay;
    int64_t record_most;
};

#define RECORD_MOST (INT64_C(256) << 20)
#define RECORD_LEAST (64 << 10)
#define REPLAY_MOST (INT64_C(4) << 30)

static int parse(struct main *m, int argc, char **argv, struct orc_err *err)
{
    const struct orc_option table[] = {
        STORE_ARGS_ROWS(&m->store),
        {.name = "state-dir",
         .kind = ORC_OPT_STR,
         .value = &m->state_dir,
         .meta = "DIR",
         .help = "where it remembers which store it knew; without it, only while it runs"},
        {.name = "record",
         .kind = ORC_OPT_STR,
         .value = &m->record,
         .meta = "FILE",
         .help = "write there all that it decides from; an older file is kept as FILE.old"},
        {.name = "record-max",
         .kind = ORC_OPT_STR,
         .value = &m->record_max,
         .meta = "SIZE",
         .help = "end the recording at this size (default 256M)"},
        {.name = "replay",
         .kind = ORC_OPT_STR,
         .value = &m->replay,
         .meta = "FILE",
         .help = "decide a recording again, and say where it comes out otherwise; asks no etcd"},
        ORC_DAEMON_METRICS_ROW(&m->args),
        ORC_DAEMON_ROWS(&m->args),
        {.name = NULL}};

    return orc_daemon_options(table, argc, argv, "orc-scheduler [OPTIONS]",
                              "Decides which containers run where. Start one to three; they elect a leader.",
                              err);
}

static int parse_sizes(struct main *m, struct orc_err *err)
{
    m->record_most = RECORD_MOST;
    if (!m->record_max)
        return 0;
    if (orc_parse_size(m->record_max, &m->record_most, err) < 0) {
        orc_wrap(err, "--record-max");
        return -EINVAL;
    }
    if (m->record_most < RECORD_LEAST || m->record_most > REPLAY_MOST)
        return orc_fail(err, -EINVAL, "--record-max \"%s\" is out of range: 64K to 4G", m->record_max);
    return 0;
}

/* ---- a recording, again ------------------------------------------------------------------------------ */

static void print_line(const char *text, void *arg)
{
    puts(text);
}

static int tell_result(const struct replay_result *r)
{
    printf("%llu changes, %llu steps, %llu of them with something to do: ", (unsigned long long)r->changes,
           (unsigned long long)r->steps, (unsigned long long)r->decisions);
    if (r->differ)
        printf("%llu decided otherwise, the first at byte %zu\n", (unsigned long long)r->differ,
               r->differs_at);
    else
        puts("all decided as they were");
    return r->differ ? 1 : 0;
}

/* 0: all the same; 1: something differs; 2: the file can't be used. */
static int replay(const char *path)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *data = NULL;
    struct orc_zones *zones = orc_zones_new(ORC_ZONE_DIR);
    struct replay_opts opts = {.line = print_line, .zones = {orc_zones_ask, zones}};
    struct replay_result result;
    size_t n;
    int r = orc_file_read(path, REPLAY_MOST, &data, &n, &err);

    if (r >= 0)
        r = orc_sandbox_enter(0, &err);
    if (r >= 0 && (r = replay_run(data, n, &opts, &result, &err)) < 0)
        orc_wrap(&err, "%s", path);
    r = r < 0 ? 2 : tell_result(&result);
    orc_zones_free(zones);
    fflush(stdout);
    if (err.msg[0])
        fprintf(stderr, "orc-scheduler: %s\n", err.msg);
    return r;
}

/* ---- the daemon -------------------------------------------------------------------------------------- */

static void on_stopped(void *arg)
{
    struct main *m = arg;

    m->metrics = orc_metrics_free(m->metrics);
    m->shell = shell_free(m->shell);
    orc_signals_close();
}

static void on_signal(int signum, void *arg)
{
    struct main *m = arg;

    orc_info("stops");
    shell_stop(m->shell, on_stopped, m);
}

static void collect(struct orc_metrics_text *t, void *arg)
{
    shell_metrics(((struct main *)arg)->shell, t);
}

static int enter_sandbox(const struct main *m, struct orc_err *err)
{
    return orc_sandbox_enter(ORC_SANDBOX_NET | (m->state_dir ? ORC_SANDBOX_WRITE_FILES : 0) |
                                 (m->metrics ? ORC_SANDBOX_LISTEN : 0),
                             err);
}

static int start(struct main *m, struct orc_err *err)
{
    char host[256] = "unknown", random[9];
    orc_auto_free char *id = NULL, *guard = NULL;
    struct shell_opts o = {
        .etcd = &m->store.etcd, .tls = store_args_tls(&m->store), .cluster = m->store.cluster, .host = host};

    gethostname(host, sizeof host - 1);
    orc_random_hex(8, random);
    id = orc_printf("%s-%s", host, random);
    o.id = id;
    o.record = m->record;
    o.record_most = (uint64_t)m->record_most;
    if (m->state_dir) {
        if (orc_file_mkdirs(m->state_dir, err) < 0)
            return -EIO;
        o.guard = guard = orc_printf("%s/guard", m->state_dir);
    }
    if (m->args.metrics && orc_metrics_serve(&m->loop, m->args.metrics, collect, m, &m->metrics, err) < 0)
        return -EINVAL;
    m->shell = shell_new(&m->loop, &o, err);
    if (!m->shell)
        return -EINVAL;
    orc_signals_init(&m->loop, on_signal, m);
    return enter_sandbox(m, err);
}

static void release(struct main *m)
{
    uv_loop_close(&m->loop);
    store_args_release(&m->store);
    orc_daemon_args_release(&m->args);
    free(m->state_dir);
    free(m->record);
    free(m->record_max);
    free(m->replay);
}

int main(int argc, char **argv)
{
    struct main m = {0};
    struct orc_err err = ORC_ERR_INIT;
    int r = parse(&m, argc, argv, &err);

    uv_loop_init(&m.loop);
    if (r == 0 && m.replay) {
        r = replay(m.replay);
        release(&m);
        return r;
    }
    if (r == 0)
        r = parse_sizes(&m, &err);
    if (r == 0)
        r = store_args_settle(&m.store, &err);
    if (r == 0)
        r = orc_daemon_start_log(&m.args, "orc-scheduler", NULL, &err);
    if (r < 0) {
        fprintf(stderr, "orc-scheduler: %s\n", err.msg);
        release(&m);
        return 2;
    }
    if (r > 0) { /* help or version was printed */
        release(&m);
        return 0;
    }
    r = start(&m, &err);
    if (r < 0)
        orc_error("%s", err.msg);
    else
        uv_run(&m.loop, UV_RUN_DEFAULT);
    release(&m);
    return r < 0 ? 1 : 0;
}
