#include "cli/manual.h"

#include "cli/text.h"
#include "lib/version.h"

#include <ctype.h>

#define OPTION_COLUMN 28
#define WIDTH_DEFAULT 80
#define WIDTH_MOST 100 /* longer lines are hard to read */

static const struct {
    const char *code, *meaning;
} exits[] = {
    {"0", "Done."},
    {"1", "Failed."},
    {"2", "Wrong usage, or a file that is not valid."},
    {"3", "The rollout failed, was paused or was rolled back."},
    {"4", "Not done in time; it goes on without the command."},
};

static const struct {
    const char *name, *meaning;
} variables[] = {
    {"ORC_ETCD", "etcd's addresses, where --etcd is not given."},
    {"ORC_CLUSTER", "The cluster's name, where --cluster is not given."},
    {"ORC_CACERT, ORC_CERT, ORC_KEY", "Certificates, where --cacert, --cert and --key are not given."},
    {"NO_COLOR", "Set to anything: no colours."},
    {"COLUMNS, LINES", "The size that tables and pictures keep within, where it is not the terminal's."},
};

/* What an option is, and its default. */
static char *option_text(const struct orc_option *o)
{
    orc_auto_free char *notes = orc_option_notes(o);

    return orc_printf("%s%s", o->help ? o->help : "", notes);
}

/* ---- for a terminal ---------------------------------------------------------------------------------- */

/* What an option is stands beside its form, or below a long one. */
static void option_lines(const struct orc_option *table, size_t width, FILE *f)
{
    for (const struct orc_option *o = table; o->name; o++) {
        orc_auto_free char *form = orc_option_form(o), *text = option_text(o);
        orc_auto_free char *left = orc_printf("  %s%s", o->letter ? "" : "    ", form);
        orc_auto_free char *beside = orc_printf("%-*s", OPTION_COLUMN, left);
        bool below = strlen(left) >= OPTION_COLUMN;
        orc_auto_free char *blank = orc_printf("%*s", OPTION_COLUMN, "");

        if (below)
            fprintf(f, "%s\n", left);
        text_wrap(f, below ? blank : beside, text, width);
    }
}

void manual_text(const struct manual *m, size_t width, FILE *f)
{
    const struct command_example *e = m->command->examples;
    size_t most = !width ? WIDTH_DEFAULT : width > WIDTH_MOST ? WIDTH_MOST : width;

    text_wrap(f, "Usage: ", m->usage, most);
    fputc('\n', f);
    text_wrap(f, "", m->about, most);
    fputs("\nOptions:\n", f);
    option_lines(m->options, most, f);
    option_lines(orc_options_always, most, f);
    fputs("\nExamples:\n", f);
    for (; e->line; e++) {
        fprintf(f, "  %s\n", e->line);
        text_wrap(f, "      ", e->effect, most);
    }
}

void manual_all_text(FILE *f)
{
    fputs("Usage: orc COMMAND [ARGUMENTS]\n\n", f);
    for (const struct command *c = commands; c->name; c++)
        fprintf(f, "  %-10s %s\n", c->name, c->summary);
    fputs("\n`orc COMMAND --help` tells more.\n"
          "The cluster is found by --etcd, by ORC_ETCD, or by a context (`orc context --help`).\n",
          f);
}

/* ---- man pages --------------------------------------------------------------------------------------- */

/* Text in a line of roff: "\" is its escape character, "-" would become a hyphen, and a line that begins with
 * "." or "'" would be a request. */
static void put(FILE *f, const char *s)
{
    if (*s == '.' || *s == '\'')
        fputs("\\&", f);
    for (; *s; s++)
        if (*s == '\\')
            fputs("\\e", f);
        else if (*s == '-')
            fputs("\\-", f);
        else
            fputc(*s, f);
}

static void line(FILE *f, const char *macro, const char *s)
{
    fprintf(f, "%s%s", macro, *macro ? " " : "");
    put(f, s);
    fputc('\n', f);
}

static void heading(FILE *f, const char *name, const char *what)
{
    char *upper = orc_strdup(name);

    for (char *p = upper; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    fprintf(f, ".\\\" made by `make man` from what orc says of itself\n.TH %s 1 \"\" \"orc %s\" \"orc\"\n",
            upper, orc_version());
    line(f, ".SH", "NAME");
    put(f, name);
    fputs(" \\- ", f);
    put(f, what);
    fputc('\n', f);
    free(upper);
}

static void item(FILE *f, const char *term, const char *text)
{
    fputs(".TP\n", f);
    line(f, ".B", term);
    line(f, "", text);
}

static void option(FILE *f, const struct orc_option *o)
{
    orc_auto_free char *form = orc_option_form(o), *text = option_text(o);

    item(f, form, text);
}

static void common(FILE *f)
{
    line(f, ".SH", "EXIT STATUS");
    for (size_t i = 0; i < ORC_ARRAY_SIZE(exits); i++)
        item(f, exits[i].code, exits[i].meaning);
    line(f, ".SH", "ENVIRONMENT");
    for (size_t i = 0; i < ORC_ARRAY_SIZE(variables); i++)
        item(f, variables[i].name, variables[i].meaning);
}

void manual_page(const struct manual *m, FILE *f)
{
    orc_auto_free char *name = orc_printf("orc-%s", m->command->name);
    const struct orc_option *o;

    heading(f, name, m->command->summary);
    line(f, ".SH", "SYNOPSIS");
    line(f, ".B", m->usage);
    line(f, ".SH", "DESCRIPTION");
    line(f, "", m->about);
    line(f, ".SH", "OPTIONS");
    for (o = m->options; o->name; o++)
        option(f, o);
    for (o = orc_options_always; o->name; o++)
        option(f, o);
    line(f, ".SH", "EXAMPLES");
    for (const struct command_example *e = m->command->examples; e->line; e++)
        item(f, e->line, e->effect);
    common(f);
    line(f, ".SH", "SEE ALSO");
    line(f, ".BR", "orc (1)");
}

void manual_all_page(FILE *f)
{
    heading(f, "orc", "runs containers on a handful of servers");
    line(f, ".SH", "SYNOPSIS");
    line(f, ".B", "orc COMMAND [ARGUMENTS]");
    line(f, ".SH", "DESCRIPTION");
    line(f, "",
         "orc makes a cluster look like a Compose file, and tells how it is. Each command has a page of its "
         "own: orc-apply(1) and so on.");
    line(f, ".SH", "COMMANDS");
    for (const struct command *c = commands; c->name; c++)
        item(f, c->name, c->summary);
    common(f);
    line(f, ".SH", "FILES");
    item(f, "~/.config/orc/contexts.yaml", "Where clusters are: orc-context(1).");
}
