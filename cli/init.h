/* init.h - making a cluster: its config, written once (create-only). */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include "cli/session.h"

/* -EEXIST with a sentence when the cluster is there already; nothing is changed then. */
int init_cluster(struct session *s, const struct record_config *config, struct orc_err *err);
/* The same with every default and a random id. */
int init_default(struct session *s, struct orc_err *err);

#endif
