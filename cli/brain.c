#include "cli/brain.h"

/* One row per kind: the core takes a copy. */
#define FEED(KIND, x, member)                                                                                \
    case KIND: {                                                                                             \
        struct record_##x copy;                                                                              \
        record_##x##_copy(&e->as.member, &copy);                                                             \
        core_feed_put(core, &e->key, &copy, e->create_revision, e->mod_revision);                            \
        record_##x##_release(&copy);                                                                         \
        break;                                                                                               \
    }

static void feed(struct core *core, const struct cluster_entry *e)
{
    switch (e->problem ? KEY_UNKNOWN : e->key.kind) {
        FEED(KEY_CONFIG, config, config)
        FEED(KEY_REVISION, revision, revision)
        FEED(KEY_APP, app, app)
        FEED(KEY_INTENT, intent, intent)
        FEED(KEY_ROLLOUT, rollout, rollout)
        FEED(KEY_TASK, task, task)
        FEED(KEY_STATUS, status, status)
        FEED(KEY_NODE, node, node)
        FEED(KEY_NODE_POLICY, node_policy, policy)
        FEED(KEY_ALIVE, alive, alive)
        FEED(KEY_NODE_STATE, node_state, node_state)
    default: /* unreadable, or only that it is there counts */
        core_feed_put(core, &e->key, NULL, e->create_revision, e->mod_revision);
    }
}

struct core *brain_new(const struct cluster *c, int64_t wall_ms)
{
    struct core *core = core_new();
    const struct cluster_entry *e;
    struct plan p = {0};

    for (e = c->entries; e; e = e->hh.next)
        if (core_wants(e->key.kind))
            feed(core, e);
    core_lead(core);
    core_step(core, BRAIN_NOW_MS, wall_ms, &p);
    plan_release(&p);
    return core;
}
