/* init.h - making a cluster: its config, written once (create-only), and what can be changed of it later. */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include "cli/session.h"

/* -EEXIST with a sentence when the cluster is there already; nothing is changed then. */
int init_cluster(struct session *s, const struct record_config *config, struct orc_err *err);
/* The same with every default and a random id. */
int init_default(struct session *s, struct orc_err *err);
/* Writes back the config that was read as this entry and then changed. -EAGAIN: somebody else did, too. */
int init_rewrite(struct session *s, const struct cluster_entry *e, struct orc_err *err);
/* Whether the cluster, which is there, allows privileged containers from now on; *ret_config is what its
 * config then holds, released by the caller. Writes nothing when that is so already. */
int init_allow_privileged(struct session *s, bool allow, struct record_config *ret_config,
                          struct orc_err *err);
#endif
