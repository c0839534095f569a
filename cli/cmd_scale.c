/* cmd_scale.c - `orc scale APP/SERVICE=N`: an override beside the revision; the file is not needed. */
#include "cli/verb.h"
#include "lib/units.h"

/* It has so many: nothing is written, but they are waited for. */
static int scale_none(struct verb *v, const char *app, const char *service, int n)
{
    out_line(&v->s.out, "%s/%s has %d replicas already", app, service, n);
    wait_add(&v->targets, app, service, WAIT_SCALED)->generation =
        cluster_find(&v->cluster, key_app(v->s.cluster, app))->as.app.generation;
    return 0;
}

static int scale_to(struct verb *v, const char *app, struct record_app_service *s, struct record_app *next,
                    int n, struct orc_err *err)
{
    int was = cluster_replicas(&v->cluster, app, s->name), r;

    s->replicas = n;
    r = change_app(&v->s, &v->cluster, app, next, etcd_txn_new(), NULL, err);
    if (r < 0)
        return r;
    out_line(&v->s.out, "%s/%s: from %d replicas to %d", app, s->name, was, n);
    wait_add(&v->targets, app, s->name, WAIT_SCALED)->generation = next->generation;
    return 0;
}

/* Where the nodes are counted, or completions, nobody says a number of replicas. */
static int check_mode(const struct verb *v, const char *app, const struct record_app_service *s,
                      struct orc_err *err)
{
    const struct spec_service *spec = cluster_spec(&v->cluster, app, s->name, s->revision);

    if (!spec || (!spec->global && !spec->job))
        return 0;
    if (spec->job)
        return orc_fail(
            err, -EPERM,
            "%s/%s is a job: how often it shall succeed is \"deploy: {replicas: N}\" of its file, "
            "which begins a new run when it is applied",
            app, s->name);
    return orc_fail(err, -EPERM,
                    "%s/%s is a global service: one replica runs on each server that takes it. Add or "
                    "remove servers, give it placement constraints, or apply it with another mode",
                    app, s->name);
}

static int scale_one(struct verb *v, const char *word, struct orc_err *err)
{
    const char *equals = strchr(word, '=');
    orc_auto_free char *name = equals ? orc_strndup(word, (size_t)(equals - word)) : NULL;
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct record_app next;
    struct record_app_service *s;
    int64_t n;
    int r;

    if (!equals)
        return orc_fail(err, -EINVAL, "\"%s\" does not say how many: write APP/SERVICE=N", word);
    if (session_split(name, false, app, service, err) < 0)
        return -EINVAL;
    if (orc_parse_int(equals + 1, 0, SPEC_REPLICAS_MAX, &n, err) < 0) {
        orc_wrap(err, "%s", word);
        return -EINVAL;
    }
    change_copy(&v->cluster, app, &next);
    s = change_service(&next, service);
    if (!s)
        r = change_no_service(&v->cluster, app, service, err);
    else if (check_mode(v, app, s, err) < 0)
        r = -EPERM;
    else if (cluster_replicas(&v->cluster, app, service) == n)
        r = scale_none(v, app, service, (int)n);
    else
        r = scale_to(v, app, s, &next, (int)n, err);
    record_app_release(&next);
    return r;
}

static int act(struct verb *v, struct orc_err *err)
{
    return scale_one(v, v->words->at[0], err);
}

int cmd_scale(int argc, char **argv)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP, KEY_REVISION, KEY_UNKNOWN};
    static const struct verb_spec spec = {
        .usage = "orc scale APP/SERVICE=N [--detach] [--timeout DURATION]",
        .summary = "Changes how many replicas a service has, until the next apply whose file says a number.",
        .kinds = kinds,
        .min_words = 1,
        .max_words = 1,
        .act = act,
    };

    return verb_run(&spec, argc, argv);
}
