/* Files of variables: the format, line by line. */
#include "specs/dotenv.h"

#include "lib/buf.h"
#include "tests/unit/spec_test.h"

static const char *outside(void *arg, const char *name)
{
    return strcmp(name, "HOME") == 0 ? "/home/me" : NULL;
}

/* "NAME=[value] " for each variable, "NAME " for one without; then the notices and problems, a line each. */
static char *read_vars(const char *text, size_t n, enum spec_dotenv format)
{
    const struct spec_source source = {.text = (char *)(uintptr_t)text, .n = n};
    struct spec_problems problems = {0};
    struct spec_env env = {.outside = outside};
    struct orc_buf b = ORC_BUF_INIT(1000000);
    struct spec_var *v, *next;
    int r = spec_dotenv_parse(&source, format, &env, &problems);
    orc_auto_free char *said = problems_text(&problems);

    HASH_ITER (hh, env.vars, v, next)
        orc_buf_printf(&b, v->value ? "%s=[%s] " : "%s ", v->name, v->value);
    for (size_t i = 0; i < problems.notices.n; i++)
        orc_buf_printf(&b, "\nnotice %d:%d: %s", problems.notices.at[i].line, problems.notices.at[i].column,
                       problems.notices.at[i].text);
    orc_buf_printf(&b, "%s%s", problems.n ? "\n" : "", said);
    assert_int_equal(r, problems.n ? -EINVAL : 0);
    spec_problems_release(&problems);
    spec_env_release(&env);
    return orc_buf_take(&b);
}

static void assert_vars(const char *text, enum spec_dotenv format, const char *expected)
{
    orc_auto_free char *got = read_vars(text, strlen(text), format);

    if (strcmp(got, expected) != 0)
        print_error("%s\n", text);
    assert_string_equal(got, expected);
}

static void test_dotenv__values_are_read_as_compose_reads_them(void **state)
{
    static const struct {
        const char *text, *vars;
    } cases[] = {
        {"", ""},
        {"\n\n  \n", ""},
        {"# a comment\n  # another\n", ""},
        {"A=b", "A=[b] "},
        {"A=b\r\nC=d\r\n", "A=[b] C=[d] "},
        {"\xef\xbb\xbf"
         "A=b\n",
         "A=[b] "},
        {"A=\nB=c", "A=[] B=[c] "},
        {"  A = b  \n", "A=[b] "},
        {"A: b\n", "A=[b] "},
        {"export A=b\nexport  C=d\nexports=1\n", "A=[b] C=[d] exports=[1] "},
        {"A=b=c==\n", "A=[b=c==] "},
        {"A=b c d\n", "A=[b c d] "},
        {"A=b # comment\nC=d# none\nE=f#g\n", "A=[b] C=[d# none] E=[f#g] "},
        {"A=1\nA=2\n", "A=[2] "},
        {"a.b-c[0]=x\n\xc3\xa9=y\n", "a.b-c[0]=[x] \xc3\xa9=[y] "},
        /* quotes */
        {"A='b # c'\nD='$HOME \\n'\n", "A=[b # c] D=[$HOME \\n] "},
        {"A='it\\'s'\n", "A=[it's] "},
        {"A=\"b # c\" # d\n", "A=[b # c] "},
        {"A=\"say \\\"x\\\"\"\n", "A=[say \"x\"] "},
        {"A=\"a\\tb\\\\c\\qd\\n\"\n", "A=[a\tb\\c\\qd\n] "},
        {"A=\"\\0101\\$HOME$$x\"\n", "A=[A$HOME$x] "},
        {"A=\"\\033[1m\\01\\0\"\n", "A=[\\033[1m\\01\\0] "}, /* three digits behind the 0, as in Compose */
        {"A=\"one\ntwo\"\nB='1\r\n2'\n", "A=[one\ntwo] B=[1\n2] "},
        {"A=it's\nB=a\"b\"\n", "A=[it's] B=[a\"b\"] "},
        /* variables */
        {"A=$HOME/x\nB=\"${A}/y\"\n", "A=[/home/me/x] B=[/home/me/x/y] "},
        {"A=${NONE:-d}\n", "A=[d] "},
        {"HOME=/other\nA=$HOME\n", "HOME=[/other] A=[/home/me] "},
        {"A=p$5w\n", "A=[p$5w] "},
        /* from outside */
        {"HOME\nNONE\n", "HOME=[/home/me] NONE "},
        {"export HOME", "HOME=[/home/me] "},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        assert_vars(cases[i].text, SPEC_DOTENV_COMPOSE, cases[i].vars);
}

static void test_dotenv__what_is_wrong_is_said_at_its_line(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"A=b\n1 2=3\nC=d\n",
         "A=[b] C=[d] \n2:1: this is no variable; a line is NAME=value, or a comment that "
         "begins with \"#\"\n"},
        {"=x\n", "\n1:1: this is no variable; a line is NAME=value, or a comment that begins with \"#\"\n"},
        {"A=x\n B='y\nz\n", "A=[x] \n2:4: the quote that begins here is not closed\n"},
        {"A='x' y\n",
         "A=[x] \n1:7: something stands behind the closing quote; write \\\" for a quote within the "
         "value\n"},
        {"A=a\n\nB=\"\n\n${C:?must be}\"\nD=e\n", "A=[a] D=[e] \n3:3: variable \"C\" must be set: must be\n"},
        {"\xc3\xa9=${\n", "\n1:3: \"${\" has no closing \"}\"\n"},
        {"A=\x01\n", "\n1:3: byte 0x01 is a control character; a file of variables is UTF-8 text\n"},
        {"A=b\nC=\xff\n", "\n2:3: byte 0xff is not UTF-8; a file of variables is UTF-8 text\n"},
        {"A=$NONE\n",
         "A=[] \nnotice 1:3: variable \"NONE\" is not set; nothing is put in its place (\"$$\" is a "
         "dollar sign)"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        assert_vars(cases[i].text, SPEC_DOTENV_COMPOSE, cases[i].said);
}

static void test_dotenv__raw_values_are_taken_as_they_are(void **state)
{
    static const char text[] = "# comment\nA=\"x\" # y\n B= $HOME \r\nHOME\nC\n\nD='a\n";

    assert_vars(text, SPEC_DOTENV_RAW, "A=[\"x\" # y] B=[ $HOME ] HOME=[/home/me] C D=['a] ");
}

static void test_dotenv__a_file_has_so_many_variables_at_most(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto_free char *text = NULL, *got = NULL;

    for (int i = 0; i <= SPEC_DOTENV_MAX; i++)
        orc_buf_printf(&b, "A%d=\n", i);
    text = orc_buf_take(&b);
    got = read_vars(text, strlen(text), SPEC_DOTENV_COMPOSE);
    assert_non_null(strstr(got, "\n10001:1: there are more than 10000 variables"));
}

static void test_dotenv__the_bytes_need_no_order(void **state)
{
    static const char alphabet[] = "A=\"'\\$\n{} #:-?export";
    unsigned seed = 7;

    for (int i = 0; i < 20000; i++) {
        char text[24];
        orc_auto_free char *got = NULL;

        for (size_t k = 0; k < sizeof text; k++)
            text[k] = alphabet[(seed = seed * 1103515245 + 12345) / 65536 % (sizeof alphabet - 1)];
        text[sizeof text - 1] = '\0';
        got = read_vars(text, sizeof text - 1, i % 2 ? SPEC_DOTENV_RAW : SPEC_DOTENV_COMPOSE);
        assert_non_null(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dotenv__values_are_read_as_compose_reads_them),
        cmocka_unit_test(test_dotenv__what_is_wrong_is_said_at_its_line),
        cmocka_unit_test(test_dotenv__raw_values_are_taken_as_they_are),
        cmocka_unit_test(test_dotenv__a_file_has_so_many_variables_at_most),
        cmocka_unit_test(test_dotenv__the_bytes_need_no_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
