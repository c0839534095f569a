/* What a reason is about stands beside it, and nobody decides by words:
 * docs/decisions/0171-kinds-of-reasons.md */
#include "tests/sim/rolling.h"

/* ---- why a task stops -------------------------------------------------------------------------------- */

/* The kinds that stand in the store now, of tasks told to stop: "2 surplus". */
static char *kinds(const struct sim *s)
{
    struct orc_buf b = ORC_BUF_INIT(1000);
    int n[TASK_STOP_REMOVED + 1] = {0};
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = kv->parsed.kind == KEY_TASK ? sim_task_of(kv) : NULL;

        if (!t)
            continue;
        assert_int_equal(t->desired == TASK_RUN, t->stop_kind == TASK_STOP_NONE);
        assert_int_equal(t->desired == TASK_RUN, t->stop_reason == NULL);
        n[t->stop_kind]++;
    }
    for (enum task_stop k = TASK_STOP_FAILED; k <= TASK_STOP_REMOVED; k++)
        if (n[k])
            orc_buf_printf(&b, "%s%d %s", b.len ? ", " : "", n[k], task_stop_name(k));
    return orc_buf_take(&b);
}

static void node_of(struct sim *s, int slot, char ret[KEY_NAME_MAX + 1])
{
    char id[KEY_TASK_MAX + 1];

    assert_true(sim_task_in(s, "web", slot, id, ret));
}

static void scale_down(struct sim *s)
{
    sim_scale(s, "shop", "web", 1);
}

static void remove_it(struct sim *s)
{
    sim_rm(s, "shop");
}

static void update_it(struct sim *s)
{
    update(s, 2, (struct want){0});
}

static void restart_it(struct sim *s)
{
    sim_restart(s, "shop", "web", 1);
}

static void drain_one(struct sim *s)
{
    char node[KEY_NAME_MAX + 1];

    node_of(s, 1, node);
    sim_policy(s, node, false, true);
}

static void lose_one(struct sim *s)
{
    char node[KEY_NAME_MAX + 1];

    node_of(s, 1, node);
    sim_alive(s, node, false);
    sim_decide(s);
    s->now += 3600000;
}

static void sicken_one(struct sim *s)
{
    sim_sicken(s, "web", 1);
}

static void fail_one(struct sim *s)
{
    sim_turn(s, "web", 1, TASK_FAILED, TASK_UNKNOWN, NULL);
}

static const struct {
    void (*happens)(struct sim *s);
    const char *kinds;
} stops[] = {
    {scale_down, "2 surplus"},   {remove_it, "3 removed"},    {update_it, "1 updated"},
    {restart_it, "1 restarted"}, {drain_one, "1 drained"},    {lose_one, "1 lost"},
    {fail_one, "1 failed"},      {sicken_one, "1 unhealthy"},
};

static void test_reasons__a_task_that_shall_stop_says_what_for(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(stops); i++) {
        struct sim *s = deployed(4, (struct want){0});
        orc_auto_free char *before = kinds(s), *after = NULL;

        assert_string_equal(before, "");
        stops[i].happens(s);
        sim_decide(s);
        after = kinds(s);
        assert_string_equal(after, stops[i].kinds);
        sim_free(s);
    }
}

/* A single replica stopped for `kind` with these words, by whoever; what its successor counts. */
static int restarts_after(const char *reason, const char *kind_member)
{
    struct sim *s = deployed(2, (struct want){.replicas = 1});
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *key = NULL, *text = NULL;
    const struct record_task *made = NULL;
    struct record_task t = {0};
    struct sim_kv *kv, *next;
    int restarts;

    assert_true(sim_task_in(s, "web", 0, id, node));
    key = key_task(SIM_CLUSTER, node, id);
    assert_int_equal(
        record_task_parse(sim_find(s, key)->value->text, strlen(sim_find(s, key)->value->text), &t, NULL), 0);
    text = orc_printf("{\"app\":\"shop\",\"service\":\"web\",\"slot\":0,\"attempt\":%lld,\"revision\":1,"
                      "\"container_hash\":\"%s\",\"desired\":\"remove\",\"address\":\"%s\",\"stop_reason\":"
                      "\"%s\"%s}",
                      (long long)t.attempt, t.container_hash, t.address, reason, kind_member);
    record_task_release(&t);
    sim_put_at(s, key, text);
    sim_pass(s, 60000);
    HASH_ITER (hh, s->kvs, kv, next)
        if (kv->parsed.kind == KEY_TASK && sim_task_of(kv)->desired == TASK_RUN)
            made = sim_task_of(kv);
    assert_non_null(made);
    restarts = made->restarts;
    sim_free(s);
    return restarts;
}

static void test_reasons__whether_a_stop_was_a_failure_is_told_by_its_kind_alone(void **state)
{
    assert_int_equal(restarts_after("unhealthy: HTTP 503", ",\"stop_kind\":\"unhealthy\""), 1);
    assert_int_equal(restarts_after("in other words", ",\"stop_kind\":\"unhealthy\""), 1);
    assert_int_equal(restarts_after("in other words", ",\"stop_kind\":\"failed\""), 1);
    assert_int_equal(restarts_after("failed-over to another", ",\"stop_kind\":\"surplus\""), 0);
    assert_int_equal(restarts_after("unhealthy: no", ",\"stop_kind\":\"updated\""), 0);
    assert_int_equal(restarts_after("unhealthy: HTTP 503", ""), 0); /* of an earlier version */
}

/* ---- what a rollout says ----------------------------------------------------------------------------- */

static const char *topic(struct sim *s)
{
    const struct record_rollout *r = sim_rollout(s, "shop", "web");

    assert_int_equal(r->reason == NULL, r->reason_kind == ROLLOUT_SAYS_NOTHING);
    return rollout_topic_name(r->reason_kind);
}

static void test_reasons__a_rollout_says_what_its_reason_is_about(void **state)
{
    struct sim *s = deployed(4, (struct want){0});

    assert_string_equal(topic(s), "none");
    fail_one(s);
    sim_decide(s);
    assert_string_equal(topic(s), "missing");
    sim_pass(s, 120000);
    assert_string_equal(topic(s), "none");
    update(s, 2, (struct want){.canary = 1});
    sim_pass(s, 20000);
    assert_string_equal(topic(s), "canary");
    sim_order(s, "web", INTENT_PAUSE, 2);
    sim_decide(s);
    assert_string_equal(topic(s), "people");
    update(s, 3, (struct want){.image = "missing"});
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "web", "paused", 3, "no such image");
    assert_string_equal(topic(s), "failed");
    update(s, 4, (struct want){.no_health = true});
    sim_settle(s);
    for (int i = 0; i < 60 && strcmp(topic(s), "watched") != 0; i++)
        sim_pass(s, 1000);
    assert_rollout(s, "shop", "web", "updating", 4, "all replicas are there");
    sim_pass(s, 60000);
    assert_rollout(s, "shop", "web", "complete", 4, NULL);
    assert_string_equal(topic(s), "none");
    sim_free(s);
}

/* Puts the record of a service that is being updated, with a reason of somebody's. */
static void say(struct sim *s, const char *reason, enum rollout_topic about)
{
    orc_auto_free char *key = key_rollout(SIM_CLUSTER, "shop", "web");
    const char *text = sim_find(s, key)->value->text;
    struct record_rollout r = {0};

    assert_int_equal(record_rollout_parse(text, strlen(text), &r, NULL), 0);
    assert_int_equal(r.state, ROLLOUT_UPDATING);
    orc_set_str(&r.reason, reason);
    r.reason_kind = about;
    sim_put(s, orc_take(key), record_rollout_text(&r));
    record_rollout_release(&r);
}

/* Slot 1 is "stuck": something is missing, so nothing of the end holds. */
static void test_reasons__what_was_said_of_the_end_is_taken_back_by_its_kind(void **state)
{
    static const struct {
        const char *reason;
        enum rollout_topic about;
        bool stays;
    } rows[] = {
        {"2 tasks still stop: a on k1, b on k2", ROLLOUT_SAYS_STOPPING, false},
        {"in other words", ROLLOUT_SAYS_STOPPING, false},
        {"all replicas are there", ROLLOUT_SAYS_WATCHED, false},
        {"1 of 3 replicas failed: two backends still stop it", ROLLOUT_SAYS_FAILURES, true},
        {"all replicas are there, said somebody", ROLLOUT_SAYS_PEOPLE, true},
        {"resumed by somebody", ROLLOUT_SAYS_NOTHING, false}, /* of an earlier version */
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct sim *s = deployed(4, (struct want){0});

        update(s, 2, (struct want){.image = "stuck"});
        sim_settle(s);
        say(s, rows[i].reason, rows[i].about);
        sim_pass(s, 3000);
        assert_rollout(s, "shop", "web", "updating", 2, rows[i].stays ? rows[i].reason : NULL);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons__a_task_that_shall_stop_says_what_for),
        cmocka_unit_test(test_reasons__whether_a_stop_was_a_failure_is_told_by_its_kind_alone),
        cmocka_unit_test(test_reasons__a_rollout_says_what_its_reason_is_about),
        cmocka_unit_test(test_reasons__what_was_said_of_the_end_is_taken_back_by_its_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
