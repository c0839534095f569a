#include "cli/live.h"

#include "cli/text.h"
#include "lib/units.h"

struct builder {
    const struct report *report;
    const struct wait_targets *targets;
    const enum outcome *outcomes;
    size_t width, room; /* lines that may still be added */
    struct live *live;
};

void live_release(struct live *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i].text);
    orc_vec_release(l);
}

static enum out_style style_of(enum outcome o)
{
    return outcome_is_good(o) ? OUT_GOOD : outcome_is_bad(o) ? OUT_BAD : OUT_WARN;
}

/* Takes the text. */
static void add(struct builder *b, char *text, enum out_style style)
{
    orc_auto_free char *safe = text_safe(text);

    *orc_vec_add(b->live) = (struct live_line){text_cut(safe, b->width > 1 ? b->width - 1 : b->width), style};
    b->room--;
    free(text);
}

/* ---- replicas ---------------------------------------------------------------------------------------- */

/* One that is on its way, up or down, or in trouble. */
static bool is_worth_a_line(const struct report_task *t)
{
    bool ended = orc_streq(t->state, task_state_name(TASK_STOPPED));

    return orc_streq(t->desired, task_desired_name(TASK_RUN)) ? !t->healthy : !ended;
}

static char *task_line(const struct report_task *t)
{
    bool run = orc_streq(t->desired, task_desired_name(TASK_RUN));
    orc_auto_free char *is = run ? report_condition(t) : orc_strdup("going");
    bool aged = t->age_ms && (run || orc_streq(t->state, task_state_name(TASK_STOPPING))); /* in this state */
    char age[ORC_UNIT_MAX];

    return orc_printf("    %s on %s: %s%s%s%s%s", t->id, t->node, is, aged ? " for " : "",
                      aged ? orc_format_age(t->age_ms, age) : "", t->reason ? ": " : "",
                      t->reason ? t->reason : "");
}

/* One that is not ready may become so by itself. */
static enum out_style task_style(const struct report_task *t)
{
    if (!report_in_trouble(t))
        return OUT_DIM;
    return orc_streq(t->health, task_health_name(TASK_UNREADY)) ? OUT_WARN : OUT_BAD;
}

/* As many as have room, in `most` lines. */
static void add_tasks(struct builder *b, const struct report_service *s, size_t most)
{
    const struct report_task *t;
    size_t all = 0, shown = 0;

    orc_vec_each (t, &s->tasks)
        all += is_worth_a_line(t);
    orc_vec_each (t, &s->tasks) {
        if (!is_worth_a_line(t))
            continue;
        if (shown + 1 >= most && all - shown > 1)
            break;
        if (shown == most)
            return;
        add(b, task_line(t), task_style(t));
        shown++;
    }
    if (shown < all && most)
        add(b, orc_printf("    ... and %zu more replicas", all - shown), OUT_DIM);
}

/* ---- services ---------------------------------------------------------------------------------------- */

/* Which have a line when there is none for each: first those that have not ended, and those that ended badly.
 */
static bool *choose(struct builder *b, size_t *ret_left_out)
{
    size_t n = b->targets->n, room = n <= b->room ? n : b->room - 1;
    bool *shown = orc_calloc(n, sizeof *shown);

    *ret_left_out = n - room;
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i < n && room; i++) {
            enum outcome o = b->outcomes[i];
            int when = outcome_is_bad(o) ? 0 : outcome_is_end(o) ? 2 : 1;

            if (when == pass) {
                shown[i] = true;
                room--;
            }
        }
    return shown;
}

/* Lines for replicas: what the services leave, divided among those that have not ended. */
static size_t share(const struct builder *b, size_t services, size_t going_on)
{
    return going_on && b->room > services ? (b->room - services) / going_on : 0;
}

static size_t count_going_on(const struct builder *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->targets->n; i++)
        n += !outcome_is_end(b->outcomes[i]);
    return n;
}

/* The last line is left to the cursor. */
static size_t room_of(size_t height)
{
    return height > 2 ? height - 1 : height ? 1 : SIZE_MAX;
}

void live_build(const struct report *r, const struct wait_targets *targets, const enum outcome *outcomes,
                size_t width, size_t height, struct live *ret)
{
    struct builder b = {r, targets, outcomes, width, room_of(height), ret};
    size_t left_out, most = share(&b, targets->n, count_going_on(&b));
    orc_auto_free bool *shown = choose(&b, &left_out);

    *ret = (struct live){0};
    for (size_t i = 0; i < targets->n; i++) {
        const struct wait_target *t = &targets->at[i];
        const struct report_service *s = judge_service(r, t);

        if (!shown[i])
            continue;
        add(&b, judge_line(s, t, outcomes[i]), style_of(outcomes[i]));
        if (s && !outcome_is_end(outcomes[i]))
            add_tasks(&b, s, most);
    }
    if (left_out)
        add(&b, orc_printf("... and %zu more services", left_out), OUT_DIM);
}

/* ---- a drain ----------------------------------------------------------------------------------------- */

static const struct report_service *find_service(const struct report *r, const char *name)
{
    const struct report_service *s;

    orc_vec_each (s, &r->services)
        if (orc_streq(s->name, name))
            return s;
    return NULL;
}

void live_drain(const struct report *r, const struct drain *d, const char *node, size_t width, size_t height,
                struct live *ret)
{
    struct builder b = {.report = r, .width = width, .room = room_of(height), .live = ret};
    size_t n = d->services.n, shown, most;

    *ret = (struct live){0};
    add(&b, drain_head(d, node), drain_is_done(d) ? OUT_GOOD : OUT_WARN);
    shown = n <= b.room ? n : b.room ? b.room - 1 : 0;
    most = share(&b, n, n);
    for (size_t i = 0; i < shown; i++) {
        const struct drain_service *x = &d->services.at[i];

        add(&b,
            orc_printf("  %s: %d to move, %d stopping%s%s", x->name, x->left, x->stopping, x->why ? ": " : "",
                       x->why ? x->why : ""),
            x->why ? OUT_WARN : OUT_PLAIN);
        add_tasks(&b, find_service(r, x->name), most);
    }
    if (shown < n && b.room)
        add(&b, orc_printf("  ... and %zu more services", n - shown), OUT_DIM);
}
