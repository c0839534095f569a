/* describe_print.c - `orc describe` for people: facts in two columns, what is wrong, what to do, tables. */
#include "cli/describe_internal.h"

#include "cli/describe_spec.h"
#include "cli/print.h"
#include "cli/text.h"
#include "lib/clock.h"
#include "lib/units.h"

#define FACT_COLUMN 14

struct page {
    const struct out *out;
    const struct described *x;
    FILE *f;
};

/* A line of the head; takes the text, NULL: none. */
static void fact(const struct page *p, const char *heading, char *text)
{
    orc_auto_free char *safe = text ? text_safe(text) : NULL;
    orc_auto_free char *first = orc_printf("%s:%*s", heading, (int)(FACT_COLUMN - 1 - strlen(heading)), "");

    if (safe && *safe)
        text_wrap(p->f, first, safe, p->out->width);
    free(text);
}

static void section(const struct page *p, const char *heading, enum out_style style)
{
    fprintf(p->f, "\n%s%s%s\n", out_begin(p->out, style), heading, out_end(p->out, style));
}

static void list(const struct page *p, const char *heading, enum out_style style,
                 const struct orc_strv *texts)
{
    if (texts->n)
        section(p, heading, style);
    for (size_t i = 0; i < texts->n; i++)
        print_item(p->out, texts->at[i], p->f);
}

/* " since 2026-01-31T12:00:00Z (5s)"; "" when that is not known. */
static char *since(const struct page *p, int64_t at)
{
    char time[ORC_TIME_MAX], age[ORC_UNIT_MAX];

    return at <= 0 ? orc_strdup("")
                   : orc_printf(" since %.19sZ (%s)", orc_format_time(at, time),
                                orc_format_age(at < p->x->wall_ms ? (uint64_t)(p->x->wall_ms - at) : 0, age));
}

/* Sentences, which are longer than a column of a table may be: each beside its time. */
static void print_events(const struct page *p)
{
    char time[ORC_TIME_MAX];

    if (p->x->events.n)
        section(p, "Last events", OUT_PLAIN);
    for (size_t i = 0; i < p->x->events.n; i++) {
        const struct record_event *e = p->x->events.at[i];
        orc_auto_free char *at = orc_printf("  %.19sZ ", orc_format_time(e->at, time));
        orc_auto_free char *text = orc_printf("%s: %s (%s)", e->object ? e->object : "?",
                                              e->message ? e->message : "?", e->by ? e->by : "?");
        orc_auto_free char *safe = text_safe(text);

        text_wrap(p->f, at, safe, p->out->width);
    }
}

/* ---- services ---------------------------------------------------------------------------------------- */

static void revision_fact(const struct page *p, const struct record_revision *r, int64_t n)
{
    char time[ORC_TIME_MAX];

    if (!r)
        fact(p, "Revision", orc_printf("%lld, which can't be read", (long long)n));
    else
        fact(p, "Revision",
             orc_printf("%lld, applied by %s at %.19sZ", (long long)n, r->by ? r->by : "somebody",
                        orc_format_time(r->at, time)));
}

static void service_facts(const struct page *p, const struct report_service *s)
{
    orc_auto_free char *at = since(p, s->age_ms ? p->x->wall_ms - (int64_t)s->age_ms : 0);
    orc_auto_free char *runs = runs_line(&s->runs);
    char time[ORC_TIME_MAX];

    fact(p, "Service", orc_strdup(s->name));
    fact(p, "State", orc_printf("%s%s", s->rollout, at));
    if (s->from)
        fact(p, "Rollout",
             orc_printf("from revision %lld to %lld, %d of %d replicas are there", (long long)s->from,
                        (long long)s->target, s->updated, s->desired));
    fact(p, "Replicas", orc_printf("%d of %d healthy, %d running", s->healthy, s->desired, s->running));
    if (s->revision)
        revision_fact(p, p->x->revision, s->revision);
    fact(p, "Image", orc_strdup(s->image));
    fact(p, "Last run", runs ? orc_strdup(runs) : NULL);
    if (s->next_run)
        fact(p, "Next run", orc_printf("%.19sZ", orc_format_time(s->next_run, time)));
}

static void spec_facts(const struct page *p)
{
    if (!p->x->revision)
        return;
    for (const struct describe_spec_row *row = describe_spec_rows; row->heading; row++)
        fact(p, row->heading, row->text(p->x->revision->spec));
}

static char *endpoint_ports(const struct record_endpoint *e)
{
    struct orc_strv texts = {0};
    const struct endpoint_port *port;
    char *all;

    orc_vec_each (port, &e->ports) {
        orc_auto_free char *one = orc_printf("%s:%u", port->name, port->port);

        orc_strv_add(&texts, one);
    }
    all = text_join(&texts, " ");
    orc_strv_release(&texts);
    return all;
}

static void print_endpoints(const struct page *p)
{
    static const struct out_column columns[] = {
        {"ENDPOINT", OUT_KEEP}, {"ADDRESS", OUT_KEEP}, {"STATE", OUT_KEEP}, {"ROUTES", OUT_OPTIONAL}, {0}};
    const struct record_revision *rev = p->x->revision;
    struct out_table *t = NULL;

    for (const struct cluster_entry *e = p->x->c->entries; e; e = e->hh.next) {
        orc_auto_free char *ports = NULL;

        if (!describe_has_endpoint(p->x, e))
            continue;
        if (!t) {
            section(p, "Endpoints, where requests may go", OUT_PLAIN);
            t = out_table_new(p->out, columns);
        }
        ports = endpoint_ports(&e->as.endpoint);
        out_cell(t, "%s", e->key.task);
        out_cell(t, "%s", e->as.endpoint.address ? e->as.endpoint.address : "");
        out_cell(t, "%s", endpoint_state_name(e->as.endpoint.state));
        out_cell(t, "%s", ports);
    }
    if (t) {
        out_table_print(t, p->f);
    } else if (rev && rev->spec && rev->spec->gateway.n) {
        section(p, "Endpoints, where requests may go", OUT_WARN);
        fputs("  none: no replica is ready\n", p->f);
    }
}

static void print_service(const struct page *p)
{
    const struct report_service *s = p->x->service;

    service_facts(p, s);
    spec_facts(p);
    list(p, s->ok ? "Worth knowing" : "What is wrong", s->ok ? OUT_PLAIN : OUT_BAD, &s->why);
    list(p, "What to do", OUT_WARN, &p->x->advice);
    section(p, "Tasks", OUT_PLAIN);
    print_service_tasks(p->out, s, p->f);
    print_endpoints(p);
    print_events(p);
}

/* ---- tasks ------------------------------------------------------------------------------------------- */

static void container_facts(const struct page *p, const struct report_task *t)
{
    fact(p, "Image", orc_strdup(t->image));
    fact(p, "Container", orc_strdup(t->container ? t->container : "none yet"));
    fact(p, "Restarts", orc_printf("%d", t->restarts));
    if (t->exit_code >= 0)
        fact(p, "Last exit",
             orc_printf("code %d%s", t->exit_code, t->oom ? ", killed for memory (OOM)" : ""));
    if (p->x->revision)
        fact(p, "Health check", describe_health(p->x->revision->spec));
    fact(p, "Last probe", orc_strdup(t->probe));
}

static const struct cluster_entry *endpoint_of(const struct described *x)
{
    for (const struct cluster_entry *e = x->c->entries; e; e = e->hh.next)
        if (describe_has_endpoint(x, e))
            return e;
    return NULL;
}

static void task_facts(const struct page *p, const struct report_task *t)
{
    orc_auto_free char *is = report_condition(t), *at = since(p, t->since);
    orc_auto_free char *ports = text_join(&t->ports, ", ");
    const struct cluster_entry *e = endpoint_of(p->x);

    fact(p, "Task", orc_strdup(t->id));
    fact(p, "Service", orc_printf("%s, replica %d", p->x->service->name, t->slot));
    fact(p, "State", orc_printf("%s%s%s", is, at, orc_streq(t->desired, "run") ? "" : "; it shall stop"));
    fact(p, "Node", orc_strdup(t->node));
    fact(p, "Address", orc_strdup(t->address));
    fact(p, "Ports", orc_strdup(ports));
    revision_fact(p, p->x->revision, t->revision);
    container_facts(p, t);
    fact(p, "Requests",
         orc_strdup(!e ? "none may go there: it has no endpoint"
                    : e->as.endpoint.state == ENDPOINT_READY
                        ? "may go there"
                        : "no new ones go there: it is being withdrawn"));
    fact(p, "Made because", orc_strdup(t->made));
}

static void print_task(const struct page *p)
{
    struct orc_strv wrong = {0};

    if (!p->x->task) {
        fprintf(p->f, "%s: its container is removed, and its records are about to go\n", p->x->asked->name);
        print_events(p);
        return;
    }
    task_facts(p, p->x->task);
    if (p->x->task->reason)
        orc_strv_add(&wrong, p->x->task->reason);
    list(p, p->x->task->healthy || !orc_streq(p->x->task->desired, "run") ? "Worth knowing" : "What is wrong",
         p->x->task->healthy ? OUT_PLAIN : OUT_BAD, &wrong);
    list(p, "What to do", OUT_WARN, &p->x->advice);
    print_events(p);
    orc_strv_release(&wrong);
}

/* ---- nodes ------------------------------------------------------------------------------------------- */

static void policy_fact(const struct page *p)
{
    const struct record_node_policy *policy = p->x->policy;
    struct orc_strv texts = {0};
    orc_auto_free char *labels = NULL;
    char deadline[ORC_UNIT_MAX];

    if (!policy)
        return;
    labels = print_pairs(&policy->labels);
    if (policy->removed)
        orc_strv_add(&texts, "let go");
    else if (policy->drain)
        orc_strv_add(&texts, "drained");
    else if (policy->cordon)
        orc_strv_add(&texts, "cordoned");
    if (policy->drain && policy->drain_deadline_ms > 1) {
        orc_auto_free char *text =
            orc_printf("within %s", orc_format_duration(policy->drain_deadline_ms, deadline));

        orc_strv_add(&texts, text);
    }
    if (*labels) {
        orc_auto_free char *text = orc_printf("labels %s", labels);

        orc_strv_add(&texts, text);
    }
    fact(p, "Policy", text_join(&texts, ", "));
    orc_strv_release(&texts);
}

static void node_facts(const struct page *p, const struct report_node *n)
{
    orc_auto_free char *at = since(p, n->age_ms ? p->x->wall_ms - (int64_t)n->age_ms : 0);
    const struct record_node *r = p->x->record;
    char a[ORC_UNIT_MAX], b[ORC_UNIT_MAX];

    fact(p, "Node", orc_strdup(n->name));
    fact(p, "State", orc_printf("%s%s", n->state, at));
    fact(p, "Address", orc_strdup(n->address));
    fact(p, "Containers", r && r->subnet ? orc_printf("%s, MTU %d", r->subnet, n->mtu) : NULL);
    fact(p, "CPU",
         orc_printf("%s of %s reserved", orc_format_cpus(n->used.cpus_nano, a),
                    orc_format_cpus(n->total.cpus_nano, b)));
    fact(p, "Memory",
         orc_printf("%s of %s reserved", orc_format_size(n->used.memory, a),
                    orc_format_size(n->total.memory, b)));
    fact(p, "System",
         r && r->kernel ? orc_printf("%s, %s, %s/%s", r->kernel, r->virt ? r->virt : "?", r->os ? r->os : "?",
                                     r->arch ? r->arch : "?")
                        : NULL);
    fact(p, "Engine", orc_strdup(n->engine));
    fact(p, "nodelet", orc_strdup(n->version));
    fact(p, "Labels", print_pairs(&n->labels));
    policy_fact(p);
    fact(p, "Volumes", text_join(&n->volumes, " "));
}

static void print_conditions(const struct page *p)
{
    static const struct out_column columns[] = {
        {"CONDITION", OUT_KEEP}, {"STATE", OUT_KEEP}, {"SINCE", OUT_OPTIONAL}, {"WHY", OUT_NOTE}, {0}};
    const struct record_condition *c;
    struct out_table *t;
    char age[ORC_UNIT_MAX];

    if (!p->x->record || !p->x->record->conditions.n)
        return;
    section(p, "Conditions", OUT_PLAIN);
    t = out_table_new(p->out, columns);
    orc_vec_each (c, &p->x->record->conditions) {
        out_cell(t, "%s", c->type);
        out_cell_styled(t,
                        !c->ok     ? OUT_BAD
                        : c->avoid ? OUT_WARN
                                   : OUT_GOOD,
                        "%s",
                        !c->ok     ? "keeps work off"
                        : c->avoid ? "others preferred"
                                   : "ok");
        out_cell(t, "%s",
                 c->since > 0 && c->since < p->x->wall_ms
                     ? orc_format_age((uint64_t)(p->x->wall_ms - c->since), age)
                     : "");
        out_cell(t, "%s", c->reason ? c->reason : "");
    }
    out_table_print(t, p->f);
}

static void print_node(const struct page *p)
{
    struct orc_strv wrong = {0};

    if (!p->x->node) {
        fprintf(p->f, "%s: its record can't be read; `orc status` says why\n", p->x->asked->name);
        return;
    }
    node_facts(p, p->x->node);
    if (p->x->node->why)
        orc_strv_add(&wrong, p->x->node->why);
    list(p, p->x->node->trouble ? "What is wrong" : "Worth knowing",
         p->x->node->trouble ? OUT_BAD : OUT_PLAIN, &wrong);
    list(p, "What to do", OUT_WARN, &p->x->advice);
    print_conditions(p);
    section(p, "Tasks", OUT_PLAIN);
    print_tasks(p->out, &p->x->report, p->f);
    print_events(p);
    orc_strv_release(&wrong);
}

void describe_print(const struct out *o, struct cluster *c, const struct describe *d, int64_t wall_ms,
                    FILE *f)
{
    struct described x;
    struct page p = {o, &x, f};

    describe_find(c, d, wall_ms, &x);
    if (o->form == OUT_NAMES)
        fprintf(f, "%s\n", d->name);
    else if (d->kind == DESCRIBE_NODE)
        print_node(&p);
    else if (d->kind == DESCRIBE_TASK)
        print_task(&p);
    else if (x.service)
        print_service(&p);
    describe_release(&x);
}
