/* cmd_nodes.c - `orc nodes`: the servers, their room and their condition. */
#include "cli/print.h"
#include "cli/show.h"
#include "cli/wait.h"
#include "lib/clock.h"

static json_t *document(struct cluster *c, const void *what)
{
    json_t *all = json_array();
    struct report r;

    report_build(c, NULL, orc_wall_ms(), &r);
    for (size_t i = 0; i < r.nodes.n; i++)
        json_array_append_new(all, report_node_to_json(&r.nodes.at[i]));
    report_release(&r);
    return all;
}

static void print(const struct out *o, struct cluster *c, const void *what, FILE *f)
{
    struct report r;

    report_build(c, NULL, orc_wall_ms(), &r);
    print_nodes(o, &r, f);
    report_release(&r);
}

int cmd_nodes(int argc, char **argv)
{
    static const struct show show = {wait_report_kinds, NULL, document, print};
    struct show_args a = SHOW_ARGS_INIT;
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SHOW_OPTIONS(&a), {0}};
    int r = cmd_options(table, argc, argv, NULL, "orc nodes [-o FORM] [--watch]",
                        "The servers, their room and their condition.");

    if (r < 0) {
        r = show_run(&show, &a, NULL, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    session_args_release(&a.session);
    return r;
}
