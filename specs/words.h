/* words.h - a command line as one string, split into its arguments. */
#ifndef SPECS_WORDS_H
#define SPECS_WORDS_H

#include "lib/err.h"
#include "lib/mem.h"

/* Splits as a POSIX shell would (Shell Command Language, 2.2 "Quoting") but expands nothing: blanks and line
 * ends separate; '...' is literal; in "..." a backslash escapes only " \ $ ` and a line end; elsewhere it
 * escapes any character. Appends to *ret. -EINVAL for a quote that isn't closed, a backslash at the end and
 * more than SPEC_LIST_MAX arguments. */
int spec_split_words(const char *s, struct orc_strv *ret, struct orc_err *err);

#endif
