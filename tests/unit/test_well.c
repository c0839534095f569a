/* A service that is complete and at rest is not looked at slot by slot when only records change: whatever
 * does matter to it is decided as by a core that has just been fed with everything. */
#include "scheduler/model.h"
#include "tests/sim/sim.h"

#define REPLICAS 4

static struct spec_service *spec(const char *image)
{
    struct spec_service *w = sim_spec("web", REPLICAS, image);
    struct spec_constraint *k = orc_vec_add(&w->constraints);

    *k = (struct spec_constraint){orc_strdup("node.labels.disk"), false, orc_strdup("hdd")};
    return w;
}

static struct core_service *web(struct sim *s)
{
    return core_service_find(s->core, "shop", "web");
}

static bool is_well(struct sim *s)
{
    const struct core_kept *k = web(s)->kept;

    return k && k->well == REPLICAS && !k->marked.n;
}

static struct sim *at_rest(void)
{
    struct sim *s = sim_running(5, spec("good"));

    assert_true(is_well(s));
    return s;
}

/* ---- what may change --------------------------------------------------------------------------------- */

static void nothing_but_a_generation(struct sim *s)
{
    sim_point(s, "shop", "web", 1);
}

static void scaled_up(struct sim *s)
{
    sim_scale(s, "shop", "web", REPLICAS + 3);
}

static void scaled_down(struct sim *s)
{
    sim_scale(s, "shop", "web", 1);
}

static void another_revision(struct sim *s)
{
    sim_apply(s, "shop", 2, spec("sick"));
}

static void restarted(struct sim *s)
{
    sim_restart(s, "shop", "web", 7);
}

static void removed(struct sim *s)
{
    sim_rm(s, "shop");
}

static void drained(struct sim *s)
{
    sim_policy(s, "k2", false, true);
}

static void cordoned(struct sim *s)
{
    sim_policy(s, "k2", true, false);
}

static void label_refuses(struct sim *s)
{
    struct record_node_policy p = {0};

    spec_pairs_add(&p.labels, "disk", "hdd");
    sim_put(s, key_node_policy(SIM_CLUSTER, "k1"), record_node_policy_text(&p));
    record_node_policy_release(&p);
}

static void failed(struct sim *s)
{
    sim_turn(s, "web", 2, TASK_FAILED, TASK_UNKNOWN, NULL);
}

static void unhealthy(struct sim *s)
{
    sim_sicken(s, "web", 0);
}

static void record_is_gone(struct sim *s)
{
    sim_del(s, key_rollout(SIM_CLUSTER, "shop", "web"));
}

/* As another leader might write it. */
static void rewrite(struct sim *s, void (*edit)(struct record_rollout *))
{
    const struct record_rollout *now = sim_rollout(s, "shop", "web");
    struct record_rollout r;

    if (!now)
        return;
    record_rollout_copy(now, &r);
    edit(&r);
    sim_put(s, key_rollout(SIM_CLUSTER, "shop", "web"), record_rollout_text(&r));
    record_rollout_release(&r);
}

static void stand_still(struct record_rollout *r)
{
    r->state = ROLLOUT_PAUSED;
}

static void fewer(struct record_rollout *r)
{
    r->available = r->updated = 1;
}

static void degrade(struct record_rollout *r)
{
    orc_set_str(&r->degraded, "web.0 fails");
    r->failures = 2;
}

static void give_reason(struct record_rollout *r)
{
    orc_set_str(&r->reason, "of before");
}

static void wait_for_a_slot(struct record_rollout *r)
{
    struct rollout_pending *p = orc_vec_add(&r->pending);

    p->slot = 9;
    p->reason = orc_strdup("no room");
}

static void other_epoch(struct record_rollout *r)
{
    r->restart_epoch = 3;
}

static void record_says_paused(struct sim *s)
{
    rewrite(s, stand_still);
}

static void record_counts_fewer(struct sim *s)
{
    rewrite(s, fewer);
}

static void record_says_degraded(struct sim *s)
{
    rewrite(s, degrade);
}

static void record_has_a_reason(struct sim *s)
{
    rewrite(s, give_reason);
}

static void record_waits_for_a_slot(struct sim *s)
{
    rewrite(s, wait_for_a_slot);
}

static void record_of_another_epoch(struct sim *s)
{
    rewrite(s, other_epoch);
}

/* Its tasks have not been seen yet. */
static void more_were_there(struct record_rollout *r)
{
    r->replicas = REPLICAS + 2;
}

static void the_next_was_reached(struct record_rollout *r)
{
    r->wanted = r->target = r->complete = 2;
}

static void scaled_by_another(struct sim *s)
{
    sim_scale(s, "shop", "web", REPLICAS + 2);
    rewrite(s, more_were_there);
}

static void updated_by_another(struct sim *s)
{
    sim_apply(s, "shop", 2, spec("crash"));
    rewrite(s, the_next_was_reached);
}

static void rebalanced(struct sim *s)
{
    sim_node(s, 8, 8000);
    sim_rebalance(s, "shop", "web", 0);
}

static const struct {
    const char *name;
    void (*change)(struct sim *);
} changes[] = {
#define ROW(x)                                                                                               \
    {                                                                                                        \
#x, x                                                                                                \
    }
    ROW(nothing_but_a_generation),
    ROW(scaled_up),
    ROW(scaled_down),
    ROW(another_revision),
    ROW(restarted),
    ROW(removed),
    ROW(drained),
    ROW(cordoned),
    ROW(label_refuses),
    ROW(failed),
    ROW(unhealthy),
    ROW(record_is_gone),
    ROW(record_says_paused),
    ROW(record_counts_fewer),
    ROW(record_says_degraded),
    ROW(record_has_a_reason),
    ROW(record_waits_for_a_slot),
    ROW(record_of_another_epoch),
    ROW(scaled_by_another),
    ROW(updated_by_another),
    ROW(rebalanced),
};

static char *decided(struct sim *s)
{
    struct plan p = {0};
    char *text;

    core_step(s->core, s->now, (int64_t)s->now, &p);
    text = plan_text(&p);
    plan_release(&p);
    return text;
}

static void expect_no_other(size_t first, size_t second)
{
    struct sim *s = at_rest();
    orc_auto_free char *grown = NULL, *fresh = NULL;

    changes[first].change(s);
    changes[second].change(s);
    grown = decided(s);
    core_retry(s->core, NULL);
    if (web(s)) {
        web(s)->kept = kept_free(web(s)->kept);
        web(s)->said_at = 0; /* counters are said only so often */
    }
    fresh = decided(s);
    if (strcmp(grown, fresh) != 0)
        fail_msg("%s, %s: decided\n%s\nby looking at all:\n%s", changes[first].name, changes[second].name,
                 grown, fresh);
    sim_free(s);
}

static void test_well__changes_are_decided_as_when_every_slot_is_looked_at(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(changes); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(changes); k++)
            expect_no_other(i, k);
}

static void test_well__it_stays_so_while_the_app_is_written_and_ends_with_what_matters(void **state)
{
    struct sim *s = at_rest();
    struct record_app app;

    for (int i = 0; i < 3; i++) {
        nothing_but_a_generation(s);
        sim_settle(s);
        assert_true(is_well(s));
        app = sim_app(s, "shop");
        assert_int_equal(sim_rollout(s, "shop", "web")->generation, app.generation);
        record_app_release(&app);
    }
    drained(s);
    assert_false(is_well(s));
    sim_pass(s, 120000);
    assert_true(is_well(s));
    failed(s);
    assert_false(is_well(s));
    sim_pass(s, 120000);
    assert_int_equal(sim_available(s, "web"), REPLICAS);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well__changes_are_decided_as_when_every_slot_is_looked_at),
        cmocka_unit_test(test_well__it_stays_so_while_the_app_is_written_and_ends_with_what_matters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
