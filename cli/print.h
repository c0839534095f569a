/* print.h - a report as text: what `orc status` and `orc nodes` show people.
 *
 * Knows tables and words, not where the report comes from nor where the text goes.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "cli/out.h"
#include "cli/report.h"

/* Services (with their replicas when `replicas`, else with the nodes), then every reason there is. */
void print_status(const struct out *o, const struct report *r, bool replicas, FILE *f);
void print_services(const struct out *o, const struct report *r, FILE *f);
void print_tasks(const struct out *o, const struct report *r, FILE *f);
void print_service_tasks(const struct out *o, const struct report_service *s, FILE *f);
void print_nodes(const struct out *o, const struct report *r, FILE *f);

/* A text as an item of a list, wrapped; "a=b c=d" (freed by the caller). */
void print_item(const struct out *o, const char *text, FILE *f);
char *print_pairs(const struct spec_pairs *p);

/* Puts text over what a terminal shows from its first line on, without flicker: each line is cleared behind
 * its end, and what is more than the terminal is high is left out and counted. */
void print_picture(const struct out *o, const char *text, FILE *f);

#endif
