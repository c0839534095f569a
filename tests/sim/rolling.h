/* rolling.h - tests of rollouts: one service, "web" of the app "shop", from version to version.
 *
 * Included by one test program each, with everything of sim.h.
 */
#ifndef TESTS_SIM_ROLLING_H
#define TESTS_SIM_ROLLING_H

#include "tests/sim/sim.h"

struct want {
    int replicas, parallelism;
    enum spec_order order;
    enum spec_failure_action action;
    const char *image;
    bool no_health;
    uint64_t delay_ms, memory_mib, deadline_ms;
    int percent, canary;
    int64_t ratio_nano;
    struct spec_update *back; /* rollback_config */
};

SIM_FN struct spec_service *spec(struct want w)
{
    struct spec_service *x = sim_spec("web", w.replicas ? w.replicas : 3, w.image ? w.image : "good");

    x->update.parallelism = w.parallelism ? w.parallelism : 1;
    x->update.order = w.order;
    x->update.failure_action = w.action;
    x->update.delay_ms = w.delay_ms;
    x->update.parallelism_percent = w.percent;
    x->update.max_failure_nano = w.ratio_nano;
    if (w.back) {
        x->rollback = *w.back;
        x->rollback_set = true;
    }
    x->canary = w.canary;
    if (w.deadline_ms)
        x->progress_deadline_ms = w.deadline_ms;
    if (w.memory_mib)
        x->limits.memory = (int64_t)w.memory_mib * SIM_MIB;
    if (w.no_health) {
        x->health.kind = SPEC_HEALTH_NONE;
        free(orc_take(x->health.path));
        x->health.port = 0;
    }
    return x;
}

/* Version 1 runs whole; version 2 has another label, so another container. */
SIM_FN struct sim *deployed(int nodes, struct want w)
{
    struct sim *s = sim_of(nodes);

    w.image = NULL;
    sim_apply(s, "shop", 1, spec(w));
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    return s;
}

SIM_FN void label(struct spec_service *w, const char *value)
{
    struct spec_pair *p = orc_vec_add(&w->labels);

    p->key = orc_strdup("version");
    p->value = orc_strdup(value);
}

SIM_FN void update(struct sim *s, int64_t n, struct want w)
{
    struct spec_service *x = spec(w);
    char value[24];

    snprintf(value, sizeof value, "%lld", (long long)n);
    label(x, value);
    sim_apply(s, "shop", n, x);
}

/* What the images of all versions so far are like from now on. */
SIM_FN void spoil(struct sim *s, const char *image)
{
    struct sim_image *i, *next;

    HASH_ITER (hh, s->images, i, next)
        snprintf(i->image, sizeof i->image, "%s", image);
}

struct seen { /* extremes over an update, looked at after each single act */
    int least_available, most_running, most_changing;
};

/* Steps and acts one by one until all is quiet, with the virtual clock moving on. */
SIM_FN struct seen watch(struct sim *s, uint64_t ms)
{
    struct seen x = {.least_available = 1000};
    uint64_t end = s->now + ms;

    while (s->now < end) {
        orc_auto_free char *text = sim_step(s);
        int available = sim_count(s, (struct sim_want){.service = "web", .available = true});
        int running = sim_count(s, (struct sim_want){.service = "web"});
        int leaving = sim_count(s, (struct sim_want){.service = "web", .leaving = true});

        if (available < x.least_available)
            x.least_available = available;
        if (running + leaving > x.most_running)
            x.most_running = running + leaving;
        if (running - available > x.most_changing)
            x.most_changing = running - available;
        if (sim_act(s) == 0 && !text[0]) {
            uint64_t next = core_next(s->core);

            s->now = next && next < end ? next : end;
        }
    }
    return x;
}

#endif
