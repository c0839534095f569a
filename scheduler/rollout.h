/* rollout.h - the state machine of one service's rollout record: what it takes in, when a new version has
 * failed, when it has arrived. docs/decisions/0101-rollout.md tells why it is as it is.
 *
 * It changes only the record it is given; which tasks come and go is reconcile.h's.
 */
#ifndef SCHEDULER_ROLLOUT_H
#define SCHEDULER_ROLLOUT_H

#include "scheduler/slots.h"

#include <limits.h>

#define ROLLOUT_REASON_MAX 500   /* bytes of a sentence of ours */
#define ROLLOUT_STABLE_MS 60000  /* a task available for so long has not failed "again" when it fails */
#define ROLLOUT_BACKOFF_MS 10000 /* the first wait after a repeated failure; doubles */
#define ROLLOUT_BACKOFF_MAX_MS 300000

/* Brings the record up to what the app and the intent ask for: a new revision, another number of replicas, a
 * restart. `r` is the record as stored, or zeroed when there is none. */
void rollout_take_in(struct core *c, const struct core_service *s, const struct record_app_service *wanted,
                     struct record_rollout *r);

/* While a rollout is under way: has a task of the target failed? Then acts by failure_action: pauses, turns
 * back to the last complete revision, or only says so. True: state or target changed, slots must be built
 * anew. Wakes the service when a deadline comes. */
bool rollout_judge(const struct slots *v, struct record_rollout *r);

/* Counters, whether it is degraded, and the state that follows from the slots; last of all. */
void rollout_conclude(const struct slots *v, struct record_rollout *r);

/* Whether a task counts as one that failed in the rollout under way: to be counted when it is replaced. */
bool rollout_has_failed(const struct slots *v, const struct core_task *t);

/* Whether tasks may be replaced by those of the target. */
bool rollout_moves(const struct record_rollout *r);

/* How many slots may be of the target before people have said how it goes on: x-orc.canary, of an update to
 * another container. And how many may be now: none more while it is paused. Further ones are filled with the
 * last complete revision. */
#define ROLLOUT_NO_LIMIT INT_MAX
int rollout_canary(const struct core_service *s, const struct record_rollout *r);
int rollout_limit(const struct core_service *s, const struct record_rollout *r);

/* Which of update_config and rollback_config counts: going back to an earlier revision, that of the one that
 * is left. Borrowed; NULL: it can't be read. */
const struct spec_update *rollout_policy(const struct core_service *s, const struct record_rollout *r);

/* How long after a failure the next try waits. */
uint64_t rollout_backoff_ms(int failures);

/* Why a task is not available, as a clause: "unhealthy: HTTP 503 after 2 ms"; freed by the caller. */
char *rollout_failure(const struct slots *v, const struct core_task *t);

/* The record's reason, and what it is about; and that there is nothing to say. */
void rollout_tell(struct record_rollout *r, enum rollout_topic about, const char *fmt, ...) ORC_PRINTF(3, 4);
void rollout_tell_text(struct record_rollout *r, enum rollout_topic about, char *text); /* takes it */
void rollout_hush(struct record_rollout *r);

/* Sets a sentence, cut to what the store takes; cuts one, which is returned. */
void rollout_say(char **reason, const char *fmt, ...) ORC_PRINTF(2, 3);
char *rollout_cut(char *text);

/* A state, and since when where it is another. */
void rollout_set_state(const struct core *c, struct record_rollout *r, enum rollout_state state);

/* Between rollout*.c only. */
void rollout_aim(struct record_rollout *r, int64_t target); /* another target, and its failures from 0 */
bool rollout_can_turn_back(const struct core_service *s, const struct record_rollout *r);
void rollout_turn_back(const struct core *c, struct record_rollout *r); /* to the last complete revision */
bool rollout_has_health(const struct slots *v);
uint64_t rollout_monitor_ms(const struct slots *v);

#endif
