/* cmd_run.c - `orc run APP/SERVICE`: begins a run of a job now, and waits for its end. */
#include "cli/restart.h"

static int check_is_job(const struct verb *v, const char *app, const char *service, struct orc_err *err)
{
    const struct record_app_service *s = cluster_wanted(&v->cluster, app, service);
    const struct spec_service *spec = s ? cluster_spec(&v->cluster, app, service, s->revision) : NULL;

    if (!s)
        return change_no_service(&v->cluster, app, service, err);
    if (spec && !spec->job)
        return orc_fail(err, -EPERM,
                        "%s/%s is no job, it runs all the time: `orc restart %s/%s` gives it fresh replicas",
                        app, service, app, service);
    return 0;
}

static int act(struct verb *v, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct orc_strv one = {0};
    int r;

    if (session_split(v->words->at[0], false, app, service, err) < 0)
        return -EINVAL;
    r = check_is_job(v, app, service, err);
    if (r < 0)
        return r;
    orc_strv_add(&one, service);
    r = restart_services(v, app, &one, err);
    if (r == 0)
        out_line(&v->s.out, "%s/%s: a new run", app, service);
    orc_strv_release(&one);
    return r;
}

int cmd_run(int argc, char **argv)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP, KEY_REVISION, KEY_INTENT, KEY_UNKNOWN};
    static const struct verb_spec spec = {
        .usage = "orc run APP/SERVICE [--detach] [--timeout DURATION]",
        .summary = "Begins a run of a job now and waits for its end: exit code 3 when it failed.",
        .kinds = kinds,
        .min_words = 1,
        .max_words = 1,
        .act = act,
    };

    return verb_run(&spec, argc, argv);
}
