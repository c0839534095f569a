/* orc-gateway: keeps the NGINX beside it in step with the cluster. */
#include "gateway/files.h"
#include "gateway/gateway.h"
#include "gateway/helper.h"

#include "lib/daemon.h"
#include "lib/file.h"
#include "lib/metrics.h"
#include "lib/proc.h"
#include "lib/sandbox.h"
#include "lib/units.h"
#include "state/key.h"
#include "state/store_args.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LISTENERS_MAX 16
#define LOCK_TRIES                                                                                           \
    100 /* every 20 ms: the helper of an orc-gateway that was killed takes an instant to end                 \
         */

struct settings {
    struct store_args store;
    struct orc_daemon_args args;
    struct orc_strv listen;
    char *id, *nginx, *nginx_dir, *state_dir;
    int64_t workers;
    bool retire;
    int listeners[LISTENERS_MAX]; /* inherited sockets */
    size_t n_listeners;
};

static struct orc_option *option_table(struct settings *s)
{
    static struct orc_option table[20];
    const struct orc_option rows[] = {
        STORE_ARGS_ROWS(&s->store),
        {.name = "id",
         .kind = ORC_OPT_STR,
         .value = &s->id,
         .meta = "NAME",
         .help = "this gateway's name in the cluster (the host's name)"},
        {.name = "listen",
         .kind = ORC_OPT_STRV,
         .value = &s->listen,
         .meta = "ADDR:PORT",
         .help = "where NGINX serves (0.0.0.0:80, or the sockets of LISTEN_FDS)"},
        {.name = "nginx", .kind = ORC_OPT_STR, .value = &s->nginx, .meta = "FILE", .help = "the program"},
        {.name = "nginx-dir",
         .kind = ORC_OPT_STR,
         .value = &s->nginx_dir,
         .meta = "DIR",
         .help = "NGINX's own folder (nginx/ in the state folder)"},
        {.name = "state-dir",
         .kind = ORC_OPT_STR,
         .value = &s->state_dir,
         .meta = "DIR",
         .help = "what is kept over restarts"},
        {.name = "workers",
         .kind = ORC_OPT_INT,
         .value = &s->workers,
         .meta = "N",
         .max = 256,
         .help = "NGINX worker processes, 0 for one per processor"},
        {.name = "retire",
         .kind = ORC_OPT_BOOL,
         .value = &s->retire,
         .help = "when stopped, end NGINX too and leave the cluster"},
        ORC_DAEMON_METRICS_ROW(&s->args),
        ORC_DAEMON_ROWS(&s->args),
    };

    memcpy(table, rows, sizeof rows);
    return table;
}

static void settings_release(struct settings *s)
{
    store_args_release(&s->store);
    orc_daemon_args_release(&s->args);
    free(s->id);
    free(s->nginx);
    free(s->nginx_dir);
    free(s->state_dir);
    orc_strv_release(&s->listen);
}

static void set_default(char **p, const char *value)
{
    if (!*p)
        *p = orc_strdup(value);
}

/* ---- sockets that somebody opened for us (sd_listen_fds(3)) */

static int describe_socket(int fd, struct orc_strv *listen, struct orc_err *err)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        char room[sizeof(struct sockaddr_un) + 1];
    } addr = {0};
    socklen_t n = sizeof addr.un;
    char text[INET6_ADDRSTRLEN] = "";
    orc_auto_free char *line = NULL;

    if (getsockname(fd, &addr.any, &n) < 0)
        return orc_fail_errno(err, errno, "the inherited descriptor %d is not a socket", fd);
    if (addr.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &addr.in.sin_addr, text, sizeof text);
        line = orc_printf("%s:%u", text, ntohs(addr.in.sin_port));
    } else if (addr.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &addr.in6.sin6_addr, text, sizeof text);
        line = orc_printf("[%s]:%u", text, ntohs(addr.in6.sin6_port));
    } else if (addr.any.sa_family == AF_UNIX && addr.un.sun_path[0] == '/') {
        line = orc_printf("unix:%s", addr.un.sun_path);
    } else {
        return orc_fail(err, -EINVAL, "the inherited socket %d is neither TCP nor a unix socket with a path",
                        fd);
    }
    orc_strv_add(listen, line);
    return 0;
}

static int take_listeners(struct settings *s, struct orc_err *err)
{
    const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    int64_t n = 0, for_pid = 0;

    if (!fds || (pid && (orc_parse_int(pid, 1, INT32_MAX, &for_pid, NULL) < 0 || for_pid != getpid())))
        return 0;
    if (orc_parse_int(fds, 0, LISTENERS_MAX, &n, err) < 0) {
        orc_wrap(err, "LISTEN_FDS");
        return -EINVAL;
    }
    for (int i = 0; i < (int)n; i++) {
        int fd = 3 + i, r = describe_socket(fd, &s->listen, err);

        if (r < 0)
            return r;
        fcntl(fd, F_SETFD, 0); /* NGINX inherits it */
        /* ... and takes it for non-blocking: of two workers that one connection wakes, the slower one would
         * wait in accept(2) for the next connection, and all its clients with it */
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
            return orc_fail_errno(err, errno, "making the inherited socket %d non-blocking", fd);
        s->listeners[s->n_listeners++] = fd;
    }
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    return 0;
}

/* ---- settings */

static void fill_defaults(struct settings *s)
{
    set_default(&s->nginx, "/usr/sbin/nginx");
    set_default(&s->state_dir, "/var/lib/orc-gateway");
}

/* Those that depend on what was given. */
static void fill_rest(struct settings *s)
{
    char host[KEY_NAME_MAX + 1] = "";
    orc_auto_free char *dir = NULL;

    gethostname(host, sizeof host - 1);
    host[strcspn(host, ".")] = '\0';
    set_default(&s->id, host);
    dir = orc_printf("%s/nginx", s->state_dir);
    set_default(&s->nginx_dir, dir);
    if (s->listen.n == 0)
        orc_strv_add(&s->listen, "0.0.0.0:80");
}

static int check(const struct settings *s, struct orc_err *err)
{
    int r;

    if ((r = key_check_node_name(s->id, err)) < 0) {
        orc_wrap(err, "--id");
        return r;
    }
    if ((r = gw_conf_check_dir(s->nginx_dir, err)) < 0)
        return r;
    for (size_t i = 0; i < s->listen.n; i++)
        if ((r = gw_conf_check_listen(s->listen.at[i], err)) < 0)
            return r;
    if (access(s->nginx, X_OK) < 0)
        return orc_fail_errno(
            err, errno,
            "NGINX is not there: %s; install the packages nginx and libnginx-mod-http-lua, or "
            "give --nginx FILE",
            s->nginx);
    return 0;
}

/* ---- starting */

/* One orc-gateway per folder. The descriptor stays open, and with it the lock, for the process's life. */
static int lock_dir(const char *dir, struct orc_err *err)
{
    orc_auto_free char *path = orc_printf("%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return orc_fail_errno(err, errno, "opening %s", path);
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        if (errno != EWOULDBLOCK || i >= LOCK_TRIES) {
            int e = errno;
            close(fd);
            return orc_fail_errno(
                err, e, "another orc-gateway runs on %s; give this one another --state-dir and --id", dir);
        }
        usleep(20000);
    }
    return 0;
}

static const char *worker_user(void)
{
    static const char *const names[] = {"www-data", "nginx", "nobody"};

    for (size_t i = 0; geteuid() == 0 && i < ORC_ARRAY_SIZE(names); i++)
        if (getpwnam(names[i]))
            return names[i];
    return NULL;
}

static int64_t max_files(void)
{
    struct rlimit limit = {0};

    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max > 65536 ? 65536 : (int64_t)limit.rlim_max;
}

struct run {
    struct gateway *gateway;
    struct orc_metrics *metrics;
    int status;
};

static void on_end(int status, void *arg)
{
    struct run *run = arg;

    run->status = status;
    orc_signals_close();
    run->metrics = orc_metrics_free(run->metrics);
    run->gateway = gateway_free(run->gateway);
}

static void on_stop(int signum, void *arg)
{
    struct run *run = arg;

    gateway_stop(run->gateway);
}

static void collect(struct orc_metrics_text *t, void *arg)
{
    gateway_metrics(((struct run *)arg)->gateway, t);
}

/* From here on the process starts no program. */
static int run_gateway(const struct settings *s, const struct gateway_opts *opts, struct orc_err *err)
{
    struct run run = {0};
    uv_loop_t loop;
    int r;

    if ((r = uv_loop_init(&loop)) < 0)
        return orc_fail(err, r, "starting the event loop: %s", uv_strerror(r));
    if (s->args.metrics &&
        (r = orc_metrics_serve(&loop, s->args.metrics, collect, &run, &run.metrics, err)) < 0)
        return r;
    if ((r = orc_sandbox_enter(
             ORC_SANDBOX_NET | ORC_SANDBOX_WRITE_FILES | (run.metrics ? ORC_SANDBOX_LISTEN : 0), err)) < 0)
        return r;
    run.gateway = gateway_new(&loop, opts, on_end, &run, err);
    if (!run.gateway) {
        uv_run(&loop, UV_RUN_DEFAULT);
        return -EINVAL;
    }
    orc_signals_init(&loop, on_stop, &run);
    orc_info("gateway %s of cluster %s starts", s->id, s->store.cluster);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return run.status;
}

static int prepare(struct settings *s, struct gateway_opts *opts, struct orc_err *err)
{
    struct gw_helper_opts helper = {
        .nginx = s->nginx, .dir = s->nginx_dir, .listeners = s->listeners, .n_listeners = s->n_listeners};
    int r;

    if ((r = gw_files_install(s->nginx_dir, err)) < 0)
        return r;
    if ((r = orc_file_mkdirs(s->state_dir, err)) < 0)
        return r;
    if ((r = gw_helper_fork(&helper, &opts->helper_fd, err)) < 0)
        return r;
    return lock_dir(s->nginx_dir, err);
}

static int start(struct settings *s, enum orc_log_level level, struct orc_err *err)
{
    char digest[ORC_SHA256_HEX];
    struct gateway_opts opts = {
        .etcd = &s->store.etcd,
        .tls = store_args_tls(&s->store),
        .cluster = s->store.cluster,
        .id = s->id,
        .state_dir = s->state_dir,
        .retire = s->retire,
        .helper_fd = -1,
        .conf = {.dir = s->nginx_dir,
                 .listen = &s->listen,
                 .user = worker_user(),
                 .workers = (int)s->workers,
                 .max_files = max_files(),
                 .verbose = level == ORC_LOG_DEBUG,
                 .lua_digest = digest},
    };
    int r;

    gw_files_digest(digest);
    if ((r = prepare(s, &opts, err)) < 0)
        return r;
    return run_gateway(s, &opts, err);
}

int main(int argc, char **argv)
{
    struct settings s = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option *table = option_table(&s);
    enum orc_log_level level;
    int r, status = 2;

    fill_defaults(&s);
    r = orc_daemon_options(table, argc, argv, "orc-gateway --etcd URL [--listen ADDR:PORT ...]",
                           "Keeps the NGINX beside it in step with the cluster's routes and endpoints.",
                           &err);
    if (r > 0) {
        status = 0;
    } else if (r == 0 && (r = store_args_settle(&s.store, &err)) == 0 &&
               (r = orc_daemon_start_log(&s.args, "orc-gateway", &level, &err)) == 0 &&
               (r = take_listeners(&s, &err)) == 0) {
        fill_rest(&s);
        if ((r = check(&s, &err)) == 0) {
            r = start(&s, level, &err);
            status = r == 0 ? 0 : 1;
        }
    }
    if (r < 0)
        fprintf(stderr, "orc-gateway: %s\n", err.msg);
    settings_release(&s);
    return status;
}
