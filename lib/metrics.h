/* metrics.h - what a process tells Prometheus: GET /metrics on an address of its own, nothing else.
 *
 * Samples are not kept here: at each scrape the owner of the numbers is asked for them. Every process also
 * tells its own memory, CPU time, descriptors and start (the names are those of Prometheus' client
 * libraries). Text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#ifndef LIB_METRICS_H
#define LIB_METRICS_H

#include "lib/err.h"

#include <stdint.h>
#include <uv.h>

struct orc_metrics;      /* the server */
struct orc_metrics_text; /* one answer, while it is written */

/* Begins a metric; its samples follow. kind: "gauge" or "counter" (then the name ends in _total). */
void orc_metric(struct orc_metrics_text *t, const char *name, const char *kind, const char *help);
/* One sample of the metric begun last. label and value: one pair, or NULL and NULL; any text is escaped. */
void orc_metric_sample(struct orc_metrics_text *t, const char *label, const char *value, double v);
/* A metric of one sample without labels. */
void orc_metric_gauge(struct orc_metrics_text *t, const char *name, const char *help, double v);

/* Listens at "ADDR:PORT" ("[::1]:9100", ":9100" for every address) and calls `collect` on the loop at each
 * scrape. To be called before orc_sandbox_enter(), which then needs ORC_SANDBOX_LISTEN. 0, or a sentence that
 * names the address. */
int orc_metrics_serve(uv_loop_t *loop, const char *address,
                      void (*collect)(struct orc_metrics_text *t, void *arg), void *arg,
                      struct orc_metrics **ret, struct orc_err *err);
struct orc_metrics *orc_metrics_free(struct orc_metrics *m); /* NULL allowed; returns NULL */

#endif
