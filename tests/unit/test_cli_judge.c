/* test_cli_judge.c - when is a command that waits done, and what does it say? */
#include "cli/judge.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct wait_target target(int64_t generation, int64_t epoch, bool gone)
{
    return (struct wait_target){.app = (char *)"shop",
                                .service = (char *)"web",
                                .generation = generation,
                                .epoch = epoch,
                                .goal = gone ? WAIT_GONE : WAIT_COMPLETE};
}

static struct wait_target goal(enum wait_goal g)
{
    struct wait_target t = target(1, 0, false);

    t.goal = g;
    return t;
}

static enum outcome judged(const struct cluster *c, struct wait_target t)
{
    return judge(c, &t);
}

static void taken_in(struct cluster *c, const char *state, int generation, int epoch)
{
    orc_auto_free char *text =
        orc_printf("{\"state\":\"%s\",\"generation\":%d,\"wanted\":2,\"target\":2,\"restart_epoch\":%d}",
                   state, generation, epoch);

    put(c, "rollouts/shop/web", text);
}

static void test_judge__without_a_rollout_it_is_only_asked_for(void **state)
{
    struct cluster c = healthy(2);

    cluster_delete(&c, "/orc/default/rollouts/shop/web");
    assert_int_equal(judged(&c, target(1, 0, false)), OUTCOME_ASKED);
    cluster_release(&c);
}

static void test_judge__an_older_generation_is_no_answer(void **state)
{
    struct cluster c = healthy(2);

    taken_in(&c, "complete", 4, 0);
    assert_int_equal(judged(&c, target(5, 0, false)), OUTCOME_ASKED);
    assert_int_equal(judged(&c, target(4, 0, false)), OUTCOME_COMPLETE);
    taken_in(&c, "complete", 6, 0); /* superseded by a later one, which is complete: behaviour 52 */
    assert_int_equal(judged(&c, target(5, 0, false)), OUTCOME_COMPLETE);
    cluster_release(&c);
}

static void make_job(struct cluster *c)
{
    put(c, "revisions/shop/web/00000002",
        "{\"spec\":{\"name\":\"web\",\"image\":\"a\",\"restart\":\"no\",\"job\":true},\"hash\":\"h\","
        "\"container_hash\":\"c\"}");
}

static void with_runs(struct cluster *c, const char *state, const char *runs)
{
    orc_auto_free char *text = orc_printf("{\"state\":\"%s\",\"generation\":1,\"wanted\":2,\"target\":2,"
                                          "\"restart_epoch\":3,\"runs\":[%s]}",
                                          state, runs);

    put(c, "rollouts/shop/web", text);
}

#define RUN(n, state, epoch)                                                                                 \
    "{\"n\":" #n ",\"state\":\"" state "\",\"revision\":2,\"epoch\":" #epoch ",\"wanted\":5,\"completed\":"  \
    "2}"

/* Who starts a job by hand waits for that very run. */
static void test_judge__a_run_by_hand_is_waited_for_itself(void **state)
{
    struct cluster c = healthy(2);

    make_job(&c);
    with_runs(&c, "complete", RUN(6, "succeeded", 2));
    assert_int_equal(judged(&c, target(0, 3, false)), OUTCOME_GOING_ON);
    with_runs(&c, "updating", RUN(6, "succeeded", 2) "," RUN(7, "running", 3));
    assert_int_equal(judged(&c, target(0, 3, false)), OUTCOME_GOING_ON);
    with_runs(&c, "complete", RUN(7, "failed", 3) "," RUN(8, "succeeded", 4));
    assert_int_equal(judged(&c, target(0, 3, false)), OUTCOME_FAILED);
    with_runs(&c, "updating", RUN(7, "succeeded", 3) "," RUN(8, "running", 4));
    assert_int_equal(judged(&c, target(0, 3, false)), OUTCOME_COMPLETE);
    with_runs(&c, "updating", RUN(7, "stopped", 3) "," RUN(8, "running", 4));
    assert_int_equal(judged(&c, target(0, 3, false)), OUTCOME_FAILED);
    with_runs(&c, "failed", RUN(7, "failed", 3)); /* `orc apply` goes by the state */
    assert_int_equal(judged(&c, target(1, 0, false)), OUTCOME_FAILED);
    cluster_release(&c);
}

static void test_judge__of_a_job_completions_are_told(void **state)
{
    struct cluster c = healthy(2);
    struct wait_target t = target(1, 0, false);
    orc_auto_free char *line = NULL, *failure = NULL;
    struct report r;

    make_job(&c);
    with_runs(&c, "updating", RUN(7, "running", 3));
    report_build(&c, NULL, NOW, &r);
    line = judge_line(judge_service(&r, &t), &t, OUTCOME_GOING_ON);
    assert_non_null(strstr(line, "shop/web: updating, run 7: 2 of 5 completed"));
    report_release(&r);
    put(&c, "rollouts/shop/web",
        "{\"state\":\"failed\",\"generation\":1,\"wanted\":2,\"target\":2,\"reason\":\"run 7 failed: x\"}");
    report_build(&c, NULL, NOW, &r);
    failure = judge_failure(judge_service(&r, &t), &t, OUTCOME_FAILED);
    assert_non_null(strstr(failure, "shop/web: run 7 failed: x. `orc runs shop/web` lists its runs"));
    report_release(&r);
    cluster_release(&c);
}

static void test_judge__an_older_restart_epoch_is_no_answer(void **state)
{
    struct cluster c = healthy(2);

    taken_in(&c, "complete", 1, 1);
    assert_int_equal(judged(&c, target(0, 2, false)), OUTCOME_ASKED);
    taken_in(&c, "complete", 1, 2);
    assert_int_equal(judged(&c, target(0, 2, false)), OUTCOME_COMPLETE);
    cluster_release(&c);
}

static void test_judge__each_state_has_its_outcome(void **state)
{
    static const struct {
        const char *state;
        enum outcome outcome;
        bool good, bad;
    } table[] = {
        {"updating", OUTCOME_GOING_ON, false, false},      {"healing", OUTCOME_GOING_ON, false, false},
        {"rolling-back", OUTCOME_GOING_ON, false, false},  {"removing", OUTCOME_GOING_ON, false, false},
        {"complete", OUTCOME_COMPLETE, true, false},       {"paused", OUTCOME_PAUSED, false, true},
        {"rolled-back", OUTCOME_ROLLED_BACK, false, true}, {"failed", OUTCOME_FAILED, false, true},
        {"canary", OUTCOME_CANARY, true, false},
    };
    struct cluster c = healthy(2);

    for (size_t i = 0; i < ORC_ARRAY_SIZE(table); i++) {
        rollout(&c, table[i].state, NULL, NULL);
        assert_int_equal(judged(&c, target(1, 0, false)), table[i].outcome);
        assert_int_equal(outcome_is_good(table[i].outcome), table[i].good);
        assert_int_equal(outcome_is_bad(table[i].outcome), table[i].bad);
    }
    cluster_release(&c);
}

/* Moved is what was taken in, has nothing more to begin and nothing under way. */
static void test_judge__a_rebalance_ends_when_nothing_moves_any_more(void **state)
{
    static const struct {
        const char *record;
        enum outcome outcome;
    } table[] = {
        {"\"complete\",\"rebalance_epoch\":1", OUTCOME_ASKED},
        {"\"complete\",\"rebalance_epoch\":2,\"rebalance_left\":3", OUTCOME_GOING_ON},
        {"\"healing\",\"rebalance_epoch\":2,\"moving\":[{\"slot\":1,\"attempt\":7}]", OUTCOME_GOING_ON},
        {"\"complete\",\"rebalance_epoch\":2,\"moving\":[{\"slot\":1,\"attempt\":7}]", OUTCOME_GOING_ON},
        {"\"complete\",\"rebalance_epoch\":2", OUTCOME_COMPLETE},
        {"\"complete\",\"rebalance_epoch\":3,\"rebalance_end\":\"it failed\"", OUTCOME_CUT_SHORT},
        {"\"paused\",\"rebalance_epoch\":2,\"rebalance_left\":3", OUTCOME_PAUSED},
    };
    struct wait_target t = target(0, 0, false);
    struct cluster c = healthy(2);

    t.rebalance = 2;
    for (size_t i = 0; i < ORC_ARRAY_SIZE(table); i++) {
        orc_auto_free char *text = orc_printf("{\"state\":%s,\"generation\":1}", table[i].record);

        put(&c, "rollouts/shop/web", text);
        assert_int_equal(judged(&c, t), table[i].outcome);
    }
    assert_true(outcome_is_bad(OUTCOME_CUT_SHORT));
    cluster_release(&c);
}

/* What people asked of a rollout is reached in the state they asked for, and only then. */
static void test_judge__a_pause_or_an_abort_ends_where_it_was_to_end(void **state)
{
    static const struct {
        const char *state;
        enum outcome paused, back;
    } table[] = {
        {"updating", OUTCOME_GOING_ON, OUTCOME_GOING_ON},
        {"rolling-back", OUTCOME_GOING_ON, OUTCOME_GOING_ON},
        {"canary", OUTCOME_CANARY, OUTCOME_CANARY},
        {"complete", OUTCOME_TOO_LATE, OUTCOME_TOO_LATE},
        {"paused", OUTCOME_STANDS, OUTCOME_PAUSED},
        {"rolled-back", OUTCOME_ROLLED_BACK, OUTCOME_BACK},
        {"failed", OUTCOME_FAILED, OUTCOME_FAILED},
    };
    struct cluster c = healthy(2);

    for (size_t i = 0; i < ORC_ARRAY_SIZE(table); i++) {
        rollout(&c, table[i].state, NULL, NULL);
        assert_int_equal(judged(&c, goal(WAIT_PAUSED)), table[i].paused);
        assert_int_equal(judged(&c, goal(WAIT_BACK)), table[i].back);
    }
    assert_true(outcome_is_good(OUTCOME_STANDS) && outcome_is_good(OUTCOME_BACK));
    assert_true(outcome_is_bad(OUTCOME_TOO_LATE));
    cluster_release(&c);
}

static void test_judge__an_order_that_was_not_taken_in_is_only_asked_for(void **state)
{
    struct cluster c = healthy(2);
    struct wait_target t = goal(WAIT_PAUSED);

    t.order = 3;
    put(&c, "rollouts/shop/web", "{\"state\":\"paused\",\"generation\":1,\"intent_epoch\":2}");
    assert_int_equal(judged(&c, t), OUTCOME_ASKED);
    put(&c, "rollouts/shop/web", "{\"state\":\"paused\",\"generation\":1,\"intent_epoch\":3}");
    assert_int_equal(judged(&c, t), OUTCOME_STANDS);
    cluster_release(&c);
}

/* Whoever scales a service that was rolled back, or is paused, asks for replicas, not for the update. */
static void test_judge__what_stands_still_is_scaled_when_so_many_serve(void **state)
{
    static const char *const states[] = {"paused", "rolled-back", "failed", "canary"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(states); i++) {
        struct cluster c = healthy(3);
        orc_auto_free char *
            two = orc_printf("{\"state\":\"%s\",\"generation\":1,\"replicas\":3,\"available\":2}", states[i]),
           *three =
               orc_printf("{\"state\":\"%s\",\"generation\":1,\"replicas\":3,\"available\":3}", states[i]),
           *down =
               orc_printf("{\"state\":\"%s\",\"generation\":1,\"replicas\":2,\"available\":2}", states[i]);

        put(&c, "rollouts/shop/web", two);
        assert_int_equal(judged(&c, goal(WAIT_SCALED)), OUTCOME_GOING_ON);
        put(&c, "rollouts/shop/web", three);
        assert_int_equal(judged(&c, goal(WAIT_SCALED)), OUTCOME_COMPLETE);
        put(&c, "rollouts/shop/web", down);
        assert_int_equal(judged(&c, goal(WAIT_SCALED)), OUTCOME_GOING_ON); /* the third still runs */
        task(&c, "k1", 2, "remove");
        status(&c, "k1", 2, "stopping", "unknown", NULL);
        assert_int_equal(judged(&c, goal(WAIT_SCALED)), OUTCOME_GOING_ON);
        status(&c, "k1", 2, "stopped", "unknown", NULL);
        assert_int_equal(judged(&c, goal(WAIT_SCALED)), OUTCOME_COMPLETE);
        cluster_release(&c);
    }
}

static void test_judge__what_somebody_else_removed_is_not_waited_for(void **state)
{
    struct cluster c = healthy(2);

    cluster_delete(&c, "/orc/default/apps/shop");
    assert_int_equal(judged(&c, target(1, 0, false)), OUTCOME_DROPPED);
    assert_true(outcome_is_bad(OUTCOME_DROPPED));
    cluster_release(&c);
}

static void test_judge__an_app_that_cannot_be_read_is_not_taken_for_a_removed_one(void **state)
{
    struct cluster c = healthy(2);

    put(&c, "apps/shop", "garbage");
    rollout(&c, "updating", NULL, NULL);
    assert_int_equal(judged(&c, target(1, 0, false)), OUTCOME_GOING_ON);
    cluster_release(&c);
}

static void test_judge__gone_means_taken_in_and_no_container_left(void **state)
{
    struct cluster c = healthy(2);

    cluster_delete(&c, "/orc/default/apps/shop");
    assert_int_equal(judged(&c, target(0, 0, true)), OUTCOME_GOING_ON);
    rollout(&c, "removing", NULL, NULL);
    assert_int_equal(judged(&c, target(0, 0, true)), OUTCOME_GOING_ON);
    for (int i = 0; i < 2; i++)
        status(&c, "k1", i, "removed", "unknown", NULL);
    assert_int_equal(judged(&c, target(0, 0, true)), OUTCOME_REMOVED);
    cluster_delete(&c, "/orc/default/rollouts/shop/web");
    assert_int_equal(judged(&c, target(0, 0, true)), OUTCOME_REMOVED);
    cluster_release(&c);
}

static void assert_line(struct cluster *c, struct wait_target t, const char *expected)
{
    struct report r;
    orc_auto_free char *line = NULL;

    report_build(c, NULL, NOW, &r);
    line = judge_line(judge_service(&r, &t), &t, judge(c, &t));
    assert_string_equal(line, expected);
    report_release(&r);
}

static void test_judge__what_is_left_on_a_silent_server_is_not_waited_for(void **state)
{
    struct cluster c = healthy(1);

    node(&c, "k2", true);
    task(&c, "k2", 1, "remove");
    status(&c, "k1", 0, "removed", "unknown", NULL);
    rollout(&c, "removing", NULL, NULL);
    cluster_delete(&c, "/orc/default/apps/shop");
    assert_int_equal(judged(&c, target(0, 0, true)), OUTCOME_GOING_ON);
    cluster_delete(&c, "/orc/default/alive/k2");
    assert_int_equal(judged(&c, target(0, 0, true)), OUTCOME_REMOVED);
    assert_line(&c, target(0, 0, true),
                "shop/web: removed; 1 container (shop.web.1.2 on k2) will stop when the server is back");
    cluster_release(&c);
}

static void test_judge__gone_is_not_believed_while_the_scheduler_has_not_taken_it_in(void **state)
{
    struct cluster c = healthy(0);

    assert_int_equal(judged(&c, target(0, 0, true)), OUTCOME_GOING_ON);
    cluster_release(&c);
}

/* ---- words
 * ------------------------------------------------------------------------------------------------------ */

static void test_line__says_the_numbers_and_the_first_reason(void **state)
{
    struct cluster c = healthy(2);

    assert_line(&c, target(1, 0, false), "shop/web: complete, 2 of 2 healthy");
    rollout(&c, "updating", "replica 0 starts", NULL);
    assert_line(&c, target(1, 0, false), "shop/web: updating, 2 of 2 healthy: replica 0 starts");
    cluster_release(&c);
}

static void test_line__counts_what_is_left_of_a_removed_service(void **state)
{
    struct cluster c = healthy(2);

    rollout(&c, "removing", NULL, NULL);
    assert_line(&c, target(0, 0, true), "shop/web: stopping, 2 containers left");
    status(&c, "k1", 0, "removed", "unknown", NULL);
    assert_line(&c, target(0, 0, true), "shop/web: stopping, 1 container left");
    status(&c, "k1", 1, "removed", "unknown", NULL);
    assert_line(&c, target(0, 0, true), "shop/web: removed");
    cluster_release(&c);
}

static void test_failure__says_why_and_what_to_do(void **state)
{
    static const enum outcome bad[] = {OUTCOME_PAUSED, OUTCOME_ROLLED_BACK, OUTCOME_FAILED};
    orc_auto_free char *late = NULL;
    struct cluster c = healthy(2);
    struct wait_target t = target(1, 0, false);
    struct report r;

    rollout(&c, "paused", "no such image", NULL);
    report_build(&c, NULL, NOW, &r);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        orc_auto_free char *text = judge_failure(judge_service(&r, &t), &t, bad[i]);

        assert_non_null(strstr(text, "shop/web"));
        assert_non_null(strstr(text, "no such image"));
        assert_non_null(strstr(text, "pply"));
    }
    late = judge_failure(judge_service(&r, &t), &t, OUTCOME_TOO_LATE);
    assert_non_null(strstr(late, "`orc rollback shop/web`"));
    report_release(&r);
    cluster_release(&c);
}

static void test_json__of_a_target_without_a_report_has_name_and_outcome(void **state)
{
    struct wait_target t = target(1, 0, false);
    orc_auto_json json_t *j = judge_to_json(NULL, &t, OUTCOME_GOING_ON);
    orc_auto_free char *text = orc_json_text(j);

    assert_string_equal(text, "{\"name\":\"shop/web\",\"outcome\":\"going-on\",\"why\":[]}");
}

/* ---- the words, for each outcome ---- */

static const struct wait_target of_web = {.app = (char *)"shop", .service = (char *)"web"};

static struct report_service service_of(char **why, bool job)
{
    struct report_service s = {.name = (char *)"shop/web",
                               .desired = 3,
                               .healthy = 1,
                               .revision = 7,
                               .rollout = "updating",
                               .job = job};

    s.why.at = why;
    s.why.n = why ? 1 : 0;
    return s;
}

/* Why it ended so, and what to do; without a word of the scheduler's, that. */
static void test_judge__each_failure_says_what_to_do(void **state)
{
    static const struct {
        enum outcome outcome;
        const char *says, *advises;
        bool why;
    } cases[] = {
        {OUTCOME_ROLLED_BACK, "shop/web was rolled back and runs what it ran before", "apply it again", true},
        {OUTCOME_DROPPED, "shop/web was removed by somebody else", "apply it again", false},
        {OUTCOME_PAUSED, "the rollout of shop/web is paused", "`orc rollout resume shop/web`", true},
        {OUTCOME_CUT_SHORT, "not all replicas of shop/web could be moved", "`orc events shop/web`", false},
        {OUTCOME_TOO_LATE, "the rollout of shop/web was complete before", "`orc rollback shop/web`", false},
        {OUTCOME_FAILED, "the rollout of shop/web failed, and so did going back", "`orc tasks shop/web`",
         true},
    };
    char *why[] = {(char *)"slot 0: HTTP 503"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        for (int known = 0; known < 3;
             known++) { /* nobody knows the service; nobody says why; somebody does */
            struct report_service s = service_of(known == 2 ? why : NULL, false);
            orc_auto_free char *text = judge_failure(known ? &s : NULL, &of_web, cases[i].outcome);

            assert_int_equal(strncmp(text, cases[i].says, strlen(cases[i].says)), 0);
            assert_non_null(strstr(text, cases[i].advises));
            assert_int_equal(strstr(text, "HTTP 503") != NULL, cases[i].why && known == 2);
            assert_int_equal(strstr(text, "gave no reason") != NULL, cases[i].why && known < 2);
        }
}

/* A first revision has none before it. */
static void test_judge__back_is_advised_where_there_is_one(void **state)
{
    struct report_service s = service_of(NULL, false);
    orc_auto_free char *first = judge_failure(&s, &of_web, OUTCOME_PAUSED), *later = NULL;

    s.complete = 3;
    later = judge_failure(&s, &of_web, OUTCOME_PAUSED);
    assert_null(strstr(first, "abort"));
    assert_non_null(
        strstr(later, "`orc rollout resume shop/web`, or back with `orc rollout abort shop/web`"));
}

/* A job is started again, not rolled back. */
static void test_judge__a_jobs_failure_advises_to_run_it(void **state)
{
    char *why[] = {(char *)"run 4 failed"};
    struct report_service job = service_of(why, true), other = service_of(why, false);
    orc_auto_free char *text = judge_failure(&job, &of_web, OUTCOME_FAILED),
                       *of_other = judge_failure(&other, &of_web, OUTCOME_FAILED);

    assert_non_null(strstr(text, "shop/web: run 4 failed. `orc runs shop/web`"));
    assert_non_null(strstr(text, "`orc run shop/web`"));
    assert_null(strstr(of_other, "orc run"));
}

/* What is left of a service that goes, counted. */
static void test_judge__what_is_left_of_a_service_that_goes(void **state)
{
    struct report_task tasks[2] = {{.id = (char *)"shop.web.0.1", .node = (char *)"k1"},
                                   {.id = (char *)"shop.web.1.2", .node = (char *)"k2"}};
    struct wait_target t = target(1, 0, true);

    for (size_t n = 0; n <= 3; n++) {
        struct report_service s = service_of(NULL, false);
        orc_auto_free char *going = NULL, *removed = NULL;
        static const char *const left[] = {"0 containers", "1 container ", "2 containers", "0 containers"};

        s.tasks.at = tasks;
        s.tasks.n = n < 3 ? n : 0;
        going = judge_line(n < 3 ? &s : NULL, &t, OUTCOME_GOING_ON);
        assert_non_null(strstr(going, left[n]));
        removed = judge_line(n < 3 ? &s : NULL, &t, OUTCOME_REMOVED);
        if (n % 3 == 0)
            assert_string_equal(removed, "shop/web: removed");
        else
            assert_non_null(strstr(removed, n == 1 ? "1 container (shop.web.0.1 on k1) will stop"
                                                   : "2 containers (shop.web.0.1 on k1, ...) will stop"));
    }
}

/* For programs: each member, and of a service that nobody knows only its name and the outcome. */
static void test_judge__programs_get_every_member(void **state)
{
    char *why[] = {(char *)"slot 0: HTTP 503"};
    struct report_service s = service_of(why, false);
    orc_auto_json json_t *some = judge_to_json(&s, &of_web, OUTCOME_GOING_ON),
                         *none = judge_to_json(NULL, &of_web, OUTCOME_ASKED);
    orc_auto_free char *text = json_dumps(some, JSON_COMPACT | JSON_SORT_KEYS),
                       *less = json_dumps(none, JSON_COMPACT | JSON_SORT_KEYS), *want = NULL,
                       *want_less = NULL;

    want = orc_printf("{\"desired\":3,\"healthy\":1,\"name\":\"shop/web\",\"outcome\":\"%s\",\"revision\":7,"
                      "\"rollout\":\"updating\",\"why\":[\"slot 0: HTTP 503\"]}",
                      outcome_name(OUTCOME_GOING_ON));
    want_less =
        orc_printf("{\"name\":\"shop/web\",\"outcome\":\"%s\",\"why\":[]}", outcome_name(OUTCOME_ASKED));
    assert_string_equal(text, want);
    assert_string_equal(less, want_less);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge__without_a_rollout_it_is_only_asked_for),
        cmocka_unit_test(test_judge__an_older_generation_is_no_answer),
        cmocka_unit_test(test_judge__a_run_by_hand_is_waited_for_itself),
        cmocka_unit_test(test_judge__of_a_job_completions_are_told),
        cmocka_unit_test(test_judge__an_older_restart_epoch_is_no_answer),
        cmocka_unit_test(test_judge__each_state_has_its_outcome),
        cmocka_unit_test(test_judge__a_rebalance_ends_when_nothing_moves_any_more),
        cmocka_unit_test(test_judge__a_pause_or_an_abort_ends_where_it_was_to_end),
        cmocka_unit_test(test_judge__an_order_that_was_not_taken_in_is_only_asked_for),
        cmocka_unit_test(test_judge__what_stands_still_is_scaled_when_so_many_serve),
        cmocka_unit_test(test_judge__what_somebody_else_removed_is_not_waited_for),
        cmocka_unit_test(test_judge__an_app_that_cannot_be_read_is_not_taken_for_a_removed_one),
        cmocka_unit_test(test_judge__gone_means_taken_in_and_no_container_left),
        cmocka_unit_test(test_judge__what_is_left_on_a_silent_server_is_not_waited_for),
        cmocka_unit_test(test_judge__gone_is_not_believed_while_the_scheduler_has_not_taken_it_in),
        cmocka_unit_test(test_line__says_the_numbers_and_the_first_reason),
        cmocka_unit_test(test_line__counts_what_is_left_of_a_removed_service),
        cmocka_unit_test(test_failure__says_why_and_what_to_do),
        cmocka_unit_test(test_json__of_a_target_without_a_report_has_name_and_outcome),
        cmocka_unit_test(test_judge__each_failure_says_what_to_do),
        cmocka_unit_test(test_judge__back_is_advised_where_there_is_one),
        cmocka_unit_test(test_judge__a_jobs_failure_advises_to_run_it),
        cmocka_unit_test(test_judge__what_is_left_of_a_service_that_goes),
        cmocka_unit_test(test_judge__programs_get_every_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
