/* scheduler/slots: when a slot is well, so that nobody looks at it again before something happens; and what
 * is looked at instead of all of it, in which nothing that matters may be missing.
 */
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

/* ---- all slots, and those that are not kept */

struct view {
    struct sim *s;
    struct record_rollout r;
    struct slots v;
};

static struct core_service *web(const struct view *x)
{
    return core_service_find(x->s->core, "shop", "web");
}

/* Six replicas that have been well for long. */
static void view_begin(struct view *x, struct spec_service *w)
{
    orc_auto_free char *text = NULL;

    *x = (struct view){.s = sim_running(4, w)};
    assert_non_null(web(x)->kept);
    text = record_rollout_text(sim_rollout(x->s, "shop", "web"));
    assert_int_equal(record_rollout_parse(text, strlen(text), &x->r, NULL), 0);
}

static void view_end(struct view *x)
{
    slots_release(&x->v);
    record_rollout_release(&x->r);
    sim_free(x->s);
}

static bool is_kept(struct view *x)
{
    slots_release(&x->v);
    slots_look(&x->v, x->s->core, web(x), &x->r);
    assert_int_equal(x->v.well, x->v.kept ? web(x)->kept->well : 0);
    return x->v.kept != NULL;
}

static void test_look__what_is_well_is_not_looked_at(void **state)
{
    struct view x;

    view_begin(&x, sim_spec("web", 6, "good"));
    assert_true(is_kept(&x));
    assert_int_equal(x.v.at.n, 0);
    assert_int_equal(x.v.well, 6);
    assert_int_equal(slots_count_open(&x.v), 6);
    assert_int_equal(slots_count_empty(&x.v), 0);
    view_end(&x);
}

/* Each reason alone for which all of them are looked at. */
static void test_look__all_are_looked_at_when_anything_is_asked_for(void **state)
{
    for (int what = 0; what < 16; what++) {
        struct view x;

        view_begin(&x, sim_spec("web", 6, "good"));
        if (what == 0 || what == 6)
            sim_apply(x.s, "shop", 2, sim_spec("web", 6, "better"));
        switch (what) {
        case 0:
            x.r.target = x.r.complete = 2;
            break;
        case 1:
            x.r.restart_epoch = 1;
            break;
        case 2:
            x.r.state = ROLLOUT_UPDATING;
            break;
        case 3:
            x.r.state = ROLLOUT_PAUSED;
            break;
        case 4:
            x.r.state = ROLLOUT_ROLLING_BACK;
            break;
        case 5:
            x.r.state = ROLLOUT_FAILED;
            break;
        case 6:
            x.r.complete = 2;
            break;
        case 7:
            x.r.failures = 1;
            break;
        case 8:
            x.r.degraded = orc_strdup("slot 0 failed twice");
            break;
        case 9:
            orc_vec_push(&x.r.moving, ((struct rollout_move){.slot = 1, .attempt = 7}));
            break;
        case 10:
            x.r.rebalance_left = 1;
            break;
        case 11:
            x.r.replicas = 7;
            break;
        case 12:
            x.r.replicas = 5;
            break;
        case 13:
            x.r.replicas = 0;
            break;
        case 14:
            x.r.target = x.r.complete = 9; /* unreadable */
            break;
        default:
            kept_free(orc_take(web(&x)->kept));
        }
        if (what > 0 && what < 15 && what != 6)
            assert_non_null(web(&x)->kept);
        if (is_kept(&x))
            fail_msg("case %d is kept", what);
        assert_int_equal(x.v.at.n, 6);
        view_end(&x);
    }
}

/* While it heals, it is what heals that is looked at. */
static void test_look__of_a_service_that_heals_only_what_is_not_well(void **state)
{
    struct view x;

    view_begin(&x, sim_spec("web", 6, "good"));
    x.r.state = ROLLOUT_HEALING;
    sim_sicken(x.s, "web", 4);
    assert_true(is_kept(&x));
    assert_int_equal(x.v.at.n, 1);
    assert_int_equal(x.v.at.at[0].n, 4);
    assert_int_equal(x.v.at.at[0].class, CLASS_UNHEALTHY);
    assert_int_equal(x.v.well, 5);
    assert_int_equal(slots_count_open(&x.v), 6);
    view_end(&x);
}

/* Slots that wait are open though they have no task; one that has got its own meanwhile is not counted twice.
 */
static void test_look__slots_that_wait_count_too(void **state)
{
    struct view x;

    view_begin(&x, sim_spec("web", 6, "good"));
    x.r.replicas = 8;
    orc_vec_push(&x.r.pending, ((struct rollout_pending){.slot = 3, .reason = orc_strdup("memory")}));
    orc_vec_push(&x.r.pending, ((struct rollout_pending){.slot = 6, .reason = orc_strdup("memory")}));
    orc_vec_push(&x.r.pending, ((struct rollout_pending){.slot = 9, .reason = orc_strdup("memory")}));
    assert_true(is_kept(&x));
    assert_int_equal(x.v.at.n, 2);
    assert_int_equal(x.v.at.at[0].n, 6);
    assert_int_equal(x.v.at.at[1].n, 9);
    for (size_t i = 0; i < 2; i++)
        assert_true(x.v.at.at[i].open && x.v.at.at[i].was_pending && !x.v.at.at[i].head);
    assert_int_equal(slots_count_empty(&x.v), 2);
    assert_int_equal(slots_count_open(&x.v), 8);
    x.r.replicas = 9;
    assert_false(is_kept(&x));
    assert_int_equal(x.v.at.n, 8);
    assert_true(x.v.at.at[3].was_pending);
    view_end(&x);
}

/* Where counting needs all of them, all are looked at as soon as one is not well. */
static void test_look__where_places_are_counted_one_that_is_not_well_has_all_looked_at(void **state)
{
    for (int what = 0; what < 3; what++)
        for (int sick = 0; sick < 2; sick++) {
            struct spec_service *w = sim_spec("web", 6, "good");
            struct view x;

            if (what == 1)
                orc_strv_add(&w->spread_over, "node.labels.zone");
            if (what == 2)
                w->max_per_node = 2;
            view_begin(&x, w);
            if (sick)
                sim_sicken(x.s, "web", 0);
            assert_int_equal(is_kept(&x), !(what && sick));
            assert_int_equal(x.v.at.n, !sick ? 0 : what ? 6 : 1);
            view_end(&x);
        }
}

static void test_look__a_task_that_cant_be_read_has_all_looked_at(void **state)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct view x;

    view_begin(&x, sim_spec("web", 6, "good"));
    assert_true(sim_task_in(x.s, "web", 2, id, node));
    sim_put(x.s, key_task(SIM_CLUSTER, node, id), orc_strdup("{"));
    assert_false(is_kept(&x));
    assert_int_equal(x.v.at.n, 6);
    assert_true(x.v.at.at[2].unreadable);
    view_end(&x);
}

/* Those with one on each node, jobs, and those that rebalance by themselves are never kept. */
static void test_look__some_are_looked_at_always(void **state)
{
    for (int what = 0; what < 2; what++) {
        struct spec_service *w = sim_spec("web", what ? 4 : SPEC_REPLICAS_DEFAULT, "good");
        struct sim *s;

        w->global = what == 0;
        w->rebalance_auto = what == 1;
        s = sim_running(4, w);
        assert_null(core_service_find(s->core, "shop", "web")->kept);
        sim_free(s);
    }
}

/* ---- and both agree */

static const struct slot *slot_of(const struct slots *v, int n)
{
    const struct slot *s;

    orc_vec_each (s, &v->at)
        if (s->n == n)
            return s;
    return NULL;
}

static void assert_same_lists(const struct slots *a, const struct slots *b)
{
    assert_int_equal(a->drop.n, b->drop.n);
    assert_int_equal(a->spare.n, b->spare.n);
    assert_int_equal(a->stopping.n, b->stopping.n);
    for (size_t i = 0; i < a->drop.n; i++)
        assert_ptr_equal(a->drop.at[i], b->drop.at[i]);
    for (size_t i = 0; i < a->spare.n; i++)
        assert_ptr_equal(a->spare.at[i], b->spare.at[i]);
    for (size_t i = 0; i < a->stopping.n; i++)
        assert_ptr_equal(a->stopping.at[i], b->stopping.at[i]);
}

/* Nothing is missing of what is looked at: what all of them give, less those that are well. */
static void assert_nothing_is_missing(struct view *x)
{
    struct slots all = {0};
    const struct slot *s;
    size_t left_out = 0;

    slots_build(&all, x->s->core, web(x), &x->r);
    orc_vec_each (s, &all.at) {
        const struct slot *mine = slot_of(&x->v, s->n);

        left_out += !mine;
        assert_true(mine || s->well);
        if (!mine)
            continue;
        assert_ptr_equal(mine->head, s->head);
        assert_ptr_equal(mine->old, s->old);
        assert_ptr_equal(mine->leaving, s->leaving);
        assert_int_equal(mine->class, s->class);
        assert_int_equal(mine->open, s->open);
        assert_int_equal(mine->well, s->well);
        assert_int_equal(mine->was_pending, s->was_pending);
    }
    assert_int_equal(left_out, x->v.well);
    assert_int_equal(slots_count_open(&x->v), slots_count_open(&all));
    assert_int_equal(slots_count_empty(&x->v), slots_count_empty(&all));
    assert_same_lists(&x->v, &all);
    slots_release(&all);
}

/* What becomes of one replica, by chance. */
static void happen(struct sim *s)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    int slot = (int)(sim_random(s) % 12);

    if (sim_task_in(s, "web", slot, id, node)) {
        orc_auto_free char *key = key_status(SIM_CLUSTER, node, id);

        if (sim_find(s, key) && sim_chance(s, 2))
            sim_sicken(s, "web", slot);
        else if (sim_find(s, key) && sim_chance(s, 2))
            sim_turn(s, "web", slot, TASK_FAILED, TASK_UNKNOWN, NULL);
    }
    if (sim_chance(s, 4))
        sim_alive(s, sim_chance(s, 2) ? "k1" : "k2", sim_chance(s, 2));
    if (sim_chance(s, 6))
        sim_policy(s, "k3", sim_chance(s, 2), sim_chance(s, 2));
    if (sim_chance(s, 10))
        sim_scale(s, "shop", "web", 8 + (int)(sim_random(s) % 5));
}

/* The cost follows the change, and what is decided is what looking at all of it would decide.
 */
static void test_look__in_any_history_nothing_is_missing(void **state)
{
    int kept = 0;

    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct view x = {.s = sim_running(4, sim_spec("web", 10, "good"))};

        x.s->random = seed * 7919;
        for (int i = 0; i < 40; i++) {
            orc_auto_free char *text = NULL;

            happen(x.s);
            free(sim_step(x.s));
            sim_act(x.s);
            x.s->now += sim_random(x.s) % 4000;
            text = record_rollout_text(sim_rollout(x.s, "shop", "web"));
            assert_int_equal(record_rollout_parse(text, strlen(text), &x.r, NULL), 0);
            kept += is_kept(&x);
            assert_nothing_is_missing(&x);
            slots_release(&x.v);
            x.v = (struct slots){0};
            record_rollout_release(&x.r);
            x.r = (struct record_rollout){0};
        }
        sim_free(x.s);
    }
    assert_true(kept > 100); /* it was about something */
}

/* A service that has no task at all, and of which some are waited for. */
static void test_look__slots_that_wait_are_there_without_any_task(void **state)
{
    struct view x;

    view_begin(&x, sim_spec("web", 2, "good"));
    sim_scale(x.s, "shop", "web", 0);
    sim_pass(x.s, 200000);
    x.r.replicas = 2;
    orc_vec_push(&x.r.pending, ((struct rollout_pending){.slot = 0, .reason = orc_strdup("memory")}));
    orc_vec_push(&x.r.pending, ((struct rollout_pending){.slot = 5, .reason = orc_strdup("memory")}));
    slots_build(&x.v, x.s->core, web(&x), &x.r);
    assert_int_equal(x.v.at.n, 2);
    assert_int_equal(x.v.at.at[0].n, 0);
    assert_int_equal(x.v.at.at[1].n, 5);
    assert_int_equal(slots_count_open(&x.v), 2);
    assert_int_equal(slots_count_empty(&x.v), 2);
    view_end(&x);
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
        cmocka_unit_test(test_look__what_is_well_is_not_looked_at),
        cmocka_unit_test(test_look__all_are_looked_at_when_anything_is_asked_for),
        cmocka_unit_test(test_look__of_a_service_that_heals_only_what_is_not_well),
        cmocka_unit_test(test_look__slots_that_wait_count_too),
        cmocka_unit_test(test_look__where_places_are_counted_one_that_is_not_well_has_all_looked_at),
        cmocka_unit_test(test_look__a_task_that_cant_be_read_has_all_looked_at),
        cmocka_unit_test(test_look__some_are_looked_at_always),
        cmocka_unit_test(test_look__in_any_history_nothing_is_missing),
        cmocka_unit_test(test_look__slots_that_wait_are_there_without_any_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
