#include "scheduler/plan.h"

#include <stdio.h>
#include <string.h>

/* ---- copies ------------------------------------------------------------------------------------------ */

void plan_copy_task(struct record_task *dst, const struct record_task *src)
{
    *dst = *src;
    dst->app = orc_strdup(src->app);
    dst->service = orc_strdup(src->service);
    dst->address = orc_strdup(src->address);
    dst->reason = orc_strdup(src->reason);
    dst->stop_reason = orc_strdup(src->stop_reason);
    memset(&dst->ports, 0, sizeof dst->ports);
    for (size_t i = 0; i < src->ports.n; i++) {
        struct spec_port *p = orc_vec_add(&dst->ports);

        *p = src->ports.at[i];
        p->host_ip = orc_strdup(p->host_ip);
    }
}

void plan_copy_rollout(struct record_rollout *dst, const struct record_rollout *src)
{
    *dst = *src;
    dst->reason = orc_strdup(src->reason);
    memset(&dst->pending, 0, sizeof dst->pending);
    for (size_t i = 0; i < src->pending.n; i++) {
        struct rollout_pending *p = orc_vec_add(&dst->pending);

        *p = src->pending.at[i];
        p->reason = orc_strdup(p->reason);
    }
    memset(&dst->trouble, 0, sizeof dst->trouble);
    for (size_t i = 0; i < src->trouble.n; i++)
        orc_vec_push(&dst->trouble, ((struct rollout_trouble){orc_strdup(src->trouble.at[i].node),
                                                              src->trouble.at[i].failures}));
}

/* ---- building ---------------------------------------------------------------------------------------- */

static void txn_release(struct plan_txn *t)
{
    struct plan_op *op;

    orc_vec_each (op, &t->ops) {
        record_task_release(&op->task);
        record_rollout_release(&op->rollout);
        record_node_state_release(&op->node);
    }
    orc_vec_release(&t->ops);
    orc_vec_release(&t->guards);
}

void plan_release(struct plan *p)
{
    struct plan_txn *t;
    struct plan_event *e;

    orc_vec_each (t, &p->txns)
        txn_release(t);
    orc_vec_release(&p->txns);
    orc_vec_each (e, &p->events) {
        free(e->type);
        free(e->object);
        free(e->message);
    }
    orc_vec_release(&p->events);
}

bool plan_empty(const struct plan *p)
{
    return p->txns.n == 0;
}

struct plan_txn *plan_begin(struct plan *p, const char *app, const char *service)
{
    struct plan_txn *t = orc_vec_add(&p->txns);

    snprintf(t->app, sizeof t->app, "%s", app);
    snprintf(t->service, sizeof t->service, "%s", service);
    return t;
}

void plan_end(struct plan *p)
{
    struct plan_txn *t = &p->txns.at[p->txns.n - 1];

    if (t->ops.n)
        return;
    txn_release(t);
    p->txns.n--;
    while (p->events.n && p->events.at[p->events.n - 1].txn == p->txns.n) {
        struct plan_event *e = &p->events.at[--p->events.n];

        free(e->type);
        free(e->object);
        free(e->message);
    }
}

static struct plan_op *add_op(struct plan_txn *t, enum plan_kind kind, enum key_kind of, const char *node,
                              const char *id)
{
    struct plan_op *op = orc_vec_add(&t->ops);

    op->kind = kind;
    op->key.kind = of;
    memcpy(op->key.app, t->app, sizeof t->app);
    memcpy(op->key.service, t->service, sizeof t->service);
    snprintf(op->key.node, sizeof op->key.node, "%s", node);
    snprintf(op->key.task, sizeof op->key.task, "%s", id);
    return op;
}

struct plan_op *plan_task_create(struct plan_txn *t, const char *node, const char *id,
                                 const struct record_task *task)
{
    struct plan_op *op = add_op(t, PLAN_TASK_CREATE, KEY_TASK, node, id);

    plan_copy_task(&op->task, task);
    return op;
}

struct plan_op *plan_task_desired(struct plan_txn *t, const char *node, const char *id,
                                  const struct record_task *task, enum task_desired desired,
                                  const char *stop_reason)
{
    struct plan_op *op = add_op(t, PLAN_TASK_DESIRED, KEY_TASK, node, id);

    plan_copy_task(&op->task, task);
    op->task.desired = desired;
    orc_set_str(&op->task.stop_reason, stop_reason);
    return op;
}

void plan_collect(struct plan_txn *t, const char *node, const char *id, bool has_task, bool has_status)
{
    struct plan_op *op = add_op(t, PLAN_COLLECT, KEY_TASK, node, id);

    op->has_task = has_task;
    op->has_status = has_status;
}

void plan_rollout_put(struct plan_txn *t, const struct record_rollout *r)
{
    plan_copy_rollout(&add_op(t, PLAN_ROLLOUT_PUT, KEY_ROLLOUT, "", "")->rollout, r);
}

void plan_rollout_delete(struct plan_txn *t)
{
    add_op(t, PLAN_ROLLOUT_DELETE, KEY_ROLLOUT, "", "");
}

void plan_gateway_retire(struct plan_txn *t, const char *id)
{
    add_op(t, PLAN_GATEWAY_RETIRE, KEY_GATEWAY, id, "");
}

void plan_node_state(struct plan_txn *t, const char *node, const struct record_node_state *r)
{
    struct plan_op *op = add_op(t, PLAN_NODE_STATE, KEY_NODE_STATE, node, "");

    op->node = *r;
    op->node.reason = orc_strdup(r->reason);
}

void plan_node_forget(struct plan_txn *t, const char *node)
{
    add_op(t, PLAN_NODE_FORGET, KEY_NODE_STATE, node, "");
}

static bool same_key(const struct key *a, const struct key *b)
{
    return a->kind == b->kind && a->n == b->n && strcmp(a->node, b->node) == 0 &&
           strcmp(a->task, b->task) == 0 && strcmp(a->service, b->service) == 0 &&
           strcmp(a->app, b->app) == 0;
}

void plan_guard(struct plan_txn *t, const struct key *key, bool create, int64_t revision)
{
    struct plan_guard *g;

    orc_vec_each (g, &t->guards)
        if (g->create == create && same_key(&g->key, key))
            return;
    g = orc_vec_add(&t->guards);
    g->key = *key;
    g->create = create;
    g->revision = revision;
}

static void add_event(struct plan *p, size_t txn, const char *type, const char *object, const char *fmt,
                      va_list ap)
{
    struct plan_event *e = orc_vec_add(&p->events);

    e->txn = txn;
    e->type = orc_strdup(type);
    e->object = orc_strdup(object);
    e->message = orc_vprintf(fmt, ap);
}

void plan_event(struct plan *p, const char *type, const char *object, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_event(p, p->txns.n - 1, type, object, fmt, ap);
    va_end(ap);
}

void plan_notice(struct plan *p, const char *type, const char *object, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_event(p, PLAN_NO_TXN, type, object, fmt, ap);
    va_end(ap);
}

/* ---- text -------------------------------------------------------------------------------------------- */

static char *rollout_text(const struct plan_txn *t, const struct record_rollout *r)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);

    orc_buf_printf(&b, "rollout %s/%s: %s, revision %lld, %d of %d available, %d updated", t->app, t->service,
                   rollout_state_name(r->state), (long long)r->target, r->available, r->replicas, r->updated);
    if (r->reason)
        orc_buf_printf(&b, ": %s", r->reason);
    for (size_t i = 0; i < r->pending.n; i++)
        orc_buf_printf(&b, "\n  slot %d waits: %s", r->pending.at[i].slot, r->pending.at[i].reason);
    return orc_buf_take(&b);
}

char *plan_op_text(const struct plan_txn *t, const struct plan_op *op)
{
    const char *node = op->key.node, *id = op->key.task;

    switch (op->kind) {
    case PLAN_TASK_CREATE:
        return orc_printf("create %s on %s at %s: %s", id, node, op->task.address, op->task.reason);
    case PLAN_TASK_DESIRED:
        return orc_printf("%s %s on %s: %s", task_desired_name(op->task.desired), id, node,
                          op->task.stop_reason);
    case PLAN_COLLECT:
        return orc_printf("collect %s on %s", id, node);
    case PLAN_ROLLOUT_PUT:
        return rollout_text(t, &op->rollout);
    case PLAN_ROLLOUT_DELETE:
        return orc_printf("forget %s/%s", t->app, t->service);
    case PLAN_GATEWAY_RETIRE:
        return orc_printf("retire gateway %s", node);
    case PLAN_NODE_STATE:
        return orc_printf("node %s: %s%s%s", node, node_state_name(op->node.state),
                          op->node.reason ? ": " : "", op->node.reason ? op->node.reason : "");
    case PLAN_NODE_FORGET:
        return orc_printf("forget node %s", node);
    }
    return orc_strdup("");
}

char *plan_text(const struct plan *p)
{
    struct orc_buf b = ORC_BUF_INIT(64 << 20);
    const struct plan_txn *t;
    const struct plan_op *op;

    orc_vec_each (t, &p->txns) {
        orc_vec_each (op, &t->ops) {
            orc_auto_free char *line = plan_op_text(t, op);

            orc_buf_puts(&b, line);
            orc_buf_puts(&b, "\n");
        }
    }
    return orc_buf_take(&b);
}
