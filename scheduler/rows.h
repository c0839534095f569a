/* rows.h - what decides about a place, for all nodes side by side (struct core_row), and in brief (lanes.h);
 * kept up to date as nodes change.
 *
 * Whatever is fed or found of a node is told here, and makes the order of nodes (rank.h) begin anew. It must
 * not know of services or requests.
 */
#ifndef SCHEDULER_ROWS_H
#define SCHEDULER_ROWS_H

#include "scheduler/model.h"

/* A node came; it goes; what stands in its row may have changed. Not within a decision. */
void rows_add(struct core *c, struct core_node *n);
void rows_drop(struct core *c, struct core_node *n);
void rows_update(struct core *c, struct core_node *n);
void rows_use(struct core *c, struct core_node *n); /* only what its tasks take */
/* What constraints are held against: its labels, system, name. */
void rows_labels(struct core *c, struct core_node *n);
void rows_release(struct core *c);

/* Takes in what rows_use() was told; before rows are looked at. */
void rows_refresh(struct core *c);
/* What the node's tasks take, at once: within a decision, whose order of nodes follows by itself. */
void rows_take(struct core *c, const struct core_node *n);

#endif
