/* etcd_server.h - real etcd processes for tests: started, killed, frozen, wiped, restored; one or three
 * members.
 *
 * Each has ports that the kernel gave, on 127.0.0.1, and a temporary folder; it dies with the test program
 * (PR_SET_PDEATHSIG). Included by the test programs; everything is static. Failing to start fails the test.
 */
#ifndef TESTS_INTEGRATION_ETCD_SERVER_H
#define TESTS_INTEGRATION_ETCD_SERVER_H

#include "lib/clock.h"
#include "lib/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ETCD_START_MS 30000

struct etcd_server {
    pid_t pid; /* 0: not running */
    char name[16];
    char dir[64];
    char url[64], peer_url[64];
    char cluster[256]; /* --initial-cluster */
    char state[16];    /* "new" or "existing" */
};

static void etcd_server_fail(const char *what)
{
    fprintf(stderr, "etcd_server: %s: %s\n", what, strerror(errno));
    abort();
}

/* A port that was free a moment ago. */
ORC_UNUSED static int etcd_free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        etcd_server_fail("no free port");
    close(fd);
    return ntohs(a.sin_port);
}

/* Does GET /health say that it is healthy (it has a leader and can commit)? */
static bool etcd_server_healthy(const struct etcd_server *s)
{
    static const char ask[] = "GET /health HTTP/1.0\r\n\r\n";
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 2};
    char answer[1024] = "";
    size_t at = 0;
    ssize_t n;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_port = htons((uint16_t)atoi(strrchr(s->url, ':') + 1));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 && write(fd, ask, sizeof ask - 1) > 0)
        while (at < sizeof answer - 1 && (n = read(fd, answer + at, sizeof answer - 1 - at)) > 0)
            at += (size_t)n;
    close(fd);
    return strstr(answer, "\"health\":\"true\"") != NULL;
}

static void etcd_server_exec(const struct etcd_server *s, const char *const *more)
{
    const char *argv[48] = {"etcd",      "--name",
                            s->name,     "--data-dir",
                            NULL,        "--listen-client-urls",
                            s->url,      "--advertise-client-urls",
                            s->url,      "--listen-peer-urls",
                            s->peer_url, "--initial-advertise-peer-urls",
                            s->peer_url, "--initial-cluster",
                            s->cluster,  "--initial-cluster-state",
                            s->state,    NULL};
    char data[80], log[80];
    size_t n = 17;
    int fd;

    snprintf(data, sizeof data, "%s/data", s->dir);
    snprintf(log, sizeof log, "%s/log", s->dir);
    argv[4] = data;
    for (; more && *more && n < 47; more++)
        argv[n++] = *more;
    argv[n] = NULL;
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(fd, 1);
    dup2(fd, 2);
    if (chdir(s->dir) < 0) /* where etcd makes its unix sockets ("unix://NAME:0" is a file "NAME:0") */
        _exit(127);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp("etcd", (char *const *)argv);
    _exit(127);
}

/* Starts the process without waiting for it. */
static void etcd_server_spawn(struct etcd_server *s, const char *const *more)
{
    s->pid = fork();
    if (s->pid < 0)
        etcd_server_fail("fork");
    if (s->pid == 0)
        etcd_server_exec(s, more);
}

static void etcd_server_wait(const struct etcd_server *s)
{
    uint64_t end = orc_clock_ms() + ETCD_START_MS;

    while (!etcd_server_healthy(s)) {
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid || orc_clock_ms() > end) {
            char command[96];

            snprintf(command, sizeof command, "tail -n 20 %s/log >&2", s->dir);
            if (system(command) != 0)
                errno = 0;
            etcd_server_fail("etcd did not become healthy");
        }
        poll(NULL, 0, 20);
    }
}

/* Names, ports and folder; not started. */
static void etcd_server_prepare(struct etcd_server *s, size_t i)
{
    memset(s, 0, sizeof *s);
    snprintf(s->name, sizeof s->name, "m%u", (unsigned)i);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", etcd_free_port());
    snprintf(s->peer_url, sizeof s->peer_url, "http://127.0.0.1:%d", etcd_free_port());
    snprintf(s->dir, sizeof s->dir, "%s/orc-etcd-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    strcpy(s->state, "new");
    if (!mkdtemp(s->dir))
        etcd_server_fail("mkdtemp");
}

/* n members of one cluster. `more`: further flags, NULL-terminated, may be NULL. */
ORC_UNUSED static void etcd_servers_start(struct etcd_server *s, size_t n, const char *const *more)
{
    char cluster[256] = "";
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        etcd_server_prepare(&s[i], i);
        at += (size_t)snprintf(cluster + at, sizeof cluster - at, "%s%s=%s", i ? "," : "", s[i].name,
                               s[i].peer_url);
        if (at >= sizeof cluster)
            etcd_server_fail("too many members");
    }
    for (size_t i = 0; i < n; i++) {
        strcpy(s[i].cluster, cluster);
        etcd_server_spawn(&s[i], more);
    }
    for (size_t i = 0; i < n; i++)
        etcd_server_wait(&s[i]);
}

ORC_UNUSED static void etcd_server_start(struct etcd_server *s)
{
    etcd_servers_start(s, 1, NULL);
}

/* SIGKILL; the data stay. */
ORC_UNUSED static void etcd_server_kill(struct etcd_server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}

/* The same member again, with the data it had. */
ORC_UNUSED static void etcd_server_again(struct etcd_server *s)
{
    etcd_server_spawn(s, NULL);
    etcd_server_wait(s);
}

ORC_UNUSED static void etcd_server_freeze(const struct etcd_server *s)
{
    kill(s->pid, SIGSTOP);
}

ORC_UNUSED static void etcd_server_thaw(const struct etcd_server *s)
{
    kill(s->pid, SIGCONT);
}

static int etcd_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static void etcd_remove_tree(const char *path)
{
    nftw(path, etcd_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Of a killed member: forgets its data. Started again it is a new, empty store at the same address. */
ORC_UNUSED static void etcd_server_wipe(const struct etcd_server *s)
{
    char data[80];

    snprintf(data, sizeof data, "%s/data", s->dir);
    etcd_remove_tree(data);
}

/* Runs etcdctl against the server; true when it exits with 0. `args` goes through the shell. */
ORC_UNUSED static bool etcd_ctl(const struct etcd_server *s, const char *args)
{
    char command[900];

    snprintf(command, sizeof command, "ETCDCTL_API=3 etcdctl --endpoints=%s %s >>%s/ctl.log 2>&1", s->url,
             args, s->dir);
    return system(command) == 0;
}

/* Saves a snapshot; etcd_server_restore() of a killed member puts it in the place of its data. */
ORC_UNUSED static void etcd_server_backup(const struct etcd_server *s)
{
    char args[128];

    snprintf(args, sizeof args, "snapshot save %s/backup.db", s->dir);
    if (!etcd_ctl(s, args))
        etcd_server_fail("etcdctl snapshot save");
}

ORC_UNUSED static void etcd_server_restore(const struct etcd_server *s)
{
    char args[700];

    etcd_server_wipe(s);
    snprintf(args, sizeof args,
             "snapshot restore %s/backup.db --name %s --data-dir %s/data --initial-cluster %s "
             "--initial-advertise-peer-urls %s",
             s->dir, s->name, s->dir, s->cluster, s->peer_url);
    if (!etcd_ctl(s, args))
        etcd_server_fail("etcdctl snapshot restore");
}

/* Ends the process and removes the folder. */
ORC_UNUSED static void etcd_server_stop(struct etcd_server *s)
{
    if (s->dir[0] == '\0')
        return;
    etcd_server_kill(s);
    etcd_remove_tree(s->dir);
    s->dir[0] = '\0';
}

#endif
