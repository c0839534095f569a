#include "netplug/kind.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>

static int verify(const struct link_spec *spec, struct orc_err *err)
{
    if (!spec->parent[0] || spec->vlan < 1 || spec->vlan > 4094)
        return orc_fail(err, -EINVAL, "A VLAN link needs an interface to sit on and an id from 1 to 4094.");
    return 0;
}

static void fill(struct nlmsghdr *nlh, const struct link_spec *spec, int parent_index)
{
    mnl_attr_put_u32(nlh, IFLA_LINK, (uint32_t)parent_index);
}

static void fill_data(struct nlmsghdr *nlh, const struct link_spec *spec)
{
    mnl_attr_put_u16(nlh, IFLA_VLAN_ID, (uint16_t)spec->vlan);
}

const struct link_kind kind_vlan = {.name = "vlan", .verify = verify, .fill = fill, .fill_data = fill_data};
