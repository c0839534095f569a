/* log.h - one line per event, on stderr, as text or JSON. Only the edges of a process log; libraries return
 * errors.
 *
 * Text: "2026-01-31T12:00:00.000Z info nodelet: message key=value". JSON: one object per line with ts, level,
 * process, msg and the pairs. Control characters are escaped in both, so one event is always one line.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include "lib/err.h"

#include <stdbool.h>
#include <stdint.h>

enum orc_log_level { ORC_LOG_ERROR, ORC_LOG_WARN, ORC_LOG_INFO, ORC_LOG_DEBUG };

void orc_log_init(const char *process, enum orc_log_level level, bool json);
int orc_log_level_from_name(const char *name, enum orc_log_level *ret); /* 0 or -EINVAL */

/* Whether lines of a level are written: before making expensive ones. */
bool orc_log_writes(enum orc_log_level level);
void orc_log(enum orc_log_level level, const char *fmt, ...) ORC_PRINTF(2, 3);
#define orc_error(...) orc_log(ORC_LOG_ERROR, __VA_ARGS__)
#define orc_warn(...) orc_log(ORC_LOG_WARN, __VA_ARGS__)
#define orc_info(...) orc_log(ORC_LOG_INFO, __VA_ARGS__)
#define orc_debug(...) orc_log(ORC_LOG_DEBUG, __VA_ARGS__)

/* A condition that is said when it begins, when its text changes, and when it ends, not in between: a daemon
 * that retries for an hour writes two lines. Embed one per condition, zero-initialised. */
struct orc_log_once {
    uint64_t hash;  /* of the text last said; 0: not in force */
    uint64_t since; /* orc_clock_ms() when it began */
    uint64_t repeats;
};
void orc_log_begin(struct orc_log_once *once, enum orc_log_level level, const char *fmt, ...)
    ORC_PRINTF(3, 4);
/* Says the text with " (after 12s, 7 tries)" when the condition was in force; otherwise nothing. */
void orc_log_end(struct orc_log_once *once, const char *fmt, ...) ORC_PRINTF(2, 3);

#endif
