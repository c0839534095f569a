#include "scheduler/plan.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- building ---------------------------------------------------------------------------------------- */

void plan_task_ref(const struct plan_task *t)
{
    share_service_ref(t->service);
    share_text_ref(t->node);
    share_make_ref(t->make);
    share_text_ref(t->reason);
    share_text_ref(t->stop_reason);
    share_text_ref(t->odd_address);
}

void plan_task_drop(const struct plan_task *t)
{
    share_service_drop(t->service);
    share_text_drop(t->node);
    share_make_drop(t->make);
    share_text_drop(t->reason);
    share_text_drop(t->stop_reason);
    share_text_drop(t->odd_address);
}

static void op_release(struct plan_op *op)
{
    plan_task_drop(&op->task);
    if (!op->other)
        return;
    record_rollout_release(&op->other->rollout);
    record_node_state_release(&op->other->node);
    free(op->other);
}

static void guards_release(struct plan_txn *t)
{
    struct plan_node_guard *g;

    orc_vec_each (g, &t->nodes)
        share_text_drop(g->node);
    orc_vec_release(&t->guards);
    orc_vec_release(&t->nodes);
}

static void txn_release(struct plan_txn *t)
{
    struct plan_op *op;

    orc_vec_each (op, &t->ops)
        op_release(op);
    orc_vec_release(&t->ops);
    guards_release(t);
}

void plan_release(struct plan *p)
{
    struct plan_txn *t;
    struct plan_event *e;

    orc_vec_each (t, &p->txns)
        txn_release(t);
    orc_vec_release(&p->txns);
    orc_vec_each (e, &p->events) {
        free(e->object);
        free(e->message);
    }
    orc_vec_release(&p->events);
}

void plan_trim(struct plan *p)
{
    struct plan_txn *t;

    orc_vec_each (t, &p->txns) {
        guards_release(t);
        t->ops.at = orc_realloc(t->ops.at, t->ops.n, sizeof *t->ops.at);
        t->ops.cap = t->ops.n;
    }
}

bool plan_empty(const struct plan *p)
{
    return p->txns.n == 0;
}

struct plan_txn *plan_begin(struct plan *p, const char *app, const char *service)
{
    struct plan_txn *t = orc_vec_add(&p->txns);

    orc_copy_str(t->app, sizeof t->app, app);
    orc_copy_str(t->service, sizeof t->service, service);
    return t;
}

struct plan_txn *plan_follow(struct plan *p, const char *app, const char *service)
{
    struct plan_txn *t = plan_begin(p, app, service);

    t->follows = true;
    orc_vec_reserve(&t->ops, PLAN_TASKS_MAX);
    orc_vec_reserve(&t->nodes, PLAN_TASKS_MAX);
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

        free(e->object);
        free(e->message);
    }
}

void plan_task(struct plan_txn *t, enum plan_kind kind, const struct plan_task *task)
{
    struct plan_op *op = orc_vec_add(&t->ops);

    op->kind = kind;
    op->task = *task;
    plan_task_ref(task);
}

const char *plan_task_id(const struct plan_task *t, char ret[KEY_TASK_MAX + 1])
{
    key_task_id(t->service->app, t->service->service, t->slot, t->attempt, ret);
    return ret;
}

struct record_task plan_task_record(const struct plan_task *t, char address[16])
{
    struct in_addr a = {htonl(t->address)};
    struct record_task r = {.app = t->service->app,
                            .service = t->service->service,
                            .slot = t->slot,
                            .attempt = t->attempt,
                            .revision = t->make->revision,
                            .restart_epoch = t->make->restart_epoch,
                            .desired = t->desired,
                            .resources = t->make->resources,
                            .pids = t->make->pids,
                            .restarts = t->restarts,
                            .reason = (char *)share_text_str(t->reason),
                            .stop_reason = (char *)share_text_str(t->stop_reason),
                            .stop_kind = t->stop_kind,
                            .at = t->at};

    memcpy(r.container_hash, t->make->container_hash, sizeof r.container_hash);
    r.ports.at = t->make->ports.at;
    r.ports.n = t->make->ports.n;
    r.address = (char *)share_text_str(t->odd_address);
    if (!r.address && t->address) {
        inet_ntop(AF_INET, &a, address, 16);
        r.address = address;
    }
    return r;
}

static struct plan_other *add_other(struct plan_txn *t, enum plan_kind kind, enum key_kind of,
                                    const char *node)
{
    struct plan_op *op = orc_vec_add(&t->ops);

    op->kind = kind;
    op->other = orc_new(struct plan_other);
    op->other->key.kind = of;
    memcpy(op->other->key.app, t->app, sizeof t->app);
    memcpy(op->other->key.service, t->service, sizeof t->service);
    orc_copy_str(op->other->key.node, sizeof op->other->key.node, node);
    return op->other;
}

void plan_rollout_put(struct plan_txn *t, const struct record_rollout *r)
{
    record_rollout_copy(r, &add_other(t, PLAN_ROLLOUT_PUT, KEY_ROLLOUT, "")->rollout);
}

void plan_rollout_take(struct plan_txn *t, const struct record_rollout *r)
{
    add_other(t, PLAN_ROLLOUT_PUT, KEY_ROLLOUT, "")->rollout = *r;
}

void plan_rollout_delete(struct plan_txn *t)
{
    add_other(t, PLAN_ROLLOUT_DELETE, KEY_ROLLOUT, "");
}

void plan_gateway_retire(struct plan_txn *t, const char *id)
{
    add_other(t, PLAN_GATEWAY_RETIRE, KEY_GATEWAY, id);
}

void plan_node_state(struct plan_txn *t, const char *node, const struct record_node_state *r)
{
    struct plan_other *o = add_other(t, PLAN_NODE_STATE, KEY_NODE_STATE, node);

    record_node_state_copy(r, &o->node);
}

void plan_node_forget(struct plan_txn *t, const struct key *key)
{
    add_other(t, PLAN_NODE_FORGET, key->kind, key->node)->key = *key;
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

void plan_guard_node(struct plan_txn *t, struct share_text *node, int64_t alive, int64_t policy)
{
    const struct plan_node_guard *g;

    orc_vec_each (g, &t->nodes)
        if (g->node == node)
            return;
    orc_vec_push(&t->nodes, ((struct plan_node_guard){share_text_ref(node), alive, policy}));
}

/* Takes the message. */
static void add_event(struct plan *p, size_t txn, const char *type, const char *object, char *message)
{
    orc_vec_push(&p->events, ((struct plan_event){txn, type, orc_strdup(object), message}));
}

void plan_event(struct plan *p, const char *type, const char *object, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_event(p, p->txns.n - 1, type, object, orc_vprintf(fmt, ap));
    va_end(ap);
}

void plan_event_of(struct plan *p, const struct plan_txn *t, const char *type, const char *object,
                   const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    plan_event_text(p, t, type, object, orc_vprintf(fmt, ap));
    va_end(ap);
}

void plan_event_text(struct plan *p, const struct plan_txn *t, const char *type, const char *object,
                     char *message)
{
    add_event(p, (size_t)(t - p->txns.at), type, object, message);
}

void plan_notice(struct plan *p, const char *type, const char *object, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_event(p, PLAN_NO_TXN, type, object, orc_vprintf(fmt, ap));
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

static char *task_text(const struct plan_op *op)
{
    const char *node = op->task.node->s;
    char id[KEY_TASK_MAX + 1], address[16];
    struct record_task r;

    plan_task_id(&op->task, id);
    if (op->kind == PLAN_COLLECT)
        return orc_printf("collect %s on %s", id, node);
    r = plan_task_record(&op->task, address);
    if (op->kind == PLAN_TASK_CREATE)
        return orc_printf("create %s on %s %s%s: %s", id, node, r.address ? "at " : "without an address",
                          r.address ?: "", r.reason);
    return orc_printf("%s %s on %s: %s", task_desired_name(r.desired), id, node, r.stop_reason);
}

char *plan_op_text(const struct plan_txn *t, const struct plan_op *op)
{
    switch (op->kind) {
    case PLAN_TASK_CREATE:
    case PLAN_TASK_DESIRED:
    case PLAN_COLLECT:
        return task_text(op);
    case PLAN_ROLLOUT_PUT:
        return rollout_text(t, &op->other->rollout);
    case PLAN_ROLLOUT_DELETE:
        return orc_printf("forget %s/%s", t->app, t->service);
    case PLAN_GATEWAY_RETIRE:
        return orc_printf("retire gateway %s", op->other->key.node);
    case PLAN_NODE_STATE:
        return orc_printf("node %s: %s%s%s", op->other->key.node, node_state_name(op->other->node.state),
                          op->other->node.reason ? ": " : "",
                          op->other->node.reason ? op->other->node.reason : "");
    case PLAN_NODE_FORGET:
        if (op->other->key.kind == KEY_SUBNET)
            return orc_printf("give back subnet %lld", (long long)op->other->key.n);
        return orc_printf("forget %s%s", op->other->key.kind == KEY_NODE ? "the record of node " : "node ",
                          op->other->key.node);
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
