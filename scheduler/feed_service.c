/* feed_service.c - what people ask for: apps, revisions, intents; and the scheduler's own rollouts. */
#include "scheduler/feed.h"

#include "scheduler/allow.h"
#include "scheduler/demand.h"
#include "scheduler/global.h"
#include "scheduler/reconcile_ops.h"

/* ---- emptiness: what nothing refers to any more is freed --------------------------------------------- */

void feed_drop_app(struct core *c, struct core_app *a)
{
    if (a->fed.present || a->services)
        return;
    HASH_DEL(c->apps, a);
    record_app_release(&a->rec);
    free(a->name);
    free(a);
}

void feed_free_service(struct core *c, struct core_service *s)
{
    if (s->dirty)
        DL_DELETE2(c->dirty, s, dirty_prev, dirty_next);
    if (s->timed)
        DL_DELETE2(c->timed, s, timed_prev, timed_next);
    core_wait_room(c, s, false);
    global_list(c, s, false);
    demand_drop_service(c, s);
    recon_list_auto(c, s, false);
    DL_DELETE2(s->app->services, s, app_prev, app_next);
    if (c->got_service == s)
        c->got_service = NULL;
    HASH_DEL(c->services, s);
    record_rollout_release(&s->rollout);
    record_intent_release(&s->intent);
    orc_vec_release(&s->trouble);
    allow_drop(c, s);
    kept_free(s->kept);
    orc_vec_release(&s->by_slot);
    for (size_t i = 0; i < s->makes.n; i++)
        share_make_drop(s->makes.at[i]);
    orc_vec_release(&s->makes);
    share_service_drop(s->shared);
    free(s->name);
    free(s);
}

void feed_drop_service(struct core *c, struct core_service *s)
{
    struct core_app *a = s->app;

    if (s->rollout_fed.present || s->intent_fed.present || s->revisions || s->n_tasks ||
        core_service_wanted(s))
        return;
    feed_free_service(c, s);
    feed_drop_app(c, a);
}

void feed_free_revision(struct core_service *s, struct core_revision *r)
{
    HASH_DEL(s->revisions, r);
    if (s->came_last == r)
        s->came_last = NULL;
    record_revision_release(&r->rec);
    free(r);
}

/* ---- apps and services ------------------------------------------------------------------------------- */

static void app_changed(struct core *c, struct core_app *a)
{
    struct core_service *s, *next;

    for (size_t i = 0; i < a->rec.services.n && a->fed.present && !a->fed.unreadable; i++)
        core_service_get(c, a->name, a->rec.services.at[i].name)->wanted_at = i;
    for (s = a->services; s && ((next = s->app_next), true); s = next)
        core_dirty(c, s);
}

void feed_app(struct core *c, const struct key *k, struct record_app *r, int64_t create, int64_t mod)
{
    struct core_app *a = core_app_get(c, k->app);

    FEED_MOVE(&a->rec, r, record_app_release);
    feed_note(&a->fed, r, create, mod);
    app_changed(c, a);
}

void feed_app_gone(struct core *c, const struct key *k)
{
    struct core_app *a = NULL;
    struct core_service *s, *next;

    HASH_FIND_STR(c->apps, k->app, a);
    if (!a)
        return;
    record_app_release(&a->rec);
    a->fed = (struct core_fed){0};
    app_changed(c, a);
    a->fed.present = true; /* so that it stays while its services are looked at */
    for (s = a->services; s && ((next = s->app_next), true); s = next)
        feed_drop_service(c, s);
    a->fed.present = false;
    feed_drop_app(c, a);
}

void feed_revision(struct core *c, const struct key *k, struct record_revision *r, int64_t create,
                   int64_t mod)
{
    struct core_service *s = core_service_get(c, k->app, k->service);
    struct core_revision *rev = NULL;

    HASH_FIND(hh, s->revisions, &k->n, sizeof k->n, rev);
    if (!rev) {
        rev = orc_new(struct core_revision);
        rev->n = k->n;
        HASH_ADD(hh, s->revisions, n, sizeof rev->n, rev);
        s->came_last = rev;
    }
    if (r && !feed_is_modest(spec_service_reserved(r->spec)))
        r = NULL;
    FEED_MOVE(&rev->rec, r, record_revision_release);
    s->allow_spec = NULL;
    s->kept = kept_free(s->kept);
    feed_note(&rev->fed, r, create, mod);
    free(orc_take(rev->rec.yaml)); /* for people only */
    core_dirty(c, s);
}

void feed_rollout(struct core *c, const struct key *k, struct record_rollout *r, int64_t create, int64_t mod)
{
    struct core_service *s = core_service_get(c, k->app, k->service), *other;

    FEED_MOVE(&s->rollout, r, record_rollout_release);
    feed_note(&s->rollout_fed, r, create, mod);
    core_dirty(c, s);
    for (other = s->app->services; other; other = other->app_next)
        if (other->waits_dependency)
            core_dirty(c, other);
}

void feed_intent(struct core *c, const struct key *k, struct record_intent *r, int64_t create, int64_t mod)
{
    struct core_service *s = core_service_get(c, k->app, k->service);

    FEED_MOVE(&s->intent, r, record_intent_release);
    feed_note(&s->intent_fed, r, create, mod);
    core_dirty(c, s);
}

void feed_service_gone(struct core *c, const struct key *k)
{
    struct core_service *s = core_service_find(c, k->app, k->service);
    struct core_revision *rev = NULL;

    if (!s)
        return;
    if (k->kind == KEY_REVISION) {
        HASH_FIND(hh, s->revisions, &k->n, sizeof k->n, rev);
        if (rev)
            feed_free_revision(s, rev);
        s->kept = kept_free(s->kept);
    } else if (k->kind == KEY_ROLLOUT) {
        record_rollout_release(&s->rollout);
        s->rollout_fed = (struct core_fed){0};
    } else {
        record_intent_release(&s->intent);
        s->intent_fed = (struct core_fed){0};
    }
    core_dirty(c, s);
    feed_drop_service(c, s);
}
