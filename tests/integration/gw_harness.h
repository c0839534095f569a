/* gw_harness.h - a real orc-gateway with a real NGINX and a real etcd, and short names for what tests do to
 * them.
 *
 * Everything lives in a temporary folder and on ports that the kernel gave. NGINX outlives orc-gateway by
 * design, so a janitor process ends it and removes the folder when the test program is gone, however it
 * ended.
 */
#ifndef TESTS_INTEGRATION_GW_HARNESS_H
#define TESTS_INTEGRATION_GW_HARNESS_H

#include "tests/integration/etcd_server.h"
#include "tests/integration/gw_backends.h"
#include "tests/integration/loop_until.h"

#include "lib/file.h"
#include "state/etcd_sync.h"
#include "state/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#define GW_CLUSTER_ID "0123456789abcdef0123456789abcdef"

struct gwt {
    uv_loop_t loop;
    struct etcd_server server;
    struct etcd *etcd;
    struct gw_shared *shared;
    pid_t actors[GW_CLIENTS + 1];
    pid_t gateway;
    int port;     /* NGINX's */
    int listener; /* handed on as LISTEN_FDS; -1: none */
    int janitor;  /* the pipe whose end tells it */
    bool retire;
    const char *nginx; /* the program */
    char dir[64];
    char id[16];
};

/* ---- processes */

ORC_UNUSED static const char *gw_binary(void)
{
    static char path[256];
    const char *build = getenv("BUILD");

    snprintf(path, sizeof path, "%s/orc-gateway", build ? build : "build");
    return path;
}

ORC_UNUSED static pid_t gw_nginx_master(const struct gwt *g)
{
    char path[128], text[32] = "";
    int fd;

    snprintf(path, sizeof path, "%s/nginx/nginx.pid", g->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    close(fd);
    return atoi(text);
}

ORC_UNUSED static int gw_janitor_start(const struct gwt *g)
{
    int fds[2];
    char c;

    if (pipe2(fds, O_CLOEXEC) < 0)
        abort();
    if (fork() == 0) {
        setsid();
        close(fds[1]);
        while (read(fds[0], &c, 1) < 0 && errno == EINTR)
            ;
        if (gw_nginx_master(g) > 1)
            kill(-gw_nginx_master(g), SIGKILL);
        usleep(50000);
        etcd_remove_tree(g->dir);
        _exit(0);
    }
    close(fds[0]);
    return fds[1];
}

ORC_UNUSED static void gw_gateway_exec(const struct gwt *g)
{
    char listen[64], log[128];
    int fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", g->port);
    snprintf(log, sizeof log, "%s/gateway.log", g->dir);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(fd, 1);
    dup2(fd, 2);
    if (g->listener >= 0) {
        dup2(g->listener, 3);
        fcntl(3, F_SETFD, 0);
        setenv("LISTEN_FDS", "1", 1);
    }
    execl(gw_binary(), "orc-gateway", "--etcd", g->server.url, "--id", g->id, "--state-dir", g->dir,
          "--workers", "2", "--nginx", g->nginx, g->retire ? "--retire" : "--log-level=debug",
          g->listener >= 0 ? NULL : "--listen", listen, NULL);
    perror(gw_binary());
    _exit(127);
}

ORC_UNUSED static void gw_start(struct gwt *g)
{
    g->gateway = fork();
    if (g->gateway == 0)
        gw_gateway_exec(g);
}

/* A clean stop ends with 0; under sanitizers that also means no leak. */
ORC_UNUSED static void gw_end(struct gwt *g, int signum)
{
    int status = 0;

    if (g->gateway <= 0)
        return;
    kill(g->gateway, signum);
    waitpid(g->gateway, &status, 0);
    g->gateway = 0;
    if (signum == SIGTERM && status != 0) {
        orc_auto_free char *command = orc_printf("cat %s/gateway.log >&2", g->dir);
        (void)!system(command);
        fail_msg("orc-gateway ended with status 0x%x", (unsigned)status);
    }
}

/* ---- records */

ORC_UNUSED static char *gw_key(const char *rest)
{
    return orc_printf("/orc/default/%s", rest);
}

ORC_UNUSED static int64_t gw_put_leased(struct gwt *g, const char *rest, const char *value, int64_t lease)
{
    orc_auto_free char *key = gw_key(rest);
    struct etcd_answer a = {0};
    struct orc_err err = ORC_ERR_INIT;
    int64_t revision;

    if (etcd_sync_put(g->etcd, &g->loop, key, value, lease, &a, &err) < 0)
        fail_msg("%s", err.msg);
    revision = a.revision;
    etcd_answer_release(&a);
    return revision;
}

ORC_UNUSED static int64_t gw_put(struct gwt *g, const char *rest, const char *value)
{
    return gw_put_leased(g, rest, value, 0);
}

ORC_UNUSED static void gw_delete(struct gwt *g, const char *rest)
{
    orc_auto_free char *key = gw_key(rest);
    struct etcd_answer a = {0};

    assert_int_equal(etcd_sync_delete(g->etcd, &g->loop, key, &a, NULL), 0);
    etcd_answer_release(&a);
}

/* The value, freed by the caller; NULL when the key is absent or etcd is away. */
ORC_UNUSED static char *gw_get(struct gwt *g, const char *rest)
{
    orc_auto_free char *key = gw_key(rest);
    struct etcd_answer a = {0};
    char *value = NULL;

    if (etcd_sync_get(g->etcd, &g->loop, key, &a, NULL) == 0 && a.kvs.n > 0)
        value = orc_strdup(a.kvs.at[0].value);
    etcd_answer_release(&a);
    return value;
}

ORC_UNUSED static int64_t gw_lease(struct gwt *g, int64_t ttl_s)
{
    struct etcd_answer a = {0};
    int64_t id;

    assert_int_equal(etcd_sync_lease_grant(g->etcd, &g->loop, ttl_s, &a, NULL), 0);
    id = a.lease;
    etcd_answer_release(&a);
    return id;
}

ORC_UNUSED static void gw_revoke(struct gwt *g, int64_t lease)
{
    struct etcd_answer a = {0};

    assert_int_equal(etcd_sync_lease_revoke(g->etcd, &g->loop, lease, &a, NULL), 0);
    etcd_answer_release(&a);
}

ORC_UNUSED static void gw_put_config(struct gwt *g)
{
    struct record_config c = {0};
    orc_auto_free char *text = NULL;

    record_config_default(&c, GW_CLUSTER_ID);
    text = record_config_text(&c);
    gw_put(g, "config", text);
    record_config_release(&c);
}

/* Revision n of shop/<service>, with one route. */
ORC_UNUSED static void gw_put_revision(struct gwt *g, const char *service, int n, const char *host,
                                       const char *path, bool strip)
{
    orc_auto_free char *rest = orc_printf("revisions/shop/%s/%08d", service, n), *text = NULL;
    struct record_revision rev = {.spec = spec_service_new(service), .at = 1};
    struct spec_gateway *route = orc_vec_add(&rev.spec->gateway);

    orc_set_str(&rev.spec->image, "workload:1");
    route->host = orc_strdup(host);
    route->path = orc_strdup(path);
    route->port = 8080;
    route->strip_prefix = strip;
    rev.by = orc_strdup("test");
    spec_service_hash(rev.spec, rev.hash, rev.container_hash);
    text = record_revision_text(&rev);
    gw_put(g, rest, text);
    record_revision_release(&rev);
}

ORC_UNUSED static void gw_put_rollout(struct gwt *g, const char *service, enum rollout_state state,
                                      int target, int complete)
{
    orc_auto_free char *rest = orc_printf("rollouts/shop/%s", service), *text = NULL;
    struct record_rollout r = {.state = state,
                               .generation = 1,
                               .wanted = target,
                               .target = target,
                               .complete = complete,
                               .replicas = 3};

    text = record_rollout_text(&r);
    gw_put(g, rest, text);
}

ORC_UNUSED static char *gw_endpoint_rest(const char *service, int slot)
{
    return orc_printf("endpoints/shop/%s/shop.%s.%d.1", service, service, slot);
}

/* Endpoint `slot` of shop/<service> is backend `slot`; port_name is the route's host and path. */
ORC_UNUSED static int64_t gw_put_endpoint(struct gwt *g, const char *service, int slot, const char *port_name,
                                          enum endpoint_state state, int64_t lease)
{
    orc_auto_free char *rest = gw_endpoint_rest(service, slot), *text = NULL, *name = orc_strdup(port_name);
    char address[32], node[] = "k1";
    struct endpoint_port port = {.name = name, .port = (uint16_t)g->shared->port};
    struct record_endpoint e = {.node = node, .address = address, .state = state, .ports = {&port, 1, 1}};

    gw_backend_address(slot, address);
    text = record_endpoint_text(&e);
    return gw_put_leased(g, rest, text, lease);
}

ORC_UNUSED static void gw_delete_endpoint(struct gwt *g, const char *service, int slot)
{
    orc_auto_free char *rest = gw_endpoint_rest(service, slot);

    gw_delete(g, rest);
}

ORC_UNUSED static void gw_put_alive(struct gwt *g, int64_t lease)
{
    gw_put_leased(g, "alive/k1", "{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}", lease);
}

/* ---- waiting */

ORC_UNUSED static bool gw_wait(struct gwt *g, bool (*holds)(void *arg), void *arg)
{
    return loop_until(&g->loop, holds, arg);
}

struct gw_ack {
    struct gwt *g;
    int64_t revision;
    const char *task; /* must not be listed; NULL: anything may */
};

ORC_UNUSED static bool gw_is_acknowledged(void *arg)
{
    struct gw_ack *w = arg;
    orc_auto_free char *rest = orc_printf("gateway-alive/%s", w->g->id);
    orc_auto_free char *value = gw_get(w->g, rest);
    struct record_gateway_alive a = {0};
    bool ok;

    if (!value || record_gateway_alive_parse(value, strlen(value), &a, NULL) < 0)
        return false;
    ok = a.served >= w->revision;
    for (size_t i = 0; w->task && i < a.inflight.n; i++)
        ok = ok && strcmp(a.inflight.at[i].task, w->task) != 0;
    record_gateway_alive_release(&a);
    return ok;
}

ORC_UNUSED static void gw_await_ack(struct gwt *g, int64_t revision, const char *task)
{
    struct gw_ack w = {g, revision, task};

    assert_true(gw_wait(g, gw_is_acknowledged, &w));
}

/* One request on a connection of its own; its status, 0 when there was no answer. The answer is in `text`. */
ORC_UNUSED static int gw_ask(const struct gwt *g, const char *method, const char *host, const char *path,
                             char text[4096])
{
    orc_auto_free char *ask =
        orc_printf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", method, path, host,
                   strcmp(method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
    int fd = gw_connect(g->port), status = 0;

    text[0] = '\0';
    if (fd >= 0 && send(fd, ask, strlen(ask), MSG_NOSIGNAL) > 0)
        status = gw_read_answer(fd, text, 4096);
    if (fd >= 0)
        close(fd);
    return status;
}

ORC_UNUSED static int gw_status(const struct gwt *g, const char *host, const char *path)
{
    char text[4096];

    return gw_ask(g, "GET", host, path, text);
}

struct gw_answer {
    struct gwt *g;
    const char *host, *path;
    int status;
};

ORC_UNUSED static bool gw_answers(void *arg)
{
    struct gw_answer *w = arg;

    return gw_status(w->g, w->host, w->path) == w->status;
}

ORC_UNUSED static void gw_await_status(struct gwt *g, const char *host, const char *path, int status)
{
    struct gw_answer w = {g, host, path, status};

    if (!gw_wait(g, gw_answers, &w))
        fail_msg("%s%s answers %d, not %d", host, path, gw_status(g, host, path), status);
}

struct gw_count {
    atomic_long *value;
    long at_least;
};

ORC_UNUSED static bool gw_counts(void *arg)
{
    struct gw_count *w = arg;

    return *w->value >= w->at_least;
}

ORC_UNUSED static void gw_await_count(struct gwt *g, atomic_long *value, long at_least)
{
    struct gw_count w = {value, at_least};

    assert_true(gw_wait(g, gw_counts, &w));
}

ORC_UNUSED static void gw_await_more(struct gwt *g, atomic_long *value, long more)
{
    gw_await_count(g, value, *value + more);
}

struct gw_logged {
    struct gwt *g;
    const char *text;
    int times;
};

ORC_UNUSED static bool gw_has_logged(void *arg)
{
    struct gw_logged *w = arg;
    orc_auto_free char *path = orc_printf("%s/gateway.log", w->g->dir), *text = NULL;

    const char *at;
    int times = 0;

    if (orc_file_read(path, 16u << 20, &text, NULL, NULL) < 0)
        return false;
    for (at = text; (at = strstr(at, w->text)); at++)
        times++;
    return times >= w->times;
}

ORC_UNUSED static void gw_await_logs(struct gwt *g, const char *text, int times)
{
    struct gw_logged w = {g, text, times};

    if (!gw_wait(g, gw_has_logged, &w))
        fail_msg("the log does not say \"%s\" %d times", text, times);
}

ORC_UNUSED static void gw_await_log(struct gwt *g, const char *text)
{
    gw_await_logs(g, text, 1);
}

struct gw_listens {
    struct gwt *g;
    int slot;
    bool on;
};

ORC_UNUSED static bool gw_backend_is(void *arg)
{
    struct gw_listens *w = arg;

    return (w->g->shared->backend[w->slot].listens != 0) == w->on;
}

ORC_UNUSED static void gw_backend_switch(struct gwt *g, int slot, bool on)
{
    struct gw_listens w = {g, slot, on};

    g->shared->backend[slot].on = on;
    assert_true(gw_wait(g, gw_backend_is, &w));
}

/* ---- load */

ORC_UNUSED static void gw_load_start(struct gwt *g, int conns)
{
    g->shared->load.port = g->port;
    g->shared->load.conns = conns;
    g->shared->load.on = 1;
    gw_await_more(g, &g->shared->load.ok, 10);
}

ORC_UNUSED static void gw_load_assert_no_failure(struct gwt *g)
{
    if (g->shared->load.failed != 0)
        fail_msg("%ld of %ld requests failed; the first: %s", (long)g->shared->load.failed,
                 (long)(g->shared->load.ok + g->shared->load.failed), g->shared->load.first_failure);
}

ORC_UNUSED static void gw_load_stop(struct gwt *g)
{
    g->shared->load.on = 0;
    gw_load_assert_no_failure(g);
}

/* ---- a world */

ORC_UNUSED static struct gwt *gw_world(void)
{
    struct gwt *g = orc_new(struct gwt);
    struct orc_strv urls = {0};
    struct etcd_opts opts = {.endpoints = &urls};

    g->listener = -1;
    g->nginx = "/usr/sbin/nginx";
    snprintf(g->id, sizeof g->id, "gw1");
    snprintf(g->dir, sizeof g->dir, "/tmp/orc-gw-XXXXXX");
    assert_non_null(mkdtemp(g->dir));
    chmod(g->dir, 0755);
    g->janitor = gw_janitor_start(g);
    g->shared = gw_shared_new();
    g->shared->port = etcd_free_port();
    gw_actors_start(g->shared, g->actors);
    etcd_server_start(&g->server);
    g->port = etcd_free_port(); /* not one of etcd's, which answers 404 */
    uv_loop_init(&g->loop);
    orc_strv_add(&urls, g->server.url);
    g->etcd = etcd_new(&g->loop, &opts, NULL);
    orc_strv_release(&urls);
    gw_put_config(g);
    return g;
}

/* shop/web with a route for every host, "/web/" stripped, and `n` ready endpoints on a lease that `alive`
 * shares. */
ORC_UNUSED static int64_t gw_put_web(struct gwt *g, int n)
{
    int64_t lease = gw_lease(g, 3600);

    gw_put_alive(g, lease);
    gw_put_revision(g, "web", 1, "", "/web/", true);
    gw_put_rollout(g, "web", ROLLOUT_COMPLETE, 1, 1);
    for (int i = 0; i < n; i++) {
        gw_backend_switch(g, i, true);
        gw_put_endpoint(g, "web", i, "/web/", ENDPOINT_READY, lease);
    }
    return lease;
}

ORC_UNUSED static void gw_world_end(struct gwt *g)
{
    int status;

    gw_end(g, SIGTERM);
    for (int i = 0; i <= GW_CLIENTS; i++) {
        kill(g->actors[i], SIGKILL);
        waitpid(g->actors[i], NULL, 0);
    }
    g->etcd = etcd_free(g->etcd);
    loop_close(&g->loop);
    etcd_server_stop(&g->server);
    munmap(g->shared, sizeof *g->shared);
    close(g->janitor);
    while (waitpid(-1, &status, 0) > 0)
        ;
    free(g);
}

#endif
