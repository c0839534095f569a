/* link_apply.h - carries a plan out, through rtnetlink; all of it or nothing. */
#ifndef NETPLUG_LINK_APPLY_H
#define NETPLUG_LINK_APPLY_H

#include "netplug/link_plan.h"
#include "netplug/netlink.h"

/* One step. What is done already (an address that is there, a route that is gone) is a success. */
int link_apply_op(struct netlink *nl, const struct link_op *op, struct orc_err *err);

/* All steps in order. When one fails, those done are undone in reverse, and the error says which failed and,
 * if that happens, what could not be undone. */
int link_apply(struct netlink *nl, const struct link_plan *plan, struct orc_err *err);

/* All steps, going on after a failing one: for putting back, where as much as possible shall be as it was.
 * Returns the first failure. */
int link_apply_all(struct netlink *nl, const struct link_plan *plan, struct orc_err *err);

#endif
