#include "lib/zone.h"

#include "lib/cron.h"
#include "lib/file.h"
#include "lib/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256 * 1024)
#define HEADER 44
#define OFFSET_MAX (26 * 3600) /* RFC 9636, 3.2: -25:59:59 to 25:59:59 */
#define ZONES_MAX 600          /* the system has as many */

struct day_rule {
    char
        kind; /* 'M' month, week, day; 'J' day 1..365 without 29 February; 'n' day 0..365; 0: there is none */
    int month, week, day;
    int32_t time; /* s */
};

struct posix_rule { /* POSIX, 8.3 "TZ", the third format */
    int32_t std, dst;
    struct day_rule start, end; /* of daylight saving */
};

struct orc_zone {
    struct {
        int64_t *at; /* moments of change */
        size_t n, cap;
    } changes;
    struct {
        int32_t *at; /* the offset from each of them on */
        size_t n, cap;
    } offsets;
    int32_t first; /* before the first */
    bool has_rule;
    struct posix_rule rule;
};

/* ---- the rule for all years ---------------------------------------------------------------------------- */

static bool skip_name(const char **s)
{
    const char *from = *s;

    if (**s == '<') {
        while (**s && **s != '>')
            (*s)++;
        return *(*s)++ == '>';
    }
    while (isalpha((unsigned char)**s))
        (*s)++;
    return *s - from >= 3;
}

static bool read_int(const char **s, int max, int *ret)
{
    int n = 0;

    if (!isdigit((unsigned char)**s))
        return false;
    while (isdigit((unsigned char)**s) && n <= max)
        n = 10 * n + (*(*s)++ - '0');
    *ret = n;
    return n <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(const char **s, int32_t *ret)
{
    int sign = 1, h = 0, m = 0, sec = 0;

    if (**s == '+' || **s == '-')
        sign = *(*s)++ == '-' ? -1 : 1;
    if (!read_int(s, 167, &h))
        return false;
    if (**s == ':' && ((*s)++, !read_int(s, 59, &m)))
        return false;
    if (**s == ':' && ((*s)++, !read_int(s, 59, &sec)))
        return false;
    *ret = sign * (h * 3600 + m * 60 + sec);
    return true;
}

static bool read_day(const char **s, struct day_rule *r)
{
    *r = (struct day_rule){.kind = 'n', .time = 2 * 3600};
    if (*(*s)++ != ',')
        return false;
    if (**s == 'M' || **s == 'J')
        r->kind = *(*s)++;
    if (r->kind == 'M') {
        if (!read_int(s, 12, &r->month) || r->month < 1 || *(*s)++ != '.' || !read_int(s, 5, &r->week) ||
            r->week < 1 || *(*s)++ != '.' || !read_int(s, 6, &r->day))
            return false;
    } else if (!read_int(s, 365, &r->day)) {
        return false;
    }
    return **s != '/' || ((*s)++, read_time(s, &r->time));
}

/* "CET-1CEST,M3.5.0,M10.5.0/3" */
static bool parse_rule(const char *s, struct posix_rule *r)
{
    int32_t west;

    if (!skip_name(&s) || !read_time(&s, &west))
        return false;
    r->std = r->dst = -west;
    if (!*s)
        return true;
    if (!skip_name(&s))
        return false;
    r->dst = r->std + 3600;
    if (*s != ',') {
        if (!read_time(&s, &west))
            return false;
        r->dst = -west;
    }
    return read_day(&s, &r->start) && read_day(&s, &r->end) && !*s;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days since 1970 of the rule's day in a year. */
static int64_t day_of(const struct day_rule *r, int64_t year)
{
    int64_t first, day, next;

    if (r->kind == 'J')
        return orc_days_of(year, 1, 1) + r->day - 1 + (is_leap(year) && r->day >= 60);
    if (r->kind == 'n')
        return orc_days_of(year, 1, 1) + r->day;
    first = orc_days_of(year, r->month, 1);
    next = r->month == 12 ? orc_days_of(year + 1, 1, 1) : orc_days_of(year, r->month + 1, 1);
    day = first + ((r->day - (first + 4)) % 7 + 7) % 7 + 7 * (r->week - 1);
    return day < next ? day : day - 7; /* week 5 is the last */
}

static int32_t rule_offset(const struct posix_rule *r, int64_t utc)
{
    int64_t local = utc + r->std, year, start, end;
    int month, day;

    if (!r->start.kind)
        return r->std;
    orc_days_to(local / 86400 - (local % 86400 < 0), &year, &month, &day);
    start = day_of(&r->start, year) * 86400 + r->start.time - r->std;
    end = day_of(&r->end, year) * 86400 + r->end.time - r->dst;
    if (start < end)
        return utc >= start && utc < end ? r->dst : r->std;
    return utc >= end && utc < start ? r->std : r->dst;
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static int64_t big_endian(const unsigned char *p, int bytes)
{
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

struct counts { /* in the order of the header */
    size_t isut, isstd, leap, time, type, chars;
};

static bool read_header(const unsigned char *p, size_t n, struct counts *c)
{
    size_t *at[] = {&c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->chars};

    if (n < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    for (int i = 0; i < 6; i++) {
        int64_t v = big_endian(p + 20 + 4 * i, 4);

        if (v < 0 || v > FILE_MAX)
            return false;
        *at[i] = (size_t)v;
    }
    return true;
}

static size_t block_size(const struct counts *c, size_t time)
{
    return c->time * time + c->time + c->type * 6 + c->chars + c->leap * (time + 4) + c->isstd + c->isut;
}

static bool read_block(struct orc_zone *z, const unsigned char *p, const struct counts *c)
{
    const unsigned char *types = p + c->time * 8, *infos = types + c->time;

    for (size_t i = 0; i < c->time + 1; i++) { /* the last round is for what holds before */
        size_t type = i < c->time ? types[i] : 0;
        int64_t offset = type < c->type ? big_endian(infos + 6 * type, 4) : OFFSET_MAX;

        if (offset >= OFFSET_MAX || offset <= -OFFSET_MAX)
            return false;
        if (i == c->time) {
            z->first = (int32_t)offset;
            return true;
        }
        orc_vec_push(&z->changes, big_endian(p + 8 * i, 8));
        orc_vec_push(&z->offsets, (int32_t)offset);
        if (i && z->changes.at[i] <= z->changes.at[i - 1])
            return false;
    }
    return true;
}

static bool read_footer(struct orc_zone *z, const unsigned char *p, size_t n)
{
    char rule[256];

    if (n < 2 || n > sizeof rule || p[0] != '\n' || p[n - 1] != '\n')
        return false;
    memcpy(rule, p + 1, n - 2);
    rule[n - 2] = '\0';
    z->has_rule = rule[0] != '\0';
    return !z->has_rule || parse_rule(rule, &z->rule);
}

static bool parse(struct orc_zone *z, const unsigned char *p, size_t n)
{
    struct counts c;
    size_t skip;

    if (!read_header(p, n, &c) || p[4] < '2') /* the first block has times of 32 bits */
        return false;
    skip = HEADER + block_size(&c, 4);
    if (skip > n || !read_header(p + skip, n - skip, &c))
        return false;
    p += skip + HEADER;
    n -= skip + HEADER;
    return block_size(&c, 8) <= n && read_block(z, p, &c) &&
           read_footer(z, p + block_size(&c, 8), n - block_size(&c, 8));
}

int orc_zone_check_name(const char *name, struct orc_err *err)
{
    size_t n = strlen(name), part = 0;

    for (size_t i = 0; i < n; i++) {
        bool good = isalnum((unsigned char)name[i]) || strchr("+_-", name[i]);

        if (name[i] == '/' ? !part : !good)
            n = 0;
        part = name[i] == '/' ? 0 : part + 1;
    }
    if (!n || n > ORC_ZONE_NAME_MAX || !part)
        return orc_fail(err, -EINVAL,
                        "\"%.70s\" is no name of a time zone such as \"Europe/Oslo\" or \"UTC\"", name);
    return 0;
}

struct orc_zone *orc_zone_load(const char *dir, const char *name, struct orc_err *err)
{
    struct orc_zone *z = NULL;
    orc_auto_free char *path = orc_printf("%s/%s", dir, name), *data = NULL;
    size_t n;
    int r;

    if (orc_zone_check_name(name, err) < 0)
        return NULL;
    r = orc_file_read(path, FILE_MAX, &data, &n, err);
    if (r < 0) {
        if (r == -ENOENT)
            orc_fail(err, r, "there is no time zone \"%s\": %s does not exist", name, path);
        return NULL;
    }
    z = orc_new(struct orc_zone);
    if (parse(z, (const unsigned char *)data, n))
        return z;
    orc_fail(err, -EINVAL, "%s is no time zone file (TZif, version 2 or later)", path);
    return orc_zone_free(z);
}

struct orc_zone *orc_zone_free(struct orc_zone *z)
{
    if (!z)
        return NULL;
    orc_vec_release(&z->changes);
    orc_vec_release(&z->offsets);
    free(z);
    return NULL;
}

int32_t orc_zone_offset(const struct orc_zone *z, int64_t utc)
{
    size_t low = 0, high = z->changes.n; /* the first change after utc */

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (z->changes.at[mid] <= utc)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == z->changes.n && z->has_rule)
        return rule_offset(&z->rule, utc);
    return low ? z->offsets.at[low - 1] : z->first;
}

/* ---- several ----------------------------------------------------------------------------------------- */

struct named {
    char *name;
    struct orc_zone *zone; /* NULL: it can't be loaded */
};

struct orc_zones {
    char *dir;
    ORC_VEC(struct named) at;
};

struct orc_zones *orc_zones_new(const char *dir)
{
    struct orc_zones *z = orc_new(struct orc_zones);

    z->dir = orc_strdup(dir);
    return z;
}

struct orc_zones *orc_zones_free(struct orc_zones *z)
{
    if (!z)
        return NULL;
    for (size_t i = 0; i < z->at.n; i++) {
        free(z->at.at[i].name);
        orc_zone_free(z->at.at[i].zone);
    }
    orc_vec_release(&z->at);
    free(z->dir);
    free(z);
    return NULL;
}

static const struct orc_zone *find(struct orc_zones *z, const char *name)
{
    struct named *n;

    orc_vec_each (n, &z->at)
        if (strcmp(n->name, name) == 0)
            return n->zone;
    if (z->at.n == ZONES_MAX)
        return NULL;
    n = orc_vec_add(&z->at);
    n->name = orc_strdup(name);
    n->zone = orc_zone_load(z->dir, name, NULL);
    return n->zone;
}

int orc_zones_offset(struct orc_zones *z, const char *name, int64_t utc, int32_t *ret)
{
    const struct orc_zone *zone = find(z, name);

    if (!zone)
        return -ENOENT;
    *ret = orc_zone_offset(zone, utc);
    return 0;
}

int orc_zones_ask(void *zones, const char *name, int64_t utc, int32_t *ret)
{
    return orc_zones_offset(zones, name, utc, ret);
}
