/* What update_config, rollback_config and x-orc.progress_deadline promise. */
#include "tests/sim/rolling.h"

/* ---- parallelism ------------------------------------------------------------------------------------- */

/* Kubernetes rounds maxSurge up and maxUnavailable down, and never comes to a halt over it. */
static void test_policy__a_percentage_is_rounded_as_in_kubernetes(void **state)
{
    static const struct {
        int percent, replicas, first_new, first_old;
    } cases[] = {{25, 4, 1, 1},        {25, 5, 2, 1},
                 {25, 7, 2, 1},        {25, 8, 2, 2},
                 {10, 3, 1, 1},        {1, 1, 1, 1},
                 {50, 3, 2, 1},        {99, 2, 2, 1},
                 {100, 3, 3, 3},       {33, 10, 4, 3},
                 {30, 10, 3, 3},       {50, 0, 1, 1},
                 {1, 10000, 100, 100}, {100, 10000, 10000, 10000}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct spec_update u = {.parallelism = 1, .parallelism_percent = cases[i].percent};

        assert_int_equal(spec_update_at_once(&u, cases[i].replicas), cases[i].first_old);
        assert_int_equal(spec_update_missing(&u, cases[i].replicas), cases[i].first_old);
        u.order = SPEC_START_FIRST;
        assert_int_equal(spec_update_at_once(&u, cases[i].replicas), cases[i].first_new);
        assert_int_equal(spec_update_missing(&u, cases[i].replicas), cases[i].first_old);
    }
}

static void test_policy__a_count_is_a_count_and_zero_is_all(void **state)
{
    struct spec_update u = {.parallelism = 2};

    assert_int_equal(spec_update_at_once(&u, 5), 2);
    assert_int_equal(spec_update_missing(&u, 1), 2);
    u.parallelism = 0;
    assert_int_equal(spec_update_at_once(&u, 5), 5);
    assert_int_equal(spec_update_missing(&u, 0), 1);
}

/* Behaviours 44, 46: the percentage is of what runs now, not of what the file says. */
static void test_policy__a_percentage_bounds_the_batch(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int replicas = 1; replicas <= 10; replicas++) {
            struct want w = {.replicas = 3, .percent = 25, .order = (enum spec_order)order};
            struct sim *s = deployed(3, w);
            struct spec_update u = {.parallelism_percent = 25, .order = (enum spec_order)order};
            int most = spec_update_at_once(&u, replicas);
            struct seen x;

            sim_scale(s, "shop", "web", replicas);
            sim_pass(s, 10000);
            update(s, 2, w);
            x = watch(s, 60000);
            assert_int_equal(x.least_available, order == SPEC_START_FIRST ? replicas : replicas - most);
            assert_in_range(x.most_changing, 1, most);
            assert_rollout(s, "shop", "web", "complete", 2, NULL);
            sim_free(s);
        }
}

/* ---- max_failure_ratio ------------------------------------------------------------------------------- */

static void test_policy__so_many_may_fail(void **state)
{
    static const struct {
        int64_t nano;
        int replicas, may;
    } cases[] = {{0, 10, 0},         {100000000, 9, 0},  {100000000, 10, 1},        {250000000, 10, 2},
                 {999999999, 10, 9}, {1000000000, 3, 3}, {1000000000, 10000, 10000}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct spec_update u = {.max_failure_nano = cases[i].nano};

        assert_int_equal(spec_update_may_fail(&u, cases[i].replicas), cases[i].may);
    }
}

/* The newest task of version 2 becomes unhealthy as soon as it has become available, `n` times over. */
static void fail_some(struct sim *s, int n)
{
    int64_t last = sim_attempts(s, "web");

    for (int i = 0; i < 4000 && n; i++) {
        orc_auto_free char *text = sim_step(s);

        for (int slot = 0; slot < 10 && n; slot++) {
            char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
            struct record_status st = {0};

            if (!sim_task_in(s, "web", slot, id, node) || atoll(strrchr(id, '.') + 1) <= last)
                continue;
            if (sim_status_copy(s, node, id, &st) && st.health == TASK_HEALTHY) {
                last = atoll(strrchr(id, '.') + 1);
                sim_sicken(s, "web", slot);
                n--;
            }
            record_status_release(&st);
        }
        if (sim_act(s) == 0 && !text[0])
            s->now = core_next(s->core) ? core_next(s->core) : s->now + 1000;
    }
    assert_int_equal(n, 0);
}

static void test_policy__as_many_failures_as_the_ratio_allows_are_mended(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int failures = 1; failures <= 4; failures++) {
            struct want w = {.replicas = 10,
                             .order = (enum spec_order)order,
                             .action = SPEC_ON_FAILURE_ROLLBACK,
                             .ratio_nano = 200000000};
            struct sim *s = deployed(3, w);

            update(s, 2, w);
            fail_some(s, failures);
            if (failures <= 2)
                sim_settle(s);
            sim_pass(s, 200000);
            if (failures <= 2)
                assert_rollout(s, "shop", "web", "complete", 2, NULL);
            else
                assert_rollout(s, "shop", "web", "rolled-back", 1,
                               "3 of 10 replicas failed, and only 2 may: shop.web.");
            assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 10);
            assert_int_equal(sim_rollout(s, "shop", "web")->failed, 0);
            sim_free(s);
        }
}

/* The failures that were mended are in the store: another leader counts on from there. */
static void test_policy__a_new_leader_goes_on_counting_failures(void **state)
{
    struct want w = {.replicas = 10, .action = SPEC_ON_FAILURE_ROLLBACK, .ratio_nano = 200000000};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    fail_some(s, 2);
    free(sim_step(s));
    assert_int_equal(sim_rollout(s, "shop", "web")->failed, 2);
    assert_rollout(s, "shop", "web", "updating", 2, "2 of 10 replicas failed, and 2 may");
    sim_new_leader(s);
    fail_some(s, 1);
    sim_pass(s, 100000);
    assert_rollout(s, "shop", "web", "rolled-back", 1, "3 of 10 replicas failed");
    sim_free(s);
}

/* Nodes act; the first `times` tasks of version 2 in slot 0 are unhealthy from their start. */
static int act_failing(struct sim *s, int *times)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct record_status st = {0};
    int acted = 0;

    if (*times && sim_task_in(s, "web", 0, id, node) && sim_status_copy(s, node, id, &st) &&
        st.state == TASK_STARTING) {
        sim_sicken(s, "web", 0);
        --*times;
        acted++;
    }
    record_status_release(&st);
    return acted + sim_act(s);
}

/* Behaviour 45: one of two in the batch fails, and fails again; until it is mended only one more at a time is
 * taken on. */
static void test_policy__the_next_batch_is_as_large_as_the_healthy_part_of_the_last(void **state)
{
    struct want w = {.replicas = 8, .parallelism = 2, .action = SPEC_ON_FAILURE_CONTINUE};
    struct sim *s = deployed(3, w);
    int times = 3, most = 0, one_at_a_time = 0;
    uint64_t end = s->now + 300000;

    update(s, 2, w);
    while (s->now < end) {
        orc_auto_free char *text = sim_step(s);
        int unready = sim_count(s, (struct sim_want){.revision = 2}) -
                      sim_count(s, (struct sim_want){.revision = 2, .available = true});

        most = unready > most ? unready : most;
        one_at_a_time += times > 0 && unready == 2;
        if (act_failing(s, &times) == 0 && !text[0])
            s->now = core_next(s->core) ? core_next(s->core) : end;
    }
    assert_int_equal(most, 2);
    assert_in_range(one_at_a_time, 2, 100); /* the failing one, and one more */
    assert_int_equal(times, 0);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* Behaviour 45: when nothing of the last batch is healthy there is no next one. */
static void test_policy__a_batch_that_fails_whole_is_the_last(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++) {
        struct want w = {.replicas = 8,
                         .parallelism = 2,
                         .image = "sick",
                         .order = (enum spec_order)order,
                         .action = SPEC_ON_FAILURE_CONTINUE};
        struct sim *s = deployed(3, w);
        char before[8][KEY_TASK_MAX + 1], id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

        for (int slot = 0; slot < 8; slot++)
            assert_true(sim_task_in(s, "web", slot, before[slot], node));
        update(s, 2, w);
        sim_pass(s, 500000);
        assert_in_range(sim_attempts(s, "web") - atoll(strrchr(before[7], '.') + 1), 4, 30);
        for (int slot = order == SPEC_START_FIRST ? 0 : 2; slot < 8; slot++) {
            assert_true(sim_task_in(s, "web", slot, id, node));
            assert_string_equal(id, before[slot]);
        }
        sim_free(s);
    }
}

/* ---- rollback_config --------------------------------------------------------------------------------- */

/* Behaviour 48. The file that is left says how it is left. */
static void test_policy__going_back_is_by_rollback_config(void **state)
{
    struct spec_update back = {.parallelism = 3, .monitor_ms = 5000};

    for (int by_hand = 0; by_hand < 2; by_hand++) {
        struct want w = {.replicas = 6, .action = SPEC_ON_FAILURE_ROLLBACK}; /* the old one has none */
        struct sim *s = deployed(3, w);
        struct seen x;

        w.back = &back;
        w.image = by_hand ? NULL : "stuck";
        update(s, 2, w);
        if (by_hand) {
            x = watch(s, 60000);
            assert_int_equal(x.least_available, 5);
            sim_point(s, "shop", "web", 1);
            x = watch(s, 60000);
            assert_int_equal(x.least_available, 3);
            assert_rollout(s, "shop", "web", "complete", 1, NULL);
            update(s, 3, w); /* and on again: update_config */
            x = watch(s, 60000);
            assert_int_equal(x.least_available, 5);
        } else {
            sim_pass(s, 200000);
            assert_rollout(s, "shop", "web", "rolled-back", 1, "did not become available in time");
            assert_int_equal(sim_rollout(s, "shop", "web")->from, 0);
            for (int slot = 0; slot < 4; slot++) /* arrived, update_config counts again */
                sim_sicken(s, "web", slot);
            sim_decide(s);
            assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 1);
        }
        sim_free(s);
    }
}

static void test_policy__without_rollback_config_going_back_is_by_update_config(void **state)
{
    struct want w = {.replicas = 6, .parallelism = 2};
    struct sim *s = deployed(3, w);
    struct seen x;

    update(s, 2, w);
    sim_pass(s, 60000);
    sim_point(s, "shop", "web", 1);
    x = watch(s, 60000);
    assert_int_equal(x.least_available, 4);
    sim_free(s);
}

/* Behaviour 49. */
static void test_policy__a_rollback_that_fails_pauses_or_goes_on_and_is_never_rolled_back(void **state)
{
    for (int action = SPEC_ON_FAILURE_PAUSE; action <= SPEC_ON_FAILURE_CONTINUE; action++) {
        struct spec_update back = {
            .parallelism = 3, .monitor_ms = 5000, .failure_action = (enum spec_failure_action)action};
        struct want w = {.replicas = 3, .parallelism = 3, .action = SPEC_ON_FAILURE_ROLLBACK, .back = &back};
        struct sim *s = deployed(3, w);

        spoil(s, "missing");
        w.image = "sick";
        update(s, 2, w);
        sim_pass(s, 60000);
        assert_rollout(s, "shop", "web", action == SPEC_ON_FAILURE_PAUSE ? "failed" : "rolling-back", 1,
                       "revision 2 failed");
        spoil(s, "good");
        sim_pass(s, 600000);
        assert_rollout(s, "shop", "web", "rolled-back", 1, "revision 2 failed"); /* it recovers by itself */
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 3);
        sim_free(s);
    }
}

/* Behaviour 49: `orc rollback` to something that does not work either stays where it is. */
static void test_policy__a_persons_rollback_that_fails_is_paused(void **state)
{
    struct want w = {.replicas = 3, .action = SPEC_ON_FAILURE_ROLLBACK};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    sim_pass(s, 60000);
    spoil(s, "missing");
    sim_point(s, "shop", "web", 1);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "paused", 1, "revision 1 failed");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 2);
    sim_free(s);
}

/* ---- the progress deadline --------------------------------------------------------------------------- */

/* Behaviour 51: starting for ever ends at the deadline; by default fetching an image does after ten minutes.
 */
static void test_policy__without_progress_it_fails_at_the_deadline(void **state)
{
    for (uint64_t ms = 30000; ms <= 600000; ms += 570000) {
        bool pulls = ms == 600000;
        struct want w = {.replicas = 2, .image = pulls ? "pull" : "stuck", .deadline_ms = pulls ? 0 : ms};
        struct sim *s = deployed(2, w);

        update(s, 2, w);
        sim_pass(s, ms - 1000);
        assert_rollout(s, "shop", "web", "updating", 2, NULL);
        sim_pass(s, 2000);
        assert_rollout(s, "shop", "web", "paused", 2,
                       pulls ? "" : "no replica more became available within 30s");
        sim_free(s);
    }
}

/* Behaviour 51: each healthy replica gives it the whole time again; one that only starts does not. */
static void test_policy__only_a_healthy_replica_extends_the_deadline(void **state)
{
    struct want w = {.replicas = 4, .deadline_ms = 30000, .delay_ms = 20000};
    struct sim *s = deployed(2, w);

    update(s, 2, w);
    sim_pass(s, 50000); /* two, three are there */
    assert_rollout(s, "shop", "web", "updating", 2, NULL);
    spoil(s, "stuck");
    sim_pass(s, 38000);
    assert_rollout(s, "shop", "web", "updating", 2, NULL);
    sim_pass(s, 10000);
    assert_rollout(s, "shop", "web", "paused", 2, "no replica more became available within 30s: slot ");
    sim_free(s);
}

/* Tasks of version 2 that are to run and of which their nodes say this. */
static int in_health(struct sim *s, enum task_health health)
{
    struct sim_kv *kv, *next;
    int n = 0;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);
        const struct record_status *st = t ? sim_status_of(s, kv) : NULL;

        n += t && t->revision == 2 && t->desired == TASK_RUN && (st ? st->health : TASK_UNKNOWN) == health;
    }
    return n;
}

/* The first four that become healthy in slot 0 turn sick; true: one did. */
static bool sicken_first(struct sim *s, int *times)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct record_status st = {0};
    bool sick = *times && in_health(s, TASK_HEALTHY) && sim_count(s, (struct sim_want){.revision = 1}) < 8 &&
                sim_task_in(s, "web", 0, id, node) && sim_status_copy(s, node, id, &st) &&
                st.health == TASK_HEALTHY;

    record_status_release(&st);
    if (sick)
        sim_sicken(s, "web", 0);
    *times -= sick;
    return sick;
}

/* Behaviour 45, where availability alone would not hold it back: start-first, and the new one fails after it
 * has taken over. */
static void test_policy__what_fails_after_it_took_over_makes_the_next_batch_smaller(void **state)
{
    struct want w = {.replicas = 8, .parallelism = 2, .order = SPEC_START_FIRST, .ratio_nano = 900000000};
    struct sim *s = deployed(3, w);
    int times = 4, held = 0;
    uint64_t end = s->now + 120000;

    update(s, 2, w);
    while (s->now < end) {
        int failing = in_health(s, TASK_UNHEALTHY), before = in_health(s, TASK_UNKNOWN), after;
        orc_auto_free char *text = sim_step(s);
        bool acted;

        after = in_health(s, TASK_UNKNOWN);
        assert_true(after <= before || after + failing <= 2);
        held += failing > 0 && after == 1;
        acted = sim_act(s) > 0;
        acted = sicken_first(s, &times) || acted;
        if (!acted && !text[0])
            s->now = core_next(s->core) ? core_next(s->core) : end;
    }
    assert_int_equal(times, 0);
    assert_in_range(held, 1, 1000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* Behaviour 51: four replicas of which each takes 20 s to become healthy take longer than the deadline
 * together. */
static void test_policy__each_healthy_replica_gives_the_whole_deadline_again(void **state)
{
    struct want w = {.replicas = 4, .deadline_ms = 30000, .image = "stuck"};
    struct sim *s = deployed(4, w);

    update(s, 2, w);
    for (int slot = 0; slot < 4; slot++) {
        sim_pass(s, 20000);
        assert_rollout(s, "shop", "web", "updating", 2, NULL);
        sim_turn(s, "web", slot, TASK_RUNNING, TASK_HEALTHY, NULL);
    }
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* Its time does not pass while it must wait for what is not its own. */
static void test_policy__the_deadline_does_not_count_the_delay_between_batches(void **state)
{
    struct want w = {.replicas = 3, .deadline_ms = 10000, .delay_ms = 60000};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    sim_pass(s, 300000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

static void test_policy__the_deadline_does_not_count_waiting_for_another_service(void **state)
{
    struct want w = {.replicas = 1, .deadline_ms = 10000};
    struct sim *s = sim_of(1);
    struct spec_service *x = spec(w), *db = sim_spec("db", 1, "stuck");

    orc_vec_push(&x->depends_on, ((struct spec_depend){orc_strdup("db"), SPEC_DEPENDS_HEALTHY}));
    sim_apply(s, "shop", 1, db);
    sim_apply(s, "shop", 1, x);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "updating", 1, NULL);
    sim_free(s);
}

static void test_policy__too_little_room_fails_an_update_but_not_a_scaling(void **state)
{
    struct want w = {.replicas = 1, .deadline_ms = 30000, .memory_mib = 6000};
    struct sim *s = deployed(1, w);

    sim_scale(s, "shop", "web", 2);
    sim_pass(s, 100000);
    assert_int_equal(sim_rollout(s, "shop", "web")->state, ROLLOUT_UPDATING);
    sim_scale(s, "shop", "web", 1);
    sim_pass(s, 10000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    w.memory_mib = 60000;
    update(s, 2, w);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "paused", 2, "no place for it: 0 of 1 node fits");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 1);
    sim_free(s);
}

static void test_policy__a_new_leader_gives_the_whole_deadline_again(void **state)
{
    struct want w = {.replicas = 2, .image = "stuck", .deadline_ms = 30000};
    struct sim *s = deployed(2, w);

    update(s, 2, w);
    sim_pass(s, 25000);
    sim_new_leader(s);
    sim_pass(s, 25000);
    assert_rollout(s, "shop", "web", "updating", 2, NULL);
    sim_pass(s, 10000);
    assert_rollout(s, "shop", "web", "paused", 2, "no replica more");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy__a_percentage_is_rounded_as_in_kubernetes),
        cmocka_unit_test(test_policy__a_count_is_a_count_and_zero_is_all),
        cmocka_unit_test(test_policy__a_percentage_bounds_the_batch),
        cmocka_unit_test(test_policy__so_many_may_fail),
        cmocka_unit_test(test_policy__as_many_failures_as_the_ratio_allows_are_mended),
        cmocka_unit_test(test_policy__a_new_leader_goes_on_counting_failures),
        cmocka_unit_test(test_policy__the_next_batch_is_as_large_as_the_healthy_part_of_the_last),
        cmocka_unit_test(test_policy__a_batch_that_fails_whole_is_the_last),
        cmocka_unit_test(test_policy__going_back_is_by_rollback_config),
        cmocka_unit_test(test_policy__without_rollback_config_going_back_is_by_update_config),
        cmocka_unit_test(test_policy__a_rollback_that_fails_pauses_or_goes_on_and_is_never_rolled_back),
        cmocka_unit_test(test_policy__a_persons_rollback_that_fails_is_paused),
        cmocka_unit_test(test_policy__without_progress_it_fails_at_the_deadline),
        cmocka_unit_test(test_policy__only_a_healthy_replica_extends_the_deadline),
        cmocka_unit_test(test_policy__what_fails_after_it_took_over_makes_the_next_batch_smaller),
        cmocka_unit_test(test_policy__each_healthy_replica_gives_the_whole_deadline_again),
        cmocka_unit_test(test_policy__the_deadline_does_not_count_the_delay_between_batches),
        cmocka_unit_test(test_policy__the_deadline_does_not_count_waiting_for_another_service),
        cmocka_unit_test(test_policy__too_little_room_fails_an_update_but_not_a_scaling),
        cmocka_unit_test(test_policy__a_new_leader_gives_the_whole_deadline_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
