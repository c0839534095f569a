/* clock.h - the two clocks. Durations are measured on the monotonic one; wall time is for display only. */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>

uint64_t orc_clock_ms(void); /* CLOCK_MONOTONIC, milliseconds */
int64_t orc_wall_ms(void);   /* milliseconds since 1970-01-01 UTC */
#define ORC_TIME_MAX 32
/* RFC 3339 in UTC with milliseconds: "2026-01-31T12:00:00.000Z"; `buf` is returned. */
const char *orc_format_time(int64_t wall_ms, char buf[ORC_TIME_MAX]);

#endif
