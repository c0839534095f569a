/* scheduler/job_run: what a job says of each way a try can end - of the slot that waits, of the task that
 * takes its place, and of the run in the end - and when the next try comes.
 */
#include "tests/unit/job_cluster.h"

static const struct rollout_pending *waits(struct sim *s)
{
    const struct record_rollout *r = rollout(s);

    return r->pending.n ? &r->pending.at[0] : NULL;
}

/* How the try of slot 0 ended, as its node says it. */
static void end_as(struct sim *s, enum task_state state, int exit_code, bool oom, const char *reason)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct record_status st = {0};

    assert_true(sim_task_in(s, "web", 0, id, node));
    assert_true(sim_status_copy(s, node, id, &st));
    st.state = state;
    st.health = TASK_UNKNOWN;
    st.exit_code = exit_code;
    st.oom = oom;
    orc_set_str(&st.reason, reason);
    sim_status(s, node, id, &st);
    record_status_release(&st);
    sim_decide(s);
}

static const char *reason_of(struct sim *s)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *key = NULL;

    assert_true(sim_task_in(s, "web", 0, id, node));
    key = key_task(SIM_CLUSTER, node, id);
    return sim_task_of(sim_find(s, key))->reason;
}

static const struct {
    enum task_state state;
    int exit_code;
    bool oom;
    const char *reason, *says;
} ends_as[] = {
    {TASK_FAILED, 1, false, NULL, "failed: exit code 1"},
    {TASK_FAILED, 137, true, NULL, "failed: exit code 137, out of memory"},
    {TASK_FAILED, 0, false, NULL, "failed: exit code 0"},
    {TASK_FAILED, -1, false, "no such image: x", "failed: no such image: x"},
    {TASK_FAILED, -1, false, NULL, "failed: it never ran"},
    {TASK_STOPPED, 3, false, NULL, "failed: exit code 3"},
    {TASK_REMOVED, -1, false, NULL, "failed: its container is gone"},
    {TASK_REMOVED, 0, false, NULL, "failed: its container is gone"},
};

/* The slot waits for as long as was asked for, says why, and its next task says what it replaces. */
static void test_job_says__how_a_try_ended_and_when_the_next_one_comes(void **state)
{
    static const uint64_t delays[] = {1000, 7000, 60000};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(ends_as); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(delays); k++) {
            struct spec_service *w = job_spec("good", 1);
            char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], other[KEY_TASK_MAX + 1];
            orc_auto_free char *want = NULL, *replaces = NULL;
            struct sim *s;

            w->run.delay_ms = delays[k];
            w->run.retries = 5;
            s = applied(1, w);
            assert_true(sim_task_in(s, "web", 0, id, node));
            end_as(s, ends_as[i].state, ends_as[i].exit_code, ends_as[i].oom, ends_as[i].reason);
            want = orc_printf("%s on k1 %s; tried again %llu s after", id, ends_as[i].says,
                              (unsigned long long)delays[k] / 1000);
            assert_string_equal(waits(s)->reason, want);
            assert_int_equal(core_next(s->core), s->now + delays[k]);
            sim_pass(s, delays[k] - 1);
            assert_true(sim_task_in(s, "web", 0, other, node));
            assert_string_equal(other, id);
            sim_pass(s, 1);
            assert_true(sim_task_in(s, "web", 0, other, node));
            assert_string_not_equal(other, id);
            replaces = orc_printf("replaces %s: %s", id, ends_as[i].says);
            assert_string_equal(reason_of(s), replaces);
            assert_null(waits(s));
            assert_run(s, 1, "running 0/1 1");
            assert_int_equal(run_at(s, 0)->exit_code, ends_as[i].exit_code);
            assert_string_equal(run_at(s, 0)->reason, ends_as[i].says);
            sim_free(s);
        }
}

/* After the last try the run says how that ended, and how many there were. */
static void test_job_says__after_how_many_tries_it_gave_up(void **state)
{
    for (int retries = 0; retries <= 2; retries++)
        for (size_t i = 0; i < ORC_ARRAY_SIZE(ends_as); i++) {
            struct spec_service *w = job_spec("good", 1);
            orc_auto_free char *tried =
                orc_printf(" on k1 %s; tried %d time%s", ends_as[i].says, retries + 1, retries ? "s" : "");
            struct sim *s;

            w->run.retries = retries;
            s = applied(1, w);
            for (int n = 0; n <= retries; n++) {
                assert_int_equal(run_at(s, 0)->state, RUN_RUNNING);
                end_as(s, ends_as[i].state, ends_as[i].exit_code, ends_as[i].oom, ends_as[i].reason);
                sim_pass(s, 1000);
            }
            assert_int_equal(run_at(s, 0)->state, RUN_FAILED);
            assert_int_equal(run_at(s, 0)->failures, retries + 1);
            assert_rollout(s, "shop", "web", "failed", 1, tried);
            sim_free(s);
        }
}

/* What was lost or told to go has not failed: it is tried again at once, and the next task says why. */
static void test_job_says__why_it_goes_elsewhere(void **state)
{
    for (int drained = 0; drained < 2; drained++) {
        struct sim *s = applied(3, job_spec("good", 1));
        char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1], other[KEY_TASK_MAX + 1], there[KEY_NAME_MAX + 1];
        orc_auto_free char *want = NULL;

        assert_true(sim_task_in(s, "web", 0, id, node));
        if (drained)
            sim_policy(s, node, true, true);
        else
            sim_alive(s, node, false);
        sim_pass(s, 3000);
        assert_true(sim_task_in(s, "web", 0, other, there));
        assert_string_not_equal(node, there);
        want = drained ? orc_printf("replaces %s: node %s is drained", id, node)
                       : orc_printf("replaces %s: node %s was lost", id, node);
        assert_string_equal(reason_of(s), want);
        assert_run(s, 1, "running 0/1 0");
        sim_free(s);
    }
}

/* One that is told to go and has not stopped is waited for: there is no other try beside it. */
static void test_job_says__there_is_no_other_beside_one_that_still_stops(void **state)
{
    struct sim *s = applied(3, job_spec("good", 1));
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    assert_true(sim_task_in(s, "web", 0, id, node));
    s->deaf = node;
    sim_policy(s, node, true, true);
    sim_pass(s, 2000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .leaving = true}), 1);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 0);
    s->deaf = NULL;
    sim_pass(s, 2000);
    assert_null(waits(s));
    assert_int_equal(running(s), 1);
    sim_free(s);
}

/* Success is the exit code 0 of what stopped, of each slot once; a failure that ends with 0 is none. */
static void test_job_says__what_has_ended_well(void **state)
{
    static const struct {
        enum task_state state;
        int exit_code;
        bool well;
    } cases[] = {{TASK_STOPPED, 0, true}, {TASK_STOPPED, 1, false}, {TASK_STOPPED, -1, false},
                 {TASK_FAILED, 0, false}, {TASK_FAILED, 1, false},  {TASK_REMOVED, 0, false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct spec_service *w = job_spec("good", 1);
        struct sim *s;

        w->run.retries = 0;
        s = applied(1, w);
        end_as(s, cases[i].state, cases[i].exit_code, false, NULL);
        sim_pass(s, 1000);
        assert_int_equal(run_at(s, 0)->state, cases[i].well ? RUN_SUCCEEDED : RUN_FAILED);
        assert_int_equal(run_at(s, 0)->completed, cases[i].well);
        assert_int_equal(run_at(s, 0)->failures, !cases[i].well);
        sim_free(s);
    }
}

/* Tries of one run are spread over the nodes by what is active; what has ended counts no more. */
static void test_job_says__its_slots_are_spread(void **state)
{
    struct sim *s = applied(3, job_spec("good", 6));

    for (int k = 1; k <= 3; k++) {
        orc_auto_free char *name = orc_printf("k%d", k);

        assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = name}), 2);
    }
    for (int slot = 0; slot < 6; slot++)
        ends(s, slot, 0);
    assert_run(s, 1, "succeeded 6/6 0");
    sim_restart(s, "shop", "web", 1);
    sim_settle(s);
    for (int k = 1; k <= 3; k++) {
        orc_auto_free char *name = orc_printf("k%d", k);
        int n = 0;
        struct sim_kv *kv, *next;

        HASH_ITER (hh, s->kvs, kv, next) {
            const struct record_task *t = sim_task_of(kv);
            const struct record_status *st = t ? sim_status_of(s, kv) : NULL;

            n += t && t->desired == TASK_RUN && strcmp(kv->parsed.node, name) == 0 && st &&
                 st->state == TASK_RUNNING;
        }
        assert_int_equal(n, 2);
    }
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_job_says__how_a_try_ended_and_when_the_next_one_comes),
        cmocka_unit_test(test_job_says__after_how_many_tries_it_gave_up),
        cmocka_unit_test(test_job_says__why_it_goes_elsewhere),
        cmocka_unit_test(test_job_says__there_is_no_other_beside_one_that_still_stops),
        cmocka_unit_test(test_job_says__what_has_ended_well),
        cmocka_unit_test(test_job_says__its_slots_are_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
