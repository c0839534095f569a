/* The core as a whole: garbage, order of feeding, collection, gateways, dependencies, texts. */
#include "scheduler/facts.h"
#include "scheduler/model.h"
#include "tests/sim/sim.h"

static struct sim *running(int nodes, int replicas)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    sim_pass(s, 70000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    return s;
}

/* ---- steps */

static void test_core__an_empty_cluster_needs_nothing(void **state)
{
    struct sim *s = sim_new();
    orc_auto_free char *text = sim_step(s);

    assert_string_equal(text, "");
    assert_int_equal(core_next(s->core), 0);
    sim_free(s);
}

static void test_core__the_plan_is_told_as_text(void **state)
{
    struct sim *s = sim_new();
    orc_auto_free char *text = NULL;

    sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, sim_spec("web", 1, "good"));
    text = sim_step(s);
    assert_string_equal(text, "create shop.web.0.6 on k1 at 10.210.1.141: first deployment\n"
                              "rollout shop/web: updating, revision 1, 0 of 1 available, 0 updated\n");
    sim_free(s);
}

static void test_core__a_second_step_is_empty_and_a_cluster_at_rest_wants_no_wake_up(void **state)
{
    struct sim *s = running(3, 4);
    orc_auto_free char *text = sim_step(s);

    assert_string_equal(text, "");
    assert_int_equal(core_next(s->core), 0);
    sim_free(s);
}

/* Behaviour 13. */
static void test_core__a_new_generation_alone_changes_no_task(void **state)
{
    struct sim *s = running(3, 4);
    orc_auto_free char *text = NULL;

    sim_point(s, "shop", "web", 1);
    text = sim_step(s);
    assert_string_equal(text, "rollout shop/web: complete, revision 1, 4 of 4 available, 4 updated\n");
    sim_free(s);
}

static void test_core__the_order_of_feeding_does_not_matter(void **state)
{
    struct sim *s = running(3, 5);
    orc_auto_free char *first = NULL;

    sim_sicken(s, "web", 1);
    sim_alive(s, "k2", false);
    sim_apply(s, "shop", 2, sim_spec("api", 4, "good"));
    s->refuse = true;
    for (int i = 0; i < 20; i++) {
        orc_auto_free char *text = NULL;

        sim_new_leader(s);
        text = sim_step(s);
        if (!first)
            first = orc_take(text);
        else
            assert_string_equal(text, first);
    }
    assert_non_null(strstr(first, "create shop.api.0."));
    sim_free(s);
}

static void test_core__what_a_refused_plan_decided_is_forgotten(void **state)
{
    struct sim *s = sim_new();
    orc_auto_free char *one = NULL, *two = NULL;

    sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, sim_spec("web", 3, "good"));
    s->refuse = true;
    one = sim_step(s);
    two = sim_step(s);
    assert_string_equal(one, two);
    sim_free(s);
}

static void test_core__several_services_do_not_take_the_same_room_in_one_step(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w;

    sim_node(s, 8, 1000);
    for (int i = 0; i < 3; i++) {
        char name[16];

        snprintf(name, sizeof name, "s%d", i);
        w = sim_spec(name, 1, "good");
        w->limits.memory = 600 * SIM_MIB;
        sim_apply(s, "shop", 1, w);
    }
    free(sim_step(s));
    assert_int_equal(sim_keys(s, KEY_TASK), 1);
    sim_free(s);
}

/* ---- what can't be read */

static void test_garbage__an_unreadable_task_starts_and_stops_nothing(void **state)
{
    struct sim *s = running(3, 3);
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    sim_put(s, orc_strdup("/orc/default/tasks/k1/shop.web.0.999"), orc_strdup("{\"app\":7}"));
    sim_put(s, orc_strdup("/orc/default/tasks/k2/shop.web.7.998"), orc_strdup("not even JSON"));
    sim_put(s, orc_strdup("/orc/default/tasks/k3/shop.gone.0.1"), orc_strdup(""));
    sim_pass(s, 100000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_garbage__a_task_that_became_unreadable_is_neither_stopped_nor_replaced(void **state)
{
    struct sim *s = running(3, 3);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    int tasks = sim_keys(s, KEY_TASK);

    assert_true(sim_task_in(s, "web", 1, id, node));
    sim_put(s, key_task(SIM_CLUSTER, node, id), orc_strdup("{"));
    sim_pass(s, 100000);
    assert_int_equal(sim_keys(s, KEY_TASK), tasks);
    assert_rollout(s, "shop", "web", "healing", 1, "the record of one of its tasks can't be read");
    sim_sicken(s, "web", 0); /* the rest goes on */
    sim_pass(s, 1000);
    assert_int_equal(sim_available(s, "web"), 2);
    sim_free(s);
}

static void test_garbage__a_record_that_contradicts_its_key_is_unreadable(void **state)
{
    struct sim *s = running(1, 1);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *key = NULL;

    assert_true(sim_task_in(s, "web", 0, id, node));
    key = key_task(SIM_CLUSTER, node, id);
    sim_put(s, orc_strdup("/orc/default/tasks/k1/shop.web.0.999"), orc_strdup(sim_find(s, key)->value->text));
    sim_pass(s, 100000);
    assert_int_equal(sim_keys(s, KEY_TASK), 2);
    sim_free(s);
}

static void test_garbage__an_unreadable_app_leaves_its_services_as_they_are(void **state)
{
    struct sim *s = running(3, 3);
    int tasks = sim_keys(s, KEY_TASK);

    sim_put(s, key_app(SIM_CLUSTER, "shop"), orc_strdup("{\"services\":[]"));
    sim_pass(s, 100000);
    assert_int_equal(sim_keys(s, KEY_TASK), tasks);
    assert_int_equal(sim_available(s, "web"), 3);
    sim_apply(s, "other", 1, sim_spec("api", 2, "good"));
    sim_pass(s, 1000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "api", .available = true}), 2);
    sim_free(s);
}

static void test_garbage__an_unreadable_or_missing_revision_stops_nothing_and_is_told(void **state)
{
    struct sim *s = running(3, 3);

    sim_put(s, key_revision(SIM_CLUSTER, "shop", "web", 2), orc_strdup("{\"spec\":{\"imagine\":1}}"));
    sim_point(s, "shop", "web", 2);
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 3);
    assert_rollout(s, "shop", "web", "updating", 2, "revision 2 of shop/web can't be read");
    sim_point(s, "shop", "web", 3);
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 3);
    assert_rollout(s, "shop", "web", "updating", 3, "revision 3 of shop/web can't be read");
    sim_point(s, "shop", "web", 1);
    sim_pass(s, 10000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_garbage__an_unreadable_rollout_is_left_alone(void **state)
{
    struct sim *s = running(3, 3);
    int64_t keys = sim_keys(s, KEY_TASK);

    sim_put(s, key_rollout(SIM_CLUSTER, "shop", "web"), orc_strdup("[]"));
    sim_scale(s, "shop", "web", 5);
    sim_pass(s, 10000);
    assert_int_equal(sim_keys(s, KEY_TASK), keys);
    sim_del(s, key_rollout(SIM_CLUSTER, "shop", "web")); /* what the operator is told to do */
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 5);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_garbage__unreadable_status_alive_node_and_config_conclude_nothing(void **state)
{
    struct sim *s = running(3, 3);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    assert_true(sim_task_in(s, "web", 0, id, node));
    sim_put(s, key_status(SIM_CLUSTER, node, id), orc_strdup("{\"state\":\"dancing\"}"));
    sim_put(s, key_alive(SIM_CLUSTER, "k1"), orc_strdup("7"));
    sim_put(s, key_node(SIM_CLUSTER, "k2"), orc_strdup("{\"capacity\":\"much\"}"));
    sim_put(s, key_config(SIM_CLUSTER), orc_strdup("{}"));
    sim_put(s, key_intent(SIM_CLUSTER, "shop", "web"), orc_strdup("null"));
    sim_pass(s, 700000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    sim_free(s);
}

static void test_garbage__hostile_numbers_do_not_overflow(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 8, 8000);
    for (int i = 0; i < 4; i++)
        sim_put(s, orc_printf("/orc/default/tasks/k1/x.y.%d.%d", i, i),
                orc_printf("{\"app\":\"x\",\"service\":\"y\",\"slot\":%d,\"attempt\":%d,\"revision\":1,"
                           "\"desired\":\"run\",\"resources\":{\"cpus_nano\":9223372036854775807,"
                           "\"memory\":9223372036854775807}}",
                           i, i));
    sim_apply(s, "shop", 1, sim_spec("web", 1, "good"));
    sim_pass(s, 10000);
    assert_int_equal(sim_available(s, "web"), 1); /* nobody asked for x/y: told to go, and gone */
    sim_free(s);
}

/* ---- dependencies */

static void depend(struct spec_service *w, const char *on, enum spec_depends condition)
{
    struct spec_depend *d = orc_vec_add(&w->depends_on);

    d->service = orc_strdup(on);
    d->condition = condition;
}

static int tasks_of(struct sim *s, const char *service)
{
    return sim_count(s, (struct sim_want){.service = service});
}

static void test_depends__the_first_deployment_waits_until_the_other_is_healthy(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *orders = sim_spec("orders", 2, "good");
    struct sim_image *i, *next;

    sim_node(s, 8, 8000);
    depend(orders, "inventory", SPEC_DEPENDS_HEALTHY);
    sim_apply(s, "shop", 1, orders);
    sim_apply(s, "shop", 1, sim_spec("inventory", 2, "stuck"));
    sim_pass(s, 1000);
    assert_int_equal(tasks_of(s, "inventory"), 2);
    assert_int_equal(tasks_of(s, "orders"), 0);
    assert_rollout(s, "shop", "orders", "updating", 1, NULL);
    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "good");
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "orders", .available = true}), 2);
    sim_sicken(s, "inventory", 0); /* later it does not matter any more */
    sim_scale(s, "shop", "orders", 3);
    sim_decide(s);
    assert_int_equal(tasks_of(s, "orders"), 3);
    sim_free(s);
}

static int run_of(struct sim *s, const char *service)
{
    const struct core_service *svc = core_service_find(s->core, "shop", service);
    const struct core_task *t;
    int n = 0;

    core_each_task (t, svc)
        n += core_task_runs(t);
    return n;
}

/* Found by the simulator: as records of before were still there, what was removed and applied again did not
 * wait. */
static void test_depends__what_was_removed_waits_again(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 8, 8000);
    for (int round = 0; round < 2; round++) {
        struct spec_service *orders = sim_spec("orders", 2, "good");

        depend(orders, "inventory", SPEC_DEPENDS_HEALTHY);
        sim_apply(s, "shop", 1 + round, orders);
        sim_apply(s, "shop", 1 + round, sim_spec("inventory", 1, round ? "stuck" : "good"));
        sim_settle(s);
        assert_int_equal(run_of(s, "orders"), round ? 0 : 2);
        assert_int_equal(run_of(s, "inventory"), 1);
        sim_rm(s, "shop");
        while (sim_available(s, "inventory"))
            sim_pass(s, 100);
        assert_non_null(core_tasks_from(core_service_find(s->core, "shop", "orders"), 0));
    }
    sim_free(s);
}

static void test_depends__started_is_less_than_healthy(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *orders = sim_spec("orders", 1, "good"), *jobs = sim_spec("jobs", 1, "good");

    sim_node(s, 8, 8000);
    depend(orders, "inventory", SPEC_DEPENDS_STARTED);
    depend(jobs, "inventory", SPEC_DEPENDS_HEALTHY);
    sim_apply(s, "shop", 1, jobs);
    sim_apply(s, "shop", 1, orders);
    sim_apply(s, "shop", 1, sim_spec("inventory", 1, "sick"));
    sim_pass(s, 3000);
    assert_int_equal(tasks_of(s, "orders"), 1);
    assert_int_equal(tasks_of(s, "jobs"), 0);
    sim_free(s);
}

static void test_depends__one_scaled_to_zero_is_not_waited_for(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *orders = sim_spec("orders", 1, "good");

    sim_node(s, 8, 8000);
    depend(orders, "inventory", SPEC_DEPENDS_HEALTHY);
    sim_apply(s, "shop", 1, sim_spec("inventory", 0, "good"));
    sim_apply(s, "shop", 1, orders);
    sim_settle(s);
    assert_int_equal(tasks_of(s, "orders"), 1);
    sim_free(s);
}

/* ---- guards */

/* Behaviours 33, 89: what is decided on stale knowledge is refused, whatever it was that changed. */
static void test_guards__a_plan_is_refused_when_what_it_was_decided_from_has_changed(void **state)
{
    for (int what = 0; what < 4; what++) {
        struct sim *s = sim_new();
        struct plan p = {0};

        sim_node(s, 8, 8000);
        sim_apply(s, "shop", 1, sim_spec("web", 1, "good"));
        core_step(s->core, s->now, 0, &p);
        assert_int_equal(p.txns.n, 1);
        if (what == 0)
            sim_policy(s, "k1", true, false);
        else if (what == 1)
            sim_alive(s, "k1", false);
        else if (what == 2)
            sim_scale(s, "shop", "web", 0);
        else
            sim_put(s, key_rollout(SIM_CLUSTER, "shop", "web"), orc_strdup("{\"state\":\"updating\"}"));
        assert_false(sim_commit(s, &p.txns.at[0]));
        plan_release(&p);
        sim_free(s);
    }
}

/* Behaviour 33: the rest of the plan is done, and only what was refused is decided anew. */
static void test_guards__what_is_refused_takes_nothing_else_with_it(void **state)
{
    struct sim *s = sim_of(2);
    struct plan p = {0};
    int done = 0;

    for (int i = 0; i < 4; i++) {
        orc_auto_free char *app = orc_printf("app%d", i);

        sim_apply(s, app, 1, sim_spec("web", 2, "good"));
    }
    core_step(s->core, s->now, 0, &p);
    assert_int_equal(p.txns.n, 4);
    sim_scale(s, "app2", "web", 1); /* between decision and commit */
    for (size_t i = 0; i < p.txns.n; i++)
        if (sim_commit(s, &p.txns.at[i])) {
            done++;
        } else {
            assert_string_equal(p.txns.at[i].app, "app2");
            core_retry(s->core, &p.txns.at[i]);
        }
    plan_release(&p);
    assert_int_equal(done, 3);
    assert_int_equal(sim_keys(s, KEY_TASK), 6);
    sim_settle(s);
    assert_int_equal(sim_keys(s, KEY_TASK), 7);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 7);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_core__an_empty_cluster_needs_nothing),
        cmocka_unit_test(test_core__the_plan_is_told_as_text),
        cmocka_unit_test(test_core__a_second_step_is_empty_and_a_cluster_at_rest_wants_no_wake_up),
        cmocka_unit_test(test_core__a_new_generation_alone_changes_no_task),
        cmocka_unit_test(test_core__the_order_of_feeding_does_not_matter),
        cmocka_unit_test(test_core__what_a_refused_plan_decided_is_forgotten),
        cmocka_unit_test(test_core__several_services_do_not_take_the_same_room_in_one_step),
        cmocka_unit_test(test_garbage__an_unreadable_task_starts_and_stops_nothing),
        cmocka_unit_test(test_garbage__a_task_that_became_unreadable_is_neither_stopped_nor_replaced),
        cmocka_unit_test(test_garbage__a_record_that_contradicts_its_key_is_unreadable),
        cmocka_unit_test(test_garbage__an_unreadable_app_leaves_its_services_as_they_are),
        cmocka_unit_test(test_garbage__an_unreadable_or_missing_revision_stops_nothing_and_is_told),
        cmocka_unit_test(test_garbage__an_unreadable_rollout_is_left_alone),
        cmocka_unit_test(test_garbage__unreadable_status_alive_node_and_config_conclude_nothing),
        cmocka_unit_test(test_garbage__hostile_numbers_do_not_overflow),
        cmocka_unit_test(test_depends__the_first_deployment_waits_until_the_other_is_healthy),
        cmocka_unit_test(test_depends__what_was_removed_waits_again),
        cmocka_unit_test(test_depends__started_is_less_than_healthy),
        cmocka_unit_test(test_depends__one_scaled_to_zero_is_not_waited_for),
        cmocka_unit_test(test_guards__a_plan_is_refused_when_what_it_was_decided_from_has_changed),
        cmocka_unit_test(test_guards__what_is_refused_takes_nothing_else_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
