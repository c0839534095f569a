/* out.h - how the CLI prints: tables, colours, documents. Knows libsmartcols and terminals, nothing of
 * clusters.
 *
 * Colour only on a terminal and not with NO_COLOR set (no-color.org). With -o json or yaml exactly one
 * document goes to stdout and everything said on the way goes to stderr. Whatever is printed here is cleaned
 * of control characters first (text.h).
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "lib/err.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stdio.h>

enum out_form {
    OUT_TEXT,
    OUT_WIDE, /* tables with every column there is */
    OUT_JSON,
    OUT_YAML,  /* the same document */
    OUT_NAMES, /* of a table's rows the first cell alone, a line each: for scripts */
};
#define OUT_FORMS "text|json|yaml"
#define OUT_TABLE_FORMS "text|wide|json|yaml|name" /* of commands that print tables */
/* `name`: as after --output; NULL: text. `tables`: of OUT_TABLE_FORMS. 0 or -EINVAL. */
int out_form_from_name(const char *name, bool tables, enum out_form *ret, struct orc_err *err);

struct out {
    enum out_form form;
    bool json;        /* the form is a document, JSON or YAML */
    bool no_headings; /* of tables */
    bool terminal;    /* stdout is one */
    bool live;        /* ... on which lines can be drawn over */
    bool color;
    bool quiet;
    size_t width;  /* columns to keep within; 0: as wide as it is (no terminal, no COLUMNS) */
    size_t height; /* lines of the terminal; 0: unknown */
};

void out_init(struct out *o, enum out_form form, bool quiet);

/* Asks the terminal for its size again: before each picture of a live view. COLUMNS and LINES win. */
void out_measure(struct out *o);

/* Is stdout a pipe or socket that nobody reads any more? */
bool out_is_abandoned(void);

/* At a command's end: writes what is buffered. False when something was not written to stdout (a full disk, a
 * closed file); that its reader has gone is not told apart here. */
bool out_finish(void);

/* A line of progress for people: to stdout, or to stderr when stdout carries JSON; nothing with --quiet. */
void out_line(const struct out *o, const char *fmt, ...) ORC_PRINTF(2, 3);

/* Prints the document, in the form of the last out_init() where that is one of a document, else as JSON;
 * frees it. */
void out_json(json_t *j);
/* The same for a document per change: JSON on one line, YAML behind a "---". */
void out_json_line(json_t *j);

enum out_style { OUT_PLAIN, OUT_GOOD, OUT_WARN, OUT_BAD, OUT_DIM };
/* The escape sequences that begin a style and end it, "" without colour. */
const char *out_begin(const struct out *o, enum out_style s);
const char *out_end(const struct out *o, enum out_style s);

/* A table. Where it is wider than o->width allows, first its notes leave: they are printed below the table,
 * each as a paragraph that begins with its row's first cell. Then its optional columns are left out, the
 * last first. What is still too wide is printed as it is: names are never cut. */
enum out_column_kind {
    OUT_KEEP,
    OUT_OPTIONAL,
    OUT_EXTRA, /* only with -o wide, which leaves no column out however narrow the terminal is */
    OUT_NOTE   /* at most one, the last */
};
struct out_column {
    const char *heading; /* NULL ends a list of columns */
    enum out_column_kind kind;
};
struct out_table;
struct out_table *out_table_new(const struct out *o, const struct out_column *columns); /* borrowed */
void out_cell(struct out_table *t, const char *fmt, ...) ORC_PRINTF(2, 3); /* cells go left to right */
void out_cell_styled(struct out_table *t, enum out_style s, const char *fmt, ...) ORC_PRINTF(3, 4);
void out_table_print(struct out_table *t, FILE *f); /* and frees it; without rows: its headings */

#endif
