/* test_cli_tables.c - the tables and details that are no report, at 80 and 160 columns: revisions, runs,
 * rollouts, plans, explanations, events, versions, contexts. */
#include "cli/brain.h"
#include "cli/preview.h"
#include "cli/print_forecast.h"
#include "cli/print_lists.h"
#include "cli/why.h"
#include "specs/load.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/cli_golden.h"

/* Writes something of a cluster that it makes itself. */
typedef void writer(const struct out *o, FILE *f);

static void write_history(const struct out *o, FILE *f)
{
    struct cluster c = rich();
    struct history h;

    put(&c, "revisions/shop/web/00000001",
        "{\"spec\":{\"name\":\"web\",\"image\":\"registry.example/a/longer/path/to/shop/web:2026-01-31\"},"
        "\"hash\":\"h\",\"container_hash\":\"c\",\"by\":\"somebody@a-desk-with-a-long-name\",\"at\":"
        "900000000}");
    put(&c, "revisions/shop/web/00000003", "garbage");
    history_build(&c, "shop", "web", &h);
    print_history(o, &h, NOW, f);
    history_release(&h);
    cluster_release(&c);
}

static void write_runs(const struct out *o, FILE *f)
{
    struct cluster c = rich();
    struct runs runs = {0};

    put(&c, "rollouts/shop/web",
        "{\"state\":\"complete\",\"generation\":1,\"wanted\":2,\"target\":2,\"since\":1,\"runs\":["
        "{\"n\":1,\"state\":\"succeeded\",\"revision\":1,\"started\":990000000,\"ended\":990060000,"
        "\"wanted\":2,"
        "\"completed\":2,\"exit_code\":-1,\"scheduled\":990000000},"
        "{\"n\":2,\"state\":\"failed\",\"revision\":2,\"started\":999000000,\"ended\":999010000,\"wanted\":2,"
        "\"completed\":1,\"failures\":4,\"exit_code\":3,\"reason\":\"replica 1 failed 4 times: exit code "
        "3\"},"
        "{\"n\":3,\"state\":\"running\",\"revision\":2,\"started\":999990000,\"wanted\":2,\"completed\":0,"
        "\"exit_code\":-1}]}");
    runs_copy(&cluster_find(&c, key_rollout("default", "shop", "web"))->as.rollout, &runs);
    runs_print(o, &runs, NOW, f);
    runs_release(&runs);
    cluster_release(&c);
}

static void write_rollout(const struct out *o, FILE *f)
{
    struct cluster c = rich();
    struct report r;

    report_build(&c, "shop/web", NOW, &r);
    print_rollout(o, &r.services.at[0], f);
    report_release(&r);
    cluster_release(&c);
}

/* A file of a service that fits and one that does not, on two servers of 3 CPUs and 3 GiB. */
static void write_plan(const struct out *o, FILE *f)
{
    static const char yaml[] = "name: shop\n"
                               "services:\n"
                               "  web: {image: \"shop/web:1\", deploy: {replicas: 2}}\n"
                               "  db:\n"
                               "    image: shop/db:1\n"
                               "    deploy: {replicas: 3, resources: {limits: {memory: 2G}}}\n";
    struct spec_problems problems = {0};
    struct preview_change x = {.app = "shop"};
    struct spec_app *app = NULL;
    struct forecast_result r;
    struct cluster c;
    struct delta d;

    cluster_init(&c, "default");
    node(&c, "k1", true);
    node(&c, "k2", true);
    assert_int_equal(spec_parse(yaml, strlen(yaml), NULL, &app, &problems), 0);
    delta_build(&c, app, &d);
    x.delta = &d;
    assert_int_equal(preview_run(&c, &x, NOW, &r, NULL), 0);
    print_forecast(o, &r, f);
    forecast_result_release(&r);
    delta_release(&d);
    spec_app_free(app);
    cluster_release(&c);
}

static void write_why(const struct out *o, FILE *f)
{
    struct why w = {.app = "shop", .service = "web"};
    struct cluster c = rich();
    struct core *core;

    app(&c, 3);
    rollout(&c, "updating", NULL, "[{\"slot\":2,\"reason\":\"0 of 2 nodes fit\",\"since\":999940000}]");
    core = brain_new(&c, NOW);
    assert_int_equal(explain_slot(core, "shop", "web", 2, &w.explain, NULL), 0);
    why_print(o, &w, NOW, f);
    why_release(&w);
    core_free(core);
    cluster_release(&c);
}

static void write_events(const struct out *o, FILE *f)
{
    struct cluster c = rich();

    cluster_sort(&c);
    for (const struct cluster_entry *e = c.entries; e; e = e->hh.next)
        if (e->key.kind == KEY_EVENT)
            print_event(o, &e->as.event, f);
    cluster_release(&c);
}

static void write_versions(const struct out *o, FILE *f)
{
    struct cluster c;

    cluster_init(&c, "default");
    put(&c, "nodes/k1", "{\"address\":\"10.0.0.11\",\"capacity\":{},\"mtu\":1500,\"conditions\":[]}");
    put(&c, "nodes/k2",
        "{\"address\":\"10.0.0.12\",\"capacity\":{},\"mtu\":1500,\"conditions\":[],\"version\":\"0.0.9\","
        "\"engine\":\"20.10.24 (API 1.41)\"}");
    put(&c, "leader", "{\"id\":\"ctl-1c9e04ab\",\"host\":\"ctl\",\"version\":\"0.0.8\"}");
    cluster_sort(&c);
    print_versions(o, &c, f);
    cluster_release(&c);
}

static void write_contexts(const struct out *o, FILE *f)
{
    static const char text[] =
        "current: prod\n"
        "contexts:\n"
        "  prod:\n"
        "    etcd: [https://10.0.0.11:2379, https://10.0.0.12:2379, https://10.0.0.13:2379]\n"
        "    cluster: shops\n"
        "  test: {etcd: http://127.0.0.1:2379}\n";
    struct contexts c;

    assert_int_equal(contexts_parse("f", text, sizeof text - 1, &c, NULL), 0);
    print_contexts(o, &c, f);
    contexts_release(&c);
}

static const struct {
    const char *name;
    writer *write;
    bool lines; /* they may be wider than the terminal */
} tables[] = {{"history", write_history, false}, {"runs", write_runs, false},
              {"rollout", write_rollout, false}, {"plan", write_plan, false},
              {"why", write_why, false},         {"events", write_events, true},
              {"contexts", write_contexts, true}};

static char *written(writer *write, const struct out *o)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    write(o, f);
    fclose(f);
    return text;
}

static void test_tables__on_80_and_160_columns(void **state)
{
    static const size_t widths[] = {80, 160};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(tables); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(widths); k++) {
            struct out o = {.width = widths[k]};
            orc_auto_free char *text = written(tables[i].write, &o);
            orc_auto_free char *name = orc_printf("table-%s-%zu.txt", tables[i].name, widths[k]);

            assert_golden(name, text);
            if (!tables[i].lines)
                assert_narrow(text, widths[k]);
        }
}

static void test_tables__wide(void **state)
{
    static const size_t ones[] = {0, 1}; /* those that have more columns then */

    for (size_t i = 0; i < ORC_ARRAY_SIZE(ones); i++) {
        struct out o = {.width = 80, .form = OUT_WIDE};
        orc_auto_free char *text = written(tables[ones[i]].write, &o);
        orc_auto_free char *name = orc_printf("table-%s-wide.txt", tables[ones[i]].name);

        assert_golden(name, text);
    }
}

static void test_tables__names(void **state)
{
    static const struct {
        writer *write;
        const char *names;
    } cases[] = {{write_history, "3\n2\n1\n"}, {write_runs, "3\n2\n1\n"}, {write_contexts, "prod\ntest\n"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct out o = {.form = OUT_NAMES};
        orc_auto_free char *text = written(cases[i].write, &o);

        assert_string_equal(text, cases[i].names);
    }
}

/* Of this program's own version nothing can stand in a file. */
static void test_tables__versions(void **state)
{
    struct out o = {.width = 80};
    orc_auto_free char *text = written(write_versions, &o);

    assert_non_null(strstr(text, "PROGRAM       NODE VERSION ENGINE\n"));
    assert_non_null(strstr(text, "orc-scheduler ctl  0.0.8   -\n"));
    assert_non_null(strstr(text, "nodelet       k1   -       -\n"));
    assert_non_null(strstr(text, "nodelet       k2   0.0.9   20.10.24 (API 1.41)\n"));
}

static void test_tables__without_contexts_says_what_to_do(void **state)
{
    struct out o = {.width = 80};
    struct contexts none = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    print_contexts(&o, &none, f);
    fclose(f);
    assert_non_null(strstr(text, "orc context add NAME --etcd URL"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables__on_80_and_160_columns),
        cmocka_unit_test(test_tables__wide),
        cmocka_unit_test(test_tables__names),
        cmocka_unit_test(test_tables__versions),
        cmocka_unit_test(test_tables__without_contexts_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
