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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish__an_adopted_container_may_have_an_endpoint),
        cmocka_unit_test(test_publish__an_adopted_job_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
