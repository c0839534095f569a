#include "cli/wait.h"

#include "cli/draw.h"
#include "cli/text.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/units.h"

#include <stdio.h>

const enum key_kind wait_report_kinds[] = {KEY_CONFIG,        KEY_APP,      KEY_REVISION,   KEY_ROLLOUT,
                                           KEY_TASK,          KEY_STATUS,   KEY_NODE,       KEY_NODE_POLICY,
                                           KEY_ALIVE,         KEY_ENDPOINT, KEY_INTENT,     KEY_GATEWAY,
                                           KEY_GATEWAY_ALIVE, KEY_LEADER,   KEY_NODE_STATE, KEY_UNKNOWN};

#define ASKED_MS 2000 /* longer than a scheduler takes to take something in */
#define TICK_MS 1000

struct waiting {
    struct session *s;
    uint64_t begun; /* orc_clock_ms() */
    const struct wait_targets *targets;
    enum outcome *outcomes; /* per target */
    uint64_t *said;         /* per target: hash of the line said last */
    struct orc_strv seen;   /* lines about tasks that have been said */
    struct draw draw;
    struct orc_strv failures;
    char *keeps; /* what it still waits for */
    json_t *services;
};

/* ---- line by line, without a terminal
 * ------------------------------------------------------------------------ */

/* A line without the numbers in its reason: ports, pauses and counts that change with each try make no news.
 * Lines are "shop/web: updating, 0 of 2 healthy: REASON" and "  shop.web.0.7 on k1 is failed: REASON". */
static char *gist(const char *line)
{
    char *text = orc_strdup(line), *p = strstr(text, ": "), *to;

    if (p && *line != ' ')
        p = strstr(p + 2, ": ");
    for (to = p; p && *p; p++)
        if (*p < '0' || *p > '9')
            *to++ = *p;
    if (to)
        *to = '\0';
    return text;
}

static bool said_before(struct waiting *w, const char *line)
{
    orc_auto_free char *news = gist(line);

    for (size_t i = 0; i < w->seen.n; i++)
        if (orc_streq(w->seen.at[i], news))
            return true;
    orc_strv_add(&w->seen, news);
    return false;
}

/* A line when a task is healthy, in trouble, or going; not of how it was before. */
static void say_tasks(struct waiting *w, const struct report_service *s, bool before)
{
    bool first_look = !w->services;
    const struct report_task *t;

    orc_vec_each (t, &s->tasks) {
        orc_auto_free char *line = NULL, *is = report_condition(t);
        bool old = before || (first_look && t->healthy);

        if (!orc_streq(t->desired, "run"))
            line = orc_printf("  %s on %s stops: %s", t->id, t->node, t->reason ? t->reason : "replaced");
        else if (t->healthy)
            line = orc_printf("  %s on %s is healthy%s%s", t->id, t->node, t->address ? " at " : "",
                              t->address ?: "");
        else if (report_in_trouble(t))
            line = orc_printf("  %s on %s is %s: %s", t->id, t->node, is, t->reason ? t->reason : "?");
        if (line && !said_before(w, line) && !old)
            out_line(&w->s->out, "%s", line);
    }
}

static void say(struct waiting *w, const struct report *r, size_t i)
{
    const struct wait_target *t = &w->targets->at[i];
    const struct report_service *s = judge_service(r, t);
    orc_auto_free char *line = judge_line(s, t, w->outcomes[i]);
    orc_auto_free char *news = gist(line);
    uint64_t h = orc_hash64_str(0, news);
    bool asked = w->outcomes[i] == OUTCOME_ASKED;

    if (s)
        say_tasks(w, s, asked);
    if (asked && orc_clock_ms() - w->begun < ASKED_MS)
        return;
    if (w->said[i] != h)
        out_line(&w->s->out, "%s", line);
    w->said[i] = h;
}

/* ---- live, on a terminal
 * ------------------------------------------------------------------------------------- */

static void draw(struct waiting *w, const struct report *r)
{
    struct out *o = &w->s->out;
    struct live live;

    out_measure(o);
    live_build(r, w->targets, w->outcomes, o->width, o->height, &live);
    draw_picture(o, &live, &w->draw);
    live_release(&live);
}

/* ---- the whole
 * ----------------------------------------------------------------------------------------------- */

/* What may be asked after the end: the words for stderr, the list for -o json. */
static void keep(struct waiting *w, const struct report *r)
{
    orc_strv_release(&w->failures);
    orc_set_str(&w->keeps, NULL);
    json_decref(w->services);
    w->services = json_array();
    for (size_t i = 0; i < w->targets->n; i++) {
        const struct wait_target *t = &w->targets->at[i];
        const struct report_service *s = judge_service(r, t);
        orc_auto_free char *line = judge_line(s, t, w->outcomes[i]);
        orc_auto_free char *failure =
            outcome_is_bad(w->outcomes[i]) ? judge_failure(s, t, w->outcomes[i]) : NULL;

        json_array_append_new(w->services, judge_to_json(s, t, w->outcomes[i]));
        if (failure)
            orc_strv_add(&w->failures, failure);
        if (!outcome_is_end(w->outcomes[i]) && !w->keeps)
            orc_set_str(&w->keeps, line);
    }
}

static bool on_progress(struct cluster *c, void *arg)
{
    struct waiting *w = arg;
    struct report r;
    size_t ended = 0;

    report_build(c, NULL, orc_wall_ms(), &r);
    for (size_t i = 0; i < w->targets->n; i++) {
        w->outcomes[i] = judge(c, &w->targets->at[i]);
        ended += outcome_is_end(w->outcomes[i]);
    }
    if (draw_is_wanted(&w->s->out))
        draw(w, &r);
    else
        for (size_t i = 0; i < w->targets->n; i++)
            say(w, &r, i);
    keep(w, &r);
    report_release(&r);
    return ended == w->targets->n;
}

static void on_trouble(const char *sentence, void *arg)
{
    struct waiting *w = arg;

    fprintf(stderr, "orc: %s\n", sentence);
    w->draw.lines = 0; /* the next picture is drawn below this line */
}

static void say_sentence(const char *sentence)
{
    orc_auto_free char *safe = text_safe(sentence);

    fprintf(stderr, "orc: %s\n", safe);
}

/* The exit code, and on stderr what was not reached. */
static int conclude(const struct waiting *w, enum follow_end end, uint64_t timeout_ms)
{
    char duration[ORC_UNIT_MAX];
    orc_auto_free char *text = NULL;

    for (size_t i = 0; i < w->failures.n; i++)
        say_sentence(w->failures.at[i]);
    if (end == FOLLOW_TIMED_OUT) {
        text = orc_printf("not done after %s: %s", orc_format_duration(timeout_ms, duration),
                          w->keeps ? w->keeps : "etcd gave no answer");
        say_sentence(text);
        fputs("It goes on without this command: see `orc status`.\n", stderr);
        return CLI_TIMED_OUT;
    }
    if (end == FOLLOW_INTERRUPTED) {
        fputs("orc: interrupted; what was asked for goes on: see `orc status`\n", stderr);
        return CLI_FAILED;
    }
    return w->failures.n ? CLI_ROLLOUT_FAILED : CLI_DONE;
}

int wait_run(struct session *s, const struct wait_targets *targets, uint64_t timeout_ms,
             json_t **ret_services)
{
    struct waiting w = {.s = s,
                        .begun = orc_clock_ms(),
                        .targets = targets,
                        .outcomes = orc_calloc(targets->n, sizeof *w.outcomes),
                        .said = orc_calloc(targets->n, sizeof *w.said)};
    enum follow_end end = FOLLOW_ENDED;
    int r;

    if (targets->n)
        end = follow_run(s, &(struct follow_opts){.kinds = wait_report_kinds,
                                                  .timeout_ms = timeout_ms,
                                                  .tick_ms = TICK_MS,
                                                  .on_change = on_progress,
                                                  .on_trouble = on_trouble,
                                                  .arg = &w});
    r = conclude(&w, end, timeout_ms);
    if (ret_services)
        *ret_services = w.services ? json_incref(w.services) : wait_detached(targets);
    json_decref(w.services);
    free(w.outcomes);
    free(w.said);
    free(w.keeps);
    orc_strv_release(&w.seen);
    orc_strv_release(&w.failures);
    return r;
}

/* ---- for scripts
 * --------------------------------------------------------------------------------------------- */

json_t *wait_detached(const struct wait_targets *targets)
{
    json_t *services = json_array();

    for (size_t i = 0; i < targets->n; i++)
        json_array_append_new(services, judge_to_json(NULL, &targets->at[i], OUTCOME_GOING_ON));
    return services;
}

const char *wait_outcome_name(int code)
{
    switch (code) {
    case CLI_DONE:
        return "done";
    case CLI_ROLLOUT_FAILED:
        return "rollout-failed";
    case CLI_TIMED_OUT:
        return "timed-out";
    default:
        return "interrupted";
    }
}

void wait_print_json(int code, bool detached, json_t *services, json_t *more)
{
    json_t *j = json_object();

    orc_json_set_str(j, "outcome", detached && code == CLI_DONE ? "detached" : wait_outcome_name(code));
    if (more)
        json_object_update(j, more);
    json_object_set_new(j, "services", services);
    json_decref(more);
    out_json(j);
}
