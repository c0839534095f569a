#include "cli/print_forecast.h"

#include "cli/preview.h"
#include "lib/units.h"

static bool any_op(const struct forecast_result *r)
{
    const struct forecast_step *s;
    const struct plan_txn *t;
    const struct plan_op *op;

    orc_vec_each (s, &r->steps)
        orc_vec_each (t, &s->plan.txns)
            orc_vec_each (op, &t->ops)
                if (preview_shows(op))
                    return true;
    return false;
}

static void print_ops(const struct out *o, const struct forecast_result *r, FILE *f)
{
    static const struct out_column columns[] = {{"TASK", OUT_KEEP},
                                                {"OPERATION", OUT_KEEP},
                                                {"NODE", OUT_KEEP},
                                                {"ADDRESS", OUT_OPTIONAL},
                                                {"AFTER", OUT_KEEP},
                                                {"WHY", OUT_NOTE},
                                                {0}};
    struct out_table *t = out_table_new(o, columns);
    const struct forecast_step *s;
    const struct plan_txn *x;
    const struct plan_op *op;
    struct record_task rec;
    char after[ORC_UNIT_MAX], id[KEY_TASK_MAX + 1], address[16];

    orc_vec_each (s, &r->steps)
        orc_vec_each (x, &s->plan.txns)
            orc_vec_each (op, &x->ops) {
                if (!preview_shows(op))
                    continue;
                rec = plan_task_record(&op->task, address);
                out_cell(t, "%s", plan_task_id(&op->task, id));
                out_cell(t, "%s", preview_verb(op));
                out_cell(t, "%s", op->task.node->s);
                out_cell(t, "%s", op->kind == PLAN_TASK_CREATE && rec.address ? rec.address : "");
                out_cell(t, "%s", orc_format_duration(s->after_ms, after));
                out_cell(t, "%s", preview_reason(op));
            }
    out_table_print(t, f);
}

void print_moves(const struct out *o, const struct forecast_result *r, FILE *f)
{
    static const struct out_column columns[] = {
        {"REPLICA", OUT_KEEP}, {"FROM", OUT_KEEP}, {"TO", OUT_KEEP}, {0}};
    struct out_table *t = out_table_new(o, columns);
    const struct forecast_move *m;

    orc_vec_each (m, &r->moves) {
        out_cell(t, "%s.%d", m->service, m->slot);
        out_cell(t, "%s", m->from ? m->from : "-");
        out_cell_styled(t, m->to ? OUT_PLAIN : OUT_WARN, "%s", m->to ? m->to : "-");
    }
    out_table_print(t, f);
}

static void print_services(const struct out *o, const struct forecast_result *r, FILE *f)
{
    static const struct out_column columns[] = {{"SERVICE", OUT_KEEP},   {"STATE", OUT_KEEP},
                                                {"AVAILABLE", OUT_KEEP}, {"OF", OUT_KEEP},
                                                {"WHY", OUT_NOTE},       {0}};
    struct out_table *t = out_table_new(o, columns);
    const struct forecast_service *s;

    orc_vec_each (s, &r->services) {
        orc_auto_free char *why = preview_why(s);
        bool fine = forecast_is_fine(s);

        out_cell(t, "%s", s->name);
        out_cell_styled(t, fine ? OUT_GOOD : OUT_BAD, "%s", rollout_state_name(s->rollout.state));
        out_cell(t, "%d", s->rollout.available);
        out_cell(t, "%d", s->rollout.replicas);
        out_cell(t, "%s", fine ? "" : why);
    }
    fputs("\nin the end\n", f);
    out_table_print(t, f);
}

void print_forecast(const struct out *o, const struct forecast_result *r, FILE *f)
{
    if (any_op(r))
        print_ops(o, r, f);
    else
        fputs("no container is started or stopped\n", f);
    if (r->moves.n) {
        fputc('\n', f);
        print_moves(o, r, f);
    }
    if (r->services.n)
        print_services(o, r, f);
}
