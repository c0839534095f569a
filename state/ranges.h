/* ranges.h - a set of small numbers as text: "0-16,18".
 *
 * Which slots of a job's run are completed is kept so: slots are begun in order, so the text is short however
 * many they are. Numbers are 0..SPEC_REPLICAS_MAX-1, ascending, in the fewest ranges there can be.
 */
#ifndef STATE_RANGES_H
#define STATE_RANGES_H

#include "specs/spec.h"

#define RANGES_TEXT_MAX 32768 /* bytes; every other number of all takes less */

struct ranges {
    uint64_t bits[(SPEC_REPLICAS_MAX + 63) / 64];
    int n; /* numbers in it */
};

bool ranges_has(const struct ranges *r, int k);
/* False: it was there, or is no such number. */
bool ranges_add(struct ranges *r, int k);
/* NULL is the empty set. 0, or -EINVAL with a sentence, and *ret is untouched. */
int ranges_parse(const char *text, struct ranges *ret, struct orc_err *err);
int ranges_check(const char *text, struct orc_err *err);
char *ranges_text(const struct ranges *r); /* freed by the caller; NULL for the empty set */

#endif
