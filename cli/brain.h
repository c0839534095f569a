/* brain.h - the scheduler's core fed with what the CLI has read: to ask it what it would say or do.
 *
 * The same pure files that decide in orc-scheduler. Nothing of it is written. Durations it measures itself
 * begin now, so what a leader has observed (back-off, trouble) is not known to it.
 */
#ifndef CLI_BRAIN_H
#define CLI_BRAIN_H

#include "cli/cluster.h"
#include "scheduler/core.h"

#define BRAIN_NOW_MS 1 /* the core's clock after brain_new() */

/* Fed with all of c (wait_report_kinds) that a scheduler reads, and stepped once; that plan is dropped.
 * core_free() ends it. */
struct core *brain_new(const struct cluster *c, int64_t wall_ms);

#endif
