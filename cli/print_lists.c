#include "cli/print_lists.h"

#include "cli/order.h"
#include "cli/text.h"
#include "lib/clock.h"
#include "lib/units.h"
#include "lib/version.h"
#include "state/store_args.h"

void print_history(const struct out *o, const struct history *h, int64_t wall_ms, FILE *f)
{
    static const struct out_column columns[] = {
        {"REVISION", OUT_KEEP}, {"STATE", OUT_KEEP},     {"REPLICAS", OUT_KEEP}, {"AGE", OUT_KEEP},
        {"BY", OUT_KEEP},       {"IMAGE", OUT_OPTIONAL}, {"APPLIED", OUT_EXTRA}, {0}};
    struct out_table *t = out_table_new(o, columns);
    const struct history_revision *r;
    char age[ORC_UNIT_MAX], time[ORC_TIME_MAX];

    orc_vec_each (r, &h->revisions) {
        out_cell(t, "%lld", (long long)r->n);
        if (r->state == HISTORY_COMING)
            out_cell_styled(t, OUT_WARN, "%s (%s)", history_state_name(r->state), h->rollout);
        else
            out_cell_styled(t, r->state == HISTORY_RUNNING ? OUT_GOOD : OUT_PLAIN, "%s",
                            history_state_name(r->state));
        out_cell(t, "%d", r->replicas);
        out_cell(t, "%s",
                 r->at ? orc_format_age(r->at < wall_ms ? (uint64_t)(wall_ms - r->at) : 0, age) : "");
        out_cell(t, "%s", r->by ? r->by : "");
        out_cell(t, "%s", r->image ? r->image : "");
        out_cell(t, "%s", r->at ? orc_format_time(r->at, time) : "");
    }
    out_table_print(t, f);
}

void print_contexts(const struct out *o, const struct contexts *c, FILE *f)
{
    static const struct out_column columns[] = {
        {"CONTEXT", OUT_KEEP}, {"CURRENT", OUT_KEEP}, {"ETCD", OUT_KEEP}, {"CLUSTER", OUT_OPTIONAL}, {0}};
    struct out_table *t;
    const struct context *x;

    if (!c->all.n && o->form != OUT_NAMES) {
        fputs("no contexts yet: `orc context add NAME --etcd URL` makes one\n", f);
        return;
    }
    t = out_table_new(o, columns);
    orc_vec_each (x, &c->all) {
        orc_auto_free char *etcd = text_join(&x->etcd, ",");

        out_cell(t, "%s", x->name);
        out_cell(t, "%s", orc_streq(x->name, c->current) ? "yes" : "");
        out_cell(t, "%s", etcd);
        out_cell(t, "%s", x->cluster ? x->cluster : STORE_DEFAULT_CLUSTER);
    }
    out_table_print(t, f);
}

static void add_version(struct out_table *t, const char *program, const char *node, const char *version,
                        const char *engine)
{
    out_cell(t, "%s", program);
    out_cell(t, "%s", node ? node : "");
    out_cell_styled(t, orc_streq(version, orc_version()) ? OUT_PLAIN : OUT_WARN, "%s",
                    version ? version : "");
    out_cell(t, "%s", engine ? engine : "");
}

void print_versions(const struct out *o, const struct cluster *c, FILE *f)
{
    static const struct out_column columns[] = {
        {"PROGRAM", OUT_KEEP}, {"NODE", OUT_KEEP}, {"VERSION", OUT_KEEP}, {"ENGINE", OUT_OPTIONAL}, {0}};
    const struct cluster_entry *leader = cluster_find(c, key_leader(c->name));
    struct out_table *t = out_table_new(o, columns);

    add_version(t, "orc", NULL, orc_version(), NULL);
    if (leader)
        add_version(t, "orc-scheduler", leader->as.leader.host, leader->as.leader.version, NULL);
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_NODE)
            add_version(t, "nodelet", e->key.node, e->as.node.version, e->as.node.engine);
    out_table_print(t, f);
}

void print_rollout(const struct out *o, const struct report_service *s, FILE *f)
{
    enum out_style style = s->ok ? OUT_GOOD : order_needs_people(s->rollout) ? OUT_BAD : OUT_WARN;
    char age[ORC_UNIT_MAX];

    fprintf(f, "%s: %s%s%s for %s\n", s->name, out_begin(o, style), s->rollout, out_end(o, style),
            orc_format_age(s->age_ms, age));
    if (s->from)
        fprintf(f, "  from revision %lld to revision %lld: ", (long long)s->from, (long long)s->target);
    else
        fprintf(f, "  revision %lld: ", (long long)s->target);
    fprintf(f, "%d of %d replicas are of it, %d are healthy\n", s->updated, s->desired, s->healthy);
    for (size_t i = 0; i < s->why.n; i++) {
        orc_auto_free char *line = text_safe(s->why.at[i]);

        text_wrap(f, "  ", line, o->width);
    }
}

void print_event(const struct out *o, const struct record_event *e, FILE *f)
{
    orc_auto_free char *object = text_safe(e->object ? e->object : "?");
    orc_auto_free char *message = text_safe(e->message ? e->message : "?");
    orc_auto_free char *type = text_safe(e->type ? e->type : "?");
    orc_auto_free char *by = text_safe(e->by ? e->by : "?");
    char time[ORC_TIME_MAX];

    fprintf(f, "%s%s%s  %-9s %-24s %s %s(%s)%s\n", out_begin(o, OUT_DIM), orc_format_time(e->at, time),
            out_end(o, OUT_DIM), type, object, message, out_begin(o, OUT_DIM), by, out_end(o, OUT_DIM));
}
