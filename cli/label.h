/* label.h - labels that people give a server, beside those of its nodelet: node-policy/<node>.
 *
 * Pure.
 */
#ifndef CLI_LABEL_H
#define CLI_LABEL_H

#include "specs/spec.h"

/* "disk=ssd" gives a label or changes it, "disk-" takes away what was given. 0: all was so already; 1:
 * changed; -EINVAL with a sentence, and *labels may have changed in part. The list stays sorted by key. */
int label_change(struct spec_pairs *labels, const struct orc_strv *words, struct orc_err *err);

/* One label; true: that is a change. */
bool label_set(struct spec_pairs *labels, const char *key, const char *value);

#endif
