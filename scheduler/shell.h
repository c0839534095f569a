/* shell.h - the process around the core: view, election, commits, events, timers. It decides nothing.
 *
 * A follower keeps a warm view and does nothing else. The leader steps when the view has delivered a batch or
 * the core asked to be woken, commits the plan, and steps again only when the view has reached the commit. A
 * store that is away or not the one we knew: nothing is decided, what was known is kept, and it is said once.
 */
#ifndef SCHEDULER_SHELL_H
#define SCHEDULER_SHELL_H

#include "lib/http.h"
#include "lib/mem.h"
#include "lib/metrics.h"

#include <uv.h>

struct shell;

struct shell_opts {
    const struct orc_strv *etcd; /* endpoints */
    struct orc_http_tls tls;
    const char *cluster;
    const char *id, *host; /* of this process, for `leader` and events */
    const char *guard;     /* file that remembers the store, or NULL: not beyond this process's life */
    const char *record;    /* file for a recording of all inputs (recorder.h), or NULL */
    uint64_t record_most;  /* bytes of it */
};

/* Everything in opts is copied or used only here. NULL and a sentence on failure. */
struct shell *shell_new(uv_loop_t *loop, const struct shell_opts *opts, struct orc_err *err);
/* What this process and, while it leads, the cluster look like. NULL s: nothing yet. */
void shell_metrics(const struct shell *s, struct orc_metrics_text *t);
/* Steps down if it leads; then done(arg). */
void shell_stop(struct shell *s, void (*done)(void *arg), void *arg);
struct shell *
shell_free(struct shell *s); /* returns NULL; the loop must then run once more to close handles */

#endif
