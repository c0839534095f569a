/* reconcile_heal.c - missing slots are filled, and what is broken is replaced. */
#include "scheduler/place.h"
#include "scheduler/reconcile_ops.h"
#include "scheduler/rollout.h"

static int count_started(const struct core_service *s)
{
    const struct core_task *t;
    int n = 0;

    core_each_task (t, s)
        n += core_task_runs(t) && core_task_reported(t) &&
             (t->state == TASK_RUNNING || t->state == TASK_STOPPED);
    return n;
}

static int count_available(const struct core_service *s)
{
    const struct core_task *t;
    int n = 0;

    core_each_task (t, s)
        n += core_task_available(t);
    return n;
}

/* Its run, of the revision and the restart that are asked for now. */
static bool has_completed(const struct core_service *o)
{
    return o->rollout_fed.present && o->rollout.state == ROLLOUT_COMPLETE &&
           o->rollout.wanted == core_service_wanted(o)->revision &&
           !(o->intent_fed.present && o->intent.restart_epoch > o->rollout.restart_epoch);
}

/* Why a job is still waited for, or NULL. */
static char *unfinished(const struct recon *x, const struct spec_depend *d)
{
    const struct core_service *o = core_service_find(x->c, x->s->app->name, d->service);

    if (!o || !core_service_wanted(o) || has_completed(o))
        return NULL;
    return orc_printf("%s must complete first%s", o->name,
                      o->rollout_fed.present && o->rollout.state == ROLLOUT_FAILED ? ", and has failed" : "");
}

/* Why one dependency is not met yet, or NULL. One that was complete before needs only one replica now. */
static char *unmet(const struct recon *x, const struct spec_depend *d)
{
    const struct core_service *o = core_service_find(x->c, x->s->app->name, d->service);
    bool healthy = d->condition == SPEC_DEPENDS_HEALTHY, known;
    int have, want = 1;

    if (d->condition == SPEC_DEPENDS_COMPLETED)
        return unfinished(x, d);
    if (!o || !core_service_wanted(o))
        return NULL;
    known = o->rollout_fed.present && o->rollout.state != ROLLOUT_REMOVING; /* else it speaks of before */
    if (known && o->rollout.replicas == 0)
        return NULL;
    have = healthy ? count_available(o) : count_started(o);
    if (known && !o->rollout.complete)
        want = o->rollout.replicas;
    if (have >= want)
        return NULL;
    return orc_printf("%s must be %s first (%d of %d are)", o->name, healthy ? "healthy" : "started", have,
                      want);
}

char *recon_needs(const struct recon *x)
{
    const struct spec_service *spec = x->target->rec.spec;

    for (size_t i = 0; i < spec->depends_on.n; i++) {
        char *why = unmet(x, &spec->depends_on.at[i]);

        if (why)
            return why;
    }
    return NULL;
}

static bool any_is_to_run(const struct core_service *s)
{
    const struct core_task *t;

    core_each_task (t, s)
        if (core_task_runs(t))
            return true;
    return false;
}

/* The first deployment waits for what it depends on, also when it was removed and is there again. NULL:
 * nothing to wait for. */
char *recon_dependency(const struct recon *x)
{
    return !x->target || x->next.complete || any_is_to_run(x->s) ? NULL : recon_needs(x);
}

char *recon_update_dependency(struct recon *x)
{
    const struct spec_service *spec = x->target->rec.spec;

    if (x->next.target == x->next.complete)
        return NULL;
    for (size_t i = 0; i < spec->depends_on.n; i++) {
        const struct spec_depend *d = &spec->depends_on.at[i];
        char *why = d->condition == SPEC_DEPENDS_COMPLETED ? unfinished(x, d) : NULL;

        if (!why)
            continue;
        x->s->waits_dependency = x->s->app->waiters = true;
        return why;
    }
    return NULL;
}

/* Nothing new may start in a slot while a container of it that was told to stop still runs. */
static bool waits_for_stop(struct slot *s)
{
    const struct core_task *t = s->leaving;
    const char *why;

    if (!t)
        return false;
    why = s->told ? s->told : share_text_str(core_task_more(t)->stop_reason);
    recon_wait_for_stop(s, t, why ? why : "told to");
    return true;
}

static void heal_empty(struct recon *x, struct slot *s, const char *dep)
{
    const char *why = s->last ? share_text_str(core_task_more(s->last)->stop_reason) : NULL;
    const struct core_revision *rev = recon_version(x, s);

    if (waits_for_stop(s))
        return;
    if (!rev) {
        recon_wait(s, orc_printf("revision %lld of %s can't be read", (long long)x->next.target, x->s->name));
    } else if (dep) {
        recon_wait(s, orc_strdup(dep));
        x->s->waits_dependency = x->s->app->waiters = true;
    } else if (recon_create(x, s, rev, s->last ? core_task_more(s->last)->stop_kind : TASK_STOP_NONE, why)) {
        recon_set_busy(x, s);
    }
}

static void heal_lost(struct recon *x, struct slot *s)
{
    orc_auto_free char *why = orc_concat("node ", s->head->node->name, " was lost");
    const struct core_revision *rev = recon_version(x, s);

    if (!rev || waits_for_stop(s) || !recon_create(x, s, rev, TASK_STOP_LOST, why))
        return;
    if (!slots_awaited(&x->v, s->head))
        recon_remove(x, s->head, TASK_STOP_LOST, why);
    recon_set_busy(x, s);
}

/* Whether the slot must still wait before it is tried again; a failure of what had run well is tried at once,
 * and so is another version. */
static bool backs_off(struct recon *x, struct slot *s, const struct core_revision *rev, const char *why)
{
    const struct core_task *t = s->head;
    bool again = core_task_more(t)->restarts > 0 && core_task_run_ms(x->c, t) < ROLLOUT_STABLE_MS;
    uint64_t ms = rollout_backoff_ms(x->next.failures), until = core_task_more(t)->failed_at + ms;

    if (!again || strcmp(t->make->container_hash, rev->rec.container_hash) != 0)
        return false;
    s->repeats = true;
    if (x->c->now >= until) {
        s->again = true;
        return false;
    }
    recon_wait(s, orc_printf("%s; failed %d times in a row, tried again %llu s after the last", why,
                             x->next.failures + 2, (unsigned long long)ms / 1000));
    core_wake(x->c, x->s, until);
    return true;
}

static void heal_failed(struct recon *x, struct slot *s)
{
    orc_auto_free char *why = rollout_failure(&x->v, s->head);
    const struct core_revision *rev = recon_version(x, s);

    if (!rev)
        return;
    if (!recon_may_change(x, s)) {
        recon_wait(s, orc_printf("%s; another slot must be ready first", why));
        return;
    }
    if (waits_for_stop(s) || backs_off(x, s, rev, why) || !recon_create(x, s, rev, TASK_STOP_FAILED, why))
        return;
    recon_remove(x, s->head, TASK_STOP_FAILED, why);
    recon_count_failed(x, s->head);
    x->next.failures += s->again;
    recon_set_busy(x, s);
}

/* It runs, so it must stop before its successor starts; and it only stops if there is a place for that. */
static void heal_unhealthy(struct recon *x, struct slot *s)
{
    orc_auto_free char *why = rollout_failure(&x->v, s->head);
    const struct core_revision *rev = recon_version(x, s);

    if (!rev || x->c->hold)
        return;
    if (!recon_may_change(x, s)) {
        recon_wait(s, orc_printf("%s; another slot must be ready first", why));
        return;
    }
    if (!recon_has_place(x, s, rev, why, "; and no place to restart it") || backs_off(x, s, rev, why) ||
        !recon_remove(x, s->head, TASK_STOP_UNHEALTHY, why))
        return;
    recon_wait_for_stop(s, s->head, why);
    recon_count_failed(x, s->head);
    x->next.failures += s->again;
    recon_set_busy(x, s);
}

static void heal_slot(struct recon *x, struct slot *s, const char *dep)
{
    if (s->unreadable) {
        if (!s->head || s->class != CLASS_AVAILABLE || !s->compliant)
            recon_wait(s, orc_strdup("the record of one of its tasks can't be read"));
        return;
    }
    if (!s->head) {
        heal_empty(x, s, dep);
        return;
    }
    switch (s->class) {
    case CLASS_LOST:
        heal_lost(x, s);
        break;
    case CLASS_FAILED:
        heal_failed(x, s);
        break;
    case CLASS_UNHEALTHY:
        heal_unhealthy(x, s);
        break;
    case CLASS_OVER:
        if (s->compliant)
            recon_wait(s, rollout_failure(&x->v, s->head));
        break;
    case CLASS_UNKNOWN:
        recon_wait(s, x->c->hold ? orc_strdup(x->c->hold) : rollout_failure(&x->v, s->head));
        break;
    default:
        break;
    }
}

void recon_heal(struct recon *x)
{
    orc_auto_free char *dep = recon_dependency(x);
    struct slot *s;

    x->s->waits_dependency = false;
    orc_vec_each (s, &x->v.at)
        if (s->open)
            heal_slot(x, s, dep);
}
