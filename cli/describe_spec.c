#include "cli/describe_spec.h"

#include "cli/report.h"
#include "cli/text.h"
#include "lib/units.h"

/* Joins and releases the texts; NULL when there are none. */
static char *joined(struct orc_strv *texts, const char *separator)
{
    char *all = texts->n ? text_join(texts, separator) : NULL;

    orc_strv_release(texts);
    return all;
}

static void add(struct orc_strv *texts, char *text)
{
    orc_strv_add(texts, text);
    free(text);
}

static char *command(const struct spec_service *s)
{
    struct orc_strv words = {0};

    for (size_t i = 0; i < s->entrypoint.n; i++)
        orc_strv_add(&words, s->entrypoint.at[i]);
    for (size_t i = 0; i < s->command.n; i++)
        orc_strv_add(&words, s->command.at[i]);
    return joined(&words, " ");
}

static char *resources(const struct spec_service *s)
{
    struct spec_resources r = spec_service_reserved(s);
    char a[ORC_UNIT_MAX], b[ORC_UNIT_MAX];
    struct orc_strv texts = {0};

    if (r.cpus_nano || r.memory)
        add(&texts, orc_printf("reserves %s CPU and %s each", orc_format_cpus(r.cpus_nano, a),
                               orc_format_size(r.memory, b)));
    if (s->limits.cpus_nano)
        add(&texts, orc_printf("at most %s CPU", orc_format_cpus(s->limits.cpus_nano, a)));
    if (s->limits.memory)
        add(&texts, orc_printf("at most %s", orc_format_size(s->limits.memory, a)));
    if (s->pids_limit)
        add(&texts, orc_printf("at most %d processes", s->pids_limit));
    return joined(&texts, ", ");
}

static char *health_asks(const struct spec_health *h)
{
    orc_auto_free char *line = NULL;

    switch (h->kind) {
    case SPEC_HEALTH_HTTP:
        return orc_printf("HTTP %s at port %u", h->path, h->port);
    case SPEC_HEALTH_TCP:
        return orc_printf("TCP at port %u", h->port);
    case SPEC_HEALTH_EXEC:
        line = text_join(&h->exec, " ");
        return orc_printf("`%s` in the container", line);
    default:
        return NULL;
    }
}

/* `becomes`: what it is when its checks fail. NULL: there is no check. */
static char *check_text(const struct spec_health *h, const char *becomes)
{
    orc_auto_free char *asks = health_asks(h);
    char interval[ORC_UNIT_MAX], timeout[ORC_UNIT_MAX];

    if (!asks)
        return NULL;
    return orc_printf("%s every %s, at most %s each; %s after %d failures in a row", asks,
                      orc_format_duration(h->interval_ms, interval),
                      orc_format_duration(h->timeout_ms, timeout), becomes, h->retries);
}

char *describe_health(const struct spec_service *s)
{
    orc_auto_free char *both = s->live_apart ? NULL : check_text(&s->health, "unhealthy");
    orc_auto_free char *ready = s->live_apart ? check_text(&s->health, "unready") : NULL;
    orc_auto_free char *live = s->live_apart ? check_text(&s->live, "unhealthy") : NULL;

    if (ready)
        return orc_printf("readiness: %s. liveness: %s", ready,
                          live ? live : "none: only its end has it restarted");
    return both ? orc_take(both) : orc_strdup("none: healthy as soon as it runs");
}

static char *update(const struct spec_service *s)
{
    static const char *const actions[] = {[SPEC_ON_FAILURE_PAUSE] = "pauses",
                                          [SPEC_ON_FAILURE_CONTINUE] = "goes on",
                                          [SPEC_ON_FAILURE_ROLLBACK] = "rolls back"};
    const struct spec_update *u = &s->update;
    orc_auto_free char *many = u->parallelism_percent ? orc_printf("%d%%", u->parallelism_percent)
                               : u->parallelism       ? orc_printf("%d", u->parallelism)
                                                      : orc_strdup("all");

    if (s->job)
        return NULL;
    return orc_printf("%s at a time, the %s first; %s when it fails", many,
                      u->order == SPEC_START_FIRST ? "new" : "old", actions[u->failure_action]);
}

static char *placement(const struct spec_service *s)
{
    struct orc_strv texts = {0};
    const struct spec_constraint *c;
    const struct spec_weight *w;

    if (s->global)
        orc_strv_add(&texts, "one on each server that takes it");
    if (s->strategy == SPEC_BINPACK)
        orc_strv_add(&texts, "packed");
    for (size_t i = 0; i < s->spread_over.n; i++)
        add(&texts, orc_printf("spread over %s", s->spread_over.at[i]));
    orc_vec_each (c, &s->constraints)
        add(&texts, orc_printf("%s %s %s", c->key, c->equal ? "==" : "!=", c->value));
    orc_vec_each (w, &s->weights)
        add(&texts, orc_printf("%s where %s %s %s (%d)", w->weight > 0 ? "rather" : "rather not", w->key,
                               w->equal ? "==" : "!=", w->value, w->weight));
    if (s->max_per_node)
        add(&texts, orc_printf("at most %d on a server", s->max_per_node));
    if (s->survive_node_loss)
        orc_strv_add(&texts, "survives the loss of any server");
    return joined(&texts, "; ");
}

static char *gateway(const struct spec_service *s)
{
    struct orc_strv texts = {0};
    const struct spec_gateway *g;

    orc_vec_each (g, &s->gateway)
        add(&texts, orc_printf("%s%s to port %u%s", g->host, g->path, g->port,
                               g->strip_prefix ? ", its prefix left out" : ""));
    return joined(&texts, "; ");
}

static char *ports(const struct spec_service *s)
{
    struct orc_strv texts = {0};
    const struct spec_port *p;

    orc_vec_each (p, &s->ports)
        if (p->host)
            add(&texts, report_port(p));
    return joined(&texts, ", ");
}

static char *mounts(const struct spec_service *s)
{
    struct orc_strv texts = {0};
    const struct spec_mount *m;

    orc_vec_each (m, &s->mounts)
        add(&texts, orc_printf("%s at %s%s", m->source, m->target, m->read_only ? " (read-only)" : ""));
    return joined(&texts, ", ");
}

static char *depends(const struct spec_service *s)
{
    static const char *const conditions[] = {[SPEC_DEPENDS_STARTED] = "started",
                                             [SPEC_DEPENDS_HEALTHY] = "healthy",
                                             [SPEC_DEPENDS_COMPLETED] = "completed"};
    struct orc_strv texts = {0};
    const struct spec_depend *d;

    orc_vec_each (d, &s->depends_on)
        add(&texts, orc_printf("%s (%s)", d->service, conditions[d->condition]));
    return joined(&texts, ", ");
}

static char *sidecars(const struct spec_service *s)
{
    struct orc_strv texts = {0};
    const struct spec_service *one;

    orc_vec_each (one, &s->sidecars)
        add(&texts, orc_printf("%s (%s)", one->name, one->image));
    return joined(&texts, ", ");
}

static char *schedule(const struct spec_service *s)
{
    const struct spec_schedule *x = &s->schedule;

    return x->cron ? orc_printf("%s (%s)", x->cron, x->time_zone ? x->time_zone : "UTC") : NULL;
}

const struct describe_spec_row describe_spec_rows[] = {
    {"Command", command},   {"Resources", resources}, {"Health check", describe_health},
    {"Update", update},     {"Placement", placement}, {"Gateway", gateway},
    {"Ports", ports},       {"Volumes", mounts},      {"Depends on", depends},
    {"Sidecars", sidecars}, {"Schedule", schedule},   {0},
};
