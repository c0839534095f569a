/* json_split.h - JSON documents out of a stream that splits and joins them as it likes.
 *
 * etcd's watch and Docker's events send one document after another; an HTTP chunk may hold half of one or
 * several. Documents are found by their braces, so it doesn't matter what stands between them (nothing,
 * spaces, newlines). It must not know what they say. Behaviour 91.
 */
#ifndef STATE_JSON_SPLIT_H
#define STATE_JSON_SPLIT_H

#include "lib/buf.h"

#include <stdbool.h>

struct json_split {
    struct orc_buf buf; /* the document that is not complete yet */
    size_t depth;
    bool in_string, escaped;
};

void json_split_init(struct json_split *s, size_t max); /* max: bytes of one document */
void json_split_release(struct json_split *s);

/* Takes in the next piece and finds at most one document: > 0 when s->buf holds a complete one (take it, then
 * call json_split_next() and go on with the rest), 0 when all was taken in and none is complete, -EMSGSIZE
 * when a document is larger than max, -EINVAL when text stands outside of objects. *used: bytes taken from
 * data. */
int json_split_feed(struct json_split *s, const char *data, size_t n, size_t *used);
void json_split_next(struct json_split *s);

#endif
