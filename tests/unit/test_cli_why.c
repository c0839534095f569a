/* `orc why`: the scheduler's own filters over the records that the CLI has read. */
#include "cli/brain.h"
#include "cli/report.h"
#include "cli/why.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Two servers of 3 CPUs and 3 GiB to give; one replica of 2 GiB runs on k1, one has found no place. */
static struct cluster crowded(void)
{
    struct cluster c;

    cluster_init(&c, "default");
    leader(&c);
    node(&c, "k1", true);
    node(&c, "k2", true);
    put(&c, "node-policy/k2", "{\"cordon\":true}");
    app(&c, 2);
    put(&c, "revisions/shop/web/00000002",
        "{\"spec\":{\"name\":\"web\",\"image\":\"web:2\",\"replicas\":2,\"limits\":{\"memory\":2147483648}},"
        "\"hash\":\"h\",\"container_hash\":\"\",\"at\":1}");
    rollout(&c, "updating", NULL, "[{\"slot\":1,\"reason\":\"0 of 2 nodes fit\",\"since\":999940000}]");
    put(&c, "tasks/k1/shop.web.0.1",
        "{\"app\":\"shop\",\"service\":\"web\",\"slot\":0,\"attempt\":1,\"revision\":2,\"container_hash\":"
        "\"\","
        "\"desired\":\"run\",\"address\":\"10.210.1.2\",\"resources\":{\"memory\":2147483648},\"reason\":"
        "\"first "
        "deployment\"}");
    status(&c, "k1", 0, "running", "healthy", NULL);
    return c;
}

static char *print(struct cluster *c, int slot, const char *task, bool json)
{
    const struct out o = {.width = 110};
    struct why w = {.app = "shop", .service = "web"};
    struct core *core = brain_new(c, NOW);
    struct orc_err err = ORC_ERR_INIT;
    char *text = NULL;
    size_t n = 0;
    FILE *f;

    assert_int_equal(explain_slot(core, "shop", "web", slot, &w.explain, &err), 0);
    if (task)
        why_task(c, cluster_find(c, key_task("default", "k1", task)), &w);
    why_rollout(c, &w);
    if (json) {
        orc_auto_json json_t *j = why_to_json(&w);

        text = json_dumps(j, JSON_COMPACT);
    } else {
        f = open_memstream(&text, &n);
        why_print(&o, &w, NOW, f);
        fclose(f);
    }
    why_release(&w);
    core_free(core);
    return text;
}

/* Behaviour 15: 2 GiB asked for, 1 GiB free on k1, and k2 has room but is cordoned. */
static void test_why__a_waiting_replica_is_held_against_every_server(void **state)
{
    struct cluster c = crowded();
    orc_auto_free char *got = print(&c, -1, NULL, false);

    assert_string_equal(got,
                        "shop/web, replica 1 waits since 1m: 0 of 2 nodes fit\n"
                        "\n"
                        "Replica 1 of revision 2 reserves 0 CPU and 2 GiB of memory. 0 of 2 nodes would take "
                        "it:\n"
                        "NODE REPLICAS REFUSED BY NEEDS AVAILABLE SHORT WHY\n"
                        "k1   1        memory     2 GiB 1 GiB     1 GiB \n"
                        "k2   0        cordon     -     -         -     cordoned\n"
                        "Smallest change that lets it run: `orc node uncordon k2`\n");
    cluster_release(&c);
}

static void test_why__a_task_says_why_it_was_made_and_where_else_it_could_be(void **state)
{
    struct cluster c = crowded();
    orc_auto_free char *got = print(&c, 0, "shop.web.0.1", false);

    assert_non_null(strstr(got, "shop.web.0.1 on k1 is running, healthy. It was made: first deployment\n"));
    assert_non_null(strstr(got, "1 of 2 nodes would take it if it were"));
    assert_null(strstr(got, "Smallest change"));
    cluster_release(&c);
}

/* What its checks say is told of one that is not healthy, to people and to programs. */
static void test_why__a_task_that_is_not_ready_says_what_its_check_said(void **state)
{
    struct cluster c = crowded();
    orc_auto_free char *text = NULL, *json = NULL;

    status(&c, "k1", 0, "running", "unready", "HTTP 503 after 2 ms");
    text = print(&c, 0, "shop.web.0.1", false);
    json = print(&c, 0, "shop.web.0.1", true);
    assert_non_null(strstr(text, "shop.web.0.1 on k1 is running, unready. "));
    assert_non_null(strstr(text, "\nIts last health check said: HTTP 503 after 2 ms\n"
                                 "`orc describe task shop.web.0.1` tells what to do\n"));
    assert_non_null(strstr(json, "\"health\":\"unready\",\"probe\":\"HTTP 503 after 2 ms\""));
    cluster_release(&c);
}

/* A service that waits for no place and is not well is asked about for the replica that is not. */
static void test_why__a_service_has_a_replica_that_is_not_well(void **state)
{
    struct cluster c = crowded();
    const struct cluster_entry *unwell;
    orc_auto_free char *text = NULL, *json = NULL;

    assert_null(why_unwell(&c, "shop", "web"));
    put(&c, "status/k1/shop.web.0.1",
        "{\"state\":\"pulling\",\"health\":\"unknown\",\"reason\":\"pull: there is no image "
        "web:2\",\"since\":1}");
    unwell = why_unwell(&c, "shop", "web");
    assert_non_null(unwell);
    assert_string_equal(unwell->key.task, "shop.web.0.1");
    assert_null(why_unwell(&c, "shop", "api"));
    text = print(&c, 0, unwell->key.task, false);
    json = print(&c, 0, unwell->key.task, true);
    assert_non_null(strstr(text, "shop.web.0.1 on k1 is pulling, unknown. It was made: first deployment\n"
                                 "Its server says: pull: there is no image web:2\n"
                                 "`orc describe task shop.web.0.1` tells what to do\n"));
    assert_non_null(strstr(json, "\"reason\":\"pull: there is no image web:2\""));
    put(&c, "status/k1/shop.web.0.1", "{\"state\":\"stopped\",\"health\":\"unknown\",\"since\":1}");
    assert_null(why_unwell(&c, "shop", "web"));
    cluster_release(&c);
}

static void test_why__programs_get_the_numbers(void **state)
{
    struct cluster c = crowded();
    orc_auto_free char *got = print(&c, -1, NULL, true);

    assert_non_null(
        strstr(got, "\"refused\":[{\"filter\":\"memory\",\"needed\":2147483648,\"available\":1073741824,"
                    "\"short\":1073741824,\"text\":\"needs 2 GiB, 1 GiB free, 1 GiB short\"}]"));
    assert_non_null(strstr(got, "{\"filter\":\"cordon\",\"text\":\"cordoned\"}"));
    assert_non_null(strstr(got, "\"change\":\"`orc node uncordon k2`\""));
    cluster_release(&c);
}

/* Behaviour 15: `orc status -o json` has the same for each slot that waits. */
static void test_why__status_json_has_it_for_each_waiting_slot(void **state)
{
    struct cluster c = crowded();
    struct core *core = brain_new(&c, NOW);
    struct report r;
    orc_auto_json json_t *j = NULL;
    orc_auto_free char *got = NULL;

    report_build(&c, NULL, NOW, &r);
    report_explain(core, &r);
    j = report_to_json(&r);
    got = json_dumps(j, JSON_COMPACT);
    assert_non_null(strstr(
        got,
        "\"pending\":[{\"slot\":1,\"reason\":\"0 of 2 nodes fit\",\"age_ms\":60000,\"nodes\":"
        "[{\"node\":\"k1\",\"fits\":false,\"replicas\":1,\"failures\":0,\"refused\":[{\"filter\":\"memory\","
        "\"needed\":2147483648,\"available\":1073741824,\"short\":1073741824,"));
    report_release(&r);
    core_free(core);
    cluster_release(&c);
}

/* What can't be read is known to be there: nothing is concluded from it. */
static void test_why__unreadable_records_are_fed_as_unreadable(void **state)
{
    struct cluster c = crowded();
    orc_auto_free char *got = NULL;

    put(&c, "node-policy/k2", "{\"cordon\":7}");
    got = print(&c, -1, NULL, true);
    assert_non_null(strstr(got, "{\"filter\":\"cordon\",\"text\":\"its policy can't be read\"}"));
    cluster_release(&c);
}

static json_t *as_json(struct cluster *c, int slot, const char *task)
{
    orc_auto_free char *text = print(c, slot, task, true);
    json_t *j = json_loads(text, 0, NULL);

    assert_non_null(j);
    return j;
}

static void assert_member(const json_t *j, const char *key, const char *want) /* NULL: it is not there */
{
    const char *have = json_string_value(json_object_get(j, key));

    if (want)
        assert_string_equal(have, want);
    else
        assert_null(have);
}

/* Every member, of a service and of a task in it. */
static void test_why__programs_get_every_member(void **state)
{
    for (int of_task = 0; of_task < 2; of_task++) {
        struct cluster c = crowded();
        orc_auto_json json_t *j = as_json(&c, of_task ? 0 : -1, of_task ? "shop.web.0.1" : NULL);
        const json_t *task = json_object_get(j, "task"), *needs = json_object_get(j, "needs");

        assert_member(j, "service", "shop/web");
        assert_int_equal(json_integer_value(json_object_get(j, "slot")), !of_task);
        assert_int_equal(json_integer_value(json_object_get(j, "revision")), 2);
        assert_int_equal(json_is_true(json_object_get(j, "waits")), !of_task);
        assert_member(j, "reason", of_task ? NULL : "0 of 2 nodes fit");
        assert_member(j, "volume_on", NULL);
        assert_int_equal(json_integer_value(json_object_get(needs, "memory")), INT64_C(2147483648));
        assert_int_equal(json_integer_value(json_object_get(needs, "cpus_nano")), 0);
        assert_int_equal(json_integer_value(json_object_get(j, "fitting")), of_task);
        assert_int_equal(json_array_size(json_object_get(j, "nodes")), 2);
        assert_int_equal(task != NULL, of_task);
        if (task) {
            assert_member(task, "id", "shop.web.0.1");
            assert_member(task, "node", "k1");
            assert_member(task, "state", "running");
            assert_member(task, "health", "healthy");
            assert_member(task, "made", "first deployment");
            assert_member(task, "stopped", NULL);
        }
        cluster_release(&c);
    }
}

/* One that is told to go says why, to people and to programs; one that nobody has heard of yet is assigned.
 */
static void test_why__a_task_that_goes_says_why(void **state)
{
    struct cluster c = crowded();
    orc_auto_free char *got = NULL;
    orc_auto_json json_t *j = NULL;

    put(&c, "tasks/k1/shop.web.0.1",
        "{\"app\":\"shop\",\"service\":\"web\",\"slot\":0,\"attempt\":1,\"revision\":2,\"container_hash\":"
        "\"\","
        "\"desired\":\"remove\",\"stop_reason\":\"scaled down to 0\",\"address\":\"10.210.1.2\"}");
    cluster_delete(&c, "/orc/default/status/k1/shop.web.0.1");
    got = print(&c, -1, "shop.web.0.1", false);
    assert_non_null(strstr(got, "shop.web.0.1 on k1 is assigned, unknown. It was made: nobody said why\n"
                                "It is told to go: scaled down to 0\n"));
    j = as_json(&c, -1, "shop.web.0.1");
    assert_member(json_object_get(j, "task"), "stopped", "scaled down to 0");
    assert_member(json_object_get(j, "task"), "state", "assigned");
    cluster_release(&c);
}

/* A service of which all runs waits for nothing, and one that has none says that. */
static void test_why__a_service_that_waits_for_nothing_says_so(void **state)
{
    struct cluster c = crowded();
    orc_auto_free char *some = NULL, *none = NULL;

    app(&c, 1);
    rollout(&c, "complete", NULL, "[]");
    some = print(&c, -1, NULL, false);
    assert_non_null(strstr(some, "shop/web waits for nothing; replica 0 is shop.web.0.1 on k1\n"));
    cluster_delete(&c, "/orc/default/tasks/k1/shop.web.0.1");
    app(&c, 0);
    none = print(&c, -1, NULL, false);
    assert_non_null(strstr(none, "shop/web waits for nothing and has no replica\n"));
    cluster_release(&c);
}

/* One node is a node. */
static void test_why__one_node_is_one(void **state)
{
    struct cluster c = crowded();
    orc_auto_free char *got = NULL;

    cluster_delete(&c, "/orc/default/nodes/k2");
    cluster_delete(&c, "/orc/default/alive/k2");
    cluster_delete(&c, "/orc/default/node-policy/k2");
    got = print(&c, -1, NULL, false);
    assert_non_null(strstr(got, "0 of 1 node would take it:"));
    cluster_release(&c);
}

/* What a loss would cost, number for number; it is well when the worst one leaves nothing. */
static void test_why__a_loss_in_numbers(void **state)
{
    for (int left = 0; left < 3; left++) {
        struct survive_service s[] = {
            {.name = (char *)"shop/web", .left = left, .why = (char *)"0 of 2 nodes fit"}};
        struct survive_node n[] = {
            {.name = (char *)"k1", .moved = 3, .left = 0, .tied = 1},
            {.name = (char *)"k2", .moved = 4, .left = left, .tied = 2, .services = {s, left ? 1 : 0, 1}}};
        struct survive v = {.nodes = 3, .tried = {n, 2, 2}};
        orc_auto_json json_t *j = survive_to_json(&v);
        const json_t *second = json_array_get(json_object_get(j, "tried"), 1);

        assert_int_equal(json_is_true(json_object_get(j, "ok")), left == 0);
        assert_int_equal(json_integer_value(json_object_get(j, "nodes")), 3);
        assert_int_equal(json_array_size(json_object_get(j, "tried")), 2);
        assert_non_null(json_string_value(json_object_get(j, "text")));
        assert_member(second, "node", "k2");
        assert_int_equal(json_integer_value(json_object_get(second, "moved")), 4);
        assert_int_equal(json_integer_value(json_object_get(second, "left")), left);
        assert_int_equal(json_integer_value(json_object_get(second, "tied")), 2);
        assert_int_equal(json_array_size(json_object_get(second, "services")), left ? 1 : 0);
        if (left) {
            assert_member(json_array_get(json_object_get(second, "services"), 0), "name", "shop/web");
            assert_member(json_array_get(json_object_get(second, "services"), 0), "why", "0 of 2 nodes fit");
        }
    }
}

/* What people must mend comes first, with what to do; a rollout that goes on by itself says
 * nothing here. */
static void test_why__a_rollout_that_needs_people_comes_first(void **state)
{
    static const struct {
        const char *state, *reason, *text, *json;
    } table[] = {
        {"rolled-back", "revision 3 failed: HTTP 503",
         "shop/web is rolled-back: revision 3 failed: HTTP 503\nMend the file and apply it again\n\n",
         "\"rollout\":{\"state\":\"rolled-back\",\"reason\":\"revision 3 failed: HTTP 503\"}"},
        {"paused", NULL, "shop/web is paused\nApply a mended file, or go on with",
         "\"rollout\":{\"state\":\"paused\",\"reason\":null}"},
        {"updating", "update to revision 3", NULL, NULL},
        {"complete", NULL, NULL, NULL},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(table); i++) {
        struct cluster c = crowded();
        orc_auto_free char *text = NULL, *json = NULL;

        rollout(&c, table[i].state, table[i].reason, NULL);
        text = print(&c, -1, NULL, false);
        json = print(&c, -1, NULL, true);
        if (table[i].text) {
            assert_ptr_equal(strstr(text, table[i].text), text);
            assert_non_null(strstr(json, table[i].json));
        } else {
            assert_ptr_equal(strstr(text, "shop/web waits for nothing"), text);
            assert_null(strstr(json, "\"rollout\""));
        }
        cluster_release(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_why__a_waiting_replica_is_held_against_every_server),
        cmocka_unit_test(test_why__a_task_says_why_it_was_made_and_where_else_it_could_be),
        cmocka_unit_test(test_why__a_task_that_is_not_ready_says_what_its_check_said),
        cmocka_unit_test(test_why__a_service_has_a_replica_that_is_not_well),
        cmocka_unit_test(test_why__programs_get_the_numbers),
        cmocka_unit_test(test_why__status_json_has_it_for_each_waiting_slot),
        cmocka_unit_test(test_why__unreadable_records_are_fed_as_unreadable),
        cmocka_unit_test(test_why__programs_get_every_member),
        cmocka_unit_test(test_why__a_task_that_goes_says_why),
        cmocka_unit_test(test_why__a_service_that_waits_for_nothing_says_so),
        cmocka_unit_test(test_why__one_node_is_one),
        cmocka_unit_test(test_why__a_loss_in_numbers),
        cmocka_unit_test(test_why__a_rollout_that_needs_people_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
