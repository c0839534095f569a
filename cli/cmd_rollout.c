/* cmd_rollout.c - `orc rollout status|pause|resume|abort APP/SERVICE`: people and the rollout under way. What
 * they want is put into intents/<app>/<service>, about the revision that the app asks for. */
#include "cli/order.h"
#include "cli/print_lists.h"
#include "cli/verb.h"
#include "lib/clock.h"

#include <stdio.h>

static const char usage[] =
    "orc rollout status|pause|resume|abort APP/SERVICE [--detach] [--timeout DURATION] [-o json]";
static const char summary[] =
    "status: how far it is, and why not further; exit code 3 when it is paused, was rolled back or failed. "
    "pause: no "
    "further replica is replaced; what fails or is lost is filled with the old version. resume: it goes on, "
    "past a "
    "canary and also after a failure. abort: back to the last revision that was complete.";

/* ---- pause, resume, abort ---------------------------------------------------------------------------- */

static const struct order {
    const char *name, *said;
    enum intent_action action;
} orders[] = {
    {"pause", "pauses: no further replica is replaced", INTENT_PAUSE},
    {"resume", "goes on", INTENT_RESUME},
    {"abort", "goes back to the last revision that was complete", INTENT_ABORT},
};

static const struct order *find_order(const char *name, struct orc_err *err)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(orders); i++)
        if (orc_streq(orders[i].name, name))
            return &orders[i];
    orc_fail(err, -EINVAL, "\"%s\" is nothing to do with a rollout: status, pause, resume or abort", name);
    return NULL;
}

static int give(struct verb *v, const struct order *o, const char *app, const char *service,
                struct orc_err *err)
{
    struct record_intent next;
    struct wait_target *w;
    struct etcd_txn *t;
    int r = change_intent(&v->cluster, app, service, &next, err);

    if (r < 0)
        return r;
    free(next.rollout.by);
    next.rollout = (struct intent_rollout){.action = o->action,
                                           .epoch = next.rollout.epoch + 1,
                                           .revision = cluster_wanted(&v->cluster, app, service)->revision,
                                           .by = session_who(),
                                           .at = orc_wall_ms()};
    t = etcd_txn_new();
    change_put_intent(&v->cluster, app, service, &next, t);
    r = session_commit(&v->s, t, NULL, err);
    if (r == SESSION_CONFLICT)
        r = orc_fail(
            err, -EAGAIN,
            "somebody else said something about %s/%s at the same moment: look with `orc rollout status "
            "%s/%s` and try again",
            app, service, app, service);
    if (r == 0) {
        out_line(&v->s.out, "%s/%s: %s", app, service, o->said);
        w = wait_add(&v->targets, app, service, order_goal(o->action));
        w->order = next.rollout.epoch;
    }
    record_intent_release(&next);
    return r;
}

static int act(struct verb *v, struct orc_err *err)
{
    const struct order *o = find_order(v->words->at[0], err);
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    orc_auto_free char *refusal = NULL;

    if (!o || session_split(v->words->at[1], false, app, service, err) < 0)
        return -EINVAL;
    if (!cluster_wanted(&v->cluster, app, service))
        return change_no_service(&v->cluster, app, service, err);
    refusal = order_refusal(&v->cluster, app, service, o->action);
    if (refusal)
        return orc_fail(err, -EPERM, "%s", refusal);
    return give(v, o, app, service, err);
}

/* ---- status ------------------------------------------------------------------------------------------ */

/* As in `orc status`, without the replicas. */
static void print_json(const struct report *r)
{
    orc_auto_json json_t *whole = report_to_json(r);
    json_t *service = json_incref(json_array_get(json_object_get(whole, "services"), 0));

    json_object_del(service, "tasks");
    out_json(service);
}

static int show(struct session *s, struct cluster *c, const char *name, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct report r;
    int code;

    session_split(name, false, app, service, err); /* it was, before */
    if (!cluster_wanted(c, app, service)) {
        change_no_service(c, app, service, err);
        return CLI_FAILED;
    }
    report_build(c, name, orc_wall_ms(), &r);
    if (s->out.json)
        print_json(&r);
    else
        print_rollout(&s->out, &r.services.at[0], stdout);
    code = order_needs_people(r.services.at[0].rollout) ? CLI_ROLLOUT_FAILED : CLI_DONE;
    report_release(&r);
    return code;
}

static int status(struct session_args *a, const struct orc_strv *words, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct session s;
    struct cluster c;
    int code = CLI_FAILED;

    if (words->n != 2) {
        orc_fail(err, -EINVAL, "say of which service: %s", usage);
        return CLI_USAGE;
    }
    if (session_split(words->at[1], false, app, service, err) < 0 || session_open(&s, a, err) < 0)
        return CLI_USAGE;
    if (session_read(&s, wait_report_kinds, &c, err) == 0)
        code = show(&s, &c, words->at[1], err);
    cluster_release(&c);
    session_close(&s);
    return code;
}

static int cmd_rollout_status(int argc, char **argv)
{
    struct session_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SESSION_OPTIONS(&a), {0}};
    int r = cmd_options(table, argc, argv, &words, usage, summary);

    if (r < 0) {
        r = status(&a, &words, &err);
        cmd_end(&a, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a);
    return r;
}

int cmd_rollout(int argc, char **argv)
{
    static const enum key_kind kinds[] = {KEY_CONFIG,  KEY_APP,    KEY_REVISION,
                                          KEY_ROLLOUT, KEY_INTENT, KEY_UNKNOWN};
    static const struct verb_spec spec = {
        .usage = usage,
        .summary = summary,
        .kinds = kinds,
        .min_words = 2,
        .max_words = 2,
        .act = act,
    };

    for (int i = 1; i < argc; i++)
        if (orc_streq(argv[i], "status"))
            return cmd_rollout_status(argc, argv);
    return verb_run(&spec, argc, argv);
}
