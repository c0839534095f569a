/* cmd_why.c - `orc why SERVICE|TASK`: every server held against every filter, and what would help. */
#include "cli/brain.h"
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/why.h"
#include "cli/wait.h"
#include "lib/clock.h"

struct why_args {
    struct session_args session;
};

struct asked { /* a service, or one task of it */
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    const char *task;
    int slot; /* -1: the first that waits */
};

static int what(const char *word, struct asked *ret, struct orc_err *err)
{
    int64_t attempt;
    struct key k;

    *ret = (struct asked){.slot = -1};
    if (strchr(word, '/') || key_task_id_parse(word, &k, &ret->slot, &attempt) < 0)
        return session_split(word, false, ret->app, ret->service, err);
    memcpy(ret->app, k.app, sizeof ret->app);
    memcpy(ret->service, k.service, sizeof ret->service);
    ret->task = word;
    return 0;
}

static int answer(struct session *s, const struct cluster *c, const struct asked *a, struct orc_err *err)
{
    const struct cluster_entry *task = a->task ? cluster_task(c, a->task) : NULL;
    struct core *core;
    struct why w = {.app = a->app, .service = a->service};
    int r;

    if (a->task && !task)
        return orc_fail(err, -ENOENT, "there is no task %s; `orc status %s/%s` lists those there are",
                        a->task, a->app, a->service);
    if (!task && !cluster_wanted(c, a->app, a->service))
        return change_no_service(c, a->app, a->service, err);
    core = brain_new(c, orc_wall_ms());
    r = explain_slot(core, a->app, a->service, a->slot, &w.explain, err);
    if (r == 0 && !task && !w.explain.waits && (task = why_unwell(c, a->app, a->service))) {
        explain_release(&w.explain);
        r = explain_slot(core, a->app, a->service, task->as.task.slot, &w.explain, err);
    }
    if (r == 0) {
        why_task(c, task, &w);
        why_rollout(c, &w);
        if (s->out.json)
            out_json(why_to_json(&w));
        else
            why_print(&s->out, &w, orc_wall_ms(), stdout);
        why_release(&w);
    }
    core_free(core);
    return r;
}

static int run(struct why_args *a, const char *word, struct orc_err *err)
{
    struct asked asked;
    struct session s;
    struct cluster c;
    int r;

    if (what(word, &asked, err) < 0 || session_open(&s, &a->session, err) < 0)
        return CLI_USAGE;
    r = session_read(&s, wait_report_kinds, &c, err);
    if (r == 0)
        r = answer(&s, &c, &asked, err);
    cluster_release(&c);
    session_close(&s);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_why(int argc, char **argv)
{
    struct why_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SESSION_OPTIONS(&a.session), {0}};
    int r = cmd_options(
        table, argc, argv, &words, "orc why APP/SERVICE|TASK [-o json]",
        "Why a replica waits, is not well, or is where it is: every server held against everything that can "
        "keep a replica off it, in numbers, and the smallest change that would let it run.");

    if (r < 0) {
        r = CLI_USAGE;
        if (words.n != 1)
            orc_fail(
                &err, -EINVAL,
                "name one service or task, as `orc status` shows them: orc why shop/orders; this names %zu",
                words.n);
        else
            r = run(&a, words.at[0], &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
