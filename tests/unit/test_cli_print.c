/* test_cli_print.c - `orc status` and `orc nodes` as people see them, compared with files in
 * tests/golden/cli. Run from the repository's root. ORC_GOLDEN_UPDATE=1 writes the files anew, to be read
 * before they are committed. */
#include "cli/print.h"
#include "lib/file.h"
#include "tests/unit/cli_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void assert_golden(const char *name, const char *text)
{
    orc_auto_free char *path = orc_printf("tests/golden/cli/%s", name);
    orc_auto_free char *expected = NULL;
    struct orc_err err = ORC_ERR_INIT;

    if (getenv("ORC_GOLDEN_UPDATE"))
        assert_int_equal(orc_file_write(path, text, strlen(text), 0644, &err), 0);
    if (orc_file_read(path, 65536, &expected, NULL, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(text, expected);
}

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
    for (const char *line = text; width && *line;) {
        size_t n = strcspn(line, "\n");

        assert_in_range(n, 0, width);
        line += n + 1;
    }
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
        cmocka_unit_test(test_picture__clears_behind_each_line_and_below),
        cmocka_unit_test(test_picture__what_is_too_high_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
