/* test_report.c - what `orc status` says: is it up, and if not, why not. */
#include "cli/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#define NOW 1000000000

/* ---- scenario: one-line builders
 * --------------------------------------------------------------------------- */

static void put(struct cluster *c, const char *key, const char *value)
{
    orc_auto_free char *name = orc_printf("/orc/default/%s", key);

    cluster_put(c, name, value, strlen(value), 1, ++c->revision);
}

static void node(struct cluster *c, const char *name, bool alive)
{
    orc_auto_free char *key = orc_printf("nodes/%s", name);
    orc_auto_free char *alive_key = orc_printf("alive/%s", name);

    put(c, key,
        "{\"address\":\"10.0.0.11\",\"subnet\":\"10.210.1.0/"
        "24\",\"capacity\":{\"cpus_nano\":4000000000,\"memory\":4294967296},"
        "\"reserve\":{\"cpus_nano\":1000000000,\"memory\":1073741824},\"os\":\"linux\",\"arch\":\"amd64\","
        "\"mtu\":1500,\"conditions\":[]}");
    if (alive)
        put(c, alive_key, "{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}");
}

static void leader(struct cluster *c)
{
    put(c, "leader", "{\"id\":\"orc-scheduler\",\"host\":\"ctl\",\"at\":1}");
}

static void app(struct cluster *c, int replicas)
{
    orc_auto_free char *text =
        orc_printf("{\"generation\":1,\"services\":[{\"name\":\"web\",\"revision\":2,\"replicas\":%d}]}", replicas);

    put(c, "apps/shop", text);
}

static void rollout(struct cluster *c, const char *state, const char *reason, const char *pending)
{
    orc_auto_free char *text = orc_printf(
        "{\"state\":\"%s\",\"generation\":1,\"wanted\":2,\"target\":2,\"complete\":2,\"since\":%d%s%s%s%s%s}",
        state, NOW - 5000, reason ? ",\"reason\":\"" : "", reason ? reason : "", reason ? "\"" : "",
        pending ? ",\"pending\":" : "", pending ? pending : "");

    put(c, "rollouts/shop/web", text);
}

static void task(struct cluster *c, const char *on, int slot, const char *desired)
{
    orc_auto_free char *key = orc_printf("tasks/%s/shop.web.%d.%d", on, slot, slot + 1);
    orc_auto_free char *text =
        orc_printf("{\"app\":\"shop\",\"service\":\"web\",\"slot\":%d,\"attempt\":%d,\"revision\":2,"
                   "\"container_hash\":\"\","
                   "\"desired\":\"%s\",\"address\":\"10.210.1.%d\",\"resources\":{\"cpus_nano\":500000000,"
                   "\"memory\":67108864},"
                   "\"restarts\":1,\"reason\":\"first deployment\",\"stop_reason\":\"scaled down\"}",
                   slot, slot + 1, desired, slot + 2);

    put(c, key, text);
}

static void status(struct cluster *c, const char *on, int slot, const char *state, const char *health,
                   const char *probe)
{
    orc_auto_free char *key = orc_printf("status/%s/shop.web.%d.%d", on, slot, slot + 1);
    orc_auto_free char *text = orc_printf(
        "{\"state\":\"%s\",\"health\":\"%s\",\"restarts\":2,\"exit_code\":-1,\"since\":%d%s%s%s}", state,
        health, NOW - 3000, probe ? ",\"probe\":\"" : "", probe ? probe : "", probe ? "\"" : "");

    put(c, key, text);
}

static struct cluster healthy(int replicas)
{
    struct cluster c;

    cluster_init(&c, "default");
    leader(&c);
    node(&c, "k1", true);
    app(&c, replicas);
    rollout(&c, "complete", NULL, NULL);
    for (int i = 0; i < replicas; i++) {
        task(&c, "k1", i, "run");
        status(&c, "k1", i, "running", "healthy", NULL);
    }
    return c;
}

static bool says(const struct orc_strv *v, const char *part)
{
    for (size_t i = 0; i < v->n; i++)
        if (strstr(v->at[i], part))
            return true;
    return false;
}

/* ---- tests
 * --------------------------------------------------------------------------------------------------- */

static void test_report__all_healthy_is_ok_and_gives_no_reason(void **state)
{
    struct cluster c = healthy(3);
    struct report r;

    report_build(&c, NULL, NOW, &r);
    assert_true(r.ok);
    assert_int_equal(r.services.n, 1);
    assert_string_equal(r.services.at[0].name, "shop/web");
    assert_int_equal(r.services.at[0].desired, 3);
    assert_int_equal(r.services.at[0].running, 3);
    assert_int_equal(r.services.at[0].healthy, 3);
    assert_int_equal(r.services.at[0].why.n, 0);
    assert_int_equal(r.services.at[0].age_ms, 5000);
    assert_int_equal(r.services.at[0].tasks.at[0].restarts, 3);
    report_release(&r);
    cluster_release(&c);
}

static void test_report__an_unhealthy_replica_is_named_with_its_probe(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    status(&c, "k1", 1, "running", "unhealthy", "HTTP 503 after 2 ms");
    rollout(&c, "healing", NULL, NULL);
    report_build(&c, NULL, NOW, &r);
    assert_false(r.ok);
    assert_int_equal(r.services.at[0].running, 2);
    assert_int_equal(r.services.at[0].healthy, 1);
    assert_true(says(&r.services.at[0].why, "shop.web.1.2 on k1 is running, unhealthy"));
    assert_true(says(&r.services.at[0].why, "HTTP 503 after 2 ms"));
    report_release(&r);
    cluster_release(&c);
}

static void test_report__a_lost_node_takes_its_replicas_with_it(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    cluster_delete(&c, "/orc/default/alive/k1");
    report_build(&c, NULL, NOW, &r);
    assert_false(r.ok);
    assert_string_equal(r.nodes.at[0].state, "lost");
    assert_false(r.nodes.at[0].ready);
    assert_int_equal(r.services.at[0].running, 0);
    assert_string_equal(r.services.at[0].tasks.at[0].health, "unknown");
    assert_true(says(&r.services.at[0].why, "k1 gives no sign of life"));
    report_release(&r);
    cluster_release(&c);
}

static void test_report__pending_slots_of_one_reason_are_one_line(void **state)
{
    struct cluster c = healthy(1);
    struct report r;

    rollout(&c, "updating", NULL,
            "[{\"slot\":1,\"reason\":\"k1: 140 MiB memory short\",\"since\":1},"
            "{\"slot\":2,\"reason\":\"k1: 140 MiB memory short\",\"since\":1},"
            "{\"slot\":3,\"reason\":\"k1: cordoned\",\"since\":1}]");
    app(&c, 4);
    report_build(&c, NULL, NOW, &r);
    assert_int_equal(r.services.at[0].why.n, 2);
    assert_string_equal(r.services.at[0].why.at[0], "2 replicas wait: k1: 140 MiB memory short");
    assert_string_equal(r.services.at[0].why.at[1], "replica 3 waits: k1: cordoned");
    report_release(&r);
    cluster_release(&c);
}

static void test_report__without_a_leader_it_says_so(void **state)
{
    struct cluster c = healthy(1);
    struct report r;

    cluster_delete(&c, "/orc/default/leader");
    cluster_delete(&c, "/orc/default/rollouts/shop/web");
    report_build(&c, NULL, NOW, &r);
    assert_false(r.ok);
    assert_true(says(&r.problems, "no scheduler leads"));
    assert_string_equal(r.services.at[0].rollout, "waiting");
    assert_true(says(&r.services.at[0].why, "no scheduler leads"));
    report_release(&r);
    cluster_release(&c);
}

static void test_report__garbage_is_reported_with_its_key_and_harms_nobody_else(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    put(&c, "tasks/k1/shop.web.7.9", "not json");
    put(&c, "what/is/this", "{}");
    report_build(&c, NULL, NOW, &r);
    assert_false(r.ok);
    assert_true(says(&r.problems, "/orc/default/tasks/k1/shop.web.7.9"));
    assert_true(says(&r.problems, "/orc/default/what/is/this"));
    assert_true(r.services.at[0].ok);
    report_release(&r);
    cluster_release(&c);
}

static void test_report__room_counts_what_is_stopping_until_it_is_stopped(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    task(&c, "k1", 1, "remove");
    status(&c, "k1", 1, "stopping", "unknown", NULL);
    report_build(&c, NULL, NOW, &r);
    assert_int_equal(r.nodes.at[0].used.memory, 2 * 67108864);
    assert_int_equal(r.nodes.at[0].total.cpus_nano, INT64_C(3000000000));
    report_release(&r);
    status(&c, "k1", 1, "stopped", "unknown", NULL);
    report_build(&c, NULL, NOW, &r);
    assert_int_equal(r.nodes.at[0].used.memory, 67108864);
    report_release(&r);
    cluster_release(&c);
}

static void test_report__removed_tasks_are_not_listed(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    task(&c, "k1", 1, "remove");
    status(&c, "k1", 1, "removed", "unknown", NULL);
    report_build(&c, NULL, NOW, &r);
    assert_int_equal(r.services.at[0].tasks.n, 1);
    report_release(&r);
    cluster_release(&c);
}

static void test_report__a_selection_shows_only_what_was_asked_for(void **state)
{
    struct cluster c = healthy(1);
    struct report r;

    put(&c, "apps/blog", "{\"generation\":1,\"services\":[{\"name\":\"web\",\"revision\":1}]}");
    report_build(&c, "blog", NOW, &r);
    assert_int_equal(r.services.n, 1);
    assert_string_equal(r.services.at[0].name, "blog/web");
    report_release(&r);
    report_build(&c, "shop/web", NOW, &r);
    assert_int_equal(r.services.n, 1);
    assert_int_equal(r.services.at[0].tasks.n, 1);
    report_release(&r);
    report_build(&c, "shop/we", NOW, &r);
    assert_int_equal(r.services.n, 0);
    report_release(&r);
    cluster_release(&c);
}

static void test_report__json_has_the_members_that_scripts_rely_on(void **state)
{
    struct cluster c = healthy(1);
    struct report r;
    json_t *j, *service, *first;

    report_build(&c, NULL, NOW, &r);
    j = report_to_json(&r);
    service = json_array_get(json_object_get(j, "services"), 0);
    first = json_array_get(json_object_get(service, "tasks"), 0);
    assert_string_equal(json_string_value(json_object_get(service, "name")), "shop/web");
    assert_int_equal(json_integer_value(json_object_get(service, "desired")), 1);
    assert_int_equal(json_integer_value(json_object_get(service, "healthy")), 1);
    assert_int_equal(json_integer_value(json_object_get(service, "revision")), 2);
    assert_string_equal(json_string_value(json_object_get(json_object_get(service, "rollout"), "state")),
                        "complete");
    assert_string_equal(json_string_value(json_object_get(first, "id")), "shop.web.0.1");
    assert_string_equal(json_string_value(json_object_get(first, "node")), "k1");
    assert_string_equal(json_string_value(json_object_get(first, "state")), "running");
    assert_string_equal(json_string_value(json_object_get(first, "health")), "healthy");
    first = json_array_get(json_object_get(j, "nodes"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "k1");
    assert_true(json_is_true(json_object_get(first, "ready")));
    json_decref(j);
    report_release(&r);
    cluster_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report__all_healthy_is_ok_and_gives_no_reason),
        cmocka_unit_test(test_report__an_unhealthy_replica_is_named_with_its_probe),
        cmocka_unit_test(test_report__a_lost_node_takes_its_replicas_with_it),
        cmocka_unit_test(test_report__pending_slots_of_one_reason_are_one_line),
        cmocka_unit_test(test_report__without_a_leader_it_says_so),
        cmocka_unit_test(test_report__garbage_is_reported_with_its_key_and_harms_nobody_else),
        cmocka_unit_test(test_report__room_counts_what_is_stopping_until_it_is_stopped),
        cmocka_unit_test(test_report__removed_tasks_are_not_listed),
        cmocka_unit_test(test_report__a_selection_shows_only_what_was_asked_for),
        cmocka_unit_test(test_report__json_has_the_members_that_scripts_rely_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
