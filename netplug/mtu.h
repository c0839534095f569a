/* mtu.h - which MTU orc0 gets. Pure arithmetic on the underlay's figure; knows nothing of the kernel.
 *
 * The MTU counts the IP packet, without the Ethernet header (RFC 894) and without a VLAN tag, which the
 * kernel adds outside of it.
 */
#ifndef NETPLUG_MTU_H
#define NETPLUG_MTU_H

#include "lib/err.h"

#include <stdint.h>

#define MTU_MIN 68    /* every IPv4 link carries this much: RFC 791, section 3.2 */
#define MTU_MAX 65535 /* an IPv4 packet is no longer: RFC 791, section 3.1 */
#define MTU_DEFAULT                                                                                          \
    1500 /* Ethernet, RFC 894: for a bridge without a port on a machine without a default route */

/* 0, or -EINVAL with a sentence that quotes the figure. */
int mtu_check(int64_t mtu, struct orc_err *err);

/* Bytes that mode `mode` adds to a container's packet on the underlay: 0 for "bridge". Modes that this
 * netplug does not have are refused by name with -EOPNOTSUPP, unknown ones with -EINVAL. NULL is "bridge". */
int mtu_overhead(const char *mode, int *ret, struct orc_err *err);

/* orc0's MTU over `underlay`, an interface with underlay_mtu, of whose packets `overhead` bytes are not
 * the container's. wanted 0: all that fits. More than fits: -EINVAL with both figures. */
int mtu_resolve(const char *underlay, int underlay_mtu, int overhead, int64_t wanted, int *ret,
                struct orc_err *err);

#endif
