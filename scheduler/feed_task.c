/* feed_task.c - tasks and what is seen of them, and what they take on their node. */
#include "scheduler/feed.h"

#include "scheduler/place_filter.h"
#include "scheduler/place_volume.h"
#include "scheduler/rows.h"

#include <arpa/inet.h>
#include <stdio.h>

/* ---- what a task takes on its node ------------------------------------------------------------------- */

static void ports_add(struct core_task *t)
{
    for (size_t i = 0; i < t->make->ports.n; i++) {
        struct core_port *p;

        if (!t->make->ports.at[i].host)
            continue;
        p = orc_vec_add(&t->node->ports);
        p->port = t->make->ports.at[i];
        p->task = t;
        core_task_id(t, p->id);
    }
}

static void uncount(struct core_task *t)
{
    if (t->counted) {
        place_use(t->node, t->make->resources, t->make->pids, -1);
        if (t->make->ports.n)
            place_drop_ports(t->node, t);
        t->counted = false;
    }
    if (t->address_counted)
        place_give_address(t->node, t->address & 255);
    t->address_counted = false;
}

static void count_address(struct core_task *t)
{
    if (!t->fed.present || !t->address)
        return;
    place_hold_address(t->node, t->address & 255);
    t->address_counted = true;
}

static void count_room(struct core_task *t)
{
    if (!core_task_holds(t))
        return;
    place_use(t->node, t->make->resources, t->make->pids, 1);
    ports_add(t);
    t->counted = true;
}

static void count(struct core *c, struct core_task *t)
{
    count_address(t);
    count_room(t);
    rows_use(c, t->node);
}

/* ---- tasks and their status -------------------------------------------------------------------------- */

/* What both the task's and the status' key say; false: nothing that could be a task. */
struct task_name {
    int slot;
    int64_t attempt;
};

/* Digits up to `end`; false: none, or more than `max`. */
static bool digits(const char **at, char end, int64_t max, int64_t *ret)
{
    const char *s = *at;

    for (*ret = 0; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(*ret, 10, ret) || __builtin_add_overflow(*ret, *s - '0', ret))
            return false;
    if (s == *at || *s != end || *ret > max)
        return false;
    *at = s + 1;
    return true;
}

/* The key was taken apart before (state/key.h): app and service are those of the id. */
static bool name_of(const struct key *k, struct task_name *ret)
{
    const char *at = k->task + strlen(k->app) + strlen(k->service) + 2;
    int64_t slot = 0;

    if (!k->app[0] || !digits(&at, '.', SPEC_REPLICAS_MAX - 1, &slot) ||
        !digits(&at, '\0', INT64_MAX, &ret->attempt))
        return false;
    ret->slot = (int)slot;
    return true;
}

struct core_task *feed_task_find(const struct core *c, const struct key *k)
{
    const struct core_service *s = core_service_find(c, k->app, k->service);
    const struct core_node *n = core_node_find(c, k->node);
    struct task_name name;

    return s && n && name_of(k, &name) ? core_task_find(s, name.slot, name.attempt, n) : NULL;
}

static struct core_task *task_get(struct core *c, const struct key *k)
{
    struct core_service *s;
    struct task_name name;
    struct core_node *n;
    struct core_task *t;

    if (!name_of(k, &name))
        return NULL;
    s = core_service_get(c, k->app, k->service);
    n = core_node_get(c, k->node);
    t = core_task_find(s, name.slot, name.attempt, n);
    return t ? t : core_task_new(c, s, name.slot, name.attempt, n);
}

/* A status whose task is gone is on the list of what to collect. */
static void list_orphan(struct core *c, struct core_task *t)
{
    bool orphan = t->status_fed.present && !t->fed.present && !core_task_more(t)->removed_at;

    if (orphan == t->collectable)
        return;
    core_task_need_more(t);
    if (orphan)
        DL_APPEND2(c->orphans, t, more->removed_prev, more->removed_next);
    else
        DL_DELETE2(c->orphans, t, more->removed_prev, more->removed_next);
    t->collectable = orphan;
}

static void task_changed(struct core *c, struct core_task *t)
{
    if (!t->fed.present && core_task_more(t)->removed_at) { /* its rest is over */
        DL_DELETE2(c->removed, t, more->removed_prev, more->removed_next);
        t->more->removed_at = 0;
    }
    t->planned = false;
    if (t->node->policy.drain || !t->node->fed.present) /* what it is called hangs on what is there */
        core_restate(c, t->node);
    list_orphan(c, t);
    if (t->fed.present || t->status_fed.present) {
        core_touch(c, t);
        return;
    }
    struct core_node *n = t->node;
    struct core_service *s = t->service;

    core_dirty(c, s);
    core_task_free(c, t);
    feed_drop_node(c, n);
    feed_drop_service(c, s);
}

/* A record whose content contradicts its key is as good as unreadable. */
static bool task_fits_key(const struct core_task *t, const struct record_task *r)
{
    return feed_is_modest(r->resources) && strcmp(r->app, t->service->app->name) == 0 &&
           strcmp(r->service, t->service->service) == 0 && r->slot == t->slot && r->attempt == t->attempt;
}

/* ---- their content ----------------------------------------------------------------------------------- */

static void set_reason(struct core_task *t, const char *reason)
{
    share_text_set(&t->make->reason, reason);
    if (t->reason == t->make->reason)
        return;
    share_text_drop(t->reason);
    t->reason = share_text_ref(t->make->reason);
}

static void set_address(struct core_task *t, const char *address)
{
    struct in_addr a = {0};
    bool plain = !address || (inet_pton(AF_INET, address, &a) == 1 && a.s_addr);

    t->address = ntohl(a.s_addr);
    if (!plain || t->more)
        share_text_set(&core_task_need_more(t)->address, plain ? NULL : address);
}

static void set_record(struct core_task *t, const struct record_task *r)
{
    struct share_make *m = core_service_make(t->service, r);

    share_make_drop(t->make);
    t->make = m;
    set_reason(t, r->reason);
    set_address(t, r->address);
    t->at = r->at;
    t->desired = r->desired;
    if (!t->more && !r->stop_reason && !r->stop_kind && !r->restarts)
        return;
    share_text_set(&core_task_need_more(t)->stop_reason, r->stop_reason);
    t->more->stop_kind = r->stop_kind;
    t->more->restarts = r->restarts;
}

static void set_status(struct core_task *t, const struct record_status *r)
{
    t->state = r->state;
    t->health = r->health;
    t->boot = feed_boot(r->boot);
    if (!t->more && !r->reason && !r->probe && !r->restarts && r->exit_code == -1 && !r->oom)
        return;
    share_text_set(&core_task_need_more(t)->status_reason, r->reason);
    share_text_set(&t->more->probe, r->probe);
    t->more->crashes = r->restarts;
    t->more->exit_code = r->exit_code;
    t->more->oom = r->oom;
}

static void see(struct core_seen *seen, const void *record, int64_t mod)
{
    *seen = (struct core_seen){.mod = (uint64_t)mod, .present = true, .unreadable = !record};
}

/* Others go where data is: with a new task that may be here, and no longer where its slot was before. */
static bool moves_data(const struct core_task *t)
{
    const struct core_task *o;

    for (o = core_slot_tasks(t->service, t->slot); o; o = o->slot_next) {
        const struct core_revision *r = o->make ? core_service_revision(o->service, o->make->revision) : NULL;

        if (r && place_mounts_volumes(r->rec.spec))
            return true;
    }
    return false;
}

void feed_task(struct core *c, const struct key *k, const struct record_task *r, int64_t mod)
{
    struct core_task *t = task_get(c, k);
    bool held = t && core_task_holds(t);

    if (!t)
        return;
    uncount(t);
    if (r && !task_fits_key(t, r))
        r = NULL;
    if (r)
        set_record(t, r);
    see(&t->fed, r, mod);
    count(c, t);
    c->frees_room = c->frees_room || (held ? !core_task_holds(t) : core_task_holds(t) && moves_data(t));
    c->occupied = c->occupied || (!held && core_task_holds(t) && t->node->n_tasks == 1);
    task_changed(c, t);
}

void feed_status(struct core *c, const struct key *k, const struct record_status *r, int64_t mod)
{
    struct core_task *t = task_get(c, k);
    bool held = t && core_task_holds(t);

    if (!t)
        return;
    if (r)
        set_status(t, r);
    see(&t->status_fed, r, mod);
    if (core_task_holds(t) != held) {
        uncount(t);
        count(c, t);
    }
    c->frees_room = c->frees_room || (held && !core_task_holds(t));
    task_changed(c, t);
}

void feed_task_gone(struct core *c, const struct key *k)
{
    struct core_task *t = feed_task_find(c, k);

    if (!t)
        return;
    uncount(t);
    if (k->kind == KEY_TASK)
        t->fed = (struct core_seen){0};
    else
        t->status_fed = (struct core_seen){0};
    count(c, t);
    c->frees_room = true;
    task_changed(c, t);
}
