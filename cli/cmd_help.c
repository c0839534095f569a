/* cmd_help.c - `orc help [COMMAND]`: what there is, as text or as man page. */
#include "cli/cmd.h"
#include "cli/manual.h"

static void print_page(const struct manual *m, void *arg)
{
    manual_page(m, stdout);
}

static void list(void)
{
    for (const struct command *c = commands; c->name; c++)
        puts(c->name);
}

static int help_all(bool man)
{
    if (man)
        manual_all_page(stdout);
    else
        manual_all_text(stdout);
    return CLI_DONE;
}

static int help_of(const char *name, bool man)
{
    const struct command *c = command_find(name);
    char *words[] = {(char *)name, (char *)"--help", NULL};

    if (!c)
        return command_unknown(name);
    if (!man)
        return c->run(2, words);
    command_manual(c, print_page, NULL);
    return CLI_DONE;
}

int cmd_help(int argc, char **argv)
{
    bool man = false, names = false;
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "man", .kind = ORC_OPT_BOOL, .value = &man, .help = "as a man page, for man(1) to show"},
        {.name = "list",
         .kind = ORC_OPT_BOOL,
         .value = &names,
         .help = "only the commands' names, one a line"},
        {0},
    };
    int r =
        cmd_options(table, argc, argv, &words, "orc help [COMMAND] [--man] [--list]",
                    "What orc can do; with a command's name, all about that one: what it does, its options, "
                    "and examples.");

    if (r < 0) {
        r = CLI_USAGE;
        if (words.n > 1)
            orc_fail(&err, -EINVAL, "name one command, not %zu: `orc help` lists them", words.n);
        else if (names)
            list(), r = CLI_DONE;
        else
            r = words.n ? help_of(words.at[0], man) : help_all(man);
        cmd_end(NULL, r, &err, NULL);
    }
    orc_strv_release(&words);
    return r;
}
