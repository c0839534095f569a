/* netplug/icmp: echo messages as bytes, and what a hostile network may send back. */
#include "netplug/icmp.h"

#include "netplug/mtu.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct icmp_tag tag = {.secret = "\1\2\3\4\5\6\7", .peer = 42, .round = 7};

/* An IPv4 packet from 10.0.0.2 around an ICMP message; returns its length. */
static size_t packet(uint8_t *p, const void *icmp, size_t n, int header)
{
    memset(p, 0, (size_t)header);
    p[0] = (uint8_t)(0x40 | header / 4);
    p[9] = IPPROTO_ICMP;
    memcpy(p + 12, "\x0a\0\0\2", 4);
    memcpy(p + 16, "\x0a\0\0\1", 4);
    memcpy(p + header, icmp, n);
    return (size_t)header + n;
}

static void seal(uint8_t *icmp, size_t n)
{
    uint16_t sum;

    icmp[2] = icmp[3] = 0;
    sum = htons(icmp_checksum(icmp, n));
    memcpy(icmp + 2, &sum, 2);
}

/* The reply to our echo of `size` bytes. */
static size_t reply(uint8_t *p, int size, int header)
{
    uint8_t echo[65536];
    size_t n = icmp_echo(echo, sizeof echo, size - header + 20, 0x1234, 9, &tag);

    echo[0] = 0;
    seal(echo, n);
    return packet(p, echo, n, header);
}

/* "destination unreachable" about our echo to 10.0.0.9, of which `quoted` bytes behind its IP header are
 * quoted. */
static size_t unreachable(uint8_t *p, int code, int next_mtu, size_t quoted)
{
    uint8_t echo[1500], inner[1600],
        error[1700] = {3, (uint8_t)code, 0, 0, 0, 0, (uint8_t)(next_mtu >> 8), (uint8_t)next_mtu};
    size_t n;

    icmp_echo(echo, sizeof echo, 1500, 0x1234, 9, &tag);
    n = packet(inner, echo, quoted, 20);
    memcpy(inner + 16, "\x0a\0\0\x09", 4);
    memcpy(error + 8, inner, n);
    seal(error, n + 8);
    return packet(p, error, n + 8, 20);
}

/* RFC 1071's own example, section 3. */
static void test_netplug_icmp__checksum_is_the_internet_checksum(void **state)
{
    static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    assert_int_equal(icmp_checksum(data, sizeof data), (uint16_t)~0xddf2);
    assert_int_equal(icmp_checksum("\xff", 1), 0x00ff);
}

static void test_netplug_icmp__echo_has_the_size_asked_for(void **state)
{
    uint8_t buf[65536];
    static const int sizes[] = {68, 69, 576, 1500, 9000, 65535};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(sizes); i++) {
        size_t n = icmp_echo(buf, sizeof buf, sizes[i], 0x1234, 9, &tag);

        assert_int_equal(n, sizes[i] - 20);
        assert_memory_equal(buf, "\x08\x00", 2);
        assert_memory_equal(buf + 4, "\x12\x34\x00\x09", 4);
        assert_int_equal(icmp_checksum(buf, n), 0);
    }
    assert_int_equal(icmp_echo(buf, sizeof buf, 67, 1, 1, &tag), 0);
    assert_int_equal(icmp_echo(buf, sizeof buf, 65536, 1, 1, &tag), 0);
    assert_int_equal(icmp_echo(buf, sizeof buf, -1, 1, 1, &tag), 0);
    assert_int_equal(icmp_echo(buf, 100, 1500, 1, 1, &tag), 0);
}

static void test_netplug_icmp__a_reply_brings_everything_back(void **state)
{
    static uint8_t p[66000];
    struct icmp_msg m;

    icmp_parse(p, reply(p, 1500, 20), &m);
    assert_int_equal(m.what, ICMP_WHAT_REPLY);
    assert_int_equal(m.from.s_addr, inet_addr("10.0.0.2"));
    assert_int_equal(m.id, 0x1234);
    assert_int_equal(m.seq, 9);
    assert_int_equal(m.size, 1500);
    assert_memory_equal(&m.tag, &tag, sizeof tag);
}

static void test_netplug_icmp__ip_options_are_skipped(void **state)
{
    static uint8_t p[66000];
    struct icmp_msg m;

    icmp_parse(p, reply(p, 1500, 60), &m);
    assert_int_equal(m.what, ICMP_WHAT_REPLY);
    assert_int_equal(m.size, 1500);
}

static void test_netplug_icmp__errors_name_the_packet_they_are_about(void **state)
{
    uint8_t p[4096];
    struct icmp_msg m;

    icmp_parse(p, unreachable(p, 4, 1280, 8), &m);
    assert_int_equal(m.what, ICMP_WHAT_TOO_BIG);
    assert_int_equal(m.next_mtu, 1280);
    assert_int_equal(m.to.s_addr, inet_addr("10.0.0.9"));
    assert_int_equal(m.id, 0x1234);
    assert_int_equal(m.seq, 9);
    icmp_parse(p, unreachable(p, 1, 0, 500), &m);
    assert_int_equal(m.what, ICMP_WHAT_UNREACHABLE);
    assert_string_equal(icmp_code_text(m.code), "host unreachable");
    assert_string_equal(icmp_code_text(77), "destination unreachable");
    assert_string_equal(icmp_code_text(-1), "destination unreachable");
}

static void expect_other(const uint8_t *p, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees a read past the end */
    struct icmp_msg m;

    memcpy(exact, p, n);
    icmp_parse(exact, n, &m);
    assert_int_equal(m.what, ICMP_WHAT_OTHER);
    free(exact);
}

static void test_netplug_icmp__whatever_is_cut_short_is_ignored(void **state)
{
    static uint8_t p[66000];
    size_t n = reply(p, 100, 20);

    for (size_t i = 0; i < n; i++)
        expect_other(p, i);
    n = unreachable(p, 4, 1280, 8);
    for (size_t i = 0; i < n; i++)
        expect_other(p, i);
    for (size_t quoted = 0; quoted < 8; quoted++)
        expect_other(p, unreachable(p, 1, 0, quoted));
}

static void test_netplug_icmp__one_wrong_bit_is_noticed(void **state)
{
    static uint8_t p[66000];
    size_t n = reply(p, 200, 20);

    for (size_t i = 20; i < n; i++) {
        p[i] ^= 0x10;
        expect_other(p, n);
        p[i] ^= 0x10;
    }
    p[0] = 0x60; /* IPv6 */
    expect_other(p, n);
    p[0] = 0x41; /* a header of four bytes */
    expect_other(p, n);
    p[0] = 0x45;
    p[9] = IPPROTO_UDP;
    expect_other(p, n);
}

static void test_netplug_icmp__noise_is_survived(void **state)
{
    uint8_t p[256];
    struct icmp_msg m;

    srandom(1);
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)random() % sizeof p;

        for (size_t k = 0; k < n; k++)
            p[k] = (uint8_t)random();
        p[0] = (uint8_t)(0x40 | (p[0] & 15));
        p[9] = IPPROTO_ICMP;
        icmp_parse(p, n, &m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_icmp__checksum_is_the_internet_checksum),
        cmocka_unit_test(test_netplug_icmp__echo_has_the_size_asked_for),
        cmocka_unit_test(test_netplug_icmp__a_reply_brings_everything_back),
        cmocka_unit_test(test_netplug_icmp__ip_options_are_skipped),
        cmocka_unit_test(test_netplug_icmp__errors_name_the_packet_they_are_about),
        cmocka_unit_test(test_netplug_icmp__whatever_is_cut_short_is_ignored),
        cmocka_unit_test(test_netplug_icmp__one_wrong_bit_is_noticed),
        cmocka_unit_test(test_netplug_icmp__noise_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
