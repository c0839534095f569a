#include "cli/dev.h"

#include "lib/file.h"
#include "lib/proc.h"
#include "lib/units.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>

#define AGAIN_MS 1000 /* a child that died is started again after so long */
#define AGAIN_MOST_MS 30000
#define GOOD_RUN_MS 10000
#define USAGE_STATUS 2   /* all our programs exit so on wrong usage */
#define END_MS 20000     /* a child that does not end is killed after so long */
#define NGINX_LOOK_MS 50 /* between two looks at whether NGINX has ended */
#define NGINX_END_MS 15000
#define PORT_TRIES 50 /* every 100 ms: the etcd of an `orc dev` that was killed takes a moment to end */

#define NODE_NAME "dev"

/* The programs, in the order in which they are started; and what else is ended. */
enum { ETCD, NETPLUG, SCHEDULER, NODELET, GATEWAY, PROGRAMS, NGINX, CONTAINERS };

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
    uint64_t since, delay; /* of its start; before it is started again */
    uv_timer_t timer;      /* start again; while ending: kill */
};

struct dev {
    uv_loop_t *loop;
    const struct dev_opts *opts;
    char *url;
    struct child children[PROGRAMS];
    bool rest_started, stopping, gave_up;
    int lock;   /* fd: one `orc dev` per folder */
    int step;   /* of the end: how many have begun */
    int ending; /* the child whose end is waited for */
    uv_timer_t nginx_timer;
    uint64_t nginx_since;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

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

    c->since = uv_now(c->dev->loop);
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

/* Wrong usage will not mend itself. Anything else may: it is tried again, ever later. */
static void again(struct child *c, const struct orc_proc_result *res)
{
    char delay[ORC_UNIT_MAX];

    if (res->exit_status == USAGE_STATUS) {
        fprintf(stderr, "orc dev: %s refuses what it was given, as it says above\n", names[c->which]);
        c->dev->gave_up = true;
        uv_stop(c->dev->loop);
        return;
    }
    c->delay = uv_now(c->dev->loop) - c->since >= GOOD_RUN_MS ? AGAIN_MS : c->delay * 2;
    c->delay = c->delay < AGAIN_MS ? AGAIN_MS : c->delay > AGAIN_MOST_MS ? AGAIN_MOST_MS : c->delay;
    fprintf(stderr, "orc dev: %s ended with %s %d; starting it again in %s\n", names[c->which],
            res->term_signal ? "signal" : "code", res->term_signal ? res->term_signal : res->exit_status,
            orc_format_duration(c->delay, delay));
    uv_timer_start(&c->timer, on_again, c->delay, 0);
}

static void on_child_exit(struct orc_proc *proc, const struct orc_proc_result *res, void *arg)
{
    struct child *c = arg;

    c->proc = NULL;
    uv_timer_stop(&c->timer);
    if (!c->dev->stopping)
        again(c, res);
    else if (c->dev->ending == c->which)
        end_next(c->dev);
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
                                                    "--logger",
                                                    "zap",
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
          (const char *const[]){"--etcd", d->url, "--cluster", cluster, "--name", NODE_NAME, "--docker",
                                d->opts->docker, "--state-dir", nodelet, "--netplug", socket, "--log-level",
                                "warn", NULL});
    words(&d->children[GATEWAY],
          (const char *const[]){"--etcd", d->url, "--cluster", cluster, "--id", NODE_NAME, "--listen",
                                d->opts->listen, "--nginx-dir", nginx, "--state-dir", gateway, "--log-level",
                                "warn", NULL});
}

struct dev *dev_new(uv_loop_t *loop, const struct dev_opts *opts)
{
    struct dev *d = orc_new(struct dev);

    d->loop = loop;
    d->opts = opts;
    d->url = orc_printf("http://127.0.0.1:%d", opts->etcd_port);
    d->lock = -1;
    uv_timer_init(loop, &d->nginx_timer);
    d->nginx_timer.data = d;
    for (int i = 0; i < PROGRAMS; i++) {
        struct child *c = &d->children[i];

        c->dev = d;
        c->which = i;
        c->path = dev_find_program(names[i]);
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
    uv_close((uv_handle_t *)&d->nginx_timer, NULL);
    uv_run(d->loop, UV_RUN_NOWAIT);
    if (d->lock >= 0)
        close(d->lock);
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

static int lock(struct dev *d, struct orc_err *err)
{
    orc_auto_free char *path = orc_printf("%s/lock", d->opts->data);

    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock < 0)
        return orc_fail_errno(err, errno, "%s can't be opened", path);
    if (flock(d->lock, LOCK_EX | LOCK_NB) < 0)
        return orc_fail(err, -EBUSY,
                        "another `orc dev` runs with the folder %s: end that one, or give this "
                        "one its own --data, --etcd-port and --listen",
                        d->opts->data);
    return 0;
}

/* Nobody else may have it. */
static int need_port(int port, struct orc_err *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;

    a.sin_port = htons((uint16_t)port);
    for (int i = 0; i < PORT_TRIES; i++) {
        orc_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
            return 0;
        uv_sleep(100);
    }
    return orc_fail(err, -EADDRINUSE,
                    "the port %d of 127.0.0.1 is taken, perhaps by another etcd: end it, or "
                    "choose another with --etcd-port",
                    port);
}

static pid_t nginx_pid(const struct dev *d);

/* Nobody else may listen where NGINX shall; our own NGINX may be left from a start before. An address that is
 * none is refused by orc-gateway. */
static int need_listen(const struct dev *d, struct orc_err *err)
{
    orc_auto_free char *host = orc_strdup(d->opts->listen);
    char *colon = strrchr(host, ':');
    struct sockaddr_in a = {.sin_family = AF_INET};
    struct orc_err ignored = ORC_ERR_INIT;
    orc_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int64_t port;
    int one = 1;

    if (!colon || nginx_pid(d))
        return 0;
    *colon = '\0';
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || orc_parse_int(colon + 1, 1, 65535, &port, &ignored) < 0)
        return 0;
    a.sin_port = htons((uint16_t)port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return 0;
    return orc_fail(err, -errno,
                    "NGINX can't listen at %s (%s): end what listens there, or choose another address "
                    "with --listen",
                    d->opts->listen, strerror(errno));
}

int dev_start_etcd(struct dev *d, struct orc_err *err)
{
    int r = orc_file_mkdirs(d->opts->data, err);

    if (r == 0)
        r = lock(d, err);
    if (r == 0)
        r = need_port(d->opts->etcd_port, err);
    if (r == 0)
        r = need_port(d->opts->etcd_port + 1, err);
    if (r == 0)
        r = need_listen(d, err);
    return r < 0 ? r : start(&d->children[ETCD], err);
}

bool dev_gave_up(const struct dev *d)
{
    return d->gave_up;
}

int dev_start_rest(struct dev *d, struct orc_err *err)
{
    int r = 0;

    d->rest_started = true;
    for (int i = NETPLUG; r == 0 && i < PROGRAMS; i++)
        r = start(&d->children[i], err);
    return r;
}

/* ---- the end
 * ------------------------------------------------------------------------------------------------- */

/* NGINX outlives orc-gateway by design: a child of nobody, known by its pid file. 0: it does not run. */
static pid_t nginx_pid(const struct dev *d)
{
    orc_auto_free char *path = orc_printf("%s/nginx/nginx.pid", d->opts->data);
    orc_auto_free char *text = NULL, *comm_path = NULL, *comm = NULL;
    struct orc_err err = ORC_ERR_INIT;
    int64_t pid;

    if (orc_file_read(path, 32, &text, NULL, &err) < 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    if (orc_parse_int(text, 2, INT32_MAX, &pid, &err) < 0)
        return 0;
    comm_path = orc_printf("/proc/%lld/comm", (long long)pid);
    if (orc_file_read(comm_path, 64, &comm, NULL, &err) < 0 || strcmp(comm, "nginx\n") != 0)
        return 0;
    return (pid_t)pid;
}

static void on_nginx_timer(uv_timer_t *t)
{
    struct dev *d = t->data;
    pid_t pid = nginx_pid(d);

    if (pid && uv_now(d->loop) - d->nginx_since < NGINX_END_MS)
        return;
    if (pid)
        kill(pid, SIGTERM);
    uv_timer_stop(t);
    end_next(d);
}

/* Its open requests are answered before the containers stop. */
static bool end_nginx(struct dev *d)
{
    pid_t pid = d->opts->keep || !d->rest_started ? 0 : nginx_pid(d);

    if (!pid || kill(pid, SIGQUIT) < 0)
        return false;
    d->nginx_since = uv_now(d->loop);
    uv_timer_start(&d->nginx_timer, on_nginx_timer, NGINX_LOOK_MS, NGINX_LOOK_MS);
    return true;
}

static void on_swept(struct orc_proc *proc, const struct orc_proc_result *res, void *arg)
{
    struct dev *d = arg;

    if (res->exit_status != 0)
        fprintf(stderr, "orc dev: not every container was stopped: %s\n", res->out);
    end_next(d);
}

static bool end_containers(struct dev *d)
{
    orc_auto_free char *state = orc_printf("%s/nodelet", d->opts->data);
    const char *argv[] = {d->children[NODELET].path,
                          "--stop-containers",
                          "--docker",
                          d->opts->docker,
                          "--state-dir",
                          state,
                          "--name",
                          NODE_NAME,
                          NULL};
    struct orc_proc_opts opts = {.argv = argv, .own_group = true, .on_exit = on_swept, .arg = d};
    struct orc_err err = ORC_ERR_INIT;
    struct orc_proc *proc;

    if (d->opts->keep || !d->rest_started)
        return false;
    fprintf(stderr, "orc dev: stopping the containers; the next `orc dev` starts them again\n");
    if (orc_proc_spawn(d->loop, &opts, &proc, &err) == 0)
        return true;
    fprintf(stderr, "orc dev: %s\n", err.msg);
    return false;
}

static void on_kill(uv_timer_t *t)
{
    struct child *c = t->data;

    if (c->proc)
        orc_proc_kill(c->proc, SIGKILL);
}

static bool end_child(struct dev *d, int which)
{
    struct child *c = &d->children[which];

    if (!c->proc)
        return false;
    d->ending = which;
    orc_proc_kill(c->proc, SIGTERM);
    uv_timer_start(&c->timer, on_kill, END_MS, 0);
    return true;
}

/* True: it has begun, and end_next() is called when it is done. */
static bool begin_step(struct dev *d, int step)
{
    switch (step) {
    case NGINX:
        return end_nginx(d);
    case CONTAINERS:
        return end_containers(d);
    default:
        return end_child(d, step);
    }
}

/* The order that does the least harm: who decides, who routes, what is routed to, what all stand on. */
static void end_next(struct dev *d)
{
    static const int steps[] = {SCHEDULER, GATEWAY, NGINX, NODELET, CONTAINERS, NETPLUG, ETCD};

    while (d->step < (int)ORC_ARRAY_SIZE(steps))
        if (begin_step(d, steps[d->step++]))
            return;
    if (d->stopped) {
        void (*stopped)(void *arg) = orc_take(d->stopped);

        stopped(d->stopped_arg);
    }
}

void dev_stop(struct dev *d, void (*stopped)(void *arg), void *arg)
{
    d->stopping = true;
    d->stopped = stopped;
    d->stopped_arg = arg;
    for (int i = 0; i < PROGRAMS; i++)
        uv_timer_stop(&d->children[i].timer);
    end_next(d);
}
