/* change.h - changing the one commit point of an app: read apps/<app>, edit it, write it back guarded by its
 * mod revision, so that of two operators with one base exactly one wins (behaviour 88).
 */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include "cli/session.h"

/* *ret_revision (may be NULL) is the app key's mod revision then. Writes `next` over the app as c knows it
 * (absent included); its generation is set here. An app without services is deleted. Further puts may already
 * be in t, which is consumed. 0, or -EAGAIN: somebody else was faster. */
int change_app(struct session *s, const struct cluster *c, const char *app, struct record_app *next,
               struct etcd_txn *t, int64_t *ret_revision, struct orc_err *err);

/* An app whose key can't be read is not written over: negative, with the key and what to do. */
int change_readable(const struct cluster *c, const char *app, struct orc_err *err);

/* The generation after the one that c knows. Also of an app that was removed: its rollouts may still hold an
 * earlier life's generation, and no rollout may look as if it had taken in what it has not seen. */
int64_t change_generation(const struct cluster *c, const char *app);

/* A deep copy of the app as c knows it; an empty record when there is none. */
void change_copy(const struct cluster *c, const char *app, struct record_app *ret);
struct record_app_service *change_service(struct record_app *a, const char *service); /* or NULL */
void change_remove(struct record_app *a, const char *service);
struct record_app_service *change_add(struct record_app *a, const char *service); /* in its place by name */

/* "there is no service shop/ordrs; shop has: auth, orders". Returns -ENOENT. */
int change_no_service(const struct cluster *c, const char *app, const char *service, struct orc_err *err);

/* What people want of a service beside its spec. A copy of it as c knows it, empty where there is none; -EIO:
 * the key can't be read, and is not written over. And its put, guarded so that of two writers one wins. */
int change_intent(const struct cluster *c, const char *app, const char *service, struct record_intent *ret,
                  struct orc_err *err);
void change_put_intent(const struct cluster *c, const char *app, const char *service,
                       const struct record_intent *next, struct etcd_txn *t);

/* Whether a node has ever registered: -ENOENT with "there is no node "k9"; there are: k1, k2". Sorts c. */
int change_need_node(struct cluster *c, const char *node, struct orc_err *err);

#endif
