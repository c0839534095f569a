/* scheduler/trouble: what counts as a failure of a service on a node, how often, for how long, and of whom.
 */
#include "scheduler/trouble.h"
#include "tests/sim/sim.h"

static struct sim *with_web(int replicas)
{
    struct sim *s = sim_of(1);

    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    sim_pass(s, 10000);
    return s;
}

/* What is known of the service's failures on a node, of the content that it has now; 0: nothing. */
static int failures(struct sim *s, const char *node)
{
    const struct core_service *x = core_service_find(s->core, "shop", "web");
    const char *hash = core_service_revision(x, x->rollout.target)->rec.container_hash;
    const struct core_trouble *t;

    orc_vec_each (t, &x->trouble)
        if (strcmp(t->name, node) == 0 && strcmp(t->hash, hash) == 0)
            return t->failures;
    return 0;
}

static bool avoided(struct sim *s, const char *node)
{
    const struct core_service *x = core_service_find(s->core, "shop", "web");
    const char *hash = core_service_revision(x, x->rollout.target)->rec.container_hash;

    return trouble_on(s->core, x, hash, core_node_find(s->core, node));
}

/* One step, without a word of the nodes. */
static void look(struct sim *s)
{
    free(sim_step(s));
}

/* ---- what counts ------------------------------------------------------------------------------------------
 */

static void test_trouble__each_crash_counts_once(void **state)
{
    struct sim *s = with_web(1);

    for (int i = 1; i < TROUBLE_MAX; i++) {
        sim_crash(s, "web", 0);
        look(s);
        assert_int_equal(failures(s, "k1"), i);
        sim_turn(s, "web", 0, TASK_RUNNING, TASK_HEALTHY, "the same, told again");
        look(s);
        assert_int_equal(failures(s, "k1"), i);
        assert_false(avoided(s, "k1"));
    }
    sim_crash(s, "web", 0);
    look(s);
    assert_true(avoided(s, "k1"));
    sim_free(s);
}

/* Several between two looks. */
static void test_trouble__crashes_that_came_together_count_each(void **state)
{
    struct sim *s = with_web(1);

    for (int i = 0; i < 3; i++)
        sim_crash(s, "web", 0);
    look(s);
    assert_int_equal(failures(s, "k1"), 3);
    for (int i = 0; i < 30; i++)
        sim_crash(s, "web", 0);
    look(s);
    assert_int_equal(failures(s, "k1"), TROUBLE_MAX); /* and no more is counted */
    sim_free(s);
}

/* It becomes unhealthy, is replaced there, becomes unhealthy again: each time once, however often it is told.
 */
static void test_trouble__becoming_unhealthy_counts_and_staying_so_does_not(void **state)
{
    struct sim *s = with_web(1);

    s->refuse = true; /* so that it is not replaced */
    for (int i = 1; i <= 3; i++) {
        sim_sicken(s, "web", 0);
        look(s);
        assert_int_equal(failures(s, "k1"), i);
        sim_sicken(s, "web", 0);
        look(s);
        assert_int_equal(failures(s, "k1"), i);
        sim_turn(s, "web", 0, TASK_RUNNING, TASK_HEALTHY, NULL);
        look(s);
        assert_int_equal(failures(s, "k1"), i);
    }
    sim_free(s);
}

static void test_trouble__a_container_that_ends_as_failed_counts(void **state)
{
    struct sim *s = with_web(1);

    sim_turn(s, "web", 0, TASK_FAILED, TASK_UNKNOWN, NULL);
    look(s);
    assert_int_equal(failures(s, "k1"), 1);
    sim_free(s);
}

static void test_trouble__what_was_told_to_stop_counts_nothing(void **state)
{
    struct sim *s = with_web(1);

    sim_scale(s, "shop", "web", 0);
    sim_settle(s);
    sim_pass(s, 10000);
    assert_int_equal(core_service_find(s->core, "shop", "web")->trouble.n, 0);
    sim_free(s);
}

/* ---- since when -------------------------------------------------------------------------------------------
 */

/* A new leader begins with what it finds failed; crashes of before it looked were before. */
static void test_trouble__a_new_leader_begins_anew(void **state)
{
    struct sim *s = with_web(1);

    for (int i = 0; i < TROUBLE_MAX; i++)
        sim_crash(s, "web", 0);
    look(s);
    assert_true(avoided(s, "k1"));
    sim_new_leader(s);
    look(s);
    assert_int_equal(failures(s, "k1"), 0);
    sim_crash(s, "web", 0);
    look(s);
    assert_int_equal(failures(s, "k1"), 1);
    sim_free(s);
}

/* One that is made while this leader looks has no "before": its first status may tell of crashes. */
static void test_trouble__crashes_that_the_first_status_tells_count(void **state)
{
    struct sim *s = sim_of(1);
    struct record_status st = {.state = TASK_RUNNING, .health = TASK_HEALTHY, .restarts = 2, .exit_code = 1};
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    look(s);
    sim_apply(s, "shop", 1, sim_spec("web", 1, "good"));
    look(s);
    assert_true(sim_task_in(s, "web", 0, id, node));
    sim_status(s, node, id, &st); /* before the leader has looked at the task */
    look(s);
    assert_int_equal(failures(s, "k1"), 2);
    sim_free(s);
}

static void test_trouble__it_is_forgotten_an_hour_after_the_last(void **state)
{
    struct sim *s = with_web(1);

    for (int i = 0; i < TROUBLE_MAX; i++)
        sim_crash(s, "web", 0);
    look(s);
    s->now += TROUBLE_FORGET_MS - 1;
    look(s);
    assert_true(avoided(s, "k1"));
    s->now += 1;
    look(s);
    assert_false(avoided(s, "k1"));
    sim_crash(s, "web", 0); /* it begins from nothing */
    look(s);
    assert_int_equal(failures(s, "k1"), 1);
    sim_free(s);
}

/* ---- of whom ----------------------------------------------------------------------------------------------
 */

static void test_trouble__another_version_is_tried_everywhere(void **state)
{
    struct sim *s = with_web(1);
    struct spec_service *w = sim_spec("web", 1, "good");

    for (int i = 0; i < TROUBLE_MAX; i++)
        sim_crash(s, "web", 0);
    look(s);
    assert_true(avoided(s, "k1"));
    spec_pairs_add(&w->labels, "version", "2");
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 20000);
    assert_false(avoided(s, "k1"));
    sim_crash(s, "web", 0);
    look(s);
    assert_int_equal(failures(s, "k1"), 1);
    sim_point(s, "shop", "web", 1); /* back, and it still counts */
    look(s);
    assert_true(avoided(s, "k1"));
    sim_free(s);
}

static void test_trouble__each_node_has_its_own(void **state)
{
    struct sim *s = sim_of(2);
    orc_auto_free char *map = NULL;
    int slot;

    sim_apply(s, "shop", 1, sim_spec("web", 2, "good"));
    sim_pass(s, 10000);
    map = sim_map(s, "web");
    slot = strstr(map, "0@k2") ? 0 : 1;
    for (int i = 0; i < 3; i++)
        sim_crash(s, "web", slot);
    sim_crash(s, "web", 1 - slot);
    look(s);
    assert_int_equal(failures(s, "k2"), 3);
    assert_int_equal(failures(s, "k1"), 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trouble__each_crash_counts_once),
        cmocka_unit_test(test_trouble__crashes_that_came_together_count_each),
        cmocka_unit_test(test_trouble__becoming_unhealthy_counts_and_staying_so_does_not),
        cmocka_unit_test(test_trouble__a_container_that_ends_as_failed_counts),
        cmocka_unit_test(test_trouble__what_was_told_to_stop_counts_nothing),
        cmocka_unit_test(test_trouble__a_new_leader_begins_anew),
        cmocka_unit_test(test_trouble__crashes_that_the_first_status_tells_count),
        cmocka_unit_test(test_trouble__it_is_forgotten_an_hour_after_the_last),
        cmocka_unit_test(test_trouble__another_version_is_tried_everywhere),
        cmocka_unit_test(test_trouble__each_node_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
