/* history_jobs.h - what must never happen of jobs: too many tasks, runs beside one another, a time run twice,
 * results without bound. Part of history_check.h's invariants; included by test_sim.c alone.
 */
#ifndef TESTS_SIM_HISTORY_JOBS_H
#define TESTS_SIM_HISTORY_JOBS_H

#include "tests/sim/history_check.h"

/* Of a job no task is made beside as many as may be at once, of all its runs, or of its own where runs may be
 * side by side. One on a node that was silent when that was decided is not known of; when the node is back,
 * there may be more for a while. */
SIM_FN void check_made_by_job(struct run *r, const struct service *x, const struct lives *decided,
                              const struct lives *after, const struct live *made)
{
    const struct live *l;
    int n = 0;

    orc_vec_each (l, after) {
        const struct live *then = same_task(decided, l->id);

        if (strcmp(l->rec->service, x->name) != 0 || l->rec->desired != TASK_RUN || !holds(l) ||
            (then && !then->alive))
            continue;
        if (!runs_beside(x) && l->rec->restart_epoch != made->rec->restart_epoch)
            broken(r, "%s of run %lld was made beside %s of run %lld", made->id,
                   (long long)made->rec->restart_epoch, l->id, (long long)l->rec->restart_epoch);
        n += l->rec->restart_epoch == made->rec->restart_epoch;
    }
    if (n > JOB_AT_ONCE)
        broken(r, "the job %s has %d tasks at once", x->name, n);
}

SIM_FN void check_jobs(struct run *r, const struct lives *decided, const struct lives *after)
{
    const struct live *made;

    orc_vec_each (made, after)
        if (service_of(r, made->rec->service)->job && !same_task(decided, made->id))
            check_made_by_job(r, service_of(r, made->rec->service), decided, after, made);
}

SIM_FN bool known_tick(const struct run *r, int service, const struct rollout_run *run)
{
    const struct tick *t;

    orc_vec_each (t, &r->ticks)
        if (t->service == service && t->n == run->n && t->started == run->started)
            return true;
    return false;
}

/* A time is run once, whoever leads, and the later ones after it (schedule.h). */
SIM_FN void check_tick(struct run *r, int service, const struct rollout_run *run)
{
    const struct tick *t;

    orc_vec_each (t, &r->ticks)
        if (t->service == service && t->scheduled >= run->scheduled)
            broken(r, "run %lld of %s is for %lld, run %lld was for %lld", (long long)run->n,
                   r->services[service].name, (long long)run->scheduled, (long long)t->n,
                   (long long)t->scheduled);
    if (run->scheduled % MINUTE || run->scheduled > run->started || run->scheduled + 30000 < run->started)
        broken(r, "run %lld of %s began at %lld for %lld", (long long)run->n, r->services[service].name,
               (long long)run->started, (long long)run->scheduled);
    orc_vec_push(&r->ticks, ((struct tick){service, run->n, run->started, run->scheduled}));
}

/* A run that is due begins beside others only where it may. */
SIM_FN void check_beside(struct run *r, const struct service *x, const struct record_rollout *roll,
                         const struct rollout_run *run)
{
    const struct rollout_run *o;

    orc_vec_each (o, &roll->runs)
        if (o->n < run->n && o->state == RUN_RUNNING && !runs_beside(x))
            broken(r, "run %lld of %s began while run %lld had not ended", (long long)run->n, x->name,
                   (long long)o->n);
}

SIM_FN void check_runs(struct run *r)
{
    for (int i = 0; i < r->n_services; i++) {
        const struct service *x = &r->services[i];
        const struct record_rollout *roll = x->job ? sim_rollout(r->s, "shop", x->name) : NULL;
        const struct rollout_run *run;
        int ended = 0;

        if (!roll || roll->state == ROLLOUT_REMOVING)
            continue;
        orc_vec_each (run, &roll->runs) {
            ended += run->state != RUN_RUNNING;
            if (!run->scheduled || known_tick(r, i, run))
                continue;
            check_tick(r, i, run);
            check_beside(r, x, roll, run);
        }
        if (ended > JOB_KEEP)
            broken(r, "%s keeps %d results", x->name, ended);
    }
}

#endif
