#include "specs/compose.h"

#include "lib/units.h"

#include <string.h>

/* Values ---------------------------------------------------------------------------------------------- */

static json_t *duration(uint64_t ms)
{
    char buf[ORC_UNIT_MAX];

    return json_string(orc_format_duration(ms, buf));
}

static json_t *cpus(int64_t nano)
{
    char buf[ORC_UNIT_MAX];

    return json_string(orc_format_cpus(nano, buf));
}

/* The largest unit that leaves nothing over. */
static json_t *size(int64_t bytes, enum spec_sizes sizes)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    char digits[ORC_UNIT_MAX], text[ORC_UNIT_MAX + 1];
    size_t unit = 0;

    while (sizes == SPEC_SIZES_UNITS && unit + 1 < ORC_ARRAY_SIZE(units) && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, sizeof text, "%s%s", orc_format_int(bytes, digits), units[unit]);
    return json_string(text);
}

static json_t *nano_ratio(int64_t nano)
{
    return json_real((double)nano / 1e9);
}

/* A file's text has "$$" where a value has "$". */
static json_t *text(const char *s)
{
    struct orc_buf b = ORC_BUF_INIT(2 * (strlen(s) + 1));
    json_t *j;

    for (; *s; s++) {
        orc_buf_putc(&b, *s);
        if (*s == '$')
            orc_buf_putc(&b, '$');
    }
    j = orc_json_str_new(orc_buf_str(&b));
    orc_buf_release(&b);
    return j;
}

static json_t *texts(const struct orc_strv *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(list, text(v->at[i]));
    return list;
}

static json_t *pairs(const struct spec_pairs *p)
{
    json_t *map = json_object();

    for (size_t i = 0; i < p->n; i++)
        json_object_set_new(map, p->at[i].key, p->at[i].value ? text(p->at[i].value) : json_null());
    return map;
}

/* Sets a member unless there is nothing in it; takes it. */
static void set(json_t *map, const char *key, json_t *value)
{
    if ((json_is_object(value) && !json_object_size(value)) ||
        (json_is_array(value) && !json_array_size(value)))
        json_decref(value);
    else
        json_object_set_new(map, key, value);
}

static void set_word(json_t *map, const char *key, const char *word)
{
    json_object_set_new(map, key, json_string(word));
}

static void set_ms(json_t *map, const char *key, uint64_t ms, uint64_t usual)
{
    if (ms != usual)
        json_object_set_new(map, key, duration(ms));
}

static void set_int(json_t *map, const char *key, int64_t n, int64_t usual)
{
    if (n != usual)
        json_object_set_new(map, key, json_integer(n));
}

/* healthcheck ----------------------------------------------------------------------------------------- */

static bool is_shell(const struct orc_strv *argv)
{
    return argv->n == 3 && strcmp(argv->at[0], "/bin/sh") == 0 && strcmp(argv->at[1], "-c") == 0;
}

static json_t *test(const struct orc_strv *argv)
{
    json_t *list = json_array();
    bool shell = is_shell(argv);

    json_array_append_new(list, json_string(shell ? "CMD-SHELL" : "CMD"));
    for (size_t i = shell ? 2 : 0; i < argv->n; i++)
        json_array_append_new(list, text(argv->at[i]));
    return list;
}

/* How it is asked is `how`, in healthcheck's words or x-orc's; taken. */
static json_t *check_as(const struct spec_health *h, const char *key, json_t *how)
{
    json_t *c = json_object();

    set(c, key, how);
    json_object_set_new(c, "interval", duration(h->interval_ms));
    json_object_set_new(c, "timeout", duration(h->timeout_ms));
    json_object_set_new(c, "retries", json_integer(h->retries));
    set_ms(c, "start_period", h->start_period_ms, 0);
    set_ms(c, "start_interval", h->start_interval_ms, 0);
    return c;
}

static json_t *orc_check(const struct spec_health *h)
{
    json_t *net;

    if (h->kind == SPEC_HEALTH_EXEC)
        return check_as(h, "exec", texts(&h->exec));
    net = json_object();
    if (h->kind == SPEC_HEALTH_HTTP)
        json_object_set_new(net, "path", text(h->path));
    json_object_set_new(net, "port", json_integer(h->port));
    return check_as(h, h->kind == SPEC_HEALTH_HTTP ? "http" : "tcp", net);
}

static json_t *health(const struct spec_service *s)
{
    json_t *j = json_object();

    if (s->live_apart)
        json_object_set_new(j, "readiness", orc_check(&s->health));
    if (s->live.kind != SPEC_HEALTH_NONE)
        json_object_set_new(j, "liveness", orc_check(&s->live));
    if (!s->live_apart && spec_health_is_remote(&s->health)) {
        json_decref(j);
        j = orc_check(&s->health);
    }
    return j;
}

/* ports, volumes, depends_on -------------------------------------------------------------------------- */

static json_t *port(const struct spec_port *p)
{
    json_t *j = json_object();
    char digits[ORC_UNIT_MAX];

    set_word(j, "mode", "host"); /* Compose's word for: on the replica's own server */
    if (*p->host_ip)
        set_word(j, "host_ip", p->host_ip);
    json_object_set_new(j, "target", json_integer(p->container));
    if (p->host)
        set_word(j, "published", orc_format_int(p->host, digits));
    set_word(j, "protocol", p->udp ? "udp" : "tcp");
    return j;
}

/* In the server's own network the ports it takes are exposed, not published. */
static json_t *exposed(const struct spec_service *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->ports.n; i++) {
        const struct spec_port *p = &s->ports.at[i];
        char digits[ORC_UNIT_MAX], name[ORC_UNIT_MAX + 4];

        snprintf(name, sizeof name, "%s%s", orc_format_int(p->container, digits), p->udp ? "/udp" : "");
        json_array_append_new(list, json_string(name));
    }
    return list;
}

static json_t *ports(const struct spec_service *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->ports.n; i++)
        json_array_append_new(list, port(&s->ports.at[i]));
    return list;
}

static json_t *mounts(const struct spec_service *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->mounts.n; i++) {
        const struct spec_mount *m = &s->mounts.at[i];
        json_t *j = json_object();

        set_word(j, "type", m->kind == SPEC_MOUNT_VOLUME ? "volume" : "bind");
        json_object_set_new(j, "source", text(m->source));
        json_object_set_new(j, "target", text(m->target));
        if (m->read_only)
            json_object_set_new(j, "read_only", json_true());
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *depends_on(const struct spec_service *s)
{
    static const char *const conditions[] = {"service_started", "service_healthy",
                                             "service_completed_successfully"};
    json_t *map = json_object();

    for (size_t i = 0; i < s->depends_on.n; i++)
        json_object_set_new(map, s->depends_on.at[i].service,
                            json_pack("{s:s}", "condition", conditions[s->depends_on.at[i].condition]));
    return map;
}

/* deploy ---------------------------------------------------------------------------------------------- */

static json_t *resources_of(const struct spec_resources *r, int pids, enum spec_sizes sizes)
{
    json_t *j = json_object();

    if (r->cpus_nano)
        json_object_set_new(j, "cpus", cpus(r->cpus_nano));
    if (r->memory)
        json_object_set_new(j, "memory", size(r->memory, sizes));
    set_int(j, "pids", pids, 0);
    return j;
}

static json_t *resources(const struct spec_service *s, enum spec_sizes sizes)
{
    json_t *j = json_object();

    set(j, "limits", resources_of(&s->limits, s->pids_limit, sizes));
    set(j, "reservations", resources_of(&s->reservations, 0, sizes));
    return j;
}

static json_t *parallelism(const struct spec_update *u)
{
    char digits[ORC_UNIT_MAX], part[ORC_UNIT_MAX + 1];

    if (!u->parallelism_percent)
        return json_integer(u->parallelism);
    snprintf(part, sizeof part, "%s%%", orc_format_int(u->parallelism_percent, digits));
    return json_string(part);
}

static json_t *update(const struct spec_update *u)
{
    static const char *const orders[] = {"stop-first", "start-first"}, *const actions[] = {
                                                                           "pause", "continue", "rollback"};
    json_t *j = json_object();

    json_object_set_new(j, "parallelism", parallelism(u));
    set_ms(j, "delay", u->delay_ms, 0);
    json_object_set_new(j, "monitor", duration(u->monitor_ms));
    if (u->max_failure_nano)
        json_object_set_new(j, "max_failure_ratio", nano_ratio(u->max_failure_nano));
    set_word(j, "order", orders[u->order]);
    set_word(j, "failure_action", actions[u->failure_action]);
    return j;
}

static json_t *placement(const struct spec_service *s)
{
    json_t *j = json_object(), *constraints = json_array(), *preferences = json_array();

    for (size_t i = 0; i < s->constraints.n; i++) {
        const struct spec_constraint *c = &s->constraints.at[i];
        orc_auto_free char *line = orc_printf("%s %s %s", c->key, c->equal ? "==" : "!=", c->value);

        json_array_append_new(constraints, text(line));
    }
    for (size_t i = 0; i < s->spread_over.n; i++)
        json_array_append_new(preferences, json_pack("{s:o}", "spread", text(s->spread_over.at[i])));
    set(j, "constraints", constraints);
    set(j, "preferences", preferences);
    set_int(j, "max_replicas_per_node", s->max_per_node, 0);
    return j;
}

/* Of a job; how often a failure is tried again. */
static json_t *restart_policy(const struct spec_run *run)
{
    json_t *j = json_object();

    set_word(j, "condition", run->retries ? "on-failure" : "none");
    if (run->retries)
        json_object_set_new(j, "max_attempts",
                            json_integer(run->retries == SPEC_RETRIES_ANY ? 0 : run->retries));
    set_ms(j, "delay", run->delay_ms, 0);
    return j;
}

static json_t *deploy(const struct spec_service *s, const struct spec_service *usual, enum spec_sizes sizes)
{
    static const char *const modes[] = {"replicated", "global", "replicated-job", "global-job"};
    orc_auto_json json_t *usual_update = update(&usual->update), *how = update(&s->update);
    json_t *j = json_object();

    if (s->global || s->job)
        set_word(j, "mode", modes[s->global + 2 * s->job]);
    set_int(j, "replicas", s->replicas, SPEC_REPLICAS_DEFAULT);
    set(j, "resources", resources(s, sizes));
    if (!json_equal(how, usual_update))
        json_object_set(j, "update_config", how);
    if (s->rollback_set)
        set(j, "rollback_config", update(&s->rollback));
    set(j, "placement", placement(s));
    if (s->job)
        set(j, "restart_policy", restart_policy(&s->run));
    return j;
}

/* x-orc ----------------------------------------------------------------------------------------------- */

static json_t *gateway(const struct spec_service *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->gateway.n; i++) {
        const struct spec_gateway *g = &s->gateway.at[i];
        json_t *j = json_object();

        if (*g->host)
            set_word(j, "host", g->host);
        json_object_set_new(j, "path", text(g->path));
        json_object_set_new(j, "port", json_integer(g->port));
        if (g->strip_prefix)
            json_object_set_new(j, "strip_prefix", json_true());
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *rebalance(const struct spec_service *s, const struct spec_service *usual)
{
    json_t *j = json_object();

    if (s->rebalance_auto)
        set_word(j, "mode", "auto");
    set_ms(j, "after", s->rebalance_after_ms, usual->rebalance_after_ms);
    return j;
}

static json_t *schedule(const struct spec_schedule *c, const struct spec_schedule *usual)
{
    static const char *const concurrencies[] = {"forbid", "allow", "replace"};
    json_t *j = json_object();

    if (!c->cron)
        return j;
    json_object_set_new(j, "cron", text(c->cron));
    if (c->time_zone)
        json_object_set_new(j, "time_zone", text(c->time_zone));
    set_word(j, "concurrency", concurrencies[c->concurrency]);
    set_ms(j, "starting_deadline", c->deadline_ms, usual->deadline_ms);
    return j;
}

static json_t *job(const struct spec_run *run, const struct spec_run *usual)
{
    json_t *j = json_object();

    set_int(j, "max_concurrent", run->max_concurrent, 0);
    set_int(j, "keep", run->keep, usual->keep);
    return j;
}

static json_t *where(const struct spec_service *s)
{
    json_t *j = json_object();

    if (s->strategy == SPEC_BINPACK)
        set_word(j, "strategy", "binpack");
    if (s->survive_node_loss)
        json_object_set_new(j, "survive_node_loss", json_true());
    return j;
}

static json_t *x_orc(const struct spec_service *s, const struct spec_service *usual)
{
    json_t *j = json_object(), *drain = json_object();

    set(j, "health", health(s));
    set(j, "gateway", gateway(s));
    set(j, "placement", where(s));
    set_int(j, "canary", s->canary, 0);
    set_ms(j, "progress_deadline", s->progress_deadline_ms, usual->progress_deadline_ms);
    set_ms(j, "disconnect", s->disconnect_ms, 0);
    set(j, "rebalance", rebalance(s, usual));
    set_ms(j, "fence", s->fence_ms, 0);
    set_ms(drain, "timeout", s->drain_timeout_ms, usual->drain_timeout_ms);
    set(j, "drain", drain);
    set(j, "job", job(&s->run, &usual->run));
    set(j, "schedule", schedule(&s->schedule, &usual->schedule));
    return j;
}

/* The service ----------------------------------------------------------------------------------------- */

static json_t *command(const struct orc_strv *words, bool said)
{
    return said || words->n ? texts(words) : json_null();
}

static char *restart(const struct spec_service *s)
{
    static const char *const names[] = {"always", "no", "on-failure", "unless-stopped"};

    if (s->restart == SPEC_RESTART_ON_FAILURE && s->restart_max)
        return orc_printf("on-failure:%d", s->restart_max);
    return orc_strdup(names[s->restart]);
}

static void set_network(json_t *j, const struct spec_service *s, const char *main)
{
    orc_auto_free char *of_main = main ? orc_printf("service:%s", main) : NULL;

    if (main)
        set_word(j, "network_mode", of_main);
    else if (s->network == SPEC_NETWORK_BRIDGE)
        json_object_set_new(j, "networks", json_pack("{s:n}", "default"));
    else
        set_word(j, "network_mode", s->network == SPEC_NETWORK_HOST ? "host" : "none");
    if (s->network == SPEC_NETWORK_HOST)
        set(j, "expose", exposed(s));
    else
        set(j, "ports", ports(s));
}

json_t *spec_service_to_compose(const struct spec_service *s, const char *main, enum spec_sizes sizes)
{
    orc_auto(spec_service_free_p) struct spec_service *usual = spec_service_new(s->name);
    orc_auto_free char *policy = restart(s);
    json_t *j = json_object();

    json_object_set_new(j, "image", text(s->image));
    json_object_set_new(j, "command", command(&s->command, s->command_set));
    json_object_set_new(j, "entrypoint", command(&s->entrypoint, s->entrypoint_set));
    set(j, "environment", pairs(&s->environment));
    set(j, "labels", pairs(&s->labels));
    set(j, "depends_on", depends_on(s));
    set_network(j, s, main);
    set(j, "volumes", mounts(s));
    if (s->health.kind == SPEC_HEALTH_EXEC && !s->live_apart)
        set(j, "healthcheck", check_as(&s->health, "test", test(&s->health.exec)));
    if (!s->job)
        set_word(j, "restart", policy);
    if (s->stop_signal)
        set_word(j, "stop_signal", s->stop_signal);
    set_ms(j, "stop_grace_period", s->stop_grace_period_ms, usual->stop_grace_period_ms);
    set(j, "deploy", deploy(s, usual, sizes));
    set(j, "x-orc", x_orc(s, usual));
    return j;
}

/* The file -------------------------------------------------------------------------------------------- */

struct named {
    const struct spec_service *service;
    const char *main; /* whose sidecar it is; NULL */
};

static int cmp_named(const void *x, const void *y)
{
    return strcmp(((const struct named *)x)->service->name, ((const struct named *)y)->service->name);
}

static json_t *services(const struct spec_app *a, enum spec_sizes sizes)
{
    ORC_VEC(struct named) all = {0};
    const struct named *e;
    json_t *map = json_object();

    for (size_t i = 0; i < a->services.n; i++) {
        const struct spec_service *s = a->services.at[i], *beside;

        orc_vec_push(&all, ((struct named){s, NULL}));
        orc_vec_each (beside, &s->sidecars)
            orc_vec_push(&all, ((struct named){beside, s->name}));
    }
    if (all.n)
        qsort(all.at, all.n, sizeof *all.at, cmp_named);
    orc_vec_each (e, &all)
        json_object_set_new(map, e->service->name, spec_service_to_compose(e->service, e->main, sizes));
    orc_vec_release(&all);
    return map;
}

json_t *spec_app_to_compose(const struct spec_app *a, enum spec_sizes sizes)
{
    json_t *j = json_object(), *volumes = json_object();

    set_word(j, "name", a->name);
    set(j, "services", services(a, sizes));
    for (size_t i = 0; i < a->volumes.n; i++)
        json_object_set_new(volumes, a->volumes.at[i], json_object());
    set(j, "volumes", volumes);
    return j;
}
