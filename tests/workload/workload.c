/* workload.c - the service that the lab runs: a small HTTP/1.1 server that behaves as a good service should,
 * and misbehaves when asked to. One static program, one thread, one poll loop.
 *
 *   GET  /health      200 "ok", or 503 "broken" after POST /break (POST /mend undoes it)
 *   GET  /slow?ms=N   the usual line, N milliseconds later
 *   GET  /headers     the request's header lines as they arrived
 *   POST /crash       exits with code 1 at once
 *   any other path    one line: host=NAME version=V pid=P path=/...
 *
 * On TERM it takes what was already connected, listens no more, finishes the open requests (they are answered
 * with `Connection: close`), closes idle connections and exits 0.
 *
 * Environment: PORT (8080), VERSION ("0"), START_DELAY_MS (before it listens), HEALTH=broken (starts broken),
 * IGNORE_TERM=1, EXIT_AFTER_MS and EXIT_CODE (ends by itself).
 *
 *   workload --probe [PATH]    asks the workload in the same container; exit 0 when the answer is 200, else 1
 *   workload --mtu [INTERFACE] prints the MTU of eth0, or of the interface named
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024
#define REQUEST_ROOM 8192 /* the head of a request; longer ones are refused with 431 */
#define NEW_CONNECTION_GRACE_MS 500
#define NEVER INT64_MAX

struct connection {
    int fd;
    bool served;       /* at least one answer was sent */
    bool closing;      /* close when everything is sent */
    int64_t opened_at; /* ms, monotonic */
    int64_t answer_at; /* a /slow request waits until then; NEVER when none waits */
    char path[2048];   /* of the request that waits */
    uint64_t skip;     /* bytes of a request's body still to be thrown away */
    size_t in_len, out_len, out_sent;
    char in[REQUEST_ROOM];
    char out[REQUEST_ROOM + 512];
};

static struct {
    const char *version;
    char host[128];
    bool broken;
    int listener;
    int64_t listen_at, exit_at;
    int exit_code;
    size_t count;
    struct connection *connections[MAX_CONNECTIONS];
} server = {.listener = -1};

static volatile sig_atomic_t term_seen;

static void on_term(int signum)
{
    (void)signum;
    term_seen = 1;
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t env_number(const char *name, int64_t otherwise)
{
    const char *s = getenv(name);

    return s != NULL && *s != '\0' ? strtoll(s, NULL, 10) : otherwise;
}

/* ---- answers ---- */

__attribute__((format(printf, 3, 4))) static void answer(struct connection *c, int status, const char *format,
                                                         ...)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {405, "Method Not Allowed"},
                   {411, "Length Required"},
                   {431, "Request Header Fields Too Large"},
                   {503, "Service Unavailable"}};
    const char *reason = "Unknown";
    char body[REQUEST_ROOM];
    va_list args;

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            reason = reasons[i].reason;
    va_start(args, format);
    int len = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    if (len >= (int)sizeof body)
        len = sizeof body - 1;
    if (status == 400 || status == 411 || status == 431 || term_seen)
        c->closing = true;
    int head = snprintf(c->out, sizeof c->out,
                        "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n", status,
                        reason, len, c->closing ? "Connection: close\r\n" : "");
    memcpy(c->out + head, body, (size_t)len);
    c->out_len = (size_t)head + (size_t)len;
    c->out_sent = 0;
    c->served = true;
}

static void answer_line(struct connection *c, const char *path)
{
    answer(c, 200, "host=%s version=%s pid=%d path=%s\n", server.host, server.version, (int)getpid(), path);
}

static void set_broken(struct connection *c, bool broken)
{
    server.broken = broken;
    printf("health is now %s\n", broken ? "broken" : "ok");
    answer(c, 200, "%s\n", broken ? "broken" : "mended");
}

static void route(struct connection *c, const char *method, const char *target, const char *headers)
{
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, post = strcmp(method, "POST") == 0;
    size_t len = strcspn(target, "?");
    const char *query = target[len] == '?' ? target + len + 1 : "";

    if (!get && !post) {
        answer(c, 405, "method %s is not known here; GET and POST are\n", method);
    } else if (post && strcmp(target, "/break") == 0) {
        set_broken(c, true);
    } else if (post && strcmp(target, "/mend") == 0) {
        set_broken(c, false);
    } else if (post && strcmp(target, "/crash") == 0) {
        printf("asked to crash\n");
        exit(1);
    } else if (len == 7 && strncmp(target, "/health", len) == 0) {
        answer(c, server.broken ? 503 : 200, "%s\n", server.broken ? "broken" : "ok");
    } else if (len == 8 && strncmp(target, "/headers", len) == 0) {
        answer(c, 200, "%s", headers);
    } else if (len == 5 && strncmp(target, "/slow", len) == 0 && strncmp(query, "ms=", 3) == 0) {
        c->answer_at = now_ms() + (int64_t)(strtoul(query + 3, NULL, 10) % 3600000);
        snprintf(c->path, sizeof c->path, "%s", target);
    } else {
        answer_line(c, target);
    }
    if (strcmp(method, "HEAD") == 0 && c->out_len > 0) /* the length is told, the body is not sent */
        c->out_len = (size_t)(strstr(c->out, "\r\n\r\n") + 4 - c->out);
}

/* ---- requests ---- */

static const char *header_value(const char *headers, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = headers; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " ");
    }
    return NULL;
}

/* Takes one request out of the buffer when its head is complete. False: more bytes are needed. */
static bool take_request(struct connection *c)
{
    char method[16], target[2048], version[16];
    char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);

    if (end == NULL) {
        if (c->in_len == sizeof c->in)
            answer(c, 431, "the head of the request is longer than %d bytes\n", REQUEST_ROOM);
        return false;
    }
    end[2] = '\0'; /* the headers are text from here on, each line with its CRLF */
    char *headers = strstr(c->in, "\r\n");
    headers = headers != NULL && headers < end + 2 ? headers + 2 : end + 2;
    int fields = sscanf(c->in, "%15s %2047s %15s", method, target, version);
    const char *connection = header_value(headers, "Connection");
    const char *length = header_value(headers, "Content-Length");
    if (connection != NULL && strncasecmp(connection, "close", 5) == 0)
        c->closing = true;
    if (fields == 3 && strcmp(version, "HTTP/1.0") == 0)
        c->closing = connection == NULL || strncasecmp(connection, "keep-alive", 10) != 0;
    c->skip = length != NULL ? strtoull(length, NULL, 10) : 0;
    if (fields != 3 || strncmp(version, "HTTP/1.", 7) != 0)
        answer(c, 400, "this is not an HTTP/1.1 request\n");
    else if (header_value(headers, "Transfer-Encoding") != NULL)
        answer(c, 411, "a body needs a Content-Length here\n");
    else
        route(c, method, target, headers);
    size_t used = (size_t)(end + 4 - c->in);
    memmove(c->in, end + 4, c->in_len - used);
    c->in_len -= used;
    return true;
}

static bool busy(const struct connection *c)
{
    return c->out_len > 0 || c->answer_at != NEVER;
}

/* Works off what is buffered: skips bodies, answers requests one at a time. */
static void work(struct connection *c)
{
    for (;;) {
        size_t skipped = c->skip < c->in_len ? (size_t)c->skip : c->in_len;
        memmove(c->in, c->in + skipped, c->in_len - skipped);
        c->in_len -= skipped;
        c->skip -= skipped;
        if (busy(c) || c->skip > 0 || c->in_len == 0 || !take_request(c))
            return;
    }
}

/* ---- connections ---- */

static void connection_close(size_t i)
{
    struct connection *c = server.connections[i];

    close(c->fd);
    free(c);
    server.connections[i] = server.connections[--server.count];
}

static void accept_all(void)
{
    int on = 1;

    while (server.listener >= 0 && server.count < MAX_CONNECTIONS) {
        int fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct connection *c = calloc(1, sizeof *c);
        if (c == NULL)
            abort();
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        c->fd = fd;
        c->answer_at = NEVER;
        c->opened_at = now_ms();
        server.connections[server.count++] = c;
    }
}

/* False: the peer is gone. */
static bool receive(struct connection *c)
{
    if (c->in_len == sizeof c->in)
        return true;
    ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - c->in_len, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    if (n > 0)
        c->in_len += (size_t)n;
    return true;
}

/* Sends what is ready. False: the connection is finished. */
static bool transmit(struct connection *c)
{
    while (c->out_sent < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->out_sent += (size_t)n;
    }
    if (c->out_len > 0 && c->closing)
        return false;
    c->out_len = c->out_sent = 0;
    return true;
}

/* While stopping, a connection without a request is closed; one that has never carried any gets a moment. */
static bool idle_at_stop(const struct connection *c, int64_t now)
{
    return term_seen && !busy(c) && c->in_len == 0 &&
           (c->served || now - c->opened_at > NEW_CONNECTION_GRACE_MS);
}

static void serve(size_t i, short events, int64_t now)
{
    struct connection *c = server.connections[i];
    bool alive = true;

    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0)
        alive = receive(c);
    if (alive && c->answer_at <= now) {
        c->answer_at = NEVER;
        answer_line(c, c->path);
    }
    while (alive) {
        work(c);
        alive = transmit(c);
        if (c->out_len > 0 || c->answer_at != NEVER || c->in_len == 0 || c->skip > 0 ||
            memmem(c->in, c->in_len, "\r\n\r\n", 4) == NULL)
            break;
    }
    if (!alive || idle_at_stop(c, now))
        connection_close(i);
}

/* ---- the process ---- */

static void open_listener(void)
{
    int on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)env_number("PORT", 8080))};

    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(server.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server.listener, (struct sockaddr *)&addr, sizeof addr) < 0 ||
        listen(server.listener, 511) < 0) {
        printf("listen on port %d: %s\n", ntohs(addr.sin_port), strerror(errno));
        exit(1);
    }
    printf("version %s listens on port %d\n", server.version, ntohs(addr.sin_port));
}

static int64_t next_wake(int64_t now)
{
    int64_t next = server.exit_at;

    if (server.listen_at < next)
        next = server.listen_at;
    for (size_t i = 0; i < server.count; i++) {
        const struct connection *c = server.connections[i];
        if (c->answer_at < next)
            next = c->answer_at;
        if (term_seen && !c->served && c->opened_at + NEW_CONNECTION_GRACE_MS + 1 < next)
            next = c->opened_at + NEW_CONNECTION_GRACE_MS + 1;
    }
    return next == NEVER ? -1 : next <= now ? 0 : next - now;
}

/* Once after TERM: what the kernel has already accepted for us is ours to answer; nothing new comes after. */
static void begin_stop(void)
{
    printf("stopping, %zu connections open\n", server.count);
    accept_all();
    if (server.listener >= 0)
        close(server.listener);
    server.listener = -1;
    server.listen_at = NEVER;
}

static void turn(const sigset_t *unblocked)
{
    static struct pollfd fds[MAX_CONNECTIONS + 1];
    size_t count = server.count;
    int64_t now = now_ms(), wait = next_wake(now);
    struct timespec timeout = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};

    fds[0] = (struct pollfd){.fd = server.listener, .events = POLLIN};
    for (size_t i = 0; i < count; i++) {
        const struct connection *c = server.connections[i];
        fds[i + 1] = (struct pollfd){
            .fd = c->fd,
            .events = (short)((c->in_len < sizeof c->in ? POLLIN : 0) | (c->out_len > 0 ? POLLOUT : 0))};
    }
    if (ppoll(fds, count + 1, wait < 0 ? NULL : &timeout, unblocked) < 0)
        for (size_t i = 0; i <= count; i++)
            fds[i].revents = 0;
    now = now_ms();
    for (size_t i = count; i-- > 0;) /* from the end: closing moves the last one into the gap */
        serve(i, fds[i + 1].revents, now);
    accept_all();
    if (now >= server.listen_at) {
        server.listen_at = NEVER;
        open_listener();
    }
    if (now >= server.exit_at)
        exit(server.exit_code);
}

static int run(void)
{
    sigset_t blocked, unblocked;
    bool stopping = false;
    const char *ignore = getenv("IGNORE_TERM"), *health = getenv("HEALTH"), *version = getenv("VERSION");
    int64_t started = now_ms(), exit_after = env_number("EXIT_AFTER_MS", -1);

    setvbuf(stdout, NULL, _IOLBF, 0);
    gethostname(server.host, sizeof server.host - 1);
    server.version = version != NULL ? version : "0";
    server.broken = health != NULL && strcmp(health, "broken") == 0;
    server.listen_at = started + env_number("START_DELAY_MS", 0);
    server.exit_at = exit_after < 0 ? NEVER : started + exit_after;
    server.exit_code = (int)env_number("EXIT_CODE", 0);
    /* TERM is let in only while waiting, so that none is missed between a look at the flag and the wait */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &unblocked);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_term}, NULL);
    if (ignore != NULL && strcmp(ignore, "1") == 0)
        signal(SIGTERM, SIG_IGN);
    while (!stopping || server.count > 0) {
        if (term_seen && !stopping) {
            stopping = true;
            begin_stop();
        } else {
            turn(&unblocked);
        }
    }
    printf("stopped\n");
    return 0;
}

/* ---- the probe ---- */

static int probe(const char *path)
{
    char text[512];
    size_t len = 0;
    ssize_t n;
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)env_number("PORT", 8080)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
        printf("connect to port %d: %s\n", ntohs(addr.sin_port), strerror(errno));
        return 1;
    }
    int request =
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (request >= (int)sizeof text || send(fd, text, (size_t)request, MSG_NOSIGNAL) != request)
        return 1;
    while (len < sizeof text - 1 && (n = recv(fd, text + len, sizeof text - 1 - len, 0)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    const char *body = strstr(text, "\r\n\r\n");
    printf("%s", body != NULL ? body + 4 : "no answer\n");
    return strncmp(text, "HTTP/1.1 200 ", 13) == 0 ? 0 : 1;
}

static int print_mtu(const char *interface)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(request.ifr_name, sizeof request.ifr_name, "%.15s", interface);
    if (ioctl(fd, SIOCGIFMTU, &request) < 0) {
        fprintf(stderr, "MTU of %s: %s\n", interface, strerror(errno));
        return 1;
    }
    printf("%d\n", request.ifr_mtu);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--probe") == 0)
        return probe(argc > 2 ? argv[2] : "/health");
    if (argc > 1 && strcmp(argv[1], "--mtu") == 0)
        return print_mtu(argc > 2 ? argv[2] : "eth0");
    if (argc > 1) {
        fprintf(stderr,
                "workload: \"%s\" is not known; use no argument, --probe [PATH] or --mtu [INTERFACE]\n",
                argv[1]);
        return 2;
    }
    return run();
}
