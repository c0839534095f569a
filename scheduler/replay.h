/* replay.h - a recording, decided again by the same core, and held against what was decided then.
 *
 * Pure: bytes in, lines out.
 */
#ifndef SCHEDULER_REPLAY_H
#define SCHEDULER_REPLAY_H

#include "scheduler/core.h"
#include "scheduler/plan.h"

/* All of a plan as the store is told it, guards, values and events included; 0 when it is empty. */
uint64_t replay_hash(const struct plan *p, const char *cluster);

struct replay_result {
    uint64_t changes, steps, decisions; /* decisions: steps whose plan was or is not empty */
    uint64_t differ;                    /* steps that decided something else */
    size_t differs_at;                  /* the place of the first in the file; 0: none */
};

struct replay_opts {
    void (*line)(const char *text, void *arg); /* gets each decision and each difference, without line ends */
    void *arg;
    struct core_zones zones; /* a recording holds none: where they have changed since, so may decisions */
};

/* Runs it. 0, or -EINVAL with a sentence and a position: cut off, damaged, or none; *ret and the lines are
 * then as far as it went. */
int replay_run(const void *data, size_t n, const struct replay_opts *opts, struct replay_result *ret,
               struct orc_err *err);

#endif
