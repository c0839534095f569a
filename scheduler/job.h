/* job.h - a service whose containers end: its runs, one after the other, and what is kept of them.
 *
 * A run belongs to one revision; a new revision or `orc restart` begins the next. A slot of it is completed
 * when a task of it exits with 0, and that is written down (record_rollout.runs) in the transaction that lets
 * the task go, so that it counts once. A failure is tried again, as a new task, as often as the revision
 * says; then the run has failed, and what still runs of it is told to stop. A task that is lost with its
 * node, or leaves a drained one, is no failure. docs/decisions/0115-jobs.md.
 */
#ifndef SCHEDULER_JOB_H
#define SCHEDULER_JOB_H

#include "scheduler/reconcile_ops.h"
#include "state/ranges.h"

#define JOB_TASKS_KEPT 5          /* ended tasks of a service that stay, for their logs; the newest ... */
#define JOB_TASKS_KEPT_MS 3600000 /* ... and no longer than so */

/* Whether the service is to be kept as a job: by its target, or as far as the record tells when that can't be
 * read. */
bool job_is(const struct recon *x);

/* The service is being removed: should it come back before that is done, it runs anew. */
void job_removed(struct record_rollout *r);
/* A service that is no job any more has no runs. */
void job_forget(struct record_rollout *r);

/* Everything for one job but writing its record: x->next is as rollout_take_in() left it. */
void job_keep(struct recon *x);

#endif
