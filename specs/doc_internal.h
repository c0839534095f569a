/* doc_internal.h - the parts of the reader of documents, between specs/doc*.c only. */
#ifndef SPECS_DOC_INTERNAL_H
#define SPECS_DOC_INTERNAL_H

#include "specs/doc.h"

/* A node more, owned by d. */
struct spec_node *spec_doc_add_at(struct spec_doc *d, enum spec_node_kind kind, const struct spec_place *at);

/* "<<: *a" or "<<: [*a, *b]": appends their entries to `into`, marked as merged. */
void spec_map_merge(struct spec_node *into, const struct spec_node *key, const struct spec_node *value,
                    struct spec_problems *problems);
/* Of a mapping that has been read and is not empty: what was written comes before what was merged, and each
 * key is there once. */
void spec_map_finish(struct spec_node *map, struct spec_problems *problems);

#endif
