/* reconcile.h - one service: from what it should be and what it is to one transaction that brings it nearer.
 *
 * In this order: what is asked for is taken in, a rollout is judged, slots are opened and closed, what is
 * broken is healed, what is of another version is rolled, the record is concluded. At most PLAN_TASKS_MAX
 * tasks are touched at once; the rest comes when the view shows this step's commit. Only tasks for empty
 * slots may be more: in transactions that follow.
 *
 * Availability (behaviours 44, 46): an available task is only told to stop when at least replicas -
 * parallelism slots stay available (stop-first), or when its successor is available (start-first). What is
 * not available anyway may be replaced, `parallelism` slots at a time. Lost and missing tasks are replaced at
 * once.
 */
#ifndef SCHEDULER_RECONCILE_H
#define SCHEDULER_RECONCILE_H

#include "scheduler/model.h"

void reconcile_service(struct core *c, struct core_service *s, struct plan *p);

#endif
