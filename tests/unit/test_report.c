/* test_report.c - what `orc status` says: is it up, and if not, why not. */
#include "cli/report.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

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
    assert_string_equal(r.nodes.at[0].state, "unknown");
    assert_false(r.nodes.at[0].ready);
    assert_int_equal(r.services.at[0].running, 0);
    assert_string_equal(r.services.at[0].tasks.at[0].health, "unknown");
    assert_true(says(&r.services.at[0].why, "k1 gives no sign of life"));
    report_release(&r);
    cluster_release(&c);
}

static void test_report__what_only_the_scheduler_knows_of_a_node_is_its_word(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    node(&c, "k2", false);
    put(&c, "node-state/k2", "{\"state\":\"down\",\"since\":999995000}");
    put(&c, "node-state/k1", "{\"state\":\"unknown\",\"since\":999990000}"); /* it is back: not said yet */
    put(&c, "tasks/k9/shop.web.7.9",
        "{\"app\":\"shop\",\"service\":\"web\",\"slot\":7,\"attempt\":9,\"revision\":1,\"desired\":\"run\"}");
    put(&c, "node-state/k9", "{\"state\":\"removed\",\"since\":999990000}");
    report_build(&c, NULL, NOW, &r);
    assert_int_equal(r.nodes.n, 3);
    assert_string_equal(r.nodes.at[0].state, "ready");
    assert_int_equal(r.nodes.at[0].age_ms, 0);
    assert_string_equal(r.nodes.at[1].state, "down");
    assert_int_equal(r.nodes.at[1].age_ms, 5000);
    assert_string_equal(r.nodes.at[2].name, "k9");
    assert_string_equal(r.nodes.at[2].state, "removed");
    assert_int_equal(r.nodes.at[2].tasks, 1);
    assert_true(says(&r.problems, "node k2 is down: no heartbeat for longer than the grace"));
    report_release(&r);
    cluster_release(&c);
}

static void test_report__too_many_silent_nodes_are_one_problem_with_names_time_and_a_way_out(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    node(&c, "k2", false);
    node(&c, "k3", false);
    put(&c, "node-state/k2", "{\"state\":\"unknown\",\"held\":true,\"since\":999880000}");
    put(&c, "node-state/k3", "{\"state\":\"unknown\",\"held\":true,\"since\":999940000}");
    report_build(&c, NULL, NOW, &r);
    assert_int_equal(r.problems.n, 1);
    assert_true(says(&r.problems,
                     "more than half of the nodes give no sign of life (2 of 3: k2, k3), the last "
                     "since 1m"));
    assert_true(says(&r.problems, "nothing is moved"));
    assert_true(says(&r.problems, "`orc node rm NAME`"));
    assert_string_equal(r.nodes.at[1].state, "unknown");
    assert_true(strstr(r.nodes.at[1].why, "more than half") != NULL);
    report_release(&r);
    cluster_release(&c);
}

static void test_report__what_was_said_before_a_server_was_started_anew_does_not_count(void **state)
{
    struct cluster c = healthy(1);
    struct report r;

    put(&c, "status/k1/shop.web.0.1", "{\"state\":\"running\",\"health\":\"healthy\",\"boot\":\"aaaaaaaa\"}");
    put(&c, "alive/k1", "{\"instance\":\"i\",\"boot_id\":\"bbbbbbbb-1\"}");
    report_build(&c, NULL, NOW, &r);
    assert_int_equal(r.services.at[0].healthy, 0);
    assert_int_equal(r.services.at[0].running, 0);
    assert_true(says(&r.services.at[0].why, "k1 was started anew and has not said what became of it"));
    report_release(&r);
    put(&c, "alive/k1", "{\"instance\":\"i\",\"boot_id\":\"aaaaaaaa-1\"}");
    report_build(&c, NULL, NOW, &r);
    assert_true(r.ok);
    report_release(&r);
    cluster_release(&c);
}

static void test_report__a_drained_server_may_be_switched_off(void **state)
{
    struct cluster c = healthy(1);
    struct report r;

    node(&c, "k2", true);
    put(&c, "node-policy/k2", "{\"cordon\":true,\"drain\":true}");
    report_build(&c, NULL, NOW, &r);
    assert_string_equal(r.nodes.at[1].state, "drained");
    assert_true(r.ok);
    report_release(&r);
    cluster_delete(&c, "/orc/default/alive/k2");
    report_build(&c, NULL, NOW, &r);
    assert_string_equal(r.nodes.at[1].state, "unknown");
    assert_true(r.ok);
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

static void test_report__a_rollback_that_waits_for_a_stop_says_so_after_its_cause(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    rollout(&c, "rolling-back", "revision 2 failed: no such image", NULL);
    task(&c, "k1", 5, "remove");
    status(&c, "k1", 5, "running", "healthy", NULL);
    task(&c, "k1", 6, "remove");
    status(&c, "k1", 6, "stopped", "unknown", NULL);
    report_build(&c, NULL, NOW, &r);
    assert_int_equal(r.services.at[0].why.n, 2);
    assert_string_equal(r.services.at[0].why.at[0], "revision 2 failed: no such image");
    assert_string_equal(r.services.at[0].why.at[1], "1 task still stops: shop.web.5.6 on k1");
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

static void test_report__complete_with_too_few_healthy_replicas_says_so(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    cluster_delete(&c, "/orc/default/tasks/k1/shop.web.1.2");
    report_build(&c, NULL, NOW, &r);
    assert_false(r.ok);
    assert_true(says(&r.services.at[0].why, "1 of 2 replicas are healthy"));
    report_release(&r);
    cluster_release(&c);
}

static void test_report__a_removed_service_is_gone_with_its_last_container(void **state)
{
    struct cluster c = healthy(1);
    struct report r;

    cluster_delete(&c, "/orc/default/apps/shop");
    rollout(&c, "removing", NULL, NULL);
    task(&c, "k1", 0, "remove");
    report_build(&c, NULL, NOW, &r);
    assert_false(r.ok);
    assert_string_equal(r.services.at[0].rollout, "removing");
    report_release(&r);
    status(&c, "k1", 0, "removed", "unknown", NULL);
    report_build(&c, NULL, NOW, &r);
    assert_true(r.ok);
    assert_int_equal(r.services.n, 0);
    report_release(&r);
    app(&c, 1); /* wanted again, and the scheduler has not seen it */
    report_build(&c, NULL, NOW, &r);
    assert_false(r.ok);
    assert_int_equal(r.services.n, 1);
    report_release(&r);
    cluster_release(&c);
}

static void test_report__a_missing_network_comes_before_the_paths_over_it(void **state)
{
    struct cluster c = healthy(1);
    struct report r;

    put(&c, "nodes/k1",
        "{\"address\":\"10.0.0.11\",\"subnet\":\"10.210.1.0/24\",\"capacity\":{},\"conditions\":["
        "{\"type\":\"mtu\",\"ok\":false,\"reason\":\"not probed yet\",\"since\":1},"
        "{\"type\":\"network\",\"ok\":false,\"reason\":\"netplug is not running\",\"since\":1}]}");
    report_build(&c, NULL, NOW, &r);
    assert_string_equal(r.nodes.at[0].why, "netplug is not running");
    report_release(&r);
    cluster_release(&c);
}

/* It is up all the same; why it is not as even as was asked for stays to be seen. */
static void test_report__a_rebalance_that_ended_early_says_why(void **state)
{
    struct cluster c = healthy(2);
    struct report r;

    put(&c, "rollouts/shop/web",
        "{\"state\":\"complete\",\"generation\":1,\"wanted\":2,\"target\":2,\"complete\":2,\"updated\":2,"
        "\"rebalance_epoch\":3,\"rebalance_moved\":1,\"rebalance_end\":\"shop.web.1.7 on k2 failed: exit "
        "code "
        "1\"}");
    report_build(&c, NULL, NOW, &r);
    assert_true(r.services.at[0].ok);
    assert_int_equal(r.services.at[0].why.n, 1);
    assert_string_equal(
        r.services.at[0].why.at[0],
        "its last rebalance ended early, after 1 replica: shop.web.1.7 on k2 failed: exit code 1");
    report_release(&r);
    cluster_release(&c);
}

/* A replica that fails again and again: since when, and what its probe said last. */
static void test_report__a_degraded_service_is_not_ok_and_says_since_when(void **state)
{
    struct cluster c = healthy(2);
    struct report r;
    orc_auto_json json_t *j = NULL;
    orc_auto_free char *text = NULL;

    put(&c, "rollouts/shop/web",
        "{\"state\":\"complete\",\"generation\":1,\"wanted\":2,\"target\":2,\"complete\":2,\"updated\":2,"
        "\"degraded\":\"shop.web.1.7 on k1: unhealthy: HTTP 503\",\"degraded_since\":999820000}");
    report_build(&c, NULL, NOW, &r);
    assert_false(r.services.at[0].ok);
    assert_string_equal(r.services.at[0].why.at[0],
                        "degraded for 3m: shop.web.1.7 on k1: unhealthy: HTTP 503");
    j = report_to_json(&r);
    text = orc_json_text(json_array_get(json_object_get(j, "services"), 0));
    assert_non_null(strstr(text, "\"degraded\":{\"age_ms\":180000,\"reason\":\"shop.web.1.7 on k1: "));
    assert_non_null(strstr(text, "\"target\":2,\"updated\":2}"));
    report_release(&r);
    cluster_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report__a_rebalance_that_ended_early_says_why),
        cmocka_unit_test(test_report__a_degraded_service_is_not_ok_and_says_since_when),
        cmocka_unit_test(test_report__all_healthy_is_ok_and_gives_no_reason),
        cmocka_unit_test(test_report__an_unhealthy_replica_is_named_with_its_probe),
        cmocka_unit_test(test_report__a_lost_node_takes_its_replicas_with_it),
        cmocka_unit_test(test_report__what_only_the_scheduler_knows_of_a_node_is_its_word),
        cmocka_unit_test(test_report__too_many_silent_nodes_are_one_problem_with_names_time_and_a_way_out),
        cmocka_unit_test(test_report__what_was_said_before_a_server_was_started_anew_does_not_count),
        cmocka_unit_test(test_report__a_drained_server_may_be_switched_off),
        cmocka_unit_test(test_report__pending_slots_of_one_reason_are_one_line),
        cmocka_unit_test(test_report__a_rollback_that_waits_for_a_stop_says_so_after_its_cause),
        cmocka_unit_test(test_report__without_a_leader_it_says_so),
        cmocka_unit_test(test_report__garbage_is_reported_with_its_key_and_harms_nobody_else),
        cmocka_unit_test(test_report__room_counts_what_is_stopping_until_it_is_stopped),
        cmocka_unit_test(test_report__removed_tasks_are_not_listed),
        cmocka_unit_test(test_report__a_removed_service_is_gone_with_its_last_container),
        cmocka_unit_test(test_report__a_missing_network_comes_before_the_paths_over_it),
        cmocka_unit_test(test_report__a_selection_shows_only_what_was_asked_for),
        cmocka_unit_test(test_report__complete_with_too_few_healthy_replicas_says_so),
        cmocka_unit_test(test_report__json_has_the_members_that_scripts_rely_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
