#include "specs/source.h"

#include "specs/utf8.h"

struct spec_source *spec_source_free(struct spec_source *s)
{
    if (!s)
        return NULL;
    free(s->name);
    free(s->dir);
    free(s->text);
    free(s);
    return NULL;
}

/* Bytes of the line end at s, 0 when there is none. */
static size_t line_end(const char *s, const char *end)
{
    size_t n = (size_t)(end - s);

    if (n >= 2 && memcmp(s, "\r\n", 2) == 0)
        return 2;
    if (n >= 1 && (*s == '\n' || *s == '\r'))
        return 1;
    if (n >= 2 && memcmp(s, "\xc2\x85", 2) == 0)
        return 2;
    return n >= 3 && (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0) ? 3 : 0;
}

/* Behind the character at s; a stray byte is one. */
static const char *step(const char *s, const char *end)
{
    size_t n = spec_utf8_len(s, (size_t)(end - s));

    return s + (n ? n : 1);
}

static const char *find_line(const struct spec_source *s, int line)
{
    const char *at = s->text, *end = s->text + s->n;

    if (s->n >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) /* a byte order mark belongs to no line */
        at += 3;
    for (int i = 1; i < line; i++) {
        size_t n;

        while (at < end && !line_end(at, end))
            at++;
        n = line_end(at, end);
        if (!n)
            return NULL;
        at += n;
    }
    return at;
}

const char *spec_source_at(const struct spec_source *s, int line, int column)
{
    const char *end = s->text + s->n, *at = line > 0 ? find_line(s, line) : NULL;

    for (int i = 1; at && i < column; i++)
        at = at < end && !line_end(at, end) ? step(at, end) : NULL;
    return at;
}

/* So many characters onwards, at most to the end of the line; *ret_n is how many. */
static const char *walk(const char *s, const char *end, int most, int *ret_n)
{
    *ret_n = 0;
    while (*ret_n < most && s < end && !line_end(s, end)) {
        s = step(s, end);
        ++*ret_n;
    }
    return s;
}

bool spec_source_excerpt(const struct spec_place *p, char **ret_text, int *ret_before, int *ret_length)
{
    const char *from, *end, *token, *rest;
    int left, n, after;

    if (!p->source || p->line < 1 || p->column < 1)
        return false;
    left = p->column - 1 < SPEC_EXCERPT_MAX ? p->column - 1 : SPEC_EXCERPT_MAX;
    from = spec_source_at(p->source, p->line, p->column - left);
    if (!from)
        return false;
    end = p->source->text + p->source->n;
    token = walk(from, end, left, ret_before);
    rest = walk(token, end, p->length < SPEC_EXCERPT_MAX ? p->length : SPEC_EXCERPT_MAX, &n);
    rest = walk(rest, end, SPEC_EXCERPT_MAX - n, &after);
    *ret_text = orc_strndup(from, (size_t)(rest - from));
    *ret_length = n > 0 ? n : 1;
    return true;
}
