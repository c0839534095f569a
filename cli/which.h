/* which.h - the optional word APP[/SERVICE] of the commands that show things: is it a name, and is that
 * there?
 */
#ifndef CLI_WHICH_H
#define CLI_WHICH_H

#include "cli/show.h"

/* At most one word, which is APP or APP/SERVICE: 0 or -EINVAL. */
int which_word(const struct orc_strv *words, struct orc_err *err);

/* `what`: such a word, or NULL. It must be there, or have been: its rollout or its containers may outlive it.
 * 0 or -ENOENT. */
int which_check(struct cluster *c, const void *what, struct orc_err *err);

/* The whole of a command that takes such a word, and the options of show.h: its exit code. */
int which_show(const struct show *show, int argc, char **argv, const char *usage, const char *about);

#endif
