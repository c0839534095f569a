/* verb.h - the frame of the commands that change one app and wait for it: open, load, act, wait, close.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/wait.h"

struct verb {
    struct session s;
    struct cluster cluster;
    struct wait_targets targets; /* what act() asks to be waited for */
    const struct orc_strv *words;
};

struct verb_spec {
    const char *usage, *summary;
    const enum key_kind *kinds; /* what act() needs; config is always read */
    size_t min_words, max_words;
    /* 0, or negative with a sentence; -EINVAL means wrong usage. */
    int (*act)(struct verb *v, struct orc_err *err);
};

int verb_run(const struct verb_spec *spec, int argc, char **argv);

#endif
