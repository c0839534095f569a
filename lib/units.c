#include "lib/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NS_PER_MS INT64_C(1000000)
#define MAX_FRACTION 18 /* digits after the point that fit the arithmetic below */

__extension__ typedef __int128 wide;

struct decimal {
    int64_t whole;
    int64_t fraction; /* fraction / scale is in [0, 1) */
    int64_t scale;    /* 10^digits, trailing zeros dropped */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the digits after the point. Trailing zeros carry nothing and are skipped. */
static int read_fraction(const char **s, struct decimal *d)
{
    size_t n = strspn(*s, "0123456789"), used = n;

    while (used && (*s)[used - 1] == '0')
        used--;
    if (used > MAX_FRACTION)
        return -EINVAL;
    for (size_t i = 0; i < used; i++) {
        d->fraction = d->fraction * 10 + ((*s)[i] - '0');
        d->scale *= 10;
    }
    *s += n;
    return (int)(n > 0);
}

/* Reads "12", "12.5" or ".5" and moves *s behind it; -EINVAL when there is no digit or it doesn't fit. */
static int read_decimal(const char **s, struct decimal *ret)
{
    struct decimal d = {.scale = 1};
    int digits = 0, r;

    for (; is_digit(**s); (*s)++, digits = 1)
        if (__builtin_mul_overflow(d.whole, 10, &d.whole) ||
            __builtin_add_overflow(d.whole, **s - '0', &d.whole))
            return -EINVAL;
    if (**s == '.') {
        (*s)++;
        r = read_fraction(s, &d);
        if (r < 0)
            return r;
        digits |= r;
    }
    if (!digits)
        return -EINVAL;
    *ret = d;
    return 0;
}

/* The number in units of `unit`, rounded down or up; -ERANGE past int64. */
static int scale_decimal(const struct decimal *d, int64_t unit, bool up, int64_t *ret)
{
    wide part = (wide)d->fraction * unit;
    wide total = (wide)d->whole * unit + (part + (up ? d->scale - 1 : 0)) / d->scale;

    if (total > INT64_MAX)
        return -ERANGE;
    *ret = (int64_t)total;
    return 0;
}

/* Longer names first where one begins with another. */
static const struct {
    const char *name;
    int64_t ns;
} duration_units[] = {
    {"us", 1000},
    {"ms", NS_PER_MS},
    {"s", 1000 * NS_PER_MS},
    {"m", 60000 * NS_PER_MS},
    {"h", 3600000 * NS_PER_MS},
};

static int64_t read_duration_unit(const char **s)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(duration_units); i++) {
        size_t n = strlen(duration_units[i].name);

        if (strncmp(*s, duration_units[i].name, n) == 0) {
            *s += n;
            return duration_units[i].ns;
        }
    }
    return 0;
}

static int add_duration_part(const char **s, int64_t *ns)
{
    struct decimal d;
    int64_t unit, part;

    if (read_decimal(s, &d) < 0)
        return -EINVAL;
    unit = read_duration_unit(s);
    if (!unit)
        return -EINVAL;
    if (scale_decimal(&d, unit, true, &part) < 0 || __builtin_add_overflow(*ns, part, ns))
        return -ERANGE;
    return 0;
}

int orc_parse_duration_ms(const char *s, uint64_t *ret_ms, struct orc_err *err)
{
    const char *at = s;
    int64_t ns = 0;
    int r;

    if (strcmp(s, "0") == 0) {
        *ret_ms = 0;
        return 0;
    }
    do
        r = add_duration_part(&at, &ns);
    while (r == 0 && *at);
    if (r == -ERANGE)
        return orc_fail(err, r, "\"%.64s\" is too long a duration; the longest is 292 years", s);
    if (r < 0)
        return orc_fail(
            err, r,
            "\"%.64s\" is not a duration; write numbers with units us, ms, s, m or h, such as \"1m30s\"", s);
    *ret_ms = (uint64_t)(ns / NS_PER_MS + (ns % NS_PER_MS > 0));
    return 0;
}

/* The power of 1024 of a size's unit ("", "b", "k", "kb", "kib", ... up to p); -1 for anything else. */
static int size_power(const char *unit)
{
    static const char letters[] = "kmgtp";
    const char *l;

    if (!*unit || strcasecmp(unit, "b") == 0)
        return 0;
    l = strchr(letters, *unit | 0x20);
    if (!l || (unit[1] && strcasecmp(unit + 1, "b") != 0 && strcasecmp(unit + 1, "ib") != 0))
        return -1;
    return (int)(l - letters) + 1;
}

int orc_parse_size(const char *s, int64_t *ret_bytes, struct orc_err *err)
{
    const char *at = s;
    struct decimal d;
    int power = read_decimal(&at, &d) < 0 ? -1 : size_power(at);

    if (power < 0)
        return orc_fail(err, -EINVAL,
                        "\"%.64s\" is not a size; write a number of bytes, or one with the unit k, m, g or "
                        "t, such as \"64M\"",
                        s);
    if (scale_decimal(&d, INT64_C(1) << (10 * power), false, ret_bytes) < 0)
        return orc_fail(err, -ERANGE, "\"%.64s\" is too large a size; the largest is below 8192P", s);
    return 0;
}

int orc_parse_cpus(const char *s, int64_t *ret_nano, struct orc_err *err)
{
    const char *at = s;
    struct decimal d;

    if (read_decimal(&at, &d) < 0 || *at || d.scale > ORC_NANO_CPU)
        return orc_fail(err, -EINVAL,
                        "\"%.64s\" is not a number of CPUs; write a decimal number with at most nine places, "
                        "such as \"0.50\"",
                        s);
    if (scale_decimal(&d, ORC_NANO_CPU, false, ret_nano) < 0)
        return orc_fail(err, -ERANGE, "\"%.64s\" is too many CPUs; the most is 9223372036", s);
    return 0;
}

int orc_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret, struct orc_err *err)
{
    const char *at = s + (*s == '-');
    bool negative = *s == '-', ok = is_digit(*at);
    int64_t value = 0;

    for (; ok && is_digit(*at); at++) {
        int digit = negative ? '0' - *at : *at - '0';

        ok = !__builtin_mul_overflow(value, 10, &value) && !__builtin_add_overflow(value, digit, &value);
    }
    if (!ok || *at || value < min || value > max)
        return orc_fail(err, -EINVAL, "\"%.64s\" is not a whole number in %" PRId64 "..%" PRId64, s, min,
                        max);
    *ret = value;
    return 0;
}

/* "<n>.<thousandths>" without trailing zeros, or "<n>" */
static size_t put_seconds(char *to, size_t size, uint64_t ms)
{
    int n = snprintf(to, size, "%" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000);

    while (to[n - 1] == '0')
        n--;
    if (to[n - 1] == '.')
        n--;
    return (size_t)n;
}

/* `all`: no unit below the largest is left out. */
static const char *format_duration(uint64_t ms, bool all, char buf[ORC_UNIT_MAX])
{
    uint64_t h = ms / 3600000, m = ms / 60000 % 60, rest = ms % 60000;
    size_t n = 0;

    if (ms && ms < 1000) {
        snprintf(buf, ORC_UNIT_MAX, "%" PRIu64 "ms", ms);
        return buf;
    }
    if (h)
        n += (size_t)snprintf(buf + n, ORC_UNIT_MAX - n, "%" PRIu64 "h", h);
    if (m || (all && h))
        n += (size_t)snprintf(buf + n, ORC_UNIT_MAX - n, "%" PRIu64 "m", m);
    if (rest || !ms || all) {
        n += put_seconds(buf + n, ORC_UNIT_MAX - n, rest);
        snprintf(buf + n, ORC_UNIT_MAX - n, "s");
    }
    return buf;
}

const char *orc_format_duration(uint64_t ms, char buf[ORC_UNIT_MAX])
{
    return format_duration(ms, false, buf);
}

const char *orc_format_go_duration(uint64_t ms, char buf[ORC_UNIT_MAX])
{
    return format_duration(ms, true, buf);
}

char *orc_put_digits(char *at, const char *end, uint64_t n)
{
    char digits[20];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + n % 10);
    while (n /= 10);
    while (at < end && count)
        *at++ = digits[--count];
    return at;
}

const char *orc_format_int(int64_t n, char buf[ORC_UNIT_MAX])
{
    char *at = buf;

    if (n < 0)
        *at++ = '-';
    *orc_put_digits(at, buf + ORC_UNIT_MAX - 1, n < 0 ? -(uint64_t)n : (uint64_t)n) = '\0';
    return buf;
}

const char *orc_format_cpus(int64_t nano, char buf[ORC_UNIT_MAX])
{
    uint64_t left = nano < 0 ? -(uint64_t)nano : (uint64_t)nano;
    int n = snprintf(buf, ORC_UNIT_MAX, "%s%" PRIu64 ".%09" PRIu64, nano < 0 ? "-" : "", left / 1000000000,
                     left % 1000000000);

    while (buf[n - 1] == '0')
        n--;
    if (buf[n - 1] == '.')
        n--;
    buf[n] = '\0';
    return buf;
}

const char *orc_format_size(int64_t bytes, char buf[ORC_UNIT_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t left = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    const char *sign = bytes < 0 ? "-" : "";
    wide tenths = (wide)left * 10, unit = 1;
    uint64_t shown;
    size_t u = 0;

    /* 1023.95 would be shown as 1024.0, which is 1 of the next unit. */
    for (; (tenths + unit / 2) / unit >= 10240; unit *= 1024)
        u++;
    shown = (uint64_t)((tenths + unit / 2) / unit);
    if (shown < 1000 && shown % 10)
        snprintf(buf, ORC_UNIT_MAX, "%s%" PRIu64 ".%" PRIu64 " %s", sign, shown / 10, shown % 10, units[u]);
    else
        snprintf(buf, ORC_UNIT_MAX, "%s%" PRIu64 " %s", sign, (shown + 5) / 10, units[u]);
    return buf;
}

const char *orc_format_age(uint64_t ms, char buf[ORC_UNIT_MAX])
{
    uint64_t s = ms / 1000;

    if (s < 60)
        snprintf(buf, ORC_UNIT_MAX, "%" PRIu64 "s", s);
    else if (s < 3600)
        snprintf(buf, ORC_UNIT_MAX, "%" PRIu64 "m", s / 60);
    else if (s < 86400)
        snprintf(buf, ORC_UNIT_MAX, "%" PRIu64 "h", s / 3600);
    else
        snprintf(buf, ORC_UNIT_MAX, "%" PRIu64 "d", s / 86400);
    return buf;
}
