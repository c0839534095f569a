/* nodelet: the daemon on each server. Options, log, signals; the rest is nodelet.c. */
#include "nodelet/docker.h"
#include "nodelet/nodelet.h"
#include "nodelet/statedir.h"
#include "nodelet/stop.h"

#include "lib/daemon.h"
#include "lib/proc.h"
#include "lib/units.h"
#include "netplug/types.h"
#include "specs/check.h"
#include "state/key.h"
#include "state/store_args.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

struct settings {
    struct store_args store;
    struct orc_daemon_args args;
    struct orc_strv label;
    char *name, *docker, *state_dir, *interface, *netplug, *address, *reserve;
    int64_t vlan;
    bool stop_containers;
    struct spec_pairs labels;
    struct spec_resources reserved;
    int64_t reserved_pids;
};

struct process {
    uv_loop_t loop;
    struct nodelet *nodelet;
    struct orc_metrics *metrics;
};

static int pair_cmp(const void *a, const void *b)
{
    return strcmp(((const struct spec_pair *)a)->key, ((const struct spec_pair *)b)->key);
}

static int read_labels(struct settings *s, struct orc_err *err)
{
    for (size_t i = 0; i < s->label.n; i++) {
        const char *equals = strchr(s->label.at[i], '=');
        struct spec_pair pair;

        if (!equals || equals == s->label.at[i] || strlen(s->label.at[i]) > 512)
            return orc_fail(err, -EINVAL, "--label \"%s\": KEY=VALUE is expected, such as disk=nvme",
                            s->label.at[i]);
        pair = (struct spec_pair){.key = orc_strndup(s->label.at[i], (size_t)(equals - s->label.at[i])),
                                  .value = orc_strdup(equals + 1)};
        orc_vec_push(&s->labels, pair);
    }
    if (s->labels.n)
        qsort(s->labels.at, s->labels.n, sizeof *s->labels.at, pair_cmp);
    for (size_t i = 1; i < s->labels.n; i++)
        if (strcmp(s->labels.at[i - 1].key, s->labels.at[i].key) == 0)
            return orc_fail(err, -EINVAL, "--label \"%s\" is given twice", s->labels.at[i].key);
    return 0;
}

/* "cpus=0.5,memory=512M,pids=500" */
static int read_reserve(struct settings *s, struct orc_err *err)
{
    orc_auto_free char *text = orc_strdup(s->reserve);
    int r = 0;

    for (char *save = NULL, *one = text ? strtok_r(text, ",", &save) : NULL; one && r == 0;
         one = strtok_r(NULL, ",", &save)) {
        if (strncmp(one, "cpus=", 5) == 0)
            r = orc_parse_cpus(one + 5, &s->reserved.cpus_nano, err);
        else if (strncmp(one, "memory=", 7) == 0)
            r = orc_parse_size(one + 7, &s->reserved.memory, err);
        else if (strncmp(one, "pids=", 5) == 0)
            r = orc_parse_int(one + 5, 0, SPEC_PIDS_MAX, &s->reserved_pids, err);
        else
            return orc_fail(err, -EINVAL, "--reserve \"%s\": cpus=N,memory=SIZE,pids=N is expected",
                            s->reserve);
    }
    if (r < 0)
        orc_wrap(err, "--reserve \"%s\"", s->reserve);
    return r;
}

/* The first label of the host's name. */
static void default_name(struct settings *s)
{
    struct utsname u;

    if (s->name)
        return;
    uname(&u);
    u.nodename[strcspn(u.nodename, ".")] = '\0';
    orc_set_str(&s->name, u.nodename);
}

static int check(struct settings *s, struct orc_err *err)
{
    int r = orc_daemon_start_log(&s->args, "nodelet", NULL, err);

    default_name(s);
    if (r == 0)
        r = store_args_settle(&s->store, err);
    if (r == 0 && (r = key_check_node_name(s->name, err)) < 0)
        orc_wrap(err, "--name");
    if (r == 0)
        r = read_labels(s, err);
    return r == 0 ? read_reserve(s, err) : r;
}

static void settings_release(struct settings *s)
{
    char *strings[] = {s->name, s->docker, s->state_dir, s->interface, s->netplug, s->address, s->reserve};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(strings); i++)
        free(strings[i]);
    spec_pairs_release(&s->labels);
    store_args_release(&s->store);
    orc_daemon_args_release(&s->args);
    orc_strv_release(&s->label);
}

static int parse(struct settings *s, int argc, char **argv, struct orc_err *err)
{
    const struct orc_option table[] = {
        STORE_ARGS_ROWS(&s->store),
        {.name = "name",
         .kind = ORC_OPT_STR,
         .value = &s->name,
         .meta = "NAME",
         .help = "this node's name (default: the host's)"},
        {.name = "docker",
         .kind = ORC_OPT_STR,
         .value = &s->docker,
         .meta = "SOCKET",
         .help = "the Docker Engine (default " DOCKER_SOCKET ")"},
        {.name = "state-dir",
         .kind = ORC_OPT_STR,
         .value = &s->state_dir,
         .meta = "DIR",
         .help = "what this node remembers (default " STATEDIR_DEFAULT ")"},
        {.name = "interface",
         .kind = ORC_OPT_STR,
         .value = &s->interface,
         .meta = "IFACE",
         .help = "the private network's interface (default: none, one server)"},
        {.name = "vlan",
         .kind = ORC_OPT_INT,
         .value = &s->vlan,
         .meta = "ID",
         .help = "802.1Q id on that interface",
         .min = 0,
         .max = 4094},
        {.name = "netplug",
         .kind = ORC_OPT_STR,
         .value = &s->netplug,
         .meta = "SOCKET",
         .help = "netplug's socket (default " NETPLUG_SOCKET ")"},
        {.name = "address",
         .kind = ORC_OPT_STR,
         .value = &s->address,
         .meta = "ADDR",
         .help = "this node's private address (default: the interface's)"},
        {.name = "label",
         .kind = ORC_OPT_STRV,
         .value = &s->label,
         .meta = "K=V",
         .help = "a label for placement; may be repeated"},
        {.name = "reserve",
         .kind = ORC_OPT_STR,
         .value = &s->reserve,
         .meta = "cpus=N,memory=SIZE,pids=N",
         .help = "kept free of tasks"},
        {.name = "stop-containers",
         .kind = ORC_OPT_BOOL,
         .value = &s->stop_containers,
         .help = "only stop this node's containers, and end; the next nodelet starts them again"},
        ORC_DAEMON_METRICS_ROW(&s->args),
        ORC_DAEMON_ROWS(&s->args),
        {0}};

    return orc_daemon_options(table, argc, argv, "nodelet --etcd URL [OPTION...]",
                              "Runs this server's share of an orc cluster.", err);
}

static void on_stop(int signum, void *arg)
{
    struct process *p = arg;

    orc_info("stopping; containers keep running");
    orc_signals_close();
    p->metrics = orc_metrics_free(p->metrics);
    p->nodelet = nodelet_free(p->nodelet);
}

static void collect(struct orc_metrics_text *t, void *arg)
{
    nodelet_metrics(((struct process *)arg)->nodelet, t);
}

static int run(struct settings *s, struct orc_err *err)
{
    struct process p = {0};
    bool failed;
    struct nodelet_opts opts = {.loop = &p.loop,
                                .etcd = &s->store.etcd,
                                .tls = store_args_tls(&s->store),
                                .cluster = s->store.cluster,
                                .name = s->name,
                                .docker = s->docker,
                                .state_dir = s->state_dir,
                                .interface = s->interface,
                                .netplug = s->netplug,
                                .address = s->address,
                                .vlan = (int)s->vlan,
                                .labels = &s->labels,
                                .reserve = s->reserved,
                                .reserve_pids = (int)s->reserved_pids};

    uv_loop_init(&p.loop);
    if (s->args.metrics && orc_metrics_serve(&p.loop, s->args.metrics, collect, &p, &p.metrics, err) < 0) {
        uv_loop_close(&p.loop);
        return 1;
    }
    orc_signals_init(&p.loop, on_stop, &p);
    p.nodelet = nodelet_new(&opts, err);
    failed = !p.nodelet;
    if (failed) {
        orc_signals_close();
        orc_metrics_free(p.metrics);
    }
    uv_run(&p.loop, UV_RUN_DEFAULT);
    uv_loop_close(&p.loop);
    return failed;
}

/* What `orc dev` ends with. */
static int stop(const struct settings *s, struct orc_err *err)
{
    size_t n = 0;

    if (stop_containers(&(struct stop_opts){.docker = s->docker, .state_dir = s->state_dir, .name = s->name},
                        &n, err) < 0)
        return 1;
    printf("%zu containers stopped\n", n);
    return 0;
}

int main(int argc, char **argv)
{
    struct settings s = {0};
    struct orc_err err = ORC_ERR_INIT;
    int r = parse(&s, argc, argv, &err), status = 0;

    if (r == 0)
        r = check(&s, &err);
    if (r < 0)
        status = 2;
    else if (r == 0)
        status = s.stop_containers ? stop(&s, &err) : run(&s, &err);
    if (status)
        fprintf(stderr, "nodelet: %s\n", err.msg);
    settings_release(&s);
    return status;
}
