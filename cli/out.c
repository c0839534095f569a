#include "cli/out.h"

#include "cli/text.h"
#include "lib/mem.h"
#include "lib/units.h"
#include "specs/yaml_write.h"

#include <libsmartcols.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#define GAP 1          /* blanks between columns, as libsmartcols puts them */
#define SIZE_MOST 9999 /* columns or lines of a terminal that are believed */

struct cell {
    char *text;
    enum out_style style;
};

struct out_table {
    const struct out *out;
    const struct out_column *columns;
    size_t n; /* columns */
    ORC_VEC(struct cell) cells;
};

/* A size that the environment names, else 0. */
static size_t named_size(const char *variable)
{
    const char *text = getenv(variable);
    int64_t n = 0;

    return text && orc_parse_int(text, 1, SIZE_MOST, &n, NULL) == 0 ? (size_t)n : 0;
}

void out_measure(struct out *o)
{
    struct winsize size = {0};
    bool known = o->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

    o->width = named_size("COLUMNS");
    o->height = named_size("LINES");
    if (!o->width && o->terminal)
        o->width = known && size.ws_col ? size.ws_col : 80;
    if (!o->height && known)
        o->height = size.ws_row;
}

static const struct {
    const char *name;
    bool table;
} forms[] = {[OUT_TEXT] = {"text", false},
             [OUT_WIDE] = {"wide", true},
             [OUT_JSON] = {"json", false},
             [OUT_YAML] = {"yaml", false},
             [OUT_NAMES] = {"name", true}};

int out_form_from_name(const char *name, bool tables, enum out_form *ret, struct orc_err *err)
{
    const char *expected = tables ? "text, wide, json, yaml or name" : "text, json or yaml";

    for (size_t i = 0; i < ORC_ARRAY_SIZE(forms); i++) {
        if (strcmp(name ? name : "text", forms[i].name) != 0)
            continue;
        if (forms[i].table && !tables)
            return orc_fail(err, -EINVAL, "--output \"%s\" is of commands that print tables; here: %s", name,
                            expected);
        *ret = (enum out_form)i;
        return 0;
    }
    return orc_fail(err, -EINVAL, "--output \"%s\" is not known; write %s", name, expected);
}

/* What stdout carries: a process has one. */
static enum out_form stdout_form;

void out_init(struct out *o, enum out_form form, bool quiet)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    *o = (struct out){.form = form,
                      .json = form == OUT_JSON || form == OUT_YAML,
                      .quiet = quiet,
                      .terminal = isatty(STDOUT_FILENO)};
    o->live = o->terminal && !(term && strcmp(term, "dumb") == 0);
    o->color = o->live && !(no_color && *no_color);
    stdout_form = form;
    out_measure(o);
}

bool out_is_abandoned(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

bool out_finish(void)
{
    return fflush(stdout) == 0 && !ferror(stdout);
}

void out_line(const struct out *o, const char *fmt, ...)
{
    orc_auto_free char *text = NULL;
    orc_auto_free char *safe = NULL;
    FILE *f = o->json ? stderr : stdout;
    va_list ap;

    if (o->quiet)
        return;
    va_start(ap, fmt);
    text = orc_vprintf(fmt, ap);
    va_end(ap);
    safe = text_safe(text);
    fprintf(f, "%s\n", safe);
    fflush(f);
}

static void dump(json_t *j, size_t flags)
{
    if (stdout_form == OUT_YAML)
        yaml_write(j, stdout);
    else {
        json_dumpf(j, stdout, flags | ORC_JSON_REALS);
        fputc('\n', stdout);
    }
    fflush(stdout);
    json_decref(j);
}

void out_json(json_t *j)
{
    dump(j, JSON_INDENT(2));
}

void out_json_line(json_t *j)
{
    if (stdout_form == OUT_YAML)
        fputs("---\n", stdout);
    dump(j, JSON_COMPACT);
}

static const char *style_name(enum out_style s)
{
    static const char *const names[] = {[OUT_PLAIN] = NULL,
                                        [OUT_GOOD] = "green",
                                        [OUT_WARN] = "yellow",
                                        [OUT_BAD] = "red",
                                        [OUT_DIM] = "darkgray"};

    return names[s];
}

const char *out_begin(const struct out *o, enum out_style s)
{
    static const char *const codes[] = {[OUT_PLAIN] = "",
                                        [OUT_GOOD] = "\033[32m",
                                        [OUT_WARN] = "\033[33m",
                                        [OUT_BAD] = "\033[31m",
                                        [OUT_DIM] = "\033[2m"};

    return o->color ? codes[s] : "";
}

const char *out_end(const struct out *o, enum out_style s)
{
    return o->color && s != OUT_PLAIN ? "\033[0m" : "";
}

/* ---- tables
 * ------------------------------------------------------------------------------------------------- */

struct out_table *out_table_new(const struct out *o, const struct out_column *columns)
{
    struct out_table *t = orc_new(struct out_table);

    t->out = o;
    t->columns = columns;
    while (columns[t->n].heading)
        t->n++;
    return t;
}

static void ORC_PRINTF(3, 0) cell(struct out_table *t, enum out_style s, const char *fmt, va_list ap)
{
    orc_auto_free char *text = orc_vprintf(fmt, ap);
    bool note = t->columns[t->cells.n % t->n].kind == OUT_NOTE;

    orc_vec_push(&t->cells, ((struct cell){text_safe(*text || note ? text : "-"), s}));
}

void out_cell(struct out_table *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    cell(t, OUT_PLAIN, fmt, ap);
    va_end(ap);
}

void out_cell_styled(struct out_table *t, enum out_style s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    cell(t, s, fmt, ap);
    va_end(ap);
}

static size_t column_width(const struct out_table *t, size_t column)
{
    size_t widest = strlen(t->columns[column].heading);

    for (size_t i = column; i < t->cells.n; i += t->n) {
        size_t w = text_width(t->cells.at[i].text);

        widest = w > widest ? w : widest;
    }
    return widest;
}

static bool fits(const struct out_table *t, const bool *shown)
{
    size_t sum = 0;

    for (size_t i = 0; i < t->n; i++)
        if (shown[i])
            sum += column_width(t, i) + (sum ? GAP : 0);
    return !t->out->width || sum <= t->out->width;
}

static bool is_wide(const struct out_table *t)
{
    return t->out->form == OUT_WIDE;
}

static bool has_notes(const struct out_table *t)
{
    for (size_t i = t->n - 1; i < t->cells.n; i += t->n)
        if (*t->cells.at[i].text)
            return true;
    return false;
}

/* Columns of this kind leave, the last first, until the rest fits. */
static void drop(const struct out_table *t, enum out_column_kind kind, bool *shown)
{
    for (size_t i = t->n; i-- > 0 && !fits(t, shown);)
        if (t->columns[i].kind == kind)
            shown[i] = false;
}

/* Which columns stay: without notes there is no column for them. */
static bool *choose(const struct out_table *t)
{
    bool *shown = orc_calloc(t->n, sizeof *shown);

    for (size_t i = 0; i < t->n; i++)
        shown[i] = t->columns[i].kind == OUT_NOTE    ? has_notes(t)
                   : t->columns[i].kind == OUT_EXTRA ? is_wide(t)
                                                     : true;
    drop(t, OUT_NOTE, shown);
    if (!is_wide(t))
        drop(t, OUT_OPTIONAL, shown);
    return shown;
}

static void print_headings(const struct out_table *t, const bool *shown, FILE *f)
{
    for (size_t i = 0, n = 0; i < t->n; i++)
        if (shown[i])
            fprintf(f, "%s%s", n++ ? " " : "", t->columns[i].heading);
    fputc('\n', f);
}

static void fill_rows(const struct out_table *t, const bool *shown, struct libscols_table *s)
{
    struct libscols_line *line = NULL;

    for (size_t i = 0, column = 0; i < t->cells.n; i++) {
        const struct cell *c = &t->cells.at[i];

        if (i % t->n == 0) {
            line = scols_table_new_line(s, NULL);
            column = 0;
        }
        if (!shown[i % t->n])
            continue;
        scols_line_set_data(line, column, c->text);
        if (t->out->color && style_name(c->style))
            scols_cell_set_color(scols_line_get_cell(line, column), style_name(c->style));
        column++;
    }
}

static void print_rows(const struct out_table *t, const bool *shown, FILE *f)
{
    struct libscols_table *s = scols_new_table();

    if (!s)
        abort();
    scols_table_enable_colors(s, t->out->color);
    scols_table_enable_noencoding(s, 1);
    scols_table_enable_noheadings(s, t->out->no_headings);
    scols_table_set_termforce(s, SCOLS_TERMFORCE_NEVER);
    scols_table_set_stream(s, f);
    for (size_t i = 0; i < t->n; i++)
        if (shown[i])
            scols_table_new_column(s, t->columns[i].heading, 0, 0);
    fill_rows(t, shown, s);
    scols_print_table(s);
    scols_unref_table(s);
}

static void print_notes(const struct out_table *t, FILE *f)
{
    for (size_t i = 0; i + t->n <= t->cells.n; i += t->n) {
        const char *note = t->cells.at[i + t->n - 1].text;
        orc_auto_free char *text = orc_printf("%s: %s", t->cells.at[i].text, note);

        if (*note)
            text_wrap(f, "  - ", text, t->out->width);
    }
}

static void print_names(const struct out_table *t, FILE *f)
{
    for (size_t i = 0; i < t->cells.n; i += t->n)
        fprintf(f, "%s\n", t->cells.at[i].text);
}

static void print_table(const struct out_table *t, FILE *f)
{
    orc_auto_free bool *shown = choose(t);

    if (t->cells.n)
        print_rows(t, shown, f);
    else if (!t->out->no_headings)
        print_headings(t, shown, f);
    if (t->columns[t->n - 1].kind == OUT_NOTE && !shown[t->n - 1])
        print_notes(t, f);
}

void out_table_print(struct out_table *t, FILE *f)
{
    if (t->out->form == OUT_NAMES)
        print_names(t, f);
    else
        print_table(t, f);
    for (size_t i = 0; i < t->cells.n; i++)
        free(t->cells.at[i].text);
    orc_vec_release(&t->cells);
    free(t);
}
