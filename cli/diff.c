#include "cli/diff.h"

#include "cli/change.h"
#include "cli/text.h"

#define VALUE_WIDTH 60 /* columns that a value gets */

/* Building -------------------------------------------------------------------------------------------- */

/* The number that `orc scale` had said counts no longer. */
static void add_rescaled(const struct cluster *c, const char *app, const struct delta *d,
                         const struct delta_step *step, struct spec_changes *ret)
{
    const struct record_app_service *now = cluster_wanted(c, app, step->service), *next = NULL;

    for (size_t i = 0; i < d->next.services.n && !next; i++)
        if (orc_streq(d->next.services.at[i].name, step->service))
            next = &d->next.services.at[i];
    if (!now || !next || now->replicas == next->replicas)
        return;
    *orc_vec_add(ret) = (struct spec_change){.path = orc_strdup("replicas by orc scale"),
                                             .before = orc_printf("%d", now->replicas),
                                             .effect = SPEC_IN_PLACE};
}

static void add_step(const struct cluster *c, const char *app, const struct delta *d,
                     const struct delta_step *step, struct spec_changes *ret)
{
    const struct record_app_service *now = cluster_wanted(c, app, step->service);
    const struct spec_service *before = now ? cluster_spec(c, app, step->service, now->revision) : NULL;

    if (!step->spec)
        return;
    if (step->kind == DELTA_NEW || before)
        spec_diff(before, step->spec, ret);
    add_rescaled(c, app, d, step, ret);
}

void diff_build(const struct cluster *c, const char *app, const struct delta *d, struct diff *ret)
{
    const struct delta_step *step;

    *ret = (struct diff){.delta = d, .app = app};
    orc_vec_each (step, &d->steps) {
        struct spec_changes *changes = orc_vec_add(&ret->steps);

        add_step(c, app, d, step, changes);
    }
}

void diff_release(struct diff *d)
{
    struct spec_changes *c;

    orc_vec_each (c, &d->steps)
        spec_changes_release(c);
    orc_vec_release(&d->steps);
}

/* For people ------------------------------------------------------------------------------------------ */

static enum out_style style_of(enum spec_effect e)
{
    return e == SPEC_REPLACES ? OUT_WARN : OUT_PLAIN;
}

static void print_fields(const struct out *o, const struct spec_changes *changes)
{
    static const struct out_column columns[] = {{"KEY", OUT_KEEP},
                                                {"NOW", OUT_KEEP},
                                                {"IN THE FILE", OUT_KEEP},
                                                {"MEANS", OUT_KEEP},
                                                {NULL, OUT_KEEP}};
    struct out_table *t = out_table_new(o, columns);
    const struct spec_change *e;

    orc_vec_each (e, changes) {
        orc_auto_free char *before = text_difference(e->before ? e->before : "-", e->after, VALUE_WIDTH);
        orc_auto_free char *after = text_difference(e->after ? e->after : "-", e->before, VALUE_WIDTH);

        out_cell(t, "  %s", e->path);
        out_cell(t, "%s", before);
        out_cell(t, "%s", after);
        out_cell_styled(t, style_of(e->effect), "%s", spec_effect_name(e->effect));
    }
    out_table_print(t, stdout);
}

static void print_step(const struct out *o, const char *app, const struct delta_step *step,
                       const struct spec_changes *changes)
{
    orc_auto_free char *line = delta_line(app, step);

    if (!line)
        return;
    out_line(o, "%s", line);
    if (step->kind != DELTA_NEW && changes->n)
        print_fields(o, changes);
    else if (step->kind == DELTA_CHANGED)
        out_line(o, "  what runs now can't be compared: its revision is no longer kept, or can't be read");
}

void diff_print(const struct out *o, const struct diff *d)
{
    for (size_t i = 0; i < d->steps.n; i++)
        print_step(o, d->app, &d->delta->steps.at[i], &d->steps.at[i]);
    if (!d->delta->changes)
        out_line(o, "the file changes nothing");
}

/* As JSON --------------------------------------------------------------------------------------------- */

static json_t *fields_to_json(const struct spec_changes *changes)
{
    const struct spec_change *e;
    json_t *all = json_array();

    orc_vec_each (e, changes) {
        json_t *j = json_object();

        orc_json_set_str(j, "path", e->path);
        orc_json_set_str(j, "before", e->before);
        orc_json_set_str(j, "after", e->after);
        orc_json_set_str(j, "effect", e->effect == SPEC_REPLACES ? "replace" : "in-place");
        json_array_append_new(all, j);
    }
    return all;
}

json_t *diff_to_json(const struct diff *d)
{
    json_t *all = json_array();

    for (size_t i = 0; i < d->steps.n; i++) {
        const struct delta_step *step = &d->delta->steps.at[i];
        orc_auto_free char *name = orc_printf("%s/%s", d->app, step->service);

        json_array_append_new(all,
                              json_pack("{s:s, s:s, s:I, s:o}", "name", name, "change",
                                        delta_kind_name(step->kind), "revision", (json_int_t)step->revision,
                                        "fields", fields_to_json(&d->steps.at[i])));
    }
    return all;
}
