/* sim_store.h - the memory of sim.h's cluster: keys with revisions, transactions with guards, the events they
 * tell, chance from one seed, and the core that is fed with all of it. What the nodes and people do is not
 * here.
 */
#ifndef TESTS_SIM_SIM_STORE_H
#define TESTS_SIM_SIM_STORE_H

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
    struct plan_sink sink = {
        .if_create = sim_if_create, .if_mod = sim_if_mod, .put = sim_txn_put, .del = sim_txn_del, .arg = &t};
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

#endif
