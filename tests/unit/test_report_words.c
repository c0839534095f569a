/* cli/report: every fact of a rollout, a gateway and a node reaches people and programs; each sentence is
 * there when its fact is, and only then.
 */
#include "cli/report.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static int count(const struct orc_strv *v, const char *part)
{
    int n = 0;

    for (size_t i = 0; i < v->n; i++)
        n += strstr(v->at[i], part) != NULL;
    return n;
}

/* A rollout that is complete but for what is in `more`: members after a comma. */
static struct report reported(struct cluster *c, const char *state, const char *more)
{
    orc_auto_free char *text = orc_printf(
        "{\"state\":\"%s\",\"generation\":1,\"wanted\":2,\"target\":2,\"complete\":2,\"since\":%d%s}", state,
        NOW - 5000, more);
    struct report r;

    put(c, "rollouts/shop/web", text);
    report_build(c, NULL, NOW, &r);
    assert_int_equal(r.services.n, 1);
    return r;
}

/* ---- services */

/* Each member of the record, where it is given, and its default where it is not. */
static void test_words__a_rollouts_members_are_told(void **state)
{
    for (int given = 0; given < 2; given++) {
        struct cluster c = healthy(3);
        struct report r = reported(
            &c, "complete",
            given ? ",\"from\":1,\"updated\":3,\"next_run\":1000060000,\"degraded\":\"slot 1 fails\","
                    "\"degraded_since\":999990000"
                  : "");
        const struct report_service *s = &r.services.at[0];
        orc_auto_json json_t *j = report_to_json(&r);
        const json_t *js = json_array_get(json_object_get(j, "services"), 0),
                     *jr = json_object_get(js, "rollout");

        assert_int_equal(s->target, 2);
        assert_int_equal(s->from, given ? 1 : 0);
        assert_int_equal(s->updated, given ? 3 : 0);
        assert_int_equal(s->next_run, given ? 1000060000 : 0);
        assert_int_equal(s->age_ms, 5000);
        assert_int_equal(s->degraded != NULL, given);
        assert_int_equal(s->degraded_ms, given ? NOW - 999990000 : 0);
        assert_int_equal(s->ok, !given);
        assert_int_equal(count(&s->why, "degraded for 10s: slot 1 fails"), given);
        assert_int_equal(json_integer_value(json_object_get(jr, "target")), 2);
        assert_int_equal(json_integer_value(json_object_get(jr, "from")), given ? 1 : 0);
        assert_int_equal(json_integer_value(json_object_get(jr, "updated")), given ? 3 : 0);
        assert_int_equal(json_integer_value(json_object_get(js, "next_run")), given ? 1000060000 : 0);
        report_release(&r);
        cluster_release(&c);
    }
}

/* What its reason is about is told only with one. */
static void test_words__a_reason_and_its_kind(void **state)
{
    for (int given = 0; given < 2; given++) {
        struct cluster c = healthy(3);
        struct report r = reported(&c, "updating", given ? ",\"reason\":\"batch 1 of 3\"" : "");
        const struct report_service *s = &r.services.at[0];

        assert_int_equal(s->reason_kind != NULL, given);
        assert_int_equal(count(&s->why, "batch 1 of 3"), given);
        assert_false(s->ok);
        report_release(&r);
        cluster_release(&c);
    }
}

/* A service that is well and yet avoids nodes says which, each. */
static void test_words__nodes_that_are_avoided_are_named(void **state)
{
    for (int n = 0; n <= 2; n++) {
        struct cluster c = healthy(3);
        struct report r = reported(
            &c, "complete",
            n == 0   ? ""
            : n == 1 ? ",\"trouble\":[{\"node\":\"k1\",\"failures\":3}]"
                     : ",\"trouble\":[{\"node\":\"k1\",\"failures\":3},{\"node\":\"k2\",\"failures\":5}]");
        const struct report_service *s = &r.services.at[0];

        assert_true(s->ok);
        assert_int_equal(count(&s->why, " is avoided: it failed "), n);
        assert_int_equal(count(&s->why, "k1 is avoided: it failed 3 times there"), n >= 1);
        assert_int_equal(count(&s->why, "k2 is avoided: it failed 5 times there"), n >= 2);
        report_release(&r);
        cluster_release(&c);
    }
}

/* A rebalance that ended early, one replica or more. */
static void test_words__a_rebalance_that_ended_early(void **state)
{
    for (int moved = 0; moved <= 2; moved++) {
        orc_auto_free char *more = orc_printf(",\"rebalance_end\":\"no room\",\"rebalance_moved\":%d", moved);
        orc_auto_free char *want =
            orc_printf("ended early, after %d replica%s: no room", moved, moved == 1 ? "" : "s");
        struct cluster c = healthy(3);
        struct report r = reported(&c, "complete", more);

        assert_int_equal(count(&r.services.at[0].why, want), 1);
        report_release(&r);
        cluster_release(&c);
    }
}

/* More sentences than anybody reads are counted. */
static void test_words__more_than_are_told_are_counted(void **state)
{
    struct cluster c = healthy(40);
    struct report r;
    size_t told, more = 0;

    for (int i = 0; i < 40; i++) {
        orc_auto_free char *probe = orc_printf("HTTP 5%02d", i);

        status(&c, "k1", i, "running", "unhealthy", probe);
    }
    r = reported(&c, "healing", "");
    told = r.services.at[0].why.n;
    assert_in_range(told, 2, 39);
    assert_int_equal(count(&r.services.at[0].why, "is running, unhealthy"), (int)told - 1);
    assert_int_equal(
        sscanf(r.services.at[0].why.at[told - 1], "and %zu more; see `orc status shop/web`", &more), 1);
    assert_int_equal(more, 40 - (told - 1));
    report_release(&r);
    cluster_release(&c);
}

/* Five are told, and what goes beyond that is counted from the first. */
static void test_words__five_sentences_are_told(void **state)
{
    for (int sick = 4; sick <= 7; sick++) {
        struct cluster c = healthy(8);
        struct report r;

        for (int i = 0; i < sick; i++)
            status(&c, "k1", i, "running", "unhealthy", "HTTP 503");
        r = reported(&c, "healing", "");
        assert_int_equal(count(&r.services.at[0].why, "is running, unhealthy"), sick < 5 ? sick : 5);
        assert_int_equal(count(&r.services.at[0].why, "and 1 more; see `orc status shop/web`"), sick == 6);
        assert_int_equal(count(&r.services.at[0].why, " more; see"), sick > 5);
        report_release(&r);
        cluster_release(&c);
    }
}

/* ---- gateways */

static void test_words__a_gateway_without_a_sign_of_life_is_a_problem(void **state)
{
    for (int facts = 0; facts < 4; facts++) {
        struct cluster c = healthy(1);
        orc_auto_json json_t *j = NULL;
        const json_t *gateways;
        struct report r;

        put(&c, "gateways/g1", "{\"node\":\"k1\",\"listen\":[\"0.0.0.0:80\"]}");
        put(&c, "gateways/g2", "{\"node\":\"k2\",\"listen\":[]}");
        if (facts & 1)
            put(&c, "gateway-alive/g1", "{\"served\":41}");
        if (facts & 2)
            put(&c, "gateway-alive/g2", "{\"served\":42}");
        report_build(&c, NULL, NOW, &r);
        assert_int_equal(r.gateways.n, 2);
        assert_int_equal(count(&r.problems, "gateway g1 gives no sign of life"), !(facts & 1));
        assert_int_equal(count(&r.problems, "gateway g2 gives no sign of life"), !(facts & 2));
        assert_int_equal(r.ok, facts == 3);
        j = report_to_json(&r);
        gateways = json_object_get(j, "gateways");
        assert_int_equal(json_array_size(gateways), 2);
        for (size_t i = 0; i < 2; i++) {
            const json_t *g = json_array_get(gateways, i);
            bool first = strcmp(json_string_value(json_object_get(g, "id")), "g1") == 0;
            bool alive = facts & (first ? 1 : 2);

            assert_int_equal(json_is_true(json_object_get(g, "alive")), alive);
            assert_int_equal(json_integer_value(json_object_get(g, "served")), !alive ? 0 : first ? 41 : 42);
            assert_int_equal(json_array_size(json_object_get(g, "listen")), first);
        }
        report_release(&r);
        cluster_release(&c);
    }
}

/* ---- nodes */

/* What a node has and what is used of it, in numbers; its labels and volumes by name. */
static void test_words__a_nodes_members_are_told(void **state)
{
    struct cluster c = healthy(3);
    orc_auto_json json_t *j = NULL;
    const json_t *n, *total, *used;
    struct report r;

    put(&c, "nodes/k1",
        "{\"address\":\"10.0.0.11\",\"subnet\":\"10.210.1.0/"
        "24\",\"capacity\":{\"cpus_nano\":4000000000,\"memory\":4294967296},"
        "\"reserve\":{\"cpus_nano\":1000000000,\"memory\":1073741824},\"os\":\"linux\",\"arch\":\"amd64\","
        "\"mtu\":1400,"
        "\"kernel\":\"6.1\",\"virt\":\"kvm\",\"engine\":\"24.0\",\"labels\":{\"disk\":\"ssd\"},"
        "\"volumes\":[\"shop.data\"],\"conditions\":[]}");
    report_build(&c, NULL, NOW, &r);
    j = report_to_json(&r);
    n = json_array_get(json_object_get(j, "nodes"), 0);
    total = json_object_get(n, "total");
    used = json_object_get(n, "used");
    assert_string_equal(json_string_value(json_object_get(n, "name")), "k1");
    assert_string_equal(json_string_value(json_object_get(n, "address")), "10.0.0.11");
    assert_string_equal(json_string_value(json_object_get(n, "state")), "ready");
    assert_true(json_is_true(json_object_get(n, "ready")));
    assert_int_equal(json_integer_value(json_object_get(n, "tasks")), 3);
    assert_int_equal(json_integer_value(json_object_get(n, "mtu")), 1400);
    assert_int_equal(json_integer_value(json_object_get(total, "cpus_nano")), 3000000000);
    assert_int_equal(json_integer_value(json_object_get(total, "memory")), 3221225472);
    assert_int_equal(json_integer_value(json_object_get(used, "cpus_nano")), 1500000000);
    assert_int_equal(json_integer_value(json_object_get(used, "memory")), 3 * 67108864);
    assert_string_equal(json_string_value(json_object_get(n, "kernel")), "6.1");
    assert_string_equal(json_string_value(json_object_get(n, "virt")), "kvm");
    assert_string_equal(json_string_value(json_object_get(n, "engine")), "24.0");
    assert_string_equal(json_string_value(json_object_get(json_object_get(n, "labels"), "disk")), "ssd");
    assert_string_equal(json_string_value(json_array_get(json_object_get(n, "volumes"), 0)), "shop.data");
    report_release(&r);
    cluster_release(&c);
}

/* ---- tasks */

/* Each member of a task and of its status. */
static void test_words__a_tasks_members_are_told(void **state)
{
    struct cluster c = healthy(2);
    orc_auto_json json_t *j = NULL;
    const json_t *t;
    struct report r;

    status(&c, "k1", 1, "running", "unhealthy", "HTTP 503");
    r = reported(&c, "healing", "");
    j = report_to_json(&r);
    t = json_array_get(json_object_get(json_array_get(json_object_get(j, "services"), 0), "tasks"), 1);
    assert_string_equal(json_string_value(json_object_get(t, "id")), "shop.web.1.2");
    assert_string_equal(json_string_value(json_object_get(t, "node")), "k1");
    assert_int_equal(json_integer_value(json_object_get(t, "slot")), 1);
    assert_int_equal(json_integer_value(json_object_get(t, "revision")), 2);
    assert_string_equal(json_string_value(json_object_get(t, "desired")), "run");
    assert_string_equal(json_string_value(json_object_get(t, "state")), "running");
    assert_string_equal(json_string_value(json_object_get(t, "health")), "unhealthy");
    assert_int_equal(json_integer_value(json_object_get(t, "restarts")), 3);
    assert_string_equal(json_string_value(json_object_get(t, "address")), "10.210.1.3");
    assert_int_equal(json_integer_value(json_object_get(t, "age_ms")), 3000);
    assert_non_null(strstr(json_string_value(json_object_get(t, "reason")), "HTTP 503"));
    report_release(&r);
    cluster_release(&c);
}

/* By slot and attempt, as numbers: the tenth comes after the second. */
static void test_words__tasks_are_in_order_of_their_slots(void **state)
{
    struct cluster c = healthy(24);
    struct report r = reported(&c, "complete", "");

    assert_int_equal(r.services.at[0].tasks.n, 24);
    for (int i = 0; i < 24; i++)
        assert_int_equal(r.services.at[0].tasks.at[i].slot, i);
    report_release(&r);
    cluster_release(&c);
}

/* One that is told to go says why it goes. */
static void test_words__a_task_that_goes_says_why(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    task(&c, "k1", 1, "remove");
    status(&c, "k1", 1, "stopping", "unknown", NULL);
    r = reported(&c, "complete", "");
    assert_string_equal(r.services.at[0].tasks.at[1].desired, "remove");
    assert_string_equal(r.services.at[0].tasks.at[1].reason, "scaled down");
    report_release(&r);
    cluster_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words__a_rollouts_members_are_told),
        cmocka_unit_test(test_words__a_reason_and_its_kind),
        cmocka_unit_test(test_words__nodes_that_are_avoided_are_named),
        cmocka_unit_test(test_words__a_rebalance_that_ended_early),
        cmocka_unit_test(test_words__more_than_are_told_are_counted),
        cmocka_unit_test(test_words__a_gateway_without_a_sign_of_life_is_a_problem),
        cmocka_unit_test(test_words__a_nodes_members_are_told),
        cmocka_unit_test(test_words__a_tasks_members_are_told),
        cmocka_unit_test(test_words__tasks_are_in_order_of_their_slots),
        cmocka_unit_test(test_words__a_task_that_goes_says_why),
        cmocka_unit_test(test_words__five_sentences_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
