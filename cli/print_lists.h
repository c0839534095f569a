/* print_lists.h - tables of what is no report: revisions, events, versions, contexts, a rollout.
 *
 * Knows tables and words, not where the records come from nor where the text goes.
 */
#ifndef CLI_PRINT_LISTS_H
#define CLI_PRINT_LISTS_H

#include "cli/contexts.h"
#include "cli/history.h"
#include "cli/out.h"
#include "cli/report.h"

void print_history(const struct out *o, const struct history *h, int64_t wall_ms, FILE *f);
void print_contexts(const struct out *o, const struct contexts *c, FILE *f);

/* Of this program, of the scheduler that leads and of each node of c. */
void print_versions(const struct out *o, const struct cluster *c, FILE *f);

/* How far a rollout is, and why not further. */
void print_rollout(const struct out *o, const struct report_service *s, FILE *f);

/* On one line, however long: for logs. */
void print_event(const struct out *o, const struct record_event *e, FILE *f);

#endif
