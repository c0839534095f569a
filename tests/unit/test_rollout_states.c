/* The states of a rollout and what moves it from one to another: every state against every event. */
#include "tests/sim/rolling.h"

/* ---- a service in each state ------------------------------------------------------------------------- */

#define BASE .replicas = 3

static struct sim *complete(void)
{
    return deployed(4, (struct want){BASE});
}

static struct sim *updating(void)
{
    struct sim *s = complete();

    update(s, 2, (struct want){BASE, .image = "stuck"});
    sim_settle(s);
    return s;
}

static struct sim *canary(void)
{
    struct sim *s = complete();

    update(s, 2, (struct want){BASE, .canary = 1});
    sim_pass(s, 10000);
    return s;
}

static struct sim *healing(void)
{
    struct sim *s = complete();

    sim_turn(s, "web", 1, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_decide(s);
    return s;
}

static struct sim *paused_by_failure(void)
{
    struct sim *s = complete();

    update(s, 2, (struct want){BASE, .image = "missing"});
    sim_pass(s, 10000);
    return s;
}

static struct sim *paused_by_people(void)
{
    struct sim *s = updating();

    sim_order(s, "web", INTENT_PAUSE, 2);
    sim_decide(s);
    return s;
}

static struct sim *going_back(const char *old_image)
{
    struct sim *s = complete();

    spoil(s, old_image); /* what is started of version 1 from now on */
    update(s, 2, (struct want){BASE, .image = "sick", .action = SPEC_ON_FAILURE_ROLLBACK});
    sim_pass(s, 2000);
    return s;
}

static struct sim *rolling_back(void)
{
    return going_back("stuck");
}

static struct sim *paused_going_back(void)
{
    struct sim *s = rolling_back();

    sim_order(s, "web", INTENT_PAUSE, 2);
    sim_decide(s);
    return s;
}

static struct sim *rolled_back(void)
{
    struct sim *s = going_back("good");

    sim_pass(s, 10000);
    return s;
}

static struct sim *failed(void)
{
    return going_back("missing");
}

static struct sim *removing(void)
{
    struct sim *s = complete();

    sim_rm(s, "shop");
    sim_decide(s);
    return s;
}

/* ---- the events -------------------------------------------------------------------------------------- */

static void same_again(struct sim *s)
{
    orc_auto_free char *key = key_app(SIM_CLUSTER, "shop");
    struct sim_kv *kv = sim_find(s, key);

    if (kv)
        sim_put(s, orc_strdup(key), orc_strdup(kv->value->text));
}

static void new_spec(struct sim *s)
{
    update(s, 3, (struct want){BASE, .image = "stuck"});
}

static void restart(struct sim *s)
{
    sim_restart(s, "shop", "web", 1);
}

static int64_t wanted(struct sim *s)
{
    return sim_rollout(s, "shop", "web")->wanted;
}

static void pause_it(struct sim *s)
{
    sim_order(s, "web", INTENT_PAUSE, wanted(s));
}

static void resume(struct sim *s)
{
    sim_order(s, "web", INTENT_RESUME, wanted(s));
}

static void abort_it(struct sim *s)
{
    sim_order(s, "web", INTENT_ABORT, wanted(s));
}

static void stale(struct sim *s)
{
    sim_order(s, "web", INTENT_PAUSE, wanted(s) - 1);
    sim_order(s, "web", INTENT_ABORT, wanted(s) + 1);
}

static void scale(struct sim *s)
{
    orc_auto_free char *key = key_app(SIM_CLUSTER, "shop");

    if (sim_find(s, key))
        sim_scale(s, "shop", "web", 5);
}

static void node_silent(struct sim *s)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    if (sim_task_in(s, "web", 2, id, node))
        sim_alive(s, node, false);
}

static void new_leader(struct sim *s)
{
    sim_new_leader(s);
}

static void remove_it(struct sim *s)
{
    orc_auto_free char *key = key_app(SIM_CLUSTER, "shop");

    if (sim_find(s, key))
        sim_rm(s, "shop");
}

/* ---- the table --------------------------------------------------------------------------------------- */

static const struct event {
    const char *name;
    void (*happens)(struct sim *s);
} events[] = {
    {"same again", same_again},   {"new spec", new_spec},     {"restart", restart},  {"pause", pause_it},
    {"resume", resume},           {"abort", abort_it},        {"stale", stale},      {"scale", scale},
    {"node silent", node_silent}, {"new leader", new_leader}, {"remove", remove_it},
};

#define STAYS NULL

/* The state right after the event, before any node has done anything: "state target", in the order of the
 * events. */
static const struct row {
    const char *name;
    struct sim *(*make)(void);
    const char *is;
    const char *then[ORC_ARRAY_SIZE(events)];
} rows[] = {
    {"updating",
     updating,
     "updating 2",
     {STAYS, "updating 3", "updating 2", "paused 2", STAYS, "rolling-back 1", STAYS, STAYS, STAYS, STAYS,
      "removing 2"}},
    {"canary",
     canary,
     "canary 2",
     {STAYS, "updating 3", "updating 2", "paused 2", "updating 2", "rolling-back 1", STAYS, STAYS, STAYS,
      STAYS, "removing 2"}},
    {"complete",
     complete,
     "complete 1",
     {STAYS, "updating 3", "updating 1", STAYS, STAYS, STAYS, STAYS, "updating 1", "healing 1", STAYS,
      "removing 1"}},
    {"healing",
     healing,
     "healing 1",
     {STAYS, "updating 3", "updating 1", STAYS, STAYS, STAYS, STAYS, "updating 1", STAYS, STAYS,
      "removing 1"}},
    {"paused by failure",
     paused_by_failure,
     "paused 2",
     {STAYS, "updating 3", "updating 2", STAYS, "updating 2", "rolled-back 1", STAYS, STAYS, STAYS, STAYS,
      "removing 2"}},
    {"paused by people",
     paused_by_people,
     "paused 2",
     {STAYS, "updating 3", "updating 2", STAYS, "updating 2", "rolling-back 1", STAYS, STAYS, STAYS, STAYS,
      "removing 2"}},
    {"paused going back",
     paused_going_back,
     "paused 1",
     {STAYS, "updating 3", "updating 2", STAYS, "rolling-back 1", "rolling-back 1", STAYS, STAYS, STAYS,
      STAYS, "removing 1"}},
    {"rolling back",
     rolling_back,
     "rolling-back 1",
     {STAYS, "updating 3", "updating 2", "paused 1", STAYS, STAYS, STAYS, STAYS, STAYS, STAYS, "removing 1"}},
    {"rolled back",
     rolled_back,
     "rolled-back 1",
     {STAYS, "updating 3", "updating 2", STAYS, STAYS, STAYS, STAYS, STAYS, STAYS, STAYS, "removing 1"}},
    {"failed",
     failed,
     "failed 1",
     {STAYS, "updating 3", "updating 2", STAYS, "rolling-back 1", STAYS, STAYS, STAYS, STAYS, STAYS,
      "removing 1"}},
    {"removing",
     removing,
     "removing 1",
     {STAYS, "updating 3", STAYS, STAYS, STAYS, STAYS, STAYS, STAYS, STAYS, STAYS, STAYS}},
};

static void assert_state(struct sim *s, const char *is, const char *what, const char *event)
{
    const struct record_rollout *r = sim_rollout(s, "shop", "web");
    orc_auto_free char *now = orc_printf("%s %lld", rollout_state_name(r->state), (long long)r->target);

    if (strcmp(now, is) != 0)
        fail_msg("%s, then %s: it is \"%s\" and shall be \"%s\": %s", what, event, now, is,
                 r->reason ? r->reason : "");
}

static char *plan_of_new_leader(struct sim *s)
{
    struct plan p = {0};
    struct core *mine = s->core;
    char *text;

    s->core = NULL;
    sim_new_leader(s);
    core_step(s->core, s->now, (int64_t)s->now, &p);
    text = plan_text(&p);
    plan_release(&p);
    core_free(s->core);
    s->core = mine;
    return text;
}

/* Behaviours 47, 52, 55, 59: each state is stated and stored, each event leads to the one it should. The
 * events are level-triggered: a leader that has seen nothing happen decides the same whatever order it is fed
 * in; a second step is empty; and what was taken in once is not taken in again by another leader. */
static void test_states__every_state_against_every_event(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(events); k++) {
            const char *then = rows[i].then[k] ? rows[i].then[k] : rows[i].is;
            orc_auto_free char *first = NULL, *second = NULL;
            struct sim *s = rows[i].make();

            assert_state(s, rows[i].is, rows[i].name, "nothing");
            events[k].happens(s);
            first = plan_of_new_leader(s);
            second = plan_of_new_leader(s);
            assert_string_equal(first, second);
            sim_decide(s);
            assert_state(s, then, rows[i].name, events[k].name);
            sim_new_leader(s);
            sim_decide(s);
            assert_state(s, then, rows[i].name, events[k].name);
            sim_free(s);
        }
}

/* Whatever came before: when people want something that works, and everybody is back, it is reached. */
static void test_states__from_every_state_a_good_spec_is_reached(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(events); k++) {
            struct sim *s = rows[i].make();

            events[k].happens(s);
            sim_pass(s, 5000);
            for (int n = 1; n <= 4; n++) {
                char node[16];

                snprintf(node, sizeof node, "k%d", n);
                sim_alive(s, node, true);
            }
            update(s, 4, (struct want){BASE});
            sim_scale(s, "shop", "web", 3);
            sim_pass(s, 200000);
            assert_state(s, "complete 4", rows[i].name, events[k].name);
            assert_int_equal(sim_count(s, (struct sim_want){.available = true}), 3);
            assert_null(sim_rollout(s, "shop", "web")->reason);
            sim_free(s);
        }
}

/* Two events at once, in both orders of being written and of being fed: the spec wins. */
static void test_states__a_new_spec_supersedes_what_people_wanted_of_the_old(void **state)
{
    static const enum intent_action actions[] = {INTENT_PAUSE, INTENT_RESUME, INTENT_ABORT};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows) - 1; i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(actions); k++)
            for (int spec_first = 0; spec_first < 2; spec_first++) {
                struct sim *s = rows[i].make();
                int64_t about = wanted(s);

                if (spec_first)
                    new_spec(s);
                sim_order(s, "web", actions[k], about);
                if (!spec_first)
                    new_spec(s);
                sim_decide(s);
                assert_state(s, "updating 3", rows[i].name, intent_action_name(actions[k]));
                sim_free(s);
            }
}

/* A job's runs are begun anew by a revision or a restart, and are not paused. */
static void test_states__a_job_takes_no_orders(void **state)
{
    for (int action = INTENT_PAUSE; action <= INTENT_ABORT; action++) {
        struct sim *s = sim_of(2);
        struct spec_service *w = sim_spec("web", 2, "good");

        w->job = true;
        w->restart = SPEC_RESTART_NO;
        w->health.kind = SPEC_HEALTH_NONE;
        sim_apply(s, "shop", 1, w);
        sim_settle(s);
        sim_order(s, "web", (enum intent_action)action, 1);
        sim_decide(s);
        assert_state(s, "updating 1", "a job", intent_action_name((enum intent_action)action));
        sim_free(s);
    }
}

/* ---- every order of feeding -------------------------------------------------------------------------- */

#define KEYS_MAX 8

/* What is the service's alone, in the order of the keys, into at; the rest is fed. */
static size_t feed_all_but(struct sim *s, struct core *c, struct sim_kv *at[KEYS_MAX])
{
    struct sim_kv *kv, *next;
    size_t n = 0;

    HASH_SORT(s->kvs, sim_by_key);
    HASH_ITER (hh, s->kvs, kv, next) {
        enum key_kind k = kv->parsed.kind;

        if (k == KEY_APP || k == KEY_REVISION || k == KEY_ROLLOUT || k == KEY_INTENT) {
            assert_in_range(n, 0, KEYS_MAX - 1);
            at[n++] = kv;
        } else {
            sim_feed(s, c, kv);
        }
    }
    return n;
}

static char *plan_of_order(struct sim *s, const size_t *order)
{
    struct core *c = core_new();
    struct sim_kv *at[KEYS_MAX];
    struct plan p = {0};
    size_t n = feed_all_but(s, c, at);
    char *text;

    for (size_t i = 0; i < n; i++)
        sim_feed(s, c, at[order[i]]);
    core_lead(c);
    core_step(c, s->now, (int64_t)s->now, &p);
    text = plan_text(&p);
    plan_release(&p);
    core_free(c);
    return text;
}

/* The next permutation in order of numbers; false: that was the last. */
static bool permute(size_t *order, size_t n)
{
    size_t i = n - 1, k = n - 1, x;

    while (i > 0 && order[i - 1] > order[i])
        i--;
    if (i == 0)
        return false;
    while (order[k] < order[i - 1])
        k--;
    x = order[i - 1], order[i - 1] = order[k], order[k] = x;
    for (k = n - 1; i < k; i++, k--)
        x = order[i], order[i] = order[k], order[k] = x;
    return true;
}

/* App, revisions, rollout and intent come in any order: one plan. */
static void test_states__every_order_of_feeding_gives_one_plan(void **state)
{
    static void (*const happens[])(struct sim *) = {pause_it, abort_it};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows) - 1; i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(happens); k++) {
            struct sim *s = rows[i].make();
            size_t order[KEYS_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
            orc_auto_free char *first = NULL;
            struct core *c = core_new();
            struct sim_kv *at[KEYS_MAX];
            size_t n;

            happens[k](s);
            n = feed_all_but(s, c, at);
            core_free(c);
            first = plan_of_order(s, order);
            while (permute(order, n)) {
                orc_auto_free char *text = plan_of_order(s, order);

                if (strcmp(text, first) != 0)
                    fail_msg("%s: two orders, two plans:\n%s---\n%s", rows[i].name, first, text);
            }
            sim_free(s);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states__every_state_against_every_event),
        cmocka_unit_test(test_states__from_every_state_a_good_spec_is_reached),
        cmocka_unit_test(test_states__a_job_takes_no_orders),
        cmocka_unit_test(test_states__every_order_of_feeding_gives_one_plan),
        cmocka_unit_test(test_states__a_new_spec_supersedes_what_people_wanted_of_the_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
