/* buf.h - a byte buffer with a hard maximum.
 *
 * Invariants: len <= max; data[len] is a NUL byte whenever data is set, so data can be read as a C string.
 * An addition that would pass the maximum changes nothing and returns -EMSGSIZE.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include "lib/scope.h"

#include <stddef.h>

struct orc_buf {
    char *data; /* NULL while nothing was ever added */
    size_t len, cap, max;
};

#define ORC_BUF_INIT(maximum)                                                                                \
    {                                                                                                        \
        .max = (maximum)                                                                                     \
    }

void orc_buf_init(struct orc_buf *b, size_t max);
void orc_buf_release(struct orc_buf *b); /* frees; the buffer is then empty and usable, with the same max */
void orc_buf_clear(struct orc_buf *b);   /* empties, keeps the memory */

int orc_buf_add(struct orc_buf *b, const void *data, size_t n);
int orc_buf_puts(struct orc_buf *b, const char *s);
/* The same of one byte, which mostly has room: what is written byte by byte needn't call for each. */
static inline int orc_buf_putc(struct orc_buf *b, char c)
{
    if (b->len + 1 >= b->cap || b->len == b->max)
        return orc_buf_add(b, &c, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
    return 0;
}
int orc_buf_printf(struct orc_buf *b, const char *fmt, ...) ORC_PRINTF(2, 3);
void orc_buf_shift(struct orc_buf *b, size_t n); /* drops the first n bytes, n <= len */

/* The contents as a C string, "" when empty; owned by the buffer, valid until its next change. */
const char *orc_buf_str(const struct orc_buf *b);

/* Hands the contents over as a C string ("" when empty); the buffer is empty afterwards. */
char *orc_buf_take(struct orc_buf *b);

#endif
