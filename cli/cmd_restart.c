/* cmd_restart.c - `orc restart APP[/SERVICE]`: raises the restart epoch; the scheduler rolls it within the
 * update policy. */
#include "cli/restart.h"

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
    r = restart_services(v, app, &services, err);
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
