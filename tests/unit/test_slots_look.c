/* scheduler/slots: what of a service is looked at instead of all of it, in which nothing that matters may be
 * missing.
 */
#include "scheduler/slots.h"
#include "tests/sim/sim.h"

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
