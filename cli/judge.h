/* judge.h - has what was asked for been reached, and in what words is it said?
 *
 * Pure: reads a struct cluster and its report, returns verdicts and sentences; no I/O, no clock, no terminal.
 */
#ifndef CLI_JUDGE_H
#define CLI_JUDGE_H

#include "cli/report.h"

enum wait_goal {
    WAIT_COMPLETE,
    WAIT_GONE,   /* nothing is left of it */
    WAIT_SCALED, /* as many replicas as wanted serve, of whatever revision */
    WAIT_PAUSED, /* the rollout stands */
    WAIT_BACK    /* it has gone back */
};

struct wait_target {
    char *app, *service;
    int64_t generation; /* of the app: the rollout must have taken in this one or a later; 0: any */
    int64_t epoch;      /* restart epoch likewise; 0: any */
    enum wait_goal goal;
    int64_t order;     /* what people want of the rollout (its epoch) likewise; 0: any */
    int64_t rebalance; /* rebalance epoch likewise, and all that it moves has moved; 0: any */
};
struct wait_targets {
    struct wait_target *at;
    size_t n, cap;
};
/* A target; the pointer is valid until the next. */
struct wait_target *wait_add(struct wait_targets *t, const char *app, const char *service,
                             enum wait_goal goal);
void wait_targets_release(struct wait_targets *t);

enum outcome {
    OUTCOME_ASKED, /* no scheduler has taken it in yet: what the records say is from before */
    OUTCOME_GOING_ON,
    OUTCOME_COMPLETE,
    OUTCOME_REMOVED,
    OUTCOME_CANARY, /* so many replicas as x-orc.canary says are updated: people must say how it goes on */
    OUTCOME_STANDS, /* paused, as was asked */
    OUTCOME_BACK,   /* rolled back, as was asked */
    OUTCOME_PAUSED,
    OUTCOME_ROLLED_BACK,
    OUTCOME_FAILED,
    OUTCOME_TOO_LATE,  /* complete before it could be paused or aborted */
    OUTCOME_CUT_SHORT, /* not all that was to be moved could be */
    OUTCOME_DROPPED    /* somebody else removed it */
};
const char *outcome_name(enum outcome o); /* "asked", "going-on", "complete", "rolled-back" ... */
bool outcome_is_end(enum outcome o);      /* neither asked nor going on */
bool outcome_is_good(enum outcome o);     /* ended as was asked */
bool outcome_is_bad(enum outcome o);      /* ended, but not where it was to go */

enum outcome judge(const struct cluster *c, const struct wait_target *t);

/* The target's service in a report, or NULL. */
const struct report_service *judge_service(const struct report *r, const struct wait_target *t);

/* One line for people: "shop/orders: updating, 2 of 3 healthy: replica 2 waits: ...". `s` may be NULL. Freed
 * by the caller. */
char *judge_line(const struct report_service *s, const struct wait_target *t, enum outcome o);

/* What went wrong with a target and what to do about it, a whole sentence; freed by the caller. */
char *judge_failure(const struct report_service *s, const struct wait_target *t, enum outcome o);

/* For scripts: name, outcome, and what the report has of it. */
json_t *judge_to_json(const struct report_service *s, const struct wait_target *t, enum outcome o);

#endif
