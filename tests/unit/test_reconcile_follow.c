/* Transactions that follow another (docs/decisions/0113-transactions-that-follow.md): whichever of them are
 * done, what is there is right, and goes on. */
#include "tests/sim/sim.h"

#define MANY 150

static struct sim *asked(int nodes, int replicas)
{
    struct sim *s = sim_new();

    for (int i = 0; i < nodes; i++)
        sim_node(s, 64, 64000);
    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    return s;
}

static void decide(struct sim *s, struct plan *p)
{
    core_step(s->core, s->now, (int64_t)s->now, p);
}

/* ---- what a plan is like ------------------------------------------------------------------------------ */

static void test_follow__all_is_decided_in_one_step_and_the_record_comes_first(void **state)
{
    struct sim *s = asked(3, MANY);
    struct plan p = {0};
    int64_t highest = 0;
    int made = 0;

    decide(s, &p);
    assert_in_range(p.txns.n, 4, 5);
    for (size_t i = 0; i < p.txns.n; i++) {
        const struct plan_txn *t = &p.txns.at[i];
        const struct plan_op *op;

        assert_int_equal(t->follows, i > 0);
        orc_vec_each (op, &t->ops) {
            if (op->kind == PLAN_ROLLOUT_PUT) {
                assert_int_equal(i, 0);
                highest = op->other->rollout.attempts;
                continue;
            }
            assert_int_equal(op->kind, PLAN_TASK_CREATE);
            assert_int_equal(op->task.slot, made++);
        }
    }
    assert_int_equal(made, MANY);
    for (size_t i = 0; i < p.txns.n; i++)
        for (size_t k = 0; k < p.txns.at[i].ops.n; k++)
            if (!p.txns.at[i].ops.at[k].other)
                assert_true(p.txns.at[i].ops.at[k].task.attempt <= highest);
    core_retry(s->core, &p.txns.at[0]);
    plan_release(&p);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), MANY);
    sim_free(s);
}

static void test_follow__nothing_is_sent_after_one_that_was_refused(void **state)
{
    struct sim *s = asked(3, MANY);
    struct plan p = {0};

    decide(s, &p);
    sim_scale(s, "shop", "web", MANY); /* the app's key moves on */
    for (size_t i = 0; i < p.txns.n; i++)
        assert_false(sim_commit(s, &p.txns.at[i]));
    assert_int_equal(sim_keys(s, KEY_TASK), 0);
    plan_release(&p);
    sim_free(s);
}

/* A follower does not say what the record says: only its own guards hold it back. */
static void test_follow__each_has_guards_of_its_own(void **state)
{
    for (int what = 0; what < 4; what++) {
        struct sim *s = asked(3, MANY);
        struct plan p = {0};
        int done = 0, tasks;

        decide(s, &p);
        assert_true(sim_commit(s, &p.txns.at[0]));
        tasks = sim_keys(s, KEY_TASK);
        if (what == 0)
            sim_policy(s, "k1", true, false);
        else if (what == 1)
            sim_alive(s, "k1", false);
        else if (what == 2)
            sim_scale(s, "shop", "web", 1);
        for (size_t i = 1; i < p.txns.n; i++)
            done += sim_commit(s, &p.txns.at[i]);
        assert_int_equal(done, what == 3 ? (int)p.txns.n - 1 : 0);
        assert_int_equal(sim_keys(s, KEY_TASK), what == 3 ? MANY : tasks);
        plan_release(&p);
        sim_free(s);
    }
}

static void test_follow__a_task_that_is_there_already_is_not_written_over(void **state)
{
    struct sim *s = asked(1, MANY);
    struct plan p = {0};

    decide(s, &p);
    for (size_t i = 0; i < p.txns.n; i++)
        assert_true(sim_commit(s, &p.txns.at[i]));
    s->head = true;
    for (size_t i = 1; i < p.txns.n; i++) /* an answer that was lost, and all sent again */
        assert_false(sim_commit(s, &p.txns.at[i]));
    assert_int_equal(sim_keys(s, KEY_TASK), MANY);
    plan_release(&p);
    sim_free(s);
}

/* Tasks that replace one are made where that one is told to go, so at most so many at once. */
static void test_follow__only_tasks_of_empty_slots_are_made_in_one_that_follows(void **state)
{
    struct sim *s = asked(4, MANY);
    struct plan p = {0};

    sim_settle(s);
    sim_alive(s, "k1", false);
    sim_settle(s);
    s->now = core_next(s->core);
    sim_scale(s, "shop", "web", 2 * MANY);
    decide(s, &p);
    assert_true(p.txns.n > 2);
    for (size_t i = 0; i < p.txns.n; i++) {
        const struct plan_op *op;

        orc_vec_each (op, &p.txns.at[i].ops)
            if (p.txns.at[i].follows) {
                assert_int_equal(op->kind, PLAN_TASK_CREATE);
                assert_true(op->task.slot >= MANY);
            }
    }
    core_retry(s->core, NULL);
    plan_release(&p);
    sim_pass(s, 30000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 2 * MANY);
    sim_free(s);
}

/* A slot that waited keeps its number until its task is there: the record goes on to name it. */
static void test_follow__a_slot_that_waited_is_named_until_it_has_its_task(void **state)
{
    struct sim *s = asked(0, MANY);
    const struct record_rollout *r;
    struct plan p = {0};
    int tasks;

    sim_settle(s);
    assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, MANY);
    sim_node(s, 64, 64000);
    decide(s, &p);
    assert_true(p.txns.n > 2);
    assert_true(sim_commit(s, &p.txns.at[0]));
    tasks = sim_keys(s, KEY_TASK);
    r = sim_rollout(s, "shop", "web");
    assert_int_equal((int)r->pending.n + tasks, MANY);
    assert_int_equal(r->pending.at[0].slot, tasks);
    plan_release(&p);
    sim_settle(s);
    assert_int_equal(sim_rollout(s, "shop", "web")->pending.n, 0);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* ---- any of them --------------------------------------------------------------------------------------- */

struct seen { /* attempts ever used */
    int64_t attempt;
    UT_hash_handle hh;
};

struct history {
    struct sim *s;
    struct seen *seen;
    uint64_t seed;
};

static void note_made(struct history *h, const struct plan_txn *t)
{
    const struct plan_op *op;

    orc_vec_each (op, &t->ops) {
        int64_t n = op->task.attempt;
        struct seen *x = NULL;

        if (op->kind != PLAN_TASK_CREATE)
            continue;
        HASH_FIND(hh, h->seen, &n, sizeof n, x);
        if (x)
            fail_msg("seed %llu: attempt %lld was made twice", (unsigned long long)h->seed, (long long)n);
        x = orc_new(struct seen);
        x->attempt = n;
        HASH_ADD(hh, h->seen, attempt, sizeof n, x);
    }
}

/* One owner per slot, and no node above its capacity. */
static void check(struct history *h)
{
    int64_t used[16] = {0};
    bool taken[4 * MANY] = {false};
    struct sim_kv *kv, *next;

    HASH_ITER (hh, h->s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);
        const struct record_status *st = t ? sim_status_of(h->s, kv) : NULL;

        if (!t || (st && st->state >= TASK_STOPPED))
            continue;
        used[atoi(kv->parsed.node + 1)] += t->resources.cpus_nano;
        if (t->desired != TASK_RUN)
            continue;
        if (taken[t->slot])
            fail_msg("seed %llu: slot %d has two tasks", (unsigned long long)h->seed, t->slot);
        taken[t->slot] = true;
    }
    for (int i = 0; i < 16; i++)
        assert_true(used[i] <= INT64_C(8000000000));
}

/* Each that follows is done or not, or none after the first that isn't: a leader died, an answer was lost. */
static void commit_some(struct history *h, const struct plan *p, bool prefix)
{
    bool stopped = false;

    for (size_t i = 0; i < p->txns.n; i++) {
        const struct plan_txn *t = &p->txns.at[i];
        bool lost = stopped || sim_chance(h->s, 3);

        stopped = prefix && lost;
        if (!t->follows && lost)
            h->s->head = false;
        if (!lost && sim_commit(h->s, t))
            note_made(h, t);
        else
            core_retry(h->s->core, t);
    }
}

static void act(struct history *h, int nodes)
{
    char name[16];

    snprintf(name, sizeof name, "k%d", 1 + (int)(sim_random(h->s) % (uint64_t)nodes));
    switch (sim_random(h->s) % 7) {
    case 0:
    case 1:
        sim_scale(h->s, "shop", "web", (int)(sim_random(h->s) % (2 * MANY)));
        break;
    case 2:
        sim_alive(h->s, name, !sim_node_is_alive(h->s, name));
        break;
    case 3:
        sim_new_leader(h->s);
        break;
    case 4:
        h->s->now += 4000;
        break;
    default:
        sim_act(h->s);
    }
}

static void heal_all(struct history *h, int nodes)
{
    for (int k = 1; k <= nodes; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        if (!sim_node_is_alive(h->s, name))
            sim_alive(h->s, name, true);
    }
    sim_scale(h->s, "shop", "web", MANY);
    sim_pass(h->s, 600000);
}

/* The lowest numbers: whatever was done of what, no slot was skipped for good (behaviours 35, 36). */
static void check_rest(struct history *h)
{
    struct sim_kv *kv, *next;
    int n = 0;

    HASH_ITER (hh, h->s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);

        n += t && t->desired == TASK_RUN;
    }
    assert_int_equal(n, MANY);
    assert_int_equal(sim_count(h->s, (struct sim_want){.service = "web", .available = true}), MANY);
    assert_rollout(h->s, "shop", "web", "complete", 1, NULL);
}

static void run(uint64_t seed)
{
    struct history h = {.s = sim_new(), .seed = seed};
    int nodes = 3 + (int)(seed % 4);
    struct seen *x, *next;

    h.s->random = seed;
    for (int i = 0; i < nodes; i++)
        sim_node(h.s, 8, 64000);
    sim_apply(h.s, "shop", 1, sim_spec("web", MANY, "good"));
    for (int i = 0; i < 20; i++) {
        struct plan p = {0};

        decide(h.s, &p);
        commit_some(&h, &p, seed % 2);
        plan_release(&p);
        check(&h);
        act(&h, nodes);
    }
    heal_all(&h, nodes);
    check(&h);
    check_rest(&h);
    HASH_ITER (hh, h.seen, x, next) {
        HASH_DEL(h.seen, x);
        free(x);
    }
    sim_free(h.s);
}

static void test_follow__whichever_are_done_all_is_right_and_goes_on(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++)
        run(seed);
}

/* ---- how much at once ---------------------------------------------------------------------------------- */

static void test_follow__a_step_takes_no_more_in_than_is_good(void **state)
{
    struct sim *s = sim_new();
    struct plan p = {0};
    size_t made = 0;

    for (int i = 0; i < 200; i++)
        sim_node(s, 64, 64000);
    for (int i = 0; i < 5; i++) {
        char name[16];

        snprintf(name, sizeof name, "s%d", i);
        sim_apply(s, "shop", 1, sim_spec(name, 5000, "good"));
    }
    decide(s, &p);
    for (size_t i = 0; i < p.txns.n; i++)
        made += p.txns.at[i].ops.n - !p.txns.at[i].follows;
    assert_int_equal(made, 20000);
    for (size_t i = 0; i < p.txns.n; i++)
        assert_true(sim_commit(s, &p.txns.at[i]));
    plan_release(&p);
    free(sim_step(s));
    assert_int_equal(sim_keys(s, KEY_TASK), 25000);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follow__all_is_decided_in_one_step_and_the_record_comes_first),
        cmocka_unit_test(test_follow__nothing_is_sent_after_one_that_was_refused),
        cmocka_unit_test(test_follow__each_has_guards_of_its_own),
        cmocka_unit_test(test_follow__a_task_that_is_there_already_is_not_written_over),
        cmocka_unit_test(test_follow__only_tasks_of_empty_slots_are_made_in_one_that_follows),
        cmocka_unit_test(test_follow__a_slot_that_waited_is_named_until_it_has_its_task),
        cmocka_unit_test(test_follow__whichever_are_done_all_is_right_and_goes_on),
        cmocka_unit_test(test_follow__a_step_takes_no_more_in_than_is_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
