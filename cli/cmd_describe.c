/* cmd_describe.c - `orc describe service|task|node NAME`: everything about one thing. */
#include "cli/describe.h"
#include "cli/show.h"
#include "lib/clock.h"

static const char usage[] = "orc describe service APP/SERVICE | task TASK | node NODE [-o FORM] [--watch]";

static json_t *document(struct cluster *c, const void *what)
{
    return describe_to_json(c, what, orc_wall_ms());
}

static void print(const struct out *o, struct cluster *c, const void *what, FILE *f)
{
    describe_print(o, c, what, orc_wall_ms(), f);
}

static int run(struct show_args *a, const struct orc_strv *words, struct orc_err *err)
{
    static const enum key_kind kinds[] = {
        KEY_CONFIG, KEY_APP,    KEY_REVISION, KEY_ROLLOUT,  KEY_TASK,       KEY_STATUS,      KEY_NODE,
        KEY_ALIVE,  KEY_LEADER, KEY_EVENT,    KEY_ENDPOINT, KEY_NODE_STATE, KEY_NODE_POLICY, KEY_UNKNOWN};
    static const struct show show = {kinds, describe_check, document, print};
    struct describe d;

    if (words->n != 2) {
        orc_fail(err, -EINVAL, "say what to describe: %s", usage);
        return CLI_USAGE;
    }
    if (describe_parse(words->at[0], words->at[1], &d, err) < 0)
        return CLI_USAGE;
    return show_run(&show, a, &d, err);
}

int cmd_describe(int argc, char **argv)
{
    struct show_args a = SHOW_ARGS_INIT;
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SHOW_OPTIONS(&a), {0}};
    int r = cmd_options(
        table, argc, argv, &words, usage,
        "Everything that is known of one service, task or server: what it is, how it is and since "
        "when, what is wrong with it, what to do about that, and its last events.");

    if (r < 0) {
        r = run(&a, &words, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
