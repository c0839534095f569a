#include "gateway/gateway_internal.h"

#include "lib/hash.h"

#define CONF_DELAY_MS 20 /* services that change together are one reload */
#define SAVE_MS 5000
#define KEPT_MS 2000 /* etcd has so long to answer before NGINX gets what was kept on disk */

/* ---- reporting */

void gateway_say(struct gateway *g, const char *sentence)
{
    orc_warn("%s", sentence);
    if (g->events)
        event_add(g->events, "gateway", g->o.id, "%s", sentence);
}

void gateway_report(struct gateway *g)
{
    struct record_gateway_alive alive = {0};

    if (!g->reg || !g->synced || gw_table_served(g->table) < g->sync_revision)
        return;
    gw_register_go(g->reg);
    gw_table_report(g->table, &alive);
    gw_register_report(g->reg, &alive, gw_table_draining_revision(g->table));
    record_gateway_alive_release(&alive);
}

/* ---- saving what a restart would miss */

static void saved(struct orc_log_once *log, int r, const struct orc_err *err)
{
    if (r < 0)
        orc_log_begin(log, ORC_LOG_WARN, "what a restart needs is not kept on disk: %s", err->msg);
    else
        orc_log_end(log, "what a restart needs is kept on disk again");
}

static void on_guard_saved(int r, const struct orc_err *err, void *arg)
{
    saved(&((struct gateway *)arg)->guard_log, r, err);
}

static void on_table_saved(int r, const struct orc_err *err, void *arg)
{
    saved(&((struct gateway *)arg)->table_log, r, err);
}

void gateway_save(struct gateway *g)
{
    orc_auto_free char *table = orc_take(g->saved_text), *guard = guard_text(&g->guard);

    if (table)
        orc_file_later_write(g->table_file, table);
    if (g->guard.etcd_cluster_id != 0)
        orc_file_later_write(g->guard_file, guard);
}

static void new_files(struct gateway *g)
{
    orc_auto_free char *guard = orc_printf("%s/guard", g->o.state_dir);
    orc_auto_free char *table = orc_printf("%s/table", g->o.state_dir);

    g->guard_file = orc_file_later_new(g->loop, guard, 0600, on_guard_saved, g);
    g->table_file = orc_file_later_new(g->loop, table, 0644, on_table_saved, g);
}

static void on_save(uv_timer_t *timer)
{
    gateway_save(timer->data);
}

void gateway_save_later(struct gateway *g)
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
            gateway_say(g, problems->at[i]);
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

void gateway_routes_changed(struct gateway *g)
{
    if (!uv_is_active((uv_handle_t *)&g->timers[T_CONF]))
        uv_timer_start(&g->timers[T_CONF], on_conf_timer, CONF_DELAY_MS, 0);
}

static void on_services_change(void *arg)
{
    gateway_routes_changed(arg);
}

static void on_services_trouble(const char *sentence, void *arg)
{
    gateway_say(arg, sentence);
}

/* ---- metrics */

void gateway_metrics(const struct gateway *g, struct orc_metrics_text *t)
{
    struct gw_table_counts n;

    if (!g)
        return;
    n = gw_table_counts(g->table);
    orc_metric_gauge(t, "orc_store_live", "1 when what the store holds is known and current.",
                     g->view && view_state(g->view) == VIEW_LIVE);
    orc_metric_gauge(t, "orc_gateway_nginx_up", "1 when NGINX runs with our configuration.",
                     *gw_nginx_hash(g->nginx) != 0);
    orc_metric_gauge(t, "orc_gateway_revision_known", "The store's revision that was read.",
                     (double)gw_table_revision(g->table));
    orc_metric_gauge(t, "orc_gateway_revision_served", "The store's revision that NGINX routes by.",
                     (double)gw_table_served(g->table));
    orc_metric(t, "orc_gateway_endpoints", "gauge", "Endpoints by state.");
    orc_metric_sample(t, "state", "ready", (double)n.ready);
    orc_metric_sample(t, "state", "draining", (double)n.draining);
    orc_metric_sample(t, "state", "suspect", (double)n.suspect);
}

/* ---- NGINX */

static void set_push(struct gateway *g)
{
    gw_push_set_up(g->push, g->nginx_up && !g->held);
}

void gateway_unhold(struct gateway *g)
{
    uv_timer_stop(&g->timers[T_KEPT]);
    if (!g->held)
        return;
    g->held = false;
    set_push(g);
}

static void on_kept(uv_timer_t *timer)
{
    struct gateway *g = timer->data;

    orc_warn("nothing could be read from etcd yet: NGINX gets the endpoints of revision %lld, as they were "
             "kept",
             (long long)gw_table_revision(g->table));
    gateway_unhold(g);
}

/* Nobody is more than suspect, and the store is asked first. */
static void doubt(struct gateway *g)
{
    gw_table_nginx_lost(g->table);
    gw_table_doubt(g->table);
    g->held = true;
    uv_timer_start(&g->timers[T_KEPT], on_kept, KEPT_MS, 0);
}

/* It is some seconds old: who was withdrawn since is ready there, and this gateway may have agreed. */
static void kept_table(struct gateway *g)
{
    orc_auto_free char *path = orc_printf("%s/table", g->o.state_dir);
    orc_auto_free char *text = NULL;
    struct orc_err err = ORC_ERR_INIT;

    if (orc_file_read(path, GW_TABLE_TEXT_MAX, &text, NULL, &err) < 0)
        return;
    if (gw_table_adopt(g->table, text, &err) < 0) {
        orc_warn("%s is not used: %s", path, err.msg);
        return;
    }
    doubt(g);
}

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
    g->routes = table != NULL;
    gateway_read_config(g);
}

static void on_up(bool fresh, void *arg)
{
    struct gateway *g = arg;

    orc_log_end(&g->nginx_log, "NGINX is up");
    if (fresh && (g->behind || !g->synced)) /* who was withdrawn since the last reading may be ready there */
        doubt(g);
    else if (fresh)
        gw_table_nginx_lost(g->table);
    g->routes = !fresh;
    g->nginx_up = true;
    set_push(g);
    if (g->reg)
        gw_register_go(g->reg);
}

static void on_down(void *arg)
{
    struct gateway *g = arg;

    g->nginx_up = false;
    set_push(g);
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
    void (*on_end)(int status, void *arg) = g->on_end;

    g->on_end = NULL; /* freeing what it owns may end it once more */
    if (on_end)
        on_end(status, g->arg);
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
    gateway_report(g);
}

static void on_text(const char *text, void *arg)
{
    struct gateway *g = arg;

    g->routes = true;
    orc_set_str(&g->saved_text, text);
    gateway_save_later(g);
}

static void on_no_answer(const char *why, void *arg)
{
    struct gateway *g = arg;

    orc_log_begin(&g->push_log, ORC_LOG_WARN, "%s; endpoints stay as they are there", why);
    gw_nginx_doubt(g->nginx);
}

/* ---- life cycle */

static void load_guard(struct gateway *g)
{
    orc_auto_free char *path = orc_printf("%s/guard", g->o.state_dir);
    struct orc_err err = ORC_ERR_INIT;

    if (guard_load(&g->guard, path, &err) != 0)
        orc_warn("%s", err.msg);
}

static void load_instance(struct gateway *g)
{
    orc_auto_free char *path = orc_printf("%s/instance", g->o.state_dir);
    orc_auto_free char *text = NULL, *line = NULL;
    struct orc_err err = ORC_ERR_INIT;

    if (orc_file_read(path, 256, &text, NULL, NULL) == 0 &&
        strspn(text, "0123456789abcdef") == GATEWAY_INSTANCE_LEN) {
        snprintf(g->instance, sizeof g->instance, "%s", text);
        return;
    }
    orc_random_hex(GATEWAY_INSTANCE_LEN, g->instance);
    line = orc_printf("%s\n", g->instance);
    if (orc_file_write(path, line, strlen(line), 0644, &err) < 0)
        orc_warn("this gateway is another instance after each start: %s", err.msg);
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
    load_instance(g);
    new_files(g);
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
    gateway_save(g);
    g->guard_file = orc_file_later_free(g->guard_file);
    g->table_file = orc_file_later_free(g->table_file);
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
