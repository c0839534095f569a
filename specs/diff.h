/* diff.h - what is different between two specs of a service, in the words of the file, and what it means.
 *
 * Pure. The order of maps and of lists that are sets, and equal spellings, are no difference, as specs are
 * normal (spec.h). It must not know how it is printed, nor which of the two runs.
 */
#ifndef SPECS_DIFF_H
#define SPECS_DIFF_H

#include "specs/spec.h"

enum spec_effect {
    SPEC_IN_PLACE, /* no container is touched: numbers, where new ones go, how updates go */
    SPEC_REPLACES  /* each container is replaced by a new one, within the update policy */
};

struct spec_change {
    char *path;           /* "deploy.resources.limits.memory", "environment.LOG_LEVEL", "ports" */
    char *before, *after; /* for people: "64M", "[\"serve\"]"; NULL: not there */
    enum spec_effect effect;
};

struct spec_changes {
    struct spec_change *at; /* in the file's usual order of keys */
    size_t n, cap;
};

/* Appends what changes from one to the other; `before` NULL: the service is new, and all of it is a change.
 * A sidecar's path begins with its name: "sidecar proxy: image". */
void spec_diff(const struct spec_service *before, const struct spec_service *after, struct spec_changes *ret);
void spec_changes_release(struct spec_changes *c);

/* "in place", "replaces containers" */
const char *spec_effect_name(enum spec_effect e);

#endif
