/* test_probe.c - when probes are due and what their answers mean. */
#include "nodelet/probe.h"

#include "lib/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define START 50000

static struct spec_health check(uint64_t interval, uint64_t start_period, int retries)
{
    return (struct spec_health){.kind = SPEC_HEALTH_HTTP,
                                .interval_ms = interval,
                                .timeout_ms = 1000,
                                .start_period_ms = start_period,
                                .retries = retries};
}

/* Makes probes as they fall due, each answered after `takes` ms with `result`, until `until`. Returns when
 * the health changed first, 0 if it did not. */
static uint64_t live(struct probe *p, enum probe_result result, uint64_t takes, uint64_t until,
                     int *ret_probes)
{
    uint64_t changed = 0;
    int probes = 0;

    while (probe_due(p) <= until) {
        uint64_t at = probe_due(p);

        probes++;
        probe_begin(p, at);
        assert_true(probe_due(p) == PROBE_NEVER);
        if (probe_end(p, result, at + takes) && !changed)
            changed = at + takes;
    }
    if (ret_probes)
        *ret_probes = probes;
    return changed;
}

static void test_probe__without_a_check_it_is_healthy_once_it_runs(void **state)
{
    struct spec_health none = {.kind = SPEC_HEALTH_NONE};
    struct probe p = {0};

    probe_start(&p, &none, START);
    assert_int_equal(p.health, TASK_HEALTHY);
    assert_true(probe_due(&p) == PROBE_NEVER);
    probe_stop(&p);
    assert_int_equal(p.health, TASK_UNKNOWN);
}

static void test_probe__first_probe_is_due_at_once(void **state)
{
    struct spec_health h = check(10000, 0, 3);
    struct probe p;

    probe_start(&p, &h, START);
    assert_int_equal(p.health, TASK_UNKNOWN);
    assert_int_equal(probe_due(&p), START);
}

/* Behaviour 61. */
static void test_probe__first_success_makes_it_healthy(void **state)
{
    struct spec_health h = check(10000, 0, 3);
    struct probe p;

    probe_start(&p, &h, START);
    assert_int_equal(live(&p, PROBE_OK, 2, START, NULL), START + 2);
    assert_int_equal(p.health, TASK_HEALTHY);
    assert_int_equal(probe_due(&p), START + 10000); /* from then on at the interval */
}

static void test_probe__quick_probes_double_up_to_the_interval(void **state)
{
    static const uint64_t at[] = {0, 50, 150, 350, 750, 1550, 2000};
    struct spec_health h = check(2000, 0, 100);
    struct probe p;

    probe_start(&p, &h, START);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(at); i++) {
        assert_int_equal(probe_due(&p), START + at[i]);
        probe_begin(&p, probe_due(&p));
        probe_end(&p, PROBE_FAILED, START + at[i]);
    }
}

static void test_probe__start_interval_replaces_the_quick_schedule(void **state)
{
    struct spec_health h = check(10000, 0, 3);
    struct probe p;

    h.start_interval_ms = 300;
    probe_start(&p, &h, START);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(probe_due(&p), START + (uint64_t)i * 300);
        probe_begin(&p, probe_due(&p));
        probe_end(&p, PROBE_FAILED, START + (uint64_t)i * 300);
    }
}

/* Behaviour 61: quick probes find a success sooner, never a failure: as patient as one that asks each
 * interval. */
static void test_probe__quick_failures_do_not_make_it_unhealthy_early(void **state)
{
    struct spec_health h = check(1000, 0, 3);
    struct probe p;

    probe_start(&p, &h, START);
    assert_int_equal(live(&p, PROBE_FAILED, 0, START + 2999, NULL), 0);
    assert_int_equal(p.health, TASK_UNKNOWN);
    assert_int_equal(live(&p, PROBE_FAILED, 0, START + 3500, NULL), START + 3000);
    assert_int_equal(p.health, TASK_UNHEALTHY);
}

/* Behaviour 62. */
static void test_probe__failures_in_the_start_period_do_not_count(void **state)
{
    struct spec_health h = check(1000, 5000, 2);
    struct probe p;

    probe_start(&p, &h, START);
    assert_int_equal(live(&p, PROBE_FAILED, 0, START + 5999, NULL), 0);
    assert_int_equal(live(&p, PROBE_FAILED, 0, START + 7000, NULL), START + 6000);
}

/* Behaviour 62: what began within it is excused even when its answer comes later. */
static void test_probe__probe_begun_in_the_start_period_is_excused(void **state)
{
    struct spec_health h = check(1000, 5000, 1);
    struct probe p;

    probe_start(&p, &h, START);
    probe_begin(&p, START + 4999);
    assert_false(probe_end(&p, PROBE_FAILED, START + 5999));
    assert_int_equal(p.health, TASK_UNKNOWN);
}

static void test_probe__success_ends_the_start_period(void **state)
{
    struct spec_health h = check(1000, 60000, 2);
    struct probe p;

    probe_start(&p, &h, START);
    live(&p, PROBE_OK, 0, START, NULL);
    assert_int_equal(live(&p, PROBE_FAILED, 0, START + 5000, NULL), START + 2000);
    assert_int_equal(p.health, TASK_UNHEALTHY);
}

/* Behaviour 61. */
static void test_probe__retries_in_a_row_make_it_unhealthy(void **state)
{
    struct spec_health h = check(1000, 0, 3);
    struct probe p;

    probe_start(&p, &h, START);
    live(&p, PROBE_OK, 0, START, NULL);
    assert_int_equal(live(&p, PROBE_FAILED, 0, START + 2000, NULL), 0);
    assert_int_equal(live(&p, PROBE_FAILED, 0, START + 3000, NULL), START + 3000);
}

/* Behaviour 61. */
static void test_probe__one_success_resets_the_failures(void **state)
{
    struct spec_health h = check(1000, 0, 3);
    struct probe p;

    probe_start(&p, &h, START);
    live(&p, PROBE_OK, 0, START, NULL);
    for (int round = 0; round < 5; round++) {
        uint64_t at = probe_due(&p);

        assert_int_equal(live(&p, PROBE_FAILED, 0, at + 1000, NULL), 0);
        assert_int_equal(p.failures, 2);
        live(&p, PROBE_OK, 0, at + 2000, NULL);
        assert_int_equal(p.failures, 0);
    }
    assert_int_equal(p.health, TASK_HEALTHY);
}

static void test_probe__unhealthy_recovers_with_one_success(void **state)
{
    struct spec_health h = check(1000, 0, 1);
    struct probe p;

    probe_start(&p, &h, START);
    live(&p, PROBE_OK, 0, START, NULL);
    live(&p, PROBE_FAILED, 0, START + 1000, NULL);
    assert_int_equal(p.health, TASK_UNHEALTHY);
    assert_int_equal(live(&p, PROBE_OK, 0, START + 2000, NULL), START + 2000);
    assert_int_equal(p.health, TASK_HEALTHY);
}

/* Behaviour 66. */
static void test_probe__hung_probe_is_over_at_its_time_out(void **state)
{
    struct spec_health h = check(5000, 0, 1);
    struct probe p;

    probe_start(&p, &h, START);
    live(&p, PROBE_OK, 0, START, NULL);
    assert_true(probe_deadline(&p) == PROBE_NEVER);
    probe_begin(&p, START + 5000);
    assert_int_equal(probe_deadline(&p), START + 6000);
    assert_true(probe_end(&p, PROBE_FAILED, START + 6000));
    assert_int_equal(p.health, TASK_UNHEALTHY);
}

/* A time-out longer than the interval: one at a time, the next when the last one is over. */
static void test_probe__slow_answers_are_not_overtaken(void **state)
{
    struct spec_health h = check(1000, 0, 3);
    struct probe p;
    int probes;

    probe_start(&p, &h, START);
    live(&p, PROBE_OK, 2500, START + 10000, &probes);
    assert_int_equal(probes, 5); /* at 0, 2500, 5000, 7500, 10000 */
}

static void test_probe__one_that_could_not_be_made_says_nothing(void **state)
{
    struct spec_health h = check(10000, 0, 1);
    struct probe p;
    int probes;

    probe_start(&p, &h, START);
    live(&p, PROBE_OK, 0, START, NULL);
    assert_int_equal(live(&p, PROBE_NOT_MADE, 0, START + 30000, &probes), 0);
    assert_int_equal(p.health, TASK_HEALTHY);
    assert_int_equal(p.failures, 0);
    assert_int_equal(probes, 21); /* again after a second, not in a rush */
}

/* Behaviour 82. */
static void test_probe__adopted_container_keeps_its_health(void **state)
{
    struct spec_health h = check(1000, 0, 2);
    struct probe p;

    probe_adopt(&p, &h, TASK_HEALTHY, START);
    assert_int_equal(p.health, TASK_HEALTHY);
    assert_int_equal(live(&p, PROBE_FAILED, 0, START, NULL), 0); /* one failure is not `retries` */
    assert_int_equal(live(&p, PROBE_FAILED, 0, START + 1000, NULL), START + 1000);
    probe_adopt(&p, &h, TASK_UNHEALTHY, START);
    assert_int_equal(p.health, TASK_UNHEALTHY);
    assert_int_equal(live(&p, PROBE_OK, 0, START, NULL), START);
    probe_adopt(&p, &h, TASK_UNKNOWN, START);
    assert_int_equal(p.health, TASK_UNKNOWN);
}

static void test_probe__end_without_a_probe_changes_nothing(void **state)
{
    struct spec_health h = check(1000, 0, 1);
    struct probe p, before;

    probe_start(&p, &h, START);
    before = p;
    assert_false(probe_end(&p, PROBE_OK, START + 5));
    assert_memory_equal(&before, &p, sizeof p);
}

static void test_probe__zero_interval_is_no_busy_loop(void **state)
{
    struct spec_health h = {.kind = SPEC_HEALTH_TCP};
    struct probe p;
    int probes;

    probe_start(&p, &h, START);
    live(&p, PROBE_OK, 0, START + 100, &probes);
    assert_int_equal(probes, 101);
    probe_begin(&p, START + 200); /* and what is not said otherwise is one: time-out, failures */
    assert_int_equal(probe_deadline(&p), START + 201);
    assert_true(probe_end(&p, PROBE_FAILED, START + 201));
    assert_int_equal(p.health, TASK_UNHEALTHY);
}

/* ---- any answers, at any pace ----------------------------------------------------------------------------
 */

struct any {
    uint64_t random;
    struct spec_health h;
    struct probe p;
    uint64_t now, last; /* last: when a probe was begun last */
    bool succeeded;
    int failed; /* in a row, of those that were made */
};

static uint64_t below(struct any *a, uint64_t n)
{
    a->random += UINT64_C(0x9e3779b97f4a7c15);
    return orc_hash64(0, &a->random, sizeof a->random) % n;
}

/* Behaviours 61, 62: healthy at once, unhealthy only after so many in a row that count; with a success behind
 * it exactly then, and without one not before a patient prober would have said so. */
static void judge(struct any *a, bool changed, enum task_health before)
{
    uint64_t first = a->h.start_period_ms > a->h.interval_ms ? a->h.start_period_ms : a->h.interval_ms;

    assert_int_equal(changed, before != a->p.health);
    if (a->failed == 0 && a->succeeded)
        assert_int_equal(a->p.health, TASK_HEALTHY);
    if (a->p.health == TASK_UNHEALTHY)
        assert_true(a->failed >= a->h.retries);
    if (a->succeeded && a->failed >= a->h.retries)
        assert_int_equal(a->p.health, TASK_UNHEALTHY);
    if (!a->succeeded && a->p.health == TASK_UNHEALTHY)
        assert_true(a->now >= START + first + (uint64_t)(a->h.retries - 1) * a->h.interval_ms);
}

static void one_probe(struct any *a, enum probe_result result)
{
    uint64_t due = probe_due(&a->p), takes = below(a, a->h.timeout_ms + 1);
    enum task_health before = a->p.health;
    bool changed;

    assert_true(due != PROBE_NEVER && due >= a->last);
    assert_true(due <= a->now + a->h.interval_ms); /* never forgotten for longer */
    a->now = a->last = due > a->now ? due : a->now;
    probe_begin(&a->p, a->now);
    assert_true(probe_due(&a->p) == PROBE_NEVER);
    assert_true(probe_deadline(&a->p) == a->now + a->h.timeout_ms);
    a->now += takes;
    changed = probe_end(&a->p, result, a->now);
    assert_true(probe_deadline(&a->p) == PROBE_NEVER);
    a->succeeded = a->succeeded || result == PROBE_OK;
    a->failed = result == PROBE_OK ? 0 : a->failed + (result == PROBE_FAILED);
    judge(a, changed, before);
}

static void test_probe__any_answers_at_any_pace(void **state)
{
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct any a = {.random = seed, .now = START, .last = START};

        a.h = check(100 + below(&a, 20000), below(&a, 2) * below(&a, 60000), 1 + (int)below(&a, 5));
        a.h.start_interval_ms = below(&a, 3) ? 0 : 1 + below(&a, 3000);
        a.h.timeout_ms = 1 + below(&a, 3000);
        probe_start(&a.p, &a.h, START);
        for (int i = 0; i < 60; i++) {
            uint64_t what = below(&a, 8);

            one_probe(&a, what == 0 ? PROBE_NOT_MADE : what < 6 ? PROBE_FAILED : PROBE_OK);
        }
        for (int i = 0; i < 400 && a.p.health != TASK_UNHEALTHY; i++) /* what always fails is found out */
            one_probe(&a, PROBE_FAILED);
        assert_int_equal(a.p.health, TASK_UNHEALTHY);
        one_probe(&a, PROBE_OK);
        assert_int_equal(a.p.health, TASK_HEALTHY);
    }
}

/* ---- a container that was found running ---- */

/* Found unhealthy it stays so until a probe succeeds; found healthy it takes all its failures anew; of what
 * nobody knew nothing is known. Each failure is told once. */
static void test_probe__what_was_found_counts_from_what_it_was(void **state)
{
    static const struct {
        enum task_health found;
        int failures_until_unhealthy; /* 0: it is already */
        bool succeeded;
    } cases[] = {{TASK_HEALTHY, 3, true}, {TASK_UNHEALTHY, 0, true}, {TASK_UNKNOWN, 3, false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct spec_health h = check(10000, 0, 3);
        struct probe p;
        uint64_t now = START;

        probe_adopt(&p, &h, cases[i].found, now);
        assert_int_equal(p.health, cases[i].found);
        assert_int_equal(p.succeeded, cases[i].succeeded);
        for (int n = 1; n <= 5 && cases[i].succeeded; n++) {
            bool turns = n == cases[i].failures_until_unhealthy;

            probe_begin(&p, now);
            assert_int_equal(probe_end(&p, PROBE_FAILED, now), turns);
            assert_int_equal(p.health,
                             n >= cases[i].failures_until_unhealthy ? TASK_UNHEALTHY : TASK_HEALTHY);
            now += 10000;
        }
        probe_begin(&p, now);
        assert_int_equal(probe_end(&p, PROBE_OK, now), true);
        assert_int_equal(p.health, TASK_HEALTHY);
    }
}

/* Without a check what was found is what it is: healthy. */
static void test_probe__without_a_check_what_was_found_does_not_count(void **state)
{
    struct spec_health none = {.kind = SPEC_HEALTH_NONE};

    for (enum task_health found = TASK_UNKNOWN; found <= TASK_UNHEALTHY; found++) {
        struct probe p;

        probe_adopt(&p, &none, found, START);
        assert_int_equal(p.health, TASK_HEALTHY);
        assert_true(probe_due(&p) == PROBE_NEVER);
    }
}

/* Apart, only the second check says that it is to be restarted. */
static void test_probe__two_checks_say_together_what_it_is(void **state)
{
    static const struct {
        enum task_health ready, live;
        bool on, apart; /* is there a second check; does the first say no more than who gets requests */
        enum task_health is;
    } cases[] = {
        {TASK_UNKNOWN, TASK_HEALTHY, false, false, TASK_UNKNOWN},
        {TASK_HEALTHY, TASK_HEALTHY, false, false, TASK_HEALTHY},
        {TASK_UNHEALTHY, TASK_HEALTHY, false, false, TASK_UNHEALTHY},
        {TASK_UNKNOWN, TASK_HEALTHY, false, true, TASK_UNKNOWN},
        {TASK_HEALTHY, TASK_HEALTHY, false, true, TASK_HEALTHY},
        {TASK_UNHEALTHY, TASK_HEALTHY, false, true, TASK_UNREADY},
        {TASK_UNKNOWN, TASK_UNKNOWN, true, true, TASK_UNKNOWN},
        {TASK_UNKNOWN, TASK_UNHEALTHY, true, true, TASK_UNHEALTHY},
        {TASK_HEALTHY, TASK_UNKNOWN, true, true, TASK_HEALTHY},
        {TASK_HEALTHY, TASK_UNHEALTHY, true, true, TASK_UNHEALTHY},
        {TASK_UNHEALTHY, TASK_UNKNOWN, true, true, TASK_UNREADY},
        {TASK_UNHEALTHY, TASK_HEALTHY, true, true, TASK_UNREADY},
        {TASK_UNHEALTHY, TASK_UNHEALTHY, true, true, TASK_UNHEALTHY},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct probe ready = {.on = true, .health = cases[i].ready};
        struct probe live = {.on = cases[i].on, .health = cases[i].live};

        assert_int_equal(probe_health(&ready, &live, cases[i].apart), cases[i].is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe__without_a_check_it_is_healthy_once_it_runs),
        cmocka_unit_test(test_probe__first_probe_is_due_at_once),
        cmocka_unit_test(test_probe__first_success_makes_it_healthy),
        cmocka_unit_test(test_probe__quick_probes_double_up_to_the_interval),
        cmocka_unit_test(test_probe__start_interval_replaces_the_quick_schedule),
        cmocka_unit_test(test_probe__quick_failures_do_not_make_it_unhealthy_early),
        cmocka_unit_test(test_probe__failures_in_the_start_period_do_not_count),
        cmocka_unit_test(test_probe__probe_begun_in_the_start_period_is_excused),
        cmocka_unit_test(test_probe__success_ends_the_start_period),
        cmocka_unit_test(test_probe__retries_in_a_row_make_it_unhealthy),
        cmocka_unit_test(test_probe__one_success_resets_the_failures),
        cmocka_unit_test(test_probe__unhealthy_recovers_with_one_success),
        cmocka_unit_test(test_probe__hung_probe_is_over_at_its_time_out),
        cmocka_unit_test(test_probe__slow_answers_are_not_overtaken),
        cmocka_unit_test(test_probe__one_that_could_not_be_made_says_nothing),
        cmocka_unit_test(test_probe__adopted_container_keeps_its_health),
        cmocka_unit_test(test_probe__end_without_a_probe_changes_nothing),
        cmocka_unit_test(test_probe__zero_interval_is_no_busy_loop),
        cmocka_unit_test(test_probe__any_answers_at_any_pace),
        cmocka_unit_test(test_probe__what_was_found_counts_from_what_it_was),
        cmocka_unit_test(test_probe__two_checks_say_together_what_it_is),
        cmocka_unit_test(test_probe__without_a_check_what_was_found_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
