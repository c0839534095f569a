#include "state/json_split.h"

#include <errno.h>
#include <string.h>

void json_split_init(struct json_split *s, size_t max)
{
    memset(s, 0, sizeof *s);
    orc_buf_init(&s->buf, max);
}

void json_split_release(struct json_split *s)
{
    orc_buf_release(&s->buf);
}

void json_split_next(struct json_split *s)
{
    if (s->buf.cap > 65536) /* one large document must not hold memory for ever */
        orc_buf_release(&s->buf);
    orc_buf_clear(&s->buf);
    s->depth = 0;
    s->in_string = s->escaped = false;
}

/* Follows one character; true when it ends the document. */
static bool step(struct json_split *s, char c)
{
    if (s->in_string) {
        if (s->escaped)
            s->escaped = false;
        else if (c == '\\')
            s->escaped = true;
        else if (c == '"')
            s->in_string = false;
    } else if (c == '"') {
        s->in_string = true;
    } else if (c == '{') {
        s->depth++;
    } else if (c == '}') {
        return --s->depth == 0;
    }
    return false;
}

int json_split_feed(struct json_split *s, const char *data, size_t n, size_t *used)
{
    size_t i = 0, start;
    bool whole = false;

    while (s->depth == 0 && i < n && memchr(" \t\r\n", data[i], 4))
        i++;
    *used = i;
    if (s->depth == 0 && i < n && data[i] != '{')
        return -EINVAL;
    for (start = i; i < n && !whole; i++)
        whole = step(s, data[i]);
    if (orc_buf_add(&s->buf, data + start, i - start) < 0)
        return -EMSGSIZE;
    *used = i;
    return whole;
}
