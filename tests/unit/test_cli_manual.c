/* test_cli_manual.c - what commands say of themselves: as text, as man pages, and whether it is true. */
#include "cli/manual.h"
#include "lib/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/cli_golden.h"

static bool has_option(const struct manual *m, const char *name, size_t n)
{
    for (const struct orc_option *o = m->options; o->name; o++)
        if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return true;
    return false;
}

/* Each "--name" of a text is an option of the command. */
static void names_real_options(const struct manual *m, const char *text)
{
    for (const char *p = strstr(text, "--"); p; p = strstr(p, "--")) {
        size_t n = strspn(p + 2, "abcdefghijklmnopqrstuvwxyz-");

        if (n && !has_option(m, p + 2, n))
            fail_msg("orc %s has no option --%.*s, which \"%s\" names", m->command->name, (int)n, p + 2,
                     text);
        p += 2 + n;
    }
}

static void check(const struct manual *m, void *arg)
{
    orc_auto_free char *begin = orc_printf("orc %s", m->command->name);
    const struct command_example *e = m->command->examples;

    assert_memory_equal(m->usage, begin, strlen(begin));
    assert_true(strlen(m->command->summary) > 0 &&
                strlen(m->command->summary) < 66); /* a line of `orc help` */
    assert_true(strlen(m->about) > 0);
    names_real_options(m, m->usage);
    assert_non_null(e[0].line);
    for (; e->line; e++) {
        assert_non_null(strstr(e->line, begin));
        assert_true(strlen(e->effect) > 0);
        names_real_options(m, e->line);
    }
    ++*(size_t *)arg;
}

static void test_manual__every_command_says_what_it_is(void **state)
{
    size_t n = 0, commands_n = 0;

    for (const struct command *c = commands; c->name; c++, commands_n++)
        command_manual(c, check, &n);
    assert_int_equal(n, commands_n);
}

static const struct command_example examples[] = {{"orc try --often=3", "tries it\\thrice"}, {0}};
static const struct command try_it = {.name = "try", .summary = "try something", .examples = examples};

static struct manual manual(void)
{
    static int64_t often = 7;
    static const struct orc_option table[] = {{.name = "often",
                                               .letter = 'n',
                                               .kind = ORC_OPT_INT,
                                               .value = &often,
                                               .meta = "N",
                                               .help = "how often"},
                                              {0}};

    return (struct manual){&try_it, "orc try WHAT | again [--often N]", ".Tries - and tries again. 'Tis all.",
                           table};
}

static char *written(const struct manual *m, size_t width, void (*page)(const struct manual *, FILE *))
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    if (page)
        page(m, f);
    else
        manual_text(m, width, f);
    fclose(f);
    return text;
}

static void test_manual__as_text(void **state)
{
    struct manual m = manual();
    orc_auto_free char *narrow = written(&m, 30, NULL), *wide = written(&m, 500, NULL);

    assert_string_equal(narrow, "Usage: orc try WHAT | again\n"
                                "       [--often N]\n"
                                "\n"
                                ".Tries - and tries again. 'Tis\n"
                                "all.\n"
                                "\n"
                                "Options:\n"
                                "  -n, --often N             how often (default:\n"
                                "                            7)\n"
                                "  -h, --help                this text\n"
                                "      --version             which orc this is\n"
                                "\n"
                                "Examples:\n"
                                "  orc try --often=3\n"
                                "      tries it\\thrice\n");
    assert_non_null(strstr(wide, "Usage: orc try WHAT | again [--often N]\n"));
}

static void test_manual__as_man_page(void **state)
{
    struct manual m = manual();
    orc_auto_free char *text = written(&m, 0, manual_page);

    orc_auto_free char *title = orc_printf(".TH ORC-TRY 1 \"\" \"orc %s\" \"orc\"\n", orc_version());
    size_t first = strcspn(text, "\n") + 1;

    assert_memory_equal(text + first, title, strlen(title));
    assert_golden("orc-try.1", text + first + strlen(title));
}

static void test_manual__orc_as_a_whole(void **state)
{
    orc_auto_free char *text = NULL, *page = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    manual_all_text(f);
    fclose(f);
    f = open_memstream(&page, &n);
    manual_all_page(f);
    fclose(f);
    for (const struct command *c = commands; c->name; c++) {
        orc_auto_free char *line = orc_printf("  %-10s %s\n", c->name, c->summary);
        orc_auto_free char *term = orc_printf(".TP\n.B %s\n", c->name);

        assert_non_null(strstr(text, line));
        assert_non_null(strstr(page, term));
    }
    assert_narrow(text, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manual__every_command_says_what_it_is),
        cmocka_unit_test(test_manual__as_text),
        cmocka_unit_test(test_manual__as_man_page),
        cmocka_unit_test(test_manual__orc_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
