#include "scheduler/rollout.h"

char *rollout_cut(char *text)
{
    if (strlen(text) > ROLLOUT_REASON_MAX) {
        size_t n = ROLLOUT_REASON_MAX - 3;

        while (n && ((unsigned char)text[n] & 0xc0) == 0x80) /* not within a character */
            n--;
        memcpy(text + n, "...", 4);
    }
    return text;
}

void rollout_say(char **reason, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = rollout_cut(orc_vprintf(fmt, ap));
    va_end(ap);
    free(*reason);
    *reason = text;
}

void rollout_tell_text(struct record_rollout *r, enum rollout_topic about, char *text)
{
    free(r->reason);
    r->reason = rollout_cut(text);
    r->reason_kind = about;
}

void rollout_tell(struct record_rollout *r, enum rollout_topic about, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    rollout_tell_text(r, about, orc_vprintf(fmt, ap));
    va_end(ap);
}

void rollout_hush(struct record_rollout *r)
{
    free(orc_take(r->reason));
    r->reason_kind = ROLLOUT_SAYS_NOTHING;
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
    return r->state != ROLLOUT_PAUSED && r->state != ROLLOUT_FAILED && r->state != ROLLOUT_CANARY;
}

int rollout_canary(const struct core_service *s, const struct record_rollout *r)
{
    const struct core_revision *target = core_service_revision(s, r->target),
                               *old = core_service_revision(s, r->complete);

    if (!target || !target->rec.spec->canary || r->promoted || !r->complete || r->target <= r->complete ||
        r->target < r->from)
        return ROLLOUT_NO_LIMIT;
    if (old && strcmp(old->rec.container_hash, target->rec.container_hash) == 0)
        return ROLLOUT_NO_LIMIT;
    return target->rec.spec->canary;
}

int rollout_limit(const struct core_service *s, const struct record_rollout *r)
{
    return r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_FAILED ? 0 : rollout_canary(s, r);
}

const struct spec_update *rollout_policy(const struct core_service *s, const struct record_rollout *r)
{
    const struct core_revision *target = core_service_revision(s, r->target), *from;

    if (r->target >= r->from)
        return target ? &target->rec.spec->update : NULL;
    from = core_service_revision(s, r->from);
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
    if (r->target != target) {
        r->from = r->target;
        free(orc_take(r->rebalance_end)); /* of a version that is left */
    }
    r->target = target;
    r->failures = r->failed = 0;
    r->promoted = false;
}

bool rollout_can_turn_back(const struct core_service *s, const struct record_rollout *r)
{
    return r->complete && r->complete != r->target && core_service_revision(s, r->complete);
}

void rollout_turn_back(const struct core *c, struct record_rollout *r)
{
    rollout_aim(r, r->complete);
    rollout_set_state(c, r, ROLLOUT_ROLLING_BACK);
}

static void update(struct core *c, struct record_rollout *r, int64_t target)
{
    rollout_aim(r, target);
    r->state = ROLLOUT_UPDATING;
    r->since = c->wall;
    rollout_hush(r);
}

/* After a rollback the old spec counts, its number too (behaviour 48); what `orc scale` set counts always. */
static int replicas_of(const struct core_service *s, const struct record_app_service *wanted,
                       const struct record_rollout *r)
{
    const struct core_revision *rev = core_service_revision(s, r->target);

    if (rev && (rev->rec.spec->global || rev->rec.spec->job))
        return r->replicas; /* counted by global.h, job.h */
    if (!rev && wanted->replicas == SPEC_REPLICAS_DEFAULT)
        return r->replicas; /* nothing is concluded from what can't be read */
    return rev ? spec_service_replicas(rev->rec.spec, wanted->replicas) : wanted->replicas;
}

/* ---- what people want of it ---------------------------------------------------------------------------- */

/* What went wrong with what is wanted stays said while it is gone back from. */
static void note(struct record_rollout *r, const char *done, const char *by)
{
    orc_auto_free char *before = orc_take(r->reason);
    bool keep = before && r->target != r->wanted;

    rollout_tell(r, keep ? r->reason_kind : ROLLOUT_SAYS_PEOPLE, "%s%s%s by %s", keep ? before : "",
                 keep ? "; " : "", done, by);
}

static void pause_it(struct core *c, struct record_rollout *r, const char *by)
{
    if (r->state != ROLLOUT_UPDATING && r->state != ROLLOUT_CANARY && r->state != ROLLOUT_ROLLING_BACK)
        return;
    rollout_set_state(c, r, ROLLOUT_PAUSED);
    note(r, "paused", by);
}

/* Whatever has failed so far is forgiven. */
static void resume(struct core *c, struct record_rollout *r, const char *by)
{
    if (r->state != ROLLOUT_PAUSED && r->state != ROLLOUT_FAILED && r->state != ROLLOUT_CANARY)
        return;
    r->promoted = r->promoted || r->state == ROLLOUT_CANARY;
    r->failures = r->failed = 0;
    r->forgiven = r->attempts;
    rollout_set_state(c, r, r->target == r->wanted ? ROLLOUT_UPDATING : ROLLOUT_ROLLING_BACK);
    note(r, "resumed", by);
}

/* Without anything to go back to it goes on as it does. */
static void abort_it(struct core *c, const struct core_service *s, struct record_rollout *r, const char *by)
{
    int64_t left = r->target;

    if (r->state == ROLLOUT_PAUSED && r->target != r->wanted) { /* it was going back */
        rollout_set_state(c, r, ROLLOUT_ROLLING_BACK);
        return;
    }
    if ((r->state != ROLLOUT_UPDATING && r->state != ROLLOUT_CANARY && r->state != ROLLOUT_PAUSED) ||
        !rollout_can_turn_back(s, r))
        return;
    rollout_turn_back(c, r);
    rollout_tell(r, ROLLOUT_SAYS_PEOPLE, "revision %lld was aborted by %s", (long long)left, by);
}

static void take_in_intent(struct core *c, const struct core_service *s, struct record_rollout *r)
{
    const struct intent_rollout *i = &s->intent.rollout;
    const struct core_revision *rev = core_service_revision(s, r->target);
    const char *by = i->by ? i->by : "somebody";

    if (!s->intent_fed.present || s->intent_fed.unreadable || i->epoch <= r->intent_epoch)
        return;
    r->intent_epoch = i->epoch;
    if (i->revision != r->wanted || (rev && rev->rec.spec->job))
        return; /* a new spec has superseded it; a job's runs are not paused and don't go back */
    switch (i->action) {
    case INTENT_PAUSE:
        pause_it(c, r, by);
        break;
    case INTENT_RESUME:
        resume(c, r, by);
        break;
    case INTENT_ABORT:
        abort_it(c, s, r, by);
        break;
    case INTENT_NONE:
        break;
    }
}

/* It begins when the service is complete; until then it only stands there. */
static void take_in_rebalance(const struct core_service *s, struct record_rollout *r)
{
    const struct record_intent *i = &s->intent;

    if (!s->intent_fed.present || s->intent_fed.unreadable || i->rebalance_epoch <= r->rebalance_epoch)
        return;
    r->rebalance_epoch = i->rebalance_epoch;
    r->rebalance_left = i->rebalance_max ? i->rebalance_max : SPEC_REPLICAS_MAX;
    r->rebalance_moved = 0;
    free(orc_take(r->rebalance_end));
}

/* ---- the whole --------------------------------------------------------------------------------------- */

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
    take_in_intent(c, s, r);
    take_in_rebalance(s, r);
    r->generation = s->app->rec.generation;
    replicas = replicas_of(s, wanted, r);
    if (replicas == r->replicas)
        return;
    r->replicas = replicas;
    if (r->state == ROLLOUT_COMPLETE || r->state == ROLLOUT_HEALING)
        update(c, r, r->target);
}
