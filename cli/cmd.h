/* cmd.h - the commands: one file each, cmd_<name>.c. argv[0] is the command's name; the result is an exit
 * code. */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "cli/commands.h"
#include "cli/session.h"

int cmd_apply(int argc, char **argv);
int cmd_completion(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_context(int argc, char **argv);
int cmd_describe(int argc, char **argv);
int cmd_dev(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_node(int argc, char **argv);
int cmd_nodes(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_rebalance(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_restart(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_rollback(int argc, char **argv);
int cmd_rollout(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_runs(int argc, char **argv);
int cmd_scale(int argc, char **argv);
int cmd_schema(int argc, char **argv);
int cmd_services(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_tasks(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_why(int argc, char **argv);

/* The end of a command. An error, when there is one, is said on stderr; with -o json stdout gets
 * {"error": ...}, and `problems` (may be NULL; taken) in it: a command that fails with err set has printed no
 * document itself. `a` may be NULL. */
void cmd_end(const struct session_args *a, int code, const struct orc_err *err, json_t *problems);

/* Parses a command's options; argv[0] names its row in commands.h, `usage` and `about` belong to its manual.
 * -1: go on; else the exit code (help or the version was printed, or wrong usage was said). */
int cmd_options(const struct orc_option *table, int argc, char **argv, struct orc_strv *words,
                const char *usage, const char *about);

/* The two options of every command that waits. */
#define CMD_WAIT_OPTIONS(detach, timeout)                                                                    \
    {.name = "detach", .letter = 'd', .kind = ORC_OPT_BOOL, .value = (detach), .help = "do not wait"},       \
    {                                                                                                        \
        .name = "timeout", .kind = ORC_OPT_MS, .value = (timeout), .meta = "DURATION",                       \
        .help = "give up waiting after so long (default 5m; 0: never)"                                       \
    }
#define CMD_TIMEOUT_MS (5 * 60 * 1000)

#endif
