/* sim.h - a cluster in memory for tests: a store with revisions and guarded transactions, obedient nodes, a
 * virtual clock, and the scheduler's real core between them. Included by one test program each.
 *
 * What the core plans goes through plan_write() and the records' text, as with etcd. Nodes do what nodelet
 * does with a task (docs/task-model.md), in one or more rounds; what a container is like is decided by its
 * image: "good", "missing" (can't be pulled: failed), "sick" (runs, never healthy), "crash" (runs, and
 * crashes once), "exit0", "exit1" (ends), "stuck" (never leaves starting), "pull" (pulls for ever).
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "lib/hash.h"
#include "scheduler/core.h"
#include "scheduler/plan_write.h"
#include "tests/sim/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <uthash.h>

#define SIM_CLUSTER "default"
#define SIM_MIB (INT64_C(1024) * 1024)
#define SIM_FN ORC_UNUSED static

struct sim_kv {
    char *key;
    struct sim_value *value;
    struct key parsed;
    char *status_key, *alive_key; /* of a task: where its node tells of it, and of itself */
    int64_t create, mod;
    UT_hash_handle hh;
};

struct sim_image { /* container hash to image */
    char hash[SPEC_HASH_MAX], image[64];
    UT_hash_handle hh;
};

struct sim_event {
    char *type, *text; /* text: "<object> <message>" */
};

struct sim {
    struct core *core;
    struct sim_kv *kvs;
    struct sim_image *images;
    int64_t revision;
    uint64_t now;
    int nodes;
    bool refuse; /* every transaction of the scheduler is refused */
    bool head;   /* the last one that others may follow was done */
    uint64_t random;
    int slow;                         /* nodes do each next thing with a chance of 1 in slow; 0: at once */
    bool trace;                       /* print what is decided */
    size_t txns;                      /* committed */
    const char *deaf;                 /* a node that does nothing about its tasks; NULL: none */
    bool sorted;                      /* kvs are in the order of their keys */
    ORC_VEC(struct sim_event) events; /* of committed transactions */
};

/* ---- the store */

SIM_FN struct sim_kv *sim_find(const struct sim *s, const char *key)
{
    struct sim_kv *kv = NULL;

    HASH_FIND_STR(s->kvs, key, kv);
    return kv;
}

SIM_FN void sim_feed(const struct sim *s, struct core *c, const struct sim_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;

    if (core_wants(kv->parsed.kind))
        core_feed_value(c, &kv->parsed, kv->value->text, strlen(kv->value->text), kv->create, kv->mod, &err);
}

SIM_FN struct sim_kv *sim_add(struct sim *s, const char *key)
{
    struct sim_kv *kv = orc_new(struct sim_kv);

    kv->key = orc_strdup(key);
    kv->create = s->revision;
    key_parse(SIM_CLUSTER, key, &kv->parsed);
    if (kv->parsed.kind == KEY_TASK) {
        kv->status_key = key_status(SIM_CLUSTER, kv->parsed.node, kv->parsed.task);
        kv->alive_key = key_alive(SIM_CLUSTER, kv->parsed.node);
    }
    HASH_ADD_KEYPTR(hh, s->kvs, kv->key, strlen(kv->key), kv);
    s->sorted = false;
    return kv;
}

SIM_FN void sim_drop(struct sim *s, struct sim_kv *kv)
{
    HASH_DEL(s->kvs, kv);
    free(kv->key);
    free(kv->status_key);
    free(kv->alive_key);
    sim_value_drop(kv->value);
    free(kv);
}

/* One change at the store's present revision. */
SIM_FN void sim_put_at(struct sim *s, const char *key, const char *value)
{
    struct sim_kv *kv = sim_find(s, key);

    if (!kv)
        kv = sim_add(s, key);
    sim_value_drop(kv->value);
    kv->value = sim_value_new(kv->parsed.kind, orc_strdup(value));
    kv->mod = s->revision;
    sim_feed(s, s->core, kv);
}

SIM_FN void sim_del_at(struct sim *s, const char *key)
{
    struct sim_kv *kv = sim_find(s, key);

    if (!kv)
        return;
    core_feed_delete(s->core, &kv->parsed);
    sim_drop(s, kv);
}

/* Take the key and the text. */
SIM_FN void sim_put(struct sim *s, char *key, char *value)
{
    s->revision++;
    sim_put_at(s, key, value);
    free(key);
    free(value);
}

SIM_FN void sim_del(struct sim *s, char *key)
{
    s->revision++;
    sim_del_at(s, key);
    free(key);
}

struct sim_op { /* value NULL: a deletion */
    char *key, *value;
};

struct sim_txn {
    struct sim *s;
    bool holds;
    int compares;
    ORC_VEC(struct sim_op) ops;
};

SIM_FN void sim_if_create(const char *key, int64_t revision, void *arg)
{
    struct sim_txn *t = arg;
    const struct sim_kv *kv = sim_find(t->s, key);

    t->compares++;
    t->holds = t->holds && (kv ? kv->create : 0) == revision;
}

SIM_FN void sim_if_mod(const char *key, int64_t revision, void *arg)
{
    struct sim_txn *t = arg;
    const struct sim_kv *kv = sim_find(t->s, key);

    t->compares++;
    t->holds = t->holds && (kv ? kv->mod : 0) == revision;
}

SIM_FN void sim_txn_put(const char *key, const char *value, void *arg)
{
    struct sim_txn *t = arg;

    orc_vec_push(&t->ops, ((struct sim_op){orc_strdup(key), orc_strdup(value)}));
}

SIM_FN void sim_txn_del(const char *key, void *arg)
{
    struct sim_txn *t = arg;

    orc_vec_push(&t->ops, ((struct sim_op){orc_strdup(key), NULL}));
}

SIM_FN void sim_txn_do(struct sim_txn *t)
{
    const struct sim_op *op;

    t->s->revision++;
    t->s->txns++;
    orc_vec_each (op, &t->ops) {
        if (op->value)
            sim_put_at(t->s, op->key, op->value);
        else
            sim_del_at(t->s, op->key);
    }
}

/* True when its guards held and it was done. A plan's are to be committed in order: what follows one that was
 * not done is not sent. */
SIM_FN bool sim_commit(struct sim *s, const struct plan_txn *txn)
{
    struct sim_txn t = {.s = s, .holds = true};
    struct plan_sink sink = {sim_if_create, sim_if_mod, sim_txn_put, sim_txn_del, &t};
    struct sim_op *op;

    if (txn->follows && !s->head)
        return false;
    plan_write(txn, SIM_CLUSTER, &sink);
    assert_in_range(t.compares, 1, 127); /* the leader's guard comes on top */
    assert_in_range(t.ops.n, 1, 128);
    t.holds = t.holds && !s->refuse;
    if (t.holds)
        sim_txn_do(&t);
    if (!txn->follows)
        s->head = t.holds;
    orc_vec_each (op, &t.ops) {
        free(op->key);
        free(op->value);
    }
    orc_vec_release(&t.ops);
    return t.holds;
}

/* ---- chance */

SIM_FN uint64_t sim_random(struct sim *s)
{
    s->random += UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64: the state is a counter */
    return orc_hash64(0, &s->random, sizeof s->random);
}

SIM_FN bool sim_chance(struct sim *s, unsigned one_in)
{
    return sim_random(s) % one_in == 0;
}

/* ---- events */

SIM_FN void sim_tell(struct sim *s, const struct plan *p, size_t txn)
{
    const struct plan_event *e;

    orc_vec_each (e, &p->events)
        if (e->txn == txn)
            orc_vec_push(&s->events, ((struct sim_event){orc_strdup(e->type),
                                                         orc_printf("%s %s", e->object, e->message)}));
}

SIM_FN void sim_events_clear(struct sim *s)
{
    struct sim_event *e;

    orc_vec_each (e, &s->events) {
        free(e->type);
        free(e->text);
    }
    s->events.n = 0;
}

/* Those of a type, a line each; freed by the caller. */
SIM_FN char *sim_events(const struct sim *s, const char *type)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);
    const struct sim_event *e;

    orc_vec_each (e, &s->events)
        if (strcmp(e->type, type) == 0)
            orc_buf_printf(&b, "%s\n", e->text);
    return orc_buf_take(&b);
}

SIM_FN void assert_events(const struct sim *s, const char *type, const char *want)
{
    orc_auto_free char *have = sim_events(s, type);

    assert_string_equal(have, want);
}

/* ---- life cycle */

SIM_FN struct sim *sim_new(void)
{
    struct sim *s = orc_new(struct sim);

    s->core = core_new();
    s->now = 1000;
    s->revision = 1;
    core_lead(s->core);
    return s;
}

SIM_FN void sim_free(struct sim *s)
{
    struct sim_kv *kv, *kv_next;
    struct sim_image *i, *i_next;

    core_free(s->core);
    sim_events_clear(s);
    orc_vec_release(&s->events);
    HASH_ITER (hh, s->kvs, kv, kv_next)
        sim_drop(s, kv);
    HASH_ITER (hh, s->images, i, i_next) {
        HASH_DEL(s->images, i);
        free(i);
    }
    free(s);
}

/* Another scheduler takes over: it is fed with the store in an order of its own. */
SIM_FN void sim_new_leader(struct sim *s)
{
    ORC_VEC(struct sim_kv *) all = {0};
    struct sim_kv *kv, *next;

    core_free(s->core);
    s->core = core_new();
    HASH_ITER (hh, s->kvs, kv, next)
        orc_vec_push(&all, kv);
    for (size_t i = all.n; i > 1; i--) {
        size_t k = sim_random(s) % i;
        struct sim_kv *x = all.at[k];

        all.at[k] = all.at[i - 1];
        all.at[i - 1] = x;
    }
    for (size_t i = 0; i < all.n; i++)
        sim_feed(s, s->core, all.at[i]);
    orc_vec_release(&all);
    core_lead(s->core);
}

/* ---- what people and nodes write */

/* The node registers, having been started for the n-th time; its word about tasks is of the last start. */
SIM_FN void sim_boot(struct sim *s, const char *node, int n)
{
    sim_put(s, key_alive(SIM_CLUSTER, node),
            orc_printf("{\"machine_id\":\"m\",\"boot_id\":\"boot-%d\",\"instance\":\"i\"}", n));
}

SIM_FN void sim_alive(struct sim *s, const char *node, bool alive)
{
    if (!alive)
        sim_del(s, key_alive(SIM_CLUSTER, node));
    else
        sim_put(s, key_alive(SIM_CLUSTER, node),
                orc_strdup("{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}"));
}

struct sim_node_opts {
    double cpus;
    int64_t memory_mib;
    const char *label, *value; /* NULL: none */
    const char *not_ready;     /* a condition's reason, or NULL */
    const char *avoid;         /* likewise of one that makes others preferable */
};

SIM_FN void sim_node_put(struct sim *s, const char *name, int k, struct sim_node_opts o)
{
    struct record_node n = {.capacity = {(int64_t)(o.cpus * 1e9), o.memory_mib * SIM_MIB}};

    n.address = orc_printf("10.0.0.%d", 10 + k);
    n.subnet = orc_printf("10.210.%d.0/24", k);
    if (o.label) {
        struct spec_pair *p = orc_vec_add(&n.labels);

        p->key = orc_strdup(o.label);
        p->value = orc_strdup(o.value);
    }
    if (o.not_ready) {
        struct record_condition *c = orc_vec_add(&n.conditions);

        c->type = orc_strdup("mtu");
        c->reason = orc_strdup(o.not_ready);
    }
    if (o.avoid) {
        struct record_condition *c = orc_vec_add(&n.conditions);

        *c = (struct record_condition){orc_strdup("steal"), true, true, orc_strdup(o.avoid), 1};
    }
    sim_put(s, key_node(SIM_CLUSTER, name), record_node_text(&n));
    record_node_release(&n);
}

/* Adds a living node k<n>; returns its number. */
SIM_FN int sim_node(struct sim *s, double cpus, int64_t memory_mib)
{
    orc_auto_free char *state = NULL;
    int k = ++s->nodes;
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    state = key_node_state(SIM_CLUSTER, name);
    sim_node_put(s, name, k, (struct sim_node_opts){.cpus = cpus, .memory_mib = memory_mib});
    sim_alive(s, name, true);
    sim_put_at(s, state, "{\"state\":\"ready\"}"); /* a scheduler has said so before */
    return k;
}

SIM_FN void sim_policy(struct sim *s, const char *node, bool cordon, bool drain)
{
    struct record_node_policy p = {.cordon = cordon, .drain = drain};

    sim_put(s, key_node_policy(SIM_CLUSTER, node), record_node_policy_text(&p));
}

SIM_FN void sim_drain(struct sim *s, const char *node, uint64_t deadline_ms)
{
    struct record_node_policy p = {.cordon = true, .drain = true, .drain_deadline_ms = deadline_ms};

    sim_put(s, key_node_policy(SIM_CLUSTER, node), record_node_policy_text(&p));
}

/* A service of 0.1 CPU and 64 MiB with a health check. */
SIM_FN struct spec_service *sim_spec(const char *name, int replicas, const char *image)
{
    struct spec_service *w = spec_service_new(name);

    w->image = orc_strdup(image);
    w->replicas = replicas;
    w->limits = (struct spec_resources){INT64_C(100000000), 64 * SIM_MIB};
    w->health.kind = SPEC_HEALTH_HTTP;
    w->health.path = orc_strdup("/health");
    w->health.port = 8080;
    return w;
}

SIM_FN struct record_app sim_app(struct sim *s, const char *app)
{
    orc_auto_free char *key = key_app(SIM_CLUSTER, app);
    struct sim_kv *kv = sim_find(s, key);
    struct record_app a = {0};

    if (kv)
        assert_int_equal(record_app_parse(kv->value->text, strlen(kv->value->text), &a, NULL), 0);
    return a;
}

SIM_FN void sim_app_put(struct sim *s, const char *app, struct record_app *a)
{
    a->generation++;
    if (a->services.n)
        sim_put(s, key_app(SIM_CLUSTER, app), record_app_text(a));
    else
        sim_del(s, key_app(SIM_CLUSTER, app));
    record_app_release(a);
}

SIM_FN struct record_app_service *sim_app_service(struct record_app *a, const char *name)
{
    struct record_app_service *x;
    size_t at = 0;

    orc_vec_each (x, &a->services)
        if (strcmp(x->name, name) == 0)
            return x;
    orc_vec_add(&a->services);
    while (at < a->services.n - 1 && strcmp(a->services.at[at].name, name) < 0)
        at++;
    memmove(&a->services.at[at + 1], &a->services.at[at], (a->services.n - 1 - at) * sizeof *a->services.at);
    a->services.at[at] =
        (struct record_app_service){.name = orc_strdup(name), .replicas = SPEC_REPLICAS_DEFAULT};
    return &a->services.at[at];
}

SIM_FN void sim_know_image(struct sim *s, const char *hash, const char *image)
{
    struct sim_image *i = NULL;

    HASH_FIND_STR(s->images, hash, i);
    if (i)
        return;
    i = orc_new(struct sim_image);
    snprintf(i->hash, sizeof i->hash, "%s", hash);
    snprintf(i->image, sizeof i->image, "%s", image);
    HASH_ADD_STR(s->images, hash, i);
}

/* `orc apply` of one service: writes revision n and points the app to it. Takes w. */
SIM_FN void sim_apply(struct sim *s, const char *app, int64_t n, struct spec_service *w)
{
    struct record_revision r = {.spec = w};
    struct record_app a = sim_app(s, app);

    spec_service_hash(w, r.hash, r.container_hash);
    sim_know_image(s, r.container_hash, w->image);
    r.by = orc_strdup("test");
    sim_put(s, key_revision(SIM_CLUSTER, app, w->name, n), record_revision_text(&r));
    sim_app_service(&a, w->name)->revision = n;
    sim_app_put(s, app, &a);
    record_revision_release(&r);
}

SIM_FN void sim_scale(struct sim *s, const char *app, const char *service, int replicas)
{
    struct record_app a = sim_app(s, app);

    sim_app_service(&a, service)->replicas = replicas;
    sim_app_put(s, app, &a);
}

/* `orc rollback`: an older revision again. */
SIM_FN void sim_point(struct sim *s, const char *app, const char *service, int64_t n)
{
    struct record_app a = sim_app(s, app);

    sim_app_service(&a, service)->revision = n;
    sim_app_put(s, app, &a);
}

SIM_FN void sim_rm(struct sim *s, const char *app)
{
    sim_del(s, key_app(SIM_CLUSTER, app));
}

SIM_FN struct record_intent sim_intent(struct sim *s, const char *app, const char *service)
{
    orc_auto_free char *key = key_intent(SIM_CLUSTER, app, service);
    struct sim_kv *kv = sim_find(s, key);
    struct record_intent i = {0};

    if (kv)
        assert_int_equal(record_intent_parse(kv->value->text, strlen(kv->value->text), &i, NULL), 0);
    return i;
}

SIM_FN void sim_restart(struct sim *s, const char *app, const char *service, int64_t epoch)
{
    struct record_intent i = sim_intent(s, app, service);

    i.restart_epoch = epoch;
    sim_put(s, key_intent(SIM_CLUSTER, app, service), record_intent_text(&i));
    record_intent_release(&i);
}

/* `orc rollout pause|resume|abort`, about a revision. */
SIM_FN void sim_order(struct sim *s, const char *service, enum intent_action action, int64_t revision)
{
    struct record_intent i = sim_intent(s, "shop", service);

    i.rollout.action = action;
    i.rollout.epoch++;
    i.rollout.revision = revision;
    orc_set_str(&i.rollout.by, "ann@desk");
    sim_put(s, key_intent(SIM_CLUSTER, "shop", service), record_intent_text(&i));
    record_intent_release(&i);
}

/* `orc rebalance`, of at most so many replicas (0: any number). */
SIM_FN void sim_rebalance(struct sim *s, const char *app, const char *service, int max)
{
    struct record_intent i = sim_intent(s, app, service);

    i.rebalance_epoch++;
    i.rebalance_max = max;
    sim_put(s, key_intent(SIM_CLUSTER, app, service), record_intent_text(&i));
    record_intent_release(&i);
}

/* ---- the nodes */

/* What the store says of a task and of its container; valid until that is put again. NULL: nothing. */
SIM_FN const struct record_task *sim_task_of(const struct sim_kv *kv)
{
    return sim_value_task(kv->value);
}

SIM_FN struct sim_value *sim_status_value(const struct sim *s, const struct sim_kv *task)
{
    struct sim_kv *kv = sim_find(s, task->status_key);

    return kv ? kv->value : NULL;
}

SIM_FN const struct record_status *sim_status_of(const struct sim *s, const struct sim_kv *task)
{
    struct sim_value *v = sim_status_value(s, task);

    return v ? sim_value_status(v) : NULL;
}

/* A status to change, owned by the caller. */
SIM_FN bool sim_status_copy(struct sim *s, const char *node, const char *task, struct record_status *ret)
{
    orc_auto_free char *key = key_status(SIM_CLUSTER, node, task);
    struct sim_kv *kv = sim_find(s, key);

    return kv && record_status_parse(kv->value->text, strlen(kv->value->text), ret, NULL) == 0;
}

SIM_FN void sim_status(struct sim *s, const char *node, const char *task, const struct record_status *st)
{
    sim_put(s, key_status(SIM_CLUSTER, node, task), record_status_text(st));
}

SIM_FN bool sim_node_is_alive(struct sim *s, const char *node)
{
    orc_auto_free char *key = key_alive(SIM_CLUSTER, node);

    return sim_find(s, key) != NULL;
}

/* The next thing a running task's container does; false: nothing. */
SIM_FN bool sim_container(const char *image, struct record_status *st, bool known)
{
    if (!known) {
        st->state = strcmp(image, "pull") == 0 ? TASK_PULLING : TASK_STARTING;
        st->exit_code = -1;
        return true;
    }
    if (st->state != TASK_STARTING)
        return false;
    if (strcmp(image, "missing") == 0) {
        st->state = TASK_FAILED;
        orc_set_str(&st->reason, "no such image: missing");
    } else if (strcmp(image, "exit0") == 0) {
        st->state = TASK_STOPPED;
        st->exit_code = 0;
    } else if (strcmp(image, "exit1") == 0) {
        st->state = TASK_FAILED;
        st->exit_code = 1;
    } else if (strcmp(image, "stuck") == 0) {
        return false;
    } else {
        st->state = TASK_RUNNING;
        st->health = strcmp(image, "sick") == 0 ? TASK_UNHEALTHY : TASK_HEALTHY;
        if (st->health == TASK_UNHEALTHY)
            orc_set_str(&st->probe, "HTTP 503");
        if (strcmp(image, "crash") == 0)
            st->restarts = 1;
    }
    return true;
}

/* A task that shall go: stopped, then removed. */
SIM_FN bool sim_leave(struct record_status *st, bool known)
{
    if (known && st->state == TASK_REMOVED)
        return false;
    if (!known)
        st->exit_code = -1;
    st->state = known && st->state < TASK_STOPPED ? TASK_STOPPED : TASK_REMOVED;
    st->health = TASK_UNKNOWN;
    return true;
}

/* Nothing more happens to it by itself. */
SIM_FN bool sim_at_rest(const struct record_task *rec, const struct record_status *st)
{
    return st && (rec->desired == TASK_RUN ? st->state != TASK_STARTING : st->state == TASK_REMOVED);
}

SIM_FN bool sim_act_on(struct sim *s, const struct sim_kv *kv)
{
    const struct record_task *rec = sim_task_of(kv);
    struct record_status st = {0};
    struct sim_image *i = NULL;
    bool known, acted;

    if (sim_at_rest(rec, sim_status_of(s, kv)))
        return false;
    known = sim_status_copy(s, kv->parsed.node, kv->parsed.task, &st);
    HASH_FIND_STR(s->images, rec->container_hash, i);
    acted =
        rec->desired == TASK_RUN ? sim_container(i ? i->image : "good", &st, known) : sim_leave(&st, known);
    if (acted)
        sim_status(s, kv->parsed.node, kv->parsed.task, &st);
    record_status_release(&st);
    return acted;
}

SIM_FN int sim_by_key(const struct sim_kv *a, const struct sim_kv *b)
{
    return strcmp(a->key, b->key);
}

/* Every living node does the next thing with each of its tasks; how many did something. */
SIM_FN int sim_act(struct sim *s)
{
    struct sim_kv *kv, *next;
    int acted = 0;

    if (!s->sorted)
        HASH_SORT(s->kvs, sim_by_key);
    s->sorted = true;
    HASH_ITER (hh, s->kvs, kv, next)
        if (sim_task_of(kv) && sim_find(s, kv->alive_key) && !orc_streq(kv->parsed.node, s->deaf) &&
            (!s->slow || sim_chance(s, (unsigned)s->slow)))
            acted += sim_act_on(s, kv);
    return acted;
}

/* ---- time */

/* One step; its plan is committed and given as text (freed by the caller). */
SIM_FN char *sim_step(struct sim *s)
{
    struct plan p = {0};
    char *text;

    core_step(s->core, s->now, (int64_t)s->now, &p);
    text = plan_text(&p);
    if (s->trace)
        printf("%8llu\n%s", (unsigned long long)s->now, text);
    for (size_t i = 0; i < p.txns.n; i++)
        if (!sim_commit(s, &p.txns.at[i]))
            core_retry(s->core, &p.txns.at[i]);
        else
            sim_tell(s, &p, i);
    sim_tell(s, &p, PLAN_NO_TXN);
    plan_release(&p);
    return text;
}

/* Steps until a step is empty; true when any was not. */
SIM_FN bool sim_decide(struct sim *s)
{
    for (int i = 0; i < 1000; i++) {
        orc_auto_free char *text = sim_step(s);

        if (!text[0])
            return i > 0;
        if (s->refuse)
            return true;
    }
    fail_msg("the scheduler never comes to rest");
    return false;
}

/* Decides and acts until nothing happens any more at this moment. */
SIM_FN void sim_settle(struct sim *s)
{
    for (int i = 0; i < 2000; i++) {
        bool decided = sim_decide(s);

        if (sim_act(s) == 0 && !decided && !s->slow)
            return;
        if (s->slow && i > 10)
            return;
    }
    fail_msg("scheduler and nodes never come to rest");
}

/* Lets `ms` pass, stopping at each moment at which the core wants to step. */
SIM_FN void sim_pass(struct sim *s, uint64_t ms)
{
    uint64_t end = s->now + ms;

    sim_settle(s);
    while (s->now < end) {
        uint64_t next = core_next(s->core);

        assert_true(next == 0 || next > s->now);
        s->now = next && next < end ? next : end;
        sim_settle(s);
    }
}

/* ---- looking */

/* Valid until it is put again; NULL: there is none. */
SIM_FN const struct record_rollout *sim_rollout(struct sim *s, const char *app, const char *service)
{
    orc_auto_free char *key = key_rollout(SIM_CLUSTER, app, service);
    struct sim_kv *kv = sim_find(s, key);

    if (kv)
        assert_non_null(sim_value_rollout(kv->value));
    return kv ? sim_value_rollout(kv->value) : NULL;
}

/* Highest attempt so far. */
SIM_FN int64_t sim_attempts(struct sim *s, const char *service)
{
    const struct record_rollout *r = sim_rollout(s, "shop", service);

    return r ? r->attempts : 0;
}

SIM_FN void assert_rollout(struct sim *s, const char *app, const char *service, const char *state,
                           int64_t target, const char *reason_has)
{
    const struct record_rollout *r = sim_rollout(s, app, service);

    assert_non_null(r);
    assert_string_equal(rollout_state_name(r->state), state);
    assert_int_equal(r->target, target);
    if (reason_has && !(r->reason && strstr(r->reason, reason_has)))
        fail_msg("reason is \"%s\", without \"%s\"", r->reason ? r->reason : "", reason_has);
    if (!reason_has)
        assert_null(r->reason);
}

struct sim_want { /* NULL, 0: any */
    const char *service, *node;
    int64_t revision;
    bool available, leaving; /* only such */
};

/* Tasks with desired run (or leaving and not stopped) that match. */
SIM_FN int sim_count(struct sim *s, struct sim_want w)
{
    struct sim_kv *kv, *next;
    int n = 0;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);
        const struct record_status *st = t ? sim_status_of(s, kv) : NULL;

        n += t && (!w.service || strcmp(w.service, t->service) == 0) &&
             (!w.node || strcmp(w.node, kv->parsed.node) == 0) &&
             (!w.revision || w.revision == t->revision) &&
             (w.leaving ? t->desired != TASK_RUN && !(st && st->state >= TASK_STOPPED)
                        : t->desired == TASK_RUN) &&
             (!w.available ||
              (st && st->state == TASK_RUNNING && st->health == TASK_HEALTHY && sim_find(s, kv->alive_key)));
    }
    return n;
}

SIM_FN int sim_keys(struct sim *s, enum key_kind kind)
{
    struct sim_kv *kv, *next;
    int n = 0;

    HASH_ITER (hh, s->kvs, kv, next)
        n += kv->parsed.kind == kind;
    return n;
}

/* "slot@node.revision slot@node.revision ..." of tasks with desired run, by slot; freed by the caller. */
SIM_FN char *sim_map(struct sim *s, const char *service)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);
    struct sim_kv *kv, *next;

    for (int slot = 0; slot < 64; slot++)
        HASH_ITER (hh, s->kvs, kv, next) {
            const struct record_task *t = sim_task_of(kv);

            if (t && t->desired == TASK_RUN && t->slot == slot && strcmp(t->service, service) == 0)
                orc_buf_printf(&b, "%s%d@%s.%lld", b.len ? " " : "", slot, kv->parsed.node,
                               (long long)t->revision);
        }
    return orc_buf_take(&b);
}

/* The id and node of the task that shall run in a slot. */
SIM_FN bool sim_task_in(struct sim *s, const char *service, int slot, char ret_id[KEY_TASK_MAX + 1],
                        char ret_node[KEY_NAME_MAX + 1])
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);

        if (!t || t->desired != TASK_RUN || t->slot != slot || strcmp(t->service, service) != 0)
            continue;
        snprintf(ret_id, KEY_TASK_MAX + 1, "%s", kv->parsed.task);
        snprintf(ret_node, KEY_NAME_MAX + 1, "%s", kv->parsed.node);
        return true;
    }
    return false;
}

/* The container of a slot turns bad as nodelet would report it. */
SIM_FN void sim_turn(struct sim *s, const char *service, int slot, enum task_state state,
                     enum task_health health, const char *probe)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct record_status st = {0};

    assert_true(sim_task_in(s, service, slot, id, node));
    assert_true(sim_status_copy(s, node, id, &st));
    st.state = state;
    st.health = health;
    orc_set_str(&st.probe, probe);
    sim_status(s, node, id, &st);
    record_status_release(&st);
}

SIM_FN void sim_sicken(struct sim *s, const char *service, int slot)
{
    sim_turn(s, service, slot, TASK_RUNNING, TASK_UNHEALTHY, "HTTP 503 after 2 ms");
}

/* The container of the slot crashed and was started again by its node. */
SIM_FN void sim_crash(struct sim *s, const char *service, int slot)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct record_status st = {0};

    assert_true(sim_task_in(s, service, slot, id, node));
    assert_true(sim_status_copy(s, node, id, &st));
    st.restarts++;
    sim_status(s, node, id, &st);
    record_status_release(&st);
}

#endif
