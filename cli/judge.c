#include "cli/judge.h"

#include "cli/advice.h"

struct wait_target *wait_add(struct wait_targets *t, const char *app, const char *service,
                             enum wait_goal goal)
{
    struct wait_target *w = orc_vec_add(t);

    *w = (struct wait_target){.app = orc_strdup(app), .service = orc_strdup(service), .goal = goal};
    return w;
}

void wait_targets_release(struct wait_targets *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->at[i].app);
        free(t->at[i].service);
    }
    orc_vec_release(t);
}

/* ---- the verdict
 * --------------------------------------------------------------------------------------------- */

const char *outcome_name(enum outcome o)
{
    static const char *const names[] = {[OUTCOME_ASKED] = "asked",
                                        [OUTCOME_GOING_ON] = "going-on",
                                        [OUTCOME_COMPLETE] = "complete",
                                        [OUTCOME_REMOVED] = "removed",
                                        [OUTCOME_CANARY] = "canary",
                                        [OUTCOME_STANDS] = "paused",
                                        [OUTCOME_BACK] = "rolled-back",
                                        [OUTCOME_PAUSED] = "paused",
                                        [OUTCOME_ROLLED_BACK] = "rolled-back",
                                        [OUTCOME_FAILED] = "failed",
                                        [OUTCOME_TOO_LATE] = "too-late",
                                        [OUTCOME_CUT_SHORT] = "cut-short",
                                        [OUTCOME_DROPPED] = "dropped"};

    return names[o];
}

bool outcome_is_end(enum outcome o)
{
    return o > OUTCOME_GOING_ON;
}

bool outcome_is_good(enum outcome o)
{
    return o >= OUTCOME_COMPLETE && o < OUTCOME_PAUSED;
}

bool outcome_is_bad(enum outcome o)
{
    return o >= OUTCOME_PAUSED;
}

/* A container of the service that the server it is on can be asked about. One that gives no sign of life
 * stops what it has when it is back; waiting for that could take for ever. */
static bool is_task(const struct cluster *c, const struct wait_target *t, const struct cluster_entry *e)
{
    return e->key.kind == KEY_TASK && !e->problem && orc_streq(e->as.task.app, t->app) &&
           orc_streq(e->as.task.service, t->service) && cluster_find(c, key_alive(c->name, e->key.node));
}

static enum task_state state_of(const struct cluster *c, const struct cluster_entry *e)
{
    const struct cluster_entry *seen = cluster_find(c, key_status(c->name, e->key.node, e->key.task));

    return seen ? seen->as.status.state : TASK_ASSIGNED;
}

static bool any_task(const struct cluster *c, const struct wait_target *t)
{
    struct cluster_entry *e, *next;

    HASH_ITER (hh, c->entries, e, next)
        if (is_task(c, t, e) && state_of(c, e) != TASK_REMOVED)
            return true;
    return false;
}

/* A rollout that stands still, or was rolled back, has been scaled when so many serve and nothing else runs.
 */
static bool is_scaled(const struct cluster *c, const struct wait_target *t, const struct record_rollout *r)
{
    struct cluster_entry *e, *next;
    int tasks = 0;

    HASH_ITER (hh, c->entries, e, next)
        tasks += is_task(c, t, e) && state_of(c, e) < TASK_STOPPED;
    return r->available >= r->replicas && tasks <= r->replicas;
}

/* Gone: the scheduler has taken it in (or never knew of it), and no container is left. */
static enum outcome judge_gone(const struct cluster *c, const struct cluster_entry *rollout,
                               const struct wait_target *t)
{
    bool taken_in = !rollout || rollout->as.rollout.state == ROLLOUT_REMOVING;

    return taken_in && !any_task(c, t) ? OUTCOME_REMOVED : OUTCOME_GOING_ON;
}

/* Somebody else took it out of its app meanwhile. An app that can't be read says nothing. */
static bool dropped(const struct cluster *c, const struct wait_target *t)
{
    return !cluster_wanted(c, t->app, t->service) && !cluster_problem(c, key_app(c->name, t->app));
}

/* What a state that is an end means for one that wanted something else than a complete rollout. */
static enum outcome stands(const struct cluster *c, const struct wait_target *t,
                           const struct record_rollout *r, enum outcome otherwise)
{
    if (t->goal == WAIT_SCALED)
        return is_scaled(c, t, r) ? OUTCOME_COMPLETE : OUTCOME_GOING_ON;
    return otherwise;
}

static enum outcome judge_state(const struct cluster *c, const struct wait_target *t,
                                const struct record_rollout *r)
{
    bool orders = t->goal == WAIT_PAUSED || t->goal == WAIT_BACK;

    switch (r->state) {
    case ROLLOUT_COMPLETE:
        return orders ? OUTCOME_TOO_LATE : OUTCOME_COMPLETE;
    case ROLLOUT_CANARY:
        return stands(c, t, r, OUTCOME_CANARY);
    case ROLLOUT_PAUSED:
        return stands(c, t, r, t->goal == WAIT_PAUSED ? OUTCOME_STANDS : OUTCOME_PAUSED);
    case ROLLOUT_ROLLED_BACK:
        return stands(c, t, r, t->goal == WAIT_BACK ? OUTCOME_BACK : OUTCOME_ROLLED_BACK);
    case ROLLOUT_FAILED:
        return stands(c, t, r, OUTCOME_FAILED);
    default:
        return OUTCOME_GOING_ON;
    }
}

/* A job that was started by hand: that run, whatever the others do. */
static enum outcome judge_run(const struct record_rollout *r, int64_t epoch)
{
    for (size_t i = 0; i < r->runs.n; i++) {
        const struct rollout_run *run = &r->runs.at[i];

        if (run->epoch < epoch)
            continue;
        if (run->state == RUN_RUNNING)
            return OUTCOME_GOING_ON;
        return run->state == RUN_SUCCEEDED ? OUTCOME_COMPLETE : OUTCOME_FAILED;
    }
    return OUTCOME_GOING_ON;
}

static bool is_job(const struct cluster *c, const struct wait_target *t)
{
    const struct record_app_service *s = cluster_wanted(c, t->app, t->service);
    const struct spec_service *spec = s ? cluster_spec(c, t->app, t->service, s->revision) : NULL;

    return spec && spec->job;
}

static enum outcome judge_rebalance(const struct record_rollout *r)
{
    if (r->rebalance_left || r->moving.n)
        return OUTCOME_GOING_ON;
    return r->rebalance_end ? OUTCOME_CUT_SHORT : OUTCOME_COMPLETE;
}

enum outcome judge(const struct cluster *c, const struct wait_target *t)
{
    const struct cluster_entry *e = cluster_find(c, key_rollout(c->name, t->app, t->service));

    if (t->goal == WAIT_GONE)
        return judge_gone(c, e, t);
    if (dropped(c, t))
        return OUTCOME_DROPPED;
    if (!e || e->as.rollout.generation < t->generation || e->as.rollout.restart_epoch < t->epoch ||
        e->as.rollout.intent_epoch < t->order || e->as.rollout.rebalance_epoch < t->rebalance)
        return OUTCOME_ASKED;
    if (t->epoch && is_job(c, t))
        return judge_run(&e->as.rollout, t->epoch);
    if (t->rebalance && e->as.rollout.state == ROLLOUT_COMPLETE)
        return judge_rebalance(&e->as.rollout);
    return judge_state(c, t, &e->as.rollout);
}

/* ---- the words
 * ----------------------------------------------------------------------------------------------- */

const struct report_service *judge_service(const struct report *r, const struct wait_target *t)
{
    orc_auto_free char *name = orc_printf("%s/%s", t->app, t->service);
    const struct report_service *s;

    orc_vec_each (s, &r->services)
        if (orc_streq(s->name, name))
            return s;
    return NULL;
}

static char *removed_line(const struct report_service *s, const struct wait_target *t)
{
    size_t n = s ? s->tasks.n : 0;

    if (!n)
        return orc_printf("%s/%s: removed", t->app, t->service);
    return orc_printf("%s/%s: removed; %zu container%s (%s on %s%s) will stop when the server is back",
                      t->app, t->service, n, n == 1 ? "" : "s", s->tasks.at[0].id, s->tasks.at[0].node,
                      n == 1 ? "" : ", ...");
}

static char *job_line(const struct report_service *s, enum outcome o)
{
    orc_auto_free char *run = runs_line(&s->runs);
    bool why = o != OUTCOME_COMPLETE && s->why.n;

    return orc_printf("%s: %s, %s%s%s", s->name, s->rollout, run ? run : "no run yet", why ? ": " : "",
                      why ? s->why.at[0] : "");
}

char *judge_line(const struct report_service *s, const struct wait_target *t, enum outcome o)
{
    if (o == OUTCOME_REMOVED)
        return removed_line(s, t);
    if (t->goal == WAIT_GONE)
        return orc_printf("%s/%s: stopping, %zu container%s left", t->app, t->service, s ? s->tasks.n : 0,
                          s && s->tasks.n == 1 ? "" : "s");
    if (!s || o == OUTCOME_DROPPED)
        return orc_printf("%s/%s: somebody removed it", t->app, t->service);
    if (o == OUTCOME_ASKED)
        return orc_printf("%s: waiting, %d of %d healthy: the scheduler has not taken it up yet", s->name,
                          s->healthy, s->desired);
    if (s->job)
        return job_line(s, o);
    if (o != OUTCOME_COMPLETE && s->why.n)
        return orc_printf("%s: %s, %d of %d healthy: %s", s->name, s->rollout, s->healthy, s->desired,
                          s->why.at[0]);
    return orc_printf("%s: %s, %d of %d healthy", s->name, s->rollout, s->healthy, s->desired);
}

static enum rollout_state state_of_outcome(enum outcome o)
{
    return o == OUTCOME_PAUSED        ? ROLLOUT_PAUSED
           : o == OUTCOME_ROLLED_BACK ? ROLLOUT_ROLLED_BACK
                                      : ROLLOUT_FAILED;
}

char *judge_failure(const struct report_service *s, const struct wait_target *t, enum outcome o)
{
    const char *why = s && s->why.n ? s->why.at[0] : "the scheduler gave no reason";
    orc_auto_free char *name = orc_printf("%s/%s", t->app, t->service);
    orc_auto_free char *then =
        advice_rollout(name, rollout_state_name(state_of_outcome(o)), s && s->complete > 0);

    if (o == OUTCOME_ROLLED_BACK)
        return orc_printf("%s was rolled back and runs what it ran before: %s. %s", name, why, then);
    if (o == OUTCOME_DROPPED)
        return orc_printf("%s was removed by somebody else meanwhile: apply it again if it shall run", name);
    if (o == OUTCOME_PAUSED)
        return orc_printf("the rollout of %s is paused, what runs runs on: %s. %s", name, why, then);
    if (o == OUTCOME_CUT_SHORT)
        return orc_printf(
            "not all replicas of %s could be moved, and those stay where they were: `orc events %s` "
            "says why",
            name, name);
    if (o == OUTCOME_TOO_LATE)
        return orc_printf("the rollout of %s was complete before that: go back with `orc rollback %s`", name,
                          name);
    if (s && s->job)
        return orc_printf(
            "%s: %s. `orc runs %s` lists its runs; mend it and apply it again, or try once more with "
            "`orc run %s`",
            name, why, name, name);
    return orc_printf("the rollout of %s failed, and so did going back: %s. %s", name, why, then);
}

json_t *judge_to_json(const struct report_service *s, const struct wait_target *t, enum outcome o)
{
    json_t *j = json_object(), *why = json_array();
    orc_auto_free char *name = orc_printf("%s/%s", t->app, t->service);

    orc_json_set_str(j, "name", name);
    orc_json_set_str(j, "outcome", outcome_name(o));
    for (size_t i = 0; s && i < s->why.n; i++)
        json_array_append_new(why, json_string(s->why.at[i]));
    if (s) {
        json_object_set_new(j, "desired", json_integer(s->desired));
        json_object_set_new(j, "healthy", json_integer(s->healthy));
        json_object_set_new(j, "revision", json_integer(s->revision));
        orc_json_set_str(j, "rollout", s->rollout);
    }
    json_object_set_new(j, "why", why);
    return j;
}
