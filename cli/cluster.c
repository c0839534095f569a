#include "cli/cluster.h"

void cluster_init(struct cluster *c, const char *name)
{
    *c = (struct cluster){.name = orc_strdup(name)};
}

static void entry_clear(struct cluster_entry *e)
{
    if (!e->problem) {
        switch (e->key.kind) {
        case KEY_CONFIG:
            record_config_release(&e->as.config);
            break;
        case KEY_REVISION:
            record_revision_release(&e->as.revision);
            break;
        case KEY_APP:
            record_app_release(&e->as.app);
            break;
        case KEY_INTENT:
            record_intent_release(&e->as.intent);
            break;
        case KEY_ROLLOUT:
            record_rollout_release(&e->as.rollout);
            break;
        case KEY_TASK:
            record_task_release(&e->as.task);
            break;
        case KEY_STATUS:
            record_status_release(&e->as.status);
            break;
        case KEY_NODE:
            record_node_release(&e->as.node);
            break;
        case KEY_NODE_POLICY:
            record_node_policy_release(&e->as.policy);
            break;
        case KEY_NODE_STATE:
            record_node_state_release(&e->as.node_state);
            break;
        case KEY_ALIVE:
            record_alive_release(&e->as.alive);
            break;
        case KEY_GATEWAY:
            record_gateway_release(&e->as.gateway);
            break;
        case KEY_GATEWAY_ALIVE:
            record_gateway_alive_release(&e->as.gateway_alive);
            break;
        case KEY_LEADER:
            record_leader_release(&e->as.leader);
            break;
        case KEY_ENDPOINT:
            record_endpoint_release(&e->as.endpoint);
            break;
        case KEY_EVENT:
            record_event_release(&e->as.event);
            break;
        default:
            break;
        }
    }
    free(e->problem);
    e->problem = NULL;
    memset(&e->as, 0, sizeof e->as);
}

/* The file as it was written is for people who look into the store: no command shows it. */
static int parse_revision(const char *value, size_t n, struct record_revision *ret, struct orc_err *err)
{
    int r = record_revision_parse(value, n, ret, err);

    if (r == 0)
        orc_set_str(&ret->yaml, NULL);
    return r;
}

/* 1: a kind the CLI has no use for. */
static int parse(struct cluster_entry *e, const char *value, size_t n, struct orc_err *err)
{
    switch (e->key.kind) {
    case KEY_CONFIG:
        return record_config_parse(value, n, &e->as.config, err);
    case KEY_REVISION:
        return parse_revision(value, n, &e->as.revision, err);
    case KEY_APP:
        return record_app_parse(value, n, &e->as.app, err);
    case KEY_INTENT:
        return record_intent_parse(value, n, &e->as.intent, err);
    case KEY_ROLLOUT:
        return record_rollout_parse(value, n, &e->as.rollout, err);
    case KEY_TASK:
        return record_task_parse(value, n, &e->as.task, err);
    case KEY_STATUS:
        return record_status_parse(value, n, &e->as.status, err);
    case KEY_NODE:
        return record_node_parse(value, n, &e->as.node, err);
    case KEY_NODE_POLICY:
        return record_node_policy_parse(value, n, &e->as.policy, err);
    case KEY_NODE_STATE:
        return record_node_state_parse(value, n, &e->as.node_state, err);
    case KEY_ALIVE:
        return record_alive_parse(value, n, &e->as.alive, err);
    case KEY_GATEWAY:
        return record_gateway_parse(value, n, &e->as.gateway, err);
    case KEY_GATEWAY_ALIVE:
        return record_gateway_alive_parse(value, n, &e->as.gateway_alive, err);
    case KEY_LEADER:
        return record_leader_parse(value, n, &e->as.leader, err);
    case KEY_ENDPOINT:
        return record_endpoint_parse(value, n, &e->as.endpoint, err);
    case KEY_EVENT:
        return record_event_parse(value, n, &e->as.event, err);
    case KEY_UNKNOWN:
        return orc_fail(err, -EINVAL, "not a key of orc");
    default:
        return 1;
    }
}

void cluster_drop(struct cluster *c, struct cluster_entry *e)
{
    HASH_DEL(c->entries, e);
    entry_clear(e);
    free(e->name);
    free(e);
}

void cluster_put(struct cluster *c, const char *key, const char *value, size_t n, int64_t create_revision,
                 int64_t mod_revision)
{
    struct cluster_entry *e = NULL;
    struct orc_err err = ORC_ERR_INIT;
    int r;

    HASH_FIND_STR(c->entries, key, e);
    if (!e) {
        e = orc_new(struct cluster_entry);
        e->name = orc_strdup(key);
        HASH_ADD_KEYPTR(hh, c->entries, e->name, strlen(e->name), e);
    } else {
        entry_clear(e);
    }
    key_parse(c->name, key, &e->key);
    e->create_revision = create_revision;
    e->mod_revision = mod_revision;
    r = parse(e, value, n, &err);
    if (r < 0)
        e->problem = orc_strdup(err.msg);
    else if (r > 0)
        cluster_drop(c, e);
}

void cluster_delete(struct cluster *c, const char *key)
{
    struct cluster_entry *e = NULL;

    HASH_FIND_STR(c->entries, key, e);
    if (e)
        cluster_drop(c, e);
}

void cluster_release(struct cluster *c)
{
    struct cluster_entry *e, *next;

    HASH_ITER (hh, c->entries, e, next)
        cluster_drop(c, e);
    free(c->name);
    *c = (struct cluster){0};
}

static int by_name(struct cluster_entry *a, struct cluster_entry *b)
{
    return strcmp(a->name, b->name);
}

void cluster_sort(struct cluster *c)
{
    HASH_SORT(c->entries, by_name);
}

struct cluster_entry *cluster_find(const struct cluster *c, char *key)
{
    struct cluster_entry *e = NULL;

    HASH_FIND_STR(c->entries, key, e);
    free(key);
    return e && !e->problem ? e : NULL;
}

const char *cluster_problem(const struct cluster *c, char *key)
{
    struct cluster_entry *e = NULL;

    HASH_FIND_STR(c->entries, key, e);
    free(key);
    return e ? e->problem : NULL;
}

const struct record_app_service *cluster_wanted(const struct cluster *c, const char *app, const char *service)
{
    const struct cluster_entry *e = cluster_find(c, key_app(c->name, app));

    for (size_t i = 0; e && i < e->as.app.services.n; i++)
        if (orc_streq(e->as.app.services.at[i].name, service))
            return &e->as.app.services.at[i];
    return NULL;
}

const struct cluster_entry *cluster_task(const struct cluster *c, const char *id)
{
    const struct cluster_entry *e;

    for (e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_TASK && !e->problem && orc_streq(e->key.task, id))
            return e;
    return NULL;
}

const struct spec_service *cluster_spec(const struct cluster *c, const char *app, const char *service,
                                        int64_t n)
{
    const struct cluster_entry *e = cluster_find(c, key_revision(c->name, app, service, n));

    return e ? e->as.revision.spec : NULL;
}

int cluster_replicas(const struct cluster *c, const char *app, const char *service)
{
    const struct record_app_service *s = cluster_wanted(c, app, service);
    const struct cluster_entry *e = cluster_find(c, key_rollout(c->name, app, service));
    const struct spec_service *spec;
    bool back;

    if (!s)
        return 0;
    back = e && e->as.rollout.wanted == s->revision && e->as.rollout.target > 0; /* rolled back, perhaps */
    spec = cluster_spec(c, app, service, back ? e->as.rollout.target : s->revision);
    if (spec && (spec->global || spec->job))
        return e ? e->as.rollout.replicas : 0;
    if (!spec)
        return s->replicas != SPEC_REPLICAS_DEFAULT ? s->replicas : 1;
    return spec_service_replicas(spec, s->replicas);
}
