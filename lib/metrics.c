#include "lib/metrics.h"

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/units.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TEXT_MAX (64 << 20) /* ten thousand nodes are 3 MB */
#define CONNECTIONS_MAX 16
#define IDLE_S 30

struct orc_metrics_text {
    struct orc_buf buf;
    const char *name; /* of the metric begun last */
};

struct orc_metrics {
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    int open_handles;
    double started; /* seconds since 1970 */
    void (*collect)(struct orc_metrics_text *t, void *arg);
    void *arg;
};

/* ---- text */

void orc_metric(struct orc_metrics_text *t, const char *name, const char *kind, const char *help)
{
    t->name = name;
    orc_buf_printf(&t->buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void add_escaped(struct orc_buf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '\n')
            orc_buf_puts(b, "\\n");
        else if (*s == '"' || *s == '\\')
            orc_buf_printf(b, "\\%c", *s);
        else
            orc_buf_add(b, s, 1);
    }
}

void orc_metric_sample(struct orc_metrics_text *t, const char *label, const char *value, double v)
{
    orc_buf_puts(&t->buf, t->name);
    if (label) {
        orc_buf_printf(&t->buf, "{%s=\"", label);
        add_escaped(&t->buf, value);
        orc_buf_puts(&t->buf, "\"}");
    }
    orc_buf_printf(&t->buf, " %.15g\n", v);
}

void orc_metric_gauge(struct orc_metrics_text *t, const char *name, const char *help, double v)
{
    orc_metric(t, name, "gauge", help);
    orc_metric_sample(t, NULL, NULL, v);
}

/* ---- the process itself: proc(5) */

static double resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long pages = 0;

    if (!f)
        return 0;
    if (fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct rusage u = {0};

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void process_metrics(const struct orc_metrics *m, struct orc_metrics_text *t)
{
    orc_metric_gauge(t, "process_resident_memory_bytes", "Resident memory size in bytes.", resident_bytes());
    orc_metric_gauge(t, "process_start_time_seconds",
                     "Start time of the process since unix epoch in seconds.", m->started);
    orc_metric(t, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
    orc_metric_sample(t, NULL, NULL, cpu_seconds());
}

/* ---- HTTP */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, char *text, const char *type)
{
    struct MHD_Response *res = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result r;

    if (!res) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(res, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    r = MHD_queue_response(c, status, res);
    MHD_destroy_response(res);
    return r;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state)
{
    struct orc_metrics *m = cls;
    struct orc_metrics_text t = {.buf = ORC_BUF_INIT(TEXT_MAX)};

    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, orc_strdup("only GET is served here\n"), "text/plain");
    if (strcmp(url, "/metrics") != 0)
        return answer(c, MHD_HTTP_NOT_FOUND, orc_strdup("there is only /metrics here\n"), "text/plain");
    process_metrics(m, &t);
    m->collect(&t, m->arg);
    return answer(c, MHD_HTTP_OK, orc_buf_take(&t.buf), "text/plain; version=0.0.4; charset=utf-8");
}

static void on_timer(uv_timer_t *timer);

static void run(struct orc_metrics *m)
{
    MHD_UNSIGNED_LONG_LONG ms;

    MHD_run(m->daemon);
    if (MHD_get_timeout(m->daemon, &ms) == MHD_YES)
        uv_timer_start(&m->timer, on_timer, ms, 0);
    else
        uv_timer_stop(&m->timer);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    run(poll->data);
}

/* ---- listening */

static int open_listener(const struct addrinfo *a, const char *address, struct orc_err *err)
{
    int on = 1, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), e;

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, CONNECTIONS_MAX) == 0)
        return fd;
    e = errno;
    if (fd >= 0)
        close(fd);
    return orc_fail_errno(err, e, "--metrics %s can't be listened at", address);
}

static int refuse(const char *address, struct orc_err *err)
{
    return orc_fail(err, -EINVAL, "--metrics \"%s\": ADDR:PORT is expected, such as 10.0.0.11:9420", address);
}

/* "10.0.0.11:9420", "[::1]:9420", ":9420" */
static int listen_at(const char *address, struct orc_err *err)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    const char *colon = strrchr(address, ':');
    orc_auto_free char *host = NULL;
    struct addrinfo *found = NULL;
    int64_t port;
    size_t n;
    int r;

    if (!colon || orc_parse_int(colon + 1, 1, 65535, &port, NULL) < 0)
        return refuse(address, err);
    n = (size_t)(colon - address);
    host = n > 2 && address[0] == '[' && colon[-1] == ']' ? orc_strndup(address + 1, n - 2)
                                                          : orc_strndup(address, n);
    if (getaddrinfo(*host ? host : NULL, colon + 1, &hints, &found) != 0)
        return refuse(address, err);
    r = open_listener(found, address, err);
    freeaddrinfo(found);
    return r;
}

static void watch_daemon(struct orc_metrics *m, uv_loop_t *loop)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    uv_poll_init(loop, &m->poll, info->epoll_fd);
    uv_timer_init(loop, &m->timer);
    m->open_handles = 2;
    m->poll.data = m->timer.data = m;
    uv_unref((uv_handle_t *)&m->poll); /* being scraped is no reason to live */
    uv_unref((uv_handle_t *)&m->timer);
    uv_poll_start(&m->poll, UV_READABLE, on_poll);
}

int orc_metrics_serve(uv_loop_t *loop, const char *address,
                      void (*collect)(struct orc_metrics_text *t, void *arg), void *arg,
                      struct orc_metrics **ret, struct orc_err *err)
{
    struct orc_metrics *m;
    int fd = listen_at(address, err);

    if (fd < 0)
        return fd;
    m = orc_new(struct orc_metrics);
    *m = (struct orc_metrics){.collect = collect, .arg = arg, .started = (double)orc_wall_ms() / 1e3};
    m->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, m, MHD_OPTION_LISTEN_SOCKET, fd,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    if (!m->daemon) {
        close(fd);
        free(m);
        return orc_fail(err, -EIO, "--metrics %s: the server can't be started", address);
    }
    watch_daemon(m, loop);
    *ret = m;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct orc_metrics *m = handle->data;

    if (--m->open_handles == 0)
        free(m);
}

struct orc_metrics *orc_metrics_free(struct orc_metrics *m)
{
    if (!m)
        return NULL;
    uv_poll_stop(&m->poll);
    MHD_stop_daemon(m->daemon);
    uv_close((uv_handle_t *)&m->poll, on_closed);
    uv_close((uv_handle_t *)&m->timer, on_closed);
    return NULL;
}
