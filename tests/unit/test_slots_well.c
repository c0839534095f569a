/* scheduler/slots: when a slot is well, so that nobody looks at it again before something happens. */
#include "tests/unit/slots_desk.h"

/* ---- one slot */

static bool well(struct desk *d)
{
    look(d);
    assert_int_equal(d->v.at.n, 1);
    return d->v.at.at[0].well;
}

static void serve(struct desk *d, const char *node, int64_t attempt)
{
    give(d, node, attempt);
    say(d, node, attempt, TASK_RUNNING, TASK_HEALTHY, -1);
}

static void leave(struct desk *d, const char *node, int64_t attempt)
{
    struct record_task t = task_of(d, attempt);

    t.desired = TASK_REMOVE;
    t.stop_reason = (char *)"restart 1 was asked for";
    put_task(d, node, &t);
    say(d, node, attempt, TASK_RUNNING, TASK_HEALTHY, -1);
}

static void put_garbage(struct desk *d, const char *node, int64_t attempt)
{
    orc_auto_free char *id = orc_printf("shop.web.0.%lld", (long long)attempt);

    sim_put(d->s, key_task(SIM_CLUSTER, node, id), orc_strdup("{"));
}

static void nothing(struct desk *d)
{
}

static void sicken(struct desk *d)
{
    say(d, "k1", 1, TASK_RUNNING, TASK_UNHEALTHY, -1);
}

static void go_silent(struct desk *d)
{
    sim_alive(d->s, "k1", false);
}

static void have_another(struct desk *d)
{
    serve(d, "k2", 2);
}

static void have_a_broken_other(struct desk *d)
{
    give(d, "k2", 2);
    say(d, "k2", 2, TASK_FAILED, TASK_UNKNOWN, 1);
}

static void have_one_leaving(struct desk *d)
{
    leave(d, "k2", 2);
}

static void have_one_that_left(struct desk *d)
{
    leave(d, "k2", 2);
    say(d, "k2", 2, TASK_STOPPED, TASK_UNKNOWN, 0);
}

static void have_one_unreadable(struct desk *d)
{
    put_garbage(d, "k2", 2);
}

static void restart(struct desk *d)
{
    d->r.restart_epoch = 1;
}

static void update(struct desk *d)
{
    struct record_task t = task_of(d, 1);

    memset(t.container_hash, 'e', SPEC_HASH_MAX - 1);
    put_task(d, "k1", &t);
}

static void drain(struct desk *d)
{
    sim_policy(d->s, "k1", true, true);
}

static void cordon(struct desk *d)
{
    sim_policy(d->s, "k1", true, false);
}

static void move(struct desk *d)
{
    orc_vec_push(&d->r.moving, ((struct rollout_move){.slot = 0, .attempt = 1}));
}

static void move_another(struct desk *d)
{
    orc_vec_push(&d->r.moving, ((struct rollout_move){.slot = 0, .attempt = 2}));
}

static void lose_the_revision(struct desk *d)
{
    d->r.target = 9;
}

/* Behaviour 59. */
static void test_well__only_what_serves_alone_as_it_should_be(void **state)
{
    static const struct {
        void (*happens)(struct desk *d);
        bool well;
    } cases[] = {
        {nothing, true},
        {cordon, true},
        {have_one_that_left, true},
        {move_another, true},
        {sicken, false},
        {go_silent, false},
        {have_another, false},
        {have_a_broken_other, false},
        {have_one_leaving, false},
        {have_one_unreadable, false},
        {restart, false},
        {update, false},
        {drain, false},
        {move, false},
        {lose_the_revision, false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct desk d;

        begin(&d, 3, sim_spec("web", 1, "good"));
        serve(&d, "k1", 1);
        cases[i].happens(&d);
        if (well(&d) != cases[i].well)
            fail_msg("case %zu is %swell", i, cases[i].well ? "not " : "");
        orc_vec_release(&d.r.moving);
        end(&d);
    }
}

/* What nobody can probe is watched first, for as long as the update policy says, to the millisecond. */
static void test_well__without_a_check_it_is_watched_before(void **state)
{
    struct spec_service *w = sim_spec("web", 1, "good");
    struct desk d;

    w->health.kind = SPEC_HEALTH_NONE;
    w->health.port = 0;
    free(orc_take(w->health.path));
    w->update.monitor_ms = 7000;
    begin(&d, 2, w);
    d.s->now = 10000;
    give(&d, "k1", 1);
    say(&d, "k1", 1, TASK_RUNNING, TASK_HEALTHY, -1);
    assert_false(well(&d));
    d.s->now = 16999;
    assert_false(well(&d));
    d.s->now = 17000;
    assert_true(well(&d));
    end(&d);
}

static void test_well__with_a_check_it_is_well_once_that_succeeds(void **state)
{
    struct spec_service *w = sim_spec("web", 1, "good");
    struct desk d;

    w->update.monitor_ms = 7000;
    begin(&d, 2, w);
    give(&d, "k1", 1);
    say(&d, "k1", 1, TASK_RUNNING, TASK_UNKNOWN, -1);
    assert_false(well(&d));
    say(&d, "k1", 1, TASK_RUNNING, TASK_HEALTHY, -1);
    assert_true(well(&d));
    end(&d);
}

/* ---- who takes a slot over */

/* The content of an older revision, in the place of the target's. */
static void make_old(struct record_task *t)
{
    memset(t->container_hash, 'e', SPEC_HASH_MAX - 1);
}

static void give_as(struct desk *d, const char *node, int64_t attempt, char content, enum task_state state,
                    enum task_health health)
{
    struct record_task t = task_of(d, attempt);

    if (content != 't')
        memset(t.container_hash, content, SPEC_HASH_MAX - 1);
    put_task(d, node, &t);
    say(d, node, attempt, state, health, -1);
}

/* "head, then what serves until it can": attempts, 0 for none. */
static void assert_holds(struct desk *d, int64_t head, int64_t old, size_t dropped)
{
    const struct slot *s;

    look(d);
    s = &d->v.at.at[0];
    assert_int_equal(s->head ? s->head->attempt : 0, head);
    assert_int_equal(s->old ? s->old->attempt : 0, old);
    assert_int_equal(d->v.drop.n, dropped);
}

/* Behaviour 46: whoever serves goes on until its successor can, whatever that says of itself; which has
 * failed is dropped and remembered, unless its node is lost. */
static void test_successor__takes_over_only_while_it_may_still_become_ready(void **state)
{
    static const struct {
        enum task_state state;
        enum task_health health;
        int64_t head, old;
        bool failed;
    } cases[] = {
        {TASK_ASSIGNED, TASK_UNKNOWN, 2, 1, false}, {TASK_PULLING, TASK_UNKNOWN, 2, 1, false},
        {TASK_STARTING, TASK_UNKNOWN, 2, 1, false}, {TASK_RUNNING, TASK_UNKNOWN, 2, 1, false},
        {TASK_RUNNING, TASK_HEALTHY, 2, 0, false},  {TASK_RUNNING, TASK_UNHEALTHY, 1, 0, true},
        {TASK_FAILED, TASK_UNKNOWN, 1, 0, true},    {TASK_STOPPED, TASK_UNKNOWN, 1, 0, true},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct desk d;

        begin(&d, 3, sim_spec("web", 1, "good"));
        give_as(&d, "k1", 1, 'e', TASK_RUNNING, TASK_HEALTHY);
        give_as(&d, "k2", 2, 't', cases[i].state, cases[i].health);
        assert_holds(&d, cases[i].head, cases[i].old, cases[i].old ? 0 : 1);
        assert_int_equal(d.v.at.at[0].failed != NULL, cases[i].failed);
        assert_false(d.v.at.at[0].well && cases[i].head == 1);
        end(&d);
    }
}

/* What does not serve has no successor beside it: of equals the newer holds the slot, and nothing has failed.
 */
static void test_successor__is_one_only_of_what_serves(void **state)
{
    static const struct {
        enum task_state first, second;
        int64_t head;
    } cases[] = {{TASK_STARTING, TASK_STARTING, 2},
                 {TASK_STARTING, TASK_FAILED, 1},
                 {TASK_FAILED, TASK_STARTING, 2},
                 {TASK_FAILED, TASK_FAILED, 2}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct desk d;

        begin(&d, 3, sim_spec("web", 1, "good"));
        give_as(&d, "k1", 1, 'e', cases[i].first, TASK_UNKNOWN);
        give_as(&d, "k2", 2, 't', cases[i].second, TASK_UNKNOWN);
        assert_holds(&d, cases[i].head, 0, 1);
        assert_null(d.v.at.at[0].failed);
        end(&d);
    }
}

/* An elder one never succeeds a newer; of several that start, the newest. */
static void test_successor__is_the_newest(void **state)
{
    struct desk d;

    begin(&d, 3, sim_spec("web", 1, "good"));
    give_as(&d, "k1", 2, 'e', TASK_RUNNING, TASK_HEALTHY);
    give_as(&d, "k2", 1, 't', TASK_STARTING, TASK_UNKNOWN);
    assert_holds(&d, 2, 0, 1);
    give_as(&d, "k2", 3, 't', TASK_STARTING, TASK_UNKNOWN);
    give_as(&d, "k3", 4, 't', TASK_STARTING, TASK_UNKNOWN);
    assert_holds(&d, 4, 2, 2);
    give_as(&d, "k3", 4, 't', TASK_FAILED, TASK_UNKNOWN);
    assert_holds(&d, 3, 2, 2);
    assert_int_equal(d.v.at.at[0].failed ? 1 : 0, 1);
    end(&d);
}

/* Whose node is given up has not failed: nobody knows. */
static void test_successor__on_a_lost_node_has_not_failed(void **state)
{
    struct desk d;

    begin(&d, 4, sim_spec("web", 1, "good"));
    give_as(&d, "k1", 1, 'e', TASK_RUNNING, TASK_HEALTHY);
    give_as(&d, "k2", 2, 't', TASK_STARTING, TASK_UNKNOWN);
    look(&d);
    sim_alive(d.s, "k2", false);
    assert_holds(&d, 2, 1, 0); /* it may still become ready */
    d.s->now += 3000;
    assert_holds(&d, 1, 0, 1);
    assert_null(d.v.at.at[0].failed);
    end(&d);
}

/* While the new version may not go on, what leaves a drained node is succeeded by the version that counts
 * beside it; by nothing else, and not on another drained node. */
static void test_successor__off_a_drained_node_may_be_of_the_version_that_serves(void **state)
{
    for (int paused = 0; paused < 2; paused++)
        for (int from_drained = 0; from_drained < 2; from_drained++)
            for (int to_drained = 0; to_drained < 2; to_drained++)
                for (int same = 0; same < 2; same++) {
                    bool over = paused && from_drained && !to_drained && same;
                    const struct core_revision *old;
                    struct record_task t;
                    struct desk d;

                    begin(&d, 3, sim_spec("web", 1, "good"));
                    sim_apply(d.s, "shop", 2, sim_spec("web", 1, "better"));
                    old = core_service_revision(service(&d), 1);
                    d.r.target = d.r.wanted = 2;
                    d.r.complete = 1;
                    d.r.state = paused ? ROLLOUT_PAUSED : ROLLOUT_UPDATING;
                    t = task_of(&d, 1);
                    memcpy(t.container_hash, old->rec.container_hash, sizeof t.container_hash);
                    put_task(&d, "k1", &t);
                    say(&d, "k1", 1, TASK_RUNNING, TASK_HEALTHY, -1);
                    t.attempt = 2;
                    if (!same)
                        make_old(&t);
                    put_task(&d, "k2", &t);
                    say(&d, "k2", 2, TASK_STARTING, TASK_UNKNOWN, -1);
                    sim_policy(d.s, "k1", from_drained, from_drained);
                    sim_policy(d.s, "k2", to_drained, to_drained);
                    assert_holds(&d, over ? 2 : 1, over ? 1 : 0, !over);
                    end(&d);
                }
}

/* ---- what leaves a slot */

/* Of a service whose revision can't be read nobody knows how long it takes: the margin alone. */
static void test_stop__without_a_spec_only_the_margin_is_waited_for(void **state)
{
    struct desk d;

    begin(&d, 3, sim_spec("web", 1, "good"));
    leave(&d, "k1", 1);
    d.r.target = 9;
    sim_del(d.s, key_revision(SIM_CLUSTER, "shop", "web", 1));
    look(&d);
    d.s->now += SLOTS_STOP_MARGIN_MS - 1;
    look(&d);
    assert_true(slots_still_stopping(&d.v, task(&d, 1)));
    d.s->now++;
    look(&d);
    assert_false(slots_still_stopping(&d.v, task(&d, 1)));
    end(&d);
}

/* A server whose record can't be read, or is gone, refuses nobody who is there. */
static void test_well__on_a_server_that_cant_be_read_it_stays_well(void **state)
{
    for (int gone = 0; gone < 2; gone++) {
        struct spec_service *w = sim_spec("web", 1, "good");
        struct desk d;

        orc_vec_push(&w->constraints,
                     ((struct spec_constraint){orc_strdup("node.hostname"), false, orc_strdup("k2")}));
        begin(&d, 2, w);
        serve(&d, "k2", 1);
        assert_false(well(&d)); /* it may not be there */
        if (gone)
            sim_del(d.s, key_node(SIM_CLUSTER, "k2"));
        else
            sim_put(d.s, key_node(SIM_CLUSTER, "k2"), orc_strdup("{"));
        assert_true(well(&d));
        end(&d);
    }
}

/* Told to go within the step: from then on its slot waits for it, once however often it is told; in the list
 * in order, whatever the order of telling. */
static void test_stop__who_is_told_to_go_is_waited_for_once_and_in_order(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t i = 0; i < 6; i++) {
        struct core_task *at[3];
        struct desk d;

        begin(&d, 3, sim_spec("web", 1, "good"));
        for (int n = 0; n < 3; n++)
            serve(&d, "k1", n + 1);
        look(&d);
        for (int n = 0; n < 3; n++)
            at[n] = task(&d, n + 1);
        for (int n = 0; n < 3; n++) {
            slots_stop(&d.v, at[orders[i][n]], "why");
            assert_ptr_equal(d.v.at.at[0].leaving, at[orders[i][n]]);
            slots_stop(&d.v, at[orders[i][n]], "why");
            assert_int_equal(d.v.stopping.n, n + 1);
        }
        for (int n = 0; n < 3; n++)
            assert_ptr_equal(d.v.stopping.at[n], at[n]);
        end(&d);
    }
}

/* One that holds nothing any more, or nobody hears of, is not waited for. */
static void test_stop__what_has_ended_or_is_lost_is_not_waited_for(void **state)
{
    for (int is_lost = 0; is_lost < 2; is_lost++) {
        struct desk d;

        begin(&d, 3, sim_spec("web", 1, "good"));
        serve(&d, "k1", 1);
        if (is_lost) {
            look(&d);
            sim_alive(d.s, "k1", false);
            look(&d);
            d.s->now += 3000;
        } else {
            say(&d, "k1", 1, TASK_FAILED, TASK_UNKNOWN, 1);
        }
        look(&d);
        assert_int_equal(task(&d, 1)->node->lost, is_lost);
        slots_stop(&d.v, task(&d, 1), "why");
        assert_int_equal(d.v.stopping.n, 0);
        assert_null(d.v.at.at[0].leaving);
        end(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well__only_what_serves_alone_as_it_should_be),
        cmocka_unit_test(test_well__without_a_check_it_is_watched_before),
        cmocka_unit_test(test_well__with_a_check_it_is_well_once_that_succeeds),
        cmocka_unit_test(test_successor__takes_over_only_while_it_may_still_become_ready),
        cmocka_unit_test(test_successor__is_one_only_of_what_serves),
        cmocka_unit_test(test_successor__is_the_newest),
        cmocka_unit_test(test_successor__on_a_lost_node_has_not_failed),
        cmocka_unit_test(test_successor__off_a_drained_node_may_be_of_the_version_that_serves),
        cmocka_unit_test(test_stop__without_a_spec_only_the_margin_is_waited_for),
        cmocka_unit_test(test_well__on_a_server_that_cant_be_read_it_stays_well),
        cmocka_unit_test(test_stop__who_is_told_to_go_is_waited_for_once_and_in_order),
        cmocka_unit_test(test_stop__what_has_ended_or_is_lost_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
