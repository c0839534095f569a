#include "cli/print.h"

#include "cli/text.h"
#include "lib/units.h"

static enum out_style style_of(bool ok)
{
    return ok ? OUT_GOOD : OUT_BAD;
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

/* ---- services and replicas
 * ----------------------------------------------------------------------------------- */

static void print_service_rows(const struct out *o, const struct report *r, FILE *f)
{
    static const struct out_column columns[] = {{"SERVICE", OUT_KEEP},
                                                {"HEALTHY", OUT_KEEP},
                                                {"RUNNING", OUT_OPTIONAL},
                                                {"DESIRED", OUT_KEEP},
                                                {"REVISION", OUT_OPTIONAL},
                                                {"STATE", OUT_KEEP},
                                                {"SINCE", OUT_OPTIONAL},
                                                {"UPDATED", OUT_EXTRA},
                                                {"IMAGE", OUT_EXTRA},
                                                {"WHY", OUT_NOTE},
                                                {0}};
    struct out_table *t = out_table_new(o, columns);
    const struct report_service *s;
    char age[ORC_UNIT_MAX];

    orc_vec_each (s, &r->services) {
        orc_auto_free char *run = NULL;

        out_cell(t, "%s", s->name);
        out_cell_styled(t, style_of(s->healthy >= s->desired), "%d", s->healthy);
        out_cell(t, "%d", s->running);
        out_cell(t, "%d", s->desired);
        out_cell(t, "%lld", (long long)s->revision);
        out_cell_styled(t, style_of(s->ok), "%s", s->rollout);
        out_cell(t, "%s", s->age_ms ? orc_format_age(s->age_ms, age) : "");
        out_cell(t, "%d", s->updated);
        out_cell(t, "%s", or_empty(s->image));
        run = s->why.n ? NULL : runs_line(&s->runs);
        out_cell(t, "%s", s->why.n ? s->why.at[0] : or_empty(run)); /* the others are listed below */
    }
    out_table_print(t, f);
}

void print_services(const struct out *o, const struct report *r, FILE *f)
{
    if (r->services.n || o->form == OUT_NAMES)
        print_service_rows(o, r, f);
    else
        fputs("no services yet: `orc apply FILE` starts some\n", f);
}

static const char *exit_text(const struct report_task *t, char buf[ORC_UNIT_MAX])
{
    if (t->exit_code < 0)
        return "";
    snprintf(buf, ORC_UNIT_MAX, "%d%s", t->exit_code, t->oom ? " (OOM)" : "");
    return buf;
}

static const struct out_column task_columns[] = {{"TASK", OUT_KEEP},
                                                 {"NODE", OUT_KEEP},
                                                 {"ADDRESS", OUT_OPTIONAL},
                                                 {"STATE", OUT_KEEP},
                                                 {"HEALTH", OUT_KEEP},
                                                 {"RESTARTS", OUT_OPTIONAL},
                                                 {"REVISION", OUT_OPTIONAL},
                                                 {"SINCE", OUT_OPTIONAL},
                                                 {"EXIT", OUT_EXTRA},
                                                 {"CONTAINER", OUT_EXTRA},
                                                 {"IMAGE", OUT_EXTRA},
                                                 {"WHY", OUT_NOTE},
                                                 {0}};

static void task_rows(struct out_table *t, const struct report_service *s)
{
    const struct report_task *k;
    char text[ORC_UNIT_MAX];

    orc_vec_each (k, &s->tasks) {
        out_cell(t, "%s", k->id);
        out_cell(t, "%s", k->node);
        out_cell(t, "%s", or_empty(k->address));
        out_cell(t, "%s%s", k->state, orc_streq(k->desired, "run") ? "" : " (ending)");
        out_cell_styled(t, k->healthy ? OUT_GOOD : OUT_WARN, "%s", k->health);
        out_cell(t, "%d", k->restarts);
        out_cell(t, "%lld", (long long)k->revision);
        out_cell(t, "%s", k->age_ms ? orc_format_age(k->age_ms, text) : "");
        out_cell(t, "%s", exit_text(k, text));
        out_cell(t, "%.12s", or_empty(k->container)); /* as the engine's own tools show it */
        out_cell(t, "%s", or_empty(k->image));
        out_cell(t, "%s", or_empty(k->reason));
    }
}

void print_tasks(const struct out *o, const struct report *r, FILE *f)
{
    struct out_table *t = out_table_new(o, task_columns);
    const struct report_service *s;

    orc_vec_each (s, &r->services)
        task_rows(t, s);
    out_table_print(t, f);
}

void print_service_tasks(const struct out *o, const struct report_service *s, FILE *f)
{
    struct out_table *t = out_table_new(o, task_columns);

    task_rows(t, s);
    out_table_print(t, f);
}

/* ---- nodes
 * --------------------------------------------------------------------------------------------------- */

char *print_pairs(const struct spec_pairs *p)
{
    struct orc_strv texts = {0};
    char *all;

    for (size_t i = 0; i < p->n; i++) {
        orc_auto_free char *one = orc_printf("%s=%s", p->at[i].key, or_empty(p->at[i].value));

        orc_strv_add(&texts, one);
    }
    all = text_join(&texts, " ");
    orc_strv_release(&texts);
    return all;
}

/* The cells that both tables of nodes begin with. */
static void node_cells(struct out_table *t, const struct report_node *n)
{
    char a[ORC_UNIT_MAX], b[ORC_UNIT_MAX];

    out_cell(t, "%s", n->name);
    out_cell_styled(t, style_of(n->ready), "%s", n->state);
    out_cell(t, "%s", n->age_ms ? orc_format_age(n->age_ms, a) : "");
    out_cell(t, "%d", n->tasks);
    out_cell(t, "%s / %s", orc_format_cpus(n->used.cpus_nano, a), orc_format_cpus(n->total.cpus_nano, b));
    out_cell(t, "%s / %s", orc_format_size(n->used.memory, a), orc_format_size(n->total.memory, b));
    out_cell(t, "%s", or_empty(n->address));
}

static void print_node_summary(const struct out *o, const struct report *r, FILE *f)
{
    static const struct out_column columns[] = {
        {"NODE", OUT_KEEP},        {"STATE", OUT_KEEP},    {"SINCE", OUT_OPTIONAL},
        {"TASKS", OUT_KEEP},       {"CPUS", OUT_OPTIONAL}, {"MEMORY", OUT_OPTIONAL},
        {"ADDRESS", OUT_OPTIONAL}, {"WHY", OUT_NOTE},      {0}};
    struct out_table *t = out_table_new(o, columns);
    const struct report_node *n;

    orc_vec_each (n, &r->nodes) {
        node_cells(t, n);
        out_cell(t, "%s", or_empty(n->why));
    }
    out_table_print(t, f);
}

static void print_node_rows(const struct out *o, const struct report *r, FILE *f)
{
    static const struct out_column columns[] = {
        {"NODE", OUT_KEEP},     {"STATE", OUT_KEEP},      {"SINCE", OUT_OPTIONAL},  {"TASKS", OUT_KEEP},
        {"CPUS", OUT_KEEP},     {"MEMORY", OUT_KEEP},     {"ADDRESS", OUT_KEEP},    {"MTU", OUT_OPTIONAL},
        {"VIRT", OUT_OPTIONAL}, {"KERNEL", OUT_OPTIONAL}, {"ENGINE", OUT_OPTIONAL}, {"LABELS", OUT_OPTIONAL},
        {"VERSION", OUT_EXTRA}, {"VOLUMES", OUT_EXTRA},   {"WHY", OUT_NOTE},        {0}};
    struct out_table *t = out_table_new(o, columns);
    const struct report_node *n;

    orc_vec_each (n, &r->nodes) {
        orc_auto_free char *labels = print_pairs(&n->labels), *volumes = text_join(&n->volumes, " ");

        node_cells(t, n);
        out_cell(t, "%d", n->mtu);
        out_cell(t, "%s", or_empty(n->virt));
        out_cell(t, "%s", or_empty(n->kernel));
        out_cell(t, "%s", or_empty(n->engine));
        out_cell(t, "%s", labels);
        out_cell(t, "%s", or_empty(n->version));
        out_cell(t, "%s", volumes);
        out_cell(t, "%s", or_empty(n->why));
    }
    out_table_print(t, f);
}

void print_nodes(const struct out *o, const struct report *r, FILE *f)
{
    if (r->nodes.n || o->form == OUT_NAMES)
        print_node_rows(o, r, f);
    else
        fputs("no nodes yet: start nodelet on each server\n", f);
}

/* ---- reasons
 * ------------------------------------------------------------------------------------------------- */

void print_item(const struct out *o, const char *text, FILE *f)
{
    orc_auto_free char *safe = text_safe(text);

    text_wrap(f, "  - ", safe, o->width);
}

static void print_spare(const struct out *o, const struct report *r, FILE *f)
{
    orc_auto_free char *text = survive_text(&r->survive);
    orc_auto_free char *safe = text ? text_safe(text) : NULL;

    if (!safe)
        return;
    fputc('\n', f);
    text_wrap(f, "N-1: ", safe, o->width);
}

static void print_why(const struct out *o, const struct report *r, FILE *f)
{
    const struct report_service *s;

    orc_vec_each (s, &r->services) {
        if (s->why.n < 2)
            continue;
        fprintf(f, "\n%s%s%s, further\n", out_begin(o, OUT_WARN), s->name, out_end(o, OUT_WARN));
        for (size_t i = 1; i < s->why.n; i++)
            print_item(o, s->why.at[i], f);
    }
    if (r->problems.n)
        fprintf(f, "\n%sproblems%s\n", out_begin(o, OUT_BAD), out_end(o, OUT_BAD));
    for (size_t i = 0; i < r->problems.n; i++)
        print_item(o, r->problems.at[i], f);
}

void print_status(const struct out *o, const struct report *r, bool replicas, FILE *f)
{
    print_services(o, r, f);
    fputc('\n', f);
    if (replicas)
        print_tasks(o, r, f);
    else if (r->nodes.n)
        print_node_summary(o, r, f);
    else
        fputs("no nodes yet: start nodelet on each server\n", f);
    print_spare(o, r, f);
    print_why(o, r, f);
}

/* ---- a picture on a terminal
 * ---------------------------------------------------------------------------------- */

void print_picture(const struct out *o, const char *text, FILE *f)
{
    size_t lines = 0, most = o->height > 1 ? o->height - 1 : SIZE_MAX, left = 0;

    for (const char *p = text; *p; p++)
        left += *p == '\n';
    fputs("\033[H\033[?7l", f); /* a line wider than the terminal is cut by it */
    while (*text) {
        size_t n = strcspn(text, "\n");

        if (lines + 1 == most && left > 1) {
            fprintf(f, "... %zu more lines\033[K\n", left);
            break;
        }
        fprintf(f, "%.*s\033[K\n", (int)n, text);
        text += n + (text[n] == '\n');
        lines++;
        left--;
    }
    fputs("\033[J\033[?7h", f);
    fflush(f);
}
