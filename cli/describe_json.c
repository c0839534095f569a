/* describe_json.c - the document of `orc describe`: what `orc status` has of the thing, and what else there
 * is.
 */
#include "cli/describe_internal.h"

static void add_strv(json_t *j, const char *key, const struct orc_strv *v)
{
    json_t *all = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(all, orc_json_str_new(v->at[i]));
    json_object_set_new(j, key, all);
}

/* What all three have. */
static json_t *finished(const struct described *x, json_t *j)
{
    json_t *events = json_array();

    add_strv(j, "advice", &x->advice);
    for (size_t i = 0; i < x->events.n; i++)
        json_array_append_new(events, record_event_to_json(x->events.at[i]));
    json_object_set_new(j, "events", events);
    return j;
}

/* The revision's spec in its normalised form, as `orc apply` stored it. */
static void add_revision(const struct described *x, json_t *j)
{
    const struct record_revision *r = x->revision;
    orc_auto_free char *text = r ? spec_service_text(r->spec) : NULL;
    json_t *spec = text ? orc_json_parse(text, strlen(text), NULL) : NULL;

    if (!r)
        return;
    orc_json_set_str(j, "applied_by", r->by);
    json_object_set_new(j, "applied_at", json_integer(r->at));
    json_object_set_new(j, "spec", spec);
}

static void add_endpoints(const struct described *x, json_t *j)
{
    json_t *all = json_array();

    for (const struct cluster_entry *e = x->c->entries; e; e = e->hh.next) {
        json_t *one;

        if (!describe_has_endpoint(x, e))
            continue;
        one = record_endpoint_to_json(&e->as.endpoint);
        orc_json_set_str(one, "task", e->key.task);
        json_array_append_new(all, one);
    }
    json_object_set_new(j, "endpoints", all);
}

static json_t *service_to_json(const struct described *x)
{
    json_t *j = report_service_to_json(x->service);

    add_revision(x, j);
    add_endpoints(x, j);
    return finished(x, j);
}

static json_t *task_to_json(const struct described *x)
{
    json_t *j = json_object();

    if (!x->task) {
        orc_json_set_str(j, "id", x->asked->name);
        orc_json_set_str(j, "state", task_state_name(TASK_REMOVED));
        return finished(x, j);
    }
    json_decref(j);
    j = report_task_to_json(x->service, x->task);
    json_object_set_new(j, "since", json_integer(x->task->since));
    orc_json_set_str(j, "made", x->task->made);
    add_revision(x, j);
    add_endpoints(x, j);
    return finished(x, j);
}

/* What the node itself says, and what people want of it, are there as in the store. */
static json_t *node_to_json(const struct described *x)
{
    json_t *j = x->node ? report_node_to_json(x->node) : json_object(), *tasks = json_array();
    const struct report_service *s;
    const struct report_task *t;

    if (!x->node)
        orc_json_set_str(j, "name", x->asked->name);
    if (x->record)
        json_object_set_new(j, "record", record_node_to_json(x->record));
    if (x->policy)
        json_object_set_new(j, "policy", record_node_policy_to_json(x->policy));
    orc_vec_each (s, &x->report.services)
        orc_vec_each (t, &s->tasks)
            json_array_append_new(tasks, report_task_to_json(s, t));
    json_object_set_new(j, "task_list", tasks);
    return finished(x, j);
}

json_t *describe_to_json(struct cluster *c, const struct describe *d, int64_t wall_ms)
{
    struct described x;
    json_t *j;

    describe_find(c, d, wall_ms, &x);
    if (d->kind == DESCRIBE_NODE)
        j = node_to_json(&x);
    else if (d->kind == DESCRIBE_TASK)
        j = task_to_json(&x);
    else
        j = x.service ? service_to_json(&x) : finished(&x, json_object());
    describe_release(&x);
    return j;
}
