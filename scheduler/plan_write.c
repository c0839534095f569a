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

static void write_collect(const struct plan_op *op, const char *cluster, const struct plan_sink *sink)
{
    orc_auto_free char *task = key_task(cluster, op->key.node, op->key.task);
    orc_auto_free char *status = key_status(cluster, op->key.node, op->key.task);

    if (op->has_task)
        sink->del(task, sink->arg);
    if (op->has_status)
        sink->del(status, sink->arg);
}

/* What `orc restart` asked for goes with the service. */
static void write_rollout_delete(const struct plan_op *op, const char *cluster, const struct plan_sink *sink)
{
    orc_auto_free char *rollout = key_rollout(cluster, op->key.app, op->key.service);
    orc_auto_free char *intent = key_intent(cluster, op->key.app, op->key.service);

    sink->del(rollout, sink->arg);
    sink->del(intent, sink->arg);
}

static void write_op(const struct plan_op *op, const char *cluster, const struct plan_sink *sink)
{
    orc_auto_free char *key = key_text(cluster, &op->key);
    orc_auto_free char *value = NULL;

    switch (op->kind) {
    case PLAN_TASK_CREATE:
        sink->if_create(key, 0, sink->arg);
        value = record_task_text(&op->task);
        sink->put(key, value, sink->arg);
        break;
    case PLAN_TASK_DESIRED:
        value = record_task_text(&op->task);
        sink->put(key, value, sink->arg);
        break;
    case PLAN_ROLLOUT_PUT:
        value = record_rollout_text(&op->rollout);
        sink->put(key, value, sink->arg);
        break;
    case PLAN_COLLECT:
        write_collect(op, cluster, sink);
        break;
    case PLAN_ROLLOUT_DELETE:
        write_rollout_delete(op, cluster, sink);
        break;
    case PLAN_NODE_STATE:
        value = record_node_state_text(&op->node);
        sink->put(key, value, sink->arg);
        break;
    case PLAN_NODE_FORGET:
    case PLAN_GATEWAY_RETIRE:
        sink->del(key, sink->arg);
        break;
    }
}

void plan_write(const struct plan_txn *t, const char *cluster, const struct plan_sink *sink)
{
    const struct plan_guard *g;
    const struct plan_op *op;

    orc_vec_each (g, &t->guards)
        write_guard(g, cluster, sink);
    orc_vec_each (op, &t->ops)
        write_op(op, cluster, sink);
}
