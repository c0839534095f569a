/* drain.h - what is left on a server that shall be empty, and what holds it up.
 *
 * Pure: reads a struct cluster and its report, returns counts and sentences; no I/O, no clock, no terminal.
 */
#ifndef CLI_DRAIN_H
#define CLI_DRAIN_H

#include "cli/report.h"

struct drain_service {
    char *name;
    int left, stopping; /* tasks on the node that shall still run; that were told to stop and have not */
    char *why;          /* what the first of them waits for; NULL */
};

struct drain {
    bool wanted;  /* the node's policy still says so */
    bool forced;  /* its deadline is over */
    bool removed; /* by `orc node rm` */
    bool registered, alive;
    const char *state; /* of the node; NULL: it is not there any more */
    int left, stopping;
    struct {
        struct drain_service *at; /* by name */
        size_t n, cap;
    } services;
};

void drain_build(const struct cluster *c, const struct report *r, const char *node, struct drain *ret);
void drain_release(struct drain *d);

/* Everything there is reported stopped. New tasks can't come: whoever makes one compares the policy. */
bool drain_is_done(const struct drain *d);
/* ... and its records are cleared, or will be when its heartbeat ends. */
bool drain_is_removed(const struct drain *d);

/* "k2: 3 tasks to move, 1 stopping; the node is down"; freed by the caller. */
char *drain_head(const struct drain *d, const char *node);
/* The same and what it is of: ": shop/web 3 (why), shop/db 1". */
char *drain_line(const struct drain *d, const char *node);

/* What to do when it does not end, or NULL; freed by the caller. */
char *drain_advice(const struct drain *d, const char *node);

json_t *drain_services_to_json(const struct drain *d);

#endif
