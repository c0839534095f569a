/* test_cli_order.c - what people want of a rollout, and when nothing would come of it. */
#include "cli/order.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void is(struct cluster *c, const char *state, int wanted, int target, int complete)
{
    orc_auto_free char *text =
        orc_printf("{\"state\":\"%s\",\"generation\":1,\"wanted\":%d,\"target\":%d,\"complete\":%d}", state,
                   wanted, target, complete);

    put(c, "rollouts/shop/web", text);
}

/* Each state with what may be wanted of it. */
static void test_order__makes_sense_or_is_refused_with_the_state(void **state)
{
    static const struct {
        const char *state;
        int wanted, target, complete;
        bool pause, resume, abort;
    } table[] = {
        {"updating", 2, 2, 1, true, false, true},     {"canary", 2, 2, 1, true, true, true},
        {"complete", 2, 2, 2, false, false, false},   {"healing", 2, 2, 2, false, false, false},
        {"paused", 2, 2, 1, true, true, true},        {"paused", 2, 1, 1, true, true, true},
        {"rolling-back", 2, 1, 1, true, false, true}, {"rolled-back", 2, 1, 1, false, false, false},
        {"failed", 2, 1, 1, false, true, false},      {"removing", 2, 2, 0, false, false, false},
        {"updating", 1, 1, 0, true, false, false},    {"paused", 1, 1, 0, true, true, false},
        {"updating", 2, 2, 2, true, false, false},
    };
    struct cluster c = healthy(2);

    for (size_t i = 0; i < ORC_ARRAY_SIZE(table); i++) {
        orc_auto_free char *pause = NULL, *resume = NULL, *abort = NULL;

        is(&c, table[i].state, table[i].wanted, table[i].target, table[i].complete);
        pause = order_refusal(&c, "shop", "web", INTENT_PAUSE);
        resume = order_refusal(&c, "shop", "web", INTENT_RESUME);
        abort = order_refusal(&c, "shop", "web", INTENT_ABORT);
        if (!pause != table[i].pause || !resume != table[i].resume || !abort != table[i].abort)
            fail_msg("%s (row %zu): %s; %s; %s", table[i].state, i, pause ? pause : "", resume ? resume : "",
                     abort ? abort : "");
        assert_true(!resume || strstr(resume, table[i].state));
    }
    cluster_release(&c);
}

static void assert_refusal(struct cluster *c, enum intent_action a, const char *part)
{
    orc_auto_free char *text = order_refusal(c, "shop", "web", a);

    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static void test_order__a_refusal_says_what_to_do_instead(void **state)
{
    struct cluster c = healthy(2);

    is(&c, "updating", 1, 1, 0);
    assert_refusal(&c, INTENT_ABORT, "`orc rm shop/web`");
    is(&c, "updating", 2, 2, 2);
    assert_refusal(&c, INTENT_ABORT, "`orc rollout pause shop/web`");
    is(&c, "complete", 2, 2, 2);
    assert_refusal(&c, INTENT_ABORT, "`orc rollback`");
    assert_refusal(&c, INTENT_PAUSE, "it is complete: there is nothing to pause");
    assert_refusal(&c, INTENT_RESUME, "it is complete: there is nothing to resume");
    cluster_release(&c);
}

static void test_order__a_job_takes_none(void **state)
{
    struct cluster c = healthy(2);

    put(&c, "revisions/shop/web/00000002",
        "{\"spec\":{\"name\":\"web\",\"image\":\"a\",\"restart\":\"no\",\"job\":true},\"hash\":\"h\","
        "\"container_hash\":\"c\"}");
    is(&c, "updating", 2, 2, 1);
    assert_refusal(&c, INTENT_PAUSE, "shop/web is a job");
    assert_refusal(&c, INTENT_ABORT, "shop/web is a job");
    cluster_release(&c);
}

/* What the record says is of before: the scheduler decides. */
static void test_order__is_not_refused_for_what_was_before(void **state)
{
    struct cluster c = healthy(2);

    put(&c, "apps/shop", "{\"generation\":2,\"services\":[{\"name\":\"web\",\"revision\":3}]}");
    assert_null(order_refusal(&c, "shop", "web", INTENT_PAUSE));
    cluster_delete(&c, "/orc/default/rollouts/shop/web");
    assert_null(order_refusal(&c, "shop", "web", INTENT_ABORT));
    cluster_release(&c);
}

static void test_order__each_waits_for_its_own_end(void **state)
{
    assert_int_equal(order_goal(INTENT_PAUSE), WAIT_PAUSED);
    assert_int_equal(order_goal(INTENT_RESUME), WAIT_COMPLETE);
    assert_int_equal(order_goal(INTENT_ABORT), WAIT_BACK);
    assert_true(order_needs_people("paused") && order_needs_people("failed") &&
                order_needs_people("rolled-back"));
    assert_false(order_needs_people("canary") || order_needs_people("complete") ||
                 order_needs_people("updating"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order__makes_sense_or_is_refused_with_the_state),
        cmocka_unit_test(test_order__a_refusal_says_what_to_do_instead),
        cmocka_unit_test(test_order__a_job_takes_none),
        cmocka_unit_test(test_order__is_not_refused_for_what_was_before),
        cmocka_unit_test(test_order__each_waits_for_its_own_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
