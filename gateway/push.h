/* push.h - keeps the table that NGINX holds equal to the table we have, and learns which requests are in
 * flight.
 *
 * One request to NGINX at a time; what changed meanwhile goes with the next one. A push is answered with the
 * requests in flight to every endpoint that is no longer chosen, counted after the table took effect. While a
 * draining endpoint still has some, NGINX is asked again every few ms; otherwise nothing is polled.
 */
#ifndef GATEWAY_PUSH_H
#define GATEWAY_PUSH_H

#include "gateway/table.h"

#include "lib/http.h"

struct gw_push;
struct gw_push_opts {
    uv_loop_t *loop;
    struct orc_http *http;
    const char *dir;                                  /* borrowed */
    struct gw_table *table;                           /* borrowed */
    void (*on_news)(void *arg);                       /* the table's report may have changed */
    void (*on_text)(const char *text, void *arg);     /* NGINX took this text */
    void (*on_no_answer)(const char *why, void *arg); /* tried again on its own */
    void *arg;
};

struct gw_push *gw_push_new(const struct gw_push_opts *opts);
struct gw_push *gw_push_free(struct gw_push *p); /* returns NULL */
/* Whether there is an NGINX to push to. */
void gw_push_set_up(struct gw_push *p, bool up);
/* The table was changed. */
void gw_push_kick(struct gw_push *p);

#endif
