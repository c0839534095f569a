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

void rollout_set_state(const struct core *c, struct record_rollout *r, enum rollout_state state)
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

const struct spec_update *rollout_policy(const struct core_service *s, const struct record_rollout *r)
{
    const struct core_revision *target = core_service_revision(s, r->target);
    const struct core_revision *from = core_service_revision(s, r->from);

    if (r->target >= r->from)
        return target ? &target->rec.spec->update : NULL;
    if (!from)
        from = target;
    return from ? spec_service_rollback(from->rec.spec) : NULL;
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

    rollout_set_state(c, r, ROLLOUT_UPDATING);
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

void rollout_aim(struct record_rollout *r, int64_t target)
{
    if (r->target != target)
        r->from = r->target;
    r->target = target;
    r->failures = r->failed = 0;
}

static void update(struct core *c, struct record_rollout *r, int64_t target)
{
    rollout_aim(r, target);
    r->state = ROLLOUT_UPDATING;
    r->since = c->wall;
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
        r->wanted = wanted->revision;
        update(c, r, r->wanted);
    }
    if (s->intent_fed.present && !s->intent_fed.unreadable && s->intent.restart_epoch > r->restart_epoch) {
        r->restart_epoch = s->intent.restart_epoch;
        update(c, r, r->wanted); /* also a second try of what was paused or rolled back */
    }
    r->generation = s->app->rec.generation;
    replicas = replicas_of(s, wanted, r);
    if (replicas == r->replicas)
        return;
    r->replicas = replicas;
    if (r->state == ROLLOUT_COMPLETE || r->state == ROLLOUT_HEALING)
        update(c, r, r->target);
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

    if (s->class == CLASS_DONE || (rollout_has_health(v) && !update))
        return true;
    until = s->head->available_at + rollout_monitor_ms(v);
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
    r->from = 0;
    r->failed = 0;
    if (r->target != r->wanted) { /* the reason stays: it says what went wrong with what is wanted */
        rollout_set_state(v->core, r, ROLLOUT_ROLLED_BACK);
        return;
    }
    rollout_set_state(v->core, r, ROLLOUT_COMPLETE);
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
                    orc_format_duration(rollout_monitor_ms(v), duration));
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
        rollout_set_state(v->core, r, ROLLOUT_HEALING);
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
