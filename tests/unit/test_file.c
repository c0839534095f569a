#include "lib/file.h"

#include "lib/mem.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cmocka.h>

static char dir[] = "/tmp/orc-test-file-XXXXXX";

static int setup(void **state)
{
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_all(void **state)
{
    orc_auto_free char *cmd = orc_printf("rm -rf '%s'", dir);

    return system(cmd);
}

static char *in_dir(const char *name)
{
    return orc_printf("%s/%s", dir, name);
}

static size_t entries(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n - 2; /* . and .. */
}

static void test_file__what_was_written_is_read_back(void **state)
{
    int (*const how[])(const char *, const void *, size_t, mode_t, struct orc_err *) = {orc_file_write,
                                                                                        orc_file_write_soon};
    orc_auto_free char *path = in_dir("a");
    struct orc_err err = ORC_ERR_INIT;
    struct stat st;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(how); i++) {
        orc_auto_free char *data = NULL;
        size_t n = 0;

        assert_int_equal(how[i](path, "old", 3, 0600, &err), 0);
        assert_int_equal(how[i](path, "x\0y", 3, 0640, &err), 0);
        assert_int_equal(orc_file_read(path, 3, &data, &n, &err), 0);
        assert_int_equal(n, 3);
        assert_memory_equal(data, "x\0y", 4);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(entries(dir), 1);
        unlink(path);
    }
}

static void test_file__an_empty_file_is_an_empty_string(void **state)
{
    orc_auto_free char *path = in_dir("empty"), *data = NULL;

    assert_int_equal(orc_file_write(path, "", 0, 0600, NULL), 0);
    assert_int_equal(orc_file_read(path, 0, &data, NULL, NULL), 0);
    assert_string_equal(data, "");
    unlink(path);
}

static void test_file__a_larger_file_than_allowed_is_refused(void **state)
{
    orc_auto_free char *path = in_dir("big"), *big = orc_calloc(1, 100000), *data = NULL;
    struct orc_err err = ORC_ERR_INIT;
    size_t n = 0;

    memset(big, 'b', 100000);
    assert_int_equal(orc_file_write(path, big, 100000, 0600, NULL), 0);
    assert_int_equal(orc_file_read(path, 99999, &data, NULL, &err), -EFBIG);
    assert_null(data);
    assert_non_null(strstr(err.msg, "99999"));
    assert_int_equal(orc_file_read(path, 100000, &data, &n, &err), 0);
    assert_int_equal(n, 100000);
    assert_memory_equal(data, big, 100000);
    unlink(path);
}

static void test_file__errors_name_the_path_and_the_reason(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    char *data = NULL;

    assert_int_equal(orc_file_read("/nonexistent/x", 9, &data, NULL, &err), -ENOENT);
    assert_string_equal(err.msg, "/nonexistent/x: can't be opened: No such file or directory");
    assert_int_equal(orc_file_read(dir, 9, &data, NULL, &err), -EISDIR);
    assert_int_equal(orc_file_write("/nonexistent/x", "", 0, 0600, &err), -ENOENT);
    assert_null(data);
}

static void test_file__a_failed_write_leaves_the_old_file_and_no_litter(void **state)
{
    orc_auto_free char *path = in_dir("target"), *inside = in_dir("target/keep");
    struct orc_err err = ORC_ERR_INIT;

    /* a folder in the way can't be replaced by a file */
    assert_int_equal(orc_file_mkdirs(path, NULL), 0);
    assert_int_equal(orc_file_write(inside, "old", 3, 0600, NULL), 0);
    assert_true(orc_file_write(path, "new", 3, 0600, &err) < 0);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(entries(dir), 1);
    assert_int_equal(entries(path), 1);
    unlink(inside);
    rmdir(path);
}

static void test_file__a_disk_that_takes_no_more_leaves_the_old_file_and_no_litter(void **state)
{
    orc_auto_free char *path = in_dir("kept"), *big = orc_calloc(1, 10000), *data = NULL;
    struct rlimit old, small;
    struct orc_err err = ORC_ERR_INIT;
    int r;

    assert_int_equal(orc_file_write(path, "old", 3, 0600, NULL), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    r = orc_file_write(path, big, 10000, 0600, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(r, -EFBIG);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(orc_file_read(path, 10, &data, NULL, NULL), 0);
    assert_string_equal(data, "old");
    assert_int_equal(entries(dir), 1);
    unlink(path);
}

static void test_file__an_endless_file_ends_at_the_limit(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    char *data = NULL;

    assert_int_equal(orc_file_read("/dev/zero", 1 << 20, &data, NULL, &err), -EFBIG);
    assert_null(data);
}

static void test_file__missing_folders_are_made(void **state)
{
    orc_auto_free char *path = in_dir("a/b//c/"), *file = in_dir("f"), *under = in_dir("f/x");
    struct orc_err err = ORC_ERR_INIT;
    struct stat st;

    assert_int_equal(orc_file_mkdirs(path, &err), 0);
    assert_int_equal(orc_file_mkdirs(path, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(orc_file_mkdirs("/", &err), 0);
    assert_int_equal(orc_file_write(file, "", 0, 0600, NULL), 0);
    assert_int_equal(orc_file_mkdirs(under, &err), -ENOTDIR);
    assert_non_null(strstr(err.msg, file));
    assert_int_equal(orc_file_mkdirs(file, &err), -ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__what_was_written_is_read_back),
        cmocka_unit_test(test_file__an_empty_file_is_an_empty_string),
        cmocka_unit_test(test_file__a_larger_file_than_allowed_is_refused),
        cmocka_unit_test(test_file__errors_name_the_path_and_the_reason),
        cmocka_unit_test(test_file__a_failed_write_leaves_the_old_file_and_no_litter),
        cmocka_unit_test(test_file__a_disk_that_takes_no_more_leaves_the_old_file_and_no_litter),
        cmocka_unit_test(test_file__an_endless_file_ends_at_the_limit),
        cmocka_unit_test(test_file__missing_folders_are_made),
    };

    return cmocka_run_group_tests(tests, setup, remove_all);
}
