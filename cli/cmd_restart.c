/* cmd_restart.c - `orc restart APP[/SERVICE]`: raises the restart epoch; the scheduler rolls it within the
 * update policy. */
#include "cli/verb.h"

#define SERVICES_MOST 100 /* in one transaction; etcd takes 128 compares */

static void restart_one(struct verb *v, struct etcd_txn *t, const char *app, const char *service)
{
    const struct cluster_entry *e = cluster_find(&v->cluster, key_intent(v->s.cluster, app, service));
    orc_auto_free char *key = key_intent(v->s.cluster, app, service);
    struct record_intent next = {.restart_epoch = e ? e->as.intent.restart_epoch + 1 : 1};
    orc_auto_free char *text = record_intent_text(&next);

    etcd_txn_if_mod_revision(t, key, e ? e->mod_revision : 0);
    etcd_txn_put(t, key, text, 0);
    wait_add(&v->targets, app, service, 0, next.restart_epoch, false);
}

static int commit(struct verb *v, struct etcd_txn *t, const char *app, struct orc_err *err)
{
    int r = session_commit(&v->s, t, NULL, err);

    if (r == SESSION_CONFLICT)
        return orc_fail(
            err, -EAGAIN,
            "somebody else restarted %s at the same moment; try again if one restart is not enough", app);
    return r;
}

/* An intent that can't be read is not written over. */
static int check_intent(const struct verb *v, const char *app, const char *service, struct orc_err *err)
{
    orc_auto_free char *key = key_intent(v->s.cluster, app, service);
    const char *problem = cluster_problem(&v->cluster, orc_strdup(key));

    return !problem ? 0
                    : orc_fail(err, -EIO, "the key %s can't be read (%s): delete it with `etcdctl del %s`",
                               key, problem, key);
}

static int restart(struct verb *v, const char *app, const struct orc_strv *services, struct orc_err *err)
{
    struct etcd_txn *t = NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && i < services->n; i++)
        r = check_intent(v, app, services->at[i], err);
    for (size_t i = 0; r == 0 && i < services->n; i++) {
        if (!t)
            t = etcd_txn_new();
        restart_one(v, t, app, services->at[i]);
        if (i + 1 == services->n || etcd_txn_n_ops(t) >= SERVICES_MOST)
            r = commit(v, orc_take(t), app, err);
    }
    return r;
}

static int act(struct verb *v, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    const struct cluster_entry *e;
    struct orc_strv services = {0};
    int r;

    if (session_split(v->words->at[0], true, app, service, err) < 0)
        return -EINVAL;
    e = cluster_find(&v->cluster, key_app(v->s.cluster, app));
    if (!e || (service[0] && !cluster_wanted(&v->cluster, app, service)))
        return change_no_service(&v->cluster, app, service, err);
    if (service[0])
        orc_strv_add(&services, service);
    for (size_t i = 0; !service[0] && i < e->as.app.services.n; i++)
        orc_strv_add(&services, e->as.app.services.at[i].name);
    r = restart(v, app, &services, err);
    for (size_t i = 0; r == 0 && i < services.n; i++)
        out_line(&v->s.out, "%s/%s: restarts, rolling", app, services.at[i]);
    orc_strv_release(&services);
    return r;
}

int cmd_restart(int argc, char **argv)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP, KEY_INTENT, KEY_UNKNOWN};
    static const struct verb_spec spec = {
        .usage = "orc restart APP[/SERVICE] [--detach] [--timeout DURATION]",
        .summary = "Replaces every replica by a fresh one, rolling, within the service's update_config.",
        .kinds = kinds,
        .min_words = 1,
        .max_words = 1,
        .act = act,
    };

    return verb_run(&spec, argc, argv);
}
