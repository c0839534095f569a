/* collect.h - what nobody needs any more: finished tasks' records after their address has rested, statuses
 * without a task, tasks of nodes that were removed, gateways long gone. */
#ifndef SCHEDULER_COLLECT_H
#define SCHEDULER_COLLECT_H

#include "scheduler/model.h"

/* An address rests longer while a registered gateway has not said what it serves: its NGINX may route by a
 * table of before. Not for ever: who is silent is retired, and who lives and serves nothing for so long can't
 * route. */
#define COLLECT_BLIND_MS 600000

void collect_plan(struct core *c, struct plan *p);
uint64_t collect_next(const struct core *c); /* when the next is due, monotonic ms; 0: none */
void collect_retry(struct core *c);          /* a plan was not committed */

#endif
