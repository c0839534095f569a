#include "cli/init.h"

#include "lib/hash.h"

int init_cluster(struct session *s, const struct record_config *config, struct orc_err *err)
{
    orc_auto_free char *key = key_config(s->cluster);
    orc_auto_free char *text = record_config_text(config);
    struct etcd_txn *t = etcd_txn_new();
    int r;

    etcd_txn_if_create_revision(t, key, 0);
    etcd_txn_put(t, key, text, 0);
    r = session_commit(s, t, NULL, err);
    if (r == SESSION_CONFLICT)
        return orc_fail(err, -EEXIST,
                        "the cluster \"%s\" exists already in etcd %s; nothing was changed: use it, or make "
                        "another with --cluster "
                        "NAME",
                        s->cluster, etcd_endpoint(s->etcd));
    return r;
}

int init_rewrite(struct session *s, const struct cluster_entry *e, struct orc_err *err)
{
    orc_auto_free char *text = record_config_text(&e->as.config);
    struct etcd_txn *t = etcd_txn_new();
    int r;

    etcd_txn_if_mod_revision(t, e->name, e->mod_revision);
    etcd_txn_put(t, e->name, text, 0);
    r = session_commit(s, t, NULL, err);
    if (r == SESSION_CONFLICT)
        return orc_fail(
            err, -EAGAIN,
            "somebody else changed the cluster's config at the same moment; nothing was written: look "
            "with `orc status` and try again");
    return r;
}

int init_allow_privileged(struct session *s, bool allow, struct record_config *ret_config,
                          struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_UNKNOWN};
    struct cluster c;
    int r = session_read(s, kinds, &c, err);
    struct cluster_entry *e = r == 0 ? cluster_find(&c, key_config(s->cluster)) : NULL;

    if (e && e->as.config.allow_privileged != allow) {
        e->as.config.allow_privileged = allow;
        r = init_rewrite(s, e, err);
    }
    if (r == 0) {
        *ret_config = e->as.config;
        e->as.config = (struct record_config){0};
    }
    cluster_release(&c);
    return r;
}

int init_default(struct session *s, struct orc_err *err)
{
    struct record_config config = {0};
    char id[33];
    int r;

    orc_random_hex(32, id);
    record_config_default(&config, id);
    r = init_cluster(s, &config, err);
    record_config_release(&config);
    return r;
}
