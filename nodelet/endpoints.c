/* endpoints.c - a look now and then at this node's endpoints in the store: what somebody deleted or changed
 * by hand is written anew.
 *
 * Nobody on a node watches endpoints: each would see everybody's. So those that are believed to be `ready`
 * are read, many in one transaction, each LOOK_MS. What a read says counts only if nothing of the task was
 * written meanwhile.
 */
#include "nodelet/task.h"

#include "lib/clock.h"

#include <string.h>

#define LOOK_MS 30000
#define LOOK_MOST 100 /* in one transaction; etcd takes 128 operations */

struct endpoints {
    struct agent *a;
    struct timer *timer;
    struct etcd_call *call;
    struct orc_strv due; /* ids of tasks */
    size_t from, to;     /* those asked for now */
};

static bool is_ready(const struct task *t)
{
    return t->pub.have == EP_READY && !t->pub.call && t->has_record;
}

static char *endpoint_key(const struct task *t)
{
    return key_endpoint(t->a->cluster, t->rec.app, t->rec.service, t->id);
}

static const struct etcd_kv *find(const struct etcd_result *res, const char *key)
{
    for (size_t i = 0; i < res->n_kvs; i++)
        if (strcmp(res->kvs[i].key, key) == 0)
            return &res->kvs[i];
    return NULL;
}

/* On our lease, and saying what we said of it. */
static bool stands(const struct task *t, const struct etcd_kv *kv)
{
    struct record_endpoint e = {0};
    bool same;

    if (!kv || kv->lease != t->a->lease || record_endpoint_parse(kv->value, kv->value_len, &e, NULL) < 0)
        return false;
    same = e.state == ENDPOINT_READY && orc_streq(e.address, t->rec.address) && orc_streq(e.node, t->a->node);
    record_endpoint_release(&e);
    return same;
}

static void judge(struct task *t, const struct etcd_result *res)
{
    orc_auto_free char *key = endpoint_key(t);

    if (!is_ready(t) || t->pub.revision > res->revision || stands(t, find(res, key)))
        return;
    orc_warn("%s was deleted or changed by somebody else: it is written anew", key);
    t->pub.have = EP_UNKNOWN;
    task_step(t);
}

static void ask(struct endpoints *e);

static void on_answer(const struct etcd_result *res, void *arg)
{
    struct endpoints *e = arg;

    e->call = NULL;
    if (res->error == -ECANCELED)
        return;
    for (size_t i = e->from; !res->error && i < e->to; i++) {
        struct task *t = agent_find(e->a, e->due.at[i]);

        if (t)
            judge(t, res);
    }
    e->from = e->to;
    ask(e);
}

/* The next of those that are due; after the last it waits for the next time. */
static void ask(struct endpoints *e)
{
    struct etcd_txn *txn = NULL;

    for (e->to = e->from; e->to < e->due.n && e->to - e->from < LOOK_MOST; e->to++) {
        struct task *t = agent_find(e->a, e->due.at[e->to]);
        orc_auto_free char *key = t && t->has_record ? endpoint_key(t) : NULL;

        if (!key)
            continue;
        txn = txn ? txn : etcd_txn_new();
        etcd_txn_get(txn, key);
    }
    if (txn)
        e->call = etcd_txn_commit(e->a->opts.etcd, txn, on_answer, e);
    else
        timer_start(e->timer, LOOK_MS);
}

static void on_timer(void *arg)
{
    struct endpoints *e = arg;
    struct task *t, *next;

    orc_strv_release(&e->due);
    e->from = 0;
    if (e->a->view == VIEW_LIVE && e->a->lease)
        HASH_ITER (hh, e->a->tasks, t, next)
            if (is_ready(t))
                orc_strv_add(&e->due, t->id);
    ask(e);
}

struct endpoints *endpoints_new(struct agent *a)
{
    struct endpoints *e = orc_new(struct endpoints);

    e->a = a;
    e->timer = timer_new(a->opts.loop, on_timer, e);
    timer_start(e->timer, LOOK_MS);
    return e;
}

struct endpoints *endpoints_free(struct endpoints *e)
{
    if (!e)
        return NULL;
    if (e->call)
        etcd_cancel(e->call);
    timer_free(e->timer);
    orc_strv_release(&e->due);
    free(e);
    return NULL;
}
