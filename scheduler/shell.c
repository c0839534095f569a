#include "scheduler/shell.h"

#include "lib/clock.h"
#include "lib/file_later.h"
#include "lib/log.h"
#include "lib/version.h"
#include "lib/zone.h"
#include "scheduler/commit.h"
#include "scheduler/core.h"
#include "scheduler/echo.h"
#include "scheduler/metrics.h"
#include "scheduler/recorder.h"
#include "state/election.h"
#include "state/event.h"
#include "state/view.h"

/* The least that etcd grants with its default election time-out (1.5 times that, in whole seconds). It looks
 * for expired leases twice a second: another leads at most 2.5 s after the last keep-alive. */
#define LEADER_TTL_S 2
#define CONFLICT_MS 20  /* a guard did not hold: the view will show why */
#define FAILURE_MS 1000 /* the store did not take it: once more after so long */
#define SAVE_GUARD_MS 5000

struct shell {
    uv_loop_t *loop;
    struct etcd *etcd;
    struct core *core;
    struct orc_zones *zones;
    struct view *view;
    struct election *election;
    struct event_log *events;
    struct commit *commit;
    struct echo *echo;
    struct recorder *recorder; /* NULL: nothing is recorded */
    struct guard guard;
    struct orc_file_later *guard_file; /* NULL: it is not kept */
    char *guard_path, *cluster, *leader_key, *leader_value, *config_key;
    uv_timer_t step, save;
    uv_timer_t campaign; /* an election can't be freed from within its own callback */
    bool live, leads, fresh, waiting, stopping;
    bool half; /* a reading of the store has begun to come: what is known is of two times until it ends */
    int closing;
    int64_t saved_revision;
    uint64_t steps;
    struct orc_log_once away, refused, disk;
};

static void arm(struct shell *s, uint64_t ms);

/* ---- feeding ----------------------------------------------------------------------------------------- */

static void feed(struct shell *s, const struct key *key, const struct etcd_kv *kv, struct orc_err *err)
{
    if (key->kind == KEY_TASK && echo_feed(s->echo, s->core, kv->key, key, kv->value, kv->value_len,
                                           kv->create_revision, kv->mod_revision))
        return;
    core_feed_value(s->core, key, kv->value, kv->value_len, kv->create_revision, kv->mod_revision, err);
}

static void on_put(const struct etcd_kv *kv, void *arg)
{
    struct shell *s = arg;
    struct orc_err err = ORC_ERR_INIT;
    struct key key;

    s->half = true;
    if (key_parse(s->cluster, kv->key, &key) == KEY_UNKNOWN)
        orc_fail(&err, -EINVAL, "it is not a key of orc");
    else if (core_wants(key.kind)) {
        recorder_put(s->recorder, &key, kv);
        feed(s, &key, kv, &err);
    }
    if (!err.msg[0])
        return;
    orc_warn("key %s can't be used, nothing is concluded from it: %s", kv->key, err.msg);
    if (s->leads)
        event_add(s->events, "store", kv->key, "the key can't be used: %s", err.msg);
}

static void on_delete(const char *name, int64_t revision, void *arg)
{
    struct shell *s = arg;
    struct key key;

    s->half = true;
    if (key_parse(s->cluster, name, &key) == KEY_UNKNOWN || !core_wants(key.kind))
        return;
    recorder_delete(s->recorder, name);
    core_feed_delete(s->core, &key);
}

static void on_batch(int64_t revision, void *arg)
{
    struct shell *s = arg;

    s->half = false;
    arm(s, 0); /* not inside: what arrived together is taken in first */
}

/* ---- deciding ---------------------------------------------------------------------------------------- */

static bool may_step(const struct shell *s)
{
    return s->live && s->leads && !s->half && !s->waiting && !s->stopping && !commit_busy(s->commit);
}

static void tell(struct shell *s, const struct plan_event *e)
{
    orc_info("%s %s: %s", e->type, e->object, e->message);
    event_add(s->events, e->type, e->object, "%s", e->message);
}

/* What was found out without anything to write. */
static void tell_notices(struct shell *s, const struct plan *p)
{
    const struct plan_event *e;

    orc_vec_each (e, &p->events)
        if (e->txn == PLAN_NO_TXN)
            tell(s, e);
}

static void decide(struct shell *s)
{
    uint64_t now = orc_clock_ms(), next;
    int64_t wall = orc_wall_ms();
    struct plan p = {0};

    if (!may_step(s))
        return;
    if (s->fresh) {
        recorder_lead(s->recorder);
        core_lead(s->core);
    }
    s->fresh = false;
    s->steps++;
    core_step(s->core, now, wall, &p);
    recorder_step(s->recorder, now, wall, &p);
    next = core_next(s->core);
    tell_notices(s, &p);
    if (!plan_empty(&p))
        commit_start(s->commit, &p, s->election);
    else if (next)
        arm(s, next > now ? next - now : 0);
    plan_release(&p);
}

static void on_step(uv_timer_t *t)
{
    decide(t->data);
}

/* In `ms`, unless it is due sooner already. */
static void arm(struct shell *s, uint64_t ms)
{
    if (!may_step(s))
        return; /* whatever ends the waiting arms anew */
    if (uv_is_active((uv_handle_t *)&s->step) && uv_timer_get_due_in(&s->step) <= ms)
        return;
    uv_timer_start(&s->step, on_step, ms, 0);
}

/* ---- committing -------------------------------------------------------------------------------------- */

static void log_ops(const struct plan_txn *t)
{
    const struct plan_op *op;

    orc_vec_each (op, &t->ops) {
        bool moves =
            op->kind == PLAN_TASK_CREATE || op->kind == PLAN_TASK_DESIRED || op->kind == PLAN_GATEWAY_RETIRE;
        enum orc_log_level level = moves ? ORC_LOG_INFO : ORC_LOG_DEBUG;
        orc_auto_free char *line = orc_log_writes(level) ? plan_op_text(t, op) : NULL;

        if (line)
            orc_log(level, "%s", line);
    }
}

static void on_txn(const struct plan_txn *txn, size_t index, bool committed, void *arg)
{
    struct shell *s = arg;
    const struct plan_event *e;

    recorder_fate(s->recorder, index, committed);
    if (!committed) {
        core_retry(s->core, txn);
        return;
    }
    log_ops(txn);
    orc_vec_each (e, &commit_plan(s->commit)->events)
        if (e->txn == index)
            tell(s, e);
}

static void on_reached(int error, void *arg)
{
    struct shell *s = arg;

    s->waiting = false;
    echo_clear(s->echo);
    if (error !=
        -ECANCELED) /* -ESTALE: the store was restored from an older backup; what it holds is known */
        arm(s, 0);
}

static void on_committed(const struct commit_result *res, void *arg)
{
    struct shell *s = arg;

    if (res->failed)
        orc_log_begin(&s->refused, ORC_LOG_WARN, "the store did not take a decision: %s", res->error_text);
    else
        orc_log_end(&s->refused, "the store takes decisions again");
    if (res->revision) {
        s->waiting = true;
        view_wait(s->view, res->revision, on_reached, s);
        return;
    }
    arm(s, res->failed ? FAILURE_MS : CONFLICT_MS);
}

/* ---- leading ----------------------------------------------------------------------------------------- */

static void on_leader(bool leader, void *arg)
{
    struct shell *s = arg;

    if (leader == s->leads)
        return;
    s->leads = leader;
    if (!leader) {
        orc_info("no longer the leader: %s", election_reason(s->election));
        commit_stop(s->commit);
        uv_timer_stop(&s->step);
        return;
    }
    orc_info("leads");
    event_add(s->events, "scheduler", "leader", "this scheduler leads");
    s->fresh = true;
    arm(s, 0);
}

/* We campaign only in the store we know: an election writes. */
static void on_campaign(uv_timer_t *t)
{
    struct shell *s = t->data;
    struct election_opts o = {.key = s->leader_key,
                              .value = s->leader_value,
                              .ttl_s = LEADER_TTL_S,
                              .on_change = on_leader,
                              .arg = s};

    if (view_state(s->view) != VIEW_FROZEN) {
        if (!s->election && view_state(s->view) == VIEW_LIVE)
            s->election = election_new(s->loop, s->etcd, &o);
        return;
    }
    commit_stop(s->commit);
    s->leads = false;
    s->election = election_free(s->election);
}

static void on_state(enum view_state state, const char *why, void *arg)
{
    struct shell *s = arg;
    bool was = s->live;

    s->live = state == VIEW_LIVE;
    if (s->live) {
        orc_log_end(&s->away, "etcd answers");
        s->fresh = s->fresh || !was; /* no duration is counted over a time in which nothing was seen */
        arm(s, 0);
    } else if (state == VIEW_FROZEN) {
        orc_log_begin(&s->away, ORC_LOG_ERROR, "frozen, nothing is decided: %s", why);
    } else if (state == VIEW_STALE || *why) { /* lost, or never reached */
        orc_log_begin(
            &s->away, ORC_LOG_WARN,
            "etcd can't be reached: %s. All runs on as it is, and etcd is tried again; is it up, and is "
            "--etcd right?",
            why);
    }
    if (!s->stopping)
        uv_timer_start(&s->campaign, on_campaign, 0, 0);
}

/* ---- remembering the store --------------------------------------------------------------------------- */

static void on_guard_written(int r, const struct orc_err *err, void *arg)
{
    struct shell *s = arg;

    if (r < 0) {
        s->saved_revision = -1; /* again, next time */
        orc_log_begin(&s->disk, ORC_LOG_ERROR, "the last revision seen can't be kept: %s. All else goes on",
                      err->msg);
        return;
    }
    orc_log_end(&s->disk, "the last revision seen is kept again");
}

static void save_guard(struct shell *s)
{
    orc_auto_free char *text = NULL;

    if (!s->guard_file || s->guard.frozen || s->guard.revision == s->saved_revision)
        return;
    text = guard_text(&s->guard);
    s->saved_revision = s->guard.revision;
    orc_file_later_write(s->guard_file, text);
}

static void on_save(uv_timer_t *t)
{
    struct shell *s = t->data;

    if (s->live)
        save_guard(s);
}

static int load_guard(struct shell *s, const char *path, struct orc_err *err)
{
    int r;

    if (!path)
        return 0;
    s->guard_path = orc_strdup(path);
    r = guard_load(&s->guard, path, err);
    if (r != GUARD_CORRUPT)
        return r;
    orc_warn("%s", err->msg);
    err->msg[0] = '\0';
    return 0;
}

/* ---- life cycle -------------------------------------------------------------------------------------- */

static struct view *open_view(struct shell *s)
{
    char *prefixes[KEY_EVENT + 2] = {NULL};
    struct view_opts o = {.prefixes = (const char *const *)prefixes,
                          .on_put = on_put,
                          .on_delete = on_delete,
                          .on_batch = on_batch,
                          .on_state = on_state,
                          .guard = &s->guard,
                          .config_key = s->config_key,
                          .arg = s};
    struct view *v;
    size_t n = 0;

    for (enum key_kind k = KEY_CONFIG; k <= KEY_EVENT; k++)
        if (core_wants(k))
            prefixes[n++] = key_range(s->cluster, k);
    v = view_new(s->loop, s->etcd, &o);
    while (n)
        free(prefixes[--n]);
    return v;
}

static void name_things(struct shell *s, const struct shell_opts *opts)
{
    struct record_leader leader = {(char *)opts->id, (char *)opts->host, (char *)orc_version(),
                                   orc_wall_ms()};

    s->cluster = orc_strdup(opts->cluster);
    s->leader_key = key_leader(opts->cluster);
    s->config_key = key_config(opts->cluster);
    s->leader_value = record_leader_text(&leader);
}

static void init_timers(struct shell *s)
{
    uv_timer_init(s->loop, &s->step);
    uv_timer_init(s->loop, &s->save);
    uv_timer_init(s->loop, &s->campaign);
    s->step.data = s->save.data = s->campaign.data = s;
    if (s->guard_path)
        uv_timer_start(&s->save, on_save, SAVE_GUARD_MS, SAVE_GUARD_MS);
}

/* What may fail. */
static int open_all(struct shell *s, const struct shell_opts *opts, struct orc_err *err)
{
    struct etcd_opts e = {.endpoints = opts->etcd, .tls = opts->tls};

    if (load_guard(s, opts->guard, err) < 0)
        return -EINVAL;
    s->etcd = etcd_new(s->loop, &e, err);
    if (!s->etcd)
        return -EINVAL;
    if (opts->record)
        s->recorder = recorder_new(s->loop, opts->record, opts->record_most, opts->cluster, opts->host,
                                   orc_wall_ms(), err);
    if (!opts->record || s->recorder)
        return 0;
    s->etcd = etcd_free(s->etcd);
    return -EINVAL;
}

struct shell *shell_new(uv_loop_t *loop, const struct shell_opts *opts, struct orc_err *err)
{
    struct shell *s = orc_new(struct shell);
    struct commit_opts c = {opts->cluster, on_txn, on_committed, s, NULL};
    orc_auto_free char *by = orc_printf("orc-scheduler %s", opts->host);

    s->loop = loop;
    name_things(s, opts);
    if (open_all(s, opts, err) < 0) {
        free(s->guard_path);
        free(s->cluster);
        free(s->leader_key);
        free(s->leader_value);
        free(s->config_key);
        free(s);
        return NULL;
    }
    init_timers(s);
    if (s->guard_path)
        s->guard_file = orc_file_later_new(loop, s->guard_path, 0600, on_guard_written, s);
    s->core = core_new();
    s->zones = orc_zones_new(ORC_ZONE_DIR);
    core_set_zones(s->core, (struct core_zones){orc_zones_ask, s->zones});
    s->events = event_log_new(s->etcd, opts->cluster, by);
    s->echo = c.echo = echo_new();
    s->commit = commit_new(s->etcd, &c);
    s->view = open_view(s);
    return s;
}

void shell_metrics(const struct shell *s, struct orc_metrics_text *t)
{
    if (!s)
        return;
    orc_metric_gauge(t, "orc_scheduler_leads", "1 when this scheduler is the one that decides.", s->leads);
    orc_metric_gauge(t, "orc_store_live", "1 when what the store holds is known and current.", s->live);
    orc_metric(t, "orc_scheduler_steps_total", "counter", "Decisions taken, empty ones too.");
    orc_metric_sample(t, NULL, NULL, (double)s->steps);
    if (s->leads)
        core_metrics(s->core, t);
}

void shell_stop(struct shell *s, void (*done)(void *arg), void *arg)
{
    s->stopping = true;
    s->leads = false;
    commit_stop(s->commit);
    uv_timer_stop(&s->step);
    uv_timer_stop(&s->campaign);
    if (s->election)
        election_resign(s->election, done, arg);
    else
        done(arg);
}

static void on_closed(uv_handle_t *h)
{
    struct shell *s = h->data;

    if (--s->closing == 0)
        free(s);
}

struct shell *shell_free(struct shell *s)
{
    if (!s)
        return NULL;
    if (s->live)
        save_guard(s);
    s->guard_file = orc_file_later_free(s->guard_file);
    s->stopping = true;
    s->commit = commit_free(s->commit);
    s->view = view_free(s->view);
    s->echo = echo_free(s->echo);
    s->election = election_free(s->election);
    s->events = event_log_free(s->events);
    s->etcd = etcd_free(s->etcd);
    s->core = core_free(s->core);
    s->zones = orc_zones_free(s->zones);
    s->recorder = recorder_free(s->recorder);
    free(s->guard_path);
    free(s->cluster);
    free(s->leader_key);
    free(s->leader_value);
    free(s->config_key);
    s->closing = 3;
    uv_close((uv_handle_t *)&s->step, on_closed);
    uv_close((uv_handle_t *)&s->save, on_closed);
    uv_close((uv_handle_t *)&s->campaign, on_closed);
    return NULL;
}
