/* cron.h - when a schedule of five fields is due: "minute hour day-of-month month day-of-week".
 *
 * The syntax is crontab(5)'s (Vixie cron, as in Debian): numbers, names of months and days, lists, ranges,
 * steps,
 * `*`; Sunday is 0 and 7; @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually. Where both day
 * fields are restricted (neither begins with `*`) a day that either names is one. Pure arithmetic on civil
 * times: which offset from UTC holds when is asked of the caller.
 *
 * Daylight saving, as crontab(5) has it too: a schedule whose hour field begins with `*` goes by the clock
 * that ticks, so that none of its runs is an hour late. Any other is due once for each time it names: one
 * that is skipped is due at the moment of the change, and of a doubled one the first.
 */
#ifndef LIB_CRON_H
#define LIB_CRON_H

#include "lib/err.h"

#include <stdbool.h>
#include <stdint.h>

#define ORC_CRON_TEXT_MAX 200 /* bytes */

struct orc_cron { /* bits; days and months from 1, weekdays from Sunday 0 */
    uint64_t minutes;
    uint32_t hours, days;
    uint16_t months;
    uint8_t weekdays;
    bool any_hour, any_day, any_weekday; /* the field begins with `*` */
};

/* 0, or -EINVAL with a sentence that quotes the field, and *ret is untouched. A schedule that no day matches,
 * such as the 30th of February, is refused. */
int orc_cron_parse(const char *text, struct orc_cron *ret, struct orc_err *err);

/* Whether a civil minute is one of the schedule's, in minutes since 1970-01-01 00:00 on the same clock. */
bool orc_cron_matches(const struct orc_cron *c, int64_t minute);
/* The first such minute after `minute`. */
int64_t orc_cron_next_civil(const struct orc_cron *c, int64_t minute);

struct orc_cron_zone {
    int32_t (*offset)(void *arg, int64_t utc); /* seconds east of UTC at that moment (s since 1970) */
    void *arg;
};
/* The first moment after `utc` at which the schedule is due; s since 1970. */
int64_t orc_cron_next(const struct orc_cron *c, const struct orc_cron_zone *z, int64_t utc);

/* Days since 1970-01-01 of a civil date, and back. */
int64_t orc_days_of(int64_t year, int month, int day);
void orc_days_to(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);

#endif
