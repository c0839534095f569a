/* slots_desk.h - one slot of shop/web as the store has it, and what scheduler/slots makes of that: for its
 * tests.
 */
#ifndef TESTS_UNIT_SLOTS_DESK_H
#define TESTS_UNIT_SLOTS_DESK_H

#include "scheduler/slots.h"

#include "tests/sim/sim.h"

struct desk {
    struct sim *s;
    struct record_rollout r;
    struct slots v;
};

SIM_FN void begin(struct desk *d, int nodes, struct spec_service *w)
{
    *d = (struct desk){.s = sim_of(nodes)};
    d->r.target = d->r.wanted = 1;
    d->r.replicas = 1;
    sim_apply(d->s, "shop", 1, w);
    sim_put(d->s, key_rollout(SIM_CLUSTER, "shop", "web"), record_rollout_text(&d->r));
}

SIM_FN void end(struct desk *d)
{
    slots_release(&d->v);
    sim_free(d->s);
}

SIM_FN struct core_service *service(struct desk *d)
{
    return core_service_find(d->s->core, "shop", "web");
}

/* What was fed is looked at now; nothing comes of what is decided. */
SIM_FN void look(struct desk *d)
{
    struct plan p = {0};

    core_step(d->s->core, d->s->now, 0, &p);
    plan_release(&p);
    slots_release(&d->v);
    d->v = (struct slots){0};
    slots_build(&d->v, d->s->core, service(d), &d->r);
}

SIM_FN struct record_task task_of(struct desk *d, int64_t attempt)
{
    const struct core_revision *rev = core_service_revision(service(d), 1);
    struct record_task t = {
        .app = (char *)"shop", .service = (char *)"web", .attempt = attempt, .revision = 1};

    t.desired = TASK_RUN;
    t.reason = (char *)"first deployment";
    memcpy(t.container_hash, rev->rec.container_hash, sizeof t.container_hash);
    return t;
}

SIM_FN void put_task(struct desk *d, const char *node, const struct record_task *t)
{
    orc_auto_free char *id = orc_printf("shop.web.%d.%lld", t->slot, (long long)t->attempt);

    sim_put(d->s, key_task(SIM_CLUSTER, node, id), record_task_text(t));
}

/* Task 0.<attempt>, of the first revision, shall run on that node. */
SIM_FN void give(struct desk *d, const char *node, int64_t attempt)
{
    struct record_task t = task_of(d, attempt);

    put_task(d, node, &t);
}

SIM_FN void say(struct desk *d, const char *node, int64_t attempt, enum task_state state,
                enum task_health health, int exit_code)
{
    struct record_status st = {.state = state, .health = health, .exit_code = exit_code};
    orc_auto_free char *id = orc_printf("shop.web.0.%lld", (long long)attempt);

    sim_status(d->s, node, id, &st);
}

SIM_FN struct core_task *task(struct desk *d, int64_t attempt)
{
    struct core_task *t;

    core_each_task (t, service(d))
        if (t->attempt == attempt)
            return t;
    fail_msg("there is no attempt %lld", (long long)attempt);
    return NULL;
}

#endif
