/* model.c - finding, marking and the facts derived from what was fed. */
#include "scheduler/model.h"

#include "lib/hash.h"
#include "scheduler/trouble.h"
#include "scheduler/rows.h"

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
    struct core_node *n = c->got_node;

    if (n && strcmp(n->name, name) == 0)
        return n;
    n = c->got_node = core_node_find(c, name);
    if (n)
        return n;
    n = c->got_node = orc_calloc_at(CORE_LINE, 1, sizeof *n);
    n->shared = share_text_new(name);
    n->name = n->shared->s;
    HASH_ADD_KEYPTR(hh, c->nodes, n->name, strlen(n->name), n);
    rows_add(c, n);
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
    size_t n = strlen(app), m = strlen(service);
    struct core_service *s = NULL;

    if (n > SPEC_NAME_MAX || m > SPEC_NAME_MAX)
        return NULL;
    memcpy(name, app, n);
    name[n] = '/';
    memcpy(name + n + 1, service, m);
    HASH_FIND(hh, c->services, name, n + 1 + m, s);
    return s;
}

struct core_service *core_service_get(struct core *c, const char *app, const char *service)
{
    struct core_service *s = c->got_service;

    if (s && strcmp(s->shared->service, service) == 0 && strcmp(s->shared->app, app) == 0)
        return s;
    s = c->got_service = core_service_find(c, app, service);
    if (s)
        return s;
    s = c->got_service = orc_new(struct core_service);
    s->name = orc_printf("%s/%s", app, service);
    s->service = strchr(s->name, '/') + 1;
    s->shared = share_service_new(app, service);
    s->hash = orc_hash64_str(0, s->name);
    s->app = core_app_get(c, app);
    DL_APPEND2(s->app->services, s, app_prev, app_next);
    HASH_ADD_KEYPTR(hh, c->services, s->name, strlen(s->name), s);
    core_dirty(c, s);
    return s;
}

const struct core_revision *core_service_revision(const struct core_service *s, int64_t n)
{
    struct core_revision *r = s->came_last;

    if (!r || r->n != n)
        HASH_FIND(hh, s->revisions, &n, sizeof n, r);
    return r && r->fed.present && !r->fed.unreadable ? r : NULL;
}

bool core_task_of_job(const struct core_task *t)
{
    const struct core_revision *r = core_service_revision(t->service, t->make->revision);

    return r && r->rec.spec->job;
}

const struct record_app_service *core_service_wanted(const struct core_service *s)
{
    const struct record_app *a = &s->app->rec;

    if (!s->app->fed.present || s->app->fed.unreadable || s->wanted_at >= a->services.n)
        return NULL;
    return strcmp(a->services.at[s->wanted_at].name, s->service) == 0 ? &a->services.at[s->wanted_at] : NULL;
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

    for (t = n->tasks; t; t = t->node_next) {
        core_dirty(c, t->service);
        kept_mark(t->service->kept, t->slot);
    }
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
    kept_mark(t->service->kept, t->slot);
    if (t->touched)
        return;
    orc_vec_push(&c->touched, t);
    t->touched = (uint32_t)c->touched.n;
}

void core_restate(struct core *c, struct core_node *n)
{
    if (n->restate)
        return;
    n->restate = true;
    DL_APPEND2(c->restate, n, restate_prev, restate_next);
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

struct key core_key_node(const struct core_node *n, enum key_kind kind)
{
    struct key k = {.kind = kind};

    snprintf(k.node, sizeof k.node, "%s", n->name);
    return k;
}

struct key core_key_service(const struct core_service *s, enum key_kind kind)
{
    struct key k = {.kind = kind};

    orc_copy_str(k.app, sizeof k.app, s->app->name);
    if (kind != KEY_APP)
        orc_copy_str(k.service, sizeof k.service, s->service);
    return k;
}

/* ---- observing --------------------------------------------------------------------------------------- */

static void observe_availability(const struct core *c, struct core_task *t)
{
    if (core_task_available(t)) {
        if (!t->available_at)
            t->available_at = c->now;
    } else if (t->available_at) {
        core_task_need_more(t)->run_ms = core_task_run_ms(c, t);
        t->available_at = 0;
    }
}

static void observe_removal(struct core *c, struct core_task *t)
{
    bool gone = t->fed.present && core_task_reported(t) && t->state == TASK_REMOVED;

    if (gone == (core_task_more(t)->removed_at != 0))
        return;
    if (gone)
        DL_APPEND2(c->removed, t, more->removed_prev, more->removed_next);
    else
        DL_DELETE2(c->removed, t, more->removed_prev, more->removed_next);
    t->more->removed_at = gone ? c->now : 0;
}

static uint64_t once(uint64_t at, bool holds, uint64_t now)
{
    return !holds ? 0 : at ? at : now;
}

/* Failing, and leaving: few do. */
static void observe_trouble(const struct core *c, struct core_task *t)
{
    bool failing = core_task_runs(t) && core_task_reported(t) &&
                   (t->state >= TASK_STOPPED || (t->state == TASK_RUNNING && t->health == TASK_UNHEALTHY) ||
                    core_task_stale(t));
    bool leaving = t->fed.present && !core_task_runs(t);

    if (!failing && !leaving && !t->more)
        return;
    core_task_need_more(t);
    t->more->failed_at = once(t->more->failed_at, failing, c->now);
    t->more->leaving_at = once(t->more->leaving_at, leaving, c->now);
}

static void observe_task(struct core *c, struct core_task *t)
{
    bool begun = core_task_reported(t) && t->state >= TASK_CREATING;

    trouble_observe(c, t);
    if (!t->since) {
        t->since = c->now;
        if (t->more)
            t->more->crashes_base = c->baseline && core_task_reported(t) ? t->more->crashes : 0;
    }
    if (begun && !t->begun)
        t->since = c->now;
    t->begun = begun;
    observe_trouble(c, t);
    observe_availability(c, t);
    observe_removal(c, t);
    core_task_tidy(t);
}

#define AHEAD 8
void core_observe(struct core *c)
{
    for (size_t i = 0; i < c->touched.n; i++) {
        struct core_task *t = c->touched.at[i];

        if (i + AHEAD < c->touched.n)
            core_prefetch_task(c->touched.at[i + AHEAD]);
        if (!t)
            continue;
        t->touched = 0;
        observe_task(c, t);
    }
    c->touched.n = 0;
    c->baseline = false;
}
