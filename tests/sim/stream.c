/* stream.c - stands in for etcd's watch streams: what changed comes late, in batches, and not at all while
 * the way is cut or the member stalls; a range may lag behind another of the same stream. */
#include "tests/sim/cluster.h"

#include "state/etcd_internal.h"
#include "state/watch.h"

#include <stdio.h>

struct range {
    char *from, *to;
    int64_t next; /* the first revision not yet delivered */
};

struct watch {
    LIST_ENTRY(watch) link;
    struct etcd *etcd;
    struct sim_proc *proc;
    struct watch_opts opts;
    ORC_VEC(struct range) ranges;
    size_t member;
    bool created;
    bool reset;     /* the connection is broken: this end has still to hear of it */
    int64_t upto;   /* what is on its way */
    int64_t looked; /* up to here nothing is to be delivered any more */
    struct sim_event event, dead;
    unsigned busy;
    bool freed;
};

static LIST_HEAD(, watch) watches = LIST_HEAD_INITIALIZER(watches);

static uint64_t way(const struct watch *w)
{
    return sim_below(4) + sim_below(w->proc->link.slow + 1) + sim_below(cluster.members[w->member].lag + 1);
}

static bool is_silent(const struct watch *w)
{
    return w->proc->link.cut || cluster.members[w->member].stalled;
}

static void release(struct watch *w)
{
    for (size_t i = 0; i < w->ranges.n; i++) {
        free(w->ranges.at[i].from);
        free(w->ranges.at[i].to);
    }
    orc_vec_release(&w->ranges);
    free(w);
}

struct watch *watch_free(struct watch *w)
{
    if (!w || w->freed)
        return NULL;
    w->freed = true;
    LIST_REMOVE(w, link);
    sim_event_cancel(&w->event);
    sim_event_cancel(&w->dead);
    if (!w->busy)
        release(w);
    return NULL;
}

size_t watch_endpoint(const struct watch *w)
{
    return w->member;
}

/* Its last call; the owner frees it then. */
static void end(struct watch *w, int error, const char *text)
{
    sim_event_cancel(&w->event);
    sim_event_cancel(&w->dead);
    w->created = false;
    if (error != -ESTALE)
        etcd_trouble(w->etcd, w->member);
    w->opts.on_end(error, text, w->opts.arg);
}

static bool in_range(const struct range *r, const char *key)
{
    return r->to ? strcmp(key, r->from) >= 0 && strcmp(key, r->to) < 0 : strcmp(key, r->from) == 0;
}

static bool is_compacted(const struct watch *w)
{
    for (size_t i = 0; i < w->ranges.n; i++)
        if (w->ranges.at[i].next < store.compacted)
            return true;
    return false;
}

static bool has_more(const struct watch *w, const struct range *r)
{
    int64_t from = r->next > w->looked ? r->next : w->looked + 1;

    for (size_t k = store.history.n; k > 0 && store.history.at[k - 1].revision >= from; k--)
        if (in_range(r, store.history.at[k - 1].name->at))
            return true;
    return false;
}

static bool wants_more(struct watch *w)
{
    if (is_compacted(w))
        return true; /* it must be told */
    for (size_t i = 0; i < w->ranges.n; i++)
        if (has_more(w, &w->ranges.at[i]))
            return true;
    w->looked = store.revision;
    return false;
}

static void send_more(struct watch *w)
{
    if (!w->created || w->reset || sim_event_queued(&w->event) || !wants_more(w))
        return;
    w->upto = store.revision;
    sim_event_in(&w->event, way(w));
}

void stream_changed(void)
{
    struct watch *w;

    LIST_FOREACH(w, &watches, link)
    send_more(w);
}

struct events {
    struct watch_event *at;
    size_t n, cap;
};

static void add_event(const struct watch *w, const struct sim_change *c, struct events *ret)
{
    struct watch_event *e = orc_vec_add(ret);

    e->deleted = !c->text;
    e->kv = (struct etcd_kv){.key = c->name->at,
                             .create_revision = c->create,
                             .mod_revision = c->revision,
                             .version = c->version,
                             .lease = c->lease};
    if (!c->text || (w->opts.wanted && !w->opts.wanted(c->name->at, w->opts.arg)))
        return;
    e->kv.value = c->text->at;
    e->kv.value_len = c->text->n;
}

/* The place in the history of the first change at or after a revision. */
static size_t first_change(int64_t revision)
{
    size_t k = store.history.n;

    while (k > 0 && store.history.at[k - 1].revision >= revision)
        k--;
    return k;
}

/* One range's events up to `upto`; the values are held meanwhile, because the owner may do anything. */
static void deliver_range(struct watch *w, size_t i, int64_t upto)
{
    struct range *r = &w->ranges.at[i];
    struct events events = {0};
    ORC_VEC(struct sim_text *) held = {0};
    struct sim_text **text;
    const struct sim_change *c;

    for (size_t k = first_change(r->next); k < store.history.n && store.history.at[k].revision <= upto; k++) {
        c = &store.history.at[k];
        if (!in_range(r, c->name->at))
            continue;
        add_event(w, c, &events);
        if (c->text)
            orc_vec_push(&held, sim_text_hold(c->text));
    }
    r->next = upto + 1 > r->next ? upto + 1 : r->next;
    if (upto > w->proc->seen && in_range(r, "/orc/" SIM_CLUSTER "/tasks/"))
        w->proc->seen = upto;
    if (events.n && events.at[events.n - 1].kv.mod_revision > w->proc->known)
        w->proc->known = events.at[events.n - 1].kv.mod_revision;
    if (events.n)
        w->opts.on_events(i, events.at, events.n, store.cluster_id, w->opts.arg);
    orc_vec_release(&events);
    orc_vec_each (text, &held)
        sim_text_drop(*text);
    orc_vec_release(&held);
}

static void create(struct watch *w)
{
    w->created = true;
    w->opts.on_created(store.cluster_id, store.revision, w->opts.arg);
}

static void deliver(struct watch *w)
{
    int64_t upto = w->upto;

    if (sim_chance(8) && w->upto > 1)
        upto -= (int64_t)sim_below(3); /* the rest comes with the next piece */
    for (size_t i = 0; i < w->ranges.n && !w->freed; i++)
        if (w->ranges.n == 1 || !sim_chance(8))
            deliver_range(w, i, upto);
}

static void on_event(void *arg)
{
    struct watch *w = arg;
    const struct sim_member *m = &cluster.members[w->member];

    if (is_silent(w)) { /* asks again; a peer that is dead is noticed by the other timer */
        sim_event_in(&w->event, 100);
        return;
    }
    w->busy++;
    if (w->reset || w->proc->link.refused || m->down)
        end(w, w->created ? -ECONNRESET : -ECONNREFUSED, "the stream of events broke");
    else if (is_compacted(w))
        end(w, -ESTALE, "the revision to watch from is compacted");
    else if (!w->created)
        create(w);
    else
        deliver(w);
    w->busy--;
    if (w->freed && !w->busy)
        release(w);
    else if (!w->freed)
        send_more(w);
}

/* TCP's own probes find that nothing passes; a stalled member's kernel answers them. */
static void on_dead(void *arg)
{
    struct watch *w = arg;
    uint64_t silent = world.now - w->proc->link.cut_since;

    if (w->proc->link.cut && silent >= w->opts.dead_peer_ms) {
        w->busy++;
        end(w, -ETIMEDOUT, "nothing passes any more");
        w->busy--;
        if (w->freed)
            release(w);
    } else if (w->proc->link.cut) {
        sim_event_in(&w->dead, w->opts.dead_peer_ms - silent);
    }
}

void stream_cut(struct sim_proc *p)
{
    struct watch *w;

    LIST_FOREACH(w, &watches, link)
    if (w->proc == p)
        sim_event_in(&w->dead, w->opts.dead_peer_ms);
}

void stream_reset(size_t member)
{
    struct watch *w;

    LIST_FOREACH(w, &watches, link)
    if (w->member == member && !w->reset) {
        w->reset = true;
        sim_event_in(&w->event, sim_below(20));
    }
}

void stream_reset_all(void)
{
    for (size_t i = 0; i < SIM_ETCD_MEMBERS; i++)
        stream_reset(i);
}

void stream_begin(void)
{
    LIST_INIT(&watches);
}

struct watch *watch_new(struct etcd *e, const struct watch_opts *opts)
{
    struct watch *w = orc_new(struct watch);

    w->etcd = e;
    w->proc = client_proc(e);
    w->opts = *opts;
    w->member = e->current;
    for (size_t i = 0; i < opts->n_ranges; i++)
        orc_vec_push(&w->ranges,
                     ((struct range){orc_strdup(opts->ranges[i].from), orc_strdup(opts->ranges[i].to),
                                     opts->ranges[i].start_revision}));
    sim_event_init(&w->event, w->proc, on_event, w);
    sim_event_init(&w->dead, w->proc, on_dead, w);
    LIST_INSERT_HEAD(&watches, w, link);
    sim_event_in(&w->event, 1 + way(w));
    if (w->proc->link.cut)
        sim_event_in(&w->dead, opts->dead_peer_ms);
    return w;
}
