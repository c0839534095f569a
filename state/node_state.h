/* node_state.h - what a server is called, and why: one judgement for scheduler, `orc nodes`, `orc status`,
 * `orc node ...` and events.
 *
 * Pure: it is given what the records say. Only one fact is not in what nodes and people write: that the
 * scheduler has given a node up, or holds still because too many are silent. It writes these, and since when,
 * to node-state/<node> (struct record_node_state).
 */
#ifndef STATE_NODE_STATE_H
#define STATE_NODE_STATE_H

#include "state/record.h"

struct node_facts {
    const struct record_node *record; /* nodes/<node>; NULL: there is none, or it can't be read */
    bool unreadable;
    const struct record_node_policy *policy; /* NULL: none */
    bool alive;                              /* alive/<node> is there */
    bool given_up;                           /* silent for longer than the grace: its tasks are replaced */
    bool held;                               /* silent, and nothing is moved as too many are */
    int tasks;                               /* on it and not reported stopped */
};

/* The first that holds of: removed, unknown or down, draining or drained, not ready, cordoned, ready.
 * *ret_why (may be NULL): a clause, freed by the caller; NULL when ready. */
enum node_state node_state_judge(const struct node_facts *f, char **ret_why);

/* Whether somebody should look after it: it is not as the operator wants it to be. */
bool node_state_is_trouble(enum node_state s, const struct node_facts *f);

#endif
