/* cmd_recover.c - `orc recover`: the stamp in the cluster's config that ends a freeze (decision 3). */
#include "cli/cmd.h"
#include "cli/init.h"
#include "lib/clock.h"

static int stamp(struct session *s, struct cluster_entry *e, struct orc_err *err)
{
    struct record_config *config = &e->as.config;
    int64_t now = orc_wall_ms();

    config->recovered = now > config->recovered ? now : config->recovered + 1;
    return init_rewrite(s, e, err);
}

static int recover(struct session *s, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_UNKNOWN};
    struct cluster c;
    int r = session_read(s, kinds, &c, err);

    if (r == 0)
        r = stamp(s, cluster_find(&c, key_config(s->cluster)), err);
    cluster_release(&c);
    return r;
}

static int run(struct session_args *a, struct orc_err *err)
{
    struct session s;
    int r;

    if (session_open(&s, a, err) < 0)
        return CLI_USAGE;
    r = recover(&s, err);
    if (r == 0 && s.out.json)
        out_json(json_pack("{s:s}", "outcome", "done"));
    else if (r == 0)
        out_line(&s.out, "done: the daemons of cluster \"%s\" go on with what etcd holds now", s.cluster);
    session_close(&s);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_recover(int argc, char **argv)
{
    struct session_args a = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SESSION_OPTIONS(&a), {0}};
    int r = cmd_options(table, argc, argv, NULL, "orc recover",
                        "Tells every daemon that froze because etcd was wiped, replaced or restored to "
                        "believe what etcd holds now. Look at it first: `orc status`.");

    if (r < 0) {
        r = run(&a, &err);
        cmd_end(&a, r, &err, NULL);
    }
    session_args_release(&a);
    return r;
}
