/* model.c - finding, marking and the facts derived from what was fed. */
#include "scheduler/model.h"

#include "scheduler/trouble.h"
#include "scheduler/rank.h"

#include <stdio.h>

/* ---- finding ----------------------------------------------------------------------------------------- */

struct core_node *core_node_find(const struct core *c, const char *name)
{
    struct core_node *n = NULL;

    HASH_FIND_STR(c->nodes, name, n);
    return n;
}

struct core_node *core_node_get(struct core *c, const char *name)
{
    struct core_node *n = core_node_find(c, name);

    if (n)
        return n;
    n = orc_new(struct core_node);
    n->name = orc_strdup(name);
    HASH_ADD_KEYPTR(hh, c->nodes, n->name, strlen(n->name), n);
    rank_add(c, n);
    n->missing = true; /* until its heartbeat is fed */
    DL_APPEND2(c->missing, n, missing_prev, missing_next);
    c->nodes_changed = true;
    return n;
}

struct core_app *core_app_get(struct core *c, const char *name)
{
    struct core_app *a = NULL;

    HASH_FIND_STR(c->apps, name, a);
    if (a)
        return a;
    a = orc_new(struct core_app);
    a->name = orc_strdup(name);
    HASH_ADD_KEYPTR(hh, c->apps, a->name, strlen(a->name), a);
    return a;
}

struct core_service *core_service_find(const struct core *c, const char *app, const char *service)
{
    char name[2 * SPEC_NAME_MAX + 2];
    struct core_service *s = NULL;

    snprintf(name, sizeof name, "%s/%s", app, service);
    HASH_FIND_STR(c->services, name, s);
    return s;
}

struct core_service *core_service_get(struct core *c, const char *app, const char *service)
{
    struct core_service *s = core_service_find(c, app, service);

    if (s)
        return s;
    s = orc_new(struct core_service);
    s->name = orc_printf("%s/%s", app, service);
    s->service = strchr(s->name, '/') + 1;
    s->app = core_app_get(c, app);
    DL_APPEND2(s->app->services, s, app_prev, app_next);
    HASH_ADD_KEYPTR(hh, c->services, s->name, strlen(s->name), s);
    core_dirty(c, s);
    return s;
}

const struct core_revision *core_service_revision(const struct core_service *s, int64_t n)
{
    struct core_revision *r = NULL;

    HASH_FIND(hh, s->revisions, &n, sizeof n, r);
    return r && r->fed.present && !r->fed.unreadable ? r : NULL;
}

const struct record_app_service *core_service_wanted(const struct core_service *s)
{
    const struct record_app_service *w;

    if (!s->app->fed.present || s->app->fed.unreadable)
        return NULL;
    orc_vec_each (w, &s->app->rec.services)
        if (strcmp(w->name, s->service) == 0)
            return w;
    return NULL;
}

/* ---- marking ----------------------------------------------------------------------------------------- */

void core_dirty(struct core *c, struct core_service *s)
{
    if (s->dirty)
        return;
    s->dirty = true;
    DL_APPEND2(c->dirty, s, dirty_prev, dirty_next);
}

void core_dirty_node(struct core *c, struct core_node *n)
{
    struct core_task *t;

    for (t = n->tasks; t; t = t->node_next)
        core_dirty(c, t->service);
}

void core_dirty_all(struct core *c)
{
    struct core_service *s, *next;

    HASH_ITER (hh, c->services, s, next)
        core_dirty(c, s);
}

void core_touch(struct core *c, struct core_task *t)
{
    core_dirty(c, t->service);
    if (t->touched)
        return;
    t->touched = true;
    DL_APPEND2(c->touched, t, touched_prev, touched_next);
}

void core_wake(struct core *c, struct core_service *s, uint64_t when)
{
    if (when <= c->now) /* what was waited for has come: whoever asks has seen it */
        return;
    if (s->wake == 0 || when < s->wake)
        s->wake = when;
    if (s->timed)
        return;
    s->timed = true;
    DL_APPEND2(c->timed, s, timed_prev, timed_next);
}

void core_wait_room(struct core *c, struct core_service *s, bool waits)
{
    if (s->waits_room == waits)
        return;
    s->waits_room = waits;
    if (waits)
        DL_APPEND2(c->waiting_room, s, room_prev, room_next);
    else
        DL_DELETE2(c->waiting_room, s, room_prev, room_next);
}

/* ---- facts ------------------------------------------------------------------------------------------- */

bool core_node_alive(const struct core_node *n)
{
    return n->alive_fed.present;
}

static bool status_known(const struct core_task *t)
{
    return t->status_fed.present && !t->status_fed.unreadable;
}

bool core_task_holds(const struct core_task *t)
{
    /* A record that has become unreadable still takes what it took. */
    return t->fed.present && t->rec.app && !(status_known(t) && t->status.state >= TASK_STOPPED);
}

bool core_task_available(const struct core_task *t)
{
    return t->fed.present && !t->fed.unreadable && t->rec.desired == TASK_RUN && status_known(t) &&
           t->status.state == TASK_RUNNING && t->status.health == TASK_HEALTHY && core_node_alive(t->node);
}

uint64_t core_task_run_ms(const struct core *c, const struct core_task *t)
{
    uint64_t run = t->available_at ? c->now - t->available_at : 0;

    return run > t->run_ms ? run : t->run_ms;
}

struct key core_key_task(const struct core_task *t, enum key_kind kind)
{
    struct key k = {.kind = kind};

    snprintf(k.node, sizeof k.node, "%s", t->node->name);
    snprintf(k.task, sizeof k.task, "%s", t->id);
    return k;
}

struct key core_key_node(const struct core_node *n, enum key_kind kind)
{
    struct key k = {.kind = kind};

    snprintf(k.node, sizeof k.node, "%s", n->name);
    return k;
}

struct key core_key_service(const struct core_service *s, enum key_kind kind)
{
    struct key k = {.kind = kind};

    snprintf(k.app, sizeof k.app, "%s", s->app->name);
    if (kind != KEY_APP)
        snprintf(k.service, sizeof k.service, "%s", s->service);
    return k;
}

/* ---- observing --------------------------------------------------------------------------------------- */

static void observe_availability(const struct core *c, struct core_task *t)
{
    if (core_task_available(t)) {
        if (!t->available_at)
            t->available_at = c->now;
    } else if (t->available_at) {
        t->run_ms = core_task_run_ms(c, t);
        t->available_at = 0;
    }
}

static void observe_removal(struct core *c, struct core_task *t)
{
    bool gone = t->fed.present && status_known(t) && t->status.state == TASK_REMOVED;

    if (gone && !t->removed_at) {
        t->removed_at = c->now;
        DL_APPEND2(c->removed, t, removed_prev, removed_next);
    } else if (!gone && t->removed_at) {
        t->removed_at = 0;
        DL_DELETE2(c->removed, t, removed_prev, removed_next);
    }
}

static void set_once(uint64_t *at, bool holds, uint64_t now)
{
    if (!holds)
        *at = 0;
    else if (!*at)
        *at = now;
}

static void observe_task(struct core *c, struct core_task *t)
{
    bool known = status_known(t), run = t->fed.present && !t->fed.unreadable && t->rec.desired == TASK_RUN;

    trouble_observe(c, t);
    if (!t->placed_at) {
        t->placed_at = c->now;
        t->restarts_base = c->baseline && known ? t->status.restarts : 0;
    }
    set_once(&t->begun_at, known && t->status.state >= TASK_CREATING, c->now);
    set_once(&t->failed_at,
             run && known &&
                 (t->status.state >= TASK_STOPPED ||
                  (t->status.state == TASK_RUNNING && t->status.health == TASK_UNHEALTHY)),
             c->now);
    set_once(&t->leaving_at, t->fed.present && !run, c->now);
    observe_availability(c, t);
    observe_removal(c, t);
}

void core_observe(struct core *c)
{
    struct core_task *t;

    while ((t = c->touched)) {
        DL_DELETE2(c->touched, t, touched_prev, touched_next);
        t->touched = false;
        observe_task(c, t);
    }
    c->baseline = false;
}
