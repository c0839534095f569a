/* schedule.h - which run of a job its schedule asks for now; private to job.c.
 *
 * Wall time is what schedules are for, and clocks jump. Up to which time the schedule is dealt with stands in
 * the record (`scheduled`), so no jump and no new leader runs a time twice; of those missed at most the last
 * is run, and only within the starting deadline.
 */
#ifndef SCHEDULER_SCHEDULE_H
#define SCHEDULER_SCHEDULE_H

#include "scheduler/reconcile_ops.h"

/* A clock that has been this far ahead was wrong: what the record says is forgotten. */
#define SCHEDULE_AHEAD_MS (25 * 3600 * 1000)
/* So often the wall clock is looked at again while a run is due later: it may have been set. */
#define SCHEDULE_LOOK_MS 15000

enum schedule_due { SCHEDULE_NOT_YET, SCHEDULE_DUE, SCHEDULE_NO_ZONE /* its time zone is not known */ };

/* Deals with the schedule up to now in x->next. SCHEDULE_DUE: a run is to begin, for *ret_at (wall ms). Wakes
 * the service for the next, unless schedules are held (core.h). */
enum schedule_due schedule_ask(struct recon *x, const struct spec_schedule *spec, int64_t *ret_at);

#endif
