#include "cli/out.h"

#include "lib/mem.h"

#include <libsmartcols.h>
#include <stdarg.h>

struct out_table {
    struct libscols_table *table;
    struct libscols_line *line;
    const struct out *out;
    size_t columns, next;
};

void out_init(struct out *o, bool json, bool quiet)
{
    const char *no_color = getenv("NO_COLOR");

    *o = (struct out){.json = json, .quiet = quiet, .terminal = isatty(STDOUT_FILENO)};
    o->color = o->terminal && !(no_color && *no_color);
}

void out_line(const struct out *o, const char *fmt, ...)
{
    FILE *f = o->json ? stderr : stdout;
    va_list ap;

    if (o->quiet)
        return;
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fputc('\n', f);
    fflush(f);
}

void out_json(json_t *j)
{
    json_dumpf(j, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(j);
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

struct out_table *out_table_new(const struct out *o, const char *const *headings)
{
    struct out_table *t = orc_new(struct out_table);

    t->table = scols_new_table();
    if (!t->table)
        abort();
    t->out = o;
    scols_table_enable_colors(t->table, o->color);
    if (!o->terminal)
        scols_table_enable_maxout(t->table, 0);
    for (; headings[t->columns]; t->columns++) {
        int flags = headings[t->columns + 1] ? 0 : (o->terminal ? SCOLS_FL_TRUNC : 0);

        scols_table_new_column(t->table, headings[t->columns], 0, flags);
    }
    return t;
}

static void cell(struct out_table *t, enum out_style s, const char *fmt, va_list ap)
{
    orc_auto_free char *text = orc_vprintf(fmt, ap);

    if (t->next == 0)
        t->line = scols_table_new_line(t->table, NULL);
    scols_line_set_data(t->line, t->next, *text ? text : "-");
    if (t->out->color && style_name(s))
        scols_cell_set_color(scols_line_get_cell(t->line, t->next), style_name(s));
    t->next = (t->next + 1) % t->columns;
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

void out_table_print(struct out_table *t, FILE *f)
{
    scols_table_set_stream(t->table, f);
    if (scols_table_is_empty(t->table)) {
        struct libscols_column *c;
        struct libscols_iter *it = scols_new_iter(SCOLS_ITER_FORWARD);

        while (scols_table_next_column(t->table, it, &c) == 0)
            fprintf(f, "%s  ", scols_cell_get_data(scols_column_get_header(c)));
        fputc('\n', f);
        scols_free_iter(it);
    } else {
        scols_print_table(t->table);
    }
    scols_unref_table(t->table);
    free(t);
}
