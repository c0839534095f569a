#include "cli/preview.h"

#include "cli/change.h"
#include "scheduler/core.h"

#include <stdio.h>

const enum key_kind preview_kinds[] = {
    KEY_CONFIG, KEY_REVISION,    KEY_APP,        KEY_INTENT, KEY_ROLLOUT, KEY_TASK,          KEY_STATUS,
    KEY_NODE,   KEY_NODE_POLICY, KEY_NODE_STATE, KEY_ALIVE,  KEY_GATEWAY, KEY_GATEWAY_ALIVE, KEY_UNKNOWN};

/* ---- the change -------------------------------------------------------------------------------------- */

static int check_nodes(struct cluster *c, const struct orc_strv *nodes, struct orc_err *err)
{
    int r = 0;

    for (size_t i = 0; nodes && r == 0 && i < nodes->n; i++)
        r = change_need_node(c, nodes->at[i], err);
    return r;
}

/* Labels of a policy that is there stay. */
static void put_policy(struct cluster *c, const char *node, bool drain)
{
    orc_auto_free char *key = key_node_policy(c->name, node);
    struct cluster_entry *e = cluster_find(c, orc_strdup(key));
    struct record_node_policy fresh = {0}, *policy = e ? &e->as.policy : &fresh;
    orc_auto_free char *text = NULL;

    policy->cordon = true;
    policy->drain = policy->drain || drain;
    text = record_node_policy_text(policy);
    cluster_put(c, key, text, strlen(text), c->revision + 1, c->revision + 1);
}

/* As `orc apply` would: the revisions, then the app; so that new ids are those that it leads to. */
static void put_app(struct cluster *c, const struct preview_change *x)
{
    const struct cluster_entry *now = cluster_find(c, key_app(c->name, x->app));
    orc_auto_free char *key = key_app(c->name, x->app), *text = NULL;
    int64_t revision = c->revision, create = now ? now->create_revision : 0;
    const struct delta_step *step;
    int writes = 0;

    orc_vec_each (step, &x->delta->steps) {
        orc_auto_free char *at = NULL, *rev = NULL;

        if (!step->write)
            continue;
        revision += writes++ % DELTA_TXN_REVISIONS == 0;
        at = key_revision(c->name, x->app, step->service, step->revision);
        rev = delta_revision(step, NULL, "", 0);
        cluster_put(c, at, rev, strlen(rev), revision, revision);
    }
    revision++;
    x->delta->next.generation = change_generation(c, x->app);
    text = record_app_text(&x->delta->next);
    if (x->delta->next.services.n)
        cluster_put(c, key, text, strlen(text), create ? create : revision, revision);
    else
        cluster_delete(c, key);
}

static void put_intent(struct cluster *c, const struct preview_intent *i)
{
    orc_auto_free char *key = key_intent(c->name, i->app, i->service);
    orc_auto_free char *text = record_intent_text(&i->intent);

    cluster_put(c, key, text, strlen(text), c->revision + 1, c->revision + 1);
}

static void change_cluster(struct cluster *c, const struct preview_change *x)
{
    for (size_t i = 0; x->intents && i < x->intents->n; i++)
        put_intent(c, &x->intents->at[i]);
    for (size_t i = 0; x->cordon && i < x->cordon->n; i++)
        put_policy(c, x->cordon->at[i], false);
    for (size_t i = 0; x->drain && i < x->drain->n; i++)
        put_policy(c, x->drain->at[i], true);
    if (x->delta && x->delta->changes)
        put_app(c, x);
}

int preview_run(struct cluster *c, const struct preview_change *change, int64_t wall_ms,
                struct forecast_result *ret, struct orc_err *err)
{
    struct cluster_entry *e, *next;
    struct forecast *f;

    if (check_nodes(c, change->without, err) < 0 || check_nodes(c, change->cordon, err) < 0 ||
        check_nodes(c, change->drain, err) < 0)
        return -ENOENT;
    change_cluster(c, change);
    f = forecast_new(wall_ms, change->zones);
    HASH_ITER (hh, c->entries, e, next) {
        if (core_wants(e->key.kind))
            forecast_put(f, &e->key, e->problem ? NULL : &e->as, e->create_revision, e->mod_revision);
        cluster_drop(c, e);
    }
    for (size_t i = 0; change->without && i < change->without->n; i++) {
        struct key key = {.kind = KEY_ALIVE};

        snprintf(key.node, sizeof key.node, "%s", change->without->at[i]);
        forecast_delete(f, &key); /* now: so it was alive until now */
    }
    forecast_run(f, ret);
    if (change->headroom)
        headroom_find(forecast_core(f), change->headroom);
    if (change->survive)
        survive_any_node(forecast_core(f), change->survive);
    forecast_free(f);
    return 0;
}

/* ---- in words ---------------------------------------------------------------------------------------- */

bool preview_shows(const struct plan_op *op)
{
    return op->kind == PLAN_TASK_CREATE || op->kind == PLAN_TASK_DESIRED;
}

const char *preview_verb(const struct plan_op *op)
{
    return op->kind == PLAN_TASK_CREATE ? "create" : task_desired_name(op->task.desired);
}

const char *preview_reason(const struct plan_op *op)
{
    return share_text_str(op->kind == PLAN_TASK_CREATE ? op->task.reason : op->task.stop_reason);
}

/* Slots that wait for one reason are told together. */
static void add_pending(const struct record_rollout *r, struct orc_buf *b)
{
    for (size_t i = 0; i < r->pending.n; i++) {
        size_t same = 1;

        if (i && orc_streq(r->pending.at[i - 1].reason, r->pending.at[i].reason))
            continue;
        while (i + same < r->pending.n && orc_streq(r->pending.at[i + same].reason, r->pending.at[i].reason))
            same++;
        orc_buf_printf(b, "%s%zu replica%s wait%s: %s", b->len ? "; " : "", same, same == 1 ? "" : "s",
                       same == 1 ? "s" : "", r->pending.at[i].reason);
    }
}

char *preview_why(const struct forecast_service *s)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 16);

    add_pending(&s->rollout, &b);
    if (!b.len && s->rollout.reason)
        orc_buf_puts(&b, s->rollout.reason);
    return orc_buf_take(&b);
}

static json_t *op_to_json(uint64_t after_ms, const struct plan_txn *t, const struct plan_op *op)
{
    orc_auto_free char *service = orc_printf("%s/%s", t->app, t->service);
    char id[KEY_TASK_MAX + 1], address[16];
    struct record_task rec = plan_task_record(&op->task, address);
    json_t *j =
        json_pack("{s:I, s:s, s:s, s:s, s:i, s:I, s:s}", "after_ms", (json_int_t)after_ms, "operation",
                  preview_verb(op), "task", plan_task_id(&op->task, id), "service", service, "slot", rec.slot,
                  "revision", (json_int_t)rec.revision, "node", op->task.node->s);

    orc_json_set_str(j, "address", rec.address);
    orc_json_set_str(j, "reason", preview_reason(op));
    return j;
}

static json_t *ops_to_json(const struct forecast_result *r)
{
    const struct forecast_step *s;
    const struct plan_txn *t;
    const struct plan_op *op;
    json_t *all = json_array();

    orc_vec_each (s, &r->steps)
        orc_vec_each (t, &s->plan.txns)
            orc_vec_each (op, &t->ops)
                if (preview_shows(op))
                    json_array_append_new(all, op_to_json(s->after_ms, t, op));
    return all;
}

static json_t *moves_to_json(const struct forecast_result *r)
{
    const struct forecast_move *m;
    json_t *all = json_array();

    orc_vec_each (m, &r->moves)
        json_array_append_new(all, json_pack("{s:s, s:i, s:s?, s:s?}", "service", m->service, "slot", m->slot,
                                             "from", m->from, "to", m->to));
    return all;
}

static json_t *services_to_json(const struct forecast_result *r)
{
    const struct forecast_service *s;
    json_t *all = json_array();

    orc_vec_each (s, &r->services) {
        orc_auto_free char *why = preview_why(s);
        json_t *j = json_pack("{s:s, s:s, s:i, s:i, s:I, s:b, s:i}", "name", s->name, "state",
                              rollout_state_name(s->rollout.state), "replicas", s->rollout.replicas,
                              "available", s->rollout.available, "revision", (json_int_t)s->rollout.target,
                              "ok", forecast_is_fine(s), "waiting", (int)s->rollout.pending.n);

        if (!forecast_is_fine(s) && *why)
            orc_json_set_str(j, "why", why);
        json_array_append_new(all, j);
    }
    return all;
}

json_t *preview_to_json(const struct forecast_result *r)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:b}", "operations", ops_to_json(r), "moves", moves_to_json(r),
                     "services", services_to_json(r), "took_ms", (json_int_t)r->took_ms, "rests", r->rests);
}
