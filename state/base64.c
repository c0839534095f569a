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

#define KNOWN 64 /* a digit's entry is this and its value */

static const unsigned char entries[256] = {
    ['A'] = 64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,          75,          76,
    77,          78,  79,  80,  81,  82,  83,  84,  85,  86,  87,          88,          89,
    ['a'] = 90,  91,  92,  93,  94,  95,  96,  97,  98,  99,  100,         101,         102,
    103,         104, 105, 106, 107, 108, 109, 110, 111, 112, 113,         114,         115,
    ['0'] = 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, ['+'] = 126, ['/'] = 127,
};

int base64_decode(const char *text, size_t n, char **ret, size_t *ret_n)
{
    orc_auto_free char *out = NULL;
    size_t pad = 0, at = 0;

    if (n % 4 != 0)
        return -EINVAL;
    while (pad < 2 && pad < n && text[n - 1 - pad] == '=')
        pad++;
    out = orc_calloc(1, n / 4 * 3 + 1);
    for (size_t i = 0; i < n; i += 4) {
        unsigned known = KNOWN, v = 0;

        for (size_t k = i; k < i + 4; k++) {
            unsigned entry = k < n - pad ? entries[(unsigned char)text[k]] : KNOWN;

            known &= entry;
            v = v << 6 | (entry & 63);
        }
        if (!known)
            return -EINVAL;
        out[at++] = (char)(v >> 16);
        out[at++] = (char)(v >> 8);
        out[at++] = (char)v;
    }
    *ret_n = at - pad;
    out[*ret_n] = '\0';
    *ret = orc_take(out);
    return 0;
}
