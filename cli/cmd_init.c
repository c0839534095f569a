/* cmd_init.c - `orc init`: the cluster's config, made once. */
#include "cli/cmd.h"
#include "cli/init.h"
#include "lib/hash.h"

struct init_args {
    struct session_args session;
    char *cidr, *mode;
    int64_t mtu, node_ttl;
    uint64_t lost_grace, address_hold, gateway_retire;
    bool allow_privileged, forbid_privileged;
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
    c->allow_privileged = a->allow_privileged;
}

/* All that can be changed of a cluster which is there. */
static bool only_privileged(const struct init_args *a)
{
    bool more =
        a->cidr || a->mode || a->mtu || a->node_ttl || a->lost_grace || a->address_hold || a->gateway_retire;

    return (a->allow_privileged || a->forbid_privileged) && !more;
}

static int check(const struct record_config *c, struct orc_err *err)
{
    uint32_t net;
    int prefix;

    if (strcmp(c->mode, "bridge") != 0)
        return orc_fail(err, -EINVAL, "--mode \"%s\" is not known; leave it out, or write bridge", c->mode);
    return record_config_cidr(c, &net, &prefix, err);
}

static void tell(const struct session *s, const struct record_config *c, bool made)
{
    const char *privileged = c->allow_privileged ? "allowed" : "not allowed";

    if (s->out.json)
        out_json(record_config_to_json(c));
    else if (made)
        out_line(&s->out, "cluster \"%s\" made: network %s, mode %s", s->cluster, c->cidr, c->mode);
    else
        out_line(&s->out, "cluster \"%s\": privileged containers are %s in what is applied from now on",
                 s->cluster, privileged);
}

static int make_or_change(struct session *s, const struct init_args *a, struct record_config *config,
                          struct orc_err *err)
{
    int r = init_cluster(s, config, err);
    bool made = r == 0;

    if (r == -EEXIST && only_privileged(a)) {
        record_config_release(config);
        *err = (struct orc_err)ORC_ERR_INIT;
        r = init_allow_privileged(s, a->allow_privileged, config, err);
    }
    if (r == 0)
        tell(s, config, made);
    return r;
}

static int init(struct init_args *a, struct orc_err *err)
{
    struct record_config config = {0};
    struct session s;
    int r;

    fill(a, &config);
    r = check(&config, err);
    if (r == 0 && a->allow_privileged && a->forbid_privileged)
        r = orc_fail(err, -EINVAL, "give one of --allow-privileged and --forbid-privileged");
    if (r < 0 || session_open(&s, &a->session, err) < 0) {
        record_config_release(&config);
        return CLI_USAGE;
    }
    r = make_or_change(&s, a, &config, err);
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
        {.name = "allow-privileged",
         .kind = ORC_OPT_BOOL,
         .value = &a.allow_privileged,
         .help = "services may ask for privileged containers; alone, also of a cluster that is there"},
        {.name = "forbid-privileged",
         .kind = ORC_OPT_BOOL,
         .value = &a.forbid_privileged,
         .help = "they may not (default); alone, also of a cluster that is there"},
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(table, argc, argv, NULL, "orc init [--cidr CIDR]", "Makes a new cluster in etcd.");

    if (r < 0) {
        r = init(&a, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    free(a.cidr);
    free(a.mode);
    session_args_release(&a.session);
    return r;
}
