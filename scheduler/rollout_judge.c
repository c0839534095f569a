/* rollout_judge.c - when a rollout has failed, and what follows from it. */
#include "lib/units.h"
#include "scheduler/rollout.h"

#define CRASHES_MAX 3 /* so many crashes before the first good probe are a failure */

/* ---- one task ---------------------------------------------------------------------------------------- */

char *rollout_failure(const struct slots *v, const struct core_task *t)
{
    const struct core_task_more *st = core_task_more(t);

    if (core_node_alive(t->node) && core_task_stale(t) && t->state < TASK_STOPPED)
        return orc_printf("unhealthy: node %s was started anew and has not said what became of it",
                          t->node->name);
    switch (slots_classify(v, t)) {
    case CLASS_UNHEALTHY:
        return orc_printf("unhealthy: %.300s", st->probe ? st->probe->s : "its health checks fail");
    case CLASS_LOST:
    case CLASS_UNKNOWN:
        return orc_printf("node %s does not answer", t->node->name);
    case CLASS_FAILED:
    case CLASS_OVER:
        if (st->status_reason)
            return orc_printf("failed: %.300s", st->status_reason->s);
        if (st->exit_code >= 0)
            return orc_printf("failed: exit code %d%s", st->exit_code, st->oom ? ", out of memory" : "");
        return orc_strdup(t->state == TASK_REMOVED ? "failed: its container is gone" : "failed");
    default:
        if (core_task_reported(t) && t->health == TASK_UNREADY)
            return orc_printf("not ready: %.300s", st->probe ? st->probe->s : "its readiness checks fail");
        return orc_strdup(t->status_fed.present && st->status_reason ? st->status_reason->s
                                                                     : "not available yet");
    }
}

bool rollout_has_health(const struct slots *v)
{
    return v->target && spec_service_check_ms(v->target->rec.spec);
}

uint64_t rollout_monitor_ms(const struct slots *v)
{
    const struct spec_update *u = rollout_policy(v->service, v->rollout);

    return u ? u->monitor_ms : 0;
}

/* The sentence when a task of the target has failed within its monitor window, or NULL (behaviours 60, 67).
 */
static char *verdict(const struct slots *v, const struct core_task *t)
{
    const struct core_task_more *more = core_task_more(t);
    bool ever = t->available_at || more->run_ms;
    int crashes = more->crashes - more->crashes_base;
    enum task_class k = slots_classify(v, t);
    orc_auto_free char *why = NULL;
    uint64_t deadline;
    bool crashed;

    if ((ever && core_task_run_ms(v->core, t) >= rollout_monitor_ms(v)) || k == CLASS_UNKNOWN ||
        k == CLASS_LOST || k == CLASS_DONE || t->status_fed.unreadable)
        return NULL;
    if (k == CLASS_AVAILABLE && crashes < 1)
        return NULL;
    why = rollout_failure(v, t);
    if (k == CLASS_FAILED || k == CLASS_OVER || k == CLASS_UNHEALTHY)
        return orc_printf("%s on %s %s%s", CORE_TASK_ID(t), t->node->name, k == CLASS_UNHEALTHY ? "is " : "",
                          why);
    crashed = crashes >= (rollout_has_health(v) && !ever ? CRASHES_MAX : 1);
    if (crashed && more->exit_code < 0 && more->status_reason) /* it never ran, so it has not ended either */
        return orc_printf("%s on %s can't be started: %.300s", CORE_TASK_ID(t), t->node->name,
                          more->status_reason->s);
    if (crashed)
        return orc_printf("%s on %s crashed: exit code %d%s", CORE_TASK_ID(t), t->node->name, more->exit_code,
                          more->oom ? ", out of memory" : "");
    if (k != CLASS_STARTING)
        return NULL;
    deadline = slots_deadline(v, t);
    if (v->core->now >= deadline)
        return orc_printf("%s on %s did not become available in time: %s", CORE_TASK_ID(t), t->node->name,
                          why);
    core_wake(v->core, v->service, deadline);
    return NULL;
}

/* The same of any task (or NULL): only those of the target count that were made since it was resumed. */
static char *judged(const struct slots *v, const struct core_task *t)
{
    if (!t || t->make->revision != v->rollout->target || t->attempt <= v->rollout->forgiven ||
        !slots_same_container(v, t))
        return NULL;
    return verdict(v, t);
}

bool rollout_has_failed(const struct slots *v, const struct core_task *t)
{
    enum rollout_state state = v->rollout->state;
    orc_auto_free char *why = NULL;

    if (state == ROLLOUT_UPDATING || state == ROLLOUT_ROLLING_BACK)
        why = judged(v, t);
    return why != NULL;
}

static int count(const struct slots *v, const struct core_task *t, char **ret_first)
{
    char *why = judged(v, t);

    if (!why)
        return 0;
    if (*ret_first)
        free(why);
    else
        *ret_first = why;
    return 1;
}

/* Failed tasks that still hold a place; of the first, by slot, *ret_first tells, else it is left alone. */
static int count_failed(const struct slots *v, char **ret_first)
{
    const struct slot *s;
    int n = 0;

    orc_vec_each (s, &v->at)
        if (s->open)
            n += count(v, s->head, ret_first) + count(v, s->failed, ret_first);
    return n;
}

/* ---- progress ---------------------------------------------------------------------------------------- */

static bool arrived(const struct slots *v, const struct slot *s)
{
    return s->head && !s->old && s->class == CLASS_AVAILABLE && slots_same_container(v, s->head);
}

/* When it last got on: it began, or a replica became available. What it must wait for is not its fault: too
 * many nodes lost at once, another service, the delay between two batches. True: every replica has arrived.
 */
static bool look_at_progress(const struct slots *v, const struct record_rollout *r)
{
    struct core_service *s = v->service;
    const struct record_rollout *before = &s->rollout;
    const struct slot *slot;
    int there = 0;
    bool all = true;

    if (!s->progress_at || v->core->hold || s->waits_dependency || before->state != r->state ||
        before->target != r->target || before->restart_epoch != r->restart_epoch)
        s->progress_at = v->core->now;
    if (s->batch_at > s->progress_at)
        s->progress_at = s->batch_at;
    orc_vec_each (slot, &v->at) {
        if (!slot->open)
            continue;
        if (!arrived(v, slot)) {
            all = false;
            continue;
        }
        there++;
        if (slot->head->available_at > s->progress_at)
            s->progress_at = slot->head->available_at;
    }
    return all || there >= rollout_limit(s, r);
}

/* The first slot that has not arrived, and why. */
static char *first_missing(const struct slots *v, const struct record_rollout *r)
{
    const struct slot *s;

    orc_vec_each (s, &v->at) {
        orc_auto_free char *why = NULL;

        if (!s->open || arrived(v, s))
            continue;
        for (size_t i = 0; i < r->pending.n && !why; i++)
            if (r->pending.at[i].slot == s->n)
                why = orc_strdup(r->pending.at[i].reason);
        if (!why && s->head)
            why = s->compliant ? rollout_failure(v, s->head) : slots_misfit(v, s->head, NULL);
        return orc_printf("slot %d: %s", s->n, why ? why : "no task");
    }
    return orc_strdup("some slots are missing");
}

/* The sentence when no replica has become available for too long (behaviour 51), or NULL. What is only
 * scaled or restarted has no deadline: it waits, and says so. */
static char *overdue(const struct slots *v, const struct record_rollout *r)
{
    uint64_t ms = v->target ? v->target->rec.spec->progress_deadline_ms : 0;
    orc_auto_free char *missing = NULL;
    char duration[ORC_UNIT_MAX];

    if (look_at_progress(v, r) || !ms || r->complete == r->target)
        return NULL;
    if (v->core->now < v->service->progress_at + ms) {
        core_wake(v->core, v->service, v->service->progress_at + ms);
        return NULL;
    }
    missing = first_missing(v, r);
    return orc_printf("no replica more became available within %s: %s", orc_format_duration(ms, duration),
                      missing);
}

/* ---- the judgement ----------------------------------------------------------------------------------- */

/* Why the rollout has failed, or NULL. While as many have failed as may, the record says so. */
static char *failure(const struct slots *v, struct record_rollout *r)
{
    const struct spec_update *u = rollout_policy(v->service, r);
    int may = u ? spec_update_may_fail(u, r->replicas) : 0, failed;
    orc_auto_free char *first = NULL;

    failed = r->failed + count_failed(v, &first);
    if (failed <= may) {
        if (first && r->state == ROLLOUT_UPDATING)
            rollout_tell(r, ROLLOUT_SAYS_FAILURES, "%d of %d replicas failed, and %d may: %s", failed,
                         r->replicas, may, first);
        return overdue(v, r);
    }
    if (!first)
        first = orc_strdup("those have been replaced");
    return may ? orc_printf("%d of %d replicas failed, and only %d may: %s", failed, r->replicas, may, first)
               : orc_take(first);
}

/* What is to be done: a rollback that fails is not rolled back (behaviour 49). */
static enum spec_failure_action action_of(const struct slots *v, const struct record_rollout *r)
{
    const struct spec_update *u = rollout_policy(v->service, r);
    enum spec_failure_action action = u ? u->failure_action : SPEC_ON_FAILURE_PAUSE;

    if (action == SPEC_ON_FAILURE_ROLLBACK && (r->target < r->from || !rollout_can_turn_back(v->service, r)))
        return SPEC_ON_FAILURE_PAUSE;
    return action;
}

static void give_up_rollback(const struct slots *v, struct record_rollout *r, const char *why)
{
    orc_auto_free char *before = orc_take(r->reason);

    rollout_tell(r, ROLLOUT_SAYS_FAILED, "the rollback to revision %lld failed, too: %s; before: %s",
                 (long long)r->target, why, before ? before : "");
    rollout_set_state(v->core, r, ROLLOUT_FAILED);
}

bool rollout_judge(const struct slots *v, struct record_rollout *r)
{
    bool back = r->state == ROLLOUT_ROLLING_BACK;
    enum spec_failure_action action = action_of(v, r);
    orc_auto_free char *why = NULL;

    if (!back && r->state != ROLLOUT_UPDATING)
        return false;
    why = failure(v, r);
    if (!why)
        return false;
    if (back && action == SPEC_ON_FAILURE_CONTINUE)
        return false; /* the reason stays: it says what went wrong with what is wanted */
    if (back) {
        give_up_rollback(v, r, why);
        return true;
    }
    rollout_tell(r, ROLLOUT_SAYS_FAILED, "revision %lld failed: %s", (long long)r->target, why);
    if (action == SPEC_ON_FAILURE_CONTINUE)
        return false;
    if (action == SPEC_ON_FAILURE_ROLLBACK) {
        rollout_turn_back(v->core, r);
    } else {
        rollout_set_state(v->core, r, ROLLOUT_PAUSED);
    }
    r->failures = 0;
    return true;
}
