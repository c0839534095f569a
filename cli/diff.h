/* diff.h - what a file changes, service by service and key by key, for people and as JSON.
 *
 * delta.h says which services change, spec_diff() which of their keys; this puts both together. It writes
 * nothing to the store.
 */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include "cli/delta.h"
#include "cli/out.h"
#include "specs/diff.h"

struct diff {
    const struct delta *delta; /* borrowed */
    const char *app;           /* borrowed */
    struct {
        struct spec_changes *at; /* by the delta's steps */
        size_t n, cap;
    } steps;
};

/* The cluster as it is; it may change afterwards. */
void diff_build(const struct cluster *c, const char *app, const struct delta *d, struct diff *ret);
void diff_release(struct diff *d);

/* A line for each service that changes, and below it a table of its keys. A new service is a line only: all
 * of it is new. Of long values there is the part that differs. */
void diff_print(const struct out *o, const struct diff *d);

/* [{"name", "change", "revision", "fields": [{"path", "before", "after", "effect"}]}], all services of the
 * file and those that are left. The caller's reference. */
json_t *diff_to_json(const struct diff *d);

#endif
