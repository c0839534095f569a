/* What nodelet/publish takes for known of an endpoint that an earlier life of nodelet may have written. */
#include "nodelet/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static bool may_be_chosen(enum task_state state, enum task_health health, bool job)
{
    struct record_status old = {.state = state, .health = health};
    struct task t = {.c = {.container = CONTAINER_RUNNING, .job = job}};
    bool may;

    publish_resume(&t, &old, "{}");
    may = publish_may_be_chosen(&t);
    publish_cancel(&t);
    return may;
}

/* Behaviour 82: who was healthy when nodelet ended may stand as ready, and is withdrawn before it stops. */
static void test_publish__an_adopted_container_may_have_an_endpoint(void **state)
{
    assert_true(may_be_chosen(TASK_RUNNING, TASK_HEALTHY, false));
    assert_false(may_be_chosen(TASK_RUNNING, TASK_UNHEALTHY, false));
    assert_false(may_be_chosen(TASK_STOPPED, TASK_UNKNOWN, false));
}

/* A job's never has one: a withdrawal would wait for one that is never written, and it would never stop. */
static void test_publish__an_adopted_job_has_none(void **state)
{
    assert_false(may_be_chosen(TASK_RUNNING, TASK_HEALTHY, true));
}

static enum endpoint_known known(enum endpoint_known had, enum endpoint_known sent, int64_t alive)
{
    struct publication p = {.have = had, .sent_ep = sent, .sent_alive = 5};

    publish_took(&p, alive);
    return p.have;
}

/* The heartbeat was lost, or thought lost, while the write was on its way: the endpoint may hang on a lease
 * that ends, or stand on one that was only doubted. */
static void test_publish__an_endpoint_of_a_lease_that_was_doubted_is_not_known(void **state)
{
    assert_int_equal(known(EP_NONE, EP_READY, 5), EP_READY);
    assert_int_equal(known(EP_NONE, EP_READY, 0), EP_UNKNOWN);
    assert_int_equal(known(EP_READY, EP_DRAINING, 6), EP_UNKNOWN);
    assert_int_equal(known(EP_READY, EP_NONE, 0), EP_NONE); /* deleted is deleted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish__an_adopted_container_may_have_an_endpoint),
        cmocka_unit_test(test_publish__an_adopted_job_has_none),
        cmocka_unit_test(test_publish__an_endpoint_of_a_lease_that_was_doubted_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
