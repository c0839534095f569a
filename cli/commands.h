/* commands.h - the table of commands: what `orc` can do. Help, man pages and completion are made from it, and
 * from what each command says of itself (its usage, a description, its options) when it is asked for help.
 *
 * A new command: a row here, a line in cmd.h, a file cmd_<name>.c.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "lib/options.h"

struct command_example {
    const char *line, *effect;
};

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
    const struct command_example *examples; /* at least one; ended by {0} */
};
extern const struct command commands[]; /* ended by a row without a name */

const struct command *command_find(const char *name); /* or NULL */
int command_unknown(const char *name);                /* says so, and which is near: CLI_USAGE */

/* All there is to know of a command; borrowed, and gone with the call that gave it. */
struct manual {
    const struct command *command;
    const char *usage; /* "orc scale APP/SERVICE=N [--detach]": its words are what completion goes by */
    const char *about;
    const struct orc_option *options;
};
typedef void manual_reader(const struct manual *m, void *arg);

/* Calls the reader once. */
void command_manual(const struct command *c, manual_reader *reader, void *arg);

#endif
