#include "state/base64.h"

#include "lib/mem.h"

#include <errno.h>
#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct orc_buf *b, const void *data, size_t n)
{
    const unsigned char *in = data;
    orc_auto_free char *text = orc_calloc(1, n / 3 * 4 + 5);
    size_t at = 0;

    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                     (left > 2 ? (uint32_t)in[i + 2] : 0);

        text[at++] = digits[v >> 18];
        text[at++] = digits[v >> 12 & 63];
        text[at++] = left > 1 ? digits[v >> 6 & 63] : '=';
        text[at++] = left > 2 ? digits[v & 63] : '=';
    }
    return orc_buf_add(b, text, at);
}

/* 0..63, or -1. */
static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base64_decode(const char *text, size_t n, char **ret, size_t *ret_n)
{
    orc_auto_free char *out = NULL;
    size_t pad = 0, at = 0;
    uint32_t v = 0;

    if (n % 4 != 0)
        return -EINVAL;
    while (pad < 2 && pad < n && text[n - 1 - pad] == '=')
        pad++;
    out = orc_calloc(1, n / 4 * 3 + 1);
    for (size_t i = 0; i < n - pad; i++) {
        int d = digit_value(text[i]);

        if (d < 0)
            return -EINVAL;
        v = v << 6 | (uint32_t)d;
        if (i % 4 != 0)
            out[at++] = (char)(v >> (6 - 2 * (i % 4)) & 255);
    }
    out[at] = '\0';
    *ret = orc_take(out);
    *ret_n = at;
    return 0;
}
