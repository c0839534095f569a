#include "specs/utf8.h"

#include <errno.h>

static bool continues(const unsigned char *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if ((s[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* The table of well-formed byte sequences of RFC 3629, section 4. */
size_t spec_utf8_len(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t len;

    if (n == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len > n || !continues(s, 1, len))
        return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

static bool is_control(const unsigned char *s, size_t len)
{
    if (len == 1)
        return (s[0] < 0x20 && s[0] != '\t' && s[0] != '\n' && s[0] != '\r') || s[0] == 0x7f;
    return len == 2 && s[0] == 0xc2 && s[1] < 0xa0 && s[1] != 0x85;
}

int spec_utf8_check(const char *text, size_t n, struct spec_utf8_fault *ret)
{
    struct spec_utf8_fault at = {.line = 1, .column = 1};

    for (size_t i = 0; i < n;) {
        const unsigned char *s = (const unsigned char *)text + i;
        size_t len = spec_utf8_len(text + i, n - i);

        at.control = len > 0 && is_control(s, len);
        if (len == 0 || at.control) {
            at.byte = s[len > 1 ? 1 : 0];
            *ret = at;
            return -EINVAL;
        }
        at.column++;
        if (s[0] == '\n') {
            at.line++;
            at.column = 1;
        }
        i += len;
    }
    return 0;
}
