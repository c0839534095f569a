#include "nodelet/stop.h"

#include "nodelet/docker_container.h"
#include "nodelet/statedir.h"

#include "lib/http.h"
#include "lib/mem.h"

#include <stdio.h>

#define AT_ONCE 8            /* containers that are being stopped at the same time */
#define STOP_MS (10 * 60000) /* for one to stop: its grace period is the engine's to keep */

struct stopping {
    struct docker *docker;
    const struct stop_opts *opts;
    const char *cluster_id;
    struct orc_strv ids; /* what runs */
    size_t next, in_flight;
    bool failed;
    struct orc_err *err;
};

static void stop_some(struct stopping *s);

/* The first trouble is what is told; the others are stopped nevertheless. */
static void trouble(struct stopping *s, const char *what, const struct docker_res *res)
{
    if (!s->failed)
        orc_fail(s->err, -EIO, "%s: %s", what, res->text);
    s->failed = true;
}

static void on_stopped(const struct docker_res *res, void *arg)
{
    struct stopping *s = arg;

    s->in_flight--;
    if (res->kind != DOCKER_OK && res->kind != DOCKER_NOT_FOUND)
        trouble(s, "a container was not stopped", res);
    stop_some(s);
}

/* Without a time-out in the request the engine uses the container's own. */
static void stop_some(struct stopping *s)
{
    while (s->in_flight < AT_ONCE && s->next < s->ids.n) {
        orc_auto_free char *path = orc_printf("/containers/%s/stop", s->ids.at[s->next++]);
        struct docker_req req = {
            .path = path, .post = true, .timeout_ms = STOP_MS, .cb = on_stopped, .arg = s};

        s->in_flight++;
        docker_request(s->docker, &req);
    }
}

static void on_list(const struct docker_res *res, void *arg)
{
    struct stopping *s = arg;
    struct docker_container c;
    const json_t *item;
    size_t i;

    if (res->kind != DOCKER_OK || !json_is_array(res->json)) {
        trouble(s, "the engine's containers can't be listed", res);
        return;
    }
    json_array_foreach(res->json, i, item)
    {
        if (docker_container_from_list(item, &c) == 0 && c.running && strlen(c.id) <= DOCKER_ID_MAX &&
            orc_streq(c.cluster, s->cluster_id))
            orc_strv_add(&s->ids, c.id);
    }
    stop_some(s);
}

static void on_engine(const struct docker_res *res, void *arg)
{
    struct stopping *s = arg;
    orc_auto_free char *filter = NULL, *escaped = NULL, *path = NULL;

    if (res->kind != DOCKER_OK) {
        trouble(s, "nothing was stopped", res);
        return;
    }
    filter = orc_printf("{\"label\":[\"orc.cluster=%s\",\"orc.node=%s\"]}", s->cluster_id, s->opts->name);
    escaped = orc_http_escape(filter);
    path = orc_printf("/containers/json?filters=%s", escaped);
    docker_request(s->docker,
                   &(struct docker_req){.path = path, .max_body = 16 * 1024 * 1024, .cb = on_list, .arg = s});
}

static int run(struct stopping *s)
{
    uv_loop_t loop;
    int r = uv_loop_init(&loop);

    if (r < 0)
        return orc_fail(s->err, r, "no event loop can be made: %s", uv_strerror(r));
    s->docker = docker_new(&loop, s->opts->docker);
    docker_negotiate(s->docker, on_engine, s);
    uv_run(&loop, UV_RUN_DEFAULT);
    docker_free(s->docker);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return s->failed ? -EIO : 0;
}

int stop_containers(const struct stop_opts *opts, size_t *ret_n, struct orc_err *err)
{
    struct stopping s = {.opts = opts, .err = err};
    struct statedir state;
    int r = statedir_open(&state, opts->state_dir ? opts->state_dir : STATEDIR_DEFAULT, err);

    s.cluster_id = state.cluster_id;
    if (r > 0)
        r = -EIO; /* the cluster is not known: nothing is stopped by guess */
    if (r == 0 && s.cluster_id)
        r = run(&s);
    if (r == 0)
        *ret_n = s.ids.n;
    orc_strv_release(&s.ids);
    statedir_release(&state);
    return r;
}
