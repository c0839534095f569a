/* why.h - the answer of `orc why`, as text and as JSON; and the part of it that `orc status -o json` shows.
 *
 * Pure: knows the explanation (scheduler/explain.h) and tables, not where the cluster comes from.
 */
#ifndef CLI_WHY_H
#define CLI_WHY_H

#include "cli/cluster.h"
#include "cli/out.h"
#include "scheduler/explain.h"
#include "scheduler/survive.h"

struct why {
    const char *app, *service; /* borrowed */
    struct explain explain;
    char *task, *node; /* the task that was asked about; NULL: a service was */
    const char *state, *health;
    char *said;           /* what its node says of one that is not healthy, or NULL */
    char *probe;          /* what the last one said of a task that is not healthy, or NULL */
    char *made, *stopped; /* why it was made; why it goes, or NULL */
    const char *rollout;  /* its state, when it needs people; else NULL */
    char *failed;         /* why it does; may be NULL */
    bool back;            /* a revision was complete: there is one to go back to */
};

/* The service's first replica that shall run and is not healthy, or NULL. */
const struct cluster_entry *why_unwell(const struct cluster *c, const char *app, const char *service);
/* Adds what is known of a task; NULL: nothing. */
void why_task(const struct cluster *c, const struct cluster_entry *task, struct why *w);
/* Adds what keeps the service's rollout from going on, when only people can help it. */
void why_rollout(const struct cluster *c, struct why *w);
void why_release(struct why *w);

void why_print(const struct out *o, const struct why *w, int64_t wall_ms, FILE *f);
json_t *why_to_json(const struct why *w);

/* {"ok": true, "nodes": 3, "tried": [{"node": "k2", "moved": 4, "left": 1, "tied": 0, "services": [{"name":
 * "shop/web", "left": 1, "why": "..."}]}], "text": "..."} */
json_t *survive_to_json(const struct survive *v);

/* [{"node": "k2", "fits": false, "refused": [{"filter": "memory", "needed": .., "available": .., "short": ..,
 * "text": ".."}]}, ...] */
json_t *why_nodes_to_json(const struct explain *e);

#endif
