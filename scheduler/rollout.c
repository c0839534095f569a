#include "scheduler/rollout.h"

#include "lib/units.h"

#include <stdio.h>

#define STOPPING_NAMED 3 /* tasks named in a sentence; the rest is counted */
#define STILL_STOP " still stop"
#define ALL_THERE "all replicas are there"

void rollout_say(char **reason, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = orc_vprintf(fmt, ap);
    va_end(ap);
    if (strlen(text) > ROLLOUT_REASON_MAX) {
        size_t n = ROLLOUT_REASON_MAX;

        while (n && ((unsigned char)text[n] & 0xc0) == 0x80) /* not within a character */
            n--;
        memcpy(text + n, "...", 4);
    }
    free(*reason);
    *reason = text;
}

static void set_state(const struct core *c, struct record_rollout *r, enum rollout_state state)
{
    if (r->state == state && r->since)
        return;
    r->state = state;
    r->since = c->wall;
}

bool rollout_moves(const struct record_rollout *r)
{
    return r->state != ROLLOUT_PAUSED && r->state != ROLLOUT_FAILED;
}

uint64_t rollout_backoff_ms(int failures)
{
    uint64_t ms = ROLLOUT_BACKOFF_MS;

    while (failures-- > 0 && ms < ROLLOUT_BACKOFF_MAX_MS)
        ms *= 2;
    return ms < ROLLOUT_BACKOFF_MAX_MS ? ms : ROLLOUT_BACKOFF_MAX_MS;
}

/* ---- taking in --------------------------------------------------------------------------------------- */

static void begin(struct core *c, const struct core_service *s, struct record_rollout *r)
{
    const struct core_task *t;

    set_state(c, r, ROLLOUT_UPDATING);
    r->since = c->wall;
    if (s->intent_fed.present && !s->intent_fed.unreadable)
        r->restart_epoch = s->intent.restart_epoch;
    /* Numbers of attempts are never used again, not even by a service of the same name after this one was
     * removed and forgotten: they go on from the store's revision, which only grows. */
    r->attempts = s->app->fed.mod;
    core_each_task (t, s)
        if (t->attempt > r->attempts)
            r->attempts = t->attempt;
}

static void update(struct core *c, struct record_rollout *r)
{
    r->state = ROLLOUT_UPDATING;
    r->since = c->wall;
    r->failures = 0;
    free(orc_take(r->reason));
}

/* After a rollback the old spec counts, its number too (behaviour 48); what `orc scale` set counts always. */
static int replicas_of(const struct core_service *s, const struct record_app_service *wanted,
                       const struct record_rollout *r)
{
    const struct core_revision *rev = core_service_revision(s, r->target);

    if (rev && rev->rec.spec->global)
        return r->replicas; /* nodes are counted: global.h */
    if (wanted->replicas != SPEC_REPLICAS_DEFAULT)
        return wanted->replicas;
    if (!rev)
        return r->replicas; /* nothing is concluded from what can't be read */
    return rev->rec.spec->replicas == SPEC_REPLICAS_DEFAULT ? 1 : rev->rec.spec->replicas;
}

void rollout_take_in(struct core *c, const struct core_service *s, const struct record_app_service *wanted,
                     struct record_rollout *r)
{
    int replicas;

    if (!s->rollout_fed.present)
        begin(c, s, r);
    if (r->wanted != wanted->revision || r->state == ROLLOUT_REMOVING) {
        r->wanted = r->target = wanted->revision;
        update(c, r);
    }
    if (s->intent_fed.present && !s->intent_fed.unreadable && s->intent.restart_epoch > r->restart_epoch) {
        r->restart_epoch = s->intent.restart_epoch;
        r->target = r->wanted; /* also a second try of what was paused or rolled back */
        update(c, r);
    }
    r->generation = s->app->rec.generation;
    replicas = replicas_of(s, wanted, r);
    if (replicas == r->replicas)
        return;
    r->replicas = replicas;
    if (r->state == ROLLOUT_COMPLETE || r->state == ROLLOUT_HEALING)
        update(c, r);
}

/* ---- judging ----------------------------------------------------------------------------------------- */

char *rollout_failure(const struct slots *v, const struct core_task *t)
{
    const struct core_task_more *st = core_task_more(t);

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
        return orc_strdup(t->status_fed.present && st->status_reason ? st->status_reason->s
                                                                     : "not available yet");
    }
}

static bool has_health(const struct slots *v)
{
    return v->target && v->target->rec.spec->health.kind != SPEC_HEALTH_NONE;
}

static uint64_t monitor_of(const struct slots *v)
{
    return v->target ? v->target->rec.spec->update.monitor_ms : 0;
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

    if ((ever && core_task_run_ms(v->core, t) >= monitor_of(v)) || k == CLASS_UNKNOWN || k == CLASS_LOST ||
        k == CLASS_DONE || t->status_fed.unreadable)
        return NULL;
    if (k == CLASS_AVAILABLE && crashes < 1)
        return NULL;
    why = rollout_failure(v, t);
    if (k == CLASS_FAILED || k == CLASS_OVER || k == CLASS_UNHEALTHY)
        return orc_printf("%s on %s %s%s", CORE_TASK_ID(t), t->node->name, k == CLASS_UNHEALTHY ? "is " : "",
                          why);
    if (crashes >= (has_health(v) && !ever ? ROLLOUT_CRASHES_MAX : 1))
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

static bool judged(const struct slots *v, const struct core_task *t)
{
    return t && t->make->revision == v->rollout->target && slots_same_container(v, t);
}

static char *first_verdict(const struct slots *v)
{
    const struct slot *s;
    char *why = NULL;

    orc_vec_each (s, &v->at) {
        if (!s->open)
            continue;
        if (judged(v, s->head))
            why = verdict(v, s->head);
        if (!why && judged(v, s->failed))
            why = verdict(v, s->failed);
        if (why)
            return why;
    }
    return NULL;
}

static enum spec_failure_action action_of(const struct slots *v)
{
    return v->target ? v->target->rec.spec->update.failure_action : SPEC_ON_FAILURE_PAUSE;
}

static bool can_turn_back(const struct slots *v, const struct record_rollout *r)
{
    return r->complete && r->complete != r->target && core_service_revision(v->service, r->complete);
}

bool rollout_judge(const struct slots *v, struct record_rollout *r)
{
    bool back = r->state == ROLLOUT_ROLLING_BACK;
    orc_auto_free char *why = NULL, *before = NULL;

    if (!back && r->state != ROLLOUT_UPDATING)
        return false;
    why = first_verdict(v);
    if (!why)
        return false;
    if (back) {
        before = orc_take(r->reason);
        rollout_say(&r->reason, "the rollback to revision %lld failed, too: %s; before: %s",
                    (long long)r->target, why, before ? before : "");
        set_state(v->core, r, ROLLOUT_FAILED);
        return true;
    }
    rollout_say(&r->reason, "revision %lld failed: %s", (long long)r->target, why);
    if (action_of(v) == SPEC_ON_FAILURE_CONTINUE)
        return false;
    if (action_of(v) == SPEC_ON_FAILURE_ROLLBACK && can_turn_back(v, r)) {
        r->target = r->complete;
        set_state(v->core, r, ROLLOUT_ROLLING_BACK);
    } else {
        set_state(v->core, r, ROLLOUT_PAUSED);
    }
    r->failures = 0;
    return true;
}

/* ---- concluding -------------------------------------------------------------------------------------- */

static bool slot_fine(const struct slot *s)
{
    return s->head && !s->old && s->compliant && (s->class == CLASS_AVAILABLE || s->class == CLASS_DONE);
}

/* Arrived is arrived; but a new version in place of another, or one whose health nobody can ask, is watched
 * for the monitor window first. */
static bool watched(const struct slots *v, const struct record_rollout *r, const struct slot *s)
{
    bool update = r->complete && r->complete != r->target && r->state != ROLLOUT_HEALING;
    uint64_t until;

    if (s->class == CLASS_DONE || (has_health(v) && !update))
        return true;
    until = s->head->available_at + monitor_of(v);
    if (v->core->now >= until)
        return true;
    core_wake(v->core, v->service, until);
    return false;
}

struct tally {
    int open, available, updated;
    bool fine, watched, stable;
};

static struct tally tally(const struct slots *v, const struct record_rollout *r)
{
    struct tally n = {.fine = true, .watched = true, .stable = true};
    const struct slot *s;

    orc_vec_each (s, &v->at) {
        if (!s->open || (s->unreadable && !s->head))
            continue;
        n.open++;
        n.available += s->old || (s->head && s->class == CLASS_AVAILABLE);
        n.updated += s->head && s->class == CLASS_AVAILABLE && slots_same_container(v, s->head);
        if (!slot_fine(s)) {
            n.fine = false;
            continue;
        }
        if (!watched(v, r, s))
            n.watched = false;
        if (s->class == CLASS_AVAILABLE && core_task_run_ms(v->core, s->head) < ROLLOUT_STABLE_MS)
            n.stable = false;
    }
    n.fine = n.fine && n.open == r->replicas && v->target;
    return n;
}

/* The sentence of a service that is being repaired: its first slot that is not fine. */
static void say_healing(const struct slots *v, struct record_rollout *r)
{
    const struct slot *s;

    if (v->core->hold) {
        rollout_say(&r->reason, "%s", v->core->hold);
        return;
    }
    if (!v->target) {
        rollout_say(&r->reason, "revision %lld of %s can't be read", (long long)r->target, v->service->name);
        return;
    }
    orc_vec_each (s, &v->at) {
        orc_auto_free char *why = NULL;

        if (!s->open || (slot_fine(s) && !s->unreadable))
            continue;
        why = s->head ? (s->compliant ? rollout_failure(v, s->head) : slots_misfit(v, s->head)) : NULL;
        rollout_say(&r->reason, "slot %d: %s", s->n, s->wait ? s->wait : why ? why : "no task");
        return;
    }
    rollout_say(&r->reason, "%zu of %d slots are there", slots_count_open(v), r->replicas);
}

static void arrive(const struct slots *v, struct record_rollout *r)
{
    r->complete = r->target;
    if (r->target != r->wanted) { /* the reason stays: it says what went wrong with what is wanted */
        set_state(v->core, r, ROLLOUT_ROLLED_BACK);
        return;
    }
    set_state(v->core, r, ROLLOUT_COMPLETE);
    free(orc_take(r->reason));
}

/* The sentence while everything is there and something surplus is, too. What a rollback says stays. */
static void say_stopping(const struct slots *v, struct record_rollout *r)
{
    struct orc_buf b = ORC_BUF_INIT(ROLLOUT_REASON_MAX);
    size_t n = v->stopping.n;

    if (r->state != ROLLOUT_UPDATING)
        return;
    for (size_t i = 0; i < n && i < STOPPING_NAMED; i++)
        orc_buf_printf(&b, "%s%s on %s", i ? ", " : "", CORE_TASK_ID(v->stopping.at[i]),
                       v->stopping.at[i]->node->name);
    if (n > STOPPING_NAMED)
        orc_buf_printf(&b, " and %zu more", n - STOPPING_NAMED);
    rollout_say(&r->reason, "%zu task%s" STILL_STOP "%s: %s", n, n == 1 ? "" : "s", n == 1 ? "s" : "",
                orc_buf_str(&b));
    orc_buf_release(&b);
}

/* ... and while what is there must only prove itself. */
static void say_watching(const struct slots *v, struct record_rollout *r)
{
    char duration[ORC_UNIT_MAX];

    if (r->state == ROLLOUT_UPDATING)
        rollout_say(&r->reason, ALL_THERE "; it is complete when each has run for %s",
                    orc_format_duration(monitor_of(v), duration));
}

/* What was said of the end does not hold when something is missing again. */
static void unsay_end(struct record_rollout *r)
{
    if (r->state == ROLLOUT_UPDATING && r->reason &&
        (strstr(r->reason, STILL_STOP) || strncmp(r->reason, ALL_THERE, sizeof ALL_THERE - 1) == 0))
        free(orc_take(r->reason));
}

static void settle_failures(const struct slots *v, struct record_rollout *r, bool stable)
{
    const struct slot *s;

    if (!r->failures)
        return;
    if (stable) {
        r->failures = 0;
        return;
    }
    orc_vec_each (s, &v->at)
        if (s->open && slot_fine(s) && s->head->available_at)
            core_wake(v->core, v->service, s->head->available_at + ROLLOUT_STABLE_MS);
}

void rollout_conclude(const struct slots *v, struct record_rollout *r)
{
    struct tally n = tally(v, r);

    r->available = n.available;
    r->updated = n.updated;
    settle_failures(v, r, n.fine && n.stable);
    switch (r->state) {
    case ROLLOUT_COMPLETE:
        if (n.fine) {
            free(orc_take(r->reason));
            break;
        }
        set_state(v->core, r, ROLLOUT_HEALING);
        say_healing(v, r);
        break;
    case ROLLOUT_HEALING:
        if (n.fine && n.watched)
            arrive(v, r);
        else
            say_healing(v, r);
        break;
    case ROLLOUT_ROLLED_BACK:
        break;
    default:
        if (!n.fine)
            unsay_end(r);
        else if (v->stopping.n)
            say_stopping(v, r);
        else if (!n.watched)
            say_watching(v, r);
        else
            arrive(v, r);
    }
}
