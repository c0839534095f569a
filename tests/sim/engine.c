/* engine.c - stands in for nodelet's Docker client: one simulated Docker Engine per server, with containers
 * that behave as their image says. Above docker_request() all is nodelet's own code. */
#include "tests/sim/cluster.h"

#include <stdio.h>
#include <stdlib.h>

struct docker {
    struct sim_node *node;
    struct sim_proc *proc;
    LIST_HEAD(, docker_call) calls;
};

struct docker_call {
    LIST_ENTRY(docker_call) link;
    struct docker *d;
    struct sim_event event;
    char *method, *path;
    json_t *body;
    bool stream;
    void (*on_line)(const json_t *line, void *arg);
    docker_cb *cb;
    void *arg;
    bool waits; /* for a container to stop, or of events: nothing is due by itself */
    bool lies;  /* it is done, and answered with an error */
    uint64_t asked_at;
};

struct sim_stop { /* a stop that waits for its container's end */
    struct sim_stop *next;
    struct docker_call *call; /* NULL: its caller is gone */
    struct sim_event kill;
    struct sim_container *c;
};

/* ---- containers */

static const char *const tempers[] = {"good", "sick", "crashing", "once", "stubborn", "finished", "broken"};

static enum sim_temper temper_of(const char *image)
{
    for (size_t i = 0; i < SIM_TEMPERS; i++)
        if (strncmp(image, tempers[i], strlen(tempers[i])) == 0)
            return (enum sim_temper)i;
    return SIM_GOOD;
}

static struct sim_container *by_ref(const struct sim_node *n, const char *ref, size_t len)
{
    struct sim_container *c;

    for (c = n->containers; c; c = c->next)
        if ((strncmp(c->name, ref, len) == 0 && !c->name[len]) ||
            (strncmp(c->id, ref, len) == 0 && !c->id[len]))
            return c;
    return NULL;
}

struct sim_container *engine_by_address(const char *address)
{
    for (int i = 0; i < cluster.n_nodes; i++)
        for (struct sim_container *c = cluster.nodes[i].containers; c; c = c->next)
            if (c->state == SIM_RUNNING && strcmp(c->address, address) == 0)
                return c;
    return NULL;
}

struct sim_container *engine_by_task(const char *node, const char *task)
{
    for (int i = 0; i < cluster.n_nodes; i++)
        for (struct sim_container *c = cluster.nodes[i].containers; c; c = c->next)
            if (strcmp(c->task, task) == 0 && strcmp(c->node->name, node) == 0 && !*c->sidecar)
                return c;
    return NULL;
}

struct sim_container *engine_any_of(const char *node, const char *task, bool running)
{
    for (int i = 0; i < cluster.n_nodes; i++)
        for (struct sim_container *c = cluster.nodes[i].containers; c; c = c->next)
            if (strcmp(c->task, task) == 0 && strcmp(c->node->name, node) == 0 &&
                (!running || c->state == SIM_RUNNING))
                return c;
    return NULL;
}

struct sim_container *engine_main(const struct sim_container *c)
{
    return by_ref(c->node, c->joins, strlen(c->joins));
}

bool engine_is_joined(const struct sim_container *c)
{
    const struct sim_container *main = engine_main(c);

    return main && main->state == SIM_RUNNING && c->state == SIM_RUNNING && c->joined == main->starts;
}

bool engine_is_healthy(const struct sim_container *c)
{
    return c->state == SIM_RUNNING && c->temper != SIM_SICK && !c->sick_now && world.now >= c->healthy_at;
}

/* ---- events */

static void tell(struct docker *d, json_t *line)
{
    struct sim_proc *was = sim_become(d->proc);
    struct docker_call *call, *next;

    for (call = LIST_FIRST(&d->calls); call; call = next) {
        next = LIST_NEXT(call, link);
        if (call->stream && call->waits && call->on_line)
            call->on_line(line, call->arg);
    }
    sim_become(was);
}

/* For a process that is stopped: it lies in its socket. */
struct late_line {
    struct sim_event event;
    struct sim_node *node;
    struct docker *d;
    json_t *line;
};

static void tell_late(void *arg)
{
    struct late_line *l = arg;

    if (l->node->docker == l->d && l->node->engine_up)
        tell(l->d, l->line);
    json_decref(l->line);
    free(l);
}

static void tell_later(struct docker *d, json_t *line)
{
    struct late_line *l = orc_new(struct late_line);

    l->node = d->node;
    l->d = d;
    l->line = json_incref(line);
    sim_event_init(&l->event, d->proc, tell_late, l);
    sim_event_in(&l->event, 0);
}

static void event(struct sim_container *c, const char *action, const char *name, int code)
{
    struct docker *d = c->node->docker;
    json_t *line;
    char text[16];

    if (!d || !c->node->engine_up)
        return;
    snprintf(text, sizeof text, "%d", code);
    line = json_pack("{s:s, s:{s:s, s:{s:s, s:s}}}", "Action", action, "Actor", "ID", c->id, "Attributes",
                     "orc.task", c->task, "orc.sidecar", c->sidecar);
    if (name)
        json_object_set_new(json_object_get(json_object_get(line, "Actor"), "Attributes"), name,
                            json_string(text));
    if (d->proc->resume_at > world.now)
        tell_later(d, line);
    else
        tell(d, line);
    json_decref(line);
}

/* ---- answers */

static void answer(struct docker_call *call, enum docker_kind kind, const char *text, json_t *json)
{
    struct docker_res res = {.kind = kind, .text = kind == DOCKER_OK ? "" : text, .json = json};

    if (call->lies && kind == DOCKER_OK)
        res = (struct docker_res){.kind = DOCKER_TROUBLE, .text = "the Docker Engine answered 500: a fault"};
    sim_event_cancel(&call->event);
    LIST_REMOVE(call, link);
    call->cb(&res, call->arg);
    json_decref(json);
    json_decref(call->body);
    free(call->method);
    free(call->path);
    free(call);
}

static void fire_stopped(void *arg)
{
    answer(arg, DOCKER_OK, "", NULL);
}

/* A run is over: whoever waits for that is told. */
static void ended(struct sim_container *c, int exit_code)
{
    struct sim_stop *s;

    sim_event_cancel(&c->end);
    c->state = SIM_EXITED;
    c->exit_code = exit_code;
    c->ended_at = world.now;
    sim_say("%s: container %s ends with %d", c->node->name, c->task, exit_code);
    check_ended(c, exit_code);
    event(c, "die", "exitCode", exit_code);
    while ((s = c->stops)) {
        c->stops = s->next;
        sim_event_cancel(&s->kill);
        if (s->call) {
            s->call->waits = false;
            sim_event_init(&s->call->event, s->call->d->proc, fire_stopped, s->call);
            sim_event_in(&s->call->event, sim_below(3));
        }
        free(s);
    }
}

static void fire_end(void *arg)
{
    struct sim_container *c = arg;

    ended(c, c->term_at || c->temper == SIM_FINISHED ? 0 : 1);
}

void engine_crash(struct sim_container *c, int exit_code)
{
    if (c->state == SIM_RUNNING)
        ended(c, exit_code);
}

static void run(struct sim_container *c)
{
    bool crashes = c->temper == SIM_CRASHING || (c->temper == SIM_ONCE_CRASHED && c->starts == 0);

    check_started(c);
    c->state = SIM_RUNNING;
    c->starts++;
    c->run = ++c->node->runs;
    if (*c->sidecar)
        c->joined = engine_main(c)->starts;
    c->started_at = world.now;
    c->healthy_at = world.now + sim_below(800);
    c->sick_now = false;
    c->term_at = 0;
    if (crashes || c->temper == SIM_FINISHED)
        sim_event_in(&c->end, 50 + sim_below(8000));
    sim_say("%s: container %s runs at %s", c->node->name, c->task, c->address);
    event(c, "start", NULL, 0);
}

static void free_container(struct sim_container *c)
{
    struct sim_stop *s;

    sim_event_cancel(&c->end);
    while ((s = c->stops)) {
        c->stops = s->next;
        sim_event_cancel(&s->kill);
        free(s);
    }
    free(c->id);
    free(c->name);
    free(c->task);
    free(c->cluster_id);
    free(c->hash);
    free(c->sidecar);
    free(c->joins);
    free(c);
}

static void forget(struct sim_container *c)
{
    struct sim_container **at = &c->node->containers;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    free_container(c);
}

/* ---- requests */

static const char *string_at(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));

    return s ? s : "";
}

static int port_of(const json_t *host)
{
    const json_t *bindings = json_object_get(host, "PortBindings"), *list;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)bindings, key,
                        list) return atoi(string_at(json_array_get(list, 0), "HostPort"));
    return 0;
}

/* What is mounted and not there is made. */
static void make_volumes(struct sim_node *n, const json_t *host)
{
    const json_t *m;
    size_t i;

    json_array_foreach(json_object_get(host, "Mounts"), i, m)
    {
        const char *name = string_at(m, "Source");
        bool there = strcmp(string_at(m, "Type"), "volume") != 0;

        for (size_t k = 0; k < n->volumes.n; k++)
            there = there || strcmp(n->volumes.at[k], name) == 0;
        if (!there)
            orc_strv_add(&n->volumes, name);
    }
}

static void do_volumes(struct docker_call *call)
{
    const struct orc_strv *v = &call->d->node->volumes;
    json_t *list = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(list, json_pack("{s:s}", "Name", v->at[i]));
    answer(call, DOCKER_OK, "", json_pack("{s:o}", "Volumes", list));
}

static void do_create(struct docker_call *call)
{
    struct sim_node *n = call->d->node;
    const char *name = strstr(call->path, "name=") + 5, *image = string_at(call->body, "Image");
    const json_t *labels = json_object_get(call->body, "Labels");
    const json_t *host = json_object_get(call->body, "HostConfig");
    const json_t *ends = json_object_get(json_object_get(call->body, "NetworkingConfig"), "EndpointsConfig");
    const json_t *ipam = json_object_get(json_object_get(ends, "orc"), "IPAMConfig");
    const char *network = string_at(host, "NetworkMode");
    struct sim_container *c;

    if (strncmp(image, "missing", 7) == 0) {
        answer(call, DOCKER_NOT_FOUND, "No such image: missing", NULL);
        return;
    }
    if (by_ref(n, name, strlen(name))) {
        answer(call, DOCKER_CONFLICT, "the container name is in use", NULL);
        return;
    }
    c = orc_new(struct sim_container);
    c->node = n;
    c->id = orc_printf("%016llx", (unsigned long long)sim_random());
    c->name = orc_strdup(name);
    c->task = orc_strdup(string_at(labels, "orc.task"));
    c->cluster_id = orc_strdup(string_at(labels, "orc.cluster"));
    c->sidecar = orc_strdup(string_at(labels, "orc.sidecar"));
    c->joins = orc_strdup(strncmp(network, "container:", 10) == 0 ? network + 10 : "");
    snprintf(c->address, sizeof c->address, "%s", string_at(ipam, "IPv4Address"));
    c->host_port = port_of(host);
    c->hash = orc_strdup(string_at(labels, "orc.hash"));
    c->revision = atoll(string_at(labels, "orc.revision"));
    c->needs.cpus_nano = json_integer_value(json_object_get(host, "NanoCpus"));
    c->needs.memory = json_integer_value(json_object_get(host, "Memory"));
    c->temper = temper_of(image);
    make_volumes(n, host);
    sim_event_init(&c->end, NULL, fire_end, c);
    c->next = n->containers;
    n->containers = c;
    answer(call, DOCKER_OK, "", json_pack("{s:s}", "Id", c->id));
}

/* What the engine itself refuses: an address or a port that another container has. Where orc should know of
 * that other one, it is let through, for the checks to see. */
static const char *in_the_way(const struct sim_container *c)
{
    for (struct sim_container *o = c->node->containers; o; o = o->next) {
        if (o == c || o->state != SIM_RUNNING || !(cluster.replaced || check_is_orphan(o)))
            continue;
        if (*c->address && strcmp(o->address, c->address) == 0)
            return "Address already in use";
        if (c->host_port && o->host_port == c->host_port)
            return "port is already allocated";
    }
    return NULL;
}

static void do_start(struct docker_call *call, struct sim_container *c)
{
    const char *why = in_the_way(c);
    const struct sim_container *main = *c->sidecar ? engine_main(c) : c;

    if (c->state == SIM_RUNNING) {
        answer(call, DOCKER_OK, "", NULL);
    } else if (!main) {
        answer(call, DOCKER_NOT_FOUND, "No such container: what it joins", NULL);
    } else if (*c->sidecar && main->state != SIM_RUNNING) {
        answer(call, DOCKER_CONFLICT, "cannot join network of a non running container", NULL);
    } else if (c->temper == SIM_BROKEN) {
        check_not_started(c);
        answer(call, DOCKER_REFUSED, "OCI runtime create failed: executable file not found", NULL);
    } else if (why) {
        answer(call, DOCKER_TROUBLE, why, NULL);
    } else {
        run(c);
        answer(call, DOCKER_OK, "", NULL);
    }
}

static void fire_kill(void *arg)
{
    struct sim_stop *s = arg;

    ended(s->c, 137);
}

/* The signal, the container's own end if it listens, and KILL after the grace period. */
static void do_stop(struct docker_call *call, struct sim_container *c)
{
    struct sim_stop *s;
    uint64_t grace = (uint64_t)atoi(strstr(call->path, "t=") + 2) * 1000;

    if (c->state != SIM_RUNNING) {
        answer(call, DOCKER_OK, "", NULL);
        return;
    }
    if (!c->term_at)
        c->stop_asked_at = call->asked_at;
    check_signalled(c, call->d->proc);
    sim_say("%s: container %s gets TERM", c->node->name, c->task);
    if (!c->term_at)
        c->term_at = world.now;
    event(c, "kill", "signal", 15);
    s = orc_new(struct sim_stop);
    s->c = c;
    s->call = call;
    s->next = c->stops;
    c->stops = s;
    sim_event_init(&s->kill, NULL, fire_kill, s);
    sim_event_in(&s->kill, grace);
    call->waits = true;
    if (c->temper != SIM_STUBBORN)
        sim_event_in(&c->end, sim_below(300));
}

static void do_kill(struct docker_call *call, struct sim_container *c)
{
    if (c->state == SIM_RUNNING) {
        if (!c->term_at)
            c->stop_asked_at = call->asked_at;
        check_signalled(c, call->d->proc);
        ended(c, 137);
    }
    answer(call, DOCKER_OK, "", NULL);
}

static void do_remove(struct docker_call *call, struct sim_container *c)
{
    if (c->state == SIM_RUNNING) {
        answer(call, DOCKER_CONFLICT, "You cannot remove a running container", NULL);
        return;
    }
    check_removed(c, call->d->proc);
    event(c, "destroy", NULL, 0);
    forget(c);
    answer(call, DOCKER_OK, "", NULL);
}

static const char *state_name(const struct sim_container *c)
{
    return c->state == SIM_RUNNING ? "running" : c->state == SIM_CREATED ? "created" : "exited";
}

static json_t *labels_of(const struct sim_container *c)
{
    json_t *l =
        json_pack("{s:s, s:s, s:s}", "orc.task", c->task, "orc.cluster", c->cluster_id, "orc.hash", c->hash);

    if (*c->sidecar)
        json_object_set_new(l, "orc.sidecar", json_string(c->sidecar));
    return l;
}

static json_t *shown(const struct sim_container *c)
{
    orc_auto_free char *started = orc_printf("%012luZ", c->run),
                       *network = orc_printf("container:%s", c->joins);

    return json_pack("{s:s, s:{s:s, s:i, s:b, s:s}, s:{s:o}, s:{s:s}}", "Id", c->id, "State", "Status",
                     state_name(c), "ExitCode", c->exit_code, "OOMKilled", 0, "StartedAt", started, "Config",
                     "Labels", labels_of(c), "HostConfig", "NetworkMode", *c->joins ? network : "orc");
}

static void do_list(struct docker_call *call)
{
    json_t *list = json_array();

    for (struct sim_container *c = call->d->node->containers; c; c = c->next)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o}", "Id", c->id, "State", state_name(c), "Labels", labels_of(c)));
    answer(call, DOCKER_OK, "", list);
}

static bool ends_with(const char *text, size_t n, const char *end)
{
    size_t m = strlen(end);

    return n >= m && strncmp(text + n - m, end, m) == 0;
}

static void do_container(struct docker_call *call)
{
    const char *ref = call->path + strlen("/containers/");
    const char *query = strchr(ref, '?');
    size_t n = query ? (size_t)(query - ref) : strlen(ref), len = strcspn(ref, "/?");
    struct sim_container *c = by_ref(call->d->node, ref, len);

    if (!c)
        answer(call, DOCKER_NOT_FOUND, "No such container", NULL);
    else if (strcmp(call->method, "DELETE") == 0)
        do_remove(call, c);
    else if (ends_with(ref, n, "/start"))
        do_start(call, c);
    else if (ends_with(ref, n, "/stop"))
        do_stop(call, c);
    else if (ends_with(ref, n, "/kill"))
        do_kill(call, c);
    else
        answer(call, DOCKER_OK, "", shown(c));
}

static void do_request(struct docker_call *call)
{
    const char *p = call->path;

    if (strncmp(p, "/containers/json", 16) == 0)
        do_list(call);
    else if (strncmp(p, "/containers/create", 18) == 0)
        do_create(call);
    else if (strncmp(p, "/containers/", 12) == 0)
        do_container(call);
    else if (strncmp(p, "/events", 7) == 0)
        call->waits = true;
    else if (strncmp(p, "/volumes", 8) == 0)
        do_volumes(call);
    else if (strstr(p, "missing"))
        answer(call, DOCKER_NOT_FOUND, "manifest unknown", NULL);
    else
        answer(call, DOCKER_OK, "", NULL);
}

/* An engine that fails may have done what it was asked for. */
static void on_request(void *arg)
{
    struct docker_call *call = arg;
    struct sim_node *n = call->d->node;

    bool fails = !call->stream && sim_chance(n->engine_fails);

    call->lies = fails && sim_chance(2);
    if (!n->engine_up)
        answer(call, DOCKER_DOWN, "the Docker Engine does not answer", NULL);
    else if (fails && !call->lies)
        answer(call, DOCKER_TROUBLE, "the Docker Engine answered 500: a fault", NULL);
    else
        do_request(call);
}

/* ---- docker.h */

struct docker *docker_new(uv_loop_t *loop, const char *socket_path)
{
    struct docker *d = orc_new(struct docker);

    d->proc = world.current;
    d->node = d->proc->node;
    d->node->docker = d;
    LIST_INIT(&d->calls);
    return d;
}

static void forget_call(struct docker_call *call)
{
    for (struct sim_container *c = call->d->node->containers; c; c = c->next)
        for (struct sim_stop *s = c->stops; s; s = s->next)
            if (s->call == call)
                s->call = NULL;
}

void docker_cancel(struct docker_call *call)
{
    forget_call(call);
    answer(call, DOCKER_DOWN, "cancelled", NULL);
}

struct docker *docker_free(struct docker *d)
{
    struct docker_call *call;

    if (!d)
        return NULL;
    while ((call = LIST_FIRST(&d->calls)))
        docker_cancel(call);
    if (d->node->docker == d)
        d->node->docker = NULL;
    free(d);
    return NULL;
}

struct docker_call *docker_request(struct docker *d, const struct docker_req *req)
{
    struct docker_call *call = orc_new(struct docker_call);

    call->d = d;
    call->asked_at = world.now;
    call->method = orc_strdup(req->method ? req->method : "");
    call->path = orc_strdup(req->path);
    call->body = req->body ? json_deep_copy(req->body) : NULL;
    call->stream = req->on_line != NULL;
    call->on_line = req->on_line;
    call->cb = req->cb;
    call->arg = req->arg;
    LIST_INSERT_HEAD(&d->calls, call, link);
    sim_event_init(&call->event, d->proc, on_request, call);
    sim_event_in(&call->event, 1 + sim_below(20) + sim_below(d->node->engine_slow + 1));
    return call;
}

struct docker_call *docker_negotiate(struct docker *d, docker_cb *cb, void *arg)
{
    return docker_request(d, &(struct docker_req){.path = "/version", .cb = cb, .arg = arg});
}

const char *docker_engine(const struct docker *d)
{
    return "20.10.24 (API 1.41)";
}

/* ---- faults */

/* An engine that ends stops its containers; one that is killed leaves them without it, and they end with it,
 * too, as without live-restore. */
void engine_set(struct sim_node *n, bool up)
{
    struct docker_call *call, *next;

    n->engine_up = up;
    if (up)
        return;
    for (struct sim_container *c = n->containers; c; c = c->next)
        engine_crash(c, 137);
    for (call = n->docker ? LIST_FIRST(&n->docker->calls) : NULL; call; call = next) {
        next = LIST_NEXT(call, link);
        if (call->waits) {
            forget_call(call);
            call->waits = false; /* it is on its way: an engine may end twice before that arrives */
            sim_event_init(&call->event, call->d->proc, on_request, call);
            sim_event_in(&call->event, sim_below(5));
        }
    }
}

void engine_delete(struct sim_container *c)
{
    sim_say("people: %s: docker rm -f %s", c->node->name, c->name);
    engine_crash(c, 137);
    check_deleted(c);
    event(c, "destroy", NULL, 0);
    forget(c);
}

void engine_clean(void)
{
    struct sim_container *c, *next;

    for (int i = 0; i < cluster.n_nodes; i++)
        for (c = cluster.nodes[i].containers; c; c = next) {
            next = c->next;
            if (!check_is_orphan(c) && strcmp(c->cluster_id, cluster.cluster_id) == 0)
                continue;
            check_cleaned();
            engine_delete(c);
        }
}

void engine_release(struct sim_node *n)
{
    while (n->containers)
        forget(n->containers);
    orc_strv_release(&n->volumes);
}
