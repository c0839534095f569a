#include "nodelet/task.h"

#include "nodelet/configs.h"
#include "lib/buf.h"
#include "lib/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LIST_AGAIN_MS 1000

/* ---- small ones ---------------------------------------------------------------------------------------- */

void task_event(struct task *t, const char *fmt, ...)
{
    va_list ap;
    orc_auto_free char *text = NULL;

    va_start(ap, fmt);
    text = orc_vprintf(fmt, ap);
    va_end(ap);
    orc_info("task %s: %s", t->id, text);
    if (t->a->opts.events && t->main)
        event_add(t->a->opts.events, "task", t->main->id, "sidecar %s: %s", t->sidecar, text);
    else if (t->a->opts.events)
        event_add(t->a->opts.events, "task", t->id, "%s", text);
}

void task_wake_at(struct task *t, uint64_t at)
{
    struct task *main = t->main ? t->main : t;

    if (at < main->wake)
        main->wake = at;
}

static void arm(struct agent *a, uint64_t at, uint64_t now)
{
    if (at == CONVERGE_NEVER || a->timer_at <= at)
        return;
    a->timer_at = at;
    timer_start(a->timer, at > now ? at - now : 0);
}

void task_later(struct task *t, uint64_t at)
{
    task_wake_at(t, at);
    arm(t->a, at, orc_clock_ms());
}

static void step_all(struct agent *a)
{
    struct task *t, *next;

    HASH_ITER (hh, a->tasks, t, next)
        task_step(t);
}

static void on_timer(void *arg)
{
    struct agent *a = arg;
    struct task *t, *next;
    uint64_t now = orc_clock_ms(), at = CONVERGE_NEVER;

    a->timer_at = CONVERGE_NEVER;
    HASH_ITER (hh, a->tasks, t, next) {
        if (t->wake <= now)
            task_step(t);
        else if (t->wake < at)
            at = t->wake;
    }
    arm(a, at, now);
}

/* ---- tasks --------------------------------------------------------------------------------------------- */

void task_set_old(struct task *t, struct record_status *old, const char *text)
{
    if (t->old)
        record_status_release(t->old);
    free(t->old);
    free(t->old_text);
    t->old = old;
    t->old_text = orc_strdup(text);
}

struct task *agent_find(const struct agent *a, const char *id)
{
    struct task *t;

    HASH_FIND_STR(a->tasks, id, t);
    return t;
}

struct task *agent_task(struct agent *a, const char *id)
{
    struct task *t = agent_find(a, id);

    if (t)
        return t;
    t = orc_new(struct task);
    t->a = a;
    snprintf(t->id, sizeof t->id, "%s", id);
    converge_init(&t->c);
    t->pub.have = EP_NONE;
    t->wake = CONVERGE_NEVER;
    HASH_ADD_STR(a->tasks, id, t);
    return t;
}

void task_free(struct task *t)
{
    if (!t->main)
        HASH_DEL(t->a->tasks, t);
    for (size_t i = 0; i < t->parts.n; i++)
        task_free(t->parts.at[i]);
    orc_vec_release(&t->parts);
    ops_cancel(t);
    checks_cancel(t);
    publish_cancel(t);
    withdraw_release(&t->w);
    converge_release(&t->c);
    revision_unref(t->revision);
    record_task_release(&t->rec);
    task_set_old(t, NULL, NULL);
    checks_release(t);
    free(t);
}

/* Nothing is known of it any more, and nothing is under way. */
static bool is_forgotten(const struct task *t)
{
    return !t->has_record && !t->has_status && t->c.container == CONTAINER_NONE &&
           t->c.op == CONVERGE_NOTHING && !t->call && !t->look && publish_idle(t) && parts_are_gone(t);
}

static void forget_configs(const struct task *t)
{
    orc_auto_free char *dir = task_configs(t);

    for (size_t i = 0; i < t->parts.n; i++)
        forget_configs(t->parts.at[i]);
    configs_remove(dir);
}

/* By what was written about it. Its sidecars' state and health are in that, too: while one of them starts
 * anew the main container may go on with requests of before. */
static bool may_have_served(const struct task *t)
{
    const struct spec_service *spec = task_spec(t);

    if (spec && spec->sidecars.n)
        return t->adopting || t->old->state == TASK_STARTING;
    return t->adopting && t->old->health != TASK_UNKNOWN;
}

/* The first look at a task: what an earlier nodelet wrote about it, and whether a container is there. */
static void begin(struct task *t)
{
    t->begun = true;
    if (t->old) {
        converge_resume(&t->c, t->old);
        publish_resume(t, t->old, t->old_text);
        orc_set_str(&t->ready.text, t->old->probe);
        snprintf(t->container, sizeof t->container, "%s", t->old->container ? t->old->container : "");
        t->adopting = t->old->state == TASK_RUNNING || t->old->state == TASK_STOPPING;
        t->ever_ready = may_have_served(t);
    }
    converge_want(&t->c, t->rec.desired, task_spec(t));
    if (orphans_claim(t->a, t->id))
        t->look = true;
    else if (t->c.was_made && t->c.container == CONTAINER_NONE)
        t->look = true;
}

void task_saw(struct task *t, const struct converge_seen *seen)
{
    enum converge_container before = t->c.container;
    char old_id[sizeof t->container];

    snprintf(old_id, sizeof old_id, "%s", t->old && t->old->container ? t->old->container : "");
    if (!t->main && t->adopting && seen->container == CONTAINER_RUNNING && strcmp(old_id, t->container) != 0)
        t->adopting = t->ever_ready = false; /* another container than the one that was written about */
    if (converge_see(&t->c, seen, orc_clock_ms()) && t->c.desired == TASK_RUN)
        task_event(t, "%s", t->c.reason ? t->c.reason : "exited");
    if (before == CONTAINER_NONE && seen->container == CONTAINER_RUNNING)
        orc_info("task %s: adopted its running container", t->id);
}

/* The containers: the main one first, whose state the others hang on. */
static void step_parts(struct task *t, uint64_t now)
{
    parts_make(t);
    ops_step(t, now);
    checks_step(t, now);
    parts_want(t);
    for (size_t i = 0; i < t->parts.n; i++) {
        ops_step(t->parts.at[i], now);
        checks_step(t->parts.at[i], now);
    }
}

void task_step(struct task *t)
{
    struct agent *a = t->a;
    uint64_t now = orc_clock_ms();

    if (a->closing)
        return;
    t = t->main ? t->main : t;
    t->wake = CONVERGE_NEVER;
    if (!a->ours)
        return;
    if (a->batched && a->engine_known && t->has_record && !t->begun)
        begin(t);
    if (t->begun) {
        if (t->has_record)
            converge_want(&t->c, t->rec.desired, task_spec(t));
        step_parts(t, now);
        publish_step(t, now);
    }
    if (is_forgotten(t)) {
        forget_configs(t);
        task_free(t);
        return;
    }
    arm(a, t->wake, now);
}

/* ---- the engine ---------------------------------------------------------------------------------------- */

/* A container by its labels, as parts.c names it; freed by the caller. */
static char *id_of(const char *task, const char *sidecar)
{
    return orc_printf("%s%s%s", task, *sidecar ? "." : "", sidecar);
}

static void listed_nowhere(struct agent *a, const struct docker_container *c)
{
    orc_auto_free char *id = id_of(c->task, c->sidecar);

    orphans_add(a, id);
}

/* A listed container, against what is believed of it. A list has no exit codes and no times: those are asked
 * for. */
static void listed(struct agent *a, const struct docker_container *c)
{
    struct task *main = agent_find(a, c->task), *t = main;
    struct converge_seen seen = {.container = c->running ? CONTAINER_RUNNING : CONTAINER_CREATED};

    if (!main || !main->has_record || !orc_streq(c->hash, main->rec.container_hash)) {
        listed_nowhere(a, c);
        return;
    }
    if (!main->begun)
        begin(main);
    parts_make(main);
    if (*c->sidecar && !(t = parts_find(main, c->sidecar))) {
        if (main->parts.n)
            listed_nowhere(a, c);
        else
            main->parts_seen = true;
        return;
    }
    if (a->engine_was_down)
        converge_engine_back(&t->c);
    if (t->seq > a->list_seq || t->c.op != CONVERGE_NOTHING || !(c->running || c->created)) {
        t->look = true;
        t->after_engine = a->engine_was_down && !c->running;
        return;
    }
    snprintf(t->container, sizeof t->container, "%s", c->id);
    task_saw(t, &seen);
    t->look = t->look || main->parts.n; /* when it was started is not in the list */
}

/* Tasks whose container the list does not show. */
static void look_for_missing(struct agent *a, const json_t *list)
{
    struct task *t, *next;
    struct docker_container c;
    const json_t *item;
    size_t i;

    HASH_ITER (hh, a->tasks, t, next) {
        bool found = false;

        if (!t->begun)
            continue;
        json_array_foreach(list, i, item) if (docker_container_from_list(item, &c) == 0 && !*c.sidecar &&
                                              strcmp(c.task, t->id) == 0) found = true;
        if (!found && (t->c.container != CONTAINER_NONE || t->c.was_made || t->look))
            t->look = true;
        for (size_t k = 0; k < t->parts.n; k++) /* few: each is asked for */
            t->parts.at[k]->look = true;
    }
}

/* "shop.web.0.3", "shop.web.0.3.proxy" */
static bool is_a_tasks(const char *name, void *arg)
{
    const struct agent *a = arg;
    const char *dot = strrchr(name, '.');
    orc_auto_free char *main = orc_strndup(name, dot ? (size_t)(dot - name) : strlen(name));
    struct task *t;

    if (agent_find(a, name))
        return true;
    t = agent_find(a, main);
    return t && dot && parts_find(t, dot + 1);
}

static void on_list(const struct docker_res *res, void *arg)
{
    struct agent *a = arg;
    struct docker_container c;
    const json_t *item;
    size_t i;

    a->list = NULL;
    if (a->closing || !a->engine_up)
        return;
    if (res->kind != DOCKER_OK || !json_is_array(res->json)) {
        timer_start(a->list_again, LIST_AGAIN_MS);
        orc_warn("the engine's containers can't be listed: %s", res->text);
        return;
    }
    orphans_clear(a);
    json_array_foreach(res->json, i, item) if (docker_container_from_list(item, &c) == 0) listed(a, &c);
    look_for_missing(a, res->json);
    a->engine_known = true;
    a->engine_was_down = false;
    a->opts.on_volumes(a->opts.arg);
    configs_sweep(a->opts.configs, is_a_tasks, a);
    orphans_report(a);
    step_all(a);
}

static void list(struct agent *a)
{
    orc_auto_free char *label = orc_printf("orc.cluster=%s", a->cluster_id);

    if (a->list || !a->engine_up || !a->batched) {
        a->want_list = true;
        return;
    }
    a->want_list = false;
    a->list_seq = ++a->seq;
    a->list = docker_container_list(a->opts.docker, label, on_list, a);
}

static void on_resync(void *arg)
{
    list(arg);
}

static void on_engine(bool up, const char *why, void *arg)
{
    struct agent *a = arg;

    a->engine_up = up;
    if (!up) {
        a->engine_known = false;
        a->engine_was_down = true;
    }
    a->opts.on_engine(up, why, a->opts.arg);
}

/* Signals that mean something else than the end to most programs. */
static bool ends_it(int signum)
{
    return signum != SIGHUP && signum != SIGUSR1 && signum != SIGUSR2 && signum != SIGWINCH;
}

static bool mounts_volumes(const struct task *t)
{
    const struct spec_service *spec = task_spec(t);

    for (size_t i = 0; spec && i < spec->mounts.n; i++)
        if (spec->mounts.at[i].kind == SPEC_MOUNT_VOLUME)
            return true;
    return false;
}

static void on_event(const char *action, const char *task, const char *sidecar, int code, void *arg)
{
    struct agent *a = arg;
    orc_auto_free char *id = id_of(task, sidecar);
    struct task *t = agent_find(a, task);

    if (t && *sidecar)
        t = parts_find(t, sidecar);
    if (t && strcmp(action, "start") == 0 && mounts_volumes(t))
        a->opts.on_volumes(a->opts.arg);
    if (strcmp(action, "destroy") == 0 && orphans_claim(a, id))
        orphans_report(a);
    if (!t || !t->begun || strcmp(action, "oom") == 0)
        return;
    if (strcmp(action, "kill") == 0) {
        if (t->c.op != CONVERGE_STOP && t->c.op != CONVERGE_KILL && ends_it(code))
            t->signalled = orc_clock_ms();
        return;
    }
    if (strcmp(action, "die") == 0 && (t->c.op == CONVERGE_STOP || t->c.op == CONVERGE_KILL)) {
        t->c.exit_code = code;
        return;
    }
    if (strcmp(action, "start") == 0 && t->c.container == CONTAINER_RUNNING)
        return;
    if (strcmp(action, "destroy") == 0 && (t->c.op == CONVERGE_REMOVE || t->c.container == CONTAINER_NONE))
        return;
    if (strcmp(action, "die") == 0 && t->c.container == CONTAINER_EXITED && t->c.op == CONVERGE_NOTHING)
        return; /* known already */
    ops_look(t);
}

void agent_cluster_id(struct agent *a, const char *id)
{
    orc_auto_free char *label = orc_printf("orc.cluster=%s", id);
    struct docker_events_opts opts = {
        .label = label, .on_event = on_event, .on_resync = on_resync, .on_engine = on_engine, .arg = a};

    if (orc_streq(id, a->cluster_id))
        return;
    orc_set_str(&a->cluster_id, id);
    docker_events_free(a->events);
    a->engine_known = false;
    a->events = docker_events_new(a->opts.loop, a->opts.docker, &opts);
}

/* ---- fed by the node's registration -------------------------------------------------------------------- */

void agent_address(struct agent *a, const char *address)
{
    if (orc_streq(a->address, address))
        return;
    orc_set_str(&a->address, address);
    step_all(a);
}

void agent_network(struct agent *a, bool ready)
{
    if (a->network == ready)
        return;
    a->network = ready;
    step_all(a);
}

/* No task is stepped here, as a task may be who tells; those that are fenced are woken in time. */
static void away_from(struct agent *a, uint64_t since)
{
    struct task *t, *next;

    a->away_since = since;
    HASH_ITER (hh, a->tasks, t, next)
        if (t->c.fence_ms) {
            task_wake_at(t, since + t->c.fence_ms);
            arm(a, t->wake, orc_clock_ms());
        }
}

/* What has a fence and does not run, or is about to end by it, may have its place elsewhere by now. */
static bool any_fenced(const struct agent *a)
{
    const struct task *t;

    for (t = a->tasks; t; t = t->hh.next)
        if (converge_is_fenced(&t->c) || (t->c.fence_ms && t->c.container != CONTAINER_RUNNING))
            return true;
    return false;
}

/* A view that watches on is live before it has shown what came meanwhile. */
static void back(struct agent *a)
{
    if (!a->away_since)
        return;
    a->away_since = 0;
    a->behind = any_fenced(a);
    if (a->behind)
        a->opts.on_back(a->opts.arg);
}

void agent_caught_up(struct agent *a)
{
    a->behind = false;
    step_all(a);
}

/* Fences count from when etcd was last known to know of us. */
static void look_away(struct agent *a, uint64_t heard_at)
{
    if (a->view == VIEW_LIVE && a->lease)
        back(a);
    else if (!a->away_since || heard_at < a->away_since)
        away_from(a, heard_at);
}

void agent_alive(struct agent *a, int64_t lease, int64_t create_revision, uint64_t heard_at)
{
    struct task *t, *next;

    if (a->lease == lease && a->alive_rev == create_revision)
        return;
    a->lease = lease;
    a->alive_rev = create_revision;
    /* What hung on the old lease is gone or will be; a task that never had an endpoint still has none. */
    HASH_ITER (hh, a->tasks, t, next)
        if (t->pub.have != EP_NONE) {
            t->pub.have = EP_UNKNOWN;
            withdraw_again(&t->w);
        }
    look_away(a, lease ? orc_clock_ms() : heard_at);
    if (!lease)
        return; /* lost: what runs is ours still */
    a->ours = true;
    step_all(a);
}

void agent_held(struct agent *a)
{
    a->ours = false;
}

/* ---- the view's moments ----------------------------------------------------------------------------------
 */

void agent_batch(struct agent *a)
{
    struct task *t, *next;
    bool first = !a->batched;

    a->batched = true;
    if (first) {
        if (a->want_list)
            list(a);
        step_all(a);
        return;
    }
    HASH_ITER (hh, a->tasks, t, next)
        if (t->w.step == WITHDRAW_WAITING)
            task_step(t);
}

/* What it says now holds, and nothing that was written or told since. */
void agent_forget(struct agent *a)
{
    struct task *t, *next;

    a->batched =
        false; /* a task that is new to us may have a status all the same: it is looked at with that */
    HASH_ITER (hh, a->tasks, t, next) {
        publish_anew(t);
        withdraw_release(&t->w);
        converge_anew(&t->c);
        for (size_t i = 0; i < t->parts.n; i++)
            converge_anew(&t->parts.at[i]->c);
    }
}

void agent_view(struct agent *a, enum view_state state)
{
    a->view = state;
    look_away(a, orc_clock_ms());
    if (state == VIEW_LIVE)
        step_all(a);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void on_revisions(void *arg)
{
    step_all(arg);
}

struct agent *agent_new(const struct agent_opts *opts)
{
    struct agent *a = orc_new(struct agent);

    a->opts = *opts;
    a->cluster = orc_strdup(opts->cluster);
    a->node = orc_strdup(opts->node);
    a->probe_http = orc_http_new(opts->loop);
    a->images = docker_images_new(opts->docker);
    a->revisions = revisions_new(opts->loop, opts->etcd, opts->cluster, on_revisions, a);
    a->timer = timer_new(opts->loop, on_timer, a);
    a->list_again = timer_new(opts->loop, on_resync, a);
    a->timer_at = CONVERGE_NEVER;
    a->view = VIEW_SYNCING;
    a->endpoints = endpoints_new(a);
    ops_init(a);
    return a;
}

struct agent *agent_free(struct agent *a)
{
    struct task *t, *next;

    if (!a)
        return NULL;
    a->closing = true;
    endpoints_free(a->endpoints);
    docker_events_free(a->events);
    if (a->list)
        docker_cancel(a->list);
    HASH_ITER (hh, a->tasks, t, next)
        task_free(t);
    feed_clear(a);
    orphans_clear(a);
    docker_images_free(a->images);
    orc_http_free(a->probe_http);
    revisions_free(a->revisions);
    timer_free(a->timer);
    timer_free(a->list_again);
    free(a->cluster);
    free(a->node);
    free(a->cluster_id);
    free(a->address);
    free(a->orphans);
    free(a);
    return NULL;
}
