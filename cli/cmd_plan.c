/* cmd_plan.c - `orc plan [FILE]`: what the scheduler would do, told by its own code; nothing is written. */
#include "cli/app_file.h"
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/preview.h"
#include "cli/diff.h"
#include "cli/print_forecast.h"
#include "cli/refuse.h"
#include "cli/report.h"
#include "cli/text.h"
#include "cli/why.h"
#include "lib/clock.h"

static const char usage[] =
    "orc plan [FILE] [-f FILE ...] [--prune] [--without-node NODE] [--cordon NODE] [--drain NODE]";

struct plan_args {
    struct session_args session;
    struct app_file_args file;
    bool prune;
    struct orc_strv without, cordon, drain;
};

/* ---- for people -------------------------------------------------------------------------------------- */

static size_t count_troubled(const struct forecast_result *r)
{
    const struct forecast_service *s;
    size_t n = 0;

    orc_vec_each (s, &r->services)
        n += !forecast_is_fine(s);
    return n;
}

static void print_result(const struct out *o, const struct preview_change *x, const struct forecast_result *r)
{
    orc_auto_free char *room = headroom_text(x->headroom), *spare = survive_text(x->survive);

    print_forecast(o, r, stdout);
    if (!r->rests)
        puts("\nit does not come to rest within a day");
    puts("\nafter that");
    text_wrap(stdout, "  ", room, o->width);
    if (spare)
        text_wrap(stdout, "  ", spare, o->width);
    puts("\nnothing was written: this is what happens if nothing else changes and nothing fails");
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static json_t *headroom_to_json(const struct headroom *h)
{
    json_t *j = json_pack("{s:i, s:o, s:o}", "nodes", h->nodes, "free", report_resources_to_json(&h->free),
                          "total", report_resources_to_json(&h->room));

    if (h->most)
        json_object_set_new(
            j, "most",
            json_pack("{s:s, s:o}", "node", h->most, "free", report_resources_to_json(&h->free_there)));
    return j;
}

static void print(const struct out *o, const struct diff *d, const struct preview_change *x,
                  const struct forecast_result *r, const char *refused, json_t *notices)
{
    json_t *j;

    if (!o->json) {
        if (x->delta)
            diff_print(o, d);
        if (x->delta && x->delta->left)
            out_line(o,
                     "what is no longer in the file would be kept; --prune shows what its removal would do");
        print_result(o, x, r);
        if (refused)
            text_wrap(stdout, "`orc apply` would refuse it: ", refused, o->width);
        return;
    }
    j = preview_to_json(r);
    orc_json_set_str(j, "refused", refused);
    json_object_set_new(j, "headroom", headroom_to_json(x->headroom));
    json_object_set_new(j, "node_loss", survive_to_json(x->survive));
    if (x->delta)
        json_object_set_new(j, "changes", diff_to_json(d));
    if (notices)
        json_object_set(j, "notices", notices);
    out_json(j);
}

static void conclude(struct session *s, const struct diff *d, const struct preview_change *x,
                     const struct forecast_result *r, char **refused, json_t *notices)
{
    if (!*refused && x->delta && refuse_asks_for_survival(x->delta))
        *refused = survive_refusal(x->survive, x->app);
    print(&s->out, d, x, r, *refused, notices);
}

static int preview(struct session *s, const struct plan_args *a, const struct app_file *file,
                   struct cluster *c, struct orc_err *err)
{
    struct survive survive = {0};
    struct headroom headroom = {0};
    orc_auto(orc_strv_release) struct orc_strv routes = {0};
    orc_auto_free char *refused = NULL;
    struct preview_change change = {.without = &a->without,
                                    .cordon = &a->cordon,
                                    .drain = &a->drain,
                                    .survive = &survive,
                                    .headroom = &headroom,
                                    .zones = session_zones(s)};
    struct forecast_result result = {0};
    struct delta delta = {0};
    struct diff diff = {0};
    int r = 0;

    if (file->app) {
        r = change_readable(c, file->app->name, err);
        if (r < 0)
            return CLI_FAILED;
        delta_build(c, file->app, &delta);
        if (a->prune)
            delta_prune(&delta);
        diff_build(c, file->app->name, &delta, &diff);
        change.app = file->app->name;
        change.delta = &delta;
        refused = refuse_both(refuse_privileged(c, file->app->name, &delta),
                              refuse_change(c, file->app->name, &delta, &routes));
        json_decref(app_file_point(file, &routes, "another service of the cluster has this route"));
    }
    r = preview_run(c, &change, orc_wall_ms(), &result, err);
    if (r == 0)
        conclude(s, &diff, &change, &result, &refused, file->notices);
    r = r < 0 || refused ? CLI_FAILED : count_troubled(&result) ? CLI_ROLLOUT_FAILED : CLI_DONE;
    headroom_release(&headroom);
    survive_release(&survive);
    forecast_result_release(&result);
    diff_release(&diff);
    delta_release(&delta);
    return r;
}

static int load(const struct plan_args *a, struct session *s, const struct app_file *file,
                struct orc_err *err)
{
    struct cluster c;
    int r = session_read(s, preview_kinds, &c, err);

    r = r < 0 ? CLI_FAILED : preview(s, a, file, &c, err);
    cluster_release(&c);
    return r;
}

static int run(struct plan_args *a, struct orc_err *err)
{
    orc_auto(app_file_release) struct app_file file = {0};
    struct session s;
    int r;

    if (a->file.files.n && app_file_read(&a->file, &a->session, &file, err) < 0)
        return CLI_USAGE;
    if (session_open(&s, &a->session, err) < 0)
        return CLI_USAGE;
    r = load(a, &s, &file, err);
    session_close(&s);
    return r;
}

static int check(const struct plan_args *a, struct orc_err *err)
{
    const struct orc_strv *lists[] = {&a->without, &a->cordon, &a->drain};

    if (a->prune && !a->file.files.n)
        return orc_fail(err, -EINVAL, "--prune needs the file: orc plan service.yaml --prune");
    for (size_t i = 0; i < ORC_ARRAY_SIZE(lists); i++)
        for (size_t k = 0; k < lists[i]->n; k++)
            if (key_check_node_name(lists[i]->at[k], err) < 0)
                return -EINVAL;
    return 0;
}

int cmd_plan(int argc, char **argv)
{
    struct plan_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "prune",
         .kind = ORC_OPT_BOOL,
         .value = &a.prune,
         .help = "as if services that the file no longer has were removed"},
        {.name = "without-node",
         .kind = ORC_OPT_STRV,
         .value = &a.without,
         .meta = "NODE",
         .help = "as if this server had died; may be repeated"},
        {.name = "cordon",
         .kind = ORC_OPT_STRV,
         .value = &a.cordon,
         .meta = "NODE",
         .help = "as if it were cordoned"},
        {.name = "drain",
         .kind = ORC_OPT_STRV,
         .value = &a.drain,
         .meta = "NODE",
         .help = "as if it were drained"},
        APP_FILE_OPTIONS(&a.file),
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(table, argc, argv, &words, usage,
                        "Tells what the scheduler would start and stop, where, and what would find no place; "
                        "without a file and options: what is still to come. Writes nothing. Exit code 3: in "
                        "the end not every service would be complete.");

    if (r < 0) {
        r = app_file_args_take(&a.file, &words, "orc plan", false, &err);
        r = r < 0 || check(&a, &err) < 0 ? CLI_USAGE : run(&a, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    app_file_args_release(&a.file);
    orc_strv_release(&a.without);
    orc_strv_release(&a.cordon);
    orc_strv_release(&a.drain);
    session_args_release(&a.session);
    return r;
}
