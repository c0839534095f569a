/* feed.c - one change of the store into the model: which kind of key goes where. */
#include "scheduler/feed.h"

#include "scheduler/place.h"
#include "scheduler/rank.h"
#include "scheduler/rows.h"

static void feed_config(struct core *c, struct record_config *r)
{
    if (!r)
        return; /* the last known one stays in force */
    FEED_MOVE(&c->config, r, record_config_release);
    c->nodes_changed = true;
    core_dirty_all(c);
}

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
    case KEY_NODE_STATE:
    case KEY_SUBNET:
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
        feed_task(c, key, record, mod);
        break;
    case KEY_STATUS:
        feed_status(c, key, record, mod);
        break;
    case KEY_NODE:
        feed_node(c, key, record, create, mod);
        break;
    case KEY_NODE_POLICY:
        feed_policy(c, key, record, create, mod);
        break;
    case KEY_SUBNET:
        feed_subnet(c, key, record, mod);
        break;
    case KEY_NODE_STATE:
        feed_node_state(c, key, record, create, mod);
        break;
    case KEY_ALIVE:
        feed_alive(c, key, record, create, mod);
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
        feed_app_gone(c, key);
        break;
    case KEY_REVISION:
    case KEY_INTENT:
    case KEY_ROLLOUT:
        feed_service_gone(c, key);
        break;
    case KEY_TASK:
    case KEY_STATUS:
        feed_task_gone(c, key);
        break;
    case KEY_NODE:
    case KEY_NODE_POLICY:
    case KEY_NODE_STATE:
    case KEY_ALIVE:
        feed_node_gone(c, key);
        break;
    case KEY_SUBNET:
        feed_subnet_gone(c, key);
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
        FEED_AS(KEY_NODE_STATE, node_state)
        FEED_AS(KEY_SUBNET, subnet)
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
    c->spread_stamp = 1; /* 0: never */
    return c;
}

void core_set_zones(struct core *c, struct core_zones zones)
{
    c->zones = zones;
}

void core_hold_schedules(struct core *c)
{
    c->schedules_held = true;
}

struct core *core_free(struct core *c)
{
    struct core_service *s, *s_next;
    struct core_app *a, *a_next;
    struct core_node *n, *n_next;
    struct core_gateway *g, *g_next;
    struct core_subnet *sub, *sub_next;

    if (!c)
        return NULL;
    HASH_ITER (hh, c->services, s, s_next) {
        struct core_revision *r, *r_next;
        struct core_task *t;
        int slot = 0;

        for (; (t = core_tasks_from(s, slot)); core_task_free(c, t))
            slot = t->slot;
        HASH_ITER (hh, s->revisions, r, r_next)
            feed_free_revision(s, r);
        feed_free_service(c, s);
    }
    HASH_ITER (hh, c->apps, a, a_next) {
        a->fed.present = false;
        feed_drop_app(c, a);
    }
    HASH_ITER (hh, c->nodes, n, n_next)
        feed_free_node(c, n);
    HASH_ITER (hh, c->subnets, sub, sub_next)
        feed_subnet_gone(c, &(struct key){.n = sub->k});
    HASH_ITER (hh, c->gateways, g, g_next) {
        HASH_DEL(c->gateways, g);
        free(g->id);
        free(g);
    }
    core_task_release_all(c);
    orc_vec_release(&c->touched);
    orc_vec_release(&c->mounts);
    place_free(c);
    rank_release(c);
    rows_release(c);
    record_config_release(&c->config);
    free(c->hold);
    free(c);
    return NULL;
}
