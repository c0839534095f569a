#include "nodelet/probe.h"

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void configure(struct probe *p, const struct spec_health *spec, uint64_t now)
{
    *p = (struct probe){
        .on = spec->kind != SPEC_HEALTH_NONE,
        .interval = spec->interval_ms ? spec->interval_ms : 1,
        .timeout = spec->timeout_ms ? spec->timeout_ms : 1,
        .start_period = spec->start_period_ms,
        .start_interval = spec->start_interval_ms,
        .retries = spec->retries > 0 ? spec->retries : 1,
        .started = now,
        .due = now,
    };
    p->quick = at_most(p->start_interval ? p->start_interval : PROBE_QUICK_MS, p->interval);
}

void probe_start(struct probe *p, const struct spec_health *spec, uint64_t now)
{
    configure(p, spec, now);
    p->health = p->on ? TASK_UNKNOWN : TASK_HEALTHY;
    p->count_from = now + (p->start_period > p->interval ? p->start_period : p->interval);
}

void probe_adopt(struct probe *p, const struct spec_health *spec, enum task_health health, uint64_t now)
{
    probe_start(p, spec, now);
    if (!p->on || health == TASK_UNKNOWN)
        return;
    p->health = health;
    p->succeeded = true;
    p->failures = health == TASK_UNHEALTHY ? p->retries : 0;
}

void probe_stop(struct probe *p)
{
    *p = (struct probe){.health = TASK_UNKNOWN};
}

uint64_t probe_due(const struct probe *p)
{
    return p->on && !p->in_flight ? p->due : PROBE_NEVER;
}

uint64_t probe_deadline(const struct probe *p)
{
    return p->in_flight ? p->begun + p->timeout : PROBE_NEVER;
}

void probe_begin(struct probe *p, uint64_t now)
{
    p->in_flight = true;
    p->begun = now;
}

static bool to_health(struct probe *p, enum task_health health)
{
    bool changed = p->health != health;

    p->health = health;
    return changed;
}

/* The next probe after a failure of one that never succeeded: soon, and at the latest when failures count. */
static void schedule_quick(struct probe *p, uint64_t now)
{
    p->due = now + p->quick;
    if (!p->start_interval)
        p->quick = at_most(p->quick * 2, p->interval);
    if (p->count_from > now)
        p->due = at_most(p->due, p->count_from);
}

static bool failed(struct probe *p, uint64_t now)
{
    if (!p->succeeded) {
        /* Judged by when it began: what began in the start period is excused. */
        bool counts = p->begun >= p->count_from;

        if (counts) {
            p->failures++;
            p->count_from = p->begun + p->interval;
        }
        schedule_quick(p, now);
    } else {
        p->failures++;
        p->due = p->begun + p->interval > now ? p->begun + p->interval : now;
    }
    if (p->failures < p->retries)
        return false;
    p->failures = p->retries;
    return to_health(p, TASK_UNHEALTHY);
}

bool probe_end(struct probe *p, enum probe_result result, uint64_t now)
{
    if (!p->in_flight)
        return false;
    p->in_flight = false;
    switch (result) {
    case PROBE_OK:
        p->succeeded = true;
        p->failures = 0;
        p->due = p->begun + p->interval > now ? p->begun + p->interval : now;
        return to_health(p, TASK_HEALTHY);
    case PROBE_FAILED:
        return failed(p, now);
    case PROBE_NOT_MADE:
        p->due = now + at_most(PROBE_RETRY_MS, p->interval);
        break;
    }
    return false;
}

enum task_health probe_health(const struct probe *ready, const struct probe *live, bool apart)
{
    if (!apart)
        return ready->health;
    if (live->on && live->health == TASK_UNHEALTHY)
        return TASK_UNHEALTHY;
    return ready->health == TASK_UNHEALTHY ? TASK_UNREADY : ready->health;
}
