#include "state/lease.h"

#include "lib/clock.h"
#include "state/timer.h"

#include <string.h>

#define RETRY_MIN_MS 50
#define REVOKE_MS 2000
#define LATE_MS 50   /* a timer that fires so late: it is we who were held up */
#define DOUBT_MS 250 /* then etcd has so long to say that the lease lives */

struct lease {
    struct etcd *e;
    struct lease_opts opts;
    int64_t id;       /* to be kept alive, or tried again; 0: one must be granted */
    bool alive;       /* the owner was told so */
    int64_t ttl_s;    /* as etcd granted it */
    uint64_t sent;    /* when the request now under way was sent */
    uint64_t heard;   /* when the last one that was answered was sent */
    uint64_t good;    /* when the last one that was answered well was sent */
    unsigned retries; /* since then */
    char *reason;
    struct etcd_call *call;
    struct timer *next, *expiry, *revoke_timeout;
    void (*revoked)(void *arg);
    void *revoked_arg;
    bool doubted; /* its time has passed while we were held up: the answer decides */
    bool stopped; /* lease_revoke() was called */
    unsigned busy;
    bool freed;
};

static void send_next(struct lease *l);

static uint64_t third_ms(const struct lease *l)
{
    return (uint64_t)l->ttl_s * 1000 / 3;
}

static void release(struct lease *l)
{
    free(l->reason);
    free(l);
}

/* Tells the owner, who may free the lease: true when it is still there. */
static bool tell(struct lease *l, int64_t id)
{
    bool there;

    l->busy++;
    l->opts.on_lease(id, l->opts.arg);
    l->busy--;
    there = !l->freed && !l->stopped;
    if (l->freed && !l->busy)
        release(l);
    return there;
}

static bool lost(struct lease *l, const char *reason)
{
    orc_set_str(&l->reason, reason);
    if (!l->alive)
        return true;
    l->alive = false;
    timer_stop(l->expiry);
    return tell(l, 0);
}

/* Answered well: good for a TTL from when it was sent. */
static void kept(struct lease *l, int64_t id, int64_t ttl_s)
{
    uint64_t now = orc_clock_ms(), age = now - l->sent;
    bool fresh = !l->alive;

    l->id = id;
    l->ttl_s = ttl_s;
    l->good = l->heard = l->sent;
    l->retries = 0;
    l->doubted = false;
    if (age >= (uint64_t)ttl_s * 1000) { /* the answer came too late to mean anything */
        timer_start(l->next, 0);
        return;
    }
    timer_start(l->expiry, (uint64_t)ttl_s * 1000 - age);
    timer_start(l->next, age < third_ms(l) ? third_ms(l) - age : 0);
    l->alive = true;
    orc_set_str(&l->reason, "");
    if (fresh)
        tell(l, id);
}

/* A time-out has taken its TTL/3 already; what failed at once is tried again ever later, up to that. */
static void unanswered(struct lease *l, const struct etcd_result *res)
{
    uint64_t wait = l->retries < 10 ? (uint64_t)RETRY_MIN_MS << l->retries : third_ms(l);

    l->retries++;
    if (!l->alive)
        orc_set_str(&l->reason, res->error_text);
    if (res->error == -ETIMEDOUT)
        wait = 0;
    timer_start(l->next, wait < third_ms(l) ? wait : third_ms(l));
}

static void on_granted(const struct etcd_result *res, void *arg)
{
    struct lease *l = arg;

    if (!l->call)
        return;
    l->call = NULL;
    if (res->error)
        unanswered(l, res);
    else
        kept(l, res->lease, res->ttl_s);
}

static void on_kept(const struct etcd_result *res, void *arg)
{
    struct lease *l = arg;

    if (!l->call)
        return;
    l->call = NULL;
    if (res->error) {
        unanswered(l, res);
    } else if (res->ttl_s > 0) {
        kept(l, l->id, res->ttl_s);
    } else {
        l->id = 0;
        l->heard = l->sent;
        if (lost(l, "etcd says that the lease has expired"))
            send_next(l);
    }
}

static void send_next(struct lease *l)
{
    l->sent = orc_clock_ms();
    if (l->id)
        l->call = etcd_lease_keepalive_once(l->e, l->id, third_ms(l), on_kept, l);
    else
        l->call = etcd_lease_grant(l->e, l->opts.ttl_s, on_granted, l);
}

static void on_next(void *arg)
{
    struct lease *l = arg;

    if (!l->call)
        send_next(l);
}

/* Monotonic ms at which etcd may have ended it. */
static uint64_t ends_at(const struct lease *l)
{
    return l->good + (uint64_t)l->ttl_s * 1000;
}

/* Its time has passed. When the loop stood still meanwhile, etcd had no chance to answer. */
static void on_expiry(void *arg)
{
    struct lease *l = arg;
    uint64_t now = orc_clock_ms();
    orc_auto_free char *reason = NULL;

    if (!l->doubted && now >= ends_at(l) + LATE_MS) {
        l->doubted = true;
        timer_start(l->expiry, DOUBT_MS);
        return;
    }
    l->doubted = false;
    reason = orc_printf("no answer from etcd for %llus (%s)", (unsigned long long)(now - l->good) / 1000,
                        etcd_endpoint(l->e));
    lost(l, reason);
}

struct lease *lease_new(uv_loop_t *loop, struct etcd *e, const struct lease_opts *opts)
{
    struct lease *l = orc_new(struct lease);

    l->e = e;
    l->opts = *opts;
    l->id = opts->resume;
    l->ttl_s = opts->ttl_s;
    l->reason = orc_strdup("etcd has not answered yet");
    l->next = timer_new(loop, on_next, l);
    l->expiry = timer_new(loop, on_expiry, l);
    timer_start(l->next, 0);
    return l;
}

static void stop(struct lease *l)
{
    struct etcd_call *call = l->call;

    l->call = NULL;
    if (call)
        etcd_cancel(call);
    l->next = timer_free(l->next);
    l->expiry = timer_free(l->expiry);
}

struct lease *lease_free(struct lease *l)
{
    if (!l)
        return NULL;
    l->freed = true;
    stop(l);
    l->revoke_timeout = timer_free(l->revoke_timeout);
    if (!l->busy)
        release(l);
    return NULL;
}

int64_t lease_id(const struct lease *l)
{
    return l->alive ? l->id : 0;
}

bool lease_is_valid(const struct lease *l)
{
    return l->alive && orc_clock_ms() < ends_at(l);
}

uint64_t lease_heard_at(const struct lease *l)
{
    return l->heard;
}

const char *lease_reason(const struct lease *l)
{
    return l->reason;
}

/* Giving back ----------------------------------------------------------------------------------------- */

static void revoked(struct lease *l)
{
    struct etcd_call *call = l->call;

    l->call = NULL;
    l->revoke_timeout = timer_free(l->revoke_timeout);
    if (call)
        etcd_cancel(call);
    l->revoked(l->revoked_arg); /* may free l */
}

static void on_revoked(const struct etcd_result *res, void *arg)
{
    struct lease *l = arg;

    if (!l->call)
        return;
    l->call = NULL;
    revoked(l);
}

static void on_revoke_timeout(void *arg)
{
    revoked(arg);
}

void lease_revoke(struct lease *l, void (*done)(void *arg), void *arg)
{
    uv_loop_t *loop = timer_loop(l->next);
    int64_t id = l->id;

    stop(l);
    l->stopped = true;
    l->alive = false;
    l->id = 0;
    orc_set_str(&l->reason, "it was given back");
    l->revoked = done;
    l->revoked_arg = arg;
    l->revoke_timeout = timer_new(loop, on_revoke_timeout, l);
    timer_start(l->revoke_timeout, id ? REVOKE_MS : 0);
    if (id)
        l->call = etcd_lease_revoke(l->e, id, on_revoked, l);
}
