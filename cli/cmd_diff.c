/* cmd_diff.c - `orc diff FILE`: what applying it would change, key by key; nothing is written. */
#include "cli/app_file.h"
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/diff.h"

struct diff_args {
    struct session_args session;
    struct app_file_args file;
    bool prune, exit_code;
};

static void print(const struct session *s, const struct diff *d, json_t *notices)
{
    json_t *j;

    if (s->out.json) {
        j = json_pack("{s:s, s:b, s:o}", "app", d->app, "changed", d->delta->changes > 0, "services",
                      diff_to_json(d));
        if (notices)
            json_object_set(j, "notices", notices);
        out_json(j);
        return;
    }
    diff_print(&s->out, d);
    if (d->delta->left)
        out_line(&s->out, "what is no longer in the file would be kept; --prune removes it");
}

static int compare(struct session *s, const struct diff_args *a, const struct app_file *file,
                   struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP, KEY_REVISION, KEY_ROLLOUT, KEY_UNKNOWN};
    struct delta delta = {0};
    struct diff diff;
    struct cluster c;
    int r = session_read(s, kinds, &c, err);

    if (r == 0)
        r = change_readable(&c, file->app->name, err);
    if (r == 0) {
        delta_build(&c, file->app, &delta);
        if (a->prune)
            delta_prune(&delta);
        diff_build(&c, file->app->name, &delta, &diff);
        print(s, &diff, file->notices);
        r = a->exit_code && delta.changes ? CLI_FAILED : CLI_DONE;
        diff_release(&diff);
        delta_release(&delta);
    }
    cluster_release(&c);
    return r < 0 ? CLI_FAILED : r;
}

static int run(struct diff_args *a, struct orc_err *err)
{
    orc_auto(app_file_release) struct app_file file = {0};
    struct session s;
    int r;

    if (app_file_read(&a->file, &a->session, &file, err) < 0 || session_open(&s, &a->session, err) < 0)
        return CLI_USAGE;
    r = compare(&s, a, &file, err);
    session_close(&s);
    return r;
}

int cmd_diff(int argc, char **argv)
{
    struct diff_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "prune",
         .kind = ORC_OPT_BOOL,
         .value = &a.prune,
         .help = "as if services that the file no longer has were removed"},
        {.name = "exit-code",
         .kind = ORC_OPT_BOOL,
         .value = &a.exit_code,
         .help = "exit with 1 when there is a difference"},
        APP_FILE_OPTIONS(&a.file),
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(table, argc, argv, &words, "orc diff FILE [-f FILE ...] [--prune] [--exit-code]",
                        "Tells what a Compose file would change of what the cluster shall run: per service "
                        "and key the value now and the one in the file, and whether containers are replaced. "
                        "Order and spelling are no difference. Writes nothing.");

    if (r < 0) {
        r = app_file_args_take(&a.file, &words, "orc diff", true, &err) < 0 ? CLI_USAGE : run(&a, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    app_file_args_release(&a.file);
    session_args_release(&a.session);
    return r;
}
