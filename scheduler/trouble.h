/* trouble.h - on which nodes a service has failed: a soft reason to place it elsewhere.
 *
 * Observed by this core and never stored, as all times are: a new leader begins with what it finds failed. A
 * failure is a container that ended as failed or became unhealthy, and each restart after a crash. Counted
 * per node and content: another version is tried everywhere.
 */
#ifndef SCHEDULER_TROUBLE_H
#define SCHEDULER_TROUBLE_H

#include "scheduler/model.h"

#define TROUBLE_MAX 5              /* so many failures, and other nodes are preferred (behaviour 23) */
#define TROUBLE_FORGET_MS 3600000u /* without another one for so long */

/* What is known of a task has changed; once for each change, before its times are set. */
void trouble_observe(struct core *c, struct core_task *t);
/* Whether a container of that content should rather not go to the node. */
bool trouble_on(const struct core *c, const struct core_service *s, const char *container_hash,
                const struct core_node *n);
/* Whether one of s->trouble is such a reason for that content. */
bool trouble_counts(const struct core *c, const struct core_trouble *x, const char *container_hash);
void trouble_forget(struct core_service *s);

#endif
