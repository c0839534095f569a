/* cmd_runs.c - `orc runs APP/SERVICE`: the runs of a job that are kept, and how they ended. */
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/runs.h"
#include "lib/clock.h"

static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP, KEY_REVISION, KEY_ROLLOUT, KEY_UNKNOWN};

static void print_json(const char *app, const char *service, const struct runs *runs)
{
    orc_auto_free char *name = orc_printf("%s/%s", app, service);
    json_t *j = json_object();

    orc_json_set_str(j, "name", name);
    json_object_set_new(j, "runs", runs_to_json(runs));
    out_json(j);
}

static int answer(const struct session *s, const struct cluster *c, const char *app, const char *service,
                  struct orc_err *err)
{
    const struct record_app_service *wanted = cluster_wanted(c, app, service);
    const struct spec_service *spec = wanted ? cluster_spec(c, app, service, wanted->revision) : NULL;
    const struct cluster_entry *e = cluster_find(c, key_rollout(c->name, app, service));
    struct runs runs = {0};

    if (!wanted)
        return change_no_service(c, app, service, err);
    if (spec && !spec->job)
        return orc_fail(err, -EPERM, "%s/%s is no job, it runs all the time: see `orc status %s/%s`", app,
                        service, app, service);
    if (e)
        runs_copy(&e->as.rollout, &runs);
    if (s->out.json)
        print_json(app, service, &runs);
    else if (runs.n || s->out.form == OUT_NAMES)
        runs_print(&s->out, &runs, orc_wall_ms(), stdout);
    else
        out_line(&s->out, "%s/%s has not run yet", app, service);
    runs_release(&runs);
    return 0;
}

static int run(struct session_args *a, const char *word, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct session s;
    struct cluster c;
    int r;

    if (session_split(word, false, app, service, err) < 0 || session_open(&s, a, err) < 0)
        return CLI_USAGE;
    r = session_read(&s, kinds, &c, err);
    if (r == 0)
        r = answer(&s, &c, app, service, err);
    cluster_release(&c);
    session_close(&s);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_runs(int argc, char **argv)
{
    struct session_args a = {.tables = true};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SESSION_TABLE_OPTIONS(&a), {0}};
    int r = cmd_options(
        table, argc, argv, &words, "orc runs APP/SERVICE [-o FORM]",
        "The runs of a job that are kept, the newest first: how many tasks completed, when, and why "
        "one failed.");

    if (r < 0) {
        r = CLI_USAGE;
        if (words.n != 1)
            orc_fail(&err, -EINVAL, "name one job: orc runs shop/migrate; this names %zu", words.n);
        else
            r = run(&a, words.at[0], &err);
        cmd_end(&a, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a);
    return r;
}
