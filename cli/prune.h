/* prune.h - which revisions are history that nobody needs any more.
 *
 * Pure. A revision is in use while the app asks for it, its rollout moves to it or leaves it, routes by it or
 * may go back to it, or a task was made of it. Of the others the newest are kept for `orc rollback`.
 */
#ifndef CLI_PRUNE_H
#define CLI_PRUNE_H

#include "cli/cluster.h"

#define PRUNE_KEEP 20 /* revisions of a service that are kept whether in use or not */

/* Appends the keys that may go, at most `most`, of all services of the app: c must hold the app, its
 * revisions, rollouts and tasks. Revisions that can't be read are left alone. */
void prune_choose(struct cluster *c, const char *app, size_t most, struct orc_strv *ret);

#endif
