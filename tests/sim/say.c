/* say.c - stands in for the log and for the events in the store: both become lines of the trace, which is
 * written only when one seed is replayed. */
#include "tests/sim/world.h"

#include "lib/log.h"
#include "state/event.h"

#include <stdio.h>

char sim_broken_text[1024], sim_broken_name[64];

static void line(const char *mark, const char *fmt, va_list ap)
{
    printf("%7llu.%03llu %-12s %s", (unsigned long long)world.now / 1000,
           (unsigned long long)world.now % 1000, world.current ? world.current->name : "-", mark);
    vprintf(fmt, ap);
    printf("\n");
}

void sim_say(const char *fmt, ...)
{
    va_list ap;

    if (!world.trace)
        return;
    va_start(ap, fmt);
    line("", fmt, ap);
    va_end(ap);
}

void sim_broken(const char *invariant, const char *fmt, ...)
{
    va_list ap;

    snprintf(sim_broken_name, sizeof sim_broken_name, "%s", invariant);
    va_start(ap, fmt);
    vsnprintf(sim_broken_text, sizeof sim_broken_text, fmt, ap);
    va_end(ap);
    sim_say("BROKEN %s: %s", sim_broken_name, sim_broken_text);
    longjmp(world.broken, 1);
}

/* ---- lib/log.h */

void orc_log_init(const char *process, enum orc_log_level level, bool json)
{
}

int orc_log_level_from_name(const char *name, enum orc_log_level *ret)
{
    return -EINVAL;
}

bool orc_log_writes(enum orc_log_level level)
{
    return world.trace;
}

void orc_log(enum orc_log_level level, const char *fmt, ...)
{
    va_list ap;

    if (!world.trace || (world.current && world.current->dying))
        return;
    va_start(ap, fmt);
    line(level == ORC_LOG_ERROR ? "error: " : level == ORC_LOG_WARN ? "warning: " : "", fmt, ap);
    va_end(ap);
}

/* As lib/log.c, without its words: whether a condition is in force is asked for by its hash. */
void orc_log_begin(struct orc_log_once *once, enum orc_log_level level, const char *fmt, ...)
{
    va_list ap;

    if (world.trace && !once->hash) {
        va_start(ap, fmt);
        line("begins: ", fmt, ap);
        va_end(ap);
    }
    once->hash = 1;
}

void orc_log_end(struct orc_log_once *once, const char *fmt, ...)
{
    va_list ap;

    if (world.trace && once->hash) {
        va_start(ap, fmt);
        line("ends: ", fmt, ap);
        va_end(ap);
    }
    once->hash = 0;
}

/* ---- state/event.h: what people are told is logged, too */

struct event_log {
    int nothing;
};

struct event_log *event_log_new(struct etcd *e, const char *cluster, const char *by)
{
    return orc_new(struct event_log);
}

struct event_log *event_log_free(struct event_log *l)
{
    free(l);
    return NULL;
}

void event_add(struct event_log *l, const char *type, const char *object, const char *fmt, ...)
{
}
