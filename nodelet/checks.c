/* checks.c - the health checks of the running containers: sets them up with each run, makes the probes that
 * are due, ends those without an answer. */
#include "nodelet/task.h"

#include "lib/clock.h"
#include "lib/units.h"

static const struct spec_health *spec_of(const struct check *c, const struct spec_service *spec)
{
    return c == &c->task->live ? &spec->live : &spec->health;
}

/* The one that made it what it is. */
static const struct check *telling(const struct task *t)
{
    return t->live_apart && checks_health(t) == TASK_UNHEALTHY ? &t->live : &t->ready;
}

static void say_change(struct task *t, enum task_health before)
{
    const struct check *c = telling(t);
    enum task_health now = checks_health(t);

    if (now == TASK_UNHEALTHY || now == TASK_UNREADY)
        task_event(t, "%s: %d failed health checks in a row; the last: %s",
                   now == TASK_UNHEALTHY ? "unhealthy" : "not ready", c->probe.failures,
                   c->text ? c->text : "no answer");
    else if (before == TASK_UNHEALTHY || before == TASK_UNREADY)
        task_event(t, "healthy again");
}

static void ended(struct check *c, enum probe_result result, const char *text)
{
    struct task *t = c->task;
    enum task_health before = checks_health(t);

    c->prober = NULL;
    if (result != PROBE_NOT_MADE)
        orc_set_str(&c->text, text);
    probe_end(&c->probe, result, orc_clock_ms());
    if (checks_health(t) != before)
        say_change(t, before);
}

static void on_probed(enum probe_result result, const char *text, void *arg)
{
    struct check *c = arg;

    ended(c, result, text);
    task_step(c->task);
}

static void begin(struct check *c, const struct spec_health *spec, uint64_t now)
{
    struct task *t = c->task;
    struct prober_env env = {.loop = t->a->opts.loop, .http = t->a->probe_http, .docker = t->a->opts.docker};

    probe_begin(&c->probe, now);
    if (spec->kind == SPEC_HEALTH_EXEC && (!t->a->engine_up || !*t->container)) {
        probe_end(&c->probe, PROBE_NOT_MADE, now);
        return;
    }
    c->prober = prober_start(&env, spec, task_rec(t)->address, t->container, on_probed, c);
}

static void time_out(struct check *c, const struct spec_health *spec)
{
    char unit[ORC_UNIT_MAX], text[80];

    prober_cancel(c->prober);
    snprintf(text, sizeof text, "no answer within %s", orc_format_duration(spec->timeout_ms, unit));
    ended(c, PROBE_FAILED, text);
}

/* One that was running when nodelet came, with what was written about it: no run is known to have begun. What
 * was unready was alive. */
static void set_up(struct task *t, const struct spec_service *spec, uint64_t now)
{
    const struct task *main = t->main ? t->main : t;
    enum task_health was = t->adopting && main->old ? main->old->health : TASK_UNKNOWN;

    t->ready.task = t->live.task = t;
    t->live_apart = spec->live_apart;
    if (t->adopting && main->old) {
        probe_adopt(&t->ready.probe, &spec->health, was == TASK_UNREADY ? TASK_UNHEALTHY : was, now);
        probe_adopt(&t->live.probe, &spec->live, was == TASK_UNREADY ? TASK_HEALTHY : was, now);
    } else {
        probe_start(&t->ready.probe, &spec->health, now);
        probe_start(&t->live.probe, &spec->live, now);
    }
    t->checked = true;
    t->adopting = false;
}

static void tear_down(struct task *t)
{
    checks_cancel(t);
    probe_stop(&t->ready.probe);
    probe_stop(&t->live.probe);
    t->checked = false;
    t->ever_ready = false;
    t->adopting = false;
}

static void step(struct check *c, const struct spec_service *spec, uint64_t now)
{
    const struct spec_health *check = spec_of(c, spec);

    if (c->prober && probe_deadline(&c->probe) <= now)
        time_out(c, check);
    if (probe_due(&c->probe) <= now)
        begin(c, check, now);
    task_wake_at(c->task, probe_due(&c->probe));
    task_wake_at(c->task, probe_deadline(&c->probe));
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
    step(&t->ready, spec, now);
    step(&t->live, spec, now);
}

static void cancel(struct check *c)
{
    if (c->prober)
        prober_cancel(c->prober);
    c->prober = NULL;
}

void checks_cancel(struct task *t)
{
    cancel(&t->ready);
    cancel(&t->live);
}

void checks_release(struct task *t)
{
    free(t->ready.text);
    free(t->live.text);
}

enum task_health checks_health(const struct task *t)
{
    return probe_health(&t->ready.probe, &t->live.probe, t->live_apart);
}

const char *checks_text(const struct task *t)
{
    return telling(t)->text;
}
