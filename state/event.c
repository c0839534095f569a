#include "state/event.h"

#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "state/etcd_internal.h"
#include "state/record.h"

#include <stdio.h>
#include <string.h>

#define BUCKET_TTL_S 86400 /* an event is kept for 23 to 24 hours */
#define BUCKET_MS 3600000  /* a new lease after an hour */
#define WAITING_MAX 1000   /* events kept until they are written */
#define BATCH_MAX 100      /* written together: below etcd's 128 operations */
#define GAP_MS 200         /* from one write's end to the next one's begin */
#define ORDER_DIGITS 4     /* hex: which of its process's events of one millisecond it is */
#define RANDOM_DIGITS 8    /* for two processes that have one each */

struct waiting {
    char *key, *value;
};

struct event_log {
    struct etcd *e;
    char *cluster, *by;
    int64_t bucket; /* lease; 0: none */
    uint64_t made;  /* when it was granted, monotonic ms */
    size_t sent;    /* of `waiting`, under way */
    bool busy;      /* a call is under way */
    bool freed;
    int64_t last_at; /* of the last event, wall ms */
    unsigned in_ms;  /* events of that millisecond before it */
    struct timer *gap;
    struct orc_log_once failed;
    ORC_VEC(struct waiting) waiting;
};

static void drop(struct event_log *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(l->waiting.at[i].key);
        free(l->waiting.at[i].value);
    }
    l->waiting.n -= n;
    if (n)
        memmove(l->waiting.at, l->waiting.at + n, l->waiting.n * sizeof *l->waiting.at);
}

static void release(struct event_log *l)
{
    drop(l, l->waiting.n);
    orc_vec_release(&l->waiting);
    free(l->cluster);
    free(l->by);
    free(l);
}

static void note(struct event_log *l, const struct etcd_result *res)
{
    if (res->error == -ECANCELED)
        return;
    if (res->error)
        orc_log_begin(&l->failed, ORC_LOG_WARN, "events can't be written and are dropped: %s",
                      res->error_text);
    else
        orc_log_end(&l->failed, "events are written again");
}

static void flush(struct event_log *l);

static void on_gap(void *arg)
{
    flush(arg);
}

/* Returns false when nobody is there any more. */
static bool ended(struct event_log *l, const struct etcd_result *res)
{
    l->busy = false;
    if (l->freed) {
        release(l);
        return false;
    }
    note(l, res);
    return true;
}

static void on_put(const struct etcd_result *res, void *arg)
{
    struct event_log *l = arg;

    if (!ended(l, res))
        return;
    if (res->error == -ENOENT) /* the lease is gone: they go into a new bucket */
        l->bucket = 0;
    else
        drop(l, l->sent);
    timer_start(l->gap, GAP_MS);
}

static void on_granted(const struct etcd_result *res, void *arg)
{
    struct event_log *l = arg;

    if (!ended(l, res))
        return;
    if (res->error) {
        drop(l, l->waiting.n);
        return;
    }
    l->bucket = res->lease;
    l->made = orc_clock_ms();
    flush(l);
}

static void put_batch(struct event_log *l)
{
    struct etcd_txn *t = etcd_txn_new();

    l->sent = l->waiting.n < BATCH_MAX ? l->waiting.n : BATCH_MAX;
    for (size_t i = 0; i < l->sent; i++)
        etcd_txn_put(t, l->waiting.at[i].key, l->waiting.at[i].value, l->bucket);
    etcd_txn_commit(l->e, t, on_put, l);
}

/* What waits is written together: under load events would else be half of all requests. */
static void flush(struct event_log *l)
{
    if (l->busy || !l->waiting.n)
        return;
    l->busy = true;
    if (l->bucket && orc_clock_ms() - l->made < BUCKET_MS)
        put_batch(l);
    else
        etcd_lease_grant(l->e, BUCKET_TTL_S, on_granted, l);
}

struct event_log *event_log_new(struct etcd *e, const char *cluster, const char *by)
{
    struct event_log *l = orc_new(struct event_log);

    l->e = e;
    l->cluster = orc_strdup(cluster);
    l->by = orc_strdup(by);
    l->gap = timer_new(e->loop, on_gap, l);
    return l;
}

struct event_log *event_log_free(struct event_log *l)
{
    if (!l)
        return NULL;
    l->freed = true;
    l->gap = timer_free(l->gap);
    if (!l->busy)
        release(l);
    return NULL;
}

/* What is told sorts as it was told, also within a millisecond. */
static char *next_key(struct event_log *l, int64_t at)
{
    char id[ORDER_DIGITS + RANDOM_DIGITS + 1];

    l->in_ms = at == l->last_at ? l->in_ms + 1 : 0;
    l->last_at = at;
    snprintf(id, sizeof id, "%0*x", ORDER_DIGITS, l->in_ms & 0xffff);
    orc_random_hex(RANDOM_DIGITS, id + ORDER_DIGITS);
    return key_event(l->cluster, at, id);
}

void event_add(struct event_log *l, const char *type, const char *object, const char *fmt, ...)
{
    orc_auto_free char *message = NULL;
    struct record_event event = {.at = orc_wall_ms(), .by = l->by};
    va_list ap;

    va_start(ap, fmt);
    message = orc_vprintf(fmt, ap);
    va_end(ap);
    event.type = (char *)(uintptr_t)type;
    event.object = (char *)(uintptr_t)object;
    event.message = message;
    if (l->waiting.n < WAITING_MAX)
        orc_vec_push(&l->waiting,
                     ((struct waiting){.key = next_key(l, event.at), .value = record_event_text(&event)}));
    if (!timer_is_running(l->gap))
        flush(l);
}
