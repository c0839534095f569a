/* options.h - command-line flags of the daemons and of the CLI's commands, from one table.
 *
 * `--name value`, `--name=value`; booleans `--name`. With `--config FILE` the same names are read from a flat
 * YAML mapping (lists for repeated flags); the command line wins. `--help` prints the table. An option may
 * also name an environment variable that is used when neither gave a value. Unknown names are refused with
 * the nearest known one ("unknown option --etdc; did you mean --etcd?").
 */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include "lib/err.h"
#include "lib/mem.h"

#include <stdbool.h>
#include <stdio.h>

enum orc_option_kind {
    ORC_OPT_BOOL, /* bool * */
    ORC_OPT_STR,  /* char **, owned by the caller (freed and replaced) */
    ORC_OPT_STRV, /* struct orc_strv *, one element per occurrence */
    ORC_OPT_INT,  /* int64_t *, within [min, max] */
    ORC_OPT_MS,   /* uint64_t *, a duration in milliseconds */
};

struct orc_option {
    const char *name; /* without the dashes */
    char letter;      /* short form, or 0 */
    enum orc_option_kind kind;
    void *value;      /* holds the default; untouched when not given */
    const char *meta; /* placeholder in the help: "ADDR:PORT" */
    const char *help; /* one line */
    const char *env;  /* environment variable, or NULL */
    int64_t min, max; /* for ORC_OPT_INT */
};

#define ORC_OPTIONS_HELP 1    /* --help was given: the caller prints and exits 0 */
#define ORC_OPTIONS_VERSION 2 /* likewise --version */

/* Parses argv[1..]. Non-option words go to *ret_words (pass NULL to refuse them). `--` ends options. A table
 * with an option named "config" gets the YAML behaviour. Ends at the entry whose name is NULL.
 * 0, ORC_OPTIONS_HELP, ORC_OPTIONS_VERSION, or -EINVAL with a sentence. */
int orc_options_parse(const struct orc_option *table, int argc, char **argv, struct orc_strv *ret_words,
                      struct orc_err *err);

/* Prints "Usage: <usage>", the summary and the table. */
void orc_options_help(FILE *out, const char *usage, const char *summary, const struct orc_option *table);
/* The two that every table has without naming them, ended by a row without a name; their values are not to be
 * used. */
extern const struct orc_option orc_options_always[];
/* How an option is written: "-o, --output FORM". Freed by the caller. */
char *orc_option_form(const struct orc_option *o);
/* What is known of a default and has not been said in `help`: " (default: $ORC_ETCD)", "". Freed by the
 * caller. */
char *orc_option_notes(const struct orc_option *o);

/* Prints "<program> <version>". */
void orc_options_version(FILE *out, const char *program);

/* The word of `words` (NULL-terminated) nearest to s by edit distance, NULL when none is near. */
const char *orc_nearest(const char *s, const char *const *words);

#endif
