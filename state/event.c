#include "state/event.h"

#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "state/record.h"

#include <stdio.h>
#include <string.h>

#define BUCKET_TTL_S 86400 /* an event is kept for 23 to 24 hours */
#define BUCKET_MS 3600000  /* a new lease after an hour */
#define WAITING_MAX 200    /* events kept while there is no bucket */
#define RANDOM_DIGITS 8

struct waiting {
    char *key, *value;
};

struct event_log {
    struct etcd *e;
    char *cluster, *by;
    int64_t bucket; /* lease; 0: none */
    uint64_t made;  /* when it was granted, monotonic ms */
    bool granting, freed;
    unsigned refs; /* calls in flight, and the owner */
    struct orc_log_once failed;
    struct {
        struct waiting *at;
        size_t n, cap;
    } waiting;
};

static void drop_waiting(struct event_log *l)
{
    for (size_t i = 0; i < l->waiting.n; i++) {
        free(l->waiting.at[i].key);
        free(l->waiting.at[i].value);
    }
    orc_vec_release(&l->waiting);
}

static void unref(struct event_log *l)
{
    if (--l->refs > 0)
        return;
    drop_waiting(l);
    free(l->cluster);
    free(l->by);
    free(l);
}

struct event_log *event_log_new(struct etcd *e, const char *cluster, const char *by)
{
    struct event_log *l = orc_new(struct event_log);

    l->e = e;
    l->cluster = orc_strdup(cluster);
    l->by = orc_strdup(by);
    l->refs = 1;
    return l;
}

struct event_log *event_log_free(struct event_log *l)
{
    if (!l)
        return NULL;
    l->freed = true;
    unref(l);
    return NULL;
}

static void note(struct event_log *l, const struct etcd_result *res)
{
    if (l->freed || res->error == -ECANCELED)
        return;
    if (res->error)
        orc_log_begin(&l->failed, ORC_LOG_WARN, "events can't be written and are dropped: %s",
                      res->error_text);
    else
        orc_log_end(&l->failed, "events are written again");
}

static void on_put(const struct etcd_result *res, void *arg)
{
    struct event_log *l = arg;

    if (res->error == -ENOENT) /* the lease is gone: the next event makes a new bucket */
        l->bucket = 0;
    note(l, res);
    unref(l);
}

static void put(struct event_log *l, const struct waiting *w)
{
    l->refs++;
    etcd_put(l->e, w->key, w->value, l->bucket, on_put, l);
}

static void on_granted(const struct etcd_result *res, void *arg)
{
    struct event_log *l = arg;

    l->granting = false;
    note(l, res);
    if (!res->error && !l->freed) {
        l->bucket = res->lease;
        l->made = orc_clock_ms();
        for (size_t i = 0; i < l->waiting.n; i++)
            put(l, &l->waiting.at[i]);
    }
    drop_waiting(l);
    unref(l);
}

static void need_bucket(struct event_log *l)
{
    if (l->granting || (l->bucket && orc_clock_ms() - l->made < BUCKET_MS))
        return;
    l->bucket = 0;
    l->granting = true;
    l->refs++;
    etcd_lease_grant(l->e, BUCKET_TTL_S, on_granted, l);
}

static void wait_or_put(struct event_log *l, struct waiting w)
{
    need_bucket(l);
    if (l->bucket) {
        put(l, &w);
    } else if (l->waiting.n < WAITING_MAX) {
        orc_vec_push(&l->waiting, w);
        return;
    }
    free(w.key);
    free(w.value);
}

void event_add(struct event_log *l, const char *type, const char *object, const char *fmt, ...)
{
    orc_auto_free char *message = NULL;
    struct record_event event = {.at = orc_wall_ms(), .by = l->by};
    char random[RANDOM_DIGITS + 1];
    va_list ap;

    va_start(ap, fmt);
    message = orc_vprintf(fmt, ap);
    va_end(ap);
    event.type = (char *)(uintptr_t)type;
    event.object = (char *)(uintptr_t)object;
    event.message = message;
    orc_random_hex(RANDOM_DIGITS, random);
    wait_or_put(l, (struct waiting){.key = key_event(l->cluster, event.at, random),
                                    .value = record_event_text(&event)});
}
