#include "gateway/helper.h"

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/mem.h"
#include "lib/units.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define START_MS 15000 /* reading the configuration and opening sockets; bind alone is tried for 2.5 s */
#define ORPHANS_MS 1000

struct helper {
    const struct gw_helper_opts *opts;
    int fd;
    pid_t master; /* 0: none is watched */
    int master_fd;
    bool asked_to_quit;
};

/* ---- the child */

static void redirect(int from, int to)
{
    if (from >= 0 && dup2(from, to) < 0)
        _exit(126);
}

/* NGINX takes over sockets named in this variable (as in its own binary upgrade). */
static void name_listeners(const struct helper *h)
{
    char value[512] = "";
    size_t n = 0;

    for (size_t i = 0; i < h->opts->n_listeners && n + 12 < sizeof value; i++)
        n += (size_t)snprintf(value + n, sizeof value - n, "%d;", h->opts->listeners[i]);
    if (n > 0)
        setenv("NGINX", value, 1);
}

static void exec_nginx(const struct helper *h, const char *conf, bool test, int output)
{
    const char *const test_argv[] = {h->opts->nginx, "-t", "-q", "-p",     h->opts->dir,
                                     "-c",           conf, "-e", "stderr", NULL};
    const char *const argv[] = {h->opts->nginx, "-p", h->opts->dir, "-c", conf, "-e", "stderr", NULL};
    sigset_t none;

    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    unsetenv("NGINX");
    if (!test)
        name_listeners(h);
    redirect(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    redirect(open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
    redirect(output, 2);
    execv(h->opts->nginx, (char *const *)(test ? test_argv : argv));
    dprintf(2, "starting %s: %s", h->opts->nginx, strerror(errno));
    _exit(127);
}

/* Reads until every holder of the pipe's other end is gone, or the time is over. Keeps the first bytes. */
static bool read_output(int fd, char *text, size_t max)
{
    uint64_t end = orc_clock_ms() + START_MS;
    size_t n = 0;
    char spill[1024];

    for (;;) {
        uint64_t now = orc_clock_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        bool full = n + 1 >= max;
        ssize_t got;

        if (now >= end || poll(&p, 1, (int)(end - now)) == 0)
            return false;
        got = read(fd, full ? spill : text + n, full ? sizeof spill : max - 1 - n);
        if (got <= 0)
            break;
        if (!full)
            n += (size_t)got;
        text[n] = '\0';
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        text[--n] = '\0';
    return true;
}

static pid_t spawn(const struct helper *h, const char *conf_name, bool test, int *ret_output)
{
    orc_auto_free char *conf = orc_printf("%s/%s", h->opts->dir, conf_name);
    int pipe_fds[2];
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        exec_nginx(h, conf, test, pipe_fds[1]);
    pid = pid < 0 ? -errno : pid;
    close(pipe_fds[1]);
    if (pid < 0)
        close(pipe_fds[0]);
    else
        *ret_output = pipe_fds[0];
    return pid;
}

/* ---- the master that is watched */

static void watch(struct helper *h, pid_t pid)
{
    if (h->master_fd >= 0)
        close(h->master_fd);
    h->master = pid;
    h->master_fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (h->master_fd >= 0)
        fcntl(h->master_fd, F_SETFD, FD_CLOEXEC);
    h->asked_to_quit = false;
}

static pid_t read_pid_file(const struct helper *h)
{
    orc_auto_free char *path = orc_printf("%s/nginx.pid", h->opts->dir);
    orc_auto_free char *text = NULL;
    int64_t pid = 0;

    if (orc_file_read(path, 64, &text, NULL, NULL) < 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    return orc_parse_int(text, 2, 1 << 30, &pid, NULL) < 0 ? 0 : (pid_t)pid;
}

/* Process ids are used again: is it NGINX? */
static bool is_nginx(pid_t pid)
{
    char path[64];
    orc_auto_free char *comm = NULL;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    return orc_file_read(path, 64, &comm, NULL, NULL) == 0 && strncmp(comm, "nginx", 5) == 0;
}

/* Is anybody listening on the control socket? */
static bool answers(const struct helper *h, char path[108])
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    orc_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/control/nginx.sock", h->opts->dir);
    memcpy(path, addr.sun_path, sizeof addr.sun_path);
    return fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0;
}

/* Workers whose master was killed go on and hold the sockets. Their process group still has the master's
 * number. */
static void end_orphans(const struct helper *h)
{
    char path[108];
    pid_t old = read_pid_file(h);
    uint64_t end = orc_clock_ms() + ORPHANS_MS;

    if (answers(h, path) && old > 0 && kill(old, 0) < 0 && errno == ESRCH) {
        kill(-old, SIGQUIT);
        while (answers(h, path) && orc_clock_ms() < end)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    if (!answers(h, path))
        unlink(path); /* after a SIGKILL the file stays and bind() fails */
}

/* ---- requests */

static void do_test(struct helper *h, struct gw_helper_reply *r)
{
    int output = -1, status = 0;
    pid_t pid = spawn(h, "nginx.conf.new", true, &output);
    bool ended;

    if (pid < 0) {
        r->status = pid;
        return;
    }
    ended = read_output(output, r->text, sizeof r->text);
    close(output);
    if (!ended)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    r->status = ended && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EINVAL;
    if (!ended)
        snprintf(r->text, sizeof r->text, "nginx -t did not end within %d s", START_MS / 1000);
}

/* NGINX gives its standard error away once it has read the configuration and opened its sockets. */
static void do_start(struct helper *h, struct gw_helper_reply *r)
{
    int output = -1, status = 0;
    pid_t pid;

    end_orphans(h);
    pid = spawn(h, "nginx.conf", false, &output);
    if (pid < 0) {
        r->status = pid;
        return;
    }
    if (!read_output(output, r->text, sizeof r->text))
        snprintf(r->text, sizeof r->text, "NGINX was not up within %d s", START_MS / 1000);
    close(output);
    /* a master that failed closes its output an instant before it can be waited for */
    for (int i = 0; i < 50 && waitpid(pid, &status, WNOHANG) == 0; i++) {
        if (read_pid_file(h) == pid) {
            watch(h, pid);
            r->pid = pid;
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    r->status = -EINVAL;
}

static void do_adopt(struct helper *h, struct gw_helper_reply *r)
{
    pid_t pid = read_pid_file(h);

    if (pid == 0 || !is_nginx(pid)) {
        r->status = -ESRCH;
        return;
    }
    watch(h, pid);
    r->pid = pid;
}

static void do_signal(struct helper *h, int signum, struct gw_helper_reply *r)
{
    if (h->master == 0 || kill(h->master, signum) < 0)
        r->status = -ESRCH;
    r->pid = h->master;
}

static void answer(struct helper *h, char command)
{
    struct gw_helper_reply r = {.command = command};

    switch (command) {
    case GW_HELPER_TEST:
        do_test(h, &r);
        break;
    case GW_HELPER_START:
        do_start(h, &r);
        break;
    case GW_HELPER_ADOPT:
        do_adopt(h, &r);
        break;
    case GW_HELPER_RELOAD:
        do_signal(h, SIGHUP, &r);
        break;
    case GW_HELPER_QUIT:
        do_signal(h, h->asked_to_quit ? SIGTERM : SIGQUIT, &r);
        h->asked_to_quit = true;
        break;
    default:
        r.status = -EINVAL;
    }
    if (send(h->fd, &r, sizeof r, MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void master_ended(struct helper *h)
{
    struct gw_helper_reply r = {.command = GW_HELPER_EXITED, .pid = h->master};

    waitpid(h->master, NULL, WNOHANG);
    watch(h, 0);
    if (send(h->fd, &r, sizeof r, MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void run(struct helper *h)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    prctl(PR_SET_NAME, "orc-gw-helper");
    for (;;) {
        struct pollfd p[2] = {{.fd = h->fd, .events = POLLIN}, {.fd = h->master_fd, .events = POLLIN}};
        char command;

        if (poll(p, 2, -1) < 0)
            continue;
        if (p[1].revents)
            master_ended(h);
        if (p[0].revents) {
            if (recv(h->fd, &command, 1, 0) != 1)
                _exit(0);
            answer(h, command);
        }
    }
}

int gw_helper_fork(const struct gw_helper_opts *opts, int *ret_fd, struct orc_err *err)
{
    int fds[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return orc_fail_errno(err, errno, "making a socket pair for NGINX's helper");
    pid = fork();
    if (pid < 0) {
        int e = errno;
        close(fds[0]);
        close(fds[1]);
        return orc_fail_errno(err, e, "forking NGINX's helper");
    }
    if (pid == 0) {
        struct helper h = {.opts = opts, .fd = fds[1], .master_fd = -1};
        close(fds[0]);
        run(&h);
    }
    close(fds[1]);
    *ret_fd = fds[0];
    return 0;
}
