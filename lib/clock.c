#include "lib/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec ts = {0};

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t orc_clock_ms(void)
{
    return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

int64_t orc_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

const char *orc_format_time(int64_t wall_ms, char buf[ORC_TIME_MAX])
{
    int64_t ms = wall_ms % 1000, whole = wall_ms / 1000;
    struct tm tm = {0};
    time_t s;

    if (ms < 0) {
        ms += 1000;
        whole--;
    }
    /* RFC 3339 has four digits for the year: what lies outside is shown as the last or first second of them.
     */
    if (whole > INT64_C(253402300799))
        whole = INT64_C(253402300799);
    if (whole < INT64_C(-62167219200))
        whole = INT64_C(-62167219200);
    s = (time_t)whole;
    gmtime_r(&s, &tm);
    snprintf(buf, ORC_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000,
             (tm.tm_mon + 1) % 100, tm.tm_mday % 100, tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100,
             (int)ms);
    return buf;
}
