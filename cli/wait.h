/* wait.h - following rollouts to their end, with a line per step that matters or a live view on a terminal.
 */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include "cli/follow.h"
#include "cli/judge.h"

/* Returns an exit code: CLI_DONE when each target is complete (or gone); CLI_ROLLOUT_FAILED when every one
 * has ended and one was paused, rolled back, failed or dropped; CLI_TIMED_OUT; CLI_FAILED when interrupted.
 * What was not reached, and why, is said on stderr. `ret_services` (may be NULL): a list with an object per
 * target (judge_to_json), owned by the caller. */
int wait_run(struct session *s, const struct wait_targets *targets, uint64_t timeout_ms,
             json_t **ret_services);

/* The one word for an exit code of wait_run(), for -o json. */
const char *wait_outcome_name(int code);

/* Prints what `-o json` promises of a command that changes services: {"outcome": ..., "services": [...]} and
 * what `more` (may be NULL) has; takes both. */
void wait_print_json(int code, bool detached, json_t *services, json_t *more);

/* The list for a command that does not wait. */
json_t *wait_detached(const struct wait_targets *targets);

/* The ranges that a report needs, ended by KEY_UNKNOWN. */
extern const enum key_kind wait_report_kinds[];

#endif
