#include "cli/why.h"

#include "cli/advice.h"
#include "cli/order.h"
#include "cli/text.h"
#include "lib/units.h"

const struct cluster_entry *why_unwell(const struct cluster *c, const char *app, const char *service)
{
    const struct cluster_entry *found = NULL;

    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next) {
        const struct cluster_entry *seen;

        if (e->key.kind != KEY_TASK || e->problem || e->as.task.desired != TASK_RUN ||
            !orc_streq(e->as.task.app, app) || !orc_streq(e->as.task.service, service))
            continue;
        seen = cluster_find(c, key_status(c->name, e->key.node, e->key.task));
        if (seen && (seen->as.status.health == TASK_HEALTHY || seen->as.status.state == TASK_STOPPED))
            continue;
        if (!found || e->as.task.slot < found->as.task.slot)
            found = e;
    }
    return found;
}

void why_task(const struct cluster *c, const struct cluster_entry *task, struct why *w)
{
    const struct cluster_entry *seen;

    if (!task)
        return;
    seen = cluster_find(c, key_status(c->name, task->key.node, task->key.task));
    w->task = orc_strdup(task->key.task);
    w->node = orc_strdup(task->key.node);
    w->state = task_state_name(seen ? seen->as.status.state : TASK_ASSIGNED);
    w->health = task_health_name(seen ? seen->as.status.health : TASK_UNKNOWN);
    if (seen && seen->as.status.health != TASK_HEALTHY) {
        w->said = orc_strdup(seen->as.status.reason);
        w->probe = orc_strdup(seen->as.status.probe);
    }
    w->made = orc_strdup(task->as.task.reason);
    if (task->as.task.desired != TASK_RUN)
        w->stopped = orc_strdup(task->as.task.stop_reason ? task->as.task.stop_reason : "");
}

void why_rollout(const struct cluster *c, struct why *w)
{
    const struct cluster_entry *e = cluster_find(c, key_rollout(c->name, w->app, w->service));
    const char *state = e ? rollout_state_name(e->as.rollout.state) : NULL;

    if (!state || !order_needs_people(state))
        return;
    w->rollout = state;
    w->failed = orc_strdup(e->as.rollout.reason);
    w->back = e->as.rollout.complete > 0;
}

void why_release(struct why *w)
{
    explain_release(&w->explain);
    free(w->failed);
    free(w->task);
    free(w->node);
    free(w->said);
    free(w->probe);
    free(w->made);
    free(w->stopped);
    *w = (struct why){0};
}

/* ---- for people -------------------------------------------------------------------------------------- */

static void say(const struct out *o, FILE *f, char *sentence)
{
    orc_auto_free char *safe = text_safe(sentence);

    text_wrap(f, "", safe, o->width);
    free(sentence);
}

static void print_rollout(const struct out *o, const struct why *w, FILE *f)
{
    orc_auto_free char *name = orc_printf("%s/%s", w->app, w->service);

    say(o, f,
        orc_printf("%s is %s%s%s", name, w->rollout, w->failed ? ": " : "", w->failed ? w->failed : ""));
    say(o, f, advice_rollout(name, w->rollout, w->back));
    fputc('\n', f);
}

static void print_head(const struct out *o, const struct why *w, int64_t wall_ms, FILE *f)
{
    const struct explain *e = &w->explain;
    char age[ORC_UNIT_MAX];

    if (w->task)
        say(o, f,
            orc_printf("%s on %s is %s, %s. It was made: %s", w->task, w->node, w->state, w->health,
                       w->made ? w->made : "nobody said why"));
    if (w->said)
        say(o, f, orc_printf("Its server says: %s", w->said));
    if (w->probe)
        say(o, f, orc_printf("Its last health check said: %s", w->probe));
    if (w->said || w->probe)
        say(o, f, orc_printf("`orc describe task %s` tells what to do", w->task));
    if (w->stopped)
        say(o, f, orc_printf("It is told to go: %s", w->stopped));
    if (e->waits) {
        say(o, f,
            orc_printf("%s/%s, replica %d waits since %s%s: %s", w->app, w->service, e->slot,
                       orc_format_age(wall_ms > e->since ? (uint64_t)(wall_ms - e->since) : 0, age),
                       e->waiting > 1 ? " (and others do)" : "", e->reason ? e->reason : "nobody said why"));
    } else if (!w->task && e->task) {
        say(o, f,
            orc_printf("%s/%s waits for nothing; replica %d is %s on %s", w->app, w->service, e->slot,
                       e->task, e->node));
    } else if (!w->task) {
        say(o, f, orc_printf("%s/%s waits for nothing and has no replica", w->app, w->service));
    }
}

static void print_needs(const struct out *o, const struct why *w, FILE *f)
{
    const struct explain *e = &w->explain;
    char cpus[ORC_UNIT_MAX], memory[ORC_UNIT_MAX];

    fputc('\n', f);
    say(o, f,
        orc_printf("Replica %d of revision %lld reserves %s CPU and %s of memory%s%s. %d of %zu node%s would "
                   "take it%s:",
                   e->slot, (long long)e->revision, orc_format_cpus(e->needs.cpus_nano, cpus),
                   orc_format_size(e->needs.memory, memory), e->pin ? "; its volume is on " : "",
                   e->pin ? e->pin : "", e->fitting, e->nodes.n, e->nodes.n == 1 ? "" : "s",
                   e->task ? " if it were gone from where it is" : ""));
}

static const char *amount(const struct place_refusal *r, int64_t n, char buf[ORC_UNIT_MAX])
{
    return r->counted ? place_filter_amount(r->filter, n, buf) : "";
}

static void print_refusal(struct out_table *t, const struct explain_node *n, const struct place_refusal *r)
{
    char needed[ORC_UNIT_MAX], available[ORC_UNIT_MAX], missing[ORC_UNIT_MAX];

    out_cell(t, "%s", n->name);
    out_cell(t, "%d", n->replicas);
    out_cell_styled(t, r ? OUT_BAD : OUT_GOOD, "%s", r ? place_filter_name(r->filter) : "fits");
    out_cell(t, "%s", r ? amount(r, r->needed, needed) : "");
    out_cell(t, "%s", r ? amount(r, r->available, available) : "");
    out_cell(t, "%s", r ? amount(r, r->missing, missing) : "");
    out_cell(t, "%s", r && !r->counted ? r->text : "");
}

static void print_nodes(const struct out *o, const struct explain *e, FILE *f)
{
    static const struct out_column columns[] = {
        {"NODE", OUT_KEEP},      {"REPLICAS", OUT_OPTIONAL}, {"REFUSED BY", OUT_KEEP}, {"NEEDS", OUT_KEEP},
        {"AVAILABLE", OUT_KEEP}, {"SHORT", OUT_KEEP},        {"WHY", OUT_NOTE},        {0}};
    struct out_table *t = out_table_new(o, columns);
    const struct explain_node *n;
    const struct place_refusal *r;

    orc_vec_each (n, &e->nodes) {
        orc_vec_each (r, &n->refusals)
            print_refusal(t, n, r);
        if (!n->refusals.n)
            print_refusal(t, n, NULL);
    }
    out_table_print(t, f);
}

void why_print(const struct out *o, const struct why *w, int64_t wall_ms, FILE *f)
{
    if (w->rollout)
        print_rollout(o, w, f);
    print_head(o, w, wall_ms, f);
    print_needs(o, w, f);
    if (w->explain.nodes.n)
        print_nodes(o, &w->explain, f);
    if (w->explain.change)
        say(o, f, orc_printf("Smallest change that lets it run: %s", w->explain.change));
}

/* ---- for programs ------------------------------------------------------------------------------------ */

static json_t *refusal_to_json(const struct place_refusal *r)
{
    json_t *j = json_object();

    orc_json_set_str(j, "filter", place_filter_name(r->filter));
    if (r->counted) {
        json_object_set_new(j, "needed", json_integer(r->needed));
        json_object_set_new(j, "available", json_integer(r->available));
        json_object_set_new(j, "short", json_integer(r->missing));
    }
    orc_json_set_str(j, "text", r->text);
    return j;
}

json_t *why_nodes_to_json(const struct explain *e)
{
    json_t *all = json_array();
    const struct explain_node *n;
    const struct place_refusal *r;

    orc_vec_each (n, &e->nodes) {
        json_t *refused = json_array();

        orc_vec_each (r, &n->refusals)
            json_array_append_new(refused, refusal_to_json(r));
        json_array_append_new(all, json_pack("{s:s, s:b, s:i, s:i, s:o}", "node", n->name, "fits",
                                             !n->refusals.n, "replicas", n->replicas, "failures", n->failures,
                                             "refused", refused));
    }
    return all;
}

static json_t *loss_to_json(const struct survive_node *n)
{
    json_t *services = json_array();
    const struct survive_service *s;

    orc_vec_each (s, &n->services)
        json_array_append_new(services,
                              json_pack("{s:s, s:i, s:s}", "name", s->name, "left", s->left, "why", s->why));
    return json_pack("{s:s, s:i, s:i, s:i, s:o}", "node", n->name, "moved", n->moved, "left", n->left, "tied",
                     n->tied, "services", services);
}

json_t *survive_to_json(const struct survive *v)
{
    const struct survive_node *worst = survive_worst(v), *n;
    orc_auto_free char *text = survive_text(v);
    json_t *tried = json_array(), *j;

    orc_vec_each (n, &v->tried)
        json_array_append_new(tried, loss_to_json(n));
    j = json_pack("{s:b, s:i, s:o}", "ok", !worst || !worst->left, "nodes", v->nodes, "tried", tried);
    orc_json_set_str(j, "text", text);
    return j;
}

static json_t *task_to_json(const struct why *w)
{
    json_t *j = json_object();

    orc_json_set_str(j, "id", w->task);
    orc_json_set_str(j, "node", w->node);
    orc_json_set_str(j, "state", w->state);
    orc_json_set_str(j, "health", w->health);
    orc_json_set_str(j, "reason", w->said);
    orc_json_set_str(j, "probe", w->probe);
    orc_json_set_str(j, "made", w->made);
    orc_json_set_str(j, "stopped", w->stopped);
    return j;
}

json_t *why_to_json(const struct why *w)
{
    const struct explain *e = &w->explain;
    json_t *j = json_object();
    orc_auto_free char *name = orc_printf("%s/%s", w->app, w->service);

    orc_json_set_str(j, "service", name);
    json_object_set_new(j, "slot", json_integer(e->slot));
    json_object_set_new(j, "revision", json_integer(e->revision));
    json_object_set_new(j, "waits", json_boolean(e->waits));
    orc_json_set_str(j, "reason", e->reason);
    orc_json_set_str(j, "volume_on", e->pin);
    json_object_set_new(j, "needs",
                        json_pack("{s:I, s:I}", "cpus_nano", (json_int_t)e->needs.cpus_nano, "memory",
                                  (json_int_t)e->needs.memory));
    json_object_set_new(j, "fitting", json_integer(e->fitting));
    json_object_set_new(j, "nodes", why_nodes_to_json(e));
    orc_json_set_str(j, "change", e->change);
    if (w->rollout)
        json_object_set_new(j, "rollout", json_pack("{s:s, s:s?}", "state", w->rollout, "reason", w->failed));
    if (w->task)
        json_object_set_new(j, "task", task_to_json(w));
    return j;
}
