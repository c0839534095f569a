/* test_cli_complete.c - what may stand where the cursor is, by a usage line and a table of options. */
#include "cli/complete.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static bool flag;
static char *text;
static const struct orc_option table[] = {
    {.name = "node", .letter = 'n', .kind = ORC_OPT_STR, .value = &text, .meta = "NODE", .help = "a server"},
    {.name = "output", .letter = 'o', .kind = ORC_OPT_STR, .value = &text, .meta = "text|json"},
    {.name = "file", .kind = ORC_OPT_STR, .value = &text, .meta = "FILE"},
    {.name = "max", .kind = ORC_OPT_STR, .value = &text, .meta = "N"},
    {.name = "force", .letter = 'f', .kind = ORC_OPT_BOOL, .value = &flag, .help = "all the same"},
    {0},
};

static const char *want_name(unsigned want)
{
    static const struct {
        unsigned want;
        const char *name;
    } names[] = {{COMPLETE_APPS, "APPS"},         {COMPLETE_SERVICES, "SERVICES"},
                 {COMPLETE_SCALED, "SCALED"},     {COMPLETE_TASKS, "TASKS"},
                 {COMPLETE_NODES, "NODES"},       {COMPLETE_FILES, "FILES"},
                 {COMPLETE_CONTEXTS, "CONTEXTS"}, {COMPLETE_REVISIONS, "REVISIONS"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(names); i++)
        if (names[i].want == want)
            return names[i].name;
    return NULL;
}

/* What fits at the end of a line, its words divided by blanks: "a b NODES", the prefix before each. */
static char *offered(const char *usage, const char *line)
{
    static const struct command command = {.name = "x"};
    struct manual m = {&command, usage, "", table};
    struct orc_strv words = {0};
    struct completion c;
    char *all = orc_strdup(""), *longer;

    for (const char *p = line;;) {
        size_t n = strcspn(p, " ");
        orc_auto_free char *word = orc_strndup(p, n);

        orc_strv_add(&words, word);
        if (!p[n])
            break;
        p += n + 1;
    }
    complete_command(&m, &words, &c);
    for (size_t i = 0; i < c.words.n; i++) {
        longer = orc_printf("%s%s%s%s", all, *all ? " " : "", c.prefix, c.words.at[i]);
        free(all);
        all = longer;
    }
    for (unsigned want = 1; want; want <<= 1) {
        if (!(c.wants & want))
            continue;
        longer = orc_printf("%s%s%s%s", all, *all ? " " : "", c.prefix, want_name(want));
        free(all);
        all = longer;
    }
    completion_release(&c);
    orc_strv_release(&words);
    return all;
}

struct line {
    const char *usage, *line, *offered;
};

static void offers(const struct line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        orc_auto_free char *got = offered(lines[i].usage, lines[i].line);

        if (!orc_streq(got, lines[i].offered))
            fail_msg("%s, at \"%s|\": \"%s\", not \"%s\"", lines[i].usage, lines[i].line, got,
                     lines[i].offered);
    }
}
#define OFFERS(lines) offers(lines, ORC_ARRAY_SIZE(lines))

static void test_complete__words_by_their_place(void **state)
{
    static const struct line lines[] = {
        {"orc x APP/SERVICE", "x ", "SERVICES"},
        {"orc x APP/SERVICE", "x shop/", "SERVICES"},
        {"orc x APP/SERVICE", "x shop/web ", ""},
        {"orc x APP[/SERVICE]|--all [--max N]", "x ", "APPS SERVICES"},
        {"orc x APP/SERVICE=N", "x ", "SCALED"},
        {"orc x APP/SERVICE [REVISION]", "x shop/web ", "REVISIONS"},
        {"orc x APP/SERVICE|TASK", "x ", "SERVICES TASKS"},
        {"orc x [FILE] [--force]", "x ", "FILES"},
        {"orc x [APP[/SERVICE]] [--node NODE]", "x ", "APPS SERVICES"},
        {"orc x", "x ", ""},
        {"orc x NODE KEY=VALUE...", "x k1 ", ""},
        {"orc x NODE...", "x k1 k2 k", "NODES"},
        {"orc x CONTEXT", "x ", "CONTEXTS"},
    };

    OFFERS(lines);
}

static void test_complete__each_form_of_a_usage_line(void **state)
{
    static const char usage[] = "orc x cordon|uncordon NODE | drain NODE [--max N] | add NAME FILE | list";
    static const struct line lines[] = {
        {usage, "x ", "cordon uncordon drain add list"},
        {usage, "x c", "cordon"},
        {usage, "x un", "uncordon"},
        {usage, "x drain ", "NODES"},
        {usage, "x cordon ", "NODES"},
        {usage, "x add ", ""},
        {usage, "x add me ", "FILES"},
        {usage, "x list ", ""},
        {usage, "x nonsense ", ""},
        {usage, "x drain k1 ", ""},
    };

    OFFERS(lines);
}

static void test_complete__options_and_their_values(void **state)
{
    static const char usage[] = "orc x APP/SERVICE | list";
    static const struct line lines[] = {
        {usage, "x --", "--node --output --file --max --force --help --version"},
        {usage, "x -", "--node --output --file --max --force --help --version"},
        {usage, "x --f", "--file --force"},
        {usage, "x --node ", "NODES"},
        {usage, "x -n ", "NODES"},
        {usage, "x --node=", "--node=NODES"},
        {usage, "x --node=k", "--node=NODES"},
        {usage, "x --output j", "json"},
        {usage, "x -o ", "text json"},
        {usage, "x --output=", "--output=text --output=json"},
        {usage, "x --output=t", "--output=text"},
        {usage, "x --file ", "FILES"},
        {usage, "x --max ", ""},
        {usage, "x --nonsense=", ""},
    };

    OFFERS(lines);
}

static void test_complete__options_and_their_values_are_no_words(void **state)
{
    static const char usage[] = "orc x drain NODE";
    static const struct line lines[] = {
        {usage, "x --force ", "drain"},        {usage, "x --force drain ", "NODES"},
        {usage, "x --node drain ", "drain"},   {usage, "x --node=k1 drain ", "NODES"},
        {usage, "x -n k1 drain -f ", "NODES"}, {usage, "x drain --max 3 ", "NODES"},
        {usage, "x drain k1 --force ", ""},    {usage, "x --unknown drain ", "NODES"},
    };

    OFFERS(lines);
}

static void test_complete__the_word_before_is_known(void **state)
{
    static const struct command command = {.name = "x"};
    struct manual m = {&command, "orc x APP/SERVICE [REVISION]", "", table};
    struct orc_strv words = {0};
    struct completion c;

    orc_strv_add(&words, "x");
    orc_strv_add(&words, "");
    complete_command(&m, &words, &c);
    assert_string_equal(c.before, "");
    completion_release(&c);
    orc_set_str(&words.at[1], "shop/web");
    orc_strv_add(&words, "--node");
    orc_strv_add(&words, "k1");
    orc_strv_add(&words, "");
    complete_command(&m, &words, &c);
    assert_string_equal(c.before, "shop/web");
    completion_release(&c);
    orc_strv_release(&words);
}

static void test_complete__commands(void **state)
{
    struct orc_strv words = {0};
    struct completion c;

    orc_strv_add(&words, "ro");
    complete(&words, &c);
    assert_int_equal(c.words.n, 2);
    assert_string_equal(c.words.at[0], "rollout");
    assert_string_equal(c.words.at[1], "rollback");
    assert_string_equal(c.abouts.at[0], command_find("rollout")->summary);
    completion_release(&c);
    orc_strv_add(&words, "");
    complete(&words, &c); /* no such command */
    assert_int_equal(c.words.n, 0);
    completion_release(&c);
    orc_strv_release(&words);
    complete(&words, &c);
    assert_true(c.words.n > 10);
    completion_release(&c);
}

/* By their own tables and usage lines. */
static void test_complete__real_commands(void **state)
{
    static const struct {
        const char *command, *word;
        unsigned wants;
        const char *first; /* word offered */
    } cases[] = {
        {"apply", "", COMPLETE_FILES, NULL},
        {"scale", "", COMPLETE_SCALED, NULL},
        {"status", "", COMPLETE_APPS | COMPLETE_SERVICES, NULL},
        {"why", "", COMPLETE_SERVICES | COMPLETE_TASKS, NULL},
        {"rollout", "", 0, "status"},
        {"describe", "", 0, "service"},
        {"help", "apply", 0, "apply"},
        {"completion", "", 0, "bash"},
        {"nodes", "--outp", 0, "--output"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct orc_strv words = {0};
        struct completion c;

        orc_strv_add(&words, cases[i].command);
        orc_strv_add(&words, cases[i].word);
        complete(&words, &c);
        assert_int_equal(c.wants, cases[i].wants);
        if (cases[i].first)
            assert_string_equal(c.words.at[0], cases[i].first);
        completion_release(&c);
        orc_strv_release(&words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete__words_by_their_place),
        cmocka_unit_test(test_complete__each_form_of_a_usage_line),
        cmocka_unit_test(test_complete__options_and_their_values),
        cmocka_unit_test(test_complete__options_and_their_values_are_no_words),
        cmocka_unit_test(test_complete__the_word_before_is_known),
        cmocka_unit_test(test_complete__commands),
        cmocka_unit_test(test_complete__real_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
