/* report_json.c - a report as the document of `orc status -o json`. */
#include "cli/report.h"

#include "cli/why.h"

static json_t *strv_to_json(const struct orc_strv *v)
{
    json_t *a = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(a, json_string(v->at[i]));
    return a;
}

/* What would be empty is left out. */
static void add_container(const struct report_task *t, json_t *j)
{
    orc_json_set_str(j, "image", t->image);
    orc_json_set_str(j, "container", t->container);
    if (t->ports.n)
        json_object_set_new(j, "ports", strv_to_json(&t->ports));
    orc_json_set_str(j, "probe", t->probe);
    if (t->exit_code >= 0)
        json_object_set_new(j, "exit_code", json_integer(t->exit_code));
    if (t->oom)
        json_object_set_new(j, "oom", json_true());
}

static json_t *task_to_json(const struct report_task *t)
{
    json_t *j = json_object();

    orc_json_set_str(j, "id", t->id);
    orc_json_set_str(j, "node", t->node);
    json_object_set_new(j, "slot", json_integer(t->slot));
    json_object_set_new(j, "revision", json_integer(t->revision));
    orc_json_set_str(j, "desired", t->desired);
    orc_json_set_str(j, "state", t->state);
    orc_json_set_str(j, "health", t->health);
    json_object_set_new(j, "restarts", json_integer(t->restarts));
    orc_json_set_str(j, "address", t->address);
    add_container(t, j);
    json_object_set_new(j, "age_ms", json_integer((json_int_t)t->age_ms));
    orc_json_set_str(j, "reason", t->reason);
    orc_json_set_str(j, "stop_kind", t->stop_kind);
    return j;
}

static json_t *pending_to_json(const struct report_pending *p)
{
    json_t *j = json_object();

    json_object_set_new(j, "slot", json_integer(p->slot));
    orc_json_set_str(j, "reason", p->reason);
    json_object_set_new(j, "age_ms", json_integer((json_int_t)p->age_ms));
    json_object_set_new(j, "nodes", why_nodes_to_json(&p->explain));
    orc_json_set_str(j, "change", p->explain.change);
    return j;
}

json_t *report_task_to_json(const struct report_service *s, const struct report_task *t)
{
    json_t *j = json_object();
    orc_auto_json json_t *rest = task_to_json(t);

    orc_json_set_str(j, "service", s->name);
    json_object_update(j, rest);
    return j;
}

json_t *report_service_to_json(const struct report_service *s)
{
    json_t *j = json_object(), *rollout = json_object(), *tasks = json_array(), *pending = json_array();

    orc_json_set_str(j, "name", s->name);
    json_object_set_new(j, "desired", json_integer(s->desired));
    json_object_set_new(j, "running", json_integer(s->running));
    json_object_set_new(j, "healthy", json_integer(s->healthy));
    json_object_set_new(j, "revision", json_integer(s->revision));
    orc_json_set_str(j, "image", s->image);
    json_object_set_new(j, "ok", json_boolean(s->ok));
    orc_json_set_str(rollout, "state", s->rollout);
    orc_json_set_str(rollout, "reason_kind", s->reason_kind);
    json_object_set_new(rollout, "age_ms", json_integer((json_int_t)s->age_ms));
    if (s->target)
        json_object_set_new(rollout, "target", json_integer(s->target));
    if (s->from)
        json_object_set_new(rollout, "from", json_integer(s->from));
    json_object_set_new(rollout, "updated", json_integer(s->updated));
    json_object_set_new(j, "rollout", rollout);
    if (s->degraded)
        json_object_set_new(
            j, "degraded",
            json_pack("{s:I, s:s}", "age_ms", (json_int_t)s->degraded_ms, "reason", s->degraded));
    json_object_set_new(j, "why", strv_to_json(&s->why));
    for (size_t i = 0; i < s->tasks.n; i++)
        json_array_append_new(tasks, task_to_json(&s->tasks.at[i]));
    json_object_set_new(j, "tasks", tasks);
    for (size_t i = 0; i < s->pending.n; i++)
        json_array_append_new(pending, pending_to_json(&s->pending.at[i]));
    json_object_set_new(j, "pending", pending);
    if (s->job)
        json_object_set_new(j, "runs", runs_to_json(&s->runs));
    if (s->next_run)
        json_object_set_new(j, "next_run", json_integer(s->next_run));
    return j;
}

json_t *report_resources_to_json(const struct spec_resources *r)
{
    json_t *j = json_object();

    json_object_set_new(j, "cpus_nano", json_integer(r->cpus_nano));
    json_object_set_new(j, "memory", json_integer(r->memory));
    return j;
}

json_t *report_node_to_json(const struct report_node *n)
{
    json_t *j = json_object(), *labels = json_object();

    orc_json_set_str(j, "name", n->name);
    json_object_set_new(j, "ready", json_boolean(n->ready));
    orc_json_set_str(j, "state", n->state);
    orc_json_set_str(j, "why", n->why);
    if (n->age_ms)
        json_object_set_new(j, "age_ms", json_integer((json_int_t)n->age_ms));
    orc_json_set_str(j, "address", n->address);
    json_object_set_new(j, "tasks", json_integer(n->tasks));
    json_object_set_new(j, "total", report_resources_to_json(&n->total));
    json_object_set_new(j, "used", report_resources_to_json(&n->used));
    orc_json_set_str(j, "kernel", n->kernel);
    orc_json_set_str(j, "virt", n->virt);
    orc_json_set_str(j, "engine", n->engine);
    orc_json_set_str(j, "version", n->version);
    json_object_set_new(j, "mtu", json_integer(n->mtu));
    for (size_t i = 0; i < n->labels.n; i++)
        json_object_set_new(labels, n->labels.at[i].key, json_string(n->labels.at[i].value));
    json_object_set_new(j, "labels", labels);
    json_object_set_new(j, "volumes", strv_to_json(&n->volumes));
    return j;
}

static json_t *gateway_to_json(const struct report_gateway *g)
{
    json_t *j = json_object();

    orc_json_set_str(j, "id", g->id);
    json_object_set_new(j, "alive", json_boolean(g->alive));
    json_object_set_new(j, "served", json_integer(g->served));
    json_object_set_new(j, "listen", strv_to_json(&g->listen));
    return j;
}

json_t *report_to_json(const struct report *r)
{
    json_t *j = json_object(), *services = json_array(), *nodes = json_array(), *gateways = json_array();

    for (size_t i = 0; i < r->services.n; i++)
        json_array_append_new(services, report_service_to_json(&r->services.at[i]));
    for (size_t i = 0; i < r->nodes.n; i++)
        json_array_append_new(nodes, report_node_to_json(&r->nodes.at[i]));
    for (size_t i = 0; i < r->gateways.n; i++)
        json_array_append_new(gateways, gateway_to_json(&r->gateways.at[i]));
    json_object_set_new(j, "ok", json_boolean(r->ok));
    json_object_set_new(j, "services", services);
    json_object_set_new(j, "nodes", nodes);
    json_object_set_new(j, "gateways", gateways);
    json_object_set_new(j, "leader", r->leader ? json_string(r->leader) : json_null());
    json_object_set_new(j, "node_loss", survive_to_json(&r->survive));
    json_object_set_new(j, "problems", strv_to_json(&r->problems));
    return j;
}
