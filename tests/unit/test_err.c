#include "lib/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_err__a_failure_keeps_its_code_and_its_sentence(void **state)
{
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(orc_fail(&err, -EINVAL, "port \"%s\" is no number", "x"), -EINVAL);
    assert_string_equal(err.msg, "port \"x\" is no number");
    assert_int_equal(orc_fail_errno(&err, ENOENT, "%s", "/a"), -ENOENT);
    assert_string_equal(err.msg, "/a: No such file or directory");
}

static void test_err__context_is_put_in_front(void **state)
{
    struct orc_err err = ORC_ERR_INIT;

    orc_fail(&err, -EIO, "409 name in use");
    orc_wrap(&err, "create container");
    orc_wrap(&err, "task %s", "shop/web.2");
    assert_string_equal(err.msg, "task shop/web.2: create container: 409 name in use");
}

static void test_err__a_message_may_quote_the_one_before(void **state)
{
    struct orc_err err = ORC_ERR_INIT;

    orc_fail(&err, -EIO, "first");
    orc_fail(&err, -EIO, "second, after %s", err.msg);
    assert_string_equal(err.msg, "second, after first");
}

static void test_err__long_messages_end_in_dots(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    char big[3 * ORC_ERR_MAX];

    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    orc_fail(&err, -EIO, "%s", big);
    assert_int_equal(strlen(err.msg), ORC_ERR_MAX - 1);
    assert_string_equal(err.msg + ORC_ERR_MAX - 5, "x...");
    for (int i = 0; i < 5; i++)
        orc_wrap(&err, "%s", big);
    orc_fail_errno(&err, EIO, "%s", big);
    assert_int_equal(strlen(err.msg), ORC_ERR_MAX - 1);
}

static void test_err__without_a_place_for_it_the_message_is_dropped(void **state)
{
    assert_int_equal(orc_fail(NULL, -EIO, "x"), -EIO);
    assert_int_equal(orc_fail_errno(NULL, EPERM, "x"), -EPERM);
    orc_wrap(NULL, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__a_failure_keeps_its_code_and_its_sentence),
        cmocka_unit_test(test_err__context_is_put_in_front),
        cmocka_unit_test(test_err__a_message_may_quote_the_one_before),
        cmocka_unit_test(test_err__long_messages_end_in_dots),
        cmocka_unit_test(test_err__without_a_place_for_it_the_message_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
