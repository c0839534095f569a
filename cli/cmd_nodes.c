/* cmd_nodes.c - `orc nodes`: the servers, their room and their condition. */
#include "cli/cmd.h"
#include "cli/print.h"
#include "cli/wait.h"
#include "lib/clock.h"

static void print(const struct session *s, struct cluster *c)
{
    struct report report;

    report_build(c, NULL, orc_wall_ms(), &report);
    if (s->out.json) {
        orc_auto_json json_t *all = report_to_json(&report);

        out_json(json_incref(json_object_get(all, "nodes")));
    } else if (report.nodes.n) {
        print_nodes(&s->out, &report, stdout);
    } else {
        puts("no nodes yet: start nodelet on each server");
    }
    report_release(&report);
}

static int run(struct session_args *a, struct orc_err *err)
{
    struct session s;
    struct cluster c;
    int r;

    if (session_open(&s, a, err) < 0)
        return CLI_USAGE;
    r = session_read(&s, wait_report_kinds, &c, err);
    if (r == 0)
        print(&s, &c);
    cluster_release(&c);
    session_close(&s);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_nodes(int argc, char **argv)
{
    struct session_args a = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SESSION_OPTIONS(&a), {0}};
    int r = cmd_options(table, argc, argv, NULL, "orc nodes [-o json]",
                        "The servers, their room and their condition.");

    if (r < 0) {
        r = run(&a, &err);
        cmd_end(&a, r, &err, NULL);
    }
    session_args_release(&a);
    return r;
}
