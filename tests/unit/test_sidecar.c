/* nodelet/sidecar: tasks of several containers, told step by step and driven at random against a small
 * engine. */
#include "tests/unit/sidecar_pod.h"

/* ---- order --------------------------------------------------------------------------------------------- */

static void test_sidecar__all_are_made_before_the_main_one_starts(void **state_)
{
    struct pod *p = pod_new();

    want(p);
    assert_int_equal(next(p, 1), CONVERGE_NOTHING); /* there is nothing to be beside of */
    assert_true(step(p, 0));
    assert_int_equal(next(p, 0), CONVERGE_NOTHING);
    assert_true(step(p, 2));
    assert_int_equal(next(p, 0), CONVERGE_NOTHING);
    assert_int_equal(next(p, 2), CONVERGE_NOTHING); /* nothing runs whose network it could join */
    assert_true(step(p, 1));
    assert_int_equal(next(p, 0), CONVERGE_START);
    assert_int_equal(state(p), TASK_STARTING);
    assert_true(step(p, 0));
    assert_int_equal(next(p, 1), CONVERGE_NOTHING); /* it is not known yet when it was started */
    look(p, 0);
    assert_int_equal(next(p, 1), CONVERGE_START);
    assert_true(step(p, 1));
    assert_int_equal(state(p), TASK_STARTING);
    assert_int_equal(health(p), TASK_UNKNOWN);
    assert_true(step(p, 2));
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_equal(health(p), TASK_HEALTHY);
    pod_free(p);
}

static void test_sidecar__the_main_one_stops_first_and_all_are_gone_at_the_end(void **state_)
{
    struct pod *p = running();

    p->desired = TASK_REMOVE;
    assert_true(step(p, 0)); /* withdrawn */
    assert_int_equal(next(p, 1), CONVERGE_NOTHING);
    assert_true(step(p, 0)); /* stopped */
    assert_int_equal(state(p), TASK_STOPPING);
    p->store = false; /* a stop that has begun goes on */
    assert_true(step(p, 1));
    assert_int_equal(p->c[1].container, CONTAINER_EXITED);
    assert_int_equal(state(p), TASK_STOPPING);
    assert_true(step(p, 2));
    assert_int_equal(state(p), TASK_STOPPED);
    while (step(p, 0))
        ;
    assert_int_equal(state(p), TASK_STOPPED); /* its containers are still there */
    settle(p);
    assert_int_equal(state(p), TASK_REMOVED);
    assert_int_equal(p->c[2].container, CONTAINER_NONE);
    pod_free(p);
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

static void test_sidecar__the_main_ones_end_takes_the_others_along(void **state_)
{
    struct pod *p = running();

    dies(p, 0);
    assert_int_equal(health(p), TASK_UNKNOWN);
    assert_int_equal(next(p, 1), CONVERGE_STOP);
    assert_true(step(p, 1));
    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_equal(p->run[1], p->starts);
    assert_int_equal(p->run[2], p->starts);
    assert_int_equal(p->c[0].restarts, 1);
    assert_int_equal(p->c[1].restarts, 0); /* it was no fault of theirs */
    pod_free(p);
}

static void test_sidecar__one_left_in_a_network_that_is_over_is_no_part_of_it(void **state_)
{
    struct pod *p = running();

    is_restarted(p);
    look(p, 0);
    assert_int_equal(state(p), TASK_STARTING);
    assert_int_equal(health(p), TASK_UNKNOWN);
    assert_int_equal(next(p, 1), CONVERGE_STOP);
    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_equal(p->run[1], p->starts);
    pod_free(p);
}

static void test_sidecar__its_own_end_leaves_the_main_one_alone_and_is_counted(void **state_)
{
    struct pod *p = running();
    struct sidecar_part parts[N];
    int starts = p->starts;

    dies(p, 2);
    assert_int_equal(state(p), TASK_STARTING);
    assert_int_equal(health(p), TASK_UNKNOWN);
    parts_of(p, parts);
    assert_ptr_equal(sidecar_cause(parts, N), &parts[2]);
    assert_string_equal(sidecar_cause(parts, N)->c->reason, "exited with code 1; next start in 1s");
    assert_int_equal(sidecar_restarts(parts, N), 1);
    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_equal(p->starts, starts);
    pod_free(p);
}

static void test_sidecar__another_main_container_means_others_made_for_it(void **state_)
{
    struct pod *p = running();
    int was = p->of[1];

    vanishes(p, 0);
    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_not_equal(p->of[1], was);
    assert_int_equal(p->net[1], p->of[0]);
    pod_free(p);
}

/* Found by the simulator: the engine had deleted it and said that it had failed to. */
static void test_sidecar__what_was_deleted_to_be_made_anew_is_no_end(void **state_)
{
    struct pod *p = pod_new();
    struct converge_seen gone = {.container = CONTAINER_NONE};

    assert_true(step(p, 0) && step(p, 1));
    vanishes(p, 0);
    p->now += CONVERGE_BACKOFF_MIN_MS;
    assert_true(step(p, 0));
    assert_int_equal(next(p, 1), CONVERGE_REMOVE);
    converge_begin(&p->c[1], CONVERGE_REMOVE);
    converge_end(&p->c[1], CONVERGE_TRANSIENT, "a fault", p->now);
    converge_see(&p->c[1], &gone, p->now);
    assert_int_equal(p->c[1].restarts, 0);
    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    pod_free(p);
}

/* A job's main container ends by itself; the task has ended when nothing of it runs. */
static void test_sidecar__a_job_has_ended_when_all_have(void **state_)
{
    struct pod *p = pod_new();
    struct converge_seen done = {.container = CONTAINER_EXITED};

    p->spec[0]->job = true;
    p->spec[0]->restart = SPEC_RESTART_NO;
    settle(p);
    converge_see(&p->c[0], &done, p->now);
    assert_int_equal(state(p), TASK_STOPPING);
    assert_true(step(p, 1));
    assert_int_equal(state(p), TASK_STOPPING);
    assert_true(step(p, 2));
    assert_int_equal(state(p), TASK_STOPPED);
    settle(p);
    assert_int_equal(state(p), TASK_STOPPED);
    pod_free(p);
}

/* Found by the simulator: the deleted sidecar of a run that was over was made again, and the run called
 * stopping. */
static void test_sidecar__what_is_deleted_when_the_main_one_has_ended_is_not_made_again(void **state_)
{
    struct pod *p = pod_new();
    struct converge_seen done = {.container = CONTAINER_EXITED}, gone = {.container = CONTAINER_NONE};

    p->spec[0]->job = true;
    p->spec[0]->restart = SPEC_RESTART_NO;
    settle(p);
    converge_see(&p->c[0], &done, p->now);
    settle(p);
    converge_see(&p->c[1], &gone, p->now);
    assert_int_equal(next(p, 1), CONVERGE_NOTHING);
    p->now += CONVERGE_BACKOFF_MAX_MS;
    assert_int_equal(next(p, 1), CONVERGE_NOTHING);
    assert_int_equal(state(p), TASK_STOPPED);
    assert_int_equal(p->c[1].restarts, 0);
    pod_free(p);
}

static void test_sidecar__one_that_can_not_be_had_fails_the_task_before_it_runs(void **state_)
{
    struct pod *p = pod_new();
    struct sidecar_part parts[N];

    p->missing[2] = true;
    step(p, 0);
    step(p, 2);
    assert_int_equal(state(p), TASK_PULLING);
    settle(p);
    assert_int_equal(p->starts, 0);
    assert_int_equal(state(p), TASK_FAILED);
    parts_of(p, parts);
    assert_string_equal(sidecar_cause(parts, N)->c->reason, "pull: no such image");
    p->desired = TASK_REMOVE;
    settle(p);
    assert_int_equal(state(p), TASK_REMOVED);
    pod_free(p);
}

/* What runs is not called failed, with which its room would be given away. */
static void test_sidecar__one_that_can_not_be_had_any_more_makes_it_unhealthy(void **state_)
{
    struct pod *p = running();

    p->missing[1] = true;
    vanishes(p, 1);
    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_equal(health(p), TASK_UNHEALTHY);
    dies(p, 0);
    assert_int_equal(state(p), TASK_STOPPING); /* the other one still runs */
    settle(p);
    assert_int_equal(state(p), TASK_FAILED);
    pod_free(p);
}

/* ---- health -------------------------------------------------------------------------------------------- */

static void test_sidecar__healthy_when_all_are(void **state_)
{
    for (int mask = 0; mask < 1 << N; mask++) {
        struct pod *p = running();
        struct sidecar_part parts[N];

        for (int i = 0; i < N; i++)
            p->sick[i] = mask >> i & 1;
        assert_int_equal(health(p), mask ? TASK_UNHEALTHY : TASK_HEALTHY);
        parts_of(p, parts);
        assert_true(sidecar_judged(parts, N));
        for (int i = 0; i < N && mask; i++)
            if (mask >> i & 1) { /* the first of them is told about */
                assert_ptr_equal(sidecar_cause(parts, N), &parts[i]);
                break;
            }
        parts[1].checked = false;
        assert_int_equal(sidecar_health(parts, N), mask & 5 ? TASK_UNHEALTHY : TASK_UNKNOWN);
        assert_false(sidecar_judged(parts, N)); /* its endpoint is left as it is */
        parts[1].checked = true;
        parts[1].known = false;
        assert_false(sidecar_judged(parts, N));
        pod_free(p);
    }
}

/* Unhealthy before unready before unknown before healthy, in whatever order the containers stand. */
static void test_sidecar__it_is_as_the_worst_of_all(void **state_)
{
    static const enum task_health worse[] = {TASK_HEALTHY, TASK_UNKNOWN, TASK_UNREADY, TASK_UNHEALTHY};

    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            for (int turn = 0; turn < 2; turn++) {
                struct pod *p = running();
                struct sidecar_part parts[N];

                parts_of(p, parts);
                parts[2 * turn].health = worse[a];
                parts[2 - 2 * turn].health = worse[b];
                parts[0].probe = parts[2].probe = "HTTP 503";
                assert_int_equal(sidecar_health(parts, N), worse[a > b ? a : b]);
                if (worse[a] == TASK_UNREADY && b < a) /* why not is its answer */
                    assert_ptr_equal(sidecar_cause(parts, N), &parts[2 * turn]);
                pod_free(p);
            }
}

/* ---- after nodelet's absence --------------------------------------------------------------------------- */

static void test_sidecar__found_running_it_has_joined_the_start_before_its_own(void **state_)
{
    static const struct {
        const char *main, *side;
        bool joined;
    } cases[] = {
        {"2026-01-02T03:04:05.123456789", "2026-01-02T03:04:05.2", true},
        {"2026-01-02T03:04:05.12", "2026-01-02T03:04:05.123456789", true}, /* last zeros are left out */
        {"2026-01-02T03:04:05", "2026-01-02T03:04:05.000000001", true},
        {"2026-01-02T03:04:05.2", "2026-01-02T03:04:05.123456789", false},
        {"2026-01-02T03:04:05.5", "2026-01-02T03:04:05", false},
        {"2026-01-02T03:04:05.5", "2026-01-02T03:04:05.5", false},
        {"2025-12-31T23:59:59.9", "2026-01-01T00:00:00.1", true},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct converge c = {.container = CONTAINER_RUNNING};
        struct sidecar_part main = {.c = &c, .started = cases[i].main};

        assert_string_equal(sidecar_found(&main, cases[i].side), cases[i].joined ? cases[i].main : "");
        c.container = CONTAINER_EXITED;
        assert_string_equal(sidecar_found(&main, cases[i].side), "");
    }
}

/* A nodelet that comes back knows of none of them at first, whatever is asked for. */
static void test_sidecar__nothing_is_done_before_the_main_one_was_looked_at(void **state_)
{
    for (int desired = TASK_RUN; desired <= TASK_REMOVE; desired++) {
        struct pod *p = running();

        converge_release(&p->c[0]);
        converge_init(&p->c[0]);
        p->unseen[0] = true;
        p->desired = (enum task_desired)desired;
        want(p);
        assert_int_equal(p->c[1].desired, TASK_RUN);
        assert_int_equal(next(p, 1), CONVERGE_NOTHING);
        assert_true(state(p) < TASK_STOPPED);
        pod_free(p);
    }
}

/* ---- at random ----------------------------------------------------------------------------------------- */

static uint64_t roll(uint64_t *x, unsigned sides)
{
    *x ^= *x >> 12;
    *x ^= *x << 25;
    *x ^= *x >> 27;
    return ((*x * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % sides;
}

static void check_now(const struct pod *p)
{
    bool all = true;

    for (int i = 0; i < N; i++) {
        bool runs = p->c[i].container == CONTAINER_RUNNING;

        all = all && runs && (i == 0 || p->run[i] == p->starts);
        if (state(p) >= TASK_STOPPED)
            assert_false(runs); /* its room is given away */
        if (state(p) == TASK_REMOVED)
            assert_int_equal(p->c[i].container, CONTAINER_NONE);
    }
    if (!p->unseen[0] && p->desired == TASK_RUN) {
        assert_int_equal(health(p) == TASK_HEALTHY, all);
        assert_int_equal(state(p) == TASK_RUNNING, all);
    }
}

static void happens(struct pod *p, uint64_t *x)
{
    int i = (int)roll(x, N);

    switch (roll(x, 12)) {
    case 0:
        dies(p, i);
        break;
    case 1:
        vanishes(p, i);
        break;
    case 2:
        is_restarted(p);
        break;
    case 3:
        p->now += roll(x, 20000);
        break;
    case 4:
        p->store = !p->store;
        break;
    case 5:
        look(p, i);
        break;
    default:
        step(p, i);
        break;
    }
}

/* Whatever happens in whatever order: a start finds a network to join (start() asserts it), nothing is called
 * stopped or healthy that isn't, and left alone all run together in the end, or are all gone. */
static void test_sidecar__at_random_it_comes_to_what_is_asked(void **state_)
{
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct pod *p = pod_new();
        uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15);

        for (int n = 0; n < 60; n++) {
            happens(p, &x);
            check_now(p);
        }
        if (seed % 2)
            p->desired = TASK_REMOVE;
        p->store = true;
        settle(p);
        check_now(p);
        assert_int_equal(state(p), seed % 2 ? TASK_REMOVED : TASK_RUNNING);
        pod_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sidecar__all_are_made_before_the_main_one_starts),
        cmocka_unit_test(test_sidecar__the_main_one_stops_first_and_all_are_gone_at_the_end),
        cmocka_unit_test(test_sidecar__the_main_ones_end_takes_the_others_along),
        cmocka_unit_test(test_sidecar__one_left_in_a_network_that_is_over_is_no_part_of_it),
        cmocka_unit_test(test_sidecar__its_own_end_leaves_the_main_one_alone_and_is_counted),
        cmocka_unit_test(test_sidecar__another_main_container_means_others_made_for_it),
        cmocka_unit_test(test_sidecar__what_was_deleted_to_be_made_anew_is_no_end),
        cmocka_unit_test(test_sidecar__a_job_has_ended_when_all_have),
        cmocka_unit_test(test_sidecar__what_is_deleted_when_the_main_one_has_ended_is_not_made_again),
        cmocka_unit_test(test_sidecar__one_that_can_not_be_had_fails_the_task_before_it_runs),
        cmocka_unit_test(test_sidecar__one_that_can_not_be_had_any_more_makes_it_unhealthy),
        cmocka_unit_test(test_sidecar__healthy_when_all_are),
        cmocka_unit_test(test_sidecar__it_is_as_the_worst_of_all),
        cmocka_unit_test(test_sidecar__found_running_it_has_joined_the_start_before_its_own),
        cmocka_unit_test(test_sidecar__nothing_is_done_before_the_main_one_was_looked_at),
        cmocka_unit_test(test_sidecar__at_random_it_comes_to_what_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
