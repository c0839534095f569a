/* show.h - the frame of the commands that show records: once, or with --watch again with each change.
 *
 * Knows sessions, terminals and forms of output; what is shown is its user's.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/cmd.h"

struct show_args {
    struct session_args session;
    bool watch;
};
#define SHOW_ARGS_INIT                                                                                       \
    {                                                                                                        \
        .session = {.tables = true }                                                                         \
    }
/* clang-format off */
#define SHOW_OPTIONS(a)                                                                                        \
    {.name = "watch", .letter = 'w', .kind = ORC_OPT_BOOL, .value = &(a)->watch,                                \
     .help = "again with each change, until Ctrl-C; with -o json a document per line"},                        \
    SESSION_TABLE_OPTIONS(&(a)->session)
/* clang-format on */

struct show {
    const enum key_kind *kinds; /* what it needs, config among it; ended by KEY_UNKNOWN */
    /* Whether what was asked for is there: 0, or negative with a sentence. NULL: it needn't be. */
    int (*check)(struct cluster *c, const void *what, struct orc_err *err);
    /* Exactly one of the two is called for each picture. */
    json_t *(*document)(struct cluster *c, const void *what);
    void (*print)(const struct out *o, struct cluster *c, const void *what, FILE *f);
};

/* The exit code. `what` (may be NULL) goes to the three. */
int show_run(const struct show *show, struct show_args *a, const void *what, struct orc_err *err);

#endif
