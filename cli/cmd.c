#include "cli/cmd.h"

#include "cli/manual.h"
#include "cli/text.h"

/* Who reads what a command says when it is asked for help: NULL, the operator. Commands hold their options in
 * tables of their own, which live as long as their call. */
static struct {
    manual_reader *reader;
    void *arg;
} reading;

static void say(const struct orc_err *err)
{
    orc_auto_free char *safe = text_safe(err->msg);

    fprintf(stderr, "orc: %s\n", safe);
}

/* Takes problems over. */
static void print_document(enum out_form form, const struct orc_err *err, json_t *problems)
{
    struct out o;
    json_t *j;

    if (form != OUT_JSON && form != OUT_YAML) {
        json_decref(problems);
        return;
    }
    out_init(&o, form, false);
    j = json_object();
    orc_json_set_str(j, "error", err->msg);
    if (problems)
        json_object_set_new(j, "problems", problems);
    out_json(j);
}

void cmd_end(const struct session_args *a, int code, const struct orc_err *err, json_t *problems)
{
    enum out_form form = OUT_TEXT;

    if (code == CLI_DONE || !err->msg[0])
        return;
    say(err);
    if (a)
        out_form_from_name(a->output, a->tables, &form, NULL);
    print_document(form, err, problems);
}

/* What stands behind -o; NULL: this is another word. */
static const char *output_value(char **word)
{
    if (strncmp(*word, "--output=", 9) == 0)
        return *word + 9;
    if (strncmp(*word, "-o", 2) == 0 && (*word)[2])
        return *word + 2;
    return strcmp(*word, "-o") == 0 || strcmp(*word, "--output") == 0 ? word[1] : NULL;
}

/* The form that is asked for among words of which one can't be read. */
static enum out_form asked_form(const struct orc_option *table, char **argv)
{
    enum out_form form = OUT_TEXT;
    bool known = false;

    for (; table->name; table++)
        known = known || strcmp(table->name, "output") == 0;
    for (; known && *argv && strcmp(*argv, "--") != 0; argv++)
        if (output_value(argv))
            out_form_from_name(output_value(argv), true, &form, NULL);
    return form;
}

static void help(const struct manual *m)
{
    struct out o;

    out_init(&o, OUT_TEXT, false);
    if (reading.reader)
        reading.reader(m, reading.arg);
    else
        manual_text(m, o.width, stdout);
}

int cmd_options(const struct orc_option *table, int argc, char **argv, struct orc_strv *words,
                const char *usage, const char *about)
{
    struct manual m = {command_find(argv[0]), usage, about, table};
    struct orc_err err = ORC_ERR_INIT;
    int r = orc_options_parse(table, argc, argv, words, &err);

    if (r == ORC_OPTIONS_HELP)
        help(&m);
    if (r == ORC_OPTIONS_VERSION)
        orc_options_version(stdout, "orc");
    if (r > 0)
        return CLI_DONE;
    if (r < 0) {
        say(&err);
        fprintf(stderr, "Usage: %s\n", usage);
        print_document(asked_form(table, argv), &err, NULL);
        return CLI_USAGE;
    }
    return -1;
}

void command_manual(const struct command *c, manual_reader *reader, void *arg)
{
    char *words[] = {(char *)c->name, (char *)"--help", NULL};

    reading.reader = reader;
    reading.arg = arg;
    c->run(2, words);
    reading.reader = NULL;
}
