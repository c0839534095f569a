#include "netplug/netlink.h"

#include "lib/mem.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define ANSWER_SECONDS 5 /* the kernel answers in microseconds: this only guards against a hang */

int netlink_open(struct netlink *nl, struct orc_err *err)
{
    struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    int on = 1;

    nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!nl->sock)
        return orc_fail_errno(err, errno, "open a netlink socket");
    if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
        int r = orc_fail_errno(err, errno, "bind a netlink socket");

        netlink_close(nl);
        return r;
    }
    mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof on); /* better texts; works without */
    mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof on);
    setsockopt(mnl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    nl->seq = (uint32_t)time(NULL);
    return 0;
}

void netlink_close(struct netlink *nl)
{
    if (nl->sock)
        mnl_socket_close(nl->sock);
    nl->sock = NULL;
}

void *netlink_begin(struct netlink_req *req, uint16_t type, uint16_t flags, size_t extra)
{
    req->nlh = mnl_nlmsg_put_header(req->buf);
    req->nlh->nlmsg_type = type;
    req->nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    return mnl_nlmsg_put_extra_header(req->nlh, extra);
}

static int find_text(const struct nlattr *attr, void *arg)
{
    const char **text = arg;

    if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
        *text = mnl_attr_get_str(attr);
    return MNL_CB_OK;
}

/* An NLMSG_ERROR message: the code, and the kernel's words for it if it had any. */
static int read_ack(const struct nlmsghdr *nlh, struct orc_err *err)
{
    const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
    size_t skip = sizeof *e;
    const char *text = NULL;

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof *e)
        return orc_fail(err, -EBADMSG, "The kernel's netlink answer is too short.");
    if (e->error == 0)
        return 0;
    if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
        skip += e->msg.nlmsg_len - sizeof(struct nlmsghdr);
    if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && skip < mnl_nlmsg_get_payload_len(nlh))
        mnl_attr_parse(nlh, (unsigned)skip, find_text, &text);
    if (!text)
        return orc_fail(err, e->error, "%s", strerror(-e->error));
    return orc_fail(err, e->error, "%s (%s)", strerror(-e->error), text);
}

/* Returns 1 and *ret_n when an answer to the request arrived; older answers are dropped. */
static int receive(struct netlink *nl, size_t *ret_n, struct orc_err *err)
{
    const struct nlmsghdr *nlh = (const void *)nl->buf;

    for (;;) {
        ssize_t n = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof nl->buf);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return orc_fail_errno(err, errno == EAGAIN ? ETIMEDOUT : errno,
                                  "wait for the kernel's netlink answer");
        if (!mnl_nlmsg_ok(nlh, (int)n))
            return orc_fail(err, -EBADMSG, "The kernel's netlink answer is malformed.");
        if (nlh->nlmsg_seq != nl->seq)
            continue;
        *ret_n = (size_t)n;
        return 1;
    }
}

static int send_req(struct netlink *nl, struct netlink_req *req, struct orc_err *err)
{
    req->nlh->nlmsg_seq = ++nl->seq;
    if (mnl_socket_sendto(nl->sock, req->nlh, req->nlh->nlmsg_len) < 0)
        return orc_fail_errno(err, errno, "send a netlink request");
    return 0;
}

int netlink_talk(struct netlink *nl, struct netlink_req *req, struct orc_err *err)
{
    size_t n;
    int r;

    req->nlh->nlmsg_flags |= NLM_F_ACK;
    r = send_req(nl, req, err);
    while (r >= 0 && (r = receive(nl, &n, err)) > 0) {
        const struct nlmsghdr *nlh = (const void *)nl->buf;

        if (nlh->nlmsg_type == NLMSG_ERROR)
            return read_ack(nlh, err);
    }
    return r;
}

/* One datagram of a dump: 0 go on, 1 it was the last. */
static int read_piece(struct netlink *nl, size_t n, int (*cb)(const struct nlmsghdr *, void *), void *arg,
                      int *again, struct orc_err *err)
{
    const struct nlmsghdr *nlh = (const void *)nl->buf;
    int left = (int)n, r;

    for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
        if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
            *again = NETLINK_AGAIN;
        if (nlh->nlmsg_type == NLMSG_DONE)
            return 1;
        if (nlh->nlmsg_type == NLMSG_ERROR)
            return (r = read_ack(nlh, err)) < 0 ? r : 1;
        if ((r = cb(nlh, arg)) < 0)
            return orc_fail(err, r, "%s",
                            r == -E2BIG ? "There are too many of them." : "A message is malformed.");
    }
    return 0;
}

int netlink_dump(struct netlink *nl, struct netlink_req *req,
                 int (*cb)(const struct nlmsghdr *nlh, void *arg), void *arg, struct orc_err *err)
{
    int again = 0, last = 0, r;
    size_t n;

    req->nlh->nlmsg_flags |= NLM_F_DUMP;
    r = send_req(nl, req, err);
    while (r >= 0 && !last) {
        r = receive(nl, &n, err);
        if (r > 0)
            r = last = read_piece(nl, n, cb, arg, &again, err);
    }
    return r < 0 ? r : again;
}
