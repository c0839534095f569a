#include "nodelet/converge.h"

#include "lib/units.h"

#define SIGNAL_SPARE_MS 1000 /* the engine kills what has not ended a little later than asked to */

const char *converge_op_name(enum converge_op op)
{
    static const char *const names[] = {"nothing",  "pull", "create", "start",
                                        "withdraw", "stop", "kill",   "remove"};

    return (size_t)op < ORC_ARRAY_SIZE(names) ? names[op] : "?";
}

uint64_t converge_backoff_ms(int n, uint64_t max)
{
    uint64_t ms = CONVERGE_BACKOFF_MIN_MS;

    for (int i = 1; i < n && ms < max; i++)
        ms *= 2;
    return ms < max ? ms : max;
}

void converge_init(struct converge *c)
{
    *c = (struct converge){.exit_code = -1};
}

void converge_release(struct converge *c)
{
    free(c->reason);
    free(c->last_run);
    converge_init(c);
}

void converge_resume(struct converge *c, const struct record_status *old)
{
    c->restarts = old->restarts;
    c->crashes = old->state == TASK_RUNNING ? 0 : old->restarts;
    c->exit_code = old->exit_code;
    c->oom = old->oom;
    c->was_made = old->container != NULL;
    c->counted = old->state < TASK_RUNNING && old->exit_code >= 0;
    if (old->state == TASK_FAILED)
        c->end = CONVERGE_FAILED;
    else if (old->state == TASK_STOPPED)
        c->end = CONVERGE_FINISHED;
    orc_set_str(&c->reason, old->reason);
}

void converge_want(struct converge *c, enum task_desired desired, const struct spec_service *spec)
{
    c->wanted = true;
    if (desired > c->desired) {
        if (c->desired == TASK_RUN) {
            c->retry_at = 0; /* waits of starting are over */
            c->tries = 0;
            c->stop_failed = false; /* a fence's stop was another one */
        }
        c->desired = desired;
    }
    if (!spec)
        return;
    c->spec_known = true;
    c->restart = spec->restart;
    c->restart_max = spec->restart_max;
    c->fence_ms = spec->fence_ms;
    c->grace_ms = spec->stop_grace_period_ms;
    c->job = spec->job;
    c->pull = spec->pull_policy;
}

void converge_anew(struct converge *c)
{
    c->desired = TASK_RUN;
    c->withdrawn = false;
    if (c->op == CONVERGE_WITHDRAW)
        c->op = CONVERGE_NOTHING;
}

void converge_orphan(struct converge *c)
{
    c->wanted = false;
}

bool converge_stopping(const struct converge *c)
{
    return c->desired != TASK_RUN &&
           (c->withdrawn || c->op == CONVERGE_WITHDRAW || c->op == CONVERGE_STOP || c->op == CONVERGE_KILL);
}

static void set_reason(struct converge *c, char *owned)
{
    free(c->reason);
    c->reason = owned;
}

/* Whether the policy starts it again after this exit. */
static bool restarts_after(const struct converge *c, int exit_code)
{
    switch (c->restart) {
    case SPEC_RESTART_NO:
        return false;
    case SPEC_RESTART_ON_FAILURE:
        return exit_code != 0 && (c->restart_max == 0 || c->restarts < c->restart_max);
    case SPEC_RESTART_ALWAYS:
    case SPEC_RESTART_UNLESS_STOPPED:
        break;
    }
    return true;
}

enum blame {
    ITS_OWN,
    THE_ENGINE,    /* which is back: at once */
    SOMEBODY_ELSE, /* a container that is started in an engine which is about to end is left in pieces: wait
                    */
};

static uint64_t delay_after(struct converge *c, enum blame blame)
{
    if (blame == THE_ENGINE)
        return 0;
    c->patient = blame == SOMEBODY_ELSE;
    return c->patient ? CONVERGE_STOPPED_MS : converge_backoff_ms(++c->crashes, CONVERGE_BACKOFF_MAX_MS);
}

/* The end of a run nobody asked for: counts it, and sets when it is tried again or that it is not. */
static void ended(struct converge *c, const char *what, int exit_code, enum blame blame, uint64_t now)
{
    char unit[ORC_UNIT_MAX];
    uint64_t delay;

    if (c->running_since && now - c->running_since >= CONVERGE_GOOD_RUN_MS)
        c->crashes = 0;
    c->running_since = 0;
    if (c->spec_known && !restarts_after(c, exit_code)) {
        c->end = exit_code == 0 ? CONVERGE_FINISHED : CONVERGE_FAILED;
        set_reason(c, c->restart == SPEC_RESTART_ON_FAILURE && exit_code != 0
                          ? orc_printf("%s; given up after %d restarts", what, c->restarts)
                          : orc_printf("%s; the restart policy does not start it again", what));
        return;
    }
    c->restarts++;
    orc_set_str(&c->last_run, what);
    delay = delay_after(c, blame);
    c->retry_at = delay ? now + delay : 0;
    if (!delay) {
        set_reason(c, orc_printf("%s; started again", what));
        return;
    }
    set_reason(c, orc_printf("%s; next start in %s", what, orc_format_duration(delay, unit)));
}

/* False when nothing ended by it: it was told to stop, or had ended for good before. */
static bool exited(struct converge *c, const struct converge_seen *seen, uint64_t now)
{
    orc_auto_free char *what = NULL;
    enum blame blame = seen->engine_restarted        ? THE_ENGINE
                       : seen->stopped && !seen->oom ? SOMEBODY_ELSE
                                                     : ITS_OWN;

    c->exit_code = seen->exit_code;
    c->oom = seen->oom;
    c->fenced = c->fenced && now < c->signal_until; /* after that it is not what it ends by */
    if (c->desired != TASK_RUN || c->end != CONVERGE_ALIVE || c->fenced) {
        c->running_since = 0;
        return false;
    }
    if (seen->engine_restarted)
        what = orc_printf("went down with the engine (exit code %d)", seen->exit_code);
    else if (seen->oom)
        what = orc_printf("killed for using more memory than its limit (OOM, exit code %d)", seen->exit_code);
    else if (seen->stopped)
        what = orc_printf("stopped by somebody else (exit code %d)", seen->exit_code);
    else
        what = orc_printf("exited with code %d", seen->exit_code);
    ended(c, what, seen->exit_code, blame, now);
    return true;
}

static bool deleted(struct converge *c, uint64_t now)
{
    bool was_running = c->container == CONTAINER_RUNNING;
    /* One that had exited before it was deleted was counted then. */
    bool behind_our_back =
        c->was_made && c->desired == TASK_RUN && c->end == CONVERGE_ALIVE && c->container != CONTAINER_EXITED;

    c->was_made = false;
    c->container = CONTAINER_NONE;
    if (c->patient && c->retry_at > now + CONVERGE_BACKOFF_MIN_MS) /* an engine that ends deletes nothing */
        c->retry_at = now + CONVERGE_BACKOFF_MIN_MS;
    c->patient = false;
    if (behind_our_back)
        ended(c, "its container was deleted by somebody else", -1, ITS_OWN, now);
    return behind_our_back && was_running;
}

bool converge_see(struct converge *c, const struct converge_seen *seen, uint64_t now)
{
    bool was_running = c->container == CONTAINER_RUNNING;
    bool known_exit = c->container == CONTAINER_EXITED || c->counted;

    c->counted = false;
    if (seen->container == CONTAINER_NONE)
        return deleted(c, now);
    c->was_made = true;
    c->container = seen->container;
    if (seen->container == CONTAINER_RUNNING) {
        if (!was_running)
            c->running_since = now;
        return false;
    }
    return seen->container == CONTAINER_EXITED && !known_exit && exited(c, seen, now);
}

void converge_engine_back(struct converge *c)
{
    if (c->patient)
        c->retry_at = 0;
    c->patient = false;
}

static enum converge_op wait_for(uint64_t at, uint64_t now, enum converge_op op, uint64_t *ret_wake)
{
    if (at > now) {
        *ret_wake = at;
        return CONVERGE_NOTHING;
    }
    return op;
}

uint64_t converge_fence_at(const struct converge *c, const struct converge_world *w)
{
    return c->fence_ms && w->away_since ? w->away_since + c->fence_ms : CONVERGE_NEVER;
}

bool converge_is_fenced(const struct converge *c)
{
    return c->fenced && c->fence_ms;
}

/* It must not run now, whatever is asked of it. */
static bool must_not_run(const struct converge *c, const struct converge_world *w)
{
    return converge_fence_at(c, w) <= w->now || w->stop;
}

static enum converge_op stop_it(const struct converge *c, const struct converge_world *w, uint64_t *ret_wake)
{
    return wait_for(c->retry_at, w->now, c->stop_failed ? CONVERGE_KILL : CONVERGE_STOP, ret_wake);
}

bool converge_must_pull(const struct converge *c)
{
    return c->image_absent || (c->pull == SPEC_PULL_ALWAYS && !c->pulled && c->container == CONTAINER_NONE);
}

static enum converge_op next_to_run(const struct converge *c, const struct converge_world *w,
                                    uint64_t *ret_wake)
{
    if (c->end != CONVERGE_ALIVE || !c->spec_known)
        return CONVERGE_NOTHING;
    if (c->container == CONTAINER_RUNNING && must_not_run(c, w))
        return stop_it(c, w, ret_wake);
    if (converge_fence_at(c, w) <= w->now || (converge_is_fenced(c) && !w->store) ||
        (c->fence_ms && w->behind))
        return CONVERGE_NOTHING; /* nor before it is known that it is still wanted here */
    if (w->remake && c->container != CONTAINER_NONE)
        return wait_for(c->retry_at, w->now, CONVERGE_REMOVE, ret_wake);
    if (c->container == CONTAINER_NONE ? w->hold_create : w->hold_start && c->container != CONTAINER_RUNNING)
        return CONVERGE_NOTHING;
    switch (c->container) {
    case CONTAINER_NONE:
        return wait_for(c->retry_at, w->now, converge_must_pull(c) ? CONVERGE_PULL : CONVERGE_CREATE,
                        ret_wake);
    case CONTAINER_CREATED:
    case CONTAINER_EXITED:
        return wait_for(c->retry_at, w->now, CONVERGE_START, ret_wake);
    case CONTAINER_RUNNING:
        *ret_wake = converge_fence_at(c, w);
        break;
    }
    return CONVERGE_NOTHING;
}

static enum converge_op next_to_stop(const struct converge *c, const struct converge_world *w,
                                     uint64_t *ret_wake)
{
    if (c->container == CONTAINER_RUNNING && must_not_run(c, w))
        return stop_it(c, w, ret_wake);
    /* No planned stop begins while the store can't be asked; one that has begun goes on. */
    *ret_wake = c->container == CONTAINER_RUNNING ? converge_fence_at(c, w) : CONVERGE_NEVER;
    if (!w->store && !c->withdrawn)
        return CONVERGE_NOTHING;
    if (c->container == CONTAINER_RUNNING) {
        if (!c->withdrawn)
            return CONVERGE_WITHDRAW;
        return stop_it(c, w, ret_wake);
    }
    if (c->desired == TASK_REMOVE && c->container != CONTAINER_NONE)
        return wait_for(c->retry_at, w->now, CONVERGE_REMOVE, ret_wake);
    return CONVERGE_NOTHING;
}

enum converge_op converge_next(const struct converge *c, const struct converge_world *w, uint64_t *ret_wake)
{
    *ret_wake = CONVERGE_NEVER;
    if (!c->wanted || !w->engine || c->op != CONVERGE_NOTHING)
        return CONVERGE_NOTHING;
    return c->desired == TASK_RUN ? next_to_run(c, w, ret_wake) : next_to_stop(c, w, ret_wake);
}

void converge_begin(struct converge *c, enum converge_op op)
{
    c->op = op;
    if (op == CONVERGE_REMOVE) /* also when it says that it failed: nobody else did it */
        c->was_made = false;
    if (op == CONVERGE_STOP || op == CONVERGE_KILL) {
        c->fenced = c->desired == TASK_RUN;
        c->signal_until = CONVERGE_NEVER;
    }
}

static void succeeded(struct converge *c, enum converge_op op, uint64_t now)
{
    c->tries = 0;
    c->retry_at = 0;
    switch (op) {
    case CONVERGE_PULL:
        c->image_absent = false;
        c->pulled = true;
        set_reason(c, NULL);
        break;
    case CONVERGE_CREATE:
        c->container = CONTAINER_CREATED;
        c->was_made = true;
        c->pulled = false;
        break;
    case CONVERGE_START:
        c->patient = c->fenced = false;
        c->container = CONTAINER_RUNNING;
        c->running_since = now;
        set_reason(c, c->last_run ? orc_printf("last run: %s", c->last_run) : NULL);
        break;
    case CONVERGE_WITHDRAW:
        c->withdrawn = true;
        break;
    case CONVERGE_STOP:
    case CONVERGE_KILL:
        c->stop_failed = false;
        c->container = CONTAINER_EXITED;
        c->running_since = 0;
        if (c->desired == TASK_RUN && c->fence_ms)
            set_reason(c, orc_strdup("stopped as etcd could not be reached for longer than x-orc.fence"));
        break;
    case CONVERGE_REMOVE:
        c->container = CONTAINER_NONE;
        c->was_made = false;
        break;
    case CONVERGE_NOTHING:
        break;
    }
}

static void try_later(struct converge *c, enum converge_op op, const char *text, uint64_t now)
{
    char unit[ORC_UNIT_MAX];
    uint64_t delay = converge_backoff_ms(++c->tries, CONVERGE_ERROR_MAX_MS);

    c->retry_at = now + delay;
    set_reason(c, orc_printf("%s: %s; next try in %s", converge_op_name(op), text,
                             orc_format_duration(delay, unit)));
}

/* An engine that has pulled it and still has it not (it is of another platform) is not asked at once again.
 */
static void image_absent(struct converge *c, const char *text, uint64_t now)
{
    if (c->pull == SPEC_PULL_NEVER) {
        c->end = CONVERGE_FAILED;
        set_reason(c,
                   orc_strdup("create: the image is not on this server, and pull_policy \"never\" leaves it "
                              "to somebody else to bring it there"));
        return;
    }
    c->image_absent = true;
    if (c->pulled)
        try_later(c, CONVERGE_CREATE, text, now);
    c->pulled = false;
}

void converge_end(struct converge *c, enum converge_outcome outcome, const char *text, uint64_t now)
{
    enum converge_op op = c->op;

    c->op = CONVERGE_NOTHING;
    switch (outcome) {
    case CONVERGE_DONE:
        succeeded(c, op, now);
        break;
    case CONVERGE_IMAGE_ABSENT:
        image_absent(c, text, now);
        break;
    case CONVERGE_TRANSIENT:
        /* The first time it may have been the engine that went away: asked again, its grace period holds. */
        c->stop_failed = op == CONVERGE_KILL || (op == CONVERGE_STOP && c->tries > 0);
        if (op == CONVERGE_STOP || op == CONVERGE_KILL)
            c->signal_until = now + c->grace_ms + SIGNAL_SPARE_MS;
        try_later(c, op, text, now);
        break;
    case CONVERGE_REFUSED:
        c->end = CONVERGE_FAILED;
        set_reason(c, orc_printf("%s: %s", converge_op_name(op), text));
        break;
    case CONVERGE_CRASHED:
        if (c->desired == TASK_RUN)
            ended(c, text, -1, ITS_OWN, now);
        break;
    case CONVERGE_GONE:
        deleted(c, now);
        break;
    }
}

static enum task_state state_to_run(const struct converge *c)
{
    if (c->end != CONVERGE_ALIVE)
        return c->end == CONVERGE_FINISHED ? TASK_STOPPED : TASK_FAILED;
    switch (c->container) {
    case CONTAINER_RUNNING:
        return TASK_RUNNING;
    case CONTAINER_CREATED:
    case CONTAINER_EXITED:
        return TASK_STARTING;
    case CONTAINER_NONE:
        break;
    }
    if (converge_must_pull(c))
        return TASK_PULLING;
    return c->op == CONVERGE_CREATE || c->tries || c->restarts ? TASK_CREATING : TASK_ASSIGNED;
}

enum task_state converge_state(const struct converge *c)
{
    if (c->desired == TASK_RUN)
        return state_to_run(c);
    if (c->op == CONVERGE_CREATE)
        return TASK_CREATING;
    if (c->op == CONVERGE_START)
        return TASK_STARTING;
    if (c->container == CONTAINER_RUNNING)
        return converge_stopping(c) ? TASK_STOPPING : TASK_RUNNING;
    return c->desired == TASK_REMOVE && c->container == CONTAINER_NONE ? TASK_REMOVED : TASK_STOPPED;
}

enum task_state converge_told(const struct converge *c, bool looked, enum task_state told)
{
    enum task_state state = converge_state(c);

    if (!looked || c->desired == TASK_RUN || state < TASK_STOPPED)
        return state;
    return told >= TASK_STOPPED ? told : TASK_STOPPING;
}
