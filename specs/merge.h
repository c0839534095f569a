/* merge.h - two trees of a Compose file made one: a file over another, a service over the one that it
 * extends.
 *
 * Compose's rules (https://docs.docker.com/reference/compose-file/merge/): mappings merge key by key, scalars
 * replace, lists append; commands replace; what is written as a list or as a mapping merges either way;
 * elements of some lists have a key of their own and replace one another by it; !reset takes away what is
 * below, !override puts itself in its place. Works on nodes that know where they are written, so that
 * complaints later on point into the right file. Pure; knows no file and no service that has been read.
 */
#ifndef SPECS_MERGE_H
#define SPECS_MERGE_H

#include "specs/doc.h"

#define SPEC_MERGED_MAX 1000000 /* entries that all merging of one load may make */

struct spec_merge {
    struct spec_doc *pool; /* owns what is made; what it is made of must live as long */
    struct spec_problems *problems;
    size_t made; /* entries so far; beyond SPEC_MERGED_MAX nothing is merged any more, which was said */
};

/* Neither side is changed; parts of the result are shared with both. */
struct spec_node *spec_merge_files(struct spec_merge *m, struct spec_node *base, struct spec_node *over);
struct spec_node *spec_merge_services(struct spec_merge *m, struct spec_node *base, struct spec_node *over);

/* The entries of both mappings. What has the same name in both must be the same (*budget: as in doc.h); else
 * that is said of `what` ("service"), and the one of `base` stays. */
struct spec_node *spec_merge_beside(struct spec_merge *m, struct spec_node *base, struct spec_node *over,
                                    const char *what, size_t *budget);

/* A list of "NAME=value" as a mapping, a NAME alone with nothing behind it (what is twice stays so); anything
 * but a list is returned as it is. NULL (said): there is something else in it. */
struct spec_node *spec_merge_pairs(struct spec_merge *m, struct spec_node *n);

/* A mapping like n without one key, or n itself when the key isn't there. */
struct spec_node *spec_merge_without(struct spec_merge *m, struct spec_node *n, const char *key);
/* A mapping like n with a key's value replaced, or the key added at the end. */
struct spec_node *spec_merge_with(struct spec_merge *m, struct spec_node *n, const struct spec_node *key,
                                  struct spec_node *value);

#define SPEC_MARK_SETTLED 1
/* Drops what is still marked with !reset, everywhere below n, in place. */
void spec_merge_settle(struct spec_node *n);

#endif
