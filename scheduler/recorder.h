/* recorder.h - the scheduler's inputs as they come, into a file (journal.h), so that what it decided can be
 * decided again.
 *
 * Never makes the loop wait: what the disk has not taken yet waits in memory. The recording ends, with an
 * entry that says so, when it is as large as allowed, when the disk is too slow, or when the scheduler ends.
 * It holds what etcd holds and nothing more; the file is its owner's alone.
 */
#ifndef SCHEDULER_RECORDER_H
#define SCHEDULER_RECORDER_H

#include "scheduler/plan.h"
#include "state/etcd.h"

#include <uv.h>

struct recorder;

/* Begins a recording at `path`, of at most `most` bytes. An older file there is kept as "<path>.old". NULL
 * and a sentence on failure. */
struct recorder *recorder_new(uv_loop_t *loop, const char *path, uint64_t most, const char *cluster,
                              const char *host, int64_t wall_ms, struct orc_err *err);
/* Ends it; what was recorded is still written, before the loop ends. NULL allowed; returns NULL. */
struct recorder *recorder_free(struct recorder *r);

/* What happens, in the order of the core's own calls. r may be NULL: nothing is recorded. */
void recorder_put(struct recorder *r, const struct key *key, const struct etcd_kv *kv);
void recorder_delete(struct recorder *r, const char *key);
void recorder_lead(struct recorder *r);
void recorder_step(struct recorder *r, uint64_t now_ms, int64_t wall_ms, const struct plan *p);
void recorder_fate(struct recorder *r, size_t index, bool committed); /* of the last step's plan */

#endif
