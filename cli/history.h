/* history.h - the revisions of a service that are kept: what each was, and what became of it.
 *
 * Pure: reads a struct cluster, returns a list and its JSON.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "cli/cluster.h"

enum history_state {
    HISTORY_OLD,         /* was asked for once */
    HISTORY_RUNNING,     /* the last one that was complete: requests are routed by it */
    HISTORY_COMING,      /* the rollout goes to it */
    HISTORY_ROLLED_BACK, /* the app asks for it, and the rollout has gone back from it */
    HISTORY_UNREADABLE
};
const char *history_state_name(enum history_state s); /* "old", "running", "coming" ... */

struct history_revision {
    int64_t n;
    enum history_state state;
    int replicas;      /* that run of it now */
    const char *image; /* the strings are borrowed from the cluster; NULL: unreadable */
    const char *by;
    int64_t at; /* wall ms */
};

struct history {
    char *name;          /* "shop/orders" */
    const char *rollout; /* the rollout's state's name; "waiting" */
    struct {
        struct history_revision *at; /* the newest first */
        size_t n, cap;
    } revisions;
};

/* Valid as long as c is as it is. */
void history_build(struct cluster *c, const char *app, const char *service, struct history *ret);
void history_release(struct history *h);
json_t *history_to_json(const struct history *h);

#endif
