#include "cli/text.h"

#include "specs/utf8.h"

#include <stdint.h>
#include <wchar.h>

#define COMMON 10   /* bytes before a difference that are shown */
#define ROOM_MIN 20 /* columns that a wrapped paragraph gets even on a terminal narrower than its indent */

/* The code point of the well-formed character of n bytes at s. */
static wchar_t decode(const unsigned char *s, size_t n)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned c = s[0] & mask[n];

    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3f);
    return (wchar_t)c;
}

/* Bytes of the character at s, 1 for a stray byte; *ret is its code point, -1 for a stray byte. */
static size_t next(const char *s, wchar_t *ret)
{
    size_t n = spec_utf8_len(s, strnlen(s, 4));

    *ret = n ? decode((const unsigned char *)s, n) : -1;
    return n ? n : 1;
}

/* Marks that turn the direction of writing (Unicode Standard Annex 9, 2) or end a line. */
static bool misleads(wchar_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

char *text_safe(const char *s)
{
    char *copy = orc_strdup(s), *to = copy;

    while (*s) {
        wchar_t c;
        size_t n = next(s, &c);

        if (c < 0 || misleads(c)) {
            *to++ = '?';
        } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            *to++ = ' ';
        } else {
            memcpy(to, s, n);
            to += n;
        }
        s += n;
    }
    *to = '\0';
    return copy;
}

/* Bytes of the longest beginning of s that fits into `width` columns; *ret_width is what it takes. */
static size_t fitting(const char *s, size_t width, size_t *ret_width)
{
    size_t at = 0, columns = 0;

    while (s[at]) {
        wchar_t c;
        size_t n = next(s + at, &c);
        int w = c < 0 ? 1 : wcwidth(c);
        size_t add = w < 0 ? 1 : (size_t)w;

        if (columns + add > width)
            break;
        columns += add;
        at += n;
    }
    *ret_width = columns;
    return at;
}

size_t text_width(const char *s)
{
    size_t width;

    fitting(s, SIZE_MAX, &width);
    return width;
}

char *text_cut(const char *s, size_t width)
{
    static const char dots[] = "...";
    size_t taken, n;

    if (!width || text_width(s) <= width)
        return orc_strdup(s);
    if (width < sizeof dots)
        return orc_strndup(dots, width);
    n = fitting(s, width - (sizeof dots - 1), &taken);
    return orc_printf("%.*s%s", (int)n, s, dots);
}

char *text_difference(const char *s, const char *other, size_t width)
{
    orc_auto_free char *whole = text_safe(s), *rest = NULL, *safe = NULL;
    size_t from = 0;

    if (text_width(whole) <= width)
        return orc_take(whole);
    while (other && s[from] && s[from] == other[from])
        from++;
    from = from > COMMON ? from - COMMON : 0;
    while (from && ((unsigned char)s[from] & 0xc0) == 0x80) /* within a character */
        from--;
    rest = orc_concat(from ? "..." : "", s + from);
    safe = text_safe(rest);
    return text_cut(safe, width);
}

char *text_join(const struct orc_strv *texts, const char *separator)
{
    char *text = orc_strdup("");

    for (size_t i = 0; i < texts->n; i++) {
        char *longer = orc_printf("%s%s%s", text, i ? separator : "", texts->at[i]);

        free(text);
        text = longer;
    }
    return text;
}

/* Bytes of s for one line of `room` columns, broken at a blank where there is one. */
static size_t line_of(const char *s, size_t room)
{
    size_t taken, n = fitting(s, room, &taken);

    if (!s[n])
        return n;
    for (size_t i = n + 1; i-- > 0;)
        if (s[i] == ' ')
            return i;
    return n + strcspn(s + n, " ");
}

void text_wrap(FILE *f, const char *first, const char *s, size_t width)
{
    size_t indent = text_width(first);
    size_t room = !width ? SIZE_MAX : width > indent + ROOM_MIN ? width - indent : ROOM_MIN;

    fputs(first, f);
    s += strspn(s, " ");
    for (;;) {
        size_t n = line_of(s, room);

        fprintf(f, "%.*s\n", (int)n, s);
        s += n;
        s += strspn(s, " ");
        if (!*s)
            return;
        fprintf(f, "%*s", (int)indent, "");
    }
}
