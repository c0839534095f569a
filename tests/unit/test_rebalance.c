/* Replicas that are moved to better places: the fewest, the new one first, and never by surprise. */
#include "tests/unit/rebalance_cluster.h"

/* ---- asked for */

static void test_rebalance__nothing_moves_by_surprise(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 2, .replicas = 6});

    join_in(s, "a");
    sim_pass(s, 4 * AFTER_MS);
    assert_counts(s, "3 3 0");
    sim_free(s);
}

static void test_rebalance__asked_for_it_moves_the_fewest_the_new_one_first(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 2, .replicas = 6});
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;
    const struct record_rollout *r;
    struct watch w;

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    s->slow = 3;
    w = pass(s, 60000);
    s->slow = 0;
    sim_pass(s, 60000);
    assert_counts(s, "2 2 2");
    after = sim_map(s, "web");
    assert_int_equal(moved(before, after), 2);
    assert_int_equal(w.least_available, 6); /* also of a service that is updated stop-first */
    assert_int_equal(w.most_doubled, 1);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    r = sim_rollout(s, "shop", "web");
    assert_int_equal(r->rebalance_epoch, 1);
    assert_int_equal(r->rebalance_left, 0);
    assert_int_equal(r->rebalance_moved, 2);
    assert_null(r->rebalance_end);
    sim_free(s);
}

static void test_rebalance__the_record_says_what_moves_and_why(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 3});
    orc_auto_free char *text = NULL;

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    text = sim_step(s);
    assert_non_null(strstr(text, "create shop.web.2."));
    assert_non_null(strstr(text, " on k2 "));
    assert_non_null(strstr(text, ": rebalance: k1 has 3 of its replicas, k2 has 0"));
    assert_rollout(s, "shop", "web", "healing", 1, "rebalanced, 1 of its replicas so far: slot 2 leaves k1");
    sim_free(s);
}

static void test_rebalance__a_balanced_service_is_left_alone(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 3, .replicas = 7});
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_epoch, 1);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_left, 0);
    sim_free(s);
}

static void test_rebalance__no_more_than_asked_for(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 6});

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 2);
    sim_pass(s, 60000);
    assert_counts(s, "4 2");
    sim_rebalance(s, "shop", "web", 5);
    sim_pass(s, 60000);
    assert_counts(s, "3 3");
    sim_free(s);
}

static void test_rebalance__at_most_parallelism_at_once_and_with_the_delay_between(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 8, .parallelism = 2});
    struct watch w;

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    s->slow = 3;
    w = pass(s, 60000);
    assert_int_equal(w.most_doubled, 2);
    assert_int_equal(w.least_available, 8);
    assert_counts(s, "4 4");
    sim_free(s);

    s = deployed(&(struct setup){.nodes = 1, .replicas = 6, .delay_ms = 30000});
    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 25000);
    assert_counts(s, "5 1");
    sim_pass(s, 30000);
    assert_counts(s, "4 2");
    sim_free(s);
}

static void test_rebalance__it_waits_until_all_else_is_done(void **state)
{
    struct setup u = {.nodes = 2, .replicas = 4, .parallelism = 1};
    struct sim *s = deployed(&u);

    join_in(s, "a");
    sim_sicken(s, "web", 0);
    sim_rebalance(s, "shop", "web", 0);
    s->slow = 1000000; /* nobody does anything */
    pass(s, 5000);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_moved, 0);
    s->slow = 0;
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* ---- what is never moved */

static void test_rebalance__what_stays_with_its_data_or_its_node_is_not_moved(void **state)
{
    const struct setup all[] = {{.nodes = 1, .replicas = 4, .volume = true, .is_auto = true},
                                {.nodes = 1, .global = true, .is_auto = true}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(all); i++) {
        struct sim *s = deployed(&all[i]);
        int there = on(s, 1);

        join_in(s, "a");
        sim_rebalance(s, "shop", "web", 0);
        sim_pass(s, 3 * AFTER_MS);
        assert_int_equal(on(s, 1), there);
        assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_left, 0);
        sim_free(s);
    }
}

static void test_rebalance__filters_hold(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 4, .only = "a"});

    join_in(s, "b");
    join_in(s, "a");
    sim_policy(s, "k3", true, false);
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_counts(s, "4 0 0");
    sim_policy(s, "k3", false, false);
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_counts(s, "2 0 2");
    sim_free(s);
}

static void test_rebalance__a_node_without_room_gets_what_fits(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 6, .memory_mib = 150});
    struct spec_service *w = sim_spec("other", 1, "good");

    join_in(s, "a");
    sim_policy(s, "k1", true, false);
    w->limits.memory = 800 * SIM_MIB;
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 20000);
    sim_policy(s, "k1", false, false);
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_counts(s, "5 1");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* ---- preferences, packing */

static void test_rebalance__zones_come_before_nodes(void **state)
{
    struct sim *s = sim_new();

    join_in(s, "a");
    join_in(s, "a");
    sim_apply(s, "shop", 1, spec(&(struct setup){.replicas = 6, .zones = true}, "good"));
    sim_pass(s, 70000);
    assert_counts(s, "3 3");
    join_in(s, "b");
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_counts(s, "2 1 3"); /* half of them in each zone: three moves */
    join_in(s, "b");
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_counts(s, "2 1 2 1");
    sim_free(s);
}

static void test_rebalance__packing_leaves_a_server_that_is_not_needed(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 2, .replicas = 10, .memory_mib = 200, .packed = true});
    int on_1 = on(s, 1), on_2 = on(s, 2);

    assert_int_equal(on_1, 5);
    assert_int_equal(on_2, 5);
    sim_scale(s, "shop", "web", 6); /* one server has room for five */
    sim_pass(s, 60000);
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_moved, 0);
    sim_scale(s, "shop", "web", 5);
    sim_pass(s, 60000);
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_true(on(s, 1) == 0 || on(s, 2) == 0);
    sim_free(s);
}

/* k1 was away: what it had is on k2 beside what k2 had; two half-full servers become one. */
static void test_rebalance__packing_moves_what_keeps_a_server_in_use(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 2, .replicas = 3, .memory_mib = 200, .packed = true});
    const char *full = on(s, 1) ? "k1" : "k2";

    sim_policy(s, full, true, false);
    sim_scale(s, "shop", "web", 5);
    sim_pass(s, 60000);
    sim_policy(s, full, false, false);
    assert_true(on(s, 1) && on(s, 2));
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_true(on(s, 1) == 5 || on(s, 2) == 5);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_moved, 2);
    sim_free(s);
}

/* A server on which nothing but a job runs is not in use: it is empty soon (the simulation's seed 1452432, in
 * which replicas followed the tasks of a job about). */
static void test_rebalance__packing_does_not_follow_jobs(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 2, .replicas = 2, .memory_mib = 200, .packed = true});
    struct spec_service *job = spec(&(struct setup){.replicas = 1, .only = on(s, 1) ? "b" : "a"}, "good");

    orc_set_str(&job->name, "job");
    job->job = true;
    job->restart = SPEC_RESTART_NO;
    job->health.kind = SPEC_HEALTH_NONE;
    assert_true(on(s, 1) == 2 || on(s, 2) == 2);
    sim_apply(s, "night", 1, job);
    sim_pass(s, 10000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "job"}), 1);
    sim_rebalance(s, "shop", "web", 0);
    sim_pass(s, 60000);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_moved, 0);
    sim_free(s);
}

/* Of a single one that is stopped first there may not be two. */
static void test_rebalance__a_single_one_that_is_stopped_first_is_never_doubled(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct setup u = {.nodes = 2, .replicas = 1, .packed = true, .memory_mib = 100};
        struct sim *s;
        struct watch w;
        const char *empty;

        u.order = i ? SPEC_START_FIRST : SPEC_STOP_FIRST;
        s = deployed(&u);
        empty = on(s, 1) ? "k2" : "k1";
        sim_policy(s, on(s, 1) ? "k1" : "k2", true, false);
        sim_apply(s, "shop", 1, sim_spec("other", 1, "good")); /* so that the other server is in use */
        sim_pass(s, 20000);
        sim_policy(s, on(s, 1) ? "k1" : "k2", false, false);
        sim_rebalance(s, "shop", "web", 0);
        s->slow = 3;
        w = pass(s, 60000);
        assert_int_equal(w.most_doubled, i);
        assert_int_equal(w.least_available, i);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = empty}), 1);
        sim_free(s);
    }
}

/* ---- what goes wrong on the way */

static void test_rebalance__a_replica_that_fails_there_stays_where_it_is(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 4, .parallelism = 1});
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL, *text = NULL, *events = NULL;
    char id[KEY_TASK_MAX + 1];
    struct record_status st = {.state = TASK_FAILED, .exit_code = 1};

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    text = sim_step(s);
    snprintf(id, sizeof id, "shop.web.3.%lld", (long long)sim_attempts(s, "web"));
    sim_status(s, "k2", id, &st);
    sim_pass(s, 4 * AFTER_MS);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->rebalance_end, "on k2 failed: exit code 1"));
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_left, 0);
    assert_int_equal(sim_available(s, "web"), 4);
    events = sim_events(s, "rollout");
    assert_non_null(strstr(events, "the rebalance ends after 1 replica: shop.web.3."));
    assert_non_null(strstr(events, "on k2 failed: exit code 1"));
    sim_apply(s, "shop", 2, spec(&(struct setup){.nodes = 1, .replicas = 4, .parallelism = 1}, "good2"));
    sim_pass(s, 60000);
    assert_null(sim_rollout(s, "shop", "web")->rebalance_end); /* of a version that is gone */
    sim_free(s);
}

static void test_rebalance__one_that_never_becomes_available_is_given_up(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 4});
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    s->slow = 1000000;
    for (int i = 0; i < 800; i++) {
        free(sim_step(s));
        s->now += 1000;
    }
    s->slow = 0;
    sim_pass(s, 60000);
    after = sim_map(s, "web");
    assert_string_equal(before, after);
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->rebalance_end, "did not become available in time"));
    sim_free(s);
}

static void test_rebalance__the_node_it_goes_to_may_die(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 2, .replicas = 8, .parallelism = 2});
    struct watch w;

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    s->slow = 3;
    free(sim_step(s));
    sim_alive(s, "k3", false);
    w = pass(s, 30000);
    assert_int_equal(w.least_available, 8);
    s->slow = 0;
    sim_pass(s, 60000);
    assert_counts(s, "4 4 0");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* Its engine is started anew, and the originals with it: they serve again before anybody knows of the new
 * ones (the simulation's seed 1137234). */
static void test_rebalance__an_original_that_restarts_outlives_a_node_that_is_silent(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 4, .parallelism = 4});
    struct sim_kv *kv, *next;

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    s->slow = 3;
    free(sim_step(s));
    assert_true(sim_count(s, (struct sim_want){.node = "k2"}) > 0);
    sim_alive(s, "k2", false);
    HASH_ITER (hh, s->kvs, kv, next) {
        struct record_status st = {0};

        if (!sim_task_of(kv) || strcmp(kv->parsed.node, "k1") != 0)
            continue;
        assert_true(sim_status_copy(s, "k1", kv->parsed.task, &st));
        st.state = TASK_STARTING;
        st.health = TASK_UNKNOWN;
        sim_status(s, "k1", kv->parsed.task, &st);
        record_status_release(&st);
    }
    free(sim_step(s));
    assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
    s->slow = 0;
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_int_equal(sim_available(s, "web"), 4);
    sim_free(s);
}

static void test_rebalance__another_leader_goes_on_with_it(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 8, .parallelism = 1});
    orc_auto_free char *before = sim_map(s, "web"), *after = NULL;

    join_in(s, "a");
    sim_rebalance(s, "shop", "web", 0);
    s->slow = 3;
    for (int i = 0; i < 300; i++) {
        free(sim_step(s));
        sim_act(s);
        assert_in_range(sim_available(s, "web"), 8, 9);
        s->now += 100;
        if (i % 3 == 0)
            sim_new_leader(s);
    }
    s->slow = 0;
    sim_pass(s, 60000);
    after = sim_map(s, "web");
    assert_counts(s, "4 4");
    assert_int_equal(moved(before, after), 4);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_moved, 4);
    sim_free(s);
}

enum amid { AN_UPDATE, A_SCALE_DOWN, A_DRAIN, A_RESTART, A_REMOVAL, AMIDST };

static void test_rebalance__whatever_comes_amid_it_comes_to_its_end(void **state)
{
    for (enum amid what = 0; what < AMIDST; what++) {
        struct setup u = {.nodes = 2, .replicas = 8, .parallelism = 2};
        struct sim *s = deployed(&u);

        join_in(s, "a");
        sim_rebalance(s, "shop", "web", 0);
        s->slow = 4;
        pass(s, 300);
        if (what == AN_UPDATE)
            sim_apply(s, "shop", 2, spec(&u, "better"));
        else if (what == A_SCALE_DOWN)
            sim_scale(s, "shop", "web", 3);
        else if (what == A_DRAIN)
            sim_policy(s, "k3", true, true);
        else if (what == A_RESTART)
            sim_restart(s, "shop", "web", 1); /* takes the wish back, too: the intent is one key */
        else
            sim_rm(s, "shop");
        pass(s, 60000);
        s->slow = 0;
        sim_pass(s, 60000);
        assert_int_equal(doubled(s), 0);
        if (what == A_REMOVAL) {
            assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 0);
        } else {
            assert_int_equal(sim_rollout(s, "shop", "web")->state, ROLLOUT_COMPLETE);
            assert_int_equal(sim_rollout(s, "shop", "web")->moving.n, 0);
            assert_int_equal(sim_available(s, "web"), what == A_SCALE_DOWN ? 3 : 8);
        }
        sim_free(s);
    }
}

/* ---- by itself */

static void test_rebalance__by_itself_only_after_a_while_of_quiet(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 2, .replicas = 6, .is_auto = true});

    join_in(s, "a");
    sim_pass(s, AFTER_MS - 10000);
    assert_counts(s, "3 3 0");
    sim_pass(s, 60000);
    assert_counts(s, "2 2 2");
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    assert_int_equal(sim_rollout(s, "shop", "web")->rebalance_moved, 2);
    sim_pass(s, AFTER_MS);
    assert_int_equal(core_next(s->core), 0);
    sim_free(s);
}

/* A node that comes and goes is not followed. */
static void test_rebalance__a_node_that_flaps_moves_nothing_to_it(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 2, .replicas = 6, .is_auto = true});
    int64_t attempts;

    join_in(s, "a");
    attempts = sim_attempts(s, "web");
    for (int i = 0; i < 10; i++) {
        sim_pass(s, AFTER_MS / 2);
        sim_alive(s, "k3", i % 2);
    }
    assert_counts(s, "3 3 0");
    assert_int_equal(sim_attempts(s, "web"), attempts);
    sim_pass(s, AFTER_MS + 10000);
    assert_counts(s, "2 2 2");
    sim_free(s);
}

static void test_rebalance__room_that_comes_later_is_used(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 4, .memory_mib = 200, .is_auto = true});
    struct spec_service *w = sim_spec("other", 1, "good");

    join_in(s, "a");
    sim_policy(s, "k1", true, false);
    w->limits.memory = 900 * SIM_MIB;
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 20000);
    sim_policy(s, "k1", false, false);
    sim_pass(s, 2 * AFTER_MS);
    assert_counts(s, "4 0");
    sim_scale(s, "shop", "other", 0);
    sim_pass(s, 60000);
    assert_counts(s, "2 2");
    sim_free(s);
}

static void test_rebalance__what_failed_there_is_not_tried_again_and_again(void **state)
{
    struct sim *s = deployed(&(struct setup){.nodes = 1, .replicas = 4, .is_auto = true});
    int64_t attempts = sim_attempts(s, "web");

    join_in(s, "a");
    for (int i = 0; i < 4 * AFTER_MS / 1000; i++) {
        char id[KEY_TASK_MAX + 1];
        struct record_status st = {.state = TASK_FAILED, .exit_code = 1};

        free(sim_step(s));
        for (int64_t a = attempts; a <= sim_attempts(s, "web"); a++) {
            orc_auto_free char *key = NULL;

            snprintf(id, sizeof id, "shop.web.3.%lld", (long long)a);
            key = key_task(SIM_CLUSTER, "k2", id);
            if (sim_find(s, key) && sim_task_of(sim_find(s, key))->desired == TASK_RUN)
                sim_status(s, "k2", id, &st);
        }
        sim_act(s);
        s->now += 1000;
    }
    assert_in_range(sim_attempts(s, "web"), attempts + 2, attempts + 4); /* one each time of quiet */
    assert_int_equal(sim_available(s, "web"), 4);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebalance__nothing_moves_by_surprise),
        cmocka_unit_test(test_rebalance__asked_for_it_moves_the_fewest_the_new_one_first),
        cmocka_unit_test(test_rebalance__the_record_says_what_moves_and_why),
        cmocka_unit_test(test_rebalance__a_balanced_service_is_left_alone),
        cmocka_unit_test(test_rebalance__no_more_than_asked_for),
        cmocka_unit_test(test_rebalance__at_most_parallelism_at_once_and_with_the_delay_between),
        cmocka_unit_test(test_rebalance__it_waits_until_all_else_is_done),
        cmocka_unit_test(test_rebalance__what_stays_with_its_data_or_its_node_is_not_moved),
        cmocka_unit_test(test_rebalance__filters_hold),
        cmocka_unit_test(test_rebalance__a_node_without_room_gets_what_fits),
        cmocka_unit_test(test_rebalance__zones_come_before_nodes),
        cmocka_unit_test(test_rebalance__packing_leaves_a_server_that_is_not_needed),
        cmocka_unit_test(test_rebalance__packing_moves_what_keeps_a_server_in_use),
        cmocka_unit_test(test_rebalance__packing_does_not_follow_jobs),
        cmocka_unit_test(test_rebalance__a_single_one_that_is_stopped_first_is_never_doubled),
        cmocka_unit_test(test_rebalance__a_replica_that_fails_there_stays_where_it_is),
        cmocka_unit_test(test_rebalance__one_that_never_becomes_available_is_given_up),
        cmocka_unit_test(test_rebalance__the_node_it_goes_to_may_die),
        cmocka_unit_test(test_rebalance__an_original_that_restarts_outlives_a_node_that_is_silent),
        cmocka_unit_test(test_rebalance__another_leader_goes_on_with_it),
        cmocka_unit_test(test_rebalance__whatever_comes_amid_it_comes_to_its_end),
        cmocka_unit_test(test_rebalance__by_itself_only_after_a_while_of_quiet),
        cmocka_unit_test(test_rebalance__a_node_that_flaps_moves_nothing_to_it),
        cmocka_unit_test(test_rebalance__room_that_comes_later_is_used),
        cmocka_unit_test(test_rebalance__what_failed_there_is_not_tried_again_and_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
