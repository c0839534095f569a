#include "lib/proc.h"

#include "lib/buf.h"
#include "lib/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define OUTPUT_KEPT (64 * 1024)

/* A child is forked here and not by uv_spawn(), which has no place for prctl(2) between fork and exec. Its
 * end is seen through a pidfd (pidfd_open(2)), so no SIGCHLD is shared with anybody. */
struct orc_proc {
    uv_poll_t end;    /* the pidfd is readable once the child has ended */
    uv_poll_t output; /* the reading side of its output */
    int pidfd, outfd; /* -1: none */
    unsigned handles; /* open ones; the memory goes with the last */
    pid_t pid;
    bool ended;
    struct orc_buf out;
    void (*on_exit)(struct orc_proc *proc, const struct orc_proc_result *res, void *arg);
    void *arg;
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct orc_proc *proc = handle->data;

    if (--proc->handles)
        return;
    if (proc->pidfd >= 0)
        close(proc->pidfd);
    if (proc->outfd >= 0)
        close(proc->outfd);
    orc_buf_release(&proc->out);
    free(proc);
}

static void close_handles(struct orc_proc *proc)
{
    uv_close((uv_handle_t *)&proc->end, on_handle_closed);
    if (proc->outfd >= 0)
        uv_close((uv_handle_t *)&proc->output, on_handle_closed);
}

/* Reads what is there, without waiting; keeps the last OUTPUT_KEPT bytes. False at the end of the output. */
static bool read_output(struct orc_proc *proc)
{
    char data[8192];

    for (;;) {
        ssize_t n = read(proc->outfd, data, sizeof data);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
        if (proc->out.len + (size_t)n > OUTPUT_KEPT)
            orc_buf_shift(&proc->out, proc->out.len + (size_t)n - OUTPUT_KEPT);
        orc_buf_add(&proc->out, data, (size_t)n);
    }
}

static void on_output(uv_poll_t *poll, int status, int events)
{
    struct orc_proc *proc = poll->data;

    if (status < 0 || !read_output(proc))
        uv_poll_stop(poll);
}

static void on_end(uv_poll_t *poll, int status, int events)
{
    struct orc_proc *proc = poll->data;
    struct orc_proc_result res = {.exit_status = -1};
    int wstatus;
    pid_t got = waitpid(proc->pid, &wstatus, WNOHANG);

    if (got == 0) /* not yet */
        return;
    /* ECHILD: the process ignores SIGCHLD, and the kernel forgot the status */
    if (got == proc->pid && WIFEXITED(wstatus))
        res.exit_status = WEXITSTATUS(wstatus);
    else if (got == proc->pid)
        res.term_signal = WTERMSIG(wstatus);
    proc->ended = true;
    if (proc->outfd >= 0)
        read_output(proc); /* a grandchild may hold the pipe open: what is there now is all */
    res.out = orc_buf_str(&proc->out);
    uv_poll_stop(poll);
    proc->on_exit(proc, &res, proc->arg);
    close_handles(proc);
}

/* In the child, from here on only what signal-safety(7) allows. Tells the parent the errno. */
static void child_fail(int errfd)
{
    int errnum = errno;
    ssize_t n = write(errfd, &errnum, sizeof errnum);

    _exit(n == sizeof errnum ? 127 : 126);
}

static void child_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            sigaction(sig, &dfl, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_files(int outfd, int errfd)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        child_fail(errfd);
    if (outfd >= 0 && (dup2(outfd, STDOUT_FILENO) < 0 || dup2(outfd, STDERR_FILENO) < 0))
        child_fail(errfd);
    if (null > STDERR_FILENO)
        close(null);
}

static void child_main(const struct orc_proc_opts *opts, pid_t parent, int outfd, int errfd)
{
    if (opts->die_with_parent && prctl(PR_SET_PDEATHSIG, opts->die_with_parent) < 0)
        child_fail(errfd);
    /* the parent may have died before the prctl() */
    if (opts->die_with_parent && getppid() != parent)
        _exit(127);
    if (opts->own_group && setpgid(0, 0) < 0)
        child_fail(errfd);
    child_signals();
    child_files(outfd, errfd);
    if (opts->cwd && chdir(opts->cwd) < 0)
        child_fail(errfd);
    execvpe(opts->argv[0], (char *const *)opts->argv, opts->env ? (char *const *)opts->env : environ);
    child_fail(errfd);
}

/* Descriptors 0 to 2 may be closed in us: nothing that the child overwrites may sit there. */
static int make_pipe(int fds[2])
{
    for (int i = 0; i < 2; i++)
        fds[i] = -1;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        int high = fds[i] > STDERR_FILENO ? fds[i] : fcntl(fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

        if (high < 0)
            return -errno;
        if (high != fds[i])
            close(fds[i]);
        fds[i] = high;
    }
    return 0;
}

/* Forks and waits until the child runs the program; 0, or the negative errno with which it failed. */
static int start_child(const struct orc_proc_opts *opts, int outfd, pid_t *ret_pid)
{
    orc_auto_close int err_read = -1;
    int fds[2], errnum = 0, r = make_pipe(fds);
    sigset_t all, old;
    pid_t parent = getpid(), pid;
    ssize_t n;

    err_read = fds[0];
    if (r < 0) {
        orc_close_p(&fds[1]);
        return r;
    }
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old); /* no handler of ours runs in the child */
    pid = fork();
    if (pid == 0)
        child_main(opts, parent, outfd, fds[1]);
    r = pid < 0 ? -errno : 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(fds[1]);
    if (r < 0)
        return r;
    do
        n = read(err_read, &errnum, sizeof errnum);
    while (n < 0 && errno == EINTR);
    if (n == sizeof errnum) {
        waitpid(pid, NULL, 0);
        return -errnum;
    }
    *ret_pid = pid;
    return 0;
}

static int watch(uv_loop_t *loop, struct orc_proc *proc, uv_poll_t *poll, int fd, uv_poll_cb cb)
{
    int r = uv_poll_init(loop, poll, fd);

    if (r < 0)
        return r;
    proc->handles++;
    poll->data = proc;
    return uv_poll_start(poll, UV_READABLE, cb);
}

/* The child runs. Takes outfd over. */
static int follow(uv_loop_t *loop, const struct orc_proc_opts *opts, pid_t pid, int outfd,
                  struct orc_proc **ret)
{
    orc_auto_close int out = outfd, pidfd = pidfd_open(pid, 0);
    struct orc_proc *proc;
    int r;

    if (pidfd < 0)
        return -errno;
    proc = orc_new(struct orc_proc);
    proc->pid = pid;
    proc->on_exit = opts->on_exit;
    proc->arg = opts->arg;
    proc->pidfd = orc_take_fd(pidfd);
    proc->outfd = orc_take_fd(out);
    orc_buf_init(&proc->out, OUTPUT_KEPT);
    r = watch(loop, proc, &proc->end, proc->pidfd, on_end);
    if (r == 0 && proc->outfd >= 0)
        r = watch(loop, proc, &proc->output, proc->outfd, on_output);
    if (r < 0) { /* a fresh descriptor that the kernel polls: only out of memory is left */
        fprintf(stderr, "orc: process %d can't be watched: %s\n", (int)pid, uv_strerror(r));
        abort();
    }
    *ret = proc;
    return 0;
}

int orc_proc_spawn(uv_loop_t *loop, const struct orc_proc_opts *opts, struct orc_proc **ret,
                   struct orc_err *err)
{
    orc_auto_close int out_read = -1, out_write = -1;
    int fds[2] = {-1, -1}, r = opts->inherit_output ? 0 : make_pipe(fds);
    pid_t pid = -1;

    out_read = fds[0];
    out_write = fds[1];
    if (r < 0)
        return orc_fail_errno(err, -r, "%s: no pipe for its output can be made", opts->argv[0]);
    if (out_read >= 0)
        fcntl(out_read, F_SETFL, O_NONBLOCK);
    r = start_child(opts, out_write, &pid);
    if (r < 0)
        return orc_fail_errno(err, -r, "%s: can't be started%s%s", opts->argv[0], opts->cwd ? " in " : "",
                              opts->cwd ? opts->cwd : "");
    r = follow(loop, opts, pid, orc_take_fd(out_read), ret);
    if (r < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return orc_fail_errno(err, -r, "%s: was started but can't be watched", opts->argv[0]);
    }
    return 0;
}

void orc_proc_kill(struct orc_proc *proc, int signum)
{
    if (!proc->ended) /* not reaped: the pid is still the child's */
        kill(proc->pid, signum);
}

/* ------------------------------------------------------------------------------------------------------------
 */

/* Signals are the process's own: one loop has them. */
struct stop_signals {
    uv_signal_t term, interrupt;
    unsigned handles;
    bool stopping;
    void (*on_stop)(int signum, void *arg);
    void *arg;
};
static struct stop_signals *signals;

static void on_signal(uv_signal_t *handle, int signum)
{
    struct stop_signals *s = handle->data;

    if (!s->stopping) {
        s->stopping = true;
        s->on_stop(signum, s->arg);
        return;
    }
    signal(signum, SIG_DFL);
    raise(signum);
}

void orc_signals_init(uv_loop_t *loop, void (*on_stop)(int signum, void *arg), void *arg)
{
    signal(SIGPIPE, SIG_IGN);
    orc_signals_close();
    signals = orc_new(struct stop_signals);
    signals->on_stop = on_stop;
    signals->arg = arg;
    signals->handles = 2;
    signals->term.data = signals->interrupt.data = signals;
    uv_signal_init(loop, &signals->term);
    uv_signal_init(loop, &signals->interrupt);
    uv_signal_start(&signals->term, on_signal, SIGTERM);
    uv_signal_start(&signals->interrupt, on_signal, SIGINT);
}

static void on_signal_closed(uv_handle_t *handle)
{
    struct stop_signals *s = handle->data;

    if (--s->handles == 0)
        free(s);
}

void orc_signals_close(void)
{
    struct stop_signals *s = orc_take(signals);

    if (!s)
        return;
    uv_close((uv_handle_t *)&s->term, on_signal_closed);
    uv_close((uv_handle_t *)&s->interrupt, on_signal_closed);
}
