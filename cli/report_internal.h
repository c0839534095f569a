/* report_internal.h - what the parts of report.h share. */
#ifndef CLI_REPORT_INTERNAL_H
#define CLI_REPORT_INTERNAL_H

#include "cli/report.h"

/* Appends to s->why what keeps it from being as desired. `ro`: its rollout, or NULL; `led`: somebody
 * decides. */
void report_why(const struct cluster_entry *ro, bool led, struct report_service *s);

#endif
