/* nodes.h - which nodes are given up, and what is said of each; docs/decisions/0102-lost-nodes.md.
 *
 * What a node is called is node_state.h's; here it is compared with what was last written to node-state/, so
 * that each change is written, and told as an event, once: by the leader of that moment, not by the next one.
 */
#ifndef SCHEDULER_NODES_H
#define SCHEDULER_NODES_H

#include "scheduler/model.h"

/* Silent nodes: given up after the grace, or held still when too many are silent. Sets c->nodes_at. */
void nodes_judge(struct core *c);
/* Plans the records, and the events, of nodes whose state has changed. */
void nodes_say(struct core *c, struct plan *p);
/* Leading begins: graces start anew; who was given up stays so until its heartbeat is back. */
void nodes_lead(struct core *c);
/* What a refused transaction said is said again; NULL: all. */
void nodes_retry(struct core *c, const struct plan_txn *t);

#endif
