/* link_read.h - asks the kernel for the picture of link.h: interfaces, addresses, routes (rtnetlink(7)). */
#ifndef NETPLUG_LINK_READ_H
#define NETPLUG_LINK_READ_H

#include "netplug/link.h"
#include "netplug/netlink.h"

/* Fills *ret, which must be released by the caller and is empty on failure. Consistent: a dump during which
 * something changed is made again. */
int link_read(struct netlink *nl, struct link_set *ret, struct orc_err *err);

#endif
