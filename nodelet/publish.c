/* publish.c - writes what was seen: the task's status, and its endpoint while it may be sent requests.
 *
 * One transaction per change carries both, so that nobody sees a healthy task without its endpoint or a
 * stopped one with it. A write is made only when something differs from what the store has; states that pass
 * within PUBLISH_PATIENCE_MS are left out, and so is everything while etcd is away: then the last one is
 * written when it is back.
 *
 * Guards (docs/keys.md): the task's create revision; for `ready` its mod revision, so that desired is still
 * `run`; for an endpoint our own `alive`.
 */
#include "nodelet/task.h"

#include "lib/clock.h"

#include <string.h>

#define PUBLISH_PATIENCE_MS 1000
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000

static bool is_running(const struct task *t)
{
    return t->c.container == CONTAINER_RUNNING;
}

static enum task_health health_of(const struct task *t)
{
    struct sidecar_part parts[PARTS_MAX];

    return sidecar_health(parts, parts_of(t, parts));
}

static bool is_judged(const struct task *t)
{
    struct sidecar_part parts[PARTS_MAX];

    return sidecar_judged(parts, parts_of(t, parts));
}

static enum task_state state_of(const struct task *t)
{
    struct sidecar_part parts[PARTS_MAX];

    return sidecar_state(parts, parts_of(t, parts), t->pub.last_state);
}

static enum endpoint_known wanted_endpoint(const struct task *t)
{
    if (!is_running(t))
        return EP_NONE;
    if (converge_stopping(&t->c))
        return t->ever_ready ? EP_DRAINING : EP_NONE;
    if (t->c.job || !t->rec.address) /* nobody calls it */
        return EP_NONE;
    if (t->c.desired != TASK_RUN) /* its stop has not begun yet: as it is */
        return t->pub.have;
    if (!is_judged(t)) /* yet */
        return t->pub.have;
    return health_of(t) == TASK_HEALTHY ? EP_READY : EP_NONE;
}

/* With the sidecar's name where it is one's; *own keeps the text. */
static const char *of_part(const struct sidecar_part *p, const char *text, char **own)
{
    free(*own);
    *own = p->name && text ? orc_printf("sidecar %s: %s", p->name, text) : NULL;
    return *own ? *own : text;
}

/* Why it is as it is; borrowed, may be NULL. */
static const char *reason_of(struct task *t)
{
    struct sidecar_part parts[PARTS_MAX];
    const struct sidecar_part *p = sidecar_cause(parts, parts_of(t, parts));
    const char *why = NULL;

    if (t->c.desired == TASK_RUN && t->revision && !revision_spec(t->revision, &why) && why)
        return why;
    return of_part(p, p->c->reason, &t->pub.reason);
}

static const char *probe_of(struct task *t)
{
    struct sidecar_part parts[PARTS_MAX];
    const struct sidecar_part *p = sidecar_cause(parts, parts_of(t, parts));

    return p->c->container == CONTAINER_RUNNING ? of_part(p, p->probe, &t->pub.probe) : NULL;
}

static int restarts_of(const struct task *t)
{
    struct sidecar_part parts[PARTS_MAX];

    return sidecar_restarts(parts, parts_of(t, parts));
}

static struct record_status status_of(struct task *t)
{
    struct record_status s = {
        .state = state_of(t),
        .health = health_of(t),
        .restarts = restarts_of(t),
        .reason = (char *)reason_of(t),
        .probe = (char *)probe_of(t),
        .container = t->c.container == CONTAINER_NONE || !*t->container ? NULL : t->container,
        .exit_code = t->c.exit_code,
        .oom = t->c.oom,
    };
    struct publication *p = &t->pub;

    if (!p->since || s.state != p->last_state || s.health != p->last_health) {
        p->since = orc_wall_ms();
        orc_log(s.state < TASK_RUNNING ? ORC_LOG_DEBUG : ORC_LOG_INFO, "task %s: %s%s%s", t->id,
                task_state_name(s.state), is_running(t) ? ", " : "",
                is_running(t) ? task_health_name(s.health) : "");
    }
    p->last_state = s.state;
    p->last_health = s.health;
    s.since = p->since;
    record_boot(t->a->opts.boot_id, s.boot);
    return s;
}

static bool is_same(const struct record_status *a, const struct record_status *b)
{
    return a->state == b->state && a->health == b->health && a->restarts == b->restarts &&
           a->exit_code == b->exit_code && a->oom == b->oom && a->since == b->since &&
           strcmp(a->boot, b->boot) == 0 && orc_streq(a->reason, b->reason) &&
           orc_streq(a->probe, b->probe) && orc_streq(a->container, b->container);
}

static void forget_shown(struct publication *p)
{
    free(p->text);
    p->text = NULL;
    record_status_release(&p->shown);
}

/* Every probe asks for it, and few find anything new: written out only when something is. */
static const char *status_text(struct task *t)
{
    struct publication *p = &t->pub;
    struct record_status s = status_of(t);

    if (p->text && is_same(&s, &p->shown))
        return p->text;
    forget_shown(p);
    s.reason = orc_strdup(s.reason);
    s.probe = orc_strdup(s.probe);
    s.container = orc_strdup(s.container);
    p->shown = s;
    p->text = record_status_text(&s);
    return p->text;
}

/* States on the way to something: worth a write only when they last. */
static bool is_passing(struct task *t)
{
    enum task_state state = state_of(t);

    if (state == TASK_REMOVED || reason_of(t))
        return false;
    return state < TASK_RUNNING || state == TASK_STOPPING ||
           (state == TASK_RUNNING && health_of(t) == TASK_UNKNOWN);
}

static char *endpoint_text(const struct task *t, enum endpoint_known ep)
{
    const struct spec_service *spec = task_spec(t);
    struct record_endpoint e = {.node = t->a->node,
                                .address = t->rec.address,
                                .state = ep == EP_READY ? ENDPOINT_READY : ENDPOINT_DRAINING};
    char *text;

    for (size_t i = 0; spec && i < spec->gateway.n; i++) {
        struct endpoint_port port = {.name = endpoint_port_name(&spec->gateway.at[i]),
                                     .port = spec->gateway.at[i].port};

        orc_vec_push(&e.ports, port);
    }
    text = record_endpoint_text(&e);
    for (size_t i = 0; i < e.ports.n; i++)
        free(e.ports.at[i].name);
    orc_vec_release(&e.ports);
    return text;
}

static void retry(struct task *t)
{
    struct publication *p = &t->pub;

    p->backoff = !p->backoff ? RETRY_MIN_MS : p->backoff * 2 < RETRY_MAX_MS ? p->backoff * 2 : RETRY_MAX_MS;
    p->retry_at = orc_clock_ms() + p->backoff;
}

/* The compares did not hold: the task was changed or collected (the view will tell), or we lost the node. */
static void refused(struct task *t, const struct etcd_result *res)
{
    orc_auto_free char *alive = key_alive(t->a->cluster, t->a->node);
    bool same = false;

    for (size_t i = 0; i < res->n_kvs; i++)
        if (strcmp(res->kvs[i].key, alive) == 0)
            same = res->kvs[i].create_revision == t->a->alive_rev;
    if (!same && t->a->alive_rev)
        t->a->opts.on_alive_doubt(t->a->opts.arg);
    retry(t);
}

static void gateways_of(const struct task *t, const struct etcd_result *res, struct orc_strv *ret)
{
    for (size_t i = 0; i < res->n_kvs; i++) {
        struct key key;

        if (key_parse(t->a->cluster, res->kvs[i].key, &key) == KEY_GATEWAY)
            orc_strv_add(ret, key.node);
    }
}

void publish_took(struct publication *p, int64_t alive)
{
    p->have = p->sent_ep == EP_NONE || p->sent_alive == alive ? p->sent_ep : EP_UNKNOWN;
    if (p->have == EP_NONE)
        p->may_stand = false;
}

static void took_endpoint(struct task *t, const struct etcd_result *res)
{
    struct publication *p = &t->pub;
    struct orc_strv gateways = {0};

    publish_took(p, t->a->alive_rev);
    if (p->have == EP_DRAINING && t->w.step == WITHDRAW_PUTTING) {
        gateways_of(t, res, &gateways);
        withdraw_written(&t->w, res->revision, &gateways, orc_clock_ms());
        orc_strv_release(&gateways);
    }
}

static void took(struct task *t, const struct etcd_result *res)
{
    struct publication *p = &t->pub;

    p->backoff = 0;
    p->retry_at = 0;
    p->revision = res->revision;
    if (p->sent_with_ep)
        took_endpoint(t, res);
    if (p->sent) {
        free(p->written);
        p->written = orc_take(p->sent);
        t->has_status = true;
    }
}

static void on_written(const struct etcd_result *res, void *arg)
{
    struct task *t = arg;
    struct publication *p = &t->pub;

    p->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error) {
        p->have = EP_UNKNOWN; /* it may have been applied */
        orc_log_begin(&t->a->writes, ORC_LOG_WARN, "status can't be written: %s", res->error_text);
        retry(t);
    } else if (!res->succeeded) {
        refused(t, res);
    } else {
        orc_log_end(&t->a->writes, "status is written again");
        took(t, res);
    }
    free(p->sent);
    p->sent = NULL;
    task_step(t);
}

static void add_guards(struct task *t, struct etcd_txn *txn, enum endpoint_known ep)
{
    struct agent *a = t->a;
    orc_auto_free char *task = key_task(a->cluster, a->node, t->id), *alive = key_alive(a->cluster, a->node);

    etcd_txn_if_create_revision(txn, task, t->has_record ? t->create_rev : 0);
    if (ep == EP_READY)
        etcd_txn_if_mod_revision(txn, task, t->mod_rev);
    if (ep == EP_READY || ep == EP_DRAINING)
        etcd_txn_if_create_revision(txn, alive, a->alive_rev);
    etcd_txn_else_get(txn, task);
    etcd_txn_else_get(txn, alive);
}

static void add_endpoint(struct task *t, struct etcd_txn *txn, enum endpoint_known ep)
{
    struct agent *a = t->a;
    orc_auto_free char *key = key_endpoint(a->cluster, t->rec.app, t->rec.service, t->id);
    orc_auto_free char *gateways = key_range(a->cluster, KEY_GATEWAY);
    orc_auto_free char *text = NULL;

    if (ep == EP_NONE) {
        etcd_txn_delete(txn, key);
        return;
    }
    text = endpoint_text(t, ep);
    etcd_txn_put(txn, key, text, a->lease);
    if (ep == EP_DRAINING)
        etcd_txn_get_prefix(txn, gateways);
    else
        t->ever_ready = t->pub.may_stand = true; /* from the moment it may be seen */
}

static void write_now(struct task *t, const char *status, enum endpoint_known ep, bool with_ep)
{
    struct agent *a = t->a;
    orc_auto_free char *key = key_status(a->cluster, a->node, t->id);
    struct etcd_txn *txn = etcd_txn_new();

    add_guards(t, txn, with_ep ? ep : EP_NONE);
    if (status)
        etcd_txn_put(txn, key, status, 0);
    if (with_ep)
        add_endpoint(t, txn, ep);
    t->pub.sent = orc_strdup(status);
    t->pub.sent_with_ep = with_ep;
    t->pub.sent_ep = ep;
    t->pub.sent_alive = a->alive_rev;
    t->pub.differs = 0;
    t->pub.call = etcd_txn_commit(a->opts.etcd, txn, on_written, t);
}

/* The record is gone, and what runs is left alone with its endpoint; but when it has ended nobody shall be
 * sent to its address. */
static void withdraw_orphan(struct task *t, uint64_t now)
{
    if (is_running(t) || t->pub.have == EP_NONE || !t->a->lease)
        return;
    if (t->pub.retry_at > now)
        task_wake_at(t, t->pub.retry_at);
    else
        write_now(t, NULL, EP_NONE, true);
}

void publish_step(struct task *t, uint64_t now)
{
    struct publication *p = &t->pub;
    enum endpoint_known ep = wanted_endpoint(t);
    bool ep_differs = ep != p->have || (ep == EP_DRAINING && t->w.step == WITHDRAW_PUTTING);
    const char *status;

    if (p->call || t->a->view != VIEW_LIVE)
        return;
    if (!t->has_record) {
        withdraw_orphan(t, now);
        return;
    }
    if (ep != EP_NONE && !t->a->lease)
        ep_differs = false; /* written as soon as there is a lease again */
    status = status_text(t);
    if (orc_streq(status, p->written))
        status = NULL;
    if (!status && !ep_differs) {
        p->differs = 0;
        return;
    }
    if (!p->differs)
        p->differs = now;
    if (p->retry_at > now) {
        task_wake_at(t, p->retry_at);
    } else if (!ep_differs && is_passing(t) && now - p->differs < PUBLISH_PATIENCE_MS) {
        task_wake_at(t, p->differs + PUBLISH_PATIENCE_MS);
    } else {
        write_now(t, status, ep, ep_differs);
    }
}

/* Somebody else's hand on our key: it is written anew. Our own echo is told by its revision and text. */
void publish_status_seen(struct task *t, const struct etcd_kv *kv)
{
    struct publication *p = &t->pub;

    t->has_status = kv != NULL;
    if (p->call || (kv && (kv->mod_revision <= p->revision || orc_streq(kv->value, p->written))))
        return;
    free(p->written);
    p->written = NULL;
}

void publish_cancel(struct task *t)
{
    if (t->pub.call)
        etcd_cancel(t->pub.call);
    forget_shown(&t->pub);
    free(t->pub.reason);
    free(t->pub.probe);
    free(t->pub.sent);
    free(t->pub.written);
    t->pub = (struct publication){.have = EP_UNKNOWN};
}

void publish_resume(struct task *t, const struct record_status *old, const char *text)
{
    struct publication *p = &t->pub;

    free(p->written);
    p->written = orc_strdup(text);
    p->have = EP_UNKNOWN;
    p->may_stand = old->state == TASK_RUNNING && old->health == TASK_HEALTHY;
    p->last_state = old->state;
    p->last_health = old->health;
    p->since = old->since;
}

void publish_anew(struct task *t)
{
    struct publication *p = &t->pub;

    free(p->written);
    p->written = NULL;
    p->revision = 0;
    p->have = EP_UNKNOWN;
}

bool publish_may_be_chosen(const struct task *t)
{
    return t->pub.may_stand && !t->c.job;
}

bool publish_idle(const struct task *t)
{
    return !t->pub.call && t->pub.have == EP_NONE;
}
