#include "cli/wait.h"

#include "cli/report.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/units.h"

#include <signal.h>
#include <stdio.h>

#define REDRAW_MS 100

const enum key_kind wait_report_kinds[] = {
    KEY_CONFIG,      KEY_APP,   KEY_REVISION, KEY_ROLLOUT,       KEY_TASK,   KEY_STATUS, KEY_NODE,
    KEY_NODE_POLICY, KEY_ALIVE, KEY_GATEWAY,  KEY_GATEWAY_ALIVE, KEY_LEADER, KEY_UNKNOWN};

void wait_add(struct wait_targets *t, const char *app, const char *service, int64_t generation, int64_t epoch,
              bool gone)
{
    struct wait_target *w = orc_vec_add(t);

    *w = (struct wait_target){orc_strdup(app), orc_strdup(service), generation, epoch, gone};
}

void wait_targets_release(struct wait_targets *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->at[i].app);
        free(t->at[i].service);
    }
    orc_vec_release(t);
}

/* ---- following the store
 * ------------------------------------------------------------------------------------- */

struct follow {
    struct session *s;
    struct cluster cluster;
    struct view *view;
    uv_timer_t redraw, deadline;
    uv_signal_t interrupt;
    bool (*on_change)(struct cluster *c, void *arg);
    void *arg;
    int result; /* -1 while it goes on */
    bool synced, changed;
};

static void stop(struct follow *f, int result)
{
    if (f->result < 0)
        f->result = result;
    uv_stop(&f->s->loop);
}

static void show(struct follow *f)
{
    if (f->result >= 0 || !f->synced || !f->changed)
        return;
    f->changed = false;
    if (f->on_change(&f->cluster, f->arg))
        stop(f, CLI_DONE);
}

static void on_put(const struct etcd_kv *kv, void *arg)
{
    struct follow *f = arg;

    cluster_put(&f->cluster, kv->key, kv->value, kv->value_len, kv->create_revision, kv->mod_revision);
    f->changed = true;
}

static void on_delete(const char *key, int64_t revision, void *arg)
{
    struct follow *f = arg;

    cluster_delete(&f->cluster, key);
    f->changed = true;
}

static void on_redraw(uv_timer_t *t)
{
    show(t->data);
}

static void on_batch(int64_t revision, void *arg)
{
    struct follow *f = arg;

    f->cluster.revision = revision;
    if (!f->synced) {
        f->synced = f->changed = true;
        show(f);
    }
    if (f->changed && !uv_is_active((uv_handle_t *)&f->redraw))
        uv_timer_start(&f->redraw, on_redraw, REDRAW_MS, 0);
}

static void on_state(enum view_state state, const char *why, void *arg)
{
    if (state == VIEW_STALE)
        fprintf(stderr, "orc: %s; trying again\n", why);
}

static void on_deadline(uv_timer_t *t)
{
    stop(t->data, CLI_TIMED_OUT);
}

static void on_interrupt(uv_signal_t *h, int signum)
{
    stop(h->data, CLI_FAILED);
}

static void close_handle(uv_loop_t *loop, uv_handle_t *h)
{
    uv_close(h, NULL);
    while (uv_is_closing(h) && uv_run(loop, UV_RUN_NOWAIT))
        ;
}

static struct view *open_view(struct follow *f)
{
    const char *prefixes[ORC_ARRAY_SIZE(wait_report_kinds)] = {0};
    size_t n = 0;

    for (; wait_report_kinds[n] != KEY_UNKNOWN; n++)
        prefixes[n] = key_range(f->s->cluster, wait_report_kinds[n]);
    f->view = view_new(&f->s->loop, f->s->etcd,
                       &(struct view_opts){.prefixes = prefixes,
                                           .on_put = on_put,
                                           .on_delete = on_delete,
                                           .on_batch = on_batch,
                                           .on_state = on_state,
                                           .arg = f});
    while (n--)
        free((char *)prefixes[n]);
    return f->view;
}

int wait_follow(struct session *s, uint64_t timeout_ms, bool (*on_change)(struct cluster *c, void *arg),
                void *arg)
{
    struct follow f = {.s = s, .on_change = on_change, .arg = arg, .result = -1};

    cluster_init(&f.cluster, s->cluster);
    uv_timer_init(&s->loop, &f.redraw);
    uv_timer_init(&s->loop, &f.deadline);
    uv_signal_init(&s->loop, &f.interrupt);
    f.redraw.data = f.deadline.data = f.interrupt.data = &f;
    if (timeout_ms)
        uv_timer_start(&f.deadline, on_deadline, timeout_ms, 0);
    uv_signal_start(&f.interrupt, on_interrupt, SIGINT);
    open_view(&f);
    while (f.result < 0)
        uv_run(&s->loop, UV_RUN_DEFAULT);
    view_free(f.view);
    close_handle(&s->loop, (uv_handle_t *)&f.redraw);
    close_handle(&s->loop, (uv_handle_t *)&f.deadline);
    close_handle(&s->loop, (uv_handle_t *)&f.interrupt);
    cluster_release(&f.cluster);
    return f.result;
}

/* ---- rollouts to their end
 * ------------------------------------------------------------------------------------- */

enum outcome { GOING_ON, ENDED_WELL, ENDED_BADLY };

struct waiting {
    struct session *s;
    const struct wait_targets *targets;
    uint64_t *said;       /* per target: hash of the line said last */
    struct orc_strv seen; /* lines about tasks that have been said */
    int live_lines;
    bool failed;
    char *keeps; /* what it still waits for */
};

static bool any_task(const struct cluster *c, const struct wait_target *t)
{
    struct cluster_entry *e, *next;

    HASH_ITER (hh, c->entries, e, next) {
        const struct cluster_entry *seen;

        if (e->key.kind != KEY_TASK || e->problem || !orc_streq(e->as.task.app, t->app) ||
            !orc_streq(e->as.task.service, t->service))
            continue;
        seen = cluster_find(c, key_status(c->name, e->key.node, e->key.task));
        if (!seen || seen->as.status.state != TASK_REMOVED)
            return true;
    }
    return false;
}

static enum outcome judge(const struct cluster *c, const struct wait_target *t)
{
    const struct cluster_entry *e = cluster_find(c, key_rollout(c->name, t->app, t->service));

    if (t->gone)
        return (!e || e->as.rollout.state == ROLLOUT_REMOVING) && !any_task(c, t) ? ENDED_WELL : GOING_ON;
    if (!e || e->as.rollout.generation < t->generation || e->as.rollout.restart_epoch < t->epoch)
        return GOING_ON;
    switch (e->as.rollout.state) {
    case ROLLOUT_COMPLETE:
        return ENDED_WELL;
    case ROLLOUT_PAUSED:
    case ROLLOUT_ROLLED_BACK:
    case ROLLOUT_FAILED:
        return ENDED_BADLY;
    default:
        return GOING_ON;
    }
}

static const struct report_service *service_of(const struct report *r, const struct wait_target *t)
{
    orc_auto_free char *name = orc_printf("%s/%s", t->app, t->service);
    const struct report_service *s;

    orc_vec_each (s, &r->services)
        if (orc_streq(s->name, name))
            return s;
    return NULL;
}

static char *state_line(const struct report_service *s, const struct wait_target *t, enum outcome o)
{
    if (t->gone)
        return o == ENDED_WELL ? orc_printf("%s/%s: removed", t->app, t->service)
                               : orc_printf("%s/%s: stopping", t->app, t->service);
    if (!s)
        return orc_printf("%s/%s: waiting for the scheduler", t->app, t->service);
    if (o != ENDED_WELL && s->why.n)
        return orc_printf("%s: %s, %d of %d healthy: %s", s->name, s->rollout, s->healthy, s->desired,
                          s->why.at[0]);
    return orc_printf("%s: %s, %d of %d healthy", s->name, s->rollout, s->healthy, s->desired);
}

static bool said_before(struct waiting *w, const char *line)
{
    for (size_t i = 0; i < w->seen.n; i++)
        if (orc_streq(w->seen.at[i], line))
            return true;
    orc_strv_add(&w->seen, line);
    return false;
}

/* Without a terminal: a line when a task is placed, healthy, or in trouble. */
static void say_tasks(struct waiting *w, const struct report_service *s)
{
    const struct report_task *t;

    orc_vec_each (t, &s->tasks) {
        orc_auto_free char *line = NULL;

        if (!orc_streq(t->desired, "run"))
            line = orc_printf("  %s on %s stops: %s", t->id, t->node, t->reason ? t->reason : "replaced");
        else if (t->healthy)
            line = orc_printf("  %s on %s is healthy at %s", t->id, t->node, t->address);
        else if (orc_streq(t->state, "failed") || orc_streq(t->health, "unhealthy"))
            line = orc_printf("  %s on %s is %s, %s: %s", t->id, t->node, t->state, t->health,
                              t->reason ? t->reason : "?");
        if (line && !said_before(w, line))
            out_line(&w->s->out, "%s", line);
    }
}

static void say(struct waiting *w, const struct report *r, size_t i, enum outcome o)
{
    const struct wait_target *t = &w->targets->at[i];
    const struct report_service *s = service_of(r, t);
    orc_auto_free char *line = state_line(s, t, o);
    uint64_t h = orc_hash64_str(0, line);

    if (s)
        say_tasks(w, s);
    if (w->said[i] != h)
        out_line(&w->s->out, "%s", line);
    w->said[i] = h;
}

/* On a terminal: the lines of all targets, drawn over the ones before. */
static void draw(struct waiting *w, const struct report *r, const enum outcome *o)
{
    if (w->live_lines)
        printf("\033[%dA", w->live_lines);
    w->live_lines = 0;
    for (size_t i = 0; i < w->targets->n; i++) {
        const struct wait_target *t = &w->targets->at[i];
        const struct report_service *s = service_of(r, t);
        enum out_style style = o[i] == ENDED_WELL ? OUT_GOOD : o[i] == ENDED_BADLY ? OUT_BAD : OUT_WARN;
        orc_auto_free char *line = state_line(s, t, o[i]);

        printf("\033[2K\r%s%s%s\n", out_begin(&w->s->out, style), line, out_end(&w->s->out, style));
        w->live_lines++;
    }
    fflush(stdout);
}

static void keep_reason(struct waiting *w, const struct report *r, const enum outcome *o)
{
    for (size_t i = 0; i < w->targets->n; i++)
        if (o[i] == GOING_ON) {
            orc_auto_free char *line =
                state_line(service_of(r, &w->targets->at[i]), &w->targets->at[i], o[i]);

            orc_set_str(&w->keeps, line);
            return;
        }
}

static bool on_progress(struct cluster *c, void *arg)
{
    struct waiting *w = arg;
    enum outcome *o = orc_calloc(w->targets->n, sizeof *o);
    struct report r;
    size_t ended = 0;

    report_build(c, NULL, orc_wall_ms(), &r);
    w->failed = false;
    for (size_t i = 0; i < w->targets->n; i++) {
        o[i] = judge(c, &w->targets->at[i]);
        ended += o[i] != GOING_ON;
        w->failed |= o[i] == ENDED_BADLY;
    }
    if (w->s->out.terminal && !w->s->out.json && !w->s->out.quiet)
        draw(w, &r, o);
    else
        for (size_t i = 0; i < w->targets->n; i++)
            say(w, &r, i, o[i]);
    keep_reason(w, &r, o);
    report_release(&r);
    free(o);
    return ended == w->targets->n;
}

int wait_run(struct session *s, const struct wait_targets *targets, uint64_t timeout_ms)
{
    struct waiting w = {.s = s, .targets = targets, .said = orc_calloc(targets->n, sizeof(uint64_t))};
    char text[ORC_UNIT_MAX];
    int r = targets->n ? wait_follow(s, timeout_ms, on_progress, &w) : CLI_DONE;

    if (r == CLI_DONE && w.failed)
        r = CLI_ROLLOUT_FAILED;
    if (r == CLI_TIMED_OUT)
        fprintf(stderr, "orc: not done after %s: %s\nIt goes on without this command: see `orc status`.\n",
                orc_format_duration(timeout_ms, text), w.keeps ? w.keeps : "etcd gave no answer");
    if (r == CLI_FAILED)
        fprintf(stderr, "orc: interrupted; what was asked for goes on: see `orc status`\n");
    free(w.said);
    free(w.keeps);
    orc_strv_release(&w.seen);
    return r;
}
