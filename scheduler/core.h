/* core.h - the brain: fed with what the store says, asked what to do about it.
 *
 * Pure: no I/O, no clock, no random numbers, no logging. The caller feeds every change of the keys named by
 * core_wants(), in any order, and calls core_step() when a batch is complete or core_next() has come. What a
 * step decides changes nothing here: it comes back through the feed once it has been committed. Everything is
 * level-triggered: a plan that was not committed is decided again after core_retry().
 *
 * What can't be read is "unreadable": known to be there, and nothing is concluded from it. Durations are
 * measured from when this core first saw something; a new leader's begin with core_lead().
 */
#ifndef SCHEDULER_CORE_H
#define SCHEDULER_CORE_H

#include "scheduler/plan.h"
#include "state/record.h"

struct core;

struct core *core_new(void);
struct core *core_free(struct core *c); /* NULL allowed; returns NULL */

/* Where schedules ask for time zones: the offset from UTC, in seconds east, of a zone by its IANA name at a
 * moment (s since 1970). 0, or negative: there is no such zone. `offset` NULL: only UTC is known. */
struct core_zones {
    int (*offset)(void *arg, const char *zone, int64_t utc, int32_t *ret);
    void *arg;
};
void core_set_zones(struct core *c, struct core_zones zones);
/* From now on no schedule begins a run: for those who ask what else will happen (forecast.h). */
void core_hold_schedules(struct core *c);

/* Whether a kind of key is to be fed; all others are ignored. */
bool core_wants(enum key_kind kind);

/* A key was put. `record`: the struct record_X of key->kind, which may be moved out of, and which the caller
 * still releases; NULL: unreadable. */
void core_feed_put(struct core *c, const struct key *key, void *record, int64_t create_revision,
                   int64_t mod_revision);
void core_feed_delete(struct core *c, const struct key *key);

/* The same from a value as it stands in the store. 0, or -EINVAL with a sentence: it was fed as unreadable.
 */
int core_feed_value(struct core *c, const struct key *key, const char *value, size_t n,
                    int64_t create_revision, int64_t mod_revision, struct orc_err *err);

/* Leading begins: what was fed is taken as it is, timers of lost nodes, monitors and holds start anew with
 * the next step, and everything is looked at again. */
void core_lead(struct core *c);

/* Decides. now_ms: monotonic, above 0, never going back; wall_ms: for what people read. *ret must be empty
 * and is released by the caller. A step after which nothing was fed is empty, until core_next(). A plan may
 * leave something for the next step, as when more is asked for than fits one. */
void core_step(struct core *c, uint64_t now_ms, int64_t wall_ms, struct plan *ret);

/* When the next step is due without a change, on the clock of now_ms; 0: never. */
uint64_t core_next(const struct core *c);

/* A transaction was refused or its fate is unknown: decide anew about whom it concerned; NULL: about all. */
void core_retry(struct core *c, const struct plan_txn *txn);

#endif
