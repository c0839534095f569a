/* out.h - how the CLI prints: tables, colours, JSON. Knows libsmartcols and terminals, nothing of clusters.
 *
 * Colour only on a terminal and not with NO_COLOR set (no-color.org). With -o json exactly one document goes
 * to stdout and everything said on the way goes to stderr.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "lib/err.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stdio.h>

struct out {
    bool json;
    bool terminal; /* stdout is one */
    bool color;
    bool quiet;
};

void out_init(struct out *o, bool json, bool quiet);

/* A line of progress for people: to stdout, or to stderr when stdout carries JSON; nothing with --quiet. */
void out_line(const struct out *o, const char *fmt, ...) ORC_PRINTF(2, 3);

/* Prints the document and a newline; frees it. */
void out_json(json_t *j);

enum out_style { OUT_PLAIN, OUT_GOOD, OUT_WARN, OUT_BAD, OUT_DIM };
/* The escape sequences that begin a style and end it, "" without colour. */
const char *out_begin(const struct out *o, enum out_style s);
const char *out_end(const struct out *o, enum out_style s);

/* A table: its columns' headings, then rows of as many cells, printed with widths that follow the terminal.
 * The last column takes the room that is left and is cut on a terminal only. */
struct out_table;
struct out_table *out_table_new(const struct out *o, const char *const *headings); /* NULL-terminated */
void out_cell(struct out_table *t, const char *fmt, ...) ORC_PRINTF(2, 3); /* cells go left to right */
void out_cell_styled(struct out_table *t, enum out_style s, const char *fmt, ...) ORC_PRINTF(3, 4);
void out_table_print(struct out_table *t, FILE *f); /* and frees it; an empty table prints its headings */

#endif
