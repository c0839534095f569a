/* netlink.h - one rtnetlink socket (rtnetlink(7)), used synchronously: the kernel answers at once.
 *
 * Knows framing, acknowledgements and the kernel's own error texts (NETLINK_EXT_ACK); knows nothing of
 * bridges or addresses. Requests are built with libmnl's mnl_attr_put functions.
 */
#ifndef NETPLUG_NETLINK_H
#define NETPLUG_NETLINK_H

#include "lib/err.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdint.h>

struct netlink {
    struct mnl_socket *sock;
    uint32_t seq;
    char buf[32768]; /* answers; the kernel writes dumps in pieces of at most 32 KiB */
};

/* A request under construction; attributes are appended to nlh. */
struct netlink_req {
    struct nlmsghdr *nlh;
    char buf[4096];
};

int netlink_open(struct netlink *nl, struct orc_err *err);
void netlink_close(struct netlink *nl);

/* Begins a request; returns the family header of `extra` zeroed bytes (struct ifinfomsg, ifaddrmsg, rtmsg).
 */
void *netlink_begin(struct netlink_req *req, uint16_t type, uint16_t flags, size_t extra);

/* Sends it and waits for the acknowledgement. 0, or the kernel's -errno with its own text in err. */
int netlink_talk(struct netlink *nl, struct netlink_req *req, struct orc_err *err);

#define NETLINK_AGAIN 1 /* things changed during the dump: what was collected is inconsistent, begin anew */
/* Dumps; each message goes to cb, whose negative result ends it (and is then followed by netlink_close()). */
int netlink_dump(struct netlink *nl, struct netlink_req *req,
                 int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg, struct orc_err *err);

#endif
