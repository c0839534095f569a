#include "scheduler/job_run.h"

#include "scheduler/global.h"
#include "scheduler/place.h"
#include "scheduler/rollout.h"

/* ---- one task ---------------------------------------------------------------------------------------- */

bool job_task_is_of(const struct core_task *t, const struct rollout_run *run)
{
    return t->make && t->make->revision == run->revision && t->make->restart_epoch == run->n;
}

enum job_class job_classify(struct recon *x, struct core_task *t)
{
    if (!core_task_known(t))
        return JOB_ACTIVE; /* nothing is concluded */
    if (core_task_reported(t) && t->state >= TASK_STOPPED) {
        if (t->desired != TASK_RUN)
            return JOB_GONE;
        return t->state == TASK_STOPPED && core_task_more(t)->exit_code == 0 ? JOB_WELL : JOB_BAD;
    }
    if (t->node->lost)
        return t->desired == TASK_RUN ? JOB_LOST : JOB_GONE;
    if (t->desired == TASK_RUN)
        return JOB_ACTIVE;
    return slots_still_stopping(&x->v, t) ? JOB_STOPPING : JOB_GONE;
}

/* As far as is known: on a server that does not answer it may have. */
static bool has_run(const struct core_task *t)
{
    const struct core_task_more *m = core_task_more(t);

    if (!core_task_known(t) || !core_node_alive(t->node))
        return true;
    return core_task_reported(t) &&
           (t->state == TASK_RUNNING || t->state == TASK_STOPPING || m->exit_code >= 0 || m->run_ms > 0);
}

bool job_run_has_begun(const struct core_service *s, const struct rollout_run *run)
{
    const struct core_task *t;

    if (run->completed > 0 || run->exit_code >= 0)
        return true;
    core_each_task (t, s)
        if (t->fed.present && job_task_is_of(t, run) && has_run(t))
            return true;
    return false;
}

/* "failed: exit code 1". */
static char *failure(const struct core_task *t)
{
    const struct core_task_more *m = core_task_more(t);
    const char *reason = share_text_str(m->status_reason);

    if (t->state == TASK_REMOVED)
        return orc_strdup("failed: its container is gone");
    if (m->exit_code >= 0)
        return orc_printf("failed: exit code %d%s", m->exit_code, m->oom ? ", out of memory" : "");
    return orc_printf("failed: %.300s", reason ? reason : "it never ran");
}

/* ---- the slots --------------------------------------------------------------------------------------- */

static struct core_task *newest(const struct job_run *j, int slot)
{
    struct core_task *t, *last = NULL;

    for (t = core_slot_tasks(j->x->s, slot); t; t = t->slot_next)
        if (t->fed.present && job_task_is_of(t, j->run))
            last = t;
    return last;
}

static void add_slot(struct job_run *j, int n, struct core_node *node)
{
    struct job_slot *s = orc_vec_add(&j->slots);

    s->n = n;
    s->node = node;
    s->last = newest(j, n);
    s->class = s->last ? job_classify(j->x, s->last) : JOB_NONE;
}

static void list_slots(struct job_run *j)
{
    const struct spec_service *spec = j->rev->rec.spec;

    j->run->wanted = spec_service_replicas(spec, SPEC_REPLICAS_DEFAULT);
    for (int n = 0; n < j->run->wanted; n++)
        if (!ranges_has(&j->done, n))
            add_slot(j, n, NULL);
}

/* Whether the node of a slot that is not completed still counts; if not, what runs there is told to go. */
static bool keeps_slot(const struct job_run *j, struct core_task *t)
{
    const struct spec_service *spec = j->rev->rec.spec;
    enum job_class k = job_classify(j->x, t);
    enum task_stop kind = TASK_STOP_NONE;
    orc_auto_free char *why = NULL;

    if (k != JOB_ACTIVE && k != JOB_LOST)
        return global_takes(j->x, spec, t->node);
    why = global_why_leave(j->x, spec, t->node, &kind);
    if (why && core_task_runs(t))
        recon_remove(j->x, t, kind, why);
    return !why;
}

/* Each slot is its first task's node's. A node that takes none any more has no slot any more. */
static void list_global_slots(struct job_run *j)
{
    struct global_nodes vacant = {0};
    struct core_task *t;
    int unused = 0;

    for (int n = 0; n < SPEC_REPLICAS_MAX; n++)
        unused = ranges_has(&j->done, n) ? n + 1 : unused;
    place_spread_begin(j->x->c);
    core_each_task (t, j->x->s) {
        if (!t->fed.present || !job_task_is_of(t, j->run) || newest(j, t->slot) != t)
            continue;
        unused = t->slot >= unused ? t->slot + 1 : unused;
        place_spread_count(j->x->c, t, true);
        if (!ranges_has(&j->done, t->slot) && keeps_slot(j, t))
            add_slot(j, t->slot, t->node);
    }
    global_vacant(j->x, j->rev->rec.spec, &vacant);
    for (size_t i = 0; i < vacant.n && unused < SPEC_REPLICAS_MAX; i++)
        add_slot(j, unused++, vacant.at[i]);
    orc_vec_release(&vacant);
    j->run->wanted = j->run->completed + (int)j->slots.n;
}

static void harvest(struct job_run *j)
{
    struct core_task *t;

    core_each_task (t, j->x->s) {
        enum job_class k;

        if (!t->fed.present || !job_task_is_of(t, j->run))
            continue;
        k = job_classify(j->x, t);
        if (k == JOB_WELL)
            ranges_add(&j->done, t->slot);
        j->active += k == JOB_ACTIVE || k == JOB_STOPPING;
    }
    if (j->done.n == j->run->completed)
        return;
    j->run->completed = j->done.n;
    free(j->run->done);
    j->run->done = ranges_text(&j->done);
}

void job_run_look(struct job_run *j, struct recon *x, struct rollout_run *run)
{
    j->x = x;
    j->run = run;
    j->rev = core_service_revision(x->s, run->revision);
    ranges_parse(run->done, &j->done, NULL); /* checked when it was read */
    harvest(j);
    if (!j->rev)
        return;
    if (j->rev->rec.spec->global)
        list_global_slots(j);
    else
        list_slots(j);
}

void job_run_release(struct job_run *j)
{
    orc_vec_release(&j->slots);
    free(j->waits);
}

/* ---- its end ----------------------------------------------------------------------------------------- */

static void note_failure(struct job_run *j, const struct core_task *t)
{
    j->run->failures++;
    j->run->exit_code = core_task_more(t)->exit_code;
    free(j->run->reason);
    j->run->reason = failure(t);
}

bool job_run_is_over(struct job_run *j, char **ret_why)
{
    const struct job_slot *s;

    *ret_why = NULL;
    if (!j->rev)
        return false;
    orc_vec_each (s, &j->slots) {
        int retries = j->rev->rec.spec->run.retries, before;

        if (s->class != JOB_BAD)
            continue;
        before = core_task_more(s->last)->restarts;
        if (retries == SPEC_RETRIES_ANY || before < retries)
            continue;
        note_failure(j, s->last);
        *ret_why = orc_printf("%s on %s %s; tried %d time%s", CORE_TASK_ID(s->last), s->last->node->name,
                              j->run->reason, before + 1, before ? "s" : "");
        return true;
    }
    if (j->rev->rec.spec->global && !j->run->wanted)
        return false; /* no server takes it: it waits for one */
    return j->slots.n == 0 && j->active == 0;
}

/* ---- the next tasks ---------------------------------------------------------------------------------- */

static int most_at_once(const struct job_run *j)
{
    int most = j->rev->rec.spec->run.max_concurrent;

    return most ? most : SPEC_REPLICAS_MAX;
}

int job_run_at_once(const struct job_run *j)
{
    if (!j->rev || j->run->state != RUN_RUNNING)
        return 0;
    return (int)j->slots.n < most_at_once(j) ? (int)j->slots.n : most_at_once(j);
}

void job_run_count_spread(struct recon *x)
{
    struct core_task *t;

    place_spread_begin(x->c);
    place_count_held(x->c, x->s, true);
    core_each_task (t, x->s)
        if (t->fed.present && !t->node->lost && job_classify(x, t) == JOB_ACTIVE)
            place_spread_count(x->c, t, true);
}

/* Monotonic ms; what failed has failed_at. */
static uint64_t try_again_at(const struct job_run *j, const struct core_task *t)
{
    const struct core_task_more *m = core_task_more(t);
    uint64_t delay = j->rev->rec.spec->run.delay_ms;

    return m->failed_at + (delay ? delay : rollout_backoff_ms(m->restarts));
}

/* `last`, when it still shall run, is what the new one replaces. */
static void create(struct job_run *j, struct slot *s, struct core_task *last, enum task_stop kind,
                   const char *why)
{
    bool replaces = last && core_task_runs(last);

    if (replaces && recon_is_full(j->x)) /* both in one transaction */
        return;
    if (!recon_create(j->x, s, j->rev, kind, why))
        return;
    j->active++;
    if (!replaces)
        return;
    if (job_classify(j->x, last) == JOB_BAD)
        note_failure(j, last);
    recon_remove(j->x, last, kind, why);
}

/* A slot with a named volume stays where its data is, which the task of an earlier run may know. */
static struct core_task *newest_of_any_run(const struct recon *x, int slot)
{
    struct core_task *t, *last = NULL;

    for (t = core_slot_tasks(x->s, slot); t; t = t->slot_next)
        last = core_task_known(t) ? t : last;
    return last;
}

/* An earlier try, back with its node, must have stopped before there is another. */
static bool waits_for_stop(struct job_run *j, struct slot *s)
{
    struct core_task *t;

    for (t = core_slot_tasks(j->x->s, s->n); t; t = t->slot_next)
        if (t->fed.present && job_task_is_of(t, j->run) && job_classify(j->x, t) == JOB_STOPPING) {
            recon_wait(s, orc_printf("%s on %s must stop first", CORE_TASK_ID(t), t->node->name));
            return true;
        }
    return false;
}

static void go_on(struct job_run *j, const struct job_slot *js, struct slot *s)
{
    enum task_stop kind = TASK_STOP_NONE;
    orc_auto_free char *why = NULL;

    s->node = js->node;
    s->last = js->last ? js->last : newest_of_any_run(j->x, js->n);
    if (waits_for_stop(j, s))
        return;
    if (js->class == JOB_BAD) {
        uint64_t at = try_again_at(j, js->last);

        kind = TASK_STOP_FAILED;
        why = failure(js->last);
        if (j->x->c->now < at) {
            recon_wait(s, orc_printf("%s on %s %s; tried again %llu s after", CORE_TASK_ID(js->last),
                                     js->last->node->name, why,
                                     (unsigned long long)(at - core_task_more(js->last)->failed_at) / 1000));
            core_wake(j->x->c, j->x->s, at);
            return;
        }
    } else if (js->class == JOB_LOST) {
        kind = TASK_STOP_LOST;
        why = orc_printf("node %s was lost", js->last->node->name);
    } else if (js->class == JOB_GONE) {
        kind = core_task_more(js->last)->stop_kind;
        why = orc_strdup(share_text_str(core_task_more(js->last)->stop_reason));
    }
    create(j, s, js->last, kind, why);
}

static void leave_drained(struct job_run *j, const struct job_slot *js)
{
    orc_auto_free char *why = orc_printf("node %s is drained", js->last->node->name);

    recon_remove(j->x, js->last, TASK_STOP_DRAINED, why);
}

void job_run_go_on(struct job_run *j, bool say)
{
    struct recon *x = j->x;
    const struct job_slot *js;

    if (!j->rev)
        return;
    x->epoch = j->run->n;
    orc_vec_each (js, &j->slots) {
        struct slot *s;

        if (js->class == JOB_ACTIVE && core_task_known(js->last) && js->last->node->policy.drain)
            leave_drained(j, js);
        if (js->class == JOB_ACTIVE || js->class == JOB_STOPPING || j->active >= most_at_once(j))
            continue;
        s = slots_add(&x->v, js->n);
        go_on(j, js, s);
        if (!say)
            s->open = false;
    }
}
