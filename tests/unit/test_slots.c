/* scheduler/slots: what a task is from what was said of it, in tables: each state under each restart policy,
 * with its node there, silent or given up; which of several holds a slot; how long anything is waited for.
 */
#include "tests/unit/slots_desk.h"

/* ---- what a task is */

static const char *const class_names[] = {"available", "starting", "unknown", "unhealthy",
                                          "failed",    "done",     "over",    "lost"};

static const struct said {
    enum task_state state;
    enum task_health health;
    int exit_code;
    const char *is[4]; /* by restart policy: always, no, on-failure, unless-stopped */
} all_said[] = {
    {TASK_ASSIGNED, TASK_UNKNOWN, -1, {"starting", "starting", "starting", "starting"}},
    {TASK_PULLING, TASK_UNKNOWN, -1, {"starting", "starting", "starting", "starting"}},
    {TASK_CREATING, TASK_UNKNOWN, -1, {"starting", "starting", "starting", "starting"}},
    {TASK_STARTING, TASK_UNKNOWN, -1, {"starting", "starting", "starting", "starting"}},
    {TASK_STARTING, TASK_UNHEALTHY, 1, {"starting", "starting", "starting", "starting"}},
    {TASK_RUNNING, TASK_UNKNOWN, -1, {"starting", "starting", "starting", "starting"}},
    {TASK_RUNNING, TASK_HEALTHY, -1, {"available", "available", "available", "available"}},
    {TASK_RUNNING, TASK_UNHEALTHY, -1, {"unhealthy", "unhealthy", "unhealthy", "unhealthy"}},
    {TASK_RUNNING, TASK_UNREADY, -1, {"starting", "starting", "starting", "starting"}},
    {TASK_STOPPING, TASK_HEALTHY, -1, {"starting", "starting", "starting", "starting"}},
    {TASK_STOPPED, TASK_UNKNOWN, 0, {"failed", "done", "done", "done"}},
    {TASK_FAILED, TASK_UNKNOWN, -1, {"failed", "failed", "failed", "failed"}}, /* it never ran */
    {TASK_FAILED, TASK_UNKNOWN, 0, {"failed", "over", "over", "failed"}},
    {TASK_FAILED, TASK_UNKNOWN, 1, {"failed", "over", "over", "failed"}},
    {TASK_REMOVED, TASK_UNKNOWN, 0, {"failed", "failed", "failed", "failed"}},
};

enum away { AWAY_NOT, AWAY_SILENT, AWAY_LOST };

static const char *expected(const struct said *x, enum spec_restart policy, enum away away)
{
    if (away == AWAY_LOST)
        return "lost";
    return away == AWAY_SILENT && x->state < TASK_STOPPED ? "unknown" : x->is[policy];
}

/* Behaviours 68, 75, 76. */
static void test_slots__what_a_task_is(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(all_said); i++)
        for (enum spec_restart policy = SPEC_RESTART_ALWAYS; policy <= SPEC_RESTART_UNLESS_STOPPED; policy++)
            for (enum away away = AWAY_NOT; away <= AWAY_LOST; away++) {
                const struct said *x = &all_said[i];
                struct spec_service *w = sim_spec("web", 1, "good");
                const char *is;
                struct desk d;

                w->restart = policy;
                begin(&d, 3, w);
                give(&d, "k1", 1);
                say(&d, "k1", 1, x->state, x->health, x->exit_code);
                look(&d);
                if (away != AWAY_NOT)
                    sim_alive(d.s, "k1", false);
                look(&d);
                d.s->now += away == AWAY_LOST ? 3000 : 2999;
                look(&d);
                is = class_names[slots_classify(&d.v, task(&d, 1))];
                if (strcmp(is, expected(x, policy, away)) != 0)
                    fail_msg("%s, %s, exit code %d, policy %d, away %d: it is %s", task_state_name(x->state),
                             task_health_name(x->health), x->exit_code, policy, away, is);
                end(&d);
            }
}

/* Nothing was said of it yet. */
static void test_slots__a_task_without_a_status_is_starting(void **state)
{
    struct desk d;

    begin(&d, 2, sim_spec("web", 1, "good"));
    give(&d, "k1", 1);
    look(&d);
    assert_int_equal(slots_classify(&d.v, task(&d, 1)), CLASS_STARTING);
    assert_true(d.v.at.at[0].open && d.v.at.at[0].compliant);
    assert_int_equal(slots_count_open(&d.v), 1);
    assert_int_equal(slots_count_empty(&d.v), 0);
    end(&d);
}

/* ---- which of two holds the slot */

static const struct rival {
    enum task_state state;
    enum task_health health;
    int rank; /* of what holds a slot, the higher first */
} rivals[] = {{TASK_RUNNING, TASK_HEALTHY, 4},   {TASK_STARTING, TASK_UNKNOWN, 3},
              {TASK_RUNNING, TASK_UNKNOWN, 3},   {TASK_RUNNING, TASK_UNREADY, 3},
              {TASK_RUNNING, TASK_UNHEALTHY, 2}, {TASK_FAILED, TASK_UNKNOWN, 1}};

/* The better one, of equals the newer; the other one is dropped. In both orders of being fed. */
static void test_slots__the_better_task_holds_the_slot_and_of_equals_the_newer(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(rivals); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(rivals); k++)
            for (int turn = 0; turn < 2; turn++) {
                const struct rival *a = &rivals[i], *b = &rivals[k];
                int64_t head = a->rank > b->rank ? 1 : 2;
                struct desk d;

                begin(&d, 2, sim_spec("web", 1, "good"));
                for (int n = 0; n < 2; n++)
                    give(&d, n ^ turn ? "k2" : "k1", n ^ turn ? 2 : 1);
                say(&d, "k1", 1, a->state, a->health, -1);
                say(&d, "k2", 2, b->state, b->health, -1);
                look(&d);
                assert_int_equal(d.v.at.n, 1);
                assert_int_equal(d.v.at.at[0].head->attempt, head);
                assert_null(d.v.at.at[0].old);
                assert_int_equal(d.v.drop.n, 1);
                assert_int_equal(d.v.drop.at[0]->attempt, 3 - head);
                end(&d);
            }
}

/* What serves at an older version does so until its successor can; what is not of the target succeeds no
 * one. */
static void test_slots__what_serves_goes_on_until_its_successor_can(void **state)
{
    for (int of_target = 0; of_target < 2; of_target++) {
        struct record_task old, next;
        struct desk d;

        begin(&d, 2, sim_spec("web", 1, "good"));
        old = next = task_of(&d, 1);
        memset(old.container_hash, 'e', SPEC_HASH_MAX - 1);
        next.attempt = 2;
        if (!of_target)
            memset(next.container_hash, 'f', SPEC_HASH_MAX - 1);
        put_task(&d, "k1", &old);
        put_task(&d, "k2", &next);
        say(&d, "k1", 1, TASK_RUNNING, TASK_HEALTHY, -1);
        look(&d);
        assert_int_equal(d.v.at.at[0].head->attempt, of_target ? 2 : 1);
        if (of_target)
            assert_int_equal(d.v.at.at[0].old->attempt, 1);
        assert_int_equal(d.v.drop.n, !of_target);
        say(&d, "k2", 2, TASK_RUNNING, TASK_HEALTHY, -1);
        look(&d);
        assert_int_equal(d.v.at.at[0].head->attempt, 2);
        assert_int_equal(d.v.drop.n, 1);
        assert_int_equal(d.v.drop.at[0]->attempt, 1);
        end(&d);
    }
}

/* Behaviour 76. On a node that does not answer nothing is dropped before another serves. */
static void test_slots__beside_what_does_not_serve_the_silent_one_is_kept(void **state)
{
    for (int serves = 0; serves < 2; serves++) {
        struct desk d;

        begin(&d, 3, sim_spec("web", 1, "good"));
        give(&d, "k1", 1);
        give(&d, "k2", 2);
        say(&d, "k1", 1, TASK_RUNNING, TASK_HEALTHY, -1);
        say(&d, "k2", 2, TASK_RUNNING, serves ? TASK_HEALTHY : TASK_UNKNOWN, -1);
        sim_alive(d.s, "k1", false);
        look(&d);
        assert_int_equal(d.v.at.at[0].head->attempt, 2);
        assert_int_equal(d.v.spare.n, !serves);
        assert_int_equal(d.v.drop.n, serves);
        end(&d);
    }
}

/* ---- how long anything is waited for */

static void assert_deadline(struct desk *d, uint64_t at)
{
    look(d);
    assert_int_equal(slots_deadline(&d->v, task(d, 1)), at);
}

/* From when it was first seen while its image is fetched; anew from when its container is made, with all the
 * probes that it may fail. */
static void test_slots__the_deadline_of_a_start(void **state)
{
    for (int checked = 0; checked < 2; checked++)
        for (int limited = 0; limited < 2; limited++) {
            struct spec_service *w = sim_spec("web", 1, "good");
            struct desk d;

            w->progress_deadline_ms = limited ? 20000 : 0;
            w->health.start_period_ms = 1000;
            w->health.retries = 4;
            w->health.interval_ms = 500;
            w->health.timeout_ms = 250;
            if (!checked) {
                w->health.kind = SPEC_HEALTH_NONE;
                w->health.port = 0;
                free(orc_take(w->health.path));
            }
            begin(&d, 2, w);
            d.s->now = 5000;
            give(&d, "k1", 1);
            assert_deadline(&d, 5000 + (limited ? 20000 : 600000));
            d.s->now = 9000;
            say(&d, "k1", 1, TASK_PULLING, TASK_UNKNOWN, -1);
            assert_deadline(&d, 5000 + (limited ? 20000 : 600000));
            d.s->now = 12000;
            say(&d, "k1", 1, TASK_CREATING, TASK_UNKNOWN, -1);
            assert_deadline(&d, 12000 + 60000 + (checked ? 1000 + 4 * (500 + 250) : 0));
            d.s->now = 20000; /* and goes on from then */
            say(&d, "k1", 1, TASK_RUNNING, TASK_UNKNOWN, -1);
            assert_deadline(&d, 12000 + 60000 + (checked ? 1000 + 4 * (500 + 250) : 0));
            end(&d);
        }
}

/* Behaviour 56: drain time-out, grace and a margin from when it was told to go, to the millisecond; one that
 * may still write to a volume for as long as it takes; one that has stopped, or whose node is given up, not
 * at all. */
static void test_slots__the_end_of_a_stop(void **state)
{
    for (int volume = 0; volume < 2; volume++)
        for (int read_only = 0; read_only < 2; read_only++) {
            struct spec_service *w = sim_spec("web", 1, "good");
            uint64_t end_at = 1000 + 7000 + 2000 + SLOTS_STOP_MARGIN_MS;
            struct record_task t;
            struct desk d;

            w->drain_timeout_ms = 7000;
            w->stop_grace_period_ms = 2000;
            orc_vec_push(&w->mounts,
                         ((struct spec_mount){.kind = volume ? SPEC_MOUNT_VOLUME : SPEC_MOUNT_BIND,
                                              .source = orc_strdup(volume ? "data" : "/srv"),
                                              .target = orc_strdup("/data"),
                                              .read_only = read_only}));
            begin(&d, 2, w);
            t = task_of(&d, 1);
            t.desired = TASK_REMOVE;
            t.stop_reason = (char *)"scaled down to 0";
            put_task(&d, "k1", &t);
            say(&d, "k1", 1, TASK_RUNNING, TASK_HEALTHY, -1);
            look(&d);
            d.s->now = end_at - 1;
            look(&d);
            assert_true(slots_still_stopping(&d.v, task(&d, 1)));
            d.s->now = end_at;
            look(&d);
            assert_int_equal(slots_still_stopping(&d.v, task(&d, 1)), volume && !read_only);
            assert_int_equal(d.v.stopping.n, volume && !read_only);
            d.s->now = 2000;
            say(&d, "k1", 1, TASK_STOPPED, TASK_UNKNOWN, 0);
            d.s->now = end_at;
            look(&d);
            assert_false(slots_still_stopping(&d.v, task(&d, 1)));
            end(&d);
        }
}

/* Behaviour 79. So long, and to the millisecond; not what has ended, nor what is not wanted any more. */
static void test_slots__what_may_come_back_is_awaited(void **state)
{
    static const struct {
        uint64_t disconnect_ms, after_ms;
        enum task_state was;
        bool another, awaited;
    } all[] = {
        {60000, 59999, TASK_RUNNING, false, true},  {60000, 60000, TASK_RUNNING, false, false},
        {60000, 59999, TASK_STOPPED, false, false}, {60000, 59999, TASK_FAILED, false, false},
        {60000, 59999, TASK_RUNNING, true, false},  {0, 4000, TASK_RUNNING, false, false},
        {60000, 1000, TASK_RUNNING, false, true}, /* only silent as yet */
        {60000, 1000, TASK_RUNNING, true, false},   {0, 1000, TASK_RUNNING, false, false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(all); i++) {
        struct spec_service *w = sim_spec("web", 1, "good");
        struct record_task t;
        struct desk d;

        w->disconnect_ms = all[i].disconnect_ms;
        begin(&d, 3, w);
        t = task_of(&d, 1);
        if (all[i].another)
            memset(t.container_hash, 'e', SPEC_HASH_MAX - 1);
        put_task(&d, "k1", &t);
        say(&d, "k1", 1, all[i].was, TASK_HEALTHY, 0);
        look(&d);
        sim_alive(d.s, "k1", false);
        look(&d);
        d.s->now += all[i].after_ms;
        look(&d);
        if (slots_awaited(&d.v, task(&d, 1)) != all[i].awaited)
            fail_msg("case %zu", i);
        end(&d);
    }
}

/* ---- why a task must be replaced */

/* In this order; the sentence and the answer without one agree. */
static void test_slots__why_a_task_no_longer_fits(void **state)
{
    static const struct {
        const char *says;
        enum task_stop is;
    } why[] = {{NULL, TASK_STOP_NONE},
               {"update to revision 1", TASK_STOP_UPDATED},
               {"rollback to revision 1", TASK_STOP_UPDATED},
               {"restart 4 was asked for", TASK_STOP_RESTARTED},
               {"node k1 is drained", TASK_STOP_DRAINED},
               {"node k1 no longer fits: node.labels.disk is \"\", not \"ssd\"", TASK_STOP_MISFIT}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(why); i++) {
        struct spec_service *w = sim_spec("web", 1, "good");
        enum task_stop kind = TASK_STOP_NONE;
        orc_auto_free char *is = NULL;
        struct record_task t;
        struct desk d;

        if (i == 5)
            orc_vec_push(&w->constraints,
                         ((struct spec_constraint){orc_strdup("node.labels.disk"), true, orc_strdup("ssd")}));
        begin(&d, 2, w);
        t = task_of(&d, 1);
        if (i == 1 || i == 2)
            memset(t.container_hash, 'e', SPEC_HASH_MAX - 1);
        put_task(&d, "k1", &t);
        say(&d, "k1", 1, TASK_RUNNING, TASK_HEALTHY, -1);
        if (i == 4)
            sim_policy(d.s, "k1", true, true);
        d.r.wanted = i == 2 ? 2 : 1;
        d.r.restart_epoch = i == 3 ? 4 : 0;
        look(&d);
        is = slots_misfit(&d.v, task(&d, 1), &kind);
        if (!orc_streq(is, why[i].says))
            fail_msg("it says \"%s\" and not \"%s\"", is ? is : "", why[i].says ? why[i].says : "");
        assert_int_equal(kind, why[i].is);
        assert_int_equal(slots_compliant(&d.v, task(&d, 1)), why[i].says == NULL);
        assert_int_equal(d.v.at.at[0].compliant, why[i].says == NULL);
        end(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots__what_a_task_is),
        cmocka_unit_test(test_slots__a_task_without_a_status_is_starting),
        cmocka_unit_test(test_slots__the_better_task_holds_the_slot_and_of_equals_the_newer),
        cmocka_unit_test(test_slots__what_serves_goes_on_until_its_successor_can),
        cmocka_unit_test(test_slots__beside_what_does_not_serve_the_silent_one_is_kept),
        cmocka_unit_test(test_slots__the_deadline_of_a_start),
        cmocka_unit_test(test_slots__the_end_of_a_stop),
        cmocka_unit_test(test_slots__what_may_come_back_is_awaited),
        cmocka_unit_test(test_slots__why_a_task_no_longer_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
