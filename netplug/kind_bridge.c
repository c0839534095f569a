#include "netplug/kind.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>

static int verify(const struct link_spec *spec, struct orc_err *err)
{
    static const uint8_t none[LINK_MAC_LEN];

    if (memcmp(spec->mac, none, LINK_MAC_LEN) == 0 || (spec->mac[0] & 1))
        return orc_fail(err, -EINVAL, "A bridge needs a unicast MAC address.");
    return 0;
}

/* An address given at birth is kept by the kernel when ports come and go (br_stp_recalculate_bridge_id()). */
static void fill(struct nlmsghdr *nlh, const struct link_spec *spec, int parent_index)
{
    mnl_attr_put(nlh, IFLA_ADDRESS, LINK_MAC_LEN, spec->mac);
}

/* No spanning tree: orc0 has one way out, and listening and learning would delay every container by 30 s. */
static void fill_data(struct nlmsghdr *nlh, const struct link_spec *spec)
{
    mnl_attr_put_u32(nlh, IFLA_BR_FORWARD_DELAY, 0);
    mnl_attr_put_u32(nlh, IFLA_BR_STP_STATE, 0);
}

const struct link_kind kind_bridge = {
    .name = "bridge", .verify = verify, .fill = fill, .fill_data = fill_data};
