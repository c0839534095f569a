/* nsrun.c - makes the lab's hosts and starts programs on them.
 *
 * A host is a set of namespaces (network, processes, mounts, names, IPC) held by one small process, its
 * process 1, which does nothing but reap. Killing that process is pulling the plug: the kernel ends
 * everything on the host, and network, mounts and namespaces go with it. Hosts nest: all hosts of a lab are
 * made below one outer host (the provider), so that ending this single process ends a lab, whatever state it
 * was in.
 *
 * Knows nothing of orc, of Docker or of addresses: the script `lab` decides what is started where.
 *
 *   nsrun host  [-t PID] [-l ADDR:PORT] PIDFILE LOG NAME SETUP...   a new host, below that of PID
 *   nsrun start [-t PID] [-s] PIDFILE LOG COMMAND...                a daemon on the host of PID
 *   nsrun exec  [-t PID] COMMAND...                                 in the foreground, with its exit code
 *
 * -l opens a TCP listener on the network it is *called* from and keeps it in the host's process 1 as
 * descriptor 3; `start -s` hands that listener to the daemon the way systemd does (LISTEN_FDS,
 * sd_listen_fds(3)).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTENER_FD 3 /* SD_LISTEN_FDS_START */
#define HOST_NAMESPACES (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)

struct request {
    pid_t target;       /* process 1 of the host to go to; 0: stay here */
    const char *listen; /* "127.0.0.1:0" or NULL */
    bool pass_listener;
    const char *pidfile, *log;
    char **command; /* NULL-terminated */
};

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
    int error = errno;
    va_list args;

    fputs("nsrun: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, error != 0 ? ": %s\n" : "\n", strerror(error));
    exit(125);
}

/* Enters every namespace of the host. The process namespace only takes effect for children, so callers fork
 * next. */
static void enter_host(pid_t target)
{
    char cwd[4096];

    if (target == 0)
        return;
    if (getcwd(cwd, sizeof cwd) == NULL)
        strcpy(cwd, "/");
    int fd = (int)syscall(SYS_pidfd_open, target, 0);
    if (fd < 0)
        die("host process %d", (int)target);
    if (setns(fd, HOST_NAMESPACES) < 0)
        die("enter the namespaces of process %d", (int)target);
    close(fd);
    if (chdir(cwd) < 0 && chdir("/") < 0)
        die("chdir");
}

/* Opens the listener and leaves it as descriptor 3 (inherited by the host's process 1). */
static void open_listener(const char *spec)
{
    char host[64];
    unsigned port = 0;
    int on = 1;

    if (sscanf(spec, "%63[0-9.]:%u", host, &port) != 2 || port > 65535)
        die("-l takes ADDRESS:PORT, not \"%s\"", spec);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &addr.sin_addr) != 1)
        die("\"%s\" is not an IPv4 address", host);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 511) < 0)
        die("listen on %s", spec);
    if (fd != LISTENER_FD) {
        if (dup2(fd, LISTENER_FD) < 0)
            die("dup2");
        close(fd);
    }
}

/* Takes the listener that the host's process 1 holds; it becomes our descriptor 3. */
static void fetch_listener(pid_t target)
{
    int pidfd = (int)syscall(SYS_pidfd_open, target, 0);
    int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, LISTENER_FD, 0);

    if (fd < 0)
        die("take the listener of process %d", (int)target);
    if (fd != LISTENER_FD && dup3(fd, LISTENER_FD, 0) < 0)
        die("dup3");
    if (fd != LISTENER_FD)
        close(fd);
    if (pidfd != LISTENER_FD)
        close(pidfd);
}

/* Detaches: own session, input from /dev/null, output to the log; every descriptor from `first` on is closed
 * except `keep`. */
static void detach(const char *log, int first, int keep)
{
    setsid();
    int in = open("/dev/null", O_RDONLY);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

    if (in < 0 || out < 0)
        die("open %s", log);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    if (keep > first)
        close_range((unsigned)first, (unsigned)keep - 1, 0);
    close_range((unsigned)(keep >= first ? keep + 1 : first), ~0U, 0);
}

/* One byte with our credentials: the kernel translates the pid into the receiver's process namespace. */
static void report(int sock, char what)
{
    if (send(sock, &what, 1, MSG_NOSIGNAL) != 1)
        _exit(125);
}

/* Waits for a report; returns the reporter's pid as seen here, 0 when the other side is gone. */
static pid_t await_report(int sock, char *ret_what)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec iov = {.iov_base = ret_what, .iov_len = 1};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;

    do
        n = recvmsg(sock, &msg, 0);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *cmsg = n == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
    if (cmsg == NULL || cmsg->cmsg_type != SCM_CREDENTIALS)
        return 0;
    struct ucred cred;
    memcpy(&cred, CMSG_DATA(cmsg), sizeof cred);
    return cred.pid;
}

static void write_pidfile(const char *path, pid_t pid)
{
    char temporary[4096];

    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *f = fopen(temporary, "we");
    if (f == NULL || fprintf(f, "%d\n", (int)pid) < 0 || fclose(f) != 0 || rename(temporary, path) < 0)
        die("write %s", path);
}

/* Runs the setup command on the new host and waits for it. */
static bool run_setup(char **command)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        close_range(3, ~0U, 0);
        execvp(command[0], command);
        die("run %s", command[0]);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The life of a host's process 1. */
__attribute__((noreturn)) static void be_host(const struct request *r, int sock)
{
    sigset_t set;
    char name[65];
    const char *slash = strrchr(r->command[0], '/');

    detach(r->log, r->listen != NULL ? LISTENER_FD + 1 : LISTENER_FD, sock);
    snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : r->command[0]);
    if (sethostname(name, strlen(name)) < 0)
        die("set host name %s", name);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        die("mount /proc");
    sigemptyset(&set);
    if (!run_setup(r->command + 1)) {
        errno = 0;
        die("the setup of host %s failed", name);
    }
    report(sock, 'r');
    close(sock);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
        sigwaitinfo(&set, NULL);
    }
}

__attribute__((noreturn)) static void be_daemon(const struct request *r, int sock)
{
    char pid[16];

    detach(r->log, r->pass_listener ? LISTENER_FD + 1 : LISTENER_FD, sock);
    if (r->pass_listener) {
        snprintf(pid, sizeof pid, "%d", (int)getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "1", 1);
    }
    report(sock, 'r');
    fcntl(sock, F_SETFD, FD_CLOEXEC);
    execvp(r->command[0], r->command);
    fprintf(stderr, "nsrun: run %s: %s\n", r->command[0], strerror(errno));
    report(sock, 'x');
    _exit(127);
}

/* Forks twice, so that process 1 of the host entered (and not of the machine) becomes the parent, learns the
 * pid of the grandchild as seen from here, and waits until it is up. */
static int launch(const struct request *r, bool host)
{
    int pair[2], on = 1, status = 0;
    char what = 0, ignored = 0;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 ||
        setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        die("socketpair");
    pid_t middle = fork();
    if (middle < 0)
        die("fork");
    if (middle == 0) {
        close(pair[0]);
        if (host && unshare(HOST_NAMESPACES) < 0)
            die("make namespaces");
        pid_t child = fork();
        if (child < 0)
            die("fork");
        if (child > 0)
            _exit(0);
        host ? be_host(r, pair[1]) : be_daemon(r, pair[1]);
    }
    close(pair[1]);
    waitpid(middle, &status, 0);
    pid_t pid = await_report(pair[0], &what);
    if (pid == 0 || await_report(pair[0], &ignored) != 0) {
        errno = 0;
        die("%s did not start; see %s", r->command[0], r->log);
    }
    write_pidfile(r->pidfile, pid);
    return 0;
}

static pid_t foreground;

static void pass_signal(int signum)
{
    if (foreground > 0)
        kill(foreground, signum);
}

static int run_foreground(char **command)
{
    static const int passed[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    int status = 0;

    foreground = fork();
    if (foreground < 0)
        die("fork");
    if (foreground == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(command[0], command);
        fprintf(stderr, "nsrun: run %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
        signal(passed[i], pass_signal);
    signal(SIGINT, SIG_IGN); /* the terminal sends it to the child as well */
    while (waitpid(foreground, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    struct request r = {0};
    const char *verb = argc > 1 ? argv[1] : "";
    bool host = strcmp(verb, "host") == 0, start = strcmp(verb, "start") == 0,
         exec = strcmp(verb, "exec") == 0;
    int option;

    optind = 2;
    while ((option = getopt(argc, argv, "+t:l:s")) != -1) {
        if (option == 't')
            r.target = (pid_t)atoi(optarg);
        else if (option == 'l' && host)
            r.listen = optarg;
        else if (option == 's' && start)
            r.pass_listener = true;
        else
            return 2;
    }
    if (!exec && argc - optind >= 2) {
        r.pidfile = argv[optind++];
        r.log = argv[optind++];
    }
    r.command = argv + optind;
    errno = 0;
    if (!(host || start || exec) || argc - optind < (host ? 2 : 1))
        die("usage: nsrun host|start|exec [-t PID] ..., see the head of nsrun.c");
    if (r.listen != NULL)
        open_listener(r.listen);
    if (r.pass_listener)
        fetch_listener(r.target);
    enter_host(r.target);
    return exec ? run_foreground(r.command) : launch(&r, host);
}
