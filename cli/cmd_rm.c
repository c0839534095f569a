/* cmd_rm.c - `orc rm APP[/SERVICE]`: takes it out of its app; the scheduler stops and collects (behaviour
 * 40). */
#include "cli/verb.h"

static void take_out(struct verb *v, struct record_app *next, const char *app, const char *service)
{
    wait_add(&v->targets, app, service, WAIT_GONE);
    change_remove(next, service);
}

static int act(struct verb *v, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct record_app next;
    int r;

    if (session_split(v->words->at[0], true, app, service, err) < 0)
        return -EINVAL;
    change_copy(&v->cluster, app, &next);
    if (!next.services.n || (service[0] && !change_service(&next, service))) {
        record_app_release(&next);
        return change_no_service(&v->cluster, app, service, err);
    }
    if (service[0])
        take_out(v, &next, app, service);
    while (!service[0] && next.services.n) {
        orc_auto_free char *name = orc_strdup(next.services.at[0].name);

        take_out(v, &next, app, name);
    }
    r = change_app(&v->s, &v->cluster, app, &next, etcd_txn_new(), NULL, err);
    for (size_t i = 0; r == 0 && i < v->targets.n; i++)
        out_line(&v->s.out, "%s/%s: taken out; its containers stop now", app, v->targets.at[i].service);
    record_app_release(&next);
    return r;
}

int cmd_rm(int argc, char **argv)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP, KEY_UNKNOWN};
    static const struct verb_spec spec = {
        .usage = "orc rm APP[/SERVICE] [--detach] [--timeout DURATION]",
        .summary = "Removes an app or one of its services. Named volumes stay on their servers.",
        .kinds = kinds,
        .min_words = 1,
        .max_words = 1,
        .act = act,
    };

    return verb_run(&spec, argc, argv);
}
