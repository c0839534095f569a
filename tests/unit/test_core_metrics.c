/* scheduler/metrics: what the core tells Prometheus, with lib/metrics.h's three calls taken by the test. */
#include "scheduler/metrics.h"
#include "tests/sim/sim.h"

/* ---- what is told, as lines: "orc_tasks running 3" ------------------------------------------------------
 */

struct orc_metrics_text {
    struct orc_buf b;
    char name[64];
};

void orc_metric(struct orc_metrics_text *t, const char *name, const char *kind, const char *help)
{
    assert_true(strcmp(kind, "gauge") == 0 && *help);
    snprintf(t->name, sizeof t->name, "%s", name);
}

void orc_metric_sample(struct orc_metrics_text *t, const char *label, const char *value, double v)
{
    orc_buf_printf(&t->b, "%s%s%s %g\n", t->name, label ? " " : "", label ? value : "", v);
}

void orc_metric_gauge(struct orc_metrics_text *t, const char *name, const char *help, double v)
{
    orc_metric(t, name, "gauge", help);
    orc_metric_sample(t, NULL, NULL, v);
}

static void assert_told(struct sim *s, const char *line)
{
    struct orc_metrics_text t = {.b = ORC_BUF_INIT(1 << 16)};
    orc_auto_free char *text = NULL, *want = orc_printf("\n%s\n", line), *all = NULL;

    core_metrics(s->core, &t);
    text = orc_buf_take(&t.b);
    all = orc_printf("\n%s", text);
    if (!strstr(all, want))
        fail_msg("\"%s\" is not told:\n%s", line, text);
}

static struct sim *two_nodes(void)
{
    struct sim *s = sim_new();

    sim_node(s, 4, 4096);
    sim_node(s, 4, 4096);
    return s;
}

/* ---- services -------------------------------------------------------------------------------------------
 */

static void test_core_metrics__a_service_whose_file_says_no_number_shall_have_one_replica(void **state)
{
    struct sim *s = two_nodes();

    sim_apply(s, "shop", 1, sim_spec("web", SPEC_REPLICAS_DEFAULT, "good"));
    sim_settle(s);
    assert_told(s, "orc_service_replicas_desired shop/web 1");
    assert_told(s, "orc_service_replicas_available shop/web 1");
    sim_scale(s, "shop", "web", 3);
    sim_settle(s);
    assert_told(s, "orc_service_replicas_desired shop/web 3");
    assert_told(s, "orc_service_replicas_available shop/web 3");
    sim_free(s);
}

static void test_core_metrics__a_global_service_shall_have_one_replica_on_each_node(void **state)
{
    struct sim *s = two_nodes();
    struct spec_service *w = sim_spec("agent", SPEC_REPLICAS_DEFAULT, "good");

    w->global = true;
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_told(s, "orc_service_replicas_desired shop/agent 2");
    assert_told(s, "orc_service_replicas_available shop/agent 2");
    sim_free(s);
}

/* What runs after a rollback is what the old version asks for, not what the app still wants. */
static void test_core_metrics__after_a_rollback_the_old_number_counts(void **state)
{
    struct sim *s = two_nodes();
    struct spec_service *w = sim_spec("web", 4, "sick");

    sim_apply(s, "shop", 1, sim_spec("web", 2, "good"));
    sim_pass(s, 10000);
    w->update.failure_action = SPEC_ON_FAILURE_ROLLBACK;
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 120000);
    assert_rollout(s, "shop", "web", "rolled-back", 1, "");
    assert_told(s, "orc_service_replicas_desired shop/web 2");
    assert_told(s, "orc_services rolled-back 1");
    assert_told(s, "orc_services complete 0");
    sim_free(s);
}

static void
test_core_metrics__what_is_removed_shall_have_none_and_is_no_longer_told_of_in_the_end(void **state)
{
    struct sim *s = two_nodes();
    orc_auto_free char *step = NULL;

    sim_apply(s, "shop", 1, sim_spec("web", 2, "good"));
    sim_settle(s);
    sim_rm(s, "shop");
    step = sim_step(s);
    assert_told(s, "orc_service_replicas_desired shop/web 0");
    assert_told(s, "orc_services removing 1");
    sim_pass(s, 120000);
    assert_told(s, "orc_services removing 0");
    assert_told(s, "orc_tasks running 0");
    sim_free(s);
}

static void test_core_metrics__counts_services_of_which_a_replica_fails_again_and_again(void **state)
{
    struct sim *s = two_nodes();

    sim_apply(s, "shop", 1, sim_spec("web", 2, "good"));
    sim_pass(s, 70000);
    assert_told(s, "orc_services_degraded 0");
    for (int i = 0; i < 3; i++) {
        sim_sicken(s, "web", 0);
        sim_pass(s, 20000);
    }
    assert_told(s, "orc_services_degraded 1");
    sim_pass(s, 400000);
    assert_told(s, "orc_services_degraded 0");
    sim_free(s);
}

/* ---- nodes and tasks ------------------------------------------------------------------------------------
 */

static void test_core_metrics__tells_room_and_use_of_each_node(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 4, 4096);
    sim_apply(s, "shop", 1, sim_spec("web", 3, "good"));
    sim_settle(s);
    assert_told(s, "orc_node_ready k1 1");
    assert_told(s, "orc_node_cpu_cores k1 4");
    assert_told(s, "orc_node_cpu_cores_taken k1 0.3");
    assert_told(s, "orc_node_memory_bytes k1 4.29497e+09");
    assert_told(s, "orc_node_memory_bytes_taken k1 2.01327e+08");
    assert_told(s, "orc_tasks running 3");
    sim_alive(s, "k1", false);
    sim_settle(s);
    assert_told(s, "orc_node_ready k1 0");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_core_metrics__a_service_whose_file_says_no_number_shall_have_one_replica),
        cmocka_unit_test(test_core_metrics__a_global_service_shall_have_one_replica_on_each_node),
        cmocka_unit_test(test_core_metrics__after_a_rollback_the_old_number_counts),
        cmocka_unit_test(
            test_core_metrics__what_is_removed_shall_have_none_and_is_no_longer_told_of_in_the_end),
        cmocka_unit_test(test_core_metrics__counts_services_of_which_a_replica_fails_again_and_again),
        cmocka_unit_test(test_core_metrics__tells_room_and_use_of_each_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
