#include "cli/dev.h"

#include "lib/file.h"
#include "lib/proc.h"
#include "lib/units.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define AGAIN_MS 1000 /* a child that died is started again after so long */
#define END_MS 20000  /* a child that does not end is killed after so long */

enum { ETCD, NETPLUG, SCHEDULER, NODELET, GATEWAY, PROGRAMS };

static const char *const names[] = {[ETCD] = "etcd",
                                    [NETPLUG] = "netplug",
                                    [SCHEDULER] = "orc-scheduler",
                                    [NODELET] = "nodelet",
                                    [GATEWAY] = "orc-gateway"};

struct child {
    struct dev *dev;
    int which;
    char *path;
    struct orc_strv argv;
    struct orc_proc *proc; /* NULL: not running */
    uv_timer_t timer;      /* start again; while ending: kill */
};

struct dev {
    uv_loop_t *loop;
    const struct dev_opts *opts;
    char *url;
    struct child children[PROGRAMS];
    struct orc_proc *sweeper; /* stops the containers at the end */
    bool stopping;
    int ending; /* which child is being ended */
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* ---- finding and checking
 * ------------------------------------------------------------------------------------ */

/* A program beside this one, else in PATH and the system's sbin folders; NULL when nowhere. */
static char *find_program(const char *name)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    orc_auto_free char *beside = NULL;
    orc_auto_free char *path =
        orc_printf("%s:/usr/sbin:/sbin", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    char *rest = NULL;

    if (n > 0) {
        self[n] = '\0';
        *strrchr(self, '/') = '\0';
        beside = orc_printf("%s/%s", self, name);
        if (access(beside, X_OK) == 0)
            return orc_take(beside);
    }
    for (char *dir = strtok_r(path, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest)) {
        orc_auto_free char *file = orc_printf("%s/%s", dir, name);

        if (access(file, X_OK) == 0)
            return orc_take(file);
    }
    return NULL;
}

static int check_engine(const char *path, struct orc_err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    orc_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof addr.sun_path)
        return orc_fail(err, -ENAMETOOLONG, "the socket's path %s is longer than %zu bytes", path,
                        sizeof addr.sun_path - 1);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        return orc_fail(err, -errno,
                        "there is no Docker Engine at %s (%s): start it, or name its socket with --docker",
                        path, strerror(errno));
    return 0;
}

int dev_check(const struct dev_opts *o, struct orc_err *err)
{
    static const struct {
        const char *name, *package;
    } needed[] = {{"etcd", "etcd-server"},  {"nginx", "nginx"}, {"netplug", "orc"},
                  {"orc-scheduler", "orc"}, {"nodelet", "orc"}, {"orc-gateway", "orc"}};

    if (geteuid() != 0)
        return orc_fail(
            err, -EPERM,
            "orc dev must be started by root: it makes the network bridge orc0; nothing was touched");
    for (size_t i = 0; i < ORC_ARRAY_SIZE(needed); i++) {
        orc_auto_free char *path = find_program(needed[i].name);

        if (!path)
            return orc_fail(err, -ENOENT, "the program %s is missing: install the package %s", needed[i].name,
                            needed[i].package);
    }
    return check_engine(o->docker, err);
}

/* ---- children
 * ------------------------------------------------------------------------------------------------ */

static void on_child_exit(struct orc_proc *proc, const struct orc_proc_result *res, void *arg);

static int start(struct child *c, struct orc_err *err)
{
    const char *argv[40] = {0};
    struct orc_proc_opts opts = {.argv = argv,
                                 .inherit_output = true,
                                 .die_with_parent = SIGTERM,
                                 .own_group = true,
                                 .on_exit = on_child_exit,
                                 .arg = c};

    for (size_t i = 0; i < c->argv.n && i < ORC_ARRAY_SIZE(argv) - 1; i++)
        argv[i] = c->argv.at[i];
    return orc_proc_spawn(c->dev->loop, &opts, &c->proc, err);
}

static void on_again(uv_timer_t *t)
{
    struct child *c = t->data;
    struct orc_err err = ORC_ERR_INIT;

    if (!c->dev->stopping && start(c, &err) < 0) {
        fprintf(stderr, "orc dev: %s\n", err.msg);
        uv_timer_start(&c->timer, on_again, AGAIN_MS, 0);
    }
}

static void end_next(struct dev *d);

static void on_child_exit(struct orc_proc *proc, const struct orc_proc_result *res, void *arg)
{
    struct child *c = arg;

    c->proc = NULL;
    uv_timer_stop(&c->timer);
    if (c->dev->stopping) {
        end_next(c->dev);
        return;
    }
    if (res->term_signal)
        fprintf(stderr, "orc dev: %s was ended by signal %d; starting it again\n", names[c->which],
                res->term_signal);
    else
        fprintf(stderr, "orc dev: %s ended with code %d; starting it again\n", names[c->which],
                res->exit_status);
    uv_timer_start(&c->timer, on_again, AGAIN_MS, 0);
}

static void words(struct child *c, const char *const *list)
{
    orc_strv_add(&c->argv, c->path);
    for (; *list; list++)
        orc_strv_add(&c->argv, *list);
}

static void fill_etcd(struct dev *d)
{
    orc_auto_free char *data = orc_printf("%s/etcd", d->opts->data);
    orc_auto_free char *peer = orc_printf("http://127.0.0.1:%d", d->opts->etcd_port + 1);
    orc_auto_free char *members = orc_printf("dev=%s", peer);

    words(&d->children[ETCD], (const char *const[]){"--name",
                                                    "dev",
                                                    "--data-dir",
                                                    data,
                                                    "--listen-client-urls",
                                                    d->url,
                                                    "--advertise-client-urls",
                                                    d->url,
                                                    "--listen-peer-urls",
                                                    peer,
                                                    "--initial-advertise-peer-urls",
                                                    peer,
                                                    "--initial-cluster",
                                                    members,
                                                    "--auto-compaction-mode",
                                                    "periodic",
                                                    "--auto-compaction-retention",
                                                    "1h",
                                                    "--quota-backend-bytes",
                                                    "2147483648",
                                                    "--log-level",
                                                    "error",
                                                    NULL});
}

static void fill_rest(struct dev *d)
{
    const char *data = d->opts->data, *cluster = d->opts->cluster;
    orc_auto_free char *socket = orc_printf("%s/netplug.sock", data);
    orc_auto_free char *netplug = orc_printf("%s/netplug", data);
    orc_auto_free char *scheduler = orc_printf("%s/scheduler", data);
    orc_auto_free char *nodelet = orc_printf("%s/nodelet", data);
    orc_auto_free char *gateway = orc_printf("%s/gateway", data);
    orc_auto_free char *nginx = orc_printf("%s/nginx", data);

    words(&d->children[NETPLUG],
          (const char *const[]){"--socket", socket, "--state-dir", netplug, "--log-level", "warn", NULL});
    words(&d->children[SCHEDULER],
          (const char *const[]){"--etcd", d->url, "--cluster", cluster, "--state-dir", scheduler,
                                "--log-level", "warn", NULL});
    words(&d->children[NODELET],
          (const char *const[]){"--etcd", d->url, "--cluster", cluster, "--name", "dev", "--docker",
                                d->opts->docker, "--state-dir", nodelet, "--netplug", socket, "--log-level",
                                "warn", NULL});
    words(&d->children[GATEWAY], (const char *const[]){"--etcd", d->url, "--cluster", cluster, "--id", "dev",
                                                       "--listen", d->opts->listen, "--nginx-dir", nginx,
                                                       "--state-dir", gateway, "--log-level", "warn", NULL});
}

struct dev *dev_new(uv_loop_t *loop, const struct dev_opts *opts)
{
    struct dev *d = orc_new(struct dev);

    d->loop = loop;
    d->opts = opts;
    d->url = orc_printf("http://127.0.0.1:%d", opts->etcd_port);
    for (int i = 0; i < PROGRAMS; i++) {
        struct child *c = &d->children[i];

        c->dev = d;
        c->which = i;
        c->path = find_program(names[i]);
        uv_timer_init(loop, &c->timer);
        c->timer.data = c;
    }
    fill_etcd(d);
    fill_rest(d);
    return d;
}

struct dev *dev_free(struct dev *d)
{
    if (!d)
        return NULL;
    for (int i = 0; i < PROGRAMS; i++) {
        uv_close((uv_handle_t *)&d->children[i].timer, NULL);
        orc_strv_release(&d->children[i].argv);
        free(d->children[i].path);
    }
    uv_run(d->loop, UV_RUN_NOWAIT);
    free(d->url);
    free(d);
    return NULL;
}

const char *dev_etcd_url(const struct dev *d)
{
    return d->url;
}

bool dev_etcd_runs(const struct dev *d)
{
    return d->children[ETCD].proc != NULL;
}

int dev_start_etcd(struct dev *d, struct orc_err *err)
{
    int r = orc_file_mkdirs(d->opts->data, err);

    return r < 0 ? r : start(&d->children[ETCD], err);
}

int dev_start_rest(struct dev *d, struct orc_err *err)
{
    int r = 0;

    for (int i = NETPLUG; r == 0 && i < PROGRAMS; i++)
        r = start(&d->children[i], err);
    return r;
}

/* ---- the end
 * ------------------------------------------------------------------------------------------------- */

static void on_kill(uv_timer_t *t)
{
    struct child *c = t->data;

    if (c->proc)
        orc_proc_kill(c->proc, SIGKILL);
}

/* NGINX outlives orc-gateway by design; here it ends with the rest, once its open requests are answered. */
static void quit_nginx(struct dev *d)
{
    orc_auto_free char *path = orc_printf("%s/nginx/nginx.pid", d->opts->data);
    orc_auto_free char *text = NULL;
    struct orc_err err = ORC_ERR_INIT;
    int64_t pid;

    if (orc_file_read(path, 32, &text, NULL, &err) < 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    if (orc_parse_int(text, 2, INT32_MAX, &pid, &err) == 0)
        kill((pid_t)pid, SIGQUIT);
}

static void on_swept(struct orc_proc *proc, const struct orc_proc_result *res, void *arg)
{
    struct dev *d = arg;

    d->sweeper = NULL;
    if (res->exit_status != 0)
        fprintf(stderr, "orc dev: not every container was stopped: %s\n", res->out);
    end_next(d);
}

/* True when a sweep is under way and end_next() will be called again. */
static bool sweep(struct dev *d)
{
    orc_auto_free char *state = orc_printf("%s/nodelet", d->opts->data);
    const char *argv[] = {d->children[NODELET].path,
                          "--stop-containers",
                          "--docker",
                          d->opts->docker,
                          "--state-dir",
                          state,
                          "--name",
                          "dev",
                          NULL};
    struct orc_err err = ORC_ERR_INIT;

    if (d->opts->keep || d->ending != NODELET)
        return false;
    fprintf(stderr, "orc dev: stopping the containers; the next `orc dev` finds them again\n");
    if (orc_proc_spawn(
            d->loop, &(struct orc_proc_opts){.argv = argv, .own_group = true, .on_exit = on_swept, .arg = d},
            &d->sweeper, &err) == 0)
        return true;
    fprintf(stderr, "orc dev: %s\n", err.msg);
    return false;
}

/* Ends the programs in the order in which they do the least harm: who decides, who acts, who routes, what
 * they stand on. */
static void end_next(struct dev *d)
{
    static const int order[] = {SCHEDULER, NODELET, GATEWAY, NETPLUG, ETCD};

    if (d->ending == NODELET && !d->sweeper && d->stopping && sweep(d)) {
        d->ending = PROGRAMS; /* swept: go on with what is left */
        return;
    }
    for (size_t i = 0; i < ORC_ARRAY_SIZE(order); i++) {
        struct child *c = &d->children[order[i]];

        if (!c->proc)
            continue;
        d->ending = order[i];
        orc_proc_kill(c->proc, SIGTERM);
        uv_timer_start(&c->timer, on_kill, END_MS, 0);
        return;
    }
    if (d->stopped) {
        void (*stopped)(void *arg) = d->stopped;

        d->stopped = NULL;
        quit_nginx(d);
        stopped(d->stopped_arg);
    }
}

void dev_stop(struct dev *d, void (*stopped)(void *arg), void *arg)
{
    d->stopping = true;
    d->ending = PROGRAMS;
    d->stopped = stopped;
    d->stopped_arg = arg;
    for (int i = 0; i < PROGRAMS; i++)
        uv_timer_stop(&d->children[i].timer);
    end_next(d);
}
