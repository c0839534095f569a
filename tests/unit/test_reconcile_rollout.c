/* From one version to the next. */
#include "tests/sim/rolling.h"

/* Behaviours 44, 46. */
static void test_rollout__stop_first_changes_parallelism_at_once_and_never_exceeds_the_count(void **state)
{
    for (int p = 1; p <= 3; p++) {
        struct want w = {.replicas = 6, .parallelism = p};
        struct sim *s = deployed(3, w);
        struct seen x;

        update(s, 2, w);
        x = watch(s, 60000);
        assert_int_equal(x.least_available, 6 - p);
        assert_int_equal(x.most_running, 6);
        assert_in_range(x.most_changing, 1, p);
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 6);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        sim_free(s);
    }
}

/* Behaviours 44, 46. */
static void test_rollout__start_first_is_never_below_the_count(void **state)
{
    for (int p = 1; p <= 3; p++) {
        struct want w = {.replicas = 6, .parallelism = p, .order = SPEC_START_FIRST};
        struct sim *s = deployed(3, w);
        struct seen x;

        update(s, 2, w);
        x = watch(s, 60000);
        assert_int_equal(x.least_available, 6);
        assert_in_range(x.most_changing, 1, p);
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 6);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        sim_free(s);
    }
}

static void test_rollout__parallelism_zero_is_all_at_once(void **state)
{
    struct want w = {.replicas = 4};
    struct sim *s = deployed(2, w);
    struct spec_service *x = spec(w);
    orc_auto_free char *text = NULL;

    x->update.parallelism = 0;
    label(x, "2");
    sim_apply(s, "shop", 2, x);
    text = sim_step(s);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 4);
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

static void test_rollout__the_delay_passes_between_batches(void **state)
{
    struct want w = {.replicas = 3, .delay_ms = 10000};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    sim_pass(s, 9000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 1);
    sim_pass(s, 2000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 2);
    sim_pass(s, 10000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 3);
    sim_free(s);
}

/* What was refused has begun no batch, and so makes nobody wait for the next; what was done has. */
static void test_rollout__a_refused_batch_costs_no_delay(void **state)
{
    struct want w = {.replicas = 3, .delay_ms = 10000};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    s->refuse = true;
    for (int i = 0; i < 3; i++)
        free(sim_step(s));
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
    s->refuse = false;
    free(sim_step(s));
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 1);
    s->refuse = true; /* while it is under way: it goes on being one */
    free(sim_step(s));
    core_retry(s->core, NULL);
    s->refuse = false;
    sim_pass(s, 9000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 1);
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
    sim_pass(s, 2000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 2);
    sim_free(s);
}

/* A new leader waits for a whole delay; what can't be replaced said why before, and says it now. */
static void test_rollout__what_has_no_place_says_so_also_between_batches(void **state)
{
    for (int order = 0; order < 2; order++) {
        struct want w = {.replicas = 2,
                         .delay_ms = 10000,
                         .order = order ? SPEC_START_FIRST : SPEC_STOP_FIRST,
                         .memory_mib = 10};
        struct sim *s = deployed(2, w);
        const struct record_rollout *roll;
        int txns;

        w.memory_mib = 100000;
        update(s, 2, w);
        sim_pass(s, 30000);
        roll = sim_rollout(s, "shop", "web");
        assert_int_equal(roll->pending.n, 2);
        assert_non_null(strstr(roll->pending.at[1].reason, "update to revision 2, but no place for it: "));
        txns = s->txns;
        sim_new_leader(s);
        sim_pass(s, 5000);
        assert_int_equal(s->txns, txns);
        sim_pass(s, 30000);
        assert_int_equal(s->txns, txns);
        sim_free(s);
    }
}

static void test_rollout__monitor_does_not_delay_the_next_step(void **state)
{
    struct want w = {.replicas = 6};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    sim_settle(s); /* no time passes */
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 6);
    assert_rollout(s, "shop", "web", "updating", 2, NULL);
    sim_pass(s, 5000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* Behaviours 47, 50. */
static void test_rollout__a_bad_image_pauses_and_the_old_version_serves(void **state)
{
    struct want w = {.replicas = 3, .image = "missing"};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "paused", 2, "revision 2 failed: shop.web.");
    assert_rollout(s, "shop", "web", "paused", 2, "no such image: missing");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 3);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 0);
    sim_free(s);
}

/* Behaviour 50. */
static void test_rollout__a_bad_image_of_a_single_replica_brings_the_old_version_back(void **state)
{
    struct want w = {.replicas = 1, .image = "missing"};
    struct sim *s = deployed(1, w);

    update(s, 2, w);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "paused", 2, "no such image");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 1);
    sim_free(s);
}

/* Behaviour 47. */
static void test_rollout__applying_the_same_again_does_nothing_to_a_paused_one(void **state)
{
    struct want w = {.replicas = 3, .image = "sick"};
    struct sim *s = deployed(3, w);
    orc_auto_free char *before = NULL, *after = NULL;

    update(s, 2, w);
    sim_pass(s, 30000);
    before = sim_map(s, "web");
    sim_point(s, "shop", "web", 2);
    sim_pass(s, 30000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_rollout(s, "shop", "web", "paused", 2, "unhealthy: HTTP 503");
    sim_free(s);
}

/* Behaviour 48. */
static void test_rollout__failure_action_rollback_returns_to_the_old_spec(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++) {
        struct want w = {.replicas = 3,
                         .image = "sick",
                         .action = SPEC_ON_FAILURE_ROLLBACK,
                         .order = (enum spec_order)order};
        struct sim *s = deployed(3, w);
        struct seen x;

        update(s, 2, w);
        x = watch(s, 60000);
        assert_int_equal(x.least_available, order == SPEC_START_FIRST ? 3 : 2);
        assert_rollout(s, "shop", "web", "rolled-back", 1, "revision 2 failed: shop.web.");
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 3);
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 0);
        sim_free(s);
    }
}

/* Behaviour 49. */
static void test_rollout__a_failed_rollback_is_not_rolled_back(void **state)
{
    struct want w = {.replicas = 3, .parallelism = 3, .action = SPEC_ON_FAILURE_ROLLBACK};
    struct sim *s = deployed(3, w);
    struct sim_image *i, *next;

    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "missing"); /* meanwhile the old image was deleted, too */
    w.image = "sick";
    update(s, 2, w);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "failed", 1, "the rollback to revision 1 failed, too");
    sim_free(s);
}

static void test_rollout__nothing_to_roll_back_to_is_a_pause(void **state)
{
    struct want w = {.replicas = 2, .image = "missing", .action = SPEC_ON_FAILURE_ROLLBACK};
    struct sim *s = sim_of(2);

    sim_apply(s, "shop", 1, spec(w));
    sim_pass(s, 10000);
    assert_rollout(s, "shop", "web", "paused", 1, "revision 1 failed");
    sim_free(s);
}

static void test_rollout__a_paused_first_deployment_recovers_when_its_image_appears(void **state)
{
    struct want w = {.replicas = 2, .image = "missing"};
    struct sim *s = sim_of(2);
    struct sim_image *i, *next;

    sim_apply(s, "shop", 1, spec(w));
    sim_pass(s, 10000);
    assert_rollout(s, "shop", "web", "paused", 1, "no such image");
    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "good");
    sim_pass(s, 600000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 2);
    sim_free(s);
}

static void test_rollout__continue_goes_on_trying_but_keeps_what_the_policy_promises(void **state)
{
    struct want w = {.replicas = 3, .image = "sick", .action = SPEC_ON_FAILURE_CONTINUE};
    struct sim *s = deployed(3, w);
    int64_t made = sim_attempts(s, "web");
    struct seen x;

    update(s, 2, w);
    x = watch(s, 300000);
    assert_int_equal(x.least_available, 2);
    assert_rollout(s, "shop", "web", "updating", 2, "revision 2 failed");
    assert_in_range(sim_attempts(s, "web") - made, 2, 12); /* with growing pauses */
    sim_free(s);
}

/* Behaviour 51. */
static void test_rollout__what_never_becomes_healthy_fails_at_its_deadline(void **state)
{
    struct want w = {.replicas = 2, .image = "stuck"};
    struct sim *s = deployed(2, w);

    update(s, 2, w);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "updating", 2, NULL);
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "paused", 2, "did not become available in time");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 1);
    sim_free(s);
}

/* Behaviour 73: while it is tried again by the node, it is no failure */
static void test_rollout__a_pull_that_is_tried_again_is_not_a_failure(void **state)
{
    struct want w = {.replicas = 2, .image = "pull"};
    struct sim *s = deployed(2, w);

    update(s, 2, w);
    sim_pass(s, 300000);
    assert_rollout(s, "shop", "web", "updating", 2, NULL);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 1);
    sim_free(s);
}

/* Behaviour 52. */
static void test_rollout__a_new_spec_supersedes_a_running_one(void **state)
{
    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++) {
        struct want w = {.replicas = 4, .order = (enum spec_order)order, .image = "stuck"};
        struct sim *s = deployed(2, w);
        struct seen x;

        update(s, 2, w);
        sim_pass(s, 5000);
        w.image = NULL;
        update(s, 3, w);
        x = watch(s, 60000);
        assert_in_range(x.least_available, order == SPEC_START_FIRST ? 4 : 3, 4);
        assert_rollout(s, "shop", "web", "complete", 3, NULL);
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 3, .available = true}), 4);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 4);
        sim_free(s);
    }
}

/* Behaviour 52. */
static void test_rollout__a_good_spec_supersedes_a_paused_one(void **state)
{
    struct want w = {.replicas = 3, .image = "missing"};
    struct sim *s = deployed(3, w);

    update(s, 2, w);
    sim_pass(s, 30000);
    w.image = NULL;
    update(s, 3, w);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "complete", 3, NULL);
    sim_free(s);
}

/* Behaviour 53. */
static void test_rollout__rolling_back_leaves_replicas_at_that_version_alone(void **state)
{
    struct want w = {.replicas = 3, .image = "stuck"};
    struct sim *s = deployed(3, w);
    char id[3][KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], now[KEY_TASK_MAX + 1];
    int kept = 0;

    for (int i = 0; i < 3; i++)
        assert_true(sim_task_in(s, "web", i, id[i], node));
    update(s, 2, w);
    sim_pass(s, 5000);
    sim_point(s, "shop", "web", 1);
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    for (int i = 0; i < 3; i++) {
        assert_true(sim_task_in(s, "web", i, now, node));
        kept += strcmp(now, id[i]) == 0;
    }
    assert_int_equal(kept, 2);
    sim_free(s);
}

/* Behaviours 54, 55. */
static void test_rollout__a_paused_one_replaces_lost_tasks_at_the_old_version(void **state)
{
    struct want w = {.replicas = 4, .image = "missing"};
    struct sim *s = deployed(4, w);

    update(s, 2, w);
    sim_pass(s, 30000);
    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_rollout(s, "shop", "web", "paused", 2, "no such image");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 4);
    sim_free(s);
}

/* Behaviour 56: drain time-out 30 s, grace 10 s, and our margin of 30 s */
static void test_rollout__one_that_will_not_stop_delays_only_up_to_its_time_out(void **state)
{
    struct want w = {.replicas = 2};
    struct sim *s = deployed(2, w);

    update(s, 2, w);
    sim_decide(s); /* and the nodes never act again */
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 1);
    for (int i = 0; i < 69; i++) {
        s->now += 1000;
        sim_decide(s);
    }
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 0);
    s->now += 2000;
    sim_decide(s);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2}), 1);
    sim_free(s);
}

/* Behaviour 57. */
static void test_rollout__scaling_during_a_rollout_ends_right(void **state)
{
    for (int to = 2; to <= 9; to += 7) {
        struct want w = {.replicas = 5, .delay_ms = 5000};
        struct sim *s = deployed(3, w);

        update(s, 2, w);
        sim_pass(s, 7000);
        sim_scale(s, "shop", "web", to);
        sim_pass(s, 100000);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), to);
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), to);
        sim_free(s);
    }
}

static int slot_of_revision(struct sim *s, int64_t revision)
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next)
        if (sim_task_of(kv) && sim_task_of(kv)->revision == revision && sim_task_of(kv)->desired == TASK_RUN)
            return sim_task_of(kv)->slot;
    fail_msg("no task is of revision %lld", (long long)revision);
    return -1;
}

/* Behaviour 60. */
static void test_rollout__a_failure_after_the_monitor_window_does_not_fail_it(void **state)
{
    struct want w = {.replicas = 4, .delay_ms = 20000, .action = SPEC_ON_FAILURE_ROLLBACK};
    struct sim *s = deployed(2, w);

    update(s, 2, w);
    sim_pass(s, 19000); /* the first of them has run for longer than it is watched */
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 1);
    sim_sicken(s, "web", slot_of_revision(s, 2));
    sim_pass(s, 200000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

static void test_rollout__a_failure_within_the_monitor_window_fails_it(void **state)
{
    struct want w = {.replicas = 1};
    struct sim *s = deployed(2, w);

    update(s, 2, w);
    sim_pass(s, 3000);
    sim_sicken(s, "web", 0);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "paused", 2, "is unhealthy: HTTP 503 after 2 ms");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 1);
    sim_free(s);
}

/* Behaviour 67. */
static void test_rollout__a_crash_at_start_without_a_check_is_caught(void **state)
{
    struct want w = {.replicas = 2, .image = "crash", .no_health = true, .action = SPEC_ON_FAILURE_ROLLBACK};
    struct sim *s = deployed(2, w);

    update(s, 2, w);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "rolled-back", 1, "crashed: exit code");
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 2);
    sim_free(s);
}

/* What never ran has no exit code: its node's reason is told. */
static void test_rollout__what_cannot_be_started_says_why(void **state)
{
    struct want w = {.replicas = 1, .image = "stuck", .no_health = true};
    struct sim *s = deployed(2, w);
    struct record_status st = {0};
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    update(s, 2, w);
    sim_pass(s, 1000);
    assert_true(sim_task_in(s, "web", 0, id, node));
    assert_true(sim_status_copy(s, node, id, &st));
    st.restarts = 1;
    orc_set_str(&st.reason, "exec: \"/nope\": no such file or directory; next start in 1s");
    sim_status(s, node, id, &st);
    record_status_release(&st);
    sim_settle(s);
    assert_rollout(s, "shop", "web", "paused", 2, "can't be started: exec: \"/nope\": no such file");
    sim_free(s);
}

static void test_rollout__without_a_check_the_first_deployment_is_watched_too(void **state)
{
    struct want w = {.replicas = 2, .no_health = true};
    struct sim *s = sim_of(2);

    sim_apply(s, "shop", 1, spec(w));
    sim_settle(s);
    assert_rollout(s, "shop", "web", "updating", 1, NULL);
    sim_pass(s, 5000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_rollout__with_a_check_the_first_deployment_is_complete_when_healthy(void **state)
{
    struct sim *s = sim_of(2);

    sim_apply(s, "shop", 1, spec((struct want){.replicas = 2}));
    sim_settle(s);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

static void test_rollout__start_first_without_room_falls_back_and_says_so(void **state)
{
    struct want w = {.replicas = 2, .order = SPEC_START_FIRST, .memory_mib = 5000};
    struct sim *s = deployed(2, w);
    bool said = false;

    update(s, 2, w);
    for (int i = 0; i < 20; i++) {
        orc_auto_free char *text = sim_step(s);

        said = said || strstr(text, "start-first has no room, so slot 0 is stopped first: 0 of 2 nodes fit");
        sim_act(s);
    }
    assert_true(said);
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 2);
    sim_free(s);
}

/* Behaviours 15, 17. */
static void test_rollout__a_version_that_fits_nowhere_stops_nothing(void **state)
{
    struct want w = {.replicas = 2};
    struct sim *s = deployed(2, w);
    const struct record_rollout *r;

    w.memory_mib = 900000;
    update(s, 2, w);
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 2);
    r = sim_rollout(s, "shop", "web");
    assert_non_null(
        strstr(r->pending.at[0].reason, "but no place for it: 0 of 2 nodes fit: k1 memory: needs "));
    sim_free(s);
}

static void test_rollout__a_restart_replaces_every_task_rolling(void **state)
{
    struct want w = {.replicas = 3};
    struct sim *s = deployed(3, w);
    int64_t made = sim_attempts(s, "web");
    struct seen x;

    sim_restart(s, "shop", "web", 1);
    x = watch(s, 30000);
    assert_int_equal(x.least_available, 2);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_int_equal(sim_attempts(s, "web"), made + 3);
    sim_free(s);
}

static void test_rollout__a_restart_tries_a_paused_version_again(void **state)
{
    struct want w = {.replicas = 2, .image = "missing"};
    struct sim *s = deployed(2, w);
    struct sim_image *i, *next;

    update(s, 2, w);
    sim_pass(s, 10000);
    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "good");
    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    sim_free(s);
}

/* Behaviour 59. */
static void test_rollout__a_new_leader_goes_on_where_the_old_one_was(void **state)
{
    for (int at = 0; at < 12; at++) {
        struct want w = {.replicas = 3, .order = at % 2 ? SPEC_START_FIRST : SPEC_STOP_FIRST};
        struct sim *s = deployed(3, w);

        update(s, 2, w);
        for (int i = 0; i < at; i++) {
            free(sim_step(s));
            sim_act(s);
        }
        sim_new_leader(s);
        sim_pass(s, 30000);
        assert_rollout(s, "shop", "web", "complete", 2, NULL);
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), 3);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 3);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rollout__stop_first_changes_parallelism_at_once_and_never_exceeds_the_count),
        cmocka_unit_test(test_rollout__start_first_is_never_below_the_count),
        cmocka_unit_test(test_rollout__parallelism_zero_is_all_at_once),
        cmocka_unit_test(test_rollout__the_delay_passes_between_batches),
        cmocka_unit_test(test_rollout__a_refused_batch_costs_no_delay),
        cmocka_unit_test(test_rollout__what_has_no_place_says_so_also_between_batches),
        cmocka_unit_test(test_rollout__monitor_does_not_delay_the_next_step),
        cmocka_unit_test(test_rollout__a_bad_image_pauses_and_the_old_version_serves),
        cmocka_unit_test(test_rollout__a_bad_image_of_a_single_replica_brings_the_old_version_back),
        cmocka_unit_test(test_rollout__applying_the_same_again_does_nothing_to_a_paused_one),
        cmocka_unit_test(test_rollout__failure_action_rollback_returns_to_the_old_spec),
        cmocka_unit_test(test_rollout__a_failed_rollback_is_not_rolled_back),
        cmocka_unit_test(test_rollout__nothing_to_roll_back_to_is_a_pause),
        cmocka_unit_test(test_rollout__a_paused_first_deployment_recovers_when_its_image_appears),
        cmocka_unit_test(test_rollout__continue_goes_on_trying_but_keeps_what_the_policy_promises),
        cmocka_unit_test(test_rollout__what_never_becomes_healthy_fails_at_its_deadline),
        cmocka_unit_test(test_rollout__a_pull_that_is_tried_again_is_not_a_failure),
        cmocka_unit_test(test_rollout__a_new_spec_supersedes_a_running_one),
        cmocka_unit_test(test_rollout__a_good_spec_supersedes_a_paused_one),
        cmocka_unit_test(test_rollout__rolling_back_leaves_replicas_at_that_version_alone),
        cmocka_unit_test(test_rollout__a_paused_one_replaces_lost_tasks_at_the_old_version),
        cmocka_unit_test(test_rollout__one_that_will_not_stop_delays_only_up_to_its_time_out),
        cmocka_unit_test(test_rollout__scaling_during_a_rollout_ends_right),
        cmocka_unit_test(test_rollout__a_failure_after_the_monitor_window_does_not_fail_it),
        cmocka_unit_test(test_rollout__a_failure_within_the_monitor_window_fails_it),
        cmocka_unit_test(test_rollout__a_crash_at_start_without_a_check_is_caught),
        cmocka_unit_test(test_rollout__what_cannot_be_started_says_why),
        cmocka_unit_test(test_rollout__without_a_check_the_first_deployment_is_watched_too),
        cmocka_unit_test(test_rollout__with_a_check_the_first_deployment_is_complete_when_healthy),
        cmocka_unit_test(test_rollout__start_first_without_room_falls_back_and_says_so),
        cmocka_unit_test(test_rollout__a_version_that_fits_nowhere_stops_nothing),
        cmocka_unit_test(test_rollout__a_restart_replaces_every_task_rolling),
        cmocka_unit_test(test_rollout__a_restart_tries_a_paused_version_again),
        cmocka_unit_test(test_rollout__a_new_leader_goes_on_where_the_old_one_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
