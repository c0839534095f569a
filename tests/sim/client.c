/* client.c - stands in for orc's etcd client: each request is a message that takes time and may get lost.
 *
 * Reproduces what etcd.h promises (failing over, time-outs, `maybe`, calls that end once) and asks the real
 * etcd_doubt.c what may be sent and believed. A request that has left goes on without its process: it may
 * change the store long after that has crashed or given up.
 */
#include "tests/sim/cluster.h"

#include "state/etcd_internal.h"

#include <stdio.h>

#define TIMEOUT_MS 5000

enum ask { ASK_GET, ASK_SCAN, ASK_TXN, ASK_GRANT, ASK_KEEPALIVE, ASK_REVOKE, ASK_WHO };

struct request {
    int holders;
    enum ask ask;
    char *key;
    struct sim_txn txn;
    int64_t lease, ttl_s;
};

struct client {
    struct etcd etcd; /* first: its fields that the code above looks at are those of the real one */
    struct sim_proc *proc;
    uint64_t kept[SIM_ETCD_MEMBERS]; /* connections that are open: to which store, counted from 1; 0: none */
};

struct scan {
    char *next; /* NULL: the first page */
    int64_t revision;
    etcd_cb *on_page;
};

/* What the real struct etcd_call holds for its transport is left unused; this is behind it. */
struct call {
    struct etcd_call base;
    struct request *req;
    struct message *msg;    /* on its way; NULL */
    struct sim_event timer; /* the attempt's time-out, or the end of a call that was not sent */
    struct scan scan;
    ORC_VEC(struct etcd_kv) kvs;
    char text[200];
};

struct message {
    struct sim_event event;
    struct call *call; /* NULL: nobody waits for the answer any more */
    struct sim_proc *proc;
    struct request *req;
    enum ask ask;
    char *from;       /* scans: the page's first key */
    int64_t revision; /* of a scan */
    size_t member;
    int error;      /* of the way */
    uint64_t store; /* which one it was sent to: its connection does not outlast that */
    struct sim_answer answer;
};

/* ---- requests */

static struct request *request_new(enum ask ask, const char *key)
{
    struct request *r = orc_new(struct request);

    r->holders = 1;
    r->ask = ask;
    r->key = orc_strdup(key);
    return r;
}

static void request_drop(struct request *r)
{
    if (--r->holders)
        return;
    sim_txn_release(&r->txn);
    free(r->key);
    free(r);
}

static void message_free(struct message *m)
{
    if (m->call)
        m->call->msg = NULL;
    sim_event_cancel(&m->event);
    sim_answer_release(&m->answer);
    request_drop(m->req);
    free(m->from);
    free(m);
}

/* ---- at the store */

static void execute(struct message *m)
{
    const struct request *r = m->req;
    struct sim_answer *a = &m->answer;

    switch (m->ask) {
    case ASK_GET:
        store_get(r->key, a);
        break;
    case ASK_SCAN:
        store_scan(r->key, m->from, cluster.page, m->revision, a);
        break;
    case ASK_TXN:
        store_txn(&r->txn, a);
        break;
    case ASK_GRANT:
        store_grant(r->ttl_s, a);
        break;
    case ASK_KEEPALIVE:
        store_keepalive(r->lease, a);
        break;
    case ASK_REVOKE:
        store_revoke(r->lease, a);
        break;
    case ASK_WHO:
        store_get("", a);
        break;
    }
}

static uint64_t way(const struct sim_proc *p)
{
    return sim_below(3) + sim_below(p->link.slow + 1);
}

static void deliver(void *arg);

static void send_back(struct message *m, uint64_t ms)
{
    sim_event_init(&m->event, m->proc, deliver, m);
    sim_event_in(&m->event, ms);
}

static struct client *client_of(struct call *c)
{
    return (struct client *)c->base.e;
}

/* What has been answered over a connection is asked over it again, until it breaks. */
static void keep(const struct message *m, bool open)
{
    if (m->call)
        client_of(m->call)->kept[m->member] = open ? store.times_replaced + 1 : 0;
}

static void arrive(void *arg)
{
    struct message *m = arg;
    struct sim_member *member = &cluster.members[m->member];

    if (m->proc->link.cut || member->stalled) {
        message_free(m); /* the time-out tells */
        return;
    }
    keep(m, !member->down && m->store == store.times_replaced);
    if (member->down || m->store != store.times_replaced) {
        m->error = -ECONNRESET;
        send_back(m, way(m->proc));
        return;
    }
    execute(m);
    if (sim_chance(m->proc->link.flaky))
        m->error = -ECONNRESET;
    if (m->call)
        send_back(m, way(m->proc));
    else
        message_free(m);
}

/* ---- calls */

static void attempt(struct call *c);

static void free_call(struct call *c)
{
    if (c->msg)
        c->msg->call = NULL;
    sim_event_cancel(&c->timer);
    request_drop(c->req);
    orc_vec_release(&c->kvs);
    free(c->scan.next);
    free(c);
}

static void finish(struct call *c)
{
    struct etcd_call *b = &c->base;

    sim_event_cancel(&c->timer);
    LIST_REMOVE(b, link);
    b->result.error_text = b->result.error ? c->text : "";
    b->result.kvs = c->kvs.at;
    b->result.n_kvs = b->result.error ? 0 : c->kvs.n;
    b->cb(&b->result, b->arg);
    if (!b->busy)
        free_call(c);
}

void etcd_trouble(struct etcd *e, size_t endpoint)
{
    struct etcd_listener *l, *next;

    e->doubt.doubts++;
    if (e->current == endpoint)
        e->current = (endpoint + 1) % SIM_ETCD_MEMBERS;
    for (l = LIST_FIRST(&e->listeners); l; l = next) {
        next = LIST_NEXT(l, link);
        l->on_trouble(endpoint, l->arg);
    }
}

static void tell_doubt(struct etcd *e)
{
    struct etcd_listener *l, *next;

    for (l = LIST_FIRST(&e->listeners); l; l = next) {
        next = LIST_NEXT(l, link);
        if (l->on_doubt)
            l->on_doubt(l->arg);
    }
}

static void failed(struct call *c, int error, bool unsent, const char *why)
{
    struct etcd_call *b = &c->base;
    size_t tries_max = SIM_ETCD_MEMBERS + (error == -ECONNRESET ? 1 : 0);
    bool again = !b->once && !b->pinned && b->tries < tries_max && (unsent || !b->write);

    snprintf(c->text, sizeof c->text, "etcd member %zu: %s", b->endpoint, why);
    b->result.error = error;
    b->result.maybe = b->write && !unsent;
    if (!again) {
        finish(c);
        return;
    }
    b->endpoint = (b->endpoint + 1) % SIM_ETCD_MEMBERS;
    attempt(c);
}

static void lost(struct call *c, int error, const char *why)
{
    etcd_trouble(c->base.e, c->base.endpoint);
    failed(c, error, c->base.judging || error == -ECONNREFUSED, why);
}

static void take_reads(struct call *c, const struct sim_answer *a)
{
    const struct sim_read *r;

    c->kvs.n = 0;
    orc_vec_each (r, &a->reads)
        orc_vec_push(&c->kvs, ((struct etcd_kv){r->name->at, r->text->at, r->text->n, r->create, r->mod,
                                                r->version, r->lease}));
}

/* A page that is not the last: given over, and the next one is asked for. */
static void turn_page(struct call *c, const struct sim_answer *a)
{
    struct etcd_call *b = &c->base;
    struct sim_read *last = &a->reads.at[a->reads.n - 1];

    free(c->scan.next);
    c->scan.next = orc_printf("%s\x01", last->name->at);
    b->result.kvs = c->kvs.at;
    b->result.n_kvs = c->kvs.n;
    b->busy = true;
    c->scan.on_page(&b->result, b->arg);
    b->busy = false;
    if (b->cancelled) {
        free_call(c);
        return;
    }
    b->tries = 0;
    attempt(c);
}

static void answered(struct call *c, const struct sim_answer *a)
{
    struct etcd_call *b = &c->base;

    if (!etcd_doubt_learn(&b->e->doubt, a->cluster_id, a->revision, b->result.asked_at, b->doubts, b->lease))
        tell_doubt(b->e);
    if (b->judging) {
        b->tries--;
        attempt(c);
        return;
    }
    b->result.cluster_id = a->cluster_id;
    b->result.revision = a->revision;
    if (a->error) {
        b->once = true;
        failed(c, a->error, true, a->error == -ESTALE ? "compacted" : "no such lease");
        return;
    }
    b->result.error = 0;
    b->result.succeeded = a->succeeded;
    b->result.lease = a->lease;
    b->result.ttl_s = a->ttl_s;
    take_reads(c, a);
    if (c->req->ask == ASK_SCAN) {
        if (!c->scan.revision)
            c->scan.revision = a->revision;
        b->result.revision = c->scan.revision;
        if (strstr(c->req->key, "/tasks/"))
            client_of(c)->proc->seen = c->scan.revision;
    }
    if (a->more)
        turn_page(c, a);
    else
        finish(c);
}

static void deliver(void *arg)
{
    struct message *m = arg;
    struct call *c = m->call;
    struct sim_answer answer = m->answer;
    int error = m->error;

    if (!c || m->proc->link.cut || cluster.members[m->member].stalled) {
        message_free(m);
        return;
    }
    memset(&m->answer, 0, sizeof m->answer);
    message_free(m);
    sim_event_cancel(&c->timer);
    if (error == -ECONNREFUSED)
        lost(c, error, "connection refused");
    else if (error)
        lost(c, error, "connection reset by peer");
    else
        answered(c, &answer);
    sim_answer_release(&answer);
}

static void on_timer(void *arg)
{
    struct call *c = arg;

    if (c->base.result.error == -EPERM) {
        finish(c);
        return;
    }
    if (c->msg)
        c->msg->call = NULL;
    c->msg = NULL;
    lost(c, -ETIMEDOUT, "no answer in time");
}

static uint64_t attempt_ms(const struct call *c)
{
    const struct etcd_call *b = &c->base;

    return b->write || b->once || b->pinned ? b->timeout_ms : b->timeout_ms / SIM_ETCD_MEMBERS;
}

static void send_request(struct call *c)
{
    struct message *m = orc_new(struct message);
    struct sim_proc *p = client_of(c)->proc;
    uint64_t kept = client_of(c)->kept[c->base.endpoint];

    m->call = c;
    c->msg = m;
    m->proc = p;
    m->req = c->req;
    m->req->holders++;
    m->ask = c->base.judging ? ASK_WHO : c->req->ask;
    m->from = orc_strdup(c->scan.next);
    m->revision = c->scan.revision;
    m->member = c->base.endpoint;
    m->store = kept ? kept - 1 : store.times_replaced;
    if (p->link.refused || cluster.members[m->member].down) {
        m->error = -ECONNREFUSED;
        send_back(m, 1);
        return;
    }
    sim_event_init(&m->event, NULL, arrive, m);
    sim_event_in(&m->event, way(p));
}

static void attempt(struct call *c)
{
    struct etcd_call *b = &c->base;
    enum etcd_leave leave = etcd_doubt_leave(&b->e->doubt, b->write);

    if (leave == ETCD_HOLD) {
        b->result.error = -EPERM;
        b->result.maybe = false;
        snprintf(c->text, sizeof c->text, "%.190s", b->e->doubt.guard->reason);
        sim_event_in(&c->timer, 0);
        return;
    }
    b->result.error = 0;
    b->judging = leave == ETCD_ASK;
    b->tries++;
    b->doubts = b->e->doubt.doubts;
    b->result.asked_at = etcd_doubt_asked_at(&b->e->doubt);
    sim_event_in(&c->timer, attempt_ms(c));
    send_request(c);
}

static struct call *call_new(struct etcd *e, struct request *req, etcd_cb *cb, void *arg)
{
    struct call *c = orc_new(struct call);

    c->base.e = e;
    c->base.endpoint = e->current;
    c->base.timeout_ms = TIMEOUT_MS;
    c->base.cb = cb;
    c->base.arg = arg;
    c->req = req;
    sim_event_init(&c->timer, ((struct client *)e)->proc, on_timer, c);
    LIST_INSERT_HEAD(&e->calls, &c->base, link);
    return c;
}

static struct etcd_call *start(struct call *c)
{
    attempt(c);
    return &c->base;
}

void etcd_cancel(struct etcd_call *b)
{
    struct call *c = (struct call *)b;

    b->cancelled = true;
    b->result.error = -ECANCELED;
    b->result.maybe = b->write && b->tries > 0 && !b->judging;
    snprintf(c->text, sizeof c->text, "cancelled");
    finish(c);
}

/* ---- etcd.h */

struct etcd *etcd_new(uv_loop_t *loop, const struct etcd_opts *opts, struct orc_err *err)
{
    struct client *c = orc_new(struct client);

    LIST_INIT(&c->etcd.calls);
    LIST_INIT(&c->etcd.listeners);
    c->etcd.current = sim_below(SIM_ETCD_MEMBERS);
    c->proc = world.current;
    return &c->etcd;
}

struct etcd *etcd_free(struct etcd *e)
{
    if (!e)
        return NULL;
    while (!LIST_EMPTY(&e->calls))
        etcd_cancel(LIST_FIRST(&e->calls));
    free(e);
    return NULL;
}

const char *etcd_endpoint(const struct etcd *e)
{
    static const char *const names[SIM_ETCD_MEMBERS] = {"member 0", "member 1", "member 2"};

    return names[e->current];
}

struct sim_proc *client_proc(struct etcd *e)
{
    return ((struct client *)e)->proc;
}

void etcd_listen(struct etcd *e, struct etcd_listener *l)
{
    LIST_INSERT_HEAD(&e->listeners, l, link);
}

void etcd_unlisten(struct etcd_listener *l)
{
    LIST_REMOVE(l, link);
}

void etcd_guard(struct etcd *e, struct guard *g)
{
    e->doubt.guard = g;
    e->doubt.doubts++;
}

struct etcd_call *etcd_get(struct etcd *e, const char *key, etcd_cb *cb, void *arg)
{
    return start(call_new(e, request_new(ASK_GET, key), cb, arg));
}

struct etcd_call *etcd_get_at(struct etcd *e, size_t endpoint, const char *key, uint64_t timeout_ms,
                              etcd_cb *cb, void *arg)
{
    struct call *c = call_new(e, request_new(ASK_GET, key), cb, arg);

    c->base.pinned = true;
    c->base.endpoint = endpoint;
    c->base.timeout_ms = timeout_ms;
    return start(c);
}

struct etcd_call *etcd_scan(struct etcd *e, const char *prefix, int64_t revision, etcd_cb *on_page,
                            etcd_cb *cb, void *arg)
{
    struct call *c = call_new(e, request_new(ASK_SCAN, prefix), cb, arg);

    c->scan.revision = revision;
    c->scan.on_page = on_page;
    return start(c);
}

struct etcd_call *etcd_lease_grant(struct etcd *e, int64_t ttl_s, etcd_cb *cb, void *arg)
{
    struct call *c = call_new(e, request_new(ASK_GRANT, NULL), cb, arg);

    c->base.lease = true;
    c->req->ttl_s = ttl_s;
    return start(c);
}

struct etcd_call *etcd_lease_keepalive_once(struct etcd *e, int64_t lease, uint64_t timeout_ms, etcd_cb *cb,
                                            void *arg)
{
    struct call *c = call_new(e, request_new(ASK_KEEPALIVE, NULL), cb, arg);

    c->base.lease = c->base.once = true;
    c->base.timeout_ms = timeout_ms;
    c->req->lease = lease;
    return start(c);
}

struct etcd_call *etcd_lease_revoke(struct etcd *e, int64_t lease, etcd_cb *cb, void *arg)
{
    struct call *c = call_new(e, request_new(ASK_REVOKE, NULL), cb, arg);

    c->base.lease = true;
    c->req->lease = lease;
    return start(c);
}

/* ---- transactions */

struct etcd_txn {
    struct request *req;
    size_t bytes;
};

struct etcd_txn *etcd_txn_new(void)
{
    struct etcd_txn *t = orc_new(struct etcd_txn);

    t->req = request_new(ASK_TXN, NULL);
    return t;
}

struct etcd_txn *etcd_txn_free(struct etcd_txn *t)
{
    if (t)
        request_drop(t->req);
    free(t);
    return NULL;
}

static struct sim_compare *compare(struct etcd_txn *t, const char *key, enum sim_compare_kind kind)
{
    struct sim_compare *c = orc_vec_add(&t->req->txn.compares);

    c->key = orc_strdup(key);
    c->kind = kind;
    t->bytes += strlen(key);
    return c;
}

void etcd_txn_if_create_revision(struct etcd_txn *t, const char *key, int64_t revision)
{
    compare(t, key, SIM_CREATE)->revision = revision;
}

void etcd_txn_if_mod_revision(struct etcd_txn *t, const char *key, int64_t revision)
{
    compare(t, key, SIM_MOD)->revision = revision;
}

void etcd_txn_if_exists(struct etcd_txn *t, const char *key)
{
    compare(t, key, SIM_EXISTS);
}

void etcd_txn_if_value(struct etcd_txn *t, const char *key, const char *value)
{
    compare(t, key, SIM_VALUE)->value = orc_strdup(value);
}

static struct sim_op *op(struct etcd_txn *t, const char *key, enum sim_op_kind kind)
{
    struct sim_op *o = orc_vec_add(&t->req->txn.then);

    o->key = orc_strdup(key);
    o->kind = kind;
    t->bytes += strlen(key);
    return o;
}

void etcd_txn_put(struct etcd_txn *t, const char *key, const char *value, int64_t lease)
{
    struct sim_op *o = op(t, key, SIM_PUT);

    o->value = orc_strdup(value);
    o->lease = lease;
    t->bytes += strlen(value);
    t->req->txn.writes = true;
}

void etcd_txn_delete(struct etcd_txn *t, const char *key)
{
    op(t, key, SIM_DELETE);
    t->req->txn.writes = true;
}

void etcd_txn_get(struct etcd_txn *t, const char *key)
{
    op(t, key, SIM_GET);
}

void etcd_txn_get_prefix(struct etcd_txn *t, const char *prefix)
{
    op(t, prefix, SIM_GET_PREFIX);
}

void etcd_txn_else_get(struct etcd_txn *t, const char *key)
{
    struct sim_op *o = orc_vec_add(&t->req->txn.otherwise);

    o->key = orc_strdup(key);
    o->kind = SIM_GET;
}

size_t etcd_txn_n_compares(const struct etcd_txn *t)
{
    return t->req->txn.compares.n;
}

size_t etcd_txn_n_ops(const struct etcd_txn *t)
{
    return t->req->txn.then.n;
}

size_t etcd_txn_bytes(const struct etcd_txn *t)
{
    return t->bytes;
}

struct etcd_call *etcd_txn_commit(struct etcd *e, struct etcd_txn *t, etcd_cb *cb, void *arg)
{
    struct request *req = t->req;
    struct call *c = call_new(e, req, cb, arg);

    if (req->txn.compares.n > ETCD_TXN_OPS_MAX || req->txn.then.n > ETCD_TXN_OPS_MAX ||
        t->bytes > ETCD_TXN_BYTES_MAX)
        sim_broken("transaction-limits", "%s writes a transaction of %zu compares and %zu operations",
                   client_proc(e)->name, req->txn.compares.n, req->txn.then.n);
    free(t);
    c->base.write = req->txn.writes;
    req->txn.by = client_proc(e);
    req->txn.seen = client_proc(e)->seen;
    return start(c);
}
