#include "specs/parse.h"
#include "specs/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1000 /* bytes of a problem's text */

void spec_problems_release(struct spec_problems *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->at[i].text);
    orc_vec_release(p);
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

void spec_problems_add(struct spec_problems *p, int line, int column, const char *fmt, ...)
{
    orc_auto_free char *text = NULL;
    va_list ap;

    if (p->n >= SPEC_PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    text = orc_vprintf(fmt, ap);
    va_end(ap);
    make_printable(text);
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].line == line && p->at[i].column == column && strcmp(p->at[i].text, text) == 0)
            return;
    *orc_vec_add(p) = (struct spec_problem){.line = line, .column = column, .text = orc_take(text)};
}

static int cmp_places(const void *x, const void *y)
{
    const struct spec_problem *a = x, *b = y;

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
}
