/* netplug/protocol: structs to JSON and back, and what neither end believes. */
#include "netplug/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_t *j = json_loads(text, 0, NULL);

    if (!j)
        fail_msg("not JSON: %s", text);
    return j;
}

static void test_netplug_protocol__a_bridge_request_arrives_whole(void **state)
{
    const struct netplug_bridge_req req = {.mode = "bridge",
                                           .interface = "eth1",
                                           .vlan = 100,
                                           .address = "10.210.1.1/16",
                                           .mtu = 1400,
                                           .confirm_within_ms = 5000};
    struct netplug_bridge_req got = {0};
    json_t *j = protocol_bridge_req(&req);

    assert_int_equal(protocol_read_bridge_req(j, &got, NULL), 0);
    assert_string_equal(got.mode, "bridge");
    assert_string_equal(got.interface, "eth1");
    assert_string_equal(got.address, "10.210.1.1/16");
    assert_int_equal(got.vlan, 100);
    assert_int_equal(got.mtu, 1400);
    assert_int_equal(got.confirm_within_ms, 5000);
    json_decref(j);
}

static void expect_bad_bridge(const char *text, const char *names)
{
    struct netplug_bridge_req got = {.mtu = 77};
    struct orc_err err = ORC_ERR_INIT;
    json_t *j = parse(text);

    assert_int_equal(protocol_read_bridge_req(j, &got, &err), -EINVAL);
    if (!strstr(err.msg, names))
        fail_msg("%s gave: %s", text, err.msg);
    assert_int_equal(got.mtu, 77);
    json_decref(j);
}

static void test_netplug_protocol__wrong_types_are_refused_by_name(void **state)
{
    orc_auto_free char *long_name = orc_calloc(1, 400);
    orc_auto_free char *text = NULL;

    expect_bad_bridge("{\"interface\":7}", "\"interface\"");
    expect_bad_bridge("{\"mtu\":\"1500\"}", "\"mtu\"");
    expect_bad_bridge("{\"mtu\":99999999999}", "\"mtu\"");
    expect_bad_bridge("{\"vlan\":1.5}", "\"vlan\"");
    expect_bad_bridge("{\"address\":[]}", "\"address\"");
    expect_bad_bridge("{\"confirm_within_ms\":-1}", "\"confirm_within_ms\"");
    memset(long_name, 'x', 300);
    text = orc_printf("{\"interface\":\"%s\"}", long_name);
    expect_bad_bridge(text, "\"interface\"");
}

static void test_netplug_protocol__a_probe_request_arrives_whole(void **state)
{
    struct orc_strv peers = {0}, got_peers = {0};
    struct netplug_probe_req req = {
        .peers = &peers, .source = "10.0.0.1", .mtu = 1500, .timeout_ms = 300, .count = 2};
    struct netplug_probe_req got = {0};
    json_t *j;

    orc_strv_add(&peers, "10.0.0.2");
    orc_strv_add(&peers, "10.0.0.3");
    j = protocol_probe_req(&req);
    assert_int_equal(protocol_read_probe_req(j, &got, &got_peers, NULL), 0);
    assert_true(orc_strv_eq(got.peers, &peers));
    assert_string_equal(got.source, "10.0.0.1");
    assert_int_equal(got.mtu, 1500);
    assert_int_equal(got.timeout_ms, 300);
    assert_int_equal(got.count, 2);
    json_decref(j);
    orc_strv_release(&peers);
    orc_strv_release(&got_peers);
}

static void test_netplug_protocol__a_peer_that_is_no_object_is_named(void **state)
{
    struct netplug_probe_req got = {0};
    struct orc_err err = ORC_ERR_INIT;
    struct orc_strv peers = {0};
    json_t *j = parse("{\"peers\":[{\"address\":\"10.0.0.2\"},{\"address\":7}],\"mtu\":1500}");

    assert_int_equal(protocol_read_probe_req(j, &got, &peers, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "peers[1]"));
    json_decref(j);
    orc_strv_release(&peers);
}

static void test_netplug_protocol__results_arrive_whole(void **state)
{
    struct netplug_bridge_res res = {.mtu = 1450,
                                     .changed = true,
                                     .must_confirm = true,
                                     .token = orc_strdup("t"),
                                     .confirm_left_ms = 29999};
    struct netplug_bridge_res got = {0};
    json_t *j;

    orc_strv_add(&res.addresses, "10.0.0.1/24");
    orc_strv_add(&res.steps, "set eth1 master orc0");
    j = protocol_bridge_res(&res);
    assert_int_equal(protocol_read_bridge_res(j, &got, NULL), 0);
    assert_int_equal(got.mtu, 1450);
    assert_true(got.changed && got.must_confirm);
    assert_string_equal(got.token, "t");
    assert_int_equal(got.confirm_left_ms, 29999);
    assert_true(orc_strv_eq(&got.addresses, &res.addresses));
    assert_true(orc_strv_eq(&got.steps, &res.steps));
    json_decref(j);
    netplug_bridge_res_clear(&res);
    netplug_bridge_res_clear(&got);
}

static void test_netplug_protocol__peers_and_links_arrive_whole(void **state)
{
    struct netplug_probe_res probes = {0}, got_probes = {0};
    struct netplug_links_res links = {0}, got_links = {0};
    struct netplug_peer *p = orc_vec_add(&probes.peers);
    struct netplug_link *l = orc_vec_add(&links.links);
    json_t *j;

    *p = (struct netplug_peer){orc_strdup("10.0.0.2"), NETPLUG_PATH_MTU, 1400, 250, 3, 0, orc_strdup("why")};
    j = protocol_probe_res(&probes);
    assert_int_equal(protocol_read_probe_res(j, &got_probes, NULL), 0);
    json_decref(j);
    assert_int_equal(got_probes.peers.n, 1);
    assert_string_equal(got_probes.peers.at[0].address, "10.0.0.2");
    assert_int_equal(got_probes.peers.at[0].path, NETPLUG_PATH_MTU);
    assert_int_equal(got_probes.peers.at[0].path_mtu, 1400);
    assert_int_equal(got_probes.peers.at[0].rtt_us, 250);
    assert_string_equal(got_probes.peers.at[0].reason, "why");

    *l = (struct netplug_link){.name = orc_strdup("eth1"),
                               .kind = orc_strdup(""),
                               .mac = orc_strdup("m"),
                               .master = orc_strdup("orc0"),
                               .index = 3,
                               .mtu = 9000,
                               .up = true};
    orc_strv_add(&l->addresses, "fe80::1/64");
    j = protocol_links_res(&links);
    assert_int_equal(protocol_read_links_res(j, &got_links, NULL), 0);
    json_decref(j);
    assert_string_equal(got_links.links.at[0].master, "orc0");
    assert_int_equal(got_links.links.at[0].mtu, 9000);
    assert_true(got_links.links.at[0].up && !got_links.links.at[0].running);
    assert_true(orc_strv_eq(&got_links.links.at[0].addresses, &l->addresses));

    netplug_probe_res_clear(&probes);
    netplug_probe_res_clear(&got_probes);
    netplug_links_res_clear(&links);
    netplug_links_res_clear(&got_links);
}

static void test_netplug_protocol__a_refusal_keeps_its_code_and_words(void **state)
{
    static const int codes[] = {-EINVAL, -EACCES, -EOPNOTSUPP, -ENODEV, -EEXIST,
                                -ESTALE, -EIO,    -EMSGSIZE,   -EBUSY};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(codes); i++) {
        struct orc_err err = ORC_ERR_INIT;
        const json_t *result = NULL;
        uint64_t id = 0;
        json_t *j = protocol_refusal(5, codes[i], "Because \"x\".");

        assert_int_equal(protocol_read_id(j, &id, NULL), 0);
        assert_int_equal(id, 5);
        assert_int_equal(protocol_read_answer(j, &result, &err), codes[i]);
        assert_string_equal(err.msg, "Because \"x\".");
        json_decref(j);
    }
    assert_string_equal(protocol_error_name(-ENOTTY), "EIO");
    assert_int_equal(protocol_error_from_name("EWHAT"), -EIO);
}

static void test_netplug_protocol__a_malformed_answer_is_an_error(void **state)
{
    static const char *const bad[] = {"{}", "{\"ok\":1}", "{\"ok\":false}",
                                      "{\"ok\":false,\"error\":7,\"message\":\"m\"}",
                                      "{\"ok\":true,\"result\":[]}"};
    struct netplug_probe_res probes = {0};
    const json_t *result = NULL;
    json_t *j;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        j = parse(bad[i]);
        if (protocol_read_answer(j, &result, NULL) >= 0)
            fail_msg("%s was taken for an answer", bad[i]);
        json_decref(j);
    }
    j = parse("{\"peers\":[{\"address\":\"a\",\"path\":\"sideways\",\"rtt_us\":1,\"reason\":\"\"}]}");
    assert_int_equal(protocol_read_probe_res(j, &probes, NULL), -EINVAL);
    netplug_probe_res_clear(&probes);
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_protocol__a_bridge_request_arrives_whole),
        cmocka_unit_test(test_netplug_protocol__wrong_types_are_refused_by_name),
        cmocka_unit_test(test_netplug_protocol__a_probe_request_arrives_whole),
        cmocka_unit_test(test_netplug_protocol__a_peer_that_is_no_object_is_named),
        cmocka_unit_test(test_netplug_protocol__results_arrive_whole),
        cmocka_unit_test(test_netplug_protocol__peers_and_links_arrive_whole),
        cmocka_unit_test(test_netplug_protocol__a_refusal_keeps_its_code_and_words),
        cmocka_unit_test(test_netplug_protocol__a_malformed_answer_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
