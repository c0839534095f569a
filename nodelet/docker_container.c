#include "nodelet/docker_container.h"

#include "lib/http.h"
#include "lib/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *string_at(const json_t *obj, const char *key)
{
    const char *s = json_string_value(json_object_get(obj, key));

    return s ? s : "";
}

static void take_labels(const json_t *labels, struct docker_container *c)
{
    c->task = string_at(labels, "orc.task");
    c->cluster = string_at(labels, "orc.cluster");
    c->hash = string_at(labels, "orc.hash");
    c->sidecar = string_at(labels, "orc.sidecar");
}

/* "Status" of inspect and "State" of list: created, running, paused, restarting, removing, exited, dead. */
static void take_state(const char *state, struct docker_container *c)
{
    c->running = strcmp(state, "running") == 0 || strcmp(state, "paused") == 0;
    c->created = strcmp(state, "created") == 0;
    c->removing = strcmp(state, "removing") == 0;
}

int docker_container_from_inspect(const json_t *j, struct docker_container *ret)
{
    const json_t *state = json_object_get(j, "State");
    struct docker_container c = {.id = string_at(j, "Id")};

    if (!*c.id || strlen(c.id) > DOCKER_ID_MAX || !json_is_object(state))
        return -EINVAL;
    take_labels(json_object_get(json_object_get(j, "Config"), "Labels"), &c);
    take_state(string_at(state, "Status"), &c);
    c.exit_code = (int)json_integer_value(json_object_get(state, "ExitCode"));
    c.oom = json_is_true(json_object_get(state, "OOMKilled"));
    c.started = string_at(state, "StartedAt");
    c.network_mode = string_at(json_object_get(j, "HostConfig"), "NetworkMode");
    *ret = c;
    return 0;
}

int docker_container_from_list(const json_t *j, struct docker_container *ret)
{
    struct docker_container c = {.id = string_at(j, "Id")};

    if (!*c.id || strlen(c.id) > DOCKER_ID_MAX)
        return -EINVAL;
    take_labels(json_object_get(j, "Labels"), &c);
    take_state(string_at(j, "State"), &c);
    *ret = c;
    return 0;
}

struct docker_call *docker_container_create(struct docker *d, const char *name, const char *platform,
                                            const json_t *config, docker_cb *cb, void *arg)
{
    orc_auto_free char *path = orc_printf("/containers/create?name=%s%s%s", name,
                                          platform ? "&platform=" : "", platform ? platform : "");
    struct docker_req req = {.path = path, .body = config, .cb = cb, .arg = arg};

    return docker_request(d, &req);
}

struct docker_call *docker_container_start(struct docker *d, const char *ref, docker_cb *cb, void *arg)
{
    orc_auto_free char *path = orc_printf("/containers/%s/start", ref);
    struct docker_req req = {.path = path, .post = true, .timeout_ms = 120000, .cb = cb, .arg = arg};

    return docker_request(d, &req);
}

struct docker_call *docker_container_stop(struct docker *d, const char *ref, uint64_t grace_ms, docker_cb *cb,
                                          void *arg)
{
    uint64_t seconds = (grace_ms + 999) / 1000;
    orc_auto_free char *path = orc_printf("/containers/%s/stop?t=%" PRIu64, ref, seconds);
    struct docker_req req = {
        .path = path, .post = true, .timeout_ms = seconds * 1000 + 15000, .cb = cb, .arg = arg};

    return docker_request(d, &req);
}

/* A success in disguise: what was to be ended is not running (409) or not there (404). */
struct forgiving {
    docker_cb *cb;
    void *arg;
    bool conflict; /* 409 is a success as well */
};

static void on_forgiving(const struct docker_res *res, void *arg)
{
    struct forgiving *f = arg;
    struct docker_res ok = {.kind = DOCKER_OK, .status = res->status, .text = ""};
    bool forgiven = res->kind == DOCKER_NOT_FOUND || (f->conflict && res->kind == DOCKER_CONFLICT);

    f->cb(forgiven ? &ok : res, f->arg);
    free(f);
}

static struct forgiving *forgiving_new(docker_cb *cb, void *arg, bool conflict)
{
    struct forgiving *f = orc_new(struct forgiving);

    *f = (struct forgiving){.cb = cb, .arg = arg, .conflict = conflict};
    return f;
}

struct docker_call *docker_container_kill(struct docker *d, const char *ref, docker_cb *cb, void *arg)
{
    orc_auto_free char *path = orc_printf("/containers/%s/kill", ref);
    struct docker_req req = {
        .path = path, .post = true, .cb = on_forgiving, .arg = forgiving_new(cb, arg, true)};

    return docker_request(d, &req);
}

struct docker_call *docker_container_remove(struct docker *d, const char *ref, bool force, docker_cb *cb,
                                            void *arg)
{
    orc_auto_free char *path = orc_printf("/containers/%s?v=1%s", ref, force ? "&force=1" : "");
    struct docker_req req = {.method = "DELETE",
                             .path = path,
                             .timeout_ms = 120000,
                             .cb = on_forgiving,
                             .arg = forgiving_new(cb, arg, false)};

    return docker_request(d, &req);
}

struct docker_call *docker_container_inspect(struct docker *d, const char *ref, docker_cb *cb, void *arg)
{
    orc_auto_free char *path = orc_printf("/containers/%s/json", ref);
    struct docker_req req = {.path = path, .cb = cb, .arg = arg};

    return docker_request(d, &req);
}

struct docker_call *docker_container_list(struct docker *d, const char *label, docker_cb *cb, void *arg)
{
    orc_auto_free char *filter = orc_printf("{\"label\":[\"%s\"]}", label);
    orc_auto_free char *escaped = orc_http_escape(filter);
    orc_auto_free char *path = orc_printf("/containers/json?all=1&filters=%s", escaped);
    struct docker_req req = {.path = path, .max_body = 16 * 1024 * 1024, .cb = cb, .arg = arg};

    return docker_request(d, &req);
}
