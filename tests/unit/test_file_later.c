#include "lib/file_later.h"

#include "lib/file.h"
#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A disk that takes as long as the test wants. */
static atomic_bool disk_hangs;
static atomic_int syncs;

int fsync(int fd)
{
    syncs++;
    while (disk_hangs)
        usleep(1000);
    return 0;
}

static char dir[] = "/tmp/orc-test-later-XXXXXX";
static uv_loop_t loop;

struct told {
    int times, r;
    char text[ORC_ERR_MAX];
};

static void on_written(int r, const struct orc_err *err, void *arg)
{
    struct told *t = arg;

    t->times++;
    t->r = r;
    snprintf(t->text, sizeof t->text, "%s", err->msg);
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

static void assert_holds(const char *path, const char *want)
{
    orc_auto_free char *text = NULL;

    assert_int_equal(orc_file_read(path, 100, &text, NULL, NULL), 0);
    assert_string_equal(text, want);
}

static void on_timer(uv_timer_t *timer)
{
    if (syncs == 0)
        return; /* the write has not come to the disk yet */
    disk_hangs = false;
    uv_close((uv_handle_t *)timer, NULL);
}

/* The timer that ends the waiting runs on the loop: were the loop to wait for the disk, it would never come.
 */
static void test_file_later__the_loop_does_not_wait_for_the_disk(void **state)
{
    orc_auto_free char *path = orc_printf("%s/a", dir);
    struct told told = {0};
    struct orc_file_later *f = orc_file_later_new(&loop, path, 0600, on_written, &told);
    uv_timer_t timer;

    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, 5, 5);
    disk_hangs = true;
    orc_file_later_write(f, "1");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.r, 0);
    assert_holds(path, "1");
    orc_file_later_free(f);
}

static void test_file_later__of_what_waits_the_last_is_written(void **state)
{
    orc_auto_free char *path = orc_printf("%s/b", dir);
    struct told told = {0};
    struct orc_file_later *f = orc_file_later_new(&loop, path, 0600, on_written, &told);

    syncs = 0;
    orc_file_later_write(f, "1");
    orc_file_later_write(f, "2");
    orc_file_later_write(f, "3");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(syncs, 4); /* two files and their folder */
    assert_int_equal(told.times, 1);
    assert_holds(path, "3");
    orc_file_later_free(f);
}

static void test_file_later__freed_it_still_writes_but_tells_nobody(void **state)
{
    orc_auto_free char *path = orc_printf("%s/c", dir);
    struct told told = {0};
    struct orc_file_later *f = orc_file_later_new(&loop, path, 0600, on_written, &told);

    orc_file_later_write(f, "1");
    orc_file_later_write(f, "2");
    assert_null(orc_file_later_free(f));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(told.times, 0);
    assert_holds(path, "2");
    assert_null(orc_file_later_free(NULL));
}

static void test_file_later__a_failure_is_told_and_the_next_write_may_be_well(void **state)
{
    orc_auto_free char *folder = orc_printf("%s/d", dir), *path = orc_printf("%s/d/e", dir);
    struct told told = {0};
    struct orc_file_later *f = orc_file_later_new(&loop, path, 0600, on_written, &told);

    orc_file_later_write(f, "1");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(told.r, -ENOENT);
    assert_non_null(strstr(told.text, path));
    assert_int_equal(orc_file_mkdirs(folder, NULL), 0);
    orc_file_later_write(f, "2");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(told.r, 0);
    assert_holds(path, "2");
    orc_file_later_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_later__the_loop_does_not_wait_for_the_disk),
        cmocka_unit_test(test_file_later__of_what_waits_the_last_is_written),
        cmocka_unit_test(test_file_later__freed_it_still_writes_but_tells_nobody),
        cmocka_unit_test(test_file_later__a_failure_is_told_and_the_next_write_may_be_well),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, setup, cleanup);
}
