/* task.c - one task in the model: where it lives, its place among the others, what it is in whole. */
#include "scheduler/model.h"

#include <stdio.h>

_Static_assert(SPEC_REPLICAS_MAX <= 1 << 14, "a slot's number fits its field");
_Static_assert(TASK_REMOVE < 4 && TASK_REMOVED < 16 && TASK_UNREADY < 4, "so do states");
_Static_assert(sizeof(struct core_task) == 2 * CORE_LINE, "a task is two lines of the cache");

#define BLOCK 256 /* tasks that are allocated at once */

const struct core_task_more core_task_nothing_more = {.exit_code = -1};

/* ---- where tasks live -------------------------------------------------------------------------------- */

static struct core_task *allocate(struct core *c)
{
    struct core_task *t;

    if (!c->task_spare) {
        struct core_task *block = orc_calloc_at(CORE_LINE, BLOCK, sizeof *block);

        orc_vec_push(&c->task_blocks, block);
        for (size_t i = 0; i < BLOCK; i++)
            block[i].slot_next = i + 1 < BLOCK ? &block[i + 1] : NULL;
        c->task_spare = block;
    }
    t = c->task_spare;
    c->task_spare = t->slot_next;
    t->slot_next = NULL;
    return t;
}

void core_task_release_all(struct core *c)
{
    for (size_t i = 0; i < c->task_blocks.n; i++)
        free(c->task_blocks.at[i]);
    orc_vec_release(&c->task_blocks);
    c->task_spare = NULL;
}

/* ---- its place among the others ---------------------------------------------------------------------- */

struct core_task *core_slot_tasks(const struct core_service *s, int slot)
{
    return (size_t)slot < s->by_slot.n ? s->by_slot.at[slot] : NULL;
}

struct core_task *core_tasks_from(const struct core_service *s, int slot)
{
    for (size_t i = (size_t)slot; i < s->by_slot.n; i++)
        if (s->by_slot.at[i])
            return s->by_slot.at[i];
    return NULL;
}

struct core_task *core_task_after(const struct core_task *t)
{
    return t->slot_next ? t->slot_next : core_tasks_from(t->service, t->slot + 1);
}

/* The same id on two nodes is nobody's doing but a person's; still each is a task. */
static bool goes_before(const struct core_task *t, int64_t attempt, const struct core_node *n)
{
    return t->attempt != attempt ? t->attempt < attempt : strcmp(t->node->name, n->name) < 0;
}

struct core_task *core_task_find(const struct core_service *s, int slot, int64_t attempt,
                                 const struct core_node *n)
{
    struct core_task *t = core_slot_tasks(s, slot);

    while (t && (t->attempt != attempt || t->node != n))
        t = t->slot_next;
    return t;
}

static void list(struct core_task *t)
{
    struct core_service *s = t->service;
    struct core_task **at;

    while (s->by_slot.n <= t->slot)
        orc_vec_push(&s->by_slot, NULL);
    for (at = &s->by_slot.at[t->slot]; *at && goes_before(*at, t->attempt, t->node);)
        at = &(*at)->slot_next;
    t->slot_next = *at;
    *at = t;
    s->n_tasks++;
    DL_PREPEND2(t->node->tasks, t, node_prev, node_next);
}

static void unlist(struct core_task *t)
{
    struct core_service *s = t->service;
    struct core_task **at = &s->by_slot.at[t->slot];

    while (*at != t)
        at = &(*at)->slot_next;
    *at = t->slot_next;
    while (s->by_slot.n && !s->by_slot.at[s->by_slot.n - 1])
        s->by_slot.n--;
    s->n_tasks--;
    DL_DELETE2(t->node->tasks, t, node_prev, node_next);
}

struct core_task *core_task_new(struct core *c, struct core_service *s, int slot, int64_t attempt,
                                struct core_node *n)
{
    struct core_task *t = allocate(c);

    t->service = s;
    t->node = n;
    t->slot = (unsigned)slot;
    t->attempt = attempt;
    list(t);
    return t;
}

static void more_free(struct core_task *t)
{
    if (!t->more)
        return;
    share_text_drop(t->more->stop_reason);
    share_text_drop(t->more->address);
    share_text_drop(t->more->status_reason);
    share_text_drop(t->more->probe);
    free(t->more);
    t->more = NULL;
}

void core_task_free(struct core *c, struct core_task *t)
{
    if (t->touched)
        c->touched.at[t->touched - 1] = NULL;
    if (core_task_more(t)->removed_at)
        DL_DELETE2(c->removed, t, more->removed_prev, more->removed_next);
    else if (t->collectable)
        DL_DELETE2(c->orphans, t, more->removed_prev, more->removed_next);
    unlist(t);
    more_free(t);
    share_make_drop(t->make);
    share_text_drop(t->reason);
    memset(t, 0, sizeof *t);
    t->slot_next = c->task_spare;
    c->task_spare = t;
}

/* ---- what few have ----------------------------------------------------------------------------------- */

struct core_task_more *core_task_need_more(struct core_task *t)
{
    if (!t->more) {
        t->more = orc_new(struct core_task_more);
        *t->more = core_task_nothing_more;
    }
    return t->more;
}

static bool is_nothing(const struct core_task_more *m)
{
    return !m->stop_reason && !m->stop_kind && !m->address && !m->restarts && !m->status_reason &&
           !m->probe && !m->crashes && m->exit_code == -1 && !m->oom && !m->crashes_base &&
           !m->crashes_seen && !m->run_ms && !m->failed_at && !m->leaving_at && !m->removed_at;
}

void core_task_tidy(struct core_task *t)
{
    if (t->more && !t->collectable && is_nothing(t->more))
        more_free(t);
}

/* ---- what many have in common -------------------------------------------------------------------------- */

/* Those that no task, and no plan, refers to any more. */
static void drop_unused_makes(struct core_service *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->makes.n; i++)
        if (s->makes.at[i]->refs > 1)
            s->makes.at[kept++] = s->makes.at[i];
        else
            share_make_drop(s->makes.at[i]);
    s->makes.n = kept;
}

struct share_make *core_service_make(struct core_service *s, const struct record_task *r)
{
    struct share_make *m;

    for (size_t i = s->makes.n; i-- > 0;)
        if (share_make_is(s->makes.at[i], r))
            return share_make_ref(s->makes.at[i]);
    drop_unused_makes(s);
    m = share_make_new(r);
    orc_vec_push(&s->makes, m);
    return share_make_ref(m);
}

/* ---- the whole --------------------------------------------------------------------------------------- */

const char *core_task_id(const struct core_task *t, char ret[KEY_TASK_MAX + 1])
{
    key_task_id(t->service->app->name, t->service->service, t->slot, t->attempt, ret);
    return ret;
}

struct plan_task core_task_plan(const struct core_task *t)
{
    const struct core_task_more *more = core_task_more(t);

    return (struct plan_task){.service = t->service->shared,
                              .node = t->node->shared,
                              .make = t->make,
                              .reason = t->reason,
                              .stop_reason = more->stop_reason,
                              .odd_address = more->address,
                              .attempt = t->attempt,
                              .at = t->at,
                              .mod = t->fed.present ? (int64_t)t->fed.mod : 0,
                              .status_mod = t->status_fed.present ? (int64_t)t->status_fed.mod : 0,
                              .slot = t->slot,
                              .restarts = more->restarts,
                              .address = t->address,
                              .desired = (enum task_desired)t->desired,
                              .stop_kind = more->stop_kind};
}

struct key core_key_task(const struct core_task *t, enum key_kind kind)
{
    struct key k = {.kind = kind};

    snprintf(k.app, sizeof k.app, "%s", t->service->app->name);
    snprintf(k.service, sizeof k.service, "%s", t->service->service);
    snprintf(k.node, sizeof k.node, "%s", t->node->name);
    core_task_id(t, k.task);
    return k;
}
