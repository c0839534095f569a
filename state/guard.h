/* guard.h - is this still the store we knew?
 *
 * Kept in a small file of the daemon: etcd's cluster id, orc's cluster id (from `config`), the highest
 * revision seen, and the stamp of the last `orc recover`. If etcd answers with another cluster id, another
 * orc cluster id, no `config` where there was one, or a revision below the last one seen, the daemon freezes:
 * it keeps what runs, changes nothing, and says so. `orc recover` writes config.recovered, a stamp later than
 * the one in the file: then the new identity is taken. Pure apart from load/save. Design: "What absence
 * means".
 */
#ifndef STATE_GUARD_H
#define STATE_GUARD_H

#include "lib/err.h"

#include <stdbool.h>
#include <stdint.h>

struct guard {
    uint64_t etcd_cluster_id; /* 0: never seen */
    char orc_cluster_id[65];  /* "": never seen */
    int64_t revision;
    int64_t recovered; /* config.recovered as last accepted */
    bool frozen;
    char reason[256]; /* a sentence while frozen */
};

/* A missing file is a fresh guard. A corrupt one is reported, renamed to PATH.corrupt, and a fresh guard
 * results: positive GUARD_CORRUPT with the sentence in err. */
#define GUARD_CORRUPT 1
int guard_load(struct guard *g, const char *path, struct orc_err *err);
/* What guard_load() reads; freed by the caller. To be written (file_later.h) when the view is live, at most
 * every few seconds, and at the end. */
char *guard_text(const struct guard *g);

/* Judges the header of a linearizable answer before its content is used. `asked_at`: guard.revision when the
 * request was sent; an answer below it is an older store's, while one below what was learnt since only
 * overtook another. Returns false (frozen, with reason) or true. Never ends a freeze: only guard_config()
 * does, which sees the whole identity. */
bool guard_header(struct guard *g, uint64_t etcd_cluster_id, int64_t revision, int64_t asked_at);
/* The same for a header that may come from a lagging member (watch streams, keep-alives): a low revision is
 * no reason. */
bool guard_stream(struct guard *g, uint64_t etcd_cluster_id, int64_t revision);
/* Judges the cluster's config as read with that header; `id` NULL: there is no config key (which is well as
 * long as there never was one). Ends a freeze when the known store is back, or when `recovered` is later than
 * the stamp known: then the new identity is taken, and GUARD_NEW_STORE says that nothing read from the old
 * one may be believed. A later stamp says so also where nothing else does: a store that was restored while we
 * were away, and has passed the revision that we had seen, looks like ours. */
enum guard_verdict { GUARD_FROZEN, GUARD_SAME_STORE, GUARD_NEW_STORE };
enum guard_verdict guard_config(struct guard *g, const char *id, int64_t recovered, uint64_t etcd_cluster_id,
                                int64_t revision, int64_t asked_at);

#endif
