#include "lib/http_internal.h"

#include "lib/mem.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#define IDLE_CONNECTIONS 64L /* kept for reuse */

/* A socket of libcurl's that is being waited for. */
struct watched {
    uv_poll_t poll;
    struct orc_http *http;
    curl_socket_t fd;
};

void http_unref(struct orc_http *http)
{
    if (--http->refs == 0)
        free(http);
}

static void on_timer_closed(uv_handle_t *handle)
{
    http_unref(handle->data);
}

static void on_watched_closed(uv_handle_t *handle)
{
    struct watched *w = handle->data;

    http_unref(w->http);
    free(w);
}

static void collect_ended(struct orc_http *http)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(http->multi, &left))) {
        struct orc_http_call *call = NULL;
        CURLcode code = msg->data.result;

        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        http_call_ended(call, code);
    }
}

/* Lets libcurl work on one socket or its time-outs, then tells the users. */
static void act(struct orc_http *http, curl_socket_t fd, int events)
{
    int running;

    if (http->closed)
        return;
    curl_multi_socket_action(http->multi, fd, events, &running);
    collect_ended(http);
    http_run_ready(http);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watched *w = poll->data;
    int flags = 0;

    /* Of an error libcurl learns the reason only by trying; CURL_CSELECT_ERR would hide it. */
    if (status < 0)
        flags = CURL_CSELECT_IN | CURL_CSELECT_OUT;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(w->http, w->fd, flags);
}

static void on_timeout(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_kick(uv_timer_t *timer)
{
    http_run_ready(timer->data);
}

void http_kick(struct orc_http *http)
{
    uv_timer_start(&http->kick, on_kick, 0, 0);
}

static int on_curl_timer(CURLM *multi, long ms, void *arg)
{
    struct orc_http *http = arg;

    if (http->closed || ms < 0)
        uv_timer_stop(&http->timeout);
    else
        uv_timer_start(&http->timeout, on_timeout, (uint64_t)ms, 0);
    return 0;
}

static struct watched *watch(struct orc_http *http, curl_socket_t fd)
{
    struct watched *w = orc_new(struct watched);
    int r = uv_poll_init_socket(http->loop, &w->poll, fd);

    if (r < 0) {
        /* libcurl would leave every call hanging; a restart is the recovery */
        fprintf(stderr, "orc: socket %d can't be waited for: %s\n", (int)fd, uv_strerror(r));
        abort();
    }
    w->poll.data = w;
    w->http = http;
    w->fd = fd;
    http->refs++;
    curl_multi_assign(http->multi, fd, w);
    return w;
}

static void unwatch(struct watched *w)
{
    curl_multi_assign(w->http->multi, w->fd, NULL);
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_watched_closed);
}

/* tcp(7): with TCP_USER_TIMEOUT set, an unanswered probe ends the connection once the peer was silent for
 * that long. Done here and not when the socket is made, so that it holds for a reused connection as well; the
 * calls fail harmlessly on what is no TCP socket. */
static void set_dead_peer(curl_socket_t fd, uint64_t ms)
{
    int on = 1, timeout = ms > INT_MAX ? INT_MAX : (int)ms, probe = timeout / 4000 > 0 ? timeout / 4000 : 1;

    if (probe > 32767)
        probe = 32767; /* the kernel's MAX_TCP_KEEPIDLE */
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &probe, sizeof probe);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe, sizeof probe);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct orc_http *http = arg;
    struct watched *w = socket_arg;
    struct orc_http_call *call = NULL;
    int events = 0;

    if (what == CURL_POLL_REMOVE) {
        if (w)
            unwatch(w);
        return 0;
    }
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    if (call && call->dead_peer_ms)
        set_dead_peer(fd, call->dead_peer_ms);
    if (!w)
        w = watch(http, fd);
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    uv_poll_start(&w->poll, events, on_poll);
    return 0;
}

void http_loop_init(struct orc_http *http, uv_loop_t *loop)
{
    http->loop = loop;
    http->refs = 3;
    uv_timer_init(loop, &http->timeout);
    uv_timer_init(loop, &http->kick);
    http->timeout.data = http->kick.data = http;
    http->multi = curl_multi_init();
    if (!http->multi)
        abort();
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS);
}

void http_loop_close(struct orc_http *http)
{
    curl_multi_cleanup(http->multi);
    http->multi = NULL;
    uv_close((uv_handle_t *)&http->timeout, on_timer_closed);
    uv_close((uv_handle_t *)&http->kick, on_timer_closed);
}
