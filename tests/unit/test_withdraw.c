/* test_withdraw.c - when the stop signal may be sent. */
#include "nodelet/withdraw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define R 100
#define TIMEOUT 30000
#define NOW 5000
#define TASK "shop.web.0.1"

struct scene {
    struct withdraw w;
    struct withdraw_gateway *table;
};

static int begin(void **state)
{
    struct scene *s = orc_new(struct scene);

    withdraw_begin(&s->w, true, TIMEOUT);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;
    struct withdraw_gateway *g, *next;

    HASH_ITER (hh, s->table, g, next) {
        HASH_DEL(s->table, g);
        record_gateway_alive_release(&g->report);
        free(g);
    }
    withdraw_release(&s->w);
    free(s);
    return 0;
}

static struct withdraw_gateway *gateway(struct scene *s, const char *id)
{
    struct withdraw_gateway *g;

    HASH_FIND_STR(s->table, id, g);
    if (!g) {
        g = orc_new(struct withdraw_gateway);
        snprintf(g->id, sizeof g->id, "%s", id);
        g->registered = true;
        HASH_ADD_STR(s->table, id, g);
    }
    return g;
}

/* The gateway's heartbeat: the revision it serves, requests in flight to the task. */
static void reports(struct scene *s, const char *id, int64_t served, int64_t requests)
{
    struct withdraw_gateway *g = gateway(s, id);

    struct record_gateway_alive report = {.served = served};

    if (requests) {
        struct gateway_inflight f = {.task = orc_strdup(TASK), .requests = requests};

        orc_vec_push(&report.inflight, f);
    }
    withdraw_heard(g, report, served + 1);
}

static void written(struct scene *s, const char *id1, const char *id2)
{
    struct orc_strv ids = {0};

    if (id1)
        orc_strv_add(&ids, id1);
    if (id2)
        orc_strv_add(&ids, id2);
    withdraw_written(&s->w, R, &ids, NOW);
    orc_strv_release(&ids);
}

static bool done(struct scene *s, uint64_t after)
{
    return withdraw_judge(&s->w, TASK, s->table, NOW + after);
}

static void test_withdraw__never_ready_has_nothing_to_wait_for(void **state)
{
    struct scene *s = *state;

    withdraw_begin(&s->w, false, TIMEOUT);
    assert_true(done(s, 0));
}

static void test_withdraw__without_gateways_it_is_done_once_written(void **state)
{
    struct scene *s = *state;

    assert_false(done(s, 10 * TIMEOUT)); /* never before etcd took it: no time-out helps */
    written(s, NULL, NULL);
    assert_true(done(s, 0));
    assert_false(s->w.timed_out);
}

static void test_withdraw__waits_until_the_gateway_serves_the_revision(void **state)
{
    struct scene *s = *state;

    reports(s, "k1", R - 1, 0);
    written(s, "k1", NULL);
    assert_false(done(s, 10));
    assert_string_equal(s->w.waiting_for, "gateway k1: serves revision 99, not yet 100");
    reports(s, "k1", R, 0);
    assert_true(done(s, 20));
    assert_null(s->w.waiting_for);
}

/* Found by the simulator: what a gateway had said to the store of before was written to the one that was
 * restored from a backup, whose revisions are smaller. */
static void test_withdraw__a_heartbeat_ahead_of_its_store_agrees_to_nothing(void **state)
{
    struct scene *s = *state;
    struct record_gateway_alive report = {.served = R + 90};

    gateway(s, "g1");
    written(s, "g1", NULL);
    withdraw_heard(gateway(s, "g1"), report, R + 1);
    assert_false(done(s, 1));
    assert_string_equal(s->w.waiting_for, "gateway g1: serves revision 0, not yet 100");
    report.served = R + 1;
    withdraw_heard(gateway(s, "g1"), report, R + 2);
    assert_true(done(s, 2));
}

static void test_withdraw__waits_for_requests_in_flight(void **state)
{
    struct scene *s = *state;

    reports(s, "k1", R, 2);
    written(s, "k1", NULL);
    assert_false(done(s, 10));
    assert_string_equal(s->w.waiting_for, "gateway k1: 2 requests in flight");
    reports(s, "k1", R + 5, 1);
    assert_false(done(s, 20));
    reports(s, "k1", R + 6, 0);
    assert_true(done(s, 30));
}

/* The node's lease ended, the gateway read everything anew, and both before this nodelet heard of it. */
static void test_withdraw__a_gateway_that_doubts_the_endpoint_does_not_agree(void **state)
{
    struct scene *s = *state;
    struct gateway_inflight f = {.task = orc_strdup(TASK)};

    reports(s, "k1", R + 15, 0);
    orc_vec_push(&gateway(s, "k1")->report.inflight, f);
    written(s, "k1", NULL);
    assert_false(done(s, 10));
    assert_string_equal(s->w.waiting_for,
                        "gateway k1: saw its endpoint vanish, not draining, and may still choose it");
    withdraw_again(&s->w);
    written(s, "k1", NULL);
    reports(s, "k1", R + 20, 0);
    assert_true(done(s, 20));
}

static void test_withdraw__requests_to_another_task_do_not_matter(void **state)
{
    struct scene *s = *state;
    struct gateway_inflight f = {.task = orc_strdup("shop.web.1.2"), .requests = 9};

    reports(s, "k1", R, 0);
    orc_vec_push(&gateway(s, "k1")->report.inflight, f);
    written(s, "k1", NULL);
    assert_true(done(s, 0));
}

static void test_withdraw__every_gateway_must_agree(void **state)
{
    struct scene *s = *state;

    reports(s, "k1", R, 0);
    reports(s, "k2", R - 1, 0);
    written(s, "k1", "k2");
    assert_false(done(s, 10));
    reports(s, "k2", R, 0);
    assert_true(done(s, 20));
}

static void test_withdraw__gateway_that_came_later_is_not_asked(void **state)
{
    struct scene *s = *state;

    reports(s, "k1", R, 0);
    reports(s, "k9", 0, 0); /* registered after R: it never saw the endpoint ready */
    written(s, "k1", NULL);
    assert_true(done(s, 0));
}

static void test_withdraw__registered_but_dead_gateway_holds_until_the_time_out(void **state)
{
    struct scene *s = *state;

    gateway(s, "k1"); /* its NGINX may still route */
    written(s, "k1", NULL);
    assert_false(done(s, TIMEOUT - 1));
    assert_int_equal(withdraw_deadline(&s->w), NOW + TIMEOUT);
    assert_true(done(s, TIMEOUT));
    assert_true(s->w.timed_out);
    assert_string_equal(s->w.waiting_for, "gateway k1: no heartbeat, its NGINX may still route");
}

static void test_withdraw__gateway_that_is_retired_meanwhile_no_longer_counts(void **state)
{
    struct scene *s = *state;
    struct withdraw_gateway *g = gateway(s, "k1");

    written(s, "k1", NULL);
    assert_false(done(s, 10));
    g->registered = false;
    g->deleted = R + 3;
    assert_true(done(s, 20));
    assert_false(s->w.timed_out);
}

/* The view may be behind the transaction: what it has not shown is no consent. */
static void test_withdraw__gateway_the_view_has_not_shown_yet_holds(void **state)
{
    struct scene *s = *state;
    struct withdraw_gateway *g;

    written(s, "k1", NULL);
    assert_false(done(s, 10));
    g = gateway(s, "k1");
    g->registered = false;
    g->deleted = R - 5; /* an earlier life of it; it registered again before R */
    assert_false(done(s, 20));
    g->registered = true;
    reports(s, "k1", R, 0);
    assert_true(done(s, 30));
}

static void test_withdraw__report_may_arrive_before_the_answer(void **state)
{
    struct scene *s = *state;

    reports(s, "k1", R + 1, 0);
    assert_false(done(s, 0));
    written(s, "k1", NULL);
    assert_true(done(s, 1));
}

static void test_withdraw__written_twice_keeps_the_first_clock(void **state)
{
    struct scene *s = *state;
    struct orc_strv none = {0};

    gateway(s, "k1");
    written(s, "k1", NULL);
    withdraw_written(&s->w, R + 50, &none, NOW + 20000);
    assert_int_equal(s->w.revision, R);
    assert_int_equal(withdraw_deadline(&s->w), NOW + TIMEOUT);
}

static void test_withdraw__begun_again_starts_anew(void **state)
{
    struct scene *s = *state;

    written(s, NULL, NULL);
    assert_true(done(s, 0));
    withdraw_begin(&s->w, true, TIMEOUT);
    assert_false(done(s, 0));
    assert_true(withdraw_deadline(&s->w) == UINT64_MAX);
}

static void test_withdraw__zero_time_out_waits_for_nobody(void **state)
{
    struct scene *s = *state;

    withdraw_begin(&s->w, true, 0);
    gateway(s, "k1");
    written(s, "k1", NULL);
    assert_true(done(s, 0));
}

/* The node's lease ended: who reads everything anew now knows nothing of this withdrawal, and agrees to all.
 */
static void test_withdraw__endpoint_that_vanished_must_be_put_again(void **state)
{
    struct scene *s = *state;
    struct orc_strv ids = {0};

    gateway(s, "k1");
    written(s, "k1", NULL);
    withdraw_again(&s->w);
    reports(s, "k1", R + 5, 0);
    assert_false(done(s, 0));
    assert_int_equal(s->w.step, WITHDRAW_PUTTING);
    assert_non_null(strstr(s->w.waiting_for, "draining again"));
    orc_strv_add(&ids, "k1");
    withdraw_written(&s->w, R + 10, &ids, NOW + 2000);
    orc_strv_release(&ids);
    assert_false(done(s, 2000)); /* it serves R + 5 */
    reports(s, "k1", R + 10, 0);
    assert_true(done(s, 2000));
    assert_false(s->w.timed_out);
}

static void test_withdraw__time_out_runs_on_while_it_is_put_again(void **state)
{
    struct scene *s = *state;

    gateway(s, "k1");
    written(s, "k1", NULL);
    withdraw_again(&s->w);
    assert_true(withdraw_deadline(&s->w) == NOW + TIMEOUT);
    assert_false(done(s, TIMEOUT - 1));
    assert_true(done(s, TIMEOUT));
    assert_true(s->w.timed_out);
    withdraw_again(&s->w); /* too late */
    assert_true(done(s, TIMEOUT));
}

/* ---- every state of two gateways ----------------------------------------------------------------------- */

/* What the view may show of one: not there, vanished before or after R, silent, behind or up to R with
 * requests in flight or none, or one that saw the endpoint vanish. Whether nothing is sent to the container
 * through it any more. */
static const struct view {
    bool there, registered, alive;
    int64_t deleted, served, requests;
    bool agrees;
} views[] = {
    {false, false, false, 0, 0, 0, false},
    {true, false, false, 0, 0, 0, false},
    {true, false, false, R - 1, 0, 0, false},
    {true, false, false, R, 0, 0, false},
    {true, false, false, R + 1, 0, 0, true},
    {true, true, false, 0, 0, 0, false},
    {true, true, false, R + 1, 0, 0, false}, /* it has registered again */
    {true, true, true, 0, R - 1, 0, false},
    {true, true, true, 0, R, 0, true},
    {true, true, true, 0, R + 1, 0, true},
    {true, true, true, 0, R, 1, false},
    {true, true, true, 0, R + 7, 250, false},
    {true, true, true, 0, R, -1, false}, /* in flight, and none: it may still choose it */
};

static void show(struct scene *s, const char *id, const struct view *v)
{
    struct withdraw_gateway *g;

    if (!v->there)
        return;
    g = gateway(s, id);
    if (v->alive)
        reports(s, id, v->served, v->requests);
    if (v->requests == -1)
        g->report.inflight.at[0].requests = 0;
    g->registered = v->registered;
    g->deleted = v->deleted;
}

/* It is over when both agree, else at the time-out and not before; and who is waited for is one of those that
 * do not. */
static void test_withdraw__every_state_of_two_gateways(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(views); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(views); k++) {
            bool both = views[i].agrees && views[k].agrees;
            struct scene *s;

            begin(state);
            s = *state;
            show(s, "g1", &views[i]);
            show(s, "g2", &views[k]);
            show(s, "g3", &views[10]); /* registered later: it is not asked */
            written(s, "g1", "g2");
            if (done(s, TIMEOUT - 1) != both)
                fail_msg("g1 as in case %zu, g2 as in case %zu", i, k);
            if (both)
                assert_null(s->w.waiting_for);
            else
                assert_non_null(strstr(s->w.waiting_for, views[i].agrees ? "gateway g2: " : "gateway g1: "));
            assert_true(withdraw_deadline(&s->w) == (both ? UINT64_MAX : NOW + TIMEOUT));
            assert_true(done(s, TIMEOUT));
            assert_int_equal(s->w.timed_out, !both);
            assert_true(withdraw_deadline(&s->w) == UINT64_MAX);
            end(state);
        }
    begin(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_withdraw__every_state_of_two_gateways, end),
        T(test_withdraw__never_ready_has_nothing_to_wait_for),
        T(test_withdraw__without_gateways_it_is_done_once_written),
        T(test_withdraw__waits_until_the_gateway_serves_the_revision),
        T(test_withdraw__a_heartbeat_ahead_of_its_store_agrees_to_nothing),
        T(test_withdraw__waits_for_requests_in_flight),
        T(test_withdraw__a_gateway_that_doubts_the_endpoint_does_not_agree),
        T(test_withdraw__requests_to_another_task_do_not_matter),
        T(test_withdraw__every_gateway_must_agree),
        T(test_withdraw__gateway_that_came_later_is_not_asked),
        T(test_withdraw__registered_but_dead_gateway_holds_until_the_time_out),
        T(test_withdraw__gateway_that_is_retired_meanwhile_no_longer_counts),
        T(test_withdraw__gateway_the_view_has_not_shown_yet_holds),
        T(test_withdraw__report_may_arrive_before_the_answer),
        T(test_withdraw__written_twice_keeps_the_first_clock),
        T(test_withdraw__begun_again_starts_anew),
        T(test_withdraw__zero_time_out_waits_for_nobody),
        T(test_withdraw__endpoint_that_vanished_must_be_put_again),
        T(test_withdraw__time_out_runs_on_while_it_is_put_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
