#include "lib/buf.h"

#include "lib/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void orc_buf_init(struct orc_buf *b, size_t max)
{
    *b = (struct orc_buf)ORC_BUF_INIT(max);
}

void orc_buf_release(struct orc_buf *b)
{
    free(b->data);
    orc_buf_init(b, b->max);
}

void orc_buf_clear(struct orc_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

static int reserve(struct orc_buf *b, size_t n)
{
    if (n > b->max - b->len)
        return -EMSGSIZE;
    if (b->len + n + 1 > b->cap) {
        b->cap = orc_vec_grow_(b->cap, b->len + n + 1);
        b->data = orc_realloc(b->data, b->cap, 1);
    }
    return 0;
}

int orc_buf_add(struct orc_buf *b, const void *data, size_t n)
{
    int r = reserve(b, n);

    if (r < 0)
        return r;
    if (n)
        memcpy(b->data + b->len, data, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

int orc_buf_puts(struct orc_buf *b, const char *s)
{
    return orc_buf_add(b, s, strlen(s));
}

int orc_buf_printf(struct orc_buf *b, const char *fmt, ...)
{
    size_t room, n;
    va_list ap, again;
    int r, printed;

    if (b->cap - b->len <= strlen(fmt)) /* it can hardly fit: not printed for its length alone */
        reserve(b, 2 * strlen(fmt));
    room = b->cap - b->len;
    va_start(ap, fmt);
    va_copy(again, ap);
    printed = vsnprintf(room ? b->data + b->len : NULL, room, fmt, ap);
    va_end(ap);
    n = (size_t)printed;
    r = printed < 0 ? -EINVAL : reserve(b, n);
    if (r == 0 && n >= room) /* it did not fit at once */
        vsnprintf(b->data + b->len, n + 1, fmt, again);
    va_end(again);
    if (r == 0)
        b->len += n;
    if (room)
        b->data[b->len] = '\0';
    return r;
}

void orc_buf_shift(struct orc_buf *b, size_t n)
{
    if (!n)
        return;
    b->len -= n;
    memmove(b->data, b->data + n, b->len + 1);
}

const char *orc_buf_str(const struct orc_buf *b)
{
    return b->data ? b->data : "";
}

char *orc_buf_take(struct orc_buf *b)
{
    char *s = b->data ? b->data : orc_strdup("");

    b->data = NULL;
    orc_buf_init(b, b->max);
    return s;
}
