/* preview.h - what a change would lead to: the cluster as loaded, changed as asked, through the scheduler's
 * own code (scheduler/forecast.h).
 *
 * Pure: reads and uses up a struct cluster; writes nothing, knows no terminal.
 */
#ifndef CLI_PREVIEW_H
#define CLI_PREVIEW_H

#include "cli/delta.h"
#include "scheduler/forecast.h"
#include "scheduler/headroom.h"
#include "scheduler/survive.h"

struct preview_intent { /* what people would want of a service */
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct record_intent intent;
};
struct preview_intents {
    struct preview_intent *at;
    size_t n, cap;
};

struct preview_change { /* any of these may be missing; lists are of names of nodes, borrowed */
    const char *app;
    struct delta *delta; /* what applying a file changes; its `next` gets its generation */
    const struct orc_strv *without, *cordon, *drain;
    const struct preview_intents *intents;
    struct survive
        *survive; /* filled with what any further loss of a node would leave out; NULL: not asked */
    struct headroom *headroom; /* filled with what is left in the end; NULL: not asked */
    struct core_zones zones;
};

/* The ranges that c must hold, ended by KEY_UNKNOWN. */
extern const enum key_kind preview_kinds[];

/* 0, or -ENOENT: a node is not there. Uses c up, which is only to be released then: so much memory is not
 * needed twice. *ret is released by the caller. */
int preview_run(struct cluster *c, const struct preview_change *change, int64_t wall_ms,
                struct forecast_result *ret, struct orc_err *err);

/* The same as a document: operations, moves, services (docs/status-json.md). */
json_t *preview_to_json(const struct forecast_result *r);

/* "1 replica waits: 0 of 2 nodes fit: ...", "paused: ..."; why a service is not as asked for. Freed by the
 * caller. */
char *preview_why(const struct forecast_service *s);

/* What an operation does, where people read it: those on tasks. */
bool preview_shows(const struct plan_op *op);
const char *preview_verb(const struct plan_op *op);   /* "create", "remove" */
const char *preview_reason(const struct plan_op *op); /* why */

#endif
