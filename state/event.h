/* event.h - what happened, for `orc events`: written to events/<time>-<id> on one leased bucket per process,
 * so that history is bounded without anybody cleaning (behaviour 43). Fire and forget: an event that can't be
 * written is dropped after being logged once; nothing waits for it. The first is written at once, those that
 * come within the next 200 ms together. Buckets: a lease of 24 h, renewed by a new bucket each hour.
 */
#ifndef STATE_EVENT_H
#define STATE_EVENT_H

#include "state/etcd.h"

struct event_log;
struct event_log *event_log_new(struct etcd *e, const char *cluster, const char *by); /* copies the strings */
struct event_log *event_log_free(struct event_log *l);
void event_add(struct event_log *l, const char *type, const char *object, const char *fmt, ...)
    ORC_PRINTF(4, 5);

#endif
