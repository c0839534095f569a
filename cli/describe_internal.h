/* describe_internal.h - what the text and the document of `orc describe` have in common: the thing that is
 * asked about, found in the records. */
#ifndef CLI_DESCRIBE_INTERNAL_H
#define CLI_DESCRIBE_INTERNAL_H

#include "cli/describe.h"

struct described {
    const struct describe *asked;
    struct cluster *c;
    int64_t wall_ms;
    struct report report;
    const struct report_service *service;   /* of a service or task */
    const struct report_task *task;         /* of a task */
    const struct report_node *node;         /* of a node */
    const struct record_revision *revision; /* of the service or the task; NULL: none, or unreadable */
    const struct record_node *record;       /* of the node; NULL likewise */
    const struct record_node_policy *policy;
    struct orc_strv advice;
    ORC_VEC(const struct record_event *) events; /* oldest first */
};

/* Everything borrowed is c's or the report's. */
void describe_find(struct cluster *c, const struct describe *d, int64_t wall_ms, struct described *ret);
void describe_release(struct described *x);

/* Whether an endpoint is of what is asked about. */
bool describe_has_endpoint(const struct described *x, const struct cluster_entry *e);

#endif
