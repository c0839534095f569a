/* cmd_rebalance.c - `orc rebalance`: shows which replicas would move, by the scheduler's own code, and then
 * asks for just that: rebalance_epoch in intents/<app>/<service>. */
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/preview.h"
#include "cli/print_forecast.h"
#include "cli/wait.h"
#include "lib/clock.h"

#include <stdio.h>

#define SERVICES_MOST 100 /* in one transaction; etcd takes 128 compares */

static const char usage[] =
    "orc rebalance APP[/SERVICE]|--all [--dry-run] [--max N] [--detach] [--timeout DURATION]";

struct args {
    struct session_args session;
    bool all, dry_run, detach;
    int64_t max; /* replicas in all; 0: any number */
    uint64_t timeout_ms;
};

struct rebalance {
    struct session *s;
    const struct args *args;
    struct preview_intents intents; /* of the services that are looked at */
    struct forecast_result result;
    int moves;
};

/* ---- which services ---------------------------------------------------------------------------------- */

static int add_service(struct rebalance *r, const struct cluster *c, const char *app, const char *service,
                       struct orc_err *err)
{
    struct preview_intent *i = orc_vec_add(&r->intents);

    snprintf(i->app, sizeof i->app, "%s", app);
    snprintf(i->service, sizeof i->service, "%s", service);
    if (change_intent(c, app, service, &i->intent, err) < 0)
        return -EIO;
    i->intent.rebalance_epoch++;
    i->intent.rebalance_max = 0;
    return 0;
}

/* All of an app (NULL: of all apps), or one service. */
static int add_services(struct rebalance *r, struct cluster *c, const char *app, const char *service,
                        struct orc_err *err)
{
    const struct cluster_entry *e;
    int bad = 0;

    cluster_sort(c);
    for (e = c->entries; e && bad == 0; e = e->hh.next) {
        if (e->key.kind != KEY_APP || e->problem || (app && !orc_streq(e->key.app, app)))
            continue;
        for (size_t i = 0; i < e->as.app.services.n && bad == 0; i++)
            if (!service || !service[0] || orc_streq(e->as.app.services.at[i].name, service))
                bad = add_service(r, c, e->key.app, e->as.app.services.at[i].name, err);
    }
    return bad;
}

static int choose(struct rebalance *r, struct cluster *c, const char *word, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];

    if (!word)
        return add_services(r, c, NULL, NULL, err);
    if (session_split(word, true, app, service, err) < 0)
        return -EINVAL;
    if (!cluster_find(c, key_app(c->name, app)) || (service[0] && !cluster_wanted(c, app, service)))
        return change_no_service(c, app, service, err);
    return add_services(r, c, app, service, err);
}

/* ---- what would move --------------------------------------------------------------------------------- */

static int count_moves(const struct forecast_result *f, const struct preview_intent *i)
{
    orc_auto_free char *name = orc_printf("%s/%s", i->app, i->service);
    const struct forecast_service *s;

    orc_vec_each (s, &f->services)
        if (orc_streq(s->name, name) && s->rollout.rebalance_epoch == i->intent.rebalance_epoch)
            return s->rollout.rebalance_moved;
    return 0;
}

/* Gives each its share of what may move, in order; those with nothing to move are left out. */
static void allot(struct rebalance *r)
{
    int64_t left = r->args->max ? r->args->max : INT64_MAX;
    size_t kept = 0;

    r->moves = 0;
    for (size_t i = 0; i < r->intents.n; i++) {
        struct preview_intent *x = &r->intents.at[i];
        int moves = count_moves(&r->result, x), may = moves < left ? moves : (int)left;

        if (!may) {
            record_intent_release(&x->intent);
            continue;
        }
        left -= may;
        r->moves += may;
        x->intent.rebalance_max = r->args->max ? may : 0;
        r->intents.at[kept++] = *x;
    }
    r->intents.n = kept;
}

/* Uses c up. */
static int foretell(struct rebalance *r, struct cluster *c, struct orc_err *err)
{
    struct preview_change change = {.intents = &r->intents, .zones = session_zones(r->s)};

    forecast_result_release(&r->result);
    return preview_run(c, &change, orc_wall_ms(), &r->result, err);
}

/* With a limit it is looked twice: for what would move at all, then for what moves within the limit. */
static int plan(struct rebalance *r, const char *word, struct orc_err *err)
{
    struct cluster c;
    int bad = session_read(r->s, preview_kinds, &c, err);

    if (bad == 0)
        bad = choose(r, &c, word, err);
    if (bad == 0)
        bad = foretell(r, &c, err);
    cluster_release(&c);
    if (bad < 0)
        return bad;
    allot(r);
    if (!r->args->max || !r->moves)
        return 0;
    bad = session_load(r->s, preview_kinds, &c, err);
    if (bad < 0)
        return bad;
    bad = foretell(r, &c, err);
    cluster_release(&c);
    return bad;
}

/* ---- asking for it ----------------------------------------------------------------------------------- */

static int put_all(struct rebalance *r, const struct cluster *c, struct orc_err *err)
{
    struct etcd_txn *t = NULL;
    int bad = 0;

    for (size_t i = 0; i < r->intents.n && bad == 0; i++) {
        const struct preview_intent *x = &r->intents.at[i];

        if (!t)
            t = etcd_txn_new();
        change_put_intent(c, x->app, x->service, &x->intent, t);
        if (i + 1 == r->intents.n || etcd_txn_n_ops(t) >= SERVICES_MOST)
            bad = session_commit(r->s, orc_take(t), NULL, err);
    }
    return bad != SESSION_CONFLICT
               ? bad
               : orc_fail(err, -EAGAIN,
                          "somebody else wanted something of these services at the same moment; "
                          "look with `orc status` and try again");
}

/* The keys as they are now: what was read for the plan is used up. */
static int ask(struct rebalance *r, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_INTENT, KEY_UNKNOWN};
    struct cluster c;
    int bad = session_load(r->s, kinds, &c, err);

    if (bad < 0)
        return bad;
    for (size_t i = 0; i < r->intents.n && bad == 0; i++) {
        struct preview_intent *x = &r->intents.at[i];
        struct record_intent now = {0};

        bad = change_intent(&c, x->app, x->service, &now, err);
        if (bad == 0 && now.rebalance_epoch + 1 != x->intent.rebalance_epoch)
            bad = orc_fail(
                err, -EAGAIN,
                "somebody else has %s/%s rebalanced at the same moment; nothing was written: look with `orc "
                "status %s/%s` and try again",
                x->app, x->service, x->app, x->service);
        record_intent_release(&now);
    }
    if (bad == 0)
        bad = put_all(r, &c, err);
    cluster_release(&c);
    return bad;
}

/* Of the services the answer says how they came out, not what was foretold. */
static json_t *foretold_json(const struct rebalance *r)
{
    json_t *j = preview_to_json(&r->result);

    json_object_del(j, "services");
    return j;
}

static int follow(struct rebalance *r)
{
    struct wait_targets targets = {0};
    json_t *services = NULL;
    int code = CLI_DONE;

    for (size_t i = 0; i < r->intents.n; i++)
        wait_add(&targets, r->intents.at[i].app, r->intents.at[i].service, WAIT_COMPLETE)->rebalance =
            r->intents.at[i].intent.rebalance_epoch;
    if (r->args->detach)
        services = wait_detached(&targets);
    else
        code = wait_run(r->s, &targets, r->args->timeout_ms, &services);
    if (r->s->out.json)
        wait_print_json(code, r->args->detach, services, foretold_json(r));
    else
        json_decref(services);
    wait_targets_release(&targets);
    return code;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static void print_plan(const struct rebalance *r)
{
    if (r->s->out.json)
        return;
    if (!r->moves)
        out_line(&r->s->out, "nothing is to be moved: no move would gain anything, or nothing else has room");
    else if (r->args->dry_run)
        print_forecast(&r->s->out, &r->result, stdout);
    else if (!r->s->out.quiet)
        print_moves(&r->s->out, &r->result, stdout);
}

static int rebalance(struct rebalance *r, const char *word, struct orc_err *err)
{
    int bad = plan(r, word, err);

    if (bad < 0)
        return bad == -EINVAL ? CLI_USAGE : CLI_FAILED;
    print_plan(r);
    if (!r->moves || r->args->dry_run) {
        if (r->s->out.json)
            out_json(preview_to_json(&r->result));
        return CLI_DONE;
    }
    return ask(r, err) < 0 ? CLI_FAILED : follow(r);
}

static int run(const struct args *a, const struct orc_strv *words, struct session_args *session,
               struct orc_err *err)
{
    struct session s;
    struct rebalance r = {.s = &s, .args = a};
    struct preview_intent *i;
    int code;

    if (words->n + a->all != 1) {
        orc_fail(err, -EINVAL, "say what to rebalance, an app, a service or --all: %s", usage);
        return CLI_USAGE;
    }
    if (session_open(&s, session, err) < 0)
        return CLI_USAGE;
    code = rebalance(&r, words->n ? words->at[0] : NULL, err);
    forecast_result_release(&r.result);
    orc_vec_each (i, &r.intents)
        record_intent_release(&i->intent);
    orc_vec_release(&r.intents);
    session_close(&s);
    return code;
}

int cmd_rebalance(int argc, char **argv)
{
    struct args a = {.timeout_ms = CMD_TIMEOUT_MS};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "all", .kind = ORC_OPT_BOOL, .value = &a.all, .help = "every service"},
        {.name = "dry-run",
         .kind = ORC_OPT_BOOL,
         .value = &a.dry_run,
         .help = "only tell what would move, and in which steps"},
        {.name = "max",
         .kind = ORC_OPT_INT,
         .value = &a.max,
         .meta = "N",
         .help = "move no more replicas than so many, in all (default: no limit)",
         .min = 1,
         .max = SPEC_REPLICAS_MAX},
        CMD_WAIT_OPTIONS(&a.detach, &a.timeout_ms),
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r =
        cmd_options(table, argc, argv, &words, usage,
                    "Moves as few replicas as possible to where they would be if they were placed anew: "
                    "to servers that came or came back. The new one is available before the old one goes; "
                    "as many at once as update_config.parallelism says. Prints the moves first.");

    if (r < 0) {
        r = run(&a, &words, &a.session, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
