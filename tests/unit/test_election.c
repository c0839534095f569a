/* test_election.c - a campaign that is answered late, after its lease has ended. (Leaders and their
 * deposition on a real etcd: tests/integration.) */
#include "tests/unit/late_etcd.h"

#include "state/election.h"
#include "state/timer.h"
#include "state/view.h"

/* ---- the view and the timer */

struct view {
    struct view_opts o;
    int64_t revision;
};
static struct view view;

struct view *view_new(uv_loop_t *loop, struct etcd *e, const struct view_opts *opts)
{
    view = (struct view){.o = *opts};
    return &view;
}

struct view *view_free(struct view *v)
{
    return NULL;
}

int64_t view_revision(const struct view *v)
{
    return v->revision;
}

struct timer *timer_new(uv_loop_t *loop, void (*fire)(void *arg), void *arg)
{
    return NULL;
}

struct timer *timer_free(struct timer *t)
{
    return NULL;
}

void timer_start(struct timer *t, uint64_t ms)
{
}

static void shows(int64_t revision, int64_t id)
{
    struct etcd_kv kv = {"/leader", "{}", 2, revision, revision, 1, id};

    view.o.on_put(&kv, view.o.arg);
    view.revision = revision;
    view.o.on_batch(revision, view.o.arg);
}

static void shows_none(int64_t revision)
{
    view.o.on_delete("/leader", revision, view.o.arg);
    view.revision = revision;
    view.o.on_batch(revision, view.o.arg);
}

/* ---- the one who campaigns */

static int led, deposed;

static void on_change(bool leader, void *arg)
{
    *(leader ? &led : &deposed) += 1;
}

static struct election *campaigning(int64_t id)
{
    struct election_opts o = {.key = "/leader", .value = "{}", .ttl_s = 4, .on_change = on_change};
    struct election *el = election_new(NULL, NULL, &o);
    orc_auto_free char *expected = orc_printf("put /leader on %d; ", (int)id);

    led = deposed = 0;
    give_lease(id);
    asks(expected);
    return el;
}

static void end(struct election *el)
{
    election_free(el);
    orc_buf_release(&call.text);
}

static void test_election__who_is_answered_in_time_leads(void **state)
{
    struct election *el = campaigning(7);

    succeed(5);
    assert_int_equal(led, 1);
    assert_true(election_is_leader(el));
    give_lease(0);
    assert_int_equal(deposed, 1);
    assert_false(election_is_leader(el));
    end(el);
}

/* Behaviour 89: all its writes would be refused, and nobody else would campaign. */
static void test_election__a_campaign_whose_lease_has_ended_makes_no_leader(void **state)
{
    struct election *el = campaigning(7);

    shows(5, 7); /* it was written, and the answer is late */
    give_lease(0);
    assert_false(call.going);
    shows_none(6);
    give_lease(8);
    assert_int_equal(led, 0);
    asks("put /leader on 8; ");
    succeed(9);
    assert_int_equal(led, 1);
    assert_true(election_is_leader(el));
    end(el);
}

static void test_election__another_lease_begins_another_campaign(void **state)
{
    struct election *el = campaigning(7);

    give_lease(8);
    asks("put /leader on 8; ");
    succeed(9);
    assert_int_equal(led, 1);
    shows(9, 8);
    assert_int_equal(deposed, 0);
    end(el);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_election__who_is_answered_in_time_leads),
        cmocka_unit_test(test_election__a_campaign_whose_lease_has_ended_makes_no_leader),
        cmocka_unit_test(test_election__another_lease_begins_another_campaign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
