/* test_cli_delta.c - what applying a file changes, and editing an app. */
#include "cli/change.h"
#include "cli/delta.h"
#include "cli/prune.h"
#include "specs/load.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define API "  api: {image: shop/api:1}\n"
#define WEB "  web: {image: shop/web:1, deploy: {replicas: 2}}\n"
#define WEB_OTHER "  web: {image: shop/web:2, deploy: {replicas: 2}}\n"
#define WEB_FREE "  web: {image: shop/web:1}\n"
#define WEB_FREE_OTHER "  web: {image: shop/web:2}\n"

static struct spec_app *file(const char *services)
{
    orc_auto_free char *yaml = orc_printf("name: shop\nservices:\n%s", services);
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;

    assert_int_equal(spec_parse(yaml, strlen(yaml), NULL, &app, &problems), 0);
    spec_problems_release(&problems);
    return app;
}

/* The store after `services` were applied as revision n each: revisions, and the app with this override. */
static void store(struct cluster *c, const char *services, int n, int override)
{
    struct spec_app *app = file(services);
    struct record_app now = {.generation = 3};
    orc_auto_free char *text = NULL;

    for (size_t i = 0; i < app->services.n; i++) {
        struct record_revision rev = {.spec = app->services.at[i]};
        orc_auto_free char *key = orc_printf("revisions/shop/%s/%08d", rev.spec->name, n);
        orc_auto_free char *revision = NULL;
        struct record_app_service *s = change_add(&now, rev.spec->name);

        spec_service_hash(rev.spec, rev.hash, rev.container_hash);
        revision = record_revision_text(&rev);
        put(c, key, revision);
        s->revision = n;
        s->replicas = override;
    }
    text = record_app_text(&now);
    put(c, "apps/shop", text);
    record_app_release(&now);
    spec_app_free(app);
}

static struct cluster stored(const char *services, int override)
{
    struct cluster c;

    cluster_init(&c, "default");
    if (services)
        store(&c, services, 1, override);
    return c;
}

/* "web new 1 write" per step. */
static char *described(const struct delta *d)
{
    char *text = orc_strdup("");
    const struct delta_step *s;

    orc_vec_each (s, &d->steps) {
        char *longer = orc_printf("%s%s%s %s %lld%s", text, *text ? "; " : "", s->service,
                                  delta_kind_name(s->kind), (long long)s->revision, s->write ? " write" : "");

        free(text);
        text = longer;
    }
    return text;
}

static void assert_delta(struct cluster *c, const char *services, bool prune, const char *expected,
                         size_t changes)
{
    struct spec_app *app = file(services);
    orc_auto_free char *text = NULL;
    struct delta d;

    delta_build(c, app, &d);
    if (prune)
        delta_prune(&d);
    text = described(&d);
    assert_string_equal(text, expected);
    assert_int_equal(d.changes, changes);
    delta_release(&d);
    spec_app_free(app);
    cluster_release(c);
}

static void test_delta__into_an_empty_store_everything_is_new(void **state)
{
    struct cluster c = stored(NULL, SPEC_REPLICAS_DEFAULT);

    assert_delta(&c, WEB API, false, "api new 1 write; web new 1 write", 2);
}

/* Behaviour 13. */
static void test_delta__the_same_file_changes_nothing(void **state)
{
    struct cluster c = stored(WEB API, SPEC_REPLICAS_DEFAULT);

    assert_delta(&c, WEB API, false, "api none 1; web none 1", 0);
}

static void test_delta__only_what_differs_is_written(void **state)
{
    struct cluster c = stored(WEB API, SPEC_REPLICAS_DEFAULT);

    assert_delta(&c, WEB_OTHER API, false, "api none 1; web changed 2 write", 1);
}

static void test_delta__a_revision_that_was_never_switched_to_is_used_again(void **state)
{
    struct cluster c = stored(WEB, SPEC_REPLICAS_DEFAULT);
    struct cluster_entry *e = cluster_find(&c, key_app("default", "shop"));
    orc_auto_free char *app = record_app_text(&e->as.app);

    store(&c, WEB_OTHER, 2, SPEC_REPLICAS_DEFAULT);
    put(&c, "apps/shop", app); /* it died before the flip */
    assert_delta(&c, WEB_OTHER, false, "web changed 2", 1);
}

static void test_delta__after_an_unused_revision_another_spec_gets_the_next_number(void **state)
{
    struct cluster c = stored(WEB, SPEC_REPLICAS_DEFAULT);
    struct cluster_entry *e = cluster_find(&c, key_app("default", "shop"));
    orc_auto_free char *app = record_app_text(&e->as.app);

    store(&c, WEB_OTHER, 2, SPEC_REPLICAS_DEFAULT);
    put(&c, "apps/shop", app);
    assert_delta(&c, WEB_FREE_OTHER, false, "web changed 3 write", 1);
}

static void test_delta__an_unreadable_revision_keeps_its_number(void **state)
{
    struct cluster c = stored(WEB, SPEC_REPLICAS_DEFAULT);

    put(&c, "revisions/shop/web/00000007", "garbage");
    assert_delta(&c, WEB_OTHER, false, "web changed 8 write", 1);
}

static void test_delta__what_left_the_file_is_kept_until_pruned(void **state)
{
    struct cluster c = stored(WEB API, SPEC_REPLICAS_DEFAULT);
    struct cluster d = stored(WEB API, SPEC_REPLICAS_DEFAULT);

    assert_delta(&c, WEB, false, "web none 1; api not-in-file 1", 0);
    assert_delta(&d, WEB, true, "web none 1; api removed 1", 1);
}

static void test_delta__the_file_s_number_ends_an_override(void **state)
{
    struct cluster c = stored(WEB, 5);

    assert_delta(&c, WEB, false, "web rescaled 1", 1);
}

static void test_delta__an_override_equal_to_the_file_is_no_change(void **state)
{
    struct cluster c = stored(WEB, 2);

    assert_delta(&c, WEB, false, "web none 1", 0);
}

static int replicas_after(const char *before, int override, const char *after)
{
    struct cluster c = stored(before, override);
    struct spec_app *app = file(after);
    struct delta d;
    int n;

    delta_build(&c, app, &d);
    n = change_service(&d.next, "web")->replicas;
    delta_release(&d);
    spec_app_free(app);
    cluster_release(&c);
    return n;
}

static void test_delta__a_file_without_a_number_keeps_the_override(void **state)
{
    assert_int_equal(replicas_after(WEB_FREE, 5, WEB_FREE), 5);
    assert_int_equal(replicas_after(WEB_FREE, 5, WEB_FREE_OTHER), 5);
    assert_int_equal(replicas_after(WEB, 5, WEB), SPEC_REPLICAS_DEFAULT);
    assert_int_equal(replicas_after(WEB, 5, WEB_OTHER), SPEC_REPLICAS_DEFAULT);
}

/* Also when more than the number changes. */
static void test_delta__that_the_files_number_holds_again_is_said(void **state)
{
    static const struct {
        const char *before, *after;
        int override;
        bool said;
    } cases[] = {{WEB, WEB_OTHER, 5, true},
                 {WEB, WEB_OTHER, 2, false},
                 {WEB, WEB_OTHER, SPEC_REPLICAS_DEFAULT, false},
                 {WEB_FREE, WEB_FREE_OTHER, 5, false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct cluster c = stored(cases[i].before, cases[i].override);
        struct spec_app *app = file(cases[i].after);
        struct delta d;
        orc_auto_free char *line = NULL;

        delta_build(&c, app, &d);
        line = delta_line("shop", &d.steps.at[0]);
        assert_string_equal(
            line, cases[i].said ? "shop/web: changes to revision 2, and to 2 replicas again, as the file says"
                                : "shop/web: changes to revision 2");
        delta_release(&d);
        spec_app_free(app);
        cluster_release(&c);
    }
}

/* Whoever once scaled it: nodes are counted now (behaviour 30). */
static void test_delta__becoming_global_ends_an_override(void **state)
{
    const char *everywhere = "  web: {image: shop/web:1, deploy: {mode: global}}\n";

    assert_int_equal(replicas_after(WEB_FREE, 5, everywhere), SPEC_REPLICAS_DEFAULT);
}

/* ---- editing an app
 * --------------------------------------------------------------------------------------------- */

static void test_change__a_copy_holds_what_was_there(void **state)
{
    struct cluster c = stored(WEB API, 4);
    struct record_app a;

    change_copy(&c, "shop", &a);
    assert_int_equal(a.services.n, 2);
    assert_string_equal(a.services.at[0].name, "api");
    assert_int_equal(a.services.at[1].replicas, 4);
    record_app_release(&a);
    change_copy(&c, "nope", &a);
    assert_int_equal(a.services.n, 0);
    record_app_release(&a);
    cluster_release(&c);
}

static void test_change__services_are_added_in_order_and_removed(void **state)
{
    static const char *const names[] = {"m", "a", "z", "k"};
    struct record_app a = {0};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(names); i++)
        change_add(&a, names[i])->revision = (int64_t)i;
    for (size_t i = 1; i < a.services.n; i++)
        assert_true(strcmp(a.services.at[i - 1].name, a.services.at[i].name) < 0);
    assert_int_equal(change_service(&a, "z")->revision, 2);
    change_remove(&a, "k");
    change_remove(&a, "none");
    assert_null(change_service(&a, "k"));
    assert_int_equal(a.services.n, 3);
    record_app_release(&a);
}

static void test_change__generations_only_grow(void **state)
{
    struct cluster c = stored(WEB, SPEC_REPLICAS_DEFAULT);

    assert_int_equal(change_generation(&c, "shop"), 4);
    assert_int_equal(change_generation(&c, "new"), 1);
    cluster_delete(&c, "/orc/default/apps/shop");
    put(&c, "rollouts/shop/web", "{\"state\":\"removing\",\"generation\":9}");
    put(&c, "rollouts/other/web", "{\"state\":\"complete\",\"generation\":20}");
    assert_int_equal(change_generation(&c, "shop"), 10);
    cluster_release(&c);
}

static void test_change__an_unreadable_app_is_refused_with_its_key(void **state)
{
    struct cluster c = stored(WEB, SPEC_REPLICAS_DEFAULT);
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(change_readable(&c, "shop", &err), 0);
    assert_int_equal(change_readable(&c, "absent", &err), 0);
    put(&c, "apps/shop", "[]");
    assert_true(change_readable(&c, "shop", &err) < 0);
    assert_non_null(strstr(err.msg, "/orc/default/apps/shop"));
    cluster_release(&c);
}

static void test_change__a_missing_service_is_answered_with_those_that_are(void **state)
{
    struct cluster c = stored(WEB API, SPEC_REPLICAS_DEFAULT);
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(change_no_service(&c, "shop", "wbe", &err), -ENOENT);
    assert_non_null(strstr(err.msg, "shop has: api, web"));
    assert_int_equal(change_no_service(&c, "nope", "web", &err), -ENOENT);
    assert_non_null(strstr(err.msg, "no app \"nope\""));
    cluster_release(&c);
}

/* ---- history
 * ---------------------------------------------------------------------------------------------------- */

/* Revisions 1..n of shop/web, the last one wanted; what may go, as "1 2 5". */
static char *prunable(int n, const char *key, const char *value)
{
    struct cluster c = stored(WEB, SPEC_REPLICAS_DEFAULT);
    struct orc_strv old = {0};
    char *text = orc_strdup("");

    for (int i = 2; i <= n; i++)
        store(&c, WEB_OTHER, i, SPEC_REPLICAS_DEFAULT);
    if (key)
        put(&c, key, value);
    prune_choose(&c, "shop", 50, &old);
    for (size_t i = 0; i < old.n; i++) {
        char *longer = orc_printf("%s%s%d", text, i ? " " : "", atoi(strrchr(old.at[i], '/') + 1));

        free(text);
        text = longer;
    }
    orc_strv_release(&old);
    cluster_release(&c);
    return text;
}

static void assert_prunable(int n, const char *key, const char *value, const char *expected)
{
    orc_auto_free char *text = prunable(n, key, value);

    assert_string_equal(text, expected);
}

/* Behaviour 43. */
static void test_prune__the_newest_revisions_stay(void **state)
{
    assert_prunable(PRUNE_KEEP, NULL, NULL, "");
    assert_prunable(PRUNE_KEEP + 3, NULL, NULL, "1 2 3");
}

static void test_prune__what_a_rollout_may_go_back_to_stays(void **state)
{
    assert_prunable(PRUNE_KEEP + 4, "rollouts/shop/web",
                    "{\"state\":\"updating\",\"generation\":1,\"wanted\":1,\"target\":2,\"complete\":3}",
                    "4");
    assert_prunable(
        PRUNE_KEEP + 4, "rollouts/shop/web",
        "{\"state\":\"updating\",\"generation\":1,\"wanted\":24,\"target\":24,\"complete\":23,\"from\":2}",
        "1 3 4");
}

static void test_prune__what_a_task_was_made_of_stays(void **state)
{
    assert_prunable(PRUNE_KEEP + 3, "tasks/k1/shop.web.0.1",
                    "{\"app\":\"shop\",\"service\":\"web\",\"slot\":0,\"attempt\":1,\"revision\":2,"
                    "\"container_hash\":\"\",\"desired\":\"run\",\"address\":\"10.210.1.2\"}",
                    "1 3");
}

static void test_prune__with_an_unreadable_record_nothing_goes(void **state)
{
    assert_prunable(PRUNE_KEEP + 3, "tasks/k1/shop.web.0.1", "garbage", "");
    assert_prunable(PRUNE_KEEP + 3, "revisions/shop/web/00000002", "garbage", "1 3");
}

/* ---- words of the command line
 * ---------------------------------------------------------------------------------- */

static void test_split__app_and_service(void **state)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(session_split("shop/orders", false, app, service, &err), 0);
    assert_string_equal(app, "shop");
    assert_string_equal(service, "orders");
    assert_int_equal(session_split("shop", true, app, service, &err), 0);
    assert_string_equal(app, "shop");
    assert_string_equal(service, "");
}

static void test_split__what_is_no_name_is_quoted(void **state)
{
    static const char *const bad[] = {
        "",         "/",     "shop/",   "/web",       "a/b/c",
        "Shop/web", "a b/c", "shop/-w", "shop/w\033", "shop/0123456789012345678901234567890123456789x"};
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct orc_err err = ORC_ERR_INIT;

        assert_int_equal(session_split(bad[i], true, app, service, &err), -EINVAL);
        assert_true(err.msg[0] != '\0');
    }
}

static void test_split__an_app_alone_is_refused_where_a_service_is_needed(void **state)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(session_split("shop", false, app, service, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "APP/SERVICE"));
}

/* ---- the words and the record ---- */

/* A line for each kind of change, and none where nothing changes. */
static void test_delta__each_change_has_a_line(void **state)
{
    static const struct {
        enum delta_kind kind;
        const char *line;
    } cases[] = {
        {DELTA_SAME, NULL},
        {DELTA_NEW, "shop/web: new, revision 7"},
        {DELTA_CHANGED, "shop/web: changes to revision 7"},
        {DELTA_RESCALED, "shop/web: 2 replicas again, as the file says"},
        {DELTA_LEFT, "shop/web: no longer in the file"},
        {DELTA_PRUNED, "shop/web: removed"},
    };
    struct spec_app *app = file(WEB);

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        const struct delta_step step = {
            .service = (char *)"web", .kind = cases[i].kind, .revision = 7, .spec = app->services.at[0]};
        orc_auto_free char *line = delta_line("shop", &step);

        assert_int_equal(line != NULL, cases[i].line != NULL);
        if (line)
            assert_string_equal(line, cases[i].line);
    }
    spec_app_free(app);
}

/* Who wrote it, when, of what content, and the file it is from: to the byte. */
static void test_delta__the_record_of_a_revision(void **state)
{
    static const char *const files[] = {NULL, "#", "# a\n\tb\n"};
    struct spec_app *app = file(WEB);
    struct delta_step step = {.service = (char *)"web", .spec = app->services.at[0], .revision = 7};

    spec_service_hash(step.spec, step.hash, step.container_hash);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(files); i++) {
        orc_auto_free char *text = delta_revision(&step, files[i], "anna", 1700000000000);
        struct record_revision rev = {0};

        assert_int_equal(record_revision_parse(text, strlen(text), &rev, NULL), 0);
        assert_string_equal(rev.hash, step.hash);
        assert_string_equal(rev.container_hash, step.container_hash);
        assert_string_equal(rev.by, "anna");
        assert_int_equal(rev.at, 1700000000000);
        assert_string_equal(rev.spec->name, "web");
        assert_true(orc_streq(rev.yaml, files[i]));
        record_revision_release(&rev);
    }
    spec_app_free(app);
}

/* A thousand services of one file would else be read as a thousand files. */
static void test_delta__a_file_is_kept_where_its_copies_are_not_long(void **state)
{
    static const struct {
        size_t written, length;
        bool kept;
    } cases[] = {{1, 0, true},          {1, 128 * 1024, true},  {1, 128 * 1024 + 1, false},
                 {8, 128 * 1024, true}, {9, 128 * 1024, false}, {1000, 1000, true},
                 {1000, 2000, false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_calloc(1, cases[i].length + 1);
        struct delta d = {0};

        memset(yaml, '#', cases[i].length);
        for (size_t k = 0; k < 2 * cases[i].written; k++) /* every other one is as it was */
            orc_vec_add(&d.steps)->write = k % 2;
        assert_true(delta_yaml(&d, yaml) == (cases[i].kept ? yaml : NULL));
        delta_release(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta__into_an_empty_store_everything_is_new),
        cmocka_unit_test(test_delta__the_same_file_changes_nothing),
        cmocka_unit_test(test_delta__only_what_differs_is_written),
        cmocka_unit_test(test_delta__a_revision_that_was_never_switched_to_is_used_again),
        cmocka_unit_test(test_delta__after_an_unused_revision_another_spec_gets_the_next_number),
        cmocka_unit_test(test_delta__an_unreadable_revision_keeps_its_number),
        cmocka_unit_test(test_delta__what_left_the_file_is_kept_until_pruned),
        cmocka_unit_test(test_delta__the_file_s_number_ends_an_override),
        cmocka_unit_test(test_delta__an_override_equal_to_the_file_is_no_change),
        cmocka_unit_test(test_delta__a_file_without_a_number_keeps_the_override),
        cmocka_unit_test(test_delta__that_the_files_number_holds_again_is_said),
        cmocka_unit_test(test_delta__becoming_global_ends_an_override),
        cmocka_unit_test(test_change__a_copy_holds_what_was_there),
        cmocka_unit_test(test_change__services_are_added_in_order_and_removed),
        cmocka_unit_test(test_change__generations_only_grow),
        cmocka_unit_test(test_change__an_unreadable_app_is_refused_with_its_key),
        cmocka_unit_test(test_change__a_missing_service_is_answered_with_those_that_are),
        cmocka_unit_test(test_prune__the_newest_revisions_stay),
        cmocka_unit_test(test_prune__what_a_rollout_may_go_back_to_stays),
        cmocka_unit_test(test_prune__what_a_task_was_made_of_stays),
        cmocka_unit_test(test_prune__with_an_unreadable_record_nothing_goes),
        cmocka_unit_test(test_split__app_and_service),
        cmocka_unit_test(test_split__what_is_no_name_is_quoted),
        cmocka_unit_test(test_split__an_app_alone_is_refused_where_a_service_is_needed),
        cmocka_unit_test(test_delta__each_change_has_a_line),
        cmocka_unit_test(test_delta__the_record_of_a_revision),
        cmocka_unit_test(test_delta__a_file_is_kept_where_its_copies_are_not_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
