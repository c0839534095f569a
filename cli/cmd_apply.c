/* cmd_apply.c - `orc apply FILE`: immutable revisions first, then one flip of apps/<app>. Nothing is written
 * when nothing changed (behaviour 13). */
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/wait.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "specs/parse.h"

#define TXN_REVISIONS 50 /* revisions written per transaction at most; bytes bound it too */

struct apply_args {
    struct session_args session;
    bool detach, prune;
    uint64_t timeout_ms;
};

struct apply {
    struct session *s;
    const struct apply_args *args;
    struct spec_app *app;
    const char *yaml;
    struct cluster cluster;
    struct record_app next;
    struct etcd_txn *revisions; /* being filled */
    int changes;
    struct orc_strv leftovers; /* services of the app that the file no longer has */
};

/* ---- the file
 * ------------------------------------------------------------------------------------------------ */

/* Compose's rule: without `name:` the app is called like the folder of its file. */
static char *default_name(const char *path)
{
    orc_auto_free char *real = realpath(path, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;

    if (!slash)
        return NULL;
    *slash = '\0';
    slash = strrchr(real, '/');
    return slash && slash[1] ? orc_strdup(slash + 1) : NULL;
}

static int read_stdin(char **ret, size_t *ret_n, struct orc_err *err)
{
    char *data = orc_calloc(SPEC_FILE_MAX + 1, 1);

    *ret_n = fread(data, 1, SPEC_FILE_MAX + 1, stdin);
    if (*ret_n > SPEC_FILE_MAX) {
        free(data);
        return orc_fail(err, -EFBIG, "standard input holds more than %d bytes", SPEC_FILE_MAX);
    }
    *ret = data;
    return 0;
}

static int read_app(const char *path, struct spec_app **ret, char **ret_yaml, struct orc_err *err)
{
    bool standard = strcmp(path, "-") == 0;
    orc_auto_free char *name = standard ? NULL : default_name(path);
    orc_auto_free char *text = NULL;
    struct spec_problems problems = {0};
    size_t n;
    int r = standard ? read_stdin(&text, &n, err) : orc_file_read(path, SPEC_FILE_MAX, &text, &n, err);

    if (r < 0)
        return r;
    r = spec_parse(text, n, name, ret, &problems);
    if (r == 0) {
        *ret_yaml = orc_take(text);
        return 0;
    }
    for (size_t i = 0; i < problems.n; i++)
        fprintf(stderr, "%s:%d:%d: %s\n", standard ? "stdin" : path, problems.at[i].line,
                problems.at[i].column, problems.at[i].text);
    orc_fail(err, r, "%s was not applied: %zu problem%s; nothing was written",
             standard ? "standard input" : path, problems.n, problems.n == 1 ? "" : "s");
    spec_problems_release(&problems);
    return r;
}

/* ---- revisions
 * ------------------------------------------------------------------------------------------------- */

/* The highest revision of a service, or NULL; *ret_n its number, also when it can't be read. */
static const struct record_revision *newest(struct apply *a, const char *service, int64_t *ret_n)
{
    const struct record_revision *found = NULL;
    struct cluster_entry *e, *next;

    *ret_n = 0;
    HASH_ITER (hh, a->cluster.entries, e, next)
        if (e->key.kind == KEY_REVISION && orc_streq(e->key.app, a->app->name) &&
            orc_streq(e->key.service, service) && e->key.n > *ret_n) {
            *ret_n = e->key.n;
            found = e->problem ? NULL : &e->as.revision;
        }
    return found;
}

static int flush(struct apply *a, struct orc_err *err)
{
    struct etcd_txn *t = orc_take(a->revisions);
    int r;

    if (!t)
        return 0;
    r = session_commit(a->s, t, NULL, err);
    if (r == SESSION_CONFLICT)
        return orc_fail(err, -EAGAIN,
                        "somebody else applied %s at the same moment; nothing was switched over: try again",
                        a->app->name);
    return r;
}

static int write_revision(struct apply *a, const struct spec_service *spec, int64_t n, struct orc_err *err)
{
    struct record_revision rev = {
        .spec = (struct spec_service *)spec, .yaml = (char *)a->yaml, .at = orc_wall_ms()};
    orc_auto_free char *key = key_revision(a->s->cluster, a->app->name, spec->name, n);
    orc_auto_free char *who = session_who();
    orc_auto_free char *text = NULL;
    size_t bytes;
    int r = 0;

    rev.by = who;
    spec_service_hash(spec, rev.hash, rev.container_hash);
    text = record_revision_text(&rev);
    bytes = 4 * (strlen(key) + strlen(text)) / 3 + 256;
    if (a->revisions && (etcd_txn_n_ops(a->revisions) >= TXN_REVISIONS ||
                         etcd_txn_bytes(a->revisions) + bytes > ETCD_TXN_BYTES_MAX))
        r = flush(a, err);
    if (r < 0)
        return r;
    if (!a->revisions)
        a->revisions = etcd_txn_new();
    etcd_txn_if_create_revision(a->revisions, key, 0);
    etcd_txn_put(a->revisions, key, text, 0);
    return 0;
}

/* Takes one service of the file into `next`; writes a revision when its spec is new. */
static int take_service(struct apply *a, const struct spec_service *spec, struct orc_err *err)
{
    struct record_app_service *now = change_service(&a->next, spec->name);
    char whole[SPEC_HASH_MAX], container[SPEC_HASH_MAX];
    const struct record_revision *last;
    int64_t n;

    spec_service_hash(spec, whole, container);
    if (now) {
        const struct cluster_entry *e =
            cluster_find(&a->cluster, key_revision(a->s->cluster, a->app->name, spec->name, now->revision));
        bool rescaled = spec->replicas != SPEC_REPLICAS_DEFAULT && now->replicas != SPEC_REPLICAS_DEFAULT &&
                        now->replicas != spec->replicas;

        if (e && orc_streq(e->as.revision.hash, whole)) {
            if (rescaled) {
                out_line(&a->s->out, "%s/%s: %d replicas again, as the file says", a->app->name, spec->name,
                         spec->replicas);
                a->changes++;
            }
            if (spec->replicas != SPEC_REPLICAS_DEFAULT && rescaled)
                now->replicas = SPEC_REPLICAS_DEFAULT;
            return 0;
        }
    }
    last = newest(a, spec->name, &n);
    if (!(last &&
          orc_streq(last->hash, whole))) { /* an earlier apply may have died between revision and flip */
        int r = write_revision(a, spec, ++n, err);

        if (r < 0)
            return r;
    }
    out_line(&a->s->out, now ? "%s/%s: changes to revision %lld" : "%s/%s: new, revision %lld", a->app->name,
             spec->name, (long long)n);
    if (!now)
        now = change_add(&a->next, spec->name);
    else if (spec->replicas != SPEC_REPLICAS_DEFAULT)
        now->replicas = SPEC_REPLICAS_DEFAULT;
    now->revision = n;
    a->changes++;
    return 0;
}

/* ---- what the file no longer has
 * ------------------------------------------------------------------------------- */

static bool confirmed(void)
{
    char line[16] = "";

    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fputs("Remove them? [y/N] ", stderr);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static void take_leftovers(struct apply *a)
{
    for (size_t i = 0; i < a->next.services.n; i++) {
        const char *name = a->next.services.at[i].name;

        if (!spec_app_service(a->app, name)) {
            orc_strv_add(&a->leftovers, name);
            out_line(&a->s->out, "%s/%s: no longer in the file", a->app->name, name);
        }
    }
    if (!a->leftovers.n)
        return;
    if (!a->args->prune && !confirmed()) {
        out_line(&a->s->out, "they are kept: remove them with --prune, or with `orc rm`");
        orc_strv_release(&a->leftovers);
        return;
    }
    for (size_t i = 0; i < a->leftovers.n; i++)
        change_remove(&a->next, a->leftovers.at[i]);
    a->changes += (int)a->leftovers.n;
}

/* ---- the whole
 * --------------------------------------------------------------------------------------------------- */

static int write_all(struct apply *a, struct orc_err *err)
{
    int r = 0;

    change_copy(&a->cluster, a->app->name, &a->next);
    for (size_t i = 0; r == 0 && i < a->app->services.n; i++)
        r = take_service(a, a->app->services.at[i], err);
    if (r < 0)
        return r;
    take_leftovers(a);
    if (!a->changes) {
        out_line(&a->s->out, "nothing changed");
        return 0;
    }
    r = flush(a, err);
    if (r < 0)
        return r;
    return change_app(a->s, &a->cluster, a->app->name, &a->next, etcd_txn_new(), err);
}

static int follow(struct apply *a)
{
    struct wait_targets targets = {0};
    const struct cluster_entry *now = cluster_find(&a->cluster, key_app(a->s->cluster, a->app->name));
    int64_t generation = a->changes ? a->next.generation : now ? now->as.app.generation : 0;
    int r;

    for (size_t i = 0; i < a->app->services.n; i++)
        wait_add(&targets, a->app->name, a->app->services.at[i]->name, generation, 0, false);
    for (size_t i = 0; i < a->leftovers.n; i++)
        wait_add(&targets, a->app->name, a->leftovers.at[i], 0, 0, true);
    r = wait_run(a->s, &targets, a->args->timeout_ms);
    wait_targets_release(&targets);
    return r;
}

static int apply(struct apply *a, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP, KEY_REVISION, KEY_UNKNOWN};
    int r = session_load(a->s, kinds, &a->cluster, err);

    if (r < 0)
        return r;
    r = session_need_config(a->s, &a->cluster, err);
    if (r == 0)
        r = write_all(a, err);
    return r;
}

static int run(const struct apply_args *args, const struct orc_strv *words, struct orc_err *err)
{
    orc_auto(spec_app_free_p) struct spec_app *app = NULL;
    orc_auto_free char *yaml = NULL;
    struct session s;
    struct apply a = {.args = args, .s = &s};
    int r;

    if (words->n != 1) {
        orc_fail(err, -EINVAL, "name one file: orc apply service.yaml (\"-\" reads standard input)");
        return CLI_USAGE;
    }
    if (read_app(words->at[0], &app, &yaml, err) < 0 || session_open(&s, &args->session, err) < 0)
        return CLI_USAGE;
    a.app = app;
    a.yaml = yaml;
    r = apply(&a, err) < 0 ? CLI_FAILED : args->detach ? CLI_DONE : follow(&a);
    if (r != CLI_FAILED)
        err->msg[0] = '\0';
    etcd_txn_free(a.revisions);
    record_app_release(&a.next);
    cluster_release(&a.cluster);
    orc_strv_release(&a.leftovers);
    session_close(&s);
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
        CMD_WAIT_OPTIONS(&a.detach, &a.timeout_ms),
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(table, argc, argv, &words, "orc apply FILE [--prune] [--detach] [--timeout DURATION]",
                        "Makes the cluster look like a Compose file, and waits until it does. Exit code 3: "
                        "the rollout failed or "
                        "was rolled back; 4: not done in time.");

    if (r < 0) {
        r = run(&a, &words, &err);
        if (err.msg[0])
            cmd_fail(r, &err);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
