/* test_cli_describe.c - `orc describe` over a made-up cluster, as text and as a document. */
#include "cli/describe.h"
#include "cli/describe_spec.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/cli_golden.h"

static const struct {
    const char *kind, *name;
} things[] = {{"service", "shop/web"},
              {"task", "shop.web.0.1"},
              {"task", "shop.web.1.2"},
              {"node", "k1"},
              {"node", "k2"}};

static struct describe asked(const char *kind, const char *name)
{
    struct orc_err err = ORC_ERR_INIT;
    struct describe d;

    if (describe_parse(kind, name, &d, &err) < 0)
        fail_msg("%s", err.msg);
    return d;
}

static char *described(struct cluster *c, const struct out *o, const struct describe *d)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    describe_print(o, c, d, NOW, f);
    fclose(f);
    return text;
}

static void test_describe__the_made_up_records_are_readable(void **state)
{
    struct cluster c = rich();

    for (const struct cluster_entry *e = c.entries; e; e = e->hh.next)
        if (e->problem)
            fail_msg("%s: %s", e->name, e->problem);
    cluster_release(&c);
}

static void test_describe__pages_on_80_and_160_columns(void **state)
{
    static const size_t widths[] = {80, 160};
    struct cluster c = rich();

    for (size_t i = 0; i < ORC_ARRAY_SIZE(things); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(widths); k++) {
            struct describe d = asked(things[i].kind, things[i].name);
            struct out o = {.width = widths[k]};
            orc_auto_free char *text = described(&c, &o, &d);
            orc_auto_free char *slash = orc_strdup(things[i].name);
            orc_auto_free char *name = NULL;

            if (strchr(slash, '/'))
                *strchr(slash, '/') = '.';
            name = orc_printf("describe-%s-%zu.txt", slash, widths[k]);
            assert_golden(name, text);
            assert_narrow(text, widths[k]);
        }
    cluster_release(&c);
}

/* What is wrong, since when, why, what it means and what to do. */
static void test_describe__one_that_is_not_ready(void **state)
{
    struct cluster c = healthy(2);
    struct describe d = asked("task", "shop.web.1.2");
    struct out o = {0};
    orc_auto_free char *text = NULL;

    status(&c, "k1", 1, "running", "unready", "HTTP 503 after 2 ms");
    text = described(&c, &o, &d);
    assert_non_null(strstr(text, "running, unready since 1970-01-12"));
    assert_non_null(strstr(text, "Z (3s)\n"));
    assert_non_null(strstr(
        text, "no requests go there while its readiness check fails; last probe: HTTP 503 after 2 ms"));
    assert_non_null(strstr(text, "It is not restarted for that"));
    cluster_release(&c);
}

static void test_describe__checks_that_are_apart(void **state)
{
    static char ready[] = "/ready", alive[] = "/alive";
    const struct spec_health asks_ready = {.kind = SPEC_HEALTH_HTTP,
                                           .path = ready,
                                           .port = 80,
                                           .interval_ms = 2000,
                                           .timeout_ms = 1000,
                                           .retries = 3},
                             asks_alive = {.kind = SPEC_HEALTH_HTTP,
                                           .path = alive,
                                           .port = 80,
                                           .interval_ms = 10000,
                                           .timeout_ms = 5000,
                                           .retries = 5};
    const struct {
        struct spec_service spec;
        const char *text;
    } cases[] = {
        {{0}, "none: healthy as soon as it runs"},
        {{.health = asks_ready},
         "HTTP /ready at port 80 every 2s, at most 1s each; unhealthy after 3 failures in a row"},
        {{.health = asks_ready, .live_apart = true},
         "readiness: HTTP /ready at port 80 every 2s, at most 1s each; unready after 3 failures in a row. "
         "liveness: none: only its end has it restarted"},
        {{.health = asks_ready, .live_apart = true, .live = asks_alive},
         "readiness: HTTP /ready at port 80 every 2s, at most 1s each; unready after 3 failures in a row. "
         "liveness: HTTP /alive at port 80 every 10s, at most 5s each; unhealthy after 5 failures in a row"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *text = describe_health(&cases[i].spec);

        assert_string_equal(text, cases[i].text);
    }
}

static void test_describe__documents(void **state)
{
    struct cluster c = rich();

    for (size_t i = 0; i < ORC_ARRAY_SIZE(things); i++) {
        struct describe d = asked(things[i].kind, things[i].name);
        orc_auto_json json_t *j = describe_to_json(&c, &d, NOW);
        orc_auto_free char *text = json_dumps(j, JSON_INDENT(1));
        orc_auto_free char *whole = orc_printf("%s\n", text), *slash = orc_strdup(things[i].name);
        orc_auto_free char *name = NULL;

        if (strchr(slash, '/'))
            *strchr(slash, '/') = '.';
        name = orc_printf("describe-%s.json", slash);
        assert_golden(name, whole);
    }
    cluster_release(&c);
}

/* A service with a route says that none of its replicas has requests; one without has nothing to say. */
static void test_describe__no_endpoints(void **state)
{
    struct cluster c = rich(), plain = healthy(1);
    struct describe d = asked("service", "shop/web");
    struct out o = {0};
    orc_auto_free char *routed = NULL, *text = described(&plain, &o, &d);

    cluster_delete(&c, "/orc/default/endpoints/shop/web/shop.web.0.1");
    routed = described(&c, &o, &d);
    assert_non_null(strstr(routed, "\nEndpoints, where requests may go\n  none: no replica is ready\n"));
    assert_null(strstr(text, "Endpoints"));
    cluster_release(&plain);
    cluster_release(&c);
}

static void test_describe__the_last_ten_events(void **state)
{
    struct cluster c = rich();
    struct describe d = asked("service", "shop/web");
    orc_auto_json json_t *j = NULL;
    const json_t *events;

    for (int i = 0; i < 20; i++) {
        orc_auto_free char *key = orc_printf("events/00009999980%02d-aa", i);
        orc_auto_free char *text = orc_printf("{\"at\":9999980%02d,\"type\":\"task\",\"object\":\"shop.web.0."
                                              "1\",\"message\":\"%d\",\"by\":\"x\"}",
                                              i, i);

        put(&c, key, text);
    }
    j = describe_to_json(&c, &d, NOW);
    events = json_object_get(j, "events");
    assert_int_equal(json_array_size(events), DESCRIBE_EVENTS);
    assert_string_equal(json_string_value(json_object_get(json_array_get(events, 0), "message")), "10");
    assert_string_equal(json_string_value(json_object_get(json_array_get(events, 9), "message")), "19");
    cluster_release(&c);
}

static void test_describe__names_alone(void **state)
{
    struct cluster c = rich();
    struct describe d = asked("task", "shop.web.0.1");
    struct out o = {.form = OUT_NAMES};
    orc_auto_free char *text = described(&c, &o, &d);

    assert_string_equal(text, "shop.web.0.1\n");
    cluster_release(&c);
}

static void test_describe__a_task_whose_container_is_gone(void **state)
{
    struct cluster c = rich();
    struct describe d = asked("task", "shop.web.0.1");
    struct out o = {.width = 0};
    orc_auto_free char *text = NULL;
    orc_auto_json json_t *j = NULL;

    status(&c, "k1", 0, "removed", "unknown", NULL);
    text = described(&c, &o, &d);
    assert_non_null(strstr(text, "its container is removed"));
    j = describe_to_json(&c, &d, NOW);
    assert_string_equal(json_string_value(json_object_get(j, "state")), "removed");
    cluster_release(&c);
}

static void refused(struct cluster *c, const char *kind, const char *name, const char *says)
{
    struct orc_err err = ORC_ERR_INIT;
    struct describe d;
    int r = describe_parse(kind, name, &d, &err);

    if (r == 0)
        r = describe_check(c, &d, &err);
    assert_true(r < 0);
    if (!strstr(err.msg, says))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
}

static void test_describe__what_is_not_there_is_refused_with_what_is(void **state)
{
    struct cluster c = rich();

    refused(&c, "servce", "shop/web", "service, task or node");
    refused(&c, "service", "web", "APP/SERVICE");
    refused(&c, "service", "shop/wbe", "did you mean \"shop/web\"");
    refused(&c, "task", "shop/web", "orc tasks");
    refused(&c, "task", "shop.web.0.99", "orc events shop.web.0.99");
    refused(&c, "node", "k9", "there are: k1, k2");
    refused(&c, "node", "k/9", "node");
    cluster_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe__the_made_up_records_are_readable),
        cmocka_unit_test(test_describe__pages_on_80_and_160_columns),
        cmocka_unit_test(test_describe__one_that_is_not_ready),
        cmocka_unit_test(test_describe__checks_that_are_apart),
        cmocka_unit_test(test_describe__documents),
        cmocka_unit_test(test_describe__no_endpoints),
        cmocka_unit_test(test_describe__the_last_ten_events),
        cmocka_unit_test(test_describe__names_alone),
        cmocka_unit_test(test_describe__a_task_whose_container_is_gone),
        cmocka_unit_test(test_describe__what_is_not_there_is_refused_with_what_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
