/* feed_node.c - nodes and gateways: what they say of themselves, and their heartbeats. */
#include "scheduler/feed.h"

#include "scheduler/demand.h"
#include "scheduler/place_node.h"
#include "scheduler/place_volume.h"
#include "lib/hash.h"
#include "scheduler/rows.h"

#include <arpa/inet.h>

/* ---- nodes ------------------------------------------------------------------------------------------- */

void feed_free_node(struct core *c, struct core_node *n)
{
    if (n->missing)
        DL_DELETE2(c->missing, n, missing_prev, missing_next);
    if (n->restate)
        DL_DELETE2(c->restate, n, restate_prev, restate_next);
    if (n->leaving)
        DL_DELETE2(c->leaving, n, leaving_prev, leaving_next);
    place_volumes_learn(c, n, NULL);
    rows_drop(c, n);
    if (c->got_node == n)
        c->got_node = NULL;
    HASH_DEL(c->nodes, n);
    record_node_release(&n->rec);
    record_node_policy_release(&n->policy);
    record_node_state_release(&n->state);
    orc_vec_release(&n->ports);
    orc_vec_release(&n->octets_again);
    share_text_drop(n->shared);
    free(n);
}

void feed_drop_node(struct core *c, struct core_node *n)
{
    if (!n->fed.present && !n->policy_fed.present && !n->alive_fed.present && !n->state_fed.present &&
        !n->tasks)
        feed_free_node(c, n);
}

static uint32_t subnet_of(const struct record_node *n)
{
    char text[INET_ADDRSTRLEN] = "";
    const char *slash = n->subnet ? strchr(n->subnet, '/') : NULL;
    struct in_addr a;

    if (!slash || (size_t)(slash - n->subnet) >= sizeof text || strcmp(slash, "/24") != 0)
        return 0;
    memcpy(text, n->subnet, (size_t)(slash - n->subnet));
    return inet_pton(AF_INET, text, &a) == 1 ? ntohl(a.s_addr) & 0xffffff00 : 0;
}

/* Only who may come has changed: what is there may stay. */
static void room_changed(struct core *c, struct core_node *n)
{
    bool open = n->open;

    rows_update(c, n);
    c->frees_room = true;
    c->opened = c->opened || open != n->open;
    core_restate(c, n);
}

static void node_changed(struct core *c, struct core_node *n)
{
    room_changed(c, n);
    c->opened = true;
    rows_labels(c, n);
    core_dirty_node(c, n);
}

static bool same_pairs(const struct spec_pairs *a, const struct spec_pairs *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (!orc_streq(a->at[i].key, b->at[i].key) || !orc_streq(a->at[i].value, b->at[i].value))
            return false;
    return a->n == b->n;
}

static bool known(const struct core_fed *f)
{
    return f->present && !f->unreadable;
}

void feed_node(struct core *c, const struct key *k, struct record_node *r, int64_t create, int64_t mod)
{
    struct core_node *n = core_node_get(c, k->node);
    bool same;

    if (r && (!feed_is_modest(r->capacity) || !feed_is_modest(r->reserve)))
        r = NULL;
    same = r && known(&n->fed) && same_pairs(&r->labels, &n->rec.labels) &&
           same_pairs(&r->engine_labels, &n->rec.engine_labels) && orc_streq(r->os, n->rec.os) &&
           orc_streq(r->arch, n->rec.arch);
    if (r) /* of one that can't be read it is not known that its volumes are gone */
        place_volumes_learn(c, n, &r->volumes);
    FEED_MOVE(&n->rec, r, record_node_release);
    feed_note(&n->fed, r, create, mod);
    n->subnet = subnet_of(&n->rec);
    demand_node(c, n);
    if (same)
        room_changed(c, n);
    else
        node_changed(c, n);
}

/* A drain and its deadline are the policy's; since when it lasts is observed. */
static void drain_changed(struct core *c, struct core_node *n)
{
    bool leaves = n->policy.drain && n->policy.drain_deadline_ms;

    if (leaves && !n->leaving)
        DL_APPEND2(c->leaving, n, leaving_prev, leaving_next);
    else if (!leaves && n->leaving)
        DL_DELETE2(c->leaving, n, leaving_prev, leaving_next);
    n->leaving = leaves;
    if (!n->policy.drain)
        n->drain_at = 0;
    if (!leaves) /* nor when only the deadline was taken back */
        n->forced = false;
    c->nodes_changed = true;
}

void feed_policy(struct core *c, const struct key *k, struct record_node_policy *r, int64_t create,
                 int64_t mod)
{
    struct core_node *n = core_node_get(c, k->node);
    bool same = r && !n->policy_fed.unreadable && r->drain == n->policy.drain &&
                same_pairs(&r->labels, &n->policy.labels);

    FEED_MOVE(&n->policy, r, record_node_policy_release);
    feed_note(&n->policy_fed, r, create, mod);
    drain_changed(c, n);
    if (same)
        room_changed(c, n);
    else
        node_changed(c, n);
}

/* Our own word of it, or what another leader said before. */
void feed_node_state(struct core *c, const struct key *k, struct record_node_state *r, int64_t create,
                     int64_t mod)
{
    struct core_node *n = core_node_get(c, k->node);

    FEED_MOVE(&n->state, r, record_node_state_release);
    feed_note(&n->state_fed, r, create, mod);
    core_restate(c, n);
}

static void alive_changed(struct core *c, struct core_node *n)
{
    struct core_task *t;

    for (t = n->tasks; t; t = t->node_next)
        core_touch(c, t);
    c->nodes_changed = true;
    node_changed(c, n);
}

uint16_t feed_boot(const char *boot_id)
{
    size_t n = boot_id ? strnlen(boot_id, RECORD_BOOT_MAX - 1) : 0; /* as record_boot() */

    return n ? (uint16_t)(1 + orc_hash64(0, boot_id, n) % UINT16_MAX) : 0;
}

void feed_alive(struct core *c, const struct key *k, const struct record_alive *r, int64_t create,
                int64_t mod)
{
    struct core_node *n = core_node_get(c, k->node);

    feed_note(&n->alive_fed, n, create, mod); /* unreadable or not: it is there */
    n->boot = r ? feed_boot(r->boot_id) : 0;
    n->was_alive = true;
    n->lost = false;
    n->gone_at = 0;
    n->on_hold = false;
    if (n->missing)
        DL_DELETE2(c->missing, n, missing_prev, missing_next);
    n->missing = false;
    alive_changed(c, n);
}

void feed_node_gone(struct core *c, const struct key *k)
{
    struct core_node *n = core_node_find(c, k->node);

    if (!n)
        return;
    if (k->kind == KEY_NODE) {
        place_volumes_learn(c, n, NULL);
        record_node_release(&n->rec);
        n->fed = (struct core_fed){0};
        n->subnet = 0;
        demand_node(c, n);
        c->nodes_changed = true;
    } else if (k->kind == KEY_NODE_POLICY) {
        record_node_policy_release(&n->policy);
        n->policy_fed = (struct core_fed){0};
        drain_changed(c, n);
    } else if (k->kind == KEY_NODE_STATE) {
        record_node_state_release(&n->state);
        n->state_fed = (struct core_fed){0};
        core_restate(c, n);
        feed_drop_node(c, n);
        return;
    } else if (n->alive_fed.present) {
        n->alive_fed = (struct core_fed){0};
        n->missing = true;
        DL_APPEND2(c->missing, n, missing_prev, missing_next);
        alive_changed(c, n);
    }
    node_changed(c, n);
    feed_drop_node(c, n);
}

/* ---- subnets ----------------------------------------------------------------------------------------- */

void feed_subnet(struct core *c, const struct key *k, const struct record_subnet *r, int64_t mod)
{
    struct core_subnet *s = NULL;

    HASH_FIND(hh, c->subnets, &k->n, sizeof k->n, s);
    if (!s) {
        s = orc_new(struct core_subnet);
        s->k = k->n;
        HASH_ADD(hh, c->subnets, k, sizeof s->k, s);
    }
    s->mod = mod;
    orc_set_str(&s->node, r ? r->node : NULL);
}

void feed_subnet_gone(struct core *c, const struct key *k)
{
    struct core_subnet *s = NULL;

    HASH_FIND(hh, c->subnets, &k->n, sizeof k->n, s);
    if (!s)
        return;
    HASH_DEL(c->subnets, s);
    free(s->node);
    free(s);
}

/* ---- gateways ---------------------------------------------------------------------------------------- */

static void list_gateway(struct core *c, struct core_gateway *g)
{
    bool absent = g->fed.present && !g->alive_fed.present;

    if (absent && !g->listed)
        DL_APPEND(c->absent_gateways, g);
    else if (!absent && g->listed)
        DL_DELETE(c->absent_gateways, g);
    g->listed = absent;
    g->planned = false;
    g->gone_at = 0;
    if (g->fed.present || g->alive_fed.present)
        return;
    HASH_DEL(c->gateways, g);
    free(g->id);
    free(g);
}

void feed_gateway(struct core *c, const struct key *k, bool there, int64_t create, int64_t mod)
{
    struct core_gateway *g = NULL;
    struct core_fed fed = {.present = there, .create = create, .mod = mod};
    bool before;

    HASH_FIND_STR(c->gateways, k->node, g);
    if (!g) {
        if (!there)
            return;
        g = orc_new(struct core_gateway);
        g->id = orc_strdup(k->node);
        HASH_ADD_KEYPTR(hh, c->gateways, g->id, strlen(g->id), g);
    }
    before = k->kind == KEY_GATEWAY ? g->fed.present : g->alive_fed.present;
    *(k->kind == KEY_GATEWAY ? &g->fed : &g->alive_fed) = fed;
    if (before != there || k->kind == KEY_GATEWAY)
        list_gateway(c, g);
}
