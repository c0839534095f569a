/* feed.c - one change of the store into the model: every index and sum is kept right here and nowhere else.
 */
#include "scheduler/core.h"
#include "scheduler/model.h"

#include <arpa/inet.h>
#include <stdio.h>

/* Moves a record of the caller into place; NULL leaves an empty one. */
#define MOVE(dst, src, release)                                                                              \
    do {                                                                                                     \
        release(dst);                                                                                        \
        if (src) {                                                                                           \
            memcpy((dst), (src), sizeof *(dst));                                                             \
            memset((src), 0, sizeof *(dst));                                                                 \
        }                                                                                                    \
    } while (0)

static void fed_put(struct core_fed *f, const void *record, int64_t create, int64_t mod)
{
    *f = (struct core_fed){.present = true, .unreadable = !record, .create = create, .mod = mod};
}

/* A million CPUs, a pebibyte: more is nonsense written by hand, and sums of it would overflow. */
static bool modest(struct spec_resources r)
{
    const int64_t max = INT64_C(1) << 50;

    return r.cpus_nano >= 0 && r.cpus_nano <= max && r.memory >= 0 && r.memory <= max;
}

/* ---- what a task takes on its node ------------------------------------------------------------------- */

static void ports_drop(struct core_task *t)
{
    struct core_node *n = t->node;
    size_t kept = 0;

    for (size_t i = 0; i < n->ports.n; i++)
        if (n->ports.at[i].task != t)
            n->ports.at[kept++] = n->ports.at[i];
    n->ports.n = kept;
}

static void ports_add(struct core_task *t)
{
    for (size_t i = 0; i < t->rec.ports.n; i++) {
        struct core_port *p;

        if (!t->rec.ports.at[i].host)
            continue;
        p = orc_vec_add(&t->node->ports);
        p->port = t->rec.ports.at[i];
        p->task = t;
        snprintf(p->id, sizeof p->id, "%s", t->id);
    }
}

static void uncount(struct core *c, struct core_task *t)
{
    if (t->counted) {
        t->node->used.cpus_nano -= t->rec.resources.cpus_nano;
        t->node->used.memory -= t->rec.resources.memory;
        t->node->n_tasks--;
        ports_drop(t);
        t->counted = false;
    }
    if (t->address_counted)
        t->node->octets[t->octet]--;
    t->address_counted = false;
}

static void count_address(struct core_task *t)
{
    struct in_addr a;

    if (!t->fed.present || !t->rec.address || inet_pton(AF_INET, t->rec.address, &a) != 1)
        return;
    t->octet = (uint8_t)(ntohl(a.s_addr) & 255);
    t->node->octets[t->octet]++;
    t->address_counted = true;
}

static void count(struct core *c, struct core_task *t)
{
    count_address(t);
    if (!core_task_holds(t))
        return;
    t->node->used.cpus_nano += t->rec.resources.cpus_nano;
    t->node->used.memory += t->rec.resources.memory;
    t->node->n_tasks++;
    ports_add(t);
    t->counted = true;
}

/* ---- emptiness: what nothing refers to any more is freed --------------------------------------------- */

static void node_free(struct core *c, struct core_node *n)
{
    if (n->missing)
        DL_DELETE2(c->missing, n, missing_prev, missing_next);
    HASH_DEL(c->nodes, n);
    record_node_release(&n->rec);
    record_node_policy_release(&n->policy);
    orc_vec_release(&n->ports);
    orc_vec_release(&n->tent.ports);
    free(n->name);
    free(n);
}

static void node_drop_if_empty(struct core *c, struct core_node *n)
{
    if (!n->fed.present && !n->policy_fed.present && !n->alive_fed.present && !n->tasks)
        node_free(c, n);
}

static void app_drop_if_empty(struct core *c, struct core_app *a)
{
    if (a->fed.present || a->services)
        return;
    HASH_DEL(c->apps, a);
    record_app_release(&a->rec);
    free(a->name);
    free(a);
}

static void service_free(struct core *c, struct core_service *s)
{
    if (s->dirty)
        DL_DELETE2(c->dirty, s, dirty_prev, dirty_next);
    if (s->timed)
        DL_DELETE2(c->timed, s, timed_prev, timed_next);
    core_wait_room(c, s, false);
    DL_DELETE2(s->app->services, s, app_prev, app_next);
    HASH_DEL(c->services, s);
    record_rollout_release(&s->rollout);
    record_intent_release(&s->intent);
    free(s->name);
    free(s);
}

static void service_drop_if_empty(struct core *c, struct core_service *s)
{
    struct core_app *a = s->app;

    if (s->rollout_fed.present || s->intent_fed.present || s->revisions || s->tasks || core_service_wanted(s))
        return;
    service_free(c, s);
    app_drop_if_empty(c, a);
}

static void task_free(struct core *c, struct core_task *t)
{
    if (t->touched)
        DL_DELETE2(c->touched, t, touched_prev, touched_next);
    if (t->removed_at)
        DL_DELETE2(c->removed, t, removed_prev, removed_next);
    else if (t->collectable)
        DL_DELETE2(c->orphans, t, removed_prev, removed_next);
    DL_DELETE2(t->node->tasks, t, node_prev, node_next);
    DL_DELETE2(t->service->tasks, t, service_prev, service_next);
    HASH_DEL(c->tasks, t);
    record_task_release(&t->rec);
    record_status_release(&t->status);
    free(t->key);
    free(t);
}

static void revision_free(struct core_service *s, struct core_revision *r)
{
    HASH_DEL(s->revisions, r);
    record_revision_release(&r->rec);
    free(r);
}

/* ---- tasks and their status -------------------------------------------------------------------------- */

static struct core_task *task_find(const struct core *c, const struct key *k)
{
    char key[KEY_NAME_MAX + KEY_TASK_MAX + 2];
    struct core_task *t = NULL;

    snprintf(key, sizeof key, "%s/%s", k->node, k->task);
    HASH_FIND_STR(c->tasks, key, t);
    return t;
}

static struct core_task *task_get(struct core *c, const struct key *k)
{
    struct core_task *t = task_find(c, k);
    struct key id;

    if (t)
        return t;
    t = orc_new(struct core_task);
    t->key = orc_printf("%s/%s", k->node, k->task);
    t->id = strchr(t->key, '/') + 1;
    if (key_task_id_parse(t->id, &id, &t->slot, &t->attempt) < 0) {
        free(t->key);
        free(t);
        return NULL;
    }
    t->node = core_node_get(c, k->node);
    t->service = core_service_get(c, id.app, id.service);
    DL_APPEND2(t->node->tasks, t, node_prev, node_next);
    DL_APPEND2(t->service->tasks, t, service_prev, service_next);
    HASH_ADD_KEYPTR(hh, c->tasks, t->key, strlen(t->key), t);
    return t;
}

/* A status whose task is gone is on the list of what to collect. */
static void list_orphan(struct core *c, struct core_task *t)
{
    bool orphan = t->status_fed.present && !t->fed.present && !t->removed_at;

    if (orphan && !t->collectable)
        DL_APPEND2(c->orphans, t, removed_prev, removed_next);
    else if (!orphan && t->collectable)
        DL_DELETE2(c->orphans, t, removed_prev, removed_next);
    t->collectable = orphan;
}

static void task_changed(struct core *c, struct core_task *t)
{
    if (!t->fed.present && t->removed_at) { /* its rest is over */
        DL_DELETE2(c->removed, t, removed_prev, removed_next);
        t->removed_at = 0;
    }
    t->planned = false;
    list_orphan(c, t);
    if (t->fed.present || t->status_fed.present) {
        core_touch(c, t);
        return;
    }
    struct core_node *n = t->node;
    struct core_service *s = t->service;

    core_dirty(c, s);
    task_free(c, t);
    node_drop_if_empty(c, n);
    service_drop_if_empty(c, s);
}

/* A record whose content contradicts its key is as good as unreadable. */
static bool task_fits_key(const struct core_task *t, const struct record_task *r)
{
    return modest(r->resources) && strcmp(r->app, t->service->app->name) == 0 &&
           strcmp(r->service, t->service->service) == 0 && r->slot == t->slot && r->attempt == t->attempt;
}

static void feed_task(struct core *c, const struct key *k, struct record_task *r, int64_t create, int64_t mod)
{
    struct core_task *t = task_get(c, k);
    bool held = t && core_task_holds(t);

    if (!t)
        return;
    uncount(c, t);
    if (r && !task_fits_key(t, r))
        r = NULL;
    if (r)
        MOVE(&t->rec, r, record_task_release);
    fed_put(&t->fed, r, create, mod);
    count(c, t);
    c->frees_room = c->frees_room || (held && !core_task_holds(t));
    task_changed(c, t);
}

static void feed_status(struct core *c, const struct key *k, struct record_status *r, int64_t create,
                        int64_t mod)
{
    struct core_task *t = task_get(c, k);
    bool held = t && core_task_holds(t);

    if (!t)
        return;
    uncount(c, t);
    if (r)
        MOVE(&t->status, r, record_status_release);
    fed_put(&t->status_fed, r, create, mod);
    count(c, t);
    c->frees_room = c->frees_room || (held && !core_task_holds(t));
    task_changed(c, t);
}

static void forget_task(struct core *c, const struct key *k)
{
    struct core_task *t = task_find(c, k);

    if (!t)
        return;
    uncount(c, t);
    if (k->kind == KEY_TASK)
        t->fed = (struct core_fed){0};
    else
        t->status_fed = (struct core_fed){0};
    count(c, t);
    c->frees_room = true;
    task_changed(c, t);
}

/* ---- nodes ------------------------------------------------------------------------------------------- */

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

static void node_changed(struct core *c, struct core_node *n)
{
    c->frees_room = true;
    core_dirty_node(c, n);
}

static void feed_node(struct core *c, const struct key *k, struct record_node *r, int64_t create, int64_t mod)
{
    struct core_node *n = core_node_get(c, k->node);

    if (r && (!modest(r->capacity) || !modest(r->reserve)))
        r = NULL;
    MOVE(&n->rec, r, record_node_release);
    fed_put(&n->fed, r, create, mod);
    n->subnet = subnet_of(&n->rec);
    node_changed(c, n);
}

static void feed_policy(struct core *c, const struct key *k, struct record_node_policy *r, int64_t create,
                        int64_t mod)
{
    struct core_node *n = core_node_get(c, k->node);

    MOVE(&n->policy, r, record_node_policy_release);
    fed_put(&n->policy_fed, r, create, mod);
    node_changed(c, n);
}

static void alive_changed(struct core *c, struct core_node *n)
{
    struct core_task *t;

    for (t = n->tasks; t; t = t->node_next)
        core_touch(c, t);
    c->nodes_changed = true;
    node_changed(c, n);
}

static void feed_alive(struct core *c, const struct key *k, int64_t create, int64_t mod)
{
    struct core_node *n = core_node_get(c, k->node);

    fed_put(&n->alive_fed, n, create, mod); /* that the key is there is all we need */
    n->was_alive = true;
    n->lost = false;
    n->gone_at = 0;
    if (n->missing)
        DL_DELETE2(c->missing, n, missing_prev, missing_next);
    n->missing = false;
    alive_changed(c, n);
}

static void forget_node(struct core *c, const struct key *k)
{
    struct core_node *n = core_node_find(c, k->node);

    if (!n)
        return;
    if (k->kind == KEY_NODE) {
        record_node_release(&n->rec);
        n->fed = (struct core_fed){0};
        n->subnet = 0;
        c->nodes_changed = true;
    } else if (k->kind == KEY_NODE_POLICY) {
        record_node_policy_release(&n->policy);
        n->policy_fed = (struct core_fed){0};
    } else if (n->alive_fed.present) {
        n->alive_fed = (struct core_fed){0};
        n->missing = true;
        DL_APPEND2(c->missing, n, missing_prev, missing_next);
        alive_changed(c, n);
    }
    node_changed(c, n);
    node_drop_if_empty(c, n);
}

/* ---- apps, services, gateways, config ---------------------------------------------------------------- */

static void app_changed(struct core *c, struct core_app *a)
{
    struct core_service *s, *next;

    for (size_t i = 0; i < a->rec.services.n && a->fed.present && !a->fed.unreadable; i++)
        core_service_get(c, a->name, a->rec.services.at[i].name);
    for (s = a->services; s && ((next = s->app_next), true); s = next)
        core_dirty(c, s);
}

static void feed_app(struct core *c, const struct key *k, struct record_app *r, int64_t create, int64_t mod)
{
    struct core_app *a = core_app_get(c, k->app);

    MOVE(&a->rec, r, record_app_release);
    fed_put(&a->fed, r, create, mod);
    app_changed(c, a);
}

static void forget_app(struct core *c, const struct key *k)
{
    struct core_app *a = NULL;
    struct core_service *s, *next;

    HASH_FIND_STR(c->apps, k->app, a);
    if (!a)
        return;
    record_app_release(&a->rec);
    a->fed = (struct core_fed){0};
    app_changed(c, a);
    a->fed.present = true; /* so that it stays while its services are looked at */
    for (s = a->services; s && ((next = s->app_next), true); s = next)
        service_drop_if_empty(c, s);
    a->fed.present = false;
    app_drop_if_empty(c, a);
}

static void feed_revision(struct core *c, const struct key *k, struct record_revision *r, int64_t create,
                          int64_t mod)
{
    struct core_service *s = core_service_get(c, k->app, k->service);
    struct core_revision *rev = NULL;

    HASH_FIND(hh, s->revisions, &k->n, sizeof k->n, rev);
    if (!rev) {
        rev = orc_new(struct core_revision);
        rev->n = k->n;
        HASH_ADD(hh, s->revisions, n, sizeof rev->n, rev);
    }
    if (r && !modest(spec_service_reserved(r->spec)))
        r = NULL;
    MOVE(&rev->rec, r, record_revision_release);
    fed_put(&rev->fed, r, create, mod);
    free(orc_take(rev->rec.yaml)); /* for people only */
    core_dirty(c, s);
}

static void feed_rollout(struct core *c, const struct key *k, struct record_rollout *r, int64_t create,
                         int64_t mod)
{
    struct core_service *s = core_service_get(c, k->app, k->service), *other;

    MOVE(&s->rollout, r, record_rollout_release);
    fed_put(&s->rollout_fed, r, create, mod);
    core_dirty(c, s);
    for (other = s->app->services; other; other = other->app_next)
        if (other->waits_dependency)
            core_dirty(c, other);
}

static void feed_intent(struct core *c, const struct key *k, struct record_intent *r, int64_t create,
                        int64_t mod)
{
    struct core_service *s = core_service_get(c, k->app, k->service);

    MOVE(&s->intent, r, record_intent_release);
    fed_put(&s->intent_fed, r, create, mod);
    core_dirty(c, s);
}

static void forget_of_service(struct core *c, const struct key *k)
{
    struct core_service *s = core_service_find(c, k->app, k->service);
    struct core_revision *rev = NULL;

    if (!s)
        return;
    if (k->kind == KEY_REVISION) {
        HASH_FIND(hh, s->revisions, &k->n, sizeof k->n, rev);
        if (rev)
            revision_free(s, rev);
    } else if (k->kind == KEY_ROLLOUT) {
        record_rollout_release(&s->rollout);
        s->rollout_fed = (struct core_fed){0};
    } else {
        record_intent_release(&s->intent);
        s->intent_fed = (struct core_fed){0};
    }
    core_dirty(c, s);
    service_drop_if_empty(c, s);
}

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

static void feed_gateway(struct core *c, const struct key *k, bool there, int64_t create, int64_t mod)
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

static void feed_config(struct core *c, struct record_config *r)
{
    if (!r)
        return; /* the last known one stays in force */
    MOVE(&c->config, r, record_config_release);
    c->nodes_changed = true;
    core_dirty_all(c);
}

/* ---- the public side --------------------------------------------------------------------------------- */

bool core_wants(enum key_kind kind)
{
    switch (kind) {
    case KEY_CONFIG:
    case KEY_REVISION:
    case KEY_APP:
    case KEY_INTENT:
    case KEY_ROLLOUT:
    case KEY_TASK:
    case KEY_STATUS:
    case KEY_NODE:
    case KEY_NODE_POLICY:
    case KEY_ALIVE:
    case KEY_GATEWAY:
    case KEY_GATEWAY_ALIVE:
        return true;
    default:
        return false;
    }
}

void core_feed_put(struct core *c, const struct key *key, void *record, int64_t create, int64_t mod)
{
    switch (key->kind) {
    case KEY_CONFIG:
        feed_config(c, record);
        break;
    case KEY_REVISION:
        feed_revision(c, key, record, create, mod);
        break;
    case KEY_APP:
        feed_app(c, key, record, create, mod);
        break;
    case KEY_INTENT:
        feed_intent(c, key, record, create, mod);
        break;
    case KEY_ROLLOUT:
        feed_rollout(c, key, record, create, mod);
        break;
    case KEY_TASK:
        feed_task(c, key, record, create, mod);
        break;
    case KEY_STATUS:
        feed_status(c, key, record, create, mod);
        break;
    case KEY_NODE:
        feed_node(c, key, record, create, mod);
        break;
    case KEY_NODE_POLICY:
        feed_policy(c, key, record, create, mod);
        break;
    case KEY_ALIVE:
        feed_alive(c, key, create, mod);
        break;
    case KEY_GATEWAY:
    case KEY_GATEWAY_ALIVE:
        feed_gateway(c, key, true, create, mod);
        break;
    default:
        break;
    }
}

void core_feed_delete(struct core *c, const struct key *key)
{
    switch (key->kind) {
    case KEY_APP:
        forget_app(c, key);
        break;
    case KEY_REVISION:
    case KEY_INTENT:
    case KEY_ROLLOUT:
        forget_of_service(c, key);
        break;
    case KEY_TASK:
    case KEY_STATUS:
        forget_task(c, key);
        break;
    case KEY_NODE:
    case KEY_NODE_POLICY:
    case KEY_ALIVE:
        forget_node(c, key);
        break;
    case KEY_GATEWAY:
    case KEY_GATEWAY_ALIVE:
        feed_gateway(c, key, false, 0, 0);
        break;
    default:
        break;
    }
}

/* One row per kind: parse, feed, release. */
#define FEED_AS(KIND, x)                                                                                     \
    case KIND: {                                                                                             \
        struct record_##x rec = {0};                                                                         \
        int r = record_##x##_parse(value, n, &rec, err);                                                     \
        core_feed_put(c, key, r < 0 ? NULL : &rec, create, mod);                                             \
        record_##x##_release(&rec);                                                                          \
        return r;                                                                                            \
    }

int core_feed_value(struct core *c, const struct key *key, const char *value, size_t n, int64_t create,
                    int64_t mod, struct orc_err *err)
{
    switch (key->kind) {
        FEED_AS(KEY_CONFIG, config)
        FEED_AS(KEY_REVISION, revision)
        FEED_AS(KEY_APP, app)
        FEED_AS(KEY_INTENT, intent)
        FEED_AS(KEY_ROLLOUT, rollout)
        FEED_AS(KEY_TASK, task)
        FEED_AS(KEY_STATUS, status)
        FEED_AS(KEY_NODE, node)
        FEED_AS(KEY_NODE_POLICY, node_policy)
        FEED_AS(KEY_ALIVE, alive)
        FEED_AS(KEY_GATEWAY, gateway)
    case KEY_GATEWAY_ALIVE: /* only that it is there matters here; gateways write it often */
        core_feed_put(c, key, NULL, create, mod);
        return 0;
    default:
        return 0;
    }
}

struct core *core_new(void)
{
    struct core *c = orc_new(struct core);

    record_config_default(&c->config, "");
    c->baseline = true;
    return c;
}

struct core *core_free(struct core *c)
{
    struct core_task *t, *t_next;
    struct core_service *s, *s_next;
    struct core_app *a, *a_next;
    struct core_node *n, *n_next;
    struct core_gateway *g, *g_next;

    if (!c)
        return NULL;
    HASH_ITER (hh, c->tasks, t, t_next)
        task_free(c, t);
    HASH_ITER (hh, c->services, s, s_next) {
        struct core_revision *r, *r_next;

        HASH_ITER (hh, s->revisions, r, r_next)
            revision_free(s, r);
        service_free(c, s);
    }
    HASH_ITER (hh, c->apps, a, a_next) {
        a->fed.present = false;
        app_drop_if_empty(c, a);
    }
    HASH_ITER (hh, c->nodes, n, n_next)
        node_free(c, n);
    HASH_ITER (hh, c->gateways, g, g_next) {
        HASH_DEL(c->gateways, g);
        free(g->id);
        free(g);
    }
    record_config_release(&c->config);
    free(c->hold);
    free(c);
    return NULL;
}
