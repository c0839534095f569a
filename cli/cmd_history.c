/* cmd_history.c - `orc history APP/SERVICE`: its revisions that are kept, for `orc rollback`. */
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/print_lists.h"
#include "lib/clock.h"

static int show(struct session *s, const char *app, const char *service, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP,    KEY_REVISION, KEY_ROLLOUT,
                                          KEY_TASK,   KEY_STATUS, KEY_UNKNOWN};
    struct history h;
    struct cluster c;
    int r = session_read(s, kinds, &c, err);

    if (r < 0)
        return r;
    history_build(&c, app, service, &h);
    if (!h.revisions.n)
        r = change_no_service(&c, app, service, err);
    else if (s->out.json)
        out_json(history_to_json(&h));
    else
        print_history(&s->out, &h, orc_wall_ms(), stdout);
    history_release(&h);
    cluster_release(&c);
    return r;
}

static int run(struct session_args *a, const struct orc_strv *words, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct session s;
    int r;

    if (words->n != 1) {
        orc_fail(err, -EINVAL, "name one service: orc history APP/SERVICE");
        return CLI_USAGE;
    }
    if (session_split(words->at[0], false, app, service, err) < 0 || session_open(&s, a, err) < 0)
        return CLI_USAGE;
    r = show(&s, app, service, err);
    session_close(&s);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_history(int argc, char **argv)
{
    struct session_args a = {.tables = true};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SESSION_TABLE_OPTIONS(&a), {0}};
    int r =
        cmd_options(table, argc, argv, &words, "orc history APP/SERVICE [-o FORM]",
                    "The revisions of a service that are kept, who applied them and when, and what became of "
                    "them. `orc rollback APP/SERVICE REVISION` goes to any of them.");

    if (r < 0) {
        r = run(&a, &words, &err);
        cmd_end(&a, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a);
    return r;
}
