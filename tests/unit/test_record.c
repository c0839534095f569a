/* Every record there and back, and what hostile values do to them: nothing. */
#include "state/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* One way to handle all kinds. */
union any {
    struct record_config config;
    struct record_revision revision;
    struct record_app app;
    struct record_intent intent;
    struct record_rollout rollout;
    struct record_task task;
    struct record_status status;
    struct record_node node;
    struct record_node_policy node_policy;
    struct record_node_state node_state;
    struct record_alive alive;
    struct record_subnet subnet;
    struct record_endpoint endpoint;
    struct record_gateway gateway;
    struct record_gateway_alive gateway_alive;
    struct record_leader leader;
    struct record_event event;
};

#define KIND(x, text)                                                                                        \
    {                                                                                                        \
#x, (int (*)(const char *, size_t, void *, struct orc_err *))record_##x##_parse,                     \
            (char *(*)(const void *))record_##x##_text, (void (*)(void *))record_##x##_release,              \
            (void (*)(const void *, void *))record_##x##_copy, text                                          \
    }

/* Complete values, with members in the order in which they are written. */
static const struct kind {
    const char *name;
    int (*parse)(const char *value, size_t n, void *ret, struct orc_err *err);
    char *(*text)(const void *r);
    void (*release)(void *r);
    void (*copy)(const void *r, void *ret);
    const char *full;
} kinds[] = {
    KIND(config, "{\"cluster_id\":\"00ff\",\"cidr\":\"10.211.0.0/16\",\"mode\":\"vxlan\",\"mtu\":9000,"
                 "\"node_ttl_s\":5,\"gateway_ttl_s\":6,\"lost_grace_ms\":100,\"address_hold_ms\":200,"
                 "\"gateway_retire_ms\":300,\"allow_privileged\":true,\"recovered\":1700000000000}"),
    KIND(app, "{\"generation\":3,\"services\":[{\"name\":\"api\",\"revision\":2,\"replicas\":-1},"
              "{\"name\":\"web\",\"revision\":4,\"replicas\":7}]}"),
    KIND(intent, "{\"restart_epoch\":9223372036854775807,\"rollout\":{\"action\":\"abort\",\"epoch\":3,"
                 "\"revision\":4,\"by\":\"ann@desk\",\"at\":1700000000000},\"rebalance_epoch\":2,\"rebalance_"
                 "max\":3}"),
    KIND(rollout,
         "{\"state\":\"rolling-back\",\"generation\":3,\"wanted\":4,\"target\":3,\"complete\":3,\"from\":4,"
         "\"restart_epoch\":1,\"intent_epoch\":2,\"promoted\":true,\"attempts\":17,\"forgiven\":16,"
         "\"replicas\":3,\"available\":2,\"updated\":1,"
         "\"failures\":2,\"failed\":1,\"since\":1700000000000,\"reason\":\"it "
         "failed\",\"reason_kind\":\"failed\",\"degraded\":\"HTTP "
         "503\",\"degraded_since\":5,\"pending\":[{\"slot\":0,"
         "\"reason\":\"k1: 140 MiB short\",\"since\":1},{\"slot\":2,\"reason\":\"x\",\"since\":2}],"
         "\"trouble\":[{\"node\":\"k2\",\"failures\":5}],"
         "\"scheduled\":4,\"next_run\":9,\"runs\":[{\"n\":6,\"state\":\"failed\",\"revision\":3,\"epoch\":1,"
         "\"scheduled\":4,\"started\":5,\"ended\":6,"
         "\"wanted\":2,\"completed\":1,\"failures\":4,\"exit_code\":7,\"reason\":\"r\"},{\"n\":7,"
         "\"state\":\"running\",\"revision\":4,\"epoch\":2,\"scheduled\":0,\"started\":7,\"ended\":0,"
         "\"wanted\":20,"
         "\"completed\":18,\"done\":\"0-16,18\",\"failures\":0,\"exit_code\":-1}],\"rebalance_epoch\":2,"
         "\"rebalance_left\":3,\"rebalance_moved\":1,\"rebalance_end\":\"e\",\"moving\":[{\"slot\":1,"
         "\"attempt\":7}]}"),
    KIND(task,
         "{\"app\":\"shop\",\"service\":\"web\",\"slot\":2,\"attempt\":17,\"revision\":4,"
         "\"restart_epoch\":1,\"container_hash\":\"abc\",\"desired\":\"drain\",\"address\":\"10.210.1.5\","
         "\"resources\":{\"cpus_nano\":500000000,\"memory\":67108864},\"pids\":64,\"ports\":[{\"host_ip\":"
         "\"0.0.0.0\","
         "\"host\":8080,\"container\":80,\"udp\":true}],\"restarts\":1,\"reason\":\"first deployment\","
         "\"stop_reason\":\"scaled down\",\"stop_kind\":\"surplus\",\"at\":1700000000000}"),
    KIND(status,
         "{\"state\":\"running\",\"health\":\"healthy\",\"restarts\":2,\"reason\":\"r\",\"probe\":\"p\","
         "\"container\":\"0123\",\"exit_code\":137,\"oom\":true,\"since\":5,\"boot\":\"0a1b2c3d\"}"),
    KIND(
        node,
        "{\"address\":\"10.0.0.1\",\"subnet\":\"10.210.1.0/24\",\"capacity\":{\"cpus_nano\":1,"
        "\"memory\":2},\"reserve\":{\"cpus_nano\":3,\"memory\":4},\"pids\":32768,\"labels\":{\"a\":\"1\","
        "\"b\":\"\"},"
        "\"engine_labels\":{\"c\":\"2\"},"
        "\"os\":\"linux\",\"arch\":\"amd64\",\"kernel\":\"6.1\",\"virt\":\"kvm\",\"engine\":\"20\","
        "\"version\":\"1\",\"mtu\":1450,\"volumes\":[\"shop.data\",\"shop.my.log\",\"/"
        "pgdata\"],\"conditions\":[{"
        "\"type\":\"engine\",\"ok\":true,\"avoid\":true,"
        "\"since\":1},"
        "{\"type\":\"mtu\",\"ok\":false,\"avoid\":false,\"reason\":\"1400 here, 1500 there\",\"since\":2}]}"),
    KIND(node_policy, "{\"cordon\":true,\"drain\":true,\"removed\":1700000000000,\"drain_deadline_ms\":"
                      "600000,\"labels\":{\"disk\":\"ssd\"}}"),
    KIND(node_state,
         "{\"state\":\"unknown\",\"reason\":\"no heartbeat\",\"since\":5,\"held\":true,\"forced\":true}"),
    KIND(alive, "{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}"),
    KIND(subnet, "{\"node\":\"k1\"}"),
    KIND(endpoint, "{\"node\":\"k1\",\"address\":\"10.210.1.5\",\"state\":\"draining\",\"ports\":[{\"name\":"
                   "\"/orders/\",\"port\":8080}]}"),
    KIND(gateway, "{\"node\":\"k1\",\"instance\":\"abc\",\"listen\":[\"0.0.0.0:80\",\"[::]:80\"],\"at\":1}"),
    KIND(gateway_alive, "{\"served\":77,\"inflight\":[{\"task\":\"shop.web.2.17\",\"requests\":3}]}"),
    KIND(leader, "{\"id\":\"a\",\"host\":\"k1\",\"version\":\"0.1\",\"at\":1}"),
    KIND(event,
         "{\"at\":1,\"type\":\"task\",\"object\":\"shop/web\",\"message\":\"m\",\"by\":\"nodelet k2\"}"),
};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    fail_msg("no kind %s", name);
    return NULL;
}

static struct orc_err err;

static int parse(const char *kind, const char *text, union any *ret)
{
    return kind_of(kind)->parse(text, strlen(text), ret, &err);
}

static void test_record__every_record_comes_back_as_it_was_written(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        const struct kind *k = &kinds[i];
        union any r = {0}, zero = {0};
        orc_auto_free char *text = NULL;

        if (k->parse(k->full, strlen(k->full), &r, &err) < 0)
            fail_msg("%s: %s", k->name, err.msg);
        text = k->text(&r);
        assert_string_equal(text, k->full);
        k->release(&r);
        assert_memory_equal(&r, &zero, sizeof r);
    }
}

/* The original is released first: what they shared would be gone. An empty one is copied, too. */
static void test_record__a_copy_is_the_same_and_shares_nothing(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        const struct kind *k = &kinds[i];
        union any r = {0}, copy, empty = {0}, zero = {0};
        orc_auto_free char *text = NULL;

        assert_int_equal(k->parse(k->full, strlen(k->full), &r, &err), 0);
        memset(&copy, 0, sizeof copy);
        k->copy(&r, &copy);
        k->release(&r);
        text = k->text(&copy);
        assert_string_equal(text, k->full);
        k->release(&copy);
        memset(&copy, 0xff, sizeof copy);
        k->copy(&empty, &copy);
        k->release(&copy);
        assert_memory_equal(&copy, &zero, sizeof(int));
    }
}

static void test_record__a_revision_carries_its_spec(void **state)
{
    struct record_revision r = {.spec = spec_service_new("web"), .at = 5}, back = {0};
    orc_auto_free char *text = NULL;

    orc_set_str(&r.spec->image, "nginx:1.25");
    spec_service_hash(r.spec, r.hash, r.container_hash);
    r.yaml = orc_strdup("services: {}\n");
    text = record_revision_text(&r);
    if (record_revision_parse(text, strlen(text), &back, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    assert_string_equal(back.spec->image, "nginx:1.25");
    assert_string_equal(back.hash, r.hash);
    assert_string_equal(back.container_hash, r.container_hash);
    assert_string_equal(back.yaml, r.yaml);
    record_revision_release(&back);
    record_revision_copy(&r, &back); /* the spec is one that reads and writes itself */
    assert_ptr_not_equal(back.spec, r.spec);
    free(orc_take(text));
    text = record_revision_text(&back);
    record_revision_release(&back);
    assert_non_null(strstr(text, "nginx:1.25"));
    record_revision_release(&r);
    assert_true(record_revision_parse("{\"at\":1}", 8, &back, &err) < 0);
    assert_non_null(strstr(err.msg, "\"spec\""));
    assert_true(record_revision_parse("{\"spec\":{\"image\":5}}", 20, &back, &err) < 0);
    assert_non_null(strstr(err.msg, "\"spec\""));
}

/* A newer process may write members that this one doesn't know. */
static void test_record__unknown_members_are_ignored(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        orc_auto_free char *text = orc_printf("{\"from_the_future\":{\"a\":[1]},%s", kinds[i].full + 1);
        orc_auto_free char *again = NULL;
        union any r = {0};

        assert_int_equal(kinds[i].parse(text, strlen(text), &r, &err), 0);
        again = kinds[i].text(&r);
        assert_string_equal(again, kinds[i].full);
        kinds[i].release(&r);
    }
}

/* The same members, begun at the k-th and with one from the future before each. */
static json_t *turned(const json_t *j, size_t k)
{
    json_t *ret = json_object(), *value;
    const char *key;
    size_t i = 0;

    for (int half = 0; half < 2; half++, i = 0)
        json_object_foreach((json_t *)(uintptr_t)j, key, value)
        {
            orc_auto_free char *future = orc_printf("future_%zu", i);

            if ((i++ >= k) == (half == 0)) {
                json_object_set_new(ret, future, json_integer(1));
                json_object_set(ret, key, value);
            }
        }
    return ret;
}

static void test_record__members_are_found_in_any_order(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        orc_auto_json json_t *full = orc_json_parse(kinds[i].full, strlen(kinds[i].full), &err);

        for (size_t k = 0; k < json_object_size(full); k++) {
            orc_auto_json json_t *j = turned(full, k);
            orc_auto_free char *text = orc_json_text(j), *again = NULL;
            union any r = {0};

            assert_int_equal(kinds[i].parse(text, strlen(text), &r, &err), 0);
            again = kinds[i].text(&r);
            assert_string_equal(again, kinds[i].full);
            kinds[i].release(&r);
        }
    }
}

static void test_record__members_left_out_have_their_defaults(void **state)
{
    union any r = {0};

    assert_int_equal(parse("config", "{\"cluster_id\":\"a\"}", &r), 0);
    assert_string_equal(r.config.cidr, "10.210.0.0/16");
    assert_string_equal(r.config.mode, "bridge");
    assert_int_equal(r.config.node_ttl_s, 4);
    assert_int_equal(r.config.lost_grace_ms, 3000);
    record_config_release(&r.config);
    assert_int_equal(parse("status", "{\"state\":\"assigned\",\"health\":\"unknown\"}", &r), 0);
    assert_int_equal(r.status.exit_code, -1);
    record_status_release(&r.status);
    assert_int_equal(parse("app", "{\"generation\":1,\"services\":[{\"name\":\"a\",\"revision\":1}]}", &r),
                     0);
    assert_int_equal(r.app.services.at[0].replicas, SPEC_REPLICAS_DEFAULT);
    record_app_release(&r.app);
}

static void test_record__lists_are_sorted_whoever_wrote_them(void **state)
{
    union any r = {0};

    assert_int_equal(
        parse("app",
              "{\"generation\":1,\"services\":[{\"name\":\"web\",\"revision\":1},{\"name\":\"api\","
              "\"revision\":1}]}",
              &r),
        0);
    assert_string_equal(r.app.services.at[0].name, "api");
    record_app_release(&r.app);
}

/* Each value alone is refused, with the member named, and leaves the output as it was. */
static void test_record__hostile_values_are_refused_by_member(void **state)
{
    static const struct {
        const char *kind, *text, *says;
    } cases[] = {
        {"task", "", "JSON"},
        {"task", "null", "object"},
        {"task", "[]", "object"},
        {"task", "{\"app\":\"shop\"", "JSON"},
        {"task", "{\"app\":\"shop\",\"app\":\"other\"}", "JSON"},
        {"task", "{\"app\":7,\"service\":\"web\",\"desired\":\"run\"}", "\"app\""},
        {"task", "{\"service\":\"web\",\"desired\":\"run\"}", "\"app\" is missing"},
        {"task", "{\"app\":\"sh\\u0000op\",\"service\":\"web\",\"desired\":\"run\"}", "JSON"},
        {"task", "{\"app\":\"../x\",\"service\":\"web\",\"desired\":\"run\"}", "\"app\""},
        {"task", "{\"app\":\"shop\",\"service\":\"web\"}", "\"desired\" is missing"},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"explode\"}", "\"explode\""},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":null}", "\"desired\""},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"slot\":-1}", "\"slot\""},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"slot\":1e400}", "JSON"},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"slot\":1.5}", "\"slot\""},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"attempt\":9223372036854775808}",
         "JSON"},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"address\":\"10.210.1.5; rm\"}",
         "\"address\""},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"ports\":{}}", "\"ports\""},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"ports\":[{\"host\":65536}]}",
         "\"ports\"[0]"},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"ports\":[{},null]}",
         "\"ports\"[1]"},
        {"task", "{\"app\":\"shop\",\"service\":\"web\",\"desired\":\"run\",\"resources\":{\"memory\":-1}}",
         "\"resources\""},
        {"status", "{\"state\":\"running\",\"health\":\"fine\"}", "\"fine\""},
        {"status", "{\"state\":\"running\",\"health\":\"healthy\",\"oom\":\"yes\"}", "\"oom\""},
        {"config", "{}", "\"cluster_id\""},
        {"config", "{\"cluster_id\":\"a\",\"cidr\":\"10.210.0.0\"}", "\"cidr\""},
        {"config", "{\"cluster_id\":\"a\",\"cidr\":\"10.210.0.1/16\"}", "beyond its prefix"},
        {"config", "{\"cluster_id\":\"a\",\"cidr\":\"10.0.0.0/24\"}", "8..23"},
        {"config", "{\"cluster_id\":\"a\",\"cidr\":\"10.210.0.0/16 \"}", "\"cidr\""},
        {"config", "{\"cluster_id\":\"a\",\"mode\":\"overlay\"}", "bridge, vxlan or routed"},
        {"config", "{\"cluster_id\":\"a\",\"mtu\":65536}", "\"mtu\""},
        {"config", "{\"cluster_id\":\"a\",\"mtu\":-1}", "\"mtu\""},
        {"config", "{\"cluster_id\":\"a\",\"node_ttl_s\":1}", "\"node_ttl_s\""},
        {"config", "{\"cluster_id\":\"a\\nb\"}", "\"cluster_id\""},
        {"app", "{\"services\":[]}", "\"generation\""},
        {"app", "{\"generation\":0}", "\"generation\""},
        {"app", "{\"generation\":1,\"services\":[{\"name\":\"a\"}]}", "\"revision\""},
        {"app",
         "{\"generation\":1,\"services\":[{\"name\":\"a\",\"revision\":1},{\"name\":\"a\",\"revision\":2}]}",
         "twice"},
        {"app", "{\"generation\":1,\"services\":[{\"name\":\"a\",\"revision\":1,\"replicas\":10001}]}",
         "\"replicas\""},
        {"rollout", "{\"state\":\"updating\",\"pending\":[{\"slot\":1},{\"slot\":1}]}", "twice"},
        {"node", "{\"labels\":{\"a\":1}}", "\"labels\""},
        {"node", "{\"labels\":[]}", "\"labels\""},
        {"node", "{\"subnet\":\"10.210.1.0/33\"}", "\"subnet\""},
        {"node", "{\"conditions\":[{\"ok\":true}]}", "\"type\""},
        {"node", "{\"volumes\":[\"data\"]}", "\"volumes\""},
        {"node", "{\"volumes\":[\"shop.data\",\"Shop.data\"]}", "\"Shop.data\""},
        {"node", "{\"volumes\":[\"shop.\"]}", "\"shop.data\""},
        {"node", "{\"volumes\":[\".data\"]}", "\".data\""},
        {"node", "{\"volumes\":[\"/a/b\"]}", "\"/pgdata\""},
        {"alive", "{}", "\"instance\""},
        {"subnet", "{\"node\":\"K1\"}", "\"node\""},
        {"endpoint", "{\"state\":\"ready\"}", "\"address\""},
        {"endpoint", "{\"state\":\"ready\",\"address\":\"evil.example\"}", "\"address\""},
        {"endpoint", "{\"state\":\"ready\",\"address\":\"::1\"}", "\"address\""},
        {"endpoint",
         "{\"state\":\"ready\",\"address\":\"10.0.0.1\",\"ports\":[{\"name\":\"/a\\n\",\"port\":1}]}",
         "\"name\""},
        {"gateway", "{\"listen\":[7]}", "\"listen\""},
        {"gateway_alive", "{\"served\":-5}", "\"served\""},
        {"gateway_alive", "{\"inflight\":[{\"task\":\"x\"}]}", "\"task\""},
        {"event", "{\"at\":10000000000000,\"type\":\"t\"}", "\"at\""},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        union any r, before;

        memset(&r, 0x55, sizeof r);
        memcpy(&before, &r, sizeof r);
        err.msg[0] = '\0';
        if (parse(cases[i].kind, cases[i].text, &r) != -EINVAL)
            fail_msg("%s: %s was accepted", cases[i].kind, cases[i].text);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("%s: %s: \"%s\" does not say %s", cases[i].kind, cases[i].text, err.msg, cases[i].says);
        assert_memory_equal(&r, &before, sizeof r);
    }
}

/* Each member of each record in turn gets each kind of wrong value: never a crash, never half a record. */
static void test_record__any_member_may_be_any_json(void **state)
{
    static const char *const values[] = {"null",
                                         "true",
                                         "7",
                                         "-7",
                                         "1.5",
                                         "\"\"",
                                         "\"\\u00e4\\n\"",
                                         "[]",
                                         "{}",
                                         "[null]",
                                         "[{}]",
                                         "{\"a\":null}",
                                         "9223372036854775807"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++) {
        orc_auto_json json_t *full = orc_json_parse(kinds[i].full, strlen(kinds[i].full), &err);
        const char *key;
        json_t *value;

        json_object_foreach(full, key, value)
        {
            for (size_t v = 0; v < ORC_ARRAY_SIZE(values); v++) {
                orc_auto_json json_t *copy = json_deep_copy(full);
                orc_auto_free char *text = NULL;
                union any r = {0}, zero = {0};

                json_object_set_new(copy, key, orc_json_parse(values[v], strlen(values[v]), &err));
                text = orc_json_text(copy);
                if (kinds[i].parse(text, strlen(text), &r, &err) == 0)
                    kinds[i].release(&r);
                assert_memory_equal(&r, &zero, sizeof r);
            }
        }
    }
}

static void test_record__deep_nesting_and_huge_strings_are_refused(void **state)
{
    orc_auto_free char *deep = orc_calloc(1, 200001), *huge = orc_calloc(1, 300101);
    union any r = {0};

    memset(deep, '[', 200000);
    assert_int_equal(parse("event", deep, &r), -EINVAL);
    strcpy(huge, "{\"type\":\"");
    memset(huge + 9, 'x', 300000);
    strcpy(huge + 300009, "\"}");
    assert_int_equal(parse("event", huge, &r), -EINVAL);
    assert_true(strlen(err.msg) < 200);
}

static void test_record__what_we_write_too_long_we_can_still_read(void **state)
{
    struct record_status s = {.state = TASK_FAILED, .reason = orc_calloc(1, 10001)}, back = {0};
    orc_auto_free char *text = NULL;

    for (size_t i = 0; i + 1 < 10000; i += 2)
        memcpy(s.reason + i, "\xc3\xa4", 2); /* must not be cut in the middle of a character */
    text = record_status_text(&s);
    assert_int_equal(record_status_parse(text, strlen(text), &back, &err), 0);
    assert_int_equal(strlen(back.reason), 2048);
    record_status_release(&back);
    record_status_release(&s);
}

static void test_record__text_that_is_not_utf8_is_written_all_the_same(void **state)
{
    struct record_status s = {.reason = orc_strdup("exit: \xff\xfe")}, back = {0};
    orc_auto_free char *text = record_status_text(&s);

    assert_int_equal(record_status_parse(text, strlen(text), &back, &err), 0);
    assert_string_equal(back.reason, "exit: ??");
    record_status_release(&back);
    record_status_release(&s);
}

static void assert_has(const char *text, const char *member, const char *value)
{
    orc_auto_free char *want = orc_printf("\"%s\":\"%s\"", member, value);

    if (!strstr(text, want))
        fail_msg("%s is not in %s", want, text);
}

static void test_record__states_are_written_as_words_and_come_back(void **state)
{
    for (int i = 0; i <= ROLLOUT_REMOVING; i++) {
        struct record_rollout out = {.state = (enum rollout_state)i}, in = {0};
        orc_auto_free char *text = record_rollout_text(&out);

        if (i) /* what is the default is left out */
            assert_has(text, "state", rollout_state_name((enum rollout_state)i));
        assert_int_equal(record_rollout_parse(text, strlen(text), &in, NULL), 0);
        assert_int_equal(in.state, i);
        record_rollout_release(&in);
    }
    for (int i = 0; i <= TASK_REMOVED * (TASK_UNHEALTHY + 1); i++) {
        struct record_status out = {.state = (enum task_state)(i / (TASK_UNHEALTHY + 1)),
                                    .health = (enum task_health)(i % (TASK_UNHEALTHY + 1))},
                             in = {0};
        orc_auto_free char *text = record_status_text(&out);

        if (out.state)
            assert_has(text, "state", task_state_name(out.state));
        if (out.health)
            assert_has(text, "health", task_health_name(out.health));
        assert_int_equal(record_status_parse(text, strlen(text), &in, NULL), 0);
        assert_true(in.state == out.state && in.health == out.health);
        record_status_release(&in);
    }
    assert_string_equal(task_desired_name(TASK_REMOVE), "remove");
    assert_string_equal(endpoint_state_name(ENDPOINT_DRAINING), "draining");
}

static void test_record__a_node_is_ready_when_it_has_a_subnet_and_no_bad_condition(void **state)
{
    const char *reason = NULL;
    union any r = {0};

    assert_int_equal(parse("node", "{}", &r), 0);
    assert_false(record_node_ready(&r.node, &reason));
    assert_non_null(strstr(reason, "subnet"));
    record_node_release(&r.node);
    assert_int_equal(parse("node", kind_of("node")->full, &r), 0);
    assert_false(record_node_ready(&r.node, &reason));
    assert_string_equal(reason, "1400 here, 1500 there");
    r.node.conditions.at[1].ok = true;
    assert_true(record_node_ready(&r.node, NULL));
    record_node_release(&r.node);
}

static void test_record__the_clusters_network_is_arithmetic(void **state)
{
    struct record_config c;
    uint32_t net;
    int prefix;

    record_config_default(&c, "abc");
    assert_int_equal(record_config_cidr(&c, &net, &prefix, &err), 0);
    assert_int_equal(net, 0x0ad20000);
    assert_int_equal(prefix, 16);
    orc_set_str(&c.cidr, "10.210.0.0/99");
    assert_int_equal(record_config_cidr(&c, &net, &prefix, &err), -EINVAL);
    assert_int_equal(prefix, 16);
    record_config_release(&c);
}

static void test_record__an_endpoints_port_is_named_by_its_route(void **state)
{
    struct spec_gateway any = {.host = (char[]){""}, .path = (char[]){"/orders/"}};
    struct spec_gateway host = {.host = (char[]){"shop.example"}, .path = (char[]){"/"}};
    orc_auto_free char *a = endpoint_port_name(&any), *b = endpoint_port_name(&host);

    assert_string_equal(a, "/orders/");
    assert_string_equal(b, "shop.example/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__every_record_comes_back_as_it_was_written),
        cmocka_unit_test(test_record__a_copy_is_the_same_and_shares_nothing),
        cmocka_unit_test(test_record__a_revision_carries_its_spec),
        cmocka_unit_test(test_record__unknown_members_are_ignored),
        cmocka_unit_test(test_record__members_are_found_in_any_order),
        cmocka_unit_test(test_record__members_left_out_have_their_defaults),
        cmocka_unit_test(test_record__lists_are_sorted_whoever_wrote_them),
        cmocka_unit_test(test_record__hostile_values_are_refused_by_member),
        cmocka_unit_test(test_record__any_member_may_be_any_json),
        cmocka_unit_test(test_record__deep_nesting_and_huge_strings_are_refused),
        cmocka_unit_test(test_record__what_we_write_too_long_we_can_still_read),
        cmocka_unit_test(test_record__text_that_is_not_utf8_is_written_all_the_same),
        cmocka_unit_test(test_record__states_are_written_as_words_and_come_back),
        cmocka_unit_test(test_record__a_node_is_ready_when_it_has_a_subnet_and_no_bad_condition),
        cmocka_unit_test(test_record__the_clusters_network_is_arithmetic),
        cmocka_unit_test(test_record__an_endpoints_port_is_named_by_its_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
