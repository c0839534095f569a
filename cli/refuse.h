/* refuse.h - what `orc apply` does not write without --force: what can't be as the file demands it.
 *
 * Pure: asks the scheduler's own files over what was read. Each answer is a sentence with all that is against
 * it, freed by the caller, or NULL when there is nothing. Services that the file leaves as they are are not
 * asked about.
 */
#ifndef CLI_REFUSE_H
#define CLI_REFUSE_H

#include "cli/preview.h"

/* Constraints that no registered node can satisfy, and routes that another service has; of those the marks in
 * the file (specs/problems.h) are added to `ret_routes`. c needs nodes and their policies, apps and
 * revisions.
 */
char *refuse_change(const struct cluster *c, const char *app, const struct delta *d,
                    struct orc_strv *ret_routes);

/* Privileged containers, where the cluster's config does not allow them; --force does not help. c needs the
 * config. */
char *refuse_privileged(const struct cluster *c, const char *app, const struct delta *d);

/* "ONE; and OTHER", as far as they have room in a message, or the one there is; takes both over. */
char *refuse_both(char *one, char *other);

/* Whether a service of the change demands to survive the loss of a node; then survive_refusal() after a
 * preview tells whether it would. */
bool refuse_asks_for_survival(const struct delta *d);

#endif
