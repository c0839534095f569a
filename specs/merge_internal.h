/* merge_internal.h - the parts of merging, between specs/merge*.c only: merge.c does it by kind,
 * merge_rules.c has the table of what is merged in another way. */
#ifndef SPECS_MERGE_INTERNAL_H
#define SPECS_MERGE_INTERNAL_H

#include "specs/merge.h"

struct merge_rule;
typedef struct spec_node *merge_fn(struct spec_merge *m, const struct merge_rule *rule,
                                   struct spec_node *base, struct spec_node *over);
typedef char *merge_key_fn(const struct spec_node *element);

/* How a key's values merge; what has no rule merges by its kind. */
struct merge_rule {
    const char *key;                /* "*": any */
    merge_fn *merge;                /* NULL: by kind */
    const struct merge_rule *below; /* for the keys of a mapping; ends with a NULL key; NULL: no rules */
    merge_key_fn *element_key; /* of lists: elements of both sides with the same key are one and the same;
                                  NULL or what it returns for an element: none is; freed by the caller */
};

struct spec_node *merge_node(struct spec_merge *m, const struct merge_rule *rule, struct spec_node *base,
                             struct spec_node *over);
struct spec_node *merge_by_kind(struct spec_merge *m, const struct merge_rule *rule, struct spec_node *base,
                                struct spec_node *over);
/* False (said once): enough was made. */
bool merge_may_make(struct spec_merge *m, const struct spec_node *at, size_t n);
/* An empty list or mapping in the place of n, with room for so many entries. */
struct spec_node *merge_make(struct spec_merge *m, const struct spec_node *n, enum spec_node_kind kind,
                             size_t room);
/* Is there nothing written, not even a tag? */
bool merge_is_nothing(const struct spec_node *n);

#endif
