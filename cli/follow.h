/* follow.h - a command that stays: the cluster's records as they change, until an end, a time-out or Ctrl-C.
 *
 * Runs the session's loop. It must not know what the records mean.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/session.h"

enum follow_end { FOLLOW_ENDED, FOLLOW_TIMED_OUT, FOLLOW_INTERRUPTED };

struct follow_opts {
    const enum key_kind *kinds; /* the ranges to follow, ended by KEY_UNKNOWN */
    uint64_t timeout_ms;        /* 0: none */
    uint64_t tick_ms;           /* on_change also without a change, so often; 0: no */
    /* After each change that came (at most ten times a second), first with the snapshot. True ends. May be
     * NULL. */
    bool (*on_change)(struct cluster *c, void *arg);
    /* Each record put, first those of the snapshot; also unreadable ones (e->problem). May be NULL. */
    void (*on_put)(const struct cluster_entry *e, void *arg);
    /* etcd can't be reached, or answers again: a whole sentence. NULL: said on stderr. */
    void (*on_trouble)(const char *sentence, void *arg);
    bool shows; /* ends, too, when nobody reads stdout any more: `orc status --watch | head` */
    void *arg;
};

enum follow_end follow_run(struct session *s, const struct follow_opts *opts);

#endif
