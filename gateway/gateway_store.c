/* gateway_store.c - the store's side of a gateway: the config that it checks first, its registration, and the
 * watch whose changes it hands to the table of endpoints and to the services' routes. */
#include "gateway/gateway_internal.h"

#define CONFIG_RETRY_MS 1000
#define ETCD_AWAY                                                                                            \
    "etcd can't be reached, NGINX keeps what it has: %s. It is tried again; is etcd up, and is --etcd "      \
    "right?"

/* ---- the store's changes */

static void ignore_value(const struct etcd_kv *kv, const struct orc_err *err)
{
    orc_warn("%s is ignored: %s", kv->key, err->msg);
}

static void put_rollout(struct gateway *g, const struct etcd_kv *kv, const struct key *key)
{
    struct record_rollout rec = {0};
    struct orc_err err = ORC_ERR_INIT;

    if (record_rollout_parse(kv->value, kv->value_len, &rec, &err) < 0) {
        ignore_value(kv, &err);
        return;
    }
    gw_services_put(g->services, key->app, key->service, &rec);
    record_rollout_release(&rec);
}

static void put_endpoint(struct gateway *g, const struct etcd_kv *kv, const struct key *key)
{
    struct record_endpoint rec = {0};
    struct orc_err err = ORC_ERR_INIT;
    struct key task;
    int slot;
    int64_t attempt;

    if (key_task_id_parse(key->task, &task, &slot, &attempt) < 0 || strcmp(task.app, key->app) != 0 ||
        strcmp(task.service, key->service) != 0) {
        orc_warn("%s is ignored: the task is not one of service %s/%s", kv->key, key->app, key->service);
        return;
    }
    if (record_endpoint_parse(kv->value, kv->value_len, &rec, &err) < 0) {
        ignore_value(kv, &err);
        gw_table_delete(g->table, key->task);
        return;
    }
    if (gw_table_put(g->table, key, &rec, kv->mod_revision, kv->lease, &err) < 0)
        ignore_value(kv, &err);
    record_endpoint_release(&rec);
}

/* Our own registration? */
static bool is_ours(const struct gateway *g, const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_gateway rec = {0};
    bool readable = record_gateway_parse(kv->value, kv->value_len, &rec, &err) == 0, ours;

    if (!readable)
        orc_warn("%s was written by somebody else and is written anew: %s", kv->key, err.msg);
    ours = readable && orc_streq(rec.instance, g->instance);
    record_gateway_release(&rec);
    return ours;
}

static void on_put(const struct etcd_kv *kv, void *arg)
{
    struct gateway *g = arg;
    struct key key;

    switch (key_parse(g->o.cluster, kv->key, &key)) {
    case KEY_ROLLOUT:
        put_rollout(g, kv, &key);
        break;
    case KEY_ENDPOINT:
        put_endpoint(g, kv, &key);
        break;
    case KEY_ALIVE:
        gw_table_node(g->table, key.node, kv->lease);
        break;
    case KEY_GATEWAY:
        if (strcmp(key.node, g->o.id) == 0 && !is_ours(g, kv))
            gw_register_again(g->reg);
        break;
    case KEY_UNKNOWN:
        orc_warn("%s is not a key that orc writes; it is ignored", kv->key);
        break;
    default:
        break;
    }
}

static void on_delete(const char *name, int64_t revision, void *arg)
{
    struct gateway *g = arg;
    struct key key;

    switch (key_parse(g->o.cluster, name, &key)) {
    case KEY_ROLLOUT:
        gw_services_delete(g->services, key.app, key.service);
        gw_table_service_gone(g->table, key.app, key.service);
        break;
    case KEY_ENDPOINT:
        gw_table_delete(g->table, key.task);
        break;
    case KEY_ALIVE:
        gw_table_node(g->table, key.node, 0);
        break;
    case KEY_GATEWAY:
        if (strcmp(key.node, g->o.id) == 0)
            gw_register_vanished(g->reg);
        break;
    default:
        break;
    }
}

static void on_service_gone(const char *app, const char *service, void *arg)
{
    struct gateway *g = arg;

    gw_table_service_gone(g->table, app, service);
}

static void set_expiry(struct gateway *g);

static void on_expire(uv_timer_t *timer)
{
    struct gateway *g = timer->data;

    if (!g->view || view_state(g->view) != VIEW_LIVE)
        return; /* the next batch sets it again */
    gw_table_expire(g->table, orc_clock_ms());
    gw_push_kick(g->push);
    set_expiry(g);
}

static void set_expiry(struct gateway *g)
{
    uint64_t at = gw_table_deadline(g->table), now = orc_clock_ms();

    if (at == 0)
        uv_timer_stop(&g->timers[T_EXPIRE]);
    else
        uv_timer_start(&g->timers[T_EXPIRE], on_expire, at > now + 1000 ? at - now : 1000, 0);
}

static void first_batch(struct gateway *g, int64_t revision)
{
    struct gw_table_counts n;

    gw_services_sweep(g->services, on_service_gone, g);
    gw_table_commit(g->table, revision, orc_clock_ms());
    n = gw_table_counts(g->table);
    orc_info("in step with the store at revision %lld: %zu ready endpoints, %zu draining, %zu suspect",
             (long long)revision, n.ready, n.draining, n.suspect);
    g->synced = true;
    g->sync_revision = revision;
    if (!g->behind)
        gateway_unhold(g);
    gateway_routes_changed(g);
    gateway_save(g); /* from now on another store is noticed, also after a crash */
}

static void on_batch(int64_t revision, void *arg)
{
    struct gateway *g = arg;
    size_t suspects = gw_table_counts(g->table).suspect;

    if (!g->synced)
        first_batch(g, revision);
    else
        gw_table_commit(g->table, revision, orc_clock_ms());
    if (gw_table_counts(g->table).suspect > suspects)
        orc_warn("%zu endpoints vanished although nobody withdrew them; they are used only by services that "
                 "have no other",
                 gw_table_counts(g->table).suspect);
    gw_push_kick(g->push);
    gateway_report(g);
    set_expiry(g);
    gateway_save_later(g);
}

static void on_view_state(enum view_state state, const char *why, void *arg)
{
    struct gateway *g = arg;

    gw_register_pause(g->reg, state == VIEW_FROZEN);
    switch (state) {
    case VIEW_LIVE:
        orc_log_end(&g->etcd_log, "etcd answers again");
        set_expiry(g);
        break;
    case VIEW_FROZEN:
        orc_log_begin(&g->etcd_log, ORC_LOG_ERROR, "frozen, NGINX keeps what it has: %s", why);
        break;
    case VIEW_STALE:
        orc_log_begin(&g->etcd_log, ORC_LOG_WARN, ETCD_AWAY, why);
        break;
    case VIEW_SYNCING:
        break;
    }
}

static void on_forget(void *arg)
{
    struct gateway *g = arg;

    gw_table_forget(g->table);
    gw_register_forget(g->reg);
    g->sync_revision = 0;
}

/* ---- registering, then watching */

static void watch(struct gateway *g)
{
    orc_auto_free char *alive = key_range(g->o.cluster, KEY_ALIVE);
    orc_auto_free char *endpoints = key_range(g->o.cluster, KEY_ENDPOINT);
    orc_auto_free char *gateways = key_range(g->o.cluster, KEY_GATEWAY);
    orc_auto_free char *rollouts = key_range(g->o.cluster, KEY_ROLLOUT);
    orc_auto_free char *config = key_config(g->o.cluster);
    const char *const prefixes[] = {alive, endpoints, gateways, rollouts, NULL};
    struct view_opts opts = {
        .prefixes = prefixes,
        .on_put = on_put,
        .on_delete = on_delete,
        .on_batch = on_batch,
        .on_state = on_view_state,
        .on_forget = on_forget,
        .guard = &g->guard,
        .config_key = config,
        .arg = g,
    };

    g->view = view_free(g->view);
    g->synced = false;
    gw_table_snapshot(g->table);
    gw_services_snapshot(g->services);
    g->view = view_new(g->loop, g->etcd, &opts);
}

static void on_registered(int64_t revision, void *arg)
{
    struct gateway *g = arg;

    orc_info("registered as gateway %s at revision %lld", g->o.id, (long long)revision);
    g->behind = false;
    gw_table_hold(g->table, false);
    watch(g);
}

/* What NGINX chooses from must be what the store holds, or nothing, before nodelets wait for it. A view that
 * is live has kept it so, and one that was begun for this has when its first batch is served. */
static bool may_register(void *arg)
{
    struct gateway *g = arg;

    if (!g->routes)
        return true;
    if (g->view && view_state(g->view) == VIEW_LIVE)
        return !g->synced || gw_table_served(g->table) >= g->sync_revision;
    if (!g->view || view_state(g->view) == VIEW_STALE) {
        g->behind = true;
        gw_table_hold(g->table, true);
        watch(g);
    }
    return false;
}

static void on_retired(void *arg)
{
    struct gateway *g = arg;

    g->synced = false;
    gateway_say(g,
                "this gateway was retired while it was away; it registers anew and reads everything again");
}

static void on_register_trouble(const char *why, void *arg)
{
    struct gateway *g = arg;

    if (*why)
        orc_log_begin(&g->register_log, ORC_LOG_WARN, "this gateway's heartbeat is not written: %s", why);
    else
        orc_log_end(&g->register_log, "this gateway's heartbeat is written again");
}

static void enter(struct gateway *g)
{
    struct gw_register_opts opts = {
        .loop = g->loop,
        .etcd = g->etcd,
        .cluster = g->o.cluster,
        .id = g->o.id,
        .instance = g->instance,
        .listen = g->o.conf.listen,
        .ttl_s = g->gateway_ttl_s,
        .on_registered = on_registered,
        .on_retired = on_retired,
        .may_register = may_register,
        .on_trouble = on_register_trouble,
        .arg = g,
    };

    orc_log_end(&g->etcd_log, "etcd answers");
    g->reg = gw_register_new(&opts);
}

/* Is this the store we knew? 0, or -EAGAIN with why not yet. */
static int judge_config(struct gateway *g, const struct etcd_result *res, struct orc_err *err)
{
    struct record_config config = {0};
    enum guard_verdict verdict;
    int64_t known;

    if (res->error)
        return orc_fail(err, -EAGAIN, ETCD_AWAY, res->error_text);
    if (res->n_kvs > 0 && record_config_parse(res->kvs[0].value, res->kvs[0].value_len, &config, err) < 0) {
        orc_wrap(err, "%s can't be read", res->kvs[0].key);
        return -EAGAIN;
    }
    known = g->guard.revision;
    guard_header(&g->guard, res->cluster_id, res->revision, known);
    verdict =
        guard_config(&g->guard, config.cluster_id, config.recovered, res->cluster_id, res->revision, known);
    g->gateway_ttl_s = config.gateway_ttl_s;
    record_config_release(&config);
    if (verdict == GUARD_FROZEN)
        return orc_fail(err, -EAGAIN, "frozen, NGINX keeps what it has: %s", g->guard.reason);
    if (res->n_kvs == 0)
        return orc_fail(err, -EAGAIN,
                        "etcd %s holds no cluster \"%s\" yet; `orc init` makes it, this gateway waits",
                        etcd_endpoint(g->etcd), g->o.cluster);
    return 0;
}

static void on_config_timer(uv_timer_t *timer)
{
    gateway_read_config(timer->data);
}

static void on_config(const struct etcd_result *res, void *arg)
{
    struct gateway *g = arg;
    struct orc_err err = ORC_ERR_INIT;

    g->config_call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (judge_config(g, res, &err) == 0) {
        enter(g);
        return;
    }
    orc_log_begin(&g->etcd_log, ORC_LOG_WARN, "%s", err.msg);
    uv_timer_start(&g->timers[T_CONFIG], on_config_timer, CONFIG_RETRY_MS, 0);
}

void gateway_read_config(struct gateway *g)
{
    orc_auto_free char *key = key_config(g->o.cluster);

    g->config_call = etcd_get(g->etcd, key, on_config, g);
}
