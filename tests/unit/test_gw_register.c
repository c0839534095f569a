/* When a gateway's heartbeat is worth a write. */
#include "gateway/register.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct record_gateway_alive with(struct record_gateway_alive a, const char *task, int64_t requests)
{
    struct gateway_inflight *f = orc_vec_add(&a.inflight);

    f->task = orc_strdup(task);
    f->requests = requests;
    return a;
}

static struct record_gateway_alive alive(int64_t served, const char *task)
{
    struct record_gateway_alive a = {.served = served};

    return task ? with(a, task, 1) : a;
}

static void assert_matters(bool expected, struct record_gateway_alive was, struct record_gateway_alive now,
                           int64_t draining)
{
    assert_int_equal(gw_register_matters(&was, &now, draining), expected);
    record_gateway_alive_release(&was);
    record_gateway_alive_release(&now);
}

static void test_heartbeat__is_written_when_somebody_waits_for_it(void **state)
{
    struct record_gateway_alive first = alive(5, NULL);

    assert_true(gw_register_matters(NULL, &first, 0));
    assert_matters(false, alive(5, NULL), alive(9, NULL), 0);     /* only ready ones came */
    assert_matters(true, alive(5, NULL), alive(9, NULL), 8);      /* a draining one is served */
    assert_matters(false, alive(9, NULL), alive(12, NULL), 8);    /* that was said */
    assert_matters(false, alive(5, NULL), alive(5, NULL), 8);     /* not yet served */
    assert_matters(true, alive(9, "a.b.0.1"), alive(9, NULL), 8); /* the last request ended */
    assert_matters(true, alive(9, NULL), alive(9, "a.b.0.1"), 8);
    assert_matters(false, alive(9, "a.b.0.1"), alive(9, "a.b.0.1"), 8);
    assert_matters(true, alive(9, "a.b.0.1"), alive(9, "a.b.1.1"), 8);
    assert_matters(false, alive(9, "a.b.0.1"), with(alive(9, "a.b.0.1"), "a.b.1.1", 0), 8); /* a suspect */
    assert_matters(false, with(alive(9, "a.b.0.1"), "a.b.1.1", 0), alive(9, "a.b.0.1"), 8);
    assert_matters(true, alive(9, "a.b.0.1"), with(alive(9, "a.b.0.1"), "a.b.1.1", 1), 8);
    assert_matters(true, with(alive(9, "a.b.0.1"), "a.b.1.1", 0), with(alive(9, NULL), "a.b.1.1", 0), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heartbeat__is_written_when_somebody_waits_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
