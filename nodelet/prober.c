#include "nodelet/prober.h"

#include "lib/mem.h"

#include <stdio.h>
#include <string.h>

#define MAX_BODY 65536

struct prober {
    prober_cb *cb; /* NULL: cancelled */
    void *arg;
    struct orc_http_call *http;
    struct docker_exec *exec;
    uv_tcp_t *tcp;
    uv_connect_t connect;
};

static void finish(struct prober *p, enum probe_result result, const char *text)
{
    if (p->cb)
        p->cb(result, text, p->arg);
    free(p);
}

/* ---- HTTP: 2xx and 3xx are well ------------------------------------------------------------------------ */

static void on_http(const struct orc_http_res *res, void *arg)
{
    struct prober *p = arg;
    bool answered = !res->error || (res->error == -EMSGSIZE && res->status);
    char text[256];

    p->http = NULL;
    if (res->error == -EMFILE || res->error == -ENFILE || res->error == -ENOMEM) {
        finish(p, PROBE_NOT_MADE, res->error_text);
        return;
    }
    if (answered)
        snprintf(text, sizeof text, "HTTP %d", res->status);
    else
        snprintf(text, sizeof text, "%s", res->error_text);
    finish(p, answered && res->status >= 200 && res->status < 400 ? PROBE_OK : PROBE_FAILED, text);
}

/* Each probe on a connection of its own: one kept from the last probe may have died with the last run. */
static void start_http(struct prober *p, const struct prober_env *env, const struct spec_health *spec,
                       const char *address)
{
    static const char *const headers[] = {"Connection: close", "User-Agent: orc-probe", NULL};
    orc_auto_free char *url =
        orc_printf("http://%s:%u%s", address, spec->port, spec->path ? spec->path : "/");
    struct orc_http_req req = {.url = url,
                               .headers = headers,
                               .timeout_ms = spec->timeout_ms + 1000, /* the caller's comes first */
                               .connect_timeout_ms = spec->timeout_ms + 1000,
                               .max_body = MAX_BODY,
                               .on_done = on_http,
                               .arg = p};

    p->http = orc_http_start(env->http, &req);
}

/* ---- TCP: a connection is well --------------------------------------------------------------------------
 */

static void on_tcp_closed(uv_handle_t *h)
{
    free(h);
}

static void on_tcp(uv_connect_t *req, int status)
{
    struct prober *p = req->data;

    if (!uv_is_closing((uv_handle_t *)p->tcp))
        uv_close((uv_handle_t *)p->tcp, on_tcp_closed);
    if (status == 0)
        finish(p, PROBE_OK, "TCP connection accepted");
    else
        finish(p, status == UV_EMFILE || status == UV_ENFILE ? PROBE_NOT_MADE : PROBE_FAILED,
               uv_strerror(status));
}

/* connect() refused at once: libuv then calls nobody, so the closing does. */
static void on_tcp_refused(uv_handle_t *h)
{
    struct prober *p = h->data;

    free(h);
    finish(p, PROBE_FAILED, "the connection was refused by this machine's kernel");
}

static void start_tcp(struct prober *p, const struct prober_env *env, const struct spec_health *spec,
                      const char *address)
{
    struct sockaddr_in to;

    p->tcp = orc_new(uv_tcp_t);
    p->tcp->data = p;
    p->connect.data = p;
    uv_tcp_init(env->loop, p->tcp);
    if (uv_ip4_addr(address, spec->port, &to) < 0)
        memset(&to, 0, sizeof to);
    if (uv_tcp_connect(&p->connect, p->tcp, (const struct sockaddr *)&to, on_tcp) < 0)
        uv_close((uv_handle_t *)p->tcp, on_tcp_refused);
}

/* ---- exec: exit code 0 is well --------------------------------------------------------------------------
 */

static void on_exec(enum docker_kind kind, const char *text, int exit_code, void *arg)
{
    struct prober *p = arg;
    char words[40];

    p->exec = NULL;
    if (kind != DOCKER_OK) {
        finish(p, PROBE_NOT_MADE, text);
        return;
    }
    snprintf(words, sizeof words, "exit code %d", exit_code);
    finish(p, exit_code == 0 ? PROBE_OK : PROBE_FAILED, words);
}

struct prober *prober_start(const struct prober_env *env, const struct spec_health *spec, const char *address,
                            const char *container, prober_cb *cb, void *arg)
{
    struct prober *p = orc_new(struct prober);

    p->cb = cb;
    p->arg = arg;
    if (spec->kind == SPEC_HEALTH_HTTP)
        start_http(p, env, spec, address);
    else if (spec->kind == SPEC_HEALTH_TCP)
        start_tcp(p, env, spec, address);
    else
        p->exec = docker_exec_start(env->docker, container, &spec->exec, on_exec, p);
    return p;
}

void prober_cancel(struct prober *p)
{
    p->cb = NULL;
    if (p->http) {
        orc_http_cancel(p->http); /* ends in on_http() */
    } else if (p->tcp) {
        if (!uv_is_closing((uv_handle_t *)p->tcp))
            uv_close((uv_handle_t *)p->tcp, on_tcp_closed); /* ends in on_tcp() with UV_ECANCELED */
    } else if (p->exec) {
        docker_exec_cancel(p->exec);
        free(p);
    }
}
