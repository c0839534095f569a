/* scheduler/reconcile_ops: what a decision was made from is what its transaction is guarded by. Each kind of
 * decision against each thing that may happen between the step and its commit: it is refused where it would
 * no longer be right, and done where that doesn't matter. And how much one transaction holds.
 */
#include "scheduler/model.h"

#include "tests/sim/sim.h"

static void decide(struct sim *s, struct plan *p)
{
    core_step(s->core, s->now, (int64_t)s->now, p);
}

/* ---- decisions, each of one transaction, about shop/web of one replica on k1 */

static struct spec_service *web(const char *image, enum spec_order order)
{
    struct spec_service *w = sim_spec("web", 1, image);

    w->update.order = order;
    w->drain_timeout_ms = 0;
    return w;
}

/* Three nodes, of which only k1 takes anything. */
static struct sim *only_k1(void)
{
    struct sim *s = sim_of(3);

    sim_policy(s, "k1", false, false);
    sim_policy(s, "k2", true, false);
    sim_policy(s, "k3", true, false);
    sim_apply(s, "other", 1, sim_spec("db", 0, "good"));
    sim_settle(s);
    return s;
}

static struct sim *serving(enum spec_order order)
{
    struct sim *s = only_k1();

    sim_apply(s, "shop", 1, web("good", order));
    sim_pass(s, 120000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k1", .available = true}), 1);
    return s;
}

/* Its first task is made. */
static struct sim *first(void)
{
    struct sim *s = serving(SPEC_STOP_FIRST);

    sim_scale(s, "shop", "web", 0);
    sim_pass(s, 300000);
    sim_scale(s, "shop", "web", 1);
    return s;
}

/* A successor is made beside it. */
static struct sim *beside(void)
{
    struct sim *s = serving(SPEC_START_FIRST);

    sim_restart(s, "shop", "web", 1);
    return s;
}

/* It is stopped for an update. */
static struct sim *stopped(void)
{
    struct sim *s = serving(SPEC_STOP_FIRST);

    sim_restart(s, "shop", "web", 1);
    return s;
}

static struct sim *scaled(void)
{
    struct sim *s = serving(SPEC_STOP_FIRST);

    sim_scale(s, "shop", "web", 0);
    return s;
}

static bool commit(struct sim *s, const struct plan *p)
{
    bool all = true;

    for (size_t i = 0; i < p->txns.n; i++)
        if (!sim_commit(s, &p->txns.at[i])) {
            core_retry(s->core, &p->txns.at[i]);
            all = false;
        }
    return all;
}

/* Until that is what would be decided next. */
static void seek(struct sim *s, const char *what)
{
    for (int i = 0; i < 1000; i++) {
        orc_auto_free char *text = NULL;
        struct plan p = {0};
        bool found;

        decide(s, &p);
        text = plan_text(&p);
        found = strstr(text, what) != NULL;
        for (size_t k = 0; found && k < p.txns.n; k++)
            core_retry(s->core, &p.txns.at[k]);
        if (!found)
            commit(s, &p);
        plan_release(&p);
        if (found)
            return;
        if (!text[0] && sim_act(s) == 0)
            s->now = core_next(s->core);
    }
    fail_msg("\"%s\" is never decided", what);
}

/* Its node is given up; its successor serves on k2, and the task on k1 is told to go. */
static struct sim *lost(void)
{
    struct sim *s = serving(SPEC_STOP_FIRST);

    sim_policy(s, "k2", false, false);
    sim_alive(s, "k1", false);
    seek(s, "remove shop.web.0.");
    return s;
}

/* The deadline of a drain is over, and there is nowhere to go. */
static struct sim *forced(void)
{
    struct sim *s = serving(SPEC_STOP_FIRST);

    sim_drain(s, "k1", 10000);
    sim_pass(s, 9000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k1", .available = true}), 1);
    s->now += 1000;
    return s;
}

/* ... while it is silent, and given up. */
static struct sim *forced_and_lost(void)
{
    struct sim *s = serving(SPEC_STOP_FIRST);

    sim_drain(s, "k1", 10000);
    sim_pass(s, 1000);
    sim_alive(s, "k1", false);
    seek(s, "remove shop.web.0.");
    assert_true(core_node_find(s->core, "k1")->forced);
    return s;
}

/* ---- what happens before it is committed */

static void nothing(struct sim *s)
{
}

static void beats(struct sim *s) /* or is back */
{
    sim_alive(s, "k1", true);
}

static void falls_silent(struct sim *s)
{
    sim_alive(s, "k1", false);
}

static void registers_anew(struct sim *s)
{
    sim_alive(s, "k1", false);
    sim_alive(s, "k1", true);
}

static void is_cordoned(struct sim *s)
{
    sim_policy(s, "k1", true, false);
}

static void policy_goes(struct sim *s)
{
    sim_del(s, key_node_policy(SIM_CLUSTER, "k1"));
}

static void others_change(struct sim *s)
{
    sim_alive(s, "k3", false);
    sim_policy(s, "k3", false, true);
    sim_scale(s, "other", "db", 3);
}

static void app_is_written(struct sim *s)
{
    struct record_app a = sim_app(s, "shop");

    sim_app_put(s, "shop", &a);
}

/* Written again as it is. */
static void touch(struct sim *s, char *key)
{
    struct sim_kv *kv = sim_find(s, key);

    if (kv)
        sim_put(s, key, orc_strdup(kv->value->text));
    else
        free(key);
}

static void rollout_is_written(struct sim *s)
{
    touch(s, key_rollout(SIM_CLUSTER, "shop", "web"));
}

/* That on k1 which runs. */
static void task_is_written(struct sim *s)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    if (sim_task_in(s, "web", 0, id, node) && strcmp(node, "k1") == 0)
        touch(s, key_task(SIM_CLUSTER, node, id));
}

static void status_is_written(struct sim *s)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];

    if (sim_task_in(s, "web", 0, id, node))
        touch(s, key_status(SIM_CLUSTER, node, id));
}

/* ---- all of it against all of it */

typedef struct sim *(*begin_fn)(void);
typedef void (*happens_fn)(struct sim *s);

static const happens_fn happenings[] = {
    nothing,       beats,          falls_silent,       registers_anew,  is_cordoned,      policy_goes,
    others_change, app_is_written, rollout_is_written, task_is_written, status_is_written};

static const struct {
    begin_fn begin;
    const char *says;
    const char *refused; /* a letter for each happening: x refused, . done */
} decisions[] = {
    {first, "create shop.web.0.", "..xxxx.xx.."},
    {beside, "create shop.web.0.", "..xxxx.xx.."},
    {stopped, "remove shop.web.0.", ".......xxx."},
    {scaled, "remove shop.web.0.", ".......xxx."},
    {lost, "remove shop.web.0.", ".x.x...xxx."},
    {forced, "remove shop.web.0.", "....xx.xxx."},
    {forced_and_lost, "remove shop.web.0.", ".x.xxx.xxx."},
};

/* The transaction of shop/web, which alone is sent. */
static const struct plan_txn *txn_of_web(const struct plan *p)
{
    const struct plan_txn *t, *of = NULL;

    orc_vec_each (t, &p->txns)
        if (strcmp(t->service, "web") == 0) {
            assert_null(of);
            of = t;
        }
    assert_non_null(of);
    return of;
}

static bool is_refused(begin_fn begin, const char *says, happens_fn happens)
{
    struct sim *s = begin();
    struct plan p = {0};
    orc_auto_free char *text = NULL;
    bool done;

    decide(s, &p);
    text = plan_text(&p);
    if (!strstr(text, says))
        fail_msg("not \"%s\" is decided, but:\n%s", says, text);
    happens(s);
    done = sim_commit(s, txn_of_web(&p));
    plan_release(&p);
    sim_free(s);
    return !done;
}

/* Behaviours 78, 84. */
static void test_guards__what_a_decision_was_made_from_holds_when_it_is_done(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(decisions); i++) {
        char refused[ORC_ARRAY_SIZE(happenings) + 1] = {0};

        for (size_t k = 0; k < ORC_ARRAY_SIZE(happenings); k++)
            refused[k] = is_refused(decisions[i].begin, decisions[i].says, happenings[k]) ? 'x' : '.';
        assert_string_equal(refused, decisions[i].refused);
    }
}

/* Where a task of the same step goes is guarded too, beside the node that it leaves. */
static void test_guards__the_place_of_a_successor_is_guarded_beside_the_node_that_was_lost(void **state)
{
    static const char *const what[] = {"policy", "alive", "nothing"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(what); i++) {
        struct sim *s = lost();
        struct plan p = {0};

        decide(s, &p);
        if (i == 0)
            sim_policy(s, "k2", true, false);
        else if (i == 1)
            sim_alive(s, "k2", false);
        assert_int_equal(sim_commit(s, txn_of_web(&p)), i == 2);
        plan_release(&p);
        sim_free(s);
    }
}

/* Whatever was refused is decided anew from what is there now, and comes to its end. */
static void test_guards__what_was_refused_is_decided_anew(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(decisions); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(happenings); k++) {
            struct sim *s = decisions[i].begin();
            struct plan p = {0};

            decide(s, &p);
            happenings[k](s);
            commit(s, &p);
            plan_release(&p);
            for (int n = 1; n <= 3; n++) {
                char name[16];

                snprintf(name, sizeof name, "k%d", n);
                sim_alive(s, name, true);
                sim_policy(s, name, false, false);
            }
            sim_pass(s, 900000);
            assert_int_equal(sim_available(s, "web"), decisions[i].begin != scaled);
            assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), decisions[i].begin != scaled);
            sim_free(s);
        }
}

/* ---- how much one transaction holds */

static struct spec_service *small(int replicas, enum spec_order order)
{
    struct spec_service *w = sim_spec("web", replicas, "good");

    w->limits = (struct spec_resources){0, SIM_MIB};
    w->update.parallelism = 0; /* all at once */
    w->update.order = order;
    return w;
}

/* The tasks of the next step's transactions: " 39+ 40+ 2-", made and told to go; done at once. */
static void add_step(struct sim *s, struct orc_buf *b)
{
    struct plan p = {0};

    decide(s, &p);
    for (size_t i = 0; i < p.txns.n; i++) {
        int made = 0, told = 0;
        const struct plan_op *op;

        orc_vec_each (op, &p.txns.at[i].ops) {
            made += op->kind == PLAN_TASK_CREATE;
            told += op->kind == PLAN_TASK_DESIRED;
        }
        assert_in_range(made + told, 0, PLAN_TASKS_MAX);
        if (made)
            orc_buf_printf(b, " %d+", made);
        if (told)
            orc_buf_printf(b, " %d-", told);
    }
    orc_buf_printf(b, ";");
    assert_true(commit(s, &p));
    plan_release(&p);
}

static void expect_steps(struct sim *s, const char *want)
{
    struct orc_buf b = ORC_BUF_INIT(1000);
    orc_auto_free char *text = NULL;

    for (int i = 0; i < 4; i++)
        add_step(s, &b);
    text = orc_buf_take(&b);
    for (size_t n = strlen(text); n > 1 && text[n - 2] == ';'; n--) /* nothing was left to decide */
        text[n - 1] = '\0';
    assert_string_equal(text, want);
}

/* The first leaves room for two, so that what replaces another is in one piece; the others are filled. */
static void test_full__made_in_one_step_and_as_few_transactions_as_hold_them(void **state)
{
    static const struct {
        int replicas;
        const char *steps;
    } cases[] = {
        {1, " 1+;"},          {38, " 38+;"},          {39, " 39+;"},
        {40, " 39+ 1+;"},     {78, " 39+ 39+;"},      {79, " 39+ 40+;"},
        {80, " 39+ 40+ 1+;"}, {119, " 39+ 40+ 40+;"}, {120, " 39+ 40+ 40+ 1+;"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct sim *s = sim_of(4);

        sim_apply(s, "shop", 1, small(cases[i].replicas, SPEC_STOP_FIRST));
        expect_steps(s, cases[i].steps);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), cases[i].replicas);
        sim_free(s);
    }
}

/* Who goes, or is replaced, goes with the record, which says what is promised: so step by step. */
static void test_full__told_to_go_in_as_many_steps_as_it_takes(void **state)
{
    static const struct {
        int replicas;
        const char *restarts, *beside, *closes;
    } cases[] = {
        {38, " 38-;", " 38+;", " 38-;"},
        {39, " 39-;", " 39+;", " 39-;"},
        {40, " 40-;", " 39+; 1+;", " 39-; 1-;"},
        {41, " 40-; 1-;", " 39+; 2+;", " 39-; 2-;"},
        {79, " 40-; 39-;", " 39+; 39+; 1+;", " 39-; 39-; 1-;"},
        {80, " 40-; 40-;", " 39+; 39+; 2+;", " 39-; 39-; 2-;"},
        {81, " 40-; 40-; 1-;", " 39+; 39+; 3+;", " 39-; 39-; 3-;"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        for (int what = 0; what < 3; what++) {
            struct sim *s =
                sim_running(4, small(cases[i].replicas, what == 1 ? SPEC_START_FIRST : SPEC_STOP_FIRST));

            if (what == 2)
                sim_scale(s, "shop", "web", 0);
            else
                sim_restart(s, "shop", "web", 1);
            expect_steps(s, what == 0 ? cases[i].restarts : what == 1 ? cases[i].beside : cases[i].closes);
            sim_free(s);
        }
}

/* What replaces and what fills, in one step: neither may take the room of what the record must hold together.
 */
static void test_full__filling_beside_replacing_comes_to_the_same_end(void **state)
{
    for (int sick = 36; sick <= 41; sick++) {
        struct sim *s = sim_running(4, small(45, SPEC_START_FIRST));

        for (int i = 0; i < sick; i++)
            sim_sicken(s, "web", i);
        sim_scale(s, "shop", "web", 60);
        for (int i = 0; i < 4; i++) {
            struct orc_buf b = ORC_BUF_INIT(1000); /* add_step() looks at the sizes */

            add_step(s, &b);
            orc_buf_release(&b);
        }
        sim_pass(s, 900000);
        assert_int_equal(sim_available(s, "web"), 60);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 60);
        sim_free(s);
    }
}

/* ---- which version */

/* Filled in one step, slots that are empty get no more of the new version than is to be tried. */
static void test_versions__one_step_makes_no_more_of_the_canary_than_there_shall_be(void **state)
{
    for (int canary = 1; canary <= 4; canary++) {
        struct sim *s = sim_running(3, sim_spec("web", 3, "good"));
        struct spec_service *w = sim_spec("web", 9, "good");
        orc_auto_free char *text = NULL;
        int made[3] = {0};
        struct sim_kv *kv, *next;

        w->canary = canary;
        w->stop_grace_period_ms = 7000;
        sim_apply(s, "shop", 2, w);
        sim_scale(s, "shop", "web", 9);
        text = sim_step(s);
        HASH_ITER (hh, s->kvs, kv, next)
            if (sim_task_of(kv) && sim_task_of(kv)->slot >= 3)
                made[sim_task_of(kv)->revision]++;
        assert_int_equal(made[2], canary);
        assert_int_equal(made[1], 6 - canary);
        sim_free(s);
    }
}

/* ---- what is dropped */

/* What comes back beside its successor has not failed: nothing counts against the service, and nothing waits.
 */
static void test_drop__a_surplus_is_no_failure(void **state)
{
    struct spec_service *w = sim_spec("web", 2, "good");
    const struct record_rollout *r;
    struct sim *s;
    struct sim_kv *kv, *next;
    int surplus = 0;

    w->disconnect_ms = 600000;
    s = sim_running(2, w);
    sim_alive(s, "k1", false);
    sim_pass(s, 30000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .node = "k2", .available = true}), 2);
    sim_alive(s, "k1", true);
    sim_decide(s);
    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);

        if (!t || t->desired == TASK_RUN)
            continue;
        surplus++;
        assert_int_equal(t->stop_kind, TASK_STOP_SURPLUS);
        assert_string_equal(t->stop_reason, "another task holds its slot");
    }
    assert_int_equal(surplus, 1);
    r = sim_rollout(s, "shop", "web");
    assert_int_equal(r->failed, 0);
    assert_int_equal(r->failures, 0);
    assert_int_equal(core_service_find(s->core, "shop", "web")->backoff_at, 0);
    sim_free(s);
}

/* A successor that failed counts once, and the next waits. */
static void test_drop__a_successor_that_failed_counts_once(void **state)
{
    static const struct {
        enum task_state state;
        enum task_health health;
        enum task_stop kind;
    } cases[] = {{TASK_FAILED, TASK_UNKNOWN, TASK_STOP_FAILED},
                 {TASK_RUNNING, TASK_UNHEALTHY, TASK_STOP_UNHEALTHY}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct spec_service *w = sim_spec("web", 2, "good");
        const struct record_rollout *r;
        struct record_status st = {0};
        orc_auto_free char *text = NULL;
        char id[KEY_TASK_MAX + 1] = "", node[KEY_NAME_MAX + 1] = "";
        struct sim_kv *kv, *next;
        struct sim *s;

        w->update.order = SPEC_START_FIRST;
        w->update.failure_action = SPEC_ON_FAILURE_CONTINUE;
        s = sim_running(2, w);
        sim_restart(s, "shop", "web", 1);
        text = sim_step(s);
        sim_act(s);
        HASH_ITER (hh, s->kvs, kv, next)
            if (sim_task_of(kv) && sim_task_of(kv)->restart_epoch == 1) {
                snprintf(id, sizeof id, "%s", kv->parsed.task);
                snprintf(node, sizeof node, "%s", kv->parsed.node);
            }
        assert_true(sim_status_copy(s, node, id, &st));
        st.state = cases[i].state;
        st.health = cases[i].health;
        sim_status(s, node, id, &st);
        record_status_release(&st);
        sim_decide(s);
        {
            orc_auto_free char *key = key_task(SIM_CLUSTER, node, id);
            const struct record_task *t = sim_task_of(sim_find(s, key));

            assert_int_equal(t->desired, TASK_REMOVE);
            assert_int_equal(t->stop_kind, cases[i].kind);
        }
        r = sim_rollout(s, "shop", "web");
        assert_int_equal(r->failed, 1);
        assert_int_equal(r->failures, 1);
        assert_true(core_service_find(s->core, "shop", "web")->backoff_at > s->now);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guards__what_a_decision_was_made_from_holds_when_it_is_done),
        cmocka_unit_test(test_guards__the_place_of_a_successor_is_guarded_beside_the_node_that_was_lost),
        cmocka_unit_test(test_guards__what_was_refused_is_decided_anew),
        cmocka_unit_test(test_full__made_in_one_step_and_as_few_transactions_as_hold_them),
        cmocka_unit_test(test_full__told_to_go_in_as_many_steps_as_it_takes),
        cmocka_unit_test(test_full__filling_beside_replacing_comes_to_the_same_end),
        cmocka_unit_test(test_versions__one_step_makes_no_more_of_the_canary_than_there_shall_be),
        cmocka_unit_test(test_drop__a_surplus_is_no_failure),
        cmocka_unit_test(test_drop__a_successor_that_failed_counts_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
