/* checks.c - the health checks of the running containers: sets a probe up with each run, makes the probes
 * that are due, ends those without an answer. */
#include "nodelet/task.h"

#include "lib/clock.h"
#include "lib/units.h"

static void say_change(struct task *t, enum task_health before)
{
    if (t->probe.health == TASK_UNHEALTHY)
        task_event(t, "unhealthy: %d failed health checks in a row; the last: %s", t->probe.failures,
                   t->probe_text ? t->probe_text : "no answer");
    else if (before == TASK_UNHEALTHY)
        task_event(t, "healthy again");
}

static void ended(struct task *t, enum probe_result result, const char *text)
{
    enum task_health before = t->probe.health;

    t->prober = NULL;
    if (result != PROBE_NOT_MADE)
        orc_set_str(&t->probe_text, text);
    if (probe_end(&t->probe, result, orc_clock_ms()))
        say_change(t, before);
}

static void on_probed(enum probe_result result, const char *text, void *arg)
{
    ended(arg, result, text);
    task_step(arg);
}

static void begin(struct task *t, const struct spec_service *spec, uint64_t now)
{
    struct prober_env env = {.loop = t->a->opts.loop, .http = t->a->probe_http, .docker = t->a->opts.docker};

    probe_begin(&t->probe, now);
    if (spec->health.kind == SPEC_HEALTH_EXEC && (!t->a->engine_up || !*t->container)) {
        probe_end(&t->probe, PROBE_NOT_MADE, now);
        return;
    }
    t->prober = prober_start(&env, &spec->health, task_rec(t)->address, t->container, on_probed, t);
}

static void time_out(struct task *t, const struct spec_service *spec)
{
    char unit[ORC_UNIT_MAX], text[80];

    prober_cancel(t->prober);
    snprintf(text, sizeof text, "no answer within %s", orc_format_duration(spec->health.timeout_ms, unit));
    ended(t, PROBE_FAILED, text);
}

/* One that was running when nodelet came, with what was written about it: no run is known to have begun. */
static void set_up(struct task *t, const struct spec_service *spec, uint64_t now)
{
    const struct task *main = t->main ? t->main : t;

    if (t->adopting && main->old)
        probe_adopt(&t->probe, &spec->health, main->old->health, now);
    else
        probe_start(&t->probe, &spec->health, now);
    t->checked = true;
    t->adopting = false;
}

static void tear_down(struct task *t)
{
    checks_cancel(t);
    probe_stop(&t->probe);
    t->checked = false;
    t->ever_ready = false;
    t->adopting = false;
}

void checks_step(struct task *t, uint64_t now)
{
    const struct spec_service *spec = task_spec(t);

    if (t->c.container != CONTAINER_RUNNING) {
        if (t->checked)
            tear_down(t);
        return;
    }
    if (!spec || !(t->main ? t->main : t)->has_record)
        return;
    if (!t->checked)
        set_up(t, spec, now);
    if (t->prober && probe_deadline(&t->probe) <= now)
        time_out(t, spec);
    if (probe_due(&t->probe) <= now)
        begin(t, spec, now);
    task_wake_at(t, probe_due(&t->probe));
    task_wake_at(t, probe_deadline(&t->probe));
}

void checks_cancel(struct task *t)
{
    if (t->prober)
        prober_cancel(t->prober);
    t->prober = NULL;
}
