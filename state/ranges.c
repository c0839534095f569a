#include "state/ranges.h"

#include "lib/buf.h"

#include <stdlib.h>
#include <string.h>

bool ranges_has(const struct ranges *r, int k)
{
    return k >= 0 && k < SPEC_REPLICAS_MAX && (r->bits[k / 64] >> (k % 64) & 1);
}

bool ranges_add(struct ranges *r, int k)
{
    if (k < 0 || k >= SPEC_REPLICAS_MAX || ranges_has(r, k))
        return false;
    r->bits[k / 64] |= UINT64_C(1) << (k % 64);
    r->n++;
    return true;
}

/* One number, without sign and leading zeros; -1: none. */
static int read_number(const char **text)
{
    const char *s = *text;
    int k = 0;

    if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
        return -1;
    for (; *s >= '0' && *s <= '9'; s++) {
        k = 10 * k + (*s - '0');
        if (k >= SPEC_REPLICAS_MAX)
            return -1;
    }
    *text = s;
    return k;
}

/* Each range begins beyond the number after the one before, as else they would be one. */
int ranges_parse(const char *text, struct ranges *ret, struct orc_err *err)
{
    struct ranges r = {0};
    const char *s = text;
    int least = 0;

    while (s && (s == text || *s)) {
        int from, to;

        if (s != text && *s++ != ',')
            goto bad;
        from = to = read_number(&s);
        if (*s == '-' && s++)
            to = read_number(&s);
        if (from < least || to < from)
            goto bad;
        for (int k = from; k <= to; k++)
            ranges_add(&r, k);
        least = to + 2;
    }
    *ret = r;
    return 0;
bad:
    return orc_fail(err, -EINVAL, "\"%.60s\" is no list of ascending ranges such as \"0-16,18\"", text);
}

int ranges_check(const char *text, struct orc_err *err)
{
    struct ranges r;

    return ranges_parse(text, &r, err);
}

char *ranges_text(const struct ranges *r)
{
    struct orc_buf b = ORC_BUF_INIT(RANGES_TEXT_MAX);

    for (int k = 0; k < SPEC_REPLICAS_MAX; k++) {
        int from = k;

        if (!ranges_has(r, k))
            continue;
        while (ranges_has(r, k + 1))
            k++;
        orc_buf_printf(&b, b.len ? ",%d" : "%d", from);
        if (k > from)
            orc_buf_printf(&b, "-%d", k);
    }
    if (!b.len)
        return NULL;
    return orc_buf_take(&b);
}
