/* gw_backends.h - services for a gateway to talk to, and clients that keep it busy; each kind in one process
 * of its own, steered and counted through shared memory.
 *
 * Backend i listens on 127.77.0.(10 + i), port GW_BACKEND_PORT. It can be off (connections refused, open ones
 * cut), slow, or answer with another status. From the moment it is marked withdrawn it counts every request
 * that still arrives as late. Clients keep their connections alive and retry, as browsers do, only a request
 * that found its kept connection closed before a byte of an answer came.
 */
#ifndef TESTS_INTEGRATION_GW_BACKENDS_H
#define TESTS_INTEGRATION_GW_BACKENDS_H

#include "lib/clock.h"
#include "lib/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GW_BACKENDS 16
#define GW_BACKEND_CONNS 512
#define GW_CLIENTS 16

struct gw_backend {
    atomic_int on, delay_ms, status, withdrawn, listens;
    atomic_long requests, late;
    char last[2048];  /* the last request's head, as it came */
    char header[128]; /* of its answers, with its line's end */
};

struct gw_shared {
    int port;
    struct gw_backend backend[GW_BACKENDS];
    struct {
        atomic_int on, port, conns;
        atomic_long ok, failed, retried;
        char first_failure[256];
    } load;
};

ORC_UNUSED static struct gw_shared *gw_shared_new(void)
{
    struct gw_shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (s == MAP_FAILED)
        abort();
    for (int i = 0; i < GW_BACKENDS; i++)
        s->backend[i].status = 200;
    return s;
}

ORC_UNUSED static void gw_backend_address(int i, char ret[32])
{
    snprintf(ret, 32, "127.77.0.%d", 10 + i);
}

/* ---- backends */

struct gw_conn {
    int fd, backend;
    char head[2048];
    size_t n;
    uint64_t answer_at; /* 0: no request is open */
};

ORC_UNUSED static int gw_listen(const char *address, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

    inet_pton(AF_INET, address, &a.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 511) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

ORC_UNUSED static void gw_conn_answer(struct gw_shared *s, struct gw_conn *c)
{
    struct gw_backend *b = &s->backend[c->backend];
    char body[64], text[512];
    int n = snprintf(body, sizeof body, "backend %d\n", c->backend);

    n = snprintf(text, sizeof text, "HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s", b->status, b->header,
                 n, body);
    c->n = 0;
    c->answer_at = 0;
    if (write(c->fd, text, (size_t)n) != n)
        close(c->fd), c->fd = -1;
}

ORC_UNUSED static void gw_conn_read(struct gw_shared *s, struct gw_conn *c)
{
    struct gw_backend *b = &s->backend[c->backend];
    ssize_t n = read(c->fd, c->head + c->n, sizeof c->head - 1 - c->n);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close(c->fd);
        c->fd = -1;
        return;
    }
    c->n += (size_t)n;
    c->head[c->n] = '\0';
    if (!strstr(c->head, "\r\n\r\n"))
        return;
    memcpy(b->last, c->head, c->n + 1);
    b->requests++;
    if (b->withdrawn)
        b->late++;
    c->answer_at = orc_clock_ms() + (uint64_t)b->delay_ms;
    if (b->delay_ms == 0)
        gw_conn_answer(s, c);
}

ORC_UNUSED static void gw_backends_accept(struct gw_conn *conns, int backend, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;

    for (int i = 0; fd >= 0 && i < GW_BACKEND_CONNS; i++)
        if (conns[i].fd < 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            conns[i] = (struct gw_conn){.fd = fd, .backend = backend};
            return;
        }
    if (fd >= 0)
        close(fd);
}

/* Switches listeners on and off as told; an off backend's connections are cut, as by a crash. */
ORC_UNUSED static void gw_backends_switch(struct gw_shared *s, int *listeners, struct gw_conn *conns)
{
    for (int i = 0; i < GW_BACKENDS; i++) {
        char address[32];

        gw_backend_address(i, address);
        if (s->backend[i].on && listeners[i] < 0)
            listeners[i] = gw_listen(address, s->port);
        if (!s->backend[i].on && listeners[i] >= 0) {
            close(listeners[i]);
            listeners[i] = -1;
            for (int c = 0; c < GW_BACKEND_CONNS; c++)
                if (conns[c].fd >= 0 && conns[c].backend == i) {
                    close(conns[c].fd);
                    conns[c].fd = -1;
                }
        }
        s->backend[i].listens = listeners[i] >= 0;
    }
}

ORC_UNUSED static void gw_backends_run(struct gw_shared *s)
{
    static struct gw_conn conns[GW_BACKEND_CONNS];
    int listeners[GW_BACKENDS];

    for (int i = 0; i < GW_BACKENDS; i++)
        listeners[i] = -1;
    for (int i = 0; i < GW_BACKEND_CONNS; i++)
        conns[i].fd = -1;
    for (;;) {
        struct pollfd p[GW_BACKENDS + GW_BACKEND_CONNS];

        gw_backends_switch(s, listeners, conns);
        for (int i = 0; i < GW_BACKENDS; i++)
            p[i] = (struct pollfd){.fd = listeners[i], .events = POLLIN};
        for (int i = 0; i < GW_BACKEND_CONNS; i++)
            p[GW_BACKENDS + i] =
                (struct pollfd){.fd = conns[i].fd, .events = conns[i].answer_at ? 0 : POLLIN};
        poll(p, GW_BACKENDS + GW_BACKEND_CONNS, 2);
        for (int i = 0; i < GW_BACKEND_CONNS; i++) {
            if (conns[i].fd >= 0 && conns[i].answer_at && orc_clock_ms() >= conns[i].answer_at)
                gw_conn_answer(s, &conns[i]);
            else if (conns[i].fd >= 0 && p[GW_BACKENDS + i].revents)
                gw_conn_read(s, &conns[i]);
        }
        for (int i = 0; i < GW_BACKENDS; i++)
            if (listeners[i] >= 0 && (p[i].revents & POLLIN))
                gw_backends_accept(conns, i, listeners[i]);
    }
}

/* ---- clients */

ORC_UNUSED static int gw_connect(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Reads one answer with a Content-Length. Its status; 0: closed before a byte came; -1: broken. */
ORC_UNUSED static int gw_read_answer(int fd, char *text, size_t max)
{
    size_t n = 0, want = 0;
    char *body = NULL, *length;

    while (!body || n < want) {
        ssize_t got = read(fd, text + n, max - 1 - n);

        if (got <= 0)
            return n == 0 && (got == 0 || errno == ECONNRESET) ? 0 : -1;
        n += (size_t)got;
        text[n] = '\0';
        if (!body && (body = strstr(text, "\r\n\r\n"))) {
            length = strcasestr(text, "Content-Length: ");
            want = (size_t)(body + 4 - text) + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
    }
    return atoi(text + 9);
}

ORC_UNUSED static void gw_load_failed(struct gw_shared *s, int status, const char *text)
{
    if (s->load.failed++ == 0)
        snprintf(s->load.first_failure, sizeof s->load.first_failure, "status %d, errno %d: %.150s", status,
                 errno, text);
}

/* One client, in a process of its own. */
ORC_UNUSED static void gw_client_run(struct gw_shared *s, int index)
{
    static const char ask[] = "GET /web/load HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    int fd = -1;

    for (;;) {
        char text[4096] = "";
        bool reused = fd >= 0;
        int status;

        if (!s->load.on || index >= s->load.conns) {
            if (fd >= 0)
                close(fd);
            fd = -1;
            usleep(1000);
            continue;
        }
        if (fd < 0)
            fd = gw_connect(s->load.port);
        errno = 0;
        status = fd < 0 || send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) < 0
                     ? 0
                     : gw_read_answer(fd, text, sizeof text);
        if (status == 200)
            s->load.ok++;
        else if (status == 0 && reused)
            s->load.retried++;
        else
            gw_load_failed(s, status, text);
        if (fd >= 0 && (status <= 0 || strcasestr(text, "Connection: close"))) {
            close(fd);
            fd = -1;
        }
    }
}

/* Starts backends and clients; they die with the test. Nothing is on yet. */
ORC_UNUSED static void gw_actors_start(struct gw_shared *s, pid_t pids[GW_CLIENTS + 1])
{
    for (int i = 0; i <= GW_CLIENTS; i++) {
        pids[i] = fork();
        if (pids[i] != 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        if (i == GW_CLIENTS)
            gw_backends_run(s);
        gw_client_run(s, i);
    }
}

#endif
