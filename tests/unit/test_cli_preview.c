/* test_cli_preview.c - a change of a loaded cluster, seen to its end; the scheduler's part is
 * test_forecast's. */
#include "cli/preview.h"
#include "specs/load.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct spec_app *file(const char *services)
{
    orc_auto_free char *yaml = orc_printf("name: shop\nservices:\n%s", services);
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;

    assert_int_equal(spec_parse(yaml, strlen(yaml), NULL, &app, &problems), 0);
    spec_problems_release(&problems);
    return app;
}

/* Two nodes of 3 CPUs and 3 GiB to give away, no app. */
static struct cluster two_nodes(void)
{
    struct cluster c;

    cluster_init(&c, "default");
    node(&c, "k1", true);
    node(&c, "k2", true);
    return c;
}

static json_t *applied(struct cluster *c, const char *services, struct preview_change x)
{
    struct spec_app *app = file(services);
    struct forecast_result r;
    struct delta d;
    json_t *j;

    delta_build(c, app, &d);
    x.app = "shop";
    x.delta = &d;
    assert_int_equal(preview_run(c, &x, NOW, &r, NULL), 0);
    j = preview_to_json(&r);
    forecast_result_release(&r);
    delta_release(&d);
    spec_app_free(app);
    cluster_release(c);
    return j;
}

static const char *text(const json_t *j, const char *list, size_t i, const char *member)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(j, list), i), member));
}

static void test_preview__a_new_app_is_seen_to_its_end(void **state)
{
    struct cluster c = two_nodes();
    json_t *j = applied(&c, "  web: {image: \"shop/web:1\"}\n", (struct preview_change){0});

    assert_int_equal(json_array_size(json_object_get(j, "operations")), 1);
    assert_string_equal(text(j, "operations", 0, "operation"), "create");
    assert_string_equal(text(j, "operations", 0, "task"),
                        "shop.web.0.7"); /* the app's key would be revision 6 */
    assert_string_equal(text(j, "operations", 0, "service"), "shop/web");
    assert_string_equal(text(j, "operations", 0, "reason"), "first deployment");
    assert_string_equal(text(j, "moves", 0, "to"), text(j, "operations", 0, "node"));
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(j, "moves"), 0), "from")));
    assert_string_equal(text(j, "services", 0, "state"), "complete");
    assert_null(text(j, "services", 0, "why"));
    assert_true(json_is_true(json_object_get(j, "rests")));
    json_decref(j);
}

static void test_preview__slots_that_wait_for_one_reason_are_told_together(void **state)
{
    struct cluster c = two_nodes();
    json_t *j = applied(&c,
                        "  web: {image: \"shop/web:1\", deploy: {replicas: 3, resources: {limits: {memory: "
                        "2G}}}}\n",
                        (struct preview_change){0});

    assert_string_equal(
        text(j, "services", 0, "why"),
        "1 replica waits: 0 of 2 nodes fit: k1 memory: needs 2 GiB, 1 GiB free, 1 GiB short; k2 "
        "memory: needs 2 GiB, 1 GiB free, 1 GiB short");
    json_decref(j);
}

static void test_preview__cordoned_and_drained_nodes_get_nothing(void **state)
{
    struct orc_strv k1 = {0}, k2 = {0};
    struct preview_change x = {.cordon = &k1, .drain = &k2};
    struct cluster c = two_nodes();
    json_t *j;

    orc_strv_add(&k1, "k1");
    orc_strv_add(&k2, "k2");
    put(&c, "node-policy/k2", "{\"labels\":{\"zone\":\"a\"}}");
    j = applied(&c, "  web: {image: \"shop/web:1\", deploy: {replicas: 2}}\n", x);
    assert_string_equal(text(j, "services", 0, "why"),
                        "2 replicas wait: 0 of 2 nodes fit: k1: cordoned; k2: drained");
    json_decref(j);
    orc_strv_release(&k1);
    orc_strv_release(&k2);
}

static void test_preview__labels_of_a_policy_stay(void **state)
{
    struct orc_strv k1 = {0};
    struct preview_change x = {.cordon = &k1};
    struct cluster c = two_nodes();
    json_t *j;

    orc_strv_add(&k1, "k1");
    put(&c, "node-policy/k1", "{\"labels\":{\"zone\":\"a\"}}");
    put(&c, "node-policy/k2", "{\"labels\":{\"zone\":\"b\"}}");
    j = applied(&c,
                "  web: {image: \"shop/web:1\", deploy: {placement: {constraints: [node.labels.zone == "
                "b]}}}\n",
                x);
    assert_string_equal(text(j, "operations", 0, "node"), "k2");
    json_decref(j);
    orc_strv_release(&k1);
}

static void test_preview__without_a_node_nothing_goes_there(void **state)
{
    struct orc_strv k1 = {0};
    struct preview_change x = {.without = &k1};
    struct cluster c = two_nodes();
    json_t *j;

    orc_strv_add(&k1, "k1");
    j = applied(&c, "  web: {image: \"shop/web:1\", deploy: {replicas: 2}}\n", x);
    assert_int_equal(json_array_size(json_object_get(j, "operations")), 2);
    assert_string_equal(text(j, "operations", 0, "node"), "k2");
    assert_string_equal(text(j, "operations", 1, "node"), "k2");
    json_decref(j);
    orc_strv_release(&k1);
}

static void test_preview__a_node_that_is_not_there_is_refused(void **state)
{
    struct orc_strv k9 = {0};
    struct preview_change x = {.without = &k9};
    struct forecast_result r = {.took_ms = 7};
    struct orc_err err = ORC_ERR_INIT;
    struct cluster c = two_nodes();

    orc_strv_add(&k9, "k9");
    assert_int_equal(preview_run(&c, &x, NOW, &r, &err), -ENOENT);
    assert_string_equal(err.msg, "there is no node \"k9\"; there are: k1, k2");
    assert_int_equal(r.took_ms, 7);
    orc_strv_release(&k9);
    cluster_release(&c);
}

static void test_preview__an_app_whose_last_service_goes_is_removed(void **state)
{
    struct spec_app *empty = spec_app_new("shop");
    struct preview_change x = {.app = "shop"};
    struct cluster c = healthy(2);
    struct forecast_result r;
    struct delta d;

    put(&c, "revisions/shop/web/00000002",
        "{\"spec\":{\"name\":\"web\",\"image\":\"web:2\"},\"hash\":\"x\","
        "\"container_hash\":\"\",\"by\":\"me\",\"at\":1}");
    delta_build(&c, empty, &d);
    delta_prune(&d);
    x.delta = &d;
    assert_int_equal(preview_run(&c, &x, NOW, &r, NULL), 0);
    assert_int_equal(r.services.n, 0);
    assert_int_equal(r.moves.n, 2);
    assert_null(r.moves.at[0].to);
    forecast_result_release(&r);
    delta_release(&d);
    spec_app_free(empty);
    cluster_release(&c);
}

/* What people want of each service is what its tasks are made with. */
static void test_preview__each_intent_is_its_services(void **state)
{
    struct preview_intent wants[] = {{.app = "shop", .service = "api", .intent.restart_epoch = 3},
                                     {.app = "shop", .service = "db", .intent.restart_epoch = 5},
                                     {.app = "shop", .service = "web", .intent.restart_epoch = 7}};
    struct preview_intents intents = {.at = wants, .n = ORC_ARRAY_SIZE(wants)};
    struct cluster c = two_nodes();
    const struct forecast_step *step;
    const struct plan_txn *t;
    const struct plan_op *op;
    struct forecast_result r;
    int made = 0;

    put(&c, "apps/shop",
        "{\"generation\":1,\"services\":[{\"name\":\"api\",\"revision\":1},{\"name\":\"db\",\"revision\":1},"
        "{\"name\":\"web\",\"revision\":1}]}");
    for (size_t i = 0; i < intents.n; i++) {
        orc_auto_free char *key = orc_printf("revisions/shop/%s/00000001", wants[i].service);
        orc_auto_free char *text =
            orc_printf("{\"spec\":{\"name\":\"%s\",\"image\":\"x:1\"},\"hash\":\"x\",\"container_hash\":\"\","
                       "\"by\":\"me\",\"at\":1}",
                       wants[i].service);

        put(&c, key, text);
    }
    assert_int_equal(preview_run(&c, &(struct preview_change){.intents = &intents}, NOW, &r, NULL), 0);
    orc_vec_each (step, &r.steps)
        orc_vec_each (t, &step->plan.txns)
            orc_vec_each (op, &t->ops)
                for (size_t i = 0; i < intents.n; i++)
                    if (op->kind == PLAN_TASK_CREATE &&
                        strcmp(op->task.service->service, wants[i].service) == 0) {
                        assert_int_equal(op->task.make->restart_epoch, wants[i].intent.restart_epoch);
                        made++;
                    }
    assert_int_equal(made, 3);
    forecast_result_release(&r);
    cluster_release(&c);
}

/* Asked for it, the loss of any one node is tried on what the change ends in. */
static void test_preview__it_says_which_loss_the_change_would_not_survive(void **state)
{
    for (int gib = 1; gib <= 2; gib++) {
        orc_auto_free char *services = orc_printf("  web: {image: \"shop/web:1\", deploy: {replicas: 2, "
                                                  "resources: {limits: {memory: %dG}}}}\n",
                                                  gib);
        struct cluster c = two_nodes();
        struct survive v;
        json_t *j = applied(&c, services, (struct preview_change){.survive = &v});

        assert_int_equal(v.nodes, 2);
        assert_int_equal(survive_worst(&v)->moved, 1);
        assert_int_equal(survive_worst(&v)->left, gib == 1 ? 0 : 1);
        survive_release(&v);
        json_decref(j);
    }
}

/* What a service waits for in the end: equal reasons beside each other are one, counted; else its record's
 * own. */
static void test_preview__what_a_service_waits_for_in_words(void **state)
{
    static const struct {
        const char *reasons[5], *reason, *says;
    } cases[] = {
        {{NULL}, NULL, ""},
        {{NULL}, "batch 1 of 3", "batch 1 of 3"},
        {{"no room"}, "batch 1 of 3", "1 replica waits: no room"},
        {{"no room", "no room"}, NULL, "2 replicas wait: no room"},
        {{"no room", "cordoned"}, NULL, "1 replica waits: no room; 1 replica waits: cordoned"},
        {{"a", "a", "a", "b", "b"}, NULL, "3 replicas wait: a; 2 replicas wait: b"},
        {{"a", "b", "b", "b", "a"}, NULL, "1 replica waits: a; 3 replicas wait: b; 1 replica waits: a"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct rollout_pending pending[5] = {0};
        struct forecast_service s = {.name = (char *)"shop/web",
                                     .rollout = {.reason = (char *)cases[i].reason}};
        orc_auto_free char *why = NULL;
        size_t n = 0;

        for (; n < 5 && cases[i].reasons[n]; n++)
            pending[n] = (struct rollout_pending){.slot = (int)n, .reason = (char *)cases[i].reasons[n]};
        s.rollout.pending.at = pending;
        s.rollout.pending.n = n;
        why = preview_why(&s);
        assert_string_equal(why, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preview__a_new_app_is_seen_to_its_end),
        cmocka_unit_test(test_preview__slots_that_wait_for_one_reason_are_told_together),
        cmocka_unit_test(test_preview__cordoned_and_drained_nodes_get_nothing),
        cmocka_unit_test(test_preview__labels_of_a_policy_stay),
        cmocka_unit_test(test_preview__without_a_node_nothing_goes_there),
        cmocka_unit_test(test_preview__a_node_that_is_not_there_is_refused),
        cmocka_unit_test(test_preview__an_app_whose_last_service_goes_is_removed),
        cmocka_unit_test(test_preview__what_a_service_waits_for_in_words),
        cmocka_unit_test(test_preview__each_intent_is_its_services),
        cmocka_unit_test(test_preview__it_says_which_loss_the_change_would_not_survive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
