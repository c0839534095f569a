/* cmd_nodes.c - `orc nodes`: the servers, their room and their condition. */
#include "cli/cmd.h"
#include "cli/report.h"
#include "cli/wait.h"
#include "lib/clock.h"
#include "lib/units.h"

static char *labels_text(const struct spec_pairs *p)
{
    char *text = orc_strdup("");

    for (size_t i = 0; i < p->n; i++) {
        char *longer =
            orc_printf("%s%s%s=%s", text, i ? " " : "", p->at[i].key, p->at[i].value ? p->at[i].value : "");

        free(text);
        text = longer;
    }
    return text;
}

static void print(const struct out *o, const struct report *r)
{
    struct out_table *t =
        out_table_new(o, (const char *const[]){"NODE", "STATE", "TASKS", "CPUS", "MEMORY", "ADDRESS", "MTU",
                                               "VIRT", "KERNEL", "ENGINE", "LABELS", "WHY", NULL});
    const struct report_node *n;
    char a[ORC_UNIT_MAX], b[ORC_UNIT_MAX];

    orc_vec_each (n, &r->nodes) {
        orc_auto_free char *labels = labels_text(&n->labels);

        out_cell(t, "%s", n->name);
        out_cell_styled(t, n->ready ? OUT_GOOD : OUT_BAD, "%s", n->state);
        out_cell(t, "%d", n->tasks);
        out_cell(t, "%s / %s", orc_format_cpus(n->used.cpus_nano, a), orc_format_cpus(n->total.cpus_nano, b));
        out_cell(t, "%s / %s", orc_format_size(n->used.memory, a), orc_format_size(n->total.memory, b));
        out_cell(t, "%s", n->address ? n->address : "");
        out_cell(t, "%d", n->mtu);
        out_cell(t, "%s", n->virt ? n->virt : "");
        out_cell(t, "%s", n->kernel ? n->kernel : "");
        out_cell(t, "%s", n->engine ? n->engine : "");
        out_cell(t, "%s", labels);
        out_cell(t, "%s", n->why ? n->why : "");
    }
    out_table_print(t, stdout);
}

static int run(const struct session_args *a, struct orc_err *err)
{
    struct session s;
    struct cluster c;
    struct report report;
    int r;

    if (session_open(&s, a, err) < 0)
        return CLI_USAGE;
    r = session_load(&s, wait_report_kinds, &c, err);
    if (r == 0) {
        r = session_need_config(&s, &c, err);
        report_build(&c, NULL, orc_wall_ms(), &report);
        if (r == 0 && s.out.json) {
            json_t *all = report_to_json(&report);

            out_json(json_incref(json_object_get(all, "nodes")));
            json_decref(all);
        } else if (r == 0) {
            print(&s.out, &report);
        }
        report_release(&report);
        cluster_release(&c);
    }
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
        if (r != CLI_DONE)
            cmd_fail(r, &err);
    }
    session_args_release(&a);
    return r;
}
