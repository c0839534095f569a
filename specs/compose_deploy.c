/* compose_deploy.c - healthcheck, deploy and x-orc as a Compose file has them. */
#include "specs/compose_internal.h"

#include "lib/units.h"

#include <stdio.h>
#include <string.h>

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
        json_array_append_new(list, compose_text(argv->at[i]));
    return list;
}

/* How it is asked is `how`, in healthcheck's words or x-orc's; taken. */
static json_t *check_as(const struct spec_health *h, const char *key, json_t *how, enum compose_form form)
{
    json_t *c = json_object();

    compose_set(c, key, how);
    json_object_set_new(c, "interval", compose_duration(h->interval_ms, form));
    json_object_set_new(c, "timeout", compose_duration(h->timeout_ms, form));
    json_object_set_new(c, "retries", json_integer(h->retries));
    compose_set_ms(c, "start_period", h->start_period_ms, 0, form);
    compose_set_ms(c, "start_interval", h->start_interval_ms, 0, form);
    return c;
}

json_t *compose_healthcheck(const struct spec_service *s, enum compose_form form)
{
    bool mine = s->health.kind == SPEC_HEALTH_EXEC && !s->live_apart;

    return mine ? check_as(&s->health, "test", test(&s->health.exec), form) : json_object();
}

static json_t *orc_check(const struct spec_health *h, enum compose_form form)
{
    json_t *net;

    if (h->kind == SPEC_HEALTH_EXEC)
        return check_as(h, "exec", compose_texts(&h->exec), form);
    net = json_object();
    if (h->kind == SPEC_HEALTH_HTTP)
        json_object_set_new(net, "path", compose_text(h->path));
    json_object_set_new(net, "port", json_integer(h->port));
    return check_as(h, h->kind == SPEC_HEALTH_HTTP ? "http" : "tcp", net, form);
}

static json_t *health(const struct spec_service *s, enum compose_form form)
{
    json_t *j = json_object();

    if (s->live_apart)
        json_object_set_new(j, "readiness", orc_check(&s->health, form));
    if (s->live.kind != SPEC_HEALTH_NONE)
        json_object_set_new(j, "liveness", orc_check(&s->live, form));
    if (!s->live_apart && spec_health_is_remote(&s->health)) {
        json_decref(j);
        j = orc_check(&s->health, form);
    }
    return j;
}

/* deploy ---------------------------------------------------------------------------------------------- */

static json_t *cpus(int64_t nano, enum compose_form form)
{
    char buf[ORC_UNIT_MAX];

    return form == COMPOSE_PROGRAMS ? compose_number(nano) : json_string(orc_format_cpus(nano, buf));
}

static json_t *resources_of(const struct spec_resources *r, int pids, enum compose_form form)
{
    json_t *j = json_object();

    if (r->cpus_nano)
        json_object_set_new(j, "cpus", cpus(r->cpus_nano, form));
    if (r->memory)
        json_object_set_new(j, "memory", compose_size(r->memory, form));
    compose_set_int(j, "pids", pids, 0);
    return j;
}

static json_t *resources(const struct spec_service *s, enum compose_form form)
{
    json_t *j = json_object();

    compose_set(j, "limits", resources_of(&s->limits, s->pids_limit, form));
    compose_set(j, "reservations", resources_of(&s->reservations, 0, form));
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

static json_t *update(const struct spec_update *u, enum compose_form form)
{
    static const char *const orders[] = {"stop-first", "start-first"}, *const actions[] = {
                                                                           "pause", "continue", "rollback"};
    json_t *j = json_object();

    json_object_set_new(j, "parallelism", parallelism(u));
    compose_set_ms(j, "delay", u->delay_ms, 0, form);
    json_object_set_new(j, "monitor", compose_duration(u->monitor_ms, form));
    if (u->max_failure_nano)
        json_object_set_new(j, "max_failure_ratio", compose_number(u->max_failure_nano));
    compose_set_word(j, "order", orders[u->order]);
    compose_set_word(j, "failure_action", actions[u->failure_action]);
    return j;
}

static json_t *placement(const struct spec_service *s)
{
    json_t *j = json_object(), *constraints = json_array(), *preferences = json_array();

    for (size_t i = 0; i < s->constraints.n; i++) {
        const struct spec_constraint *c = &s->constraints.at[i];
        orc_auto_free char *line = orc_printf("%s %s %s", c->key, c->equal ? "==" : "!=", c->value);

        json_array_append_new(constraints, compose_text(line));
    }
    for (size_t i = 0; i < s->spread_over.n; i++)
        json_array_append_new(preferences, json_pack("{s:o}", "spread", compose_text(s->spread_over.at[i])));
    compose_set(j, "constraints", constraints);
    compose_set(j, "preferences", preferences);
    compose_set_int(j, "max_replicas_per_node", s->max_per_node, 0);
    return j;
}

/* Of a job; how often a failure is tried again. */
static json_t *restart_policy(const struct spec_run *run, enum compose_form form)
{
    json_t *j = json_object();

    compose_set_word(j, "condition", run->retries ? "on-failure" : "none");
    if (run->retries)
        json_object_set_new(j, "max_attempts",
                            json_integer(run->retries == SPEC_RETRIES_ANY ? 0 : run->retries));
    compose_set_ms(j, "delay", run->delay_ms, 0, form);
    return j;
}

static void fill(json_t *j, const char *key)
{
    if (!json_object_get(j, key))
        json_object_set_new(j, key, json_object());
}

json_t *compose_deploy(const struct spec_service *s, const struct spec_service *usual, enum compose_form form)
{
    static const char *const modes[] = {"replicated", "global", "replicated-job", "global-job"};
    orc_auto_json json_t *usual_update = update(&usual->update, form), *how = update(&s->update, form);
    json_t *j = json_object();

    if (s->global || s->job)
        compose_set_word(j, "mode", modes[s->global + 2 * s->job]);
    compose_set_int(j, "replicas", s->replicas, SPEC_REPLICAS_DEFAULT);
    compose_set(j, "labels", compose_pairs(&s->deploy_labels));
    compose_set(j, "resources", resources(s, form));
    if (!json_equal(how, usual_update))
        json_object_set(j, "update_config", how);
    if (s->rollback_set)
        compose_set(j, "rollback_config", update(&s->rollback, form));
    compose_set(j, "placement", placement(s));
    if (s->job)
        compose_set(j, "restart_policy", restart_policy(&s->run, form));
    if (form == COMPOSE_PROGRAMS && json_object_size(j)) { /* structs in Go: never left out */
        fill(j, "resources");
        fill(j, "placement");
    }
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
            compose_set_word(j, "host", g->host);
        json_object_set_new(j, "path", compose_text(g->path));
        json_object_set_new(j, "port", json_integer(g->port));
        if (g->strip_prefix)
            json_object_set_new(j, "strip_prefix", json_true());
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *rebalance(const struct spec_service *s, const struct spec_service *usual,
                         enum compose_form form)
{
    json_t *j = json_object();

    if (s->rebalance_auto)
        compose_set_word(j, "mode", "auto");
    compose_set_ms(j, "after", s->rebalance_after_ms, usual->rebalance_after_ms, form);
    return j;
}

static json_t *schedule(const struct spec_schedule *c, const struct spec_schedule *usual,
                        enum compose_form form)
{
    static const char *const concurrencies[] = {"forbid", "allow", "replace"};
    json_t *j = json_object();

    if (!c->cron)
        return j;
    json_object_set_new(j, "cron", compose_text(c->cron));
    if (c->time_zone)
        json_object_set_new(j, "time_zone", compose_text(c->time_zone));
    compose_set_word(j, "concurrency", concurrencies[c->concurrency]);
    compose_set_ms(j, "starting_deadline", c->deadline_ms, usual->deadline_ms, form);
    return j;
}

static json_t *job(const struct spec_run *run, const struct spec_run *usual)
{
    json_t *j = json_object();

    compose_set_int(j, "max_concurrent", run->max_concurrent, 0);
    compose_set_int(j, "keep", run->keep, usual->keep);
    return j;
}

static json_t *weights(const struct spec_service *s)
{
    json_t *j = json_object();
    const struct spec_weight *w;

    orc_vec_each (w, &s->weights) {
        orc_auto_free char *on = orc_printf("%s %s %s", w->key, w->equal ? "==" : "!=", w->value);

        json_object_set_new(j, on, json_integer(w->weight));
    }
    return j;
}

static json_t *where(const struct spec_service *s)
{
    json_t *j = json_object();

    if (s->strategy == SPEC_BINPACK)
        compose_set_word(j, "strategy", "binpack");
    compose_set(j, "weights", weights(s));
    if (s->survive_node_loss)
        json_object_set_new(j, "survive_node_loss", json_true());
    return j;
}

json_t *compose_x_orc(const struct spec_service *s, const struct spec_service *usual, enum compose_form form)
{
    json_t *j = json_object(), *drain = json_object();

    compose_set(j, "health", health(s, form));
    compose_set(j, "gateway", gateway(s));
    compose_set(j, "placement", where(s));
    compose_set_int(j, "canary", s->canary, 0);
    compose_set_ms(j, "progress_deadline", s->progress_deadline_ms, usual->progress_deadline_ms, form);
    compose_set_ms(j, "disconnect", s->disconnect_ms, 0, form);
    compose_set(j, "rebalance", rebalance(s, usual, form));
    compose_set_ms(j, "fence", s->fence_ms, 0, form);
    compose_set_ms(drain, "timeout", s->drain_timeout_ms, usual->drain_timeout_ms, form);
    compose_set(j, "drain", drain);
    compose_set(j, "job", job(&s->run, &usual->run));
    compose_set(j, "schedule", schedule(&s->schedule, &usual->schedule, form));
    return j;
}
