#include "lib/sandbox.h"

#include "lib/mem.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define SOCKET_TYPE_MASK (UINT32_MAX & ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK)) /* socket(2) */
#define NAMED_SYSCALLS 1024 /* numbers from here on are shown without a name */

static const int base_calls[] = {
    /* what is open already */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(lseek),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(sendfile),
    SCMP_SYS(fadvise64),
    /* looking at files */
    SCMP_SYS(fstat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(statfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    /* the loop, timers, threads' locks */
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    /* clocks and chance */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    /* signals to oneself, children that were there before */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    /* about oneself */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(times),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static const int net_calls[] = {
    SCMP_SYS(connect),    SCMP_SYS(sendto),      SCMP_SYS(sendmsg),     SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),   SCMP_SYS(recvmsg),     SCMP_SYS(recvmmsg),    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(shutdown),
    SCMP_SYS(socketpair),
};

static const int listen_calls[] = {
    SCMP_SYS(bind),        SCMP_SYS(listen),      SCMP_SYS(accept),     SCMP_SYS(accept4),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),    SCMP_SYS(recvfrom),    SCMP_SYS(recvmsg),    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
};

static const int write_calls[] = {
    SCMP_SYS(open),     SCMP_SYS(openat),    SCMP_SYS(mkdir),     SCMP_SYS(mkdirat),   SCMP_SYS(rename),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink),    SCMP_SYS(unlinkat),  SCMP_SYS(rmdir),
    SCMP_SYS(fsync),    SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(chmod),
    SCMP_SYS(fchmod),   SCMP_SYS(fchmodat),  SCMP_SYS(flock),     SCMP_SYS(umask),     SCMP_SYS(utimensat),
};

/* libuv and the C library set descriptors up with these and ask for the terminal's width. */
static const unsigned long ioctls[] = {FIONBIO, FIOCLEX, FIONCLEX, FIONREAD, TCGETS, TIOCGWINSZ};

/* Newer forms of what is allowed, whose arguments a filter can't see: their callers fall back. */
static const int absent_calls[] = {SCMP_SYS(clone3), SCMP_SYS(io_uring_setup), SCMP_SYS(openat2)};

#ifdef ORC_SANITIZE
/* The leak check at the end stops the process's threads through a tracer of its own. */
static const int sanitizer_calls[] = {
    SCMP_SYS(clone),       SCMP_SYS(ptrace),     SCMP_SYS(prctl),    SCMP_SYS(kill),
    SCMP_SYS(tgkill),      SCMP_SYS(mmap),       SCMP_SYS(mprotect), SCMP_SYS(prlimit64),
    SCMP_SYS(setrlimit),   SCMP_SYS(arch_prctl), SCMP_SYS(mincore),  SCMP_SYS(process_vm_readv),
    SCMP_SYS(personality), SCMP_SYS(getpgrp),    SCMP_SYS(msync),    SCMP_SYS(getdents),
};
#endif

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = seccomp_rule_add(ctx, action, calls[i], 0);
        if (r == -EEXIST) /* on two lists */
            r = 0;
    }
    return r;
}

#define add_list(ctx, action, list) add_all(ctx, action, list, ORC_ARRAY_SIZE(list))

/* The argument's bits under the mask are `value`. */
static struct scmp_arg_cmp bits(unsigned arg, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static int allow_masked(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t mask, uint64_t value)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1, bits(arg, mask, value));
}

/* For arguments that the kernel takes as int: what the upper half of the register holds is of no meaning. */
static int allow_value(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t value)
{
    return allow_masked(ctx, call, arg, UINT32_MAX, value);
}

/* Memory is writable or executable, never both. Executable at all only because getaddrinfo(3) may load
 * modules. */
static int add_memory(scmp_filter_ctx ctx)
{
    static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ORC_ARRAY_SIZE(calls); i++) {
        r = allow_masked(ctx, calls[i], 2, PROT_EXEC, 0);
        if (r == 0)
            r = allow_masked(ctx, calls[i], 2, PROT_EXEC | PROT_WRITE, PROT_EXEC);
    }
    return r;
}

/* Threads (libcurl's resolver, libuv's pool), no processes and no namespaces. */
static int add_process(scmp_filter_ctx ctx)
{
    uint64_t self = (uint64_t)getpid();
    uint64_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                      CLONE_NEWPID | CLONE_NEWNET;
    int r = allow_masked(ctx, SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM | spaces, CLONE_THREAD | CLONE_VM);

    if (r == 0)
        r = allow_value(ctx, SCMP_SYS(kill), 0, self);
    if (r == 0)
        r = allow_value(ctx, SCMP_SYS(tgkill), 0, self);
    if (r == 0)
        r = allow_value(ctx, SCMP_SYS(prctl), 0, PR_SET_NAME);
    if (r == 0) /* reading limits: of the process itself, without new ones */
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, bits(0, UINT32_MAX, 0),
                             bits(2, UINT64_MAX, 0));
    for (size_t i = 0; r == 0 && i < ORC_ARRAY_SIZE(ioctls); i++)
        r = allow_value(ctx, SCMP_SYS(ioctl), 1, ioctls[i]);
    return r;
}

/* Opening for reading: no writing, no creating. */
static int add_reading(scmp_filter_ctx ctx)
{
    uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
    int r = allow_masked(ctx, SCMP_SYS(open), 1, writing, O_RDONLY);

    return r < 0 ? r : allow_masked(ctx, SCMP_SYS(openat), 2, writing, O_RDONLY);
}

/* Streams and datagrams: neither raw packets nor netlink, by which root would rule the machine's network.
 * getaddrinfo(3) asks netlink which addresses there are, and does without where that fails. */
static int add_sockets(scmp_filter_ctx ctx)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6}, types[] = {SOCK_STREAM, SOCK_DGRAM};
    int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                             bits(0, UINT32_MAX, AF_NETLINK));

    for (size_t i = 0; i < ORC_ARRAY_SIZE(families); i++)
        for (size_t k = 0; r == 0 && k < ORC_ARRAY_SIZE(types); k++)
            r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                                 bits(0, UINT32_MAX, (uint64_t)families[i]),
                                 bits(1, SOCKET_TYPE_MASK, (uint64_t)types[k]));
    return r;
}

static int add_rules(scmp_filter_ctx ctx, unsigned flags)
{
    int r = add_list(ctx, SCMP_ACT_ALLOW, base_calls);

#ifdef ORC_SANITIZE
    if (r == 0)
        r = add_list(ctx, SCMP_ACT_ALLOW, sanitizer_calls);
#endif
    if (r == 0)
        r = add_list(ctx, SCMP_ACT_ERRNO(ENOSYS), absent_calls);
    if (r == 0)
        r = add_memory(ctx);
    if (r == 0)
        r = add_process(ctx);
    if (r == 0)
        r = add_reading(ctx);
    if (r == 0 && (flags & ORC_SANDBOX_WRITE_FILES))
        r = add_list(ctx, SCMP_ACT_ALLOW, write_calls);
    if (r == 0 && (flags & (ORC_SANDBOX_NET | ORC_SANDBOX_LISTEN)))
        r = add_sockets(ctx);
    if (r == 0 && (flags & ORC_SANDBOX_NET))
        r = add_list(ctx, SCMP_ACT_ALLOW, net_calls);
    if (r == 0 && (flags & ORC_SANDBOX_LISTEN))
        r = add_list(ctx, SCMP_ACT_ALLOW, listen_calls);
    return r;
}

/* ------------------------------------------------------------------------------------------------------------
 */

/* Filled before the filter is in force: inside a signal handler nothing may be allocated. */
static char *names[NAMED_SYSCALLS];

static void fill_names(void)
{
    for (int i = 0; i < NAMED_SYSCALLS; i++)
        if (!names[i])
            names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
}

static size_t put(char *line, size_t at, size_t size, const char *s)
{
    while (*s && at < size)
        line[at++] = *s++;
    return at;
}

/* Says which call it was and ends the process by the same signal. Only what signal-safety(7) allows. */
static void on_refused(int signum, siginfo_t *info, void *context)
{
    char line[160], digits[12] = "", *d = digits + sizeof digits - 1;
    int nr = info->si_syscall;
    size_t n = put(line, 0, sizeof line, "orc: the sandbox refused the system call ");
    ssize_t ignored ORC_UNUSED;

    if (nr >= 0 && nr < NAMED_SYSCALLS && names[nr])
        n = put(line, n, sizeof line, names[nr]);
    else
        n = put(line, n, sizeof line, "without a name");
    for (unsigned left = (unsigned)nr; d == digits + sizeof digits - 1 || left; left /= 10)
        *--d = (char)('0' + left % 10);
    n = put(line, n, sizeof line, " (number ");
    n = put(line, n, sizeof line, d);
    n = put(line, n, sizeof line, "); this is a bug, please report it\n");
    ignored = write(STDERR_FILENO, line, n);
    signal(signum, SIG_DFL);
    raise(signum);
}

static int catch_refusals(void)
{
    /* SA_NODEFER: raise() in the handler takes effect at once */
    struct sigaction sa = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_NODEFER};

    fill_names();
    sigemptyset(&sa.sa_mask);
    return sigaction(SIGSYS, &sa, NULL) < 0 ? -errno : 0;
}

int orc_sandbox_enter(unsigned flags, struct orc_err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    int r;

    if (!ctx)
        return orc_fail(err, -ENOMEM, "the sandbox can't be prepared: libseccomp gives no filter");
    r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1); /* threads that exist already, too */
    if (r == 0)
        r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree instead of a list */
    if (r == 0)
        r = add_rules(ctx, flags);
    if (r == 0)
        r = catch_refusals();
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    if (r < 0)
        return orc_fail_errno(err, -r,
                              "the sandbox can't be entered; orc needs a kernel with seccomp filters");
    return 0;
}
