/* What is left on a drained node, and why (cli/drain). */
#include "cli/drain.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct cluster drained(const char *policy)
{
    struct cluster c = healthy(3);

    node(&c, "k2", true);
    put(&c, "node-policy/k1", policy);
    return c;
}

static struct drain looked(struct cluster *c)
{
    struct report r;
    struct drain d;

    report_build(c, NULL, NOW, &r);
    drain_build(c, &r, "k1", &d);
    report_release(&r);
    return d;
}

#define DRAIN "{\"cordon\":true,\"drain\":true}"

static void test_drain__what_is_left_and_what_holds_it_up(void **state)
{
    struct cluster c = drained(DRAIN);
    orc_auto_free char *line = NULL, *advice = NULL;
    orc_auto_json json_t *j = NULL;
    struct drain d;

    task(&c, "k1", 1, "remove");
    status(&c, "k1", 1, "stopping", "unknown", NULL);
    rollout(&c, "healing", "slot 0: no room",
            "[{\"slot\":0,\"reason\":\"node k1 is drained, but no place for it\",\"since\":1}]");
    d = looked(&c);
    assert_false(drain_is_done(&d));
    assert_int_equal(d.left, 2);
    assert_int_equal(d.stopping, 1);
    line = drain_line(&d, "k1");
    assert_string_equal(
        line, "k1: 2 tasks to move, 1 stopping: shop/web 3 (node k1 is drained, but no place for it)");
    advice = drain_advice(&d, "k1");
    assert_non_null(strstr(advice, "--deadline DURATION"));
    j = drain_services_to_json(&d);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(j, 0), "left")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(j, 0), "stopping")), 1);
    drain_release(&d);
    cluster_release(&c);
}

/* Behaviour 86. */
static void test_drain__done_when_the_node_says_stopped_and_not_before(void **state)
{
    static const char *const states[] = {"running", "stopping", "stopped", "failed", "removed"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(states); i++) {
        struct cluster c = drained(DRAIN);
        struct drain d;

        for (int slot = 0; slot < 3; slot++) {
            task(&c, "k1", slot, "remove");
            status(&c, "k1", slot, slot ? "stopped" : states[i], "unknown", NULL);
        }
        d = looked(&c);
        assert_int_equal(drain_is_done(&d), i >= 2);
        drain_release(&d);
        cluster_release(&c);
    }
}

static void test_drain__one_that_somebody_ended_is_never_done(void **state)
{
    struct cluster c = drained("{\"cordon\":false,\"drain\":false}");
    struct drain d;

    for (int slot = 0; slot < 3; slot++)
        cluster_delete(&c, slot == 0   ? "/orc/default/tasks/k1/shop.web.0.1"
                           : slot == 1 ? "/orc/default/tasks/k1/shop.web.1.2"
                                       : "/orc/default/tasks/k1/shop.web.2.3");
    d = looked(&c);
    assert_false(d.wanted);
    assert_false(drain_is_done(&d));
    drain_release(&d);
    cluster_release(&c);
}

static void test_drain__of_a_silent_node_says_what_to_do(void **state)
{
    struct cluster c = drained(DRAIN);
    orc_auto_free char *advice = NULL, *line = NULL;
    struct drain d;

    cluster_delete(&c, "/orc/default/alive/k1");
    d = looked(&c);
    advice = drain_advice(&d, "k1");
    line = drain_line(&d, "k1");
    assert_non_null(strstr(advice, "`orc node rm k1`"));
    assert_non_null(strstr(line, "the node is unknown"));
    drain_release(&d);
    cluster_release(&c);
}

static void test_drain__after_the_deadline_there_is_nothing_left_to_advise(void **state)
{
    struct cluster c = drained(DRAIN);
    struct drain d;

    put(&c, "node-state/k1", "{\"state\":\"draining\",\"forced\":true}");
    d = looked(&c);
    assert_true(d.forced);
    assert_null(drain_advice(&d, "k1"));
    drain_release(&d);
    cluster_release(&c);
}

/* Each fact that counts, in each combination: emptied, let go, and either still alive or with nothing on
 * record. */
static void test_drain__when_a_node_is_removed(void **state)
{
    for (int facts = 0; facts < 64; facts++) {
        struct drain d = {.wanted = facts & 1,
                          .removed = facts & 2,
                          .alive = facts & 4,
                          .registered = facts & 8,
                          .left = facts & 16 ? 1 : 0,
                          .stopping = facts & 32 ? 1 : 0};
        bool empty = !d.left && !d.stopping;

        assert_int_equal(drain_is_done(&d), d.wanted && empty);
        assert_int_equal(drain_is_removed(&d), d.wanted && d.removed && empty && (d.alive || !d.registered));
    }
}

/* Of the store: its policy, its record, its heartbeat and the word of its state, each there or not. */
static void test_drain__what_is_read_of_a_node(void **state)
{
    for (int facts = 0; facts < 16; facts++) {
        struct cluster c =
            drained(facts & 1 ? "{\"cordon\":true,\"drain\":true,\"removed\":1700000000000}" : DRAIN);
        struct drain d;

        if (facts & 2)
            cluster_delete(&c, "/orc/default/nodes/k1");
        if (facts & 4)
            cluster_delete(&c, "/orc/default/alive/k1");
        if (facts & 8)
            put(&c, "node-state/k1", "{\"state\":\"draining\",\"forced\":true}");
        d = looked(&c);
        assert_true(d.wanted);
        assert_int_equal(d.removed, facts & 1);
        assert_int_equal(d.registered, !(facts & 2));
        assert_int_equal(d.alive, !(facts & 4));
        assert_int_equal(d.forced, (facts & 8) != 0);
        assert_int_equal(d.left, 3);
        drain_release(&d);
        cluster_release(&c);
    }
}

/* One task is one; a silent node that is let go needs no advice. */
static void test_drain__its_line_and_its_advice(void **state)
{
    static const struct {
        struct drain d;
        const char *line, *advice; /* NULL: none */
    } cases[] = {
        {{.wanted = true, .state = "draining"}, "k1: 0 tasks to move, 0 stopping", NULL},
        {{.wanted = true, .state = "draining", .left = 1},
         "k1: 1 task to move, 0 stopping",
         "--deadline DURATION"},
        {{.wanted = true, .state = "draining", .left = 2, .forced = true},
         "k1: 2 tasks to move, 0 stopping",
         NULL},
        {{.wanted = true, .state = "draining", .stopping = 2}, "k1: 0 tasks to move, 2 stopping", NULL},
        {{.wanted = true, .state = "down", .left = 1},
         "k1: 1 task to move, 0 stopping; the node is down",
         "orc node rm k1"},
        {{.wanted = true, .state = "unknown", .forced = true},
         "k1: 0 tasks to move, 0 stopping; the node is unknown",
         "orc node rm k1"},
        {{.wanted = true, .state = "down", .removed = true},
         "k1: 0 tasks to move, 0 stopping; the node is down",
         NULL},
        {{.wanted = true, .state = "down", .removed = true, .left = 1},
         "k1: 1 task to move, 0 stopping; the node is down",
         "--deadline DURATION"},
        {{.wanted = true, .left = 1}, "k1: 1 task to move, 0 stopping", "orc node uncordon k1"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *line = drain_line(&cases[i].d, "k1"), *advice = drain_advice(&cases[i].d, "k1");

        assert_string_equal(line, cases[i].line);
        assert_int_equal(advice != NULL, cases[i].advice != NULL);
        if (advice)
            assert_non_null(strstr(advice, cases[i].advice));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drain__what_is_left_and_what_holds_it_up),
        cmocka_unit_test(test_drain__done_when_the_node_says_stopped_and_not_before),
        cmocka_unit_test(test_drain__one_that_somebody_ended_is_never_done),
        cmocka_unit_test(test_drain__of_a_silent_node_says_what_to_do),
        cmocka_unit_test(test_drain__after_the_deadline_there_is_nothing_left_to_advise),
        cmocka_unit_test(test_drain__when_a_node_is_removed),
        cmocka_unit_test(test_drain__what_is_read_of_a_node),
        cmocka_unit_test(test_drain__its_line_and_its_advice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
