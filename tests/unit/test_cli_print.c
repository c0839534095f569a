/* test_cli_print.c - `orc status`, `orc services`, `orc tasks` and `orc nodes` as people see them. */
#include "cli/print.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/cli_golden.h"

static char *printed(struct cluster *c, size_t width, const char *only, bool nodes)
{
    struct out o = {.width = width};
    struct report r;
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    report_build(c, only, NOW, &r);
    if (nodes)
        print_nodes(&o, &r, f);
    else
        print_status(&o, &r, only != NULL, f);
    fclose(f);
    report_release(&r);
    return text;
}

static void assert_prints(struct cluster *c, size_t width, const char *only, bool nodes, const char *name)
{
    orc_auto_free char *text = printed(c, width, only, nodes);

    assert_golden(name, text);
    assert_narrow(text, width);
}

/* Two of three replicas well, one waiting, one node lost, one key unreadable. */
static struct cluster troubled(void)
{
    struct cluster c = healthy(2);

    app(&c, 3);
    node(&c, "k2", false);
    put(&c, "node-state/k2", "{\"state\":\"down\",\"since\":999910000}");
    status(&c, "k1", 1, "running", "unhealthy", "HTTP 503 after 2 ms");
    rollout(&c, "updating", "update to revision 2, replica 1 of 3",
            "[{\"slot\":2,\"reason\":\"k1: 140 MiB memory short; k2: gives no sign of life\",\"since\":1}]");
    put(&c, "tasks/k1/shop.web.7.9", "garbage");
    return c;
}

static void test_print__a_healthy_cluster(void **state)
{
    struct cluster c = healthy(3);

    assert_prints(&c, 80, NULL, false, "healthy-80.txt");
    cluster_release(&c);
}

static void test_print__a_troubled_cluster_on_80_columns(void **state)
{
    struct cluster c = troubled();

    assert_prints(&c, 80, NULL, false, "troubled-80.txt");
    cluster_release(&c);
}

static void test_print__a_troubled_cluster_on_160_columns(void **state)
{
    struct cluster c = troubled();

    assert_prints(&c, 160, NULL, false, "troubled-160.txt");
    cluster_release(&c);
}

static void test_print__a_troubled_cluster_on_40_columns(void **state)
{
    struct cluster c = troubled();

    assert_prints(&c, 40, NULL, false, "troubled-40.txt");
    cluster_release(&c);
}

static void test_print__a_troubled_cluster_without_a_terminal(void **state)
{
    struct cluster c = troubled();

    assert_prints(&c, 0, NULL, false, "troubled-pipe.txt");
    cluster_release(&c);
}

static void test_print__replicas_on_80_and_160_columns(void **state)
{
    struct cluster c = troubled();

    assert_prints(&c, 80, "shop/web", false, "replicas-80.txt");
    assert_prints(&c, 160, "shop/web", false, "replicas-160.txt");
    cluster_release(&c);
}

static void test_print__nodes_on_80_and_160_columns(void **state)
{
    struct cluster c = troubled();

    put(&c, "nodes/k3",
        "{\"address\":\"10.0.0.13\",\"subnet\":\"10.210.3.0/"
        "24\",\"capacity\":{\"cpus_nano\":8000000000,\"memory\":"
        "17179869184},\"os\":\"linux\",\"arch\":\"amd64\",\"kernel\":\"6.1.0-18-amd64\",\"virt\":\"kvm\","
        "\"engine\":"
        "\"20.10.24 (API 1.41)\",\"mtu\":1400,\"labels\":{\"disk\":\"nvme\",\"zone\":\"b\"},\"conditions\":[{"
        "\"type\":\"mtu\",\"ok\":false,\"reason\":\"the path to k1 carries 1400 bytes, orc0 has 1500\"}]}");
    put(&c, "alive/k3", "{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}");
    assert_prints(&c, 80, NULL, true, "nodes-80.txt");
    assert_prints(&c, 160, NULL, true, "nodes-160.txt");
    cluster_release(&c);
}

static void test_print__an_empty_cluster_says_what_to_do(void **state)
{
    struct cluster c;
    orc_auto_free char *text = NULL;

    cluster_init(&c, "default");
    text = printed(&c, 80, NULL, false);
    assert_non_null(strstr(text, "`orc apply FILE`"));
    assert_non_null(strstr(text, "start nodelet"));
    assert_non_null(strstr(text, "start orc-scheduler"));
    cluster_release(&c);
}

/* What one of the tables prints. */
static char *tabled(struct cluster *c, const struct out *o, const char *node,
                    void (*print)(const struct out *, const struct report *, FILE *))
{
    struct report r;
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    report_build(c, NULL, NOW, &r);
    if (node)
        report_keep_node(&r, node);
    print(o, &r, f);
    fclose(f);
    report_release(&r);
    return text;
}

static void test_print__services_and_tasks_on_80_and_160_columns_and_wide(void **state)
{
    static const struct {
        const char *name;
        void (*print)(const struct out *, const struct report *, FILE *);
    } tables[] = {{"services", print_services}, {"tasks", print_tasks}, {"nodes", print_nodes}};
    static const struct {
        const char *name;
        size_t width;
        enum out_form form;
    } forms[] = {
        {"80", 80, OUT_TEXT}, {"160", 160, OUT_TEXT}, {"wide", 0, OUT_WIDE}, {"wide-80", 80, OUT_WIDE}};
    struct cluster c = rich();

    for (size_t i = 0; i < ORC_ARRAY_SIZE(tables); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(forms); k++) {
            struct out o = {.width = forms[k].width, .form = forms[k].form};
            orc_auto_free char *text = tabled(&c, &o, NULL, tables[i].print);
            orc_auto_free char *name = orc_printf("rich-%s-%s.txt", tables[i].name, forms[k].name);

            assert_golden(name, text);
            if (forms[k].form == OUT_TEXT)
                assert_narrow(text, forms[k].width);
        }
    cluster_release(&c);
}

static void test_print__names_are_alone_on_their_lines(void **state)
{
    struct out o = {.form = OUT_NAMES, .width = 10};
    struct cluster c = rich();
    orc_auto_free char *services = tabled(&c, &o, NULL, print_services);
    orc_auto_free char *tasks = tabled(&c, &o, NULL, print_tasks);
    orc_auto_free char *on_k2 = tabled(&c, &o, "k2", print_tasks);
    orc_auto_free char *nodes = tabled(&c, &o, NULL, print_nodes);

    assert_string_equal(services, "shop/web\n");
    assert_string_equal(tasks, "shop.web.0.1\nshop.web.1.2\n");
    assert_string_equal(on_k2, "shop.web.1.2\n");
    assert_string_equal(nodes, "k1\nk2\n");
    cluster_release(&c);
}

static void test_print__of_nothing_there_are_no_names(void **state)
{
    struct out o = {.form = OUT_NAMES};
    orc_auto_free char *services = NULL, *tasks = NULL, *nodes = NULL;
    struct cluster c;

    cluster_init(&c, "default");
    services = tabled(&c, &o, NULL, print_services);
    tasks = tabled(&c, &o, NULL, print_tasks);
    nodes = tabled(&c, &o, NULL, print_nodes);
    assert_string_equal(services, "");
    assert_string_equal(tasks, "");
    assert_string_equal(nodes, "");
    cluster_release(&c);
}

static void test_print__headings_may_be_left_out(void **state)
{
    struct out o = {.no_headings = true}, with = {0};
    struct cluster c = healthy(1);
    orc_auto_free char *text = tabled(&c, &o, NULL, print_tasks),
                       *whole = tabled(&c, &with, NULL, print_tasks);
    orc_auto_free char *none = NULL;

    assert_string_equal(text, whole + strcspn(whole, "\n") + 1);
    cluster_release(&c);
    cluster_init(&c, "default");
    none = tabled(&c, &o, NULL, print_tasks);
    assert_string_equal(none, "");
    cluster_release(&c);
}

static char *pictured(size_t height, const char *text)
{
    struct out o = {.height = height};
    char *drawn = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&drawn, &n);

    print_picture(&o, text, f);
    fclose(f);
    return drawn;
}

static void test_picture__clears_behind_each_line_and_below(void **state)
{
    orc_auto_free char *drawn = pictured(10, "a\nb\n");

    assert_string_equal(drawn, "\033[H\033[?7la\033[K\nb\033[K\n\033[J\033[?7h");
}

static void test_picture__what_is_too_high_is_counted(void **state)
{
    orc_auto_free char *drawn = pictured(4, "a\nb\nc\nd\ne\n");
    orc_auto_free char *whole = pictured(4, "a\nb\nc\n");

    assert_string_equal(drawn, "\033[H\033[?7la\033[K\nb\033[K\n... 3 more lines\033[K\n\033[J\033[?7h");
    assert_string_equal(whole, "\033[H\033[?7la\033[K\nb\033[K\nc\033[K\n\033[J\033[?7h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print__a_healthy_cluster),
        cmocka_unit_test(test_print__a_troubled_cluster_on_80_columns),
        cmocka_unit_test(test_print__a_troubled_cluster_on_160_columns),
        cmocka_unit_test(test_print__a_troubled_cluster_on_40_columns),
        cmocka_unit_test(test_print__a_troubled_cluster_without_a_terminal),
        cmocka_unit_test(test_print__replicas_on_80_and_160_columns),
        cmocka_unit_test(test_print__nodes_on_80_and_160_columns),
        cmocka_unit_test(test_print__an_empty_cluster_says_what_to_do),
        cmocka_unit_test(test_print__services_and_tasks_on_80_and_160_columns_and_wide),
        cmocka_unit_test(test_print__names_are_alone_on_their_lines),
        cmocka_unit_test(test_print__of_nothing_there_are_no_names),
        cmocka_unit_test(test_print__headings_may_be_left_out),
        cmocka_unit_test(test_picture__clears_behind_each_line_and_below),
        cmocka_unit_test(test_picture__what_is_too_high_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
