/* cmd_status.c - `orc status`: is it up, and if not, why not. */
#include "cli/cmd.h"
#include "cli/report.h"
#include "cli/wait.h"
#include "lib/clock.h"
#include "lib/units.h"

struct status_args {
    struct session_args session;
    const struct out *out;
    const char *only;
    bool watch;
};

static enum out_style style_of(bool ok)
{
    return ok ? OUT_GOOD : OUT_BAD;
}

static void print_services(const struct out *o, const struct report *r)
{
    struct out_table *t = out_table_new(o, (const char *const[]){"SERVICE", "HEALTHY", "RUNNING", "DESIRED",
                                                                 "REVISION", "STATE", "SINCE", "WHY", NULL});
    const struct report_service *s;
    char age[ORC_UNIT_MAX];

    orc_vec_each (s, &r->services) {
        out_cell(t, "%s", s->name);
        out_cell_styled(t, style_of(s->healthy >= s->desired), "%d", s->healthy);
        out_cell(t, "%d", s->running);
        out_cell(t, "%d", s->desired);
        out_cell(t, "%lld", (long long)s->revision);
        out_cell_styled(t, style_of(s->ok), "%s", s->rollout);
        out_cell(t, "%s", s->age_ms ? orc_format_age(s->age_ms, age) : "");
        out_cell(t, "%s", s->why.n ? s->why.at[0] : "");
    }
    out_table_print(t, stdout);
}

static void print_tasks(const struct out *o, const struct report *r)
{
    struct out_table *t =
        out_table_new(o, (const char *const[]){"TASK", "NODE", "ADDRESS", "STATE", "HEALTH", "RESTARTS",
                                               "REVISION", "SINCE", "WHY", NULL});
    const struct report_service *s;
    const struct report_task *k;
    char age[ORC_UNIT_MAX];

    orc_vec_each (s, &r->services)
        orc_vec_each (k, &s->tasks) {
            out_cell(t, "%s", k->id);
            out_cell(t, "%s", k->node);
            out_cell(t, "%s", k->address ? k->address : "");
            out_cell(t, "%s%s", k->state, orc_streq(k->desired, "run") ? "" : " (ending)");
            out_cell_styled(t, k->healthy ? OUT_GOOD : OUT_WARN, "%s", k->health);
            out_cell(t, "%d", k->restarts);
            out_cell(t, "%lld", (long long)k->revision);
            out_cell(t, "%s", orc_format_age(k->age_ms, age));
            out_cell(t, "%s", k->reason ? k->reason : "");
        }
    out_table_print(t, stdout);
}

static void print_nodes(const struct out *o, const struct report *r)
{
    struct out_table *t = out_table_new(
        o, (const char *const[]){"NODE", "STATE", "TASKS", "CPUS", "MEMORY", "ADDRESS", "WHY", NULL});
    const struct report_node *n;
    char a[ORC_UNIT_MAX], b[ORC_UNIT_MAX];

    orc_vec_each (n, &r->nodes) {
        out_cell(t, "%s", n->name);
        out_cell_styled(t, style_of(n->ready), "%s", n->state);
        out_cell(t, "%d", n->tasks);
        out_cell(t, "%s / %s", orc_format_cpus(n->used.cpus_nano, a), orc_format_cpus(n->total.cpus_nano, b));
        out_cell(t, "%s / %s", orc_format_size(n->used.memory, a), orc_format_size(n->total.memory, b));
        out_cell(t, "%s", n->address ? n->address : "");
        out_cell(t, "%s", n->why ? n->why : "");
    }
    out_table_print(t, stdout);
}

static void print_why(const struct out *o, const struct report *r)
{
    const struct report_service *s;

    orc_vec_each (s, &r->services) {
        if (s->why.n < 2)
            continue;
        printf("\n%s%s%s\n", out_begin(o, OUT_WARN), s->name, out_end(o, OUT_WARN));
        for (size_t i = 0; i < s->why.n; i++)
            printf("  - %s\n", s->why.at[i]);
    }
    if (r->problems.n)
        printf("\n%sproblems%s\n", out_begin(o, OUT_BAD), out_end(o, OUT_BAD));
    for (size_t i = 0; i < r->problems.n; i++)
        printf("  - %s\n", r->problems.at[i]);
}

static void print(const struct out *o, const struct report *r, bool tasks)
{
    if (!r->services.n)
        printf("no services%s\n", tasks ? " of that name" : " yet: `orc apply FILE` starts some");
    else
        print_services(o, r);
    if (tasks && r->services.n) {
        putchar('\n');
        print_tasks(o, r);
    }
    if (!tasks) {
        putchar('\n');
        if (r->nodes.n)
            print_nodes(o, r);
        else
            puts("no nodes yet: start a nodelet on each server");
    }
    print_why(o, r);
}

static bool on_change(struct cluster *c, void *arg)
{
    const struct status_args *a = arg;
    struct report r;

    report_build(c, a->only, orc_wall_ms(), &r);
    if (a->out->json) {
        out_json(report_to_json(&r));
    } else {
        if (a->watch && a->out->terminal)
            printf("\033[H\033[2J");
        print(a->out, &r, a->only != NULL);
    }
    fflush(stdout);
    report_release(&r);
    return false;
}

static int once(struct session *s, struct status_args *a, struct orc_err *err)
{
    struct cluster c;
    int r = session_load(s, wait_report_kinds, &c, err);

    if (r < 0)
        return CLI_FAILED;
    r = session_need_config(s, &c, err);
    if (r == 0)
        on_change(&c, a);
    cluster_release(&c);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

static int run(struct status_args *a, const struct orc_strv *words, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct session s;
    int r;

    if (words->n > 1 || (words->n == 1 && session_split(words->at[0], true, app, service, err) < 0)) {
        if (words->n > 1)
            orc_fail(err, -EINVAL, "one app or service at a time, not %zu", words->n);
        return CLI_USAGE;
    }
    if (session_open(&s, &a->session, err) < 0)
        return CLI_USAGE;
    a->only = words->n ? words->at[0] : NULL;
    a->out = &s.out;
    if (a->watch) {
        orc_fail(err, -EINTR, "interrupted");
        r = wait_follow(&s, 0, on_change, a);
    } else {
        r = once(&s, a, err);
    }
    session_close(&s);
    return r;
}

int cmd_status(int argc, char **argv)
{
    struct status_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "watch",
         .letter = 'w',
         .kind = ORC_OPT_BOOL,
         .value = &a.watch,
         .help = "again with each change"},
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r =
        cmd_options(table, argc, argv, &words, "orc status [APP[/SERVICE]] [-o json] [--watch]",
                    "Services, replicas and nodes, and the reason for everything that is not as desired.");

    if (r < 0) {
        r = run(&a, &words, &err);
        if (r != CLI_DONE)
            cmd_fail(r, &err);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
