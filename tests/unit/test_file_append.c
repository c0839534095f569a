#include "lib/file_append.h"

#include "lib/file.h"
#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/orc-test-append-XXXXXX";
static uv_loop_t loop;

static char *path_of(const char *name)
{
    return orc_printf("%s/%s", dir, name);
}

static char *content(const char *path)
{
    char *data = NULL;
    size_t n;

    assert_int_equal(orc_file_read(path, 64 << 20, &data, &n, NULL), 0);
    return data;
}

static struct orc_file_append *open_it(const char *path, void (*on_failed)(const struct orc_err *, void *),
                                       void *arg)
{
    struct orc_err err = ORC_ERR_INIT;
    struct orc_file_append *f = orc_file_append_new(&loop, path, 0600, on_failed, arg, &err);

    if (!f)
        fail_msg("%s", err.msg);
    return f;
}

static void test_append__everything_arrives_in_order(void **state)
{
    orc_auto_free char *path = path_of("order"), *want = NULL, *is = NULL;
    struct orc_file_append *f = open_it(path, NULL, NULL);
    struct stat st;

    for (int i = 0; i < 1000; i++) {
        orc_auto_free char *line = orc_printf("line %d\n", i);
        char *longer = orc_printf("%s%s", want ? want : "", line);

        free(want);
        want = longer;
        orc_file_append_add(f, line, strlen(line));
        if (i % 100 == 0)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    orc_file_append_free(f);
    uv_run(&loop, UV_RUN_DEFAULT);
    is = content(path);
    assert_string_equal(is, want);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_append__what_waits_is_counted_until_it_is_written(void **state)
{
    orc_auto_free char *path = path_of("waits");
    struct orc_file_append *f = open_it(path, NULL, NULL);

    assert_int_equal(orc_file_append_waiting(f), 0);
    orc_file_append_add(f, "1234567", 7);
    orc_file_append_add(f, "89", 2);
    assert_int_equal(orc_file_append_waiting(f), 9);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(orc_file_append_waiting(f), 0);
    orc_file_append_free(f);
}

static void test_append__the_file_of_the_run_before_is_kept(void **state)
{
    orc_auto_free char *path = path_of("again"), *old = path_of("again.old"), *is = NULL, *was = NULL;

    for (int i = 1; i <= 3; i++) {
        struct orc_file_append *f = open_it(path, NULL, NULL);
        orc_auto_free char *text = orc_printf("run %d", i);

        orc_file_append_add(f, text, strlen(text));
        orc_file_append_free(f);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    is = content(path);
    was = content(old);
    assert_string_equal(is, "run 3");
    assert_string_equal(was, "run 2");
}

static void test_append__a_folder_that_is_not_there_is_named(void **state)
{
    orc_auto_free char *path = path_of("none/file");
    struct orc_err err = ORC_ERR_INIT;

    assert_null(orc_file_append_new(&loop, path, 0600, NULL, NULL, &err));
    assert_non_null(strstr(err.msg, "none/file can't be made"));
}

struct told {
    int times;
    char text[ORC_ERR_MAX];
};

static void on_failed(const struct orc_err *err, void *arg)
{
    struct told *t = arg;

    t->times++;
    snprintf(t->text, sizeof t->text, "%s", err->msg);
}

static void test_append__a_disk_that_takes_nothing_is_told_once(void **state)
{
    orc_auto_free char *path = path_of("full");
    struct told t = {0};
    struct orc_file_append *f = open_it(path, on_failed, &t);

    /* /dev/full takes the place of the file behind the descriptor */
    assert_int_equal(unlink(path), 0);
    for (int fd = 3; fd < 64; fd++) {
        orc_auto_free char *link = orc_printf("/proc/self/fd/%d", fd);
        char to[512] = "";
        FILE *dev;

        if (readlink(link, to, sizeof to - 1) < 0 || !strstr(to, "full (deleted)"))
            continue;
        dev = fopen("/dev/full", "w");
        assert_non_null(dev);
        assert_int_equal(dup2(fileno(dev), fd), fd);
        fclose(dev);
    }
    for (int i = 0; i < 3; i++) {
        orc_file_append_add(f, "x", 1);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    assert_int_equal(t.times, 1);
    assert_non_null(strstr(t.text, "full can't be written: No space left on device"));
    assert_int_equal(orc_file_append_waiting(f), 0);
    orc_file_append_free(f);
}

static void test_append__no_word_after_it_was_freed(void **state)
{
    orc_auto_free char *path = path_of("freed");
    struct told t = {0};
    struct orc_file_append *f = open_it(path, on_failed, &t);
    orc_auto_free char *is = NULL;

    orc_file_append_add(f, "last words", 10);
    assert_null(orc_file_append_free(f));
    uv_run(&loop, UV_RUN_DEFAULT);
    is = content(path);
    assert_string_equal(is, "last words");
    assert_int_equal(t.times, 0);
    assert_null(orc_file_append_free(NULL));
}

static int setup(void **state)
{
    return mkdtemp(dir) ? uv_loop_init(&loop) : -1;
}

static int cleanup(void **state)
{
    orc_auto_free char *cmd = orc_printf("rm -rf '%s'", dir);

    return uv_loop_close(&loop) || system(cmd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append__everything_arrives_in_order),
        cmocka_unit_test(test_append__what_waits_is_counted_until_it_is_written),
        cmocka_unit_test(test_append__the_file_of_the_run_before_is_kept),
        cmocka_unit_test(test_append__a_folder_that_is_not_there_is_named),
        cmocka_unit_test(test_append__a_disk_that_takes_nothing_is_told_once),
        cmocka_unit_test(test_append__no_word_after_it_was_freed),
    };

    return cmocka_run_group_tests(tests, setup, cleanup);
}
