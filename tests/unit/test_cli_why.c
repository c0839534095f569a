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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_why__a_waiting_replica_is_held_against_every_server),
        cmocka_unit_test(test_why__a_task_says_why_it_was_made_and_where_else_it_could_be),
        cmocka_unit_test(test_why__programs_get_the_numbers),
        cmocka_unit_test(test_why__status_json_has_it_for_each_waiting_slot),
        cmocka_unit_test(test_why__unreadable_records_are_fed_as_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
