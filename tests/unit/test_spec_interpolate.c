/* Variables in values: every form, set, empty and unset. */
#include "specs/interpolate.h"

#include "lib/buf.h"
#include "specs/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* SET is "s", EMPTY is "", NESTED looks like a variable; others are not set. */
static struct spec_env make_env(void)
{
    struct spec_place nowhere = {0};
    struct spec_env env = {0};

    spec_env_set(&env, "SET", "s", &nowhere);
    spec_env_set(&env, "EMPTY", "", &nowhere);
    spec_env_set(&env, "NESTED", "${SET}$$", &nowhere);
    spec_env_set(&env, "_a1", "low", &nowhere);
    spec_env_set(&env, "BAD", "a\x01", &nowhere);
    spec_env_set(&env, "WORSE", "a\xff", &nowhere);
    return env;
}

static int run(const char *text, size_t max, struct spec_filled *ret, struct orc_err *err)
{
    struct spec_env env = make_env();
    int r = spec_interpolate(text, &env, max, ret, err);

    spec_env_release(&env);
    return r;
}

static void test_interpolate__every_form(void **state)
{
    static const struct {
        const char *text, *result, *unset; /* names, each with a blank behind it */
    } cases[] = {
        {"", "", ""},
        {"plain", "plain", ""},
        {"$SET", "s", ""},
        {"a${SET}b", "asb", ""},
        {"$SET$SET-${_a1}", "ss-low", ""},
        {"$SET.x", "s.x", ""},
        {"$$SET", "$SET", ""},
        {"$$$$", "$$", ""},
        {"$$${SET}", "$s", ""},
        {"a$", "a$", ""},
        {"exit $?; echo $1 ^a$ $(id)", "exit $?; echo $1 ^a$ $(id)", ""},
        {"[${EMPTY}]", "[]", ""},
        {"[${NONE}][$NIL]", "[][]", "NONE NIL "},
        {"${NESTED}", "${SET}$$", ""},
        /* ${A:-b}: unless it is set and not empty */
        {"${SET:-d}", "s", ""},
        {"${EMPTY:-d}", "d", ""},
        {"${NONE:-d}", "d", ""},
        {"${NONE:-}", "", ""},
        /* ${A-b}: unless it is set */
        {"${SET-d}", "s", ""},
        {"${EMPTY-d}", "", ""},
        {"${NONE-d}", "d", ""},
        /* ${A:+b}, ${A+b}: only then */
        {"${SET:+d}", "d", ""},
        {"${EMPTY:+d}", "", ""},
        {"${NONE:+d}", "", ""},
        {"${SET+d}", "d", ""},
        {"${EMPTY+d}", "d", ""},
        {"${NONE+d}", "", ""},
        /* ${A:?e}, ${A?e} */
        {"${SET:?e}${SET?e}${EMPTY?e}", "ss", ""},
        /* nested; what is not used is not looked up */
        {"${NONE:-${NIL:-${SET}}}", "s", ""},
        {"${NONE:-a ${NIL} b}", "a  b", "NIL "},
        {"${SET:-${NIL}}", "s", ""},
        {"${SET:-${NIL:?never}}", "s", ""},
        {"${NONE:+${NIL:?never}}", "", ""},
        {"${SET:?${NIL:?never}}", "s", ""},
        {"${NONE:-$$x}", "$x", ""},
        {"${NONE:-{\"a\": {}}}", "{\"a\": {}}", ""},
        {"${NONE:-a:-b?c}", "a:-b?c", ""},
        {"}{", "}{", ""},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct orc_buf unset = ORC_BUF_INIT(1000);
        struct orc_err err = ORC_ERR_INIT;
        struct spec_filled f;

        if (run(cases[i].text, 1000, &f, &err) != 0)
            fail_msg("%s: %s", cases[i].text, err.msg);
        for (size_t k = 0; k < f.unset.n; k++)
            orc_buf_printf(&unset, "%s ", f.unset.at[k].name);
        if (strcmp(f.text, cases[i].result) != 0)
            print_error("%s\n", cases[i].text);
        assert_string_equal(f.text, cases[i].result);
        assert_string_equal(orc_buf_str(&unset), cases[i].unset);
        orc_buf_release(&unset);
        spec_filled_release(&f);
    }
}

static void test_interpolate__what_is_wrong_is_said_at_its_dollar(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *part;
    } cases[] = {
        {"a${", 1, "\"${\" has no closing \"}\""},
        {"a${SET", 1, "\"${SET\" has no closing"},
        {"${SET} ${NONE:-x", 7, "\"${NONE:-x\" has no closing"},
        {"${NONE:-${SET}", 0, "\"${NONE:-${SET}\" has no closing"},
        {"${NONE:-$SET", 0, "\"${NONE:-$SET\" has no closing"},
        {"ab${}", 2, "\"${}\" names no variable"},
        {"${1}", 0, "names no variable"},
        {"${-x}", 0, "names no variable"},
        {"${SET!}", 0, "\"${SET!}\" can't be read"},
        {"${SET:x}", 0, "can't be read"},
        {"${SET/a/b}", 0, "can't be read"},
        {"${SET }", 0, "can't be read"},
        {"${NONE?}", 0, "variable \"NONE\" must be set"},
        {"x ${NONE:?give ${SET}}", 2, "variable \"NONE\" must be set: give s"},
        {"${EMPTY:?no}", 0, "variable \"EMPTY\" must be set: no"},
        {"${NONE:-${NIL:?in}}", 8, "variable \"NIL\" must be set: in"},
        {"$BAD", 0, "variable \"BAD\" holds byte 0x01, which is a control character"},
        {"-$WORSE", 1, "variable \"WORSE\" holds byte 0xff, which is not UTF-8"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct orc_err err = ORC_ERR_INIT;
        struct spec_filled f;

        if (run(cases[i].text, 1000, &f, &err) == 0)
            fail_msg("accepted: %s", cases[i].text);
        if (!strstr(err.msg, cases[i].part) || f.wrong_at != cases[i].at)
            fail_msg("%s: at %zu: %s", cases[i].text, f.wrong_at, err.msg);
        assert_null(f.text);
        spec_filled_release(&f);
    }
}

static void test_interpolate__a_result_has_its_length_at_most(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    struct spec_filled f;

    assert_int_equal(run("$NESTED$SET", 9, &f, &err), 0);
    spec_filled_release(&f);
    assert_int_equal(run("$NESTED$SET", 8, &f, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "it has more than 8 bytes"));
    spec_filled_release(&f);
}

static char *nest(int depth)
{
    struct orc_buf b = ORC_BUF_INIT(1000000);

    for (int i = 0; i < depth; i++)
        orc_buf_puts(&b, "${NONE:-");
    for (int i = 0; i < depth; i++)
        orc_buf_puts(&b, "}");
    return orc_buf_take(&b);
}

static void test_interpolate__nesting_has_an_end(void **state)
{
    orc_auto_free char *deep = nest(SPEC_INTERPOLATE_DEPTH), *deeper = nest(SPEC_INTERPOLATE_DEPTH + 1),
                       *hostile = nest(50000);
    struct orc_err err = ORC_ERR_INIT;
    struct spec_filled f;

    assert_int_equal(run(deep, 1000, &f, &err), 0);
    spec_filled_release(&f);
    assert_int_equal(run(deeper, 1000, &f, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "nested more than 20 deep"));
    spec_filled_release(&f);
    assert_int_equal(run(hostile, 1000, &f, &err), -EINVAL);
    spec_filled_release(&f);
}

static const char *outside(void *arg, const char *name)
{
    return strcmp(name, "HOME") == 0 ? "/outside" : strcmp(name, "BOTH") == 0 ? "outside" : NULL;
}

static void test_env__what_is_outside_goes_first(void **state)
{
    struct spec_place nowhere = {0};
    struct spec_env outer = {.outside = outside}, inner = {.outer = &outer};

    spec_env_set(&outer, "BOTH", "outer", &nowhere);
    spec_env_set(&outer, "TWO", "outer", &nowhere);
    spec_env_set(&inner, "TWO", "inner", &nowhere);
    spec_env_set(&inner, "THREE", "inner", &nowhere);
    spec_env_set(&inner, "THREE", "again", &nowhere);
    assert_string_equal(spec_env_get(&inner, "HOME"), "/outside");
    assert_string_equal(spec_env_get(&inner, "BOTH"), "outside");
    assert_string_equal(spec_env_get(&inner, "TWO"), "outer");
    assert_string_equal(spec_env_get(&inner, "THREE"), "again");
    assert_null(spec_env_get(&inner, "NONE"));
    assert_null(spec_env_get(NULL, "HOME"));
    spec_env_release(&inner);
    spec_env_release(&outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interpolate__every_form),
        cmocka_unit_test(test_interpolate__what_is_wrong_is_said_at_its_dollar),
        cmocka_unit_test(test_interpolate__a_result_has_its_length_at_most),
        cmocka_unit_test(test_interpolate__nesting_has_an_end),
        cmocka_unit_test(test_env__what_is_outside_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
