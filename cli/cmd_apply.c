/* cmd_apply.c - `orc apply FILE`: immutable revisions first, then one flip of apps/<app>. Nothing is written
 * when nothing changed (behaviour 13). */
#include "cli/app_file.h"
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/delta.h"
#include "cli/prune.h"
#include "cli/refuse.h"
#include "cli/wait.h"
#include "lib/clock.h"

#define PRUNE_MOST 50 /* old revisions deleted by one apply at most */

struct apply_args {
    struct session_args session;
    struct app_file_args file;
    bool detach, prune, force;
    uint64_t timeout_ms;
};

struct apply {
    struct session *s;
    const struct apply_args *args;
    const struct spec_app *app;
    const struct app_file *file;
    struct cluster cluster;
    struct delta delta;
    json_t *problems;   /* of the file, that the cluster has; NULL: none */
    int64_t generation; /* to wait for */
};

/* ---- writing
 * ------------------------------------------------------------------------------------------------- */

static int commit_revisions(struct apply *a, struct etcd_txn *t, struct orc_err *err)
{
    int r = session_commit(a->s, t, NULL, err);

    if (r == SESSION_CONFLICT)
        return orc_fail(err, -EAGAIN,
                        "somebody else applied %s at the same moment; what runs was not changed by this "
                        "command: look with `orc status %s` and apply again",
                        a->app->name, a->app->name);
    return r;
}

static bool is_full(const struct etcd_txn *t, size_t more)
{
    return etcd_txn_n_ops(t) >= DELTA_TXN_REVISIONS || etcd_txn_bytes(t) + more > ETCD_TXN_BYTES_MAX;
}

/* Create-only: a number that somebody else used meanwhile is a conflict. */
static int write_revisions(struct apply *a, struct orc_err *err)
{
    const char *yaml = delta_yaml(&a->delta, a->file->text);
    orc_auto_free char *who = session_who();
    struct etcd_txn *t = NULL;
    const struct delta_step *step;
    int r = 0;

    orc_vec_each (step, &a->delta.steps) {
        orc_auto_free char *key = NULL;
        orc_auto_free char *text = NULL;

        if (!step->write)
            continue;
        key = key_revision(a->s->cluster, a->app->name, step->service, step->revision);
        text = delta_revision(step, yaml, who, orc_wall_ms());
        if (t && is_full(t, 2 * strlen(key) + strlen(text)))
            r = commit_revisions(a, orc_take(t), err);
        if (r < 0)
            return r;
        if (!t)
            t = etcd_txn_new();
        etcd_txn_if_create_revision(t, key, 0);
        etcd_txn_put(t, key, text, 0);
    }
    return t ? commit_revisions(a, t, err) : 0;
}

/* Deletes old revisions, unless the app (whose mod revision is `app`) or a rollout has changed since they
 * were found to be old: somebody may have gone back to one. It may fail: then the next apply does it. */
static void prune(struct apply *a, int64_t app)
{
    orc_auto_free char *key = key_app(a->s->cluster, a->app->name);
    struct etcd_txn *t = etcd_txn_new();
    struct orc_strv old = {0};
    struct orc_err ignored = ORC_ERR_INIT;

    prune_choose(&a->cluster, a->app->name, PRUNE_MOST, &old);
    etcd_txn_if_mod_revision(t, key, app);
    for (size_t i = 0; i < old.n; i++) {
        const struct cluster_entry *e;
        orc_auto_free char *rollout = NULL;
        struct key k;

        key_parse(a->s->cluster, old.at[i], &k);
        rollout = key_rollout(a->s->cluster, k.app, k.service);
        e = cluster_find(&a->cluster, orc_strdup(rollout));
        etcd_txn_if_mod_revision(t, rollout, e ? e->mod_revision : 0);
        etcd_txn_delete(t, old.at[i]);
    }
    if (old.n)
        session_commit(a->s, orc_take(t), NULL, &ignored);
    etcd_txn_free(t);
    orc_strv_release(&old);
}

static bool confirmed(void)
{
    char line[16] = "";

    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fputs("Remove what is no longer in the file? [y/N] ", stderr);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

/* A line for each service that is only `left`, or for each of the others. */
static void say_steps(const struct apply *a, bool left)
{
    const struct delta_step *step;

    orc_vec_each (step, &a->delta.steps) {
        orc_auto_free char *line = (step->kind == DELTA_LEFT) == left ? delta_line(a->app->name, step) : NULL;

        if (line)
            out_line(&a->s->out, "%s", line);
    }
}

static void decide_leftovers(struct apply *a)
{
    if (!a->delta.left)
        return;
    if (!a->args->prune)
        say_steps(a, true);
    if (a->args->prune || confirmed())
        delta_prune(&a->delta);
    else
        out_line(&a->s->out,
                 "what is no longer in the file is kept: remove it with --prune, or with `orc rm`");
}

/* Where everything would be in the end, and then without any one server. */
static int foresee_loss(struct apply *a, char **ret_why, struct orc_err *err)
{
    struct survive survive = {0};
    struct preview_change change = {
        .app = a->app->name, .delta = &a->delta, .survive = &survive, .zones = session_zones(a->s)};
    struct forecast_result result = {0};
    struct cluster all;
    int r = session_load(a->s, preview_kinds, &all, err);

    if (r < 0)
        return r;
    r = preview_run(&all, &change, orc_wall_ms(), &result, err);
    *ret_why = survive_refusal(&survive, a->app->name);
    survive_release(&survive);
    forecast_result_release(&result);
    cluster_release(&all);
    return r;
}

/* What can't be as the file demands it is not written. */
static int check_demands(struct apply *a, struct orc_err *err)
{
    orc_auto(orc_strv_release) struct orc_strv routes = {0};
    char *privileged = refuse_privileged(&a->cluster, a->app->name, &a->delta);
    orc_auto_free char *why = NULL, *loss = NULL;
    bool may_be_forced = !privileged;
    int r = 0;

    if (may_be_forced && a->args->force)
        return 0;
    why = refuse_both(privileged,
                      a->args->force ? NULL : refuse_change(&a->cluster, a->app->name, &a->delta, &routes));
    a->problems = app_file_point(a->file, &routes, "another service of the cluster has this route");
    if (!may_be_forced)
        return orc_fail(err, -EINVAL, "%s. Nothing was written", why);
    if (!why && refuse_asks_for_survival(&a->delta))
        r = foresee_loss(a, &loss, err);
    if (why || loss)
        r = orc_fail(err, -EINVAL, "%s. Nothing was written; --force applies the file all the same",
                     why ? why : loss);
    return r;
}

static int write_all(struct apply *a, struct orc_err *err)
{
    const struct cluster_entry *now = cluster_find(&a->cluster, key_app(a->s->cluster, a->app->name));
    int64_t revision = 0;
    int r = change_readable(&a->cluster, a->app->name, err);

    if (r < 0)
        return r;
    delta_build(&a->cluster, a->app, &a->delta);
    decide_leftovers(a);
    a->generation = now ? now->as.app.generation : 0;
    if (!a->delta.changes) {
        out_line(&a->s->out, "nothing changed");
        return 0;
    }
    r = check_demands(a, err);
    if (r == 0)
        r = write_revisions(a, err);
    if (r == 0)
        r = change_app(a->s, &a->cluster, a->app->name, &a->delta.next, etcd_txn_new(), &revision, err);
    if (r < 0)
        return r;
    say_steps(a, false);
    a->generation = a->delta.next.generation;
    prune(a, revision);
    return 0;
}

/* ---- waiting and telling
 * ------------------------------------------------------------------------------------- */

static void fill_targets(const struct apply *a, struct wait_targets *ret)
{
    const struct delta_step *step;

    orc_vec_each (step, &a->delta.steps)
        if (step->kind == DELTA_PRUNED)
            wait_add(ret, a->app->name, step->service, WAIT_GONE);
        else if (step->kind != DELTA_LEFT)
            wait_add(ret, a->app->name, step->service, WAIT_COMPLETE)->generation = a->generation;
}

static json_t *app_json(const struct apply *a)
{
    json_t *j = json_pack("{s:s, s:I, s:b}", "app", a->app->name, "generation", (json_int_t)a->generation,
                          "changed", a->delta.changes > 0);

    if (a->file->notices)
        json_object_set(j, "notices", a->file->notices);
    return j;
}

/* Adds to each service of the answer what the file changed of it; those that are only left get a row. */
static void add_changes(const struct apply *a, json_t *services)
{
    const struct delta_step *step;
    size_t i = 0;

    orc_vec_each (step, &a->delta.steps) {
        json_t *j;

        if (step->kind == DELTA_LEFT) {
            orc_auto_free char *name = orc_printf("%s/%s", a->app->name, step->service);

            json_array_append_new(services, json_pack("{s:s, s:s}", "name", name, "outcome", "kept"));
            j = json_array_get(services, json_array_size(services) - 1);
        } else {
            j = json_array_get(services, i++);
        }
        json_object_set_new(j, "change", json_string(delta_kind_name(step->kind)));
        json_object_set_new(j, "revision", json_integer(step->revision));
    }
}

static int follow(struct apply *a)
{
    struct wait_targets targets = {0};
    json_t *services = NULL;
    int r = CLI_DONE;

    fill_targets(a, &targets);
    if (a->args->detach)
        services = wait_detached(&targets);
    else
        r = wait_run(a->s, &targets, a->args->timeout_ms, &services);
    if (a->s->out.json) {
        add_changes(a, services);
        wait_print_json(r, a->args->detach, services, app_json(a));
    } else {
        json_decref(services);
    }
    wait_targets_release(&targets);
    return r;
}

/* ---- the whole
 * ----------------------------------------------------------------------------------------------- */

static int apply(struct apply *a, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP,  KEY_REVISION,    KEY_ROLLOUT,
                                          KEY_TASK,   KEY_NODE, KEY_NODE_POLICY, KEY_UNKNOWN};
    int r = session_read(a->s, kinds, &a->cluster, err);

    if (r == 0)
        r = write_all(a, err);
    r = r < 0 ? CLI_FAILED : follow(a);
    delta_release(&a->delta);
    cluster_release(&a->cluster);
    return r;
}

static int run(struct apply_args *args, struct orc_err *err)
{
    orc_auto(app_file_release) struct app_file file = {0};
    struct session s;
    struct apply a = {.args = args, .s = &s};
    int r;

    if (app_file_read(&args->file, &args->session, &file, err) < 0)
        return CLI_USAGE;
    if (session_open(&s, &args->session, err) < 0)
        return CLI_USAGE;
    a.app = file.app;
    a.file = &file;
    r = apply(&a, err);
    session_close(&s);
    cmd_end(&args->session, r, err, a.problems);
    err->msg[0] = '\0';
    return r;
}

int cmd_apply(int argc, char **argv)
{
    struct apply_args a = {.timeout_ms = CMD_TIMEOUT_MS};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "prune",
         .kind = ORC_OPT_BOOL,
         .value = &a.prune,
         .help = "remove services the file no longer has"},
        {.name = "force",
         .kind = ORC_OPT_BOOL,
         .value = &a.force,
         .help = "apply also what it would refuse: constraints that no server satisfies, a route of another "
                 "service, \"survive_node_loss\" that can't be kept"},
        APP_FILE_OPTIONS(&a.file),
        CMD_WAIT_OPTIONS(&a.detach, &a.timeout_ms),
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(table, argc, argv, &words,
                        "orc apply FILE [-f FILE ...] [--prune] [--force] [--detach] [--timeout DURATION]",
                        "Makes the cluster look like a Compose file, or several one over another, and waits "
                        "until it does. Exit code 3: "
                        "the rollout failed or was rolled back; 4: not done in time.");

    if (r < 0) {
        r = app_file_args_take(&a.file, &words, "orc apply", true, &err) < 0 ? CLI_USAGE : run(&a, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    app_file_args_release(&a.file);
    session_args_release(&a.session);
    return r;
}
