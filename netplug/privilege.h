/* privilege.h - netplug keeps the two capabilities it needs and gives up the rest (capabilities(7)). */
#ifndef NETPLUG_PRIVILEGE_H
#define NETPLUG_PRIVILEGE_H

#include "lib/err.h"

/* -EPERM with a sentence when CAP_NET_ADMIN or CAP_NET_RAW is missing: say so before anything is touched. */
int privilege_check(struct orc_err *err);

/* From now on only these two, and no program started could get more. Root's files stay accessible as their
 * owner; network settings below /proc/sys open to CAP_NET_ADMIN. */
int privilege_drop(struct orc_err *err);

#endif
