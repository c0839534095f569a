#include "cli/restart.h"

#define SERVICES_MOST 100 /* in one transaction; etcd takes 128 compares */

static int restart_one(struct verb *v, struct etcd_txn *t, const char *app, const char *service,
                       struct orc_err *err)
{
    struct record_intent next;
    int r = change_intent(&v->cluster, app, service, &next, err);

    if (r < 0)
        return r;
    next.restart_epoch++;
    change_put_intent(&v->cluster, app, service, &next, t);
    wait_add(&v->targets, app, service, WAIT_COMPLETE)->epoch = next.restart_epoch;
    record_intent_release(&next);
    return 0;
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

int restart_services(struct verb *v, const char *app, const struct orc_strv *services, struct orc_err *err)
{
    struct etcd_txn *t = NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && i < services->n; i++) {
        if (!t)
            t = etcd_txn_new();
        r = restart_one(v, t, app, services->at[i], err);
        if (r == 0 && (i + 1 == services->n || etcd_txn_n_ops(t) >= SERVICES_MOST))
            r = commit(v, orc_take(t), app, err);
    }
    etcd_txn_free(t);
    return r;
}
