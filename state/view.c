/* view.c - the steps of a view: judge the store, read everything, watch; and back when something ends.
 *
 *     identify  one linearizable get of the config: is this still our store?   -> FROZEN, back-off, identify
 *     list      all prefixes in pages at one revision R, differences delivered -> on failure: back-off,
 * identify watch     from R + 1                                                     -> on its end: identify
 *
 * What was delivered stays delivered through all of it; `need_list` says that watching on from there won't
 * do.
 */
#include "state/view.h"

#include "lib/clock.h"
#include "state/etcd_internal.h"
#include "state/keyset.h"
#include "state/record.h"
#include "state/timer.h"
#include "state/watch.h"

#include <string.h>

#define DEAD_PEER_MS 4000
#define CREATE_MS 5000      /* from asking to watch until all watches are there */
#define QUIET_MS 10000      /* nothing came for so long: ask */
#define CHECK_MS 2000       /* an answer to that must come within */
#define BACKOFF_MIN_MS 50   /* doubling, from the second failure in a row */
#define BACKOFF_MAX_MS 1000 /* below a third of any lease we use */
#define STEADY_MS 5000      /* a watch that held so long makes the next failure a first one */
#define FROZEN_MIN_MS 500
#define FROZEN_MAX_MS 5000
#define WAIT_MS 1000 /* in which nothing came: then view_wait() has everything read anew */
#define WAIT_SEPARATE_MS 100

struct wait {
    int64_t revision;
    uint64_t lists; /* begun before it */
    void (*done)(int error, void *arg);
    void *arg;
    TAILQ_ENTRY(wait) link;
};

struct range { /* watched as one; reached: all up to this revision was delivered */
    char *from, *to;
    int64_t reached;
    bool config_only; /* watched for the guard, not for the owner */
};

struct view {
    struct etcd *e;
    struct view_opts opts;
    struct orc_strv prefixes;
    char *config_key;
    ORC_VEC(struct range) ranges;
    struct keyset *keys;

    enum view_state state;
    char *why;
    uint64_t cluster_id;
    bool need_list;
    uint64_t lists;         /* begun */
    int64_t wait_from;      /* what was reached when the waiting began, or was looked at last */
    int64_t list_revision;  /* the revision that is being read */
    size_t list_next;       /* the prefix that is being read */
    unsigned failures;      /* in a row */
    uint64_t live_since;    /* monotonic ms; 0: not live */
    unsigned frozen_tries;  /* in a row */
    bool doubtful;          /* the watch is created, but from a member that may lag: the check decides */
    struct etcd_call *call; /* identify or list */
    struct etcd_call *check;
    struct watch *watch;
    struct timer *retry, *quiet, *create, *wait_timer;
    struct etcd_listener listener;
    TAILQ_HEAD(, wait) waits;
    unsigned busy; /* depth of handlers on the stack */
    bool freed;
};

static void identify(struct view *v);
static void list(struct view *v);
static void watch_on(struct view *v);

/* Every handler runs between enter() and leave(), so that the owner may free the view inside. */
static void enter(struct view *v)
{
    v->busy++;
}

static void release(struct view *v)
{
    for (size_t i = 0; i < v->ranges.n; i++) {
        free(v->ranges.at[i].from);
        free(v->ranges.at[i].to);
    }
    orc_vec_release(&v->ranges);
    orc_strv_release(&v->prefixes);
    keyset_free(v->keys);
    free(v->config_key);
    free(v->why);
    free(v);
}

static void leave(struct view *v)
{
    if (--v->busy == 0 && v->freed)
        release(v);
}

static void set_state(struct view *v, enum view_state state, const char *why)
{
    if (v->freed || (v->state == state && orc_streq(v->why, why)))
        return;
    v->state = state;
    orc_set_str(&v->why, why);
    if (v->opts.on_state)
        v->opts.on_state(state, v->why, v->opts.arg);
}

/* Revisions ------------------------------------------------------------------------------------------- */

enum view_state view_state(const struct view *v)
{
    return v->state;
}

int64_t view_revision(const struct view *v)
{
    int64_t reached = INT64_MAX;

    for (size_t i = 0; i < v->ranges.n; i++)
        if (!v->ranges.at[i].config_only && v->ranges.at[i].reached < reached)
            reached = v->ranges.at[i].reached;
    return reached;
}

/* What was read from the beginning after somebody had begun to wait is no older than what he waits for,
 * unless that was another store's. */
static bool is_stale(const struct view *v, const struct wait *w)
{
    return !v->need_list && w->lists < v->lists;
}

static void resolve_waits(struct view *v)
{
    struct wait *w;

    do {
        TAILQ_FOREACH(w, &v->waits, link)
        if (v->freed || w->revision <= view_revision(v) || is_stale(v, w))
            break;
        if (w) {
            TAILQ_REMOVE(&v->waits, w, link);
            w->done(v->freed ? -ECANCELED : w->revision <= view_revision(v) ? 0 : -ESTALE, w->arg);
            free(w);
        }
    } while (w);
    if (!v->freed && TAILQ_EMPTY(&v->waits))
        timer_stop(v->wait_timer);
}

static uint64_t wait_ms(const struct view *v)
{
    return v->opts.separate ? WAIT_SEPARATE_MS : WAIT_MS;
}

static void go_on_waiting(struct view *v)
{
    v->wait_from = view_revision(v);
    timer_start(v->wait_timer, wait_ms(v));
}

void view_wait(struct view *v, int64_t revision, void (*done)(int error, void *arg), void *arg)
{
    struct wait *w = orc_new(struct wait);

    *w = (struct wait){.revision = revision, .lists = v->lists, .done = done, .arg = arg};
    TAILQ_INSERT_TAIL(&v->waits, w, link);
    enter(v);
    resolve_waits(v);
    if (!v->freed && !TAILQ_EMPTY(&v->waits) && !timer_is_running(v->wait_timer))
        go_on_waiting(v);
    leave(v);
}

/* Beginning again ------------------------------------------------------------------------------------- */

/* Ends whatever is under way; what was delivered stays. */
static void stop(struct view *v)
{
    struct etcd_call *call = v->call, *check = v->check;

    v->call = v->check = NULL;
    v->doubtful = false;
    v->live_since = 0;
    if (call)
        etcd_cancel(call);
    if (check)
        etcd_cancel(check);
    v->watch = watch_free(v->watch);
    timer_stop(v->retry);
    timer_stop(v->quiet);
    timer_stop(v->create);
}

static uint64_t backoff(unsigned n, uint64_t min, uint64_t max)
{
    return n < 16 && min << n < max ? min << n : max;
}

/* A step failed: the first time it is tried again at once, then ever later. */
static void fail(struct view *v, const char *why)
{
    bool frozen = v->opts.guard && v->opts.guard->frozen, first;

    if (v->live_since && orc_clock_ms() - v->live_since >= STEADY_MS)
        v->failures = 0;
    first = v->failures++ == 0;
    stop(v);
    timer_start(v->retry, first ? 0 : backoff(v->failures - 2, BACKOFF_MIN_MS, BACKOFF_MAX_MS));
    if (!first && !frozen)
        set_state(v, v->state == VIEW_SYNCING ? VIEW_SYNCING : VIEW_STALE, why);
}

static void freeze(struct view *v)
{
    stop(v);
    v->need_list = true;
    timer_start(v->retry, backoff(v->frozen_tries++, FROZEN_MIN_MS, FROZEN_MAX_MS));
    set_state(v, VIEW_FROZEN, v->opts.guard->reason);
}

static void on_retry(void *arg)
{
    struct view *v = arg;

    enter(v);
    identify(v);
    leave(v);
}

/* As long as something comes, it comes in order: what is waited for is under way. A store that is behind with
 * its watches would not be helped by reading all of it, once a second. */
static void on_wait_timer(void *arg)
{
    struct view *v = arg;

    enter(v);
    if (v->watch && v->state == VIEW_LIVE && view_revision(v) == v->wait_from) {
        stop(v);
        v->need_list = true;
        identify(v);
    }
    go_on_waiting(v);
    leave(v);
}

/* Judging the store ----------------------------------------------------------------------------------- */

/* The store is not the one whose keys we hold, or it went back in time. */
static void forget(struct view *v)
{
    keyset_forget(v->keys);
    v->need_list = true;
    for (size_t i = 0; i < v->ranges.n; i++)
        v->ranges.at[i].reached = 0;
    if (v->opts.on_forget)
        v->opts.on_forget(v->opts.arg);
}

static enum guard_verdict judge_config(struct view *v, const char *value, size_t n, uint64_t cluster_id,
                                       int64_t revision, int64_t asked_at)
{
    struct guard *g = v->opts.guard;
    struct record_config config = {0};
    enum guard_verdict verdict;

    if (value && record_config_parse(value, n, &config, NULL) < 0) /* garbage by hand tells nothing new */
        return guard_header(g, cluster_id, revision, asked_at) ? GUARD_SAME_STORE : GUARD_FROZEN;
    verdict = guard_config(g, config.cluster_id, config.recovered, cluster_id, revision, asked_at);
    record_config_release(&config);
    return verdict;
}

/* Of a linearizable answer to a get of check_key(). */
static enum guard_verdict judge(struct view *v, const struct etcd_result *res)
{
    bool other = v->cluster_id && v->cluster_id != res->cluster_id;
    enum guard_verdict verdict = GUARD_SAME_STORE;

    if (v->opts.guard && v->config_key)
        verdict =
            judge_config(v, res->n_kvs ? res->kvs[0].value : NULL, res->n_kvs ? res->kvs[0].value_len : 0,
                         res->cluster_id, res->revision, res->asked_at);
    else if (v->opts.guard)
        verdict = guard_header(v->opts.guard, res->cluster_id, res->revision, res->asked_at)
                      ? GUARD_SAME_STORE
                      : GUARD_FROZEN;
    if (verdict == GUARD_SAME_STORE && (other || res->revision < view_revision(v)))
        verdict = GUARD_NEW_STORE;
    if (verdict != GUARD_FROZEN)
        v->cluster_id = res->cluster_id;
    return verdict;
}

static const char *check_key(const struct view *v)
{
    return v->config_key ? v->config_key : v->prefixes.at[0];
}

static void on_identified(const struct etcd_result *res, void *arg)
{
    struct view *v = arg;
    enum guard_verdict verdict;

    if (!v->call) /* stopped */
        return;
    v->call = NULL;
    enter(v);
    if (res->error) {
        fail(v, res->error_text);
    } else if ((verdict = judge(v, res)) == GUARD_FROZEN) {
        freeze(v);
    } else {
        v->frozen_tries = 0;
        if (verdict == GUARD_NEW_STORE)
            forget(v);
        if (v->need_list)
            list(v);
        else
            watch_on(v);
    }
    leave(v);
}

static void identify(struct view *v)
{
    v->call = etcd_get(v->e, check_key(v), on_identified, v);
}

/* Reading everything ---------------------------------------------------------------------------------- */

static bool in_prefixes(const struct view *v, const char *key)
{
    for (size_t i = 0; i < v->prefixes.n; i++)
        if (strncmp(key, v->prefixes.at[i], strlen(v->prefixes.at[i])) == 0)
            return true;
    return false;
}

static bool wanted(const char *key, void *arg)
{
    const struct view *v = arg;

    return in_prefixes(v, key) || (v->config_key && strcmp(key, v->config_key) == 0);
}

static void deliver_put(struct view *v, const struct etcd_kv *kv)
{
    if (keyset_put(v->keys, kv->key, kv->mod_revision))
        v->opts.on_put(kv, v->opts.arg);
}

static void deliver_delete(struct view *v, const char *key, int64_t revision)
{
    if (keyset_delete(v->keys, key))
        v->opts.on_delete(key, revision, v->opts.arg);
}

void view_expect(struct view *v, const char *key)
{
    keyset_expect(v->keys, key);
}

/* Is the page of the store that was identified? The first one is as linearizable as that was. */
static bool page_fits(struct view *v, const struct etcd_result *res)
{
    struct guard *g = v->opts.guard;

    if (res->cluster_id != v->cluster_id)
        return false;
    if (v->list_revision)
        return res->revision == v->list_revision;
    return !g || guard_header(g, res->cluster_id, res->revision, res->asked_at);
}

static bool take_page(struct view *v, const struct etcd_result *res)
{
    if (!page_fits(v, res))
        return false;
    v->list_revision = res->revision;
    for (size_t i = 0; i < res->n_kvs && !v->freed; i++)
        deliver_put(v, &res->kvs[i]);
    return true;
}

static void on_page(const struct etcd_result *res, void *arg)
{
    struct view *v = arg;

    enter(v);
    if (v->call && !take_page(v, res))
        fail(v, "the store changed while it was read");
    leave(v);
}

static void list_complete(struct view *v)
{
    char *name;

    while (!v->freed && (name = keyset_take_vanished(v->keys))) {
        v->opts.on_delete(name, v->list_revision, v->opts.arg);
        free(name);
    }
    if (v->freed)
        return;
    for (size_t i = 0; i < v->ranges.n; i++)
        v->ranges.at[i].reached = v->list_revision;
    v->need_list = false;
    v->opts.on_batch(v->list_revision, v->opts.arg);
    if (!v->freed)
        watch_on(v);
    resolve_waits(v);
}

static void list_prefix(struct view *v);

static void on_listed(const struct etcd_result *res, void *arg)
{
    struct view *v = arg;

    if (!v->call)
        return;
    enter(v);
    v->call = NULL;
    if (res->error == -ESTALE) /* compacted while we read: from the beginning */
        list(v);
    else if (res->error)
        fail(v, res->error_text);
    else if (!take_page(v, res))
        fail(v, "the store changed while it was read");
    else if (!v->freed && ++v->list_next < v->prefixes.n)
        list_prefix(v);
    else if (!v->freed)
        list_complete(v);
    leave(v);
}

static void list_prefix(struct view *v)
{
    v->call = etcd_scan(v->e, v->prefixes.at[v->list_next], v->list_revision, on_page, on_listed, v);
}

static void list(struct view *v)
{
    v->need_list = true;
    v->lists++;
    v->list_revision = 0;
    v->list_next = 0;
    keyset_begin(v->keys);
    list_prefix(v);
}

/* Watching -------------------------------------------------------------------------------------------- */

/* The config was written or deleted. */
static enum guard_verdict config_event(struct view *v, const struct watch_event *ev, uint64_t cluster_id)
{
    struct guard *g = v->opts.guard;
    int64_t revision = ev->kv.mod_revision > g->revision ? ev->kv.mod_revision : g->revision;

    return judge_config(v, ev->deleted ? NULL : ev->kv.value, ev->kv.value_len, cluster_id, revision,
                        revision);
}

/* Before anything of these events is believed. */
static enum guard_verdict believe(struct view *v, const struct watch_event *events, size_t n,
                                  uint64_t cluster_id)
{
    struct guard *g = v->opts.guard;
    enum guard_verdict verdict = GUARD_SAME_STORE;

    if (!g)
        return cluster_id == v->cluster_id ? GUARD_SAME_STORE : GUARD_FROZEN;
    if (!guard_stream(g, cluster_id, events[n - 1].kv.mod_revision))
        return GUARD_FROZEN;
    for (size_t i = 0; v->config_key && i < n && verdict == GUARD_SAME_STORE; i++)
        if (strcmp(events[i].kv.key, v->config_key) == 0)
            verdict = config_event(v, &events[i], cluster_id);
    return verdict;
}

/* Somebody has said `orc recover`: all is read anew. */
static void read_anew(struct view *v)
{
    stop(v);
    forget(v);
    identify(v);
}

/* True when something was delivered. */
static bool deliver_events(struct view *v, struct range *r, const struct watch_event *events, size_t n)
{
    bool any = false;

    for (size_t i = 0; i < n && !v->freed; i++) {
        const struct watch_event *ev = &events[i];

        if (ev->kv.mod_revision <= r->reached || !in_prefixes(v, ev->kv.key))
            continue;
        any = true;
        if (ev->deleted)
            deliver_delete(v, ev->kv.key, ev->kv.mod_revision);
        else
            deliver_put(v, &ev->kv);
    }
    return any;
}

static void on_events(size_t range, const struct watch_event *events, size_t n, uint64_t cluster_id,
                      void *arg)
{
    struct view *v = arg;
    struct range *r = &v->ranges.at[range];
    enum guard_verdict verdict;
    bool any;

    enter(v);
    timer_start(v->quiet, QUIET_MS);
    verdict = believe(v, events, n, cluster_id);
    if (verdict != GUARD_SAME_STORE) {
        if (verdict == GUARD_NEW_STORE)
            read_anew(v);
        else if (v->opts.guard)
            freeze(v);
        else
            fail(v, "another etcd answers");
        leave(v);
        return;
    }
    any = deliver_events(v, r, events, n);
    if (!v->freed) {
        if (events[n - 1].kv.mod_revision > r->reached)
            r->reached = events[n - 1].kv.mod_revision;
        if (any)
            v->opts.on_batch(view_revision(v), v->opts.arg);
        resolve_waits(v);
    }
    leave(v);
}

static void live(struct view *v)
{
    v->live_since = orc_clock_ms();
    v->doubtful = false;
    timer_start(v->quiet, QUIET_MS);
    set_state(v, VIEW_LIVE, "");
}

static void on_checked(const struct etcd_result *res, void *arg)
{
    struct view *v = arg;

    if (!v->check)
        return;
    v->check = NULL;
    enter(v);
    if (res->error) {
        v->failures = 1; /* that it didn't answer for so long was the first time */
        fail(v, res->error_text);
    } else {
        enum guard_verdict verdict = judge(v, res);

        if (verdict == GUARD_FROZEN) {
            freeze(v);
        } else if (verdict == GUARD_NEW_STORE) {
            read_anew(v);
        } else if (v->doubtful) {
            live(v);
        } else {
            timer_start(v->quiet, QUIET_MS);
        }
    }
    leave(v);
}

/* Asks the endpoint of the watch: a linearizable get, which neither a frozen nor a cut-off member answers. */
static void check(struct view *v)
{
    if (v->watch && !v->check)
        v->check = etcd_get_at(v->e, watch_endpoint(v->watch), check_key(v), CHECK_MS, on_checked, v);
}

static void on_created(uint64_t cluster_id, int64_t revision, void *arg)
{
    struct view *v = arg;

    enter(v);
    timer_stop(v->create);
    if (cluster_id == v->cluster_id && revision >= view_revision(v)) {
        live(v);
    } else { /* a lagging member, or another store since we identified it */
        v->doubtful = true;
        check(v);
    }
    leave(v);
}

static void on_watch_end(int error, const char *text, void *arg)
{
    struct view *v = arg;

    enter(v);
    /* Watching on from the same revision would end the same way. */
    if (error == -ESTALE || error == -EMSGSIZE || error == -EPROTO)
        v->need_list = true;
    fail(v, text);
    leave(v);
}

static void on_quiet(void *arg)
{
    struct view *v = arg;

    enter(v);
    check(v);
    leave(v);
}

static void on_create_timeout(void *arg)
{
    struct view *v = arg;

    enter(v);
    if (v->watch)
        etcd_trouble(v->e, watch_endpoint(v->watch));
    v->failures = 1;
    fail(v, "etcd did not begin the watch within 5s");
    leave(v);
}

/* Somebody's call failed at an endpoint; if our watch is there, ask soon (not inside that call's end). */
static void on_trouble(size_t endpoint, void *arg)
{
    struct view *v = arg;

    if (v->watch && watch_endpoint(v->watch) == endpoint && !v->check)
        timer_start(v->quiet, 0);
}

/* Somebody's answer looked like another store's. While we have no watch we ask anyway. */
static void on_doubt(void *arg)
{
    struct view *v = arg;

    if (v->watch && !v->check)
        timer_start(v->quiet, 0);
}

static void watch_on(struct view *v)
{
    orc_auto_free struct watch_range *ranges = orc_calloc(v->ranges.n, sizeof *ranges);
    struct watch_opts opts = {.ranges = ranges,
                              .n_ranges = v->ranges.n,
                              .dead_peer_ms = DEAD_PEER_MS,
                              .on_created = on_created,
                              .wanted = wanted,
                              .on_events = on_events,
                              .on_end = on_watch_end,
                              .arg = v};

    for (size_t i = 0; i < v->ranges.n; i++)
        ranges[i] = (struct watch_range){.from = v->ranges.at[i].from,
                                         .to = v->ranges.at[i].to,
                                         .start_revision = v->ranges.at[i].reached + 1};
    v->watch = watch_new(v->e, &opts);
    timer_start(v->create, CREATE_MS);
}

/* Life cycle ------------------------------------------------------------------------------------------ */

static void add_range(struct view *v, const char *from, const char *to_of, bool config_only)
{
    struct range *r = orc_vec_add(&v->ranges);

    r->from = orc_strdup(from);
    r->to = config_only ? NULL : wire_prefix_end(to_of);
    r->config_only = config_only;
}

/* One range from the first name to the end of the last one. */
static void cover(struct view *v)
{
    const char *first = v->prefixes.at[0], *last = first;

    for (size_t i = 0; i < v->prefixes.n; i++) {
        if (strcmp(v->prefixes.at[i], first) < 0)
            first = v->prefixes.at[i];
        if (strcmp(v->prefixes.at[i], last) > 0)
            last = v->prefixes.at[i];
    }
    if (v->config_key && strcmp(v->config_key, first) < 0)
        first = v->config_key;
    if (v->config_key && strcmp(v->config_key, last) > 0)
        last = v->config_key;
    add_range(v, first, last, false);
}

static void make_ranges(struct view *v)
{
    if (!v->opts.separate) {
        cover(v);
        return;
    }
    for (size_t i = 0; i < v->prefixes.n; i++)
        add_range(v, v->prefixes.at[i], v->prefixes.at[i], false);
    if (v->config_key && !in_prefixes(v, v->config_key))
        add_range(v, v->config_key, NULL, true);
}

struct view *view_new(uv_loop_t *loop, struct etcd *e, const struct view_opts *opts)
{
    struct view *v = orc_new(struct view);

    v->e = e;
    v->opts = *opts;
    for (const char *const *p = opts->prefixes; *p; p++)
        orc_strv_add(&v->prefixes, *p);
    v->config_key = opts->guard ? orc_strdup(opts->config_key) : NULL;
    make_ranges(v);
    v->keys = keyset_new();
    v->need_list = true;
    TAILQ_INIT(&v->waits);
    v->retry = timer_new(loop, on_retry, v);
    v->quiet = timer_new(loop, on_quiet, v);
    v->create = timer_new(loop, on_create_timeout, v);
    v->wait_timer = timer_new(loop, on_wait_timer, v);
    v->listener = (struct etcd_listener){.on_trouble = on_trouble, .on_doubt = on_doubt, .arg = v};
    etcd_listen(e, &v->listener);
    if (opts->guard)
        etcd_guard(e, opts->guard);
    identify(v);
    return v;
}

struct view *view_free(struct view *v)
{
    if (!v || v->freed)
        return NULL;
    enter(v);
    stop(v);
    v->freed = true;
    etcd_unlisten(&v->listener);
    v->retry = timer_free(v->retry);
    v->quiet = timer_free(v->quiet);
    v->create = timer_free(v->create);
    v->wait_timer = timer_free(v->wait_timer);
    resolve_waits(v);
    leave(v);
    return NULL;
}
