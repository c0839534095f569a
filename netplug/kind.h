/* kind.h - the kinds of link netplug can make, one file each, behind one vtable.
 *
 * A kind knows how its attributes are written into an RTM_NEWLINK request and what it needs to be given;
 * everything else about links is common (link_apply.c). VXLAN and routed networks will be further files.
 */
#ifndef NETPLUG_KIND_H
#define NETPLUG_KIND_H

#include "netplug/link_plan.h"

struct nlmsghdr;

struct link_kind {
    const char *name; /* IFLA_INFO_KIND */
    /* Is the spec whole? -EINVAL with a sentence. */
    int (*verify)(const struct link_spec *spec, struct orc_err *err);
    /* Appends IFLA_LINK, IFLA_ADDRESS and the like; parent_index is 0 without a parent. */
    void (*fill)(struct nlmsghdr *nlh, const struct link_spec *spec, int parent_index);
    /* Appends what goes into IFLA_INFO_DATA. */
    void (*fill_data)(struct nlmsghdr *nlh, const struct link_spec *spec);
};

extern const struct link_kind kind_bridge;
extern const struct link_kind kind_vlan;

/* NULL when there is none of that name. */
const struct link_kind *kind_find(const char *name);

#endif
