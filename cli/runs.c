#include "cli/runs.h"

#include "lib/clock.h"
#include "lib/units.h"

void runs_copy(const struct record_rollout *r, struct runs *ret)
{
    for (size_t i = 0; i < r->runs.n; i++)
        rollout_run_copy(&r->runs.at[i], orc_vec_add(ret));
}

void runs_release(struct runs *r)
{
    for (size_t i = 0; i < r->n; i++)
        rollout_run_release(&r->at[i]);
    orc_vec_release(r);
}

char *runs_line(const struct runs *r)
{
    const struct rollout_run *run = r->n ? &r->at[r->n - 1] : NULL;

    if (!run)
        return NULL;
    if (run->state == RUN_RUNNING)
        return orc_printf("run %lld: %d of %d completed", (long long)run->n, run->completed, run->wanted);
    return orc_printf("run %lld %s, %d of %d completed", (long long)run->n, run_state_name(run->state),
                      run->completed, run->wanted);
}

static json_t *run_to_json(const struct rollout_run *run)
{
    json_t *j = json_object();

    json_object_set_new(j, "n", json_integer(run->n));
    orc_json_set_str(j, "state", run_state_name(run->state));
    json_object_set_new(j, "revision", json_integer(run->revision));
    if (run->scheduled)
        json_object_set_new(j, "scheduled", json_integer(run->scheduled));
    json_object_set_new(j, "started", json_integer(run->started));
    if (run->ended)
        json_object_set_new(j, "ended", json_integer(run->ended));
    json_object_set_new(j, "wanted", json_integer(run->wanted));
    json_object_set_new(j, "completed", json_integer(run->completed));
    json_object_set_new(j, "failures", json_integer(run->failures));
    if (run->exit_code >= 0)
        json_object_set_new(j, "exit_code", json_integer(run->exit_code));
    orc_json_set_str(j, "reason", run->reason);
    return j;
}

json_t *runs_to_json(const struct runs *r)
{
    json_t *a = json_array();

    for (size_t i = 0; i < r->n; i++)
        json_array_append_new(a, run_to_json(&r->at[i]));
    return a;
}

static enum out_style style_of(const struct rollout_run *run)
{
    return run->state == RUN_FAILED ? OUT_BAD : run->state == RUN_SUCCEEDED ? OUT_GOOD : OUT_WARN;
}

static uint64_t since(int64_t from, int64_t to)
{
    return to > from ? (uint64_t)(to - from) : 0;
}

void runs_print(const struct out *o, const struct runs *r, int64_t wall_ms, FILE *f)
{
    static const struct out_column columns[] = {{"RUN", OUT_KEEP},
                                                {"STATE", OUT_KEEP},
                                                {"COMPLETED", OUT_KEEP},
                                                {"FAILURES", OUT_OPTIONAL},
                                                {"EXIT", OUT_OPTIONAL},
                                                {"REVISION", OUT_OPTIONAL},
                                                {"STARTED", OUT_KEEP},
                                                {"TOOK", OUT_OPTIONAL},
                                                {"SCHEDULED", OUT_EXTRA},
                                                {"WHY", OUT_NOTE},
                                                {0}};
    struct out_table *t = out_table_new(o, columns);
    char age[ORC_UNIT_MAX], time[ORC_TIME_MAX];

    for (size_t i = r->n; i-- > 0;) {
        const struct rollout_run *run = &r->at[i];

        out_cell(t, "%lld", (long long)run->n);
        out_cell_styled(t, style_of(run), "%s", run_state_name(run->state));
        out_cell(t, "%d of %d", run->completed, run->wanted);
        out_cell(t, "%d", run->failures);
        if (run->exit_code >= 0)
            out_cell(t, "%d", run->exit_code);
        else
            out_cell(t, "%s", "");
        out_cell(t, "%lld", (long long)run->revision);
        out_cell(t, "%s ago", orc_format_age(since(run->started, wall_ms), age));
        out_cell(t, "%s", orc_format_age(since(run->started, run->ended ? run->ended : wall_ms), age));
        out_cell(t, "%s", run->scheduled ? orc_format_time(run->scheduled, time) : "");
        out_cell(t, "%s", run->reason ? run->reason : "");
    }
    out_table_print(t, f);
}
