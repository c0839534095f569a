#include "netplug/icmp.h"

#include "lib/scope.h"
#include "netplug/mtu.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#define IP_LEN ((int)sizeof(struct iphdr))
#define ECHO_LEN 8 /* type, code, checksum, id, sequence */

uint16_t icmp_checksum(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t sum = 0;

    for (; n > 1; p += 2, n -= 2)
        sum += (uint32_t)p[0] << 8 | p[1];
    if (n)
        sum += (uint32_t)p[0] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

size_t icmp_echo(void *buf, size_t cap, int size, uint16_t id, uint16_t seq, const struct icmp_tag *tag)
{
    size_t n = (size_t)(size - IP_LEN);
    uint8_t *p = buf;

    if (size < MTU_MIN || size > MTU_MAX || n > cap)
        return 0;
    memset(p, 0, n);
    p[0] = ICMP_ECHO;
    put16(p + 4, id);
    put16(p + 6, seq);
    memcpy(p + ECHO_LEN, tag, sizeof *tag);
    for (size_t i = ECHO_LEN + sizeof *tag; i < n; i++)
        p[i] = (uint8_t)i; /* so that nothing on the way can compress it */
    put16(p + 2, icmp_checksum(p, n));
    return n;
}

/* Length of the IPv4 header at p, 0 when the n bytes don't hold a whole one. */
static size_t ip_header(const uint8_t *p, size_t n, int protocol)
{
    size_t len;

    if (n < (size_t)IP_LEN || p[0] >> 4 != 4 || p[9] != protocol)
        return 0;
    len = (size_t)(p[0] & 15) * 4;
    return len >= (size_t)IP_LEN && len <= n ? len : 0;
}

static void parse_reply(const uint8_t *p, size_t n, struct icmp_msg *m)
{
    if (n < ECHO_LEN + sizeof m->tag)
        return;
    m->id = get16(p + 4);
    m->seq = get16(p + 6);
    memcpy(&m->tag, p + ECHO_LEN, sizeof m->tag);
    m->what = ICMP_WHAT_REPLY;
}

/* RFC 792: the error carries the IP header of the packet it is about and at least 8 bytes behind it. */
static void parse_unreachable(const uint8_t *p, size_t n, struct icmp_msg *m)
{
    const uint8_t *inner = p + ECHO_LEN;
    size_t len = ip_header(inner, n - ECHO_LEN, IPPROTO_ICMP);

    if (len == 0 || n - ECHO_LEN < len + ECHO_LEN || inner[len] != ICMP_ECHO)
        return;
    memcpy(&m->to, inner + 16, sizeof m->to);
    m->id = get16(inner + len + 4);
    m->seq = get16(inner + len + 6);
    m->code = p[1];
    m->what = m->code == ICMP_FRAG_NEEDED ? ICMP_WHAT_TOO_BIG : ICMP_WHAT_UNREACHABLE;
    if (m->what == ICMP_WHAT_TOO_BIG)
        m->next_mtu = get16(p + 6);
}

void icmp_parse(const void *packet, size_t n, struct icmp_msg *ret)
{
    const uint8_t *p = packet;
    size_t len = ip_header(p, n, IPPROTO_ICMP);

    *ret = (struct icmp_msg){.what = ICMP_WHAT_OTHER};
    if (len == 0 || n - len < ECHO_LEN || icmp_checksum(p + len, n - len) != 0)
        return;
    memcpy(&ret->from, p + 12, sizeof ret->from);
    ret->size = (int)n;
    if (p[len] == ICMP_ECHOREPLY)
        parse_reply(p + len, n - len, ret);
    else if (p[len] == ICMP_DEST_UNREACH)
        parse_unreachable(p + len, n - len, ret);
}

const char *icmp_code_text(int code)
{
    static const char *const texts[] = {
        [ICMP_NET_UNREACH] = "network unreachable",
        [ICMP_HOST_UNREACH] = "host unreachable",
        [ICMP_PROT_UNREACH] = "protocol unreachable",
        [ICMP_PORT_UNREACH] = "port unreachable",
        [ICMP_SR_FAILED] = "source route failed",
        [ICMP_NET_UNKNOWN] = "network unknown",
        [ICMP_HOST_UNKNOWN] = "host unknown",
        [ICMP_NET_ANO] = "network prohibited by a firewall",
        [ICMP_HOST_ANO] = "host prohibited by a firewall",
        [ICMP_PKT_FILTERED] = "filtered by a firewall",
    };

    if (code < 0 || (size_t)code >= ORC_ARRAY_SIZE(texts) || !texts[code])
        return "destination unreachable";
    return texts[code];
}
