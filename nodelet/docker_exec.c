/* docker_exec.c - a program in a running container: create the exec, start it attached (its end is the end of
 * the stream), then ask for its exit code. */
#include "nodelet/docker_container.h"

#include "lib/file.h"
#include "lib/mem.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct docker_exec {
    struct docker *d;
    struct docker_call *call;
    char id[DOCKER_ID_MAX + 1]; /* of the exec; "" until created */
    char *container;
    bool cancelled, started;
    docker_exec_cb *cb;
    void *arg;
};

static void finish(struct docker_exec *x, enum docker_kind kind, const char *text, int exit_code)
{
    if (!x->cancelled)
        x->cb(kind, text, exit_code, x->arg);
    free(x->container);
    free(x);
}

static void request(struct docker_exec *x, const char *path, const json_t *body, bool discard, docker_cb *cb)
{
    struct docker_req req = {.path = path,
                             .body = body,
                             .discard = discard,
                             .timeout_ms = discard ? UINT64_MAX : 0,
                             .cb = cb,
                             .arg = x};

    x->call = docker_request(x->d, &req);
}

/* Only a process of that very container is killed: its id is in the process's control groups. */
static void kill_in_container(pid_t pid, const char *container)
{
    orc_auto_free char *path = orc_printf("/proc/%d/cgroup", (int)pid);
    orc_auto_free char *cgroup = NULL;

    if (pid > 1 && orc_file_read(path, 65536, &cgroup, NULL, NULL) == 0 && strstr(cgroup, container))
        kill(pid, SIGKILL);
}

static void on_result(const struct docker_res *res, void *arg)
{
    struct docker_exec *x = arg;
    const json_t *pid = json_object_get(res->json, "Pid"), *code = json_object_get(res->json, "ExitCode");
    bool running = json_is_true(json_object_get(res->json, "Running"));

    x->call = NULL;
    if (x->cancelled && running && json_is_integer(pid))
        kill_in_container((pid_t)json_integer_value(pid), x->container);
    if (res->kind != DOCKER_OK)
        finish(x, res->kind, res->text, -1);
    else if (!json_is_integer(code))
        finish(x, DOCKER_TROUBLE, "the engine does not tell the exit code of the program", -1);
    else
        finish(x, DOCKER_OK, "", (int)json_integer_value(code));
}

static void ask_result(struct docker_exec *x)
{
    orc_auto_free char *path = orc_printf("/exec/%s/json", x->id);

    request(x, path, NULL, false, on_result);
}

static void on_started(const struct docker_res *res, void *arg)
{
    struct docker_exec *x = arg;

    x->call = NULL;
    if (res->kind != DOCKER_OK && !x->cancelled)
        finish(x, res->kind, res->text, -1);
    else
        ask_result(x); /* when cancelled: to find the process that is to be killed */
}

static void on_created(const struct docker_res *res, void *arg)
{
    struct docker_exec *x = arg;
    const char *id = json_string_value(json_object_get(res->json, "Id"));
    orc_auto_free char *path = NULL;
    orc_auto_json json_t *body = NULL;

    x->call = NULL;
    if (x->cancelled || res->kind != DOCKER_OK || !id || strlen(id) > DOCKER_ID_MAX) {
        finish(x, res->kind == DOCKER_OK ? DOCKER_TROUBLE : res->kind,
               res->kind == DOCKER_OK ? "the engine created no exec" : res->text, -1);
        return;
    }
    snprintf(x->id, sizeof x->id, "%s", id);
    path = orc_printf("/exec/%s/start", x->id);
    body = json_pack("{s:b,s:b}", "Detach", 0, "Tty", 0);
    x->started = true;
    request(x, path, body, true, on_started);
}

struct docker_exec *docker_exec_start(struct docker *d, const char *ref, const struct orc_strv *argv,
                                      docker_exec_cb *cb, void *arg)
{
    struct docker_exec *x = orc_new(struct docker_exec);
    orc_auto_free char *path = orc_printf("/containers/%s/exec", ref);
    orc_auto_json json_t *body = json_object();
    json_t *cmd = json_array();

    x->d = d;
    x->cb = cb;
    x->arg = arg;
    x->container = orc_strdup(ref);
    for (size_t i = 0; i < argv->n; i++)
        json_array_append_new(cmd, json_string(argv->at[i]));
    json_object_set_new(body, "Cmd", cmd);
    json_object_set_new(body, "AttachStdout", json_true());
    json_object_set_new(body, "AttachStderr", json_true());
    request(x, path, body, false, on_created);
    return x;
}

void docker_exec_cancel(struct docker_exec *x)
{
    x->cancelled = true;
    if (x->call)
        docker_cancel(x->call);
}
