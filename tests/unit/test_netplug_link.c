/* netplug/link: names, addresses and routes as text and as JSON. */
#include "netplug/link.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_netplug_link__names_the_kernel_takes_are_taken(void **state)
{
    static const char *const good[] = {"eth1", "eth1.100", "enp0s31f6", "a", "fifteen-chars-x",
                                       "br@5", "eth1_x"};
    static const char *const bad[] = {"",    ".",    "..",   "a b", "a/b", "a:b", "sixteen-chars-xx",
                                      "a\n", "a\"b", "\x80", "a\tb"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++)
        assert_int_equal(link_name_check(good[i], NULL), 0);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        assert_int_equal(link_name_check(bad[i], NULL), -EINVAL);
}

static void test_netplug_link__addresses_are_read_and_written(void **state)
{
    static const char *const good[] = {"10.0.0.1/24", "0.0.0.0/0", "10.210.3.1/16", "fd00::1/64", "::/0"};
    static const char *const bad[] = {
        "",          "10.0.0.1",     "10.0.0.1/",    "10.0.0.1/33", "10.0.0.1/-1",
        "10.0.0/24", "10.0.0.1/24 ", " 10.0.0.1/24", "10.0.0.1/2x", "fd00::1/129",
        "host/24",   "/24",          "10.0.0.256/24"};
    char text[LINK_TEXT_MAX];
    struct link_addr a = {.prefix = 77};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        if (link_addr_parse(bad[i], &a, NULL) != -EINVAL || a.prefix != 77)
            fail_msg("\"%s\" was not refused", bad[i]);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++) {
        assert_int_equal(link_addr_parse(good[i], &a, NULL), 0);
        assert_string_equal(link_addr_text(&a, text), good[i]);
    }
}

static void test_netplug_link__a_host_address_is_not_its_networks(void **state)
{
    static const char *const good[] = {"10.210.3.1/16", "10.0.0.1/30", "192.168.1.254/24", "10.0.1.0/16"};
    static const char *const bad[] = {"10.210.0.0/16", "10.210.255.255/16", "127.0.0.1/8",
                                      "224.0.0.1/16",  "0.1.2.3/16",        "10.0.0.1/32",
                                      "10.0.0.1/31",   "10.0.0.1/7",        "fd00::1/16"};
    struct link_addr a;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++)
        assert_int_equal(link_host_addr_parse(good[i], &a, NULL), 0);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        if (link_host_addr_parse(bad[i], &a, NULL) != -EINVAL)
            fail_msg("\"%s\" was not refused", bad[i]);
}

static void test_netplug_link__an_address_survives_the_state_file(void **state)
{
    struct link_addr a = {0}, b = {0};
    json_t *j;

    link_addr_parse("10.0.0.1/24", &a, NULL);
    link_ip_parse("10.0.0.9", &a.peer, NULL);
    link_ip_parse("10.0.0.255", &a.broadcast, NULL);
    a.no_route = true;
    a.scope = RT_SCOPE_SITE;
    strcpy(a.label, "eth1:x");
    j = link_addr_json(&a);
    assert_int_equal(link_addr_from_json(j, &b, NULL), 0);
    assert_memory_equal(&a, &b, sizeof a);
    json_decref(j);
}

static void test_netplug_link__a_route_survives_the_state_file(void **state)
{
    struct link_route a = {.prefix = 16,
                           .table = 1000,
                           .protocol = RTPROT_STATIC,
                           .scope = 3,
                           .type = RTN_UNICAST,
                           .tos = 8,
                           .metric = UINT32_MAX,
                           .onlink = true,
                           .metrics = {8, 0, 2, 0, 0x14, 5, 0, 0xff},
                           .metrics_len = 8},
                      b = {0};
    char x[LINK_TEXT_MAX], y[LINK_TEXT_MAX];
    json_t *j;

    link_ip_parse("172.30.0.0", &a.to, NULL);
    link_ip_parse("10.0.0.254", &a.via, NULL);
    link_ip_parse("10.0.0.1", &a.from, NULL);
    j = link_route_json(&a);
    assert_int_equal(link_route_from_json(j, &b, NULL), 0);
    assert_memory_equal(&a, &b, sizeof a);
    assert_string_equal(link_route_text(&a, x), link_route_text(&b, y));
    assert_string_equal(x, "172.30.0.0/16 via 10.0.0.254 src 10.0.0.1 metric 4294967295 table 1000");
    json_decref(j);
}

static void expect_bad_route(const char *text)
{
    struct link_route r = {.prefix = 77};
    json_t *j = json_loads(text, 0, NULL);

    assert_non_null(j);
    if (link_route_from_json(j, &r, NULL) >= 0 || r.prefix != 77)
        fail_msg("%s was not refused", text);
    json_decref(j);
}

static void test_netplug_link__a_damaged_record_is_refused(void **state)
{
    expect_bad_route("{}");
    expect_bad_route("{\"to\":7}");
    expect_bad_route("{\"to\":\"10.0.0.0\"}");
    expect_bad_route("{\"to\":\"10.0.0.0/8\",\"via\":\"nowhere\"}");
    expect_bad_route("{\"to\":\"10.0.0.0/8\",\"metric\":4294967296}");
    expect_bad_route("{\"to\":\"10.0.0.0/8\",\"metric\":-1}");
    expect_bad_route("{\"to\":\"10.0.0.0/8\",\"scope\":256}");
    expect_bad_route("{\"to\":\"10.0.0.0/8\",\"metrics\":\"0\"}");
    expect_bad_route("{\"to\":\"10.0.0.0/8\",\"metrics\":\"zz\"}");
    expect_bad_route("{\"to\":\"10.0.0.0/8\",\"onlink\":\"yes\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_link__names_the_kernel_takes_are_taken),
        cmocka_unit_test(test_netplug_link__addresses_are_read_and_written),
        cmocka_unit_test(test_netplug_link__a_host_address_is_not_its_networks),
        cmocka_unit_test(test_netplug_link__an_address_survives_the_state_file),
        cmocka_unit_test(test_netplug_link__a_route_survives_the_state_file),
        cmocka_unit_test(test_netplug_link__a_damaged_record_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
