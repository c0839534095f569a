/* What people are told of what was decided: every decision with its reason, and within bounds. */
#include "scheduler/rollout.h"
#include "scheduler/trouble.h"
#include "tests/sim/sim.h"

static struct sim *deployed(int nodes, int replicas)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    sim_pass(s, 120000);
    sim_events_clear(s);
    return s;
}

static void update(struct sim *s, int64_t revision, int replicas)
{
    struct spec_service *w = sim_spec("web", replicas, "good");

    w->stop_signal = orc_strdup("SIGINT");
    sim_apply(s, "shop", revision, w);
}

static void assert_told(struct sim *s, const char *type, const char *part)
{
    orc_auto_free char *got = sim_events(s, type);

    if (!strstr(got, part))
        fail_msg("\"%s\" was not told; told was:\n%s", part, got);
}

static void assert_not_told(struct sim *s, const char *type, const char *part)
{
    orc_auto_free char *got = sim_events(s, type);

    if (strstr(got, part))
        fail_msg("\"%s\" was told:\n%s", part, got);
}

static size_t lines(struct sim *s, const char *type)
{
    orc_auto_free char *got = sim_events(s, type);
    size_t n = 0;

    for (const char *c = got; *c; c++)
        n += *c == '\n';
    return n;
}

static void test_tell__what_is_made_for_one_reason_is_one_event(void **state)
{
    struct sim *s = sim_of(3);

    sim_apply(s, "shop", 1, sim_spec("web", 9, "good"));
    sim_settle(s);
    assert_told(s, "task", "shop/web made: shop.web.0.");
    assert_told(s, "task", " and 6 more: first deployment");
    assert_int_equal(lines(s, "task"), 1);
    sim_free(s);
}

static void test_tell__scaling_says_from_what_to_what(void **state)
{
    struct sim *s = deployed(3, 2);

    sim_scale(s, "shop", "web", 3);
    sim_pass(s, 60000);
    assert_told(s, "rollout", "shop/web revision 1: updating: 3 replicas instead of 2");
    assert_told(s, "task", "made: shop.web.2.");
    sim_events_clear(s);
    sim_scale(s, "shop", "web", 1);
    sim_settle(s);
    assert_told(s, "rollout", "1 replicas instead of 3");
    assert_told(s, "task", "shop/web told to go: shop.web.");
    assert_told(s, "task", ": scaled down to 1");
    sim_free(s);
}

/* Behaviour 26. */
static void test_tell__an_eviction_says_which_label_and_which_nodes(void **state)
{
    struct sim *s = sim_of(2);
    struct spec_service *w = sim_spec("web", 1, "good");

    *orc_vec_add(&w->constraints) =
        (struct spec_constraint){orc_strdup("node.labels.disk"), true, orc_strdup("ssd")};
    for (int k = 1; k <= 2; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        sim_node_put(s, name, k,
                     (struct sim_node_opts){
                         .cpus = 8, .memory_mib = 8000, .label = "disk", .value = k == 1 ? "ssd" : "hdd"});
    }
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 60000);
    sim_events_clear(s);
    sim_node_put(s, "k1", 1,
                 (struct sim_node_opts){.cpus = 8, .memory_mib = 8000, .label = "disk", .value = "hdd"});
    sim_node_put(s, "k2", 2,
                 (struct sim_node_opts){.cpus = 8, .memory_mib = 8000, .label = "disk", .value = "ssd"});
    sim_pass(s, 60000);
    assert_told(s, "task", "told to go: shop.web.0.");
    assert_told(s, "task", " on k1: node k1 no longer fits: node.labels.disk is \"hdd\", not \"ssd\"");
    assert_told(s, "task", "made: shop.web.0.");
    sim_free(s);
}

static void test_tell__a_drain_and_a_lost_node_are_the_reason(void **state)
{
    struct sim *s = deployed(3, 3);

    sim_policy(s, "k1", true, true);
    sim_pass(s, 60000);
    assert_told(s, "task", "node k1 is drained");
    sim_policy(s, "k1", false, false);
    sim_events_clear(s);
    sim_alive(s, "k2", false);
    sim_pass(s, 10000);
    assert_told(s, "task", "on k2: node k2 was lost");
    assert_told(s, "task", "made: shop.web.");
    sim_free(s);
}

/* Behaviour 15: that slots wait is told once, with the numbers. */
static void test_tell__slots_that_find_no_room_are_told_once(void **state)
{
    struct sim *s = sim_of(1);
    struct spec_service *w = sim_spec("web", 3, "good");

    w->limits.memory = 5000 * SIM_MIB;
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 60000);
    assert_told(
        s, "rollout",
        "shop/web 2 replicas wait: 0 of 1 node fits: k1 memory: needs 4.9 GiB, 2.9 GiB free, 2 GiB short");
    sim_events_clear(s);
    sim_pass(s, 600000);
    assert_not_told(s, "rollout", "wait");
    sim_free(s);
}

/* Behaviour 23: five failures on a node are an event, and stand in the record until they are forgotten. */
static void test_tell__a_node_that_is_avoided_is_told_once_and_recorded(void **state)
{
    struct sim *s = sim_of(2);
    const struct record_rollout *r;

    sim_policy(s, "k2", true, false);
    sim_apply(s, "shop", 1, sim_spec("web", 1, "sick"));
    for (int i = 0; i < 200 && !(sim_rollout(s, "shop", "web") && sim_rollout(s, "shop", "web")->trouble.n);
         i++)
        sim_pass(s, 10000);
    r = sim_rollout(s, "shop", "web");
    assert_int_equal(r->trouble.n, 1);
    assert_string_equal(r->trouble.at[0].node, "k1");
    assert_true(r->trouble.at[0].failures >= TROUBLE_MAX);
    assert_told(s, "rollout", "shop/web failed 5 times on k1: other nodes are preferred");
    sim_events_clear(s);
    sim_policy(s, "k2", false, false);
    sim_policy(s, "k1", true, false);
    sim_pass(s, TROUBLE_FORGET_MS + 1000);
    assert_not_told(s, "rollout", "on k1");
    for (size_t i = 0; i < sim_rollout(s, "shop", "web")->trouble.n; i++)
        assert_string_not_equal(sim_rollout(s, "shop", "web")->trouble.at[i].node, "k1");
    sim_free(s);
}

/* A hundred replicas rolled one by one are two hundred decisions and more; fewer events, and none is lost
 * from the count. */
static void test_tell__a_long_rollout_is_told_within_bounds(void **state)
{
    struct sim *s = deployed(10, 100);
    orc_auto_free char *got = NULL;
    size_t events;

    update(s, 2, 100);
    sim_pass(s, 30000);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    events = lines(s, "task");
    assert_in_range(events, 3, 8 + 30000 / 3000 + 1);
    got = sim_events(s, "task");
    assert_non_null(strstr(got, ": update to revision 2"));
    sim_free(s);
}

static void test_tell__what_was_not_told_apart_is_counted_in_the_next(void **state)
{
    struct sim *s = deployed(10, 100);

    update(s, 2, 100);
    sim_pass(s, 30000);
    sim_events_clear(s);
    sim_scale(s, "shop", "web", 99);
    sim_pass(s, 1000);
    assert_told(s, "task", ": scaled down to 99 (");
    assert_told(s, "task", " more since the last event)");
    sim_free(s);
}

static void test_tell__removal_is_told_from_beginning_to_end(void **state)
{
    struct sim *s = deployed(2, 2);

    sim_rm(s, "shop");
    sim_pass(s, 200000);
    assert_told(s, "rollout", "shop/web revision 1: removing");
    assert_told(s, "task", "shop/web told to go: shop.web.0.");
    assert_told(s, "task", ": shop/web was removed");
    assert_told(s, "rollout", "shop/web removed: nothing of it is left");
    sim_free(s);
}

/* What the store did not take was not decided: nobody is told of it. */
static void test_tell__a_refused_plan_is_not_told(void **state)
{
    struct sim *s = deployed(2, 2);

    s->refuse = true;
    sim_scale(s, "shop", "web", 3);
    sim_decide(s);
    assert_int_equal(lines(s, "task") + lines(s, "rollout"), 0);
    s->refuse = false;
    sim_settle(s);
    assert_told(s, "task", "made: shop.web.2.");
    sim_free(s);
}

/* Failures of many tasks for reasons that differ are no more than a few events. */
static void test_tell__many_reasons_at_once_are_few_events(void **state)
{
    struct sim *s = deployed(4, 12);
    struct sim_kv *kv, *next;
    int n = 0;

    HASH_ITER (hh, s->kvs, kv, next) {
        struct record_status st = {.state = TASK_FAILED, .exit_code = 1};

        if (kv->parsed.kind != KEY_TASK)
            continue;
        st.reason = orc_printf("reason %d", n++);
        sim_status(s, kv->parsed.node, kv->parsed.task, &st);
        free(st.reason);
    }
    sim_decide(s);
    assert_in_range(lines(s, "task"), 2, 8);
    sim_free(s);
}

/* Cut to what the store takes, the dots included, in the memory that there is, and not within a character. */
static void test_tell__a_sentence_that_is_too_long_is_cut(void **state)
{
    for (size_t n = ROLLOUT_REASON_MAX - 5; n < ROLLOUT_REASON_MAX + 9; n++)
        for (size_t at = ROLLOUT_REASON_MAX - 9; at + 3 <= n;
             at++) { /* where a character of three bytes is */
            char *text = orc_realloc(NULL, 1, n + 1);
            size_t kept;

            memset(text, 'x', n);
            memcpy(text + at, "\xe2\x82\xac", 3);
            text[n] = '\0';
            text = rollout_cut(text);
            kept = strlen(text);
            assert_true(kept <= ROLLOUT_REASON_MAX &&
                        kept + 3 > (n < ROLLOUT_REASON_MAX ? n : ROLLOUT_REASON_MAX));
            assert_int_equal(n > ROLLOUT_REASON_MAX, strcmp(text + kept - 3, "...") == 0);
            orc_auto_json json_t *j = json_string(text);
            assert_non_null(j); /* UTF-8 */
            free(text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tell__what_is_made_for_one_reason_is_one_event),
        cmocka_unit_test(test_tell__scaling_says_from_what_to_what),
        cmocka_unit_test(test_tell__an_eviction_says_which_label_and_which_nodes),
        cmocka_unit_test(test_tell__a_drain_and_a_lost_node_are_the_reason),
        cmocka_unit_test(test_tell__slots_that_find_no_room_are_told_once),
        cmocka_unit_test(test_tell__a_node_that_is_avoided_is_told_once_and_recorded),
        cmocka_unit_test(test_tell__a_long_rollout_is_told_within_bounds),
        cmocka_unit_test(test_tell__what_was_not_told_apart_is_counted_in_the_next),
        cmocka_unit_test(test_tell__removal_is_told_from_beginning_to_end),
        cmocka_unit_test(test_tell__a_refused_plan_is_not_told),
        cmocka_unit_test(test_tell__many_reasons_at_once_are_few_events),
        cmocka_unit_test(test_tell__a_sentence_that_is_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
