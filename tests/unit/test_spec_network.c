/* network_mode: what is taken, what is refused beside it, and which ports of the server are taken. */
#include "tests/unit/spec_test.h"

struct refusal {
    const char *yaml, *place, *part;
};

static void assert_refusals(const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_problem(cases[i].yaml, cases[i].place, cases[i].part);
}
#define ASSERT_REFUSALS(cases) assert_refusals(cases, ORC_ARRAY_SIZE(cases))

static void test_network_mode__bridge_is_what_there_is_anyway(void **state)
{
    assert_same(WEB("    network_mode: bridge\n    ports: ['80:80']\n"), WEB("    ports: ['80:80']\n"));
    assert_same(WEB("    network_mode: 'bridge'\n"), WEB(""));
}

static void test_network_mode__none_and_host(void **state)
{
    assert_web(
        WEB("    network_mode: none\n    healthcheck: {test: [CMD, check]}\n"),
        "\"health\":{\"kind\":\"exec\",\"exec\":[\"check\"],\"timeout_ms\":30000},\"network\":\"none\"");
    assert_web(WEB("    network_mode: host\n"), "\"network\":\"host\"");
}

/* What a process in the server's network listens on can be listened on once per server: route, check and
 * what "expose" names are held against one another as published ports are (behaviour 27). */
static void test_network_mode__host_takes_the_servers_ports(void **state)
{
    static const char *const ports =
        "\"network\":\"host\",\"ports\":[{\"host_ip\":\"0.0.0.0\",\"host\":53,\"container\":53,\"udp\":true},"
        "{\"host_ip\":\"0.0.0.0\",\"host\":9100,\"container\":9100},"
        "{\"host_ip\":\"0.0.0.0\",\"host\":9200,\"container\":9200},"
        "{\"host_ip\":\"0.0.0.0\",\"host\":9201,\"container\":9201}]";

    assert_same(WEB("    network_mode: host\n    expose: [53/udp, 9100, 9200-9201/tcp]\n"),
                WEB("    expose: ['9201', 9200, 9100, 53/udp, 9100]\n    network_mode: host\n"));
    assert_web(WEB("    network_mode: host\n    expose: ['53/udp', 9200-9201, 9100]\n"), ports);
    assert_web(WEB("    network_mode: host\n    x-orc: {health: {tcp: {port: 9100}}}\n"),
               "\"health\":{\"kind\":\"tcp\",\"port\":9100},\"network\":\"host\",\"ports\":[{\"host_ip\":"
               "\"0.0.0.0\",\"host\":9100,\"container\":9100}]");
    assert_web(WEB("    network_mode: host\n    x-orc: {gateway: {port: 80}}\n"),
               "\"network\":\"host\",\"ports\":[{\"host_ip\":\"0.0.0.0\",\"host\":80,\"container\":80}],"
               "\"gateway\":[{\"host\":\"\",\"path\":\"/\",\"port\":80}]");
    assert_web(
        WEB("    network_mode: host\n    healthcheck: {test: [CMD, check]}\n"),
        "\"health\":{\"kind\":\"exec\",\"exec\":[\"check\"],\"timeout_ms\":30000},\"network\":\"host\"");
}

static void test_network_mode__what_it_may_be(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    network_mode: hots\n"), "4:19: ", "\"hots\""},
        {WEB("    network_mode: container:abc\n"), "4:19: ", "\"container:abc\""},
        {WEB("    network_mode: [host]\n"), "4:19: ", "list"},
        {WEB("    network_mode: ''\n"), "4:19: ", "network_mode"},
        {WEB("    network_mode:\n"), "4:18: ", "network_mode"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_network_mode__what_makes_no_sense_beside_it(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    network_mode: host\n    ports: ['80:80']\n"),
         "5:12: ", "\"ports\" makes no sense beside network_mode \"host\": its ports are the server's own"},
        {WEB("    network_mode: host\n    networks: [default]\n"),
         "5:15: ", "\"networks\" makes no sense beside network_mode \"host\""},
        {WEB("    networks: [default]\n    network_mode: bridge\n"),
         "4:15: ", "\"networks\" makes no sense beside network_mode \"bridge\""},
        {WEB("    network_mode: none\n    networks: [default]\n"), "5:15: ", "\"networks\" makes no sense"},
        {WEB("    network_mode: none\n    ports: ['80:80']\n"),
         "5:12: ", "\"ports\" makes no sense beside network_mode \"none\": nobody reaches the container"},
        {WEB("    network_mode: none\n    expose: [80]\n"), "5:13: ", "\"expose\" makes no sense"},
        {WEB("    network_mode: none\n    x-orc: {gateway: {port: 80}}\n"),
         "5:22: ", "\"gateway\" makes no sense"},
        {WEB("    network_mode: none\n    x-orc: {health: {http: {port: 80}}}\n"), "5:21: ",
         "\"health\" makes no sense beside network_mode \"none\": nobody reaches the container; give "
         "\"exec\""},
        {WEB("    network_mode: none\n    x-orc: {health: {tcp: {port: 80}}}\n"), "5:21: ", "give \"exec\""},
        {WEB("    expose: [80]\n"), "4:13: ", "\"expose\" is for network_mode \"host\""},
        {WEB("    network_mode: host\n    expose: [none]\n"), "5:14: ", "port \"none\": \"none\" is no port"},
        {WEB("    network_mode: host\n    expose: ['80:80']\n"), "5:14: ", "is no port"},
        {WEB("    network_mode: host\n    expose: [80/sctp]\n"), "5:14: ", "protocol \"sctp\""},
        {WEB("    network_mode: host\n    expose: 80\n"), "5:13: ", "expose must be a list"},
    };

    ASSERT_REFUSALS(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_mode__bridge_is_what_there_is_anyway),
        cmocka_unit_test(test_network_mode__none_and_host),
        cmocka_unit_test(test_network_mode__host_takes_the_servers_ports),
        cmocka_unit_test(test_network_mode__what_it_may_be),
        cmocka_unit_test(test_network_mode__what_makes_no_sense_beside_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
