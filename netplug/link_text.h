/* link_text.h - the picture of link.h as netplug/types.h hands it out. */
#ifndef NETPLUG_LINK_TEXT_H
#define NETPLUG_LINK_TEXT_H

#include "netplug/link.h"
#include "netplug/types.h"

/* Appends every link; *ret is cleared by the caller. */
void link_describe(const struct link_set *set, struct netplug_links_res *ret);

#endif
