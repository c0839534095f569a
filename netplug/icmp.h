/* icmp.h - ICMP echo messages as bytes (RFC 792), and what comes back. Pure; knows no sockets.
 *
 * Our echoes carry, behind the ICMP header: 8 bytes that nobody else knows, the peer's number and the
 * round's, so that an answer is ours only if it brings them back.
 */
#ifndef NETPLUG_ICMP_H
#define NETPLUG_ICMP_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP_OVERHEAD 28 /* IPv4 header without options, 20 bytes, and ICMP header, 8 */

struct icmp_tag {
    uint8_t secret[8];
    uint32_t peer, round;
};

/* Writes an echo request into buf, without the IP header, such that the whole IP packet has `size` bytes
 * (MTU_MIN..MTU_MAX). Returns the length written, size - 20, or 0 when it doesn't fit. */
size_t icmp_echo(void *buf, size_t cap, int size, uint16_t id, uint16_t seq, const struct icmp_tag *tag);

enum icmp_what {
    ICMP_WHAT_OTHER,      /* not for us, or malformed */
    ICMP_WHAT_REPLY,      /* an echo reply */
    ICMP_WHAT_TOO_BIG,    /* "fragmentation needed and DF set": RFC 1191 */
    ICMP_WHAT_UNREACHABLE /* destination unreachable for another reason */
};

struct icmp_msg {
    enum icmp_what what;
    struct in_addr from; /* sender of this packet */
    struct in_addr to;   /* errors: where the packet went that caused it */
    uint16_t id, seq;    /* of the echo */
    int size;            /* ICMP_WHAT_REPLY: bytes of the whole IP packet */
    int code;            /* ICMP_WHAT_UNREACHABLE: RFC 792's code */
    int next_mtu;        /* ICMP_WHAT_TOO_BIG: the next hop's MTU, 0 from routers older than RFC 1191 */
    struct icmp_tag tag; /* ICMP_WHAT_REPLY */
};

/* Reads n bytes as a raw socket delivers them, IP header first. Anything strange is ICMP_WHAT_OTHER. */
void icmp_parse(const void *packet, size_t n, struct icmp_msg *ret);

/* "host unreachable" for a code of destination unreachable (RFC 792, RFC 1812 section 5.2.7.1). */
const char *icmp_code_text(int code);

/* The Internet checksum (RFC 1071) of n bytes; 0 over data that contain their own right checksum. */
uint16_t icmp_checksum(const void *data, size_t n);

#endif
