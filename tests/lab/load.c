/* load.c - a steady load of keep-alive requests that counts what a browser's user would call a failure.
 *
 *   lab-load [-c CONNECTIONS] [-r REQUESTS_PER_SECOND] [-d SECONDS] [-T TIMEOUT_MS] http://IP[:PORT]/PATH...
 *
 * Each connection asks for the given URLs in turn. Without -r as fast as answers come; without -d until TERM
 * or INT. On USR1 it prints the report so far, at the end the whole: one JSON document on one line of
 * standard output. Exit code 0 when nothing failed, 1 when something did.
 *
 * A failure is: a status that is not 2xx or 3xx, no connection, no answer within the time-out (10 s), a
 * connection that breaks within an answer. A server may close an idle keep-alive connection at any time, also
 * just when the next request is under way (RFC 9112, 9.3.1): a request on a *used* connection that ends
 * without a single byte of answer is asked again, once, on a new connection, as browsers do, and counted as
 * "retried".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 512
#define MAX_URLS 16
#define MAX_FAILURES_TOLD 20
#define MAX_WHO 128
#define ANSWER_ROOM 65536
#define LATENCY_STEPS 2048 /* see latency_step() */

enum state { IDLE, CONNECTING, WAITING };

struct url {
    char text[512], host[64], path[400];
    struct sockaddr_in addr;
};

struct connection {
    enum state state;
    int fd;
    bool used;  /* has carried an answer */
    bool again; /* this request is asked for the second time */
    size_t url;
    int64_t due_at;   /* us: when the next request is to begin */
    int64_t began_at; /* us: when this request began */
    size_t sent, len;
    char answer[ANSWER_ROOM];
};

static struct {
    size_t connection_count, url_count;
    double rate;
    int64_t timeout_us, end_at, started_at;
    struct url urls[MAX_URLS];
    struct connection *connections[MAX_CONNECTIONS];
} load = {.connection_count = 8, .timeout_us = 10000000, .end_at = INT64_MAX};

static struct {
    uint64_t requests, failed, retried, reconnected;
    uint64_t status[1000];
    uint64_t latency[LATENCY_STEPS];
    int64_t latency_max, longest_gap, last_success;
    size_t told, who_count;
    struct {
        int64_t at_us;
        char reason[200];
        char url[512];
    } failures[MAX_FAILURES_TOLD];
    struct {
        char name[80];
        uint64_t count;
    } who[MAX_WHO];
} seen;

static volatile sig_atomic_t stop_wanted, report_wanted;

static void on_signal(int signum)
{
    if (signum == SIGUSR1)
        report_wanted = 1;
    else
        stop_wanted = 1;
}

static int64_t now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- counting ---- */

/* Steps of 1/64 of a power of two: an error of at most 1.6 %, whatever the size. */
static size_t latency_step(int64_t us)
{
    uint64_t v = us > 0 ? (uint64_t)us : 0;
    unsigned shift = 0;

    while (v >= 128) {
        v >>= 1;
        shift++;
    }
    size_t step = shift * 64 + (size_t)v;
    return step < LATENCY_STEPS ? step : LATENCY_STEPS - 1;
}

static int64_t latency_of_step(size_t step)
{
    return step < 128 ? (int64_t)step : (int64_t)(64 + step % 64) << (step / 64 - 1);
}

static double latency_ms(double share)
{
    uint64_t total = 0, sum = 0;

    for (size_t i = 0; i < LATENCY_STEPS; i++)
        total += seen.latency[i];
    for (size_t i = 0; i < LATENCY_STEPS && total > 0; i++) {
        sum += seen.latency[i];
        if ((double)sum >= share * (double)total)
            return (double)latency_of_step(i) / 1000.0;
    }
    return 0;
}

static void print_text(const char *s)
{
    putchar('"');
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            putchar('\\');
        putchar((unsigned char)*s < ' ' ? ' ' : *s);
    }
    putchar('"');
}

static void print_report(int64_t now)
{
    const char *comma = "";

    printf("{\"requests\":%llu,\"failed\":%llu,\"retried\":%llu,\"reconnected\":%llu,\"seconds\":%.3f,"
           "\"status\":{",
           (unsigned long long)seen.requests, (unsigned long long)seen.failed,
           (unsigned long long)seen.retried, (unsigned long long)seen.reconnected,
           (double)(now - load.started_at) / 1e6);
    for (int i = 0; i < 1000; i++)
        if (seen.status[i] > 0) {
            printf("%s\"%d\":%llu", comma, i, (unsigned long long)seen.status[i]);
            comma = ",";
        }
    printf("},\"latency_ms\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f},\"longest_gap_ms\":%.1f,"
           "\"answered_by\":{",
           latency_ms(0.5), latency_ms(0.9), latency_ms(0.99), (double)seen.latency_max / 1000.0,
           (double)seen.longest_gap / 1000.0);
    for (size_t i = 0; i < seen.who_count; i++) {
        printf(i > 0 ? "," : "");
        print_text(seen.who[i].name);
        printf(":%llu", (unsigned long long)seen.who[i].count);
    }
    printf("},\"failures\":[");
    for (size_t i = 0; i < seen.told; i++) {
        printf("%s{\"at_ms\":%lld,\"url\":", i > 0 ? "," : "", (long long)seen.failures[i].at_us / 1000);
        print_text(seen.failures[i].url);
        printf(",\"reason\":");
        print_text(seen.failures[i].reason);
        printf("}");
    }
    printf("]}\n");
    fflush(stdout);
}

/* The workload says who answered: "host=NAME ...". */
static void count_who(const char *body)
{
    char name[80];
    size_t i = 0;

    if (body == NULL || strncmp(body, "host=", 5) != 0)
        return;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(body + 5, " \r\n"), body + 5);
    while (i < seen.who_count && strcmp(seen.who[i].name, name) != 0)
        i++;
    if (i == MAX_WHO)
        return;
    if (i == seen.who_count)
        memcpy(seen.who[seen.who_count++].name, name, sizeof name);
    seen.who[i].count++;
}

/* ---- one connection ---- */

static void hang_up(struct connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->state = IDLE;
    c->used = false;
}

static void request_ends(struct connection *c, int64_t now)
{
    seen.requests++;
    c->state = IDLE;
    c->again = false;
    c->url = (c->url + 1) % load.url_count;
    if (load.rate > 0) {
        c->due_at += (int64_t)(1e6 * (double)load.connection_count / load.rate);
        if (c->due_at < now - 1000000) /* after a long wait: no burst to make up for it */
            c->due_at = now;
    } else {
        c->due_at = now;
    }
}

static void request_failed(struct connection *c, int64_t now, const char *reason)
{
    seen.failed++;
    if (seen.told < MAX_FAILURES_TOLD) {
        seen.failures[seen.told].at_us = now - load.started_at;
        snprintf(seen.failures[seen.told].url, sizeof seen.failures[0].url, "%s", load.urls[c->url].text);
        snprintf(seen.failures[seen.told++].reason, sizeof seen.failures[0].reason, "%s", reason);
    }
    hang_up(c);
    request_ends(c, now);
    if (load.rate <= 0)
        c->due_at = now + 10000; /* a dead server is not asked in a tight loop */
}

static void begin(struct connection *c, int64_t now);

/* The connection ended where an answer was due. */
static void broken(struct connection *c, int64_t now, const char *reason)
{
    if (c->used && c->len == 0 && !c->again) {
        seen.retried++;
        hang_up(c);
        c->again = true;
        begin(c, c->began_at);
        return;
    }
    request_failed(c, now, reason);
}

static void send_request(struct connection *c, int64_t now)
{
    char text[1024];
    const struct url *u = &load.urls[c->url];
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lab-load\r\n\r\n",
                       u->path, u->host);

    c->len = 0;
    c->state = WAITING;
    if (send(c->fd, text, (size_t)len, MSG_NOSIGNAL) != len)
        broken(c, now, "send: the connection is broken");
}

static bool connect_begin(struct connection *c, int64_t now)
{
    int on = 1;
    const struct url *u = &load.urls[c->url];

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->state = CONNECTING;
    seen.reconnected++;
    if (connect(c->fd, (const struct sockaddr *)&u->addr, sizeof u->addr) == 0 || errno == EINPROGRESS)
        return true;
    request_failed(c, now, strerror(errno));
    return false;
}

/* Starts the request that is due; its time runs from `began` (earlier than now when it is asked again). */
static void begin(struct connection *c, int64_t began)
{
    c->began_at = began;
    if (c->fd < 0)
        connect_begin(c, now_us());
    else
        send_request(c, now_us());
}

/* The body's length by the head (ends with its empty line); -1: until the connection's end; -2: chunked. */
static long body_length(const char *head, const char *end)
{
    for (const char *line = strstr(head, "\r\n"); line != NULL && line < end;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, "Content-Length:", 15) == 0)
            return strtol(line + 17, NULL, 10);
        if (strncasecmp(line + 2, "Transfer-Encoding: chunked", 26) == 0)
            return -2;
    }
    return -1;
}

static bool says_close(const char *head, const char *end)
{
    for (const char *line = strstr(head, "\r\n"); line != NULL && line < end; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "Connection: close", 17) == 0)
            return true;
    return false;
}

static bool answer_complete(const struct connection *c, const char *body, long length, bool ended)
{
    size_t have = c->len - (size_t)(body - c->answer);

    if (length == -1)
        return ended;
    if (length == -2)
        return have >= 5 && memcmp(c->answer + c->len - 5, "0\r\n\r\n", 5) == 0;
    return have >= (size_t)length;
}

static void answered(struct connection *c, const char *body, bool close_after, int64_t now)
{
    int status = (int)strtol(c->answer + 9, NULL, 10);
    int64_t took = now - c->began_at;
    char reason[100];

    if (status < 0 || status > 999)
        status = 0;
    seen.status[status]++;
    seen.latency[latency_step(took)]++;
    if (took > seen.latency_max)
        seen.latency_max = took;
    if (status < 200 || status >= 400) {
        snprintf(reason, sizeof reason, "status %d", status);
        request_failed(c, now, reason);
        return;
    }
    if (seen.last_success > 0 && now - seen.last_success > seen.longest_gap)
        seen.longest_gap = now - seen.last_success;
    seen.last_success = now;
    count_who(body);
    c->used = true;
    if (close_after)
        hang_up(c);
    request_ends(c, now);
}

static void receive(struct connection *c, int64_t now)
{
    char reason[128];
    ssize_t n = recv(c->fd, c->answer + c->len, sizeof c->answer - 1 - c->len, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        snprintf(reason, sizeof reason, "%s after %zu bytes of answer", strerror(errno), c->len);
        broken(c, now, reason);
        return;
    }
    c->len += (size_t)n;
    c->answer[c->len] = '\0';
    char *end = strstr(c->answer, "\r\n\r\n");
    long length = end != NULL ? body_length(c->answer, end) : 0;
    if (end != NULL && answer_complete(c, end + 4, length, n == 0)) {
        answered(c, end + 4, length == -1 || says_close(c->answer, end), now);
    } else if (n == 0) {
        snprintf(reason, sizeof reason, "closed after %zu bytes of answer", c->len);
        broken(c, now, reason);
    } else if (c->len == sizeof c->answer - 1) {
        request_failed(c, now, "the answer is too long for this program");
    }
}

/* A connection between two requests: readable means that the server has closed it. */
static void idle_readable(struct connection *c)
{
    char byte;

    if (recv(c->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN)
        return;
    hang_up(c);
}

static void on_event(struct connection *c, short events, int64_t now)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (c->state == CONNECTING && events != 0) {
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0)
            request_failed(c, now, strerror(error));
        else
            send_request(c, now);
    } else if (c->state == WAITING && events != 0) {
        receive(c, now);
    } else if (c->state == IDLE && c->fd >= 0 && events != 0) {
        idle_readable(c);
    }
    if (c->state != IDLE && now - c->began_at > load.timeout_us)
        request_failed(c, now,
                       c->state == CONNECTING ? "no connection within the time-out"
                                              : "no answer within the time-out");
}

/* ---- the process ---- */

static void parse_url(const char *text)
{
    struct url *u = &load.urls[load.url_count++];
    unsigned port = 80;
    char ip[32];

    snprintf(u->text, sizeof u->text, "%s", text);
    snprintf(u->path, sizeof u->path, "/");
    int fields = sscanf(text, "http://%63[^/]%399s", u->host, u->path);
    if (fields < 1 || sscanf(u->host, "%31[0-9.]:%u", ip, &port) < 1 ||
        inet_pton(AF_INET, ip, &u->addr.sin_addr) != 1) {
        fprintf(stderr, "lab-load: \"%s\" is not http://IPV4[:PORT]/PATH\n", text);
        exit(2);
    }
    u->addr.sin_family = AF_INET;
    u->addr.sin_port = htons((uint16_t)port);
}

static void start_connections(int64_t now)
{
    for (size_t i = 0; i < load.connection_count; i++) {
        struct connection *c = calloc(1, sizeof *c);
        if (c == NULL)
            abort();
        c->fd = -1;
        c->url = i % load.url_count;
        c->due_at = now + (load.rate > 0 ? (int64_t)(1e6 * (double)i / load.rate) : 0);
        load.connections[i] = c;
    }
}

static bool parse(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "c:r:d:T:")) != -1) {
        if (option == 'c')
            load.connection_count = strtoul(optarg, NULL, 10);
        else if (option == 'r')
            load.rate = strtod(optarg, NULL);
        else if (option == 'd')
            load.end_at = (int64_t)(strtod(optarg, NULL) * 1e6);
        else if (option == 'T')
            load.timeout_us = strtoll(optarg, NULL, 10) * 1000;
        else
            return false;
    }
    if (optind == argc || argc - optind > MAX_URLS || load.connection_count < 1 ||
        load.connection_count > MAX_CONNECTIONS)
        return false;
    for (int i = optind; i < argc; i++)
        parse_url(argv[i]);
    return true;
}

/* One turn: begins what is due (nothing when stopping), waits for events. Returns the number of requests
 * under way. */
static size_t turn(bool stopping, const sigset_t *unblocked)
{
    struct pollfd fds[MAX_CONNECTIONS];
    int64_t now = now_us(), next = now + 100000;
    size_t open = 0;

    for (size_t i = 0; i < load.connection_count; i++) {
        struct connection *c = load.connections[i];
        if (c->state == IDLE && !stopping && c->due_at <= now)
            begin(c, now);
        if (c->state == IDLE && c->due_at < next)
            next = c->due_at;
        open += c->state != IDLE;
        fds[i] = (struct pollfd){.fd = c->fd, .events = c->state == CONNECTING ? POLLOUT : POLLIN};
    }
    int64_t wait = stopping ? 10000 : next > now ? next - now : 0;
    struct timespec timeout = {.tv_sec = wait / 1000000, .tv_nsec = wait % 1000000 * 1000};
    if (ppoll(fds, load.connection_count, &timeout, unblocked) < 0)
        return open;
    now = now_us();
    for (size_t i = 0; i < load.connection_count; i++)
        on_event(load.connections[i], fds[i].fd >= 0 ? fds[i].revents : 0, now);
    return open;
}

int main(int argc, char **argv)
{
    sigset_t blocked, unblocked;
    size_t open = 1;

    if (!parse(argc, argv)) {
        fprintf(stderr,
                "usage: lab-load [-c CONNECTIONS] [-r REQUESTS_PER_SECOND] [-d SECONDS] [-T TIMEOUT_MS] "
                "http://IP[:PORT]/PATH...\n");
        return 2;
    }
    sigemptyset(&blocked);
    for (const int *s = (const int[]){SIGTERM, SIGINT, SIGUSR1, 0}; *s != 0; s++) {
        sigaddset(&blocked, *s);
        sigaction(*s, &(struct sigaction){.sa_handler = on_signal}, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, &unblocked);
    load.started_at = now_us();
    if (load.end_at != INT64_MAX)
        load.end_at += load.started_at;
    start_connections(load.started_at);
    while (open > 0 || (!stop_wanted && now_us() < load.end_at)) {
        open = turn(stop_wanted || now_us() >= load.end_at, &unblocked);
        if (report_wanted) {
            report_wanted = 0;
            print_report(now_us());
        }
    }
    print_report(now_us());
    return seen.failed > 0 ? 1 : 0;
}
