#include "cli/problem.h"

#include "cli/text.h"
#include "lib/buf.h"
#include "specs/utf8.h"

#define INDENT "    "
#define WIDTH_USUAL 100
#define ROOM_LEAST 40
#define TAB 8 /* columns that a tab is taken for when the line has to be cut */
#define DOTS "..."
#define DOTS_WIDTH 3

/* A character of the line, fit to be shown. */
struct glyph {
    char text[8];
    size_t width;
};

struct line {
    ORC_VEC(struct glyph) glyphs;
    size_t before, length; /* glyphs before the token, and of it; it may begin behind the last one */
};

static struct glyph make_glyph(const char *s, size_t n)
{
    struct glyph g = {.width = TAB};
    orc_auto_free char *raw = orc_strndup(s, n);
    orc_auto_free char *safe = text_safe(raw);

    if (*s == '\t') {
        g.text[0] = '\t';
        return g;
    }
    orc_copy_str(g.text, sizeof g.text, safe);
    g.width = text_width(g.text);
    return g;
}

static void read_line(const struct spec_problem *p, struct line *ret)
{
    size_t n = strlen(p->excerpt);

    *ret = (struct line){.before = (size_t)p->before, .length = (size_t)p->length};
    for (size_t i = 0; i < n;) {
        size_t len = spec_utf8_len(p->excerpt + i, n - i);

        orc_vec_push(&ret->glyphs, make_glyph(p->excerpt + i, len ? len : 1));
        i += len ? len : 1;
    }
}

static size_t width_of(const struct line *l, size_t from, size_t to)
{
    size_t width = 0;

    for (size_t i = from; i < to && i < l->glyphs.n; i++)
        width += l->glyphs.at[i].width;
    return width;
}

/* The first glyph that is shown: before the token stands what there is room for beside it and a third of what
 * is behind it, at least a third. */
static size_t choose_start(const struct line *l, size_t room)
{
    size_t end = l->before + l->length, behind = width_of(l, end, l->glyphs.n), from = 0;
    size_t taken = width_of(l, l->before, end) + (behind < room / 3 ? behind : room / 3);
    size_t beside = taken + room / 3 < room ? room - taken : room / 3;

    while (from < l->before && width_of(l, from, l->before) + (from ? DOTS_WIDTH : 0) > beside)
        from++;
    return from;
}

static size_t choose_end(const struct line *l, size_t from, size_t room)
{
    size_t to = from, used = from ? DOTS_WIDTH : 0;

    if (used + width_of(l, from, l->glyphs.n) <= room)
        return l->glyphs.n;
    while (to < l->glyphs.n && used + l->glyphs.at[to].width + DOTS_WIDTH <= room)
        used += l->glyphs.at[to++].width;
    return to;
}

static void put_line(struct orc_buf *b, const struct line *l, size_t from, size_t to)
{
    orc_buf_puts(b, from ? INDENT DOTS : INDENT);
    for (size_t i = from; i < to; i++)
        orc_buf_puts(b, l->glyphs.at[i].text);
    orc_buf_puts(b, to < l->glyphs.n ? DOTS "\n" : "\n");
}

static void put_times(struct orc_buf *b, char c, size_t n)
{
    while (n--)
        orc_buf_putc(b, c);
}

/* Under a tab the carets end: how far it reaches is the terminal's affair. */
static void put_carets(struct orc_buf *b, const struct line *l, size_t from, size_t to)
{
    size_t end = l->before + l->length < to ? l->before + l->length : to, carets = 0;

    orc_buf_puts(b, from ? INDENT "   " : INDENT);
    for (size_t i = from; i < l->before && i < to; i++)
        if (l->glyphs.at[i].text[0] == '\t')
            orc_buf_putc(b, '\t');
        else
            put_times(b, ' ', l->glyphs.at[i].width);
    for (size_t i = l->before; i < end && l->glyphs.at[i].text[0] != '\t'; i++)
        carets += l->glyphs.at[i].width;
    put_times(b, '^', carets ? carets : 1);
    orc_buf_putc(b, '\n');
}

char *problem_text(const struct spec_problem *p, const char *kind, size_t width)
{
    size_t room = width ? width : WIDTH_USUAL, from, to;
    struct orc_buf b = ORC_BUF_INIT(64 * 1024);
    orc_auto_free char *file = text_safe(p->file ? p->file : "the file"), *text = text_safe(p->text);
    struct line line = {0};

    if (p->line)
        orc_buf_printf(&b, "%s:%d:%d: %s%s\n", file, p->line, p->column, kind, text);
    else
        orc_buf_printf(&b, "%s: %s%s\n", file, kind, text);
    if (!p->excerpt)
        return orc_buf_take(&b);
    room = room > ROOM_LEAST + strlen(INDENT) ? room - strlen(INDENT) : ROOM_LEAST;
    read_line(p, &line);
    from = choose_start(&line, room);
    to = choose_end(&line, from, room);
    put_line(&b, &line, from, to);
    put_carets(&b, &line, from, to);
    orc_vec_release(&line.glyphs);
    return orc_buf_take(&b);
}

json_t *problem_list_to_json(const struct spec_problem *all, size_t n, const char *severity)
{
    json_t *list = n ? json_array() : NULL;

    for (size_t i = 0; i < n; i++) {
        const struct spec_problem *p = &all[i];
        json_t *j = json_object();

        orc_json_set_str(j, "file", p->file);
        json_object_set_new(j, "line", json_integer(p->line));
        json_object_set_new(j, "column", json_integer(p->column));
        json_object_set_new(j, "length", json_integer(p->length));
        orc_json_set_str(j, "severity", severity);
        orc_json_set_str(j, "text", p->text);
        json_array_append_new(list, j);
    }
    return list;
}
