#include "lib/mem.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>

static void test_mem__a_vector_keeps_what_was_added(void **state)
{
    ORC_VEC(int) v = {0};
    int *p, sum = 0;

    for (int i = 0; i < 1000; i++)
        orc_vec_push(&v, i);
    assert_int_equal(*orc_vec_add(&v), 0);
    assert_int_equal(v.n, 1001);
    orc_vec_each (p, &v)
        sum += *p;
    assert_int_equal(sum, 499500);
    orc_vec_release(&v);
    assert_null(v.at);
    assert_int_equal(v.n + v.cap, 0);
}

static void test_mem__texts_are_put_together(void **state)
{
    orc_auto_free char *s = orc_concat("node ", "k1", " is drained"),
                       *gaps = orc_concat(NULL, "a", NULL, "", "b"), *none = orc_concat(NULL);

    assert_string_equal(s, "node k1 is drained");
    assert_string_equal(gaps, "ab");
    assert_string_equal(none, "");
}

static void test_mem__a_copy_is_cut_to_what_fits(void **state)
{
    char buf[] = "xxxxx";

    orc_copy_str(buf, 4, "ab");
    assert_string_equal(buf, "ab");
    orc_copy_str(buf, 4, "abc");
    assert_string_equal(buf, "abc");
    orc_copy_str(buf, 4, "abcd");
    assert_memory_equal(buf, "abc\0x", 6);
    orc_copy_str(buf, 1, "abcd");
    assert_string_equal(buf, "");
}

static void test_mem__copies_are_null_for_null(void **state)
{
    orc_auto_free char *s = NULL;

    assert_null(orc_strdup(NULL));
    assert_null(orc_strndup(NULL, 3));
    orc_set_str(&s, "abc");
    orc_set_str(&s, s + 1); /* a part of the old value */
    assert_string_equal(s, "bc");
    orc_set_str(&s, NULL);
    assert_null(s);
    s = orc_strndup("abcdef", 2);
    assert_string_equal(s, "ab");
}

static void test_mem__null_equals_only_null(void **state)
{
    assert_true(orc_streq(NULL, NULL));
    assert_false(orc_streq(NULL, ""));
    assert_false(orc_streq("", NULL));
    assert_true(orc_streq("a", "a"));
    assert_false(orc_streq("a", "b"));
}

static void test_mem__lists_of_strings_own_their_copies(void **state)
{
    struct orc_strv a = {0}, b = {0};

    orc_strv_add(&a, "x");
    orc_strv_add(&a, "y");
    orc_strv_copy(&b, &a);
    assert_true(orc_strv_eq(&a, &b));
    b.at[1][0] = 'z';
    assert_false(orc_strv_eq(&a, &b));
    orc_strv_release(&a);
    assert_false(orc_strv_eq(&a, &b));
    orc_strv_release(&b);
    assert_true(orc_strv_eq(&a, &b));
}

static void test_mem__ownership_is_moved(void **state)
{
    orc_auto_free char *a = orc_strdup("x");
    orc_auto_free char *b = orc_take(a);
    int fd = 5;

    assert_null(a);
    assert_string_equal(b, "x");
    assert_int_equal(orc_take_fd(fd), 5);
    assert_int_equal(fd, -1);
}

static void test_mem__an_impossible_size_aborts(void **state)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        orc_realloc(NULL, SIZE_MAX / 2, 4);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem__a_vector_keeps_what_was_added),
        cmocka_unit_test(test_mem__texts_are_put_together),
        cmocka_unit_test(test_mem__a_copy_is_cut_to_what_fits),
        cmocka_unit_test(test_mem__copies_are_null_for_null),
        cmocka_unit_test(test_mem__null_equals_only_null),
        cmocka_unit_test(test_mem__lists_of_strings_own_their_copies),
        cmocka_unit_test(test_mem__ownership_is_moved),
        cmocka_unit_test(test_mem__an_impossible_size_aborts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
