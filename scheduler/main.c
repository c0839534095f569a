/* main.c - orc-scheduler: options, sandbox, signals; the rest is shell.h. */
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/proc.h"
#include "lib/sandbox.h"
#include "scheduler/shell.h"
#include "specs/spec.h"

#include <stdio.h>
#include <unistd.h>

struct main {
    uv_loop_t loop;
    struct shell *shell;
    struct orc_strv etcd;
    char *cacert, *cert, *key, *cluster, *level, *format, *config, *state_dir;
};

static int parse(struct main *m, int argc, char **argv, struct orc_err *err)
{
    const struct orc_option table[] = {
        {.name = "etcd",
         .kind = ORC_OPT_STRV,
         .value = &m->etcd,
         .meta = "URL[,URL...]",
         .env = "ORC_ETCD",
         .help = "etcd's client addresses (default http://127.0.0.1:2379)"},
        {.name = "cacert",
         .kind = ORC_OPT_STR,
         .value = &m->cacert,
         .meta = "FILE",
         .help = "CA that signed etcd's certificate"},
        {.name = "cert",
         .kind = ORC_OPT_STR,
         .value = &m->cert,
         .meta = "FILE",
         .help = "client certificate for etcd"},
        {.name = "key", .kind = ORC_OPT_STR, .value = &m->key, .meta = "FILE", .help = "its key"},
        {.name = "cluster",
         .kind = ORC_OPT_STR,
         .value = &m->cluster,
         .meta = "NAME",
         .help = "which cluster in that etcd (default \"default\")"},
        {.name = "state-dir",
         .kind = ORC_OPT_STR,
         .value = &m->state_dir,
         .meta = "DIR",
         .help = "where it remembers which store it knew; without it, only while it runs"},
        {.name = "log-level",
         .kind = ORC_OPT_STR,
         .value = &m->level,
         .meta = "LEVEL",
         .help = "error, warn, info or debug (default info)"},
        {.name = "log-format",
         .kind = ORC_OPT_STR,
         .value = &m->format,
         .meta = "FORMAT",
         .help = "text or json (default text)"},
        {.name = "config",
         .kind = ORC_OPT_STR,
         .value = &m->config,
         .meta = "FILE",
         .help = "the same options from a YAML file"},
        {.name = NULL}};
    int r = orc_options_parse(table, argc, argv, NULL, err);

    if (r == ORC_OPTIONS_HELP)
        orc_options_help(stdout, "orc-scheduler [OPTIONS]",
                         "Decides which containers run where. Start one to three; they elect a leader.",
                         table);
    return r;
}

static int init_log(const struct main *m, struct orc_err *err)
{
    enum orc_log_level level = ORC_LOG_INFO;

    if (m->level && orc_log_level_from_name(m->level, &level) < 0)
        return orc_fail(err, -EINVAL, "log level \"%s\" is not known; error, warn, info and debug are",
                        m->level);
    if (m->format && strcmp(m->format, "text") != 0 && strcmp(m->format, "json") != 0)
        return orc_fail(err, -EINVAL, "log format \"%s\" is not known; text and json are", m->format);
    orc_log_init("orc-scheduler", level, m->format && strcmp(m->format, "json") == 0);
    return 0;
}

/* "http://a:2379,http://b:2379" is two. */
static void split_endpoints(struct orc_strv *v)
{
    struct orc_strv out = {0};

    for (size_t i = 0; i < v->n; i++) {
        char *rest = v->at[i], *one;

        while ((one = strsep(&rest, ",")))
            if (*one)
                orc_strv_add(&out, one);
    }
    if (!out.n)
        orc_strv_add(&out, "http://127.0.0.1:2379");
    orc_strv_release(v);
    *v = out;
}

static void on_stopped(void *arg)
{
    struct main *m = arg;

    m->shell = shell_free(m->shell);
    orc_signals_close();
}

static void on_signal(int signum, void *arg)
{
    struct main *m = arg;

    orc_info("stops");
    shell_stop(m->shell, on_stopped, m);
}

static int start(struct main *m, struct orc_err *err)
{
    char host[256] = "unknown", random[9];
    orc_auto_free char *id = NULL, *guard = NULL;
    struct shell_opts o = {.etcd = &m->etcd, .tls = {m->cacert, m->cert, m->key}, .host = host};

    gethostname(host, sizeof host - 1);
    orc_random_hex(8, random);
    id = orc_printf("%s-%s", host, random);
    o.id = id;
    o.cluster = m->cluster ? m->cluster : "default";
    if (spec_check_name("cluster name", o.cluster, err) < 0)
        return -EINVAL;
    if (m->state_dir) {
        if (orc_file_mkdirs(m->state_dir, err) < 0)
            return -EIO;
        o.guard = guard = orc_printf("%s/guard", m->state_dir);
    }
    m->shell = shell_new(&m->loop, &o, err);
    if (!m->shell)
        return -EINVAL;
    orc_signals_init(&m->loop, on_signal, m);
    return orc_sandbox_enter(ORC_SANDBOX_NET | (m->state_dir ? ORC_SANDBOX_WRITE_FILES : 0), err);
}

static void release(struct main *m)
{
    uv_loop_close(&m->loop);
    orc_strv_release(&m->etcd);
    free(m->cacert);
    free(m->cert);
    free(m->key);
    free(m->cluster);
    free(m->level);
    free(m->format);
    free(m->config);
    free(m->state_dir);
}

int main(int argc, char **argv)
{
    struct main m = {0};
    struct orc_err err = ORC_ERR_INIT;
    int r = parse(&m, argc, argv, &err);

    uv_loop_init(&m.loop);
    if (r == 0)
        r = init_log(&m, &err);
    if (r < 0) {
        fprintf(stderr, "orc-scheduler: %s\n", err.msg);
        release(&m);
        return 2;
    }
    if (r == ORC_OPTIONS_HELP) {
        release(&m);
        return 0;
    }
    split_endpoints(&m.etcd);
    r = start(&m, &err);
    if (r < 0)
        orc_error("%s", err.msg);
    else
        uv_run(&m.loop, UV_RUN_DEFAULT);
    release(&m);
    return r < 0 ? 1 : 0;
}
