/* metrics.h - the cluster in numbers, as the core sees it. */
#ifndef SCHEDULER_METRICS_H
#define SCHEDULER_METRICS_H

#include "lib/metrics.h"
#include "scheduler/core.h"

/* Nodes by readiness, room and use in cores and bytes, services by the state of their rollout, tasks by
 * state. */
void core_metrics(const struct core *c, struct orc_metrics_text *t);

#endif
