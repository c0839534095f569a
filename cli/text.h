/* text.h - text made fit for a terminal: cleaned, measured, cut, wrapped.
 *
 * Pure. What the CLI prints comes from the store, and with it from engines, probes and people: a control
 * character in it must not steer the operator's terminal. Widths are columns, as wcwidth(3) counts them under
 * the locale in force; a width of 0 means "as wide as it is".
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "lib/mem.h"

#include <stdio.h>

/* A copy in which control characters (C0, DEL, C1) are blanks, and bytes that are not UTF-8 and marks that
 * turn the direction of writing '?'. */
char *text_safe(const char *s);

/* Columns of a text that is safe. */
size_t text_width(const char *s);

/* A copy of at most `width` columns; "..." stands at the end of one that was cut. */
char *text_cut(const char *s, size_t width);

/* A safe copy of s, of at most `width` columns: of a longer one what begins shortly before it differs from
 * `other` (NULL: there is none), with "..." on either side where something is left out. */
char *text_difference(const char *s, const char *other, size_t width);

/* The texts one after another, with `separator` between them; freed by the caller. */
char *text_join(const struct orc_strv *texts, const char *separator);

/* Prints s as a paragraph: `first` before its first line, as many blanks before each later one; broken at
 * blanks to keep within `width`. A word longer than the room stays whole. Ends with a newline. */
void text_wrap(FILE *f, const char *first, const char *s, size_t width);

#endif
