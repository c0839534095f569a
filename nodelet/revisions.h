/* revisions.h - what to run: the immutable revisions that this node's tasks name, read once each.
 *
 * A revision is asked for with the first task that needs it and dropped with the last one. One that can't be
 * read (absent, garbage, etcd away) is asked for again with a back-off; why is told to the tasks that wait.
 */
#ifndef NODELET_REVISIONS_H
#define NODELET_REVISIONS_H

#include "state/etcd.h"
#include "state/record.h"

struct revisions;
struct revision;

/* on_ready: one or more revisions arrived, or the reason why one is missing changed. */
struct revisions *revisions_new(uv_loop_t *loop, struct etcd *e, const char *cluster,
                                void (*on_ready)(void *arg), void *arg);
struct revisions *revisions_free(struct revisions *rs); /* after every reference was given back */

struct revision *revision_ref(struct revisions *rs, const char *app, const char *service, int64_t n);
struct revision *revision_unref(struct revision *r); /* NULL allowed; returns NULL */
/* NULL while it isn't there; `ret_why` (may be NULL) is then a clause or NULL, borrowed. */
const struct spec_service *revision_spec(const struct revision *r, const char **ret_why);

#endif
