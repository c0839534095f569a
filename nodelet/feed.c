/* feed.c - what the view shows becomes what the agent knows: task records, statuses, gateways. Garbage is
 * reported with its key and changes nothing. */
#include "nodelet/task.h"

#include <stdio.h>
#include <string.h>

static void say_garbage(struct agent *a, const struct etcd_kv *kv, const struct orc_err *err)
{
    orc_log_begin(&a->garbage, ORC_LOG_ERROR, "%s is not understood and changes nothing: %s", kv->key,
                  err->msg);
}

/* By its id a container is found again, by its app and service its endpoint: they must be of one task. */
static int check_id(const struct record_task *rec, const char *id, struct orc_err *err)
{
    char own[KEY_TASK_MAX + 1];

    key_task_id(rec->app, rec->service, rec->slot, rec->attempt, own);
    if (strcmp(own, id) != 0)
        return orc_fail(err, -EINVAL, "it is the record of task %s", own);
    return 0;
}

static void put_task(struct agent *a, const char *id, const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_task rec = {0};
    struct task *t;

    if (record_task_parse(kv->value, kv->value_len, &rec, &err) < 0 || check_id(&rec, id, &err) < 0) {
        say_garbage(a, kv, &err);
        record_task_release(&rec);
        return;
    }
    t = agent_find(a, id);
    if (t && t->begun && !orc_streq(t->rec.container_hash, rec.container_hash)) {
        /* another task under an id of before a backup was restored: what runs under it is not this one's */
        if (t->c.container != CONTAINER_NONE)
            orphans_add(a, id);
        parts_orphan(t);
        task_free(t);
    }
    t = agent_task(a, id);
    if (!t->has_record || t->rec.revision != rec.revision) {
        struct revision *old = t->revision;

        t->revision = revision_ref(a->revisions, rec.app, rec.service, rec.revision);
        revision_unref(old);
    }
    record_task_release(&t->rec);
    t->rec = rec;
    t->has_record = true;
    t->create_rev = kv->create_revision;
    t->mod_rev = kv->mod_revision;
    t->pub.retry_at = 0;
    if (t->begun)
        parts_claim(t);
    if (a->batched) {
        task_step(t);
        orphans_report(a);
    }
}

static void delete_task(struct agent *a, const char *id)
{
    struct task *t = agent_find(a, id);

    if (!t)
        return;
    t->has_record = false;
    converge_orphan(&t->c);
    parts_orphan(t);
    if (t->c.container != CONTAINER_NONE) {
        orphans_add(a, id);
        orc_warn("task %s: its record is gone; its container is left alone as an orphan", id);
    }
    orphans_report(a);
    task_step(t);
}

static void put_status(struct agent *a, const char *id, const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_status *old;
    struct task *t = agent_task(a, id);

    if (t->begun) {
        publish_status_seen(t, kv);
        return;
    }
    t->has_status = true;
    old = orc_new(struct record_status);
    if (record_status_parse(kv->value, kv->value_len, old, &err) < 0) {
        say_garbage(a, kv, &err);
        free(old);
        return;
    }
    task_set_old(t, old, kv->value);
}

static struct withdraw_gateway *gateway_of(struct agent *a, const char *id)
{
    struct withdraw_gateway *g;

    HASH_FIND_STR(a->gateways, id, g);
    if (!g) {
        g = orc_new(struct withdraw_gateway);
        snprintf(g->id, sizeof g->id, "%s", id);
        HASH_ADD_STR(a->gateways, id, g);
    }
    return g;
}

static void put_gateway_alive(struct agent *a, const char *id, const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_gateway_alive report = {0};

    if (record_gateway_alive_parse(kv->value, kv->value_len, &report, &err) < 0)
        say_garbage(a, kv, &err);
    else
        withdraw_heard(gateway_of(a, id), report, kv->mod_revision);
}

/* What vanished is remembered, with when: a withdrawal may have counted on it. Names are few; should somebody
 * make thousands, those nobody waits for are forgotten. */
static void forget_gateways(struct agent *a)
{
    struct withdraw_gateway *g, *next;

    if (HASH_COUNT(a->gateways) < 1000)
        return;
    HASH_ITER (hh, a->gateways, g, next)
        if (!g->alive && !g->registered) {
            HASH_DEL(a->gateways, g);
            free(g);
        }
}

static void delete_gateway(struct agent *a, const char *id, int64_t revision)
{
    struct withdraw_gateway *g = gateway_of(a, id);

    g->registered = false;
    g->deleted = revision;
    forget_gateways(a);
}

static void delete_gateway_alive(struct agent *a, const char *id)
{
    struct withdraw_gateway *g = gateway_of(a, id);

    record_gateway_alive_release(&g->report);
    g->alive = false;
}

void agent_put(struct agent *a, const struct key *key, const struct etcd_kv *kv)
{
    if (key->kind == KEY_TASK)
        put_task(a, key->task, kv);
    else if (key->kind == KEY_STATUS)
        put_status(a, key->task, kv);
    else if (key->kind == KEY_GATEWAY)
        gateway_of(a, key->node)->registered = true;
    else if (key->kind == KEY_GATEWAY_ALIVE)
        put_gateway_alive(a, key->node, kv);
}

void agent_delete(struct agent *a, const struct key *key, int64_t revision)
{
    struct task *t;

    if (key->kind == KEY_TASK) {
        delete_task(a, key->task);
    } else if (key->kind == KEY_STATUS && (t = agent_find(a, key->task))) {
        publish_status_seen(t, NULL);
        task_step(t);
    } else if (key->kind == KEY_GATEWAY) {
        delete_gateway(a, key->node, revision);
    } else if (key->kind == KEY_GATEWAY_ALIVE) {
        delete_gateway_alive(a, key->node);
    }
}

void feed_clear(struct agent *a)
{
    struct withdraw_gateway *g, *next;

    HASH_ITER (hh, a->gateways, g, next) {
        HASH_DEL(a->gateways, g);
        record_gateway_alive_release(&g->report);
        free(g);
    }
}
