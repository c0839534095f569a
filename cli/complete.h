/* complete.h - what may stand where the cursor is: for the completion of shells.
 *
 * Pure: reads a command's manual - its options, and the forms that its usage line has - and returns words,
 * and which names of the cluster fit; it must not know shells, nor ask the cluster.
 *
 * A usage line is "orc NAME" and one or more forms, divided by " | ". A form is words: written in lower case
 * they stand for themselves ("pause|resume"), in capitals for something ("APP/SERVICE|TASK"); brackets may
 * enclose one, and "..." end it when there may be more. Words that begin with "-" are options.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "cli/commands.h"

/* What is not known here: a set of these. */
enum complete_want {
    COMPLETE_APPS = 1 << 0,
    COMPLETE_SERVICES = 1 << 1,
    COMPLETE_SCALED = 1 << 2, /* services, with "=" behind the name */
    COMPLETE_TASKS = 1 << 3,
    COMPLETE_NODES = 1 << 4,
    COMPLETE_CONTEXTS = 1 << 5,
    COMPLETE_REVISIONS = 1 << 6, /* of the service that is the word before */
    COMPLETE_FILES = 1 << 7,     /* the shell knows them */
};

struct completion {
    char *prefix; /* to be put before each: "--node=" */
    char *word;   /* what is there already, behind the prefix: others don't fit */
    char *before; /* the last word that is no option's; "" */
    unsigned wants;
    struct orc_strv words, abouts; /* words that fit, and for each what it is, perhaps "" */
};

/* The words of a command line behind "orc"; the last is the one to be completed, perhaps "". */
void complete(const struct orc_strv *words, struct completion *ret);
/* The same of a command whose manual is at hand: words->at[0] is its name, and not the last. */
void complete_command(const struct manual *m, const struct orc_strv *words, struct completion *ret);
void completion_release(struct completion *c);

/* Adds a word unless it does not fit. */
void completion_add(struct completion *c, const char *word, const char *about);

#endif
