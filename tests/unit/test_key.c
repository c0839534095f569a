#include "state/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_key(char *made, const char *expected, enum key_kind kind)
{
    struct key k;

    assert_string_equal(made, expected);
    assert_int_equal(key_parse("c1", made, &k), kind);
    free(made);
}

static void test_key__every_kind_is_made_and_recognised(void **state)
{
    assert_key(key_config("c1"), "/orc/c1/config", KEY_CONFIG);
    assert_key(key_leader("c1"), "/orc/c1/leader", KEY_LEADER);
    assert_key(key_app("c1", "shop"), "/orc/c1/apps/shop", KEY_APP);
    assert_key(key_revision("c1", "shop", "web", 12), "/orc/c1/revisions/shop/web/00000012", KEY_REVISION);
    assert_key(key_intent("c1", "shop", "web"), "/orc/c1/intents/shop/web", KEY_INTENT);
    assert_key(key_rollout("c1", "shop", "web"), "/orc/c1/rollouts/shop/web", KEY_ROLLOUT);
    assert_key(key_task("c1", "k1", "shop.web.2.17"), "/orc/c1/tasks/k1/shop.web.2.17", KEY_TASK);
    assert_key(key_status("c1", "k1", "shop.web.2.17"), "/orc/c1/status/k1/shop.web.2.17", KEY_STATUS);
    assert_key(key_node("c1", "k1"), "/orc/c1/nodes/k1", KEY_NODE);
    assert_key(key_node_policy("c1", "k1"), "/orc/c1/node-policy/k1", KEY_NODE_POLICY);
    assert_key(key_alive("c1", "k1"), "/orc/c1/alive/k1", KEY_ALIVE);
    assert_key(key_subnet("c1", 0), "/orc/c1/subnets/0", KEY_SUBNET);
    assert_key(key_endpoint("c1", "shop", "web", "shop.web.2.17"), "/orc/c1/endpoints/shop/web/shop.web.2.17",
               KEY_ENDPOINT);
    assert_key(key_gateway("c1", "g1"), "/orc/c1/gateways/g1", KEY_GATEWAY);
    assert_key(key_gateway_alive("c1", "g1"), "/orc/c1/gateway-alive/g1", KEY_GATEWAY_ALIVE);
    assert_key(key_event("c1", INT64_C(1700000000000), "0a1b"), "/orc/c1/events/1700000000000-0a1b",
               KEY_EVENT);
}

static void test_key__ranges_end_in_a_slash_so_that_none_holds_another(void **state)
{
    static const struct {
        enum key_kind kind;
        const char *range;
    } cases[] = {{KEY_TASK, "/orc/c1/tasks/"},
                 {KEY_GATEWAY, "/orc/c1/gateways/"},
                 {KEY_NODE, "/orc/c1/nodes/"},
                 {KEY_CONFIG, "/orc/c1/config"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *range = key_range("c1", cases[i].kind);

        assert_string_equal(range, cases[i].range);
    }
    {
        orc_auto_free char *tasks = key_tasks_of("c1", "k1"), *status = key_status_of("c1", "k1");

        assert_string_equal(tasks, "/orc/c1/tasks/k1/");
        assert_string_equal(status, "/orc/c1/status/k1/");
    }
}

static void test_key__parts_are_given_back(void **state)
{
    struct key k;

    assert_int_equal(key_parse("c1", "/orc/c1/endpoints/shop/web/shop.web.2.17", &k), KEY_ENDPOINT);
    assert_string_equal(k.app, "shop");
    assert_string_equal(k.service, "web");
    assert_string_equal(k.task, "shop.web.2.17");
    assert_int_equal(key_parse("c1", "/orc/c1/revisions/shop/web/00000012", &k), KEY_REVISION);
    assert_int_equal(k.n, 12);
    assert_int_equal(key_parse("c1", "/orc/c1/tasks/k1/shop.web.2.17", &k), KEY_TASK);
    assert_string_equal(k.node, "k1");
    assert_string_equal(k.service, "web");
    assert_int_equal(key_parse("c1", "/orc/c1/subnets/17", &k), KEY_SUBNET);
    assert_int_equal(k.n, 17);
    assert_int_equal(key_parse("c1", "/orc/c1/events/1700000000000-ab", &k), KEY_EVENT);
    assert_int_equal(k.n, INT64_C(1700000000000));
}

static void test_key__what_does_not_fit_is_unknown_and_leaves_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "/orc/c1/",
        "/orc/c1",
        "/orc/c2/config",
        "/orc/c1/config/",
        "/orc/c1/config/x",
        "/orc/c1/configs",
        "/orc/c1/apps",
        "/orc/c1/apps/",
        "/orc/c1/apps/Shop",
        "/orc/c1/apps/shop/web",
        "/orc/c1/apps/-shop",
        "/orc/c1/apps/sh\xc3\xb6p",
        "/orc/c1/apps/..",
        "/orc/c1/revisions/shop/web/12",
        "/orc/c1/revisions/shop/web/000000012",
        "/orc/c1/revisions/shop/web/0000001x",
        "/orc/c1/revisions/shop/web/+0000001",
        "/orc/c1/tasks/k1/shop.web.2",
        "/orc/c1/tasks/k1/shop.web.2.17.1",
        "/orc/c1/tasks/k1/shop.web.02.17",
        "/orc/c1/tasks/k1/shop.web.-2.17",
        "/orc/c1/tasks/k1/shop.web.10000.17",
        "/orc/c1/tasks/k1/shop.web.2.99999999999999999999",
        "/orc/c1/tasks//shop.web.2.17",
        "/orc/c1/tasks/k1/x/shop.web.2.17",
        "/orc/c1/endpoints/shop/api/shop.web.2.17",
        "/orc/c1/endpoints/other/web/shop.web.2.17",
        "/orc/c1/subnets/-1",
        "/orc/c1/subnets/01",
        "/orc/c1/subnets/65536",
        "/orc/c1/events/170000000000-ab",
        "/orc/c1/events/1700000000000",
        "/orc/c1/events/1700000000000-",
        "/orc/c1/events/1700000000000-a/b",
        "/orc/c1/nodes/a23456789b123456789c123456789d123456789e123456789f123456789g1234",
    };
    struct key k, zero = {0};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        memset(&k, 7, sizeof k);
        if (key_parse("c1", bad[i], &k) != KEY_UNKNOWN)
            fail_msg("\"%s\" was taken for a key", bad[i]);
        assert_memory_equal(&k, &zero, sizeof k);
    }
}

static void test_key__a_key_longer_than_any_of_ours_is_unknown(void **state)
{
    char key[KEY_MAX + 100];
    struct key k;

    memset(key, 'a', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    memcpy(key, "/orc/c1/nodes/", 14);
    assert_int_equal(key_parse("c1", key, &k), KEY_UNKNOWN);
}

static void test_key__a_task_id_of_the_longest_names_fits_and_parses_back(void **state)
{
    static const char name[] = "a234567890123456789012345678901234567890";
    char id[KEY_TASK_MAX + 1];
    struct key k = {0};
    int slot = 0;
    int64_t attempt = 0;

    key_task_id(name, name, SPEC_REPLICAS_MAX - 1, INT64_MAX, id);
    assert_int_equal(key_task_id_parse(id, &k, &slot, &attempt), 0);
    assert_string_equal(k.app, name);
    assert_string_equal(k.service, name);
    assert_int_equal(slot, SPEC_REPLICAS_MAX - 1);
    assert_true(attempt == INT64_MAX);
}

static void test_key__a_bad_task_id_leaves_the_outputs_alone(void **state)
{
    struct key k = {.n = 5};
    int slot = 3;
    int64_t attempt = 4;

    assert_int_equal(key_task_id_parse("shop.web.x.1", &k, &slot, &attempt), -EINVAL);
    assert_int_equal(k.n, 5);
    assert_int_equal(slot, 3);
    assert_int_equal(attempt, 4);
}

static void test_key__a_refused_node_name_is_quoted_with_what_would_do(void **state)
{
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(key_check_node_name("k1", &err), 0);
    assert_int_equal(key_check_node_name("K1.example", &err), -EINVAL);
    assert_non_null(strstr(err.msg, "\"K1.example\""));
    assert_non_null(strstr(err.msg, "lower-case"));
    assert_int_equal(key_check_node_name("", &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key__every_kind_is_made_and_recognised),
        cmocka_unit_test(test_key__ranges_end_in_a_slash_so_that_none_holds_another),
        cmocka_unit_test(test_key__parts_are_given_back),
        cmocka_unit_test(test_key__what_does_not_fit_is_unknown_and_leaves_nothing),
        cmocka_unit_test(test_key__a_key_longer_than_any_of_ours_is_unknown),
        cmocka_unit_test(test_key__a_task_id_of_the_longest_names_fits_and_parses_back),
        cmocka_unit_test(test_key__a_bad_task_id_leaves_the_outputs_alone),
        cmocka_unit_test(test_key__a_refused_node_name_is_quoted_with_what_would_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
