/* cmd_dev.c - `orc dev`: a cluster of one server in the foreground, for who has one machine with Docker. */
#include "cli/cmd.h"
#include "cli/dev.h"
#include "cli/init.h"
#include "cli/wait.h"
#include "lib/clock.h"
#include "lib/proc.h"

#define ETCD_WAIT_MS 15000
#define UP_WAIT_MS 30000

struct dev_run {
    struct session s;
    struct dev *dev;
    bool interrupted, ended;
    struct orc_strv problems; /* as of the last look */
};

static void on_stopped(void *arg)
{
    ((struct dev_run *)arg)->ended = true;
}

static void on_signal(int signum, void *arg)
{
    ((struct dev_run *)arg)->interrupted = true;
}

/* Makes the cluster unless a start before this one did. Tries until etcd answers. */
static int need_cluster(struct dev_run *r, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_UNKNOWN};
    uint64_t end = orc_clock_ms() + ETCD_WAIT_MS;

    for (;;) {
        struct cluster c;
        int result = session_load(&r->s, kinds, &c, err);
        bool there = result == 0 && cluster_find(&c, key_config(r->s.cluster));

        if (result == 0)
            cluster_release(&c);
        if (there)
            return 0;
        if (result == 0)
            return init_default(&r->s, err);
        if (r->interrupted || orc_clock_ms() > end || !dev_etcd_runs(r->dev))
            return result;
        uv_sleep(50);
        uv_run(&r->s.loop, UV_RUN_NOWAIT);
    }
}

static bool over(const struct dev_run *r)
{
    return r->interrupted || dev_gave_up(r->dev);
}

/* Somebody decides, somebody runs containers, somebody routes. */
static bool is_up(struct cluster *c, void *arg)
{
    struct dev_run *r = arg;
    struct report report;
    bool up;

    report_build(c, NULL, orc_wall_ms(), &report);
    up = report.leader && report.nodes.n && report.nodes.at[0].ready && report.gateways.n &&
         report.gateways.at[0].alive;
    orc_strv_release(&r->problems);
    for (size_t i = 0; i < report.problems.n; i++)
        orc_strv_add(&r->problems, report.problems.at[i]);
    report_release(&report);
    return up || over(r);
}

/* Waits until all is up; what does not come up in time is said, and waited for. */
static void wait_up(struct dev_run *r)
{
    struct follow_opts opts = {
        .kinds = wait_report_kinds, .timeout_ms = UP_WAIT_MS, .tick_ms = 1000, .on_change = is_up, .arg = r};

    if (follow_run(&r->s, &opts) != FOLLOW_TIMED_OUT)
        return;
    for (size_t i = 0; i < r->problems.n; i++)
        fprintf(stderr, "orc dev: %s\n", r->problems.at[i]);
    fprintf(stderr, "orc dev: not everything is up yet; trying on (`orc status` tells)\n");
    opts.timeout_ms = 0;
    follow_run(&r->s, &opts);
}

static void say_ready(const struct dev_run *r, const struct dev_opts *o)
{
    out_line(&r->s.out, "A cluster of this one server is up; its data is in %s. Ctrl-C ends it%s.", o->data,
             o->keep ? "; containers and NGINX run on" : ", containers included");
    out_line(&r->s.out, "In another terminal:");
    if (o->etcd_port != 2379)
        out_line(&r->s.out, "    export ORC_ETCD=%s", dev_etcd_url(r->dev));
    if (strcmp(o->cluster, "default") != 0)
        out_line(&r->s.out, "    export ORC_CLUSTER=%s", o->cluster);
    out_line(&r->s.out, "    orc apply service.yaml");
    out_line(&r->s.out, "    orc status");
    out_line(&r->s.out, "    curl http://%s/", o->listen);
}

static int start_all(struct dev_run *r, const struct dev_opts *o, struct orc_err *err)
{
    int result = dev_start_etcd(r->dev, err);

    if (result == 0)
        result = need_cluster(r, err);
    if (result == 0 && !r->interrupted)
        result = dev_start_rest(r->dev, err);
    if (result == 0 && !over(r))
        wait_up(r);
    if (result == 0 && !over(r))
        say_ready(r, o);
    return result;
}

static int run(const struct dev_opts *o, struct session_args *a, struct orc_err *err)
{
    struct dev_run r = {0};
    int result;

    if (dev_check(o, err) < 0)
        return CLI_FAILED;
    if (session_open(&r.s, a, err) < 0)
        return CLI_USAGE;
    orc_signals_init(&r.s.loop, on_signal, &r);
    r.dev = dev_new(&r.s.loop, o);
    result = start_all(&r, o, err);
    while (result == 0 && !over(&r))
        uv_run(&r.s.loop, UV_RUN_ONCE);
    if (dev_gave_up(r.dev))
        result = orc_fail(err, -EINVAL,
                          "a cluster can't be started so; all that was started is ended. What its programs "
                          "said above tells why");
    dev_stop(r.dev, on_stopped, &r);
    while (!r.ended)
        uv_run(&r.s.loop, UV_RUN_ONCE);
    dev_free(r.dev);
    orc_signals_close();
    orc_strv_release(&r.problems);
    session_close(&r.s);
    return result < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_dev(int argc, char **argv)
{
    char *data = orc_strdup("/var/lib/orc/dev"), *docker = orc_strdup("/var/run/docker.sock");
    char *listen = orc_strdup("127.0.0.1:8080"), *cluster = orc_strdup("default");
    struct session_args a = {0};
    int64_t port = 2379;
    bool keep = false;
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "listen",
         .kind = ORC_OPT_STR,
         .value = &listen,
         .meta = "ADDR:PORT",
         .help = "where NGINX listens (default 127.0.0.1:8080; 0.0.0.0:80 is the public)"},
        {.name = "data",
         .kind = ORC_OPT_STR,
         .value = &data,
         .meta = "DIR",
         .help = "what is kept (default /var/lib/orc/dev)"},
        {.name = "docker",
         .kind = ORC_OPT_STR,
         .value = &docker,
         .meta = "SOCKET",
         .help = "the engine's socket"},
        {.name = "etcd-port",
         .kind = ORC_OPT_INT,
         .value = &port,
         .meta = "PORT",
         .min = 1024,
         .max = 65534,
         .help = "of its etcd on 127.0.0.1 (default 2379); the next one is taken, too"},
        {.name = "cluster",
         .kind = ORC_OPT_STR,
         .value = &cluster,
         .meta = "NAME",
         .help = "its name (default \"default\")"},
        {.name = "keep", .kind = ORC_OPT_BOOL, .value = &keep, .help = "containers run on when it ends"},
        {0},
    };
    int r = cmd_options(table, argc, argv, NULL, "orc dev [--listen ADDR:PORT] [--keep]",
                        "A cluster of one server in the foreground: etcd, scheduler, nodelet and gateway on "
                        "the local Docker Engine, "
                        "until Ctrl-C. A second start finds everything again.");

    if (r < 0) {
        orc_auto_free char *url = orc_printf("http://127.0.0.1:%d", (int)port);
        struct dev_opts o = {data, docker, listen, cluster, (int)port, keep};

        orc_strv_add(&a.store.etcd, url);
        a.store.cluster = orc_strdup(cluster);
        r = run(&o, &a, &err);
        cmd_end(NULL, r, &err, NULL);
    }
    session_args_release(&a);
    free(data);
    free(docker);
    free(listen);
    free(cluster);
    return r;
}
