#include "gateway/table_internal.h"

#include <arpa/inet.h>
#include <stdio.h>

struct gw_table *gw_table_new(void)
{
    struct gw_table *t = orc_new(struct gw_table);

    t->changes = 1; /* NGINX holds nothing yet, not even that there are no endpoints */
    return t;
}

static void clear_nodes(struct gw_table *t)
{
    struct gw_node *n, *next;

    HASH_ITER (hh, t->nodes, n, next) {
        HASH_DEL(t->nodes, n);
        free(n);
    }
}

struct gw_table *gw_table_free(struct gw_table *t)
{
    struct gw_endpoint *e, *next;

    if (!t)
        return NULL;
    HASH_ITER (hh, t->endpoints, e, next)
        gw_endpoint_drop(t, e);
    clear_nodes(t);
    free(t);
    return NULL;
}

/* ---- endpoints */

size_t *gw_table_count(struct gw_table *t, enum gw_endpoint_state state)
{
    switch (state) {
    case GW_READY:
        return &t->counts.ready;
    case GW_DRAINING:
        return &t->counts.draining;
    case GW_SUSPECT:
        return &t->counts.suspect;
    case GW_GONE:
        break;
    }
    return &t->counts.gone;
}

struct gw_endpoint *gw_endpoint_add(struct gw_table *t, const char *task)
{
    for (unsigned i = 0; i < GW_SLOTS; i++) {
        unsigned slot = (t->next_slot + i) % GW_SLOTS;
        struct gw_endpoint *e;

        if (t->by_slot[slot])
            continue;
        e = orc_new(struct gw_endpoint);
        snprintf(e->task, sizeof e->task, "%s", task);
        e->slot = slot;
        e->state = GW_GONE;
        t->counts.gone++;
        t->by_slot[slot] = e;
        t->next_slot = slot + 1;
        t->top = slot < t->top ? t->top : slot + 1;
        HASH_ADD_STR(t->endpoints, task, e);
        return e;
    }
    return NULL;
}

void gw_endpoint_drop(struct gw_table *t, struct gw_endpoint *e)
{
    --*gw_table_count(t, e->state);
    t->by_slot[e->slot] = NULL;
    HASH_DEL(t->endpoints, e);
    free(e);
}

static bool is_chosen(enum gw_endpoint_state s)
{
    return s == GW_READY || s == GW_SUSPECT;
}

void gw_endpoint_become(struct gw_table *t, struct gw_endpoint *e, enum gw_endpoint_state state)
{
    if (e->state == state)
        return;
    if (is_chosen(e->state) || is_chosen(state))
        t->changes++;
    if (is_chosen(e->state) && !is_chosen(state)) {
        e->off = t->changes;
        e->in_flight = 1;
    }
    if (state != GW_GONE)
        e->withdrawn = state != GW_READY;
    --*gw_table_count(t, e->state);
    e->state = state;
    ++*gw_table_count(t, state);
    e->suspect_at = e->back_at = 0;
}

static struct gw_endpoint *find(struct gw_table *t, const char *task)
{
    struct gw_endpoint *e;

    HASH_FIND_STR(t->endpoints, task, e);
    return e;
}

/* ---- feeding */

static int read_ports(const struct key *key, const struct record_endpoint *rec, struct gw_endpoint *ret,
                      struct orc_err *err)
{
    ret->n_ports = 0;
    if (rec->ports.n > GW_PORTS_MAX)
        return orc_fail(err, -EINVAL, "endpoint %s has %zu ports; a gateway serves at most %d", key->task,
                        rec->ports.n, GW_PORTS_MAX);
    for (size_t i = 0; i < rec->ports.n; i++) {
        struct gw_port *p = &ret->ports[ret->n_ports];

        if (rec->ports.at[i].port == 0)
            return orc_fail(err, -EINVAL, "endpoint %s has port 0; expected 1..65535", key->task);
        gw_backend_id(key->app, key->service, rec->ports.at[i].name, p->backend);
        p->port = rec->ports.at[i].port;
        ret->n_ports++;
    }
    return 0;
}

static int read_endpoint(const struct key *key, const struct record_endpoint *rec, struct gw_endpoint *ret,
                         struct orc_err *err)
{
    struct in_addr addr;

    if (key_check_node_name(rec->node, err) < 0) {
        orc_wrap(err, "endpoint %s", key->task);
        return -EINVAL;
    }
    if (!rec->address || inet_pton(AF_INET, rec->address, &addr) != 1 || addr.s_addr == INADDR_ANY ||
        IN_MULTICAST(ntohl(addr.s_addr)) || addr.s_addr == INADDR_BROADCAST)
        return orc_fail(err, -EINVAL, "endpoint %s has no usable address; expected one like 10.210.1.5",
                        key->task);
    ret->address = ntohl(addr.s_addr);
    snprintf(ret->app, sizeof ret->app, "%s", key->app);
    snprintf(ret->service, sizeof ret->service, "%s", key->service);
    snprintf(ret->node, sizeof ret->node, "%s", rec->node);
    return read_ports(key, rec, ret, err);
}

static bool same_way(const struct gw_endpoint *a, const struct gw_endpoint *b)
{
    return a->address == b->address && a->n_ports == b->n_ports &&
           memcmp(a->ports, b->ports, a->n_ports * sizeof a->ports[0]) == 0;
}

/* Another endpoint has the address now: a suspect must not get requests there. */
static void forget_suspects_at(struct gw_table *t, const struct gw_endpoint *holder)
{
    if (t->counts.suspect == 0)
        return;
    for (unsigned i = 0; i < t->top; i++) {
        struct gw_endpoint *e = t->by_slot[i];

        if (e && e != holder && e->state == GW_SUSPECT && e->address == holder->address)
            gw_endpoint_become(t, e, GW_GONE);
    }
}

static void take(struct gw_table *t, struct gw_endpoint *e, const struct gw_endpoint *seen, int64_t lease)
{
    if (!same_way(e, seen)) {
        if (is_chosen(e->state))
            t->changes++;
        e->address = seen->address;
        memcpy(e->ports, seen->ports, sizeof e->ports);
        e->n_ports = seen->n_ports;
    }
    memcpy(e->app, seen->app, sizeof e->app);
    memcpy(e->service, seen->service, sizeof e->service);
    memcpy(e->node, seen->node, sizeof e->node);
    e->lease = lease;
    e->vanished = e->unconfirmed = false;
    forget_suspects_at(t, e);
}

int gw_table_put(struct gw_table *t, const struct key *key, const struct record_endpoint *rec,
                 int64_t mod_revision, int64_t lease, struct orc_err *err)
{
    struct gw_endpoint seen = {0}, *e = find(t, key->task);
    int r = read_endpoint(key, rec, &seen, err);
    enum gw_endpoint_state state = GW_DRAINING;

    if (rec->state == ENDPOINT_DRAINING && mod_revision > t->draining_revision)
        t->draining_revision = mod_revision;
    if (r < 0) {
        gw_table_delete(t, key->task);
        return r;
    }
    if (rec->state == ENDPOINT_READY && !t->held)
        state = GW_READY;
    else if (rec->state == ENDPOINT_READY && e && is_chosen(e->state))
        state = e->state;
    if (!e)
        e = gw_endpoint_add(t, key->task);
    if (!e)
        return orc_fail(err, -ENOSPC, "endpoint %s gets no requests: a gateway serves at most %d endpoints",
                        key->task, GW_SLOTS);
    take(t, e, &seen, lease);
    gw_endpoint_become(t, e, state);
    return 0;
}

void gw_table_delete(struct gw_table *t, const char *task)
{
    struct gw_endpoint *e = find(t, task);

    if (e && e->state != GW_GONE) {
        e->vanished = true;
        t->vanishing = true;
    }
}

void gw_table_node(struct gw_table *t, const char *name, int64_t lease)
{
    struct gw_node *n;

    HASH_FIND_STR(t->nodes, name, n);
    if (n && lease == 0) {
        HASH_DEL(t->nodes, n);
        free(n);
        return;
    }
    if (lease == 0 || strlen(name) > KEY_NAME_MAX)
        return;
    if (!n) {
        n = orc_new(struct gw_node);
        snprintf(n->name, sizeof n->name, "%s", name);
        HASH_ADD_STR(t->nodes, name, n);
    }
    n->lease = lease;
}

void gw_table_service_gone(struct gw_table *t, const char *app, const char *service)
{
    for (unsigned i = 0; i < t->top; i++) {
        struct gw_endpoint *e = t->by_slot[i];

        if (e && e->state == GW_SUSPECT && strcmp(e->app, app) == 0 && strcmp(e->service, service) == 0)
            gw_endpoint_become(t, e, GW_GONE);
    }
}

void gw_table_snapshot(struct gw_table *t)
{
    struct gw_endpoint *e, *next;

    clear_nodes(t);
    HASH_ITER (hh, t->endpoints, e, next)
        e->unconfirmed = e->state != GW_GONE;
    t->vanishing = true;
}

void gw_table_hold(struct gw_table *t, bool held)
{
    t->held = held;
}

void gw_table_doubt(struct gw_table *t)
{
    struct gw_endpoint *e, *next;

    HASH_ITER (hh, t->endpoints, e, next)
        if (e->state == GW_READY)
            gw_endpoint_become(t, e, GW_SUSPECT);
}

void gw_table_forget(struct gw_table *t)
{
    t->revision = t->served = t->draining_revision = t->said_revision = 0;
    t->changes++; /* what is on its way to NGINX is of the other store */
}

/* ---- deciding */

static int64_t lease_of_node(const struct gw_table *t, const char *name)
{
    const struct gw_node *n;

    HASH_FIND_STR(t->nodes, name, n);
    return n ? n->lease : 0;
}

static void vanish(struct gw_table *t, struct gw_endpoint *e, uint64_t now)
{
    bool on_purpose = e->lease != 0 && lease_of_node(t, e->node) == e->lease;

    e->vanished = e->unconfirmed = false;
    if (e->state == GW_DRAINING || on_purpose || t->held) {
        gw_endpoint_become(t, e, GW_GONE);
    } else if (e->state == GW_READY) {
        gw_endpoint_become(t, e, GW_SUSPECT);
        e->suspect_at = now;
    }
}

/* Suspects whose node is back without them, and whose address was given to somebody else before they
 * vanished. */
static void judge_suspects(struct gw_table *t, uint64_t now)
{
    for (unsigned i = 0; i < t->top && t->counts.suspect > 0; i++) {
        struct gw_endpoint *e = t->by_slot[i];

        if (!e || e->state != GW_SUSPECT)
            continue;
        if (e->suspect_at == 0)
            e->suspect_at = now;
        if (lease_of_node(t, e->node) == 0)
            e->back_at = 0;
        else if (e->back_at == 0)
            e->back_at = now > 0 ? now : 1;
    }
}

/* Those whose address somebody else had got before they vanished. */
static void forget_shadowed(struct gw_table *t)
{
    for (unsigned i = 0; i < t->top && t->counts.suspect > 0; i++) {
        const struct gw_endpoint *e = t->by_slot[i];

        if (e && (e->state == GW_READY || e->state == GW_DRAINING))
            forget_suspects_at(t, e);
    }
}

void gw_table_commit(struct gw_table *t, int64_t revision, uint64_t now)
{
    struct gw_endpoint *e, *next;

    t->revision = revision;
    if (t->vanishing) {
        size_t before = t->counts.suspect;

        HASH_ITER (hh, t->endpoints, e, next)
            if (e->vanished || e->unconfirmed)
                vanish(t, e, now);
        t->vanishing = false;
        if (t->counts.suspect > before)
            forget_shadowed(t);
    }
    judge_suspects(t, now);
    gw_table_settle(t);
}

static uint64_t suspect_deadline(const struct gw_endpoint *e)
{
    uint64_t at = e->suspect_at + GW_SUSPECT_MS;

    return e->back_at && e->back_at + GW_SUSPECT_RETURN_MS < at ? e->back_at + GW_SUSPECT_RETURN_MS : at;
}

void gw_table_expire(struct gw_table *t, uint64_t now)
{
    for (unsigned i = 0; i < t->top && t->counts.suspect > 0; i++) {
        struct gw_endpoint *e = t->by_slot[i];

        if (e && e->state == GW_SUSPECT && suspect_deadline(e) <= now)
            gw_endpoint_become(t, e, GW_GONE);
    }
}

uint64_t gw_table_deadline(const struct gw_table *t)
{
    uint64_t at = 0;

    for (unsigned i = 0; i < t->top && t->counts.suspect > 0; i++) {
        const struct gw_endpoint *e = t->by_slot[i];

        if (e && e->state == GW_SUSPECT && (at == 0 || suspect_deadline(e) < at))
            at = suspect_deadline(e);
    }
    return at;
}

int64_t gw_table_revision(const struct gw_table *t)
{
    return t->revision;
}

struct gw_table_counts gw_table_counts(const struct gw_table *t)
{
    return t->counts;
}
