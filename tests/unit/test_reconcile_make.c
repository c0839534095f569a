/* scheduler/reconcile_ops: what a task that is made says of itself - why, the how-manieth try, how often its
 * slot was restarted, of which version - and where it may be made.
 */
#include "scheduler/model.h"

#include "tests/sim/sim.h"

/* The task that shall run in the slot; there is one. */
static const struct record_task *in_slot(struct sim *s, const char *service, int slot)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *key = NULL;

    assert_true(sim_task_in(s, service, slot, id, node));
    key = key_task(SIM_CLUSTER, node, id);
    return sim_task_of(sim_find(s, key));
}

static bool is_on(struct sim *s, const char *service, int slot, const char *node)
{
    char id[KEY_TASK_MAX + 1], at[KEY_NAME_MAX + 1];

    return sim_task_in(s, service, slot, id, at) && strcmp(at, node) == 0;
}

static void assert_reason(struct sim *s, int slot, const char *want)
{
    const char *is = in_slot(s, "web", slot)->reason;

    if (strncmp(is, want, strlen(want)) != 0)
        fail_msg("slot %d: \"%s\", not \"%s\"", slot, is, want);
}

/* ---- why it was made */

static void test_make__what_it_is_for_is_said(void **state)
{
    struct spec_service *w = sim_spec("web", 2, "good");
    struct sim *s = sim_of(3);

    sim_apply(s, "shop", 1, w);
    sim_pass(s, 120000);
    assert_reason(s, 0, "first deployment");
    assert_reason(s, 1, "first deployment");
    sim_scale(s, "shop", "web", 3);
    sim_settle(s);
    assert_reason(s, 2, "a slot to fill");
    sim_scale(s, "shop", "web", 2);
    sim_settle(s);
    sim_scale(s, "shop", "web", 3); /* its former task is still on record */
    sim_settle(s);
    assert_reason(s, 2, "replaces shop.web.2.");
    assert_non_null(strstr(in_slot(s, "web", 2)->reason, ": scaled down to 2"));
    sim_scale(s, "shop", "web", 2);
    sim_pass(s, 120000);
    sim_scale(s, "shop", "web", 3);
    sim_settle(s);
    assert_reason(s, 2, "a slot to fill");
    sim_free(s);
}

static void test_make__whom_it_replaces_and_why_is_said(void **state)
{
    static const struct {
        enum task_state state;
        enum task_health health;
        const char *says;
    } cases[] = {{TASK_RUNNING, TASK_UNHEALTHY, "replaces shop.web.1."},
                 {TASK_FAILED, TASK_UNKNOWN, "replaces shop.web.1."}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct sim *s = sim_running(3, sim_spec("web", 2, "good"));
        char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
        orc_auto_free char *want = NULL;

        assert_true(sim_task_in(s, "web", 1, id, node));
        want = orc_printf("replaces %s: ", id);
        sim_turn(s, "web", 1, cases[i].state, cases[i].health, NULL);
        sim_settle(s);
        assert_reason(s, 1, want);
        assert_int_equal(strncmp(want, cases[i].says, strlen(cases[i].says)), 0);
        assert_reason(s, 0, "first deployment");
        sim_free(s);
    }
}

/* ---- which try it is */

/* Numbers rise, over slots, versions, leaders and refusals, and none is used twice. */
static void test_make__every_try_has_a_number_of_its_own(void **state)
{
    struct sim *s = sim_running(3, sim_spec("web", 3, "good"));
    int64_t highest = 0;

    for (int round = 0; round < 12; round++) {
        int64_t before = highest;
        struct sim_kv *kv, *next;

        if (round % 4 == 0)
            sim_restart(s, "shop", "web", round + 1);
        else if (round % 4 == 1)
            sim_sicken(s, "web", round % 3);
        else if (round % 4 == 2)
            sim_scale(s, "shop", "web", 3 + round % 3);
        else
            sim_new_leader(s);
        s->refuse = true; /* what was not written was no try */
        free(sim_step(s));
        s->refuse = false;
        sim_pass(s, 200000);
        HASH_ITER (hh, s->kvs, kv, next) {
            const struct record_task *a = sim_task_of(kv);
            const struct sim_kv *other;

            if (!a)
                continue;
            highest = a->attempt > highest ? a->attempt : highest;
            for (other = s->kvs; other; other = other->hh.next)
                assert_true(other == kv || !sim_task_of(other) || sim_task_of(other)->attempt != a->attempt);
        }
        assert_true(highest >= before);
        assert_true(sim_attempts(s, "web") >= highest);
    }
    sim_free(s);
}

/* ---- how often its slot was restarted */

/* One more with each failure; none with what people want; from nothing with another version or another
 * restart. */
static void test_make__failures_of_its_slot_are_counted(void **state)
{
    struct sim *s = sim_running(4, sim_spec("web", 3, "good"));

    for (int n = 1; n <= 4; n++) {
        sim_turn(s, "web", 1, n % 2 ? TASK_RUNNING : TASK_FAILED, n % 2 ? TASK_UNHEALTHY : TASK_UNKNOWN,
                 NULL);
        sim_pass(s, 400000);
        assert_int_equal(in_slot(s, "web", 1)->restarts, n);
        assert_int_equal(in_slot(s, "web", 0)->restarts, 0);
    }
    for (int k = 1; k <= 4; k++) { /* away from wherever it is, and back in */
        orc_auto_free char *name = orc_printf("k%d", k);

        sim_policy(s, name, true, true);
        sim_pass(s, 100000);
        sim_policy(s, name, false, false);
        sim_pass(s, 1000);
    }
    assert_int_equal(in_slot(s, "web", 1)->restarts, 4);
    sim_restart(s, "shop", "web", 1);
    sim_pass(s, 200000);
    assert_int_equal(in_slot(s, "web", 1)->restarts, 0);
    sim_sicken(s, "web", 1);
    sim_pass(s, 200000);
    assert_int_equal(in_slot(s, "web", 1)->restarts, 1);
    sim_apply(s, "shop", 2, sim_spec("web", 3, "better"));
    sim_pass(s, 200000);
    assert_int_equal(in_slot(s, "web", 1)->revision, 2);
    assert_int_equal(in_slot(s, "web", 1)->restarts, 0);
    sim_free(s);
}

/* Lost with its node it has not failed. */
static void test_make__a_lost_node_is_no_failure_of_the_slot(void **state)
{
    struct sim *s = sim_running(3, sim_spec("web", 3, "good"));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    sim_sicken(s, "web", 2);
    sim_pass(s, 400000);
    assert_int_equal(in_slot(s, "web", 2)->restarts, 1);
    assert_true(sim_task_in(s, "web", 2, id, node));
    sim_alive(s, node, false);
    sim_pass(s, 60000);
    assert_false(is_on(s, "web", 2, node));
    assert_int_equal(in_slot(s, "web", 2)->restarts, 1);
    sim_free(s);
}

/* ---- where its data is */

static struct spec_service *with_volume(int replicas, const char *image, enum spec_mount_kind kind,
                                        bool read_only)
{
    struct spec_service *w = sim_spec("web", replicas, image);

    orc_vec_push(&w->mounts,
                 ((struct spec_mount){.kind = kind,
                                      .source = orc_strdup(kind == SPEC_MOUNT_VOLUME ? "data" : "/srv"),
                                      .target = orc_strdup("/data"),
                                      .read_only = read_only}));
    return w;
}

/* A slot that writes to a named volume goes back to where it was, though another node is emptier; others
 * don't. */
static void test_make__a_slot_goes_back_to_its_data(void **state)
{
    static const struct {
        enum spec_mount_kind kind;
        bool read_only, stays;
    } cases[] = {
        {SPEC_MOUNT_VOLUME, false, true}, {SPEC_MOUNT_VOLUME, true, true}, {SPEC_MOUNT_BIND, false, false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct sim *s = sim_of(1);

        sim_apply(s, "shop", 1, with_volume(1, "good", cases[i].kind, cases[i].read_only));
        sim_pass(s, 60000);
        assert_true(is_on(s, "web", 0, "k1"));
        sim_apply(s, "shop", 1, sim_spec("crowd", 6, "good"));
        sim_pass(s, 60000);
        sim_node(s, 8, 8000);
        sim_scale(s, "shop", "web", 0);
        sim_pass(s, 10000);
        sim_scale(s, "shop", "web", 1);
        sim_pass(s, 10000);
        assert_int_equal(is_on(s, "web", 0, "k1"), cases[i].stays);
        sim_free(s);
    }
}

/* A node that is no more - neither its record nor its heartbeat is there - holds nobody; one of both is
 * enough. */
static void test_make__data_on_a_node_that_is_no_more_hold_nobody(void **state)
{
    for (int what = 0; what < 4; what++) {
        bool record = what & 1, alive = what & 2;
        struct sim *s = sim_of(1);

        sim_apply(s, "shop", 1, with_volume(1, "good", SPEC_MOUNT_VOLUME, false));
        sim_pass(s, 60000);
        sim_node(s, 8, 8000);
        sim_node(s, 8, 8000);
        if (!record)
            sim_del(s, key_node(SIM_CLUSTER, "k1"));
        if (!alive)
            sim_alive(s, "k1", false);
        sim_turn(s, "web", 0, TASK_FAILED, TASK_UNKNOWN, NULL);
        sim_pass(s, 8000);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k2"}) +
                             sim_count(s, (struct sim_want){.service = "web", .node = "k3"}),
                         !record && !alive);
        sim_free(s);
    }
}

/* Another version without the volume is free to go; one that brings a volume in has no data yet. */
static void test_make__only_a_version_with_a_volume_is_held_by_it(void **state)
{
    for (int had = 0; had < 2; had++)
        for (int has = 0; has < 2; has++) {
            struct sim *s = sim_of(1);

            sim_apply(s, "shop", 1,
                      had ? with_volume(1, "good", SPEC_MOUNT_VOLUME, false) : sim_spec("web", 1, "good"));
            sim_pass(s, 60000);
            sim_apply(s, "shop", 1, sim_spec("crowd", 6, "good"));
            sim_pass(s, 60000);
            sim_node(s, 8, 8000);
            sim_scale(s, "shop", "web", 0);
            sim_pass(s, 10000);
            sim_apply(s, "shop", 2,
                      has ? with_volume(1, "better", SPEC_MOUNT_VOLUME, false)
                          : sim_spec("web", 1, "better"));
            sim_scale(s, "shop", "web", 1);
            sim_pass(s, 30000);
            assert_int_equal(in_slot(s, "web", 0)->revision, 2);
            assert_int_equal(is_on(s, "web", 0, "k1"), had && has);
            sim_free(s);
        }
}

/* ---- of which version, within its own limits */

/* A paused update's old version is made by its own rules: as many on a node as it says, whatever the new one
 * says. */
static void test_make__the_old_version_keeps_its_limit_per_node(void **state)
{
    for (int limited = 0; limited < 2; limited++) {
        struct spec_service *w = sim_spec("web", 3, "good"), *bad = sim_spec("web", 3, "missing");
        struct sim *s;

        w->max_per_node = limited ? 1 : 0;
        bad->update.failure_action = SPEC_ON_FAILURE_PAUSE;
        s = sim_running(3, w);
        sim_apply(s, "shop", 2, bad);
        sim_pass(s, 300000);
        assert_string_equal(rollout_state_name(sim_rollout(s, "shop", "web")->state), "paused");
        sim_scale(s, "shop", "web", 5);
        sim_pass(s, 60000);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .revision = 1, .available = true}),
                         limited ? 3 : 5);
        for (int k = 1; k <= 3; k++) {
            orc_auto_free char *name = orc_printf("k%d", k);

            if (limited)
                assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = name}), 1);
        }
        if (limited)
            assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, 2);
        sim_free(s);
    }
}

/* What does not fit is refused for all alike, and yet one's own slot may stay where it is. */
static void test_make__a_node_that_is_full_of_others_still_has_ones_own_slot(void **state)
{
    struct spec_service *w = sim_spec("web", 3, "good");
    struct sim *s;

    w->max_per_node = 1;
    s = sim_running(3, w);
    sim_scale(s, "shop", "web", 4); /* one too many: it waits */
    sim_pass(s, 10000);
    assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, 1);
    for (int slot = 0; slot < 3; slot++) {
        sim_turn(s, "web", slot, TASK_FAILED, TASK_UNKNOWN, NULL);
        sim_pass(s, 400000);
        assert_int_equal(sim_available(s, "web"), 3);
        assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, 1);
        assert_int_equal(sim_rollout(s, "shop", "web")->pending.at[0].slot, 3);
    }
    sim_free(s);
}

/* Pinned slots are refused each for itself, not for what the first of them was refused. */
static void test_make__what_one_pinned_slot_is_refused_says_nothing_of_another(void **state)
{
    struct spec_service *w = with_volume(2, "good", SPEC_MOUNT_VOLUME, false);
    struct sim *s;
    char id[KEY_TASK_MAX + 1], node[2][KEY_NAME_MAX + 1];

    w->max_per_node = 1;
    s = sim_running(2, w);
    for (int slot = 0; slot < 2; slot++)
        assert_true(sim_task_in(s, "web", slot, id, node[slot]));
    sim_scale(s, "shop", "web", 0);
    sim_pass(s, 20000);
    sim_policy(s, node[0], true, false);
    sim_scale(s, "shop", "web", 2);
    sim_pass(s, 20000);
    assert_true(is_on(s, "web", 1, node[1]));
    assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, 1);
    assert_int_equal(sim_rollout(s, "shop", "web")->pending.at[0].slot, 0);
    assert_non_null(strstr(sim_rollout(s, "shop", "web")->pending.at[0].reason, "cordoned"));
    sim_free(s);
}

/* ---- batches */

/* A batch that was decided and refused, or whose tasks never came to be, has not begun: its delay is not
 * waited. */
static void test_batch__begins_when_something_of_it_is_there(void **state)
{
    for (int refused = 0; refused < 2; refused++) {
        struct spec_service *w = sim_spec("web", 4, "good"), *next = sim_spec("web", 4, "better");
        const struct core_service *service;
        struct sim *s;

        w->update.delay_ms = next->update.delay_ms = 50000;
        w->update.parallelism = next->update.parallelism = 1;
        s = sim_running(4, w);
        sim_apply(s, "shop", 2, next);
        s->refuse = refused;
        free(sim_step(s));
        s->refuse = false;
        service = core_service_find(s->core, "shop", "web");
        assert_int_equal(service->batch_begun, !refused);
        assert_false(service->batch_open);
        sim_pass(s, 1000);
        assert_false(service->batch_begun);
        sim_pass(s, 48000);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .revision = 2}), 1);
        sim_pass(s, 3000);
        assert_true(sim_count(s, (struct sim_want){.service = "web", .revision = 2}) >= 2);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make__what_it_is_for_is_said),
        cmocka_unit_test(test_make__whom_it_replaces_and_why_is_said),
        cmocka_unit_test(test_make__every_try_has_a_number_of_its_own),
        cmocka_unit_test(test_make__failures_of_its_slot_are_counted),
        cmocka_unit_test(test_make__a_lost_node_is_no_failure_of_the_slot),
        cmocka_unit_test(test_make__a_slot_goes_back_to_its_data),
        cmocka_unit_test(test_make__data_on_a_node_that_is_no_more_hold_nobody),
        cmocka_unit_test(test_make__only_a_version_with_a_volume_is_held_by_it),
        cmocka_unit_test(test_make__the_old_version_keeps_its_limit_per_node),
        cmocka_unit_test(test_make__a_node_that_is_full_of_others_still_has_ones_own_slot),
        cmocka_unit_test(test_make__what_one_pinned_slot_is_refused_says_nothing_of_another),
        cmocka_unit_test(test_batch__begins_when_something_of_it_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
