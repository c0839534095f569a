/* wait.h - following rollouts to their end, with a line per step that matters or a live view on a terminal.
 */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include "cli/session.h"

struct wait_target {
    char *app, *service;
    int64_t generation; /* of the app: the rollout must have taken in this one or a later; 0: any */
    int64_t epoch;      /* restart epoch likewise; 0: any */
    bool gone;          /* wait until nothing is left of it */
};
struct wait_targets {
    struct wait_target *at;
    size_t n, cap;
};
void wait_add(struct wait_targets *t, const char *app, const char *service, int64_t generation, int64_t epoch,
              bool gone);
void wait_targets_release(struct wait_targets *t);

/* Returns an exit code: CLI_DONE when each target is complete (or gone); CLI_ROLLOUT_FAILED when every one
 * has ended and one was paused, rolled back or failed; CLI_TIMED_OUT with what still keeps it, said on
 * stderr. */
int wait_run(struct session *s, const struct wait_targets *targets, uint64_t timeout_ms);

/* The ranges that a report needs, ended by KEY_UNKNOWN. */
extern const enum key_kind wait_report_kinds[];

/* Follows the cluster until interrupted: on_change is called after each change that came (at most ten times a
 * second), first with the snapshot. It returns true to end. CLI_DONE, or CLI_FAILED / CLI_TIMED_OUT (0: no
 * time-out). */
int wait_follow(struct session *s, uint64_t timeout_ms, bool (*on_change)(struct cluster *c, void *arg),
                void *arg);

#endif
