/* check.c - what must never be written to the store, looked at with every revision. */
#include "tests/sim/check.h"

struct check check;

struct told *told_find(const char *id)
{
    struct told *t = NULL;

    HASH_FIND_STR(check.tasks, id, t);
    return t;
}

struct sim_service *service_named(const char *name)
{
    for (int i = 0; i < cluster.n_services; i++)
        if (strcmp(cluster.services[i].name, name) == 0)
            return &cluster.services[i];
    return NULL;
}

int node_number(const char *name)
{
    for (int i = 0; i < cluster.n_nodes; i++)
        if (strcmp(cluster.nodes[i].name, name) == 0)
            return i;
    return -1;
}

int gateway_number(const char *id)
{
    for (int i = 0; i < cluster.n_gateways; i++)
        if (strcmp(cluster.gateways[i].id, id) == 0)
            return i;
    return -1;
}

static const char *name_of(const struct sim_txn *t)
{
    return t && t->by ? t->by->name : "somebody";
}

/* ---- who may write */

/* A scheduler that writes tasks and rollouts holds the leader's key at that moment (behaviour 89). */
static void check_leads(const struct sim_txn *t, const char *key)
{
    orc_auto_free char *leader = key_leader(SIM_CLUSTER);
    const struct sim_kv *kv = store_find(leader);
    orc_auto_free char *id = t && t->by ? orc_printf("\"%s\"", t->by->name) : NULL;

    if (id && (!kv || !strstr(kv->text->at, id)))
        sim_broken("deposed-leader", "%s writes %s and does not lead", t->by->name, key);
}

/* Who knew the store before it was wiped or restored writes nothing to what stands in its place; but who
 * knew only one that was given up since may come to it with the word that this one holds. */
static void check_frozen(const struct sim_txn *t, const char *key)
{
    if (cluster.frozen && t && t->by && t->by->knew > store.revision &&
        !people_recovered_since(t->by->knew_at))
        sim_broken("frozen-writes", "%s knew revision %lld and writes %s at %lld", t->by->name,
                   (long long)t->by->knew, key, (long long)store.revision);
}

/* ---- tasks */

static struct told *told_new(const struct sim_change *c, const struct record_task *r)
{
    struct told *t = told_find(c->name->key.task);

    if (t && !cluster.replaced)
        sim_broken("attempt-reused", "the task %s was there before, at revision %lld", t->id,
                   (long long)t->create);
    if (!t) {
        t = orc_new(struct told);
        memcpy(t->id, c->name->key.task, sizeof t->id);
        HASH_ADD_STR(check.tasks, id, t);
    }
    t->healthy_since = t->endpoint_gone_at = 0;
    t->desired = TASK_RUN; /* of an id that came again with a restored store, all is forgotten */
    t->left_at = t->draining_at = t->again_at = 0;
    t->was_ready = t->fell_ill = false;
    memcpy(t->node, c->name->key.node, sizeof t->node);
    snprintf(t->service, sizeof t->service, "%s", r->service);
    snprintf(t->address, sizeof t->address, "%s", r->address);
    t->slot = r->slot;
    t->revision = r->revision;
    t->run = r->restart_epoch;
    t->exited_well = false;
    t->create = c->create;
    t->gone = t->orphan = false;
    return t;
}

/* A task is never changed, only told to go; and that only forward. */
static void check_task_kept(const struct sim_change *c, const struct record_task *now)
{
    const struct record_task *was = sim_text_task(c->before);

    if (!was)
        return;
    if (now->desired < was->desired)
        sim_broken("desired-backward", "%s was %s and is %s", c->name->key.task,
                   task_desired_name(was->desired), task_desired_name(now->desired));
    if (!orc_streq(was->address, now->address) || was->revision != now->revision || was->slot != now->slot ||
        was->attempt != now->attempt)
        sim_broken("task-changed", "%s was changed", c->name->key.task);
}

/* New work goes to a server that lives and takes it (behaviours 78, 84). */
static void check_may_take(const struct sim_change *c)
{
    orc_auto_free char *alive = key_alive(SIM_CLUSTER, c->name->key.node);
    orc_auto_free char *policy_key = key_node_policy(SIM_CLUSTER, c->name->key.node);
    const struct sim_kv *kv = store_find(policy_key);
    struct record_node_policy policy = {0};
    bool may = store_find(alive) != NULL;

    if (kv && record_node_policy_parse(kv->text->at, kv->text->n, &policy, NULL) == 0)
        may = may && !policy.cordon && !policy.drain;
    record_node_policy_release(&policy);
    if (!may)
        sim_broken("placed-wrongly", "%s is made on %s, which is away, cordoned or drained",
                   c->name->key.task, c->name->key.node);
}

static void task_put(const struct sim_change *c, const struct sim_txn *t)
{
    const struct record_task *r = sim_text_task(c->text);
    struct told *told = told_find(c->name->key.task);

    check_leads(t, c->name->at);
    if (!r)
        sim_broken("unreadable", "%s writes %s as %s", name_of(t), c->name->at, c->text->at);
    if (!c->before) {
        told = told_new(c, r);
        check_may_take(c);
        if (cluster.wide)
            check_job_task(c, r);
        if (cluster.later)
            check_first(c, r, t);
    }
    check_task_kept(c, r);
    if (r->desired > told->desired) {
        if (!told->left_at) {
            told->left_at = world.now;
            told->left_revision = c->revision;
        }
        told->desired = r->desired;
    }
}

/* `orc node rm`: what is there still is nobody's any more. */
static bool is_let_go(const char *node)
{
    orc_auto_free char *key = key_node_policy(SIM_CLUSTER, node);
    const struct sim_kv *kv = store_find(key);
    struct record_node_policy p = {0};
    bool gone = kv && record_node_policy_parse(kv->text->at, kv->text->n, &p, NULL) == 0 && p.removed;

    record_node_policy_release(&p);
    return gone;
}

/* A record is collected when its container is gone, or its server is. */
static void task_deleted(const struct sim_change *c, const struct sim_txn *t)
{
    orc_auto_free char *node = key_node(SIM_CLUSTER, c->name->key.node);
    orc_auto_free char *alive = key_alive(SIM_CLUSTER, c->name->key.node);
    struct told *told = told_find(c->name->key.task);
    const struct sim_container *at = engine_any_of(c->name->key.node, c->name->key.task, false);

    check_leads(t, c->name->at);
    if (told) {
        told->gone = true;
        /* nobody knows any more whose address it has, or had; of a server that was let go nobody waits for it
         */
        told->orphan = at || !t || !store_find(alive);
    }
    if (t && t->by && at && !cluster.replaced &&
        (store_find(alive) || (store_find(node) && !is_let_go(c->name->key.node))))
        sim_broken("collected-early", "the record of %s is deleted and its container is there", at->task);
}

/* A task is called stopped, with which its room is given away, when its sidecars are, too. What was running
 * when an engine or a server ended is told by who comes next. */
static void check_sidecars(const struct sim_change *c, const struct record_status *r)
{
    const struct sim_container *at = engine_any_of(c->name->key.node, c->name->key.task, true);

    if (r->state >= TASK_STOPPED && at && *at->sidecar && !cluster.replaced && !check_is_orphan(at))
        sim_broken("stopped-early", "%s is called %s, and its sidecar %s runs", c->name->key.task,
                   task_state_name(r->state), at->name);
}

static void status_put(const struct sim_change *c)
{
    const struct record_status *r = sim_text_status(c->text);
    struct told *told = told_find(c->name->key.task);

    if (!r || !told)
        return;
    check_sidecars(c, r);
    if (r->restarts > told->ends && !cluster.replaced)
        sim_broken("restarts", "%s counts %d restarts, and its containers ended %d times", told->id,
                   r->restarts, told->ends);
    if (r->state != TASK_RUNNING || r->health != TASK_HEALTHY) {
        told->fell_ill = told->fell_ill || told->healthy_since;
        told->healthy_since = 0;
    } else if (!told->healthy_since) {
        told->healthy_since = world.now;
        told->healthy_revision = store.revision;
    }
}

static bool is_job(const char *service)
{
    const struct sim_service *s = service_named(service);

    return s && s->job;
}

static bool is_watched(const struct told *t)
{
    return t->healthy_since && !t->fell_ill && world.now >= t->healthy_since + SIM_MONITOR_MS;
}

/* By another replica in its slot, which had come in its place when its server was lost. */
static bool is_stood_in_for(const struct told *t)
{
    const struct told *other, *next;

    HASH_ITER (hh, check.tasks, other, next)
        if (other != t && other->slot == t->slot && strcmp(other->service, t->service) == 0 && !other->gone &&
            other->desired == TASK_RUN && other->revision == t->revision && is_watched(other))
            return true;
    return false;
}

/* An update in place of another that is complete has been watched for its monitor window (behaviour 60). A
 * break that came with its end in one piece of the watch is not seen as one. */
static void check_monitored(const struct sim_change *c, const struct sim_txn *txn)
{
    const struct record_rollout *r = sim_text_rollout(c->text), *was = sim_text_rollout(c->before);
    const struct told *t, *next;

    if (cluster.replaced || !txn || !r || !was || is_job(c->name->key.service) ||
        r->state != ROLLOUT_COMPLETE || was->state != ROLLOUT_UPDATING || !was->complete ||
        was->complete == r->target)
        return;
    HASH_ITER (hh, check.tasks, t, next)
        if (strcmp(t->service, c->name->key.service) == 0 && !t->gone && t->desired == TASK_RUN &&
            t->revision == r->target && t->healthy_revision <= txn->seen && t->healthy_since &&
            !t->fell_ill && !is_watched(t) && !is_stood_in_for(t))
            sim_broken("monitored", "%s is complete, and %s is healthy for %llu ms", c->name->at, t->id,
                       (unsigned long long)(world.now - t->healthy_since));
}

/* ---- endpoints */

static unsigned registered(void)
{
    unsigned mask = 0;

    for (int i = 0; i < cluster.n_gateways; i++) {
        orc_auto_free char *key = key_gateway(SIM_CLUSTER, cluster.gateways[i].id);

        if (store_find(key))
            mask |= 1u << i;
    }
    return mask;
}

/* Ready only while its task shall run, and on its own server's lease. */
static void endpoint_put(const struct sim_change *c, const struct sim_txn *t)
{
    const struct record_endpoint *e = sim_text_endpoint(c->text);
    struct told *told = told_find(c->name->key.task);
    orc_auto_free char *alive_key = e ? key_alive(SIM_CLUSTER, e->node) : NULL;
    orc_auto_free char *task_key = e ? key_task(SIM_CLUSTER, e->node, c->name->key.task) : NULL;
    const struct sim_kv *alive = e ? store_find(alive_key) : NULL, *task = e ? store_find(task_key) : NULL;

    if (!e || !told)
        sim_broken("unreadable", "%s writes %s as %s", name_of(t), c->name->at, c->text->at);
    if (!alive || alive->lease != c->lease)
        sim_broken("endpoint-lease", "%s writes %s on a lease that is not its server's", name_of(t),
                   c->name->at);
    told->endpoint_gone_at = 0;
    if (e->state == ENDPOINT_READY) {
        if (!task || !sim_text_task(task->text) || sim_text_task(task->text)->desired != TASK_RUN)
            sim_broken("endpoint-of-leaver", "%s writes %s as ready, and its task shall not run", name_of(t),
                       c->name->at);
        if (!told->was_ready || !c->before)
            told->ready_since = world.now;
        told->was_ready = true;
        return;
    }
    if (told->draining_at && c->before)
        return;
    if (told->draining_at) { /* it vanished with its lease: those agree who are there now */
        told->agreed = told->agree;
        told->again_at = world.now;
    }
    told->agree = registered();
    if (told->draining_at)
        return;
    told->draining_at = world.now;
    told->draining_revision = store.revision;
}

static void endpoint_deleted(const struct sim_change *c)
{
    struct told *told = told_find(c->name->key.task);

    if (told)
        told->endpoint_gone_at = world.now;
}

static void gateway_put(const struct sim_change *c, const struct sim_txn *t)
{
    int i = gateway_number(c->name->key.node);

    if (i >= 0 && t && t->by)
        check.gateways[i] = (struct registration){store.revision, t->by->started_at};
}

/* What a gateway says that it serves is there, and of this store. */
static void gateway_alive_put(const struct sim_change *c)
{
    struct record_gateway_alive a = {0};

    if (record_gateway_alive_parse(c->text->at, c->text->n, &a, NULL) < 0)
        sim_broken("unreadable", "%s is %s", c->name->at, c->text->at);
    if (a.served > store.revision)
        sim_broken("served-ahead", "%s says that it serves revision %lld, and the store is at %lld",
                   c->name->key.node, (long long)a.served, (long long)store.revision);
    record_gateway_alive_release(&a);
}

static void gateway_deleted(const char *id)
{
    int i = gateway_number(id);
    struct told *t, *next;

    HASH_ITER (hh, check.tasks, t, next)
        if (i >= 0) {
            t->agree &= ~(1u << i);
            t->agreed &= ~(1u << i);
        }
}

/* ---- a revision */

static void alive_changed(const struct sim_change *c)
{
    int i = node_number(c->name->key.node);

    if (i < 0)
        return;
    if (!c->text)
        check.node_alive_since[i] = 0;
    else if (!check.node_alive_since[i])
        check.node_alive_since[i] = world.now;
}

static void one_change(const struct sim_change *c, const struct sim_txn *t)
{
    switch (c->name->key.kind) {
    case KEY_TASK:
        if (c->text)
            task_put(c, t);
        else
            task_deleted(c, t);
        break;
    case KEY_STATUS:
        if (c->text)
            status_put(c);
        break;
    case KEY_ROLLOUT:
        check_leads(t, c->name->at);
        check_monitored(c, t);
        if (cluster.wide && c->text)
            check_rollout(c, t);
        break;
    case KEY_ENDPOINT:
        if (c->text)
            endpoint_put(c, t);
        else
            endpoint_deleted(c);
        break;
    case KEY_ALIVE:
        alive_changed(c);
        break;
    case KEY_NODE_POLICY:
        check_policy(c);
        break;
    case KEY_NODE_STATE:
        check_node_state(c);
        break;
    case KEY_GATEWAY:
        if (c->text)
            gateway_put(c, t);
        else
            gateway_deleted(c->name->key.node);
        break;
    case KEY_GATEWAY_ALIVE:
        if (c->text)
            gateway_alive_put(c);
        break;
    default:
        break;
    }
    check_frozen(t, c->name->at);
}

static bool concerns_availability(enum key_kind kind)
{
    return kind == KEY_TASK || kind == KEY_STATUS || kind == KEY_ALIVE ||
           (cluster.later && (kind == KEY_ROLLOUT || kind == KEY_APP || kind == KEY_INTENT));
}

void check_revision(const struct sim_change *changes, size_t n, const struct sim_txn *t)
{
    bool available = false;

    if (world.over)
        return;
    if (t && t->by &&
        !(check.cleaned && changes->name->key.kind == KEY_NODE)) /* orphans are looked for every 5 min */
        check.writes++;
    for (size_t i = 0; i < n; i++) {
        if (world.trace && t)
            sim_say("store: %lld %s by %s%s%.400s", (long long)store.revision, changes[i].name->at,
                    name_of(t), changes[i].text ? ": " : " (deleted)",
                    changes[i].text ? changes[i].text->at : "");
        one_change(&changes[i], t);
        available = available || concerns_availability(changes[i].name->key.kind);
    }
    if (available)
        check_update(t, store.revision);
}

void check_replaced(void)
{
    struct told *t, *next;

    HASH_ITER (hh, check.tasks, t, next) {
        orc_auto_free char *key = key_task(SIM_CLUSTER, t->node, t->id);

        t->gone = !store_find(key);
        t->orphan = t->gone && engine_by_task(t->node, t->id);
    }
    for (int i = 0; i < cluster.n_nodes; i++)
        check.node_alive_since[i] = 0;
}

void check_cleaned(void)
{
    check.cleaned = true;
}

uint64_t check_writes(void)
{
    return check.writes;
}

void check_begin(void)
{
    memset(&check, 0, sizeof check);
}

void check_end(void)
{
    struct told *t, *t_next;
    struct holder *h, *h_next;

    HASH_ITER (hh, check.tasks, t, t_next) {
        HASH_DEL(check.tasks, t);
        free(t);
    }
    HASH_ITER (hh, check.holders, h, h_next) {
        HASH_DEL(check.holders, h);
        free(h);
    }
    available_clear();
}
