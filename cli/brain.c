#include "cli/brain.h"

static char *text_of(const struct cluster_entry *e)
{
    switch (e->key.kind) {
    case KEY_CONFIG:
        return record_config_text(&e->as.config);
    case KEY_REVISION:
        return record_revision_text(&e->as.revision);
    case KEY_APP:
        return record_app_text(&e->as.app);
    case KEY_INTENT:
        return record_intent_text(&e->as.intent);
    case KEY_ROLLOUT:
        return record_rollout_text(&e->as.rollout);
    case KEY_TASK:
        return record_task_text(&e->as.task);
    case KEY_STATUS:
        return record_status_text(&e->as.status);
    case KEY_NODE:
        return record_node_text(&e->as.node);
    case KEY_NODE_POLICY:
        return record_node_policy_text(&e->as.policy);
    case KEY_ALIVE:
        return record_alive_text(&e->as.alive);
    case KEY_NODE_STATE:
        return record_node_state_text(&e->as.node_state);
    default: /* only that it is there counts */
        return NULL;
    }
}

static void feed(struct core *core, const struct cluster_entry *e)
{
    struct orc_err ignored = ORC_ERR_INIT;
    orc_auto_free char *text = NULL;

    if (!core_wants(e->key.kind))
        return;
    text = e->problem ? NULL : text_of(e);
    if (text)
        core_feed_value(core, &e->key, text, strlen(text), e->create_revision, e->mod_revision, &ignored);
    else
        core_feed_put(core, &e->key, NULL, e->create_revision, e->mod_revision);
}

struct core *brain_new(const struct cluster *c, int64_t wall_ms)
{
    struct core *core = core_new();
    const struct cluster_entry *e;
    struct plan p = {0};

    for (e = c->entries; e; e = e->hh.next)
        feed(core, e);
    core_lead(core);
    core_step(core, BRAIN_NOW_MS, wall_ms, &p);
    plan_release(&p);
    return core;
}
