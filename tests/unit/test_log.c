#include "lib/log.h"

#include "lib/json.h"
#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

static int saved_stderr = -1, sink = -1;

/* Everything said from here on goes to a file in memory. */
static int begin(void **state)
{
    saved_stderr = dup(STDERR_FILENO);
    sink = memfd_create("stderr", 0);
    return dup2(sink, STDERR_FILENO) < 0 ? -1 : 0;
}

static int end(void **state)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(sink);
    return 0;
}

/* What was said since the last call; freed by the caller. */
static char *said(void)
{
    off_t n = lseek(sink, 0, SEEK_END);
    char *text = orc_calloc(1, (size_t)n + 1);

    assert_int_equal(pread(sink, text, (size_t)n, 0), n);
    assert_int_equal(ftruncate(sink, 0), 0);
    lseek(sink, 0, SEEK_SET);
    return text;
}

static void said_after_time(const char *want)
{
    orc_auto_free char *text = said();

    if (!*want) {
        assert_string_equal(text, "");
        return;
    }
    assert_true(strlen(text) > 25);
    assert_int_equal(text[23], 'Z');
    assert_string_equal(text + 25, want);
}

static void test_log__text_has_time_level_process_and_message(void **state)
{
    orc_log_init("nodelet", ORC_LOG_INFO, false);
    orc_info("message key=%d", 5);
    said_after_time("info nodelet: message key=5\n");
    orc_error("bad");
    said_after_time("error nodelet: bad\n");
}

static void test_log__lower_levels_are_left_out(void **state)
{
    orc_log_init("nodelet", ORC_LOG_WARN, false);
    orc_info("no");
    orc_debug("no");
    said_after_time("");
    assert_false(orc_log_writes(ORC_LOG_INFO));
    assert_true(orc_log_writes(ORC_LOG_WARN));
    orc_warn("yes");
    said_after_time("warn nodelet: yes\n");
}

static void test_log__one_event_is_one_line_whatever_it_carries(void **state)
{
    orc_log_init("nodelet", ORC_LOG_INFO, false);
    orc_info("a\nb\tc\x1b[31m\r\x7f\xc2\x9b \xc3\xa9");
    said_after_time("info nodelet: a\\nb\\tc\\x1b[31m\\x0d\\x7f\\xc2\\x9b \xc3\xa9\n");
}

static void test_log__json_carries_the_pairs_that_end_the_message(void **state)
{
    orc_auto_free char *text = NULL, *value = NULL;
    orc_auto_json json_t *j = NULL;
    struct orc_err err = ORC_ERR_INIT;

    orc_log_init("scheduler", ORC_LOG_INFO, true);
    orc_info("a=1 task placed\n task=shop.web.0.1 why=\"more room\" node=k1 msg=x");
    text = said();
    assert_int_equal(strchr(text, '\n') - text, strlen(text) - 1);
    j = orc_json_parse(text, strlen(text), &err);
    assert_non_null(j);
    assert_int_equal(json_object_size(j), 7);
    assert_string_equal(json_string_value(json_object_get(j, "process")), "scheduler");
    assert_string_equal(json_string_value(json_object_get(j, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(j, "task")), "shop.web.0.1");
    assert_string_equal(json_string_value(json_object_get(j, "why")), "more room");
    assert_string_equal(json_string_value(json_object_get(j, "node")), "k1");
    assert_int_equal(orc_json_str(j, "msg", 200, &value, &err), 0);
    assert_string_equal(value, "a=1 task placed\n task=shop.web.0.1 why=\"more room\" node=k1 msg=x");
}

static void test_log__json_stays_valid_for_any_bytes(void **state)
{
    orc_log_init("s", ORC_LOG_INFO, true);
    for (int c = 1; c < 256; c++) {
        orc_auto_free char *text = NULL;
        orc_auto_json json_t *j = NULL;

        orc_info("x%c k=%c\" =%c \"%c\"", c, c, c, c);
        text = said();
        j = orc_json_parse(text, strlen(text), NULL);
        assert_non_null(j);
        assert_int_equal(strcspn(text, "\x1b\x7f\n"), strlen(text) - 1);
    }
}

static void test_log__a_very_long_message_is_cut(void **state)
{
    orc_auto_free char *big = orc_calloc(1, 100001), *text = NULL;

    memset(big, 1, 100000);
    for (int json = 0; json < 2; json++) {
        orc_log_init("s", ORC_LOG_INFO, json);
        orc_info("%s", big);
        free(text);
        text = said();
        assert_in_range(strlen(text), 8000, 65536);
        assert_int_equal(text[strlen(text) - 1], '\n');
        assert_non_null(strstr(text, "..."));
    }
}

static void test_log__a_lasting_condition_is_said_at_its_start_its_change_and_its_end(void **state)
{
    struct orc_log_once once = {0};

    orc_log_init("s", ORC_LOG_INFO, false);
    orc_log_end(&once, "etcd answers again");
    said_after_time("");
    for (int i = 0; i < 5; i++) {
        orc_log_begin(&once, ORC_LOG_WARN, "etcd: refused");
        said_after_time(i ? "" : "warn s: etcd: refused\n");
    }
    orc_log_begin(&once, ORC_LOG_WARN, "etcd: timed out");
    said_after_time("warn s: etcd: timed out\n");
    once.since -= 12500;
    orc_log_begin(&once, ORC_LOG_WARN, "etcd: timed out");
    orc_log_end(&once, "etcd answers again");
    said_after_time("info s: etcd answers again (after 12s, 7 tries)\n");
    orc_log_end(&once, "etcd answers again");
    said_after_time("");
    orc_log_begin(&once, ORC_LOG_WARN, "etcd: refused");
    said_after_time("warn s: etcd: refused\n");
    orc_log_end(&once, "back");
    said_after_time("info s: back (after 0s, 1 try)\n");
}

static void test_log__levels_have_names(void **state)
{
    enum orc_log_level level = ORC_LOG_INFO;

    assert_int_equal(orc_log_level_from_name("debug", &level), 0);
    assert_int_equal(level, ORC_LOG_DEBUG);
    assert_int_equal(orc_log_level_from_name("error", &level), 0);
    assert_int_equal(level, ORC_LOG_ERROR);
    assert_int_equal(orc_log_level_from_name("loud", &level), -EINVAL);
    assert_int_equal(level, ORC_LOG_ERROR);
}

#define said_test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        said_test(test_log__text_has_time_level_process_and_message),
        said_test(test_log__lower_levels_are_left_out),
        said_test(test_log__one_event_is_one_line_whatever_it_carries),
        said_test(test_log__json_carries_the_pairs_that_end_the_message),
        said_test(test_log__json_stays_valid_for_any_bytes),
        said_test(test_log__a_very_long_message_is_cut),
        said_test(test_log__a_lasting_condition_is_said_at_its_start_its_change_and_its_end),
        cmocka_unit_test(test_log__levels_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
