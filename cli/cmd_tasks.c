/* cmd_tasks.c - `orc tasks`: the containers, where each is and how it is. */
#include "cli/change.h"
#include "cli/print.h"
#include "cli/show.h"
#include "cli/wait.h"
#include "cli/which.h"
#include "lib/clock.h"

struct asked {
    const char *only, *node; /* NULL: all */
};

static void build(struct cluster *c, const struct asked *asked, struct report *ret)
{
    report_build(c, asked->only, orc_wall_ms(), ret);
    if (asked->node)
        report_keep_node(ret, asked->node);
}

static json_t *document(struct cluster *c, const void *what)
{
    const struct report_service *s;
    const struct report_task *t;
    json_t *all = json_array();
    struct report r;

    build(c, what, &r);
    orc_vec_each (s, &r.services)
        orc_vec_each (t, &s->tasks)
            json_array_append_new(all, report_task_to_json(s, t));
    report_release(&r);
    return all;
}

static void print(const struct out *o, struct cluster *c, const void *what, FILE *f)
{
    struct report r;

    build(c, what, &r);
    print_tasks(o, &r, f);
    report_release(&r);
}

static int check(struct cluster *c, const void *what, struct orc_err *err)
{
    const struct asked *asked = what;

    if (asked->node && change_need_node(c, asked->node, err) < 0)
        return -ENOENT;
    return which_check(c, asked->only, err);
}

static int run(struct show_args *a, const struct orc_strv *words, const char *node, struct orc_err *err)
{
    static const struct show show = {wait_report_kinds, check, document, print};
    struct asked asked = {words->n ? words->at[0] : NULL, node};

    if (which_word(words, err) < 0 || (node && key_check_node_name(node, err) < 0))
        return CLI_USAGE;
    return show_run(&show, a, &asked, err);
}

int cmd_tasks(int argc, char **argv)
{
    struct show_args a = SHOW_ARGS_INIT;
    char *node = NULL;
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "node",
         .letter = 'n',
         .kind = ORC_OPT_STR,
         .value = &node,
         .meta = "NODE",
         .help = "only those on this server"},
        SHOW_OPTIONS(&a),
        {0},
    };
    int r = cmd_options(
        table, argc, argv, &words, "orc tasks [APP[/SERVICE]] [--node NODE] [-o FORM] [--watch]",
        "The tasks, each a container: on which server and at which address, its state and health, "
        "how often it was restarted, since when it is so, and what is wrong with it.");

    if (r < 0) {
        r = run(&a, &words, node, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    free(node);
    session_args_release(&a.session);
    return r;
}
