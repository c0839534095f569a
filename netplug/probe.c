#include "netplug/probe.h"

#include "netplug/icmp.h"
#include "netplug/mtu.h"
#include "netplug/path_search.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25 /* linux/in.h; since Linux 4.10 */
#endif

#define DEFAULT_TIMEOUT_MS 1000
#define DEFAULT_COUNT 3
#define SEARCH_TRIES                                                                                         \
    2 /* per size; the full size is tried again at the end, so a lost packet does no harm                    \
       */
#define SEARCH_LEAST_MS 50 /* time-out while searching, once the peer's round trip is known: ... */
#define SEARCH_RTTS 8      /* ... this many of them and SEARCH_LEAST_MS */
#define SPACING_US 10000   /* between echoes to one peer, so that one burst of loss does not take all */
#define RETRY_US 2000      /* after a full send queue */
#define RECEIVE_BYTES (4 << 20)
#define READ_BURST 256 /* answers read before other work of the loop gets its turn */

struct peer {
    struct in_addr ip;
    struct path_search search;
    uint32_t round;
    int size, tries, done; /* of this round: size of its packets, how many to send, how many were sent */
    int answered, blocked; /* of these; refused by our own machine */
    uint16_t seqs[NETPLUG_MAX_COUNT]; /* of the round's echoes */
    int64_t sent_at[NETPLUG_MAX_COUNT];
    int64_t next_at; /* when to send again or to give the round up, microseconds */
    int64_t rtt_us, small_rtt_us;
    int sent_full, received_full;
    int fragment;      /* an answer came in fragments of this size, 0: none did */
    int local_mtu;     /* a size our own interface refused, 0: none */
    int router_mtu;    /* what a router said, 0: nothing */
    const char *error; /* what the network or our machine said last; static text */
    bool decided;
};

struct probe {
    uv_poll_t poll;
    uv_timer_t timer;
    int fd, open_handles;
    int64_t timeout_us;
    int count;
    uint16_t id, seq;
    uint8_t secret[8];
    struct peer *peers;
    size_t n, undecided;
    probe_fn fn; /* NULL once called or cancelled */
    void *arg;
    uint8_t buf[MTU_MAX + 1];
};

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- one peer's rounds --- */

/* While searching most rounds end by time-out: a peer that answered small packets in 300 us is not given a
 * second. */
static int64_t patience(const struct probe *p, const struct peer *q)
{
    int64_t searching = q->small_rtt_us * SEARCH_RTTS + SEARCH_LEAST_MS * 1000;

    if (q->search.stage != PATH_SEARCHING || q->small_rtt_us < 0 || searching > p->timeout_us)
        return p->timeout_us;
    return searching;
}

static void begin_round(struct probe *p, struct peer *q, int64_t now)
{
    q->size = path_search_next(&q->search);
    q->decided = q->size == 0;
    q->tries = q->search.stage == PATH_SEARCHING ? SEARCH_TRIES : p->count;
    q->round++;
    q->done = q->answered = q->blocked = 0;
    q->next_at = now;
    if (q->decided)
        p->undecided--;
}

static void end_round(struct probe *p, struct peer *q, int64_t now)
{
    path_search_result(&q->search, q->answered > 0);
    begin_round(p, q, now);
}

static void note_send_error(struct peer *q, int error)
{
    q->blocked++;
    if (error == EMSGSIZE)
        q->local_mtu = q->size;
    else
        q->error = strerrordesc_np(error);
}

/* Returns false when the send queue is full. */
static bool send_echo(struct probe *p, struct peer *q, int64_t now)
{
    struct icmp_tag tag = {.peer = (uint32_t)(q - p->peers), .round = q->round};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = q->ip};
    size_t n;

    memcpy(tag.secret, p->secret, sizeof tag.secret);
    p->seq = p->seq == UINT16_MAX ? 1 : p->seq + 1;
    q->seqs[q->done] = p->seq;
    q->sent_at[q->done] = now;
    n = icmp_echo(p->buf, sizeof p->buf, q->size, p->id, p->seq, &tag);
    if (sendto(p->fd, p->buf, n, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to) < 0) {
        if (errno == EAGAIN || errno == ENOBUFS)
            return false;
        note_send_error(q, errno);
    }
    q->done++;
    if (q->size == q->search.mtu)
        q->sent_full++;
    return true;
}

/* Does what is due for one peer. */
static void advance(struct probe *p, struct peer *q, int64_t now)
{
    while (!q->decided && q->next_at <= now) {
        if (q->done == q->tries || q->blocked) {
            end_round(p, q, now);
        } else if (!send_echo(p, q, now)) {
            q->next_at = now + RETRY_US;
        } else {
            q->next_at = now + (q->done < q->tries ? SPACING_US : patience(p, q));
            if (q->blocked)
                q->next_at = now; /* our own machine refused: nothing to wait for */
        }
    }
}

/* --- results --- */

static char *reason(const struct peer *q, const char *address)
{
    const struct path_search *s = &q->search;

    if (s->verdict == NETPLUG_PATH_OK)
        return orc_strdup("");
    if (s->verdict == NETPLUG_PATH_UNREACHABLE)
        return orc_printf("%s does not answer%s%s", address, q->error ? ": " : "", q->error ? q->error : "");
    if (q->local_mtu == s->mtu)
        return orc_printf(
            "packets of %d bytes don't fit this node's own interface; the largest that reaches %s has %d",
            s->mtu, address, s->lo);
    if (q->fragment)
        return orc_printf(
            "packets of %d bytes reach %s, but the answers come back in fragments of %d: largest whole "
            "packet %d",
            s->mtu, address, q->fragment, s->lo);
    return orc_printf("packets of %d bytes don't reach %s or don't come back; the largest that does has %d%s",
                      s->mtu, address, s->lo, q->router_mtu ? " (a router on the way said so)" : "");
}

static void fill_peer(const struct peer *q, struct netplug_peer *ret)
{
    char address[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &q->ip, address, sizeof address);
    ret->address = orc_strdup(address);
    ret->path = q->search.verdict;
    ret->path_mtu = q->search.lo;
    ret->rtt_us = ret->path == NETPLUG_PATH_OK ? q->rtt_us : q->small_rtt_us;
    ret->sent = q->sent_full;
    ret->received = q->received_full;
    ret->reason = reason(q, address);
}

static void on_closed(uv_handle_t *handle)
{
    struct probe *p = handle->data;

    if (--p->open_handles)
        return;
    close(p->fd);
    free(p->peers);
    free(p);
}

void probe_cancel(struct probe *p)
{
    p->fn = NULL;
    uv_poll_stop(&p->poll);
    uv_timer_stop(&p->timer);
    uv_close((uv_handle_t *)&p->poll, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
}

static void finish(struct probe *p)
{
    struct netplug_probe_res res = {0};
    probe_fn fn = p->fn;

    for (size_t i = 0; i < p->n; i++)
        fill_peer(&p->peers[i], orc_vec_add(&res.peers));
    probe_cancel(p);
    fn(&res, p->arg);
    netplug_probe_res_clear(&res);
}

/* --- the loop --- */

static void on_timer(uv_timer_t *timer);

/* Advances everybody, then sleeps until the next is due or ends. */
static void run(struct probe *p)
{
    int64_t now = now_us(), next = INT64_MAX;

    for (size_t i = 0; i < p->n; i++) {
        struct peer *q = &p->peers[i];

        advance(p, q, now);
        if (!q->decided && q->next_at < next)
            next = q->next_at;
    }
    if (p->undecided == 0) {
        finish(p);
        return;
    }
    uv_update_time(p->timer.loop);
    uv_timer_start(&p->timer, on_timer, (uint64_t)(next > now ? (next - now + 999) / 1000 : 0), 0);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static int find_seq(const struct peer *q, uint16_t seq)
{
    for (int i = 0; i < q->done; i++)
        if (q->seqs[i] == seq)
            return i;
    return -1;
}

static void keep_least(int64_t *least, int64_t rtt)
{
    if (*least < 0 || rtt < *least)
        *least = rtt;
}

static void on_reply(struct probe *p, const struct icmp_msg *m, int fragment, int64_t now)
{
    struct peer *q = m->tag.peer < p->n ? &p->peers[m->tag.peer] : NULL;
    int i;

    if (!q || q->decided || q->ip.s_addr != m->from.s_addr || m->tag.round != q->round ||
        m->size != q->size || memcmp(m->tag.secret, p->secret, sizeof p->secret) != 0 ||
        (i = find_seq(q, m->seq)) < 0)
        return;
    q->seqs[i] = 0; /* a duplicate does not count; sequence numbers begin at 1 */
    if (fragment > 0 && fragment < m->size) {
        q->fragment = fragment;
        path_search_hint(&q->search, fragment);
        return;
    }
    q->answered++;
    keep_least(&q->small_rtt_us, now - q->sent_at[i]);
    if (q->size == q->search.mtu) {
        q->received_full++;
        keep_least(&q->rtt_us, now - q->sent_at[i]);
    }
    if (q->answered == q->tries || q->search.stage == PATH_SEARCHING)
        end_round(p, q, now);
}

/* Errors name the packet they are about by address, id and sequence: forging one takes a guess at both, and
 * all it could do is to suggest a size. */
static void on_error_message(struct probe *p, const struct icmp_msg *m)
{
    for (size_t i = 0; i < p->n; i++) {
        struct peer *q = &p->peers[i];

        if (q->ip.s_addr != m->to.s_addr || q->decided || find_seq(q, m->seq) < 0)
            continue;
        if (m->what == ICMP_WHAT_UNREACHABLE) {
            q->error = icmp_code_text(m->code);
        } else if (m->next_mtu >= PATH_SMALL) {
            q->router_mtu = m->next_mtu;
            path_search_hint(&q->search, m->next_mtu);
        }
    }
}

static int fragment_size(struct msghdr *msg)
{
    int size = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVFRAGSIZE)
            memcpy(&size, CMSG_DATA(c), sizeof size);
    return size;
}

static bool read_one(struct probe *p, int64_t now)
{
    char control[CMSG_SPACE(sizeof(int)) * 4];
    struct iovec iov = {.iov_base = p->buf, .iov_len = sizeof p->buf};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(p->fd, &msg, MSG_DONTWAIT);
    struct icmp_msg m;

    if (n < 0)
        return errno != EAGAIN; /* an error the socket reports once, then goes on */
    icmp_parse(p->buf, (size_t)n, &m);
    if (m.what == ICMP_WHAT_OTHER || m.id != p->id)
        return true;
    if (m.what == ICMP_WHAT_REPLY)
        on_reply(p, &m, fragment_size(&msg), now);
    else
        on_error_message(p, &m);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct probe *p = poll->data;
    int64_t now = now_us();

    if (status < 0) /* libuv stops polling after an error of the socket, which the next read clears */
        uv_poll_start(poll, UV_READABLE, on_readable);
    for (int i = 0; i < READ_BURST && read_one(p, now); i++)
        ;
    run(p);
}

/* --- starting --- */

static int bind_source(int fd, const char *source, struct orc_err *err)
{
    struct sockaddr_in from = {.sin_family = AF_INET};

    if (!source || !source[0])
        return 0;
    if (inet_pton(AF_INET, source, &from.sin_addr) != 1)
        return orc_fail(err, -EINVAL, "Source \"%.64s\" is not a numeric IPv4 address.", source);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0)
        return orc_fail_errno(err, errno, "Send from %s, which must be an address of this machine", source);
    return 0;
}

/* IP_PMTUDISC_PROBE: sets DF, and ignores what the kernel believes about the path (ip(7)). */
static int open_socket(const char *source, int *ret, struct orc_err *err)
{
    orc_auto_close int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
    struct icmp_filter filter = {.data = ~(1U << ICMP_ECHOREPLY | 1U << ICMP_DEST_UNREACH)};
    int discover = IP_PMTUDISC_PROBE, on = 1, bytes = RECEIVE_BYTES, r;

    if (fd < 0 && (errno == EPERM || errno == EACCES))
        return orc_fail(err, -EPERM, "Probing needs root or the capability CAP_NET_RAW.");
    if (fd < 0)
        return orc_fail_errno(err, errno, "open a raw ICMP socket");
    if (setsockopt(fd, SOL_IP, IP_MTU_DISCOVER, &discover, sizeof discover) < 0)
        return orc_fail_errno(err, errno, "set don't-fragment on a raw socket");
    setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter); /* only spares us reading what others get */
    setsockopt(fd, SOL_IP, IP_RECVFRAGSIZE, &on, sizeof on);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    if ((r = bind_source(fd, source, err)) < 0)
        return r;
    *ret = orc_take_fd(fd);
    return 0;
}

static int check_figures(const struct netplug_probe_req *req, struct orc_err *err)
{
    if (req->timeout_ms < 0 || req->timeout_ms > NETPLUG_MAX_TIMEOUT_MS)
        return orc_fail(err, -EINVAL, "Time-out %d ms is out of range: 1..%d are possible.", req->timeout_ms,
                        NETPLUG_MAX_TIMEOUT_MS);
    if (req->count < 0 || req->count > NETPLUG_MAX_COUNT)
        return orc_fail(err, -EINVAL, "Count %d is out of range: 1..%d are possible.", req->count,
                        NETPLUG_MAX_COUNT);
    if (req->peers->n > NETPLUG_MAX_PEERS)
        return orc_fail(err, -EINVAL, "%zu peers are too many for one request: at most %d.", req->peers->n,
                        NETPLUG_MAX_PEERS);
    return mtu_check(req->mtu, err);
}

static int fill_peers(const struct netplug_probe_req *req, struct peer *peers, struct orc_err *err)
{
    for (size_t i = 0; i < req->peers->n; i++) {
        struct peer *q = &peers[i];
        const char *text = req->peers->at[i];

        if (inet_pton(AF_INET, text, &q->ip) != 1)
            return orc_fail(err, -EINVAL, "Peer \"%.64s\" is not a numeric IPv4 address, like \"10.0.0.2\".",
                            text);
        if (IN_MULTICAST(ntohl(q->ip.s_addr)) || q->ip.s_addr == INADDR_BROADCAST ||
            q->ip.s_addr == INADDR_ANY)
            return orc_fail(err, -EINVAL, "Peer \"%s\" is not the address of one machine.", text);
        path_search_init(&q->search, req->mtu);
        q->rtt_us = q->small_rtt_us = -1;
    }
    return 0;
}

static void init_handles(uv_loop_t *loop, struct probe *p)
{
    uv_poll_init(loop, &p->poll, p->fd);
    uv_timer_init(loop, &p->timer);
    p->poll.data = p->timer.data = p;
    p->open_handles = 2;
    uv_poll_start(&p->poll, UV_READABLE, on_readable);
    uv_timer_start(&p->timer, on_timer, 0,
                   0); /* also when there are no peers: never ends inside probe_start() */
}

int probe_start(uv_loop_t *loop, const struct netplug_probe_req *req, probe_fn fn, void *arg,
                struct probe **ret, struct orc_err *err)
{
    orc_auto_free struct peer *peers = orc_calloc(req->peers->n, sizeof *peers);
    struct probe *p;
    uint8_t secret[8];
    uint16_t id;
    int fd = -1, r = check_figures(req, err);

    if (getrandom(secret, sizeof secret, 0) != sizeof secret || getrandom(&id, sizeof id, 0) != sizeof id)
        return orc_fail_errno(err, errno, "get random bytes from the kernel");
    if (r < 0 || (r = fill_peers(req, peers, err)) < 0 || (r = open_socket(req->source, &fd, err)) < 0)
        return r;
    p = orc_new(struct probe);
    p->fd = fd;
    p->timeout_us = (req->timeout_ms ? req->timeout_ms : DEFAULT_TIMEOUT_MS) * INT64_C(1000);
    p->count = req->count ? req->count : DEFAULT_COUNT;
    p->id = id;
    memcpy(p->secret, secret, sizeof secret);
    p->peers = orc_take(peers);
    p->n = p->undecided = req->peers->n;
    p->fn = fn;
    p->arg = arg;
    for (size_t i = 0; i < p->n; i++)
        begin_round(p, &p->peers[i], now_us());
    init_handles(loop, p);
    *ret = p;
    return 0;
}
