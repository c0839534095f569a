/* test_cli_live.c - the picture that is drawn while a command waits. */
#include "cli/live.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A line each, with the first letter of its style before it: "W shop/web: updating, ...". Releases them. */
static char *lines(struct live *live, size_t width, size_t height)
{
    static const char letters[] = {
        [OUT_PLAIN] = 'P', [OUT_GOOD] = 'G', [OUT_WARN] = 'W', [OUT_BAD] = 'B', [OUT_DIM] = 'D'};
    char *text = orc_strdup(""), *longer;

    for (size_t i = 0; i < live->n; i++) {
        assert_true(!width || strlen(live->at[i].text) < width);
        longer = orc_printf("%s%c %s\n", text, letters[live->at[i].style], live->at[i].text);
        free(text);
        text = longer;
    }
    assert_true(!height || live->n < height || live->n == 1);
    live_release(live);
    return text;
}

static char *pictured(struct cluster *c, const struct wait_targets *targets, const enum outcome *outcomes,
                      size_t width, size_t height)
{
    struct report r;
    struct live live;

    report_build(c, NULL, NOW, &r);
    live_build(&r, targets, outcomes, width, height, &live);
    report_release(&r);
    return lines(&live, width, height);
}

static char *drained(struct cluster *c, const char *from, size_t width, size_t height)
{
    struct report r;
    struct drain d;
    struct live live;

    report_build(c, NULL, NOW, &r);
    drain_build(c, &r, from, &d);
    live_drain(&r, &d, from, width, height, &live);
    drain_release(&d);
    report_release(&r);
    return lines(&live, width, height);
}

static struct wait_targets one(void)
{
    struct wait_targets t = {0};

    wait_add(&t, "shop", "web", WAIT_COMPLETE);
    return t;
}

static struct cluster updating(void)
{
    struct cluster c = healthy(4);

    status(&c, "k1", 1, "running", "unhealthy", "HTTP 503");
    status(&c, "k1", 2, "pulling", "unknown", NULL);
    task(&c, "k1", 3, "remove");
    status(&c, "k1", 3, "stopping", "unknown", NULL);
    rollout(&c, "updating", "2 of 4 are of revision 2", NULL);
    return c;
}

static void assert_picture(size_t width, size_t height, enum outcome o, const char *expected)
{
    struct cluster c = updating();
    struct wait_targets targets = one();
    orc_auto_free char *text = pictured(&c, &targets, &o, width, height);

    assert_string_equal(text, expected);
    wait_targets_release(&targets);
    cluster_release(&c);
}

static void test_live__what_is_not_well_is_below_its_service(void **state)
{
    assert_picture(0, 0, OUTCOME_GOING_ON,
                   "W shop/web: updating, 1 of 4 healthy: 2 of 4 are of revision 2\n"
                   "B     shop.web.1.2 on k1: running, unhealthy for 3s: last probe: HTTP 503\n"
                   "D     shop.web.2.3 on k1: pulling for 3s\n"
                   "D     shop.web.3.4 on k1: going for 3s: scaled down\n");
}

/* How long it has been running is not how long it has been going. */
static void test_live__one_that_goes_has_no_age_before_it_stops(void **state)
{
    struct cluster c = updating();
    struct wait_targets targets = one();
    enum outcome o = OUTCOME_GOING_ON;
    orc_auto_free char *text = NULL;

    status(&c, "k1", 3, "running", "healthy", NULL);
    text = pictured(&c, &targets, &o, 0, 0);
    assert_non_null(strstr(text, "shop.web.3.4 on k1: going: scaled down\n"));
    wait_targets_release(&targets);
    cluster_release(&c);
}

static void test_live__one_that_is_not_ready_is_told_apart(void **state)
{
    struct cluster c = updating();
    struct wait_targets targets = one();
    enum outcome o = OUTCOME_GOING_ON;
    orc_auto_free char *text = NULL;

    status(&c, "k1", 1, "running", "unready", "HTTP 503");
    text = pictured(&c, &targets, &o, 0, 0);
    assert_non_null(strstr(text, "\nW     shop.web.1.2 on k1: running, unready for 3s: no requests go there "
                                 "while its readiness check fails; last probe: HTTP 503\n"));
    wait_targets_release(&targets);
    cluster_release(&c);
}

static void test_live__what_has_ended_is_one_line(void **state)
{
    assert_picture(0, 0, OUTCOME_COMPLETE, "G shop/web: updating, 1 of 4 healthy\n");
    assert_picture(0, 0, OUTCOME_PAUSED, "B shop/web: updating, 1 of 4 healthy: 2 of 4 are of revision 2\n");
}

static void test_live__keeps_within_the_terminal(void **state)
{
    assert_picture(30, 0, OUTCOME_COMPLETE, "G shop/web: updating, 1 of 4...\n");
    assert_picture(30, 4, OUTCOME_GOING_ON,
                   "W shop/web: updating, 1 of 4...\n"
                   "B     shop.web.1.2 on k1: ru...\n"
                   "D     ... and 2 more replicas\n");
    assert_picture(30, 3, OUTCOME_GOING_ON,
                   "W shop/web: updating, 1 of 4...\n"
                   "D     ... and 3 more replicas\n");
    assert_picture(30, 2, OUTCOME_GOING_ON, "W shop/web: updating, 1 of 4...\n");
    assert_picture(30, 1, OUTCOME_GOING_ON, "W shop/web: updating, 1 of 4...\n");
}

/* Five services, of which the terminal has room for three: what goes on and what failed comes first. */
static void test_live__services_that_have_no_room_are_counted(void **state)
{
    static const enum outcome outcomes[] = {OUTCOME_COMPLETE, OUTCOME_DROPPED, OUTCOME_COMPLETE,
                                            OUTCOME_GOING_ON, OUTCOME_COMPLETE};
    struct cluster c = healthy(1);
    struct wait_targets targets = {0};
    orc_auto_free char *text = NULL;

    for (int i = 0; i < 5; i++) {
        orc_auto_free char *name = orc_printf("s%d", i);

        wait_add(&targets, "shop", name, WAIT_COMPLETE);
    }
    text = pictured(&c, &targets, outcomes, 80, 5);
    assert_string_equal(text, "G shop/s0: somebody removed it\n"
                              "B shop/s1: somebody removed it\n"
                              "W shop/s3: somebody removed it\n"
                              "D ... and 2 more services\n");
    wait_targets_release(&targets);
    cluster_release(&c);
}

/* A line for the node, one for each service there, and what holds it up below. */
static void test_live__a_drain(void **state)
{
    static const struct {
        size_t width, height;
        const char *text;
    } cases[] = {
        {0, 0,
         "W k1: 2 tasks to move, 1 stopping\n"
         "W   shop/web: 2 to move, 1 stopping: no room elsewhere\n"
         "D     shop.web.1.2 on k1: going for 3s: scaled down\n"
         "D     shop.web.2.3 on k2: pulling for 3s\n"},
        {30, 4,
         "W k1: 2 tasks to move, 1 sto...\n"
         "W   shop/web: 2 to move, 1 s...\n"
         "D     ... and 2 more replicas\n"},
        {0, 2, "W k1: 2 tasks to move, 1 stopping\n"},
    };
    struct cluster c = healthy(4);

    node(&c, "k2", true);
    put(&c, "node-policy/k1", "{\"cordon\":true,\"drain\":true}");
    rollout(&c, "healing", NULL, "[{\"slot\":0,\"reason\":\"no room elsewhere\",\"since\":1}]");
    task(&c, "k1", 1, "remove");
    status(&c, "k1", 1, "stopping", "unknown", NULL);
    cluster_delete(&c, "/orc/default/tasks/k1/shop.web.2.3");
    task(&c, "k2", 2, "run");
    status(&c, "k2", 2, "pulling", "unknown", NULL);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *text = drained(&c, "k1", cases[i].width, cases[i].height);

        assert_string_equal(text, cases[i].text);
    }
    cluster_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live__what_is_not_well_is_below_its_service),
        cmocka_unit_test(test_live__one_that_goes_has_no_age_before_it_stops),
        cmocka_unit_test(test_live__one_that_is_not_ready_is_told_apart),
        cmocka_unit_test(test_live__what_has_ended_is_one_line),
        cmocka_unit_test(test_live__keeps_within_the_terminal),
        cmocka_unit_test(test_live__services_that_have_no_room_are_counted),
        cmocka_unit_test(test_live__a_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
