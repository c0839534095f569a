#include "scheduler/plan_write.h"

static char *key_text(const char *cluster, const struct key *k)
{
    switch (k->kind) {
    case KEY_APP:
        return key_app(cluster, k->app);
    case KEY_ROLLOUT:
        return key_rollout(cluster, k->app, k->service);
    case KEY_TASK:
        return key_task(cluster, k->node, k->task);
    case KEY_STATUS:
        return key_status(cluster, k->node, k->task);
    case KEY_ALIVE:
        return key_alive(cluster, k->node);
    case KEY_NODE_POLICY:
        return key_node_policy(cluster, k->node);
    case KEY_NODE:
        return key_node(cluster, k->node);
    case KEY_SUBNET:
        return key_subnet(cluster, (int)k->n);
    case KEY_NODE_STATE:
        return key_node_state(cluster, k->node);
    case KEY_GATEWAY:
        return key_gateway(cluster, k->node);
    case KEY_GATEWAY_ALIVE:
        return key_gateway_alive(cluster, k->node);
    default:
        return NULL;
    }
}

static void write_guard(const struct plan_guard *g, const char *cluster, const struct plan_sink *sink)
{
    orc_auto_free char *key = key_text(cluster, &g->key);

    if (g->create)
        sink->if_create(key, g->revision, sink->arg);
    else
        sink->if_mod(key, g->revision, sink->arg);
}

static void write_node_guard(const struct plan_node_guard *g, const char *cluster,
                             const struct plan_sink *sink)
{
    orc_auto_free char *alive = key_alive(cluster, g->node->s);
    orc_auto_free char *policy = key_node_policy(cluster, g->node->s);

    if (g->alive != PLAN_ANY)
        sink->if_create(alive, g->alive, sink->arg);
    if (g->policy != PLAN_ANY)
        sink->if_mod(policy, g->policy, sink->arg);
}

static void write_collect(const struct plan_task *t, const char *task, const char *status,
                          const struct plan_sink *sink)
{
    sink->if_mod(task, t->mod, sink->arg);
    sink->if_mod(status, t->status_mod, sink->arg);
    if (t->mod)
        sink->del(task, sink->arg);
    if (t->status_mod)
        sink->del(status, sink->arg);
}

static void write_task(const struct plan_op *op, const char *cluster, const struct plan_sink *sink)
{
    const struct plan_task *t = &op->task;
    char id[KEY_TASK_MAX + 1], address[16];
    orc_auto_free char *key = key_task(cluster, t->node->s, plan_task_id(t, id)), *value = NULL;
    struct record_task r;

    if (op->kind == PLAN_COLLECT) {
        orc_auto_free char *status = key_status(cluster, t->node->s, id);

        write_collect(t, key, status, sink);
        return;
    }
    if (op->kind == PLAN_TASK_CREATE)
        sink->if_create(key, 0, sink->arg);
    else
        sink->if_mod(key, t->mod, sink->arg);
    r = plan_task_record(t, address);
    value = record_task_text(&r);
    sink->put(key, value, sink->arg);
    if (sink->wrote)
        sink->wrote(key, value, t, sink->arg);
}

/* What `orc restart` asked for goes with the service. */
static void write_rollout_delete(const struct plan_op *op, const char *cluster, const struct plan_sink *sink)
{
    orc_auto_free char *rollout = key_rollout(cluster, op->other->key.app, op->other->key.service);
    orc_auto_free char *intent = key_intent(cluster, op->other->key.app, op->other->key.service);

    sink->del(rollout, sink->arg);
    sink->del(intent, sink->arg);
}

/* Puts what a key of no task becomes, or deletes it; takes the text. */
static void write_other(const struct plan_other *o, char *value, const char *cluster,
                        const struct plan_sink *sink)
{
    orc_auto_free char *key = key_text(cluster, &o->key), *text = value;

    if (text)
        sink->put(key, text, sink->arg);
    else
        sink->del(key, sink->arg);
}

static void write_op(const struct plan_op *op, const char *cluster, const struct plan_sink *sink)
{
    switch (op->kind) {
    case PLAN_TASK_CREATE:
    case PLAN_TASK_DESIRED:
    case PLAN_COLLECT:
        write_task(op, cluster, sink);
        break;
    case PLAN_ROLLOUT_PUT:
        write_other(op->other, record_rollout_text(&op->other->rollout), cluster, sink);
        break;
    case PLAN_ROLLOUT_DELETE:
        write_rollout_delete(op, cluster, sink);
        break;
    case PLAN_NODE_STATE:
        write_other(op->other, record_node_state_text(&op->other->node), cluster, sink);
        break;
    case PLAN_NODE_FORGET:
    case PLAN_GATEWAY_RETIRE:
        write_other(op->other, NULL, cluster, sink);
        break;
    }
}

void plan_write(const struct plan_txn *t, const char *cluster, const struct plan_sink *sink)
{
    const struct plan_node_guard *n;
    const struct plan_guard *g;
    const struct plan_op *op;

    orc_vec_each (g, &t->guards)
        write_guard(g, cluster, sink);
    orc_vec_each (n, &t->nodes)
        write_node_guard(n, cluster, sink);
    orc_vec_each (op, &t->ops)
        write_op(op, cluster, sink);
}
