/* main.c - `orc`: finds the command and runs it. */
#include "cli/cmd.h"
#include "cli/manual.h"

#include <locale.h>
#include <signal.h>

/* A command that could not say what it has to say has failed. */
static int conclude(int code)
{
    if (out_finish())
        return code;
    if (!out_is_abandoned())
        fputs("orc: not all of it could be written to standard output: is its disk full?\n", stderr);
    return code == CLI_DONE ? CLI_FAILED : code;
}

/* Widths of characters need a locale that knows them; servers often have none set. */
static void choose_locale(void)
{
    const char *got = setlocale(LC_CTYPE, "");

    if (!got || strcmp(got, "C") == 0 || strcmp(got, "POSIX") == 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static int run(int argc, char **argv)
{
    const struct command *c;

    if (strcmp(argv[0], "--version") == 0) {
        orc_options_version(stdout, "orc");
        return CLI_DONE;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
        argv[0] = (char *)"help";
    c = command_find(argv[0]);
    return c ? c->run(argc, argv) : command_unknown(argv[0]);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    choose_locale();
    if (argc < 2) {
        manual_all_text(stderr);
        return CLI_USAGE;
    }
    return conclude(run(argc - 1, argv + 1));
}
