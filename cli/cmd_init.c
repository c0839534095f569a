/* cmd_init.c - `orc init`: the cluster's config, made once; `orc recover`: its stamp. */
#include "cli/cmd.h"
#include "cli/init.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/units.h"

struct init_args {
    struct session_args session;
    char *cidr, *mode;
    int64_t mtu, node_ttl;
    uint64_t lost_grace, address_hold, gateway_retire;
};

static void fill(const struct init_args *a, struct record_config *c)
{
    char id[33];

    orc_random_hex(32, id);
    record_config_default(c, id);
    if (a->cidr)
        orc_set_str(&c->cidr, a->cidr);
    if (a->mode)
        orc_set_str(&c->mode, a->mode);
    if (a->mtu)
        c->mtu = (int)a->mtu;
    if (a->node_ttl)
        c->node_ttl_s = a->node_ttl;
    if (a->lost_grace)
        c->lost_grace_ms = a->lost_grace;
    if (a->address_hold)
        c->address_hold_ms = a->address_hold;
    if (a->gateway_retire)
        c->gateway_retire_ms = a->gateway_retire;
}

static int check(const struct record_config *c, struct orc_err *err)
{
    uint32_t net;
    int prefix;

    if (strcmp(c->mode, "bridge") != 0)
        return orc_fail(err, -EINVAL, "--mode \"%s\" is not supported: bridge", c->mode);
    return record_config_cidr(c, &net, &prefix, err);
}

static int init(const struct init_args *a, struct orc_err *err)
{
    struct record_config config = {0};
    struct session s;
    int r;

    fill(a, &config);
    r = check(&config, err);
    if (r < 0 || session_open(&s, &a->session, err) < 0) {
        record_config_release(&config);
        return CLI_USAGE;
    }
    r = init_cluster(&s, &config, err);
    if (r == 0 && s.out.json)
        out_json(record_config_to_json(&config));
    else if (r == 0)
        out_line(&s.out, "cluster \"%s\" made: network %s, mode %s", s.cluster, config.cidr, config.mode);
    record_config_release(&config);
    session_close(&s);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_init(int argc, char **argv)
{
    struct init_args a = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "cidr",
         .kind = ORC_OPT_STR,
         .value = &a.cidr,
         .meta = "CIDR",
         .help = "the containers' network (default 10.210.0.0/16); each node gets a /24 of it"},
        {.name = "mode", .kind = ORC_OPT_STR, .value = &a.mode, .meta = "MODE", .help = "bridge (default)"},
        {.name = "mtu",
         .kind = ORC_OPT_INT,
         .value = &a.mtu,
         .meta = "BYTES",
         .min = 576,
         .max = 65535,
         .help = "MTU of the containers' network (default: the private interface's)"},
        {.name = "node-ttl",
         .kind = ORC_OPT_INT,
         .value = &a.node_ttl,
         .meta = "SECONDS",
         .min = 2,
         .max = 600,
         .help = "a node's heartbeat lives so long (default 4)"},
        {.name = "lost-grace",
         .kind = ORC_OPT_MS,
         .value = &a.lost_grace,
         .meta = "DURATION",
         .help = "from a lost heartbeat to replacing the node's tasks (default 3s)"},
        {.name = "address-hold",
         .kind = ORC_OPT_MS,
         .value = &a.address_hold,
         .meta = "DURATION",
         .help = "how long the address of a removed container rests (default 1m)"},
        {.name = "gateway-retire",
         .kind = ORC_OPT_MS,
         .value = &a.gateway_retire,
         .meta = "DURATION",
         .help = "when a gateway without heartbeat is forgotten (default 1m)"},
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(table, argc, argv, NULL, "orc init [--cidr CIDR]", "Makes a new cluster in etcd.");

    if (r < 0) {
        r = init(&a, &err);
        if (r != CLI_DONE)
            cmd_fail(r, &err);
    }
    free(a.cidr);
    free(a.mode);
    session_args_release(&a.session);
    return r;
}

/* ---- recover
 * ------------------------------------------------------------------------------------------------- */

static int recover(struct session *s, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_UNKNOWN};
    orc_auto_free char *key = key_config(s->cluster);
    orc_auto_free char *text = NULL;
    struct cluster c;
    struct cluster_entry *e;
    struct etcd_txn *t;
    int r = session_load(s, kinds, &c, err);

    if (r < 0)
        return r;
    r = session_need_config(s, &c, err);
    if (r == 0) {
        e = cluster_find(&c, key_config(s->cluster));
        e->as.config.recovered =
            orc_wall_ms() > e->as.config.recovered ? orc_wall_ms() : e->as.config.recovered + 1;
        text = record_config_text(&e->as.config);
        t = etcd_txn_new();
        etcd_txn_if_mod_revision(t, key, e->mod_revision);
        etcd_txn_put(t, key, text, 0);
        r = session_commit(s, t, NULL, err);
        if (r == SESSION_CONFLICT)
            r = orc_fail(err, -EAGAIN,
                         "somebody else changed the cluster's config at the same moment; try again");
    }
    cluster_release(&c);
    return r;
}

int cmd_recover(int argc, char **argv)
{
    struct session_args a = {0};
    struct session s = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SESSION_OPTIONS(&a), {0}};
    int r = cmd_options(table, argc, argv, NULL, "orc recover",
                        "Tells every daemon that froze because etcd was wiped, replaced or restored to "
                        "believe what etcd holds "
                        "now. Look at it first: `orc status`.");

    if (r < 0) {
        if (session_open(&s, &a, &err) < 0)
            r = cmd_fail(CLI_USAGE, &err);
        else if (recover(&s, &err) < 0)
            r = cmd_fail(CLI_FAILED, &err);
        else {
            out_line(&s.out, "done: the daemons of cluster \"%s\" go on with what etcd holds now", s.cluster);
            r = CLI_DONE;
        }
        session_close(&s);
    }
    session_args_release(&a);
    return r;
}
