/* nodelet/configs: files of the server that are as they shall be before each start. In a folder of /tmp. */
#include "nodelet/configs.h"

#include "lib/file.h"
#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/orc-configs-XXXXXX";
static char *dir;

static int begin(void **state)
{
    strcpy(root + sizeof root - 7, "XXXXXX");
    assert_non_null(mkdtemp(root));
    dir = orc_printf("%s/shop.web.0.3", root);
    return 0;
}

static int end(void **state)
{
    configs_remove(dir);
    free(dir);
    return rmdir(root);
}

static void add(struct spec_service *s, const char *source, const char *content, int mode)
{
    *orc_vec_add(&s->configs) = (struct spec_config){.source = orc_strdup(source),
                                                     .target = orc_printf("/%s", source),
                                                     .content = orc_strdup(content),
                                                     .uid = (int)getuid(),
                                                     .gid = (int)getgid(),
                                                     .mode = mode};
}

static void assert_file(size_t i, const char *content, mode_t mode)
{
    orc_auto_free char *path = configs_path(dir, i), *text = NULL;
    struct stat st;

    assert_int_equal(orc_file_read(path, 4096, &text, NULL, NULL), 0);
    assert_string_equal(text, content);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

static ino_t inode(size_t i)
{
    orc_auto_free char *path = configs_path(dir, i);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void test_configs__are_written_once_and_put_right(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec_service_new("web");
    orc_auto_free char *path = configs_path(dir, 0);
    struct orc_err err = ORC_ERR_INIT;
    ino_t before[2];
    struct stat st;

    add(s, "a", "one\n", 0444);
    add(s, "b", "", 0640);
    assert_int_equal(configs_write(dir, s, &err), 0);
    assert_file(0, "one\n", 0444);
    assert_file(1, "", 0640);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700); /* not for everybody on the server */
    before[0] = inode(0);
    before[1] = inode(1);
    assert_int_equal(configs_write(dir, s, &err), 0);
    assert_true(inode(0) == before[0] && inode(1) == before[1]); /* what a container has mounted stays */

    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(configs_write(dir, s, &err), 0);
    assert_file(0, "one\n", 0444);
    assert_int_equal(orc_file_write(path, "bent", 4, 0444, &err), 0);
    assert_int_equal(configs_write(dir, s, &err), 0);
    assert_file(0, "one\n", 0444);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(configs_write(dir, s, &err), 0); /* nothing is read or written through it */
    assert_file(0, "one\n", 0444);
    configs_remove(dir);
    assert_int_equal(access(dir, F_OK), -1);
    configs_remove(dir);
}

static void test_configs__without_any_no_folder_is_made(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec_service_new("web");

    assert_int_equal(configs_write(dir, s, NULL), 0);
    assert_int_equal(access(dir, F_OK), -1);
}

static void test_configs__what_can_not_be_written_is_named(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec_service_new("web");
    orc_auto_free char *path = configs_path(dir, 0);
    struct orc_err err = ORC_ERR_INIT;

    add(s, "a", "one", 0444);
    assert_int_equal(orc_file_mkdirs(path, &err), 0); /* a folder in the file's place */
    assert_true(configs_write(dir, s, &err) < 0);
    assert_non_null(strstr(err.msg, "config \"a\""));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(configs_write(dir, s, &err), 0);
}

static bool keep(const char *name, void *arg)
{
    return strcmp(name, arg) == 0;
}

static void test_configs__folders_that_nobody_keeps_go(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec_service_new("web");
    orc_auto_free char *other = orc_printf("%s/shop.web.0.2", root);

    add(s, "a", "one", 0444);
    assert_int_equal(configs_write(dir, s, NULL), 0);
    assert_int_equal(configs_write(other, s, NULL), 0);
    configs_sweep(root, keep, (void *)(uintptr_t) "shop.web.0.3");
    assert_int_equal(access(other, F_OK), -1);
    assert_file(0, "one", 0444);
    configs_sweep("/tmp/orc-configs-none", keep, NULL); /* before the first was written */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_configs__are_written_once_and_put_right, begin, end),
        cmocka_unit_test_setup_teardown(test_configs__without_any_no_folder_is_made, begin, end),
        cmocka_unit_test_setup_teardown(test_configs__what_can_not_be_written_is_named, begin, end),
        cmocka_unit_test_setup_teardown(test_configs__folders_that_nobody_keeps_go, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
