/* advice.h - what to do about something that is not as it should be: sentences for the operator at night.
 *
 * Pure: reads a report, returns sentences; what is wrong is said by report.h.
 */
#ifndef CLI_ADVICE_H
#define CLI_ADVICE_H

#include "cli/report.h"

/* Of a rollout that needs people, by its state's name; NULL: it needs none. Freed by the caller. `name`:
 * "shop/orders"; `back`: a revision of it was complete, so that there is one to go back to. */
char *advice_rollout(const char *name, const char *state, bool back);

/* Append to *ret; nothing where all is well. */
void advice_service(const struct report *r, const struct report_service *s, struct orc_strv *ret);
void advice_task(const struct report *r, const struct report_task *t, struct orc_strv *ret);
void advice_node(const struct report_node *n, struct orc_strv *ret);

#endif
