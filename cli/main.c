/* main.c - `orc`: the table of commands. */
#include "cli/cmd.h"
#include "cli/text.h"

#include <locale.h>
#include <signal.h>

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"init", "make a new cluster in an etcd", cmd_init},
    {"apply", "make the cluster look like a Compose file", cmd_apply},
    {"diff", "what a file would change, key by key", cmd_diff},
    {"plan", "what applying a file, or losing a server, would lead to", cmd_plan},
    {"status", "is it up, and if not, why not", cmd_status},
    {"services", "the services, and how many replicas of each are well", cmd_services},
    {"tasks", "the containers: where each is, and how it is", cmd_tasks},
    {"describe", "everything about one service, task or server", cmd_describe},
    {"run", "begin a run of a job now", cmd_run},
    {"runs", "the runs of a job, and how they ended", cmd_runs},
    {"why", "why a replica waits, server by server, and what would help", cmd_why},
    {"scale", "change how many replicas a service has", cmd_scale},
    {"restart", "restart a service, rolling", cmd_restart},
    {"rollout", "how an update gets on; pause, resume, abort it", cmd_rollout},
    {"history", "the revisions of a service", cmd_history},
    {"rebalance", "move replicas to servers that came or came back", cmd_rebalance},
    {"rollback", "go back to an earlier revision of a service", cmd_rollback},
    {"rm", "remove an app or a service", cmd_rm},
    {"nodes", "the servers, their room and their condition", cmd_nodes},
    {"node", "keep work off one server, or let it have some again", cmd_node},
    {"events", "what happened", cmd_events},
    {"dev", "a cluster of this one server, in the foreground", cmd_dev},
    {"recover", "after etcd was wiped or restored: believe what it holds now", cmd_recover},
    {"version", "which orc this is, and which the servers run", cmd_version},
};

static void say(const struct orc_err *err)
{
    orc_auto_free char *safe = text_safe(err->msg);

    fprintf(stderr, "orc: %s\n", safe);
}

void cmd_end(const struct session_args *a, int code, const struct orc_err *err, json_t *problems)
{
    json_t *j;

    if (code == CLI_DONE || !err->msg[0])
        return;
    say(err);
    if (!a || !orc_streq(a->output, "json")) {
        json_decref(problems);
        return;
    }
    j = json_object();
    orc_json_set_str(j, "error", err->msg);
    if (problems)
        json_object_set_new(j, "problems", problems);
    out_json(j);
}

int cmd_options(const struct orc_option *table, int argc, char **argv, struct orc_strv *words,
                const char *usage, const char *summary)
{
    struct orc_err err = ORC_ERR_INIT;
    int r = orc_options_parse(table, argc, argv, words, &err);

    if (r == ORC_OPTIONS_HELP)
        orc_options_help(stdout, usage, summary, table);
    if (r == ORC_OPTIONS_VERSION)
        orc_options_version(stdout, "orc");
    if (r > 0)
        return CLI_DONE;
    if (r < 0) {
        say(&err);
        fprintf(stderr, "Usage: %s\n", usage);
        return CLI_USAGE;
    }
    return -1;
}

/* A command that could not say what it has to say has failed. */
static int conclude(int code)
{
    if (out_finish())
        return code;
    if (!out_is_abandoned())
        fputs("orc: not all of it could be written to standard output: is its disk full?\n", stderr);
    return code == CLI_DONE ? CLI_FAILED : code;
}

static int run(const struct command *c, int argc, char **argv)
{
    return conclude(c->run(argc, argv));
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static void help(FILE *f)
{
    fputs("Usage: orc COMMAND [ARGUMENTS]\n\n", f);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(commands); i++)
        fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`orc COMMAND --help` tells more. etcd is found by --etcd or ORC_ETCD.\n", f);
}

static int unknown(const char *name)
{
    const char *names[ORC_ARRAY_SIZE(commands) + 1] = {0};
    const char *near;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(commands); i++)
        names[i] = commands[i].name;
    near = orc_nearest(name, names);
    fprintf(stderr, "orc: unknown command \"%s\"", name);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?\n", near);
    else
        fputs("; `orc help` lists them\n", stderr);
    return CLI_USAGE;
}

/* Widths of characters need a locale that knows them; servers often have none set. */
static void choose_locale(void)
{
    const char *got = setlocale(LC_CTYPE, "");

    if (!got || strcmp(got, "C") == 0 || strcmp(got, "POSIX") == 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

/* `orc help`, `orc help apply` */
static int help_of(int argc, char **argv)
{
    const struct command *c = argc > 2 ? find(argv[2]) : NULL;
    char *words[] = {argv[0], (char *)"--help", NULL};

    if (argc > 2 && !c)
        return unknown(argv[2]);
    if (c)
        return run(c, 2, words);
    help(stdout);
    return conclude(CLI_DONE);
}

int main(int argc, char **argv)
{
    const struct command *c;

    signal(SIGPIPE, SIG_IGN);
    choose_locale();
    if (argc < 2) {
        help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help_of(argc, argv);
    if (strcmp(argv[1], "--version") == 0) {
        orc_options_version(stdout, "orc");
        return conclude(CLI_DONE);
    }
    c = find(argv[1]);
    return c ? run(c, argc - 1, argv + 1) : unknown(argv[1]);
}
