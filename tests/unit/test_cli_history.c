/* test_cli_history.c - the revisions that are kept, and what became of each. */
#include "cli/history.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void revision(struct cluster *c, int n)
{
    orc_auto_free char *key = orc_printf("revisions/shop/web/%08d", n);
    orc_auto_free char *text = orc_printf(
        "{\"spec\":{\"name\":\"web\",\"image\":\"web:%d\"},\"hash\":\"h\",\"container_hash\":\"c\","
        "\"by\":\"ann@desk\",\"at\":%d}",
        n, 1000 * n);

    put(c, key, text);
}

/* Revisions 1 to 3 of which the app asks for 2 (cli_cluster.h). */
static struct cluster three(const char *state, int wanted, int target, int complete)
{
    struct cluster c = healthy(2);
    orc_auto_free char *text =
        orc_printf("{\"state\":\"%s\",\"generation\":1,\"wanted\":%d,\"target\":%d,\"complete\":%d}", state,
                   wanted, target, complete);

    for (int n = 1; n <= 3; n++)
        revision(&c, n);
    put(&c, "rollouts/shop/web", text);
    return c;
}

static void assert_states(struct cluster *c, const char *expected)
{
    orc_auto_free char *text = orc_strdup("");
    struct history h;

    history_build(c, "shop", "web", &h);
    for (size_t i = 0; i < h.revisions.n; i++) {
        char *longer = orc_printf("%s%s%lld %s", text, i ? ", " : "", (long long)h.revisions.at[i].n,
                                  history_state_name(h.revisions.at[i].state));

        free(text);
        text = longer;
    }
    assert_string_equal(text, expected);
    history_release(&h);
}

static void test_history__each_revision_says_what_became_of_it(void **state)
{
    static const struct {
        const char *state;
        int wanted, target, complete;
        const char *expected;
    } table[] = {
        {"complete", 2, 2, 2, "3 old, 2 running, 1 old"},
        {"updating", 2, 2, 1, "3 old, 2 coming, 1 running"},
        {"paused", 2, 2, 1, "3 old, 2 coming, 1 running"},
        {"rolling-back", 2, 1, 1, "3 old, 2 rolled-back, 1 running"},
        {"rolled-back", 2, 1, 1, "3 old, 2 rolled-back, 1 running"},
        {"updating", 2, 2, 0, "3 old, 2 coming, 1 old"},
        {"complete", 3, 3, 3, "3 running, 2 coming, 1 old"}, /* applied, and not taken in yet */
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(table); i++) {
        struct cluster c = three(table[i].state, table[i].wanted, table[i].target, table[i].complete);

        assert_states(&c, table[i].expected);
        cluster_release(&c);
    }
}

static void test_history__of_a_removed_service_all_are_old(void **state)
{
    struct cluster c = three("removing", 2, 2, 2);

    cluster_delete(&c, "/orc/default/apps/shop");
    assert_states(&c, "3 old, 2 old, 1 old");
    cluster_release(&c);
}

static void test_history__one_that_cannot_be_read_is_listed(void **state)
{
    struct cluster c = three("complete", 2, 2, 2);

    put(&c, "revisions/shop/web/00000003", "garbage");
    assert_states(&c, "3 unreadable, 2 running, 1 old");
    cluster_release(&c);
}

static void test_history__as_json(void **state)
{
    struct cluster c = three("updating", 2, 2, 1);
    orc_auto_json json_t *j = NULL;
    orc_auto_free char *text = NULL;
    struct history h;

    history_build(&c, "shop", "web", &h);
    j = history_to_json(&h);
    text = orc_json_text(j);
    assert_string_equal(text, "{\"name\":\"shop/web\",\"rollout\":\"updating\",\"revisions\":["
                              "{\"revision\":3,\"state\":\"old\",\"replicas\":0,\"image\":\"web:3\",\"by\":"
                              "\"ann@desk\",\"at\":3000},"
                              "{\"revision\":2,\"state\":\"coming\",\"replicas\":2,\"image\":\"web:2\","
                              "\"by\":\"ann@desk\",\"at\":2000},"
                              "{\"revision\":1,\"state\":\"running\",\"replicas\":0,\"image\":\"web:1\","
                              "\"by\":\"ann@desk\",\"at\":1000}]}");
    history_release(&h);
    cluster_release(&c);
}

static void test_history__of_what_never_was_is_empty(void **state)
{
    struct cluster c = healthy(1);
    struct history h;

    history_build(&c, "shop", "other", &h);
    assert_int_equal(h.revisions.n, 0);
    assert_string_equal(h.rollout, "waiting");
    history_release(&h);
    cluster_release(&c);
}

/* Replicas of a revision are the tasks of that very service and revision that shall run and do; what can't be
 * read is none. */
static void test_history__whose_replicas_are_counted(void **state)
{
    static const struct {
        const char *app, *service, *desired, *state;
        int revision;
        bool counts;
    } cases[] = {
        {"shop", "web", "run", "running", 2, true},     {"shop", "web", "run", "starting", 2, false},
        {"shop", "web", "run", "stopped", 2, false},    {"shop", "web", "run", NULL, 2, false},
        {"shop", "web", "remove", "running", 2, false}, {"shop", "web", "drain", "running", 2, false},
        {"shop", "web", "run", "running", 1, false},    {"blog", "web", "run", "running", 2, false},
        {"shop", "api", "run", "running", 2, false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        for (int garbage = 0; garbage < 2; garbage++) {
            struct cluster c = three("complete", 2, 2, 2);
            orc_auto_free char *id = orc_printf("%s.%s.7.9", cases[i].app, cases[i].service),
                               *key = orc_printf("tasks/k1/%s", id), *seen = orc_printf("status/k1/%s", id),
                               *text = NULL;
            struct history h;

            text = orc_printf("{\"app\":\"%s\",\"service\":\"%s\",\"slot\":7,\"attempt\":9,\"revision\":%d,"
                              "\"container_hash\":\"\",\"desired\":\"%s\"}",
                              cases[i].app, cases[i].service, cases[i].revision, cases[i].desired);
            put(&c, key, garbage ? "{" : text);
            if (cases[i].state) {
                orc_auto_free char *status =
                    orc_printf("{\"state\":\"%s\",\"health\":\"healthy\",\"exit_code\":-1}", cases[i].state);

                put(&c, seen, status);
            }
            history_build(&c, "shop", "web", &h);
            assert_int_equal(h.revisions.at[1].n, 2);
            assert_int_equal(h.revisions.at[1].replicas, 2 + (cases[i].counts && !garbage));
            history_release(&h);
            cluster_release(&c);
        }
}

/* Newest first, however they came; of a service without any there is none. */
static void test_history__newest_first(void **state)
{
    static const int order[] = {5, 1, 9, 3, 12, 2};
    struct cluster c = healthy(0);
    struct history h;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(order); i++)
        revision(&c, order[i]);
    history_build(&c, "shop", "web", &h);
    for (size_t i = 1; i < h.revisions.n; i++)
        assert_true(h.revisions.at[i - 1].n > h.revisions.at[i].n);
    assert_int_equal(h.revisions.at[0].n, 12);
    history_release(&h);
    history_build(&c, "shop", "nobody", &h);
    assert_int_equal(h.revisions.n, 0);
    assert_string_equal(h.rollout, "waiting");
    history_release(&h);
    cluster_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history__each_revision_says_what_became_of_it),
        cmocka_unit_test(test_history__of_a_removed_service_all_are_old),
        cmocka_unit_test(test_history__one_that_cannot_be_read_is_listed),
        cmocka_unit_test(test_history__as_json),
        cmocka_unit_test(test_history__of_what_never_was_is_empty),
        cmocka_unit_test(test_history__whose_replicas_are_counted),
        cmocka_unit_test(test_history__newest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
