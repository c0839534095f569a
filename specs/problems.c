#include "specs/problems.h"

#include "specs/utf8.h"

#include <stdarg.h>

#define TEXT_MAX 1000 /* bytes of a problem's text */

static void release(struct spec_problem *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(at[i].file);
        free(at[i].text);
        free(at[i].excerpt);
    }
}

void spec_problems_release(struct spec_problems *p)
{
    release(p->at, p->n);
    release(p->notices.at, p->notices.n);
    release(p->marks.at, p->marks.n);
    orc_vec_release(p);
    orc_vec_release(&p->notices);
    orc_vec_release(&p->marks);
}

/* Values from the file are quoted in the text and reach a terminal: what is not UTF-8 any more (a value cut
 * in the middle of a character) or not printable becomes "?". */
static void make_printable(char *s)
{
    size_t n = strlen(s), to = 0;

    for (size_t i = 0; i < n && to < TEXT_MAX;) {
        size_t len = spec_utf8_len(s + i, n - i);
        struct spec_utf8_fault fault;
        bool good = len > 0 && s[i] != '\n' && s[i] != '\t' && s[i] != '\r' &&
                    spec_utf8_check(s + i, len, &fault) == 0;

        if (good)
            memmove(s + to, s + i, len);
        else
            s[to] = '?';
        to += good ? len : 1;
        i += len > 0 ? len : 1;
    }
    s[to] = '\0';
}

static bool is_there(const struct spec_problem *all, size_t n, const struct spec_place *at, const char *text)
{
    int order = at->source ? at->source->order : 0;

    for (size_t i = 0; i < n; i++)
        if (all[i].order == order && all[i].line == at->line && all[i].column == at->column &&
            strcmp(all[i].text, text) == 0)
            return true;
    return false;
}

static struct spec_problem make(const struct spec_place *at, char *text)
{
    struct spec_problem p = {.file = orc_strdup(at->source ? at->source->name : NULL),
                             .line = at->line,
                             .column = at->column,
                             .length = 1,
                             .text = text,
                             .order = at->source ? at->source->order : 0};

    spec_source_excerpt(at, &p.excerpt, &p.before, &p.length);
    return p;
}

static char *say(const char *fmt, va_list ap) ORC_PRINTF(1, 0);

static char *say(const char *fmt, va_list ap)
{
    char *text = orc_vprintf(fmt, ap);

    make_printable(text);
    return text;
}

void spec_problems_add(struct spec_problems *p, const struct spec_place *at, const char *fmt, ...)
{
    orc_auto_free char *text = NULL;
    va_list ap;

    if (p->n >= SPEC_PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    text = say(fmt, ap);
    va_end(ap);
    if (!is_there(p->at, p->n, at, text))
        *orc_vec_add(p) = make(at, orc_take(text));
}

void spec_problems_note(struct spec_problems *p, const struct spec_place *at, const char *fmt, ...)
{
    orc_auto_free char *text = NULL;
    va_list ap;

    if (p->notices.n >= SPEC_PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    text = say(fmt, ap);
    va_end(ap);
    if (!is_there(p->notices.at, p->notices.n, at, text))
        *orc_vec_add(&p->notices) = make(at, orc_take(text));
}

void spec_problems_mark(struct spec_problems *p, const struct spec_place *at, const char *name)
{
    if (p->marks.n < SPEC_MARKS_MAX)
        *orc_vec_add(&p->marks) = make(at, orc_strdup(name));
}

static int cmp_places(const void *x, const void *y)
{
    const struct spec_problem *a = x, *b = y;

    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return strcmp(a->text, b->text);
}

void spec_problems_sort(struct spec_problems *p)
{
    if (p->n > 1)
        qsort(p->at, p->n, sizeof *p->at, cmp_places);
    if (p->notices.n > 1)
        qsort(p->notices.at, p->notices.n, sizeof *p->notices.at, cmp_places);
}
