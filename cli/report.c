#include "cli/report_internal.h"

#include "cli/label.h"
#include "scheduler/residency.h"

#include "lib/buf.h"
#include "lib/units.h"
#include "state/node_state.h"

#include <stdio.h>

#define NAMES_MAX 400 /* bytes of the names of silent nodes */

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* "shop" and "shop/orders" select shop/orders; NULL selects everything. */
static bool selected(const char *only, const char *app, const char *service)
{
    const char *slash = only ? strchr(only, '/') : NULL;

    if (!only)
        return true;
    if (!slash)
        return orc_streq(only, app);
    return strlen(app) == (size_t)(slash - only) && starts(only, app) && orc_streq(slash + 1, service);
}

static uint64_t age(int64_t wall_ms, int64_t since)
{
    return since > 0 && since < wall_ms ? (uint64_t)(wall_ms - since) : 0;
}

static struct report_service *find_service(struct report *r, const char *app, const char *service)
{
    char name[2 * SPEC_NAME_MAX + 2];
    struct report_service *s;

    snprintf(name, sizeof name, "%s/%s", app, service);
    orc_vec_each (s, &r->services)
        if (orc_streq(s->name, name))
            return s;
    return NULL;
}

static struct report_service *need_service(struct report *r, const char *app, const char *service)
{
    struct report_service *s = find_service(r, app, service);

    if (s)
        return s;
    s = orc_vec_add(&r->services);
    s->name = orc_printf("%s/%s", app, service);
    s->rollout = "waiting";
    return s;
}

static struct report_node *find_node(struct report *r, const char *name)
{
    struct report_node *n;

    orc_vec_each (n, &r->nodes)
        if (orc_streq(n->name, name))
            return n;
    return NULL;
}

/* ---- nodes
 * ------------------------------------------------------------------------------------------------- */

/* After all tasks are counted. */
static void finish_node(const struct cluster *c, int64_t wall_ms, struct report_node *n)
{
    const struct cluster_entry *record = cluster_find(c, key_node(c->name, n->name));
    const struct cluster_entry *policy = cluster_find(c, key_node_policy(c->name, n->name));
    const struct cluster_entry *said = cluster_find(c, key_node_state(c->name, n->name));
    struct node_facts f = {.record = record ? &record->as.node : NULL,
                           .policy = policy ? &policy->as.policy : NULL,
                           .alive = n->alive,
                           .given_up = said && said->as.node_state.state == NODE_DOWN,
                           .held = said && said->as.node_state.held,
                           .tasks = n->tasks};
    enum node_state state = node_state_judge(&f, &n->why);
    const struct record_condition *avoid = record ? record_node_avoid(&record->as.node) : NULL;

    if (!n->why && avoid)
        n->why = orc_printf("%s; others are preferred", avoid->reason ? avoid->reason : avoid->type);
    n->state = node_state_name(state);
    n->ready = state == NODE_READY || state == NODE_CORDONED;
    n->held = f.held && state == NODE_UNKNOWN;
    n->trouble = node_state_is_trouble(state, &f);
    if (said && said->as.node_state.state == state)
        n->age_ms = age(wall_ms, said->as.node_state.since);
}

/* Those of its nodelet, with what people have put over them. */
static void add_labels(const struct cluster *c, const struct record_node *record, struct report_node *n)
{
    const struct cluster_entry *policy = cluster_find(c, key_node_policy(c->name, n->name));
    const struct spec_pairs *over = policy ? &policy->as.policy.labels : NULL;

    for (size_t i = 0; i < record->labels.n; i++)
        label_set(&n->labels, record->labels.at[i].key, record->labels.at[i].value);
    for (size_t i = 0; over && i < over->n; i++)
        label_set(&n->labels, over->at[i].key, over->at[i].value);
}

static void add_node(const struct cluster *c, const struct cluster_entry *e, struct report *r)
{
    const struct record_node *record = &e->as.node;
    struct report_node *n = orc_vec_add(&r->nodes);

    n->name = orc_strdup(e->key.node);
    n->alive = cluster_find(c, key_alive(c->name, n->name)) != NULL;
    n->address = orc_strdup(record->address);
    n->kernel = orc_strdup(record->kernel);
    n->virt = orc_strdup(record->virt);
    n->engine = orc_strdup(record->engine);
    n->version = orc_strdup(record->version);
    n->mtu = record->mtu;
    n->total.cpus_nano = record->capacity.cpus_nano - record->reserve.cpus_nano;
    n->total.memory = record->capacity.memory - record->reserve.memory;
    orc_strv_copy(&n->volumes, &record->volumes);
    add_labels(c, record, n);
}

/* One of which only its tasks are left. */
static void add_removed_node(const struct cluster *c, const struct cluster_entry *e, struct report *r)
{
    struct report_node *n;

    if (find_node(r, e->key.node) || cluster_problem(c, key_node(c->name, e->key.node)))
        return;
    n = orc_vec_add(&r->nodes);
    n->name = orc_strdup(e->key.node);
    n->alive = cluster_find(c, key_alive(c->name, n->name)) != NULL;
}

/* ---- tasks
 * ------------------------------------------------------------------------------------------------- */

/* What its node says of one that is not well; NULL: nothing. */
static char *seen_reason(const struct record_status *s)
{
    bool running = s->state == TASK_RUNNING, unready = running && s->health == TASK_UNREADY;
    const char *text = unready ? "no requests go there while its readiness check fails" : s->reason;

    if (text && s->probe && running)
        return orc_printf("%s; last probe: %s", text, s->probe);
    if (text)
        return orc_strdup(text);
    return s->probe ? orc_printf("last probe: %s", s->probe) : NULL;
}

static char *task_reason(const struct record_task *t, const struct record_status *s,
                         const struct report_node *node, bool stale)
{
    if (t->desired != TASK_RUN)
        return orc_strdup(t->stop_reason);
    if (node && node->alive && stale)
        return orc_printf("%s was started anew and has not said what became of it", node->name);
    if (node && !node->alive)
        return orc_printf("%s gives no sign of life; last seen %s", node->name,
                          s ? task_state_name(s->state) : "nowhere");
    if (!s)
        return orc_strdup("not seen by its node yet");
    if (s->state == TASK_RUNNING && s->health == TASK_HEALTHY)
        return s->oom ? orc_strdup("was killed for memory (OOM) before") : NULL;
    return seen_reason(s);
}

static bool is_stale(const struct cluster *c, const char *node, const struct record_status *s)
{
    const struct cluster_entry *alive = cluster_find(c, key_alive(c->name, node));

    return alive && s->state < TASK_STOPPED && record_status_is_stale(s->boot, alive->as.alive.boot_id);
}

static const char *image_of(const struct cluster *c, const struct record_task *t)
{
    const struct spec_service *spec = cluster_spec(c, t->app, t->service, t->revision);

    return spec ? spec->image : NULL;
}

char *report_port(const struct spec_port *p)
{
    return orc_printf("%s%s%u to %u/%s", p->host_ip ? p->host_ip : "", p->host_ip && *p->host_ip ? ":" : "",
                      p->host, p->container, p->udp ? "udp" : "tcp");
}

static void add_ports(const struct record_task *t, struct report_task *task)
{
    const struct spec_port *p;

    orc_vec_each (p, &t->ports) {
        orc_auto_free char *text = report_port(p);

        orc_strv_add(&task->ports, text);
    }
}

static void add_task(const struct cluster *c, const struct cluster_entry *e, const char *only,
                     int64_t wall_ms, struct report *r)
{
    const struct record_task *t = &e->as.task;
    const struct cluster_entry *seen = cluster_find(c, key_status(c->name, e->key.node, e->key.task));
    const struct record_status *s = seen ? &seen->as.status : NULL;
    struct report_node *node = find_node(r, e->key.node);
    struct report_service *service;
    struct report_task *task;
    bool lost = node && !node->alive, stale = s && is_stale(c, e->key.node, s);

    if (node && !(s && s->state >= TASK_STOPPED)) {
        node->used.cpus_nano += t->resources.cpus_nano;
        node->used.memory += t->resources.memory;
        node->tasks++;
    }
    if (s && s->state == TASK_REMOVED)
        return;
    service = find_service(r, t->app, t->service);
    if (!service && only)
        return;
    if (!service)
        service = need_service(r, t->app, t->service);
    task = orc_vec_add(&service->tasks);
    task->id = orc_strdup(e->key.task);
    task->node = orc_strdup(e->key.node);
    task->slot = t->slot;
    task->revision = t->revision;
    task->desired = task_desired_name(t->desired);
    task->state = task_state_name(s ? s->state : TASK_ASSIGNED);
    task->health = task_health_name(s && !lost && !stale ? s->health : TASK_UNKNOWN);
    task->restarts = t->restarts + (s ? s->restarts : 0);
    task->running = s && s->state == TASK_RUNNING && t->desired == TASK_RUN && !lost && !stale;
    task->healthy = task->running && s->health == TASK_HEALTHY;
    task->address = orc_strdup(t->address);
    task->image = orc_strdup(image_of(c, t));
    task->made = orc_strdup(t->reason);
    task->container = s ? orc_strdup(s->container) : NULL;
    task->probe = s ? orc_strdup(s->probe) : NULL;
    task->exit_code = s ? s->exit_code : -1;
    task->oom = s && s->oom;
    task->since = s && s->since ? s->since : t->at;
    add_ports(t, task);
    task->reason = task_reason(t, s, node, stale);
    task->stop_kind = t->desired == TASK_RUN ? NULL : task_stop_name(t->stop_kind);
    task->age_ms = age(wall_ms, task->since);
}

static int by_slot(const void *a, const void *b)
{
    const struct report_task *x = a, *y = b;
    int64_t ax = 0, ay = 0;
    struct key k;
    int slot;

    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    key_task_id_parse(x->id, &k, &slot, &ax);
    key_task_id_parse(y->id, &k, &slot, &ay);
    return ax < ay ? -1 : ax > ay;
}

/* ---- services
 * ---------------------------------------------------------------------------------------------- */

static void add_wanted(const struct cluster *c, const struct cluster_entry *app, const char *only,
                       struct report *r)
{
    const struct record_app_service *w;

    orc_vec_each (w, &app->as.app.services) {
        const struct spec_service *spec;
        struct report_service *s;

        if (!selected(only, app->key.app, w->name))
            continue;
        s = need_service(r, app->key.app, w->name);
        s->revision = w->revision;
        s->desired = cluster_replicas(c, app->key.app, w->name);
        spec = cluster_spec(c, app->key.app, w->name, w->revision);
        s->job = spec && spec->job;
        s->image = spec ? orc_strdup(spec->image) : NULL;
    }
}

static void add_pending(const struct record_rollout *ro, int64_t wall_ms, struct report_service *s)
{
    for (size_t i = 0; i < ro->pending.n; i++)
        *orc_vec_add(&s->pending) = (struct report_pending){.slot = ro->pending.at[i].slot,
                                                            .reason = orc_strdup(ro->pending.at[i].reason),
                                                            .age_ms = age(wall_ms, ro->pending.at[i].since)};
}

static void finish_service(const struct cluster *c, int64_t wall_ms, bool led, struct report_service *s)
{
    char app[SPEC_NAME_MAX + 1], *slash = strchr(s->name, '/');
    const struct cluster_entry *ro;
    const struct report_task *t;

    snprintf(app, sizeof app, "%.*s", (int)(slash - s->name), s->name);
    ro = cluster_find(c, key_rollout(c->name, app, slash + 1));
    if (s->tasks.n)
        qsort(s->tasks.at, s->tasks.n, sizeof *s->tasks.at, by_slot);
    orc_vec_each (t, &s->tasks) {
        s->running += t->running;
        s->healthy += t->healthy;
    }
    if (ro) {
        s->rollout = rollout_state_name(ro->as.rollout.state);
        s->reason_kind = ro->as.rollout.reason ? rollout_topic_name(ro->as.rollout.reason_kind) : NULL;
        s->age_ms = age(wall_ms, ro->as.rollout.since);
        s->target = ro->as.rollout.target;
        s->from = ro->as.rollout.from;
        s->complete = ro->as.rollout.complete;
        s->updated = ro->as.rollout.updated;
        s->degraded = orc_strdup(ro->as.rollout.degraded);
        s->degraded_ms = s->degraded ? age(wall_ms, ro->as.rollout.degraded_since) : 0;
        add_pending(&ro->as.rollout, wall_ms, s);
        runs_copy(&ro->as.rollout, &s->runs);
        s->next_run = ro->as.rollout.next_run;
    }
    s->ok = ro && ro->as.rollout.state == ROLLOUT_COMPLETE && s->healthy >= s->desired && !s->degraded;
    if (!s->ok || ro->as.rollout.reason || ro->as.rollout.trouble.n || ro->as.rollout.rebalance_end)
        report_why(ro, led, s);
}

static void task_release(struct report_task *t)
{
    free(t->id);
    free(t->node);
    free(t->address);
    free(t->image);
    free(t->made);
    free(t->container);
    free(t->probe);
    orc_strv_release(&t->ports);
    free(t->reason);
}

static void service_release(struct report_service *s)
{
    struct report_pending *p;

    orc_vec_each (p, &s->pending) {
        free(p->reason);
        explain_release(&p->explain);
    }
    orc_vec_release(&s->pending);
    runs_release(&s->runs);
    for (size_t i = 0; i < s->tasks.n; i++)
        task_release(&s->tasks.at[i]);
    orc_vec_release(&s->tasks);
    orc_strv_release(&s->why);
    free(s->degraded);
    free(s->image);
    free(s->name);
}

/* Removed, and no container is left: the scheduler's note of it stays a while longer, nobody else's. */
static bool is_gone(const struct report_service *s)
{
    return !s->revision && !s->tasks.n && orc_streq(s->rollout, rollout_state_name(ROLLOUT_REMOVING));
}

static void drop_gone(struct report *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->services.n; i++)
        if (is_gone(&r->services.at[i]))
            service_release(&r->services.at[i]);
        else
            r->services.at[n++] = r->services.at[i];
    r->services.n = n;
}

static int service_by_name(const void *a, const void *b)
{
    return strcmp(((const struct report_service *)a)->name, ((const struct report_service *)b)->name);
}

static int node_by_name(const void *a, const void *b)
{
    return strcmp(((const struct report_node *)a)->name, ((const struct report_node *)b)->name);
}

void report_keep_node(struct report *r, const char *node)
{
    struct report_service *s;

    orc_vec_each (s, &r->services) {
        size_t n = 0;

        for (size_t i = 0; i < s->tasks.n; i++)
            if (orc_streq(s->tasks.at[i].node, node))
                s->tasks.at[n++] = s->tasks.at[i];
            else
                task_release(&s->tasks.at[i]);
        s->tasks.n = n;
    }
}

/* ---- the whole
 * ----------------------------------------------------------------------------------------------- */

static void add_gateway(const struct cluster *c, const struct cluster_entry *e, struct report *r)
{
    const struct cluster_entry *alive = cluster_find(c, key_gateway_alive(c->name, e->key.node));
    struct report_gateway *g = orc_vec_add(&r->gateways);

    g->id = orc_strdup(e->key.node);
    g->alive = alive != NULL;
    g->served = alive ? alive->as.gateway_alive.served : 0;
    orc_strv_copy(&g->listen, &e->as.gateway.listen);
}

static void problem(struct report *r, char *sentence)
{
    orc_strv_add(&r->problems, sentence);
    free(sentence);
}

/* While nothing is moved: which are silent, since when, and what to do. */
static void add_hold(struct report *r)
{
    struct orc_buf names = ORC_BUF_INIT(NAMES_MAX);
    const struct report_node *n;
    char text[ORC_UNIT_MAX];
    uint64_t since = 0;
    size_t silent = 0;

    orc_vec_each (n, &r->nodes) {
        if (!n->held)
            continue;
        if (names.len < NAMES_MAX - KEY_NAME_MAX - sizeof ", and more")
            orc_buf_printf(&names, "%s%s", silent ? ", " : "", n->name);
        since = !silent || n->age_ms < since ? n->age_ms : since;
        silent++;
    }
    if (silent)
        problem(r,
                orc_printf(
                    "more than half of the nodes give no sign of life (%zu of %zu: %s), the last since %s: "
                    "nothing is moved until some are back. Look at these servers and at their way to "
                    "etcd; one that is gone for good is let go by `orc node rm NAME`",
                    silent, r->nodes.n, orc_buf_str(&names), orc_format_age(since, text)));
    orc_buf_release(&names);
}

static void add_problems(struct cluster *c, struct report *r)
{
    struct cluster_entry *e, *next;
    const struct report_node *n;
    const struct report_gateway *g;

    if (!r->leader)
        problem(r, orc_strdup("no scheduler leads: nothing new is decided; start orc-scheduler"));
    HASH_ITER (hh, c->entries, e, next)
        if (e->problem)
            problem(r, orc_printf("key %.300s can't be read: %s; put it right or delete it with etcdctl",
                                  e->name, e->problem));
    add_hold(r);
    orc_vec_each (n, &r->nodes)
        if (n->trouble && !n->held)
            problem(r, orc_printf("node %s is %s: %s", n->name, n->state, n->why));
    orc_vec_each (g, &r->gateways)
        if (!g->alive)
            problem(r, orc_printf("gateway %s gives no sign of life", g->id));
}

void report_build(struct cluster *c, const char *only, int64_t wall_ms, struct report *ret)
{
    const struct cluster_entry *leader;
    struct cluster_entry *e, *next;
    struct report r = {0};

    cluster_sort(c);
    leader = cluster_find(c, key_leader(c->name));
    if (leader)
        r.leader = orc_printf("%s on %s", leader->as.leader.id, leader->as.leader.host);
    HASH_ITER (hh, c->entries, e, next) {
        if (e->problem)
            continue;
        if (e->key.kind == KEY_NODE)
            add_node(c, e, &r);
        else if (e->key.kind == KEY_GATEWAY)
            add_gateway(c, e, &r);
        else if (e->key.kind == KEY_APP)
            add_wanted(c, e, only, &r);
        else if (e->key.kind == KEY_ROLLOUT && selected(only, e->key.app, e->key.service))
            need_service(&r, e->key.app, e->key.service);
    }
    HASH_ITER (hh, c->entries, e, next)
        if (e->key.kind == KEY_NODE_STATE)
            add_removed_node(c, e, &r);
    if (r.nodes.n)
        qsort(r.nodes.at, r.nodes.n, sizeof *r.nodes.at, node_by_name);
    HASH_ITER (hh, c->entries, e, next)
        if (!e->problem && e->key.kind == KEY_TASK)
            add_task(c, e, only, wall_ms, &r);
    for (size_t i = 0; i < r.nodes.n; i++)
        finish_node(c, wall_ms, &r.nodes.at[i]);
    for (size_t i = 0; i < r.services.n; i++)
        finish_service(c, wall_ms, r.leader != NULL, &r.services.at[i]);
    drop_gone(&r);
    if (r.services.n)
        qsort(r.services.at, r.services.n, sizeof *r.services.at, service_by_name);
    add_problems(c, &r);
    r.ok = r.problems.n == 0;
    for (size_t i = 0; i < r.services.n; i++)
        r.ok = r.ok && r.services.at[i].ok;
    *ret = r;
}

/* Labels may have changed since `orc apply` refused what none could satisfy. */
static void explain_residency(struct core *core, struct report *r)
{
    struct report_service *s;

    orc_vec_each (s, &r->services) {
        orc_auto_free char *app = orc_strndup(s->name, strcspn(s->name, "/"));
        orc_auto_free char *why = residency_of(core, app, strchr(s->name, '/') + 1);

        if (why)
            orc_strv_add(&s->why, why);
    }
}

void report_explain(struct core *core, struct report *r)
{
    struct report_service *s;

    survive_any_node(core, &r->survive);
    explain_residency(core, r);
    orc_vec_each (s, &r->services) {
        orc_auto_free char *app = orc_strndup(s->name, strcspn(s->name, "/"));

        for (size_t i = 0; i < s->pending.n && i < REPORT_EXPLAINED; i++) {
            struct orc_err ignored = ORC_ERR_INIT;

            explain_slot(core, app, strchr(s->name, '/') + 1, s->pending.at[i].slot,
                         &s->pending.at[i].explain, &ignored);
        }
    }
}

static void node_release(struct report_node *n)
{
    spec_pairs_release(&n->labels);
    orc_strv_release(&n->volumes);
    free(n->name);
    free(n->address);
    free(n->why);
    free(n->kernel);
    free(n->virt);
    free(n->engine);
    free(n->version);
}

void report_release(struct report *r)
{
    for (size_t i = 0; i < r->services.n; i++)
        service_release(&r->services.at[i]);
    for (size_t i = 0; i < r->nodes.n; i++)
        node_release(&r->nodes.at[i]);
    for (size_t i = 0; i < r->gateways.n; i++) {
        free(r->gateways.at[i].id);
        orc_strv_release(&r->gateways.at[i].listen);
    }
    survive_release(&r->survive);
    orc_vec_release(&r->services);
    orc_vec_release(&r->nodes);
    orc_vec_release(&r->gateways);
    orc_strv_release(&r->problems);
    free(r->leader);
    *r = (struct report){0};
}
