#include "gateway/gateway.h"

#include "gateway/nginx.h"
#include "gateway/push.h"
#include "gateway/register.h"
#include "gateway/services.h"
#include "gateway/table.h"

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "state/event.h"
#include "state/view.h"

#define CONF_DELAY_MS 20 /* services that change together are one reload */
#define SAVE_MS 5000
#define CONFIG_RETRY_MS 1000
#define ETCD_AWAY                                                                                            \
    "etcd can't be reached, NGINX keeps what it has: %s. It is tried again; is etcd up, and is --etcd "      \
    "right?"

enum { T_CONFIG, T_CONF, T_EXPIRE, T_SAVE, N_TIMERS };

struct gateway {
    uv_loop_t *loop;
    struct gateway_opts o;
    void (*on_end)(int status, void *arg);
    void *arg;
    bool ending;

    struct orc_http *http; /* to NGINX */
    struct etcd *etcd;
    struct guard guard;
    struct view *view;
    struct event_log *events;
    struct gw_table *table;
    struct gw_services *services;
    struct gw_register *reg;
    struct gw_nginx *nginx;
    struct gw_push *push;
    struct etcd_call *config_call;
    uv_timer_t timers[N_TIMERS];
    int open_timers;
    int64_t gateway_ttl_s;

    bool synced;           /* the first batch since the registration came */
    int64_t sync_revision; /* its revision: nothing is reported before it is served */
    char *saved_text;      /* to be written to disk; NULL: nothing new */
    uint64_t problems;     /* hash of the routes' problems last said */

    struct orc_log_once etcd_log, register_log, nginx_log, push_log;
};

/* ---- reporting */

static void say(struct gateway *g, const char *sentence)
{
    orc_warn("%s", sentence);
    if (g->events)
        event_add(g->events, "gateway", g->o.id, "%s", sentence);
}

static void report(struct gateway *g)
{
    struct record_gateway_alive alive = {0};

    if (!g->reg || !g->synced || gw_table_served(g->table) < g->sync_revision)
        return;
    gw_table_report(g->table, &alive);
    gw_register_report(g->reg, &alive, gw_table_draining_revision(g->table));
    record_gateway_alive_release(&alive);
}

/* ---- saving what a restart would miss */

static void save(struct gateway *g)
{
    orc_auto_free char *guard = orc_printf("%s/guard", g->o.state_dir);
    orc_auto_free char *table = orc_printf("%s/table", g->o.state_dir);
    struct orc_err err = ORC_ERR_INIT;

    if (g->saved_text && orc_file_write(table, g->saved_text, strlen(g->saved_text), 0644, &err) < 0)
        orc_warn("the endpoint table is not kept on disk: %s", err.msg);
    orc_set_str(&g->saved_text, NULL);
    if (g->guard.etcd_cluster_id != 0 && guard_save(&g->guard, guard, &err) < 0)
        orc_warn("the store's identity is not kept on disk: %s", err.msg);
}

static void on_save(uv_timer_t *timer)
{
    save(timer->data);
}

static void save_later(struct gateway *g)
{
    if (!uv_is_active((uv_handle_t *)&g->timers[T_SAVE]))
        uv_timer_start(&g->timers[T_SAVE], on_save, SAVE_MS, 0);
}

/* ---- routes */

static void say_problems(struct gateway *g, const struct orc_strv *problems)
{
    uint64_t h = 0;

    for (size_t i = 0; i < problems->n; i++)
        h = orc_hash64_str(h, problems->at[i]);
    if (h != g->problems)
        for (size_t i = 0; i < problems->n; i++)
            say(g, problems->at[i]);
    g->problems = h;
}

static void on_conf_timer(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    struct gw_routes routes = {0};
    struct orc_strv problems = {0};
    char hash[GW_CONF_HASH_MAX];
    orc_auto_free char *conf = NULL;

    if (!g->synced || gw_services_pending(g->services))
        return; /* comes again */
    gw_services_routes(g->services, &routes, &problems);
    gw_routes_resolve(&routes, &problems);
    say_problems(g, &problems);
    conf = gw_conf_render(&g->o.conf, &routes, hash);
    gw_nginx_want(g->nginx, conf, hash);
    gw_routes_release(&routes);
    orc_strv_release(&problems);
}

static void on_services_change(void *arg)
{
    struct gateway *g = arg;

    if (!uv_is_active((uv_handle_t *)&g->timers[T_CONF]))
        uv_timer_start(&g->timers[T_CONF], on_conf_timer, CONF_DELAY_MS, 0);
}

static void on_services_trouble(const char *sentence, void *arg)
{
    say(arg, sentence);
}

static void on_service_gone(const char *app, const char *service, void *arg)
{
    struct gateway *g = arg;

    gw_table_service_gone(g->table, app, service);
}

/* ---- NGINX */

static void kept_table(struct gateway *g)
{
    orc_auto_free char *path = orc_printf("%s/table", g->o.state_dir);
    orc_auto_free char *text = NULL;
    struct orc_err err = ORC_ERR_INIT;

    if (orc_file_read(path, GW_TABLE_TEXT_MAX, &text, NULL, &err) < 0)
        return;
    if (gw_table_adopt(g->table, text, &err) < 0)
        orc_warn("%s is not used: %s", path, err.msg);
    gw_table_nginx_lost(g->table);
}

static void read_config(struct gateway *g);

static void on_found(const char *table, void *arg)
{
    struct gateway *g = arg;
    struct orc_err err = ORC_ERR_INIT;

    if (!table)
        kept_table(g);
    else if (gw_table_adopt(g->table, table, &err) < 0)
        orc_warn("NGINX's table is replaced: %s", err.msg);
    else
        orc_info("NGINX runs; its table of revision %lld is adopted", (long long)gw_table_revision(g->table));
    read_config(g);
}

static void on_up(bool fresh, void *arg)
{
    struct gateway *g = arg;

    orc_log_end(&g->nginx_log, "NGINX is up");
    if (fresh)
        gw_table_nginx_lost(g->table);
    gw_push_set_up(g->push, true);
}

static void on_down(void *arg)
{
    struct gateway *g = arg;

    gw_push_set_up(g->push, false);
    if (g->ending)
        return;
    orc_log_begin(&g->nginx_log, ORC_LOG_WARN, "NGINX ended; it is started again");
    if (g->events)
        event_add(g->events, "gateway", g->o.id, "NGINX ended; it is started again");
}

static void on_conf(bool started, void *arg)
{
    struct gateway *g = arg;

    orc_info("NGINX %s with configuration %.12s", started ? "started" : "reloaded", gw_nginx_hash(g->nginx));
    if (g->events)
        event_add(g->events, "gateway", g->o.id, "NGINX %s", started ? "started" : "took new routes");
}

static void on_nginx_trouble(const char *sentence, void *arg)
{
    struct gateway *g = arg;
    uint64_t before = g->nginx_log.hash;

    orc_log_begin(&g->nginx_log, ORC_LOG_ERROR, "%s", sentence);
    if (g->events && g->nginx_log.hash != before)
        event_add(g->events, "gateway", g->o.id, "%s", sentence);
}

static void end(struct gateway *g, int status)
{
    if (g->on_end)
        g->on_end(status, g->arg);
    g->on_end = NULL;
}

static void on_helper_lost(void *arg)
{
    struct gateway *g = arg;

    orc_error(
        "the process that starts NGINX has ended; orc-gateway ends too, to be started again. NGINX goes on");
    end(g, 1);
}

static void on_news(void *arg)
{
    struct gateway *g = arg;

    orc_log_end(&g->push_log, "NGINX answers on its control socket again");
    report(g);
}

static void on_text(const char *text, void *arg)
{
    struct gateway *g = arg;

    orc_set_str(&g->saved_text, text);
    save_later(g);
}

static void on_no_answer(const char *why, void *arg)
{
    struct gateway *g = arg;

    orc_log_begin(&g->push_log, ORC_LOG_WARN, "%s; endpoints stay as they are there", why);
    gw_nginx_doubt(g->nginx);
}

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

/* A registration as we write it? */
static bool is_gateway(const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_gateway rec = {0};
    bool is = record_gateway_parse(kv->value, kv->value_len, &rec, &err) == 0;

    if (!is)
        orc_warn("%s was written by somebody else and is written anew: %s", kv->key, err.msg);
    record_gateway_release(&rec);
    return is;
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
        if (strcmp(key.node, g->o.id) == 0 && !is_gateway(kv))
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
    on_services_change(g);
    save(g); /* from now on another store is noticed, also after a crash */
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
    report(g);
    set_expiry(g);
    save_later(g);
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
    watch(g);
}

static void on_retired(void *arg)
{
    struct gateway *g = arg;

    g->synced = false;
    say(g, "this gateway was retired while it was away; it registers anew and reads everything again");
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
        .listen = g->o.conf.listen,
        .ttl_s = g->gateway_ttl_s,
        .on_registered = on_registered,
        .on_retired = on_retired,
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
    read_config(timer->data);
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

static void read_config(struct gateway *g)
{
    orc_auto_free char *key = key_config(g->o.cluster);

    g->config_call = etcd_get(g->etcd, key, on_config, g);
}

/* ---- life cycle */

static void load_guard(struct gateway *g)
{
    orc_auto_free char *path = orc_printf("%s/guard", g->o.state_dir);
    struct orc_err err = ORC_ERR_INIT;

    if (guard_load(&g->guard, path, &err) != 0)
        orc_warn("%s", err.msg);
}

static struct gw_nginx *new_nginx(struct gateway *g, struct orc_err *err)
{
    struct gw_nginx_opts opts = {
        .loop = g->loop,
        .http = g->http,
        .dir = g->o.conf.dir,
        .helper_fd = g->o.helper_fd,
        .on_found = on_found,
        .on_up = on_up,
        .on_down = on_down,
        .on_conf = on_conf,
        .on_trouble = on_nginx_trouble,
        .on_helper_lost = on_helper_lost,
        .arg = g,
    };

    return gw_nginx_new(&opts, err);
}

static void new_parts(struct gateway *g)
{
    struct gw_push_opts push = {.loop = g->loop,
                                .http = g->http,
                                .dir = g->o.conf.dir,
                                .table = g->table,
                                .on_news = on_news,
                                .on_text = on_text,
                                .on_no_answer = on_no_answer,
                                .arg = g};
    struct gw_services_opts services = {.loop = g->loop,
                                        .etcd = g->etcd,
                                        .cluster = g->o.cluster,
                                        .on_change = on_services_change,
                                        .on_trouble = on_services_trouble,
                                        .arg = g};
    orc_auto_free char *by = orc_printf("orc-gateway %s", g->o.id);

    g->push = gw_push_new(&push);
    g->services = gw_services_new(&services);
    g->events = event_log_new(g->etcd, g->o.cluster, by);
}

struct gateway *gateway_new(uv_loop_t *loop, const struct gateway_opts *opts,
                            void (*on_end)(int status, void *arg), void *arg, struct orc_err *err)
{
    struct etcd_opts etcd_opts = {.endpoints = opts->etcd, .tls = opts->tls};
    struct etcd *etcd = etcd_new(loop, &etcd_opts, err);
    struct gateway *g;

    if (!etcd)
        return NULL;
    g = orc_new(struct gateway);
    g->loop = loop;
    g->o = *opts;
    g->on_end = on_end;
    g->arg = arg;
    g->etcd = etcd;
    g->http = orc_http_new(loop);
    g->table = gw_table_new();
    for (size_t i = 0; i < N_TIMERS; i++) {
        uv_timer_init(loop, &g->timers[i]);
        g->timers[i].data = g;
    }
    g->open_timers = N_TIMERS;
    load_guard(g);
    new_parts(g);
    g->nginx = new_nginx(g, err);
    return g->nginx ? g : gateway_free(g);
}

static void on_deregistered(void *arg)
{
    end(arg, 0);
}

static void on_quit(void *arg)
{
    struct gateway *g = arg;

    if (g->reg)
        gw_register_retire(g->reg, on_deregistered, g);
    else
        end(g, 0);
}

void gateway_stop(struct gateway *g)
{
    if (g->ending)
        return;
    g->ending = true;
    if (g->o.retire) {
        gw_nginx_quit(g->nginx, on_quit, g);
        return;
    }
    orc_info("stopping; NGINX goes on with what it has");
    end(g, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct gateway *g = handle->data;

    if (--g->open_timers == 0)
        free(g);
}

struct gateway *gateway_free(struct gateway *g)
{
    if (!g)
        return NULL;
    save(g);
    if (g->config_call)
        etcd_cancel(g->config_call);
    g->view = view_free(g->view);
    g->reg = gw_register_free(g->reg);
    g->services = gw_services_free(g->services);
    g->events = event_log_free(g->events);
    g->etcd = etcd_free(g->etcd);
    g->push = gw_push_free(g->push);
    g->nginx = gw_nginx_free(g->nginx);
    g->http = orc_http_free(g->http);
    g->table = gw_table_free(g->table);
    for (size_t i = 0; i < N_TIMERS; i++)
        uv_close((uv_handle_t *)&g->timers[i], on_timer_closed);
    return NULL;
}
