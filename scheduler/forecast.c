#include "scheduler/forecast.h"

#include "scheduler/feed.h"
#include "scheduler/plan_write.h"

#include <stdio.h>

#define CLUSTER "forecast" /* the name in the keys of this copy; nobody else sees it */

struct place {
    char *service, *node;
    int slot;
};
struct places {
    struct place *at;
    size_t n, cap;
};

struct forecast {
    struct core *core;
    int64_t revision, wall;
    uint64_t now;
    int steps;
    ORC_VEC(struct key) acts; /* tasks that their nodes must still do something about */
};

struct forecast *forecast_new(int64_t wall_ms, struct core_zones zones)
{
    struct forecast *f = orc_new(struct forecast);

    f->core = core_new();
    core_set_zones(f->core, zones);
    core_hold_schedules(f->core);
    f->wall = wall_ms;
    f->now = 1;
    return f;
}

struct forecast *forecast_free(struct forecast *f)
{
    if (!f)
        return NULL;
    core_free(f->core);
    orc_vec_release(&f->acts);
    free(f);
    return NULL;
}

void forecast_put(struct forecast *f, const struct key *key, void *record, int64_t create_revision,
                  int64_t mod_revision)
{
    if (mod_revision > f->revision)
        f->revision = mod_revision;
    core_feed_put(f->core, key, record, create_revision, mod_revision);
}

void forecast_delete(struct forecast *f, const struct key *key)
{
    core_feed_delete(f->core, key);
}

/* ---- a plan as committed ----------------------------------------------------------------------------- */

static void no_guard(const char *key, int64_t revision, void *arg)
{
    /* nobody else writes here */
}

/* The core asks for no create revision but heartbeats', which it does not write. */
static void put(const char *name, const char *value, void *arg)
{
    struct forecast *f = arg;
    struct orc_err err = ORC_ERR_INIT;
    struct key key;

    key_parse(CLUSTER, name, &key);
    core_feed_value(f->core, &key, value, strlen(value), f->revision, f->revision, &err);
    if (key.kind == KEY_TASK)
        orc_vec_push(&f->acts, key);
}

static void del(const char *name, void *arg)
{
    struct forecast *f = arg;
    struct key key;

    key_parse(CLUSTER, name, &key);
    core_feed_delete(f->core, &key);
}

static void commit(struct forecast *f, const struct plan *p)
{
    const struct plan_sink sink = {
        .if_create = no_guard, .if_mod = no_guard, .put = put, .del = del, .arg = f};
    const struct plan_txn *t;

    orc_vec_each (t, &p->txns) {
        f->revision++;
        plan_write(t, CLUSTER, &sink);
    }
}

static bool only_collects(const struct plan *p)
{
    const struct plan_txn *t;

    orc_vec_each (t, &p->txns)
        if (t->app[0])
            return false;
    return true;
}

/* Takes the plan. */
static void keep(const struct forecast *f, struct plan *p, struct forecast_result *ret)
{
    struct forecast_step *s;

    if (only_collects(p)) {
        plan_release(p);
        return;
    }
    plan_trim(p);
    s = orc_vec_add(&ret->steps);
    s->after_ms = ret->took_ms = f->now - 1;
    s->plan = *p;
}

/* Steps until there is nothing left to decide at this moment. */
static bool decide(struct forecast *f, struct forecast_result *ret)
{
    bool any = false;

    while (f->steps++ < FORECAST_STEPS_MAX) {
        struct plan p = {0};

        core_step(f->core, f->now, f->wall + (int64_t)f->now - 1, &p);
        if (plan_empty(&p)) {
            plan_release(&p);
            break;
        }
        commit(f, &p);
        keep(f, &p, ret);
        any = true;
    }
    return any;
}

/* ---- obedient nodes ---------------------------------------------------------------------------------- */

/* What a node that does at once what it is told says of the task; false: nothing new. */
static bool obeyed(const struct core_task *t, struct record_status *ret)
{
    enum task_state now = t->status_fed.present ? (enum task_state)t->state : TASK_ASSIGNED;

    *ret = (struct record_status){.restarts = core_task_more(t)->crashes, .exit_code = -1};
    if (!core_task_known(t) || t->status_fed.unreadable || !core_node_alive(t->node))
        return false;
    if (t->desired == TASK_RUN && core_task_of_job(t)) {
        ret->state = TASK_STOPPED;
        ret->exit_code = 0;
        return now < TASK_STOPPED;
    }
    if (t->desired == TASK_RUN) {
        ret->state = TASK_RUNNING;
        ret->health = TASK_HEALTHY;
        return now < TASK_RUNNING || (now == TASK_RUNNING && t->health == TASK_UNKNOWN);
    }
    ret->state = t->desired == TASK_DRAIN ? TASK_STOPPED : TASK_REMOVED;
    return now < ret->state;
}

static bool act_on(struct forecast *f, const struct key *task)
{
    struct core_task *t = feed_task_find(f->core, task);
    struct record_status status;
    struct key key = *task;

    if (!t || !obeyed(t, &status))
        return false;
    key.kind = KEY_STATUS;
    f->revision++;
    core_feed_put(f->core, &key, &status, f->revision, f->revision);
    return true;
}

static bool act(struct forecast *f)
{
    bool any = false;

    for (size_t i = 0; i < f->acts.n; i++)
        any = act_on(f, &f->acts.at[i]) || any;
    f->acts.n = 0;
    return any;
}

static void settle(struct forecast *f, struct forecast_result *ret)
{
    do
        decide(f, ret);
    while (act(f));
}

/* ---- what moves -------------------------------------------------------------------------------------- */

static int place_cmp(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int by = strcmp(x->service, y->service);

    return by ? by : x->slot - y->slot;
}

static void free_places(struct places *v)
{
    struct place *p;

    orc_vec_each (p, v) {
        free(p->service);
        free(p->node);
    }
    orc_vec_release(v);
}

/* Where each slot's newest task that shall run is. */
static struct places places_of(const struct core *c)
{
    struct places v = {0};
    struct core_service *s, *next;
    struct core_task *t;

    HASH_ITER (hh, c->services, s, next) {
        struct place *last = NULL;

        core_each_task (t, s) {
            if (!core_task_runs(t))
                continue;
            if (!last || last->slot != t->slot) {
                last = orc_vec_add(&v);
                *last = (struct place){.service = orc_strdup(s->name), .slot = t->slot};
            }
            orc_set_str(&last->node, t->node->name); /* by attempt: the last one counts */
        }
    }
    if (v.n)
        qsort(v.at, v.n, sizeof *v.at, place_cmp);
    return v;
}

static void add_move(struct forecast_result *ret, const struct place *from, const struct place *to)
{
    struct forecast_move *m;

    if (from && to && strcmp(from->node, to->node) == 0)
        return;
    m = orc_vec_add(&ret->moves);
    m->service = orc_strdup(from ? from->service : to->service);
    m->slot = from ? from->slot : to->slot;
    m->from = orc_strdup(from ? from->node : NULL);
    m->to = orc_strdup(to ? to->node : NULL);
}

/* Both in order. */
static void compare(const struct places *before, const struct places *after, struct forecast_result *ret)
{
    size_t i = 0, k = 0;

    while (i < before->n || k < after->n) {
        const struct place *a = i < before->n ? &before->at[i] : NULL,
                           *b = k < after->n ? &after->at[k] : NULL;
        int by = !a ? 1 : !b ? -1 : place_cmp(a, b);

        add_move(ret, by <= 0 ? a : NULL, by >= 0 ? b : NULL);
        i += by <= 0;
        k += by >= 0;
    }
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static int service_cmp(const void *a, const void *b)
{
    return strcmp(((const struct forecast_service *)a)->name, ((const struct forecast_service *)b)->name);
}

static void list_services(const struct core *c, struct forecast_result *ret)
{
    struct core_service *s, *next;

    HASH_ITER (hh, c->services, s, next) {
        struct forecast_service *x;

        if (!s->rollout_fed.present || s->rollout_fed.unreadable)
            continue;
        x = orc_vec_add(&ret->services);
        x->name = orc_strdup(s->name);
        record_rollout_copy(&s->rollout, &x->rollout);
    }
    if (ret->services.n)
        qsort(ret->services.at, ret->services.n, sizeof *ret->services.at, service_cmp);
}

static void act_on_all(struct forecast *f)
{
    struct core_service *s, *next;
    struct core_task *t;

    HASH_ITER (hh, f->core->services, s, next)
        core_each_task (t, s)
            orc_vec_push(&f->acts, core_key_task(t, KEY_TASK));
}

void forecast_run(struct forecast *f, struct forecast_result *ret)
{
    struct places before = places_of(f->core), after;
    uint64_t next;

    *ret = (struct forecast_result){0};
    core_lead(f->core);
    act_on_all(f);
    settle(f, ret);
    while ((next = core_next(f->core)) && next <= FORECAST_HORIZON_MS && f->steps < FORECAST_STEPS_MAX) {
        f->now = next;
        settle(f, ret);
    }
    ret->rests = !next;
    after = places_of(f->core);
    compare(&before, &after, ret);
    list_services(f->core, ret);
    free_places(&before);
    free_places(&after);
}

struct core *forecast_core(struct forecast *f)
{
    return f->core;
}

void forecast_result_release(struct forecast_result *r)
{
    struct forecast_service *s;
    struct forecast_move *m;
    struct forecast_step *t;

    orc_vec_each (t, &r->steps)
        plan_release(&t->plan);
    orc_vec_each (m, &r->moves) {
        free(m->service);
        free(m->from);
        free(m->to);
    }
    orc_vec_each (s, &r->services) {
        free(s->name);
        record_rollout_release(&s->rollout);
    }
    orc_vec_release(&r->steps);
    orc_vec_release(&r->moves);
    orc_vec_release(&r->services);
}

bool forecast_is_fine(const struct forecast_service *s)
{
    return s->rollout.state == ROLLOUT_COMPLETE || s->rollout.state == ROLLOUT_CANARY;
}
