/* ops.c - carries out what converge decides, with bounded numbers in flight.
 *
 * Starting costs the engine work: beyond OPS_SLOTS at once only the latency grows. Stopping is mostly waiting
 * for the container and has a bound of its own, so that slow stops do not delay starts.
 */
#include "nodelet/task.h"

#include "nodelet/configs.h"
#include "nodelet/outcomes.h"
#include "nodelet/volumes.h"

#include "lib/clock.h"

#include <stdio.h>
#include <string.h>

#define OPS_SLOTS 5
#define OPS_STOPS 32
#define SIGNAL_MORE_MS 5000 /* for the engine and its events, beyond the grace period */

static struct ops_lane *lane_of(struct agent *a, enum converge_op op)
{
    switch (op) {
    case CONVERGE_CREATE:
    case CONVERGE_START:
    case CONVERGE_REMOVE:
        return &a->busy;
    case CONVERGE_STOP:
    case CONVERGE_KILL:
        return &a->waiting;
    case CONVERGE_NOTHING:
    case CONVERGE_PULL:
    case CONVERGE_WITHDRAW:
        break;
    }
    return NULL;
}

static void end(struct task *t, enum converge_outcome outcome, const char *text)
{
    struct ops_lane *lane = t->lane;
    struct task *next;

    t->call = NULL;
    t->seq = ++t->a->seq;
    t->lane = NULL;
    if (lane)
        lane->in_flight--;
    converge_end(&t->c, outcome, text, orc_clock_ms());
    task_step(t); /* may take the place again: start follows create */
    next = lane ? TAILQ_FIRST(&lane->queue) : NULL;
    if (next)
        task_step(next);
}

static void remember_container(struct task *t, const char *id)
{
    if (id && strlen(id) <= DOCKER_ID_MAX)
        snprintf(t->container, sizeof t->container, "%s", id);
}

/* ---- looking ------------------------------------------------------------------------------------------- */

static bool touches_container(enum converge_op op)
{
    return op != CONVERGE_NOTHING && op != CONVERGE_PULL && op != CONVERGE_WITHDRAW;
}

/* Somebody else's signal counts for as long as the container may take to end by it. */
static bool was_stopped(const struct task *t)
{
    const struct spec_service *spec = task_spec(t);
    uint64_t grace = spec ? spec->stop_grace_period_ms : 10000;

    return t->signalled && orc_clock_ms() - t->signalled <= grace + SIGNAL_MORE_MS;
}

/* What a sidecar hangs on: when its main container was started, and which it was made for. */
static void remember_run(struct task *t, const struct docker_container *c)
{
    const char *joins = strncmp(c->network_mode, "container:", 10) == 0 ? c->network_mode + 10 : "";

    snprintf(t->started, sizeof t->started, "%.*s", (int)strcspn(c->started, "Z"), c->started);
    if (t->main)
        snprintf(t->made_for, sizeof t->made_for, "%s", joins);
}

static void saw_container(struct task *t, const struct docker_container *c)
{
    struct converge_seen seen = {
        .container = c->running   ? CONTAINER_RUNNING
                     : c->created ? CONTAINER_CREATED
                                  : CONTAINER_EXITED,
        .exit_code = c->exit_code,
        .oom = c->oom,
        .engine_restarted = t->after_engine,
        .stopped = was_stopped(t),
    };

    remember_container(t, c->id);
    remember_run(t, c);
    t->after_engine = false;
    if (!c->running)
        t->signalled = 0;
    task_saw(t, &seen);
}

/* Of this task, and of what it asks for: in a store that was restored from a backup an id may come again. */
static bool is_ours(const struct task *t, const struct docker_container *c)
{
    return orc_streq(c->task, t->main ? t->main->id : t->id) && orc_streq(c->sidecar, t->sidecar) &&
           orc_streq(c->cluster, t->a->cluster_id) && orc_streq(c->hash, task_rec(t)->container_hash);
}

static void on_looked(const struct docker_res *res, void *arg)
{
    struct task *t = arg;
    struct converge_seen gone = {.container = CONTAINER_NONE};
    struct docker_container c;

    t->looking = false;
    t->call = NULL;
    if (t->look_seq != t->seq ||
        (res->kind == DOCKER_OK && docker_container_from_inspect(res->json, &c) < 0)) {
        t->look = true; /* an operation came between: what was seen is old */
        task_later(t, orc_clock_ms() + 100);
        return;
    }
    if (res->kind == DOCKER_OK && is_ours(t, &c))
        saw_container(t, &c);
    else if (res->kind == DOCKER_NOT_FOUND || res->kind == DOCKER_OK)
        task_saw(t, &gone);
    else { /* also when the engine went away: then it is asked when that is back */
        t->look = true;
        task_later(t, orc_clock_ms() + 1000);
        return;
    }
    task_step(t);
}

void ops_look(struct task *t)
{
    orc_auto_free char *name = container_name(t->id);

    t->look = true;
    if (t->looking || touches_container(t->c.op) || !t->a->engine_up || !t->a->engine_known)
        return;
    t->look = false;
    t->looking = true;
    t->look_seq = t->seq;
    t->call = docker_container_inspect(t->a->opts.docker, name, on_looked, t);
}

/* ---- operations ---------------------------------------------------------------------------------------- */

static void remove_configs(const struct task *t)
{
    orc_auto_free char *dir = task_configs(t);

    configs_remove(dir);
}

static void on_done(const struct docker_res *res, void *arg)
{
    struct task *t = arg;
    enum converge_outcome outcome = outcome_of(t->c.op, res->kind, res->text);

    if (t->main && t->c.op == CONVERGE_START && outcome == CONVERGE_GONE)
        outcome = CONVERGE_TRANSIENT; /* it, or the container that it joins */
    if (outcome == CONVERGE_TRANSIENT)
        t->look = true; /* its fate is unknown */
    if (t->c.op == CONVERGE_REMOVE && outcome == CONVERGE_DONE)
        remove_configs(t);
    if (t->c.op == CONVERGE_START && (t->parts.n || t->main))
        t->look = true; /* which start of the main one a sidecar has joined */
    if (outcome_needs_network(res->kind, res->text))
        t->a->opts.on_network_doubt(t->a->opts.arg);
    end(t, outcome, res->text);
}

/* The name is taken: by this very task's container, made before our time, or by somebody else's. */
static void on_taken(const struct docker_res *res, void *arg)
{
    struct task *t = arg;
    struct docker_container c;
    bool inspected = res->kind == DOCKER_OK && docker_container_from_inspect(res->json, &c) == 0;

    if (inspected && is_ours(t, &c)) {
        t->look = true;
        remember_container(t, c.id);
        end(t, CONVERGE_DONE, "");
    } else if (inspected) {
        end(t, CONVERGE_TRANSIENT, "a container that is not this task's has its name; remove or rename it");
    } else {
        end(t, CONVERGE_TRANSIENT, *res->text ? res->text : "the engine's answer can't be understood");
    }
}

static void on_created(const struct docker_res *res, void *arg)
{
    struct task *t = arg;
    orc_auto_free char *name = container_name(t->id);

    if (res->kind == DOCKER_CONFLICT) {
        t->call = docker_container_inspect(t->a->opts.docker, name, on_taken, t);
        return;
    }
    if (res->kind == DOCKER_OK)
        remember_container(t, json_string_value(json_object_get(res->json, "Id")));
    on_done(res, t);
}

static void make(struct task *t)
{
    struct agent *a = t->a;
    orc_auto_free char *configs = task_configs(t);
    struct container_context ctx = {.cluster_id = a->cluster_id,
                                    .node = a->node,
                                    .address = a->address,
                                    .configs = configs,
                                    .join = t->main ? t->main->container : NULL};
    orc_auto_free char *name = container_name(t->id);
    orc_auto_json json_t *config =
        container_config(&ctx, t->main ? t->main->id : t->id, task_rec(t), task_spec(t));

    snprintf(t->made_for, sizeof t->made_for, "%s", ctx.join ? ctx.join : "");
    t->call = docker_container_create(a->opts.docker, name, task_spec(t)->platform, config, on_created, t);
}

/* The engine would make a volume that it has not; of an external one that is somebody else's to do. */
static void on_volumes(const struct docker_res *res, void *arg)
{
    struct task *t = arg;
    const char *missing = res->kind == DOCKER_OK ? volumes_missing(res->json, task_spec(t)) : NULL;
    orc_auto_free char *why = NULL;

    if (res->kind != DOCKER_OK) {
        on_done(res, t);
    } else if (missing) {
        why = orc_printf("volume \"%s\" is external, and %s has none of that name; create it there (docker "
                         "volume create %s), or name the server that has it in \"constraints\"",
                         missing, t->a->node, missing);
        end(t, CONVERGE_TRANSIENT, why);
    } else {
        make(t);
    }
}

static void create(struct task *t)
{
    t->call = volumes_ask(t->a->opts.docker, task_spec(t), on_volumes, t);
    if (!t->call)
        make(t);
}

static void on_pulled(enum docker_pull outcome, const char *text, void *arg)
{
    static const enum converge_outcome outcomes[] = {
        [PULL_OK] = CONVERGE_DONE, [PULL_MISSING] = CONVERGE_REFUSED, [PULL_TRANSIENT] = CONVERGE_TRANSIENT};

    end(arg, outcomes[outcome], text);
}

static void withdraw(struct task *t)
{
    const struct spec_service *spec = task_spec(t);

    /* It crashed and runs again while nothing could be written: the endpoint of the run before still stands.
     */
    t->ever_ready = t->ever_ready || publish_may_be_chosen(t);
    withdraw_begin(&t->w, t->ever_ready, spec ? spec->drain_timeout_ms : 30000);
}

static void run(struct task *t, enum converge_op op)
{
    struct docker *d = t->a->opts.docker;
    const struct spec_service *spec = task_spec(t);
    orc_auto_free char *name = container_name(t->id);

    converge_begin(&t->c, op);
    t->seq = ++t->a->seq;
    switch (op) {
    case CONVERGE_PULL:
        docker_pull(t->a->images, spec->image, spec->platform, on_pulled, t);
        break;
    case CONVERGE_CREATE:
        create(t);
        break;
    case CONVERGE_START:
        snprintf(t->joined, sizeof t->joined, "%s", t->main ? t->main->started : "");
        t->joining = true;
        t->call = docker_container_start(d, name, on_done, t);
        break;
    case CONVERGE_WITHDRAW:
        withdraw(t);
        break;
    case CONVERGE_STOP:
        t->call = docker_container_stop(d, name, spec ? spec->stop_grace_period_ms : 10000, on_done, t);
        break;
    case CONVERGE_KILL:
        t->call = docker_container_kill(d, name, on_done, t);
        break;
    case CONVERGE_REMOVE:
        t->call = docker_container_remove(d, name, false, on_done, t);
        break;
    case CONVERGE_NOTHING:
        break;
    }
}

static void dequeue(struct task *t)
{
    if (t->queue)
        TAILQ_REMOVE(&t->queue->queue, t, in_queue);
    t->queue = NULL;
}

/* Takes a place for an operation that needs one, or queues for it. */
static bool admit(struct task *t, enum converge_op op)
{
    struct ops_lane *lane = lane_of(t->a, op);

    if (!lane)
        return true;
    if (lane->in_flight < lane->max) {
        lane->in_flight++;
        t->lane = lane;
        return true;
    }
    TAILQ_INSERT_TAIL(&lane->queue, t, in_queue);
    t->queue = lane;
    return false;
}

void ops_init(struct agent *a)
{
    a->busy.max = OPS_SLOTS;
    a->waiting.max = OPS_STOPS;
    TAILQ_INIT(&a->busy.queue);
    TAILQ_INIT(&a->waiting.queue);
}

/* A withdrawal that is over, or that nobody needs because the container is gone already, or must go. */
static void judge_withdrawal(struct task *t, const struct converge_world *world)
{
    uint64_t now = world->now, fence = converge_fence_at(&t->c, world), end;

    if (t->c.op != CONVERGE_WITHDRAW)
        return;
    if (withdraw_judge(&t->w, t->id, t->a->gateways, now) || t->c.container != CONTAINER_RUNNING ||
        now >= fence) {
        t->w.step = WITHDRAW_DONE;
        if (t->w.timed_out)
            task_event(t, "withdrawal: no agreement in time (%s); it is stopped now", t->w.waiting_for);
        converge_end(&t->c, CONVERGE_DONE, "", now);
        return;
    }
    end = withdraw_deadline(&t->w);
    task_wake_at(t, fence < end ? fence : end);
}

/* Nobody needs the image any more: the pull goes on for others, or for nobody. */
static void judge_pull(struct task *t, uint64_t now)
{
    if (t->c.op != CONVERGE_PULL || t->c.desired == TASK_RUN)
        return;
    docker_pull_forget(t->a->images, t);
    converge_end(&t->c, CONVERGE_DONE, "", now);
}

/* The files that it needs of this server are there. */
static bool has_configs(struct task *t, enum converge_op op, uint64_t now)
{
    const struct spec_service *spec = task_spec(t);
    orc_auto_free char *dir = NULL;
    struct orc_err err = ORC_ERR_INIT;

    if ((op != CONVERGE_CREATE && op != CONVERGE_START) || !spec || !spec->configs.n)
        return true;
    dir = task_configs(t);
    if (configs_write(dir, spec, &err) == 0)
        return true;
    converge_begin(&t->c, op);
    converge_end(&t->c, CONVERGE_TRANSIENT, err.msg, now);
    return false;
}

void ops_step(struct task *t, uint64_t now)
{
    struct agent *a = t->a;
    struct converge_world world = {.engine = a->engine_up && a->engine_known && !t->look && !t->looking,
                                   .store = a->view == VIEW_LIVE,
                                   .behind = a->behind,
                                   .away_since = a->away_since,
                                   .now = now};
    enum converge_op op;
    uint64_t wake;

    parts_world(t, &world);
    if (t->look)
        ops_look(t);
    judge_withdrawal(t, &world);
    judge_pull(t, now);
    dequeue(t);
    op = converge_next(&t->c, &world, &wake);
    if (op == CONVERGE_CREATE && (!a->network || !a->address))
        op = CONVERGE_NOTHING; /* asked again when the network is made */
    if (!has_configs(t, op, now))
        op = converge_next(&t->c, &world, &wake);
    if (op == CONVERGE_NOTHING) {
        task_wake_at(t, wake);
    } else if (admit(t, op)) {
        run(t, op);
        if (op == CONVERGE_WITHDRAW) {
            judge_withdrawal(t, &world);
            if (t->c.op == CONVERGE_NOTHING)
                ops_step(t, now); /* nothing to wait for */
        }
    }
}

void ops_cancel(struct task *t)
{
    dequeue(t);
    docker_pull_forget(t->a->images, t);
    if (t->call)
        docker_cancel(t->call);
}
