/* cmd_restart.c - `orc restart APP[/SERVICE]`: raises the restart epoch; the scheduler rolls it within the
 * update policy. */
#include "cli/verb.h"

static int restart_one(struct verb *v, const char *app, const char *service, struct orc_err *err)
{
    const struct cluster_entry *e = cluster_find(&v->cluster, key_intent(v->s.cluster, app, service));
    orc_auto_free char *key = key_intent(v->s.cluster, app, service);
    struct record_intent next = {.restart_epoch = e ? e->as.intent.restart_epoch + 1 : 1};
    orc_auto_free char *text = record_intent_text(&next);
    struct etcd_txn *t = etcd_txn_new();
    int r;

    etcd_txn_if_mod_revision(t, key, e ? e->mod_revision : 0);
    etcd_txn_put(t, key, text, 0);
    r = session_commit(&v->s, t, NULL, err);
    if (r == SESSION_CONFLICT)
        return orc_fail(
            err, -EAGAIN,
            "somebody else restarted %s/%s at the same moment; try again if one restart is not enough", app,
            service);
    if (r == 0)
        wait_add(&v->targets, app, service, 0, next.restart_epoch, false);
    return r;
}

static int act(struct verb *v, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    const struct cluster_entry *e;
    int r = 0;

    if (session_split(v->words->at[0], true, app, service, err) < 0)
        return -EINVAL;
    e = cluster_find(&v->cluster, key_app(v->s.cluster, app));
    if (!e || (service[0] && !cluster_wanted(&v->cluster, app, service)))
        return change_no_service(&v->cluster, app, service, err);
    if (service[0])
        return restart_one(v, app, service, err);
    for (size_t i = 0; r == 0 && i < e->as.app.services.n; i++)
        r = restart_one(v, app, e->as.app.services.at[i].name, err);
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
