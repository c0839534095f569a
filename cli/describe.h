/* describe.h - everything that etcd knows of one service, task or server: what it is, how it is and since
 * when, what is wrong, and what to do.
 *
 * Pure: reads a struct cluster that holds describe_kinds, returns text and JSON.
 */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include "cli/out.h"
#include "cli/report.h"

#define DESCRIBE_EVENTS 10 /* the last ones */

enum describe_kind { DESCRIBE_SERVICE, DESCRIBE_TASK, DESCRIBE_NODE };

struct describe { /* what is asked about; the strings are borrowed */
    enum describe_kind kind;
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1]; /* also of a task */
    const char *name;                                        /* "shop/orders", "shop.orders.2.17", "k2" */
};

/* "service", "task" or "node", and the name of such: 0 or -EINVAL. */
int describe_parse(const char *kind, const char *name, struct describe *ret, struct orc_err *err);

/* It is there: 0 or -ENOENT with what there is. Sorts c. */
int describe_check(struct cluster *c, const void *what, struct orc_err *err);

void describe_print(const struct out *o, struct cluster *c, const struct describe *d, int64_t wall_ms,
                    FILE *f);
json_t *describe_to_json(struct cluster *c, const struct describe *d, int64_t wall_ms);

#endif
