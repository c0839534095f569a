/* restart.h - raises the restart epoch of services, which the scheduler takes as: fresh replicas, or a new
 * run of a job. */
#ifndef CLI_RESTART_H
#define CLI_RESTART_H

#include "cli/verb.h"

/* Of those services of one app, all or none of each hundred; adds them to what is waited for. v->cluster
 * holds the intents. 0 or negative with a sentence. */
int restart_services(struct verb *v, const char *app, const struct orc_strv *services, struct orc_err *err);

#endif
