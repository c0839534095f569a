#include "lib/cron.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define DAY_MINUTES (24 * 60)
#define DAY_SECONDS 86400
#define SEARCH_DAYS (41 * 366) /* a weekday and the 29th of February meet every 28 years, or every 40 */

/* ---- civil dates (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms") ----------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

int64_t orc_days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = floor_div(y, 400), yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void orc_days_to(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *ret_year = yoe + era * 400 + (*ret_month <= 2);
}

/* ---- the syntax -------------------------------------------------------------------------------------- */

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                     "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

struct field {
    const char *name;
    int min, max;
    const char *const *names; /* from min on; NULL: none */
};

static const struct field fields[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, months},
    {"day of the week", 0, 7, weekdays},
};
#define N_FIELDS 5

static const struct {
    const char *name, *text;
} nicknames[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
};

/* A number or a name at *s, which moves on; -1: neither. */
static int read_value(const struct field *f, const char **s)
{
    int n = 0, digits = 0;

    for (; **s >= '0' && **s <= '9' && digits < 3; (*s)++, digits++)
        n = 10 * n + (**s - '0');
    if (digits)
        return digits < 3 && n >= f->min && n <= f->max ? n : -1;
    for (int i = 0; f->names && f->names[i]; i++)
        if (strncasecmp(*s, f->names[i], 3) == 0) {
            *s += 3;
            return f->min + i;
        }
    return -1;
}

/* "7" or "1-5" or "*"; false: none of these. */
static bool read_range(const struct field *f, const char **s, int *ret_from, int *ret_to, bool *ret_range)
{
    *ret_range = true;
    if (**s == '*') {
        (*s)++;
        *ret_from = f->min;
        *ret_to = f->max;
        return true;
    }
    *ret_from = *ret_to = read_value(f, s);
    *ret_range = **s == '-';
    if (*ret_from >= 0 && *ret_range) {
        (*s)++;
        *ret_to = read_value(f, s);
        if (f->names == weekdays && *ret_to == 0 && *ret_from > 0) /* fri-sun */
            *ret_to = 7;
    }
    return *ret_from >= 0 && *ret_to >= *ret_from;
}

/* One element of a list: a range, perhaps with a step. */
static bool read_element(const struct field *f, const char **s, uint64_t *bits)
{
    static const struct field step_field = {"step", 1, 59, NULL};
    int from, to, step = 1;
    bool range;

    if (!read_range(f, s, &from, &to, &range))
        return false;
    if (**s == '/') {
        (*s)++;
        step = read_value(&step_field, s);
        if (step < 0 || !range)
            return false;
    }
    for (int i = from; i <= to; i += step)
        *bits |= UINT64_C(1) << i;
    return true;
}

static int read_field(const struct field *f, const char *text, uint64_t *ret, bool *ret_any,
                      struct orc_err *err)
{
    const char *s = text;

    *ret = 0;
    *ret_any = *text == '*';
    do {
        if (!read_element(f, &s, ret))
            break;
        if (!*s)
            return 0;
    } while (*s++ == ',');
    return orc_fail(
        err, -EINVAL,
        "\"%.40s\" is no %s: it takes numbers in %d..%d%s, lists (1,2), ranges (1-5), * and steps of a "
        "range (*/5)",
        text, f->name, f->min, f->max, f->names ? ", names of three letters" : "");
}

/* Splits in place at blanks; how many words, one more than `most` when there are more. */
static int split(char *text, char **words, int most)
{
    char *rest = text, *word;
    int n = 0;

    while ((word = strsep(&rest, " \t"))) {
        if (!*word)
            continue;
        if (n == most)
            return n + 1;
        words[n++] = word;
    }
    return n;
}

static bool is_ever(const struct orc_cron *c)
{
    return orc_cron_next_civil(c, 0) >= 0;
}

static int parse_fields(char *text, struct orc_cron *ret, struct orc_err *err)
{
    uint64_t bits[N_FIELDS];
    bool any[N_FIELDS];
    char *words[N_FIELDS];
    int n = split(text, words, N_FIELDS);

    if (n != N_FIELDS)
        return orc_fail(
            err, -EINVAL,
            "a schedule has five fields: minute, hour, day of the month, month, day of the week, as in "
            "\"*/5 * * * *\"; or it is one of @hourly, @daily, @weekly, @monthly, @yearly");
    for (int i = 0; i < N_FIELDS; i++)
        if (read_field(&fields[i], words[i], &bits[i], &any[i], err) < 0)
            return -EINVAL;
    *ret = (struct orc_cron){.minutes = bits[0],
                             .hours = (uint32_t)bits[1],
                             .days = (uint32_t)bits[2],
                             .months = (uint16_t)bits[3],
                             .weekdays = (uint8_t)((bits[4] | bits[4] >> 7) & 0x7f), /* 7 is Sunday, too */
                             .any_hour = any[1],
                             .any_day = any[2],
                             .any_weekday = any[4]};
    return 0;
}

int orc_cron_parse(const char *text, struct orc_cron *ret, struct orc_err *err)
{
    char copy[ORC_CRON_TEXT_MAX + 1];
    struct orc_cron c;

    if (strlen(text) > ORC_CRON_TEXT_MAX)
        return orc_fail(err, -EINVAL, "a schedule has at most %d characters", ORC_CRON_TEXT_MAX);
    strcpy(copy, text);
    for (size_t i = 0; i < sizeof nicknames / sizeof *nicknames; i++)
        if (strcmp(text, nicknames[i].name) == 0)
            strcpy(copy, nicknames[i].text);
    if (parse_fields(copy, &c, err) < 0)
        return -EINVAL;
    if (!is_ever(&c))
        return orc_fail(err, -EINVAL, "\"%s\" names a day that no year has", text);
    *ret = c;
    return 0;
}

/* ---- civil time -------------------------------------------------------------------------------------- */

static bool day_matches(const struct orc_cron *c, int64_t days)
{
    int64_t year;
    int month, day;
    bool by_day, by_weekday;

    orc_days_to(days, &year, &month, &day);
    if (!(c->months >> month & 1))
        return false;
    by_day = c->days >> day & 1;
    by_weekday = c->weekdays >> (((days + 4) % 7 + 7) % 7) & 1; /* 1970-01-01 was a Thursday */
    return c->any_day || c->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

static bool minute_matches(const struct orc_cron *c, int of_day)
{
    return (c->hours >> (of_day / 60) & 1) && (c->minutes >> (of_day % 60) & 1);
}

bool orc_cron_matches(const struct orc_cron *c, int64_t minute)
{
    int64_t days = floor_div(minute, DAY_MINUTES);

    return minute_matches(c, (int)(minute - days * DAY_MINUTES)) && day_matches(c, days);
}

int64_t orc_cron_next_civil(const struct orc_cron *c, int64_t minute)
{
    int64_t from = minute + 1, first = floor_div(from, DAY_MINUTES);

    for (int64_t days = first; days < first + SEARCH_DAYS; days++) {
        int of_day = days == first ? (int)(from - first * DAY_MINUTES) : 0;

        if (!day_matches(c, days))
            continue;
        for (; of_day < DAY_MINUTES; of_day++)
            if (minute_matches(c, of_day))
                return days * DAY_MINUTES + of_day;
    }
    return -1;
}

/* ---- with a zone ------------------------------------------------------------------------------------- */

static int64_t offset_at(const struct orc_cron_zone *z, int64_t utc)
{
    return z->offset(z->arg, utc);
}

/* The first moment in (from, to] at which not `before` holds any more; it does at `from`, and not at `to`. */
static int64_t change_in(const struct orc_cron_zone *z, int64_t from, int64_t to, int64_t before)
{
    while (to - from > 1) {
        int64_t mid = from + (to - from) / 2;

        if (offset_at(z, mid) == before)
            from = mid;
        else
            to = mid;
    }
    return to;
}

/* A schedule that goes by the clock that ticks: from one change of the offset to the next. */
static int64_t next_ticking(const struct orc_cron *c, const struct orc_cron_zone *z, int64_t utc)
{
    int64_t after = utc; /* the civil minute of this moment is not asked for any more */

    for (;;) {
        int64_t o = offset_at(z, after), civil = orc_cron_next_civil(c, floor_div(after + o, 60));
        int64_t due = civil * 60 - o, change;

        if (offset_at(z, due) == o)
            return due;
        change = change_in(z, after, due, o);
        o = offset_at(z, change);
        if (orc_cron_matches(c, floor_div(change + o, 60)))
            return change;
        after = change;
    }
}

/* When a civil minute is: the first of two, or the change that skipped it. */
static int64_t moment_of(const struct orc_cron_zone *z, int64_t civil)
{
    int64_t before = offset_at(z, civil * 60 - DAY_SECONDS), after = offset_at(z, civil * 60 + DAY_SECONDS);
    int64_t a = civil * 60 - before, b = civil * 60 - after;

    if (offset_at(z, a) == before)
        return a;
    if (offset_at(z, b) == after)
        return b;
    return change_in(z, b, a, before);
}

static int64_t next_named(const struct orc_cron *c, const struct orc_cron_zone *z, int64_t utc)
{
    int64_t civil = floor_div(utc + offset_at(z, utc), 60), due; /* what is due later is named later */

    do {
        civil = orc_cron_next_civil(c, civil);
        due = moment_of(z, civil);
    } while (due <= utc);
    return due;
}

int64_t orc_cron_next(const struct orc_cron *c, const struct orc_cron_zone *z, int64_t utc)
{
    return c->any_hour ? next_ticking(c, z, utc) : next_named(c, z, utc);
}
