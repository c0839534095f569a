/* probe.h - when to probe one container, and what its answers mean.
 *
 * Pure: it is told of starts and results and gives times (monotonic milliseconds) and verdicts. It must not
 * know how a probe is made (prober.h) nor what follows from a verdict (task.h).
 *
 * Rules (behaviours 61, 62, 66). The first probe is due at once after the start. Until the first success the
 * probes come quickly: PROBE_QUICK_MS apart, doubling up to the interval, or start_interval if the spec has
 * one; quick probes only find a success sooner, so of them a failure counts only on the schedule that a
 * patient prober would keep: one interval after the start, not inside of start_period, and then one interval
 * apart. After the first success every probe counts. `retries` counted failures in a row make it unhealthy;
 * one success makes it healthy. A probe without an answer at its time-out failed. A probe that could not be
 * made says nothing and is made again.
 */
#ifndef NODELET_PROBE_H
#define NODELET_PROBE_H

#include "specs/spec.h"
#include "state/record.h"

#define PROBE_QUICK_MS 50
#define PROBE_RETRY_MS 1000 /* after a probe that could not be made, or the interval when that is shorter */
#define PROBE_NEVER UINT64_MAX

enum probe_result {
    PROBE_OK,
    PROBE_FAILED,
    PROBE_NOT_MADE, /* the engine is down, no file descriptor ...: nothing was learnt of the container */
};

struct probe {
    bool on; /* the container runs, and has a check */
    uint64_t interval, timeout, start_period, start_interval;
    int retries;
    enum task_health health;
    bool succeeded; /* since this start */
    int failures;   /* counted, in a row */
    uint64_t started, count_from, due;
    uint64_t quick; /* the next quick delay */
    uint64_t begun; /* of the probe in flight */
    bool in_flight;
};

/* The container started at `now`. Without a check it is healthy. `spec` is not kept. */
void probe_start(struct probe *p, const struct spec_health *spec, uint64_t now);
/* The container was found running by a nodelet that wasn't there when it started, with this health. */
void probe_adopt(struct probe *p, const struct spec_health *spec, enum task_health health, uint64_t now);
void probe_stop(struct probe *p); /* it doesn't run: health unknown, nothing is due */

/* When the next probe shall begin; PROBE_NEVER while one is in flight or none is wanted. */
uint64_t probe_due(const struct probe *p);
/* When the probe in flight has failed for want of an answer; PROBE_NEVER without one. */
uint64_t probe_deadline(const struct probe *p);

void probe_begin(struct probe *p, uint64_t now);
/* What a container is by both checks. `apart`: only `live` says that it is unhealthy, so that it is restarted
 * (never, while it is off); of `ready` the same means that it gets no requests. */
enum task_health probe_health(const struct probe *ready, const struct probe *live, bool apart);
/* The one in flight ended. Returns true when the health changed. */
bool probe_end(struct probe *p, enum probe_result result, uint64_t now);

#endif
