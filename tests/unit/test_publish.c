/* What nodelet/publish takes for known of an endpoint that an earlier life of nodelet may have written. */
#include "nodelet/task.h"

#include "lib/clock.h"

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

/* ---- what is seen of our own status */

/* A restored store has revisions below those of our own writes: what it says then is no echo (seed 1599 of
 * the simulator). */
static void test_publish__a_restored_status_is_written_anew(void **state)
{
    struct task t = {.pub = {.written = orc_strdup("new"), .revision = 9}};
    struct etcd_kv old = {.value = "old", .value_len = 3, .mod_revision = 5};

    publish_status_seen(&t, &old); /* a late echo of what was written before */
    assert_string_equal(t.pub.written, "new");
    publish_anew(&t);
    publish_resume(&t, &(struct record_status){.state = TASK_RUNNING}, "new");
    publish_status_seen(&t, &old);
    assert_null(t.pub.written);
    publish_cancel(&t);
}

/* ---- orphans: what is written */

static struct etcd *unreachable(void)
{
    struct orc_strv urls = {0};
    struct orc_err err = ORC_ERR_INIT;
    struct etcd *e;

    orc_strv_add(&urls, "http://127.0.0.1:1");
    e = etcd_new(uv_default_loop(), &(struct etcd_opts){.endpoints = &urls}, &err);
    orc_strv_release(&urls);
    assert_non_null(e);
    return e;
}

/* Whether the endpoint of a task without a record is taken away. */
static bool takes_away(enum converge_container container, enum endpoint_known have, int64_t lease)
{
    static char cluster[] = "c", node[] = "k1", app[] = "shop", service[] = "web";
    struct etcd *e = unreachable();
    struct agent a = {.cluster = cluster, .node = node, .lease = lease, .view = VIEW_LIVE, .opts.etcd = e};
    struct task t = {.id = "shop.web.0.1",
                     .a = &a,
                     .rec = {.app = app, .service = service},
                     .c.container = container,
                     .pub.have = have};
    bool writes;

    publish_step(&t, orc_clock_ms());
    writes = t.pub.call && t.pub.sent_with_ep && t.pub.sent_ep == EP_NONE && !t.pub.sent;
    assert_int_equal(writes, t.pub.call != NULL);
    publish_cancel(&t);
    etcd_free(e);
    return writes;
}

/* An orphan that runs keeps its endpoint; one that has ended is not to be sent requests (seed 3453 of the
 * simulator). */
static void test_publish__the_endpoint_of_an_orphan_that_ended_is_taken_away(void **state)
{
    assert_false(takes_away(CONTAINER_RUNNING, EP_READY, 7));
    assert_true(takes_away(CONTAINER_EXITED, EP_READY, 7));
    assert_true(takes_away(CONTAINER_NONE, EP_UNKNOWN, 7));
    assert_false(takes_away(CONTAINER_EXITED, EP_NONE, 7));
    assert_false(takes_away(CONTAINER_EXITED, EP_READY, 0)); /* with a lease again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish__an_adopted_container_may_have_an_endpoint),
        cmocka_unit_test(test_publish__an_adopted_job_has_none),
        cmocka_unit_test(test_publish__an_endpoint_of_a_lease_that_was_doubted_is_not_known),
        cmocka_unit_test(test_publish__a_restored_status_is_written_anew),
        cmocka_unit_test(test_publish__the_endpoint_of_an_orphan_that_ended_is_taken_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
