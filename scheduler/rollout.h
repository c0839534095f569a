/* rollout.h - the state machine of one service's rollout record: what it takes in, when a new version has
 * failed, when it has arrived. docs/decisions/0101-rollout.md tells why it is as it is.
 *
 * It changes only the record it is given; which tasks come and go is reconcile.h's.
 */
#ifndef SCHEDULER_ROLLOUT_H
#define SCHEDULER_ROLLOUT_H

#include "scheduler/slots.h"

#define ROLLOUT_REASON_MAX 500   /* bytes of a sentence of ours */
#define ROLLOUT_STABLE_MS 60000  /* a task available for so long has not failed "again" when it fails */
#define ROLLOUT_BACKOFF_MS 10000 /* the first wait after a repeated failure; doubles */
#define ROLLOUT_BACKOFF_MAX_MS 300000
#define ROLLOUT_CRASHES_MAX 3 /* so many crashes before the first good probe are a failure */

/* Brings the record up to what the app and the intent ask for: a new revision, another number of replicas, a
 * restart. `r` is the record as stored, or zeroed when there is none. */
void rollout_take_in(struct core *c, const struct core_service *s, const struct record_app_service *wanted,
                     struct record_rollout *r);

/* While a rollout is under way: has a task of the target failed? Then acts by failure_action: pauses, turns
 * back to the last complete revision, or only says so. True: state or target changed, slots must be built
 * anew. Wakes the service when a deadline comes. */
bool rollout_judge(const struct slots *v, struct record_rollout *r);

/* Counters, and the state that follows from the slots; last of all. */
void rollout_conclude(const struct slots *v, struct record_rollout *r);

/* Whether tasks may be replaced by those of the target. */
bool rollout_moves(const struct record_rollout *r);

/* How long after a failure the next try waits. */
uint64_t rollout_backoff_ms(int failures);

/* Why a task is not available, as a clause: "unhealthy: HTTP 503 after 2 ms"; freed by the caller. */
char *rollout_failure(const struct slots *v, const struct core_task *t);

/* Sets a sentence, cut to what the store takes. */
void rollout_say(char **reason, const char *fmt, ...) ORC_PRINTF(2, 3);

#endif
