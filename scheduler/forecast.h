/* forecast.h - what the scheduler will do: its own core run forward on a copy of what the store holds.
 *
 * Fed with every key that core_wants(), then with a change: keys as they would be, keys that would be gone.
 * Then the core steps under a virtual clock; each plan counts as committed, and nodes with a heartbeat obey
 * at once: what shall run is healthy (a job has ended well), what shall stop has stopped. So it says what
 * will happen if nothing else changes and nothing fails. What fails already is as it is, until the core
 * replaces it. Schedules begin no run: what is due at its time is nothing that a change leads to.
 *
 * Pure as the core is. It knows what a new leader would know: what the leader of today has observed and never
 * stored (since when a task is available, trouble on a node, back-off) begins anew. That may move times; a
 * place it moves only where trouble has a say.
 */
#ifndef SCHEDULER_FORECAST_H
#define SCHEDULER_FORECAST_H

#include "scheduler/core.h"
#include "scheduler/plan.h"
#include "state/record.h"

/* Further than this is not looked: 24 hours, and so many decisions. */
#define FORECAST_HORIZON_MS (24 * UINT64_C(3600000))
#define FORECAST_STEPS_MAX 200000

struct forecast;

struct forecast *forecast_new(int64_t wall_ms, struct core_zones zones);
struct forecast *forecast_free(struct forecast *f); /* NULL allowed; returns NULL */

/* A key as it is, or as it would be: core_feed_put(). The change comes after everything that is. */
void forecast_put(struct forecast *f, const struct key *key, void *record, int64_t create_revision,
                  int64_t mod_revision);
void forecast_delete(struct forecast *f, const struct key *key);

struct forecast_step {
    uint64_t after_ms; /* from now */
    struct plan plan;  /* as the scheduler commits it; collections alone are left out */
};
struct forecast_move { /* a slot whose task is elsewhere in the end */
    char *service;     /* "shop/orders" */
    int slot;
    char *from, *to; /* nodes; NULL: none */
};
struct forecast_service {
    char *name;
    struct record_rollout rollout; /* in the end: state, counts, what waits and why */
};
struct forecast_result {
    ORC_VEC(struct forecast_step) steps;
    ORC_VEC(struct forecast_move) moves;       /* by service and slot */
    ORC_VEC(struct forecast_service) services; /* by name; what was removed is not there */
    uint64_t took_ms;                          /* until the last step above */
    bool rests;                                /* false: it goes on beyond the horizon */
};

/* Runs once. *ret is released by the caller. */
void forecast_run(struct forecast *f, struct forecast_result *ret);
/* The core as it is in the end, for those who ask it more. */
struct core *forecast_core(struct forecast *f);
void forecast_result_release(struct forecast_result *r);

/* Whether a service is in the end as it was asked for. */
bool forecast_is_fine(const struct forecast_service *s);

#endif
