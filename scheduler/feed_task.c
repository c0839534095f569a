/* feed_task.c - tasks and what is seen of them, and what they take on their node. */
#include "scheduler/feed.h"

#include "scheduler/rank.h"

#include <arpa/inet.h>
#include <stdio.h>

/* ---- what a task takes on its node ------------------------------------------------------------------- */

static void ports_drop(struct core_task *t)
{
    struct core_node *n = t->node;
    size_t kept = 0;

    for (size_t i = 0; i < n->ports.n; i++)
        if (n->ports.at[i].task != t)
            n->ports.at[kept++] = n->ports.at[i];
    n->ports.n = kept;
}

static void ports_add(struct core_task *t)
{
    for (size_t i = 0; i < t->rec.ports.n; i++) {
        struct core_port *p;

        if (!t->rec.ports.at[i].host)
            continue;
        p = orc_vec_add(&t->node->ports);
        p->port = t->rec.ports.at[i];
        p->task = t;
        snprintf(p->id, sizeof p->id, "%s", t->id);
    }
}

static void uncount(struct core *c, struct core_task *t)
{
    rank_stale(c, t->node);
    if (t->counted) {
        t->node->used.cpus_nano -= t->rec.resources.cpus_nano;
        t->node->used.memory -= t->rec.resources.memory;
        t->node->n_tasks--;
        ports_drop(t);
        t->counted = false;
    }
    if (t->address_counted)
        t->node->octets[t->octet]--;
    t->address_counted = false;
}

static void count_address(struct core_task *t)
{
    struct in_addr a;

    if (!t->fed.present || !t->rec.address || inet_pton(AF_INET, t->rec.address, &a) != 1)
        return;
    t->octet = (uint8_t)(ntohl(a.s_addr) & 255);
    t->node->octets[t->octet]++;
    t->address_counted = true;
}

static void count(struct core *c, struct core_task *t)
{
    count_address(t);
    if (!core_task_holds(t))
        return;
    t->node->used.cpus_nano += t->rec.resources.cpus_nano;
    t->node->used.memory += t->rec.resources.memory;
    t->node->n_tasks++;
    ports_add(t);
    t->counted = true;
}

/* ---- tasks and their status -------------------------------------------------------------------------- */

void feed_free_task(struct core *c, struct core_task *t)
{
    if (t->touched)
        DL_DELETE2(c->touched, t, touched_prev, touched_next);
    if (t->removed_at)
        DL_DELETE2(c->removed, t, removed_prev, removed_next);
    else if (t->collectable)
        DL_DELETE2(c->orphans, t, removed_prev, removed_next);
    DL_DELETE2(t->node->tasks, t, node_prev, node_next);
    DL_DELETE2(t->service->tasks, t, service_prev, service_next);
    HASH_DEL(c->tasks, t);
    record_task_release(&t->rec);
    record_status_release(&t->status);
    free(t->key);
    free(t);
}

static struct core_task *task_find(const struct core *c, const struct key *k)
{
    char key[KEY_NAME_MAX + KEY_TASK_MAX + 2];
    struct core_task *t = NULL;

    snprintf(key, sizeof key, "%s/%s", k->node, k->task);
    HASH_FIND_STR(c->tasks, key, t);
    return t;
}

static struct core_task *task_get(struct core *c, const struct key *k)
{
    struct core_task *t = task_find(c, k);
    struct key id;

    if (t)
        return t;
    t = orc_new(struct core_task);
    t->key = orc_printf("%s/%s", k->node, k->task);
    t->id = strchr(t->key, '/') + 1;
    if (key_task_id_parse(t->id, &id, &t->slot, &t->attempt) < 0) {
        free(t->key);
        free(t);
        return NULL;
    }
    t->node = core_node_get(c, k->node);
    t->service = core_service_get(c, id.app, id.service);
    DL_APPEND2(t->node->tasks, t, node_prev, node_next);
    DL_APPEND2(t->service->tasks, t, service_prev, service_next);
    HASH_ADD_KEYPTR(hh, c->tasks, t->key, strlen(t->key), t);
    return t;
}

/* A status whose task is gone is on the list of what to collect. */
static void list_orphan(struct core *c, struct core_task *t)
{
    bool orphan = t->status_fed.present && !t->fed.present && !t->removed_at;

    if (orphan && !t->collectable)
        DL_APPEND2(c->orphans, t, removed_prev, removed_next);
    else if (!orphan && t->collectable)
        DL_DELETE2(c->orphans, t, removed_prev, removed_next);
    t->collectable = orphan;
}

static void task_changed(struct core *c, struct core_task *t)
{
    if (!t->fed.present && t->removed_at) { /* its rest is over */
        DL_DELETE2(c->removed, t, removed_prev, removed_next);
        t->removed_at = 0;
    }
    t->planned = false;
    list_orphan(c, t);
    if (t->fed.present || t->status_fed.present) {
        core_touch(c, t);
        return;
    }
    struct core_node *n = t->node;
    struct core_service *s = t->service;

    core_dirty(c, s);
    feed_free_task(c, t);
    feed_drop_node(c, n);
    feed_drop_service(c, s);
}

/* A record whose content contradicts its key is as good as unreadable. */
static bool task_fits_key(const struct core_task *t, const struct record_task *r)
{
    return feed_is_modest(r->resources) && strcmp(r->app, t->service->app->name) == 0 &&
           strcmp(r->service, t->service->service) == 0 && r->slot == t->slot && r->attempt == t->attempt;
}

void feed_task(struct core *c, const struct key *k, struct record_task *r, int64_t create, int64_t mod)
{
    struct core_task *t = task_get(c, k);
    bool held = t && core_task_holds(t);

    if (!t)
        return;
    uncount(c, t);
    if (r && !task_fits_key(t, r))
        r = NULL;
    if (r)
        FEED_MOVE(&t->rec, r, record_task_release);
    feed_note(&t->fed, r, create, mod);
    count(c, t);
    c->frees_room = c->frees_room || (held && !core_task_holds(t));
    task_changed(c, t);
}

void feed_status(struct core *c, const struct key *k, struct record_status *r, int64_t create, int64_t mod)
{
    struct core_task *t = task_get(c, k);
    bool held = t && core_task_holds(t);

    if (!t)
        return;
    uncount(c, t);
    if (r)
        FEED_MOVE(&t->status, r, record_status_release);
    feed_note(&t->status_fed, r, create, mod);
    count(c, t);
    c->frees_room = c->frees_room || (held && !core_task_holds(t));
    task_changed(c, t);
}

void feed_task_gone(struct core *c, const struct key *k)
{
    struct core_task *t = task_find(c, k);

    if (!t)
        return;
    uncount(c, t);
    if (k->kind == KEY_TASK)
        t->fed = (struct core_fed){0};
    else
        t->status_fed = (struct core_fed){0};
    count(c, t);
    c->frees_room = true;
    task_changed(c, t);
}
