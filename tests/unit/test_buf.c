#include "lib/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_buf__an_addition_past_the_maximum_changes_nothing(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(5);

    assert_int_equal(orc_buf_puts(&b, "abc"), 0);
    assert_int_equal(orc_buf_puts(&b, "def"), -EMSGSIZE);
    assert_int_equal(orc_buf_printf(&b, "%d", 123), -EMSGSIZE);
    assert_int_equal(orc_buf_add(&b, "x", SIZE_MAX), -EMSGSIZE);
    assert_string_equal(orc_buf_str(&b), "abc");
    assert_int_equal(orc_buf_printf(&b, "%d", 12), 0);
    assert_string_equal(orc_buf_str(&b), "abc12");
    assert_int_equal(orc_buf_add(&b, "", 0), 0);
    orc_buf_release(&b);
    assert_int_equal(b.max, 5);
}

static void test_buf__text_is_printed_whole_however_little_room_there_is(void **state)
{
    for (size_t before = 0; before < 40; before++) {
        struct orc_buf b = ORC_BUF_INIT(100);

        for (size_t i = 0; i < before; i++)
            orc_buf_puts(&b, "-");
        assert_int_equal(orc_buf_printf(&b, "%s=%d", "a longer word than fits at first", 7), 0);
        assert_int_equal(b.len, before + 34);
        assert_string_equal(orc_buf_str(&b) + before, "a longer word than fits at first=7");
        orc_buf_release(&b);
    }
}

static void test_buf__bytes_are_added_one_by_one_up_to_the_maximum(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(20);

    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(orc_buf_putc(&b, (char)('a' + i)), 0);
        assert_int_equal(b.len, i + 1);
        assert_int_equal(strlen(orc_buf_str(&b)), i + 1);
    }
    assert_int_equal(orc_buf_putc(&b, 'x'), -EMSGSIZE);
    assert_string_equal(orc_buf_str(&b), "abcdefghijklmnopqrst");
    orc_buf_release(&b);
}

static void test_buf__the_front_can_be_dropped(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(100);

    orc_buf_shift(&b, 0);
    orc_buf_puts(&b, "line\nrest");
    orc_buf_shift(&b, 5);
    assert_string_equal(orc_buf_str(&b), "rest");
    orc_buf_shift(&b, 4);
    assert_string_equal(orc_buf_str(&b), "");
    assert_int_equal(b.len, 0);
    orc_buf_release(&b);
}

static void test_buf__an_empty_buffer_is_an_empty_string(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(100);
    char *s = orc_buf_take(&b);

    assert_string_equal(orc_buf_str(&b), "");
    assert_string_equal(s, "");
    free(s);
    orc_buf_clear(&b);
}

static void test_buf__taken_contents_are_gone(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(100);
    char *s;

    orc_buf_puts(&b, "abc");
    s = orc_buf_take(&b);
    assert_string_equal(s, "abc");
    assert_int_equal(b.len, 0);
    orc_buf_puts(&b, "d");
    assert_string_equal(orc_buf_str(&b), "d");
    orc_buf_clear(&b);
    assert_string_equal(orc_buf_str(&b), "");
    free(s);
    orc_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf__an_addition_past_the_maximum_changes_nothing),
        cmocka_unit_test(test_buf__text_is_printed_whole_however_little_room_there_is),
        cmocka_unit_test(test_buf__bytes_are_added_one_by_one_up_to_the_maximum),
        cmocka_unit_test(test_buf__the_front_can_be_dropped),
        cmocka_unit_test(test_buf__an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(test_buf__taken_contents_are_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
